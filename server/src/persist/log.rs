//! The buffer between commands and the disk.
//!
//! Commands append while they hold their locks, so the order here is the order of the locks. A
//! writer thread takes what has gathered, writes it and syncs it; many connections share one sync.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use storage::aof;
use tokio::sync::watch;

use crate::clock;
use crate::config::AppendFsync;

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

/// The offsets of the log that a reply rests on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Basis {
    /// Behind the last change of one's own.
    pub changed: u64,
    /// Behind the last change that may have been seen, one's own included.
    pub seen: u64,
}

impl Basis {
    /// Rests on both from now on.
    #[inline]
    pub fn add(&mut self, other: Basis) {
        self.changed = self.changed.max(other.changed);
        self.seen = self.seen.max(other.seen);
    }
}

/// What the writer has taken to write.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The offset of the log behind it.
    pub end: u64,
    /// When, in milliseconds since 1970: all that was appended before lies before the end.
    pub at_ms: i64,
}

/// How far the disk has come, for whoever waits for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Disk {
    /// Everything up to here is on it.
    durable: u64,
    /// It takes nothing, or cannot be trusted: writes are refused.
    is_failing: bool,
}

impl Disk {
    /// Whether a reply may be sent that has to be on disk first (`appendfsync always`).
    ///
    /// While the disk fails nobody knows when it will take more, and reading goes on: what is seen then may be lost.
    fn has_kept(self, basis: Basis) -> bool {
        self.durable >= basis.seen || self.is_failing && self.durable >= basis.changed
    }
}

/// What a reply waits for, see [`Log::hold`].
#[derive(Clone, Copy, Debug)]
pub enum Hold {
    /// The disk.
    Disk(Basis),
    /// The writer, up to this offset.
    Writer(u64),
}

/// How long records may wait for the writer before those who add to them wait too.
///
/// Redis writes before it replies. Here a kill takes what waits, and `everysec` may lose a second.
const LATE_MS: i64 = 500;

/// How often they look whether it has come.
const WHILE_LATE: Duration = Duration::from_millis(10);

/// The log of effects, as commands see it.
#[derive(Debug)]
pub struct Log {
    pending: Mutex<Pending>,
    has_pending: Condvar,
    is_on: AtomicBool,
    is_stamped: AtomicBool,
    appended: AtomicU64,
    written: AtomicU64,
    written_at_ms: AtomicI64,
    pending_bytes: AtomicUsize,
    buffer_bytes: AtomicUsize,
    disk: watch::Sender<Disk>,
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
            written_at_ms: AtomicI64::new(0),
            pending_bytes: AtomicUsize::new(0),
            buffer_bytes: AtomicUsize::new(0),
            disk: watch::Sender::default(),
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

    /// Notes that what was taken has been handed to the system.
    pub fn set_written(&self, taken: Taken) {
        self.written_at_ms.store(taken.at_ms, Ordering::Relaxed);
        self.written.store(taken.end, Ordering::Release);
    }

    /// Notes that everything up to `offset` is on disk.
    pub fn set_durable(&self, offset: u64) {
        self.note(|disk| disk.durable = disk.durable.max(offset));
    }

    /// Notes whether the disk takes what it is given.
    pub fn set_failing(&self, is_failing: bool) {
        self.note(|disk| disk.is_failing = is_failing);
    }

    /// Wakes who waits for the disk, if there is anything new.
    fn note(&self, change: impl FnOnce(&mut Disk)) {
        self.disk.send_if_modified(|disk| {
            let before = *disk;
            change(disk);
            *disk != before
        });
    }

    /// Whether everything up to `offset` is on disk; never while no log is kept.
    pub fn is_durable(&self, offset: u64) -> bool {
        self.is_on() && self.durable() >= offset
    }

    /// The offset up to which everything is on disk.
    pub fn durable(&self) -> u64 {
        self.disk.borrow().durable
    }

    /// Waits until everything up to `offset` is on disk.
    pub async fn until_durable(&self, offset: u64) {
        self.until(|disk| disk.durable >= offset).await;
    }

    async fn until(&self, is_reached: impl Fn(Disk) -> bool) {
        let mut disk = self.disk.subscribe();
        // The sender lives as long as the log.
        let _ = disk.wait_for(|&disk| is_reached(disk)).await;
    }

    /// What a reply that rests on this has to wait for, if anything.
    #[inline]
    pub fn hold(&self, policy: AppendFsync, basis: Basis, now_ms: i64) -> Option<Hold> {
        if basis.seen == 0 || !self.is_on() {
            return None;
        }
        match policy {
            AppendFsync::Always => {
                let is_kept = self.disk.borrow().has_kept(basis);
                (!is_kept).then_some(Hold::Disk(basis))
            }
            AppendFsync::Everysec | AppendFsync::No => {
                let is_late = || now_ms - self.written_at_ms.load(Ordering::Relaxed) > LATE_MS;
                (self.written() < basis.changed && is_late()).then_some(Hold::Writer(basis.changed))
            }
        }
    }

    /// Ends when the reply may be sent.
    pub async fn held(&self, hold: Hold) {
        match hold {
            Hold::Disk(basis) => self.until(|disk| disk.has_kept(basis)).await,
            Hold::Writer(end) => {
                // A write that fails holds up nobody, as in Redis.
                let is_failing = || self.disk.borrow().is_failing;
                while self.is_on() && self.written() < end && !is_failing() {
                    tokio::time::sleep(WHILE_LATE).await;
                }
            }
        }
    }

    /// Waits until there is something to write, `timeout` at most, and puts it behind what `into` holds;
    /// gives how far that goes.
    pub fn take(&self, into: &mut Vec<u8>, timeout: Duration) -> Taken {
        let mut pending = self.pending.lock();
        if pending.bytes.is_empty() {
            self.has_pending.wait_for(&mut pending, timeout);
        }
        self.drain(&mut pending, into)
    }

    fn drain(&self, pending: &mut Pending, into: &mut Vec<u8>) -> Taken {
        if into.is_empty() {
            // The two buffers take turns.
            std::mem::swap(&mut pending.bytes, into);
        } else {
            into.append(&mut pending.bytes);
        }
        pending.taken_bytes = into.capacity();
        self.note_sizes(pending);
        Taken {
            end: self.appended(),
            at_ms: clock::now_ms(),
        }
    }

    /// Takes what has gathered and lets the next record name its database again, as a new file needs.
    ///
    /// The caller holds every lock of the keyspace, so the cut falls between two execution units.
    pub fn cut(&self, into: &mut Vec<u8>) -> Taken {
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
