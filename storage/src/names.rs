//! The tags in use in one database, each once.
//!
//! A tag lives in every shard where a key carries it; its name is held here, once, and shared. So
//! `TAGNAMES` gives a name once and never misses one that stays in use, whichever shards its keys
//! come from and go to. A shard asks only when a tag gets its first key there or loses its last.

use std::sync::Arc;

use hashbrown::HashTable;
use parking_lot::Mutex;

/// Slots that one [`Names::scan`] passes at most, taken or vacant: some tens of microseconds.
const SCAN_SLOTS: usize = 16 * 1024;

/// Names, and how many shards use each.
#[derive(Default)]
pub struct Names {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_name: HashTable<u32>,
    slots: Vec<Option<Slot>>,
    vacant: Vec<u32>,
    /// Bytes of the names themselves.
    text_bytes: usize,
}

struct Slot {
    name: Arc<[u8]>,
    hash: u64,
    users: u32,
}

/// One use of a name; it is in use as long as one of these lives that has not ended.
pub(crate) struct NameUse {
    /// `None` once the use has ended.
    names: Option<Arc<Names>>,
    name: Arc<[u8]>,
    slot: u32,
}

impl NameUse {
    /// The name, also after the use has ended.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.name
    }

    /// Ends the use before its time.
    pub(crate) fn end(&mut self) {
        if let Some(names) = self.names.take() {
            names.inner.lock().release(self.slot);
        }
    }
}

impl Drop for NameUse {
    fn drop(&mut self) {
        self.end();
    }
}

impl Names {
    /// Takes a name into use.
    pub(crate) fn hold(self: &Arc<Self>, hash: u64, name: &[u8]) -> NameUse {
        let (slot, name) = self.inner.lock().hold(hash, name);
        NameUse {
            names: Some(Arc::clone(self)),
            name,
            slot,
        }
    }

    /// Whether a name is in use.
    pub fn contains(&self, hash: u64, name: &[u8]) -> bool {
        let inner = self.inner.lock();
        inner
            .by_name
            .find(hash, |&at| is_named(&inner.slots, at, name))
            .is_some()
    }

    /// How many names are in use.
    pub fn len(&self) -> usize {
        self.inner.lock().by_name.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of names and their index.
    pub fn size_bytes(&self) -> usize {
        let inner = self.inner.lock();
        inner.by_name.allocation_size()
            + inner.slots.capacity() * size_of::<Option<Slot>>()
            + inner.vacant.capacity() * size_of::<u32>()
            + inner.text_bytes
    }

    /// Hands the next `count` names to `look`; gives the cursor to go on from, 0 at the end.
    ///
    /// A cursor is a slot below which the scan goes on, downwards. A name keeps its slot while it is
    /// in use, so one that stays is met exactly once, whatever comes and goes in between.
    pub fn scan(&self, cursor: u64, count: usize, mut look: impl FnMut(&[u8])) -> u64 {
        let inner = self.inner.lock();
        let top = match usize::try_from(cursor) {
            Ok(0) | Err(_) => inner.slots.len(),
            Ok(below) => below.min(inner.slots.len()),
        };
        let bottom = top.saturating_sub(SCAN_SLOTS);
        let mut left = count;
        for at in (bottom..top).rev() {
            if let Some(slot) = &inner.slots[at] {
                look(&slot.name);
                left = left.saturating_sub(1);
            }
            if left == 0 {
                return at as u64;
            }
        }
        bottom as u64
    }
}

impl Inner {
    fn hold(&mut self, hash: u64, name: &[u8]) -> (u32, Arc<[u8]>) {
        let slots = &mut self.slots;
        let known = self
            .by_name
            .find(hash, |&at| is_named(slots, at, name))
            .copied();
        if let Some(at) = known
            && let Some(slot) = slots.get_mut(at as usize).and_then(Option::as_mut)
        {
            slot.users += 1;
            return (at, Arc::clone(&slot.name));
        }
        let name: Arc<[u8]> = name.into();
        self.text_bytes += text_bytes(&name);
        let slot = Some(Slot {
            name: Arc::clone(&name),
            hash,
            users: 1,
        });
        let at = match self.vacant.pop() {
            Some(at) => {
                slots[at as usize] = slot;
                at
            }
            None => {
                slots.push(slot);
                (slots.len() - 1) as u32
            }
        };
        self.by_name
            .insert_unique(hash, at, |&at| hash_of(slots, at));
        (at, name)
    }

    fn release(&mut self, at: u32) {
        let Some(place) = self.slots.get_mut(at as usize) else {
            return;
        };
        let Some(slot) = place else { return };
        slot.users -= 1;
        if slot.users > 0 {
            return;
        }
        if let Ok(found) = self.by_name.find_entry(slot.hash, |&other| other == at) {
            found.remove();
        }
        self.text_bytes -= text_bytes(&slot.name);
        *place = None;
        self.vacant.push(at);
        if self.by_name.is_empty() {
            *self = Inner::default();
        }
    }
}

/// Bytes of a shared name: the text and the two counters in front of it.
fn text_bytes(name: &[u8]) -> usize {
    crate::memory::class_bytes(name.len() + 2 * size_of::<usize>())
}

fn is_named(slots: &[Option<Slot>], at: u32, name: &[u8]) -> bool {
    slots
        .get(at as usize)
        .and_then(Option::as_ref)
        .is_some_and(|slot| &*slot.name == name)
}

fn hash_of(slots: &[Option<Slot>], at: u32) -> u64 {
    slots
        .get(at as usize)
        .and_then(Option::as_ref)
        .map_or(0, |slot| slot.hash)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn hash(name: &str) -> u64 {
        name.bytes().fold(7, |hash: u64, byte| {
            hash.wrapping_mul(0x100_0001).wrapping_add(byte.into())
        })
    }

    fn hold(names: &Arc<Names>, name: &str) -> NameUse {
        names.hold(hash(name), name.as_bytes())
    }

    #[test]
    fn a_name_is_in_use_until_its_last_user_goes() {
        let names = Arc::new(Names::default());
        let (one, other) = (hold(&names, "a"), hold(&names, "a"));
        assert_eq!((one.as_bytes(), names.len()), (&b"a"[..], 1));
        drop(one);
        assert_eq!(names.len(), 1);
        drop(other);
        assert_eq!((names.len(), names.size_bytes()), (0, 0));
    }

    /// Names come and go at random between the calls of a scan; those that stay are given once.
    #[test]
    fn a_scan_gives_what_stays_exactly_once() {
        let mut rng = fastrand::Rng::with_seed(5);
        for round in 0..200 {
            let names = Arc::new(Names::default());
            let mut uses: HashMap<String, NameUse> = HashMap::new();
            for _ in 0..rng.usize(..300) {
                let name = format!("n{}", rng.u32(..400));
                uses.insert(name.clone(), hold(&names, &name));
            }
            let mut stayed: HashSet<String> = uses.keys().cloned().collect();
            let mut seen: HashMap<String, usize> = HashMap::new();
            let mut cursor = 0;
            loop {
                cursor = names.scan(cursor, 1 + rng.usize(..20), |name| {
                    *seen
                        .entry(String::from_utf8_lossy(name).into_owned())
                        .or_default() += 1;
                });
                if cursor == 0 {
                    break;
                }
                for _ in 0..rng.usize(..20) {
                    let name = format!("n{}", rng.u32(..400));
                    if rng.bool() {
                        let again = hold(&names, &name);
                        uses.insert(name, again);
                    } else if uses.remove(&name).is_some() {
                        stayed.remove(&name);
                    }
                }
            }
            for name in &stayed {
                assert_eq!(seen.get(name), Some(&1), "{name} in round {round}");
            }
        }
    }
}
