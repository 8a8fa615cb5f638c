//! The commands of lists. Those that wait are in [`blocking`](super::blocking), too.

use std::time::{Duration, Instant};

use crate::support::logged::{LOGGED, logged_alike, requests};
use crate::support::transcript::rewrite;
use crate::support::{Kind, Server, transcript};

#[test]
fn elements_are_pushed_at_either_end() {
    transcript(
        r#"
        > RPUSH l a b c
        (integer) 3
        > LPUSH l z y
        (integer) 5
        > LRANGE l 0 -1
        1) "y"
        2) "z"
        3) "a"
        4) "b"
        5) "c"
        > LLEN l
        (integer) 5
        > LLEN none
        (integer) 0
        > LPUSHX none a b
        (integer) 0
        > RPUSHX none a
        (integer) 0
        > EXISTS none
        (integer) 0
        > LPUSHX l 1 2
        (integer) 7
        > RPUSHX l 3 4
        (integer) 9
        > LRANGE l 0 -1
        1) "2"
        2) "1"
        3) "y"
        4) "z"
        5) "a"
        6) "b"
        7) "c"
        8) "3"
        9) "4"
        > RPUSH l "" "\x00\xff\r\n" 007 -0 -5 9223372036854775807 9223372036854775808
        (integer) 16
        > LRANGE l -7 -1
        1) ""
        2) "\x00\xff\r\n"
        3) "007"
        4) "-0"
        5) "-5"
        6) "9223372036854775807"
        7) "9223372036854775808"
        > TYPE l
        list
        > OBJECT ENCODING l
        "listpack"
        "#,
    );
}

#[test]
fn pushing_needs_a_list_and_an_element() {
    transcript(
        r#"
        > SET s x
        OK
        > LPUSH s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPUSHX s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSHX s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LLEN s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPUSH l
        (error) ERR wrong number of arguments for 'lpush' command
        > RPUSH l
        (error) ERR wrong number of arguments for 'rpush' command
        > LPUSHX l
        (error) ERR wrong number of arguments for 'lpushx' command
        > RPUSHX l
        (error) ERR wrong number of arguments for 'rpushx' command
        > LLEN
        (error) ERR wrong number of arguments for 'llen' command
        > LLEN a b
        (error) ERR wrong number of arguments for 'llen' command
        > GET s
        "x"
        > EXISTS l
        (integer) 0
        "#,
    );
}

#[test]
fn elements_are_popped_at_either_end() {
    transcript(
        r#"
        > RPUSH l 1 2 3 4 5 6 7
        (integer) 7
        > LPOP l
        "1"
        > RPOP l
        "7"
        > LPOP l 2
        1) "2"
        2) "3"
        > RPOP l 2
        1) "6"
        2) "5"
        > LPOP l 0
        (empty array)
        > RPOP l 0
        (empty array)
        > RPOP l 100
        1) "4"
        > EXISTS l
        (integer) 0
        > LPOP l
        (nil)
        > RPOP l
        (nil)
        > LPOP l 1
        (nil)
        > RPOP l 0
        (nil)
        > RPUSH l a
        (integer) 1
        > LPOP l
        "a"
        > EXISTS l
        (integer) 0
        > RPUSH l a
        (integer) 1
        > RPOP l
        "a"
        > EXISTS l
        (integer) 0
        "#,
    );
}

#[test]
fn the_count_of_a_pop_comes_before_the_key() {
    transcript(
        r#"
        > SET s x
        OK
        > LPOP s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOP s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPOP s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOP s 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPOP s -1
        (error) ERR value is out of range, must be positive
        > LPOP none -1
        (error) ERR value is out of range, must be positive
        > RPOP none x
        (error) ERR value is out of range, must be positive
        > LPOP s 1.5
        (error) ERR value is out of range, must be positive
        > LPOP s 9223372036854775808
        (error) ERR value is out of range, must be positive
        > LPOP none 9223372036854775807
        (nil)
        > LPOP none 1 2
        (error) ERR wrong number of arguments for 'lpop' command
        > RPOP none 1 2
        (error) ERR wrong number of arguments for 'rpop' command
        > LPOP
        (error) ERR wrong number of arguments for 'lpop' command
        > RPOP
        (error) ERR wrong number of arguments for 'rpop' command
        "#,
    );
}

#[test]
fn a_list_is_read_by_ranges() {
    transcript(
        r#"
        > RPUSH l a b c d e
        (integer) 5
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
        > LRANGE l 1 3
        1) "b"
        2) "c"
        3) "d"
        > LRANGE l -2 -1
        1) "d"
        2) "e"
        > LRANGE l -100 100
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
        > LRANGE l 3 1
        (empty array)
        > LRANGE l 5 9
        (empty array)
        > LRANGE l -1 -3
        (empty array)
        > LRANGE l 0 -6
        (empty array)
        > LRANGE l -9223372036854775808 9223372036854775807
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
        > LRANGE l 9223372036854775807 -9223372036854775808
        (empty array)
        > LRANGE none 0 -1
        (empty array)
        > SET s x
        OK
        > LRANGE s 0 -1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LRANGE s x 1
        (error) ERR value is not an integer or out of range
        > LRANGE none 0 x
        (error) ERR value is not an integer or out of range
        > LRANGE l 0
        (error) ERR wrong number of arguments for 'lrange' command
        > LRANGE l 0 1 2
        (error) ERR wrong number of arguments for 'lrange' command
        "#,
    );
}

#[test]
fn a_list_is_read_by_index() {
    transcript(
        r#"
        > RPUSH l a b c d e 17
        (integer) 6
        > LINDEX l 0
        "a"
        > LINDEX l 5
        "17"
        > LINDEX l -1
        "17"
        > LINDEX l -6
        "a"
        > LINDEX l -7
        (nil)
        > LINDEX l 6
        (nil)
        > LINDEX l 9223372036854775807
        (nil)
        > LINDEX l -9223372036854775808
        (nil)
        > LINDEX l x
        (error) ERR value is not an integer or out of range
        > LINDEX none x
        (nil)
        > LINDEX none 0
        (nil)
        > SET s x
        OK
        > LINDEX s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LINDEX s x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LINDEX l
        (error) ERR wrong number of arguments for 'lindex' command
        > LINDEX l 1 2
        (error) ERR wrong number of arguments for 'lindex' command
        "#,
    );
}

#[test]
fn an_element_is_replaced() {
    transcript(
        r#"
        > RPUSH l a b c
        (integer) 3
        > LSET l 0 A
        OK
        > LSET l -1 17
        OK
        > LSET l 1 ""
        OK
        > LRANGE l 0 -1
        1) "A"
        2) ""
        3) "17"
        > LSET l 3 x
        (error) ERR index out of range
        > LSET l -4 x
        (error) ERR index out of range
        > LSET l x x
        (error) ERR value is not an integer or out of range
        > LSET none 0 x
        (error) ERR no such key
        > LSET none x x
        (error) ERR no such key
        > SET s x
        OK
        > LSET s 0 x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LSET s x x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LSET l 0
        (error) ERR wrong number of arguments for 'lset' command
        > LSET l 0 a b
        (error) ERR wrong number of arguments for 'lset' command
        > LRANGE l 0 -1
        1) "A"
        2) ""
        3) "17"
        "#,
    );
}

/// The index is cut to 32 bits.
#[test]
fn a_far_index_of_lset_comes_round() {
    transcript(
        r#"
        > RPUSH l a b c
        (integer) 3
        > LSET l 4294967296 A
        OK
        > LSET l 4294967297 B
        OK
        > LSET l 9223372036854775807 C
        OK
        > LSET l 2147483648 x
        (error) ERR index out of range
        > LSET l -9223372036854775808 Z
        OK
        > LSET l 4294967299 x
        (error) ERR index out of range
        > LRANGE l 0 -1
        1) "Z"
        2) "B"
        3) "C"
        "#,
    );
}

#[test]
fn an_element_is_inserted_beside_the_first_like_it() {
    transcript(
        r#"
        > RPUSH l a b c b
        (integer) 4
        > LINSERT l BEFORE b x
        (integer) 5
        > LINSERT l after b y
        (integer) 6
        > LINSERT l BEFORE a first
        (integer) 7
        > LINSERT l AFTER c 9
        (integer) 8
        > LINSERT l AFTER 9 10
        (integer) 9
        > LRANGE l 0 -1
        1) "first"
        2) "a"
        3) "x"
        4) "b"
        5) "y"
        6) "c"
        7) "9"
        8) "10"
        9) "b"
        > LINSERT l BEFORE none x
        (integer) -1
        > LINSERT none BEFORE a x
        (integer) 0
        > EXISTS none
        (integer) 0
        > LINSERT l AROUND a x
        (error) ERR syntax error
        > LINSERT none AROUND a x
        (error) ERR syntax error
        > SET s x
        OK
        > LINSERT s BEFORE a x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LINSERT s AROUND a x
        (error) ERR syntax error
        > LINSERT l BEFORE a
        (error) ERR wrong number of arguments for 'linsert' command
        > LINSERT l BEFORE a b c
        (error) ERR wrong number of arguments for 'linsert' command
        > LLEN l
        (integer) 9
        "#,
    );
}

#[test]
fn equal_elements_are_removed_from_either_end() {
    transcript(
        r#"
        > RPUSH l a b a c a b a
        (integer) 7
        > LREM l 1 a
        (integer) 1
        > LRANGE l 0 -1
        1) "b"
        2) "a"
        3) "c"
        4) "a"
        5) "b"
        6) "a"
        > LREM l -2 a
        (integer) 2
        > LRANGE l 0 -1
        1) "b"
        2) "a"
        3) "c"
        4) "b"
        > LREM l 0 b
        (integer) 2
        > LRANGE l 0 -1
        1) "a"
        2) "c"
        > LREM l 5 none
        (integer) 0
        > LREM l -5 none
        (integer) 0
        > LREM none 0 a
        (integer) 0
        > LREM l 0 c
        (integer) 1
        > LREM l 100 a
        (integer) 1
        > EXISTS l
        (integer) 0
        > RPUSH n 1 01 1 +1
        (integer) 4
        > LREM n 0 1
        (integer) 2
        > LRANGE n 0 -1
        1) "01"
        2) "+1"
        > SET s x
        OK
        > LREM s 0 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LREM s x a
        (error) ERR value is not an integer or out of range
        > LREM none x a
        (error) ERR value is not an integer or out of range
        > LREM n 9223372036854775807 01
        (integer) 1
        > LREM n -9223372036854775807 +1
        (integer) 1
        > LREM none -9223372036854775808 a
        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > LREM n 0
        (error) ERR wrong number of arguments for 'lrem' command
        > LREM n 0 a b
        (error) ERR wrong number of arguments for 'lrem' command
        > EXISTS n
        (integer) 0
        "#,
    );
}

#[test]
fn a_list_is_trimmed() {
    transcript(
        r#"
        > RPUSH l a b c d e f g
        (integer) 7
        > LTRIM l 1 -2
        OK
        > LRANGE l 0 -1
        1) "b"
        2) "c"
        3) "d"
        4) "e"
        5) "f"
        > LTRIM l -3 100
        OK
        > LRANGE l 0 -1
        1) "d"
        2) "e"
        3) "f"
        > LTRIM l 0 -1
        OK
        > LTRIM l 1 1
        OK
        > LRANGE l 0 -1
        1) "e"
        > LTRIM l 5 9
        OK
        > EXISTS l
        (integer) 0
        > LTRIM none 0 1
        OK
        > RPUSH l a b
        (integer) 2
        > LTRIM l 1 0
        OK
        > EXISTS l
        (integer) 0
        > RPUSH l a b c
        (integer) 3
        > LTRIM l -9223372036854775808 9223372036854775807
        OK
        > LLEN l
        (integer) 3
        > LTRIM l x 1
        (error) ERR value is not an integer or out of range
        > LTRIM none 0 x
        (error) ERR value is not an integer or out of range
        > SET s x
        OK
        > LTRIM s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LTRIM s x 1
        (error) ERR value is not an integer or out of range
        > LTRIM l 0
        (error) ERR wrong number of arguments for 'ltrim' command
        > LTRIM l 0 1 2
        (error) ERR wrong number of arguments for 'ltrim' command
        "#,
    );
}

#[test]
fn positions_of_an_element_are_found() {
    transcript(
        r#"
        > RPUSH l a b c 1 2 3 c c
        (integer) 8
        > LPOS l c
        (integer) 2
        > LPOS l c RANK 2
        (integer) 6
        > LPOS l c RANK -1
        (integer) 7
        > LPOS l c RANK -3
        (integer) 2
        > LPOS l c RANK -4
        (nil)
        > LPOS l c RANK 4
        (nil)
        > LPOS l c COUNT 2
        1) (integer) 2
        2) (integer) 6
        > LPOS l c COUNT 0
        1) (integer) 2
        2) (integer) 6
        3) (integer) 7
        > LPOS l c COUNT 0 RANK 2
        1) (integer) 6
        2) (integer) 7
        > LPOS l c COUNT 2 RANK -1
        1) (integer) 7
        2) (integer) 6
        > LPOS l c RANK -2 COUNT 9
        1) (integer) 6
        2) (integer) 2
        > LPOS l c MAXLEN 2
        (nil)
        > LPOS l c MAXLEN 3
        (integer) 2
        > LPOS l c COUNT 0 MAXLEN 7
        1) (integer) 2
        2) (integer) 6
        > LPOS l c COUNT 0 MAXLEN 2 RANK -1
        1) (integer) 7
        2) (integer) 6
        > LPOS l c MAXLEN 0
        (integer) 2
        > LPOS l 1
        (integer) 3
        > LPOS l 01
        (nil)
        > LPOS l none
        (nil)
        > LPOS l none COUNT 0
        (empty array)
        > LPOS none a
        (nil)
        > LPOS none a COUNT 1
        (empty array)
        > LPOS l c rank 1 rank 2
        (integer) 6
        > LPOS l c RANK 9223372036854775807 COUNT 9223372036854775807 MAXLEN 9223372036854775807
        (empty array)
        "#,
    );
}

#[test]
fn the_options_of_lpos_are_checked_before_the_key() {
    transcript(
        r#"
        > SET s x
        OK
        > LPOS s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPOS s a RANK 0
        (error) ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        > LPOS none a RANK 0
        (error) ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        > LPOS none a RANK x
        (error) ERR value is not an integer or out of range
        > LPOS none a RANK -9223372036854775808
        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > LPOS none a COUNT -1
        (error) ERR COUNT can't be negative
        > LPOS none a COUNT x
        (error) ERR COUNT can't be negative
        > LPOS none a MAXLEN -1
        (error) ERR MAXLEN can't be negative
        > LPOS none a MAXLEN x
        (error) ERR MAXLEN can't be negative
        > LPOS none a RANK
        (error) ERR syntax error
        > LPOS none a COUNT 1 RANK
        (error) ERR syntax error
        > LPOS none a FOO 1
        (error) ERR syntax error
        > LPOS none a FOO
        (error) ERR syntax error
        > LPOS none
        (error) ERR wrong number of arguments for 'lpos' command
        > LPOS none a RANK 0 FOO
        (error) ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        "#,
    );
}

#[test]
fn an_element_is_moved() {
    transcript(
        r#"
        > RPUSH a 1 2 3
        (integer) 3
        > LMOVE a b LEFT RIGHT
        "1"
        > LMOVE a b right left
        "3"
        > LRANGE a 0 -1
        1) "2"
        > LRANGE b 0 -1
        1) "3"
        2) "1"
        > LMOVE a b LEFT LEFT
        "2"
        > EXISTS a
        (integer) 0
        > LRANGE b 0 -1
        1) "2"
        2) "3"
        3) "1"
        > RPOPLPUSH b c
        "1"
        > RPOPLPUSH b c
        "3"
        > LRANGE c 0 -1
        1) "3"
        2) "1"
        > LMOVE c c LEFT RIGHT
        "3"
        > LRANGE c 0 -1
        1) "1"
        2) "3"
        > RPOPLPUSH c c
        "3"
        > LMOVE c c LEFT LEFT
        "3"
        > LMOVE c c RIGHT RIGHT
        "1"
        > LRANGE c 0 -1
        1) "3"
        2) "1"
        > LMOVE none x LEFT LEFT
        (nil)
        > RPOPLPUSH none x
        (nil)
        > EXISTS x
        (integer) 0
        > RPUSH one x
        (integer) 1
        > LMOVE one one LEFT RIGHT
        "x"
        > LRANGE one 0 -1
        1) "x"
        "#,
    );
}

#[test]
fn moving_needs_lists_and_ends() {
    transcript(
        r#"
        > SET s x
        OK
        > RPUSH l a
        (integer) 1
        > LMOVE s l LEFT LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMOVE l s LEFT LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMOVE none s LEFT LEFT
        (nil)
        > LMOVE s none LEFT LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMOVE s s LEFT LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOPLPUSH s l
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOPLPUSH l s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOPLPUSH none s
        (nil)
        > LMOVE l m UP LEFT
        (error) ERR syntax error
        > LMOVE l m LEFT UP
        (error) ERR syntax error
        > LMOVE none none UP LEFT
        (error) ERR syntax error
        > LMOVE l m LEFT
        (error) ERR wrong number of arguments for 'lmove' command
        > RPOPLPUSH l
        (error) ERR wrong number of arguments for 'rpoplpush' command
        > LRANGE l 0 -1
        1) "a"
        > EXISTS m
        (integer) 0
        "#,
    );
}

#[test]
fn elements_are_popped_off_the_first_list_there_is() {
    transcript(
        r#"
        > RPUSH a 1 2 3 4 5
        (integer) 5
        > RPUSH b x
        (integer) 1
        > LMPOP 3 none a b LEFT
        1) "a"
        2) 1) "1"
        > LMPOP 2 a b RIGHT COUNT 2
        1) "a"
        2) 1) "5"
           2) "4"
        > LMPOP 2 a b left count 100
        1) "a"
        2) 1) "2"
           2) "3"
        > EXISTS a
        (integer) 0
        > LMPOP 2 a b RIGHT
        1) "b"
        2) 1) "x"
        > LMPOP 2 a b LEFT
        (nil)
        > LMPOP 1 none LEFT COUNT 5
        (nil)
        "#,
    );
}

#[test]
fn lmpop_checks_its_words_in_order() {
    transcript(
        r#"
        > SET s x
        OK
        > RPUSH l a
        (integer) 1
        > LMPOP 0 l LEFT
        (error) ERR numkeys should be greater than 0
        > LMPOP -1 l LEFT
        (error) ERR numkeys should be greater than 0
        > LMPOP x l LEFT
        (error) ERR numkeys should be greater than 0
        > LMPOP 9223372036854775807 l LEFT
        (error) ERR syntax error
        > LMPOP 2 l LEFT
        (error) ERR syntax error
        > LMPOP 1 l UP
        (error) ERR syntax error
        > LMPOP 1 l LEFT COUNT
        (error) ERR syntax error
        > LMPOP 1 l LEFT COUNT 0
        (error) ERR count should be greater than 0
        > LMPOP 1 l LEFT COUNT -1
        (error) ERR count should be greater than 0
        > LMPOP 1 l LEFT COUNT x
        (error) ERR count should be greater than 0
        > LMPOP 1 l LEFT COUNT COUNT x
        (error) ERR count should be greater than 0
        > LMPOP 1 l LEFT COUNT 1 COUNT 1
        (error) ERR syntax error
        > LMPOP 1 l LEFT FOO 1
        (error) ERR syntax error
        > LMPOP 1 s LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMPOP 2 none s LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMPOP 2 l s LEFT
        1) "l"
        2) 1) "a"
        > LMPOP 2 l s LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMPOP 1 l
        (error) ERR wrong number of arguments for 'lmpop' command
        "#,
    );
}

#[test]
fn a_list_becomes_a_quicklist_and_a_listpack_again() {
    transcript(
        r#"
        # no-multi
        # no-reload
        > CONFIG SET list-max-listpack-size 4
        OK
        > RPUSH l 1 2 3 4
        (integer) 4
        > OBJECT ENCODING l
        "listpack"
        > RPUSH l 5
        (integer) 5
        > OBJECT ENCODING l
        "quicklist"
        > LPOP l
        "1"
        > LPOP l
        "2"
        > OBJECT ENCODING l
        "quicklist"
        > LPOP l
        "3"
        > OBJECT ENCODING l
        "quicklist"
        > RPUSH l 1 2
        (integer) 4
        > LSET l 99 x
        (error) ERR index out of range
        > OBJECT ENCODING l
        "quicklist"
        > LSET l 0 x
        OK
        > OBJECT ENCODING l
        "quicklist"
        > LTRIM l 0 1
        OK
        > OBJECT ENCODING l
        "quicklist"
        > RPUSH l 1 2
        (integer) 4
        > LINSERT l BEFORE none x
        (integer) -1
        > OBJECT ENCODING l
        "quicklist"
        > LREM l 0 x
        (integer) 1
        > OBJECT ENCODING l
        "quicklist"
        > LREM l 0 1
        (integer) 1
        > OBJECT ENCODING l
        "listpack"
        > RPUSH l 1 2
        (integer) 4
        > LMOVE l l LEFT RIGHT
        "5"
        > OBJECT ENCODING l
        "listpack"
        > RPUSH m 1 2 3 4
        (integer) 4
        > LMOVE l m LEFT RIGHT
        "2"
        > OBJECT ENCODING m
        "quicklist"
        > RPUSH n 1 2 3 4 5
        (integer) 5
        > OBJECT ENCODING n
        "quicklist"
        > RPUSH r 1 2 3 4 5
        (integer) 5
        > LPOP r 2
        1) "1"
        2) "2"
        > RPOPLPUSH r r
        "5"
        > OBJECT ENCODING r
        "quicklist"
        > LMOVE r r LEFT RIGHT
        "5"
        > OBJECT ENCODING r
        "quicklist"
        > LMOVE r r LEFT LEFT
        "3"
        > OBJECT ENCODING r
        "quicklist"
        > CONFIG SET list-max-listpack-size 100
        OK
        > LPOP n
        "1"
        > OBJECT ENCODING n
        "quicklist"
        > LPOP n
        "2"
        > OBJECT ENCODING n
        "quicklist"
        > COPY m o
        (integer) 1
        > OBJECT ENCODING o
        "quicklist"
        "#,
    );
}

#[test]
fn nodes_of_a_list_are_those_of_redis() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-multi
        # no-reload
        > CONFIG SET list-max-listpack-size 3
        OK
        > RPUSH l 1 2 3 4 5 6 7
        (integer) 7
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:3 ql_avg_node:2.33 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:35
        > LINSERT l BEFORE 5 x
        (integer) 8
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:3 ql_avg_node:2.67 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:38
        > LINSERT l AFTER 2 y
        (integer) 9
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:4 ql_avg_node:2.25 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:48
        > LREM l 0 4
        (integer) 1
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:4 ql_avg_node:2.00 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:46
        > LINSERT l AFTER 6 z
        (integer) 9
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:4 ql_avg_node:2.25 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:49
        > DEBUG QUICKLIST-PACKED-THRESHOLD 5b
        OK
        > LSET l 1 longer
        OK
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:5 ql_avg_node:1.80 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:53
        > LSET l 1 s
        OK
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:5 ql_avg_node:1.80 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:57
        > LPUSH l longer
        (integer) 10
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:6 ql_avg_node:1.67 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:63
        > LINSERT l AFTER 6 longer
        (integer) 11
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:7 ql_avg_node:1.57 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:69
        > LRANGE l 0 -1
         1) "longer"
         2) "1"
         3) "s"
         4) "y"
         5) "3"
         6) "x"
         7) "5"
         8) "6"
         9) "longer"
        10) "z"
        11) "7"
        > LPOP l 3
        1) "longer"
        2) "1"
        3) "s"
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:4 ql_avg_node:2.00 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:44
        > DEBUG QUICKLIST-PACKED-THRESHOLD 0
        OK
        > RPUSH l longer
        (integer) 9
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:4 ql_avg_node:2.25 ql_listpack_max:3 ql_compressed:0 ql_uncompressed_size:52
        "#,
    );
}

#[test]
fn large_elements_and_compressed_nodes_are_read_as_any_other() {
    transcript(
        r#"
        # no-multi
        # flags --list-max-listpack-size 8 --list-compress-depth 1 --enable-debug-command yes
        > RPUSH l aaaaaaaaaaaaaaaaaaaaaaaaaa1 aaaaaaaaaaaaaaaaaaaaaaaaaa2 aaaaaaaaaaaaaaaaaaaaaaaaaa3 aaaaaaaaaaaaaaaaaaaaaaaaaa4 aaaaaaaaaaaaaaaaaaaaaaaaaa5 aaaaaaaaaaaaaaaaaaaaaaaaaa6 aaaaaaaaaaaaaaaaaaaaaaaaaa7 aaaaaaaaaaaaaaaaaaaaaaaaaa8
        (integer) 8
        > RPUSH l b1 b2 b3 b4 b5 b6 b7 b8 c1 c2 c3 c4 c5 c6 c7 c8 d1 d2
        (integer) 26
        > LRANGE l 6 9
        1) "aaaaaaaaaaaaaaaaaaaaaaaaaa7"
        2) "aaaaaaaaaaaaaaaaaaaaaaaaaa8"
        3) "b1"
        4) "b2"
        > LINDEX l 9
        "b2"
        > LINDEX l -12
        "b7"
        > LSET l 9 B2
        OK
        > LPOS l c8
        (integer) 23
        > LINSERT l BEFORE b5 B4
        (integer) 27
        > LREM l 0 c4
        (integer) 1
        > LRANGE l 8 -1
         1) "b1"
         2) "B2"
         3) "b3"
         4) "b4"
         5) "B4"
         6) "b5"
         7) "b6"
         8) "b7"
         9) "b8"
        10) "c1"
        11) "c2"
        12) "c3"
        13) "c5"
        14) "c6"
        15) "c7"
        16) "c8"
        17) "d1"
        18) "d2"
        > LMOVE l l LEFT RIGHT
        "aaaaaaaaaaaaaaaaaaaaaaaaaa1"
        > LPOP l 8
        1) "aaaaaaaaaaaaaaaaaaaaaaaaaa2"
        2) "aaaaaaaaaaaaaaaaaaaaaaaaaa3"
        3) "aaaaaaaaaaaaaaaaaaaaaaaaaa4"
        4) "aaaaaaaaaaaaaaaaaaaaaaaaaa5"
        5) "aaaaaaaaaaaaaaaaaaaaaaaaaa6"
        6) "aaaaaaaaaaaaaaaaaaaaaaaaaa7"
        7) "aaaaaaaaaaaaaaaaaaaaaaaaaa8"
        8) "b1"
        > LLEN l
        (integer) 18
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:4 ql_avg_node:4.50 ql_listpack_max:8 ql_compressed:1 ql_uncompressed_size:125
        "#,
    );
}

#[test]
fn debug_shows_how_a_list_is_held() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-multi
        # no-reload
        > RPUSH l a b c
        (integer) 3
        > DEBUG LISTPACK l
        Listpack structure printed on stdout
        > DEBUG QUICKLIST l
        (error) ERR Not a quicklist encoded object.
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:listpack serializedlength:* lru:* lru_seconds_idle:*
        > CONFIG SET list-max-listpack-size 2
        OK
        > RPUSH l d
        (integer) 4
        > DEBUG LISTPACK l
        (error) ERR Not a listpack encoded object.
        > DEBUG QUICKLIST l
        Quicklist structure printed on stdout
        > DEBUG QUICKLIST l 1
        Quicklist structure printed on stdout
        > DEBUG OBJECT l
        ~ Value at:* refcount:1 encoding:quicklist serializedlength:* lru:* lru_seconds_idle:* ql_nodes:2 ql_avg_node:2.00 ql_listpack_max:2 ql_compressed:0 ql_uncompressed_size:26
        > DEBUG LISTPACK none
        (error) ERR no such key
        > DEBUG QUICKLIST none
        (error) ERR no such key
        > SET s x
        OK
        > DEBUG LISTPACK s
        (error) ERR Not a listpack encoded object.
        > DEBUG QUICKLIST s
        (error) ERR Not a quicklist encoded object.
        > DEBUG QUICKLIST-PACKED-THRESHOLD 4293918720
        OK
        > DEBUG QUICKLIST-PACKED-THRESHOLD 4293918721
        (error) ERR argument must be a memory value bigger than 1 and smaller than 4gb
        > DEBUG QUICKLIST-PACKED-THRESHOLD x
        (error) ERR argument must be a memory value bigger than 1 and smaller than 4gb
        > DEBUG QUICKLIST-PACKED-THRESHOLD -1
        (error) ERR argument must be a memory value bigger than 1 and smaller than 4gb
        > DEBUG QUICKLIST-PACKED-THRESHOLD 0
        OK
        "#,
    );
}

#[test]
fn a_list_has_the_digest_it_has_in_redis() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-multi
        > RPUSH l 1 2 abc
        (integer) 3
        > DEBUG DIGEST-VALUE l
        1) d3650d11ca0e37b74e568c9b808493c811cee5da
        > EXPIRE l 1000
        (integer) 1
        > DEBUG DIGEST-VALUE l
        1) 35e0f3ee1637dde38f406763c5ee5c530b60a459
        > DEBUG DIGEST
        5674425ee8b3461badee6dfc8a3df31e8cb04a97
        > PERSIST l
        (integer) 1
        > LSET l 0 01
        OK
        > DEBUG DIGEST-VALUE l
        1) b7730a3be4639e4d0c54cf3d6a0ed696e142df2e
        > RPUSH m 2 01 abc
        (integer) 3
        > DEBUG DIGEST-VALUE m l
        1) a8c6352bba854d6e8101884b045045c3c834b352
        2) b7730a3be4639e4d0c54cf3d6a0ed696e142df2e
        > DEBUG DIGEST
        df0e6835934c29f9dae4bed9cce4ea9515f5c6e4
        "#,
    );
}

#[test]
fn a_blocking_command_finds_what_is_there() {
    transcript(
        r#"
        > RPUSH a 1 2 3 4 5
        (integer) 5
        > BLPOP none a 0
        1) "a"
        2) "1"
        > BRPOP a none 0
        1) "a"
        2) "5"
        > BLMOVE a b LEFT RIGHT 0
        "2"
        > BRPOPLPUSH a b 0
        "4"
        > BLMPOP 0 2 none b RIGHT
        1) "b"
        2) 1) "2"
        > BLMPOP 0 1 b LEFT COUNT 5
        1) "b"
        2) 1) "4"
        > EXISTS b
        (integer) 0
        > BLPOP a 0.5
        1) "a"
        2) "3"
        > EXISTS a
        (integer) 0
        > RPUSH a x
        (integer) 1
        > BLMOVE a a LEFT LEFT 0
        "x"
        > LRANGE a 0 -1
        1) "x"
        "#,
    );
}

#[test]
fn a_blocking_command_checks_its_words_first() {
    transcript(
        r#"
        > SET s x
        OK
        > RPUSH l a
        (integer) 1
        > BLPOP l x
        (error) ERR timeout is not a float or out of range
        > BLPOP s x
        (error) ERR timeout is not a float or out of range
        > BLPOP l -1
        (error) ERR timeout is negative
        > BLPOP l -0.001
        1) "l"
        2) "a"
        > RPUSH l a
        (integer) 1
        > BLPOP l nan
        (error) ERR timeout is not a float or out of range
        > BLPOP l inf
        (error) ERR timeout is out of range
        > BLPOP l 1e400
        (error) ERR timeout is out of range
        > BLPOP l 9223372036854775807
        (error) ERR timeout is out of range
        > BLPOP l ""
        (error) ERR timeout is not a float or out of range
        > BLPOP s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BLPOP none s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BRPOP l s 0
        1) "l"
        2) "a"
        > BLMOVE l m UP LEFT x
        (error) ERR syntax error
        > BLMOVE l m LEFT LEFT x
        (error) ERR timeout is not a float or out of range
        > BLMOVE s m LEFT LEFT 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BLMOVE s m LEFT LEFT -1
        (error) ERR timeout is negative
        > RPUSH l a
        (integer) 1
        > BLMOVE l s LEFT LEFT 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BRPOPLPUSH l s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BRPOPLPUSH l s x
        (error) ERR timeout is not a float or out of range
        > BLMPOP x 0 l LEFT
        (error) ERR numkeys should be greater than 0
        > BLMPOP x 1 l UP
        (error) ERR syntax error
        > BLMPOP x 1 l LEFT COUNT 0
        (error) ERR count should be greater than 0
        > BLMPOP x 1 l LEFT
        (error) ERR timeout is not a float or out of range
        > BLMPOP -1 1 l LEFT
        (error) ERR timeout is negative
        > BLMPOP 0 1 s LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BLPOP l
        (error) ERR wrong number of arguments for 'blpop' command
        > BLMOVE l m LEFT LEFT
        (error) ERR wrong number of arguments for 'blmove' command
        > BRPOPLPUSH l m
        (error) ERR wrong number of arguments for 'brpoplpush' command
        > BLMPOP 0 1 l
        (error) ERR wrong number of arguments for 'blmpop' command
        > LRANGE l 0 -1
        1) "a"
        "#,
    );
}

#[test]
fn a_blocking_command_gives_up_after_its_time() {
    transcript(
        r#"
        # no-multi
        > BLPOP none 0.01
        (nil)
        > BRPOP none other 0.01
        (nil)
        > BLMOVE none x LEFT LEFT 0.01
        (nil)
        > BRPOPLPUSH none x 0.01
        (nil)
        > BLMPOP 0.01 2 none other LEFT
        (nil)
        "#,
    );
}

#[test]
fn a_blocking_command_does_not_wait_in_a_transaction() {
    transcript(
        r#"
        > MULTI
        OK
        > BLPOP none 0
        QUEUED
        > BRPOP none 0
        QUEUED
        > BLMOVE none x LEFT LEFT 0
        QUEUED
        > BRPOPLPUSH none x 0
        QUEUED
        > BLMPOP 0 1 none LEFT
        QUEUED
        > BLPOP none x
        QUEUED
        > RPUSH l a
        QUEUED
        > BLPOP l 0
        QUEUED
        > EXEC
        1) (nil)
        2) (nil)
        3) (nil)
        4) (nil)
        5) (nil)
        6) (error) ERR timeout is not a float or out of range
        7) (integer) 1
        8) 1) "l"
           2) "a"
        "#,
    );
}

#[test]
fn lists_are_logged_as_redis_logs_them() {
    logged_alike(
        &[
            "RPUSH l a b c",
            "lpush l 1 2",
            "LPUSHX none a",
            "RPUSHX l a",
            "LPOP l",
            "RPOP l 2",
            "LPOP l 0",
            "LPOP none",
            "LPOP l 100",
            "RPUSH l a b c d a b c d",
            "LMPOP 2 none l LEFT",
            "LMPOP 1 l RIGHT COUNT 2",
            "LMPOP 1 none LEFT",
            "BLPOP none l 0",
            "BRPOP l 0",
            "BLMOVE l m left RIGHT 0",
            "brpoplpush l m 0",
            "BLMPOP 0 2 none l LEFT COUNT 5",
            "BLPOP none 0.001",
            "LMOVE m m LEFT RIGHT",
            "LMOVE none m LEFT RIGHT",
            "RPOPLPUSH m l",
            "LSET m 0 x",
            "LSET m 9 x",
            "LINSERT m BEFORE x y",
            "LINSERT m BEFORE none y",
            "LINSERT none BEFORE x y",
            "LREM m 0 none",
            "LREM m 1 x",
            "LTRIM m 0 -1",
            "LTRIM m 1 0",
            "EXISTS m",
            "SET s x",
            "RPUSH s x",
            "MULTI",
            "RPUSH q 1",
            "BLPOP q 0",
            "LMPOP 1 q LEFT",
            "RPUSH q 2",
            "BLMOVE q r LEFT LEFT 0",
            "EXEC",
        ],
        &[],
    );
}

/// What is logged when elements come while clients wait for them.
#[test]
fn those_who_waited_are_logged_as_redis_logs_them() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, LOGGED);
        let mut pusher = server.connect();
        let waits = [
            ("BLPOP none k 0", "RPUSH k 1 2"),
            ("BRPOP k none 0", "MULTI\nRPUSH k 3\nRPUSH k 4\nEXEC"),
            ("BLMOVE l l2 RIGHT left 0", "LPUSH l 1 2"),
            ("BRPOPLPUSH m l2 0", "LPUSH m 1"),
            ("BLMPOP 0 2 none n LEFT COUNT 2", "RPUSH n 1 2 3"),
        ];
        for (waiting, pushing) in waits {
            // What is left of an earlier one would be there at once.
            pusher.line("DEL k l m n");
            let mut waiter = server.connect();
            waiter.send(&waiting.split(' ').collect::<Vec<_>>());
            until_blocked(&server, 1);
            pushing.lines().for_each(|line| {
                pusher.line(line);
            });
            waiter.receive();
            until_blocked(&server, 0);
        }
        requests(&server)
    });
    assert_eq!(ours, theirs);
    assert!(
        ours.iter()
            .any(|request| request == "LMOVE l l2 RIGHT left"),
        "{ours:?}"
    );
}

fn until_blocked(server: &Server, count: i64) {
    let mut control = server.connect();
    let began = Instant::now();
    while control.info_number("blocked_clients") != count {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{count} clients should wait"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A list of each encoding is the same after it was written anew, in several records.
#[test]
fn a_long_list_is_rewritten_in_batches() {
    let mut server = Server::keytag(LOGGED);
    let mut client = server.connect();
    let elements: Vec<String> = (0..1000).map(|it| format!("element:{it}")).collect();
    let push = |key: &str, count: usize| {
        let words = ["RPUSH", key]
            .into_iter()
            .chain(elements[..count].iter().map(String::as_str));
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    for (key, count) in [
        ("one", 1),
        ("batch", 64),
        ("more", 65),
        ("two", 128),
        ("nodes", 1000),
    ] {
        client.call(&push(key, count));
    }
    let before = client.line("DEBUG DIGEST").to_string();
    rewrite(&mut client);
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.line("DEBUG DIGEST").to_string(), before);
    assert_eq!(
        client.line("OBJECT ENCODING nodes").to_string(),
        "\"quicklist\""
    );
    assert_eq!(
        client.line("OBJECT ENCODING two").to_string(),
        "\"listpack\""
    );
    assert_eq!(client.line("LLEN more").to_string(), "(integer) 65");
}
