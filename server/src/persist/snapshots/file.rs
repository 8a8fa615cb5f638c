//! The file of a snapshot: written beside the old one, then put in its place.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use storage::keyspace::{Held, Keyspace};
use storage::rdb::file::{AUTOSYNC_BYTES, NewFile};
use storage::rdb::writer::{Checksum, Header, Writer};

use super::{Begun, Failed};
use crate::clock;
use crate::config::{REDIS_VERSION, options, os_reason};
use crate::persist::walk::{give_up, walk};
use crate::server::Server;

/// Writes the snapshot that was begun, and waits until it is on disk.
///
/// # Errors
/// If that fails, or is cancelled. The snapshot is given up then.
pub(super) fn write(
    server: &Server,
    begun: &Begun,
    path: &str,
    is_cancelled: &AtomicBool,
) -> Result<NewFile, Failed> {
    let file = create(server, path).inspect_err(|_| give_up(server))?;
    let written = begin(server, begun, file, Role::Own)
        .inspect_err(|_| give_up(server))
        .and_then(|mut writer| {
            walk(server, |slice| match is_cancelled.load(Ordering::Relaxed) {
                true => Err(io::ErrorKind::Interrupted.into()),
                false => writer.entries(slice.db, &slice.draft),
            })?;
            writer.finish()
        });
    match written {
        Err(_) if is_cancelled.load(Ordering::Relaxed) => Err(Failed),
        written => keep(written),
    }
}

/// The same of what is there now, while every lock is held.
///
/// # Errors
/// If that fails.
pub(super) fn write_held(
    server: &Server,
    begun: &Begun,
    held: &mut Held<'_>,
    path: &str,
) -> Result<NewFile, Failed> {
    let file = create(server, path)?;
    let written = begin(server, begun, file, Role::Own).and_then(|mut writer| {
        let entries = begun.entries(server);
        Keyspace::write_held(held, &entries, |slice| {
            writer.entries(slice.db, &slice.draft)
        })?;
        writer.finish()
    });
    keep(written)
}

/// Puts a file in the place of the last one; whether that succeeded.
pub(super) fn place(server: &Server, file: NewFile, path: &str) -> bool {
    let target = server.settings.config.path(options::DBFILENAME);
    let Err(error) = file.rename(Path::new(&target)) else {
        return true;
    };
    tracing::warn!(
        "Error moving temp DB file {path} on the final destination {} (in server root dir {}): {}",
        target.display(),
        working_dir(),
        os_reason(&error)
    );
    false
}

fn create(server: &Server, path: &str) -> Result<NewFile, Failed> {
    let config = &server.settings.config;
    let sync_every = config
        .get(options::RDB_SAVE_INCREMENTAL_FSYNC)
        .then_some(AUTOSYNC_BYTES);
    NewFile::create(Path::new(path), sync_every).map_err(|error| {
        tracing::warn!(
            "Failed opening the temp RDB file {path} (in server root dir {}) for saving: {}",
            working_dir(),
            os_reason(&error)
        );
        Failed
    })
}

/// The working directory, in the words of Redis if it is gone.
fn working_dir() -> String {
    std::env::current_dir().map_or_else(|_| "unknown".to_owned(), |dir| dir.display().to_string())
}

/// What a snapshot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::persist) enum Role {
    /// Itself.
    Own,
    /// The log that follows it.
    Base,
}

/// Writes what stands in front.
///
/// # Errors
/// Those of `out`.
pub(in crate::persist) fn begin<W: Write>(
    server: &Server,
    begun: &Begun,
    out: W,
    role: Role,
) -> io::Result<Writer<W>> {
    let header = Header {
        version: begun.version,
        redis_version: REDIS_VERSION,
        now_seconds: clock::now_ms() / 1000,
        used_bytes: storage::memory::used_bytes(),
        is_base: role == Role::Base,
        totals: &begun.totals,
        libraries: &begun.libraries,
    };
    let checksum = match server.settings.config.get(options::RDBCHECKSUM) {
        true => Checksum::Crc64,
        false => Checksum::None,
    };
    Writer::begin(out, &header, server.settings.compression(), checksum)
}

/// Brings what was written to disk.
fn keep(written: io::Result<NewFile>) -> Result<NewFile, Failed> {
    let mut file = written.map_err(|error| complain("rdbSaveRio", &error))?;
    file.flush().map_err(|error| complain("fflush", &error))?;
    file.sync().map_err(|error| complain("fsync", &error))?;
    Ok(file)
}

fn complain(step: &str, error: &io::Error) -> Failed {
    let reason = os_reason(error);
    tracing::warn!("Write error while saving DB to the disk({step}): {reason}");
    Failed
}
