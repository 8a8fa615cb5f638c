//! Streams and their consumer groups. No entry is named by the clock.

use super::Arg::{
    Burst, Count, Exact, Halves, Index, Key, Many, Maybe, Member, NextId, One, OneOf, Soup,
    StreamBound, StreamId, Value, Word,
};
use super::Compare::{Idle, Same};
use super::{Arg, Row, read, write};

const GROUP: Arg = Exact(&["g", "g", "g", "g", "h", "h", "none"]);

const CONSUMER: Arg = Exact(&["alice", "alice", "bob", "carol", ""]);

/// Nothing has waited so long by itself, and nothing that was said to have is as young.
const IDLE: Arg = OneOf(&["0", "0", "0", "3000000", "-1", "x", "9223372036854775807"]);

const SINCE: Arg = OneOf(&["0", "1", "6000000", "6000000", "9000000000", "-1", "x"]);

const TRIM: &[&[Arg]] = &[
    &[Word("MAXLEN"), Count],
    &[Word("MAXLEN"), Word("="), Count],
    &[Word("MAXLEN"), Word("~"), Count],
    &[Word("MAXLEN"), Word("~"), Count, Word("LIMIT"), Count],
    &[Word("MINID"), StreamId],
    &[Word("MINID"), Word("~"), StreamId],
    &[Word("MINID"), Word("="), StreamId, Word("LIMIT"), Count],
];

const ADD: &[&[Arg]] = &[
    &[Word("NOMKSTREAM")],
    &[Word("MAXLEN"), Count],
    &[Word("MAXLEN"), Word("~"), Count],
    &[Word("MINID"), StreamId],
    &[Word("MINID"), Word("~"), StreamId, Word("LIMIT"), Count],
];

const READ: &[&[Arg]] = &[&[Word("COUNT"), Count], &[Word("NOACK")]];

const CLAIM: &[&[Arg]] = &[
    &[Word("IDLE"), SINCE],
    &[
        Word("TIME"),
        OneOf(&["1700000000000", "1", "x", "9223372036854775807"]),
    ],
    &[Word("RETRYCOUNT"), Count],
    &[Word("FORCE")],
    &[Word("FORCE")],
    &[Word("JUSTID")],
    &[Word("LASTID"), StreamId],
];

const READ_UP_TO: Arg = Maybe(&[
    Word("ENTRIESREAD"),
    OneOf(&["0", "1", "3", "10", "-1", "-2", "x"]),
]);

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(30, &[Word("XADD"), Key, NextId, Many(&[Member, Member])]),
    write(8, &[Word("XADD"), Key, Soup(ADD), NextId, Many(&[Member, Value])]),
    write(4, &[Word("XADD"), Key, NextId, Burst(&[Member, Member])]),
    // The same fields as before are stored once.
    write(12, &[Word("XADD"), Key, NextId, Exact(&["field"]), Member, Exact(&["other"]), Member]),
    write(6, &[Word("XDEL"), Key, Many(&[StreamId])]),
    write(6, &[Word("XTRIM"), Key, One(TRIM)]),
    read(4, Same, &[Word("XLEN"), Key]),
    read(10, Same, &[Word("XRANGE"), Key, StreamBound, StreamBound, Maybe(&[Word("COUNT"), Count])]),
    read(8, Same, &[Word("XREVRANGE"), Key, StreamBound, StreamBound, Maybe(&[Word("COUNT"), Count])]),
    read(4, Same, &[Word("XRANGE"), Key, Word("-"), Word("+")]),
    read(8, Same, &[Word("XREAD"), Soup(READ), Word("STREAMS"), Halves(&[Key], &[StreamBound])]),
    write(14, &[Word("XREADGROUP"), Word("GROUP"), GROUP, CONSUMER, Soup(READ), Word("STREAMS"), Key, Word(">")]),
    write(4, &[Word("XREADGROUP"), Word("GROUP"), GROUP, CONSUMER, Soup(READ), Word("STREAMS"), Halves(&[Key], &[Word(">")])]),
    write(8, &[Word("XREADGROUP"), Word("GROUP"), GROUP, CONSUMER, Soup(READ), Word("STREAMS"), Key, StreamBound]),
    write(12, &[Word("XGROUP"), Word("CREATE"), Key, GROUP, Exact(&["0", "$"]), Word("MKSTREAM")]),
    write(8, &[Word("XGROUP"), Word("CREATE"), Key, GROUP, OneOf(&["$", "0", "0", "5-0", "x"]), Maybe(&[Word("MKSTREAM")]), READ_UP_TO]),
    write(1, &[Word("XGROUP"), Word("DESTROY"), Key, GROUP]),
    write(4, &[Word("XGROUP"), Word("SETID"), Key, GROUP, OneOf(&["$", "0", "5-0", "3", "x"]), READ_UP_TO]),
    write(4, &[Word("XGROUP"), OneOf(&["CREATECONSUMER", "DELCONSUMER"]), Key, GROUP, CONSUMER]),
    read(1, Same, &[Word("XGROUP"), OneOf(&["HELP", "NONE"])]),
    write(8, &[Word("XACK"), Key, GROUP, Many(&[StreamId])]),
    read(6, Same, &[Word("XPENDING"), Key, GROUP]),
    read(8, Idle, &[Word("XPENDING"), Key, GROUP, Maybe(&[Word("IDLE"), IDLE]), StreamBound, StreamBound, Count, Maybe(&[CONSUMER])]),
    write(10, &[Word("XCLAIM"), Key, GROUP, CONSUMER, IDLE, Many(&[StreamId]), Soup(CLAIM)]),
    write(8, &[Word("XAUTOCLAIM"), Key, GROUP, CONSUMER, IDLE, StreamBound, Maybe(&[Word("COUNT"), Count]), Maybe(&[Word("JUSTID")])]),
    write(4, &[Word("XSETID"), Key, NextId, Soup(&[&[Word("ENTRIESADDED"), Count], &[Word("MAXDELETEDID"), StreamId]])]),
    read(6, Idle, &[Word("XINFO"), Word("STREAM"), Key]),
    read(6, Idle, &[Word("XINFO"), Word("STREAM"), Key, Word("FULL"), Maybe(&[Word("COUNT"), Index])]),
    read(4, Same, &[Word("XINFO"), Word("GROUPS"), Key]),
    read(4, Idle, &[Word("XINFO"), Word("CONSUMERS"), Key, GROUP]),
    read(1, Same, &[Word("XINFO"), OneOf(&["HELP", "NONE"])]),
];
