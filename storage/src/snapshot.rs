//! A point in time of the whole keyspace, without fork.
//!
//! A snapshot begins with every lock held: each partition turns its epoch and
//! gets a [`Walk`]. From then on whoever changes or removes an entry of the old epoch writes it out first,
//! and a background thread walks the slots under the lock, a slice at a time, writing what nobody
//! has touched. What comes out is each entry as it was at the beginning, once, in any order.
//! New entries carry the new epoch and are not part of it.

use crate::entry::Entry;
use crate::tag::Tags;

/// How an entry is written: (database, entry, tag names, output).
pub type Encode = fn(usize, &Entry, &mut dyn Iterator<Item = &[u8]>, &mut Vec<u8>);

/// The state of a snapshot in one partition.
pub struct Walk {
    /// The number the database had when the snapshot began; `SWAPDB` may have moved it since.
    db: usize,
    next: usize,
    /// `None` once the snapshot was given up.
    encode: Option<Encode>,
    pending: Vec<u8>,
    entries: usize,
}

impl Walk {
    pub(crate) fn new(db: usize, encode: Encode) -> Walk {
        Walk { db, next: 0, encode: Some(encode), pending: Vec::new(), entries: 0 }
    }

    pub(crate) fn abandon(&mut self) {
        self.encode = None;
        self.pending = Vec::new();
    }

    pub(crate) fn next(&self) -> usize {
        self.next
    }

    pub(crate) fn advance(&mut self, slots: usize) {
        self.next += slots;
    }

    pub(crate) fn write(&mut self, entry: &Entry, tags: &Tags) {
        let Some(encode) = self.encode else { return };
        let mut names = Tags::of(entry).map(|id| tags.name(id));
        encode(self.db, entry, &mut names, &mut self.pending);
        self.entries += 1;
    }

    /// Takes what has been written since the last call: (database, bytes, entries).
    pub(crate) fn take(&mut self) -> Slice {
        Slice {
            db: self.db,
            bytes: std::mem::take(&mut self.pending),
            entries: std::mem::take(&mut self.entries),
        }
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
