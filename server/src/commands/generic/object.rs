//! `OBJECT`: what a value looks like inside.

use storage::entry::Entry;
use storage::evict::{Access, idle_ms};
use storage::value::Str;

use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Acl, Keys, Spec, acl, flags, key_flags};

pub(super) const OBJECT: Command = Spec {
    name: "OBJECT",
    usage: "arity -2;",
    summary: "A container for object introspection commands.",
    since: "2.2.3",
    complexity: "Depends on subcommand.",
    acl: Acl::empty(),
    ..BASE
}
.container(&[ENCODING, FREQ, HELP, IDLETIME, REFCOUNT]);

const BASE: Spec = Spec {
    acl: acl!(KEYSPACE),
    ..Spec::EMPTY
};
const ENCODING: Command = Spec {
    name: "ENCODING",
    usage: "key",
    summary: "Returns the internal encoding of a Redis object.",
    since: "2.2.3",
    flags: flags!(READONLY),
    keys: &[Keys::at(2, key_flags!(RO))],
    tips: &["nondeterministic_output"],
    ..BASE
}
.run(encoding);
fn encoding(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    match cx.db.inspect_quietly(args.key(2)?).map(Entry::encoding) {
        Some(name) => cx.reply.bulk(name.as_bytes()),
        None => cx.reply.nil(),
    }
}

const FREQ: Command = Spec {
    name: "FREQ",
    usage: "key",
    summary: "Returns the logarithmic access frequency counter of a Redis object.",
    since: "4.0.0",
    flags: flags!(READONLY),
    keys: &[Keys::at(2, key_flags!(RO))],
    tips: &["nondeterministic_output"],
    ..BASE
}
.run(freq);
fn freq(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (access, clock) = (cx.db.moment.access, cx.db.clock());
    let Some(entry) = cx.db.inspect_quietly(args.key(2)?) else {
        return cx.reply.nil();
    };
    // Under GDSF it is the number of accesses, up to 15.
    let frequency = access.frequency(entry.access(), clock);
    cx.reply.integer(frequency.ok_or(Error::NotLfu)?.into())
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "6.2.0",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);
fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "OBJECT",
        &[
            "ENCODING <key>",
            "    Return the kind of internal representation used in order to store the value",
            "    associated with a <key>.",
            "FREQ <key>",
            "    Return the access frequency index of the <key>. The returned integer is",
            "    proportional to the logarithm of the recent access frequency of the key.",
            "IDLETIME <key>",
            "    Return the idle time of the <key>, that is the approximated number of",
            "    seconds elapsed since the last access to the key.",
            "REFCOUNT <key>",
            "    Return the number of references of the value associated with the specified",
            "    <key>.",
        ],
    )
}

const IDLETIME: Command = Spec {
    name: "IDLETIME",
    usage: "key",
    summary: "Returns the time since the last access to a Redis object.",
    since: "2.2.3",
    flags: flags!(READONLY),
    keys: &[Keys::at(2, key_flags!(RO))],
    tips: &["nondeterministic_output"],
    ..BASE
}
.run(idletime);
fn idletime(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (access, clock) = (cx.db.moment.access, cx.db.clock());
    let Some(entry) = cx.db.inspect_quietly(args.key(2)?) else {
        return cx.reply.nil();
    };
    match access {
        Access::Time => {
            let idle_seconds = idle_ms(entry.access(), clock) / 1000;
            cx.reply.integer(idle_seconds.cast_signed())
        }
        Access::Count { .. } => Err(Error::IsLfu),
        Access::Cost => Err(Error::IsGdsf),
    }
}

const REFCOUNT: Command = Spec {
    name: "REFCOUNT",
    usage: "key",
    summary: "Returns the reference count of a value of a key.",
    since: "2.2.3",
    flags: flags!(READONLY),
    keys: &[Keys::at(2, key_flags!(RO))],
    tips: &["nondeterministic_output"],
    ..BASE
}
.run(refcount);
fn refcount(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let shares = cx.server.settings.shares_integers();
    let Some(entry) = cx.db.inspect_quietly(args.key(2)?) else {
        return cx.reply.nil();
    };
    // Redis keeps one object for each of these, counted as often as an int can.
    let is_shared = matches!(entry.string(), Some(Str::Int(0..10_000)));
    cx.reply.integer(if shares && is_shared {
        i64::from(i32::MAX)
    } else {
        1
    })
}
