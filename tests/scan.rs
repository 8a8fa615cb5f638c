//! The promise of `SCAN`: what is there from the first call to the last is returned, whatever else happens.

use std::collections::BTreeSet;

use fastrand::Rng;

use crate::support::{Client, Reply, Server, is_full_run, seed};

/// Asks for the next piece of a scan: the cursor to go on from, and keys.
fn scan(client: &mut Client, cursor: &str, options: &str) -> (String, Vec<String>) {
    let reply = client.line(&format!("SCAN {cursor} {options}"));
    let [next, keys] = reply.items() else {
        panic!("SCAN gives two things: {reply}")
    };
    (next.text(), keys.items().iter().map(Reply::text).collect())
}

/// A scan from its beginning to its end; `between` happens after each call but the last.
fn scan_all(
    client: &mut Client,
    options: &str,
    mut between: impl FnMut(&mut Client),
) -> Vec<String> {
    let (mut cursor, mut all) = scan(client, "0", options);
    let mut calls = 1;
    while cursor != "0" {
        between(client);
        let (next, keys) = scan(client, &cursor, options);
        cursor = next;
        all.extend(keys);
        calls += 1;
        assert!(calls < 1_000_000, "the scan does not end");
    }
    all
}

fn set(client: &mut Client, names: impl Iterator<Item = String>) {
    let lines: Vec<String> = names.map(|name| format!("SET {name} v")).collect();
    for chunk in lines.chunks(500) {
        client.pipeline(&chunk.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

fn del(client: &mut Client, names: impl Iterator<Item = String>) {
    let lines: Vec<String> = names.map(|name| format!("DEL {name}")).collect();
    for chunk in lines.chunks(500) {
        client.pipeline(&chunk.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn a_scan_at_rest_returns_every_key_once() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for count in [0, 1, 9, 1_000, 20_000] {
        client.line("FLUSHALL");
        set(&mut client, (0..count).map(|n| format!("key:{n}")));
        for options in [
            "",
            "COUNT 1",
            "COUNT 17",
            "COUNT 1000000",
            "COUNT 9223372036854775807",
        ] {
            if count > 1_000 && options == "COUNT 1" {
                continue;
            }
            let keys = scan_all(&mut client, options, |_| {});
            let distinct: BTreeSet<&String> = keys.iter().collect();
            assert_eq!((keys.len(), distinct.len()), (count, count), "{options:?}");
        }
    }
}

/// Thousands of keys come and go between the calls; a thousand stay.
#[test]
fn what_stays_is_returned_while_the_rest_comes_and_goes() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let mut rng = Rng::with_seed(seed());
    for round in 0..if is_full_run() { 40 } else { 6 } {
        client.line("FLUSHALL");
        let stays: BTreeSet<String> = (0..1_000).map(|n| format!("stays:{n}")).collect();
        // Before and behind what stays: in lower and in higher slots.
        set(
            &mut client,
            (0..rng.usize(..5_000)).map(|n| format!("early:{n}")),
        );
        set(&mut client, stays.iter().cloned());
        set(
            &mut client,
            (0..rng.usize(..20_000)).map(|n| format!("late:{n}")),
        );
        let count = [3, 10, 100][rng.usize(..3)];
        let churn = rng.usize(1..400);
        let seen = scan_all(&mut client, &format!("COUNT {count}"), |client| {
            match rng.u32(..20) {
                0 => del(client, (0..20_000).map(|n| format!("late:{n}"))),
                1 => del(client, (0..5_000).map(|n| format!("early:{n}"))),
                2 => set(client, (0..churn * 10).map(|n| format!("early:{n}"))),
                3..8 => set(
                    client,
                    (0..churn).map(|_| format!("late:{}", rng.u32(..20_000))),
                ),
                8..13 => del(
                    client,
                    (0..churn).map(|_| format!("late:{}", rng.u32(..20_000))),
                ),
                _ => {}
            }
        });
        let seen: BTreeSet<String> = seen.into_iter().collect();
        let missing: Vec<&String> = stays.difference(&seen).collect();
        assert!(
            missing.is_empty(),
            "round {round}: not returned: {missing:?}"
        );
    }
}

#[test]
fn a_scan_survives_a_flush_and_ends() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    set(&mut client, (0..5_000).map(|n| format!("key:{n}")));
    let mut calls = 0;
    scan_all(&mut client, "COUNT 50", |client| {
        calls += 1;
        if calls == 10 {
            client.line("FLUSHALL");
            set(client, (0..100).map(|n| format!("new:{n}")));
        }
    });
    assert!(calls > 10, "{calls}");
}

#[test]
fn what_is_asked_for_is_all_that_is_returned() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    set(&mut client, (0..3_000).map(|n| format!("user:{n}")));
    set(&mut client, (0..3_000).map(|n| format!("order:{n}")));
    client.line("SELECT 1");
    set(&mut client, (0..10).map(|n| format!("user:other:{n}")));
    client.line("SELECT 0");
    let users = scan_all(&mut client, "MATCH user:* TYPE string", |_| {});
    assert_eq!(users.len(), 3_000);
    assert!(users.iter().all(|key| key.starts_with("user:")));
    assert_eq!(
        scan_all(&mut client, "MATCH user:*1234 COUNT 7", |_| {}),
        ["user:1234"]
    );
    assert_eq!(scan_all(&mut client, "TYPE hash", |_| {}), [""; 0]);
    // Expired keys are not there, whether they have been removed or not.
    client.line("MSET gone:1 v gone:2 v");
    client.pipeline(&[
        "SET gone:1 v PX 1",
        "SET gone:2 v PX 1",
        "SET gone:3 v EX 100",
    ]);
    let deadline = crate::support::keyspace::now_ms(&mut client) + 2;
    while crate::support::keyspace::now_ms(&mut client) <= deadline {}
    assert_eq!(scan_all(&mut client, "MATCH gone:*", |_| {}), ["gone:3"]);
}

#[test]
fn a_scan_goes_on_inside_a_transaction() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    set(&mut client, (0..1_000).map(|n| format!("key:{n}")));
    let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
    loop {
        let replies = client.pipeline(&["MULTI", &format!("SCAN {cursor} COUNT 100"), "EXEC"]);
        let piece = replies[2].items()[0].items();
        seen.extend(piece[1].items().iter().map(Reply::text));
        cursor = piece[0].text();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), 1_000);
}

/// Cursors that no scan has given lead nowhere bad.
#[test]
fn any_cursor_is_answered() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    set(&mut client, (0..1_000).map(|n| format!("key:{n}")));
    let mut rng = Rng::with_seed(seed());
    for _ in 0..5_000 {
        let cursor = match rng.u32(..4) {
            0 => rng.u64(..),
            1 => rng.u64(..1 << 40),
            2 => rng.u64(..64) << 32 | u64::from(rng.u32(..)),
            _ => [
                u64::MAX,
                1,
                1 << 32,
                63 << 32,
                64 << 32,
                u64::from(u32::MAX),
            ][rng.usize(..6)],
        };
        let (next, keys) = scan(&mut client, &cursor.to_string(), "COUNT 20");
        assert!(next.parse::<u64>().is_ok(), "{next}");
        // Those whose hashes are alike come together: more than two of a thousand hardly ever are.
        assert!(keys.len() <= 22, "{}", keys.len());
    }
}
