//! Looking at lists.

use storage::value::list::End;
use storage::value::{List, Needle};

use super::{LIST, clamp};
use crate::command::reply::write_item;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const LLEN: Command = Spec {
    name: "LLEN",
    usage: "key",
    summary: "Returns the length of a list.",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..LIST
}
.run(llen);
fn llen(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let len = cx.db.read_as::<List>(args.key(1)?)?.map_or(0, List::len);
    cx.reply.count(len)
}

pub(super) const LRANGE: Command = Spec {
    name: "LRANGE",
    usage: "key start:integer stop:integer",
    summary: "Returns a range of elements from a list.",
    complexity: "O(S+N) where S is the distance of start offset from HEAD for small lists, from \
        nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified \
        range.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..LIST
}
.run(lrange);
fn lrange(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    let Some(list) = cx.db.read_as::<List>(args.key(1)?)? else {
        cx.reply.array(0);
        return Ok(Outcome::Done);
    };
    let range = clamp(start, stop, list.len());
    let out = cx.reply.array(range.len());
    list.walk(range.start, End::Tail, range.len(), |item| {
        write_item(out, item);
        true
    });
    Ok(Outcome::Done)
}

pub(super) const LINDEX: Command = Spec {
    name: "LINDEX",
    usage: "key index:integer",
    summary: "Returns an element from a list by its index.",
    complexity: "O(N) where N is the number of elements to traverse to get to the element at index. \
        This makes asking for the first or the last element of the list O(1).",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..LIST
}
.run(lindex);
fn lindex(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let Some(list) = cx.db.read_as::<List>(args.key(1)?)? else {
        return cx.reply.nil();
    };
    let index = args.integer(2)?;
    let out = cx.reply.encoder();
    match list.with(index, |item| write_item(out, item)) {
        Some(()) => Ok(Outcome::Done),
        None => cx.reply.nil(),
    }
}

pub(super) const LPOS: Command = Spec {
    name: "LPOS",
    usage: "key element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
    summary: "Returns the index of matching elements in a list.",
    since: "6.0.6",
    complexity: "O(N) where N is the number of elements in the list, for the average case. When \
        searching for elements near the head or the tail of the list, or when the MAXLEN option is \
        provided, the command may run in constant time.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..LIST
}
.run(lpos);
fn lpos(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let search = Search::parse(args)?;
    let Some(list) = cx.db.read_as::<List>(args.key(1)?)? else {
        if search.count.is_some() {
            cx.reply.array(0);
            return Ok(Outcome::Done);
        }
        return cx.reply.nil();
    };
    let needle = Needle::new(args.word(2)?);
    let out = cx.reply.encoder();
    let mark = out.mark();
    let mut found = 0;
    search.run(list, needle, |index| {
        out.integer(index as i64);
        found += 1;
    });
    match search.count {
        Some(_) => out.array_at(mark, found),
        None if found == 0 => out.nil(),
        None => {}
    }
    Ok(Outcome::Done)
}

/// The options of `LPOS`.
struct Search {
    /// Which match is the first to count.
    rank: u64,
    /// From the head towards the tail, or the other way.
    towards: End,
    /// How many matches, 0 for all; without it one that is not in an array.
    count: Option<u64>,
    /// How many elements are looked at, 0 for all.
    most: u64,
}

impl Search {
    fn parse(args: &Args<'_>) -> Result<Search> {
        let mut search = Search {
            rank: 1,
            towards: End::Tail,
            count: None,
            most: 0,
        };
        let mut at = 3;
        while at < args.len() {
            if at + 1 == args.len() {
                return Err(Error::Syntax);
            }
            if args.is(at, "RANK") {
                let rank = args.ranged(at + 1, -i64::MAX, i64::MAX)?;
                if rank == 0 {
                    return Err(Error::RankZero);
                }
                search.rank = rank.unsigned_abs();
                search.towards = if rank > 0 { End::Tail } else { End::Head };
            } else if args.is(at, "COUNT") {
                let count = args.non_negative(at + 1);
                search.count = Some(count.map_err(|_| Error::CountNegative)? as u64);
            } else if args.is(at, "MAXLEN") {
                let most = args.non_negative(at + 1);
                search.most = most.map_err(|_| Error::MaxlenNegative)? as u64;
            } else {
                return Err(Error::Syntax);
            }
            at += 2;
        }
        Ok(search)
    }

    /// Calls `found` with the index of every match.
    fn run(&self, list: &List, needle: Needle<'_>, mut found: impl FnMut(usize)) {
        let len = list.len();
        let most = match self.most {
            0 => len,
            most => usize::try_from(most).map_or(len, |most| most.min(len)),
        };
        let last = match self.count {
            None => self.rank,
            Some(0) => u64::MAX,
            Some(count) => self.rank.saturating_add(count - 1),
        };
        let (mut steps, mut matches) = (0, 0);
        let from = match self.towards {
            End::Tail => 0,
            End::Head => len - 1,
        };
        list.walk(from, self.towards, most, |item| {
            if needle.is(item) {
                matches += 1;
                if matches >= self.rank {
                    found(from.abs_diff(steps));
                }
            }
            steps += 1;
            matches < last
        });
    }
}
