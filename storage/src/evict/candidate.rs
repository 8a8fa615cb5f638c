//! Choosing and removing one entry of a shard when memory is short.

use super::pool::Candidate;
use super::{Access, Policy, Pool};
use crate::keyspace::OnRemoval;
use crate::shard::Shard;
use crate::table::Handle;

/// Offers up to `samples` entries of each database to the pool; how many it found.
pub(crate) fn sample(
    shard: &Shard,
    number: usize,
    policy: Policy,
    samples: usize,
    access: Access,
    now_ms: i64,
    pool: &mut Pool,
) -> usize {
    let mut rng = fastrand::Rng::new();
    let mut found = 0;
    for (db, partition) in shard.partitions().iter().enumerate() {
        let total =
            if policy.is_volatile() { partition.volatile().len() } else { partition.len() };
        // Few enough to look at all of them: no candidate is missed by bad luck.
        let all = (total <= samples).then(|| 0..total);
        let draws = samples.min(total);
        for draw in 0..draws {
            let at = if policy.is_volatile() {
                let index = if all.is_some() { draw } else { rng.usize(..total) };
                Some(partition.volatile()[index])
            } else if all.is_some() {
                partition.table().downwards(usize::MAX).nth(draw).map(|(at, _)| at)
            } else {
                partition.table().sample(&mut rng)
            };
            let Some((at, entry)) = at.and_then(|at| Some((at, partition.get(at)?))) else {
                continue;
            };
            found += 1;
            let idle = match policy {
                // Soonest first; what has expired already goes before all.
                Policy::VolatileTtl => u64::MAX - entry.expiry_ms().unwrap_or(0).max(0) as u64,
                policy if policy.is_random() => rng.u64(..),
                _ => access.idle(entry.access, now_ms),
            };
            pool.offer(Candidate { idle, shard: number, db, at, hash: entry.hash });
        }
    }
    found
}

/// Removes a candidate if it is still what it was; `false` if it is gone.
pub(crate) fn remove(
    shard: &mut Shard,
    candidate: Candidate,
    policy: Policy,
    on_removal: OnRemoval<'_>,
) -> bool {
    let Candidate { db, at, hash, .. } = candidate;
    if !is_still_there(shard, db, at, hash, policy) {
        return false;
    }
    let Some(entry) = shard.partition_mut(db).remove(at) else { return false };
    shard.notify_watches(db, entry.key());
    on_removal(shard, db, entry.key());
    true
}

fn is_still_there(shard: &Shard, db: usize, at: Handle, hash: u32, policy: Policy) -> bool {
    let entry = shard.partition(db).and_then(|partition| partition.get(at));
    entry.is_some_and(|it| it.hash == hash && (!policy.is_volatile() || it.expiry_ms().is_some()))
}
