//! Everything that a server holds, read through a connection, to compare before and after.

use std::collections::BTreeMap;

use super::client::Client;
use super::reply::Reply;
use super::words::quote;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: String,
    /// Sets and hashes are sorted: a hash table gives their order.
    pub(crate) value: Reply,
    /// When the fields of a hash expire, in the order of `value`, or what is pending in a
    /// stream; nil if there is nothing of the sort.
    pub(crate) details: Reply,
    /// `PEXPIRETIME`: milliseconds since 1970, or -1.
    pub(crate) expires_at_ms: i64,
    pub(crate) encoding: String,
    /// Sorted; empty where the server knows no tags.
    pub(crate) tags: Reply,
}

/// A database number and a key, to what the key holds.
pub(crate) type Keyspace = BTreeMap<(usize, Vec<u8>), Entry>;

/// Reads all of it. Keys that expire within five seconds are left out: they might go in between.
pub(crate) fn read(client: &mut Client) -> Keyspace {
    let now_ms = now_ms(client);
    let mut keyspace = Keyspace::new();
    for database in 0..16 {
        assert_eq!(client.line(&format!("SELECT {database}")).to_string(), "OK");
        for key in keys(client) {
            let entry = entry(client, &key);
            if entry.expires_at_ms == -1 || entry.expires_at_ms > now_ms + 5_000 {
                keyspace.insert((database, key), entry);
            }
        }
    }
    client.line("SELECT 0");
    keyspace
}

/// The server's own clock, in milliseconds.
pub(crate) fn now_ms(client: &mut Client) -> i64 {
    let time = client.line("TIME");
    let part = |index: usize| {
        time.items()[index]
            .text()
            .parse::<i64>()
            .expect("TIME is numbers")
    };
    part(0) * 1_000 + part(1) / 1_000
}

/// All keys of the selected database, sorted.
pub(crate) fn keys(client: &mut Client) -> Vec<Vec<u8>> {
    let Reply::Array(items) = client.line("KEYS *") else {
        panic!("KEYS is answered with an array")
    };
    let mut keys: Vec<Vec<u8>> = items
        .into_iter()
        .map(|item| match item {
            Reply::Bulk(key) => key,
            other => panic!("a key is a string: {other}"),
        })
        .collect();
    keys.sort();
    keys
}

/// What a key holds.
///
/// # Panics
/// If there is no such key.
pub(crate) fn entry(client: &mut Client, key: &[u8]) -> Entry {
    let kind = client.call(&[b"TYPE", key]).text();
    let command: Vec<&[u8]> = match kind.as_str() {
        "string" => vec![b"GET", key],
        "list" => vec![b"LRANGE", key, b"0", b"-1"],
        "set" => vec![b"SMEMBERS", key],
        "hash" => vec![b"HGETALL", key],
        "zset" => vec![b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
        "stream" => vec![b"XRANGE", key, b"-", b"+"],
        other => panic!("unknown type {other} of {}", quote(key)),
    };
    let value = match (kind.as_str(), client.call(&command)) {
        ("set", value) => value.sorted(),
        ("hash", value) => sorted_pairs(value),
        (_, value) => value,
    };
    let details = match kind.as_str() {
        "hash" => field_expiries(client, key, &value),
        "stream" => stream_details(client, key),
        _ => Reply::Nil,
    };
    let tags = match client.call(&[b"TAGLIST", key]) {
        Reply::Error(_) => Reply::Array(Vec::new()),
        tags => tags.in_resp2().sorted(),
    };
    Entry {
        kind,
        value,
        details,
        expires_at_ms: client.call(&[b"PEXPIRETIME", key]).integer(),
        encoding: client.call(&[&b"OBJECT"[..], b"ENCODING", key]).text(),
        tags,
    }
}

/// Fields and values as flat as in RESP2, sorted by field.
fn sorted_pairs(reply: Reply) -> Reply {
    let flat = reply.in_resp2();
    let mut pairs: Vec<&[Reply]> = flat.items().chunks(2).collect();
    pairs.sort();
    Reply::Array(pairs.concat())
}

/// `HPEXPIRETIME` of each field, or nil if none expires.
fn field_expiries(client: &mut Client, key: &[u8], pairs: &Reply) -> Reply {
    let fields: Vec<&[u8]> = pairs
        .items()
        .iter()
        .step_by(2)
        .map(|field| match field {
            Reply::Bulk(field) => field.as_slice(),
            other => panic!("a field is a string: {other}"),
        })
        .collect();
    let count = fields.len().to_string();
    let command = [b"HPEXPIRETIME", key, b"FIELDS", count.as_bytes()];
    match client.call(&[&command, fields.as_slice()].concat()) {
        Reply::Array(times) if times.iter().any(|time| *time != Reply::Integer(-1)) => {
            Reply::Array(times)
        }
        _ => Reply::Nil,
    }
}

/// What a stream holds beside its entries, without what depends on the clock: its last and greatest
/// deleted id, how many were added, and of each group what XINFO tells and all that is pending with how
/// often it was delivered. Not how many consumers there are: Redis logs no consumer that was made by
/// claiming nothing.
fn stream_details(client: &mut Client, key: &[u8]) -> Reply {
    let info = client.call(&[&b"XINFO"[..], b"STREAM", key]).in_resp2();
    let fields = ["last-generated-id", "max-deleted-entry-id", "entries-added"];
    let mut details: Vec<Reply> = info
        .items()
        .chunks(2)
        .filter(|pair| fields.contains(&pair[0].text().as_str()))
        .map(|pair| pair[1].clone())
        .collect();
    for group in client.call(&[&b"XINFO"[..], b"GROUPS", key]).items() {
        let group = group.clone().in_resp2();
        let pairs = group.items().chunks(2);
        let told = pairs.filter(|pair| pair[0].text() != "consumers");
        details.extend(told.map(|pair| pair[1].clone()));
        let Reply::Bulk(name) = &group.items()[1] else {
            panic!("a group has a name: {group}")
        };
        let pending = [&b"XPENDING"[..], key, name, b"-", b"+", b"100000"];
        let pending = client.call(&pending);
        let pending = pending.items().iter().map(|entry| match entry.items() {
            [id, consumer, _, deliveries] => {
                Reply::Array(vec![id.clone(), consumer.clone(), deliveries.clone()])
            }
            _ => panic!("a pending entry has four parts: {entry}"),
        });
        details.push(Reply::Array(pending.collect()));
    }
    Reply::Array(details)
}

/// Compares two keyspaces and names the first difference.
///
/// # Panics
/// If they differ.
pub(crate) fn assert_same(before: &Keyspace, after: &Keyspace, what: &str) {
    for (at, entry) in before {
        let name = format!("{} in database {}", quote(&at.1), at.0);
        let Some(other) = after.get(at) else {
            panic!("{what}: {name} is missing")
        };
        assert_eq!(entry, other, "{what}: {name} differs");
    }
    for at in after.keys() {
        assert!(
            before.contains_key(at),
            "{what}: {} has appeared in database {}",
            quote(&at.1),
            at.0
        );
    }
}
