//! What `FUNCTION DUMP` gives: the texts of all libraries as they stand in a snapshot, version and checksum.

use super::draft::{Compression, Draft};
use super::encode::sealed;
use super::format::opcode;
use super::input::Input;
use super::payload::payload_body;
use super::reader::Checksum;
use crate::value::Item;

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
pub fn dump_libraries<T: AsRef<[u8]>>(texts: &[T], compression: Compression) -> Vec<u8> {
    let mut draft = Draft::default();
    for text in texts {
        draft.library(text.as_ref());
    }
    sealed(&draft, compression)
}

/// The texts of a payload.
///
/// # Errors
/// See [`Unreadable`].
pub fn restore_libraries(payload: &[u8], checksum: Checksum) -> Result<Vec<Vec<u8>>, Unreadable> {
    let body = payload_body(payload, checksum).ok_or(Unreadable::Footer)?;
    let mut input = Input::of_bytes(body);
    let mut texts = Vec::new();
    while !input.is_at_end() {
        match input.byte() {
            Ok(opcode::FUNCTION2) => {}
            Ok(opcode::FUNCTION_PRE_GA) => return Err(Unreadable::PreRelease),
            _ => return Err(Unreadable::NoFunction),
        }
        texts.push(match input.string().map_err(|_| Unreadable::Text)? {
            Item::Bytes(text) => text.to_vec(),
            Item::Int(number) => number.to_string().into_bytes(),
        });
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::super::crc64::crc64;
    use super::*;

    #[test]
    fn what_is_dumped_is_restored() {
        let long = b"#!lua name=x\n".repeat(3000);
        let texts: [&[u8]; 3] = [b"short", &long[..100], &long];
        for compression in [Compression::None, Compression::Lzf] {
            let payload = dump_libraries(&texts, compression);
            assert_eq!(
                restore_libraries(&payload, Checksum::Verify).expect("it was just dumped"),
                texts
            );
            for cut in 0..payload.len().min(300) {
                assert_eq!(
                    restore_libraries(&payload[..cut], Checksum::Verify),
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
            assert_eq!(
                restore_libraries(&payload, Checksum::Verify),
                Err(Unreadable::Text)
            );
        }
    }
}
