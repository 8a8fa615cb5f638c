//! The one place that reads clocks.

use std::time::{SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

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

/// The steady clock, in nanoseconds since some moment: what an `Instant` holds, without its arithmetic, which costs as
/// much as the reading.
#[inline]
fn steady_nanos() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every system has a steady clock");
    now.tv_sec().cast_unsigned() * 1_000_000_000 + now.tv_nsec().cast_unsigned()
}

/// Both clocks at once: the wall clock is read once a batch, and moves on with the steady one.
///
/// A lap is one reading and one subtraction: every command has one.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    /// The steady clock at the start.
    started_nanos: u64,
    started_us: i64,
    /// From the start to the last lap.
    elapsed_nanos: u64,
}

impl Stopwatch {
    /// Reads both clocks.
    pub fn start() -> Stopwatch {
        Stopwatch {
            started_nanos: steady_nanos(),
            started_us: now_us(),
            elapsed_nanos: 0,
        }
    }

    /// Nanoseconds since the last lap.
    #[inline]
    pub fn lap_nanos(&mut self) -> u64 {
        let elapsed_nanos = steady_nanos() - self.started_nanos;
        let nanos = elapsed_nanos - self.elapsed_nanos;
        self.elapsed_nanos = elapsed_nanos;
        nanos
    }

    /// Nanoseconds from the start to the last lap.
    #[inline]
    pub fn elapsed_nanos(&self) -> u64 {
        self.elapsed_nanos
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
