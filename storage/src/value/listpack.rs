//! A row of strings and integers in one buffer, in Redis' listpack layout.
//!
//! Six bytes of header (the size of all in bytes, then the number of elements, both little-endian),
//! the elements, and a byte 0xff. An element is its encoding and content, then the length of these,
//! so that it can be passed in both directions. RDB files and DUMP carry the very bytes
//! ([`Listpack::as_bytes`]). *Source:* `listpack.c` of Redis.
//!
//! An element is named by its position: the offset of its first byte. An edit leaves the positions
//! before it as they are and moves those behind it.
//!
//! Free bytes of the buffer lie in front of the listpack and behind it, so that both ends grow and
//! shrink without moving the rest. The buffer has the size of an allocator class, which is tight
//! when small and leaves an eighth or more to grow into when large.

mod item;
mod iter;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::memory::class_bytes;

pub use item::{Item, Needle};
pub use iter::Iter;

use item::Encoded;

/// Where the first element stands.
const HEADER_BYTES: usize = 6;
const END: u8 = 0xff;
const EMPTY: [u8; HEADER_BYTES + 1] = [HEADER_BYTES as u8 + 1, 0, 0, 0, 0, 0, END];
/// Stands for this number of elements and every larger one.
const MANY: u16 = u16::MAX;
/// The most that an element takes beside the bytes of its string.
const MOST_FRAME_BYTES: usize = 10;
/// The most free bytes in front.
const MOST_FRONT: usize = u16::MAX as usize;
/// What [`Listpack::would_fit`] allows, as Redis does.
const MOST_BYTES: usize = 1 << 30;

/// See the [module](self).
pub struct Listpack {
    /// Empty if there has never been an element.
    buffer: Box<[u8]>,
    end: u32,
    start: u16,
    /// Says nothing itself: the values that it never has tell a listpack from what else a collection may be
    /// held as, so that such an enum is no larger.
    mark: Mark,
}

#[derive(Clone, Copy)]
#[repr(u8)]
enum Mark {
    Listpack,
}

/// Bytes that are no listpack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed listpack")
    }
}

impl std::error::Error for Malformed {}

impl Listpack {
    /// The position of the first element, where there is one.
    pub const HEAD: usize = HEADER_BYTES;

    /// No elements, and no memory.
    pub fn new() -> Listpack {
        Listpack {
            buffer: Box::default(),
            end: 0,
            start: 0,
            mark: Mark::Listpack,
        }
    }

    /// No elements, but room for a listpack of `size_bytes`.
    pub fn with_capacity(size_bytes: usize) -> Listpack {
        let mut listpack = Listpack::new();
        listpack.rebuild(HEADER_BYTES, 0, 0, class_bytes(size_bytes.max(EMPTY.len())));
        listpack
    }

    /// A listpack as found in a file or sent by a client.
    ///
    /// # Errors
    /// [`Malformed`] if any length in it is not right, up to the last byte. O(n).
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Listpack, Malformed> {
        let count = item::validate(&bytes).ok_or(Malformed)?;
        if read_count(&bytes) != MANY && usize::from(read_count(&bytes)) != count {
            return Err(Malformed);
        }
        Ok(Listpack {
            start: 0,
            end: bytes.len() as u32,
            buffer: bytes.into_boxed_slice(),
            mark: Mark::Listpack,
        })
    }

    /// The listpack as files carry it.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        if self.buffer.is_empty() {
            return &EMPTY;
        }
        &self.buffer[self.start as usize..self.end as usize]
    }

    /// How many elements there are. O(1) below 65,535, O(n) from there on.
    #[inline]
    pub fn len(&self) -> usize {
        match read_count(self.as_bytes()) {
            MANY => self.iter().count(),
            count => usize::from(count),
        }
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.size_bytes() == EMPTY.len()
    }

    /// The size of the listpack itself.
    #[inline]
    pub fn size_bytes(&self) -> usize {
        self.as_bytes().len()
    }

    /// Bytes of memory, in allocator classes.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        class_bytes(self.buffer.len())
    }

    /// What `element` would take, all included.
    pub fn entry_bytes(element: &[u8]) -> usize {
        Encoded::of(Item::of(element)).entry_bytes()
    }

    /// Whether elements of `bytes` in all may be added; beyond a gibibyte Redis takes another encoding.
    pub fn would_fit(&self, bytes: usize) -> bool {
        self.size_bytes().saturating_add(bytes) <= MOST_BYTES
    }

    /// The elements, from either end.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self.as_bytes(), HEADER_BYTES, self.end())
    }

    /// The elements from position `at` on.
    #[inline]
    pub fn iter_from(&self, at: usize) -> Iter<'_> {
        Iter::new(self.as_bytes(), at, self.end())
    }

    /// The elements from position `at` back to the first.
    #[inline]
    pub fn iter_back_from(&self, at: usize) -> std::iter::Rev<Iter<'_>> {
        let bytes = self.as_bytes();
        Iter::new(bytes, HEADER_BYTES, item::skip(bytes, at)).rev()
    }

    /// The position behind the last element: that of the next to be pushed.
    #[inline]
    pub fn end(&self) -> usize {
        self.size_bytes() - 1
    }

    /// The position of the first element.
    #[inline]
    pub fn first(&self) -> Option<usize> {
        self.element(HEADER_BYTES)
    }

    /// The position of the last element.
    #[inline]
    pub fn last(&self) -> Option<usize> {
        self.previous(self.end())
    }

    /// The position behind the element at `at`, if another stands there.
    #[inline]
    pub fn next(&self, at: usize) -> Option<usize> {
        self.element(item::skip(self.as_bytes(), at))
    }

    /// The position of the element before `at`, which may be the end.
    #[inline]
    pub fn previous(&self, at: usize) -> Option<usize> {
        (at > HEADER_BYTES).then(|| item::skip_back(self.as_bytes(), at))
    }

    #[inline]
    fn element(&self, at: usize) -> Option<usize> {
        (at < self.end()).then_some(at)
    }

    /// The position of the element with that index; negative ones count from the end, -1 the last.
    ///
    /// O(n), from the nearer end.
    pub fn seek(&self, index: i64) -> Option<usize> {
        let len = self.len();
        let distance = usize::try_from(index.unsigned_abs()).ok()?;
        let index = match index < 0 {
            true => len.checked_sub(distance)?,
            false => distance,
        };
        if index >= len {
            return None;
        }
        let bytes = self.as_bytes();
        let at = if index <= len / 2 {
            (0..index).fold(HEADER_BYTES, |at, _| item::skip(bytes, at))
        } else {
            (index..len).fold(self.end(), |at, _| item::skip_back(bytes, at))
        };
        Some(at)
    }

    /// The element at a position.
    #[inline]
    pub fn get(&self, at: usize) -> Item<'_> {
        item::decode(self.as_bytes(), at).0
    }

    /// The first position from `from` on that holds `needle`, if only every `skip + 1`st is looked at.
    pub fn find(&self, from: usize, needle: &[u8], skip: usize) -> Option<usize> {
        let needle = Needle::new(needle);
        let bytes = self.as_bytes();
        let mut at = from;
        while at < bytes.len() - 1 {
            let (item, length) = item::decode(bytes, at);
            if needle.is(item) {
                return Some(at);
            }
            at += length + item::back_length_bytes(length);
            for _ in 0..skip {
                if at >= bytes.len() - 1 {
                    return None;
                }
                at = item::skip(bytes, at);
            }
        }
        None
    }
}

/// Edits. They panic when the listpack exceeds 4 GiB: [`would_fit`](Listpack::would_fit) tells before.
impl Listpack {
    /// Adds an element at the end.
    #[inline]
    pub fn push_back(&mut self, element: &[u8]) {
        self.insert_item(self.end(), Item::of(element));
    }

    /// Adds an integer at the end.
    #[inline]
    pub fn push_back_integer(&mut self, number: i64) {
        self.insert_item(self.end(), Item::Int(number));
    }

    /// Adds an element at the end as it stands in another listpack.
    #[inline]
    pub fn push_back_item(&mut self, item: Item<'_>) {
        self.insert_item(self.end(), item);
    }

    /// Adds an element in front of all others.
    #[inline]
    pub fn push_front(&mut self, element: &[u8]) {
        self.insert_item(HEADER_BYTES, Item::of(element));
    }

    /// Adds an element before the one at `at`, whose position it takes, or at the end.
    #[inline]
    pub fn insert(&mut self, at: usize, element: &[u8]) {
        self.insert_item(at, Item::of(element));
    }

    /// Adds an integer before the element at `at`, or at the end.
    #[inline]
    pub fn insert_integer(&mut self, at: usize, number: i64) {
        self.insert_item(at, Item::Int(number));
    }

    /// Adds an element of another listpack before the one at `at`, or at the end.
    #[inline]
    pub fn insert_item(&mut self, at: usize, item: Item<'_>) {
        self.put(at, 0, item);
        self.add_to_count(1);
    }

    /// Puts an element in the place of another, and tells its position, which is the same.
    #[inline]
    pub fn replace(&mut self, at: usize, element: &[u8]) -> usize {
        self.replace_item(at, Item::of(element))
    }

    /// Puts an integer in the place of an element.
    #[inline]
    pub fn replace_integer(&mut self, at: usize, number: i64) -> usize {
        self.replace_item(at, Item::Int(number))
    }

    /// Puts an element of another listpack in the place of one.
    #[inline]
    pub fn replace_item(&mut self, at: usize, item: Item<'_>) -> usize {
        let old = item::skip(self.as_bytes(), at) - at;
        self.put(at, old, item);
        at
    }

    /// Adds elements at the end.
    pub fn append_iter<'i>(&mut self, items: impl IntoIterator<Item = Item<'i>>) {
        items.into_iter().for_each(|item| self.push_back_item(item));
    }

    /// Adds elements at the end, all at once; they are gone over twice.
    #[inline]
    pub fn append_row<'i>(&mut self, items: impl Iterator<Item = Item<'i>> + Clone) {
        let sizes = items.clone().map(|item| Encoded::of(item).entry_bytes());
        let (count, bytes) = sizes.fold((0u16, 0), |(count, bytes), size| {
            (count.saturating_add(1), bytes + size)
        });
        let mut at = self.end();
        self.splice(at, 0, bytes);
        let row = self.bytes_mut();
        for item in items {
            let encoded = Encoded::of(item);
            let behind = at + encoded.entry_bytes();
            encoded.write(&mut row[at..behind]);
            at = behind;
        }
        self.add_to_count(count);
    }

    /// Adds the elements of another listpack at the end, all at once.
    pub fn append(&mut self, other: &Listpack) {
        let count = read_count(self.as_bytes()).saturating_add(read_count(other.as_bytes()));
        let added = &other.as_bytes()[HEADER_BYTES..other.end()];
        let at = self.end();
        self.splice(at, 0, added.len());
        self.bytes_mut()[at..at + added.len()].copy_from_slice(added);
        self.write_count(count);
    }

    /// Takes the elements from position `at` on away into a listpack of their own. O(n).
    pub fn split_off(&mut self, at: usize) -> Listpack {
        let count = self.iter_from(at).count();
        let moved = &self.as_bytes()[at..self.end()];
        let mut rest = Listpack::with_capacity(HEADER_BYTES + moved.len() + 1);
        rest.splice(HEADER_BYTES, 0, moved.len());
        rest.bytes_mut()[HEADER_BYTES..HEADER_BYTES + moved.len()].copy_from_slice(moved);
        rest.write_count(u16::try_from(count).unwrap_or(MANY));
        self.cut(at, self.end(), count);
        rest
    }

    /// Removes an element, and tells the position of the next, which is the same, if there is one.
    #[inline]
    pub fn remove(&mut self, at: usize) -> Option<usize> {
        let behind = item::skip(self.as_bytes(), at);
        self.cut(at, behind, 1);
        self.element(at)
    }

    /// Removes `count` elements from `at` on, or as many as there are; tells how many.
    pub fn remove_range(&mut self, at: usize, count: usize) -> usize {
        let (mut behind, mut removed) = (at, 0);
        while removed < count && behind < self.end() {
            behind = item::skip(self.as_bytes(), behind);
            removed += 1;
        }
        self.cut(at, behind, removed);
        removed
    }

    /// Doubles the buffer if an element of `bytes` has no room in it: for a listpack that will be filled
    /// from one end, at position `at`, and then be tightened with [`Listpack::shrink_to_fit`].
    #[inline]
    pub fn reserve_doubling(&mut self, at: usize, bytes: usize) {
        let needed = self.size_bytes() + bytes + MOST_FRAME_BYTES;
        if needed > self.buffer.len() {
            let capacity = needed.max(2 * self.buffer.len());
            self.rebuild(at, 0, 0, class_bytes(capacity));
        }
    }

    /// Gives back what a smaller buffer would do without.
    pub fn shrink_to_fit(&mut self) {
        let capacity = class_bytes(self.size_bytes());
        if capacity < class_bytes(self.buffer.len()) {
            self.rebuild(self.end(), 0, 0, capacity);
        }
    }

    /// Removes what stands from `at` to `behind`.
    fn cut(&mut self, at: usize, behind: usize, count: usize) {
        if at == behind {
            return;
        }
        self.splice(at, behind - at, 0);
        match read_count(self.as_bytes()) {
            MANY => self.count_again(),
            before => self.write_count(before - count as u16),
        }
    }

    /// Writes an element over `old` bytes at `at`.
    #[inline]
    fn put(&mut self, at: usize, old: usize, item: Item<'_>) {
        let encoded = Encoded::of(item);
        let size = encoded.entry_bytes();
        if size != old {
            self.splice(at, old, size);
        }
        encoded.write(&mut self.bytes_mut()[at..at + size]);
    }

    #[inline]
    fn add_to_count(&mut self, more: u16) {
        self.write_count(read_count(self.as_bytes()).saturating_add(more));
    }

    #[inline]
    fn write_count(&mut self, count: u16) {
        self.bytes_mut()[4..6].copy_from_slice(&count.to_le_bytes());
    }

    /// Tells the number of elements again once it is surely small enough, as one takes two bytes.
    fn count_again(&mut self) {
        if self.size_bytes() - EMPTY.len() < 2 * usize::from(MANY) {
            let count = self.iter().count();
            self.write_count(count as u16);
        }
    }

    /// The bytes; there must be a buffer.
    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start as usize..self.end as usize]
    }

    /// Makes `old` bytes at `at` `new` ones, to be written by the caller, and tells the new size.
    ///
    /// Whichever part is shorter moves, that in front or that behind. If the free bytes on its side
    /// are too few, all that there are come to this side, so that the next such edit finds them.
    #[inline]
    fn splice(&mut self, at: usize, old: usize, new: usize) {
        let size = self.size_bytes();
        let tail = size - at - old;
        let needed = size - old + new;
        let capacity = self.buffer.len();
        if needed > capacity {
            return self.rebuild(at, old, new, class_bytes(needed));
        }
        if new < old && class_bytes(needed) <= capacity / 2 {
            return self.rebuild(at, old, new, class_bytes(needed));
        }
        let (start, end) = (self.start as usize, self.end as usize);
        let is_front_nearer = at < tail;
        let behind_back = end + new - old;
        let moved_start = if is_front_nearer {
            match (start + old).checked_sub(new) {
                Some(moved) if moved <= MOST_FRONT => moved,
                // Brought to the front, so that the next elements taken from there move nothing again.
                Some(_) => 0,
                None => (capacity - needed).min(MOST_FRONT),
            }
        } else if behind_back <= capacity {
            start
        } else {
            0
        };
        self.shift(moved_start, at, old, new);
    }

    /// Moves what stands before and behind `old` bytes at `at` inside the buffer.
    #[inline]
    fn shift(&mut self, moved_start: usize, at: usize, old: usize, new: usize) {
        let (start, end) = (self.start as usize, self.end as usize);
        let head = start..start + at;
        let tail = start + at + old..end;
        let moved_tail = moved_start + at + new;
        let moved_end = moved_tail + tail.len();
        // The part in whose way the other would come goes first.
        if moved_start <= start {
            move_within(&mut self.buffer, head, moved_start);
            move_within(&mut self.buffer, tail, moved_tail);
        } else {
            move_within(&mut self.buffer, tail, moved_tail);
            move_within(&mut self.buffer, head, moved_start);
        }
        (self.start, self.end) = (moved_start as u16, moved_end as u32);
        self.write_size();
    }

    /// Moves everything into a buffer of another size, free bytes to the end nearer to `at`.
    #[cold]
    fn rebuild(&mut self, at: usize, old: usize, new: usize, capacity: usize) {
        let bytes = self.as_bytes();
        let (head, tail) = (&bytes[..at], &bytes[at + old..]);
        let size = head.len() + new + tail.len();
        let start = match head.len() < tail.len() {
            true => (capacity - size).min(MOST_FRONT),
            false => 0,
        };
        let mut buffer = Vec::with_capacity(capacity);
        buffer.resize(start, 0);
        buffer.extend_from_slice(head);
        buffer.resize(start + at + new, 0);
        buffer.extend_from_slice(tail);
        buffer.resize(capacity, 0);
        self.start = start as u16;
        self.end = u32::try_from(start + size).expect("callers ask would_fit()");
        self.buffer = buffer.into_boxed_slice();
        self.write_size();
    }

    #[inline]
    fn write_size(&mut self) {
        let size = self.end - u32::from(self.start);
        self.bytes_mut()[..4].copy_from_slice(&size.to_le_bytes());
    }
}

#[inline]
fn move_within(buffer: &mut [u8], from: std::ops::Range<usize>, to: usize) {
    if from.start != to {
        buffer.copy_within(from, to);
    }
}

#[inline]
fn read_count(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[4], bytes[5]])
}

impl Default for Listpack {
    fn default() -> Listpack {
        Listpack::new()
    }
}

impl Clone for Listpack {
    fn clone(&self) -> Listpack {
        let bytes = match self.buffer.is_empty() {
            true => &[][..],
            false => self.as_bytes(),
        };
        Listpack {
            buffer: bytes.into(),
            end: bytes.len() as u32,
            start: 0,
            mark: self.mark,
        }
    }
}

impl PartialEq for Listpack {
    fn eq(&self, other: &Listpack) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Listpack {}

impl fmt::Debug for Listpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Listpack {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
