//! When a snapshot fails, in each of its steps.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::{alike, complaints, fields, names, say, some_of, wait_for};
use crate::support::{Client, Faults, Kind, Server, tools};

const STATUS: &[&str] = &[
    "rdb_last_bgsave_status",
    "rdb_saves",
    "rdb_changes_since_last_save",
    "rdb_bgsave_in_progress",
];

const STEPS: &[&str] = &[
    "open temp- 28",
    "open temp- 13",
    "write temp- 28",
    "write temp- 28 4096",
    "fsync temp- 5",
    "rename dump.rdb 30",
];

#[test]
fn a_snapshot_that_fails_leaves_the_last_one() {
    for rule in some_of(STEPS) {
        alike(|kind, faults| {
            let mut server = Server::start_with(kind, &["--save", "3600 1"], faults);
            let mut client = server.connect();
            client.line("EVAL \"for i=1,1000 do redis.call('SET','key:'..i,i) end\" 0");
            let mut replies = say(&mut client, &["SAVE"]);
            let whole = fs::read(server.dir().join("dump.rdb")).expect("a snapshot");
            let start = server.log().len();
            faults.set(rule);
            replies.extend(say(&mut client, &["SET k 1", "SAVE", "SET k 2"]));
            replies.extend(fields(&mut client, STATUS));
            replies.extend(say(&mut client, &["BGSAVE"]));
            wait_for(&server, "rdb_last_bgsave_status", "err");
            replies.extend(fields(&mut client, STATUS));
            replies.extend(say(&mut client, &["SET k 3", "PING", "GET k", "SHUTDOWN"]));
            let left = fs::read(server.dir().join("dump.rdb")).expect("a snapshot");
            assert!(left == whole, "{rule} has changed the last snapshot");
            assert_eq!(names(&server.dir()), ["dump.rdb"], "{rule}");
            // The child of Redis says it with a number of its own.
            let said = complaints(&server, start).into_iter();
            replies.extend(said.map(|it| without_number(&it)));
            faults.clear();
            replies.extend(say(&mut client, &["BGSAVE"]));
            wait_for(&server, "rdb_last_bgsave_status", "ok");
            replies.extend(say(&mut client, &["SET k 4"]));
            replies.extend(fields(&mut client, STATUS));
            server.restart();
            replies.extend(say(&mut server.connect(), &["GET k", "DBSIZE"]));
            replies
        });
    }
}

/// The name of a temporary file without the process in it.
fn without_number(text: &str) -> String {
    let Some((before, rest)) = text.split_once("temp-") else {
        return text.to_owned();
    };
    let rest = rest.trim_start_matches(|it: char| it.is_ascii_digit() || "PID-last".contains(it));
    format!("{before}temp-{rest}")
}

/// A limit of the system's own, instead of one that is played.
#[test]
fn a_file_that_may_not_grow_is_a_disk_that_is_full() {
    alike(|kind, faults| {
        let mut server = Server::start_with(kind, FILLED, faults);
        let mut client = server.connect();
        limit(&server, "20000");
        let mut replies = fill(&mut client);
        replies.extend(say(&mut client, &["SAVE", "BGSAVE"]));
        wait_for(&server, "rdb_last_bgsave_status", "err");
        replies.extend(say(&mut client, &["SET k v", "EXISTS key:7"]));
        assert!(complaints(&server, 0).concat().contains("File too large"));
        limit(&server, "unlimited");
        replies.extend(say(&mut client, &["SAVE", "SET k v"]));
        server.restart();
        replies.extend(say(&mut server.connect(), &["EXISTS key:0 key:5 key:7 k"]));
        replies
    });
}

#[test]
fn a_log_that_may_not_grow_is_a_disk_that_is_full() {
    alike(|kind, faults| {
        let flags = [FILLED, &["--appendonly", "yes"]].concat();
        let mut server = Server::start_with(kind, &flags, faults);
        let mut client = server.connect();
        limit(&server, "20000");
        fill(&mut client);
        wait_for(&server, "aof_last_write_status", "err");
        let mut replies = say(&mut client, &["SET k v", "EXISTS key:5"]);
        limit(&server, "unlimited");
        wait_for(&server, "aof_last_write_status", "ok");
        replies.extend(say(&mut client, &["SET k v"]));
        replies.extend(fill(&mut client));
        server.restart();
        replies.extend(say(&mut server.connect(), &["EXISTS key:0 key:5 key:7 k"]));
        replies
    });
}

const FILLED: &[&str] = &["--save", "3600 1", "--rdbcompression", "no"];

/// Writes 24,000 bytes.
fn fill(client: &mut Client) -> Vec<String> {
    let value = "f".repeat(3_000);
    let lines: Vec<String> = (0..8).map(|it| format!("SET key:{it} {value}")).collect();
    lines.iter().flat_map(|line| say(client, &[line])).collect()
}

fn limit(server: &Server, bytes: &str) {
    let pid = server.pid().to_string();
    let set = format!("--fsize={bytes}:");
    let mut command = Command::new("prlimit");
    let done = tools::run(command.args(["--pid", &pid, &set]), Duration::from_secs(20));
    assert!(done.status.success(), "{}", done.output);
}

/// What `save` points ask for is tried again after five seconds, not before, and then all is well.
#[test]
fn a_disk_that_was_full_for_a_moment_is_tried_again() {
    let faults = Faults::none();
    let server = Server::start_with(Kind::Keytag, &["--save", "1 1"], &faults);
    let mut client = server.connect();
    faults.set("write temp- 28");
    client.line("SET k 1");
    wait_for(&server, "rdb_last_bgsave_status", "err");
    assert_eq!(client.info_number("rdb_saves"), 1);
    faults.clear();
    wait_for(&server, "rdb_last_bgsave_status", "ok");
    assert_eq!(client.info_number("rdb_saves"), 2);
    assert_eq!(client.line("SET k 2").to_string(), "OK");
}
