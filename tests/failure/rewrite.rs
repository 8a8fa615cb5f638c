//! When a rewrite of the log fails, in each of its steps.

use super::{
    EVERYSEC, alike, assert_loads, complaints, fields, names, say, settle, some_of, wait_for,
    wait_for_rewrite,
};
use crate::snapshot::wait_until;
use crate::support::{Faults, Kind, Server};

/// The steps: the new incremental file, the manifest that names it, the base, the manifest that names that.
const STEPS: &[&str] = &[
    "open incr.aof 28",
    "open temp-appendonly.aof.manifest 28",
    "write temp-appendonly.aof.manifest 28",
    "write temp-appendonly.aof.manifest 28 20",
    "fsync temp-appendonly.aof.manifest 5",
    "rename appendonly.aof.manifest 30",
    "open temp-rewriteaof 28",
    "write temp-rewriteaof 28",
    "write temp-rewriteaof 28 40",
    "fsync temp-rewriteaof 5",
    "rename base.rdb 13",
];

/// Steps that Redis does later, or does not look at.
const OWN_STEPS: &[&str] = &["fsync incr.aof 5", "fsync appendonlydir 5"];

const STATUS: &[&str] = &[
    "aof_enabled",
    "aof_last_write_status",
    "aof_last_bgrewrite_status",
    "aof_rewrite_scheduled",
];

#[test]
fn a_rewrite_that_fails_costs_nothing() {
    for rule in some_of(STEPS) {
        alike(|kind, faults| {
            let mut server = Server::start_with(kind, EVERYSEC, faults);
            let mut client = server.connect();
            client.line("EVAL \"for i=1,100 do redis.call('SET','key:'..i,i) end\" 0");
            faults.set(rule);
            client.line("BGREWRITEAOF");
            wait_for(&server, "aof_last_bgrewrite_status", "err");
            wait_for_rewrite(&server);
            let mut replies = fields(&mut client, STATUS);
            replies.extend(say(&mut client, &["PING", "SET between 1"]));
            settle(&mut client);
            assert_loads(&server, rule);
            faults.clear();
            client.line("BGREWRITEAOF");
            wait_for(&server, "aof_last_bgrewrite_status", "ok");
            wait_for_rewrite(&server);
            replies.extend(fields(&mut client, STATUS));
            replies.extend(fields(&mut client, &["aof_rewrites_consecutive_failures"]));
            replies.extend(say(&mut client, &["SET after 1"]));
            settle(&mut client);
            if kind == Kind::Keytag {
                assert_loads(&server, rule);
                let names = names(&server.dir().join("appendonlydir"));
                assert_eq!(names.len(), 3, "{rule} has left something: {names:?}");
            }
            server.kill();
            server.start_again();
            replies.extend(say(
                &mut server.connect(),
                &["DBSIZE", "MGET key:7 between after"],
            ));
            replies
        });
    }
}

#[test]
fn a_rewrite_that_cannot_be_synced_costs_nothing() {
    for rule in OWN_STEPS {
        let faults = Faults::none();
        let mut server = Server::start_with(Kind::Keytag, EVERYSEC, &faults);
        let mut client = server.connect();
        client.line("EVAL \"for i=1,100 do redis.call('SET','key:'..i,i) end\" 0");
        settle(&mut client);
        faults.set(rule);
        client.line("BGREWRITEAOF");
        wait_for(&server, "aof_last_bgrewrite_status", "err");
        assert_eq!(client.line("GET key:7").to_string(), "\"7\"");
        assert_loads(&server, rule);
        faults.clear();
        client.line("BGREWRITEAOF");
        wait_for(&server, "aof_last_bgrewrite_status", "ok");
        wait_for(&server, "aof_last_write_status", "ok");
        wait_for_rewrite(&server);
        assert_eq!(client.line("SET after 1").to_string(), "OK");
        settle(&mut client);
        assert_loads(&server, rule);
        server.kill();
        server.start_again();
        assert_eq!(server.connect().line("DBSIZE").integer(), 101, "{rule}");
    }
}

/// Old files that cannot be removed are no failure, and are removed by the next rewrite.
#[test]
fn files_that_cannot_be_removed_stay_until_they_can() {
    let faults = Faults::none();
    let server = Server::start_with(Kind::Keytag, EVERYSEC, &faults);
    let mut client = server.connect();
    client.line("SET k v");
    faults.set("unlink appendonlydir 30");
    for _ in 0..2 {
        client.line("BGREWRITEAOF");
        wait_for_rewrite(&server);
    }
    assert_eq!(
        client.info("aof_last_bgrewrite_status").as_deref(),
        Some("ok")
    );
    settle(&mut client);
    assert_loads(&server, "with files that should be gone");
    faults.clear();
    client.line("BGREWRITEAOF");
    wait_for_rewrite(&server);
    assert_eq!(names(&server.dir().join("appendonlydir")).len(), 3);
}

#[test]
fn after_three_failures_the_server_waits_before_it_tries_again() {
    alike(|kind, faults| {
        let growth = [
            "--auto-aof-rewrite-min-size",
            "1",
            "--auto-aof-rewrite-percentage",
            "1",
        ];
        let server = Server::start_with(kind, &[EVERYSEC, &growth].concat(), faults);
        let mut client = server.connect();
        faults.set("open temp-rewriteaof 28");
        let mut replies = say(&mut client, &["SET k 1"]);
        wait_until(&server, "it does not give up", || {
            server
                .log()
                .contains("triggered the limit, will retry in 1 minutes")
        });
        let names = [STATUS, &["aof_rewrites_consecutive_failures"]].concat();
        replies.extend(fields(&mut client, &names));
        let last = complaints(&server, 0).pop();
        replies.push(last.expect("the limit is said"));
        // Who asks for it is not made to wait.
        client.line("BGREWRITEAOF");
        wait_for(&server, "aof_rewrites_consecutive_failures", "4");
        client.line("CONFIG SET auto-aof-rewrite-percentage 0");
        faults.clear();
        client.line("BGREWRITEAOF");
        wait_for(&server, "aof_last_bgrewrite_status", "ok");
        replies.extend(fields(&mut client, &names));
        replies
    });
}

#[test]
fn asking_for_a_rewrite_behind_a_snapshot_forgets_failures() {
    alike(|kind, faults| {
        let flags = [EVERYSEC, &["--rdb-key-save-delay", "200000"]].concat();
        let server = Server::start_with(kind, &flags, faults);
        let mut client = server.connect();
        client.line("SET k 1");
        faults.set("open temp-rewriteaof 28");
        for failures in ["1", "2", "3", "4"] {
            client.line("BGREWRITEAOF");
            wait_for(&server, "aof_rewrites_consecutive_failures", failures);
            wait_for_rewrite(&server);
        }
        let mut replies = say(&mut client, &["BGSAVE", "BGREWRITEAOF"]);
        let failures = ["aof_rewrites_consecutive_failures", "aof_rewrite_scheduled"];
        replies.extend(fields(&mut client, &failures));
        wait_for(&server, "aof_rewrites_consecutive_failures", "1");
        wait_for_rewrite(&server);
        replies.extend(say(&mut client, &["CONFIG RESETSTAT"]));
        let counted = ["aof_rewrites_consecutive_failures", "aof_rewrites"];
        replies.extend(fields(&mut client, &counted));
        replies
    });
}
