//! The one allocation of an entry, and the pointer to it.
//!
//! ```text
//! access: u32 | meta: u32 | expiry: i64? | tags: pointer? | body: i64 or pointer? | key length: u64? | key | value?
//! ```
//!
//! What is optional is there if its bit in `meta` is set, so a small entry costs 8 bytes beyond its key
//! and value. The upper 16 bits of the pointer, which no address of a process uses, hold the
//! fingerprint by which a table finds the entry ([`crate::table`]).

#![expect(
    unsafe_code,
    reason = "a block's layout depends on what it holds, which no Rust type can say"
)]

use std::ptr::NonNull;

use super::Memberships;
use crate::compress::{self, Packed};
use crate::heap;
use crate::value::{Long, Object, Spent};

/// Access clock and meta word.
const HEADER: usize = 8;

/// Bytes of a value beside its key: the lowest bits of `meta`.
const LENGTH_MASK: u32 = (1 << 12) - 1;
/// Optional fields in the order in which they lie, 8 bytes each.
const EXPIRY: u32 = 1 << 12;
const TAGS: u32 = 1 << 13;
const BODY: u32 = 1 << 14;
const LONG_KEY: u32 = 1 << 15;
/// Length of the key, unless it is in a field of its own.
const KEY_SHIFT: u32 = 16;
const LONGEST_SHORT_KEY: usize = 255;
const KIND_SHIFT: u32 = 24;
const KIND_MASK: u32 = 0b111 << KIND_SHIFT;
/// From here on.
const PACKED_KINDS: u32 = 3 << KIND_SHIFT;
const EPOCH: u32 = 1 << 27;

/// The most bytes that may lie beside a key.
pub(super) const MOST_INLINE: usize = LENGTH_MASK as usize;

/// Bits of an address.
const ADDRESS_BITS: u32 = 48;
const ADDRESS_MASK: usize = (1 << ADDRESS_BITS) - 1;

/// What a value is held as.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Behind the key.
    Inline,
    Int(i64),
    /// Longer, or grown in place; handed to replies by reference count.
    Shared(Long),
    /// Behind the key, packed.
    Packed,
    /// Longer even so.
    PackedShared(Long),
    /// A collection.
    Object(Box<Object>),
}

impl Body {
    fn kind(&self) -> u32 {
        match self {
            Body::Inline => 0,
            Body::Int(_) => 1,
            Body::Shared(_) => 2,
            Body::Packed => 3,
            Body::PackedShared(_) => 4,
            Body::Object(_) => 5,
        }
    }
}

/// A value, borrowed from its block.
#[derive(Clone, Copy, Debug)]
pub(super) enum BodyRef<'b> {
    Inline(&'b [u8]),
    Int(i64),
    Shared(&'b Long),
    Packed(Packed<'b>),
    PackedShared(&'b Long),
    Object(&'b Object),
}

/// All that makes a block.
pub(super) struct Parts<'p> {
    pub(super) access: u32,
    pub(super) expiry_ms: Option<i64>,
    pub(super) tags: Option<Box<Memberships>>,
    pub(super) body: Body,
    pub(super) key: &'p [u8],
    /// The value if the body is [`Body::Inline`] or [`Body::Packed`], at most [`MOST_INLINE`] bytes; otherwise
    /// empty.
    pub(super) inline: &'p [u8],
}

/// What of a block is to be another.
#[derive(Default)]
pub(super) struct Change<'c> {
    pub(super) key: Option<&'c [u8]>,
    /// Body, and the bytes beside the key.
    pub(super) value: Option<(Body, &'c [u8])>,
    pub(super) expiry_ms: Option<Option<i64>>,
    pub(super) tags: Option<Option<Box<Memberships>>>,
}

/// An owned block, with a fingerprint.
#[repr(transparent)]
pub(super) struct Block(NonNull<u8>);

// SAFETY: a block owns what it points to, and that is `Send`: numbers, bytes, boxes, counted bytes, and
// collections, which `assert_shareable` looks at.
unsafe impl Send for Block {}
// SAFETY: through a shared reference a block is only read, and all it holds is `Sync`.
unsafe impl Sync for Block {}

const fn assert_shareable<T: Send + Sync>() {}
const _: () = assert_shareable::<Object>();

impl Block {
    #[inline]
    pub(super) fn new(parts: Parts<'_>) -> Block {
        debug_assert!(parts.inline.len() <= MOST_INLINE, "checked by the caller");
        let meta = meta_of(&parts);
        let key_at = key_offset(meta);
        let size = key_at + parts.key.len() + parts.inline.len();
        let block = Block(heap::alloc(size));
        let base = block.base();
        // SAFETY: the block has `size` bytes, 8-aligned. The fields that `meta` names lie between the header
        // and `key_at`, each 8-aligned; key and value fill the rest.
        unsafe {
            base.cast::<u32>().write(parts.access);
            base.cast::<u32>().add(1).write(meta);
            if let Some(expiry_ms) = parts.expiry_ms {
                base.add(offset(meta, EXPIRY))
                    .cast::<i64>()
                    .write(expiry_ms);
            }
            if let Some(tags) = parts.tags {
                base.add(offset(meta, TAGS))
                    .cast::<Box<Memberships>>()
                    .write(tags);
            }
            match parts.body {
                Body::Inline | Body::Packed => {}
                Body::Int(number) => base.add(offset(meta, BODY)).cast::<i64>().write(number),
                Body::Shared(shared) | Body::PackedShared(shared) => {
                    base.add(offset(meta, BODY)).cast::<Long>().write(shared)
                }
                Body::Object(object) => base
                    .add(offset(meta, BODY))
                    .cast::<Box<Object>>()
                    .write(object),
            }
            if meta & LONG_KEY != 0 {
                base.add(offset(meta, LONG_KEY))
                    .cast::<usize>()
                    .write(parts.key.len());
            }
            let key = base.add(key_at);
            key.copy_from_nonoverlapping(parts.key.as_ptr(), parts.key.len());
            key.add(parts.key.len())
                .copy_from_nonoverlapping(parts.inline.as_ptr(), parts.inline.len());
        }
        block.count(1);
        block
    }

    /// Counts it if it is packed, when it is made and when it goes.
    #[inline]
    fn count(&self, times: isize) {
        if self.meta() & KIND_MASK >= PACKED_KINDS {
            match self.body() {
                BodyRef::Packed(packed) => compress::count(packed, times),
                BodyRef::PackedShared(packed) => compress::count(Packed::new(packed), times),
                BodyRef::Inline(_) | BodyRef::Int(_) | BodyRef::Shared(_) | BodyRef::Object(_) => {}
            }
        }
    }

    #[inline]
    fn base(&self) -> *mut u8 {
        self.0.as_ptr().map_addr(|address| address & ADDRESS_MASK)
    }

    /// 16 bits that the owner may use as it likes.
    #[inline]
    pub(super) fn fingerprint(&self) -> u16 {
        (self.0.addr().get() >> ADDRESS_BITS) as u16
    }

    #[inline]
    pub(super) fn put_fingerprint(&mut self, fingerprint: u16) {
        let tag = usize::from(fingerprint) << ADDRESS_BITS;
        let tagged = self.base().map_addr(|address| address | tag);
        self.0 = NonNull::new(tagged).expect("the address below is not null");
    }

    /// Where the block begins, to be fetched ahead of time.
    #[inline]
    pub(super) fn address(&self) -> *const u8 {
        self.base()
    }

    #[inline]
    fn meta(&self) -> u32 {
        // SAFETY: every block begins with a header, which `new` has written.
        unsafe { self.base().cast::<u32>().add(1).read() }
    }

    #[inline]
    fn put_meta(&mut self, meta: u32) {
        // SAFETY: as above.
        unsafe { self.base().cast::<u32>().add(1).write(meta) }
    }

    #[inline]
    pub(super) fn access(&self) -> u32 {
        // SAFETY: as above.
        unsafe { self.base().cast::<u32>().read() }
    }

    #[inline]
    pub(super) fn put_access(&mut self, access: u32) {
        // SAFETY: as above.
        unsafe { self.base().cast::<u32>().write(access) }
    }

    pub(super) fn epoch(&self) -> bool {
        self.meta() & EPOCH != 0
    }

    pub(super) fn put_epoch(&mut self, epoch: bool) {
        self.put_flag(EPOCH, epoch);
    }

    #[inline]
    fn put_flag(&mut self, flag: u32, is_set: bool) {
        let meta = self.meta();
        self.put_meta(if is_set { meta | flag } else { meta & !flag });
    }

    /// A field that `meta` says is there.
    ///
    /// # Safety
    /// `T` is what `new` writes into that field.
    #[inline]
    unsafe fn field<T>(&self, field: u32) -> Option<*mut T> {
        let meta = self.meta();
        // SAFETY: the field lies inside the block if its bit is set.
        (meta & field != 0).then(|| unsafe { self.base().add(offset(meta, field)).cast() })
    }

    #[inline]
    pub(super) fn expiry_ms(&self) -> Option<i64> {
        // SAFETY: the field holds an `i64`, which `new` has written.
        unsafe { self.field::<i64>(EXPIRY).map(|field| field.read()) }
    }

    #[inline]
    pub(super) fn has_tags(&self) -> bool {
        self.meta() & TAGS != 0
    }

    #[inline]
    pub(super) fn tags(&self) -> Option<&Memberships> {
        // SAFETY: the field holds a live box, borrowed as long as the block is.
        unsafe { self.field::<Box<Memberships>>(TAGS).map(|field| &**field) }
    }

    pub(super) fn tags_mut(&mut self) -> Option<&mut Memberships> {
        // SAFETY: as above, and the block is borrowed mutably.
        unsafe {
            self.field::<Box<Memberships>>(TAGS)
                .map(|field| &mut **field)
        }
    }

    #[inline]
    fn key_length(&self) -> usize {
        // SAFETY: the field holds a `usize`.
        match unsafe { self.field::<usize>(LONG_KEY) } {
            // SAFETY: as above.
            Some(field) => unsafe { field.read() },
            None => (self.meta() >> KEY_SHIFT) as usize & LONGEST_SHORT_KEY,
        }
    }

    #[inline]
    pub(super) fn key(&self) -> &[u8] {
        let at = key_offset(self.meta());
        // SAFETY: so many bytes of key lie there, initialized by `new`, borrowed as long as the block is.
        unsafe { std::slice::from_raw_parts(self.base().add(at), self.key_length()) }
    }

    #[inline]
    pub(super) fn body(&self) -> BodyRef<'_> {
        let meta = self.meta();
        let field = || self.base().wrapping_add(offset(meta, BODY));
        // SAFETY: the kind says what the body field holds, and how many bytes lie behind the key.
        unsafe {
            match (meta & KIND_MASK) >> KIND_SHIFT {
                0 => BodyRef::Inline(self.beside_key()),
                1 => BodyRef::Int(field().cast::<i64>().read()),
                2 => BodyRef::Shared(&*field().cast::<Long>()),
                3 => BodyRef::Packed(Packed::new(self.beside_key())),
                4 => BodyRef::PackedShared(&*field().cast::<Long>()),
                _ => BodyRef::Object(&*field().cast::<Box<Object>>()),
            }
        }
    }

    /// What lies behind the key.
    #[inline]
    fn beside_key(&self) -> &[u8] {
        let meta = self.meta();
        let at = key_offset(meta) + self.key_length();
        let length = (meta & LENGTH_MASK) as usize;
        // SAFETY: so many bytes lie there, initialized by `new`, borrowed as long as the block is.
        unsafe { std::slice::from_raw_parts(self.base().add(at), length) }
    }

    /// The value's buffer, if it is in one.
    pub(super) fn shared_mut(&mut self) -> Option<&mut Long> {
        let BodyRef::Shared(_) = self.body() else {
            return None;
        };
        // SAFETY: the kind has just said that the field holds a `Long`; the block is borrowed mutably.
        unsafe { self.field::<Long>(BODY).map(|field| &mut *field) }
    }

    /// The collection, if it is one.
    #[inline]
    pub(super) fn object_mut(&mut self) -> Option<&mut Object> {
        let BodyRef::Object(_) = self.body() else {
            return None;
        };
        // SAFETY: the kind has just said that the field holds a boxed object; the block is borrowed mutably.
        unsafe { self.field::<Box<Object>>(BODY).map(|field| &mut **field) }
    }

    /// Bytes of the block itself.
    #[inline]
    pub(super) fn size(&self) -> usize {
        let meta = self.meta();
        key_offset(meta) + self.key_length() + (meta & LENGTH_MASK) as usize
    }

    /// Changes the expiry where it stands; `false` if there is none.
    #[inline]
    pub(super) fn overwrite_expiry(&mut self, expiry_ms: i64) -> bool {
        // SAFETY: the field holds an `i64`.
        match unsafe { self.field::<i64>(EXPIRY) } {
            // SAFETY: it lies inside the block, which is borrowed mutably.
            Some(field) => unsafe { field.write(expiry_ms) },
            None => return false,
        }
        true
    }

    /// Changes the number where it stands; `false` if the value is none.
    #[inline]
    pub(super) fn overwrite_number(&mut self, number: i64) -> bool {
        if !matches!(self.body(), BodyRef::Int(_)) {
            return false;
        }
        // SAFETY: the kind has just said that the field holds an `i64`.
        if let Some(field) = unsafe { self.field::<i64>(BODY) } {
            // SAFETY: it lies inside the block, which is borrowed mutably.
            unsafe { field.write(number) };
        }
        true
    }

    /// Changes the bytes beside the key where they stand; `false` if they do not fit the block, or would leave
    /// more of it unused than the allocator's size classes ask for.
    #[inline]
    pub(super) fn overwrite_inline(&mut self, value: &[u8]) -> bool {
        let meta = self.meta();
        if meta & KIND_MASK != 0 || value.len() > MOST_INLINE {
            return false;
        }
        let at = key_offset(meta) + self.key_length();
        let old = at + (meta & LENGTH_MASK) as usize;
        if heap::class_bytes(at + value.len()) != heap::class_bytes(old) {
            return false;
        }
        // SAFETY: a block of the same class has room for the new value; `value` cannot lie in the block,
        // which is borrowed mutably.
        unsafe {
            self.base()
                .add(at)
                .copy_from_nonoverlapping(value.as_ptr(), value.len());
        }
        self.put_meta((meta & !LENGTH_MASK) | value.len() as u32);
        true
    }

    /// Makes a new block of this one with something changed. Gives what held the old value, which may take long
    /// to free.
    pub(super) fn change(&mut self, change: Change<'_>) -> Option<Spent> {
        let meta = self.meta();
        // First, for it looks at the value.
        self.count(-1);
        // SAFETY: what is read here is the new block's from now on: the old one is freed below without being
        // dropped, or looked at as its owner would, and nothing between panics (running out of memory aborts).
        let (tags, body) = unsafe {
            let tags = self.field::<Box<Memberships>>(TAGS).map(|it| it.read());
            (tags, self.read_body())
        };
        let (old_value, new_value) = match change.value {
            Some(value) => (Some(body), value),
            None => (None, (body, self.beside_key())),
        };
        let (old_tags, new_tags) = match change.tags {
            Some(new) => (tags, new),
            None => (None, tags),
        };
        let mut block = Block::new(Parts {
            access: self.access(),
            expiry_ms: change.expiry_ms.unwrap_or(self.expiry_ms()),
            tags: new_tags,
            body: new_value.0,
            key: change.key.unwrap_or(self.key()),
            inline: new_value.1,
        });
        block.put_meta(block.meta() | (meta & EPOCH));
        block.put_fingerprint(self.fingerprint());
        let old = std::mem::ManuallyDrop::new(std::mem::replace(self, block));
        old.free();
        drop(old_tags);
        match old_value {
            Some(Body::Shared(buffer) | Body::PackedShared(buffer)) => Some(Spent::Buffer(buffer)),
            Some(Body::Object(object)) => Some(Spent::Object(object)),
            Some(Body::Inline | Body::Int(_) | Body::Packed) | None => None,
        }
    }

    /// # Safety
    /// A body is owned once: the block may not be dropped afterwards.
    unsafe fn read_body(&self) -> Body {
        match self.body() {
            BodyRef::Inline(_) => Body::Inline,
            BodyRef::Int(number) => Body::Int(number),
            // SAFETY: the reference is to a live `Long`; the caller sees to it that it is dropped once.
            BodyRef::Shared(shared) => Body::Shared(unsafe { std::ptr::read(shared) }),
            BodyRef::Packed(_) => Body::Packed,
            // SAFETY: as above.
            BodyRef::PackedShared(shared) => Body::PackedShared(unsafe { std::ptr::read(shared) }),
            BodyRef::Object(_) => {
                let field = self.base().wrapping_add(offset(self.meta(), BODY));
                // SAFETY: the kind has just said that the field holds a box; the caller sees to it that it is
                // dropped once.
                Body::Object(unsafe { field.cast::<Box<Object>>().read() })
            }
        }
    }

    fn free(&self) {
        let base = NonNull::new(self.base()).expect("an address is not null");
        // SAFETY: the block was allocated with a size of the same class: it changes within its class only.
        unsafe { heap::free(base, self.size()) }
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        self.count(-1);
        // SAFETY: what the fields own is dropped here, once; after that the block is freed.
        unsafe {
            if let Some(tags) = self.field::<Box<Memberships>>(TAGS) {
                tags.drop_in_place();
            }
            drop(self.read_body());
        }
        self.free();
    }
}

/// Where a field lies: behind those whose bits are lower.
#[inline]
fn offset(meta: u32, field: u32) -> usize {
    HEADER + 8 * fields((meta & (EXPIRY | TAGS | BODY | LONG_KEY)) & (field - 1))
}

/// Where the key lies: behind all fields.
#[inline]
fn key_offset(meta: u32) -> usize {
    HEADER + 8 * fields(meta & (EXPIRY | TAGS | BODY | LONG_KEY))
}

/// How many bits of four are set: x86-64 has no instruction for it that every processor knows.
#[inline]
fn fields(bits: u32) -> usize {
    const COUNTS: u64 = 0x4332_3221_3221_2110;
    (COUNTS >> ((bits >> EXPIRY.trailing_zeros()) * 4)) as usize & 0xf
}

fn meta_of(parts: &Parts<'_>) -> u32 {
    let mut meta = parts.inline.len() as u32 | parts.body.kind() << KIND_SHIFT;
    let fields = [
        (EXPIRY, parts.expiry_ms.is_some()),
        (TAGS, parts.tags.is_some()),
        (BODY, !matches!(parts.body, Body::Inline | Body::Packed)),
        (LONG_KEY, parts.key.len() > LONGEST_SHORT_KEY),
    ];
    for (bit, is_there) in fields {
        meta |= if is_there { bit } else { 0 };
    }
    if parts.key.len() <= LONGEST_SHORT_KEY {
        meta |= (parts.key.len() as u32) << KEY_SHIFT;
    }
    meta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_all_an_entry_costs_its_table() {
        assert_eq!(size_of::<Option<Block>>(), 8);
    }

    #[test]
    fn fields_lie_one_after_the_other() {
        assert_eq!(offset(EXPIRY | TAGS | BODY, EXPIRY), 8);
        assert_eq!(offset(EXPIRY | TAGS | BODY, BODY), 24);
        assert_eq!(offset(TAGS | LONG_KEY, LONG_KEY), 16);
        assert_eq!(key_offset(EXPIRY | TAGS | BODY | LONG_KEY), 40);
        for bits in 0..16u32 {
            assert_eq!(fields(bits << 12), bits.count_ones() as usize);
        }
    }

    /// 20,000 seeded changes of every part against plain variables.
    #[test]
    fn a_block_is_what_was_put_into_it() {
        let mut rng = fastrand::Rng::with_seed(3);
        let steps = if cfg!(miri) { 400 } else { 20_000 };
        let mut key = b"k".to_vec();
        let mut value = Vec::new();
        let (mut number, mut expiry, mut tags) = (None, None, Vec::new());
        let mut block = Block::new(Parts {
            access: 7,
            expiry_ms: None,
            tags: None,
            body: Body::Inline,
            key: &key,
            inline: &[],
        });
        block.put_fingerprint(0xBEEF);
        block.put_epoch(true);
        for _ in 0..steps {
            match rng.u8(..6) {
                0 => {
                    key = vec![b'k'; rng.usize(..400)];
                    block.change(Change {
                        key: Some(&key),
                        ..Change::default()
                    });
                }
                1 => {
                    value = vec![rng.u8(..); rng.usize(..300)];
                    number = None;
                    if !block.overwrite_inline(&value) {
                        block.change(Change {
                            value: Some((Body::Inline, &value)),
                            ..Change::default()
                        });
                    }
                }
                2 => {
                    let new = rng.i64(..);
                    number = Some(new);
                    if !block.overwrite_number(new) {
                        block.change(Change {
                            value: Some((Body::Int(new), &[])),
                            ..Change::default()
                        });
                    }
                }
                3 => {
                    value = vec![rng.u8(..); rng.usize(..3000)];
                    number = None;
                    let body = Body::Shared(Long::new(value.clone()));
                    block.change(Change {
                        value: Some((body, &[])),
                        ..Change::default()
                    });
                }
                4 => {
                    expiry = rng.bool().then(|| rng.i64(..));
                    if !expiry.is_some_and(|it| block.overwrite_expiry(it)) {
                        block.change(Change {
                            expiry_ms: Some(expiry),
                            ..Change::default()
                        });
                    }
                }
                _ => {
                    tags = (0..rng.u32(..5))
                        .map(|tag| super::super::Membership { tag, at: 1 })
                        .collect();
                    let new = (!tags.is_empty()).then(|| Box::new(tags.iter().copied().collect()));
                    block.change(Change {
                        tags: Some(new),
                        ..Change::default()
                    });
                }
            }
            assert_eq!(block.key(), key);
            match (block.body(), number) {
                (BodyRef::Int(is), Some(was)) => assert_eq!(is, was),
                (BodyRef::Inline(is), None) => assert_eq!(is, value),
                (BodyRef::Shared(is), None) => assert_eq!(**is, value),
                (is, was) => panic!("{is:?} instead of {was:?}"),
            }
            assert_eq!(block.expiry_ms(), expiry);
            assert_eq!(block.tags().map_or(&[][..], |it| it), tags);
            assert_eq!((block.fingerprint(), block.epoch()), (0xBEEF, true));
            assert_eq!(block.access(), 7);
        }
    }
}
