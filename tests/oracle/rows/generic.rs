//! Keys, whatever they hold.

use super::Arg::{
    Database, Integer, Key, Many, Millis, OneOf, Pattern, Seconds, Soup, UnixMillis, UnixSeconds,
    Word,
};
use super::Compare::{self, Same, Scan, Sort, Sorted};
use super::{Arg, Row, read, write};

const WHEN: &[&[Arg]] = &[&[Word("NX")], &[Word("XX")], &[Word("GT")], &[Word("LT")]];

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(8, &[Word("COPY"), Key, Key, Soup(&[&[Word("DB"), Database], &[Word("REPLACE")]])]),
    write(8, &[Word("DEL"), Many(&[Key])]),
    write(4, &[Word("UNLINK"), Many(&[Key])]),
    read(5, Same, &[Word("EXISTS"), Many(&[Key])]),
    read(3, Same, &[Word("TOUCH"), Many(&[Key])]),
    write(10, &[Word("EXPIRE"), Key, Seconds, Soup(WHEN)]),
    write(10, &[Word("PEXPIRE"), Key, Millis, Soup(WHEN)]),
    write(10, &[Word("EXPIREAT"), Key, UnixSeconds, Soup(WHEN)]),
    write(10, &[Word("PEXPIREAT"), Key, UnixMillis, Soup(WHEN)]),
    read(8, Compare::Seconds, &[Word("TTL"), Key]),
    read(8, Compare::Millis, &[Word("PTTL"), Key]),
    read(8, Compare::Seconds, &[Word("EXPIRETIME"), Key]),
    read(8, Compare::Millis, &[Word("PEXPIRETIME"), Key]),
    write(6, &[Word("PERSIST"), Key]),
    read(6, Sorted, &[Word("KEYS"), Pattern]),
    write(6, &[Word("MOVE"), Key, Database]),
    read(4, Sort, &[Word("RANDOMKEY")]),
    write(8, &[Word("RENAME"), Key, Key]),
    write(6, &[Word("RENAMENX"), Key, Key]),
    read(8, Scan, &[Word("SCAN"), Word("0"), Soup(&[
        &[Word("MATCH"), Pattern], &[Word("COUNT"), Integer], &[Word("TYPE"), OneOf(&["string", "list", "none", "x"])],
    ])]),
    read(2, Sort, &[Word("SCAN"), Integer]),
    read(5, Same, &[Word("TYPE"), Key]),
    read(4, Same, &[Word("OBJECT"), Word("ENCODING"), Key]),
    // Redis counts the words of a transaction that is still running, and copies what it shares.
    read(1, Sort, &[Word("OBJECT"), Word("REFCOUNT"), Key]),
    // After a change between LRU and LFU policies the clocks are read as what they are not.
    read(3, Sort, &[Word("OBJECT"), Word("IDLETIME"), Key]),
    read(2, Sort, &[Word("OBJECT"), Word("FREQ"), Key]),
    read(1, Same, &[Word("OBJECT"), OneOf(&["HELP", "NONE"])]),
    read(1, Same, &[Word("WAIT"), Word("0"), Word("0")]),
    read(1, Same, &[Word("WAITAOF"), OneOf(&["0", "1"]), Word("0"), Word("0")]),
];
