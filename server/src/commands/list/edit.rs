//! Changing lists inside.

use storage::db::Event;
use storage::value::List;
use storage::value::list::{End, Side};

use super::{LIST, clamp};
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const LSET: Command = Spec {
    name: "LSET",
    usage: "key index:integer element",
    summary: "Sets the value of an element in a list by its index.",
    complexity: "O(N) where N is the length of the list. Setting either the first or the last element \
        of the list is O(1).",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..LIST
}
.run(lset);
fn lset(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let limits = cx.limits();
    let edit = cx.db.edit_as::<List>(args.key(1)?, Event::list("lset"))?;
    let mut edit = edit.ok_or(Error::NoSuchKey)?;
    // Redis takes the lower 32 bits for the index (`listTypeReplaceAtIndex`): 2^32 means the head.
    let (index, element) = (args.integer(2)? as i32, args.word(3)?);
    if !edit.change().set(index.into(), element, &limits) {
        // It may be of nodes now, as in Redis; nothing a client could have watched for.
        edit.count(0);
        return Err(Error::IndexOutOfRange);
    }
    drop(edit);
    cx.reply.ok()
}

pub(super) const LINSERT: Command = Spec {
    name: "LINSERT",
    usage: "key where(BEFORE|AFTER) pivot element",
    summary: "Inserts an element before or after another element in a list.",
    since: "2.2.0",
    complexity: "O(N) where N is the number of elements to traverse before seeing the value pivot. \
        This means that inserting somewhere on the left end on the list (head) can be considered O(1) \
        and inserting somewhere on the right end (tail) is O(N).",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(RW | INSERT))],
    ..LIST
}
.run(linsert);
fn linsert(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let side = match (args.is(2, "BEFORE"), args.is(2, "AFTER")) {
        (true, _) => Side::Before,
        (_, true) => Side::After,
        _ => return Err(Error::Syntax),
    };
    let limits = cx.limits();
    let edit = cx
        .db
        .edit_as::<List>(args.key(1)?, Event::list("linsert"))?;
    let Some(mut edit) = edit else {
        return cx.reply.integer(0);
    };
    let (pivot, element) = (args.word(3)?, args.word(4)?);
    if !edit.change().insert(side, pivot, element, &limits) {
        edit.count(0);
        drop(edit);
        return cx.reply.integer(-1);
    }
    let len = edit.len();
    drop(edit);
    cx.reply.count(len)
}

pub(super) const LREM: Command = Spec {
    name: "LREM",
    usage: "key count:integer element",
    summary: "Removes elements from a list. Deletes the list if the last element was removed.",
    complexity: "O(N+M) where N is the length of the list and M is the number of elements removed.",
    flags: flags!(WRITE),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    ..LIST
}
.run(lrem);
fn lrem(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let count = args.ranged(2, -i64::MAX, i64::MAX)?;
    let limits = cx.limits();
    let edit = cx.db.edit_as::<List>(args.key(1)?, Event::list("lrem"))?;
    let Some(mut edit) = edit else {
        return cx.reply.integer(0);
    };
    let from = if count < 0 { End::Tail } else { End::Head };
    let most = match count {
        0 => usize::MAX,
        _ => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
    };
    let removed = edit.change().remove(args.word(3)?, from, most, &limits);
    edit.count(removed);
    drop(edit);
    cx.reply.count(removed)
}

pub(super) const LTRIM: Command = Spec {
    name: "LTRIM",
    usage: "key start:integer stop:integer",
    summary: "Removes elements from both ends a list. Deletes the list if all elements were trimmed.",
    complexity: "O(N) where N is the number of elements to be removed by the operation.",
    flags: flags!(WRITE),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    ..LIST
}
.run(ltrim);
fn ltrim(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    // Redis tells listeners and those who watch the key even if nothing was removed, but does not log that.
    if trim(cx, args.key(1)?, start, stop)? == Some(0) {
        cx.db.changes.dirty -= 1;
    }
    cx.reply.ok()
}

/// Keeps what lies between; tells how many elements it has removed, unless there is no list.
fn trim(cx: &mut Ctx<'_>, key: &[u8], start: i64, stop: i64) -> Result<Option<usize>> {
    let limits = cx.limits();
    let Some(mut edit) = cx.db.edit_as::<List>(key, Event::list("ltrim"))? else {
        return Ok(None);
    };
    let len = edit.len();
    let kept = clamp(start, stop, len);
    let removed = len - kept.len();
    if kept.is_empty() {
        let all = std::mem::take(edit.change());
        edit.discard(all);
    } else {
        edit.change().trim(kept, &limits);
    }
    edit.count(removed.max(1));
    Ok(Some(removed))
}
