//! Ziplists, which Redis up to version 6 packed collections in, made listpacks of.
//!
//! Ten bytes of header (the size of all, where the last element begins, how many there are; little-endian),
//! the elements, and a byte 0xff. An element is the size of the one before, its encoding, and its content.
//! *Source:* `ziplist.c` of Redis 6.

use super::super::error::Error;
use crate::value::Listpack;

const HEADER_BYTES: usize = 10;
const END: u8 = 0xff;
/// Of an element before: its size follows in four bytes.
const LONG: u8 = 0xfe;
/// Stands for this number of elements and every larger one.
const MANY: u16 = u16::MAX;

const BAD: Error = Error::Malformed("Ziplist integrity check failed.");

/// The elements of a ziplist.
pub(super) fn read(bytes: &[u8]) -> Result<Listpack, Error> {
    convert(bytes).ok_or(BAD)
}

fn convert(bytes: &[u8]) -> Option<Listpack> {
    let (&header, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let [s0, s1, s2, s3, t0, t1, t2, t3, c0, c1] = header;
    let size = u32::from_le_bytes([s0, s1, s2, s3]) as usize;
    let tail = u32::from_le_bytes([t0, t1, t2, t3]) as usize;
    let told = u16::from_le_bytes([c0, c1]);
    let end = bytes.len().checked_sub(1)?;
    if size != bytes.len() || end < HEADER_BYTES || bytes[end] != END {
        return None;
    }
    let mut packed = Listpack::with_capacity(bytes.len());
    let (mut last, mut at, mut count) = (HEADER_BYTES, HEADER_BYTES, 0);
    let mut before = 0;
    while at < end {
        let rest = &bytes[at..end];
        let (told_before, head) = size_before(rest)?;
        if told_before != before {
            return None;
        }
        before = head + element(&rest[head..], &mut packed)?;
        last = at;
        at += before;
        count += 1;
    }
    let is_whole = tail == last && (told == MANY || usize::from(told) == count);
    packed.shrink_to_fit();
    is_whole.then_some(packed)
}

/// The size of the element before, and how many bytes tell it.
fn size_before(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.split_first()? {
        (&LONG, rest) => Some((u32::from_le_bytes(*rest.first_chunk()?) as usize, 5)),
        (&END, _) => None,
        (&size, _) => Some((size.into(), 1)),
    }
}

/// Adds an element to `packed`, and tells its size.
fn element(bytes: &[u8], packed: &mut Listpack) -> Option<usize> {
    let (&first, rest) = bytes.split_first()?;
    let low = usize::from(first & 0x3f);
    match first {
        0..0x40 => string(rest, 0, low, packed),
        0x40..0x80 => string(rest, 1, low << 8 | usize::from(*rest.first()?), packed),
        0x80 => string(
            rest,
            4,
            u32::from_be_bytes(*rest.first_chunk()?) as usize,
            packed,
        ),
        0xc0 => integer(i16::from_le_bytes(*rest.first_chunk()?).into(), 3, packed),
        0xd0 => integer(i32::from_le_bytes(*rest.first_chunk()?).into(), 5, packed),
        0xe0 => integer(i64::from_le_bytes(*rest.first_chunk()?), 9, packed),
        0xf0 => {
            let &[low, middle, high] = rest.first_chunk()?;
            let number = i32::from_le_bytes([0, low, middle, high]) >> 8;
            integer(number.into(), 4, packed)
        }
        0xfe => integer(i8::from_le_bytes(*rest.first_chunk()?).into(), 2, packed),
        0xf1..=0xfd => integer(i64::from(first & 0x0f) - 1, 1, packed),
        _ => None,
    }
}

fn string(rest: &[u8], skip: usize, length: usize, packed: &mut Listpack) -> Option<usize> {
    packed.push_back(rest.get(skip..)?.get(..length)?);
    Some(1 + skip + length)
}

fn integer(number: i64, size: usize, packed: &mut Listpack) -> Option<usize> {
    packed.push_back_integer(number);
    Some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ziplist of elements without the size of the one before.
    fn ziplist(elements: &[&[u8]]) -> Vec<u8> {
        let (mut body, mut before, mut tail) = (Vec::new(), 0usize, HEADER_BYTES);
        for element in elements {
            tail = HEADER_BYTES + body.len();
            match u8::try_from(before).ok().filter(|&it| it < LONG) {
                Some(before) => body.push(before),
                None => {
                    body.push(LONG);
                    body.extend((before as u32).to_le_bytes());
                }
            }
            body.extend(*element);
            before = HEADER_BYTES + body.len() - tail;
        }
        let size = (HEADER_BYTES + body.len() + 1) as u32;
        let mut all = size.to_le_bytes().to_vec();
        all.extend((tail as u32).to_le_bytes());
        all.extend((elements.len() as u16).to_le_bytes());
        all.extend(body);
        all.push(END);
        all
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        let packed = read(bytes).expect("a ziplist");
        let texts = packed.iter().map(|it| it.to_vec());
        texts
            .map(|it| String::from_utf8(it).expect("text"))
            .collect()
    }

    #[test]
    fn every_encoding_is_read() {
        let middle = [&[0x41, 0x2c][..], &[b'm'; 300]].concat();
        let long = [&[0x80, 0, 1, 0x86, 0xa0][..], &[b'l'; 100_000]].concat();
        let bytes = ziplist(&[
            b"\x03abc",
            b"\x00",
            &middle,
            &long,
            b"\xfe\x80",
            b"\xc0\x00\x80",
            b"\xf0\xff\xff\xff",
            b"\xf0\x00\x00\x80",
            b"\xd0\x00\x00\x00\x80",
            b"\xe0\x00\x00\x00\x00\x00\x00\x00\x80",
            b"\xf1",
            b"\xfd",
            b"\x0212",
        ]);
        let (middle, long) = ("m".repeat(300), "l".repeat(100_000));
        let wanted = [
            "abc",
            "",
            &middle,
            &long,
            "-128",
            "-32768",
            "-1",
            "-8388608",
            "-2147483648",
            "-9223372036854775808",
            "0",
            "12",
            "12",
        ];
        assert_eq!(texts(&bytes), wanted);
        assert_eq!(texts(&ziplist(&[])), [""; 0]);
    }

    /// As `redis-server` 6.2 wrote it for `RPUSH l a 1 -5000 foo`.
    #[test]
    fn a_real_one_is_read() {
        let bytes = b"\x19\0\0\0\x13\0\0\0\x04\0\x00\x01a\x03\xf2\x02\xc0\x78\xec\x04\x03foo\xff";
        assert_eq!(texts(bytes), ["a", "1", "-5000", "foo"]);
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let whole = ziplist(&[b"\x03abc", b"\xc0\x00\x80", b"\x01z"]);
        assert!(read(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        let change = |at: usize, byte: u8| {
            let mut changed = whole.clone();
            changed[at] = byte;
            read(&changed).is_err()
        };
        let sizes_and_ends = (0..11).chain([15, 19, whole.len() - 1]);
        for at in sizes_and_ends {
            assert!(change(at, whole[at] ^ 1), "{at}");
        }
        for encoding in [0x81, 0xbf, 0xc1, 0xd1, 0xe1, 0xff, 0x3f, 0x7f, 0x80, 0xe0] {
            assert!(change(11, encoding), "{encoding:x}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = ziplist(&[b"\x03abc", b"\xc0\x00\x80", b"\x01z", b"\xf5"]);
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut changed = whole.clone();
                changed[at] = byte;
                let _ = read(&changed);
            }
        }
    }
}
