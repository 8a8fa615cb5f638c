//! When the log is turned on in a running server and the disk does not take it.

use super::{alike, assert_loads, fields, say, settle, some_of, wait_for, wait_for_rewrite};
use crate::snapshot::wait_until;
use crate::support::{Faults, Kind, Server};

const STATUS: &[&str] = &[
    "aof_enabled",
    "aof_last_write_status",
    "aof_last_bgrewrite_status",
    "aof_rewrites_consecutive_failures",
    "aof_rewrite_scheduled",
    "aof_pending_rewrite",
];

#[test]
fn a_log_that_cannot_be_begun_is_not_turned_on() {
    for rule in ["mkdir appendonlydir 28", "open temp-appendonly.aof.incr 13"] {
        alike(|kind, faults| {
            let server = Server::start_with(kind, &[], faults);
            let mut client = server.connect();
            faults.set(rule);
            let turn_on = "CONFIG SET appendonly yes";
            let mut replies = say(&mut client, &["SET k 1", turn_on, "CONFIG GET appendonly"]);
            replies.extend(fields(&mut client, STATUS));
            replies.extend(say(&mut client, &["SET k 2"]));
            faults.clear();
            replies.extend(say(&mut client, &[turn_on]));
            wait_for_rewrite(&server);
            replies.extend(fields(&mut client, STATUS));
            settle(&mut client);
            assert_loads(&server, rule);
            replies
        });
    }
}

#[test]
fn the_first_rewrite_is_tried_again_until_it_succeeds() {
    for rule in some_of(&[
        "open temp-rewriteaof 28",
        "write temp-rewriteaof 28",
        "fsync temp-rewriteaof 5",
        "rename base.rdb 13",
        "rename incr.aof 13",
        "write temp-appendonly.aof.manifest 28",
        "rename appendonly.aof.manifest 30",
    ]) {
        alike(|kind, faults| {
            let mut server = Server::start_with(kind, &[], faults);
            let mut client = server.connect();
            faults.set(rule);
            let mut replies = say(&mut client, &["SET k 1", "CONFIG SET appendonly yes"]);
            wait_until(&server, "it does not give up", || {
                server
                    .log()
                    .contains("triggered the limit, will retry in 1 minutes")
            });
            replies.extend(say(&mut client, &["CONFIG GET appendonly", "SET k 2"]));
            replies.extend(fields(&mut client, STATUS));
            faults.clear();
            replies.extend(say(&mut client, &["BGREWRITEAOF", "SET k 3"]));
            wait_for(&server, "aof_last_bgrewrite_status", "ok");
            wait_for_rewrite(&server);
            replies.extend(fields(&mut client, STATUS));
            settle(&mut client);
            assert_loads(&server, rule);
            if kind == Kind::Keytag {
                server.kill();
            }
            replies
        });
    }
}

/// A data set that was copied from elsewhere is served once it is on disk, or not at all.
#[test]
fn a_copy_that_cannot_be_written_is_not_served() {
    let source = Server::start(Kind::Oracle, &[]);
    source.connect().line("SET k copied");
    let address = format!("127.0.0.1:{}", source.port());
    let flags = ["--appendonly", "yes", "--warm-from", &address];
    let faults = Faults::none();
    let mut copy = Server::prepared_with(Kind::Keytag, &flags, &faults);
    faults.set("write temp-rewriteaof 28");
    assert!(!copy.run_to_end().success());
    let log = copy.log();
    assert!(log.contains("Can't write the copied data set"), "{log}");
    faults.clear();
    copy.start_again();
    assert_eq!(copy.connect().line("GET k").to_string(), "\"copied\"");
    assert_loads(&copy, "copied");
}
