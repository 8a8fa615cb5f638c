//! Keys and values: the sharded keyspace, expiry, eviction, tags, and the append-only files.
//!
//! Synchronous; reads no clock (`now_ms` is an argument) and knows no command names.
//!
//! - [`keyspace`]: shards and their locks; [`shard`]: what one lock protects, [`waiters`] included.
//! - [`partition`]: entries, expiries and tags of one database in one shard, over [`table`] and [`tag`];
//!   [`names`]: the tags in use.
//! - [`db`]: what a command sees.
//! - [`evict`]: policies; [`snapshot`]: a point in time without fork; [`aof`]: files.
//! - [`rdb`]: snapshot files and `DUMP`.
//! - [`memory`]: the counting allocator; `heap`: the blocks that entries live in.

pub mod aof;
pub mod compress;
pub mod db;
pub mod entry;
pub mod evict;
pub mod field_dues;
pub mod glob;
mod hasher;
mod heap;
pub mod keyspace;
pub mod memory;
pub mod names;
pub mod partition;
pub mod rdb;
pub mod shard;
pub mod snapshot;
pub mod table;
pub mod tag;
pub mod value;
pub mod waiters;
