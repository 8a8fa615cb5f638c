//! Digests of keys and values, equal to those of Redis (`debug.c`), so that two servers can be compared.

use std::fmt;

use protocol::number::format_short_f64;
use sha1::{Digest as _, Sha1};
use storage::db::Db;
use storage::entry::Entry;
use storage::value::list::End;
use storage::value::stream::StreamId;
use storage::value::{Hash, Object, Stream, Zset};

/// The numbers of types, as they go into a digest.
const STRING: u32 = 0;
const LIST: u32 = 1;
const SET: u32 = 2;
const ZSET: u32 = 3;
const HASH: u32 = 4;
const STREAM: u32 = 6;

/// 20 bytes that stand for a set of things, or for a sequence.
#[derive(Clone, Copy, Default)]
pub(super) struct Digest([u8; 20]);

impl Digest {
    /// Adds a thing, in whatever order.
    fn add(&mut self, bytes: &[u8]) {
        let hash = Sha1::digest(bytes);
        self.0
            .iter_mut()
            .zip(hash)
            .for_each(|(byte, other)| *byte ^= other);
    }

    /// Adds a thing, in this order.
    fn append(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn append_value(&mut self, entry: &Entry) {
        match (entry.object(), entry.string()) {
            (Some(object), _) => self.append_object(object),
            (None, Some(string)) => {
                self.append(&STRING.to_be_bytes());
                string.with_bytes(|bytes| self.append(bytes));
            }
            (None, None) => {}
        }
        if entry.expiry_ms().is_some() {
            self.add(b"!!expire!!");
        }
    }
}

impl Digest {
    fn append_object(&mut self, object: &Object) {
        match object {
            Object::List(list) => {
                self.append(&LIST.to_be_bytes());
                list.walk(0, End::Tail, usize::MAX, |element| {
                    element.with_bytes(|bytes| self.append(bytes));
                    true
                });
            }
            Object::Set(set) => {
                self.append(&SET.to_be_bytes());
                let members = set.iter();
                members.for_each(|member| member.with_bytes(|bytes| self.add(bytes)));
            }
            Object::Hash(hash) => self.append_hash(hash),
            Object::Zset(zset) => self.append_zset(zset),
            Object::Stream(stream) => self.append_stream(stream),
        }
    }

    fn append_hash(&mut self, hash: &Hash) {
        self.append(&HASH.to_be_bytes());
        for field in hash.iter() {
            let mut digest = Digest::default();
            field.name.with_bytes(|name| digest.append(name));
            field.value.with_bytes(|value| digest.append(value));
            if field.expiry_ms.is_some() {
                digest.add(b"!!hexpire!!");
            }
            self.add(&digest.0);
        }
    }

    fn append_zset(&mut self, zset: &Zset) {
        self.append(&ZSET.to_be_bytes());
        for (member, score) in zset.iter() {
            let mut digest = Digest::default();
            member.with_bytes(|member| digest.append(member));
            digest.append(format_short_f64(score).as_bytes());
            self.add(&digest.0);
        }
    }

    fn append_stream(&mut self, stream: &Stream) {
        self.append(&STREAM.to_be_bytes());
        for entry in stream.entries().range(StreamId::MIN, StreamId::MAX) {
            self.append(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
            for (field, value) in entry.fields {
                field.with_bytes(|field| self.append(field));
                value.with_bytes(|value| self.append(value));
            }
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// Stands for a value; zeros if there is none.
pub(super) fn of_value(entry: Option<&Entry>) -> Digest {
    let mut digest = Digest::default();
    if let Some(entry) = entry {
        digest.append_value(entry);
    }
    digest
}

/// Stands for all keys of all databases with their values; zeros if there are none.
pub(super) fn of_everything(db: &mut Db<'_>) -> Digest {
    let mut all = Digest::default();
    let used: Vec<bool> = db.census().iter().map(|census| census.keys > 0).collect();
    for (index, _) in used.into_iter().enumerate().filter(|(_, is_used)| *is_used) {
        all.append(&(index as u32).to_be_bytes());
        db.for_each_in(index, |entry| {
            let mut digest = Digest::default();
            digest.append(entry.key());
            digest.append_value(entry);
            all.add(&digest.0);
        });
    }
    all
}
