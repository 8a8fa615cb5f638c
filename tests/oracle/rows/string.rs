//! Strings.

use super::Arg::{
    Float, Integer, Key, Many, Millis, Offset, Seconds, Soup, UnixMillis, UnixSeconds, Value, Word,
};
use super::Compare::Same;
use super::{Arg, Row, read, write};

const EXPIRY: &[&[Arg]] = &[
    &[Word("EX"), Seconds],
    &[Word("PX"), Millis],
    &[Word("EXAT"), UnixSeconds],
    &[Word("PXAT"), UnixMillis],
    &[Word("EX"), Seconds],
    &[Word("PERSIST")],
    &[Word("KEEPTTL")],
];

const SET: &[&[Arg]] = &[
    &[Word("NX")],
    &[Word("XX")],
    &[Word("GET")],
    &[Word("KEEPTTL")],
    &[Word("EX"), Seconds],
    &[Word("PX"), Millis],
    &[Word("EXAT"), UnixSeconds],
    &[Word("PXAT"), UnixMillis],
];

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(40, &[Word("SET"), Key, Value, Soup(SET)]),
    write(10, &[Word("SET"), Key, Integer]),
    write(8, &[Word("APPEND"), Key, Value]),
    write(8, &[Word("INCR"), Key]),
    write(8, &[Word("DECR"), Key]),
    write(8, &[Word("INCRBY"), Key, Integer]),
    write(8, &[Word("DECRBY"), Key, Integer]),
    write(10, &[Word("INCRBYFLOAT"), Key, Float]),
    read(20, Same, &[Word("GET"), Key]),
    write(5, &[Word("GETDEL"), Key]),
    write(12, &[Word("GETEX"), Key, Soup(EXPIRY)]),
    read(10, Same, &[Word("GETRANGE"), Key, Offset, Offset]),
    read(3, Same, &[Word("SUBSTR"), Key, Offset, Offset]),
    write(5, &[Word("GETSET"), Key, Value]),
    read(8, Same, &[Word("LCS"), Key, Key, Soup(&[
        &[Word("LEN")], &[Word("IDX")], &[Word("WITHMATCHLEN")], &[Word("MINMATCHLEN"), Integer],
    ])]),
    read(8, Same, &[Word("MGET"), Many(&[Key])]),
    write(8, &[Word("MSET"), Many(&[Key, Value])]),
    write(5, &[Word("MSETNX"), Many(&[Key, Value])]),
    write(5, &[Word("SETEX"), Key, Seconds, Value]),
    write(5, &[Word("PSETEX"), Key, Millis, Value]),
    write(5, &[Word("SETNX"), Key, Value]),
    write(10, &[Word("SETRANGE"), Key, Offset, Value]),
    read(8, Same, &[Word("STRLEN"), Key]),
];
