//! Ranges: by rank, by score and by the bytes of members.

use std::ops::Range;

use storage::db::Event;
use storage::value::zset::{Direction, LexRange, ScoreRange};
use storage::value::{Limits, Zset};

use super::{Scores, ZSET, bounds, write_members};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const ZRANGE: Command = Spec {
    name: "ZRANGE",
    usage: "key start stop [sortby(BYSCORE | BYLEX)@6.2.0] [REV@6.2.0] [LIMIT(offset:integer \
        count:integer)@6.2.0] [WITHSCORES]",
    summary: "Returns members in a sorted set within a range of indexes.",
    since: "1.2.0",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements returned.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[(
        "6.2.0",
        "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.",
    )],
    ..ZSET
}
.run(zrange);
fn zrange(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Fixed::default())
}

pub(super) const ZREVRANGE: Command = Spec {
    name: "ZREVRANGE",
    usage: "key start:integer stop:integer [WITHSCORES]",
    summary: "Returns members in a sorted set within a range of indexes in reverse order.",
    since: "1.2.0",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements returned.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` argument")),
    ..ZSET
}
.run(zrevrange);
fn zrevrange(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Fixed::to(By::Rank, Direction::Descending))
}

pub(super) const ZRANGEBYSCORE: Command = Spec {
    name: "ZRANGEBYSCORE",
    usage: "key min:double max:double [WITHSCORES@2.0.0] [LIMIT(offset:integer count:integer)]",
    summary: "Returns members in a sorted set within a range of scores.",
    since: "1.0.5",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements being returned. If M is constant (e.g. always asking for the first \
        10 elements with LIMIT), you can consider it O(log(N)).",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("2.0.0", "Added the `WITHSCORES` modifier.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYSCORE` argument")),
    ..ZSET
}
.run(zrangebyscore);
fn zrangebyscore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Fixed::to(By::Score, Direction::Ascending))
}

pub(super) const ZREVRANGEBYSCORE: Command = Spec {
    name: "ZREVRANGEBYSCORE",
    usage: "key max:double min:double [WITHSCORES] [LIMIT(offset:integer count:integer)]",
    summary: "Returns members in a sorted set within a range of scores in reverse order.",
    since: "2.2.0",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements being returned. If M is constant (e.g. always asking for the first \
        10 elements with LIMIT), you can consider it O(log(N)).",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("2.1.6", "`min` and `max` can be exclusive.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")),
    ..ZSET
}
.run(zrevrangebyscore);
fn zrevrangebyscore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Fixed::to(By::Score, Direction::Descending))
}

pub(super) const ZRANGEBYLEX: Command = Spec {
    name: "ZRANGEBYLEX",
    usage: "key min max [LIMIT(offset:integer count:integer)]",
    summary: "Returns members in a sorted set within a lexicographical range.",
    since: "2.8.9",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements being returned. If M is constant (e.g. always asking for the first \
        10 elements with LIMIT), you can consider it O(log(N)).",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYLEX` argument")),
    ..ZSET
}
.run(zrangebylex);
fn zrangebylex(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Fixed::to(By::Lex, Direction::Ascending))
}

pub(super) const ZREVRANGEBYLEX: Command = Spec {
    name: "ZREVRANGEBYLEX",
    usage: "key max min [LIMIT(offset:integer count:integer)]",
    summary: "Returns members in a sorted set within a lexicographical range in reverse order.",
    since: "2.8.9",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements being returned. If M is constant (e.g. always asking for the first \
        10 elements with LIMIT), you can consider it O(log(N)).",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")),
    ..ZSET
}
.run(zrevrangebylex);
fn zrevrangebylex(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Fixed::to(By::Lex, Direction::Descending))
}

pub(super) const ZRANGESTORE: Command = Spec {
    name: "ZRANGESTORE",
    usage: "dst:key src:key#1 min max [sortby(BYSCORE | BYLEX)] [REV] [LIMIT(offset:integer \
        count:integer)]",
    summary: "Stores a range of members from sorted set in a key.",
    since: "6.2.0",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements stored into the destination key.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(OW | UPDATE)),
        Keys::at(2, key_flags!(RO | ACCESS)),
    ],
    ..ZSET
}
.run(zrangestore);
fn zrangestore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let fixed = Fixed {
        is_stored: true,
        ..Fixed::default()
    };
    let query = Query::parse(args, 2, fixed)?;
    let (target, source) = (args.key(1)?, args.key(2)?);
    let limits = cx.limits();
    let zset = cx.db.read_as::<Zset>(source)?;
    let stored = zset.map_or_else(Zset::default, |zset| query.copy(zset, &limits));
    let count = stored.len();
    cx.db.put_object(target, stored, Event::zset("zrangestore"));
    cx.reply.count(count)
}

fn reply(cx: &mut Ctx<'_>, args: &Args<'_>, fixed: Fixed) -> Result {
    let query = Query::parse(args, 1, fixed)?;
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    match zset {
        None => cx.reply.encoder().array(0),
        Some(zset) => {
            let members = zset.range(query.ranks(zset), query.direction);
            write_members(cx.reply.encoder(), members, query.scores);
        }
    }
    Ok(Outcome::Done)
}

/// What a range is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What the command's name says already, so that no option may.
#[derive(Clone, Copy, Debug, Default)]
struct Fixed {
    by: Option<By>,
    direction: Option<Direction>,
    is_stored: bool,
}

impl Fixed {
    fn to(by: By, direction: Direction) -> Fixed {
        Fixed {
            by: Some(by),
            direction: Some(direction),
            is_stored: false,
        }
    }
}

/// The options of a range.
struct Options {
    fixed: Fixed,
    scores: Scores,
    offset: i64,
    /// How many at most; all if it is negative.
    count: i64,
}

impl Options {
    /// Reads the options, which begin at `index`.
    fn parse(args: &Args<'_>, index: usize, fixed: Fixed) -> Result<Options> {
        let mut it = Options {
            fixed,
            scores: Scores::Hidden,
            offset: 0,
            count: -1,
        };
        let mut index = index;
        while index < args.len() {
            if !fixed.is_stored && args.is(index, "WITHSCORES") {
                it.scores = Scores::Shown;
            } else if args.is(index, "LIMIT") && index + 2 < args.len() {
                it.offset = args.integer(index + 1)?;
                it.count = args.integer(index + 2)?;
                index += 2;
            } else if it.fixed.direction.is_none() && args.is(index, "REV") {
                it.fixed.direction = Some(Direction::Descending);
            } else if it.fixed.by.is_none() && args.is(index, "BYLEX") {
                it.fixed.by = Some(By::Lex);
            } else if it.fixed.by.is_none() && args.is(index, "BYSCORE") {
                it.fixed.by = Some(By::Score);
            } else {
                return Err(Error::Syntax);
            }
            index += 1;
        }
        it.check()?;
        Ok(it)
    }

    fn check(&self) -> Result<()> {
        let by = self.fixed.by.unwrap_or(By::Rank);
        if self.count != -1 && by == By::Rank {
            return Err(Error::LimitByRank);
        }
        if self.scores == Scores::Shown && by == By::Lex {
            return Err(Error::ScoresByLex);
        }
        Ok(())
    }
}

/// A range as asked for.
struct Query<'a> {
    bounds: Bounds<'a>,
    direction: Direction,
    scores: Scores,
    offset: i64,
    count: i64,
}

enum Bounds<'a> {
    /// From one rank to another, both included, counted in the direction; from the other end if negative.
    Rank(i64, i64),
    Score(ScoreRange),
    Lex(LexRange<'a>),
}

impl<'a> Query<'a> {
    /// Reads the key at `key`, the ends of the range and the options behind it.
    fn parse(args: &Args<'a>, key: usize, fixed: Fixed) -> Result<Query<'a>> {
        let options = Options::parse(args, key + 3, fixed)?;
        let by = options.fixed.by.unwrap_or(By::Rank);
        let direction = options.fixed.direction.unwrap_or(Direction::Ascending);
        let (min, max) = match direction {
            Direction::Descending if by != By::Rank => (key + 2, key + 1),
            _ => (key + 1, key + 2),
        };
        let bounds = match by {
            By::Rank => Bounds::Rank(args.integer(min)?, args.integer(max)?),
            By::Score => Bounds::Score(bounds::scores(args.word(min)?, args.word(max)?)?),
            By::Lex => Bounds::Lex(bounds::members(args.word(min)?, args.word(max)?)?),
        };
        Ok(Query {
            bounds,
            direction,
            scores: options.scores,
            offset: options.offset,
            count: options.count,
        })
    }

    /// The ranks that it covers, counted from the lowest score.
    fn ranks(&self, zset: &Zset) -> Range<usize> {
        let ranks = match &self.bounds {
            Bounds::Rank(start, stop) => {
                return by_rank(*start, *stop, zset.len(), self.direction);
            }
            Bounds::Score(range) => {
                zset.skip(zset.ranks_by_score(range), self.direction, self.offset)
            }
            Bounds::Lex(range) => zset.ranks_by_lex(range, self.direction, self.offset),
        };
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        self.direction.take(ranks, count)
    }

    /// A set of what it covers.
    fn copy(&self, zset: &Zset, limits: &Limits) -> Zset {
        let members = zset.range(self.ranks(zset), self.direction);
        let mut copy = Zset::default();
        if matches!(self.bounds, Bounds::Rank(..)) {
            copy.expect(members.len(), 0, limits);
        }
        members.for_each(|(member, score)| copy.add_item(member, score, limits));
        copy
    }
}

/// The ranks from one to another, both included, of a set of `len`.
pub(super) fn by_rank(start: i64, stop: i64, len: usize, direction: Direction) -> Range<usize> {
    let from_end = |rank: i64| match usize::try_from(rank) {
        Ok(rank) => Some(rank),
        Err(_) => len.checked_sub(usize::try_from(rank.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let start = from_end(start).unwrap_or(0);
    let end = from_end(stop)
        .map_or(0, |last| last.saturating_add(1))
        .min(len);
    if start >= end {
        return 0..0;
    }
    match direction {
        Direction::Ascending => start..end,
        Direction::Descending => len - end..len - start,
    }
}
