//! Setting and removing fields.

use storage::db::{Asked, Event};
use storage::value::Hash;
use storage::value::hash::FieldExpiry;

use super::{HASH, live};
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const HSET: Command = Spec {
    name: "HSET",
    usage: "key data(field value)...",
    summary: "Creates or modifies the value of a field in a hash.",
    since: "2.0.0",
    complexity: "O(1) for each field/value pair added, so O(N) to add N field/value pairs \
        when the command is called with multiple field/value pairs.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    history: &[("4.0.0", "Accepts multiple `field` and `value` arguments.")],
    ..HASH
}
.run(hset);
fn hset(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let added = set(cx, args)?;
    cx.reply.count(added)
}

pub(super) const HMSET: Command = Spec {
    name: "HMSET",
    usage: "key data(field value)...",
    summary: "Sets the values of multiple fields.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of fields being set.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    deprecated: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
    ..HASH
}
.run(hmset);
fn hmset(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    set(cx, args)?;
    cx.reply.ok()
}

/// Sets all pairs; how many of the fields are new.
fn set(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result<usize> {
    let words = args.from(2);
    if !words.len().is_multiple_of(2) {
        return Err(Error::WrongArity(cx.command_name().to_owned()));
    }
    let limits = cx.limits();
    let word = |index| words.get(index).unwrap_or_default();
    let pairs = || (0..words.len() / 2).map(|pair| (word(2 * pair), word(2 * pair + 1)));
    let mut edit = cx.db.upsert::<Hash>(args.key(1)?, Event::hash("hset"))?;
    let hash = edit.change();
    hash.prepare(pairs(), &limits);
    let is_new = |(field, value): &(&[u8], &[u8])| {
        // The expiry of a field that was there goes with its value.
        hash.set(field, value, FieldExpiry::Clear, &limits)
    };
    let added = pairs().filter(is_new).count();
    edit.count(words.len() / 2);
    Ok(added)
}

pub(super) const HSETNX: Command = Spec {
    name: "HSETNX",
    usage: "key field value",
    summary: "Sets the value of a field in a hash only when the field doesn't exist.",
    since: "2.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | INSERT))],
    ..HASH
}
.run(hsetnx);
fn hsetnx(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (field, value) = (args.word(2)?, args.word(3)?);
    let (limits, now_ms) = (cx.limits(), cx.db.fields_now_ms());
    let event = Event::hash("hset");
    let mut edit = cx.db.upsert_hash(args.key(1)?, Asked::One(field), event)?;
    let is_new = live(edit.get(field), now_ms).is_none();
    if is_new {
        let hash = edit.change();
        hash.prepare(std::iter::once((field, value)), &limits);
        hash.set(field, value, FieldExpiry::Clear, &limits);
    }
    drop(edit);
    cx.reply.integer(is_new.into())
}

pub(super) const HDEL: Command = Spec {
    name: "HDEL",
    usage: "key field...",
    summary: "Deletes one or more fields and their values from a hash. Deletes the \
        hash if no fields remain.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of fields to be removed.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    history: &[("2.4.0", "Accepts multiple `field` arguments.")],
    ..HASH
}
.run(hdel);
fn hdel(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let event = Event::hash("hdel");
    let Some(mut edit) = cx.db.edit_as::<Hash>(args.key(1)?, event)? else {
        return cx.reply.integer(0);
    };
    let hash = edit.change();
    // What has expired but is still there counts, as in Redis.
    let removed = args.from(2).iter().filter(|field| hash.remove(field));
    let removed = removed.count();
    edit.count(removed);
    drop(edit);
    cx.reply.count(removed)
}
