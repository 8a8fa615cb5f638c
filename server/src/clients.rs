//! Who is connected.
//!
//! A [`Client`] is the part of a connection that other threads may see: `CLIENT LIST` reads it, `CLIENT
//! KILL` and the timeouts of the cron write it. Only the connection's own thread writes its figures,
//! so all of them are relaxed atomics.

mod ledger;
mod line;
mod subscriptions;

pub use ledger::Ledger;
pub use subscriptions::{Subscriptions, Topic};

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;

use bitflags::bitflags;
use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::{Mutex, MutexGuard};
use protocol::{Meter, Output, Version};
use storage::memory::class_bytes;
use storage::shard::WatchFlag;

use crate::acl::User;
use crate::config::OutputLimit;

bitflags! {
    /// States of a connection.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct State: u32 {
        /// Between `MULTI` and `EXEC`.
        const MULTI = 1 << 0;
        /// Shows the commands of all clients.
        const MONITOR = 1 << 1;
        /// Waits in a blocking command, or for the end of a pause.
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
        /// Has given its password, or needed none when it came.
        const AUTHENTICATED = 1 << 10;
        /// Came through a unix socket.
        const UNIX_SOCKET = 1 << 11;
        /// The server itself, replaying the log.
        const REPLAY = 1 << 13;
        /// No longer counted or found: its connection is at its end.
        const FORGOTTEN = 1 << 14;
        /// Has subscribed to something.
        const PUBSUB = 1 << 15;
        /// Something is in its outbox.
        const MAIL = 1 << 16;
        /// Keeps copies of keys, and is told when they change.
        const TRACKING = 1 << 17;
        /// Is told of all keys with its prefixes.
        const BCAST = 1 << 18;
        /// Keeps copies only of what it reads after `CLIENT CACHING YES`.
        const OPTIN = 1 << 19;
        /// Keeps no copies of what it reads after `CLIENT CACHING NO`.
        const OPTOUT = 1 << 20;
        /// Is not told of what it changes itself.
        const NOLOOP = 1 << 21;
        /// Has said `CLIENT CACHING`, which holds for the next command.
        const CACHING = 1 << 22;
        /// Who was to be told in its place is no longer there.
        const BROKEN_REDIRECT = 1 << 23;
        /// The ways of tracking.
        const TRACKING_MODES = Self::BCAST.bits() | Self::OPTIN.bits() | Self::OPTOUT.bits()
            | Self::NOLOOP.bits();
    }
}

/// What a connection is for: `CLIENT LIST TYPE`, and its bounds in `client-output-buffer-limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Asks and is answered; so does who monitors.
    Normal,
    /// The primary that a replica follows.
    Master,
    /// A replica.
    Replica,
    /// Has subscribed.
    Pubsub,
}

impl Class {
    /// The class of that name, in any case.
    pub fn of_name(name: &[u8]) -> Option<Class> {
        const NAMES: &[(&str, Class)] = &[
            ("normal", Class::Normal),
            ("slave", Class::Replica),
            ("replica", Class::Replica),
            ("pubsub", Class::Pubsub),
            ("master", Class::Master),
        ];
        let is_named = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
        NAMES
            .iter()
            .find(|(text, _)| is_named(text))
            .map(|&(_, class)| class)
    }
}

/// Replies that a client does not take are kept up to here where `client-output-buffer-limit` sets no
/// bound.
const BACKLOG_BYTES: usize = 64 * 1024 * 1024;

/// The same while connections hold more than they should ([`crate::server::Server::is_short_for_clients`]).
pub const SHORT_BACKLOG_BYTES: usize = 1024 * 1024;

/// What the runtime, the registry and the shelves keep of a connection, beside its task: measured with a
/// thousand idle ones.
const KEPT_OF_EACH_BYTES: usize = 384;

/// What a prefix takes beside its name: its place here, and those among all prefixes and their followers.
const PREFIX_BYTES: usize = 96;

/// How many bytes may wait for a client of that bound.
pub fn hard_limit_bytes(limit: OutputLimit) -> usize {
    match usize::try_from(limit.hard_bytes) {
        Ok(0) | Err(_) => BACKLOG_BYTES,
        Ok(bytes) => bytes,
    }
}

/// What `CLIENT LIST` shows of a name: all before its first NUL, where Redis' C strings end.
pub fn shown_name(name: &[u8]) -> &[u8] {
    name.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Whether a name can stand in `CLIENT LIST`: no spaces, no line ends, nothing but ASCII.
pub fn is_plain(name: &[u8]) -> bool {
    shown_name(name)
        .iter()
        .all(|byte| (b'!'..=b'~').contains(byte))
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
    /// Bytes of the words of the command that runs.
    pub argument_bytes: AtomicUsize,
    /// Memory of the parser, which knows where the words of a request are.
    pub parser_bytes: AtomicUsize,
    /// Queued commands; -1 outside `MULTI`.
    pub queued: AtomicI64,
    /// Bytes of the words of queued commands.
    pub queued_bytes: AtomicUsize,
    /// Memory of queued commands.
    pub queue_capacity: AtomicUsize,
    /// Watched keys.
    pub watched: AtomicUsize,
    /// Memory of watched keys.
    pub watch_bytes: AtomicUsize,
    /// Reply bytes not yet written.
    pub output_bytes: AtomicUsize,
    /// Pieces they consist of.
    pub output_pieces: AtomicUsize,
    /// Memory held for them, shared values in full.
    pub output_capacity: AtomicUsize,
    /// Most reply bytes that waited at once, of late.
    pub output_peak: AtomicUsize,
    /// Memory of what a blocked connection waits with.
    pub wait_bytes: AtomicUsize,
    /// Memory of the texts the client has given.
    pub name_bytes: AtomicUsize,
    /// Subscriptions of each kind, in the order of [`Topic`].
    pub subscriptions: [AtomicUsize; 3],
    /// Memory of subscriptions.
    pub subscription_bytes: AtomicUsize,
    /// Memory of prefixes that are broadcast to it.
    pub prefix_bytes: AtomicUsize,
    /// Memory the connection takes even when nothing is under way.
    pub base_bytes: AtomicUsize,
    /// Bytes received.
    pub received_bytes: AtomicU64,
    /// Bytes sent.
    pub sent_bytes: AtomicU64,
    /// The last command's [`crate::command::table::Entry::id`]; `usize::MAX` for none.
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

/// What has become of something that was to be sent to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It will be sent.
    Sent,
    /// Nobody is there any more.
    Gone,
    /// More would wait for the client than may.
    TooMuch,
}

/// How much may wait for a client, and where that is counted.
#[derive(Clone, Copy, Debug)]
pub struct Postage {
    /// Bytes that may wait.
    pub limit_bytes: usize,
    /// Where the memory of what waits is counted.
    pub meter: &'static Meter,
}

/// Whether a client waits in a blocking command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wait {
    #[default]
    No,
    Waits,
    Unblocked(Unblock),
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
    /// Figures.
    pub gauges: Gauges,
    names: Mutex<Names>,
    user: Mutex<Option<Arc<User>>>,
    page: ledger::Page,
    state: AtomicU32,
    db: AtomicUsize,
    version: AtomicU8,
    watch_flag: Mutex<Option<WatchFlag>>,
    waker: Mutex<Option<Waker>>,
    wait: Mutex<Wait>,
    outbox: Mutex<Output>,
    subscriptions: Mutex<Subscriptions>,
    redirection: AtomicU64,
    prefixes: Mutex<Vec<Box<[u8]>>>,
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
            gauges,
            names: Mutex::default(),
            user: Mutex::default(),
            page: ledger::Page::default(),
            state: AtomicU32::new(0),
            db: AtomicUsize::new(0),
            version: AtomicU8::new(2),
            watch_flag: Mutex::default(),
            waker: Mutex::default(),
            wait: Mutex::default(),
            outbox: Mutex::default(),
            subscriptions: Mutex::default(),
            redirection: AtomicU64::new(0),
            prefixes: Mutex::default(),
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

    /// The texts that the client has given.
    pub fn names(&self) -> Names {
        self.names.lock().clone()
    }

    /// Changes them.
    pub fn rename(&self, change: impl FnOnce(&mut Names)) {
        let mut names = self.names.lock();
        change(&mut names);
        let texts = [&names.name, &names.lib_name, &names.lib_version];
        let bytes = texts
            .map(|text| class_bytes(text.capacity()))
            .into_iter()
            .sum();
        self.gauges.name_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The user it is; the server itself is none.
    pub fn user(&self) -> Option<Arc<User>> {
        self.user.lock().clone()
    }

    /// Whether it is that user.
    pub fn is_user(&self, user: &Arc<User>) -> bool {
        let own = self.user.lock();
        own.as_ref().is_some_and(|own| Arc::ptr_eq(own, user))
    }

    /// Makes it another user.
    pub fn set_user(&self, user: Arc<User>) {
        *self.user.lock() = Some(user);
    }

    /// Notes how large its task is, the most of what it takes even when nothing is under way.
    pub fn note_task(&self, task_bytes: usize) {
        let counts = 2 * size_of::<usize>();
        let blocks = [
            task_bytes,
            counts + size_of::<Client>(),
            self.addr.capacity(),
            self.local_addr.capacity(),
        ];
        let bytes = blocks.map(class_bytes).into_iter().sum::<usize>();
        self.gauges
            .base_bytes
            .store(bytes + KEPT_OF_EACH_BYTES, Ordering::Relaxed);
    }

    /// What it is for. Nobody replicates yet.
    pub fn class(&self) -> Class {
        if self.is(State::PUBSUB) {
            Class::Pubsub
        } else {
            Class::Normal
        }
    }

    /// What it has subscribed to.
    pub fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        self.subscriptions.lock()
    }

    /// The number of the client that is told in its place when copies of keys become old; 0 is itself.
    pub fn redirection(&self) -> u64 {
        self.redirection.load(Ordering::Relaxed)
    }

    /// Changes that.
    pub fn redirect_to(&self, id: u64) {
        self.redirection.store(id, Ordering::Relaxed);
    }

    /// The prefixes of keys that are broadcast to it, in order.
    pub fn prefixes(&self) -> Vec<Box<[u8]>> {
        self.prefixes.lock().clone()
    }

    /// Adds one.
    pub fn add_prefix(&self, prefix: &[u8]) {
        let mut prefixes = self.prefixes.lock();
        if let Err(place) = prefixes.binary_search_by(|it| (**it).cmp(prefix)) {
            prefixes.insert(place, prefix.into());
            let bytes = PREFIX_BYTES + class_bytes(prefix.len());
            self.gauges.prefix_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Takes them all out.
    pub fn take_prefixes(&self) -> Vec<Box<[u8]>> {
        self.gauges.prefix_bytes.store(0, Ordering::Relaxed);
        std::mem::take(&mut *self.prefixes.lock())
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
        match self.version.load(Ordering::Relaxed) {
            3 => Version::Resp3,
            _ => Version::Resp2,
        }
    }

    /// Changes the protocol it speaks.
    pub fn set_version(&self, version: Version) {
        self.version.store(
            if version == Version::Resp3 { 3 } else { 2 },
            Ordering::Relaxed,
        );
    }

    /// Shows others the flag that is raised when a watched key changes.
    pub fn show_watch_flag(&self, flag: &WatchFlag) {
        *self.watch_flag.lock() = Some(Arc::clone(flag));
    }

    /// Whether a watched key has changed.
    pub fn is_watch_broken(&self) -> bool {
        let is_watching = self.gauges.watched.load(Ordering::Relaxed) > 0;
        let flag = self.watch_flag.lock();
        is_watching
            && flag
                .as_ref()
                .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Remembers how its task is woken. Whoever changes something for it to see changes it first and
    /// wakes then; the task looks after it has told its waker: so nothing is missed.
    #[inline]
    pub fn set_waker(&self, waker: &Waker) {
        let mut known = self.waker.lock();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    /// Lets its task look up: to close, to go on, to send what is in the outbox.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.lock() {
            waker.wake_by_ref();
        }
    }

    /// Notes that it is closed at once; whether that is news.
    pub fn begin_closing(&self) -> bool {
        let bit = State::CLOSE_NOW.bits();
        self.state.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Asks its task to close it at once.
    pub fn kill(&self) {
        self.set(State::CLOSE_NOW, true);
        self.wake();
    }

    /// Notes that it waits in a blocking command from now on.
    pub fn begin_wait(&self) {
        *self.wait.lock() = Wait::Waits;
    }

    /// Wakes it from a blocking command; `false` if it is in none, or has been woken already.
    pub fn unblock(&self, how: Unblock) -> bool {
        let mut wait = self.wait.lock();
        if *wait != Wait::Waits {
            return false;
        }
        *wait = Wait::Unblocked(how);
        drop(wait);
        self.wake();
        true
    }

    /// Whether [`Client::unblock`] has ended its wait.
    pub fn is_unblocked(&self) -> bool {
        matches!(*self.wait.lock(), Wait::Unblocked(_))
    }

    /// Notes that it waits no longer: how it was unblocked, if it was.
    pub fn end_wait(&self) -> Option<Unblock> {
        match std::mem::take(&mut *self.wait.lock()) {
            Wait::Unblocked(how) => Some(how),
            Wait::No | Wait::Waits => None,
        }
    }

    /// Hands bytes to its task, to be sent behind what it is about to send; large ones by reference.
    ///
    /// Nothing is handed over if as much as it may owe would wait then.
    pub fn post(&self, bytes: &Bytes, postage: Postage) -> Posted {
        if self.is(State::FORGOTTEN) {
            return Posted::Gone;
        }
        let mut outbox = self.outbox.lock();
        let waiting = self.gauges.output_bytes.load(Ordering::Relaxed) + outbox.len_bytes();
        if waiting + bytes.len() >= postage.limit_bytes {
            return Posted::TooMuch;
        }
        outbox.count_in(postage.meter);
        outbox.push_shared(bytes.clone());
        let has_mail = self.state.fetch_or(State::MAIL.bits(), Ordering::Release);
        drop(outbox);
        if has_mail & State::MAIL.bits() == 0 {
            self.wake();
        }
        Posted::Sent
    }

    /// Takes what [`Client::post`] has left.
    #[inline]
    pub fn take_mail(&self) -> Option<Output> {
        if !self.is(State::MAIL) {
            return None;
        }
        let mut outbox = self.outbox.lock();
        self.set(State::MAIL, false);
        Some(std::mem::take(&mut *outbox))
    }
}

/// All connections.
#[derive(Debug, Default)]
pub struct Clients {
    by_id: DashMap<u64, Arc<Client>>,
    next_id: AtomicU64,
    monitors: Mutex<Vec<Arc<Client>>>,
    monitor_count: AtomicUsize,
    blocked: AtomicUsize,
    /// What they hold.
    pub ledger: Ledger,
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
    pub fn remove(&self, client: &Arc<Client>) {
        self.by_id.remove(&client.id);
        self.ledger.strike(client);
        self.set_monitor(client, false);
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
        self.monitor_count.load(Ordering::Relaxed) > 0
    }

    /// Lets a connection monitor, or stop.
    pub fn set_monitor(&self, client: &Arc<Client>, is_on: bool) {
        if client.is(State::MONITOR) == is_on {
            return;
        }
        let mut monitors = self.monitors.lock();
        client.set(State::MONITOR, is_on);
        monitors.retain(|monitor| monitor.id != client.id);
        if is_on {
            monitors.push(Arc::clone(client));
        }
        self.monitor_count.store(monitors.len(), Ordering::Relaxed);
    }

    /// Those who monitor.
    pub fn monitors(&self) -> Vec<Arc<Client>> {
        self.monitors.lock().clone()
    }

    /// Notes that a connection begins or ends to wait, in a blocking command or for the end of a pause.
    pub fn set_blocked(&self, client: &Client, is_on: bool) {
        if client.is(State::BLOCKED) == is_on {
            return;
        }
        client.set(State::BLOCKED, is_on);
        if is_on {
            self.blocked.fetch_add(1, Ordering::Relaxed);
        } else {
            self.blocked.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many wait.
    pub fn blocked_count(&self) -> usize {
        self.blocked.load(Ordering::Relaxed)
    }
}
