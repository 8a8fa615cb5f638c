//! How much memory connections hold, counted as they go.
//!
//! Two sums, because values of 16 KiB and more go out by reference:
//!
//! - **held**, what `tot-mem` says of every connection that is still served, shared values in full. It is what
//!   `maxmemory-clients` is compared with, as Redis does, which copies.
//! - **own**, what would come back if there were no connections: buffers, queues, the connections themselves. It
//!   is what is left out when memory in use is compared with `maxmemory`.
//!
//! A connection adds what it holds when that has changed, once a batch; reply buffers follow while they
//! grow. So a reader pays one load and nobody walks. For eviction, connections stand on shelves by the
//! power of two of what they hold, in the order they came there: largest first costs no search.

use std::array;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use protocol::{Meter, Tally};
use storage::memory::class_bytes;

use super::{Client, State};

/// Shelves: below 32 KiB, then one each doubling, as in Redis; the last has no end.
const SHELVES: usize = 19;
const FIRST_SHELF_BITS: usize = 15;

/// On no shelf.
const NOWHERE: usize = usize::MAX;

fn shelf_of(bytes: usize) -> usize {
    let bits = bytes.checked_ilog2().map_or(0, |log| log as usize + 1);
    bits.saturating_sub(FIRST_SHELF_BITS).min(SHELVES - 1)
}

/// What the ledger knows of a connection.
#[derive(Debug)]
pub struct Page {
    /// As much as it has added to the sum.
    held: AtomicUsize,
    /// Where it stands. Written under the lock of the shelves.
    shelf: AtomicUsize,
    place: AtomicUsize,
}

impl Default for Page {
    fn default() -> Page {
        Page {
            held: AtomicUsize::new(0),
            shelf: AtomicUsize::new(NOWHERE),
            place: AtomicUsize::new(0),
        }
    }
}

/// The sums, and the connections by what they hold.
#[derive(Debug)]
pub struct Ledger {
    held: AtomicUsize,
    own: Meter,
    shelves: Mutex<Shelves>,
}

#[derive(Debug)]
struct Shelves {
    shelves: [BTreeMap<usize, Arc<Client>>; SHELVES],
    next_place: usize,
}

impl Default for Ledger {
    fn default() -> Ledger {
        let shelves = Shelves {
            shelves: array::from_fn(|_| BTreeMap::new()),
            next_place: 0,
        };
        Ledger {
            held: AtomicUsize::new(0),
            own: Meter::new(class_bytes),
            shelves: Mutex::new(shelves),
        }
    }
}

impl Ledger {
    /// Bytes that connections hold, shared values in full: the sum of their `tot-mem`.
    #[inline]
    pub fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Bytes of connections that hold nothing of the keyspace.
    #[inline]
    pub fn own_bytes(&self) -> usize {
        self.own.bytes()
    }

    /// A part of [`Ledger::own_bytes`], nothing so far.
    pub fn tally(&'static self) -> Tally {
        Tally::of(&self.own)
    }

    /// The sum behind [`Ledger::own_bytes`], for what counts itself.
    pub fn meter(&'static self) -> &'static Meter {
        &self.own
    }

    /// Notes what a connection holds now. Called by its own thread.
    #[inline]
    pub fn note(&self, client: &Arc<Client>, bytes: usize) {
        if client.is(State::FORGOTTEN) {
            return;
        }
        let before = client.page.held.swap(bytes, Ordering::Relaxed);
        if before != bytes {
            self.add(bytes.wrapping_sub(before));
        }
        let shelf = if client.is(State::NO_EVICT) {
            NOWHERE
        } else {
            shelf_of(bytes)
        };
        if shelf != client.page.shelf.load(Ordering::Relaxed) {
            self.shelves.lock().put(client, shelf);
        }
    }

    /// Takes a connection out: it is no longer served, whatever it still holds for a moment.
    pub fn strike(&self, client: &Arc<Client>) {
        let mut shelves = self.shelves.lock();
        client.set(State::FORGOTTEN, true);
        shelves.put(client, NOWHERE);
        // Its thread may be in the middle of `note`: what that leaves behind is taken out when the
        // connection ends, which strikes it again.
        let before = client.page.held.swap(0, Ordering::Relaxed);
        self.add(before.wrapping_neg());
    }

    /// The connection that is to go first: from the highest shelf, the one that has been there longest.
    pub fn largest(&self) -> Option<Arc<Client>> {
        let mut shelves = self.shelves.lock();
        loop {
            let client = shelves.first()?;
            if !client.is(State::NO_EVICT) {
                return Some(client);
            }
            // It has asked for that just now.
            shelves.put(&client, NOWHERE);
        }
    }

    /// Wraps around when it gets less.
    fn add(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Shelves {
    fn put(&mut self, client: &Arc<Client>, shelf: usize) {
        let shelf = if client.is(State::FORGOTTEN) {
            NOWHERE
        } else {
            shelf
        };
        let before = client.page.shelf.swap(shelf, Ordering::Relaxed);
        let place = client.page.place.load(Ordering::Relaxed);
        if let Some(shelf) = self.shelves.get_mut(before) {
            shelf.remove(&place);
        }
        if let Some(shelf) = self.shelves.get_mut(shelf) {
            self.next_place += 1;
            client.page.place.store(self.next_place, Ordering::Relaxed);
            shelf.insert(self.next_place, Arc::clone(client));
        }
    }

    fn first(&self) -> Option<Arc<Client>> {
        let mut highest_first = self.shelves.iter().rev();
        let shelf = highest_first.find(|shelf| !shelf.is_empty())?;
        shelf.values().next().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients<const N: usize>() -> [Arc<Client>; N] {
        array::from_fn(|id| {
            let client = Client::new(id as u64, String::new(), String::new(), -1, 0);
            Arc::new(client)
        })
    }

    /// Takes out all that may be evicted; their ids in that order.
    fn order(ledger: &Ledger) -> Vec<u64> {
        std::iter::from_fn(|| {
            let client = ledger.largest()?;
            ledger.strike(&client);
            Some(client.id)
        })
        .collect()
    }

    #[test]
    fn shelves_are_the_size_classes_of_redis() {
        for (bytes, shelf) in [
            (0, 0),
            (32_767, 0),
            (32_768, 1),
            (65_535, 1),
            (65_536, 2),
            (1 << 32, 18),
            (usize::MAX, 18),
        ] {
            assert_eq!(shelf_of(bytes), shelf, "{bytes}");
        }
    }

    #[test]
    fn the_largest_class_goes_first_and_in_it_who_came_first() {
        let ledger = Ledger::default();
        let clients = clients::<5>();
        for (id, kilobytes) in [(3, 1_400), (1, 1_200), (2, 3_000), (0, 1_500), (4, 500)] {
            ledger.note(&clients[id], kilobytes << 10);
        }
        // Growing within the class changes nothing.
        ledger.note(&clients[3], 2_000 << 10);
        assert_eq!(order(&ledger), [2, 3, 1, 0, 4]);
        assert_eq!(ledger.held_bytes(), 0);
    }

    #[test]
    fn who_is_not_to_be_evicted_counts_but_stands_on_no_shelf() {
        let ledger = Ledger::default();
        let [kept, other, late] = clients();
        kept.set(State::NO_EVICT, true);
        ledger.note(&kept, 1 << 20);
        ledger.note(&other, 1 << 10);
        ledger.note(&late, 1 << 20);
        // Not noted yet.
        late.set(State::NO_EVICT, true);
        assert_eq!(ledger.held_bytes(), (2 << 20) + (1 << 10));
        assert_eq!(order(&ledger), [1]);
        kept.set(State::NO_EVICT, false);
        ledger.note(&kept, 1 << 20);
        assert_eq!(order(&ledger), [0]);
    }

    #[test]
    fn who_is_struck_out_adds_nothing_any_more() {
        let ledger = Ledger::default();
        let [client] = clients();
        ledger.note(&client, 1 << 20);
        ledger.note(&client, 3 << 20);
        assert_eq!(ledger.held_bytes(), 3 << 20);
        ledger.strike(&client);
        ledger.note(&client, 1 << 20);
        ledger.strike(&client);
        assert_eq!((ledger.held_bytes(), order(&ledger).len()), (0, 0));
    }
}
