//! Requests that own their words, and the writing of requests.

use super::{Args, Span, inline};
use crate::number;

/// A request that owns its words: one allocation for the bytes, one for where the words are.
///
/// For what outlives a read buffer: queued transactions, blocked clients, the replay of a log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Request {
    bytes: Box<[u8]>,
    spans: Box<[Span]>,
}

impl Request {
    /// A request of these words, in as much memory as they take.
    pub fn of_words<T: AsRef<[u8]>>(words: &[T]) -> Request {
        let size = words.iter().map(|word| word.as_ref().len()).sum();
        let mut bytes = Vec::with_capacity(size);
        let mut spans = Vec::with_capacity(words.len());
        for word in words {
            let start = bytes.len();
            bytes.extend_from_slice(word.as_ref());
            let end = bytes.len();
            spans.push(Span { start, end });
        }
        Request {
            bytes: bytes.into(),
            spans: spans.into(),
        }
    }

    /// The words.
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }

    /// Appends the request as RESP: an array of bulk strings.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_request(self.args().iter(), out);
    }

    /// The memory behind this request, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.blocks().into_iter().sum()
    }

    /// The sizes of the allocations behind this request, in bytes.
    pub fn blocks(&self) -> [usize; 2] {
        [self.bytes.len(), size_of_val(&*self.spans)]
    }
}

/// A request that is put together word by word, in memory that is used again.
#[derive(Debug, Default)]
pub struct RequestBuffer {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl RequestBuffer {
    /// Bytes, and words, for which memory is kept.
    const KEPT: usize = 16 * 1024;

    /// Begins another request.
    pub fn clear(&mut self) {
        if self.bytes.capacity() > Self::KEPT || self.spans.capacity() > Self::KEPT {
            *self = RequestBuffer::default();
        }
        self.bytes.clear();
        self.spans.clear();
    }

    /// Adds a word.
    #[inline]
    pub fn push(&mut self, word: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(word);
        let end = self.bytes.len();
        self.spans.push(Span { start, end });
    }

    /// The words.
    #[inline]
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Request {
    fn from_iter<I: IntoIterator<Item = T>>(words: I) -> Self {
        let mut bytes = Vec::new();
        let mut spans = Vec::new();
        for word in words {
            let start = bytes.len();
            bytes.extend_from_slice(word.as_ref());
            spans.push(Span {
                start,
                end: bytes.len(),
            });
        }
        Self {
            bytes: bytes.into(),
            spans: spans.into(),
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.args().fmt(f)
    }
}

/// Appends words as a RESP request: `*count`, then `$length` and the bytes of each.
pub fn encode_request<'a>(words: impl ExactSizeIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    begin_request(words.len(), out);
    words.for_each(|word| encode_word(word, out));
}

/// Begins a request of `count` words, which must follow.
pub fn begin_request(count: usize, out: &mut Vec<u8>) {
    number::write_header(b'*', count, out);
}

/// Appends the next word of a request.
pub fn encode_word(word: &[u8], out: &mut Vec<u8>) {
    out.reserve(word.len() + number::HEADER_MAX_BYTES + 2);
    number::write_header(b'$', word.len(), out);
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Splits a line into words as inline requests and the configuration file do.
///
/// Words are separated by white space. In double quotes `\n \r \t \b \a` and `\xHH` stand for
/// the bytes they name, and a backslash before any other byte for that byte; in single quotes
/// only `\'` is special. As in Redis a NUL ends the line.
///
/// `None` if a quote is not closed, or if a closing quote is not followed by white space or the
/// end. *Source:* `sdssplitargs` of Redis, by its observed behaviour.
pub fn split_line(line: &[u8]) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut spans = Vec::new();
    inline::split(line, &mut bytes, &mut spans)?;
    Some(Request {
        bytes: bytes.into(),
        spans: spans.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_words_apart() {
        let request: Request = ["SET", "", "value"].into_iter().collect();
        let words: Vec<_> = request.args().iter().collect();
        assert_eq!(words, [&b"SET"[..], b"", b"value"]);
        assert_eq!(request.args().size_bytes(), 8);
    }

    #[test]
    fn encode_writes_an_array_of_bulk_strings() {
        let request: Request = ["GET", ""].into_iter().collect();
        let mut out = Vec::new();
        request.encode(&mut out);
        assert_eq!(out, b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n");
    }

    #[test]
    fn from_gives_the_rest_and_nothing_past_the_end() {
        let request: Request = ["a", "b", "c"].into_iter().collect();
        let args = request.args();
        assert_eq!(args.from(1).to_request(), ["b", "c"].into_iter().collect());
        assert!(args.from(3).is_empty());
        assert!(args.from(4).is_empty());
        assert_eq!(args.get(3), None);
        assert_eq!(&args[2], b"c");
    }

    #[test]
    fn words_can_be_read_from_both_ends() {
        let request: Request = ["a", "b", "c"].into_iter().collect();
        let mut words = request.args().iter();
        assert_eq!(words.next_back(), Some(&b"c"[..]));
        assert_eq!(words.len(), 2);
        assert_eq!(words.next(), Some(&b"a"[..]));
    }

    #[test]
    fn debug_shows_escaped_words() {
        let request: Request = [&b"GET"[..], b"\xff"].into_iter().collect();
        assert_eq!(format!("{request:?}"), r#"["GET", "\\xff"]"#);
    }
}
