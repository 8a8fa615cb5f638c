//! When the volatile entries of a segment fall due, two bytes a cell.
//!
//! A tick says in units of 128 milliseconds when an entry has certainly expired, so finding the few that
//! are due among a thousand reads 2 KiB in a row and touches no entry. A time too far away for
//! a tick is looked at again when the last tick has come.

use crate::memory::class_bytes;

/// Milliseconds of a tick: by so much an entry may be found late.
pub const TICK_MS: i64 = 128;

/// Not volatile.
const NEVER: u16 = 0;
/// At the horizon or beyond it.
const FAR: u16 = u16::MAX;

/// After so many ticks the clock is set anew: 70 minutes, so that times up to 70 minutes ahead have a tick of
/// their own.
const STALE_TICKS: i64 = 1 << 15;

/// The ticks of a segment that has, or had, a volatile entry.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// One a cell.
    ticks: Vec<u16>,
    /// How many are not [`NEVER`].
    count: usize,
    /// The moment from which ticks count.
    clock_ms: i64,
    /// No tick is due before.
    soonest_ms: i64,
}

impl Due {
    pub(super) fn new(cells: usize, now_ms: i64) -> Due {
        Due {
            ticks: vec![NEVER; cells],
            count: 0,
            clock_ms: now_ms,
            soonest_ms: i64::MAX,
        }
    }

    /// An empty one with the same clock.
    pub(super) fn of_same_clock(&self, cells: usize) -> Due {
        Due::new(cells, self.clock_ms)
    }

    /// The moment from which ticks count.
    pub(super) fn clock_ms(&self) -> i64 {
        self.clock_ms
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn soonest_ms(&self) -> i64 {
        self.soonest_ms
    }

    pub(super) fn size_bytes(&self) -> usize {
        class_bytes(size_of::<Due>()) + class_bytes(self.ticks.capacity() * size_of::<u16>())
    }

    pub(super) fn extend(&mut self, cells: usize) {
        self.ticks.resize(cells, NEVER);
    }

    /// Whether the clock is so old, or so far ahead, that ticks should be counted from another.
    pub(super) fn is_stale(&self, now_ms: i64) -> bool {
        now_ms < self.clock_ms || (now_ms - self.clock_ms) / TICK_MS > STALE_TICKS
    }

    /// Notes when a cell's entry expires.
    pub(super) fn put(&mut self, cell: usize, expiry_ms: Option<i64>) {
        let tick = expiry_ms.map_or(NEVER, |expiry_ms| self.tick(expiry_ms));
        self.put_tick(cell, tick);
    }

    fn put_tick(&mut self, cell: usize, tick: u16) {
        let old = std::mem::replace(&mut self.ticks[cell], tick);
        self.count += usize::from(tick != NEVER);
        self.count -= usize::from(old != NEVER);
        if tick != NEVER {
            self.soonest_ms = self.soonest_ms.min(self.moment(tick));
        }
    }

    /// The first tick at whose moment the entry has expired: it lives through its last millisecond.
    fn tick(&self, expiry_ms: i64) -> u16 {
        let lifetime_ms = expiry_ms.saturating_sub(self.clock_ms).max(0);
        u16::try_from(lifetime_ms / TICK_MS + 1).unwrap_or(FAR)
    }

    fn moment(&self, tick: u16) -> i64 {
        self.clock_ms + i64::from(tick) * TICK_MS
    }

    /// The tick of a cell, to be put into another segment of the same clock.
    pub(super) fn take(&mut self, cell: usize) -> u16 {
        let tick = std::mem::replace(&mut self.ticks[cell], NEVER);
        self.count -= usize::from(tick != NEVER);
        tick
    }

    /// Puts a tick of the same clock.
    pub(super) fn give(&mut self, cell: usize, tick: u16) {
        self.put_tick(cell, tick);
    }

    /// Follows cells that moved up by one to make room: the last of the range was vacant.
    pub(super) fn shift_up(&mut self, from: usize, to: usize) {
        self.ticks[from..=to].rotate_right(1);
    }

    /// Follows cells that moved down by one, into the first of the range, which is vacant.
    pub(super) fn shift_down(&mut self, from: usize, to: usize) {
        self.ticks[from..=to].rotate_left(1);
    }

    /// Whether a tick is due.
    fn is_due(&self, now_ms: i64) -> impl Fn(&u16) -> bool + use<> {
        let ticks = now_ms.saturating_sub(self.clock_ms) / TICK_MS;
        let reached = ticks.clamp(0, i64::from(FAR)) as u16;
        // One comparison for both bounds: `NEVER` wraps to the highest.
        move |tick| tick.wrapping_sub(1) < reached
    }

    /// How many ticks are due.
    pub(super) fn reached(&self, now_ms: i64) -> usize {
        let is_due = self.is_due(now_ms);
        self.ticks.iter().filter(|tick| is_due(tick)).count()
    }

    /// The first cell from `from` on that is due.
    pub(super) fn next(&self, from: usize, now_ms: i64) -> Option<usize> {
        let is_due = self.is_due(now_ms);
        let later = self.ticks.get(from..)?;
        // A block at a time, without a branch in it, is what the compiler makes vector code of.
        let mut at = from;
        for block in later.chunks(64) {
            if block.iter().fold(false, |any, tick| any | is_due(tick)) {
                return block.iter().position(&is_due).map(|place| at + place);
            }
            at += block.len();
        }
        None
    }

    /// The cell of the `rank`th volatile entry.
    pub(super) fn nth(&self, rank: usize) -> Option<usize> {
        let mut volatile = (0..self.ticks.len()).filter(|&cell| self.ticks[cell] != NEVER);
        volatile.nth(rank)
    }

    /// Whether the entry in a cell is volatile.
    pub(super) fn is_volatile(&self, cell: usize) -> bool {
        self.ticks.get(cell).is_some_and(|&tick| tick != NEVER)
    }

    /// Finds anew when the first tick is due.
    pub(super) fn settle(&mut self) {
        let soonest = self.ticks.iter().map(|tick| tick.wrapping_sub(1)).min();
        self.soonest_ms = match soonest {
            Some(before) if before != NEVER.wrapping_sub(1) => self.moment(before + 1),
            _ => i64::MAX,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_due_within_a_tick_and_never_early() {
        let mut due = Due::new(4, 1_000);
        for expiry_ms in [1_000, 1_127, 1_128, 5_000, 999, 0] {
            due.put(2, Some(expiry_ms));
            let found = (0..10_000).find(|&now_ms| due.next(0, now_ms) == Some(2));
            let found = found.expect("it falls due");
            let lived_ms = found - expiry_ms.max(1_000);
            assert!((1..=TICK_MS).contains(&lived_ms), "{expiry_ms}: {lived_ms}");
            due.settle();
            assert_eq!(due.soonest_ms(), found);
        }
        due.put(2, None);
        assert_eq!((due.count(), due.next(0, i64::MAX)), (0, None));
        due.settle();
        assert_eq!(due.soonest_ms(), i64::MAX);
    }

    #[test]
    fn what_is_far_is_looked_at_again() {
        let mut due = Due::new(1, 0);
        due.put(0, Some(i64::MAX));
        assert_eq!(due.next(0, i64::from(FAR) * TICK_MS - 1), None);
        assert_eq!(due.next(0, i64::from(FAR) * TICK_MS), Some(0));
        assert!(due.is_stale(i64::from(FAR) * TICK_MS) && !due.is_stale(0) && due.is_stale(-1));
    }

    #[test]
    fn ticks_are_found_across_blocks() {
        let mut due = Due::new(300, 0);
        for cell in [3, 70, 299] {
            due.put(cell, Some(0));
        }
        assert_eq!(due.next(0, 200), Some(3));
        assert_eq!(due.next(4, 200), Some(70));
        assert_eq!(due.next(71, 200), Some(299));
        assert_eq!(due.next(300, 200), None);
        assert_eq!((due.nth(1), due.nth(3)), (Some(70), None));
        assert!(due.is_volatile(70) && !due.is_volatile(71));
    }
}
