//! Commands that may wait: outside of transactions they are said on connections that do nothing else.
//!
//! They wait for ever, or so long that the conversation is over before.

use super::Arg::{Count, Exact, Halves, KeyOf, Many, Maybe, Numbered, OneOf, StreamBound, Word};
use super::{Arg, Pool, Row, write};

const TIMEOUT: Arg = OneOf(&[
    "0", "0", "0", "1000", "1000.5", "-1", "x", "1e400", "nan", "",
]);

const MILLIS: Arg = OneOf(&["0", "0", "0", "1000000", "-1", "x", "1.5"]);

const END: Arg = OneOf(&["LEFT", "RIGHT", "LEFT", "RIGHT", "x"]);

const LIST: Arg = KeyOf(Pool::List);

const ZSET: Arg = KeyOf(Pool::Zset);

const STREAM: Arg = KeyOf(Pool::Stream);

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(10, &[OneOf(&["BLPOP", "BRPOP"]), Many(&[LIST]), TIMEOUT]),
    write(6, &[Word("BLMOVE"), LIST, LIST, END, END, TIMEOUT]),
    write(3, &[Word("BRPOPLPUSH"), LIST, LIST, TIMEOUT]),
    write(6, &[Word("BLMPOP"), TIMEOUT, Numbered(&[LIST]), END, Maybe(&[Word("COUNT"), Count])]),
    write(8, &[OneOf(&["BZPOPMIN", "BZPOPMAX"]), Many(&[ZSET]), TIMEOUT]),
    write(6, &[Word("BZMPOP"), TIMEOUT, Numbered(&[ZSET]), OneOf(&["MIN", "MAX", "x"]), Maybe(&[Word("COUNT"), Count])]),
    write(6, &[Word("XREAD"), Word("BLOCK"), MILLIS, Word("STREAMS"), Halves(&[STREAM], &[OneOf(&["$", "$", "+", "0"])])]),
    write(3, &[Word("XREAD"), Word("COUNT"), Count, Word("BLOCK"), MILLIS, Word("STREAMS"), STREAM, StreamBound]),
    write(6, &[
        Word("XREADGROUP"), Word("GROUP"), Exact(&["g", "h"]), Exact(&["alice", "bob"]), Word("BLOCK"), MILLIS,
        Word("STREAMS"), STREAM, Word(">"),
    ]),
];
