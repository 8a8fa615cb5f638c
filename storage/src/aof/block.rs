//! Blocks: what was written at once, between two lines that Redis skips.
//!
//! ```text
//! #KT=2f                      0x2f bytes of whole records stand behind this line,
//! *3
//! …
//! #KT=1a2b 0123456789abcdef   and those that begin at offset 0x1a2b have this CRC64
//! ```
//!
//! # Why a line in front and one behind
//! The length has to come first. Whoever reads a block sums it up before anything of it is
//! replayed, so what is damaged is never applied, and without a length the end of the block could
//! only be looked for, by the very lengths of words that may be what is damaged. A file is read
//! once, and no more of it is held in memory than without the lines.
//!
//! The checksum comes last, with the place that its block began at, because a block may lack its
//! end: the server was killed while it wrote, and the file was cut behind the last whole record,
//! by the next start or by `redis-check-aof --fix`, and written on, by Keytag or by Redis. Where
//! the first line puts the end of the block then stands anything but this very last line. Such a
//! block was cut, and its records are taken one by one, like those of a file without blocks: they
//! are as good as whatever else says so. Where that line does stand, the block was written whole,
//! and if the checksum differs it was damaged since: then nothing of it is replayed, nor of what
//! follows. A tail of zeros has cut a block as well, and costs only what it covers.
//!
//! Files that Redis has written have no blocks, and may be continued with some.
//!
//! # The file before
//! ```text
//! #KT^1a2b   the incremental file before this one was 0x1a2b bytes long when this one was begun
//! ```
//!
//! stands in front of the first block of an incremental file that follows another. Should the other
//! have lost its end since, in between two blocks, then what follows was made on top of what is
//! not there any more. For the same reason a base of blocks begins with the first of these lines
//! and ends with the second:
//!
//! ```text
//! #KT.0
//! #KT.3c4d   the base is 0x3c4d bytes long up to here, and complete
//! ```

use std::io::{IoSlice, Write};

use crate::rdb::crc64::crc64;

/// What the lines around a block begin with. One flipped bit makes no other annotation of ours out of it.
const MARK: &[u8] = b"#KT=";

/// What the line about the file before begins with.
const BEFORE: &[u8] = b"#KT^";

/// What the first and the last line of a base begin with.
const WHOLE: &[u8] = b"#KT.";

/// The most that a line takes: the mark, two numbers, a space and the line end.
pub(super) const LINE_BYTES: usize = MARK.len() + 16 + 1 + 16 + 2;

/// What one of the lines says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// So many bytes follow.
    Begin { length: u64 },
    /// Those that began there have this checksum.
    End { start: u64, sum: u64 },
    /// The file before was so long.
    Before { length: u64 },
    /// The base is so long up to here, and complete if nothing follows; in front, that it will say so.
    Whole { length: u64 },
}

/// One of the lines, made without an allocation.
#[derive(Debug)]
pub(super) struct Line {
    bytes: [u8; LINE_BYTES],
    length: usize,
}

/// The line that says that a base of so many bytes is complete, or begins one.
pub(super) fn whole_line(length: u64) -> Line {
    Mark::Whole { length }.line()
}

/// The lines around a block.
#[derive(Debug)]
pub(super) struct Frame {
    /// Mostly empty.
    before: Line,
    begin: Line,
    end: Line,
}

impl Frame {
    /// For a block whose first line stands at that offset of its file.
    pub(super) fn new(offset: u64, block: &[u8]) -> Frame {
        Frame::behind(Line::EMPTY, offset, block)
    }

    /// For the first block of a file whose predecessor is so long.
    pub(super) fn first(before_bytes: u64, block: &[u8]) -> Frame {
        let length = before_bytes;
        Frame::behind(Mark::Before { length }.line(), 0, block)
    }

    fn behind(before: Line, offset: u64, block: &[u8]) -> Frame {
        let offset = offset + before.length as u64;
        let length = block.len() as u64;
        let begin = Mark::Begin { length }.line();
        let start = offset + begin.as_bytes().len() as u64;
        let sum = crc64(block);
        Frame {
            before,
            begin,
            end: Mark::End { start, sum }.line(),
        }
    }

    /// What stands in the file.
    pub(super) fn around<'a>(&'a self, block: &'a [u8]) -> [IoSlice<'a>; 4] {
        let (before, begin) = (self.before.as_bytes(), self.begin.as_bytes());
        [before, begin, block, self.end.as_bytes()].map(IoSlice::new)
    }

    /// The bytes of all lines.
    pub(super) fn bytes(&self) -> usize {
        self.before.length + self.begin.length + self.end.length
    }
}

impl Line {
    const EMPTY: Line = Line {
        bytes: [0; LINE_BYTES],
        length: 0,
    };

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Mark {
    fn line(self) -> Line {
        let mut bytes = [0; LINE_BYTES];
        let mut left = &mut bytes[..];
        let mark = match self {
            Mark::Begin { .. } | Mark::End { .. } => MARK,
            Mark::Before { .. } => BEFORE,
            Mark::Whole { .. } => WHOLE,
        };
        let written = left.write_all(mark).and_then(|()| match self {
            Mark::Begin { length } | Mark::Before { length } | Mark::Whole { length } => {
                write!(left, "{length:x}\r\n")
            }
            Mark::End { start, sum } => write!(left, "{start:x} {sum:016x}\r\n"),
        });
        written.expect("a line is as long as its longest numbers");
        let length = LINE_BYTES - left.len();
        Line { bytes, length }
    }

    /// What a line says, its end not included; the inner `None` if it is malformed, the outer one
    /// if it is another line.
    pub(super) fn parse(line: &[u8]) -> Option<Option<Mark>> {
        if let Some(digits) = line.strip_prefix(BEFORE) {
            return Some(hexadecimal(digits).map(|length| Mark::Before { length }));
        }
        if let Some(digits) = line.strip_prefix(WHOLE) {
            return Some(hexadecimal(digits).map(|length| Mark::Whole { length }));
        }
        let body = line.strip_prefix(MARK)?;
        let mut numbers = body.split(|&byte| byte == b' ');
        let (first, sum, more) = (numbers.next(), numbers.next(), numbers.next());
        let first = first.and_then(hexadecimal);
        Some(match (first, sum, more) {
            (Some(length), None, None) => Some(Mark::Begin { length }),
            (Some(start), Some(sum), None) if sum.len() == 16 => {
                hexadecimal(sum).map(|sum| Mark::End { start, sum })
            }
            _ => None,
        })
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let are_digits = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| are_digits)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line) -> &str {
        std::str::from_utf8(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_block_stands_between_its_length_and_its_checksum() {
        let frame = Frame::new(0x1000, b"123456789");
        assert_eq!(text(&frame.begin), "#KT=9\r\n");
        // The check value of the CRC64 of Redis.
        assert_eq!(text(&frame.end), "#KT=1007 e9c6d914c4b8d9ca\r\n");
        assert_eq!(frame.bytes(), 7 + 27);
        let frame = Frame::first(0x20, b"123456789");
        assert_eq!(text(&frame.before), "#KT^20\r\n");
        assert_eq!(text(&frame.end), "#KT=f e9c6d914c4b8d9ca\r\n");
        assert_eq!(frame.bytes(), 8 + 7 + 24);
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        for number in [0, 1, 0xf, 0x10, 0xabcd_ef01, u64::MAX] {
            let (length, start, sum) = (number, number, number.rotate_left(7));
            for mark in [
                Mark::Begin { length },
                Mark::End { start, sum },
                Mark::Before { length },
                Mark::Whole { length },
            ] {
                let line = mark.line();
                let body = line.as_bytes().strip_suffix(b"\r\n").unwrap();
                assert_eq!(Mark::parse(body), Some(Some(mark)));
            }
        }
        let longest = Mark::End {
            start: u64::MAX,
            sum: 0,
        };
        assert_eq!(longest.line().length, LINE_BYTES);
    }

    #[test]
    fn what_is_never_written_is_malformed_and_other_lines_are_others() {
        for line in [
            &b"#KT="[..],
            b"#KT=+1",
            b"#KT=1\r",
            b"#KT=g",
            b"#KT= 1",
            b"#KT=1 ",
            b"#KT=1 2",
            b"#KT=1 0123456789abcde",
            b"#KT=1 0123456789abcdeg",
            b"#KT=1 0123456789abcdef0",
            b"#KT=1 0123456789abcdef 1",
            b"#KT=11111111111111111",
            b"#KT^",
            b"#KT^1 2",
            b"#KT.",
            b"#KT.x",
        ] {
            assert_eq!(Mark::parse(line), Some(None), "{}", line.escape_ascii());
        }
        for line in [&b"#KT"[..], b"#KT:1", b"#KT+1", b"# KT=1", b"#TS:1", b""] {
            assert_eq!(Mark::parse(line), None, "{}", line.escape_ascii());
        }
    }
}
