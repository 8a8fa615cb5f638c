//! Intersection, union and difference of sets, stored.
//!
//! The result gets the encoding that it gets in Redis, which depends on how it comes about.

use storage::db::Event;
use storage::value::set::Form;
use storage::value::{Item, Limits, Set};

use super::SET;
use super::algebra::Operands;
use crate::command::{Args, Command, Ctx, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const SINTERSTORE: Command = Spec {
    name: "SINTERSTORE",
    usage: "destination:key#0 key:key#1...",
    summary: "Stores the intersect of multiple sets in a key.",
    since: "1.0.0",
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M \
        is the number of sets.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(OW | UPDATE)),
        Keys::rest(2, 1, key_flags!(RO | ACCESS)),
    ],
    ..SET
}
.run(sinterstore);
fn sinterstore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    store(cx, args, "sinterstore", intersection)
}

pub(super) const SUNIONSTORE: Command = Spec {
    name: "SUNIONSTORE",
    usage: "destination:key#0 key:key#1...",
    summary: "Stores the union of multiple sets in a key.",
    since: "1.0.0",
    complexity: "O(N) where N is the total number of elements in all given sets.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(OW | UPDATE)),
        Keys::rest(2, 1, key_flags!(RO | ACCESS)),
    ],
    ..SET
}
.run(sunionstore);
fn sunionstore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    store(cx, args, "sunionstore", union)
}

pub(super) const SDIFFSTORE: Command = Spec {
    name: "SDIFFSTORE",
    usage: "destination:key#0 key:key#1...",
    summary: "Stores the difference of multiple sets in a key.",
    since: "1.0.0",
    complexity: "O(N) where N is the total number of elements in all given sets.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(OW | UPDATE)),
        Keys::rest(2, 1, key_flags!(RO | ACCESS)),
    ],
    ..SET
}
.run(sdiffstore);
fn sdiffstore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    store(cx, args, "sdiffstore", difference)
}

fn store(
    cx: &mut Ctx<'_>,
    args: &Args<'_>,
    event: &'static str,
    combine: fn(&Operands<'_>, &Limits) -> Set,
) -> Result {
    let limits = cx.limits();
    let operands = Operands::read(&mut cx.db, args.from(2))?;
    let result = combine(&operands, &limits);
    let count = result.len();
    cx.db.put_object(args.key(1)?, result, Event::set(event));
    cx.reply.count(count)
}

/// Begins in the form of the smallest set, and ends as integers if all are (`sinterGenericCommand`, t_set.c).
fn intersection(operands: &Operands<'_>, limits: &Limits) -> Set {
    let sets = operands.by_size();
    let mut result = match sets.first().map(|set| set.form()) {
        Some(Form::Packed(_) | Form::Many) => Set::packed(),
        Some(Form::Integers(_)) | None => Set::default(),
    };
    let mut is_integers = true;
    for member in operands.common() {
        is_integers = is_integers && member.as_integer().is_some();
        result.add_item(member, limits);
    }
    if is_integers {
        result.pack_integers(limits);
    }
    result
}

fn union(operands: &Operands<'_>, limits: &Limits) -> Set {
    let mut result = Set::default();
    let members = operands.present().flat_map(Set::iter);
    members.for_each(|member| _ = result.add_item(member, limits));
    result
}

/// Redis estimates what is cheaper, and if it is to take the others away from the first, all of the first is in
/// the result until then (`sunionDiffGenericCommand`, t_set.c).
fn difference(operands: &Operands<'_>, limits: &Limits) -> Set {
    let mut result = Set::default();
    let mut add = |member: Item<'_>| _ = result.add_item(member, limits);
    let Some(Some(first)) = operands.0.first() else {
        return result;
    };
    let others = || operands.0.iter().skip(1).copied().flatten();
    if others().any(|set| std::ptr::eq(set, *first)) {
        return result;
    }
    let sets = operands.present().count();
    let members: usize = operands.present().map(Set::len).sum();
    if first.len() * sets / 2 <= members {
        operands.left().for_each(add);
        return result;
    }
    first.iter().for_each(&mut add);
    for set in others() {
        set.iter().for_each(|member| _ = result.remove_item(member));
        if result.is_empty() {
            break;
        }
    }
    result
}
