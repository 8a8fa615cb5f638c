//! Members from either end, taken and removed.

use protocol::{Encoder, Version};
use storage::db::Event;
use storage::value::Zset;
use storage::value::zset::Direction;

use super::{ZSET, write_flat, write_nested};
use crate::command::{Args, Command, Ctx, Error, Nothing, Outcome, Result, Stir, Wanted, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const ZPOPMIN: Command = Spec {
    name: "ZPOPMIN",
    usage: "key [count:integer]",
    summary: "Returns the lowest-scoring members from a sorted set after removing them. Deletes \
        the sorted set if the last member was popped.",
    since: "5.0.0",
    complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being \
        the number of elements popped.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | DELETE))],
    ..ZSET
}
.run(zpopmin);
fn zpopmin(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    pop_of_one(cx, args, End::Min)
}

pub(super) const ZPOPMAX: Command = Spec {
    name: "ZPOPMAX",
    usage: "key [count:integer]",
    summary: "Returns the highest-scoring members from a sorted set after removing them. \
        Deletes the sorted set if the last member was popped.",
    since: "5.0.0",
    complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being \
        the number of elements popped.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | DELETE))],
    ..ZSET
}
.run(zpopmax);
fn zpopmax(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    pop_of_one(cx, args, End::Max)
}

fn pop_of_one(cx: &mut Ctx<'_>, args: &Args<'_>, end: End) -> Result {
    if args.len() > 3 {
        return Err(Error::Syntax);
    }
    let count = match args.get(2) {
        Some(_) => Some(args.non_negative(2)?),
        None => None,
    };
    let shape = match (count, cx.reply.version()) {
        (Some(_), Version::Resp3) => Shape::Nested,
        _ => Shape::Flat,
    };
    let count = usize::try_from(count.unwrap_or(1)).unwrap_or(usize::MAX);
    if pop(cx, args.key(1)?, end, count, shape)?.is_none() {
        cx.reply.encoder().array(0);
    }
    Ok(Outcome::Done)
}

pub(super) const ZMPOP: Command = Spec {
    name: "ZMPOP",
    usage: "numkeys:integer key... where(MIN | MAX) [COUNT count:integer]",
    summary: "Returns the highest- or lowest-scoring members from one or more sorted sets after \
        removing them. Deletes the sorted set if the last member was popped.",
    since: "7.0.0",
    complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number \
        of elements in the sorted set, and M being the number of elements popped.",
    flags: flags!(WRITE),
    keys: &[Keys::counted(1, key_flags!(RW | ACCESS | DELETE))],
    ..ZSET
}
.run(zmpop);
fn zmpop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let request = Request::parse(args, 1)?;
    if !request.pop_first(cx)? {
        cx.reply.encoder().nil_array();
    }
    Ok(Outcome::Done)
}

pub(super) const BZPOPMIN: Command = Spec {
    name: "BZPOPMIN",
    usage: "key... timeout:double",
    summary: "Removes and returns the member with the lowest score from one or more sorted \
        sets. Blocks until a member is available otherwise. Deletes the sorted set if the last \
        element was popped.",
    since: "5.0.0",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    flags: flags!(WRITE | BLOCKING | FAST),
    keys: &[Keys::range(1, -2, 1, key_flags!(RW | ACCESS | DELETE))],
    history: &[(
        "6.0.0",
        "`timeout` is interpreted as a double instead of an integer.",
    )],
    ..ZSET
}
.run(bzpopmin);
fn bzpopmin(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    pop_or_wait(cx, args, End::Min)
}

pub(super) const BZPOPMAX: Command = Spec {
    name: "BZPOPMAX",
    usage: "key... timeout:double",
    summary: "Removes and returns the member with the highest score from one or more sorted \
        sets. Blocks until a member available otherwise.  Deletes the sorted set if the last \
        element was popped.",
    since: "5.0.0",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    flags: flags!(WRITE | BLOCKING | FAST),
    keys: &[Keys::range(1, -2, 1, key_flags!(RW | ACCESS | DELETE))],
    history: &[(
        "6.0.0",
        "`timeout` is interpreted as a double instead of an integer.",
    )],
    ..ZSET
}
.run(bzpopmax);
fn bzpopmax(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    pop_or_wait(cx, args, End::Max)
}

fn pop_or_wait(cx: &mut Ctx<'_>, args: &Args<'_>, end: End) -> Result {
    let last = args.len() - 1;
    let deadline_ms = args.deadline_of_seconds(last, cx.now_ms())?;
    let keys = || (1..last).filter_map(|index| args.get(index));
    for key in keys() {
        if pop(cx, key, end, 1, Shape::FlatBehindKey)?.is_some() {
            cx.effects.replace([end.command(), key]);
            return Ok(Outcome::Done);
        }
    }
    cx.wait_for_keys(WANTED, keys(), deadline_ms)
}

pub(super) const BZMPOP: Command = Spec {
    name: "BZMPOP",
    usage: "timeout:double numkeys:integer key... where(MIN | MAX) [COUNT count:integer]",
    summary: "Removes and returns a member by score from one or more sorted sets. Blocks until \
        a member is available otherwise. Deletes the sorted set if the last element was popped.",
    since: "7.0.0",
    complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number \
        of elements in the sorted set, and M being the number of elements popped.",
    flags: flags!(WRITE | BLOCKING),
    keys: &[Keys::counted(2, key_flags!(RW | ACCESS | DELETE))],
    ..ZSET
}
.run(bzmpop);
fn bzmpop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let request = Request::parse(args, 2)?;
    let deadline_ms = args.deadline_of_seconds(1, cx.now_ms())?;
    if request.pop_first(cx)? {
        return Ok(Outcome::Done);
    }
    cx.wait_for_keys(WANTED, request.keys(), deadline_ms)
}

const WANTED: Wanted = Wanted {
    type_name: "zset",
    stir: Stir::WithKey,
    timeout: Nothing::NilArray,
};

/// Which end is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

impl End {
    fn direction(self) -> Direction {
        match self {
            End::Min => Direction::Ascending,
            End::Max => Direction::Descending,
        }
    }

    /// What stands in the log, whichever command took it.
    fn command(self) -> &'static [u8] {
        match self {
            End::Min => b"ZPOPMIN",
            End::Max => b"ZPOPMAX",
        }
    }

    fn event(self) -> Event {
        match self {
            End::Min => Event::zset("zpopmin"),
            End::Max => Event::zset("zpopmax"),
        }
    }
}

/// How what was taken is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Members and scores in turn.
    Flat,
    /// The same behind the key.
    FlatBehindKey,
    /// Pairs.
    Nested,
    /// The key, and pairs.
    NestedBehindKey,
}

impl Shape {
    fn begin(self, out: &mut Encoder<'_>, key: &[u8], count: usize) {
        match self {
            Shape::Flat => out.array(2 * count),
            Shape::FlatBehindKey => {
                out.array(2 * count + 1);
                out.bulk(key);
            }
            Shape::Nested => out.array(count),
            Shape::NestedBehindKey => {
                out.array(2);
                out.bulk(key);
                out.array(count);
            }
        }
    }
}

/// Takes up to `count` members; how many. Answers unless there is no such key.
fn pop(
    cx: &mut Ctx<'_>,
    key: &[u8],
    end: End,
    count: usize,
    shape: Shape,
) -> Result<Option<usize>> {
    let Some(mut edit) = cx.db.edit_as::<Zset>(key, end.event())? else {
        return Ok(None);
    };
    let direction = end.direction();
    let ranks = direction.take(0..edit.len(), count);
    let count = ranks.len();
    let out = cx.reply.encoder();
    shape.begin(out, key, count);
    let members = edit.range(ranks.clone(), direction);
    match shape {
        Shape::Flat | Shape::FlatBehindKey => write_flat(out, members),
        Shape::Nested | Shape::NestedBehindKey => write_nested(out, members),
    }
    if count > 0 {
        if let Some(all) = edit.change().remove_ranks(ranks) {
            edit.discard(all);
        }
        edit.count(count);
    }
    Ok(Some(count))
}

/// What `ZMPOP` and `BZMPOP` are asked for.
struct Request<'a> {
    keys: Args<'a>,
    key_count: usize,
    end: End,
    count: usize,
}

impl<'a> Request<'a> {
    /// Reads the number of keys at `index`, and what follows.
    fn parse(args: &Args<'a>, index: usize) -> Result<Request<'a>> {
        let key_count = above_zero(args, index).ok_or(Error::NumkeysNotPositive)?;
        let end_at = key_count.saturating_add(index + 1);
        let end = match args.word(end_at)? {
            word if word.eq_ignore_ascii_case(b"min") => End::Min,
            word if word.eq_ignore_ascii_case(b"max") => End::Max,
            _ => return Err(Error::Syntax),
        };
        let count = match args.len() - end_at - 1 {
            0 => 1,
            _ if !args.is(end_at + 1, "COUNT") || end_at + 2 == args.len() => {
                return Err(Error::Syntax);
            }
            rest => {
                let count = above_zero(args, end_at + 2).ok_or(Error::CountNotPositive)?;
                if rest > 2 {
                    return Err(Error::Syntax);
                }
                count
            }
        };
        Ok(Request {
            keys: args.from(index + 1),
            key_count,
            end,
            count,
        })
    }

    fn keys(&self) -> impl Iterator<Item = &'a [u8]> {
        let keys = self.keys;
        (0..self.key_count).filter_map(move |index| keys.get(index))
    }

    /// Takes from the first key that is there; whether there is one.
    fn pop_first(&self, cx: &mut Ctx<'_>) -> Result<bool> {
        for key in self.keys() {
            let popped = pop(cx, key, self.end, self.count, Shape::NestedBehindKey)?;
            if let Some(count) = popped {
                let count = count.to_string();
                let words = [self.end.command(), key, count.as_bytes()];
                cx.effects.replace(words);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn above_zero(args: &Args<'_>, index: usize) -> Option<usize> {
    let number = args.integer(index).ok()?;
    usize::try_from(number).ok().filter(|&number| number > 0)
}
