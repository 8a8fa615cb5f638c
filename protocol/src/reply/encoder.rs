//! Writing of replies, value by value, in RESP2 or RESP3.

use bytes::Bytes;
use memchr::memchr2;

use super::{Mark, Output, SHARE_FROM_BYTES};
use crate::number::{self, LongDouble};

/// The version of the protocol a client has asked for with HELLO; RESP2 until it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Version {
    /// The protocol of Redis 2 to 5, still the default.
    #[default]
    Resp2,
    /// The protocol of Redis 6, with maps, sets, doubles, nulls and pushes of their own.
    Resp3,
}

/// Writes replies into an [`Output`].
///
/// Each method writes one value in the client's version, or the header of an aggregate whose
/// values follow. What RESP2 does not have is written as Redis writes it there.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Output,
    version: Version,
}

impl<'a> Encoder<'a> {
    /// Writes behind what `out` already holds.
    #[inline]
    pub fn new(out: &'a mut Output, version: Version) -> Self {
        Self { out, version }
    }

    /// The version values are written in.
    #[inline]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Writes what follows in another version (HELLO answers in the one it switches to).
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// What is written into.
    #[inline]
    pub fn output(&mut self) -> &mut Output {
        self.out
    }

    #[inline]
    fn is_resp3(&self) -> bool {
        self.version == Version::Resp3
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// A status: `+` and a text. Ends of lines in it become spaces, each byte one.
    #[inline(always)]
    pub fn simple(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        // Mostly a constant, which the compiler looks through.
        if text.len() <= 8 && !text.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            let out = self.out.flat(text.len() + 3);
            out.push(b'+');
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        } else {
            self.line(b'+', text);
        }
    }

    /// An error: `-` and a text, which begins with the code (`ERR …`).
    ///
    /// Ends of lines in front and behind are cut off; those within become spaces, each byte one.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        let mut text = text.as_ref();
        while let [b'\r' | b'\n', rest @ ..] | [rest @ .., b'\r' | b'\n'] = text {
            text = rest;
        }
        self.line(b'-', text);
    }

    /// A line that must have no other end than its own.
    fn line(&mut self, mark: u8, text: &[u8]) {
        let out = self.out.flat(text.len() + 3);
        let start = out.len() + 1;
        out.push(mark);
        out.extend_from_slice(text);
        if memchr2(b'\r', b'\n', text).is_some() {
            for byte in &mut out[start..] {
                if matches!(byte, b'\r' | b'\n') {
                    *byte = b' ';
                }
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// `:` and a number.
    #[inline]
    pub fn integer(&mut self, number: i64) {
        match usize::try_from(number) {
            Ok(count) if count < 100 => {
                let out = self.out.flat(number::HEADER_MAX_BYTES);
                number::write_header(b':', count, out);
            }
            _ => {
                let mut digits = itoa::Buffer::new();
                let out = self.out.flat(number::HEADER_MAX_BYTES);
                number::write_line(b':', digits.format(number).as_bytes(), out);
            }
        }
    }

    /// A string of any bytes: `$`, its length, the bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        let out = self.out.flat(bytes.len() + number::HEADER_MAX_BYTES + 2);
        number::write_header(b'$', bytes.len(), out);
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }

    /// A string of `length` bytes, which `write` appends.
    pub fn bulk_with(&mut self, length: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let out = self.out.flat(length + number::HEADER_MAX_BYTES + 2);
        number::write_header(b'$', length, out);
        let end = out.len() + length;
        write(out);
        debug_assert_eq!(out.len(), end, "the header has told the length");
        out.extend_from_slice(b"\r\n");
    }

    /// A string of any bytes, not copied from [`SHARE_FROM_BYTES`] on.
    pub fn bulk_shared(&mut self, bytes: Bytes) {
        if bytes.len() < SHARE_FROM_BYTES {
            return self.bulk(&bytes);
        }
        self.header(b'$', bytes.len());
        self.out.push_shared(bytes);
        self.out.push_raw(b"\r\n");
    }

    /// A number printed as a string.
    pub fn bulk_integer(&mut self, number: i64) {
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Nothing: `$-1`, or `_` in RESP3.
    #[inline]
    pub fn nil(&mut self) {
        self.raw(if self.is_resp3() {
            b"_\r\n"
        } else {
            b"$-1\r\n"
        });
    }

    /// No array: `*-1`, or `_` in RESP3.
    #[inline]
    pub fn nil_array(&mut self) {
        self.raw(if self.is_resp3() {
            b"_\r\n"
        } else {
            b"*-1\r\n"
        });
    }

    /// An array of `count` values, which must follow.
    #[inline]
    pub fn array(&mut self, count: usize) {
        self.header(b'*', count);
    }

    /// A map of `count` pairs, which must follow; in RESP2 an array of twice as many values.
    pub fn map(&mut self, count: usize) {
        let (mark, count) = self.map_header(count);
        self.header(mark, count);
    }

    /// A set of `count` values, which must follow; in RESP2 an array.
    pub fn set(&mut self, count: usize) {
        let mark = self.set_mark();
        self.header(mark, count);
    }

    /// A message of `count` values that answers no request; in RESP2 an array.
    pub fn push(&mut self, count: usize) {
        let mark = if self.is_resp3() { b'>' } else { b'*' };
        self.header(mark, count);
    }

    /// `count` pairs that say something about the value that follows them. RESP3 alone has these:
    /// in RESP2 nothing is written, and the pairs must not be either.
    pub fn attribute(&mut self, count: usize) {
        if self.is_resp3() {
            self.header(b'|', count);
        }
    }

    /// A mark and a number in a line of their own.
    #[inline]
    fn header(&mut self, mark: u8, count: usize) {
        number::write_header(mark, count, self.out.flat(number::HEADER_MAX_BYTES));
    }

    fn map_header(&self, count: usize) -> (u8, usize) {
        match self.version {
            Version::Resp3 => (b'%', count),
            Version::Resp2 => (b'*', count.saturating_mul(2)),
        }
    }

    fn set_mark(&self) -> u8 {
        match self.version {
            Version::Resp3 => b'~',
            Version::Resp2 => b'*',
        }
    }

    /// Where the next value begins: for the header of an aggregate whose length is not known yet,
    /// or to take back what was written since ([`Output::truncate_to`]).
    #[inline]
    pub fn mark(&self) -> Mark {
        self.out.mark()
    }

    /// Puts the header of an array in front of the `count` values written since `mark`.
    pub fn array_at(&mut self, mark: Mark, count: usize) {
        self.header_at(mark, b'*', count);
    }

    /// Puts the header of a map in front of the `count` pairs written since `mark`.
    pub fn map_at(&mut self, mark: Mark, count: usize) {
        let (kind, count) = self.map_header(count);
        self.header_at(mark, kind, count);
    }

    /// Puts the header of a set in front of the `count` values written since `mark`.
    pub fn set_at(&mut self, mark: Mark, count: usize) {
        let kind = self.set_mark();
        self.header_at(mark, kind, count);
    }

    /// Puts a string in front of the values written since `mark`.
    pub fn bulk_at(&mut self, mark: Mark, bytes: &[u8]) {
        let mut value = Vec::with_capacity(bytes.len() + number::HEADER_MAX_BYTES + 2);
        number::write_header(b'$', bytes.len(), &mut value);
        value.extend_from_slice(bytes);
        value.extend_from_slice(b"\r\n");
        self.out.insert(mark, &value);
    }

    fn header_at(&mut self, mark: Mark, kind: u8, count: usize) {
        let mut header = Vec::with_capacity(number::HEADER_MAX_BYTES);
        number::write_header(kind, count, &mut header);
        self.out.insert(mark, &header);
    }

    /// A floating-point number, as [`number::format_f64`] prints it; in RESP2 as a string.
    pub fn double(&mut self, number: f64) {
        let text = number::format_f64(number);
        self.floating(text.as_bytes());
    }

    /// A floating-point number as INCRBYFLOAT prints it, without an exponent; in RESP2 as a
    /// string.
    pub fn long_double(&mut self, number: LongDouble) {
        self.floating(number.to_string().as_bytes());
    }

    fn floating(&mut self, text: &[u8]) {
        match self.version {
            Version::Resp3 => number::write_line(b',', text, self.out.flat(text.len() + 3)),
            Version::Resp2 => self.bulk(text),
        }
    }

    /// `#t` or `#f`; in RESP2 1 or 0.
    pub fn boolean(&mut self, is_true: bool) {
        match (self.version, is_true) {
            (Version::Resp3, true) => self.raw(b"#t\r\n"),
            (Version::Resp3, false) => self.raw(b"#f\r\n"),
            (Version::Resp2, _) => self.integer(i64::from(is_true)),
        }
    }

    /// Decimal digits of any number; in RESP2 a string. Ends of lines become spaces in RESP3.
    pub fn big_number(&mut self, digits: &str) {
        match self.version {
            Version::Resp3 => self.line(b'(', digits.as_bytes()),
            Version::Resp2 => self.bulk(digits.as_bytes()),
        }
    }

    /// A text for a human; in RESP2 a string. `format` is three letters (`txt`, `mkd`): shorter
    /// ones are filled with spaces, longer ones cut.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        if !self.is_resp3() {
            return self.bulk(text);
        }
        let mut prefix = *b"   :";
        for (place, letter) in prefix.iter_mut().take(3).zip(format.bytes()) {
            *place = letter;
        }
        let length = text.len() + prefix.len();
        let out = self.out.flat(length + number::HEADER_MAX_BYTES + 2);
        number::write_header(b'=', length, out);
        out.extend_from_slice(&prefix);
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    /// Bytes that are encoded already.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.push_raw(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Version::{Resp2, Resp3};

    fn written(version: Version, write: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
        let mut output = Output::new();
        write(&mut Encoder::new(&mut output, version));
        output
            .chunks()
            .flat_map(|chunk| chunk.as_slice().to_vec())
            .collect()
    }

    /// What both versions write: RESP2 first.
    #[track_caller]
    fn assert_written(resp2: &str, resp3: &str, write: impl Fn(&mut Encoder<'_>)) {
        let text = |version| String::from_utf8(written(version, &write)).expect("text");
        assert_eq!(text(Resp2), resp2);
        assert_eq!(text(Resp3), resp3);
    }

    #[test]
    fn lines_are_the_same_in_both_versions() {
        assert_written("+OK\r\n", "+OK\r\n", |reply| reply.ok());
        assert_written("+PONG\r\n", "+PONG\r\n", |reply| reply.simple("PONG"));
        assert_written("-ERR no\r\n", "-ERR no\r\n", |reply| reply.error("ERR no"));
    }

    /// Asked of Redis 7.4.1 through EVAL and an unknown command with such a name.
    #[test]
    fn a_line_cannot_be_ended_from_within() {
        assert_written("+a  b  \r\n", "+a  b  \r\n", |reply| {
            reply.simple("a\r\nb\r\n")
        });
        assert_written("-x y\r\n", "-x y\r\n", |reply| reply.error("x\ny\n"));
        assert_written("-E    x\r\n", "-E    x\r\n", |reply| {
            reply.error("\r\nE\r\n\r\nx\r\n")
        });
        assert_written("-\r\n", "-\r\n", |reply| reply.error("\r\n"));
        let bytes = written(Resp2, |reply| reply.error(b"ERR \xff"));
        assert_eq!(bytes, b"-ERR \xff\r\n");
    }

    #[test]
    fn what_is_known_last_may_stand_first() {
        assert_written(
            "*2\r\n$1\r\n7\r\n*1\r\n+OK\r\n",
            "*2\r\n$1\r\n7\r\n*1\r\n+OK\r\n",
            |reply| {
                reply.array(2);
                let mark = reply.mark();
                reply.ok();
                reply.array_at(mark, 1);
                reply.bulk_at(mark, b"7");
            },
        );
    }

    #[test]
    fn integers_of_every_size_are_written() {
        for number in [
            0,
            1,
            9,
            10,
            99,
            100,
            12_345,
            i64::MAX,
            -1,
            -10,
            -100,
            i64::MIN,
        ] {
            let expected = format!(":{number}\r\n");
            assert_written(&expected, &expected, |reply| reply.integer(number));
            let digits = number.to_string();
            let expected = format!("${}\r\n{digits}\r\n", digits.len());
            assert_written(&expected, &expected, |reply| reply.bulk_integer(number));
        }
    }

    #[test]
    fn a_bulk_string_holds_any_bytes() {
        assert_written("$0\r\n\r\n", "$0\r\n\r\n", |reply| reply.bulk(b""));
        assert_written("$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n", |reply| {
            reply.bulk(b"a\r\nb")
        });
        for length in [SHARE_FROM_BYTES - 1, SHARE_FROM_BYTES] {
            let value = vec![b'x'; length];
            let copied = written(Resp2, |reply| reply.bulk(&value));
            let shared = written(Resp2, |reply| reply.bulk_shared(value.clone().into()));
            assert_eq!(copied, shared);
        }
    }

    #[test]
    fn what_resp2_lacks_is_written_as_redis_does_there() {
        assert_written("$-1\r\n", "_\r\n", |reply| reply.nil());
        assert_written("*-1\r\n", "_\r\n", |reply| reply.nil_array());
        assert_written("*3\r\n", "*3\r\n", |reply| reply.array(3));
        assert_written("*6\r\n", "%3\r\n", |reply| reply.map(3));
        assert_written("*3\r\n", "~3\r\n", |reply| reply.set(3));
        assert_written("*2\r\n", ">2\r\n", |reply| reply.push(2));
        assert_written("", "|1\r\n", |reply| reply.attribute(1));
        assert_written(":1\r\n", "#t\r\n", |reply| reply.boolean(true));
        assert_written(":0\r\n", "#f\r\n", |reply| reply.boolean(false));
        assert_written("$3\r\n2.5\r\n", ",2.5\r\n", |reply| reply.double(2.5));
        assert_written("$4\r\n-inf\r\n", ",-inf\r\n", |reply| {
            reply.double(f64::NEG_INFINITY)
        });
        assert_written("$3\r\nnan\r\n", ",nan\r\n", |reply| reply.double(f64::NAN));
        assert_written("$3\r\n123\r\n", "(123\r\n", |reply| reply.big_number("123"));
        assert_written("$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n", |reply| {
            reply.verbatim("txt", b"hi")
        });
        assert_written("$0\r\n\r\n", "=4\r\nt  :\r\n", |reply| {
            reply.verbatim("t", b"")
        });
        let third = LongDouble::from(0.1);
        assert_written(
            "$19\r\n0.10000000000000001\r\n",
            ",0.10000000000000001\r\n",
            |reply| reply.long_double(third),
        );
    }

    #[test]
    fn the_header_of_an_aggregate_can_come_last() {
        assert_written("*2\r\n:1\r\n:2\r\n", "~2\r\n:1\r\n:2\r\n", |reply| {
            let mark = reply.mark();
            reply.integer(1);
            reply.integer(2);
            reply.set_at(mark, 2);
        });
        assert_written(
            "*1\r\n*2\r\n:1\r\n:2\r\n",
            "*1\r\n%1\r\n:1\r\n:2\r\n",
            |reply| {
                let outer = reply.mark();
                let inner = reply.mark();
                reply.integer(1);
                reply.integer(2);
                reply.map_at(inner, 1);
                reply.array_at(outer, 1);
            },
        );
    }

    #[test]
    fn the_version_can_change_between_values() {
        let bytes = written(Resp2, |reply| {
            reply.nil();
            reply.set_version(Resp3);
            reply.nil();
            assert_eq!(reply.version(), Resp3);
        });
        assert_eq!(bytes, b"$-1\r\n_\r\n");
    }
}
