//! The best candidates for eviction seen so far.
//!
//! As in Redis (`evict.c`): each round samples a few entries into a pool that is kept in order over many
//! rounds, so the sample grows better than its size. Of 32, where Redis has 16; simulated, 64 gain no more.
//! Entries in the pool may have been touched or removed since; whoever evicts looks again.

use super::tuning::Tuning;
use crate::keyspace::SHARDS;

const SIZE: usize = 32;

/// An entry that might go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// How much it deserves to go: its idle time, for instance.
    pub(crate) worth: u64,
    pub(crate) shard: usize,
    pub(crate) db: usize,
    pub(crate) hash: u32,
    /// Its access word: another one means that it was used since.
    pub(crate) access: u32,
}

/// Up to 32 candidates, the one to go next last.
#[derive(Debug, Default)]
pub struct Pool {
    candidates: Vec<Candidate>,
    next_shard: usize,
    pub(crate) tuning: Tuning,
    /// When the policy was changed under which they deserve it.
    since_ms: i64,
}

impl Pool {
    /// Whether it would take a candidate in that deserves it so much.
    pub(crate) fn takes(&self, worth: u64) -> bool {
        self.candidates.len() < SIZE || self.candidates[0].worth < worth
    }

    /// Takes a candidate in, in place of the one that deserves it least if there is no room.
    pub(crate) fn offer(&mut self, candidate: Candidate) {
        let is_other = |other: &Candidate| {
            (other.shard, other.db, other.hash) != (candidate.shard, candidate.db, candidate.hash)
        };
        self.candidates.retain(is_other);
        if !self.takes(candidate.worth) {
            return;
        }
        if self.candidates.len() == SIZE {
            self.candidates.remove(0);
        }
        let place = self
            .candidates
            .partition_point(|other| other.worth < candidate.worth);
        self.candidates.insert(place, candidate);
    }

    /// Takes the candidate out that deserves it most.
    pub(crate) fn pop(&mut self) -> Option<Candidate> {
        self.candidates.pop()
    }

    /// The shard to take the next sample of: one after the other.
    pub(crate) fn next_shard(&mut self) -> usize {
        let shard = self.next_shard;
        self.next_shard = (shard + 1) % SHARDS;
        shard
    }

    /// The shard whose turn it is.
    pub(crate) fn upcoming_shard(&self) -> usize {
        self.next_shard
    }

    /// Forgets all candidates and what it has learned before the policy was changed at that moment.
    pub(crate) fn begin(&mut self, since_ms: i64) {
        if self.since_ms != since_ms {
            self.since_ms = since_ms;
            self.candidates.clear();
            self.tuning = Tuning::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(hash: u32, worth: u64) -> Candidate {
        Candidate {
            worth,
            shard: 0,
            db: 0,
            hash,
            access: 0,
        }
    }

    fn emptied(mut pool: Pool) -> Vec<Candidate> {
        std::iter::from_fn(|| pool.pop()).collect()
    }

    #[test]
    fn the_pool_keeps_the_best() {
        for seed in 0..20 {
            let mut pool = Pool::default();
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut all: Vec<u64> = (0..200).map(|_| rng.u64(..1_000_000)).collect();
            for (at, &worth) in all.iter().enumerate() {
                pool.offer(candidate(at as u32, worth));
            }
            all.sort_unstable();
            let kept: Vec<u64> = emptied(pool).iter().map(|it| it.worth).collect();
            assert_eq!(kept, all.into_iter().rev().take(SIZE).collect::<Vec<_>>());
        }
    }

    #[test]
    fn candidates_are_forgotten_when_the_policy_changes() {
        let mut pool = Pool::default();
        pool.offer(candidate(1, 1));
        pool.tuning.leaning = 1.0;
        pool.begin(0);
        assert_eq!((pool.candidates.len(), pool.tuning.leaning), (1, 1.0));
        pool.begin(7);
        assert_eq!((pool.candidates.len(), pool.tuning.leaning), (0, 0.5));
    }

    #[test]
    fn an_entry_seen_again_is_there_once_with_its_newest_worth() {
        let mut pool = Pool::default();
        (0..40).for_each(|hash| pool.offer(candidate(hash % 10, 100 + u64::from(hash))));
        pool.offer(candidate(3, 1));
        let kept = emptied(pool);
        assert_eq!(kept.len(), 10);
        assert_eq!(kept[0], candidate(9, 139));
        assert_eq!(kept[9], candidate(3, 1));
    }
}
