//! Whole keyspaces under eviction: which keys go, and which stay, under each policy.

use super::access::{self, accesses};
use super::*;
use crate::db::{Db, Event, Expiry, Listeners, Moment, NewTags, Touch, WhenExpired};
use crate::entry::Entry;
use crate::keyspace::{Cause, Keyspace, ShardSet};
use crate::partition::Partition;
use crate::shard::Shard;
use crate::value::Value;

const NOW_MS: i64 = 1_700_000_000_000;
const TICK: i64 = TICK_MS as i64;
const EVENT: Event = Event::generic("test");
const COUNT: Access = Access::Count {
    log_factor: 0,
    decay_minutes: 1,
};

const ALL: [Policy; 9] = [
    Policy::VolatileLru,
    Policy::VolatileLfu,
    Policy::VolatileRandom,
    Policy::VolatileTtl,
    Policy::VolatileGdsf,
    Policy::AllkeysLru,
    Policy::AllkeysLfu,
    Policy::AllkeysRandom,
    Policy::AllkeysGdsf,
];

/// A server with some policy.
struct World {
    keyspace: Keyspace,
    pool: Pool,
    policy: Policy,
    now_ms: i64,
}

impl World {
    fn new(policy: Policy) -> World {
        World {
            keyspace: Keyspace::default(),
            pool: Pool::default(),
            policy,
            now_ms: NOW_MS,
        }
    }

    fn access(&self) -> Access {
        match self.policy {
            policy if policy.is_lfu() => COUNT,
            policy if policy.is_gdsf() => Access::Cost,
            _ => Access::Time,
        }
    }

    fn db(&self) -> Db<'_> {
        let moment = Moment {
            now_ms: self.now_ms,
            access: self.access(),
            touch: Touch::Yes,
            expiry: WhenExpired::Remove,
            listeners: Listeners::default(),
            compression_threshold: 0,
        };
        Db::new(&self.keyspace, self.keyspace.lock(ShardSet::ALL), 0, moment)
    }

    fn put(&self, key: &str, bytes: usize, expiry: Expiry) {
        let value = vec![b'v'; bytes];
        let value = Value::Bytes(&value);
        self.db()
            .put(key.as_bytes(), value, expiry, NewTags::Clear, EVENT);
    }

    fn read(&self, key: &str) -> bool {
        self.db().exists(key.as_bytes())
    }

    /// Reads a key and writes it if it was not there, as a cache is used; whether it was.
    fn fetch(&self, key: &str, bytes: usize) -> bool {
        let is_there = self.read(key);
        if !is_there {
            self.put(key, bytes, Expiry::Clear);
        }
        is_there
    }

    fn remove(&self, key: &str) -> bool {
        self.db().remove(key.as_bytes(), EVENT)
    }

    /// Makes room once; what went, and why.
    fn make_room(&mut self) -> Vec<(String, Cause)> {
        let plan = Plan {
            policy: self.policy,
            samples: 5,
            access: self.access(),
        };
        let mut all = Vec::new();
        let mut note = |_: &mut Shard, _: usize, gone: &[Entry], cause: Cause| {
            let keys = gone.iter().map(|it| String::from_utf8_lossy(it.key()));
            all.extend(keys.map(|key| (key.into_owned(), cause)));
        };
        let is_done = self.keyspace.evict(
            &plan,
            self.now_ms,
            &mut self.pool,
            &mut Vec::new(),
            &mut note,
        );
        assert_eq!(is_done, !all.is_empty());
        all
    }

    /// Evicts one key.
    fn evicted(&mut self) -> Option<String> {
        let mut gone = self.make_room();
        assert!(gone.len() <= 1, "nothing has expired: {gone:?}");
        gone.pop().map(|(key, _)| key)
    }

    fn switch(&mut self, policy: Policy) {
        self.policy = policy;
        self.keyspace.note_policy_change(self.now_ms);
        self.keyspace.free_forgotten();
    }

    fn len(&self) -> usize {
        let mut len = 0;
        self.keyspace
            .for_each(|shard| len += shard.partition(0).map_or(0, Partition::len));
        len
    }

    fn ghost_bytes(&self) -> usize {
        let mut bytes = 0;
        self.keyspace.for_each(|shard| bytes += shard.ghost_bytes());
        bytes
    }
}

#[test]
fn few_keys_go_in_their_order() {
    let mut world = World::new(Policy::VolatileTtl);
    for number in 0..60 {
        // Sooner and later ones in no order; each is used a little after the one before.
        let expiry_ms = NOW_MS + 100_000 + i64::from(number * 37 % 60);
        world.now_ms = NOW_MS + i64::from(number) * TICK;
        world.put(&format!("{number}"), 1, Expiry::At(expiry_ms));
    }
    world.put("lasting", 1, Expiry::Clear);
    world.now_ms = NOW_MS + 10_000;
    let mut expected: Vec<u32> = (0..60).collect();
    expected.sort_by_key(|number| number * 37 % 60);
    for number in expected.drain(..30) {
        assert_eq!(world.evicted(), Some(number.to_string()));
    }
    world.switch(Policy::VolatileLru);
    expected.sort_unstable();
    for number in expected {
        assert_eq!(world.evicted(), Some(number.to_string()));
    }
    for policy in ALL.into_iter().filter(|it| it.is_volatile()) {
        world.switch(policy);
        assert_eq!(world.evicted(), None, "{policy:?}");
    }
    world.switch(Policy::AllkeysLru);
    assert_eq!(world.evicted().as_deref(), Some("lasting"));
    for policy in ALL {
        world.switch(policy);
        assert_eq!(world.evicted(), None, "{policy:?}");
    }
}

/// A pool full of keys that are gone by now, or were used since, must not look like an empty server.
#[test]
fn what_left_the_pool_is_replaced() {
    let mut world = World::new(Policy::AllkeysLru);
    for number in 0..200 {
        world.put(&format!("old {number}"), 1, Expiry::Clear);
    }
    world.now_ms += 1_000;
    assert!(world.evicted().is_some());
    for number in 0..100 {
        world.remove(&format!("old {number}"));
    }
    world.now_ms += 1_000;
    for number in 100..200 {
        world.read(&format!("old {number}"));
    }
    world.now_ms -= 500;
    world.put("idle", 1, Expiry::Clear);
    world.now_ms += 1_500;
    for _ in 0..90 {
        assert!(world.evicted().is_some());
    }
    assert!(!world.read("idle"), "it was the idlest of all");
}

/// Of 10,000 keys, those that go are among the idlest: nineteen in twenty of the first 1,000 come from
/// the idlest third.
#[test]
fn samples_come_close_to_the_order_of_use() {
    let mut world = World::new(Policy::AllkeysLru);
    for number in 0..10_000 {
        world.now_ms += TICK;
        world.put(&format!("{number}"), 1, Expiry::Clear);
    }
    let early = (0..1_000)
        .filter_map(|_| world.evicted())
        .filter(|key| key.parse::<u32>().expect("a number") < 3_333)
        .count();
    assert!(early > 950, "{early} of 1,000");
}

/// 3 volatile keys among 20,000 others go in their order, and nothing else does.
#[test]
fn volatile_policies_are_exact_when_few_keys_have_an_expiry() {
    for policy in ALL.into_iter().filter(|it| it.is_volatile()) {
        let mut world = World::new(policy);
        for number in 0..20_000 {
            world.put(&format!("{number}"), 1, Expiry::Clear);
        }
        for (number, key) in ["first", "second", "third"].into_iter().enumerate() {
            let number = number as i64;
            world.now_ms += TICK;
            // First in time, in use, in size and in expiry.
            let bytes = 1_000 - number as usize * 400;
            world.put(key, bytes, Expiry::At(NOW_MS + 100_000 + number));
            (0..number * 2).for_each(|_| assert!(world.read(key)));
        }
        let mut gone: Vec<String> = (0..3).filter_map(|_| world.evicted()).collect();
        if policy == Policy::VolatileRandom {
            gone.sort();
        }
        assert_eq!(gone, ["first", "second", "third"], "{policy:?}");
        assert_eq!((world.evicted(), world.len()), (None, 20_000), "{policy:?}");
    }
}

#[test]
fn what_has_expired_goes_first_and_is_not_evicted() {
    for policy in ALL {
        let mut world = World::new(policy);
        for number in 0..40 {
            world.put(&format!("{number}"), 1, Expiry::At(NOW_MS + 100_000));
        }
        world.now_ms += 5_000;
        world.put("soon", 1, Expiry::At(world.now_ms));
        (0..20).for_each(|_| assert!(world.read("soon")));
        world.now_ms += 1;
        let expired = ("soon".to_owned(), Cause::Expired);
        assert_eq!(world.make_room(), [expired], "{policy:?}");
        assert_eq!(world.make_room()[0].1, Cause::Evicted, "{policy:?}");
        // Much later all have, and some go at once.
        world.now_ms += 200_000;
        let all: Vec<_> = (0..39).flat_map(|_| world.make_room()).collect();
        assert!(all.iter().all(|(_, cause)| *cause == Cause::Expired));
        assert_eq!((all.len(), world.len()), (39, 0), "{policy:?}");
    }
}

#[test]
fn lfu_keeps_what_is_used_often() {
    let mut world = World::new(Policy::AllkeysLfu);
    for number in 0..40 {
        world.put(&format!("{number}"), 1, Expiry::Clear);
        (0..number).for_each(|_| assert!(world.read(&format!("{number}"))));
    }
    for number in 0..40 {
        assert_eq!(world.evicted(), Some(number.to_string()));
    }
}

#[test]
fn gdsf_keeps_what_is_small_or_used_often() {
    let mut world = World::new(Policy::AllkeysGdsf);
    for (key, bytes, reads) in [
        ("large", 1_000, 0),
        ("small", 100, 0),
        ("large and used", 1_000, 4),
        ("small and used", 100, 4),
    ] {
        world.put(key, bytes, Expiry::Clear);
        (0..reads).for_each(|_| assert!(world.read(key)));
    }
    let gone: Vec<String> = std::iter::from_fn(|| world.evicted()).collect();
    assert_eq!(gone, ["large", "large and used", "small", "small and used"]);
}

/// What was popular once goes in the end: inflation brings what is used now above it.
#[test]
fn gdsf_forgets_what_was_popular_once() {
    let mut world = World::new(Policy::AllkeysGdsf);
    world.put("old", 100, Expiry::Clear);
    (0..20).for_each(|_| assert!(world.read("old")));
    for number in 0..1_000_000 {
        if !world.read(&format!("{number}")) {
            world.put(&format!("{number}"), 100, Expiry::Clear);
        }
        if number >= 100 {
            let gone = world.evicted().expect("there are 100");
            if gone == "old" {
                assert!(number > 150, "not as soon as any other: {number}");
                return;
            }
        }
    }
    panic!("it stays for ever");
}

/// Seeded reads of a cache that is too small: with popular keys that stay the same the hits come near what the
/// most popular keys would give.
#[test]
fn popular_keys_stay_under_lru_and_gdsf_while_others_walk_by() {
    for policy in [Policy::AllkeysLru, Policy::AllkeysGdsf] {
        let mut world = World::new(policy);
        let mut rng = fastrand::Rng::with_seed(11);
        let (mut hits, mut reads) = (0, 0);
        for number in 0..60_000 {
            world.now_ms += 1;
            // Every second read is of one of 500 keys, the others are of a new one each.
            let is_popular = number % 2 == 0;
            let key = match is_popular {
                true => format!("popular {}", rng.u32(..500)),
                false => format!("{number}"),
            };
            let is_there = world.fetch(&key, 50);
            if is_popular && number > 30_000 {
                reads += 1;
                hits += u32::from(is_there);
            }
            while world.len() > 1_000 {
                assert!(world.evicted().is_some());
            }
        }
        // Plain LRU would keep them for 1,000 reads: 1 - e^-1, two in three.
        assert!(hits > reads * 9 / 10, "{policy:?}: {hits} of {reads}");
    }
}

/// A loop half as long again as the cache: plain LRU has evicted each key a moment before it is read.
#[test]
fn a_part_of_a_loop_stays() {
    for policy in [Policy::AllkeysLru, Policy::AllkeysGdsf] {
        let mut world = World::new(policy);
        let mut hits = 0;
        for number in 0..90_000 {
            world.now_ms += 1;
            let is_there = world.fetch(&format!("{}", number % 1_500), 50);
            hits += u32::from(is_there && number > 60_000);
            while world.len() > 1_000 {
                assert!(world.evicted().is_some());
            }
        }
        assert!(hits > 6_000, "{policy:?}: {hits} of 30,000");
    }
}

#[test]
fn a_key_that_comes_back_has_kept_its_count() {
    for policy in [Policy::AllkeysLru, Policy::AllkeysGdsf] {
        let mut world = World::new(policy);
        world.put("key", 1, Expiry::Clear);
        world.now_ms += TICK;
        assert!(world.read("key"));
        assert_eq!(world.evicted().as_deref(), Some("key"));
        let count = |world: &World| {
            let word = world.db().peek(b"key").map(Entry::access);
            accesses(word.expect("it is there"))
        };
        world.put("key", 1, Expiry::Clear);
        assert_eq!(count(&world), 3, "{policy:?}");
        world.remove("key");
        world.put("key", 1, Expiry::Clear);
        assert_eq!(count(&world), 1, "{policy:?}: it was deleted, not evicted");
        assert!(world.evicted().is_some());
        world.switch(policy);
        world.put("key", 1, Expiry::Clear);
        assert_eq!(count(&world), 1, "{policy:?}: the policy has changed");
    }
}

#[test]
fn what_was_evicted_takes_little_room_and_none_without_need() {
    for policy in ALL {
        let mut world = World::new(policy);
        for number in 0..20_000 {
            world.put(&format!("{number}"), 1, Expiry::At(NOW_MS + 100_000));
        }
        assert_eq!(world.ghost_bytes(), 0, "{policy:?}");
        (0..2_000).for_each(|_| assert!(world.evicted().is_some()));
        let bytes = world.ghost_bytes();
        assert_eq!(bytes > 0, policy.is_lru() || policy.is_gdsf(), "{policy:?}");
        assert!(bytes <= world.len(), "{policy:?}: {bytes}");
        world.switch(policy);
        assert_eq!(world.ghost_bytes(), 0, "{policy:?}");
    }
}

/// Whatever wrote the words, what was used before the switch goes before what is used after it, and in
/// its order as far as the old policy knows one.
#[test]
fn policies_may_be_switched_at_run_time() {
    let cached = [Policy::AllkeysLru, Policy::AllkeysLfu, Policy::AllkeysGdsf];
    for (from, to) in cached.iter().flat_map(|from| cached.map(|to| (*from, to))) {
        let mut world = World::new(from);
        for number in 0..40 {
            world.now_ms += 600_000;
            world.put(&format!("before {number}"), 50, Expiry::Clear);
        }
        world.now_ms += 600_000;
        world.switch(to);
        world.now_ms += 600_000;
        for number in 0..40 {
            let key = format!("after {number}");
            world.put(&key, 50, Expiry::Clear);
            (0..3).for_each(|_| assert!(world.read(&key)));
        }
        let gone: Vec<String> = (0..40).filter_map(|_| world.evicted()).collect();
        let before = gone.iter().filter(|key| key.starts_with("before"));
        assert_eq!(before.count(), 40, "{from:?} to {to:?}: {gone:?}");
        if from == Policy::AllkeysLru && to != Policy::AllkeysLfu {
            assert_eq!(gone[0], "before 0", "{to:?}");
            assert_eq!(gone[39], "before 39", "{to:?}");
        }
    }
}

/// Seeded steps under every policy and switches between them: entries go one at a time until none is
/// left, and nothing is counted wrong.
#[test]
fn every_policy_empties_a_keyspace_one_by_one() {
    for seed in 0..30 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut world = World::new(ALL[rng.usize(..ALL.len())]);
        for _ in 0..4_000 {
            world.now_ms += rng.i64(0..200);
            let key = format!("{}", rng.u32(..600));
            match rng.u32(..100) {
                0..40 => {
                    let expiry_ms = world.now_ms + rng.i64(0..20_000);
                    let expiry = if rng.bool() {
                        Expiry::At(expiry_ms)
                    } else {
                        Expiry::Clear
                    };
                    world.put(&key, rng.usize(..3_000), expiry);
                }
                40..70 => drop(world.read(&key)),
                70..80 => drop(world.remove(&key)),
                80..82 => world.switch(ALL[rng.usize(..ALL.len())]),
                _ => {
                    let before = world.len();
                    let gone = world.make_room();
                    assert_eq!(world.len(), before - gone.len(), "seed {seed}");
                    let is_empty = gone.is_empty();
                    assert!(world.policy.is_volatile() || !is_empty || before == 0);
                    let evicted = gone.iter().filter(|it| it.1 == Cause::Evicted);
                    assert!(evicted.count() <= 1, "seed {seed}");
                }
            }
        }
        let policy = [Policy::AllkeysLru, Policy::AllkeysLfu, Policy::AllkeysGdsf];
        world.switch(policy[rng.usize(..3)]);
        while world.len() > 0 {
            assert!(!world.make_room().is_empty(), "seed {seed}");
        }
        assert_eq!(world.make_room(), []);
    }
}

/// Keys written at one moment have the same word: a candidate must not be taken for its neighbour in the
/// table, whose priority would become the inflation.
#[test]
fn gdsf_evicts_none_but_the_candidate() {
    let mut world = World::new(Policy::AllkeysGdsf);
    let mut rng = fastrand::Rng::with_seed(1);
    for number in 0..20_000 {
        let bytes = if rng.bool() { 8_000 } else { 60 };
        world.put(&format!("{number}"), bytes, Expiry::Clear);
    }
    for _ in 0..4_000 {
        let key = world.evicted().expect("there are 20,000");
        let inflation = world.keyspace.clock(world.now_ms).inflation;
        assert!(inflation < access::FIRST_INFLATION + 20, "{key}");
    }
}
