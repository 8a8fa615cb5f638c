//! All keys: 64 shards, each behind one lock, all databases inside.
//!
//! The shard of a key follows from its hash. Whoever needs several shards takes their locks in
//! ascending order ([`Keyspace::lock`]), so nobody waits in a circle. One at a time may take more
//! while it holds some ([`Keyspace::grow`]): to that one gives way who has begun to take several.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use crate::db::Garbage;
use crate::entry::Entry;
use crate::evict::worth::Judge;
use crate::evict::{Clock, FIRST_INFLATION, Plan, Pool, candidate};
use crate::field_dues::GoneFields;
use crate::hasher::Hasher;
use crate::names::Names;
use crate::partition::Partition;
use crate::shard::{Shard, Walking, WatchFlag};
use crate::snapshot::{Burden, Encode, Slice};
use crate::table::Ahead;

pub use crate::table::TICK_MS as EXPIRY_TICK_MS;

/// From so many keys on a keyspace counts as large: some megabytes with small values.
const LARGE_KEYS: usize = 16 * 1024;

/// How many expired keys make room at once.
const EXPIRED_AT_ONCE: usize = 16;

/// How long a lock is waited for before asking whether to go on.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(10);

/// How long one is waited for by who holds others, before looking whether to give way.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

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

    /// The shards of this set that are not of the other.
    #[must_use]
    pub fn without(self, other: ShardSet) -> ShardSet {
        ShardSet(self.0 & !other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the shard is one of them.
    pub fn contains(self, shard: usize) -> bool {
        self.0 & (1 << shard) != 0
    }

    #[inline]
    fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let shard = left.trailing_zeros() as usize;
            // Takes the lowest bit off; of none there is nothing left to take.
            left &= left.checked_sub(1)?;
            Some(shard)
        })
    }
}

/// The locks of some shards, held.
pub struct Held<'k> {
    set: ShardSet,
    guards: Guards<'k>,
}

type Guards<'k> = SmallVec<[MutexGuard<'k, Shard>; 1]>;

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
        self.guards
            .get_mut(below.count_ones() as usize)
            .map(|guard| &mut **guard)
    }

    /// A held shard, to look at.
    #[inline]
    pub fn peek(&self, shard: usize) -> Option<&Shard> {
        if !self.set.contains(shard) {
            return None;
        }
        let below = self.set.0 & ((1 << shard) - 1);
        self.guards
            .get(below.count_ones() as usize)
            .map(|guard| &**guard)
    }

    /// The shards that must be held too, to serve those who wait for keys of the held ones.
    #[inline]
    pub fn missing_for_waiters(&self) -> ShardSet {
        let wanted = self.guards.iter().fold(ShardSet::NONE, |wanted, shard| {
            wanted.union(shard.waiters.shards())
        });
        wanted.without(self.set)
    }

    fn insert(&mut self, shard: usize, guard: MutexGuard<'k, Shard>) {
        let below = self.set.0 & ((1 << shard) - 1);
        self.guards.insert(below.count_ones() as usize, guard);
        self.set.insert(shard);
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

/// Told of keys the server has removed by itself, while their shard is still locked: (shard, database,
/// entries).
pub type OnRemoval<'a> = &'a mut dyn FnMut(&mut Shard, usize, &[Entry]);

/// The same of keys removed to make room, with the cause: those that had expired were not evicted.
pub type OnEviction<'a> = &'a mut dyn FnMut(&mut Shard, usize, &[Entry], Cause);

/// All keys of all databases.
pub struct Keyspace {
    shards: Box<[Mutex<Shard>]>,
    /// Whether [`Keyspace::grow`] waits.
    is_growing: AtomicBool,
    hasher: Hasher,
    is_large: AtomicBool,
    /// The tags in use in each database. Only who holds every shard may put others in their place.
    tag_names: Mutex<Vec<Arc<Names>>>,
    burden: Burden,
    /// The highest priority of what GDSF has evicted.
    inflation: AtomicU64,
    /// When the eviction policy was changed, and which change [`Keyspace::free_forgotten`] has seen.
    switched_ms: AtomicI64,
    freed_ms: AtomicI64,
    /// Invalidations that may have left keys to be reclaimed: taken off by whoever has looked through all
    /// shards since.
    pending: AtomicUsize,
}

impl Default for Keyspace {
    fn default() -> Self {
        let (hasher, burden) = (Hasher::default(), Burden::default());
        Keyspace {
            shards: (0..SHARDS)
                .map(|_| Mutex::new(Shard::new(hasher.clone(), burden.clone())))
                .collect(),
            is_growing: AtomicBool::new(false),
            hasher,
            is_large: AtomicBool::new(false),
            tag_names: Mutex::default(),
            burden,
            inflation: AtomicU64::new(FIRST_INFLATION),
            switched_ms: AtomicI64::new(0),
            freed_ms: AtomicI64::new(0),
            pending: AtomicUsize::new(0),
        }
    }
}

impl Keyspace {
    /// The hash of a key or tag: its shard in the highest bits, its place in the table in the low 32.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash(bytes)
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
        let held = self.lock_unless(set, || false);
        held.expect("nothing makes it give up")
    }

    /// The same, unless it has to wait and `gives_up`, which is asked every few milliseconds then.
    #[inline]
    pub fn lock_unless(&self, set: ShardSet, gives_up: impl FnMut() -> bool) -> Option<Held<'_>> {
        let mut guards = Guards::new();
        if set.0.is_power_of_two() {
            let shard = set.0.trailing_zeros() as usize;
            guards.push(self.lock_one_unless(shard, gives_up)?);
        } else if !set.is_empty() {
            guards = self.lock_several_unless(set, gives_up)?;
        }
        Some(Held { set, guards })
    }

    fn lock_several_unless(
        &self,
        set: ShardSet,
        mut gives_up: impl FnMut() -> bool,
    ) -> Option<Guards<'_>> {
        'anew: loop {
            let mut guards = Guards::with_capacity(set.0.count_ones() as usize);
            for shard in set.iter() {
                if guards.is_empty() {
                    guards.push(self.lock_one_unless(shard, &mut gives_up)?);
                    continue;
                }
                let Some(guard) = self.lock_next_unless(shard, &mut gives_up)? else {
                    guards.into_iter().for_each(MutexGuard::unlock_fair);
                    continue 'anew;
                };
                guards.push(guard);
            }
            return Some(guards);
        }
    }

    /// Takes more shards for who holds some. One at a time may do so, on the whole keyspace: the caller sees to that.
    pub fn grow<'k>(&'k self, held: &mut Held<'k>, more: ShardSet) {
        for shard in more.without(held.set).iter() {
            let lock = &self.shards[shard];
            let guard = lock.try_lock().unwrap_or_else(|| {
                self.is_growing.store(true, Ordering::Relaxed);
                let guard = lock.lock();
                self.is_growing.store(false, Ordering::Relaxed);
                guard
            });
            held.insert(shard, guard);
        }
    }

    /// Whether there is more than the processor's caches are likely to hold.
    #[inline]
    pub fn is_large(&self) -> bool {
        self.is_large.load(Ordering::Relaxed)
    }

    /// Counts anew for [`Keyspace::is_large`].
    pub fn note_size(&self) {
        let mut keys = 0;
        self.for_each(|shard| keys += shard.partitions().iter().map(Partition::len).sum::<usize>());
        self.is_large.store(keys >= LARGE_KEYS, Ordering::Relaxed);
    }

    /// Brings what a lookup will read closer, one step of it. Does nothing if the shard is busy.
    #[inline]
    pub fn prefetch(&self, hash: u64, db: usize, step: Ahead) {
        if let Some(shard) = self.shards[Self::shard_of_hash(hash)].try_lock()
            && let Some(partition) = shard.partition(db)
        {
            partition.table().prefetch(hash as u32, step);
        }
    }

    #[inline]
    fn lock_one_unless(
        &self,
        shard: usize,
        mut gives_up: impl FnMut() -> bool,
    ) -> Option<MutexGuard<'_, Shard>> {
        let shard = &self.shards[shard % SHARDS];
        if let Some(guard) = shard.try_lock() {
            return Some(guard);
        }
        loop {
            if let Some(guard) = shard.try_lock_for(BETWEEN_QUESTIONS) {
                return Some(guard);
            }
            if gives_up() {
                return None;
            }
        }
    }

    /// The same for who holds other shards; nothing if it must let these go first, for who grows.
    #[expect(clippy::option_option, reason = "it may give up, or give way")]
    fn lock_next_unless(
        &self,
        shard: usize,
        mut gives_up: impl FnMut() -> bool,
    ) -> Option<Option<MutexGuard<'_, Shard>>> {
        let shard = &self.shards[shard % SHARDS];
        if let Some(guard) = shard.try_lock() {
            return Some(Some(guard));
        }
        loop {
            if let Some(guard) = shard.try_lock_for(BETWEEN_LOOKS) {
                return Some(Some(guard));
            }
            if gives_up() {
                return None;
            }
            if self.is_growing.load(Ordering::Relaxed) {
                return Some(None);
            }
        }
    }

    /// Takes one lock.
    pub fn lock_one(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard % SHARDS].lock()
    }

    /// The same, unless it is taken.
    pub(crate) fn try_lock_one(&self, shard: usize) -> Option<MutexGuard<'_, Shard>> {
        self.shards[shard % SHARDS].try_lock()
    }

    /// Makes room for so many keys of a database that has none yet, some ten bytes each: while they come, nothing is
    /// moved then. [`Keyspace::fit`] gives back what was not needed.
    pub fn reserve(&self, db: usize, keys: usize) {
        self.for_each(|shard| shard.partition_mut(db).reserve(keys / SHARDS));
    }

    /// Gives back what was reserved in vain.
    pub fn fit(&self) {
        self.for_each(|shard| shard.partitions_mut().iter_mut().for_each(Partition::fit));
    }

    /// The tags in use in a database.
    pub fn tag_names(&self, db: usize) -> Arc<Names> {
        let mut all = self.tag_names.lock();
        if db >= all.len() {
            all.resize_with(db + 1, Arc::default);
        }
        Arc::clone(&all[db])
    }

    /// Begins anew with the names of one database, or of all, whose entries were taken away.
    pub(crate) fn forget_tag_names(&self, which: Option<usize>) {
        let mut all = self.tag_names.lock();
        for (db, names) in all.iter_mut().enumerate() {
            if which.is_none_or(|which| which == db) {
                *names = Arc::default();
            }
        }
    }

    /// Exchanges the names of two databases.
    pub(crate) fn swap_tag_names(&self, a: usize, b: usize) {
        self.tag_names(a.max(b));
        self.tag_names.lock().swap(a, b);
    }

    /// Looks at each shard in turn, one lock at a time.
    pub fn for_each(&self, mut look: impl FnMut(&mut Shard)) {
        for shard in &self.shards {
            look(&mut shard.lock());
        }
    }

    /// Lets somebody no longer wait for keys; `false` if that would take too long (see
    /// [`Keyspace::lock_unless`]) and must be tried again.
    pub fn stop_waiting(
        &self,
        db: usize,
        keys: &[Box<[u8]>],
        ticket: u64,
        gives_up: impl Fn() -> bool,
    ) -> bool {
        keys.iter().all(|key| {
            let shard = self.lock_one_unless(self.shard_of(key), &gives_up);
            shard.is_some_and(|mut shard| {
                shard.waiters.leave(db, key, ticket);
                true
            })
        })
    }

    /// Stops watching a key; `false` if its lock is not to be had in some milliseconds.
    pub fn unwatch(&self, db: usize, key: &[u8], flag: &WatchFlag) -> bool {
        let shard = self.lock_one_unless(self.shard_of(key), || true);
        shard.is_some_and(|mut shard| {
            shard.unwatch(db, key, flag);
            true
        })
    }

    /// What accesses are recorded by at that moment.
    #[inline]
    pub fn clock(&self, now_ms: i64) -> Clock {
        Clock {
            now_ms,
            inflation: self.inflation.load(Ordering::Relaxed),
            switched_ms: self.switched_ms.load(Ordering::Relaxed),
        }
    }

    /// Notes that the eviction policy has changed: what eviction has learned is forgotten.
    ///
    /// Takes no lock, so whoever calls this may hold some.
    pub fn note_policy_change(&self, now_ms: i64) {
        // Each change has a moment of its own.
        let later = |last: i64| Some(now_ms.max(last + 1));
        let order = Ordering::Relaxed;
        let _ = self.switched_ms.fetch_update(order, order, later);
    }

    /// Gives back the memory of what eviction has learned before the policy was changed. One load and one
    /// compare if there is nothing to do.
    pub fn free_forgotten(&self) {
        let since_ms = self.switched_ms.load(Ordering::Relaxed);
        if self.freed_ms.swap(since_ms, Ordering::Relaxed) != since_ms {
            self.for_each(|shard| shard.ghost.begin(since_ms));
        }
    }

    /// Removes the best candidate of the plan's policy; `false` if there is none.
    ///
    /// What takes long to free is left in `garbage`.
    /// What has expired in the shard whose turn it is goes before that, some at once.
    /// Each call samples some entries of one shard into the pool, going round the shards; with few
    /// candidates in all it looks through as many shards as it takes, so that the last volatile key
    /// is found as well.
    pub fn evict(
        &self,
        plan: &Plan,
        now_ms: i64,
        pool: &mut Pool,
        garbage: &mut Vec<Garbage>,
        on_eviction: OnEviction<'_>,
    ) -> bool {
        let clock = self.clock(now_ms);
        pool.begin(clock.switched_ms);
        if self.expire_overdue(pool.upcoming_shard(), now_ms, on_eviction) {
            return true;
        }
        loop {
            let judge = Judge::new(plan, clock, pool.tuning);
            let has_found = self.sample(&judge, pool);
            while let Some(candidate) = pool.pop() {
                let mut shard = self.lock_one(candidate.shard);
                let removed = candidate::remove(&mut shard, candidate, &judge, on_eviction);
                drop(shard);
                // Its memory goes back after unlocking, much of it elsewhere.
                if let Some(entry) = removed {
                    self.note_evicted(&entry, &judge, pool);
                    garbage.extend(Garbage::of(entry));
                    return true;
                }
            }
            // All that the pool held had gone or had been used; the next sample is fresh.
            if !has_found {
                return false;
            }
        }
    }

    /// Removes some keys of a shard that expired more than a moment ago; whether there were any.
    fn expire_overdue(&self, shard: usize, now_ms: i64, on_eviction: OnEviction<'_>) -> bool {
        let soonest_ms = self.lock_one(shard).soonest_ms();
        // Within the tick that times are kept by, it would have to look for what may not be there.
        if soonest_ms.saturating_add(EXPIRY_TICK_MS) > now_ms {
            return false;
        }
        let mut note = |shard: &mut Shard, db: usize, gone: &[Entry]| {
            on_eviction(shard, db, gone, Cause::Expired);
        };
        self.expire_some(shard, EXPIRED_AT_ONCE, now_ms, &mut note)
            .0
            > 0
    }

    /// Learns from what was evicted.
    fn note_evicted(&self, entry: &Entry, judge: &Judge<'_>, pool: &mut Pool) {
        if !judge.is_expired(entry) {
            pool.tuning.note_evicted(entry.access());
            let inflation = judge.inflation_after(entry);
            self.inflation.fetch_max(inflation, Ordering::Relaxed);
        }
    }

    /// Samples shard after shard until enough has been seen, or all; whether there was any candidate.
    fn sample(&self, judge: &Judge<'_>, pool: &mut Pool) -> bool {
        let mut found = 0;
        for _ in 0..SHARDS {
            let number = pool.next_shard();
            let seen = candidate::sample(&mut self.lock_one(number), number, judge, pool);
            found += seen.count;
            // Where there are few in each shard, all of several shards are looked at, and with few in all
            // the choice is the exact one.
            if !seen.is_all || found >= candidate::MANY {
                break;
            }
        }
        found > 0
    }

    /// Removes up to `count` keys of a shard that have expired, and tells how many, and whether there may
    /// be more. O(databases) if nothing can have expired.
    pub fn expire_some(
        &self,
        shard: usize,
        count: usize,
        now_ms: i64,
        on_removal: OnRemoval<'_>,
    ) -> (usize, bool) {
        let mut locked = self.lock_one(shard);
        let mut expired = Vec::new();
        for db in 0..locked.partitions().len() {
            let before = expired.len();
            let partition = locked.partition_mut(db);
            partition.expire(count - before, now_ms, &mut expired);
            locked.note_gone(db, &expired[before..], on_removal);
        }
        let is_unfinished = locked.soonest_ms() <= now_ms;
        locked.expired += expired.len() as u64;
        MutexGuard::unlock_fair(locked);
        // Freed after unlocking: a large value takes longer than all the rest.
        (expired.len(), is_unfinished)
    }

    /// Removes up to `count` fields of a shard's hashes that have expired, and tells whether there may be more. O(databases)
    /// if nothing can have expired.
    pub fn expire_fields_some(
        &self,
        shard: usize,
        count: usize,
        now_ms: i64,
        on_removal: &mut dyn FnMut(&mut Shard, usize, &[GoneFields]),
    ) -> bool {
        let mut locked = self.lock_one(shard);
        let mut all = Vec::new();
        for db in 0..locked.partitions().len() {
            if locked.partitions()[db].soonest_field_ms() > now_ms {
                continue;
            }
            let before = all.len();
            let partition = locked.partition_mut(db);
            partition.expire_fields(count, now_ms, &mut all);
            for gone in &all[before..] {
                locked.notify_watches(db, &gone.key);
                locked.expired_fields += gone.fields.len() as u64;
            }
            on_removal(&mut locked, db, &all[before..]);
        }
        MutexGuard::unlock_fair(locked);
        // Freed after unlocking, like the hashes that have become empty.
        all.iter().map(|it| it.fields.len()).sum::<usize>() >= count
    }

    /// What of a shard's volatile keys should have been removed by now.
    pub fn overdue(&self, shard: usize, now_ms: i64) -> Overdue {
        let locked = self.lock_one(shard);
        let each = locked.partitions().iter().map(|it| it.overdue(now_ms));
        each.fold(Overdue::default(), Overdue::and)
    }

    /// Removes up to `count` keys of invalidated tags from a shard; how many it removed.
    pub fn reclaim_some(&self, shard: usize, count: usize, on_removal: OnRemoval<'_>) -> usize {
        let mut locked = self.lock_one(shard);
        let mut removed = Vec::new();
        for db in 0..locked.partitions().len() {
            let before = removed.len();
            while removed.len() < count
                && let Some(entry) = locked.partition_mut(db).reclaim()
            {
                removed.push(entry);
            }
            locked.note_gone(db, &removed[before..], on_removal);
        }
        MutexGuard::unlock_fair(locked);
        removed.len()
    }

    /// How many invalidations may have left keys to be reclaimed.
    #[inline]
    pub fn pending_invalidations(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Notes that an invalidation has left keys to be reclaimed.
    pub(crate) fn note_pending(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that all shards have been looked through since there were so many
    /// [`Keyspace::pending_invalidations`], and that all they had left is reclaimed.
    pub fn settle_invalidations(&self, count: usize) {
        self.pending.fetch_sub(count, Ordering::Relaxed);
    }

    /// Begins a snapshot of what is there at this moment; every lock is held.
    ///
    /// The one before must have been walked to its end. Costs an allocation a partition.
    pub fn begin_snapshot(held: &mut Held<'_>, encode: Arc<dyn Encode>) {
        debug_assert_eq!(held.set(), ShardSet::ALL);
        held.iter().for_each(|shard| shard.begin_walk(&encode));
    }

    /// How much there is in each database; every lock is held.
    pub fn totals(held: &mut Held<'_>) -> Vec<Totals> {
        let mut all: Vec<Totals> = Vec::new();
        for shard in held.iter() {
            let partitions = shard.partitions();
            all.resize_with(all.len().max(partitions.len()), Totals::default);
            for (totals, partition) in all.iter_mut().zip(partitions) {
                totals.keys += partition.len();
                totals.volatile += partition.volatile_len();
                totals.has_field_expiries |= partition.hashes_with_expiries() > 0;
            }
        }
        all
    }

    /// Hands over everything there is, a piece at a time, while every lock is held.
    ///
    /// # Errors
    /// Those of `write`, at the first of which it ends.
    pub fn write_held<E>(
        held: &mut Held<'_>,
        encode: &dyn Encode,
        mut write: impl FnMut(&Slice) -> Result<(), E>,
    ) -> Result<(), E> {
        debug_assert_eq!(held.set(), ShardSet::ALL);
        for shard in held.iter() {
            for (db, partition) in shard.partitions().iter().enumerate() {
                partition.write_all(db, encode, &mut write)?;
            }
        }
        Ok(())
    }

    /// Takes the next piece of the snapshot from a shard: `None` when the shard is done.
    ///
    /// Holds the lock for about `count` entries of one partition or some 128 KiB of output or a piece of a large
    /// entry, and takes along what writers had to save.
    pub fn snapshot_some(&self, shard: usize, count: usize) -> Option<Slice> {
        let mut locked = self.lock_one(shard);
        let mut done = None;
        let slice = match locked.walking() {
            Some(Walking::Orphan(at)) => {
                let slice = locked.orphans[at].walk_on(count);
                if !locked.orphans[at].is_walking() {
                    done = Some(locked.orphans.swap_remove(at));
                }
                slice
            }
            Some(Walking::Partition(at)) => locked.partitions_mut()[at].walk_on(count),
            None => None,
        };
        MutexGuard::unlock_fair(locked);
        // A whole database that was flushed meanwhile: freed after unlocking.
        drop(done);
        slice
    }

    /// Takes what writers had to save in a shard, without going on: what is taken counts no more
    /// ([`Keyspace::snapshot_bytes`]), so it should be written before more is.
    ///
    /// Not while an entry is written in pieces ([`Slice::is_inside`]).
    pub fn snapshot_saved(&self, shard: usize) -> Vec<Slice> {
        let mut slices = Vec::new();
        self.lock_one(shard).take_saved(&mut slices);
        slices
    }

    /// Gives the snapshot up: nothing more is written, yet it must be walked to its end.
    ///
    /// Frees the databases that were flushed under it, after unlocking.
    pub fn abandon_snapshot(&self) {
        let mut orphans = Vec::new();
        self.for_each(|shard| {
            orphans.append(&mut shard.orphans);
            shard
                .partitions_mut()
                .iter_mut()
                .for_each(Partition::abandon_walk);
        });
    }

    /// Bytes that a running snapshot keeps in memory beyond the keyspace: not held against the limit.
    #[inline]
    pub fn snapshot_bytes(&self) -> usize {
        self.burden.bytes()
    }

    /// Hands every live entry of a database to `look`, one shard locked at a time.
    pub fn for_each_entry(&self, db: usize, now_ms: i64, mut look: impl FnMut(&Entry)) {
        self.for_each(|shard| {
            let Some(partition) = shard.partition(db) else {
                return;
            };
            let live = partition
                .table()
                .iter()
                .filter(|entry| partition.is_live(entry, now_ms));
            live.for_each(&mut look);
        });
    }
}

/// Volatile keys that should have been removed, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Keys with an expiry.
    pub volatile: usize,
    /// Those that expired more than [`EXPIRY_TICK_MS`] ago.
    pub expired: usize,
    /// For how long the first of them has been overdue.
    pub lag_ms: u64,
}

impl Overdue {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Overdue) -> Overdue {
        Overdue {
            volatile: self.volatile + other.volatile,
            expired: self.expired + other.expired,
            lag_ms: self.lag_ms.max(other.lag_ms),
        }
    }
}

/// How much there is in a database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Keys.
    pub keys: usize,
    /// Keys with an expiry.
    pub volatile: usize,
    /// Whether a hash has fields with one.
    pub has_field_expiries: bool,
}

/// What INFO tells of a database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Census {
    /// Keys.
    pub keys: usize,
    /// Keys with an expiry.
    pub volatile: usize,
    /// Hashes with fields that have one.
    pub hashes_with_expiries: usize,
    /// Sum of their expiries, milliseconds since 1970.
    pub expiry_sum_ms: i128,
    /// Bytes of directories and vacant cells.
    pub table_bytes: usize,
    /// Entries that the tables have room for.
    pub table_slots: usize,
    /// Bytes of what finds expired keys.
    pub volatile_bytes: usize,
    /// (key, tag) pairs.
    pub tags: usize,
    /// Bytes of tag names and postings.
    pub tag_bytes: usize,
    /// Pairs of invalidated tags whose keys are still to be reclaimed.
    pub pending_pairs: usize,
}

/// What INFO tells of all databases together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lookups {
    /// Lookups of readers that found a key.
    pub hits: u64,
    /// Lookups of readers that did not.
    pub misses: u64,
    /// Keys removed because they had expired.
    pub expired: u64,
    /// Fields of hashes removed because they had expired.
    pub expired_fields: u64,
    /// Keys that somebody watches.
    pub watched: usize,
    /// Bytes that it takes to remember what was evicted.
    pub ghost_bytes: usize,
}

impl Census {
    /// Adds what a shard holds to the counts of all databases.
    pub(crate) fn add(all: &mut Vec<Census>, shard: &Shard) {
        let partitions = shard.partitions();
        if all.len() < partitions.len() {
            all.resize(partitions.len(), Census::default());
        }
        for (census, partition) in all.iter_mut().zip(partitions) {
            census.keys += partition.undead_len();
            census.volatile += partition.volatile_len();
            census.hashes_with_expiries += partition.hashes_with_expiries();
            census.volatile_bytes += partition.table().due_bytes();
            census.expiry_sum_ms += partition.expiry_sum_ms();
            census.table_bytes += partition.table().overhead_bytes();
            census.table_slots += partition.table().capacity();
            census.tags += partition.tags().pairs();
            census.tag_bytes += partition.tags().size_bytes();
            census.pending_pairs += partition.tags().pending();
        }
    }
}

#[cfg(test)]
mod tests;
