//! What INFO tells of persistence.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use storage::aof::Loaded;
use storage::keyspace::Totals;

/// State of the log and its rewriting.
#[derive(Debug)]
pub struct Status {
    /// A rewrite is asked for and will begin.
    pub is_rewrite_scheduled: AtomicBool,
    /// Keys there were when the last walk over the keyspace began, and how many are written.
    pub total_keys: AtomicUsize,
    /// See [`Status::total_keys`].
    pub walked_keys: AtomicUsize,
    /// The most bytes that writers have saved for it at once.
    pub most_saved_bytes: AtomicUsize,
    /// The last rewrite succeeded.
    pub last_rewrite_ok: AtomicBool,
    /// The last write succeeded.
    pub last_write_ok: AtomicBool,
    /// When the running rewrite began, milliseconds since 1970.
    pub rewrite_started_ms: AtomicI64,
    /// How long the last rewrite took, seconds; -1 if there was none.
    pub last_rewrite_seconds: AtomicI64,
    /// The most bytes that writers have saved for the last rewrite at once.
    pub last_rewrite_saved_bytes: AtomicUsize,
    /// Rewrites that have failed since one succeeded.
    pub rewrite_failures: AtomicU64,
    /// Rewrites that have begun.
    pub rewrites: AtomicU64,
    /// The files of the log are not those of this keyspace yet.
    pub is_staged: AtomicBool,
    /// Bytes of all files of the log.
    pub current_bytes: AtomicU64,
    /// Bytes of the log after the last rewrite or start.
    pub base_bytes: AtomicU64,
    /// Times that syncing took longer than a second, so that the next one came late.
    pub delayed_fsyncs: AtomicU64,
    /// Bytes moved aside at start because they could not be replayed.
    pub quarantined_bytes: AtomicU64,
    /// Names of the files that hold them.
    pub quarantined_files: Mutex<Vec<String>>,
}

impl Default for Status {
    fn default() -> Self {
        Status {
            is_rewrite_scheduled: AtomicBool::new(false),
            total_keys: AtomicUsize::new(0),
            walked_keys: AtomicUsize::new(0),
            most_saved_bytes: AtomicUsize::new(0),
            last_rewrite_ok: AtomicBool::new(true),
            last_write_ok: AtomicBool::new(true),
            rewrite_started_ms: AtomicI64::new(0),
            last_rewrite_seconds: AtomicI64::new(-1),
            last_rewrite_saved_bytes: AtomicUsize::new(0),
            rewrite_failures: AtomicU64::new(0),
            rewrites: AtomicU64::new(0),
            is_staged: AtomicBool::new(false),
            current_bytes: AtomicU64::new(0),
            base_bytes: AtomicU64::new(0),
            delayed_fsyncs: AtomicU64::new(0),
            quarantined_bytes: AtomicU64::new(0),
            quarantined_files: Mutex::default(),
        }
    }
}

impl Status {
    /// Notes that the keyspace begins to be walked.
    pub fn begin_walk(&self, totals: &[Totals]) {
        let keys = totals.iter().map(|it| it.keys).sum();
        self.total_keys.store(keys, Ordering::Relaxed);
        self.walked_keys.store(0, Ordering::Relaxed);
        self.most_saved_bytes.store(0, Ordering::Relaxed);
    }

    /// Notes how much writers have saved and is not written yet.
    pub fn note_saved(&self, bytes: usize) {
        self.most_saved_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Starts counting anew (`CONFIG RESETSTAT`).
    pub fn reset(&self) {
        self.rewrites.store(0, Ordering::Relaxed);
        self.rewrite_failures.store(0, Ordering::Relaxed);
        self.delayed_fsyncs.store(0, Ordering::Relaxed);
    }

    /// Notes what the start has found damaged.
    pub fn note_loaded(&self, loaded: &Loaded) {
        let bytes = loaded.quarantined.iter().map(|part| part.moved_bytes).sum();
        self.quarantined_bytes.store(bytes, Ordering::Relaxed);
        *self.quarantined_files.lock() = loaded
            .quarantined
            .iter()
            .map(|part| part.target.display().to_string())
            .collect();
    }
}
