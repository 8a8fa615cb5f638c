//! The memory limit.

use crate::support::{Client, Server, keyspace, transcript};

#[test]
fn a_write_over_the_limit_is_refused() {
    transcript(
        r#"
        # flags --maxmemory 1
        # no-reload
        > SET k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > GET k
        (nil)
        > DEL k
        (integer) 0
        > MSET a 1
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > INCR n
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > APPEND k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > EXPIRE k 10
        (integer) 0
        > CONFIG GET maxmemory
        1) "maxmemory"
        2) "1"
        > CONFIG SET maxmemory 0
        OK
        > SET k v
        OK
        "#,
    );
}

#[test]
fn a_refused_command_spoils_a_transaction() {
    transcript(
        r#"
        # flags --maxmemory 1
        # no-reload
        > MULTI
        OK
        > SET k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > GET k
        QUEUED
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        1) (nil)
        "#,
    );
}

#[test]
fn volatile_policies_need_a_key_with_an_expiry() {
    transcript(
        r#"
        # flags --maxmemory 1 --maxmemory-policy volatile-lru
        # no-reload
        > SET k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > GET k
        (nil)
        "#,
    );
}

/// Writes `count` keys of a kilobyte, every second one with an expiry, in batches.
fn fill(client: &mut Client, prefix: &str, count: usize) {
    let value = "x".repeat(1_000);
    let lines: Vec<String> = (0..count)
        .map(|index| {
            let expiry = if index % 2 == 0 { " EX 100000" } else { "" };
            format!("SET {prefix}:{index} {value}{expiry}")
        })
        .collect();
    for batch in lines.chunks(100) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        client.pipeline(&batch);
    }
}

/// The limit of these tests: what an empty server uses, and four megabytes for data.
fn limited(policy: &str) -> Server {
    let server = Server::keytag(&["--maxmemory-policy", policy]);
    let mut client = server.connect();
    let limit = client.info_number("used_memory") + (4 << 20);
    assert_eq!(
        client
            .line(&format!("CONFIG SET maxmemory {limit}"))
            .to_string(),
        "OK"
    );
    server
}

fn exists(client: &mut Client, prefix: &str, count: usize) -> Vec<usize> {
    let lines: Vec<String> = (0..count)
        .map(|index| format!("EXISTS {prefix}:{index}"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let replies = client.pipeline(&lines);
    (0..count)
        .filter(|index| replies[*index].integer() == 1)
        .collect()
}

#[test]
fn every_policy_keeps_the_limit_and_evicts_what_it_may() {
    for policy in [
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
        "allkeys-gdsf",
        "volatile-gdsf",
    ] {
        let server = limited(policy);
        let mut client = server.connect();
        fill(&mut client, "k", 8_000);
        let limit = client.info_number("maxmemory");
        let used = client.info_number("used_memory");
        assert!(
            used <= limit + (256 << 10),
            "{policy}: {used} bytes of {limit}"
        );
        // From here on nothing more is evicted.
        client.line("CONFIG SET maxmemory 0");
        let left = exists(&mut client, "k", 8_000);
        let evicted = client.info_number("evicted_keys");
        assert!(evicted > 0, "{policy}: nothing was evicted");
        if policy.starts_with("volatile") {
            let lasting = left.iter().filter(|index| *index % 2 == 1).count();
            assert!(
                lasting > 0,
                "{policy}: keys without an expiry are not evicted"
            );
        } else {
            assert_eq!(
                left.len() + usize::try_from(evicted).expect("a count"),
                8_000,
                "{policy}"
            );
        }
        assert_eq!(
            client.line("DBSIZE").integer(),
            i64::try_from(left.len()).expect("a count")
        );
    }
}

#[test]
fn volatile_policies_refuse_once_nothing_may_be_evicted() {
    let server = limited("volatile-lru");
    let mut client = server.connect();
    fill(&mut client, "k", 20_000);
    let left = exists(&mut client, "k", 20_000);
    assert!(
        left.iter().all(|index| index % 2 == 1),
        "keys with an expiry are left"
    );
    let refused = client.line("SET more v").to_string();
    assert_eq!(
        refused,
        "(error) OOM command not allowed when used memory > 'maxmemory'."
    );
    assert_eq!(client.line("DEL k:1").integer(), 1, "deleting goes on");
}

#[test]
fn what_is_read_often_stays() {
    // By frequency: recency counts in seconds, and this takes less than one.
    let server = limited("allkeys-lfu");
    let mut client = server.connect();
    fill(&mut client, "hot", 300);
    let reads: Vec<String> = (0..300).map(|index| format!("GET hot:{index}")).collect();
    let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
    for round in 0..20 {
        client.pipeline(&reads);
        fill(&mut client, &format!("cold:{round}"), 500);
    }
    let left = exists(&mut client, "hot", 300).len();
    assert!(left > 240, "{left} of 300 hot keys are left");
}

#[test]
fn an_evicted_key_leaves_no_tag_behind() {
    let server = limited("allkeys-random");
    let mut client = server.connect();
    let value = "x".repeat(1_000);
    for index in 0..10_000 {
        client.send(&[
            "SET",
            &format!("k:{index}"),
            &value,
            "TAGS",
            "2",
            "all",
            &format!("t:{}", index % 10),
        ]);
        if index % 100 == 99 {
            (0..100).for_each(|_| assert_eq!(client.reply().to_string(), "OK"));
        }
    }
    client.line("CONFIG SET maxmemory 0");
    assert!(client.info_number("evicted_keys") > 0);
    let size = client.line("DBSIZE").integer();
    assert_eq!(client.line("TAGCARD all").integer(), size);
    let by_tag: i64 = (0..10)
        .map(|tag| client.line(&format!("TAGCARD t:{tag}")).integer())
        .sum();
    assert_eq!(by_tag, size);
    assert_eq!(client.line("TAGINVALIDATE all").integer(), size);
    assert_eq!(client.line("DBSIZE").integer(), 0);
}

#[test]
fn used_memory_rises_and_falls() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let before = client.info_number("used_memory");
    fill(&mut client, "k", 10_000);
    let full = client.info_number("used_memory");
    assert!(
        full > before + 10_000_000,
        "{before} bytes before, {full} with ten megabytes"
    );
    assert_eq!(client.line("FLUSHALL SYNC").to_string(), "OK");
    let after = client.info_number("used_memory");
    assert!(
        after < before + (1 << 20),
        "{before} bytes before, {after} after"
    );
    assert!(client.info_number("used_memory_peak") >= full);
}

#[test]
fn evictions_are_in_the_log() {
    let mut server = Server::keytag(&[
        "--appendonly",
        "yes",
        "--maxmemory-policy",
        "allkeys-random",
    ]);
    let mut client = server.connect();
    let limit = client.info_number("used_memory") + (4 << 20);
    client.line(&format!("CONFIG SET maxmemory {limit}"));
    fill(&mut client, "k", 6_000);
    assert!(client.info_number("evicted_keys") > 0);
    client.line("CONFIG SET maxmemory 0");
    let before = keyspace::keys(&mut client);
    server.restart();
    assert_eq!(
        keyspace::keys(&mut server.connect()),
        before,
        "an evicted key has come back"
    );
}
