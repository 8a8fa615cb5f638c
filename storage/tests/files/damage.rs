//! The damage matrix: a whole directory with one thing wrong in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use storage::aof::{
    BaseFormat, Event, FirstBase, LoadError, Loaded, Location, Log, Manifest, OnDamage, Replay,
    load, write_annotation, write_next, write_record, write_timestamp,
};
use storage::rdb::{self, Decoded, Part, Piece};
use storage::value::Limits;

use crate::campaign::sample;

const SNAPSHOT: &[u8] = include_bytes!("../../src/rdb/fixtures/all-types.rdb");
const BASE: &str = "a.1.base.rdb";
const COMMANDS: &str = "a.1.base.aof";
const INCR: [&str; 2] = ["a.1.incr.aof", "a.2.incr.aof"];
const MANIFEST: &str = "a.manifest";

type Files = BTreeMap<String, Vec<u8>>;

/// A base of every type and two incremental files with tags, times and transactions, in blocks.
fn volume() -> Files {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::new(dir.path(), "d", "a");
    let first = || {
        Ok(FirstBase {
            bytes: SNAPSHOT.to_vec(),
            format: BaseFormat::Rdb,
        })
    };
    let mut log = Log::open(location.clone(), Manifest::default(), first).unwrap();
    for number in 0..2 {
        for block in blocks(number) {
            log.append(&block).unwrap();
        }
        // A rewrite that is given up leaves one more file.
        if number == 0 {
            drop(log.begin_rewrite(None).unwrap());
            log.abort_rewrite();
        }
    }
    drop(log);
    read(location.dir())
}

/// A base of commands and one incremental file, both in blocks.
fn volume_of_commands() -> Files {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::new(dir.path(), "d", "a");
    let mut log = Log::open_staged(location.clone(), Manifest::default()).unwrap();
    let mut base = log.begin_rewrite(None).unwrap();
    for block in blocks(0) {
        base.write_block(&block).unwrap();
    }
    log.commit_rewrite(base.finish().unwrap()).unwrap();
    for block in blocks(1) {
        log.append(&block).unwrap();
    }
    drop(log);
    read(location.dir())
}

fn blocks(number: usize) -> [Vec<u8>; 3] {
    let mut blocks = [const { Vec::new() }; 3];
    let key = |name: &str| format!("{name}:{number}").into_bytes();
    let [first, second, third] = &mut blocks;
    write_timestamp(1_700_000_000, first);
    write_record([&b"SELECT"[..], b"0"], first);
    write_record([&b"SET"[..], &key("k"), b"value"], first);
    write_next([&b"TAGS"[..], b"2", b"a", b"b"], second);
    write_record([&b"SET"[..], &key("tagged"), b"\r\n*1\r\n#"], second);
    write_record([&b"MULTI"[..]], second);
    write_record([&b"SET"[..], &key("both"), b"1"], second);
    write_annotation([&b"TAGADD"[..], &key("both"), b"tag"], second);
    write_record([&b"EXEC"[..]], second);
    write_record([&b"DEL"[..], &key("k")], third);
    blocks
}

fn read(dir: &Path) -> Files {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let named = entries.map(|it| (it.file_name().into_string().unwrap(), it.path()));
    named
        .map(|(name, path)| (name, fs::read(path).unwrap_or_default()))
        .collect()
}

/// A directory with these files.
struct Dir {
    _dir: tempfile::TempDir,
    location: Location,
}

/// What a start makes of a directory.
struct Start {
    /// What has been handed over, in order.
    events: Vec<String>,
    loaded: Result<Loaded, LoadError<rdb::Error>>,
    manifest: Manifest,
}

impl Dir {
    fn with(files: &Files) -> Dir {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::new(dir.path(), "d", "a");
        fs::create_dir(location.dir()).unwrap();
        for (name, bytes) in files {
            fs::write(location.dir().join(name), bytes).unwrap();
        }
        Dir {
            _dir: dir,
            location,
        }
    }

    fn files(&self) -> Files {
        read(self.location.dir())
    }

    fn start(&self, on_damage: OnDamage) -> Start {
        let mut events = Vec::new();
        let mut manifest = Manifest::read(&self.location).unwrap().unwrap_or_default();
        let loaded = load(&self.location, &mut manifest, &on_damage.into(), |event| {
            show(event, &mut events)
        });
        Start {
            events,
            loaded,
            manifest,
        }
    }
}

fn show(event: Event<'_>, events: &mut Vec<String>) -> Result<(), rdb::Error> {
    match event {
        Event::Replay { replay, .. } => events.push(match replay {
            Replay::Request(request) => format!("{request:?}"),
            Replay::Transaction(requests) => format!("{requests:?}"),
        }),
        Event::Part { part, .. } => match part {
            Part::Run(run) => {
                let mut reader = rdb::Reader::of_run(&run, Limits::default());
                while let Some(piece) = reader.next_piece()? {
                    events.push(shown(piece));
                }
            }
            Part::Piece(piece) => events.push(shown(piece)),
        },
        Event::File { .. } | Event::Loaded { .. } | Event::Done { .. } => {}
    }
    Ok(())
}

fn shown(piece: Piece<'_>) -> String {
    let Piece::Entry(record) = piece else {
        return format!("{piece:?}");
    };
    let value = match &record.value {
        Some(Decoded::String(value)) => format!("{value:?}"),
        Some(Decoded::Object(object)) => format!("{object:?}"),
        None => String::new(),
    };
    let key = record.key.escape_ascii();
    format!("{}:{key}={value}@{:?}", record.db, record.expiry_ms)
}

/// What is in one of the incremental files was changed to `damaged`: the longest prefix is loaded that is
/// as it was written, the rest is kept aside, and the log goes on behind it.
fn assert_prefix(volume: &Files, name: &str, damaged: Vec<u8>) {
    let whole = Dir::with(volume).start(OnDamage::Refuse).events;
    let mut files = volume.clone();
    files.insert(name.to_owned(), damaged.clone());
    let dir = Dir::with(&files);
    let found = dir.start(OnDamage::Quarantine);
    let loaded = found.loaded.expect("a damaged log is loaded");
    let is_prefix = whole.starts_with(&found.events);
    assert!(is_prefix, "{:?} is no beginning of {whole:?}", found.events);
    let after = dir.files();
    if loaded.damaged.is_none() {
        // What was hit belongs to nothing, or a file ends earlier behind a whole record.
        assert!(loaded.quarantined.is_empty() && after == files);
    } else {
        // A file that ends early behind a whole record has nothing to be moved, and one that does not fit the
        // file before it nothing to be kept.
        let bytes_of = |name: &str| after.get(name).map_or(&[][..], |bytes| bytes);
        let aside = bytes_of(&format!("{name}.damaged.1"));
        let left = [bytes_of(name), aside].concat();
        match name == COMMANDS {
            true => assert!(is_with_last_line(&left, &damaged, aside.len())),
            false => assert_eq!(left, damaged),
        }
        let are_kept = |(later, bytes): (&String, &Vec<u8>)| {
            later.as_str() <= name || after[&format!("{later}.damaged.1")] == *bytes
        };
        assert!(
            files
                .range(INCR[0].to_owned()..INCR[1].to_owned() + "~")
                .all(are_kept)
        );
    }
    let mut log = Log::open(dir.location.clone(), found.manifest, || {
        panic!("there is a base")
    });
    let mut more = Vec::new();
    write_record([&b"SET"[..], b"more", b"v"], &mut more);
    log.as_mut()
        .expect("the log goes on")
        .append(&more)
        .unwrap();
    let again = dir.start(OnDamage::Refuse);
    again.loaded.expect("what is left is whole");
    let (last, before) = again.events.split_last().expect("the last one at least");
    assert!(last.contains("more"));
    assert_eq!(before, found.events);
}

/// Whether what is left of a base is a beginning of it, perhaps with a last line behind it.
fn is_with_last_line(left: &[u8], damaged: &[u8], aside: usize) -> bool {
    let kept = &damaged[..damaged.len() - aside];
    let line = format!("#KT.{:x}\r\n", kept.len());
    left == damaged || left == [kept, line.as_bytes(), &damaged[kept.len()..]].concat()
}

#[test]
fn a_log_that_is_cut_anywhere_keeps_what_is_whole() {
    let volume = volume();
    for name in INCR {
        let bytes = &volume[name];
        for cut in sample(bytes.len(), 12) {
            assert_prefix(&volume, name, bytes[..cut].to_vec());
        }
    }
}

#[test]
fn a_log_with_zeros_at_its_end_keeps_what_is_whole() {
    let volume = volume();
    for name in INCR {
        let bytes = &volume[name];
        for from in sample(bytes.len() + 1, 10) {
            let mut zeroed = bytes[..from].to_vec();
            zeroed.resize(bytes.len() + 4096, 0);
            assert_prefix(&volume, name, zeroed);
        }
    }
}

#[test]
fn a_log_with_a_flipped_bit_keeps_what_is_before_it() {
    let volume = volume();
    for name in INCR {
        let bytes = &volume[name];
        for bit in sample(bytes.len() * 8, 25) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_prefix(&volume, name, flipped);
        }
    }
}

/// Nothing of a base may be lost, for there is no order in which it was written.
#[test]
fn a_damaged_base_is_refused_and_nothing_is_touched() {
    let volume = volume();
    let base = &volume[BASE];
    let cut = sample(base.len(), 40);
    let cut = cut.into_iter().filter(|&at| at >= b"REDIS".len());
    let cut = cut.map(|at| base[..at].to_vec());
    let zeroed = sample(base.len() - 8, 40).into_iter().skip(5).map(|at| {
        let mut zeroed = base[..at].to_vec();
        zeroed.resize(base.len(), 0);
        zeroed
    });
    // From the first byte behind the version on: an older file has no checksum.
    let flipped = sample((base.len() - 9) * 8, 150).into_iter().map(|bit| {
        let mut flipped = base.clone();
        flipped[9 + bit / 8] ^= 1 << (bit % 8);
        flipped
    });
    for damaged in cut.chain(zeroed).chain(flipped) {
        let mut files = volume.clone();
        files.insert(BASE.to_owned(), damaged);
        let dir = Dir::with(&files);
        for on_damage in [OnDamage::Quarantine, OnDamage::Refuse] {
            let found = dir.start(on_damage);
            let refused = matches!(
                found.loaded,
                Err(LoadError::Snapshot { .. } | LoadError::Apply { .. })
            );
            assert!(refused, "{:?}", found.loaded);
            assert!(!found.events.iter().any(|it| it.contains("SELECT")));
        }
        assert_eq!(dir.files(), files);
    }
}

/// A base of commands has an order, so what is whole of it is kept; what was made on top of it is not.
#[test]
fn a_damaged_base_of_commands_keeps_what_is_whole() {
    let volume = volume_of_commands();
    let base = &volume[COMMANDS];
    // An empty base is what a log without keys begins with.
    for cut in sample(base.len() - 1, 12) {
        assert_prefix(&volume, COMMANDS, base[..=cut].to_vec());
    }
    for bit in sample(base.len() * 8, 25) {
        let mut flipped = base.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_prefix(&volume, COMMANDS, flipped);
    }
}

#[test]
fn a_missing_file_is_found_before_anything_is_loaded() {
    let volume = volume();
    for name in [BASE, INCR[0], INCR[1]] {
        let mut files = volume.clone();
        files.remove(name);
        let dir = Dir::with(&files);
        let found = dir.start(OnDamage::Quarantine);
        assert!(found.events.is_empty());
        let text =
            format!("Unable to obtain the AOF file {name} length. stat: No such file or directory");
        assert_eq!(found.loaded.unwrap_err().to_string(), text);
        assert_eq!(dir.files(), files);
    }
}

/// Nothing that the files hold is lost, whichever of them a new log needs the names of.
#[test]
fn without_a_manifest_all_files_are_kept() {
    let mut files = volume();
    files.remove(MANIFEST);
    let dir = Dir::with(&files);
    assert!(dir.start(OnDamage::Quarantine).events.is_empty());
    let first = || {
        Ok(FirstBase {
            bytes: b"REDIS0003\xff".to_vec(),
            format: BaseFormat::Rdb,
        })
    };
    drop(Log::open(dir.location.clone(), Manifest::default(), first).unwrap());
    let after = dir.files();
    for bytes in files.values() {
        assert!(after.values().any(|it| it == bytes));
    }
}

#[test]
fn a_manifest_with_files_in_other_roles_loses_none() {
    let volume = volume();
    let [first, second] = INCR;
    for (text, is_loaded) in [
        (
            format!("file {first} seq 1 type b\nfile {BASE} seq 1 type i\n"),
            true,
        ),
        (
            format!("file {BASE} seq 1 type i\nfile {first} seq 2 type i\n"),
            true,
        ),
        (
            format!(
                "file {BASE} seq 1 type b\nfile {first} seq 1 type i\nfile {first} seq 2 type i\n"
            ),
            true,
        ),
        (
            format!(
                "file {BASE} seq 1 type b\nfile {BASE} seq 1 type h\nfile {first} seq 1 type i\n"
            ),
            true,
        ),
        (
            format!("file {BASE} seq 1 type b\nfile {second} seq 7 type i\n"),
            true,
        ),
        (
            format!("file {BASE} seq 1 type b\nfile {MANIFEST} seq 1 type i\n"),
            false,
        ),
        (format!("file {MANIFEST} seq 1 type b\n"), false),
        ("file . seq 1 type b\n".to_owned(), false),
        ("file .. seq 1 type i\n".to_owned(), false),
        ("file \"\" seq 1 type i\n".to_owned(), false),
    ] {
        let mut files = volume.clone();
        files.insert(MANIFEST.to_owned(), text.clone().into_bytes());
        let dir = Dir::with(&files);
        let found = dir.start(OnDamage::Quarantine);
        assert_eq!(
            found.loaded.is_ok(),
            is_loaded,
            "{text}: {:?}",
            found.loaded
        );
        if is_loaded {
            assert_eq!(found.loaded.unwrap().damaged, None, "{text}");
            Log::open(dir.location.clone(), found.manifest, || {
                panic!("there are files")
            })
            .unwrap();
            let again = dir.start(OnDamage::Refuse);
            assert_eq!(again.events, found.events, "{text}");
        }
        for (name, bytes) in files.iter().filter(|(name, _)| *name != MANIFEST) {
            assert_eq!(&dir.files()[name], bytes, "{text}");
        }
    }
}
