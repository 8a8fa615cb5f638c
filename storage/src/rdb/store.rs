//! Keys of a file, put into the keyspace.

use super::decode::Decoded;
use super::reader::Record;
use crate::entry::Entry;
use crate::evict::{Access, Clock};
use crate::keyspace::Keyspace;
use crate::value::Value;

/// How keys of files are held.
#[derive(Clone, Copy, Debug)]
pub struct Storing {
    /// How accesses are recorded.
    pub access: Access,
    /// Now, and what else accesses are recorded by.
    pub clock: Clock,
    /// Strings longer than this are packed; 0 for none.
    pub compression_threshold: usize,
}

impl Keyspace {
    /// Adds a key as a file has it; `false` if it is there already, or holds nothing.
    ///
    /// Nobody is told of it: while files are loaded there is nobody. `db` is a database that there may be.
    pub fn store(&self, db: usize, record: Record<'_>, storing: &Storing) -> bool {
        let Some(value) = record.value else {
            return false;
        };
        let Storing { access, clock, .. } = *storing;
        let hash = self.hash(record.key);
        let mut shard = self.lock_one(Keyspace::shard_of_hash(hash));
        let partition = shard.partition_mut(db);
        if partition.find(hash as u32, record.key).is_some() {
            return false;
        }
        let word = access.recalled(clock, record.past);
        let (key, expiry_ms) = (record.key, record.expiry_ms);
        let threshold = storing.compression_threshold;
        let entry = value.into_entry(key, word, expiry_ms, threshold);
        let at = partition.insert(hash as u32, entry, clock.now_ms);
        for tag in record.tags {
            let tag_hash = self.hash(tag);
            let take_name = || self.tag_names(db).hold(tag_hash, tag);
            partition.attach(at, hash as u32, tag_hash, tag, take_name);
        }
        true
    }
}

impl Decoded<'_> {
    /// An entry that holds the value.
    pub(crate) fn into_entry(
        self,
        key: &[u8],
        access: u32,
        expiry_ms: Option<i64>,
        compression_threshold: usize,
    ) -> Entry {
        match self {
            Decoded::Object(object) => Entry::with_object(key, object.into(), access, expiry_ms),
            Decoded::String(value) => {
                let value: Value<'_> = value.packed(compression_threshold);
                Entry::new(key, value, access, expiry_ms)
            }
        }
    }
}
