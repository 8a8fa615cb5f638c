//! A point in time of the whole keyspace, without fork.
//!
//! A snapshot begins with every lock held: each partition turns its epoch and
//! gets a walk. From then on whoever changes or removes an entry of the old epoch writes it out first,
//! and a background thread walks the hashes under the lock, a slice at a time, writing what nobody
//! has touched. What comes out is each entry as it was at the beginning, once, in any order.
//! New entries carry the new epoch and are not part of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::entry::Entry;
use crate::tag::{TagId, Tags};

/// How an entry is written: (database, entry, tag names, output).
pub type Encode = fn(usize, &Entry, &mut dyn Iterator<Item = &[u8]>, &mut Vec<u8>);

/// A slice ends once so many bytes have been written: copying them takes some tens of microseconds.
const SLICE_BYTES: usize = 128 * 1024;

/// Bytes that a running snapshot keeps in memory: what writers saved for it, and databases that were
/// flushed under it.
///
/// They are not held against the memory limit, as the pages that a forked child keeps are not in
/// Redis: evicting an entry writes it out first, so that making room would need more room, until
/// nothing is left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Burden(Arc<AtomicUsize>);

impl Burden {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn change(&self, from: usize, to: usize) {
        if to >= from {
            self.0.fetch_add(to - from, Ordering::Relaxed);
        } else {
            self.0.fetch_sub(from - to, Ordering::Relaxed);
        }
    }
}

/// The state of a snapshot in one partition.
pub(crate) struct Walk {
    /// The number the database had when the snapshot began; `SWAPDB` may have moved it since.
    db: usize,
    /// The hash from which the walk goes on.
    pub(crate) next: u64,
    /// `None` once the snapshot was given up.
    encode: Option<Encode>,
    /// Tags that were already invalidated at the beginning: who carries one is not part of it. Their
    /// numbers are not reused while an entry of the old epoch carries them.
    dead: Box<[TagId]>,
    pending: Vec<u8>,
    entries: usize,
    /// Bytes of the partition itself, if nothing but the snapshot needs it any more.
    orphan_bytes: usize,
    burden: Burden,
}

impl Walk {
    pub(crate) fn new(db: usize, dead: &[TagId], encode: Encode, burden: Burden) -> Walk {
        Walk {
            db,
            next: 0,
            encode: Some(encode),
            dead: sorted(dead),
            pending: Vec::new(),
            entries: 0,
            orphan_bytes: 0,
            burden,
        }
    }

    pub(crate) fn abandon(&mut self) {
        self.encode = None;
        self.entries = 0;
        self.burden.change(self.pending.capacity(), 0);
        self.pending = Vec::new();
    }

    /// Notes that the partition is here for the snapshot only.
    pub(crate) fn adopt(&mut self, partition_bytes: usize) {
        self.burden.change(self.orphan_bytes, partition_bytes);
        self.orphan_bytes = partition_bytes;
    }

    /// Notes that nothing is left to walk.
    pub(crate) fn end(&mut self) {
        self.next = u64::MAX;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.next > u64::from(u32::MAX)
    }

    pub(crate) fn has_slice(&self) -> bool {
        self.pending.len() >= SLICE_BYTES
    }

    pub(crate) fn write(&mut self, entry: &Entry, tags: &Tags) {
        let Some(encode) = self.encode else { return };
        if !self.dead.is_empty() && Tags::of(entry).any(|id| self.dead.binary_search(&id).is_ok()) {
            return;
        }
        let before = self.pending.capacity();
        let mut names = Tags::of(entry).map(|id| tags.name(id));
        encode(self.db, entry, &mut names, &mut self.pending);
        self.entries += 1;
        self.burden.change(before, self.pending.capacity());
    }

    /// Takes what has been written since the last call.
    pub(crate) fn take(&mut self) -> Slice {
        self.burden.change(self.pending.capacity(), 0);
        Slice {
            db: self.db,
            bytes: std::mem::take(&mut self.pending),
            entries: std::mem::take(&mut self.entries),
        }
    }
}

fn sorted(ids: &[TagId]) -> Box<[TagId]> {
    let mut ids: Box<[TagId]> = ids.into();
    ids.sort_unstable();
    ids
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.burden
            .change(self.pending.capacity() + self.orphan_bytes, 0);
    }
}

/// A piece of a snapshot.
#[derive(Debug, Default)]
pub struct Slice {
    /// The database all entries of the piece belong to.
    pub db: usize,
    /// What [`Encode`] has written.
    pub bytes: Vec<u8>,
    /// How many entries that is.
    pub entries: usize,
}

#[cfg(test)]
mod tests;
