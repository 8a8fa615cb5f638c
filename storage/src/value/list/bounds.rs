//! How large a node may become.

use crate::value::Limits;

/// What a node of so many elements may take, whatever their number.
const SAFE_BYTES: usize = 8192;
/// The largest class of sizes.
const CLASSES: i64 = 5;

/// `list-max-listpack-size`, as Redis reads it (`quicklist.c`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of a node's size; `None` if elements are counted.
    bytes: Option<usize>,
    /// Of the elements in a node.
    count: usize,
    /// The shortest element that stands alone.
    plain_from: usize,
}

impl Bounds {
    #[inline]
    pub(super) fn of(limits: &Limits) -> Bounds {
        Bounds::new(limits.list_max_listpack_size, limits)
    }

    /// Those of a list that was made with another `list-max-listpack-size`.
    #[inline]
    pub(super) fn new(fill: i64, limits: &Limits) -> Bounds {
        let bytes = (fill < 0).then(|| 2048 << (-fill).min(CLASSES));
        let plain_from = match limits.list_packed_threshold {
            0 => bytes.unwrap_or(SAFE_BYTES) + 1,
            threshold => threshold,
        };
        Bounds {
            bytes,
            count: usize::try_from(fill).map_or(usize::MAX, |count| count.max(1)),
            plain_from,
        }
    }

    /// Those that a list of nodes must keep to become one listpack again.
    #[inline]
    pub(super) fn halved(self) -> Bounds {
        Bounds {
            bytes: self.bytes.map(|bytes| bytes / 2),
            count: self.count / 2,
            ..self
        }
    }

    /// Whether that is too much for a node.
    #[inline]
    pub(super) fn are_exceeded(&self, size_bytes: usize, count: usize) -> bool {
        match self.bytes {
            Some(bytes) => size_bytes > bytes,
            None => size_bytes > SAFE_BYTES || count > self.count,
        }
    }

    /// Whether a list of one node may be a listpack: where elements are counted, its size does not matter.
    pub(super) fn allow(&self, size_bytes: usize, count: usize) -> bool {
        self.bytes.is_none_or(|bytes| size_bytes <= bytes) && count <= self.count
    }

    /// Whether an element of that length is a node of its own.
    #[inline]
    pub(super) fn is_large(&self, length: usize) -> bool {
        length >= self.plain_from
    }
}
