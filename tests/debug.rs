//! `DEBUG`: looking inside, and making happen what otherwise rarely does.

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Server, transcript};

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
        # no-reload
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
        > SADD small a
        (integer) 1
        > DEBUG HTSTATS-KEY small
        (error) ERR The value stored at the specified key is not represented using an hash table
        > CONFIG SET set-max-listpack-entries 0 zset-max-listpack-entries 0 hash-max-listpack-entries 0
        OK
        > SADD set a b c
        (integer) 3
        > DEBUG HTSTATS-KEY set
        "Hash table 0 stats (main hash table):\n table size: 4\n number of elements: 3\n"
        > ZADD zset 1 a 2 b
        (integer) 2
        > DEBUG HTSTATS-KEY zset anything
        ~ "Hash table 0 stats (main hash table):\n table size: *\n number of elements: 2\n"
        > HSET hash a 1
        (integer) 1
        > DEBUG HTSTATS-KEY hash
        ~ "Hash table 0 stats (main hash table):\n table size: *\n number of elements: 1\n"
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
fn the_length_of_a_value_in_a_snapshot_is_that_of_redis() {
    let described = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, ENABLED);
        let mut client = server.connect();
        let long = "a".repeat(150);
        let lines = [
            "SET s v",
            "SET i -32768",
            "SET n 65536",
            "SET o 9223372036854775807",
            &format!("SET r {long}"),
            "SET p \"\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\x0b\\x0c\\x0d\\x0e\\x0f\\x10\\x11\\x12\\x13\\x14\\x15\"",
            "RPUSH l a b c 1 2 3",
            &format!("RPUSH q {}", "element ".repeat(500).trim()),
            "SADD is 1 2 3",
            "SADD ss a b",
            &format!("SADD sh {long} x"),
            "ZADD z 1 a 2.5 b",
            &format!("ZADD zs 1 {long} 2 x"),
            "HSET h a 1 b 2",
            "HSET hx a 1 b 2",
            "HPEXPIREAT hx 4000000000000 FIELDS 1 a",
            "CONFIG SET hash-max-listpack-entries 0",
            "HSET hy a 1 b 2",
            "HPEXPIREAT hy 4000000000000 FIELDS 1 a",
            "XADD st 1-1 a b",
            "XGROUP CREATE st g 0",
        ];
        for line in lines {
            client.line(line);
        }
        let keys = ["s", "i", "n", "o", "r", "p", "l", "q", "is", "ss", "sh", "z", "zs", "h", "hx", "hy", "st"];
        keys.map(|key| {
            let text = client.line(&format!("DEBUG OBJECT {key}")).to_string();
            let from = text.find("encoding:").expect("it is named");
            let to = text.find(" lru:").expect("it is told");
            format!("{key} {}", &text[from..to])
        })
    });
    assert_eq!(described[0], described[1]);
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

#[test]
fn a_snapshot_is_loaded_again() {
    transcript(
        r#"
        # flags --enable-debug-command yes
        # no-multi
        # no-reload
        > SET k v PX 1000000
        OK
        > SELECT 3
        OK
        > RPUSH l a b c
        (integer) 3
        > DEBUG RELOAD NOSAVE
        (error) ERR Error trying to load the RDB dump, check server logs.
        > DBSIZE
        (integer) 0
        > RPUSH l a b c
        (integer) 3
        > DEBUG RELOAD
        OK
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "c"
        > LPOP l
        "a"
        > SET new 1
        OK
        > debug reload nosave noflush merge
        OK
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "c"
        > GET new
        "1"
        > DEBUG RELOAD NOSAVE
        OK
        > EXISTS new l
        (integer) 1
        > DEBUG RELOAD NOFLUSH x
        (error) ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.
        > DEBUG RELOAD x
        (error) ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.
        > FLUSHALL
        OK
        > DEBUG RELOAD NOSAVE NOFLUSH
        OK
        > LLEN l
        (integer) 3
        > DEBUG LOADAOF
        (error) ERR Error trying to load the AOF files, check server logs.
        > DBSIZE
        (integer) 0
        > DEBUG LOADAOF x
        (error) ERR Error trying to load the AOF files, check server logs.
        "#,
    );
}

#[test]
fn libraries_are_loaded_again_with_the_keys() {
    transcript(
        r##"
        # flags --enable-debug-command yes
        # no-multi
        # no-reload
        > FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 'called' end)"
        "lib"
        > DEBUG RELOAD
        OK
        > FCALL f 0
        "called"
        > DEBUG RELOAD NOSAVE NOFLUSH
        (error) ERR Error trying to load the RDB dump, check server logs.
        > DEBUG RELOAD NOSAVE NOFLUSH MERGE
        OK
        > FUNCTION DELETE lib
        OK
        > FCALL f 0
        (error) ERR Function not found
        > DEBUG RELOAD NOSAVE NOFLUSH MERGE
        OK
        > FCALL f 0
        "called"
        > DEBUG LOADAOF
        (error) ERR Error trying to load the AOF files, check server logs.
        > FCALL f 0
        (error) ERR Function not found
        "##,
    );
}

/// Redis ends over it.
#[test]
fn a_key_that_is_there_ends_a_reload_that_may_not_replace_it() {
    let server = Server::keytag(ENABLED);
    let mut client = server.connect();
    client.line("SET k old");
    client.line("SAVE");
    client.line("SET k new");
    let refused = client.line("DEBUG RELOAD NOSAVE NOFLUSH").to_string();
    assert_eq!(
        refused,
        "(error) ERR Error trying to load the RDB dump, check server logs."
    );
    assert_eq!(client.line("GET k").text(), "new");
    assert!(server.log().contains("RDB has duplicated key 'k' in DB 0"));
    // What an invalidated tag has left behind is not there.
    client.line("TAGADD k t");
    client.line("TAGINVALIDATE t");
    assert_eq!(client.line("DEBUG RELOAD NOSAVE NOFLUSH").to_string(), "OK");
    assert_eq!(client.line("GET k").text(), "old");
}

#[test]
fn the_log_is_loaded_again() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[ENABLED, &["--appendonly", "yes"]].concat());
        let mut client = server.connect();
        let lines = [
            "SET k v",
            "FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 'called' end)\"",
            "MULTI",
            "SET k w",
            "DEBUG LOADAOF",
            "GET k",
            "EXEC",
            "DEBUG LOADAOF",
            "MGET k",
            "FCALL f 0",
            "SELECT 5",
            "RPUSH l a",
            "DEBUG LOADAOF",
            "RPUSH l b",
            "DEBUG LOADAOF",
            "LRANGE l 0 -1",
            "HSET h f v",
            "HPEXPIREAT h 4000000000000 FIELDS 1 f",
            "MULTI",
            "DEBUG RELOAD",
            "LRANGE l 0 -1",
            "EXEC",
            "HPEXPIRETIME h FIELDS 1 f",
            "SAVE",
            "SET gone 1",
            // Neither is in the log.
            "DEBUG RELOAD NOSAVE",
            "EXISTS gone",
            "DEBUG LOADAOF",
            "EXISTS gone",
            "DBSIZE",
        ];
        let mut replies = lines.map(|line| format!("{line}: {}", client.line(line))).to_vec();
        replies.push(client.info_number("rdb_changes_since_last_save").to_string());
        replies
    });
    assert_eq!(replies[0], replies[1]);
}

/// Many write beside it, to one log that is rewritten all the time: nobody sees anything missing.
#[test]
fn nobody_sees_the_data_set_while_it_is_loaded_again() {
    let flags = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "no",
        "--io-threads",
        "4",
    ];
    let server = Server::keytag(&[ENABLED, &flags].concat());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..3 {
            let (server, is_over) = (&server, &is_over);
            scope.spawn(move || {
                let mut client = server.connect();
                let mut count = 0;
                while !is_over.load(Ordering::Relaxed) {
                    count += 1;
                    let reply = client.line(&format!("INCR counter:{number}")).integer();
                    assert_eq!(reply, count);
                }
                assert!(count > 0);
            });
        }
        let mut client = server.connect();
        for round in 0..60 {
            let line = match round % 3 {
                0 => "BGREWRITEAOF",
                1 => "DEBUG LOADAOF",
                _ => "DEBUG RELOAD",
            };
            let reply = client.line(line).to_string();
            assert!(line == "BGREWRITEAOF" || reply == "OK", "{line}: {reply}");
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn watches_break_and_copies_go_when_the_data_set_is_loaded_again() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, ENABLED);
        let mut client = server.connect();
        let mut other = server.connect_resp3();
        other.line("CLIENT TRACKING ON");
        client.line("SET k v");
        other.line("GET k");
        let mut replies = vec![
            client.line("WATCH k"),
            client.line("DEBUG RELOAD"),
            client.line("MULTI"),
            client.line("GET k"),
            client.line("EXEC"),
        ];
        replies.push(other.reply());
        replies.push(other.line("GET k"));
        replies
    });
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn who_waits_is_not_served_with_what_a_snapshot_brings() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[ENABLED, &["--appendonly", "yes"]].concat());
        let mut client = server.connect();
        for line in [
            "RPUSH k x",
            "XADD st 1-1 f v",
            "XGROUP CREATE st g $",
            "SAVE",
            "DEL k",
        ] {
            client.line(line);
        }
        let mut waiting = [server.connect(), server.connect()];
        waiting[0].send(&["BLPOP", "k", "0"]);
        waiting[1].send(&[
            "XREADGROUP",
            "GROUP",
            "g",
            "c",
            "BLOCK",
            "0",
            "STREAMS",
            "st",
            ">",
        ]);
        wait_for_blocked(&mut client, 2);
        let mut replies = ["DEBUG RELOAD NOSAVE", "LRANGE k 0 -1", "DEL k"]
            .map(|line| client.line(line).to_string())
            .to_vec();
        wait_for_blocked(&mut client, 2);
        replies.push(client.line("XADD st 2-1 f v").to_string());
        replies.push(waiting[1].reply().to_string());
        replies.push(client.line("RPUSH k y").to_string());
        replies.push(waiting[0].reply().to_string());
        replies
    });
    assert_eq!(replies[0], replies[1]);
}

/// Waits until so many clients wait for keys.
fn wait_for_blocked(client: &mut Client, count: i64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.info_number("blocked_clients") != count {
        assert!(Instant::now() < deadline, "not {count} clients wait");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_checksum_may_be_wrong_when_that_is_wanted() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, ENABLED);
        let mut client = server.connect();
        client.line("SET k v");
        client.line("SAVE");
        let path = server.dir().join("dump.rdb");
        let mut file = std::fs::read(&path).expect("it was saved");
        let last = file.len() - 1;
        file[last] ^= 1;
        std::fs::write(&path, file).expect("a file of ours");
        let payload = "\"\\x00\\xc0\\x01\\x0c\\x00abcdefgh\"";
        let mut replies = Vec::new();
        for is_on in [0, 1, 0] {
            for line in [
                format!("DEBUG SET-SKIP-CHECKSUM-VALIDATION {is_on}"),
                "DEBUG RELOAD NOSAVE".to_owned(),
                format!("RESTORE r{is_on} 0 {payload} REPLACE"),
                "FUNCTION RESTORE \"\\x0c\\x00abcdefgh\"".to_owned(),
                "GET k".to_owned(),
            ] {
                // What is left when a checksum was wrong is each server's own.
                let reply = client.line(&line);
                if line != "GET k" || is_on == 1 {
                    replies.push(format!("{line}: {reply}"));
                }
            }
        }
        replies
    });
    assert_eq!(replies[0], replies[1]);
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
