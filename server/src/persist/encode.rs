//! How an entry is written into the base of a rewritten log.

mod stream;

use protocol::number::format_f64;
use storage::aof::record;
use storage::entry::Entry;
use storage::rdb::draft::Draft;
use storage::rdb::encode::Rest;
use storage::snapshot::Encode;
use storage::value::list::End;
use storage::value::{Hash, Object, Str};

/// Entries as the commands that make them anew.
pub struct Records;

impl Encode for Records {
    fn begin(
        &self,
        _: usize,
        entry: &Entry,
        tags: &mut dyn Iterator<Item = &[u8]>,
        out: &mut Draft,
    ) -> Option<Rest> {
        write_entry(entry, tags, &mut out.bytes);
        None
    }

    /// Nothing: no entry is written in pieces.
    fn go_on(&self, _: &Entry, _: Rest, _: &mut Draft) -> Option<Rest> {
        None
    }
}

/// Writes what makes the entry anew, such as `SET key value [PXAT ms]`, behind its tags in a line that Redis skips.
fn write_entry(entry: &Entry, tags: &mut dyn Iterator<Item = &[u8]>, out: &mut Vec<u8>) {
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

/// The most elements in one record, as in Redis.
const BATCH: usize = 64;

/// Records of one command that together fill a key.
struct Batches<'a> {
    command: &'static [u8],
    key: &'a [u8],
    /// Elements that are still to come, and those of them in the record that was begun.
    left: usize,
    here: usize,
}

impl<'a> Batches<'a> {
    /// Records for as many elements.
    fn new(command: &'static str, key: &'a [u8], elements: usize) -> Batches<'a> {
        Batches {
            command: command.as_bytes(),
            key,
            left: elements,
            here: 0,
        }
    }

    /// Writes the next element, which takes as many words as every other.
    fn add(&mut self, words: &[&[u8]], out: &mut Vec<u8>) {
        if self.here == 0 {
            self.here = self.left.min(BATCH);
            protocol::begin_request(2 + self.here * words.len(), out);
            protocol::encode_word(self.command, out);
            protocol::encode_word(self.key, out);
        }
        words
            .iter()
            .for_each(|word| protocol::encode_word(word, out));
        self.here -= 1;
        self.left -= 1;
    }
}

/// Writes what fills the collection of a key, at most 64 elements a record, as Redis does (`rewriteListObject` and
/// its like, aof.c).
fn collection(key: &[u8], object: &Object, out: &mut Vec<u8>) {
    match object {
        Object::List(list) => {
            let mut batches = Batches::new("RPUSH", key, list.len());
            list.walk(0, End::Tail, usize::MAX, |element| {
                element.with_bytes(|bytes| batches.add(&[bytes], out));
                true
            });
        }
        Object::Hash(hash) => fields(key, hash, out),
        Object::Set(set) => {
            let mut batches = Batches::new("SADD", key, set.len());
            for member in set.iter() {
                member.with_bytes(|bytes| batches.add(&[bytes], out));
            }
        }
        Object::Zset(zset) => {
            let mut batches = Batches::new("ZADD", key, zset.len());
            for (member, score) in zset.iter() {
                let score = format_f64(score);
                member.with_bytes(|member| batches.add(&[score.as_bytes(), member], out));
            }
        }
        Object::Stream(value) => stream::write(key, value, out),
    }
}

/// Fields with their values, and then when they expire.
fn fields(key: &[u8], hash: &Hash, out: &mut Vec<u8>) {
    let mut batches = Batches::new("HMSET", key, hash.len());
    let mut expiries = Vec::new();
    for field in hash.iter() {
        field.name.with_bytes(|name| {
            let value = field.value;
            value.with_bytes(|value| batches.add(&[name, value], out));
            expiries.extend(field.expiry_ms.map(|expiry_ms| (name.to_vec(), expiry_ms)));
        });
    }
    // The last first: of those that expire together, the last to be told so is then the first in the row.
    for (name, expiry_ms) in expiries.iter().rev() {
        let expiry = expiry_ms.to_string();
        let until = expiry.as_bytes();
        let words: [&[u8]; 6] = [b"HPEXPIREAT", key, until, b"FIELDS", b"1", name];
        protocol::encode_request(words.into_iter(), out);
    }
}
