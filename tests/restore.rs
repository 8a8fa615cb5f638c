//! `RESTORE`: what Redis has dumped, and what it has not.

use fastrand::Rng;
use storage::rdb::crc64::crc64;

use crate::blocking::scene_in;
use crate::snapshot::data::{self, Fields};
use crate::support::logged::logged_alike;
use crate::support::words::quote;
use crate::support::{Client, Kind, Reply, Server, keyspace, seed, sequence, transcript};

/// What Redis 7.4.1 dumps of the string `hello`.
const HELLO: &str = r#""\x00\x05hello\x0c\x00\xa8\x04\xeb\xb6\x9f\x1e\xbeC""#;

/// The same of the list `a`, `b`.
const LIST: &str = r#""\x12\x01\x02\x0d\x0d\x00\x00\x00\x02\x00\x81\x61\x02\x81\x62\x02\xff\x0c\x00\xa3\x9d\x3e\x49\xe9\x6b\x25\xf8""#;

/// A conversation in which `HELLO` is a payload.
fn hello(text: &str) {
    transcript(&text.replace("HELLO", HELLO));
}

#[test]
fn restore_puts_a_value_under_a_key() {
    hello(
        r#"
        > RESTORE k 0 HELLO
        OK
        > GET k
        "hello"
        > TTL k
        (integer) -1
        > OBJECT ENCODING k
        "embstr"
        > RESTORE k 0 HELLO
        (error) BUSYKEY Target key name already exists.
        > RESTORE k 0 HELLO REPLACE
        OK
        > RESTORE k 0 HELLO replace absttl REPLACE IDLETIME 5 idletime 6
        OK
        > RPUSH list a
        (integer) 1
        > RESTORE list 4102444800000 HELLO ABSTTL REPLACE
        OK
        > PEXPIRETIME list
        (integer) 4102444800000
        > RESTORE list 9223372036854775807 HELLO ABSTTL REPLACE
        OK
        > PEXPIRETIME list
        (integer) 9223372036854775807
        > RESTORE list 0 HELLO REPLACE
        OK
        > TTL list
        (integer) -1
        > RESTORE-ASKING other 0 HELLO
        OK
        > GET other
        "hello"
        "#,
    );
}

#[test]
fn restore_with_a_time_that_has_passed_leaves_no_key() {
    hello(
        r#"
        > RESTORE k 1 HELLO ABSTTL
        OK
        > EXISTS k
        (integer) 0
        > RESTORE k 9223372036854775807 HELLO
        OK
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > RESTORE k 1 HELLO ABSTTL
        (error) BUSYKEY Target key name already exists.
        > RESTORE k 1 HELLO ABSTTL REPLACE
        OK
        > EXISTS k
        (integer) 0
        "#,
    );
}

/// The options come first, then the key, the time, the payload's end, and its beginning.
#[test]
fn restore_refuses_in_the_order_of_redis() {
    hello(
        r#"
        > SET s v
        OK
        > RESTORE
        (error) ERR wrong number of arguments for 'restore' command
        > RESTORE k 0
        (error) ERR wrong number of arguments for 'restore' command
        > RESTORE s x bad foo
        (error) ERR syntax error
        > RESTORE s x bad
        (error) BUSYKEY Target key name already exists.
        > RESTORE k x bad
        (error) ERR value is not an integer or out of range
        > RESTORE k -1 bad
        (error) ERR Invalid TTL value, must be >= 0
        > RESTORE k 0 bad
        (error) ERR DUMP payload version or checksum are wrong
        > RESTORE k 0 ""
        (error) ERR DUMP payload version or checksum are wrong
        > RESTORE k 0 HELLO IDLETIME
        (error) ERR syntax error
        > RESTORE k 0 HELLO IDLETIME x
        (error) ERR value is not an integer or out of range
        > RESTORE k 0 HELLO IDLETIME -1
        (error) ERR Invalid IDLETIME value, must be >= 0
        > RESTORE k 0 HELLO FREQ
        (error) ERR syntax error
        > RESTORE k 0 HELLO FREQ 1.5
        (error) ERR value is not an integer or out of range
        > RESTORE k 0 HELLO FREQ -1
        (error) ERR Invalid FREQ value, must be >= 0 and <= 255
        > RESTORE k 0 HELLO FREQ 256
        (error) ERR Invalid FREQ value, must be >= 0 and <= 255
        > RESTORE k 0 HELLO FREQ 1 IDLETIME 1
        (error) ERR syntax error
        > RESTORE k 0 HELLO IDLETIME 1 FREQ 1
        (error) ERR syntax error
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn restore_refuses_payloads_that_are_changed_or_of_the_future() {
    transcript(
        r#"
        > RESTORE k 0 "\x00\x05hellp\x0c\x00\xa8\x04\xeb\xb6\x9f\x1e\xbeC"
        (error) ERR DUMP payload version or checksum are wrong
        > RESTORE k 0 "\x00\x05hello\x0d\x00\xa8\x04\xeb\xb6\x9f\x1e\xbeC"
        (error) ERR DUMP payload version or checksum are wrong
        > RESTORE k 0 "\x00\x05hello\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        (error) ERR DUMP payload version or checksum are wrong
        > RESTORE k 0 "\x00\xc0\n\x0c\x00\xa5\xe9c\x85\xf4\x84\xfd\xf2"
        OK
        > INCR k
        (integer) 11
        "#,
    );
}

#[test]
fn what_is_told_of_accesses_is_kept() {
    hello(
        r#"
        > RESTORE k 0 HELLO IDLETIME 1000
        OK
        > OBJECT IDLETIME k
        (integer) 1000
        > RESTORE k 0 HELLO IDLETIME 9223372036854775807 REPLACE
        OK
        > OBJECT IDLETIME k
        (integer) 16777214
        > RESTORE k 0 HELLO FREQ 77 REPLACE
        OK
        > OBJECT IDLETIME k
        (integer) 0
        "#,
    );
    hello(
        r#"
        # flags --maxmemory-policy allkeys-lfu --lfu-decay-time 0
        > RESTORE k 0 HELLO FREQ 77
        OK
        > OBJECT FREQ k
        (integer) 77
        > RESTORE k 0 HELLO IDLETIME 9 REPLACE
        OK
        > OBJECT FREQ k
        (integer) 5
        "#,
    );
}

#[test]
fn tags_of_a_restored_key_are_those_it_is_given() {
    hello(
        r#"
        # keytag-only
        > SET k v TAGS 2 a b
        OK
        > RESTORE k 0 HELLO REPLACE
        OK
        > TAGLIST k
        (empty array)
        > RESTORE k 0 HELLO REPLACE TAGS 2 b c
        OK
        sorted> TAGLIST k
        1) "b"
        2) "c"
        > RESTORE l 100000000 HELLO TAGS 1 b IDLETIME 7
        OK
        > TAGCARD b
        (integer) 2
        > RESTORE m 0 HELLO TAGS 0
        (error) ERR numtags should be greater than 0
        > RESTORE m 0 HELLO TAGS 2 a
        (error) ERR syntax error
        > RESTORE m 0 HELLO TAGS 1 a TAGS 1 b
        (error) ERR syntax error
        > RESTORE m 0 HELLO TAGS 1 ""
        (error) ERR tag is empty
        > RESTORE m 0 bad TAGS 1 a
        (error) ERR DUMP payload version or checksum are wrong
        > EXISTS m
        (integer) 0
        "#,
    );
}

#[test]
fn restore_is_told_of() {
    let script = r#"
        # as-redis
        # resp3-only
        # flags --notify-keyspace-events EAn
        1> PSUBSCRIBE __key*
        3> RESTORE k 0 HELLO
        3> RESTORE k 0 HELLO REPLACE
        3> RESTORE k 1 HELLO ABSTTL REPLACE
        3> RESTORE k 1 HELLO ABSTTL REPLACE
        3> RPUSH l a b
        3> WATCH k
        4> RESTORE k 100000000 HELLO
        3> MULTI
        3> GET k
        3> EXEC
        "#;
    sequence(&script.replace("HELLO", HELLO));
}

#[test]
fn a_restored_list_serves_who_waits_for_it() {
    let text = r#"
        a! BLPOP list 0
        b> RESTORE list 0 PAIR
        OK
        a<
        1) "list"
        2) "a"
        "#;
    scene_in(&[false, true], &text.replace("PAIR", LIST));
}

#[test]
fn the_log_holds_what_redis_has_in_its() {
    let lines = [
        "RESTORE k 0 HELLO",
        "RESTORE k 0 HELLO",
        "RESTORE k 4102444800000 HELLO ABSTTL IDLETIME 5 REPLACE",
        "RESTORE k 1 HELLO ABSTTL REPLACE",
        "RESTORE k 1 HELLO ABSTTL REPLACE",
        "RESTORE k 0 bad",
        "RESTORE k 100000000 HELLO IDLETIME 3",
    ]
    .map(|line| line.replace("HELLO", HELLO));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let logged = logged_alike(&lines, &[]);
    assert_eq!(
        logged.len(),
        4 + usize::from(logged[0].starts_with("SELECT"))
    );
}

fn dump(client: &mut Client, key: &[u8]) -> Vec<u8> {
    match client.call(&[&b"DUMP"[..], key]) {
        Reply::Bulk(payload) => payload,
        other => panic!("{}: {other}", quote(key)),
    }
}

fn restore(client: &mut Client, key: &[u8], expiry_ms: i64, payload: &[u8]) -> String {
    let expiry = expiry_ms.max(0).to_string();
    let words = [b"RESTORE", key, expiry.as_bytes(), payload, b"ABSTTL"];
    client.call(&words).to_string()
}

/// Flags under which large collections are small, or small ones large.
const LIMITS: [&[&str]; 3] = [
    &[],
    &[
        "--hash-max-listpack-entries",
        "5",
        "--set-max-listpack-entries",
        "5",
        "--set-max-intset-entries",
        "5",
        "--zset-max-listpack-entries",
        "5",
        "--list-max-listpack-size",
        "5",
        "--list-compress-depth",
        "1",
    ],
    &[
        "--hash-max-listpack-entries",
        "2000",
        "--hash-max-listpack-value",
        "8",
        "--set-max-listpack-entries",
        "2000",
        "--set-max-intset-entries",
        "2000",
        "--zset-max-listpack-entries",
        "2000",
        "--zset-max-listpack-value",
        "500",
        "--list-max-listpack-size",
        "-5",
    ],
];

/// Redis makes the data under some limits, and both take it under all.
#[test]
fn whatever_redis_dumps_becomes_what_it_becomes_in_redis() {
    let mut rng = fastrand::Rng::with_seed(seed());
    let debug = ["--enable-debug-command", "yes"];
    for made_under in LIMITS {
        let maker = Server::start(Kind::Oracle, &[made_under, &debug].concat());
        let mut maker = maker.connect();
        for line in data::lines(&mut rng, 150, Fields::Expire) {
            let reply = maker.line(&line);
            assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply}");
        }
        for limits in LIMITS {
            let flags = [limits, &debug].concat();
            let servers = [Kind::Keytag, Kind::Oracle].map(|kind| Server::start(kind, &flags));
            let mut takers = servers.each_ref().map(Server::connect);
            take_all(&mut maker, &mut takers);
            let [ours, theirs] = takers.map(|mut taker| taker.line("DEBUG DIGEST").text());
            assert_eq!(ours, theirs);
            assert_eq!(ours, maker.line("DEBUG DIGEST").text());
        }
    }
}

fn take_all(maker: &mut Client, takers: &mut [Client; 2]) {
    for database in 0..16 {
        let select = format!("SELECT {database}");
        maker.line(&select);
        takers
            .iter_mut()
            .for_each(|taker| drop(taker.line(&select)));
        for key in keyspace::keys(maker) {
            let payload = dump(maker, &key);
            let expiry = maker.call(&[&b"PEXPIRETIME"[..], &key]).integer();
            let [ours, theirs] = takers.each_mut().map(|taker| {
                let reply = restore(taker, &key, expiry, &payload);
                let encoding = taker.call(&[&b"OBJECT"[..], b"ENCODING", &key]);
                format!("{reply} {encoding}")
            });
            assert_eq!(ours, theirs, "{}", quote(&payload));
            assert!(ours.starts_with("OK "), "{ours}");
        }
    }
}

/// A payload with that body.
fn payload(body: &[u8]) -> Vec<u8> {
    let mut payload = [body, &12u16.to_le_bytes()].concat();
    payload.extend(crc64(&payload).to_le_bytes());
    payload
}

/// What Redis dumps of data by chance, without version and checksum.
fn bodies(rng: &mut Rng, oracle: &mut Client) -> Vec<Vec<u8>> {
    for line in data::lines(rng, 80, Fields::Expire) {
        oracle.line(&line);
    }
    let mut bodies = Vec::new();
    for database in 0..16 {
        oracle.line(&format!("SELECT {database}"));
        for key in keyspace::keys(oracle) {
            let mut payload = dump(oracle, &key);
            payload.truncate(payload.len() - 10);
            // A change in what is long is mostly one of a text.
            if payload.len() < 1_000 {
                bodies.push(payload);
            }
        }
    }
    bodies
}

fn change(body: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.usize(..body.len());
    match rng.u8(..6) {
        0 | 1 => body[at] ^= 1 << rng.u8(..8),
        2 => body[at] = rng.u8(..),
        3 => body[at] = body[at].wrapping_add(1),
        4 => body.truncate(at.max(1)),
        _ => body.insert(at, rng.u8(..)),
    }
}

/// With `sanitize-dump-payload` Redis looks as closely, but for the order of what is packed.
#[test]
fn changed_payloads_are_taken_only_where_redis_takes_them() {
    const ROUNDS: usize = 3_000;
    // Always the same: in longer runs Redis' memory suffers, and it believes how long a stream is said to be.
    let mut rng = Rng::with_seed(2);
    let debug = ["--enable-debug-command", "yes"];
    let keytag = Server::keytag(&debug);
    let oracle = Server::start(
        Kind::Oracle,
        &[&debug[..], &["--sanitize-dump-payload", "yes"]].concat(),
    );
    let mut clients = [keytag.connect(), oracle.connect()];
    let bodies = bodies(&mut rng, &mut clients[1]);
    clients[1].line("FLUSHALL");
    clients
        .iter_mut()
        .for_each(|client| drop(client.line("DEBUG SET-ACTIVE-EXPIRE 0")));
    let mut taken = 0;
    for round in 0..ROUNDS {
        let mut body = bodies[rng.usize(..bodies.len())].clone();
        (0..rng.usize(1..3)).for_each(|_| change(&mut body, &mut rng));
        let payload = payload(&body);
        let [ours, theirs] = clients.each_mut().map(|client| {
            let reply = client.call(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"]);
            let is_there = client.line("EXISTS k").integer() == 1;
            let entry = is_there.then(|| keyspace::entry(client, b"k"));
            client.line("DEL k");
            (reply.to_string(), entry)
        });
        if ours.0 == "OK" {
            assert_eq!(ours, theirs, "{round}: {}", quote(&body));
            taken += 1;
        }
    }
    assert!(taken > ROUNDS / 10, "{taken}");
}
