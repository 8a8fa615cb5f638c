//! What `DUMP` gives: the bytes of Redis, and what Redis takes.

use crate::snapshot::data::{self, Fields};
use crate::support::words::{quote, split};
use crate::support::{Client, Kind, Reply, Server, keyspace, seed, transcript};

#[test]
fn dump_gives_nil_for_no_key_and_bytes_for_any_type() {
    transcript(
        r#"
        > DUMP none
        (nil)
        > SET k 10
        OK
        > DUMP k
        "\x00\xc0\n\x0c\x00\xa5\xe9c\x85\xf4\x84\xfd\xf2"
        > DUMP
        (error) ERR wrong number of arguments for 'dump' command
        > DUMP k k
        (error) ERR wrong number of arguments for 'dump' command
        "#,
    );
}

/// Says the lines to both, in one go.
fn fill(servers: &mut [Client], lines: &[String]) {
    for lines in lines.chunks(200) {
        for client in &mut *servers {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            for (line, reply) in lines.iter().zip(client.pipeline(&lines)) {
                let is_refused = matches!(reply, Reply::Error(_));
                assert!(!is_refused, "{line}: {reply}");
            }
        }
    }
}

/// Whether the same value gives the same bytes everywhere.
fn is_determined(client: &mut Client, key: &[u8]) -> bool {
    let encoding = client.call(&[&b"OBJECT"[..], b"ENCODING", key]).text();
    match encoding.as_str() {
        "hashtable" => false,
        // A consumer keeps the time it was seen at.
        "stream" => client
            .call(&[&b"XINFO"[..], b"GROUPS", key])
            .items()
            .is_empty(),
        _ => true,
    }
}

/// What a key is dumped as.
fn dumped(client: &mut Client, key: &[u8]) -> Vec<u8> {
    /// A packed hash with expiries: the type, when the first is due, and the rest up to the checksum.
    const HASH_LISTPACK_EX: u8 = 25;
    let Reply::Bulk(mut payload) = client.call(&[&b"DUMP"[..], key]) else {
        panic!("{} is there", quote(key));
    };
    if payload[0] == HASH_LISTPACK_EX {
        // Redis tells when it means to look for it next, which may be seconds beside it.
        payload.drain(1..9);
        payload.truncate(payload.len() - 8);
    }
    payload
}

/// Compares what both dump, key by key; how many were the same bytes.
fn compare(ours: &mut Client, theirs: &mut Client) -> usize {
    let mut same = 0;
    for database in 0..16 {
        for client in [&mut *ours, &mut *theirs] {
            client.line(&format!("SELECT {database}"));
        }
        for key in keyspace::keys(theirs) {
            if !is_determined(theirs, &key) {
                continue;
            }
            let (our, their) = (dumped(ours, &key), dumped(theirs, &key));
            assert!(our == their, "{}: {our:x?}\n{their:x?}", quote(&key));
            same += 1;
        }
    }
    same
}

#[test]
fn dumps_are_the_bytes_of_redis() {
    let fields = [Fields::Stay, Fields::Expire, Fields::Expire];
    let flags = [
        &[][..],
        &[
            "--list-max-listpack-size",
            "20",
            "--list-compress-depth",
            "1",
        ],
        &["--rdbcompression", "no", "--stream-node-max-entries", "10"],
    ];
    for (flags, fields) in flags.into_iter().zip(fields) {
        let mut rng = fastrand::Rng::with_seed(seed());
        let (keytag, oracle) = (Server::keytag(flags), Server::start(Kind::Oracle, flags));
        let mut clients = [keytag.connect(), oracle.connect()];
        fill(&mut clients, &data::lines(&mut rng, 300, fields));
        let [mut ours, mut theirs] = clients;
        assert!(compare(&mut ours, &mut theirs) > 100);
    }
}

#[test]
fn redis_restores_what_is_dumped() {
    let mut rng = fastrand::Rng::with_seed(seed());
    let flags = &["--enable-debug-command", "yes"];
    let (keytag, oracle) = (Server::keytag(flags), Server::start(Kind::Oracle, flags));
    let mut ours = [keytag.connect()];
    let lines = data::lines(&mut rng, 300, Fields::Expire);
    fill(&mut ours, &lines);
    let [mut ours] = ours;
    let mut theirs = oracle.connect();
    for database in 0..16 {
        for client in [&mut ours, &mut theirs] {
            client.line(&format!("SELECT {database}"));
        }
        for key in keyspace::keys(&mut ours) {
            let payload = match ours.call(&[&b"DUMP"[..], &key]) {
                Reply::Bulk(payload) => payload,
                other => panic!("{}: {other}", quote(&key)),
            };
            let expiry = ours.call(&[&b"PEXPIRETIME"[..], &key]).integer().max(0);
            let mut restore = split("RESTORE");
            restore.extend([key.clone(), expiry.to_string().into_bytes(), payload]);
            restore.push(b"ABSTTL".to_vec());
            assert_eq!(theirs.call(&restore).to_string(), "OK", "{}", quote(&key));
        }
    }
    let digest = |client: &mut Client| client.line("DEBUG DIGEST").text();
    assert_eq!(digest(&mut ours), digest(&mut theirs));
}

#[test]
fn tags_and_compression_at_rest_do_not_show_in_a_dump() {
    transcript(
        r#"
        # keytag-only
        # flags --compression-threshold 100
        > SET k 10 TAGS 1 t
        OK
        > DUMP k
        "\x00\xc0\n\x0c\x00\xa5\xe9c\x85\xf4\x84\xfd\xf2"
        "#,
    );
    let text = "packed at rest ".repeat(100);
    let dumps = ["0", "100"].map(|threshold| {
        let server = Server::keytag(&["--compression-threshold", threshold]);
        let mut client = server.connect();
        client.call(&["SET", "k", &text]);
        client.call(&["DUMP", "k"])
    });
    assert_eq!(dumps[0], dumps[1]);
}
