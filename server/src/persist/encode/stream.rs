//! How a stream is written into the base of a rewritten log.
//!
//! As Redis does it (`rewriteStreamObject`, aof.c), but nothing that is pending gets lost: an entry that was deleted
//! before it was acknowledged is added, claimed, and deleted again.

use storage::rdb::encode::Rest;
use storage::value::Stream;
use storage::value::stream::{Entries, Group, StreamId};

use super::PIECE_BYTES;

/// Writes some of the commands that make the stream anew: entries from that one on, and behind the last of them the
/// groups. These are not written in pieces: it is some bytes for each entry that is pending.
pub(super) fn piece(
    key: &[u8],
    stream: &Stream,
    from: StreamId,
    out: &mut Vec<u8>,
) -> Option<Rest> {
    let next = end_of_piece(stream.entries(), from);
    write_entries(key, stream, from, next, out);
    if next.is_none() {
        finish(key, stream, out);
    }
    next.map(Rest::Entries)
}

/// What a word takes besides its own bytes, about. A record has four more than the fields and values of its entry.
const WORD_BYTES: usize = 8;

/// The first entry that is not part of a piece which begins at that id.
fn end_of_piece(entries: &Entries, from: StreamId) -> Option<StreamId> {
    let mut bytes = 0;
    for entry in entries.range(from, StreamId::MAX) {
        if bytes >= PIECE_BYTES {
            return Some(entry.id);
        }
        let words = entry.fields.flat_map(|(name, value)| [name, value]);
        let lengths = words.map(|word| WORD_BYTES + word.with_bytes(<[u8]>::len));
        bytes += 4 * WORD_BYTES + lengths.sum::<usize>();
    }
    None
}

/// Writes everything but the entries.
fn finish(key: &[u8], stream: &Stream, out: &mut Vec<u8>) {
    let ghosts = ghosts(stream, StreamId::MIN, StreamId::MAX);
    for (name, group) in stream.groups() {
        write_group(key, name, group, out);
    }
    remove(key, stream, &ghosts, out);
    let entries = stream.entries();
    let added = as_integer(entries.added()).to_string();
    record(
        out,
        &[
            b"XSETID",
            key,
            entries.last_id().to_string().as_bytes(),
            b"ENTRIESADDED",
            added.as_bytes(),
            b"MAXDELETEDID",
            entries.max_deleted_id().to_string().as_bytes(),
        ],
    );
}

/// As much of a count as the commands take.
fn as_integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn record(out: &mut Vec<u8>, words: &[&[u8]]) {
    protocol::encode_request(words.iter().copied(), out);
}

/// The ids from `first` to `last` that are pending and have no entry any more, in order.
fn ghosts(stream: &Stream, first: StreamId, last: StreamId) -> Vec<StreamId> {
    let entries = stream.entries();
    let groups = stream.groups();
    let pending = groups.flat_map(|(_, group)| group.pending_range(first, last));
    // What is behind the last id could not be put under it again.
    let mut ghosts: Vec<StreamId> = pending
        .map(|(id, _)| id)
        .filter(|&id| id <= entries.last_id() && entries.get(id).is_none())
        .collect();
    ghosts.sort_unstable();
    ghosts.dedup();
    ghosts
}

/// Writes the entries from `from` on, those from `next` on not included.
fn write_entries(
    key: &[u8],
    stream: &Stream,
    from: StreamId,
    next: Option<StreamId>,
    out: &mut Vec<u8>,
) {
    let entries = stream.entries();
    let last = next.and_then(StreamId::previous).unwrap_or(StreamId::MAX);
    let ghosts = ghosts(stream, from, last);
    if entries.is_empty() && ghosts.is_empty() {
        // There is no other way to make a stream that has lost its entries.
        let id = entries.last_id().max(StreamId::new(0, 1)).to_string();
        return record(
            out,
            &[b"XADD", key, b"MAXLEN", b"0", id.as_bytes(), b"x", b"y"],
        );
    }
    let mut ghosts = ghosts.into_iter().peekable();
    for entry in entries.range(from, last) {
        while let Some(ghost) = ghosts.next_if(|&ghost| ghost < entry.id) {
            write_ghost(key, ghost, out);
        }
        protocol::begin_request(3 + 2 * entry.fields.len(), out);
        protocol::encode_word(b"XADD", out);
        protocol::encode_word(key, out);
        entry.id.with_text(|id| protocol::encode_word(id, out));
        for (field, value) in entry.fields {
            field.with_bytes(|field| protocol::encode_word(field, out));
            value.with_bytes(|value| protocol::encode_word(value, out));
        }
    }
    ghosts.for_each(|ghost| write_ghost(key, ghost, out));
}

fn write_ghost(key: &[u8], id: StreamId, out: &mut Vec<u8>) {
    id.with_text(|id| record(out, &[b"XADD", key, id, b"x", b"y"]));
}

fn write_group(key: &[u8], name: &[u8], group: &Group, out: &mut Vec<u8>) {
    let read = group.entries_read().map_or(-1, as_integer);
    group.last_id().with_text(|id| {
        let read = read.to_string();
        record(
            out,
            &[
                b"XGROUP",
                b"CREATE",
                key,
                name,
                id,
                b"ENTRIESREAD",
                read.as_bytes(),
            ],
        );
    });
    for (_, consumer) in group.consumers() {
        record(
            out,
            &[b"XGROUP", b"CREATECONSUMER", key, name, consumer.name()],
        );
    }
    for (id, pending) in group.pending() {
        let consumer = group.consumer(pending.consumer).name();
        let (time, count) = (
            pending.delivered_ms.to_string(),
            as_integer(pending.count).to_string(),
        );
        id.with_text(|id| {
            record(
                out,
                &[
                    b"XCLAIM",
                    key,
                    name,
                    consumer,
                    b"0",
                    id,
                    b"TIME",
                    time.as_bytes(),
                    b"RETRYCOUNT",
                    count.as_bytes(),
                    b"FORCE",
                    b"JUSTID",
                ],
            );
        });
    }
}

/// Removes the entries that were added to be claimed: those in front by trimming, as that leaves no other trace.
fn remove(key: &[u8], stream: &Stream, ghosts: &[StreamId], out: &mut Vec<u8>) {
    if ghosts.is_empty() {
        return;
    }
    let entries = stream.entries();
    if entries.is_empty() {
        return record(out, &[b"XTRIM", key, b"MAXLEN", b"=", b"0"]);
    }
    let first = entries.first_id();
    first.with_text(|first| record(out, &[b"XTRIM", key, b"MINID", b"=", first]));
    for ghost in ghosts.iter().filter(|ghost| **ghost > first) {
        ghost.with_text(|id| record(out, &[b"XDEL", key, id]));
    }
}
