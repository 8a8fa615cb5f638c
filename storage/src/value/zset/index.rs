//! Which leaf a member lies in, by the member's hash.
//!
//! Extendible hashing as in [`crate::table`], but what it holds is a number: each cell is a hash and
//! the leaf in which a member of that hash lies, eight bytes together. Members themselves lie in the leaves
//! and nowhere else. The cells of a segment are in the order of their hashes, so a scan is a walk over
//! hashes, and it meets whatever stays, however the index grows or shrinks.

use std::ops::Range;

use super::arena::Arena;
use super::{class_capacity, make_room};
use crate::memory::class_bytes;
use crate::table::prefetch;

/// Cells of a full segment, which is then split in two.
const MOST_CELLS: usize = 256;
/// Two halves that hold no more together are one again.
const MERGED_CELLS: usize = MOST_CELLS * 3 / 8;
/// Beyond so many leading bits a segment grows instead.
const MOST_DEPTH: u32 = 20;

/// Leaves by the hashes of their members.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// For each value of the `depth` leading bits of a hash its segment.
    directory: Vec<u32>,
    depth: u32,
    segments: Arena<Segment>,
    /// How many segments there are of each depth.
    of_depth: [u32; MOST_DEPTH as usize + 1],
    cell_bytes: usize,
}

#[derive(Clone, Debug)]
struct Segment {
    /// Ascending by hash; those of one hash come in any order.
    cells: Vec<Cell>,
    /// How many leading bits of the hash all cells share.
    depth: u32,
    /// The lowest hash of its range.
    floor: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    hash: u32,
    leaf: u32,
}

impl Segment {
    /// One past the highest hash of its range.
    fn end(&self) -> u64 {
        u64::from(self.floor) + (1 << (u32::BITS - self.depth))
    }

    fn bytes(&self) -> usize {
        class_bytes(self.cells.capacity() * size_of::<Cell>())
    }

    /// Where a hash would lie if hashes were spread perfectly evenly; they nearly are.
    #[inline]
    fn guess(&self, hash: u32) -> usize {
        let offset = u64::from(hash.wrapping_sub(self.floor));
        ((offset * self.cells.len() as u64) >> (u32::BITS - self.depth)) as usize
    }

    /// The first cell whose hash is not below `hash`.
    #[inline]
    fn lower(&self, hash: u32) -> usize {
        let cells = &self.cells;
        let mut at = self.guess(hash);
        while at < cells.len() && cells[at].hash < hash {
            at += 1;
        }
        while at > 0 && cells[at - 1].hash >= hash {
            at -= 1;
        }
        at
    }

    /// The cells of one hash.
    #[inline]
    fn of_hash(&self, hash: u32) -> Range<usize> {
        let first = self.lower(hash);
        let same = self.cells[first..].iter();
        first..first + same.take_while(|cell| cell.hash == hash).count()
    }

    fn position(&self, cell: Cell) -> Option<usize> {
        let mut places = self.of_hash(cell.hash);
        places.find(|&at| self.cells[at] == cell)
    }
}

impl Default for Index {
    fn default() -> Index {
        let mut segments = Arena::default();
        let first = segments.add(Segment {
            cells: Vec::new(),
            depth: 0,
            floor: 0,
        });
        let mut of_depth = [0; MOST_DEPTH as usize + 1];
        of_depth[0] = 1;
        Index {
            directory: vec![first],
            depth: 0,
            segments,
            of_depth,
            cell_bytes: 0,
        }
    }
}

impl Index {
    /// Bytes it takes, in allocator classes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.cell_bytes
            + self.segments.heap_bytes()
            + class_bytes(self.directory.capacity() * size_of::<u32>())
    }

    #[inline]
    fn segment_of(&self, hash: u32) -> u32 {
        self.directory[(u64::from(hash) >> (u32::BITS - self.depth)) as usize]
    }

    /// The leaves that hold members of a hash, one for each such member.
    #[inline]
    pub(super) fn leaves(&self, hash: u32) -> impl Iterator<Item = u32> {
        let segment = self.segments.get(self.segment_of(hash));
        segment.cells[segment.of_hash(hash)]
            .iter()
            .map(|cell| cell.leaf)
    }

    /// Asks for the cells where the search for a hash will begin.
    #[inline]
    pub(super) fn prefetch(&self, hash: u32) {
        let segment = self.segments.get(self.segment_of(hash));
        let guessed = segment.cells.as_ptr().wrapping_add(segment.guess(hash));
        // A guess is off by half a cache line or a whole one.
        prefetch(guessed.wrapping_sub(8));
        prefetch(guessed);
        prefetch(guessed.wrapping_add(8));
    }

    /// Notes that a leaf holds a member, or one more, of that hash.
    pub(super) fn add(&mut self, hash: u32, leaf: u32) {
        let mut at = self.segment_of(hash);
        while self.is_to_split(at) {
            self.split(at);
            at = self.segment_of(hash);
        }
        let segment = self.segments.get_mut(at);
        let before = segment.bytes();
        let place = segment.lower(hash);
        make_room(&mut segment.cells, 1);
        segment.cells.insert(place, Cell { hash, leaf });
        self.cell_bytes += segment.bytes() - before;
    }

    /// Forgets one member of that hash in a leaf.
    pub(super) fn remove(&mut self, hash: u32, leaf: u32) {
        let at = self.segment_of(hash);
        let segment = self.segments.get_mut(at);
        let place = segment.position(Cell { hash, leaf });
        let before = segment.bytes();
        segment
            .cells
            .remove(place.expect("every member of a leaf is indexed"));
        if segment.cells.len() <= segment.cells.capacity() / 2 {
            segment
                .cells
                .shrink_to(class_capacity::<Cell>(segment.cells.len()));
        }
        self.cell_bytes = self.cell_bytes + segment.bytes() - before;
        let mut shrunk = Some(at);
        while let Some(at) = shrunk {
            shrunk = self.merge(at);
        }
    }

    /// Notes that one member of that hash lies in another leaf now.
    pub(super) fn relocate(&mut self, hash: u32, from: u32, to: u32) {
        let segment = self.segments.get_mut(self.segment_of(hash));
        let place = segment.position(Cell { hash, leaf: from });
        segment.cells[place.expect("every member of a leaf is indexed")].leaf = to;
    }

    /// The lowest hash not below `from` that a member has, and the leaves of its members. `None` at the end.
    pub(super) fn group(&self, from: u64) -> Option<(u32, impl Iterator<Item = u32>)> {
        let mut from = from;
        loop {
            let hash = u32::try_from(from).ok()?;
            let segment = self.segments.get(self.segment_of(hash));
            if let Some(cell) = segment.cells.get(segment.lower(hash)) {
                return Some((cell.hash, self.leaves(cell.hash)));
            }
            from = segment.end();
        }
    }

    fn is_to_split(&self, at: u32) -> bool {
        let segment = self.segments.get(at);
        segment.cells.len() >= MOST_CELLS && segment.depth < MOST_DEPTH
    }

    /// Splits a segment at the middle of its range.
    fn split(&mut self, at: u32) {
        let segment = self.segments.get_mut(at);
        let before = segment.bytes();
        segment.depth += 1;
        let depth = segment.depth;
        let middle = segment.floor | 1 << (u32::BITS - depth);
        let first = segment.cells.partition_point(|cell| cell.hash < middle);
        let upper = Segment {
            cells: segment.cells[first..].to_vec(),
            depth,
            floor: middle,
        };
        segment.cells.truncate(first);
        segment.cells.shrink_to(class_capacity::<Cell>(first));
        self.cell_bytes = self.cell_bytes + segment.bytes() + upper.bytes() - before;
        self.of_depth[depth as usize - 1] -= 1;
        self.of_depth[depth as usize] += 2;
        if depth > self.depth {
            self.directory = self.directory.iter().flat_map(|&at| [at, at]).collect();
            self.depth = depth;
        }
        let new = self.segments.add(upper);
        self.enter(new);
    }

    /// Lets the directory name a segment for every hash of its range.
    fn enter(&mut self, at: u32) {
        let segment = self.segments.get(at);
        let shift = u32::BITS - self.depth;
        let first = (u64::from(segment.floor) >> shift) as usize;
        let last = (segment.end() >> shift) as usize;
        self.directory[first..last].fill(at);
    }

    /// Puts a segment and its other half together if there is little in both; gives what became of them.
    fn merge(&mut self, at: u32) -> Option<u32> {
        let segment = self.segments.get(at);
        let depth = segment.depth;
        if depth == 0 || segment.cells.len() > MERGED_CELLS {
            return None;
        }
        let half = 1 << (u32::BITS - depth);
        let is_upper = segment.floor & half != 0;
        let other_at = self.segment_of(segment.floor ^ half);
        let other = self.segments.get(other_at);
        if other.depth != depth || segment.cells.len() + other.cells.len() > MERGED_CELLS {
            return None;
        }
        let (lower, upper) = if is_upper {
            (other_at, at)
        } else {
            (at, other_at)
        };
        self.absorb(lower, upper);
        Some(lower)
    }

    /// Makes one segment of two halves.
    fn absorb(&mut self, lower: u32, upper: u32) {
        let upper = self.segments.remove(upper);
        let segment = self.segments.get_mut(lower);
        self.cell_bytes -= segment.bytes() + upper.bytes();
        make_room(&mut segment.cells, upper.cells.len());
        segment.cells.extend_from_slice(&upper.cells);
        segment.depth -= 1;
        self.cell_bytes += segment.bytes();
        self.of_depth[upper.depth as usize] -= 2;
        self.of_depth[upper.depth as usize - 1] += 1;
        self.enter(lower);
        while self.depth > 0 && self.of_depth[self.depth as usize] == 0 {
            self.directory = self.directory.iter().copied().step_by(2).collect();
            self.depth -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    impl Index {
        fn assert_sound(&self, model: &BTreeSet<(u32, u32)>) {
            let mut found = BTreeSet::new();
            let (mut from, mut bytes) = (0, 0);
            while let Ok(hash) = u32::try_from(from) {
                let segment = self.segments.get(self.segment_of(hash));
                assert_eq!(u64::from(segment.floor), from);
                assert!(segment.cells.is_sorted_by_key(|cell| cell.hash));
                found.extend(segment.cells.iter().map(|cell| (cell.hash, cell.leaf)));
                bytes += segment.bytes();
                from = segment.end();
            }
            assert_eq!(&found, model);
            assert_eq!(bytes, self.cell_bytes);
        }
    }

    /// Hashes that crowd at both ends and in a few values, too.
    #[test]
    fn an_index_is_what_was_put_into_it() {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut model = BTreeSet::new();
        let mut index = Index::default();
        for round in 0..6 {
            for _ in 0..4_000 {
                let hash = match rng.u32(..10) {
                    0 => rng.u32(..1000),
                    1 => u32::MAX - rng.u32(..1000),
                    2 => 77,
                    _ => rng.u32(..),
                };
                let leaf = rng.u32(..1_000_000);
                if round % 2 == 0 && model.insert((hash, leaf)) {
                    index.add(hash, leaf);
                }
                let some = model.range((hash, leaf)..).next().copied();
                if let Some((hash, leaf)) = some {
                    if round % 2 == 1 {
                        model.remove(&(hash, leaf));
                        index.remove(hash, leaf);
                    } else if model.insert((hash, leaf + 1_000_000)) {
                        model.remove(&(hash, leaf));
                        index.relocate(hash, leaf, leaf + 1_000_000);
                    }
                }
            }
            index.assert_sound(&model);
            let (mut from, mut met) = (0, BTreeSet::new());
            while let Some((hash, leaves)) = index.group(from) {
                met.extend(leaves.map(|leaf| (hash, leaf)));
                from = u64::from(hash) + 1;
            }
            assert_eq!(met, model);
        }
        for (hash, leaf) in std::mem::take(&mut model) {
            index.remove(hash, leaf);
        }
        index.assert_sound(&model);
        assert_eq!((index.depth, index.cell_bytes), (0, 0));
    }
}
