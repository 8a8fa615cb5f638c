//! Strings as arrays of bits.

use super::Arg::{BitOffset, Index, Integer, Key, KeyOf, Many, Maybe, OneOf, Soup, Value, Word};
use super::Compare::Same;
use super::{Arg, Pool, Row, read, write};

const TYPE: Arg = OneOf(&[
    "u1", "u2", "u5", "u8", "u13", "u32", "u63", "i1", "i2", "i5", "i8", "i16", "i33", "i63",
    "i64", "u64", "u0", "i65", "x8", "u", "i-1",
]);

/// A bit, or a multiple of the type's width.
const AT: Arg = OneOf(&[
    "0",
    "1",
    "3",
    "7",
    "8",
    "12",
    "60",
    "100",
    "777",
    "#0",
    "#1",
    "#2",
    "#9",
    "#31",
    "-1",
    "#-1",
    "#",
    "x",
    "",
    "4294967295999",
]);

const UNIT: Arg = OneOf(&["BYTE", "BIT", "x"]);

const FIELDS: &[&[Arg]] = &[
    &[Word("GET"), TYPE, AT],
    &[Word("GET"), TYPE, AT],
    &[Word("SET"), TYPE, AT, Integer],
    &[Word("SET"), TYPE, AT, Integer],
    &[Word("INCRBY"), TYPE, AT, Integer],
    &[Word("INCRBY"), TYPE, AT, Integer],
    &[
        Word("OVERFLOW"),
        OneOf(&["WRAP", "SAT", "FAIL", "SAT", "FAIL", "x"]),
    ],
    &[
        Word("OVERFLOW"),
        OneOf(&["WRAP", "SAT", "FAIL"]),
        Word("INCRBY"),
        TYPE,
        AT,
        Integer,
    ],
];

const READ_FIELDS: &[&[Arg]] = &[
    &[Word("GET"), TYPE, AT],
    &[Word("GET"), TYPE, AT],
    &[Word("GET"), TYPE, AT],
    &[Word("SET"), TYPE, AT, Integer],
    &[Word("OVERFLOW"), Word("SAT")],
];

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(12, &[Word("SETBIT"), Key, BitOffset, OneOf(&["0", "1", "1", "2", "x"])]),
    read(6, Same, &[Word("GETBIT"), Key, BitOffset]),
    read(8, Same, &[Word("BITCOUNT"), Key, Maybe(&[Index, Index, Maybe(&[UNIT])])]),
    read(8, Same, &[Word("BITPOS"), Key, OneOf(&["0", "1", "1", "2"]), Maybe(&[Index, Maybe(&[Index, Maybe(&[UNIT])])])]),
    write(8, &[Word("BITOP"), OneOf(&["AND", "OR", "XOR", "NOT"]), Key, Many(&[Key])]),
    write(3, &[Word("BITOP"), Word("NOT"), Key, Key]),
    write(2, &[Word("BITOP"), OneOf(&["AND", "OR", "XOR", "x"]), Key, Key, KeyOf(Pool::String)]),
    write(16, &[Word("BITFIELD"), Key, Soup(FIELDS), Soup(FIELDS)]),
    read(5, Same, &[Word("BITFIELD_RO"), Key, Soup(READ_FIELDS)]),
    read(6, Same, &[Word("GET"), Key]),
    write(3, &[Word("SET"), Key, Value]),
    write(1, &[Word("DEL"), Key]),
];
