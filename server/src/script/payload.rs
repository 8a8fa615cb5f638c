//! What `FUNCTION DUMP` gives: the texts of all libraries as they stand in a snapshot, version and checksum.

use storage::rdb::crc64::crc64;
use storage::rdb::format::{VERSION_FIELD_EXPIRY, length, opcode, special};
use storage::rdb::{Checksum, payload_body};
use storage::value::lzf;

/// Texts up to here are not worth compressing.
const COMPRESSED_FROM_BYTES: usize = 21;

/// Why a payload cannot be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Its sum is wrong, or it is newer than this server.
    Footer,
    /// It holds something else.
    NoFunction,
    /// It was written by a release candidate of Redis 7.0.
    PreRelease,
    /// A text is cut off or broken.
    Text,
}

/// The payload of these libraries.
pub fn dump<T: AsRef<[u8]>>(texts: &[T], compresses: bool) -> Vec<u8> {
    let mut payload = Vec::new();
    for text in texts {
        payload.push(opcode::FUNCTION2);
        write_string(text.as_ref(), compresses, &mut payload);
    }
    payload.extend_from_slice(&VERSION_FIELD_EXPIRY.to_le_bytes());
    let sum = crc64(&payload);
    payload.extend_from_slice(&sum.to_le_bytes());
    payload
}

fn write_string(text: &[u8], compresses: bool, out: &mut Vec<u8>) {
    let packed = (compresses && text.len() >= COMPRESSED_FROM_BYTES)
        .then(|| lzf::compress(text, text.len() - 4))
        .flatten();
    if let Some(packed) = packed {
        out.push(length::SPECIAL | special::LZF);
        write_length(packed.len(), out);
        write_length(text.len(), out);
        out.extend_from_slice(&packed);
    } else {
        write_length(text.len(), out);
        out.extend_from_slice(text);
    }
}

fn write_length(value: usize, out: &mut Vec<u8>) {
    if value < 1 << 6 {
        out.push(length::BITS_6 | value as u8);
    } else if value < 1 << 14 {
        out.extend_from_slice(&[length::BITS_14 | (value >> 8) as u8, value as u8]);
    } else if let Ok(value) = u32::try_from(value) {
        out.push(length::BITS_32);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(length::BITS_64);
        out.extend_from_slice(&(value as u64).to_be_bytes());
    }
}

/// The texts of a payload.
///
/// # Errors
/// See [`Unreadable`].
pub fn restore(payload: &[u8], checksum: Checksum) -> Result<Vec<Vec<u8>>, Unreadable> {
    let mut rest = payload_body(payload, checksum).ok_or(Unreadable::Footer)?;
    let mut texts = Vec::new();
    while let Some((&kind, behind)) = rest.split_first() {
        match kind {
            opcode::FUNCTION2 => {}
            opcode::FUNCTION_PRE_GA => return Err(Unreadable::PreRelease),
            _ => return Err(Unreadable::NoFunction),
        }
        rest = behind;
        texts.push(read_string(&mut rest).ok_or(Unreadable::Text)?);
    }
    Ok(texts)
}

/// A length, or what special string follows.
enum Length {
    Plain(usize),
    Special(u8),
}

fn take<'p>(rest: &mut &'p [u8], count: usize) -> Option<&'p [u8]> {
    let (taken, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(taken)
}

fn read_length(rest: &mut &[u8]) -> Option<Length> {
    let first = take(rest, 1)?[0];
    let low = first & !length::MASK;
    let value = match (first, first & length::MASK) {
        (length::BITS_32, _) => u64::from(u32::from_be_bytes(take(rest, 4)?.try_into().ok()?)),
        (length::BITS_64, _) => u64::from_be_bytes(take(rest, 8)?.try_into().ok()?),
        (_, length::BITS_6) => u64::from(low),
        (_, length::BITS_14) => u64::from(low) << 8 | u64::from(take(rest, 1)?[0]),
        (_, length::SPECIAL) => return Some(Length::Special(low)),
        _ => return None,
    };
    usize::try_from(value).ok().map(Length::Plain)
}

fn read_string(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let kind = match read_length(rest)? {
        Length::Plain(count) => return take(rest, count).map(<[u8]>::to_vec),
        Length::Special(kind) => kind,
    };
    if kind == special::LZF {
        let (Length::Plain(packed), Length::Plain(plain)) =
            (read_length(rest)?, read_length(rest)?)
        else {
            return None;
        };
        return lzf::decompress(take(rest, packed)?, plain);
    }
    let number = match kind {
        special::INT_8 => i64::from(i8::from_le_bytes(take(rest, 1)?.try_into().ok()?)),
        special::INT_16 => i64::from(i16::from_le_bytes(take(rest, 2)?.try_into().ok()?)),
        special::INT_32 => i64::from(i32::from_le_bytes(take(rest, 4)?.try_into().ok()?)),
        _ => return None,
    };
    Some(number.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dumped_is_restored() {
        let long = b"#!lua name=x\n".repeat(3000);
        let texts: [&[u8]; 3] = [b"short", &long[..100], &long];
        for compresses in [false, true] {
            let payload = dump(&texts, compresses);
            assert_eq!(
                restore(&payload, Checksum::Verify).expect("it was just dumped"),
                texts
            );
            for cut in 0..payload.len().min(300) {
                assert_eq!(
                    restore(&payload[..cut], Checksum::Verify),
                    Err(Unreadable::Footer)
                );
            }
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for body in [
            &b"\xf5\x81\x40\0\0\0\0\0\0\0abc"[..],
            b"\xf5\xc3\x03\xbf\xff\xff\xff\0\0\0",
            b"\xf5\xc3\xc3\xc3",
            b"\xf5\xc4",
            b"\xf5",
        ] {
            let mut payload = body.to_vec();
            payload.extend_from_slice(&[12, 0]);
            let sum = crc64(&payload).to_le_bytes();
            payload.extend_from_slice(&sum);
            assert_eq!(restore(&payload, Checksum::Verify), Err(Unreadable::Text));
        }
    }
}
