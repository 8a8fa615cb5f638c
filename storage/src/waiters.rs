//! Who waits for keys of a shard.
//!
//! A waiter is a number to whoever waits; here stands only which keys it waits for, in the order of
//! arrival, and which shards must be held to serve it.

use std::collections::HashMap;

use crate::keyspace::ShardSet;

/// A waiter: what for is known to who gave the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Its number, unique while it waits.
    pub ticket: u64,
    /// The shards of all its keys.
    pub shards: ShardSet,
}

/// The waiters for the keys of one shard.
#[derive(Debug, Default)]
pub struct Waiters {
    by_key: HashMap<(usize, Box<[u8]>), Vec<Waiter>>,
    /// The shards of all of them.
    shards: ShardSet,
}

impl Waiters {
    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// How many keys are waited for.
    pub fn key_count(&self) -> usize {
        self.by_key.len()
    }

    /// The shards that must be held to serve any of them.
    #[inline]
    pub(crate) fn shards(&self) -> ShardSet {
        self.shards
    }

    /// The keys that are waited for, with their databases.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.by_key.keys().map(|(db, key)| (*db, &**key))
    }

    /// Who waits for a key, first come first.
    pub fn of(&self, db: usize, key: &[u8]) -> &[Waiter] {
        self.by_key
            .get(&(db, Box::from(key)))
            .map_or(&[], Vec::as_slice)
    }

    /// Lets somebody wait for a key, behind all others. Who waits for it already goes to the end.
    pub fn join(&mut self, db: usize, key: &[u8], waiter: Waiter) {
        let queue = self.by_key.entry((db, key.into())).or_default();
        queue.retain(|other| other.ticket != waiter.ticket);
        queue.push(waiter);
        self.shards = self.shards.union(waiter.shards);
    }

    /// Lets somebody no longer wait for a key.
    pub fn leave(&mut self, db: usize, key: &[u8], ticket: u64) {
        let place = (db, Box::from(key));
        let Some(queue) = self.by_key.get_mut(&place) else {
            return;
        };
        queue.retain(|other| other.ticket != ticket);
        if queue.is_empty() {
            self.by_key.remove(&place);
        }
        let all = self.by_key.values().flatten();
        self.shards = all.fold(ShardSet::NONE, |shards, it| shards.union(it.shards));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_stand_in_line() {
        let waiter = |ticket| Waiter {
            ticket,
            shards: ShardSet::one(ticket as usize),
        };
        let tickets = |waiters: &Waiters| -> Vec<u64> {
            waiters.of(0, b"k").iter().map(|it| it.ticket).collect()
        };
        let mut waiters = Waiters::default();
        for ticket in [3, 1, 2] {
            waiters.join(0, b"k", waiter(ticket));
        }
        waiters.join(0, b"k", waiter(3));
        assert_eq!(tickets(&waiters), [1, 2, 3]);
        assert!(waiters.of(1, b"k").is_empty());
        waiters.leave(0, b"k", 2);
        assert_eq!(tickets(&waiters), [1, 3]);
        assert!(!waiters.shards().contains(2) && waiters.shards().contains(3));
        waiters.leave(0, b"k", 1);
        waiters.leave(0, b"k", 3);
        assert!(waiters.is_empty() && waiters.shards().is_empty());
    }
}
