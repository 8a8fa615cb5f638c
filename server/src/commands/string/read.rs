//! Strings read as a whole, some of them for the last time.

use storage::db::Event;
use storage::keyspace::Cause;

use super::STRING;
use super::lifetime::{Choice, Lifetime, Unit};
use crate::command::reply::write_string;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const GET: Command = Spec {
    name: "GET",
    usage: "key",
    summary: "Returns the string value of a key.",
    since: "1.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..STRING
}
.run(get);
fn get(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    cx.reply.string(cx.db.string(args.key(1)?)?)
}

pub(super) const GETDEL: Command = Spec {
    name: "GETDEL",
    usage: "key",
    summary: "Returns the string value of a key after deleting the key.",
    since: "6.2.0",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | DELETE))],
    ..STRING
}
.run(getdel);
fn getdel(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    cx.reply.string(cx.db.string(key)?)?;
    if cx.db.remove(key, Event::DEL) {
        cx.effects.replace([&b"DEL"[..], key]);
    }
    Ok(Outcome::Done)
}

pub(super) const GETEX: Command = Spec {
    name: "GETEX",
    usage: "key [expiration(EX seconds:integer | PX milliseconds:integer | \
        EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | PERSIST)]",
    summary: "Returns the string value of a key after setting its expiration time.",
    since: "6.2.0",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))
        .noted("RW and UPDATE because it changes the TTL")],
    ..STRING
}
.run(getex);
fn getex(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    let mut lifetime = Lifetime::UNSAID;
    let mut index = 2;
    while index < args.len() {
        match lifetime.read(args, index, ("PERSIST", Choice::Persist))? {
            0 => return Err(Error::Syntax),
            words => index += words,
        }
    }
    if cx.db.string(key)?.is_none() {
        return cx.reply.nil();
    }
    // Only now, as in Redis: of a key that is not there any time is as good as another.
    let expiry_ms = lifetime.expiry_ms(cx, args)?;
    cx.reply.string(cx.db.peek_string(key)?)?;
    match (lifetime.choice, expiry_ms) {
        (Choice::Time(unit), Some(expiry_ms)) => expire(cx, key, unit, expiry_ms),
        (Choice::Persist, _) => persist(cx, key),
        _ => {}
    }
    Ok(Outcome::Done)
}

/// Gives a key that is there a time to live, or removes it if that is over already.
fn expire(cx: &mut Ctx<'_>, key: &[u8], unit: Unit, expiry_ms: i64) {
    if unit.is_absolute() && expiry_ms <= cx.now_ms() {
        cx.db.remove(key, Event::DEL);
        cx.effects
            .replace([cx.server.settings.removal_word(Cause::Expired), key]);
        return;
    }
    if let Some(mut edit) = cx.db.edit(key, Event::generic("expire")) {
        edit.set_expiry(Some(expiry_ms));
    }
    cx.effects
        .replace([&b"PEXPIREAT"[..], key, expiry_ms.to_string().as_bytes()]);
}

fn persist(cx: &mut Ctx<'_>, key: &[u8]) {
    let Some(mut edit) = cx.db.edit(key, Event::generic("persist")) else {
        return;
    };
    if edit.entry().expiry_ms().is_some() {
        edit.set_expiry(None);
        drop(edit);
        cx.effects.replace([&b"PERSIST"[..], key]);
    }
}

pub(super) const MGET: Command = Spec {
    name: "MGET",
    usage: "key...",
    summary: "Atomically returns the string values of one or more keys.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys to retrieve.",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::rest(1, 1, key_flags!(RO | ACCESS))],
    tips: &["request_policy:multi_shard"],
    ..STRING
}
.run(mget);
fn mget(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let keys = args.from(1);
    let out = cx.reply.array(keys.len());
    // Redis answers nil here, not an error, for a key of another type too.
    keys.iter()
        .for_each(|key| write_string(out, cx.db.string(key).unwrap_or(None)));
    Ok(Outcome::Done)
}

pub(super) const STRLEN: Command = Spec {
    name: "STRLEN",
    usage: "key",
    summary: "Returns the length of a string value.",
    since: "2.2.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..STRING
}
.run(strlen);
fn strlen(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let length = cx.db.string(args.key(1)?)?.map_or(0, |value| value.len());
    cx.reply.count(length)
}
