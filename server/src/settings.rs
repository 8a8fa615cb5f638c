//! The configuration, in the words of those who act on it.
//!
//! Every method reads relaxed atomics, so an option that is changed takes effect with the next
//! command and nothing needs to be told.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use protocol::Limits;
use storage::evict::{Access, Clock, Plan, Policy};
use storage::keyspace::Cause;
use storage::rdb::Checksum;
use storage::rdb::draft::Compression;
use storage::rdb::encode::Recency;

use crate::clients::{Class, Client, State};
use crate::command::Error;
use crate::config::{
    AclPubsubDefault, Config, KeyspaceEvents, MaxmemoryPolicy, MemoryOrPercent, OutputLimit,
    ProtectedAction, options,
};

/// Less than this is no `maxmemory-clients`.
const LEAST_CLIENT_BYTES: usize = 128 << 10;

/// What the configuration means to every command, worked out once for each version of it.
#[derive(Debug)]
pub struct Habits {
    version: u64,
    /// Up to where collections are packed.
    pub packing: storage::value::Limits,
    /// How accesses are recorded.
    pub access: Access,
    /// `compression-threshold`.
    pub compression_threshold: usize,
    /// `notify-keyspace-events`.
    pub keyspace_events: KeyspaceEvents,
    /// Commands that take at least so many nanoseconds are slow, or an event for the latency monitor.
    pub noted_nanos: u64,
}

impl Default for Habits {
    /// Those of no version: older than any configuration.
    fn default() -> Self {
        Self {
            version: 0,
            packing: storage::value::Limits::default(),
            access: Access::Time,
            compression_threshold: 0,
            keyspace_events: KeyspaceEvents::empty(),
            noted_nanos: 0,
        }
    }
}

/// The habits that all connections share, until the configuration changes.
#[derive(Clone, Debug)]
pub struct SharedHabits(Arc<Habits>);

impl Default for SharedHabits {
    /// Those of no version.
    fn default() -> Self {
        static NONE: LazyLock<SharedHabits> = LazyLock::new(|| SharedHabits(Arc::default()));
        NONE.clone()
    }
}

impl SharedHabits {
    /// Those of the present configuration.
    #[inline]
    pub fn of(&mut self, settings: &Settings) -> &Habits {
        if self.0.version != settings.config.version() {
            *self = settings.habits();
        }
        &self.0
    }
}

/// What the configuration means.
pub struct Settings {
    /// The configuration itself.
    pub config: Config,
    /// As many clients as the system has file descriptors for.
    fitting_clients: AtomicUsize,
    /// `DEBUG QUICKLIST-PACKED-THRESHOLD`.
    list_packed_threshold: AtomicUsize,
    /// `DEBUG SET-SKIP-CHECKSUM-VALIDATION`.
    skips_checksums: AtomicBool,
    lets_scripts_debug: AtomicBool,
    habits: Mutex<SharedHabits>,
}

impl Settings {
    /// The meaning of a configuration.
    pub fn new(config: Config) -> Settings {
        Settings {
            config,
            fitting_clients: AtomicUsize::new(usize::MAX),
            list_packed_threshold: AtomicUsize::new(0),
            skips_checksums: AtomicBool::new(false),
            lets_scripts_debug: AtomicBool::new(false),
            habits: Mutex::default(),
        }
    }

    /// `maxmemory`, 0 for no limit.
    #[inline]
    pub fn memory_limit(&self) -> usize {
        self.config.get(options::MAXMEMORY) as usize
    }

    /// Whether strings are compressed in snapshots and by `DUMP`.
    pub fn compression(&self) -> Compression {
        match self.config.get(options::RDBCOMPRESSION) {
            true => Compression::Lzf,
            false => Compression::None,
        }
    }

    /// What it means to every command.
    #[cold]
    fn habits(&self) -> SharedHabits {
        let mut habits = self.habits.lock();
        if habits.0.version != self.config.version() {
            *habits = SharedHabits(Arc::new(Habits {
                // Read before all else: what changes meanwhile makes these too old.
                version: self.config.version(),
                packing: self.packing_limits(),
                access: self.access(),
                compression_threshold: self.compression_threshold(),
                keyspace_events: self.keyspace_events(),
                noted_nanos: self.noted_nanos(),
            }));
        }
        habits.clone()
    }

    /// Sets `DEBUG QUICKLIST-PACKED-THRESHOLD`.
    pub fn set_list_packed_threshold(&self, bytes: usize) {
        self.list_packed_threshold.store(bytes, Ordering::Relaxed);
        self.config.renew();
    }

    /// Sets `DEBUG SET-SKIP-CHECKSUM-VALIDATION`.
    pub fn skip_checksums(&self, is_on: bool) {
        self.skips_checksums.store(is_on, Ordering::Relaxed);
    }

    /// Lets scripts call `DEBUG`, or not.
    pub fn let_scripts_debug(&self, is_on: bool) {
        self.lets_scripts_debug.store(is_on, Ordering::Relaxed);
    }

    /// Whether scripts may call `DEBUG`.
    pub fn lets_scripts_debug(&self) -> bool {
        self.lets_scripts_debug.load(Ordering::Relaxed)
    }

    /// What the checksum of a snapshot file is worth.
    pub fn file_checksum(&self) -> Checksum {
        match self.config.get(options::RDBCHECKSUM) {
            true => self.payload_checksum(),
            false => Checksum::Ignore,
        }
    }

    /// What the checksum of a dumped value is worth.
    pub fn payload_checksum(&self) -> Checksum {
        match self.skips_checksums.load(Ordering::Relaxed) {
            true => Checksum::Ignore,
            false => Checksum::Verify,
        }
    }

    /// Up to where collections are packed.
    pub fn packing_limits(&self) -> storage::value::Limits {
        storage::value::Limits {
            hash_max_listpack_entries: self.config.get(options::HASH_MAX_LISTPACK_ENTRIES) as usize,
            hash_max_listpack_value: self.config.get(options::HASH_MAX_LISTPACK_VALUE) as usize,
            list_max_listpack_size: self.config.get(options::LIST_MAX_LISTPACK_SIZE).into(),
            list_packed_threshold: self.list_packed_threshold.load(Ordering::Relaxed),
            list_compress_depth: self.config.get(options::LIST_COMPRESS_DEPTH) as usize,
            set_max_intset_entries: self.config.get(options::SET_MAX_INTSET_ENTRIES) as usize,
            set_max_listpack_entries: self.config.get(options::SET_MAX_LISTPACK_ENTRIES) as usize,
            set_max_listpack_value: self.config.get(options::SET_MAX_LISTPACK_VALUE) as usize,
            zset_max_listpack_entries: self.config.get(options::ZSET_MAX_LISTPACK_ENTRIES) as usize,
            zset_max_listpack_value: self.config.get(options::ZSET_MAX_LISTPACK_VALUE) as usize,
            hll_sparse_max_bytes: self.config.get(options::HLL_SPARSE_MAX_BYTES) as usize,
        }
    }

    /// Up to where the entries of a stream go into one node.
    #[inline]
    pub fn node_limits(&self) -> storage::value::stream::NodeLimits {
        storage::value::stream::NodeLimits {
            max_bytes: self.config.get(options::STREAM_NODE_MAX_BYTES) as usize,
            max_entries: self.config.get(options::STREAM_NODE_MAX_ENTRIES) as usize,
        }
    }

    /// `compression-threshold`.
    #[inline]
    pub fn compression_threshold(&self) -> usize {
        self.config.get(options::COMPRESSION_THRESHOLD) as usize
    }

    /// `maxmemory-clients` in bytes, if it sets a bound.
    ///
    /// As in Redis a share of no limit is no bound, and less than 128 KiB is never one: nobody could say
    /// anything to the server any more.
    #[inline]
    pub fn client_memory_limit(&self) -> Option<usize> {
        let bytes = match self.config.get(options::MAXMEMORY_CLIENTS) {
            MemoryOrPercent::Bytes(0) => return None,
            MemoryOrPercent::Bytes(bytes) => bytes as usize,
            MemoryOrPercent::Percent(percent) => match self.memory_limit() {
                0 => return None,
                limit => (limit as f64 * f64::from(percent) / 100.0) as usize,
            },
        };
        Some(bytes.max(LEAST_CLIENT_BYTES))
    }

    /// `maxmemory-policy`.
    #[inline]
    pub fn policy(&self) -> Policy {
        match self.config.get(options::MAXMEMORY_POLICY) {
            MaxmemoryPolicy::VolatileLru => Policy::VolatileLru,
            MaxmemoryPolicy::VolatileLfu => Policy::VolatileLfu,
            MaxmemoryPolicy::VolatileRandom => Policy::VolatileRandom,
            MaxmemoryPolicy::VolatileTtl => Policy::VolatileTtl,
            MaxmemoryPolicy::AllkeysLru => Policy::AllkeysLru,
            MaxmemoryPolicy::AllkeysLfu => Policy::AllkeysLfu,
            MaxmemoryPolicy::AllkeysRandom => Policy::AllkeysRandom,
            MaxmemoryPolicy::NoEviction => Policy::NoEviction,
            MaxmemoryPolicy::VolatileGdsf => Policy::VolatileGdsf,
            MaxmemoryPolicy::AllkeysGdsf => Policy::AllkeysGdsf,
        }
    }

    /// Whether small integers are said to be one object for all keys: as in Redis, unless a memory limit
    /// with an LRU, LFU or GDSF policy asks for an access clock of each.
    pub fn shares_integers(&self) -> bool {
        let policy = self.policy();
        self.memory_limit() == 0 || !(policy.is_lru() || policy.is_lfu() || policy.is_gdsf())
    }

    /// How accesses are recorded.
    #[inline]
    pub fn access(&self) -> Access {
        match self.policy() {
            policy if policy.is_lfu() => Access::Count {
                log_factor: self.config.get(options::LFU_LOG_FACTOR),
                decay_minutes: self.config.get(options::LFU_DECAY_TIME),
            },
            policy if policy.is_gdsf() => Access::Cost,
            _ => Access::Time,
        }
    }

    /// What snapshots tell of the past of entries.
    pub fn recency(&self, clock: Clock) -> Recency {
        match self.policy() {
            policy if policy.is_lru() => Recency::Idle(clock),
            policy if policy.is_lfu() || policy.is_gdsf() => {
                Recency::Frequency(self.access(), clock)
            }
            _ => Recency::None,
        }
    }

    /// What is evicted.
    pub fn eviction(&self) -> Plan {
        Plan {
            policy: self.policy(),
            samples: self.config.get(options::MAXMEMORY_SAMPLES) as usize,
            access: self.access(),
        }
    }

    /// How long a command may spend on eviction (`maxmemory-eviction-tenacity`); what remains is done in
    /// the background.
    pub fn eviction_budget(&self) -> Duration {
        tenacity_budget(self.config.get(options::MAXMEMORY_EVICTION_TENACITY))
    }

    /// The command that a key is logged with when it goes for that cause.
    pub fn removal_word(&self, cause: Cause) -> &'static [u8] {
        if self.removes_lazily(cause) {
            b"UNLINK"
        } else {
            b"DEL"
        }
    }

    fn removes_lazily(&self, cause: Cause) -> bool {
        match cause {
            Cause::Expired => self.config.get(options::LAZYFREE_LAZY_EXPIRE),
            Cause::Evicted => self.config.get(options::LAZYFREE_LAZY_EVICTION),
            Cause::Invalidated => true,
        }
    }

    /// Commands that take at least so many nanoseconds are slow.
    #[inline]
    pub fn slow_nanos(&self) -> u64 {
        let slower_than_us = self.config.get(options::SLOWLOG_LOG_SLOWER_THAN);
        u64::try_from(slower_than_us).map_or(u64::MAX, |us| us.saturating_mul(1000))
    }

    /// `latency-monitor-threshold`; for ever if it is off.
    pub fn latency_threshold(&self) -> Duration {
        match self.config.get(options::LATENCY_MONITOR_THRESHOLD) {
            0 => Duration::MAX,
            ms => Duration::from_millis(ms),
        }
    }

    /// Commands that take at least so many nanoseconds are slow, or an event for the latency monitor.
    #[inline]
    pub fn noted_nanos(&self) -> u64 {
        match self.config.get(options::LATENCY_MONITOR_THRESHOLD) {
            0 => self.slow_nanos(),
            ms => self.slow_nanos().min(ms.saturating_mul(1_000_000)),
        }
    }

    /// `notify-keyspace-events`.
    #[inline]
    pub fn keyspace_events(&self) -> KeyspaceEvents {
        self.config.get(options::NOTIFY_KEYSPACE_EVENTS)
    }

    /// `busy-reply-threshold`; for ever if it is 0.
    pub fn busy_threshold(&self) -> Duration {
        match self.config.get(options::BUSY_REPLY_THRESHOLD) {
            0 => Duration::MAX,
            ms => Duration::from_millis(ms),
        }
    }

    /// `slowlog-max-len`.
    pub fn slowlog_length(&self) -> usize {
        self.config.get(options::SLOWLOG_MAX_LEN) as usize
    }

    /// `acllog-max-len`.
    pub fn acl_log_length(&self) -> usize {
        self.config.get(options::ACLLOG_MAX_LEN) as usize
    }

    /// Whether new users may use all channels (`acl-pubsub-default`).
    pub fn gives_all_channels(&self) -> bool {
        self.config.get(options::ACL_PUBSUB_DEFAULT) == AclPubsubDefault::AllChannels
    }

    /// `latency-tracking`.
    #[inline]
    pub fn tracks_latency(&self) -> bool {
        self.config.get(options::LATENCY_TRACKING)
    }

    /// `client-query-buffer-limit`.
    pub fn query_limit_bytes(&self) -> usize {
        self.config.get(options::CLIENT_QUERY_BUFFER_LIMIT) as usize
    }

    /// `client-output-buffer-limit` of that class of clients.
    pub fn output_limit(&self, class: Class) -> OutputLimit {
        let limits = self.config.get(options::CLIENT_OUTPUT_BUFFER_LIMIT);
        match class {
            Class::Normal | Class::Master => limits.normal,
            Class::Replica => limits.replica,
            Class::Pubsub => limits.pubsub,
        }
    }

    /// Limits of requests.
    #[inline]
    pub fn parser_limits(&self, is_authenticated: bool) -> Limits {
        Limits {
            max_bulk_bytes: self.config.get(options::PROTO_MAX_BULK_LEN) as usize,
            is_authenticated,
            ..Limits::default()
        }
    }

    /// `maxclients`, or as many as fit.
    pub fn max_clients(&self) -> usize {
        (self.config.get(options::MAXCLIENTS) as usize)
            .min(self.fitting_clients.load(Ordering::Relaxed))
    }

    /// Notes how many clients the system has file descriptors for.
    pub fn limit_clients(&self, fitting: usize) {
        self.fitting_clients.store(fitting, Ordering::Relaxed);
    }

    /// Whether protected mode refuses that peer as long as it needs no password.
    pub fn is_protected_from(&self, peer: IpAddr) -> bool {
        self.config.get(options::PROTECTED_MODE) && !peer.to_canonical().is_loopback()
    }

    /// `tcp-keepalive`, in seconds, 0 for none.
    pub fn keepalive_seconds(&self) -> u64 {
        self.config.get(options::TCP_KEEPALIVE)
    }

    /// `unixsocket`.
    pub fn unix_socket(&self) -> String {
        self.config.text(options::UNIXSOCKET).to_string()
    }

    /// Why a protected command is refused to that client, if it is.
    pub fn protected(&self, client: &Client, full_name: &str) -> Option<Error> {
        let (word, option, mode): (_, _, ProtectedAction) = if full_name.starts_with("debug") {
            (
                "DEBUG",
                "enable-debug-command",
                self.config.get(options::ENABLE_DEBUG_COMMAND),
            )
        } else {
            (
                "MODULE",
                "enable-module-command",
                self.config.get(options::ENABLE_MODULE_COMMAND),
            )
        };
        let is_allowed = match mode {
            ProtectedAction::Yes => true,
            ProtectedAction::No => false,
            ProtectedAction::Local => is_local(client),
        };
        (!is_allowed).then_some(Error::Protected(word, option))
    }
}

/// Whether the client is on this machine.
pub fn is_local(client: &Client) -> bool {
    let ip = client
        .addr
        .rsplit_once(':')
        .and_then(|(ip, _)| ip.trim_matches(['[', ']']).parse::<IpAddr>().ok());
    client.is(State::UNIX_SOCKET) || ip.is_some_and(|ip| ip.to_canonical().is_loopback())
}

/// As Redis: linear up to 500 µs at 10, then 15 % more a step, and no bound at 100 (`evict.c`).
fn tenacity_budget(tenacity: u32) -> Duration {
    match tenacity {
        0..=10 => Duration::from_micros(50 * u64::from(tenacity)),
        11..=99 => Duration::from_micros((500.0 * 1.15f64.powi(tenacity as i32 - 10)) as u64),
        _ => Duration::MAX,
    }
}
