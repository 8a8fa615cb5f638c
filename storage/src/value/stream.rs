//! Streams: a log of entries in the order of their ids, and groups of consumers that share its reading.
//!
//! The entries are packed into nodes in Redis' own layout, so that files carry them as they are. A stream
//! without entries is still one: it knows the ids it has had, and its groups.

mod consumers;
mod entries;
mod group;
mod id;
mod node;
mod radix;
mod sorted;
#[cfg(test)]
mod tests;

use std::ops::{Deref, DerefMut};

pub use self::consumers::{Consumer, ConsumerId};
pub use self::entries::{
    Entries, Keep, MOST_BYTES, NewId, NodeLimits, Range, RangeBack, StreamEntry, Trim,
};
pub use self::group::{Group, Pending};
pub use self::id::StreamId;
pub use self::node::Fields;

use self::sorted::Sorted;
use crate::memory::class_bytes;

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream(Box<Body>);

#[derive(Clone, Debug, Default)]
struct Body {
    entries: Entries,
    groups: Sorted<Box<[u8]>, Box<Group>>,
    /// Bytes that names and groups hold, in allocator classes.
    group_bytes: usize,
}

impl Stream {
    /// How many entries.
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// The name `OBJECT ENCODING` gives.
    pub fn encoding(&self) -> &'static str {
        "stream"
    }

    /// Bytes beyond the object itself that it holds, in allocator classes.
    pub fn heap_bytes(&self) -> usize {
        let body = &*self.0;
        let groups = body.groups.heap_bytes() + body.group_bytes;
        class_bytes(size_of::<Body>()) + body.entries.heap_bytes() + groups
    }

    /// The entries.
    pub fn entries(&self) -> &Entries {
        &self.0.entries
    }

    /// The entries, to be changed.
    pub fn entries_mut(&mut self) -> &mut Entries {
        &mut self.0.entries
    }

    /// How many groups there are.
    pub fn groups_len(&self) -> usize {
        self.0.groups.len()
    }

    /// The groups, in the order of their names.
    pub fn groups(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        let groups = self.0.groups.iter();
        groups.map(|(name, group)| (&**name, &**group))
    }

    /// The group of this name.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.0.groups.get(name).map(|group| &**group)
    }

    /// The group of this name, to be changed.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<GroupMut<'_>> {
        let body = &mut *self.0;
        let group = &mut **body.groups.get_mut(name)?;
        Some(GroupMut {
            before: group.heap_bytes(),
            entries: &body.entries,
            group,
            group_bytes: &mut body.group_bytes,
        })
    }

    /// Adds a group; `false` if there is one of this name already.
    pub fn add_group(&mut self, name: &[u8], group: Group) -> bool {
        if self.group(name).is_some() {
            return false;
        }
        self.0.group_bytes += bytes_of(name, &group);
        self.0.groups.insert(name.into(), Box::new(group));
        true
    }

    /// Removes a group, with its consumers and all that is pending, and gives it in a stream of its own.
    pub fn remove_group(&mut self, name: &[u8]) -> Option<Stream> {
        let group = self.0.groups.remove(name)?;
        let bytes = bytes_of(name, &group);
        self.0.group_bytes -= bytes;
        let mut removed = Stream::default();
        removed.0.groups.insert(name.into(), group);
        removed.0.group_bytes = bytes;
        Some(removed)
    }
}

impl From<Entries> for Stream {
    /// A stream without groups.
    fn from(entries: Entries) -> Stream {
        Stream(Box::new(Body {
            entries,
            ..Body::default()
        }))
    }
}

fn bytes_of(name: &[u8], group: &Group) -> usize {
    class_bytes(name.len()) + class_bytes(size_of::<Group>()) + group.heap_bytes()
}

/// A group to be changed, beside the entries it is about.
#[derive(Debug)]
pub struct GroupMut<'a> {
    entries: &'a Entries,
    group: &'a mut Group,
    group_bytes: &'a mut usize,
    before: usize,
}

impl<'a> GroupMut<'a> {
    /// The entries of the stream.
    pub fn entries(&self) -> &'a Entries {
        self.entries
    }
}

impl Deref for GroupMut<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        self.group
    }
}

impl DerefMut for GroupMut<'_> {
    fn deref_mut(&mut self) -> &mut Group {
        self.group
    }
}

impl Drop for GroupMut<'_> {
    fn drop(&mut self) {
        *self.group_bytes = *self.group_bytes + self.group.heap_bytes() - self.before;
    }
}
