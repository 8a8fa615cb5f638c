//! What eviction learns from the keys that come back.
//!
//! How much should it count that an entry was used before? Where some keys are popular for long, a lot; where
//! what is popular changes, nothing. As in ARC (Megiddo and Modha, FAST 2003) the keys that return
//! soon after their eviction tell: if they had been used again, such entries go too early, and if they had
//! never been, those do. A kind that is evicted more seldom returns more seldom, so it counts for more.
//!
//! Simulated with the values of 100 to 500 bytes of `benches/hit-ratio`, against Redis 7.4: with LRU 0.826
//! of its misses on Zipf 0.9, 0.86 on a shift of popularity and 0.888 on a slow drift; with the weight
//! fixed at its most 0.825, 0.87 and 0.95, at its least 0.87, 0.87 and 0.888.

use super::access::accesses;
use super::ghost::{Returned, class};

/// How far one key that comes back moves the leaning, if it is of the kind evicted more often.
const STEP: f32 = 0.001;

/// A kind evicted more seldom than the other counts for more, up to this.
const MOST_STEPS: f32 = 10.0;

/// Evictions over which the shares of both kinds are counted.
const WINDOW: u32 = 16 * 1024;

/// One in so many of the sizes seen makes their mean.
const SIZES: f32 = 1024.0;

/// What is known about what goes and what comes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// How much it counts that an entry was used before, from 0 to 1.
    pub(crate) leaning: f32,
    /// The mean size of the entries looked at, in bytes.
    pub(crate) mean_bytes: f32,
    /// How many were evicted of late, by [`class`].
    evicted: [u32; 2],
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            leaning: 0.5,
            mean_bytes: 0.0,
            evicted: [1, 1],
        }
    }
}

impl Tuning {
    /// Counts an eviction of an entry with that access word.
    pub(crate) fn note_evicted(&mut self, word: u32) {
        self.evicted[class(accesses(word))] += 1;
        if self.evicted[0] + self.evicted[1] > WINDOW {
            self.evicted = self.evicted.map(|count| (count / 2).max(1));
        }
    }

    /// Learns from keys that came back.
    pub(crate) fn note_returned(&mut self, [unused, used]: Returned) {
        let ratio = self.evicted[0] as f32 / self.evicted[1] as f32;
        let too_early_used = used as f32 * ratio.clamp(1.0, MOST_STEPS);
        let too_early_unused = unused as f32 * ratio.recip().clamp(1.0, MOST_STEPS);
        let moved = self.leaning + STEP * (too_early_used - too_early_unused);
        self.leaning = moved.clamp(0.0, 1.0);
    }

    /// Notes the size of an entry that was looked at.
    pub(crate) fn note_size(&mut self, bytes: usize) {
        let bytes = bytes as f32;
        if self.mean_bytes == 0.0 {
            self.mean_bytes = bytes;
        }
        // One huge value is not what entries are like.
        let bytes = bytes.min(self.mean_bytes * 64.0);
        self.mean_bytes += (bytes - self.mean_bytes) / SIZES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evict::{Access, Clock};

    #[test]
    fn it_leans_towards_what_comes_back() {
        let mut tuning = Tuning::default();
        tuning.note_returned([100_000, 0]);
        assert_eq!(tuning.leaning, 0.0);
        tuning.note_returned([0, 400]);
        assert!((tuning.leaning - 0.4).abs() < 0.001, "{}", tuning.leaning);
        tuning.note_returned([200, 200]);
        assert!((tuning.leaning - 0.4).abs() < 0.001, "{}", tuning.leaning);
        tuning.note_returned([0, 100_000]);
        assert_eq!(tuning.leaning, 1.0);
    }

    #[test]
    fn the_rarer_kind_counts_for_more() {
        let mut tuning = Tuning::default();
        let clock = Clock {
            now_ms: 0,
            inflation: 0,
            switched_ms: 0,
        };
        let [unused, used] = [0, 1].map(|earlier| Access::Time.fresh(clock, earlier));
        for number in 0..90_000 {
            tuning.note_evicted(if number % 5 == 0 { used } else { unused });
        }
        assert!(tuning.evicted[0] + tuning.evicted[1] <= WINDOW);
        tuning.note_returned([300, 100]);
        assert!((0.58..0.62).contains(&tuning.leaning), "{}", tuning.leaning);
    }

    #[test]
    fn the_mean_size_follows_most_entries() {
        let mut tuning = Tuning::default();
        tuning.note_size(100);
        tuning.note_size(1 << 40);
        assert!(tuning.mean_bytes < 110.0);
        (0..10_000).for_each(|_| tuning.note_size(300));
        assert!((299.0..301.0).contains(&tuning.mean_bytes));
    }
}
