//! Snapshots that nobody asks for: at `save` points and at the end.

use super::wait_until;
use crate::support::{Kind, Server};

/// What Redis finds under a key in the file that a server has left.
fn found_by_redis(server: &Server, key: &str) -> String {
    let oracle = Server::start_on(Kind::Oracle, &[], |own| {
        std::fs::copy(server.dir().join("dump.rdb"), own.join("dump.rdb")).expect("a file");
    });
    oracle.connect().call(&["GET", key]).to_string()
}

fn has_file(server: &Server) -> bool {
    server.dir().join("dump.rdb").exists()
}

#[test]
fn a_save_point_begins_one() {
    let server = Server::keytag(&["--save", "1 3"]);
    let mut client = server.connect();
    client.line("MSET a 1 b 2");
    client.line("SET c 3");
    wait_until(&server, "no snapshot is written", || has_file(&server));
    wait_until(&server, "changes stay", || {
        client.info_number("rdb_changes_since_last_save") == 0
    });
    assert!(server.log().contains("3 changes in 1 seconds. Saving..."));
}

#[test]
fn the_end_writes_one_where_there_are_save_points() {
    let mut server = Server::keytag(&["--save", "3600 1000"]);
    server.connect().line("SET k v");
    assert!(server.terminate().success());
    assert_eq!(found_by_redis(&server, "k"), "\"v\"");
    assert!(
        server
            .log()
            .contains("Saving the final RDB snapshot before exiting.")
    );
}

#[test]
fn the_end_writes_one_only_if_it_is_wanted() {
    for (flags, line, is_written) in [
        (&[][..], "SHUTDOWN", false),
        (&[], "SHUTDOWN SAVE", true),
        (&["--save", "3600 1"], "SHUTDOWN NOSAVE", false),
        (&["--save", "3600 1"], "SHUTDOWN", true),
        (&["--save", "3600 1"], "SHUTDOWN SAVE NOW FORCE", true),
    ] {
        let mut server = Server::keytag(flags);
        let mut client = server.connect();
        client.line("SET k v");
        client.send(&line.split(' ').collect::<Vec<&str>>());
        assert!(client.is_closed(), "{line} is not answered");
        assert!(server.wait().success());
        assert_eq!(has_file(&server), is_written, "{line}");
    }
    for (flag, is_written) in [("save", true), ("nosave", false)] {
        let mut server = Server::keytag(&["--save", "3600 1", "--shutdown-on-sigterm", flag]);
        server.connect().line("SET k v");
        assert!(server.terminate().success());
        assert_eq!(has_file(&server), is_written, "{flag}");
    }
}

#[test]
fn a_server_that_cannot_save_goes_on_unless_it_is_forced() {
    let flags = ["--save", "3600 1", "--stop-writes-on-bgsave-error", "no"];
    let mut server = Server::keytag(&flags);
    let mut client = server.connect();
    client.line("SET k v");
    std::fs::create_dir_all(server.dir().join("dump.rdb/x")).expect("a directory");
    let refused = "(error) ERR Errors trying to SHUTDOWN. Check logs.";
    assert_eq!(client.line("SHUTDOWN").to_string(), refused);
    assert_eq!(client.line("SET k w").to_string(), "OK");
    assert_eq!(client.line("SHUTDOWN SAVE").to_string(), refused);
    client.send(&["SHUTDOWN", "FORCE"]);
    assert!(client.is_closed());
    assert!(server.wait().success());
}

#[test]
fn the_end_does_not_wait_for_a_snapshot_in_the_background() {
    let mut server = Server::keytag(&["--save", "3600 1", "--rdb-key-save-delay", "1000000"]);
    let mut client = server.connect();
    client.line("EVAL \"for i=1,100 do redis.call('SET','k'..i,i) end\" 0");
    client.line("BGSAVE");
    client.line("SET k1 new");
    assert!(server.terminate().success());
    assert!(
        server
            .log()
            .contains("There is a child saving an .rdb. Killing it!")
    );
    assert_eq!(found_by_redis(&server, "k1"), "\"new\"");
}

/// What a script has written is saved, however long it runs; who does not want that says so.
#[test]
fn the_end_waits_for_a_script_unless_nothing_is_to_be_saved() {
    let flags = ["--save", "3600 1", "--busy-reply-threshold", "10"];
    let mut server = Server::keytag(&flags);
    let mut client = server.connect();
    client.send(&[
        "EVAL",
        "for i=1,200000 do redis.call('GET','k') end redis.call('SET','k','v')",
        "0",
    ]);
    let mut other = server.connect();
    wait_until(&server, "the script is not slow", || {
        other.line("PING").to_string().starts_with("(error) BUSY")
    });
    assert!(server.terminate().success());
    assert_eq!(found_by_redis(&server, "k"), "\"v\"");

    std::fs::remove_file(server.dir().join("dump.rdb")).expect("it is there");
    server.start_again();
    server.connect().send(&["EVAL", "while true do end", "0"]);
    let mut other = server.connect();
    wait_until(&server, "the script is not slow", || {
        other.line("PING").to_string().starts_with("(error) BUSY")
    });
    other.send(&["SHUTDOWN", "NOSAVE"]);
    assert!(server.wait().success());
    assert!(!has_file(&server));
}

#[test]
fn flushall_leaves_an_empty_snapshot() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &["--save", "3600 1"]);
        let mut client = server.connect();
        client.line("SET k v");
        client.line("SAVE");
        assert_eq!(client.line("FLUSHALL").to_string(), "OK");
        assert_eq!(found_by_redis(&server, "k"), "(nil)");
    }
}
