//! Memory that many hold, summed up while they do.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A sum that many [`Tally`]s add to.
#[derive(Debug)]
pub struct Meter {
    sum: AtomicUsize,
    block_bytes: fn(usize) -> usize,
}

impl Meter {
    /// Nothing so far. `block_bytes` tells what the allocator takes for an allocation of so many bytes.
    pub const fn new(block_bytes: fn(usize) -> usize) -> Self {
        let sum = AtomicUsize::new(0);
        Self { sum, block_bytes }
    }

    /// The sum, in bytes.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.sum.load(Ordering::Relaxed)
    }
}

/// What its owner holds, as part of a [`Meter`]; taken out of it when dropped.
///
/// Without a meter ([`Default`]) nothing is added anywhere.
#[derive(Debug, Default)]
pub struct Tally {
    meter: Option<&'static Meter>,
    bytes: usize,
}

impl Tally {
    /// A part of that sum, nothing so far.
    pub fn of(meter: &'static Meter) -> Self {
        let meter = Some(meter);
        Self { meter, bytes: 0 }
    }

    /// Whether it is part of a sum.
    pub fn has_meter(&self) -> bool {
        self.meter.is_some()
    }

    /// What an allocation of so many bytes takes; without a meter so many bytes.
    #[inline]
    pub fn block_bytes(&self, bytes: usize) -> usize {
        self.meter.map_or(bytes, |meter| (meter.block_bytes)(bytes))
    }

    /// Lets the owner's part be `bytes`. Touches the sum only if it was something else.
    #[inline]
    pub fn put(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if let Some(meter) = self.meter.filter(|_| before != bytes) {
            // Wraps around when the part gets smaller: the sum of all parts is right again at once.
            let change = bytes.wrapping_sub(before);
            meter.sum.fetch_add(change, Ordering::Relaxed);
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.put(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_all_parts() {
        static METER: Meter = Meter::new(|bytes| bytes.next_multiple_of(16));
        let (mut one, mut other) = (Tally::of(&METER), Tally::of(&METER));
        one.put(100);
        other.put(20);
        assert_eq!(METER.bytes(), 120);
        one.put(30);
        assert_eq!(METER.bytes(), 50);
        drop(one);
        assert_eq!(METER.bytes(), 20);
        assert_eq!(other.block_bytes(17), 32);
        other.put(0);
        assert_eq!(METER.bytes(), 0);
    }

    #[test]
    fn without_a_meter_nothing_is_added() {
        let mut tally = Tally::default();
        tally.put(5);
        assert!(!tally.has_meter());
        assert_eq!(tally.block_bytes(17), 17);
    }
}
