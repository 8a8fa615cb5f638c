//! The access word of an entry: 32 bits that tell of its past.
//!
//! There are three schemes, and the leading bits say which one wrote a word:
//!
//! ```text
//! 0  | time of the last access: 29 bits | uses: 2 bits      LRU, and whatever does not count
//! 10 | unused: 6 bits | minutes: 16 bits | counter: 8 bits  LFU, as in Redis (evict.c)
//! 11 | inflation: 26 bits | frequency: 4 bits               GDSF
//! ```
//!
//! The time is in ticks of 32 milliseconds, where Redis has seconds, and wraps after 198 days; simulated
//! on the traces of `benches/hit-ratio`, ticks of 1 and of 256 milliseconds lead to the same misses. Uses
//! are counted to 2, not counting the one that made the entry; those of one tick count as one, for a burst
//! does not say that the key will be wanted later (simulated on the recording of Twitter: 0.890 of Redis' misses,
//! otherwise 0.898). LFU has the minute of the last decrement and
//! a logarithmic counter that grows with probability 1/((counter - 5) × factor + 1). GDSF has the
//! [inflation](super::worth) at the last access and how many there were, to 15.
//!
//! So the policy may change at any time: the next access of an entry writes its word anew and keeps the
//! count, as far as the other scheme knows one, and until then a word is read for what it says. What GDSF
//! wrote says no time: idle since the policy was changed, and a second more for each step of the inflation
//! before that; the other way round a second without access counts as one step.

const LFU_START: u32 = 5;

/// Bits below that of a scheme.
const TIME_BITS: u32 = 29;
const USES_BITS: u32 = 2;
const MOST_USES: u32 = 2;
const COUNT: u32 = 0b10 << 30;
const COST: u32 = 0b11 << 30;
const FREQUENCY_BITS: u32 = 4;

/// The highest frequency that GDSF counts.
pub(crate) const MOST_FREQUENT: u32 = (1 << FREQUENCY_BITS) - 1;

const INFLATION_MASK: u32 = (1 << 26) - 1;

/// Where the inflation begins: high enough that there is room for what was last used before.
pub(crate) const FIRST_INFLATION: u64 = INFLATION_MASK as u64 + 1;

/// How long a tick is.
pub const TICK_MS: u64 = 32;

/// How accesses are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The time of the last one, and whether there were others.
    Time,
    /// Their number, on a logarithmic scale.
    Count {
        /// `lfu-log-factor`
        log_factor: u32,
        /// `lfu-decay-time`, 0 for never
        decay_minutes: u32,
    },
    /// Their number, and what memory had cost by the last one.
    Cost,
}

/// What a file or a client tells of the accesses of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// Nothing.
    Unknown,
    /// How long ago the last one was.
    IdleSeconds(u64),
    /// The counter of LFU.
    Frequency(u8),
}

/// The longest idle time that Redis knows, and a little less than what fits a word.
const MOST_IDLE_SECONDS: u64 = (1 << 24) - 2;

/// What accesses are recorded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
    /// The priority that entries had when they went, of late.
    pub inflation: u64,
    /// When the policy was changed, in milliseconds since 1970.
    pub switched_ms: i64,
}

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Time { ticks: u32, uses: u32 },
    Count { minutes: u32, counter: u32 },
    Cost { inflation: u32, frequency: u32 },
}

impl Word {
    #[inline]
    fn of(word: u32) -> Word {
        match word >> 30 {
            0b11 => Word::Cost {
                inflation: word >> FREQUENCY_BITS & INFLATION_MASK,
                frequency: (word & MOST_FREQUENT).max(1),
            },
            0b10 => Word::Count {
                minutes: word >> 8 & 0xffff,
                counter: word & 0xff,
            },
            _ => Word::Time {
                ticks: word >> USES_BITS,
                uses: (word & 0b11).min(MOST_USES),
            },
        }
    }

    #[inline]
    fn bits(self) -> u32 {
        match self {
            Word::Time { ticks, uses } => ticks << USES_BITS | uses,
            Word::Count { minutes, counter } => COUNT | minutes << 8 | counter,
            Word::Cost {
                inflation,
                frequency,
            } => COST | inflation << FREQUENCY_BITS | frequency,
        }
    }

    /// Whether the last access was in that tick.
    #[inline]
    fn is_of_tick(self, now: u32) -> bool {
        matches!(self, Word::Time { ticks, .. } if ticks == now)
    }

    /// How many accesses there were, that which made the entry included.
    fn accesses(self) -> u32 {
        match self {
            Word::Time { uses, .. } => uses + 1,
            Word::Count { counter, .. } => counter.saturating_sub(LFU_START) + 1,
            Word::Cost { frequency, .. } => frequency,
        }
    }

    fn idle_ms(self, clock: Clock) -> u64 {
        match self {
            Word::Time { ticks, .. } => u64::from(idle_ticks(ticks, clock.now_ms)) * TICK_MS,
            Word::Count { minutes, .. } => u64::from(idle_minutes(minutes, clock.now_ms)) * 60_000,
            Word::Cost { inflation, .. } => {
                let since = clock.now_ms.saturating_sub(clock.switched_ms).max(0);
                since.unsigned_abs() + inflated_since(inflation, clock) * 1000
            }
        }
    }
}

impl Access {
    /// The word of an entry that is made now, after so many accesses to the key in an earlier life of it.
    #[inline]
    pub fn fresh(self, clock: Clock, earlier: u32) -> u32 {
        self.word(clock, earlier + 1)
    }

    /// The word of an entry that comes from elsewhere. What says nothing under this scheme is passed over, as in
    /// Redis (`objectSetLRUOrLFU`).
    pub(crate) fn recalled(self, clock: Clock, past: Past) -> u32 {
        match (self, past) {
            (Access::Time, Past::IdleSeconds(seconds)) => {
                let idle_ms = seconds.min(MOST_IDLE_SECONDS) * 1000;
                let idle_ticks = idle_ms.div_ceil(TICK_MS) as u32;
                let ticks = ticks(clock.now_ms).wrapping_sub(idle_ticks) & ((1 << TIME_BITS) - 1);
                Word::Time { ticks, uses: 0 }.bits()
            }
            (Access::Count { .. }, Past::Frequency(counter)) => Word::Count {
                minutes: minutes(clock.now_ms),
                counter: counter.into(),
            }
            .bits(),
            (Access::Cost, Past::Frequency(counter)) => {
                self.fresh(clock, u32::from(counter).saturating_sub(LFU_START))
            }
            _ => self.fresh(clock, 0),
        }
    }

    /// The word of an entry that is accessed now.
    #[inline]
    pub fn touched(self, word: u32, clock: Clock) -> u32 {
        if self == Access::Time && word >> USES_BITS == ticks(clock.now_ms) {
            // Of this tick: as nearly always, where a key is used much.
            return word;
        }
        self.touched_anew(word, clock)
    }

    fn touched_anew(self, word: u32, clock: Clock) -> u32 {
        let word = Word::of(word);
        let Access::Count {
            log_factor,
            decay_minutes,
        } = self
        else {
            let is_new = self == Access::Cost || !word.is_of_tick(ticks(clock.now_ms));
            return self.word(clock, word.accesses() + u32::from(is_new));
        };
        let counter = decayed(word, clock, decay_minutes);
        Word::Count {
            minutes: minutes(clock.now_ms),
            counter: incremented(counter, log_factor),
        }
        .bits()
    }

    /// The word after so many accesses, the last of them now.
    #[inline]
    fn word(self, clock: Clock, accesses: u32) -> u32 {
        match self {
            Access::Time => Word::Time {
                ticks: ticks(clock.now_ms),
                uses: (accesses - 1).min(MOST_USES),
            },
            Access::Count { .. } => Word::Count {
                minutes: minutes(clock.now_ms),
                counter: (LFU_START + accesses - 1).min(255),
            },
            Access::Cost => Word::Cost {
                inflation: clock.inflation as u32 & INFLATION_MASK,
                frequency: accesses.min(MOST_FREQUENT),
            },
        }
        .bits()
    }

    /// How often an entry is accessed: the counter of LFU, decremented by one for each `decay_minutes`
    /// without access, or the frequency of GDSF; `None` where that is not counted.
    pub fn frequency(self, word: u32, clock: Clock) -> Option<u32> {
        match self {
            Access::Time => None,
            Access::Count { decay_minutes, .. } => {
                Some(decayed(Word::of(word), clock, decay_minutes))
            }
            Access::Cost => Some(accesses(word).min(MOST_FREQUENT)),
        }
    }
}

/// Milliseconds since the last access, up to about 198 days.
pub fn idle_ms(word: u32, clock: Clock) -> u64 {
    Word::of(word).idle_ms(clock)
}

/// How many accesses a word tells of, that which made the entry included.
#[inline]
pub(crate) fn accesses(word: u32) -> u32 {
    Word::of(word).accesses()
}

/// The inflation at the last access.
pub(crate) fn inflation(word: u32, clock: Clock) -> u64 {
    let since = match Word::of(word) {
        Word::Cost { inflation, .. } => inflated_since(inflation, clock),
        other => other.idle_ms(clock) / 1000,
    };
    clock.inflation.saturating_sub(since)
}

/// How far the inflation has come since a word was written.
fn inflated_since(inflation: u32, clock: Clock) -> u64 {
    u64::from((clock.inflation as u32).wrapping_sub(inflation) & INFLATION_MASK)
}

/// The logarithmic counter of an entry, decremented for the time without access.
fn decayed(word: Word, clock: Clock, decay_minutes: u32) -> u32 {
    let counter = match word {
        Word::Count { counter, .. } => counter,
        _ => LFU_START + word.accesses() - 1,
    };
    let idle_minutes = u32::try_from(word.idle_ms(clock) / 60_000).unwrap_or(u32::MAX);
    counter.saturating_sub(idle_minutes.checked_div(decay_minutes).unwrap_or(0))
}

fn incremented(counter: u32, log_factor: u32) -> u32 {
    if counter >= 255 {
        return 255;
    }
    let base = f64::from(counter.saturating_sub(LFU_START));
    let chance = 1.0 / (base * f64::from(log_factor) + 1.0);
    counter + u32::from(fastrand::f64() < chance)
}

/// An access that seems to lie that little ahead has just been: threads do not read the clock at the same
/// moment, and the clock of the system may be set back. An hour.
const AHEAD_MINUTES: u32 = 60;

const AHEAD_TICKS: u32 = AHEAD_MINUTES * 60_000 / TICK_MS as u32;

fn idle_ticks(then: u32, now_ms: i64) -> u32 {
    const MASK: u32 = (1 << TIME_BITS) - 1;
    let idle = ticks(now_ms).wrapping_sub(then) & MASK;
    if idle > MASK - AHEAD_TICKS { 0 } else { idle }
}

fn idle_minutes(then: u32, now_ms: i64) -> u32 {
    let idle = minutes(now_ms).wrapping_sub(then) & 0xffff;
    if idle > 0xffff - AHEAD_MINUTES {
        0
    } else {
        idle
    }
}

#[inline]
fn ticks(now_ms: i64) -> u32 {
    (now_ms / TICK_MS as i64) as u32 & ((1 << TIME_BITS) - 1)
}

fn minutes(now_ms: i64) -> u32 {
    (now_ms / 60_000) as u32 & 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the beginning of a tick and of a minute.
    const NOW: i64 = 1_700_000_160_000;
    const DAY_MS: i64 = 86_400_000;
    const COUNT: Access = Access::Count {
        log_factor: 10,
        decay_minutes: 1,
    };

    fn at(now_ms: i64) -> Clock {
        Clock {
            now_ms,
            inflation: FIRST_INFLATION,
            switched_ms: NOW,
        }
    }

    fn inflated(by: u64) -> Clock {
        Clock {
            inflation: FIRST_INFLATION + by,
            ..at(NOW)
        }
    }

    #[test]
    fn idle_time_is_known_to_a_tick_for_half_a_year() {
        let word = Access::Time.fresh(at(NOW), 0);
        for elapsed_ms in [0, 32, 3_600_000, 190 * DAY_MS] {
            let idle_ms = idle_ms(word, at(NOW + elapsed_ms));
            assert_eq!(idle_ms, elapsed_ms.unsigned_abs());
        }
        assert_eq!(idle_ms(word, at(NOW + 31)), 0);
    }

    #[test]
    fn what_is_told_of_the_past_is_kept_where_it_says_something() {
        let recall = |access: Access, past| access.recalled(at(NOW), past);
        for seconds in [0, 1, 5, 1000, 1001, 86_400, MOST_IDLE_SECONDS] {
            let word = recall(Access::Time, Past::IdleSeconds(seconds));
            assert_eq!(idle_ms(word, at(NOW)) / 1000, seconds);
            assert_eq!(accesses(word), 1);
        }
        let word = recall(Access::Time, Past::IdleSeconds(u64::MAX));
        assert_eq!(idle_ms(word, at(NOW)) / 1000, MOST_IDLE_SECONDS);
        for counter in [0, 5, 77, 255] {
            let word = recall(COUNT, Past::Frequency(counter));
            assert_eq!(COUNT.frequency(word, at(NOW)), Some(counter.into()));
        }
        let word = recall(Access::Cost, Past::Frequency(9));
        assert_eq!(Access::Cost.frequency(word, at(NOW)), Some(5));
        for (access, past) in [
            (Access::Time, Past::Frequency(9)),
            (COUNT, Past::IdleSeconds(9)),
            (Access::Cost, Past::IdleSeconds(9)),
            (COUNT, Past::Unknown),
        ] {
            assert_eq!(recall(access, past), access.fresh(at(NOW), 0));
        }
    }

    /// Another thread's clock may be ahead by a moment.
    #[test]
    fn an_access_in_the_future_is_no_idle_time() {
        let word = Access::Time.fresh(at(NOW + 1_000), 0);
        assert_eq!(idle_ms(word, at(NOW)), 0);
        let word = COUNT.fresh(at(NOW), 0);
        assert_eq!(COUNT.frequency(word, at(NOW - 1)), Some(LFU_START));
    }

    #[test]
    fn counters_rise_logarithmically_and_decay_by_the_minute() {
        let mut word = COUNT.fresh(at(NOW), 0);
        assert_eq!(COUNT.frequency(word, at(NOW)), Some(5));
        for _ in 0..100_000 {
            word = COUNT.touched(word, at(NOW));
        }
        let counter = COUNT.frequency(word, at(NOW)).expect("counted");
        assert!((100..200).contains(&counter), "{counter}");
        let later = at(NOW + 10 * 60_000);
        assert_eq!(COUNT.frequency(word, later), Some(counter - 10));
        let never = Access::Count {
            log_factor: 10,
            decay_minutes: 0,
        };
        assert_eq!(never.frequency(word, later), Some(counter));
    }

    #[test]
    fn uses_and_frequencies_are_counted_to_their_limits() {
        let (mut time, mut cost) = (
            Access::Time.fresh(at(NOW), 0),
            Access::Cost.fresh(at(NOW), 0),
        );
        for count in 1..20 {
            assert_eq!(accesses(time), count.min(3));
            assert_eq!(Access::Cost.frequency(cost, at(NOW)), Some(count.min(15)));
            let later = at(NOW + i64::from(count) * 32);
            time = Access::Time.touched(time, later);
            assert_eq!(time, Access::Time.touched(time, later), "in one tick");
            cost = Access::Cost.touched(cost, later);
        }
        assert_eq!(Access::Time.frequency(time, at(NOW)), None);
        assert_eq!(accesses(Access::Time.fresh(at(NOW), 1)), 2);
        assert_eq!(accesses(Access::Cost.fresh(at(NOW), 40)), 15);
    }

    #[test]
    fn the_inflation_at_the_last_access_is_known_across_a_wrap() {
        for by in [0, 1, 1 << 25, (1 << 26) - 1] {
            let word = Access::Cost.fresh(inflated(7), 0);
            assert_eq!(inflation(word, inflated(7 + by)), FIRST_INFLATION + 7);
        }
    }

    /// Each word is read under each policy, and the next access writes it anew.
    #[test]
    fn words_of_another_scheme_keep_what_they_know() {
        let undecayed = Access::Count {
            log_factor: 10,
            decay_minutes: 0,
        };
        let schemes = [Access::Time, undecayed, Access::Cost];
        for (old, new) in schemes
            .iter()
            .flat_map(|old| schemes.map(|new| (*old, new)))
        {
            let word = old.touched(old.fresh(at(NOW - 32), 0), at(NOW));
            assert_eq!(accesses(word), 2, "{old:?}");
            assert_eq!(idle_ms(word, at(NOW)), 0, "{old:?}");
            assert_eq!(idle_ms(word, at(NOW + 600_000)), 600_000, "{old:?}");
            let touched = new.touched(word, at(NOW + 600_000));
            assert_eq!(idle_ms(touched, at(NOW + 600_000)) % 600_000, 0);
            let scheme = std::mem::discriminant(&Word::of(touched));
            assert_eq!(
                scheme,
                std::mem::discriminant(&Word::of(new.fresh(at(NOW), 0)))
            );
            assert!((1..=3).contains(&accesses(touched)), "{old:?} to {new:?}");
        }
    }

    #[test]
    fn time_and_inflation_are_read_as_each_other() {
        let word = Access::Time.fresh(at(NOW), 0);
        assert_eq!(inflation(word, at(NOW + 60_000)), FIRST_INFLATION - 60);
        let long_ago = inflation(word, at(NOW + 190 * DAY_MS));
        assert_eq!(long_ago, FIRST_INFLATION - 190 * 86_400);
        let word = Access::Cost.fresh(at(NOW - 5_000), 0);
        let clock = Clock {
            now_ms: NOW + 1_000,
            ..inflated(60)
        };
        assert_eq!(idle_ms(word, clock), 61_000);
    }

    #[test]
    fn all_bits_can_be_read() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..100_000 {
            let (word, clock) = (rng.u32(..), at(NOW));
            for access in [Access::Time, COUNT, Access::Cost] {
                let touched = Word::of(access.touched(word, clock));
                assert_eq!(Word::of(touched.bits()), touched);
                assert!(touched.accesses() >= 1);
            }
            assert!(idle_ms(word, clock) < 800 * DAY_MS.unsigned_abs());
            assert!(inflation(word, clock) <= clock.inflation);
        }
    }
}
