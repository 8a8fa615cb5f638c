//! The base that a rewrite writes, from its first byte until it is durable.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::aof::block::{Frame, whole_line};
use crate::aof::files::{Location, writable};
use crate::aof::manifest::BaseFormat;

/// The base that a rewrite writes. Removed when dropped unfinished.
#[derive(Debug)]
pub struct RewriteFiles {
    out: BufWriter<File>,
    pub(super) temp: TempFile,
    id: u64,
    bytes: u64,
    has_blocks: bool,
    synced_bytes: u64,
    sync_every_bytes: Option<u64>,
}

/// A base that is complete and durable. Removed when dropped without being committed.
#[derive(Debug)]
pub struct FinishedBase {
    pub(super) temp: TempFile,
    pub(super) id: u64,
    pub(super) bytes: u64,
    pub(super) format: BaseFormat,
}

/// The base of a log that begins with nothing: what a file of that format says where there is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstBase {
    /// All of the file.
    pub bytes: Vec<u8>,
    /// Its format, which its name tells.
    pub format: BaseFormat,
}

/// How often a base is fsynced while it is written (`aof-rewrite-incremental-fsync yes`), so that
/// the disk is not busy for seconds at its end. The same 4 MB as in Redis (`REDIS_AUTOSYNC_BYTES`).
pub const AUTOSYNC_BYTES: u64 = 4 * 1024 * 1024;

const BASE_BUFFER_BYTES: usize = 256 * 1024;

impl RewriteFiles {
    pub(super) fn create(
        location: &Location,
        id: u64,
        sync_every_bytes: Option<u64>,
    ) -> io::Result<Self> {
        let path = location.temp_base_path(id);
        let file = writable().create(true).truncate(true).open(&path)?;
        Ok(Self {
            out: BufWriter::with_capacity(BASE_BUFFER_BYTES, file),
            temp: TempFile { path: Some(path) },
            id,
            bytes: 0,
            has_blocks: false,
            synced_bytes: 0,
            sync_every_bytes,
        })
    }

    /// The temporary file that is written.
    pub fn path(&self) -> &Path {
        self.temp.path.as_deref().unwrap_or(Path::new(""))
    }

    /// How many bytes were written so far.
    pub fn written_bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes whole records as a block, with its checksum. For a base of commands: a snapshot has its own.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_block(&mut self, records: &[u8]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        if !self.has_blocks {
            self.has_blocks = true;
            self.write_all(whole_line(self.bytes).as_bytes())?;
        }
        let frame = Frame::new(self.bytes, records);
        let parts = frame.around(records);
        parts.iter().try_for_each(|part| self.write_all(part))
    }

    /// Makes a base of commands complete and durable.
    ///
    /// # Errors
    /// What the system says; the temporary file is removed then.
    pub fn finish(mut self) -> io::Result<FinishedBase> {
        if self.has_blocks {
            self.write_all(whole_line(self.bytes).as_bytes())?;
        }
        self.finish_as(BaseFormat::Aof)
    }

    /// The same of one that is a snapshot.
    ///
    /// # Errors
    /// As [`RewriteFiles::finish`].
    pub fn finish_snapshot(self) -> io::Result<FinishedBase> {
        self.finish_as(BaseFormat::Rdb)
    }

    fn finish_as(mut self, format: BaseFormat) -> io::Result<FinishedBase> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        Ok(FinishedBase {
            temp: self.temp,
            id: self.id,
            bytes: self.bytes,
            format,
        })
    }

    fn sync_if_due(&mut self) -> io::Result<()> {
        let Some(every) = self.sync_every_bytes else {
            return Ok(());
        };
        if self.bytes - self.synced_bytes >= every {
            self.out.flush()?;
            self.out.get_ref().sync_data()?;
            self.synced_bytes = self.bytes;
        }
        Ok(())
    }
}

impl Write for RewriteFiles {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        self.sync_if_due()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl FinishedBase {
    /// The length of the base.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A file that is removed unless it was renamed.
#[derive(Debug)]
pub(super) struct TempFile {
    pub(super) path: Option<PathBuf>,
}

impl TempFile {
    pub(super) fn rename(mut self, target: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, target)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}
