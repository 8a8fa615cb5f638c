//! One key with its value, expiry, access clock and tags.
//!
//! Key and short value share one allocation, so a small entry is two cache lines away: its slot and
//! its bytes.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::value::{Str, Value};

/// Strings up to this length lie beside their key.
pub const INLINE_BYTES: usize = 1024;

/// No expiry. Times before 1970 are never stored: a key that has expired is removed instead.
const NO_EXPIRY: i64 = i64::MIN;

const LENGTH_MASK: u32 = (1 << 30) - 1;
const EPOCH_BIT: u32 = 1 << 31;

/// Marks an entry that is not in its partition's list of volatile keys.
pub(crate) const NOT_VOLATILE: u32 = u32::MAX;

/// A tag of an entry, and where in the tag's postings the entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) tag: u32,
    pub(crate) at: u32,
}

pub(crate) type Memberships = SmallVec<[Membership; 2]>;

#[derive(Debug)]
enum Body {
    /// Behind the key, in `bytes`.
    Inline,
    Int(i64),
    /// Longer, or grown in place; handed to replies by reference count.
    Shared(Arc<Vec<u8>>),
}

/// A key and all that belongs to it, in one cache line.
#[derive(Debug)]
#[repr(align(64))]
pub struct Entry {
    bytes: Box<[u8]>,
    body: Body,
    expiry_ms: i64,
    pub(crate) tags: Option<Box<Memberships>>,
    /// Length of the key in the low 30 bits, the snapshot epoch in the highest.
    key_word: u32,
    pub(crate) hash: u32,
    /// Last access: 4-millisecond ticks, or minutes and a logarithmic counter ([`crate::evict`]).
    pub(crate) access: u32,
    pub(crate) volatile_at: u32,
}

impl Entry {
    pub(crate) fn new(key: &[u8], hash: u32, value: Value<'_>, access: u32) -> Entry {
        let (bytes, body) = pack(key, value);
        Entry {
            bytes,
            body,
            expiry_ms: NO_EXPIRY,
            tags: None,
            key_word: key.len() as u32 & LENGTH_MASK,
            hash,
            access,
            volatile_at: NOT_VOLATILE,
        }
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        &self.bytes[..self.key_length()]
    }

    /// The key and, behind it, a short value.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    fn key_length(&self) -> usize {
        (self.key_word & LENGTH_MASK) as usize
    }

    /// When it expires, in milliseconds since 1970.
    #[inline]
    pub fn expiry_ms(&self) -> Option<i64> {
        (self.expiry_ms != NO_EXPIRY).then_some(self.expiry_ms)
    }

    /// Whether its time has passed. As in Redis, it lives through the millisecond of its expiry.
    #[inline]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expiry_ms < now_ms && self.expiry_ms != NO_EXPIRY
    }

    /// The clock of its last access, to be read by [`crate::evict::Access`].
    pub fn access(&self) -> u32 {
        self.access
    }

    /// Whether it carries a tag.
    #[inline]
    pub fn is_tagged(&self) -> bool {
        self.tags.is_some()
    }

    pub(crate) fn put_expiry(&mut self, expiry_ms: Option<i64>) {
        self.expiry_ms = expiry_ms.unwrap_or(NO_EXPIRY);
    }

    /// The string it holds.
    #[inline]
    pub fn string(&self) -> Str<'_> {
        match &self.body {
            Body::Inline => Str::Bytes(&self.bytes[self.key_length()..]),
            Body::Int(number) => Str::Int(*number),
            Body::Shared(shared) => Str::Shared(shared),
        }
    }

    /// The name `OBJECT ENCODING` gives.
    pub fn encoding(&self) -> &'static str {
        match &self.body {
            Body::Int(_) => "int",
            Body::Inline if self.bytes.len() - self.key_length() <= 44 => "embstr",
            Body::Inline | Body::Shared(_) => "raw",
        }
    }

    /// The name `TYPE` gives.
    pub fn type_name(&self) -> &'static str {
        "string"
    }

    /// Replaces the value, in place when it has the length of the old one.
    #[inline]
    pub(crate) fn put_value(&mut self, value: Value<'_>) {
        let length = self.key_length();
        match value {
            Value::Bytes(new) if new.len() <= INLINE_BYTES => {
                if self.bytes.len() == length + new.len() {
                    self.bytes[length..].copy_from_slice(new);
                } else {
                    self.bytes = joined(&self.bytes[..length], new);
                }
                self.body = Body::Inline;
            }
            value => {
                if self.bytes.len() > length {
                    self.bytes = self.bytes[..length].into();
                }
                self.body = match value {
                    Value::Int(number) => Body::Int(number),
                    Value::Bytes(new) => Body::Shared(Arc::new(new.to_vec())),
                    Value::Buffer(new) => Body::Shared(Arc::new(new)),
                    Value::Shared(shared) => Body::Shared(shared),
                };
            }
        }
    }

    /// The string as a buffer to change in place; from now on it is `raw`, as after Redis' `APPEND`.
    ///
    /// Copied only when a reply on its way still holds it.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if !matches!(self.body, Body::Shared(_)) {
            let buffer = self.string().to_vec();
            self.put_value(Value::Buffer(buffer));
        }
        match &mut self.body {
            Body::Shared(shared) => Arc::make_mut(shared),
            Body::Inline | Body::Int(_) => unreachable!("put_value has just stored a buffer"),
        }
    }

    /// The same value and clock under another key, without expiry and tags: for `COPY`.
    pub(crate) fn duplicate(&self) -> Entry {
        Entry {
            bytes: self.bytes.clone(),
            body: match &self.body {
                Body::Inline => Body::Inline,
                Body::Int(number) => Body::Int(*number),
                Body::Shared(shared) => Body::Shared(Arc::clone(shared)),
            },
            expiry_ms: NO_EXPIRY,
            tags: None,
            volatile_at: NOT_VOLATILE,
            ..*self
        }
    }

    /// Gives the entry another key, for `RENAME`.
    pub(crate) fn put_key(&mut self, key: &[u8], hash: u32) {
        let value = self.bytes[self.key_length()..].to_vec();
        self.bytes = joined(key, &value);
        self.key_word = (self.key_word & EPOCH_BIT) | (key.len() as u32 & LENGTH_MASK);
        self.hash = hash;
    }

    pub(crate) fn epoch(&self) -> bool {
        self.key_word & EPOCH_BIT != 0
    }

    pub(crate) fn put_epoch(&mut self, epoch: bool) {
        self.key_word = (self.key_word & LENGTH_MASK) | if epoch { EPOCH_BIT } else { 0 };
    }

    /// Bytes of memory that the entry takes, its slot included, in allocator classes.
    pub fn size_bytes(&self) -> usize {
        let body = match &self.body {
            Body::Inline | Body::Int(_) => 0,
            Body::Shared(shared) => {
                crate::memory::class_bytes(size_of::<Vec<u8>>() + 2 * size_of::<usize>())
                    + crate::memory::class_bytes(shared.capacity())
            }
        };
        size_of::<Entry>() + crate::memory::class_bytes(self.bytes.len()) + body + self.tags_bytes()
    }

    fn tags_bytes(&self) -> usize {
        let Some(tags) = &self.tags else { return 0 };
        let spilled = if tags.spilled() {
            tags.capacity() * size_of::<Membership>()
        } else {
            0
        };
        crate::memory::class_bytes(size_of::<Memberships>())
            + crate::memory::class_bytes(spilled)
            + tags.len() * size_of::<u32>()
    }

    /// Bytes that dropping the entry gives back beyond its slot; large ones are dropped elsewhere.
    pub fn heap_bytes(&self) -> usize {
        self.size_bytes() - size_of::<Entry>()
    }
}

fn pack(key: &[u8], value: Value<'_>) -> (Box<[u8]>, Body) {
    match value {
        Value::Bytes(bytes) if bytes.len() <= INLINE_BYTES => (joined(key, bytes), Body::Inline),
        Value::Bytes(bytes) => (key.into(), Body::Shared(Arc::new(bytes.to_vec()))),
        Value::Buffer(buffer) => (key.into(), Body::Shared(Arc::new(buffer))),
        Value::Shared(shared) => (key.into(), Body::Shared(shared)),
        Value::Int(number) => (key.into(), Body::Int(number)),
    }
}

fn joined(key: &[u8], value: &[u8]) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(key.len() + value.len());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
    bytes.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_cache_line() {
        assert_eq!(size_of::<Entry>(), 64);
        assert_eq!(size_of::<Option<Entry>>(), 64);
    }

    #[test]
    fn a_value_survives_every_change_of_shape() {
        let mut entry = Entry::new(b"key", 7, Value::Bytes(b"short"), 0);
        assert_eq!(
            (entry.encoding(), entry.string().to_vec()),
            ("embstr", b"short".to_vec())
        );
        entry.put_value(Value::Int(42));
        assert_eq!(
            (entry.encoding(), entry.string().to_vec()),
            ("int", b"42".to_vec())
        );
        entry.buffer().extend_from_slice(b"!");
        assert_eq!(
            (entry.encoding(), entry.string().to_vec()),
            ("raw", b"42!".to_vec())
        );
        entry.put_value(Value::Bytes(&[b'x'; 45]));
        assert_eq!((entry.encoding(), entry.string().len()), ("raw", 45));
        entry.put_key(b"another key", 8);
        assert_eq!(
            (entry.key(), entry.string().len()),
            (&b"another key"[..], 45)
        );
    }

    #[test]
    fn expiry_is_the_last_living_millisecond() {
        let mut entry = Entry::new(b"k", 0, Value::Int(1), 0);
        assert!(!entry.is_expired(i64::MAX));
        entry.put_expiry(Some(1000));
        assert!(!entry.is_expired(1000));
        assert!(entry.is_expired(1001));
    }
}
