//! From a hash to the slots that may hold its key: linear probing over 8-byte cells.
//!
//! A cell holds 32 bits of the hash and a slot number, so one cache line has eight candidates, a lookup
//! rarely looks at a second line, and growing never touches an entry. At most three quarters are
//! taken; removing shifts what follows back, so there are no tombstones.

use crate::table::Handle;

/// A taken cell: the hash above, the slot number plus one below. 0 is vacant.
type Cell = u64;

const SMALLEST: usize = 8;

/// The cells of one table.
#[derive(Default)]
pub(crate) struct Index {
    /// Empty, or a power of two of them.
    cells: Vec<Cell>,
    len: usize,
}

#[inline]
fn cell(hash: u32, at: Handle) -> Cell {
    u64::from(hash) << 32 | (u64::from(at) + 1)
}

#[inline]
fn hash_of(cell: Cell) -> u32 {
    (cell >> 32) as u32
}

#[inline]
fn handle_of(cell: Cell) -> Handle {
    (cell as u32).wrapping_sub(1)
}

impl Index {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many it holds before it grows.
    pub(crate) fn capacity(&self) -> usize {
        self.cells.len() / 4 * 3
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>()
    }

    /// Where the search for a hash begins. Only called with cells.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        // The highest bits of a multiplicative hash are its best (Knuth, TAOCP 3, 6.4).
        let spread = u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (spread >> (u64::BITS - self.cells.len().trailing_zeros())) as usize
    }

    /// The first slot of that hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is_it: impl FnMut(Handle) -> bool) -> Option<Handle> {
        if self.cells.is_empty() {
            return None;
        }
        let mask = self.cells.len() - 1;
        let mut place = self.home(hash);
        loop {
            let cell = self.cells[place & mask];
            if cell == 0 {
                return None;
            }
            if hash_of(cell) == hash && is_it(handle_of(cell)) {
                return Some(handle_of(cell));
            }
            place += 1;
        }
    }

    /// The cell where the search for a hash begins, to be fetched ahead of time.
    #[inline]
    pub(crate) fn first_cell(&self, hash: u32) -> Option<&Cell> {
        if self.cells.is_empty() {
            None
        } else {
            self.cells.get(self.home(hash))
        }
    }

    /// Adds a slot that is not there yet.
    pub(crate) fn insert(&mut self, hash: u32, at: Handle) {
        if self.len >= self.capacity() {
            self.resize((self.cells.len() * 2).max(SMALLEST));
        }
        self.place(cell(hash, at));
        self.len += 1;
    }

    fn place(&mut self, cell: Cell) {
        let mask = self.cells.len() - 1;
        let mut place = self.home(hash_of(cell));
        while self.cells[place & mask] != 0 {
            place += 1;
        }
        self.cells[place & mask] = cell;
    }

    fn place_of(&self, wanted: Cell) -> Option<usize> {
        if self.cells.is_empty() {
            return None;
        }
        let mask = self.cells.len() - 1;
        let mut place = self.home(hash_of(wanted)) & mask;
        while self.cells[place] != wanted {
            if self.cells[place] == 0 {
                return None;
            }
            place = (place + 1) & mask;
        }
        Some(place)
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, hash: u32, at: Handle) {
        let Some(mut hole) = self.place_of(cell(hash, at)) else {
            return;
        };
        let mask = self.cells.len() - 1;
        let mut next = hole;
        loop {
            next = (next + 1) & mask;
            let follower = self.cells[next];
            if follower == 0 {
                break;
            }
            // A follower may fill the hole if that is no further from its home than where it is.
            let home = self.home(hash_of(follower)) & mask;
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(hole) & mask {
                self.cells[hole] = follower;
                hole = next;
            }
        }
        self.cells[hole] = 0;
        self.len -= 1;
        if self.cells.len() > 64 && self.len < self.cells.len() / 8 {
            self.resize(self.cells.len() / 2);
        }
    }

    /// Follows an entry that moved to another slot.
    pub(crate) fn moved(&mut self, hash: u32, from: Handle, to: Handle) {
        if let Some(place) = self.place_of(cell(hash, from)) {
            self.cells[place] = cell(hash, to);
        }
    }

    fn resize(&mut self, cells: usize) {
        let old = std::mem::replace(&mut self.cells, vec![0; cells]);
        old.into_iter()
            .filter(|&cell| cell != 0)
            .for_each(|cell| self.place(cell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// 300,000 seeded steps with few hashes, so that runs are long and wrap around.
    #[test]
    fn an_index_is_a_set_of_pairs() {
        let mut rng = fastrand::Rng::with_seed(19);
        let mut index = Index::default();
        let mut model = BTreeSet::new();
        for step in 0..300_000 {
            let at = rng.u32(..2_000);
            let hash = at.wrapping_mul(0x9E37_79B9) >> rng.u32(20..24);
            let grows = step % 60_000 < 30_000;
            if model.contains(&(hash, at)) {
                if !grows || rng.u8(..4) == 0 {
                    index.remove(hash, at);
                    model.remove(&(hash, at));
                }
            } else if grows {
                index.insert(hash, at);
                model.insert((hash, at));
            }
            assert_eq!(
                index.find(hash, |it| it == at).is_some(),
                model.contains(&(hash, at))
            );
            assert_eq!(index.len(), model.len());
        }
        for &(hash, at) in &model {
            assert_eq!(index.find(hash, |it| it == at), Some(at));
        }
    }
}
