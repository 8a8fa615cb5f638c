//! A sorted set in a listpack: member and score in turn, ascending.
//!
//! A whole score up to half of what an `i64` holds is an integer there, any other the text that a client
//! would get; so a negative zero loses its sign here, as it does in Redis (`zzlInsertAt`, t_zset.c).

use std::cmp::Ordering;
use std::ops::Range;

use protocol::number::{format_f64, parse_f64};

use super::bounds::LexRange;
use super::compare;
use super::iter::Direction;
use super::tree::order;
use crate::value::{Item, Listpack};

/// Up to here a whole score is an integer.
const WHOLE_LIMIT: f64 = (i64::MAX / 2) as f64;

fn read(item: Item<'_>) -> f64 {
    match item {
        Item::Int(score) => score as f64,
        Item::Bytes(text) => parse_f64(text).unwrap_or(0.0),
    }
}

/// Whether every member has a score, and they ascend.
pub(super) fn is_ascending(packed: &Listpack) -> bool {
    let mut items = packed.iter();
    let mut last: Option<(Item<'_>, f64)> = None;
    while let Some(member) = items.next() {
        let score = match items.next() {
            Some(Item::Int(score)) => Some(score as f64),
            Some(Item::Bytes(text)) => parse_f64(text),
            None => None,
        };
        let Some(score) = score else {
            return false;
        };
        let is_behind = last.is_none_or(|(before, of_before)| match order(of_before, score) {
            Ordering::Less => true,
            Ordering::Equal => compare(before, member) == Ordering::Less,
            Ordering::Greater => false,
        });
        if !is_behind {
            return false;
        }
        last = Some((member, score));
    }
    true
}

/// The score of the member at a position.
pub(super) fn score(packed: &Listpack, at: usize) -> f64 {
    packed.next(at).map_or(0.0, |at| read(packed.get(at)))
}

/// The member at a position, its score, and the position behind both.
#[inline]
pub(super) fn pair(packed: &Listpack, at: usize) -> (Item<'_>, f64, usize) {
    let mut items = packed.iter_from(at);
    let member = items.next().unwrap_or(Item::Bytes(b""));
    let score = items.next().map_or(0.0, read);
    (member, score, items.position())
}

/// The position of the member before another, or of the first.
pub(super) fn before(packed: &Listpack, at: usize) -> usize {
    let score = packed.previous(at);
    score.and_then(|at| packed.previous(at)).unwrap_or(at)
}

/// Members and scores, ascending.
pub(super) fn pairs(packed: &Listpack) -> impl Iterator<Item = (Item<'_>, f64)> {
    let mut items = packed.iter();
    std::iter::from_fn(move || Some((items.next()?, read(items.next()?))))
}

/// How many members come before the one at a position.
pub(super) fn rank(packed: &Listpack, at: usize) -> usize {
    let mut before = at;
    let mut rank = 0;
    while let Some(at) = packed.previous(before).and_then(|at| packed.previous(at)) {
        before = at;
        rank += 1;
    }
    rank
}

/// Adds a member that is not there.
pub(super) fn insert(packed: &mut Listpack, member: Item<'_>, score: f64) {
    let at = place(packed, member, score);
    put(packed, at, member, score);
}

/// Adds a member that comes behind all others.
pub(super) fn push(packed: &mut Listpack, member: Item<'_>, score: f64) {
    put(packed, packed.end(), member, score);
}

fn put(packed: &mut Listpack, at: usize, member: Item<'_>, score: f64) {
    packed.insert_item(at, member);
    let behind = packed.next(at).unwrap_or(packed.end());
    if score.abs() <= WHOLE_LIMIT && score.trunc() == score {
        packed.insert_integer(behind, score as i64);
    } else {
        packed.insert(behind, format_f64(score).as_bytes());
    }
}

/// The position where a member belongs.
fn place(packed: &Listpack, member: Item<'_>, score: f64) -> usize {
    let mut items = packed.iter();
    loop {
        let at = items.position();
        let (Some(other), Some(of_other)) = (items.next(), items.next()) else {
            return packed.end();
        };
        match order(read(of_other), score) {
            Ordering::Less => {}
            Ordering::Equal if compare(other, member) == Ordering::Less => {}
            Ordering::Equal | Ordering::Greater => return at,
        }
    }
}

/// See [`super::Zset::ranks_by_lex`].
pub(super) fn ranks_by_lex(
    packed: &Listpack,
    range: &LexRange<'_>,
    direction: Direction,
    skipped: usize,
) -> Range<usize> {
    let is = |rank: usize, test: &dyn Fn(&[u8]) -> bool| {
        let at = packed.seek(2 * rank as i64);
        at.is_some_and(|at| packed.get(at).with_bytes(test))
    };
    let (is_below, is_above) = (
        |it: &[u8]| range.is_below(it),
        |it: &[u8]| range.is_above(it),
    );
    let is_in = |it: &[u8]| !range.is_below(it) && !range.is_above(it);
    let len = packed.len() / 2;
    if len == 0 || is(len - 1, &is_below) || is(0, &is_above) {
        return 0..0;
    }
    match direction {
        Direction::Ascending => {
            let members = || pairs(packed).map(|(member, _)| member);
            let first = members().take_while(|it| it.with_bytes(is_below)).count();
            if !is(first, &is_in) {
                return 0..0;
            }
            let first = first.saturating_add(skipped).min(len);
            let is_not_above = |it: &Item<'_>| !it.with_bytes(is_above);
            first..first + members().skip(first).take_while(is_not_above).count()
        }
        Direction::Descending => {
            let mut end = len;
            while end > 0 && is(end - 1, &is_above) {
                end -= 1;
            }
            if end == 0 || !is(end - 1, &is_in) {
                return 0..0;
            }
            end = end.saturating_sub(skipped);
            let mut start = end;
            while start > 0 && !is(start - 1, &is_below) {
                start -= 1;
            }
            start..end
        }
    }
}
