//! Strings as numbers.

use protocol::number::{LongDouble, parse_long_double};
use storage::db::{Event, Expiry, NewTags};
use storage::value::{Str, Value};

use super::STRING;
use crate::command::{Args, Command, Ctx, Error, Result, Words, tags};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const INCR: Command = Spec {
    name: "INCR",
    usage: "key",
    summary: "Increments the integer value of a key by one. Uses 0 as initial value if the key \
        doesn't exist.",
    since: "1.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..STRING
}
.run(incr);
fn incr(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    add(cx, args.key(1)?, 1)
}

pub(super) const DECR: Command = Spec {
    name: "DECR",
    usage: "key",
    summary: "Decrements the integer value of a key by one. Uses 0 as initial value if the key \
        doesn't exist.",
    since: "1.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..STRING
}
.run(decr);
fn decr(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    add(cx, args.key(1)?, -1)
}

pub(super) const INCRBY: Command = Spec {
    name: "INCRBY",
    usage: "key increment:integer",
    summary: "Increments the integer value of a key by a number. Uses 0 as initial value if the \
        key doesn't exist.",
    since: "1.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..STRING
}
.run(incrby);
fn incrby(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    add(cx, args.key(1)?, args.integer(2)?)
}

pub(super) const DECRBY: Command = Spec {
    name: "DECRBY",
    usage: "key decrement:integer",
    summary: "Decrements a number from the integer value of a key. Uses 0 as initial value if \
        the key doesn't exist.",
    since: "1.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..STRING
}
.run(decrby);
fn decrby(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let increment = args
        .integer(2)?
        .checked_neg()
        .ok_or(Error::DecrementOverflow)?;
    add(cx, args.key(1)?, increment)
}

/// Adds to the integer that a key holds, 0 if there is no such key.
fn add(cx: &mut Ctx<'_>, key: &[u8], increment: i64) -> Result {
    // Redis says so for DECR too.
    let event = Event::string("incrby");
    if let Some(mut edit) = cx.db.edit_string(key, event)? {
        let number = edit.string().as_integer().ok_or(Error::NotInteger)?;
        let sum = number
            .checked_add(increment)
            .ok_or(Error::IncrementOverflow)?;
        edit.put(Value::Int(sum));
        return cx.reply.integer(sum);
    }
    cx.db.put(
        key,
        Value::Int(increment),
        Expiry::Clear,
        NewTags::Clear,
        event,
    );
    cx.reply.integer(increment)
}

pub(super) const INCRBYFLOAT: Command = Spec {
    name: "INCRBYFLOAT",
    usage: "key increment:double",
    summary: "Increment the floating point value of a key by a number. Uses 0 as initial value \
        if the key doesn't exist.",
    since: "2.6.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..STRING
}
.run(incrbyfloat);
fn incrbyfloat(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    // As in Redis, the key's type is found fault with before the argument is.
    let increment = parse_long_double(args.word(2)?).ok_or(Error::NotFloat);
    let event = Event::string("incrbyfloat");
    let text;
    let mut is_tagged = false;
    if let Some(mut edit) = cx.db.edit_string(key, event)? {
        let number = long_double(edit.string()).ok_or(Error::NotFloat)?;
        text = sum(number, increment?)?;
        edit.put(Value::Bytes(text.as_bytes()));
        is_tagged = edit.entry().is_tagged();
    } else {
        text = sum(LongDouble::from(0), increment?)?;
        let value = Value::Bytes(text.as_bytes());
        cx.db.put(key, value, Expiry::Clear, NewTags::Clear, event);
    }
    // The sum is logged, not the summand, since another machine may add differently (as in Redis).
    if is_tagged {
        tags::annotate_keep(&mut cx.effects);
    }
    cx.effects
        .replace([&b"SET"[..], key, text.as_bytes(), b"KEEPTTL"]);
    cx.reply.bulk(text.as_bytes())
}

fn long_double(value: Str<'_>) -> Option<LongDouble> {
    match value {
        Str::Int(number) => Some(LongDouble::from(number)),
        value => value.with_bytes(parse_long_double),
    }
}

fn sum(number: LongDouble, increment: LongDouble) -> Result<String> {
    let sum = number + increment;
    if sum.is_finite() {
        Ok(sum.to_string())
    } else {
        Err(Error::NotFinite)
    }
}
