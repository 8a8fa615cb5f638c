//! How long a campaign runs, and with which random numbers.

use std::time::{Duration, Instant};

use fastrand::Rng;

/// What a campaign takes in a full run.
const FULL: Duration = Duration::from_secs(600);

/// Whether the long campaigns are asked for.
pub(crate) fn is_full_run() -> bool {
    std::env::var("KEYTAG_FULL").is_ok_and(|value| value == "1")
}

/// The seed of the environment, or a new one.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("KEYTAG_SEED").ok();
    given.map_or_else(
        || fastrand::u64(..),
        |text| text.parse().expect("KEYTAG_SEED is a number"),
    )
}

/// Runs a round that many times, or for ten minutes in a full run; a round that panics says its seed.
pub(crate) fn campaign(rounds: u64, mut round: impl FnMut(&mut Rng)) {
    let (first, began) = (seed(), Instant::now());
    let mut done = 0;
    while done < rounds || is_full_run() && began.elapsed() < FULL {
        let _told = Told(first.wrapping_add(done));
        round(&mut Rng::with_seed(first.wrapping_add(done)));
        done += 1;
    }
    println!("{done} rounds from KEYTAG_SEED={first}");
}

/// The seed of a round, told if it panics.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("KEYTAG_SEED={} is this round", self.0);
        }
    }
}

/// All numbers below `count` in a full run, otherwise so many of them by chance, and the first and last.
pub(crate) fn sample(count: usize, some: usize) -> Vec<usize> {
    if is_full_run() || count <= some {
        return (0..count).collect();
    }
    let mut rng = Rng::with_seed(seed());
    let drawn = (0..some).map(|_| rng.usize(..count));
    let mut drawn: Vec<usize> = drawn.chain([0, count - 1]).collect();
    drawn.sort_unstable();
    drawn.dedup();
    drawn
}

/// What a closure gives, and how many bytes it has allocated, whether or not it has freed them.
pub(crate) fn allocated<R>(act: impl FnOnce() -> R) -> (R, u64) {
    let counter = tikv_jemalloc_ctl::thread::allocatedp::read().expect("jemalloc counts");
    let before = counter.get();
    let given = act();
    (given, counter.get() - before)
}
