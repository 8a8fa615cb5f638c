//! Entries by key, in the order of their hashes.
//!
//! Extendible hashing (Fagin et al., 1979): the leading bits of a hash choose a segment of at most
//! some 900 entries, which holds them in order. A full segment is split in two and a sparse one merged
//! with its other half, so the table grows and shrinks by some kilobytes at a time, and no step
//! depends on its size. As the order of the entries is that of their hashes and nothing ever changes a
//! hash, a scan is a walk over hashes: it meets whatever stays, however the table grows or shrinks.

mod due;
mod segment;

use std::collections::VecDeque;
use std::ops::Range;

use self::segment::{FINGERPRINT_BITS, Segment};
use crate::entry::Entry;
use crate::hasher::Hasher;
use crate::memory::class_bytes;

pub use self::due::TICK_MS;

/// Where an entry lies, until the next entry is added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    segment: u32,
    cell: u32,
}

/// The steps of a lookup, each of which needs the memory that the one before has named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// The cells where the search begins.
    Cells,
    /// The entry with its key and short value.
    Entry,
}

/// Entries of one fingerprint, which a scan takes together.
pub(crate) struct Group {
    segment: u32,
    cells: Range<usize>,
    /// The hash from which a scan goes on; beyond all hashes at the end.
    pub(crate) next: u64,
}

impl Group {
    /// The places of its entries.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let segment = self.segment;
        self.cells.clone().map(move |cell| Place {
            segment,
            cell: cell as u32,
        })
    }
}

impl Place {
    /// The place in a list of entries that is no table.
    pub(crate) fn in_list(at: usize) -> Place {
        let cell = at as u32;
        Place { segment: 0, cell }
    }

    /// Where it is in such a list.
    pub(crate) fn at(self) -> usize {
        self.cell as usize
    }
}

/// With so many entries a segment that was made for them has room for some more than chance may bring.
const RESERVED_LEN: usize = 800;

/// How often a sample is drawn before it is taken from where it may be biased. Of a crowded table one in three is
/// a hit, of one that has shrunk one in ten.
const DRAWS: usize = 512;

/// Asks for the cache line at an address that will soon be read.
#[inline]
#[cfg_attr(
    all(target_arch = "x86_64", not(miri)),
    expect(unsafe_code, reason = "there is no safe prefetch")
)]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching reads nothing that the program sees, and faults on no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

/// Asks for both cache lines that a small entry may lie in.
#[inline]
fn prefetch_entry(entry: &Entry) {
    prefetch(entry.address());
    prefetch(entry.address().wrapping_add(64));
}

/// Entries on their way from one segment to others, fetched some ahead.
struct Fetched<I> {
    rest: I,
    ahead: VecDeque<(Entry, u16)>,
}

impl<I: Iterator<Item = (Entry, u16)>> Fetched<I> {
    /// About as many cache misses as a core has in flight.
    const AHEAD: usize = 12;

    fn new(rest: I) -> Fetched<I> {
        Fetched {
            rest,
            ahead: VecDeque::with_capacity(Self::AHEAD),
        }
    }
}

impl<I: Iterator<Item = (Entry, u16)>> Iterator for Fetched<I> {
    type Item = (Entry, u16);

    fn next(&mut self) -> Option<(Entry, u16)> {
        while self.ahead.len() < Self::AHEAD
            && let Some(item) = self.rest.next()
        {
            prefetch(item.0.address());
            self.ahead.push_back(item);
        }
        self.ahead.pop_front()
    }
}

/// The entries of one partition.
#[derive(Debug, Default)]
pub struct Table {
    hasher: Hasher,
    /// For each value of the `depth` leading bits of a hash its segment.
    directory: Vec<u32>,
    depth: u32,
    segments: Vec<Segment>,
    /// How many segments there are of each depth.
    of_depth: [u32; segment::MOST_DEPTH as usize + 1],
    /// What the segments' cells take, in allocator classes.
    cell_bytes: usize,
    /// What finds their expired entries.
    due_bytes: usize,
    /// No segment has more cells.
    widest: usize,
    len: usize,
    volatile: usize,
    /// No entry has expired before.
    soonest_ms: i64,
    /// The hash from which the search for expired entries goes on.
    expire_at: u64,
}

impl Table {
    /// An empty table of keys that are hashed so.
    pub(crate) fn new(hasher: Hasher) -> Table {
        Table {
            hasher,
            soonest_ms: i64::MAX,
            ..Table::default()
        }
    }

    /// The same entries, copied, with their expiries but without tags. O(n), without a look at a key.
    pub(crate) fn duplicate(&self) -> Table {
        let segments: Vec<Segment> = self.segments.iter().map(Segment::duplicate).collect();
        let mut table = Table {
            hasher: self.hasher.clone(),
            directory: self.directory.clone(),
            segments,
            cell_bytes: 0,
            due_bytes: 0,
            ..*self
        };
        (0..table.segments.len() as u32).for_each(|at| table.count_in(at));
        table
    }

    /// How many entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many entries have an expiry.
    pub fn volatile(&self) -> usize {
        self.volatile
    }

    /// A moment before which no entry has expired, in milliseconds since 1970.
    pub(crate) fn soonest_ms(&self) -> i64 {
        self.soonest_ms
    }

    /// How many entries there is room for before a segment grows.
    pub fn capacity(&self) -> usize {
        self.segments.iter().map(Segment::capacity).sum()
    }

    /// Bytes of directory and vacant cells, in allocator classes. A cell in use is a part of its entry
    /// ([`Entry::size_bytes`]), so that the two add up to all there is. O(1).
    pub fn overhead_bytes(&self) -> usize {
        class_bytes(self.directory.capacity() * size_of::<u32>())
            + class_bytes(self.segments.capacity() * size_of::<Segment>())
            + self.cell_bytes
            - self.len * size_of::<Entry>()
    }

    /// Bytes of what finds expired entries. O(1).
    pub fn due_bytes(&self) -> usize {
        self.due_bytes
    }

    /// Leaves a segment out of the sums, until [`Table::count_in`].
    fn count_out(&mut self, at: u32) {
        let segment = &self.segments[at as usize];
        self.cell_bytes -= segment.cell_bytes();
        self.due_bytes -= segment.due_bytes();
    }

    /// Takes a segment as it now is into the sums.
    fn count_in(&mut self, at: u32) {
        let segment = &self.segments[at as usize];
        self.cell_bytes += segment.cell_bytes();
        self.due_bytes += segment.due_bytes();
        let others = if self.segments.len() == 1 {
            0
        } else {
            self.widest
        };
        self.widest = others.max(segment.cells().len());
    }

    /// The hash of a key.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u32 {
        self.hasher.hash(key) as u32
    }

    /// The segment of a hash; `None` if the table has none.
    #[inline]
    fn segment_of(&self, hash: u32) -> Option<u32> {
        let leading = u64::from(hash) >> (u32::BITS - self.depth);
        self.directory.get(leading as usize).copied()
    }

    #[inline]
    fn segment(&self, at: u32) -> Option<&Segment> {
        self.segments.get(at as usize)
    }

    /// Where `key` is.
    #[inline]
    pub fn find(&self, hash: u32, key: &[u8]) -> Option<Place> {
        self.find_by(hash, |entry| entry.key() == key)
    }

    /// The first entry of that hash, or of one alike, for which `is_it` holds.
    #[inline]
    pub(crate) fn find_by(&self, hash: u32, is_it: impl FnMut(&Entry) -> bool) -> Option<Place> {
        let segment = self.segment_of(hash)?;
        let cell = self.segment(segment)?.find(hash, is_it)?;
        Some(Place {
            segment,
            cell: cell as u32,
        })
    }

    /// Brings what a lookup of `hash` will read closer, one step of it: see [`Ahead`].
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32, step: Ahead) {
        let Some(segment) = self.segment_of(hash).and_then(|at| self.segment(at)) else {
            return;
        };
        match step {
            Ahead::Cells => {
                let first: *const _ = segment.first_cell(hash);
                prefetch(first);
                // What is displaced lies in the next line, half of the time.
                prefetch(first.wrapping_add(8));
            }
            Ahead::Entry => {
                // The first of that fingerprint is it, but for one in seventy.
                segment.find(hash, |entry| {
                    prefetch_entry(entry);
                    true
                });
            }
        }
    }

    /// The entry at a place.
    #[inline]
    pub fn get(&self, at: Place) -> Option<&Entry> {
        self.segment(at.segment)?.get(at.cell as usize)
    }

    /// The entry at a place, to change all but its key and expiry.
    #[inline]
    pub(crate) fn get_mut(&mut self, at: Place) -> Option<&mut Entry> {
        self.segments
            .get_mut(at.segment as usize)?
            .get_mut(at.cell as usize)
    }

    /// Adds an entry whose key is not there yet.
    pub(crate) fn insert(&mut self, hash: u32, entry: Entry, now_ms: i64) -> Place {
        let expiry_ms = entry.expiry_ms();
        let mut entry = entry;
        let at = loop {
            let segment = self.segment_of(hash).unwrap_or_else(|| self.add_first());
            match self.segments[segment as usize].insert(hash, entry) {
                Ok(cell) => {
                    let cell = cell as u32;
                    break Place { segment, cell };
                }
                Err(back) => entry = back,
            }
            self.make_room(segment);
        };
        self.len += 1;
        if expiry_ms.is_some() {
            self.note_expiry(at, expiry_ms, now_ms);
        }
        at
    }

    fn add_first(&mut self) -> u32 {
        // Most tables are those of collections, and never have a second one.
        self.segments = Vec::with_capacity(1);
        self.segments.push(Segment::new(0, 0));
        self.directory = vec![0];
        self.of_depth[0] = 1;
        self.count_in(0);
        0
    }

    /// Makes segments for so many entries if there is none yet, so that none has to be split.
    ///
    /// Takes some ten bytes an entry; [`Table::fit`] gives back what was not needed.
    pub(crate) fn reserve(&mut self, count: usize) {
        if !self.segments.is_empty() || count == 0 {
            return;
        }
        let is_enough = |depth: &u32| count >> depth <= RESERVED_LEN;
        self.depth = (0..segment::MOST_DEPTH)
            .find(is_enough)
            .unwrap_or(segment::MOST_DEPTH);
        let width = 1u64 << (u32::BITS - self.depth);
        for at in 0..1 << self.depth {
            let floor = (u64::from(at) * width) as u32;
            let len = (count >> self.depth).min(RESERVED_LEN);
            self.segments
                .push(Segment::with_room(len, self.depth, floor));
            self.directory.push(at);
            self.count_in(at);
        }
        self.of_depth[self.depth as usize] = 1 << self.depth;
    }

    /// Gives back what takes room and is not used, by segments that nothing was removed from.
    pub(crate) fn fit(&mut self) {
        if self.is_empty() {
            *self = Table::new(self.hasher.clone());
        }
        for at in 0..self.segments.len() as u32 {
            if self.segments[at as usize].is_sparse() {
                self.count_out(at);
                self.segments[at as usize].shrink();
                self.count_in(at);
            }
        }
        while self.merge_all() {}
    }

    /// Puts halves together where there is little in both, once; whether there were any.
    fn merge_all(&mut self) -> bool {
        let (before, mut at) = (self.segments.len(), 0);
        while at < self.segments.len() as u32 {
            // Else another lies there now, or this one has become larger.
            if self.merge(at).is_none() {
                at += 1;
            }
        }
        self.segments.len() < before
    }

    /// Lets a segment hold more, or splits it.
    fn make_room(&mut self, at: u32) {
        self.count_out(at);
        if self.segments[at as usize].is_to_split() {
            self.split(at);
        } else {
            self.segments[at as usize].grow();
        }
        self.count_in(at);
    }

    /// Puts the upper half of a segment into a new one.
    fn split(&mut self, at: u32) {
        let hasher = &self.hasher;
        let upper = self.segments[at as usize].split(|entry| hasher.hash(entry.key()) as u32);
        let depth = upper.depth();
        self.of_depth[depth as usize - 1] -= 1;
        self.of_depth[depth as usize] += 2;
        if depth > self.depth {
            self.directory = self.directory.iter().flat_map(|&at| [at, at]).collect();
            self.depth = depth;
        }
        let new = self.segments.len() as u32;
        self.segments.push(upper);
        self.enter(new);
        self.count_in(new);
    }

    /// Lets the directory name a segment for every hash of its range.
    fn enter(&mut self, at: u32) {
        let segment = &self.segments[at as usize];
        let shift = u32::BITS - self.depth;
        let first = (u64::from(segment.floor()) >> shift) as usize;
        let last = (segment.end() >> shift) as usize;
        self.directory[first..last].fill(at);
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, at: Place) -> Option<Entry> {
        let segment = self.segments.get_mut(at.segment as usize)?;
        let volatile = segment.volatile();
        let entry = segment.remove(at.cell as usize)?;
        self.volatile -= volatile - segment.volatile();
        if segment.is_sparse() {
            self.count_out(at.segment);
            self.segments[at.segment as usize].shrink();
            self.count_in(at.segment);
        }
        self.len -= 1;
        if self.is_empty() {
            *self = Table::new(self.hasher.clone());
        } else {
            let mut shrunk = Some(at.segment);
            while let Some(segment) = shrunk {
                shrunk = self.merge(segment);
            }
        }
        Some(entry)
    }

    /// Puts a segment and its other half together if there is little in both; gives what became of them.
    fn merge(&mut self, at: u32) -> Option<u32> {
        let segment = self.segment(at)?;
        let depth = segment.depth();
        if depth == 0 {
            return None;
        }
        let half = 1 << (u32::BITS - depth);
        let other = self.segment_of(segment.floor() ^ half)?;
        if !segment.fits_with(self.segment(other)?) {
            return None;
        }
        let (lower, upper) = match segment.floor() & half {
            0 => (at, other),
            _ => (other, at),
        };
        self.count_out(lower);
        self.count_out(upper);
        let taken = self.take_segment(upper);
        // The last segment may have moved into the place of the upper half.
        let lower = if lower as usize == self.segments.len() {
            upper
        } else {
            lower
        };
        self.segments[lower as usize].merge(taken);
        self.of_depth[depth as usize] -= 2;
        self.of_depth[depth as usize - 1] += 1;
        self.enter(lower);
        self.count_in(lower);
        while self.depth > 0 && self.of_depth[self.depth as usize] == 0 {
            self.directory = self.directory.iter().copied().step_by(2).collect();
            self.depth -= 1;
        }
        Some(lower)
    }

    /// Takes a segment out of the list; the last one gets its number.
    fn take_segment(&mut self, at: u32) -> Segment {
        let taken = self.segments.swap_remove(at as usize);
        if (at as usize) < self.segments.len() {
            self.enter(at);
        }
        if self.segments.capacity() > 8 && self.segments.len() < self.segments.capacity() / 4 {
            self.segments.shrink_to(self.segments.len() * 2);
        }
        taken
    }

    /// Notes when the entry at a place expires: called whenever that changes.
    pub(crate) fn note_expiry(&mut self, at: Place, expiry_ms: Option<i64>, now_ms: i64) {
        let Some(segment) = self.segments.get_mut(at.segment as usize) else {
            return;
        };
        self.volatile -= segment.volatile();
        self.due_bytes -= segment.due_bytes();
        segment.put_due(at.cell as usize, expiry_ms, now_ms);
        self.due_bytes += segment.due_bytes();
        self.volatile += segment.volatile();
        self.soonest_ms = self.soonest_ms.min(segment.soonest_ms());
    }

    /// An entry that has expired; `None` if there is none, or at the end of a round over all segments:
    /// [`Table::soonest_ms`] is exact then. May overlook what has expired within the last [`TICK_MS`].
    pub(crate) fn next_expired(&mut self, now_ms: i64) -> Option<Place> {
        self.next_due(now_ms, now_ms)
    }

    /// The same without overlooking any, at the price of looking at entries that expire within [`TICK_MS`].
    pub(crate) fn next_expired_exactly(&mut self, now_ms: i64) -> Option<Place> {
        self.next_due(now_ms, now_ms.saturating_add(TICK_MS))
    }

    /// An entry that has expired, of those whose ticks are due at `until_ms`.
    fn next_due(&mut self, now_ms: i64, until_ms: i64) -> Option<Place> {
        while self.soonest_ms <= until_ms {
            let Some(at) = u32::try_from(self.expire_at)
                .ok()
                .and_then(|it| self.segment_of(it))
            else {
                // The round is over.
                self.expire_at = 0;
                let soonest = self.segments.iter().map(Segment::soonest_ms).min();
                self.soonest_ms = soonest.unwrap_or(i64::MAX);
                return None;
            };
            let segment = &mut self.segments[at as usize];
            if segment.soonest_ms() <= until_ms
                && let Some(cell) = segment.next_expired(now_ms, until_ms)
            {
                let cell = cell as u32;
                return Some(Place { segment: at, cell });
            }
            self.expire_at = segment.end();
        }
        None
    }

    /// How many entries are due, and since when the first of them is: `now_ms` if none.
    pub(crate) fn due(&self, now_ms: i64) -> (usize, i64) {
        let due = self.segments.iter().filter(|it| it.soonest_ms() <= now_ms);
        due.fold((0, now_ms), |(count, since_ms), segment| {
            let soonest_ms = since_ms.min(segment.soonest_ms());
            (count + segment.due(now_ms), soonest_ms)
        })
    }

    /// The entries of the lowest hash, or hashes alike, that is not below `from`.
    pub(crate) fn group(&self, from: u64) -> Option<Group> {
        let mut from = from;
        loop {
            let hash = u32::try_from(from).ok()?;
            let at = self.segment_of(hash)?;
            let segment = self.segment(at)?;
            if let Some((cells, fingerprint)) = segment.group(hash) {
                let step = u32::BITS - segment.depth() - FINGERPRINT_BITS;
                let next = u64::from(segment.floor()) + ((u64::from(fingerprint) + 1) << step);
                return Some(Group {
                    segment: at,
                    cells,
                    next,
                });
            }
            from = segment.end();
        }
    }

    /// Frees a segment of a table that nobody looks at any more; how many entries that were.
    pub(crate) fn free_some(&mut self) -> Option<usize> {
        self.directory = Vec::new();
        let last = self.segments.len().checked_sub(1)?;
        self.count_out(last as u32);
        self.segments.pop().map(|segment| segment.len())
    }

    /// All entries, in any order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.segments.iter().flat_map(Segment::cells).flatten()
    }

    /// The entries that have an expiry.
    pub(crate) fn volatile_entries(&self) -> impl Iterator<Item = &Entry> {
        let segments = self.segments.iter().filter(|it| it.volatile() > 0);
        segments.flat_map(|segment| segment.volatile_from(0))
    }

    /// A segment with a chance that goes by the number of hashes in its range.
    fn draw_segment(&self, rng: &mut fastrand::Rng) -> Option<(u32, &Segment)> {
        if self.is_empty() {
            return None;
        }
        let at = self.segment_of(rng.u32(..))?;
        Some((at, self.segment(at)?))
    }

    /// An entry chosen fairly; `None` if there is none.
    ///
    /// Draws cells until one is taken, each cell of a segment with the same chance and each segment with one
    /// that goes by its range; after some draws it takes the first it finds.
    pub fn sample(&self, rng: &mut fastrand::Rng) -> Option<Place> {
        for _ in 0..DRAWS {
            let (segment, drawn) = self.draw_segment(rng)?;
            // A segment that the directory names twice is drawn twice as often.
            let cell = rng.usize(..self.widest << (self.depth - drawn.depth()));
            if drawn.get(cell).is_some() {
                let cell = cell as u32;
                return Some(Place { segment, cell });
            }
        }
        self.group(rng.u32(..).into())
            .or_else(|| self.group(0))?
            .places()
            .next()
    }

    /// Hands up to `count` entries chosen at random to `look`, neighbours in the order of hashes, which is no
    /// order of keys.
    pub(crate) fn sample_run(
        &self,
        rng: &mut fastrand::Rng,
        count: usize,
        mut look: impl FnMut(&Entry),
    ) {
        let Some((_, segment)) = self.draw_segment(rng) else {
            return;
        };
        let first = rng.usize(..segment.cells().len());
        let run = || segment.round_from(first).take(count.min(segment.len()));
        run().for_each(prefetch_entry);
        run().for_each(&mut look);
    }

    /// The same of entries that have an expiry. Each is as likely as another, however few there are.
    pub(crate) fn sample_volatile(
        &self,
        rng: &mut fastrand::Rng,
        count: usize,
        mut look: impl FnMut(&Entry),
    ) {
        if self.volatile == 0 {
            return;
        }
        let mut rank = rng.usize(..self.volatile);
        for segment in &self.segments {
            let here = segment.volatile();
            if rank < here {
                let run = || segment.volatile_from(rank).take(count.min(here));
                run().for_each(prefetch_entry);
                return run().for_each(&mut look);
            }
            rank -= here;
        }
    }
}

#[cfg(test)]
mod tests;
