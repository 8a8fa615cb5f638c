//! Making room when memory is short.
//!
//! `maxmemory` is for the data. What connections hold ([`Clients::ledger`]) is not counted towards it, other
//! than in Redis: evicting keys would not make replies fewer that nobody reads, so a burst of big reads would
//! only empty the cache. It has bounds of its own: `maxmemory-clients`, over which the largest are closed, as
//! in Redis; where that is not set, as much as `maxmemory` (at least [`LEAST_CLIENT_BUDGET`]), over which
//! whoever has a megabyte of replies waiting is not served before it has read them; and for each alone
//! `client-output-buffer-limit` and `client-query-buffer-limit`. So what is in use stays below `maxmemory` and
//! that budget together, but for a reply and a request of each connection; and a write is refused, or makes room,
//! when the data alone is over the limit.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use storage::entry::Entry;
use storage::evict::{Plan, Policy, Pool};
use storage::keyspace::{Cause, Keyspace, OnEviction, SHARDS};
use storage::memory;
use storage::shard::Shard;

use crate::clients::Clients;
use crate::lazyfree::Lazyfree;
use crate::persist::log::Log;

/// Keys of invalidated tags removed in one go.
const RECLAIM_KEYS: usize = 16;

/// How much memory there is, and who holds some of it for a while only.
#[derive(Clone, Copy)]
pub struct Accounts<'s> {
    /// All keys.
    pub keyspace: &'s Keyspace,
    /// The log, whose records wait for the disk.
    pub log: &'s Log,
    /// What has been removed already and is being freed.
    pub lazyfree: &'s Lazyfree,
    /// The connections, for what they hold.
    pub clients: &'s Clients,
}

/// What connections may hold at least before they have to read.
pub const LEAST_CLIENT_BUDGET: usize = 64 << 20;

impl Accounts<'_> {
    /// Bytes in use that do not count towards the limit: evicting keys would not make them fewer.
    ///
    /// As in Redis, what waits for the disk; what a running snapshot keeps, which in Redis is copied by
    /// the system and counted nowhere; what is about to be freed; and what connections hold, values
    /// included that are no longer in the keyspace.
    pub fn uncounted_bytes(self) -> usize {
        self.log.buffer_bytes()
            + self.keyspace.snapshot_bytes()
            + self.lazyfree.pending_bytes()
            + self.clients.ledger.own_bytes()
            + storage::value::only_lent_bytes()
    }

    /// Bytes that count towards the limit.
    ///
    /// What does not count may get more or less while it is summed up: it is looked at before and after.
    pub fn used_bytes(self) -> usize {
        let before = self.uncounted_bytes();
        let used = memory::used_bytes();
        used.saturating_sub(before.max(self.uncounted_bytes()))
    }

    /// Whether so little is used that it need not be counted exactly.
    #[inline]
    pub fn is_clearly_below(self, limit_bytes: usize) -> bool {
        let clients = self.clients.ledger.own_bytes();
        memory::used_at_most() <= limit_bytes.saturating_add(clients)
    }
}

/// What came of making room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// The limit is kept.
    Enough,
    /// Keys are being evicted, but the time of one command is over.
    Soon,
    /// There is too little, and nothing left to evict.
    None,
}

/// The candidates of the server; only one thread evicts at a time.
#[derive(Debug, Default)]
pub struct Evictor {
    pool: Mutex<Pool>,
}

impl Evictor {
    /// Evicts until the limit is kept or the time is over.
    ///
    /// Keys of invalidated tags and expired ones go first: they are dead already.
    pub fn make_room(
        &self,
        accounts: Accounts<'_>,
        limit_bytes: usize,
        plan: &Plan,
        budget: Duration,
        now_ms: i64,
        on_removal: OnEviction<'_>,
    ) -> Room {
        let mut pool = self.pool.lock();
        let started = Instant::now();
        let mut rounds = 0u32;
        let mut garbage = Vec::new();
        while accounts.used_bytes() > limit_bytes {
            let keyspace = accounts.keyspace;
            let is_removed = reclaim_dead(keyspace, on_removal)
                || (plan.policy != Policy::NoEviction
                    && keyspace.evict(plan, now_ms, &mut pool, &mut garbage, on_removal));
            accounts.lazyfree.free(std::mem::take(&mut garbage));
            if !is_removed {
                return Room::None;
            }
            rounds += 1;
            if rounds.is_multiple_of(16) && started.elapsed() > budget {
                return Room::Soon;
            }
        }
        Room::Enough
    }
}

/// Removes some keys of invalidated tags, if there are any.
fn reclaim_dead(keyspace: &Keyspace, on_removal: OnEviction<'_>) -> bool {
    let mut note = |shard: &mut Shard, db: usize, gone: &[Entry]| {
        on_removal(shard, db, gone, Cause::Invalidated);
    };
    keyspace.pending_invalidations() > 0
        && (0..SHARDS).any(|shard| keyspace.reclaim_some(shard, RECLAIM_KEYS, &mut note) > 0)
}
