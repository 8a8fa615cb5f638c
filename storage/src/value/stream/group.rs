//! Consumer groups: what was given to whom, and is not acknowledged.

use super::StreamId;
use super::consumers::{Consumer, ConsumerId, Consumers};
use super::entries::Entries;
use super::sorted::Sorted;

/// That an entry was given to a consumer, who has not acknowledged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Who has it.
    pub consumer: ConsumerId,
    /// When it was given, in milliseconds since 1970.
    pub delivered_ms: i64,
    /// How often it was given.
    pub count: u64,
}

impl Pending {
    /// How long ago it was given; negative if that is yet to come.
    pub fn idle_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(self.delivered_ms)
    }
}

/// A consumer group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    last_id: StreamId,
    /// How many entries of the stream come before what the group reads next, if that is known.
    entries_read: Option<u64>,
    pending: Sorted<StreamId, Pending>,
    pub(super) consumers: Consumers,
}

impl Group {
    /// A group that reads on behind `last_id`.
    pub fn new(last_id: StreamId, entries_read: Option<u64>) -> Group {
        Group {
            last_id,
            entries_read,
            ..Group::default()
        }
    }

    /// The last id the group has read.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries it has read, counted from the very first of the stream, if that is known.
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// Lets the group read on elsewhere.
    pub fn set_position(&mut self, last_id: StreamId, entries_read: Option<u64>) {
        self.last_id = last_id;
        self.entries_read = entries_read;
    }

    /// Lets the group read on behind this id; the count stays as it is.
    pub fn set_last_id(&mut self, last_id: StreamId) {
        self.last_id = last_id;
    }

    /// How many entries the group has still to read, if that can be told. Negative if it was told to have read more
    /// than there were. *Source:* `streamReplyWithCGLag` of Redis 7.4.1.
    pub fn lag(&self, entries: &Entries) -> Option<i64> {
        if entries.added() == 0 {
            return Some(0);
        }
        let read = match self.entries_read {
            Some(read) if !entries.has_gap_from(self.last_id) => read,
            _ => entries.count_up_to(self.last_id)?,
        };
        Some(entries.added().wrapping_sub(read) as i64)
    }

    /// Notes that the group has read the entry `id`, if it had not come so far; whether it had not.
    pub fn read(&mut self, entries: &Entries, id: StreamId) -> bool {
        if id <= self.last_id {
            return false;
        }
        self.entries_read = match self.entries_read {
            Some(read) if !entries.has_gap_from(id) => Some(read.wrapping_add(1)),
            read if entries.added() == 0 => read,
            _ => entries.count_up_to(id),
        };
        self.last_id = id;
        true
    }

    /// How many entries are pending.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// What is pending, in the order of the ids.
    pub fn pending(&self) -> impl Iterator<Item = (StreamId, &Pending)> {
        let pending = self.pending.iter();
        pending.map(|(id, pending)| (*id, pending))
    }

    /// What is pending from `first` to `last`, both included.
    pub fn pending_range(
        &self,
        first: StreamId,
        last: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, &Pending)> {
        let pending = self.pending.range(&first, &last);
        pending.map(|(id, pending)| (*id, pending))
    }

    /// What is pending of this id.
    pub fn pending_of(&self, id: StreamId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// Gives an entry to a consumer, whoever has it now.
    pub fn assign(&mut self, id: StreamId, pending: Pending) {
        let former = self.pending.insert(id, pending);
        let former = former.map(|former| former.consumer);
        if former == Some(pending.consumer) {
            return;
        }
        if let Some(former) = former {
            self.consumers
                .change(former, |consumer| consumer.pending.remove(&id));
        }
        self.consumers.change(pending.consumer, |consumer| {
            consumer.pending.insert(id, ());
        });
    }

    /// Notes that a pending entry was given once more to who has it.
    pub fn deliver_again(&mut self, id: StreamId, now_ms: i64) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.delivered_ms = now_ms;
            pending.count = pending.count.wrapping_add(1);
        }
    }

    /// Lets an entry not be pending any more; whether it was.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.remove(&id) else {
            return false;
        };
        self.consumers.change(pending.consumer, |consumer| {
            consumer.pending.remove(&id);
        });
        true
    }

    /// How many consumers there are.
    pub fn consumers_len(&self) -> usize {
        self.consumers.len()
    }

    /// The consumers, in the order of their names.
    pub fn consumers(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.consumers.iter()
    }

    /// The consumer of this name.
    pub fn find(&self, name: &[u8]) -> Option<ConsumerId> {
        self.consumers.find(name)
    }

    /// A consumer of this group.
    ///
    /// # Panics
    /// If it has been removed since.
    pub fn consumer(&self, id: ConsumerId) -> &Consumer {
        self.consumers.get(id)
    }

    /// Adds a consumer, first seen at this time.
    ///
    /// # Errors
    /// The one of this name, if there is one already.
    pub fn add_consumer(&mut self, name: &[u8], seen_ms: i64) -> Result<ConsumerId, ConsumerId> {
        self.consumers.add(name, seen_ms)
    }

    /// Notes that a consumer has tried to get something.
    pub fn note_seen(&mut self, id: ConsumerId, now_ms: i64) {
        self.consumers
            .change(id, |consumer| consumer.seen_ms = now_ms);
    }

    /// Notes that a consumer has got something.
    pub fn note_active(&mut self, id: ConsumerId, now_ms: i64) {
        self.consumers
            .change(id, |consumer| consumer.active_ms = Some(now_ms));
    }

    /// Sets when a consumer has last got something, if ever.
    pub fn set_active(&mut self, id: ConsumerId, active_ms: Option<i64>) {
        self.consumers
            .change(id, |consumer| consumer.active_ms = active_ms);
    }

    /// Removes a consumer with all that is pending of it, and tells how much that was.
    pub fn remove_consumer(&mut self, id: ConsumerId) -> usize {
        let consumer = self.consumers.remove(id);
        for id in consumer.pending() {
            self.pending.remove(&id);
        }
        consumer.pending.len()
    }

    /// Bytes it holds beyond itself, in allocator classes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.pending.heap_bytes() + self.consumers.heap_bytes()
    }
}
