//! The server: options, statistics, its own description.

use super::Arg::{Database, Integer, Key, Many, Maybe, OneOf, Value, Word};
use super::Compare::{self, Footprint, Same, Sort, Sorted};
use super::{Row, read, write};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    // An expired key counts until somebody looks: when that is differs.
    read(2, Sort, &[Word("DBSIZE")]),
    write(1, &[OneOf(&["FLUSHDB", "FLUSHALL"]), Maybe(&[OneOf(&["ASYNC", "SYNC", "x"])])]),
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
];
