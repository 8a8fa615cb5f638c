//! What a set holds.

use storage::value::Set;

use super::SET;
use crate::command::reply::write_item;
use crate::command::{Args, Command, Ctx, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const SISMEMBER: Command = Spec {
    name: "SISMEMBER",
    usage: "key member",
    summary: "Determines whether a member belongs to a set.",
    since: "1.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..SET
}
.run(sismember);
fn sismember(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let member = args.word(2)?;
    let set = cx.db.read_as::<Set>(args.key(1)?)?;
    let is_member = set.is_some_and(|set| set.contains(member));
    cx.reply.integer(is_member.into())
}

pub(super) const SMISMEMBER: Command = Spec {
    name: "SMISMEMBER",
    usage: "key member...",
    summary: "Determines whether multiple members belong to a set.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of elements being checked for membership",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..SET
}
.run(smismember);
fn smismember(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let members = args.from(2);
    let set = cx.db.read_as::<Set>(args.key(1)?)?;
    let out = cx.reply.array(members.len());
    for member in members.iter() {
        out.integer(set.is_some_and(|set| set.contains(member)).into());
    }
    Ok(Outcome::Done)
}

pub(super) const SCARD: Command = Spec {
    name: "SCARD",
    usage: "key",
    summary: "Returns the number of members in a set.",
    since: "1.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..SET
}
.run(scard);
fn scard(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let set = cx.db.read_as::<Set>(args.key(1)?)?;
    cx.reply.count(set.map_or(0, Set::len))
}

pub(super) const SMEMBERS: Command = Spec {
    name: "SMEMBERS",
    usage: "key",
    summary: "Returns all members of a set.",
    since: "1.0.0",
    complexity: "O(N) where N is the set cardinality.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..SET
}
.run(smembers);
fn smembers(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let set = cx.db.read_as::<Set>(args.key(1)?)?;
    let out = cx.reply.set(set.map_or(0, Set::len));
    let members = set.into_iter().flat_map(Set::iter);
    members.for_each(|member| write_item(out, member));
    Ok(Outcome::Done)
}
