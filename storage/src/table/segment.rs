//! A stretch of a table: the entries whose hashes begin with the same bits, in the order of the next 16.
//!
//! Ordered linear probing (Amble and Knuth, "Ordered hash tables", 1974): an entry lies at the cell
//! that its fingerprint maps to or, if that is taken, behind it, and all lie in ascending order. So a
//! search ends as soon as it meets a higher fingerprint, with or without success, and seven cells
//! of eight can be taken. Removing closes the gap: there are no tombstones. Making another
//! capacity of it moves pointers in order and looks at no entry.

use std::ops::Range;

use super::due::Due;
use crate::entry::Entry;
use crate::memory::class_bytes;

/// Bits of a fingerprint.
pub(super) const FINGERPRINT_BITS: u32 = 16;

/// Cells of a full segment, which is then split in two.
const MOST_CELLS: usize = 1024;

/// Beyond so many leading bits the hash has none left for the fingerprint: a segment grows instead.
pub(super) const MOST_DEPTH: u32 = u32::BITS - FINGERPRINT_BITS;

const FEWEST_CELLS: usize = 4;

/// A segment.
#[derive(Debug)]
pub(super) struct Segment {
    /// The last few, beyond `homes`, take what is displaced from the end.
    cells: Vec<Option<Entry>>,
    /// How many cells fingerprints map to.
    homes: usize,
    len: usize,
    /// How many leading bits of the hash all entries share.
    depth: u32,
    /// The lowest hash of its range.
    floor: u32,
    due: Option<Box<Due>>,
}

/// The fingerprint of a hash in a segment of that depth: the 16 bits behind those that all share.
#[inline]
pub(super) fn fingerprint(hash: u32, depth: u32) -> u16 {
    (hash << depth >> FINGERPRINT_BITS) as u16
}

/// How many entries a segment of so many cells holds.
fn limit(cells: usize) -> usize {
    cells * 7 / 8
}

/// The size class above: at most a quarter more.
fn larger(cells: usize) -> usize {
    match cells {
        0 => FEWEST_CELLS,
        cells if cells < 16 => cells * 2,
        cells => cells + (1 << cells.ilog2()) / 4,
    }
}

/// Cells for so many entries and some more.
fn cells_for(len: usize) -> usize {
    let mut cells = FEWEST_CELLS;
    while limit(cells) < len + len / 16 + 1 {
        cells = larger(cells);
    }
    cells
}

impl Segment {
    pub(super) fn new(depth: u32, floor: u32) -> Segment {
        Segment::of_cells(FEWEST_CELLS, depth, floor, None)
    }

    /// An empty segment with room for so many entries, and some more.
    pub(super) fn with_room(len: usize, depth: u32, floor: u32) -> Segment {
        Segment::of_cells(cells_for(len), depth, floor, None)
    }

    fn of_cells(cells: usize, depth: u32, floor: u32, clock: Option<&Due>) -> Segment {
        let mut vacant = Vec::with_capacity(cells);
        vacant.resize_with(cells, || None);
        Segment {
            cells: vacant,
            homes: cells - cells / 32 - 1,
            len: 0,
            depth,
            floor,
            due: clock.map(|due| Box::new(due.of_same_clock(cells))),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    pub(super) fn floor(&self) -> u32 {
        self.floor
    }

    /// One past the highest hash of its range.
    pub(super) fn end(&self) -> u64 {
        u64::from(self.floor) + (1 << (u32::BITS - self.depth))
    }

    pub(super) fn cell_bytes(&self) -> usize {
        class_bytes(self.cells.capacity() * size_of::<Option<Entry>>())
    }

    pub(super) fn due_bytes(&self) -> usize {
        self.due.as_ref().map_or(0, |due| due.size_bytes())
    }

    /// How many entries it holds before it grows.
    pub(super) fn capacity(&self) -> usize {
        limit(self.cells.len())
    }

    pub(super) fn volatile(&self) -> usize {
        self.due.as_ref().map_or(0, |due| due.count())
    }

    /// No entry has expired before.
    pub(super) fn soonest_ms(&self) -> i64 {
        self.due.as_ref().map_or(i64::MAX, |due| due.soonest_ms())
    }

    #[inline]
    fn fingerprint(&self, hash: u32) -> u16 {
        fingerprint(hash, self.depth)
    }

    #[inline]
    fn home(&self, fingerprint: u16) -> usize {
        (usize::from(fingerprint) * self.homes) >> FINGERPRINT_BITS
    }

    /// Where the search for a hash begins.
    #[inline]
    pub(super) fn first_cell(&self, hash: u32) -> &Option<Entry> {
        &self.cells[self.home(self.fingerprint(hash))]
    }

    #[inline]
    pub(super) fn get(&self, cell: usize) -> Option<&Entry> {
        self.cells.get(cell)?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, cell: usize) -> Option<&mut Entry> {
        self.cells.get_mut(cell)?.as_mut()
    }

    pub(super) fn cells(&self) -> &[Option<Entry>] {
        &self.cells
    }

    /// The first entry of that hash's fingerprint for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u32, mut is_it: impl FnMut(&Entry) -> bool) -> Option<usize> {
        let wanted = self.fingerprint(hash);
        let home = self.home(wanted);
        for (distance, cell) in self.cells[home..].iter().enumerate() {
            let entry = cell.as_ref()?;
            let fingerprint = entry.fingerprint();
            if fingerprint >= wanted {
                if fingerprint > wanted {
                    return None;
                }
                if is_it(entry) {
                    return Some(home + distance);
                }
            }
        }
        None
    }

    /// The entries of the first fingerprint at or above that of the hash.
    pub(super) fn group(&self, from: u32) -> Option<(Range<usize>, u16)> {
        let lowest = self.fingerprint(from);
        let home = self.home(lowest);
        let is_in =
            |cell: &Option<Entry>| cell.as_ref().is_some_and(|it| it.fingerprint() >= lowest);
        let first = home + self.cells[home..].iter().position(is_in)?;
        let fingerprint = self.get(first)?.fingerprint();
        let is_same = |cell: &&Option<Entry>| {
            cell.as_ref()
                .is_some_and(|it| it.fingerprint() == fingerprint)
        };
        let count = self.cells[first..].iter().take_while(is_same).count();
        Some((first..first + count, fingerprint))
    }

    /// Whether another entry makes it grow first.
    pub(super) fn is_full(&self) -> bool {
        self.len >= limit(self.cells.len())
    }

    /// Adds an entry of that hash; gives it back if there is no room ([`Segment::grow`]).
    pub(super) fn insert(&mut self, hash: u32, mut entry: Entry) -> Result<usize, Entry> {
        if self.is_full() {
            return Err(entry);
        }
        let fingerprint = self.fingerprint(hash);
        let home = self.home(fingerprint);
        let is_place = |cell: &Option<Entry>| {
            cell.as_ref()
                .is_none_or(|it| it.fingerprint() > fingerprint)
        };
        let Some(place) = self.cells[home..]
            .iter()
            .position(is_place)
            .map(|it| home + it)
        else {
            return Err(entry);
        };
        let Some(gap) = self.cells[place..]
            .iter()
            .position(Option::is_none)
            .map(|it| place + it)
        else {
            return Err(entry);
        };
        entry.put_fingerprint(fingerprint);
        self.cells[place..=gap].rotate_right(1);
        if let Some(due) = &mut self.due {
            due.shift_up(place, gap);
        }
        self.cells[place] = Some(entry);
        self.len += 1;
        Ok(place)
    }

    /// Takes an entry out; what was displaced by it moves closer to its home.
    pub(super) fn remove(&mut self, cell: usize) -> Option<Entry> {
        let entry = self.cells.get_mut(cell)?.take()?;
        let is_displaced = |&at: &usize| {
            self.get(at)
                .is_some_and(|it| self.home(it.fingerprint()) < at)
        };
        let last = cell
            + (cell + 1..self.cells.len())
                .take_while(is_displaced)
                .count();
        self.cells[cell..=last].rotate_left(1);
        if let Some(due) = &mut self.due {
            due.put(cell, None);
            due.shift_down(cell, last);
        }
        self.len -= 1;
        Some(entry)
    }

    /// Adds what is above all that is there, but for entries that were of the same fingerprint before they
    /// got another bit: they come in any order.
    fn push(&mut self, entry: Entry, tick: u16) {
        let fingerprint = entry.fingerprint();
        let home = self.home(fingerprint);
        let is_below = |cell: &&Option<Entry>| {
            cell.as_ref()
                .is_some_and(|it| it.fingerprint() <= fingerprint)
        };
        let displaced = self.cells[home..].iter().take_while(is_below);
        let place = home + displaced.count();
        // What is above moves up, so that no search meets a vacant cell before it.
        let above = self.cells[place..].iter().take_while(|it| it.is_some());
        let gap = place + above.count();
        if gap >= self.cells.len() {
            let cells = gap + 1 + gap / 32;
            self.cells.resize_with(cells, || None);
            if let Some(due) = &mut self.due {
                due.extend(cells);
            }
        }
        self.cells[place..=gap].rotate_right(1);
        self.cells[place] = Some(entry);
        if let Some(due) = &mut self.due {
            due.shift_up(place, gap);
            due.give(place, tick);
        }
        self.len += 1;
    }

    /// Whether a search from its home meets every entry.
    #[cfg(test)]
    pub(super) fn finds_all(&self) -> bool {
        self.cells.iter().enumerate().all(|(at, cell)| {
            let home = cell.as_ref().map_or(at, |it| self.home(it.fingerprint()));
            home <= at && self.cells[home..at].iter().all(Option::is_some)
        })
    }

    /// All entries with their ticks, ascending; nothing is left.
    fn drain(&mut self) -> impl Iterator<Item = (Entry, u16)> {
        let mut due = self.due.take();
        let cells = std::mem::take(&mut self.cells).into_iter().enumerate();
        cells.filter_map(move |(at, cell)| {
            let tick = due.as_mut().map_or(0, |due| due.take(at));
            cell.map(|entry| (entry, tick))
        })
    }

    fn resize(&mut self, cells: usize) {
        let mut resized = Segment::of_cells(cells, self.depth, self.floor, self.due.as_deref());
        self.drain()
            .for_each(|(entry, tick)| resized.push(entry, tick));
        *self = resized;
    }

    /// Whether it should be split rather than grow.
    pub(super) fn is_to_split(&self) -> bool {
        self.cells.len() >= MOST_CELLS && self.depth < MOST_DEPTH
    }

    /// Makes room for more entries.
    pub(super) fn grow(&mut self) {
        self.resize(larger(self.cells.len()));
    }

    /// Whether three fifths of its memory are unused.
    #[inline]
    pub(super) fn is_sparse(&self) -> bool {
        let cells = self.cells.len();
        cells > FEWEST_CELLS && self.len < cells * 2 / 5
    }

    /// Gives unused memory back.
    pub(super) fn shrink(&mut self) {
        self.resize(cells_for(self.len));
    }

    /// The same entries, copied.
    pub(super) fn duplicate(&self) -> Segment {
        Segment {
            cells: self
                .cells
                .iter()
                .map(|cell| cell.as_ref().map(Entry::duplicate_with_expiry))
                .collect(),
            due: self.due.clone(),
            ..*self
        }
    }

    /// Splits it at the middle of its range; it becomes the lower half, what it gives is the upper.
    ///
    /// Looks at every entry: `hash_of` reads its key. They are fetched some cells ahead.
    pub(super) fn split(&mut self, hash_of: impl Fn(&Entry) -> u32) -> Segment {
        let depth = self.depth + 1;
        let middle = self.floor | 1 << (u32::BITS - depth);
        let lower_len = self.lower_half_len();
        let clock = self.due.as_deref();
        let mut lower = Segment::of_cells(cells_for(lower_len), depth, self.floor, clock);
        let mut upper = Segment::of_cells(cells_for(self.len - lower_len), depth, middle, clock);
        for (mut entry, tick) in super::Fetched::new(self.drain()) {
            let is_upper = entry.fingerprint() >= 1 << (FINGERPRINT_BITS - 1);
            entry.put_fingerprint(fingerprint(hash_of(&entry), depth));
            if is_upper {
                upper.push(entry, tick);
            } else {
                lower.push(entry, tick);
            }
        }
        *self = lower;
        upper
    }

    fn lower_half_len(&self) -> usize {
        let is_lower = |entry: &&Entry| entry.fingerprint() < 1 << (FINGERPRINT_BITS - 1);
        self.cells.iter().flatten().filter(is_lower).count()
    }

    /// Whether it and its other half fit one segment with room to spare.
    pub(super) fn fits_with(&self, other: &Segment) -> bool {
        self.depth == other.depth && self.len + other.len <= limit(MOST_CELLS) / 2
    }

    /// Takes in the upper half of the range it is the lower half of.
    pub(super) fn merge(&mut self, mut upper: Segment) {
        debug_assert_eq!(u64::from(upper.floor), self.end());
        let clocks = [&self.due, &upper.due].map(|due| due.as_ref().map(|due| due.clock_ms()));
        let cells = cells_for(self.len + upper.len);
        let mut merged = Segment::of_cells(cells, self.depth - 1, self.floor, None);
        for (half, part) in [(0, &mut *self), (1 << (FINGERPRINT_BITS - 1), &mut upper)] {
            for (mut entry, _) in part.drain() {
                let fingerprint = entry.fingerprint();
                entry.put_fingerprint(half | fingerprint >> 1);
                merged.push(entry, 0);
            }
        }
        *self = merged;
        if let Some(clock_ms) = clocks.into_iter().flatten().max() {
            // The halves may count from different moments.
            self.count_anew(clock_ms);
        }
    }

    /// Counts all ticks from `now_ms` on.
    fn count_anew(&mut self, now_ms: i64) {
        let mut due = Due::new(self.cells.len(), now_ms);
        for (at, entry) in self.cells.iter().enumerate() {
            if let Some(expiry_ms) = entry.as_ref().and_then(Entry::expiry_ms) {
                due.put(at, Some(expiry_ms));
            }
        }
        self.due = Some(Box::new(due));
    }

    /// Notes when a cell's entry expires.
    pub(super) fn put_due(&mut self, cell: usize, expiry_ms: Option<i64>, now_ms: i64) {
        if expiry_ms.is_none() && self.due.is_none() {
            return;
        }
        let cells = self.cells.len();
        let due = self
            .due
            .get_or_insert_with(|| Box::new(Due::new(cells, now_ms)));
        due.put(cell, expiry_ms);
        if expiry_ms.is_some() && due.is_stale(now_ms) {
            // The entry has its expiry already or gets it next; either way it is counted here.
            self.count_anew(now_ms);
            if let Some(due) = &mut self.due {
                due.put(cell, expiry_ms);
            }
        }
    }

    /// How many entries are due.
    pub(super) fn due(&self, now_ms: i64) -> usize {
        self.due.as_ref().map_or(0, |due| due.reached(now_ms))
    }

    /// The first cell whose entry has expired, of those due at `until_ms`. If there is none it notes when the next
    /// falls due.
    pub(super) fn next_expired(&mut self, now_ms: i64, until_ms: i64) -> Option<usize> {
        let mut at = 0;
        while let Some(cell) = self.due.as_ref().and_then(|due| due.next(at, until_ms)) {
            if self.get(cell).is_some_and(|it| it.is_expired(now_ms)) {
                return Some(cell);
            }
            at = cell + 1;
        }
        if self.due.as_ref().is_some_and(|due| due.is_stale(now_ms)) {
            self.count_anew(now_ms);
        }
        if let Some(due) = &mut self.due {
            due.settle();
        }
        None
    }

    /// The volatile entries from the `rank`th on, going round.
    pub(super) fn volatile_from(&self, rank: usize) -> impl Iterator<Item = &Entry> {
        let due = self.due.as_deref();
        let first = due.and_then(|due| due.nth(rank)).unwrap_or(0);
        let cells = (first..self.cells.len()).chain(0..first);
        cells
            .filter(move |&cell| due.is_some_and(|due| due.is_volatile(cell)))
            .filter_map(|cell| self.get(cell))
    }

    /// The entries from a cell on, going round.
    pub(super) fn round_from(&self, cell: usize) -> impl Iterator<Item = &Entry> {
        let (before, after) = self.cells.split_at(cell.min(self.cells.len()));
        after.iter().chain(before).flatten()
    }
}
