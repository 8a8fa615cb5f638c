//! Long strings: held by entries, lent to replies, both by reference count.
//!
//! A value may leave the keyspace while replies that nobody reads still hold it. Its memory is then no
//! data any more, but is not free either; [`only_lent_bytes`] says how much of that there is, so that
//! eviction does not go on as if it had removed nothing.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use crate::memory::class_bytes;

static ONLY_LENT: AtomicUsize = AtomicUsize::new(0);

/// Bytes of strings that are in no entry any more, but in a reply that is not written yet.
pub fn only_lent_bytes() -> usize {
    ONLY_LENT.load(Ordering::Relaxed)
}

#[derive(Debug)]
struct Inner {
    bytes: Vec<u8>,
    /// How many [`Long`]s there are of it.
    holders: AtomicU32,
    is_only_lent: AtomicBool,
}

impl Inner {
    fn heap_bytes(&self) -> usize {
        // Two counters stand before what an `Arc` holds.
        class_bytes(size_of::<Inner>() + 2 * size_of::<usize>())
            + class_bytes(self.bytes.capacity())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.is_only_lent.get_mut() {
            ONLY_LENT.fetch_sub(self.heap_bytes(), Ordering::Relaxed);
        }
    }
}

/// A long string as an entry holds it; a clone is the same string in another entry.
#[derive(Debug)]
pub struct Long(Arc<Inner>);

impl Long {
    /// A string of its own.
    pub fn new(bytes: Vec<u8>) -> Long {
        Long(Arc::new(Inner {
            bytes,
            holders: AtomicU32::new(1),
            is_only_lent: AtomicBool::new(false),
        }))
    }

    /// The string for a reply, which keeps it whatever becomes of the entry.
    pub fn lend(&self) -> Lent {
        Lent(Arc::clone(&self.0))
    }

    /// The bytes to be changed in place; copied first if another entry or a reply has them too.
    pub fn make_mut(&mut self) -> &mut Vec<u8> {
        if Arc::get_mut(&mut self.0).is_none() {
            *self = Long::new(self.0.bytes.clone());
        }
        let inner = Arc::get_mut(&mut self.0).expect("nobody else knows a new one");
        &mut inner.bytes
    }

    /// Bytes of memory, in allocator classes.
    pub fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

impl Clone for Long {
    fn clone(&self) -> Long {
        self.0.holders.fetch_add(1, Ordering::Relaxed);
        Long(Arc::clone(&self.0))
    }
}

impl Drop for Long {
    fn drop(&mut self) {
        let is_last = self.0.holders.fetch_sub(1, Ordering::Relaxed) == 1;
        // Only a holder lends, so if there is no reply now there will be none.
        if is_last && Arc::strong_count(&self.0) > 1 {
            ONLY_LENT.fetch_add(self.0.heap_bytes(), Ordering::Relaxed);
            self.0.is_only_lent.store(true, Ordering::Relaxed);
        }
    }
}

impl Deref for Long {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0.bytes
    }
}

/// A long string as a reply holds it.
#[derive(Clone, Debug)]
pub struct Lent(Arc<Inner>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum is one for the process, and tests run beside each other.
    static ALONE: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

    #[test]
    fn what_only_replies_hold_is_counted_until_they_let_go() {
        let _alone = ALONE.lock();
        let before = only_lent_bytes();
        let grown = || only_lent_bytes() - before;
        let long = Long::new(vec![0; 100_000]);
        let size = long.heap_bytes();
        assert!((100_000..130_000).contains(&size));
        let copy = long.clone();
        let (first, second) = (long.lend(), copy.lend());
        drop(long);
        assert_eq!(grown(), 0, "the copy is still there");
        drop(copy);
        assert_eq!(grown(), size);
        drop(first);
        assert_eq!((grown(), second.as_ref().len()), (size, 100_000));
        drop(second);
        assert_eq!(grown(), 0);
        // Never lent, or given back before.
        drop(Long::new(vec![0; 10]));
        let long = Long::new(vec![0; 10]);
        drop(long.lend());
        drop(long);
        assert_eq!(grown(), 0);
        // Changed while a reply has it: what the reply has is no longer the entry's.
        let mut long = Long::new(b"before".to_vec());
        let at = long.as_ptr();
        long.make_mut().push(b'!');
        assert_eq!(long.lend().as_ref(), b"before!");
        let lent = long.lend();
        long.make_mut().clear();
        assert_ne!(long.as_ptr(), at);
        assert!(grown() > 0);
        assert_eq!(lent.as_ref(), b"before!");
        drop(lent);
        assert_eq!(grown(), 0);
    }

    #[test]
    fn many_threads_let_go_at_once() {
        let _alone = ALONE.lock();
        let before = only_lent_bytes();
        for _ in 0..200 {
            let long = Long::new(vec![7; 32]);
            let lent: Vec<Lent> = (0..4).map(|_| long.lend()).collect();
            std::thread::scope(|scope| {
                lent.into_iter().for_each(|lent| {
                    scope.spawn(move || assert_eq!(lent.as_ref()[31], 7));
                });
                let copy = long.clone();
                scope.spawn(move || drop(long));
                scope.spawn(move || drop(copy));
            });
            assert_eq!(only_lent_bytes(), before);
        }
    }
}
