//! What is left of entries that were evicted: that they were there, and how often they were used.
//!
//! A key that is written again soon after it went should not have gone, so its new entry begins with the
//! count of the old one; and which kind of entry comes back tells [`super::tuning`] what goes too
//! early. That is why a few are enough: one slot for about three keys that are there, overwritten by
//! whatever falls into it. Simulated, twice as many slots gain nothing on popular keys and lose on
//! loops, where almost all come back: the fewer are favoured, the longer those stay.
//!
//! A slot has 2 bytes, 12 bits of the key's hash and 4 of the count, so it takes a quarter of a byte
//! to a byte for each key of the shard. One key in 4,096 is mistaken for another: it begins with
//! a count that is not its own.

/// Keys to a slot.
const KEYS_PER_SLOT: usize = 4;

/// Slots beyond which no shard needs more.
const MOST_SLOTS: usize = 1 << 24;

const COUNT_BITS: u32 = 4;
const COUNT_MASK: u16 = (1 << COUNT_BITS) - 1;

/// How many came back that were evicted: of those never used again, and of the others.
pub(crate) type Returned = [u32; 2];

/// The entries of one shard that went last.
#[derive(Debug, Default)]
pub(crate) struct Ghost {
    /// A power of two of them, or none; 0 is an empty one.
    slots: Box<[u16]>,
    returned: Returned,
    /// When the policy was changed under which they went: nothing is known under another.
    since_ms: i64,
}

/// The class of [`Returned`] that entries of so many accesses belong to.
pub(crate) fn class(accesses: u32) -> usize {
    usize::from(accesses > 1)
}

impl Ghost {
    /// Forgets what went before the policy was changed at that moment.
    pub(crate) fn begin(&mut self, since_ms: i64) {
        if self.since_ms != since_ms {
            *self = Ghost {
                since_ms,
                ..Ghost::default()
            };
        }
    }

    /// Notes that a key was evicted that had so many accesses, from a shard that holds `keys`.
    pub(crate) fn remember(&mut self, db: usize, hash: u32, accesses: u32, keys: usize) {
        self.fit(keys);
        let (slot, fingerprint) = self.place(db, hash);
        let count = (accesses.clamp(1, COUNT_MASK.into())) as u16;
        self.slots[slot] = fingerprint << COUNT_BITS | count;
    }

    /// How many accesses a key had that was evicted and now comes back, after the policy was changed at that
    /// moment; 0 if nothing is known of it.
    #[inline]
    pub(crate) fn recall(&mut self, db: usize, hash: u32, since_ms: i64) -> u32 {
        if self.slots.is_empty() || self.since_ms != since_ms {
            return 0;
        }
        let (slot, fingerprint) = self.place(db, hash);
        let kept = self.slots[slot];
        if kept == 0 || kept >> COUNT_BITS != fingerprint {
            return 0;
        }
        self.slots[slot] = 0;
        let accesses = u32::from(kept & COUNT_MASK);
        self.returned[class(accesses)] += 1;
        accesses
    }

    /// Takes what has been counted since the last time.
    pub(crate) fn take_returned(&mut self) -> Returned {
        std::mem::take(&mut self.returned)
    }

    /// Bytes that it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// Slot and fingerprint of a key.
    fn place(&self, db: usize, hash: u32) -> (usize, u16) {
        // Databases are few, and their keys must not be taken for each other.
        let hash = hash ^ (db as u32).wrapping_mul(0x85eb_ca6b);
        let spread = u64::from(hash.wrapping_mul(0x9e37_79b1));
        let slot = (spread * self.slots.len() as u64) >> u32::BITS;
        (slot as usize, hash as u16 & (u16::MAX >> COUNT_BITS))
    }

    /// Follows the number of keys; not at once where they become fewer, so that it does not go to and fro.
    fn fit(&mut self, keys: usize) {
        let wanted = (keys / KEYS_PER_SLOT)
            .clamp(1, MOST_SLOTS)
            .next_power_of_two();
        let count = self.slots.len();
        if (wanted..=wanted * 2).contains(&count) {
            return;
        }
        // A slot is chosen by leading bits: the same entries lie in the same part of the whole.
        let old = |slot: usize| self.slots.get(slot * count / wanted).copied();
        self.slots = (0..wanted).map(|slot| old(slot).unwrap_or(0)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn what_went_is_known_once() {
        let mut ghost = Ghost::default();
        assert_eq!(ghost.recall(0, 7, 0), 0);
        ghost.remember(0, 7, 3, 1_000);
        ghost.remember(1, 0, 40, 1_000);
        assert_eq!(ghost.recall(1, 7, 0), 0, "another database");
        assert_eq!((ghost.recall(0, 7, 0), ghost.recall(0, 7, 0)), (3, 0));
        assert_eq!(ghost.recall(1, 0, 0), 15);
        ghost.remember(0, 7, 1, 1_000);
        ghost.recall(0, 7, 0);
        assert_eq!(ghost.take_returned(), [1, 2]);
        assert_eq!(ghost.take_returned(), [0, 0]);
    }

    #[test]
    fn nothing_is_known_after_the_policy_has_changed() {
        let mut ghost = Ghost::default();
        ghost.begin(5);
        ghost.remember(0, 7, 3, 1_000);
        assert_eq!(ghost.recall(0, 7, 6), 0);
        ghost.begin(5);
        assert_eq!(ghost.recall(0, 7, 5), 3);
        ghost.remember(0, 7, 3, 1_000);
        ghost.begin(6);
        assert_eq!((ghost.size_bytes(), ghost.take_returned()), (0, [0, 0]));
        assert_eq!(ghost.recall(0, 7, 6), 0);
    }

    #[test]
    fn it_takes_at_most_a_byte_for_each_key() {
        let mut ghost = Ghost::default();
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..1_000 {
            let keys = 1 << rng.u32(3..18);
            ghost.remember(0, rng.u32(..), 1, keys);
            assert!(ghost.size_bytes() <= keys * 2, "{keys}");
            ghost.remember(0, rng.u32(..), 1, keys * 4);
            assert!(ghost.size_bytes() <= keys * 4, "{keys}");
        }
    }

    #[test]
    fn it_keeps_what_it_knows_when_it_grows() {
        let mut ghost = Ghost::default();
        let mut rng = fastrand::Rng::with_seed(9);
        let mut hashes: Vec<u32> = (0..64).map(|_| rng.u32(..)).collect();
        hashes
            .iter()
            .for_each(|&hash| ghost.remember(0, hash, 2, 4_096));
        let newest = hashes.pop().expect("some");
        ghost.remember(0, newest, 2, 400_000);
        let known = hashes.iter().filter(|&&hash| ghost.recall(0, hash, 0) == 2);
        assert!(known.count() > 50);
        assert_eq!(ghost.recall(0, newest, 0), 2);
    }

    /// Seeded steps against a map: what it tells is what was noted last, but for a mistake in thousands.
    #[test]
    fn it_tells_the_truth_or_nothing() {
        let mut ghost = Ghost::default();
        let mut model: HashMap<u32, u32> = HashMap::new();
        let mut rng = fastrand::Rng::with_seed(3);
        let keys: Vec<u32> = (0..20_000).map(|_| rng.u32(..)).collect();
        let (mut told, mut mistaken) = (0, 0);
        for _ in 0..200_000 {
            let hash = keys[rng.usize(..keys.len())];
            if rng.bool() {
                let accesses = rng.u32(1..16);
                ghost.remember(0, hash, accesses, keys.len());
                model.insert(hash, accesses);
            } else {
                let accesses = ghost.recall(0, hash, 0);
                let expected = model.remove(&hash);
                told += u32::from(accesses > 0);
                mistaken += u32::from(accesses > 0 && expected != Some(accesses));
            }
        }
        assert!(told > 10_000, "{told}");
        assert!(mistaken < told / 500, "{mistaken} of {told}");
    }
}
