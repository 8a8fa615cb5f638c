//! Redis' snapshot files and what `DUMP` gives: the same format, key by key.
//!
//! - [`format`](mod@format): opcodes, types and lengths as bytes, and what Keytag adds; [`crc64`]: the checksum.
//! - [`encode`]: entries as they are written, into a [`draft`]; [`writer`]: a whole snapshot; [`file`](mod@file): its
//!   file.
//! - `decode`: values out of bytes that nobody has to be trusted for: every length is checked before memory is taken,
//!   and whatever is packed is looked through as a whole before it is used.
//! - [`Reader`]: a file, an entry at a time, or as [`Run`]s that others make entries of, on threads of their own;
//!   [`Payload`]: what `DUMP` gave; [`restore_libraries`]: what `FUNCTION DUMP` gave. None knows the keyspace; [`Arrivals`] are on their way into it.

pub mod crc64;
mod decode;
pub mod draft;
pub mod encode;
mod error;
pub mod file;
pub mod format;
mod input;
mod libraries;
mod payload;
mod reader;
mod store;
#[cfg(test)]
mod tests;
pub mod writer;

pub use decode::Decoded;
pub use error::Error;
pub use libraries::{Unreadable, dump_libraries, restore_libraries};
pub use payload::{Payload, payload_body};
pub use reader::{Checksum, Part, Piece, Reader, Record, Run, Tags};
pub use store::{Arrivals, Duplicate, Present, Storing};
