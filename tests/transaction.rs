//! Transactions.

use std::time::{Duration, Instant};

use crate::support::logged::{self, LATER, logged_alike};
use crate::support::{Client, Kind, Reply, Server, keyspace, transcript, words};

#[test]
fn exec_answers_all_at_once() {
    transcript(
        r#"
        > MULTI
        OK
        > SET k 1
        QUEUED
        > INCR k
        QUEUED
        > GET k
        QUEUED
        > PING
        QUEUED
        > EXEC
        1) OK
        2) (integer) 2
        3) "2"
        4) PONG
        > GET k
        "2"
        "#,
    );
}

#[test]
fn exec_goes_on_after_an_error() {
    transcript(
        r#"
        > SET t text
        OK
        > MULTI
        OK
        > INCR t
        QUEUED
        > SET k v
        QUEUED
        > GET none
        QUEUED
        > EXEC
        1) (error) ERR value is not an integer or out of range
        2) OK
        3) (nil)
        > GET k
        "v"
        "#,
    );
}

#[test]
fn a_refused_command_spoils_the_transaction() {
    transcript(
        r#"
        > MULTI
        OK
        > SET k v
        QUEUED
        > SET k
        (error) ERR wrong number of arguments for 'set' command
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > EXISTS k
        (integer) 0
        > MULTI
        OK
        > NOSUCH
        (error) ERR unknown command 'NOSUCH', with args beginning with:
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > MULTI
        OK
        > CLIENT NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        "#,
    );
}

#[test]
fn discard_forgets() {
    transcript(
        r#"
        > SET k old
        OK
        > MULTI
        OK
        > SET k new
        QUEUED
        > DISCARD
        OK
        > GET k
        "old"
        > DISCARD
        (error) ERR DISCARD without MULTI
        > EXEC
        (error) ERR EXEC without MULTI
        "#,
    );
}

#[test]
fn multi_does_not_nest() {
    transcript(
        r#"
        > MULTI
        OK
        > MULTI
        (error) ERR MULTI calls can not be nested
        > WATCH k
        (error) ERR WATCH inside MULTI is not allowed
        > SET k v
        QUEUED
        > EXEC
        1) OK
        > MULTI
        OK
        > EXEC
        (empty array)
        > MULTI x
        (error) ERR wrong number of arguments for 'multi' command
        > EXEC x
        (error) EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
        > DISCARD x
        (error) ERR wrong number of arguments for 'discard' command
        "#,
    );
}

#[test]
fn a_watched_key_that_changed_aborts() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> SET k 2
        OK
        > MULTI
        OK
        > SET k 3
        QUEUED
        > EXEC
        (nil)
        > GET k
        "2"
        > WATCH k
        OK
        > MULTI
        OK
        > SET k 4
        QUEUED
        > EXEC
        1) OK
        > GET k
        "4"
        "#,
    );
}

#[test]
fn a_watched_key_that_was_set_to_the_same_value_aborts() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> SET k 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        "#,
    );
}

#[test]
fn own_changes_abort_too() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        > SET k 2
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        "#,
    );
}

#[test]
fn watched_keys_are_forgotten() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> SET k 2
        OK
        > UNWATCH
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH k
        OK
        2> SET k 3
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > DISCARD
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn what_does_not_change_a_key_does_not_abort() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k none
        OK
        2> GET k
        "1"
        2> DEL none
        (integer) 0
        2> EXPIRE none 100
        (integer) 0
        2> SET k 2 NX
        (nil)
        2> SELECT 1
        OK
        2> SET k other
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn expire_del_rename_and_flush_abort() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> EXPIRE k 100
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH k
        OK
        2> DEL k
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH k
        OK
        2> SET other 1
        OK
        2> RENAME other k
        OK
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH k
        OK
        2> FLUSHDB
        OK
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH k
        OK
        2> FLUSHALL
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > SET k 1
        OK
        > WATCH k
        OK
        2> FLUSHALL
        OK
        > MULTI
        OK
        > EXEC
        (nil)
        "#,
    );
}

#[test]
fn swapdb_aborts_if_the_key_differs() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH none
        OK
        2> SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn a_watch_is_for_one_database() {
    transcript(
        r#"
        > WATCH k
        OK
        > SELECT 1
        OK
        > WATCH j
        OK
        > SELECT 0
        OK
        2> SELECT 1
        OK
        2> SET k 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH k
        OK
        2> SET j 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn select_inside_a_transaction_stays() {
    transcript(
        r#"
        > MULTI
        OK
        > SELECT 2
        QUEUED
        > SET k v
        QUEUED
        > EXEC
        1) OK
        2) OK
        > GET k
        "v"
        > SELECT 0
        OK
        > GET k
        (nil)
        "#,
    );
}

#[test]
fn commands_that_are_not_for_transactions() {
    transcript(
        r#"
        > WATCH
        (error) ERR wrong number of arguments for 'watch' command
        > MULTI
        OK
        > WATCH a
        (error) ERR WATCH inside MULTI is not allowed
        > EXEC
        (empty array)
        > UNWATCH x
        (error) ERR wrong number of arguments for 'unwatch' command
        "#,
    );
}

#[test]
fn a_refused_exec_ends_the_transaction() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        > MULTI
        OK
        > SET k 2
        QUEUED
        > EXEC x
        (error) EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
        > EXEC
        (error) ERR EXEC without MULTI
        2> SET k 3
        OK
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        1) "3"
        "#,
    );
}

#[test]
fn a_wrong_watch_unwatch_discard_or_multi_spoils_the_transaction() {
    for wrong in [
        "WATCH",
        "UNWATCH x",
        "DISCARD x",
        "MULTI x",
        "OBJECT FOO",
        "SHUTDOWN FOO",
    ] {
        let server = Server::keytag(&[]);
        let oracle = Server::start(Kind::Oracle, &[]);
        for mut client in [server.connect(), oracle.connect()] {
            let replies = client.pipeline(&["MULTI", wrong, "SET k v", "EXEC", "EXISTS k"]);
            assert!(replies[1].is_error(), "{wrong}: {}", replies[1]);
            assert_eq!(replies[2].to_string(), "QUEUED");
            let aborted = "(error) EXECABORT Transaction discarded because of previous errors.";
            assert_eq!(replies[3].to_string(), aborted);
            assert_eq!(replies[4].integer(), 0);
        }
    }
}

#[test]
fn memory_is_asked_for_when_queueing_and_when_executing() {
    transcript(
        r#"
        # no-reload
        > MULTI
        OK
        > SET k v
        QUEUED
        2> CONFIG SET maxmemory 1
        OK
        > EXEC
        (error) EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.
        > EXEC
        (error) ERR EXEC without MULTI
        > MULTI
        OK
        > PING
        QUEUED
        > GET k
        QUEUED
        > UNWATCH
        QUEUED
        > EXEC
        1) PONG
        2) (nil)
        3) OK
        > MULTI
        OK
        > SET k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > PING
        QUEUED
        2> CONFIG SET maxmemory 0
        OK
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn discard_without_multi_forgets_nothing() {
    transcript(
        r#"
        > WATCH k
        OK
        > DISCARD
        (error) ERR DISCARD without MULTI
        2> SET k v
        OK
        > MULTI
        OK
        > EXEC
        (nil)
        "#,
    );
}

#[test]
fn unwatch_inside_a_transaction_comes_too_late() {
    transcript(
        r#"
        > WATCH k
        OK
        > MULTI
        OK
        > UNWATCH
        QUEUED
        2> SET k v
        OK
        > EXEC
        (nil)
        > MULTI
        OK
        > UNWATCH
        QUEUED
        > EXEC
        1) OK
        "#,
    );
}

#[test]
fn a_spoiled_transaction_says_so_even_if_a_key_has_changed() {
    transcript(
        r#"
        > WATCH k
        OK
        > MULTI
        OK
        > NOSUCH
        (error) ERR unknown command 'NOSUCH', with args beginning with:
        2> SET k v
        OK
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        "#,
    );
}

#[test]
fn copy_move_and_a_time_in_the_past_abort() {
    transcript(
        r#"
        > MSET a 1 b 2
        OK
        > WATCH b
        OK
        2> COPY a b
        (integer) 0
        > MULTI
        OK
        > EXEC
        (empty array)
        > WATCH b
        OK
        2> COPY a b REPLACE
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH a
        OK
        2> COPY a c
        (integer) 1
        2> RENAME a a
        OK
        2> GETEX a PERSIST
        "1"
        2> PERSIST a
        (integer) 0
        2> TOUCH a
        (integer) 1
        2> SWAPDB 0 0
        OK
        > MULTI
        OK
        > EXEC
        (empty array)
        > WATCH a
        OK
        2> MOVE a 1
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH b
        OK
        2> EXPIRE b -1
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH c
        OK
        2> EXPIRE c 100
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH c
        OK
        2> PERSIST c
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH c
        OK
        2> RENAME c d
        OK
        > MULTI
        OK
        > EXEC
        (nil)
        "#,
    );
}

#[test]
fn reset_ends_the_transaction_and_the_watch() {
    transcript(
        r#"
        # resp2-only
        > SELECT 1
        OK
        > WATCH k
        OK
        > MULTI
        OK
        > SET k v
        QUEUED
        > RESET
        RESET
        > EXEC
        (error) ERR EXEC without MULTI
        > SELECT 1
        OK
        2> SELECT 1
        OK
        2> SET k w
        OK
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        1) "w"
        "#,
    );
}

#[test]
fn nothing_blocks_inside_a_transaction() {
    transcript(
        r#"
        # flags --appendonly yes --appendfsync always
        > MULTI
        OK
        > WAIT 1 0
        QUEUED
        > SET k v
        QUEUED
        > WAITAOF 1 1 0
        QUEUED
        > WAITAOF 0 1 0
        QUEUED
        > EXEC
        1) (integer) 0
        2) OK
        3) 1) (integer) 1
           2) (integer) 0
        4) 1) (integer) 1
           2) (integer) 0
        > WAITAOF 1 0 0
        1) (integer) 1
        2) (integer) 0
        > WAITAOF 1 1 10
        1) (integer) 1
        2) (integer) 0
        "#,
    );
}

#[test]
fn exec_is_an_error_for_who_is_not_let_in() {
    let server = Server::keytag(&["--requirepass", "secret"]);
    let oracle = Server::start(Kind::Oracle, &["--requirepass", "secret"]);
    for mut client in [server.connect(), oracle.connect()] {
        let refused =
            "(error) EXECABORT Transaction discarded because of: NOAUTH Authentication required.";
        assert_eq!(client.line("EXEC").to_string(), refused);
        assert_eq!(
            client.line("MULTI").to_string(),
            "(error) NOAUTH Authentication required."
        );
    }
}

/// Whether EXEC answers with replies after `lines`, asked of Keytag and of Redis. Keys expire only when
/// somebody looks.
fn executes(lines: &[&str]) -> bool {
    let lines = [
        &["DEBUG SET-ACTIVE-EXPIRE 0"],
        lines,
        &["MULTI", "PING", "EXEC", "FLUSHALL"],
    ]
    .concat();
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--enable-debug-command", "yes"]);
        let replies = logged::say(&server, &lines);
        replies[replies.len() - 2].clone()
    });
    assert_eq!(ours, theirs, "{lines:?}");
    ours == "1) PONG"
}

/// Watches a key and gives how many milliseconds it has still to live then: as many as are surely enough on this
/// machine for the key to be there when it is watched.
fn watch_while_it_lives(client: &mut Client, watched: &str) -> i64 {
    let mut life_ms = 20;
    loop {
        let set_ms = keyspace::now_ms(client);
        client.line(&format!("SET k v PX {life_ms}"));
        client.line(&format!("WATCH {watched}"));
        if keyspace::now_ms(client) < set_ms + life_ms {
            return life_ms;
        }
        client.line("UNWATCH");
        life_ms *= 2;
    }
}

/// Whether EXEC answers with replies if the key has run out since and another client has said `line` then.
fn executes_after_it_ran_out(watched: &str, line: Option<&str>) -> bool {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--enable-debug-command", "yes"]);
        let (mut client, mut other) = (server.connect(), server.connect());
        client.line("DEBUG SET-ACTIVE-EXPIRE 0");
        let life_ms = watch_while_it_lives(&mut client, watched);
        let dead_ms = keyspace::now_ms(&mut client) + life_ms;
        while keyspace::now_ms(&mut client) <= dead_ms {}
        if let Some(line) = line {
            other.line(line);
        }
        client.line("MULTI");
        client.line("PING");
        client.line("EXEC").to_string()
    });
    assert_eq!(ours, theirs, "{watched}, {line:?}");
    ours == "1) PONG"
}

#[test]
fn a_key_that_runs_out_while_it_is_watched_aborts() {
    for line in [
        None,
        Some("GET k"),
        Some("FLUSHALL"),
        Some("SET k w"),
        Some("DEL k"),
    ] {
        assert!(!executes_after_it_ran_out("k", line), "{line:?}");
        assert!(executes_after_it_ran_out("j", line), "{line:?}");
    }
}

#[test]
fn a_key_that_had_run_out_before_it_was_watched_may_go() {
    assert!(executes(&["SET k v PX 1", LATER, "WATCH k"]));
    assert!(executes(&["SET k v PX 1", LATER, "WATCH k", "2> GET k"]));
    assert!(executes(&["SET k v PX 1", LATER, "WATCH k", "2> DEL k"]));
    assert!(executes(&["SET k v PX 1", LATER, "WATCH k", "2> FLUSHALL"]));
    assert!(executes(&[
        "SET k v PX 1",
        LATER,
        "WATCH k",
        "2> SWAPDB 0 1"
    ]));
    assert!(!executes(&["SET k v PX 1", LATER, "WATCH k", "2> SET k w"]));
    assert!(!executes(&[
        "SET k v PX 1",
        LATER,
        "WATCH k",
        "2> GET k",
        "2> SET k w"
    ]));
    assert!(!executes(&[
        "SET k v PX 1",
        LATER,
        "WATCH k",
        "2> FLUSHALL",
        "2> SET k w"
    ]));
}

#[test]
fn swapdb_may_bring_a_key_that_has_run_out() {
    let gone = ["2> SELECT 1", "2> SET k v PX 1", LATER, "2> SELECT 0"];
    assert!(executes(
        &[&gone[..], &["WATCH k", "2> SWAPDB 0 1"]].concat()
    ));
    assert!(executes(
        &[&gone[..], &["WATCH k", "2> SWAPDB 0 1", "2> GET k"]].concat()
    ));
    assert!(!executes(
        &[&gone[..], &["WATCH k", "2> SWAPDB 0 1", "2> SET k w"]].concat()
    ));
    assert!(!executes(
        &[&gone[..], &["SET k w", "WATCH k", "2> SWAPDB 0 1"]].concat()
    ));
    let both = [
        "SET k v PX 1",
        "2> SELECT 1",
        "2> SET k v PX 1",
        LATER,
        "2> SELECT 0",
        "WATCH k",
    ];
    assert!(executes(&[&both[..], &["2> SWAPDB 0 1"]].concat()));
    let live = [
        "SET k v PX 1",
        "2> SELECT 1",
        "2> SET k w",
        LATER,
        "2> SELECT 0",
        "WATCH k",
    ];
    assert!(!executes(&[&live[..], &["2> SWAPDB 0 1"]].concat()));
}

#[test]
fn a_key_that_expires_by_itself_aborts() {
    let server = Server::keytag(&[]);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.pipeline(&["SET k v PX 20", "WATCH k"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while other.info_number("expired_keys") == 0 {
        assert!(Instant::now() < deadline, "nothing expires");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(client.pipeline(&["MULTI", "PING", "EXEC"])[2], Reply::Nil);
}

#[test]
fn eviction_and_invalidated_tags_abort() {
    let server = Server::keytag(&["--maxmemory-policy", "allkeys-lru"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.pipeline(&["SET k v TAGS 1 t", "WATCH k"]);
    assert_eq!(other.line("TAGINVALIDATE t").integer(), 1);
    assert_eq!(client.pipeline(&["MULTI", "PING", "EXEC"])[2], Reply::Nil);
    client.pipeline(&["SET k v TAGS 1 t", "WATCH k", "MULTI"]);
    other.line("TAGINVALIDATE other");
    assert_ne!(client.line("EXEC"), Reply::Nil);
    client.pipeline(&["SET k v", "WATCH k"]);
    other.pipeline(&["CONFIG SET maxmemory 1", "GET none"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while other.line("DBSIZE").integer() > 0 {
        assert!(Instant::now() < deadline, "nothing is evicted");
    }
    assert_eq!(client.pipeline(&["MULTI", "PING", "EXEC"])[2], Reply::Nil);
}

#[test]
fn a_broken_watch_is_nil_in_both_protocols() {
    let server = Server::keytag(&[]);
    for (mut client, nil) in [
        (server.connect(), "*-1\r\n"),
        (server.connect_resp3(), "_\r\n"),
    ] {
        client.pipeline(&["WATCH k", "SET k v", "MULTI", "PING"]);
        client.send(&["EXEC"]);
        assert_eq!(client.receive(), nil.as_bytes());
    }
}

#[test]
fn hello_inside_a_transaction_changes_the_protocol_on_the_way() {
    let server = Server::keytag(&[]);
    let oracle = Server::start(Kind::Oracle, &[]);
    let [ours, theirs] = [&server, &oracle].map(|server| {
        let mut client = server.connect();
        client.pipeline(&[
            "MULTI", "GET none", "HELLO 3", "GET none", "HELLO 2", "GET none",
        ]);
        let exec = client.line("EXEC");
        let kinds = [1, 3].map(|at| matches!(exec.items()[at], Reply::Map(_)));
        (
            kinds,
            exec.items()[0].clone(),
            exec.items()[2].clone(),
            client.line("GET none"),
        )
    });
    assert_eq!(ours, theirs);
    assert_eq!(ours.0, [true, false]);
}

#[test]
fn client_reply_inside_a_transaction_silences_what_follows() {
    let server = Server::keytag(&[]);
    let oracle = Server::start(Kind::Oracle, &[]);
    let lines = [
        &[
            "MULTI",
            "SET k v",
            "CLIENT REPLY OFF",
            "GET k",
            "CLIENT REPLY ON",
            "GET k",
            "EXEC",
            "PING",
            "PING",
        ][..],
        &[
            "MULTI",
            "SET k v",
            "CLIENT REPLY SKIP",
            "GET k",
            "EXEC",
            "PING",
            "ECHO a",
            "ECHO b",
        ],
        &[
            "CLIENT REPLY OFF",
            "MULTI",
            "GET k",
            "CLIENT REPLY ON",
            "GET k",
            "EXEC",
            "ECHO c",
        ],
        &[
            "CLIENT REPLY SKIP",
            "MULTI",
            "CLIENT REPLY SKIP",
            "PING",
            "EXEC",
            "ECHO d",
            "ECHO e",
        ],
        &[
            "MULTI",
            "CLIENT REPLY OFF",
            "PING",
            "EXEC",
            "PING",
            "CLIENT REPLY ON",
            "ECHO f",
        ],
    ];
    for lines in lines {
        let [ours, theirs] = [&server, &oracle].map(|server| {
            let mut client = server.connect();
            client.send_raw(
                &lines
                    .iter()
                    .flat_map(|line| words::encode(&words::split(line)))
                    .collect::<Vec<u8>>(),
            );
            client.send(&["QUIT"]);
            client.receive_to_end().expect("closed after QUIT")
        });
        assert_eq!(words::quote(&ours), words::quote(&theirs), "{lines:?}");
    }
}

#[test]
fn the_transaction_shows_in_client_info() {
    let server = Server::keytag(&[]);
    let oracle = Server::start(Kind::Oracle, &[]);
    let [ours, theirs] = [&server, &oracle].map(|server| {
        let mut client = server.connect();
        client.pipeline(&["WATCH a b a", "MULTI", "GET a", "CLIENT INFO"]);
        let inside = client.line("EXEC").items()[1].text();
        let after = client.line("CLIENT INFO").text();
        client.pipeline(&["MULTI", "GET a", "GET"]);
        let mut other = server.connect();
        let list = other.line("CLIENT LIST").text();
        let doomed = list
            .lines()
            .find(|line| line.contains(" cmd=get "))
            .expect("listed")
            .to_owned();
        [inside, after, doomed].map(|line| {
            let kept = ["flags=", "db=", "multi=", "watch="];
            let fields = line
                .split(' ')
                .filter(|field| kept.iter().any(|name| field.starts_with(name)));
            fields.collect::<Vec<_>>().join(" ")
        })
    });
    assert_eq!(ours, theirs);
}

#[test]
fn every_call_is_counted_once() {
    let lines = [
        "CONFIG RESETSTAT",
        "MULTI",
        "SET k x",
        "INCR k",
        "EXEC",
        "MULTI",
        "SET k",
        "GET k",
        "EXEC",
        "WATCH k",
        "2> SET k 5",
        "MULTI",
        "GET k",
        "EXEC",
        "MULTI",
        "GET k",
        "DISCARD",
        "EXEC",
        "EXEC x",
        "DISCARD",
        "NOSUCH",
        "OBJECT NOSUCH",
        "OBJECT",
        "MULTI",
        "WATCH k",
        "MULTI",
        "EXEC",
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        logged::say(&server, &lines);
        let mut client = server.connect();
        let text = ["commandstats", "errorstats"]
            .map(|part| client.line(&format!("INFO {part}")).text())
            .concat();
        let mut stats: Vec<String> = text.lines().map(untimed).collect();
        stats.sort();
        stats
    });
    assert_eq!(ours, theirs);
    assert!(
        ours.contains(&"cmdstat_exec:calls=5,rejected_calls=1,failed_calls=2".to_owned()),
        "{ours:#?}"
    );
}

/// A line of `INFO commandstats` without its times.
fn untimed(line: &str) -> String {
    let fields = line.split(',').filter(|field| !field.starts_with("usec"));
    fields.collect::<Vec<_>>().join(",")
}

#[test]
fn the_slow_log_has_the_commands_and_not_exec() {
    let lines = [
        "CONFIG SET slowlog-log-slower-than 0",
        "SLOWLOG RESET",
        "MULTI",
        "SET k v",
        "GET k",
        "EXEC",
        "EXEC",
        "CONFIG SET slowlog-log-slower-than -1",
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        logged::say(&server, &lines);
        let slow = server.connect().line("SLOWLOG GET -1");
        slow.items()
            .iter()
            .map(|entry| entry.items()[3].to_string())
            .collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
}

#[test]
fn monitors_see_commands_when_they_have_run() {
    let lines = [
        "WATCH k",
        "MULTI",
        "SET k v",
        "SELECT 3",
        "GET k",
        "OBJECT HELP",
        "EXEC",
        "SELECT 0",
        "MULTI",
        "GET k",
        "DISCARD",
        "NOSUCH",
        "GET",
        "EXEC",
        "MULTI",
        "NOSUCH",
        "EXEC",
        "WATCH k",
        "SET k w",
        "MULTI",
        "GET k",
        "EXEC",
        "UNWATCH",
        "EXEC x",
        "ECHO end",
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut monitor = server.connect();
        assert_eq!(monitor.line("MONITOR").to_string(), "OK");
        logged::say(&server, &lines);
        let mut seen = Vec::new();
        while seen
            .last()
            .is_none_or(|last: &String| !last.ends_with("\"end\""))
        {
            let line = monitor.reply().text();
            // The time and the client's port vary.
            let (head, words) = line.split_once("] ").expect("[db address]");
            let db = head
                .split(['[', ' '])
                .nth(2)
                .expect("a database")
                .to_owned();
            seen.push(format!("[{db}] {words}"));
        }
        seen
    });
    assert_eq!(ours, theirs);
    assert!(ours.contains(&"[3] \"EXEC\"".to_owned()), "{ours:#?}");
}

/// A transaction is one in the log as well, if more than one of its commands has changed something.
#[test]
fn the_log_groups_what_belongs_together() {
    logged_alike(
        &[
            "SET a 1",
            "MULTI",
            "GET a",
            "EXEC",
            "MULTI",
            "SET a 2",
            "EXEC",
            "MULTI",
            "SET a 3",
            "GET a",
            "EXEC",
            "MULTI",
            "SET a 4",
            "SET b 5",
            "EXEC",
            "MULTI",
            "SELECT 1",
            "SET c 1",
            "SELECT 0",
            "EXEC",
            "MULTI",
            "SELECT 1",
            "SET c 1",
            "SELECT 0",
            "SET d 1",
            "EXEC",
            "SET e 1",
            "MULTI",
            "SELECT 2",
            "SET f 1",
            "SET g 1",
            "EXEC",
            "SET h 1",
            "MULTI",
            "SELECT 0",
            "SELECT 1",
            "EXEC",
            "SET i 1",
            "SELECT 0",
            "MULTI",
            "EXPIRE a 100",
            "EXEC",
            "MULTI",
            "INCR a",
            "INCR a x",
            "EXEC",
            "MULTI",
            "MOVE a 3",
            "COPY b bb DB 4",
            "EXEC",
            "MULTI",
            "FLUSHALL",
            "SET z 1",
            "EXEC",
            "MULTI",
            "INCR z",
            "APPEND z x",
            "INCR z",
            "EXEC",
            "SWAPDB 0 1",
            "SET last 1",
        ],
        &[],
    );
}

#[test]
fn too_large_a_transaction_is_cut_off() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &["--client-query-buffer-limit", "1mb"]);
        let mut client = server.connect();
        client.line("MULTI");
        let value = "x".repeat(100_000);
        let queued = (0..20).take_while(|_| {
            client.send(&["SET", "k", &value]);
            client.try_receive().is_ok()
        });
        let queued = queued.count();
        assert!((9..=11).contains(&queued), "{kind:?}: {queued}");
        assert_eq!(server.connect().line("EXISTS k").integer(), 0);
    }
}

#[test]
fn a_policy_set_in_a_transaction_holds_for_what_follows() {
    transcript(
        "
        # no-multi
        # no-reload
        > SET k v
        OK
        > MULTI
        OK
        > CONFIG SET maxmemory-policy allkeys-lfu
        QUEUED
        > OBJECT IDLETIME k
        QUEUED
        > CONFIG SET maxmemory-policy noeviction
        QUEUED
        > OBJECT IDLETIME k
        QUEUED
        > EXEC
        1) OK
        2) (error) ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        3) OK
        4) (integer) 0
    ",
    );
}
