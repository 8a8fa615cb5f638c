//! How an entry is written into the base of a rewritten log.
//!
//! What is large is written in pieces, as in a snapshot: each holds whole records, and more elements are added by
//! the next one.

mod stream;

use protocol::number::format_f64;
use storage::aof::record;
use storage::entry::Entry;
use storage::rdb::draft::Draft;
use storage::rdb::encode::Rest;
use storage::snapshot::Encode;
use storage::value::hash::Field;
use storage::value::list::End;
use storage::value::stream::StreamId;
use storage::value::zset::Direction;
use storage::value::{Hash, List, Object, Set, Str, Zset};

/// Entries as the commands that make them anew.
pub struct Records;

/// A piece ends behind so many bytes: copying them takes some tens of microseconds.
const PIECE_BYTES: usize = 64 * 1024;

impl Encode for Records {
    /// Such as `SET key value [PXAT ms]`, behind its tags in a line that Redis skips; those of a collection stand
    /// behind its first piece.
    fn begin(
        &self,
        _: usize,
        entry: &Entry,
        tags: &mut dyn Iterator<Item = &[u8]>,
        out: &mut Draft,
    ) -> Option<Rest> {
        let tags: Vec<&[u8]> = tags.collect();
        if let Some(object) = entry.object() {
            let rest = self.go_on(entry, beginning(object), out);
            if !tags.is_empty() {
                // What adds elements would take these for some more of them.
                let head: [&[u8]; 2] = [b"TAGADD", entry.key()];
                record::write_annotation(head.into_iter().chain(tags), &mut out.bytes);
            }
            return rest;
        }
        if let Some(value) = entry.string() {
            write_tags(tags, &mut out.bytes);
            string(entry, value, &mut out.bytes);
        }
        None
    }

    fn go_on(&self, entry: &Entry, rest: Rest, out: &mut Draft) -> Option<Rest> {
        let out = &mut out.bytes;
        let rest = piece(entry.key(), entry.object()?, rest, out);
        if let (None, Some(expiry_ms)) = (rest, entry.expiry_ms()) {
            let expiry = expiry_ms.to_string();
            let words: [&[u8]; 3] = [b"PEXPIREAT", entry.key(), expiry.as_bytes()];
            protocol::encode_request(words.into_iter(), out);
        }
        rest
    }
}

fn write_tags(tags: Vec<&[u8]>, out: &mut Vec<u8>) {
    if !tags.is_empty() {
        let count = tags.len().to_string();
        let head: [&[u8]; 2] = [b"TAGS", count.as_bytes()];
        record::write_next(head.into_iter().chain(tags), out);
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
    out: &'a mut Vec<u8>,
    /// Where the elements begin that no record has yet, how many there are, and how many words that is.
    start: usize,
    elements: usize,
    words: usize,
}

impl<'a> Batches<'a> {
    fn new(command: &'static str, key: &'a [u8], out: &'a mut Vec<u8>) -> Batches<'a> {
        Batches {
            command: command.as_bytes(),
            key,
            start: out.len(),
            out,
            elements: 0,
            words: 0,
        }
    }

    /// Writes the next element.
    fn add(&mut self, words: &[&[u8]]) {
        for word in words {
            protocol::encode_word(word, self.out);
        }
        self.elements += 1;
        self.words += words.len();
        if self.elements == BATCH {
            self.end();
        }
    }

    /// Makes a record of what no record has yet: only now is it known how long it is.
    fn end(&mut self) {
        if self.elements > 0 {
            let length = self.out.len() - self.start;
            protocol::begin_request(2 + self.words, self.out);
            protocol::encode_word(self.command, self.out);
            protocol::encode_word(self.key, self.out);
            self.out[self.start..].rotate_left(length);
        }
        self.start = self.out.len();
        (self.elements, self.words) = (0, 0);
    }

    /// Whether the piece is long enough that began where `out` was so long.
    fn is_full(&self, began_at: usize) -> bool {
        self.out.len() - began_at >= PIECE_BYTES
    }
}

/// From where a collection is written.
fn beginning(object: &Object) -> Rest {
    match object {
        Object::List(_) => Rest::Nodes(0),
        Object::Hash(_) => Rest::Fields(0, None),
        Object::Set(_) => Rest::Members(0),
        Object::Zset(zset) => Rest::Lowest(zset.len()),
        Object::Stream(_) => Rest::Entries(StreamId::MIN),
    }
}

/// Writes what fills the collection of a key, at most 64 elements a record, as Redis does (`rewriteListObject` and
/// its like, aof.c): the next piece.
fn piece(key: &[u8], object: &Object, rest: Rest, out: &mut Vec<u8>) -> Option<Rest> {
    match (object, rest) {
        (Object::List(list), Rest::Nodes(from)) => elements(key, list, from, out),
        (Object::Hash(hash), Rest::Fields(from, _)) => fields(key, hash, from, out),
        (Object::Set(set), Rest::Members(from)) => members(key, set, from, out),
        (Object::Zset(zset), Rest::Lowest(left)) => ranked(key, zset, left, out),
        (Object::Stream(value), Rest::Entries(from)) => stream::piece(key, value, from, out),
        _ => {
            debug_assert!(false, "{rest:?} is of another value");
            None
        }
    }
}

fn elements(key: &[u8], list: &List, from: usize, out: &mut Vec<u8>) -> Option<Rest> {
    let began_at = out.len();
    let mut batches = Batches::new("RPUSH", key, out);
    let mut rest = None;
    if list.as_listpack().is_some() {
        list.walk(0, End::Tail, usize::MAX, |element| {
            element.with_bytes(|bytes| batches.add(&[bytes]));
            true
        });
    }
    for (at, node) in list.nodes().enumerate().skip(from) {
        if batches.is_full(began_at) {
            rest = Some(Rest::Nodes(at));
            break;
        }
        node.each(|element| element.with_bytes(|bytes| batches.add(&[bytes])));
    }
    batches.end();
    rest
}

fn members(key: &[u8], set: &Set, from: u64, out: &mut Vec<u8>) -> Option<Rest> {
    let began_at = out.len();
    let mut batches = Batches::new("SADD", key, out);
    let mut next = Some(from);
    while let Some(from) = next.filter(|_| !batches.is_full(began_at)) {
        let step = set.walk(from);
        for member in step.members {
            member.with_bytes(|bytes| batches.add(&[bytes]));
        }
        next = step.next;
    }
    batches.end();
    next.map(Rest::Members)
}

/// Writes members with the lowest scores first if there are few, otherwise last: they are faster to add so.
fn ranked(key: &[u8], zset: &Zset, left: usize, out: &mut Vec<u8>) -> Option<Rest> {
    let began_at = out.len();
    let mut batches = Batches::new("ZADD", key, out);
    let direction = match zset.as_packed() {
        Some(_) => Direction::Ascending,
        None => Direction::Descending,
    };
    let mut left = left;
    for (member, score) in zset.range(0..left, direction) {
        let score = format_f64(score);
        member.with_bytes(|member| batches.add(&[score.as_bytes(), member]));
        left -= 1;
        if direction == Direction::Descending && batches.is_full(began_at) {
            break;
        }
    }
    batches.end();
    (left > 0).then_some(Rest::Lowest(left))
}

/// Fields with their values, and then when they expire.
fn fields(key: &[u8], hash: &Hash, from: u64, out: &mut Vec<u8>) -> Option<Rest> {
    let began_at = out.len();
    let mut batches = Batches::new("HMSET", key, out);
    let mut expiries = Vec::new();
    let mut add = |batches: &mut Batches<'_>, field: Field<'_>| {
        field.name.with_bytes(|name| {
            field.value.with_bytes(|value| batches.add(&[name, value]));
            expiries.extend(field.expiry_ms.map(|expiry_ms| (name.to_vec(), expiry_ms)));
        });
    };
    let mut next = Some(from);
    while let Some(from) = next.filter(|_| !batches.is_full(began_at)) {
        let step = hash.walk(from);
        step.fields.for_each(|field| add(&mut batches, field));
        next = step.next;
    }
    batches.end();
    // The last first: of those that expire together, the last to be told so is then the first in the row.
    for (name, expiry_ms) in expiries.iter().rev() {
        let expiry = expiry_ms.to_string();
        let until = expiry.as_bytes();
        let words: [&[u8]; 6] = [b"HPEXPIREAT", key, until, b"FIELDS", b"1", name];
        protocol::encode_request(words.into_iter(), out);
    }
    next.map(|from| Rest::Fields(from, None))
}
