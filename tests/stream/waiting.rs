//! Readers who wait for entries. A reply of several streams has another shape in RESP3, so scenes are played in RESP2.

use crate::blocking::scene_in;

fn scene(text: &str) {
    scene_in(&[false], text);
}

#[test]
fn xread_waits_for_what_comes_after_it_began() {
    scene(
        r#"
        a! XREAD BLOCK 0 STREAMS s $
        d> XADD s 1-1 a b
        "1-1"
        a<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        a! XREAD BLOCK 0 COUNT 5 STREAMS s t $ 0
        .
        1
        d> XDEL s 1-1
        (integer) 1
        d> XADD s MAXLEN 1 1-2 a b
        "1-2"
        a<
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        a> XREAD BLOCK 0 STREAMS s 0
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        a! XREAD BLOCK 0 STREAMS s 5
        d> XADD s 1-3 a b
        "1-3"
        .
        1
        d> XADD s 5-1 a b
        "5-1"
        a<
        1) 1) "s"
           2) 1) 1) "5-1"
                 2) 1) "a"
                    2) "b"
        .
        0
        "#,
    );
}

#[test]
fn all_readers_get_the_same() {
    scene(
        r#"
        a! XREAD BLOCK 0 STREAMS s $
        b! XREAD BLOCK 0 STREAMS s 0
        c! XREAD BLOCK 0 STREAMS t s 0 1-1
        d> XADD s 1-1 a b
        "1-1"
        a<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        b<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        .
        1
        d> XADD s 1-2 a b
        "1-2"
        c<
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        "#,
    );
}

#[test]
fn a_transaction_is_read_whole() {
    scene(
        r#"
        a! XREAD BLOCK 0 STREAMS s t $ $
        d> MULTI
        OK
        d> XADD t 1-1 x y
        QUEUED
        d> XADD s 1-1 a b
        QUEUED
        d> XADD s 1-2 a b
        QUEUED
        d> EXEC
        1) "1-1"
        2) "1-1"
        3) "1-2"
        a<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        2) 1) "t"
           2) 1) 1) "1-1"
                 2) 1) "x"
                    2) "y"
        "#,
    );
}

#[test]
fn each_of_a_group_gets_its_own() {
    scene(
        r#"
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        a! XREADGROUP GROUP g alice BLOCK 0 STREAMS s >
        b! XREADGROUP GROUP g bob BLOCK 0 STREAMS s >
        d> XPENDING s g
        1) (integer) 0
        2) (nil)
        3) (nil)
        4) (nil)
        d> XADD s 1-1 a b
        "1-1"
        a<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        .
        1
        d> MULTI
        OK
        d> XADD s 1-2 a b
        QUEUED
        d> XADD s 1-3 a b
        QUEUED
        d> EXEC
        1) "1-2"
        2) "1-3"
        b<
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "b"
              2) 1) "1-3"
                 2) 1) "a"
                    2) "b"
        d> XPENDING s g
        1) (integer) 3
        2) "1-1"
        3) "1-3"
        4) 1) 1) "alice"
              2) "1"
           2) 1) "bob"
              2) "2"
        "#,
    );
}

#[test]
fn who_waits_in_a_group_is_a_consumer_of_it() {
    scene(
        r#"
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        a! XREADGROUP GROUP g alice BLOCK 0 STREAMS s >
        d> XGROUP DELCONSUMER s g alice
        (integer) 0
        d> XGROUP DELCONSUMER s g alice
        (integer) 0
        d> XADD s 1-1 a b
        "1-1"
        a<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        d> XPENDING s g
        1) (integer) 1
        2) "1-1"
        3) "1-1"
        4) 1) 1) "alice"
              2) "1"
        "#,
    );
}

#[test]
fn a_group_that_goes_is_told() {
    scene(
        r#"
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        d> XGROUP CREATE s h $ MKSTREAM
        OK
        a! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        d> XGROUP DESTROY s h
        (integer) 1
        .
        1
        d> XGROUP DESTROY s g
        (integer) 1
        a<
        (error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
        d> XGROUP CREATE t h $ MKSTREAM
        OK
        a! XREADGROUP GROUP h c BLOCK 0 STREAMS t >
        d> DEL t
        (integer) 1
        a<
        (error) NOGROUP No such key 't' or consumer group 'h' in XREADGROUP with GROUP option
        "#,
    );
}

#[test]
fn a_key_of_another_type_is_told_to_a_group_alone() {
    scene(
        r#"
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        a! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        b! XREAD BLOCK 0 STREAMS s $
        d> SET s text
        OK
        a<
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        .
        1
        d> DEL s
        (integer) 1
        d> RPUSH s 1
        (integer) 1
        .
        1
        d> DEL s
        (integer) 1
        d> XADD s 1-1 a b
        "1-1"
        b<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        "#,
    );
}

#[test]
fn a_stream_that_is_replaced_is_looked_at_anew() {
    scene(
        r#"
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        a! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        d> MULTI
        OK
        d> DEL s
        QUEUED
        d> XADD s 1-1 a b
        QUEUED
        d> EXEC
        1) (integer) 1
        2) "1-1"
        a<
        (error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
        d> XGROUP CREATE s g $
        OK
        a! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        d> MULTI
        OK
        d> DEL s
        QUEUED
        d> XADD s 1-1 a b
        QUEUED
        d> XGROUP CREATE s g 0
        QUEUED
        d> EXEC
        1) (integer) 1
        2) "1-1"
        3) OK
        a<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        d> XGROUP CREATE t g 0 MKSTREAM
        OK
        d> XADD t 7-7 x y
        "7-7"
        a! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        d> RENAME t s
        OK
        a<
        1) 1) "s"
           2) 1) 1) "7-7"
                 2) 1) "x"
                    2) "y"
        a! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        d> RENAME s u
        OK
        a<
        (error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
        "#,
    );
}

#[test]
fn emptied_databases_are_told_to_groups() {
    scene(
        r#"
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        a! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        d> FLUSHDB
        OK
        a<
        (error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        a! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        d> SELECT 1
        OK
        d> XADD s 1-1 a b
        "1-1"
        d> SWAPDB 0 1
        OK
        a<
        (error) NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
        "#,
    );
}

#[test]
fn moving_a_group_back_wakes_nobody() {
    scene(
        r#"
        d> XADD s 1-1 a b
        "1-1"
        d> XGROUP CREATE s g $
        OK
        a! XREADGROUP GROUP g c BLOCK 0 NOACK STREAMS s >
        d> XGROUP SETID s g 0
        OK
        .
        1
        d> XADD s 1-2 a b
        "1-2"
        a<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
              2) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        d> XPENDING s g
        1) (integer) 0
        2) (nil)
        3) (nil)
        4) (nil)
        "#,
    );
}

#[test]
fn the_last_entry_is_waited_for_while_there_is_none() {
    scene(
        r#"
        a! XREAD BLOCK 0 STREAMS s +
        d> XADD s 1-1 a b
        "1-1"
        a<
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        a> XREAD BLOCK 0 STREAMS s +
        1) 1) "s"
           2) 1) 1) "1-1"
                 2) 1) "a"
                    2) "b"
        d> XDEL s 1-1
        (integer) 1
        a! XREAD BLOCK 0 STREAMS s +
        d> XADD s 1-2 a b
        "1-2"
        a<
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        "#,
    );
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    scene(
        r#"
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        a> XREADGROUP GROUP g c BLOCK 10 STREAMS s >
        (nil)
        a> XREAD BLOCK 10 STREAMS s $
        (nil)
        a> XREAD BLOCK 10 STREAMS none 0
        (nil)
        .
        0
        a! XREAD BLOCK 0 STREAMS s $
        d> XADD s MAXLEN 0 1-1 a b
        "1-1"
        .
        1
        d> XADD s 1-2 a b
        "1-2"
        a<
        1) 1) "s"
           2) 1) 1) "1-2"
                 2) 1) "a"
                    2) "b"
        "#,
    );
}

#[test]
fn in_resp3_streams_are_the_keys_of_a_map() {
    scene_in(
        &[true],
        r#"
        d> XGROUP CREATE s g $ MKSTREAM
        OK
        a! XREAD BLOCK 0 STREAMS s t $ $
        b! XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        d> XADD s 1-1 a b
        "1-1"
        a<
        1# "s" => 1) 1) "1-1"
                     2) 1) "a"
                        2) "b"
        b<
        1# "s" => 1) 1) "1-1"
                     2) 1) "a"
                        2) "b"
        "#,
    );
}
