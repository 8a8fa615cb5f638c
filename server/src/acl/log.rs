//! What was not allowed, for `ACL LOG`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::selector::Reason;

/// The same again within this time is counted, not listed again.
const GROUPED_MS: i64 = 60_000;

/// So many of the newest are looked at for the same.
const LOOKED_AT: usize = 10;

/// Where something was not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// In a command by itself.
    Toplevel,
    /// Between `MULTI` and `EXEC`, or in it.
    Multi,
    /// In a script.
    Lua,
}

impl Context {
    /// That of a command that a client has sent.
    pub fn of(is_in_multi: bool) -> Context {
        match is_in_multi {
            true => Context::Multi,
            false => Context::Toplevel,
        }
    }

    /// As `ACL LOG` names it.
    pub fn name(self) -> &'static str {
        match self {
            Context::Toplevel => "toplevel",
            Context::Multi => "multi",
            Context::Lua => "lua",
        }
    }
}

impl Reason {
    /// As `ACL LOG` names it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Auth => "auth",
            Reason::Channel => "channel",
        }
    }
}

/// Something that was not allowed.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Where.
    pub context: Context,
    /// The command, key or channel; the command as sent if it was about a password.
    pub object: Vec<u8>,
    /// The user, or the one that somebody wanted to be.
    pub user: Vec<u8>,
    /// The connection, as `CLIENT LIST` shows it.
    pub client: Vec<u8>,
}

/// A line of the log.
#[derive(Clone, Debug)]
pub struct Line {
    /// What was not allowed; the connection is that of the last time.
    pub refusal: Refusal,
    /// How often.
    pub count: u64,
    /// Its number, never used again.
    pub id: u64,
    /// The first time, milliseconds since 1970.
    pub created_ms: i64,
    /// The last time, milliseconds since 1970.
    pub updated_ms: i64,
}

impl Line {
    fn is_same(&self, other: &Refusal, now_ms: i64) -> bool {
        let own = &self.refusal;
        own.reason == other.reason
            && own.context == other.context
            && now_ms.abs_diff(self.updated_ms) <= GROUPED_MS.unsigned_abs()
            && own.object == other.object
            && own.user == other.user
    }
}

/// The log, newest first.
#[derive(Debug, Default)]
pub struct Log {
    state: Mutex<State>,
    /// How often each reason was given. As in Redis, `CONFIG RESETSTAT` leaves them as they are.
    counts: [AtomicU64; 4],
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Line>,
    next_id: u64,
}

impl Log {
    /// Counts a refusal, and adds it; the oldest beyond `length` go.
    pub fn add(&self, refusal: Refusal, now_ms: i64, length: usize) {
        self.counts[refusal.reason as usize].fetch_add(1, Ordering::Relaxed);
        let mut state = self.state.lock();
        let looked_at = state.lines.iter().take(LOOKED_AT);
        let same = looked_at
            .enumerate()
            .find(|(_, line)| line.is_same(&refusal, now_ms));
        if let Some(mut line) = same.map(|(at, _)| at).and_then(|at| state.lines.remove(at)) {
            line.refusal.client = refusal.client;
            line.updated_ms = now_ms;
            line.count += 1;
            state.lines.push_front(line);
            return;
        }
        let id = state.next_id;
        state.next_id += 1;
        state.lines.push_front(Line {
            refusal,
            count: 1,
            id,
            created_ms: now_ms,
            updated_ms: now_ms,
        });
        state.lines.truncate(length);
    }

    /// How often that was the reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize].load(Ordering::Relaxed)
    }

    /// The newest `count` lines.
    pub fn newest(&self, count: usize) -> Vec<Line> {
        self.state
            .lock()
            .lines
            .iter()
            .take(count)
            .cloned()
            .collect()
    }

    /// Forgets all lines.
    pub fn clear(&self) {
        self.state.lock().lines.clear();
    }
}
