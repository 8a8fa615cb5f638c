//! The access clock of an entry, 32 bits of it.
//!
//! Under the LRU policies (and all that do not count) it is the time of the last access in ticks of
//! 4 milliseconds: finer than Redis' seconds, wrapping after 198 days. Under the LFU policies it is
//! Redis' own scheme (`evict.c`): minutes of the last decrement above, and a logarithmic counter of 8
//! bits below that grows with probability 1/((counter - 5) × factor + 1).

const LFU_START: u32 = 5;

/// How accesses are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The time of the last one.
    Time,
    /// Their number, on a logarithmic scale.
    Count {
        /// `lfu-log-factor`
        log_factor: u32,
        /// `lfu-decay-time`, 0 for never
        decay_minutes: u32,
    },
}

impl Access {
    /// The clock of an entry that is made now.
    #[inline]
    pub fn fresh(self, now_ms: i64) -> u32 {
        match self {
            Access::Time => ticks(now_ms),
            Access::Count { .. } => minutes(now_ms) << 8 | LFU_START,
        }
    }

    /// The clock of an entry that is accessed now.
    #[inline]
    pub fn touched(self, access: u32, now_ms: i64) -> u32 {
        match self {
            Access::Time => ticks(now_ms),
            Access::Count {
                log_factor,
                decay_minutes,
            } => {
                let counter = lfu_counter(access, now_ms, decay_minutes);
                minutes(now_ms) << 8 | incremented(counter, log_factor)
            }
        }
    }

    /// How much an entry deserves to go: milliseconds of idleness, or 255 minus its counter.
    pub fn idle(self, access: u32, now_ms: i64) -> u64 {
        match self {
            Access::Time => idle_ms(access, now_ms),
            Access::Count { decay_minutes, .. } => {
                u64::from(255 - lfu_counter(access, now_ms, decay_minutes))
            }
        }
    }

    /// The clock of an entry that has been idle for `idle_ms` (`RESTORE … IDLETIME`).
    pub fn idle_since(now_ms: i64, idle_ms: i64) -> u32 {
        ticks(now_ms.saturating_sub(idle_ms))
    }
}

/// An access that seems to lie that little ahead has just been: threads do not read the clock at the same
/// moment, and the clock of the system may be set back. In ticks, an hour.
const AHEAD_TICKS: u32 = 900_000;

/// The same in minutes.
const AHEAD_MINUTES: u32 = 60;

/// Milliseconds since the last access, up to about 198 days.
fn idle_ms(access: u32, now_ms: i64) -> u64 {
    let idle = ticks(now_ms).wrapping_sub(access);
    if idle > u32::MAX - AHEAD_TICKS {
        0
    } else {
        u64::from(idle) * 4
    }
}

/// The logarithmic access counter, decremented by one for each `decay_minutes` without access.
pub fn lfu_counter(access: u32, now_ms: i64, decay_minutes: u32) -> u32 {
    let counter = access & 0xff;
    if decay_minutes == 0 {
        return counter;
    }
    let elapsed = minutes(now_ms).wrapping_sub(access >> 8) & 0xffff;
    if elapsed > 0xffff - AHEAD_MINUTES {
        return counter;
    }
    counter.saturating_sub(elapsed / decay_minutes)
}

fn incremented(counter: u32, log_factor: u32) -> u32 {
    if counter >= 255 {
        return 255;
    }
    let base = f64::from(counter.saturating_sub(LFU_START));
    let chance = 1.0 / (base * f64::from(log_factor) + 1.0);
    counter + u32::from(fastrand::f64() < chance)
}

#[inline]
fn ticks(now_ms: i64) -> u32 {
    (now_ms >> 2) as u32
}

fn minutes(now_ms: i64) -> u32 {
    (now_ms / 60_000) as u32 & 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const COUNT: Access = Access::Count {
        log_factor: 10,
        decay_minutes: 1,
    };

    #[test]
    fn idle_time_is_known_to_four_milliseconds() {
        let access = Access::Time.fresh(NOW);
        assert_eq!(idle_ms(access, NOW), 0);
        assert_eq!(idle_ms(access, NOW + 3_600_000), 3_600_000);
        assert_eq!(idle_ms(Access::idle_since(NOW, 5_000), NOW), 5_000);
        assert_eq!(
            idle_ms(Access::idle_since(NOW, 190 * 86_400_000), NOW),
            190 * 86_400_000
        );
    }

    /// Another thread's clock may be ahead by a moment.
    #[test]
    fn an_access_in_the_future_is_no_idle_time() {
        let access = Access::Time.fresh(NOW + 1_000);
        assert_eq!(idle_ms(access, NOW), 0);
        let minute = 60_000 - NOW % 60_000;
        let access = COUNT.fresh(NOW + minute);
        assert_eq!(lfu_counter(access, NOW + minute - 1, 1), LFU_START);
    }

    #[test]
    fn counters_rise_logarithmically_and_decay_by_the_minute() {
        let mut access = COUNT.fresh(NOW);
        assert_eq!(lfu_counter(access, NOW, 1), 5);
        for _ in 0..100_000 {
            access = COUNT.touched(access, NOW);
        }
        let counter = lfu_counter(access, NOW, 1);
        assert!((100..200).contains(&counter), "{counter}");
        assert_eq!(lfu_counter(access, NOW + 10 * 60_000, 1), counter - 10);
        assert_eq!(lfu_counter(access, NOW + 10 * 60_000, 0), counter);
    }
}
