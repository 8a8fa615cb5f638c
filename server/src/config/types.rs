//! What the values of options are once they are read: words, event flags, save points, limits.

use bitflags::bitflags;

/// Declares an enum whose variants are the words an option accepts, in the order Redis lists them.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// The words of the option, each with the number that stands for it.
            pub const WORDS: &'static [(&'static str, i64)] =
                &[$((Self::$variant.word(), Self::$variant as i64)),+];

            /// The word as `CONFIG GET` prints it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The variant behind a number of [`Self::WORDS`]; the first one for any other.
            pub fn from_number(number: i64) -> Self {
                let variants = [$(Self::$variant),+];
                // Their numbers are their places.
                let place = usize::try_from(number).ok();
                place.and_then(|place| variants.get(place).copied()).unwrap_or(variants[0])
            }
        }
    };
}

words! {
    /// Which keys make room when memory is short (`maxmemory-policy`).
    MaxmemoryPolicy {
        /// Least recently used among keys with an expiry.
        VolatileLru = "volatile-lru",
        /// Least frequently used among keys with an expiry.
        VolatileLfu = "volatile-lfu",
        /// Any key with an expiry.
        VolatileRandom = "volatile-random",
        /// The key that expires soonest.
        VolatileTtl = "volatile-ttl",
        /// Least recently used key.
        AllkeysLru = "allkeys-lru",
        /// Least frequently used key.
        AllkeysLfu = "allkeys-lfu",
        /// Any key.
        AllkeysRandom = "allkeys-random",
        /// None: writes are refused.
        NoEviction = "noeviction",
        /// Least frequently used for their size among keys with an expiry.
        VolatileGdsf = "volatile-gdsf",
        /// Key least frequently used for its size.
        AllkeysGdsf = "allkeys-gdsf",
    }
}

words! {
    /// When the append-only file reaches the disk (`appendfsync`).
    AppendFsync {
        /// Once a second.
        Everysec = "everysec",
        /// Before a write is acknowledged.
        Always = "always",
        /// When the system likes.
        No = "no",
    }
}

words! {
    /// The least important messages that are logged (`loglevel`).
    LogLevel {
        /// Everything.
        Debug = "debug",
        /// Rarely useful details.
        Verbose = "verbose",
        /// What an operator wants to know.
        Notice = "notice",
        /// What an operator must know.
        Warning = "warning",
        /// Nothing at all.
        Nothing = "nothing",
    }
}

words! {
    /// Which supervisor started the server (`supervised`).
    Supervised {
        /// upstart, by raising SIGSTOP.
        Upstart = "upstart",
        /// systemd, by its notification socket.
        Systemd = "systemd",
        /// Whichever the environment speaks of.
        Auto = "auto",
        /// None.
        No = "no",
    }
}

words! {
    /// The facility messages are filed under (`syslog-facility`).
    SyslogFacility {
        /// `LOG_USER`.
        User = "user",
        /// `LOG_LOCAL0`.
        Local0 = "local0",
        /// `LOG_LOCAL1`.
        Local1 = "local1",
        /// `LOG_LOCAL2`.
        Local2 = "local2",
        /// `LOG_LOCAL3`.
        Local3 = "local3",
        /// `LOG_LOCAL4`.
        Local4 = "local4",
        /// `LOG_LOCAL5`.
        Local5 = "local5",
        /// `LOG_LOCAL6`.
        Local6 = "local6",
        /// `LOG_LOCAL7`.
        Local7 = "local7",
    }
}

words! {
    /// Where a replica loads a snapshot from the wire (`repl-diskless-load`).
    ReplDisklessLoad {
        /// Never: into a file first.
        Disabled = "disabled",
        /// When it holds no data.
        OnEmptyDb = "on-empty-db",
        /// Always, beside the old data.
        Swapdb = "swapdb",
    }
}

words! {
    /// How thoroughly payloads of RESTORE and snapshots are checked (`sanitize-dump-payload`).
    SanitizeDumpPayload {
        /// Not at all.
        No = "no",
        /// Always.
        Yes = "yes",
        /// Only what clients send.
        Clients = "clients",
    }
}

words! {
    /// Which channels a new user may use (`acl-pubsub-default`).
    AclPubsubDefault {
        /// All.
        AllChannels = "allchannels",
        /// None.
        ResetChannels = "resetchannels",
    }
}

words! {
    /// Who may do what could harm the machine (`enable-debug-command` and its kin).
    ProtectedAction {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Connections from the same machine.
        Local = "local",
    }
}

impl ProtectedAction {
    /// Whether a connection from `origin` may.
    pub fn allows(self, origin: Origin) -> bool {
        match self {
            Self::No => false,
            Self::Yes => true,
            Self::Local => origin == Origin::Local,
        }
    }
}

/// Where a connection comes from, as far as protected actions care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A loopback address or a unix socket.
    Local,
    /// Anywhere else.
    Remote,
}

words! {
    /// What follows a replicated command that fails (`propagation-error-behavior`).
    PropagationErrorBehavior {
        /// A log line.
        Ignore = "ignore",
        /// The end of the process.
        Panic = "panic",
        /// The end of the process, on replicas.
        PanicOnReplicas = "panic-on-replicas",
    }
}

words! {
    /// How nodes are named in redirections (`cluster-preferred-endpoint-type`).
    ClusterEndpointType {
        /// By address.
        Ip = "ip",
        /// By announced host name.
        Hostname = "hostname",
        /// Not at all: the client keeps the address it used.
        UnknownEndpoint = "unknown-endpoint",
    }
}

words! {
    /// Whether TLS clients need a certificate (`tls-auth-clients`).
    TlsAuthClients {
        /// It is not asked for.
        No = "no",
        /// It is required.
        Yes = "yes",
        /// It is checked if there is one.
        Optional = "optional",
    }
}

/// How `oom-score-adj-values` are applied (`oom-score-adj`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OomScoreAdj {
    /// Not at all.
    No,
    /// Added to the score at start.
    Relative,
    /// As they are.
    Absolute,
}

impl OomScoreAdj {
    /// The words of the option; `relative` is another word for `yes` and reads back as `yes`.
    pub const WORDS: &'static [(&'static str, i64)] =
        &[("no", 0), ("yes", 1), ("relative", 1), ("absolute", 2)];

    /// The variant behind a number of [`Self::WORDS`].
    pub fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Relative,
            2 => Self::Absolute,
            _ => Self::No,
        }
    }
}

bitflags! {
    /// How a signal shuts the server down (`shutdown-on-sigint`, `shutdown-on-sigterm`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ShutdownFlags: u8 {
        /// Save even without save points.
        const SAVE = 1;
        /// Save nothing.
        const NOSAVE = 2;
        /// Do not wait for replicas.
        const NOW = 4;
        /// Ignore errors.
        const FORCE = 8;
    }
}

impl ShutdownFlags {
    /// The words of the option; no flag at all is `default`.
    pub const WORDS: &'static [(&'static str, i64)] = &[
        ("default", 0),
        ("save", 1),
        ("nosave", 2),
        ("now", 4),
        ("force", 8),
    ];
}

bitflags! {
    /// Which keyspace events are published (`notify-keyspace-events`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct KeyspaceEvents: u32 {
        /// `K`: `__keyspace@db__:key` channels.
        const KEYSPACE = 1;
        /// `E`: `__keyevent@db__:event` channels.
        const KEYEVENT = 1 << 1;
        /// `g`: commands that do not belong to a type.
        const GENERIC = 1 << 2;
        /// `$`: strings.
        const STRING = 1 << 3;
        /// `l`: lists.
        const LIST = 1 << 4;
        /// `s`: sets.
        const SET = 1 << 5;
        /// `h`: hashes.
        const HASH = 1 << 6;
        /// `z`: sorted sets.
        const ZSET = 1 << 7;
        /// `x`: a key expired.
        const EXPIRED = 1 << 8;
        /// `e`: a key was evicted.
        const EVICTED = 1 << 9;
        /// `t`: streams.
        const STREAM = 1 << 10;
        /// `m`: a key was looked for in vain.
        const KEY_MISS = 1 << 11;
        /// `d`: types of modules.
        const MODULE = 1 << 12;
        /// `n`: a key was created.
        const NEW = 1 << 13;
        /// `A`: every class but misses and creations.
        const ALL = Self::GENERIC.bits() | Self::STRING.bits() | Self::LIST.bits()
            | Self::SET.bits() | Self::HASH.bits() | Self::ZSET.bits() | Self::EXPIRED.bits()
            | Self::EVICTED.bits() | Self::STREAM.bits() | Self::MODULE.bits();
    }
}

/// A bound that is either bytes or a share of `maxmemory` (`maxmemory-clients`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryOrPercent {
    /// So many bytes; 0 is no bound.
    Bytes(u64),
    /// So many hundredths of `maxmemory`, 1 to 100.
    Percent(u8),
}

/// One `save <seconds> <changes>`: a snapshot is due when both have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last snapshot, at least 1.
    pub seconds: i64,
    /// Changes since the last snapshot.
    pub changes: i32,
}

/// The bounds of one client class' unread replies (`client-output-buffer-limit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which the connection is closed at once; 0 is no bound.
    pub hard_bytes: u64,
    /// Bytes that may not be exceeded for long; 0 is no bound.
    pub soft_bytes: u64,
    /// How long the soft bound may be exceeded.
    pub soft_seconds: i32,
}

/// The bounds of all client classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// Clients that ask and are answered.
    pub normal: OutputLimit,
    /// Replicas.
    pub replica: OutputLimit,
    /// Clients that subscribed.
    pub pubsub: OutputLimit,
}

/// The primary that a replica follows (`replicaof`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    /// Host name or address.
    pub host: String,
    /// Port, 0 to 65535 (0 is accepted, as Redis does).
    pub port: u16,
}
