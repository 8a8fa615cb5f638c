//! The checksum behind RDB files and `DUMP` payloads.

use crc::{CRC_64_REDIS, Crc, Digest, Table};

/// Sixteen bytes a step: 32 KiB of tables.
static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);

/// The checksum of these bytes.
pub fn crc64(bytes: &[u8]) -> u64 {
    CRC.checksum(bytes)
}

/// A checksum of bytes that come piece by piece.
#[derive(Clone)]
pub struct Crc64(Digest<'static, u64, Table<16>>);

impl Crc64 {
    /// Of no bytes.
    pub fn new() -> Crc64 {
        Crc64(CRC.digest())
    }

    /// Goes over further bytes.
    #[inline]
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        self.0.clone().finalize()
    }
}

impl Default for Crc64 {
    fn default() -> Crc64 {
        Crc64::new()
    }
}

impl std::fmt::Debug for Crc64 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Crc64").field(&self.value()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value that `crc64.c` of Redis tests itself with.
    #[test]
    fn the_checksum_is_that_of_redis() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(b""), 0);
    }

    #[test]
    fn pieces_give_the_checksum_of_the_whole() {
        let text: Vec<u8> = (0..1000u32).map(|it| (it * 7) as u8).collect();
        for cut in [0, 1, 15, 16, 17, 500, 999, 1000] {
            let mut pieces = Crc64::new();
            pieces.update(&text[..cut]);
            pieces.update(&text[cut..]);
            assert_eq!(pieces.value(), crc64(&text));
        }
    }
}
