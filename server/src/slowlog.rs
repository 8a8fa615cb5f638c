//! Commands that took long.

use std::collections::VecDeque;

use parking_lot::Mutex;
use protocol::Args;

/// Words kept of a request.
const WORDS: usize = 32;

/// Bytes kept of a word.
const WORD_BYTES: usize = 128;

/// A command that took long.
#[derive(Clone, Debug)]
pub struct Slow {
    /// Its number, never used again.
    pub id: u64,
    /// When, in seconds since 1970.
    pub at_seconds: i64,
    /// How long, in microseconds.
    pub duration_us: u64,
    /// Its words, shortened as Redis shortens them.
    pub words: Vec<Vec<u8>>,
    /// Who sent it.
    pub addr: String,
    /// The name they gave themselves.
    pub client_name: Vec<u8>,
}

/// The slow log.
#[derive(Debug, Default)]
pub struct Slowlog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Slow>,
    next_id: u64,
}

impl Slowlog {
    /// Adds a command; the oldest beyond `length` go.
    pub fn add(
        &self,
        args: &Args<'_>,
        duration_us: u64,
        at_seconds: i64,
        addr: &str,
        client_name: Vec<u8>,
        length: usize,
    ) {
        let mut state = self.state.lock();
        let id = state.next_id;
        state.next_id += 1;
        let words = shortened(args);
        state.entries.push_front(Slow {
            id,
            at_seconds,
            duration_us,
            words,
            addr: addr.to_owned(),
            client_name,
        });
        state.entries.truncate(length);
    }

    /// The newest `count` entries, newest first.
    pub fn newest(&self, count: usize) -> Vec<Slow> {
        self.state
            .lock()
            .entries
            .iter()
            .take(count)
            .cloned()
            .collect()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.state.lock().entries.len()
    }

    /// Forgets all entries.
    pub fn clear(&self) {
        self.state.lock().entries.clear();
    }
}

fn shortened(args: &Args<'_>) -> Vec<Vec<u8>> {
    let kept = if args.len() > WORDS {
        WORDS - 1
    } else {
        args.len()
    };
    let mut words: Vec<Vec<u8>> = args.iter().take(kept).map(shortened_word).collect();
    if args.len() > WORDS {
        words.push(format!("... ({} more arguments)", args.len() - kept).into_bytes());
    }
    words
}

fn shortened_word(word: &[u8]) -> Vec<u8> {
    if word.len() <= WORD_BYTES {
        return word.to_vec();
    }
    let mut short = word[..WORD_BYTES].to_vec();
    short.extend_from_slice(format!("... ({} more bytes)", word.len() - WORD_BYTES).as_bytes());
    short
}
