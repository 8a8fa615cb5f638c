//! Adding elements at the ends.

use storage::value::List;
use storage::value::list::End;

use super::{LIST, push_event};
use crate::command::{Args, Command, Ctx, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

const PUSH: Spec = Spec {
    usage: "key element...",
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called \
        with multiple arguments.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | INSERT))],
    ..LIST
};

pub(super) const LPUSH: Command = Spec {
    name: "LPUSH",
    summary: "Prepends one or more elements to a list. Creates the key if it doesn't exist.",
    since: "1.0.0",
    history: &[("2.4.0", "Accepts multiple `element` arguments.")],
    ..PUSH
}
.run(lpush);
fn lpush(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    push(cx, args, End::Head)
}

pub(super) const RPUSH: Command = Spec {
    name: "RPUSH",
    summary: "Appends one or more elements to a list. Creates the key if it doesn't exist.",
    since: "1.0.0",
    history: &[("2.4.0", "Accepts multiple `element` arguments.")],
    ..PUSH
}
.run(rpush);
fn rpush(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    push(cx, args, End::Tail)
}

fn push(cx: &mut Ctx<'_>, args: &Args<'_>, end: End) -> Result {
    let limits = cx.limits();
    let elements = args.from(2);
    let mut edit = cx.db.upsert::<List>(args.key(1)?, push_event(end))?;
    let list = edit.change();
    list.push_all(end, elements.iter(), &limits);
    let len = list.len();
    edit.count(elements.len());
    drop(edit);
    cx.reply.count(len)
}

pub(super) const LPUSHX: Command = Spec {
    name: "LPUSHX",
    summary: "Prepends one or more elements to a list only when the list exists.",
    since: "2.2.0",
    history: &[("4.0.0", "Accepts multiple `element` arguments.")],
    ..PUSH
}
.run(lpushx);
fn lpushx(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    push_if_exists(cx, args, End::Head)
}

pub(super) const RPUSHX: Command = Spec {
    name: "RPUSHX",
    summary: "Appends an element to a list only when the list exists.",
    since: "2.2.0",
    history: &[("4.0.0", "Accepts multiple `element` arguments.")],
    ..PUSH
}
.run(rpushx);
fn rpushx(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    push_if_exists(cx, args, End::Tail)
}

fn push_if_exists(cx: &mut Ctx<'_>, args: &Args<'_>, end: End) -> Result {
    if cx.db.peek_as::<List>(args.key(1)?)?.is_none() {
        return cx.reply.integer(0);
    }
    push(cx, args, end)
}
