//! Keys that live for a time.

use std::time::{Duration, Instant};

use crate::support::logged::{self, LATER, logged_alike};
use crate::support::{Kind, Server, transcript};

#[test]
fn expire_sets_an_absolute_time() {
    transcript(
        r#"
        > SET k v
        OK
        > EXPIRE k 100
        (integer) 1
        > TTL k
        ~ (integer) *
        > PEXPIREAT k 4000000000000
        (integer) 1
        > PEXPIRETIME k
        (integer) 4000000000000
        > EXPIRETIME k
        (integer) 4000000000
        > EXPIREAT k 4000000001
        (integer) 1
        > PEXPIRETIME k
        (integer) 4000000001000
        > PERSIST k
        (integer) 1
        > PERSIST k
        (integer) 0
        > TTL k
        (integer) -1
        > PTTL k
        (integer) -1
        > EXPIRETIME k
        (integer) -1
        > PEXPIRETIME k
        (integer) -1
        > TTL none
        (integer) -2
        > PTTL none
        (integer) -2
        > EXPIRETIME none
        (integer) -2
        > PEXPIRETIME none
        (integer) -2
        > EXPIRE none 100
        (integer) 0
        > PEXPIRE none 100
        (integer) 0
        > PERSIST none
        (integer) 0
        "#,
    );
}

#[test]
fn a_time_in_the_past_deletes() {
    transcript(
        r#"
        > SET k v
        OK
        > EXPIRE k 0
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > EXPIRE k -1
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > PEXPIREAT k 1
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > EXPIREAT k 0
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > PEXPIRE k -9223372036854775807
        (integer) 1
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn expire_takes_conditions() {
    transcript(
        r#"
        > SET k v
        OK
        > EXPIREAT k 4000000000 XX
        (integer) 0
        > EXPIREAT k 4000000000 GT
        (integer) 0
        > TTL k
        (integer) -1
        > EXPIREAT k 4000000000 NX
        (integer) 1
        > EXPIREAT k 4000000001 NX
        (integer) 0
        > EXPIREAT k 4000000001 XX
        (integer) 1
        > EXPIREAT k 4000000000 GT
        (integer) 0
        > EXPIREAT k 4000000002 GT
        (integer) 1
        > EXPIREAT k 4000000003 LT
        (integer) 0
        > EXPIREAT k 4000000001 LT
        (integer) 1
        > EXPIRETIME k
        (integer) 4000000001
        > PERSIST k
        (integer) 1
        > EXPIREAT k 4000000000 LT
        (integer) 1
        > EXPIRETIME k
        (integer) 4000000000
        > EXPIREAT k 4000000009 XX GT
        (integer) 1
        > EXPIREAT k 4000000009 GT XX XX
        (integer) 0
        > EXPIRETIME k
        (integer) 4000000009
        > PEXPIREAT k 1 GT
        (integer) 0
        > EXISTS k
        (integer) 1
        > PEXPIREAT k 1 LT
        (integer) 1
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn expire_refuses() {
    transcript(
        r#"
        > SET k v
        OK
        > EXPIRE k x
        (error) ERR value is not an integer or out of range
        > EXPIRE k 1.5
        (error) ERR value is not an integer or out of range
        > EXPIRE k 9223372036854775807
        (error) ERR invalid expire time in 'expire' command
        > EXPIRE k -9223372036854775808
        (error) ERR invalid expire time in 'expire' command
        > EXPIRE k 9223372036854775
        (error) ERR invalid expire time in 'expire' command
        > PEXPIRE k 9223372036854775807
        (error) ERR invalid expire time in 'pexpire' command
        > EXPIREAT k 9223372036854775807
        (error) ERR invalid expire time in 'expireat' command
        > PEXPIREAT k 9223372036854775807
        (integer) 1
        > EXPIRE k 10 NX XX
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE k 10 NX GT
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE k 10 NX LT
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE k 10 GT LT
        (error) ERR GT and LT options at the same time are not compatible
        > EXPIRE k 10 WHAT
        (error) ERR Unsupported option WHAT
        > EXPIRE k 10 GT WHAT
        (error) ERR Unsupported option WHAT
        > EXPIRE none 10 WHAT
        (error) ERR Unsupported option WHAT
        > EXPIRE none x
        (error) ERR value is not an integer or out of range
        > EXPIRE k
        (error) ERR wrong number of arguments for 'expire' command
        > PEXPIRE k
        (error) ERR wrong number of arguments for 'pexpire' command
        > EXPIREAT k
        (error) ERR wrong number of arguments for 'expireat' command
        > PEXPIREAT k
        (error) ERR wrong number of arguments for 'pexpireat' command
        > TTL
        (error) ERR wrong number of arguments for 'ttl' command
        > PTTL k k
        (error) ERR wrong number of arguments for 'pttl' command
        > EXPIRETIME
        (error) ERR wrong number of arguments for 'expiretime' command
        > PEXPIRETIME
        (error) ERR wrong number of arguments for 'pexpiretime' command
        > PERSIST
        (error) ERR wrong number of arguments for 'persist' command
        "#,
    );
}

#[test]
fn expired_keys_are_gone_for_every_command() {
    transcript(
        r#"
        > SET k v PXAT 1
        OK
        > GET k
        (nil)
        > EXISTS k
        (integer) 0
        > TYPE k
        none
        > TTL k
        (integer) -2
        > RENAME k j
        (error) ERR no such key
        > COPY k j
        (integer) 0
        > MOVE k 1
        (integer) 0
        > DEL k
        (integer) 0
        > OBJECT ENCODING k
        (nil)
        > SETNX k w
        (integer) 1
        > GET k
        "w"
        "#,
    );
}

#[test]
fn expired_keys_are_reclaimed_without_being_asked_for() {
    let mut server = Server::keytag(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut client = server.connect();
    client.line("SET stays v EX 100000");
    for index in 0..2_000 {
        client.send(&[
            "SET",
            &format!("k:{index}"),
            "v",
            "PX",
            "50",
            "TAGS",
            "1",
            "t",
        ]);
    }
    (0..2_000).for_each(|_| assert_eq!(client.reply().to_string(), "OK"));
    let deadline = Instant::now() + Duration::from_secs(20);
    // DBSIZE counts what is there, expired or not.
    while client.line("DBSIZE").integer() > 1 {
        assert!(Instant::now() < deadline, "expired keys stay");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(client.info_number("expired_keys"), 2_000);
    assert_eq!(client.line("TAGCARD t").integer(), 0);
    server.restart();
    assert_eq!(server.connect().line("DBSIZE").integer(), 1);
}

#[test]
fn a_key_that_expires_breaks_a_watch_only_when_it_is_looked_at() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let (mut one, mut other) = (server.connect(), server.connect());
        one.line("SET k v PX 30");
        one.line("WATCH k");
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(other.line("GET k").to_string(), "(nil)");
        one.line("MULTI");
        one.line("PING");
        assert_eq!(one.line("EXEC").to_string(), "(nil)", "{kind:?}");
    }
}

#[test]
fn a_time_left_counts_down() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    client.line("SET k v PX 60000");
    let first = client.line("PTTL k").integer();
    std::thread::sleep(Duration::from_millis(20));
    let second = client.line("PTTL k").integer();
    assert!(
        first <= 60_000 && second <= first - 20,
        "{first}, then {second}"
    );
    assert_eq!(client.line("TTL k").integer(), 60);
}

#[test]
fn times_are_rounded_to_seconds() {
    transcript(
        r#"
        > SET k v
        OK
        > PEXPIREAT k 4000000000499
        (integer) 1
        > EXPIRETIME k
        (integer) 4000000000
        > PEXPIREAT k 4000000000500
        (integer) 1
        > EXPIRETIME k
        (integer) 4000000001
        > PEXPIREAT k 9223372036854775807
        (integer) 1
        > PEXPIRETIME k
        (integer) 9223372036854775807
        > EXPIRETIME k
        (integer) 9223372036854776
        > PEXPIREAT k 9223372036854775307
        (integer) 1
        > EXPIRETIME k
        (integer) 9223372036854775
        > PEXPIREAT k 9223372036854775807 GT
        (integer) 1
        > EXPIREAT k 9223372036854775
        (integer) 1
        "#,
    );
}

#[test]
fn a_time_left_is_rounded_to_seconds() {
    transcript(
        r#"
        # no-reload
        > SET k v
        OK
        > EXPIRE k 100
        (integer) 1
        > TTL k
        (integer) 100
        > PEXPIRE k 99900
        (integer) 1
        > TTL k
        (integer) 100
        > PEXPIRE k 400
        (integer) 1
        > TTL k
        (integer) 0
        > EXPIRE k 9223372036854775
        (error) ERR invalid expire time in 'expire' command
        > EXPIRE k 9000000000000000
        (integer) 1
        > PEXPIRE k 9223372036854775807
        (error) ERR invalid expire time in 'pexpire' command
        > PEXPIRE k -9223372036854775808
        (integer) 1
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn conditions_may_be_named_twice_and_are_read_first() {
    transcript(
        r#"
        > SET k v PXAT 4000000000000
        OK
        > PEXPIREAT k 4000000000001 GT GT XX
        (integer) 1
        > PEXPIREAT k 4000000000001 gt
        (integer) 0
        > PEXPIREAT k 4000000000001 LT
        (integer) 0
        > PEXPIREAT k -1 NX
        (integer) 0
        > PEXPIREAT k -1 GT
        (integer) 0
        > PEXPIREAT none x NX XX
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > PEXPIREAT none x GT LT
        (error) ERR GT and LT options at the same time are not compatible
        > PEXPIREAT none x ""
        (error) ERR Unsupported option
        > PEXPIREAT none x "a\r\nb\x00c"
        (error) ERR Unsupported option a  b
        > PEXPIREAT none x LT
        (error) ERR value is not an integer or out of range
        > PEXPIREAT k -1 LT XX
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > PEXPIREAT k 4000000000000 GT
        (integer) 0
        > PEXPIREAT k 4000000000000 XX
        (integer) 0
        > PEXPIREAT k 4000000000000 LT
        (integer) 1
        > PERSIST k
        (integer) 1
        > PEXPIREAT k -1 LT NX
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > PEXPIREAT k 0 NX
        (integer) 1
        > EXISTS k
        (integer) 0
        "#,
    );
}

/// What the log says stays true whenever it is replayed.
#[test]
fn times_are_logged_as_absolute_ones() {
    let logged = logged_alike(
        &[
            "SET k v",
            "EXPIRE k 100 NX",
            "EXPIRE k 200 GT",
            "EXPIRE k 100 GT",
            "PEXPIRE k 100000 lt xx",
            "EXPIREAT k 2000000000",
            "PEXPIREAT k 2000000000000 XX",
            "PERSIST k",
            "PERSIST k",
            "EXPIRE k -1",
            "EXPIRE k -1",
            "SET k v",
            "EXPIREAT k 0",
            "SET k v",
            "PEXPIREAT k -1 LT",
            "EXPIRE none 100",
            "CONFIG SET lazyfree-lazy-expire yes",
            "SET k v",
            "EXPIRE k 0",
        ],
        &[],
    );
    let expected = [
        "SELECT 0",
        "SET k v",
        "PEXPIREAT k MS NX",
        "PEXPIREAT k MS GT",
        "PEXPIREAT k MS lt xx",
        "PEXPIREAT k MS",
        "PEXPIREAT k MS XX",
        "PERSIST k",
        "DEL k",
        "SET k v",
        "DEL k",
        "SET k v",
        "DEL k",
        "SET k v",
        "UNLINK k",
    ];
    assert_eq!(logged, expected);
}

#[test]
fn what_expires_is_logged_before_what_met_it() {
    let logged = logged_alike(
        &[
            "DEBUG SET-ACTIVE-EXPIRE 0",
            "SET k v PX 1",
            LATER,
            "GET k",
            "SET k v PX 1",
            LATER,
            "INCR k",
            "MSET a 1 b 2",
            "PEXPIRE a 1",
            "PEXPIRE b 1",
            LATER,
            "MGET a b",
            "MULTI",
            "GET k",
            "EXEC",
            "PEXPIRE k 1",
            LATER,
            "MULTI",
            "GET k",
            "SET j 1",
            "EXEC",
            "PEXPIRE j 1",
            LATER,
            "DEL j",
            "CONFIG SET lazyfree-lazy-expire yes",
            "SET k v PX 1",
            LATER,
            "EXPIRE k 100",
        ],
        &[],
    );
    let expected = [
        "SELECT 0",
        "SET k v PXAT MS",
        "DEL k",
        "SET k v PXAT MS",
        "MULTI",
        "DEL k",
        "INCR k",
        "EXEC",
        "MSET a 1 b 2",
        "PEXPIREAT a MS",
        "PEXPIREAT b MS",
        "MULTI",
        "DEL a",
        "DEL b",
        "EXEC",
        "PEXPIREAT k MS",
        "MULTI",
        "DEL k",
        "SET j 1",
        "EXEC",
        "PEXPIREAT j MS",
        "DEL j",
        "SET k v PXAT MS",
        "UNLINK k",
    ];
    assert_eq!(logged, expected);
}

#[test]
fn keys_expire_though_nobody_looks() {
    let server = Server::keytag(logged::LOGGED);
    let mut client = server.connect();
    let lines: Vec<String> = (0..2_000)
        .map(|n| format!("SET key:{n} v PX {}", 1 + n % 20))
        .collect();
    client.pipeline(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    client.pipeline(&["SET stays v", "SET stays:long v EX 100"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.line("DBSIZE").integer() > 2 {
        assert!(
            Instant::now() < deadline,
            "{} keys are left",
            client.line("DBSIZE")
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(client.info_number("expired_keys"), 2_000);
    assert_eq!(client.line("EXISTS stays stays:long").integer(), 2);
    let logged = logged::requests(&server);
    let deletions = logged.iter().filter(|request| request.starts_with("DEL "));
    let deleted: usize = deletions
        .map(|request| request.split(' ').count() - 1)
        .sum();
    assert_eq!(deleted, 2_000);
}

#[test]
fn keys_that_expire_are_counted_however_they_go() {
    let lines = [
        "DEBUG SET-ACTIVE-EXPIRE 0",
        "MSET a 1 b 2 c 3 d 4 e 5",
        "PEXPIRE a 1",
        "PEXPIRE b 1",
        "PEXPIRE c 1",
        LATER,
        "DBSIZE",
        "GET a",
        "TTL b",
        "DBSIZE",
        "EXPIRE d -1",
        "PEXPIREAT e 1",
        "DEL c",
        "DBSIZE",
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--enable-debug-command", "yes"]);
        let replies = logged::say(&server, &lines);
        let mut client = server.connect();
        let expired = client.info_number("expired_keys");
        let dirty = client.info_number("rdb_changes_since_last_save");
        (
            replies,
            expired,
            dirty,
            client.info_number("keyspace_hits"),
            client.info_number("keyspace_misses"),
        )
    });
    assert_eq!(ours, theirs);
    assert_eq!(ours.1, 3);
}

#[test]
fn the_background_search_can_be_stopped_and_begun_again() {
    let server = Server::keytag(&["--enable-debug-command", "yes", "--hz", "500"]);
    let mut client = server.connect();
    assert_eq!(client.line("DEBUG SET-ACTIVE-EXPIRE 0").to_string(), "OK");
    logged::say(&server, &["SET k v PX 1", LATER, "CONFIG SET hz 500"]);
    // Some dozens of rounds of the search would have gone by.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(client.line("DBSIZE").integer(), 1);
    assert_eq!(client.line("DEBUG SET-ACTIVE-EXPIRE 1").to_string(), "OK");
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.line("DBSIZE").integer() > 0 {
        assert!(Instant::now() < deadline, "nothing expires");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(client.info_number("expired_keys"), 1);
}
