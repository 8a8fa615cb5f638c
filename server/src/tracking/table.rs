//! Who has read which keys.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use smallvec::SmallVec;

/// Numbers of clients.
pub type Readers = SmallVec<[u64; 2]>;

/// Parts of the table, each with a lock of its own.
const PARTS: usize = 16;

/// The readers of keys. Numbers of clients that are no longer there stay until the key changes.
#[derive(Debug, Default)]
pub struct Table {
    parts: [Mutex<Part>; PARTS],
    hasher: RandomState,
    keys: AtomicUsize,
    items: AtomicUsize,
}

/// Keys lie in a row, so that one can be drawn at random.
#[derive(Debug, Default)]
struct Part {
    row: Vec<(Arc<[u8]>, Readers)>,
    places: HashMap<Arc<[u8]>, usize>,
}

impl Part {
    fn remove(&mut self, key: &[u8]) -> Option<Readers> {
        let at = self.places.remove(key)?;
        let (_, readers) = self.row.swap_remove(at);
        if let Some((moved, _)) = self.row.get(at) {
            self.places.insert(Arc::clone(moved), at);
        }
        Some(readers)
    }
}

impl Table {
    /// How many keys.
    #[inline]
    pub fn key_count(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    /// How many pairs of key and reader.
    pub fn item_count(&self) -> usize {
        self.items.load(Ordering::Relaxed)
    }

    fn part(&self, key: &[u8]) -> &Mutex<Part> {
        &self.parts[self.hasher.hash_one(key) as usize % PARTS]
    }

    /// Adds a reader of a key.
    pub fn insert(&self, key: &[u8], reader: u64) {
        let mut part = self.part(key).lock();
        let at = match part.places.get(key) {
            Some(&at) => at,
            None => {
                let (key, at) = (Arc::<[u8]>::from(key), part.row.len());
                part.places.insert(Arc::clone(&key), at);
                part.row.push((key, Readers::new()));
                self.keys.fetch_add(1, Ordering::Relaxed);
                at
            }
        };
        let readers = &mut part.row[at].1;
        if let Err(place) = readers.binary_search(&reader) {
            readers.insert(place, reader);
            self.items.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes a key out; its readers.
    pub fn take(&self, key: &[u8]) -> Option<Readers> {
        if self.key_count() == 0 {
            return None;
        }
        let readers = self.part(key).lock().remove(key)?;
        self.keys.fetch_sub(1, Ordering::Relaxed);
        self.items.fetch_sub(readers.len(), Ordering::Relaxed);
        Some(readers)
    }

    /// Any key.
    pub fn random_key(&self) -> Option<Box<[u8]>> {
        let first = fastrand::usize(..PARTS);
        let parts = (0..PARTS).map(|step| &self.parts[(first + step) % PARTS]);
        parts.into_iter().find_map(|part| {
            let part = part.lock();
            let (key, _) = fastrand::choice(&part.row)?;
            Some(Box::from(&**key))
        })
    }

    /// Takes all out.
    pub fn clear(&self) {
        for part in &self.parts {
            let mut part = part.lock();
            let taken = std::mem::take(&mut *part);
            drop(part);
            let items: usize = taken.row.iter().map(|(_, readers)| readers.len()).sum();
            self.keys.fetch_sub(taken.row.len(), Ordering::Relaxed);
            self.items.fetch_sub(items, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_once_with_all_its_readers() {
        let table = Table::default();
        for (key, reader) in [(b"a", 3), (b"b", 1), (b"a", 1), (b"a", 3), (b"a", 2)] {
            table.insert(key, reader);
        }
        assert_eq!((table.key_count(), table.item_count()), (2, 4));
        assert_eq!(table.take(b"a").expect("readers")[..], [1, 2, 3]);
        assert_eq!(table.take(b"a"), None);
        assert_eq!((table.key_count(), table.item_count()), (1, 1));
        assert_eq!(table.random_key().as_deref(), Some(&b"b"[..]));
        table.clear();
        assert_eq!((table.key_count(), table.item_count()), (0, 0));
        assert_eq!((table.random_key(), table.take(b"b")), (None, None));
    }

    #[test]
    fn what_is_drawn_can_be_taken_until_nothing_is_left() {
        let table = Table::default();
        for number in 0..1_000_u32 {
            table.insert(&number.to_le_bytes(), 1);
        }
        for left in (0..1_000).rev() {
            let key = table.random_key().expect("some are left");
            assert!(table.take(&key).is_some());
            assert_eq!(table.key_count(), left);
        }
    }
}
