//! Long strings held as LZ4 blocks.
//!
//! A string is packed if that saves at least an eighth of it. Whoever reads it gets the plain value;
//! whoever changes it in place leaves it plain, until it is written anew.
//!
//! Measured with JSON documents (`benches/big-values`): 4 KiB take 1.9 KiB, and a GET costs about
//! 1 microsecond more than of a plain one, which is less than Redis needs for it; up to 64 KiB it is
//! as much as Redis needs, at 256 KiB 1.75 times that. But a SET of 4 KiB costs 1.7 times as much as
//! in Redis, and a limit that is filled with even text no longer evicts where Redis would. So
//! packing is off until `compression-threshold` asks for it: 1 KiB is a good choice for pages and JSON.

use std::sync::atomic::{AtomicIsize, Ordering};

use lz4_flex::block;

/// Longer strings stay as they are: unpacking one takes a millisecond, under the lock of its shard.
const MOST_BYTES: usize = 1 << 20;

/// A packed string begins with the length of the plain one.
const LENGTH_BYTES: usize = size_of::<u32>();

/// Packs a string longer than `threshold` bytes, unless that saves too little; 0 packs none.
pub(crate) fn pack(plain: &[u8], threshold: usize) -> Option<Vec<u8>> {
    if threshold == 0 || plain.len() <= threshold || plain.len() > MOST_BYTES {
        return None;
    }
    let most = plain.len() - plain.len() / 8;
    let mut packed = vec![0; LENGTH_BYTES + block::get_maximum_output_size(plain.len())];
    let (length, rest) = packed.split_at_mut(LENGTH_BYTES);
    length.copy_from_slice(&(plain.len() as u32).to_le_bytes());
    let written = block::compress_into(plain, rest).ok()?;
    packed.truncate(LENGTH_BYTES + written);
    if packed.len() > most {
        return None;
    }
    packed.shrink_to_fit();
    Some(packed)
}

/// A packed string, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    /// What [`pack`] has made.
    pub(crate) fn new(packed: &'a [u8]) -> Packed<'a> {
        Packed(packed)
    }

    /// The packed bytes.
    pub(crate) fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Length of the plain string in bytes.
    pub fn len(self) -> usize {
        let length = self.0.first_chunk().map_or(0, |it| u32::from_le_bytes(*it));
        length as usize
    }

    /// Never: only long strings are packed.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Appends the plain string.
    pub fn unpack_into(self, out: &mut Vec<u8>) {
        let from = out.len();
        out.resize(from + self.len(), 0);
        let block = self.0.get(LENGTH_BYTES..).unwrap_or_default();
        let written = block::decompress_into(block, &mut out[from..]);
        assert_eq!(written.ok(), Some(self.len()), "it is what `pack` has made");
    }
}

/// What packing has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompressionStats {
    /// Packed strings.
    pub keys: usize,
    /// Bytes they would have.
    pub plain_bytes: usize,
    /// Bytes they have.
    pub packed_bytes: usize,
}

impl CompressionStats {
    /// Bytes saved.
    pub fn saved_bytes(&self) -> usize {
        self.plain_bytes.saturating_sub(self.packed_bytes)
    }

    /// Plain bytes for each packed one; 0 if nothing is packed.
    pub fn ratio(&self) -> f64 {
        if self.packed_bytes == 0 {
            0.0
        } else {
            self.plain_bytes as f64 / self.packed_bytes as f64
        }
    }
}

static KEYS: AtomicIsize = AtomicIsize::new(0);
static PLAIN: AtomicIsize = AtomicIsize::new(0);
static PACKED: AtomicIsize = AtomicIsize::new(0);

/// Counts an entry that holds a packed string, when it is made (1) and when it goes (-1).
pub(crate) fn count(packed: Packed<'_>, times: isize) {
    KEYS.fetch_add(times, Ordering::Relaxed);
    PLAIN.fetch_add(times * packed.len() as isize, Ordering::Relaxed);
    PACKED.fetch_add(times * packed.0.len() as isize, Ordering::Relaxed);
}

/// What packing has come to in this process.
pub fn stats() -> CompressionStats {
    let [keys, plain_bytes, packed_bytes] = [&KEYS, &PLAIN, &PACKED]
        .map(|sum| usize::try_from(sum.load(Ordering::Relaxed)).unwrap_or(0));
    CompressionStats {
        keys,
        plain_bytes,
        packed_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let mut rng = fastrand::Rng::with_seed(9);
        let rounds = if cfg!(miri) { 20 } else { 2_000 };
        for _ in 0..rounds {
            let letters = rng.u8(1..=255);
            let plain: Vec<u8> = (0..rng.usize(..5_000)).map(|_| rng.u8(..letters)).collect();
            let Some(packed) = pack(&plain, 10) else {
                continue;
            };
            assert!(packed.len() <= plain.len() - plain.len() / 8);
            let mut out = b"before".to_vec();
            Packed::new(&packed).unpack_into(&mut out);
            assert_eq!(out[6..], plain);
        }
    }

    #[test]
    fn only_what_is_worth_it_is_packed() {
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(4096)
            .collect();
        assert_eq!(pack(&noise, 10), None);
        let even = [b'x'; 1000];
        assert_eq!(pack(&even, 0), None);
        assert_eq!(pack(&even, 1000), None);
        assert!(pack(&even, 999).is_some_and(|packed| packed.len() < 50));
        assert_eq!(pack(&vec![b'x'; MOST_BYTES + 1], 10), None);
    }
}
