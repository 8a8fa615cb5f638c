use std::collections::BTreeMap;
use std::convert::Infallible;

use super::*;
use crate::aof::Log;

const BASE: &str = "a.1.base.aof";

fn incr(number: usize) -> String {
    format!("a.{number}.incr.aof")
}

fn set(key: &str) -> Vec<u8> {
    format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$1\r\nv\r\n", key.len()).into_bytes()
}

/// A directory with a base and incremental files of these contents.
struct Files {
    _dir: tempfile::TempDir,
    location: Location,
    manifest: Manifest,
}

impl Files {
    fn new(contents: &[&[u8]]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::new(dir.path(), "d", "a");
        fs::create_dir(location.dir()).unwrap();
        let mut text = format!("file {BASE} seq 1 type b\n");
        for number in 1..contents.len() {
            text += &format!("file {} seq {number} type i\n", incr(number));
        }
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        manifest.persist(&location).unwrap();
        for (entry, content) in manifest.replayed().zip(contents) {
            fs::write(location.path(&entry.name), content).unwrap();
        }
        Self {
            _dir: dir,
            location,
            manifest,
        }
    }

    fn load(
        &mut self,
        on_damage: OnDamage,
    ) -> (Vec<String>, Result<Loaded, LoadError<Infallible>>) {
        let mut keys = Vec::new();
        let result = load(
            &self.location,
            &mut self.manifest,
            &on_damage.into(),
            |event| {
                match event {
                    Event::Replay {
                        replay: Replay::Request(request),
                        ..
                    } => {
                        let key = request.args().get(1).unwrap();
                        keys.push(String::from_utf8(key.to_vec()).unwrap());
                    }
                    Event::Replay { .. } => panic!("no transaction was written"),
                    Event::Part { part, .. } => {
                        if let rdb::Part::Run(run) = part {
                            let mut reader = rdb::Reader::of_run(&run, Limits::default());
                            while let Ok(Some(rdb::Piece::Entry(record))) = reader.next_piece() {
                                keys.push(format!("rdb:{}", record.key.escape_ascii()));
                            }
                        }
                    }
                    Event::Loaded { was_summed } => keys.push(format!("summed:{was_summed}")),
                    Event::File { entry, .. } => keys.push(format!("<{}", entry.name.display())),
                    Event::Done { .. } => keys.push(">".to_owned()),
                }
                Ok(())
            },
        );
        (keys, result)
    }

    fn open(&self) -> Log {
        let unasked = || panic!("there is a base");
        Log::open(self.location.clone(), self.manifest.clone(), unasked).unwrap()
    }

    /// Names and contents of all files but the manifest.
    fn on_disk(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.location.dir()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
        files.remove("a.manifest");
        files
    }
}

#[test]
fn files_are_replayed_in_the_order_of_the_manifest() {
    let mut files = Files::new(&[&set("x"), &set("y"), b"", &set("z")]);
    let (keys, result) = files.load(OnDamage::Refuse);
    let order = [
        "<a.1.base.aof",
        "x",
        ">",
        "<a.1.incr.aof",
        "y",
        ">",
        "<a.2.incr.aof",
        ">",
        "<a.3.incr.aof",
        "z",
        ">",
    ];
    assert_eq!(keys, order);
    let loaded = Loaded {
        total_bytes: 3 * set("x").len() as u64,
        ..Loaded::default()
    };
    assert_eq!(result.unwrap(), loaded);
}

#[test]
fn a_torn_last_file_keeps_its_prefix_and_the_tail_goes_aside() {
    let torn = [set("y"), b"*3\r\n$3".to_vec()].concat();
    let mut files = Files::new(&[&set("x"), &torn]);
    let (_, result) = files.load(OnDamage::Quarantine);
    let loaded = result.unwrap();
    let end = End::Torn {
        valid_bytes: set("y").len() as u64,
        file_bytes: torn.len() as u64,
    };
    assert_eq!(loaded.damaged, Some((incr(1).into(), end)));
    assert_eq!(loaded.total_bytes, 2 * set("x").len() as u64);
    assert_eq!(loaded.quarantined.len(), 1);
    let on_disk = files.on_disk();
    assert_eq!(on_disk[&incr(1)], set("y"));
    assert_eq!(on_disk["a.1.incr.aof.damaged.1"], b"*3\r\n$3");
    // The next start finds nothing wrong.
    let (keys, result) = files.load(OnDamage::Refuse);
    assert_eq!(keys.len(), 6);
    assert_eq!(result.unwrap().damaged, None);
}

#[test]
fn behind_a_damaged_file_nothing_is_replayed() {
    let damaged = [set("y"), vec![0; 9]].concat();
    let mut files = Files::new(&[&set("x"), &damaged, &set("z"), &set("w")]);
    let (keys, result) = files.load(OnDamage::Quarantine);
    assert_eq!(keys, ["<a.1.base.aof", "x", ">", "<a.1.incr.aof", "y", ">"]);
    assert_eq!(result.unwrap().quarantined.len(), 3);
    let on_disk: Vec<_> = files.on_disk().into_iter().collect();
    let expected = [
        (BASE.to_owned(), set("x")),
        (incr(1), set("y")),
        ("a.1.incr.aof.damaged.1".to_owned(), vec![0; 9]),
        ("a.2.incr.aof.damaged.1".to_owned(), set("z")),
        ("a.3.incr.aof.damaged.1".to_owned(), set("w")),
    ];
    assert_eq!(on_disk, expected);
    let reread = Manifest::read(&files.location).unwrap().unwrap();
    assert_eq!(reread, files.manifest);
    assert_eq!(reread.incrs().len(), 1);
}

#[test]
fn a_damaged_base_takes_all_incremental_files_with_it() {
    let mut files = Files::new(&[&[set("x"), b"?".to_vec()].concat(), &set("y")]);
    let (keys, result) = files.load(OnDamage::Quarantine);
    assert_eq!(keys, ["<a.1.base.aof", "x", ">"]);
    assert_eq!(result.unwrap().quarantined.len(), 2);
    // The log goes on with a first incremental file of its own.
    let log = files.open();
    assert_eq!(log.manifest().incrs()[0].name, *incr(1));
    assert_eq!(log.quarantined(), []);
    assert_eq!(files.on_disk()[&incr(1)], b"");
}

/// Killed when the manifest no longer named the later files and they were still there: the next
/// start finds the tail again, and later files of the same name do not take up their content.
#[test]
fn a_kill_while_later_files_go_aside_is_made_good() {
    let damaged = [set("y"), vec![0; 9]].concat();
    let mut files = Files::new(&[&set("x"), &damaged, &set("z")]);
    files.manifest.take_behind(incr(1).as_ref());
    files.manifest.persist(&files.location).unwrap();

    let (keys, result) = files.load(OnDamage::Quarantine);
    assert!(!keys.contains(&"z".to_owned()));
    assert_eq!(result.unwrap().quarantined.len(), 1);
    let mut log = files.open();
    let _base = log.begin_rewrite(None).unwrap();
    assert_eq!(log.quarantined().len(), 1);
    assert_eq!(files.on_disk()[&incr(2)], b"");
    assert_eq!(files.on_disk()["a.2.incr.aof.damaged.1"], set("z"));
}

#[test]
fn refusing_touches_nothing_and_says_what_redis_says() {
    let table: [(&[u8], &str); 2] = [
        (
            b"*3\r\n",
            "Unexpected end of file reading the append only file a.1.incr.aof. You can: 1) Make a \
             backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. \
             2) Alternatively you can set the 'aof-load-truncated' configuration option to yes \
             and restart the server.",
        ),
        (
            b"\0\0",
            "Bad file format reading the append only file a.1.incr.aof: make a backup of your AOF \
             file, then use ./redis-check-aof --fix <filename.manifest>",
        ),
    ];
    for (tail, text) in table {
        let mut files = Files::new(&[&set("x"), tail, &set("z")]);
        let before = files.on_disk();
        let (_, result) = files.load(OnDamage::Refuse);
        assert_eq!(result.unwrap_err().to_string(), text);
        assert_eq!(files.on_disk(), before);
        assert_eq!(files.manifest.incrs().len(), 2);
    }
}

#[test]
fn missing_and_unreadable_files_are_found_before_the_replay() {
    let mut files = Files::new(&[&set("x"), &set("y")]);
    let path = files.location.path(incr(1).as_ref());
    let refusal = |files: &mut Files| {
        let (keys, result) = files.load(OnDamage::Quarantine);
        assert!(keys.is_empty());
        result.unwrap_err()
    };
    fs::remove_file(&path).unwrap();
    let missing =
        "Unable to obtain the AOF file a.1.incr.aof length. stat: No such file or directory";
    assert_eq!(refusal(&mut files).to_string(), missing);
    fs::create_dir(&path).unwrap();
    let unreadable =
        "Unrecoverable error reading the append only file a.1.incr.aof: Is a directory";
    assert_eq!(refusal(&mut files).to_string(), unreadable);
}

#[test]
fn what_cannot_be_applied_ends_the_replay_and_touches_nothing() {
    let mut files = Files::new(&[&set("x"), &[set("y"), set("z")].concat()]);
    let before = files.on_disk();
    let result = load(
        &files.location,
        &mut files.manifest,
        &OnDamage::Quarantine.into(),
        |event| match event {
            Event::Replay {
                offset_end: 27,
                replay: Replay::Request(request),
            } if request.args().get(1) == Some(b"y") => Err("Unknown command 'SET'"),
            _ => Ok(()),
        },
    );
    let text = "Unknown command 'SET' reading the append only file a.1.incr.aof up to offset 27";
    assert_eq!(result.unwrap_err().to_string(), text);
    assert_eq!(files.on_disk(), before);
}

/// A snapshot of version 3, which has no checksum, with the key `k`.
const SNAPSHOT: &[u8] = b"REDIS0003\xfe\x00\x00\x01k\x01v\xff";

#[test]
fn a_snapshot_in_front_is_read_before_the_records_behind_it() {
    let whole = [SNAPSHOT, &set("a")[..]].concat();
    let mut files = Files::new(&[&whole, &set("x")]);
    let (keys, result) = files.load(OnDamage::Refuse);
    assert_eq!(
        result.unwrap().total_bytes,
        (whole.len() + set("x").len()) as u64
    );
    let order = [
        "<a.1.base.aof",
        "rdb:k",
        "summed:true",
        "a",
        ">",
        "<a.1.incr.aof",
        "x",
        ">",
    ];
    assert_eq!(keys, order);
}

#[test]
fn a_torn_tail_behind_a_snapshot_is_moved_aside() {
    let valid = [SNAPSHOT, &set("a")[..]].concat();
    let torn = [&valid[..], b"*3\r\n$3\r\nSE"].concat();
    let mut files = Files::new(&[&torn]);
    let (_, result) = files.load(OnDamage::Quarantine);
    let loaded = result.unwrap();
    assert_eq!(loaded.total_bytes, valid.len() as u64);
    assert_eq!(loaded.quarantined[0].moved_bytes, 10);
    let (keys, result) = files.load(OnDamage::Refuse);
    assert!(result.is_ok() && keys.iter().any(|it| it == "rdb:k"));
}

#[test]
fn a_damaged_snapshot_is_refused_and_left_as_it_is() {
    for length in 5..SNAPSHOT.len() {
        let mut files = Files::new(&[&SNAPSHOT[..length], &set("x")]);
        let before = files.on_disk();
        let (keys, result) = files.load(OnDamage::Quarantine);
        assert!(
            matches!(result, Err(LoadError::Snapshot { .. })),
            "{length}"
        );
        assert!(!keys.contains(&"x".to_owned()));
        assert_eq!(files.on_disk(), before);
    }
}
