//! How far the loading of files has come, for INFO.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU64};

/// Progress of the load that runs, and figures of the last snapshot that was read.
#[derive(Debug, Default)]
pub struct Loading {
    /// When it began, milliseconds since 1970.
    pub started_ms: AtomicI64,
    /// Bytes of all files.
    pub total_bytes: AtomicU64,
    /// Bytes that have been read.
    pub loaded_bytes: AtomicU64,
    /// The memory that the server used which wrote the snapshot.
    pub used_bytes: AtomicU64,
    /// Keys of the last snapshot that were taken.
    pub keys_loaded: AtomicU64,
    /// Keys of the last snapshot that had expired.
    pub keys_expired: AtomicU64,
}

impl Loading {
    /// Notes that a load begins.
    pub fn begin(&self, total_bytes: u64, now_ms: i64) {
        self.started_ms.store(now_ms, Relaxed);
        self.total_bytes.store(total_bytes, Relaxed);
        self.loaded_bytes.store(0, Relaxed);
    }

    /// How much of the files has been read, in percent.
    pub fn percent(&self) -> f64 {
        let total = self.total_bytes.load(Relaxed).max(1);
        self.loaded_bytes.load(Relaxed) as f64 / total as f64 * 100.0
    }

    /// In how many seconds it will be done, if it goes on like this. *Source:* `genRedisInfoString` of Redis 7.4.1.
    pub fn eta_seconds(&self, now_ms: i64) -> u64 {
        let elapsed = (now_ms - self.started_ms.load(Relaxed)).max(0) as u64 / 1000;
        let loaded = self.loaded_bytes.load(Relaxed);
        let rest = self.total_bytes.load(Relaxed).saturating_sub(loaded);
        match elapsed {
            0 => 1,
            _ => (u128::from(elapsed) * u128::from(rest) / (u128::from(loaded) + 1)) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_is_done() {
        let loading = Loading::default();
        loading.begin(1000, 50_000);
        assert_eq!((loading.percent(), loading.eta_seconds(50_999)), (0.0, 1));
        loading.loaded_bytes.store(249, Relaxed);
        assert_eq!(loading.percent(), 24.9);
        assert_eq!(loading.eta_seconds(60_000), 30);
        loading.loaded_bytes.store(1000, Relaxed);
        assert_eq!(loading.eta_seconds(60_000), 0);
        loading.begin(0, 0);
        assert_eq!(loading.percent(), 0.0);
    }
}
