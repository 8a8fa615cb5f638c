//! The allocator of entry blocks.
//!
//! Entries are many, small and of every size, and jemalloc's four classes a doubling round them up
//! by a tenth on average. Here classes lie 8 bytes apart up to 256, 16 up to 512, and about a
//! twentieth beyond. A class cuts *slabs* of 32 KiB, aligned to their size, into equal blocks: the slab of a
//! block is found by masking its address. Blocks come from the fullest slab that has room, so that
//! the others get empty after a mass deletion; an empty slab goes back to jemalloc, but for one a
//! class, where nothing else of the class has room.
//!
//! In front of the classes, which are locked one by one, each thread keeps some kilobytes of free
//! blocks of each class. So a lock is taken once for many blocks, and an overwrite that frees one
//! block and takes another touches nothing shared. There is one slab list a class, not one a thread:
//! a key is deleted by another thread than the one that wrote it, and room in the slabs of another
//! would be room that nobody fills.
//!
//! What is handed out is counted by [`crate::memory`], in class bytes; slabs themselves come from
//! jemalloc uncounted.

#![expect(
    unsafe_code,
    reason = "blocks of memory are handed out as raw pointers"
)]

use std::alloc::{GlobalAlloc, Layout, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::memory::{self, Jemalloc};

#[cfg(test)]
mod tests;

/// A block of `size` bytes, aligned to 8.
///
/// `size` is above 0. Blocks beyond the largest class come from the global allocator.
/// Aborts the process if there is no memory, as `Box::new` does.
#[inline]
pub(crate) fn alloc(size: usize) -> NonNull<u8> {
    debug_assert!(size > 0, "a block of nothing");
    if size > LARGEST {
        return alloc_apart(size);
    }
    let class = class_of(size);
    memory::count_block(class_size(class) as isize);
    if IS_APART {
        return alloc_apart(size);
    }
    let cached = CACHE.try_with(|cache| cache.0.alloc(&HEAP, class));
    cached.unwrap_or_else(|_| alloc_directly(class))
}

/// Takes back a block.
///
/// # Safety
/// `block` is from [`alloc`], was given a size of the same class as `size`, is freed once and used
/// no more.
#[inline]
pub(crate) unsafe fn free(block: NonNull<u8>, size: usize) {
    if size > LARGEST {
        // SAFETY: the caller's contract, and such a block never came from a slab.
        return unsafe { free_apart(block, size) };
    }
    let class = class_of(size);
    memory::count_block(-(class_size(class) as isize));
    if IS_APART {
        // SAFETY: the caller's contract, and no block ever came from a slab.
        return unsafe { free_apart(block, size) };
    }
    if cfg!(debug_assertions) {
        // SAFETY: the block is the caller's no more, and this long.
        unsafe { block.write_bytes(FREED, class_size(class)) };
    }
    // SAFETY: the caller's contract: the block is of this class and of this heap.
    let cached = CACHE.try_with(|cache| unsafe { cache.0.free(&HEAP, block, class) });
    if cached.is_err() {
        let mut chain = Chain::EMPTY;
        // SAFETY: as above.
        unsafe { chain.push(block) };
        HEAP.give_back(class, &mut chain);
    }
}

/// The bytes that a block of `size` takes, those it is rounded up by included.
#[inline]
pub(crate) const fn class_bytes(size: usize) -> usize {
    if size > LARGEST {
        return memory::class_bytes(size);
    }
    class_size(class_of(size))
}

/// What the blocks and their slabs take, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeapStats {
    /// Blocks handed out, in class bytes; without those beyond the largest class.
    pub(crate) block_bytes: usize,
    /// Slabs taken from jemalloc.
    pub(crate) slab_bytes: usize,
}

/// The present figures. What threads keep for themselves is in the slabs, not in the blocks.
pub(crate) fn stats() -> HeapStats {
    HeapStats {
        block_bytes: memory::block_bytes(),
        slab_bytes: HEAP.slab_bytes(),
    }
}

/// Gives back the slabs kept empty. What threads keep for themselves stays.
pub(crate) fn trim() {
    HEAP.trim();
}

/// Where slabs begin: at multiples of it. One is large enough that its header and what jemalloc keeps of
/// it take less than a hundredth, and small enough that a class with few blocks costs little.
const SLAB_BYTES: usize = 32 * 1024;

const SLAB_LAYOUT: Layout = match Layout::from_size_align(SLAB_BYTES, SLAB_BYTES) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};

/// The largest block that comes from a slab: no inline value, key and header together are longer.
const LARGEST: usize = class_size(CLASSES - 1);

/// What blocks are aligned to, and offsets inside a slab are counted in.
const UNIT: usize = 8;

/// Lists of slabs with room, by how full they are.
const BINS: usize = 4;

/// The bin of a slab without room, which is in no list.
const FULL: u8 = BINS as u8;

/// What a thread keeps of one class at most, in bytes and in blocks.
const CACHED_BYTES: usize = 4 * 1024;
const CACHED_BLOCKS: usize = 32;

/// What freed blocks hold in development builds, so that reading one is seen.
const FREED: u8 = 0xdf;

/// Each block is an allocation of its own under Miri and AddressSanitizer, which then see a block
/// that is used after it was freed or past its end. The slabs have tests of their own.
const IS_APART: bool = cfg!(any(miri, keytag_sanitize));

static HEAP: Heap = Heap::new();

thread_local! {
    static CACHE: ThreadCache = const { ThreadCache(Cache::new()) };
}

const SIZES: [u16; CLASSES] = class_sizes();
const CLASS_OF: [u8; LARGEST / UNIT + 1] = classes_of_sizes();
const CLASSES: usize = class_count();

#[inline]
const fn class_of(size: usize) -> usize {
    CLASS_OF[size.div_ceil(UNIT)] as usize
}

#[inline]
const fn class_size(class: usize) -> usize {
    SIZES[class] as usize
}

/// The class after that of `size` bytes: a step larger, and then as large as it can be with
/// the same number of blocks in a slab, for the rest would lie idle at the slab's end.
const fn next_size(size: usize) -> usize {
    const BLOCKS_BYTES: usize = SLAB_BYTES - size_of::<Slab>();
    let step = match size {
        0..256 => UNIT,
        256..512 => 2 * UNIT,
        _ => 3 * UNIT,
    };
    BLOCKS_BYTES / (BLOCKS_BYTES / (size + step)) / UNIT * UNIT
}

const fn class_count() -> usize {
    let (mut count, mut size) = (0, 0);
    // A value of 1,024 bytes, a key of 255 and an entry's own fields.
    while size < 1024 + 255 + 40 {
        size = next_size(size);
        count += 1;
    }
    count
}

const fn class_sizes() -> [u16; CLASSES] {
    let mut sizes = [0; CLASSES];
    let (mut class, mut size) = (0, 0);
    while class < CLASSES {
        size = next_size(size);
        sizes[class] = size as u16;
        class += 1;
    }
    sizes
}

const fn classes_of_sizes() -> [u8; LARGEST / UNIT + 1] {
    let mut classes = [0; LARGEST / UNIT + 1];
    let (mut units, mut class) = (0, 0);
    while units < classes.len() {
        if units * UNIT > class_size(class) {
            class += 1;
        }
        classes[units] = class as u8;
        units += 1;
    }
    classes
}

/// How many blocks of `class` a thread keeps at most.
#[inline]
const fn cached_limit(class: usize) -> usize {
    let count = CACHED_BYTES / class_size(class);
    if count < CACHED_BLOCKS {
        count
    } else {
        CACHED_BLOCKS
    }
}

/// A block outside of slabs. Its layout is the class', so that it is freed with any size of the class.
fn apart_layout(size: usize) -> Layout {
    Layout::from_size_align(class_bytes(size), UNIT).expect("an entry is shorter than memory")
}

#[cold]
fn alloc_apart(size: usize) -> NonNull<u8> {
    let layout = apart_layout(size);
    // SAFETY: the size is above 0, and so is its class.
    let block = unsafe { std::alloc::alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

/// # Safety
/// `block` is from [`alloc_apart`] with a size of the same class, and used no more.
#[cold]
unsafe fn free_apart(block: NonNull<u8>, size: usize) {
    // SAFETY: the caller's contract; the layout depends on the class only.
    unsafe { std::alloc::dealloc(block.as_ptr(), apart_layout(size)) };
}

/// While a thread ends its cache is gone, and other thread locals may still hold entries.
#[cold]
fn alloc_directly(class: usize) -> NonNull<u8> {
    let mut chain = Chain::EMPTY;
    HEAP.refill(class, 1, &mut chain);
    chain.pop().expect("a refill gives one at least")
}

/// The cache of a thread, given back when it ends.
struct ThreadCache(Cache);

impl Drop for ThreadCache {
    fn drop(&mut self) {
        self.0.flush(&HEAP);
    }
}

/// Free blocks of each class that belong to one thread.
struct Cache {
    chains: [Cell<Chain>; CLASSES],
}

impl Cache {
    const fn new() -> Cache {
        Cache {
            chains: [const { Cell::new(Chain::EMPTY) }; CLASSES],
        }
    }

    #[inline]
    fn alloc(&self, heap: &Heap, class: usize) -> NonNull<u8> {
        let mut chain = self.chains[class].get();
        let block = match chain.pop() {
            Some(block) => block,
            None => {
                heap.refill(class, cached_limit(class) / 2, &mut chain);
                chain.pop().expect("a refill gives one at least")
            }
        };
        self.chains[class].set(chain);
        block
    }

    /// # Safety
    /// `block` is of this class, from a cache over the same heap, and used no more.
    #[inline]
    unsafe fn free(&self, heap: &Heap, block: NonNull<u8>, class: usize) {
        let mut chain = self.chains[class].get();
        // SAFETY: the caller's contract.
        unsafe { chain.push(block) };
        if chain.count > cached_limit(class) {
            let mut half = chain.split(cached_limit(class) / 2);
            heap.give_back(class, &mut half);
        }
        self.chains[class].set(chain);
    }

    fn flush(&self, heap: &Heap) {
        for (class, chain) in self.chains.iter().enumerate() {
            let mut chain = chain.replace(Chain::EMPTY);
            if chain.count > 0 {
                heap.give_back(class, &mut chain);
            }
        }
    }
}

/// Free blocks, each pointing to the next with its first bytes.
#[derive(Clone, Copy)]
struct Chain {
    first: Option<NonNull<Link>>,
    count: usize,
}

struct Link {
    next: Option<NonNull<Link>>,
}

impl Chain {
    const EMPTY: Chain = Chain {
        first: None,
        count: 0,
    };

    /// # Safety
    /// `block` lies in a slab, and is nobody else's.
    #[inline]
    unsafe fn push(&mut self, block: NonNull<u8>) {
        let link = exposed(block.as_ptr().addr()).cast::<Link>();
        // SAFETY: blocks are aligned to 8 and 8 bytes long at least, and this one is ours.
        unsafe { link.write(Link { next: self.first }) };
        self.first = Some(link);
        self.count += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<NonNull<u8>> {
        let link = self.first?;
        // SAFETY: what is in the chain was written by `push` and belongs to it.
        self.first = unsafe { link.as_ref() }.next;
        self.count -= 1;
        Some(link.cast())
    }

    /// The first `count` blocks, taken out.
    fn split(&mut self, count: usize) -> Chain {
        let mut taken = Chain::EMPTY;
        while taken.count < count
            && let Some(block) = self.pop()
        {
            // SAFETY: the block was in this chain, so it lies in a slab and is ours.
            unsafe { taken.push(block) };
        }
        taken
    }
}

/// A pointer to memory of a slab.
///
/// Slabs are exposed when they are made. What a block's user gives back may be derived from a
/// reference to a part of the block, or from a number in the keyspace's table, and would not be allowed to
/// reach the slab's header or the next user's bytes.
#[inline]
fn exposed(address: usize) -> NonNull<u8> {
    let pointer: *mut u8 = ptr::with_exposed_provenance_mut(address);
    debug_assert!(!pointer.is_null(), "no slab is at 0");
    // SAFETY: a slab's address is not null, and neither is one inside it.
    unsafe { NonNull::new_unchecked(pointer) }
}

/// The slabs of all classes.
struct Heap {
    arenas: [Arena; CLASSES],
    slab_count: AtomicUsize,
}

/// The slabs of one class, on a cache line of its own.
#[repr(align(64))]
struct Arena(Mutex<Rooms>);

impl Heap {
    const fn new() -> Heap {
        Heap {
            arenas: [const { Arena(Mutex::new(Rooms::EMPTY)) }; CLASSES],
            slab_count: AtomicUsize::new(0),
        }
    }

    fn slab_bytes(&self) -> usize {
        self.slab_count.load(Ordering::Relaxed) * SLAB_BYTES
    }

    /// Adds up to `count` blocks to `chain`, and one at least.
    #[cold]
    fn refill(&self, class: usize, count: usize, chain: &mut Chain) {
        let mut rooms = self.arenas[class].0.lock();
        if rooms.fullest().is_none() {
            rooms.add(Slab::new(class));
            self.slab_count.fetch_add(1, Ordering::Relaxed);
        }
        rooms.take(count.max(1), chain);
    }

    /// Takes back the blocks of `chain`, all of `class`.
    #[cold]
    fn give_back(&self, class: usize, chain: &mut Chain) {
        let mut rooms = self.arenas[class].0.lock();
        let mut emptied = None;
        while let Some(block) = chain.pop() {
            rooms.put(class, block, &mut emptied);
        }
        drop(rooms);
        self.release(emptied);
    }

    fn trim(&self) {
        for arena in &self.arenas {
            let mut emptied = None;
            arena.0.lock().remove_empty(&mut emptied);
            self.release(emptied);
        }
    }

    /// Gives a list of empty slabs back to jemalloc, which may take its time: no lock is held.
    fn release(&self, mut emptied: List) {
        while let Some(slab) = emptied {
            // SAFETY: an empty slab that is in no bin belongs to whoever took it out.
            emptied = unsafe { slab.as_ref() }.next;
            // SAFETY: as above, and `Slab::new` took it with the same layout.
            unsafe { Jemalloc.dealloc(slab.as_ptr().cast(), SLAB_LAYOUT) };
            self.slab_count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The first of a list of slabs.
type List = Option<NonNull<Slab>>;

/// The slabs of a class that have room, by how full they are.
struct Rooms {
    /// The last holds the fullest.
    bins: [List; BINS],
}

// SAFETY: slabs belong to the lists that hold them, and have no ties to a thread.
unsafe impl Send for Rooms {}

impl Rooms {
    const EMPTY: Rooms = Rooms { bins: [None; BINS] };

    fn fullest(&self) -> List {
        self.bins.iter().rev().find_map(|list| *list)
    }

    /// Adds a slab that is in no list.
    fn add(&mut self, mut slab: NonNull<Slab>) {
        // SAFETY: slabs of the lists, and those added, are reached under the lock of their class only.
        let header = unsafe { slab.as_mut() };
        header.bin = header.fitting_bin();
        header.previous = None;
        header.next = None;
        let Some(list) = self.bins.get_mut(usize::from(header.bin)) else {
            return;
        };
        header.next = *list;
        if let Some(mut next) = list.replace(slab) {
            // SAFETY: as above, and it is another slab than the one added.
            unsafe { next.as_mut() }.previous = Some(slab);
        }
    }

    /// Takes a slab out of its list, if it is in one.
    fn remove(&mut self, slab: NonNull<Slab>) {
        // SAFETY: as in `add`.
        let Slab {
            next,
            previous,
            bin,
            ..
        } = unsafe { slab.as_ref() };
        if let Some(mut next) = *next {
            // SAFETY: as in `add`, and it is another slab.
            unsafe { next.as_mut() }.previous = *previous;
        }
        match *previous {
            // SAFETY: as in `add`, and it is another slab.
            Some(mut previous) => unsafe { previous.as_mut() }.next = *next,
            None => {
                if let Some(list) = self.bins.get_mut(usize::from(*bin)) {
                    *list = *next;
                }
            }
        }
    }

    /// Moves up to `count` blocks to `chain`.
    fn take(&mut self, count: usize, chain: &mut Chain) {
        let wanted = chain.count + count;
        while chain.count < wanted
            && let Some(slab) = self.fullest()
        {
            Slab::take(slab, wanted, chain);
            self.settle(slab);
        }
    }

    /// Takes back a block of `class`; a slab that gets empty and is not needed goes to `emptied`.
    fn put(&mut self, class: usize, block: NonNull<u8>, emptied: &mut List) {
        let slab = Slab::put(class, block);
        self.settle(slab);
        // SAFETY: as in `add`.
        if unsafe { slab.as_ref() }.used == 0 && !self.is_alone(slab) {
            self.retire(slab, emptied);
        }
    }

    /// Brings a slab whose use has changed to the list that fits.
    fn settle(&mut self, slab: NonNull<Slab>) {
        // SAFETY: as in `add`.
        let header = unsafe { slab.as_ref() };
        if header.bin != header.fitting_bin() {
            self.remove(slab);
            self.add(slab);
        }
    }

    /// Whether no other slab than this one, which is empty, has room.
    fn is_alone(&self, slab: NonNull<Slab>) -> bool {
        // SAFETY: as in `add`.
        let has_next = unsafe { slab.as_ref() }.next.is_some();
        self.fullest() == Some(slab) && !has_next
    }

    fn retire(&mut self, mut slab: NonNull<Slab>, emptied: &mut List) {
        self.remove(slab);
        // SAFETY: as in `add`.
        unsafe { slab.as_mut() }.next = emptied.replace(slab);
    }

    /// Moves the slab that is kept empty, if there is one, to `emptied`.
    fn remove_empty(&mut self, emptied: &mut List) {
        let mut next = self.bins[0];
        while let Some(slab) = next {
            // SAFETY: as in `add`.
            let header = unsafe { slab.as_ref() };
            next = header.next;
            if header.used == 0 {
                self.retire(slab, emptied);
            }
        }
    }
}

/// The first bytes of a slab; its blocks follow.
///
/// Offsets are from the slab's beginning, in units of 8 bytes. Free blocks hold the offset of the next free one
/// in their first bytes. Those from `fresh` on were never used, so their pages take no memory yet.
#[repr(C)]
struct Slab {
    next: List,
    previous: List,
    /// The first free block, 0 if there is none but the fresh ones.
    free: u16,
    fresh: u16,
    used: u16,
    /// How many blocks there are.
    capacity: u16,
    class: u8,
    /// The list that it is in, or [`FULL`].
    bin: u8,
}

impl Slab {
    /// A new slab, which is in no list.
    fn new(class: usize) -> NonNull<Slab> {
        // SAFETY: the layout is not empty.
        let memory = unsafe { Jemalloc.alloc(SLAB_LAYOUT) };
        let Some(slab) = NonNull::new(memory) else {
            handle_alloc_error(SLAB_LAYOUT);
        };
        let slab = exposed(slab.as_ptr().expose_provenance()).cast();
        let header = Slab {
            next: None,
            previous: None,
            free: 0,
            fresh: (size_of::<Slab>() / UNIT) as u16,
            used: 0,
            capacity: ((SLAB_BYTES - size_of::<Slab>()) / class_size(class)) as u16,
            class: class as u8,
            bin: FULL,
        };
        // SAFETY: the slab is ours, longer than the header, and aligned.
        unsafe { slab.write(header) };
        slab
    }

    /// The bin for a slab that is as full as this one.
    fn fitting_bin(&self) -> u8 {
        // A slab has some thousand blocks at most.
        (u32::from(self.used) * BINS as u32 / u32::from(self.capacity)) as u8
    }

    /// Moves free blocks to `chain` until that holds `wanted`, or the slab is full.
    fn take(mut slab: NonNull<Slab>, wanted: usize, chain: &mut Chain) {
        // SAFETY: the caller holds the lock of the class. The reference ends at the first block.
        let header = unsafe { slab.as_mut() };
        while chain.count < wanted && header.used < header.capacity {
            let block = match header.free {
                0 => {
                    let fresh = block_at(slab, header.fresh);
                    header.fresh += (class_size(usize::from(header.class)) / UNIT) as u16;
                    fresh
                }
                free => {
                    let block = block_at(slab, free);
                    // SAFETY: free blocks belong to the slab, and `put` wrote the next one's offset.
                    header.free = unsafe { block.cast::<u16>().read() };
                    block
                }
            };
            header.used += 1;
            // SAFETY: the block lies in this slab and has just left it.
            unsafe { chain.push(block) };
        }
    }

    /// Takes back a block of `class`, from the slab that is returned.
    fn put(class: usize, block: NonNull<u8>) -> NonNull<Slab> {
        let address = block.as_ptr().addr();
        let mut slab = exposed(address & !(SLAB_BYTES - 1)).cast::<Slab>();
        // SAFETY: the caller holds the lock of the class, and blocks in chains lie in slabs.
        let header = unsafe { slab.as_mut() };
        let offset = address % SLAB_BYTES;
        debug_assert_eq!(usize::from(header.class), class, "freed with another size");
        debug_assert_eq!(
            (offset - size_of::<Slab>()) % class_size(class),
            0,
            "not the beginning of a block"
        );
        // SAFETY: the block belongs to the slab from here on, and is 8 bytes long at least.
        unsafe { block.cast::<u16>().write(header.free) };
        header.free = (offset / UNIT) as u16;
        header.used -= 1;
        slab
    }
}

/// The block at an offset that the slab has given or would give next.
fn block_at(slab: NonNull<Slab>, offset: u16) -> NonNull<u8> {
    // SAFETY: such an offset lies inside of the slab.
    unsafe { slab.cast::<u8>().add(usize::from(offset) * UNIT) }
}
