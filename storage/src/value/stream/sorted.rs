//! A sorted sequence in chunks, for what comes in order and goes in almost any.
//!
//! Nodes and pending entries are appended at the end and mostly leave at the front, so that a chunk is filled to
//! the brim before the next begins, where the nodes of a balanced tree would stay half empty. The bytes it
//! holds are known at any time, which a `BTreeMap` does not tell.

use std::borrow::Borrow;
use std::collections::VecDeque;

use crate::memory::class_bytes;

/// The most pairs of a chunk.
const CHUNK: usize = 64;

/// Pairs in the order of their keys, each key once.
#[derive(Clone, Debug)]
pub struct Sorted<K, V> {
    /// None is empty.
    chunks: VecDeque<Vec<(K, V)>>,
    len: usize,
    /// Bytes of the chunks, in allocator classes.
    chunk_bytes: usize,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Sorted<K, V> {
        Sorted {
            chunks: VecDeque::new(),
            len: 0,
            chunk_bytes: 0,
        }
    }
}

/// A place between two pairs, or before the first or behind the last: a chunk, and an index in it.
type Place = (usize, usize);

fn bytes_of<T>(chunk: &Vec<T>) -> usize {
    class_bytes(chunk.capacity() * size_of::<T>())
}

impl<K: Ord, V> Sorted<K, V> {
    /// How many pairs.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes it holds, in allocator classes; what keys and values hold beyond themselves is not known here.
    pub fn heap_bytes(&self) -> usize {
        let spine = self.chunks.capacity() * size_of::<Vec<(K, V)>>();
        class_bytes(spine) + self.chunk_bytes
    }

    /// The chunk where `key` is, if it is anywhere.
    fn chunk_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        let behind = self
            .chunks
            .partition_point(|chunk| chunk[0].0.borrow() <= key);
        behind.saturating_sub(1)
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Place, Place>
    where
        K: Borrow<Q>,
    {
        let number = self.chunk_of(key);
        let Some(chunk) = self.chunks.get(number) else {
            return Err((0, 0));
        };
        match chunk.binary_search_by(|(known, _)| known.borrow().cmp(key)) {
            Ok(index) => Ok((number, index)),
            Err(index) => Err((number, index)),
        }
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (number, index) = self.find(key).ok()?;
        Some(&self.chunks[number][index].1)
    }

    /// The value of a key, to change in place.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (number, index) = self.find(key).ok()?;
        Some(&mut self.chunks[number][index].1)
    }

    /// The last pair whose key is not above `key`, its value to change in place.
    pub fn covering_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<(&K, &mut V)>
    where
        K: Borrow<Q>,
    {
        let (number, index) = self.floor(key);
        let (known, value) = self.chunks.get_mut(number)?.get_mut(index)?;
        let known: &K = known;
        (known.borrow() <= key).then_some((known, value))
    }

    /// Where the last pair is whose key is not above `key`; the first pair if all are.
    fn floor<Q: Ord + ?Sized>(&self, key: &Q) -> Place
    where
        K: Borrow<Q>,
    {
        match self.find(key) {
            Ok(place) => place,
            Err((number, index)) => (number, index.saturating_sub(1)),
        }
    }

    /// The first pair.
    pub fn first(&self) -> Option<(&K, &V)> {
        self.chunks
            .front()?
            .first()
            .map(|(key, value)| (key, value))
    }

    /// The last pair.
    pub fn last(&self) -> Option<(&K, &V)> {
        self.chunks.back()?.last().map(|(key, value)| (key, value))
    }

    /// The first pair, its value to change in place.
    pub fn first_mut(&mut self) -> Option<(&K, &mut V)> {
        let pair = self.chunks.front_mut()?.first_mut();
        pair.map(|(key, value)| (&*key, value))
    }

    /// The last pair, its value to change in place.
    pub fn last_mut(&mut self) -> Option<(&K, &mut V)> {
        let pair = self.chunks.back_mut()?.last_mut();
        pair.map(|(key, value)| (&*key, value))
    }

    /// Puts a pair in, and gives the value the key had before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        // Most keys come in order.
        if self.last().is_none_or(|(last, _)| *last < key) {
            self.append(key, value);
            return None;
        }
        match self.find(&key) {
            Ok((number, index)) => {
                let old = &mut self.chunks[number][index].1;
                Some(std::mem::replace(old, value))
            }
            Err(place) => {
                self.insert_at(place, key, value);
                None
            }
        }
    }

    fn append(&mut self, key: K, value: V) {
        if self.chunks.back().is_none_or(|last| last.len() == CHUNK) {
            self.chunks.push_back(Vec::with_capacity(1));
            self.chunk_bytes += class_bytes(size_of::<(K, V)>());
        }
        let number = self.chunks.len() - 1;
        self.change(number, |chunk| chunk.push((key, value)));
        self.len += 1;
    }

    fn insert_at(&mut self, (mut number, mut index): Place, key: K, value: V) {
        if self.chunks[number].len() == CHUNK {
            let behind = self.change(number, |chunk| {
                let behind = chunk.split_off(CHUNK / 2);
                chunk.shrink_to_fit();
                behind
            });
            self.chunk_bytes += bytes_of(&behind);
            self.chunks.insert(number + 1, behind);
            if index > CHUNK / 2 {
                (number, index) = (number + 1, index - CHUNK / 2);
            }
        }
        self.change(number, |chunk| chunk.insert(index, (key, value)));
        self.len += 1;
    }

    /// Takes a pair out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (number, index) = self.find(key).ok()?;
        Some(self.remove_at(number, index).1)
    }

    /// Takes the first pair out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.is_empty()).then(|| self.remove_at(0, 0))
    }

    fn remove_at(&mut self, number: usize, index: usize) -> (K, V) {
        let pair = self.change(number, |chunk| {
            let pair = chunk.remove(index);
            if chunk.len() <= chunk.capacity() / 4 {
                chunk.shrink_to(chunk.len() * 2);
            }
            pair
        });
        self.len -= 1;
        self.tidy(number);
        pair
    }

    /// Lets no chunk stay empty, and no two stay small that stand side by side.
    fn tidy(&mut self, number: usize) {
        let len = self.chunks[number].len();
        let is_small =
            |other: Option<&Vec<(K, V)>>| other.is_some_and(|other| len + other.len() <= CHUNK / 2);
        if len == 0 {
            self.take_chunk(number);
            self.shrink_spine();
        } else if len > CHUNK / 4 {
        } else if is_small(self.chunks.get(number + 1)) {
            self.merge(number);
        } else if number > 0 && is_small(self.chunks.get(number - 1)) {
            self.merge(number - 1);
        }
    }

    /// Puts the pairs of the next chunk into this one.
    fn merge(&mut self, number: usize) {
        let next = self.take_chunk(number + 1);
        self.change(number, |chunk| chunk.extend(next));
    }

    fn take_chunk(&mut self, number: usize) -> Vec<(K, V)> {
        let chunk = self.chunks.remove(number).expect("the caller has seen it");
        self.chunk_bytes -= bytes_of(&chunk);
        chunk
    }

    fn shrink_spine(&mut self) {
        if self.chunks.len() <= self.chunks.capacity() / 4 {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
    }

    /// Changes a chunk and counts its bytes anew.
    fn change<R>(&mut self, number: usize, change: impl FnOnce(&mut Vec<(K, V)>) -> R) -> R {
        let chunk = &mut self.chunks[number];
        let before = bytes_of(chunk);
        let result = change(chunk);
        self.chunk_bytes = self.chunk_bytes + bytes_of(chunk) - before;
        result
    }

    /// All pairs in order.
    pub fn iter(&self) -> Range<'_, K, V> {
        Range {
            chunks: &self.chunks,
            front: (0, 0),
            back: (self.chunks.len(), 0),
        }
    }

    /// The pairs from `first` to `last`, both included.
    pub fn range<Q: Ord + ?Sized>(&self, first: &Q, last: &Q) -> Range<'_, K, V>
    where
        K: Borrow<Q>,
    {
        Range {
            chunks: &self.chunks,
            front: self.find(first).unwrap_or_else(|place| place),
            back: self.behind(last),
        }
    }

    /// The same, and the pair in front of it if `first` is not there: where each pair stands for the keys up to the
    /// next, those that have to do with the range.
    pub fn covering<Q: Ord + ?Sized>(&self, first: &Q, last: &Q) -> Range<'_, K, V>
    where
        K: Borrow<Q>,
    {
        Range {
            chunks: &self.chunks,
            front: self.floor(first),
            back: self.behind(last),
        }
    }

    fn behind<Q: Ord + ?Sized>(&self, last: &Q) -> Place
    where
        K: Borrow<Q>,
    {
        match self.find(last) {
            Ok((number, index)) => (number, index + 1),
            Err(place) => place,
        }
    }
}

/// Pairs of a [`Sorted`], from either end.
#[derive(Debug)]
pub struct Range<'a, K, V> {
    chunks: &'a VecDeque<Vec<(K, V)>>,
    /// Before the next one.
    front: Place,
    /// Behind the last one.
    back: Place,
}

impl<'a, K, V> Iterator for Range<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<(&'a K, &'a V)> {
        let (mut number, mut index) = self.front;
        if self.chunks.get(number)?.len() == index {
            (number, index) = (number + 1, 0);
        }
        if (number, index) >= self.back {
            return None;
        }
        let (key, value) = &self.chunks.get(number)?[index];
        self.front = (number, index + 1);
        Some((key, value))
    }
}

impl<K, V> DoubleEndedIterator for Range<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (mut number, mut index) = self.back;
        if index == 0 {
            number = number.checked_sub(1)?;
            index = self.chunks[number].len();
        }
        if (number, index) <= self.front {
            return None;
        }
        let (key, value) = &self.chunks[number][index - 1];
        self.back = (number, index - 1);
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    type Map = Sorted<u32, u32>;

    fn true_bytes(map: &Map) -> usize {
        let chunks: usize = map.chunks.iter().map(bytes_of).sum();
        class_bytes(map.chunks.capacity() * size_of::<Vec<(u32, u32)>>()) + chunks
    }

    #[track_caller]
    fn check(map: &Map, model: &BTreeMap<u32, u32>, rng: &mut fastrand::Rng, span: u32) {
        assert_eq!(map.len(), model.len());
        assert_eq!(map.heap_bytes(), true_bytes(map));
        assert!(map.chunks.iter().all(|chunk| !chunk.is_empty()));
        assert!(map.iter().eq(model.iter()));
        assert!(map.iter().rev().eq(model.iter().rev()));
        assert_eq!(map.first(), model.first_key_value());
        assert_eq!(map.last(), model.last_key_value());
        let (from, to) = (rng.u32(..span), rng.u32(..span));
        if from <= to {
            assert!(map.range(&from, &to).eq(model.range(from..=to)));
            assert!(map.range(&from, &to).rev().eq(model.range(from..=to).rev()));
        } else {
            assert_eq!(map.range(&from, &to).next(), None);
            assert_eq!(map.range(&from, &to).next_back(), None);
        }
    }

    #[test]
    fn it_is_a_sorted_map() {
        for seed in 0..30 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let span = [10, 200, 5000][seed as usize % 3];
            let (mut map, mut model) = (Map::default(), BTreeMap::new());
            for step in 0..6000 {
                // Grows for a while, then shrinks, so that chunks split and merge.
                let grows = rng.u32(..10) < if step / 1500 % 2 == 0 { 8 } else { 2 };
                let key = rng.u32(..span);
                if grows {
                    assert_eq!(map.insert(key, step), model.insert(key, step), "{seed}");
                } else if rng.bool() {
                    assert_eq!(map.remove(&key), model.remove(&key), "seed {seed}");
                } else {
                    assert_eq!(map.pop_first(), model.pop_first(), "seed {seed}");
                }
                assert_eq!(map.get(&key), model.get(&key), "seed {seed}");
                assert_eq!(map.get_mut(&key), model.get_mut(&key), "seed {seed}");
                if step % 50 == 0 {
                    check(&map, &model, &mut rng, span);
                }
            }
        }
    }

    #[test]
    fn both_ends_meet() {
        let mut map = Map::default();
        (0..200).for_each(|key| assert_eq!(map.insert(key, key), None));
        let mut range = map.range(&3, &150);
        let mut seen = Vec::new();
        while let Some((front, _)) = range.next() {
            seen.push(*front);
            seen.extend(range.next_back().map(|(back, _)| *back));
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(3..=150));
        assert_eq!((range.next(), range.next_back()), (None, None));
    }

    #[test]
    fn what_comes_in_order_fills_its_chunks() {
        let mut map = Map::default();
        (0..64_000).for_each(|key| assert_eq!(map.insert(key, key), None));
        assert_eq!(map.chunks.len(), 1000);
        assert!(map.heap_bytes() < 64_000 * 9 + 1024 * 24 + 64);
        (0..64_000).for_each(|key| assert_eq!(map.remove(&key), Some(key)));
        assert!(map.heap_bytes() < 512, "{}", map.heap_bytes());
    }

    #[test]
    fn what_is_thinned_out_shrinks() {
        let mut map = Map::default();
        (0..64_000).for_each(|key| assert_eq!(map.insert(key, key), None));
        (0..64_000)
            .filter(|key| key % 100 != 0)
            .for_each(|key| assert_eq!(map.remove(&key), Some(key)));
        assert!(map.heap_bytes() < 640 * 40, "{}", map.heap_bytes());
    }
}
