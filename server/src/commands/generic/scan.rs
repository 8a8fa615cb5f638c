//! Which keys there are: `KEYS`, `SCAN`, `RANDOMKEY`.

use storage::entry::Entry;
use storage::glob;

use super::GENERIC;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
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
    let filter = Filter::parse(args)?;
    let mut keys: Vec<Box<[u8]>> = Vec::new();
    let next = cx.db.scan(cursor, filter.count, |entry| {
        if filter.wants(entry) {
            keys.push(entry.key().into());
        }
    });
    let out = cx.reply.array(2);
    out.bulk(next.to_string().as_bytes());
    out.array(keys.len());
    keys.iter().for_each(|key| out.bulk(key));
    Ok(Outcome::Done)
}

/// Which of the keys that a scan meets are named, and how many it looks at.
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
    count: usize,
}

impl<'a> Filter<'a> {
    fn parse(args: &Args<'a>) -> Result<Filter<'a>> {
        let mut filter = Filter {
            pattern: None,
            type_name: None,
            count: 10,
        };
        let mut index = 2;
        while index < args.len() {
            let has_value = index + 1 < args.len();
            if has_value && args.is(index, "COUNT") {
                let count = args.integer(index + 1)?;
                filter.count = usize::try_from(count)
                    .ok()
                    .filter(|&it| it > 0)
                    .ok_or(Error::Syntax)?;
            } else if has_value && args.is(index, "MATCH") {
                filter.pattern = Some(args.word(index + 1)?);
            } else if has_value && args.is(index, "TYPE") {
                // 7.4 knows no unknown type: nothing is of it.
                filter.type_name = Some(args.word(index + 1)?);
            } else if args.is(index, "NOVALUES") {
                return Err(Error::NoValuesOutsideHscan);
            } else {
                return Err(Error::Syntax);
            }
            index += 2;
        }
        Ok(filter)
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.type_name
            .is_none_or(|name| name.eq_ignore_ascii_case(entry.type_name().as_bytes()))
            && self
                .pattern
                .is_none_or(|it| glob::finds_key(it, entry.key()))
    }
}
