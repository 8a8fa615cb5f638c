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
    /// Adds a command, its number still to be given; the oldest beyond `length` go.
    pub fn add(&self, slow: Slow, length: usize) {
        let mut state = self.state.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.entries.push_front(Slow { id, ..slow });
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

/// The words of a request as the slow log keeps them: 32 at most, of 128 bytes at most, and secrets hidden.
pub fn shortened(args: &Args<'_>, is_secret: impl Fn(usize) -> bool) -> Vec<Vec<u8>> {
    let kept = if args.len() > WORDS {
        WORDS - 1
    } else {
        args.len()
    };
    let words = args.iter().take(kept).enumerate();
    let mut words: Vec<Vec<u8>> = words
        .map(|(index, word)| {
            if is_secret(index) {
                b"(redacted)".to_vec()
            } else {
                shortened_word(word)
            }
        })
        .collect();
    if args.len() > WORDS {
        words.push(format!("... ({} more arguments)", args.len() - kept).into_bytes());
    }
    words
}

fn shortened_word(word: &[u8]) -> Vec<u8> {
    match word.split_at_checked(WORD_BYTES) {
        None | Some((_, [])) => word.to_vec(),
        Some((start, rest)) => {
            let mut short = start.to_vec();
            short.extend_from_slice(format!("... ({} more bytes)", rest.len()).as_bytes());
            short
        }
    }
}
