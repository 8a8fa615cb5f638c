//! Fields as numbers.

use protocol::number::{LongDouble, parse_long_double, with_digits};
use storage::db::{Asked, Event};
use storage::value::Str;
use storage::value::hash::FieldExpiry;

use super::{HASH, live};
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const HINCRBY: Command = Spec {
    name: "HINCRBY",
    usage: "key field increment:integer",
    summary: "Increments the integer value of a field in a hash by a number. Uses 0 as \
        initial value if the field doesn't exist.",
    since: "2.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..HASH
}
.run(hincrby);
fn hincrby(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (field, increment) = (args.word(2)?, args.integer(3)?);
    let (limits, now_ms) = (cx.limits(), cx.db.fields_now_ms());
    let event = Event::hash("hincrby");
    let mut edit = cx.db.upsert_hash(args.key(1)?, Asked::One(field), event)?;
    let number = match live(edit.get(field), now_ms) {
        Some(found) => found.value.as_integer().ok_or(Error::HashNotInteger)?,
        None => 0,
    };
    let sum = number
        .checked_add(increment)
        .ok_or(Error::IncrementOverflow)?;
    with_digits(sum, |digits| {
        edit.change().set(field, digits, FieldExpiry::Keep, &limits)
    });
    drop(edit);
    cx.reply.integer(sum)
}

pub(super) const HINCRBYFLOAT: Command = Spec {
    name: "HINCRBYFLOAT",
    usage: "key field increment:double",
    summary: "Increments the floating point value of a field by a number. Uses 0 as \
        initial value if the field doesn't exist.",
    since: "2.6.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..HASH
}
.run(hincrbyfloat);
fn hincrbyfloat(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, field) = (args.key(1)?, args.word(2)?);
    let increment = parse_long_double(args.word(3)?).ok_or(Error::NotFloat)?;
    if !increment.is_finite() {
        return Err(Error::NanOrInfinity);
    }
    let (limits, now_ms) = (cx.limits(), cx.db.fields_now_ms());
    let event = Event::hash("hincrbyfloat");
    let mut edit = cx.db.upsert_hash(key, Asked::One(field), event)?;
    let found = live(edit.get(field), now_ms);
    let number = found.map_or(Some(LongDouble::from(0)), |it| long_double(it.value));
    let sum = number.ok_or(Error::HashNotFloat)? + increment;
    if !sum.is_finite() {
        return Err(Error::NotFinite);
    }
    let expiry_ms = found.and_then(|it| it.expiry_ms);
    let text = sum.to_string();
    edit.change()
        .set(field, text.as_bytes(), FieldExpiry::Keep, &limits);
    drop(edit);
    log_sum(cx, key, field, text.as_bytes(), expiry_ms);
    cx.reply.bulk(text.as_bytes())
}

/// Logs the sum, not the summand, since another machine may add differently (as in Redis), and the expiry, which
/// HSET takes away: Redis forgets that.
fn log_sum(cx: &mut Ctx<'_>, key: &[u8], field: &[u8], sum: &[u8], expiry_ms: Option<i64>) {
    cx.effects.replace([&b"HSET"[..], key, field, sum]);
    if let Some(expiry_ms) = expiry_ms {
        let expiry = expiry_ms.to_string();
        let head = [&b"HPEXPIREAT"[..], key, expiry.as_bytes()];
        cx.effects
            .replace(head.into_iter().chain([&b"FIELDS"[..], b"1", field]));
    }
}

fn long_double(value: Str<'_>) -> Option<LongDouble> {
    match value {
        Str::Int(number) => Some(LongDouble::from(number)),
        value => value.with_bytes(parse_long_double),
    }
}
