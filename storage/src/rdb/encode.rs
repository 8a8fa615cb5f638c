//! Entries as they stand in files and in what `DUMP` gives.
//!
//! Packed collections are written as they are held, others element by element. What is large is written in
//! pieces, so that nobody has to wait for the whole of it: see [`Rest`].
//! *Source:* `rdb.c` of Redis 7.4.1, whose bytes these are wherever the order of elements is determined.

mod hash;
mod list;
mod stream;

use super::crc64::crc64;
use super::draft::{Compression, Draft};
use super::format::{AUX_TAGS, VERSION_FIELD_EXPIRY, kind, opcode};
use crate::entry::Entry;
use crate::evict::{Access, Clock, idle_ms};
use crate::snapshot::Encode;
use crate::value::stream::StreamId;
use crate::value::zset::Direction;
use crate::value::{Object, Set, Str, Zset, hash as hashes, set as sets};

/// What is not larger is written at once.
const PIECE_ELEMENTS: usize = 1024;

/// A piece ends behind so many bytes: copying them takes some tens of microseconds.
const PIECE_BYTES: usize = 64 * 1024;

/// How a collection goes on that was begun and is not written to its end.
///
/// It means something only while the collection stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// With that node of a list.
    Nodes(usize),
    /// With the members of that hash and those above.
    Members(u64),
    /// The same of fields, whose expiries are relative to a moment if there are any.
    Fields(u64, Option<i64>),
    /// With so many members that have the lowest scores.
    Lowest(usize),
    /// With the nodes of a stream from that id on.
    Entries(StreamId),
}

/// What a snapshot tells of the past of entries, for those who evict by it (`maxmemory-policy`).
#[derive(Clone, Copy, Debug)]
pub enum Recency {
    /// Nothing.
    None,
    /// How long they have been idle.
    Idle(Clock),
    /// How often they are used.
    Frequency(Access, Clock),
}

/// How the entries of a file are written.
#[derive(Clone, Copy, Debug)]
pub struct FileEntries {
    /// The version of the file.
    pub version: u16,
    /// What is told of their past.
    pub recency: Recency,
}

impl Encode for FileEntries {
    fn begin(
        &self,
        _: usize,
        entry: &Entry,
        tags: &mut dyn Iterator<Item = &[u8]>,
        out: &mut Draft,
    ) -> Option<Rest> {
        write_tags(tags, out);
        if self.version < VERSION_FIELD_EXPIRY
            && let Some(Object::Stream(stream)) = entry.object()
        {
            stream::write_active(stream, out);
        }
        if let Some(expiry_ms) = entry.expiry_ms() {
            out.byte(opcode::EXPIRETIME_MS);
            out.raw(&expiry_ms.to_le_bytes());
        }
        self.recency.write(entry, out);
        out.byte(kind_of(entry, self.version));
        out.text(entry.key());
        begin_value(entry, self.version, out)
    }

    fn go_on(&self, entry: &Entry, rest: Rest, out: &mut Draft) -> Option<Rest> {
        go_on(entry, rest, self.version, out)
    }
}

impl Recency {
    fn write(self, entry: &Entry, out: &mut Draft) {
        match self {
            Recency::None => {}
            Recency::Idle(clock) => {
                out.byte(opcode::IDLE);
                out.length(idle_ms(entry.access(), clock) / 1000);
            }
            Recency::Frequency(access, clock) => {
                if let Some(count) = access.frequency(entry.access(), clock) {
                    out.raw(&[opcode::FREQ, u8::try_from(count).unwrap_or(u8::MAX)]);
                }
            }
        }
    }
}

/// Writes the tags of the next entry, if it has any.
fn write_tags(tags: &mut dyn Iterator<Item = &[u8]>, out: &mut Draft) {
    let Some(first) = tags.next() else { return };
    out.byte(opcode::AUX);
    out.plain(AUX_TAGS);
    let mut names = Draft::default();
    names.plain(first);
    tags.for_each(|tag| names.plain(tag));
    out.plain(&names.bytes);
}

/// What `DUMP` gives for an entry, without its key: as Redis 7.4 does.
pub fn dump(entry: &Entry, compression: Compression) -> Vec<u8> {
    let mut draft = Draft::default();
    draft.byte(kind_of(entry, VERSION_FIELD_EXPIRY));
    let mut rest = begin_value(entry, VERSION_FIELD_EXPIRY, &mut draft);
    while let Some(from) = rest {
        rest = go_on(entry, from, VERSION_FIELD_EXPIRY, &mut draft);
    }
    sealed(&draft, compression)
}

/// What is written, with version and checksum behind it.
pub(super) fn sealed(draft: &Draft, compression: Compression) -> Vec<u8> {
    let mut out = Vec::with_capacity(draft.bytes.len() + super::format::DUMP_FOOTER_BYTES);
    let written = draft.write_to(compression, &mut out);
    written.expect("nothing keeps a vector from growing");
    out.extend(VERSION_FIELD_EXPIRY.to_le_bytes());
    out.extend(crc64(&out).to_le_bytes());
    out
}

/// The type under which a value is written.
fn kind_of(entry: &Entry, version: u16) -> u8 {
    let is_new = version >= VERSION_FIELD_EXPIRY;
    match entry.object() {
        None => kind::STRING,
        Some(Object::List(_)) => kind::LIST_QUICKLIST_2,
        Some(Object::Set(set)) => match set.form() {
            sets::Form::Integers(_) => kind::SET_INTSET,
            sets::Form::Packed(_) if is_new => kind::SET_LISTPACK,
            sets::Form::Packed(_) | sets::Form::Many => kind::SET,
        },
        Some(Object::Zset(zset)) => match zset.as_packed() {
            Some(_) => kind::ZSET_LISTPACK,
            None => kind::ZSET_2,
        },
        Some(Object::Hash(hash)) => match hash.form() {
            hashes::Form::Triples(_) if is_new => kind::HASH_LISTPACK_EX,
            hashes::Form::Pairs(_) | hashes::Form::Triples(_) => kind::HASH_LISTPACK,
            hashes::Form::Many if hash.has_expiries() => kind::HASH_METADATA,
            hashes::Form::Many => kind::HASH,
        },
        Some(Object::Stream(_)) if is_new => kind::STREAM_LISTPACKS_3,
        Some(Object::Stream(_)) => kind::STREAM_LISTPACKS_2,
    }
}

/// Writes a value, or how it begins.
fn begin_value(entry: &Entry, version: u16, out: &mut Draft) -> Option<Rest> {
    match entry.object() {
        None => {
            out.string(entry.string().unwrap_or(Str::Bytes(b"")));
            None
        }
        Some(Object::List(list)) => list::begin(list, out),
        Some(Object::Set(set)) => begin_set(set, version, out),
        Some(Object::Zset(zset)) => begin_zset(zset, out),
        Some(Object::Hash(fields)) => hash::begin(fields, version, out),
        Some(Object::Stream(entries)) => stream::begin(entries, version, out),
    }
}

/// Writes the next piece of a value.
fn go_on(entry: &Entry, rest: Rest, version: u16, out: &mut Draft) -> Option<Rest> {
    let full = out.bytes.len() + PIECE_BYTES;
    match (entry.object()?, rest) {
        (Object::List(it), Rest::Nodes(from)) => list::go_on(it, from, full, out),
        (Object::Set(set), Rest::Members(from)) => set_members(set, from, full, out),
        (Object::Zset(zset), Rest::Lowest(left)) => zset_members(zset, left, full, out),
        (Object::Hash(it), Rest::Fields(from, base)) => hash::go_on(it, from, base, full, out),
        (Object::Stream(it), Rest::Entries(from)) => stream::go_on(it, from, version, full, out),
        _ => {
            debug_assert!(false, "{rest:?} is of another value");
            None
        }
    }
}

fn begin_set(set: &Set, version: u16, out: &mut Draft) -> Option<Rest> {
    match set.form() {
        sets::Form::Integers(integers) => out.text(integers.as_bytes()),
        sets::Form::Packed(packed) if version >= VERSION_FIELD_EXPIRY => {
            out.text(packed.as_bytes());
        }
        _ => {
            out.count(set.len());
            if set.len() > PIECE_ELEMENTS {
                return Some(Rest::Members(0));
            }
            set.iter().for_each(|member| out.item(member));
        }
    }
    None
}

fn set_members(set: &Set, from: u64, full: usize, out: &mut Draft) -> Option<Rest> {
    let mut from = from;
    loop {
        let step = set.walk(from);
        step.members.for_each(|member| out.item(member));
        from = step.next?;
        if out.bytes.len() >= full {
            return Some(Rest::Members(from));
        }
    }
}

fn begin_zset(zset: &Zset, out: &mut Draft) -> Option<Rest> {
    match zset.as_packed() {
        Some(packed) => {
            out.text(packed.as_bytes());
            None
        }
        None => {
            out.count(zset.len());
            Some(Rest::Lowest(zset.len()))
        }
    }
}

/// Writes members with the highest scores first, as Redis does, for which they are faster to read so.
fn zset_members(zset: &Zset, left: usize, full: usize, out: &mut Draft) -> Option<Rest> {
    let mut left = left;
    for (member, score) in zset.range(0..left, Direction::Descending) {
        out.item(member);
        out.raw(&score.to_le_bytes());
        left -= 1;
        if out.bytes.len() >= full {
            break;
        }
    }
    (left > 0).then_some(Rest::Lowest(left))
}
