//! `ACL LOG`.

use std::collections::BTreeMap;

use super::come_in;
use crate::support::{Client, Kind, Reply, Server, transcript};

/// The lines of the log, each by its fields.
fn lines(client: &mut Client, command: &str) -> Vec<BTreeMap<String, Reply>> {
    let log = client.line(command);
    let lines = log.items().iter().map(|line| {
        let pairs = line.items().chunks(2);
        pairs
            .map(|pair| (pair[0].text(), pair[1].clone()))
            .collect()
    });
    lines.collect()
}

fn shown(line: &BTreeMap<String, Reply>) -> String {
    let fields = [
        "count", "reason", "context", "object", "username", "entry-id",
    ];
    fields.map(|field| line[field].to_string()).join(" ")
}

#[test]
fn the_log_lists_what_was_not_allowed() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut admin = server.connect();
        admin.line("ACL SETUSER u on >pw ~k* +@all -flushall -config");
        let mut user = come_in(&server, "u");
        for line in [
            "FLUSHALL",
            "GET x",
            "config get a",
            "AuTh nobody y",
            "MGET k1 x y",
            "HELLO 3 AUTH nobody y",
            "FLUSHALL",
            "MULTI",
            "GET x",
            "EXEC",
            "AUTH nobody y",
            "AUTH nobody z",
        ] {
            user.line(line);
        }
        let log = lines(&mut admin, "ACL LOG");
        let seen: Vec<String> = log.iter().map(shown).collect();
        assert_eq!(
            seen,
            [
                r#"(integer) 2 "auth" "toplevel" "AUTH" "nobody" (integer) 6"#,
                r#"(integer) 1 "key" "multi" "x" "u" (integer) 5"#,
                r#"(integer) 2 "command" "toplevel" "flushall" "u" (integer) 0"#,
                r#"(integer) 1 "auth" "toplevel" "HELLO" "nobody" (integer) 4"#,
                r#"(integer) 2 "key" "toplevel" "x" "u" (integer) 1"#,
                r#"(integer) 1 "auth" "toplevel" "AuTh" "nobody" (integer) 3"#,
                r#"(integer) 1 "command" "toplevel" "config|get" "u" (integer) 2"#,
            ],
            "{kind:?}"
        );
        for line in &log {
            assert_eq!(line.len(), 10);
            let client = line["client-info"].text();
            assert!(
                client.contains(" user=u ") && client.contains(" cmd="),
                "{client}"
            );
            let (created, updated) = (&line["timestamp-created"], &line["timestamp-last-updated"]);
            assert!(created.integer() <= updated.integer());
            assert!(
                line["age-seconds"]
                    .text()
                    .parse::<f64>()
                    .is_ok_and(|age| age < 20.0)
            );
        }
        // The newest first, and no more than asked for.
        assert_eq!(lines(&mut admin, "ACL LOG 2").len(), 2);
        assert_eq!(lines(&mut admin, "ACL LOG 99").len(), 7);
        for none in ["ACL LOG 0", "ACL LOG -1"] {
            assert!(lines(&mut admin, none).is_empty(), "{kind:?} {none}");
        }
        assert_eq!(admin.line("ACL LOG reset").to_string(), "OK");
        assert!(lines(&mut admin, "ACL LOG").is_empty());
        user.line("FLUSHALL");
        let next = &lines(&mut admin, "ACL LOG")[0];
        assert_eq!(next["entry-id"].integer(), 7, "{kind:?}");
    }
}

#[test]
fn a_denial_at_exec_is_in_the_log() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut admin = server.connect();
        admin.line("ACL SETUSER u on >pw ~k* +@all");
        let mut user = come_in(&server, "u");
        for line in ["MULTI", "GET k1", "SET k2 v", "INCR k3"] {
            user.line(line);
        }
        admin.line("ACL SETUSER u resetkeys ~k1 -incr");
        user.line("EXEC");
        let seen: Vec<String> = lines(&mut admin, "ACL LOG").iter().map(shown).collect();
        assert_eq!(
            seen,
            [
                r#"(integer) 1 "command" "multi" "incr" "u" (integer) 1"#,
                r#"(integer) 1 "key" "multi" "k2" "u" (integer) 0"#,
            ],
            "{kind:?}"
        );
    }
}

#[test]
fn the_log_is_as_long_as_it_may_be() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &["--acllog-max-len", "3"]);
        let mut client = server.connect();
        for user in 0..5 {
            client.line(&format!("AUTH user{user} x"));
        }
        let users = |client: &mut Client| -> Vec<String> {
            let log = lines(client, "ACL LOG");
            log.iter().map(|line| line["username"].text()).collect()
        };
        assert_eq!(users(&mut client), ["user4", "user3", "user2"], "{kind:?}");
        // What is there stays until there is more.
        client.line("CONFIG SET acllog-max-len 1");
        assert_eq!(users(&mut client).len(), 3);
        client.line("AUTH user5 x");
        assert_eq!(users(&mut client), ["user5"]);
        client.line("CONFIG SET acllog-max-len 0");
        client.line("AUTH user6 x");
        assert!(users(&mut client).is_empty(), "{kind:?}");
    }
}

#[test]
fn only_the_newest_ten_are_looked_at_for_the_same() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        for user in (0..12).chain([2, 1]) {
            client.line(&format!("AUTH user{user} x"));
        }
        let seen: Vec<String> = lines(&mut client, "ACL LOG 99")
            .iter()
            .map(|line| format!("{} {}", line["username"].text(), line["count"].integer()))
            .collect();
        assert_eq!(
            seen[..4],
            ["user1 1", "user2 2", "user11 1", "user10 1"],
            "{kind:?}"
        );
        assert_eq!(seen.len(), 13);
    }
}

#[test]
fn the_log_takes_one_argument() {
    transcript(
        r#"
        > ACL LOG
        (empty array)
        > ACL LOG x
        (error) ERR value is not an integer or out of range
        > ACL LOG 9223372036854775808
        (error) ERR value is not an integer or out of range
        > ACL LOG 9223372036854775807
        (empty array)
        > ACL LOG 1 2
        (error) ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.
        > ACL LOG RESET x
        (error) ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.
        > ACL LOG reset
        OK
        "#,
    );
}
