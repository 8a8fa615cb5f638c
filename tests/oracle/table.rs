//! Which commands are said, with what arguments, how often.

use fastrand::Rng;

use super::compare::Compare;
use Arg::{
    Database, Float, Integer, Key, Many, Maybe, Millis, Offset, OneOf, Pattern, Seconds, Soup,
    UnixMillis, UnixSeconds, Value, Word,
};
use Compare::{Footprint, Same, Scan, Sort, Sorted};

/// A part of a command.
pub(super) enum Arg {
    /// This word, in any case.
    Word(&'static str),
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
    Key,
    Value,
    Integer,
    Float,
    /// An offset into a string.
    Offset,
    Pattern,
    Database,
    /// A relative time.
    Seconds,
    Millis,
    /// An absolute time.
    UnixSeconds,
    UnixMillis,
    /// One to four times.
    Many(&'static [Arg]),
    /// Or not.
    Maybe(&'static [Arg]),
    /// Options in any order, any number of them.
    Soup(&'static [&'static [Arg]]),
}

/// A command.
pub(super) struct Row {
    weight: u32,
    pub(super) compare: Compare,
    /// Whether encodings are looked at afterwards.
    pub(super) is_write: bool,
    pub(super) args: &'static [Arg],
}

const fn write(weight: u32, args: &'static [Arg]) -> Row {
    Row {
        weight,
        compare: Same,
        is_write: true,
        args,
    }
}

const fn read(weight: u32, compare: Compare, args: &'static [Arg]) -> Row {
    Row {
        weight,
        compare,
        is_write: false,
        args,
    }
}

/// A row, by weight.
pub(super) fn pick(rng: &mut Rng) -> &'static Row {
    let total: u32 = ROWS.iter().map(|row| row.weight).sum();
    let mut at = rng.u32(..total);
    for row in ROWS {
        match at.checked_sub(row.weight) {
            Some(rest) => at = rest,
            None => return row,
        }
    }
    unreachable!("the weights add up to {total}")
}

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

const WHEN: &[&[Arg]] = &[&[Word("NX")], &[Word("XX")], &[Word("GT")], &[Word("LT")]];

#[rustfmt::skip]
static ROWS: &[Row] = &[
    // string
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

    // generic
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

    // connection
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

    // server
    // An expired key counts until somebody looks: when that is differs.
    read(2, Sort, &[Word("DBSIZE")]),
    write(1, &[Word("FLUSHDB"), Maybe(&[OneOf(&["ASYNC", "SYNC", "x"])])]),
    write(1, &[Word("FLUSHALL"), Maybe(&[OneOf(&["ASYNC", "SYNC", "x"])])]),
    write(3, &[Word("SWAPDB"), Database, Database]),
    read(1, Sort, &[Word("TIME")]),
    read(1, Sort, &[Word("LASTSAVE")]),
    read(1, Sort, &[Word("LOLWUT"), Maybe(&[Word("VERSION"), OneOf(&["5", "6", "x"])])]),
    read(1, Footprint, &[Word("MEMORY"), Word("USAGE"), Key, Maybe(&[Word("SAMPLES"), Integer])]),
    read(1, Same, &[Word("MEMORY"), OneOf(&["HELP", "PURGE", "NONE"])]),
    read(1, Same, &[Word("SLOWLOG"), OneOf(&["GET", "LEN", "RESET", "HELP", "NONE"]), Maybe(&[Integer])]),
    read(1, Same, &[Word("LATENCY"), OneOf(&["LATEST", "RESET", "HELP", "NONE"])]),
    read(1, Same, &[Word("LATENCY"), OneOf(&["HISTORY", "GRAPH"]), Value]),
    read(3, Sorted, &[Word("CONFIG"), Word("GET"), Many(&[OneOf(&[
        "maxmemory-policy", "maxmemory-samples", "hash-max-listpack-entries", "hash-max-ziplist-entries", "databases",
        "slowlog-max-len", "list-max-listpack-size", "appendfsync", "save", "none", "lfu-*", "repl-backlog-size",
        "client-output-buffer-limit", "maxmemory-clients", "oom-score-adj-values", "notify-keyspace-events",
    ])])]),
    read(4, Same, &[Word("CONFIG"), Word("SET"), Many(&[
        OneOf(&[
            "maxmemory-samples", "hash-max-listpack-entries", "hash-max-ziplist-entries", "slowlog-max-len",
            "list-max-listpack-size", "lfu-decay-time", "none", "databases", "repl-backlog-size",
            "tracking-table-max-keys", "maxmemory-eviction-tenacity", "set-max-intset-entries",
        ]),
        OneOf(&["0", "1", "-1", "-5", "10", "64", "100", "128", "1mb", "1.5gb", "2KB", "50%", "yes", "", "x", "9999999999999999999"]),
    ])]),
    read(1, Compare::Policy, &[Word("CONFIG"), Word("SET"), Word("maxmemory-policy"), OneOf(&[
        "noeviction", "allkeys-lru", "volatile-lru", "allkeys-random", "volatile-random", "volatile-ttl", "x", "",
        "allkeys-lfu", "volatile-lfu",
    ])]),
    read(1, Same, &[Word("CONFIG"), OneOf(&["RESETSTAT", "HELP", "NONE"])]),
    read(2, Same, &[Word("COMMAND"), Word("GETKEYS"), OneOf(&["SET", "GET", "MSET", "MGET", "LCS", "COPY", "PING", "none"]), Many(&[Key])]),
    read(1, Same, &[Word("COMMAND"), Word("GETKEYSANDFLAGS"), OneOf(&["SET", "GET", "MSET", "MGET", "LCS", "COPY", "PING", "none"]), Many(&[Key])]),
    read(1, Sorted, &[Word("COMMAND"), Word("INFO"), Many(&[OneOf(&["get", "set", "object", "object|freq", "client|no-evict", "none", "none|x", ""])])]),
    read(1, Same, &[Word("COMMAND"), OneOf(&["HELP", "NONE"])]),

    // transactions
    read(12, Same, &[Word("MULTI")]),
    read(12, Same, &[Word("EXEC")]),
    read(2, Same, &[Word("DISCARD")]),
    read(8, Same, &[Word("WATCH"), Many(&[Key])]),
    read(2, Same, &[Word("UNWATCH")]),
];
