//! What the server does by itself, a few times a second.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use storage::entry::Entry;
use storage::field_dues::GoneFields;
use storage::keyspace::{Cause, Overdue, SHARDS};
use storage::memory;
use storage::shard::Shard;

use crate::clients::{Client, State};
use crate::clock;
use crate::config::options;
use crate::evictor::Room;
use crate::latency;
use crate::server::Server;

/// Expired keys removed in one go, under one lock.
const EXPIRE_KEYS: usize = 64;

/// The same of fields of hashes.
const EXPIRE_FIELDS: usize = 64;

/// Keys of invalidated tags removed in one go, under one lock: some 50 to 250 microseconds, as most
/// of them have not been touched for long.
const RECLAIM_KEYS: usize = 64;

/// The most of the time between two ticks that goes to removing expired keys. Redis spends 25 %, but of the
/// only thread that serves clients.
const EXPIRE_PERCENT: u32 = 80;

/// Clients for each tick of a second, from which on `dynamic-hz` makes the ticks more frequent; as in Redis.
const CLIENTS_PER_TICK: usize = 200;

/// Starts the thread.
///
/// # Errors
/// If the system gives no more threads.
pub fn start(server: &'static Server) -> std::io::Result<()> {
    let mut cron = Cron {
        server,
        ticks: 0,
        expire_at: 0,
        reclaim: None,
    };
    let thread = std::thread::Builder::new().name("cron".to_owned());
    thread.spawn(move || cron.run())?;
    Ok(())
}

/// Ticks a second: `hz`, and with `dynamic-hz` more with many clients.
pub fn hz(server: &Server) -> u32 {
    let config = &server.settings.config;
    let mut hz = config.get(options::HZ).clamp(1, 500);
    if config.get(options::DYNAMIC_HZ) {
        let clients = server.clients.len();
        while clients / hz as usize > CLIENTS_PER_TICK && hz < 500 {
            hz = (hz * 2).min(500);
        }
    }
    hz
}

struct Cron {
    server: &'static Server,
    ticks: u64,
    /// The shard where the search for expired keys goes on.
    expire_at: usize,
    reclaim: Option<Reclaim>,
}

/// A round over all shards, for the keys of invalidated tags.
struct Reclaim {
    /// As many invalidations are settled when it is over.
    invalidations: usize,
    shard: usize,
}

impl Cron {
    fn run(&mut self) {
        loop {
            let began = Instant::now();
            if self.server.cron_is_paused.load(Ordering::Relaxed) {
                self.server.chores.wait(Duration::from_millis(100));
                continue;
            }
            self.tick();
            let period = Duration::from_secs(1) / hz(self.server);
            while let Some(left) = period
                .checked_sub(began.elapsed())
                .filter(|it| !it.is_zero())
            {
                let is_unfinished = self.work(left);
                if !is_unfinished && !self.server.chores.wait(left) {
                    break;
                }
            }
        }
    }

    fn tick(&mut self) {
        let server = self.server;
        self.ticks += 1;
        memory::note_peak();
        server.keyspace.note_size();
        server.keyspace.free_forgotten();
        server.gates.pause_left_ms(clock::now_ms());
        if !server.gates.is_write_paused() && !server.gates.is_loading() {
            self.expire();
            self.work(Duration::from_millis(1));
        }
        if self.ticks.is_multiple_of(u64::from(hz(server))) {
            memory::decay();
        }
        server.persist.tick(server);
        rewrite_grown_log(server);
        close_idle_clients(server);
        server.evict_clients();
        server.rates.sample(server, clock::now_ms());
    }

    /// Does what does not wait for a tick, for about `budget`; whether more is to be done.
    fn work(&mut self, budget: Duration) -> bool {
        let server = self.server;
        if server.gates.is_write_paused() || server.gates.is_loading() {
            return false;
        }
        let mut pace = Pace::start(budget);
        while server.make_room(clock::now_ms()) == Room::Soon {
            if pace.rest() == Pace::OVER {
                return true;
            }
        }
        !self.reclaim(&mut pace)
    }

    /// Removes expired keys.
    fn expire(&mut self) {
        let server = self.server;
        if !server.expires_actively.load(Ordering::Relaxed) {
            return;
        }
        let period = Duration::from_secs(1) / hz(server);
        let mut pace = Pace::start(period * EXPIRE_PERCENT / 100);
        let is_in_time = self.expire_all(&mut pace);
        let counters = &server.stats.counters;
        if !is_in_time {
            counters.expire_cycle_cut_short.add(1);
        }
        counters
            .expire_cycle_us
            .add(pace.worked().as_micros() as u64);
        self.note_overdue();
        server.note_latency(latency::Event::ExpireCycle, clock::now_ms(), pace.longest);
    }

    /// Goes once round the shards; `false` if time runs out before.
    fn expire_all(&mut self, pace: &mut Pace) -> bool {
        let server = self.server;
        let mut note = |shard: &mut Shard, db: usize, gone: &[Entry]| {
            server.note_removals(shard, db, gone, Cause::Expired);
        };
        for _ in 0..SHARDS {
            loop {
                let now_ms = clock::now_ms();
                let keyspace = &server.keyspace;
                let (_, is_unfinished) =
                    keyspace.expire_some(self.expire_at, EXPIRE_KEYS, now_ms, &mut note);
                if !is_unfinished {
                    break;
                }
                if pace.rest() == Pace::OVER {
                    return false;
                }
            }
            if !self.expire_fields(pace) {
                return false;
            }
            self.expire_at = (self.expire_at + 1) % SHARDS;
        }
        true
    }

    /// Removes expired fields from the hashes of the shard whose turn it is; `false` if time runs out before.
    fn expire_fields(&mut self, pace: &mut Pace) -> bool {
        let server = self.server;
        let mut note = |shard: &mut Shard, db: usize, gone: &[GoneFields]| {
            server.note_field_removals(shard, db, gone);
        };
        let keyspace = &server.keyspace;
        while keyspace.expire_fields_some(self.expire_at, EXPIRE_FIELDS, clock::now_ms(), &mut note)
        {
            if pace.rest() == Pace::OVER {
                return false;
            }
        }
        true
    }

    /// Notes how many keys are overdue, and since when.
    fn note_overdue(&self) {
        let now_ms = clock::now_ms();
        let mut all = Overdue::default();
        for shard in 0..SHARDS {
            all = all.and(self.server.keyspace.overdue(shard, now_ms));
        }
        self.server.stats.note_overdue(all);
    }

    /// Removes the keys of invalidated tags; whether all are gone.
    fn reclaim(&mut self, pace: &mut Pace) -> bool {
        let server = self.server;
        let invalidations = server.keyspace.pending_invalidations();
        if invalidations == 0 {
            return true;
        }
        let round = self.reclaim.get_or_insert(Reclaim {
            invalidations,
            shard: 0,
        });
        let mut note = |shard: &mut Shard, db: usize, gone: &[Entry]| {
            server.note_removals(shard, db, gone, Cause::Invalidated);
        };
        while round.shard < SHARDS {
            if server
                .keyspace
                .reclaim_some(round.shard, RECLAIM_KEYS, &mut note)
                == 0
            {
                round.shard += 1;
            }
            if pace.rest() == Pace::OVER {
                return false;
            }
        }
        server.keyspace.settle_invalidations(round.invalidations);
        self.reclaim = None;
        server.keyspace.pending_invalidations() == 0
    }
}

/// Work in the background is done in bursts, with a moment's sleep after each: a thread that never sleeps
/// keeps a connection's thread from its core, and is interrupted itself while it holds a lock.
struct Pace {
    budget: Duration,
    burst: Instant,
    worked: Duration,
    longest: Duration,
}

impl Pace {
    /// Longest work without sleep.
    const BURST: Duration = Duration::from_micros(250);
    /// The system makes some 100 microseconds of it.
    const NAP: Duration = Duration::from_micros(50);
    /// The budget is used up.
    const OVER: bool = true;

    fn start(budget: Duration) -> Pace {
        Pace {
            budget,
            burst: Instant::now(),
            worked: Duration::ZERO,
            longest: Duration::ZERO,
        }
    }

    /// Time spent so far, sleep left out.
    fn worked(&self) -> Duration {
        self.worked + self.burst.elapsed()
    }

    /// Sleeps if the burst is long enough; whether the budget is used up.
    fn rest(&mut self) -> bool {
        let burst = self.burst.elapsed();
        if burst >= Pace::BURST {
            self.worked += burst;
            self.longest = self.longest.max(burst);
            std::thread::sleep(Pace::NAP);
            self.burst = Instant::now();
        }
        self.worked >= self.budget
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
        || server.persist.turns.holder().is_some()
        || current < config.get(options::AUTO_AOF_REWRITE_MIN_SIZE)
    {
        return;
    }
    let base = status.base_bytes.load(Ordering::Relaxed).max(1);
    let growth = (current.saturating_mul(100) / base).saturating_sub(100);
    if growth >= percentage && server.persist.may_rewrite() {
        tracing::info!("Starting automatic rewriting of AOF on {growth}% growth");
        server.persist.try_rewrite(server);
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
        silent_ms > timeout_ms && !client.is(State::BLOCKED | State::MONITOR | State::PUBSUB)
    };
    for client in server
        .clients
        .all()
        .into_iter()
        .filter(|client| is_idle(client))
    {
        tracing::debug!("Closing idle client");
        server.kill(&client);
    }
}
