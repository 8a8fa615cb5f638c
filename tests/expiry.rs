//! Keys that live for a time.

use std::time::{Duration, Instant};

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
