//! A value that comes from elsewhere with its past.

use super::{Db, Event};
use crate::evict::Past;
use crate::rdb::Decoded;

impl Db<'_> {
    /// Puts a dumped value under a key, in place of what was there.
    pub fn restore(
        &mut self,
        key: &[u8],
        value: Decoded<'_>,
        expiry_ms: Option<i64>,
        past: Past,
        tags: protocol::Args<'_>,
        event: Event,
    ) {
        let word = self.moment.access.recalled(self.clock(), past);
        let threshold = self.moment.compression_threshold;
        let entry = value.into_entry(key, word, expiry_ms, threshold);
        let (number, at) = self.put_entry(self.index, key, entry);
        self.retag(number, self.index, at, tags.iter());
        self.note_created(number, self.index, key);
        self.mark(number, self.index, key, event);
    }
}
