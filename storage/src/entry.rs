//! One key with its value, expiry, access clock and tags.
//!
//! An entry is a pointer to one block, in which the key and a short value lie, so it is found in one
//! cache line or two.

mod block;

use smallvec::SmallVec;

use self::block::{Block, Body, BodyRef, Change, Parts};
use crate::compress::Packed;
use crate::heap;
use crate::memory::class_bytes;
use crate::value::{Long, Object, Spent, Str, Value};

/// Strings up to this length lie beside their key.
pub const INLINE_BYTES: usize = 1024;

const _: () = assert!(INLINE_BYTES <= block::MOST_INLINE);

/// A tag of an entry, and where in the tag's postings the entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) tag: u32,
    pub(crate) at: u32,
}

pub(crate) type Memberships = SmallVec<[Membership; 2]>;

/// A key and all that belongs to it.
#[repr(transparent)]
pub struct Entry(Block);

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key().escape_ascii().to_string())
            .field("type", &self.type_name())
            .field("value", &self.string())
            .field("expiry_ms", &self.expiry_ms())
            .finish_non_exhaustive()
    }
}

impl Entry {
    #[inline]
    pub(crate) fn new(
        key: &[u8],
        mut value: Value<'_>,
        access: u32,
        expiry_ms: Option<i64>,
    ) -> Entry {
        let (body, inline) = shape(&mut value);
        Entry(Block::new(Parts {
            access,
            expiry_ms,
            tags: None,
            body,
            key,
            inline,
        }))
    }

    /// A key that holds a collection.
    pub(crate) fn with_object(
        key: &[u8],
        object: Box<Object>,
        access: u32,
        expiry_ms: Option<i64>,
    ) -> Entry {
        Entry(Block::new(Parts {
            access,
            expiry_ms,
            tags: None,
            body: Body::Object(object),
            key,
            inline: &[],
        }))
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        self.0.key()
    }

    /// When it expires, in milliseconds since 1970.
    #[inline]
    pub fn expiry_ms(&self) -> Option<i64> {
        self.0.expiry_ms()
    }

    /// Whether its time has passed. As in Redis, it lives through the millisecond of its expiry.
    #[inline]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expiry_ms().is_some_and(|expiry_ms| expiry_ms < now_ms)
    }

    /// What is known of its accesses, to be read by [`crate::evict::Access`].
    #[inline]
    pub fn access(&self) -> u32 {
        self.0.access()
    }

    #[inline]
    pub(crate) fn put_access(&mut self, access: u32) {
        self.0.put_access(access);
    }

    /// Whether it carries a tag.
    #[inline]
    pub fn is_tagged(&self) -> bool {
        self.0.has_tags()
    }

    /// Its tags, in the order they were attached.
    #[inline]
    pub(crate) fn tags(&self) -> &[Membership] {
        self.0.tags().map_or(&[], |tags| tags)
    }

    pub(crate) fn tags_mut(&mut self) -> &mut [Membership] {
        self.0.tags_mut().map_or(&mut [], |tags| tags)
    }

    /// Attaches a tag that it does not carry yet.
    pub(crate) fn push_tag(&mut self, membership: Membership) {
        match self.0.tags_mut() {
            Some(tags) => tags.push(membership),
            None => {
                let tags = SmallVec::from_slice(&[membership]);
                self.change_tags(Some(tags));
            }
        }
    }

    /// Detaches one tag.
    pub(crate) fn remove_tag(&mut self, tag: u32) -> Option<Membership> {
        let tags = self.0.tags_mut()?;
        let place = tags.iter().position(|membership| membership.tag == tag)?;
        let membership = tags.remove(place);
        if tags.is_empty() {
            self.change_tags(None);
        }
        Some(membership)
    }

    /// Detaches all tags.
    pub(crate) fn take_tags(&mut self) -> Memberships {
        match self.0.tags_mut().map(std::mem::take) {
            Some(tags) => {
                self.change_tags(None);
                tags
            }
            None => Memberships::new(),
        }
    }

    /// Gives it the tags of another whose place it takes.
    pub(crate) fn adopt_tags(&mut self, other: &mut Entry) {
        let tags = other.take_tags();
        if self.is_tagged() || !tags.is_empty() {
            self.change_tags((!tags.is_empty()).then_some(tags));
        }
    }

    fn change_tags(&mut self, tags: Option<Memberships>) {
        self.0.change(Change {
            tags: Some(tags.map(Box::new)),
            ..Change::default()
        });
    }

    #[inline]
    pub(crate) fn put_expiry(&mut self, expiry_ms: Option<i64>) {
        let is_done = match expiry_ms {
            Some(expiry_ms) => self.0.overwrite_expiry(expiry_ms),
            None => self.expiry_ms().is_none(),
        };
        if !is_done {
            self.0.change(Change {
                expiry_ms: Some(expiry_ms),
                ..Change::default()
            });
        }
    }

    /// The string it holds; `None` if that is a collection.
    #[inline]
    pub fn string(&self) -> Option<Str<'_>> {
        Some(match self.0.body() {
            BodyRef::Inline(bytes) => Str::Bytes(bytes),
            BodyRef::Int(number) => Str::Int(number),
            BodyRef::Shared(shared) => Str::Shared(shared),
            BodyRef::Packed(packed) => Str::Packed(packed),
            BodyRef::PackedShared(packed) => Str::Packed(Packed::new(packed)),
            BodyRef::Object(_) => return None,
        })
    }

    /// The collection it holds; `None` if that is a string.
    #[inline]
    pub fn object(&self) -> Option<&Object> {
        match self.0.body() {
            BodyRef::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The collection it holds, to change in place.
    #[inline]
    pub(crate) fn object_mut(&mut self) -> Option<&mut Object> {
        self.0.object_mut()
    }

    /// A moment at which fields of the hash it holds may have expired, in milliseconds since 1970; `i64::MAX` if it
    /// has none that do.
    #[inline]
    pub(crate) fn fields_due_ms(&self) -> i64 {
        self.object().map_or(i64::MAX, Object::due_ms)
    }

    /// The name `OBJECT ENCODING` gives.
    pub fn encoding(&self) -> &'static str {
        match self.0.body() {
            BodyRef::Int(_) => "int",
            BodyRef::Inline(bytes) if bytes.len() <= 44 => "embstr",
            BodyRef::Inline(_) | BodyRef::Shared(_) => "raw",
            BodyRef::Packed(_) | BodyRef::PackedShared(_) => "raw",
            BodyRef::Object(object) => object.encoding(),
        }
    }

    /// The name `TYPE` gives.
    pub fn type_name(&self) -> &'static str {
        self.object().map_or("string", Object::type_name)
    }

    /// Replaces the value by a collection. Gives what held the old one, which may take long to free.
    pub(crate) fn put_object(&mut self, object: Box<Object>) -> Option<Spent> {
        self.0.change(Change {
            value: Some((Body::Object(object), &[])),
            ..Change::default()
        })
    }

    /// Replaces the value, in place when the block has the right size for it. Gives what held the old one, which
    /// may take long to free.
    #[inline]
    pub(crate) fn put_value(&mut self, mut value: Value<'_>) -> Option<Spent> {
        let (body, inline) = shape(&mut value);
        let is_done = match body {
            Body::Inline => self.0.overwrite_inline(inline),
            Body::Int(number) => self.0.overwrite_number(number),
            Body::Shared(_) | Body::Packed | Body::PackedShared(_) | Body::Object(_) => false,
        };
        if is_done {
            return None;
        }
        self.0.change(Change {
            value: Some((body, inline)),
            ..Change::default()
        })
    }

    /// The string as a buffer to change in place; from now on it is `raw`, as after Redis' `APPEND`.
    ///
    /// Copied only when a reply on its way still holds it. The caller has made sure that it is a string; a
    /// collection would make way for an empty one.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.0.shared_mut().is_none() {
            let buffer = self
                .string()
                .map_or_else(Vec::new, |string| string.to_vec());
            self.put_value(Value::Buffer(buffer));
        }
        let shared = self.0.shared_mut();
        let shared = shared.expect("put_value has just stored a buffer");
        shared.make_mut()
    }

    /// The same value and clock under the same key, without expiry and tags: for `COPY`.
    pub(crate) fn duplicate(&self) -> Entry {
        self.duplicate_until(None)
    }

    /// The same with its expiry, for the copy of a table in which it lies at the same place.
    pub(crate) fn duplicate_with_expiry(&self) -> Entry {
        let mut copy = self.duplicate_until(self.expiry_ms());
        copy.put_fingerprint(self.fingerprint());
        copy
    }

    fn duplicate_until(&self, expiry_ms: Option<i64>) -> Entry {
        let (body, inline) = match self.0.body() {
            BodyRef::Inline(bytes) => (Body::Inline, bytes),
            BodyRef::Int(number) => (Body::Int(number), &[][..]),
            BodyRef::Shared(shared) => (Body::Shared(shared.clone()), &[][..]),
            BodyRef::Packed(packed) => (Body::Packed, packed.as_bytes()),
            BodyRef::PackedShared(packed) => (Body::PackedShared(packed.clone()), &[][..]),
            BodyRef::Object(object) => (Body::Object(Box::new(object.clone())), &[][..]),
        };
        Entry(Block::new(Parts {
            access: self.access(),
            expiry_ms,
            tags: None,
            body,
            key: self.key(),
            inline,
        }))
    }

    /// Gives the entry another key, for `RENAME`.
    pub(crate) fn put_key(&mut self, key: &[u8]) {
        self.0.change(Change {
            key: Some(key),
            ..Change::default()
        });
    }

    pub(crate) fn epoch(&self) -> bool {
        self.0.epoch()
    }

    pub(crate) fn put_epoch(&mut self, epoch: bool) {
        self.0.put_epoch(epoch);
    }

    /// 16 bits by which a table finds it.
    #[inline]
    pub(crate) fn fingerprint(&self) -> u16 {
        self.0.fingerprint()
    }

    #[inline]
    pub(crate) fn put_fingerprint(&mut self, fingerprint: u16) {
        self.0.put_fingerprint(fingerprint);
    }

    /// Where key and value lie, to be fetched ahead of time.
    #[inline]
    pub(crate) fn address(&self) -> *const u8 {
        self.0.address()
    }

    /// Bytes of memory that the entry takes, its cell in the table included, in allocator classes.
    pub fn size_bytes(&self) -> usize {
        size_of::<Entry>() + self.heap_bytes()
    }

    /// Bytes that dropping the entry gives back; large ones are dropped elsewhere.
    pub fn heap_bytes(&self) -> usize {
        let buffer = match self.0.body() {
            BodyRef::Inline(_) | BodyRef::Int(_) | BodyRef::Packed(_) => 0,
            BodyRef::Shared(shared) | BodyRef::PackedShared(shared) => shared.heap_bytes(),
            BodyRef::Object(object) => class_bytes(size_of::<Object>()) + object.heap_bytes(),
        };
        heap::class_bytes(self.0.size()) + buffer + self.tags_bytes()
    }

    fn tags_bytes(&self) -> usize {
        let Some(tags) = self.0.tags() else { return 0 };
        let spilled = if tags.spilled() {
            tags.capacity() * size_of::<Membership>()
        } else {
            0
        };
        class_bytes(size_of::<Memberships>()) + class_bytes(spilled) + tags.len() * size_of::<u32>()
    }
}

/// How a value is held, and what of it lies beside the key.
#[inline]
fn shape<'v>(value: &'v mut Value<'_>) -> (Body, &'v [u8]) {
    match value {
        Value::Bytes(bytes) if bytes.len() <= INLINE_BYTES => (Body::Inline, bytes),
        Value::Bytes(bytes) => (Body::Shared(Long::new(bytes.to_vec())), &[]),
        Value::Buffer(buffer) => (Body::Shared(Long::new(std::mem::take(buffer))), &[]),
        Value::Shared(shared) => (Body::Shared(shared.clone()), &[]),
        Value::Int(number) => (Body::Int(*number), &[]),
        Value::Packed(packed) if packed.len() > INLINE_BYTES => {
            (Body::PackedShared(Long::new(std::mem::take(packed))), &[])
        }
        Value::Packed(packed) => (Body::Packed, packed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Set;

    fn text(entry: &Entry) -> Vec<u8> {
        entry.string().expect("it holds a string").to_vec()
    }

    #[test]
    fn a_small_entry_costs_eight_bytes_beyond_key_and_value() {
        let entry = Entry::new(&[b'k'; 16], Value::Bytes(&[b'v'; 32]), 0, None);
        assert_eq!(entry.heap_bytes(), 56);
        let entry = Entry::new(&[b'k'; 16], Value::Bytes(&[b'v'; 32]), 0, Some(1));
        assert_eq!(entry.heap_bytes(), 64);
        assert_eq!(size_of::<Option<Entry>>(), 8);
    }

    #[test]
    fn a_value_survives_every_change_of_shape() {
        let mut entry = Entry::new(b"key", Value::Bytes(b"short"), 0, None);
        assert_eq!(
            (entry.encoding(), text(&entry)),
            ("embstr", b"short".to_vec())
        );
        entry.put_value(Value::Int(42));
        assert_eq!((entry.encoding(), text(&entry)), ("int", b"42".to_vec()));
        entry.buffer().extend_from_slice(b"!");
        assert_eq!((entry.encoding(), text(&entry)), ("raw", b"42!".to_vec()));
        entry.put_value(Value::Bytes(&[b'x'; 45]));
        assert_eq!((entry.encoding(), text(&entry).len()), ("raw", 45));
        entry.put_key(b"another key");
        assert_eq!((entry.key(), text(&entry).len()), (&b"another key"[..], 45));
    }

    #[test]
    fn a_packed_value_is_what_it_was() {
        for length in [2_000, 200_000] {
            let plain: Vec<u8> = (0..length as u32)
                .flat_map(|n| (n / 7).to_be_bytes())
                .collect();
            let value = Value::Bytes(&plain).packed(1_000);
            assert!(matches!(value, Value::Packed(_)));
            let mut entry = Entry::new(b"key", value, 0, None);
            assert!(entry.heap_bytes() < plain.len());
            assert_eq!((entry.encoding(), text(&entry).len()), ("raw", plain.len()));
            entry.put_expiry(Some(7));
            entry.put_key(b"other");
            assert_eq!(text(&entry.duplicate()), plain);
            entry.buffer().push(b'!');
            assert_eq!(text(&entry).len(), plain.len() + 1);
            assert!(matches!(entry.string(), Some(Str::Shared(_))));
        }
    }

    #[test]
    fn a_collection_takes_the_place_of_a_string_and_gives_way_again() {
        let mut entry = Entry::new(b"key", Value::Bytes(b"short"), 0, Some(5));
        entry.put_object(Box::new(Object::Set(Set::default())));
        assert!(entry.string().is_none());
        assert_eq!((entry.type_name(), entry.expiry_ms()), ("set", Some(5)));
        entry.put_key(b"other");
        assert!(entry.object_mut().is_some());
        assert_eq!(entry.duplicate().type_name(), "set");
        assert!(matches!(
            entry.put_value(Value::Int(7)),
            Some(Spent::Object(_))
        ));
        assert_eq!((entry.type_name(), text(&entry)), ("string", b"7".to_vec()));
    }

    #[test]
    fn tags_come_and_go() {
        let mut entry = Entry::new(b"key", Value::Int(1), 0, Some(5));
        assert!(!entry.is_tagged());
        for tag in 0..4 {
            entry.push_tag(Membership { tag, at: 9 });
        }
        assert_eq!(entry.remove_tag(2), Some(Membership { tag: 2, at: 9 }));
        assert_eq!(entry.remove_tag(2), None);
        let mut other = Entry::new(b"key", Value::Int(2), 0, None);
        other.adopt_tags(&mut entry);
        assert_eq!((other.tags().len(), entry.is_tagged()), (3, false));
        assert_eq!(other.take_tags().len(), 3);
        assert!(!other.is_tagged());
        assert_eq!(entry.expiry_ms(), Some(5));
    }

    #[test]
    fn expiry_is_the_last_living_millisecond() {
        let mut entry = Entry::new(b"k", Value::Int(1), 0, None);
        assert!(!entry.is_expired(i64::MAX));
        entry.put_expiry(Some(1000));
        assert!(!entry.is_expired(1000));
        assert!(entry.is_expired(1001));
        entry.put_expiry(None);
        assert_eq!(entry.expiry_ms(), None);
    }
}
