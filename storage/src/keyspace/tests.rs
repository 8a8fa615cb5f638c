//! The keyspace as a whole: scans, expiry and eviction under random writes.

use std::collections::{BTreeMap, BTreeSet};

use super::{EXPIRY_TICK_MS, Keyspace, SHARDS, ShardSet};
use crate::db::{Db, Event, Expiry, Listeners, Moment, NewTags, Touch, WhenExpired};
use crate::entry::Entry;
use crate::evict::Access;
use crate::partition::Partition;
use crate::shard::Shard;
use crate::value::Value;

const NOW_MS: i64 = 1_700_000_000_000;
const EVENT: Event = Event::generic("test");

fn db(keyspace: &Keyspace, now_ms: i64) -> Db<'_> {
    let moment = Moment {
        now_ms,
        access: Access::Time,
        touch: Touch::Yes,
        expiry: WhenExpired::Remove,
        listeners: Listeners::default(),
        compression_threshold: 0,
    };
    Db::new(keyspace, keyspace.lock(ShardSet::ALL), 0, moment)
}

fn put(keyspace: &Keyspace, now_ms: i64, key: &str, expiry: Expiry) {
    let value = Value::Bytes(b"v");
    db(keyspace, now_ms).put(key.as_bytes(), value, expiry, NewTags::Clear, EVENT);
}

fn remove(keyspace: &Keyspace, key: &str) -> bool {
    db(keyspace, NOW_MS).remove(key.as_bytes(), EVENT)
}

fn len(keyspace: &Keyspace) -> usize {
    let mut len = 0;
    keyspace.for_each(|shard| len += shard.partition(0).map_or(0, Partition::len));
    len
}

fn unnoted(_: &mut Shard, _: usize, _: &[Entry]) {}

/// Keys that are there from the first call of a scan to its last are met, whatever comes, goes or is
/// renamed in between.
#[test]
fn a_scan_meets_what_stays() {
    for seed in 0..100 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let keyspace = Keyspace::default();
        let mut there: BTreeSet<String> = BTreeSet::new();
        for number in 0..rng.u32(..20_000) {
            let key = format!("key {number}");
            put(&keyspace, NOW_MS, &key, Expiry::Clear);
            there.insert(key);
        }
        // Most of them go, so that the tables shrink.
        there.retain(|key| rng.u32(..8) == 0 || !remove(&keyspace, key));
        let mut stayed = there.clone();
        let mut met = BTreeSet::new();
        let mut cursor = 0;
        loop {
            let count = rng.usize(1..200);
            cursor = db(&keyspace, NOW_MS).scan(cursor, count, |entry| {
                met.insert(String::from_utf8_lossy(entry.key()).into_owned());
            });
            if cursor == 0 {
                break;
            }
            for _ in 0..rng.usize(..20) {
                let key = format!("key {}", rng.u32(..30_000));
                match rng.u32(..3) {
                    0 => put(&keyspace, NOW_MS, &key, Expiry::Clear),
                    1 => {
                        remove(&keyspace, &key);
                        stayed.remove(&key);
                    }
                    _ => {
                        let mut view = db(&keyspace, NOW_MS);
                        if let Some(entry) = view.take(key.as_bytes(), EVENT) {
                            view.place_at(0, b"renamed", entry, EVENT);
                            stayed.remove(&key);
                        }
                    }
                }
            }
        }
        let missed: Vec<_> = stayed.difference(&met).collect();
        assert!(missed.is_empty(), "seed {seed}: {missed:?}");
    }
}

/// After a sweep of everything no key is left that expired more than a tick ago, and a shard says truly when
/// its next one falls due.
#[test]
fn sweeps_find_everything_that_has_expired() {
    for seed in 0..50 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let keyspace = Keyspace::default();
        let mut model: BTreeMap<String, Option<i64>> = BTreeMap::new();
        let mut now_ms = NOW_MS;
        for step in 0..3_000 {
            let key = format!("key {}", rng.u32(..500));
            match rng.u32(..10) {
                0..5 => {
                    let expiry_ms = now_ms + rng.i64(0..2_000);
                    let expiry = if rng.u32(..4) == 0 {
                        Expiry::Clear
                    } else {
                        Expiry::At(expiry_ms)
                    };
                    put(&keyspace, now_ms, &key, expiry);
                    model.insert(key, (expiry != Expiry::Clear).then_some(expiry_ms));
                }
                5 => {
                    remove(&keyspace, &key);
                    model.remove(&key);
                }
                6 => now_ms += rng.i64(0..100),
                _ => {
                    let (shard, count) = (rng.usize(..SHARDS), rng.usize(1..5));
                    keyspace.expire_some(shard, count, now_ms, &mut unnoted);
                }
            }
            if step % 300 == 0 {
                now_ms += EXPIRY_TICK_MS;
                sweep_all(&keyspace, now_ms);
                model.retain(|_, it| it.is_none_or(|it| it >= now_ms - EXPIRY_TICK_MS));
                // What expired within the last tick may be left.
                let expired = model.values().flatten().filter(|&&it| it < now_ms).count();
                let left = len(&keyspace);
                assert!(
                    left <= model.len() && left + expired >= model.len(),
                    "seed {seed}, step {step}"
                );
                model.retain(|key, _| db(&keyspace, NOW_MS - 1).peek(key.as_bytes()).is_some());
            }
        }
    }
}

/// Sweeps until every shard says that nothing can have expired.
fn sweep_all(keyspace: &Keyspace, now_ms: i64) {
    for shard in 0..SHARDS {
        let mut calls = 0;
        while keyspace.expire_some(shard, 3, now_ms, &mut unnoted).1 {
            calls += 1;
            assert!(calls < 1_000, "each call finds some, or ends a round");
        }
        let overdue = keyspace.overdue(shard, now_ms);
        assert_eq!((overdue.expired, overdue.lag_ms), (0, 0));
    }
}

/// One takes shards in any order, as it needs them, others all or some of them at once, and others one: nobody waits
/// in a circle, and what the first moves from key to key is never seen on its way.
#[test]
fn who_takes_shards_as_they_are_needed_is_given_way() {
    const KEYS: u8 = 16;
    const ROUNDS: usize = 2_000;
    let keyspace = Keyspace::default();
    for key in 0..KEYS {
        let value = Value::Int(0);
        db(&keyspace, NOW_MS).put(&[key], value, Expiry::Clear, NewTags::Clear, EVENT);
    }
    let moment = db(&keyspace, NOW_MS).moment;
    let add = |db: &mut Db<'_>, key: u8, number: i64| {
        let before = db.peek(&[key]).and_then(|it| it.string()?.as_integer());
        let sum = Value::Int(before.expect("a number") + number);
        db.put(&[key], sum, Expiry::Clear, NewTags::Clear, EVENT);
    };
    let view = |set| Db::new(&keyspace, keyspace.lock(set), 0, moment);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut rng = fastrand::Rng::with_seed(1);
            for _ in 0..ROUNDS {
                let mut db = view(ShardSet::NONE);
                for number in [1, 2, -4, 1] {
                    let key = rng.u8(..KEYS);
                    db.reach(ShardSet::one(keyspace.shard_of(&[key])));
                    add(&mut db, key, number);
                    std::thread::yield_now();
                }
            }
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        for seed in 0..3 {
            let (is_over, keyspace) = (&is_over, &keyspace);
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(seed);
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    let mut set = ShardSet::one(keyspace.shard_of(&[rng.u8(..KEYS)]));
                    let is_all = rng.bool();
                    if is_all {
                        set = ShardSet::ALL;
                    } else if rng.bool() {
                        set.insert(keyspace.shard_of(&[rng.u8(..KEYS)]));
                    }
                    let mut db = view(set);
                    if is_all {
                        let numbers = (0..KEYS).map(|key| db.peek(&[key])?.string()?.as_integer());
                        assert_eq!(numbers.sum::<Option<i64>>(), Some(0));
                    }
                    std::thread::yield_now();
                }
            });
        }
    });
}
