//! A file that takes the place of another once it is complete.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::aof::{sync_dir, writable};

/// How often a file is synced while it is written (`rdb-save-incremental-fsync`), as in Redis.
pub use crate::aof::AUTOSYNC_BYTES;

/// A file under a name of its own, removed when it is dropped before it was put in place.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    path: Option<PathBuf>,
    sync_every_bytes: Option<u64>,
    unsynced_bytes: u64,
}

impl NewFile {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path, sync_every_bytes: Option<u64>) -> io::Result<NewFile> {
        let file = writable().create(true).truncate(true).open(path)?;
        Ok(NewFile {
            file,
            path: Some(path.to_owned()),
            sync_every_bytes,
            unsynced_bytes: 0,
        })
    }

    /// Waits until all of it is on disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Puts it in the place of another, for good.
    ///
    /// # Errors
    /// What the system says; the other file is as it was then.
    pub fn rename(mut self, target: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, target)?;
        }
        self.path = None;
        sync_dir(target.parent().unwrap_or(Path::new("")))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced_bytes += written as u64;
        if self
            .sync_every_bytes
            .is_some_and(|every| self.unsynced_bytes >= every)
        {
            self.file.sync_data()?;
            self.unsynced_bytes = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Gone already, or in a directory that is: nothing is left to do.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_the_place_of_another_or_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let (temp, target) = (dir.path().join("temp"), dir.path().join("target"));
        fs::write(&target, "old").expect("written");
        let mut file = NewFile::create(&temp, Some(2)).expect("a file");
        file.write_all(b"half").expect("written");
        drop(file);
        assert!(!temp.exists());
        assert_eq!(fs::read(&target).expect("it is there"), b"old");
        let mut file = NewFile::create(&temp, None).expect("a file");
        file.write_all(b"whole").expect("written");
        file.sync().expect("synced");
        file.rename(&target).expect("renamed");
        assert!(!temp.exists());
        assert_eq!(fs::read(&target).expect("it is there"), b"whole");
    }
}
