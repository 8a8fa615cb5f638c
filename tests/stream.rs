//! The commands of streams.

mod logged;
mod waiting;
mod watched;

use crate::support::{Kind, Server, transcript};

#[test]
fn xadd_chooses_ids_behind_all_others() {
    transcript(
        r#"
        > XADD s 5-1 a b
        "5-1"
        > XADD s 5-* a b
        "5-2"
        > XADD s 5 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s 5-2 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s 5-3 a b
        "5-3"
        > XADD s 6-* a b
        "6-0"
        > XADD s 6 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s 4-* a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s 4294967296 a b
        "4294967296-0"
        > XLEN s
        (integer) 5
        > XRANGE s - +
        1) 1) "5-1"
           2) 1) "a"
              2) "b"
        2) 1) "5-2"
           2) 1) "a"
              2) "b"
        3) 1) "5-3"
           2) 1) "a"
              2) "b"
        4) 1) "6-0"
           2) 1) "a"
              2) "b"
        5) 1) "4294967296-0"
           2) 1) "a"
              2) "b"
        > XADD t 0-* a b
        "0-1"
        > XADD t 0-* a b
        "0-2"
        > XADD u 0-0 a b
        (error) ERR The ID specified in XADD must be greater than 0-0
        > XADD u 0 a b
        (error) ERR The ID specified in XADD must be greater than 0-0
        > EXISTS u
        (integer) 0
        > XADD u 000-007 a b
        "0-7"
        > XADD u "\t+8" a b
        "8-0"
        > XADD u "9-1\x00x" a b
        "9-1"
        > XRANGE u - +
        1) 1) "0-7"
           2) 1) "a"
              2) "b"
        2) 1) "8-0"
           2) 1) "a"
              2) "b"
        3) 1) "9-1"
           2) 1) "a"
              2) "b"
        > TYPE u
        stream
        > OBJECT ENCODING u
        "stream"
        "#,
    );
}

#[test]
fn xadd_refuses_what_is_no_id() {
    transcript(
        r#"
        > XADD s x a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s - a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s + a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s 1- a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s -1 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s 1--1 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s 1-1-1 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s *-1 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s *-* a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s "" a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s 18446744073709551616 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s 1-18446744073709551616 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s 1-1* a b
        (error) ERR Invalid stream ID specified as stream command argument
        > EXISTS s
        (integer) 0
        "#,
    );
}

#[test]
fn the_last_id_ends_a_stream() {
    transcript(
        r#"
        > XADD s 18446744073709551615-18446744073709551614 a b
        "18446744073709551615-18446744073709551614"
        > XADD s 18446744073709551615-* a b
        "18446744073709551615-18446744073709551615"
        > XADD s * a b
        (error) ERR The stream has exhausted the last possible ID, unable to add more items
        > XADD s 18446744073709551615-* a b
        (error) ERR The stream has exhausted the last possible ID, unable to add more items
        > XADD s 18446744073709551615-18446744073709551615 a b
        (error) ERR The stream has exhausted the last possible ID, unable to add more items
        > XADD s 1-1 a b
        (error) ERR The stream has exhausted the last possible ID, unable to add more items
        > XRANGE s (18446744073709551615-18446744073709551614 +
        1) 1) "18446744073709551615-18446744073709551615"
           2) 1) "a"
              2) "b"
        > XREAD STREAMS s 18446744073709551615-18446744073709551614
        1) 1) "s"
           2) 1) 1) "18446744073709551615-18446744073709551615"
                 2) 1) "a"
                    2) "b"
        > XREAD STREAMS s 18446744073709551615-18446744073709551615
        (nil)
        > XADD t 7-18446744073709551615 a b
        "7-18446744073709551615"
        > XADD t 7-* a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD t 7 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD t 8-* a b
        "8-0"
        "#,
    );
}

#[test]
fn xadd_keeps_fields_of_every_kind() {
    transcript(
        r#"
        > XADD s 1-1 name alice age 42 empty "" "" field
        "1-1"
        > XADD s 1-2 name bob age -7 empty 0 "" 00
        "1-2"
        > XADD s 1-3 n -9223372036854775808 n 9223372036854775807 n 9223372036854775808
        "1-3"
        > XADD s 1-4 "\x00\xff\r\n" "\x00\xff\r\n"
        "1-4"
        > XADD s 1-5 name carol age 42 empty "" x y
        "1-5"
        > XRANGE s - +
        1) 1) "1-1"
           2) 1) "name"
              2) "alice"
              3) "age"
              4) "42"
              5) "empty"
              6) ""
              7) ""
              8) "field"
        2) 1) "1-2"
           2) 1) "name"
              2) "bob"
              3) "age"
              4) "-7"
              5) "empty"
              6) "0"
              7) ""
              8) "00"
        3) 1) "1-3"
           2) 1) "n"
              2) "-9223372036854775808"
              3) "n"
              4) "9223372036854775807"
              5) "n"
              6) "9223372036854775808"
        4) 1) "1-4"
           2) 1) "\x00\xff\r\n"
              2) "\x00\xff\r\n"
        5) 1) "1-5"
           2) 1) "name"
              2) "carol"
              3) "age"
              4) "42"
              5) "empty"
              6) ""
              7) "x"
              8) "y"
        > XREVRANGE s + -
        1) 1) "1-5"
           2) 1) "name"
              2) "carol"
              3) "age"
              4) "42"
              5) "empty"
              6) ""
              7) "x"
              8) "y"
        2) 1) "1-4"
           2) 1) "\x00\xff\r\n"
              2) "\x00\xff\r\n"
        3) 1) "1-3"
           2) 1) "n"
              2) "-9223372036854775808"
              3) "n"
              4) "9223372036854775807"
              5) "n"
              6) "9223372036854775808"
        4) 1) "1-2"
           2) 1) "name"
              2) "bob"
              3) "age"
              4) "-7"
              5) "empty"
              6) "0"
              7) ""
              8) "00"
        5) 1) "1-1"
           2) 1) "name"
              2) "alice"
              3) "age"
              4) "42"
              5) "empty"
              6) ""
              7) ""
              8) "field"
        > XADD s 1-6 a
        (error) ERR wrong number of arguments for 'xadd' command
        > XADD s 1-6 a b c
        (error) ERR wrong number of arguments for 'xadd' command
        > XADD s 1-6
        (error) ERR wrong number of arguments for 'xadd' command
        > XADD s
        (error) ERR wrong number of arguments for 'xadd' command
        > XADD
        (error) ERR wrong number of arguments for 'xadd' command
        > XLEN s
        (integer) 5
        "#,
    );
}

#[test]
fn nomkstream_adds_to_what_is_there() {
    transcript(
        r#"
        > XADD s NOMKSTREAM 1-1 a b
        (nil)
        > EXISTS s
        (integer) 0
        > XADD s 1-1 a b
        "1-1"
        > XADD s NOMKSTREAM 1-2 a b
        "1-2"
        > XADD s nomkstream NOMKSTREAM 1-3 a b
        "1-3"
        > XADD s NOMKSTREAM MAXLEN 1 1-4 a b
        "1-4"
        > XADD s MAXLEN 2 NOMKSTREAM 1-5 a b
        "1-5"
        > XADD s NOMKSTREAM 1-5 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s NOMKSTREAM
        (error) ERR wrong number of arguments for 'xadd' command
        > XADD s NOMKSTREAM 1 a
        (error) ERR wrong number of arguments for 'xadd' command
        > XLEN s
        (integer) 2
        "#,
    );
}

#[test]
fn xadd_trims_to_a_length() {
    transcript(
        r#"
        > XADD s MAXLEN 2 1-1 a b
        "1-1"
        > XADD s MAXLEN = 2 1-2 a b
        "1-2"
        > XADD s MAXLEN 2 1-3 a b
        "1-3"
        > XRANGE s - +
        1) 1) "1-2"
           2) 1) "a"
              2) "b"
        2) 1) "1-3"
           2) 1) "a"
              2) "b"
        > XADD s MAXLEN 0 1-4 a b
        "1-4"
        > EXISTS s
        (integer) 1
        > XLEN s
        (integer) 0
        > XRANGE s - +
        (empty array)
        > XADD s 1-4 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s 1-5 a b
        "1-5"
        > XADD s MAXLEN ~ 0 1-6 a b
        "1-6"
        > XADD s MAXLEN -1 1-7 a b
        (error) ERR The MAXLEN argument must be >= 0.
        > XADD s MAXLEN x 1-7 a b
        (error) ERR value is not an integer or out of range
        > XADD s MAXLEN ~ x 1-7 a b
        (error) ERR value is not an integer or out of range
        > XADD s MAXLEN = ~ 1-7 a b
        (error) ERR value is not an integer or out of range
        > XADD s MAXLEN 9223372036854775808 1-7 a b
        (error) ERR value is not an integer or out of range
        > XADD s MAXLEN 1 MAXLEN 1 1-7 a b
        (error) ERR syntax error, MAXLEN and MINID options at the same time are not compatible
        > XADD s MAXLEN 1 MINID 1 1-7 a b
        (error) ERR syntax error, MAXLEN and MINID options at the same time are not compatible
        > XADD s MAXLEN 1
        (error) ERR wrong number of arguments for 'xadd' command
        > XLEN s
        (integer) 0
        "#,
    );
}

#[test]
fn xadd_trims_to_an_id() {
    transcript(
        r#"
        > XADD s 1-1 a b
        "1-1"
        > XADD s 1-2 a b
        "1-2"
        > XADD s MINID 1-2 1-3 a b
        "1-3"
        > XRANGE s - +
        1) 1) "1-2"
           2) 1) "a"
              2) "b"
        2) 1) "1-3"
           2) 1) "a"
              2) "b"
        > XADD s MINID = 1 1-4 a b
        "1-4"
        > XADD s MINID 5 1-5 a b
        "1-5"
        > XLEN s
        (integer) 0
        > XADD s 1-6 a b
        "1-6"
        > XADD s MINID ~ 9 1-7 a b
        "1-7"
        > XADD s MINID - 1-8 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s MINID + 1-8 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s MINID x 1-8 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s MINID 1-* 1-8 a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XLEN s
        (integer) 0
        "#,
    );
}

#[test]
fn limit_is_for_approximate_trimming() {
    transcript(
        r#"
        > XADD s MAXLEN ~ 5 LIMIT 10 1-1 a b
        "1-1"
        > XADD s LIMIT 10 MAXLEN ~ 5 1-2 a b
        "1-2"
        > XADD s MAXLEN ~ 5 LIMIT 0 1-3 a b
        "1-3"
        > XADD s MAXLEN ~ 5 LIMIT -1 1-4 a b
        (error) ERR The LIMIT argument must be >= 0.
        > XADD s MAXLEN ~ 5 LIMIT x 1-4 a b
        (error) ERR value is not an integer or out of range
        > XADD s MAXLEN 5 LIMIT 1 1-4 a b
        (error) ERR syntax error, LIMIT cannot be used without the special ~ option
        > XADD s MAXLEN = 5 LIMIT 0 1-4 a b
        (error) ERR syntax error, LIMIT cannot be used without the special ~ option
        > XADD s LIMIT 1 1-4 a b
        (error) ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
        > XADD s LIMIT 0 1-4 a b
        (error) ERR syntax error, LIMIT cannot be used without the special ~ option
        > XADD s MAXLEN 5 LIMIT 1 x a b
        (error) ERR Invalid stream ID specified as stream command argument
        > XADD s LIMIT 1 0-0 a b
        (error) ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
        > XTRIM s MAXLEN 5 LIMIT 1
        (error) ERR syntax error, LIMIT cannot be used without the special ~ option
        > XTRIM s MAXLEN ~ 5 LIMIT 1
        (integer) 0
        > XTRIM s MAXLEN ~ 5 LIMIT
        (error) ERR syntax error
        > XTRIM s LIMIT 5
        (error) ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
        > XTRIM s LIMIT 0
        (error) ERR syntax error, XTRIM must be called with a trimming strategy
        > XTRIM s LIMIT 5 MAXLEN ~ 1
        (integer) 0
        > XTRIM s MINID ~ 9 LIMIT 5
        (integer) 3
        > XLEN s
        (integer) 0
        "#,
    );
}

#[test]
fn approximate_trimming_takes_whole_nodes() {
    transcript(
        r#"
        # flags --stream-node-max-entries 3
        > XADD s 1 a b
        "1-0"
        > XADD s 2 a b
        "2-0"
        > XADD s 3 a b
        "3-0"
        > XADD s 4 a b
        "4-0"
        > XADD s 5 a b
        "5-0"
        > XADD s 6 a b
        "6-0"
        > XADD s 7 a b
        "7-0"
        > XADD s 8 a b
        "8-0"
        > XTRIM s MAXLEN ~ 6
        (integer) 0
        > XTRIM s MAXLEN ~ 5
        (integer) 3
        > XTRIM s MAXLEN ~ 1 LIMIT 2
        (integer) 0
        > XTRIM s MAXLEN 4
        (integer) 1
        > XINFO STREAM s
         1) "length"
         2) (integer) 4
         3) "radix-tree-keys"
         4) (integer) 2
         5) "radix-tree-nodes"
         6) (integer) 6
         7) "last-generated-id"
         8) "8-0"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 8
        13) "recorded-first-entry-id"
        14) "5-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "5-0"
            2) 1) "a"
               2) "b"
        19) "last-entry"
        20) 1) "8-0"
            2) 1) "a"
               2) "b"
        > XTRIM s MAXLEN ~ 1 LIMIT 2
        (integer) 2
        > XADD s 9 a b
        "9-0"
        > XADD s 10 a b
        "10-0"
        > XTRIM s MINID ~ 8
        (integer) 0
        > XTRIM s MINID 8
        (integer) 1
        > XINFO STREAM s
         1) "length"
         2) (integer) 3
         3) "radix-tree-keys"
         4) (integer) 2
         5) "radix-tree-nodes"
         6) (integer) 6
         7) "last-generated-id"
         8) "10-0"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 10
        13) "recorded-first-entry-id"
        14) "8-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "8-0"
            2) 1) "a"
               2) "b"
        19) "last-entry"
        20) 1) "10-0"
            2) 1) "a"
               2) "b"
        > XTRIM s MINID ~ 11
        (integer) 3
        > XDEL s 10
        (integer) 0
        > XADD s 11 a b
        "11-0"
        > XTRIM s MINID 11
        (integer) 0
        > XINFO STREAM s
         1) "length"
         2) (integer) 1
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "11-0"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 11
        13) "recorded-first-entry-id"
        14) "11-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "11-0"
            2) 1) "a"
               2) "b"
        19) "last-entry"
        20) 1) "11-0"
            2) 1) "a"
               2) "b"
        > XDEL s 11
        (integer) 1
        > XINFO STREAM s
         1) "length"
         2) (integer) 0
         3) "radix-tree-keys"
         4) (integer) 0
         5) "radix-tree-nodes"
         6) (integer) 1
         7) "last-generated-id"
         8) "11-0"
         9) "max-deleted-entry-id"
        10) "11-0"
        11) "entries-added"
        12) (integer) 11
        13) "recorded-first-entry-id"
        14) "0-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) (nil)
        19) "last-entry"
        20) (nil)
        "#,
    );
}

#[test]
fn xtrim_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > SET str v
        OK
        > XTRIM none MAXLEN 0
        (integer) 0
        > XTRIM str MAXLEN 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XTRIM str MAXLEN x
        (error) ERR value is not an integer or out of range
        > XTRIM s MAXLEN
        (error) ERR wrong number of arguments for 'xtrim' command
        > XTRIM s MAXLEN ~
        (error) ERR value is not an integer or out of range
        > XTRIM s MAXLEN 1 2
        (error) ERR syntax error
        > XTRIM s NONE 1
        (error) ERR syntax error
        > XTRIM s MAXLEN 1 MINID 1
        (error) ERR syntax error, MAXLEN and MINID options at the same time are not compatible
        > XTRIM s MINID x
        (error) ERR Invalid stream ID specified as stream command argument
        > XTRIM s ~ 1
        (error) ERR syntax error
        > XADD str * a b
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XADD str 0-0 a b
        (error) ERR The ID specified in XADD must be greater than 0-0
        > XADD str x a b
        (error) ERR Invalid stream ID specified as stream command argument
        "#,
    );
}

#[test]
fn xrange_takes_ends_of_every_form() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 2-0 a 3
        "2-0"
        > XADD s 3-5 a 4
        "3-5"
        > XRANGE s 1 1
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
        > XRANGE s 1-2 2
        1) 1) "1-2"
           2) 1) "a"
              2) "2"
        2) 1) "2-0"
           2) 1) "a"
              2) "3"
        > XRANGE s (1-1 (3-5
        1) 1) "1-2"
           2) 1) "a"
              2) "2"
        2) 1) "2-0"
           2) 1) "a"
              2) "3"
        > XRANGE s (1 +
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
        3) 1) "2-0"
           2) 1) "a"
              2) "3"
        4) 1) "3-5"
           2) 1) "a"
              2) "4"
        > XRANGE s - (2
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
        3) 1) "2-0"
           2) 1) "a"
              2) "3"
        > XRANGE s 2 1
        (empty array)
        > XRANGE s + -
        (empty array)
        > XREVRANGE s + -
        1) 1) "3-5"
           2) 1) "a"
              2) "4"
        2) 1) "2-0"
           2) 1) "a"
              2) "3"
        3) 1) "1-2"
           2) 1) "a"
              2) "2"
        4) 1) "1-1"
           2) 1) "a"
              2) "1"
        > XREVRANGE s 2 1-2
        1) 1) "2-0"
           2) 1) "a"
              2) "3"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
        > XREVRANGE s (2-0 (1
        1) 1) "1-2"
           2) 1) "a"
              2) "2"
        2) 1) "1-1"
           2) 1) "a"
              2) "1"
        > XREVRANGE s - +
        (empty array)
        > XRANGE s - + COUNT 2
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
        2) 1) "1-2"
           2) 1) "a"
              2) "2"
        > XREVRANGE s + - COUNT 1
        1) 1) "3-5"
           2) 1) "a"
              2) "4"
        > XRANGE s - + COUNT 0
        (nil)
        > XRANGE s - + COUNT -1
        (nil)
        > XRANGE s - + COUNT 0 count 1
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
        > XRANGE none - +
        (empty array)
        > XRANGE none - + COUNT 0
        (empty array)
        > XREVRANGE none + -
        (empty array)
        "#,
    );
}

#[test]
fn xrange_refuses_what_is_no_range() {
    transcript(
        r#"
        > XRANGE s x +
        (error) ERR Invalid stream ID specified as stream command argument
        > XRANGE s - x
        (error) ERR Invalid stream ID specified as stream command argument
        > XRANGE s ( +
        (error) ERR Invalid stream ID specified as stream command argument
        > XRANGE s (- +
        (error) ERR Invalid stream ID specified as stream command argument
        > XRANGE s - (+
        (error) ERR Invalid stream ID specified as stream command argument
        > XRANGE s (18446744073709551615-18446744073709551615 +
        (error) ERR invalid start ID for the interval
        > XRANGE s (18446744073709551615 +
        (empty array)
        > XRANGE s - (0-0
        (error) ERR invalid end ID for the interval
        > XRANGE s - (0
        (empty array)
        > XRANGE s - + COUNT
        (error) ERR syntax error
        > XRANGE s - + COUNT x
        (error) ERR value is not an integer or out of range
        > XRANGE s - + NONE 1
        (error) ERR syntax error
        > XRANGE s - + COUNT 1 COUNT
        (error) ERR syntax error
        > XREVRANGE s x +
        (error) ERR Invalid stream ID specified as stream command argument
        > XREVRANGE s (0-0 -
        (error) ERR invalid end ID for the interval
        > XREVRANGE s + (18446744073709551615-18446744073709551615
        (error) ERR invalid start ID for the interval
        > XRANGE s -
        (error) ERR wrong number of arguments for 'xrange' command
        > SET str v
        OK
        > XRANGE str - +
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XREVRANGE str + -
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XRANGE str x +
        (error) ERR Invalid stream ID specified as stream command argument
        > XLEN str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XLEN none
        (integer) 0
        > XLEN
        (error) ERR wrong number of arguments for 'xlen' command
        "#,
    );
}

#[test]
fn xdel_deletes_entries_one_by_one() {
    transcript(
        r#"
        > XADD s 1 a b
        "1-0"
        > XADD s 2 a b
        "2-0"
        > XADD s 3 a b
        "3-0"
        > XDEL s 2
        (integer) 1
        > XDEL s 2
        (integer) 0
        > XDEL s 1-1 9
        (integer) 0
        > XRANGE s - +
        1) 1) "1-0"
           2) 1) "a"
              2) "b"
        2) 1) "3-0"
           2) 1) "a"
              2) "b"
        > XINFO STREAM s
         1) "length"
         2) (integer) 2
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "3-0"
         9) "max-deleted-entry-id"
        10) "2-0"
        11) "entries-added"
        12) (integer) 3
        13) "recorded-first-entry-id"
        14) "1-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "1-0"
            2) 1) "a"
               2) "b"
        19) "last-entry"
        20) 1) "3-0"
            2) 1) "a"
               2) "b"
        > XDEL s 1 1 3 3
        (integer) 2
        > XLEN s
        (integer) 0
        > EXISTS s
        (integer) 1
        > XINFO STREAM s
         1) "length"
         2) (integer) 0
         3) "radix-tree-keys"
         4) (integer) 0
         5) "radix-tree-nodes"
         6) (integer) 1
         7) "last-generated-id"
         8) "3-0"
         9) "max-deleted-entry-id"
        10) "3-0"
        11) "entries-added"
        12) (integer) 3
        13) "recorded-first-entry-id"
        14) "0-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) (nil)
        19) "last-entry"
        20) (nil)
        > XADD s 3 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s 4 a b
        "4-0"
        > XDEL s 4 x
        (error) ERR Invalid stream ID specified as stream command argument
        > XLEN s
        (integer) 1
        > XDEL none x
        (integer) 0
        > XDEL none 1
        (integer) 0
        > XDEL s
        (error) ERR wrong number of arguments for 'xdel' command
        > SET str v
        OK
        > XDEL str 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XDEL str x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn xsetid_moves_the_end_of_a_stream() {
    transcript(
        r#"
        > XSETID s 1-1
        (error) ERR no such key
        > XADD s 5-1 a b
        "5-1"
        > XADD s 6-1 a b
        "6-1"
        > XSETID s 7
        OK
        > XADD s 6-2 a b
        (error) ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD s 7-1 a b
        "7-1"
        > XSETID s 7-0
        (error) ERR The ID specified in XSETID is smaller than the target stream top item
        > XSETID s 9-0 ENTRIESADDED 2
        (error) ERR The entries_added specified in XSETID is smaller than the target stream length
        > XSETID s 9-0 ENTRIESADDED 3
        OK
        > XSETID s 9-0 ENTRIESADDED 100 MAXDELETEDID 8-1
        OK
        > XINFO STREAM s
         1) "length"
         2) (integer) 3
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "9-0"
         9) "max-deleted-entry-id"
        10) "8-1"
        11) "entries-added"
        12) (integer) 100
        13) "recorded-first-entry-id"
        14) "5-1"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "5-1"
            2) 1) "a"
               2) "b"
        19) "last-entry"
        20) 1) "7-1"
            2) 1) "a"
               2) "b"
        > XSETID s 8-0
        (error) ERR The ID specified in XSETID is smaller than current max_deleted_entry_id
        > XSETID s 9-0 MAXDELETEDID 9-1
        (error) ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id
        > XSETID s 9-0 MAXDELETEDID 0-0
        OK
        > XSETID s 9-0 maxdeletedid 2-2 entriesadded 50
        OK
        > XSETID s 8-0
        OK
        > XINFO STREAM s
         1) "length"
         2) (integer) 3
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "8-0"
         9) "max-deleted-entry-id"
        10) "2-2"
        11) "entries-added"
        12) (integer) 50
        13) "recorded-first-entry-id"
        14) "5-1"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "5-1"
            2) 1) "a"
               2) "b"
        19) "last-entry"
        20) 1) "7-1"
            2) 1) "a"
               2) "b"
        > XSETID s x
        (error) ERR Invalid stream ID specified as stream command argument
        > XSETID s -
        (error) ERR Invalid stream ID specified as stream command argument
        > XSETID s +
        (error) ERR Invalid stream ID specified as stream command argument
        > XSETID s 9-0 ENTRIESADDED -1
        (error) ERR entries_added must be positive
        > XSETID s 9-0 ENTRIESADDED x
        (error) ERR value is not an integer or out of range
        > XSETID s 9-0 ENTRIESADDED
        (error) ERR syntax error
        > XSETID s 9-0 MAXDELETEDID
        (error) ERR syntax error
        > XSETID s 9-0 MAXDELETEDID x
        (error) ERR Invalid stream ID specified as stream command argument
        > XSETID s 9-0 NONE 1
        (error) ERR syntax error
        > XSETID none x
        (error) ERR Invalid stream ID specified as stream command argument
        > XSETID none 1-1 ENTRIESADDED -1
        (error) ERR entries_added must be positive
        > SET str v
        OK
        > XSETID str 1-1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn xsetid_lets_an_empty_stream_begin_anew() {
    transcript(
        r#"
        > XADD s 5 a b
        "5-0"
        > XADD s 6 a b
        "6-0"
        > XADD s 7 a b
        "7-0"
        > XDEL s 6 7
        (integer) 2
        > XTRIM s MINID 6
        (integer) 1
        > XINFO STREAM s
         1) "length"
         2) (integer) 0
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "7-0"
         9) "max-deleted-entry-id"
        10) "7-0"
        11) "entries-added"
        12) (integer) 3
        13) "recorded-first-entry-id"
        14) "0-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) (nil)
        19) "last-entry"
        20) (nil)
        > XSETID s 7 MAXDELETEDID 1-1
        OK
        > XSETID s 2
        OK
        > XADD s 3 c d
        "3-0"
        > XADD s 4 e f
        "4-0"
        > XRANGE s - +
        1) 1) "3-0"
           2) 1) "c"
              2) "d"
        2) 1) "4-0"
           2) 1) "e"
              2) "f"
        > XDEL s 3
        (integer) 1
        > XRANGE s 3 4
        1) 1) "4-0"
           2) 1) "e"
              2) "f"
        > XINFO STREAM s
         1) "length"
         2) (integer) 1
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "4-0"
         9) "max-deleted-entry-id"
        10) "3-0"
        11) "entries-added"
        12) (integer) 5
        13) "recorded-first-entry-id"
        14) "4-0"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "4-0"
            2) 1) "e"
               2) "f"
        19) "last-entry"
        20) 1) "4-0"
            2) 1) "e"
               2) "f"
        "#,
    );
}

#[test]
fn xread_gives_what_is_behind_an_id() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD t 5 x y
        "5-0"
        > XREAD STREAMS s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREAD COUNT 1 STREAMS s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > XREAD STREAMS s t 1-1 0
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        2) 1) "t"
           2) 1) 1) "5-0"
                 2) 1) "x"
                    2) "y"
        > XREAD STREAMS s t none 1-2 5 0
        (nil)
        > XREAD STREAMS s t none 1-2 4 0
        1) 1) "t"
           2) 1) 1) "5-0"
                 2) 1) "x"
                    2) "y"
        > XREAD STREAMS t s s 0 0 1-1
        1) 1) "t"
           2) 1) 1) "5-0"
                 2) 1) "x"
                    2) "y"
        2) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        3) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREAD COUNT 0 STREAMS s 1-1
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREAD COUNT -5 STREAMS s 1-1
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREAD count 1 COUNT 2 streams s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREAD STREAMS s $
        (nil)
        > XREAD STREAMS none $
        (nil)
        > XREAD BLOCK 1 STREAMS s $
        (nil)
        > XREAD BLOCK 1 STREAMS none 0
        (nil)
        > XREAD STREAMS s 0-0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREAD STREAMS streams 0
        (nil)
        > XREAD STREAMS STREAMS s s 0 1-1 9
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        "#,
    );
}

#[test]
fn xread_gives_the_last_entry() {
    transcript(
        r#"
        > XREAD STREAMS s +
        (nil)
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XREAD STREAMS s +
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREAD COUNT 5 STREAMS s +
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREAD STREAMS s s + 1-1
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        2) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XDEL s 1-2
        (integer) 1
        > XREAD STREAMS s +
        (nil)
        > XADD s 1-3 a 3
        "1-3"
        > XREAD STREAMS s +
        1) 1) "s"
           2) 1) 1) "1-3"
                 2) 1) "a"
                    2) "3"
        > XTRIM s MAXLEN 0
        (integer) 2
        > XREAD STREAMS s +
        (nil)
        > XGROUP CREATE empty g $ MKSTREAM
        OK
        > XREAD STREAMS empty +
        (error) ERR the stream last element ID is 0-0
        > XREAD BLOCK 1 STREAMS empty +
        (error) ERR the stream last element ID is 0-0
        "#,
    );
}

#[test]
fn xread_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > SET str v
        OK
        > XREAD STREAMS s
        (error) ERR wrong number of arguments for 'xread' command
        > XREAD STREAMS
        (error) ERR wrong number of arguments for 'xread' command
        > XREAD STREAMS a b c
        (error) ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.
        > XREAD COUNT 1 2
        (error) ERR syntax error
        > XREAD COUNT 1
        (error) ERR wrong number of arguments for 'xread' command
        > XREAD COUNT x STREAMS s 0
        (error) ERR value is not an integer or out of range
        > XREAD BLOCK x STREAMS s 0
        (error) ERR timeout is not an integer or out of range
        > XREAD BLOCK -1 STREAMS s 0
        (error) ERR timeout is negative
        > XREAD BLOCK 1.5 STREAMS s 0
        (error) ERR timeout is not an integer or out of range
        > XREAD BLOCK 9223372036854775807 STREAMS s 0
        (error) ERR timeout is out of range
        > XREAD NONE STREAMS s 0
        (error) ERR syntax error
        > XREAD GROUP g c STREAMS s 0
        (error) ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.
        > XREAD NOACK STREAMS s 0
        (error) ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.
        > XREAD STREAMS s x
        (error) ERR Invalid stream ID specified as stream command argument
        > XREAD STREAMS s -
        (error) ERR Invalid stream ID specified as stream command argument
        > XREAD STREAMS s >
        (error) ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.
        > XREAD STREAMS str 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XREAD STREAMS s str x 0
        (error) ERR Invalid stream ID specified as stream command argument
        > XREAD STREAMS str s 0 x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XREAD STREAMS s str 0 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XREAD COUNT STREAMS STREAMS s 0
        (error) ERR value is not an integer or out of range
        "#,
    );
}

#[test]
fn xgroup_create_makes_groups() {
    transcript(
        r#"
        > XGROUP CREATE s g $
        (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP CREATE s g $ MKSTREAM
        OK
        > XGROUP CREATE s g $
        (error) BUSYGROUP Consumer Group name already exists
        > XGROUP CREATE s g 5 MKSTREAM
        (error) BUSYGROUP Consumer Group name already exists
        > XADD s 1-1 a b
        "1-1"
        > XADD s 1-2 a b
        "1-2"
        > XGROUP CREATE s at-end $
        OK
        > XGROUP CREATE s at-start 0
        OK
        > XGROUP CREATE s in-between 1-1 ENTRIESREAD 1
        OK
        > XGROUP CREATE s unknown 1-1 entriesread -1 mkstream
        OK
        > XGROUP CREATE s "" 0 MKSTREAM MKSTREAM
        OK
        > XGROUP CREATE s beyond 9 ENTRIESREAD 100
        OK
        > XINFO GROUPS s
        1)  1) "name"
            2) ""
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 2
        2)  1) "name"
            2) "at-end"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "1-2"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 0
        3)  1) "name"
            2) "at-start"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 2
        4)  1) "name"
            2) "beyond"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "9-0"
            9) "entries-read"
           10) (integer) 100
           11) "lag"
           12) (integer) -98
        5)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 2
        6)  1) "name"
            2) "in-between"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "1-1"
            9) "entries-read"
           10) (integer) 1
           11) "lag"
           12) (integer) 1
        7)  1) "name"
            2) "unknown"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "1-1"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 1
        > XGROUP CREATE s x
        (error) ERR wrong number of arguments for 'xgroup|create' command
        > XGROUP CREATE s x x
        (error) ERR Invalid stream ID specified as stream command argument
        > XGROUP CREATE s x -
        (error) ERR Invalid stream ID specified as stream command argument
        > XGROUP CREATE s x 0 NONE
        (error) ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        > XGROUP CREATE s x 0 ENTRIESREAD
        (error) ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        > XGROUP CREATE s x 0 ENTRIESREAD x
        (error) ERR value is not an integer or out of range
        > XGROUP CREATE s x 0 ENTRIESREAD -2
        (error) ERR value for ENTRIESREAD must be positive or -1
        > XGROUP CREATE s x 0 MKSTREAM MKSTREAM ENTRIESREAD 1
        (error) ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        > XGROUP CREATE none x x
        (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP CREATE none x x MKSTREAM
        (error) ERR Invalid stream ID specified as stream command argument
        > EXISTS none
        (integer) 0
        > SET str v
        OK
        > XGROUP CREATE str g 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XGROUP CREATE str g 0 MKSTREAM
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XGROUP CREATE str g 0 ENTRIESREAD x
        (error) ERR value is not an integer or out of range
        > XGROUP NONE s g
        (error) ERR unknown subcommand 'NONE'. Try XGROUP HELP.
        > XGROUP
        (error) ERR wrong number of arguments for 'xgroup' command
        "#,
    );
}

#[test]
fn xgroup_setid_and_destroy() {
    transcript(
        r#"
        > XADD s 1-1 a b
        "1-1"
        > XADD s 1-2 a b
        "1-2"
        > XGROUP CREATE s g $
        OK
        > XGROUP SETID s g 1-1
        OK
        > XREADGROUP GROUP g c STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        > XGROUP SETID s g $ ENTRIESREAD 2
        OK
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-2"
            9) "entries-read"
           10) (integer) 2
           11) "lag"
           12) (integer) 0
        > XGROUP SETID s g - entriesread 0
        OK
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (integer) 0
           11) "lag"
           12) (integer) 2
        > XGROUP SETID s g +
        OK
        > XGROUP SETID s g x
        (error) ERR Invalid stream ID specified as stream command argument
        > XGROUP SETID s g 0 MKSTREAM
        (error) ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.
        > XGROUP SETID s g 0 ENTRIESREAD -2
        (error) ERR value for ENTRIESREAD must be positive or -1
        > XGROUP SETID s g 0 ENTRIESREAD x
        (error) ERR value is not an integer or out of range
        > XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2
        (error) ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.
        > XGROUP SETID s none x
        (error) NOGROUP No such consumer group 'none' for key name 's'
        > XGROUP SETID none g x
        (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP SETID s g
        (error) ERR wrong number of arguments for 'xgroup|setid' command
        > XGROUP DESTROY s none
        (integer) 0
        > XGROUP DESTROY none g
        (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP DESTROY s g
        (integer) 1
        > XGROUP DESTROY s g
        (integer) 0
        > XREADGROUP GROUP g c STREAMS s >
        (error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
        > EXISTS s
        (integer) 1
        > SET str v
        OK
        > XGROUP DESTROY str g
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XGROUP SETID str g 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn consumers_come_and_go() {
    transcript(
        r#"
        > XGROUP CREATECONSUMER s g c
        (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP CREATE s g $ MKSTREAM
        OK
        > XGROUP CREATECONSUMER s g c
        (integer) 1
        > XGROUP CREATECONSUMER s g c
        (integer) 0
        > XGROUP CREATECONSUMER s g ""
        (integer) 1
        > XGROUP CREATECONSUMER s none c
        (error) NOGROUP No such consumer group 'none' for key name 's'
        > XADD s 1-1 a b
        "1-1"
        > XADD s 1-2 a b
        "1-2"
        > XADD s 1-3 a b
        "1-3"
        > XREADGROUP GROUP g c COUNT 2 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        > XREADGROUP GROUP g d STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-3"
                 2) 1) "a"
                    2) "b"
        > XPENDING s g
        1) (integer) 3
        2) "1-1"
        3) "1-3"
        4) 1) 1) "c"
              2) "2"
           2) 1) "d"
              2) "1"
        > XGROUP DELCONSUMER s g c
        (integer) 2
        > XPENDING s g
        1) (integer) 1
        2) "1-3"
        3) "1-3"
        4) 1) 1) "d"
              2) "1"
        > XGROUP DELCONSUMER s g c
        (integer) 0
        > XGROUP DELCONSUMER s g ""
        (integer) 0
        > XGROUP DELCONSUMER s none c
        (error) NOGROUP No such consumer group 'none' for key name 's'
        > XGROUP DELCONSUMER none g c
        (error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP DELCONSUMER s g
        (error) ERR wrong number of arguments for 'xgroup|delconsumer' command
        > XGROUP CREATECONSUMER s g
        (error) ERR wrong number of arguments for 'xgroup|createconsumer' command
        > XREADGROUP GROUP g c STREAMS s 0
        1) 1) "s"
           2) (empty array)
        > SET str v
        OK
        > XGROUP DELCONSUMER str g c
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XGROUP CREATECONSUMER str g c
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn xgroup_and_xinfo_explain_themselves() {
    transcript(
        r#"
        > XGROUP HELP
         1) XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) CREATE <key> <groupname> <id|$> [option]
         3)     Create a new consumer group. Options are:
         4)     * MKSTREAM
         5)       Create the empty stream if it does not exist.
         6)     * ENTRIESREAD entries_read
         7)       Set the group's entries_read counter (internal use).
         8) CREATECONSUMER <key> <groupname> <consumer>
         9)     Create a new consumer in the specified group.
        10) DELCONSUMER <key> <groupname> <consumer>
        11)     Remove the specified consumer.
        12) DESTROY <key> <groupname>
        13)     Remove the specified group.
        14) SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]
        15)     Set the current group ID and entries_read counter.
        16) HELP
        17)     Print this help.
        > XGROUP HELP me
        (error) ERR wrong number of arguments for 'xgroup|help' command
        > XINFO HELP
        1) XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
        2) CONSUMERS <key> <groupname>
        3)     Show consumers of <groupname>.
        4) GROUPS <key>
        5)     Show the stream consumer groups.
        6) STREAM <key> [FULL [COUNT <count>]
        7)     Show information about the stream.
        8) HELP
        9)     Print this help.
        > XINFO HELP me
        (error) ERR wrong number of arguments for 'xinfo|help' command
        > XINFO NONE
        (error) ERR unknown subcommand 'NONE'. Try XINFO HELP.
        > XINFO
        (error) ERR wrong number of arguments for 'xinfo' command
        "#,
    );
}

#[test]
fn xreadgroup_gives_each_entry_to_one_consumer() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 1-3 a 3
        "1-3"
        > XADD s 1-4 a 4
        "1-4"
        > XGROUP CREATE s g 0
        OK
        > XGROUP CREATE s h 1-2
        OK
        > XREADGROUP GROUP g alice COUNT 1 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > XREADGROUP GROUP g bob COUNT 2 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
              2) 1) "1-3"
                 2) 1) "a"
                    2) "3"
        > XREADGROUP GROUP g alice STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-4"
                 2) 1) "a"
                    2) "4"
        > XREADGROUP GROUP g bob STREAMS s >
        (nil)
        > XREADGROUP GROUP h alice NOACK COUNT 1 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-3"
                 2) 1) "a"
                    2) "3"
        > XREADGROUP GROUP h alice STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-4"
                 2) 1) "a"
                    2) "4"
        > XPENDING s g
        1) (integer) 4
        2) "1-1"
        3) "1-4"
        4) 1) 1) "alice"
              2) "2"
           2) 1) "bob"
              2) "2"
        > XPENDING s h
        1) (integer) 1
        2) "1-4"
        3) "1-4"
        4) 1) 1) "alice"
              2) "1"
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 2
            5) "pending"
            6) (integer) 4
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 0
        2)  1) "name"
            2) "h"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 0
        > XACK s g 1-1 1-3
        (integer) 2
        > XPENDING s g
        1) (integer) 2
        2) "1-2"
        3) "1-4"
        4) 1) 1) "alice"
              2) "1"
           2) 1) "bob"
              2) "1"
        > XREADGROUP GROUP g alice BLOCK 1 STREAMS s >
        (nil)
        "#,
    );
}

#[test]
fn xreadgroup_shows_what_is_pending() {
    transcript(
        r#"
        # no-reload
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 1-3 a 3
        "1-3"
        > XGROUP CREATE s g 0
        OK
        > XREADGROUP GROUP g alice COUNT 2 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREADGROUP GROUP g alice STREAMS s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREADGROUP GROUP g alice STREAMS s 1-1
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREADGROUP GROUP g alice STREAMS s 1-2
        1) 1) "s"
           2) (empty array)
        > XREADGROUP GROUP g alice COUNT 1 STREAMS s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > XREADGROUP GROUP g alice NOACK BLOCK 0 STREAMS s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREADGROUP GROUP g bob STREAMS s 0
        1) 1) "s"
           2) (empty array)
        > XDEL s 1-1
        (integer) 1
        > XREADGROUP GROUP g alice STREAMS s 0
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) (nil)
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XREADGROUP GROUP g alice STREAMS s 18446744073709551615-18446744073709551615
        1) 1) "s"
           2) 1) 1) "1-3"
                 2) 1) "a"
                    2) "3"
        > XREADGROUP GROUP g alice STREAMS s 18446744073709551615-18446744073709551614
        1) 1) "s"
           2) (empty array)
        > XREADGROUP GROUP g alice STREAMS s s 0 >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) (nil)
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
              3) 1) "1-3"
                 2) 1) "a"
                    2) "3"
        > XREADGROUP GROUP g alice STREAMS s -
        (error) ERR Invalid stream ID specified as stream command argument
        > XREADGROUP GROUP g alice STREAMS s x
        (error) ERR Invalid stream ID specified as stream command argument
        "#,
    );
}

#[test]
fn xreadgroup_reads_several_streams() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD t 1-1 a 1
        "1-1"
        > XGROUP CREATE s g 0
        OK
        > XGROUP CREATE t g 0
        OK
        > XGROUP CREATE u g 0 MKSTREAM
        OK
        > XREADGROUP GROUP g c STREAMS s t u > > >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        2) 1) "t"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > XREADGROUP GROUP g c STREAMS s t u > > >
        (nil)
        > XADD u 1-1 a 1
        "1-1"
        > XREADGROUP GROUP g c STREAMS s t u > > >
        1) 1) "u"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > XREADGROUP GROUP g c STREAMS s none > >
        (error) NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option
        > XREADGROUP GROUP g c STREAMS none s > >
        (error) NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option
        > XGROUP CREATE streams streams 0 MKSTREAM
        OK
        > XADD streams 1-1 a 1
        "1-1"
        > XREADGROUP GROUP streams streams STREAMS streams >
        1) 1) "streams"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > XREADGROUP COUNT 1 GROUP streams streams STREAMS streams 9
        1) 1) "streams"
           2) (empty array)
        > XREADGROUP NOACK GROUP streams c STREAMS streams >
        (nil)
        "#,
    );
}

#[test]
fn xreadgroup_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XGROUP CREATE s g 0
        OK
        > SET str v
        OK
        > XREADGROUP GROUP g c STREAMS s
        (error) ERR wrong number of arguments for 'xreadgroup' command
        > XREADGROUP GROUP g c STREAMS s t >
        (error) ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.
        > XREADGROUP GROUP g c COUNT 1 STREAMS a b c
        (error) ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.
        > XREADGROUP GROUP g c COUNT x STREAMS s >
        (error) ERR value is not an integer or out of range
        > XREADGROUP GROUP g c BLOCK x STREAMS s >
        (error) ERR timeout is not an integer or out of range
        > XREADGROUP GROUP g c NONE STREAMS s >
        (error) ERR syntax error
        > XREADGROUP GROUP g c COUNT 1 NOACK x
        (error) ERR syntax error
        > XREADGROUP GROUP g COUNT 1 STREAMS s
        (error) ERR syntax error
        > XREADGROUP COUNT 1 NOACK STREAMS s >
        (error) ERR Missing GROUP option for XREADGROUP
        > XREADGROUP GROUP g c STREAMS s $
        (error) ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.
        > XREADGROUP GROUP g c STREAMS s +
        (error) ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.
        > XREADGROUP GROUP none c STREAMS s >
        (error) NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option
        > XREADGROUP GROUP g c STREAMS none x
        (error) NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option
        > XREADGROUP GROUP g c STREAMS str >
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XREADGROUP GROUP g c STREAMS s str x >
        (error) ERR Invalid stream ID specified as stream command argument
        > XREADGROUP GROUP g c STREAMS s str > >
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 1
        "#,
    );
}

#[test]
fn xack_takes_what_is_pending() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 1-3 a 3
        "1-3"
        > XGROUP CREATE s g 0
        OK
        > XREADGROUP GROUP g c STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
              3) 1) "1-3"
                 2) 1) "a"
                    2) "3"
        > XACK s g 1-1 1-1 9-9
        (integer) 1
        > XACK s g 1-1
        (integer) 0
        > XDEL s 1-2
        (integer) 1
        > XACK s g 1-2
        (integer) 1
        > XACK s g x
        (error) ERR Invalid stream ID specified as stream command argument
        > XACK s g 1-3 x
        (error) ERR Invalid stream ID specified as stream command argument
        > XPENDING s g
        1) (integer) 1
        2) "1-3"
        3) "1-3"
        4) 1) 1) "c"
              2) "1"
        > XACK s none x
        (integer) 0
        > XACK none g x
        (integer) 0
        > XACK s g
        (error) ERR wrong number of arguments for 'xack' command
        > SET str v
        OK
        > XACK str g 1-1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn xpending_summarizes_and_lists() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 2-0 a 3
        "2-0"
        > XGROUP CREATE s g 0
        OK
        > XPENDING s g
        1) (integer) 0
        2) (nil)
        3) (nil)
        4) (nil)
        > XPENDING s g - + 10
        (empty array)
        > XGROUP CREATECONSUMER s g idle
        (integer) 1
        > XREADGROUP GROUP g bob COUNT 1 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > XREADGROUP GROUP g alice COUNT 2 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
              2) 1) "2-0"
                 2) 1) "a"
                    2) "3"
        > XPENDING s g
        1) (integer) 3
        2) "1-1"
        3) "2-0"
        4) 1) 1) "alice"
              2) "2"
           2) 1) "bob"
              2) "1"
        > XPENDING s g - + 0
        (empty array)
        > XPENDING s g - + -1
        (empty array)
        > XPENDING s g + - 10
        (empty array)
        > XPENDING s g (2-0 + 10
        (empty array)
        > XPENDING s g - + 10 none
        (empty array)
        > XPENDING s g - + 10 idle
        (empty array)
        > XPENDING s g IDLE 100000000 - + 10
        (empty array)
        > XPENDING s g IDLE 100000000 - + 10 alice
        (empty array)
        > XPENDING s g IDLE 9223372036854775807 - + 10
        (empty array)
        "#,
    );
}

#[test]
fn xpending_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > XGROUP CREATE s g 0 MKSTREAM
        OK
        > SET str v
        OK
        > XPENDING s
        (error) ERR wrong number of arguments for 'xpending' command
        > XPENDING s g -
        (error) ERR syntax error
        > XPENDING s g - +
        (error) ERR syntax error
        > XPENDING s g - + x
        (error) ERR value is not an integer or out of range
        > XPENDING s g x + 1
        (error) ERR Invalid stream ID specified as stream command argument
        > XPENDING s g - x 1
        (error) ERR Invalid stream ID specified as stream command argument
        > XPENDING s g x + x
        (error) ERR value is not an integer or out of range
        > XPENDING s g (18446744073709551615-18446744073709551615 + 1
        (error) ERR invalid start ID for the interval
        > XPENDING s g - (0-0 1
        (error) ERR invalid end ID for the interval
        > XPENDING s g IDLE x - + 1
        (error) ERR value is not an integer or out of range
        > XPENDING s g IDLE 1 - +
        (error) ERR syntax error
        > XPENDING s g IDLE 1 - + x
        (error) ERR value is not an integer or out of range
        > XPENDING s g - + 1 c IDLE
        (empty array)
        > XPENDING s g - + 1 c IDLE 1
        (empty array)
        > XPENDING s g - + 1 c IDLE 1 x
        (error) ERR syntax error
        > XPENDING s none
        (error) NOGROUP No such key 's' or consumer group 'none'
        > XPENDING none g
        (error) NOGROUP No such key 'none' or consumer group 'g'
        > XPENDING none g x + 1
        (error) ERR Invalid stream ID specified as stream command argument
        > XPENDING none g - + 1
        (error) NOGROUP No such key 'none' or consumer group 'g'
        > XPENDING str g
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XPENDING str g x + 1
        (error) ERR Invalid stream ID specified as stream command argument
        "#,
    );
}

#[test]
fn xclaim_takes_over() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 1-3 a 3
        "1-3"
        > XGROUP CREATE s g 0
        OK
        > XREADGROUP GROUP g alice COUNT 2 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XCLAIM s g bob 0 1-1
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
        > XCLAIM s g bob 0 1-1 1-2 1-3 JUSTID
        1) "1-1"
        2) "1-2"
        > XCLAIM s g bob 100000000 1-1
        (empty array)
        > XCLAIM s g bob 0 1-3 FORCE
        1) 1) "1-3"
           2) 1) "a"
              2) "3"
        > XCLAIM s g bob 0 9-9 FORCE
        (empty array)
        > XCLAIM s g carol 0 1-1 RETRYCOUNT 7 IDLE 5000000
        1) 1) "1-1"
           2) 1) "a"
              2) "1"
        > XCLAIM s g dave 3000000 1-1 1-2 JUSTID
        1) "1-1"
        > XCLAIM s g alice -5 1-3 1-3 1-3 TIME 1 JUSTID RETRYCOUNT 0
        1) "1-3"
        2) "1-3"
        3) "1-3"
        > XCLAIM s g alice 0 1-3 RETRYCOUNT -3
        1) 1) "1-3"
           2) 1) "a"
              2) "3"
        > XCLAIM s g alice 0 1-2 TIME 9223372036854775807
        1) 1) "1-2"
           2) 1) "a"
              2) "2"
        > XCLAIM s g alice 0 1-2 IDLE -9223372036854775808
        1) 1) "1-2"
           2) 1) "a"
              2) "2"
        > XCLAIM s g alice 0 1-2 IDLE 9223372036854775807
        1) 1) "1-2"
           2) 1) "a"
              2) "2"
        > XPENDING s g
        1) (integer) 3
        2) "1-1"
        3) "1-3"
        4) 1) 1) "alice"
              2) "2"
           2) 1) "dave"
              2) "1"
        > XCLAIM s g alice 0 1-2 LASTID 9-9 JUSTID
        1) "1-2"
        > XCLAIM s g alice 0 9-9 LASTID 8-8
        (empty array)
        > XCLAIM s g alice 0 FORCE
        (empty array)
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 4
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "9-9"
            9) "entries-read"
           10) (integer) 2
           11) "lag"
           12) (integer) 1
        "#,
    );
}

#[test]
fn xclaim_forgets_what_was_deleted() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XGROUP CREATE s g 0
        OK
        > XREADGROUP GROUP g alice STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XDEL s 1-1
        (integer) 1
        > XPENDING s g
        1) (integer) 2
        2) "1-1"
        3) "1-2"
        4) 1) 1) "alice"
              2) "2"
        > XCLAIM s g bob 0 1-1 1-2 JUSTID
        1) "1-2"
        > XPENDING s g
        1) (integer) 1
        2) "1-2"
        3) "1-2"
        4) 1) 1) "bob"
              2) "1"
        > XCLAIM s g bob 0 1-1 FORCE
        (empty array)
        > XPENDING s g
        1) (integer) 1
        2) "1-2"
        3) "1-2"
        4) 1) 1) "bob"
              2) "1"
        "#,
    );
}

#[test]
fn xclaim_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > XGROUP CREATE s g 0 MKSTREAM
        OK
        > SET str v
        OK
        > XCLAIM s g c x 1-1
        (error) ERR Invalid min-idle-time argument for XCLAIM
        > XCLAIM s g c x x
        (error) ERR Invalid min-idle-time argument for XCLAIM
        > XCLAIM s g c 0 x
        (error) ERR Unrecognized XCLAIM option 'x'
        > XCLAIM s g c 0 1-1 x
        (error) ERR Unrecognized XCLAIM option 'x'
        > XCLAIM s g c 0 1-1 FORCE 1-2
        (error) ERR Unrecognized XCLAIM option '1-2'
        > XCLAIM s g c 0 1-1 IDLE
        (error) ERR Unrecognized XCLAIM option 'IDLE'
        > XCLAIM s g c 0 1-1 IDLE x
        (error) ERR Invalid IDLE option argument for XCLAIM
        > XCLAIM s g c 0 1-1 TIME x
        (error) ERR Invalid TIME option argument for XCLAIM
        > XCLAIM s g c 0 1-1 RETRYCOUNT x
        (error) ERR Invalid RETRYCOUNT option argument for XCLAIM
        > XCLAIM s g c 0 1-1 LASTID x
        (error) ERR Invalid stream ID specified as stream command argument
        > XCLAIM s g c 0 1-1 LASTID
        (error) ERR Unrecognized XCLAIM option 'LASTID'
        > XCLAIM s g c 0
        (error) ERR wrong number of arguments for 'xclaim' command
        > XCLAIM s none c x x
        (error) NOGROUP No such key 's' or consumer group 'none'
        > XCLAIM none g c x x
        (error) NOGROUP No such key 'none' or consumer group 'g'
        > XCLAIM str g c x x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XINFO CONSUMERS s g
        (empty array)
        "#,
    );
}

#[test]
fn xautoclaim_sweeps_what_is_pending() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 1-3 a 3
        "1-3"
        > XADD s 1-4 a 4
        "1-4"
        > XADD s 1-5 a 5
        "1-5"
        > XGROUP CREATE s g 0
        OK
        > XREADGROUP GROUP g alice STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "2"
              3) 1) "1-3"
                 2) 1) "a"
                    2) "3"
              4) 1) "1-4"
                 2) 1) "a"
                    2) "4"
              5) 1) "1-5"
                 2) 1) "a"
                    2) "5"
        > XAUTOCLAIM s g bob 0 0 COUNT 2
        1) "1-3"
        2) 1) 1) "1-1"
              2) 1) "a"
                 2) "1"
           2) 1) "1-2"
              2) 1) "a"
                 2) "2"
        3) (empty array)
        > XAUTOCLAIM s g bob 0 1-3 COUNT 2 JUSTID
        1) "1-5"
        2) 1) "1-3"
           2) "1-4"
        3) (empty array)
        > XAUTOCLAIM s g bob 0 1-5
        1) "0-0"
        2) 1) 1) "1-5"
              2) 1) "a"
                 2) "5"
        3) (empty array)
        > XDEL s 1-2 1-4
        (integer) 2
        > XAUTOCLAIM s g carol 100000000 - COUNT 1
        1) "1-3"
        2) (empty array)
        3) 1) "1-2"
        > XAUTOCLAIM s g carol 0 (1-1 COUNT 2 JUSTID
        1) "1-5"
        2) 1) "1-3"
        3) 1) "1-4"
        > XAUTOCLAIM s g carol 0 0 COUNT 3 JUSTID
        1) "0-0"
        2) 1) "1-1"
           2) "1-3"
           3) "1-5"
        3) (empty array)
        > XAUTOCLAIM s g carol 0 9
        1) "0-0"
        2) (empty array)
        3) (empty array)
        > XAUTOCLAIM s g carol -1 0 JUSTID COUNT 1
        1) "1-3"
        2) 1) "1-1"
        3) (empty array)
        > XPENDING s g
        1) (integer) 3
        2) "1-1"
        3) "1-5"
        4) 1) 1) "carol"
              2) "3"
        "#,
    );
}

#[test]
fn xautoclaim_looks_at_ten_times_the_count() {
    transcript(
        r#"
        > XADD s 1 a b
        "1-0"
        > XADD s 2 a b
        "2-0"
        > XADD s 3 a b
        "3-0"
        > XADD s 4 a b
        "4-0"
        > XADD s 5 a b
        "5-0"
        > XADD s 6 a b
        "6-0"
        > XADD s 7 a b
        "7-0"
        > XADD s 8 a b
        "8-0"
        > XADD s 9 a b
        "9-0"
        > XADD s 10 a b
        "10-0"
        > XADD s 11 a b
        "11-0"
        > XADD s 12 a b
        "12-0"
        > XGROUP CREATE s g 0
        OK
        > XREADGROUP GROUP g alice STREAMS s >
        1) 1) "s"
           2)  1) 1) "1-0"
                  2) 1) "a"
                     2) "b"
               2) 1) "2-0"
                  2) 1) "a"
                     2) "b"
               3) 1) "3-0"
                  2) 1) "a"
                     2) "b"
               4) 1) "4-0"
                  2) 1) "a"
                     2) "b"
               5) 1) "5-0"
                  2) 1) "a"
                     2) "b"
               6) 1) "6-0"
                  2) 1) "a"
                     2) "b"
               7) 1) "7-0"
                  2) 1) "a"
                     2) "b"
               8) 1) "8-0"
                  2) 1) "a"
                     2) "b"
               9) 1) "9-0"
                  2) 1) "a"
                     2) "b"
              10) 1) "10-0"
                  2) 1) "a"
                     2) "b"
              11) 1) "11-0"
                  2) 1) "a"
                     2) "b"
              12) 1) "12-0"
                  2) 1) "a"
                     2) "b"
        > XAUTOCLAIM s g bob 100000000 0 COUNT 1
        1) "11-0"
        2) (empty array)
        3) (empty array)
        > XDEL s 11
        (integer) 1
        > XAUTOCLAIM s g bob 100000000 0 COUNT 1
        1) "11-0"
        2) (empty array)
        3) (empty array)
        > XAUTOCLAIM s g bob 100000000 11 COUNT 1
        1) "12-0"
        2) (empty array)
        3) 1) "11-0"
        > XAUTOCLAIM s g bob 100000000 0 COUNT 2
        1) "0-0"
        2) (empty array)
        3) (empty array)
        "#,
    );
}

#[test]
fn xautoclaim_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > XGROUP CREATE s g 0 MKSTREAM
        OK
        > SET str v
        OK
        > XAUTOCLAIM s g c x 0
        (error) ERR Invalid min-idle-time argument for XAUTOCLAIM
        > XAUTOCLAIM s g c x x
        (error) ERR Invalid min-idle-time argument for XAUTOCLAIM
        > XAUTOCLAIM s g c 0 x
        (error) ERR Invalid stream ID specified as stream command argument
        > XAUTOCLAIM s g c 0 (18446744073709551615-18446744073709551615
        (error) ERR invalid start ID for the interval
        > XAUTOCLAIM s g c 0 0 COUNT
        (error) ERR syntax error
        > XAUTOCLAIM s g c 0 0 COUNT x
        (error) ERR COUNT must be > 0
        > XAUTOCLAIM s g c 0 0 COUNT 0
        (error) ERR COUNT must be > 0
        > XAUTOCLAIM s g c 0 0 COUNT 576460752303423488
        (error) ERR COUNT must be > 0
        > XAUTOCLAIM s g c 0 0 COUNT 576460752303423487
        (error) ERR Insufficient memory, failed allocating transient memory, COUNT too high.
        > XAUTOCLAIM s g c 0 0 NONE
        (error) ERR syntax error
        > XAUTOCLAIM s g c 0 0 JUSTID 1
        (error) ERR syntax error
        > XAUTOCLAIM s g c 0
        (error) ERR wrong number of arguments for 'xautoclaim' command
        > XAUTOCLAIM s none c 0 0
        (error) NOGROUP No such key 's' or consumer group 'none'
        > XAUTOCLAIM none g c x 0
        (error) ERR Invalid min-idle-time argument for XAUTOCLAIM
        > XAUTOCLAIM none g c 0 0
        (error) NOGROUP No such key 'none' or consumer group 'g'
        > XAUTOCLAIM str g c 0 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XINFO CONSUMERS s g
        (empty array)
        "#,
    );
}

#[test]
fn xinfo_tells_of_streams() {
    transcript(
        r#"
        # flags --stream-node-max-entries 2
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 1-257 a 3
        "1-257"
        > XADD s 300-0 a 4
        "300-0"
        > XADD s 72057594037927936-1 a 5
        "72057594037927936-1"
        > XINFO STREAM s
         1) "length"
         2) (integer) 5
         3) "radix-tree-keys"
         4) (integer) 3
         5) "radix-tree-nodes"
         6) (integer) 9
         7) "last-generated-id"
         8) "72057594037927936-1"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 5
        13) "recorded-first-entry-id"
        14) "1-1"
        15) "groups"
        16) (integer) 0
        17) "first-entry"
        18) 1) "1-1"
            2) 1) "a"
               2) "1"
        19) "last-entry"
        20) 1) "72057594037927936-1"
            2) 1) "a"
               2) "5"
        > XGROUP CREATE s g 0
        OK
        > XINFO STREAM s FULL
         1) "length"
         2) (integer) 5
         3) "radix-tree-keys"
         4) (integer) 3
         5) "radix-tree-nodes"
         6) (integer) 9
         7) "last-generated-id"
         8) "72057594037927936-1"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 5
        13) "recorded-first-entry-id"
        14) "1-1"
        15) "entries"
        16) 1) 1) "1-1"
               2) 1) "a"
                  2) "1"
            2) 1) "1-2"
               2) 1) "a"
                  2) "2"
            3) 1) "1-257"
               2) 1) "a"
                  2) "3"
            4) 1) "300-0"
               2) 1) "a"
                  2) "4"
            5) 1) "72057594037927936-1"
               2) 1) "a"
                  2) "5"
        17) "groups"
        18) 1)  1) "name"
                2) "g"
                3) "last-delivered-id"
                4) "0-0"
                5) "entries-read"
                6) (nil)
                7) "lag"
                8) (integer) 5
                9) "pel-count"
               10) (integer) 0
               11) "pending"
               12) (empty array)
               13) "consumers"
               14) (empty array)
        > XINFO STREAM s FULL COUNT 1
         1) "length"
         2) (integer) 5
         3) "radix-tree-keys"
         4) (integer) 3
         5) "radix-tree-nodes"
         6) (integer) 9
         7) "last-generated-id"
         8) "72057594037927936-1"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 5
        13) "recorded-first-entry-id"
        14) "1-1"
        15) "entries"
        16) 1) 1) "1-1"
               2) 1) "a"
                  2) "1"
        17) "groups"
        18) 1)  1) "name"
                2) "g"
                3) "last-delivered-id"
                4) "0-0"
                5) "entries-read"
                6) (nil)
                7) "lag"
                8) (integer) 5
                9) "pel-count"
               10) (integer) 0
               11) "pending"
               12) (empty array)
               13) "consumers"
               14) (empty array)
        > XINFO STREAM s full count 0
         1) "length"
         2) (integer) 5
         3) "radix-tree-keys"
         4) (integer) 3
         5) "radix-tree-nodes"
         6) (integer) 9
         7) "last-generated-id"
         8) "72057594037927936-1"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 5
        13) "recorded-first-entry-id"
        14) "1-1"
        15) "entries"
        16) 1) 1) "1-1"
               2) 1) "a"
                  2) "1"
            2) 1) "1-2"
               2) 1) "a"
                  2) "2"
            3) 1) "1-257"
               2) 1) "a"
                  2) "3"
            4) 1) "300-0"
               2) 1) "a"
                  2) "4"
            5) 1) "72057594037927936-1"
               2) 1) "a"
                  2) "5"
        17) "groups"
        18) 1)  1) "name"
                2) "g"
                3) "last-delivered-id"
                4) "0-0"
                5) "entries-read"
                6) (nil)
                7) "lag"
                8) (integer) 5
                9) "pel-count"
               10) (integer) 0
               11) "pending"
               12) (empty array)
               13) "consumers"
               14) (empty array)
        > XINFO STREAM s FULL COUNT -1
         1) "length"
         2) (integer) 5
         3) "radix-tree-keys"
         4) (integer) 3
         5) "radix-tree-nodes"
         6) (integer) 9
         7) "last-generated-id"
         8) "72057594037927936-1"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 5
        13) "recorded-first-entry-id"
        14) "1-1"
        15) "entries"
        16) 1) 1) "1-1"
               2) 1) "a"
                  2) "1"
            2) 1) "1-2"
               2) 1) "a"
                  2) "2"
            3) 1) "1-257"
               2) 1) "a"
                  2) "3"
            4) 1) "300-0"
               2) 1) "a"
                  2) "4"
            5) 1) "72057594037927936-1"
               2) 1) "a"
                  2) "5"
        17) "groups"
        18) 1)  1) "name"
                2) "g"
                3) "last-delivered-id"
                4) "0-0"
                5) "entries-read"
                6) (nil)
                7) "lag"
                8) (integer) 5
                9) "pel-count"
               10) (integer) 0
               11) "pending"
               12) (empty array)
               13) "consumers"
               14) (empty array)
        > XINFO STREAM s FULL COUNT x
        (error) ERR value is not an integer or out of range
        > XINFO STREAM s FULL COUNT
        (error) ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM s FULL NONE 1
        (error) ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM s NONE
        (error) ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM s FULL COUNT 1 2
        (error) ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM none
        (error) ERR no such key
        > XINFO STREAM none NONE
        (error) ERR no such key
        > XINFO STREAM
        (error) ERR wrong number of arguments for 'xinfo|stream' command
        > SET str v
        OK
        > XINFO STREAM str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XINFO GROUPS str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XINFO GROUPS none
        (error) ERR no such key
        > XINFO GROUPS s x
        (error) ERR wrong number of arguments for 'xinfo|groups' command
        > XINFO CONSUMERS s g
        (empty array)
        > XINFO CONSUMERS s none
        (error) NOGROUP No such consumer group 'none' for key name 's'
        > XINFO CONSUMERS none g
        (error) ERR no such key
        > XINFO CONSUMERS str g
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XINFO CONSUMERS s
        (error) ERR wrong number of arguments for 'xinfo|consumers' command
        "#,
    );
}

#[test]
fn lag_is_told_where_it_is_known() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XADD s 1-3 a 3
        "1-3"
        > XADD s 1-4 a 4
        "1-4"
        > XGROUP CREATE s g 0
        OK
        > XGROUP CREATE s mid 1-2
        OK
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (integer) 4
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "1-2"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
        > XREADGROUP GROUP g c COUNT 1 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-1"
            9) "entries-read"
           10) (integer) 1
           11) "lag"
           12) (integer) 3
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "1-2"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
        > XDEL s 1-3
        (integer) 1
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-1"
            9) "entries-read"
           10) (integer) 1
           11) "lag"
           12) (nil)
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "1-2"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
        > XREADGROUP GROUP g c COUNT 1 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 2
            7) "last-delivered-id"
            8) "1-2"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 0
            5) "pending"
            6) (integer) 0
            7) "last-delivered-id"
            8) "1-2"
            9) "entries-read"
           10) (nil)
           11) "lag"
           12) (nil)
        > XREADGROUP GROUP g c STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-4"
                 2) 1) "a"
                    2) "4"
        > XREADGROUP GROUP mid c STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-4"
                 2) 1) "a"
                    2) "4"
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 0
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 0
        > XTRIM s MAXLEN 0
        (integer) 3
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 0
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 0
        > XADD s 1-5 a 5
        "1-5"
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 1
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 1
        > XGROUP SETID s g 0 ENTRIESREAD 100
        OK
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (integer) 100
           11) "lag"
           12) (integer) -95
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 1
            7) "last-delivered-id"
            8) "1-4"
            9) "entries-read"
           10) (integer) 4
           11) "lag"
           12) (integer) 1
        > XGROUP SETID s mid 0
        OK
        > XREADGROUP GROUP mid c STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-5"
                 2) 1) "a"
                    2) "5"
        > XINFO GROUPS s
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 3
            7) "last-delivered-id"
            8) "0-0"
            9) "entries-read"
           10) (integer) 100
           11) "lag"
           12) (integer) -95
        2)  1) "name"
            2) "mid"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 2
            7) "last-delivered-id"
            8) "1-5"
            9) "entries-read"
           10) (integer) 5
           11) "lag"
           12) (integer) 0
        "#,
    );
}

#[test]
fn streams_are_copied_and_renamed_whole() {
    transcript(
        r#"
        > XADD s 1-1 a 1
        "1-1"
        > XADD s 1-2 a 2
        "1-2"
        > XGROUP CREATE s g 0
        OK
        > XREADGROUP GROUP g c COUNT 1 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
        > COPY s t
        (integer) 1
        > XADD t 1-3 a 3
        "1-3"
        > XACK t g 1-1
        (integer) 1
        > XREADGROUP GROUP g c STREAMS t >
        1) 1) "t"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "2"
              2) 1) "1-3"
                 2) 1) "a"
                    2) "3"
        > XPENDING s g
        1) (integer) 1
        2) "1-1"
        3) "1-1"
        4) 1) 1) "c"
              2) "1"
        > XLEN s
        (integer) 2
        > RENAME s u
        OK
        > XPENDING u g
        1) (integer) 1
        2) "1-1"
        3) "1-1"
        4) 1) 1) "c"
              2) "1"
        > XINFO GROUPS t
        1)  1) "name"
            2) "g"
            3) "consumers"
            4) (integer) 1
            5) "pending"
            6) (integer) 2
            7) "last-delivered-id"
            8) "1-3"
            9) "entries-read"
           10) (integer) 3
           11) "lag"
           12) (integer) 0
        > XINFO STREAM t
         1) "length"
         2) (integer) 3
         3) "radix-tree-keys"
         4) (integer) 1
         5) "radix-tree-nodes"
         6) (integer) 2
         7) "last-generated-id"
         8) "1-3"
         9) "max-deleted-entry-id"
        10) "0-0"
        11) "entries-added"
        12) (integer) 3
        13) "recorded-first-entry-id"
        14) "1-1"
        15) "groups"
        16) (integer) 1
        17) "first-entry"
        18) 1) "1-1"
            2) 1) "a"
               2) "1"
        19) "last-entry"
        20) 1) "1-3"
            2) 1) "a"
               2) "3"
        > DEL t
        (integer) 1
        > EXISTS t
        (integer) 0
        "#,
    );
}

#[test]
fn a_rewritten_stream_holds_what_it_held() {
    transcript(
        r#"
        > XADD s 1-1 a 1 b 2
        "1-1"
        > XADD s 1-2 a 1 b ""
        "1-2"
        > XADD s 1-3 c "\xff\x00"
        "1-3"
        > XADD s 1-4 a 1
        "1-4"
        > XADD s 1-5 a 1
        "1-5"
        > XADD s 1-6 a 1
        "1-6"
        > XGROUP CREATE s g 0
        OK
        > XGROUP CREATE s h 1-3 ENTRIESREAD 3
        OK
        > XGROUP CREATE s untouched $
        OK
        > XGROUP CREATECONSUMER s untouched c
        (integer) 1
        > XREADGROUP GROUP g alice COUNT 3 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "1"
                    3) "b"
                    4) "2"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "1"
                    3) "b"
                    4) ""
              3) 1) "1-3"
                 2) 1) "c"
                    2) "\xff\x00"
        > XREADGROUP GROUP g bob STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-4"
                 2) 1) "a"
                    2) "1"
              2) 1) "1-5"
                 2) 1) "a"
                    2) "1"
              3) 1) "1-6"
                 2) 1) "a"
                    2) "1"
        > XREADGROUP GROUP h bob COUNT 1 STREAMS s >
        1) 1) "s"
           2) 1) 1) "1-4"
                 2) 1) "a"
                    2) "1"
        > XDEL s 1-4
        (integer) 1
        > XTRIM s MAXLEN 3
        (integer) 2
        > XSETID s 9-9 ENTRIESADDED 77
        OK
        > XGROUP CREATE empty g 5-5 MKSTREAM
        OK
        > XADD emptied 7-7 a b
        "7-7"
        > XGROUP CREATE emptied g 0
        OK
        > XREADGROUP GROUP g c STREAMS emptied >
        1) 1) "emptied"
           2) 1) 1) "7-7"
                 2) 1) "a"
                    2) "b"
        > XDEL emptied 7-7
        (integer) 1
        > XADD trimmed 1-1 a b
        "1-1"
        > XADD trimmed 1-2 a b
        "1-2"
        > XGROUP CREATE trimmed g 0
        OK
        > XREADGROUP GROUP g c STREAMS trimmed >
        1) 1) "trimmed"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        > XTRIM trimmed MAXLEN 1
        (integer) 1
        > XADD expiring 1-1 a b
        "1-1"
        > PEXPIREAT expiring 33177117420000
        (integer) 1
        "#,
    );
}

#[test]
fn digests_are_those_of_redis() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        > XADD s 1-1 a 1 b 2
        "1-1"
        > XADD s 1-2 a 1 b ""
        "1-2"
        > XADD s 18446744073709551615-5 "\xff" "\x00"
        "18446744073709551615-5"
        > XGROUP CREATE s g 0
        OK
        > DEBUG DIGEST-VALUE s none
        1) 0c744de66f6a55dbc31fa6109660b9769c9a806c
        2) 0000000000000000000000000000000000000000
        > DEBUG DIGEST
        f9ccb1250958bbd103c9ff1d244c36adf32312b8
        > XDEL s 1-1
        (integer) 1
        > DEBUG DIGEST-VALUE s
        1) b69e421c1deff14f0df755af2792f56682081509
        > XTRIM s MAXLEN 0
        (integer) 2
        > DEBUG DIGEST-VALUE s
        1) 06bd01623de1d087bbd377851096317b1af476a2
        "#,
    );
}

/// Some commands look for their key as a reader does, some more than once.
#[test]
fn streams_are_looked_for_as_often_as_in_redis() {
    const SCENE: &[&str] = &[
        "XREAD STREAMS none 0",
        "XREAD STREAMS none other 0 0",
        "XREAD BLOCK 1 STREAMS none $",
        "XACK none g 1-1",
        "XADD s 1-1 a b",
        "XACK s nog 1-1",
        "XREAD STREAMS s 0",
        "XREAD STREAMS s $",
        "XREAD STREAMS s none 0 0",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c STREAMS s >",
        "XREADGROUP GROUP g c STREAMS s 0",
        "XREADGROUP GROUP g c BLOCK 1 STREAMS s >",
        "XREADGROUP GROUP g c STREAMS none >",
        "XREADGROUP GROUP nog c STREAMS s >",
        "XACK s g 9-9",
        "XCLAIM none g c 0 1-1",
        "XCLAIM s g c 0 1-1",
        "XAUTOCLAIM none g c 0 0",
        "XAUTOCLAIM s g c 0 0",
        "XPENDING none g",
        "XPENDING s g",
        "XLEN none",
        "XRANGE none - +",
        "XRANGE s - +",
        "XDEL none 1-1",
        "XDEL s 9-9",
        "XTRIM none MAXLEN 1",
        "XSETID s 9-9",
        "XINFO STREAM none",
        "XINFO GROUPS s",
        "XGROUP DESTROY s nog",
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--notify-keyspace-events", "Em"]);
        let (mut client, mut listener) = (server.connect(), server.connect());
        listener.line("SUBSCRIBE __keyevent@0__:keymiss");
        let seen = SCENE.iter().map(|line| {
            client.line("CONFIG RESETSTAT");
            client.line(line);
            let lookups =
                ["keyspace_hits", "keyspace_misses"].map(|field| client.info_number(field));
            client.line("PUBLISH __keyevent@0__:keymiss end");
            let missed = std::iter::repeat_with(|| listener.reply().items()[2].text())
                .take_while(|key| key != "end");
            format!("{line}: {lookups:?} {:?}", missed.collect::<Vec<_>>())
        });
        seen.collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
}
