//! Which keys go when memory is short, what else does not count, and that memory comes back.

use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Server, keyspace, logged};

/// Bytes of the values here; limits are set half a value apart, far beyond what connections take, and INFO while it is
/// put together.
const VALUE_BYTES: i64 = 1_000_000;

fn say(client: &mut Client, line: &str) {
    assert!(!client.line(line).is_error(), "{line}");
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until the server's clock has moved on, so that two accesses do not look simultaneous.
fn tick(client: &mut Client) {
    let until_ms = keyspace::now_ms(client) + 40;
    eventually("time goes by", || keyspace::now_ms(client) > until_ms);
}

fn put(client: &mut Client, key: &str, options: &[&str]) {
    let value = "x".repeat(VALUE_BYTES as usize);
    let words = [&["SET", key, &value], options].concat();
    assert_eq!(client.call(&words).to_string(), "OK");
}

/// Bytes that are held against the limit, once nothing is being freed.
fn counted(client: &mut Client) -> i64 {
    eventually("garbage is freed", || {
        client.info_number("lazyfree_pending_objects") == 0
    });
    client.info_number("used_memory") - client.info_number("mem_not_counted_for_evict")
}

/// Takes the room of half a value away and gives the key that has to go for it.
fn evict_one(client: &mut Client, keys: &mut Vec<&'static str>) -> Option<&'static str> {
    let evicted = client.info_number("evicted_keys");
    let limit = counted(client) - VALUE_BYTES / 2;
    say(client, &format!("CONFIG SET maxmemory {limit}"));
    eventually("a key is evicted", || {
        client.info_number("evicted_keys") > evicted
    });
    say(client, "CONFIG SET maxmemory 0");
    assert_eq!(
        client.info_number("evicted_keys"),
        evicted + 1,
        "one key is enough"
    );
    let mut gone = Vec::new();
    // DBSIZE and RANDOMKEY touch nothing; EXISTS would, so the keys are listed.
    let left: Vec<Vec<u8>> = keyspace::keys(client);
    keys.retain(|&key| {
        let is_left = left.iter().any(|other| other == key.as_bytes());
        gone.extend((!is_left).then_some(key));
        is_left
    });
    assert_eq!(gone.len(), 1, "{gone:?}");
    gone.pop()
}

#[test]
fn with_few_keys_the_soonest_to_expire_goes_first() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &["--maxmemory-policy", "volatile-ttl"]);
        let mut client = server.connect();
        let mut keys = vec!["third", "first", "lasting", "second"];
        put(&mut client, "third", &["EX", "3000"]);
        put(&mut client, "first", &["EX", "1000"]);
        put(&mut client, "lasting", &[]);
        put(&mut client, "second", &["EX", "2000"]);
        for expected in ["first", "second", "third"] {
            assert_eq!(
                evict_one(&mut client, &mut keys),
                Some(expected),
                "{kind:?}"
            );
        }
        say(&mut client, "CONFIG SET maxmemory 1");
        let refused = client.line("SET k v").to_string();
        assert!(
            refused.contains("OOM command not allowed"),
            "{kind:?}: {refused}"
        );
        assert_eq!(
            client.line("STRLEN lasting").integer(),
            VALUE_BYTES,
            "{kind:?}"
        );
    }
}

#[test]
fn with_few_keys_the_least_recently_used_goes_first() {
    for (policy, options) in [
        ("allkeys-lru", &[][..]),
        ("volatile-lru", &["EX", "1000"][..]),
    ] {
        let server = Server::keytag(&["--maxmemory-policy", policy]);
        let mut client = server.connect();
        let mut keys = vec!["a", "b", "c", "d"];
        for key in ["a", "b", "c", "d"] {
            put(&mut client, key, options);
            tick(&mut client);
        }
        if policy.starts_with("volatile") {
            put(&mut client, "lasting", &[]);
        }
        // What the last eviction has left as candidates must not be used after it was read.
        for (read, expected) in [("a", "b"), ("c", "d"), ("c", "a"), ("c", "c")] {
            client.line(&format!("STRLEN {read}"));
            tick(&mut client);
            assert_eq!(
                evict_one(&mut client, &mut keys),
                Some(expected),
                "{policy}"
            );
        }
    }
}

#[test]
fn with_few_keys_the_least_often_used_goes_first() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        for (policy, options) in [
            ("allkeys-lfu", &[][..]),
            ("volatile-lfu", &["EX", "1000"][..]),
        ] {
            let server = Server::start(
                kind,
                &["--maxmemory-policy", policy, "--lfu-log-factor", "0"],
            );
            let mut client = server.connect();
            let mut keys = vec!["often", "seldom", "sometimes"];
            for (key, reads) in [("often", 90), ("seldom", 0), ("sometimes", 30)] {
                put(&mut client, key, options);
                (0..reads).for_each(|_| assert!(!client.line(&format!("STRLEN {key}")).is_error()));
            }
            for expected in ["seldom", "sometimes", "often"] {
                let gone = evict_one(&mut client, &mut keys);
                assert_eq!(gone, Some(expected), "{kind:?}, {policy}");
            }
        }
    }
}

#[test]
fn with_few_keys_gdsf_evicts_what_is_used_least_for_its_size() {
    for (policy, options) in [
        ("allkeys-gdsf", &[][..]),
        ("volatile-gdsf", &["EX", "1000"][..]),
    ] {
        let server = Server::keytag(&["--maxmemory-policy", policy]);
        let mut client = server.connect();
        let mut keys = vec!["often", "large", "seldom", "sometimes"];
        for (key, reads) in [("often", 12), ("seldom", 0), ("sometimes", 4)] {
            put(&mut client, key, options);
            (0..reads).for_each(|_| assert!(!client.line(&format!("STRLEN {key}")).is_error()));
        }
        put(&mut client, "large", options);
        // A third more of it costs more than the one access that the appending counts for.
        let more = "x".repeat(4 * VALUE_BYTES as usize);
        client.call(&["APPEND", "large", &more]);
        if policy.starts_with("volatile") {
            put(&mut client, "lasting", &[]);
        }
        for expected in ["large", "seldom", "sometimes", "often"] {
            assert_eq!(
                evict_one(&mut client, &mut keys),
                Some(expected),
                "{policy}"
            );
        }
    }
}

/// Three volatile keys among thousands of others are found, and go in their order.
#[test]
fn volatile_policies_are_exact_when_few_keys_have_an_expiry() {
    for policy in [
        "volatile-lru",
        "volatile-ttl",
        "volatile-lfu",
        "volatile-gdsf",
    ] {
        let server = Server::keytag(&["--maxmemory-policy", policy, "--lfu-log-factor", "0"]);
        let mut client = server.connect();
        let lines: Vec<String> = (0..5_000).map(|n| format!("SET lasting:{n} v")).collect();
        client.pipeline(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let mut keys = vec!["first", "second", "third"];
        for (number, key) in ["first", "second", "third"].into_iter().enumerate() {
            tick(&mut client);
            put(&mut client, key, &["EX", &format!("{}", 1_000 + number)]);
            // Else it would depend on the machine whether they look simultaneous: then it is not used again.
            tick(&mut client);
            (0..number * 3)
                .for_each(|_| assert!(!client.line(&format!("STRLEN {key}")).is_error()));
        }
        for expected in ["first", "second", "third"] {
            assert_eq!(
                evict_one(&mut client, &mut keys),
                Some(expected),
                "{policy}"
            );
        }
        assert_eq!(client.line("DBSIZE").integer(), 5_000, "{policy}");
    }
}

/// Words that another policy wrote are read for what they say, and written anew by the next access.
#[test]
fn policies_are_switched_at_run_time() {
    let server = Server::keytag(&["--maxmemory-policy", "allkeys-lru"]);
    let mut client = server.connect();
    let mut keys = vec!["idle", "read", "new"];
    put(&mut client, "idle", &[]);
    tick(&mut client);
    put(&mut client, "read", &[]);
    (0..2).for_each(|_| {
        tick(&mut client);
        client.line("STRLEN read");
    });
    assert_eq!(client.line("OBJECT IDLETIME read").integer(), 0);
    say(&mut client, "CONFIG SET maxmemory-policy allkeys-gdsf");
    let policy = client.info("maxmemory_policy");
    assert_eq!(policy.as_deref(), Some("allkeys-gdsf"));
    assert_eq!(client.line("OBJECT FREQ idle").integer(), 1);
    assert_eq!(client.line("OBJECT FREQ read").integer(), 3);
    client.line("STRLEN read");
    assert_eq!(client.line("OBJECT FREQ read").integer(), 4);
    let refused = client.line("OBJECT IDLETIME read").to_string();
    assert!(
        refused.contains("A GDSF maxmemory policy is selected"),
        "{refused}"
    );
    put(&mut client, "new", &[]);
    client.line("STRLEN new");
    assert_eq!(evict_one(&mut client, &mut keys), Some("idle"));
    say(&mut client, "CONFIG SET maxmemory-policy allkeys-lfu");
    assert_eq!(client.line("OBJECT FREQ read").integer(), 8);
    assert_eq!(evict_one(&mut client, &mut keys), Some("new"));
    put(&mut client, "newest", &[]);
    keys.push("newest");
    say(&mut client, "CONFIG SET maxmemory-policy allkeys-lru");
    assert_eq!(client.line("OBJECT IDLETIME read").integer(), 0);
    let refused = client.line("OBJECT FREQ read").to_string();
    assert!(
        refused.contains("An LFU maxmemory policy is not selected"),
        "{refused}"
    );
    tick(&mut client);
    client.line("STRLEN read");
    client.line("STRLEN newest");
    evict_one(&mut client, &mut keys);
}

/// A change of policy inside EXEC holds every lock, while others may be evicting.
#[test]
fn a_policy_is_switched_in_a_transaction_while_keys_are_evicted() {
    let server = Server::keytag(&["--maxmemory", "8mb", "--maxmemory-policy", "allkeys-gdsf"]);
    let mut client = server.connect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut client = server.connect();
            (0..30).for_each(|round| drop(fill(&mut client, &format!("{round}"), 1_000)));
        });
        while !writer.is_finished() {
            for policy in ["allkeys-lru", "allkeys-gdsf", "allkeys-lfu"] {
                say(&mut client, "MULTI");
                say(&mut client, "DBSIZE");
                say(
                    &mut client,
                    &format!("CONFIG SET maxmemory-policy {policy}"),
                );
                assert_eq!(client.line("EXEC").to_string().matches("OK").count(), 1);
            }
        }
    });
    assert!(client.info_number("evicted_keys") > 0);
}

#[test]
fn random_policies_find_the_last_key() {
    for (policy, options) in [
        ("allkeys-random", &[][..]),
        ("volatile-random", &["EX", "1000"][..]),
    ] {
        let server = Server::keytag(&["--maxmemory-policy", policy]);
        let mut client = server.connect();
        let mut keys = vec!["a", "b", "c"];
        for key in ["a", "b", "c"] {
            put(&mut client, key, options);
        }
        while !keys.is_empty() {
            evict_one(&mut client, &mut keys);
        }
        assert_eq!(client.line("DBSIZE").integer(), 0);
    }
}

/// Candidates that somebody else has removed meanwhile are no reason to say that nothing is left.
#[test]
fn removed_candidates_are_replaced() {
    let server = Server::keytag(&["--maxmemory-policy", "allkeys-lru"]);
    let mut client = server.connect();
    for round in 0..10 {
        let mut keys: Vec<String> = (0..40)
            .map(|number| format!("old {round} {number}"))
            .collect();
        keys.iter().for_each(|key| put(&mut client, key, &[]));
        tick(&mut client);
        put(&mut client, "new", &[]);
        let limit = counted(&mut client) - VALUE_BYTES / 2;
        say(&mut client, &format!("CONFIG SET maxmemory {limit}"));
        say(&mut client, "SET k v");
        // The others that were looked at are the idlest there are, and are deleted.
        keys.insert(0, "DEL".to_owned());
        client.call(&keys);
        say(&mut client, "CONFIG SET maxmemory 0");
        (0..40).for_each(|number| put(&mut client, &format!("fresh {number}"), &[]));
        let limit = counted(&mut client) - VALUE_BYTES / 2;
        say(&mut client, &format!("CONFIG SET maxmemory {limit}"));
        say(&mut client, "SET k v");
        say(&mut client, "CONFIG SET maxmemory 0");
    }
}

/// Writes keys of a kilobyte in batches; gives the first refusal.
fn fill(client: &mut Client, prefix: &str, count: usize) -> Option<String> {
    let value = "x".repeat(1_000);
    let lines: Vec<String> = (0..count)
        .map(|n| format!("SET {prefix}:{n} {value}"))
        .collect();
    for batch in lines.chunks(200) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        if let Some(error) = client.pipeline(&batch).into_iter().find(|it| it.is_error()) {
            return Some(error.to_string());
        }
    }
    None
}

fn leave_room(client: &mut Client, bytes: i64) {
    let limit = counted(client) + bytes;
    say(client, &format!("CONFIG SET maxmemory {limit}"));
}

#[test]
fn a_lower_limit_is_kept_without_being_asked() {
    let server = Server::keytag(&["--maxmemory-policy", "allkeys-lru"]);
    let mut client = server.connect();
    assert_eq!(fill(&mut client, "k", 40_000), None);
    let used = client.info_number("used_memory");
    say(&mut client, &format!("CONFIG SET maxmemory {}", used / 2));
    // A single command evicts for half a millisecond: however slow the machine, so few questions cannot evict
    // so many keys.
    let is_kept = (0..20).any(|_| {
        std::thread::sleep(Duration::from_millis(1_000));
        client.info_number("used_memory") <= used / 2 + 200_000
    });
    assert!(is_kept, "{}", client.line("INFO memory"));
    assert!(client.info_number("evicted_keys") >= 15_000);
}

/// An eviction under a snapshot writes the key out first: that must not count as memory in use.
#[test]
fn a_rewrite_does_not_empty_a_full_cache() {
    let server = Server::keytag(&[
        "--appendonly",
        "yes",
        "--maxmemory-policy",
        "allkeys-random",
    ]);
    let mut client = server.connect();
    leave_room(&mut client, 24 << 20);
    assert_eq!(fill(&mut client, "a", 25_000), None);
    let full = client.line("DBSIZE").integer();
    for round in 0..5 {
        say(&mut client, "BGREWRITEAOF");
        assert_eq!(fill(&mut client, &format!("b{round}"), 2_000), None);
        let left = client.line("DBSIZE").integer();
        assert!(left > full * 9 / 10, "{left} of {full} keys are left");
        eventually("the rewrite ends", || {
            client.info_number("aof_rewrite_scheduled") == 0
                && client.info_number("aof_rewrite_in_progress") == 0
        });
    }
}

#[test]
fn flushing_under_a_rewrite_makes_room() {
    let server = Server::keytag(&["--appendonly", "yes"]);
    let mut client = server.connect();
    leave_room(&mut client, 32 << 20);
    for round in 0..5 {
        assert_eq!(
            fill(&mut client, &format!("k{round}"), 20_000),
            None,
            "round {round}"
        );
        eventually("the rewrite before ends", || {
            client.info_number("aof_rewrite_scheduled") == 0
                && client.info_number("aof_rewrite_in_progress") == 0
        });
        say(&mut client, "BGREWRITEAOF");
        say(
            &mut client,
            if round % 2 == 0 {
                "FLUSHALL"
            } else {
                "FLUSHALL ASYNC"
            },
        );
    }
}

#[test]
fn an_eviction_is_logged_as_its_removal() {
    for (lazily, word) in [("no", "DEL"), ("yes", "UNLINK")] {
        let flags = [
            "--maxmemory-policy",
            "allkeys-random",
            "--lazyfree-lazy-eviction",
            lazily,
        ];
        for kind in [Kind::Keytag, Kind::Oracle] {
            let server = Server::start(kind, &[logged::LOGGED, &flags].concat());
            let mut client = server.connect();
            put(&mut client, "a", &[]);
            evict_one(&mut client, &mut vec!["a"]);
            assert_eq!(client.line("SET b 1").to_string(), "OK");
            let requests = logged::requests(&server);
            let removals: Vec<&String> = requests
                .iter()
                .filter(|it| it.ends_with(" a") || it.ends_with(" \"a\""))
                .collect();
            assert_eq!(removals.len(), 1, "{kind:?}: {requests:?}");
            assert!(removals[0].contains(word), "{kind:?}: {requests:?}");
        }
    }
}

/// Memory comes back, whichever way the keys go.
#[test]
fn memory_is_back_when_the_keys_are_gone() {
    const KEYS: usize = 50_000;
    let server = Server::keytag(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    let before = client.info_number("used_memory");
    for way in ["DEL", "TAGINVALIDATE", "PEXPIRE", "FLUSHDB"] {
        let lines: Vec<String> = (0..KEYS)
            .map(|n| format!("SET {way}:{n} some-value EX 1000 TAGS 2 all t{}", n % 100))
            .collect();
        for batch in lines.chunks(500) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            client.pipeline(&batch);
        }
        let full = client.info_number("used_memory");
        assert!(
            full > before + 5_000_000,
            "{way}: {before} bytes before, {full} with keys"
        );
        match way {
            "TAGINVALIDATE" => assert_eq!(client.line("TAGINVALIDATE all").integer(), KEYS as i64),
            "FLUSHDB" => say(&mut client, "FLUSHDB ASYNC"),
            way => {
                let expiry = if way == "PEXPIRE" { " 1" } else { "" };
                let lines: Vec<String> = (0..KEYS)
                    .map(|n| format!("{way} {way}:{n}{expiry}"))
                    .collect();
                for batch in lines.chunks(500) {
                    let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
                    client.pipeline(&batch);
                }
            }
        }
        eventually(&format!("{way} gives memory back"), || {
            client.info_number("used_memory") < before + 200_000
                && client.line("DBSIZE").integer() == 0
        });
    }
}

/// A tenth of the keys is left: the tables do not keep the room of the others.
#[test]
fn tables_shrink_with_their_keys() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let before = client.info_number("used_memory");
    assert_eq!(fill(&mut client, "k", 60_000), None);
    let full = client.info_number("used_memory") - before;
    for start in (0..60_000).step_by(1_000) {
        let keys = (start..start + 1_000)
            .filter(|n| n % 10 != 0)
            .map(|n| format!("k:{n}"));
        let words: Vec<String> = std::iter::once("UNLINK".to_owned()).chain(keys).collect();
        assert_eq!(client.call(&words).integer(), 900);
    }
    eventually("the tables shrink", || {
        client.info_number("used_memory") - before < full * 12 / 100 + 100_000
    });
    assert_eq!(client.line("DBSIZE").integer(), 6_000);
}
