//! The buffer between commands and the disk.
//!
//! Commands append while they hold their locks, so the order here is the order of the locks. A
//! writer thread takes what has gathered, writes it and syncs it; many connections share one sync.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};
use storage::aof;
use tokio::sync::watch;

use crate::clock;

/// What has been appended and not yet taken by the writer.
#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    /// The database that the last record belongs to.
    db: Option<usize>,
    /// The last time that was written, in seconds since 1970.
    stamped_seconds: i64,
    /// Bytes of memory that the writer holds.
    taken_bytes: usize,
}

impl Pending {
    /// Writes the time if it is later than the last one: never inside a transaction, as in Redis
    /// (`genAofTimestampAnnotationIfNeeded`, aof.c).
    fn stamp(&mut self, now_seconds: i64) {
        if now_seconds > self.stamped_seconds {
            self.stamped_seconds = now_seconds;
            aof::write_timestamp(now_seconds, &mut self.bytes);
        }
    }
}

fn now_seconds() -> i64 {
    clock::now_ms() / 1000
}

/// The log of effects, as commands see it.
#[derive(Debug)]
pub struct Log {
    pending: Mutex<Pending>,
    has_pending: Condvar,
    is_on: AtomicBool,
    is_stamped: AtomicBool,
    appended: AtomicU64,
    written: AtomicU64,
    pending_bytes: AtomicUsize,
    buffer_bytes: AtomicUsize,
    durable: watch::Sender<u64>,
}

impl Default for Log {
    fn default() -> Self {
        Log {
            pending: Mutex::default(),
            has_pending: Condvar::new(),
            is_on: AtomicBool::new(false),
            is_stamped: AtomicBool::new(false),
            appended: AtomicU64::new(0),
            written: AtomicU64::new(0),
            pending_bytes: AtomicUsize::new(0),
            buffer_bytes: AtomicUsize::new(0),
            durable: watch::Sender::new(0),
        }
    }
}

impl Log {
    /// Whether effects are kept at all (`appendonly`).
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Begins or ends to keep effects.
    pub fn turn(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    /// Whether the time is written too, once in each second in which something is (`aof-timestamp-enabled`).
    pub fn set_stamped(&self, is_stamped: bool) {
        self.is_stamped.store(is_stamped, Ordering::Relaxed);
    }

    /// What a base of commands begins with: the time, if it is wanted.
    pub fn stamp(&self) -> Vec<u8> {
        let mut stamp = Vec::new();
        if self.is_stamped.load(Ordering::Relaxed) {
            aof::write_timestamp(now_seconds(), &mut stamp);
        }
        stamp
    }

    /// Appends the records of one execution unit: (database, bytes). More than one become a
    /// transaction, so that a log cut short never holds half of them.
    ///
    /// Gives the offset of the log behind them. The caller holds the locks of all keys concerned.
    pub fn append<'r>(&self, records: impl ExactSizeIterator<Item = (usize, &'r [u8])>) -> u64 {
        let is_transaction = records.len() > 1;
        let mut pending = self.pending.lock();
        let before = pending.bytes.len();
        if self.is_stamped.load(Ordering::Relaxed) {
            pending.stamp(now_seconds());
        }
        let mut is_open = false;
        for (db, record) in records {
            if is_transaction && !is_open {
                pending.bytes.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
                is_open = true;
            }
            if pending.db != Some(db) {
                let number = db.to_string();
                let select: [&[u8]; 2] = [b"SELECT", number.as_bytes()];
                protocol::encode_request(select.into_iter(), &mut pending.bytes);
                pending.db = Some(db);
            }
            pending.bytes.extend_from_slice(record);
        }
        if is_open {
            pending.bytes.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
        }
        let added = (pending.bytes.len() - before) as u64;
        let end = self.appended.load(Ordering::Relaxed) + added;
        self.appended.store(end, Ordering::Relaxed);
        self.note_sizes(&pending);
        if before == 0 {
            self.has_pending.notify_one();
        }
        end
    }

    /// The offset behind everything appended so far.
    pub fn appended(&self) -> u64 {
        self.appended.load(Ordering::Relaxed)
    }

    /// The offset up to which everything has been handed to the system.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Notes how far the files go.
    pub fn set_written(&self, offset: u64) {
        self.written.store(offset, Ordering::Release);
    }

    /// Whether everything up to `offset` is on disk; never while no log is kept.
    pub fn is_durable(&self, offset: u64) -> bool {
        self.is_on() && self.durable() >= offset
    }

    /// The offset up to which everything is on disk.
    pub fn durable(&self) -> u64 {
        *self.durable.borrow()
    }

    /// Notes that everything up to `offset` is on disk, and wakes who waits for it.
    pub fn set_durable(&self, offset: u64) {
        self.durable.send_if_modified(|durable| {
            let is_later = offset > *durable;
            *durable = offset.max(*durable);
            is_later
        });
    }

    /// Follows [`Log::durable`].
    pub fn watch_durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    /// Waits until there is something to write, `timeout` at most, and puts it behind what `into` holds;
    /// gives the offset of the log behind it.
    pub fn take(&self, into: &mut Vec<u8>, timeout: std::time::Duration) -> u64 {
        let mut pending = self.pending.lock();
        if pending.bytes.is_empty() {
            self.has_pending.wait_for(&mut pending, timeout);
        }
        self.drain(&mut pending, into)
    }

    fn drain(&self, pending: &mut Pending, into: &mut Vec<u8>) -> u64 {
        if into.is_empty() {
            // The two buffers take turns.
            std::mem::swap(&mut pending.bytes, into);
        } else {
            into.append(&mut pending.bytes);
        }
        pending.taken_bytes = into.capacity();
        self.note_sizes(pending);
        self.appended()
    }

    /// Takes what has gathered and lets the next record name its database again, as a new file needs.
    ///
    /// The caller holds every lock of the keyspace, so the cut falls between two execution units.
    pub fn cut(&self, into: &mut Vec<u8>) -> u64 {
        let mut pending = self.pending.lock();
        pending.db = None;
        self.drain(&mut pending, into)
    }

    /// Notes how much memory the writer still holds once it has written.
    pub fn note_taken(&self, bytes: usize) {
        let mut pending = self.pending.lock();
        pending.taken_bytes = bytes;
        self.note_sizes(&pending);
    }

    fn note_sizes(&self, pending: &Pending) {
        let bytes = pending.bytes.capacity() + pending.taken_bytes;
        self.buffer_bytes.store(bytes, Ordering::Relaxed);
        self.pending_bytes
            .store(pending.bytes.len(), Ordering::Relaxed);
    }

    /// Bytes of memory that hold records on their way to the disk.
    #[inline]
    pub fn buffer_bytes(&self) -> usize {
        self.buffer_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that wait to be written.
    #[inline]
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes.load(Ordering::Relaxed)
    }

    /// Wakes the writer although nothing was appended.
    pub fn nudge(&self) {
        self.has_pending.notify_one();
    }
}
