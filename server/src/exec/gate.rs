//! What a request must pass before it is carried out, in Redis' order.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use protocol::{Args, Version};

use super::permission;
use super::transaction::is_exec;
use crate::clients::State;
use crate::command::Error;
use crate::command::table::Entry;
use crate::evictor::Room;
use crate::script::source::ScriptFlags;
use crate::script::{Source, parse_hex};
use crate::server::Server;
use crate::session::Session;
use crate::spec::Flags;

/// Whether a request may go on.
pub enum Verdict {
    /// It may.
    Pass,
    /// Later: clients are paused.
    Pause,
    /// No.
    Refuse(Error),
}

/// Commands that may see or change keys.
const KEYSPACE: Flags = Flags::WRITE
    .union(Flags::READONLY)
    .union(Flags::MAY_REPLICATE);

/// Who waits for a script looks so often whether it runs too long.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(5);

const LOADING: u32 = 1 << 0;
const PAUSE_WRITE: u32 = 1 << 1;
const PAUSE_ALL: u32 = 1 << 2;
const LOG_BROKEN: u32 = 1 << 3;
const STOPPED: u32 = 1 << 4;
const BUSY: u32 = 1 << 5;
const SNAPSHOT_FAILED: u32 = 1 << 6;

/// Conditions that hold for the whole server. One relaxed load tells that none does.
#[derive(Debug, Default)]
pub struct Gates {
    bits: AtomicU32,
    pause_until_ms: AtomicI64,
    log_error: Mutex<String>,
    world: RwLock<()>,
    /// Held for reading by commands that visit one shard after the other, for writing by scripts.
    walks: RwLock<()>,
}

/// A command's turn among scripts and commands that visit one shard after the other; it lasts as long as this.
pub enum Order {
    /// Of a command that visits shards.
    Walk { _held: RwLockReadGuard<'static, ()> },
    /// Of a script.
    Script {
        _held: RwLockWriteGuard<'static, ()>,
    },
}

impl Gates {
    fn set(&self, bit: u32, is_on: bool) {
        if is_on {
            self.bits.fetch_or(bit, Ordering::Release);
        } else {
            self.bits.fetch_and(!bit, Ordering::Release);
        }
    }

    #[inline]
    fn any(&self, bits: u32) -> bool {
        self.bits.load(Ordering::Relaxed) & bits != 0
    }

    /// Begins or ends to refuse commands because the data set is being loaded.
    pub fn set_loading(&self, is_on: bool) {
        self.set(LOADING, is_on);
    }

    /// Whether the data set is being loaded.
    pub fn is_loading(&self) -> bool {
        self.any(LOADING)
    }

    /// Begins or ends to refuse writes because the log cannot be written.
    pub fn set_log_error(&self, error: Option<String>) {
        self.set(LOG_BROKEN, error.is_some());
        *self.log_error.lock() = error.unwrap_or_default();
    }

    /// Whether the log cannot be written.
    pub fn is_log_broken(&self) -> bool {
        self.any(LOG_BROKEN)
    }

    /// Notes whether the last snapshot that nobody waited for has failed.
    pub fn set_snapshot_failed(&self, has_failed: bool) {
        self.set(SNAPSHOT_FAILED, has_failed);
    }

    /// Begins or ends to refuse commands because a script runs too long.
    pub fn set_busy(&self, is_on: bool) {
        self.set(BUSY, is_on);
    }

    /// Whether a script runs too long.
    pub fn is_busy(&self) -> bool {
        self.any(BUSY)
    }

    /// Pauses clients until then; a longer pause that is under way stays, and so does a stricter one.
    pub fn pause(&self, until_ms: i64, writes_only: bool) {
        self.pause_until_ms.fetch_max(until_ms, Ordering::AcqRel);
        self.set(
            if writes_only {
                PAUSE_WRITE
            } else {
                PAUSE_WRITE | PAUSE_ALL
            },
            true,
        );
    }

    /// Lets clients go on.
    pub fn unpause(&self) {
        self.set(PAUSE_WRITE | PAUSE_ALL, false);
        self.pause_until_ms.store(0, Ordering::Release);
    }

    /// Ends a pause whose time has come; how long it still lasts otherwise, in milliseconds.
    pub fn pause_left_ms(&self, now_ms: i64) -> Option<i64> {
        if !self.any(PAUSE_WRITE | PAUSE_ALL) {
            return None;
        }
        let left = self.pause_until_ms.load(Ordering::Acquire) - now_ms;
        if left <= 0 {
            self.unpause();
            return None;
        }
        Some(left)
    }

    /// Whether writes, and with them expiry and eviction, are paused.
    #[inline]
    pub fn is_write_paused(&self) -> bool {
        self.any(PAUSE_WRITE)
    }

    /// Waits until no script runs; `None` if one runs too long. The caller holds no lock.
    pub fn begin_walk(&'static self) -> Option<Order> {
        loop {
            if let Some(_held) = self.walks.try_read_for(BETWEEN_QUESTIONS) {
                return Some(Order::Walk { _held });
            }
            if self.is_busy() {
                return None;
            }
        }
    }

    /// Waits until no other script runs and nobody visits shards; `None` if a script runs too long. The caller
    /// holds no lock.
    pub fn begin_script(&'static self) -> Option<Order> {
        loop {
            if let Some(_held) = self.walks.try_write_for(BETWEEN_QUESTIONS) {
                return Some(Order::Script { _held });
            }
            if self.is_busy() {
                return None;
            }
        }
    }

    /// Runs `work` while no other command runs on any thread (`DEBUG SLEEP`).
    ///
    /// The caller must itself be between [`Gates::enter`] and the end of its command.
    pub fn stop_the_world<R>(&self, work: impl FnOnce() -> R) -> R {
        self.set(STOPPED, true);
        let world = self.world.write();
        let result = work();
        self.set(STOPPED, false);
        drop(world);
        result
    }

    /// Waits while the world is stopped.
    #[inline]
    pub fn enter(&self) {
        if self.any(STOPPED) {
            drop(self.world.read());
        }
    }
}

/// Whether the request may be carried out.
#[inline]
pub fn check(session: &mut Session, entry: &'static Entry, args: &Args<'_>) -> Verdict {
    let server = session.server;
    server.gates.enter();
    let state = session.client.state();
    let flags = entry.flags();
    if let Some(error) = refusal_by_client(server, session, state, entry, args) {
        return Verdict::Refuse(error);
    }
    if server.settings.memory_limit() > 0 && !server.gates.is_busy() {
        let room = server.make_room(session.stopwatch.wall_ms());
        if room == Room::None && needs_memory(session, entry) {
            return Verdict::Refuse(Error::OutOfMemory);
        }
    }
    if let Some(error) = refusal_by_disk(server, session, flags, entry) {
        return Verdict::Refuse(error);
    }
    if state.contains(State::PUBSUB)
        && session.client.version() == Version::Resp2
        && !is_for_subscribers(entry)
    {
        // It could not tell a reply from a message.
        return Verdict::Refuse(Error::SubscriberContext(&entry.full_name));
    }
    if server.gates.is_loading() && !flags.contains(Flags::LOADING) {
        return Verdict::Refuse(Error::Loading);
    }
    if server.gates.is_busy() && !flags.contains(Flags::ALLOW_BUSY) {
        return Verdict::Refuse(server.busy());
    }
    if state.contains(State::MONITOR) && flags.intersects(KEYSPACE) {
        // Redis takes who monitors for a replica: it may not touch keys, and no pause stops it.
        return Verdict::Refuse(Error::ReplicaKeyspace);
    }
    if !state.contains(State::MONITOR) && is_paused(session, entry, args) {
        Verdict::Pause
    } else {
        Verdict::Pass
    }
}

fn refusal_by_client(
    server: &Server,
    session: &mut Session,
    state: State,
    entry: &Entry,
    args: &Args<'_>,
) -> Option<Error> {
    let flags = entry.flags();
    if flags.contains(Flags::PROTECTED)
        && let Some(error) = server.settings.protected(&session.client, &entry.full_name)
    {
        return Some(error);
    }
    // Who came while a password was asked for is let in when it is no longer.
    if !state.contains(State::AUTHENTICATED)
        && !flags.contains(Flags::NO_AUTH)
        && !server.acl.default_user().is_open()
    {
        return Some(Error::NoAuth);
    }
    if session.local.queue.is_some() && flags.contains(Flags::NO_MULTI) {
        return Some(Error::NotInTransaction);
    }
    permission::check(session, entry, args).err()
}

fn refusal_by_disk(
    server: &Server,
    session: &Session,
    flags: Flags,
    entry: &Entry,
) -> Option<Error> {
    let may_write = flags.intersects(Flags::WRITE) || entry.full_name == "ping";
    let writes = may_write || (is_exec(entry) && queued(session, Flags::WRITE));
    disk_error(server).filter(|_| writes)
}

/// Why nothing may be written now, because the disk does not take it.
pub fn disk_error(server: &Server) -> Option<Error> {
    if !server.gates.any(LOG_BROKEN | SNAPSHOT_FAILED) {
        return None;
    }
    if server.persist.snapshots.stops_writes(server) {
        return Some(Error::SnapshotFailed);
    }
    let log_error = || Error::LogBroken(server.gates.log_error.lock().clone());
    server.gates.is_log_broken().then(log_error)
}

/// Whether who has subscribed over RESP2 may say it.
fn is_for_subscribers(entry: &Entry) -> bool {
    entry.flags().contains(Flags::PUSHES)
        || matches!(entry.full_name.as_str(), "ping" | "quit" | "reset")
}

/// Whether one of the queued commands has the flag.
fn queued(session: &Session, flag: Flags) -> bool {
    let queue = session.local.queue.as_ref();
    queue.is_some_and(|it| {
        it.commands
            .iter()
            .any(|(entry, _)| entry.flags().intersects(flag))
    })
}

fn needs_memory(session: &Session, entry: &Entry) -> bool {
    entry.flags().contains(Flags::DENYOOM) || (is_exec(entry) && queued(session, Flags::DENYOOM))
}

fn is_paused(session: &Session, entry: &Entry, args: &Args<'_>) -> bool {
    let server = session.server;
    if !server.gates.any(PAUSE_WRITE | PAUSE_ALL)
        || server
            .gates
            .pause_left_ms(session.stopwatch.wall_ms())
            .is_none()
    {
        return false;
    }
    let queue = session.local.queue.as_ref().filter(|_| is_exec(entry));
    let mut queued = queue.iter().flat_map(|queue| &queue.commands);
    server.gates.any(PAUSE_ALL)
        || may_write(server, entry, args)
        || queued.any(|(entry, request)| may_write(server, entry, &request.args()))
}

/// Whether the request may change something: of a script that says so of itself only if it says so.
fn may_write(server: &Server, entry: &Entry, args: &Args<'_>) -> bool {
    let word = args.get(1).unwrap_or_default();
    let flags = match entry.full_name.as_str() {
        "eval" => Source::parse(word).ok().and_then(|source| source.flags),
        "evalsha" => parse_hex(word)
            .and_then(|sha| server.scripts.get(&sha))
            .and_then(|source| source.flags),
        "fcall" => server
            .functions
            .find(word)
            .map(|(library, index)| library.functions[index].flags),
        _ => None,
    };
    match flags {
        Some(flags) => !flags.contains(ScriptFlags::NO_WRITES),
        None => entry
            .flags()
            .intersects(Flags::WRITE | Flags::MAY_REPLICATE),
    }
}
