//! The server commands.

use std::collections::BTreeMap;

use crate::support::{Kind, Reply, Server, transcript};

#[test]
fn config_get_knows_patterns() {
    transcript(
        r#"
        > CONFIG GET maxmemory-policy
        1) "maxmemory-policy"
        2) "noeviction"
        > CONFIG GET nosuch
        (empty array)
        > CONFIG GET save
        1) "save"
        2) ""
        > CONFIG GET SAVE
        1) "SAVE"
        2) ""
        sorted> CONFIG GET maxmemory maxmemory-s* nosuch
        1) "0"
        2) "5"
        3) "maxmemory"
        4) "maxmemory-samples"
        sorted> CONFIG GET hash-max-*-entries
        1) "512"
        2) "512"
        3) "hash-max-listpack-entries"
        4) "hash-max-ziplist-entries"
        > CONFIG GET
        (error) ERR wrong number of arguments for 'config|get' command
        "#,
    );
}

#[test]
fn config_set_sets_all_or_nothing() {
    transcript(
        r#"
        > CONFIG SET maxmemory 100mb
        OK
        > CONFIG GET maxmemory
        1) "maxmemory"
        2) "104857600"
        > CONFIG SET maxmemory 1k
        OK
        > CONFIG GET maxmemory
        1) "maxmemory"
        2) "1000"
        > CONFIG SET maxmemory 1 maxmemory 2
        (error) ERR CONFIG SET failed (possibly related to argument 'maxmemory') - duplicate parameter
        > CONFIG SET maxmemory-samples 7 maxmemory-policy nosuch
        ~ (error) ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction*
        > CONFIG GET maxmemory-samples
        1) "maxmemory-samples"
        2) "5"
        > CONFIG SET nosuch 1
        (error) ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
        > CONFIG SET maxmemory-samples 3 nosuch 1
        (error) ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
        > CONFIG GET maxmemory-samples
        1) "maxmemory-samples"
        2) "5"
        > CONFIG SET maxmemory-samples
        (error) ERR wrong number of arguments for 'config|set' command
        > CONFIG SET
        (error) ERR wrong number of arguments for 'config|set' command
        > CONFIG SET maxmemory-samples x
        (error) ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument couldn't be parsed into an integer
        > CONFIG SET maxmemory-samples -1
        (error) ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument must be between 1 and 64 inclusive
        > CONFIG SET maxmemory-samples 99999999999999999999
        (error) ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument couldn't be parsed into an integer
        > CONFIG SET databases 4
        (error) ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
        > CONFIG SET port 70000
        (error) ERR CONFIG SET failed (possibly related to argument 'port') - argument must be between 0 and 65535 inclusive
        > CONFIG SET appendfsync sometimes
        (error) ERR CONFIG SET failed (possibly related to argument 'appendfsync') - argument(s) must be one of the following: everysec, always, no
        > CONFIG SET appendonly maybe
        (error) ERR CONFIG SET failed (possibly related to argument 'appendonly') - argument must be 'yes' or 'no'
        > CONFIG SET save "900 1 300 10"
        OK
        > CONFIG GET save
        1) "save"
        2) "900 1 300 10"
        > CONFIG SET save "x"
        (error) ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters
        > CONFIG SET save "900"
        (error) ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters
        > CONFIG SET save ""
        OK
        > CONFIG GET save
        1) "save"
        2) ""
        > CONFIG SET client-output-buffer-limit "pubsub 1mb 2mb 60"
        OK
        > CONFIG GET client-output-buffer-limit
        1) "client-output-buffer-limit"
        2) "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2097152 60"
        > CONFIG SET client-output-buffer-limit "nosuch 1 2 3"
        (error) ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Invalid client class specified in buffer limit configuration.
        > CONFIG SET client-output-buffer-limit "normal 1 2"
        (error) ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Wrong number of arguments in buffer limit configuration.
        > CONFIG SET maxmemory-clients 5%
        OK
        > CONFIG GET maxmemory-clients
        1) "maxmemory-clients"
        2) "5%"
        > CONFIG SET oom-score-adj-values "1 2"
        (error) ERR CONFIG SET failed (possibly related to argument 'oom-score-adj-values') - wrong number of arguments
        > CONFIG SET notify-keyspace-events KEA
        OK
        > CONFIG GET notify-keyspace-events
        1) "notify-keyspace-events"
        2) "AKE"
        > CONFIG SET notify-keyspace-events q
        (error) ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid event class character. Use 'Ag$lshzxeKEtmdn'.
        > CONFIG SET slave-read-only no
        OK
        > CONFIG GET replica-read-only
        1) "replica-read-only"
        2) "no"
        > CONFIG SET dir /nosuch/directory
        (error) ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config
        > CONFIG RESETSTAT
        OK
        > CONFIG RESETSTAT x
        (error) ERR wrong number of arguments for 'config|resetstat' command
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

#[test]
fn debug_is_refused_by_default() {
    transcript(
        r#"
        > DEBUG SLEEP 0
        (error) ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.
        > DEBUG
        (error) ERR wrong number of arguments for 'debug' command
        > DEBUG OBJECT k
        (error) ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.
        > CONFIG SET enable-debug-command yes
        (error) ERR CONFIG SET failed (possibly related to argument 'enable-debug-command') - can't set immutable config
        "#,
    );
}

#[test]
fn slowlog_answers() {
    transcript(
        r#"
        > SLOWLOG RESET
        OK
        > SLOWLOG LEN
        (integer) 0
        > SLOWLOG GET
        (empty array)
        > SLOWLOG GET 10
        (empty array)
        > SLOWLOG GET -1
        (empty array)
        > SLOWLOG GET -2
        (error) ERR count should be greater than or equal to -1
        > SLOWLOG GET x
        (error) ERR count should be greater than or equal to -1
        > SLOWLOG NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try SLOWLOG HELP.
        > SLOWLOG
        (error) ERR wrong number of arguments for 'slowlog' command
        > SLOWLOG HELP
         1) SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) GET [<count>]
         3)     Return top <count> entries from the slowlog (default: 10, -1 mean all).
         4)     Entries are made of:
         5)     id, timestamp, time in microseconds, arguments array, client IP and port,
         6)     client name
         7) LEN
         8)     Return the length of the slowlog.
         9) RESET
        10)     Reset the slowlog.
        11) HELP
        12)     Print this help.
        "#,
    );
}

#[test]
fn latency_answers() {
    transcript(
        r#"
        > LATENCY LATEST
        (empty array)
        > LATENCY HISTORY command
        (empty array)
        > LATENCY GRAPH command
        (error) ERR No samples available for event 'command'
        > LATENCY RESET
        (integer) 0
        > LATENCY RESET command
        (integer) 0
        > LATENCY NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try LATENCY HELP.
        > LATENCY HISTOGRAM nosuch
        (empty array)
        > LATENCY HELP
         1) LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) DOCTOR
         3)     Return a human readable latency analysis report.
         4) GRAPH <event>
         5)     Return an ASCII latency graph for the <event> class.
         6) HISTORY <event>
         7)     Return time-latency samples for the <event> class.
         8) LATEST
         9)     Return the latest latency samples for all events.
        10) RESET [<event> ...]
        11)     Reset latency data of one or more <event> classes.
        12)     (default: reset all data for all event classes)
        13) HISTOGRAM [COMMAND ...]
        14)     Return a cumulative distribution of latencies in the format of a histogram for the specified command names.
        15)     If no commands are specified then all histograms are replied.
        16) HELP
        17)     Print this help.
        "#,
    );
}

#[test]
fn memory_answers() {
    transcript(
        r#"
        > MEMORY USAGE none
        (nil)
        > MEMORY USAGE
        (error) ERR wrong number of arguments for 'memory|usage' command
        > MEMORY USAGE k SAMPLES
        (error) ERR syntax error
        > MEMORY USAGE k SAMPLES -1
        (error) ERR syntax error
        > MEMORY USAGE k SAMPLES x
        (error) ERR value is not an integer or out of range
        > MEMORY USAGE k WHAT 1
        (error) ERR syntax error
        > MEMORY PURGE
        OK
        > MEMORY NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try MEMORY HELP.
        > MEMORY HELP
         1) MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) DOCTOR
         3)     Return memory problems reports.
         4) MALLOC-STATS
         5)     Return internal statistics report from the memory allocator.
         6) PURGE
         7)     Attempt to purge dirty pages for reclamation by the allocator.
         8) STATS
         9)     Return information about the memory usage of the server.
        10) USAGE <key> [SAMPLES <count>]
        11)     Return memory in bytes used by <key> and its value. Nested values are
        12)     sampled up to <count> times (default: 5, 0 means sample all).
        13) HELP
        14)     Print this help.
        "#,
    );
}

#[test]
fn command_finds_keys() {
    transcript(
        r#"
        > COMMAND GETKEYS MSET a 1 b 2
        1) "a"
        2) "b"
        > COMMAND GETKEYS GET k
        1) "k"
        > COMMAND GETKEYS LCS a b LEN
        1) "a"
        2) "b"
        > COMMAND GETKEYS PING
        (error) ERR The command has no key arguments
        > COMMAND GETKEYS NOSUCH
        (error) ERR Invalid command specified
        > COMMAND GETKEYS GET
        (error) ERR Invalid number of arguments specified for command
        > COMMAND GETKEYS
        (error) ERR wrong number of arguments for 'command|getkeys' command
        > COMMAND GETKEYSANDFLAGS SET k v
        1) 1) "k"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS MSET a 1 b 2
        1) 1) "a"
           2) 1) OW
              2) update
        2) 1) "b"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS COPY a b
        1) 1) "a"
           2) 1) RO
              2) access
        2) 1) "b"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS PING
        (error) ERR The command has no key arguments
        > COMMAND LIST FILTERBY MODULE nosuch
        (empty array)
        > COMMAND LIST FILTERBY NOSUCH x
        (error) ERR syntax error
        > COMMAND LIST WHAT
        (error) ERR syntax error
        > COMMAND LIST FILTERBY PATTERN getr*
        1) "getrange"
        > COMMAND INFO nosuch
        1) (nil)
        > COMMAND DOCS nosuch
        (empty array)
        > COMMAND NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP.
        > COMMAND HELP
         1) COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) (no subcommand)
         3)     Return details about all Redis commands.
         4) COUNT
         5)     Return the total number of commands in this Redis server.
         6) LIST
         7)     Return a list of all commands in this Redis server.
         8) INFO [<command-name> ...]
         9)     Return details about multiple Redis commands.
        10)     If no command names are given, documentation details for all
        11)     commands are returned.
        12) DOCS [<command-name> ...]
        13)     Return documentation details about multiple Redis commands.
        14)     If no command names are given, documentation details for all
        15)     commands are returned.
        16) GETKEYS <full-command>
        17)     Return the keys from a full Redis command.
        18) GETKEYSANDFLAGS <full-command>
        19)     Return the keys and the access flags from a full Redis command.
        20) HELP
        21)     Print this help.
        "#,
    );
}

#[test]
fn time_and_lastsave() {
    transcript(
        r#"
        # no-multi
        > LASTSAVE x
        (error) ERR wrong number of arguments for 'lastsave' command
        > TIME x
        (error) ERR wrong number of arguments for 'time' command
        > DBSIZE x
        (error) ERR wrong number of arguments for 'dbsize' command
        > LOLWUT VERSION x
        (error) ERR value is not an integer or out of range
        > SHUTDOWN WHAT
        (error) ERR syntax error
        > SHUTDOWN SAVE NOSAVE
        (error) ERR syntax error
        > SHUTDOWN ABORT
        (error) ERR No shutdown in progress.
        > BGREWRITEAOF x
        (error) ERR wrong number of arguments for 'bgrewriteaof' command
        > MONITOR x
        (error) ERR wrong number of arguments for 'monitor' command
        > INFO nosuch
        ""
        "#,
    );
}

#[test]
fn info_gives_the_sections_that_are_asked_for() {
    let sections = |server: &Server, line: &str| -> Vec<String> {
        let text = server.connect().line(line).text();
        text.lines()
            .filter(|line| line.starts_with("# "))
            .map(str::to_owned)
            .collect()
    };
    let servers = [Server::keytag(&[]), Server::start(Kind::Oracle, &[])];
    for line in [
        "INFO",
        "INFO default",
        "INFO all",
        "INFO server clients",
        "INFO Memory",
        "INFO nosuch",
        "INFO keyspace",
        "INFO commandstats errorstats",
        "INFO clients nosuch clients",
        "INFO replication cpu",
    ] {
        let [ours, theirs] = [&servers[0], &servers[1]].map(|server| sections(server, line));
        let common = |sections: Vec<String>| -> Vec<String> {
            sections
                .into_iter()
                .filter(|it| !["# Tags", "# Storage", "# Modules"].contains(&it.as_str()))
                .collect()
        };
        let (ours, theirs) = (common(ours), common(theirs));
        assert_eq!(ours, theirs, "{line}");
    }
}

#[test]
fn statistics_count_what_was_done() {
    let servers = [Server::keytag(&[]), Server::start(Kind::Oracle, &[])];
    let counted = servers.each_ref().map(|server| {
        let mut client = server.connect();
        client.line("CONFIG RESETSTAT");
        for line in [
            "SET k v",
            "GET k",
            "GET none",
            "GET none",
            "EXISTS k none",
            "INCR k",
            "NOSUCH",
            "GET",
            "AUTH x",
            "CLIENT GETNAME",
            "CLIENT NOSUCH",
            "MULTI",
            "SET k",
            "EXEC",
        ] {
            client.line(line);
        }
        let mut seen: Vec<(String, i64)> = [
            "keyspace_hits",
            "keyspace_misses",
            "total_error_replies",
            "total_commands_processed",
        ]
        .into_iter()
        .map(|field| (field.to_owned(), client.info_number(field)))
        .collect();
        for field in ["errorstat_ERR", "errorstat_EXECABORT"] {
            seen.push((
                format!("{field} {}", client.info(field).unwrap_or_default()),
                0,
            ));
        }
        for command in ["get", "set", "incr", "client|getname", "exec", "exists"] {
            // The times differ; calls, refusals and failures do not.
            let counts = client
                .info(&format!("cmdstat_{command}"))
                .unwrap_or_default();
            let counts: Vec<&str> = counts
                .split(',')
                .filter(|part| !part.starts_with("usec"))
                .collect();
            seen.push((format!("{command} {}", counts.join(",")), 0));
        }
        seen
    });
    assert_eq!(counted[0], counted[1]);
}

#[test]
fn every_option_of_redis_is_known_with_its_default() {
    // What the harness sets, or what names a place of this machine.
    // All cores are used by default: `io-threads` is how many.
    const OWN: &[&str] = &["port", "dir", "save", "logfile", "pidfile", "io-threads"];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let Reply::Map(pairs) = server.connect_resp3().line("CONFIG GET *") else {
            panic!("a map")
        };
        pairs
            .into_iter()
            .map(|(name, value)| (name.text(), value.text()))
            .collect::<BTreeMap<_, _>>()
    });
    let differing: Vec<String> = theirs
        .iter()
        .filter(|(name, value)| !OWN.contains(&name.as_str()) && ours.get(*name) != Some(value))
        .map(|(name, value)| format!("{name}: {value:?} in Redis, {:?} here", ours.get(name)))
        .collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn every_option_can_be_set_to_what_it_is() {
    let server = Server::keytag(&[]);
    let mut client = server.connect_resp3();
    let Reply::Map(pairs) = client.line("CONFIG GET *") else {
        panic!("a map")
    };
    let oracle = Server::start(Kind::Oracle, &[]);
    let mut oracle = oracle.connect();
    for (name, value) in pairs {
        let (name, value) = (name.text(), value.text());
        if name == "port" {
            // It is taken by ourselves.
            continue;
        }
        let theirs = oracle.call(&["CONFIG", "SET", &name, &value]);
        let ours = client.call(&["CONFIG", "SET", &name, &value]);
        // An option of our own is unknown to Redis; it must be settable all the same, or say why not.
        let is_own = theirs.to_string().contains("Unknown option");
        assert!(
            is_own || ours.is_error() == theirs.is_error(),
            "{name} {value:?}: {ours} here, {theirs} in Redis"
        );
    }
}

/// The reply with every array and set in it in order: flags and subcommands have none.
fn ordered(reply: Reply) -> Reply {
    match reply {
        Reply::Array(items) => Reply::Array(items.into_iter().map(ordered).collect()).sorted(),
        Reply::Set(items) => Reply::Set(items.into_iter().map(ordered).collect()).sorted(),
        other => other,
    }
}

/// Commands whose description differs because they can do more than Redis'.
const EXTENDED: &[&str] = &["restore", "restore-asking", "set"];

#[test]
fn commands_are_described_as_redis_describes_them() {
    let (server, oracle) = (Server::keytag(&[]), Server::start(Kind::Oracle, &[]));
    let (mut ours, mut theirs) = (server.connect(), oracle.connect());
    let names: Vec<String> = ours
        .line("COMMAND LIST")
        .items()
        .iter()
        .map(Reply::text)
        .collect();
    assert!(names.len() > 80, "{names:?}");
    for name in names
        .iter()
        .filter(|name| !name.starts_with("tag") && !name.contains('|'))
    {
        // A container may not have all its subcommands yet: each that is here is compared by itself.
        let whole = ours.call(&["COMMAND", "INFO", name]);
        let Reply::Array(fields) = &whole.items()[0] else {
            panic!("{name}: {whole}")
        };
        let subcommands: Vec<String> = fields[9]
            .items()
            .iter()
            .map(|sub| sub.items()[0].text())
            .collect();
        let top = |reply: Reply| ordered(Reply::Array(reply.items()[0].items()[..9].to_vec()));
        let redis = theirs.call(&["COMMAND", "INFO", name]);
        assert_eq!(top(whole).to_string(), top(redis).to_string(), "{name}");
        for subcommand in subcommands {
            let [ours, theirs] = [&mut ours, &mut theirs]
                .map(|client| ordered(client.call(&["COMMAND", "INFO", &subcommand])));
            assert_eq!(ours.to_string(), theirs.to_string(), "{subcommand}");
        }
    }
}

#[test]
fn commands_are_documented_as_redis_documents_them() {
    let (server, oracle) = (Server::keytag(&[]), Server::start(Kind::Oracle, &[]));
    let (mut ours, mut theirs) = (server.connect(), oracle.connect());
    let names: Vec<String> = ours
        .line("COMMAND LIST")
        .items()
        .iter()
        .map(Reply::text)
        .collect();
    for name in names
        .iter()
        .filter(|name| !name.starts_with("tag") && !EXTENDED.contains(&name.as_str()))
    {
        let [ours, theirs] = [&mut ours, &mut theirs].map(|client| {
            let reply = client.call(&["COMMAND", "DOCS", name]);
            let fields = reply.items()[1].items().to_vec();
            // Pairs of name and value; the subcommands have documents of their own.
            fields
                .chunks(2)
                .filter(|pair| pair[0].text() != "subcommands")
                .map(|pair| format!("{}: {}", pair[0], pair[1]))
                .collect::<Vec<String>>()
        });
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn the_slow_log_keeps_what_was_slow() {
    let servers = [Kind::Keytag, Kind::Oracle].map(|kind| {
        Server::start(
            kind,
            &["--slowlog-log-slower-than", "0", "--slowlog-max-len", "5"],
        )
    });
    let logs = servers.each_ref().map(|server| {
        let mut client = server.connect();
        client.line("CLIENT SETNAME me");
        client.line("SLOWLOG RESET");
        client.line("SET k v");
        client.line("AUTH default secret");
        client.line(&format!("SET k {}", "x".repeat(200)));
        client.line(&format!("DEL {}", "k ".repeat(40)));
        client.line("GET k");
        assert_eq!(client.line("SLOWLOG LEN").integer(), 5);
        let entries = client.line("SLOWLOG GET -1");
        let commands: Vec<String> = entries
            .items()
            .iter()
            .map(|entry| {
                let [number, time, micros, command, address, name] = entry.items() else {
                    panic!("{entry}")
                };
                assert!(
                    number.integer() >= 0
                        && time.integer() > 1_000_000_000
                        && micros.integer() >= 0
                );
                assert!(address.text().starts_with("127.0.0.1:") && name.text() == "me");
                command.to_string()
            })
            .collect();
        assert_eq!(client.line("SLOWLOG GET 2").items().len(), 2);
        commands
    });
    assert_eq!(logs[0], logs[1]);
}

#[test]
fn memory_usage_is_of_the_right_size() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    client.line("SET small v");
    client.line(&format!("SET large {}", "x".repeat(100_000)));
    let small = client.line("MEMORY USAGE small").integer();
    let large = client.line("MEMORY USAGE large SAMPLES 0").integer();
    assert!((10..200).contains(&small), "{small}");
    assert!((100_000..140_000).contains(&large), "{large}");
    client.line("TAGADD small some-longer-tag another-tag");
    assert!(
        client.line("MEMORY USAGE small").integer() > small,
        "tags are counted"
    );
    assert!(!client.line("MEMORY DOCTOR").text().is_empty());
    let stats = client.line("MEMORY STATS");
    assert!(
        stats
            .items()
            .iter()
            .any(|item| *item == Reply::Bulk(b"peak.allocated".to_vec())),
        "{stats}"
    );
}

#[test]
fn lolwut_shows_the_version() {
    let server = Server::keytag(&[]);
    for line in ["LOLWUT", "LOLWUT VERSION 5", "LOLWUT VERSION 6 1 2"] {
        let text = server.connect().line(line).text();
        assert!(text.contains("ver. 7.4."), "{line}: {text}");
    }
}
