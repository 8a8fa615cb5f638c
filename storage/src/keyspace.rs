//! All keys: 64 shards, each behind one lock, all databases inside.
//!
//! The shard of a key follows from its hash. Whoever needs several shards takes their locks in
//! ascending order ([`Keyspace::lock`] is the only way to hold more than one), so nobody waits in a
//! circle.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ahash::RandomState;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use crate::entry::Entry;
use crate::evict::{Access, Policy, Pool, candidate};

use crate::shard::{Shard, WatchFlag};
use crate::snapshot::{Encode, Slice, Walk};

/// How many shards there are.
pub const SHARDS: usize = 64;

/// A set of shards, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ShardSet(u64);

impl ShardSet {
    /// No shard.
    pub const NONE: ShardSet = ShardSet(0);
    /// Every shard.
    pub const ALL: ShardSet = ShardSet(u64::MAX);

    /// One shard.
    pub const fn one(shard: usize) -> ShardSet {
        ShardSet(1 << shard)
    }

    /// Adds a shard.
    pub fn insert(&mut self, shard: usize) {
        self.0 |= 1 << shard;
    }

    /// The shards of either.
    #[must_use]
    pub fn union(self, other: ShardSet) -> ShardSet {
        ShardSet(self.0 | other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the shard is one of them.
    pub fn contains(self, shard: usize) -> bool {
        self.0 & (1 << shard) != 0
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        (0..SHARDS).filter(move |&shard| self.contains(shard))
    }
}

/// The locks of some shards, held.
pub struct Held<'k> {
    set: ShardSet,
    guards: SmallVec<[MutexGuard<'k, Shard>; 1]>,
}

impl<'k> Held<'k> {
    /// Which shards are held.
    pub fn set(&self) -> ShardSet {
        self.set
    }

    /// A held shard.
    #[inline]
    pub fn get(&mut self, shard: usize) -> Option<&mut Shard> {
        if !self.set.contains(shard) {
            return None;
        }
        let below = self.set.0 & ((1 << shard) - 1);
        self.guards.get_mut(below.count_ones() as usize).map(|guard| &mut **guard)
    }

    /// Every held shard, ascending.
    pub fn iter(&mut self) -> impl Iterator<Item = &mut Shard> {
        self.guards.iter_mut().map(|guard| &mut **guard)
    }
}

/// Why the server removed a key by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its time had passed.
    Expired,
    /// Memory was short.
    Evicted,
    /// One of its tags had been invalidated.
    Invalidated,
}

/// Told of each key the server removes by itself, while the shard is still locked: (shard, database, key).
pub type OnRemoval<'a> = &'a mut dyn FnMut(&mut Shard, usize, &[u8]);

/// All keys of all databases.
pub struct Keyspace {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    next_victim: AtomicU64,
    /// Whether an invalidation may have left keys to be reclaimed: set by it, cleared by a round
    /// over all shards that found none.
    may_have_pending: AtomicBool,
}

impl Default for Keyspace {
    fn default() -> Self {
        Keyspace {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            next_victim: AtomicU64::new(0),
            may_have_pending: AtomicBool::new(false),
        }
    }
}

impl Keyspace {
    /// The hash of a key or tag: its shard in the highest bits, its place in the table in the low 32.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    /// The shard of a hash.
    #[inline]
    pub fn shard_of_hash(hash: u64) -> usize {
        (hash >> (u64::BITS - SHARDS.ilog2())) as usize
    }

    /// The shard of a key.
    #[inline]
    pub fn shard_of(&self, key: &[u8]) -> usize {
        Self::shard_of_hash(self.hash(key))
    }

    /// Takes the locks of `set`, in ascending order.
    #[inline]
    pub fn lock(&self, set: ShardSet) -> Held<'_> {
        let mut guards = SmallVec::new();
        if set.0.is_power_of_two() {
            guards.push(self.shards[set.0.trailing_zeros() as usize].lock());
        } else {
            guards.extend(set.iter().map(|shard| self.shards[shard].lock()));
        }
        Held { set, guards }
    }

    /// Takes one lock.
    pub fn lock_one(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard % SHARDS].lock()
    }

    /// Looks at each shard in turn, one lock at a time.
    pub fn for_each(&self, mut look: impl FnMut(&mut Shard)) {
        for shard in &self.shards {
            look(&mut shard.lock());
        }
    }

    /// Keys and keys with an expiry of each database, and the sum of the expiries: for INFO.
    pub fn census(&self) -> Vec<Census> {
        let mut all = Vec::new();
        self.for_each(|shard| {
            let partitions = shard.partitions();
            if all.len() < partitions.len() {
                all.resize(partitions.len(), Census::default());
            }
            for (census, partition) in all.iter_mut().zip(partitions) {
                census.keys += partition.len();
                census.volatile += partition.volatile().len();
                census.expiry_sum_ms += partition.expiry_sum_ms();
                census.table_bytes += partition.table().overhead_bytes();
                census.tags += partition.tags().pairs();
                census.tag_bytes += partition.tags().size_bytes();
                census.pending_pairs += partition.tags().pending();
            }
        });
        all
    }

    /// Lookups that found a key, that did not, and keys removed because they had expired.
    pub fn lookups(&self) -> (u64, u64, u64) {
        let mut sums = (0, 0, 0);
        self.for_each(|shard| {
            sums.0 += shard.hits;
            sums.1 += shard.misses;
            sums.2 += shard.expired;
        });
        sums
    }

    /// Sets the counters of [`Keyspace::lookups`] to zero.
    pub fn reset_lookups(&self) {
        self.for_each(|shard| (shard.hits, shard.misses, shard.expired) = (0, 0, 0));
    }

    /// Stops watching a key.
    pub fn unwatch(&self, db: usize, key: &[u8], flag: &WatchFlag) {
        self.lock_one(self.shard_of(key)).unwatch(db, key, flag);
    }

    /// Removes the best candidate of `policy`; `false` if there is none.
    ///
    /// Each call samples `samples` entries of one shard into the pool, going round the shards; with few
    /// candidates in all it looks through as many shards as it takes, so that the last volatile key
    /// is found as well.
    pub fn evict(
        &self,
        policy: Policy,
        samples: usize,
        access: Access,
        now_ms: i64,
        pool: &mut Pool,
        on_removal: OnRemoval<'_>,
    ) -> bool {
        let mut sampled = 0;
        for _ in 0..SHARDS {
            let shard = self.next_victim.fetch_add(1, Ordering::Relaxed) as usize % SHARDS;
            let locked = self.lock_one(shard);
            sampled +=
                candidate::sample(&locked, shard, policy, samples, access, now_ms, pool);
            drop(locked);
            if sampled >= samples {
                break;
            }
        }
        while let Some(candidate) = pool.pop() {
            let mut shard = self.lock_one(candidate.shard);
            if candidate::remove(&mut shard, candidate, policy, on_removal) {
                return true;
            }
        }
        false
    }

    /// Looks at `count` volatile keys of a shard for expired ones and removes those.
    ///
    /// Gives how many it looked at and how many it removed.
    pub fn expire_some(
        &self,
        shard: usize,
        count: usize,
        now_ms: i64,
        on_removal: OnRemoval<'_>,
    ) -> (usize, usize) {
        let mut locked = self.lock_one(shard);
        let mut expired = Vec::new();
        let (mut looked, mut removed) = (0, 0);
        for db in 0..locked.partitions().len() {
            looked += locked.partition_mut(db).sweep(count, now_ms, &mut expired);
            for at in expired.drain(..) {
                if let Some(entry) = locked.partition_mut(db).remove(at) {
                    on_removal(&mut locked, db, entry.key());
                    locked.expired += 1;
                    removed += 1;
                }
            }
        }
        (looked, removed)
    }

    /// Removes up to `count` keys of invalidated tags from a shard; how many it removed.
    pub fn reclaim_some(&self, shard: usize, count: usize, on_removal: OnRemoval<'_>) -> usize {
        let mut locked = self.lock_one(shard);
        let mut removed = 0;
        for db in 0..locked.partitions().len() {
            while removed < count
                && let Some(entry) = locked.partition_mut(db).reclaim()
            {
                on_removal(&mut locked, db, entry.key());
                removed += 1;
            }
        }
        removed
    }

    /// Whether an invalidation may have left keys to be reclaimed.
    #[inline]
    pub fn may_have_pending(&self) -> bool {
        self.may_have_pending.load(Ordering::Relaxed)
    }

    /// Says whether there are keys to be reclaimed; whoever says no has just looked through all shards.
    pub fn set_may_have_pending(&self, is_pending: bool) {
        self.may_have_pending.store(is_pending, Ordering::Relaxed);
    }

    /// Moves entries of a sparse shard together so that memory goes back; whether more could be done.
    pub fn compact_some(&self, shard: usize, moves: usize) -> bool {
        let mut locked = self.lock_one(shard);
        locked.partitions_mut().iter_mut().fold(false, |more, it| it.compact(moves) || more)
    }

    /// Begins a snapshot of what is there at this moment; every lock is held.
    pub fn begin_snapshot(held: &mut Held<'_>, encode: Encode) {
        debug_assert_eq!(held.set(), ShardSet::ALL);
        for shard in held.iter() {
            shard.turn_epoch();
            for (db, partition) in shard.partitions_mut().iter_mut().enumerate() {
                partition.begin_walk(Walk::new(db, encode));
            }
        }
    }

    /// Takes the next piece of the snapshot from a shard: `None` when the shard is done.
    ///
    /// Holds the lock for `slots` entries of one partition, and takes along what writers had to save.
    pub fn snapshot_some(&self, shard: usize, slots: usize) -> Option<Slice> {
        let mut locked = self.lock_one(shard);
        if let Some(mut orphan) = locked.orphans.pop() {
            let slice = orphan.walk_on(slots);
            if orphan.is_walking() {
                locked.orphans.push(orphan);
            }
            return slice;
        }
        locked.partitions_mut().iter_mut().find(|it| it.is_walking())?.walk_on(slots)
    }

    /// Gives the snapshot up: nothing more is written, yet it must be walked to its end.
    pub fn abandon_snapshot(&self) {
        self.for_each(|shard| {
            shard.orphans.clear();
            shard.partitions_mut().iter_mut().for_each(|partition| partition.abandon_walk());
        });
    }

    /// Hands every live entry of a database to `look`, one shard locked at a time.
    pub fn for_each_entry(&self, db: usize, now_ms: i64, mut look: impl FnMut(&Entry)) {
        self.for_each(|shard| {
            let Some(partition) = shard.partition(db) else { return };
            let live = partition.table().iter().filter(|entry| partition.is_live(entry, now_ms));
            live.for_each(&mut look);
        });
    }
}

/// What INFO tells of a database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Census {
    /// Keys.
    pub keys: usize,
    /// Keys with an expiry.
    pub volatile: usize,
    /// Sum of their expiries, milliseconds since 1970.
    pub expiry_sum_ms: i128,
    /// Bytes of tables beyond their entries.
    pub table_bytes: usize,
    /// (key, tag) pairs.
    pub tags: usize,
    /// Bytes of tag names and postings.
    pub tag_bytes: usize,
    /// Pairs of invalidated tags whose keys are still to be reclaimed.
    pub pending_pairs: usize,
}
