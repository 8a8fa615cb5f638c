//! What a command is, as data: its name, shape, keys and properties.
//!
//! One [`Spec`] stands above each handler. Dispatch, arity, the lock plan, `COMMAND`, ACL
//! categories, the gates (memory, read-only, loading) and the statistics all read it; nothing about
//! a command is said a second time elsewhere.

pub mod keys;
pub mod usage;

pub use keys::{KeyError, KeyFlags, KeyPositions, Keys, Locate, Reach};

use bitflags::bitflags;

/// Properties as a constant: `flags!(READONLY | FAST)`.
///
/// The operator of a bit set is no `const fn`, and specs are constants.
macro_rules! flags {
    ($($flag:ident)|+) => { $crate::spec::Flags::empty()$(.union($crate::spec::Flags::$flag))+ };
}
pub(crate) use flags;

/// ACL categories as a constant: `acl!(KEYSPACE | DANGEROUS)`.
macro_rules! acl {
    ($($category:ident)|+) => { $crate::spec::Acl::empty()$(.union($crate::spec::Acl::$category))+ };
}
pub(crate) use acl;

/// What happens to keys, as a constant: `key_flags!(RW | ACCESS | DELETE)`.
macro_rules! key_flags {
    ($($flag:ident)|+) => {
        $crate::spec::KeyFlags::empty()$(.union($crate::spec::KeyFlags::$flag))+
    };
}
pub(crate) use key_flags;

bitflags! {
    /// Properties of a command, in the words of `COMMAND INFO`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// May change the keyspace.
        const WRITE = 1 << 0;
        /// Reads the keyspace and never changes it.
        const READONLY = 1 << 1;
        /// May need more memory: refused over `maxmemory`.
        const DENYOOM = 1 << 2;
        /// For operators.
        const ADMIN = 1 << 3;
        /// Publish/subscribe.
        const PUBSUB = 1 << 4;
        /// Not from scripts.
        const NOSCRIPT = 1 << 5;
        /// May block the connection.
        const BLOCKING = 1 << 6;
        /// Allowed while the data set is loaded.
        const LOADING = 1 << 7;
        /// Allowed on a replica with stale data.
        const STALE = 1 << 8;
        /// Not shown by `MONITOR`.
        const SKIP_MONITOR = 1 << 9;
        /// Not recorded in the slow log.
        const SKIP_SLOWLOG = 1 << 10;
        /// Implies `ASKING` in a cluster.
        const ASKING = 1 << 11;
        /// Constant or logarithmic time.
        const FAST = 1 << 12;
        /// Needs no authentication.
        const NO_AUTH = 1 << 13;
        /// May write to the log although it is no write command.
        const MAY_REPLICATE = 1 << 14;
        /// Not inside `MULTI`.
        const NO_MULTI = 1 << 15;
        /// Its key specs allow for no keys at all (`EVAL … 0`).
        const NO_MANDATORY_KEYS = 1 << 16;
        /// Allowed while a script is busy.
        const ALLOW_BUSY = 1 << 17;
        /// Touches keys that its arguments do not name.
        const TOUCHES_ARBITRARY_KEYS = 1 << 18;
        /// Not executed asynchronously during loading.
        const NO_ASYNC_LOADING = 1 << 19;
        /// Refused unless the configuration allows it (`DEBUG`, `MODULE`).
        const PROTECTED = 1 << 20;
        /// Internal or for testing (`doc_flags: syscmd`).
        const SYSCMD = 1 << 21;
        /// Answers with pushes, which no `CLIENT REPLY` silences (`SUBSCRIBE`).
        const PUSHES = 1 << 22;
    }
}

bitflags! {
    /// ACL categories that a command states itself.
    ///
    /// Those that follow from its flags (`@read`, `@write`, `@fast`, `@slow`, `@admin`,
    /// `@dangerous`, `@pubsub`, `@blocking`) are added by [`Spec::categories`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Acl: u32 {
        /// `@keyspace`
        const KEYSPACE = 1 << 0;
        /// `@read`
        const READ = 1 << 1;
        /// `@write`
        const WRITE = 1 << 2;
        /// `@set`
        const SET = 1 << 3;
        /// `@sortedset`
        const SORTEDSET = 1 << 4;
        /// `@list`
        const LIST = 1 << 5;
        /// `@hash`
        const HASH = 1 << 6;
        /// `@string`
        const STRING = 1 << 7;
        /// `@bitmap`
        const BITMAP = 1 << 8;
        /// `@hyperloglog`
        const HYPERLOGLOG = 1 << 9;
        /// `@geo`
        const GEO = 1 << 10;
        /// `@stream`
        const STREAM = 1 << 11;
        /// `@pubsub`
        const PUBSUB = 1 << 12;
        /// `@admin`
        const ADMIN = 1 << 13;
        /// `@fast`
        const FAST = 1 << 14;
        /// `@slow`
        const SLOW = 1 << 15;
        /// `@blocking`
        const BLOCKING = 1 << 16;
        /// `@dangerous`
        const DANGEROUS = 1 << 17;
        /// `@connection`
        const CONNECTION = 1 << 18;
        /// `@transaction`
        const TRANSACTION = 1 << 19;
        /// `@scripting`
        const SCRIPTING = 1 << 20;
    }
}

impl Flags {
    /// The properties that `COMMAND INFO` shows, named and ordered as there.
    ///
    /// `movablekeys` is not among them: it follows from the key specs ([`Spec::flag_names`]).
    const NAMES: [(Flags, &str); 18] = [
        (Flags::WRITE, "write"),
        (Flags::READONLY, "readonly"),
        (Flags::DENYOOM, "denyoom"),
        (Flags::ADMIN, "admin"),
        (Flags::PUBSUB, "pubsub"),
        (Flags::NOSCRIPT, "noscript"),
        (Flags::BLOCKING, "blocking"),
        (Flags::LOADING, "loading"),
        (Flags::STALE, "stale"),
        (Flags::SKIP_MONITOR, "skip_monitor"),
        (Flags::SKIP_SLOWLOG, "skip_slowlog"),
        (Flags::ASKING, "asking"),
        (Flags::FAST, "fast"),
        (Flags::NO_AUTH, "no_auth"),
        (Flags::NO_MANDATORY_KEYS, "no_mandatory_keys"),
        (Flags::NO_ASYNC_LOADING, "no_async_loading"),
        (Flags::NO_MULTI, "no_multi"),
        (Flags::ALLOW_BUSY, "allow_busy"),
    ];
}

impl Acl {
    /// Every category, named and ordered as `ACL CAT` and `COMMAND INFO` do.
    pub const NAMES: [(Acl, &'static str); 21] = [
        (Acl::KEYSPACE, "keyspace"),
        (Acl::READ, "read"),
        (Acl::WRITE, "write"),
        (Acl::SET, "set"),
        (Acl::SORTEDSET, "sortedset"),
        (Acl::LIST, "list"),
        (Acl::HASH, "hash"),
        (Acl::STRING, "string"),
        (Acl::BITMAP, "bitmap"),
        (Acl::HYPERLOGLOG, "hyperloglog"),
        (Acl::GEO, "geo"),
        (Acl::STREAM, "stream"),
        (Acl::PUBSUB, "pubsub"),
        (Acl::ADMIN, "admin"),
        (Acl::FAST, "fast"),
        (Acl::SLOW, "slow"),
        (Acl::BLOCKING, "blocking"),
        (Acl::DANGEROUS, "dangerous"),
        (Acl::CONNECTION, "connection"),
        (Acl::TRANSACTION, "transaction"),
        (Acl::SCRIPTING, "scripting"),
    ];

    /// The category of this name, in any case, without its `@`.
    pub fn named(name: &[u8]) -> Option<Acl> {
        let mut names = Acl::NAMES.iter();
        names
            .find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(name))
            .map(|(acl, _)| *acl)
    }

    /// The names of these categories, without their `@`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Acl::NAMES
            .iter()
            .filter(move |(acl, _)| self.contains(*acl))
            .map(|(_, name)| *name)
    }
}

/// The chapter of the documentation a command stands in (`group` of `COMMAND DOCS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Any type.
    Generic,
    /// Strings.
    String,
    /// Hashes.
    Hash,
    /// Sets.
    Set,
    /// Rows of bits.
    Bitmap,
    /// Estimates of how many there are.
    Hyperloglog,
    /// Lists.
    List,
    /// Sorted sets.
    SortedSet,
    /// Places on earth.
    Geo,
    /// Streams.
    Stream,
    /// Scripts.
    Scripting,
    /// Transactions.
    Transactions,
    /// The connection itself.
    Connection,
    /// The server as a whole.
    Server,
    /// Publish and subscribe.
    Pubsub,
}

impl Group {
    /// As `COMMAND DOCS` names it.
    pub fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::Hash => "hash",
            Group::Set => "set",
            Group::Bitmap => "bitmap",
            Group::Hyperloglog => "hyperloglog",
            Group::List => "list",
            Group::SortedSet => "sorted-set",
            Group::Geo => "geo",
            Group::Stream => "stream",
            Group::Scripting => "scripting",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Pubsub => "pubsub",
        }
    }
}

/// Which shards a command needs before its handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// The shards of the keys that its key specs find; none if it names no key.
    Keys,
    /// Every shard: the command may touch any key, atomically.
    All,
    /// None up front; the handler visits one shard at a time. Inside `MULTI` and scripts this means [`Locks::All`].
    OneAtATime,
    /// Those of [`Locks::Keys`], and more as a script calls for them. Inside `MULTI` this means [`Locks::All`].
    Growing,
}

/// A command, or a subcommand, as data.
#[derive(Debug)]
pub struct Spec {
    /// Upper case; of a subcommand its own word only (`"LIST"` of `CLIENT LIST`).
    pub name: &'static str,
    /// The arguments in the grammar of [`usage`]; the arity follows from it.
    pub usage: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// First version of Redis (or of this server) that has it.
    pub since: &'static str,
    /// In O-notation; empty for the few without (`MONITOR`, `LOLWUT`).
    pub complexity: &'static str,
    /// Chapter.
    pub group: Group,
    /// Properties.
    pub flags: Flags,
    /// Categories beyond those that follow from `flags`.
    pub acl: Acl,
    /// Where its keys are.
    pub keys: &'static [Keys],
    /// Which words of a request are its keys, where `keys` does not say it all (`MIGRATE`); none if it is no request.
    pub locate: Option<Locate>,
    /// Shards to hold.
    pub locks: Locks,
    /// Hints for clients and proxies (`COMMAND INFO`, seventh element).
    pub tips: &'static [&'static str],
    /// (version, change) pairs of `COMMAND DOCS`.
    pub history: &'static [(&'static str, &'static str)],
    /// (version, replacement) if deprecated.
    pub deprecated: Option<(&'static str, &'static str)>,
}

impl Spec {
    /// A command without arguments, keys or properties, to be completed by struct update.
    pub const EMPTY: Spec = Spec {
        name: "",
        usage: "",
        summary: "",
        since: "1.0.0",
        complexity: "O(1)",
        group: Group::Generic,
        flags: Flags::empty(),
        acl: Acl::empty(),
        keys: &[],
        locate: None,
        locks: Locks::Keys,
        tips: &[],
        history: &[],
        deprecated: None,
    };

    /// All ACL categories: the stated ones and those that follow from the flags, as in Redis
    /// (`setImplicitACLCategories`).
    pub fn categories(&self) -> Acl {
        let mut acl = self.acl;
        let flags = self.flags;
        acl.set(
            Acl::WRITE,
            acl.contains(Acl::WRITE) || flags.contains(Flags::WRITE),
        );
        if flags.contains(Flags::READONLY) && !acl.contains(Acl::SCRIPTING) {
            acl |= Acl::READ;
        }
        if flags.contains(Flags::ADMIN) {
            acl |= Acl::ADMIN | Acl::DANGEROUS;
        }
        if flags.contains(Flags::PUBSUB) {
            acl |= Acl::PUBSUB;
        }
        if flags.contains(Flags::BLOCKING) {
            acl |= Acl::BLOCKING;
        }
        acl | if flags.contains(Flags::FAST) {
            Acl::FAST
        } else {
            Acl::SLOW
        }
    }

    /// The words of `COMMAND INFO` for the flags, in its order.
    pub fn flag_names(&self) -> impl Iterator<Item = &'static str> {
        let flags = self.flags;
        let is_movable = self.has_movable_keys();
        Flags::NAMES.iter().flat_map(move |&(flag, name)| {
            // Redis prints this one, which it derives, before the last.
            let movable = (flag == Flags::ALLOW_BUSY && is_movable).then_some("movablekeys");
            movable
                .into_iter()
                .chain(flags.contains(flag).then_some(name))
        })
    }
}
