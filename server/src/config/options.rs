//! Every option the server knows: one line each.
//!
//! `CONFIG GET`, `SET` and `REWRITE`, the configuration file, the command line and the typed
//! handles (`config.get(options::MAXMEMORY)`) all come from this table. It is in the order of the
//! groups of a commented redis.conf.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::LazyLock;

use super::checks;
use super::types::*;
use super::value::{Kind, Refusal, Words};

/// Bytes of a text option ([`super::Config::text`], [`super::Config::bytes`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text;

/// A handle of an option whose values read as `T`.
#[derive(Debug)]
pub struct Opt<T> {
    /// Which option.
    pub id: OptionId,
    reads_as: PhantomData<fn() -> T>,
}

impl<T> Opt<T> {
    const fn new(id: OptionId) -> Self {
        Self {
            id,
            reads_as: PhantomData,
        }
    }
}

impl<T: super::Typed> Opt<T> {
    /// The line of the option, which learns what it is read as.
    const fn line(self, mut spec: Spec) -> Spec {
        spec.fits = T::fits;
        spec
    }
}

impl<T> Clone for Opt<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Opt<T> {}

/// Which option: its place in [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OptionId(u16);

impl OptionId {
    /// The option's line.
    pub fn spec(self) -> &'static Spec {
        &TABLE[self.index()]
    }

    /// The place in [`TABLE`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// All options, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..COUNT as u16).map(Self)
    }
}

/// When an option can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Any time, by `CONFIG SET`.
    Live,
    /// Only by the file and the command line.
    AtStart,
}

/// Whether an option does anything here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The server does what it says.
    Works,
    /// It is read, kept, checked, shown and rewritten; nothing follows from it.
    AcceptedOnly,
}

/// What else is true of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Its value is a secret: it is kept out of logs.
    pub is_sensitive: bool,
    /// `CONFIG SET` needs `enable-protected-configs`.
    pub is_protected: bool,
    /// Shown by `CONFIG GET` under its own name only, not by a pattern.
    pub is_hidden: bool,
    /// `CONFIG SET` is refused while data is loaded.
    pub denies_loading: bool,
    /// A text that is rewritten also when it is empty, as `""`.
    pub keeps_empty: bool,
}

/// One option.
#[derive(Debug)]
pub struct Spec {
    /// The name, in small letters.
    pub name: &'static str,
    /// An older name.
    pub alias: Option<&'static str>,
    /// What it may hold.
    pub kind: Kind,
    /// What it holds if nobody says otherwise, as text.
    pub default: &'static str,
    /// Numbers that are accepted but brought within these bounds.
    pub clamp: Option<(i64, i64)>,
    /// When it can change.
    pub change: Change,
    /// Whether it does anything.
    pub effect: Effect,
    /// What else is true of it.
    pub traits: Traits,
    /// Whether values of a kind can be read as its handle's type.
    pub fits: fn(Kind) -> bool,
}

impl Spec {
    const fn new(name: &'static str, kind: Kind, default: &'static str) -> Self {
        let traits = Traits {
            is_sensitive: false,
            is_protected: false,
            is_hidden: false,
            denies_loading: false,
            keeps_empty: false,
        };
        Self {
            name,
            alias: None,
            kind,
            default,
            clamp: None,
            change: Change::Live,
            effect: Effect::AcceptedOnly,
            traits,
            fits: |_| false,
        }
    }

    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn clamp(mut self, min: i64, max: i64) -> Self {
        self.clamp = Some((min, max));
        self
    }

    const fn check(mut self, check: fn(&[u8]) -> Result<(), Refusal>) -> Self {
        self.kind = match self.kind {
            Kind::Bytes(_) => Kind::Bytes(check),
            _ => Kind::Text(check),
        };
        self
    }

    const fn at_start(mut self) -> Self {
        self.change = Change::AtStart;
        self
    }

    const fn works(mut self) -> Self {
        self.effect = Effect::Works;
        self
    }

    const fn sensitive(mut self) -> Self {
        self.traits.is_sensitive = true;
        self
    }

    const fn protected(mut self) -> Self {
        self.traits.is_protected = true;
        self
    }

    const fn hidden(mut self) -> Self {
        self.traits.is_hidden = true;
        self
    }

    const fn keeps_empty(mut self) -> Self {
        self.traits.keeps_empty = true;
        self
    }

    const fn denies_loading(mut self) -> Self {
        self.traits.denies_loading = true;
        self
    }
}

const fn yes_no(name: &'static str, default: &'static str) -> Spec {
    Spec::new(name, Kind::YesNo, default)
}

const fn int(name: &'static str, default: &'static str, min: i64, max: i64) -> Spec {
    Spec::new(name, Kind::Integer { min, max }, default)
}

const fn memory(name: &'static str, default: &'static str, min: u64, max: u64) -> Spec {
    Spec::new(name, Kind::Memory { min, max }, default)
}

const fn word(name: &'static str, default: &'static str, words: Words) -> Spec {
    Spec::new(name, Kind::Words(words), default)
}

const fn text(name: &'static str, default: &'static str) -> Spec {
    Spec::new(name, Kind::Text(checks::anything), default)
}

const fn bytes(name: &'static str, default: &'static str) -> Spec {
    Spec::new(name, Kind::Bytes(checks::anything), default)
}

const I32: i64 = i32::MAX as i64;
const U32: i64 = u32::MAX as i64;
const I64: i64 = i64::MAX;
const BYTES: u64 = i64::MAX as u64;
const MB: u64 = 1 << 20;

macro_rules! options {
    ($($(#[$meta:meta])* $handle:ident: $type:ty = $spec:expr;)+) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "they number the handles")]
        #[repr(u16)]
        enum Index { $($handle),+ }

        $(
            $(#[$meta])*
            #[doc = concat!("`", stringify!($handle), "`: see its line in the table.")]
            pub const $handle: Opt<$type> = Opt::new(OptionId(Index::$handle as u16));
        )+

        /// How many options there are.
        pub const COUNT: usize = [$(stringify!($handle)),+].len();

        /// All options.
        pub static TABLE: [Spec; COUNT] = [$($handle.line($spec)),+];
    };
}

options! {
    // Network.
    BIND: Vec<String> = Spec::new("bind", Kind::Addresses, "* -::*").works();
    BIND_SOURCE_ADDR: Text = text("bind-source-addr", "");
    PROTECTED_MODE: bool = yes_no("protected-mode", "yes").works();
    PORT: u16 = int("port", "6379", 0, 65535).works();
    TCP_BACKLOG: u32 = int("tcp-backlog", "511", 0, I32).at_start().works();
    UNIXSOCKET: Text = text("unixsocket", "").at_start().works();
    UNIXSOCKETPERM: u32 = Spec::new("unixsocketperm", Kind::Octal { max: 0o777 }, "0").at_start().works();
    TIMEOUT: u64 = int("timeout", "0", 0, I32).works();
    TCP_KEEPALIVE: u64 = int("tcp-keepalive", "300", 0, I32).works();
    SOCKET_MARK_ID: u32 = int("socket-mark-id", "0", 0, U32).at_start();
    MAXCLIENTS: u32 = int("maxclients", "10000", 1, U32).works();
    MAX_NEW_CONNECTIONS_PER_CYCLE: u32 = int("max-new-connections-per-cycle", "10", 1, 1000);
    MAX_NEW_TLS_CONNECTIONS_PER_CYCLE: u32 = int("max-new-tls-connections-per-cycle", "1", 1, 1000);
    PROTO_MAX_BULK_LEN: u64 = memory("proto-max-bulk-len", "512mb", MB, BYTES).works();
    CLIENT_QUERY_BUFFER_LIMIT: u64 = memory("client-query-buffer-limit", "1gb", MB, BYTES).works();
    CLIENT_OUTPUT_BUFFER_LIMIT: OutputLimits = Spec::new("client-output-buffer-limit", Kind::OutputLimits, "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60").works();
    MAXMEMORY_CLIENTS: MemoryOrPercent = Spec::new("maxmemory-clients", Kind::MemoryOrPercent, "0").works();

    // TLS.
    TLS_PORT: u16 = int("tls-port", "0", 0, 65535);
    TLS_CERT_FILE: Text = text("tls-cert-file", "");
    TLS_KEY_FILE: Text = text("tls-key-file", "");
    TLS_KEY_FILE_PASS: Text = text("tls-key-file-pass", "").sensitive();
    TLS_CLIENT_CERT_FILE: Text = text("tls-client-cert-file", "");
    TLS_CLIENT_KEY_FILE: Text = text("tls-client-key-file", "");
    TLS_CLIENT_KEY_FILE_PASS: Text = text("tls-client-key-file-pass", "").sensitive();
    TLS_DH_PARAMS_FILE: Text = text("tls-dh-params-file", "");
    TLS_CA_CERT_FILE: Text = text("tls-ca-cert-file", "");
    TLS_CA_CERT_DIR: Text = text("tls-ca-cert-dir", "");
    TLS_AUTH_CLIENTS: TlsAuthClients = word("tls-auth-clients", "yes", TlsAuthClients::WORDS);
    TLS_REPLICATION: bool = yes_no("tls-replication", "no");
    TLS_CLUSTER: bool = yes_no("tls-cluster", "no");
    TLS_PROTOCOLS: Text = text("tls-protocols", "");
    TLS_CIPHERS: Text = text("tls-ciphers", "");
    TLS_CIPHERSUITES: Text = text("tls-ciphersuites", "");
    TLS_PREFER_SERVER_CIPHERS: bool = yes_no("tls-prefer-server-ciphers", "no");
    TLS_SESSION_CACHING: bool = yes_no("tls-session-caching", "yes");
    TLS_SESSION_CACHE_SIZE: u32 = int("tls-session-cache-size", "20480", 0, I32);
    TLS_SESSION_CACHE_TIMEOUT: u32 = int("tls-session-cache-timeout", "300", 0, I32);

    // General.
    DAEMONIZE: bool = yes_no("daemonize", "no").at_start().works();
    SUPERVISED: Supervised = word("supervised", "no", Supervised::WORDS).at_start().works();
    PIDFILE: Text = text("pidfile", "").at_start().works();
    LOGLEVEL: LogLevel = word("loglevel", "notice", LogLevel::WORDS).works();
    LOGFILE: Text = text("logfile", "").keeps_empty().at_start().works();
    HIDE_USER_DATA_FROM_LOG: bool = yes_no("hide-user-data-from-log", "no");
    SYSLOG_ENABLED: bool = yes_no("syslog-enabled", "no").at_start();
    SYSLOG_IDENT: Text = text("syslog-ident", "redis").keeps_empty().at_start();
    SYSLOG_FACILITY: SyslogFacility = word("syslog-facility", "local0", SyslogFacility::WORDS).at_start();
    CRASH_LOG_ENABLED: bool = yes_no("crash-log-enabled", "yes");
    CRASH_MEMCHECK_ENABLED: bool = yes_no("crash-memcheck-enabled", "yes");
    DATABASES: u32 = int("databases", "16", 1, I32).at_start().works();
    ALWAYS_SHOW_LOGO: bool = yes_no("always-show-logo", "no").at_start().works();
    SET_PROC_TITLE: bool = yes_no("set-proc-title", "yes").at_start();
    PROC_TITLE_TEMPLATE: Text = text("proc-title-template", "{title} {listen-addr} {server-mode}").keeps_empty().check(checks::proc_title_template);
    LOCALE_COLLATE: Text = text("locale-collate", "").keeps_empty().check(checks::locale);
    ENABLE_PROTECTED_CONFIGS: ProtectedAction = word("enable-protected-configs", "no", ProtectedAction::WORDS).at_start().works();
    ENABLE_DEBUG_COMMAND: ProtectedAction = word("enable-debug-command", "no", ProtectedAction::WORDS).at_start().works();
    ENABLE_MODULE_COMMAND: ProtectedAction = word("enable-module-command", "no", ProtectedAction::WORDS).at_start().works();
    IGNORE_WARNINGS: Text = text("ignore-warnings", "").keeps_empty();

    // Snapshots.
    SAVE: Vec<SavePoint> = Spec::new("save", Kind::SavePoints, "3600 1 300 100 60 10000").works();
    STOP_WRITES_ON_BGSAVE_ERROR: bool = yes_no("stop-writes-on-bgsave-error", "yes").works();
    RDBCOMPRESSION: bool = yes_no("rdbcompression", "yes").works();
    RDBCHECKSUM: bool = yes_no("rdbchecksum", "yes").at_start().works();
    SANITIZE_DUMP_PAYLOAD: SanitizeDumpPayload = word("sanitize-dump-payload", "no", SanitizeDumpPayload::WORDS);
    DBFILENAME: Text = text("dbfilename", "dump.rdb").keeps_empty().protected().check(checks::dbfilename).works();
    RDB_DEL_SYNC_FILES: bool = yes_no("rdb-del-sync-files", "no");
    RDB_SAVE_INCREMENTAL_FSYNC: bool = yes_no("rdb-save-incremental-fsync", "yes").works();
    RDB_KEY_SAVE_DELAY: i64 = int("rdb-key-save-delay", "0", i32::MIN as i64, I32).hidden().works();
    KEY_LOAD_DELAY: i64 = int("key-load-delay", "0", i32::MIN as i64, I32).hidden();
    LOADING_PROCESS_EVENTS_INTERVAL_BYTES: u64 = int("loading-process-events-interval-bytes", "2097152", 1024, I32).hidden();
    DIR: Text = Spec::new("dir", Kind::Directory, "").protected().denies_loading().works();

    // Replication.
    REPLICAOF: Option<Primary> = Spec::new("replicaof", Kind::Primary, "no one").alias("slaveof").at_start();
    MASTERUSER: Text = text("masteruser", "").sensitive().works();
    MASTERAUTH: Text = bytes("masterauth", "").sensitive().works();
    WARM_FROM: Text = text("warm-from", "").works();
    REPLICA_SERVE_STALE_DATA: bool = yes_no("replica-serve-stale-data", "yes").alias("slave-serve-stale-data");
    REPLICA_READ_ONLY: bool = yes_no("replica-read-only", "yes").alias("slave-read-only");
    REPLICA_LAZY_FLUSH: bool = yes_no("replica-lazy-flush", "no").alias("slave-lazy-flush");
    REPLICA_IGNORE_MAXMEMORY: bool = yes_no("replica-ignore-maxmemory", "yes").alias("slave-ignore-maxmemory");
    REPLICA_IGNORE_DISK_WRITE_ERRORS: bool = yes_no("replica-ignore-disk-write-errors", "no");
    REPLICA_ANNOUNCED: bool = yes_no("replica-announced", "yes");
    REPLICA_ANNOUNCE_IP: Text = text("replica-announce-ip", "").alias("slave-announce-ip");
    REPLICA_ANNOUNCE_PORT: u16 = int("replica-announce-port", "0", 0, 65535).alias("slave-announce-port");
    REPLICA_PRIORITY: u32 = int("replica-priority", "100", 0, I32).alias("slave-priority");
    REPL_DISKLESS_SYNC: bool = yes_no("repl-diskless-sync", "yes");
    REPL_DISKLESS_SYNC_DELAY: u32 = int("repl-diskless-sync-delay", "5", 0, I32);
    REPL_DISKLESS_SYNC_MAX_REPLICAS: u32 = int("repl-diskless-sync-max-replicas", "0", 0, I32);
    REPL_DISKLESS_LOAD: ReplDisklessLoad = word("repl-diskless-load", "disabled", ReplDisklessLoad::WORDS).denies_loading();
    REPL_PING_REPLICA_PERIOD: u32 = int("repl-ping-replica-period", "10", 1, I32).alias("repl-ping-slave-period");
    REPL_TIMEOUT: u32 = int("repl-timeout", "60", 1, I32);
    REPL_DISABLE_TCP_NODELAY: bool = yes_no("repl-disable-tcp-nodelay", "no");
    REPL_BACKLOG_SIZE: u64 = memory("repl-backlog-size", "1mb", 1, BYTES).clamp(16 << 10, I64);
    REPL_BACKLOG_TTL: u64 = int("repl-backlog-ttl", "3600", 0, I64);
    MIN_REPLICAS_TO_WRITE: u32 = int("min-replicas-to-write", "0", 0, I32).alias("min-slaves-to-write");
    MIN_REPLICAS_MAX_LAG: u32 = int("min-replicas-max-lag", "10", 0, I32).alias("min-slaves-max-lag");
    PROPAGATION_ERROR_BEHAVIOR: PropagationErrorBehavior = word("propagation-error-behavior", "ignore", PropagationErrorBehavior::WORDS);

    // Clients that cache, users.
    TRACKING_TABLE_MAX_KEYS: u64 = int("tracking-table-max-keys", "1000000", 0, I64).works();
    ACLFILE: Text = text("aclfile", "").keeps_empty().at_start().works();
    ACLLOG_MAX_LEN: u64 = int("acllog-max-len", "128", 0, I64).works();
    ACL_PUBSUB_DEFAULT: AclPubsubDefault = word("acl-pubsub-default", "resetchannels", AclPubsubDefault::WORDS).works();
    REQUIREPASS: Text = bytes("requirepass", "").sensitive().works();

    // Memory.
    MAXMEMORY: u64 = memory("maxmemory", "0", 0, u64::MAX).works();
    COMPRESSION_THRESHOLD: u64 = memory("compression-threshold", "0", 0, 1 << 30).works();
    MAXMEMORY_POLICY: MaxmemoryPolicy = word("maxmemory-policy", "noeviction", MaxmemoryPolicy::WORDS).works();
    MAXMEMORY_SAMPLES: u32 = int("maxmemory-samples", "5", 1, 64).works();
    MAXMEMORY_EVICTION_TENACITY: u32 = int("maxmemory-eviction-tenacity", "10", 0, 100).works();
    LFU_LOG_FACTOR: u32 = int("lfu-log-factor", "10", 0, I32).works();
    LFU_DECAY_TIME: u32 = int("lfu-decay-time", "1", 0, I32).works();
    ACTIVE_EXPIRE_EFFORT: u32 = int("active-expire-effort", "1", 1, 10);
    LAZYFREE_LAZY_EVICTION: bool = yes_no("lazyfree-lazy-eviction", "no").works();
    LAZYFREE_LAZY_EXPIRE: bool = yes_no("lazyfree-lazy-expire", "no").works();
    LAZYFREE_LAZY_SERVER_DEL: bool = yes_no("lazyfree-lazy-server-del", "no");
    LAZYFREE_LAZY_USER_DEL: bool = yes_no("lazyfree-lazy-user-del", "no");
    LAZYFREE_LAZY_USER_FLUSH: bool = yes_no("lazyfree-lazy-user-flush", "no").works();
    OOM_SCORE_ADJ: OomScoreAdj = word("oom-score-adj", "no", OomScoreAdj::WORDS);
    OOM_SCORE_ADJ_VALUES: [i32; 3] = Spec::new("oom-score-adj-values", Kind::OomScores, "0 200 800");
    DISABLE_THP: bool = yes_no("disable-thp", "yes").at_start();
    JEMALLOC_BG_THREAD: bool = yes_no("jemalloc-bg-thread", "yes");
    ACTIVEDEFRAG: bool = yes_no("activedefrag", "no");
    ACTIVE_DEFRAG_IGNORE_BYTES: u64 = memory("active-defrag-ignore-bytes", "100mb", 1, BYTES);
    ACTIVE_DEFRAG_THRESHOLD_LOWER: u32 = int("active-defrag-threshold-lower", "10", 0, 1000);
    ACTIVE_DEFRAG_THRESHOLD_UPPER: u32 = int("active-defrag-threshold-upper", "100", 0, 1000);
    ACTIVE_DEFRAG_CYCLE_MIN: u32 = int("active-defrag-cycle-min", "1", 1, 99);
    ACTIVE_DEFRAG_CYCLE_MAX: u32 = int("active-defrag-cycle-max", "25", 1, 99);
    ACTIVE_DEFRAG_MAX_SCAN_FIELDS: u64 = int("active-defrag-max-scan-fields", "1000", 1, I64);

    // Tags.
    TAG_MAX_PER_KEY: u32 = int("tag-max-per-key", "128", 1, 65535).works();

    // Threads.
    IO_THREADS: usize = int("io-threads", "1", 1, 128).at_start().works();
    IO_THREADS_DO_READS: bool = yes_no("io-threads-do-reads", "no").at_start();
    SERVER_CPULIST: Text = text("server-cpulist", "").alias("server_cpulist").at_start();
    BIO_CPULIST: Text = text("bio-cpulist", "").alias("bio_cpulist").at_start();
    AOF_REWRITE_CPULIST: Text = text("aof-rewrite-cpulist", "").alias("aof_rewrite_cpulist").at_start();
    BGSAVE_CPULIST: Text = text("bgsave-cpulist", "").alias("bgsave_cpulist").at_start();
    HZ: u32 = int("hz", "10", 0, I32).clamp(1, 500).works();
    DYNAMIC_HZ: bool = yes_no("dynamic-hz", "yes");
    ACTIVEREHASHING: bool = yes_no("activerehashing", "yes");
    WATCHDOG_PERIOD: u32 = int("watchdog-period", "0", 0, I32).hidden();
    USE_EXIT_ON_PANIC: bool = yes_no("use-exit-on-panic", "no").hidden();

    // Append-only file.
    APPENDONLY: bool = yes_no("appendonly", "no").denies_loading().works();
    APPENDFILENAME: Text = text("appendfilename", "appendonly.aof").at_start().check(checks::appendfilename).works();
    APPENDDIRNAME: Text = text("appenddirname", "appendonlydir").at_start().check(checks::appenddirname).works();
    APPENDFSYNC: AppendFsync = word("appendfsync", "everysec", AppendFsync::WORDS).works();
    NO_APPENDFSYNC_ON_REWRITE: bool = yes_no("no-appendfsync-on-rewrite", "no");
    AUTO_AOF_REWRITE_PERCENTAGE: u32 = int("auto-aof-rewrite-percentage", "100", 0, I32).works();
    AUTO_AOF_REWRITE_MIN_SIZE: u64 = memory("auto-aof-rewrite-min-size", "64mb", 0, BYTES).works();
    AOF_LOAD_TRUNCATED: bool = yes_no("aof-load-truncated", "yes").works();
    AOF_USE_RDB_PREAMBLE: bool = yes_no("aof-use-rdb-preamble", "yes").works();
    AOF_TIMESTAMP_ENABLED: bool = yes_no("aof-timestamp-enabled", "no").works();
    AOF_REWRITE_INCREMENTAL_FSYNC: bool = yes_no("aof-rewrite-incremental-fsync", "yes").works();
    AOF_DISABLE_AUTO_GC: bool = yes_no("aof-disable-auto-gc", "no").hidden();

    // Shutdown.
    SHUTDOWN_TIMEOUT: u32 = int("shutdown-timeout", "10", 0, I32);
    SHUTDOWN_ON_SIGINT: ShutdownFlags = Spec::new("shutdown-on-sigint", Kind::WordSet(ShutdownFlags::WORDS), "default").works();
    SHUTDOWN_ON_SIGTERM: ShutdownFlags = Spec::new("shutdown-on-sigterm", Kind::WordSet(ShutdownFlags::WORDS), "default").works();

    // Scripts.
    BUSY_REPLY_THRESHOLD: u64 = int("busy-reply-threshold", "5000", 0, I64).alias("lua-time-limit").works();

    // Cluster.
    CLUSTER_ENABLED: bool = yes_no("cluster-enabled", "no").at_start();
    CLUSTER_CONFIG_FILE: Text = text("cluster-config-file", "nodes.conf").keeps_empty().at_start();
    CLUSTER_NODE_TIMEOUT: u64 = int("cluster-node-timeout", "15000", 0, I64);
    CLUSTER_PING_INTERVAL: u64 = int("cluster-ping-interval", "0", 0, I64).hidden();
    CLUSTER_PORT: u16 = int("cluster-port", "0", 0, 65535).at_start();
    CLUSTER_REPLICA_VALIDITY_FACTOR: u32 = int("cluster-replica-validity-factor", "10", 0, I32).alias("cluster-slave-validity-factor");
    CLUSTER_MIGRATION_BARRIER: u32 = int("cluster-migration-barrier", "1", 0, I32);
    CLUSTER_ALLOW_REPLICA_MIGRATION: bool = yes_no("cluster-allow-replica-migration", "yes");
    CLUSTER_REQUIRE_FULL_COVERAGE: bool = yes_no("cluster-require-full-coverage", "yes");
    CLUSTER_REPLICA_NO_FAILOVER: bool = yes_no("cluster-replica-no-failover", "no").alias("cluster-slave-no-failover");
    CLUSTER_ALLOW_READS_WHEN_DOWN: bool = yes_no("cluster-allow-reads-when-down", "no");
    CLUSTER_ALLOW_PUBSUBSHARD_WHEN_DOWN: bool = yes_no("cluster-allow-pubsubshard-when-down", "yes");
    CLUSTER_LINK_SENDBUF_LIMIT: u64 = memory("cluster-link-sendbuf-limit", "0", 0, u64::MAX);
    CLUSTER_ANNOUNCE_IP: Text = text("cluster-announce-ip", "");
    CLUSTER_ANNOUNCE_HOSTNAME: Text = text("cluster-announce-hostname", "").check(checks::hostname);
    CLUSTER_ANNOUNCE_HUMAN_NODENAME: Text = bytes("cluster-announce-human-nodename", "").check(checks::human_nodename);
    CLUSTER_ANNOUNCE_PORT: u16 = int("cluster-announce-port", "0", 0, 65535);
    CLUSTER_ANNOUNCE_TLS_PORT: u16 = int("cluster-announce-tls-port", "0", 0, 65535);
    CLUSTER_ANNOUNCE_BUS_PORT: u16 = int("cluster-announce-bus-port", "0", 0, 65535);
    CLUSTER_PREFERRED_ENDPOINT_TYPE: ClusterEndpointType = word("cluster-preferred-endpoint-type", "ip", ClusterEndpointType::WORDS);

    // Watching the server.
    SLOWLOG_LOG_SLOWER_THAN: i64 = int("slowlog-log-slower-than", "10000", -1, I64).works();
    SLOWLOG_MAX_LEN: u64 = int("slowlog-max-len", "128", 0, I64).works();
    LATENCY_MONITOR_THRESHOLD: u64 = int("latency-monitor-threshold", "0", 0, I64).works();
    LATENCY_TRACKING: bool = yes_no("latency-tracking", "yes").works();
    LATENCY_TRACKING_INFO_PERCENTILES: Vec<f64> = Spec::new("latency-tracking-info-percentiles", Kind::Percentiles, "50 99 99.9").works();
    NOTIFY_KEYSPACE_EVENTS: KeyspaceEvents = Spec::new("notify-keyspace-events", Kind::KeyspaceEvents, "").works();

    // Encodings.
    HASH_MAX_LISTPACK_ENTRIES: u64 = int("hash-max-listpack-entries", "512", 0, I64).alias("hash-max-ziplist-entries").works();
    HASH_MAX_LISTPACK_VALUE: u64 = memory("hash-max-listpack-value", "64", 0, BYTES).alias("hash-max-ziplist-value").works();
    LIST_MAX_LISTPACK_SIZE: i32 = int("list-max-listpack-size", "-2", i32::MIN as i64, I32).alias("list-max-ziplist-size").works();
    LIST_COMPRESS_DEPTH: u32 = int("list-compress-depth", "0", 0, I32).works();
    SET_MAX_INTSET_ENTRIES: u64 = int("set-max-intset-entries", "512", 0, I64).works();
    SET_MAX_LISTPACK_ENTRIES: u64 = int("set-max-listpack-entries", "128", 0, I64).works();
    SET_MAX_LISTPACK_VALUE: u64 = int("set-max-listpack-value", "64", 0, I64).works();
    ZSET_MAX_LISTPACK_ENTRIES: u64 = int("zset-max-listpack-entries", "128", 0, I64).alias("zset-max-ziplist-entries").works();
    ZSET_MAX_LISTPACK_VALUE: u64 = memory("zset-max-listpack-value", "64", 0, BYTES).alias("zset-max-ziplist-value").works();
    HLL_SPARSE_MAX_BYTES: u64 = memory("hll-sparse-max-bytes", "3000", 0, BYTES).works();
    STREAM_NODE_MAX_BYTES: u64 = memory("stream-node-max-bytes", "4096", 0, BYTES).works();
    STREAM_NODE_MAX_ENTRIES: u64 = int("stream-node-max-entries", "100", 0, I64).works();
}

/// An option under one of its names.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Which option.
    pub id: OptionId,
    /// The name it was found under, in small letters.
    pub name: &'static str,
}

/// All options under all their names, in the order of the table.
pub fn names() -> impl Iterator<Item = Named> {
    OptionId::all().flat_map(|id| {
        let spec = id.spec();
        std::iter::once(spec.name)
            .chain(spec.alias)
            .map(move |name| Named { id, name })
    })
}

/// The option of this name or alias; letters of either case.
pub fn find(name: &[u8]) -> Option<Named> {
    static BY_NAME: LazyLock<HashMap<&'static [u8], Named>> = LazyLock::new(|| {
        names()
            .map(|named| (named.name.as_bytes(), named))
            .collect()
    });
    BY_NAME.get(name.to_ascii_lowercase().as_slice()).copied()
}

#[cfg(test)]
mod tests;
