//! Freeing large things on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use parking_lot::Mutex;
use storage::db::Garbage;

/// A partition with fewer entries is freed where it is.
const FEW_ENTRIES: usize = 64;

/// The background thread's queue.
#[derive(Debug)]
pub struct Lazyfree {
    queue: Mutex<Sender<Garbage>>,
    pending: Arc<AtomicUsize>,
    freed: Arc<AtomicU64>,
}

impl Lazyfree {
    /// Starts the thread.
    pub fn start() -> Lazyfree {
        let (queue, garbage) = channel::<Garbage>();
        let pending = Arc::new(AtomicUsize::new(0));
        let freed = Arc::new(AtomicU64::new(0));
        let (their_pending, their_freed) = (Arc::clone(&pending), Arc::clone(&freed));
        let thread = std::thread::Builder::new()
            .name("lazyfree".to_owned())
            .spawn(move || {
                for garbage in garbage {
                    let entries = entries(&garbage);
                    drop(garbage);
                    their_pending.fetch_sub(entries, Ordering::Relaxed);
                    their_freed.fetch_add(entries as u64, Ordering::Relaxed);
                }
            });
        // Without the thread the queue has no reader, and everything is freed where it is.
        drop(thread);
        Lazyfree {
            queue: Mutex::new(queue),
            pending,
            freed,
        }
    }

    /// Frees garbage; no lock of the keyspace is held.
    #[inline]
    pub fn free(&self, garbage: Vec<Garbage>) {
        for garbage in garbage {
            let entries = entries(&garbage);
            if matches!(garbage, Garbage::Partition(_)) && entries < FEW_ENTRIES {
                continue;
            }
            self.pending.fetch_add(entries, Ordering::Relaxed);
            if self.queue.lock().send(garbage).is_err() {
                self.pending.fetch_sub(entries, Ordering::Relaxed);
            }
        }
    }

    /// Entries waiting to be freed.
    pub fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Entries freed.
    pub fn freed(&self) -> u64 {
        self.freed.load(Ordering::Relaxed)
    }

    /// Starts counting [`Lazyfree::freed`] anew.
    pub fn reset_freed(&self) {
        self.freed.store(0, Ordering::Relaxed);
    }
}

fn entries(garbage: &Garbage) -> usize {
    match garbage {
        Garbage::Entry(_) => 1,
        Garbage::Partition(partition) => partition.len(),
    }
}
