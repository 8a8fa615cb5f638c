//! Which keys there are: `KEYS`, `SCAN`, `RANDOMKEY`.

use storage::entry::Entry;
use storage::glob;

use super::GENERIC;
use crate::command::scan::{Scan, Scanned};
use crate::command::{Args, Command, Ctx, Outcome, Result, Words};
use crate::spec::{Locks, Spec, acl, flags};

pub(super) const KEYS: Command = Spec {
    name: "KEYS",
    usage: "pattern:pattern",
    summary: "Returns all key names that match a pattern.",
    since: "1.0.0",
    complexity: "O(N) with N being the number of keys in the database, under the assumption that \
        the key names in the database and the given pattern have limited length.",
    flags: flags!(READONLY),
    acl: acl!(KEYSPACE | DANGEROUS),
    locks: Locks::All,
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    ..GENERIC
}
.run(keys);
fn keys(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let pattern = args.word(1)?;
    let out = cx.reply.encoder();
    let start = out.mark();
    let mut count = 0;
    cx.db.for_each(|entry| {
        if glob::finds_key(pattern, entry.key()) {
            out.bulk(entry.key());
            count += 1;
        }
    });
    out.array_at(start, count);
    Ok(Outcome::Done)
}

pub(super) const RANDOMKEY: Command = Spec {
    name: "RANDOMKEY",
    summary: "Returns a random key name from the database.",
    since: "1.0.0",
    flags: flags!(READONLY | TOUCHES_ARBITRARY_KEYS),
    locks: Locks::OneAtATime,
    tips: &[
        "request_policy:all_shards",
        "response_policy:special",
        "nondeterministic_output",
    ],
    ..GENERIC
}
.run(randomkey);
fn randomkey(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    match cx.db.random_key() {
        Some(key) => cx.reply.bulk(&key),
        None => cx.reply.nil(),
    }
}

pub(super) const SCAN: Command = Spec {
    name: "SCAN",
    usage: "cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [TYPE type@6.0.0]",
    summary: "Iterates over the key names in the database.",
    since: "2.8.0",
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command \
        calls for the cursor to return back to 0. N is the number of elements inside the \
        collection.",
    flags: flags!(READONLY | TOUCHES_ARBITRARY_KEYS),
    locks: Locks::OneAtATime,
    tips: &[
        "nondeterministic_output",
        "request_policy:special",
        "response_policy:special",
    ],
    history: &[("6.0.0", "Added the `TYPE` subcommand.")],
    ..GENERIC
}
.run(scan);
fn scan(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let cursor = args.cursor(1)?;
    let options = Scan::parse(args, 2, Scanned::Keys)?;
    let mut keys: Vec<Box<[u8]>> = Vec::new();
    let is_of_type = |entry: &Entry| {
        let type_name = entry.type_name().as_bytes();
        let wanted = options.type_name;
        wanted.is_none_or(|name| name.eq_ignore_ascii_case(type_name))
    };
    let next = cx.db.scan(cursor, options.count, |entry| {
        if is_of_type(entry) && options.wants(entry.key()) {
            keys.push(entry.key().into());
        }
    });
    let out = cx.reply.array(2);
    out.bulk(next.to_string().as_bytes());
    out.array(keys.len());
    keys.iter().for_each(|key| out.bulk(key));
    Ok(Outcome::Done)
}
