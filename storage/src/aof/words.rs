//! A list of byte strings in two allocations, to be filled again for each record.

use protocol::Request;

/// Words behind one another, and where each ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// What a list that is filled again keeps of its memory, in bytes.
const KEPT_BYTES: usize = 64 * 1024;

impl Words {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn first(&self) -> &[u8] {
        self.ends.first().map_or(&[], |&end| &self.bytes[..end])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ends.iter().enumerate().map(|(index, &end)| {
            let start = match index {
                0 => 0,
                _ => self.ends[index - 1],
            };
            &self.bytes[start..end]
        })
    }

    /// The bytes, for a word to be appended to; [`end_word`](Self::end_word) closes it.
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(super) fn end_word(&mut self) {
        self.ends.push(self.bytes.len());
    }

    pub(super) fn push(&mut self, word: &[u8]) {
        self.bytes.extend_from_slice(word);
        self.end_word();
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.ends.shrink_to(KEPT_BYTES / size_of::<usize>());
    }

    pub(super) fn to_request(&self) -> Request {
        self.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_apart_and_empty_ones_too() {
        let mut words = Words::default();
        assert_eq!(words.first(), b"");
        for word in [&b"SET"[..], b"", b"v"] {
            words.push(word);
        }
        assert_eq!(words.first(), b"SET");
        assert_eq!(words.iter().collect::<Vec<_>>(), [&b"SET"[..], b"", b"v"]);
    }

    #[test]
    fn clearing_gives_big_memory_back() {
        let mut words = Words::default();
        words.push(&vec![b'x'; 1 << 20]);
        words.clear();
        assert!(words.is_empty());
        assert!(words.bytes_mut().capacity() <= KEPT_BYTES);
    }
}
