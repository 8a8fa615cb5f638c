//! The part of one database that lives in one shard.
//!
//! Every change of an entry goes through here, because four things hang on an entry: the index, the
//! list of volatile entries, the tags, and a running snapshot, which must see the entry as it was.

use crate::entry::{Entry, NOT_VOLATILE};
use crate::names::NameUse;
use crate::snapshot::{Burden, Encode, Slice, Walk};
use crate::table::{Handle, Table};
use crate::tag::{TagId, Tags};
use crate::value::Value;

/// Entries, expiries and tags of one database in one shard.
#[derive(Default)]
pub struct Partition {
    table: Table,
    volatile: Vec<Handle>,
    /// Sum of the expiries in `volatile`, for the average time to live of INFO.
    expiry_sum_ms: i128,
    tags: Tags,
    walk: Option<Box<Walk>>,
    /// The epoch of everything a snapshot need not write any more.
    epoch: bool,
    /// Where in `volatile` the next look for expired entries begins.
    sweep_at: usize,
    /// No entry expires before: what the last complete round of looks has found, and what came since.
    soonest_ms: i64,
    /// The same of the present round.
    round_soonest_ms: i64,
}

impl Partition {
    /// An empty partition of a shard that is in `epoch`.
    pub(crate) fn new(epoch: bool) -> Partition {
        Partition {
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

    /// The entries that have an expiry.
    pub fn volatile(&self) -> &[Handle] {
        &self.volatile
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
    pub fn find(&self, hash: u32, key: &[u8]) -> Option<Handle> {
        self.table.find(hash, key)
    }

    /// The entry in a slot.
    #[inline]
    pub fn get(&self, at: Handle) -> Option<&Entry> {
        self.table.get(at)
    }

    /// Whether the entry is there for a reader: not expired and with no invalidated tag.
    #[inline]
    pub fn is_live(&self, entry: &Entry, now_ms: i64) -> bool {
        !entry.is_expired(now_ms) && !self.tags.is_dead(entry)
    }

    /// The entry in a slot, to change its access clock only.
    #[inline]
    pub(crate) fn touch(&mut self, at: Handle) -> Option<&mut Entry> {
        self.table.get_mut(at)
    }

    /// The entry in a slot, to change its value; a running snapshot gets it first.
    #[inline]
    pub(crate) fn edit(&mut self, at: Handle) -> Option<&mut Entry> {
        if self.walk.is_some() {
            self.preserve(at);
        }
        self.table.get_mut(at)
    }

    /// Adds an entry whose key is not there yet.
    pub(crate) fn insert(
        &mut self,
        key: &[u8],
        hash: u32,
        value: Value<'_>,
        access: u32,
    ) -> Handle {
        self.insert_entry(Entry::new(key, hash, value, access))
    }

    /// Adds an entry that was taken out elsewhere; its tags and its expiry are attached by the caller.
    pub(crate) fn insert_entry(&mut self, mut entry: Entry) -> Handle {
        entry.put_epoch(self.epoch);
        self.table.insert(entry)
    }

    /// Puts an entry of the same key in the place of another, whose tags it gets; gives the old one.
    ///
    /// A scan of keys or of a tag that is under way meets the new one where it would have met the old.
    pub(crate) fn replace(&mut self, at: Handle, mut entry: Entry) -> Option<Entry> {
        if self.walk.is_some() {
            self.preserve(at);
        }
        self.unlist(at);
        let place = self.table.get_mut(at)?;
        entry.put_epoch(self.epoch);
        entry.tags = place.tags.take();
        Some(std::mem::replace(place, entry))
    }

    /// Takes an entry out, with its expiry and its tags.
    pub(crate) fn remove(&mut self, at: Handle) -> Option<Entry> {
        if self.walk.is_some() {
            self.preserve(at);
        }
        self.unlist(at);
        self.tags.detach_all(at, &mut self.table);
        self.table.remove(at)
    }

    /// Sets or clears the expiry.
    pub(crate) fn set_expiry(&mut self, at: Handle, expiry_ms: Option<i64>) {
        let Some(entry) = self.edit(at) else { return };
        let old = entry.expiry_ms();
        entry.put_expiry(expiry_ms);
        let is_listed = entry.volatile_at != NOT_VOLATILE;
        if let Some(expiry_ms) = expiry_ms {
            self.note_expiry(expiry_ms);
        }
        self.expiry_sum_ms += i128::from(expiry_ms.unwrap_or(0)) - i128::from(old.unwrap_or(0));
        match (expiry_ms.is_some(), is_listed) {
            (true, false) => self.list(at),
            (false, true) => self.unlist(at),
            _ => {}
        }
    }

    fn list(&mut self, at: Handle) {
        let place = self.volatile.len() as u32;
        if let Some(entry) = self.table.get_mut(at) {
            entry.volatile_at = place;
            self.volatile.push(at);
        }
    }

    /// Takes an entry off the volatile list; the last of the list takes its place.
    fn unlist(&mut self, at: Handle) {
        let Some(entry) = self.table.get_mut(at) else {
            return;
        };
        let place = std::mem::replace(&mut entry.volatile_at, NOT_VOLATILE);
        if place == NOT_VOLATILE {
            return;
        }
        self.expiry_sum_ms -= i128::from(entry.expiry_ms().unwrap_or(0));
        self.volatile.swap_remove(place as usize);
        if let Some(&moved) = self.volatile.get(place as usize)
            && let Some(entry) = self.table.get_mut(moved)
        {
            entry.volatile_at = place;
            // It may have moved to where this round of looks has been already.
            let expiry_ms = entry.expiry_ms().unwrap_or(i64::MAX);
            self.round_soonest_ms = self.round_soonest_ms.min(expiry_ms);
        }
        if self.volatile.capacity() > 64 && self.volatile.len() < self.volatile.capacity() / 4 {
            self.volatile.shrink_to(self.volatile.len() * 2);
        }
    }

    /// Attaches a tag; `false` if the entry has it already. `take_name` is asked for the name if no
    /// entry here has the tag yet.
    pub(crate) fn attach(
        &mut self,
        at: Handle,
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
        self.tags.attach(hash, name, take_name, at, entry)
    }

    /// Detaches a tag; `false` if the entry does not have it.
    pub(crate) fn detach(&mut self, at: Handle, id: TagId) -> bool {
        if self.walk.is_some() {
            self.preserve(at);
        }
        self.tags.detach(id, at, &mut self.table)
    }

    /// Detaches all tags of an entry.
    pub(crate) fn detach_all(&mut self, at: Handle) {
        if self.get(at).is_none_or(|entry| entry.tags.is_none()) {
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
        let at = self.tags.next_dead()?;
        self.remove(at)
    }

    /// Hands the entry to a running snapshot, unless it has it already.
    fn preserve(&mut self, at: Handle) {
        let Some(walk) = self.walk.as_deref_mut() else {
            return;
        };
        let Some(entry) = self.table.get(at) else {
            return;
        };
        if entry.epoch() == self.epoch {
            return;
        }
        walk.write(entry, &self.tags);
        let epoch = self.epoch;
        if let Some(entry) = self.table.get_mut(at) {
            entry.put_epoch(epoch);
        }
    }

    /// Begins a snapshot: every entry of now is of the old epoch and will be written once.
    pub(crate) fn begin_walk(&mut self, db: usize, encode: Encode, burden: &Burden) {
        debug_assert!(
            self.walk.is_none(),
            "one snapshot is walked to its end before the next"
        );
        self.epoch = !self.epoch;
        if !self.is_empty() {
            let (end, dead) = (self.table.slots(), self.tags.dead());
            self.walk = Some(Box::new(Walk::new(db, end, dead, encode, burden.clone())));
        }
    }

    /// Whether a snapshot is not done with this partition.
    pub(crate) fn is_walking(&self) -> bool {
        self.walk.is_some()
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

    /// Hands the next `slots` slots to a running snapshot and takes what it has written so far.
    ///
    /// Ends earlier when much has been written. The walk ends with the last slot.
    pub(crate) fn walk_on(&mut self, slots: usize) -> Option<Slice> {
        for _ in 0..slots {
            let walk = self.walk.as_mut()?;
            if walk.has_slice() {
                break;
            }
            let Some(at) = walk.step(self.table.slots()) else {
                break;
            };
            self.preserve(at as Handle);
        }
        let walk = self.walk.as_mut()?;
        let slice = walk.take();
        if walk.is_over() {
            self.walk = None;
        }
        Some(slice)
    }

    /// Bytes of everything here, from the average of a few entries.
    pub fn estimated_bytes(&self) -> usize {
        let looked = (0..self.table.slots().min(32)).filter_map(|at| self.get(at as Handle));
        let (count, bytes) = looked.fold((0, 0), |(count, bytes), entry| {
            (count + 1, bytes + entry.size_bytes())
        });
        let average = usize::checked_div(bytes, count).unwrap_or(size_of::<Entry>());
        self.len() * average
            + self.table.overhead_bytes()
            + self.volatile.capacity() * size_of::<Handle>()
    }

    /// Frees some entries of a database that was flushed; how many, `None` when all are freed.
    ///
    /// Whoever does this looks at nothing in it any more.
    pub fn free_some(&mut self) -> Option<usize> {
        self.table.free_some()
    }

    /// Whether an entry may have expired by now; O(1).
    pub(crate) fn may_have_expired(&self, now_ms: i64) -> bool {
        !self.volatile.is_empty() && self.soonest_ms < now_ms
    }

    /// How many of `count` volatile entries chosen at random have expired.
    pub(crate) fn probe_expired(
        &self,
        count: usize,
        now_ms: i64,
        rng: &mut fastrand::Rng,
    ) -> usize {
        let draws = (0..count.min(self.volatile.len())).map(|_| rng.usize(..self.volatile.len()));
        let entries = draws.filter_map(|place| self.get(self.volatile[place]));
        entries.filter(|entry| entry.is_expired(now_ms)).count()
    }

    /// Looks at up to `count` volatile entries, from where the last look ended, and takes those out that
    /// have expired; how many it looked at.
    pub(crate) fn expire(&mut self, count: usize, now_ms: i64, removed: &mut Vec<Entry>) -> usize {
        let looked = count.min(self.volatile.len());
        for _ in 0..looked {
            if self.sweep_at >= self.volatile.len() {
                self.sweep_at = 0;
                self.soonest_ms = std::mem::replace(&mut self.round_soonest_ms, i64::MAX);
            }
            let Some(&at) = self.volatile.get(self.sweep_at) else {
                break;
            };
            let Some(expiry_ms) = self.get(at).and_then(Entry::expiry_ms) else {
                break;
            };
            if expiry_ms < now_ms {
                // The last of the list takes its place and is looked at next.
                removed.extend(self.remove(at));
            } else {
                self.round_soonest_ms = self.round_soonest_ms.min(expiry_ms);
                self.sweep_at += 1;
            }
        }
        looked
    }

    fn note_expiry(&mut self, expiry_ms: i64) {
        self.soonest_ms = self.soonest_ms.min(expiry_ms);
        self.round_soonest_ms = self.round_soonest_ms.min(expiry_ms);
    }

    /// Moves up to `moves` entries into vacant slots, so that memory goes back; whether more could be done.
    ///
    /// Not while a snapshot walks the slots upwards: an entry could slip below it.
    pub(crate) fn compact(&mut self, moves: usize) -> bool {
        if self.walk.is_some() || !self.table.is_sparse() {
            return false;
        }
        for _ in 0..moves {
            let Some(to) = self.table.move_down() else {
                break;
            };
            let Some(entry) = self.table.get(to) else {
                break;
            };
            if entry.volatile_at != NOT_VOLATILE {
                self.volatile[entry.volatile_at as usize] = to;
            }
            self.tags.moved(entry, to);
        }
        self.table.is_sparse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;
    use std::collections::{BTreeSet, HashMap};
    use std::sync::Arc;

    fn hash(key: &[u8]) -> u32 {
        key.iter().fold(17, |hash: u32, &byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte))
        })
    }

    fn attach(partition: &mut Partition, names: &Arc<Names>, at: Handle, name: &str) -> bool {
        let (hash, name) = (u64::from(hash(name.as_bytes())), name.as_bytes());
        partition.attach(at, hash, name, || names.hold(hash, name))
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
            let found = partition.find(hash(&key), &key);
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
                    let at = live
                        .unwrap_or_else(|| partition.insert(&key, hash(&key), Value::Int(step), 0));
                    let is_new = model.entry(key).or_default().insert(tag.clone());
                    assert_eq!(attach(&mut partition, &names, at, &tag), is_new);
                }
                40..60 => {
                    let Some(at) = live else { continue };
                    let id = partition
                        .tags()
                        .find(u64::from(hash(tag.as_bytes())), tag.as_bytes());
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
                    let id = partition
                        .tags()
                        .find(u64::from(hash(tag.as_bytes())), tag.as_bytes());
                    if let Some(id) = id {
                        partition.invalidate(id);
                    }
                    model.retain(|_, tags| !tags.contains(&tag));
                }
                78..80 => while partition.compact(64) {},
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
            let at = partition.find(hash(key), key).expect("in the model");
            let entry = partition.get(at).expect("found");
            let names: BTreeSet<_> = Tags::of(entry)
                .map(|id| String::from_utf8_lossy(partition.tags().name(id)).into_owned())
                .collect();
            assert_eq!(&names, tags);
        }
    }

    #[test]
    fn the_volatile_list_holds_exactly_what_can_expire() {
        let mut rng = fastrand::Rng::with_seed(5);
        let mut partition = Partition::default();
        let mut model: HashMap<Vec<u8>, Option<i64>> = HashMap::new();
        for step in 0..50_000i64 {
            let key = rng.u32(..300).to_be_bytes().to_vec();
            match (partition.find(hash(&key), &key), rng.u32(..4)) {
                (None, _) => {
                    partition.insert(&key, hash(&key), Value::Int(step), 0);
                    model.insert(key, None);
                }
                (Some(at), 0) => {
                    partition.remove(at);
                    model.remove(&key);
                }
                (Some(at), choice) => {
                    let expiry = (choice != 1).then_some(step);
                    partition.set_expiry(at, expiry);
                    model.insert(key, expiry);
                }
            }
        }
        let expected: i128 = model.values().flatten().map(|&ms| i128::from(ms)).sum();
        assert_eq!(partition.expiry_sum_ms(), expected);
        assert_eq!(partition.volatile().len(), model.values().flatten().count());
        for (place, &at) in partition.volatile().iter().enumerate() {
            assert_eq!(
                partition.get(at).expect("listed").volatile_at as usize,
                place
            );
        }
    }
}
