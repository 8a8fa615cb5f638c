//! Lua scripts and functions: their texts, the interpreters that run them, and what they may see.
//!
//! There is one interpreter for scripts and one for functions, as in Redis: what one leaves behind (a variable of a
//! library, a setting of `cjson`) the next finds, on whatever thread it runs. Only one script or function runs at a
//! time, so nobody waits for an interpreter who would not wait anyway. What a script asks of the server comes from
//! `exec`, which binds it.

pub mod convert;
pub mod functions;
pub mod interpreter;
mod libraries;
pub mod library;
pub mod raised;
mod random;
pub mod register;
pub mod source;

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, RwLock};
use protocol::Request;
use sha1::{Digest as _, Sha1};

pub use functions::Functions;
use interpreter::Interpreter;
pub use source::Source;

/// The SHA-1 of a script's text.
pub type Sha = [u8; 20];

/// Scripts that only EVAL has brought are forgotten beyond so many, as in Redis 7.4.
const MOST_EVALUATED: usize = 500;

/// The hash of a text.
pub fn sha_of(text: &[u8]) -> Sha {
    Sha1::digest(text).into()
}

/// A hash in hexadecimal digits, as clients know it.
pub fn hex(sha: &Sha) -> String {
    sha.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash that 40 hexadecimal digits stand for.
pub fn parse_hex(digits: &[u8]) -> Option<Sha> {
    let mut sha = Sha::default();
    if digits.len() != 2 * sha.len() || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in sha.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(sha)
}

/// How a script came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By `SCRIPT LOAD`: it stays.
    Loaded,
    /// By `EVAL`: it may be forgotten.
    Evaluated,
}

/// A script, known by its text.
#[derive(Debug)]
struct ByText(Arc<Source>);

impl Borrow<[u8]> for ByText {
    fn borrow(&self) -> &[u8] {
        &self.0.text
    }
}

impl Hash for ByText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl PartialEq for ByText {
    fn eq(&self, other: &ByText) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for ByText {}

#[derive(Debug, Default)]
struct Known {
    by_sha: HashMap<Sha, Arc<Source>, ahash::RandomState>,
    /// The same scripts: who sends a text again need not have it hashed with SHA-1.
    by_text: HashSet<ByText, ahash::RandomState>,
    /// Those that only `EVAL` has brought, the oldest first.
    evaluated: VecDeque<Sha>,
}

/// The scripts that the server knows.
#[derive(Debug, Default)]
pub struct Scripts {
    known: RwLock<Known>,
    generation: AtomicU64,
    text_bytes: AtomicUsize,
    evicted: AtomicU64,
    /// With the generation whose scripts it has compiled.
    interpreter: Mutex<Option<(u64, Interpreter)>>,
    lua_bytes: AtomicUsize,
    is_killed: AtomicBool,
    has_written: AtomicBool,
    stuck: Mutex<Option<Stuck>>,
}

/// How a script was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As a text (`EVAL`).
    Script,
    /// By its name (`FCALL`).
    Function,
}

/// A script that runs too long.
#[derive(Clone, Debug)]
pub struct Stuck {
    /// How it was called.
    pub kind: Kind,
    /// The name of a function, the hash of a script.
    pub name: String,
    /// The request, if that is a function.
    pub request: Option<Request>,
    /// Since when it runs.
    pub started: Instant,
}

impl Stuck {
    /// How long it runs already, in milliseconds.
    pub fn ran_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// Why a script that runs too long is not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unkillable {
    /// There is none.
    Calm,
    /// It has written: half of what it does would stay.
    HasWritten,
    /// It was called the other way.
    OtherKind,
}

impl Scripts {
    /// The script of that hash.
    pub fn get(&self, sha: &Sha) -> Option<Arc<Source>> {
        self.known.read().by_sha.get(sha).cloned()
    }

    /// The script of that text.
    pub fn find(&self, text: &[u8]) -> Option<Arc<Source>> {
        let known = self.known.read();
        known.by_text.get(text).map(|it| Arc::clone(&it.0))
    }

    /// Notes a script that has compiled; which other one had to go for it.
    pub fn add(&self, source: Arc<Source>, origin: Origin) -> Option<Sha> {
        let mut known = self.known.write();
        if origin == Origin::Loaded {
            known.evaluated.retain(|sha| *sha != source.sha);
        }
        if known.by_sha.contains_key(&source.sha) {
            return None;
        }
        self.text_bytes
            .fetch_add(source.text.len(), Ordering::Relaxed);
        if origin == Origin::Evaluated {
            known.evaluated.push_back(source.sha);
        }
        known.by_text.insert(ByText(Arc::clone(&source)));
        known.by_sha.insert(source.sha, source);
        if known.evaluated.len() <= MOST_EVALUATED {
            return None;
        }
        let oldest = known.evaluated.pop_front()?;
        let gone = known.by_sha.remove(&oldest)?;
        known.by_text.remove(gone.text.as_slice());
        self.text_bytes
            .fetch_sub(gone.text.len(), Ordering::Relaxed);
        self.evicted.fetch_add(1, Ordering::Relaxed);
        Some(oldest)
    }

    /// Forgets all scripts, and what they have left in the interpreter.
    pub fn flush(&self) {
        let mut known = self.known.write();
        *known = Known::default();
        self.text_bytes.store(0, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Relaxed);
        drop(known);
        // Where a script runs, the next one sees to it.
        if let Some(mut interpreter) = self.interpreter.try_lock() {
            *interpreter = None;
            self.lua_bytes.store(0, Ordering::Relaxed);
        }
    }

    /// Runs `work` with the interpreter of scripts; `make` makes one where there is none.
    ///
    /// # Errors
    /// Those of both.
    pub fn with_interpreter<R, E>(
        &self,
        make: impl FnOnce() -> Result<Interpreter, E>,
        work: impl FnOnce(&mut Interpreter) -> Result<R, E>,
    ) -> Result<R, E> {
        let generation = self.generation.load(Ordering::Relaxed);
        let mut slot = self.interpreter.lock();
        if slot.as_ref().is_some_and(|(of, _)| *of != generation) {
            *slot = None;
        }
        let (_, interpreter) = match &mut *slot {
            Some(made) => made,
            None => slot.insert((generation, make()?)),
        };
        let result = work(interpreter);
        let lua_bytes = interpreter.memory_bytes();
        self.lua_bytes.store(lua_bytes, Ordering::Relaxed);
        result
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.read().by_sha.len()
    }

    /// Bytes of their texts.
    pub fn text_bytes(&self) -> usize {
        self.text_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that the interpreter has allocated.
    pub fn lua_bytes(&self) -> usize {
        self.lua_bytes.load(Ordering::Relaxed)
    }

    /// Lets the script that runs too long end.
    ///
    /// # Errors
    /// See [`Unkillable`].
    pub fn kill(&self, kind: Kind) -> Result<(), Unkillable> {
        let stuck = self.stuck.lock();
        let Some(stuck) = &*stuck else {
            return Err(Unkillable::Calm);
        };
        if self.has_written.load(Ordering::Relaxed) {
            return Err(Unkillable::HasWritten);
        }
        if stuck.kind != kind {
            return Err(Unkillable::OtherKind);
        }
        self.is_killed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The script that runs too long.
    pub fn stuck(&self) -> Option<Stuck> {
        self.stuck.lock().clone()
    }

    /// How the script that runs too long was called.
    pub fn stuck_kind(&self) -> Option<Kind> {
        self.stuck.lock().as_ref().map(|stuck| stuck.kind)
    }

    /// Notes that a script runs too long.
    pub fn set_stuck(&self, stuck: Stuck) {
        *self.stuck.lock() = Some(stuck);
    }

    /// Whether the script that runs is to end.
    pub fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::Relaxed)
    }

    /// Notes whether the script that runs too long has written.
    pub fn note_written(&self, has_written: bool) {
        self.has_written.store(has_written, Ordering::Relaxed);
    }

    /// Notes that no script runs too long any more.
    pub fn calm_down(&self) {
        let mut stuck = self.stuck.lock();
        *stuck = None;
        self.is_killed.store(false, Ordering::Relaxed);
        self.has_written.store(false, Ordering::Relaxed);
    }

    /// How many were forgotten because there were too many.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}
