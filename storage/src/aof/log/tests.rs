use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::incr::write_whole;
use super::*;
use crate::aof::block::Frame;
use crate::aof::{BaseFormat, Event, OnDamage, Replay, load, write_record};

struct Dir {
    dir: tempfile::TempDir,
    location: Location,
}

impl Dir {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::new(dir.path(), "appendonlydir", "a");
        Self { dir, location }
    }

    /// Starts as a server does; the keys that the files give, in order.
    fn start(&self) -> (Log, Vec<String>) {
        let mut manifest = Manifest::read(&self.location).unwrap().unwrap_or_default();
        let mut keys = Vec::new();
        let loaded = load(
            &self.location,
            &mut manifest,
            &OnDamage::Refuse.into(),
            |event| {
                if let Event::Replay {
                    replay: Replay::Request(request),
                    ..
                } = event
                {
                    let key = request.args().get(1).unwrap().to_vec();
                    keys.push(String::from_utf8(key).unwrap());
                }
                Ok::<_, Infallible>(())
            },
        );
        loaded.unwrap();
        let log = Log::open(self.location.clone(), manifest, || Ok(no_commands()));
        (log.unwrap(), keys)
    }

    fn keys(&self) -> Vec<String> {
        self.start().1
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.location.dir()).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn manifest(&self) -> String {
        fs::read_to_string(self.location.manifest_path()).unwrap()
    }

    /// A copy of the directory, as a kill at this moment would leave it.
    fn killed(&self) -> Self {
        let copy = Self::new();
        fs::create_dir(copy.location.dir()).unwrap();
        for name in self.names() {
            let from = self.location.dir().join(&name);
            fs::copy(from, copy.location.dir().join(&name)).unwrap();
        }
        copy
    }
}

/// The first base as an empty file.
fn no_commands() -> FirstBase {
    FirstBase {
        bytes: Vec::new(),
        format: BaseFormat::Aof,
    }
}

/// A record of always the same length, for keys of up to six bytes.
fn set(key: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let value = vec![b'v'; 6 - key.len()];
    write_record([&b"SET"[..], key.as_bytes(), &value], &mut out);
    out
}

const SET_BYTES: u64 = 31;

/// The length of a file with so many records, each of which was appended by itself.
fn appended(count: usize) -> u64 {
    (0..count).fold(0, |offset, _| {
        offset + SET_BYTES + Frame::new(offset, &set("x")).bytes() as u64
    })
}

const FRESH: &str = "file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
const REWRITTEN: &str = "file a.2.base.aof seq 2 type b\nfile a.2.incr.aof seq 2 type i\n";

/// The length of a file with one record that follows another of so many bytes.
fn appended_behind(before_bytes: u64) -> u64 {
    SET_BYTES + Frame::first(before_bytes, &set("x")).bytes() as u64
}

#[test]
fn the_first_start_makes_the_files_redis_makes() {
    let dir = Dir::new();
    let (log, keys) = dir.start();
    assert!(keys.is_empty());
    assert_eq!(dir.manifest(), FRESH);
    assert_eq!(dir.names(), ["a.1.base.aof", "a.1.incr.aof", "a.manifest"]);
    assert_eq!((log.current_bytes(), log.rewrite_base_bytes()), (0, 0));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.location.dir()), 0o755);
    assert_eq!(mode(&dir.location.manifest_path()), 0o644);
    assert_eq!(mode(&dir.location.path("a.1.incr.aof".as_ref())), 0o644);
}

#[test]
fn the_first_base_is_what_the_caller_says() {
    let dir = Dir::new();
    let snapshot = || {
        Ok(FirstBase {
            bytes: b"REDIS0003\xff".to_vec(),
            format: BaseFormat::Rdb,
        })
    };
    let log = Log::open(dir.location.clone(), Manifest::default(), snapshot).unwrap();
    assert_eq!((log.current_bytes(), log.rewrite_base_bytes()), (10, 10));
    assert_eq!(dir.names(), ["a.1.base.rdb", "a.1.incr.aof", "a.manifest"]);
    let base = fs::read(dir.location.path("a.1.base.rdb".as_ref())).unwrap();
    assert_eq!(base, b"REDIS0003\xff");
    // Where there are files it is not asked for.
    let (mut log, keys) = dir.start();
    assert!(keys.is_empty());
    log.append(&set("x")).unwrap();
    let unasked = || panic!("there is a base");
    Log::open(dir.location.clone(), log.manifest().clone(), unasked).unwrap();
    assert_eq!(dir.keys(), ["x"]);
}

/// Killed before a manifest named the base.
#[test]
fn a_first_base_without_a_manifest_is_made_again() {
    let dir = Dir::new();
    fs::create_dir(dir.location.dir()).unwrap();
    fs::write(dir.location.path("a.1.base.aof".as_ref()), b"#TS:1\r\n").unwrap();
    let (log, keys) = dir.start();
    assert!(keys.is_empty());
    assert_eq!(log.quarantined().len(), 1);
    assert_eq!(dir.manifest(), FRESH);
}

/// An incremental file that another follows must be as long as it was then.
#[test]
fn a_file_in_the_middle_that_lost_its_end_is_noticed() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    let abort = |log: &mut Log| {
        drop(log.begin_rewrite(None).unwrap());
        log.abort_rewrite();
    };
    log.append(&set("a")).unwrap();
    log.append(&set("b")).unwrap();
    abort(&mut log);
    log.append(&set("c")).unwrap();
    abort(&mut log);
    // The last is begun by the next start.
    let (mut log, _) = dir.start();
    log.append(&set("d")).unwrap();
    assert_eq!(dir.keys(), ["a", "b", "c", "d"]);
    let first = |dir: &Dir, number: u8| {
        let path = dir.location.path(format!("a.{number}.incr.aof").as_ref());
        (fs::read(&path).unwrap(), path)
    };
    for number in 2..=3 {
        let told = format!("#KT^{:x}\r\n#KT=", first(&dir, number - 1).0.len());
        assert!(first(&dir, number).0.starts_with(told.as_bytes()));
    }

    for (number, left, kept) in [(1, appended(1), &["a"][..]), (2, 0, &["a", "b"])] {
        let copy = dir.killed();
        let (bytes, path) = first(&copy, number);
        fs::write(&path, &bytes[..usize::try_from(left).unwrap()]).unwrap();
        let mut manifest = Manifest::read(&copy.location).unwrap().unwrap();
        let mut load = |on_damage: OnDamage| {
            load(&copy.location, &mut manifest, &on_damage.into(), |_| {
                Ok::<_, Infallible>(())
            })
        };
        let error = load(OnDamage::Refuse).unwrap_err();
        assert!(error.to_string().starts_with("Unexpected end of file"));
        let loaded = load(OnDamage::Quarantine).unwrap();
        let end = crate::aof::End::Cut {
            valid_bytes: left,
            written_bytes: bytes.len() as u64,
        };
        assert_eq!(loaded.damaged.unwrap().1, end);
        assert_eq!(loaded.quarantined.len(), 3 - usize::from(number));
        assert_eq!(copy.keys(), kept);
    }
}

/// A base of blocks says at its end that it is complete.
#[test]
fn a_base_that_lost_its_end_between_two_blocks_is_noticed() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    let mut files = log.begin_rewrite(None).unwrap();
    files.write_block(&set("a")).unwrap();
    let first = files.written_bytes();
    files.write_block(b"").unwrap();
    files.write_block(&set("b")).unwrap();
    let both = files.written_bytes();
    log.append(&set("c")).unwrap();
    log.commit_rewrite(files.finish().unwrap()).unwrap();
    assert_eq!(dir.keys(), ["a", "b", "c"]);
    let base = |dir: &Dir| dir.location.path("a.2.base.aof".as_ref());
    let whole = fs::read(base(&dir)).unwrap();
    assert!(whole.starts_with(b"#KT.0\r\n#KT=1f\r\n"));
    assert!(whole.ends_with(format!("\r\n#KT.{both:x}\r\n").as_bytes()));

    let cuts = [
        (5, &[][..]),
        (7, &[]),
        (8, &[]),
        (16, &[]),
        (first - 3, &["a"]),
        (first, &["a"]),
        (both - 3, &["a", "b"]),
        (both, &["a", "b"]),
        (both + 3, &["a", "b"]),
    ];
    for (left, kept) in cuts {
        let copy = dir.killed();
        fs::write(base(&copy), &whole[..usize::try_from(left).unwrap()]).unwrap();
        let mut manifest = Manifest::read(&copy.location).unwrap().unwrap();
        let mut keys = 0;
        let mut load = |on_damage: OnDamage| {
            load(&copy.location, &mut manifest, &on_damage.into(), |event| {
                keys += usize::from(matches!(event, Event::Replay { .. }));
                Ok::<_, Infallible>(())
            })
        };
        let error = load(OnDamage::Refuse).unwrap_err();
        assert!(error.to_string().starts_with("Unexpected end of file"));
        assert!(load(OnDamage::Quarantine).unwrap().damaged.is_some());
        let aside = "a.2.incr.aof.damaged.1".to_owned();
        assert!(copy.names().contains(&aside), "what follows is moved aside");
        assert_eq!(keys, 2 * kept.len());
        // What is left is complete, and the log goes on behind it.
        let (mut log, keys) = copy.start();
        assert_eq!(keys, kept);
        log.append(&set("d")).unwrap();
        assert_eq!(copy.keys(), [kept, &["d"]].concat());
    }
}

/// What the first file behind a new base says is of a file that is gone.
#[test]
fn the_length_of_a_file_that_was_rewritten_does_not_matter() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    log.append(&set("a")).unwrap();
    let mut files = log.begin_rewrite(None).unwrap();
    files.write_all(&set("all")).unwrap();
    log.append(&set("b")).unwrap();
    log.commit_rewrite(files.finish().unwrap()).unwrap();
    drop(log.begin_rewrite(None).unwrap());
    log.abort_rewrite();
    log.append(&set("c")).unwrap();
    assert_eq!(dir.keys(), ["all", "b", "c"]);
}

#[test]
fn what_is_appended_is_there_after_a_restart() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    log.append(&set("x")).unwrap();
    log.append(b"").unwrap();
    log.fsync().unwrap();
    log.try_clone_file().unwrap().sync_data().unwrap();
    assert_eq!(log.current_bytes(), appended(1));
    let (mut log, keys) = dir.start();
    assert_eq!(keys, ["x"]);
    log.append(&set("y")).unwrap();
    assert_eq!(log.current_bytes(), appended(2));
    assert_eq!(dir.keys(), ["x", "y"]);
    assert_eq!(dir.manifest(), FRESH);
}

#[test]
fn a_rewrite_puts_one_base_in_the_place_of_all_before() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    log.append(&set("old")).unwrap();
    let mut files = log.begin_rewrite(Some(1)).unwrap();
    assert!(log.is_rewriting());
    log.append(&set("new")).unwrap();
    files.write_all(&set("all")).unwrap();
    files.flush().unwrap();
    assert_eq!(files.written_bytes(), SET_BYTES);
    let base = files.finish().unwrap();
    assert_eq!(base.bytes(), SET_BYTES);
    let committed = log.commit_rewrite(base).unwrap();
    assert_eq!(committed.base, dir.location.path("a.2.base.aof".as_ref()));
    let gone = ["a.1.base.aof", "a.1.incr.aof"].map(|name| dir.location.path(name.as_ref()));
    assert_eq!(committed.removed, gone);
    assert_eq!(committed.freed.len(), 2);
    assert!(committed.cleanup_error.is_none());
    assert_eq!(dir.manifest(), REWRITTEN);
    assert_eq!(dir.names(), ["a.2.base.aof", "a.2.incr.aof", "a.manifest"]);
    // As in Redis, what was appended meanwhile counts as part of the base.
    let all = SET_BYTES + appended_behind(appended(1));
    assert_eq!((log.current_bytes(), log.rewrite_base_bytes()), (all, all));
    log.append(&set("last")).unwrap();
    assert!(!log.is_rewriting());
    assert_eq!(dir.keys(), ["all", "new", "last"]);
}

#[test]
fn an_aborted_rewrite_leaves_several_valid_files() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    for key in ["a", "b", "c"] {
        log.append(&set(key)).unwrap();
        let mut files = log.begin_rewrite(None).unwrap();
        files.write_all(b"half").unwrap();
        drop(files);
        log.abort_rewrite();
    }
    assert_eq!(log.manifest().incrs().len(), 4);
    let (mut log, keys) = dir.start();
    assert_eq!(keys, ["a", "b", "c"]);
    assert_eq!(
        dir.names().len(),
        6,
        "no temporary file is left: {:?}",
        dir.names()
    );
    // The next one that succeeds clears them all away.
    log.append(&set("d")).unwrap();
    let base = log.begin_rewrite(None).unwrap().finish().unwrap();
    let committed = log.commit_rewrite(base).unwrap();
    assert_eq!(committed.removed.len(), 5);
    let text = "file a.2.base.aof seq 2 type b\nfile a.5.incr.aof seq 5 type i\n";
    assert_eq!(dir.manifest(), text);
    assert!(dir.keys().is_empty());
}

#[test]
fn a_rewrite_is_committed_once_and_only_while_it_runs() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    let base = log.begin_rewrite(None).unwrap().finish().unwrap();
    assert!(matches!(
        log.begin_rewrite(None),
        Err(RewriteError::Running)
    ));
    log.abort_rewrite();
    let second = log.begin_rewrite(None).unwrap();
    assert!(matches!(log.commit_rewrite(base), Err(RewriteError::Stale)));
    assert!(
        second.path().exists(),
        "the refused base removed its own file only"
    );
    assert!(log.is_rewriting());
    log.commit_rewrite(second.finish().unwrap()).unwrap();
    assert_eq!(dir.names(), ["a.2.base.aof", "a.3.incr.aof", "a.manifest"]);
}

/// The directory after each step of a rewrite, reached by stopping there, gives the same keys.
#[test]
fn a_kill_after_any_step_of_a_rewrite_loses_nothing() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    log.append(&set("old")).unwrap();
    let old = [(dir.killed(), "appended")];

    // Step 1: the next incremental file is there, no manifest names it.
    let unnamed = dir.killed();
    fs::write(unnamed.location.path("a.2.incr.aof".as_ref()), b"").unwrap();
    let mut files = log.begin_rewrite(None).unwrap();
    files.write_all(&set("old")).unwrap();
    files.flush().unwrap();
    log.append(&set("new")).unwrap();
    let begun = dir.killed();
    let base = files.finish().unwrap();
    // Step 2: the base has its name, the old manifest is in place.
    let renamed = dir.killed();
    let temp = base.temp.path.as_ref().unwrap().file_name().unwrap();
    let final_path = renamed.location.path("a.2.base.aof".as_ref());
    fs::rename(renamed.location.path(temp), final_path).unwrap();
    // Step 3: the manifest names the base, history files are there.
    let historic = renamed.killed();
    let mut manifest = log.manifest.clone();
    manifest.add_base("a".as_ref(), BaseFormat::Aof).unwrap();
    manifest.retire_incrs_before(2);
    manifest.persist(&historic.location).unwrap();
    assert!(historic.manifest().contains("type h"));
    // Step 4: one of them is removed.
    let half_removed = historic.killed();
    fs::remove_file(half_removed.location.path("a.1.base.aof".as_ref())).unwrap();
    log.commit_rewrite(base).unwrap();

    for (dir, step) in old.into_iter().chain([(unnamed, "unnamed")]) {
        assert_eq!(dir.keys(), ["old"], "{step}");
        assert_eq!(dir.manifest(), FRESH, "{step}");
    }
    for (dir, step) in [(begun, "begun"), (renamed, "renamed")] {
        let (mut log, keys) = dir.start();
        assert_eq!(keys, ["old", "new"], "{step}");
        assert_eq!(log.manifest().incrs().len(), 2, "{step}");
        assert!(
            !dir.names().iter().any(|name| name.starts_with("temp")),
            "{step}"
        );
        let base = log.begin_rewrite(None).unwrap().finish().unwrap();
        log.commit_rewrite(base).unwrap();
        assert_eq!(
            dir.names(),
            ["a.2.base.aof", "a.3.incr.aof", "a.manifest"],
            "{step}"
        );
    }
    for (dir, step) in [
        (historic, "historic"),
        (half_removed, "removed"),
        (dir, "done"),
    ] {
        assert_eq!(dir.keys(), ["old", "new"], "{step}");
        assert_eq!(dir.manifest(), REWRITTEN, "{step}");
        assert_eq!(
            dir.names(),
            ["a.2.base.aof", "a.2.incr.aof", "a.manifest"],
            "{step}"
        );
    }
}

/// Before the first start is over the manifest is not there.
#[test]
fn a_kill_during_the_first_start_is_made_good() {
    for files in [
        &[][..],
        &["a.1.base.aof"],
        &["a.1.base.aof", "a.1.incr.aof", "temp-a.manifest"],
    ] {
        let dir = Dir::new();
        fs::create_dir(dir.location.dir()).unwrap();
        for file in files {
            fs::write(dir.location.path(file.as_ref()), b"").unwrap();
        }
        let (log, _) = dir.start();
        assert_eq!(log.quarantined(), []);
        assert_eq!(dir.names(), ["a.1.base.aof", "a.1.incr.aof", "a.manifest"]);
    }
}

/// A lost manifest: Redis appends to the old incremental file and replays it at the next start.
#[test]
fn files_that_no_manifest_names_are_kept_aside() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    log.append(&set("x")).unwrap();
    fs::remove_file(dir.location.manifest_path()).unwrap();
    let (log, keys) = dir.start();
    assert!(keys.is_empty());
    assert_eq!(log.quarantined().len(), 1);
    let kept = fs::read(dir.location.path("a.1.incr.aof.damaged.1".as_ref())).unwrap();
    assert_eq!(kept.len() as u64, appended(1));
    assert!(dir.keys().is_empty());
}

#[test]
fn a_base_without_incremental_files_gets_one() {
    let dir = Dir::new();
    fs::create_dir(dir.location.dir()).unwrap();
    fs::write(dir.location.manifest_path(), "file b seq 4 type b\n").unwrap();
    fs::write(dir.location.path("b".as_ref()), set("x")).unwrap();
    let (log, keys) = dir.start();
    assert_eq!(keys, ["x"]);
    assert_eq!(
        dir.manifest(),
        "file b seq 4 type b\nfile a.1.incr.aof seq 1 type i\n"
    );
    assert_eq!(
        (log.current_bytes(), log.rewrite_base_bytes()),
        (SET_BYTES, SET_BYTES)
    );
}

#[test]
fn incremental_files_without_a_base_are_left_as_they_are() {
    let dir = Dir::new();
    fs::create_dir(dir.location.dir()).unwrap();
    fs::write(dir.location.manifest_path(), "file i seq 4 type i\n").unwrap();
    fs::write(dir.location.path("i".as_ref()), set("x")).unwrap();
    let (log, keys) = dir.start();
    assert_eq!(keys, ["x"]);
    assert_eq!(dir.manifest(), "file i seq 4 type i\n");
    assert_eq!(
        (log.current_bytes(), log.rewrite_base_bytes()),
        (SET_BYTES, 0)
    );
}

#[test]
fn a_missing_history_file_is_forgotten() {
    let dir = Dir::new();
    fs::create_dir(dir.location.dir()).unwrap();
    fs::write(dir.location.manifest_path(), "file gone.aof seq 1 type h\n").unwrap();
    dir.start();
    assert_eq!(dir.manifest(), FRESH);
}

#[test]
fn a_staged_log_counts_from_its_first_rewrite_on() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    log.append(&set("stale")).unwrap();
    let manifest = log.manifest().clone();
    drop(log);

    let mut log = Log::open_staged(dir.location.clone(), manifest).unwrap();
    assert!(log.is_staged());
    assert_eq!(log.current_bytes(), appended(1));
    let aborted = log.begin_rewrite(None).unwrap();
    log.append(&set("before")).unwrap();
    log.abort_rewrite();
    drop(aborted);
    let mut files = log.begin_rewrite(None).unwrap();
    files.write_all(&set("all")).unwrap();
    log.append(&set("new")).unwrap();
    assert_eq!(dir.killed().keys(), ["stale"]);
    let base = files.finish().unwrap();
    // Killed when both files have their names and the old manifest is in place.
    let renamed = dir.killed();
    let path = |name: &str| renamed.location.path(name.as_ref());
    fs::rename(path("temp-a.incr"), path("a.2.incr.aof")).unwrap();
    log.commit_rewrite(base).unwrap();
    assert!(!log.is_staged());
    assert_eq!(dir.manifest(), REWRITTEN);
    assert_eq!(log.rewrite_base_bytes(), SET_BYTES + appended(1));
    log.append(&set("more")).unwrap();
    assert_eq!(dir.keys(), ["all", "new", "more"]);

    let (mut log, keys) = renamed.start();
    assert_eq!(keys, ["stale"]);
    let base = log.begin_rewrite(None).unwrap().finish().unwrap();
    assert_eq!(
        log.quarantined().len(),
        1,
        "what was staged is in no log, and kept"
    );
    log.commit_rewrite(base).unwrap();
    assert!(renamed.keys().is_empty());
}

#[test]
fn a_staged_log_can_be_the_first_of_its_directory() {
    let dir = Dir::new();
    let mut log = Log::open_staged(dir.location.clone(), Manifest::default()).unwrap();
    let mut files = log.begin_rewrite(None).unwrap();
    files.write_all(&set("x")).unwrap();
    log.append(&set("y")).unwrap();
    assert!(!dir.location.manifest_path().exists());
    log.commit_rewrite(files.finish().unwrap()).unwrap();
    assert_eq!(dir.manifest(), FRESH);
    assert_eq!(dir.keys(), ["x", "y"]);
}

/// A directory stands where the manifest is to be renamed to, so that writing it fails.
#[test]
fn a_rewrite_whose_manifest_cannot_be_written_changes_nothing() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    log.append(&set("x")).unwrap();
    let block = |is_blocked: bool| {
        let (manifest, away) = (dir.location.manifest_path(), dir.dir.path().join("away"));
        if is_blocked {
            fs::rename(&manifest, &away).unwrap();
            fs::create_dir_all(manifest.join("full")).unwrap();
        } else {
            fs::remove_dir_all(&manifest).unwrap();
            fs::rename(&away, &manifest).unwrap();
        }
    };
    block(true);
    assert!(matches!(log.begin_rewrite(None), Err(RewriteError::Io(_))));
    assert!(!log.is_rewriting());
    block(false);
    log.append(&set("y")).unwrap();
    assert_eq!(dir.killed().keys(), ["x", "y"]);

    let base = log.begin_rewrite(None).unwrap().finish().unwrap();
    log.append(&set("z")).unwrap();
    block(true);
    let error = log.commit_rewrite(base).unwrap_err();
    assert_eq!(error.to_string(), "Is a directory");
    block(false);
    assert!(!dir.names().contains(&"a.2.base.aof".to_owned()));
    let all = appended(2) + appended_behind(appended(2));
    assert_eq!(log.current_bytes(), all);
    log.append(&set("w")).unwrap();
    assert_eq!(dir.killed().keys(), ["x", "y", "z", "w"]);
    let base = log.begin_rewrite(None).unwrap().finish().unwrap();
    log.commit_rewrite(base).unwrap();
    assert!(dir.keys().is_empty());
}

#[test]
fn a_staged_rewrite_that_fails_goes_on_staged() {
    let dir = Dir::new();
    let mut log = Log::open_staged(dir.location.clone(), Manifest::default()).unwrap();
    let base = log.begin_rewrite(None).unwrap().finish().unwrap();
    log.append(&set("x")).unwrap();
    fs::create_dir_all(dir.location.manifest_path().join("full")).unwrap();
    assert!(log.commit_rewrite(base).is_err());
    assert!(log.is_staged());
    fs::remove_dir_all(dir.location.manifest_path()).unwrap();
    assert_eq!(dir.names(), ["temp-a.incr", "temp-a.manifest"]);
    let base = log.begin_rewrite(None).unwrap().finish().unwrap();
    log.append(&set("y")).unwrap();
    log.commit_rewrite(base).unwrap();
    assert_eq!(dir.keys(), ["y"]);
}

/// Writes so many bytes and then fails, like a disk that fills up.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::from_raw_os_error(28));
        }
        let count = self.0.min(bytes.len());
        self.0 -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn short_writes_are_counted() {
    let parts = || [&b"12"[..], b"", b"3", b"4"].map(io::IoSlice::new);
    assert!(write_whole(&mut Full(4), &mut parts()).is_ok());
    assert!(write_whole(&mut Full(0), &mut [io::IoSlice::new(b"")]).is_ok());
    let (error, written) = write_whole(&mut Full(3), &mut parts()).unwrap_err();
    assert_eq!((error.raw_os_error(), written), (Some(28), 3));
    let (error, written) = write_whole(&mut &mut [0_u8; 2][..], &mut parts()).unwrap_err();
    assert_eq!((error.kind(), written), (ErrorKind::WriteZero, 2));
}

#[test]
fn append_errors_read_as_redis_logs_them() {
    let error = |written_bytes, truncate_errno: Option<i32>| AppendError {
        error: io::Error::from_raw_os_error(28),
        written_bytes,
        expected_bytes: 9,
        truncate_error: truncate_errno.map(io::Error::from_raw_os_error),
    };
    let table = [
        (
            error(0, None),
            "Error writing to the AOF file: No space left on device",
        ),
        (
            error(3, None),
            "Short write while writing to the AOF file: (nwritten=3, expected=9)",
        ),
        (
            error(3, Some(5)),
            "Short write while writing to the AOF file: (nwritten=3, expected=9). Could not remove \
             short write from the append-only file.  Redis may refuse to load the AOF the next \
             time it starts.  ftruncate: Input/output error",
        ),
    ];
    for (error, text) in table {
        assert_eq!(error.to_string(), text);
    }
}

/// A handle that may not write stands for a disk that refuses.
#[test]
fn after_a_failed_append_the_same_bytes_can_be_appended_again() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    log.append(&set("x")).unwrap();
    let path = dir.location.path("a.1.incr.aof".as_ref());
    let writable_file = std::mem::replace(&mut log.incr.file, File::open(&path).unwrap());
    let error = log.append(&set("y")).unwrap_err();
    assert_eq!((error.written_bytes, error.expected_bytes), (0, 31 + 33));
    assert!(error.truncate_error.is_none());
    assert_eq!(log.current_bytes(), appended(1));

    // As if half of the record had been written and could not be cut off.
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"*2\r\n$3")
        .unwrap();
    log.incr.has_torn_tail = true;
    assert!(log.append(&set("y")).is_err());
    assert!(
        log.begin_rewrite(None).is_err(),
        "a torn file is never followed by another"
    );
    log.incr.file = writable_file;
    log.append(&set("y")).unwrap();
    assert_eq!(log.current_bytes(), appended(2));
    assert_eq!(dir.keys(), ["x", "y"]);
}

#[test]
fn a_base_that_is_not_finished_is_removed() {
    let dir = Dir::new();
    let (mut log, _) = dir.start();
    let files = log.begin_rewrite(Some(AUTOSYNC_BYTES)).unwrap();
    let path = files.path().to_owned();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("temp-rewriteaof-bg-") && name.ends_with(".aof"));
    assert!(path.exists());
    drop(files);
    assert!(!path.exists());
}

/// Random appends, rewrites, aborts and kills: what was appended is always what is replayed.
#[test]
fn random_histories_keep_every_key() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut dir = Dir::new();
        let (mut log, _) = dir.start();
        let mut expected: Vec<String> = Vec::new();
        let mut rewrite: Option<FinishedBase> = None;
        for step in 0..60 {
            match random.u8(..10) {
                0..6 => {
                    let key = format!("k{step}");
                    log.append(&set(&key)).unwrap();
                    expected.push(key);
                }
                6 if rewrite.is_none() => {
                    let mut files = log.begin_rewrite(None).unwrap();
                    for key in &expected {
                        files.write_all(&set(key)).unwrap();
                    }
                    rewrite = Some(files.finish().unwrap());
                }
                7 => {
                    if let Some(base) = rewrite.take() {
                        log.commit_rewrite(base).unwrap();
                    }
                }
                8 => {
                    rewrite = None;
                    log.abort_rewrite();
                }
                _ => {
                    dir = dir.killed();
                    rewrite = None;
                    let (restarted, keys) = dir.start();
                    assert_eq!(keys, expected, "seed {seed}, step {step}");
                    log = restarted;
                }
            }
            let lengths: BTreeMap<_, _> = log
                .manifest()
                .replayed()
                .map(|entry| {
                    let path = dir.location.path(&entry.name);
                    (path.clone(), fs::metadata(path).unwrap().len())
                })
                .collect();
            let total: u64 = lengths.values().sum();
            assert_eq!(log.current_bytes(), total, "seed {seed}, step {step}");
        }
    }
}
