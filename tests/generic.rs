//! The commands that take a key of any type.

use crate::support::transcript;

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
