//! Keeping aside what could not be replayed, so that nothing is ever thrown away.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::files::{sync_dir, writable};

/// What was moved aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The file it was in.
    pub source: PathBuf,
    /// Where it is now: `<name>.damaged.<n>` in the same directory.
    pub target: PathBuf,
    /// How much was moved.
    pub moved_bytes: u64,
    /// How much of the file is left, from its beginning.
    pub kept_bytes: u64,
}

/// Moves everything behind the first `valid_bytes` of a file into a new file beside it.
///
/// The copy is durable before the original is cut, so a kill in between leaves both, and the next
/// start makes a second copy. `None` if there is nothing behind.
///
/// # Errors
/// Whatever the system says; the original is whole then, unless cutting it is what failed.
pub fn quarantine_tail(path: &Path, valid_bytes: u64) -> io::Result<Option<Quarantined>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    if file.metadata()?.len() <= valid_bytes {
        return Ok(None);
    }
    let (target, mut copy) = reserve(path)?;
    let moved_bytes = match copy_tail(&mut file, valid_bytes, &mut copy) {
        Ok(bytes) => bytes,
        Err(error) => {
            let _ = fs::remove_file(&target);
            return Err(error);
        }
    };
    sync_dir(dir_of(path))?;
    file.set_len(valid_bytes)?;
    file.sync_all()?;
    Ok(Some(Quarantined {
        source: path.to_owned(),
        target,
        moved_bytes,
        kept_bytes: valid_bytes,
    }))
}

/// Renames a whole file so that it is out of the way.
///
/// # Errors
/// Whatever the system says; the file is where it was then.
pub fn quarantine_file(path: &Path) -> io::Result<Quarantined> {
    let moved_bytes = fs::metadata(path)?.len();
    // Renaming replaces the empty file that reserved the name, and never anything else.
    let (target, _) = reserve(path)?;
    if let Err(error) = fs::rename(path, &target) {
        let _ = fs::remove_file(&target);
        return Err(error);
    }
    sync_dir(dir_of(path))?;
    Ok(Quarantined {
        source: path.to_owned(),
        target,
        moved_bytes,
        kept_bytes: 0,
    })
}

fn copy_tail(file: &mut File, valid_bytes: u64, copy: &mut File) -> io::Result<u64> {
    file.seek(SeekFrom::Start(valid_bytes))?;
    let bytes = io::copy(file, copy)?;
    copy.sync_all()?;
    Ok(bytes)
}

/// An empty file of the first name that is free.
fn reserve(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = 1_u64;
    loop {
        let mut name = OsString::from(path.as_os_str());
        name.push(format!(".damaged.{number}"));
        match writable().create_new(true).open(&name) {
            Ok(file) => return Ok((name.into(), file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

fn dir_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_moves_and_the_head_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.aof");
        for number in 1..=2 {
            fs::write(&path, b"goodbad").unwrap();
            let moved = quarantine_tail(&path, 4).unwrap().unwrap();
            assert_eq!(
                moved.target,
                dir.path().join(format!("a.aof.damaged.{number}"))
            );
            assert_eq!((moved.moved_bytes, moved.kept_bytes), (3, 4));
            assert_eq!(fs::read(&path).unwrap(), b"good");
            assert_eq!(fs::read(&moved.target).unwrap(), b"bad");
        }
    }

    #[test]
    fn nothing_behind_moves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.aof");
        fs::write(&path, b"good").unwrap();
        for valid_bytes in [4, 5] {
            assert_eq!(quarantine_tail(&path, valid_bytes).unwrap(), None);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"good");
    }

    #[test]
    fn a_whole_file_moves_without_replacing_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.aof");
        fs::write(dir.path().join("a.aof.damaged.1"), b"older").unwrap();
        fs::write(&path, b"bytes").unwrap();
        let moved = quarantine_file(&path).unwrap();
        assert_eq!(moved.target, dir.path().join("a.aof.damaged.2"));
        assert_eq!(fs::read(&moved.target).unwrap(), b"bytes");
        assert_eq!(
            fs::read(dir.path().join("a.aof.damaged.1")).unwrap(),
            b"older"
        );
        assert!(!path.exists());
    }

    #[test]
    fn a_missing_file_is_an_error_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.aof");
        assert!(quarantine_tail(&path, 0).is_err());
        assert!(quarantine_file(&path).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
