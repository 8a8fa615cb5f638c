//! What the server does by itself, a few times a second.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use storage::keyspace::{Cause, SHARDS};

use crate::clients::{Client, State};
use crate::clock;
use crate::config::options;
use crate::server::Server;

/// Volatile keys looked at in one go, under one lock.
const SWEEP_KEYS: usize = 256;

/// Keys of invalidated tags removed in one go, under one lock.
const RECLAIM_KEYS: usize = 256;

/// Entries moved in one go when a shard is compacted.
const COMPACT_MOVES: usize = 256;

/// Starts the thread.
///
/// # Errors
/// If the system gives no more threads.
pub fn start(server: &'static Server) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("cron".to_owned())
        .spawn(move || {
            let mut cron = Cron { server, ticks: 0 };
            loop {
                let began = Instant::now();
                cron.tick();
                let period = Duration::from_millis(
                    1000 / server.settings.config.get(options::HZ).clamp(1, 500) as u64,
                );
                server.chores.wait(period.saturating_sub(began.elapsed()));
            }
        })?;
    Ok(())
}

struct Cron {
    server: &'static Server,
    ticks: u64,
}

impl Cron {
    fn tick(&mut self) {
        let server = self.server;
        self.ticks += 1;
        storage::memory::note_peak();
        server.gates.pause_left_ms(clock::now_ms());
        if !server.gates.is_write_paused() && !server.gates.is_loading() {
            self.expire();
            self.reclaim();
            server.make_room(clock::now_ms());
        }
        self.compact();
        rewrite_grown_log(server);
        close_idle_clients(server);
        server.rates.sample(server, clock::now_ms());
    }

    /// Removes expired keys, a quarter of the time between two ticks at most.
    ///
    /// Every shard is swept in turn; one that turns out to hold many expired keys is swept on at once.
    fn expire(&self) {
        let server = self.server;
        if !server.expires_actively.load(Ordering::Relaxed) {
            return;
        }
        let began = Instant::now();
        let hz = server.settings.config.get(options::HZ).clamp(1, 500) as u64;
        let budget = Duration::from_micros(250_000 / hz);
        for shard in 0..SHARDS {
            loop {
                let now_ms = clock::now_ms();
                let (looked, removed) = server.keyspace.expire_some(
                    shard,
                    SWEEP_KEYS,
                    now_ms,
                    &mut |shard, db, key| {
                        server.log_removal(shard, db, key, Cause::Expired);
                    },
                );
                if began.elapsed() > budget {
                    server.stats.counters.expire_cycle_cut_short.add(1);
                    server
                        .stats
                        .counters
                        .expire_cycle_ms
                        .add(began.elapsed().as_millis() as u64);
                    return;
                }
                if removed * 10 <= looked {
                    break;
                }
            }
        }
        server
            .stats
            .counters
            .expire_cycle_ms
            .add(began.elapsed().as_millis() as u64);
    }

    /// Removes the keys of invalidated tags, all of them, in slices that hold a lock for a moment each.
    fn reclaim(&self) {
        let server = self.server;
        if !server.keyspace.may_have_pending() {
            return;
        }
        // Said before looking: an invalidation from here on says yes again.
        server.keyspace.set_may_have_pending(false);
        for shard in 0..SHARDS {
            while server
                .keyspace
                .reclaim_some(shard, RECLAIM_KEYS, &mut |shard, db, key| {
                    server.log_removal(shard, db, key, Cause::Invalidated);
                })
                > 0
            {
                // A waiting command goes first.
                std::thread::yield_now();
            }
        }
    }

    fn compact(&self) {
        if self.ticks.is_multiple_of(10) {
            for shard in 0..SHARDS {
                while self.server.keyspace.compact_some(shard, COMPACT_MOVES) {}
            }
        }
    }
}

/// Begins a rewrite when the log has grown by `auto-aof-rewrite-percentage` since the last one.
fn rewrite_grown_log(server: &'static Server) {
    let config = &server.settings.config;
    let percentage = config.get(options::AUTO_AOF_REWRITE_PERCENTAGE) as u64;
    let status = &server.persist.status;
    let current = status.current_bytes.load(Ordering::Relaxed);
    if percentage == 0
        || !server.log.is_on()
        || status.is_rewriting.load(Ordering::Relaxed)
        || current < config.get(options::AUTO_AOF_REWRITE_MIN_SIZE)
    {
        return;
    }
    let base = status.base_bytes.load(Ordering::Relaxed).max(1);
    let growth = (current * 100 / base).saturating_sub(100);
    if growth >= percentage {
        tracing::info!("Starting automatic rewriting of AOF on {growth}% growth");
        if let Err(error) = server.persist.rewrite(server) {
            tracing::warn!("Can't rewrite append only file in background: {error}");
        }
    }
}

/// Closes clients that have said nothing for `timeout` seconds.
fn close_idle_clients(server: &Server) {
    let timeout_ms = server.settings.config.get(options::TIMEOUT) as i64 * 1000;
    if timeout_ms == 0 {
        return;
    }
    let now_ms = clock::now_ms();
    let is_idle = |client: &Client| {
        let silent_ms = now_ms - client.gauges.last_interaction_ms.load(Ordering::Relaxed);
        silent_ms > timeout_ms && !client.is(State::BLOCKED | State::MONITOR)
    };
    for client in server
        .clients
        .all()
        .into_iter()
        .filter(|client| is_idle(client))
    {
        tracing::debug!("Closing idle client");
        client.kill();
    }
}
