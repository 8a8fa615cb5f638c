//! What a connection has subscribed to.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use storage::memory::class_bytes;

use super::Client;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A channel, by its name.
    Channel,
    /// All channels whose names match a pattern.
    Pattern,
    /// A channel of a shard of a cluster.
    Shard,
}

impl Topic {
    /// All of them.
    pub const ALL: [Topic; 3] = [Topic::Channel, Topic::Pattern, Topic::Shard];
}

/// What a subscription takes beside its name: its places among those of the client and of the channel,
/// with their tables half full, and the channel itself.
const SUBSCRIPTION_BYTES: usize = 160;

/// The names of one client's subscriptions.
#[derive(Debug, Default)]
pub struct Subscriptions {
    names: [HashSet<Arc<[u8]>>; 3],
    bytes: usize,
    /// Its connection is at its end: nothing may be added any more.
    pub is_closed: bool,
}

impl Subscriptions {
    /// Adds one; whether it is new.
    pub fn insert(&mut self, topic: Topic, name: &Arc<[u8]>) -> bool {
        let is_new = !self.is_closed && self.names[topic as usize].insert(Arc::clone(name));
        if is_new {
            self.bytes += cost(name);
        }
        is_new
    }

    /// Takes one out; whether it was there.
    pub fn remove(&mut self, topic: Topic, name: &[u8]) -> bool {
        let is_there = self.names[topic as usize].remove(name);
        if is_there {
            self.bytes -= cost(name);
        }
        is_there
    }

    /// The names of that kind.
    pub fn names(&self, topic: Topic) -> Vec<Arc<[u8]>> {
        self.names[topic as usize].iter().cloned().collect()
    }

    /// How many subscriptions a reply speaks of: channels and patterns together, those of shards by themselves.
    pub fn count_with(&self, topic: Topic) -> usize {
        let [channels, patterns, shard] = self.names.each_ref().map(HashSet::len);
        match topic {
            Topic::Channel | Topic::Pattern => channels + patterns,
            Topic::Shard => shard,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.iter().all(HashSet::is_empty)
    }

    /// Shows others how many there are.
    pub fn show(&self, client: &Client) {
        for (gauge, names) in client.gauges.subscriptions.iter().zip(&self.names) {
            gauge.store(names.len(), Ordering::Relaxed);
        }
        client
            .gauges
            .subscription_bytes
            .store(self.bytes, Ordering::Relaxed);
    }
}

fn cost(name: &[u8]) -> usize {
    let counts = 2 * size_of::<usize>();
    SUBSCRIPTION_BYTES + class_bytes(counts + name.len())
}
