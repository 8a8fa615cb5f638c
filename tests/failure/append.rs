//! When the log cannot be appended to or synced.

use std::time::{Duration, Instant};

use super::{
    EVERYSEC, alike, assert_loads, complaints, fields, say, settle, start_on_copy, wait_for,
    wait_for_rewrite,
};
use crate::snapshot::wait_until;
use crate::support::client::Silence;
use crate::support::{Client, Faults, Kind, Server};

/// What is said while the log takes nothing.
const MEANWHILE: &[&str] = &[
    "SET k 3",
    "PING",
    "GET k",
    "DEL k",
    "EXPIRE k 100",
    "PUBLISH channel message",
    "EVAL \"return redis.call('SET','k','v')\" 0",
    "EVAL \"return redis.pcall('SET','k','v')\" 0",
    "EVAL \"return redis.call('GET','k')\" 0",
    "EVAL \"#!lua\\nreturn redis.call('GET','k')\" 0",
    "EVAL \"#!lua flags=no-writes\\nreturn redis.call('GET','k')\" 0",
    "MULTI",
    "SET k v",
    "EXEC",
    "MULTI",
    "GET k",
    "EXEC",
    "CONFIG SET appendfsync everysec",
    "LASTSAVE x",
];

const STATUS: &[&str] = &[
    "aof_enabled",
    "aof_last_write_status",
    "aof_last_bgrewrite_status",
    "rdb_last_bgsave_status",
];

/// A full disk, one that takes a part first, and one that was made read-only.
const WRITES: &[&str] = &[
    "write incr.aof 28",
    "write incr.aof 28 60",
    "write incr.aof 30",
];

/// Nobody is kept waiting so long by anything that these tests do.
const MUCH: Duration = Duration::from_secs(20);

/// The length of the first incremental file.
fn incremental_bytes(server: &Server) -> u64 {
    let path = "appendonlydir/appendonly.aof.1.incr.aof";
    let about = std::fs::metadata(server.dir().join(path));
    about.expect("an incremental file").len()
}

#[test]
fn writes_are_refused_until_the_log_can_be_written() {
    for policy in ["everysec", "no"] {
        for rule in WRITES {
            alike(|kind, faults| {
                let flags = ["--appendonly", "yes", "--appendfsync", policy];
                let mut server = Server::start_with(kind, &flags, faults);
                let mut client = server.connect();
                let mut replies = say(&mut client, &["SET k 1"]);
                wait_until(&server, "it is never written", || {
                    incremental_bytes(&server) > 0
                });
                faults.set(rule);
                replies.extend(say(&mut client, &["SET k 2"]));
                wait_for(&server, "aof_last_write_status", "err");
                replies.extend(say(&mut client, MEANWHILE));
                replies.extend(fields(&mut client, STATUS));
                faults.clear();
                wait_for(&server, "aof_last_write_status", "ok");
                replies.extend(say(&mut client, &["PING", "SET other 4"]));
                replies.extend(fields(&mut client, STATUS));
                server.restart();
                replies.extend(say(&mut server.connect(), &["GET k", "GET other"]));
                replies
            });
        }
    }
}

/// Redis looks at a file that could not be synced only when there is more to sync, which it refuses to take.
#[test]
fn writes_are_refused_until_the_log_can_be_synced() {
    alike(|kind, faults| {
        let mut server = Server::start_with(kind, EVERYSEC, faults);
        let mut client = server.connect();
        let mut replies = say(&mut client, &["SET k 1"]);
        faults.set("fsync incr.aof 5");
        replies.extend(say(&mut client, &["SET k 2"]));
        wait_for(&server, "aof_last_write_status", "err");
        replies.extend(say(&mut client, MEANWHILE));
        replies.extend(fields(&mut client, STATUS));
        replies.extend(complaints(&server, 0));
        if kind == Kind::Keytag {
            faults.clear();
            wait_for(&server, "aof_last_write_status", "ok");
            assert_eq!(client.line("SET other 4").to_string(), "OK");
            // What the system could not write it may have thrown away: all is written anew.
            wait_for(&server, "aof_rewrites", "1");
            wait_for_rewrite(&server);
            settle(&mut client);
            assert_loads(&server, "after a failed sync");
            server.kill();
            server.start_again();
            assert_eq!(
                server.connect().line("MGET k other").to_string(),
                "1) \"2\"\n2) \"4\""
            );
        }
        replies
    });
}

/// Redis leaves; Keytag replies to what it has written once that is on disk, and refuses more.
#[test]
fn with_always_nothing_is_acknowledged_before_it_is_on_disk() {
    let always = ["--appendonly", "yes", "--appendfsync", "always"];
    for rule in [
        "write incr.aof 28",
        "write incr.aof 28 70",
        "fsync incr.aof 5",
    ] {
        let faults = Faults::none();
        let mut server = Server::start_with(Kind::Keytag, &always, &faults);
        let (mut waiting, mut other) = (server.connect(), server.connect());
        assert_eq!(waiting.line("SET k 1").to_string(), "OK");
        faults.set(rule);
        waiting.send(&["SET", "k", "2"]);
        wait_for(&server, "aof_last_write_status", "err");
        let refused = say(&mut other, &["SET k 3", "PING"]);
        assert!(
            refused
                .iter()
                .all(|it| it.contains("MISCONF Errors writing to the AOF file: ")),
            "{refused:?}"
        );
        assert_eq!(
            other.line("MGET k other").to_string(),
            "1) \"2\"\n2) (nil)",
            "reading goes on, also of what waits for the disk"
        );
        faults.clear();
        assert_eq!(waiting.reply().to_string(), "OK");
        wait_for(&server, "aof_last_write_status", "ok");
        assert_eq!(other.line("SET other 4").to_string(), "OK");
        server.kill();
        server.start_again();
        let mut client = server.connect();
        assert_eq!(
            client.line("MGET k other").to_string(),
            "1) \"2\"\n2) \"4\"",
            "{rule}"
        );

        // The power goes before the disk is well again.
        faults.set(rule);
        let mut waiting = server.connect();
        waiting.send(&["SET", "k", "5"]);
        wait_for(&server, "aof_last_write_status", "err");
        server.kill();
        assert!(
            matches!(waiting.try_receive(), Err(Silence::Closed)),
            "nothing was acknowledged"
        );
        faults.clear();
        server.start_again();
        let found = server.connect().line("GET k").to_string();
        // It may be there: it was written, and not known to be on disk.
        assert!(
            found == "\"2\"" || rule.starts_with("fsync") && found == "\"5\"",
            "{rule}: {found}"
        );
    }
}

#[test]
fn with_always_redis_leaves() {
    for (rule, text) in [
        (
            "write incr.aof 28",
            "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...",
        ),
        (
            "fsync incr.aof 5",
            "Can't persist AOF for fsync error when the AOF fsync policy is 'always'",
        ),
    ] {
        let faults = Faults::none();
        let flags = ["--appendonly", "yes", "--appendfsync", "always"];
        let mut redis = Server::start_with(Kind::Oracle, &flags, &faults);
        faults.set(rule);
        redis.connect().send(&["SET", "k", "1"]);
        assert_eq!(redis.wait().code(), Some(1));
        assert!(redis.log().contains(text));
    }
}

#[test]
fn a_torn_tail_that_cannot_be_cut_off_costs_nothing_before_it() {
    let faults = Faults::none();
    let mut server = Server::start_with(Kind::Keytag, EVERYSEC, &faults);
    let mut client = server.connect();
    for number in 0..20 {
        client.line(&format!("SET key:{number} {number}"));
    }
    settle(&mut client);
    let length = incremental_bytes(&server);
    let rules = format!("write incr.aof 28 {}\ntruncate incr.aof 5", length + 25);
    faults.set(&rules);
    assert_eq!(client.line("SET torn value").to_string(), "OK");
    wait_for(&server, "aof_last_write_status", "err");
    let log = server.log();
    assert!(
        log.contains("Short write while writing to the AOF file: (nwritten="),
        "{log}"
    );
    assert!(
        log.contains("Could not remove short write from the append-only file."),
        "{log}"
    );
    let copy = start_on_copy(Kind::Keytag, &server.dir());
    let mut copied = copy.connect();
    assert_eq!(copied.line("DBSIZE").integer(), 20);
    assert!(copied.info_number("aof_quarantined_bytes") > 0);

    faults.clear();
    wait_for(&server, "aof_last_write_status", "ok");
    settle(&mut client);
    server.kill();
    server.start_again();
    let mut client = server.connect();
    assert_eq!(client.line("DBSIZE").integer(), 21);
    assert_eq!(client.info_number("aof_quarantined_bytes"), 0);
}

#[test]
fn a_log_that_is_turned_off_refuses_nothing_any_more() {
    alike(|kind, faults| {
        let server = Server::start_with(kind, EVERYSEC, faults);
        let mut client = server.connect();
        faults.set("write incr.aof 28");
        let mut replies = say(&mut client, &["SET k 1"]);
        wait_for(&server, "aof_last_write_status", "err");
        replies.extend(say(
            &mut client,
            &["SET k 2", "CONFIG SET appendonly no", "SET k 3"],
        ));
        replies.extend(fields(&mut client, STATUS));
        faults.clear();
        replies.extend(say(&mut client, &["CONFIG SET appendonly yes"]));
        wait_for_rewrite(&server);
        replies.extend(say(&mut client, &["SET k 4"]));
        replies.extend(fields(&mut client, STATUS));
        replies.extend(complaints(&server, 0));
        replies
    });
}

/// Who waits for a log that is turned off is answered.
#[test]
fn turning_the_log_off_lets_go_who_waits_for_it() {
    let faults = Faults::none();
    let flags = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = Server::start_with(Kind::Keytag, &flags, &faults);
    let mut waiting = server.connect();
    faults.set("fsync incr.aof 5");
    waiting.send(&["SET", "k", "1"]);
    wait_for(&server, "aof_last_write_status", "err");
    let mut other = server.connect();
    assert_eq!(other.line("CONFIG SET appendonly no").to_string(), "OK");
    assert_eq!(waiting.reply().to_string(), "OK");
    assert_eq!(other.line("SET k 2").to_string(), "OK");
}

/// A disk that is full for hours does not fill the log of the server too, which may be on it.
#[test]
fn a_write_that_goes_on_failing_is_said_once() {
    let faults = Faults::none();
    let server = Server::start_with(Kind::Keytag, EVERYSEC, &faults);
    faults.set("write incr.aof 28");
    server.connect().line("SET k 1");
    wait_for(&server, "aof_last_write_status", "err");
    let mut client = server.connect();
    let before = client.info_number("uptime_in_seconds");
    wait_until(&server, "time stands still", || {
        client.info_number("uptime_in_seconds") > before + 1
    });
    let log = server.log();
    assert_eq!(
        log.matches("Error writing to the AOF file").count(),
        1,
        "{log}"
    );
}

/// What is written outlives the process, however long the disk takes.
#[test]
fn a_disk_that_is_slow_to_sync_holds_up_no_write() {
    let faults = Faults::none();
    let mut server = Server::start_with(Kind::Keytag, EVERYSEC, &faults);
    let mut client = server.connect();
    faults.set("stall incr.aof 1");
    let before = client.info_number("uptime_in_seconds");
    for number in 0.. {
        let line = format!("SET key:{number} {number}");
        assert_eq!(client.line(&line).to_string(), "OK");
        // By then a sync is under way.
        if client.info_number("uptime_in_seconds") > before + 2 {
            break;
        }
    }
    let keys = client.line("DBSIZE").integer();
    assert_eq!(client.line("SET last value").to_string(), "OK");
    let path = "appendonlydir/appendonly.aof.1.incr.aof";
    wait_until(&server, "it waits for the disk", || {
        let file = std::fs::read(server.dir().join(path)).expect("readable");
        file.windows(4).any(|part| part == b"last")
    });
    server.kill();
    faults.clear();
    server.start_again();
    let mut client = server.connect();
    assert_eq!(client.line("GET last").to_string(), "\"value\"");
    assert_eq!(client.line("DBSIZE").integer(), keys + 1);
}

/// Redis writes before it replies. Here a writer that is late makes those wait who give it more.
#[test]
fn a_writer_that_waits_for_the_disk_is_told_little_more() {
    let faults = Faults::none();
    let mut server = Server::start_with(Kind::Keytag, EVERYSEC, &faults);
    let mut client = server.connect().with_patience(Duration::from_secs(2));
    assert_eq!(client.line("SET key:0 value").to_string(), "OK");
    // A new manifest is synced before a new file is written to.
    let stall = |client: &mut Client, from: usize| {
        settle(client);
        faults.set("stall manifest 1");
        client.line("BGREWRITEAOF");
        let began = Instant::now();
        let mut told = Vec::new();
        loop {
            let sent = Instant::now();
            client.send(&["SET", &format!("key:{}", from + told.len()), "value"]);
            match client.try_receive() {
                Ok(reply) => assert_eq!(reply, b"+OK\r\n"),
                Err(Silence::TimedOut(_)) => return told,
                Err(Silence::Closed) => panic!("the server is gone"),
            }
            told.push((sent, Instant::now()));
            assert!(began.elapsed() < MUCH, "nobody waits");
        }
    };
    let told = stall(&mut client, 1).len();
    let mut other = server.connect();
    assert_eq!(other.line("GET key:0").to_string(), "\"value\"");
    assert_eq!(other.line("DBSIZE").integer(), told as i64 + 2);
    faults.clear();
    assert_eq!(client.reply().to_string(), "OK");
    wait_for_rewrite(&server);

    let before = told + 2;
    let told = stall(&mut client, before);
    server.kill();
    faults.clear();
    server.start_again();
    let kept = server.connect().line("DBSIZE").integer() as usize - before;
    if let Some((_, first_lost)) = told.get(kept) {
        let (last, _) = told[told.len() - 1];
        let window = last.saturating_duration_since(*first_lost);
        assert!(window <= Duration::from_secs(1), "{window:?} are lost");
    }
}
