//! Keys that get another name or another database: `COPY`, `MOVE`, `RENAME`, `RENAMENX`.

use storage::db::Event;

use super::GENERIC;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::config::options;
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const COPY: Command = Spec {
    name: "COPY",
    usage: "source:key destination:key#1 [DB destination-db:integer] [REPLACE]",
    summary: "Copies the value of a key to a new key.",
    since: "6.2.0",
    complexity: "O(N) worst case for collections, where N is the number of nested items. O(1) \
        for string values.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(RO | ACCESS)),
        Keys::at(2, key_flags!(OW | UPDATE)),
    ],
    ..GENERIC
}
.run(copy);
fn copy(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (from, to) = (args.key(1)?, args.key(2)?);
    let mut db = cx.db.index;
    let mut replaces = false;
    let mut index = 3;
    while index < args.len() {
        if args.is(index, "REPLACE") {
            replaces = true;
        } else if args.is(index, "DB") && index + 1 < args.len() {
            index += 1;
            db = database(cx, args, index)?;
        } else {
            return Err(Error::Syntax);
        }
        index += 1;
    }
    if db == cx.db.index && from == to {
        return Err(Error::SameObject);
    }
    if cx.db.read(from).is_none() || (!replaces && cx.db.peek_in(db, to).is_some()) {
        return cx.reply.integer(0);
    }
    let Some(copied) = cx.db.duplicate(from) else {
        return cx.reply.integer(0);
    };
    cx.db.place_at(db, to, copied, Event::generic("copy_to"));
    cx.reply.integer(1)
}

pub(super) const MOVE: Command = Spec {
    name: "MOVE",
    usage: "key db:integer",
    summary: "Moves a key to another database.",
    since: "1.0.0",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..GENERIC
}
.run(move_key);
fn move_key(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    let db = database(cx, args, 2)?;
    if db == cx.db.index {
        return Err(Error::SameObject);
    }
    if cx.db.peek(key).is_none() || cx.db.peek_in(db, key).is_some() {
        return cx.reply.integer(0);
    }
    relocate(
        cx,
        key,
        db,
        key,
        [Event::generic("move_from"), Event::generic("move_to")],
    );
    cx.reply.integer(1)
}

pub(super) const RENAME: Command = Spec {
    name: "RENAME",
    usage: "key newkey:key#1",
    summary: "Renames a key and overwrites the destination.",
    since: "1.0.0",
    flags: flags!(WRITE),
    keys: &[
        Keys::at(1, key_flags!(RW | ACCESS | DELETE)),
        Keys::at(2, key_flags!(OW | UPDATE)),
    ],
    ..GENERIC
}
.run(rename);
fn rename(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (from, to) = (args.key(1)?, args.key(2)?);
    if cx.db.peek(from).is_none() {
        return Err(Error::NoSuchKey);
    }
    if from != to {
        relocate(cx, from, cx.db.index, to, RENAMED);
    }
    cx.reply.ok()
}

pub(super) const RENAMENX: Command = Spec {
    name: "RENAMENX",
    usage: "key newkey:key#1",
    summary: "Renames a key only when the target key name doesn't exist.",
    since: "1.0.0",
    flags: flags!(WRITE | FAST),
    keys: &[
        Keys::at(1, key_flags!(RW | ACCESS | DELETE)),
        Keys::at(2, key_flags!(OW | INSERT)),
    ],
    history: &[(
        "3.2.0",
        "The command no longer returns an error when source and destination names \
            are the same.",
    )],
    ..GENERIC
}
.run(renamenx);
fn renamenx(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (from, to) = (args.key(1)?, args.key(2)?);
    if cx.db.peek(from).is_none() {
        return Err(Error::NoSuchKey);
    }
    if from == to || cx.db.peek(to).is_some() {
        return cx.reply.integer(0);
    }
    relocate(cx, from, cx.db.index, to, RENAMED);
    cx.reply.integer(1)
}

const RENAMED: [Event; 2] = [Event::generic("rename_from"), Event::generic("rename_to")];

/// Takes a key that is there to another place, in the place of what is there.
fn relocate(cx: &mut Ctx<'_>, from: &[u8], db: usize, to: &[u8], [left, arrived]: [Event; 2]) {
    if let Some(taken) = cx.db.take(from, left) {
        cx.db.place_at(db, to, taken, arrived);
    }
}

/// A database that there is.
fn database(cx: &Ctx<'_>, args: &Args<'_>, index: usize) -> Result<usize> {
    let number = args.ranged(index, i64::from(i32::MIN), i64::from(i32::MAX))?;
    let databases = cx.server.settings.config.get(options::DATABASES) as usize;
    let number = usize::try_from(number)
        .ok()
        .filter(|&number| number < databases);
    number.ok_or(Error::DbOutOfRange)
}
