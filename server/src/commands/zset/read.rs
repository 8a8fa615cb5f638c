//! Scores, ranks and counts.

use storage::value::Zset;
use storage::value::zset::Direction;

use super::{ZSET, bounds};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const ZCARD: Command = Spec {
    name: "ZCARD",
    usage: "key",
    summary: "Returns the number of members in a sorted set.",
    since: "1.2.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..ZSET
}
.run(zcard);
fn zcard(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    cx.reply.count(zset.map_or(0, Zset::len))
}

pub(super) const ZSCORE: Command = Spec {
    name: "ZSCORE",
    usage: "key member",
    summary: "Returns the score of a member in a sorted set.",
    since: "1.2.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..ZSET
}
.run(zscore);
fn zscore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, member) = (args.key(1)?, args.word(2)?);
    let zset = cx.db.read_as::<Zset>(key)?;
    match zset.and_then(|zset| zset.score(member)) {
        Some(score) => cx.reply.encoder().double(score),
        None => cx.reply.encoder().nil(),
    }
    Ok(Outcome::Done)
}

pub(super) const ZMSCORE: Command = Spec {
    name: "ZMSCORE",
    usage: "key member...",
    summary: "Returns the score of one or more members in a sorted set.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of members being requested.",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..ZSET
}
.run(zmscore);
fn zmscore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let members = args.from(2);
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    let out = cx.reply.array(members.len());
    for member in members.iter() {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => out.double(score),
            None => out.nil(),
        }
    }
    Ok(Outcome::Done)
}

pub(super) const ZRANK: Command = Spec {
    name: "ZRANK",
    usage: "key member [WITHSCORE]",
    summary: "Returns the index of a member in a sorted set ordered by ascending scores.",
    since: "2.0.0",
    complexity: "O(log(N))",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("7.2.0", "Added the optional `WITHSCORE` argument.")],
    ..ZSET
}
.run(zrank);
fn zrank(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    rank(cx, args, Direction::Ascending)
}

pub(super) const ZREVRANK: Command = Spec {
    name: "ZREVRANK",
    usage: "key member [WITHSCORE]",
    summary: "Returns the index of a member in a sorted set ordered by descending scores.",
    since: "2.0.0",
    complexity: "O(log(N))",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("7.2.0", "Added the optional `WITHSCORE` argument.")],
    ..ZSET
}
.run(zrevrank);
fn zrevrank(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    rank(cx, args, Direction::Descending)
}

fn rank(cx: &mut Ctx<'_>, args: &Args<'_>, direction: Direction) -> Result {
    let (key, member) = (args.key(1)?, args.word(2)?);
    let has_score = match args.len() {
        3 => false,
        4 if args.is(3, "WITHSCORE") => true,
        4 => return Err(Error::Syntax),
        _ => return Err(Error::WrongArity(cx.command_name().to_owned())),
    };
    let zset = cx.db.read_as::<Zset>(key)?;
    let found = zset.and_then(|zset| Some((zset, zset.find(member)?)));
    let out = cx.reply.encoder();
    match found {
        None if has_score => out.nil_array(),
        None => out.nil(),
        Some((zset, found)) => {
            let rank = match direction {
                Direction::Ascending => zset.rank(found),
                Direction::Descending => zset.len() - 1 - zset.rank(found),
            };
            if has_score {
                out.array(2);
            }
            out.integer(rank as i64);
            if has_score {
                out.double(found.score);
            }
        }
    }
    Ok(Outcome::Done)
}

pub(super) const ZCOUNT: Command = Spec {
    name: "ZCOUNT",
    usage: "key min:double max:double",
    summary: "Returns the count of members in a sorted set that have scores within a range.",
    since: "2.0.0",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..ZSET
}
.run(zcount);
fn zcount(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let range = bounds::scores(args.word(2)?, args.word(3)?)?;
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    let count = zset.map_or(0, |zset| zset.ranks_by_score(&range).len());
    cx.reply.count(count)
}

pub(super) const ZLEXCOUNT: Command = Spec {
    name: "ZLEXCOUNT",
    usage: "key min max",
    summary: "Returns the number of members in a sorted set within a lexicographical range.",
    since: "2.8.9",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..ZSET
}
.run(zlexcount);
fn zlexcount(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let range = bounds::members(args.word(2)?, args.word(3)?)?;
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    let ranks = zset.map(|zset| zset.ranks_by_lex(&range, Direction::Ascending, 0));
    cx.reply.count(ranks.map_or(0, |ranks| ranks.len()))
}
