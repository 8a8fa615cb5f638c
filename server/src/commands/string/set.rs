//! Strings written as a whole.

use storage::db::{Event, Expiry, NewTags};
use storage::value::Value;

use super::STRING;
use super::lifetime::{self, Choice, Lifetime, Unit};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words, tags};
use crate::spec::{KeyFlags, Keys, Spec, flags, key_flags};

const SET_EVENT: Event = Event::string("set");
const EXPIRE_EVENT: Event = Event::generic("expire");

pub(super) const SET: Command = Spec {
    name: "SET",
    usage: "key value [condition(NX|XX)@2.6.12] [GET@6.2.0] \
        [expiration(EX seconds:integer@2.6.12 | PX milliseconds:integer@2.6.12 | \
        EXAT unix-time-seconds:unix-time@6.2.0 | PXAT unix-time-milliseconds:unix-time@6.2.0 | \
        KEEPTTL@6.0.0)] [tags(TAGS tag-list(numtags:integer tag...) | KEEPTAGS)]",
    summary: "Sets the string value of a key, ignoring its type. The key is created if it \
        doesn't exist.",
    since: "1.0.0",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))
        .varying(key_flags_of)
        .noted("RW and ACCESS due to the optional `GET` argument")],
    history: &[
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
        (
            "7.0.0",
            "Allowed the `NX` and `GET` options to be used together.",
        ),
    ],
    ..STRING
}
.run(set);
fn set(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, value) = (args.key(1)?, args.word(2)?);
    let options = Options::parse(args)?;
    if let NewTags::Replace(names) = options.tags {
        tags::check_names(names)?;
        if tags::check_count(cx, names.len()).is_err() {
            tags::check_count(cx, tags::count_distinct(names))?;
        }
    }
    let expiry_ms = options.lifetime.expiry_ms(cx, args)?;
    if options.has_get {
        cx.reply.string(cx.db.string(key)?)?;
    }
    if let Some(condition) = options.condition
        && condition != Condition::of(cx.db.peek(key).is_some())
    {
        return if options.has_get {
            Ok(Outcome::Done)
        } else {
            cx.reply.nil()
        };
    }
    let expiry = match (expiry_ms, options.lifetime.choice) {
        (Some(expiry_ms), _) => Expiry::At(expiry_ms),
        (None, Choice::Keep) => Expiry::Keep,
        (None, _) => Expiry::Clear,
    };
    cx.db
        .put(key, Value::encoded(value), expiry, options.tags, SET_EVENT);
    if expiry_ms.is_some() {
        cx.db.add_event(key, EXPIRE_EVENT);
    }
    if options.is_logged_anew() && cx.is_logged() {
        log(cx, key, value, expiry, &options);
    }
    if options.has_get {
        Ok(Outcome::Done)
    } else {
        cx.reply.ok()
    }
}

/// The old value is read only if it is asked for.
fn key_flags_of(args: Args<'_>) -> KeyFlags {
    if (3..args.len()).any(|index| args.is(index, "GET")) {
        key_flags!(RW | ACCESS | UPDATE)
    } else {
        key_flags!(OW | UPDATE)
    }
}

/// What stands behind the value.
struct Options<'a> {
    condition: Option<Condition>,
    has_get: bool,
    lifetime: Lifetime,
    tags: NewTags<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// `NX`: only if the key is not there.
    Absent,
    /// `XX`: only if it is.
    Present,
}

impl Condition {
    fn of(is_present: bool) -> Condition {
        if is_present {
            Condition::Present
        } else {
            Condition::Absent
        }
    }
}

impl<'a> Options<'a> {
    fn parse(args: &Args<'a>) -> Result<Options<'a>> {
        let mut options = Options {
            condition: None,
            has_get: false,
            lifetime: Lifetime::UNSAID,
            tags: NewTags::Clear,
        };
        let mut index = 3;
        while index < args.len() {
            index += options.read(args, index)?;
        }
        Ok(options)
    }

    /// Reads the option at `index` and gives how many words it has.
    fn read(&mut self, args: &Args<'a>, index: usize) -> Result<usize> {
        let words = self.lifetime.read(args, index, ("KEEPTTL", Choice::Keep))?;
        if words > 0 {
            return Ok(words);
        }
        if args.is(index, "NX") {
            self.require(Condition::Absent)?;
        } else if args.is(index, "XX") {
            self.require(Condition::Present)?;
        } else if args.is(index, "GET") {
            self.has_get = true;
        } else if args.is(index, "KEEPTAGS") {
            self.choose_tags(NewTags::Keep)?;
        } else if args.is(index, "TAGS") {
            let names = tags::counted(args, index + 1)?;
            self.choose_tags(NewTags::Replace(names))?;
            return Ok(2 + names.len());
        } else {
            return Err(Error::Syntax);
        }
        Ok(1)
    }

    fn require(&mut self, condition: Condition) -> Result<()> {
        match self.condition.replace(condition) {
            Some(other) if other != condition => Err(Error::Syntax),
            _ => Ok(()),
        }
    }

    fn choose_tags(&mut self, tags: NewTags<'a>) -> Result<()> {
        match (std::mem::replace(&mut self.tags, tags), tags) {
            (NewTags::Clear, _) | (NewTags::Keep, NewTags::Keep) => Ok(()),
            _ => Err(Error::Syntax),
        }
    }

    /// Whether the request as sent is not what should stand in the log.
    ///
    /// A relative time would mean another moment when it is replayed; nobody waits for what `GET`
    /// answers; and stock Redis must be able to read it. As Redis does it, so that the files are alike.
    fn is_logged_anew(&self) -> bool {
        let is_timed_anew = match self.lifetime.choice {
            Choice::Time(Unit::AtMillis) => false,
            Choice::Time(_) => true,
            _ => self.has_get,
        };
        is_timed_anew || !matches!(self.tags, NewTags::Clear)
    }

    /// The words that stand behind the value in the log.
    fn logged_words<'w>(&self) -> impl Iterator<Item = &'w [u8]> + use<'w> {
        let condition = self.condition.map(|condition| match condition {
            Condition::Absent => &b"NX"[..],
            Condition::Present => b"XX",
        });
        let keeps_expiry = self.lifetime.choice == Choice::Keep;
        condition
            .into_iter()
            .chain(keeps_expiry.then_some(&b"KEEPTTL"[..]))
    }
}

/// Logs a `SET` in words that Redis knows. Tags stand in front of it where Redis does not see them, and
/// are one record with it, so that no torn write leaves a key without its tags.
fn log(cx: &mut Ctx<'_>, key: &[u8], value: &[u8], expiry: Expiry, options: &Options<'_>) {
    match options.tags {
        NewTags::Clear => {}
        NewTags::Keep => tags::annotate_keep(&mut cx.effects),
        NewTags::Replace(names) => tags::annotate_next(&mut cx.effects, names),
    }
    match expiry {
        Expiry::At(expiry_ms) => log_expiring(cx, key, value, expiry_ms),
        _ => {
            let words = [b"SET", key, value].into_iter();
            cx.effects.replace(words.chain(options.logged_words()));
        }
    }
}

fn log_expiring(cx: &mut Ctx<'_>, key: &[u8], value: &[u8], expiry_ms: i64) {
    let expiry_ms = expiry_ms.to_string();
    cx.effects
        .replace([b"SET", key, value, b"PXAT", expiry_ms.as_bytes()]);
}

pub(super) const SETEX: Command = Spec {
    name: "SETEX",
    usage: "key seconds:integer value",
    summary: "Sets the string value and expiration time of a key. Creates the key if it doesn't \
        exist.",
    since: "2.0.0",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(OW | UPDATE))],
    deprecated: Some(("2.6.12", "`SET` with the `EX` argument")),
    ..STRING
}
.run(setex);
fn setex(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    set_for(cx, args, Unit::Seconds)
}

pub(super) const PSETEX: Command = Spec {
    name: "PSETEX",
    usage: "key milliseconds:integer value",
    summary: "Sets both string value and expiration time in milliseconds of a key. The key is \
        created if it doesn't exist.",
    since: "2.6.0",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(OW | UPDATE))],
    deprecated: Some(("2.6.12", "`SET` with the `PX` argument")),
    ..STRING
}
.run(psetex);
fn psetex(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    set_for(cx, args, Unit::Millis)
}

fn set_for(cx: &mut Ctx<'_>, args: &Args<'_>, unit: Unit) -> Result {
    let (key, value) = (args.key(1)?, args.word(3)?);
    let expiry_ms = lifetime::expiry_ms(cx, args, 2, unit)?;
    let expiry = Expiry::At(expiry_ms);
    cx.db.put(
        key,
        Value::encoded(value),
        expiry,
        NewTags::Clear,
        SET_EVENT,
    );
    cx.db.add_event(key, EXPIRE_EVENT);
    if cx.is_logged() {
        log_expiring(cx, key, value, expiry_ms);
    }
    cx.reply.ok()
}

pub(super) const SETNX: Command = Spec {
    name: "SETNX",
    usage: "key value",
    summary: "Set the string value of a key only when the key doesn't exist.",
    since: "1.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(OW | INSERT))],
    deprecated: Some(("2.6.12", "`SET` with the `NX` argument")),
    ..STRING
}
.run(setnx);
fn setnx(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, value) = (args.key(1)?, args.word(2)?);
    if cx.db.peek(key).is_some() {
        return cx.reply.integer(0);
    }
    put(cx, key, value);
    cx.reply.integer(1)
}

pub(super) const GETSET: Command = Spec {
    name: "GETSET",
    usage: "key value",
    summary: "Returns the previous string value of a key after setting it to a new value.",
    since: "1.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    deprecated: Some(("6.2.0", "`SET` with the `!GET` argument")),
    ..STRING
}
.run(getset);
fn getset(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, value) = (args.key(1)?, args.word(2)?);
    cx.reply.string(cx.db.string(key)?)?;
    put(cx, key, value);
    // Nobody waits for the old value when the log is replayed.
    if cx.is_logged() {
        cx.effects.replace([b"SET", key, value]);
    }
    Ok(Outcome::Done)
}

pub(super) const MSET: Command = Spec {
    name: "MSET",
    usage: "data(key value)...",
    summary: "Atomically creates or modifies the string values of one or more keys.",
    since: "1.0.1",
    complexity: "O(N) where N is the number of keys to set.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::rest(1, 2, key_flags!(OW | UPDATE))],
    tips: &[
        "request_policy:multi_shard",
        "response_policy:all_succeeded",
    ],
    ..STRING
}
.run(mset);
fn mset(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    check_pairs(cx, args)?;
    put_all(cx, args)?;
    cx.reply.ok()
}

pub(super) const MSETNX: Command = Spec {
    name: "MSETNX",
    usage: "data(key value)...",
    summary: "Atomically modifies the string values of one or more keys only when all keys don't \
        exist.",
    since: "1.0.1",
    complexity: "O(N) where N is the number of keys to set.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::rest(1, 2, key_flags!(OW | INSERT))],
    ..STRING
}
.run(msetnx);
fn msetnx(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    check_pairs(cx, args)?;
    if args
        .from(1)
        .iter()
        .step_by(2)
        .any(|key| cx.db.peek(key).is_some())
    {
        return cx.reply.integer(0);
    }
    put_all(cx, args)?;
    cx.reply.integer(1)
}

fn check_pairs(cx: &Ctx<'_>, args: &Args<'_>) -> Result<()> {
    if args.len().is_multiple_of(2) {
        return Err(Error::WrongArity(cx.command_name().to_owned()));
    }
    Ok(())
}

fn put_all(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result<()> {
    for index in (1..args.len()).step_by(2) {
        put(cx, args.key(index)?, args.word(index + 1)?);
    }
    Ok(())
}

/// Stores a string in place of all there was.
fn put(cx: &mut Ctx<'_>, key: &[u8], value: &[u8]) {
    cx.db.put(
        key,
        Value::encoded(value),
        Expiry::Clear,
        NewTags::Clear,
        SET_EVENT,
    );
}
