//! Where the files are, and how they are made so that they survive a power cut.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::manifest::{Manifest, PersistError};

/// The directory of the append-only files and the name they begin with.
///
/// Neither the directory's name nor the file's may hold a path separator; the configuration sees
/// to that, as in Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    working_dir: PathBuf,
    dir: PathBuf,
    filename: OsString,
}

/// What became of a single append-only file as Redis up to version 6 writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Migrated {
    /// There is none, or the manifest has its own files.
    Nothing,
    /// It was moved into the directory and is the base of this manifest now.
    Moved(Manifest),
}

impl Location {
    /// The place for `appendfilename` and `appenddirname` under the working directory (`dir`).
    pub fn new(
        working_dir: impl Into<PathBuf>,
        appenddirname: impl AsRef<OsStr>,
        appendfilename: impl Into<OsString>,
    ) -> Self {
        let working_dir = working_dir.into();
        Self {
            dir: working_dir.join(appenddirname.as_ref()),
            working_dir,
            filename: appendfilename.into(),
        }
    }

    /// The directory that holds the manifest and the files it names.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What every file's name begins with (`appendfilename`).
    pub fn filename(&self) -> &OsStr {
        &self.filename
    }

    /// The path of a file that the manifest names.
    pub fn path(&self, name: &OsStr) -> PathBuf {
        self.dir.join(name)
    }

    /// The path of the manifest.
    pub fn manifest_path(&self) -> PathBuf {
        self.affixed("", ".manifest")
    }

    pub(super) fn temp_manifest_path(&self) -> PathBuf {
        self.affixed("temp-", ".manifest")
    }

    pub(super) fn temp_incr_path(&self) -> PathBuf {
        self.affixed("temp-", ".incr")
    }

    pub(super) fn temp_base_path(&self, rewrite_id: u64) -> PathBuf {
        let pid = std::process::id();
        let name = format!("{TEMP_BASE_PREFIX}bg-{pid}-{rewrite_id}.aof");
        self.dir.join(name)
    }

    fn affixed(&self, prefix: &str, suffix: &str) -> PathBuf {
        let mut name = OsString::from(prefix);
        name.push(&self.filename);
        name.push(suffix);
        self.dir.join(name)
    }

    /// Makes the directory if it is not there, readable by all and writable by its owner.
    pub(super) fn create_dir(&self) -> io::Result<()> {
        match DirBuilder::new().mode(0o755).create(&self.dir) {
            Ok(()) => sync_dir(&self.working_dir),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn sync_dir(&self) -> io::Result<()> {
        sync_dir(&self.dir)
    }

    /// Removes what a killed server left over: temporary files of the base, of the incremental
    /// file and of the manifest. One that cannot be removed stays: none is ever read.
    pub(super) fn remove_temp_files(&self) {
        let _ = fs::remove_file(self.temp_manifest_path());
        let _ = fs::remove_file(self.temp_incr_path());
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        for entry in entries.flatten() {
            if is_temp_base(&entry.file_name()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Moves a single append-only file of Redis up to version 6 into the directory, as its base.
    ///
    /// Done where Redis 7 does it: `manifest` is what was loaded (`None` if there is none), and it
    /// may hold nothing but a base of that very name, which a kill between writing the manifest
    /// and moving the file leaves behind.
    ///
    /// # Errors
    /// Whatever the system says to making the directory, writing the manifest or renaming.
    pub fn migrate_single_file(&self, manifest: Option<&Manifest>) -> io::Result<Migrated> {
        let old = self.working_dir.join(&self.filename);
        let new = self.path(&self.filename);
        let is_wanted = manifest.is_none_or(|manifest| manifest.is_single(&self.filename));
        if !is_wanted || !old.is_file() || new.exists() {
            return Ok(Migrated::Nothing);
        }
        self.create_dir()?;
        let manifest = Manifest::single(&self.filename);
        manifest
            .persist(self)
            .map_err(PersistError::into_io_error)?;
        fs::rename(&old, &new)?;
        self.sync_dir()?;
        sync_dir(&self.working_dir)?;
        Ok(Migrated::Moved(manifest))
    }
}

const TEMP_BASE_PREFIX: &str = "temp-rewriteaof-";

fn is_temp_base(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with(TEMP_BASE_PREFIX) && name.ends_with(".aof"))
}

/// Options for a file that is written: as Redis makes them, mode 0644.
pub(crate) fn writable() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o644);
    options
}

/// Makes a rename, a new file or a removal in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    // A working directory given as "" is the current one.
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    match File::open(dir)?.sync_all() {
        // Some file systems have no fsync of directories, and need none (`fsyncFileDir` of Redis).
        Err(error) if matches!(error.raw_os_error(), Some(EBADF | EINVAL)) => Ok(()),
        result => result,
    }
}

const EBADF: i32 = 9;
const EINVAL: i32 = 22;

/// What the system says, in the words of `strerror`, without the number Rust puts behind.
pub(super) fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) if error.raw_os_error().is_some() => text[..end].to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location() -> (tempfile::TempDir, Location) {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::new(dir.path(), "appendonlydir", "appendonly.aof");
        (dir, location)
    }

    #[test]
    fn paths_are_those_of_redis() {
        let location = Location::new("/data", "appendonlydir", "appendonly.aof");
        let name = |path: PathBuf| path.to_str().unwrap().to_owned();
        assert_eq!(
            name(location.manifest_path()),
            "/data/appendonlydir/appendonly.aof.manifest"
        );
        assert_eq!(
            name(location.temp_manifest_path()),
            "/data/appendonlydir/temp-appendonly.aof.manifest"
        );
        assert_eq!(
            name(location.temp_incr_path()),
            "/data/appendonlydir/temp-appendonly.aof.incr"
        );
    }

    #[test]
    fn temporary_files_go_and_nothing_else() {
        let (_dir, location) = location();
        location.create_dir().unwrap();
        location.create_dir().unwrap();
        let files = [
            "temp-rewriteaof-1.aof",
            "temp-rewriteaof-bg-22.aof",
            "temp-appendonly.aof.manifest",
            "temp-appendonly.aof.incr",
            "temp-other.aof",
            "appendonly.aof.1.base.aof",
        ];
        for file in files {
            fs::write(location.path(file.as_ref()), b"x").unwrap();
        }
        location.remove_temp_files();
        let mut left: Vec<_> = fs::read_dir(location.dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["appendonly.aof.1.base.aof", "temp-other.aof"]);
    }

    #[test]
    fn a_single_file_of_redis_6_becomes_the_base() {
        let (dir, location) = location();
        fs::write(dir.path().join("appendonly.aof"), b"old").unwrap();
        let Migrated::Moved(manifest) = location.migrate_single_file(None).unwrap() else {
            panic!("not moved");
        };
        assert_eq!(
            manifest.encode(),
            b"file appendonly.aof seq 1 type b\n",
            "as Redis 7.4.1 writes it"
        );
        assert!(!dir.path().join("appendonly.aof").exists());
        let moved = fs::read(location.path("appendonly.aof".as_ref())).unwrap();
        assert_eq!(moved, b"old");
    }

    #[test]
    fn a_migration_cut_short_is_finished() {
        let (dir, location) = location();
        fs::write(dir.path().join("appendonly.aof"), b"old").unwrap();
        location.create_dir().unwrap();
        let manifest = Manifest::single("appendonly.aof".as_ref());
        manifest.persist(&location).unwrap();
        let migrated = location.migrate_single_file(Some(&manifest)).unwrap();
        assert_eq!(migrated, Migrated::Moved(manifest));
    }

    #[test]
    fn a_manifest_with_files_of_its_own_keeps_them() {
        let (dir, location) = location();
        fs::write(dir.path().join("appendonly.aof"), b"old").unwrap();
        let manifest = Manifest::parse(b"file a.1.base.aof seq 1 type b\n").unwrap();
        let migrated = location.migrate_single_file(Some(&manifest)).unwrap();
        assert_eq!(migrated, Migrated::Nothing);
        assert!(dir.path().join("appendonly.aof").exists());
    }

    #[test]
    fn system_errors_read_as_strerror() {
        let error = File::open("/nonexistent/file").unwrap_err();
        assert_eq!(system_text(&error), "No such file or directory");
        assert_eq!(
            system_text(&io::Error::other("x (os error 5)")),
            "x (os error 5)"
        );
    }
}
