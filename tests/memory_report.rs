//! What INFO and MEMORY say of memory: that it is all there, and that it adds up.

use std::collections::BTreeMap;

use crate::support::{Client, Kind, Reply, Server, words::noise};

/// The lines of `INFO memory`: names and values.
fn info(client: &mut Client) -> Vec<(String, String)> {
    let text = client.line("INFO memory").text();
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What a value looks like: `#` for a number, behind it what is no digit.
fn shape(value: &str) -> String {
    let number = |text: &str| text.replace(|letter: char| letter.is_ascii_digit(), "");
    match value.find('.') {
        // Two digits behind the point are two digits.
        Some(point) => format!("{}{}", number(&value[..point]), value[point..].len()),
        None => number(value),
    }
}

/// A reply of pairs: names, and numbers or maps of such.
fn pairs(reply: &Reply) -> Vec<(String, &Reply)> {
    let items = reply.items().chunks(2);
    items.map(|pair| (pair[0].text(), &pair[1])).collect()
}

fn numbers(reply: &Reply) -> BTreeMap<String, i64> {
    let numbers = pairs(reply).into_iter().filter_map(|(name, value)| {
        let Reply::Integer(number) = value else {
            return None;
        };
        Some((name, *number))
    });
    numbers.collect()
}

fn kind(reply: &Reply) -> String {
    match reply {
        Reply::Integer(_) => "integer".to_owned(),
        Reply::Array(_) => {
            let names = pairs(reply).into_iter();
            let names: Vec<String> = names
                .map(|(name, value)| format!("{name}: {}", kind(value)))
                .collect();
            names.join(", ")
        }
        other => other
            .text()
            .parse::<f64>()
            .map_or_else(|_| "text".to_owned(), |_| "float".to_owned()),
    }
}

/// Keys of many shapes, in two databases, some with an expiry.
fn fill(client: &mut Client, count: usize) {
    let mut requests = Vec::new();
    for number in 0..count {
        let database = if number % 500 < 250 { 0 } else { 3 };
        if number % 250 == 0 {
            requests.push(format!("SELECT {database}"));
        }
        let expiry = if number % 3 == 0 { " EX 10000" } else { "" };
        requests.push(match number % 10 {
            0 => format!("SET number:{number} {number}{expiry}"),
            1 => format!("SET long:{number} {}{expiry}", noise(number, 3_000)),
            2 => format!(
                "SET {}:{number} {}{expiry}",
                "k".repeat(300),
                noise(number, 20)
            ),
            _ => format!(
                "SET key:{number} {}{expiry}",
                noise(number, 1 + number % 200)
            ),
        });
    }
    requests.push("SELECT 0".to_owned());
    for batch in requests.chunks(1_000) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        for reply in client.pipeline(&batch) {
            assert_eq!(reply.to_string(), "OK");
        }
    }
}

/// The sum of `MEMORY USAGE` over all keys.
fn usage(client: &mut Client) -> i64 {
    let mut sum = 0;
    for database in [0, 3] {
        client.line(&format!("SELECT {database}"));
        let keys = client.line("KEYS *");
        let keys: Vec<String> = keys
            .items()
            .iter()
            .map(|key| format!("MEMORY USAGE {}", key.text()))
            .collect();
        for batch in keys.chunks(1_000) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            let sizes = client.pipeline(&batch);
            sum += sizes.iter().map(Reply::integer).sum::<i64>();
        }
    }
    client.line("SELECT 0");
    sum
}

#[test]
fn info_memory_has_the_fields_of_redis_in_their_order() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--maxmemory", "1gb"]);
        let mut client = server.connect();
        client.line("SET k v");
        info(&mut client)
    });
    // What only we have stands in between.
    let ours: Vec<_> = ours
        .into_iter()
        .filter(|(name, _)| theirs.iter().any(|(other, _)| name == other))
        .collect();
    let names = |fields: &[(String, String)]| -> Vec<String> {
        fields.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&ours), names(&theirs));
    for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        // A size for people may be in another unit, and a difference below zero.
        let is_same = |ours: &str, theirs: &str| shape(ours) == shape(theirs);
        let is_free = name.ends_with("_human") || name == "mem_allocator";
        assert!(
            is_free || is_same(ours.trim_start_matches('-'), theirs.trim_start_matches('-')),
            "{name}: {ours} and {theirs}"
        );
    }
}

#[test]
fn memory_stats_has_the_fields_of_redis_in_their_order() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind_of_server| {
        let server = Server::start(kind_of_server, &[]);
        let mut client = server.connect();
        for line in ["SET k v EX 100", "SELECT 5", "SET k v", "SET other v"] {
            assert_eq!(client.line(line).to_string(), "OK");
        }
        let stats = client.line("MEMORY STATS");
        let kinds = pairs(&stats)
            .into_iter()
            .map(|(name, value)| format!("{name}: {}", kind(value)));
        kinds.collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
}

#[test]
fn what_is_in_use_is_data_and_overhead() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    fill(&mut client, 20_000);
    let fields: BTreeMap<_, _> = info(&mut client).into_iter().collect();
    let of = |name: &str| fields[name].parse::<i64>().expect("a number");
    assert_eq!(
        of("used_memory"),
        of("used_memory_overhead") + of("used_memory_dataset")
    );
    assert!(of("used_memory_overhead") > of("used_memory_startup"));
    let share = of("used_memory_dataset") as f64 * 100.0
        / (of("used_memory") - of("used_memory_startup")) as f64;
    assert_eq!(fields["used_memory_dataset_perc"], format!("{share:.2}%"));
    let all = client.line("MEMORY STATS");
    let stats = numbers(&all);
    assert_eq!(
        stats["total.allocated"],
        stats["overhead.total"] + stats["dataset.bytes"]
    );
    assert_eq!(stats["keys.count"], 20_000);
    assert_eq!(
        stats["keys.bytes-per-key"],
        (stats["total.allocated"] - stats["startup.allocated"]) / 20_000
    );
    let tables: i64 = pairs(&all)
        .into_iter()
        .filter(|(name, _)| name.starts_with("db.") && name != "db.dict.rehashing.count")
        .map(|(_, tables)| numbers(tables).values().sum::<i64>())
        .sum();
    assert_eq!(tables, stats["overhead.db.hashtable.lut"]);
    let known = stats["startup.allocated"] + stats["clients.normal"] + tables;
    let rest = stats["overhead.total"] - known;
    // Histograms of the commands said here, and the reply buffers that the threads keep.
    assert!((0..200_000).contains(&rest), "{rest} bytes more");
}

#[test]
fn data_is_the_sum_of_what_keys_use() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    fill(&mut client, 50_000);
    let usage = usage(&mut client);
    let stats = client.line("MEMORY STATS");
    let data = numbers(&stats)["dataset.bytes"];
    let difference = (data - usage).abs() as f64 / usage as f64;
    assert!(difference < 0.02, "{data} bytes of data, {usage} of keys");
}

/// Nothing is data before there is any, nor afterwards.
#[test]
fn an_empty_server_has_next_to_no_data() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let empty = client.info_number("used_memory_dataset");
    assert!((0..100_000).contains(&empty), "{empty} bytes");
    fill(&mut client, 20_000);
    assert_eq!(client.line("FLUSHALL SYNC").to_string(), "OK");
    let flushed = client.info_number("used_memory_dataset");
    assert!((0..300_000).contains(&flushed), "{flushed} bytes");
}

#[test]
fn the_allocator_is_asked_and_the_system_too() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    fill(&mut client, 50_000);
    let fields: BTreeMap<_, _> = info(&mut client).into_iter().collect();
    let of = |name: &str| fields[name].parse::<f64>().expect("a number");
    let (allocated, active) = (of("allocator_allocated"), of("allocator_active"));
    let (resident, rss) = (of("allocator_resident"), of("used_memory_rss"));
    // jemalloc knows of what it needs for itself, too.
    assert!(allocated >= of("used_memory") * 0.98, "{fields:#?}");
    assert!(allocated < of("used_memory") * 1.2 + 3e6, "{fields:#?}");
    assert!(allocated <= active && active <= resident, "{fields:#?}");
    assert_eq!(of("allocator_frag_bytes"), active - allocated);
    assert_eq!(of("allocator_rss_bytes"), resident - active);
    assert_eq!(of("rss_overhead_bytes"), rss - resident);
    assert_eq!(of("mem_fragmentation_bytes"), rss - of("used_memory"));
    for (name, larger, smaller) in [
        ("allocator_frag_ratio", active, allocated),
        ("allocator_rss_ratio", resident, active),
        ("rss_overhead_ratio", rss, resident),
        ("mem_fragmentation_ratio", rss, of("used_memory")),
    ] {
        assert_eq!(fields[name], format!("{:.2}", larger / smaller), "{name}");
    }
}
