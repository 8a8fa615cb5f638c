//! How much happens a second: `instantaneous_*` of INFO.

use parking_lot::Mutex;

use crate::server::Server;

/// Samples averaged over, as in Redis.
const SAMPLES: usize = 16;

#[derive(Debug, Default)]
struct Track {
    last: u64,
    samples: [u64; SAMPLES],
    next: usize,
}

impl Track {
    fn sample(&mut self, total: u64, elapsed_ms: u64) {
        let rate = total.saturating_sub(self.last).saturating_mul(1000) / elapsed_ms.max(1);
        self.last = total;
        self.samples[self.next] = rate;
        self.next = (self.next + 1) % SAMPLES;
    }

    fn average(&self) -> u64 {
        self.samples.iter().sum::<u64>() / SAMPLES as u64
    }
}

#[derive(Debug, Default)]
struct Tracks {
    at_ms: i64,
    commands: Track,
    received: Track,
    sent: Track,
    reads: Track,
    command_nanos: Track,
}

/// Commands and bytes a second, averaged over the last 16 samples.
#[derive(Debug, Default)]
pub struct Rates {
    tracks: Mutex<Tracks>,
}

/// What happens a second.
#[derive(Clone, Copy, Debug)]
pub struct PerSecond {
    /// Commands.
    pub commands: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Batches of requests.
    pub reads: u64,
    /// Nanoseconds spent in commands.
    pub command_nanos: u64,
}

impl Rates {
    /// Takes a sample, if the last one is at least 100 ms old.
    pub fn sample(&self, server: &Server, now_ms: i64) {
        let mut tracks = self.tracks.lock();
        let elapsed_ms = now_ms - tracks.at_ms;
        if elapsed_ms < 100 {
            return;
        }
        tracks.at_ms = now_ms;
        let counters = &server.stats.counters;
        tracks
            .commands
            .sample(counters.commands.get(), elapsed_ms.unsigned_abs());
        tracks
            .received
            .sample(counters.received_bytes.get(), elapsed_ms.unsigned_abs());
        tracks
            .sent
            .sample(counters.sent_bytes.get(), elapsed_ms.unsigned_abs());
        tracks
            .reads
            .sample(counters.reads.get(), elapsed_ms.unsigned_abs());
        tracks
            .command_nanos
            .sample(counters.command_nanos.get(), elapsed_ms.unsigned_abs());
    }

    /// The averages.
    pub fn per_second(&self) -> PerSecond {
        let tracks = self.tracks.lock();
        PerSecond {
            commands: tracks.commands.average(),
            received_bytes: tracks.received.average(),
            sent_bytes: tracks.sent.average(),
            reads: tracks.reads.average(),
            command_nanos: tracks.command_nanos.average(),
        }
    }

    /// Starts anew, as after `CONFIG RESETSTAT`.
    pub fn reset(&self) {
        *self.tracks.lock() = Tracks::default();
    }
}
