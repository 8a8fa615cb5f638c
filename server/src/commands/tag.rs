//! Tags: what belongs to a key, lives with it, and invalidates it.
//!
//! Redis knows none of this, so in the log it stands in lines that Redis skips; what Redis must know is
//! there as well, in its own words: an invalidation is followed by the `UNLINK`s of the keys.

use storage::db::Invalidated;
use storage::glob::{self, Case};

use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words, tags};
use crate::spec::{Keys, Locks, Spec, acl, flags, key_flags};

/// The family.
pub const COMMANDS: &[Command] = &[
    TAGADD,
    TAGCARD,
    TAGINVALIDATE,
    TAGKEYS,
    TAGLIST,
    TAGNAMES,
    TAGREM,
];

/// Up to so many (key, tag) pairs an invalidation removes the keys at once.
const EXACT_PAIRS: usize = 4096;

/// Up to so many keys are named to those who follow prefixes; for more, all they keep is declared old.
const BROADCAST_KEYS: usize = 100_000;

/// Up to so many keys of one tag in one shard are looked at to count those that have not expired.
const LOOKED_AT: usize = 16 * 1024;

/// The answer to who wants to change the tags of a key that is not there.
const NO_SUCH_KEY: i64 = -2;

const TAG: Spec = Spec {
    acl: acl!(KEYSPACE),
    ..Spec::EMPTY
};

const TAGADD: Command = Spec {
    name: "TAGADD",
    usage: "key tag...",
    summary: "Attaches tags to a key.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of tags",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | INSERT))],
    ..TAG
}
.run(tagadd);
fn tagadd(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, names) = (args.key(1)?, args.from(2));
    tags::check_names(names)?;
    let Some(count) = cx.db.count_tags(key) else {
        return cx.reply.integer(NO_SUCH_KEY);
    };
    // Only where it matters it is worth telling which of them are new.
    if tags::check_count(cx, count + names.len()).is_err() {
        let count = cx.db.count_tags_with(key, names).unwrap_or(0);
        tags::check_count(cx, count)?;
    }
    let added = cx.db.attach_tags(key, names).unwrap_or(0);
    if added > 0 {
        annotate(cx, args);
    }
    cx.reply.count(added)
}

const TAGREM: Command = Spec {
    name: "TAGREM",
    usage: "key tag...",
    summary: "Detaches tags from a key.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of tags",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    ..TAG
}
.run(tagrem);
fn tagrem(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, names) = (args.key(1)?, args.from(2));
    tags::check_names(names)?;
    let Some(removed) = cx.db.detach_tags(key, names) else {
        return cx.reply.integer(NO_SUCH_KEY);
    };
    if removed > 0 {
        annotate(cx, args);
    }
    cx.reply.count(removed)
}

/// Logs the request where Redis does not see it, under its own name, whatever it was renamed to.
fn annotate(cx: &mut Ctx<'_>, args: &Args<'_>) {
    if cx.is_logged() {
        let name = cx.entry.command.spec.name.as_bytes();
        cx.effects
            .annotate(std::iter::once(name).chain(args.from(1)));
    }
}

const TAGLIST: Command = Spec {
    name: "TAGLIST",
    usage: "key",
    summary: "Returns the tags of a key.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of tags of the key",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..TAG
}
.run(taglist);
fn taglist(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let names = cx.db.tags_of(args.key(1)?);
    let out = cx.reply.set(names.len());
    names.iter().for_each(|name| out.bulk(name));
    Ok(Outcome::Done)
}

const TAGINVALIDATE: Command = Spec {
    name: "TAGINVALIDATE",
    usage: "tag...",
    summary: "Removes every key that carries at least one of the tags.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of tags; memory is reclaimed in the background",
    flags: flags!(WRITE),
    locks: Locks::All,
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..TAG
}
.run(taginvalidate);
fn taginvalidate(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let names = args.from(1);
    tags::check_names(names)?;
    if cx.db.moment.listeners.has_copies {
        drop_copies(cx, names);
    }
    let invalidated = cx.db.invalidate_tags(names, EXACT_PAIRS);
    if invalidated.is_pending {
        cx.server.chores.ring();
    }
    if !cx.is_replay() {
        let counters = &cx.server.stats.counters;
        counters.tag_invalidations.add(1);
        counters.tag_invalidated_keys.add(invalidated.count as u64);
    }
    if invalidated.has_members && cx.is_logged() {
        log_invalidation(cx, args, &invalidated);
    }
    cx.reply.count(invalidated.count)
}

/// Tells those who keep copies of keys with one of these tags, while they can still be found by them.
fn drop_copies(cx: &mut Ctx<'_>, names: Args<'_>) {
    let (server, by) = (cx.server, cx.client.id);
    let mut broadcast = Vec::new();
    let mut is_too_long = false;
    for name in names.iter() {
        cx.db.scan_tag(name, 0, usize::MAX, |entry| {
            server.invalidate(entry.key(), by);
            is_too_long |= broadcast.len() > BROADCAST_KEYS;
            if server.tracking.has_prefixes() && !is_too_long {
                broadcast.push(Box::<[u8]>::from(entry.key()));
            }
        });
    }
    if is_too_long {
        server.broadcast_flush();
    } else {
        broadcast.iter().for_each(|key| cx.db.drop_copies(key));
    }
}

/// Logs the invalidation, and the keys that went with it for those who do not understand it. Both are one
/// record: a torn write may leave the first part alone, which says it all.
fn log_invalidation(cx: &mut Ctx<'_>, args: &Args<'_>, invalidated: &Invalidated) {
    annotate(cx, args);
    if !invalidated.removed.is_empty() {
        cx.effects.join_next();
        let keys = invalidated.removed.iter().map(AsRef::as_ref);
        cx.effects
            .replace(std::iter::once(&b"UNLINK"[..]).chain(keys));
    }
}

const TAGCARD: Command = Spec {
    name: "TAGCARD",
    usage: "tag",
    summary: "Returns the number of keys that carry a tag.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys that carry the tag; only counted, not looked at, \
        where there are very many",
    flags: flags!(READONLY),
    locks: Locks::OneAtATime,
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..TAG
}
.run(tagcard);
fn tagcard(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    tags::check_names(args.from(1))?;
    let count = cx.db.tag_card(args.word(1)?, LOOKED_AT);
    cx.reply.count(count)
}

const TAGKEYS: Command = Spec {
    name: "TAGKEYS",
    usage: "tag cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    summary: "Iterates over the keys that carry a tag.",
    since: "1.0.0",
    complexity: "O(1) for every call. O(N) for a complete iteration, N being the number of keys \
        that carry the tag.",
    flags: flags!(READONLY),
    locks: Locks::OneAtATime,
    tips: &[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ],
    ..TAG
}
.run(tagkeys);
fn tagkeys(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let name = args.word(1)?;
    tags::check_names(args.from(1).first(1))?;
    let scan = Scan::parse(args, 2)?;
    let mut found: Vec<Box<[u8]>> = Vec::new();
    let next = cx.db.scan_tag(name, scan.cursor, scan.count, |entry| {
        if scan.wants(entry.key()) {
            found.push(entry.key().into());
        }
    });
    reply_scan(cx, next, &found)
}

const TAGNAMES: Command = Spec {
    name: "TAGNAMES",
    usage: "cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    summary: "Iterates over the tags in use.",
    since: "1.0.0",
    complexity: "O(1) for every call. O(N) for a complete iteration, N being the number of tags in \
        the database.",
    flags: flags!(READONLY),
    tips: &[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ],
    ..TAG
}
.run(tagnames);
fn tagnames(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let scan = Scan::parse(args, 1)?;
    let mut found: Vec<Box<[u8]>> = Vec::new();
    let next = cx.db.scan_tags(scan.cursor, scan.count, |name| {
        if scan.wants(name) {
            found.push(name.into());
        }
    });
    reply_scan(cx, next, &found)
}

/// `cursor [MATCH pattern] [COUNT count]`
struct Scan<'a> {
    cursor: u64,
    pattern: Option<&'a [u8]>,
    count: usize,
}

impl<'a> Scan<'a> {
    fn parse(args: &Args<'a>, start: usize) -> Result<Scan<'a>> {
        let mut scan = Scan {
            cursor: args.cursor(start)?,
            pattern: None,
            count: 10,
        };
        for index in (start + 1..args.len()).step_by(2) {
            if index + 1 == args.len() {
                return Err(Error::Syntax);
            }
            if args.is(index, "COUNT") {
                let count = usize::try_from(args.integer(index + 1)?).ok();
                scan.count = count.filter(|&count| count > 0).ok_or(Error::Syntax)?;
            } else if args.is(index, "MATCH") {
                scan.pattern = Some(args.word(index + 1)?);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(scan)
    }

    fn wants(&self, name: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::matches(pattern, name, Case::Sensitive))
    }
}

fn reply_scan(cx: &mut Ctx<'_>, next: u64, found: &[Box<[u8]>]) -> Result {
    let out = cx.reply.array(2);
    out.bulk(next.to_string().as_bytes());
    out.array(found.len());
    found.iter().for_each(|it| out.bulk(it));
    Ok(Outcome::Done)
}
