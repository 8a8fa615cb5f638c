//! Which commands are said, with what arguments, how often: a table per family.

mod bitmap;
mod blocking;
mod connection;
mod generic;
mod geo;
mod hash;
mod hll;
mod list;
mod pubsub;
mod server;
mod set;
mod sort;
mod stream;
mod string;
mod transaction;
mod zset;

use super::compare::Compare;
pub(super) use transaction::{DISCARD, EXEC};

/// All families, with how often each is spoken of.
const FAMILIES: &[Family] = &[
    Family::new("string", 30, Some(Pool::String), string::ROWS),
    Family::new("bitmap", 8, Some(Pool::Bitmap), bitmap::ROWS),
    Family::new("hll", 6, Some(Pool::Hll), hll::ROWS),
    Family::new("list", 20, Some(Pool::List), list::ROWS),
    Family::new("hash", 20, Some(Pool::Hash), hash::ROWS),
    Family::new("set", 20, Some(Pool::Set), set::ROWS),
    Family::new("zset", 30, Some(Pool::Zset), zset::ROWS),
    Family::new("geo", 8, Some(Pool::Geo), geo::ROWS),
    Family::new("stream", 25, Some(Pool::Stream), stream::ROWS),
    Family::new("sort", 6, Some(Pool::Sort), sort::ROWS),
    Family::new(WAITING, 4, None, blocking::ROWS),
    Family::new("generic", 20, None, generic::ROWS),
    Family::new("connection", 4, None, connection::ROWS),
    Family::new("pubsub", 3, None, pubsub::ROWS),
    Family::new("server", 5, None, server::ROWS),
    Family::new("transaction", 5, None, transaction::ROWS),
];

/// The family of those who wait for keys.
pub(super) const WAITING: &str = "blocking";

/// What is spoken of beside a family that `KEYTAG_FAMILY` names.
const BESIDE: &[&str] = &["generic", "connection", "server", "transaction"];

/// Commands about one subject.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) weight: u32,
    /// Whose keys most of them name; anybody's if `None`.
    pub(super) home: Option<Pool>,
    pub(super) rows: &'static [Row],
}

impl Family {
    const fn new(
        name: &'static str,
        weight: u32,
        home: Option<Pool>,
        rows: &'static [Row],
    ) -> Family {
        Family {
            name,
            weight,
            home,
            rows,
        }
    }
}

/// All families; that of waiting clients if there are to be any.
pub(super) fn all(has_waiters: bool) -> Vec<(&'static Family, u32)> {
    let is_spoken_of = |it: &&'static Family| has_waiters || it.name != WAITING;
    let families = FAMILIES.iter().filter(is_spoken_of);
    families.map(|it| (it, it.weight)).collect()
}

/// The families of a conversation with Keytag, and their weights.
///
/// `KEYTAG_FAMILY` names some, with commas between them: they are spoken of nearly all the time, and clients wait
/// only if it names that family.
///
/// # Panics
/// If it names one that does not exist.
pub(super) fn chosen(has_waiters: bool) -> Vec<(&'static Family, u32)> {
    let named = |name: &str| {
        let found = FAMILIES.iter().find(|family| family.name == name);
        found.unwrap_or_else(|| panic!("KEYTAG_FAMILY: there is no family {name:?}"))
    };
    let Ok(chosen) = std::env::var("KEYTAG_FAMILY") else {
        return all(has_waiters);
    };
    let chosen: Vec<&Family> = chosen.split(',').map(named).collect();
    let beside = BESIDE.iter().map(|name| named(name));
    let beside = beside.filter(|family| !chosen.iter().any(|it| it.name == family.name));
    let beside = beside.map(|family| (family, family.weight));
    let chosen = chosen.iter().map(|family| (*family, family.weight * 10));
    beside.chain(chosen).collect()
}

/// Keys that mostly hold one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    String,
    Bitmap,
    Hll,
    List,
    Hash,
    Set,
    Zset,
    /// Sorted sets whose members all have the score 0. No other command than those made for them
    /// names such a key.
    Lex,
    Geo,
    Stream,
    /// What SORT is asked to sort.
    Sort,
}

/// A part of a command.
pub(super) enum Arg {
    /// This word, in any case.
    Word(&'static str),
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
    /// One of these words as they are.
    Exact(&'static [&'static str]),
    /// A key: most often one of the family's own, but one in some is another type's or missing.
    Key,
    /// A key, most often of these.
    KeyOf(Pool),
    Value,
    /// A field or an element: few, so that commands meet, some at the limits of packed encodings.
    Member,
    Integer,
    Float,
    /// An offset into a string.
    Offset,
    /// The number of a bit, at most some thousands.
    BitOffset,
    /// A position in a list, from either end.
    Index,
    /// How many.
    Count,
    /// How many random elements, negative with repetitions; never so many that the reply is huge.
    Picks,
    Score,
    /// An end of a range of scores.
    ScoreBound,
    /// An end of a range of members.
    LexBound,
    /// An entry of a stream that is newer than those before; not by the clock.
    NextId,
    /// An entry of a stream, most often one of the newest.
    StreamId,
    /// An end of a range of entries.
    StreamBound,
    Longitude,
    Latitude,
    Distance,
    Pattern,
    Database,
    /// A relative time.
    Seconds,
    Millis,
    /// An absolute time.
    UnixSeconds,
    UnixMillis,
    /// One to four times.
    Many(&'static [Arg]),
    /// Up to forty times.
    Burst(&'static [Arg]),
    /// One to four times, with how often said before, now and then wrongly.
    Numbered(&'static [Arg]),
    /// The first and the second part, as often as each other: all of the first come first.
    Halves(&'static [Arg], &'static [Arg]),
    /// One of these.
    One(&'static [&'static [Arg]]),
    /// Or not.
    Maybe(&'static [Arg]),
    /// Options in any order, any number of them.
    Soup(&'static [&'static [Arg]]),
}

/// A command.
pub(super) struct Row {
    pub(super) weight: u32,
    pub(super) compare: Compare,
    /// Whether what is stored is looked at afterwards.
    pub(super) is_write: bool,
    pub(super) args: &'static [Arg],
}

const fn write(weight: u32, args: &'static [Arg]) -> Row {
    change(weight, Compare::Same, args)
}

/// A write whose reply is not the same byte for byte.
const fn change(weight: u32, compare: Compare, args: &'static [Arg]) -> Row {
    Row {
        weight,
        compare,
        is_write: true,
        args,
    }
}

const fn read(weight: u32, compare: Compare, args: &'static [Arg]) -> Row {
    Row {
        weight,
        compare,
        is_write: false,
        args,
    }
}
