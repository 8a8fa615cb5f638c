//! Emptying and exchanging databases.

use std::time::{Duration, Instant};

use crate::support::{Kind, Server, transcript};

#[test]
fn flushes_empty_one_database_or_all() {
    transcript(
        r#"
        > SET a 1
        OK
        > SELECT 1
        OK
        > SET b 2
        OK
        > FLUSHDB
        OK
        > DBSIZE
        (integer) 0
        > SELECT 0
        OK
        > DBSIZE
        (integer) 1
        > FLUSHDB ASYNC
        OK
        > SET a 1
        OK
        > FLUSHALL sync
        OK
        > DBSIZE
        (integer) 0
        > FLUSHALL ASYNC
        OK
        > FLUSHALL NOW
        (error) ERR syntax error
        > FLUSHALL SYNC ASYNC
        (error) ERR syntax error
        > FLUSHDB NOW
        (error) ERR syntax error
        > DBSIZE 0
        (error) ERR wrong number of arguments for 'dbsize' command
        "#,
    );
}

#[test]
fn databases_change_places() {
    transcript(
        r#"
        > SET a 1
        OK
        > SWAPDB 0 1
        OK
        > GET a
        (nil)
        > SELECT 1
        OK
        > GET a
        "1"
        > SWAPDB 1 1
        OK
        > SWAPDB a 1
        (error) ERR invalid first DB index
        > SWAPDB 0 b
        (error) ERR invalid second DB index
        > SWAPDB 4294967296 0
        (error) ERR invalid first DB index
        > SWAPDB 0 16
        (error) ERR DB index is out of range
        > SWAPDB -1 0
        (error) ERR DB index is out of range
        "#,
    );
}

/// As many changes as keys: an empty database is flushed without one, and yet replicas and the log hear of it.
#[test]
fn changes_are_counted_as_in_redis() {
    let counted = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--appendonly", "yes"]);
        let mut client = server.connect();
        let mut counted = Vec::new();
        for line in [
            "FLUSHALL",
            "MSET a 1 b 2",
            "FLUSHDB",
            "SET a 1",
            "FLUSHALL ASYNC",
            "SWAPDB 0 1",
            "SWAPDB 0 0",
        ] {
            assert_eq!(client.line(line).to_string(), "OK");
            counted.push(client.info_number("rdb_changes_since_last_save"));
        }
        counted
    });
    assert_eq!(counted[0], counted[1]);
}

#[test]
fn a_flush_replies_once_the_memory_is_free() {
    let server = Server::keytag(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.line("PING");
    let before = client.info_number("used_memory");
    client.line("DEBUG POPULATE 200000 key 100");
    let full = client.info_number("used_memory");
    assert!(full > before + 20_000_000);
    // Commands behind it wait for it, in their order.
    let replies = client.pipeline(&["FLUSHALL", "DBSIZE", "SET k v", "DBSIZE"]);
    let replies: Vec<String> = replies.iter().map(ToString::to_string).collect();
    assert_eq!(replies, ["OK", "(integer) 0", "OK", "(integer) 1"]);
    let after = client.info_number("used_memory");
    assert!(
        after < before + (full - before) / 20,
        "{before} {full} {after}"
    );
    assert_eq!(client.info_number("lazyfree_pending_objects"), 0);
    assert_eq!(client.info_number("lazyfreed_objects"), 200_000);
}

#[test]
fn nobody_waits_while_a_flush_frees_memory() {
    let server = Server::keytag(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    let mut other = server.connect();
    client.line("DEBUG POPULATE 300000");
    client.send(&["FLUSHALL"]);
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    while began.elapsed() < Duration::from_millis(100) {
        let asked = Instant::now();
        other.line("GET key:1");
        longest = longest.max(asked.elapsed());
    }
    assert_eq!(client.reply().to_string(), "OK");
    assert!(longest < Duration::from_millis(90), "{longest:?}");
}

#[test]
fn small_facts_of_the_server() {
    transcript(
        r#"
        > ROLE
        1) "master"
        2) (integer) 0
        3) (empty array)
        > TIME
        ~ 1) "1*"
        ~ 2) "*"
        > TIME now
        (error) ERR wrong number of arguments for 'time' command
        > LOLWUT
        "Redis ver. 7.4.1\n"
        > LOLWUT nonsense
        "Redis ver. 7.4.1\n"
        > LOLWUT VERSION
        "Redis ver. 7.4.1\n"
        > LOLWUT VERSION x
        (error) ERR value is not an integer or out of range
        > LOLWUT VERSION 5 x
        (error) ERR value is not an integer or out of range
        > LOLWUT VERSION 1 x
        "Redis ver. 7.4.1\n"
        > LOLWUT VERSION 5 1 1 x
        (error) ERR value is not an integer or out of range
        > LOLWUT VERSION 6 1 x
        (error) ERR value is not an integer or out of range
        > LOLWUT VERSION 4
        "Redis ver. 7.4.1\n"
        > LATENCY HISTOGRAM nosuch
        (empty array)
        > LATENCY GRAPH nosuch
        (error) ERR No samples available for event 'nosuch'
        > LATENCY HISTORY nosuch
        (empty array)
        > LATENCY RESET nosuch
        (integer) 0
        > MEMORY USAGE none
        (nil)
        > MEMORY USAGE none SAMPLES
        (error) ERR syntax error
        > MEMORY USAGE none SAMPLES -1
        (error) ERR syntax error
        > MEMORY USAGE none SAMPLES x
        (error) ERR value is not an integer or out of range
        > MEMORY USAGE none SAMPLES 1 SAMPLES 2
        (nil)
        > MEMORY PURGE
        OK
        > SLOWLOG GET x
        (error) ERR count should be greater than or equal to -1
        > SLOWLOG GET -2
        (error) ERR count should be greater than or equal to -1
        > SLOWLOG GET 1 2
        (error) ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.
        "#,
    );
}

#[test]
fn latencies_are_remembered_over_the_threshold() {
    let server = Server::keytag(&[
        "--enable-debug-command",
        "yes",
        "--latency-monitor-threshold",
        "5",
    ]);
    let mut client = server.connect();
    client.line("DEBUG SLEEP 0.001");
    assert_eq!(client.line("LATENCY LATEST").to_string(), "(empty array)");
    client.line("DEBUG SLEEP 0.02");
    let latest = client.line("LATENCY LATEST").to_string();
    assert!(
        latest.starts_with("1) 1) \"command\"\n   2) (integer) 1"),
        "{latest}"
    );
    let graph = client.line("LATENCY GRAPH command").to_string();
    assert!(graph.contains("command - high 2"), "{graph}");
    assert!(
        client
            .line("LATENCY DOCTOR")
            .to_string()
            .contains("1. command: 1 latency spikes")
    );
    assert_eq!(
        client
            .line("LATENCY RESET command fast-command")
            .to_string(),
        "(integer) 1"
    );
    assert_eq!(
        client.line("LATENCY HISTORY command").to_string(),
        "(empty array)"
    );
}

#[test]
fn histograms_count_every_call() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for _ in 0..50 {
        client.line("GET k");
    }
    client.line("CLIENT GETNAME");
    client.line("HELLO 3");
    client.send(&["LATENCY", "HISTOGRAM", "get", "CLIENT", "get"]);
    let reply = String::from_utf8(client.receive()).expect("text");
    assert!(
        reply.starts_with(
            "%3\r\n$3\r\nget\r\n%2\r\n$5\r\ncalls\r\n:50\r\n$14\r\nhistogram_usec\r\n%"
        ),
        "{reply}"
    );
    assert!(
        reply.contains("$14\r\nclient|getname\r\n%2\r\n$5\r\ncalls\r\n:1\r\n"),
        "{reply}"
    );
    assert_eq!(
        reply.matches(":50\r\n").count(),
        4,
        "each ends with all calls: {reply}"
    );
    client.line("CONFIG SET latency-tracking no");
    client.line("CONFIG RESETSTAT");
    client.line("GET k");
    client.send(&["LATENCY", "HISTOGRAM"]);
    assert_eq!(client.receive(), b"%0\r\n");
}
