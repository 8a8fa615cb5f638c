//! Hashes whose fields expire, and a look at several keys at once.
//!
//! As in Redis (`hashTypeGetValue`, t_hash.c), a command that asks for a field that has expired
//! removes it. The others stay until the background comes to them; whoever goes over all fields
//! passes over them.

use super::{Cause, Db, EditOf, Event, Removal, WhenExpired, WrongType, collection_of};
use crate::db::edit::Edit;
use crate::entry::Entry;
use crate::table::Place;
use crate::value::{Collection, Hash, Object};

/// Which fields a command asks for.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'f> {
    /// One.
    One(&'f [u8]),
    /// These.
    Words(protocol::Args<'f>),
    /// None by name: all that there are.
    All,
}

impl<'k> Db<'k> {
    /// The moment by which fields have expired or not, in milliseconds since 1970. A replay of the log holds all for
    /// alive: what expired is told there.
    pub fn fields_now_ms(&self) -> i64 {
        match self.moment.expiry {
            WhenExpired::Keep => i64::MIN,
            WhenExpired::Remove | WhenExpired::Hide => self.moment.now_ms,
        }
    }

    /// The hash a key holds, read; what has expired of the fields `asked` for goes first, and the key with its last.
    ///
    /// # Errors
    /// [`WrongType`] if it holds another type.
    #[inline]
    pub fn read_hash(&mut self, key: &[u8], asked: Asked<'_>) -> Result<Option<&Hash>, WrongType> {
        let now_ms = self.fields_now_ms();
        let Some((found, entry)) = self.read_located(key) else {
            return Ok(None);
        };
        if collection_of::<Hash>(entry)?.may_have_expired(now_ms) {
            self.reap(found, asked);
            return self.peek_as(key);
        }
        let (number, at) = found;
        let entry = self.entry_at(number, at);
        entry.map(collection_of).transpose()
    }

    /// The hash a key holds, to be changed, after what has expired of the fields `asked` for has gone; made if there
    /// is none.
    ///
    /// # Errors
    /// [`WrongType`] if the key holds another type.
    pub fn upsert_hash(
        &mut self,
        key: &[u8],
        asked: Asked<'_>,
        event: Event,
    ) -> Result<EditOf<'_, 'k, Hash>, WrongType> {
        let now_ms = self.fields_now_ms();
        if let Some((number, at)) = self.locate_or_clear(self.index, key) {
            let entry = self.entry_at(number, at);
            let hash = entry.map(collection_of::<Hash>).transpose()?;
            if !hash.is_some_and(|it| it.may_have_expired(now_ms)) {
                self.touch(number, at);
                return EditOf::of(Edit::new(self, number, at, event));
            }
            self.reap((number, at), asked);
        }
        self.upsert(key, event)
    }

    #[inline]
    fn entry_at(&self, number: usize, at: Place) -> Option<&Entry> {
        self.held.peek(number)?.partition(self.index)?.get(at)
    }

    /// Removes what has expired of some fields.
    #[cold]
    fn reap(&mut self, (number, at): (usize, Place), asked: Asked<'_>) {
        if self.moment.expiry == WhenExpired::Hide {
            return;
        }
        let gone = self.expired_of(number, at, asked);
        if gone.is_empty() {
            return;
        }
        let db = self.index;
        let partition = self.shard(number).partition_mut(db);
        let is_empty = partition.edit_hash(at, |hash| {
            gone.iter().for_each(|field| _ = hash.remove(field));
            hash.is_empty()
        });
        let Some(key) = partition.get(at).map(|it| Box::from(it.key())) else {
            return;
        };
        self.shard(number).expired_fields += gone.len() as u64;
        self.note_reaped(number, &key, gone);
        if is_empty == Some(true)
            && let Some(entry) = self.shard(number).partition_mut(db).remove(at)
        {
            self.add_event(&key, Event::DEL);
            self.discard(entry);
        }
    }

    /// The names of those that have expired, each once.
    fn expired_of(&self, number: usize, at: Place, asked: Asked<'_>) -> Vec<Box<[u8]>> {
        let now_ms = self.fields_now_ms();
        let Some(Object::Hash(hash)) = self.entry_at(number, at).and_then(Entry::object) else {
            return Vec::new();
        };
        let is_expired = |name: &[u8]| hash.get(name).is_some_and(|it| it.is_expired(now_ms));
        match asked {
            Asked::One(name) => is_expired(name).then(|| name.into()).into_iter().collect(),
            Asked::Words(names) => {
                let mut gone: Vec<Box<[u8]>> = Vec::new();
                for name in names.iter().filter(|&name| is_expired(name)) {
                    if !gone.iter().any(|it| **it == *name) {
                        gone.push(name.into());
                    }
                }
                gone
            }
            Asked::All => {
                let expired = hash.iter().filter(|it| it.is_expired(now_ms));
                expired.map(|it| it.name.to_vec().into()).collect()
            }
        }
    }

    fn note_reaped(&mut self, number: usize, key: &[u8], gone: Vec<Box<[u8]>>) {
        let db = self.index;
        self.tell(number, db, key, Event::HASH_EXPIRED);
        let removals = gone.into_iter().map(|field| Removal {
            field: Some(field),
            db,
            key: key.into(),
            cause: Cause::Expired,
        });
        self.changes.removals.extend(removals);
    }

    /// The collection a key holds, merely looked at, so that several keys can be at the same time. What has run out
    /// is not seen, but stays: to count and to reclaim it, [`Db::exists`] is asked before.
    ///
    /// # Errors
    /// [`WrongType`] if it holds another type.
    pub fn look_as<T: Collection>(&self, key: &[u8]) -> Result<Option<&T>, WrongType> {
        let (number, hash) = self.place(key);
        let partition = self
            .held
            .peek(number)
            .and_then(|it| it.partition(self.index));
        let Some(partition) = partition else {
            return Ok(None);
        };
        let is_there = |entry: &&Entry| {
            let is_expired = entry.is_expired(self.moment.now_ms);
            (!is_expired || self.moment.expiry == WhenExpired::Keep)
                && !partition.tags().is_dead(entry)
        };
        let found = partition.find(hash, key).and_then(|at| partition.get(at));
        found.filter(is_there).map(collection_of).transpose()
    }
}

#[cfg(test)]
mod tests;
