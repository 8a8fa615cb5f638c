//! The consumers of a group.

use super::StreamId;
use super::sorted::Sorted;
use crate::memory::class_bytes;

/// Which consumer of its group; stays the same while the consumer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsumerId(usize);

/// One who reads for a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    name: Box<[u8]>,
    /// When it last tried to read or claim, in milliseconds since 1970.
    pub seen_ms: i64,
    /// When it last got something, in milliseconds since 1970; `None` if it never has.
    pub active_ms: Option<i64>,
    pub(super) pending: Sorted<StreamId, ()>,
}

impl Consumer {
    /// A consumer that has got nothing yet.
    pub fn new(name: &[u8], seen_ms: i64) -> Consumer {
        Consumer {
            name: name.into(),
            seen_ms,
            active_ms: None,
            pending: Sorted::default(),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many entries it was given and has not acknowledged.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// Their ids, in order.
    pub fn pending(&self) -> impl Iterator<Item = StreamId> {
        self.pending.iter().map(|(id, ())| *id)
    }

    /// The same from `first` to `last`, both included.
    pub fn pending_range(&self, first: StreamId, last: StreamId) -> impl Iterator<Item = StreamId> {
        self.pending.range(&first, &last).map(|(id, ())| *id)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        class_bytes(size_of::<Consumer>())
            + class_bytes(self.name.len())
            + self.pending.heap_bytes()
    }
}

/// All consumers of a group, by name and by [`ConsumerId`].
#[derive(Clone, Debug, Default)]
pub(super) struct Consumers {
    /// By id; a gap where one has gone.
    slots: Vec<Option<Box<Consumer>>>,
    gaps: Vec<ConsumerId>,
    by_name: Vec<ConsumerId>,
    /// Bytes that the consumers hold, in allocator classes.
    pub(super) consumer_bytes: usize,
}

impl Consumers {
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn heap_bytes(&self) -> usize {
        let slots = class_bytes(self.slots.capacity() * size_of::<Option<Box<Consumer>>>());
        let ids = [self.gaps.capacity(), self.by_name.capacity()];
        let ids = ids.map(|capacity| class_bytes(capacity * size_of::<ConsumerId>()));
        slots + ids.iter().sum::<usize>() + self.consumer_bytes
    }

    pub fn get(&self, id: ConsumerId) -> &Consumer {
        let slot = self.slots[id.0].as_deref();
        slot.expect("who holds an id has found the consumer")
    }

    /// Changes a consumer, and counts its bytes anew.
    pub fn change<R>(&mut self, id: ConsumerId, change: impl FnOnce(&mut Consumer) -> R) -> R {
        let slot = self.slots[id.0].as_deref_mut();
        let consumer = slot.expect("who holds an id has found the consumer");
        let before = consumer.heap_bytes();
        let result = change(consumer);
        self.consumer_bytes = self.consumer_bytes + consumer.heap_bytes() - before;
        result
    }

    pub fn find(&self, name: &[u8]) -> Option<ConsumerId> {
        let index = self.search(name).ok()?;
        Some(self.by_name[index])
    }

    fn search(&self, name: &[u8]) -> Result<usize, usize> {
        self.by_name
            .binary_search_by(|&id| self.get(id).name().cmp(name))
    }

    /// Adds a consumer, or tells the one of this name.
    pub fn add(&mut self, name: &[u8], seen_ms: i64) -> Result<ConsumerId, ConsumerId> {
        let place = match self.search(name) {
            Ok(place) => return Err(self.by_name[place]),
            Err(place) => place,
        };
        let consumer = Consumer::new(name, seen_ms);
        let bytes = consumer.heap_bytes();
        let id = match self.gaps.pop() {
            Some(gap) => gap,
            None => {
                self.slots.push(None);
                ConsumerId(self.slots.len() - 1)
            }
        };
        self.slots[id.0] = Some(Box::new(consumer));
        self.by_name.insert(place, id);
        self.consumer_bytes += bytes;
        Ok(id)
    }

    pub fn remove(&mut self, id: ConsumerId) -> Consumer {
        let place = self.search(self.get(id).name());
        self.by_name
            .remove(place.expect("every consumer has a name"));
        let slot = self.slots[id.0].take();
        self.gaps.push(id);
        if self.by_name.is_empty() {
            (self.slots, self.gaps, self.by_name) = Default::default();
        }
        let consumer = *slot.expect("who holds an id has found the consumer");
        self.consumer_bytes -= consumer.heap_bytes();
        consumer
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.by_name.iter().map(|&id| (id, self.get(id)))
    }
}
