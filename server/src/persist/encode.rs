//! How an entry is written into the base of a rewritten log.

use storage::aof::record;
use storage::entry::Entry;

/// Writes what makes the entry anew: `SET key value [PXAT ms]`, behind its tags in a line that Redis skips.
pub fn entry(_: usize, entry: &Entry, tags: &mut dyn Iterator<Item = &[u8]>, out: &mut Vec<u8>) {
    let tags: Vec<&[u8]> = tags.collect();
    if !tags.is_empty() {
        let count = tags.len().to_string();
        let head: [&[u8]; 2] = [b"TAGS", count.as_bytes()];
        record::write_next(head.into_iter().chain(tags), out);
    }
    entry.string().with_bytes(|value| match entry.expiry_ms() {
        None => protocol::encode_request([b"SET", entry.key(), value].into_iter(), out),
        Some(expiry_ms) => {
            let expiry = expiry_ms.to_string();
            let words: [&[u8]; 5] = [b"SET", entry.key(), value, b"PXAT", expiry.as_bytes()];
            protocol::encode_request(words.into_iter(), out);
        }
    });
}
