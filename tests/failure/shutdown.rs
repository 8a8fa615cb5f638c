//! When the disk fails at the end.

use nix::sys::signal::Signal;

use super::{EVERYSEC, alike, complaints, say, wait_for};
use crate::snapshot::wait_until;
use crate::support::{Faults, Kind, Server};

/// Redis goes, without what it has acknowledged.
#[test]
fn a_log_that_cannot_be_written_keeps_the_server_from_leaving() {
    for rule in ["write incr.aof 28", "fsync incr.aof 5"] {
        let faults = Faults::none();
        let mut server = Server::start_with(Kind::Keytag, EVERYSEC, &faults);
        let mut client = server.connect();
        faults.set(rule);
        assert_eq!(client.line("SET k 1").to_string(), "OK");
        wait_for(&server, "aof_last_write_status", "err");
        let refused = "(error) ERR Errors trying to SHUTDOWN. Check logs.";
        assert_eq!(client.line("SHUTDOWN").to_string(), refused, "{rule}");
        server.signal(Signal::SIGTERM);
        let end = "The append only file could not be written to its end, can't exit.";
        wait_until(&server, "it says nothing", || {
            server.log().matches(end).count() == 2
        });
        assert_eq!(client.line("GET k").to_string(), "\"1\"");
        faults.clear();
        wait_for(&server, "aof_last_write_status", "ok");
        assert_eq!(client.line("SET other 2").to_string(), "OK");
        super::wait_for_rewrite(&server);
        assert!(server.terminate().success());
        server.start_again();
        assert_eq!(
            server.connect().line("MGET k other").to_string(),
            "1) \"1\"\n2) \"2\""
        );
    }
}

#[test]
fn who_wants_it_to_leave_all_the_same_can_have_that() {
    for how in [
        "SHUTDOWN FORCE",
        "SHUTDOWN NOSAVE",
        "SHUTDOWN NOSAVE FORCE NOW",
    ] {
        alike(|kind, faults| {
            let mut server = Server::start_with(kind, EVERYSEC, faults);
            let mut client = server.connect();
            faults.set("write incr.aof 28");
            let mut replies = say(&mut client, &["SET k 1"]);
            wait_for(&server, "aof_last_write_status", "err");
            client.send(&how.split(' ').collect::<Vec<_>>());
            replies.push(format!("{:?} {}", server.wait(), client.is_closed()));
            faults.clear();
            server.start_again();
            replies.extend(say(&mut server.connect(), &["DBSIZE"]));
            replies
        });
    }
}

#[test]
fn the_last_snapshot_keeps_the_server_from_leaving() {
    alike(|kind, faults| {
        let mut server = Server::start_with(kind, &["--save", "3600 1"], faults);
        let mut client = server.connect();
        let mut replies = say(&mut client, &["SET k 1"]);
        let start = server.log().len();
        faults.set("write temp- 28");
        replies.extend(say(
            &mut client,
            &["SHUTDOWN", "SET k 2", "SHUTDOWN SAVE", "GET k"],
        ));
        replies.extend(
            complaints(&server, start)
                .into_iter()
                .filter(|it| !it.contains("shutdown")),
        );
        faults.clear();
        replies.push(format!("{:?}", server.terminate()));
        server.start_again();
        replies.extend(say(&mut server.connect(), &["GET k"]));
        replies
    });
}

/// Until the first rewrite is done there is nothing on disk.
#[test]
fn a_log_that_is_just_turned_on_keeps_the_server_from_leaving() {
    alike(|kind, faults| {
        let mut server = Server::start_with(kind, &["--rdb-key-save-delay", "30000"], faults);
        let mut client = server.connect();
        client.line("EVAL \"for i=1,20 do redis.call('SET','key:'..i,i) end\" 0");
        let start = server.log().len();
        let mut replies = say(&mut client, &["CONFIG SET appendonly yes"]);
        wait_for(&server, "aof_rewrite_in_progress", "1");
        replies.extend(say(&mut client, &["SHUTDOWN", "SHUTDOWN NOSAVE", "DBSIZE"]));
        let said = complaints(&server, start).into_iter();
        replies.extend(said.filter(|it| it.contains("can't exit")));
        super::wait_for_rewrite(&server);
        replies.push(format!("{:?}", server.terminate()));
        replies
    });
}
