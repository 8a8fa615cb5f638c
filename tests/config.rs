//! `CONFIG`: what follows when an option changes while the server runs.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::support::server::free_port;
use crate::support::{Client, Kind, Server, transcript};

#[test]
fn set_needs_pairs() {
    transcript(
        r#"
        > CONFIG SET
        (error) ERR wrong number of arguments for 'config|set' command
        > CONFIG SET hz
        (error) ERR wrong number of arguments for 'config|set' command
        > CONFIG SET hz 10 maxmemory
        (error) ERR syntax error
        > CONFIG SET daemonize yes
        (error) ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set immutable config
        > CONFIG SET dir /
        (error) ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config
        > CONFIG SET maxclients 100000000
        (error) ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to handle the specified number of clients, try with 19968
        > CONFIG GET maxclients
        1) "maxclients"
        2) "10000"
        > CONFIG SET bind 1.2.3.4
        (error) ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.
        > CONFIG GET bind
        1) "bind"
        2) "* -::*"
        > CONFIG REWRITE
        (error) ERR The server is running without a config file
        > CONFIG RESETSTAT now
        (error) ERR wrong number of arguments for 'config|resetstat' command
        > CONFIG NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.
        > CONFIG HELP
         1) CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) GET <pattern>
         3)     Return parameters matching the glob-like <pattern> and their values.
         4) SET <directive> <value>
         5)     Set the configuration <directive> to <value>.
         6) RESETSTAT
         7)     Reset statistics reported by the INFO command.
         8) REWRITE
         9)     Rewrite the configuration file.
        10) HELP
        11)     Print this help.
        "#,
    );
}

/// Redis and Keytag alike: the old port closes, the connection stays, and a port that is taken is refused.
#[test]
fn the_server_moves_to_another_port() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        let port = free_port();
        assert_eq!(
            client.line(&format!("CONFIG SET port {port}")).to_string(),
            "OK"
        );
        let mut moved = Client::connect(port).expect("the new port is open");
        assert_eq!(moved.line("PING").to_string(), "PONG");
        assert!(
            Client::connect(server.port()).is_err(),
            "the old port is closed"
        );
        assert_eq!(client.line("PING").to_string(), "PONG");
        assert_eq!(client.info("tcp_port").as_deref(), Some(&*port.to_string()));

        let blocker = TcpListener::bind("0.0.0.0:0").expect("a socket");
        let taken = blocker.local_addr().expect("an address").port();
        let refused = client.line(&format!("CONFIG SET port {taken}")).to_string();
        assert_eq!(
            refused,
            "(error) ERR CONFIG SET failed (possibly related to argument 'port') - \
             Unable to listen on this port. Check server logs."
        );
        drop(blocker);
        let mut moved = Client::connect(port).expect("it listens where it did");
        assert_eq!(moved.line("PING").to_string(), "PONG");
        assert_eq!(client.line("CONFIG SET port 0").to_string(), "OK");
        assert!(Client::connect(port).is_err(), "no port is open");
    }
}

#[test]
fn the_server_binds_to_other_addresses() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        for bind in ["127.0.0.1", "127.0.0.1 -1.2.3.4", "* -::*"] {
            assert_eq!(
                client
                    .line(&format!("CONFIG SET bind '{bind}'"))
                    .to_string(),
                "OK",
                "{bind}"
            );
            assert_eq!(server.connect().line("PING").to_string(), "PONG", "{bind}");
        }
        let refused = client.line("CONFIG SET bind '127.0.0.1 1.2.3.4'");
        assert!(refused.is_error(), "{refused}");
        assert_eq!(server.connect().line("PING").to_string(), "PONG");
    }
}

#[test]
fn a_password_binds_those_who_come_later() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        assert_eq!(
            client.line("CONFIG SET requirepass secret").to_string(),
            "OK"
        );
        assert_eq!(client.line("PING").to_string(), "PONG");
        let mut later = server.connect();
        assert_eq!(
            later.line("PING").to_string(),
            "(error) NOAUTH Authentication required."
        );
        assert_eq!(client.line("CONFIG SET requirepass ''").to_string(), "OK");
        assert_eq!(later.line("PING").to_string(), "PONG", "{kind:?}");
    }
}

#[test]
fn a_lower_memory_limit_evicts_at_once() {
    let server = Server::keytag(&[
        "--enable-debug-command",
        "yes",
        "--maxmemory-policy",
        "allkeys-lru",
    ]);
    let mut client = server.connect();
    client.line("DEBUG POPULATE 20000 key 200");
    let limit = client.info_number("used_memory") / 2;
    assert_eq!(
        client
            .line(&format!("CONFIG SET maxmemory {limit}"))
            .to_string(),
        "OK"
    );
    // Bounds what would never end, on however busy a machine.
    let deadline = Instant::now() + Duration::from_secs(60);
    let counted = |client: &mut Client| {
        client.info_number("used_memory") - client.info_number("mem_not_counted_for_evict")
    };
    while counted(&mut client) > limit {
        assert!(Instant::now() < deadline, "{}", client.line("INFO memory"));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(client.info_number("evicted_keys") > 5_000);
    assert!(
        server
            .log()
            .contains("is smaller than the current memory usage")
    );
}

#[test]
fn the_log_can_be_turned_on_and_off() {
    let mut server = Server::keytag(&[]);
    let mut client = server.connect();
    client.line("SET before 1");
    assert_eq!(client.line("CONFIG SET appendonly yes").to_string(), "OK");
    client.line("SET during 2");
    assert_eq!(client.info("aof_enabled").as_deref(), Some("1"));
    let deadline = Instant::now() + Duration::from_secs(10);
    // What is scheduled first: it may begin between the two questions.
    while client.info_number("aof_rewrite_scheduled")
        + client.info_number("aof_rewrite_in_progress")
        > 0
    {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(client.line("CONFIG SET appendonly no").to_string(), "OK");
    assert_eq!(client.info("aof_enabled").as_deref(), Some("0"));
    client.line("SET after 3");
    let dir = server.dir();
    server.terminate();
    let reopened = Server::start_on(Kind::Keytag, &["--appendonly", "yes"], |home| {
        let files = dir.join("appendonlydir");
        let there = home.join("appendonlydir");
        std::fs::create_dir(&there).expect("a directory");
        for file in std::fs::read_dir(files).expect("the log") {
            let file = file.expect("a file");
            std::fs::copy(file.path(), there.join(file.file_name())).expect("copied");
        }
    });
    let values = reopened
        .connect()
        .line("MGET before during after")
        .to_string();
    assert_eq!(values, "1) \"1\"\n2) \"2\"\n3) (nil)");
}

#[test]
fn resetstat_resets_what_redis_resets() {
    const RESET: &[&str] = &[
        "total_connections_received",
        "total_commands_processed",
        "expired_keys",
        "evicted_keys",
        "keyspace_hits",
        "keyspace_misses",
        "total_error_replies",
        "lazyfreed_objects",
        "rejected_connections",
        "total_eviction_exceeded_time",
    ];
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for line in ["SET k v", "GET k", "GET none", "NOSUCH", "SET e v PXAT 1"] {
        client.line(line);
    }
    let dirty = client.info_number("rdb_changes_since_last_save");
    let peak = client.info_number("used_memory_peak");
    assert!(RESET.iter().any(|field| client.info_number(field) > 0));
    assert_eq!(client.line("CONFIG RESETSTAT").to_string(), "OK");
    for field in RESET {
        // The command that resets and those that ask are counted again.
        let most = if *field == "total_commands_processed" {
            20
        } else {
            0
        };
        assert!(
            client.info_number(field) <= most,
            "{field}: {}",
            client.info_number(field)
        );
    }
    assert_eq!(client.info("errorstat_ERR"), None);
    assert_eq!(client.info("cmdstat_get"), None);
    assert_eq!(client.info_number("rdb_changes_since_last_save"), dirty);
    assert!(client.info_number("used_memory_peak") >= peak);
}

#[test]
fn secrets_stay_out_of_the_slow_log() {
    transcript(
        r#"
        # flags --slowlog-log-slower-than 0
        # no-multi
        > CONFIG SET requirepass "" masterauth secret timeout 0
        OK
        > SLOWLOG GET 1
        ~ 1) 1) *
        ~    2) *
        ~    3) *
        ~    4) 1) "CONFIG"
        ~       2) "SET"
        ~       3) "requirepass"
        ~       4) "(redacted)"
        ~       5) "masterauth"
        ~       6) "(redacted)"
        ~       7) "timeout"
        ~       8) "0"
        ~    5) "127.0.0.1:*"
        ~    6) ""
        "#,
    );
}

#[test]
fn everything_runs_inside_a_transaction() {
    let server = Server::keytag(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    let lines = [
        "SET k v",
        "INFO everything",
        "DBSIZE",
        "MEMORY STATS",
        "MEMORY DOCTOR",
        "MEMORY USAGE k",
        "CONFIG GET *",
        "CONFIG SET maxmemory 100mb",
        "CONFIG RESETSTAT",
        "DEBUG SLEEP 0.001",
        "DEBUG DIGEST",
        "DEBUG HTSTATS 0",
        "LATENCY HISTOGRAM",
        "SLOWLOG GET",
        "SWAPDB 0 1",
        "FLUSHALL SYNC",
        "FLUSHDB ASYNC",
        "BGREWRITEAOF",
        "ROLE",
        "LOLWUT VERSION 5 1 1",
    ];
    assert_eq!(client.line("MULTI").to_string(), "OK");
    for line in lines {
        assert_eq!(client.line(line).to_string(), "QUEUED", "{line}");
    }
    client.send(&["EXEC"]);
    let replies = client.receive();
    assert!(replies.starts_with(format!("*{}\r\n+OK\r\n", lines.len()).as_bytes()));
    assert!(
        !replies.windows(3).any(|bytes| bytes == b"\n-E"),
        "{}",
        String::from_utf8_lossy(&replies)
    );
    assert_eq!(client.line("DBSIZE").to_string(), "(integer) 0");
}
