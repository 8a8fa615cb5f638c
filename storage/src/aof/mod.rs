//! Append-only files: `appendonlydir/` as Redis 7 lays it out, read and written.
//!
//! A [`Manifest`] names the files: one base with the whole keyspace at some moment, then
//! incremental files in the order they are replayed, the last of them being appended to.
//! [`load()`] replays them through a [`Reader`], [`Log`] appends and rewrites, [`quarantine`] keeps
//! what could not be replayed. What Redis does not know rides in annotation lines: see
//! [`record`] for tags, and below for checksums. Nothing here knows a command, beyond the `MULTI`, `EXEC` and `SELECT` that the
//! format itself is made of; nothing reads the clock or starts a thread.
//!
//! # Why a kill at any moment loses nothing
//! The manifest is the only truth: a file it does not name does not count. It is replaced as a
//! whole (temporary file, fsync, rename, fsync of the directory), and only after every file it
//! names is there, complete and fsynced. Files are removed only after a manifest that does not
//! need them is on disk. So before and after each replacement the directory holds one consistent
//! set, and what a kill in between leaves over is never part of it:
//!
//! | killed after | left over | the next start |
//! |---|---|---|
//! | the first base was made | a base no manifest names | moves it aside, as it does any file it did not expect |
//! | a new incremental file was made | an empty file | takes it for the next incremental file |
//! | the manifest names it | several incremental files | replays base and all of them, in order |
//! | the temporary base was written | `temp-rewriteaof-…` | removes it |
//! | it was renamed | a base no manifest names | the next rewrite renames over it |
//! | the manifest names the new base | history files | removes them |
//! | some history files were removed | a manifest naming them | removes the rest |
//!
//! An incremental file is fsynced before its successor is named, so that a power cut can only tear
//! the last file. A damaged tail is copied and fsynced before it is cut off.
//!
//! # Checksums
//! What is written at once stands between two lines that Redis skips: the first gives its length,
//! the second its place and checksum.
//!
//! ```text
//! #KT=2f                      0x2f bytes of whole records stand behind this line,
//! *3
//! …
//! #KT=1a2b 0123456789abcdef   and those that begin at offset 0x1a2b have this CRC64
//! ```
//!
//! A block whose checksum is wrong is damage: the replay ends in front of it. A block that has no
//! second line where the first one puts it was cut, by a kill or by `redis-check-aof --fix`, and
//! what stands there is replayed record by record, as are files without such lines. An incremental
//! file that follows another begins with the length of that one (`#KT^1a2b`), and a base of blocks begins
//! with `#KT.0` and ends with its own length (`#KT.3c4d`), so that these cannot lose their ends unnoticed; only a log that ends early behind the very last of a write cannot be told from
//! one that was never longer.

mod block;
mod files;
pub mod load;
pub mod log;
pub mod manifest;
pub mod quarantine;
pub mod reader;
pub mod record;
mod words;

pub use files::{Location, Migrated};
pub(crate) use files::{sync_dir, writable};
pub use load::{Event, LoadError, Loaded, OnDamage, Reading, load};
pub use log::{
    AUTOSYNC_BYTES, AppendError, Committed, FinishedBase, FirstBase, Log, RewriteError,
    RewriteFiles,
};
pub use manifest::{BaseFormat, Entry, FileType, Manifest, ManifestError, ManifestFault};
pub use quarantine::{Quarantined, quarantine_file, quarantine_tail};
pub use reader::{End, Fault, Reader, Replay, Step};
pub use record::{write_annotation, write_next, write_record, write_timestamp};
