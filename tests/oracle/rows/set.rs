//! Sets.

use super::Arg::{
    Burst, Count, Integer, Key, KeyOf, Many, Maybe, Member, Numbered, OneOf, Pattern, Picks, Soup,
    Value, Word,
};
use super::Compare::{Intset, Popped, Random, Same, Scan, Sort, Sorted, Stored};
use super::{Arg, Pool, Row, change, read, write};

const SCAN: &[&[Arg]] = &[&[Word("MATCH"), Pattern], &[Word("COUNT"), Count]];

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(20, &[Word("SADD"), Key, Many(&[Member])]),
    write(6, &[Word("SADD"), Key, Burst(&[Member])]),
    write(8, &[Word("SADD"), Key, Burst(&[Integer])]),
    write(3, &[Word("SADD"), Key, Many(&[Value])]),
    write(8, &[Word("SREM"), Key, Many(&[Member])]),
    read(4, Same, &[Word("SCARD"), Key]),
    read(6, Same, &[Word("SISMEMBER"), Key, Member]),
    read(6, Same, &[Word("SMISMEMBER"), Key, Many(&[Member])]),
    read(8, Intset, &[Word("SMEMBERS"), Key]),
    write(6, &[Word("SMOVE"), Key, Key, Member]),
    change(6, Popped, &[Word("SPOP"), Key, Maybe(&[Picks])]),
    read(6, Random, &[Word("SRANDMEMBER"), Key, Maybe(&[Picks])]),
    read(8, Sorted, &[OneOf(&["SDIFF", "SINTER", "SUNION"]), Many(&[Key])]),
    read(2, Sorted, &[OneOf(&["SDIFF", "SINTER", "SUNION"]), Key, KeyOf(Pool::Set), KeyOf(Pool::Set)]),
    change(10, Stored, &[OneOf(&["SDIFFSTORE", "SINTERSTORE", "SUNIONSTORE"]), Key, Many(&[Key])]),
    read(6, Same, &[Word("SINTERCARD"), Numbered(&[Key]), Maybe(&[Word("LIMIT"), Count])]),
    read(6, Scan, &[Word("SSCAN"), Key, Word("0"), Soup(SCAN)]),
    read(1, Sort, &[Word("SSCAN"), Key, Integer]),
];
