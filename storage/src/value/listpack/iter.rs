//! Passing over the elements of a listpack, from either end.

use std::iter::FusedIterator;

use super::item::{self, Item};

/// The elements between two positions.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    /// Behind the last element still to come.
    back: usize,
}

impl<'a> Iter<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], front: usize, back: usize) -> Iter<'a> {
        Iter { bytes, front, back }
    }

    /// The position of the element that `next` would give.
    #[inline]
    pub fn position(&self) -> usize {
        self.front
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (item, length) = item::decode(self.bytes, self.front);
        self.front += length + item::back_length_bytes(length);
        Some(item)
    }

    /// Passes `count` elements without looking at them.
    #[inline]
    fn nth(&mut self, count: usize) -> Option<Item<'a>> {
        for _ in 0..count {
            if self.front >= self.back {
                return None;
            }
            self.front = item::skip(self.bytes, self.front);
        }
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = item::skip_back(self.bytes, self.back);
        Some(item::decode(self.bytes, self.back).0)
    }

    #[inline]
    fn nth_back(&mut self, count: usize) -> Option<Self::Item> {
        for _ in 0..count {
            if self.front >= self.back {
                return None;
            }
            self.back = item::skip_back(self.bytes, self.back);
        }
        self.next_back()
    }
}

impl FusedIterator for Iter<'_> {}
