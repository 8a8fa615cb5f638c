//! What the commands of streams put into the log: word by word what a real Redis puts there.

use crate::support::logged::logged_alike;

#[test]
fn entries_are_logged_with_their_ids_and_exact_trimming() {
    logged_alike(
        &[
            "XADD s 1-* a 1",
            "XADD s 1-* a 2",
            "XADD s MAXLEN ~ 100 1-* a 3",
            "XADD s MAXLEN ~ 1 LIMIT 50 2-1 a 4",
            "XADD s maxlen = 3 2-2 a 5",
            "XADD s NOMKSTREAM MINID ~ 1 2-3 a 6",
            "XADD none NOMKSTREAM 1-1 a b",
            "XADD s 1-1 a b",
            "XTRIM s MAXLEN ~ 1",
            "XTRIM s MINID ~ 9",
            "XTRIM s MAXLEN 2",
            "XTRIM s MAXLEN 2",
            "XTRIM s MINID = 2-3",
            "XDEL s 9-9",
            "XDEL s 2-3 9-9",
            "XADD t MINID ~ 5 1-1 a b",
            "XADD t MINID ~ 5 2-1 a b",
            "XSETID t 3-3",
            "XSETID t 1-1",
        ],
        &["--stream-node-max-entries", "1"],
    );
}

#[test]
fn exact_trimming_names_the_first_place_that_is_left() {
    logged_alike(
        &[
            "XADD s 1 a b",
            "XADD s 2 a b",
            "XADD s 3 a b",
            "XADD s 4 a b",
            "XDEL s 3",
            "XADD s MINID ~ 3 5 a b",
            "XTRIM s MINID ~ 3",
            "XADD s MINID ~ 3 LIMIT 1 6 a b",
            "XADD s MAXLEN ~ 1 LIMIT 0 7 a b",
        ],
        &["--stream-node-max-entries", "2"],
    );
}

/// Lines that make a stream with entries for a group to read, and then these.
fn grouped<'l>(lines: &[&'l str]) -> Vec<&'l str> {
    const MADE: &[&str] = &[
        "XGROUP CREATE s g 0 MKSTREAM",
        "XADD s 1-1 a 1",
        "XADD s 1-2 a 2",
        "XADD s 1-3 a 3",
        "XADD s 1-4 a 4",
    ];
    [MADE, lines].concat()
}

#[test]
fn reading_is_logged_as_what_it_gave_to_whom() {
    let lines = grouped(&[
        "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
        "XREADGROUP GROUP g alice STREAMS s 0",
        "XREADGROUP GROUP g bob NOACK COUNT 1 STREAMS s >",
        "XREADGROUP GROUP g carol NOACK STREAMS s 0",
        "XREADGROUP GROUP g dave STREAMS s 0",
        "XREADGROUP GROUP g dave BLOCK 1 STREAMS s >",
        "XREADGROUP GROUP g erin STREAMS s >",
        "XGROUP CREATE t g 0 MKSTREAM",
        "XGROUP SETID s g 1-2",
        "XADD t 1-1 a 1",
        "XREADGROUP GROUP g alice STREAMS s t > >",
        "XDEL s 1-3",
        "XGROUP SETID s g 0",
        "XREADGROUP GROUP g alice STREAMS s >",
    ]);
    logged_alike(&lines, &[]);
}

#[test]
fn acknowledging_and_groups_are_logged_as_they_are_said() {
    let lines = grouped(&[
        "XREADGROUP GROUP g alice STREAMS s >",
        "XACK s g 1-1 9-9",
        "XACK s g 1-1",
        "XACK s none 1-1",
        "XGROUP CREATE s g 0",
        "XGROUP CREATE s h $ ENTRIESREAD 4",
        "XGROUP SETID s h 0",
        "XGROUP CREATECONSUMER s g bob",
        "XGROUP CREATECONSUMER s g bob",
        "XGROUP DELCONSUMER s g alice",
        "XGROUP DELCONSUMER s g alice",
        "XGROUP DESTROY s h",
        "XGROUP DESTROY s h",
    ]);
    logged_alike(&lines, &[]);
}

#[test]
fn claims_are_logged_with_their_outcome() {
    let lines = grouped(&[
        "XREADGROUP GROUP g alice COUNT 3 STREAMS s >",
        "XCLAIM s g bob 0 1-1 1-2",
        "XCLAIM s g bob 0 1-1 TIME 1700000000000 RETRYCOUNT 5 JUSTID",
        "XCLAIM s g bob 0 1-4",
        "XCLAIM s g carol 0 1-4 FORCE",
        "XCLAIM s g nobody 0 9-9",
        "XCLAIM s g nobody 0 9-9 LASTID 7-7",
        "XCLAIM s g nobody 0 9-9 LASTID 1-1",
        "XCLAIM s g carol 0 1-4 LASTID 8-8",
        "XDEL s 1-1 1-3",
        "XCLAIM s g carol 0 1-1 1-2 LASTID 9-9",
        "XAUTOCLAIM s g dave 0 0",
        "XAUTOCLAIM s g erin 10000000 0",
        "XAUTOCLAIM s g erin 10000000 0",
        "XACK s g 1-2",
    ]);
    logged_alike(&lines, &[]);
}

#[test]
fn what_no_integer_counts_is_logged_as_one_that_can_be_read() {
    let lines = grouped(&[
        "XGROUP SETID s g 0 ENTRIESREAD 9223372036854775806",
        "XREADGROUP GROUP g alice COUNT 1 STREAMS s >",
        "XCLAIM s g alice 0 1-1 RETRYCOUNT 9223372036854775807 JUSTID",
    ]);
    logged_alike(&lines, &[]);
}
