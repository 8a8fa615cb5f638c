//! One file, replayed from its beginning, and where what can be replayed ends.
//!
//! A record counts when all of it is there, a transaction when its `EXEC` is, and words for the
//! next request when that request is. What comes after the last of those is the tail: cut off by
//! a kill ([`End::Torn`]) or no record at all ([`End::Damaged`]).
//!
//! Stricter than the loader of Redis, which takes any two bytes for the end of a word and any
//! letters behind a number, and as strict as `redis-check-aof`. A flipped bit is found wherever it
//! is, if it is in a [block](super#checksums): nothing of one is given out before its checksum is
//! known to be right.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use protocol::Request;

use super::block::{self, Mark};
use super::record::{Annotation, AnnotationReader, LINE_MAX_BYTES};
use super::words::Words;
use crate::rdb::crc64::Crc64;

/// Reads requests out of one append-only file.
///
/// Holds one record in memory, or one transaction, never the file. `SELECT` is given out as any
/// request; each file begins in database 0.
#[derive(Debug)]
pub struct Reader<R> {
    input: BufReader<R>,
    file_bytes: u64,
    position: u64,
    valid_bytes: u64,
    timestamp: Option<i64>,
    line: Vec<u8>,
    words: Words,
    annotations: AnnotationReader,
    next: Words,
    transaction: Option<Vec<Request>>,
    /// Where the block began that is being read, if its checksum is right.
    block_start: Option<u64>,
    wholeness: Wholeness,
}

/// Whether a file is known to be complete, as far as it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wholeness {
    /// It does not say so.
    Untold,
    /// It will say so, and has not yet.
    Open,
    /// It has said so, and nothing stands behind that.
    Told,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Something to be applied, which ends at this offset.
    Replay {
        /// The request or requests.
        replay: Replay,
        /// Where the next one begins: what is kept if that one turns out to be damaged.
        offset_end: u64,
    },
    /// Nothing more.
    End(End),
}

/// What is applied at once.
#[derive(Debug, PartialEq, Eq)]
pub enum Replay {
    /// One request.
    Request(Request),
    /// The requests between `MULTI` and `EXEC`: all or none.
    Transaction(Vec<Request>),
}

/// How a file ended. Offsets and lengths are in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the last byte of a record.
    Clean,
    /// In the middle of a record or of a transaction, as after a kill.
    Torn {
        /// The part that can be replayed.
        valid_bytes: u64,
        /// The length of the file.
        file_bytes: u64,
    },
    /// As whole records, and yet not where it ended when the file behind it was begun.
    Cut {
        /// The length of the file, all of which can be replayed.
        valid_bytes: u64,
        /// The length it had then.
        written_bytes: u64,
    },
    /// With bytes that are no record.
    Damaged {
        /// The part that can be replayed.
        valid_bytes: u64,
        /// Where the line or word begins that is wrong.
        at: u64,
        /// What is wrong with it.
        fault: Fault,
    },
}

impl End {
    /// How much of the file can be replayed; `None` if all of it.
    pub fn valid_bytes(&self) -> Option<u64> {
        match *self {
            Self::Clean => None,
            Self::Torn { valid_bytes, .. }
            | Self::Cut { valid_bytes, .. }
            | Self::Damaged { valid_bytes, .. } => Some(valid_bytes),
        }
    }
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record begins with a zero byte: blocks that were allocated and never written.
    ZeroFilled,
    /// A record begins with neither `*` nor `#`.
    RecordPrefix,
    /// A word does not begin with `$`.
    WordPrefix,
    /// Behind `*` or `$` stands no number, or no words at all are announced.
    Length,
    /// No line end behind a word.
    WordEnd,
    /// A line of more than 1,023 bytes.
    LineTooLong,
    /// One of our annotations is broken, or not where it belongs.
    Annotation,
    /// A block has another checksum than the one that stands behind it.
    Checksum,
    /// `MULTI` inside a transaction.
    NestedMulti,
    /// `EXEC` outside of one.
    ExecWithoutMulti,
}

/// Why reading stopped.
enum Stop {
    Short,
    Bad { at: u64, fault: Fault },
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The file became shorter while it was read.
            ErrorKind::UnexpectedEof => Self::Short,
            _ => Self::Io(error),
        }
    }
}

/// Big enough that a file of small records costs few calls.
const BUFFER_BYTES: usize = 256 * 1024;

impl Reader<File> {
    /// Opens a file and takes its present length for its end.
    ///
    /// # Errors
    /// What the system says to opening it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        Ok(Self::new(file, file_bytes))
    }

    /// The same from `offset` on, where a record begins: what stands before it has been read otherwise.
    ///
    /// # Errors
    /// What the system says to opening it.
    pub fn open_at(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            file_bytes,
            position: offset,
            valid_bytes: offset,
            ..Self::new(file, file_bytes)
        })
    }
}

impl<R: Read + Seek> Reader<R> {
    /// A reader of the first `file_bytes` of `input`, which stands at its beginning.
    pub fn new(input: R, file_bytes: u64) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER_BYTES, input),
            file_bytes,
            position: 0,
            valid_bytes: 0,
            timestamp: None,
            line: Vec::new(),
            words: Words::default(),
            annotations: AnnotationReader::default(),
            next: Words::default(),
            transaction: None,
            block_start: None,
            wholeness: Wholeness::Untold,
        }
    }

    /// Whether the file is, or begins with, an RDB file. To be asked first of all.
    ///
    /// # Errors
    /// What the system says to reading.
    pub fn is_rdb(&mut self) -> io::Result<bool> {
        Ok(self.input.fill_buf()?.starts_with(b"REDIS"))
    }

    /// How long the incremental file before this one was, if this one says so. To be asked first of all.
    ///
    /// # Errors
    /// What the system says to reading.
    pub fn before_bytes(&mut self) -> io::Result<Option<u64>> {
        let buffer = self.input.fill_buf()?;
        let first = buffer.split_inclusive(|&byte| byte == b'\n').next();
        let line = first.and_then(|line| line.strip_suffix(b"\r\n"));
        Ok(match line.and_then(Mark::parse).flatten() {
            Some(Mark::Before { length }) => Some(length),
            _ => None,
        })
    }

    /// Whether this is a base that has not said yet that it is complete.
    pub fn is_unfinished_base(&self) -> bool {
        self.wholeness == Wholeness::Open
    }

    /// The length that the file had when it was opened.
    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The last `#TS:` annotation that was passed, in Unix seconds.
    pub fn timestamp(&self) -> Option<i64> {
        self.timestamp
    }

    /// The next thing to apply, or how the file ended. After the end, not to be called again.
    ///
    /// # Errors
    /// Only what the system says to reading; [`ErrorKind::OutOfMemory`] for a word that is there
    /// and does not fit into memory.
    pub fn step(&mut self) -> io::Result<Step> {
        loop {
            match self.item() {
                Ok(Some(replay)) => {
                    self.valid_bytes = self.position;
                    let offset_end = self.position;
                    return Ok(Step::Replay { replay, offset_end });
                }
                Ok(None) if self.is_between_records() => self.valid_bytes = self.position,
                Ok(None) => {}
                Err(Stop::Io(error)) => return Err(error),
                Err(Stop::Short) => return Ok(Step::End(self.short_end())),
                Err(Stop::Bad { at, fault }) => {
                    let valid_bytes = self.valid_bytes;
                    return Ok(Step::End(End::Damaged {
                        valid_bytes,
                        at,
                        fault,
                    }));
                }
            }
        }
    }

    /// Whether everything so far belongs to something that was given out.
    fn is_between_records(&self) -> bool {
        self.transaction.is_none() && self.next.is_empty() && !self.annotations.is_unfinished()
    }

    fn short_end(&self) -> End {
        if self.valid_bytes == self.file_bytes {
            return End::Clean;
        }
        End::Torn {
            valid_bytes: self.valid_bytes,
            file_bytes: self.file_bytes,
        }
    }

    /// Reads one record or one annotation line.
    fn item(&mut self) -> Result<Option<Replay>, Stop> {
        let at = self.position;
        match self.peek()? {
            b'#' => self.annotation(),
            b'*' if self.annotations.is_unfinished() => Err(bad(at, Fault::Annotation)),
            b'*' => self.record(),
            0 => Err(bad(at, Fault::ZeroFilled)),
            _ => Err(bad(at, Fault::RecordPrefix)),
        }
    }

    fn annotation(&mut self) -> Result<Option<Replay>, Stop> {
        let at = self.position;
        self.read_line()?;
        if self.line.last() != Some(&b'\n') {
            return Err(Stop::Short);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(mark) = Mark::parse(line) {
            let mark = mark.ok_or(bad(at, Fault::Annotation))?;
            return self.mark(at, mark).map(|()| None);
        }
        let annotation = self
            .annotations
            .line(line)
            .map_err(|_| bad(at, Fault::Annotation))?;
        match annotation {
            // Words for the next request are followed by it at once, and it is none of these.
            Annotation::Request(_) if !self.next.is_empty() => {
                return Err(bad(at, Fault::Annotation));
            }
            Annotation::Request(words) => return Ok(self.give(words.to_request())),
            Annotation::Next(words) => words.iter().for_each(|word| self.next.push(word)),
            Annotation::Timestamp(unix_secs) => self.timestamp = Some(unix_secs),
            Annotation::Unfinished | Annotation::Foreign => {}
        }
        Ok(None)
    }

    /// Passes a line in front of a block or behind it.
    fn mark(&mut self, at: u64, mark: Mark) -> Result<(), Stop> {
        let block_start = self.block_start.take();
        if !self.is_between_records() {
            return Err(bad(at, Fault::Annotation));
        }
        if self.wholeness == Wholeness::Told {
            self.wholeness = Wholeness::Open;
        }
        match mark {
            Mark::Whole { length } if at == length => {
                // In front it is a promise.
                self.wholeness = match at {
                    0 => Wholeness::Open,
                    _ => Wholeness::Told,
                };
                Ok(())
            }
            Mark::Whole { .. } => Err(bad(at, Fault::Annotation)),
            Mark::Begin { length } if self.is_whole(length)? => {
                self.block_start = Some(self.position);
                Ok(())
            }
            // It was cut: its records count one by one.
            Mark::Begin { .. } => Ok(()),
            // Whoever replays several files has asked for it before.
            Mark::Before { .. } if at == 0 => Ok(()),
            Mark::Before { .. } => Err(bad(at, Fault::Annotation)),
            Mark::End { start, .. } if block_start == Some(start) => Ok(()),
            Mark::End { .. } => Err(bad(at, Fault::Annotation)),
        }
    }

    /// Whether the next so many bytes are a block to its end, with the right checksum. Nothing has
    /// been read afterwards.
    fn is_whole(&mut self, length: u64) -> Result<bool, Stop> {
        if length > self.left_bytes() {
            return Ok(false);
        }
        let start = self.position;
        let sum = self.sum(length)?;
        self.read_line_of(block::LINE_BYTES)?;
        let behind = self.line.strip_suffix(b"\r\n").and_then(Mark::parse);
        let passed = i64::try_from(self.position - start).map_err(|_| Stop::Short)?;
        self.input.seek_relative(-passed)?;
        self.position = start;
        match behind.flatten() {
            Some(Mark::End {
                start: its,
                sum: right,
            }) if its == start => match sum == right {
                true => Ok(true),
                false => Err(bad(start, Fault::Checksum)),
            },
            _ => Ok(false),
        }
    }

    /// The checksum of the next so many bytes, which are passed.
    fn sum(&mut self, length: u64) -> Result<u64, Stop> {
        let mut sum = Crc64::new();
        let mut left = length;
        while left > 0 {
            let buffer = self.input.fill_buf()?;
            let some = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            if some == 0 {
                return Err(Stop::Short);
            }
            sum.update(&buffer[..some]);
            self.input.consume(some);
            left -= some as u64;
        }
        self.position += length;
        Ok(sum.value())
    }

    fn record(&mut self) -> Result<Option<Replay>, Stop> {
        let at = self.position;
        self.read_words()?;
        let name = self.words.first();
        if name.eq_ignore_ascii_case(b"multi") {
            self.next.clear();
            return match self.transaction.replace(Vec::new()) {
                None => Ok(None),
                Some(_) => Err(bad(at, Fault::NestedMulti)),
            };
        }
        if name.eq_ignore_ascii_case(b"exec") {
            self.next.clear();
            let requests = self.transaction.take();
            let requests = requests.ok_or(bad(at, Fault::ExecWithoutMulti))?;
            return Ok(Some(Replay::Transaction(requests)));
        }
        // These words lost their request: redis-check-aof cut it off and let the annotation
        // stand, and a new session began behind it.
        if name.eq_ignore_ascii_case(b"select") {
            self.next.clear();
        }
        let request = self.words.iter().chain(self.next.iter()).collect();
        self.next.clear();
        Ok(self.give(request))
    }

    /// Gives out a request, or keeps it for the end of its transaction.
    fn give(&mut self, request: Request) -> Option<Replay> {
        match &mut self.transaction {
            Some(requests) => {
                requests.push(request);
                None
            }
            None => Some(Replay::Request(request)),
        }
    }

    /// Reads an array of words into `self.words`.
    fn read_words(&mut self) -> Result<(), Stop> {
        let at = self.position;
        self.words.clear();
        let count = self.read_length()?;
        if count == 0 {
            return Err(bad(at, Fault::Length));
        }
        for _ in 0..count {
            let at = self.position;
            if self.peek()? != b'$' {
                return Err(bad(at, Fault::WordPrefix));
            }
            let length = self.read_length()?;
            self.read_word(length)?;
        }
        Ok(())
    }

    fn read_word(&mut self, length: u64) -> Result<(), Stop> {
        // No memory for a length that the file does not have.
        if length > self.left_bytes() {
            return Err(Stop::Short);
        }
        let length = usize::try_from(length).map_err(|_| out_of_memory())?;
        let bytes = self.words.bytes_mut();
        match self.input.buffer().get(..length) {
            Some(word) => {
                bytes.extend_from_slice(word);
                self.input.consume(length);
            }
            None => read_long(&mut self.input, length, bytes)?,
        }
        self.position += length as u64;
        self.words.end_word();
        self.read_word_end()
    }

    fn read_word_end(&mut self) -> Result<(), Stop> {
        let at = self.position;
        for wanted in *b"\r\n" {
            if self.peek()? != wanted {
                return Err(bad(at, Fault::WordEnd));
            }
            self.input.consume(1);
            self.position += 1;
        }
        Ok(())
    }

    /// Reads a line with a number behind its first byte.
    fn read_length(&mut self) -> Result<u64, Stop> {
        let at = self.position;
        self.read_line()?;
        let body = self.line.get(1..).unwrap_or_default();
        let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match &body[digits..] {
            // What is there may be the beginning of a good line.
            b"" | b"\r" => Err(Stop::Short),
            b"\r\n" => parse_length(&body[..digits]).ok_or(bad(at, Fault::Length)),
            _ => Err(bad(at, Fault::Length)),
        }
    }

    /// Reads up to a line end, or the end of the file, into `self.line`. Not empty after `peek`.
    fn read_line(&mut self) -> Result<(), Stop> {
        let at = self.position;
        match self.read_line_of(LINE_MAX_BYTES + 1)? > LINE_MAX_BYTES {
            true => Err(bad(at, Fault::LineTooLong)),
            false => Ok(()),
        }
    }

    /// The same up to so many bytes; how many there are.
    fn read_line_of(&mut self, most_bytes: usize) -> Result<usize, Stop> {
        self.line.clear();
        let most_bytes = self.left_bytes().min(most_bytes as u64);
        let read = (&mut self.input)
            .take(most_bytes)
            .read_until(b'\n', &mut self.line)?;
        self.position += read as u64;
        Ok(read)
    }

    /// What has not been read of the file.
    fn left_bytes(&self) -> u64 {
        self.file_bytes.saturating_sub(self.position)
    }

    /// The next byte, which stays where it is.
    fn peek(&mut self) -> Result<u8, Stop> {
        if self.left_bytes() == 0 {
            return Err(Stop::Short);
        }
        let buffer = self.input.fill_buf()?;
        buffer.first().copied().ok_or(Stop::Short)
    }
}

fn bad(at: u64, fault: Fault) -> Stop {
    Stop::Bad { at, fault }
}

/// Reads a word that is longer than what is buffered.
fn read_long(input: &mut impl Read, length: usize, bytes: &mut Vec<u8>) -> Result<(), Stop> {
    bytes.try_reserve(length).map_err(|_| out_of_memory())?;
    let start = bytes.len();
    bytes.resize(start + length, 0);
    Ok(input.read_exact(&mut bytes[start..])?)
}

fn out_of_memory() -> Stop {
    Stop::Io(ErrorKind::OutOfMemory.into())
}

fn parse_length(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
