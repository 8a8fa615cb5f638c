//! Consumer groups and their consumers: `XGROUP`.

use storage::db::{EditOf, Event};
use storage::value::Stream;
use storage::value::stream::{ConsumerId, Group, GroupMut, StreamId};

use super::{STREAM, id, no_group_in};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Acl, Keys, Spec, flags, key_flags};

pub(super) const CREATE_CONSUMER: Event = Event::stream("xgroup-createconsumer");

pub(super) const XGROUP: Command = Spec {
    name: "XGROUP",
    summary: "A container for consumer groups commands.",
    since: "5.0.0",
    complexity: "Depends on subcommand.",
    acl: Acl::empty(),
    ..STREAM
}
.container(&[CREATE, CREATECONSUMER, DELCONSUMER, DESTROY, HELP, SETID]);

const CREATE: Command = Spec {
    name: "CREATE",
    usage: "key group id-selector(id|new-id=$) [MKSTREAM] \
        [ENTRIESREAD entriesread<entries-read>:integer]",
    summary: "Creates a consumer group.",
    since: "5.0.0",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(2, key_flags!(RW | INSERT))],
    history: &[("7.0.0", "Added the `entries_read` named argument.")],
    ..STREAM
}
.run(create);
fn create(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let options = Options::parse(args, "CREATE")?;
    if args.len() > 8 {
        cx.db.peek_as::<Stream>(args.key(2)?)?;
        return Err(bad_syntax(args, "CREATE"));
    }
    let (key, name) = (args.key(2)?, args.word(3)?);
    let stream = cx.db.peek_as::<Stream>(key)?;
    let is_new = stream.is_none();
    if is_new && !options.makes_stream {
        return Err(Error::GroupWithoutKey);
    }
    let last_id = match args.word(4)? {
        b"$" => stream.map_or(StreamId::MIN, |stream| stream.entries().last_id()),
        word => id::exact(word)?,
    };
    let mut edit = cx
        .db
        .upsert::<Stream>(key, Event::stream("xgroup-create"))?;
    // A new key is a change to everybody, a new group is not.
    if !is_new {
        edit.hush();
    }
    let group = Group::new(last_id, options.entries_read);
    if !edit.change().add_group(name, group) {
        edit.count(0);
        return Err(Error::BusyGroup);
    }
    drop(edit);
    cx.reply.ok()
}

/// What stands behind the id.
struct Options {
    makes_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(args: &Args<'_>, sub: &'static str) -> Result<Options> {
        let mut options = Options {
            makes_stream: false,
            entries_read: None,
        };
        let mut index = 5;
        while index < args.len() {
            if sub == "CREATE" && args.is(index, "MKSTREAM") {
                options.makes_stream = true;
                index += 1;
            } else if args.is(index, "ENTRIESREAD") && index + 1 < args.len() {
                options.entries_read = match args.integer(index + 1)? {
                    -1 => None,
                    read => Some(u64::try_from(read).map_err(|_| Error::EntriesRead)?),
                };
                index += 2;
            } else {
                return Err(bad_syntax(args, sub));
            }
        }
        Ok(options)
    }
}

const SETID: Command = Spec {
    name: "SETID",
    usage: "key group id-selector(id|new-id=$) [ENTRIESREAD entriesread<entries-read>:integer]",
    summary: "Sets the last-delivered ID of a consumer group.",
    since: "5.0.0",
    flags: flags!(WRITE),
    keys: &[Keys::at(2, key_flags!(RW | UPDATE))],
    history: &[("7.0.0", "Added the optional `entries_read` argument.")],
    ..STREAM
}
.run(set_id);
fn set_id(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let options = Options::parse(args, "SETID")?;
    let mut edit = edit(cx, args, Event::stream("xgroup-setid"))?;
    check_group(&edit, args)?;
    if args.len() > 7 {
        return Err(bad_syntax(args, "SETID"));
    }
    let last_id = match args.word(4)? {
        b"$" => edit.entries().last_id(),
        word => id::any(word, 0)?,
    };
    if let Some(mut group) = edit.change().group_mut(args.word(3)?) {
        group.set_position(last_id, options.entries_read);
    }
    drop(edit);
    cx.reply.ok()
}

const DESTROY: Command = Spec {
    name: "DESTROY",
    usage: "key group",
    summary: "Destroys a consumer group.",
    since: "5.0.0",
    complexity: "O(N) where N is the number of entries in the group's pending entries list (PEL).",
    flags: flags!(WRITE),
    keys: &[Keys::at(2, key_flags!(RW | DELETE))],
    ..STREAM
}
.run(destroy);
fn destroy(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let mut edit = edit(cx, args, Event::stream("xgroup-destroy"))?;
    let removed = edit.change().remove_group(args.word(3)?);
    let is_removed = removed.is_some();
    edit.count(is_removed.into());
    if let Some(removed) = removed {
        edit.discard(removed);
    }
    drop(edit);
    if is_removed {
        // Who waits for entries as one of the group is told that it is no more.
        cx.db.stir(args.key(2)?);
    }
    cx.reply.integer(is_removed.into())
}

const CREATECONSUMER: Command = Spec {
    name: "CREATECONSUMER",
    usage: "key group consumer",
    summary: "Creates a consumer in a consumer group.",
    since: "6.2.0",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(2, key_flags!(RW | INSERT))],
    ..STREAM
}
.run(create_consumer);
fn create_consumer(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let now_ms = cx.now_ms();
    let mut edit = edit(cx, args, CREATE_CONSUMER)?;
    check_group(&edit, args)?;
    let group = edit.change().group_mut(args.word(3)?);
    let name = args.word(4)?;
    let is_created = group.is_some_and(|mut group| group.add_consumer(name, now_ms).is_ok());
    edit.count(is_created.into());
    drop(edit);
    cx.reply.integer(is_created.into())
}

const DELCONSUMER: Command = Spec {
    name: "DELCONSUMER",
    usage: "key group consumer",
    summary: "Deletes a consumer from a consumer group.",
    since: "5.0.0",
    flags: flags!(WRITE),
    keys: &[Keys::at(2, key_flags!(RW | DELETE))],
    ..STREAM
}
.run(delete_consumer);
fn delete_consumer(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let mut edit = edit(cx, args, Event::stream("xgroup-delconsumer"))?;
    check_group(&edit, args)?;
    let name = args.word(4)?;
    let group = edit.change().group_mut(args.word(3)?);
    let removed = group.and_then(|mut group| {
        let consumer = group.find(name)?;
        Some(group.remove_consumer(consumer))
    });
    edit.count(removed.is_some().into());
    drop(edit);
    cx.reply.count(removed.unwrap_or(0))
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
        "XGROUP",
        &[
            "CREATE <key> <groupname> <id|$> [option]",
            "    Create a new consumer group. Options are:",
            "    * MKSTREAM",
            "      Create the empty stream if it does not exist.",
            "    * ENTRIESREAD entries_read",
            "      Set the group's entries_read counter (internal use).",
            "CREATECONSUMER <key> <groupname> <consumer>",
            "    Create a new consumer in the specified group.",
            "DELCONSUMER <key> <groupname> <consumer>",
            "    Remove the specified consumer.",
            "DESTROY <key> <groupname>",
            "    Remove the specified group.",
            "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
            "    Set the current group ID and entries_read counter.",
        ],
    )
}

/// The stream whose groups a subcommand is about.
fn edit<'c>(
    cx: &'c mut Ctx<'_>,
    args: &Args<'_>,
    event: Event,
) -> Result<EditOf<'c, 'static, Stream>> {
    let mut edit = cx
        .db
        .edit_as::<Stream>(args.key(2)?, event)?
        .ok_or(Error::GroupWithoutKey)?;
    edit.hush();
    Ok(edit)
}

fn check_group(stream: &Stream, args: &Args<'_>) -> Result<()> {
    let (key, name) = (args.key(2)?, args.word(3)?);
    match stream.group(name) {
        Some(_) => Ok(()),
        None => Err(no_group_in(key, name)),
    }
}

fn bad_syntax(args: &Args<'_>, sub: &'static str) -> Error {
    Error::SubcommandSyntax {
        sub: shown(args.get(1).unwrap_or(sub.as_bytes())),
        command: "XGROUP",
    }
}

/// What has changed in a group.
#[derive(Clone, Copy, Default)]
pub(super) struct Changes {
    /// How many changes, the new consumer among them.
    pub(super) count: usize,
    pub(super) has_new_consumer: bool,
}

impl Changes {
    /// No change but perhaps this one.
    pub(super) fn of_new_consumer(has_new_consumer: bool) -> Changes {
        Changes {
            count: has_new_consumer.into(),
            has_new_consumer,
        }
    }
}

/// Changes a group of a stream. Who listens is told of a new consumer and nothing else, as in Redis.
pub(super) fn change(
    edit: &mut EditOf<'_, '_, Stream>,
    name: &[u8],
    change: impl FnOnce(&mut GroupMut<'_>) -> Changes,
) {
    edit.hush();
    let group = edit.change().group_mut(name);
    let changes = group.map_or_else(Changes::default, |mut group| change(&mut group));
    if changes.has_new_consumer {
        edit.rename_event(CREATE_CONSUMER);
    }
    edit.count(changes.count);
}

/// Notes that a consumer has come, who is added if it is the first time; whether it is.
pub(super) fn see(group: &mut GroupMut<'_>, name: &[u8], now_ms: i64) -> (ConsumerId, bool) {
    match group.add_consumer(name, now_ms) {
        Ok(consumer) => (consumer, true),
        Err(consumer) => {
            group.note_seen(consumer, now_ms);
            (consumer, false)
        }
    }
}
