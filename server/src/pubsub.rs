//! Publish and subscribe: who has subscribed to what, and messages to them.
//!
//! A message is handed to a subscriber's connection before the publisher gets its reply, and connections send
//! what they are handed in that order: so messages of one publisher never overtake each other, whatever threads
//! the two are on. A channel is locked while a message goes to its subscribers: all of them see the messages of
//! a channel in the same order. Locks are taken in the order client's subscriptions, registry, channel, patterns,
//! outbox; a keyspace's shard may be locked before all of them (notifications), never after.

mod message;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;
use smallvec::SmallVec;
use storage::glob;

use self::message::Message;
use crate::clients::{Client, Postage, Posted, State, Subscriptions, Topic};

/// All subscriptions.
#[derive(Debug, Default)]
pub struct Pubsub {
    channels: Channels,
    shard_channels: Channels,
    patterns: Patterns,
    clients: AtomicUsize,
}

/// What has become of a message.
#[derive(Debug, Default)]
pub struct Published {
    /// How many subscriptions it was for.
    pub receivers: usize,
    /// Clients that read too slowly to be sent more.
    pub slow: SmallVec<[Arc<Client>; 1]>,
}

impl Published {
    fn send(&mut self, client: &Arc<Client>, bytes: &Bytes, postage: Postage) {
        match client.post(bytes, postage) {
            Posted::Sent => self.receivers += 1,
            Posted::Gone => {}
            Posted::TooMuch => {
                self.receivers += 1;
                self.slow.push(Arc::clone(client));
            }
        }
    }
}

impl Pubsub {
    /// Whether anybody has subscribed to a channel or pattern. Two loads.
    #[inline]
    pub fn has_subscribers(&self) -> bool {
        !self.channels.is_empty() || !self.patterns.is_empty()
    }

    /// Sends a message to all who have subscribed to the channel, or to a pattern that finds it.
    pub fn publish(&self, channel: &[u8], message: &[u8], postage: Postage) -> Published {
        let mut published = Published::default();
        let found = self.channels.get(channel);
        // Held until those behind patterns have the message too.
        let subscribers = found.as_ref().map(|channel| channel.lock());
        if let Some(subscribers) = &subscribers {
            let words = [b"message", channel, message];
            send_all(
                subscribers,
                &mut Message::new(&words),
                postage,
                &mut published,
            );
        }
        if !self.patterns.is_empty() {
            self.patterns
                .publish(channel, message, postage, &mut published);
        }
        published
    }

    /// Sends a message to all who have subscribed to the channel of the shard.
    pub fn publish_to_shard(&self, channel: &[u8], message: &[u8], postage: Postage) -> Published {
        let mut published = Published::default();
        if let Some(found) = self.shard_channels.get(channel) {
            let words = [b"smessage", channel, message];
            send_all(
                &found.lock(),
                &mut Message::new(&words),
                postage,
                &mut published,
            );
        }
        published
    }

    /// Subscribes a client.
    pub fn subscribe(&self, client: &Arc<Client>, topic: Topic, name: &[u8]) {
        let mut subscriptions = client.subscriptions();
        let name = Arc::from(name);
        if subscriptions.insert(topic, &name) {
            match topic {
                Topic::Channel => self.channels.join(name, client),
                Topic::Pattern => self.patterns.join(name, client),
                Topic::Shard => self.shard_channels.join(name, client),
            }
        }
        self.show(client, &subscriptions);
    }

    /// Ends a subscription of a client.
    pub fn unsubscribe(&self, client: &Arc<Client>, topic: Topic, name: &[u8]) {
        let mut subscriptions = client.subscriptions();
        if subscriptions.remove(topic, name) {
            self.part(client, topic, name);
        }
        self.show(client, &subscriptions);
    }

    fn part(&self, client: &Client, topic: Topic, name: &[u8]) {
        match topic {
            Topic::Channel => self.channels.part(name, client),
            Topic::Pattern => self.patterns.part(name, client),
            Topic::Shard => self.shard_channels.part(name, client),
        }
    }

    /// Ends all subscriptions of a client.
    pub fn unsubscribe_all(&self, client: &Arc<Client>) {
        self.drop_all(client, &mut client.subscriptions());
    }

    /// The same, for a client whose connection is at its end: it will not subscribe again.
    pub fn forget(&self, client: &Arc<Client>) {
        let mut subscriptions = client.subscriptions();
        subscriptions.is_closed = true;
        self.drop_all(client, &mut subscriptions);
    }

    fn drop_all(&self, client: &Client, subscriptions: &mut Subscriptions) {
        if subscriptions.is_empty() {
            return;
        }
        for topic in Topic::ALL {
            for name in subscriptions.names(topic) {
                subscriptions.remove(topic, &name);
                self.part(client, topic, &name);
            }
        }
        self.show(client, subscriptions);
    }

    /// Shows others what a client has subscribed to.
    fn show(&self, client: &Client, subscriptions: &Subscriptions) {
        subscriptions.show(client);
        let is_subscribed = !subscriptions.is_empty();
        if is_subscribed == client.is(State::PUBSUB) {
            return;
        }
        client.set(State::PUBSUB, is_subscribed);
        if is_subscribed {
            self.clients.fetch_add(1, Ordering::Relaxed);
        } else {
            self.clients.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many clients have subscribed to something.
    pub fn client_count(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// How many different patterns are subscribed to.
    pub fn pattern_count(&self) -> usize {
        self.patterns.len()
    }

    /// The channels, and those of the shard.
    pub fn channels(&self, of: Topic) -> &Channels {
        match of {
            Topic::Shard => &self.shard_channels,
            Topic::Channel | Topic::Pattern => &self.channels,
        }
    }
}

/// Who has subscribed, in the order of their ids.
type Subscribers = SmallVec<[Arc<Client>; 1]>;

/// Channels and their subscribers. One without any is not there.
#[derive(Debug, Default)]
pub struct Channels {
    by_name: DashMap<Arc<[u8]>, Arc<Mutex<Subscribers>>>,
    count: AtomicUsize,
}

impl Channels {
    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// The names that a pattern finds, or all, in any order.
    pub fn names(&self, pattern: Option<&[u8]>) -> Vec<Arc<[u8]>> {
        let names = self.by_name.iter();
        names
            .map(|entry| Arc::clone(entry.key()))
            .filter(|name| pattern.is_none_or(|pattern| glob::finds_channel(pattern, name)))
            .collect()
    }

    /// How many have subscribed to the channel of that name.
    pub fn subscriber_count(&self, name: &[u8]) -> usize {
        self.get(name).map_or(0, |channel| channel.lock().len())
    }

    #[inline]
    fn get(&self, name: &[u8]) -> Option<Arc<Mutex<Subscribers>>> {
        if self.is_empty() {
            return None;
        }
        self.by_name.get(name).map(|entry| Arc::clone(&entry))
    }

    fn join(&self, name: Arc<[u8]>, client: &Arc<Client>) {
        let channel = self.by_name.entry(name).or_insert_with(|| {
            self.count.fetch_add(1, Ordering::Relaxed);
            Arc::default()
        });
        insert(&mut channel.lock(), client);
    }

    fn part(&self, name: &[u8], client: &Client) {
        let is_last = self.by_name.remove_if(name, |_, channel| {
            let mut subscribers = channel.lock();
            remove(&mut subscribers, client);
            subscribers.is_empty()
        });
        if is_last.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Patterns and their subscribers. One without any is not there.
#[derive(Debug, Default)]
struct Patterns {
    by_name: Mutex<BTreeMap<Arc<[u8]>, Subscribers>>,
    count: AtomicUsize,
}

impl Patterns {
    #[inline]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn publish(&self, channel: &[u8], text: &[u8], postage: Postage, published: &mut Published) {
        for (pattern, subscribers) in self.by_name.lock().iter() {
            if glob::finds_channel(pattern, channel) {
                let words = [b"pmessage", &**pattern, channel, text];
                send_all(subscribers, &mut Message::new(&words), postage, published);
            }
        }
    }

    fn join(&self, pattern: Arc<[u8]>, client: &Arc<Client>) {
        let mut by_name = self.by_name.lock();
        insert(by_name.entry(pattern).or_default(), client);
        self.count.store(by_name.len(), Ordering::Relaxed);
    }

    fn part(&self, pattern: &[u8], client: &Client) {
        let mut by_name = self.by_name.lock();
        let Some(subscribers) = by_name.get_mut(pattern) else {
            return;
        };
        remove(subscribers, client);
        if subscribers.is_empty() {
            by_name.remove(pattern);
        }
        self.count.store(by_name.len(), Ordering::Relaxed);
    }
}

fn insert(subscribers: &mut Subscribers, client: &Arc<Client>) {
    if let Err(index) = subscribers.binary_search_by_key(&client.id, |it| it.id) {
        subscribers.insert(index, Arc::clone(client));
    }
}

fn remove(subscribers: &mut Subscribers, client: &Client) {
    if let Ok(index) = subscribers.binary_search_by_key(&client.id, |it| it.id) {
        subscribers.remove(index);
    }
}

fn send_all(
    subscribers: &[Arc<Client>],
    message: &mut Message<'_>,
    postage: Postage,
    published: &mut Published,
) {
    for client in subscribers {
        published.send(client, message.encoded(client.version()), postage);
    }
}
