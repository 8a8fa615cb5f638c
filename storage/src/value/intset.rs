//! Sorted integers in one buffer, in Redis' intset layout.
//!
//! Eight bytes of header (bytes an integer, then how many there are, both `u32`, little-endian), then the
//! integers, ascending, each of 2, 4 or 8 bytes, little-endian. All take what the widest needs, or
//! once needed: no set becomes narrower again. RDB files and DUMP carry the very bytes. *Source:*
//! `intset.c` of Redis.

use crate::memory::class_bytes;

const HEADER_BYTES: usize = 8;
const EMPTY: [u8; HEADER_BYTES] = [2, 0, 0, 0, 0, 0, 0, 0];

/// Bytes an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

/// Bytes that are no intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// See the [module](self).
#[derive(Default)]
pub struct Intset {
    /// Empty if there has never been an integer. As long as an allocator class.
    buffer: Box<[u8]>,
}

impl Width {
    fn of(number: i64) -> Width {
        if i16::try_from(number).is_ok() {
            Width::Two
        } else if i32::try_from(number).is_ok() {
            Width::Four
        } else {
            Width::Eight
        }
    }
}

impl Intset {
    /// An intset as found in a file or sent by a client.
    ///
    /// # Errors
    /// [`Malformed`] if its length is not what the header says, or the integers do not ascend. O(n).
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Intset, Malformed> {
        let &[a, b, c, d, e, f, g, h, ..] = bytes.as_slice() else {
            return Err(Malformed);
        };
        let width = match u32::from_le_bytes([a, b, c, d]) {
            2 => Width::Two,
            4 => Width::Four,
            8 => Width::Eight,
            _ => return Err(Malformed),
        };
        let len = u32::from_le_bytes([e, f, g, h]) as usize;
        let size = len
            .checked_mul(width as usize)
            .and_then(|it| it.checked_add(HEADER_BYTES));
        if size != Some(bytes.len()) {
            return Err(Malformed);
        }
        let set = Intset {
            buffer: bytes.into_boxed_slice(),
        };
        let ascends = set.iter().zip(set.iter().skip(1)).all(|(a, b)| a < b);
        ascends.then_some(set).ok_or(Malformed)
    }

    /// The intset as files carry it.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        if self.buffer.is_empty() {
            return &EMPTY;
        }
        &self.buffer[..HEADER_BYTES + self.len() * self.width() as usize]
    }

    /// How many.
    #[inline]
    pub fn len(&self) -> usize {
        match self.buffer.get(4..8) {
            Some(len) => u32::from_le_bytes([len[0], len[1], len[2], len[3]]) as usize,
            None => 0,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory, in allocator classes.
    pub fn heap_bytes(&self) -> usize {
        class_bytes(self.buffer.len())
    }

    #[inline]
    fn width(&self) -> Width {
        match self.buffer.first() {
            None | Some(2) => Width::Two,
            Some(4) => Width::Four,
            Some(_) => Width::Eight,
        }
    }

    /// The integer with that index, in ascending order.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        (index < self.len()).then(|| self.read(self.width(), index))
    }

    #[inline]
    fn read(&self, width: Width, index: usize) -> i64 {
        let bytes = &self.buffer[HEADER_BYTES + index * width as usize..][..width as usize];
        match *bytes {
            [a, b] => i16::from_le_bytes([a, b]).into(),
            [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
            [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => 0,
        }
    }

    #[inline]
    fn write(&mut self, width: Width, index: usize, number: i64) {
        let bytes = &mut self.buffer[HEADER_BYTES + index * width as usize..][..width as usize];
        bytes.copy_from_slice(&number.to_le_bytes()[..width as usize]);
    }

    /// All, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + '_ {
        let width = self.width();
        (0..self.len()).map(move |index| self.read(width, index))
    }

    /// The lowest.
    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    /// The highest.
    pub fn max(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The index of a number, or where it would be. O(log n).
    #[inline]
    pub fn search(&self, number: i64) -> Result<usize, usize> {
        let width = self.width();
        let len = self.len();
        // Numbers often come in ascending order.
        if len > 0 && self.read(width, len - 1) < number {
            return Err(len);
        }
        let (mut from, mut to) = (0, len);
        while from < to {
            let middle = from + (to - from) / 2;
            match self.read(width, middle).cmp(&number) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Err(from)
    }

    /// Whether there is that number.
    #[inline]
    pub fn contains(&self, number: i64) -> bool {
        self.search(number).is_ok()
    }

    /// Adds a number; whether it is new. O(n), as what is above it moves.
    pub fn insert(&mut self, number: i64) -> bool {
        let Err(at) = self.search(number) else {
            return false;
        };
        let len = self.len();
        let old = self.width();
        let width = old.max(Width::of(number));
        let needed = HEADER_BYTES + (len + 1) * width as usize;
        if self.buffer.len() < needed {
            self.rebuild(needed);
        }
        if width > old {
            self.widen(old, width, len, at);
        } else {
            let from = HEADER_BYTES + at * width as usize;
            let to = HEADER_BYTES + len * width as usize;
            self.buffer.copy_within(from..to, from + width as usize);
        }
        self.write(width, at, number);
        self.write_header(width, len + 1);
        true
    }

    /// Moves all to where they lie with another width, with a gap at `gap`.
    fn widen(&mut self, old: Width, width: Width, len: usize, gap: usize) {
        for index in (0..len).rev() {
            let number = self.read(old, index);
            self.write(width, index + usize::from(index >= gap), number);
        }
    }

    fn write_header(&mut self, width: Width, len: usize) {
        let len = u32::try_from(len).expect("a set of so many would have been converted");
        self.buffer[..4].copy_from_slice(&(width as u32).to_le_bytes());
        self.buffer[4..8].copy_from_slice(&len.to_le_bytes());
    }

    /// Takes a buffer in which so many bytes fit.
    fn rebuild(&mut self, size_bytes: usize) {
        let mut buffer = Vec::with_capacity(class_bytes(size_bytes));
        buffer.extend_from_slice(self.as_bytes());
        buffer.resize(class_bytes(size_bytes), 0);
        self.buffer = buffer.into_boxed_slice();
    }

    /// Removes a number; whether it was there. O(n).
    pub fn remove(&mut self, number: i64) -> bool {
        match self.search(number) {
            Ok(at) => self.remove_at(at).is_some(),
            Err(_) => false,
        }
    }

    /// Removes the number with that index. O(n).
    pub fn remove_at(&mut self, index: usize) -> Option<i64> {
        let number = self.get(index)?;
        let width = self.width();
        let from = HEADER_BYTES + (index + 1) * width as usize;
        let end = self.as_bytes().len();
        self.buffer.copy_within(from..end, from - width as usize);
        let len = self.len() - 1;
        self.write_header(width, len);
        let used = self.as_bytes().len();
        if class_bytes(used) <= self.buffer.len() / 2 {
            self.rebuild(used);
        }
        Some(number)
    }
}

impl Clone for Intset {
    fn clone(&self) -> Intset {
        let mut copy = Intset::default();
        if !self.is_empty() {
            copy.buffer = self.as_bytes().into();
        }
        copy
    }
}

impl std::fmt::Debug for Intset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl PartialEq for Intset {
    fn eq(&self, other: &Intset) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Intset {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const STEPS: usize = if cfg!(miri) { 200 } else { 20_000 };

    /// Numbers around the bounds of every width.
    fn number(rng: &mut fastrand::Rng, widest: u32) -> i64 {
        let bits = [3, 15, 16, 31, 32, 63][rng.usize(..6)].min(widest);
        let near = rng.i64(-20..20);
        let number = (1i64 << bits).wrapping_add(near);
        if rng.bool() {
            number
        } else {
            number.wrapping_neg()
        }
    }

    #[test]
    fn an_intset_is_a_sorted_set() {
        let mut rng = fastrand::Rng::with_seed(3);
        for widest in [3, 15, 16, 31, 32, 63] {
            let (mut set, mut model) = (Intset::default(), BTreeSet::new());
            for step in 0..STEPS {
                let number = number(&mut rng, widest);
                match rng.u8(..8) {
                    0..3 => assert_eq!(set.insert(number), model.insert(number)),
                    3..6 => assert_eq!(set.remove(number), model.remove(&number)),
                    6 => {
                        let index = rng.usize(..20);
                        let removed = model.iter().nth(index).copied();
                        assert_eq!(set.remove_at(index), removed);
                        removed.inspect(|it| assert!(model.remove(it)));
                    }
                    _ => assert_eq!(set.contains(number), model.contains(&number)),
                }
                assert_eq!(set.len(), model.len());
                assert!(set.heap_bytes() >= set.buffer.len());
                if step % 50 == 0 {
                    assert!(set.iter().eq(model.iter().copied()));
                    assert_eq!(set.max(), model.last().copied());
                    assert_eq!(set.min(), model.first().copied());
                    let read = Intset::from_bytes(set.as_bytes().to_vec());
                    assert_eq!(read.as_ref(), Ok(&set));
                    assert_eq!(set.clone(), set);
                }
            }
        }
    }

    #[test]
    fn the_layout_is_that_of_redis() {
        let mut set = Intset::default();
        assert_eq!(set.as_bytes(), [2, 0, 0, 0, 0, 0, 0, 0]);
        set.insert(5);
        set.insert(-1);
        assert_eq!(set.as_bytes(), [2, 0, 0, 0, 2, 0, 0, 0, 255, 255, 5, 0]);
        set.insert(70_000);
        assert_eq!(set.as_bytes()[..8], [4, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(set.as_bytes()[8..12], [255; 4]);
        set.insert(i64::MIN);
        assert_eq!(
            set.as_bytes()[..16],
            [8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128]
        );
        // It keeps its width.
        set.remove(i64::MIN);
        set.remove(70_000);
        assert_eq!(set.as_bytes()[..8], [8, 0, 0, 0, 2, 0, 0, 0]);
    }

    #[test]
    fn ten_small_integers_take_28_bytes() {
        let mut set = Intset::default();
        (0..10).for_each(|number| _ = set.insert(number));
        assert_eq!((set.as_bytes().len(), set.heap_bytes()), (28, 32));
        (0..10).for_each(|number| _ = set.remove(number));
        assert!(set.heap_bytes() <= 16);
    }

    #[test]
    fn what_is_no_intset_is_refused() {
        for bytes in [
            &b""[..],
            b"\x02\0\0\0\0\0\0",
            b"\x03\0\0\0\0\0\0\0",
            b"\x02\0\0\0\x01\0\0\0",
            b"\x02\0\0\0\x01\0\0\0\x05",
            b"\x02\0\0\0\x01\0\0\0\x05\0\0",
            b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0",
            b"\x02\0\0\0\x02\0\0\0\x05\0\x04\0",
            b"\x08\0\0\0\xff\xff\xff\xff",
        ] {
            assert_eq!(
                Intset::from_bytes(bytes.to_vec()),
                Err(Malformed),
                "{bytes:?}"
            );
        }
        assert!(Intset::from_bytes(b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0".to_vec()).is_ok());
    }
}
