//! What the server was told to be: options, where they come from, and how they change.
//!
//! [`options`] is the one table; [`Config`] holds a value for each line of it. Numbers, sizes, words
//! and flags are atomics, so that reading one on the way of a command costs a plain load. Nothing
//! here knows clients, commands or sockets: what a new value brings about is up to the caller.

mod checks;
mod command_line;
mod load;
pub mod options;
mod paths;
mod rewrite;
mod set;
mod system;
pub mod types;
pub mod value;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use self::options::{COUNT, Effect, Named, Opt, OptionId, Text};
use self::value::{Kind, Value};

pub use self::command_line::{Startup, build_id, from_command_line};
pub use self::load::{Directives, StartupError};
pub use self::rewrite::{RewriteError, Scope};
pub use self::set::Setting;
pub use self::types::*;

/// The Redis version whose behaviour is kept.
pub const REDIS_VERSION: &str = "7.4.1";

/// A value for every option.
pub struct Config {
    numbers: [AtomicI64; COUNT],
    values: [RwLock<Value>; COUNT],
    defaults: Vec<Value>,
    /// Rises with every change.
    version: AtomicU64,
    /// Held while several options change together.
    changing: Mutex<()>,
    file: Option<PathBuf>,
    directives: Directives,
}

impl Config {
    /// Every option at its default.
    ///
    /// `io-threads` is the number of cores, as far as its range goes: Redis' own default is 1.
    pub fn new() -> Self {
        let defaults: Vec<Value> = OptionId::all().map(default_value).collect();
        let config = Self {
            numbers: std::array::from_fn(|_| AtomicI64::new(0)),
            values: std::array::from_fn(|_| RwLock::new(Value::Number(0))),
            defaults,
            version: AtomicU64::new(0),
            changing: Mutex::new(()),
            file: None,
            directives: Directives::default(),
        };
        for id in OptionId::all() {
            debug_assert!(
                (id.spec().fits)(id.spec().kind),
                "{id:?} holds another type"
            );
            config.store(id, config.default_of(id).clone());
        }
        config
    }

    /// What an option holds, as its type.
    ///
    /// A relaxed load for numbers, sizes, truths, words and flags; a short lock and a copy for lists.
    #[inline]
    pub fn get<T: Typed>(&self, option: Opt<T>) -> T {
        T::read(self, option.id)
    }

    /// Which version of the configuration it is: what was worked out of an older one may no longer be true. Never 0.
    #[inline]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Makes it another version.
    pub fn renew(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    /// A text, with what is no UTF-8 replaced. See [`Self::bytes`], [`Self::path`].
    pub fn text(&self, option: Opt<Text>) -> String {
        String::from_utf8_lossy(&self.bytes(option)).into_owned()
    }

    /// A text as its bytes.
    pub fn bytes(&self, option: Opt<Text>) -> Vec<u8> {
        match self.load(option.id) {
            Value::Text(text) => text,
            _ => Vec::new(),
        }
    }

    /// A text as a path.
    pub fn path(&self, option: Opt<Text>) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.bytes(option)))
    }

    /// Sets an option of a test to what prints as its text.
    #[cfg(test)]
    pub fn put<T>(&self, option: Opt<T>, value: impl fmt::Display) {
        let text = value.to_string();
        self.assign(option.id, &[text.as_bytes()])
            .expect("a value of the option");
    }

    /// The options whose names match one of the patterns, with their values as text.
    ///
    /// A name without wildcards is looked up (and answers under the letters it was asked with, also
    /// if it is hidden); a pattern is compared with all names and aliases, letters of either case.
    /// Each name appears once, in the order of the table, as the order of Redis is that of a hash table.
    pub fn matching(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: Vec<(Named, Vec<u8>)> = Vec::new();
        for pattern in patterns {
            for (named, shown) in matching_names(pattern) {
                if !found.iter().any(|(known, _)| known.name == named.name) {
                    found.push((named, shown));
                }
            }
        }
        found
            .into_iter()
            .map(|(named, shown)| (shown, self.printed(named.id)))
            .collect()
    }

    /// What an option holds, as `CONFIG GET` prints it.
    pub fn printed(&self, id: OptionId) -> Vec<u8> {
        id.spec().kind.print(&self.load(id))
    }

    /// The file the server was started with, from the root.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What file and command line say besides options.
    pub fn directives(&self) -> &Directives {
        &self.directives
    }

    /// The options that were given a value which nothing acts on yet.
    pub fn without_effect(&self) -> impl Iterator<Item = &'static str> {
        OptionId::all()
            .filter(|id| id.spec().effect == Effect::AcceptedOnly)
            // No save points is what there is anyway.
            .filter(|&id| self.load(id) != *self.default_of(id) && !self.printed(id).is_empty())
            .map(|id| id.spec().name)
    }

    fn default_of(&self, id: OptionId) -> &Value {
        &self.defaults[id.index()]
    }

    fn number(&self, id: OptionId) -> i64 {
        self.numbers[id.index()].load(Ordering::Relaxed)
    }

    fn load(&self, id: OptionId) -> Value {
        if is_number(id.spec().kind) {
            return Value::Number(self.number(id));
        }
        self.values[id.index()].read().clone()
    }

    fn store(&self, id: OptionId, value: Value) {
        match value {
            Value::Number(number) => self.numbers[id.index()].store(number, Ordering::Relaxed),
            value => *self.values[id.index()].write() = value,
        }
        self.renew();
    }
}

impl fmt::Debug for Config {
    /// Says nothing of the values: some are secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Config")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// A pattern's names; a plain one's as it was written.
fn matching_names(pattern: &[u8]) -> Vec<(Named, Vec<u8>)> {
    if !pattern
        .iter()
        .any(|byte| matches!(byte, b'[' | b'*' | b'?'))
    {
        let named = options::find(pattern);
        return named
            .into_iter()
            .map(|named| (named, pattern.to_vec()))
            .collect();
    }
    let case = storage::glob::Case::Insensitive;
    options::names()
        .filter(|named| !named.id.spec().traits.is_hidden)
        .filter(|named| storage::glob::matches(pattern, named.name.as_bytes(), case))
        .map(|named| (named, named.name.as_bytes().to_vec()))
        .collect()
}

fn default_value(id: OptionId) -> Value {
    let spec = id.spec();
    if id == options::IO_THREADS.id {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        return Value::Number(cores.min(128) as i64);
    }
    if matches!(spec.kind, Kind::Directory) {
        // Without a working directory the option is empty, until it is set.
        let dir = std::env::current_dir().unwrap_or_default();
        return Value::Text(dir.into_os_string().into_vec());
    }
    let arguments = match spec.kind.takes_several() {
        true => spec
            .default
            .as_bytes()
            .split(|&byte| byte == b' ')
            .collect(),
        false => vec![spec.default.as_bytes()],
    };
    let value = spec.kind.parse(&arguments, &Value::Number(0));
    value.expect("the table's defaults are values of their options")
}

fn is_number(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::YesNo
            | Kind::Integer { .. }
            | Kind::Octal { .. }
            | Kind::Memory { .. }
            | Kind::MemoryOrPercent
            | Kind::Words(_)
            | Kind::WordSet(_)
            | Kind::KeyspaceEvents
    )
}

/// What an option can be read as.
pub trait Typed: Sized {
    /// Reads what `config` holds for the option `id`.
    fn read(config: &Config, id: OptionId) -> Self;

    /// Whether options of this kind read as this type.
    fn fits(kind: Kind) -> bool;
}

/// Types that are read from an option's number.
macro_rules! typed_numbers {
    ($($type:ty: $kind:pat, |$number:ident| $read:expr;)+) => { $(
        impl Typed for $type {
            #[inline]
            fn read(config: &Config, id: OptionId) -> Self {
                let $number = config.number(id);
                $read
            }

            fn fits(kind: Kind) -> bool {
                matches!(kind, $kind)
            }
        }
    )+ };
}

/// Types that are read from one variant of a value.
macro_rules! typed_values {
    ($($type:ty = $variant:ident;)+) => { $(
        impl Typed for $type {
            fn read(config: &Config, id: OptionId) -> Self {
                match config.load(id) {
                    Value::$variant(value) => value,
                    _ => unreachable!("the table gives the option another type"),
                }
            }

            fn fits(kind: Kind) -> bool {
                matches!(kind, Kind::$variant)
            }
        }
    )+ };
}

/// Enums of words.
macro_rules! typed_words {
    ($($type:ident)+) => { $(
        impl Typed for $type {
            #[inline]
            fn read(config: &Config, id: OptionId) -> Self {
                Self::from_number(config.number(id))
            }

            fn fits(kind: Kind) -> bool {
                matches!(kind, Kind::Words(words) if words == Self::WORDS)
            }
        }
    )+ };
}

typed_numbers! {
    bool: Kind::YesNo, |number| number != 0;
    i32: Kind::Integer { min: -0x8000_0000.., max: ..=0x7fff_ffff }, |number| number as i32;
    i64: Kind::Integer { .. }, |number| number;
    u16: Kind::Integer { min: 0.., max: ..=0xffff }, |number| number as u16;
    u32: Kind::Integer { min: 0.., max: ..=0xffff_ffff } | Kind::Octal { .. }, |number| number as u32;
    u64: Kind::Integer { min: 0.., .. } | Kind::Memory { .. }, |number| number.cast_unsigned();
    usize: Kind::Integer { min: 0.., .. }, |number| number as usize;
    KeyspaceEvents: Kind::KeyspaceEvents, |number| Self::from_bits_truncate(number as u32);
    ShutdownFlags: Kind::WordSet(_), |number| Self::from_bits_truncate(number as u8);
    MemoryOrPercent: Kind::MemoryOrPercent, |number| memory_or_percent(number);
}

typed_values! {
    Vec<SavePoint> = SavePoints;
    OutputLimits = OutputLimits;
    [i32; 3] = OomScores;
    Vec<f64> = Percentiles;
    Option<Primary> = Primary;
}

typed_words! {
    MaxmemoryPolicy AppendFsync LogLevel Supervised SyslogFacility ReplDisklessLoad
    SanitizeDumpPayload AclPubsubDefault ProtectedAction PropagationErrorBehavior
    ClusterEndpointType TlsAuthClients OomScoreAdj
}

fn memory_or_percent(number: i64) -> MemoryOrPercent {
    match u64::try_from(number) {
        Ok(bytes) => MemoryOrPercent::Bytes(bytes),
        Err(_) => MemoryOrPercent::Percent(number.unsigned_abs().min(100) as u8),
    }
}

impl Typed for Vec<String> {
    fn read(config: &Config, id: OptionId) -> Self {
        match config.load(id) {
            Value::Addresses(addresses) => addresses
                .iter()
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
            _ => unreachable!("the table gives the option another type"),
        }
    }

    fn fits(kind: Kind) -> bool {
        matches!(kind, Kind::Addresses)
    }
}

impl Typed for Text {
    /// Texts are read by [`Config::text`] and its kin; this only says that there is one.
    fn read(_: &Config, _: OptionId) -> Self {
        Self
    }

    fn fits(kind: Kind) -> bool {
        matches!(kind, Kind::Text(_) | Kind::Bytes(_) | Kind::Directory)
    }
}

/// What the system says of an error, in the words of `strerror`.
pub fn os_reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
