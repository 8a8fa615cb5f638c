//! The server: its parts, put together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use protocol::Args;
use storage::db::{Changes, Event};
use storage::entry;
use storage::field_dues::GoneFields;
use storage::keyspace::{Cause, Keyspace};
use storage::shard::Shard;
use storage::value::only_lent_bytes;
use tokio::sync::{Notify, watch};

use crate::acl::{self, Acl};
use crate::chores::Chores;
use crate::clients::{self, Class, Client, Clients, Postage};
use crate::clock;
use crate::command::table::Entry;
use crate::command::{Error, Table};
use crate::config::{Config, RewriteError, Scope, ShutdownFlags, options};
use crate::evictor::{Accounts, Evictor, LEAST_CLIENT_BUDGET, Room};
use crate::exec::Gates;
use crate::latency::{self, Latency};
use crate::lazyfree::Lazyfree;
use crate::memory;
use crate::monitor::{self, Caller, Monitor};
use crate::net::listening::Listening;
use crate::notify;
use crate::persist::Persist;
use crate::persist::log::Log;
use crate::pubsub::{Published, Pubsub};
use crate::rates::Rates;
use crate::replication::{self, Replication};
use crate::script::{Functions, Kind, Scripts, Unkillable};
use crate::settings::Settings;
use crate::slowlog::{self, Slow, Slowlog};
use crate::spec::Flags;
use crate::stats::Stats;
use crate::tracking::{Changed, Post, Tracking};
use crate::waiters::Waiters;

/// Everything there is once. Lives as long as the process.
pub struct Server {
    /// The configuration, in the words of those who act on it.
    pub settings: Settings,
    /// All commands.
    pub commands: Table,
    /// Users, and what they may do.
    pub acl: Acl,
    /// All keys.
    pub keyspace: Keyspace,
    /// All connections.
    pub clients: Clients,
    /// Conditions that hold for all of them.
    pub gates: Gates,
    /// Figures.
    pub stats: Stats,
    /// Lua scripts.
    pub scripts: Scripts,
    /// Libraries of functions.
    pub functions: Functions,
    /// Who waits for keys.
    pub waiters: Waiters,
    /// Who has subscribed to what.
    pub pubsub: Pubsub,
    /// Who keeps copies of which keys.
    pub tracking: Tracking,
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
    /// Held by who closes connections because of what they hold.
    client_eviction: Mutex<()>,
    /// Shows commands to those who monitor.
    pub monitor: Monitor,
    /// Commands that took long.
    pub slowlog: Slowlog,
    /// Events that took long.
    pub latency: Latency,
    /// The sockets that accept connections.
    pub listening: Listening,
    /// Who we are to replicas.
    pub replication: Replication,
    /// Rung when a pause of clients ends early.
    pub pause_over: Notify,
    /// Rung to stop the server.
    pub shutdown: Shutdown,
    /// Facts of this run.
    pub run: Run,
    /// Whether the background search for expired keys is on (`DEBUG SET-ACTIVE-EXPIRE`).
    pub expires_actively: AtomicBool,
    /// Whether the background thread rests (`DEBUG PAUSE-CRON`).
    pub cron_is_paused: AtomicBool,
}

/// Facts of this run of the server.
#[derive(Debug)]
pub struct Run {
    /// When it began.
    pub started: Instant,
    /// 40 hexadecimal digits, new each run.
    pub id: String,
    /// Bytes in use before there was any data or client.
    pub startup_bytes: AtomicUsize,
}

/// What was not allowed to a client.
#[derive(Clone, Copy, Debug)]
pub struct Denial<'a> {
    /// Why.
    pub reason: acl::Reason,
    /// Where it was asked for.
    pub context: acl::Context,
    /// The command, key or channel.
    pub object: &'a [u8],
    /// The user it is, or wanted to be.
    pub user: &'a [u8],
}

/// A request to stop.
#[derive(Debug)]
pub struct Shutdown {
    /// Rung when a client makes it.
    pub requested: Notify,
    wish: Mutex<ShutdownFlags>,
    /// How often it could not be met.
    failures: watch::Sender<u64>,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown {
            requested: Notify::new(),
            wish: Mutex::new(ShutdownFlags::empty()),
            failures: watch::Sender::new(0),
        }
    }
}

impl Shutdown {
    /// Asks the server to stop, in that manner; how often that has failed before.
    pub fn request(&self, wish: ShutdownFlags) -> u64 {
        let failures = *self.failures.borrow();
        *self.wish.lock() = wish;
        self.requested.notify_one();
        failures
    }

    /// The manner that was asked for last.
    pub fn wish(&self) -> ShutdownFlags {
        *self.wish.lock()
    }

    /// Notes that the server goes on.
    pub fn note_failure(&self) {
        self.failures.send_modify(|failures| *failures += 1);
    }

    /// Ends when it could not be stopped once more.
    pub async fn fails_again(&self, failures: u64) {
        let mut watched = self.failures.subscribe();
        // The sender lives as long as the server.
        let _ = watched.wait_for(|&it| it > failures).await;
    }
}

impl Server {
    /// A server of that configuration, not yet listening.
    pub fn new(config: Config, commands: Table, acl: Acl, io_threads: usize) -> &'static Server {
        let settings = Settings::new(config);
        let stats = Stats::new(commands.full_names().len(), io_threads + 1);
        Box::leak(Box::new(Server {
            settings,
            stats,
            acl,
            commands,
            keyspace: Keyspace::default(),
            clients: Clients::default(),
            gates: Gates::default(),
            scripts: Scripts::default(),
            functions: Functions::default(),
            waiters: Waiters::default(),
            pubsub: Pubsub::default(),
            tracking: Tracking::default(),
            log: Log::default(),
            persist: Persist::default(),
            lazyfree: Lazyfree::start(),
            chores: Chores::default(),
            rates: Rates::default(),
            evictor: Evictor::default(),
            client_eviction: Mutex::default(),
            monitor: Monitor,
            slowlog: Slowlog::default(),
            latency: Latency::default(),
            listening: Listening::default(),
            replication: Replication::default(),
            pause_over: Notify::new(),
            shutdown: Shutdown::default(),
            run: Run {
                started: Instant::now(),
                id: replication::random_id(),
                startup_bytes: AtomicUsize::new(0),
            },
            expires_actively: AtomicBool::new(true),
            cron_is_paused: AtomicBool::new(false),
        }))
    }

    /// What is answered while a script runs too long.
    pub fn busy(&self) -> Error {
        match self.scripts.stuck_kind() {
            Some(Kind::Function) => Error::BusyFunction,
            _ => Error::Busy,
        }
    }

    /// Ends a script that runs too long.
    ///
    /// # Errors
    /// If there is none, it was called the other way, or it has written.
    pub fn kill_script(&self, kind: Kind) -> Result<(), Error> {
        self.scripts.kill(kind).map_err(|why| match why {
            Unkillable::Calm => Error::NotBusy,
            Unkillable::HasWritten => Error::Unkillable,
            Unkillable::OtherKind => self.busy(),
        })?;
        tracing::info!("Lua script killed by user with SCRIPT KILL.");
        Ok(())
    }

    /// Who holds memory.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts {
            keyspace: &self.keyspace,
            log: &self.log,
            lazyfree: &self.lazyfree,
            clients: &self.clients,
        }
    }

    /// Closes the largest connections while all of them hold more than `maxmemory-clients`. Two loads and a
    /// compare while they do not.
    #[inline]
    pub fn evict_clients(&self) {
        if let Some(limit) = self.settings.client_memory_limit()
            && self.clients.ledger.held_bytes() >= limit
        {
            self.evict_clients_to(limit);
        }
    }

    #[cold]
    fn evict_clients_to(&self, limit: usize) {
        // One at a time: others would close more than it takes.
        let _turn = self.client_eviction.lock();
        while self.clients.ledger.held_bytes() >= limit {
            let Some(client) = self.clients.ledger.largest() else {
                return self.note_clients_over_limit();
            };
            self.stats.counters.evicted_clients.add(1);
            let line = client.line(self.commands.full_names(), clock::now_ms());
            let line = String::from_utf8_lossy(&line);
            tracing::info!("Evicting client: {line}");
            self.kill(&client);
        }
    }

    /// Redis says it each time it looks; here once is enough, until it has not been so for a second.
    fn note_clients_over_limit(&self) {
        static LOGGED_MS: AtomicI64 = AtomicI64::new(0);
        let now_ms = clock::now_ms();
        if now_ms - LOGGED_MS.swap(now_ms, Ordering::Relaxed) >= 1_000 {
            tracing::warn!("Over client maxmemory after evicting all evictable clients");
        }
    }

    /// Whether connections hold more than they should where `maxmemory-clients` sets no bound: see
    /// [`crate::evictor`].
    pub fn is_short_for_clients(&self) -> bool {
        let budget = match self.settings.memory_limit() {
            0 => memory::total_system_bytes() / 2,
            limit => limit.max(LEAST_CLIENT_BUDGET),
        };
        self.settings.client_memory_limit().is_none()
            && self.clients.ledger.own_bytes() + only_lent_bytes() > budget
    }

    /// Makes room below `maxmemory`, in the time that one command may take for it. One load and one
    /// compare while much less is used.
    #[inline]
    pub fn make_room(&'static self, now_ms: i64) -> Room {
        let limit = self.settings.memory_limit();
        if limit == 0 || (self.accounts().is_clearly_below(limit) && !self.stats.is_exceeded()) {
            return Room::Enough;
        }
        self.evict(limit, now_ms)
    }

    /// Whether more memory is in use than `maxmemory` allows. Nothing is evicted.
    pub fn is_out_of_memory(&self) -> bool {
        let limit = self.settings.memory_limit();
        limit > 0 && self.accounts().used_bytes() > limit
    }

    /// Evicts down to the limit.
    #[cold]
    fn evict(&'static self, limit: usize, now_ms: i64) -> Room {
        self.evict_clients();
        if self.accounts().used_bytes() <= limit {
            self.stats.end_exceeded(now_ms);
            return Room::Enough;
        }
        if self.gates.is_write_paused() || self.gates.is_loading() {
            return Room::Enough;
        }
        let began = Instant::now();
        let plan = self.settings.eviction();
        let room = self.evictor.make_room(
            self.accounts(),
            limit,
            &plan,
            self.settings.eviction_budget(),
            now_ms,
            &mut |shard, db, gone, cause| {
                if cause == Cause::Evicted {
                    self.stats.counters.evicted_keys.add(gone.len() as u64);
                }
                self.note_removals(shard, db, gone, cause);
            },
        );
        self.note_latency(latency::Event::EvictionCycle, now_ms, began.elapsed());
        match room {
            Room::Enough => self.stats.end_exceeded(now_ms),
            Room::None => self.stats.begin_exceeded(now_ms),
            Room::Soon => {
                self.stats.begin_exceeded(now_ms);
                self.chores.ring();
            }
        }
        room
    }

    /// Remembers how long writing the log took.
    pub fn note_log_write(&self, took: Duration) {
        self.note_latency(latency::Event::AofWrite, clock::now_ms(), took);
    }

    /// Remembers how long syncing the log took, while replies waited for that.
    pub fn note_log_sync(&self, took: Duration) {
        self.note_latency(latency::Event::AofFsync, clock::now_ms(), took);
    }

    /// Remembers an event that took at least `latency-monitor-threshold` milliseconds.
    pub fn note_latency(&self, event: latency::Event, now_ms: i64, took: Duration) {
        if took >= self.settings.latency_threshold() {
            self.latency
                .add(event, now_ms / 1000, took.as_millis() as u64);
        }
    }

    /// Notes that keys went by themselves, while their shard is locked: in the log, and for those who listen.
    pub fn note_removals(
        &'static self,
        shard: &mut Shard,
        db: usize,
        gone: &[entry::Entry],
        cause: Cause,
    ) {
        self.log_removals(shard, db, gone, cause);
        let event = match cause {
            Cause::Expired => Event::EXPIRED,
            Cause::Evicted => Event::EVICTED,
            Cause::Invalidated => Event::DEL,
        };
        // Copies of what was invalidated were dropped then.
        if cause != Cause::Invalidated {
            self.drop_copies(gone.iter().map(entry::Entry::key));
        }
        if self.pubsub.has_subscribers() {
            gone.iter()
                .for_each(|entry| self.notify(db, event, entry.key()));
        }
    }

    /// Tells those who keep copies of keys that these went by themselves.
    fn drop_copies<'k>(&'static self, keys: impl Iterator<Item = &'k [u8]> + Clone) {
        if !self.tracking.is_on() {
            return;
        }
        keys.clone().for_each(|key| self.invalidate(key, 0));
        if self.tracking.has_prefixes() {
            self.broadcast(&mut keys.map(|key| (key.into(), 0)).collect());
        }
    }

    /// Logs that keys went, as one record.
    fn log_removals(&self, shard: &mut Shard, db: usize, gone: &[entry::Entry], cause: Cause) {
        if !self.log.is_on() {
            return;
        }
        let mut words = Vec::with_capacity(gone.len() + 1);
        words.push(self.settings.removal_word(cause));
        words.extend(gone.iter().map(entry::Entry::key));
        let mut record = Vec::new();
        protocol::encode_request(words.into_iter(), &mut record);
        shard.log_offset = self.log.append(std::iter::once((db, &record[..])));
    }

    /// Notes that fields of hashes went by themselves, while their shard is locked.
    pub fn note_field_removals(&'static self, shard: &mut Shard, db: usize, gone: &[GoneFields]) {
        self.log_field_removals(shard, db, gone);
        self.drop_copies(gone.iter().map(|hash| &*hash.key));
        for hash in gone {
            self.notify(db, Event::HASH_EXPIRED, &hash.key);
            if hash.emptied.is_some() {
                self.notify(db, Event::DEL, &hash.key);
            }
        }
    }

    /// Logs that fields of hashes went, one by one as Redis does.
    fn log_field_removals(&self, shard: &mut Shard, db: usize, gone: &[GoneFields]) {
        if !self.log.is_on() || gone.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for hash in gone {
            for field in &hash.fields {
                let words: [&[u8]; 3] = [b"HDEL", &hash.key, field];
                protocol::encode_request(words.into_iter(), &mut bytes);
                ends.push(bytes.len());
            }
        }
        let records = (0..ends.len()).map(|at| {
            let start = at.checked_sub(1).map_or(0, |before| ends[before]);
            (db, &bytes[start..ends[at]])
        });
        shard.log_offset = self.log.append(records);
    }

    /// Shows a command to those who monitor; who reads too slowly for it is closed.
    #[cold]
    pub fn show_to_monitors(
        &'static self,
        caller: Caller<'_>,
        now_us: i64,
        entry: &Entry,
        args: &Args<'_>,
    ) {
        let postage = self.postage(Class::Normal);
        let slow = self
            .monitor
            .show(&self.clients, caller, now_us, entry, args, postage);
        self.cut_off(&slow);
    }

    /// What may wait for clients of that class.
    fn postage(&'static self, class: Class) -> Postage {
        Postage {
            limit_bytes: clients::hard_limit_bytes(self.settings.output_limit(class)),
            meter: self.clients.ledger.meter(),
        }
    }

    /// Closes connections that read too slowly for what they have asked to be told.
    fn cut_off(&self, slow: &[Arc<Client>]) {
        for client in slow {
            self.note_output_limit(client);
            self.kill(client);
        }
    }

    /// Sends a message to who has subscribed to the channel; to how many.
    #[inline]
    pub fn publish(&'static self, channel: &[u8], message: &[u8]) -> usize {
        if !self.pubsub.has_subscribers() {
            return 0;
        }
        let postage = self.postage(Class::Pubsub);
        self.settle(self.pubsub.publish(channel, message, postage))
    }

    /// Sends a message to who has subscribed to the channel of the shard; to how many.
    pub fn publish_to_shard(&'static self, channel: &[u8], message: &[u8]) -> usize {
        let postage = self.postage(Class::Pubsub);
        self.settle(self.pubsub.publish_to_shard(channel, message, postage))
    }

    fn settle(&self, published: Published) -> usize {
        self.cut_off(&published.slow);
        published.receivers
    }

    /// Tells those who listen, or keep copies, what a command of client `by` has done to keys, while these are
    /// locked. Those to be broadcast are put into `changed`.
    #[cold]
    pub fn tell_events(&'static self, changes: &mut Changes, by: u64, changed: &mut Vec<Changed>) {
        if std::mem::take(&mut changes.is_flushed) && self.tracking.is_on() {
            self.with_post(|post| self.tracking.flush(post));
        }
        for told in changes.events.drain(..) {
            if told.is_change && self.tracking.is_on() {
                self.invalidate(&told.key, by);
            }
            self.notify(told.db, told.event, &told.key);
            if told.is_change && self.tracking.has_prefixes() {
                changed.push((told.key, by));
            }
        }
    }

    /// Tells those who have read a key that it is no longer what it was.
    pub fn invalidate(&'static self, key: &[u8], by: u64) {
        self.with_post(|post| self.tracking.invalidate(key, by, post));
    }

    /// Tells those who follow prefixes which keys have changed.
    #[inline]
    pub fn broadcast(&'static self, changed: &mut Vec<Changed>) {
        if !changed.is_empty() {
            self.with_post(|post| self.tracking.broadcast(changed, post));
        }
    }

    /// Tells those who follow prefixes that any key may have changed.
    pub fn broadcast_flush(&'static self) {
        self.with_post(|post| self.tracking.flush_prefixes(post));
    }

    /// Remembers who has read a key, and lets another be forgotten if they are too many.
    pub fn remember_reader(&'static self, client: &Client, key: &[u8]) {
        let most = self.settings.config.get(options::TRACKING_TABLE_MAX_KEYS) as usize;
        let mut forgotten = self.tracking.remember(client, key, most);
        // Two, so that a limit that was lowered is kept in time.
        for _ in 0..2 {
            let Some(key) = forgotten.take() else { return };
            self.invalidate(&key, 0);
            forgotten = self.tracking.excess(most);
        }
    }

    fn with_post(&'static self, send: impl FnOnce(&mut Post<'_>)) {
        let postage = |class| self.postage(class);
        let mut post = Post::new(&self.clients, &postage);
        send(&mut post);
        let slow = post.slow;
        self.cut_off(&slow);
    }

    /// Publishes what has happened to a key.
    fn notify(&'static self, db: usize, event: Event, key: &[u8]) {
        if !self.pubsub.has_subscribers() {
            return;
        }
        let wanted = self.settings.keyspace_events();
        notify::messages(wanted, db, event, key, |channel, message| {
            self.publish(channel, message);
        });
    }

    /// Closes a connection at once, and forgets it: who asks next does not see it any more.
    pub fn kill(&self, client: &Arc<Client>) {
        client.kill();
        self.forget(client);
    }

    /// Forgets a connection.
    pub fn forget(&self, client: &Arc<Client>) {
        self.clients.remove(client);
        self.pubsub.forget(client);
        self.tracking.disable(client);
    }

    /// Notes that a connection is closed because it does not take its replies: once, for its own thread may find that
    /// out while another one has a message for it.
    #[cold]
    pub fn note_output_limit(&self, client: &Client) {
        let line = client.line(self.commands.full_names(), clock::now_ms());
        if !client.begin_closing() {
            return;
        }
        self.stats.counters.output_limit_disconnections.add(1);
        let line = String::from_utf8_lossy(&line);
        tracing::warn!("Client {line} closed for overcoming of output buffer limits.");
    }

    /// Writes the configuration file again, with the users there are unless they have a file of their own.
    ///
    /// # Errors
    /// As [`Config::rewrite`].
    pub fn rewrite_config(&self, scope: Scope) -> Result<(), RewriteError> {
        let config = &self.settings.config;
        let users = match config.bytes(options::ACLFILE).is_empty() {
            true => self.acl.users(),
            false => Vec::new(),
        };
        let users: Vec<Vec<u8>> = users.iter().map(|user| user.describe()).collect();
        config.rewrite(Some(&users), scope)
    }

    /// Counts that something was not allowed to that client, and notes it for `ACL LOG`.
    #[cold]
    pub fn note_denied(&self, client: &Client, denial: Denial<'_>, now_ms: i64) {
        let refusal = acl::Refusal {
            reason: denial.reason,
            context: denial.context,
            object: denial.object.to_vec(),
            user: denial.user.to_vec(),
            client: client.line(self.commands.full_names(), now_ms),
        };
        self.acl
            .log
            .add(refusal, now_ms, self.settings.acl_log_length());
    }

    /// Notes a command that took at least [`Settings::noted_nanos`]: in the slow log, among the latencies,
    /// or both.
    #[cold]
    pub fn note_slow(
        &self,
        caller: Caller<'_>,
        entry: &Entry,
        args: &Args<'_>,
        nanos: u64,
        now_us: i64,
    ) {
        let event = if entry.flags().contains(Flags::FAST) {
            latency::Event::FastCommand
        } else {
            latency::Event::Command
        };
        self.note_latency(event, now_us / 1000, Duration::from_nanos(nanos));
        let length = self.settings.slowlog_length();
        let is_slow = nanos >= self.settings.slow_nanos() && length > 0;
        if is_slow && !entry.flags().contains(Flags::SKIP_SLOWLOG) {
            // Nor does Redis say whose script it was.
            let (addr, client_name) = match caller {
                Caller::Client(client) => (client.addr.clone(), client.names().name),
                Caller::Script(_) => Default::default(),
            };
            let slow = Slow {
                id: 0,
                at_seconds: now_us / 1_000_000,
                duration_us: nanos / 1000,
                words: slowlog::shortened(args, |index| monitor::is_secret(entry, args, index)),
                addr,
                client_name,
            };
            self.slowlog.add(slow, length);
        }
    }
}
