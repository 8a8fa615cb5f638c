//! What only a connection itself knows: queued commands, watched keys, how much of the log it depends on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::Request;
use storage::keyspace::Keyspace;
use storage::shard::WatchFlag;

use crate::clients::{Client, State};
use crate::command::table::Entry;

/// State of one connection that no other thread sees.
#[derive(Debug, Default)]
pub struct Local {
    /// Commands between `MULTI` and `EXEC`.
    pub queue: Option<Queue>,
    /// Keys of `WATCH`.
    pub watches: Watches,
    /// What the connection has done and seen is safe once the log is on disk up to here: replies wait
    /// for that under `appendfsync always`, `WAITAOF` under any.
    pub durable_from: u64,
    released: Vec<(Watched, WatchFlag)>,
}

impl Local {
    /// Ends the transaction without executing it.
    pub fn discard(&mut self, client: &Client) -> Option<Queue> {
        client.set(State::MULTI, false);
        client.gauges.queued.store(-1, Ordering::Relaxed);
        client.gauges.queued_bytes.store(0, Ordering::Relaxed);
        self.queue.take()
    }

    /// Forgets all watched keys; they are unwatched once no lock is held ([`Local::release`]).
    pub fn unwatch(&mut self, client: &Client) {
        client.gauges.watched.store(0, Ordering::Relaxed);
        let (keys, flag) = self.watches.take();
        self.released
            .extend(keys.into_iter().map(|it| (it, Arc::clone(&flag))));
    }

    /// Lets the keyspace forget what is no longer watched. The caller holds no lock of it.
    #[inline]
    pub fn release(&mut self, keyspace: &Keyspace) {
        for (it, flag) in self.released.drain(..) {
            keyspace.unwatch(it.db, &it.key, &flag);
        }
    }
}

/// Commands waiting for `EXEC`.
#[derive(Debug, Default)]
pub struct Queue {
    /// In the order they came.
    pub commands: Vec<(&'static Entry, Request)>,
    /// One of them was refused: `EXEC` will be too.
    pub is_doomed: bool,
    /// Bytes of the requests.
    pub size_bytes: usize,
}

/// Watched keys and whether one of them has changed.
#[derive(Debug, Default)]
pub struct Watches {
    /// The keys.
    pub keys: Vec<Watched>,
    /// Set by whoever changes one of them.
    pub flag: WatchFlag,
}

/// A watched key.
#[derive(Debug)]
pub struct Watched {
    /// Its database.
    pub db: usize,
    /// Its name.
    pub key: Box<[u8]>,
}

impl Watches {
    /// Whether the key is watched already.
    pub fn contains(&self, db: usize, key: &[u8]) -> bool {
        self.keys.iter().any(|it| it.db == db && &*it.key == key)
    }

    /// Whether a watched key has changed.
    pub fn is_broken(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Takes the keys out and starts with a flag of its own.
    fn take(&mut self) -> (Vec<Watched>, WatchFlag) {
        let flag = std::mem::replace(&mut self.flag, Arc::new(AtomicBool::new(false)));
        (std::mem::take(&mut self.keys), flag)
    }
}
