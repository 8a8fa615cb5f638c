//! Members chosen at random.

use protocol::Version;
use storage::value::zset::Direction;
use storage::value::{Item, Zset};

use super::{Scores, ZSET};
use crate::command::reply::write_item;
use crate::command::{Args, Choice, Command, Ctx, Error, Outcome, Picks, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

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
    let chosen = zset.and_then(|zset| at(zset, fastrand::usize(..zset.len())));
    match chosen {
        None => cx.reply.encoder().nil(),
        Some((member, _)) => write_item(cx.reply.encoder(), member),
    }
    Ok(Outcome::Done)
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
    let picks = Picks::of(count);
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    let count = picks.count(zset.map_or(0, Zset::len));
    let out = cx.reply.encoder();
    let is_flat = scores == Scores::Shown && out.version() == Version::Resp2;
    out.array(if is_flat { 2 * count } else { count });
    let Some(zset) = zset else {
        return Ok(Outcome::Done);
    };
    let choice = Choice {
        len: zset.len(),
        is_packed: zset.as_packed().is_some(),
        all: zset.iter(),
        sample: |rng: &mut fastrand::Rng| Some(rng.usize(..zset.len())),
        at: |rank| at(zset, rank),
    };
    picks.pick(choice, out, |out, (member, score)| {
        if scores == Scores::Shown && !is_flat {
            out.array(2);
        }
        write_item(out, member);
        if scores == Scores::Shown {
            out.double(score);
        }
    })?;
    Ok(Outcome::Done)
}

fn at(zset: &Zset, rank: usize) -> Option<(Item<'_>, f64)> {
    zset.range(rank..rank + 1, Direction::Ascending).next()
}
