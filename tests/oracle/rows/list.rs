//! Lists.

use super::Arg::{
    Burst, Count, Index, Integer, Key, Many, Maybe, Member, Numbered, OneOf, Soup, Value, Word,
};
use super::Compare::Same;
use super::{Arg, Row, read, write};

const END: Arg = OneOf(&["LEFT", "RIGHT", "LEFT", "RIGHT", "x"]);

const LPOS: &[&[Arg]] = &[
    &[Word("RANK"), Index],
    &[Word("COUNT"), Count],
    &[Word("MAXLEN"), Count],
];

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(14, &[Word("LPUSH"), Key, Many(&[Member])]),
    write(14, &[Word("RPUSH"), Key, Many(&[Member])]),
    write(4, &[Word("RPUSH"), Key, Burst(&[Member])]),
    write(4, &[Word("RPUSH"), Key, Burst(&[Value])]),
    write(4, &[Word("LPUSH"), Key, Burst(&[Integer])]),
    write(4, &[Word("LPUSHX"), Key, Many(&[Member])]),
    write(4, &[Word("RPUSHX"), Key, Many(&[Value])]),
    write(8, &[Word("LPOP"), Key, Maybe(&[Count])]),
    write(8, &[Word("RPOP"), Key, Maybe(&[Count])]),
    read(6, Same, &[Word("LLEN"), Key]),
    read(10, Same, &[Word("LINDEX"), Key, Index]),
    write(10, &[Word("LSET"), Key, Index, Member]),
    write(2, &[Word("LSET"), Key, Index, Value]),
    write(10, &[Word("LINSERT"), Key, OneOf(&["BEFORE", "AFTER", "BEFORE", "AFTER", "x"]), Member, Member]),
    read(12, Same, &[Word("LRANGE"), Key, Index, Index]),
    read(6, Same, &[Word("LRANGE"), Key, Word("0"), Word("-1")]),
    write(4, &[Word("LTRIM"), Key, Index, Index]),
    write(8, &[Word("LREM"), Key, Index, Member]),
    read(10, Same, &[Word("LPOS"), Key, Member, Soup(LPOS)]),
    write(8, &[Word("LMOVE"), Key, Key, END, END]),
    write(5, &[Word("RPOPLPUSH"), Key, Key]),
    write(6, &[Word("LMPOP"), Numbered(&[Key]), END, Maybe(&[Word("COUNT"), Count])]),
];
