//! What a command sees of tags.

use std::collections::HashSet;

use super::{Db, Event, WhenExpired};
use crate::entry::Entry;
use crate::keyspace::{Cause, Keyspace, SHARDS};
use crate::names::NameUse;
use crate::partition::Partition;
use crate::shard::Shard;
use crate::table::Place;
use crate::tag::{TagId, Tags};

/// What [`Db::invalidate_tags`] has done.
#[derive(Debug, Default)]
pub struct Invalidated {
    /// How many keys are gone. Exact unless `is_pending`: then a key counts for each of its tags
    /// that was invalidated, and also if it had expired.
    pub count: usize,
    /// The keys that were removed at once.
    pub removed: Vec<Box<[u8]>>,
    /// Keys are left to be reclaimed.
    pub is_pending: bool,
    /// Something carried one of the tags, be it only keys that had expired.
    pub has_members: bool,
}

impl Db<'_> {
    /// How many tags a key has. `None` if there is no such key.
    pub fn count_tags(&mut self, key: &[u8]) -> Option<usize> {
        self.peek(key).map(|entry| Tags::of(entry).len())
    }

    /// How many tags a key would have with these as well. `None` if there is no such key.
    pub fn count_tags_with(&mut self, key: &[u8], names: protocol::Args<'_>) -> Option<usize> {
        let db = self.index;
        let (number, at) = self.locate(db, key)?;
        let partition = self.shard(number).partition(db)?;
        let had: HashSet<&[u8]> = Tags::of(partition.get(at)?)
            .map(|id| partition.tags().name(id))
            .collect();
        let new: HashSet<&[u8]> = names.iter().filter(|name| !had.contains(name)).collect();
        Some(had.len() + new.len())
    }

    /// Attaches tags to a key; how many were new. `None` if there is no such key.
    pub fn attach_tags(&mut self, key: &[u8], names: protocol::Args<'_>) -> Option<usize> {
        let db = self.index;
        let (number, at) = self.locate(db, key)?;
        let added = self.attach_all(number, db, at, names.iter());
        if added > 0 {
            self.mark(number, db, key, Event::generic("tagadd"));
        }
        Some(added)
    }

    /// Detaches tags from a key; how many it had. `None` if there is no such key.
    pub fn detach_tags(&mut self, key: &[u8], names: protocol::Args<'_>) -> Option<usize> {
        let db = self.index;
        let (number, at) = self.locate(db, key)?;
        let keyspace = self.keyspace;
        let partition = self.shard(number).partition_mut(db);
        let mut removed = 0;
        for name in names.iter() {
            let id = partition.tags().find(keyspace.hash(name), name);
            removed += usize::from(id.is_some_and(|id| partition.detach(at, id)));
        }
        if removed > 0 {
            self.mark(number, db, key, Event::generic("tagrem"));
        }
        Some(removed)
    }

    /// The tags of a key, in the order they were attached; empty if there is no such key.
    pub fn tags_of(&mut self, key: &[u8]) -> Vec<Box<[u8]>> {
        let db = self.index;
        let Some((number, at)) = self.locate(db, key) else {
            return Vec::new();
        };
        let Some(partition) = self.shard(number).partition(db) else {
            return Vec::new();
        };
        let ids = partition.get(at).into_iter().flat_map(Tags::of);
        ids.map(|id| partition.tags().name(id).into()).collect()
    }

    /// Invalidates tags: from now on no key that carries one of them is there. Every lock is held.
    ///
    /// Up to `exact` memberships the keys are removed at once. Beyond, it takes O(1) a tag and shard,
    /// and the keys are reclaimed later ([`Keyspace::reclaim_some`]).
    pub fn invalidate_tags(&mut self, names: protocol::Args<'_>, exact: usize) -> Invalidated {
        let (targets, memberships) = self.find_tags(names);
        if memberships == 0 {
            return Invalidated::default();
        }
        let mut invalidated = if memberships <= exact {
            self.remove_tagged(&targets)
        } else {
            self.mark_dead(&targets, memberships)
        };
        invalidated.has_members = true;
        self.changes.dirty += invalidated.count as u64;
        if self.moment.listeners.of_changes {
            for name in names.iter() {
                self.push_event(self.index, Event::TAG_INVALIDATED, name, false);
            }
        }
        invalidated
    }

    /// Where tags are in use, as (shard, tag) pairs, and how many keys carry them, counted for each.
    fn find_tags(&mut self, names: protocol::Args<'_>) -> (Vec<(usize, TagId)>, usize) {
        let db = self.index;
        let keyspace = self.keyspace;
        let mut targets = Vec::new();
        let mut memberships = 0;
        let unique: HashSet<&[u8]> = names.iter().collect();
        // A name that no shard uses need not be looked for in each of them.
        let used = keyspace.tag_names(db);
        let hashes = unique.into_iter().map(|name| (keyspace.hash(name), name));
        let used: Vec<_> = hashes
            .filter(|&(hash, name)| used.contains(hash, name))
            .collect();
        for number in (0..SHARDS).filter(|_| !used.is_empty()) {
            let Some(partition) = self.shard(number).partition(db) else {
                continue;
            };
            let ids = used
                .iter()
                .filter_map(|&(hash, name)| partition.tags().find(hash, name));
            for id in ids {
                targets.push((number, id));
                memberships += partition.tags().postings(id).len();
            }
        }
        (targets, memberships)
    }

    /// Removes the keys that carry one of these tags.
    fn remove_tagged(&mut self, targets: &[(usize, TagId)]) -> Invalidated {
        let db = self.index;
        let mut invalidated = Invalidated::default();
        for &(number, id) in targets {
            // A tag whose last key has gone with another tag has no postings any more.
            while let Some(at) = {
                let partition = self.shard(number).partition(db);
                partition.and_then(|it| it.last_tagged(id))
            } {
                self.remove_one_tagged(number, at, &mut invalidated);
            }
        }
        invalidated
    }

    fn remove_one_tagged(&mut self, number: usize, at: Place, invalidated: &mut Invalidated) {
        let db = self.index;
        let now_ms = self.moment.now_ms;
        let keeps_expired = self.moment.expiry == WhenExpired::Keep;
        let partition = self.shard(number).partition_mut(db);
        let Some(entry) = partition.get(at) else {
            return;
        };
        let is_dead = partition.tags().is_dead(entry);
        if is_dead || (entry.is_expired(now_ms) && !keeps_expired) {
            // It was gone before, though still in memory.
            let cause = if is_dead {
                Cause::Invalidated
            } else {
                Cause::Expired
            };
            return self.remove_on_the_way(number, db, at, cause);
        }
        let Some(entry) = partition.remove(at) else {
            return;
        };
        let key: Box<[u8]> = entry.key().into();
        self.discard(entry);
        let shard = self.shard(number);
        if shard.has_watches() {
            shard.notify_watches(db, &key);
        }
        if self.moment.listeners.of_changes {
            self.push_event(db, Event::DEL, &key, true);
        }
        invalidated.count += 1;
        invalidated.removed.push(key);
    }

    /// Marks these tags dead, and leaves their keys to be reclaimed.
    fn mark_dead(&mut self, targets: &[(usize, TagId)], memberships: usize) -> Invalidated {
        let (db, keyspace) = (self.index, self.keyspace);
        let there = self.key_count();
        for shard_targets in targets.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(number, _)) = shard_targets.first() else {
                continue;
            };
            let shard = self.shard(number);
            if shard.has_watches() {
                notify_watches_of_tags(shard, keyspace, db, shard_targets);
            }
            let partition = shard.partition_mut(db);
            shard_targets.iter().for_each(|&(_, id)| {
                partition.invalidate(id);
            });
        }
        keyspace.note_pending();
        Invalidated {
            count: memberships.min(there),
            is_pending: true,
            ..Invalidated::default()
        }
    }

    /// How many keys carry a tag, those that have expired left out; looks at one shard after the other.
    ///
    /// Where more than `exact` keys of a shard carry it, those that have expired there are counted
    /// as well, unless an invalidation is pending, so that no lock is held for long.
    pub fn tag_card(&mut self, name: &[u8], exact: usize) -> usize {
        let (db, now_ms, hash) = (self.index, self.moment.now_ms, self.keyspace.hash(name));
        let in_shard = |shard: &mut Shard| {
            let Some(partition) = shard.partition(db) else {
                return 0;
            };
            let tags = partition.tags();
            let Some(id) = tags.find(hash, name) else {
                return 0;
            };
            let postings = tags.postings(id);
            if postings.len() > exact && !tags.has_pending() {
                return postings.len();
            }
            let entries = tags.entries(id, 0..postings.len(), partition.table());
            entries
                .filter(|entry| partition.is_live(entry, now_ms))
                .count()
        };
        (0..SHARDS).map(|number| self.visit(number, in_shard)).sum()
    }

    /// The keys of a tag, as a scan: like [`Db::scan`], over the tag's postings, downwards.
    ///
    /// A key that carries the tag from the first call to the last is met at least once: postings
    /// move only downwards, where a key is detached.
    pub fn scan_tag(
        &mut self,
        name: &[u8],
        cursor: u64,
        count: usize,
        mut look: impl FnMut(&Entry),
    ) -> u64 {
        let hash = self.keyspace.hash(name);
        let (db, now_ms) = (self.index, self.moment.now_ms);
        self.scan_lists(cursor, count, db, |partition, below, room| {
            let id = partition.tags().find(hash, name)?;
            let postings = partition.tags().postings(id);
            let top = postings.len().min(below);
            let bottom = top.saturating_sub(room);
            let entries = partition.tags().entries(id, bottom..top, partition.table());
            entries
                .filter(|entry| partition.is_live(entry, now_ms))
                .for_each(&mut look);
            Some((bottom, top - bottom))
        })
    }

    /// The tags in use, as a scan ([`crate::names::Names::scan`]). Needs no lock of a shard.
    ///
    /// In use is a tag that a key carries, even if that key has expired and is not yet reclaimed.
    pub fn scan_tags(&mut self, cursor: u64, count: usize, look: impl FnMut(&[u8])) -> u64 {
        self.keyspace
            .tag_names(self.index)
            .scan(cursor, count, look)
    }

    /// Walks one list a partition downwards, shard by shard. `step` is given (partition, below, room) and
    /// gives where it stopped and how many it looked at; `None` or 0 goes on to the next shard.
    fn scan_lists(
        &mut self,
        cursor: u64,
        count: usize,
        db: usize,
        mut step: impl FnMut(&Partition, usize, usize) -> Option<(usize, usize)>,
    ) -> u64 {
        let (mut number, mut below) = match cursor {
            0 => (0, u32::MAX),
            cursor => ((cursor >> 32) as usize, cursor as u32),
        };
        let mut room = count;
        while number < SHARDS && room > 0 {
            let stopped = self.visit(number, |shard| {
                step(shard.partition(db)?, below as usize, room)
            });
            let (at, looked) = stopped.unwrap_or((0, 0));
            room = room.saturating_sub(looked);
            (number, below) = if at == 0 {
                (number + 1, u32::MAX)
            } else {
                (number, at as u32)
            };
        }
        if number >= SHARDS {
            0
        } else {
            (number as u64) << 32 | u64::from(below)
        }
    }

    /// Lets an entry have these tags and no others. Those it has already stay where they are: a scan of
    /// such a tag that is under way would miss the key if it moved to the end.
    pub(super) fn retag<'n>(
        &mut self,
        number: usize,
        db: usize,
        at: Place,
        names: impl Iterator<Item = &'n [u8]> + Clone,
    ) {
        let keyspace = self.keyspace;
        let was_tagged = |partition: &Partition| partition.get(at).is_some_and(Entry::is_tagged);
        let partition = self.shard(number).partition_mut(db);
        if !was_tagged(partition) {
            self.attach_all(number, db, at, names);
            return;
        }
        let ids = names
            .clone()
            .filter_map(|name| partition.tags().find(keyspace.hash(name), name));
        let mut kept: Vec<TagId> = ids.collect();
        kept.sort_unstable();
        let old: Vec<TagId> = partition.get(at).into_iter().flat_map(Tags::of).collect();
        self.attach_all(number, db, at, names);
        let partition = self.shard(number).partition_mut(db);
        for id in old.into_iter().filter(|id| kept.binary_search(id).is_err()) {
            partition.detach(at, id);
        }
    }

    fn attach_all<'n>(
        &mut self,
        number: usize,
        db: usize,
        at: Place,
        names: impl Iterator<Item = &'n [u8]>,
    ) -> usize {
        let keyspace = self.keyspace;
        let partition = self.shard(number).partition_mut(db);
        let Some(key_hash) = partition.get(at).map(|it| partition.table().hash(it.key())) else {
            return 0;
        };
        let mut added = 0;
        for name in names {
            let hash = keyspace.hash(name);
            let take_name = || keyspace.tag_names(db).hold(hash, name);
            added += usize::from(partition.attach(at, key_hash, hash, name, take_name));
        }
        added
    }

    /// The names of an entry's tags, in use until they are dropped.
    pub(super) fn hold_tags(&mut self, number: usize, db: usize, at: Place) -> Vec<NameUse> {
        let keyspace = self.keyspace;
        let Some(partition) = self.shard(number).partition(db) else {
            return Vec::new();
        };
        let tags = partition.tags();
        let ids = partition
            .get(at)
            .filter(|it| it.is_tagged())
            .into_iter()
            .flat_map(Tags::of);
        ids.map(|id| {
            keyspace
                .tag_names(db)
                .hold(keyspace.hash(tags.name(id)), tags.name(id))
        })
        .collect()
    }
}

/// Tells those who watch a key that carries one of these tags of the shard.
fn notify_watches_of_tags(
    shard: &mut Shard,
    keyspace: &Keyspace,
    db: usize,
    targets: &[(usize, TagId)],
) {
    let ids: HashSet<TagId> = targets.iter().map(|&(_, id)| id).collect();
    shard.notify_watches_if(db, |partitions, key, is_stale| {
        let Some(partition) = partitions.get(db).filter(|_| !*is_stale) else {
            return false;
        };
        let at = partition.find(keyspace.hash(key) as u32, key);
        let entry = at.and_then(|at| partition.get(at));
        entry.is_some_and(|entry| Tags::of(entry).any(|id| ids.contains(&id)))
    });
}

#[cfg(test)]
mod tests {
    use protocol::request::split_line;

    use super::*;
    use crate::db::{Expiry, Listeners, Moment, NewTags, Touch};
    use crate::evict::Access;
    use crate::keyspace::ShardSet;
    use crate::value::Value;

    fn db(keyspace: &Keyspace, now_ms: i64, expiry: WhenExpired) -> Db<'_> {
        let moment = Moment {
            now_ms,
            access: Access::Time,
            touch: Touch::Yes,
            expiry,
            listeners: Listeners {
                of_changes: true,
                ..Listeners::default()
            },
            compression_threshold: 0,
        };
        Db::new(keyspace, keyspace.lock(ShardSet::ALL), 0, moment)
    }

    fn put(db: &mut Db<'_>, key: &str, expiry: Expiry, tags: &str) {
        let names = split_line(tags.as_bytes()).expect("no quotes");
        let event = Event::string("set");
        let tags = NewTags::Replace(names.args());
        db.put(key.as_bytes(), Value::Bytes(b"v"), expiry, tags, event);
    }

    fn invalidate(db: &mut Db<'_>, tags: &str, exact: usize) -> Invalidated {
        db.invalidate_tags(
            split_line(tags.as_bytes()).expect("no quotes").args(),
            exact,
        )
    }

    /// Keys of a tag in the order of a scan from the beginning, a key at a time.
    fn scan(db: &mut Db<'_>, tag: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = db.scan_tag(tag.as_bytes(), cursor, 1, |entry| {
                keys.push(String::from_utf8_lossy(entry.key()).into_owned());
            });
            if cursor == 0 {
                return keys;
            }
        }
    }

    #[test]
    fn a_key_that_keeps_a_tag_keeps_its_place_in_it() {
        let keyspace = Keyspace::default();
        let mut db = db(&keyspace, 0, WhenExpired::Remove);
        (0..300).for_each(|n| put(&mut db, &format!("k{n}"), Expiry::Clear, "t u"));
        let before = scan(&mut db, "t");
        for n in (0..300).step_by(3) {
            put(&mut db, &format!("k{n}"), Expiry::Clear, "new t");
            put(&mut db, "other", Expiry::Clear, "t");
            let other = db.take(b"other", Event::DEL).expect("just put");
            db.place_at(0, format!("k{}", n + 1).as_bytes(), other, Event::DEL);
        }
        assert_eq!(scan(&mut db, "t"), before);
        assert_eq!(scan(&mut db, "u").len(), 100);
        assert_eq!(
            db.tags_of(b"k0"),
            [Box::from(&b"t"[..]), Box::from(&b"new"[..])]
        );
        assert_eq!(
            (db.count_tags(b"k1"), db.count_tags(b"none")),
            (Some(1), None)
        );
    }

    #[test]
    fn only_what_was_there_is_counted_as_invalidated() {
        let keyspace = Keyspace::default();
        let mut db = db(&keyspace, 1_000, WhenExpired::Remove);
        (0..100).for_each(|n| put(&mut db, &format!("k{n}"), Expiry::Clear, "a b"));
        (0..10).for_each(|n| put(&mut db, &format!("old{n}"), Expiry::At(999), "a"));
        put(&mut db, "k0", Expiry::Clear, "b");
        let first = invalidate(&mut db, "b b none", 10);
        assert_eq!(
            (first.count, first.removed.len(), first.is_pending),
            (100, 0, true)
        );
        assert_eq!(keyspace.pending_invalidations(), 1);
        // The old ones have run out, and are still counted as in Redis, where DBSIZE does not look.
        assert_eq!((db.key_count(), db.tag_card(b"a", 1_000)), (10, 0));
        assert_eq!(keyspace.tag_names(0).len(), 1);
        let second = invalidate(&mut db, "a", 1_000);
        assert_eq!(
            (second.count, second.has_members, second.is_pending),
            (0, true, false)
        );
        let causes = db.changes.removals.iter().map(|removal| removal.cause);
        let invalidated = causes
            .clone()
            .filter(|&cause| cause == Cause::Invalidated)
            .count();
        let expired = causes.filter(|&cause| cause == Cause::Expired).count();
        assert_eq!((invalidated, expired), (99, 10));
        assert!(!invalidate(&mut db, "a b none", 1_000).has_members);
        assert!(keyspace.tag_names(0).is_empty());
    }

    #[test]
    fn an_invalidation_is_an_event_of_the_tag_and_of_each_key() {
        let keyspace = Keyspace::default();
        let mut db = db(&keyspace, 0, WhenExpired::Remove);
        put(&mut db, "k", Expiry::Clear, "a b");
        db.changes.events.clear();
        db.changes.dirty = 0;
        assert_eq!(invalidate(&mut db, "a b", 10).count, 1);
        let events: Vec<(&str, &[u8])> = db
            .changes
            .events
            .iter()
            .map(|told| (told.event.name, &*told.key))
            .collect();
        let expected: [(&str, &[u8]); 3] = [
            ("del", b"k"),
            ("taginvalidate", b"a"),
            ("taginvalidate", b"b"),
        ];
        assert_eq!(events, expected);
        assert_eq!(db.changes.dirty, 1);
    }

    #[test]
    fn a_key_that_is_hidden_makes_way_for_a_new_one() {
        let keyspace = Keyspace::default();
        let mut first = db(&keyspace, 0, WhenExpired::Remove);
        put(&mut first, "k", Expiry::At(10), "t");
        put(&mut first, "l", Expiry::At(10), "t");
        drop(first);
        let mut later = db(&keyspace, 100, WhenExpired::Hide);
        assert!(later.peek(b"k").is_none());
        assert_eq!(later.key_count(), 2);
        put(&mut later, "k", Expiry::Clear, "u");
        let taken = later.take(b"k", Event::DEL).expect("just put");
        later.place_at(0, b"l", taken, Event::DEL);
        assert_eq!(later.key_count(), 1);
        assert_eq!((later.tag_card(b"t", 10), later.tag_card(b"u", 10)), (0, 1));
    }
}
