//! When fields will go: `HTTL` and its kin, `HPERSIST`.

use storage::db::Event;
use storage::value::Hash;

use super::{HASH, NO_EXPIRY, NO_FIELD, fields, live};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const HTTL: Command = Spec {
    name: "HTTL",
    usage: "key FIELDS(numfields:integer field...)",
    summary: "Returns the TTL in seconds of a hash field.",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..HASH
}
.run(httl);
fn httl(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let now_ms = cx.now_ms();
    show(cx, args, |expiry_ms| seconds(expiry_ms - now_ms))
}

pub(super) const HPTTL: Command = Spec {
    name: "HPTTL",
    usage: "key FIELDS(numfields:integer field...)",
    summary: "Returns the TTL in milliseconds of a hash field.",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..HASH
}
.run(hpttl);
fn hpttl(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let now_ms = cx.now_ms();
    show(cx, args, |expiry_ms| expiry_ms - now_ms)
}

pub(super) const HEXPIRETIME: Command = Spec {
    name: "HEXPIRETIME",
    usage: "key FIELDS(numfields:integer field...)",
    summary: "Returns the expiration time of a hash field as a Unix timestamp, in \
        seconds.",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..HASH
}
.run(hexpiretime);
fn hexpiretime(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show(cx, args, seconds)
}

pub(super) const HPEXPIRETIME: Command = Spec {
    name: "HPEXPIRETIME",
    usage: "key FIELDS(numfields:integer field...)",
    summary: "Returns the expiration time of a hash field as a Unix timestamp, in \
        msec.",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..HASH
}
.run(hpexpiretime);
fn hpexpiretime(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show(cx, args, |expiry_ms| expiry_ms)
}

/// Seconds, rounded up: other than those of keys.
fn seconds(millis: i64) -> i64 {
    (millis + 999) / 1000
}

fn show(cx: &mut Ctx<'_>, args: &Args<'_>, shown: impl Fn(i64) -> i64) -> Result {
    let now_ms = cx.db.fields_now_ms();
    let hash = cx.db.read_as::<Hash>(args.key(1)?)?;
    let names = fields(args, 2, Error::FieldCountNotPositive)?;
    let out = cx.reply.array(names.len());
    for name in names.iter() {
        let found = live(hash.and_then(|it| it.get(name)), now_ms);
        out.integer(match found.map(|it| it.expiry_ms) {
            Some(Some(expiry_ms)) => shown(expiry_ms),
            Some(None) => NO_EXPIRY,
            None => NO_FIELD,
        });
    }
    Ok(Outcome::Done)
}

pub(super) const HPERSIST: Command = Spec {
    name: "HPERSIST",
    usage: "key FIELDS(numfields:integer field...)",
    summary: "Removes the expiration time for each specified field",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..HASH
}
.run(hpersist);
fn hpersist(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    cx.db.peek_as::<Hash>(key)?;
    let names = fields(args, 2, Error::FieldCountNotPositive)?;
    let (now_ms, is_alive_ms) = (cx.now_ms(), cx.db.fields_now_ms());
    let out = cx.reply.array(names.len());
    let Some(mut edit) = cx.db.edit_as::<Hash>(key, Event::hash("hpersist"))? else {
        names.iter().for_each(|_| out.integer(NO_FIELD));
        return Ok(Outcome::Done);
    };
    let mut changed = 0;
    for name in names.iter() {
        let spot = edit.find(name);
        let found = live(spot.and_then(|it| edit.at(it)), is_alive_ms);
        let (Some(spot), Some(expiry_ms)) = (spot, found.map(|it| it.expiry_ms)) else {
            out.integer(NO_FIELD);
            continue;
        };
        if expiry_ms.is_none() {
            out.integer(NO_EXPIRY);
            continue;
        }
        edit.change().set_expiry(spot, None, now_ms);
        out.integer(1);
        changed += 1;
    }
    edit.count(changed);
    Ok(Outcome::Done)
}
