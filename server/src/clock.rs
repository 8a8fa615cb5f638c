//! The one place that reads clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    now_us() / 1000
}

/// Now, in microseconds since 1970.
pub fn now_us() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Both clocks at once: the wall clock is read once a batch, and moves on with the steady one.
///
/// A lap is one reading and one subtraction: every command has one.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Instant,
    started_us: i64,
    /// From the start to the last lap.
    elapsed_nanos: u64,
}

impl Stopwatch {
    /// Reads both clocks.
    pub fn start() -> Stopwatch {
        Stopwatch {
            started: Instant::now(),
            started_us: now_us(),
            elapsed_nanos: 0,
        }
    }

    /// Nanoseconds since the last lap.
    #[inline]
    pub fn lap_nanos(&mut self) -> u64 {
        let elapsed = self.started.elapsed();
        let elapsed_nanos = elapsed.as_secs() * 1_000_000_000 + u64::from(elapsed.subsec_nanos());
        let nanos = elapsed_nanos - self.elapsed_nanos;
        self.elapsed_nanos = elapsed_nanos;
        nanos
    }

    /// The wall clock at the last lap, in microseconds since 1970.
    #[inline]
    pub fn wall_us(&self) -> i64 {
        self.started_us + (self.elapsed_nanos / 1000).cast_signed()
    }

    /// The wall clock at the last lap, in milliseconds since 1970.
    #[inline]
    pub fn wall_ms(&self) -> i64 {
        self.wall_us() / 1000
    }
}
