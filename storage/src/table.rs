//! Entries by key: an index of hashes over slots that never move.
//!
//! A slot's number (its [`Handle`]) is the identity of an entry for tags, the volatile list and
//! eviction, and the order of `SCAN`: growing the index moves no entry, so a scan that walks the
//! slots downwards meets everything that stays. Slots come in segments, so growing copies nothing.

use hashbrown::HashTable;

use crate::entry::Entry;

/// The slot of an entry, stable while the entry lives.
pub type Handle = u32;

const SEGMENT: usize = 1024;

#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    at: Handle,
}

/// The entries of one partition.
#[derive(Default)]
pub struct Table {
    index: HashTable<Slot>,
    segments: Vec<Vec<Option<Entry>>>,
    vacant: Vec<Handle>,
}

/// Spreads 32 bits of hash over the 64 that the index looks at (position below, tag above).
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Table {
    /// How many entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
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
        self.index.allocation_size()
            + self.vacant.capacity() * size_of::<Handle>()
            + self.segments.capacity() * size_of::<Vec<Option<Entry>>>()
            + self.segments.iter().map(Vec::capacity).sum::<usize>() * size_of::<Option<Entry>>()
            - self.len() * size_of::<Option<Entry>>()
    }

    /// Where `key` is.
    #[inline]
    pub fn find(&self, hash: u32, key: &[u8]) -> Option<Handle> {
        self.index
            .find(spread(hash), |slot| slot.hash == hash && self.holds(slot.at, key))
            .map(|slot| slot.at)
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
        self.segments.get_mut(at / SEGMENT)?.get_mut(at % SEGMENT)?.as_mut()
    }

    /// Adds an entry whose key is not there yet.
    pub(crate) fn insert(&mut self, entry: Entry) -> Handle {
        let hash = entry.hash;
        let at = match self.vacant.pop() {
            Some(at) => {
                self.segments[at as usize / SEGMENT][at as usize % SEGMENT] = Some(entry);
                at
            }
            None => self.push(entry),
        };
        self.index.insert_unique(spread(hash), Slot { hash, at }, |slot| spread(slot.hash));
        at
    }

    fn push(&mut self, entry: Entry) -> Handle {
        if self.segments.last().is_none_or(|last| last.len() == SEGMENT) {
            // The first segment grows by doubling; a table that has filled one will fill another.
            let room = if self.segments.is_empty() { 4 } else { SEGMENT };
            self.segments.push(Vec::with_capacity(room));
        }
        let at = self.slots();
        if let Some(last) = self.segments.last_mut() {
            last.push(Some(entry));
        }
        Handle::try_from(at).expect("a shard holds fewer than 2^32 entries")
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, at: Handle) -> Option<Entry> {
        let hash = self.get(at)?.hash;
        if let Ok(slot) = self.index.find_entry(spread(hash), |slot| slot.at == at) {
            slot.remove();
        }
        let index = at as usize;
        let entry = self.segments[index / SEGMENT][index % SEGMENT].take();
        self.vacant.push(at);
        self.shrink();
        entry
    }

    /// Gives memory back when three quarters of it are unused.
    fn shrink(&mut self) {
        if self.index.is_empty() && self.slots() > 64 {
            *self = Table::default();
            return;
        }
        if self.index.capacity() > 64 && self.index.len() < self.index.capacity() / 8 {
            self.index.shrink_to(self.index.len() * 2, |slot| spread(slot.hash));
        }
    }

    /// Whether so many slots are vacant that moving entries down would free segments.
    pub(crate) fn is_sparse(&self) -> bool {
        self.segments.len() > 1 && self.len() < self.slots() / 4
    }

    /// Moves the highest entry into a vacant slot below it, for compaction: (from, to).
    ///
    /// Only ever downwards, so a scan, which walks downwards, may meet the entry twice but cannot miss it.
    pub(crate) fn move_down(&mut self) -> Option<(Handle, Handle)> {
        self.drop_vacant_top();
        let from = Handle::try_from(self.slots().checked_sub(1)?).ok()?;
        let to = loop {
            let to = self.vacant.pop()?;
            if to < from {
                break to;
            }
        };
        let entry = self.segments[from as usize / SEGMENT][from as usize % SEGMENT].take()?;
        if let Ok(mut slot) = self.index.find_entry(spread(entry.hash), |slot| slot.at == from) {
            slot.get_mut().at = to;
        }
        self.segments[to as usize / SEGMENT][to as usize % SEGMENT] = Some(entry);
        self.drop_vacant_top();
        Some((from, to))
    }

    /// Shortens the last segment past its vacant end; stale numbers in `vacant` are skipped later.
    fn drop_vacant_top(&mut self) {
        while let Some(last) = self.segments.last_mut() {
            while last.last().is_some_and(Option::is_none) {
                last.pop();
            }
            if !last.is_empty() {
                break;
            }
            self.segments.pop();
        }
        let slots = self.slots();
        if self.vacant.len() > slots {
            self.vacant.retain(|&at| (at as usize) < slots);
        }
    }

    /// Ends a run of [`Table::move_down`]: forgets vacant slots that are no longer there.
    pub(crate) fn finish_moving(&mut self) {
        let slots = self.slots();
        self.vacant.retain(|&at| (at as usize) < slots);
        self.vacant.shrink_to(self.vacant.len() * 2);
    }

    /// The entries with a slot below `below`, highest first.
    pub fn downwards(&self, below: usize) -> impl Iterator<Item = (Handle, &Entry)> {
        (0..below.min(self.slots())).rev().filter_map(|at| {
            let at = at as Handle;
            self.get(at).map(|entry| (at, entry))
        })
    }

    /// All entries, in any order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.segments.iter().flatten().flatten()
    }

    /// An entry chosen fairly; `None` if there is none.
    ///
    /// Draws slots until one is taken: a table is at least a quarter full after compaction, so four
    /// draws are enough on average; after 64 it walks on from the last draw.
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
        (at..slots).chain(0..at).map(|at| at as Handle).find(|&at| self.get(at).is_some())
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
            let removes = if step % 50_000 < 25_000 { rng.u8(..4) == 0 } else { rng.u8(..4) != 0 };
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
        while table.move_down().is_some() {}
        table.finish_moving();
        assert_eq!(table.slots(), table.len());
        for (key, value) in &model {
            let at = table.find(hash_of(*key), &key.to_be_bytes()).expect("in the model");
            assert_eq!(table.get(at).expect("found").string().as_integer(), Some(*value));
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
