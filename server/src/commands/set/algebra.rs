//! Intersection, union and difference of sets.

use std::collections::HashSet;

use storage::db::Db;
use storage::value::{Item, Set};

use super::SET;
use crate::command::reply::write_item;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const SINTER: Command = Spec {
    name: "SINTER",
    usage: "key...",
    summary: "Returns the intersect of multiple sets.",
    since: "1.0.0",
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M \
        is the number of sets.",
    flags: flags!(READONLY),
    keys: &[Keys::rest(1, 1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..SET
}
.run(sinter);
fn sinter(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let sets = Operands::read(&mut cx.db, args.from(1))?;
    let out = cx.reply.encoder();
    let start = out.mark();
    let common = sets.common().map(|member| write_item(out, member));
    let count = common.count();
    out.set_at(start, count);
    Ok(Outcome::Done)
}

pub(super) const SINTERCARD: Command = Spec {
    name: "SINTERCARD",
    usage: "numkeys:integer key... [LIMIT limit:integer]",
    summary: "Returns the number of members of the intersect of multiple sets.",
    since: "7.0.0",
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M \
        is the number of sets.",
    flags: flags!(READONLY),
    keys: &[Keys::counted(1, key_flags!(RO | ACCESS))],
    ..SET
}
.run(sintercard);
fn sintercard(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let count = args.integer(1).ok().and_then(|it| usize::try_from(it).ok());
    let count = count
        .filter(|&it| it > 0)
        .ok_or(Error::NumkeysNotPositive)?;
    if count > args.len() - 2 {
        return Err(Error::TooManyNumkeys);
    }
    let keys = args.from(2).first(count);
    let limit = limit(&args.from(2 + count))?;
    let sets = Operands::read(&mut cx.db, keys)?;
    let count = match limit {
        0 => sets.common().count(),
        limit => sets.common().take(limit).count(),
    };
    cx.reply.count(count)
}

/// What `LIMIT` says, the last one if there are several; 0 is none.
fn limit(options: &Args<'_>) -> Result<usize> {
    let mut limit = 0;
    for index in (0..options.len()).step_by(2) {
        if !options.is(index, "LIMIT") || index + 1 == options.len() {
            return Err(Error::Syntax);
        }
        let number = options.non_negative(index + 1);
        let number = number.map_err(|_| Error::NegativeLimit)?;
        limit = usize::try_from(number).unwrap_or(usize::MAX);
    }
    Ok(limit)
}

pub(super) const SUNION: Command = Spec {
    name: "SUNION",
    usage: "key...",
    summary: "Returns the union of multiple sets.",
    since: "1.0.0",
    complexity: "O(N) where N is the total number of elements in all given sets.",
    flags: flags!(READONLY),
    keys: &[Keys::rest(1, 1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..SET
}
.run(sunion);
fn sunion(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let sets = Operands::read(&mut cx.db, args.from(1))?;
    let out = cx.reply.encoder();
    let start = out.mark();
    let mut seen = HashSet::new();
    let is_only = sets.present().count() == 1;
    let mut count = 0;
    for member in sets.present().flat_map(Set::iter) {
        if is_only || seen.insert(plain(member)) {
            write_item(out, member);
            count += 1;
        }
    }
    out.set_at(start, count);
    Ok(Outcome::Done)
}

/// The same for the same member, whatever set it is from: the large ones hold integers as text.
fn plain(member: Item<'_>) -> Item<'_> {
    match member {
        Item::Bytes(bytes) => Item::of(bytes),
        Item::Int(_) => member,
    }
}

pub(super) const SDIFF: Command = Spec {
    name: "SDIFF",
    usage: "key...",
    summary: "Returns the difference of multiple sets.",
    since: "1.0.0",
    complexity: "O(N) where N is the total number of elements in all given sets.",
    flags: flags!(READONLY),
    keys: &[Keys::rest(1, 1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..SET
}
.run(sdiff);
fn sdiff(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let sets = Operands::read(&mut cx.db, args.from(1))?;
    let out = cx.reply.encoder();
    let start = out.mark();
    let left = sets.left().map(|member| write_item(out, member));
    let count = left.count();
    out.set_at(start, count);
    Ok(Outcome::Done)
}

/// The sets of several keys, in their order; `None` where there is no key.
pub(super) struct Operands<'d>(pub(super) Vec<Option<&'d Set>>);

impl<'d> Operands<'d> {
    /// Reads them.
    ///
    /// # Errors
    /// [`Error::WrongType`] if a key holds another type.
    pub(super) fn read(db: &'d mut Db<'static>, keys: Args<'_>) -> Result<Operands<'d>> {
        for key in keys.iter() {
            db.read_as::<Set>(key)?;
        }
        let db = &*db;
        let sets: Vec<_> = keys
            .iter()
            .map(|key| db.look_as::<Set>(key))
            .collect::<std::result::Result<_, _>>()?;
        Ok(Operands(sets))
    }

    /// Those that exist.
    pub(super) fn present(&self) -> impl Iterator<Item = &'d Set> {
        self.0.iter().copied().flatten()
    }

    /// All of them, the smallest first; none if one of them has no member.
    pub(super) fn by_size(&self) -> Vec<&'d Set> {
        let mut sets: Vec<&Set> = self.present().collect();
        if sets.len() < self.0.len() {
            return Vec::new();
        }
        sets.sort_by_key(|set| set.len());
        sets
    }

    /// The members that all have, in the order of the smallest set.
    pub(super) fn common(&self) -> impl Iterator<Item = Item<'d>> {
        let sets = self.by_size();
        let smallest = sets.first().copied();
        let members = smallest.into_iter().flat_map(Set::iter);
        members.filter(move |&member| {
            let mut others = sets.iter().skip(1);
            others.all(|set| set.contains_item(member))
        })
    }

    /// The members of the first that none of the others has.
    pub(super) fn left(&self) -> impl Iterator<Item = Item<'d>> {
        let first = self.0.first().copied().flatten();
        let mut others: Vec<&Set> = self.0.iter().skip(1).copied().flatten().collect();
        // In the largest a member is the most likely to be found.
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        let members = first.into_iter().flat_map(Set::iter);
        members.filter(move |&member| !others.iter().any(|set| set.contains_item(member)))
    }
}
