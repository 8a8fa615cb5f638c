//! Choosing and removing one entry of a shard when memory is short.

use smallvec::SmallVec;

use super::pool::Candidate;
use super::{Plan, Policy, Pool};
use crate::entry::Entry;
use crate::keyspace::OnRemoval;
use crate::partition::Partition;
use crate::shard::Shard;
use crate::table::Handle;

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

/// Offers up to `samples` entries of each database to the pool, or all if there are few.
pub(crate) fn sample(
    shard: &Shard,
    number: usize,
    plan: &Plan,
    now_ms: i64,
    pool: &mut Pool,
) -> Seen {
    let mut rng = fastrand::Rng::new();
    let mut seen = Seen {
        count: 0,
        is_all: true,
    };
    for (db, partition) in shard.partitions().iter().enumerate() {
        seen.is_all &= total(partition, plan) <= FEW;
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
            seen.count += 1;
        }
    }
    seen
}

/// How many entries may go.
fn total(partition: &Partition, plan: &Plan) -> usize {
    match plan.policy.is_volatile() {
        true => partition.volatile().len(),
        false => partition.len(),
    }
}

/// Some entries that may go.
fn draw(partition: &Partition, plan: &Plan, rng: &mut fastrand::Rng) -> SmallVec<[Handle; FEW]> {
    let (table, volatile) = (partition.table(), partition.volatile());
    let total = total(partition, plan);
    match (plan.policy.is_volatile(), total <= FEW) {
        (true, true) => volatile.into(),
        (false, true) => table.downwards(usize::MAX).map(|it| it.0).collect(),
        (true, false) => (0..plan.samples)
            .map(|_| volatile[rng.usize(..total)])
            .collect(),
        (false, false) => (0..plan.samples)
            .filter_map(|_| table.sample(rng))
            .collect(),
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
