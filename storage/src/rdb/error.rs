//! Why a file or a payload could not be read.

use std::io;

/// What is wrong with a file, or with what `DUMP` is said to have given.
#[derive(Debug)]
pub enum Error {
    /// It does not begin as a snapshot file does.
    Signature,
    /// It is of a version that is not known.
    Version(u32),
    /// Its checksum is not that of its bytes.
    Checksum {
        /// That of its bytes.
        expected: u64,
        /// The one in the file.
        found: u64,
    },
    /// The file could not be read on.
    Io(io::Error),
    /// It ends in the middle of something.
    Ended,
    /// It is not what it should be; in words for the log.
    Malformed(&'static str),
    /// A collection without elements, which no key may hold.
    Empty,
    /// The value of a module, whose type's name this is.
    Module(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Signature => f.write_str("Wrong signature trying to load DB from file"),
            Error::Version(version) => write!(f, "Can't handle RDB format version {version}"),
            Error::Checksum { expected, found } => write!(
                f,
                "Wrong RDB checksum expected: ({expected:x}) but got ({found:x}). Aborting now."
            ),
            Error::Io(error) => write!(f, "{error}"),
            Error::Ended => f.write_str("Unexpected EOF reading RDB file"),
            Error::Malformed(what) => f.write_str(what),
            Error::Empty => f.write_str("A key without elements"),
            Error::Module(name) => write!(
                f,
                "The RDB file contains module data I can't load: no matching module type '{name}'"
            ),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}
