//! The replay of all files of a manifest, and what is done about a damaged one.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use super::block::whole_line;
use super::files::{Location, system_text};
use super::manifest::{Entry, FileType, Manifest, PersistError};
use super::quarantine::{Quarantined, quarantine_file, quarantine_tail};
use super::reader::{End, Fault, Reader, Replay, Step};
use crate::rdb;
use crate::value::Limits;

/// What is handed to the caller while files are replayed.
#[derive(Debug)]
pub enum Event<'a> {
    /// A file begins, in database 0.
    File {
        /// The file.
        entry: &'a Entry,
        /// Its length.
        file_bytes: u64,
    },
    /// Something of the snapshot that the file is, or begins with.
    Part {
        /// What comes next in it.
        part: rdb::Part<'a>,
        /// Where it begins in the file, in bytes.
        offset: u64,
    },
    /// That snapshot is done.
    Loaded {
        /// Whether there was a checksum to verify.
        was_summed: bool,
    },
    /// Something to apply.
    Replay {
        /// The request or requests.
        replay: Replay,
        /// Where it ends in the file, in bytes.
        offset_end: u64,
    },
    /// A file is done.
    Done {
        /// The file.
        entry: &'a Entry,
        /// How it ended.
        end: End,
    },
}

/// What to do about a tail that cannot be replayed (`aof-load-truncated`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDamage {
    /// Keep what can be replayed and move the rest aside (`yes`).
    Quarantine,
    /// Refuse to start and touch nothing (`no`).
    Refuse,
}

/// How files are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// What to do about a tail that cannot be replayed.
    pub on_damage: OnDamage,
    /// Up to where collections of a snapshot are packed.
    pub limits: Limits,
    /// What of the checksum of a snapshot.
    pub checksum: rdb::Checksum,
}

impl From<OnDamage> for Reading {
    /// With the limits of Redis, and whatever checksum there is verified.
    fn from(on_damage: OnDamage) -> Reading {
        Reading {
            on_damage,
            limits: Limits::default(),
            checksum: rdb::Checksum::Verify,
        }
    }
}

/// What was replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The length of the files that were replayed, of what is left of them.
    pub total_bytes: u64,
    /// The damaged file and how it ended, if one was.
    pub damaged: Option<(OsString, End)>,
    /// What was moved aside: the damaged tail and every file behind it.
    pub quarantined: Vec<Quarantined>,
}

/// Why the files were not replayed. `E` is the error of whoever applies.
///
/// Displays as the line with which Redis leaves, where Redis has one.
#[derive(Debug)]
pub enum LoadError<E> {
    /// The manifest names a file that is not there.
    Missing {
        /// The name of the file.
        name: OsString,
        /// What the system says.
        error: io::Error,
    },
    /// A file could not be read.
    Read {
        /// The name of the file.
        name: OsString,
        /// What the system says.
        error: io::Error,
    },
    /// The snapshot that a file is, or begins with, is damaged, or holds what cannot be read. There is no prefix of
    /// one to keep: it does not say in which order the keys were written.
    Snapshot {
        /// The name of the file.
        name: OsString,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        error: rdb::Error,
    },
    /// A tail cannot be replayed, and [`OnDamage::Refuse`] was asked for; or the manifest names itself.
    Refused {
        /// The name of the file.
        name: OsString,
        /// How it ended; never [`End::Clean`].
        end: End,
    },
    /// A damaged tail, or a file behind it, could not be moved aside.
    Quarantine {
        /// The name of the damaged file.
        name: OsString,
        /// What the system says.
        error: io::Error,
    },
    /// A request could not be applied.
    Apply {
        /// The name of the file.
        name: OsString,
        /// Where the request ends in it.
        offset_end: u64,
        /// Why not.
        error: E,
    },
}

/// Replays the files that `manifest` names, in order, through `apply`.
///
/// All files are looked at before the first is replayed: a missing one is
/// found while nothing has been applied. A file whose tail cannot be replayed, or is not there any
/// more, ends the replay: what later files hold was made on top of that tail, and applying it
/// without would give a keyspace that never existed. So they are taken out of the manifest and moved aside too, the
/// manifest first: a kill in between leaves files that no manifest names, never a hole.
///
/// `apply` is told of the beginning and the end of each file as well. Its requests are owned, one
/// at a time, so memory is bounded by the longest record or transaction.
///
/// # Errors
/// A [`LoadError`]; with any but `Quarantine` the files are as they were.
pub fn load<E>(
    location: &Location,
    manifest: &mut Manifest,
    reading: &Reading,
    mut apply: impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<Loaded, LoadError<E>> {
    check_files(location, manifest)?;
    let mut loaded = Loaded::default();
    let entries: Vec<Entry> = manifest.replayed().cloned().collect();
    for (index, entry) in entries.iter().enumerate() {
        let replayed = load_file(location, entry, reading, &mut apply)?;
        let (mut end, bytes) = (replayed.end, replayed.bytes);
        loaded.total_bytes += bytes;
        if let (End::Clean, Some(next)) = (end, entries.get(index + 1)) {
            end = end_before(location, entry, bytes, next)?;
        }
        if end == End::Clean {
            continue;
        }
        let name = entry.name.clone();
        if reading.on_damage == OnDamage::Refuse {
            return Err(LoadError::Refused { name, end });
        }
        let set_aside = set_aside(location, manifest, &name, bytes).and_then(|quarantined| {
            loaded.quarantined = quarantined;
            match replayed.is_unfinished_base {
                // Otherwise the next start would find its end missing again.
                true => finish_base(&location.path(&name), bytes),
                false => Ok(()),
            }
        });
        if let Err(error) = set_aside {
            return Err(LoadError::Quarantine { name, error });
        }
        loaded.damaged = Some((name, end));
        break;
    }
    Ok(loaded)
}

fn check_files<E>(location: &Location, manifest: &Manifest) -> Result<(), LoadError<E>> {
    for entry in manifest.replayed() {
        let name = || entry.name.clone();
        let path = location.path(&entry.name);
        if path == location.manifest_path() {
            // Moving the damaged part of it aside would leave a log without files.
            let end = End::Damaged {
                valid_bytes: 0,
                at: 0,
                fault: Fault::RecordPrefix,
            };
            return Err(LoadError::Refused { name: name(), end });
        }
        fs::metadata(&path).map_err(|error| LoadError::Missing {
            name: name(),
            error,
        })?;
        let is_rdb = Reader::open(&path).and_then(|mut reader| reader.is_rdb());
        is_rdb.map_err(|error| LoadError::Read {
            name: name(),
            error,
        })?;
    }
    Ok(())
}

/// How a file ended that was replayed as a whole, by what the one behind it says.
fn end_before<E>(
    location: &Location,
    entry: &Entry,
    bytes: u64,
    next: &Entry,
) -> Result<End, LoadError<E>> {
    if (entry.file_type, next.file_type) != (FileType::Incr, FileType::Incr) {
        return Ok(End::Clean);
    }
    let path = location.path(&next.name);
    let told = Reader::open(&path).and_then(|mut reader| reader.before_bytes());
    let told = told.map_err(|error| LoadError::Read {
        name: next.name.clone(),
        error,
    })?;
    Ok(match told {
        Some(written_bytes) if written_bytes != bytes => End::Cut {
            valid_bytes: bytes,
            written_bytes,
        },
        _ => End::Clean,
    })
}

/// What became of a file.
struct Replayed {
    end: End,
    /// How many of its bytes were replayed.
    bytes: u64,
    /// It is a base that does not say that it is complete.
    is_unfinished_base: bool,
}

/// Replays one file.
fn load_file<E>(
    location: &Location,
    entry: &Entry,
    reading: &Reading,
    apply: &mut impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<Replayed, LoadError<E>> {
    let unread = |error| LoadError::Read {
        name: entry.name.clone(),
        error,
    };
    let path = location.path(&entry.name);
    let mut reader = Reader::open(&path).map_err(unread)?;
    let file_bytes = reader.file_bytes();
    let unapplied = |offset_end: u64| {
        move |error| LoadError::Apply {
            name: entry.name.clone(),
            offset_end,
            error,
        }
    };
    apply(Event::File { entry, file_bytes }).map_err(unapplied(0))?;
    if reader.is_rdb().map_err(unread)? {
        let behind = load_snapshot(&path, entry, file_bytes, reading, apply)?;
        reader = Reader::open_at(&path, behind).map_err(unread)?;
    }
    loop {
        match reader.step().map_err(unread)? {
            Step::Replay { replay, offset_end } => {
                apply(Event::Replay { replay, offset_end }).map_err(unapplied(offset_end))?;
            }
            Step::End(end) => {
                let is_unfinished_base = reader.is_unfinished_base();
                let end = match end {
                    End::Clean if is_unfinished_base => End::Torn {
                        valid_bytes: file_bytes,
                        file_bytes,
                    },
                    end => end,
                };
                let bytes = end.valid_bytes().unwrap_or(file_bytes);
                apply(Event::Done { entry, end }).map_err(unapplied(bytes))?;
                return Ok(Replayed {
                    end,
                    bytes,
                    is_unfinished_base,
                });
            }
        }
    }
}

/// Hands on the snapshot that a file begins with; where it ends.
fn load_snapshot<E>(
    path: &Path,
    entry: &Entry,
    file_bytes: u64,
    reading: &Reading,
    apply: &mut impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<u64, LoadError<E>> {
    let name = || entry.name.clone();
    let damaged = |offset, error| LoadError::Snapshot {
        name: name(),
        offset,
        error,
    };
    let file = fs::File::open(path).map_err(|error| damaged(0, error.into()))?;
    let mut reader = rdb::Reader::new(file.take(file_bytes), reading.limits, reading.checksum)
        .map_err(|error| damaged(0, error))?;
    loop {
        let offset = reader.offset();
        let event = match reader.next_part() {
            Ok(Some(part)) => Event::Part { part, offset },
            Ok(None) => break,
            Err(error) => return Err(damaged(offset, error)),
        };
        apply(event).map_err(|error| LoadError::Apply {
            name: name(),
            offset_end: offset,
            error,
        })?;
    }
    let was_summed = !reader.was_unsummed();
    let offset_end = reader.offset();
    apply(Event::Loaded { was_summed }).map_err(|error| LoadError::Apply {
        name: name(),
        offset_end,
        error,
    })?;
    Ok(offset_end)
}

/// Lets what is left of a base be all of it.
fn finish_base(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).open(path)?;
    file.write_all(whole_line(bytes).as_bytes())?;
    file.sync_all()
}

/// Moves aside what is behind `valid_bytes` of the file of that name, and all later files.
fn set_aside(
    location: &Location,
    manifest: &mut Manifest,
    name: &OsString,
    valid_bytes: u64,
) -> io::Result<Vec<Quarantined>> {
    let mut quarantined = Vec::new();
    let behind = manifest.take_behind(name);
    if !behind.is_empty() {
        manifest
            .persist(location)
            .map_err(PersistError::into_io_error)?;
    }
    for entry in &behind {
        quarantined.push(quarantine_file(&location.path(&entry.name))?);
    }
    quarantined.extend(quarantine_tail(&location.path(name), valid_bytes)?);
    Ok(quarantined)
}

impl<E: fmt::Display> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, error } => write!(
                f,
                "Unable to obtain the AOF file {} length. stat: {}",
                name.display(),
                system_text(error)
            ),
            Self::Read { name, error } => write!(
                f,
                "Unrecoverable error reading the append only file {}: {}",
                name.display(),
                system_text(error)
            ),
            Self::Snapshot {
                name,
                offset,
                error,
            } => write!(
                f,
                "Error reading the RDB preamble of the AOF file {}, offset {offset}: {error}",
                name.display()
            ),
            Self::Refused { name, end } => refusal(&name.to_string_lossy(), *end, f),
            Self::Quarantine { name, error } => write!(
                f,
                "Can't move the damaged part of the append only file {} aside: {}",
                name.display(),
                system_text(error)
            ),
            Self::Apply {
                name,
                offset_end,
                error,
            } => {
                let name = name.display();
                write!(
                    f,
                    "{error} reading the append only file {name} up to offset {offset_end}"
                )
            }
        }
    }
}

fn refusal(name: &str, end: End, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match end {
        End::Damaged { .. } => write!(
            f,
            "Bad file format reading the append only file {name}: make a backup of your AOF file, \
             then use ./redis-check-aof --fix <filename.manifest>"
        ),
        End::Clean | End::Torn { .. } | End::Cut { .. } => write!(
            f,
            "Unexpected end of file reading the append only file {name}. You can: 1) Make a backup \
             of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. \
             2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and \
             restart the server."
        ),
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for LoadError<E> {}

#[cfg(test)]
mod tests;
