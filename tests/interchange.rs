//! Data sets by chance that go from one server to another: Keytag, Redis 7.4.1, and Redis 7.0.15 as far as it reads
//! what the others write.
//!
//! By snapshot, by the directory of the log and by `DUMP`; with options chosen by chance for each side.
//! `KEYTAG_FULL=1` takes hundreds of data sets.

use std::path::Path;

use fastrand::Rng;

use crate::snapshot::data::{self, Fields};
use crate::support::keyspace::{self, Keyspace};
use crate::support::{Client, Kind, Reply, Server, is_full_run, seed};

/// How many data sets, and about how many keys each has.
fn rounds() -> (usize, usize) {
    match is_full_run() {
        true => (150, 200),
        false => (2, 80),
    }
}

/// Runs a round for each data set, by a seed of its own that is printed before.
fn each_round(round: impl Fn(&mut Rng, usize)) {
    let (count, keys) = rounds();
    let mut seeds = Rng::with_seed(seed());
    for number in 0..count {
        let seed = match number {
            0 => seeds.get_seed(),
            _ => seeds.u64(..),
        };
        println!("round {number}: KEYTAG_SEED={seed}");
        round(&mut Rng::with_seed(seed), keys);
    }
}

/// Options that change how things are held and written.
fn flags(rng: &mut Rng, kind: Kind) -> Vec<String> {
    let mut flags: Vec<String> = ["--enable-debug-command", "yes"]
        .map(str::to_owned)
        .to_vec();
    let mut choose = |name: &str, values: &[&str]| {
        if rng.bool() {
            flags.push(format!("--{name}"));
            flags.push(values[rng.usize(..values.len())].to_owned());
        }
    };
    choose("rdbcompression", &["yes", "no"]);
    choose("rdbchecksum", &["yes", "no"]);
    choose(
        "list-max-listpack-size",
        &["-1", "-2", "-5", "1", "3", "128"],
    );
    choose("list-compress-depth", &["0", "1", "2"]);
    choose("hash-max-listpack-entries", &["0", "4", "128", "1000"]);
    choose("hash-max-listpack-value", &["4", "64", "300"]);
    choose("set-max-intset-entries", &["0", "4", "512"]);
    choose("zset-max-listpack-entries", &["0", "4", "128"]);
    choose("zset-max-listpack-value", &["4", "64"]);
    choose("stream-node-max-entries", &["1", "3", "100"]);
    choose("stream-node-max-bytes", &["100", "4096"]);
    choose("aof-use-rdb-preamble", &["yes", "no"]);
    choose("maxmemory-policy", &["allkeys-lru", "allkeys-lfu"]);
    if kind != Kind::Stock {
        choose("set-max-listpack-entries", &["0", "4", "128"]);
        choose("set-max-listpack-value", &["4", "64"]);
    }
    if kind == Kind::Keytag {
        choose("compression-threshold", &["0", "100"]);
    }
    flags
}

fn start(kind: Kind, flags: &[String], prepare: impl FnOnce(&Path)) -> Server {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Server::start_on(kind, &flags, prepare)
}

fn fill(client: &mut Client, lines: &[String]) {
    for lines in lines.chunks(200) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for (line, reply) in lines.iter().zip(client.pipeline(&lines)) {
            assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply}");
        }
    }
}

/// All that a server holds.
struct Portrait {
    digest: String,
    keyspace: Keyspace,
    libraries: String,
    /// All that is known of streams, with the times of consumers.
    streams: Vec<(usize, Vec<u8>, String)>,
}

impl Portrait {
    fn of(client: &mut Client) -> Portrait {
        let digest = client.line("DEBUG DIGEST").text();
        let keyspace = keyspace::read(client);
        let mut streams = Vec::new();
        for ((database, key), _) in keyspace.iter().filter(|(_, it)| it.kind == "stream") {
            client.line(&format!("SELECT {database}"));
            let command: [&[u8]; 6] = [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"];
            let full = client.call(&command).to_string();
            streams.push((*database, key.clone(), full));
        }
        client.line("SELECT 0");
        let libraries = client.line("FUNCTION LIST WITHCODE").sorted().to_string();
        Portrait {
            digest,
            keyspace,
            libraries,
            streams,
        }
    }

    /// Leaves out when consumers were last there: commands of a log do not say that.
    fn without_times(mut self) -> Portrait {
        for (.., full) in &mut self.streams {
            let mut is_time = false;
            let untimed = full.lines().filter(|line| {
                let was_time = is_time;
                is_time = line.ends_with("-time\"");
                !was_time
            });
            *full = untimed.collect::<Vec<_>>().join("\n");
        }
        self
    }

    /// Says of keys that they expire, not when: `MIGRATE` says how long they have, whatever the way takes.
    fn without_moments(mut self) -> Portrait {
        for entry in self.keyspace.values_mut() {
            entry.expires_at_ms = entry.expires_at_ms.min(0);
        }
        self
    }

    /// Asserts that it shows the same data set, in whatever form.
    fn assert_holds_what(&self, other: &Portrait, whose: &str) {
        let plain = |portrait: &Portrait| {
            let mut keyspace = portrait.keyspace.clone();
            keyspace.values_mut().for_each(|it| it.encoding.clear());
            keyspace
        };
        let (mine, theirs) = (plain(self), plain(other));
        for (at, entry) in &theirs {
            assert_eq!(mine.get(at), Some(entry), "{whose}: {at:?}");
        }
        assert_eq!(mine.len(), theirs.len(), "{whose}");
        assert_eq!(self.digest, other.digest, "{whose}");
        assert_eq!(self.libraries, other.libraries, "{whose}");
    }

    /// Asserts that it shows the same in the same form.
    fn assert_is(&self, other: &Portrait, whose: &str) {
        for (at, entry) in &other.keyspace {
            assert_eq!(self.keyspace.get(at), Some(entry), "{whose}: {at:?}");
        }
        for (mine, theirs) in self.streams.iter().zip(&other.streams) {
            assert_eq!(mine, theirs, "{whose}");
        }
        self.assert_holds_what(other, whose);
    }
}

/// Where something is read from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A snapshot of Keytag, which knows when consumers were active; Redis passes over that.
    Own,
    Snapshot,
    Log,
}

impl Source {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Source::Own | Source::Snapshot => &[],
            Source::Log => &["--appendonly", "yes"],
        }
    }
}

/// Lets Keytag, Redis 7.4.1 and perhaps Redis 7.0.15 read what is there: all of them the same, and the first two in the
/// same form.
fn assert_readable(
    rng: &mut Rng,
    source: Source,
    is_for_stock: bool,
    written: Option<&Portrait>,
    prepare: impl Fn(&Path),
) {
    // Options that both know.
    let mut options = flags(rng, Kind::Oracle);
    options.extend(source.flags().iter().map(ToString::to_string));
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let reader = start(kind, &options, &prepare);
        Portrait::of(&mut reader.connect())
    });
    if let (Source::Own, Some(written)) = (source, written) {
        assert_eq!(ours.streams, written.streams);
    }
    let [ours, theirs] = [ours, theirs].map(|portrait| match source {
        Source::Snapshot => portrait,
        Source::Own | Source::Log => portrait.without_times(),
    });
    if let Some(written) = written {
        theirs.assert_holds_what(written, "Redis 7.4.1");
    }
    ours.assert_is(&theirs, "Keytag, beside Redis 7.4.1");
    if is_for_stock && let Some(written) = written {
        let mut options = flags(rng, Kind::Stock);
        options.extend(source.flags().iter().map(ToString::to_string));
        let reader = start(Kind::Stock, &options, &prepare);
        Portrait::of(&mut reader.connect()).assert_holds_what(written, "Redis 7.0.15");
    }
}

/// Half of the data sets may have fields that expire, which Redis 7.0.15 does not know.
fn fields(rng: &mut Rng, kind: Kind) -> Fields {
    match kind != Kind::Stock && rng.bool() {
        true => Fields::Expire,
        false => Fields::Stay,
    }
}

fn snapshots(rng: &mut Rng, keys: usize, kind: Kind) {
    let fields = fields(rng, kind);
    let writer = start(kind, &flags(rng, kind), |_| {});
    let mut client = writer.connect();
    fill(&mut client, &data::lines(rng, keys, fields));
    assert_eq!(client.line("SAVE").to_string(), "OK");
    let written = Portrait::of(&mut client);
    let is_for_stock = kind == Kind::Keytag && fields == Fields::Stay;
    let source = match kind {
        Kind::Keytag => Source::Own,
        Kind::Oracle | Kind::Stock => Source::Snapshot,
    };
    let written = Some(&written).filter(|_| kind != Kind::Stock);
    assert_readable(rng, source, is_for_stock, written, |dir| {
        std::fs::copy(writer.dir().join("dump.rdb"), dir.join("dump.rdb")).expect("it is saved");
    });
}

fn copy_log(from: &Path, to: &Path) {
    let (from, to) = (from.join("appendonlydir"), to.join("appendonlydir"));
    std::fs::create_dir(&to).expect("a directory");
    for file in std::fs::read_dir(from).expect("there is a log") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}

/// Whether the base of the log consists of commands.
fn has_commands(dir: &Path) -> bool {
    let files = std::fs::read_dir(dir.join("appendonlydir")).expect("there is a log");
    let mut names = files.map(|file| file.expect("a file").file_name());
    names.any(|name| name.to_string_lossy().ends_with(".base.aof"))
}

fn logs(rng: &mut Rng, keys: usize, kind: Kind) {
    let fields = fields(rng, kind);
    let mut options = flags(rng, kind);
    options.extend(Source::Log.flags().iter().map(ToString::to_string));
    let mut writer = start(kind, &options, |_| {});
    let mut client = writer.connect();
    let lines = data::lines(rng, keys, fields);
    let (before, after) = lines.split_at(rng.usize(..lines.len()));
    fill(&mut client, before);
    client.line("BGREWRITEAOF");
    // The second half comes while the first is written.
    fill(&mut client, after);
    crate::snapshot::wait_until(&writer, "the rewrite does not end", || {
        client.info_number("aof_rewrite_in_progress") + client.info_number("aof_rewrite_scheduled")
            == 0
    });
    assert_eq!(
        client.info("aof_last_bgrewrite_status").as_deref(),
        Some("ok")
    );
    client.line("SELECT 0");
    let written = Portrait::of(&mut client);
    assert!(writer.terminate().success());
    let is_for_stock = kind == Kind::Keytag && fields == Fields::Stay;
    // Commands of Redis lose what is pending of entries that are deleted, and versions do not agree on how far behind a
    // group of an empty stream is; what either makes of it must be the same.
    let is_lossy = match kind {
        Kind::Keytag => false,
        Kind::Oracle => has_commands(&writer.dir()),
        Kind::Stock => true,
    };
    let written = Some(&written).filter(|_| !is_lossy);
    assert_readable(rng, Source::Log, is_for_stock, written, |dir| {
        copy_log(&writer.dir(), dir);
    });
}

/// Takes every key by `DUMP` from a server of one kind to one of another.
fn dumps(rng: &mut Rng, keys: usize, [from, to]: [Kind; 2]) {
    let fields = fields(rng, from);
    let [source, target] = [from, to].map(|kind| start(kind, &flags(rng, kind), |_| {}));
    let [mut source, mut target] = [&source, &target].map(Server::connect);
    fill(&mut source, &data::lines(rng, keys, fields));
    source.line("FUNCTION FLUSH");
    let written = Portrait::of(&mut source);
    for ((database, key), entry) in &written.keyspace {
        for client in [&mut source, &mut target] {
            client.line(&format!("SELECT {database}"));
        }
        let Reply::Bulk(payload) = source.call(&[b"DUMP", key.as_slice()]) else {
            panic!("it is there");
        };
        let expiry = entry.expires_at_ms.max(0).to_string();
        let restored = target.call(&[&b"RESTORE"[..], key, expiry.as_bytes(), &payload, b"ABSTTL"]);
        assert_eq!(restored.to_string(), "OK", "{key:?}");
    }
    target.line("SELECT 0");
    let (whose, restored) = (format!("{from:?} to {to:?}"), Portrait::of(&mut target));
    match from {
        Kind::Stock => assert_eq!(restored.digest, written.digest, "{whose}"),
        Kind::Keytag | Kind::Oracle => restored.assert_holds_what(&written, &whose),
    }
}

/// Hands every key over to a server of another kind by `MIGRATE`, and back.
fn migrations(rng: &mut Rng, keys: usize, [from, to]: [Kind; 2]) {
    let fields = fields(rng, from);
    let servers = [from, to].map(|kind| start(kind, &flags(rng, kind), |_| {}));
    let [mut source, mut target] = [&servers[0], &servers[1]].map(Server::connect);
    fill(&mut source, &data::lines(rng, keys, fields));
    source.line("FUNCTION FLUSH");
    source.line("SELECT 0");
    let written = Portrait::of(&mut source).without_moments();
    let ports = [&servers[0], &servers[1]].map(|it| it.port().to_string());
    for (client, port) in [(&mut source, &ports[1]), (&mut target, &ports[0])] {
        for database in 0..16 {
            client.line(&format!("SELECT {database}"));
            let here = keyspace::keys(client);
            for some in here.chunks(rng.usize(1..100)) {
                let database = database.to_string();
                let mut words: Vec<&[u8]> = vec![b"MIGRATE", b"127.0.0.1", port.as_bytes(), b""];
                words.extend([database.as_bytes(), b"20000", b"KEYS"]);
                words.extend(some.iter().map(Vec::as_slice));
                assert_eq!(client.call(&words).to_string(), "OK");
            }
        }
        client.line("SELECT 0");
        let left = Portrait::of(client);
        assert!(left.keyspace.is_empty(), "{:?}", left.keyspace);
    }
    let whose = format!("{from:?} to {to:?} and back");
    let back = Portrait::of(&mut source).without_moments();
    back.assert_holds_what(&written, &whose);
}

#[test]
fn keys_go_to_redis_and_come_back() {
    each_round(|rng, keys| migrations(rng, keys, [Kind::Keytag, Kind::Oracle]));
}

#[test]
fn keys_come_from_redis_and_go_back() {
    each_round(|rng, keys| migrations(rng, keys, [Kind::Oracle, Kind::Keytag]));
}

#[test]
fn a_snapshot_of_keytag_is_read_by_redis() {
    each_round(|rng, keys| snapshots(rng, keys, Kind::Keytag));
}

#[test]
fn a_snapshot_of_redis_is_read_by_keytag() {
    each_round(|rng, keys| snapshots(rng, keys, Kind::Oracle));
}

#[test]
fn what_an_older_redis_has_is_read_by_keytag() {
    each_round(|rng, keys| {
        snapshots(rng, keys, Kind::Stock);
        logs(rng, keys, Kind::Stock);
        dumps(rng, keys, [Kind::Stock, Kind::Keytag]);
    });
}

#[test]
fn a_log_of_keytag_is_read_by_redis() {
    each_round(|rng, keys| logs(rng, keys, Kind::Keytag));
}

#[test]
fn a_log_of_redis_is_read_by_keytag() {
    each_round(|rng, keys| logs(rng, keys, Kind::Oracle));
}

/// A listpack holds 0 in its place: what becomes of it depends on who has read it how.
#[test]
fn minus_zero_is_read_as_redis_reads_it() {
    let [packed, unpacked] = ["128", "0"].map(|limit| ["--zset-max-listpack-entries", limit]);
    let debug = ["--enable-debug-command", "yes"];
    for kind in [Kind::Keytag, Kind::Oracle] {
        for (written, read) in [(packed, packed), (packed, unpacked), (unpacked, packed)] {
            let writer = Server::start(kind, &written);
            let mut client = writer.connect();
            client.line("ZADD z -0 a -0.0 b 0 c");
            assert_eq!(client.line("SAVE").to_string(), "OK");
            let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
                let reader = Server::start_on(kind, &[debug, read].concat(), |dir| {
                    std::fs::copy(writer.dir().join("dump.rdb"), dir.join("dump.rdb"))
                        .expect("it is saved");
                });
                Portrait::of(&mut reader.connect())
            });
            ours.assert_is(&theirs, "Keytag, beside Redis 7.4.1");
        }
    }
}

#[test]
fn dumped_values_are_restored_by_either() {
    each_round(|rng, keys| {
        dumps(rng, keys, [Kind::Keytag, Kind::Oracle]);
        dumps(rng, keys, [Kind::Oracle, Kind::Keytag]);
    });
}
