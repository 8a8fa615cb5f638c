//! What an operator sees: INFO field by field, the slow log, the list of clients, beside those of Redis.

use std::collections::BTreeMap;

use crate::support::{Client, Kind, Reply, Server};

/// What INFO says: section and name, with the value.
fn info(client: &mut Client, sections: &str) -> BTreeMap<(String, String), String> {
    let text = client.line(&format!("INFO {sections}")).text();
    let mut section = String::new();
    let mut fields = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            name.clone_into(&mut section);
        } else if let Some((name, value)) = line.split_once(':') {
            fields.insert((section.clone(), name.to_owned()), value.to_owned());
        }
    }
    fields
}

/// What a reader takes a value for: how it is written, not how much it is.
fn kind_of(value: &str) -> String {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if value.contains('=') {
        // `calls=1,usec=2`
        let parts = value.split(',').map(|part| match part.split_once('=') {
            Some((name, value)) => format!("{name}={}", kind_of(value)),
            None => part.to_owned(),
        });
        return parts.collect::<Vec<_>>().join(",");
    }
    let number = value.strip_prefix('-').unwrap_or(value);
    if is_digits(number) {
        return "integer".to_owned();
    }
    let (number, unit) = match number.find(|it: char| !it.is_ascii_digit() && it != '.') {
        Some(end) => number.split_at(end),
        None => (number, ""),
    };
    match (number.split_once('.'), unit) {
        (None, "B") if is_digits(number) => "bytes for people".to_owned(),
        (Some((whole, part)), "K" | "M" | "G" | "T") if is_digits(whole) && part.len() == 2 => {
            "bytes for people".to_owned()
        }
        (Some((whole, part)), "" | "%") if is_digits(whole) && is_digits(part) => {
            format!("{} places{unit}", part.len())
        }
        _ if value.is_empty() => "nothing".to_owned(),
        _ => "text".to_owned(),
    }
}

/// What both servers are asked for, so that as much as possible is counted.
const LIFE: &[&str] = &[
    "SET k v EX 100",
    "GET k",
    "GET none",
    "GET",
    "NOSUCH x",
    "LPUSH k 1",
    "CONFIG SET nosuch 1",
    "CONFIG NOSUCH",
    "EVAL \"return redis.call('GET', KEYS[1])\" 1 k",
    "EVALSHA abc 0",
    "XADD s 1-1 a",
    "ACL SETUSER u on nopass",
    "AUTH u x",
    "AUTH default x",
    "AUTH nobody x",
    "HELLO 9",
    "SELECT 99",
    "SELECT 5",
    "SADD set a b",
    "MULTI",
    "SET k",
    "EXEC",
];

#[test]
fn every_field_of_info_is_there_and_of_the_kind_it_has_in_redis() {
    // What a build or a machine calls itself.
    const NAMES: &[&str] = &["redis_git_sha1", "redis_build_id"];
    for flags in [&["--appendonly", "yes"][..], &["--maxmemory", "100mb"]] {
        let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
            let server = Server::start(kind, flags);
            let mut client = server.connect();
            LIFE.iter().for_each(|line| drop(client.line(line)));
            info(&mut client, "everything")
        });
        let mut wrong = Vec::new();
        for ((section, name), value) in &theirs {
            // No modules exist here; what is counted of single commands is compared below.
            if section == "Modules" || NAMES.contains(&name.as_str()) {
                continue;
            }
            let place = (section.clone(), name.clone());
            match ours.get(&place) {
                None => wrong.push(format!("{section}: {name} is missing")),
                Some(own) if kind_of(own) != kind_of(value) => {
                    wrong.push(format!("{section}: {name} is {own}, in Redis {value}"));
                }
                Some(_) => {}
            }
        }
        assert!(wrong.is_empty(), "{flags:?}: {wrong:#?}");
    }
}

#[test]
fn commands_and_errors_are_counted_as_in_redis() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        client.line("CONFIG SET latency-tracking-info-percentiles \"50 99.9 100 0 33.333\"");
        client.line("CONFIG RESETSTAT");
        LIFE.iter().for_each(|line| drop(client.line(line)));
        let fields = info(&mut client, "commandstats errorstats latencystats");
        let masked = |value: &str| -> String {
            let parts = value.split(',').map(|part| match part.split_once('=') {
                Some((name, value)) if name.starts_with("usec") || name.starts_with('p') => {
                    format!("{name}={}", kind_of(value))
                }
                _ => part.to_owned(),
            });
            parts.collect::<Vec<_>>().join(",")
        };
        let lines = fields
            .iter()
            .map(|((section, name), value)| format!("{section}: {name}:{}", masked(value)));
        lines.collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
    assert!(ours.len() > 30, "{ours:#?}");
}

/// Fields that tell of the past, which RESETSTAT forgets, and some that it does not.
const FORGOTTEN: &[&str] = &[
    "expired_keys",
    "evicted_keys",
    "keyspace_hits",
    "keyspace_misses",
    "total_error_replies",
    "total_commands_processed",
    "total_connections_received",
    "lazyfreed_objects",
    "acl_access_denied_auth",
    "acl_access_denied_cmd",
    "total_eviction_exceeded_time",
    "current_eviction_exceeded_time",
    "used_memory",
    "connected_clients",
    "number_of_cached_scripts",
    "maxmemory",
];

#[test]
fn resetstat_forgets_what_it_forgets_in_redis() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--enable-debug-command", "yes"]);
        let (mut client, mut other) = (server.connect(), server.connect());
        for line in [
            "SET k v PX 1",
            "DEBUG SLEEP 0.01",
            "GET k",
            "SET a b",
            "GET a",
            "EVAL \"return 1\" 0",
            "CONFIG SET maxmemory 1",
            "SET refused v",
            "DEBUG SLEEP 0.01",
            "CONFIG SET maxmemory-policy allkeys-lru",
            "SET evicts v",
            "CONFIG SET maxmemory-policy noeviction",
            "SET refused v",
            "DEBUG SLEEP 0.01",
            "CONFIG SET maxmemory 0",
            "MSET a 1 b 2 c 3",
            "FLUSHALL ASYNC",
            "ACL SETUSER u on nopass +auth",
            "CONFIG SET latency-monitor-threshold 1",
            "CONFIG SET slowlog-log-slower-than 1000",
            "DEBUG SLEEP 0.01",
            "CONFIG SET maxmemory 1gb",
        ] {
            client.line(line);
        }
        other.line("AUTH u x");
        other.line("GET k");
        other.line("AUTH u2 x");
        while client.info_number("lazyfreed_objects") < 3 {}
        let mut seen = BTreeMap::new();
        let mut look = |client: &mut Client, when: &str| {
            for field in FORGOTTEN {
                let value = client.info_number(field);
                seen.insert(format!("{field} {when}"), value == 0);
            }
            for line in ["SLOWLOG LEN", "LATENCY LATEST"] {
                let reply = client.line(line);
                let is_empty = match &reply {
                    Reply::Integer(length) => *length == 0,
                    other => other.items().is_empty(),
                };
                seen.insert(format!("{line} {when}"), is_empty);
            }
        };
        look(&mut client, "before");
        // INFO itself is counted.
        client.line("CONFIG RESETSTAT");
        look(&mut client, "after");
        seen
    });
    assert_eq!(ours, theirs);
}

#[test]
fn bytes_are_counted_when_they_are_sent() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let (mut reader, mut other) = (server.connect(), server.connect());
        reader.line(&format!("SET big {}", "x".repeat(100_000)));
        other.line("CONFIG RESETSTAT");
        reader.line("GET big");
        let received = other.info_number("total_net_input_bytes");
        // It may be here before its thread has counted it, but nothing else has to be said for it to be counted.
        while other.info_number("total_net_output_bytes") < 100_000 {}
        received
    });
    assert_eq!(ours, theirs);
}

/// The slow log, oldest first: words, name of the client, and whether there is an address.
fn slow_log(client: &mut Client) -> Vec<String> {
    let log = client.line("SLOWLOG GET -1");
    let entry = |entry: &Reply| {
        let items = entry.items();
        assert_eq!(items.len(), 6, "{entry}");
        let has_address = items[4].text().contains(':');
        format!("{} {} {has_address}", items[3], items[5])
    };
    log.items().iter().rev().map(entry).collect()
}

#[test]
fn the_slow_log_shortens_and_hides_what_it_does_in_redis() {
    let row = |count: usize| {
        let words: Vec<String> = (0..count).map(|it| it.to_string()).collect();
        format!("RPUSH l {}", words.join(" "))
    };
    let value = |length: usize| format!("SET k {}", "y".repeat(length));
    let long = [29, 30, 31].map(row);
    let values = [127, 128, 129, 300].map(value);
    let others = [
        "SET k \"\\x00\\xff\\r\\n\"",
        "GET k extra",
        "NOSUCH",
        "AUTH x",
        "AUTH u x",
        "ACL SETUSER u >secret",
        "ACL SETUSER",
        "ACL GETUSER u",
        "ACL DELUSER u v",
        "CONFIG SET masterauth x masteruser y maxmemory 0",
        "CONFIG SET masterauth \"\" masteruser \"\"",
        "CONFIG GET requirepass",
        "HELLO 3 AUTH default x SETNAME y",
        "HELLO 2 SETNAME me",
        "CONFIG SET requirepass secret",
        "AUTH default secret",
        "CONFIG SET requirepass \"\"",
        "MULTI",
        "SET a b",
        "EXEC",
        "DEBUG SLEEP 0",
        "MONITOR x",
        "CLIENT KILL ID 999",
        "OBJECT ENCODING k",
        "ZADD z 1 a",
        "BZPOPMIN z 1",
        "BLPOP none 0.01",
        "PING",
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--enable-debug-command", "yes"]);
        let (mut client, mut other) = (server.connect(), server.connect());
        client.line("CLIENT SETNAME me");
        other.line("CONFIG SET slowlog-log-slower-than 0");
        other.line("SLOWLOG RESET");
        let lines = long.iter().chain(&values).map(String::as_str);
        for line in lines.chain(others) {
            client.line(line);
        }
        other.line("CONFIG SET slowlog-log-slower-than -1");
        slow_log(&mut other)
    });
    assert_eq!(ours, theirs);
    assert!(ours.iter().any(|line| line.contains("(redacted)")));
}

/// Who waits for a key is in the log once the wait is over, with the time that was not waited.
#[test]
fn commands_that_have_waited_are_measured_without_their_wait() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let (mut client, mut other) = (server.connect(), server.connect());
        other.line("CONFIG SET slowlog-log-slower-than 0");
        other.line("CONFIG RESETSTAT");
        client.send(&["BLMPOP", "0", "1", "q", "LEFT", "COUNT", "5000"]);
        while other.info_number("blocked_clients") == 0 {}
        other.line("DEBUG SLEEP 0");
        let waited_for = slow_log(&mut other);
        assert!(
            !waited_for.iter().any(|line| line.contains("BLMPOP")),
            "{kind:?}: {waited_for:#?}"
        );
        // Enough to take some time.
        other.line(&format!("RPUSH q {}", "x ".repeat(5_000)));
        assert_eq!(client.reply().items()[1].items().len(), 5_000);
        let log = slow_log(&mut other);
        assert!(
            log.iter().any(|line| line.contains("BLMPOP")),
            "{kind:?}: {log:#?}"
        );
        let counts = other.info("cmdstat_blmpop").unwrap_or_default();
        assert!(counts.starts_with("calls=1,usec="), "{kind:?}: {counts}");
        assert!(!counts.contains("usec=0,"), "{kind:?}: {counts}");
    }
}

#[test]
fn commands_that_have_waited_in_vain_are_counted_at_once() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let (mut client, mut other) = (server.connect(), server.connect());
        let id = client.line("CLIENT ID").integer();
        let mut seen = Vec::new();
        for (command, how) in [
            ("BLPOP q 0.01", ""),
            ("BLPOP q 0", "TIMEOUT"),
            ("BZPOPMIN z 0", "ERROR"),
            ("XREAD BLOCK 0 STREAMS s $", "ERROR"),
        ] {
            other.line("CONFIG SET slowlog-log-slower-than 0");
            other.line("CONFIG RESETSTAT");
            other.line("SLOWLOG RESET");
            client.send_raw(format!("{command}\r\n").as_bytes());
            if !how.is_empty() {
                while other.info_number("blocked_clients") == 0 {}
                other.line(&format!("CLIENT UNBLOCK {id} {how}"));
            }
            let reply = client.reply().to_string();
            other.line("CONFIG SET slowlog-log-slower-than -1");
            let name = command.split(' ').next().unwrap_or_default();
            let counts = other.info(&format!("cmdstat_{}", name.to_lowercase()));
            let counts = counts.expect("counted");
            let counts: Vec<&str> = counts
                .split(',')
                .filter(|part| !part.starts_with("usec"))
                .collect();
            let log = slow_log(&mut other);
            let notes = log.iter().filter(|line| line.contains(name)).count();
            seen.push(format!("{command}: {reply} {} {notes}", counts.join(",")));
        }
        seen
    });
    assert_eq!(ours, theirs);
}

#[test]
fn what_a_client_is_doing_shows_in_its_line() {
    let scenes: &[&[&str]] = &[
        &["PING"],
        &["MULTI", "SET a b", "GET a"],
        &["MULTI", "NOSUCH"],
        &["WATCH a", "WATCH b a"],
        &["WATCH a b", "(other) SET a 1"],
        &["WATCH a", "(other) SET a 2", "MULTI"],
        &["SUBSCRIBE a", "PSUBSCRIBE c", "SSUBSCRIBE d"],
        &["HELLO 3", "CLIENT TRACKING ON BCAST PREFIX a NOLOOP"],
        &["HELLO 3", "CLIENT TRACKING ON OPTIN", "CLIENT CACHING YES"],
        &["HELLO 3", "CLIENT TRACKING ON OPTOUT"],
        &["CLIENT NO-EVICT ON"],
        &["CLIENT NO-TOUCH ON"],
        &["CLIENT SETNAME n", "CLIENT SETINFO lib-name x", "SELECT 4"],
        &["NOSUCH"],
        &["CLIENT NOSUCH"],
        &["CONFIG GET maxmemory"],
        &["GET"],
        &["MONITOR"],
    ];
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut other = server.connect();
        let shown = scenes.iter().map(|scene| {
            let mut client = server.connect();
            let id = client.line("CLIENT ID").to_string();
            let id = id.trim_start_matches("(integer) ");
            for line in *scene {
                match line.strip_prefix("(other) ") {
                    Some(line) => drop(other.line(line)),
                    None => drop(client.line(line)),
                }
            }
            let line = other.line(&format!("CLIENT LIST ID {id}")).text();
            steady(&line)
        });
        shown.collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
}

/// A line of CLIENT LIST without what varies: places, times, and bytes.
fn steady(line: &str) -> String {
    const VARIES: &[&str] = &[
        "id",
        "addr",
        "laddr",
        "fd",
        "age",
        "idle",
        "qbuf",
        "qbuf-free",
        "argv-mem",
        "multi-mem",
        "rbs",
        "rbp",
        "obl",
        "oll",
        "omem",
        "tot-mem",
    ];
    let parts = line.trim_end().split(' ').map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if VARIES.contains(&name) {
            assert!(!value.is_empty(), "{line}");
            name
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join(" ")
}
