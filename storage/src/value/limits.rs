//! Up to where collections are packed.

/// The limits of the configuration that decide how a collection is held; named as its options.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most fields of a packed hash.
    pub hash_max_listpack_entries: usize,
    /// The longest field or value in a packed hash, in bytes.
    pub hash_max_listpack_value: usize,
    /// The most elements of a node if positive; the class of its size, -1 (4 KiB) to -5 (64 KiB), if negative.
    pub list_max_listpack_size: i64,
    /// The shortest element that is a node of its own; 0 leaves that to the size of a node
    /// (`DEBUG QUICKLIST-PACKED-THRESHOLD`).
    pub list_packed_threshold: usize,
    /// How many nodes at either end of a list are not compressed; 0 if none is.
    pub list_compress_depth: usize,
    /// The most members of a set of integers.
    pub set_max_intset_entries: usize,
    /// The most members of a packed set.
    pub set_max_listpack_entries: usize,
    /// The longest member of a packed set, in bytes.
    pub set_max_listpack_value: usize,
    /// The most members of a packed sorted set.
    pub zset_max_listpack_entries: usize,
    /// The longest member of a packed sorted set, in bytes.
    pub zset_max_listpack_value: usize,
    /// The longest sparse HyperLogLog, in bytes, its header included.
    pub hll_sparse_max_bytes: usize,
}

impl Default for Limits {
    /// The defaults of Redis 7.4.
    fn default() -> Limits {
        Limits {
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            list_max_listpack_size: -2,
            list_packed_threshold: 0,
            list_compress_depth: 0,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            hll_sparse_max_bytes: 3000,
        }
    }
}
