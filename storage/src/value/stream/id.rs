//! The ids of entries.

use std::fmt;

/// A moment in milliseconds and a number within it; entries of a stream are in the order of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds since 1970, or whatever the client counts by.
    pub ms: u64,
    /// Tells apart what has the same milliseconds.
    pub seq: u64,
}

/// Two numbers of twenty digits and what stands between them.
const LONGEST_BYTES: usize = 41;

impl StreamId {
    /// Before all others; no entry has it.
    pub const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// Behind all others.
    pub const MAX: StreamId = StreamId {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    /// The id of these parts.
    pub const fn new(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    /// The id right behind this one; none behind the last.
    pub fn next(self) -> Option<StreamId> {
        self.to_key().checked_add(1).map(StreamId::from_key)
    }

    /// The id right before this one; none before the first.
    pub fn previous(self) -> Option<StreamId> {
        self.to_key().checked_sub(1).map(StreamId::from_key)
    }

    /// As Redis' radix tree has it, read as one big-endian number.
    pub(super) fn to_key(self) -> u128 {
        u128::from(self.ms) << 64 | u128::from(self.seq)
    }

    fn from_key(key: u128) -> StreamId {
        StreamId::new((key >> 64) as u64, key as u64)
    }

    /// How far this id is behind `master`, part by part, as a node stores it.
    pub(super) fn delta(self, master: StreamId) -> (i64, i64) {
        // The difference may be negative, or wrap around: adding it wraps back.
        (
            self.ms.wrapping_sub(master.ms) as i64,
            self.seq.wrapping_sub(master.seq) as i64,
        )
    }

    /// The id that is so far behind this one.
    pub(super) fn offset(self, ms: i64, seq: i64) -> StreamId {
        StreamId {
            ms: self.ms.wrapping_add(ms as u64),
            seq: self.seq.wrapping_add(seq as u64),
        }
    }

    /// Hands the usual form, `ms-seq`, to `reader`.
    pub fn with_text<R>(self, reader: impl FnOnce(&[u8]) -> R) -> R {
        let mut text = [b'-'; LONGEST_BYTES];
        let mut copy = |number: u64, at: usize| {
            protocol::number::with_digits(number, |digits| {
                let end = at + digits.len();
                text[at..end].copy_from_slice(digits);
                end
            })
        };
        let dash = copy(self.ms, 0);
        let end = copy(self.seq, dash + 1);
        reader(&text[..end])
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_carry_from_one_part_to_the_other() {
        let id = StreamId::new;
        assert_eq!(id(1, 1).next(), Some(id(1, 2)));
        assert_eq!(id(1, u64::MAX).next(), Some(id(2, 0)));
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(id(2, 0).previous(), Some(id(1, u64::MAX)));
        assert_eq!(id(0, 1).previous(), Some(StreamId::MIN));
        assert_eq!(StreamId::MIN.previous(), None);
    }

    #[test]
    fn deltas_lead_back_wherever_they_wrap() {
        let ids = [
            StreamId::MIN,
            StreamId::new(1, u64::MAX),
            StreamId::new(u64::MAX, 5),
            StreamId::MAX,
        ];
        for master in ids {
            for id in ids {
                let (ms, seq) = id.delta(master);
                assert_eq!(master.offset(ms, seq), id);
            }
        }
    }

    #[test]
    fn ids_are_printed_in_full() {
        let text = "18446744073709551615-18446744073709551615";
        assert_eq!(StreamId::MAX.to_string(), text);
        for id in [StreamId::MAX, StreamId::MIN, StreamId::new(1, 23)] {
            assert_eq!(id.with_text(<[u8]>::to_vec), id.to_string().as_bytes());
        }
    }
}
