//! Fields chosen at random.

use protocol::Version;
use storage::db::Asked;
use storage::value::Hash;
use storage::value::hash::{Field, Form};

use super::{HASH, live};
use crate::command::reply::{write_item, write_string};
use crate::command::{Args, Choice, Command, Ctx, Error, Outcome, Picks, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const HRANDFIELD: Command = Spec {
    name: "HRANDFIELD",
    usage: "key [options(count:integer [WITHVALUES])]",
    summary: "Returns one or more random fields from a hash.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of fields returned",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    ..HASH
}
.run(hrandfield);
fn hrandfield(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if args.len() == 2 {
        return show_one(cx, args);
    }
    let count = args.ranged(2, -i64::MAX, i64::MAX)?;
    let has_values = args.len() > 3;
    if args.len() > 4 || has_values && !args.is(3, "WITHVALUES") {
        return Err(Error::Syntax);
    }
    if has_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::OutOfRange);
    }
    show_some(cx, args, Picks::of(count), has_values)
}

fn show_one(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let now_ms = cx.db.fields_now_ms();
    let hash = cx.db.read_hash(args.key(1)?, Asked::All)?;
    let field = hash.and_then(|it| it.at(it.sample(&mut fastrand::Rng::new())?));
    match live(field, now_ms) {
        Some(field) => write_item(cx.reply.encoder(), field.name),
        None => cx.reply.encoder().nil(),
    }
    Ok(Outcome::Done)
}

fn show_some(cx: &mut Ctx<'_>, args: &Args<'_>, picks: Picks, has_values: bool) -> Result {
    let hash = cx.db.read_hash(args.key(1)?, Asked::All)?;
    let len = hash.map_or(0, Hash::len);
    let count = picks.count(len);
    // In RESP3 a pair is an array of its own.
    let is_nested = has_values && cx.reply.version() == Version::Resp3;
    let out = cx.reply.encoder();
    out.array(if has_values && !is_nested {
        2 * count
    } else {
        count
    });
    let Some(hash) = hash else {
        return Ok(Outcome::Done);
    };
    let choice = Choice {
        len,
        is_packed: !matches!(hash.form(), Form::Many),
        all: hash.iter(),
        sample: |rng: &mut fastrand::Rng| hash.sample(rng),
        at: |spot| hash.at(spot),
    };
    picks.pick(choice, out, |out, field: Field<'_>| {
        if is_nested {
            out.array(2);
        }
        write_item(out, field.name);
        if has_values {
            write_string(out, Some(field.value));
        }
    })?;
    Ok(Outcome::Done)
}
