//! A message in the words of the wire.

use bytes::Bytes;
use protocol::{Version, encode_request};

/// A message to many, encoded once for each protocol that one of them speaks.
pub struct Message<'a> {
    words: &'a [&'a [u8]],
    encoded: [Option<Bytes>; 2],
}

impl<'a> Message<'a> {
    /// A message of these strings.
    pub fn new(words: &'a [&'a [u8]]) -> Message<'a> {
        Message {
            words,
            encoded: [None, None],
        }
    }

    /// The message in that protocol: an array in RESP2, a push in RESP3.
    pub fn encoded(&mut self, version: Version) -> &Bytes {
        let (index, mark) = match version {
            Version::Resp2 => (0, b'*'),
            Version::Resp3 => (1, b'>'),
        };
        self.encoded[index].get_or_insert_with(|| {
            let mut bytes = Vec::new();
            encode_request(self.words.iter().copied(), &mut bytes);
            bytes[0] = mark;
            bytes.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_encoded_once_for_each_protocol() {
        let mut message = Message::new(&[b"message", b"c", b"\r\n"]);
        let text = "3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n";
        assert_eq!(message.encoded(Version::Resp2), &format!("*{text}"));
        assert_eq!(message.encoded(Version::Resp3), &format!(">{text}"));
        let first = message.encoded(Version::Resp3).clone();
        assert_eq!(message.encoded(Version::Resp3).as_ptr(), first.as_ptr());
    }
}
