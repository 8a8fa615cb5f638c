//! What only a connection itself knows: queued commands, watched keys, how much of the log it depends on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Args, Request, Tally};
use storage::keyspace::Keyspace;
use storage::memory::class_bytes;
use storage::shard::WatchFlag;

use crate::acl::Login;
use crate::clients::{Client, State};
use crate::command::table::Entry;
use crate::persist::log::Basis;
use crate::settings::SharedHabits;

/// State of one connection that no other thread sees.
#[derive(Debug, Default)]
pub struct Local {
    /// The user it is, with what that may do; none for the server itself.
    pub login: Option<Login>,
    /// What the configuration means to its commands.
    pub habits: SharedHabits,
    /// Commands between `MULTI` and `EXEC`.
    pub queue: Option<Queue>,
    /// Keys of `WATCH`.
    pub watches: Watches,
    /// What the connection has done and seen: its replies wait for that under `appendfsync always`, `WAITAOF` waits
    /// under any.
    pub basis: Basis,
    released: Vec<(Watched, WatchFlag)>,
}

impl Local {
    /// That of a connection that has just been made.
    pub fn new(client: &Client) -> Local {
        Local {
            login: client.user().map(Login::new),
            ..Local::default()
        }
    }

    /// Ends the transaction without executing it.
    pub fn discard(&mut self, client: &Client) -> Option<Queue> {
        client.set(State::MULTI, false);
        client.gauges.queued.store(-1, Ordering::Relaxed);
        client.gauges.queued_bytes.store(0, Ordering::Relaxed);
        client.gauges.queue_capacity.store(0, Ordering::Relaxed);
        self.queue.take()
    }

    /// Forgets all watched keys; they are unwatched once no lock is held ([`Local::release`]).
    pub fn unwatch(&mut self, client: &Client) {
        client.gauges.watched.store(0, Ordering::Relaxed);
        client.gauges.watch_bytes.store(0, Ordering::Relaxed);
        let (keys, flag) = self.watches.take();
        self.released
            .extend(keys.into_iter().map(|it| (it, Arc::clone(&flag))));
    }

    /// Lets the keyspace forget what is no longer watched. The caller holds no lock of it.
    ///
    /// What somebody holds for long, a script most likely, is left to the next time, and `false` given.
    #[inline]
    pub fn release(&mut self, keyspace: &Keyspace) -> bool {
        self.released.is_empty() || self.release_all(keyspace)
    }

    #[cold]
    fn release_all(&mut self, keyspace: &Keyspace) -> bool {
        while let Some((it, flag)) = self.released.last() {
            if !keyspace.unwatch(it.db, &it.key, flag) {
                return false;
            }
            self.released.pop();
        }
        true
    }
}

/// A queued command.
type Queued = (&'static Entry, Request);

/// Commands waiting for `EXEC`.
#[derive(Debug)]
pub struct Queue {
    /// In the order they came.
    pub commands: Vec<Queued>,
    /// One of them was refused: `EXEC` will be too.
    pub is_doomed: bool,
    /// Bytes of the words.
    size_bytes: usize,
    /// Memory of the requests.
    request_bytes: usize,
    tally: Tally,
}

impl Queue {
    /// An empty queue, whose memory is counted there.
    pub fn new(tally: Tally) -> Queue {
        Queue {
            commands: Vec::new(),
            is_doomed: false,
            size_bytes: 0,
            request_bytes: 0,
            tally,
        }
    }

    /// Appends a request and shows others how long the queue is.
    pub fn push(&mut self, entry: &'static Entry, args: &Args<'_>, client: &Client) {
        self.size_bytes += args.size_bytes();
        // Before it is taken: copying a long one takes a while, in which others look at the sum.
        let coming = class_bytes(args.size_bytes());
        self.tally.put(self.memory_bytes() + coming);
        let request = args.to_request();
        self.request_bytes += request.blocks().map(class_bytes).into_iter().sum::<usize>();
        self.commands.push((entry, request));
        self.tally.put(self.memory_bytes());
        let gauges = &client.gauges;
        gauges
            .queued
            .store(self.commands.len() as i64, Ordering::Relaxed);
        gauges
            .queued_bytes
            .store(self.size_bytes, Ordering::Relaxed);
        gauges
            .queue_capacity
            .store(self.memory_bytes(), Ordering::Relaxed);
    }

    fn memory_bytes(&self) -> usize {
        class_bytes(self.commands.capacity() * size_of::<Queued>()) + self.request_bytes
    }
}

/// Watched keys and whether one of them has changed.
#[derive(Debug, Default)]
pub struct Watches {
    /// The keys.
    pub keys: Vec<Watched>,
    /// Set by whoever changes one of them.
    pub flag: WatchFlag,
    /// Memory of their names.
    name_bytes: usize,
}

/// What the keyspace keeps of a watched key beside its name: a place in a table, and a list of flags.
const WATCHED_THERE_BYTES: usize = 128;

/// A watched key.
#[derive(Debug)]
pub struct Watched {
    /// Its database.
    pub db: usize,
    /// Its name.
    pub key: Box<[u8]>,
}

impl Watches {
    /// Notes a key that the keyspace watches for us from now on.
    pub fn push(&mut self, db: usize, key: &[u8]) {
        self.name_bytes += class_bytes(key.len());
        self.keys.push(Watched {
            db,
            key: key.into(),
        });
    }

    /// Memory that the keys take, here and in the keyspace.
    pub fn memory_bytes(&self) -> usize {
        class_bytes(self.keys.capacity() * size_of::<Watched>())
            + self.keys.len() * WATCHED_THERE_BYTES
            + 2 * self.name_bytes
    }

    /// Whether the key is watched already.
    pub fn contains(&self, db: usize, key: &[u8]) -> bool {
        self.keys.iter().any(|it| it.db == db && &*it.key == key)
    }

    /// Whether a watched key has changed.
    pub fn is_broken(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Lets the transaction to come fail.
    pub fn break_all(&self) {
        self.flag.store(true, Ordering::Release);
    }

    /// Takes the keys out and starts with a flag of its own.
    fn take(&mut self) -> (Vec<Watched>, WatchFlag) {
        self.name_bytes = 0;
        let flag = std::mem::replace(&mut self.flag, Arc::new(AtomicBool::new(false)));
        (std::mem::take(&mut self.keys), flag)
    }
}
