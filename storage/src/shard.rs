//! What one lock protects: the keys of all databases whose hash falls here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::partition::Partition;

/// Set when a watched key changes; read by `EXEC`.
pub type WatchFlag = Arc<AtomicBool>;

/// One shard of the keyspace.
#[derive(Default)]
pub struct Shard {
    partitions: Vec<Partition>,
    /// Flushed while a snapshot still needs them.
    pub(crate) orphans: Vec<Partition>,
    watches: HashMap<(usize, Box<[u8]>), Vec<WatchFlag>>,
    epoch: bool,
    /// Lookups of readers that found a key, that did not, and keys removed because they had expired.
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expired: u64,
    /// Where in the log the last change of this shard ends: a reader that has seen it may wait for that.
    pub log_offset: u64,
}

impl Shard {
    /// The part of database `db` here, if it was ever used.
    #[inline]
    pub fn partition(&self, db: usize) -> Option<&Partition> {
        self.partitions.get(db)
    }

    /// The part of database `db` here.
    #[inline]
    pub(crate) fn partition_mut(&mut self, db: usize) -> &mut Partition {
        if db >= self.partitions.len() {
            let epoch = self.epoch;
            self.partitions.resize_with(db + 1, || Partition::new(epoch));
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
        let epoch = self.epoch;
        let partition = self.partitions.get_mut(db)?;
        let taken = std::mem::replace(partition, Partition::new(epoch));
        if taken.is_walking() {
            self.orphans.push(taken);
            return None;
        }
        Some(taken)
    }

    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        self.partition_mut(a.max(b));
        self.partitions.swap(a, b);
    }

    pub(crate) fn turn_epoch(&mut self) {
        self.epoch = !self.epoch;
    }

    /// Lets `flag` know when `key` changes.
    pub(crate) fn watch(&mut self, db: usize, key: &[u8], flag: &WatchFlag) {
        self.watches.entry((db, key.into())).or_default().push(Arc::clone(flag));
    }

    pub(crate) fn unwatch(&mut self, db: usize, key: &[u8], flag: &WatchFlag) {
        let place = (db, Box::from(key));
        if let Some(flags) = self.watches.get_mut(&place) {
            flags.retain(|other| !Arc::ptr_eq(other, flag));
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
        if let Some(flags) = self.watches.get(&(db, Box::from(key))) {
            flags.iter().for_each(|flag| flag.store(true, Ordering::Release));
        }
    }

    /// Tells those who watch a key of `db` for which `is_touched` holds.
    pub(crate) fn notify_watches_of(&self, db: usize, is_touched: impl Fn(&[u8]) -> bool) {
        for ((watched_db, key), flags) in &self.watches {
            if *watched_db == db && is_touched(key) {
                flags.iter().for_each(|flag| flag.store(true, Ordering::Release));
            }
        }
    }

    /// How many (connection, key) watches there are.
    pub fn watch_count(&self) -> usize {
        self.watches.values().map(Vec::len).sum()
    }
}
