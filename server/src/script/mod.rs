//! Lua scripts: their texts by hash, the interpreters that run them, and what they may see.
//!
//! Each I/O thread has an interpreter of its own, made when it runs its first script: scripts share nothing but the
//! keyspace, so nobody waits for another's. What a script asks of the server comes from `exec`, which binds it.

pub mod convert;
pub mod interpreter;
mod libraries;
pub mod raised;
mod random;
pub mod source;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::RwLock;
use sha1::{Digest as _, Sha1};

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

#[derive(Debug, Default)]
struct Known {
    by_sha: HashMap<Sha, Arc<Source>>,
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
    lua_bytes: AtomicUsize,
    is_killed: AtomicBool,
    has_written: AtomicBool,
}

/// A script that has written cannot be ended: half of what it does would stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unkillable;

impl Scripts {
    /// The script of that hash.
    pub fn get(&self, sha: &Sha) -> Option<Arc<Source>> {
        self.known.read().by_sha.get(sha).cloned()
    }

    /// Notes a script that has compiled.
    pub fn add(&self, source: Arc<Source>, origin: Origin) {
        let mut known = self.known.write();
        if origin == Origin::Loaded {
            known.evaluated.retain(|sha| *sha != source.sha);
        }
        if known.by_sha.contains_key(&source.sha) {
            return;
        }
        self.text_bytes
            .fetch_add(source.text.len(), Ordering::Relaxed);
        if origin == Origin::Evaluated {
            known.evaluated.push_back(source.sha);
        }
        known.by_sha.insert(source.sha, source);
        if known.evaluated.len() > MOST_EVALUATED
            && let Some(oldest) = known.evaluated.pop_front()
            && let Some(gone) = known.by_sha.remove(&oldest)
        {
            self.text_bytes
                .fetch_sub(gone.text.len(), Ordering::Relaxed);
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets all scripts.
    pub fn flush(&self) {
        let mut known = self.known.write();
        *known = Known::default();
        self.text_bytes.store(0, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// How often all have been forgotten.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.read().by_sha.len()
    }

    /// Bytes of their texts.
    pub fn text_bytes(&self) -> usize {
        self.text_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that all interpreters have allocated.
    pub fn lua_bytes(&self) -> usize {
        self.lua_bytes.load(Ordering::Relaxed)
    }

    /// Corrects the above by what one interpreter has grown or shrunk.
    pub fn note_lua_bytes(&self, before: usize, after: usize) {
        self.lua_bytes
            .fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }

    /// Lets the script that runs too long end. Whether there is one, the caller knows.
    ///
    /// # Errors
    /// [`Unkillable`] if it has written already.
    pub fn kill(&self) -> Result<(), Unkillable> {
        if self.has_written.load(Ordering::Relaxed) {
            return Err(Unkillable);
        }
        self.is_killed.store(true, Ordering::Relaxed);
        Ok(())
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
        self.is_killed.store(false, Ordering::Relaxed);
        self.has_written.store(false, Ordering::Relaxed);
    }

    /// How many were forgotten because there were too many.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}
