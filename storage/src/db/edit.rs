//! Guards through which a live key is changed.

use std::marker::PhantomData;
use std::ops::Deref;

use super::{Db, Event, WrongType};
use crate::entry::Entry;
use crate::partition::Partition;
use crate::table::Place;
use crate::value::{Collection, Object, Str, Value};

/// One live entry, to be changed; the change is marked when the guard goes.
pub struct Edit<'d, 'k> {
    db: &'d mut Db<'k>,
    number: usize,
    at: Place,
    event: Event,
    /// How many changes.
    changes: u64,
    /// Whether those who watch the key, or wait for it, are not told.
    is_hushed: bool,
}

impl<'d, 'k> Edit<'d, 'k> {
    pub(super) fn new(db: &'d mut Db<'k>, number: usize, at: Place, event: Event) -> Edit<'d, 'k> {
        Edit {
            db,
            number,
            at,
            event,
            changes: 0,
            is_hushed: false,
        }
    }

    fn partition(&mut self) -> &mut Partition {
        let db = self.db.index;
        self.db.shard(self.number).partition_mut(db)
    }

    fn changed(&mut self) -> &mut Entry {
        self.changes = self.changes.max(1);
        let at = self.at;
        self.partition()
            .edit(at)
            .expect("the guard's entry stays while the guard does")
    }

    fn peek(&self) -> Option<&Entry> {
        let shard = self.db.held.peek(self.number)?;
        shard.partition(self.db.index)?.get(self.at)
    }

    /// The entry.
    pub fn entry(&mut self) -> &Entry {
        let at = self.at;
        self.partition()
            .get(at)
            .expect("the guard's entry stays while the guard does")
    }

    /// The string it holds, as [`Db::edit_string`] has made sure; of a collection, an empty one.
    pub fn string(&mut self) -> Str<'_> {
        self.entry().string().unwrap_or(Str::Bytes(b""))
    }

    /// Replaces the value; expiry and tags stay.
    pub fn put(&mut self, value: Value<'_>) {
        let value = value.packed(self.db.moment.compression_threshold);
        let old = self.changed().put_value(value);
        self.db.discard_value(old);
    }

    /// The string's bytes, to change in place.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.changed().buffer()
    }

    /// Counts `count` changes instead of one; none takes back that it counts as changed, which is for an
    /// [`Edit::buffer`] in which nothing has become another.
    pub fn count(&mut self, count: usize) {
        self.changes = count as u64;
    }

    /// Sets or clears the expiry.
    pub fn set_expiry(&mut self, expiry_ms: Option<i64>) {
        self.changes = self.changes.max(1);
        let at = self.at;
        let now_ms = self.db.moment.now_ms;
        self.partition().set_expiry(at, expiry_ms, now_ms);
    }
}

impl Drop for Edit<'_, '_> {
    fn drop(&mut self) {
        if self.changes == 0 {
            return;
        }
        self.db.changes.dirty += self.changes;
        let (number, db, event) = (self.number, self.db.index, self.event);
        let is_hushed = self.is_hushed;
        let shard = self.db.shard(number);
        let needs_key = !is_hushed && (shard.has_watches() || !shard.waiters.is_empty());
        if needs_key || self.db.moment.listeners.of_changes {
            let key: Box<[u8]> = self.entry().key().into();
            match is_hushed {
                true => self.db.add_event(&key, event),
                false => self.db.tell(number, db, &key, event),
            }
        }
    }
}

/// One live collection, to be changed; the change is marked when the guard goes.
///
/// A key goes with its last element: that is a `del` event beside the change's own. One that was made for the
/// guard and has got no element goes unnoticed.
pub struct EditOf<'d, 'k, T: Collection> {
    edit: Edit<'d, 'k>,
    /// When fields of the hash fell due before it was changed; `None` if nothing was.
    due_ms: Option<i64>,
    /// Whether it was made for the guard.
    is_new: bool,
    of: PhantomData<T>,
}

impl<'d, 'k, T: Collection> EditOf<'d, 'k, T> {
    pub(super) fn of(mut edit: Edit<'d, 'k>) -> Result<EditOf<'d, 'k, T>, WrongType> {
        if edit.entry().object().and_then(T::of).is_none() {
            return Err(WrongType);
        }
        Ok(EditOf {
            edit,
            due_ms: None,
            is_new: false,
            of: PhantomData,
        })
    }

    pub(super) fn of_new(edit: Edit<'d, 'k>) -> EditOf<'d, 'k, T> {
        EditOf {
            edit,
            due_ms: None,
            is_new: true,
            of: PhantomData,
        }
    }

    /// The collection, to change in place. From now on it counts as changed.
    pub fn change(&mut self) -> &mut T {
        let object = self.edit.changed().object_mut();
        let collection = object.and_then(T::of_mut);
        let collection = collection.expect("the guard was made for this type");
        self.due_ms.get_or_insert_with(|| collection.due_ms());
        collection
    }

    /// Counts `count` changes instead of one; none takes back that it counts as changed, which is for a
    /// [`EditOf::change`] that has changed nothing.
    pub fn count(&mut self, count: usize) {
        self.edit.changes = count as u64;
    }

    /// Names the change otherwise.
    pub fn rename_event(&mut self, event: Event) {
        self.edit.event = event;
    }

    /// Tells the event to those who listen, but not that the key has changed to those who watch it or wait for it:
    /// Redis does not either where only the groups of a stream have changed.
    pub fn hush(&mut self) {
        self.edit.is_hushed = true;
    }

    /// Lets a part that was taken off be freed after unlocking, if that takes long.
    pub fn discard(&mut self, part: impl Into<Object>) {
        self.edit.db.discard_part(part);
    }
}

impl<T: Collection> Deref for EditOf<'_, '_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        let object = self.edit.peek().and_then(Entry::object);
        object
            .and_then(T::of)
            .expect("the guard was made for this type")
    }
}

impl<T: Collection> Drop for EditOf<'_, '_, T> {
    fn drop(&mut self) {
        if self.due_ms.is_none() && !self.is_new {
            return;
        }
        let collection: &T = self;
        let (is_gone, due_ms) = (collection.is_gone(), collection.due_ms());
        if let Some(before_ms) = self.due_ms.filter(|&it| it != due_ms) {
            let at = self.edit.at;
            self.edit.partition().note_fields(at, before_ms);
        }
        if !is_gone {
            return;
        }
        let Edit {
            number, at, event, ..
        } = self.edit;
        let changes = std::mem::take(&mut self.edit.changes);
        let db = &mut *self.edit.db;
        let index = db.index;
        let Some(entry) = db.shard(number).partition_mut(index).remove(at) else {
            return;
        };
        if changes > 0 {
            db.changes.dirty += changes;
            db.tell(number, index, entry.key(), event);
            db.add_event(entry.key(), Event::DEL);
        }
        db.discard(entry);
    }
}
