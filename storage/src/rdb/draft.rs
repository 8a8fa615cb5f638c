//! What is to be written, as far as that is done under a lock.
//!
//! A draft is the bytes themselves, but for strings that are worth compressing: these stand in it as they are, and
//! the longest of them are lent by their entry. What takes long, compressing and copying them, is left to
//! whoever writes the draft out.

use std::io::{self, Write};

use protocol::number::{parse_i64, with_digits};

use super::format::{length, opcode, special};
use crate::compress::Packed;
use crate::value::{Item, Lent, Str, lzf};

/// Up to here a string may be an integer (`rdbSaveRawString`, rdb.c).
const MOST_DIGITS: usize = 11;

/// Up to here a string cannot become shorter (the same).
const INCOMPRESSIBLE_BYTES: usize = 20;

/// What compressing must save (`rdbSaveLzfStringObject`).
const LEAST_SAVED_BYTES: usize = 4;

/// From here on a string is lent rather than copied.
const LENT_FROM_BYTES: usize = 16 * 1024;

/// Whether strings are compressed (`rdbcompression`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Those that become shorter.
    Lzf,
    /// None, but for what is held compressed.
    None,
}

/// What is to be written.
#[derive(Debug, Default)]
pub struct Draft {
    /// What is written as it stands, and strings that [`Draft::write_to`] compresses.
    pub bytes: Vec<u8>,
    texts: Vec<Text>,
}

/// A string that stands in a draft without its length.
#[derive(Debug)]
struct Text {
    at: usize,
    found: Found,
}

/// Where the bytes of a string are.
#[derive(Debug)]
enum Found {
    /// In the draft: so many.
    Here(usize),
    /// In the draft, packed as in the keyspace: so many.
    Packed(usize),
    /// Lent by their entry.
    Lent(Lent),
}

impl Draft {
    /// Bytes of memory it holds itself, and may go on to hold.
    pub fn capacity_bytes(&self) -> usize {
        self.bytes.capacity() + self.texts.capacity() * size_of::<Text>()
    }

    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.texts.is_empty()
    }

    /// Begins anew, and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.texts.clear();
    }

    /// Adds what another holds behind what this one does.
    pub fn append(&mut self, other: &mut Draft) {
        let behind = self.bytes.len();
        self.bytes.append(&mut other.bytes);
        let texts = other.texts.drain(..).map(|text| Text {
            at: behind + text.at,
            ..text
        });
        self.texts.extend(texts);
    }

    /// Writes everything out, strings compressed.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, compression: Compression, out: &mut impl Write) -> io::Result<()> {
        let mut written = 0;
        for text in &self.texts {
            out.write_all(&self.bytes[written..text.at])?;
            written = text.at
                + match &text.found {
                    Found::Lent(_) => 0,
                    Found::Here(length) | Found::Packed(length) => *length,
                };
            let here = &self.bytes[text.at..written];
            match &text.found {
                Found::Here(_) => write_text(here, compression, out)?,
                Found::Packed(_) => {
                    let mut plain = Vec::new();
                    Packed::new(here).unpack_into(&mut plain);
                    write_text(&plain, compression, out)?;
                }
                Found::Lent(lent) => write_text(lent.as_ref(), compression, out)?,
            }
        }
        out.write_all(&self.bytes[written..])
    }

    /// Adds bytes as they are.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds one byte.
    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Adds a length, or a count.
    #[inline]
    pub(super) fn count(&mut self, count: usize) {
        self.length(count as u64);
    }

    /// Adds a number as lengths are written.
    #[inline]
    pub(super) fn length(&mut self, length: u64) {
        let (bytes, count) = length_bytes(length);
        self.raw(&bytes[..count]);
    }

    /// Adds a string in the shortest form there is.
    #[inline]
    pub(super) fn text(&mut self, bytes: &[u8]) {
        if bytes.len() > INCOMPRESSIBLE_BYTES {
            return self.mark_behind(Found::Here(bytes.len()), bytes);
        }
        if bytes.len() <= MOST_DIGITS
            && let Some(number) = parse_i64(bytes)
            && self.small_integer(number)
        {
            return;
        }
        self.plain(bytes);
    }

    /// Adds the text of a library.
    pub(super) fn library(&mut self, text: &[u8]) {
        self.byte(opcode::FUNCTION2);
        self.text(text);
    }

    /// Adds a string of so many bytes, never compressed.
    #[inline]
    pub(super) fn plain(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// Adds the string that an integer is printed as.
    #[inline]
    pub(super) fn integer(&mut self, number: i64) {
        if !self.small_integer(number) {
            with_digits(number, |digits| self.plain(digits));
        }
    }

    /// Adds an integer in binary, if it has at most 32 bits.
    fn small_integer(&mut self, number: i64) -> bool {
        if let Ok(byte) = i8::try_from(number) {
            self.raw(&[length::SPECIAL | special::INT_8, byte as u8]);
        } else if let Ok(short) = i16::try_from(number) {
            let [low, high] = short.to_le_bytes();
            self.raw(&[length::SPECIAL | special::INT_16, low, high]);
        } else if let Ok(word) = i32::try_from(number) {
            self.byte(length::SPECIAL | special::INT_32);
            self.raw(&word.to_le_bytes());
        } else {
            return false;
        }
        true
    }

    /// Adds an element of a packed collection as a string.
    #[inline]
    pub(super) fn item(&mut self, item: Item<'_>) {
        match item {
            Item::Bytes(bytes) => self.text(bytes),
            Item::Int(number) => self.integer(number),
        }
    }

    /// Adds a string of the keyspace.
    #[inline]
    pub(super) fn string(&mut self, value: Str<'_>) {
        match value {
            Str::Int(number) => self.integer(number),
            Str::Bytes(bytes) => self.text(bytes),
            Str::Shared(long) if long.len() >= LENT_FROM_BYTES => {
                self.mark_behind(Found::Lent(long.lend()), &[]);
            }
            Str::Shared(long) => self.text(long),
            Str::Packed(packed) => {
                let bytes = packed.as_bytes();
                self.mark_behind(Found::Packed(bytes.len()), bytes);
            }
        }
    }

    fn mark_behind(&mut self, found: Found, bytes: &[u8]) {
        let at = self.bytes.len();
        self.texts.push(Text { at, found });
        self.raw(bytes);
    }

    /// Adds a string that is compressed already, with the length it had.
    pub(super) fn compressed(&mut self, packed: &[u8], plain_bytes: usize) {
        self.byte(length::SPECIAL | special::LZF);
        self.count(packed.len());
        self.count(plain_bytes);
        self.raw(packed);
    }
}

/// Writes a string with its length, compressed if that makes it shorter.
fn write_text(text: &[u8], compression: Compression, out: &mut impl Write) -> io::Result<()> {
    let write_length = |number: usize, out: &mut dyn Write| {
        let (bytes, count) = length_bytes(number as u64);
        out.write_all(&bytes[..count])
    };
    let packed = match compression {
        Compression::Lzf if text.len() > INCOMPRESSIBLE_BYTES => {
            lzf::compress(text, text.len() - LEAST_SAVED_BYTES)
        }
        _ => None,
    };
    let Some(packed) = packed else {
        write_length(text.len(), out)?;
        return out.write_all(text);
    };
    out.write_all(&[length::SPECIAL | special::LZF])?;
    write_length(packed.len(), out)?;
    write_length(text.len(), out)?;
    out.write_all(&packed)
}

/// A length as it is written, and how many of the bytes that takes.
#[inline]
fn length_bytes(number: u64) -> ([u8; 9], usize) {
    let mut bytes = [0; 9];
    let count = match number {
        0..0x40 => {
            bytes[0] = length::BITS_6 | number as u8;
            1
        }
        0x40..0x4000 => {
            bytes[0] = length::BITS_14 | (number >> 8) as u8;
            bytes[1] = number as u8;
            2
        }
        0x4000..=0xffff_ffff => {
            bytes[0] = length::BITS_32;
            bytes[1..5].copy_from_slice(&(number as u32).to_be_bytes());
            5
        }
        _ => {
            bytes[0] = length::BITS_64;
            bytes[1..].copy_from_slice(&number.to_be_bytes());
            9
        }
    };
    (bytes, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(draft: &Draft, compression: Compression) -> Vec<u8> {
        let mut out = Vec::new();
        draft.write_to(compression, &mut out).expect("a vector");
        out
    }

    fn text(bytes: &[u8]) -> Vec<u8> {
        let mut draft = Draft::default();
        draft.text(bytes);
        written(&draft, Compression::Lzf)
    }

    #[test]
    fn lengths_take_what_they_need() {
        let of = |number| {
            let (bytes, count) = length_bytes(number);
            bytes[..count].to_vec()
        };
        assert_eq!(of(63), [63]);
        assert_eq!(of(64), [0x40, 64]);
        assert_eq!(of(16_383), [0x7f, 0xff]);
        assert_eq!(of(16_384), [0x80, 0, 0, 0x40, 0]);
        assert_eq!(of(0xffff_ffff), [0x80, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(of(1 << 32), [0x81, 0, 0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn integers_are_written_in_binary_if_they_are_canonical_and_small() {
        assert_eq!(text(b"12"), [0xc0, 12]);
        assert_eq!(text(b"-129"), [0xc1, 0x7f, 0xff]);
        assert_eq!(text(b"2147483647"), [0xc2, 0xff, 0xff, 0xff, 0x7f]);
        assert_eq!(text(b"-2147483648"), [0xc2, 0, 0, 0, 0x80]);
        assert_eq!(text(b"2147483648"), b"\x0a2147483648");
        assert_eq!(text(b"012"), b"\x03012");
        assert_eq!(text(b""), b"\0");
    }

    #[test]
    fn strings_are_compressed_where_that_saves_something() {
        assert_eq!(text(&[b'x'; 20]), [&[20][..], &[b'x'; 20]].concat());
        let even = text(&[b'x'; 100]);
        assert_eq!(even[0], 0xc3);
        assert!(even.len() < 20);
        let mixed: Vec<u8> = (0..100).collect();
        assert_eq!(text(&mixed), [&[0x40, 100][..], &mixed].concat());
        let mut draft = Draft::default();
        draft.text(&[b'x'; 100]);
        let plain = written(&draft, Compression::None);
        assert_eq!(plain, [&[0x40, 100][..], &[b'x'; 100]].concat());
    }

    #[test]
    fn drafts_that_are_joined_say_both() {
        let long = [b'y'; 50];
        let (mut first, mut second) = (Draft::default(), Draft::default());
        first.text(b"a");
        first.text(&long);
        second.text(&long);
        second.text(b"b");
        let both = [
            written(&first, Compression::Lzf),
            written(&second, Compression::Lzf),
        ];
        first.append(&mut second);
        assert!(second.is_empty());
        assert_eq!(written(&first, Compression::Lzf), both.concat());
    }
}
