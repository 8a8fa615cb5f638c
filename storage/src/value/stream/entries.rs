//! The entries of a stream, and what it knows of those it had.

use super::node::{Fields, Node, Slots};
use super::sorted::{self, Sorted};
use super::{StreamId, radix};
use crate::value::listpack::{Listpack, Malformed};

/// The most bytes of a node, whatever the limits are, and of the fields and values of an entry.
pub const MOST_BYTES: usize = 1 << 30;

/// The room a node gets at first if nothing tells how large it will be.
const FIRST_ROOM_BYTES: usize = 64;

/// Up to where entries go into one node (`stream-node-max-bytes`, `stream-node-max-entries`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeLimits {
    /// The size of the listpack in bytes, 0 for no bound.
    pub max_bytes: usize,
    /// How many, deleted or not; 0 for no bound.
    pub max_entries: usize,
}

/// How the id of a new entry is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewId {
    /// The present time in milliseconds; the next number if there was an entry at this time, or later.
    Now(u64),
    /// These milliseconds, and the next number within them.
    Within(u64),
    /// This one.
    Exactly(StreamId),
}

/// Which entries stay when a stream is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The last so many.
    Last(usize),
    /// Those from this id on.
    From(StreamId),
}

/// How a stream is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// What stays.
    pub keep: Keep,
    /// Whether only whole nodes go, so that more may stay.
    pub is_approximate: bool,
    /// The most entries to be removed; 0 for no bound.
    pub limit: usize,
}

/// The entries of a stream.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    pub(super) nodes: Sorted<StreamId, Node>,
    node_bytes: usize,
    len: usize,
    first_id: StreamId,
    last_id: StreamId,
    max_deleted_id: StreamId,
    added: u64,
}

impl Entries {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The id of the first entry there is; [`StreamId::MIN`] if there is none.
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The id of the last entry there ever was, or what was put in its place.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The id of the last entry there is; [`StreamId::MIN`] if there is none.
    pub fn last_live_id(&self) -> StreamId {
        let last = self.range_back(StreamId::MIN, StreamId::MAX).next();
        last.map_or(StreamId::MIN, |entry| entry.id)
    }

    /// The id of the first entry that has a place, even if it is deleted.
    pub fn first_slot_id(&self) -> Option<StreamId> {
        let (master, node) = self.nodes.first()?;
        node.iter(*master).next().map(|slot| slot.id)
    }

    /// Whether it holds no memory worth mentioning.
    pub fn is_bare(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The highest id of an entry that was deleted, otherwise than by trimming.
    pub fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// Lets the next entry come behind this id.
    pub fn set_last_id(&mut self, id: StreamId) {
        if self.is_empty() && id < self.last_id {
            // The places of deleted entries would stand behind those of new ones.
            self.nodes = Sorted::default();
            self.node_bytes = 0;
        }
        self.last_id = id;
    }

    /// Changes the count of entries ever added.
    pub fn set_added(&mut self, count: u64) {
        self.added = count;
    }

    /// Changes the highest id of a deleted entry.
    pub fn set_max_deleted_id(&mut self, id: StreamId) {
        self.max_deleted_id = id;
    }

    /// The nodes, as files carry them, with the ids they count from.
    pub fn nodes(&self) -> impl Iterator<Item = (StreamId, &[u8])> {
        self.nodes.iter().map(|(id, node)| (*id, node.as_bytes()))
    }

    /// The same from the node with that id on, or the next.
    pub fn nodes_from(&self, id: StreamId) -> impl Iterator<Item = (StreamId, &[u8])> {
        let nodes = self.nodes.range(&id, &StreamId::MAX);
        nodes.map(|(id, node)| (*id, node.as_bytes()))
    }

    /// How many nodes there are.
    pub fn nodes_len(&self) -> usize {
        self.nodes.len()
    }

    /// How many keys and nodes the radix tree would have in which Redis keeps this. O(n) of the keys.
    pub fn radix_tree(&self) -> (usize, usize) {
        let keys = self.nodes.iter().map(|(id, _)| id.to_key());
        (self.nodes.len(), radix::count_nodes(keys))
    }

    /// Bytes it holds, in allocator classes.
    pub fn heap_bytes(&self) -> usize {
        self.nodes.heap_bytes() + self.node_bytes
    }

    /// Adds a node as a file carries it, behind all others. The ids known are still to be set.
    ///
    /// # Errors
    /// [`Malformed`] if it is not one, or its ids are not behind those before.
    pub fn append_node(&mut self, master: StreamId, pack: Listpack) -> Result<(), Malformed> {
        let (node, live, last_id) = Node::from_listpack(pack, master)?;
        let first_id = node.iter(master).next().map(|slot| slot.id);
        if first_id.is_none_or(|first| first < master) || self.last_slot_id() >= first_id {
            return Err(Malformed);
        }
        let had_none = self.is_empty();
        self.last_id = last_id;
        self.len += live;
        self.node_bytes += node.heap_bytes();
        self.nodes.insert(master, node);
        if had_none && live > 0 {
            self.find_first_id();
        }
        Ok(())
    }

    /// The id of the last entry that has a place, even if it is deleted.
    pub fn last_slot_id(&self) -> Option<StreamId> {
        let (master, node) = self.nodes.last()?;
        node.last_id(*master)
    }

    /// The id that the next entry would get; none if it would not come behind all others.
    pub fn new_id(&self, wanted: NewId) -> Option<StreamId> {
        let id = match wanted {
            NewId::Now(ms) if ms > self.last_id.ms => StreamId::new(ms, 0),
            NewId::Now(_) => self.last_id.next()?,
            NewId::Within(ms) if ms == self.last_id.ms => {
                StreamId::new(ms, self.last_id.seq.checked_add(1)?)
            }
            NewId::Within(ms) => StreamId::new(ms, 0),
            NewId::Exactly(id) => id,
        };
        (id > self.last_id).then_some(id)
    }

    /// Adds an entry behind all others, with an id that [`Entries::new_id`] has given; its fields and
    /// values have at most [`MOST_BYTES`].
    pub fn push<'f>(
        &mut self,
        id: StreamId,
        pairs: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
        limits: NodeLimits,
    ) {
        debug_assert!(id > self.last_id, "ids only ever grow");
        let bytes = pairs
            .clone()
            .map(|(field, value)| field.len() + value.len());
        let room = self.room_for(bytes.sum(), limits);
        if let Some(room) = room {
            let node = Node::new(pairs.clone().map(|(field, _)| field), room);
            self.node_bytes += node.heap_bytes();
            self.nodes.insert(id, node);
        }
        let (master, node) = self.nodes.last_mut().expect("there is one now");
        let before = node.heap_bytes();
        node.push(*master, id, pairs);
        self.node_bytes = self.node_bytes + node.heap_bytes() - before;
        if self.is_empty() {
            self.first_id = id;
        }
        self.len += 1;
        self.added = self.added.wrapping_add(1);
        self.last_id = id;
    }

    /// If so many bytes do not go into the last node, the room that the next shall have.
    fn room_for(&mut self, bytes: usize, limits: NodeLimits) -> Option<usize> {
        let Some((_, node)) = self.nodes.last_mut() else {
            return Some(FIRST_ROOM_BYTES);
        };
        let most_bytes = match limits.max_bytes {
            0 => MOST_BYTES,
            most => most.min(MOST_BYTES),
        };
        let most_entries = limits.max_entries;
        let is_full = node.size_bytes() + bytes >= most_bytes
            || most_entries > 0 && node.slots() >= most_entries;
        if !is_full {
            return None;
        }
        let before = node.heap_bytes();
        node.close();
        self.node_bytes = self.node_bytes + node.heap_bytes() - before;
        // The next will become about as large, if it does not begin with something huge.
        Some(node.size_bytes().clamp(FIRST_ROOM_BYTES, 4096))
    }

    /// Removes an entry; whether there was one.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some((&master, node)) = self.nodes.covering_mut(&id) else {
            return false;
        };
        let mut slots = node.iter(master).filter(|slot| !slot.is_deleted);
        let slot = slots.find(|slot| slot.id >= id);
        let Some(place) = slot.filter(|slot| slot.id == id).map(|slot| slot.place) else {
            return false;
        };
        if node.live() == 1 {
            self.remove_node(master);
        } else {
            let before = node.heap_bytes();
            node.delete([place]);
            self.node_bytes = self.node_bytes + node.heap_bytes() - before;
        }
        self.len -= 1;
        self.max_deleted_id = self.max_deleted_id.max(id);
        if self.is_empty() || id == self.first_id {
            self.find_first_id();
        }
        true
    }

    fn remove_node(&mut self, master: StreamId) {
        let node = self.nodes.remove(&master);
        self.node_bytes -= node.map_or(0, |node| node.heap_bytes());
    }

    fn find_first_id(&mut self) {
        let first = self.range(StreamId::MIN, StreamId::MAX).next();
        self.first_id = first.map_or(StreamId::MIN, |entry| entry.id);
    }

    /// Removes entries at the front, and tells how many. What takes time to free goes into `gone`.
    ///
    /// *Source:* `streamTrim` of Redis, so that the very same entries go if the trimming is approximate.
    pub fn trim(&mut self, trim: &Trim, gone: &mut Entries) -> usize {
        let mut removed = 0;
        while let Some((&master, node)) = self.nodes.first() {
            let live = node.live();
            if self.is_short_enough(trim.keep) || trim.limit > 0 && removed + live > trim.limit {
                break;
            }
            if !self.goes_whole(master, node, trim.keep) {
                if !trim.is_approximate {
                    removed += self.trim_node(master, trim.keep);
                }
                break;
            }
            self.move_node(gone);
            self.len -= live;
            removed += live;
        }
        if removed > 0 {
            self.find_first_id();
        }
        removed
    }

    /// Takes the first node away.
    fn move_node(&mut self, gone: &mut Entries) {
        if let Some((master, node)) = self.nodes.pop_first() {
            self.node_bytes -= node.heap_bytes();
            gone.node_bytes += node.heap_bytes();
            gone.nodes.insert(master, node);
        }
    }

    fn is_short_enough(&self, keep: Keep) -> bool {
        matches!(keep, Keep::Last(count) if self.len <= count)
    }

    fn goes_whole(&self, master: StreamId, node: &Node, keep: Keep) -> bool {
        match keep {
            Keep::Last(count) => self.len - node.live() >= count,
            Keep::From(id) => node.last_id(master).is_some_and(|last| last < id),
        }
    }

    /// Removes entries at the front of the first node, of which some stay.
    fn trim_node(&mut self, master: StreamId, keep: Keep) -> usize {
        let (_, node) = self.nodes.first_mut().expect("the caller has seen it");
        let excess = match keep {
            Keep::Last(count) => self.len - count,
            Keep::From(_) => usize::MAX,
        };
        let places: Vec<_> = node
            .iter(master)
            .take_while(|slot| !matches!(keep, Keep::From(id) if slot.id >= id))
            .filter(|slot| !slot.is_deleted)
            .map(|slot| slot.place)
            .take(excess)
            .collect();
        let (count, before) = (places.len(), node.heap_bytes());
        node.delete(places);
        self.node_bytes = self.node_bytes + node.heap_bytes() - before;
        self.len -= count;
        count
    }

    /// The entry of this id.
    pub fn get(&self, id: StreamId) -> Option<StreamEntry<'_>> {
        self.range(id, id).next()
    }

    /// The entries from `first` to `last`, both included, in order.
    pub fn range(&self, first: StreamId, last: StreamId) -> Range<'_> {
        Range {
            nodes: self.nodes.covering(&first, &last),
            slots: None,
            first,
            last,
        }
    }

    /// The same, the last one first.
    pub fn range_back(&self, first: StreamId, last: StreamId) -> RangeBack<'_> {
        RangeBack(self.range(first, last))
    }

    /// Whether an entry may be missing from `first` on that had been there; one before all others does not count.
    ///
    /// *Source:* `streamRangeHasTombstones` of Redis 7.4.1.
    pub(super) fn has_gap_from(&self, first: StreamId) -> bool {
        let deleted = self.max_deleted_id;
        let may_be = !self.is_empty() && deleted != StreamId::MIN;
        may_be && self.first_id <= deleted && first <= deleted
    }

    /// How many entries were ever added up to the id, that of an entry or not, if that can be told.
    ///
    /// *Source:* `streamEstimateDistanceFromFirstEverEntry` of Redis 7.4.1.
    pub fn count_up_to(&self, id: StreamId) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if self.is_empty() && id <= self.last_id {
            return Some(self.added);
        }
        if id >= self.last_id {
            return (id == self.last_id).then_some(self.added);
        }
        let is_whole = self.max_deleted_id < self.first_id;
        let before = self.added.wrapping_sub(self.len as u64);
        if !is_whole || id > self.first_id {
            return None;
        }
        Some(before.wrapping_add(u64::from(id == self.first_id)))
    }
}

/// An entry of a stream.
#[derive(Clone, Debug)]
pub struct StreamEntry<'a> {
    /// Its id.
    pub id: StreamId,
    /// Its fields with their values, in the order they were given.
    pub fields: Fields<'a>,
}

/// Entries in order.
pub struct Range<'a> {
    nodes: sorted::Range<'a, StreamId, Node>,
    slots: Option<Slots<'a>>,
    first: StreamId,
    last: StreamId,
}

impl<'a> Iterator for Range<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            for slot in self.slots.iter_mut().flatten() {
                if slot.is_deleted {
                    continue;
                }
                if slot.id > self.last {
                    return None;
                }
                if slot.id >= self.first {
                    let (id, fields) = (slot.id, slot.fields);
                    return Some(StreamEntry { id, fields });
                }
            }
            let (master, node) = self.nodes.next()?;
            self.slots = Some(node.iter(*master));
        }
    }
}

/// Entries, the last one first.
pub struct RangeBack<'a>(Range<'a>);

impl<'a> Iterator for RangeBack<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        let range = &mut self.0;
        loop {
            while let Some(slot) = range.slots.as_mut().and_then(Slots::next_back) {
                if slot.is_deleted {
                    continue;
                }
                if slot.id < range.first {
                    return None;
                }
                if slot.id <= range.last {
                    let (id, fields) = (slot.id, slot.fields);
                    return Some(StreamEntry { id, fields });
                }
            }
            let (master, node) = range.nodes.next_back()?;
            range.slots = Some(node.iter(*master));
        }
    }
}
