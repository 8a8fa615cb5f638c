//! Choosing and removing one entry of a shard when memory is short.

use super::pool::Candidate;
use super::{Plan, Policy, Pool};
use crate::entry::Entry;
use crate::keyspace::OnRemoval;
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
        draw(partition, plan, &mut rng, |entry| {
            let worth = match plan.policy.is_random() {
                true => fastrand::u64(..),
                false => worth(entry, plan, now_ms),
            };
            pool.offer(Candidate {
                worth,
                shard: number,
                db,
                hash: partition.table().hash(entry.key()),
            });
            seen.count += 1;
        });
    }
    seen
}

/// How many entries may go.
fn total(partition: &Partition, plan: &Plan) -> usize {
    match plan.policy.is_volatile() {
        true => partition.volatile_len(),
        false => partition.len(),
    }
}

/// Hands some entries that may go to `look`.
fn draw(partition: &Partition, plan: &Plan, rng: &mut fastrand::Rng, look: impl FnMut(&Entry)) {
    let table = partition.table();
    match (plan.policy.is_volatile(), total(partition, plan) <= FEW) {
        (true, true) => table.volatile_entries().for_each(look),
        (false, true) => table.iter().for_each(look),
        (true, false) => table.sample_volatile(rng, plan.samples, look),
        (false, false) => table.sample_run(rng, plan.samples, look),
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
    let Candidate { db, hash, .. } = candidate;
    let may_go = |entry: &Entry| {
        (!plan.policy.is_volatile() || entry.expiry_ms().is_some())
            && (plan.policy.is_random() || worth(entry, plan, now_ms) >= candidate.worth)
    };
    let at = shard.partition(db)?.table().find_by(hash, may_go)?;
    let entry = shard.partition_mut(db).remove(at)?;
    if shard.has_watches() {
        shard.notify_watches(db, entry.key());
    }
    on_removal(shard, db, std::slice::from_ref(&entry));
    Some(entry)
}
