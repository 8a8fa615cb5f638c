//! Members that go.

use std::ops::Range;

use storage::db::Event;
use storage::value::Zset;
use storage::value::zset::Direction;

use super::range::by_rank;
use super::{ZSET, bounds};
use crate::command::{Args, Command, Ctx, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const ZREM: Command = Spec {
    name: "ZREM",
    usage: "key member...",
    summary: "Removes one or more members from a sorted set. Deletes the sorted set if all \
        members were removed.",
    since: "1.2.0",
    complexity: "O(M*log(N)) with N being the number of elements in the sorted set and M the \
        number of elements to be removed.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    history: &[("2.4.0", "Accepts multiple elements.")],
    ..ZSET
}
.run(zrem);
fn zrem(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let Some(mut edit) = cx.db.edit_as::<Zset>(args.key(1)?, Event::zset("zrem"))? else {
        return cx.reply.count(0);
    };
    let mut count = 0;
    let zset = edit.change();
    for member in args.from(2).iter() {
        if let Some(found) = zset.find(member) {
            zset.remove(found);
            count += 1;
        }
    }
    edit.count(count);
    drop(edit);
    cx.reply.count(count)
}

pub(super) const ZREMRANGEBYRANK: Command = Spec {
    name: "ZREMRANGEBYRANK",
    usage: "key start:integer stop:integer",
    summary: "Removes members in a sorted set within a range of indexes. Deletes the sorted set \
        if all members were removed.",
    since: "2.0.0",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements removed by the operation.",
    flags: flags!(WRITE),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    ..ZSET
}
.run(zremrangebyrank);
fn zremrangebyrank(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    remove(cx, args, "zremrangebyrank", |zset| {
        by_rank(start, stop, zset.len(), Direction::Ascending)
    })
}

pub(super) const ZREMRANGEBYSCORE: Command = Spec {
    name: "ZREMRANGEBYSCORE",
    usage: "key min:double max:double",
    summary: "Removes members in a sorted set within a range of scores. Deletes the sorted set \
        if all members were removed.",
    since: "1.2.0",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements removed by the operation.",
    flags: flags!(WRITE),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    ..ZSET
}
.run(zremrangebyscore);
fn zremrangebyscore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let range = bounds::scores(args.word(2)?, args.word(3)?)?;
    remove(cx, args, "zremrangebyscore", |zset| {
        zset.ranks_by_score(&range)
    })
}

pub(super) const ZREMRANGEBYLEX: Command = Spec {
    name: "ZREMRANGEBYLEX",
    usage: "key min max",
    summary: "Removes members in a sorted set within a lexicographical range. Deletes the \
        sorted set if all members were removed.",
    since: "2.8.9",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the \
        number of elements removed by the operation.",
    flags: flags!(WRITE),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    ..ZSET
}
.run(zremrangebylex);
fn zremrangebylex(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let range = bounds::members(args.word(2)?, args.word(3)?)?;
    remove(cx, args, "zremrangebylex", |zset| {
        zset.ranks_by_lex(&range, Direction::Ascending, 0)
    })
}

fn remove(
    cx: &mut Ctx<'_>,
    args: &Args<'_>,
    event: &'static str,
    ranks: impl FnOnce(&Zset) -> Range<usize>,
) -> Result {
    let Some(mut edit) = cx.db.edit_as::<Zset>(args.key(1)?, Event::zset(event))? else {
        return cx.reply.count(0);
    };
    let ranks = ranks(&edit);
    let count = ranks.len();
    if count > 0 {
        if let Some(all) = edit.change().remove_ranks(ranks) {
            edit.discard(all);
        }
        edit.count(count);
    }
    drop(edit);
    cx.reply.count(count)
}
