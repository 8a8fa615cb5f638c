//! Who is connected.
//!
//! A [`Client`] is the part of a connection that other threads may see: `CLIENT LIST` reads it, `CLIENT
//! KILL` and the timeouts of the cron write it. Only the connection's own thread writes its figures,
//! so all of them are relaxed atomics.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

use bitflags::bitflags;
use dashmap::DashMap;
use parking_lot::Mutex;
use protocol::Version;
use tokio::sync::Notify;

bitflags! {
    /// States of a connection.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct State: u32 {
        /// Between `MULTI` and `EXEC`.
        const MULTI = 1 << 0;
        /// Shows the commands of all clients.
        const MONITOR = 1 << 1;
        /// Waits in a blocking command.
        const BLOCKED = 1 << 2;
        /// Not evicted for its memory.
        const NO_EVICT = 1 << 3;
        /// Its reads record no access.
        const NO_TOUCH = 1 << 4;
        /// To be closed at once.
        const CLOSE_NOW = 1 << 5;
        /// To be closed when its replies are written.
        const CLOSE_AFTER_REPLY = 1 << 6;
        /// Gets no replies.
        const REPLY_OFF = 1 << 7;
        /// Gets no reply to the next command.
        const REPLY_SKIP_NEXT = 1 << 8;
        /// Gets no reply to this command.
        const REPLY_SKIP = 1 << 9;
        /// Has given its password, or needs none.
        const AUTHENTICATED = 1 << 10;
        /// Came through a unix socket.
        const UNIX_SOCKET = 1 << 11;
        /// A watched key has changed.
        const DIRTY_CAS = 1 << 12;
        /// The server itself, replaying the log.
        const REPLAY = 1 << 13;
    }
}

/// Texts that a client gives about itself.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// `CLIENT SETNAME`
    pub name: Vec<u8>,
    /// `CLIENT SETINFO LIB-NAME`
    pub lib_name: Vec<u8>,
    /// `CLIENT SETINFO LIB-VER`
    pub lib_version: Vec<u8>,
}

/// Figures of a connection, written by its own thread.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Last request, milliseconds since 1970.
    pub last_interaction_ms: AtomicI64,
    /// Bytes read and not yet executed.
    pub query_bytes: AtomicUsize,
    /// Capacity of the query buffer beyond that.
    pub query_free_bytes: AtomicUsize,
    /// Queued commands; -1 outside `MULTI`.
    pub queued: AtomicI64,
    /// Bytes of queued commands.
    pub queued_bytes: AtomicUsize,
    /// Watched keys.
    pub watched: AtomicUsize,
    /// Reply bytes not yet written.
    pub output_bytes: AtomicUsize,
    /// Capacity of the output buffer.
    pub output_capacity: AtomicUsize,
    /// Commands processed.
    pub commands: AtomicU64,
    /// Bytes received.
    pub received_bytes: AtomicU64,
    /// Bytes sent.
    pub sent_bytes: AtomicU64,
    /// The last command's [`crate::command::table::Entry::id`].
    pub last_command: AtomicUsize,
}

/// How a blocked client is woken before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unblock {
    /// As if its time had passed.
    Timeout,
    /// With an error.
    Error,
}

/// A connection, as everybody may see it.
#[derive(Debug)]
pub struct Client {
    /// Its number, never used again.
    pub id: u64,
    /// Peer, `ip:port` or `path:0`.
    pub addr: String,
    /// Our end.
    pub local_addr: String,
    /// File descriptor.
    pub fd: i32,
    /// When it connected, milliseconds since 1970.
    pub created_ms: i64,
    /// Texts.
    pub names: Mutex<Names>,
    /// Figures.
    pub gauges: Gauges,
    /// Rung when the connection's task should look up: to close, to unblock, to send what is in the outbox.
    pub wake: Notify,
    state: AtomicU32,
    db: AtomicUsize,
    version: AtomicU8,
    unblock: Mutex<Option<Unblock>>,
    outbox: Mutex<Vec<u8>>,
    has_mail: AtomicBool,
}

impl Client {
    /// A connection that has just been made.
    pub fn new(id: u64, addr: String, local_addr: String, fd: i32, now_ms: i64) -> Client {
        let gauges = Gauges::default();
        gauges.last_interaction_ms.store(now_ms, Ordering::Relaxed);
        gauges.queued.store(-1, Ordering::Relaxed);
        gauges.last_command.store(usize::MAX, Ordering::Relaxed);
        Client {
            id,
            addr,
            local_addr,
            fd,
            created_ms: now_ms,
            names: Mutex::default(),
            gauges,
            wake: Notify::new(),
            state: AtomicU32::new(0),
            db: AtomicUsize::new(0),
            version: AtomicU8::new(2),
            unblock: Mutex::new(None),
            outbox: Mutex::default(),
            has_mail: AtomicBool::new(false),
        }
    }

    /// Its states.
    #[inline]
    pub fn state(&self) -> State {
        State::from_bits_truncate(self.state.load(Ordering::Relaxed))
    }

    /// Whether it is in one of these states.
    #[inline]
    pub fn is(&self, state: State) -> bool {
        self.state().intersects(state)
    }

    /// Enters or leaves states.
    pub fn set(&self, state: State, is_on: bool) {
        if is_on {
            self.state.fetch_or(state.bits(), Ordering::Relaxed);
        } else {
            self.state.fetch_and(!state.bits(), Ordering::Relaxed);
        }
    }

    /// The selected database.
    #[inline]
    pub fn db(&self) -> usize {
        self.db.load(Ordering::Relaxed)
    }

    /// Selects a database.
    pub fn select(&self, db: usize) {
        self.db.store(db, Ordering::Relaxed);
    }

    /// The protocol it speaks.
    #[inline]
    pub fn version(&self) -> Version {
        if self.version.load(Ordering::Relaxed) == 3 {
            Version::Resp3
        } else {
            Version::Resp2
        }
    }

    /// Changes the protocol it speaks.
    pub fn set_version(&self, version: Version) {
        self.version.store(
            if version == Version::Resp3 { 3 } else { 2 },
            Ordering::Relaxed,
        );
    }

    /// Asks its task to close it at once.
    pub fn kill(&self) {
        self.set(State::CLOSE_NOW, true);
        self.wake.notify_one();
    }

    /// Wakes it from a blocking command; `false` if it is in none.
    pub fn unblock(&self, how: Unblock) -> bool {
        if !self.is(State::BLOCKED) {
            return false;
        }
        *self.unblock.lock() = Some(how);
        self.wake.notify_one();
        true
    }

    /// Takes what [`Client::unblock`] has left.
    pub fn take_unblock(&self) -> Option<Unblock> {
        self.unblock.lock().take()
    }

    /// Hands bytes to its task, to be sent after what it is about to send. Cut off above `limit` bytes:
    /// a reader that slow is closed.
    pub fn post(&self, bytes: &[u8], limit: usize) {
        let mut outbox = self.outbox.lock();
        if limit > 0 && outbox.len() + bytes.len() > limit {
            drop(outbox);
            self.kill();
            return;
        }
        outbox.extend_from_slice(bytes);
        self.has_mail.store(true, Ordering::Release);
        drop(outbox);
        self.wake.notify_one();
    }

    /// Takes what [`Client::post`] has left.
    pub fn take_mail(&self) -> Option<Vec<u8>> {
        self.has_mail
            .swap(false, Ordering::Acquire)
            .then(|| std::mem::take(&mut *self.outbox.lock()))
    }
}

/// All connections.
#[derive(Debug, Default)]
pub struct Clients {
    by_id: DashMap<u64, Arc<Client>>,
    next_id: AtomicU64,
    monitors: AtomicUsize,
    blocked: AtomicUsize,
}

impl Clients {
    /// A number for a new connection.
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Registers a connection.
    pub fn add(&self, client: &Arc<Client>) {
        self.by_id.insert(client.id, Arc::clone(client));
    }

    /// Forgets a connection.
    pub fn remove(&self, client: &Client) {
        if self.by_id.remove(&client.id).is_some() && client.is(State::MONITOR) {
            self.monitors.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The connection of that number.
    pub fn get(&self, id: u64) -> Option<Arc<Client>> {
        self.by_id.get(&id).map(|entry| Arc::clone(&entry))
    }

    /// All connections, oldest first.
    pub fn all(&self) -> Vec<Arc<Client>> {
        let mut all: Vec<_> = self.by_id.iter().map(|entry| Arc::clone(&entry)).collect();
        all.sort_unstable_by_key(|client| client.id);
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether somebody monitors.
    #[inline]
    pub fn has_monitors(&self) -> bool {
        self.monitors.load(Ordering::Relaxed) > 0
    }

    /// Lets a connection monitor, or stop.
    pub fn set_monitor(&self, client: &Client, is_on: bool) {
        if client.is(State::MONITOR) == is_on {
            return;
        }
        client.set(State::MONITOR, is_on);
        if is_on {
            self.monitors.fetch_add(1, Ordering::Relaxed);
        } else {
            self.monitors.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many monitor.
    pub fn monitor_count(&self) -> usize {
        self.monitors.load(Ordering::Relaxed)
    }

    /// Notes that a connection begins or ends to wait in a blocking command.
    pub fn set_blocked(&self, client: &Client, is_on: bool) {
        client.set(State::BLOCKED, is_on);
        if is_on {
            self.blocked.fetch_add(1, Ordering::Relaxed);
        } else {
            self.blocked.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many wait in a blocking command.
    pub fn blocked_count(&self) -> usize {
        self.blocked.load(Ordering::Relaxed)
    }
}
