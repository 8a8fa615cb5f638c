//! The log that is being written: the last incremental file, and its rewriting.
//!
//! A rewrite makes a new base beside the running log, without stopping it:
//!
//! 1. [`Log::begin_rewrite`] at a moment when no request is half appended: what follows goes to
//!    a new incremental file, and the keyspace as it is at that moment becomes the new base.
//! 2. [`RewriteFiles`] takes the bytes of the base, on any thread, and [`RewriteFiles::finish`]
//!    makes them durable.
//! 3. [`Log::commit_rewrite`] puts the base in the place of all files before it, or
//!    [`Log::abort_rewrite`] gives up: the incremental files stay, and all of them are valid.
//!
//! A log may hold several databases: whoever appends begins each file with `SELECT`, as the replay
//! of each begins in database 0.

mod base;
mod incr;

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::files::{Location, system_text, writable};
use super::manifest::{Entry, Manifest, PersistError};
use super::quarantine::{Quarantined, quarantine_file};
pub use base::{AUTOSYNC_BYTES, FinishedBase, FirstBase, RewriteFiles};
pub use incr::AppendError;
use incr::Incr;

/// An open log. One thread at a time writes to it.
#[derive(Debug)]
pub struct Log {
    location: Location,
    manifest: Manifest,
    incr: Incr,
    /// The length of all files before the one that is appended to.
    earlier_bytes: u64,
    rewrite_base_bytes: u64,
    rewrite: Option<Rewrite>,
    quarantined: Vec<Quarantined>,
}

/// A rewrite that is running.
#[derive(Debug)]
struct Rewrite {
    id: u64,
    /// The incremental files from this number on stay; `None` for a staged one.
    kept_from_seq: Option<i64>,
}

/// What a committed rewrite changed.
#[derive(Debug)]
pub struct Committed {
    /// The new base.
    pub base: PathBuf,
    /// The names that were removed.
    pub removed: Vec<PathBuf>,
    /// The files behind those names. Their space is given back when these are dropped, which
    /// may take long for big ones: best on a thread that may wait.
    pub freed: Vec<File>,
    /// Why names are left over; they are tried again by the next rewrite and the next start.
    pub cleanup_error: Option<io::Error>,
}

/// Why a rewrite did not begin or was not committed.
#[derive(Debug)]
pub enum RewriteError {
    /// Another one is running.
    Running,
    /// The base belongs to a rewrite that was aborted.
    Stale,
    /// What the system says. The log goes on as before, perhaps in a new incremental file.
    Io(io::Error),
}

/// Counts over all logs of the process, so that what an aborted rewrite leaves can neither be
/// committed to another log nor remove the temporary file of a later one.
static NEXT_REWRITE_ID: AtomicU64 = AtomicU64::new(1);

impl Log {
    /// Opens the log behind files that have been replayed, or makes the first files.
    ///
    /// Temporary and history files are removed. With an empty manifest a base is made that holds no
    /// key, as the keyspace is empty too: use [`Log::open_staged`] where it is not. A file in the
    /// place of one to be made is moved aside unless it is empty, see [`Log::quarantined`].
    ///
    /// # Errors
    /// Whatever the system says, or `first_base`. What was on disk is still there then.
    pub fn open(
        location: Location,
        mut manifest: Manifest,
        first_base: impl FnOnce() -> io::Result<FirstBase>,
    ) -> io::Result<Self> {
        location.create_dir()?;
        location.remove_temp_files();
        let mut quarantined = Vec::new();
        let is_new = manifest.replayed().next().is_none();
        if is_new {
            let base = first_base()?;
            let name = manifest.add_base(location.filename(), base.format)?;
            make(&location.path(name), &base.bytes, &mut quarantined)?;
        }
        if is_new || manifest.incrs().is_empty() {
            let entry = manifest.add_incr(location.filename())?;
            make(&location.path(&entry.name), b"", &mut quarantined)?;
            location.sync_dir()?;
            manifest
                .persist(&location)
                .map_err(PersistError::into_io_error)?;
        }
        let mut log = Self::continued(location, manifest, quarantined)?;
        // What cannot be removed now is tried again later; the log works all the same.
        drop(log.remove_history());
        Ok(log)
    }

    /// Opens a log for a keyspace that the files on disk do not hold: when it is switched on in
    /// a running server (`CONFIG SET appendonly yes`).
    ///
    /// Until a first rewrite is committed the files on disk stay what a restart replays, and what
    /// is appended goes into a temporary file. The first rewrite is begun by the caller.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open_staged(location: Location, manifest: Manifest) -> io::Result<Self> {
        location.create_dir()?;
        location.remove_temp_files();
        let lengths: Vec<u64> = lengths(&location, &manifest)?;
        let incr = Incr::stage(&location)?;
        Ok(Self {
            rewrite_base_bytes: base_bytes(&manifest, &lengths),
            earlier_bytes: lengths.iter().sum(),
            location,
            manifest,
            incr,
            rewrite: None,
            quarantined: Vec::new(),
        })
    }

    fn continued(
        location: Location,
        manifest: Manifest,
        quarantined: Vec<Quarantined>,
    ) -> io::Result<Self> {
        let lengths = lengths(&location, &manifest)?;
        let last = manifest.incrs().last().ok_or(ErrorKind::NotFound)?;
        let (_, earlier) = lengths.split_last().ok_or(ErrorKind::NotFound)?;
        let follows_another = manifest.incrs().len() > 1;
        let before_bytes = earlier.last().copied().filter(|_| follows_another);
        let incr = Incr::open(&location.path(&last.name), before_bytes)?;
        Ok(Self {
            rewrite_base_bytes: base_bytes(&manifest, &lengths),
            earlier_bytes: lengths.iter().sum::<u64>() - incr.good_bytes,
            location,
            manifest,
            incr,
            rewrite: None,
            quarantined,
        })
    }

    /// Appends whole records as a block: either all of `bytes` is in the file afterwards, or nothing.
    ///
    /// The checksum is that of these bytes, as they are: nothing is copied for it.
    ///
    /// # Errors
    /// An [`AppendError`], after which the same bytes may be appended again. Redis answers
    /// `MISCONF` to writes until that works, and leaves the process under `appendfsync always`.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), AppendError> {
        self.incr.append(bytes)
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// What the system says. Bytes appended before may be lost in a power cut, whatever a later
    /// call says: Linux reports a failure once.
    pub fn fsync(&self) -> io::Result<()> {
        self.incr.file.sync_data()
    }

    /// Another handle on the file that is appended to, to fsync it on another thread.
    ///
    /// # Errors
    /// What the system says to duplicating the handle.
    pub fn try_clone_file(&self) -> io::Result<File> {
        self.incr.file.try_clone()
    }

    /// The length of base and incremental files together (`aof_current_size`).
    pub fn current_bytes(&self) -> u64 {
        self.earlier_bytes + self.incr.good_bytes
    }

    /// What [`current_bytes`](Self::current_bytes) was after the last rewrite; after a start the
    /// length of the base (`aof_base_size`). A rewrite by percentage compares the two.
    pub fn rewrite_base_bytes(&self) -> u64 {
        self.rewrite_base_bytes
    }

    /// The files of the log.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where the files are.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Whether a rewrite has begun and is neither committed nor aborted.
    pub fn is_rewriting(&self) -> bool {
        self.rewrite.is_some()
    }

    /// Whether the file that is appended to is where a start looks for it: not if somebody has removed or moved it, or its
    /// directory.
    pub fn is_in_place(&self) -> bool {
        let found = self.incr_path().and_then(|path| fs::metadata(path).ok());
        let own = self.incr.file.metadata();
        let is_same =
            |found: &Metadata, own: &Metadata| (found.dev(), found.ino()) == (own.dev(), own.ino());
        found.is_some_and(|found| own.is_ok_and(|own| is_same(&found, &own)))
    }

    fn incr_path(&self) -> Option<PathBuf> {
        match self.incr.is_staged {
            true => Some(self.location.temp_incr_path()),
            false => self
                .manifest
                .incrs()
                .last()
                .map(|it| self.location.path(&it.name)),
        }
    }

    /// Whether a start would find all files that count.
    fn is_whole(&self) -> bool {
        let is_there = |entry: &Entry| self.location.path(&entry.name).exists();
        self.is_in_place() && self.manifest.replayed().all(is_there)
    }

    /// Whether the files on disk are not those of this keyspace yet, see [`Log::open_staged`].
    pub fn is_staged(&self) -> bool {
        self.incr.is_staged
    }

    /// Files that no manifest named and that stood where one had to be made.
    pub fn quarantined(&self) -> &[Quarantined] {
        &self.quarantined
    }

    /// Begins a rewrite: from now on a new incremental file is appended to.
    ///
    /// `sync_every_bytes` fsyncs the base each time that much was written ([`AUTOSYNC_BYTES`]);
    /// without it once, at its end. The present incremental file is fsynced first, so that a power
    /// cut can never tear a file that another follows. Where files are missing that somebody has
    /// removed, those that are left are of no use: what is appended is staged then, as in
    /// [`Log::open_staged`].
    ///
    /// # Errors
    /// [`RewriteError::Running`], or what the system says: then nothing has changed.
    pub fn begin_rewrite(
        &mut self,
        sync_every_bytes: Option<u64>,
    ) -> Result<RewriteFiles, RewriteError> {
        if self.rewrite.is_some() {
            return Err(RewriteError::Running);
        }
        let id = NEXT_REWRITE_ID.fetch_add(1, Ordering::Relaxed);
        self.location.create_dir()?;
        let files = RewriteFiles::create(&self.location, id, sync_every_bytes)?;
        let kept_from_seq = match self.incr.is_staged || !self.is_whole() {
            true => self.restage()?,
            false => self.next_incr()?,
        };
        self.rewrite = Some(Rewrite { id, kept_from_seq });
        Ok(files)
    }

    /// A staged log holds what came after its last base, so a new one begins anew.
    fn restage(&mut self) -> io::Result<Option<i64>> {
        self.incr = Incr::stage(&self.location)?;
        Ok(None)
    }

    fn next_incr(&mut self) -> io::Result<Option<i64>> {
        self.incr.cut_torn_tail()?;
        self.incr.file.sync_data()?;
        let mut manifest = self.manifest.clone();
        let entry = manifest.add_incr(self.location.filename())?;
        let (seq, path) = (entry.seq, self.location.path(&entry.name));
        make(&path, b"", &mut self.quarantined)?;
        let incr = Incr::open(&path, Some(self.incr.good_bytes))?;
        self.location.sync_dir()?;
        // If this fails the manifest on disk may already name the new file, which therefore
        // stays. It is empty, and the next attempt takes it.
        manifest
            .persist(&self.location)
            .map_err(PersistError::into_io_error)?;
        self.earlier_bytes += self.incr.good_bytes;
        self.manifest = manifest;
        self.incr = incr;
        Ok(Some(seq))
    }

    /// Puts the new base in the place of everything before it.
    ///
    /// # Errors
    /// [`RewriteError::Stale`] if this rewrite was aborted, or what the system says: then the old
    /// files are still all there, and the rewrite is over.
    pub fn commit_rewrite(&mut self, base: FinishedBase) -> Result<Committed, RewriteError> {
        let rewrite = match self.rewrite.take() {
            Some(rewrite) if rewrite.id == base.id => rewrite,
            other => {
                self.rewrite = other;
                return Err(RewriteError::Stale);
            }
        };
        let base_bytes = base.bytes;
        let (path, unsynced) = self.replace_base(base, rewrite.kept_from_seq)?;
        self.earlier_bytes = base_bytes;
        self.rewrite_base_bytes = self.current_bytes();
        // A power cut could bring the old manifest back: then its files must still be there.
        let (removed, freed, cleanup_error) = match unsynced {
            Some(error) => (Vec::new(), Vec::new(), Some(error)),
            None => self.remove_history(),
        };
        Ok(Committed {
            base: path,
            removed,
            freed,
            cleanup_error,
        })
    }

    /// Gives a rewrite up. Its base is removed when it is dropped.
    pub fn abort_rewrite(&mut self) {
        self.rewrite = None;
    }

    /// The path of the new base, and the error if its manifest is in place but perhaps not durable.
    fn replace_base(
        &mut self,
        base: FinishedBase,
        kept_from_seq: Option<i64>,
    ) -> io::Result<(PathBuf, Option<io::Error>)> {
        let mut manifest = self.manifest.clone();
        let name = manifest.add_base(self.location.filename(), base.format)?;
        let path = self.location.path(name);
        let staged = match kept_from_seq {
            Some(seq) => {
                manifest.retire_incrs_before(seq);
                None
            }
            None => Some(self.add_staged_incr(&mut manifest)?),
        };
        let placed = self
            .put_in_place(base, &path, staged.as_deref())
            .map_err(PersistError::before)
            .and_then(|()| manifest.persist(&self.location));
        match placed {
            Err(error) if !error.is_replaced => {
                self.take_back(&path, staged.as_deref());
                Err(error.into_io_error())
            }
            result => {
                self.manifest = manifest;
                self.incr.is_staged = false;
                Ok((path, result.err().map(PersistError::into_io_error)))
            }
        }
    }

    fn put_in_place(
        &self,
        base: FinishedBase,
        path: &Path,
        staged: Option<&Path>,
    ) -> io::Result<()> {
        base.temp.rename(path)?;
        if let Some(staged) = staged {
            self.incr.file.sync_data()?;
            fs::rename(self.location.temp_incr_path(), staged)?;
        }
        self.location.sync_dir()
    }

    /// Undoes what was renamed for a manifest that was not written.
    fn take_back(&self, base: &Path, staged: Option<&Path>) {
        let _ = fs::remove_file(base);
        if let Some(staged) = staged {
            let _ = fs::rename(staged, self.location.temp_incr_path());
        }
    }

    /// Names the file for what was staged; everything before it becomes history.
    fn add_staged_incr(&mut self, manifest: &mut Manifest) -> io::Result<PathBuf> {
        let entry = manifest.add_incr(self.location.filename())?;
        let (seq, path) = (entry.seq, self.location.path(&entry.name));
        manifest.retire_incrs_before(seq);
        move_aside(&path, &mut self.quarantined)?;
        Ok(path)
    }

    /// Removes history files and takes them out of the manifest: the names that are gone, the
    /// files behind them, and the first error.
    fn remove_history(&mut self) -> (Vec<PathBuf>, Vec<File>, Option<io::Error>) {
        let (mut removed, mut freed, mut first_error) = (Vec::new(), Vec::new(), None);
        if self.manifest.history().is_empty() {
            return (removed, freed, first_error);
        }
        // A manifest written by hand may say of a file that it is both. Redis removes it.
        let is_needed = |entry: &Entry| self.manifest.is_replayed(&entry.name);
        for entry in self.manifest.history().iter().filter(|it| !is_needed(it)) {
            let path = self.location.path(&entry.name);
            // An open file keeps its blocks, so that removing its name takes no time.
            freed.extend(File::open(&path));
            match fs::remove_file(&path) {
                Ok(()) => removed.push(path),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        let mut manifest = self.manifest.clone();
        let location = &self.location;
        manifest.forget_history(|entry| is_needed(entry) || !location.path(&entry.name).exists());
        match manifest.persist(location) {
            Ok(()) => self.manifest = manifest,
            Err(error) => first_error = first_error.or(Some(error.into_io_error())),
        }
        (removed, freed, first_error)
    }
}

/// Makes a file with these bytes, durably, out of an empty one if that is there; another one is
/// moved aside first.
fn make(path: &Path, bytes: &[u8], quarantined: &mut Vec<Quarantined>) -> io::Result<()> {
    move_aside(path, quarantined)?;
    let mut file = writable().append(true).create(true).open(path)?;
    if bytes.is_empty() {
        return Ok(());
    }
    file.write_all(bytes)?;
    file.sync_all()
}

fn move_aside(path: &Path, quarantined: &mut Vec<Quarantined>) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0) {
        quarantined.push(quarantine_file(path)?);
    }
    Ok(())
}

fn lengths(location: &Location, manifest: &Manifest) -> io::Result<Vec<u64>> {
    let length = |entry: &Entry| Ok(fs::metadata(location.path(&entry.name))?.len());
    manifest.replayed().map(length).collect()
}

fn base_bytes(manifest: &Manifest, lengths: &[u64]) -> u64 {
    match manifest.base() {
        Some(_) => lengths.first().copied().unwrap_or(0),
        None => 0,
    }
}

impl From<io::Error> for RewriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for RewriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => {
                f.write_str("Background append only file rewriting already in progress")
            }
            Self::Stale => f.write_str("The append only file rewrite was aborted"),
            Self::Io(error) => f.write_str(&system_text(error)),
        }
    }
}

impl std::error::Error for RewriteError {}

#[cfg(test)]
mod tests;
