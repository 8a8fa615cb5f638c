//! What one lock protects: the keys of all databases whose hash falls here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::entry::Entry;
use crate::evict::ghost::Ghost;
use crate::hasher::Hasher;
use crate::keyspace::OnRemoval;
use crate::partition::Partition;
use crate::snapshot::{Burden, Encode, Slice};
use crate::waiters::Waiters;

/// Set when a watched key changes; read by `EXEC`.
pub type WatchFlag = Arc<AtomicBool>;

/// That somebody watches a key.
struct Watch {
    flag: WatchFlag,
    /// The key had run out before: it had expired, or a tag of it was invalidated. That it goes changes nothing.
    is_stale: bool,
}

impl Watch {
    fn set(&self) {
        self.flag.store(true, Ordering::Release);
    }
}

/// One shard of the keyspace.
#[derive(Default)]
pub struct Shard {
    hasher: Hasher,
    partitions: Vec<Partition>,
    /// Flushed while a snapshot still needs them.
    pub(crate) orphans: Vec<Partition>,
    watches: HashMap<(usize, Box<[u8]>), Vec<Watch>>,
    /// Who waits for a key to change.
    pub waiters: Waiters,
    epoch: bool,
    burden: Burden,
    /// What was evicted from here.
    pub(crate) ghost: Ghost,
    /// Lookups of readers that found a key, that did not, and keys removed because they had expired.
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expired: u64,
    /// Fields of hashes removed because they had expired.
    pub(crate) expired_fields: u64,
    /// Where in the log the last change of this shard ends: a reader that has seen it may wait for that.
    pub log_offset: u64,
}

/// Where a snapshot goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Walking {
    /// In an orphan of that index.
    Orphan(usize),
    /// In that database.
    Partition(usize),
}

impl Shard {
    pub(crate) fn new(hasher: Hasher, burden: Burden) -> Shard {
        Shard {
            hasher,
            burden,
            ..Shard::default()
        }
    }

    /// The part of database `db` here, if it was ever used.
    #[inline]
    pub fn partition(&self, db: usize) -> Option<&Partition> {
        self.partitions.get(db)
    }

    #[cold]
    fn add_partitions(&mut self, count: usize) {
        let (epoch, hasher) = (self.epoch, &self.hasher);
        // Most servers use one database: room for more would cost each shard some kilobytes.
        self.partitions.reserve_exact(count - self.partitions.len());
        self.partitions
            .resize_with(count, || Partition::new(epoch, hasher));
    }

    /// The part of database `db` here.
    #[inline]
    pub(crate) fn partition_mut(&mut self, db: usize) -> &mut Partition {
        if db >= self.partitions.len() {
            self.add_partitions(db + 1);
        }
        &mut self.partitions[db]
    }

    /// All databases that were ever used here, in order.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    pub(crate) fn partitions_mut(&mut self) -> &mut [Partition] {
        &mut self.partitions
    }

    /// Takes database `db` away and leaves an empty one; one that a snapshot needs stays as an orphan.
    pub(crate) fn take(&mut self, db: usize) -> Option<Partition> {
        let empty = Partition::new(self.epoch, &self.hasher);
        let partition = self.partitions.get_mut(db)?;
        let mut taken = std::mem::replace(partition, empty);
        if self.partitions.iter().all(Partition::is_empty) {
            self.ghost = Ghost::default();
        }
        if taken.is_walking() {
            taken.leave_to_walk();
            self.orphans.push(taken);
            return None;
        }
        Some(taken)
    }

    /// Bytes that it takes to remember what was evicted.
    pub fn ghost_bytes(&self) -> usize {
        self.ghost.size_bytes()
    }

    /// A moment before which no entry of any database has expired, in milliseconds since 1970.
    pub fn soonest_ms(&self) -> i64 {
        let all = self.partitions.iter().map(Partition::soonest_ms);
        all.min().unwrap_or(i64::MAX)
    }

    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        self.partition_mut(a.max(b));
        self.partitions.swap(a, b);
    }

    /// Begins a snapshot of all databases.
    pub(crate) fn begin_walk(&mut self, encode: &Arc<dyn Encode>) {
        self.epoch = !self.epoch;
        for (db, partition) in self.partitions.iter_mut().enumerate() {
            partition.begin_walk(db, encode, &self.burden);
        }
    }

    /// From where a snapshot goes on: where it is inside of an entry, else with databases that were flushed under it.
    pub(crate) fn walking(&self) -> Option<Walking> {
        let find = |is_it: fn(&Partition) -> bool| {
            let orphan = self.orphans.iter().position(is_it).map(Walking::Orphan);
            let here = || self.partitions.iter().position(is_it);
            orphan.or_else(|| here().map(Walking::Partition))
        };
        find(Partition::is_inside_walk).or_else(|| find(Partition::is_walking))
    }

    /// Takes what writers had to save for a snapshot.
    pub(crate) fn take_saved(&mut self, slices: &mut Vec<Slice>) {
        let partitions = self.orphans.iter_mut().chain(&mut self.partitions);
        slices.extend(partitions.filter_map(Partition::take_saved));
    }

    /// Tells of entries that the server has removed by itself because they had run out.
    pub(crate) fn note_gone(&mut self, db: usize, gone: &[Entry], on_removal: OnRemoval<'_>) {
        if gone.is_empty() {
            return;
        }
        if self.has_watches() {
            gone.iter()
                .for_each(|entry| self.notify_watches_of_gone(db, entry.key()));
        }
        on_removal(self, db, gone);
    }

    /// Lets `flag` know when `key` changes, which has run out or not.
    pub(crate) fn watch(&mut self, db: usize, key: &[u8], flag: &WatchFlag, is_stale: bool) {
        let watch = Watch {
            flag: Arc::clone(flag),
            is_stale,
        };
        self.watches
            .entry((db, key.into()))
            .or_default()
            .push(watch);
    }

    /// Whether the key had not run out when `flag` began to watch it.
    pub(crate) fn watches_live(&self, db: usize, key: &[u8], flag: &WatchFlag) -> bool {
        let watches = self.watches.get(&(db, Box::from(key)));
        watches.is_some_and(|all| {
            all.iter()
                .any(|it| !it.is_stale && Arc::ptr_eq(&it.flag, flag))
        })
    }

    /// How many keys are watched here.
    pub fn watched_keys(&self) -> usize {
        self.watches.len()
    }

    pub(crate) fn unwatch(&mut self, db: usize, key: &[u8], flag: &WatchFlag) {
        let place = (db, Box::from(key));
        if let Some(flags) = self.watches.get_mut(&place) {
            flags.retain(|other| !Arc::ptr_eq(&other.flag, flag));
            if flags.is_empty() {
                self.watches.remove(&place);
            }
        }
    }

    /// Whether anybody watches a key here.
    #[inline]
    pub(crate) fn has_watches(&self) -> bool {
        !self.watches.is_empty()
    }

    /// Tells those who watch `key`.
    pub(crate) fn notify_watches(&self, db: usize, key: &[u8]) {
        if let Some(watches) = self.watches.get(&(db, Box::from(key))) {
            watches.iter().for_each(Watch::set);
        }
    }

    /// Tells those who watch `key` that it has run out and is removed. As in Redis
    /// (`touchWatchedKey`, multi.c), that is news only to those who knew it alive.
    pub(crate) fn notify_watches_of_gone(&mut self, db: usize, key: &[u8]) {
        let watches = self.watches.get_mut(&(db, Box::from(key)));
        for watch in watches.into_iter().flatten() {
            if !std::mem::take(&mut watch.is_stale) {
                watch.set();
            }
        }
    }

    /// Tells those who watch a key of `db` for which `is_changed` holds, given (databases, key, whether
    /// the watcher knew it run out); it may correct what the watcher knows.
    pub(crate) fn notify_watches_if(
        &mut self,
        db: usize,
        mut is_changed: impl FnMut(&[Partition], &[u8], &mut bool) -> bool,
    ) {
        for ((watched_db, key), watches) in &mut self.watches {
            for watch in watches.iter_mut().filter(|_| *watched_db == db) {
                if is_changed(&self.partitions, key, &mut watch.is_stale) {
                    watch.set();
                }
            }
        }
    }

    /// How many (connection, key) watches there are.
    pub fn watch_count(&self) -> usize {
        self.watches.values().map(Vec::len).sum()
    }
}
