//! The part of one database that lives in one shard.
//!
//! Every change of an entry goes through here, because four things hang on an entry: the table, the
//! times at which entries fall due, the tags, and a running snapshot, which must see the entry as it
//! was.

use std::sync::Arc;

use crate::entry::Entry;
use crate::field_dues::{FieldDues, GoneFields};
use crate::hasher::Hasher;
use crate::keyspace::Overdue;
use crate::names::NameUse;
use crate::snapshot::{Burden, Encode, Slice, Walk};
use crate::table::{Place, Table};
use crate::tag::{TagId, Tags};
use crate::value::{Hash, Object};

/// Entries, expiries and tags of one database in one shard.
#[derive(Default)]
pub struct Partition {
    table: Table,
    /// Sum of all expiries, for the average time to live of INFO.
    expiry_sum_ms: i128,
    tags: Tags,
    /// The hashes with fields that expire.
    field_dues: FieldDues,
    walk: Option<Box<Walk>>,
    /// The epoch of everything a snapshot need not write any more.
    epoch: bool,
}

impl Partition {
    /// An empty partition of a shard that is in `epoch`, of keys that are hashed so.
    pub(crate) fn new(epoch: bool, hasher: &Hasher) -> Partition {
        Partition {
            table: Table::new(hasher.clone()),
            epoch,
            ..Partition::default()
        }
    }

    /// How many entries, expired ones that are not yet reclaimed included.
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// How many entries there are for a reader, or would be if none had expired.
    pub fn undead_len(&self) -> usize {
        self.len() - self.tags.dead_entries(&self.table)
    }

    /// The entries themselves, to look at.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The tags of the entries.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Sum of all expiries, in milliseconds since 1970.
    pub fn expiry_sum_ms(&self) -> i128 {
        self.expiry_sum_ms
    }

    /// Where `key` is, whatever its state.
    #[inline]
    pub fn find(&self, hash: u32, key: &[u8]) -> Option<Place> {
        self.table.find(hash, key)
    }

    /// The entry at a place.
    #[inline]
    pub fn get(&self, at: Place) -> Option<&Entry> {
        self.table.get(at)
    }

    /// Whether the entry is there for a reader: not expired and with no invalidated tag.
    #[inline]
    pub fn is_live(&self, entry: &Entry, now_ms: i64) -> bool {
        !entry.is_expired(now_ms) && !self.tags.is_dead(entry)
    }

    /// The entry at a place, to change its access clock only.
    #[inline]
    pub(crate) fn touch(&mut self, at: Place) -> Option<&mut Entry> {
        self.table.get_mut(at)
    }

    /// The entry at a place, to change its value; a running snapshot gets it first. If fields of a hash may get or
    /// lose an expiry, [`Partition::note_fields`] comes after it.
    #[inline]
    pub(crate) fn edit(&mut self, at: Place) -> Option<&mut Entry> {
        if self.walk.is_some() {
            self.preserve(at);
        }
        self.table.get_mut(at)
    }

    /// Adds an entry whose key is not there yet, with its expiry; its tags are attached by the caller.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u32, mut entry: Entry, now_ms: i64) -> Place {
        entry.put_epoch(self.epoch);
        self.expiry_sum_ms += expiry_sum(&entry);
        self.field_dues
            .change(hash, i64::MAX, entry.fields_due_ms());
        self.table.insert(hash, entry, now_ms)
    }

    /// Makes room for so many entries if there is none yet.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.table.reserve(count);
    }

    /// Gives back room that is not used after all.
    pub(crate) fn fit(&mut self) {
        self.table.fit();
    }

    /// Puts an entry of the same key in the place of another, whose tags it gets; gives the old one.
    pub(crate) fn replace(&mut self, at: Place, mut entry: Entry, now_ms: i64) -> Option<Entry> {
        if self.walk.is_some() {
            self.preserve(at);
        }
        let place = self.table.get_mut(at)?;
        entry.put_epoch(self.epoch);
        entry.put_fingerprint(place.fingerprint());
        entry.adopt_tags(place);
        let expiry_ms = entry.expiry_ms();
        self.expiry_sum_ms += expiry_sum(&entry) - expiry_sum(place);
        let old = std::mem::replace(place, entry);
        self.table.note_expiry(at, expiry_ms, now_ms);
        self.note_fields(at, old.fields_due_ms());
        Some(old)
    }

    /// Takes an entry out, with its expiry and its tags.
    pub(crate) fn remove(&mut self, at: Place) -> Option<Entry> {
        if self.walk.is_some() {
            self.preserve(at);
        }
        self.tags.detach_all(at, &mut self.table);
        let entry = self.table.remove(at)?;
        self.expiry_sum_ms -= expiry_sum(&entry);
        let due_ms = entry.fields_due_ms();
        if due_ms != i64::MAX {
            let hash = self.table.hash(entry.key());
            self.field_dues.change(hash, due_ms, i64::MAX);
        }
        Some(entry)
    }

    /// Notes when fields of the entry at a place fall due, which was at `before_ms` until it was changed.
    #[inline]
    pub(crate) fn note_fields(&mut self, at: Place, before_ms: i64) {
        let Some(entry) = self.table.get(at) else {
            return;
        };
        let due_ms = entry.fields_due_ms();
        if due_ms != before_ms {
            let hash = self.table.hash(entry.key());
            self.field_dues.change(hash, before_ms, due_ms);
        }
    }

    /// Changes the hash at a place.
    pub(crate) fn edit_hash<R>(
        &mut self,
        at: Place,
        change: impl FnOnce(&mut Hash) -> R,
    ) -> Option<R> {
        let entry = self.edit(at)?;
        let before_ms = entry.fields_due_ms();
        let Some(Object::Hash(hash)) = entry.object_mut() else {
            return None;
        };
        let result = change(hash);
        self.note_fields(at, before_ms);
        Some(result)
    }

    /// How many hashes have fields that expire.
    pub fn hashes_with_expiries(&self) -> usize {
        self.field_dues.len()
    }

    /// A moment before which no field of a hash is due, in milliseconds since 1970; O(1).
    pub(crate) fn soonest_field_ms(&self) -> i64 {
        self.field_dues.soonest_ms()
    }

    /// Takes up to `count` fields out that have expired, and the hashes that had no others.
    pub(crate) fn expire_fields(
        &mut self,
        count: usize,
        now_ms: i64,
        removed: &mut Vec<GoneFields>,
    ) {
        let mut left = count;
        let mut from = (i64::MIN, 0);
        while left > 0
            && let Some((due_ms, hash)) = self.field_dues.next(from, now_ms)
        {
            // Of two hashes of the same moment and key hash one is met now, the other when this one is done with.
            from = (due_ms, hash.saturating_add(1));
            let is_it = |entry: &Entry| entry.fields_due_ms() == due_ms;
            let Some(at) = self.table.find_by(hash, is_it) else {
                continue;
            };
            let gone = self.expire_fields_of(at, left, now_ms);
            left -= gone.as_ref().map_or(0, |it| it.fields.len());
            removed.extend(gone);
        }
    }

    fn expire_fields_of(&mut self, at: Place, count: usize, now_ms: i64) -> Option<GoneFields> {
        let mut fields = Vec::new();
        let is_empty = self.edit_hash(at, |hash| {
            while fields.len() < count
                && let Some(spot) = hash.next_expired(now_ms)
            {
                fields.extend(hash.at(spot).map(|it| it.name.to_vec().into_boxed_slice()));
                hash.remove_at(spot);
            }
            hash.is_empty()
        })?;
        let key = self.get(at)?.key().into();
        let emptied = if is_empty { self.remove(at) } else { None };
        (!fields.is_empty()).then_some(GoneFields {
            key,
            fields,
            emptied,
        })
    }

    /// Sets or clears the expiry.
    pub(crate) fn set_expiry(&mut self, at: Place, expiry_ms: Option<i64>, now_ms: i64) {
        let Some(entry) = self.edit(at) else { return };
        let old = expiry_sum(entry);
        entry.put_expiry(expiry_ms);
        self.expiry_sum_ms += i128::from(expiry_ms.unwrap_or(0)) - old;
        self.table.note_expiry(at, expiry_ms, now_ms);
    }

    /// Attaches a tag to an entry whose key has that hash; `false` if the entry has it already. `take_name`
    /// is asked for the name if no entry here has the tag yet.
    pub(crate) fn attach(
        &mut self,
        at: Place,
        key_hash: u32,
        hash: u64,
        name: &[u8],
        take_name: impl FnOnce() -> NameUse,
    ) -> bool {
        if self.walk.is_some() {
            self.preserve(at);
        }
        let Some(entry) = self.table.get_mut(at) else {
            return false;
        };
        self.tags.attach(hash, name, take_name, key_hash, entry)
    }

    /// Detaches a tag; `false` if the entry does not have it.
    pub(crate) fn detach(&mut self, at: Place, id: TagId) -> bool {
        if self.walk.is_some() {
            self.preserve(at);
        }
        self.tags.detach(id, at, &mut self.table)
    }

    /// Detaches all tags of an entry.
    pub(crate) fn detach_all(&mut self, at: Place) {
        if !self.get(at).is_some_and(Entry::is_tagged) {
            return;
        }
        if self.walk.is_some() {
            self.preserve(at);
        }
        self.tags.detach_all(at, &mut self.table);
    }

    /// Invalidates a tag in O(1); how many entries carried it.
    pub(crate) fn invalidate(&mut self, id: TagId) -> usize {
        self.tags.invalidate(id)
    }

    /// Removes one entry of an invalidated tag.
    pub(crate) fn reclaim(&mut self) -> Option<Entry> {
        let &id = self.tags.dead().last()?;
        let at = self.last_tagged(id)?;
        self.remove(at)
    }

    /// The last entry of a tag, if any carries it.
    pub(crate) fn last_tagged(&self, id: TagId) -> Option<Place> {
        let last = self.tags.postings(id).len().checked_sub(1)?;
        self.tags.place(id, last, &self.table)
    }

    /// Hands the entry to a running snapshot, unless it has it already.
    fn preserve(&mut self, at: Place) {
        while !self.preserve_some(at) {}
    }

    /// Hands the entry to a running snapshot, or a piece of it if it is large; whether the snapshot has all of it.
    fn preserve_some(&mut self, at: Place) -> bool {
        let Some(walk) = self.walk.as_deref_mut() else {
            return true;
        };
        let epoch = self.epoch;
        let Some(entry) = self.table.get(at).filter(|it| it.epoch() != epoch) else {
            return true;
        };
        let is_whole = walk.write_some(entry, &self.tags);
        if is_whole && let Some(entry) = self.table.get_mut(at) {
            entry.put_epoch(epoch);
        }
        is_whole
    }

    /// Begins a snapshot: every entry of now is of the old epoch and will be written once.
    pub(crate) fn begin_walk(&mut self, db: usize, encode: &Arc<dyn Encode>, burden: &Burden) {
        debug_assert!(
            self.walk.is_none(),
            "one snapshot is walked to its end before the next"
        );
        self.epoch = !self.epoch;
        if !self.is_empty() {
            let dead = self.tags.dead();
            self.walk = Some(Box::new(Walk::new(
                db,
                dead,
                Arc::clone(encode),
                burden.clone(),
            )));
        }
    }

    /// Whether a snapshot is not done with this partition.
    pub(crate) fn is_walking(&self) -> bool {
        self.walk.is_some()
    }

    /// Whether a snapshot has only the beginning of an entry here.
    pub(crate) fn is_inside_walk(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.is_inside())
    }

    /// From now on the snapshot writes nothing; it must still be walked to its end, so that all
    /// entries are of one epoch again.
    pub(crate) fn abandon_walk(&mut self) {
        if let Some(walk) = &mut self.walk {
            walk.abandon();
        }
    }

    /// Notes that the database was flushed and is here only for the snapshot.
    pub(crate) fn leave_to_walk(&mut self) {
        let bytes = self.estimated_bytes();
        if let Some(walk) = &mut self.walk {
            walk.adopt(bytes);
        }
    }

    /// Hands the next `count` entries to a running snapshot and takes what it has written so far.
    ///
    /// Ends earlier when much has been written, and behind each piece of a large entry. The walk ends with the last
    /// entry.
    pub(crate) fn walk_on(&mut self, count: usize) -> Option<Slice> {
        let mut seen = 0;
        'walk: while seen < count {
            let walk = self.walk.as_mut()?;
            if walk.has_slice() {
                break;
            }
            let Some(group) = self.table.group(walk.next) else {
                walk.end();
                break;
            };
            let next = group.next;
            for at in group.places() {
                if !self.preserve_some(at) {
                    break 'walk;
                }
                seen += 1;
            }
            if let Some(walk) = &mut self.walk {
                walk.next = next;
            }
        }
        let walk = self.walk.as_mut()?;
        let slice = walk.take();
        if walk.is_over() {
            self.walk = None;
        }
        Some(slice)
    }

    /// Takes what writers had to save for a running snapshot, if that is anything.
    pub(crate) fn take_saved(&mut self) -> Option<Slice> {
        let walk = self.walk.as_mut()?;
        walk.has_some().then(|| walk.take())
    }

    /// Hands over everything there is for a reader, a piece at a time, without beginning a snapshot.
    pub(crate) fn write_all<E>(
        &self,
        db: usize,
        encode: &dyn Encode,
        write: &mut impl FnMut(&Slice) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut slice = Slice {
            db,
            ..Slice::default()
        };
        for entry in self.table.iter().filter(|entry| !self.tags.is_dead(entry)) {
            let mut names = Tags::of(entry).map(|id| self.tags.name(id));
            let mut rest = encode.begin(db, entry, &mut names, &mut slice.draft);
            slice.entries += 1;
            loop {
                if slice.is_full() {
                    write(&slice)?;
                    slice.clear();
                }
                let Some(from) = rest else { break };
                rest = encode.go_on(entry, from, &mut slice.draft);
            }
        }
        write(&slice)
    }

    /// Bytes of everything here, from the average of a few entries.
    pub fn estimated_bytes(&self) -> usize {
        let looked = self.table.iter().take(32);
        let (count, bytes) = looked.fold((0, 0), |(count, bytes), entry| {
            (count + 1, bytes + entry.size_bytes())
        });
        let average = usize::checked_div(bytes, count).unwrap_or(0);
        self.len() * average + self.table.overhead_bytes()
    }

    /// Frees some entries of a database that was flushed; how many, `None` when all are freed.
    ///
    /// Whoever does this looks at nothing in it any more.
    pub fn free_some(&mut self) -> Option<usize> {
        self.table.free_some()
    }

    /// How many entries have an expiry.
    pub fn volatile_len(&self) -> usize {
        self.table.volatile()
    }

    /// A moment before which no entry has expired; O(1).
    pub(crate) fn soonest_ms(&self) -> i64 {
        self.table.soonest_ms()
    }

    /// What should have been removed by now. Counts only where something has expired.
    pub(crate) fn overdue(&self, now_ms: i64) -> Overdue {
        let (expired, since_ms) = match self.soonest_ms() <= now_ms {
            true => self.table.due(now_ms),
            false => (0, now_ms),
        };
        Overdue {
            volatile: self.volatile_len(),
            expired,
            lag_ms: now_ms.abs_diff(since_ms),
        }
    }

    /// Takes up to `count` entries out that have expired.
    ///
    /// Finds everything that expired more than [`crate::table::TICK_MS`] ago; what it looks through for it are
    /// two bytes an entry, of those segments in which one is due.
    pub(crate) fn expire(&mut self, count: usize, now_ms: i64, removed: &mut Vec<Entry>) {
        let enough = removed.len() + count;
        while removed.len() < enough
            && let Some(at) = self.table.next_expired(now_ms)
        {
            removed.extend(self.remove(at));
        }
    }
}

fn expiry_sum(entry: &Entry) -> i128 {
    entry.expiry_ms().unwrap_or(0).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;
    use crate::table::TICK_MS;
    use crate::value::Value;
    use std::collections::{BTreeSet, HashMap};
    use std::sync::Arc;

    fn tag_hash(name: &str) -> u64 {
        name.bytes().fold(17, |hash: u64, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(byte))
        })
    }

    fn attach(partition: &mut Partition, names: &Arc<Names>, at: Place, name: &str) -> bool {
        let entry = partition.get(at).expect("found");
        let key_hash = partition.table().hash(entry.key());
        let hash = tag_hash(name);
        partition.attach(at, key_hash, hash, name.as_bytes(), || {
            names.hold(hash, name.as_bytes())
        })
    }

    fn find(partition: &Partition, key: &[u8]) -> Option<Place> {
        partition.find(partition.table().hash(key), key)
    }

    fn insert(partition: &mut Partition, key: &[u8], value: i64) -> Place {
        let hash = partition.table().hash(key);
        partition.insert(hash, Entry::new(key, Value::Int(value), 0, None), 0)
    }

    /// 100,000 seeded steps of tagging, removing, invalidating and reclaiming against a plain model.
    #[test]
    fn tags_follow_their_entries() {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut partition = Partition::default();
        let names = Arc::new(Names::default());
        let mut model: HashMap<Vec<u8>, BTreeSet<String>> = HashMap::new();
        for step in 0..100_000 {
            let key = format!("k{}", rng.u32(..500)).into_bytes();
            let tag = format!("t{}", rng.u32(..20));
            let found = find(&partition, &key);
            let live = found.filter(|&at| {
                partition
                    .get(at)
                    .is_some_and(|entry| partition.is_live(entry, 0))
            });
            assert_eq!(live.is_some(), model.contains_key(&key), "step {step}");
            assert_eq!(partition.undead_len(), model.len());
            match rng.u32(..100) {
                0..40 => {
                    if let Some(dead) = found.filter(|_| live.is_none()) {
                        partition.remove(dead);
                    }
                    let at = live.unwrap_or_else(|| insert(&mut partition, &key, step));
                    let is_new = model.entry(key).or_default().insert(tag.clone());
                    assert_eq!(attach(&mut partition, &names, at, &tag), is_new);
                }
                40..60 => {
                    let Some(at) = live else { continue };
                    let id = partition.tags().find(tag_hash(&tag), tag.as_bytes());
                    let had = id.is_some_and(|id| partition.detach(at, id));
                    assert_eq!(had, model.get_mut(&key).expect("live").remove(&tag));
                }
                60..75 => {
                    if let Some(at) = found {
                        partition.remove(at);
                        model.remove(&key);
                    }
                }
                75..78 => {
                    let id = partition.tags().find(tag_hash(&tag), tag.as_bytes());
                    if let Some(id) = id {
                        partition.invalidate(id);
                    }
                    model.retain(|_, tags| !tags.contains(&tag));
                }
                _ => {
                    partition.reclaim();
                }
            }
        }
        while partition.reclaim().is_some() {}
        assert_eq!(partition.len(), model.len());
        let pairs: usize = model.values().map(BTreeSet::len).sum();
        assert_eq!(partition.tags().pairs(), pairs);
        let in_use: BTreeSet<_> = model.values().flatten().collect();
        assert_eq!(names.len(), in_use.len());
        for (key, tags) in &model {
            let at = find(&partition, key).expect("in the model");
            let entry = partition.get(at).expect("found");
            let names: BTreeSet<_> = Tags::of(entry)
                .map(|id| String::from_utf8_lossy(partition.tags().name(id)).into_owned())
                .collect();
            assert_eq!(&names, tags);
        }
    }

    /// 50,000 seeded steps against a plain model; then time passes until nothing is left.
    #[test]
    fn what_can_expire_is_counted_and_found() {
        let mut rng = fastrand::Rng::with_seed(5);
        let mut partition = Partition::default();
        let mut model: HashMap<Vec<u8>, Option<i64>> = HashMap::new();
        for step in 0..50_000i64 {
            let key = rng.u32(..3_000).to_be_bytes().to_vec();
            match (find(&partition, &key), rng.u32(..4)) {
                (None, _) => {
                    insert(&mut partition, &key, step);
                    model.insert(key, None);
                }
                (Some(at), 0) => {
                    partition.remove(at);
                    model.remove(&key);
                }
                (Some(at), choice) => {
                    let longest_ms = 1 << rng.u8(4..40);
                    let expiry = (choice != 1).then(|| step + rng.i64(..longest_ms));
                    partition.set_expiry(at, expiry, step);
                    model.insert(key, expiry);
                }
            }
        }
        let expected: i128 = model.values().flatten().map(|&ms| i128::from(ms)).sum();
        assert_eq!(partition.expiry_sum_ms(), expected);
        assert_eq!(partition.volatile_len(), model.values().flatten().count());
        let mut now_ms = 50_000;
        while partition.volatile_len() > 0 {
            let mut removed = Vec::new();
            while partition.soonest_ms() <= now_ms {
                partition.expire(7, now_ms, &mut removed);
            }
            for entry in removed {
                let expiry_ms = model.remove(entry.key()).flatten();
                assert!(expiry_ms.is_some_and(|it| it < now_ms));
            }
            let overdue = model
                .values()
                .flatten()
                .filter(|&&it| it < now_ms - TICK_MS);
            assert_eq!(overdue.count(), 0);
            let longest_ms = 1 << rng.u8(1..36);
            now_ms += rng.i64(1..=longest_ms);
        }
        assert_eq!(partition.len(), model.len());
        assert_eq!(partition.expiry_sum_ms(), 0);
    }
}
