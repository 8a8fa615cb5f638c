//! Client-side caching: who keeps copies of which keys, and that they learn when these change.
//!
//! A client is either told of the keys that it has read, each once, or (`BCAST`) of all that begin with certain
//! prefixes. What it has read is remembered, and what has changed is told, under the lock of the key's shard: so no
//! copy of an old value is sent behind the message that it has become old, and the writer gets its reply
//! after that message was posted. Broadcasts are gathered for a batch of requests, as in Redis, and posted before its
//! replies are sent.

mod invalidation;
mod prefixes;
mod table;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use smallvec::SmallVec;

use self::invalidation::Invalidation;
pub use self::prefixes::Overlap;
use self::prefixes::Prefixes;
use self::table::Table;
use crate::clients::{Class, Client, Clients, Postage, Posted, State};

/// A key that has changed, and by the command of which client; 0 is nobody.
pub type Changed = (Box<[u8]>, u64);

/// All copies.
#[derive(Debug, Default)]
pub struct Tracking {
    clients: Mutex<BTreeMap<u64, Arc<Client>>>,
    count: AtomicUsize,
    table: Table,
    prefixes: Prefixes,
}

/// What a client asks for with `CLIENT TRACKING ON`.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The modes: of [`State::TRACKING_MODES`].
    pub modes: State,
    /// Who is told instead; 0 for nobody.
    pub redirect: u64,
    /// The prefixes of `BCAST`; none is all keys.
    pub prefixes: Vec<&'a [u8]>,
}

impl Tracking {
    /// Whether anybody keeps copies.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.client_count() > 0
    }

    /// How many clients keep copies.
    #[inline]
    pub fn client_count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many keys are known to be read by somebody.
    pub fn key_count(&self) -> usize {
        self.table.key_count()
    }

    /// The same, each key counted for each reader.
    pub fn item_count(&self) -> usize {
        self.table.item_count()
    }

    /// How many prefixes are broadcast.
    pub fn prefix_count(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether keys are broadcast.
    #[inline]
    pub fn has_prefixes(&self) -> bool {
        !self.prefixes.is_empty()
    }

    /// Lets a client keep copies from now on, or in another way than before.
    pub fn enable(&self, client: &Arc<Client>, wish: &Wish<'_>) {
        let mut all = self.clients.lock();
        if client.is(State::FORGOTTEN) {
            return;
        }
        all.insert(client.id, Arc::clone(client));
        self.count.store(all.len(), Ordering::Relaxed);
        client.set(State::TRACKING_MODES | State::BROKEN_REDIRECT, false);
        client.redirect_to(wish.redirect);
        client.set(State::TRACKING | wish.modes, true);
        if wish.modes.contains(State::BCAST) {
            self.prefixes.join(client, &wish.prefixes);
        }
    }

    /// Ends it. What the client has read stays in the table until it changes, as in Redis.
    pub fn disable(&self, client: &Arc<Client>) {
        let mut all = self.clients.lock();
        if all.remove(&client.id).is_none() {
            return;
        }
        self.count.store(all.len(), Ordering::Relaxed);
        self.prefixes.part(client);
        client.set(
            State::TRACKING | State::TRACKING_MODES | State::CACHING | State::BROKEN_REDIRECT,
            false,
        );
    }

    /// The first of these prefixes that has something in common with another one of the client.
    pub fn overlap(&self, client: &Client, wanted: &[&[u8]]) -> Option<Overlap> {
        prefixes::overlap(&client.prefixes(), wanted)
    }

    /// Remembers that a client has read a key; a key that is to be forgotten, because more than `most` are known.
    ///
    /// The shard of the key is locked.
    pub fn remember(&self, client: &Client, key: &[u8], most: usize) -> Option<Box<[u8]>> {
        self.table.insert(key, client.id);
        self.excess(most)
    }

    /// Any key, if more than `most` are known; 0 sets no bound.
    pub fn excess(&self, most: usize) -> Option<Box<[u8]>> {
        if most == 0 || self.key_count() <= most {
            return None;
        }
        self.table.random_key()
    }

    /// Tells those who have read a key that it has changed. `by` is the client whose command does it, 0 for none.
    pub fn invalidate(&self, key: &[u8], by: u64, post: &mut Post<'_>) {
        let Some(readers) = self.table.take(key) else {
            return;
        };
        let mut invalidation = Invalidation::of_key(key);
        for client in readers.iter().filter_map(|&id| post.clients.get(id)) {
            let state = client.state();
            // It may have gone over to another way of tracking meanwhile.
            let is_told = state.contains(State::TRACKING)
                && !state.contains(State::BCAST)
                && !(state.contains(State::NOLOOP) && client.id == by);
            if is_told {
                post.send(&client, &mut invalidation);
            }
        }
    }

    /// Tells those who follow prefixes of the keys that have changed.
    pub fn broadcast(&self, changed: &mut Vec<Changed>, post: &mut Post<'_>) {
        let changed: BTreeMap<Box<[u8]>, u64> = changed.drain(..).rev().collect();
        self.prefixes.for_each(|prefix, followers| {
            let own = changed
                .range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded))
                .take_while(|(key, _)| key.starts_with(prefix));
            let mut all = Invalidation::of_keys(own.clone().map(|(key, _)| &**key));
            for client in followers {
                if client.is(State::NOLOOP) {
                    let others = own.clone().filter(|(_, by)| **by != client.id);
                    let mut others = Invalidation::of_keys(others.map(|(key, _)| &**key));
                    post.send(client, &mut others);
                } else {
                    post.send(client, &mut all);
                }
            }
        });
    }

    /// Tells all that nothing they keep is valid any more.
    pub fn flush(&self, post: &mut Post<'_>) {
        self.table.clear();
        self.flush_where(post, State::TRACKING);
    }

    /// The same to those who follow prefixes.
    pub fn flush_prefixes(&self, post: &mut Post<'_>) {
        self.flush_where(post, State::BCAST);
    }

    fn flush_where(&self, post: &mut Post<'_>, state: State) {
        let all: Vec<_> = self.clients.lock().values().cloned().collect();
        for client in all.iter().filter(|client| client.is(state)) {
            post.send(client, &mut Invalidation::of_all());
        }
    }
}

/// The way to the clients.
pub struct Post<'a> {
    clients: &'a Clients,
    postage: &'a dyn Fn(Class) -> Postage,
    /// Those who read too slowly to be sent more.
    pub slow: SmallVec<[Arc<Client>; 1]>,
}

impl<'a> Post<'a> {
    /// The way to these clients.
    pub fn new(clients: &'a Clients, postage: &'a dyn Fn(Class) -> Postage) -> Post<'a> {
        Post {
            clients,
            postage,
            slow: SmallVec::new(),
        }
    }

    /// Sends a message to a client that tracks, or to whom it has named in its place.
    fn send(&mut self, client: &Arc<Client>, invalidation: &mut Invalidation) {
        if invalidation.is_empty() {
            return;
        }
        match client.redirection() {
            0 => self.send_to(client, false, invalidation),
            id => match self.clients.get(id) {
                Some(target) => self.send_to(&target, true, invalidation),
                None => self.break_redirection(client, id),
            },
        }
    }

    /// In RESP2 only who has subscribed can be told, and only of others.
    fn send_to(&mut self, target: &Arc<Client>, is_redirected: bool, it: &mut Invalidation) {
        let is_subscriber = is_redirected && target.is(State::PUBSUB);
        if let Some(bytes) = it.encoded(target.version(), is_subscriber) {
            let postage = (self.postage)(target.class());
            if target.post(bytes, postage) == Posted::TooMuch {
                self.slow.push(Arc::clone(target));
            }
        }
    }

    fn break_redirection(&mut self, client: &Arc<Client>, id: u64) {
        client.set(State::BROKEN_REDIRECT, true);
        if let Some(bytes) = invalidation::broken_redirection(client.version(), id) {
            let postage = (self.postage)(client.class());
            if client.post(&bytes, postage) == Posted::TooMuch {
                self.slow.push(Arc::clone(client));
            }
        }
    }
}
