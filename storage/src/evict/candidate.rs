//! Choosing and removing one entry of a shard when memory is short.

use smallvec::SmallVec;

use super::pool::Candidate;
use super::{Plan, Policy, Pool};
use crate::entry::Entry;
use crate::keyspace::OnRemoval;
use crate::partition::Partition;
use crate::shard::Shard;
use crate::table::Handle;

/// Candidates after which a round over nearly empty shards ends.
pub(crate) const MANY: usize = 128;

/// Offers up to `samples` entries of each database to the pool; how many it found.
pub(crate) fn sample(
    shard: &Shard,
    number: usize,
    plan: &Plan,
    now_ms: i64,
    pool: &mut Pool,
) -> usize {
    let mut rng = fastrand::Rng::new();
    let mut found = 0;
    for (db, partition) in shard.partitions().iter().enumerate() {
        for at in draw(partition, plan, &mut rng) {
            let Some(entry) = partition.get(at) else {
                continue;
            };
            let worth = match plan.policy.is_random() {
                true => rng.u64(..),
                false => worth(entry, plan, now_ms),
            };
            pool.offer(Candidate {
                worth,
                shard: number,
                db,
                at,
                hash: entry.hash,
            });
            found += 1;
        }
    }
    found
}

/// Some entries that may go: all of them if there are few, so that none is missed by bad luck.
fn draw(partition: &Partition, plan: &Plan, rng: &mut fastrand::Rng) -> SmallVec<[Handle; 16]> {
    let (table, volatile) = (partition.table(), partition.volatile());
    let samples = plan.samples;
    match plan.policy.is_volatile() {
        true if volatile.len() <= samples => volatile.into(),
        true => (0..samples)
            .map(|_| volatile[rng.usize(..volatile.len())])
            .collect(),
        false if table.len() <= samples => table.downwards(usize::MAX).map(|it| it.0).collect(),
        false => (0..samples).filter_map(|_| table.sample(rng)).collect(),
    }
}

/// How much an entry deserves to go, under a policy that does not leave it to chance.
fn worth(entry: &Entry, plan: &Plan, now_ms: i64) -> u64 {
    if plan.policy == Policy::VolatileTtl {
        // Soonest first; what has expired already goes before all.
        return u64::MAX - entry.expiry_ms().unwrap_or(i64::MAX).max(0).unsigned_abs();
    }
    plan.access.idle(entry.access(), now_ms)
}

/// Removes a candidate if it still deserves to go as it did; `None` if it is gone, or was used since.
pub(crate) fn remove(
    shard: &mut Shard,
    candidate: Candidate,
    plan: &Plan,
    now_ms: i64,
    on_removal: OnRemoval<'_>,
) -> Option<Entry> {
    let Candidate { db, at, hash, .. } = candidate;
    let entry = shard.partition(db)?.get(at)?;
    if entry.hash != hash || (plan.policy.is_volatile() && entry.expiry_ms().is_none()) {
        return None;
    }
    if !plan.policy.is_random() && worth(entry, plan, now_ms) < candidate.worth {
        return None;
    }
    let entry = shard.partition_mut(db).remove(at)?;
    if shard.has_watches() {
        shard.notify_watches(db, entry.key());
    }
    on_removal(shard, db, std::slice::from_ref(&entry));
    Some(entry)
}
