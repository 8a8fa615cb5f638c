//! Sorting of which only the beginning is wanted.
//!
//! Members at the same distance come in the order in which Redis' `pqsort` leaves them, which is that of the
//! quicksort in Bentley and McIlroy, "Engineering a sort function", Software: Practice and Experience
//! 23(11), 1993: a median of three or of nine parts the items, and those equal to it gather at both ends before they
//! are moved into the middle. A part that holds nothing wanted is left as it is.

use std::cmp::Ordering;

/// Brings the first `wanted` items in order; the others come behind them in any.
///
/// Chosen on purpose, items could make it slow and deep. Beyond a depth that chance does not reach, it sorts otherwise.
pub(super) fn sort_beginning<T>(
    items: &mut [T],
    wanted: usize,
    compare: &impl Fn(&T, &T) -> Ordering,
) {
    let levels = items.len().checked_ilog2().unwrap_or(0);
    sort_part(items, wanted, 4 * levels + 32, compare);
}

fn sort_part<T>(
    items: &mut [T],
    wanted: usize,
    levels: u32,
    compare: &impl Fn(&T, &T) -> Ordering,
) {
    let (mut items, mut wanted, mut levels) = (items, wanted, levels);
    loop {
        if items.len() < 7 {
            return insertion_sort(items, compare);
        }
        if levels == 0 {
            return items.sort_by(compare);
        }
        levels -= 1;
        let median = median_of(items, compare);
        items.swap(0, median);
        let (less, greater) = partition(items, compare);
        if less > 1 {
            sort_part(&mut items[..less], wanted, levels, compare);
        }
        let start = items.len() - greater;
        if greater <= 1 || start >= wanted {
            return;
        }
        items = &mut items[start..];
        wanted -= start;
    }
}

fn insertion_sort<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && compare(&items[at - 1], &items[at]) == Ordering::Greater {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Where a median of three lies, of nine if there are many.
fn median_of<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let len = items.len();
    let (mut low, mut middle, mut high) = (0, len / 2, len - 1);
    if len == 7 {
        return middle;
    }
    let median = |a, b, c| median_of_three(items, a, b, c, compare);
    if len > 40 {
        let step = len / 8;
        low = median(low, low + step, low + 2 * step);
        middle = median(middle - step, middle, middle + step);
        high = median(high - 2 * step, high - step, high);
    }
    median(low, middle, high)
}

fn median_of_three<T>(
    items: &[T],
    a: usize,
    b: usize,
    c: usize,
    compare: &impl Fn(&T, &T) -> Ordering,
) -> usize {
    let is_less = |one: usize, other: usize| compare(&items[one], &items[other]) == Ordering::Less;
    let is_greater =
        |one: usize, other: usize| compare(&items[one], &items[other]) == Ordering::Greater;
    if is_less(a, b) {
        match () {
            () if is_less(b, c) => b,
            () if is_less(a, c) => c,
            () => a,
        }
    } else {
        match () {
            () if is_greater(b, c) => b,
            () if is_less(a, c) => a,
            () => c,
        }
    }
}

/// Parts the items around the first; how many are less, and how many greater.
fn partition<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    let len = items.len();
    // Equal ones gather before `equal_low` and behind `equal_high`.
    let (mut equal_low, mut low) = (1, 1);
    let (mut equal_high, mut high) = (len - 1, len - 1);
    loop {
        while low <= high {
            match compare(&items[low], &items[0]) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    items.swap(equal_low, low);
                    equal_low += 1;
                }
                Ordering::Less => {}
            }
            low += 1;
        }
        while low <= high {
            match compare(&items[high], &items[0]) {
                Ordering::Less => break,
                Ordering::Equal => {
                    items.swap(high, equal_high);
                    equal_high -= 1;
                }
                Ordering::Greater => {}
            }
            high -= 1;
        }
        if low > high {
            break;
        }
        items.swap(low, high);
        low += 1;
        high -= 1;
    }
    let moved = equal_low.min(low - equal_low);
    swap_ranges(items, 0, low - moved, moved);
    let moved = (equal_high - high).min(len - 1 - equal_high);
    swap_ranges(items, low, len - moved, moved);
    (low - equal_low, equal_high - high)
}

fn swap_ranges<T>(items: &mut [T], one: usize, other: usize, count: usize) {
    (0..count).for_each(|at| items.swap(one + at, other + at));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_in_order_and_nothing_is_lost() {
        let mut rng = fastrand::Rng::with_seed(8);
        for _ in 0..2_000 {
            let len = rng.usize(..200);
            let most = rng.u32(1..300);
            let mut items: Vec<u32> = (0..len).map(|_| rng.u32(..most)).collect();
            let mut sorted = items.clone();
            sorted.sort_unstable();
            let wanted = rng.usize(..=len);
            sort_beginning(&mut items, wanted, &u32::cmp);
            assert_eq!(items[..wanted], sorted[..wanted]);
            items.sort_unstable();
            assert_eq!(items, sorted);
        }
    }

    /// McIlroy, "A killer adversary for quicksort", 1999: each comparison is answered so that it tells the least.
    #[test]
    fn no_order_of_items_makes_it_deep() {
        use std::cell::{Cell, RefCell};
        const ITEMS: usize = 20_000;
        let gas = ITEMS;
        let values = RefCell::new(vec![gas; ITEMS]);
        let (solid, candidate, comparisons) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let freeze = |at: usize| {
            values.borrow_mut()[at] = solid.get();
            solid.set(solid.get() + 1);
        };
        let compare = |&one: &usize, &other: &usize| {
            comparisons.set(comparisons.get() + 1);
            let is_gas = |at: usize| values.borrow()[at] == gas;
            if is_gas(one) && is_gas(other) {
                freeze(if one == candidate.get() { one } else { other });
            }
            if is_gas(one) {
                candidate.set(one);
            } else if is_gas(other) {
                candidate.set(other);
            }
            let values = values.borrow();
            values[one].cmp(&values[other])
        };
        let mut items: Vec<usize> = (0..ITEMS).collect();
        sort_beginning(&mut items, ITEMS, &compare);
        assert!(comparisons.get() < ITEMS * 300, "{comparisons:?}");
        let found = values.borrow();
        assert!(items.windows(2).all(|it| found[it[0]] <= found[it[1]]));
    }
}
