//! Looking into streams: `XINFO`.

use protocol::Encoder;
use storage::value::Stream;
use storage::value::stream::{Consumer, Entries, Group, Pending, StreamId};

use super::{STREAM, entry, id, no_group_in, options};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Acl, Keys, Spec, flags, key_flags};

pub(super) const XINFO: Command = Spec {
    name: "XINFO",
    summary: "A container for stream introspection commands.",
    since: "5.0.0",
    complexity: "Depends on subcommand.",
    acl: Acl::empty(),
    ..STREAM
}
.container(&[CONSUMERS, GROUPS, HELP, STREAM_INFO]);

const STREAM_INFO: Command = Spec {
    name: "STREAM",
    usage: "key [full-block(full=FULL [COUNT count:integer])]",
    summary: "Returns information about a stream.",
    since: "5.0.0",
    flags: flags!(READONLY),
    keys: &[Keys::at(2, key_flags!(RO | ACCESS))],
    history: &[
        ("6.0.0", "Added the `FULL` modifier."),
        (
            "7.0.0",
            "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, \
            `entries-read` and `lag` fields",
        ),
        (
            "7.2.0",
            "Added the `active-time` field, and changed the meaning of `seen-time`.",
        ),
    ],
    ..STREAM
}
.run(stream_info);
fn stream_info(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let stream = cx.db.read_as::<Stream>(args.key(2)?)?;
    let stream = stream.ok_or(Error::NoSuchKey)?;
    let depth = Depth::parse(args)?;
    let out = cx.reply.encoder();
    match depth {
        Depth::Brief => {
            out.map(10);
            write_figures(out, stream.entries());
            write_brief(out, stream);
        }
        Depth::Full(most) => {
            out.map(9);
            write_figures(out, stream.entries());
            write_full(out, stream, most);
        }
    }
    Ok(Outcome::Done)
}

/// How much is told.
enum Depth {
    Brief,
    /// Everything, but so many of the entries and of what is pending.
    Full(usize),
}

impl Depth {
    fn parse(args: &Args<'_>) -> Result<Depth> {
        let is_full = args.is(3, "FULL");
        match args.len() {
            3 => Ok(Depth::Brief),
            4 if is_full => Ok(Depth::Full(10)),
            6 if is_full && args.is(4, "COUNT") => {
                let count = args.integer(5)?;
                let count = usize::try_from(count).unwrap_or(10);
                Ok(Depth::Full(options::unless_zero(count)))
            }
            _ => Err(Error::SubcommandSyntax {
                sub: shown(args.word(1)?),
                command: "XINFO",
            }),
        }
    }
}

fn write_figures(out: &mut Encoder<'_>, entries: &Entries) {
    let (keys, nodes) = entries.radix_tree();
    out.bulk(b"length");
    out.integer(entries.len() as i64);
    out.bulk(b"radix-tree-keys");
    out.integer(keys as i64);
    out.bulk(b"radix-tree-nodes");
    out.integer(nodes as i64);
    out.bulk(b"last-generated-id");
    id::write(out, entries.last_id());
    out.bulk(b"max-deleted-entry-id");
    id::write(out, entries.max_deleted_id());
    out.bulk(b"entries-added");
    out.integer(entries.added() as i64);
    out.bulk(b"recorded-first-entry-id");
    id::write(out, entries.first_id());
}

fn write_brief(out: &mut Encoder<'_>, stream: &Stream) {
    let entries = stream.entries();
    let first = entries.range(StreamId::MIN, StreamId::MAX).next();
    let last = entries.range_back(StreamId::MIN, StreamId::MAX).next();
    out.bulk(b"groups");
    out.integer(stream.groups_len() as i64);
    for (name, entry) in [("first-entry", first), ("last-entry", last)] {
        out.bulk(name.as_bytes());
        match entry {
            Some(entry) => entry::write(out, entry),
            None => out.nil(),
        }
    }
}

fn write_full(out: &mut Encoder<'_>, stream: &Stream, most: usize) {
    let entries = stream.entries();
    out.bulk(b"entries");
    let all = entries.range(StreamId::MIN, StreamId::MAX);
    entry::write_all(out, all.take(most));
    out.bulk(b"groups");
    out.array(stream.groups_len());
    for (name, group) in stream.groups() {
        out.map(7);
        out.bulk(b"name");
        out.bulk(name);
        write_position(out, group, entries);
        out.bulk(b"pel-count");
        out.integer(group.pending_len() as i64);
        out.bulk(b"pending");
        out.array(group.pending_len().min(most));
        for (id, pending) in group.pending().take(most) {
            out.array(4);
            id::write(out, id);
            out.bulk(group.consumer(pending.consumer).name());
            write_delivery(out, pending);
        }
        out.bulk(b"consumers");
        out.array(group.consumers_len());
        for (_, consumer) in group.consumers() {
            write_consumer(out, group, consumer, most);
        }
    }
}

/// Writes how far a group has read.
fn write_position(out: &mut Encoder<'_>, group: &Group, entries: &Entries) {
    out.bulk(b"last-delivered-id");
    id::write(out, group.last_id());
    out.bulk(b"entries-read");
    match group.entries_read() {
        Some(read) => out.integer(read as i64),
        None => out.nil(),
    }
    out.bulk(b"lag");
    match group.lag(entries) {
        Some(lag) => out.integer(lag),
        None => out.nil(),
    }
}

fn write_delivery(out: &mut Encoder<'_>, pending: &Pending) {
    out.integer(pending.delivered_ms);
    out.integer(pending.count as i64);
}

fn write_consumer(out: &mut Encoder<'_>, group: &Group, consumer: &Consumer, most: usize) {
    out.map(5);
    out.bulk(b"name");
    out.bulk(consumer.name());
    out.bulk(b"seen-time");
    out.integer(consumer.seen_ms);
    out.bulk(b"active-time");
    out.integer(consumer.active_ms.unwrap_or(-1));
    out.bulk(b"pel-count");
    out.integer(consumer.pending_len() as i64);
    out.bulk(b"pending");
    out.array(consumer.pending_len().min(most));
    let pending = consumer.pending().take(most);
    for (id, pending) in pending.filter_map(|id| Some((id, group.pending_of(id)?))) {
        out.array(3);
        id::write(out, id);
        write_delivery(out, pending);
    }
}

const GROUPS: Command = Spec {
    name: "GROUPS",
    usage: "key",
    summary: "Returns a list of the consumer groups of a stream.",
    since: "5.0.0",
    flags: flags!(READONLY),
    keys: &[Keys::at(2, key_flags!(RO | ACCESS))],
    history: &[("7.0.0", "Added the `entries-read` and `lag` fields")],
    ..STREAM
}
.run(groups);
fn groups(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let stream = cx.db.read_as::<Stream>(args.key(2)?)?;
    let stream = stream.ok_or(Error::NoSuchKey)?;
    let out = cx.reply.array(stream.groups_len());
    for (name, group) in stream.groups() {
        out.map(6);
        out.bulk(b"name");
        out.bulk(name);
        out.bulk(b"consumers");
        out.integer(group.consumers_len() as i64);
        out.bulk(b"pending");
        out.integer(group.pending_len() as i64);
        write_position(out, group, stream.entries());
    }
    Ok(Outcome::Done)
}

const CONSUMERS: Command = Spec {
    name: "CONSUMERS",
    usage: "key group",
    summary: "Returns a list of the consumers in a consumer group.",
    since: "5.0.0",
    flags: flags!(READONLY),
    keys: &[Keys::at(2, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[(
        "7.2.0",
        "Added the `inactive` field, and changed the meaning of `idle`.",
    )],
    ..STREAM
}
.run(consumers);
fn consumers(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, name) = (args.key(2)?, args.word(3)?);
    let now_ms = cx.now_ms();
    let stream = cx.db.read_as::<Stream>(key)?;
    let stream = stream.ok_or(Error::NoSuchKey)?;
    let group = stream.group(name).ok_or_else(|| no_group_in(key, name))?;
    let out = cx.reply.array(group.consumers_len());
    for (_, consumer) in group.consumers() {
        let since = |ms: i64| now_ms.saturating_sub(ms).max(0);
        out.map(4);
        out.bulk(b"name");
        out.bulk(consumer.name());
        out.bulk(b"pending");
        out.integer(consumer.pending_len() as i64);
        out.bulk(b"idle");
        out.integer(since(consumer.seen_ms));
        out.bulk(b"inactive");
        out.integer(consumer.active_ms.map_or(-1, since));
    }
    Ok(Outcome::Done)
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "5.0.0",
    flags: flags!(LOADING | STALE),
    ..STREAM
}
.run(help);
fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "XINFO",
        &[
            "CONSUMERS <key> <groupname>",
            "    Show consumers of <groupname>.",
            "GROUPS <key>",
            "    Show the stream consumer groups.",
            "STREAM <key> [FULL [COUNT <count>]",
            "    Show information about the stream.",
        ],
    )
}
