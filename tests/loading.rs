//! What is loaded at start: a real volume, snapshots with everything there is, and damaged ones.

mod threads;
mod volume;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use storage::rdb::crc64::crc64;

use crate::support::{Client, Kind, Server, transcript};

/// Every type in every form that Redis 7.4.1 writes.
const ALL_TYPES: &[u8] = include_bytes!("../storage/src/rdb/fixtures/all-types.rdb");

/// A file of these entries, with the right checksum.
fn snapshot(body: &[u8]) -> Vec<u8> {
    let mut file = [&b"REDIS0012"[..], body, b"\xff"].concat();
    file.extend(crc64(&file).to_le_bytes());
    file
}

fn put(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    std::fs::write(path, bytes).expect("a file");
}

/// Starts both servers on a directory with these files.
fn both(flags: &[&str], files: &[(&str, &[u8])]) -> [Server; 2] {
    [Kind::Keytag, Kind::Oracle].map(|kind| {
        Server::start_on(kind, flags, |dir| {
            files.iter().for_each(|(name, bytes)| put(dir, name, bytes));
        })
    })
}

/// What is said of loading, without the moment.
fn told(server: &Server) -> Vec<String> {
    let said = |line: &str| {
        Some(
            line.split_once(" * ")
                .or(line.split_once(" # "))?
                .1
                .to_owned(),
        )
    };
    let log = server.log();
    let lines = log.lines().filter_map(said);
    let lines = lines.filter(|line| line.contains("RDB") || line.contains("DB loaded"));
    // How old a file is and how long it takes varies.
    let varies = |it: &str| it.starts_with("RDB age") || it.contains(" seconds");
    lines
        .map(|line| match varies(&line) {
            true => line
                .split(|it: char| it.is_ascii_digit())
                .next()
                .unwrap_or("")
                .to_owned(),
            false => line,
        })
        .collect()
}

#[test]
fn a_snapshot_is_loaded_as_redis_loads_it() {
    let files = [("dump.rdb", ALL_TYPES)];
    let flags = ["--enable-debug-command", "yes"];
    let servers = both(&flags, &files);
    assert_eq!(told(&servers[0]), told(&servers[1]));
    let [ours, theirs] = servers.each_ref().map(|server| {
        let mut client = server.connect();
        let figures = [
            "rdb_last_load_keys_loaded",
            "rdb_last_load_keys_expired",
            "loading",
        ];
        let figures = figures.map(|field| client.info_number(field));
        (
            figures,
            client.line("DEBUG DIGEST").text(),
            client.line("DBSIZE").integer(),
        )
    });
    assert_eq!(ours, theirs);
    assert_eq!(ours.0, [20, 0, 0]);
}

#[test]
fn the_base_of_a_log_is_loaded_as_redis_loads_it() {
    let incr =
        b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n*3\r\n$5\r\nRPUSH\r\n$4\r\nlist\r\n$1\r\nx\r\n";
    let manifest = b"file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    let files = [
        ("appendonlydir/appendonly.aof.manifest", &manifest[..]),
        ("appendonlydir/appendonly.aof.1.base.rdb", ALL_TYPES),
        ("appendonlydir/appendonly.aof.1.incr.aof", incr),
    ];
    assert_loaded_alike(&files, 20);
    // A single file of Redis up to version 6 begins with the snapshot.
    let single = [ALL_TYPES, incr].concat();
    assert_loaded_alike(&[("appendonly.aof", &single)], 20);
    // One that has expired stays in a base, until the log says that it goes.
    let expired = snapshot(b"\xfc\x01\0\0\0\0\0\0\0\0\x01k\x01v\0\x01l\x01v");
    assert_loaded_alike(&[("appendonly.aof", &expired)], 2);
}

fn assert_loaded_alike(files: &[(&str, &[u8])], keys: i64) {
    let flags = ["--appendonly", "yes", "--enable-debug-command", "yes"];
    let mut servers = both(&flags, files);
    assert_eq!(told(&servers[0]), told(&servers[1]));
    let digests = |servers: &[Server; 2]| {
        servers.each_ref().map(|server| {
            let mut client = server.connect();
            assert_eq!(client.info_number("rdb_last_load_keys_loaded"), keys);
            client.line("SET more 1");
            client.line("DEBUG DIGEST").text()
        })
    };
    let [ours, theirs] = digests(&servers);
    assert_eq!(ours, theirs);
    servers.iter_mut().for_each(Server::restart);
    let [again, theirs] = digests(&servers);
    assert_eq!((&again, &again), (&ours, &theirs));
}

#[test]
fn keys_that_have_expired_or_hold_nothing_are_left_out() {
    let past = b"\xfc\x01\0\0\0\0\0\0\0\0\x04past\x01v";
    let body = [
        &past[..],
        b"\x01\x05empty\0",
        b"\xfd\xff\xff\xff\x7f\0\x01k\x01v",
    ]
    .concat();
    let servers = both(&[], &[("dump.rdb", &snapshot(&body))]);
    assert_eq!(told(&servers[0]), told(&servers[1]));
    for server in &servers {
        let mut client = server.connect();
        assert_eq!(client.line("KEYS *").items().len(), 1);
        assert_eq!(client.line("EXPIRETIME k").integer(), i64::from(i32::MAX));
        assert_eq!(client.info_number("rdb_last_load_keys_expired"), 1);
        assert_eq!(client.info_number("rdb_last_load_keys_loaded"), 1);
    }
}

/// Starts on a snapshot that is refused, and gives the log.
fn refused(kind: Kind, flags: &[&str], bytes: &[u8]) -> String {
    let mut server = Server::prepared(kind, flags, |dir| put(dir, "dump.rdb", bytes));
    let status = server.run_to_end();
    assert_eq!(status.code(), Some(1), "{}", server.log());
    let after = std::fs::read(server.dir().join("dump.rdb")).expect("it is still there");
    assert_eq!(after, bytes);
    server.log()
}

#[test]
fn a_bad_snapshot_is_refused_in_the_words_of_redis() {
    let changed = [&ALL_TYPES[..300], &[ALL_TYPES[300] ^ 1], &ALL_TYPES[301..]].concat();
    let summed = ALL_TYPES.len() - 8;
    let sum = u64::from_le_bytes(ALL_TYPES[summed..].try_into().expect("eight bytes"));
    let found = crc64(&changed[..summed]);
    let wrong =
        format!("Wrong RDB checksum expected: ({found:x}) but got ({sum:x}). Aborting now.");
    let short = "Short read or OOM loading DB. Unrecoverable error, aborting now.";
    let many = "FATAL: Data file was created with a Redis server configured to handle more than 16 databases. Exiting";
    let cases: [(&[u8], &str); 11] = [
        (&changed, &wrong),
        (&ALL_TYPES[..100], short),
        (&ALL_TYPES[..summed], short),
        (&ALL_TYPES[..5], short),
        (b"", short),
        (
            b"this is no snapshot",
            "Wrong signature trying to load DB from file",
        ),
        (b"REDIS0013\xff", "Can't handle RDB format version 13"),
        (b"REDISabcd\xff", "Can't handle RDB format version 0"),
        (&snapshot(b"\xfe\x40\x63\0\x01k\x01v"), many),
        (
            &snapshot(b"\x10\x01k\x01v"),
            "Listpack integrity check failed.",
        ),
        (
            &snapshot(b"\0\x01k\x01v\0\x01k\x01v"),
            "RDB has duplicated key 'k' in DB 0",
        ),
    ];
    for (bytes, text) in cases {
        let ours = refused(Kind::Keytag, &[], bytes);
        assert!(ours.contains(text), "{text}: {ours}");
    }
    for (bytes, text) in &cases[..9] {
        let theirs = refused(Kind::Oracle, &[], bytes);
        assert!(theirs.contains(text), "{text}: {theirs}");
    }
}

#[test]
fn a_checksum_may_be_absent_or_not_looked_at() {
    let summed = ALL_TYPES.len() - 8;
    let absent = [&ALL_TYPES[..summed], &[0; 8]].concat();
    let wrong = [&ALL_TYPES[..summed], &[1; 8]].concat();
    for (flags, bytes) in [(&[][..], absent), (&["--rdbchecksum", "no"], wrong)] {
        let servers = both(flags, &[("dump.rdb", &bytes)]);
        assert_eq!(told(&servers[0]), told(&servers[1]));
        assert_eq!(servers[0].connect().line("DBSIZE").integer(), 19);
    }
}

#[test]
fn what_modules_tell_beside_keys_is_left_out() {
    let body = b"\xf7\x81\x11\x11\x11\x11\x11\x11\x11\x11\x02\x02\x05\x03abc\0\0\x01k\x01v";
    let server = Server::start_on(Kind::Keytag, &[], |dir| {
        put(dir, "dump.rdb", &snapshot(body))
    });
    assert!(server.log().contains("no matching module 'ERERERERE'"));
    assert_eq!(server.connect().line("GET k").text(), "v");
    let module = snapshot(b"\x07\x01k\x81\x11\x11\x11\x11\x11\x11\x11\x11\0");
    let log = refused(Kind::Keytag, &[], &module);
    assert!(log.contains("no matching module type 'ERERERERE'"), "{log}");
}

#[test]
fn functions_come_back_from_a_snapshot() {
    let servers = both(&[], &[("dump.rdb", ALL_TYPES)]);
    for server in &servers {
        let mut client = server.connect();
        assert_eq!(client.line("FCALL f 0").integer(), 1);
    }
    let body = b"\xf5\x16#!lua name=x\nnonsense(\0\x01k\x01v";
    let log = refused(Kind::Keytag, &[], &snapshot(body));
    assert!(log.contains("Failed loading library, "), "{log}");
}

#[test]
fn tags_come_back_from_a_snapshot() {
    let tags = b"\xfa\x0bkeytag-tags\x0a\x04user\x04runs";
    let body = [&tags[..], b"\0\x01k\x01v\0\x01l\x01v"].concat();
    let files = [("dump.rdb", &snapshot(&body)[..])];
    // A stock Redis passes over them.
    let [keytag, redis] = both(&[], &files);
    assert_eq!(redis.connect().line("DBSIZE").integer(), 2);
    let mut client = keytag.connect();
    assert_eq!(client.line("TAGLIST k").items().len(), 2);
    assert_eq!(client.line("TAGLIST l").items().len(), 0);
    assert_eq!(client.line("TAGINVALIDATE runs").integer(), 1);
    assert_eq!(client.line("KEYS *").items()[0].text(), "l");
}

#[test]
fn a_damaged_base_is_refused_and_left_alone() {
    let manifest = b"file appendonly.aof.1.base.rdb seq 1 type b\n";
    for bytes in [&ALL_TYPES[..ALL_TYPES.len() - 20], b"REDIS0012", b"REDIS"] {
        let mut server = Server::prepared(Kind::Keytag, &["--appendonly", "yes"], |dir| {
            put(dir, "appendonlydir/appendonly.aof.manifest", manifest);
            put(dir, "appendonlydir/appendonly.aof.1.base.rdb", bytes);
        });
        assert_eq!(server.run_to_end().code(), Some(1));
        assert!(
            server.log().contains("Short read or OOM loading DB"),
            "{}",
            server.log()
        );
        let base = server.dir().join("appendonlydir/appendonly.aof.1.base.rdb");
        assert_eq!(std::fs::read(base).expect("it is still there"), bytes);
    }
}

/// The snapshot is a pipe, so that half of it can be written.
#[test]
fn who_asks_while_files_are_loaded_is_told_so() {
    let mut server = Server::prepared(Kind::Keytag, &[], |dir| {
        mkfifo(&dir.join("dump.rdb"), Mode::S_IRWXU).expect("a pipe");
    });
    server.begin();
    let entries = (0..20_000).flat_map(|it| format!("\0\x05{it:05}\x01v").into_bytes());
    let file = snapshot(&entries.collect::<Vec<u8>>());
    let path = server.dir().join("dump.rdb");
    let mut pipe = File::options().write(true).open(path).expect("a pipe");
    let (half, rest) = file.split_at(file.len() / 2);
    pipe.write_all(half).expect("it is read");
    assert_loading(&mut server.connect_early());
    pipe.write_all(rest).expect("it is read");
    drop(pipe);
    server.wait_until_ready();
    assert_eq!(server.connect().line("DBSIZE").integer(), 20_000);
}

fn assert_loading(client: &mut Client) {
    let text = "(error) LOADING Redis is loading the dataset in memory";
    assert_eq!(client.line("GET k").to_string(), text);
    assert_eq!(client.info_number("loading"), 1);
    for field in [
        "loading_start_time",
        "loading_loaded_bytes",
        "loading_eta_seconds",
        "loading_total_bytes",
        "loading_rdb_used_mem",
    ] {
        assert!(client.info_number(field) >= 0, "{field}");
    }
    assert!(client.info("loading_loaded_perc").is_some());
}

#[test]
fn without_a_snapshot_the_server_begins_empty() {
    transcript(
        "
        > DBSIZE
        (integer) 0
        ",
    );
    // With a log nobody looks at the snapshot.
    let servers = both(&["--appendonly", "yes"], &[("dump.rdb", ALL_TYPES)]);
    for server in servers {
        assert_eq!(server.connect().line("DBSIZE").integer(), 0);
    }
}
