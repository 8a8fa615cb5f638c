//! Adding, removing and moving members.

use storage::db::Event;
use storage::value::Set;

use super::SET;
use crate::command::{Args, Command, Ctx, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const SADD: Command = Spec {
    name: "SADD",
    usage: "key member...",
    summary: "Adds one or more members to a set. Creates the key if it doesn't exist.",
    since: "1.0.0",
    complexity: "O(1) for each element added, so O(N) to add N elements when the command \
        is called with multiple arguments.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | INSERT))],
    history: &[("2.4.0", "Accepts multiple `member` arguments.")],
    ..SET
}
.run(sadd);
fn sadd(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let limits = cx.limits();
    let members = args.from(2);
    let mut edit = cx.db.upsert::<Set>(args.key(1)?, Event::set("sadd"))?;
    let set = edit.change();
    set.prepare(args.word(2)?, members.len(), &limits);
    let added = members.iter().filter(|member| set.add(member, &limits));
    let added = added.count();
    edit.count(added);
    drop(edit);
    cx.reply.count(added)
}

pub(super) const SREM: Command = Spec {
    name: "SREM",
    usage: "key member...",
    summary: "Removes one or more members from a set. Deletes the set if the last \
        member was removed.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of members to be removed.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    history: &[("2.4.0", "Accepts multiple `member` arguments.")],
    ..SET
}
.run(srem);
fn srem(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let Some(mut edit) = cx.db.edit_as::<Set>(args.key(1)?, Event::set("srem"))? else {
        return cx.reply.integer(0);
    };
    let set = edit.change();
    let removed = args.from(2).iter().filter(|member| set.remove(member));
    let removed = removed.count();
    edit.count(removed);
    drop(edit);
    cx.reply.count(removed)
}

pub(super) const SMOVE: Command = Spec {
    name: "SMOVE",
    usage: "source:key#0 destination:key#1 member",
    summary: "Moves a member from one set to another.",
    since: "1.0.0",
    flags: flags!(WRITE | FAST),
    keys: &[
        Keys::at(1, key_flags!(RW | ACCESS | DELETE)),
        Keys::at(2, key_flags!(RW | INSERT)),
    ],
    ..SET
}
.run(smove);
fn smove(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (from, to, member) = (args.key(1)?, args.key(2)?, args.word(3)?);
    let Some(set) = cx.db.peek_as::<Set>(from)? else {
        // Redis does not look at the other key then.
        return cx.reply.integer(0);
    };
    let is_member = set.contains(member);
    cx.db.peek_as::<Set>(to)?;
    if from == to || !is_member {
        return cx.reply.integer(is_member.into());
    }
    let limits = cx.limits();
    if let Some(mut edit) = cx.db.edit_as::<Set>(from, Event::set("srem"))? {
        edit.change().remove(member);
    }
    let mut edit = cx.db.upsert::<Set>(to, Event::set("sadd"))?;
    let set = edit.change();
    if set.is_empty() {
        set.prepare(member, 1, &limits);
    }
    let is_new = set.add(member, &limits);
    edit.count(is_new.into());
    drop(edit);
    cx.reply.integer(1)
}
