//! The allocator, and what it has handed out.
//!
//! Every allocation of the process is counted at the size class jemalloc rounds it up to, so
//! [`used_bytes`] is what the memory limit is held against. Each thread adds to a counter of its
//! own cache line without an atomic read-modify-write; reading sums the lines. What is asked before
//! each command is [`used_at_most`]: one load of a sum that threads bring up to date whenever theirs
//! has moved by some kilobytes.

#![expect(
    unsafe_code,
    reason = "a global allocator cannot be written without it"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ffi::CStr;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

/// What serves all of it. Miri and AddressSanitizer put their own allocator in its place.
#[cfg(any(miri, keytag_sanitize))]
pub(crate) use std::alloc::System as Jemalloc;
#[cfg(not(any(miri, keytag_sanitize)))]
pub(crate) use tikv_jemallocator::Jemalloc;

/// How jemalloc is set up: freed pages go back to the system after a fifth of a second instead of ten
/// seconds. A table that grows leaves arrays of each size behind for the next segment, so ten seconds'
/// worth of them were a fifth of all memory after filling it with small keys; the price is a
/// tenth of the CPU time of that, and nothing once it stands. Four arenas are enough behind the caches
/// of threads, and each one more costs an idle server a hundred kilobytes.
#[cfg(not(any(miri, keytag_sanitize)))]
// SAFETY: jemalloc reads this symbol as a pointer to a NUL-terminated string, which it is.
#[unsafe(export_name = "_rjem_malloc_conf")]
static MALLOC_CONF: Option<&'static std::ffi::c_char> =
    // SAFETY: the literal is static.
    Some(unsafe { &*c"narenas:4,dirty_decay_ms:200".as_ptr() });

/// Threads with a counter of their own; later ones share the last line.
const LINES: usize = 64;

/// How far a thread's counter moves before the common sum follows.
const SLACK: isize = 8 * 1024;

#[repr(align(128))]
struct Line {
    bytes: AtomicIsize,
    /// As much of `bytes` as is in [`PUBLISHED`].
    published: AtomicIsize,
    /// As much of `bytes` as is blocks of [`crate::heap`].
    blocks: AtomicIsize,
}

impl Line {
    const fn new() -> Line {
        Line {
            bytes: AtomicIsize::new(0),
            published: AtomicIsize::new(0),
            blocks: AtomicIsize::new(0),
        }
    }
}

static COUNTED: [Line; LINES] = [const { Line::new() }; LINES];
/// The sum of all lines, but for less than [`SLACK`] each. Uses one field only, on a cache line of its own.
static PUBLISHED: Line = Line::new();
static NEXT_LINE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // `const` and without a destructor: may be used inside the allocator, at any time of a thread.
    static LINE: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// jemalloc, counting.
pub struct CountingAllocator;

// SAFETY: every method hands the call to jemalloc unchanged; the counting touches only statics and
// a destructor-free thread local, so it neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the same as the callee's.
        let pointer = unsafe { Jemalloc.alloc(layout) };
        if !pointer.is_null() {
            count(class_bytes(layout.size()) as isize);
        }
        pointer
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { Jemalloc.dealloc(pointer, layout) };
        count(-(class_bytes(layout.size()) as isize));
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let pointer = unsafe { Jemalloc.alloc_zeroed(layout) };
        if !pointer.is_null() {
            count(class_bytes(layout.size()) as isize);
        }
        pointer
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        let moved = unsafe { Jemalloc.realloc(pointer, layout, new_size) };
        if !moved.is_null() {
            count(class_bytes(new_size) as isize - class_bytes(layout.size()) as isize);
        }
        moved
    }
}

#[inline]
fn count(bytes: isize) {
    let line = LINE.get();
    if line >= LINES - 1 {
        return count_slowly(line, bytes);
    }
    // Only this thread writes the line, so a plain load and store lose nothing.
    let line = &COUNTED[line];
    let now = line.bytes.load(Ordering::Relaxed) + bytes;
    line.bytes.store(now, Ordering::Relaxed);
    let ahead = now - line.published.load(Ordering::Relaxed);
    if ahead.unsigned_abs() >= SLACK.unsigned_abs() {
        line.published.store(now, Ordering::Relaxed);
        PUBLISHED.bytes.fetch_add(ahead, Ordering::Relaxed);
    }
}

#[cold]
fn count_slowly(line: usize, bytes: isize) {
    if line == usize::MAX {
        LINE.set(NEXT_LINE.fetch_add(1, Ordering::Relaxed).min(LINES - 1));
    }
    COUNTED[LINES - 1].bytes.fetch_add(bytes, Ordering::Relaxed);
    PUBLISHED.bytes.fetch_add(bytes, Ordering::Relaxed);
}

/// Counts a block of [`crate::heap`], whose slab is not counted.
#[inline]
pub(crate) fn count_block(bytes: isize) {
    let line = LINE.get();
    if line >= LINES - 1 {
        COUNTED[LINES - 1]
            .blocks
            .fetch_add(bytes, Ordering::Relaxed);
    } else {
        let blocks = &COUNTED[line].blocks;
        blocks.store(blocks.load(Ordering::Relaxed) + bytes, Ordering::Relaxed);
    }
    count(bytes);
}

/// The blocks of [`crate::heap`] in use, in bytes: a part of [`used_bytes`].
pub(crate) fn block_bytes() -> usize {
    sum(|line| &line.blocks)
}

/// The size class that jemalloc serves a request of `size` bytes from.
///
/// Classes are multiples of 16 up to 128 (and 8), then four a doubling, as in jemalloc's
/// default configuration (`sz.h`).
#[inline]
pub const fn class_bytes(size: usize) -> usize {
    if size <= 8 {
        return 8 * (size > 0) as usize;
    }
    if size <= 128 {
        return (size + 15) & !15;
    }
    let step = 1usize << (usize::BITS - 1 - (size - 1).leading_zeros() - 2);
    (size + step - 1) & !(step - 1)
}

/// Bytes the allocator has handed out to the process, in size classes.
pub fn used_bytes() -> usize {
    sum(|line| &line.bytes)
}

/// The sum of a counter over all lines.
fn sum(counter: fn(&Line) -> &AtomicIsize) -> usize {
    let own = COUNTED[..lines()].iter().chain(&COUNTED[LINES - 1..]);
    let sum: isize = own.map(|line| counter(line).load(Ordering::Relaxed)).sum();
    usize::try_from(sum).unwrap_or(0)
}

fn lines() -> usize {
    NEXT_LINE.load(Ordering::Relaxed).min(LINES - 1)
}

/// A bound that [`used_bytes`] does not exceed, some kilobytes a thread above it. One load.
#[inline]
pub fn used_at_most() -> usize {
    let sum = PUBLISHED.bytes.load(Ordering::Relaxed) + lines() as isize * SLACK;
    usize::try_from(sum).unwrap_or(0)
}

/// The highest [`used_bytes`] that [`note_peak`] has seen.
pub fn peak_bytes() -> usize {
    PEAK.load(Ordering::Relaxed)
}

/// Takes the present [`used_bytes`] into the peak and returns it.
pub fn note_peak() -> usize {
    let used = used_bytes();
    PEAK.fetch_max(used, Ordering::Relaxed);
    used
}

/// Starts the peak anew from the present.
pub fn reset_peak() {
    PEAK.store(used_bytes(), Ordering::Relaxed);
}

/// The allocator's own figures, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllocatorStats {
    /// Handed out to the process.
    pub allocated: usize,
    /// In pages that hold at least one allocation.
    pub active: usize,
    /// Mapped and backed by memory.
    pub resident: usize,
    /// Given back to jemalloc but not to the system.
    pub retained: usize,
}

/// Asks jemalloc; all zero if it does not answer.
pub fn allocator_stats() -> AllocatorStats {
    use tikv_jemalloc_ctl::{epoch, stats};
    if epoch::advance().is_err() {
        return AllocatorStats::default();
    }
    let blocks = crate::heap::stats();
    let allocated = stats::allocated::read().unwrap_or(0);
    AllocatorStats {
        // To jemalloc a slab is one allocation, however few of its blocks are in use.
        allocated: allocated.saturating_sub(blocks.slab_bytes) + blocks.block_bytes,
        active: stats::active::read().unwrap_or(0),
        resident: stats::resident::read().unwrap_or(0),
        retained: stats::retained::read().unwrap_or(0),
    }
}

/// All that jemalloc tells of itself, as text (`MEMORY MALLOC-STATS`).
pub fn allocator_report() -> Vec<u8> {
    use tikv_jemalloc_ctl::stats_print::{Options, stats_print};
    let mut report = Vec::new();
    match stats_print(&mut report, Options::default()) {
        Ok(()) => report,
        Err(error) => format!("jemalloc tells nothing: {error}\n").into_bytes(),
    }
}

/// Gives pages back to the system that have been unused for some seconds. An idle process would keep them:
/// jemalloc looks at its clock only when memory is asked for or given back.
pub fn decay() {
    let decayed = command(c"arena.4096.decay");
    debug_assert!(
        decayed.is_ok(),
        "the control exists in every version of jemalloc 5"
    );
}

/// Gives unused slabs and pages back to the system (`MEMORY PURGE`).
///
/// # Errors
/// Whatever jemalloc answers, as text.
pub fn purge() -> Result<(), String> {
    crate::heap::trim();
    command(c"arena.4096.purge")
}

/// Asks jemalloc to do something to all its arenas, whose number is 4096 (`MALLCTL_ARENAS_ALL`).
fn command(name: &CStr) -> Result<(), String> {
    // jemalloc refuses to do it if there is as much as a place for an argument or a result
    // (`NEITHER_READ_NOR_WRITE`), which the safe interface always gives.
    let no_size = std::ptr::null_mut();
    let (no_result, no_argument) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: every pointer is null or a NUL-terminated name, as mallctl(3) asks.
    let status =
        unsafe { tikv_jemalloc_sys::mallctl(name.as_ptr(), no_result, no_size, no_argument, 0) };
    match status {
        0 => Ok(()),
        status => Err(std::io::Error::from_raw_os_error(status).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jemalloc_carries_out_commands() {
        assert_eq!(purge(), Ok(()));
        decay();
        assert!(command(c"arena.4096.nosuch").is_err());
        assert!(allocator_report().starts_with(b"___ Begin jemalloc statistics ___"));
    }

    #[test]
    fn classes_are_those_of_jemalloc() {
        for (size, class) in [
            (0, 0),
            (1, 8),
            (8, 8),
            (9, 16),
            (16, 16),
            (17, 32),
            (128, 128),
            (129, 160),
            (161, 192),
            (257, 320),
            (1024, 1024),
            (1025, 1280),
            (16_385, 20_480),
            (1 << 20, 1 << 20),
        ] {
            assert_eq!(class_bytes(size), class, "{size}");
        }
    }
}
