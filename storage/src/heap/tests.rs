use std::sync::mpsc;
use std::thread;

use fastrand::Rng;

use super::*;

/// Fewer steps under Miri, which takes some microseconds an instruction.
const STEPS: usize = if cfg!(miri) { 3_000 } else { 400_000 };

/// A block in use, filled with a pattern of its own.
struct Block {
    address: NonNull<u8>,
    size: usize,
    pattern: u8,
}

// SAFETY: a block belongs to whoever holds it, on any thread.
unsafe impl Send for Block {}

impl Block {
    fn new(address: NonNull<u8>, size: usize, pattern: u8) -> Block {
        assert_eq!(address.as_ptr().addr() % UNIT, 0, "{size} is not aligned");
        // SAFETY: the block is at least its class long, and nobody else's.
        unsafe { address.write_bytes(pattern, class_bytes(size)) };
        Block {
            address,
            size,
            pattern,
        }
    }

    fn taken(cache: &Cache, heap: &Heap, size: usize, pattern: u8) -> Block {
        Block::new(cache.alloc(heap, class_of(size)), size, pattern)
    }

    /// Fails if somebody else has written to the block.
    fn check(&self) {
        // SAFETY: `new` has written as many bytes.
        let bytes =
            unsafe { std::slice::from_raw_parts(self.address.as_ptr(), class_bytes(self.size)) };
        assert!(
            bytes.iter().all(|byte| *byte == self.pattern),
            "a block of {} at {:?} was overwritten",
            self.size,
            self.address
        );
    }

    fn free(self, cache: &Cache, heap: &Heap) {
        self.check();
        // SAFETY: the block is from a cache over this heap, and `self` ends here.
        unsafe { cache.free(heap, self.address, class_of(self.size)) };
    }

    fn free_globally(self) {
        self.check();
        // SAFETY: the block is from `alloc`, and `self` ends here.
        unsafe { free(self.address, self.size) };
    }
}

/// Small ones mostly, as entries are, and now and then any size.
fn random_size(rng: &mut Rng) -> usize {
    match rng.u8(..4) {
        0 => rng.usize(1..=LARGEST),
        1 => rng.usize(1..=16),
        _ => rng.usize(48..160),
    }
}

fn seeded() -> (Rng, u64) {
    let seed = if cfg!(miri) { 7 } else { fastrand::u64(..) };
    println!("seed {seed}");
    (Rng::with_seed(seed), seed)
}

fn used_blocks(heap: &Heap) -> usize {
    let rooms = heap.arenas.iter().map(|arena| arena.0.lock());
    let mut used = 0;
    for room in rooms {
        for list in room.bins {
            let mut next = list;
            while let Some(slab) = next {
                // SAFETY: the lock of the class is held.
                let header = unsafe { slab.as_ref() };
                assert_eq!(header.bin, header.fitting_bin());
                assert!(header.used < header.capacity, "a full slab is in a list");
                used += usize::from(header.used);
                next = header.next;
            }
        }
    }
    used
}

#[test]
fn classes_waste_little() {
    const { assert!(LARGEST >= 1024 + 255 + 40, "the longest entry has a class") };
    let mut previous = 0;
    for size in 1..=LARGEST {
        let class = class_bytes(size);
        assert!(class >= size, "{size} in {class}");
        assert!(class.is_multiple_of(UNIT), "{size} in {class}");
        assert!(class >= previous, "{size} in {class} after {previous}");
        previous = class;
        let wasted = class - size;
        match size {
            0..=128 => assert!(wasted < UNIT, "{size} in {class}"),
            _ => assert!(wasted * 16 <= size, "{size} in {class}"),
        }
        assert_eq!(class_bytes(class), class, "a class is a size of its own");
    }
}

#[test]
fn slabs_are_used_to_their_end() {
    for class in 0..CLASSES {
        let size = class_size(class);
        let blocks_bytes = SLAB_BYTES - size_of::<Slab>();
        let idle = SLAB_BYTES - blocks_bytes / size * size;
        assert!(idle * 50 < SLAB_BYTES, "{idle} of a slab of {size}");
        assert!((blocks_bytes / size) <= usize::from(u16::MAX));
        assert!(cached_limit(class) >= 2, "{size}");
    }
}

#[test]
fn larger_blocks_have_the_classes_of_the_global_allocator() {
    assert_eq!(class_bytes(LARGEST + 1), memory::class_bytes(LARGEST + 1));
    for size in [LARGEST + 1, 4096, 100_000] {
        let block = Block::new(alloc(size), size, 3);
        // Any size of the class frees it.
        let size = class_bytes(size);
        Block { size, ..block }.free_globally();
    }
}

#[test]
fn blocks_do_not_overlap_and_slabs_go_back() {
    let (mut rng, seed) = seeded();
    let (heap, cache) = (Heap::new(), Cache::new());
    let mut blocks = Vec::new();
    for step in 0..STEPS {
        // Grows, shrinks, grows again, and so on: slabs get full and empty.
        let is_growing = (step / (STEPS / 8)).is_multiple_of(2);
        if blocks.is_empty() || rng.u8(..100) < if is_growing { 70 } else { 30 } {
            let size = random_size(&mut rng);
            blocks.push(Block::taken(&cache, &heap, size, rng.u8(..)));
        } else {
            let block: Block = blocks.swap_remove(rng.usize(..blocks.len()));
            block.free(&cache, &heap);
        }
    }
    let slabs = heap.slab_bytes() / SLAB_BYTES;
    let held: usize = blocks.iter().map(|block| class_bytes(block.size)).sum();
    assert!(slabs * SLAB_BYTES >= held, "seed {seed}");
    blocks
        .into_iter()
        .for_each(|block| block.free(&cache, &heap));
    cache.flush(&heap);
    assert_eq!(used_blocks(&heap), 0, "seed {seed}");
    assert!(heap.slab_bytes() <= CLASSES * SLAB_BYTES, "seed {seed}");
    heap.trim();
    assert_eq!(heap.slab_bytes(), 0, "seed {seed}");
}

#[test]
fn freed_on_another_thread_is_freed() {
    const THREADS: usize = 4;
    let (_, seed) = seeded();
    let heap = Heap::new();
    thread::scope(|scope| {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..THREADS).map(|_| mpsc::channel::<Block>()).unzip();
        for (own, receiver) in receivers.into_iter().enumerate() {
            let (heap, senders) = (&heap, senders.clone());
            let mut rng = Rng::with_seed(seed.wrapping_add(own as u64));
            scope.spawn(move || {
                let cache = Cache::new();
                for _ in 0..STEPS / THREADS {
                    let size = random_size(&mut rng);
                    let block = Block::taken(&cache, heap, size, own as u8 + 1);
                    let other = &senders[rng.usize(..THREADS)];
                    other.send(block).expect("all run until all have sent");
                    while let Ok(block) = receiver.try_recv() {
                        block.free(&cache, heap);
                    }
                }
                drop(senders);
                while let Ok(block) = receiver.recv() {
                    block.free(&cache, heap);
                }
                cache.flush(heap);
            });
        }
    });
    assert_eq!(used_blocks(&heap), 0, "seed {seed}");
    heap.trim();
    assert_eq!(heap.slab_bytes(), 0, "seed {seed}");
}

#[test]
fn one_empty_slab_a_class_is_kept() {
    let (heap, cache) = (Heap::new(), Cache::new());
    let count = 3 * SLAB_BYTES / LARGEST;
    for _ in 0..3 {
        let take = |_| Block::taken(&cache, &heap, LARGEST, 5);
        let blocks: Vec<Block> = (0..count).map(take).collect();
        assert!(heap.slab_bytes() >= 3 * SLAB_BYTES);
        blocks
            .into_iter()
            .for_each(|block| block.free(&cache, &heap));
        cache.flush(&heap);
        assert_eq!(heap.slab_bytes(), SLAB_BYTES);
    }
    heap.trim();
    assert_eq!(heap.slab_bytes(), 0);
}

#[test]
fn the_fullest_slab_is_filled_first() {
    let heap = Heap::new();
    let class = class_of(1024);
    let take = || {
        let mut chain = Chain::EMPTY;
        heap.refill(class, 1, &mut chain);
        chain.pop().expect("one")
    };
    let give = |block: NonNull<u8>| {
        let mut chain = Chain::EMPTY;
        // SAFETY: the block was taken from the heap, and is used no more.
        unsafe { chain.push(block) };
        heap.give_back(class, &mut chain);
    };
    let slab_of = |block: NonNull<u8>| block.as_ptr().addr() / SLAB_BYTES;
    let capacity = (SLAB_BYTES - size_of::<Slab>()) / class_size(class);

    let mut slabs: [Vec<NonNull<u8>>; 3] =
        std::array::from_fn(|_| (0..capacity).map(|_| take()).collect());
    assert_eq!(heap.slab_bytes(), 3 * SLAB_BYTES);
    slabs[0].drain(1..).for_each(give);
    slabs[1].drain(capacity - 5..).for_each(give);
    slabs[2].drain(capacity / 2..).for_each(give);

    let refilled: Vec<NonNull<u8>> = (0..5).map(|_| take()).collect();
    assert!(
        refilled
            .iter()
            .all(|block| slab_of(*block) == slab_of(slabs[1][0]))
    );
    let next = take();
    assert_eq!(slab_of(next), slab_of(slabs[2][0]));

    // The one that nothing went to is empty with its last block, and there is room elsewhere.
    slabs[0].drain(..).for_each(give);
    assert_eq!(heap.slab_bytes(), 2 * SLAB_BYTES);
    slabs
        .into_iter()
        .flatten()
        .chain(refilled)
        .chain([next])
        .for_each(give);
    assert_eq!(used_blocks(&heap), 0);
    heap.trim();
    assert_eq!(heap.slab_bytes(), 0);
}

/// The blocks of the largest class that this thread gets next; no entry is as large.
fn largest_blocks() -> Vec<Block> {
    (0..8)
        .map(|_| Block::new(alloc(LARGEST), LARGEST, 1))
        .collect()
}

#[test]
fn a_thread_that_ends_gives_back_what_it_kept() {
    // Otherwise each block is an allocation of its own, and an address means nothing.
    if IS_APART {
        return;
    }
    let kept = thread::spawn(|| {
        let block = Block::new(alloc(LARGEST), LARGEST, 1);
        let address = block.address.as_ptr().addr();
        block.free_globally();
        address
    });
    let kept = kept.join().expect("no panic");
    let blocks = largest_blocks();
    assert!(
        blocks
            .iter()
            .any(|block| block.address.as_ptr().addr() == kept)
    );
    blocks.into_iter().for_each(Block::free_globally);
}

#[test]
fn a_thread_that_ends_may_still_take_and_free() {
    /// Frees its block, and takes and frees another, when its thread ends.
    struct Late(Cell<Option<Block>>);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.take().into_iter().for_each(Block::free_globally);
            Block::new(alloc(72), 72, 4).free_globally();
        }
    }
    thread_local! {
        static EARLIER: Late = const { Late(Cell::new(None)) };
        static LATER: Late = const { Late(Cell::new(None)) };
    }
    // Whichever order destructors run in, one of them is after the cache's.
    let ended = thread::spawn(|| {
        EARLIER.with(|late| late.0.set(None));
        let block = Block::new(alloc(72), 72, 1);
        LATER.with(|late| late.0.set(Some(block)));
        EARLIER.with(|late| late.0.set(Some(Block::new(alloc(500), 500, 2))));
    });
    assert!(ended.join().is_ok());
}

#[test]
fn blocks_are_counted_where_slabs_are_not() {
    // Other tests take and free at the same time, so only what is far above them tells.
    const COUNT: usize = if cfg!(miri) { 100 } else { 100_000 };
    let before = stats().block_bytes;
    let blocks: Vec<Block> = (0..COUNT).map(|_| Block::new(alloc(600), 600, 8)).collect();
    let taken = COUNT * class_bytes(600);
    assert!(stats().block_bytes >= before + taken / 2);
    assert!(memory::used_bytes() >= taken / 2);
    blocks.into_iter().for_each(Block::free_globally);
    assert!(stats().block_bytes < before + taken / 2);
}
