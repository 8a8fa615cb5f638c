//! Hashes, and the expiry of their fields.

use super::Arg::{
    Burst, Count, Float, Integer, Key, Many, Maybe, Member, Millis, Numbered, OneOf, Pattern,
    Picks, Seconds, Soup, UnixMillis, UnixSeconds, Value, Word,
};
use super::Compare::{self, Packed, Random, Same, Scan, Sort};
use super::{Arg, Row, read, write};

const WHEN: Arg = Maybe(&[OneOf(&[
    "NX", "XX", "GT", "LT", "NX", "XX", "GT", "LT", "x",
])]);

const SCAN: &[&[Arg]] = &[
    &[Word("MATCH"), Pattern],
    &[Word("COUNT"), Count],
    &[Word("NOVALUES")],
];

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(30, &[Word("HSET"), Key, Many(&[Member, Value])]),
    write(6, &[Word("HSET"), Key, Burst(&[Member, Integer])]),
    write(4, &[Word("HMSET"), Key, Many(&[Member, Member])]),
    write(6, &[Word("HSETNX"), Key, Member, Value]),
    write(10, &[Word("HINCRBY"), Key, Member, Integer]),
    write(10, &[Word("HINCRBYFLOAT"), Key, Member, Float]),
    write(8, &[Word("HDEL"), Key, Many(&[Member])]),
    read(8, Same, &[Word("HGET"), Key, Member]),
    read(8, Same, &[Word("HMGET"), Key, Many(&[Member])]),
    read(4, Same, &[Word("HEXISTS"), Key, Member]),
    read(4, Same, &[Word("HSTRLEN"), Key, Member]),
    read(4, Same, &[Word("HLEN"), Key]),
    read(8, Packed, &[Word("HGETALL"), Key]),
    read(4, Packed, &[Word("HKEYS"), Key]),
    read(4, Packed, &[Word("HVALS"), Key]),
    read(6, Random, &[Word("HRANDFIELD"), Key, Maybe(&[Picks, Maybe(&[OneOf(&["WITHVALUES", "WITHVALUES", "x"])])])]),
    read(6, Scan, &[Word("HSCAN"), Key, Word("0"), Soup(SCAN)]),
    read(1, Sort, &[Word("HSCAN"), Key, Integer]),
    write(6, &[Word("HEXPIRE"), Key, Seconds, WHEN, Word("FIELDS"), Numbered(&[Member])]),
    write(6, &[Word("HPEXPIRE"), Key, Millis, WHEN, Word("FIELDS"), Numbered(&[Member])]),
    write(6, &[Word("HEXPIREAT"), Key, UnixSeconds, WHEN, Word("FIELDS"), Numbered(&[Member])]),
    write(6, &[Word("HPEXPIREAT"), Key, UnixMillis, WHEN, Word("FIELDS"), Numbered(&[Member])]),
    read(6, Compare::Seconds, &[Word("HTTL"), Key, Word("FIELDS"), Numbered(&[Member])]),
    read(6, Compare::Millis, &[Word("HPTTL"), Key, Word("FIELDS"), Numbered(&[Member])]),
    read(6, Compare::Seconds, &[Word("HEXPIRETIME"), Key, Word("FIELDS"), Numbered(&[Member])]),
    read(6, Compare::Millis, &[Word("HPEXPIRETIME"), Key, Word("FIELDS"), Numbered(&[Member])]),
    write(6, &[Word("HPERSIST"), Key, Word("FIELDS"), Numbered(&[Member])]),
];
