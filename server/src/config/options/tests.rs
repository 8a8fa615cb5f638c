//! The table holds together, and says what is true.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::config::Config;

#[test]
fn every_name_is_unique_and_in_small_letters() {
    let mut seen = HashSet::new();
    for named in names() {
        assert_eq!(named.name, named.name.to_ascii_lowercase());
        assert!(seen.insert(named.name), "{} is there twice", named.name);
    }
}

#[test]
fn every_handle_reads_what_its_option_holds() {
    for spec in &TABLE {
        assert!((spec.fits)(spec.kind), "{} holds another type", spec.name);
    }
}

#[test]
fn every_handle_is_the_name_of_its_option() {
    for (index, spec) in TABLE.iter().enumerate() {
        assert_eq!(
            find(spec.name.as_bytes()).map(|named| named.id.index()),
            Some(index)
        );
    }
    assert_eq!(MAXMEMORY.id.spec().name, "maxmemory");
    assert_eq!(
        STREAM_NODE_MAX_ENTRIES.id.spec().name,
        "stream-node-max-entries"
    );
}

#[test]
fn a_name_is_found_in_any_letters_and_by_its_alias() {
    let name = |text: &str| find(text.as_bytes()).map(|named| named.name);
    assert_eq!(name("MaxMemory"), Some("maxmemory"));
    assert_eq!(name("slaveof"), Some("slaveof"));
    assert_eq!(find(b"slaveof").unwrap().id, REPLICAOF.id);
    assert_eq!(name("maxmemory "), None);
    assert_eq!(name(""), None);
}

#[test]
fn every_default_is_within_its_own_bounds_and_prints_as_redis_prints_it() {
    let config = Config::new();
    let shown = |name: &str| {
        let found = config.matching(&[name.as_bytes()]);
        found
            .into_iter()
            .map(|(_, value)| String::from_utf8(value).unwrap())
            .collect::<String>()
    };
    for (name, value) in [
        ("bind", "* -::*"),
        ("save", "3600 1 300 100 60 10000"),
        (
            "client-output-buffer-limit",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
        ("latency-tracking-info-percentiles", "50 99 99.9"),
        ("oom-score-adj-values", "0 200 800"),
        ("replicaof", ""),
        ("proto-max-bulk-len", "536870912"),
        ("maxmemory-clients", "0"),
        ("unixsocketperm", "0"),
        ("shutdown-on-sigterm", "default"),
        ("notify-keyspace-events", ""),
        ("tag-max-per-key", "128"),
        ("maxmemory-policy", "noeviction"),
    ] {
        assert_eq!(shown(name), value, "{name}");
    }
}

/// The sources beside this part, with the text of each.
fn sources(dir: &Path, found: &mut String) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("config") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn what_is_said_to_work_is_read_somewhere() {
    let mut text = String::new();
    sources(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/server/src")),
        &mut text,
    );
    for spec in TABLE.iter().filter(|spec| spec.effect == Effect::Works) {
        // Read by the configuration itself.
        if spec.name == "enable-protected-configs" {
            continue;
        }
        let handle = format!(
            "options::{}",
            spec.name.to_ascii_uppercase().replace('-', "_")
        );
        assert!(text.contains(&handle), "nothing reads {handle}");
    }
}

/// Printed for the documentation: `cargo test only_accepted -- --nocapture`.
#[test]
fn what_is_only_accepted_is_told_apart() {
    let idle = TABLE
        .iter()
        .filter(|spec| spec.effect == Effect::AcceptedOnly);
    let names: Vec<&str> = idle.map(|spec| spec.name).collect();
    println!("{}", names.join("\n"));
    assert!(names.contains(&"tls-port"));
    assert!(!names.contains(&"maxmemory"));
}
