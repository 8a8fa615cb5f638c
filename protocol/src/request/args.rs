//! The words of one request, as slices of the buffer they arrived in.

use std::fmt;
use std::ops::Index;
use std::slice;

/// Where one word lies in the buffer of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    /// The bytes of this span; empty if it lies outside of `buf`.
    fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start..self.end).unwrap_or_default()
    }
}

/// The words of one request: slices of a buffer, the command's name first.
///
/// A pair of references, so it is passed by value. It lives as long as the buffer it was parsed
/// from; [`to_request`](Self::to_request) makes an owned copy.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    buf: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    pub(crate) fn new(buf: &'a [u8], spans: &'a [Span]) -> Self {
        Self { buf, spans }
    }

    /// The number of words, the command's name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no word at all.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The word at `index`, the command's name being 0; `None` past the end.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| span.of(self.buf))
    }

    /// The words in order.
    #[inline]
    pub fn iter(&self) -> Words<'a> {
        Words {
            buf: self.buf,
            spans: self.spans.iter(),
        }
    }

    /// The words from `start` on; empty past the end.
    #[inline]
    pub fn from(&self, start: usize) -> Args<'a> {
        Args {
            buf: self.buf,
            spans: self.spans.get(start..).unwrap_or_default(),
        }
    }

    /// The first `count` words; all of them if there are fewer.
    #[inline]
    pub fn first(&self, count: usize) -> Args<'a> {
        Args {
            buf: self.buf,
            spans: self.spans.get(..count).unwrap_or(self.spans),
        }
    }

    /// An owned copy, for what outlives the read buffer (a queued transaction, a blocked client).
    pub fn to_request(&self) -> super::Request {
        self.iter().collect()
    }

    /// The sum of the lengths of all words, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.spans.iter().map(|span| span.end - span.start).sum()
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    /// The word at `index`. Prefer [`Args::get`], which borrows from the buffer itself.
    ///
    /// # Panics
    /// If there is no such word: only for an index that arity has already vouched for.
    fn index(&self, index: usize) -> &[u8] {
        self.spans[index].of(self.buf)
    }
}

impl<'a> IntoIterator for Args<'a> {
    type Item = &'a [u8];
    type IntoIter = Words<'a>;

    fn into_iter(self) -> Words<'a> {
        self.iter()
    }
}

/// Shows the words as escaped text, since most of them are printable.
impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.iter().map(|word| word.escape_ascii().to_string());
        f.debug_list().entries(words).finish()
    }
}

/// The words of [`Args`], in order.
#[derive(Clone)]
pub struct Words<'a> {
    buf: &'a [u8],
    spans: slice::Iter<'a, Span>,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.spans.next().map(|span| span.of(self.buf))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<&'a [u8]> {
        self.spans.nth(n).map(|span| span.of(self.buf))
    }
}

impl DoubleEndedIterator for Words<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.spans.next_back().map(|span| span.of(self.buf))
    }
}

impl ExactSizeIterator for Words<'_> {}
