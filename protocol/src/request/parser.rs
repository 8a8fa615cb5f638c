//! Finding the words of a request in a read buffer that may end anywhere.

use super::{Args, ProtocolError, Span, inline};
use crate::number;

/// What a client may send. The values are options of the server, or depend on the client.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest word, in bytes (`proto-max-bulk-len`).
    pub max_bulk_bytes: usize,
    /// The longest inline request, and the longest line with a count or length, in bytes.
    pub max_inline_bytes: usize,
    /// Whether the client has authenticated, or need not. One that has not may send at most
    /// 10 words of at most 16,384 bytes.
    pub is_authenticated: bool,
}

/// The limits of a Redis 7.4 with default options, for an authenticated client.
impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bulk_bytes: 512 * 1024 * 1024,
            max_inline_bytes: 64 * 1024,
            is_authenticated: true,
        }
    }
}

/// The most words a client may send before it has authenticated.
const UNAUTHENTICATED_MAX_WORDS: i64 = 10;
/// The longest word a client may send before it has authenticated, in bytes.
const UNAUTHENTICATED_MAX_BULK_BYTES: i64 = 16_384;
/// The most words of a request.
const MAX_WORDS: i64 = i32::MAX as i64;
/// The most words of a request that is looked for as a whole: what is longer may arrive in parts, and is not looked
/// through twice.
const MAX_PLAIN_WORDS: u32 = 64;
/// Requests with more words than this give their memory back before the next request.
const KEPT_WORDS: usize = 256;
/// Inline requests longer than this give their memory back before the next request.
const KEPT_SCRATCH_BYTES: usize = 1024;

/// What the bytes handed to [`Parser::parse`] hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A part of a request: come back with the same bytes and more.
    Incomplete,
    /// A request that asks nothing (a blank line, `*0`, `*-1`) in the first `consumed` bytes.
    Empty {
        /// How many bytes of the buffer it took.
        consumed: usize,
    },
    /// A request in the first `consumed` bytes; [`Parser::args`] gives its words.
    Request {
        /// How many bytes of the buffer it took.
        consumed: usize,
    },
}

/// Where in a request that has not arrived whole the parser stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing of the request was seen.
    Start,
    /// In a line of words.
    Inline,
    /// In the line with the number of words.
    Count,
    /// In the line with the length of a word.
    Length,
    /// In a word of this many bytes.
    Word(usize),
}

/// Finds requests in the bytes of one connection, without copying or allocating.
///
/// It remembers how far it came in a request that has not arrived whole, so that a request in
/// pieces of one byte costs no more than the sum of its bytes. The same bytes give the same
/// requests and the same error however they are split.
#[derive(Debug)]
pub struct Parser {
    stage: Stage,
    /// The first byte of the buffer that no finished line or word covers.
    position: usize,
    /// How many bytes from `position` on are known to hold no end of line.
    scanned: usize,
    words_left: usize,
    missing_bytes: usize,
    spans: Vec<Span>,
    /// The words of an inline request, unescaped.
    scratch: Vec<u8>,
    is_inline: bool,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    /// A parser at the beginning of a request. Allocates nothing until there is one.
    pub fn new() -> Self {
        Self {
            stage: Stage::Start,
            position: 0,
            scanned: 0,
            words_left: 0,
            missing_bytes: 0,
            spans: Vec::new(),
            scratch: Vec::new(),
            is_inline: false,
        }
    }

    /// Looks for one request at the beginning of `buf`.
    ///
    /// After [`Parsed::Incomplete`] the next call must be given the same bytes and more behind
    /// them; after anything else `buf` must begin right behind what was consumed. As in Redis the
    /// two bytes behind a word, and the one behind the `\r` of a line, may be any.
    ///
    /// # Errors
    /// A [`ProtocolError`] for bytes that are no request, or exceed `limits`. What follows cannot
    /// be understood any more: the connection must be closed.
    #[inline]
    pub fn parse(&mut self, buf: &[u8], limits: &Limits) -> Result<Parsed, ProtocolError> {
        if self.stage == Stage::Start {
            let Some(&first) = buf.first() else {
                return Ok(Parsed::Incomplete);
            };
            self.begin(first);
            if let Some(consumed) = self.whole(buf, limits) {
                self.stage = Stage::Start;
                return Ok(Parsed::Request { consumed });
            }
        }
        let parsed = match self.stage {
            Stage::Inline => self.inline(buf, limits),
            _ => self.multibulk(buf, limits),
        };
        if parsed != Ok(Parsed::Incomplete) {
            self.stage = Stage::Start;
        }
        parsed
    }

    /// The words of the request just found, in the same `buf` that [`parse`](Self::parse) was
    /// given. Of no meaning after anything but [`Parsed::Request`].
    #[inline]
    pub fn args<'a>(&'a self, buf: &'a [u8]) -> Args<'a> {
        let words = if self.is_inline { &self.scratch } else { buf };
        Args::new(words, &self.spans)
    }

    /// Whether it has found a part of a request, so that the next bytes must be its next ones.
    #[inline]
    pub fn is_within_request(&self) -> bool {
        self.stage != Stage::Start
    }

    /// How many bytes at least are needed before the word that is arriving is whole; 0 if that is
    /// not known.
    ///
    /// Never more than `max_bulk_bytes` and the two bytes behind a word: a hint for how much room
    /// a read buffer should have.
    pub fn missing_bytes(&self) -> usize {
        match self.stage {
            Stage::Word(_) => self.missing_bytes,
            _ => 0,
        }
    }

    /// The memory this parser holds, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>() + self.scratch.capacity()
    }

    /// Forgets the last request.
    #[inline]
    fn begin(&mut self, first: u8) {
        self.position = 0;
        self.scanned = 0;
        self.spans.clear();
        self.is_inline = first != b'*';
        self.stage = if self.is_inline {
            Stage::Inline
        } else {
            Stage::Count
        };
        if self.spans.capacity() > KEPT_WORDS || self.scratch.capacity() > KEPT_SCRATCH_BYTES {
            self.shrink();
        }
    }

    /// How long the request is that `buf` begins with, if it has arrived whole and is as plain as nearly all are:
    /// what it needs stays in registers. `None` says nothing: the long way decides.
    #[inline]
    fn whole(&mut self, buf: &[u8], limits: &Limits) -> Option<usize> {
        let words = self.whole_words(buf, limits);
        if words.is_none() {
            self.spans.clear();
        }
        words
    }

    #[inline]
    fn whole_words(&mut self, buf: &[u8], limits: &Limits) -> Option<usize> {
        let (most_words, most_bytes) = match limits.is_authenticated {
            true => (MAX_PLAIN_WORDS, limits.max_bulk_bytes),
            false => (
                UNAUTHENTICATED_MAX_WORDS as u32,
                limits
                    .max_bulk_bytes
                    .min(UNAUTHENTICATED_MAX_BULK_BYTES as usize),
            ),
        };
        let (words, mut position) = short_number(buf, b'*')?;
        if words == 0 || words > most_words {
            return None;
        }
        for _ in 0..words {
            let (length, behind) = short_number(buf.get(position..)?, b'$')?;
            let (start, length) = (position + behind, length as usize);
            let end = start + length;
            position = end + 2;
            if length > most_bytes || position > buf.len() {
                return None;
            }
            self.spans.push(Span { start, end });
        }
        Some(position)
    }

    #[cold]
    fn shrink(&mut self) {
        self.spans.shrink_to(KEPT_WORDS);
        self.scratch.clear();
        self.scratch.shrink_to(KEPT_SCRATCH_BYTES);
    }

    #[inline]
    fn multibulk(&mut self, buf: &[u8], limits: &Limits) -> Result<Parsed, ProtocolError> {
        if self.stage == Stage::Count {
            let Some(count) = self.count(buf, limits)? else {
                return Ok(Parsed::Incomplete);
            };
            if count == 0 {
                return Ok(Parsed::Empty {
                    consumed: self.position,
                });
            }
            self.words_left = count;
            self.stage = Stage::Length;
        }
        while self.words_left > 0 {
            let length = match self.stage {
                Stage::Word(length) => length,
                _ => match self.length(buf, limits)? {
                    Some(length) => length,
                    None => return Ok(Parsed::Incomplete),
                },
            };
            if !self.word(buf, length) {
                return Ok(Parsed::Incomplete);
            }
        }
        Ok(Parsed::Request {
            consumed: self.position,
        })
    }

    /// Takes a word of `length` bytes and the two bytes behind it, if they are there.
    #[inline]
    fn word(&mut self, buf: &[u8], length: usize) -> bool {
        // `position` lies in `buf`, and a length is below half of the address space.
        let available = buf.len().saturating_sub(self.position);
        let wanted = length + 2;
        if available < wanted {
            self.stage = Stage::Word(length);
            self.missing_bytes = wanted - available;
            return false;
        }
        let start = self.position;
        self.spans.push(Span {
            start,
            end: start + length,
        });
        self.position = start + wanted;
        self.words_left -= 1;
        self.stage = Stage::Length;
        true
    }

    /// The number of words; 0 also for a negative one.
    #[inline]
    fn count(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let number = match short_number(buf, b'*') {
            Some((number, behind)) => {
                self.advance_line(behind);
                Some(i64::from(number))
            }
            None => match self.line(buf, limits, ProtocolError::TooBigMultibulkCount)? {
                Some(line) => line.get(1..).and_then(number::parse_i64),
                None => return Ok(None),
            },
        };
        let count = number.filter(|&count| count <= MAX_WORDS);
        let count = count.ok_or(ProtocolError::InvalidMultibulkLength)?;
        if count > UNAUTHENTICATED_MAX_WORDS && !limits.is_authenticated {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        Ok(Some(usize::try_from(count).unwrap_or(0)))
    }

    /// The length of the next word.
    #[inline]
    fn length(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let rest = buf.get(self.position..).unwrap_or_default();
        let number = match short_number(rest, b'$') {
            Some((number, behind)) => {
                self.advance_line(behind);
                Some(i64::from(number))
            }
            None => match self.line(buf, limits, ProtocolError::TooBigBulkCount)? {
                Some(line) => bulk_number(line)?,
                None => return Ok(None),
            },
        };
        let length = number.filter(|&length| {
            usize::try_from(length).is_ok_and(|length| length <= limits.max_bulk_bytes)
        });
        let length = length.ok_or(ProtocolError::InvalidBulkLength)?;
        if length > UNAUTHENTICATED_MAX_BULK_BYTES && !limits.is_authenticated {
            return Err(ProtocolError::UnauthenticatedBulkLength);
        }
        Ok(usize::try_from(length).ok())
    }

    /// The line at `position` without its end, if its end and one byte more have arrived.
    ///
    /// Redis looks for the end with `strchr`, so a NUL hides it, and for the `\r` alone.
    fn line<'b>(
        &mut self,
        buf: &'b [u8],
        limits: &Limits,
        too_big: ProtocolError,
    ) -> Result<Option<&'b [u8]>, ProtocolError> {
        let rest = buf.get(self.position..).unwrap_or_default();
        let end = match self.scan(rest, b'\r') {
            Some(end) if end <= limits.max_inline_bytes => end,
            None if rest.len() <= limits.max_inline_bytes => return Ok(None),
            _ => return Err(too_big),
        };
        if end + 2 > rest.len() {
            return Ok(None);
        }
        self.advance_line(end + 2);
        Ok(rest.get(..end))
    }

    #[inline]
    fn advance_line(&mut self, bytes: usize) {
        self.position += bytes;
        self.scanned = 0;
    }

    fn inline(&mut self, buf: &[u8], limits: &Limits) -> Result<Parsed, ProtocolError> {
        let end = match self.scan(buf, b'\n') {
            Some(end) if end <= limits.max_inline_bytes => end,
            None if buf.len() <= limits.max_inline_bytes => return Ok(Parsed::Incomplete),
            _ => return Err(ProtocolError::TooBigInline),
        };
        self.scratch.clear();
        inline::split(&buf[..end], &mut self.scratch, &mut self.spans)
            .ok_or(ProtocolError::UnbalancedQuotes)?;
        let consumed = end + 1;
        Ok(match self.spans.is_empty() {
            true => Parsed::Empty { consumed },
            false => Parsed::Request { consumed },
        })
    }

    /// Where in `rest` the first `wanted` byte is, if no NUL is before it. Looks at each byte once.
    fn scan(&mut self, rest: &[u8], wanted: u8) -> Option<usize> {
        let unseen = rest.get(self.scanned..).unwrap_or_default();
        let found = memchr::memchr2(wanted, 0, unseen).map(|index| self.scanned + index);
        // A NUL stays unseen, so that it is found again and nothing behind it ever is.
        self.scanned = found.unwrap_or(rest.len());
        found.filter(|&index| rest[index] == wanted)
    }
}

/// A number of up to six digits behind `mark` with `\r` and one byte more behind it, and the
/// index behind that. `None` says nothing: the long way decides.
#[inline]
fn short_number(line: &[u8], mark: u8) -> Option<(u32, usize)> {
    match *line {
        [first, digit @ b'0'..=b'9', b'\r', _, ..] if first == mark => {
            Some((u32::from(digit - b'0'), 4))
        }
        [first, tens @ b'1'..=b'9', ones @ b'0'..=b'9', b'\r', _, ..] if first == mark => {
            let number = u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
            Some((number, 5))
        }
        _ => longer_number(line, mark),
    }
}

/// The same for numbers of any length up to six digits.
fn longer_number(line: &[u8], mark: u8) -> Option<(u32, usize)> {
    let (&first, digits) = line.split_first()?;
    let leading = digits.first()?.wrapping_sub(b'0');
    if first != mark || leading > 9 {
        return None;
    }
    let mut number = u32::from(leading);
    for (index, &byte) in digits.iter().enumerate().take(7).skip(1) {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            number = number * 10 + u32::from(digit);
        } else {
            // Redis takes no leading zeros, and waits for the byte behind `\r`.
            let is_plain = byte == b'\r' && (leading != 0 || index == 1);
            return (is_plain && digits.len() > index + 1).then_some((number, index + 3));
        }
    }
    None
}

/// The number in the line in front of a word, which must begin with `$`.
fn bulk_number(line: &[u8]) -> Result<Option<i64>, ProtocolError> {
    match line {
        [b'$', number @ ..] => Ok(number::parse_i64(number)),
        // An empty line: what Redis looks at is its end.
        [] => Err(ProtocolError::ExpectedBulk(b'\r')),
        [got, ..] => Err(ProtocolError::ExpectedBulk(*got)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProtocolError::*;

    const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";

    fn parse(bytes: &[u8]) -> Result<Parsed, ProtocolError> {
        Parser::new().parse(bytes, &Limits::default())
    }

    /// The words of the request that all of `bytes` are.
    fn words(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut parser = Parser::new();
        let parsed = parser.parse(bytes, &Limits::default());
        let consumed = bytes.len();
        assert_eq!(
            parsed,
            Ok(Parsed::Request { consumed }),
            "{}",
            bytes.escape_ascii()
        );
        parser.args(bytes).iter().map(<[u8]>::to_vec).collect()
    }

    /// A line of `mark`, digits and nothing else, of this many bytes.
    fn endless(prefix: &[u8], length: usize) -> Vec<u8> {
        let mut line = prefix.to_vec();
        line.resize(length, b'1');
        line
    }

    #[test]
    fn a_request_is_its_words() {
        assert_eq!(words(GET), [&b"GET"[..], b"k"]);
        assert_eq!(words(b"*1\r\n$0\r\n\r\n"), [b""]);
        assert_eq!(words(b"*1\r\n$4\r\na\r\nb\r\n"), [b"a\r\nb"]);
        assert_eq!(words(b"PING\r\n"), [b"PING"]);
        assert_eq!(words(b"PING\n"), [b"PING"]);
        assert_eq!(words(b"PING\r\r\n"), [b"PING"]);
        assert_eq!(words(b"SET k \"a b\"\r\n"), [&b"SET"[..], b"k", b"a b"]);
    }

    /// Asked of Redis 7.4.1: it skips these bytes without a look.
    #[test]
    fn the_end_of_a_word_and_the_second_byte_of_a_line_end_may_be_any() {
        assert_eq!(words(b"*1\rX$4\rYPINGzz"), [b"PING"]);
        assert_eq!(words(b"*1\r\n$4\r\nPINGxx"), [b"PING"]);
    }

    #[test]
    fn requests_follow_each_other_in_one_buffer() {
        let mut bytes = b"\r\nPING\r\n*0\r\n".to_vec();
        bytes.extend_from_slice(GET);
        bytes.extend_from_slice(b"*-5\r\n*1\r");
        let (mut parser, limits, mut rest) = (Parser::new(), Limits::default(), &bytes[..]);
        let mut found = Vec::new();
        loop {
            match parser.parse(rest, &limits).expect("no error") {
                Parsed::Incomplete => break,
                Parsed::Empty { consumed } => rest = &rest[consumed..],
                Parsed::Request { consumed } => {
                    found.push(parser.args(rest).len());
                    rest = &rest[consumed..];
                }
            }
        }
        assert_eq!((found, rest), (vec![1, 2], &b"*1\r"[..]));
    }

    #[test]
    fn what_asks_nothing_is_empty() {
        for bytes in [
            &b"\r\n"[..],
            b"\n",
            b"*0\r\n",
            b"*-1\r\n",
            b" \t\r\n",
            b"*-9223372036854775808\r\n",
        ] {
            let consumed = bytes.len();
            assert_eq!(
                parse(bytes),
                Ok(Parsed::Empty { consumed }),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    /// Each asked of Redis 7.4.1.
    #[test]
    fn what_is_no_request_is_refused_in_the_words_of_redis() {
        let cases: [(&[u8], ProtocolError); 23] = [
            (b"*a\r\n", InvalidMultibulkLength),
            (b"*\r\n", InvalidMultibulkLength),
            (b"*03\r\n", InvalidMultibulkLength),
            (b"*+3\r\n", InvalidMultibulkLength),
            (b"*-0\r\n", InvalidMultibulkLength),
            (b"* 3\r\n", InvalidMultibulkLength),
            (b"*2147483648\r\n", InvalidMultibulkLength),
            (b"*9223372036854775808\r\n", InvalidMultibulkLength),
            (b"*1\r\n$\r\n", InvalidBulkLength),
            (b"*1\r\n$-1\r\n", InvalidBulkLength),
            (b"*1\r\n$04\r\nPING\r\n", InvalidBulkLength),
            (b"*1\r\n$1x\r\n", InvalidBulkLength),
            (b"*1\r\n$536870913\r\n", InvalidBulkLength),
            (b"*1\r\n$9223372036854775807\r\n", InvalidBulkLength),
            (b"*3\r\nxyz\r\n", ExpectedBulk(b'x')),
            (b"*3\r\n\xff\r\n", ExpectedBulk(0xff)),
            (b"*3\r\n\r\n", ExpectedBulk(b'\r')),
            (b"*3\r\n\n\r\n", ExpectedBulk(b'\n')),
            (b"*2\r\n$1\r\na\r\n:1\r\n", ExpectedBulk(b':')),
            (b"ECHO \"a\n", UnbalancedQuotes),
            (b"ECHO 'a\n", UnbalancedQuotes),
            (b"ECHO \"a\"b\n", UnbalancedQuotes),
            (b"'\n", UnbalancedQuotes),
        ];
        for (bytes, error) in cases {
            assert_eq!(parse(bytes), Err(error), "{}", bytes.escape_ascii());
        }
    }

    /// Each asked of Redis 7.4.1, which answers nothing. A NUL ends what it searches for a line.
    #[test]
    fn what_may_still_become_a_request_is_waited_for() {
        let cases: [&[u8]; 14] = [
            b"",
            b"*",
            b"*1",
            b"*1\r",
            b"*3\r\nxyz",
            b"*3\r\nxyz\r",
            b"*1\n",
            b"*1\n$4\nPING\n",
            b"*1\x00\r\n$4\r\nPING\r\n",
            b"*3\r\n\x00\r\n",
            b"EC\x00HO a\n",
            b"*2147483647\r\n",
            b"*1\r\n$536870912\r\n",
            b"PING",
        ];
        for bytes in cases {
            assert_eq!(
                parse(bytes),
                Ok(Parsed::Incomplete),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn a_line_may_be_64_kib_long() {
        let cases: [(&[u8], &[u8], ProtocolError); 4] = [
            (b"", b"a", TooBigInline),
            (b"", b"*", TooBigMultibulkCount),
            (b"*1\r\n", b"$", TooBigBulkCount),
            (b"*1\r\n", b"x", TooBigBulkCount),
        ];
        for (before, mark, error) in cases {
            let fits = endless(mark, 65_536);
            assert_eq!(parse(&[before, &fits].concat()), Ok(Parsed::Incomplete));
            let exceeds = endless(mark, 65_537);
            assert_eq!(parse(&[before, &exceeds].concat()), Err(error));
            // Even if its end has arrived with it: the same however the bytes are split.
            assert_eq!(parse(&[before, &exceeds, b"\r\n"].concat()), Err(error));
        }
        let longest = [&endless(b"a", 65_535)[..], b"\r\n"].concat();
        assert_eq!(words(&longest)[0].len(), 65_535);
    }

    #[test]
    fn a_client_that_has_not_authenticated_may_send_little() {
        let limits = Limits {
            is_authenticated: false,
            ..Limits::default()
        };
        let parse = |bytes: &[u8]| Parser::new().parse(bytes, &limits);
        assert_eq!(parse(b"*10\r\n"), Ok(Parsed::Incomplete));
        assert_eq!(parse(b"*11\r\n"), Err(UnauthenticatedMultibulkLength));
        assert_eq!(parse(b"*1\r\n$16384\r\n"), Ok(Parsed::Incomplete));
        assert_eq!(parse(b"*1\r\n$16385\r\n"), Err(UnauthenticatedBulkLength));
        assert_eq!(parse(b"*1\r\n$536870913\r\n"), Err(InvalidBulkLength));
        let many_words = b"A B C D E F G H I J K L\n";
        assert_eq!(
            parse(many_words),
            Ok(Parsed::Request {
                consumed: many_words.len()
            })
        );
    }

    #[test]
    fn missing_bytes_says_what_the_arriving_word_lacks() {
        let (mut parser, limits) = (Parser::new(), Limits::default());
        assert_eq!(parser.missing_bytes(), 0);
        let bytes = b"*2\r\n$3\r\nSET\r\n$100000\r\nabc";
        assert_eq!(parser.parse(&bytes[..6], &limits), Ok(Parsed::Incomplete));
        assert_eq!(parser.missing_bytes(), 0);
        assert_eq!(parser.parse(bytes, &limits), Ok(Parsed::Incomplete));
        assert_eq!(parser.missing_bytes(), 100_000 - 3 + 2);
    }

    #[test]
    fn a_claimed_count_takes_no_memory_before_its_words_arrive() {
        let mut parser = Parser::new();
        let parsed = parser.parse(b"*2147483647\r\n$1\r\na\r\n", &Limits::default());
        assert_eq!(parsed, Ok(Parsed::Incomplete));
        assert!(parser.memory_bytes() < 1024, "{}", parser.memory_bytes());
    }

    #[test]
    fn memory_comes_back_after_a_huge_request() {
        let (mut parser, limits) = (Parser::new(), Limits::default());
        let array: super::super::Request = std::iter::repeat_n("x", 100_000).collect();
        let mut bytes = Vec::new();
        array.encode(&mut bytes);
        assert!(matches!(
            parser.parse(&bytes, &limits),
            Ok(Parsed::Request { .. })
        ));
        assert!(parser.memory_bytes() > 1_000_000);
        let line = [&endless(b"a", 60_000)[..], b"\n"].concat();
        assert!(matches!(
            parser.parse(&line, &limits),
            Ok(Parsed::Request { .. })
        ));
        assert!(matches!(
            parser.parse(GET, &limits),
            Ok(Parsed::Request { .. })
        ));
        assert!(parser.memory_bytes() < 10_000, "{}", parser.memory_bytes());
    }

    /// Each byte of a long line, or of a request in small pieces, is looked at once.
    #[test]
    fn a_request_in_pieces_of_one_byte_is_found_in_linear_time() {
        let array: super::super::Request = std::iter::repeat_n("x", 200_000).collect();
        let mut bytes = Vec::new();
        array.encode(&mut bytes);
        let (mut parser, limits) = (Parser::new(), Limits::default());
        for end in 0..bytes.len() {
            assert_eq!(parser.parse(&bytes[..end], &limits), Ok(Parsed::Incomplete));
        }
        let consumed = bytes.len();
        assert_eq!(
            parser.parse(&bytes, &limits),
            Ok(Parsed::Request { consumed })
        );
        assert_eq!(parser.args(&bytes).len(), 200_000);
    }

    #[test]
    fn a_new_request_is_found_after_an_error_in_the_last() {
        let (mut parser, limits) = (Parser::new(), Limits::default());
        assert!(parser.parse(b"*2\r\n$1\r\na\r\nx\r\n", &limits).is_err());
        let consumed = GET.len();
        assert_eq!(parser.parse(GET, &limits), Ok(Parsed::Request { consumed }));
        assert_eq!(parser.args(GET).get(1), Some(&b"k"[..]));
    }
}
