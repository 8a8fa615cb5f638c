//! What a hash holds.

use storage::db::Asked;
use storage::value::Hash;
use storage::value::hash::Field;

use super::{HASH, live};
use crate::command::reply::{write_item, write_string};
use crate::command::{Args, Command, Ctx, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const HGET: Command = Spec {
    name: "HGET",
    usage: "key field",
    summary: "Returns the value of a field in a hash.",
    since: "2.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..HASH
}
.run(hget);
fn hget(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let field = args.word(2)?;
    let now_ms = cx.db.fields_now_ms();
    let hash = cx.db.read_hash(args.key(1)?, Asked::One(field))?;
    let found = live(hash.and_then(|it| it.get(field)), now_ms);
    cx.reply.string(found.map(|it| it.value))
}

pub(super) const HMGET: Command = Spec {
    name: "HMGET",
    usage: "key field...",
    summary: "Returns the values of all fields in a hash.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of fields being requested.",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..HASH
}
.run(hmget);
fn hmget(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let fields = args.from(2);
    let now_ms = cx.db.fields_now_ms();
    let hash = cx.db.read_hash(args.key(1)?, Asked::Words(fields))?;
    let out = cx.reply.array(fields.len());
    for field in fields.iter() {
        let found = live(hash.and_then(|it| it.get(field)), now_ms);
        write_string(out, found.map(|it| it.value));
    }
    Ok(Outcome::Done)
}

pub(super) const HEXISTS: Command = Spec {
    name: "HEXISTS",
    usage: "key field",
    summary: "Determines whether a field exists in a hash.",
    since: "2.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..HASH
}
.run(hexists);
fn hexists(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let field = args.word(2)?;
    let now_ms = cx.db.fields_now_ms();
    let hash = cx.db.read_hash(args.key(1)?, Asked::One(field))?;
    let found = live(hash.and_then(|it| it.get(field)), now_ms);
    cx.reply.integer(found.is_some().into())
}

pub(super) const HSTRLEN: Command = Spec {
    name: "HSTRLEN",
    usage: "key field",
    summary: "Returns the length of the value of a field.",
    since: "3.2.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..HASH
}
.run(hstrlen);
fn hstrlen(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let field = args.word(2)?;
    let now_ms = cx.db.fields_now_ms();
    let hash = cx.db.read_hash(args.key(1)?, Asked::One(field))?;
    let found = live(hash.and_then(|it| it.get(field)), now_ms);
    cx.reply.count(found.map_or(0, |it| it.value.len()))
}

pub(super) const HLEN: Command = Spec {
    name: "HLEN",
    usage: "key",
    summary: "Returns the number of fields in a hash.",
    since: "2.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..HASH
}
.run(hlen);
fn hlen(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    // As in Redis, what has expired counts until it is removed.
    let hash = cx.db.read_as::<Hash>(args.key(1)?)?;
    cx.reply.count(hash.map_or(0, Hash::len))
}

/// What of the fields is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    Names,
    Values,
    Both,
}

pub(super) const HKEYS: Command = Spec {
    name: "HKEYS",
    usage: "key",
    summary: "Returns all fields in a hash.",
    since: "2.0.0",
    complexity: "O(N) where N is the size of the hash.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..HASH
}
.run(hkeys);
fn hkeys(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show(cx, args, Show::Names)
}

pub(super) const HVALS: Command = Spec {
    name: "HVALS",
    usage: "key",
    summary: "Returns all values in a hash.",
    since: "2.0.0",
    complexity: "O(N) where N is the size of the hash.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..HASH
}
.run(hvals);
fn hvals(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show(cx, args, Show::Values)
}

pub(super) const HGETALL: Command = Spec {
    name: "HGETALL",
    usage: "key",
    summary: "Returns all fields and values in a hash.",
    since: "2.0.0",
    complexity: "O(N) where N is the size of the hash.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..HASH
}
.run(hgetall);
fn hgetall(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show(cx, args, Show::Both)
}

fn show(cx: &mut Ctx<'_>, args: &Args<'_>, what: Show) -> Result {
    let now_ms = cx.db.fields_now_ms();
    let hash = cx.db.read_as::<Hash>(args.key(1)?)?;
    let is_live = |it: &Field<'_>| !it.is_expired(now_ms);
    let count = hash.map_or(0, |hash| match hash.may_have_expired(now_ms) {
        true => hash.iter().filter(is_live).count(),
        false => hash.len(),
    });
    let out = match what {
        Show::Both => cx.reply.map(count),
        Show::Names | Show::Values => cx.reply.array(count),
    };
    for field in hash.into_iter().flat_map(Hash::iter).filter(is_live) {
        if what != Show::Values {
            write_item(out, field.name);
        }
        if what != Show::Names {
            write_string(out, Some(field.value));
        }
    }
    Ok(Outcome::Done)
}
