//! When the disk does not take it.

use std::path::PathBuf;

use super::{fields, wait_for_background, wait_until};
use crate::support::{Client, Kind, Server};

const FLAGS: &[&str] = &["--save", "3600 1", "--enable-protected-configs", "yes"];

/// Lets the working directory be one that is gone.
fn lose_directory(server: &Server, client: &mut Client) -> PathBuf {
    let gone = server.dir().join("gone");
    std::fs::create_dir(&gone).expect("a directory");
    let set = format!("CONFIG SET dir {}", gone.display());
    assert_eq!(client.line(&set).to_string(), "OK");
    std::fs::remove_dir(&gone).expect("it is empty");
    server.dir()
}

#[test]
fn writes_are_refused_until_a_snapshot_succeeds() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, FLAGS);
        let mut client = server.connect();
        let mut replies = vec![client.line("SET k v").to_string()];
        let dir = lose_directory(&server, &mut client);
        // A client who waits is told; nobody else has to suffer for it.
        for line in ["SAVE", "SET k v"] {
            replies.push(client.line(line).to_string());
        }
        replies.extend(fields(
            &mut client,
            &["rdb_last_bgsave_status", "rdb_saves"],
        ));
        replies.push(client.line("BGSAVE").to_string());
        wait_for_background(&server, &mut client);
        for line in [
            "SET k v",
            "PING",
            "GET k",
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
            "SHUTDOWN",
            "SHUTDOWN SAVE",
            "CONFIG SET save \"\"",
            "SET k v",
            "CONFIG SET save \"3600 1\"",
            "SET k v",
            "CONFIG SET stop-writes-on-bgsave-error no",
            "SET k v",
            "CONFIG SET stop-writes-on-bgsave-error yes",
            "SET k v",
        ] {
            replies.push(format!("{line}: {}", client.line(line)));
        }
        let names = [
            "rdb_last_bgsave_status",
            "rdb_saves",
            "rdb_changes_since_last_save",
        ];
        replies.extend(fields(&mut client, &names));
        client.line(&format!("CONFIG SET dir {}", dir.display()));
        for line in ["SAVE", "SET k v"] {
            replies.push(client.line(line).to_string());
        }
        replies.extend(fields(&mut client, &names));
        replies
    });
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn a_failure_is_in_the_log_and_leaves_nothing() {
    let server = Server::keytag(FLAGS);
    let mut client = server.connect();
    client.line("SET k v");
    // A directory that is not empty stands where the file belongs.
    std::fs::create_dir(server.dir().join("dump.rdb")).expect("a directory");
    std::fs::write(server.dir().join("dump.rdb/x"), "").expect("a file");
    assert_eq!(client.line("SAVE").to_string(), "(error) ERR");
    client.line("BGSAVE");
    wait_for_background(&server, &mut client);
    let log = server.log();
    assert!(log.contains("Error moving temp DB file temp-"), "{log}");
    assert!(log.contains("Background saving error"), "{log}");
    let names = std::fs::read_dir(server.dir()).expect("readable");
    assert_eq!(names.count(), 1);
}

#[test]
fn a_save_point_tries_again_and_then_all_is_well() {
    let server = Server::keytag(&["--save", "1 1", "--enable-protected-configs", "yes"]);
    let mut client = server.connect();
    let dir = lose_directory(&server, &mut client);
    client.line("SET k v");
    wait_until(&server, "it is not tried", || {
        client.info("rdb_last_bgsave_status").as_deref() == Some("err")
    });
    client.line(&format!("CONFIG SET dir {}", dir.display()));
    wait_until(&server, "it is not tried again", || {
        client.info("rdb_last_bgsave_status").as_deref() == Some("ok")
    });
    assert_eq!(client.line("SET k v").to_string(), "OK");
    assert!(server.log().contains("1 changes in 1 seconds. Saving..."));
}
