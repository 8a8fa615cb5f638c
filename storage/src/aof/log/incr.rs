//! The file that is appended to.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, IoSlice, Write};
use std::path::Path;

use crate::aof::block::Frame;
use crate::aof::files::{Location, system_text, writable};

/// The file that is appended to.
#[derive(Debug)]
pub(super) struct Incr {
    pub(super) file: File,
    /// What is whole. Bytes behind it are left of a failed write, and cut off before the next.
    pub(super) good_bytes: u64,
    pub(super) has_torn_tail: bool,
    /// The length of the incremental file before, to be told with the first block.
    before_bytes: Option<u64>,
    /// Whether it is a temporary file that no manifest names, until the first base is there.
    pub(super) is_staged: bool,
}

/// An append that did not take place: the file is as before, or is put right by the next one.
///
/// Displays as Redis logs it.
#[derive(Debug)]
pub struct AppendError {
    /// What the system says, such as [`ErrorKind::StorageFull`].
    pub error: io::Error,
    /// How many bytes were written.
    pub written_bytes: usize,
    /// How many were to be written.
    pub expected_bytes: usize,
    /// Why the bytes that were written could not be cut off again.
    pub truncate_error: Option<io::Error>,
}

impl Incr {
    /// Opens a file behind another incremental one of so many bytes, or behind none.
    pub(super) fn open(path: &Path, before_bytes: Option<u64>) -> io::Result<Self> {
        let file = writable().append(true).open(path)?;
        let good_bytes = file.metadata()?.len();
        Ok(Self {
            file,
            good_bytes,
            has_torn_tail: false,
            before_bytes,
            is_staged: false,
        })
    }

    pub(super) fn stage(location: &Location) -> io::Result<Self> {
        let path = location.temp_incr_path();
        let _ = fs::remove_file(&path);
        let file = writable().append(true).create_new(true).open(path)?;
        Ok(Self {
            file,
            good_bytes: 0,
            has_torn_tail: false,
            before_bytes: None,
            is_staged: true,
        })
    }

    /// Appends a block.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), AppendError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let frame = match self.before_bytes {
            Some(before_bytes) if self.good_bytes == 0 => Frame::first(before_bytes, bytes),
            _ => Frame::new(self.good_bytes, bytes),
        };
        let expected_bytes = bytes.len() + frame.bytes();
        let failed = |error, written_bytes, truncate_error| AppendError {
            error,
            written_bytes,
            expected_bytes,
            truncate_error,
        };
        if let Err(error) = self.cut_torn_tail() {
            return Err(failed(error, 0, None));
        }
        match write_whole(&mut self.file, &mut frame.around(bytes)) {
            Ok(()) => {
                self.good_bytes += expected_bytes as u64;
                Ok(())
            }
            Err((error, written_bytes)) => {
                self.has_torn_tail = written_bytes > 0;
                let truncate_error = self.cut_torn_tail().err();
                Err(failed(error, written_bytes, truncate_error))
            }
        }
    }

    /// Cuts off what a failed write left.
    pub(super) fn cut_torn_tail(&mut self) -> io::Result<()> {
        if self.has_torn_tail {
            self.file.set_len(self.good_bytes)?;
            self.has_torn_tail = false;
        }
        Ok(())
    }
}

/// Writes all bytes, or says how many were written before what failed.
pub(super) fn write_whole(
    out: &mut impl Write,
    mut parts: &mut [IoSlice<'_>],
) -> Result<(), (io::Error, usize)> {
    let mut written = 0;
    // Parts that are empty are passed.
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match out.write_vectored(parts) {
            Ok(0) => return Err((ErrorKind::WriteZero.into(), written)),
            Ok(count) => {
                written += count;
                IoSlice::advance_slices(&mut parts, count);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err((error, written)),
        }
    }
    Ok(())
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.written_bytes {
            0 => {
                let text = system_text(&self.error);
                write!(f, "Error writing to the AOF file: {text}")?;
            }
            written => write!(
                f,
                "Short write while writing to the AOF file: (nwritten={written}, expected={})",
                self.expected_bytes
            )?,
        }
        match &self.truncate_error {
            None => Ok(()),
            Some(error) => write!(
                f,
                ". Could not remove short write from the append-only file.  Redis may refuse to \
                 load the AOF the next time it starts.  ftruncate: {}",
                system_text(error)
            ),
        }
    }
}

impl std::error::Error for AppendError {}
