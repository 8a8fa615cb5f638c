//! Snapshots against a model: whatever happens meanwhile, the pieces together are what there was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::db::{Db, Event, Expiry, Listeners, Moment, NewTags, Touch, WhenExpired};
use crate::entry::Entry;
use crate::evict::{Access, Plan, Policy, Pool};
use crate::keyspace::{Cause, Keyspace, SHARDS, ShardSet};
use crate::rdb::draft::Draft;
use crate::rdb::encode::Rest;
use crate::snapshot::Encode;
use crate::value::Value;

const DATABASES: usize = 3;
const KEYS: u32 = 300;
const TAGS: u32 = 8;
const EVENT: Event = Event::generic("test");

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    value: Vec<u8>,
    expiry_ms: Option<i64>,
    tags: BTreeSet<String>,
}

impl Row {
    fn is_live(&self, now_ms: i64) -> bool {
        self.expiry_ms.is_none_or(|expiry_ms| expiry_ms >= now_ms)
    }
}

type Rows = BTreeMap<(usize, Vec<u8>), Row>;

/// Writes an entry as words with their lengths in front: those with an odd key in two pieces.
struct Words;

impl Encode for Words {
    fn begin(
        &self,
        db: usize,
        entry: &Entry,
        tags: &mut dyn Iterator<Item = &[u8]>,
        out: &mut Draft,
    ) -> Option<Rest> {
        let tags: Vec<&[u8]> = tags.collect();
        word(&db.to_be_bytes(), out);
        word(entry.key(), out);
        word(&tags.join(&b' '), out);
        if entry.key().last().is_some_and(|it| it % 2 == 1) {
            return Some(Rest::Nodes(7));
        }
        self.go_on(entry, Rest::Nodes(7), out)
    }

    fn go_on(&self, entry: &Entry, rest: Rest, out: &mut Draft) -> Option<Rest> {
        assert_eq!(rest, Rest::Nodes(7));
        word(
            &entry.string().expect("only strings are put in").to_vec(),
            out,
        );
        word(&entry.expiry_ms().unwrap_or(i64::MIN).to_be_bytes(), out);
        None
    }
}

fn word(bytes: &[u8], out: &mut Draft) {
    out.bytes.extend((bytes.len() as u32).to_be_bytes());
    out.bytes.extend_from_slice(bytes);
}

fn decode(mut bytes: &[u8], rows: &mut Rows) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        let mut word = || {
            let (length, rest) = bytes.split_first_chunk::<4>().expect("a length");
            let (word, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
            bytes = rest;
            word
        };
        let db = usize::from_be_bytes(word().try_into().expect("a number"));
        let key = word().to_vec();
        let tags = String::from_utf8(word().to_vec()).expect("text");
        let value = word().to_vec();
        let expiry_ms = i64::from_be_bytes(word().try_into().expect("a number"));
        let row = Row {
            value,
            expiry_ms: (expiry_ms != i64::MIN).then_some(expiry_ms),
            tags: tags.split_whitespace().map(str::to_owned).collect(),
        };
        let twice = rows.insert((db, key.clone()), row);
        assert_eq!(
            twice,
            None,
            "{:?} is written once",
            String::from_utf8_lossy(&key)
        );
        count += 1;
    }
    count
}

fn moment(now_ms: i64) -> Moment {
    Moment {
        now_ms,
        access: Access::Time,
        touch: Touch::Yes,
        expiry: WhenExpired::Remove,
        listeners: Listeners::default(),
        compression_threshold: 0,
    }
}

/// A keyspace, and what should be in it.
struct World {
    keyspace: Keyspace,
    model: Rows,
    now_ms: i64,
    pool: Pool,
    rng: fastrand::Rng,
}

impl World {
    fn new(seed: u64) -> World {
        World {
            keyspace: Keyspace::default(),
            model: Rows::new(),
            now_ms: 1_700_000_000_000,
            pool: Pool::default(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    fn db(&self, index: usize) -> Db<'_> {
        Db::new(
            &self.keyspace,
            self.keyspace.lock(ShardSet::ALL),
            index,
            moment(self.now_ms),
        )
    }

    fn some_key(&mut self) -> (usize, Vec<u8>) {
        let key = format!("k{}", self.rng.u32(..KEYS)).into_bytes();
        (self.rng.usize(..DATABASES), key)
    }

    fn some_tag(&mut self) -> String {
        format!("t{}", self.rng.u32(..TAGS))
    }

    fn some_value(&mut self) -> Vec<u8> {
        match self.rng.u32(..8) {
            0 => self.rng.i64(..).to_string().into_bytes(),
            1 => vec![b'x'; self.rng.usize(1_000..4_000)],
            _ => vec![b'v'; self.rng.usize(..40)],
        }
    }

    fn some_expiry(&mut self) -> Option<i64> {
        let later = self.now_ms + self.rng.i64(0..5_000);
        self.rng.bool().then_some(later)
    }

    fn put(&mut self) {
        let (db, key) = self.some_key();
        let (value, expiry_ms, tag) = (self.some_value(), self.some_expiry(), self.some_tag());
        let request = protocol::split_line(tag.as_bytes()).expect("one word");
        let is_tagged = self.rng.bool();
        let tags = if is_tagged {
            NewTags::Replace(request.args())
        } else {
            NewTags::Clear
        };
        let expiry = expiry_ms.map_or(Expiry::Clear, Expiry::At);
        self.db(db)
            .put(&key, Value::encoded(&value), expiry, tags, EVENT);
        let tags = is_tagged.then_some(tag).into_iter().collect();
        self.model.insert(
            (db, key),
            Row {
                value,
                expiry_ms,
                tags,
            },
        );
    }

    fn edit(&mut self) {
        let (db, key) = self.some_key();
        let (choice, value, expiry_ms) = (self.rng.u32(..3), self.some_value(), self.some_expiry());
        let is_there = match self.db(db).edit(&key, EVENT) {
            None => false,
            Some(mut edit) => {
                match choice {
                    0 => edit.buffer().extend_from_slice(b"+"),
                    1 => edit.put(Value::Bytes(&value)),
                    _ => edit.set_expiry(expiry_ms),
                }
                true
            }
        };
        let row = self.model.get_mut(&(db, key));
        assert_eq!(row.is_some(), is_there);
        match (row, choice) {
            (None, _) => {}
            (Some(row), 0) => row.value.push(b'+'),
            (Some(row), 1) => row.value = value,
            (Some(row), _) => row.expiry_ms = expiry_ms,
        }
    }

    fn remove(&mut self) {
        let (db, key) = self.some_key();
        let removed = self.db(db).remove(&key, EVENT);
        assert_eq!(self.model.remove(&(db, key)).is_some(), removed);
    }

    /// Renames, moves or copies.
    fn relocate(&mut self) {
        let ((from_db, from), (to_db, to)) = (self.some_key(), self.some_key());
        if (from_db, &from) == (to_db, &to) {
            return;
        }
        let copies = self.rng.bool();
        let mut view = self.db(from_db);
        let found = if copies {
            view.duplicate(&from)
        } else {
            view.take(&from, EVENT)
        };
        let is_there = found.is_some();
        if let Some(detached) = found {
            view.place_at(to_db, &to, detached, EVENT);
        }
        drop(view);
        let row = match copies {
            true => self.model.get(&(from_db, from)).cloned(),
            false => self.model.remove(&(from_db, from)),
        };
        assert_eq!(row.is_some(), is_there);
        if let Some(row) = row {
            self.model.insert((to_db, to), row);
        }
    }

    fn tag(&mut self) {
        let ((db, key), tag) = (self.some_key(), self.some_tag());
        let request = protocol::split_line(tag.as_bytes()).expect("one word");
        let attaches = self.rng.bool();
        let mut view = self.db(db);
        let changed = match attaches {
            true => view.attach_tags(&key, request.args()),
            false => view.detach_tags(&key, request.args()),
        };
        drop(view);
        let row = self.model.get_mut(&(db, key));
        let expected = row.map(|row| {
            usize::from(if attaches {
                row.tags.insert(tag)
            } else {
                row.tags.remove(&tag)
            })
        });
        assert_eq!(changed, expected);
    }

    fn invalidate(&mut self) {
        let (db, tag) = (self.rng.usize(..DATABASES), self.some_tag());
        let request = protocol::split_line(tag.as_bytes()).expect("one word");
        let exact = if self.rng.bool() { usize::MAX } else { 0 };
        self.db(db).invalidate_tags(request.args(), exact);
        self.model
            .retain(|(at, _), row| *at != db || !row.tags.contains(&tag));
    }

    fn evict(&mut self) {
        let policy = if self.rng.bool() {
            Policy::AllkeysLru
        } else {
            Policy::VolatileTtl
        };
        let plan = Plan {
            policy,
            samples: 3,
            access: Access::Time,
        };
        let mut gone = Vec::new();
        let mut note = |_: &mut crate::shard::Shard, db: usize, entries: &[Entry], _: Cause| {
            gone.extend(entries.iter().map(|entry| (db, entry.key().to_vec())));
        };
        self.keyspace.evict(
            &plan,
            self.now_ms,
            &mut self.pool,
            &mut Vec::new(),
            &mut note,
        );
        for place in gone {
            self.model.remove(&place);
        }
    }

    fn flush(&mut self) {
        let which = self.rng.bool().then(|| self.rng.usize(..DATABASES));
        self.db(0).flush(which);
        self.model
            .retain(|(db, _), _| which.is_some_and(|which| which != *db));
    }

    fn swap(&mut self) {
        let (a, b) = (self.rng.usize(..DATABASES), self.rng.usize(..DATABASES));
        self.db(0).swap(a, b);
        let swapped = std::mem::take(&mut self.model)
            .into_iter()
            .map(|((db, key), row)| {
                let db = if db == a {
                    b
                } else if db == b {
                    a
                } else {
                    db
                };
                ((db, key), row)
            });
        self.model = swapped.collect();
    }

    fn tidy(&mut self) {
        let shard = self.rng.usize(..SHARDS);
        let mut unnoted = |_: &mut crate::shard::Shard, _: usize, _: &[Entry]| {};
        self.keyspace
            .expire_some(shard, 4, self.now_ms, &mut unnoted);
        self.keyspace.reclaim_some(shard, 2, &mut unnoted);
    }

    fn step(&mut self) {
        match self.rng.u32(..1_000) {
            0..350 => self.put(),
            350..500 => self.edit(),
            500..600 => self.remove(),
            600..700 => self.relocate(),
            700..800 => self.tag(),
            800..820 => self.invalidate(),
            820..830 => self.evict(),
            830..833 => self.flush(),
            833..840 => self.swap(),
            840..900 => self.now_ms += self.rng.i64(0..100),
            _ => self.tidy(),
        }
        let now_ms = self.now_ms;
        self.model.retain(|_, row| row.is_live(now_ms));
    }

    fn begin(&self) {
        let mut held = self.keyspace.lock(ShardSet::ALL);
        Keyspace::begin_snapshot(&mut held, Arc::new(Words));
    }
}

/// Walks a whole snapshot, with writes between the slices; gives the pieces together.
fn walk(world: &mut World, steps_between: usize) -> Rows {
    let mut rows = Rows::new();
    for shard in 0..SHARDS {
        // An entry may begin in one slice and end in the next.
        let (mut bytes, mut entries) = (Vec::new(), 0);
        loop {
            let slots = world.rng.usize(1..4);
            let Some(slice) = world.keyspace.snapshot_some(shard, slots) else {
                break;
            };
            bytes.extend_from_slice(&slice.draft.bytes);
            entries += slice.entries;
            if !slice.is_inside && world.rng.u32(..20) == 0 {
                for other in 0..SHARDS {
                    for saved in world.keyspace.snapshot_saved(other) {
                        let found = decode(&saved.draft.bytes, &mut rows);
                        assert_eq!(found, saved.entries);
                    }
                }
            }
            for _ in 0..world.rng.usize(..=steps_between) {
                world.step();
            }
        }
        assert_eq!(decode(&bytes, &mut rows), entries);
    }
    rows
}

#[test]
fn a_snapshot_is_what_there_was_at_its_beginning() {
    for seed in 0..300 {
        let mut world = World::new(seed);
        for round in 0..4 {
            for _ in 0..world.rng.usize(..800) {
                world.step();
            }
            world.begin();
            let (then, then_ms) = (world.model.clone(), world.now_ms);
            if world.rng.u32(..4) == 0 {
                for _ in 0..50 {
                    world.step();
                    world.keyspace.snapshot_some(world.rng.usize(..SHARDS), 2);
                }
                world.keyspace.abandon_snapshot();
                assert_eq!(
                    walk(&mut world, 1),
                    Rows::new(),
                    "seed {seed}: nothing more is written"
                );
            } else {
                let mut rows = walk(&mut world, 3);
                // What had expired but was still in memory may be part of it, and goes when it is read.
                rows.retain(|_, row| row.is_live(then_ms));
                assert!(rows == then, "seed {seed}, round {round}");
            }
            assert_eq!(world.keyspace.snapshot_bytes(), 0, "seed {seed}");
        }
    }
}

/// A writer ends an entry that is begun, and then another database comes first in the shard.
#[test]
fn an_entry_in_pieces_stays_in_one_piece() {
    for flushes in [true, false] {
        let world = World::new(1);
        let split = b"1".to_vec();
        let shard = world.keyspace.shard_of(&split);
        let even = (0..).map(|it| format!("{it}0").into_bytes());
        let mut beside = even.filter(|key| world.keyspace.shard_of(key) == shard);
        let whole = beside.next().expect("a key of the same shard");
        for (db, key) in [(0, &whole), (1, &split), (2, &whole)] {
            let value = Value::Bytes(b"value");
            let mut view = world.db(db);
            view.put(key, value, Expiry::Clear, NewTags::Clear, EVENT);
        }
        world.begin();
        let mut bytes = Vec::new();
        let mut take = || {
            let slice = world.keyspace.snapshot_some(shard, 100)?;
            bytes.extend_from_slice(&slice.draft.bytes);
            Some(slice.is_inside)
        };
        while take() == Some(false) {}
        world.db(1).remove(&split, EVENT);
        match flushes {
            true => drop(world.db(0).flush(Some(2))),
            false => world.db(0).swap(0, 2),
        }
        while take().is_some() {}
        let mut rows = Rows::new();
        assert_eq!(decode(&bytes, &mut rows), 3);
        let places: Vec<_> = rows.into_keys().collect();
        assert_eq!(places, [(0, whole.clone()), (1, split), (2, whole)]);
    }
}

#[test]
fn what_a_snapshot_keeps_is_known() {
    let mut world = World::new(1);
    for number in 0..2_000 {
        let key = format!("key {number}");
        world.db(0).put(
            key.as_bytes(),
            Value::Bytes(&[7; 100]),
            Expiry::Clear,
            NewTags::Clear,
            EVENT,
        );
    }
    world.begin();
    assert_eq!(world.keyspace.snapshot_bytes(), 0);
    for number in 0..1_000 {
        world
            .db(0)
            .remove(format!("key {number}").as_bytes(), EVENT);
    }
    let saved = world.keyspace.snapshot_bytes();
    assert!(
        (100_000..500_000).contains(&saved),
        "{saved} bytes were saved for it"
    );
    world.db(0).flush(None);
    let kept = world.keyspace.snapshot_bytes() - saved;
    assert!(
        (130_000..400_000).contains(&kept),
        "{kept} bytes were flushed under it"
    );
    assert_eq!(walk(&mut world, 0).len(), 2_000);
    assert_eq!(world.keyspace.snapshot_bytes(), 0);
}

/// One thread walks while others write; each key's value counts upwards, so a snapshot holds a value
/// from between the moments before and after it began.
#[test]
fn a_snapshot_stands_still_while_others_write() {
    const WRITERS: u64 = 2;
    let keyspace = Keyspace::default();
    let stop = AtomicBool::new(false);
    let written: Vec<AtomicU64> = (0..WRITERS).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (keyspace, stop, written) = (&keyspace, &stop, &written);
            scope.spawn(move || {
                let mut count = 0i64;
                while !stop.load(Ordering::Relaxed) {
                    count += 1;
                    // All keys of a writer get the count in order, so at any moment they are one apart.
                    for key in 0..100 {
                        let key = format!("{writer}:{key}");
                        let set = ShardSet::one(keyspace.shard_of(key.as_bytes()));
                        let mut db = Db::new(keyspace, keyspace.lock(set), 0, moment(0));
                        if count % 3 == 0 {
                            db.remove(key.as_bytes(), EVENT);
                        }
                        let value = Value::Int(count);
                        db.put(key.as_bytes(), value, Expiry::Clear, NewTags::Clear, EVENT);
                    }
                    written[writer as usize].store(count as u64, Ordering::Release);
                }
            });
        }
        for _ in 0..50 {
            let before: Vec<u64> = written
                .iter()
                .map(|it| it.load(Ordering::Acquire))
                .collect();
            Keyspace::begin_snapshot(&mut keyspace.lock(ShardSet::ALL), Arc::new(Words));
            let after: Vec<u64> = written
                .iter()
                .map(|it| it.load(Ordering::Acquire))
                .collect();
            let mut rows = Rows::new();
            for shard in 0..SHARDS {
                let mut bytes = Vec::new();
                while let Some(slice) = keyspace.snapshot_some(shard, 1) {
                    bytes.extend_from_slice(&slice.draft.bytes);
                }
                decode(&bytes, &mut rows);
            }
            for ((_, key), row) in &rows {
                let key = String::from_utf8_lossy(key);
                let writer: usize = key
                    .split(':')
                    .next()
                    .and_then(|it| it.parse().ok())
                    .expect("a number");
                let value: u64 = String::from_utf8_lossy(&row.value)
                    .parse()
                    .expect("a number");
                let range = before[writer]..=after[writer] + 1;
                assert!(range.contains(&value), "{key} is {value}, not in {range:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
