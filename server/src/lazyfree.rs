//! Freeing large things on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use parking_lot::Mutex;
use storage::db::Garbage;
use storage::entry::Entry;
use tokio::sync::watch;

/// A partition with fewer entries that take fewer bytes is freed where it is.
const FEW_ENTRIES: usize = 64;
const FEW_BYTES: usize = 64 * 1024;

/// The background thread's queue.
#[derive(Debug)]
pub struct Lazyfree {
    queue: Mutex<Sender<Garbage>>,
    progress: Arc<Progress>,
}

#[derive(Debug)]
struct Progress {
    /// Entries waiting to be freed.
    pending: watch::Sender<usize>,
    /// Bytes of them, estimated.
    pending_bytes: AtomicUsize,
    freed: AtomicU64,
}

impl Progress {
    fn add(&self, entries: usize, bytes: usize) {
        self.pending_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.pending.send_modify(|pending| *pending += entries);
    }

    fn remove(&self, entries: usize, bytes: usize) {
        self.pending_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.freed.fetch_add(entries as u64, Ordering::Relaxed);
        self.pending.send_modify(|pending| *pending -= entries);
    }

    /// Frees step by step, so that what is said to be pending goes down with the memory in use.
    fn free(&self, garbage: Garbage) {
        let (mut entries, mut bytes) = size(&garbage);
        match garbage {
            Garbage::Partition(mut partition) => {
                while let Some(freed) = partition.free_some() {
                    let share = bytes * freed / entries.max(1);
                    self.remove(freed, share);
                    (entries, bytes) = (entries - freed, bytes - share);
                }
            }
            // Before it is no longer pending: what is neither would count as used, and evict others.
            garbage => drop(garbage),
        }
        self.remove(entries, bytes);
    }
}

impl Lazyfree {
    /// Starts the thread.
    pub fn start() -> Lazyfree {
        let (queue, garbage) = channel::<Garbage>();
        let progress = Arc::new(Progress {
            pending: watch::Sender::new(0),
            pending_bytes: AtomicUsize::new(0),
            freed: AtomicU64::new(0),
        });
        let theirs = Arc::clone(&progress);
        let thread = std::thread::Builder::new()
            .name("lazyfree".to_owned())
            .spawn(move || garbage.into_iter().for_each(|garbage| theirs.free(garbage)));
        // Without the thread the queue has no reader, and everything is freed where it is.
        drop(thread);
        Lazyfree {
            queue: Mutex::new(queue),
            progress,
        }
    }

    /// Frees garbage; no lock of the keyspace is held.
    #[inline]
    pub fn free(&self, garbage: Vec<Garbage>) {
        if !garbage.is_empty() {
            self.free_all(garbage);
        }
    }

    #[cold]
    fn free_all(&self, garbage: Vec<Garbage>) {
        for garbage in garbage {
            let (entries, bytes) = size(&garbage);
            if is_soon_freed(&garbage) {
                // Not worth the thread; Redis hands a flushed database over whole, and counts all of it.
                self.progress
                    .freed
                    .fetch_add(entries as u64, Ordering::Relaxed);
                continue;
            }
            self.progress.add(entries, bytes);
            if let Err(unsent) = self.queue.lock().send(garbage) {
                self.progress.free(unsent.0);
            }
        }
    }

    /// Entries waiting to be freed.
    pub fn pending(&self) -> usize {
        *self.progress.pending.borrow()
    }

    /// Bytes of the entries waiting to be freed, estimated.
    pub fn pending_bytes(&self) -> usize {
        self.progress.pending_bytes.load(Ordering::Relaxed)
    }

    /// Waits until everything that was to be freed has been.
    pub async fn drained(&self) {
        // The sender lives as long as the server.
        let _ = self
            .progress
            .pending
            .subscribe()
            .wait_for(|&pending| pending == 0)
            .await;
    }

    /// Entries freed.
    pub fn freed(&self) -> u64 {
        self.progress.freed.load(Ordering::Relaxed)
    }

    /// Starts counting [`Lazyfree::freed`] anew.
    pub fn reset_freed(&self) {
        self.progress.freed.store(0, Ordering::Relaxed);
    }
}

/// Whether it is a partition of so little that it is not worth the thread. One large collection is not little.
fn is_soon_freed(garbage: &Garbage) -> bool {
    let Garbage::Partition(partition) = garbage else {
        return false;
    };
    let bytes = || {
        partition
            .table()
            .iter()
            .map(Entry::size_bytes)
            .sum::<usize>()
    };
    partition.len() < FEW_ENTRIES && bytes() < FEW_BYTES
}

/// Entries and bytes.
fn size(garbage: &Garbage) -> (usize, usize) {
    match garbage {
        Garbage::Entry(entry) => (1, entry.heap_bytes()),
        Garbage::Value(value) => (1, value.heap_bytes()),
        Garbage::Partition(partition) => (partition.len(), partition.estimated_bytes()),
    }
}
