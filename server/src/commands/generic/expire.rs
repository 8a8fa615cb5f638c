//! When keys go: `EXPIRE` and its kin, `TTL` and its kin, `PERSIST`.

use storage::db::{Event, WhenExpired};
use storage::keyspace::Cause;

use super::GENERIC;
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

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

pub(super) const EXPIRE: Command = Spec {
    name: "EXPIRE",
    usage: "key seconds:integer [condition(NX|XX|GT|LT)@7.0.0]",
    summary: "Sets the expiration time of a key in seconds.",
    since: "1.0.0",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    ..GENERIC
}
.run(expire);
fn expire(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    set_expiry(cx, args, Clock::Relative, Unit::Seconds)
}

pub(super) const EXPIREAT: Command = Spec {
    name: "EXPIREAT",
    usage: "key unix-time-seconds:unix-time [condition(NX|XX|GT|LT)@7.0.0]",
    summary: "Sets the expiration time of a key to a Unix timestamp.",
    since: "1.2.0",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    ..GENERIC
}
.run(expireat);
fn expireat(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    set_expiry(cx, args, Clock::Absolute, Unit::Seconds)
}

pub(super) const PEXPIRE: Command = Spec {
    name: "PEXPIRE",
    usage: "key milliseconds:integer [condition(NX|XX|GT|LT)@7.0.0]",
    summary: "Sets the expiration time of a key in milliseconds.",
    since: "2.6.0",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    ..GENERIC
}
.run(pexpire);
fn pexpire(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    set_expiry(cx, args, Clock::Relative, Unit::Millis)
}

pub(super) const PEXPIREAT: Command = Spec {
    name: "PEXPIREAT",
    usage: "key unix-time-milliseconds:unix-time [condition(NX|XX|GT|LT)@7.0.0]",
    summary: "Sets the expiration time of a key to a Unix milliseconds timestamp.",
    since: "2.6.0",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    ..GENERIC
}
.run(pexpireat);
fn pexpireat(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    set_expiry(cx, args, Clock::Absolute, Unit::Millis)
}

pub(super) const EXPIRETIME: Command = Spec {
    name: "EXPIRETIME",
    usage: "key",
    summary: "Returns the expiration time of a key as a Unix timestamp.",
    since: "7.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..GENERIC
}
.run(expiretime);
fn expiretime(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show_expiry(cx, args, Clock::Absolute, Unit::Seconds)
}

pub(super) const PEXPIRETIME: Command = Spec {
    name: "PEXPIRETIME",
    usage: "key",
    summary: "Returns the expiration time of a key as a Unix milliseconds timestamp.",
    since: "7.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..GENERIC
}
.run(pexpiretime);
fn pexpiretime(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show_expiry(cx, args, Clock::Absolute, Unit::Millis)
}

pub(super) const PTTL: Command = Spec {
    name: "PTTL",
    usage: "key",
    summary: "Returns the expiration time in milliseconds of a key.",
    since: "2.6.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[("2.8.0", "Added the -2 reply.")],
    ..GENERIC
}
.run(pttl);
fn pttl(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show_expiry(cx, args, Clock::Relative, Unit::Millis)
}

pub(super) const TTL: Command = Spec {
    name: "TTL",
    usage: "key",
    summary: "Returns the expiration time in seconds of a key.",
    since: "1.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[("2.8.0", "Added the -2 reply.")],
    ..GENERIC
}
.run(ttl);
fn ttl(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    show_expiry(cx, args, Clock::Relative, Unit::Seconds)
}

pub(super) const PERSIST: Command = Spec {
    name: "PERSIST",
    usage: "key",
    summary: "Removes the expiration time of a key.",
    since: "2.2.0",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..GENERIC
}
.run(persist);
fn persist(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let Some(mut edit) = cx.db.edit(args.key(1)?, Event::generic("persist")) else {
        return cx.reply.integer(0);
    };
    if edit.entry().expiry_ms().is_none() {
        return cx.reply.integer(0);
    }
    edit.set_expiry(None);
    drop(edit);
    cx.reply.integer(1)
}

/// Under which conditions on the old expiry the new one is set. All that are named must hold.
#[derive(Clone, Copy, Default)]
struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    fn parse(args: &Args<'_>) -> Result<Conditions> {
        let mut it = Conditions::default();
        for index in 3..args.len() {
            if args.is(index, "NX") {
                it.nx = true;
            } else if args.is(index, "XX") {
                it.xx = true;
            } else if args.is(index, "GT") {
                it.gt = true;
            } else if args.is(index, "LT") {
                it.lt = true;
            } else {
                return Err(Error::UnsupportedOption(shown(args.word(index)?)));
            }
        }
        if it.nx && (it.xx || it.gt || it.lt) {
            return Err(Error::NxWithOthers);
        }
        if it.gt && it.lt {
            Err(Error::GtWithLt)
        } else {
            Ok(it)
        }
    }

    /// Whether a key with the expiry `old` may get the expiry `new`. No expiry is later than any.
    fn allow(self, old: Option<i64>, new: i64) -> bool {
        match old {
            None => !self.xx && !self.gt,
            Some(old) => !self.nx && (!self.gt || new > old) && (!self.lt || new < old),
        }
    }
}

fn set_expiry(cx: &mut Ctx<'_>, args: &Args<'_>, clock: Clock, unit: Unit) -> Result {
    let key = args.key(1)?;
    let conditions = Conditions::parse(args)?;
    let expiry_ms = expiry_ms(cx, args, clock, unit)?;
    // A log that is replayed says itself when keys go.
    let is_past = expiry_ms <= cx.now_ms() && cx.db.moment.expiry != WhenExpired::Keep;
    let Some(mut edit) = cx.db.edit(key, Event::generic("expire")) else {
        return cx.reply.integer(0);
    };
    if !conditions.allow(edit.entry().expiry_ms(), expiry_ms) {
        return cx.reply.integer(0);
    }
    if is_past {
        drop(edit);
        return remove_expired(cx, key);
    }
    // No expiry lies before 1970; one that a log puts there has passed as well in 1970.
    edit.set_expiry(Some(expiry_ms.max(0)));
    drop(edit);
    if (clock, unit) != (Clock::Absolute, Unit::Millis) {
        let expiry = expiry_ms.to_string();
        let absolute: [&[u8]; 3] = [b"PEXPIREAT", key, expiry.as_bytes()];
        cx.effects
            .replace(absolute.into_iter().chain(args.from(3).iter()));
    }
    cx.reply.integer(1)
}

/// The time a request names, in milliseconds since 1970.
fn expiry_ms(cx: &Ctx<'_>, args: &Args<'_>, clock: Clock, unit: Unit) -> Result<i64> {
    let time = args.integer(2)?;
    let time_ms = match unit {
        Unit::Seconds => time.checked_mul(1000),
        Unit::Millis => Some(time),
    };
    let expiry_ms = match clock {
        Clock::Relative => time_ms.and_then(|time_ms| time_ms.checked_add(cx.now_ms())),
        Clock::Absolute => time_ms,
    };
    expiry_ms.ok_or_else(|| Error::InvalidExpire(cx.command_name().to_owned()))
}

/// Removes a key whose new expiry has passed already.
fn remove_expired(cx: &mut Ctx<'_>, key: &[u8]) -> Result {
    cx.db.remove(key, Event::DEL);
    let word = cx.server.settings.removal_word(Cause::Expired);
    cx.effects.replace([word, key]);
    cx.reply.integer(1)
}

fn show_expiry(cx: &mut Ctx<'_>, args: &Args<'_>, clock: Clock, unit: Unit) -> Result {
    let now_ms = cx.now_ms();
    let Some(entry) = cx.db.inspect(args.key(1)?) else {
        return cx.reply.integer(-2);
    };
    let Some(expiry_ms) = entry.expiry_ms() else {
        return cx.reply.integer(-1);
    };
    let time_ms = match clock {
        Clock::Relative => expiry_ms.saturating_sub(now_ms).max(0),
        Clock::Absolute => expiry_ms,
    };
    cx.reply.integer(match unit {
        Unit::Seconds => rounded_seconds(time_ms),
        Unit::Millis => time_ms,
    })
}

/// Milliseconds as seconds, half of one rounded up.
fn rounded_seconds(time_ms: i64) -> i64 {
    time_ms / 1000 + i64::from(time_ms % 1000 >= 500)
}
