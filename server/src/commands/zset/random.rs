//! Members chosen at random.

use std::collections::HashSet;

use protocol::{Encoder, Version};
use storage::value::zset::Direction;
use storage::value::{Item, Zset};

use super::{Scores, ZSET, write_members};
use crate::command::reply::write_item;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

/// The longest reply of members that are repeated.
const MOST_REPLY_BYTES: usize = 512 * 1024 * 1024;

pub(super) const ZRANDMEMBER: Command = Spec {
    name: "ZRANDMEMBER",
    usage: "key [options(count:integer [WITHSCORES])]",
    summary: "Returns one or more random members from a sorted set.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of members returned",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    ..ZSET
}
.run(zrandmember);
fn zrandmember(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    if args.len() > 2 {
        return several(cx, args);
    }
    let zset = cx.db.read_as::<Zset>(key)?;
    match zset {
        None => cx.reply.nil(),
        Some(zset) => {
            let (member, _) = at(zset, fastrand::usize(..zset.len()));
            write_item(cx.reply.encoder(), member);
            Ok(Outcome::Done)
        }
    }
}

fn several(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let count = args.ranged(2, -i64::MAX, i64::MAX)?;
    let scores = match args.len() {
        3 => Scores::Hidden,
        4 if args.is(3, "WITHSCORES") => Scores::Shown,
        _ => return Err(Error::Syntax),
    };
    if scores == Scores::Shown && count.abs() > i64::MAX / 2 {
        return Err(Error::OutOfRange);
    }
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    let Some(zset) = zset else {
        cx.reply.encoder().array(0);
        return Ok(Outcome::Done);
    };
    let out = cx.reply.encoder();
    match usize::try_from(count) {
        Ok(count) if count >= zset.len() => write_members(out, zset.iter(), scores),
        Ok(count) => {
            let ranks = distinct(count, zset.len());
            write_members(out, ranks.into_iter().map(|rank| at(zset, rank)), scores);
        }
        Err(_) => repeated(out, zset, count.unsigned_abs(), scores)?,
    }
    Ok(Outcome::Done)
}

/// Members that may come more than once.
///
/// # Errors
/// [`Error::ReplyTooLong`]: a small request could ask for more than there is memory.
fn repeated(out: &mut Encoder<'_>, zset: &Zset, count: u64, scores: Scores) -> Result<()> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let is_flat = scores == Scores::Shown && out.version() == Version::Resp2;
    out.array(if is_flat { 2 * count } else { count });
    let start = out.mark();
    for _ in 0..count {
        let (member, score) = at(zset, fastrand::usize(..zset.len()));
        if scores == Scores::Shown && !is_flat {
            out.array(2);
        }
        write_item(out, member);
        if scores == Scores::Shown {
            out.double(score);
        }
        if out.output().bytes_since(start) > MOST_REPLY_BYTES {
            return Err(Error::ReplyTooLong);
        }
    }
    Ok(())
}

fn at(zset: &Zset, rank: usize) -> (Item<'_>, f64) {
    let mut members = zset.range(rank..rank + 1, Direction::Ascending);
    members.next().expect("a rank below the number of members")
}

/// So many different numbers below `len`, each choice of them as likely as another.
///
/// *Source:* Robert Floyd's algorithm P, in Bentley, "Programming pearls", CACM 30(9), 1987.
fn distinct(count: usize, len: usize) -> Vec<usize> {
    let mut chosen = HashSet::with_capacity(count);
    for last in len - count..len {
        if !chosen.insert(fastrand::usize(..=last)) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}
