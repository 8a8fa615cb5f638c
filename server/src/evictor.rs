//! Making room when memory is short.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use storage::evict::{Access, Policy, Pool};
use storage::keyspace::{Keyspace, OnRemoval};
use storage::memory;

use crate::persist::log::Log;

/// What is evicted, and how long a command may spend on it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which keys go.
    pub policy: Policy,
    /// Keys looked at for each that goes.
    pub samples: usize,
    /// How accesses are recorded.
    pub access: Access,
    /// Time for one command; what remains is done in the background.
    pub budget: Duration,
}

/// The candidates of the server; only one thread evicts at a time.
#[derive(Debug, Default)]
pub struct Evictor {
    pool: Mutex<Pool>,
}

impl Evictor {
    /// Bytes that count towards the limit: what waits for the disk does not, as in Redis.
    #[inline]
    pub fn used_bytes(&self, log: &Log) -> usize {
        let used = memory::used_bytes();
        if log.is_on() {
            used.saturating_sub(log.pending_bytes())
        } else {
            used
        }
    }

    /// Evicts until the limit is kept or the budget is used up; `false` if nothing is left to evict.
    ///
    /// Keys of invalidated tags go first: they are dead already.
    pub fn make_room(
        &self,
        keyspace: &Keyspace,
        log: &Log,
        limit_bytes: usize,
        plan: Plan,
        now_ms: i64,
        on_removal: OnRemoval<'_>,
    ) -> bool {
        let mut pool = self.pool.lock();
        let started = Instant::now();
        let mut rounds = 0u32;
        while self.used_bytes(log) > limit_bytes {
            let removed = reclaim_dead(keyspace, on_removal)
                || (plan.policy != Policy::NoEviction
                    && keyspace.evict(
                        plan.policy,
                        plan.samples,
                        plan.access,
                        now_ms,
                        &mut pool,
                        on_removal,
                    ));
            if !removed {
                return false;
            }
            rounds += 1;
            if rounds.is_multiple_of(16) && started.elapsed() > plan.budget {
                return true;
            }
        }
        true
    }

    /// Forgets all candidates, as when the policy changes.
    pub fn forget(&self) {
        self.pool.lock().clear();
    }
}

/// Removes some keys of invalidated tags, if there are any.
fn reclaim_dead(keyspace: &Keyspace, on_removal: OnRemoval<'_>) -> bool {
    if !keyspace.may_have_pending() {
        return false;
    }
    (0..storage::keyspace::SHARDS).any(|shard| keyspace.reclaim_some(shard, 16, on_removal) > 0)
}
