//! Many members of a collection, each with a value and perhaps an expiry: what `OBJECT ENCODING` calls
//! `hashtable`.
//!
//! One allocation a member, of the kind that keys have. A handful of them lie in a list that is searched by
//! fingerprint: a collection leaves its packed form for one long value as well, and a table of three would
//! cost more than the three. More lie in a [`Table`], which grows and shrinks without a pause and whose
//! order lets a scan keep its promise: what is there from its beginning to its end is met.

use std::sync::LazyLock;

use crate::entry::Entry;
use crate::hasher::Hasher;
use crate::memory::class_bytes;
use crate::table::{Place, Table};
use crate::value::Value;

/// The most that lie in a list.
const FEW: usize = 16;

/// One for the process: a collection of its own would need 32 bytes for its keys.
static HASHER: LazyLock<Hasher> = LazyLock::new(Hasher::default);

/// Members in no order that means anything.
#[derive(Debug)]
pub struct Members(Shape);

#[derive(Debug)]
enum Shape {
    Few(Vec<Entry>),
    Many(Box<Many>),
}

#[derive(Debug)]
struct Many {
    table: Table,
    /// Sum of what the entries take beside their cells.
    entry_bytes: usize,
}

/// Members of one step of a walk.
pub struct Step<I> {
    /// Where the walk goes on; `None` at its end.
    pub next: Option<u64>,
    /// What it has met.
    pub members: I,
}

fn hash(member: &[u8]) -> u32 {
    HASHER.hash(member) as u32
}

/// The fingerprint of a member in a list.
fn fingerprint(hash: u32) -> u16 {
    (hash >> 16) as u16
}

impl Default for Members {
    fn default() -> Members {
        Members(Shape::Few(Vec::new()))
    }
}

impl Clone for Members {
    fn clone(&self) -> Members {
        Members(match &self.0 {
            Shape::Few(list) => Shape::Few(list.iter().map(Entry::duplicate_with_expiry).collect()),
            Shape::Many(many) => Shape::Many(Box::new(Many {
                table: many.table.duplicate(),
                entry_bytes: many.entry_bytes,
            })),
        })
    }
}

impl Members {
    /// How many.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Shape::Few(list) => list.len(),
            Shape::Many(many) => many.table.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many have an expiry.
    pub fn volatile(&self) -> usize {
        match &self.0 {
            Shape::Few(list) => list.iter().filter(|it| it.expiry_ms().is_some()).count(),
            Shape::Many(many) => many.table.volatile(),
        }
    }

    /// Bytes of memory, in allocator classes. O(1).
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Shape::Few(list) => {
                class_bytes(list.capacity() * size_of::<Entry>())
                    + list.iter().map(Entry::heap_bytes).sum::<usize>()
            }
            Shape::Many(many) => {
                let cells = many.table.len() * size_of::<Entry>() + many.table.overhead_bytes();
                class_bytes(size_of::<Many>()) + cells + many.table.due_bytes() + many.entry_bytes
            }
        }
    }

    /// Where a member is, until the next one is added or removed.
    #[inline]
    pub fn find(&self, member: &[u8]) -> Option<Place> {
        self.find_hashed(hash(member), member)
    }

    #[inline]
    fn find_hashed(&self, hash: u32, member: &[u8]) -> Option<Place> {
        match &self.0 {
            Shape::Few(list) => {
                let wanted = fingerprint(hash);
                let is_it = |it: &Entry| it.fingerprint() == wanted && it.key() == member;
                list.iter().position(is_it).map(Place::in_list)
            }
            Shape::Many(many) => many.table.find(hash, member),
        }
    }

    /// The member at a place.
    #[inline]
    pub fn at(&self, place: Place) -> Option<&Entry> {
        match &self.0 {
            Shape::Few(list) => list.get(place.at()),
            Shape::Many(many) => many.table.get(place),
        }
    }

    /// A member.
    #[inline]
    pub fn get(&self, member: &[u8]) -> Option<&Entry> {
        self.at(self.find(member)?)
    }

    /// Whether there is such a member.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.find(member).is_some()
    }

    /// Adds a member with its value if there is none yet; whether it did.
    #[inline]
    pub fn add(&mut self, member: &[u8], value: Value<'_>) -> bool {
        let hash = hash(member);
        let is_new = self.find_hashed(hash, member).is_none();
        if is_new {
            self.insert(hash, Entry::new(member, value, 0, None), 0);
        }
        is_new
    }

    /// Gives a member its value, without a change of its expiry, or adds it; whether it was added.
    #[inline]
    pub fn put(&mut self, member: &[u8], value: Value<'_>) -> bool {
        let hash = hash(member);
        match self.find_hashed(hash, member) {
            Some(place) => self.put_value(place, value),
            None => {
                self.insert(hash, Entry::new(member, value, 0, None), 0);
                return true;
            }
        }
        false
    }

    /// Adds a member that is not there yet, with its expiry.
    pub fn push(&mut self, member: &[u8], value: Value<'_>, expiry_ms: Option<i64>, now_ms: i64) {
        let hash = hash(member);
        debug_assert!(self.find_hashed(hash, member).is_none(), "it is not there");
        self.insert(hash, Entry::new(member, value, 0, expiry_ms), now_ms);
    }

    fn insert(&mut self, hash: u32, mut entry: Entry, now_ms: i64) {
        if let Shape::Few(list) = &mut self.0 {
            if list.len() < FEW {
                entry.put_fingerprint(fingerprint(hash));
                return list.push(entry);
            }
            self.0 = Shape::Many(Many::of(std::mem::take(list)));
        }
        if let Shape::Many(many) = &mut self.0 {
            many.insert(hash, entry, now_ms);
        }
    }

    /// Gives the member at a place another value.
    #[inline]
    pub fn put_value(&mut self, place: Place, value: Value<'_>) {
        match &mut self.0 {
            Shape::Few(list) => {
                if let Some(entry) = list.get_mut(place.at()) {
                    entry.put_value(value);
                }
            }
            Shape::Many(many) => many.change(place, |entry| drop(entry.put_value(value))),
        }
    }

    /// Sets or clears the expiry of the member at a place.
    pub fn put_expiry(&mut self, place: Place, expiry_ms: Option<i64>, now_ms: i64) {
        match &mut self.0 {
            Shape::Few(list) => {
                if let Some(entry) = list.get_mut(place.at()) {
                    entry.put_expiry(expiry_ms);
                }
            }
            Shape::Many(many) => {
                many.change(place, |entry| entry.put_expiry(expiry_ms));
                many.table.note_expiry(place, expiry_ms, now_ms);
            }
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, member: &[u8]) -> Option<Entry> {
        let place = self.find(member)?;
        self.take(place)
    }

    /// Takes the member at a place out.
    pub fn take(&mut self, place: Place) -> Option<Entry> {
        match &mut self.0 {
            Shape::Few(list) => (place.at() < list.len()).then(|| list.swap_remove(place.at())),
            Shape::Many(many) => {
                let entry = many.table.remove(place)?;
                many.entry_bytes -= entry.heap_bytes();
                Some(entry)
            }
        }
    }

    /// All of them, in any order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        let (list, many) = match &self.0 {
            Shape::Few(list) => (&list[..], None),
            Shape::Many(many) => (&[][..], Some(many)),
        };
        list.iter()
            .chain(many.into_iter().flat_map(|it| it.table.iter()))
    }

    /// One step of a walk that begins at 0: the members of the lowest hash from `from` on, or a list as a
    /// whole. A walk meets whatever is there from its beginning to its end, and some of it twice.
    pub fn walk(&self, from: u64) -> Step<impl Iterator<Item = &Entry>> {
        let (list, group) = match &self.0 {
            Shape::Few(list) => (&list[..], None),
            Shape::Many(many) => (&[][..], many.table.group(from).map(|it| (it, &many.table))),
        };
        let next = group.as_ref().map(|(group, _)| group.next);
        let places = |(group, table): (crate::table::Group, _)| {
            let table: &Table = table;
            group.places().filter_map(|at| table.get(at))
        };
        Step {
            next: next.filter(|&next| next <= u32::MAX.into()),
            members: list.iter().chain(group.into_iter().flat_map(places)),
        }
    }

    /// The place of a member chosen at random, each with the same chance; `None` if there is none.
    pub fn sample(&self, rng: &mut fastrand::Rng) -> Option<Place> {
        match &self.0 {
            Shape::Few(list) => (!list.is_empty()).then(|| Place::in_list(rng.usize(..list.len()))),
            Shape::Many(many) => many.table.sample(rng),
        }
    }

    /// A moment before which no member has expired for more than [`crate::table::TICK_MS`] since it was noted, in
    /// milliseconds since 1970; O(1).
    pub fn soonest_ms(&self) -> i64 {
        match &self.0 {
            Shape::Few(list) => {
                let expiries = list.iter().filter_map(Entry::expiry_ms);
                expiries.min().unwrap_or(i64::MAX)
            }
            Shape::Many(many) => many.table.soonest_ms(),
        }
    }

    /// Where a member is that has expired; `None` if there is none.
    pub fn next_expired(&mut self, now_ms: i64) -> Option<Place> {
        match &mut self.0 {
            Shape::Few(list) => {
                let expired = list.iter().position(|it| it.is_expired(now_ms));
                expired.map(Place::in_list)
            }
            Shape::Many(many) => {
                let table = &mut many.table;
                // The first round may begin anywhere, and end before it has seen all.
                table
                    .next_expired_exactly(now_ms)
                    .or_else(|| table.next_expired_exactly(now_ms))
            }
        }
    }

    /// Frees some of what nobody will look at any more; how many members, `None` when all are freed.
    pub fn free_some(&mut self) -> Option<usize> {
        match &mut self.0 {
            Shape::Few(list) => {
                let freed = std::mem::take(list).len();
                (freed > 0).then_some(freed)
            }
            Shape::Many(many) => many.table.free_some(),
        }
    }
}

impl Many {
    fn of(list: Vec<Entry>) -> Box<Many> {
        // The clock of the table, which needs one that is not far from its expiries.
        let clock_ms = list.iter().filter_map(Entry::expiry_ms).min().unwrap_or(0);
        let mut many = Box::new(Many {
            table: Table::new(HASHER.clone()),
            entry_bytes: 0,
        });
        for entry in list {
            many.insert(hash(entry.key()), entry, clock_ms);
        }
        many
    }

    #[inline]
    fn insert(&mut self, hash: u32, entry: Entry, now_ms: i64) {
        self.entry_bytes += entry.heap_bytes();
        self.table.insert(hash, entry, now_ms);
    }

    #[inline]
    fn change(&mut self, place: Place, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.table.get_mut(place) {
            self.entry_bytes -= entry.heap_bytes();
            change(entry);
            self.entry_bytes += entry.heap_bytes();
        }
    }
}

#[cfg(test)]
mod tests;
