//! When a server is killed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// When.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// At any time.
    Random,
    /// Just after a file of such a name has come into being in the directory, or a moment later.
    Appears(&'static str, &'static str),
    /// The same, of its going.
    Vanishes(&'static str, &'static str),
}

const LOG: &str = "appendonlydir";

/// Steps of a rewrite, each between two that change what is on disk.
pub(super) const OF_REWRITES: &[Moment] = &[
    Moment::Appears(LOG, ".incr.aof"),
    Moment::Appears(LOG, "temp-appendonly.aof.manifest"),
    Moment::Vanishes(LOG, "temp-appendonly.aof.manifest"),
    Moment::Appears(LOG, "temp-rewriteaof-"),
    Moment::Vanishes(LOG, "temp-rewriteaof-"),
    Moment::Appears(LOG, ".base.rdb"),
    Moment::Vanishes(LOG, ".incr.aof"),
    Moment::Vanishes(LOG, ".base.rdb"),
];

/// Steps of a snapshot.
pub(super) const OF_SNAPSHOTS: &[Moment] = &[
    Moment::Appears(".", "temp-"),
    Moment::Vanishes(".", "temp-"),
    Moment::Appears(".", "dump.rdb"),
];

/// What is waited for happens many times a second.
const PATIENCE: Duration = Duration::from_secs(5);

impl Moment {
    /// Waits until it has come.
    pub(super) fn wait(self, server_dir: &Path, rng: &mut Rng) {
        let load = Duration::from_millis(rng.u64(20..1_200));
        std::thread::sleep(load);
        let (dir, part, is_coming) = match self {
            Moment::Random => return,
            Moment::Appears(dir, part) => (dir, part, true),
            Moment::Vanishes(dir, part) => (dir, part, false),
        };
        let dir = server_dir.join(dir);
        let deadline = Instant::now() + PATIENCE;
        let mut before = names(&dir, part);
        loop {
            let now = names(&dir, part);
            let has_come = match is_coming {
                true => now.iter().any(|name| !before.contains(name)),
                false => before.iter().any(|name| !now.contains(name)),
            };
            // A step that takes less time than looking is never seen; a kill at any moment is as good.
            if has_come || Instant::now() > deadline {
                break;
            }
            before = now;
        }
        // The next steps are some hundred microseconds away.
        let later = Instant::now() + Duration::from_micros(rng.u64(..600));
        while rng.bool() && Instant::now() < later {}
    }
}

/// Names in a directory with that part. What vanishes meanwhile is not there.
fn names(dir: &Path, part: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(part)).collect()
}
