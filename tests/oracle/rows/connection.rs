//! The connection itself.

use super::Arg::{Database, Many, Maybe, OneOf, Soup, Value, Word};
use super::Compare::{Same, Sort};
use super::{Row, read};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    read(6, Same, &[Word("SELECT"), Database]),
    read(4, Same, &[Word("PING"), Maybe(&[Value])]),
    read(3, Same, &[Word("ECHO"), Value]),
    read(2, Same, &[Word("AUTH"), Many(&[Value])]),
    read(2, Same, &[Word("RESET")]),
    read(2, Sort, &[Word("HELLO"), OneOf(&["2", "3", "3", "4", "x"]), Soup(&[
        &[Word("SETNAME"), Value], &[Word("AUTH"), OneOf(&["default", "other"]), Value],
    ])]),
    read(3, Same, &[Word("CLIENT"), Word("SETNAME"), Value]),
    read(3, Same, &[Word("CLIENT"), Word("GETNAME")]),
    read(2, Same, &[Word("CLIENT"), Word("SETINFO"), OneOf(&["LIB-NAME", "LIB-VER", "NONE"]), Value]),
    read(1, Same, &[Word("CLIENT"), OneOf(&["NO-EVICT", "NO-TOUCH"]), OneOf(&["ON", "OFF", "x"])]),
    read(1, Sort, &[Word("CLIENT"), OneOf(&["ID", "INFO", "LIST"])]),
    read(1, Sort, &[Word("CLIENT"), Word("LIST"), Word("TYPE"), OneOf(&["normal", "replica", "slave", "pubsub", "x"])]),
    read(1, Same, &[Word("CLIENT"), Word("KILL"), Soup(&[
        &[Word("ID"), OneOf(&["999999999", "0", "x"])],
        &[Word("TYPE"), OneOf(&["replica", "pubsub", "x"])],
        &[Word("USER"), OneOf(&["nobody", "default"]), Word("ID"), Word("999999999")],
        &[Word("ADDR"), OneOf(&["1.2.3.4:5", "x"])],
        &[Word("LADDR"), OneOf(&["1.2.3.4:5", "x"])],
        &[Word("SKIPME"), OneOf(&["yes", "x"])],
        &[Word("MAXAGE"), OneOf(&["999999999", "x"])],
    ])]),
    read(1, Same, &[Word("CLIENT"), Word("UNBLOCK"), OneOf(&["999999999", "x"]), Maybe(&[OneOf(&["TIMEOUT", "ERROR", "x"])])]),
    read(1, Same, &[Word("CLIENT"), Word("UNPAUSE")]),
    read(1, Same, &[Word("CLIENT"), OneOf(&["HELP", "NONE"])]),
];
