//! The commands that take a key of any type.

use std::time::{Duration, Instant};

use crate::support::logged::logged_alike;
use crate::support::{Kind, Server, transcript};

#[test]
fn del_unlink_exists_touch_count_keys() {
    transcript(
        r#"
        > MSET a 1 b 2 c 3
        OK
        > EXISTS a a none b
        (integer) 3
        > TOUCH a none
        (integer) 1
        > DEL a none a
        (integer) 1
        > UNLINK b b
        (integer) 1
        > EXISTS a b c
        (integer) 1
        > DEL
        (error) ERR wrong number of arguments for 'del' command
        > UNLINK
        (error) ERR wrong number of arguments for 'unlink' command
        > EXISTS
        (error) ERR wrong number of arguments for 'exists' command
        > TOUCH
        (error) ERR wrong number of arguments for 'touch' command
        "#,
    );
}

#[test]
fn type_names_the_type() {
    transcript(
        r#"
        > SET k v
        OK
        > TYPE k
        string
        > TYPE none
        none
        > TYPE
        (error) ERR wrong number of arguments for 'type' command
        > TYPE a b
        (error) ERR wrong number of arguments for 'type' command
        "#,
    );
}

#[test]
fn rename_moves_value_and_expiry() {
    transcript(
        r#"
        > SET a 1 PXAT 4000000000000
        OK
        > SET b 2
        OK
        > RENAME a b
        OK
        > GET b
        "1"
        > PEXPIRETIME b
        (integer) 4000000000000
        > EXISTS a
        (integer) 0
        > RENAME none x
        (error) ERR no such key
        > RENAME b b
        OK
        > SET c 3
        OK
        > RENAME c b
        OK
        > PEXPIRETIME b
        (integer) -1
        > RENAME a
        (error) ERR wrong number of arguments for 'rename' command
        "#,
    );
}

#[test]
fn renamenx_does_not_overwrite() {
    transcript(
        r#"
        > MSET a 1 b 2
        OK
        > RENAMENX a b
        (integer) 0
        > RENAMENX a a
        (integer) 0
        > RENAMENX a c
        (integer) 1
        > MGET a b c
        1) (nil)
        2) "2"
        3) "1"
        > RENAMENX none x
        (error) ERR no such key
        > RENAMENX a
        (error) ERR wrong number of arguments for 'renamenx' command
        "#,
    );
}

#[test]
fn copy_copies_value_and_expiry() {
    transcript(
        r#"
        > SET a 1 PXAT 4000000000000
        OK
        > COPY a b
        (integer) 1
        > GET b
        "1"
        > PEXPIRETIME b
        (integer) 4000000000000
        > COPY a b
        (integer) 0
        > SET a 2
        OK
        > COPY a b REPLACE
        (integer) 1
        > GET b
        "2"
        > COPY a a
        (error) ERR source and destination objects are the same
        > COPY a b DB 3
        (integer) 1
        > COPY a b DB 3
        (integer) 0
        > COPY a a DB 3
        (integer) 1
        > SELECT 3
        OK
        > GET b
        "2"
        > SELECT 0
        OK
        > COPY none x
        (integer) 0
        > COPY a b DB 16
        (error) ERR DB index is out of range
        > COPY a b DB -1
        (error) ERR DB index is out of range
        > COPY a b DB x
        (error) ERR value is not an integer or out of range
        > COPY a b DB
        (error) ERR syntax error
        > COPY a b WHAT
        (error) ERR syntax error
        > COPY a a DB 0
        (error) ERR source and destination objects are the same
        > COPY a
        (error) ERR wrong number of arguments for 'copy' command
        "#,
    );
}

#[test]
fn move_takes_a_key_to_another_database() {
    transcript(
        r#"
        > SET a 1 PXAT 4000000000000
        OK
        > MOVE a 1
        (integer) 1
        > EXISTS a
        (integer) 0
        > SELECT 1
        OK
        > GET a
        "1"
        > PEXPIRETIME a
        (integer) 4000000000000
        > SELECT 0
        OK
        > SET a 2
        OK
        > MOVE a 1
        (integer) 0
        > GET a
        "2"
        > MOVE none 1
        (integer) 0
        > MOVE a 0
        (error) ERR source and destination objects are the same
        > MOVE a 16
        (error) ERR DB index is out of range
        > MOVE a x
        (error) ERR value is not an integer or out of range
        > MOVE a -1
        (error) ERR DB index is out of range
        > MOVE a
        (error) ERR wrong number of arguments for 'move' command
        "#,
    );
}

#[test]
fn keys_match_patterns() {
    transcript(
        r#"
        > MSET hello 1 hallo 2 hxllo 3 hllo 4 heeello 5 h[llo 6 "" 7
        OK
        sorted> KEYS h?llo
        1) "h[llo"
        2) "hallo"
        3) "hello"
        4) "hxllo"
        sorted> KEYS h*llo
        1) "h[llo"
        2) "hallo"
        3) "heeello"
        4) "hello"
        5) "hllo"
        6) "hxllo"
        sorted> KEYS h[ae]llo
        1) "hallo"
        2) "hello"
        sorted> KEYS h[^e]llo
        1) "h[llo"
        2) "hallo"
        3) "hxllo"
        sorted> KEYS h[a-e]llo
        1) "hallo"
        2) "hello"
        sorted> KEYS h\[llo
        1) "h[llo"
        sorted> KEYS *
        1) ""
        2) "h[llo"
        3) "hallo"
        4) "heeello"
        5) "hello"
        6) "hllo"
        7) "hxllo"
        sorted> KEYS ""
        1) ""
        sorted> KEYS none
        (empty array)
        sorted> KEYS h[a
        (empty array)
        > KEYS
        (error) ERR wrong number of arguments for 'keys' command
        "#,
    );
}

#[test]
fn scan_goes_through_all_keys() {
    transcript(
        r#"
        > SET a 1
        OK
        > SCAN 0
        1) "0"
        2) 1) "a"
        > SCAN 0 COUNT 1000
        1) "0"
        2) 1) "a"
        > SCAN 0 MATCH a*
        1) "0"
        2) 1) "a"
        > SCAN 0 MATCH b*
        1) "0"
        2) (empty array)
        > SCAN 0 TYPE string
        1) "0"
        2) 1) "a"
        > SCAN 0 TYPE STRING
        1) "0"
        2) 1) "a"
        > SCAN 0 TYPE list
        1) "0"
        2) (empty array)
        > SCAN 0 TYPE nosuch
        1) "0"
        2) (empty array)
        > SCAN 0 COUNT 0
        (error) ERR syntax error
        > SCAN 0 COUNT -1
        (error) ERR syntax error
        > SCAN 0 COUNT x
        (error) ERR value is not an integer or out of range
        > SCAN 0 COUNT
        (error) ERR syntax error
        > SCAN 0 WHAT
        (error) ERR syntax error
        > SCAN x
        (error) ERR invalid cursor
        > SCAN -1
        (error) ERR invalid cursor
        > SCAN 18446744073709551616
        (error) ERR invalid cursor
        > SCAN
        (error) ERR wrong number of arguments for 'scan' command
        "#,
    );
}

#[test]
fn randomkey_finds_the_only_key() {
    transcript(
        r#"
        > RANDOMKEY
        (nil)
        > SET k v
        OK
        > RANDOMKEY
        "k"
        > RANDOMKEY x
        (error) ERR wrong number of arguments for 'randomkey' command
        "#,
    );
}

#[test]
fn object_tells_about_a_key() {
    transcript(
        r#"
        > SET k v
        OK
        > OBJECT ENCODING k
        "embstr"
        > OBJECT REFCOUNT k
        (integer) 1
        > OBJECT IDLETIME k
        (integer) 0
        > OBJECT FREQ k
        (error) ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        > OBJECT ENCODING none
        (nil)
        > OBJECT REFCOUNT none
        (nil)
        > OBJECT IDLETIME none
        (nil)
        > OBJECT FREQ none
        (nil)
        > OBJECT ENCODING
        (error) ERR wrong number of arguments for 'object|encoding' command
        > OBJECT NOSUCH k
        (error) ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP.
        > OBJECT
        (error) ERR wrong number of arguments for 'object' command
        > OBJECT HELP
         1) OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) ENCODING <key>
         3)     Return the kind of internal representation used in order to store the value
         4)     associated with a <key>.
         5) FREQ <key>
         6)     Return the access frequency index of the <key>. The returned integer is
         7)     proportional to the logarithm of the recent access frequency of the key.
         8) IDLETIME <key>
         9)     Return the idle time of the <key>, that is the approximated number of
        10)     seconds elapsed since the last access to the key.
        11) REFCOUNT <key>
        12)     Return the number of references of the value associated with the specified
        13)     <key>.
        14) HELP
        15)     Print this help.
        "#,
    );
}

#[test]
fn object_freq_needs_an_lfu_policy() {
    transcript(
        r#"
        # flags --maxmemory-policy allkeys-lfu
        > SET k v
        OK
        > OBJECT FREQ k
        ~ (integer) *
        > OBJECT IDLETIME k
        (error) ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        > OBJECT FREQ none
        (nil)
        "#,
    );
}

#[test]
fn select_and_swapdb() {
    transcript(
        r#"
        > SET k zero
        OK
        > SELECT 1
        OK
        > GET k
        (nil)
        > SET k one
        OK
        > SWAPDB 0 1
        OK
        > GET k
        "zero"
        > SELECT 0
        OK
        > GET k
        "one"
        > SWAPDB 0 0
        OK
        > SWAPDB 0 16
        (error) ERR DB index is out of range
        > SWAPDB x 1
        (error) ERR invalid first DB index
        > SWAPDB 0 x
        (error) ERR invalid second DB index
        > SWAPDB -1 0
        (error) ERR DB index is out of range
        > SWAPDB 0
        (error) ERR wrong number of arguments for 'swapdb' command
        > SELECT 16
        (error) ERR DB index is out of range
        > SELECT -1
        (error) ERR DB index is out of range
        > SELECT x
        (error) ERR value is not an integer or out of range
        > SELECT
        (error) ERR wrong number of arguments for 'select' command
        > DBSIZE
        (integer) 1
        "#,
    );
}

#[test]
fn flushdb_and_flushall() {
    transcript(
        r#"
        > SET k v
        OK
        > SELECT 1
        OK
        > SET k v
        OK
        > FLUSHDB
        OK
        > DBSIZE
        (integer) 0
        > SELECT 0
        OK
        > DBSIZE
        (integer) 1
        > FLUSHALL
        OK
        > DBSIZE
        (integer) 0
        > FLUSHDB ASYNC
        OK
        > FLUSHALL SYNC
        OK
        > FLUSHALL ASYNC
        OK
        > FLUSHDB WHAT
        (error) ERR syntax error
        > FLUSHALL SYNC ASYNC
        (error) ERR syntax error
        "#,
    );
}

#[test]
fn wait_without_replicas() {
    transcript(
        r#"
        # no-reload
        > WAIT 0 0
        (integer) 0
        > WAIT 1 10
        (integer) 0
        > WAIT x 0
        (error) ERR value is not an integer or out of range
        > WAIT 0 x
        (error) ERR timeout is not an integer or out of range
        > WAIT 0 -1
        (error) ERR timeout is negative
        > WAIT 0
        (error) ERR wrong number of arguments for 'wait' command
        > WAITAOF 0 0 0
        1) (integer) 0
        2) (integer) 0
        > WAITAOF 2 0 0
        (error) ERR value is out of range, value must between 0 and 1
        > WAITAOF -1 0 0
        (error) ERR value is out of range, value must between 0 and 1
        > WAITAOF 0 -1 0
        (error) ERR value is out of range, must be positive
        > WAITAOF 0 0 -1
        (error) ERR timeout is negative
        > WAITAOF 0 x 0
        (error) ERR value is out of range, must be positive
        > WAITAOF 0 0
        (error) ERR wrong number of arguments for 'waitaof' command
        "#,
    );
}

#[test]
fn databases_are_numbers_of_32_bits() {
    transcript(
        r#"
        > SET k v
        OK
        > MOVE k 2147483648
        (error) ERR value is out of range, value must between -2147483648 and 2147483647
        > MOVE k -2147483648
        (error) ERR DB index is out of range
        > MOVE k 9223372036854775808
        (error) ERR value is not an integer or out of range
        > MOVE none 0
        (error) ERR source and destination objects are the same
        > COPY k k DB 2147483648
        (error) ERR value is out of range, value must between -2147483648 and 2147483647
        > COPY k k REPLACE DB 2 REPLACE DB 15
        (integer) 1
        > COPY k k DB 2 DB 0
        (error) ERR source and destination objects are the same
        > COPY none none DB 2
        (integer) 0
        > COPY none none
        (error) ERR source and destination objects are the same
        > COPY none k DB x
        (error) ERR value is not an integer or out of range
        > SELECT 15
        OK
        > GET k
        "v"
        "#,
    );
}

#[test]
fn copy_replaces_expiry_too() {
    transcript(
        r#"
        > SET a 1
        OK
        > SET b 2 PXAT 4000000000000
        OK
        > COPY a b REPLACE
        (integer) 1
        > PEXPIRETIME b
        (integer) -1
        > COPY a c
        (integer) 1
        > APPEND c x
        (integer) 2
        > MGET a b c
        1) "1"
        2) "1"
        3) "1x"
        "#,
    );
}

#[test]
fn small_integers_are_shared() {
    transcript(
        r#"
        # no-reload
        > MSET zero 0 last 9999 big 10000 neg -1 text abc
        OK
        > OBJECT REFCOUNT zero
        (integer) 2147483647
        > OBJECT REFCOUNT last
        (integer) 2147483647
        > OBJECT REFCOUNT big
        (integer) 1
        > OBJECT REFCOUNT neg
        (integer) 1
        > OBJECT REFCOUNT text
        (integer) 1
        > DECR big
        (integer) 9999
        > OBJECT REFCOUNT big
        (integer) 2147483647
        > INCRBYFLOAT zero 1
        "1"
        > OBJECT REFCOUNT zero
        (integer) 1
        > CONFIG SET maxmemory 1gb
        OK
        > OBJECT REFCOUNT last
        (integer) 2147483647
        "#,
    );
}

#[test]
fn nothing_is_shared_where_each_key_needs_a_clock() {
    for policy in ["volatile-lru", "allkeys-lru", "volatile-lfu", "allkeys-lfu"] {
        transcript(&format!(
            "
            # flags --maxmemory 1gb --maxmemory-policy {policy}
            # no-reload
            > SET k 1
            OK
            > OBJECT REFCOUNT k
            (integer) 1
            "
        ));
    }
    for policy in [
        "volatile-ttl",
        "allkeys-random",
        "volatile-random",
        "noeviction",
    ] {
        transcript(&format!(
            "
            # flags --maxmemory 1gb --maxmemory-policy {policy}
            # no-reload
            > SET k 1
            OK
            > OBJECT REFCOUNT k
            (integer) 2147483647
            "
        ));
    }
}

/// With a factor of 0 every access counts exactly one.
#[test]
fn looking_at_a_key_is_no_access() {
    transcript(
        r#"
        # flags --maxmemory-policy allkeys-lfu --lfu-log-factor 0 --lfu-decay-time 0
        # no-reload
        > SET k v
        OK
        > OBJECT FREQ k
        (integer) 5
        > EXISTS k
        (integer) 1
        > TYPE k
        string
        > TTL k
        (integer) -1
        > EXPIRETIME k
        (integer) -1
        > OBJECT ENCODING k
        "embstr"
        > OBJECT REFCOUNT k
        ~ (integer) *
        > SCAN 0
        1) "0"
        2) 1) "k"
        > KEYS *
        1) "k"
        > RANDOMKEY
        "k"
        > OBJECT FREQ k
        (integer) 5
        > GET k
        "v"
        > OBJECT FREQ k
        (integer) 6
        > TOUCH k k
        (integer) 2
        > OBJECT FREQ k
        (integer) 8
        > EXPIRE k 1000
        (integer) 1
        > OBJECT FREQ k
        (integer) 9
        > PERSIST k
        (integer) 1
        > OBJECT FREQ k
        (integer) 10
        > COPY k copied
        (integer) 1
        > OBJECT FREQ k
        (integer) 11
        > OBJECT FREQ copied
        (integer) 5
        > RENAME k l
        OK
        > OBJECT FREQ l
        (integer) 5
        > TOUCH l
        (integer) 1
        > MOVE l 1
        (integer) 1
        > SELECT 1
        OK
        > OBJECT FREQ l
        (integer) 5
        > CLIENT NO-TOUCH ON
        OK
        > GET l
        "v"
        > COPY l m
        (integer) 1
        > OBJECT FREQ l
        (integer) 5
        > TOUCH l
        (integer) 1
        > OBJECT FREQ l
        (integer) 6
        "#,
    );
}

#[test]
fn the_empty_key_is_found_by_few_patterns() {
    transcript(
        r#"
        > SET "" 1
        OK
        > KEYS *
        1) ""
        > KEYS ""
        1) ""
        > KEYS **
        (empty array)
        > SCAN 0 MATCH *
        1) "0"
        2) 1) ""
        > SCAN 0 MATCH ""
        1) "0"
        2) 1) ""
        > SCAN 0 MATCH **
        1) "0"
        2) (empty array)
        "#,
    );
}

#[test]
fn cursors_are_read_as_c_reads_them() {
    transcript(
        r#"
        > SET a 1
        OK
        > SCAN 00
        1) "0"
        2) 1) "a"
        > SCAN +0
        1) "0"
        2) 1) "a"
        > SCAN " 0"
        1) "0"
        2) 1) "a"
        > SCAN "\t\n\x0b\x0c\r 0"
        1) "0"
        2) 1) "a"
        > SCAN "00\x00x"
        1) "0"
        2) 1) "a"
        > SCAN "0 "
        (error) ERR invalid cursor
        > SCAN ""
        (error) ERR invalid cursor
        > SCAN +
        (error) ERR invalid cursor
        > SCAN " "
        (error) ERR invalid cursor
        > SCAN +-0
        (error) ERR invalid cursor
        > SCAN 0x0
        (error) ERR invalid cursor
        > SCAN -1
        (error) ERR invalid cursor
        > SCAN " -0"
        1) "0"
        2) 1) "a"
        > SCAN -18446744073709551616
        (error) ERR invalid cursor
        > SCAN x COUNT 0
        (error) ERR invalid cursor
        > SCAN 0 NOVALUES
        (error) ERR NOVALUES option can only be used in HSCAN
        > SCAN 0 MATCH
        (error) ERR syntax error
        > SCAN 0 TYPE
        (error) ERR syntax error
        > SCAN 0 COUNT 9223372036854775808
        (error) ERR value is not an integer or out of range
        > SCAN 0 MATCH b MATCH a TYPE list TYPE string COUNT 1 COUNT 100
        1) "0"
        2) 1) "a"
        "#,
    );
}

#[test]
fn one_change_is_counted_for_each_key() {
    let lines = [
        "MSET a 1 b 2 c 3 d 4",
        "DEL a none",
        "UNLINK none",
        "UNLINK b none c",
        "RENAME d e",
        "RENAME e e",
        "RENAMENX e f",
        "COPY f g",
        "COPY f g",
        "COPY f g REPLACE",
        "MOVE g 1",
        "EXPIRE f 100",
        "PERSIST f",
        "PERSIST f",
        "TOUCH f",
        "EXPIRE f -1",
        "SWAPDB 0 1",
        "SWAPDB 1 1",
        "FLUSHALL",
        "FLUSHDB",
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        lines.map(|line| {
            let reply = client.line(line).to_string();
            (
                line,
                reply,
                client.info_number("rdb_changes_since_last_save"),
            )
        })
    });
    assert_eq!(ours, theirs);
}

#[test]
fn lookups_are_counted_as_hits_and_misses() {
    let lines = [
        "SET k v",
        "EXISTS k k none",
        "TOUCH k none",
        "TYPE k",
        "TYPE none",
        "TTL k",
        "PTTL none",
        "EXPIRETIME k",
        "OBJECT ENCODING k",
        "OBJECT FREQ none",
        "COPY k l",
        "COPY none l",
        "COPY k l",
        "RENAME k m",
        "RENAMENX m l",
        "MOVE m 1",
        "EXPIRE l 100",
        "EXPIRE none 100",
        "PERSIST l",
        "DEL l none",
        "RANDOMKEY",
        "KEYS *",
        "SCAN 0",
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        lines.map(|line| {
            client.line(line);
            (
                line,
                client.info_number("keyspace_hits"),
                client.info_number("keyspace_misses"),
            )
        })
    });
    assert_eq!(ours, theirs);
}

#[test]
fn changes_are_logged_as_they_were_sent() {
    logged_alike(
        &[
            "MSET a 1 b 2",
            "COPY a b",
            "copy a b DB 1 replace",
            "MOVE b 2",
            "RENAME a a",
            "RENAME a c",
            "RENAMENX c d",
            "DEL d none",
            "DEL d",
            "MSET a 1 b 2",
            "UNLINK a none b",
            "TOUCH a",
        ],
        &[],
    );
}

#[test]
fn a_wait_ends_with_its_time_or_when_it_is_ended() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let (mut waiter, mut other) = (server.connect(), server.connect());
        let id = waiter.line("CLIENT ID").integer();
        for (how, reply) in [
            ("TIMEOUT", "(integer) 0"),
            (
                "ERROR",
                "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK",
            ),
        ] {
            waiter.send(&["WAIT", "1", "0"]);
            let deadline = Instant::now() + Duration::from_secs(20);
            while other.line(&format!("CLIENT UNBLOCK {id} {how}")).integer() == 0 {
                assert!(Instant::now() < deadline, "{kind:?} does not wait");
            }
            assert_eq!(waiter.reply().to_string(), reply, "{kind:?}");
        }
        let began = Instant::now();
        assert_eq!(waiter.line("WAIT 1 30").integer(), 0);
        assert!(
            began.elapsed() >= Duration::from_millis(29),
            "{kind:?}: {:?}",
            began.elapsed()
        );
        assert_eq!(
            waiter.line("WAITAOF 0 1 10").to_string(),
            "1) (integer) 0\n2) (integer) 0"
        );
        assert_eq!(waiter.line("WAIT -1 0").integer(), 0);
        let refused =
            "(error) ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
        assert_eq!(waiter.line("WAITAOF 1 0 0").to_string(), refused);
        let too_long = "(error) ERR timeout is out of range";
        assert_eq!(
            waiter.line("WAIT 0 9223372036854775807").to_string(),
            too_long
        );
    }
}

#[test]
fn a_random_key_is_never_one_that_has_expired() {
    transcript(
        "
        # no-reload
        # flags --enable-debug-command yes
        > DEBUG SET-ACTIVE-EXPIRE 0
        OK
        > SET gone 1 PXAT 1000
        OK
        > RANDOMKEY
        (nil)
        > SET gone 1 PXAT 1000
        OK
        > SET here 1
        OK
        > RANDOMKEY
        \"here\"
        > DEBUG SET-ACTIVE-EXPIRE 1
        OK
    ",
    );
}
