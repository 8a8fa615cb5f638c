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
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Instant,
    started_us: i64,
    last: Instant,
}

impl Stopwatch {
    /// Reads both clocks.
    pub fn start() -> Stopwatch {
        let now = Instant::now();
        Stopwatch {
            started: now,
            started_us: now_us(),
            last: now,
        }
    }

    /// Nanoseconds since the last lap.
    #[inline]
    pub fn lap_nanos(&mut self) -> u64 {
        let now = Instant::now();
        let nanos = now.duration_since(self.last).as_nanos() as u64;
        self.last = now;
        nanos
    }

    /// The wall clock at the last lap, in microseconds since 1970.
    #[inline]
    pub fn wall_us(&self) -> i64 {
        self.started_us + self.last.duration_since(self.started).as_micros() as i64
    }

    /// The wall clock at the last lap, in milliseconds since 1970.
    #[inline]
    pub fn wall_ms(&self) -> i64 {
        self.wall_us() / 1000
    }
}
