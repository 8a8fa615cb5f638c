//! Which hashes of a partition have fields that expire, and when the first field of each falls due.
//!
//! A hash is known by that moment and the hash of its key; both are found in its entry whenever it
//! changes, so nothing here needs to be looked up by key.

use std::collections::BTreeMap;

use crate::entry::Entry;

/// Hashes in the order in which their fields fall due.
#[derive(Debug, Default)]
pub(crate) struct FieldDues {
    /// How many keys of that hash have a hash that is due then: one but for an accident.
    by_time: BTreeMap<(i64, u32), u32>,
    len: usize,
}

/// Fields of one hash that were removed because they had expired.
pub struct GoneFields {
    /// The key of the hash.
    pub key: Box<[u8]>,
    /// Their names.
    pub fields: Vec<Box<[u8]>>,
    /// The entry, if these were its last.
    pub emptied: Option<Entry>,
}

impl FieldDues {
    /// How many hashes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// When the first of them is due, in milliseconds since 1970; `i64::MAX` if there is none.
    #[inline]
    pub(crate) fn soonest_ms(&self) -> i64 {
        let first = self.by_time.first_key_value();
        first.map_or(i64::MAX, |(&(due_ms, _), _)| due_ms)
    }

    /// Notes that a hash under a key of that hash was due at one moment and now is at another, either of which may
    /// be `i64::MAX` for never.
    #[inline]
    pub(crate) fn change(&mut self, hash: u32, before_ms: i64, due_ms: i64) {
        if before_ms != due_ms {
            self.remove((before_ms, hash));
            self.insert((due_ms, hash));
        }
    }

    fn remove(&mut self, at: (i64, u32)) {
        if at.0 == i64::MAX {
            return;
        }
        let count = self.by_time.get_mut(&at);
        debug_assert!(count.is_some(), "what is due was noted");
        self.len -= usize::from(count.is_some());
        match count {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.by_time.remove(&at)),
        }
    }

    fn insert(&mut self, at: (i64, u32)) {
        if at.0 != i64::MAX {
            *self.by_time.entry(at).or_default() += 1;
            self.len += 1;
        }
    }

    /// The first that is due, from `from` on.
    pub(crate) fn next(&self, from: (i64, u32), now_ms: i64) -> Option<(i64, u32)> {
        if from.0 > now_ms {
            return None;
        }
        let mut due = self.by_time.range(from..=(now_ms, u32::MAX));
        due.next().map(|(&at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_met_in_the_order_they_fall_due() {
        let mut dues = FieldDues::default();
        let never = i64::MAX;
        for (hash, due_ms) in [(7, 30), (3, 10), (7, 10), (7, 10), (9, never)] {
            dues.change(hash, never, due_ms);
        }
        assert_eq!((dues.len(), dues.soonest_ms()), (4, 10));
        assert_eq!(dues.next((i64::MIN, 0), 9), None);
        assert_eq!(dues.next((i64::MIN, 0), 10), Some((10, 3)));
        assert_eq!(dues.next((10, 4), 10), Some((10, 7)));
        assert_eq!(dues.next((10, 8), 29), None);
        assert_eq!(dues.next((10, 8), 30), Some((30, 7)));
        dues.change(7, 10, never);
        dues.change(3, 10, 40);
        assert_eq!((dues.len(), dues.soonest_ms()), (3, 10));
        dues.change(7, 10, 50);
        dues.change(7, 30, never);
        assert_eq!((dues.len(), dues.soonest_ms()), (2, 40));
        dues.change(3, 40, never);
        dues.change(7, 50, never);
        assert_eq!((dues.len(), dues.soonest_ms()), (0, never));
    }
}
