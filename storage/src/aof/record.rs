//! What stands in a file: requests as RESP arrays, and annotation lines that Redis skips.
//!
//! Redis (7.0 and later) skips a line that begins with `#`, if it is no longer than 1,023 bytes
//! with its end; `redis-check-aof` does the same. Redis itself writes `#TS:<unix seconds>` there.
//! Ours are lists of words:
//!
//! ```text
//! #KT:TAGADD key tag        a request that Redis does not know, made at this place of the replay
//! #KT:NEXT TAGS 2 a b       words that are put behind those of the next request
//! #KT+TAGADD key0000…       the beginning of a list too long for one line …
//! #KT:…0000 tag             … and its end
//! ```
//!
//! What begins with `#KT=`, `#KT^` or `#KT.` belongs to [blocks](super#checksums), and is no list.
//!
//! Words are separated by one space; bytes up to 0x20, `%` and from 0x7f on are written as `%` and
//! two hexadecimal digits, so any bytes fit, and an empty word is just nothing between two spaces.
//! `NEXT` exists so that a torn write can never leave a key without its tags: `SET` and what
//! belongs to it is one request when replayed, and Redis still sees its plain part.

use protocol::encode_request;

use super::words::Words;

/// Longest annotation line that Redis skips, its end included (`AOF_ANNOTATION_LINE_MAX_LEN`
/// counts a NUL too).
pub(super) const LINE_MAX_BYTES: usize = 1023;

/// The first word of an annotation whose other words belong to the next request.
const NEXT: &[u8] = b"NEXT";

const LAST_LINE: &[u8] = b"#KT:";
const MORE_LINE: &[u8] = b"#KT+";

/// Appends a request that Redis knows.
pub fn write_record<'a>(
    words: impl IntoIterator<Item = &'a [u8], IntoIter: ExactSizeIterator>,
    out: &mut Vec<u8>,
) {
    encode_request(words.into_iter(), out);
}

/// Appends a request that Redis does not know, for it to skip. Writes nothing without words.
pub fn write_annotation<'a>(words: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    let mut words = words.into_iter();
    let Some(first) = words.next() else {
        return;
    };
    let mut line = AnnotationLine::begin(out);
    line.word(first);
    for word in words {
        line.raw(b" ");
        line.word(word);
    }
    line.end();
}

/// Appends words that belong to the next request, which must follow at once and must be no
/// `MULTI`, `EXEC` or `SELECT`.
pub fn write_next<'a>(words: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    write_annotation([NEXT].into_iter().chain(words), out);
}

/// Appends Redis' own annotation of the time of what follows (`aof-timestamp-enabled`).
pub fn write_timestamp(unix_secs: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("#TS:{unix_secs}\r\n").as_bytes());
}

/// What an annotation line means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Annotation {
    /// A request to be made.
    Request(Words),
    /// Words for the next request.
    Next(Words),
    /// Redis' time of what follows, in Unix seconds.
    Timestamp(i64),
    /// Not the last line of a list.
    Unfinished,
    /// A remark of someone else.
    Foreign,
}

/// An annotation of ours that makes no sense: no word, a raw byte, or a `%` without two digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Puts lists together from their lines.
#[derive(Debug, Default)]
pub(super) struct AnnotationReader {
    words: Words,
    is_unfinished: bool,
}

impl AnnotationReader {
    /// Whether a list has begun and not ended: then only its next line may follow.
    pub(super) fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    /// Takes a line that begins with `#`, without its end.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Annotation, Malformed> {
        if let Some(body) = line.strip_prefix(MORE_LINE) {
            self.is_unfinished = true;
            return self.body(body).map(|()| Annotation::Unfinished);
        }
        if let Some(body) = line.strip_prefix(LAST_LINE) {
            self.is_unfinished = false;
            return self.body(body).and_then(|()| self.finish());
        }
        if self.is_unfinished {
            return Err(Malformed);
        }
        Ok(timestamp(line).map_or(Annotation::Foreign, Annotation::Timestamp))
    }

    fn body(&mut self, body: &[u8]) -> Result<(), Malformed> {
        let mut rest = body;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            match byte {
                b' ' => self.words.end_word(),
                b'%' => {
                    let (digits, tail) = rest.split_at_checked(2).ok_or(Malformed)?;
                    self.words.bytes_mut().push(hex_byte(digits)?);
                    rest = tail;
                }
                b'!'..=b'~' => self.words.bytes_mut().push(byte),
                _ => return Err(Malformed),
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Annotation, Malformed> {
        self.words.end_word();
        let words = std::mem::take(&mut self.words);
        match words.first() {
            b"" => Err(Malformed),
            NEXT => {
                let mut behind = Words::default();
                words.iter().skip(1).for_each(|word| behind.push(word));
                Ok(Annotation::Next(behind))
            }
            _ => Ok(Annotation::Request(words)),
        }
    }
}

fn timestamp(line: &[u8]) -> Option<i64> {
    let digits = line.strip_prefix(b"#TS:")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn hex_byte(digits: &[u8]) -> Result<u8, Malformed> {
    digits.iter().try_fold(0, |byte, &digit| {
        let value = char::from(digit).to_digit(16).ok_or(Malformed)?;
        Ok(byte << 4 | value as u8)
    })
}

/// An annotation being written, broken into lines where it must be.
struct AnnotationLine<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> AnnotationLine<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(LAST_LINE);
        Self { out, start }
    }

    fn word(&mut self, word: &[u8]) {
        self.out.reserve(word.len() + LAST_LINE.len() + 2);
        for &byte in word {
            match byte {
                b'%' | 0..=b' ' | 0x7f.. => {
                    let digit = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble)];
                    self.raw(&[b'%', digit(byte >> 4), digit(byte & 15)]);
                }
                _ => self.raw(&[byte]),
            }
        }
    }

    /// Writes what must stay together in one line.
    fn raw(&mut self, piece: &[u8]) {
        if self.out.len() - self.start + piece.len() + 2 > LINE_MAX_BYTES {
            // Only now it is known that more follows, so the mark at the beginning is changed.
            let mark = self.start + LAST_LINE.len() - 1;
            self.out[mark] = b'+';
            self.out.extend_from_slice(b"\r\n");
            self.start = self.out.len();
            self.out.extend_from_slice(LAST_LINE);
        }
        self.out.extend_from_slice(piece);
    }

    fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(words: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        write_annotation(words.iter().copied(), &mut out);
        out
    }

    /// The words that the lines of `text` give back.
    fn read(text: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
        let mut reader = AnnotationReader::default();
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            assert!(
                line.len() <= LINE_MAX_BYTES,
                "Redis would not skip the line"
            );
            match reader.line(line.strip_suffix(b"\r\n").unwrap())? {
                Annotation::Request(words) => {
                    return Ok(words.iter().map(<[u8]>::to_vec).collect());
                }
                Annotation::Unfinished => assert!(reader.is_unfinished()),
                other => panic!("{other:?}"),
            }
        }
        panic!("no last line");
    }

    #[test]
    fn annotations_are_readable_lines() {
        assert_eq!(
            written(&[b"TAGADD", b"key", b"tag"]),
            b"#KT:TAGADD key tag\r\n"
        );
        assert_eq!(
            written(&[b"T", b"", b"%\r\n \x7f\xff"]),
            b"#KT:T  %25%0D%0A%20%7F%FF\r\n"
        );
        assert_eq!(written(&[b"T", b""]), b"#KT:T \r\n");
        assert_eq!(written(&[]), b"");
        let mut out = Vec::new();
        write_next([&b"TAGS"[..], b"2", b"a", b"b"], &mut out);
        write_timestamp(1_700_000_000, &mut out);
        assert_eq!(out, b"#KT:NEXT TAGS 2 a b\r\n#TS:1700000000\r\n");
    }

    #[test]
    fn every_byte_and_empty_words_survive() {
        let all: Vec<u8> = (0..=255).collect();
        for words in [
            &[&b"T"[..], &all, b"", b"", b"x", b""][..],
            &[b"T", b""],
            &[b"T"],
            &[b"T", b"NEXT", b" ", b"%"],
        ] {
            assert_eq!(read(&written(words)).unwrap(), words);
        }
    }

    #[test]
    fn lists_of_any_length_are_cut_into_lines() {
        // Around the length of one line and of two, with bytes of one and of three letters.
        for length in (990..1030).chain(2020..2050).chain([100_000]) {
            for byte in [b'x', b'%'] {
                let long = vec![byte; length];
                let words = [&b"T"[..], &long, b"end"];
                assert_eq!(read(&written(&words)).unwrap(), words);
            }
        }
    }

    #[test]
    fn a_line_is_filled_to_the_last_byte() {
        let fits = vec![b'x'; LINE_MAX_BYTES - LAST_LINE.len() - 2];
        assert_eq!(written(&[&fits]).len(), LINE_MAX_BYTES);
        let over = vec![b'x'; fits.len() + 1];
        let lines = written(&[&over]);
        assert!(lines.starts_with(MORE_LINE));
        assert!(lines.ends_with(b"\r\n#KT:x\r\n"));
    }

    #[test]
    fn next_and_timestamps_and_remarks_are_told_apart() {
        let one = |line: &[u8]| AnnotationReader::default().line(line);
        let mut behind = Words::default();
        behind.push(b"TAGS");
        behind.push(b"1");
        assert_eq!(one(b"#KT:NEXT TAGS 1"), Ok(Annotation::Next(behind)));
        assert_eq!(one(b"#KT:NEXT"), Ok(Annotation::Next(Words::default())));
        assert_eq!(
            one(b"#TS:1700000000"),
            Ok(Annotation::Timestamp(1_700_000_000))
        );
        for remark in [&b"#"[..], b"# KT:x", b"#KT", b"#TS:abc", b"#\xff\0"] {
            assert_eq!(one(remark), Ok(Annotation::Foreign));
        }
    }

    #[test]
    fn what_we_never_write_is_malformed() {
        for line in [
            &b"#KT:"[..],
            b"#KT: a",
            b"#KT:a%",
            b"#KT:a%4",
            b"#KT:a%4x",
            b"#KT:a%+4",
            b"#KT:a\x80",
            b"#KT:a\0",
            b"#KT+a\r",
        ] {
            assert_eq!(
                AnnotationReader::default().line(line),
                Err(Malformed),
                "{line:?}"
            );
        }
        let mut reader = AnnotationReader::default();
        assert_eq!(reader.line(b"#KT+TAGADD k"), Ok(Annotation::Unfinished));
        assert_eq!(reader.line(b"#TS:1"), Err(Malformed));
    }
}
