//! How much an entry deserves to go.
//!
//! **LRU**: idle time, times two factors. An entry that was never used again counts as idle up to four times
//! as long as one that was used twice, and one used once up to twice as long: how much of that, [`Tuning`]
//! learns, down to nothing. So a walk over many keys does not push out what is in use, and a loop
//! longer than the cache finds a part of it there, where plain LRU has evicted everything a moment
//! before it is read. And an entry of the mean size counts as idle up to one and a half times as long as a small
//! one, a large one as much longer again, by the square root of its size: what is large makes room for
//! several, of which each is as likely to be read. Among entries alike the order is that of their last
//! access.
//!
//! **GDSF** (Cherkasova, HPL-98-69; Arlitt et al., 2000): what is worth least goes, where worth is the
//! frequency over the size, and age is dealt with by inflation: an entry's priority is the inflation at its
//! last access plus `weight × K / size^1.25`, and the inflation is the highest priority that has
//! been evicted. So what was popular once sinks below what is used now. The weight is
//! `1 + 1.5 × leaning × (frequency - 1)`: where what is popular changes, the leaning goes to 0 and what
//! remains is GDS. Fixed at that of pure GDSF it had, simulated, 1.01 of the misses of Redis' LRU on a slow
//! drift of popularity, like this 0.881. The power of the size is 1 in the papers; 1.25 has a hundredth fewer misses
//! on all traces where sizes differ, as a sample seldom finds the few that are large.
//!
//! Misses beside those of Redis 7.4.1 with allkeys-lru (`benches/hit-ratio --rate 80000`, a limit of a quarter of
//! all keys; that entries are smaller helps as well, most with values of 32 bytes):
//!
//! ```text
//!               Zipf 0.9   1.0   with scans   shift   loop
//! 32      LRU      0.671  0.734       0.796   0.708  0.110
//!         GDSF     0.674  0.734       0.796   0.709  0.110
//! 100-500 LRU      0.825  0.855       0.866   0.859  0.634
//!         GDSF     0.806  0.840       0.852   0.846  0.448
//! mixed   LRU      0.824  0.863       0.857   0.853  0.508
//!         GDSF     0.685  0.770       0.790   0.710  0.311
//! ```
//!
//! On a recording of Twitter, five in six of whose misses are first reads, LRU has 0.891 and GDSF 0.876. Simulated,
//! LRU without both factors has 0.886 on Zipf 0.9 and 1.36 on the loop: Redis' clock of seconds makes its order so
//! vague that some of a loop survives by chance.

use super::access::{self, Clock};
use super::tuning::Tuning;
use super::{Access, Plan, Policy};
use crate::entry::Entry;

/// What has expired goes before all.
pub(crate) const EXPIRED: u64 = u64::MAX;

/// How much longer an entry counts as idle for each use that it lacks, at most: twice.
const UNUSED: f64 = 1.0;

/// Uses beyond which no more are missed.
const ENOUGH_USES: u32 = 2;

/// By how much the size can lengthen or shorten idle time.
const SIZE_FACTOR: f64 = 1.5;

/// What GDSF calls K: the steps that the inflation takes when an entry of one byte is evicted that was used
/// once. An entry of 64 bytes makes 1,448 steps, so a turn of the 26 bits that words keep takes thousands of
/// turnovers of the cache; the priorities of large entries differ by fractions of a step.
const STEPS: f64 = 262_144.0;

const FRACTION_BITS: u32 = 16;

/// How much more the second access and those after it count than the first, at most.
const USED: f64 = 1.5;

/// The judgement of one round of eviction.
pub(crate) struct Judge<'p> {
    plan: &'p Plan,
    clock: Clock,
    tuning: Tuning,
}

impl<'p> Judge<'p> {
    pub(crate) fn new(plan: &'p Plan, clock: Clock, tuning: Tuning) -> Judge<'p> {
        Judge {
            plan,
            clock,
            tuning,
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        self.plan.policy
    }

    /// When the policy was changed, in milliseconds since 1970.
    pub(crate) fn since_ms(&self) -> i64 {
        self.clock.switched_ms
    }

    /// How many entries of a shard are looked at for one that goes. They lie side by side and are fetched
    /// together, so four times `maxmemory-samples` cost no more than as many in Redis.
    pub(crate) fn samples(&self) -> usize {
        self.plan.samples * 4
    }

    /// Whether an entry has expired: it does not count as evicted then.
    pub(crate) fn is_expired(&self, entry: &Entry) -> bool {
        entry.is_expired(self.clock.now_ms)
    }

    /// Whether an entry may go at all.
    pub(crate) fn may_go(&self, entry: &Entry) -> bool {
        !self.plan.policy.is_volatile() || entry.expiry_ms().is_some()
    }

    /// How much an entry deserves to go. Only more as long as it is not used, but for a small change of the
    /// tuning.
    pub(crate) fn worth(&self, entry: &Entry) -> u64 {
        if self.is_expired(entry) {
            return EXPIRED;
        }
        match (self.plan.policy, self.plan.access) {
            (Policy::VolatileTtl, _) => {
                let expiry_ms = entry.expiry_ms().unwrap_or(i64::MAX);
                EXPIRED - expiry_ms.max(1).unsigned_abs()
            }
            (Policy::VolatileRandom | Policy::AllkeysRandom, _) => fastrand::u64(..EXPIRED),
            (_, Access::Time) => self.weighted_idle(entry),
            (_, Access::Count { .. }) => self.seldom(entry),
            (_, Access::Cost) => (EXPIRED >> 1).saturating_sub(self.priority(entry)),
        }
    }

    fn weighted_idle(&self, entry: &Entry) -> u64 {
        let word = entry.access();
        // A millisecond, so that the factors tell entries of one tick apart.
        let idle_ms = access::idle_ms(word, self.clock) + 1;
        let lacking = (ENOUGH_USES + 1).saturating_sub(access::accesses(word));
        let unused = (1.0 + UNUSED * f64::from(self.tuning.leaning)).powi(lacking.cast_signed());
        let relative = entry.size_bytes() as f64 / f64::from(self.tuning.mean_bytes.max(1.0));
        let size = relative.sqrt().clamp(SIZE_FACTOR.recip(), SIZE_FACTOR);
        // Steps of a millisecond would be lost on what has just been used.
        (idle_ms as f64 * unused * size * 256.0) as u64
    }

    fn seldom(&self, entry: &Entry) -> u64 {
        let counter = self.plan.access.frequency(entry.access(), self.clock);
        u64::from(255u32.saturating_sub(counter.unwrap_or(0)))
    }

    /// What keeps an entry under GDSF, in fractions of the inflation's steps.
    fn priority(&self, entry: &Entry) -> u64 {
        let word = entry.access();
        let again = f64::from(access::accesses(word).min(access::MOST_FREQUENT) - 1);
        let weight = 1.0 + USED * f64::from(self.tuning.leaning) * again;
        let size = entry.size_bytes().max(1) as f64;
        let value = weight * STEPS / (size * size.sqrt().sqrt());
        (access::inflation(word, self.clock) << FRACTION_BITS)
            + (value * f64::from(1 << FRACTION_BITS)) as u64
    }

    /// The inflation after an entry was evicted.
    pub(crate) fn inflation_after(&self, entry: &Entry) -> u64 {
        match self.plan.access {
            Access::Cost => self.priority(entry) >> FRACTION_BITS,
            Access::Time | Access::Count { .. } => 0,
        }
    }

    /// Whether it is remembered what went: what comes back then tells something.
    pub(crate) fn remembers(&self) -> bool {
        self.plan.policy.is_lru() || self.plan.policy.is_gdsf()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    const NOW: i64 = 1_700_000_000_000;

    fn plan(policy: Policy) -> Plan {
        let access = match policy {
            Policy::AllkeysGdsf => Access::Cost,
            Policy::AllkeysLfu => Access::Count {
                log_factor: 10,
                decay_minutes: 1,
            },
            _ => Access::Time,
        };
        Plan {
            policy,
            samples: 5,
            access,
        }
    }

    fn clock(now_ms: i64, inflated: u64) -> Clock {
        Clock {
            now_ms,
            inflation: access::FIRST_INFLATION + inflated,
            switched_ms: 0,
        }
    }

    fn tuning(leaning: f32, mean_bytes: f32) -> Tuning {
        let mut tuning = Tuning::default();
        (tuning.leaning, tuning.mean_bytes) = (leaning, mean_bytes);
        tuning
    }

    /// An entry of that many bytes, accessed so often, at that moment for the last time.
    fn entry(access: Access, at: Clock, accesses: u32, bytes: usize) -> Entry {
        let value = vec![b'v'; bytes];
        Entry::new(
            b"key",
            Value::Bytes(&value),
            access.fresh(at, accesses - 1),
            None,
        )
    }

    #[test]
    fn lru_is_the_order_of_use_among_entries_alike() {
        let plan = plan(Policy::AllkeysLru);
        for leaning in [0.0, 0.5, 1.0] {
            let judge = Judge::new(&plan, clock(NOW, 0), tuning(leaning, 300.0));
            let worths = (0..100).map(|ago| {
                let at = clock(NOW - ago * 100, 0);
                judge.worth(&entry(plan.access, at, 2, 200))
            });
            assert!(worths.is_sorted_by(|newer, older| newer < older));
        }
    }

    #[test]
    fn lru_weighs_reuse_by_its_leaning_and_size_within_limits() {
        let plan = plan(Policy::AllkeysLru);
        let ago = clock(NOW - 100_000, 0);
        let worth = |leaning, accesses, bytes| {
            let judge = Judge::new(&plan, clock(NOW, 0), tuning(leaning, 232.0));
            judge.worth(&entry(plan.access, ago, accesses, bytes)) as f64
        };
        let plain = worth(0.0, 9, 200);
        assert_eq!((worth(0.0, 1, 200), worth(1.0, 9, 200)), (plain, plain));
        for (accesses, factor) in [(1, 4.0), (2, 2.0), (3, 1.0)] {
            let ratio = worth(1.0, accesses, 200) / plain;
            assert!((ratio / factor - 1.0).abs() < 0.01, "{ratio}");
        }
        let (small, large) = (worth(0.0, 9, 1) / plain, worth(0.0, 9, 100_000) / plain);
        assert!((0.6..0.75).contains(&small), "{small}");
        assert!((1.4..1.6).contains(&large), "{large}");
    }

    #[test]
    fn gdsf_weighs_frequency_against_size_and_age() {
        let plan = plan(Policy::AllkeysGdsf);
        let judge = Judge::new(&plan, clock(NOW, 10_000), tuning(0.5, 0.0));
        let worth = |inflated, accesses, bytes| {
            judge.worth(&entry(plan.access, clock(NOW, inflated), accesses, bytes))
        };
        assert!(worth(0, 1, 1_000) > worth(0, 1, 100));
        assert!(worth(0, 1, 1_000) > worth(0, 2, 1_000));
        assert!(worth(0, 1, 1_000) > worth(1_000, 1, 1_000));
        assert!(worth(0, 1, 20_000_000) > worth(0, 1, 9_000_000));
        // Ten times as large and used ten times: the first access counts for itself.
        assert!(worth(0, 10, 10_000) > worth(0, 1, 600));
        let evicted = entry(plan.access, clock(NOW, 500), 1, 1_000);
        let after = judge.inflation_after(&evicted) - access::FIRST_INFLATION;
        let size = evicted.size_bytes() as f64;
        assert_eq!(after, 500 + (262_144.0 / size.powf(1.25)) as u64);
    }

    #[test]
    fn lfu_counts_down_from_the_highest_counter() {
        let plan = plan(Policy::AllkeysLfu);
        let judge = Judge::new(&plan, clock(NOW, 0), tuning(1.0, 0.0));
        let worth = |accesses| judge.worth(&entry(plan.access, clock(NOW, 0), accesses, 9));
        assert_eq!((worth(1), worth(11)), (250, 240));
    }

    #[test]
    fn what_has_expired_is_the_best_under_every_policy() {
        for policy in [
            Policy::VolatileTtl,
            Policy::VolatileRandom,
            Policy::AllkeysLru,
            Policy::AllkeysLfu,
            Policy::AllkeysGdsf,
        ] {
            let plan = plan(policy);
            let judge = Judge::new(&plan, clock(NOW, 0), Tuning::default());
            let word = plan.access.fresh(clock(NOW, 0), 9);
            let worth =
                |expiry_ms| judge.worth(&Entry::new(b"key", Value::Int(1), word, Some(expiry_ms)));
            assert_eq!(worth(NOW - 1), EXPIRED, "{policy:?}");
            assert!(worth(NOW) < EXPIRED, "{policy:?}");
        }
    }
}
