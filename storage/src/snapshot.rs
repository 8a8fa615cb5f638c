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
use crate::rdb::draft::Draft;
use crate::rdb::encode::Rest;
use crate::tag::{TagId, Tags};

/// How entries are written.
pub trait Encode: Send + Sync {
    /// Writes an entry of a database, with the names of its tags: all of it, or how it begins.
    fn begin(
        &self,
        db: usize,
        entry: &Entry,
        tags: &mut dyn Iterator<Item = &[u8]>,
        out: &mut Draft,
    ) -> Option<Rest>;

    /// Writes the next piece of an entry that was begun.
    fn go_on(&self, entry: &Entry, rest: Rest, out: &mut Draft) -> Option<Rest>;
}

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
    encode: Option<Arc<dyn Encode>>,
    /// Tags that were already invalidated at the beginning: who carries one is not part of it. Their
    /// numbers are not reused while an entry of the old epoch carries them.
    dead: Box<[TagId]>,
    pending: Draft,
    /// What comes behind an entry that is begun in `pending`.
    behind: Draft,
    begun: Option<Begun>,
    /// Whether what was taken last ends inside an entry. A writer may have ended the entry since: the
    /// rest of it lies in `pending`, and still nothing of another partition may come before it.
    is_split: bool,
    entries: usize,
    /// Bytes of the partition itself, if nothing but the snapshot needs it any more.
    orphan_bytes: usize,
    burden: Burden,
}

/// A large entry that is written in pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Begun {
    /// Where it lies, by which it is known as long as nothing changes it.
    address: usize,
    rest: Rest,
}

impl Walk {
    pub(crate) fn new(db: usize, dead: &[TagId], encode: Arc<dyn Encode>, burden: Burden) -> Walk {
        Walk {
            db,
            next: 0,
            encode: Some(encode),
            dead: sorted(dead),
            pending: Draft::default(),
            behind: Draft::default(),
            begun: None,
            is_split: false,
            entries: 0,
            orphan_bytes: 0,
            burden,
        }
    }

    pub(crate) fn abandon(&mut self) {
        self.encode = None;
        self.entries = 0;
        self.burden.change(self.held_bytes(), 0);
        (self.pending, self.behind) = Default::default();
        self.begun = None;
        self.is_split = false;
    }

    fn held_bytes(&self) -> usize {
        self.pending.capacity_bytes() + self.behind.capacity_bytes()
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

    /// Whether what came out last ends inside an entry: what comes out next must be the rest of it.
    pub(crate) fn is_inside(&self) -> bool {
        self.is_split
    }

    pub(crate) fn has_slice(&self) -> bool {
        self.pending.bytes.len() >= SLICE_BYTES
    }

    pub(crate) fn has_some(&self) -> bool {
        !self.pending.is_empty() || self.entries > 0
    }

    /// Writes an entry, or a piece of a large one; whether it is written to its end.
    pub(crate) fn write_some(&mut self, entry: &Entry, tags: &Tags) -> bool {
        let Some(encode) = self.encode.clone() else {
            return true;
        };
        if !self.dead.is_empty() && Tags::of(entry).any(|id| self.dead.binary_search(&id).is_ok()) {
            return true;
        }
        let before = self.held_bytes();
        let is_whole = self.write_with(&*encode, entry, tags);
        self.entries += usize::from(is_whole);
        self.burden.change(before, self.held_bytes());
        is_whole
    }

    fn write_with(&mut self, encode: &dyn Encode, entry: &Entry, tags: &Tags) -> bool {
        let address = entry.address() as usize;
        let rest = match self.begun {
            Some(begun) if begun.address == address => {
                encode.go_on(entry, begun.rest, &mut self.pending)
            }
            Some(_) => {
                // Only one is begun at a time: this one is written as a whole, behind it.
                let mut rest = self.begin(encode, entry, tags);
                while let Some(from) = rest {
                    rest = encode.go_on(entry, from, &mut self.behind);
                }
                return true;
            }
            None => self.begin(encode, entry, tags),
        };
        self.begun = rest.map(|rest| Begun { address, rest });
        if self.begun.is_none() {
            self.pending.append(&mut self.behind);
        }
        rest.is_none()
    }

    fn begin(&mut self, encode: &dyn Encode, entry: &Entry, tags: &Tags) -> Option<Rest> {
        let out = match self.begun {
            Some(_) => &mut self.behind,
            None => &mut self.pending,
        };
        let mut names = Tags::of(entry).map(|id| tags.name(id));
        encode.begin(self.db, entry, &mut names, out)
    }

    /// Takes what has been written since the last call.
    pub(crate) fn take(&mut self) -> Slice {
        self.burden.change(self.pending.capacity_bytes(), 0);
        self.is_split = self.begun.is_some();
        Slice {
            db: self.db,
            draft: std::mem::take(&mut self.pending),
            entries: std::mem::take(&mut self.entries),
            is_inside: self.is_split,
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
        self.burden.change(self.held_bytes() + self.orphan_bytes, 0);
    }
}

/// A piece of a snapshot.
#[derive(Debug, Default)]
pub struct Slice {
    /// The database all entries of the piece belong to.
    pub db: usize,
    /// What [`Encode`] has written.
    pub draft: Draft,
    /// How many entries end in it.
    pub entries: usize,
    /// Whether the rest of an entry must come next.
    pub is_inside: bool,
}

impl Slice {
    /// Whether it is time to hand it over.
    pub(crate) fn is_full(&self) -> bool {
        self.draft.bytes.len() >= SLICE_BYTES
    }

    /// Makes room for the next piece.
    pub(crate) fn clear(&mut self) {
        self.draft.clear();
        self.entries = 0;
    }
}

#[cfg(test)]
mod tests;
