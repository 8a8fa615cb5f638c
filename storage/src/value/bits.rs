//! Bits of a string, numbered from the highest bit of its first byte on.
//!
//! Behind its end a string goes on with zeros, for ever. Nothing here knows where strings are kept.

mod field;
#[cfg(test)]
mod tests;

pub use field::{Kind, Overflow};

use std::ops::Range;

/// Bytes that are looked at together: as many as two or four vector registers hold.
const STRIDE: usize = 64;

/// How [`combine`] makes one string of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Ones where both have one.
    And,
    /// Ones where one of them has one.
    Or,
    /// Ones where they differ.
    Xor,
}

/// The bit at `at`.
pub fn get(bytes: &[u8], at: u64) -> bool {
    byte_of(at)
        .and_then(|byte| bytes.get(byte))
        .is_some_and(|byte| byte & mask_of(at) != 0)
}

/// Sets or clears the bit at `at`; gives what it was.
///
/// # Panics
/// If the string is too short to have that bit: the caller makes room.
pub fn put(bytes: &mut [u8], at: u64, bit: bool) -> bool {
    let byte = byte_of(at).and_then(|byte| bytes.get_mut(byte));
    let byte = byte.expect("the caller has made room");
    let mask = mask_of(at);
    let was_set = *byte & mask != 0;
    if bit {
        *byte |= mask;
    } else {
        *byte &= !mask;
    }
    was_set
}

/// How many bytes a string needs to have the bit at `at`; `None` if no string may be that long.
pub fn bytes_for(at: u64) -> Option<usize> {
    byte_of(at)?
        .checked_add(1)
        .filter(|&bytes| isize::try_from(bytes).is_ok())
}

fn byte_of(at: u64) -> Option<usize> {
    usize::try_from(at / 8).ok()
}

fn mask_of(at: u64) -> u8 {
    0x80 >> (at % 8)
}

/// How many ones there are in a range of bits.
pub fn count(bytes: &[u8], bits: Range<u64>) -> u64 {
    let Some(span) = Span::new(bytes, bits) else {
        return 0;
    };
    let edges: u32 = span.edges().map(|(_, byte)| byte.count_ones()).sum();
    u64::from(edges) + count_ones(span.middle())
}

/// How many ones there are in whole bytes.
fn count_ones(bytes: &[u8]) -> u64 {
    let (strides, rest) = bytes.as_chunks::<STRIDE>();
    // A sum of a whole stride at a time is what the compiler makes vector instructions of.
    let whole: u64 = strides.iter().map(|stride| u64::from(ones(stride))).sum();
    whole + u64::from(ones(rest))
}

fn ones(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words
        .iter()
        .map(|word| u64::from_ne_bytes(*word).count_ones());
    let rest = rest.iter().map(|byte| byte.count_ones());
    words.sum::<u32>() + rest.sum::<u32>()
}

/// The first bit of a range that is `bit`; bits behind the end of the string are not looked at.
pub fn find(bytes: &[u8], bit: bool, bits: Range<u64>) -> Option<u64> {
    let span = Span::new(bytes, bits)?;
    // With all bits turned round, the first zero is the first one.
    let turned = if bit { 0 } else { 0xff };
    let first_in = |at: usize, byte: u8, mask: u8| {
        let found = (byte ^ turned) & mask;
        (found != 0).then(|| at as u64 * 8 + u64::from(found.leading_zeros()))
    };
    let (head, tail) = (span.first, span.last);
    first_in(head, bytes[head], span.mask(head))
        .or_else(|| {
            let middle = span.middle();
            let at = leading(middle, turned);
            first_in(head + 1 + at, *middle.get(at)?, 0xff)
        })
        .or_else(|| first_in(tail, bytes[tail], span.mask(tail)))
}

/// How many bytes at the beginning are `byte`.
fn leading(bytes: &[u8], byte: u8) -> usize {
    let (strides, _) = bytes.as_chunks::<STRIDE>();
    // Of all bytes of a stride at once: vector instructions, where a comparison would be a call.
    let is_same = |stride: &[u8; STRIDE]| stride.iter().fold(0, |sum, it| sum | (it ^ byte)) == 0;
    let same = strides.iter().take_while(|stride| is_same(stride)).count();
    let from = same * STRIDE;
    let rest = bytes[from..].iter().take_while(|it| **it == byte);
    from + rest.count()
}

/// The bytes that a range of bits lies in: a first and a last one, which may be the same.
struct Span<'a> {
    bytes: &'a [u8],
    first: usize,
    last: usize,
    /// The bits of the first and of the last byte that are in the range.
    head: u8,
    tail: u8,
}

impl<'a> Span<'a> {
    /// Where a range lies, as far as the string goes; `None` if that is nowhere.
    fn new(bytes: &'a [u8], bits: Range<u64>) -> Option<Span<'a>> {
        let end = bits.end.min(bytes.len() as u64 * 8);
        if bits.start >= end {
            return None;
        }
        let last_bit = end - 1;
        Some(Span {
            bytes,
            first: byte_of(bits.start)?,
            last: byte_of(last_bit)?,
            head: 0xff >> (bits.start % 8),
            tail: !(0x7f >> (last_bit % 8)),
        })
    }

    /// The bits of a byte that are in the range.
    fn mask(&self, at: usize) -> u8 {
        let head = if at == self.first { self.head } else { 0xff };
        let tail = if at == self.last { self.tail } else { 0xff };
        head & tail
    }

    /// The first and the last byte, without the bits that are not in the range.
    fn edges(&self) -> impl Iterator<Item = (usize, u8)> {
        let last = (self.last != self.first).then_some(self.last);
        [Some(self.first), last]
            .into_iter()
            .flatten()
            .map(|at| (at, self.bytes[at] & self.mask(at)))
    }

    /// The bytes between the first and the last.
    fn middle(&self) -> &'a [u8] {
        self.bytes
            .get(self.first + 1..self.last)
            .unwrap_or_default()
    }
}

/// Makes of `into` what the operation makes of it and `other`; the shorter one is filled up with zeros.
pub fn combine(operation: Operation, into: &mut Vec<u8>, other: &[u8]) {
    if into.len() < other.len() {
        into.resize(other.len(), 0);
    }
    let (both, alone) = into.split_at_mut(other.len());
    let pairs = both.iter_mut().zip(other);
    match operation {
        Operation::And => {
            pairs.for_each(|(into, other)| *into &= other);
            alone.fill(0);
        }
        Operation::Or => pairs.for_each(|(into, other)| *into |= other),
        Operation::Xor => pairs.for_each(|(into, other)| *into ^= other),
    }
}

/// Turns every bit round.
pub fn invert(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}
