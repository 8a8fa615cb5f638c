//! The server: its parts, put together.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use protocol::Args;
use storage::db::Garbage;
use storage::keyspace::{Cause, Keyspace};
use storage::shard::Shard;
use tokio::sync::Notify;

use crate::chores::Chores;
use crate::clients::{Client, Clients};
use crate::clock;
use crate::command::Table;
use crate::command::table::Entry;
use crate::commands;
use crate::config::Config;
use crate::evictor::Evictor;
use crate::exec::Gates;
use crate::lazyfree::Lazyfree;
use crate::monitor::Monitor;
use crate::persist::Persist;
use crate::persist::log::Log;
use crate::rates::Rates;
use crate::settings::Settings;
use crate::slowlog::Slowlog;
use crate::spec::Flags;
use crate::stats::Stats;

/// Everything there is once. Lives as long as the process.
pub struct Server {
    /// The configuration, in the words of those who act on it.
    pub settings: Settings,
    /// All commands.
    pub commands: Table,
    /// All keys.
    pub keyspace: Keyspace,
    /// All connections.
    pub clients: Clients,
    /// Conditions that hold for all of them.
    pub gates: Gates,
    /// Figures.
    pub stats: Stats,
    /// The log of effects.
    pub log: Log,
    /// Persistence.
    pub persist: Persist,
    /// Frees large things in the background.
    pub lazyfree: Lazyfree,
    /// Wakes the background thread.
    pub chores: Chores,
    /// How much happens a second.
    pub rates: Rates,
    /// Makes room when memory is short.
    pub evictor: Evictor,
    /// Shows commands to those who monitor.
    pub monitor: Monitor,
    /// Commands that took long.
    pub slowlog: Slowlog,
    /// Rung when a pause of clients ends early.
    pub pause_over: Notify,
    /// Rung to stop the server.
    pub shutdown: Shutdown,
    /// Facts of this run.
    pub run: Run,
    /// Whether the background search for expired keys is on (`DEBUG SET-ACTIVE-EXPIRE`).
    pub expires_actively: AtomicBool,
    exec_entry: OnceLock<&'static Entry>,
}

/// Facts of this run of the server.
#[derive(Debug)]
pub struct Run {
    /// When it began, milliseconds since 1970.
    pub started_ms: i64,
    /// The same, for measuring.
    pub started: Instant,
    /// 40 hexadecimal digits, new each run.
    pub id: String,
}

/// A request to stop.
#[derive(Debug, Default)]
pub struct Shutdown {
    /// Rung when it is made.
    pub requested: Notify,
}

impl Server {
    /// A server of that configuration, not yet listening.
    pub fn new(config: Config, io_threads: usize) -> &'static Server {
        let renames = Vec::new();
        let settings = Settings::new(config);
        let commands = Table::new(commands::FAMILIES, &renames);
        let stats = Stats::new(commands.full_names().len(), io_threads + 1);
        Box::leak(Box::new(Server {
            settings,
            stats,
            commands,
            keyspace: Keyspace::default(),
            clients: Clients::default(),
            gates: Gates::default(),
            log: Log::default(),
            persist: Persist::default(),
            lazyfree: Lazyfree::start(),
            chores: Chores::default(),
            rates: Rates::default(),
            evictor: Evictor::default(),
            monitor: Monitor,
            slowlog: Slowlog::default(),
            pause_over: Notify::new(),
            shutdown: Shutdown::default(),
            run: Run {
                started_ms: clock::now_ms(),
                started: Instant::now(),
                id: random_id(),
            },
            expires_actively: AtomicBool::new(true),
            exec_entry: OnceLock::new(),
        }))
    }

    /// The entry of `EXEC`, whatever it was renamed to.
    pub fn exec_entry(&'static self) -> &'static Entry {
        self.exec_entry.get_or_init(|| {
            let mut all = self.commands.iter();
            all.find(|entry| entry.full_name == "exec")
                .expect("who executes a transaction said EXEC")
        })
    }

    /// Makes room below `maxmemory`; `false` if there is too little and nothing left to evict.
    #[inline]
    pub fn make_room(&self, now_ms: i64) -> bool {
        let limit = self.settings.memory_limit();
        if limit == 0 || self.evictor.used_bytes(&self.log) <= limit {
            return true;
        }
        if self.gates.is_write_paused() || self.gates.is_loading() {
            return true;
        }
        let plan = self.settings.eviction();
        let evicted = self.evictor.make_room(
            &self.keyspace,
            &self.log,
            limit,
            plan,
            now_ms,
            &mut |shard, db, key| {
                self.stats.counters.evicted_keys.add(1);
                self.log_removal(shard, db, key, Cause::Evicted);
            },
        );
        if !evicted {
            self.stats.counters.eviction_exceeded.add(1);
        }
        evicted
    }

    /// Logs that a key went, while its shard is locked.
    pub fn log_removal(&self, shard: &mut Shard, db: usize, key: &[u8], cause: Cause) {
        if !self.log.is_on() {
            return;
        }
        let word: &[u8] = if self.settings.removes_lazily(cause) {
            b"UNLINK"
        } else {
            b"DEL"
        };
        let mut record = Vec::with_capacity(key.len() + 32);
        protocol::encode_request([word, key].into_iter(), &mut record);
        shard.log_offset = self.log.append(std::iter::once((db, &record[..])));
    }

    /// Puts a command into the slow log.
    #[cold]
    pub fn note_slow(
        &self,
        client: &Client,
        entry: &Entry,
        args: &Args<'_>,
        nanos: u64,
        now_us: i64,
    ) {
        if !entry.flags().contains(Flags::SKIP_SLOWLOG) {
            let name = client.names.lock().name.clone();
            self.slowlog.add(
                args,
                nanos / 1000,
                now_us / 1_000_000,
                &client.addr,
                name,
                self.settings.slowlog_length(),
            );
        }
    }

    /// Frees what was taken out of the keyspace.
    pub fn free(&self, garbage: Vec<Garbage>) {
        self.lazyfree.free(garbage);
    }
}

fn random_id() -> String {
    (0..40)
        .map(|_| char::from_digit(fastrand::u32(..16), 16).unwrap_or('0'))
        .collect()
}
