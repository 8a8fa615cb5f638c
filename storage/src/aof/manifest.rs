//! The manifest: which files there are, in which order they are replayed.
//!
//! One line a file, `file NAME seq N type b|h|i`, read and written as Redis 7.4 does (`aof.c`),
//! by its observed behaviour: keys in any letter case and order, unknown keys skipped, the first
//! letter of a type counts, `#` in the first column begins a comment.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use protocol::split_line;

use super::files::{Location, sync_dir, system_text, writable};

/// The files of one append-only log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    base: Option<Entry>,
    history: Vec<Entry>,
    incrs: Vec<Entry>,
    base_seq: i64,
    incr_seq: i64,
}

/// A file that the manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name inside the directory, without a path separator.
    pub name: OsString,
    /// The number in the name: bases and incremental files count apart.
    pub seq: i64,
    /// What the file is for.
    pub file_type: FileType,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// `b`: the whole keyspace at one moment.
    Base,
    /// `h`: replaced by a newer base, to be removed.
    History,
    /// `i`: what changed since.
    Incr,
}

/// A manifest that cannot be read.
///
/// Displays as the last of the lines with which Redis leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// Number (from 1) and text of the line, without white space around it. `None` where Redis
    /// names no line.
    pub line: Option<(usize, Vec<u8>)>,
    /// What is wrong.
    pub fault: ManifestFault,
}

/// What is wrong with a manifest. Displays in the words of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestFault {
    /// Not one line, not even a comment.
    Empty,
    /// A line over 1,024 bytes, without an end, or with a NUL.
    LineTooLong,
    /// A blank line, an odd number of words, fewer than six, an open quote, or a name, number or
    /// type that is missing or zero.
    Format,
    /// A name with `/` or `\`.
    NameIsPath,
    /// A second base.
    DuplicateBase,
    /// A type that is not `b`, `h` or `i`.
    UnknownType,
    /// An incremental file whose number is not above the one before.
    NonMonotonicSeq,
    /// The system's word on opening or reading the file.
    Read(String),
}

/// A manifest that could not be written.
#[derive(Debug)]
pub(super) struct PersistError {
    /// Whether the old one may have been replaced already: then neither the files of the old nor
    /// those of the new one may be removed.
    pub(super) is_replaced: bool,
    error: io::Error,
}

/// How a base is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseFormat {
    /// Commands, `.base.aof`.
    Aof,
    /// A snapshot, `.base.rdb`.
    Rdb,
}

impl Manifest {
    /// Reads the text of a manifest.
    ///
    /// # Errors
    /// A [`ManifestError`] for each text with which Redis refuses to start.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        if text.is_empty() {
            return Err(ManifestFault::Empty.anywhere());
        }
        let mut manifest = Self::default();
        for (index, line) in lines(text).enumerate() {
            if line.starts_with(b"#") {
                continue;
            }
            if !line.ends_with(b"\n") || line.contains(&0) {
                return Err(ManifestFault::LineTooLong.anywhere());
            }
            let line = trim(line);
            Entry::parse(line)
                .and_then(|entry| manifest.add(entry))
                .map_err(|fault| fault.at(index + 1, line))?;
        }
        Ok(manifest)
    }

    /// The text of the manifest: base, history, incremental files.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for entry in self.base.iter().chain(&self.history).chain(&self.incrs) {
            entry.encode(&mut out);
        }
        out
    }

    /// Reads the manifest of a directory; `None` if the directory or the file is not there.
    ///
    /// # Errors
    /// A [`ManifestError`], also if the file cannot be read.
    pub fn read(location: &Location) -> Result<Option<Self>, ManifestError> {
        match fs::read(location.manifest_path()) {
            Ok(text) => Self::parse(&text).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ManifestFault::Read(system_text(&error)).anywhere()),
        }
    }

    /// The file with the whole keyspace, to be replayed first.
    pub fn base(&self) -> Option<&Entry> {
        self.base.as_ref()
    }

    /// The incremental files in the order of their replay; the last is appended to.
    pub fn incrs(&self) -> &[Entry] {
        &self.incrs
    }

    /// The files that are to be removed.
    pub fn history(&self) -> &[Entry] {
        &self.history
    }

    /// The files to be replayed, in order.
    pub fn replayed(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.base.iter().chain(&self.incrs)
    }

    /// Whether a file of that name is to be replayed.
    pub(super) fn is_replayed(&self, name: &OsStr) -> bool {
        self.replayed().any(|entry| entry.name == name)
    }

    /// A manifest with one base of a name that is not made from its number (as after migration).
    pub(super) fn single(name: &OsStr) -> Self {
        Self {
            base: Some(Entry {
                name: name.to_owned(),
                seq: 1,
                file_type: FileType::Base,
            }),
            base_seq: 1,
            ..Self::default()
        }
    }

    /// Whether this holds nothing but a base of that name.
    pub(super) fn is_single(&self, name: &OsStr) -> bool {
        self.incrs.is_empty() && self.base.as_ref().is_some_and(|base| base.name == name)
    }

    /// Names the next base; the present one becomes history.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] if the numbers are used up.
    pub(super) fn add_base(&mut self, filename: &OsStr, format: BaseFormat) -> io::Result<&OsStr> {
        let suffix = match format {
            BaseFormat::Aof => ".base.aof",
            BaseFormat::Rdb => ".base.rdb",
        };
        let (seq, name) = self.free_name(filename, self.base_seq, suffix)?;
        self.base_seq = seq;
        let entry = Entry {
            name,
            seq,
            file_type: FileType::Base,
        };
        if let Some(old) = self.base.take() {
            self.history.push(old.into_history());
        }
        Ok(&self.base.insert(entry).name)
    }

    /// Names the next incremental file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] if the numbers are used up.
    pub(super) fn add_incr(&mut self, filename: &OsStr) -> io::Result<&Entry> {
        let (seq, name) = self.free_name(filename, self.incr_seq, ".incr.aof")?;
        self.incr_seq = seq;
        self.incrs.push(Entry {
            name,
            seq,
            file_type: FileType::Incr,
        });
        Ok(&self.incrs[self.incrs.len() - 1])
    }

    /// Makes history of all incremental files before number `seq`.
    pub(super) fn retire_incrs_before(&mut self, seq: i64) {
        let kept = self.incrs.partition_point(|entry| entry.seq < seq);
        let retired = self.incrs.drain(..kept).map(Entry::into_history);
        self.history.extend(retired);
    }

    /// Forgets history files for which `is_gone` holds.
    pub(super) fn forget_history(&mut self, is_gone: impl Fn(&Entry) -> bool) {
        self.history.retain(|entry| !is_gone(entry));
    }

    /// Takes out the incremental files behind the one of that name; all of them if it is the base.
    pub(super) fn take_behind(&mut self, name: &OsStr) -> Vec<Entry> {
        let last = self.incrs.iter().position(|entry| entry.name == name);
        let kept = last.map_or(0, |index| index + 1);
        // The next file gets the number of the first one taken, as if they had never been.
        let taken: Vec<_> = self.incrs.drain(kept..).collect();
        self.incr_seq = self.incrs.last().map_or(0, |entry| entry.seq);
        taken
    }

    /// Replaces the manifest of the directory as a whole, durably.
    pub(super) fn persist(&self, location: &Location) -> Result<(), PersistError> {
        self.replace(location).map_err(PersistError::before)?;
        sync_dir(location.dir()).map_err(|error| PersistError {
            is_replaced: true,
            error,
        })
    }

    fn replace(&self, location: &Location) -> io::Result<()> {
        let temp = location.temp_manifest_path();
        let mut file = writable().create(true).truncate(true).open(&temp)?;
        file.write_all(&self.encode())?;
        file.sync_all()?;
        fs::rename(&temp, location.manifest_path())
    }

    fn add(&mut self, entry: Entry) -> Result<(), ManifestFault> {
        match entry.file_type {
            FileType::Base if self.base.is_some() => return Err(ManifestFault::DuplicateBase),
            FileType::Incr if entry.seq <= self.incr_seq => {
                return Err(ManifestFault::NonMonotonicSeq);
            }
            FileType::Base => {
                self.base_seq = entry.seq;
                self.base = Some(entry);
            }
            FileType::Incr => {
                self.incr_seq = entry.seq;
                self.incrs.push(entry);
            }
            FileType::History => self.history.push(entry),
        }
        Ok(())
    }

    /// The next number after `last` whose name no file here has: names are usually made from
    /// numbers, but a manifest written by hand may say anything.
    fn free_name(&self, filename: &OsStr, last: i64, suffix: &str) -> io::Result<(i64, OsString)> {
        let mut seq = last;
        loop {
            seq = seq.checked_add(1).ok_or_else(|| {
                io::Error::new(ErrorKind::InvalidData, "AOF sequence numbers are used up")
            })?;
            let mut name = filename.to_owned();
            name.push(format!(".{seq}{suffix}"));
            let mut taken = self.replayed().chain(&self.history);
            if !taken.any(|entry| entry.name == name) {
                return Ok((seq, name));
            }
        }
    }
}

impl Entry {
    fn parse(line: &[u8]) -> Result<Self, ManifestFault> {
        let request = split_line(line).ok_or(ManifestFault::Format)?;
        let words: Vec<&[u8]> = request.args().iter().collect();
        // More than these six words are from a newer version; every key has a value.
        if words.len() < 6 || !words.len().is_multiple_of(2) {
            return Err(ManifestFault::Format);
        }
        let (mut name, mut seq, mut letter) = (None, 0, 0);
        for pair in words.chunks_exact(2) {
            let (key, value) = (pair[0], until_nul(pair[1]));
            if key.eq_ignore_ascii_case(b"file") {
                if value.contains(&b'/') || value.contains(&b'\\') {
                    return Err(ManifestFault::NameIsPath);
                }
                name = Some(OsString::from_vec(value.to_vec()));
            } else if key.eq_ignore_ascii_case(b"seq") {
                seq = leading_integer(value);
            } else if key.eq_ignore_ascii_case(b"type") {
                letter = value.first().copied().unwrap_or(0);
            }
        }
        match name {
            Some(name) if seq != 0 && letter != 0 => Ok(Self {
                name,
                seq,
                file_type: FileType::from_letter(letter)?,
            }),
            _ => Err(ManifestFault::Format),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"file ");
        write_name(self.name.as_bytes(), out);
        let letter = self.file_type.letter();
        out.extend_from_slice(format!(" seq {} type {letter}\n", self.seq).as_bytes());
    }

    fn into_history(mut self) -> Self {
        self.file_type = FileType::History;
        self
    }
}

impl FileType {
    fn letter(self) -> char {
        match self {
            Self::Base => 'b',
            Self::History => 'h',
            Self::Incr => 'i',
        }
    }

    fn from_letter(letter: u8) -> Result<Self, ManifestFault> {
        match letter {
            b'b' => Ok(Self::Base),
            b'h' => Ok(Self::History),
            b'i' => Ok(Self::Incr),
            _ => Err(ManifestFault::UnknownType),
        }
    }
}

impl ManifestFault {
    fn anywhere(self) -> ManifestError {
        ManifestError {
            line: None,
            fault: self,
        }
    }

    fn at(self, number: usize, line: &[u8]) -> ManifestError {
        ManifestError {
            line: Some((number, line.to_vec())),
            fault: self,
        }
    }
}

impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Found an empty AOF manifest",
            Self::LineTooLong => "The AOF manifest file contains too long line",
            Self::Format => "Invalid AOF manifest file format",
            Self::NameIsPath => "File can't be a path, just a filename",
            Self::DuplicateBase => "Found duplicate base file information",
            Self::UnknownType => "Unknown AOF file type",
            Self::NonMonotonicSeq => "Found a non-monotonic sequence number",
            Self::Read(text) => return write!(f, "Read AOF manifest failed: {text}"),
        })
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for ManifestError {}

impl PersistError {
    /// An error from before the manifest was replaced.
    pub(super) fn before(error: io::Error) -> Self {
        Self {
            is_replaced: false,
            error,
        }
    }

    pub(super) fn into_io_error(self) -> io::Error {
        self.error
    }
}

/// Redis reads lines with `fgets` into 1,025 bytes: what is longer comes as several lines, which
/// shows where a comment is longer.
const LINE_MAX_BYTES: usize = 1024;

fn lines(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let longest = &text[..text.len().min(LINE_MAX_BYTES)];
        let end = longest
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(longest.len(), |newline| newline + 1);
        let (line, rest) = text.split_at(end);
        text = rest;
        (!line.is_empty()).then_some(line)
    })
}

fn trim(line: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(is_text).unwrap_or(line.len());
    let end = line
        .iter()
        .rposition(is_text)
        .map_or(start, |last| last + 1);
    &line[start..end]
}

/// The bytes before the first NUL: C strings end there.
fn until_nul(word: &[u8]) -> &[u8] {
    let end = word.iter().position(|&byte| byte == 0);
    &word[..end.unwrap_or(word.len())]
}

/// The number that a word begins with, as `atoll` reads it: white space, a sign, digits; 0 if
/// there are none, the nearest possible number if there are too many.
fn leading_integer(word: &[u8]) -> i64 {
    let start = word
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'))
        .unwrap_or(word.len());
    let (sign, digits) = match &word[start..] {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i64, |number, &digit| {
            number
                .saturating_mul(10)
                .saturating_add(sign * i64::from(digit - b'0'))
        })
}

/// Writes a name, in double quotes where Redis would misread it otherwise.
///
/// Redis quotes the same names, but for one with `'`: that it writes as it is, and cannot read
/// again.
fn write_name(name: &[u8], out: &mut Vec<u8>) {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !name.is_empty() && name.iter().all(is_plain) {
        out.extend_from_slice(name);
        return;
    }
    protocol::quote(name, out);
}

#[cfg(test)]
mod tests;
