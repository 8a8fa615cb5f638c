//! Strings: bytes, or an integer that prints as them.

use super::Long;

use crate::compress::{Packed, pack};

/// A string on its way into the keyspace.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// Copied in.
    Bytes(&'a [u8]),
    /// Held as a number (encoding `int`).
    Int(i64),
    /// Taken over as it is (encoding `raw`, whatever its length).
    Buffer(Vec<u8>),
    /// Shared with another entry until one of them changes.
    Shared(Long),
    /// Packed, as by `Value::packed`.
    Packed(Vec<u8>),
}

impl<'a> Value<'a> {
    /// As Redis stores a string given by a client: as an integer if it is the canonical form of one.
    #[inline]
    pub fn encoded(bytes: &'a [u8]) -> Value<'a> {
        match protocol::number::parse_i64(bytes) {
            Some(number) => Value::Int(number),
            None => Value::Bytes(bytes),
        }
    }

    /// The same value, packed if it is longer than `threshold` bytes and that saves an eighth.
    #[inline]
    pub(crate) fn packed(self, threshold: usize) -> Value<'a> {
        let packed = match &self {
            Value::Bytes(bytes) => pack(bytes, threshold),
            Value::Int(_) | Value::Buffer(_) | Value::Shared(_) | Value::Packed(_) => None,
        };
        packed.map_or(self, Value::Packed)
    }
}

/// A string in the keyspace, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum Str<'a> {
    /// Short, beside its key.
    Bytes(&'a [u8]),
    /// A number.
    Int(i64),
    /// Long; may be handed on by reference count.
    Shared(&'a Long),
    /// Long, and packed.
    Packed(Packed<'a>),
}

impl Str<'_> {
    /// Length in bytes, of an integer of its decimal digits.
    pub fn len(&self) -> usize {
        match self {
            Str::Bytes(bytes) => bytes.len(),
            Str::Shared(shared) => shared.len(),
            Str::Int(number) => digits(*number),
            Str::Packed(packed) => packed.len(),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        self.with_bytes(<[u8]>::to_vec)
    }

    /// Hands its bytes to `reader`; an integer is printed first, a packed string unpacked.
    pub fn with_bytes<R>(&self, reader: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Str::Bytes(bytes) => reader(bytes),
            Str::Shared(shared) => reader(shared),
            Str::Int(number) => {
                let mut text = Vec::with_capacity(20);
                protocol::number::write_i64(*number, &mut text);
                reader(&text)
            }
            Str::Packed(packed) => {
                let mut plain = Vec::with_capacity(packed.len());
                packed.unpack_into(&mut plain);
                reader(&plain)
            }
        }
    }

    /// The integer it spells, if it does so canonically.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Str::Int(number) => Some(*number),
            Str::Bytes(bytes) => protocol::number::parse_i64(bytes),
            Str::Shared(shared) => protocol::number::parse_i64(shared),
            // An integer is too short for it.
            Str::Packed(_) => None,
        }
    }
}

fn digits(number: i64) -> usize {
    let magnitude = number.unsigned_abs();
    usize::from(number < 0) + magnitude.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_the_length_of_their_digits() {
        for number in [0, 1, 9, 10, -1, -10, i64::MAX, i64::MIN] {
            assert_eq!(Str::Int(number).len(), number.to_string().len(), "{number}");
            assert_eq!(Str::Int(number).to_vec(), number.to_string().into_bytes());
        }
    }

    #[test]
    fn only_canonical_integers_become_numbers() {
        assert!(matches!(Value::encoded(b"12"), Value::Int(12)));
        for text in [
            &b"012"[..],
            b"+1",
            b" 1",
            b"-0",
            b"1.0",
            b"",
            b"9223372036854775808",
        ] {
            assert!(matches!(Value::encoded(text), Value::Bytes(_)));
        }
    }
}
