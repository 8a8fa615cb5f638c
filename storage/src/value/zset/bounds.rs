//! Ranges of scores and of members.

use std::cmp::Ordering;

/// A range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// Where it begins.
    pub min: f64,
    /// Whether that is not in it.
    pub is_min_excluded: bool,
    /// Where it ends.
    pub max: f64,
    /// Whether that is not in it.
    pub is_max_excluded: bool,
}

impl ScoreRange {
    /// Whether a score comes before it.
    #[inline]
    pub fn is_below(&self, score: f64) -> bool {
        score < self.min || self.is_min_excluded && score == self.min
    }

    /// Whether a score comes behind it.
    #[inline]
    pub fn is_above(&self, score: f64) -> bool {
        score > self.max || self.is_max_excluded && score == self.max
    }
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before every member (`-`).
    Lowest,
    /// Behind every member (`+`).
    Highest,
    /// At this one, which is in the range (`[`).
    Included(&'a [u8]),
    /// At this one, which is not (`(`).
    Excluded(&'a [u8]),
}

impl LexBound<'_> {
    /// How a member compares with it, and whether the bound itself is in the range.
    #[inline]
    fn compare(&self, member: &[u8]) -> (Ordering, bool) {
        match self {
            LexBound::Lowest => (Ordering::Greater, true),
            LexBound::Highest => (Ordering::Less, true),
            LexBound::Included(bound) => (member.cmp(bound), true),
            LexBound::Excluded(bound) => (member.cmp(bound), false),
        }
    }
}

/// A range of members in the order of their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// Where it begins.
    pub min: LexBound<'a>,
    /// Where it ends.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether a member comes before it.
    #[inline]
    pub fn is_below(&self, member: &[u8]) -> bool {
        match self.min.compare(member) {
            (Ordering::Less, _) => true,
            (Ordering::Equal, is_in) => !is_in,
            (Ordering::Greater, _) => false,
        }
    }

    /// Whether a member comes behind it.
    #[inline]
    pub fn is_above(&self, member: &[u8]) -> bool {
        match self.max.compare(member) {
            (Ordering::Greater, _) => true,
            (Ordering::Equal, is_in) => !is_in,
            (Ordering::Less, _) => false,
        }
    }

    /// Whether no member could be in it.
    pub(super) fn is_empty(&self) -> bool {
        use LexBound::{Excluded, Highest, Included, Lowest};
        match (self.min, self.max) {
            (Highest, max) => max != Highest,
            (min, Lowest) => min != Lowest,
            (Lowest, _) | (_, Highest) => false,
            (Included(min), Included(max)) => min > max,
            (Included(min) | Excluded(min), Included(max) | Excluded(max)) => min >= max,
        }
    }
}
