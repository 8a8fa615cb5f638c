//! How often a rewrite of the log is tried that fails each time.
//!
//! What the server wants by itself waits longer and longer once three have failed in a row, as in Redis
//! (`aofRewriteLimited`, aof.c): each attempt costs a pass over the keyspace and leaves an incremental file behind.

/// So many failures in a row cost nothing yet.
const FREE_FAILURES: u64 = 3;

/// The longest wait.
const MOST_MINUTES: u64 = 60;

/// When the next attempt may be made.
#[derive(Debug, Default)]
pub(super) struct Limit {
    /// How long the last wait was; 0 if there was none.
    minutes: u64,
    /// The end of the wait, in milliseconds since 1970.
    until_ms: Option<i64>,
}

/// Whether a rewrite may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It may.
    Now,
    /// A wait of so many minutes begins.
    Later {
        /// How long it is.
        minutes: u64,
    },
    /// A wait has not ended yet.
    NotYet,
}

impl Limit {
    /// Whether a rewrite may be tried after so many failures in a row.
    pub(super) fn attempt(&mut self, failures: u64, now_ms: i64) -> Attempt {
        if failures < FREE_FAILURES {
            *self = Limit::default();
            return Attempt::Now;
        }
        match self.until_ms {
            Some(until_ms) if now_ms < until_ms => Attempt::NotYet,
            Some(_) => {
                self.until_ms = None;
                Attempt::Now
            }
            None => {
                let minutes = (self.minutes * 2).clamp(1, MOST_MINUTES);
                self.minutes = minutes;
                self.until_ms = Some(now_ms + minutes as i64 * 60_000);
                Attempt::Later { minutes }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_cost_nothing_and_then_waits_double_up_to_an_hour() {
        let mut limit = Limit::default();
        for failures in 0..3 {
            assert_eq!(limit.attempt(failures, 0), Attempt::Now);
        }
        let mut now_ms = 0;
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(limit.attempt(3, now_ms), Attempt::Later { minutes });
            now_ms += minutes as i64 * 60_000;
            assert_eq!(limit.attempt(3, now_ms - 1), Attempt::NotYet);
            // It fails again.
            assert_eq!(limit.attempt(3, now_ms), Attempt::Now);
        }
        assert_eq!(limit.attempt(0, now_ms), Attempt::Now);
        assert_eq!(limit.attempt(3, now_ms), Attempt::Later { minutes: 1 });
    }
}
