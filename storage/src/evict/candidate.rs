//! Choosing and removing one entry of a shard when memory is short.

use super::access::accesses;
use super::pool::Candidate;
use super::worth::Judge;
use super::{Policy, Pool};
use crate::entry::Entry;
use crate::keyspace::{Cause, OnEviction};
use crate::partition::Partition;
use crate::shard::Shard;

/// So few candidates of a partition are all looked at, so that none is missed by bad luck.
const FEW: usize = 16;

/// Candidates after which a round over nearly empty shards ends.
pub(crate) const MANY: usize = 128;

/// What a shard had to offer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) count: usize,
    /// There were no others.
    pub(crate) is_all: bool,
}

/// Offers some entries of each database to the pool, or all if there are few.
pub(crate) fn sample(shard: &mut Shard, number: usize, judge: &Judge<'_>, pool: &mut Pool) -> Seen {
    shard.ghost.begin(judge.since_ms());
    pool.tuning.note_returned(shard.ghost.take_returned());
    let mut rng = fastrand::Rng::new();
    let mut seen = Seen {
        count: 0,
        is_all: true,
    };
    for (db, partition) in shard.partitions().iter().enumerate() {
        seen.is_all &= total(partition, judge) <= FEW;
        draw(partition, judge, &mut rng, |entry| {
            seen.count += 1;
            pool.tuning.note_size(entry.size_bytes());
            let worth = judge.worth(entry);
            if pool.takes(worth) {
                pool.offer(Candidate {
                    worth,
                    shard: number,
                    db,
                    hash: partition.table().hash(entry.key()),
                    access: entry.access(),
                });
            }
        });
    }
    seen
}

/// How many entries may go.
fn total(partition: &Partition, judge: &Judge<'_>) -> usize {
    match judge.policy().is_volatile() {
        true => partition.volatile_len(),
        false => partition.len(),
    }
}

/// Hands some entries that may go to `look`.
fn draw(
    partition: &Partition,
    judge: &Judge<'_>,
    rng: &mut fastrand::Rng,
    look: impl FnMut(&Entry),
) {
    let table = partition.table();
    let is_few = total(partition, judge) <= FEW;
    match (judge.policy().is_volatile(), is_few) {
        (true, true) => table.volatile_entries().for_each(look),
        (false, true) => table.iter().for_each(look),
        (true, false) => table.sample_volatile(rng, judge.samples(), look),
        (false, false) => table.sample_run(rng, judge.samples(), look),
    }
}

/// Whether nothing has happened to an entry since it became a candidate.
fn still_deserves_it(entry: &Entry, candidate: Candidate, judge: &Judge<'_>) -> bool {
    judge.may_go(entry)
        && (judge.is_expired(entry)
            || match judge.policy() {
                Policy::VolatileRandom | Policy::AllkeysRandom => true,
                Policy::VolatileTtl => judge.worth(entry) == candidate.worth,
                _ => entry.access() == candidate.access,
            })
}

/// Removes a candidate if it still deserves to go as it did; `None` if it is gone, or was used since.
pub(crate) fn remove(
    shard: &mut Shard,
    candidate: Candidate,
    judge: &Judge<'_>,
    on_eviction: OnEviction<'_>,
) -> Option<Entry> {
    let Candidate { db, hash, .. } = candidate;
    let table = shard.partition(db)?.table();
    // One in seventy has a neighbour that the table finds alike.
    let is_it = |entry: &Entry| table.hash(entry.key()) == hash;
    let at = table.find_by(hash, is_it)?;
    if !still_deserves_it(table.get(at)?, candidate, judge) {
        return None;
    }
    let entry = shard.partition_mut(db).remove(at)?;
    let gone = std::slice::from_ref(&entry);
    if judge.is_expired(&entry) {
        shard.expired += 1;
        shard.note_gone(db, gone, &mut |shard, db, gone| {
            on_eviction(shard, db, gone, Cause::Expired);
        });
        return Some(entry);
    }
    if judge.remembers() {
        let keys = shard.partitions().iter().map(Partition::len).sum();
        let accesses = accesses(entry.access());
        shard.ghost.begin(judge.since_ms());
        shard.ghost.remember(db, hash, accesses, keys);
    }
    if shard.has_watches() {
        shard.notify_watches(db, entry.key());
    }
    on_eviction(shard, db, gone, Cause::Evicted);
    Some(entry)
}
