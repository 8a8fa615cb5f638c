//! From one list to another, or from one end to the other.

use storage::value::list::End;
use storage::value::{Item, List};

use super::{LIST, end, index, pop_event, push_event};
use crate::command::{Args, Command, Ctx, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const LMOVE: Command = Spec {
    name: "LMOVE",
    usage: "source:key destination:key#1 wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT)",
    summary: "Returns an element after popping it from one list and pushing it to another. Deletes the \
        list if the last element was moved.",
    since: "6.2.0",
    flags: flags!(WRITE | DENYOOM),
    keys: KEYS,
    ..LIST
}
.run(lmove);
fn lmove(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let ends = [end(args, 3)?, end(args, 4)?];
    relocate(cx, args.key(1)?, args.key(2)?, ends)
}

/// The list that is popped, and the one that is pushed to.
pub(super) const KEYS: &[Keys] = &[
    Keys::at(1, key_flags!(RW | ACCESS | DELETE)),
    Keys::at(2, key_flags!(RW | INSERT)),
];

pub(super) const RPOPLPUSH: Command = Spec {
    name: "RPOPLPUSH",
    usage: "source:key destination:key#1",
    summary: "Returns the last element of a list after removing and pushing it to another list. \
        Deletes the list if the last element was popped.",
    since: "1.2.0",
    flags: flags!(WRITE | DENYOOM),
    keys: KEYS,
    deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    ..LIST
}
.run(rpoplpush);
fn rpoplpush(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    relocate(cx, args.key(1)?, args.key(2)?, [End::Tail, End::Head])
}

/// Pops at the first end of `source`, pushes at the second of `destination`, and replies with the element.
pub(super) fn relocate(
    cx: &mut Ctx<'_>,
    source: &[u8],
    destination: &[u8],
    [from, to]: [End; 2],
) -> Result {
    let Some(list) = cx.db.peek_as::<List>(source)? else {
        return cx.reply.nil();
    };
    let moved = list.with(index(from), Moved::of);
    let Some(moved) = moved else {
        return cx.reply.nil();
    };
    let limits = cx.limits();
    let mut edit = cx.db.upsert::<List>(destination, push_event(to))?;
    let list = edit.change();
    if source == destination {
        list.rotate([from, to], &moved.element, moved.counted_bytes(), &limits);
    } else {
        list.make_room(1, moved.counted_bytes(), &limits);
        list.push(to, &moved.element, &limits);
    }
    drop(edit);
    if source == destination {
        cx.db.add_event(source, pop_event(from));
    } else {
        if let Some(mut edit) = cx.db.edit_as::<List>(source, pop_event(from))? {
            edit.change().pop(from, 1, &limits);
        }
        // Together that is one change.
        cx.db.changes.dirty -= 1;
    }
    cx.reply.encoder().bulk(&moved.element);
    Ok(Outcome::Done)
}

/// An element on its way.
struct Moved {
    element: Vec<u8>,
    is_integer: bool,
}

impl Moved {
    fn of(item: Item<'_>) -> Moved {
        Moved {
            element: item.to_vec(),
            is_integer: matches!(item, Item::Int(_)),
        }
    }

    /// What it counts when a listpack is asked for room: Redis knows the length of strings only
    /// (`listTypeTryConvertListpack`, t_list.c).
    fn counted_bytes(&self) -> usize {
        if self.is_integer {
            0
        } else {
            self.element.len()
        }
    }
}
