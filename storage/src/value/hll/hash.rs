//! Which register an element goes to, and how high it raises it.

use super::INDEX_BITS;

/// Redis' seed: with another one, the same elements would give other registers.
const SEED: u64 = 0xadc8_3b19;

/// The register of an element, and its rank: how many bits of what is left of its hash there are up to the lowest
/// one, 1 to 51.
pub(super) fn register(element: &[u8]) -> (usize, u8) {
    let hash = murmur(element);
    let index = hash & ((1 << INDEX_BITS) - 1);
    // A bit behind the last ends the search where all are zeros.
    let rest = hash >> INDEX_BITS | 1 << (u64::BITS - INDEX_BITS);
    (index as usize, rest.trailing_zeros() as u8 + 1)
}

/// MurmurHash64A by Austin Appleby, of words with the lowest byte first.
fn murmur(bytes: &[u8]) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(M);
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(M);
        word ^= word >> R;
        hash = (hash ^ word.wrapping_mul(M)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    hash = (hash ^ hash >> R).wrapping_mul(M);
    hash ^ hash >> R
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_go_where_redis_puts_them() {
        // As `PFADD h <element>` and `PFDEBUG DECODE h` of Redis 7.4.1 show.
        for (element, expected) in [
            (&b""[..], (5938, 2)),
            (b"a", (12711, 2)),
            (b"abcdefgh", (1383, 1)),
            (b"abcdefghijklmno", (12377, 4)),
            (b"\xff\x80", (4889, 1)),
        ] {
            assert_eq!(register(element), expected, "{element:?}");
        }
    }
}
