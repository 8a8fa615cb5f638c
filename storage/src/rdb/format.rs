//! What stands for what in RDB files. *Source:* `rdb.h` of Redis 7.4.
//!
//! A file is `REDIS` and four digits of version, then opcodes with what belongs to them, [`opcode::EOF`], and the
//! checksum of all that, eight bytes little-endian, 0 for none. A byte below the opcodes is the type of
//! an entry: its key and value follow, and the expiry, idle time or frequency that came before are its own.
//! What `DUMP` gives is a type, the value, two bytes of version little-endian, and the checksum.
//!
//! # Tags
//!
//! Redis takes an [`opcode::AUX`] between any two entries, and skips what it does not know. One with the name
//! [`AUX_TAGS`] stands before an entry, beside its expiry, and says which tags it carries: its value holds
//! these one after the other, each as a length ([`length`]) and its bytes, at least one and none twice.
//! It holds for the next entry only.
//!
//! # When consumers were active
//!
//! A stream of [`kind::STREAM_LISTPACKS_2`], the last that Redis 7.0 reads, does not say it. In a field of the name
//! [`AUX_ACTIVE`] stands in front of it, for each consumer, in the order of groups and of names, when it has last got
//! something: eight bytes, the lowest first, of milliseconds since 1970, or -1 if never.

/// The first bytes of a file, before four digits of version.
pub const MAGIC: &[u8; 5] = b"REDIS";

/// The versions that can be read.
pub const READABLE: std::ops::RangeInclusive<u32> = 1..=12;

/// What Redis 7.0 reads.
pub const VERSION: u16 = 10;

/// What Redis 7.4 writes: the first with expiries of hash fields, which Redis 7.2 does not read.
pub const VERSION_FIELD_EXPIRY: u16 = 12;

/// The bytes behind a value that was dumped: version and checksum.
pub const DUMP_FOOTER_BYTES: usize = 10;

/// The name of the auxiliary field with the tags of the next entry.
pub const AUX_TAGS: &[u8] = b"keytag-tags";

/// The name of the auxiliary field with the times of consumers of the next entry.
pub const AUX_ACTIVE: &[u8] = b"keytag-active";

/// What may stand where an entry could.
pub mod opcode {
    /// A slot of a cluster, how many keys are in it, and how many of them expire: three lengths.
    pub const SLOT_INFO: u8 = 244;
    /// The text of a library of functions.
    pub const FUNCTION2: u8 = 245;
    /// A library as release candidates of 7.0 wrote it.
    pub const FUNCTION_PRE_GA: u8 = 246;
    /// What a module wants to know beside its keys.
    pub const MODULE_AUX: u8 = 247;
    /// For how many seconds the next entry was idle: a length.
    pub const IDLE: u8 = 248;
    /// How often the next entry was used: a byte.
    pub const FREQ: u8 = 249;
    /// A name and a value, both strings.
    pub const AUX: u8 = 250;
    /// How many keys the database has, and how many of them expire: two lengths.
    pub const RESIZEDB: u8 = 251;
    /// When the next entry expires: milliseconds since 1970, eight bytes little-endian.
    pub const EXPIRETIME_MS: u8 = 252;
    /// The same in seconds, four bytes.
    pub const EXPIRETIME: u8 = 253;
    /// The database of what follows: a length.
    pub const SELECTDB: u8 = 254;
    /// The end, before the checksum.
    pub const EOF: u8 = 255;
}

/// What a value is, and how it is written.
pub mod kind {
    /// A string.
    pub const STRING: u8 = 0;
    /// How many, and each element as a string.
    pub const LIST: u8 = 1;
    /// How many, and each member as a string.
    pub const SET: u8 = 2;
    /// How many, and of each the member and its score in decimals.
    pub const ZSET: u8 = 3;
    /// How many, and of each the field and its value.
    pub const HASH: u8 = 4;
    /// How many, and of each the member and its score as a double, little-endian.
    pub const ZSET_2: u8 = 5;
    /// A module's, as release candidates of 4.0 wrote it.
    pub const MODULE_PRE_GA: u8 = 6;
    /// A module's.
    pub const MODULE_2: u8 = 7;
    /// A zipmap in a string.
    pub const HASH_ZIPMAP: u8 = 9;
    /// A ziplist in a string.
    pub const LIST_ZIPLIST: u8 = 10;
    /// An intset in a string.
    pub const SET_INTSET: u8 = 11;
    /// A ziplist of members and scores.
    pub const ZSET_ZIPLIST: u8 = 12;
    /// A ziplist of fields and values.
    pub const HASH_ZIPLIST: u8 = 13;
    /// How many nodes, and each as a ziplist in a string.
    pub const LIST_QUICKLIST: u8 = 14;
    /// A stream as Redis 5 and 6 write it.
    pub const STREAM_LISTPACKS: u8 = 15;
    /// A listpack of fields and values.
    pub const HASH_LISTPACK: u8 = 16;
    /// A listpack of members and scores.
    pub const ZSET_LISTPACK: u8 = 17;
    /// How many nodes, and of each its container ([`super::container`]) and its bytes in a string.
    pub const LIST_QUICKLIST_2: u8 = 18;
    /// A stream as Redis 7.0 writes it: with its first id, the highest deleted one, and how many were added.
    pub const STREAM_LISTPACKS_2: u8 = 19;
    /// A listpack of members, since Redis 7.2.
    pub const SET_LISTPACK: u8 = 20;
    /// A stream as Redis 7.2 writes it: with the times at which consumers were active.
    pub const STREAM_LISTPACKS_3: u8 = 21;
    /// As [`HASH_METADATA`], without the first expiry, and with whole expiries.
    pub const HASH_METADATA_PRE_GA: u8 = 22;
    /// As [`HASH_LISTPACK_EX`], without the first expiry.
    pub const HASH_LISTPACK_EX_PRE_GA: u8 = 23;
    /// The first expiry as eight bytes (milliseconds since 1970), how many, and of each the expiry, field and value. The
    /// expiry is a length: 0 for none, or one more than how long after the first it is.
    pub const HASH_METADATA: u8 = 24;
    /// The first expiry as eight bytes, and a listpack of fields, values and expiries.
    pub const HASH_LISTPACK_EX: u8 = 25;
}

/// How a node of a list is written.
pub mod container {
    /// One large element, as it is.
    pub const PLAIN: u64 = 1;
    /// A listpack.
    pub const PACKED: u64 = 2;
}

/// A length: the upper two bits of its first byte say how long it is.
pub mod length {
    /// Six bits, those below.
    pub const BITS_6: u8 = 0b00 << 6;
    /// Fourteen bits, those below and the next byte, big-endian.
    pub const BITS_14: u8 = 0b01 << 6;
    /// This very byte: the next four bytes, big-endian.
    pub const BITS_32: u8 = 0x80;
    /// This very byte: the next eight bytes, big-endian.
    pub const BITS_64: u8 = 0x81;
    /// No length: the six bits below say what string follows ([`super::special`]).
    pub const SPECIAL: u8 = 0b11 << 6;
    /// The bits that tell these apart.
    pub const MASK: u8 = 0b11 << 6;
}

/// A string that is not written as a length and its bytes.
pub mod special {
    /// An integer of one byte.
    pub const INT_8: u8 = 0;
    /// An integer of two bytes, little-endian.
    pub const INT_16: u8 = 1;
    /// An integer of four bytes, little-endian.
    pub const INT_32: u8 = 2;
    /// Compressed: the length compressed, the length plain, the bytes ([`crate::value::lzf`]).
    pub const LZF: u8 = 3;
}

/// What a module writes: a length that says what follows.
pub mod module {
    /// Nothing: the end.
    pub const EOF: u64 = 0;
    /// A signed integer, as a length.
    pub const SINT: u64 = 1;
    /// An unsigned integer, as a length.
    pub const UINT: u64 = 2;
    /// Four bytes.
    pub const FLOAT: u64 = 3;
    /// Eight bytes.
    pub const DOUBLE: u64 = 4;
    /// A string.
    pub const STRING: u64 = 5;
}
