//! Zipmaps, which Redis up to version 2.4 packed hashes in, made listpacks of.
//!
//! How many there are (254 and more: unknown), then of each field its length and bytes, the length of its
//! value, how many bytes behind the value are unused, and the value with these; a byte 0xff at the end. A
//! length is a byte, or 254 and four bytes, little-endian. *Source:* `zipmap.c` of Redis.

use super::super::error::Error;
use crate::value::Listpack;

const END: u8 = 0xff;
const LONG: u8 = 0xfe;

/// Fields and values, and the length of the longest.
pub(super) fn read(bytes: &[u8]) -> Result<(Listpack, usize), Error> {
    convert(bytes).ok_or(Error::Malformed("Zipmap integrity check failed."))
}

fn convert(bytes: &[u8]) -> Option<(Listpack, usize)> {
    let (&told, mut rest) = bytes.split_first()?;
    let (mut pairs, mut count, mut longest) = (Listpack::new(), 0usize, 0);
    while rest != [END] {
        let (field, behind) = text(rest, |behind, length| behind.split_at_checked(length))?;
        let (value, behind) = text(behind, |behind, length| {
            let (&unused, behind) = behind.split_first()?;
            let (value, behind) = behind.split_at_checked(length)?;
            Some((value, behind.get(usize::from(unused)..)?))
        })?;
        pairs.push_back(field);
        pairs.push_back(value);
        longest = longest.max(field.len()).max(value.len());
        count += 1;
        rest = behind;
    }
    let is_told = told >= LONG || usize::from(told) == count;
    (is_told && count > 0).then_some((pairs, longest))
}

/// What stands behind a length, as `split` finds it.
fn text<'a>(
    bytes: &'a [u8],
    split: impl FnOnce(&'a [u8], usize) -> Option<(&'a [u8], &'a [u8])>,
) -> Option<(&'a [u8], &'a [u8])> {
    match bytes.split_first()? {
        (&END, _) => None,
        (&LONG, rest) => {
            let (&length, behind) = rest.split_first_chunk()?;
            split(behind, u32::from_le_bytes(length) as usize)
        }
        (&length, behind) => split(behind, length.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &[u8]) -> Vec<Vec<u8>> {
        let (pairs, _) = read(bytes).expect("a zipmap");
        pairs.iter().map(|it| it.to_vec()).collect()
    }

    #[test]
    fn fields_and_values_are_read() {
        assert_eq!(
            texts(b"\x02\x03foo\x03\x00bar\x05hello\x05\x02world..\xff"),
            [&b"foo"[..], b"bar", b"hello", b"world"]
        );
        let long = [&b"\x01\xfe\x2c\x01\0\0"[..], &[b'f'; 300], b"\x011\x00\xff"].concat();
        assert!(read(&long).is_err());
        let long = [&b"\x01\xfe\x2c\x01\0\0"[..], &[b'f'; 300], b"\x01\x001\xff"].concat();
        assert_eq!(texts(&long), [vec![b'f'; 300], b"1".to_vec()]);
        assert_eq!(read(&long).expect("a zipmap").1, 300);
        // So many that the first byte does not tell.
        assert_eq!(texts(b"\xfe\x01a\x01\0b\xff").len(), 2);
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let whole = b"\x02\x03foo\x03\x00bar\x05hello\x05\x02world..\xff";
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        assert!(read(b"\x00\xff").is_err());
        assert!(read(b"\x01\x01a\x01\0b\xff.").is_err());
        assert!(read(b"\x03\x01a\x01\0b\xff").is_err());
        assert!(read(b"\x01\x01a\x01\x05b\xff").is_err());
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut changed = whole.to_vec();
                changed[at] = byte;
                let _ = read(&changed);
            }
        }
    }
}
