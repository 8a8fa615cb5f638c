//! SORT and SORT_RO.

use crate::support::logged::logged_alike;
use crate::support::{assert_counted_alike, transcript};

#[test]
fn sort_sorts_numbers_and_answers_the_elements() {
    transcript(
        r#"
        > RPUSH l 3 1 2 10 -7 2.5
        (integer) 6
        > SORT l
        1) "-7"
        2) "1"
        3) "2"
        4) "2.5"
        5) "3"
        6) "10"
        > SORT l ASC
        1) "-7"
        2) "1"
        3) "2"
        4) "2.5"
        5) "3"
        6) "10"
        > SORT l DESC
        1) "10"
        2) "3"
        3) "2.5"
        4) "2"
        5) "1"
        6) "-7"
        > SORT l asc DESC asc
        1) "-7"
        2) "1"
        3) "2"
        4) "2.5"
        5) "3"
        6) "10"
        > SORT_RO l DESC
        1) "10"
        2) "3"
        3) "2.5"
        4) "2"
        5) "1"
        6) "-7"
        > LRANGE l 0 -1
        1) "3"
        2) "1"
        3) "2"
        4) "10"
        5) "-7"
        6) "2.5"
        > SADD s 3 1 2 10
        (integer) 4
        > SORT s
        1) "1"
        2) "2"
        3) "3"
        4) "10"
        > SADD w b a c
        (integer) 3
        > SORT w ALPHA
        1) "a"
        2) "b"
        3) "c"
        > SORT none
        (empty array)
        > SORT_RO none
        (empty array)
        > SORT none ALPHA BY x_* GET #
        (empty array)
        "#,
    );
}

#[test]
fn numbers_are_read_as_c_reads_them() {
    transcript(
        r#"
        > RPUSH l "" " 1" 0x10 inf -inf "\t-2"
        (integer) 6
        > SORT l
        1) "-inf"
        2) "\t-2"
        3) ""
        4) " 1"
        5) "0x10"
        6) "inf"
        > SORT l DESC
        1) "inf"
        2) "0x10"
        3) " 1"
        4) ""
        5) "\t-2"
        6) "-inf"
        > RPUSH m 1 nan
        (integer) 2
        > SORT m
        (error) ERR One or more scores can't be converted into double
        > RPUSH n 1 "2 "
        (integer) 2
        > SORT n
        (error) ERR One or more scores can't be converted into double
        > RPUSH q 1 "2\x00x" "\x003"
        (integer) 3
        > SORT q
        1) "\x003"
        2) "1"
        3) "2\x00x"
        > RPUSH r 1 " "
        (integer) 2
        > SORT r
        (error) ERR One or more scores can't be converted into double
        > RPUSH t 9223372036854775807 9223372036854775806 9223372036854775805 1e18
        (integer) 4
        > SORT t
        1) "1e18"
        2) "9223372036854775805"
        3) "9223372036854775806"
        4) "9223372036854775807"
        > SORT t DESC
        1) "9223372036854775807"
        2) "9223372036854775806"
        3) "9223372036854775805"
        4) "1e18"
        > RPUSH o 1 1e400
        (integer) 2
        > SORT o
        (error) ERR One or more scores can't be converted into double
        > RPUSH p 1 1e-310
        (integer) 2
        > SORT p
        (error) ERR One or more scores can't be converted into double
        "#,
    );
}

#[test]
fn numbers_that_are_the_same_are_in_the_order_of_their_bytes() {
    transcript(
        r#"
        > RPUSH l 1.0 1 01 1e0 0x1 1.00
        (integer) 6
        > SORT l
        1) "01"
        2) "0x1"
        3) "1"
        4) "1.0"
        5) "1.00"
        6) "1e0"
        > SORT l DESC
        1) "1e0"
        2) "1.00"
        3) "1.0"
        4) "1"
        5) "0x1"
        6) "01"
        > RPUSH m 0 -0 0.0 -0.0
        (integer) 4
        > SORT m
        1) "-0"
        2) "-0.0"
        3) "0"
        4) "0.0"
        > SORT m DESC
        1) "0.0"
        2) "0"
        3) "-0.0"
        4) "-0"
        "#,
    );
}

#[test]
fn sort_refuses_what_is_no_number_unless_it_is_told_that_all_are_words() {
    transcript(
        r#"
        > RPUSH l b 1 a
        (integer) 3
        > SORT l
        (error) ERR One or more scores can't be converted into double
        > SORT l DESC LIMIT 0 0
        (error) ERR One or more scores can't be converted into double
        > SORT l STORE d
        (error) ERR One or more scores can't be converted into double
        > EXISTS d
        (integer) 0
        > SORT l ALPHA
        1) "1"
        2) "a"
        3) "b"
        > SORT l ALPHA DESC
        1) "b"
        2) "a"
        3) "1"
        > SORT l BY w_*
        1) "1"
        2) "a"
        3) "b"
        > MSET w_a 2 w_b x w_1 0
        OK
        > SORT l BY w_*
        (error) ERR One or more scores can't be converted into double
        > SORT l BY w_* ALPHA
        1) "1"
        2) "a"
        3) "b"
        > SORT l BY w_* ALPHA DESC
        1) "b"
        2) "a"
        3) "1"
        "#,
    );
}

#[test]
fn words_end_at_a_nul_unless_they_are_stored() {
    transcript(
        r#"
        > RPUSH l "b\x00a" "b" "a\x00z" "a" "" "B" "\xff"
        (integer) 7
        > SORT l ALPHA
        1) ""
        2) "B"
        3) "a\x00z"
        4) "a"
        5) "b\x00a"
        6) "b"
        7) "\xff"
        > SORT l ALPHA DESC
        1) "\xff"
        2) "b\x00a"
        3) "b"
        4) "a\x00z"
        5) "a"
        6) "B"
        7) ""
        > SORT l ALPHA STORE d
        (integer) 7
        > LRANGE d 0 -1
        1) ""
        2) "B"
        3) "a"
        4) "a\x00z"
        5) "b"
        6) "b\x00a"
        7) "\xff"
        > SORT l ALPHA STORE d DESC
        (integer) 7
        > LRANGE d 0 -1
        1) "\xff"
        2) "b\x00a"
        3) "b"
        4) "a\x00z"
        5) "a"
        6) "B"
        7) ""
        "#,
    );
}

#[test]
fn limit_takes_a_part() {
    transcript(
        r#"
        > RPUSH l 5 4 3 2 1
        (integer) 5
        > SORT l LIMIT 0 2
        1) "1"
        2) "2"
        > SORT l LIMIT 3 10
        1) "4"
        2) "5"
        > SORT l LIMIT 5 10
        (empty array)
        > SORT l LIMIT 2 0
        (empty array)
        > SORT l LIMIT -3 2
        1) "1"
        2) "2"
        > SORT l LIMIT 1 -1
        1) "2"
        2) "3"
        3) "4"
        4) "5"
        > SORT l LIMIT 1 -5
        1) "2"
        2) "3"
        3) "4"
        4) "5"
        > SORT l DESC LIMIT 1 2
        1) "4"
        2) "3"
        > SORT l LIMIT 9223372036854775807 9223372036854775807
        (empty array)
        > SORT l LIMIT 0 1 LIMIT 1 2
        1) "2"
        2) "3"
        > SORT l BY nosort LIMIT 1 2
        1) "4"
        2) "3"
        > SORT l BY nosort DESC LIMIT 1 2
        1) "2"
        2) "3"
        > SORT l BY nosort LIMIT -1 2
        1) "5"
        2) "4"
        > SORT l BY nosort LIMIT 4 9
        1) "1"
        > SORT l BY nosort DESC LIMIT 5 9
        (empty array)
        > SORT l BY nosort DESC
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "5"
        > SORT l BY nosort LIMIT 1 0
        (empty array)
        "#,
    );
}

#[test]
fn by_looks_at_other_keys() {
    transcript(
        r#"
        > RPUSH l 1 2 3 4
        (integer) 4
        > MSET w_1 30 w_2 20 w_3 10
        OK
        > SORT l BY w_*
        1) "4"
        2) "3"
        3) "2"
        4) "1"
        > SORT l BY w_* DESC
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY w_* LIMIT 1 2
        1) "3"
        2) "2"
        > SORT l BY w_* ALPHA
        1) "4"
        2) "3"
        3) "2"
        4) "1"
        > HSET h_1 f 2 g x
        (integer) 2
        > HSET h_2 f 1.5
        (integer) 1
        > HSET h_3 g 7
        (integer) 1
        > SORT l BY h_*->f
        1) "3"
        2) "4"
        3) "2"
        4) "1"
        > SORT l BY h_*->f DESC
        1) "1"
        2) "2"
        3) "4"
        4) "3"
        > SORT l BY h_*->g
        (error) ERR One or more scores can't be converted into double
        > SORT l BY h_*->g ALPHA
        1) "2"
        2) "4"
        3) "3"
        4) "1"
        > SORT l BY h_*->
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY h_*
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY w_*->f
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY h_*->none
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SET x1y 4
        OK
        > SET x2y 3
        OK
        > SORT l BY x*y
        1) "3"
        2) "4"
        3) "2"
        4) "1"
        > SORT l BY *
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY nosort
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY ""
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY #
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY w_* BY nosort
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SORT l BY nosort BY w_*
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        "#,
    );
}

#[test]
fn get_answers_other_keys() {
    transcript(
        r#"
        > RPUSH l 2 1 3
        (integer) 3
        > MSET v_1 one v_2 22
        OK
        > HSET h_1 f uno
        (integer) 1
        > SORT l GET v_*
        1) "one"
        2) "22"
        3) (nil)
        > SORT l GET # GET v_* GET h_*->f
        1) "1"
        2) "one"
        3) "uno"
        4) "2"
        5) "22"
        6) (nil)
        7) "3"
        8) (nil)
        9) (nil)
        > SORT l GET nothing
        1) (nil)
        2) (nil)
        3) (nil)
        > SORT l GET h_*
        1) (nil)
        2) (nil)
        3) (nil)
        > SORT l GET v_*->f
        1) (nil)
        2) (nil)
        3) (nil)
        > SORT l GET h_*->
        1) (nil)
        2) (nil)
        3) (nil)
        > SORT l GET "" GET #
        1) (nil)
        2) "1"
        3) (nil)
        4) "2"
        5) (nil)
        6) "3"
        > SORT l GET # GET #
        1) "1"
        2) "1"
        3) "2"
        4) "2"
        5) "3"
        6) "3"
        > SORT l GET v_* DESC LIMIT 0 1
        1) (nil)
        > SORT l BY nosort GET v_*
        1) "22"
        2) "one"
        3) (nil)
        > SET "->1" x
        OK
        > SORT l GET ->*
        1) "x"
        2) (nil)
        3) (nil)
        > SET v_1-> arrow
        OK
        > SORT l GET v_*->
        1) "arrow"
        2) (nil)
        3) (nil)
        "#,
    );
}

#[test]
fn store_writes_a_list() {
    transcript(
        r#"
        > RPUSH l 3 1 2
        (integer) 3
        > SORT l STORE d
        (integer) 3
        > LRANGE d 0 -1
        1) "1"
        2) "2"
        3) "3"
        > TYPE d
        list
        > OBJECT ENCODING d
        "listpack"
        > SORT l STORE d DESC LIMIT 0 2
        (integer) 2
        > LRANGE d 0 -1
        1) "3"
        2) "2"
        > SET v_1 one
        OK
        > SORT l GET # GET v_* STORE d
        (integer) 6
        > LRANGE d 0 -1
        1) "1"
        2) "one"
        3) "2"
        4) ""
        5) "3"
        6) ""
        > SORT l STORE l
        (integer) 3
        > LRANGE l 0 -1
        1) "1"
        2) "2"
        3) "3"
        > SET d x EX 100
        OK
        > SORT l STORE d
        (integer) 3
        > TTL d
        (integer) -1
        > SORT l STORE d LIMIT 5 1
        (integer) 0
        > EXISTS d
        (integer) 0
        > SORT none STORE l
        (integer) 0
        > EXISTS l
        (integer) 0
        > SORT none STORE none
        (integer) 0
        > RPUSH l 1
        (integer) 1
        > SORT l STORE d STORE e
        (integer) 1
        > EXISTS d
        (integer) 0
        > LRANGE e 0 -1
        1) "1"
        "#,
    );
}

#[test]
fn a_stored_list_is_a_listpack_where_it_fits() {
    transcript(
        r#"
        # flags --list-max-listpack-size 3
        > RPUSH l 3 1 2
        (integer) 3
        > SORT l STORE d
        (integer) 3
        > OBJECT ENCODING d
        "listpack"
        > RPUSH l 4
        (integer) 4
        > SORT l STORE d
        (integer) 4
        > OBJECT ENCODING d
        "quicklist"
        > SORT l LIMIT 0 3 STORE d
        (integer) 3
        > OBJECT ENCODING d
        "listpack"
        > LRANGE d 0 -1
        1) "1"
        2) "2"
        3) "3"
        > SORT l GET # GET # STORE d
        (integer) 8
        > OBJECT ENCODING d
        "quicklist"
        > LRANGE d 0 -1
        1) "1"
        2) "1"
        3) "2"
        4) "2"
        5) "3"
        6) "3"
        7) "4"
        8) "4"
        "#,
    );
}

#[test]
fn a_set_that_is_stored_unsorted_is_sorted_all_the_same() {
    transcript(
        r#"
        > SADD s 10 9 1 a b
        (integer) 5
        > SORT s BY nosort STORE d
        (integer) 5
        > LRANGE d 0 -1
        1) "1"
        2) "10"
        3) "9"
        4) "a"
        5) "b"
        > SORT s BY nosort DESC STORE d
        (integer) 5
        > LRANGE d 0 -1
        1) "b"
        2) "a"
        3) "9"
        4) "10"
        5) "1"
        > SADD i 3 1 2
        (integer) 3
        > SORT i BY nosort
        1) "1"
        2) "2"
        3) "3"
        > SORT i BY nosort DESC
        1) "1"
        2) "2"
        3) "3"
        > SORT i BY nosort LIMIT 1 1
        1) "2"
        > SORT i BY nosort LIMIT 1 1 STORE d
        (integer) 1
        > LRANGE d 0 -1
        1) "2"
        "#,
    );
}

#[test]
fn sorted_sets_keep_their_order_where_nothing_is_sorted() {
    transcript(
        r#"
        # no-reload
        > ZADD z 3 a 2 b 1 c 2 bb
        (integer) 4
        > OBJECT ENCODING z
        "listpack"
        > SORT z BY nosort
        1) "c"
        2) "b"
        3) "bb"
        4) "a"
        > OBJECT ENCODING z
        "skiplist"
        > SORT z BY nosort DESC
        1) "a"
        2) "bb"
        3) "b"
        4) "c"
        > SORT z BY nosort LIMIT 1 2
        1) "b"
        2) "bb"
        > SORT z BY nosort DESC LIMIT 1 2
        1) "bb"
        2) "b"
        > SORT z BY nosort DESC LIMIT 9 2
        (empty array)
        > SORT z ALPHA
        1) "a"
        2) "b"
        3) "bb"
        4) "c"
        > SORT z
        (error) ERR One or more scores can't be converted into double
        > SORT z BY nosort STORE d
        (integer) 4
        > LRANGE d 0 -1
        1) "c"
        2) "b"
        3) "bb"
        4) "a"
        > ZADD x 1 30 2 20 3 10
        (integer) 3
        > SORT x
        1) "10"
        2) "20"
        3) "30"
        > SORT x DESC
        1) "30"
        2) "20"
        3) "10"
        > ZADD y 1 1
        (integer) 1
        > SORT_RO y
        1) "1"
        > OBJECT ENCODING y
        "skiplist"
        > ZRANGE y 0 -1 WITHSCORES
        1) "1"
        2) "1"
        "#,
    );
}

#[test]
fn sort_refuses_what_it_does_not_know() {
    transcript(
        r#"
        > SORT
        (error) ERR wrong number of arguments for 'sort' command
        > SORT l x
        (error) ERR syntax error
        > SORT l LIMIT 0
        (error) ERR syntax error
        > SORT l LIMIT
        (error) ERR syntax error
        > SORT l LIMIT a 1
        (error) ERR value is not an integer or out of range
        > SORT l LIMIT 0 b x
        (error) ERR value is not an integer or out of range
        > SORT l x LIMIT 0 b
        (error) ERR syntax error
        > SORT l LIMIT 0 9223372036854775808
        (error) ERR value is not an integer or out of range
        > SORT l BY
        (error) ERR syntax error
        > SORT l GET
        (error) ERR syntax error
        > SORT l STORE
        (error) ERR syntax error
        > SORT_RO l STORE d
        (error) ERR syntax error
        > SORT_RO
        (error) ERR wrong number of arguments for 'sort_ro' command
        > SET s abc
        OK
        > SORT s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SORT s x
        (error) ERR syntax error
        > SORT s STORE d
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SORT_RO s BY nosort
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSET h a 1
        (integer) 1
        > SORT h
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > XADD x 1-1 a b
        "1-1"
        > SORT x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn a_request_says_which_keys_sort_touches() {
    transcript(
        r#"
        > COMMAND GETKEYSANDFLAGS SORT a
        1) 1) "a"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS SORT a BY w_* GET # STORE d
        1) 1) "a"
           2) 1) RO
              2) access
        2) 1) "d"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS SORT a STORE b LIMIT STORE c STORE d
        1) 1) "a"
           2) 1) RO
              2) access
        2) 1) "d"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS SORT a BY STORE GET STORE STORE c
        1) 1) "a"
           2) 1) RO
              2) access
        2) 1) "c"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS SORT a STORE
        1) 1) "a"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS SORT_RO a STORE b
        1) 1) "a"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS SORT_RO a
        1) 1) "a"
           2) 1) RO
              2) access
        "#,
    );
}

#[test]
fn what_weighs_the_same_keeps_its_order_where_it_has_one() {
    transcript(
        r#"
        > RPUSH l d b a c
        (integer) 4
        > MSET w_a 1 w_d 1
        OK
        > SORT l BY w_* ALPHA
        1) "b"
        2) "c"
        3) "d"
        4) "a"
        > SORT l BY w_* ALPHA DESC
        1) "d"
        2) "a"
        3) "b"
        4) "c"
        > SORT l BY w_* ALPHA STORE r
        (integer) 4
        > LRANGE r 0 -1
        1) "b"
        2) "c"
        3) "d"
        4) "a"
        > SADD s d b a c
        (integer) 4
        > OBJECT ENCODING s
        "listpack"
        > SORT s BY w_* ALPHA
        1) "b"
        2) "c"
        3) "d"
        4) "a"
        > SORT s BY w_* ALPHA DESC
        1) "d"
        2) "a"
        3) "b"
        4) "c"
        > SORT s BY w_* ALPHA STORE r
        (integer) 4
        > LRANGE r 0 -1
        1) "b"
        2) "c"
        3) "d"
        4) "a"
        "#,
    );
}

#[test]
fn an_option_may_be_the_name_of_a_key() {
    transcript(
        r#"
        > RPUSH l 2 1
        (integer) 2
        > SORT l STORE get STORE by
        (integer) 2
        > LRANGE by 0 -1
        1) "1"
        2) "2"
        > EXISTS get
        (integer) 0
        > SORT l STORE limit
        (integer) 2
        > LRANGE limit 0 -1
        1) "1"
        2) "2"
        > SORT l BY STORE GET STORE
        1) (nil)
        2) (nil)
        > SORT l BY STORE GET # STORE STORE
        (integer) 2
        > LRANGE STORE 0 -1
        1) "2"
        2) "1"
        "#,
    );
}

#[test]
fn a_stored_sort_is_logged_as_it_was_sent() {
    logged_alike(
        &[
            "RPUSH l 3 1 2",
            "SORT l",
            "SORT_RO l",
            "SORT l STORE d",
            "sort l store d desc",
            "SORT none STORE d",
            "SORT none STORE d",
            "SORT l LIMIT 0 0 STORE l",
        ],
        &[],
    );
}

#[test]
fn changes_and_lookups_are_counted_as_by_redis() {
    let lines = [
        "RPUSH l 3 1 2 x",
        "SORT l",
        "SORT l ALPHA",
        "SORT l ALPHA BY w_*",
        "MSET w_1 1 w_2 x v_1 1",
        "SORT l BY w_*",
        "SORT l BY w_* ALPHA LIMIT 0 2 GET # GET v_* GET h_*->f",
        "SORT none",
        "SORT l ALPHA STORE d",
        "SORT l ALPHA GET v_* GET # STORE d",
        "SORT none STORE d",
        "SORT none STORE d",
        "SORT w_1",
        "SORT l BY nosort STORE d",
    ];
    assert_counted_alike(&lines);
}
