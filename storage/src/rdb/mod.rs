//! Redis' snapshot files and what `DUMP` gives: the same format, key by key.
//!
//! - [`format`]: opcodes, types and lengths as bytes, and what Keytag adds; [`crc64`]: the checksum.
//! - [`encode`]: entries as they are written, into a [`draft`].

pub mod crc64;
pub mod draft;
pub mod encode;
pub mod format;
