//! Entries by key: an index of hashes over slots that never move.
//!
//! A slot's number (its [`Handle`]) is the identity of an entry for tags, the volatile list and
//! eviction, and the order of `SCAN`: growing the index moves no entry, so a scan that walks the
//! slots downwards meets everything that stays. Slots come in segments, so growing copies nothing.

use crate::entry::Entry;
use crate::index::Index;

/// The slot of an entry, stable while the entry lives.
pub type Handle = u32;

const SEGMENT: usize = 256;

/// Slots that a segment grows by.
const GROWTH: usize = 64;

/// The steps of a lookup, each of which needs the memory that the one before has named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// The index's cell.
    Index,
    /// The entry's slot.
    Entry,
    /// The entry's key and short value.
    Bytes,
}

/// Asks for the cache line of a place that will soon be read.
#[inline]
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "there is no safe prefetch")
)]
fn prefetch<T>(place: Option<&T>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(place) = place {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching reads nothing and faults on no address; this one is that of a live value.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// The entries of one partition.
#[derive(Default)]
pub struct Table {
    index: Index,
    segments: Vec<Vec<Option<Entry>>>,
    vacant: Vec<Handle>,
    /// Entries are being moved down, until no slot is vacant.
    is_compacting: bool,
}

impl Table {
    /// How many entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// One past the highest slot ever used since the table was last empty.
    pub fn slots(&self) -> usize {
        match self.segments.last() {
            Some(last) => (self.segments.len() - 1) * SEGMENT + last.len(),
            None => 0,
        }
    }

    /// How many entries the index holds before it grows.
    pub fn capacity(&self) -> usize {
        self.index.capacity()
    }

    /// Bytes of the index and of vacant slots: what the table costs beyond its entries.
    pub fn overhead_bytes(&self) -> usize {
        self.index.size_bytes()
            + self.vacant.capacity() * size_of::<Handle>()
            + self.segments.capacity() * size_of::<Vec<Option<Entry>>>()
            + self.segments.iter().map(Vec::capacity).sum::<usize>() * size_of::<Option<Entry>>()
            - self.len() * size_of::<Option<Entry>>()
    }

    /// Where `key` is.
    #[inline]
    pub fn find(&self, hash: u32, key: &[u8]) -> Option<Handle> {
        self.index.find(hash, |at| self.holds(at, key))
    }

    /// Brings what a lookup of `hash` will read closer, one step of it: see [`Ahead`].
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32, step: Ahead) {
        match step {
            Ahead::Index => prefetch(self.index.first_cell(hash)),
            Ahead::Entry => {
                if let Some(at) = self.index.find(hash, |_| true) {
                    prefetch(self.slot(at));
                }
            }
            Ahead::Bytes => {
                if let Some(entry) = self.index.find(hash, |_| true).and_then(|at| self.get(at)) {
                    let bytes = entry.bytes();
                    prefetch(bytes.first());
                    prefetch(bytes.get(64));
                }
            }
        }
    }

    #[inline]
    fn slot(&self, at: Handle) -> Option<&Option<Entry>> {
        let at = at as usize;
        self.segments.get(at / SEGMENT)?.get(at % SEGMENT)
    }

    #[inline]
    fn holds(&self, at: Handle, key: &[u8]) -> bool {
        self.get(at).is_some_and(|entry| entry.key() == key)
    }

    /// The entry in a slot, if it is taken.
    #[inline]
    pub fn get(&self, at: Handle) -> Option<&Entry> {
        let at = at as usize;
        self.segments.get(at / SEGMENT)?.get(at % SEGMENT)?.as_ref()
    }

    /// The entry in a slot, to change.
    #[inline]
    pub(crate) fn get_mut(&mut self, at: Handle) -> Option<&mut Entry> {
        let at = at as usize;
        self.segments
            .get_mut(at / SEGMENT)?
            .get_mut(at % SEGMENT)?
            .as_mut()
    }

    /// Adds an entry whose key is not there yet.
    pub(crate) fn insert(&mut self, entry: Entry) -> Handle {
        let hash = entry.hash;
        let at = match self.vacancy(Handle::MAX) {
            Some(at) => {
                self.segments[at as usize / SEGMENT][at as usize % SEGMENT] = Some(entry);
                at
            }
            None => self.push(entry),
        };
        self.index.insert(hash, at);
        at
    }

    /// A vacant slot below `below`.
    ///
    /// While entries are being moved down, `vacant` also names slots that are no longer there. New
    /// slots are made only once it is empty, so it never names a slot twice.
    fn vacancy(&mut self, below: Handle) -> Option<Handle> {
        let slots = self.slots();
        while let Some(at) = self.vacant.pop() {
            if (at as usize) < slots && at < below {
                return Some(at);
            }
        }
        None
    }

    fn push(&mut self, entry: Entry) -> Handle {
        if self
            .segments
            .last()
            .is_none_or(|last| last.len() == SEGMENT)
        {
            self.segments.push(Vec::new());
        }
        let at = self.slots();
        if let Some(last) = self.segments.last_mut() {
            if last.len() == last.capacity() {
                // Doubling would leave a quarter of a small table vacant.
                last.reserve_exact(last.len().clamp(4, GROWTH));
            }
            last.push(Some(entry));
        }
        Handle::try_from(at).expect("a shard holds fewer than 2^32 entries")
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, at: Handle) -> Option<Entry> {
        let hash = self.get(at)?.hash;
        self.index.remove(hash, at);
        let index = at as usize;
        let entry = self.segments[index / SEGMENT][index % SEGMENT].take();
        self.vacant.push(at);
        self.shrink();
        entry
    }

    /// Gives all memory back once the table is empty; the index shrinks by itself before.
    fn shrink(&mut self) {
        if self.is_empty() && self.slots() > 8 {
            *self = Table::default();
        }
    }

    /// Whether so many slots are vacant that entries should be moved down: from a quarter of them on, until
    /// there are none.
    pub(crate) fn is_sparse(&self) -> bool {
        let slots = self.slots();
        self.is_compacting || (slots > 64 && self.len() < slots - slots / 4)
    }

    /// Moves the highest entry into a vacant slot below it; gives that slot. `None` when no slot is vacant
    /// any more ([`Table::is_sparse`] tells), or after freeing some vacant segments at the top.
    ///
    /// Only ever downwards, so a scan, which walks downwards, may meet the entry twice but cannot miss it.
    pub(crate) fn move_down(&mut self) -> Option<Handle> {
        self.is_compacting = true;
        if !self.drop_vacant_top() {
            self.is_compacting = !self.segments.is_empty();
            return None;
        }
        let from = self.slots().checked_sub(1).map_or(0, |top| top as Handle);
        let Some(to) = self.vacancy(from) else {
            self.finish_moving();
            return None;
        };
        let entry = self.segments[from as usize / SEGMENT][from as usize % SEGMENT].take()?;
        self.index.moved(entry.hash, from, to);
        self.segments[to as usize / SEGMENT][to as usize % SEGMENT] = Some(entry);
        Some(to)
    }

    /// Shortens the table past its vacant end, by a few segments at most; whether the top is taken now.
    fn drop_vacant_top(&mut self) -> bool {
        for _ in 0..8 {
            let Some(last) = self.segments.last_mut() else {
                return false;
            };
            while last.pop_if(|slot| slot.is_none()).is_some() {}
            if !last.is_empty() {
                return true;
            }
            self.segments.pop();
        }
        false
    }

    /// Ends a run of [`Table::move_down`] that has filled every vacant slot.
    fn finish_moving(&mut self) {
        self.is_compacting = false;
        self.vacant = Vec::new();
        self.segments.shrink_to(self.segments.len() * 2);
        if let Some(last) = self.segments.last_mut() {
            last.shrink_to(last.len() * 2);
        }
    }

    /// The entries with a slot below `below`, highest first.
    pub fn downwards(&self, below: usize) -> impl Iterator<Item = (Handle, &Entry)> {
        (0..below.min(self.slots())).rev().filter_map(|at| {
            let at = at as Handle;
            self.get(at).map(|entry| (at, entry))
        })
    }

    /// Frees a segment of a table that nobody looks at any more; how many entries that were.
    pub(crate) fn free_some(&mut self) -> Option<usize> {
        if self.index.capacity() > 0 {
            self.index = Index::default();
            self.vacant = Vec::new();
        }
        self.segments
            .pop()
            .map(|segment| segment.into_iter().flatten().count())
    }

    /// All entries, in any order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.segments.iter().flatten().flatten()
    }

    /// An entry chosen fairly; `None` if there is none.
    ///
    /// Draws slots until one is taken: a table is mostly full after compaction, so two draws are
    /// enough on average; after 64 it walks on from the last draw.
    pub fn sample(&self, rng: &mut fastrand::Rng) -> Option<Handle> {
        if self.is_empty() {
            return None;
        }
        let slots = self.slots();
        let mut at = 0;
        for _ in 0..64 {
            at = rng.usize(..slots);
            if self.get(at as Handle).is_some() {
                return Some(at as Handle);
            }
        }
        (at..slots)
            .chain(0..at)
            .map(|at| at as Handle)
            .find(|&at| self.get(at).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;
    use std::collections::HashMap;

    fn hash_of(key: u32) -> u32 {
        key.wrapping_mul(0x85EB_CA6B) ^ 0xABCD
    }

    /// 200,000 seeded steps against a plain map, then compaction.
    #[test]
    fn a_table_is_a_map() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut table = Table::default();
        let mut model: HashMap<u32, i64> = HashMap::new();
        for step in 0..200_000i64 {
            // Grows to some thousands, then drains: both directions of resizing are met.
            let key = rng.u32(..8_000);
            let bytes = key.to_be_bytes();
            let hash = hash_of(key);
            let found = table.find(hash, &bytes);
            assert_eq!(found.is_some(), model.contains_key(&key));
            let removes = if step % 50_000 < 25_000 {
                rng.u8(..4) == 0
            } else {
                rng.u8(..4) != 0
            };
            match (found, removes) {
                (Some(at), true) => {
                    assert!(table.remove(at).is_some());
                    model.remove(&key);
                }
                (None, false) => {
                    table.insert(Entry::new(&bytes, hash, Value::Int(step), 0));
                    model.insert(key, step);
                }
                _ => {}
            }
            assert_eq!(table.len(), model.len());
        }
        while table.is_sparse() || table.slots() > table.len() {
            table.move_down();
        }
        assert_eq!(table.slots(), table.len());
        for (key, value) in &model {
            let at = table
                .find(hash_of(*key), &key.to_be_bytes())
                .expect("in the model");
            assert_eq!(
                table.get(at).expect("found").string().as_integer(),
                Some(*value)
            );
        }
    }

    #[test]
    fn an_emptied_table_holds_no_memory() {
        let mut table = Table::default();
        let handles: Vec<_> = (0..5_000u32)
            .map(|n| table.insert(Entry::new(&n.to_be_bytes(), hash_of(n), Value::Int(0), 0)))
            .collect();
        for at in handles {
            table.remove(at);
        }
        assert_eq!((table.slots(), table.capacity()), (0, 0));
    }

    #[test]
    fn samples_reach_every_entry() {
        let mut table = Table::default();
        for n in 0..100u32 {
            table.insert(Entry::new(&n.to_be_bytes(), hash_of(n), Value::Int(0), 0));
        }
        let mut rng = fastrand::Rng::with_seed(1);
        let seen: std::collections::HashSet<_> =
            (0..3_000).filter_map(|_| table.sample(&mut rng)).collect();
        assert_eq!(seen.len(), 100);
    }
}
