//! A leaf of the tree: up to 64 members with their scores, in order, one behind the other.
//!
//! Members up to [`SHORT_BYTES`] lie in the leaf itself, so that a range of them is read from memory
//! in the order in which it lies there. Of a longer one the leaf holds a number, and what it names lies apart: a
//! leaf stays small whatever it holds.

use std::ops::Range;

use super::{class_capacity, make_room};
use crate::memory::class_bytes;

/// Members of a full leaf, which is then split in two.
pub(super) const MOST_MEMBERS: usize = 64;

/// Members up to this length lie in their leaf.
pub(super) const SHORT_BYTES: usize = 64;

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// Set in `Slot::end` if the text is the number of a member that lies apart.
const IS_APART: u32 = 1 << 31;

#[derive(Clone, Copy, Debug)]
struct Slot {
    score: f64,
    hash: u32,
    /// Where its text ends; it begins where that of the slot before ends.
    end: u32,
}

/// What a leaf holds of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// The member.
    Here(&'a [u8]),
    /// Which of those that lie apart.
    Apart(u32),
}

/// A leaf and its place among the others.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    slots: Vec<Slot>,
    text: Vec<u8>,
    /// The inner node it hangs from.
    pub(super) parent: u32,
    /// Its neighbours.
    pub(super) before: u32,
    pub(super) after: u32,
}

impl Leaf {
    /// An empty one without parent and neighbours.
    pub(super) fn alone() -> Leaf {
        Leaf {
            slots: Vec::new(),
            text: Vec::new(),
            parent: NONE,
            before: NONE,
            after: NONE,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Bytes of its buffers, in allocator classes.
    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        class_bytes(self.slots.capacity() * size_of::<Slot>()) + class_bytes(self.text.capacity())
    }

    #[inline]
    pub(super) fn score(&self, slot: usize) -> f64 {
        self.slots[slot].score
    }

    pub(super) fn put_score(&mut self, slot: usize, score: f64) {
        self.slots[slot].score = score;
    }

    #[inline]
    pub(super) fn hash(&self, slot: usize) -> u32 {
        self.slots[slot].hash
    }

    /// Where the texts of some slots lie.
    #[inline]
    fn span(&self, slots: Range<usize>) -> Range<usize> {
        let end_of = |slot: usize| match slot {
            0 => 0,
            slot => (self.slots[slot - 1].end & !IS_APART) as usize,
        };
        end_of(slots.start)..end_of(slots.end)
    }

    #[inline]
    pub(super) fn text(&self, slot: usize) -> Text<'_> {
        let text = &self.text[self.span(slot..slot + 1)];
        if self.slots[slot].end & IS_APART == 0 {
            return Text::Here(text);
        }
        let number = text.try_into().expect("a number has four bytes");
        Text::Apart(u32::from_ne_bytes(number))
    }

    /// The slots of a hash.
    #[inline]
    pub(super) fn of_hash(&self, hash: u32) -> impl Iterator<Item = usize> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(move |(slot, it)| (it.hash == hash).then_some(slot))
    }

    /// How many slots come before the first for which `is_before` does not hold.
    #[inline]
    pub(super) fn partition(&self, is_before: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if is_before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Puts a member at a slot; what is there and behind moves up.
    pub(super) fn insert(&mut self, slot: usize, score: f64, hash: u32, text: Text<'_>) {
        let number;
        let (bytes, mark) = match text {
            Text::Here(bytes) => (bytes, 0),
            Text::Apart(at) => {
                number = at.to_ne_bytes();
                (&number[..], IS_APART)
            }
        };
        let at = self.span(slot..slot).start;
        insert_bytes(&mut self.text, at, bytes);
        make_room(&mut self.slots, 1);
        let end = at as u32 | mark;
        self.slots.insert(slot, Slot { score, hash, end });
        for slot in &mut self.slots[slot..] {
            slot.end += bytes.len() as u32;
        }
    }

    /// Takes some members out.
    pub(super) fn remove(&mut self, slots: Range<usize>) {
        let span = self.span(slots.clone());
        let removed = span.len() as u32;
        self.text.drain(span);
        self.slots.drain(slots.clone());
        for slot in &mut self.slots[slots.start..] {
            slot.end -= removed;
        }
        if self.slots.len() < self.slots.capacity() / 2 {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        self.slots
            .shrink_to(class_capacity::<Slot>(self.slots.len()));
        self.text.shrink_to(class_capacity::<u8>(self.text.len()));
    }

    /// Takes out the members from a slot on, as a leaf of the same parent.
    pub(super) fn split_off(&mut self, slot: usize) -> Leaf {
        let start = self.span(slot..slot).start;
        let mut upper = Leaf {
            slots: self.slots[slot..].to_vec(),
            text: self.text[start..].to_vec(),
            ..*self
        };
        for slot in &mut upper.slots {
            slot.end -= start as u32;
        }
        self.slots.truncate(slot);
        self.text.truncate(start);
        self.shrink();
        upper
    }

    /// Puts the members of another, which come before or behind its own, where they belong.
    pub(super) fn absorb(&mut self, other: &Leaf, slot: usize) {
        let at = self.span(slot..slot).start;
        insert_bytes(&mut self.text, at, &other.text);
        make_room(&mut self.slots, other.len());
        self.slots.splice(slot..slot, other.slots.iter().copied());
        for it in &mut self.slots[slot..slot + other.len()] {
            it.end += at as u32;
        }
        for it in &mut self.slots[slot + other.len()..] {
            it.end += other.text.len() as u32;
        }
    }
}

fn insert_bytes(text: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let old = text.len();
    make_room(text, bytes.len());
    text.resize(old + bytes.len(), 0);
    text.copy_within(at..old, at + bytes.len());
    text[at..at + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_keeps_texts_apart_however_it_is_cut() {
        let mut rng = fastrand::Rng::with_seed(5);
        let mut model: Vec<(f64, u32, Vec<u8>)> = Vec::new();
        let mut leaf = Leaf::alone();
        for step in 0..3000u32 {
            let slot = rng.usize(..=model.len());
            match rng.u32(..8) {
                0 => {
                    let end = rng.usize(slot..=model.len());
                    leaf.remove(slot..end);
                    model.drain(slot..end);
                }
                1 => {
                    let mut upper = leaf.split_off(slot);
                    if rng.bool() {
                        leaf.absorb(&upper, slot);
                    } else {
                        upper.absorb(&leaf, 0);
                        leaf = upper;
                    }
                }
                2 => {
                    leaf.insert(slot, 1.5, step, Text::Apart(step));
                    model.insert(slot, (1.5, step, Vec::new()));
                }
                _ => {
                    let text = vec![rng.u8(..); rng.usize(..20)];
                    leaf.insert(slot, f64::from(step), step, Text::Here(&text));
                    model.insert(slot, (f64::from(step), step, text));
                }
            }
            assert_eq!(leaf.len(), model.len());
            for (slot, (score, hash, text)) in model.iter().enumerate() {
                let is = match leaf.text(slot) {
                    Text::Here(is) => is == text,
                    Text::Apart(number) => number == *hash && *score == 1.5,
                };
                assert!(is && leaf.score(slot) == *score && leaf.hash(slot) == *hash);
                assert!(leaf.of_hash(*hash).any(|at| at == slot));
            }
        }
    }
}
