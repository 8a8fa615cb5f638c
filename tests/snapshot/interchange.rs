//! Files written here and read by Redis.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::data::{self, Fields};
use super::wait_for_background;
use crate::support::tools::run;
use crate::support::{Client, Kind, Reply, Server, seed};

const DEBUG: &[&str] = &["--enable-debug-command", "yes"];

fn fill(client: &mut Client, lines: &[String]) {
    for lines in lines.chunks(200) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for (line, reply) in lines.iter().zip(client.pipeline(&lines)) {
            assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply}");
        }
    }
    client.line("SELECT 0");
}

fn digest(client: &mut Client) -> String {
    client.line("DEBUG DIGEST").text()
}

/// What a server makes of the file in `dir`.
fn digest_of(kind: Kind, dir: &Path) -> String {
    let server = Server::start_on(kind, DEBUG, |own| {
        std::fs::copy(dir.join("dump.rdb"), own.join("dump.rdb")).expect("there is a file");
    });
    digest(&mut server.connect())
}

fn assert_is_accepted(dir: &Path) {
    let mut check = Command::new("redis-check-rdb");
    let finished = run(check.arg(dir.join("dump.rdb")), Duration::from_secs(60));
    let is_accepted = finished.output.contains("\\o/ RDB looks OK! \\o/");
    assert!(is_accepted, "{}", finished.output);
}

fn version_of(dir: &Path) -> Vec<u8> {
    let file = std::fs::read(dir.join("dump.rdb")).expect("there is a file");
    file[..9].to_vec()
}

#[test]
fn redis_7_0_reads_what_is_saved() {
    for flags in [
        &[][..],
        &["--rdbcompression", "no", "--rdbchecksum", "no"],
        &[
            "--list-compress-depth",
            "1",
            "--list-max-listpack-size",
            "30",
        ],
        &["--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb"],
        &["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "1gb"],
    ] {
        let mut rng = fastrand::Rng::with_seed(seed());
        let server = Server::keytag(&[DEBUG, flags].concat());
        let mut client = server.connect();
        fill(&mut client, &data::lines(&mut rng, 300, Fields::Stay));
        assert_eq!(client.line("SAVE").to_string(), "OK");
        assert_eq!(version_of(&server.dir()), b"REDIS0010");
        let digest = digest(&mut client);
        assert_eq!(digest_of(Kind::Stock, &server.dir()), digest);
        assert_eq!(digest_of(Kind::Oracle, &server.dir()), digest);
        assert_is_accepted(&server.dir());
    }
}

#[test]
fn redis_7_4_reads_fields_that_expire() {
    let mut rng = fastrand::Rng::with_seed(seed());
    let server = Server::keytag(DEBUG);
    let mut client = server.connect();
    fill(&mut client, &data::lines(&mut rng, 300, Fields::Expire));
    client.line("HSET h a 1 b 2");
    client.line("HPEXPIREAT h 4000000000000 FIELDS 1 a");
    assert_eq!(client.line("SAVE").to_string(), "OK");
    assert_eq!(version_of(&server.dir()), b"REDIS0012");
    assert_eq!(digest_of(Kind::Oracle, &server.dir()), digest(&mut client));
    // Once nothing has an expiry any more it is a file for everybody.
    client.line("FLUSHALL");
    client.line("HSET h a 1 b 2");
    client.line("HPEXPIREAT h 4000000000000 FIELDS 1 a");
    client.line("HPERSIST h FIELDS 1 a");
    assert_eq!(client.line("OBJECT ENCODING h").text(), "listpackex");
    assert_eq!(client.line("SAVE").to_string(), "OK");
    assert_eq!(version_of(&server.dir()), b"REDIS0010");
    assert_eq!(digest_of(Kind::Stock, &server.dir()), digest(&mut client));
}

#[test]
fn large_collections_are_whole() {
    let server = Server::keytag(DEBUG);
    let mut client = server.connect();
    let mut lines = vec!["SET small 1".to_owned()];
    for from in (0..60_000).step_by(500) {
        let each = |word: fn(usize) -> String| -> String {
            let words: Vec<String> = (from..from + 500).map(word).collect();
            words.join(" ")
        };
        lines.push(format!("RPUSH list {}", each(|it| format!("element:{it}"))));
        lines.push(format!("SADD set {}", each(|it| format!("member:{it}"))));
        lines.push(format!(
            "HSET hash {}",
            each(|it| format!("field:{it} value:{it}"))
        ));
        lines.push(format!(
            "ZADD zset {}",
            each(|it| format!("{} member:{it}", it % 977))
        ));
        for it in from..from + 100 {
            lines.push(format!("XADD stream {}-1 field value:{it}", it + 1));
        }
    }
    lines.push("HPEXPIREAT hash 4000000000000 FIELDS 2 field:7 field:8".to_owned());
    fill(&mut client, &lines);
    assert_eq!(client.line("SAVE").to_string(), "OK");
    assert_eq!(digest_of(Kind::Oracle, &server.dir()), digest(&mut client));
}

/// Redis passes over what it does not know.
#[test]
fn tags_do_not_keep_redis_from_reading() {
    let server = Server::keytag(DEBUG);
    let mut client = server.connect();
    client.line("SET a 1 PXAT 4000000000000 TAGS 2 user \"team \\x00\"");
    client.line("SADD b x");
    client.line("TAGADD b user");
    client.line("SET dead 1 TAGS 1 gone");
    client.line("TAGINVALIDATE gone");
    assert_eq!(client.line("SAVE").to_string(), "OK");
    let digest = digest(&mut client);
    assert_eq!(digest_of(Kind::Oracle, &server.dir()), digest);
    assert_eq!(digest_of(Kind::Stock, &server.dir()), digest);
    assert_is_accepted(&server.dir());
    let file = std::fs::read(server.dir().join("dump.rdb")).expect("there is a file");
    let holds = |text: &[u8]| file.windows(text.len()).any(|it| it == text);
    assert!(holds(b"keytag-tags\x0c\x04user\x06team \0"));
    assert!(!holds(b"dead"));
}

#[test]
fn functions_are_in_it() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let library = "#!lua name=lib\nredis.register_function('f', function() return 'called' end)";
    assert_eq!(client.call(&["FUNCTION", "LOAD", library]).text(), "lib");
    assert_eq!(client.line("SAVE").to_string(), "OK");
    for kind in [Kind::Oracle, Kind::Stock] {
        let redis = Server::start_on(kind, &[], |own| {
            std::fs::copy(server.dir().join("dump.rdb"), own.join("dump.rdb")).expect("a file");
        });
        assert_eq!(redis.connect().line("FCALL f 0").text(), "called");
    }
}

#[test]
fn what_is_known_of_accesses_is_told_to_redis() {
    for (policy, command) in [("allkeys-lru", "IDLETIME"), ("allkeys-lfu", "FREQ")] {
        let flags = ["--maxmemory-policy", policy, "--maxmemory", "1gb"];
        let server = Server::keytag(&flags);
        let mut client = server.connect();
        let past = match command {
            "FREQ" => "77",
            _ => "5000",
        };
        client.line("SET k v");
        let Reply::Bulk(payload) = client.line("DUMP k") else {
            panic!("it is there")
        };
        client.line("DEL k");
        let restored = client.call(&[
            &b"RESTORE"[..],
            b"k",
            b"0",
            &payload,
            command.as_bytes(),
            past.as_bytes(),
        ]);
        assert_eq!(restored.to_string(), "OK");
        client.line("BGSAVE");
        wait_for_background(&server, &mut client);
        let oracle = Server::start_on(Kind::Oracle, &flags, |own| {
            std::fs::copy(server.dir().join("dump.rdb"), own.join("dump.rdb")).expect("a file");
        });
        let told = oracle
            .connect()
            .line(&format!("OBJECT {command} k"))
            .integer();
        let past: i64 = past.parse().expect("a number");
        assert!((past - 1..past + 60).contains(&told), "{command}: {told}");
    }
}
