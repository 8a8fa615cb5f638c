//! The best candidates for eviction seen so far.
//!
//! As in Redis (`evict.c`): each round samples a few entries into a pool of 16 that is kept in order
//! over many rounds, so the sample grows better than its size. Entries in the pool may
//! have been touched or removed since; whoever evicts looks again.

use crate::keyspace::SHARDS;

const SIZE: usize = 16;

/// An entry that might go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// How much it deserves to go: its idle time, for instance.
    pub(crate) worth: u64,
    pub(crate) shard: usize,
    pub(crate) db: usize,
    pub(crate) hash: u32,
}

/// Up to 16 candidates, the one to go next last.
#[derive(Debug, Default)]
pub struct Pool {
    candidates: Vec<Candidate>,
    next_shard: usize,
}

impl Pool {
    /// Takes a candidate in if there is room or deserves it more than one inside.
    pub(crate) fn offer(&mut self, candidate: Candidate) {
        let is_same = |other: &Candidate| {
            (other.shard, other.db, other.hash) == (candidate.shard, candidate.db, candidate.hash)
        };
        self.candidates.retain(|other| !is_same(other));
        let place = self
            .candidates
            .partition_point(|other| other.worth < candidate.worth);
        if self.candidates.len() == SIZE {
            if place == 0 {
                return;
            }
            self.candidates.remove(0);
            self.candidates.insert(place - 1, candidate);
        } else {
            self.candidates.insert(place, candidate);
        }
    }

    /// Takes the candidate out that deserves it most.
    pub(crate) fn pop(&mut self) -> Option<Candidate> {
        self.candidates.pop()
    }

    /// The shard to take the next sample of: one after the other.
    pub(crate) fn next_shard(&mut self) -> usize {
        self.next_shard = (self.next_shard + 1) % SHARDS;
        self.next_shard
    }

    /// Forgets all candidates, as when the policy changes.
    pub fn clear(&mut self) {
        self.candidates.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_keeps_the_best() {
        let mut pool = Pool::default();
        let mut rng = fastrand::Rng::with_seed(3);
        let mut all: Vec<u64> = (0..100).map(|_| rng.u64(..1_000_000)).collect();
        for (at, &worth) in all.iter().enumerate() {
            pool.offer(Candidate {
                worth,
                shard: 0,
                db: 0,
                hash: at as u32,
            });
        }
        all.sort_unstable();
        let kept: Vec<u64> = std::iter::from_fn(|| pool.pop())
            .map(|it| it.worth)
            .collect();
        assert_eq!(kept, all.into_iter().rev().take(SIZE).collect::<Vec<_>>());
    }
}
