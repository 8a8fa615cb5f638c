//! When fields go: `HEXPIRE` and its kin.

use storage::db::Event;
use storage::value::Hash;

use super::{HASH, NO_FIELD, fields};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

/// The latest expiry of a field, in milliseconds since 1970 (`EB_EXPIRE_TIME_MAX`, ebuckets.h, and two bits less).
const LATEST_MS: i64 = (1 << 46) - 1;

/// How the time of a command is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// From now on.
    Relative,
    /// Since 1970.
    Absolute,
}

/// What a time is counted in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Millis,
}

pub(super) const HEXPIRE: Command = Spec {
    name: "HEXPIRE",
    usage: "key seconds:integer [condition(NX|XX|GT|LT)] FIELDS(numfields:integer \
        field...)",
    summary: "Set expiry for hash field using relative time to expire (seconds)",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..HASH
}
.run(hexpire);
fn hexpire(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    expire(cx, args, Clock::Relative, Unit::Seconds)
}

pub(super) const HPEXPIRE: Command = Spec {
    name: "HPEXPIRE",
    usage: "key milliseconds:integer [condition(NX|XX|GT|LT)] \
        FIELDS(numfields:integer field...)",
    summary: "Set expiry for hash field using relative time to expire (milliseconds)",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..HASH
}
.run(hpexpire);
fn hpexpire(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    expire(cx, args, Clock::Relative, Unit::Millis)
}

pub(super) const HEXPIREAT: Command = Spec {
    name: "HEXPIREAT",
    usage: "key unix-time-seconds:unix-time [condition(NX|XX|GT|LT)] \
        FIELDS(numfields:integer field...)",
    summary: "Set expiry for hash field using an absolute Unix timestamp (seconds)",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..HASH
}
.run(hexpireat);
fn hexpireat(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    expire(cx, args, Clock::Absolute, Unit::Seconds)
}

pub(super) const HPEXPIREAT: Command = Spec {
    name: "HPEXPIREAT",
    usage: "key unix-time-milliseconds:unix-time [condition(NX|XX|GT|LT)] \
        FIELDS(numfields:integer field...)",
    summary: "Set expiry for hash field using an absolute Unix timestamp \
        (milliseconds)",
    since: "7.4.0",
    complexity: "O(N) where N is the number of specified fields",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..HASH
}
.run(hpexpireat);
fn hpexpireat(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    expire(cx, args, Clock::Absolute, Unit::Millis)
}

/// What must be true of the present expiry for it to be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    /// `NX`
    None,
    /// `XX`
    Some,
    /// `GT`; no expiry is later than any.
    Earlier,
    /// `LT`
    Later,
}

impl Condition {
    fn of(word: &[u8]) -> Option<Condition> {
        let words = [
            ("NX", Condition::None),
            ("XX", Condition::Some),
            ("GT", Condition::Earlier),
            ("LT", Condition::Later),
        ];
        let mut words = words.into_iter();
        let found = words.find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, condition)| condition)
    }

    fn holds(self, present_ms: Option<i64>, new_ms: i64) -> bool {
        match self {
            Condition::Always => true,
            Condition::None => present_ms.is_none(),
            Condition::Some => present_ms.is_some(),
            Condition::Earlier => present_ms.is_some_and(|it| it < new_ms),
            Condition::Later => present_ms.is_none_or(|it| it > new_ms),
        }
    }
}

/// The expiry in milliseconds since 1970.
fn parse_time(cx: &Ctx<'_>, args: &Args<'_>, clock: Clock, unit: Unit) -> Result<i64> {
    let invalid = || Error::InvalidExpire(cx.command_name().to_owned());
    let time = args.integer(2)?;
    if time < 0 {
        return Err(Error::NegativeExpire);
    }
    let millis = match unit {
        Unit::Seconds => time.checked_mul(1000).ok_or_else(invalid)?,
        Unit::Millis => time,
    };
    let base_ms = match clock {
        Clock::Relative => cx.now_ms(),
        Clock::Absolute => 0,
    };
    let expiry_ms = millis.checked_add(base_ms);
    expiry_ms.filter(|&it| it <= LATEST_MS).ok_or_else(invalid)
}

fn expire(cx: &mut Ctx<'_>, args: &Args<'_>, clock: Clock, unit: Unit) -> Result {
    let key = args.key(1)?;
    let is_there = cx.db.peek_as::<Hash>(key)?.is_some();
    let expiry_ms = parse_time(cx, args, clock, unit)?;
    let condition = Condition::of(args.word(3)?);
    let names_at = if condition.is_some() { 4 } else { 3 };
    let names = fields(args, names_at, Error::NumfieldsNotPositive)?;
    if !is_there {
        let out = cx.reply.array(names.len());
        names.iter().for_each(|_| out.integer(NO_FIELD));
        return Ok(Outcome::Done);
    }
    let condition = condition.unwrap_or(Condition::Always);
    let done = change(cx, key, names, expiry_ms, condition)?;
    log(cx, args, names_at, expiry_ms, &done);
    Ok(Outcome::Done)
}

/// The fields that a command has changed.
#[derive(Default)]
struct Done<'a> {
    updated: Vec<&'a [u8]>,
    deleted: Vec<&'a [u8]>,
}

/// Sets the expiry of each field, or removes it if the moment has come, and writes the reply.
fn change<'a>(
    cx: &mut Ctx<'_>,
    key: &[u8],
    names: Args<'a>,
    expiry_ms: i64,
    condition: Condition,
) -> Result<Done<'a>> {
    let now_ms = cx.now_ms();
    // What stands in the log has not come true there yet: when it does, that is told.
    let is_over = expiry_ms <= now_ms && !cx.is_replay();
    let mut done = Done::default();
    let Some(mut edit) = cx.db.edit_as::<Hash>(key, Event::hash("hexpire"))? else {
        return Ok(done);
    };
    edit.change().prepare_expiries();
    let out = cx.reply.array(names.len());
    for name in names.iter() {
        let spot = edit.find(name);
        let Some((spot, present_ms)) = spot.and_then(|it| Some((it, edit.at(it)?.expiry_ms)))
        else {
            out.integer(NO_FIELD);
            continue;
        };
        if !condition.holds(present_ms, expiry_ms) {
            out.integer(0);
        } else if is_over {
            edit.change().remove_at(spot);
            done.deleted.push(name);
            out.integer(2);
        } else {
            edit.change().set_expiry(spot, Some(expiry_ms), now_ms);
            done.updated.push(name);
            out.integer(1);
        }
    }
    if !done.deleted.is_empty() {
        edit.rename_event(Event::hash("hdel"));
    }
    edit.count(done.updated.len() + done.deleted.len());
    Ok(done)
}

/// Logs when the fields expire, not in how long, and those that are gone already as gone; as Redis does, with the
/// condition as it was sent.
fn log(cx: &mut Ctx<'_>, args: &Args<'_>, names_at: usize, expiry_ms: i64, done: &Done<'_>) {
    if !cx.is_logged() {
        return;
    }
    let key = args.get(1).unwrap_or_default();
    for name in &done.deleted {
        cx.effects.replace([&b"HDEL"[..], key, name]);
    }
    if done.updated.is_empty() {
        return;
    }
    let is_absolute = args.is(0, "HPEXPIREAT");
    let (command, time) = (args.get(0).unwrap_or_default(), expiry_ms.to_string());
    let count = done.updated.len().to_string();
    let head = [
        if is_absolute { command } else { b"HPEXPIREAT" },
        key,
        time.as_bytes(),
    ];
    let options = args.first(names_at + 1).from(3);
    let words = head.into_iter().chain(options.iter());
    let names = done.updated.iter().copied();
    cx.effects
        .replace(words.chain([count.as_bytes()]).chain(names));
}
