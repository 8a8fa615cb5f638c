//! `DEBUG`: looking inside, and making happen what otherwise rarely does.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::support::{Kind, Server, transcript};

const ENABLED: &[&str] = &["--enable-debug-command", "yes"];

#[test]
fn digests_are_those_of_redis() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        > DEBUG DIGEST
        0000000000000000000000000000000000000000
        > SET k v
        OK
        > DEBUG DIGEST-VALUE k none
        1) d79ee9fe5d5ad902d7f6620efc3b07b75ddd742f
        2) 0000000000000000000000000000000000000000
        > DEBUG DIGEST-VALUE
        (empty array)
        > SET n 12345
        OK
        > SET e x PX 1000000
        OK
        > APPEND raw "a\x00b"
        (integer) 3
        > DEBUG DIGEST-VALUE n e raw
        ~ 1) *
        ~ 2) *
        ~ 3) *
        > SELECT 3
        OK
        > SET k other
        OK
        > DEBUG DIGEST
        ~ *
        "#,
    );
}

/// The transcript lets digests vary; here they must be the same, whatever order the keys came in.
#[test]
fn digests_of_many_keys_are_those_of_redis() {
    let digest = |kind: Kind, is_backwards: bool| {
        let server = Server::start(kind, ENABLED);
        let mut client = server.connect();
        for number in 0..200 {
            let number = if is_backwards { 199 - number } else { number };
            client.line(&format!("SELECT {}", number % 3));
            client.line(&format!("SET k{number} {}", "v".repeat(number)));
            if number % 5 == 0 {
                client.line(&format!("EXPIRE k{number} {}", 1000 + number));
            }
        }
        client.line("DEBUG DIGEST").to_string()
    };
    let ours = digest(Kind::Keytag, false);
    assert_eq!(ours, digest(Kind::Oracle, false));
    assert_eq!(ours, digest(Kind::Keytag, true));
    assert_eq!(ours.len(), 40);
}

#[test]
fn protocol_replies_have_every_type() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-multi
        > DEBUG PROTOCOL string
        "Hello World"
        > DEBUG PROTOCOL INTEGER
        (integer) 12345
        > DEBUG PROTOCOL double
        "3.141"
        > DEBUG PROTOCOL bignum
        "1234567999999999999999999999999999999"
        > DEBUG PROTOCOL null
        (nil)
        > DEBUG PROTOCOL array
        1) (integer) 0
        2) (integer) 1
        3) (integer) 2
        > DEBUG PROTOCOL set
        1) (integer) 0
        2) (integer) 1
        3) (integer) 2
        > DEBUG PROTOCOL map
        1) (integer) 0
        2) (integer) 0
        3) (integer) 1
        4) (integer) 1
        5) (integer) 2
        6) (integer) 0
        > DEBUG PROTOCOL verbatim
        "This is a verbatim\nstring"
        > DEBUG PROTOCOL true
        (integer) 1
        > DEBUG PROTOCOL false
        (integer) 0
        > DEBUG PROTOCOL nosuch
        (error) ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false
        > DEBUG PROTOCOL
        (error) ERR unknown subcommand or wrong number of arguments for 'PROTOCOL'. Try DEBUG HELP.
        "#,
    );
}

/// Attributes and pushes come beside a reply, so their bytes are compared whole.
#[test]
fn attributes_and_pushes_are_those_of_redis() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, ENABLED);
        let mut bytes = Vec::new();
        for hello in ["HELLO 2", "HELLO 3"] {
            let mut client = server.connect();
            client.line(hello);
            for line in ["DEBUG PROTOCOL attrib", "DEBUG PROTOCOL push", "PING"] {
                client.send(&line.split(' ').collect::<Vec<_>>());
            }
            client.finish_sending();
            bytes.push(client.receive_to_end().expect("replies"));
        }
        bytes
    });
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn populate_makes_keys_that_count_as_no_change() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-reload
        > SET key:1 mine
        OK
        > DEBUG POPULATE 3
        OK
        > MGET key:0 key:1 key:2 key:3
        1) "value:0"
        2) "mine"
        3) "value:2"
        4) (nil)
        > DEBUG POPULATE 2 p 4
        OK
        > MGET p:0 p:1
        1) "valu"
        2) "valu"
        > DEBUG POPULATE 1 q 9
        OK
        > GET q:0
        "value:0\x00\x00"
        > OBJECT ENCODING q:0
        "embstr"
        > DBSIZE
        (integer) 6
        > DEBUG POPULATE 0
        OK
        > DEBUG POPULATE -1
        (error) ERR value is out of range, must be positive
        > DEBUG POPULATE x
        (error) ERR value is out of range, must be positive
        > DEBUG POPULATE 1 r -1
        (error) ERR value is out of range, must be positive
        > DEBUG POPULATE 1 r 1 1
        (error) ERR unknown subcommand or wrong number of arguments for 'POPULATE'. Try DEBUG HELP.
        "#,
    );
    let server = Server::keytag(ENABLED);
    let mut client = server.connect();
    client.line("DEBUG POPULATE 1000");
    assert_eq!(client.info_number("rdb_changes_since_last_save"), 0);
    assert_eq!(client.line("DBSIZE").to_string(), "(integer) 1000");
}

#[test]
fn objects_and_tables_are_described() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        > SET k v
        OK
        > DEBUG OBJECT k
        ~ Value at:0x* refcount:1 encoding:embstr serializedlength:2 lru:* lru_seconds_idle:0
        > SET n 100
        OK
        > DEBUG OBJECT n
        ~ Value at:0x* refcount:2147483647 encoding:int serializedlength:2 lru:* lru_seconds_idle:*
        > DEBUG OBJECT none
        (error) ERR no such key
        > DEBUG OBJECT
        (error) ERR unknown subcommand or wrong number of arguments for 'OBJECT'. Try DEBUG HELP.
        > DEBUG HTSTATS 9
        "[Dictionary HT]\n[Expires HT]\n"
        > DEBUG HTSTATS 16
        (error) ERR Out of range database
        > DEBUG HTSTATS -1
        (error) ERR Out of range database
        > DEBUG HTSTATS x
        (error) ERR value is not an integer or out of range
        > DEBUG HTSTATS
        (error) ERR unknown subcommand or wrong number of arguments for 'HTSTATS'. Try DEBUG HELP.
        > DEBUG HTSTATS-KEY k
        (error) ERR The value stored at the specified key is not represented using an hash table
        > DEBUG HTSTATS-KEY none
        (error) ERR no such key
        > DEBUG LISTPACK k
        (error) ERR Not a listpack encoded object.
        > DEBUG LISTPACK none
        (error) ERR no such key
        > DEBUG QUICKLIST k
        (error) ERR Not a quicklist encoded object.
        "#,
    );
}

#[test]
fn what_is_tuned_is_accepted_as_redis_does() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        > DEBUG REPLYBUFFER RESIZING 0
        OK
        > DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER
        OK
        > DEBUG REPLYBUFFER PEAK-RESET-TIME 100
        OK
        > DEBUG REPLYBUFFER PEAK-RESET-TIME x
        (error) ERR value is not an integer or out of range
        > DEBUG REPLYBUFFER NOSUCH 1
        (error) ERR unknown subcommand or wrong number of arguments for 'REPLYBUFFER'. Try DEBUG HELP.
        > DEBUG QUICKLIST-PACKED-THRESHOLD 100b
        OK
        > DEBUG QUICKLIST-PACKED-THRESHOLD 5gb
        (error) ERR argument must be a memory value bigger than 1 and smaller than 4gb
        > DEBUG QUICKLIST-PACKED-THRESHOLD x
        (error) ERR argument must be a memory value bigger than 1 and smaller than 4gb
        > DEBUG SET-SKIP-CHECKSUM-VALIDATION 1
        OK
        > DEBUG SET-DISABLE-DENY-SCRIPTS 1
        OK
        > DEBUG DICT-RESIZING 0
        OK
        > DEBUG AOF-FLUSH-SLEEP 0
        OK
        > DEBUG CHANGE-REPL-ID
        OK
        > DEBUG LOG hello
        OK
        > DEBUG ERROR "MINE with\nlines"
        (error) MINE with lines
        > DEBUG NOSUCH
        (error) ERR unknown subcommand or wrong number of arguments for 'NOSUCH'. Try DEBUG HELP.
        > DEBUG
        (error) ERR wrong number of arguments for 'debug' command
        "#,
    );
}

/// Redis takes seconds for it, longer than a transcript waits.
#[test]
fn patterns_are_matched_at_random() {
    let server = Server::keytag(ENABLED);
    let reply = server.connect().line("DEBUG STRINGMATCH-TEST").to_string();
    assert_eq!(reply, "Apparently Redis did not crash: test passed");
}

#[test]
fn a_chosen_error_is_counted_nowhere() {
    let servers = [Kind::Keytag, Kind::Oracle].map(|kind| Server::start(kind, ENABLED));
    for server in &servers {
        let mut client = server.connect();
        // Whoever waited for the start may have been told that it was loading.
        client.line("CONFIG RESETSTAT");
        client.line("DEBUG ERROR MINE");
        assert_eq!(client.info_number("total_error_replies"), 0);
        assert_eq!(client.info("errorstat_MINE"), None);
    }
}

#[test]
fn the_identity_of_the_data_set_changes_on_request() {
    let server = Server::keytag(ENABLED);
    let mut client = server.connect();
    let before = client.info("master_replid");
    client.line("DEBUG CHANGE-REPL-ID");
    let after = client.info("master_replid");
    assert_ne!(before, after);
    assert_eq!(after.map_or(0, |id| id.len()), 40);
}

#[test]
fn keys_stay_while_active_expiry_is_off() {
    for subcommand in ["SET-ACTIVE-EXPIRE 0", "PAUSE-CRON 1"] {
        let server = Server::keytag(ENABLED);
        let mut client = server.connect();
        client.line(&format!("DEBUG {subcommand}"));
        client.line("SET k v PX 1");
        // Nothing happens, so there is nothing to wait for: three periods of the background thread.
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(
            client.line("DBSIZE").to_string(),
            "(integer) 1",
            "{subcommand}"
        );
        let subcommand = if subcommand.starts_with("SET") {
            "SET-ACTIVE-EXPIRE 1"
        } else {
            "PAUSE-CRON 0"
        };
        client.line(&format!("DEBUG {subcommand}"));
        let deadline = Instant::now() + Duration::from_secs(10);
        while client.line("DBSIZE").to_string() != "(integer) 0" {
            assert!(Instant::now() < deadline, "{subcommand}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn nobody_is_served_while_the_server_sleeps() {
    let server = Server::keytag(ENABLED);
    let mut sleeper = server.connect();
    let mut others: Vec<_> = (0..4).map(|_| server.connect()).collect();
    others
        .iter_mut()
        .for_each(|other| assert_eq!(other.line("PING").to_string(), "PONG"));
    let began = Instant::now();
    sleeper.send(&["DEBUG", "SLEEP", "0.3"]);
    // The sleep has begun when somebody has to wait.
    while others[0].line("PING").to_string() == "PONG"
        && began.elapsed() < Duration::from_millis(250)
    {}
    for other in &mut others[1..] {
        assert_eq!(other.line("ECHO x").to_string(), "\"x\"");
        assert!(
            began.elapsed() >= Duration::from_millis(300),
            "{:?}",
            began.elapsed()
        );
    }
    assert_eq!(sleeper.reply().to_string(), "OK");
}

#[test]
fn a_crash_ends_the_process_as_that_of_redis() {
    for subcommand in ["SEGFAULT", "PANIC", "ASSERT", "OOM"] {
        let signals = [Kind::Keytag, Kind::Oracle].map(|kind| {
            let mut server = Server::start(kind, ENABLED);
            let mut client = server.connect();
            client.send(&["DEBUG", subcommand]);
            assert!(client.is_closed(), "{subcommand}");
            server.wait().signal()
        });
        assert_eq!(signals[0], signals[1], "{subcommand}");
        assert!(signals[0].is_some());
    }
}
