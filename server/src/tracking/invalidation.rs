//! The message that keys are no longer what they were.

use bytes::Bytes;
use protocol::{Encoder, Output, Version, encode_request};

/// A message about keys, encoded once for each form it is sent in.
pub struct Invalidation {
    keys: Keys,
    encoded: [Option<Bytes>; 2],
}

enum Keys {
    /// These, as an array on the wire; how many.
    Some(usize, Vec<u8>),
    /// Each and every one.
    All,
}

impl Invalidation {
    /// About one key.
    pub fn of_key(key: &[u8]) -> Invalidation {
        Invalidation::of_keys(std::iter::once(key))
    }

    /// About these keys.
    pub fn of_keys<'k>(keys: impl Iterator<Item = &'k [u8]>) -> Invalidation {
        let keys: Vec<&[u8]> = keys.collect();
        let mut array = Vec::new();
        encode_request(keys.iter().copied(), &mut array);
        Invalidation {
            keys: Keys::Some(keys.len(), array),
            encoded: [None, None],
        }
    }

    /// About all keys.
    pub fn of_all() -> Invalidation {
        Invalidation {
            keys: Keys::All,
            encoded: [None, None],
        }
    }

    /// Whether it is about no key.
    pub fn is_empty(&self) -> bool {
        matches!(self.keys, Keys::Some(0, _))
    }

    /// The message: a push in RESP3, in RESP2 one of the channel `__redis__:invalidate` to who has subscribed.
    pub fn encoded(&mut self, version: Version, is_subscriber: bool) -> Option<&Bytes> {
        let (index, words): (_, &[&[u8]]) = match version {
            Version::Resp3 => (1, &[b"invalidate"]),
            Version::Resp2 if is_subscriber => (0, &[b"message", b"__redis__:invalidate"]),
            Version::Resp2 => return None,
        };
        let keys = &self.keys;
        Some(self.encoded[index].get_or_insert_with(|| {
            write(version, words, |out| match keys {
                Keys::Some(_, array) => out.raw(array),
                Keys::All => out.nil(),
            })
        }))
    }
}

/// What a client is told whose messages go to one that is no longer there; in RESP2 nothing.
pub fn broken_redirection(version: Version, id: u64) -> Option<Bytes> {
    (version == Version::Resp3).then(|| {
        write(version, &[b"tracking-redir-broken"], |out| {
            out.integer(id.cast_signed());
        })
    })
}

fn write(version: Version, words: &[&[u8]], rest: impl FnOnce(&mut Encoder<'_>)) -> Bytes {
    let mut output = Output::new();
    let mut out = Encoder::new(&mut output, version);
    out.push(words.len() + 1);
    words.iter().for_each(|word| out.bulk(word));
    rest(&mut out);
    let chunks: Vec<&[u8]> = output.chunks().map(|chunk| chunk.as_slice()).collect();
    chunks.concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_in_each_protocol() {
        let mut keys = Invalidation::of_keys([&b"a"[..], b"b"].into_iter());
        assert_eq!(
            keys.encoded(Version::Resp3, false).expect("a push"),
            ">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"
        );
        assert_eq!(
            keys.encoded(Version::Resp2, true).expect("a message"),
            "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"
        );
        assert!(keys.encoded(Version::Resp2, false).is_none());
        assert!(Invalidation::of_keys(std::iter::empty()).is_empty());
    }

    #[test]
    fn all_keys_are_nothing() {
        let mut all = Invalidation::of_all();
        assert!(!all.is_empty());
        let push = ">2\r\n$10\r\ninvalidate\r\n_\r\n";
        assert_eq!(all.encoded(Version::Resp3, true).expect("a push"), push);
        let message = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n";
        assert_eq!(all.encoded(Version::Resp2, true).expect("one"), message);
    }
}
