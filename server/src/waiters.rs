//! Clients that wait for keys, and how they are served.
//!
//! Which keys somebody waits for stands in the shards ([`storage::waiters`]), under a ticket. Here stands what
//! the ticket means: the client and the request it will be answered by. Who changes a key carries out the
//! request of the first waiter under its own locks and leaves the reply here, so nobody can come in between.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use parking_lot::Mutex;
use protocol::{Output, Request};
use storage::keyspace::{Keyspace, ShardSet};
use tokio::sync::Notify;

use crate::clients::Client;
use crate::command::table::Entry;
use crate::command::{Stir, Wanted};
use crate::persist::log::Basis;

/// What a waiter has been given.
#[derive(Debug)]
pub struct Served {
    /// The reply.
    pub reply: Output,
    /// What it rests on.
    pub basis: Basis,
}

/// A client that waits for keys.
#[derive(Debug)]
pub struct Waiter {
    /// Its number.
    pub ticket: u64,
    /// Who waits.
    pub client: Arc<Client>,
    /// The command.
    pub entry: &'static Entry,
    /// The request as it was sent.
    pub request: Request,
    /// The database it was sent in.
    pub db: usize,
    /// What ends the wait.
    pub wanted: Wanted,
    /// The keys waited for.
    pub keys: Vec<Box<[u8]>>,
    /// The shards its command needs.
    pub shards: ShardSet,
    served: Mutex<Option<Served>>,
    woken: Notify,
}

impl Waiter {
    /// Whether a key that holds a value of that type, or none, may end the wait.
    pub fn is_stirred_by(&self, type_name: Option<&str>) -> bool {
        match self.wanted.stir {
            Stir::WithKey => type_name == Some(self.wanted.type_name),
            Stir::AlsoWithoutKey => true,
        }
    }

    /// Whether it also waits for its keys to go.
    pub fn waits_without_key(&self) -> bool {
        self.wanted.stir == Stir::AlsoWithoutKey
    }

    /// Gives it what it has waited for.
    pub fn serve(&self, served: Served) {
        *self.served.lock() = Some(served);
        self.woken.notify_one();
    }

    /// Ends when it has been served.
    pub async fn served(&self) {
        self.woken.notified().await;
    }
}

/// All clients that wait for keys.
#[derive(Debug, Default)]
pub struct Waiters {
    last: AtomicU64,
    all: DashMap<u64, Arc<Waiter>>,
}

/// Locks are held for long, by a script most likely: what was asked for must be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocksHeld;

impl Waiters {
    /// Lets a client wait. The caller puts the ticket into the shards while it still holds them.
    #[expect(clippy::too_many_arguments, reason = "they are the fields of a waiter")]
    pub fn join(
        &self,
        client: &Arc<Client>,
        entry: &'static Entry,
        request: Request,
        db: usize,
        wanted: Wanted,
        keys: Vec<Box<[u8]>>,
        shards: ShardSet,
    ) -> u64 {
        let ticket = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let waiter = Waiter {
            ticket,
            client: Arc::clone(client),
            entry,
            request,
            db,
            wanted,
            keys,
            shards,
            served: Mutex::default(),
            woken: Notify::new(),
        };
        self.all.insert(ticket, Arc::new(waiter));
        ticket
    }

    /// What a ticket means; `None` if the wait is over.
    pub fn get(&self, ticket: u64) -> Option<Arc<Waiter>> {
        self.all.get(&ticket).map(|waiter| Arc::clone(&waiter))
    }

    /// How many keys are waited for, and for how many of them it matters that they are gone.
    pub fn key_counts(&self) -> (usize, usize) {
        let mut keys = HashMap::new();
        for waiter in &self.all {
            let is_nokey = waiter.waits_without_key();
            for key in &waiter.keys {
                *keys.entry((waiter.db, key.clone())).or_insert(false) |= is_nokey;
            }
        }
        let on_nokey = keys.values().filter(|&&is_nokey| is_nokey).count();
        (keys.len(), on_nokey)
    }

    /// Ends a wait, whatever has become of it: what the client was given, if it was. The caller holds no lock.
    ///
    /// # Errors
    /// [`LocksHeld`] if the locks are not to be had in some milliseconds.
    pub fn leave(&self, keyspace: &Keyspace, waiter: &Waiter) -> Result<Option<Served>, LocksHeld> {
        self.all.remove(&waiter.ticket);
        let served = waiter.served.lock().take();
        if served.is_some() {
            return Ok(served);
        }
        // Who serves it holds these locks meanwhile: afterwards nobody does any more.
        if !keyspace.stop_waiting(waiter.db, &waiter.keys, waiter.ticket, || true) {
            return Err(LocksHeld);
        }
        Ok(waiter.served.lock().take())
    }
}
