//! One element of a listpack: its meaning, and its bytes.
//!
//! | first byte | content                                        |
//! |------------|------------------------------------------------|
//! | `0xxxxxxx` | an integer of 7 bits, without a sign           |
//! | `10xxxxxx` | the length of a string below 64                |
//! | `110xxxxx` | the upper bits of an integer of 13             |
//! | `1110xxxx` | the upper bits of the length of a string below 4,096 |
//! | `0xf0`     | a string whose length follows in four bytes    |
//! | `0xf1..f4` | an integer in 2, 3, 4 or 8 bytes               |
//!
//! Whatever has more than one byte is little-endian, but for the two-byte forms. Behind it stands
//! the length of all this, seven bits a byte, to be read backwards: the last byte holds the lowest
//! bits, and every byte but the first has its highest bit set.

use protocol::number::{parse_i64, with_digits};

use super::{END, HEADER_BYTES};

/// An element: what was a canonical decimal integer is one, anything else are bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Item<'a> {
    /// A string.
    Bytes(&'a [u8]),
    /// A string that is these digits.
    Int(i64),
}

impl<'a> Item<'a> {
    /// As a string is stored: an integer if it is the canonical form of one.
    #[inline]
    pub fn of(element: &'a [u8]) -> Item<'a> {
        match parse_i64(element) {
            Some(number) => Item::Int(number),
            None => Item::Bytes(element),
        }
    }

    /// Hands its bytes to `reader`; an integer is printed first.
    #[inline]
    pub fn with_bytes<R>(&self, reader: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Item::Bytes(bytes) => reader(bytes),
            Item::Int(number) => with_digits(*number, reader),
        }
    }

    /// Appends its bytes.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        self.with_bytes(|bytes| out.extend_from_slice(bytes));
    }

    /// Its bytes, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        self.with_bytes(<[u8]>::to_vec)
    }

    /// Whether it is this string.
    #[inline]
    pub fn is(&self, element: &[u8]) -> bool {
        match self {
            Item::Bytes(bytes) => *bytes == element,
            Item::Int(number) => parse_i64(element) == Some(*number),
        }
    }

    /// Length in bytes, of an integer of its decimal digits.
    pub fn len(&self) -> usize {
        self.with_bytes(<[u8]>::len)
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        matches!(self, Item::Bytes([]))
    }

    /// The integer it spells, if it does so canonically.
    #[inline]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Item::Int(number) => Some(*number),
            Item::Bytes(bytes) => parse_i64(bytes),
        }
    }
}

/// What is looked for among elements.
#[derive(Clone, Copy, Debug)]
pub struct Needle<'a> {
    bytes: &'a [u8],
    number: Option<i64>,
}

impl<'a> Needle<'a> {
    /// Looks for this string.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Needle<'a> {
        Needle {
            bytes,
            number: parse_i64(bytes),
        }
    }

    /// Whether an element is it.
    #[inline]
    pub fn is(&self, item: Item<'_>) -> bool {
        match item {
            Item::Bytes(bytes) => bytes == self.bytes,
            Item::Int(number) => self.number == Some(number),
        }
    }
}

/// An element as it is about to be written: what stands in front, and the bytes of a string.
pub(super) struct Encoded<'a> {
    head: [u8; 9],
    head_bytes: usize,
    body: &'a [u8],
}

impl<'a> Encoded<'a> {
    #[inline]
    pub(super) fn of(item: Item<'a>) -> Encoded<'a> {
        match item {
            Item::Bytes(bytes) => Encoded::string(bytes),
            Item::Int(number) => Encoded::integer(number),
        }
    }

    #[inline]
    fn string(body: &'a [u8]) -> Encoded<'a> {
        let length = body.len();
        let mut head = [0; 9];
        let head_bytes = if length < 64 {
            head[0] = 0x80 | length as u8;
            1
        } else if length < 4096 {
            head[0] = 0xe0 | (length >> 8) as u8;
            head[1] = length as u8;
            2
        } else {
            let length = u32::try_from(length).expect("callers ask would_fit()");
            head[0] = 0xf0;
            head[1..5].copy_from_slice(&length.to_le_bytes());
            5
        };
        Encoded {
            head,
            head_bytes,
            body,
        }
    }

    #[inline]
    fn integer(number: i64) -> Encoded<'a> {
        let mut head = [0; 9];
        let content_bytes = match number {
            0..=127 => {
                head[0] = number as u8;
                0
            }
            -4096..=4095 => {
                let bits = number as u16 & 0x1fff;
                head[0] = 0xc0 | (bits >> 8) as u8;
                head[1] = bits as u8;
                1
            }
            -0x8000..=0x7fff => wide(&mut head, 0xf1, number, 2),
            -0x80_0000..=0x7f_ffff => wide(&mut head, 0xf2, number, 3),
            -0x8000_0000..=0x7fff_ffff => wide(&mut head, 0xf3, number, 4),
            _ => wide(&mut head, 0xf4, number, 8),
        };
        Encoded {
            head,
            head_bytes: 1 + content_bytes,
            body: &[],
        }
    }

    #[inline]
    fn length(&self) -> usize {
        self.head_bytes + self.body.len()
    }

    /// With the length that stands behind it.
    #[inline]
    pub(super) fn entry_bytes(&self) -> usize {
        self.length() + back_length_bytes(self.length())
    }

    /// Fills `out`, which has [`entry_bytes`](Self::entry_bytes).
    #[inline]
    pub(super) fn write(&self, out: &mut [u8]) {
        let (head, rest) = out.split_at_mut(self.head_bytes);
        head.copy_from_slice(&self.head[..self.head_bytes]);
        let (body, back) = rest.split_at_mut(self.body.len());
        body.copy_from_slice(self.body);
        write_back_length(self.length(), back);
    }
}

#[inline]
fn wide(head: &mut [u8; 9], kind: u8, number: i64, bytes: usize) -> usize {
    head[0] = kind;
    head[1..].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// How many bytes tell the length of an element behind it.
///
/// From the second on a limit is one lower than it could be, as in Redis.
#[inline]
pub(super) fn back_length_bytes(length: usize) -> usize {
    match length {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

#[inline]
fn write_back_length(length: usize, out: &mut [u8]) {
    let mut rest = length;
    for byte in out.iter_mut().rev() {
        *byte = 0x80 | (rest & 0x7f) as u8;
        rest >>= 7;
    }
    out[0] &= 0x7f;
}

/// The length told by what stands before `end`, and the bytes telling it.
#[inline]
fn read_back_length(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let mut length = 0;
    for count in 0..5 {
        let byte = *bytes.get(end.checked_sub(count + 1)?)?;
        length |= usize::from(byte & 0x7f) << (7 * count);
        if byte & 0x80 == 0 {
            return Some((length, count + 1));
        }
    }
    None
}

const VALID: &str = "every listpack has been validated or built here";

/// The element at `at`, and its length without what tells it.
#[inline]
pub(super) fn decode(bytes: &[u8], at: usize) -> (Item<'_>, usize) {
    try_decode(&bytes[at..]).expect(VALID)
}

/// The position behind the element at `at`.
#[inline]
pub(super) fn skip(bytes: &[u8], at: usize) -> usize {
    let length = decode(bytes, at).1;
    at + length + back_length_bytes(length)
}

/// The position of the element before `at`.
#[inline]
pub(super) fn skip_back(bytes: &[u8], at: usize) -> usize {
    let (length, size) = read_back_length(bytes, at).expect(VALID);
    at - length - size
}

#[inline]
fn try_decode(bytes: &[u8]) -> Option<(Item<'_>, usize)> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((Item::Int(i64::from(first)), 1)),
        0x80..=0xbf => string(rest, 0, usize::from(first & 0x3f)),
        0xc0..=0xdf => {
            let bits = i64::from(first & 0x1f) << 8 | i64::from(*rest.first()?);
            Some((Item::Int(bits << 51 >> 51), 2))
        }
        0xe0..=0xef => {
            let length = usize::from(first & 0x0f) << 8 | usize::from(*rest.first()?);
            string(rest, 1, length)
        }
        0xf0 => string(rest, 4, u32::from_le_bytes(*rest.first_chunk()?) as usize),
        0xf1 => integer(i64::from(i16::from_le_bytes(*rest.first_chunk()?)), 3),
        0xf2 => {
            let [low, middle, high] = *rest.first_chunk()?;
            integer(
                i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8),
                4,
            )
        }
        0xf3 => integer(i64::from(i32::from_le_bytes(*rest.first_chunk()?)), 5),
        0xf4 => integer(i64::from_le_bytes(*rest.first_chunk()?), 9),
        0xf5.. => None,
    }
}

#[inline]
fn string(rest: &[u8], skip: usize, length: usize) -> Option<(Item<'_>, usize)> {
    let body = rest.get(skip..)?.get(..length)?;
    Some((Item::Bytes(body), 1 + skip + length))
}

#[inline]
fn integer(number: i64, length: usize) -> Option<(Item<'static>, usize)> {
    Some((Item::Int(number), length))
}

/// The number of elements of a listpack, if the bytes are one.
pub(super) fn validate(bytes: &[u8]) -> Option<usize> {
    let size = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    let end = bytes.len().checked_sub(1)?;
    if size != bytes.len() || end < HEADER_BYTES || bytes[end] != END {
        return None;
    }
    let (mut at, mut count) = (HEADER_BYTES, 0);
    while at < end {
        let (_, length) = try_decode(&bytes[at..end])?;
        let behind = at + length + back_length_bytes(length);
        if behind > end || read_back_length(bytes, behind)? != (length, behind - at - length) {
            return None;
        }
        at = behind;
        count += 1;
    }
    Some(count)
}
