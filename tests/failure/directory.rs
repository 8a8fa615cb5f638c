//! When files or their directory are taken away, or may not be touched any more.

use std::fs;

use super::{
    EVERYSEC, assert_loads, names, redis_on_copy, settle, start_on_copy, wait_for, wait_for_rewrite,
};
use crate::snapshot::wait_until;
use crate::support::{Client, Faults, Kind, Server};

fn fill(client: &mut Client) {
    client.line("EVAL \"for i=1,100 do redis.call('SET','key:'..i,i) end\" 0");
    settle(client);
}

/// What is written into a file that has no name any more is gone with the process, and nobody would know.
#[test]
fn a_log_that_somebody_has_removed_is_written_anew() {
    for policy in ["everysec", "always"] {
        let mut server = Server::keytag(&["--appendonly", "yes", "--appendfsync", policy]);
        let mut client = server.connect();
        fill(&mut client);
        let dir = server.dir().join("appendonlydir");
        fs::rename(&dir, server.dir().join("moved")).expect("moved");
        assert_eq!(client.line("SET after 1").to_string(), "OK");
        wait_for(&server, "aof_rewrites", "1");
        wait_for_rewrite(&server);
        assert_eq!(names(&dir).len(), 3);
        assert_loads(&server, "moved away");
        fs::remove_dir_all(&dir).expect("removed");
        assert_eq!(client.line("SET after 2").to_string(), "OK");
        wait_for(&server, "aof_rewrites", "2");
        wait_for_rewrite(&server);
        let log = server.log();
        assert!(
            log.contains("The append only file is gone from its place. Rewriting it."),
            "{log}"
        );
        server.kill();
        server.start_again();
        let mut client = server.connect();
        assert_eq!(client.line("DBSIZE").integer(), 101);
        assert_eq!(client.line("GET after").to_string(), "\"2\"");
    }
}

/// Redis goes on in the old directory until the next rewrite.
#[test]
fn a_log_follows_the_working_directory() {
    let protected = [EVERYSEC, &["--enable-protected-configs", "yes"]].concat();
    let mut server = Server::keytag(&protected);
    let mut client = server.connect();
    fill(&mut client);
    let elsewhere = server.dir().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let line = format!("CONFIG SET dir {}", elsewhere.display());
    assert_eq!(client.line(&line).to_string(), "OK");
    assert_eq!(client.line("SET after 1").to_string(), "OK");
    wait_for(&server, "aof_rewrites", "1");
    wait_for_rewrite(&server);
    settle(&mut client);
    server.kill();
    for kind in [Kind::Keytag, Kind::Oracle] {
        let found = start_on_copy(kind, &elsewhere);
        assert_eq!(found.connect().line("DBSIZE").integer(), 101, "{kind:?}");
    }
}

#[test]
fn a_base_that_somebody_has_removed_is_written_anew_by_the_next_rewrite() {
    let server = Server::keytag(EVERYSEC);
    let mut client = server.connect();
    fill(&mut client);
    client.line("BGREWRITEAOF");
    wait_for_rewrite(&server);
    fs::remove_file(server.dir().join("appendonlydir/appendonly.aof.2.base.rdb")).expect("removed");
    client.line("BGREWRITEAOF");
    wait_for_rewrite(&server);
    settle(&mut client);
    assert_loads(&server, "without a base");
}

/// Nothing can be kept, so nothing is taken, until there is a place again.
#[test]
fn writes_are_refused_while_there_is_no_place_for_the_log() {
    let mut server = Server::keytag(EVERYSEC);
    let mut client = server.connect();
    fill(&mut client);
    let dir = server.dir().join("appendonlydir");
    fs::remove_dir_all(&dir).expect("removed");
    fs::write(&dir, "in the way").expect("a file");
    assert_eq!(client.line("SET after 1").to_string(), "OK");
    wait_for(&server, "aof_last_write_status", "err");
    let refused = "(error) MISCONF Errors writing to the AOF file: Not a directory";
    assert_eq!(client.line("SET after 2").to_string(), refused);
    assert_eq!(client.line("GET after").to_string(), "\"1\"");
    fs::remove_file(&dir).expect("removed");
    wait_for(&server, "aof_last_write_status", "ok");
    assert_eq!(client.line("SET after 3").to_string(), "OK");
    settle(&mut client);
    server.kill();
    server.start_again();
    let mut client = server.connect();
    assert_eq!(client.line("DBSIZE").integer(), 101);
    assert_eq!(client.line("GET after").to_string(), "\"3\"");
}

/// What a file system does that the system has remounted after errors of the disk.
#[test]
fn a_disk_that_becomes_read_only_and_comes_back_has_lost_nothing() {
    let faults = Faults::none();
    let flags = [EVERYSEC, &["--save", "3600 1000000"]].concat();
    let mut server = Server::start_with(Kind::Keytag, &flags, &faults);
    let mut client = server.connect();
    fill(&mut client);
    for error in [30, 13, 28, 5] {
        let calls = [
            "open", "write", "fsync", "truncate", "rename", "unlink", "mkdir",
        ];
        let rules: Vec<String> = calls
            .iter()
            .map(|call| format!("{call} {} {error}", server.dir().display()))
            .collect();
        faults.set(
            &(rules.join("\n")
                + &format!(
                    "\nopen temp- {error}\nopen appendonlydir {error}\nrename dump.rdb {error}"
                )),
        );
        assert_eq!(
            client.line(&format!("SET key:{error} new")).to_string(),
            "OK"
        );
        client.line("BGREWRITEAOF");
        wait_for(&server, "aof_last_write_status", "err");
        wait_for(&server, "aof_last_bgrewrite_status", "err");
        wait_until(&server, "a rewrite is under way", || {
            client.info_number("aof_rewrite_in_progress") == 0
        });
        client.line("BGSAVE SCHEDULE");
        wait_for(&server, "rdb_last_bgsave_status", "err");
        assert!(
            client
                .line("SET k v")
                .to_string()
                .starts_with("(error) MISCONF")
        );
        assert_eq!(client.line("GET key:7").to_string(), "\"7\"");
        assert_loads_something(&server);
        faults.clear();
        wait_for(&server, "aof_last_write_status", "ok");
        client.line("BGSAVE SCHEDULE");
        wait_for(&server, "rdb_last_bgsave_status", "ok");
        assert_eq!(
            client.line(&format!("SET back:{error} 1")).to_string(),
            "OK"
        );
        settle(&mut client);
        wait_for_rewrite(&server);
        assert_loads(&server, "after the disk has come back");
    }
    server.kill();
    server.start_again();
    assert_eq!(server.connect().line("DBSIZE").integer(), 104);
}

/// A start in the middle of it finds what had been written before.
fn assert_loads_something(server: &Server) {
    let copy = redis_on_copy(server);
    assert!(copy.connect().line("DBSIZE").integer() >= 100);
}
