//! The hash of keys and tags.

use ahash::RandomState;

/// Keyed, so that nobody outside can choose keys that collide.
#[derive(Clone, Debug)]
pub struct Hasher(RandomState);

impl Default for Hasher {
    fn default() -> Hasher {
        Hasher(RandomState::new())
    }
}

impl Hasher {
    /// The hash of a key or tag: its shard in the highest bits, its place in the table in the low 32.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash_one(bytes)
    }
}
