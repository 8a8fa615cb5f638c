//! Walks over the members of a sorted set.

use std::ops::Range;

use super::packed;
use super::tree::{Tree, Walk};
use crate::value::{Item, Listpack};

/// Which way a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest score up.
    Ascending,
    /// From the highest score down.
    Descending,
}

impl Direction {
    /// Some ranks without the first `count` in this direction.
    pub fn skip(self, ranks: Range<usize>, count: usize) -> Range<usize> {
        let count = count.min(ranks.len());
        match self {
            Direction::Ascending => ranks.start + count..ranks.end,
            Direction::Descending => ranks.start..ranks.end - count,
        }
    }

    /// The first `count` of some ranks in this direction.
    pub fn take(self, ranks: Range<usize>, count: usize) -> Range<usize> {
        let count = count.min(ranks.len());
        match self {
            Direction::Ascending => ranks.start..ranks.start + count,
            Direction::Descending => ranks.end - count..ranks.end,
        }
    }
}

/// Members with their scores, in order.
#[derive(Clone)]
pub struct Iter<'z> {
    walk: Kind<'z>,
    left: usize,
}

#[derive(Clone)]
enum Kind<'z> {
    Packed {
        packed: &'z Listpack,
        /// Of the member that comes next, or at the end.
        at: usize,
        direction: Direction,
    },
    Tree(Walk<'z>),
    Done,
}

impl<'z> Iter<'z> {
    pub(super) fn packed(
        packed: &'z Listpack,
        ranks: Range<usize>,
        direction: Direction,
    ) -> Iter<'z> {
        let first = first_rank(&ranks, direction);
        let at = first.and_then(|rank| packed.seek(2 * rank as i64));
        let walk = at.map_or(Kind::Done, |at| Kind::Packed {
            packed,
            at,
            direction,
        });
        Iter {
            walk,
            left: ranks.len(),
        }
    }

    pub(super) fn tree(tree: &'z Tree, ranks: Range<usize>, direction: Direction) -> Iter<'z> {
        let first = first_rank(&ranks, direction);
        Iter {
            walk: first.map_or(Kind::Done, |rank| Kind::Tree(tree.walk(rank, direction))),
            left: ranks.len(),
        }
    }
}

fn first_rank(ranks: &Range<usize>, direction: Direction) -> Option<usize> {
    match direction {
        _ if ranks.is_empty() => None,
        Direction::Ascending => Some(ranks.start),
        Direction::Descending => Some(ranks.end - 1),
    }
}

impl<'z> Iterator for Iter<'z> {
    type Item = (Item<'z>, f64);

    #[inline]
    fn next(&mut self) -> Option<(Item<'z>, f64)> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.walk {
            Kind::Done => None,
            Kind::Packed {
                packed,
                at,
                direction,
            } => {
                let (member, score, behind) = packed::pair(packed, *at);
                *at = match direction {
                    Direction::Ascending => behind,
                    Direction::Descending => packed::before(packed, *at),
                };
                Some((member, score))
            }
            Kind::Tree(walk) => {
                let (member, score) = walk.next()?;
                Some((Item::Bytes(member), score))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
