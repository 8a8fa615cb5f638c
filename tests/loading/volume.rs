//! A real volume of `redis:7`, and what a client reads back from it.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::support::{Client, Kind, Reply, Server, keyspace};

const VOLUME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/redis-7.4.1");

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir(&target).expect("a directory");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn expected() -> Value {
    let text = std::fs::read(Path::new(VOLUME).join("expected.json")).expect("the fixture");
    serde_json::from_slice(&text).expect("JSON")
}

fn decoded(value: &Value) -> Vec<u8> {
    BASE64_STANDARD
        .decode(value.as_str().expect("a text"))
        .expect("base64")
}

fn bytes(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Bulk(bytes) => bytes.clone(),
        other => panic!("{other}"),
    }
}

fn items(value: &Value) -> &Vec<Value> {
    value.as_array().expect("an array")
}

fn ask(client: &mut Client, command: &[&[u8]]) -> Reply {
    client.call(command)
}

fn pairs(reply: &Reply) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pairs = reply.items().chunks(2);
    pairs
        .map(|pair| (bytes(&pair[0]), bytes(&pair[1])))
        .collect()
}

fn assert_key(client: &mut Client, key: &[u8], wanted: &Value) {
    let kind = ask(client, &[b"TYPE", key]).text();
    assert_eq!(kind, wanted["type"].as_str().expect("a type"));
    let expiry = ask(client, &[b"PEXPIRETIME", key]).integer();
    assert_eq!(Some(expiry), wanted["expiretime_ms"].as_i64());
    let value = &wanted["value"];
    match kind.as_str() {
        "string" => assert_eq!(bytes(&ask(client, &[b"GET", key])), decoded(value)),
        "list" => {
            let found = ask(client, &[b"LRANGE", key, b"0", b"-1"]);
            let found: Vec<_> = found.items().iter().map(bytes).collect();
            assert_eq!(found, items(value).iter().map(decoded).collect::<Vec<_>>());
        }
        "set" => {
            let found = ask(client, &[b"SMEMBERS", key]);
            let mut found: Vec<_> = found.items().iter().map(bytes).collect();
            let mut wanted: Vec<_> = items(value).iter().map(decoded).collect();
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted);
        }
        "zset" => assert_zset(client, key, value),
        "hash" => assert_hash(client, key, wanted),
        "stream" => assert_stream(client, key, wanted),
        other => panic!("{other}"),
    }
}

fn assert_zset(client: &mut Client, key: &[u8], value: &Value) {
    let found = ask(client, &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]);
    let number = |text: &[u8]| -> f64 {
        let text = String::from_utf8_lossy(text);
        text.parse().expect("a number")
    };
    let found = pairs(&found).into_iter();
    let found: Vec<_> = found
        .map(|(member, score)| (member, number(&score)))
        .collect();
    let wanted = items(value).iter();
    let wanted: Vec<_> = wanted
        .map(|pair| {
            (
                decoded(&pair[0]),
                number(pair[1].as_str().expect("a text").as_bytes()),
            )
        })
        .collect();
    assert_eq!(found, wanted);
}

fn assert_hash(client: &mut Client, key: &[u8], wanted: &Value) {
    let mut found = pairs(&ask(client, &[b"HGETALL", key]));
    let pairs = items(&wanted["value"]).iter();
    let mut pairs: Vec<_> = pairs
        .map(|pair| (decoded(&pair[0]), decoded(&pair[1])))
        .collect();
    found.sort();
    pairs.sort();
    assert_eq!(found, pairs);
    for pair in wanted["field_expiretime_ms"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let expiry = ask(
            client,
            &[b"HPEXPIRETIME", key, b"FIELDS", b"1", &decoded(&pair[0])],
        );
        assert_eq!(Some(expiry.items()[0].integer()), pair[1].as_i64());
    }
}

fn field(reply: &Reply, name: &str) -> Reply {
    let mut pairs = reply.items().chunks(2);
    let found = pairs.find(|pair| pair[0].text() == name);
    found.expect("a field")[1].clone()
}

fn assert_stream(client: &mut Client, key: &[u8], wanted: &Value) {
    let found = ask(client, &[b"XRANGE", key, b"-", b"+"]);
    assert_eq!(found.items().len(), items(&wanted["value"]).len());
    for (found, wanted) in found.items().iter().zip(items(&wanted["value"])) {
        assert_eq!(Some(&*found.items()[0].text()), wanted[0].as_str());
        let fields = items(&wanted[1]).iter();
        let fields: Vec<_> = fields
            .map(|pair| (decoded(&pair[0]), decoded(&pair[1])))
            .collect();
        assert_eq!(pairs(&found.items()[1]), fields);
    }
    let info = ask(client, &[b"XINFO", b"STREAM", key]);
    for (ours, theirs) in [
        ("last-generated-id", "last_id"),
        ("max-deleted-entry-id", "max_deleted_id"),
    ] {
        assert_eq!(Some(&*field(&info, ours).text()), wanted[theirs].as_str());
    }
    assert_eq!(
        Some(field(&info, "entries-added").integer()),
        wanted["entries_added"].as_i64()
    );
    let groups = ask(client, &[b"XINFO", b"GROUPS", key]);
    assert_eq!(groups.items().len(), items(&wanted["groups"]).len());
    for (found, wanted) in groups.items().iter().zip(items(&wanted["groups"])) {
        let name = wanted["name"].as_str().expect("a name");
        assert_eq!(field(found, "name").text(), name);
        assert_eq!(
            Some(&*field(found, "last-delivered-id").text()),
            wanted["last"].as_str()
        );
        let pending = ask(
            client,
            &[b"XPENDING", key, name.as_bytes(), b"-", b"+", b"100000"],
        );
        assert_eq!(pending.items().len(), items(&wanted["pending"]).len());
        for (found, wanted) in pending.items().iter().zip(items(&wanted["pending"])) {
            let found = found.items();
            assert_eq!(Some(&*found[0].text()), wanted[0].as_str());
            assert_eq!(Some(&*found[1].text()), wanted[1].as_str());
            assert_eq!(Some(found[3].integer()), wanted[2].as_i64());
        }
    }
}

fn assert_everything(server: &Server) {
    let mut client = server.connect();
    for (database, keys) in expected().as_object().expect("databases") {
        assert_eq!(client.line(&format!("SELECT {database}")).text(), "OK");
        let keys = keys.as_object().expect("keys");
        for (key, wanted) in keys {
            let key = BASE64_STANDARD.decode(key).expect("base64");
            assert_key(&mut client, &key, wanted);
        }
        let mut found = keyspace::keys(&mut client);
        // Made after what is expected was read.
        found.retain(|key| key != b"after:rewrite");
        assert_eq!(found.len(), keys.len());
    }
    client.line("SELECT 0");
    assert_eq!(client.line("FCALL volume_ping 0").text(), "pong");
    assert_eq!(client.line("GET after:rewrite").text(), "in the incr file");
}

fn on_volume(kind: Kind, flags: &[&str]) -> Server {
    let flags = [flags, &["--enable-debug-command", "yes"]].concat();
    Server::start_on(kind, &flags, |dir| copy(Path::new(VOLUME), dir))
}

#[test]
fn a_volume_of_redis_7_is_opened_from_its_log_and_from_its_snapshot() {
    for flags in [&["--appendonly", "yes"][..], &["--appendonly", "no"]] {
        let [mut keytag, redis] = [Kind::Keytag, Kind::Oracle].map(|kind| on_volume(kind, flags));
        assert_everything(&keytag);
        let [ours, theirs] = [&keytag, &redis].map(|server| {
            let mut client = server.connect();
            (
                client.line("DEBUG DIGEST").text(),
                keyspace::read(&mut client),
            )
        });
        assert_eq!(ours.0, theirs.0);
        keyspace::assert_same(&theirs.1, &ours.1, "as Redis reads it");
        keytag.restart();
        assert_everything(&keytag);
    }
}
