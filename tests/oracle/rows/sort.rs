//! SORT: of lists, sets and sorted sets, by themselves or by what other keys say.
//!
//! Where two elements weigh the same, Redis leaves their order to the C library: such replies are
//! compared as a whole, and neither cut nor stored.

use super::Arg::{
    Burst, Exact, Index, Integer, Key, KeyOf, Many, Maybe, Member, OneOf, Score, Soup, Word,
};
use super::Compare::{Same, Sorted};
use super::{Arg, Pool, Row, read, write};

const ELEMENT: Arg = Exact(&["1", "2", "3", "4", "5", "10", "-7", "2.5"]);

/// Nothing that is nearly 0: when Redis 7.4.1 unpacks a sorted set to sort it, C's `errno` remembers that such a score was
/// rounded, and the members are then refused as no numbers, once.
const SCORE: Arg = Exact(&["0", "1", "2", "-3", "0.5", "1e9", "inf", "-inf"]);

const GET: Arg = Exact(&["v_*"]);

const NUMERIC: &[&[Arg]] = &[
    &[Word("ASC")],
    &[Word("DESC")],
    &[Word("LIMIT"), Index, Index],
    &[Word("GET"), GET],
    &[Word("GET"), Exact(&["#"])],
    &[Word("GET"), Exact(&["h_*->f"])],
];

const BY: &[&[Arg]] = &[
    &[Word("BY"), Exact(&["w_*"])],
    &[Word("BY"), Exact(&["h_*->f"])],
    &[Word("BY"), Exact(&["v_*->"])],
    &[Word("GET"), GET],
    &[Word("GET"), Exact(&["#"])],
    &[Word("ASC")],
    &[Word("DESC")],
];

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(8, &[Word("RPUSH"), Exact(&["sort:list"]), Burst(&[ELEMENT])]),
    write(4, &[Word("SADD"), Exact(&["sort:set"]), Many(&[ELEMENT])]),
    write(4, &[Word("ZADD"), Exact(&["sort:zset"]), Many(&[SCORE, ELEMENT])]),
    write(2, &[Word("RPUSH"), Exact(&["sort:words"]), Burst(&[Member])]),
    write(4, &[Word("MSET"), Exact(&["w_1", "w_2", "w_3", "w_10"]), Integer, Exact(&["v_1", "v_2", "v_3", "v_5"]), Member]),
    write(3, &[Word("HSET"), Exact(&["h_1", "h_2", "h_3"]), Exact(&["f"]), Score]),
    read(12, Same, &[OneOf(&["SORT", "SORT_RO"]), Key, Soup(NUMERIC)]),
    read(8, Sorted, &[OneOf(&["SORT", "SORT_RO"]), Key, Soup(BY), Word("ALPHA")]),
    read(4, Same, &[OneOf(&["SORT", "SORT_RO"]), Exact(&["sort:list"]), Soup(NUMERIC), Soup(NUMERIC), Word("ALPHA")]),
    read(8, Same, &[OneOf(&["SORT", "SORT_RO"]), Key, Soup(BY)]),
    read(4, Sorted, &[Word("SORT"), Key, Word("BY"), Word("nosort"), Maybe(&[Word("GET"), GET])]),
    // Other commands do not name these: they hold nothing whose order is a hash table's.
    write(2, &[Word("RPUSH"), Exact(&["own:list"]), Burst(&[ELEMENT])]),
    write(2, &[Word("ZADD"), Exact(&["own:zset"]), Many(&[SCORE, ELEMENT])]),
    read(3, Same, &[Word("SORT"), Exact(&["own:zset"]), Word("BY"), Word("nosort"), Soup(NUMERIC)]),
    read(2, Same, &[Word("SORT"), Exact(&["own:list"]), Word("BY"), Word("nosort"), Soup(NUMERIC)]),
    write(6, &[Word("SORT"), Key, Soup(NUMERIC), Word("STORE"), KeyOf(Pool::List)]),
    write(3, &[Word("SORT"), Exact(&["sort:list"]), Word("ALPHA"), Soup(NUMERIC), Word("STORE"), KeyOf(Pool::List)]),
    write(1, &[Word("SORT_RO"), Key, Word("STORE"), Key]),
    write(2, &[Word("DEL"), Key]),
    write(1, &[Word("DEL"), Exact(&["own:list", "own:zset"])]),
];
