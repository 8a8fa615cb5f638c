//! Streams: the nodes as they are, then what the stream knows of itself, then its groups.

use super::Rest;
use crate::rdb::draft::Draft;
use crate::rdb::format::{AUX_ACTIVE, VERSION_FIELD_EXPIRY, opcode};
use crate::value::Stream;
use crate::value::stream::{Consumer, Group, StreamId};

/// What stands for a time that has not come, or a count that is not known.
const NONE: i64 = -1;

/// Writes in front of a stream when its consumers were active, where that is not when they were last seen: a file that
/// Redis 7.0 reads does not say it.
pub(super) fn write_active(stream: &Stream, out: &mut Draft) {
    let consumers = || stream.groups().flat_map(|(_, group)| group.consumers());
    if consumers().all(|(_, it)| it.active_ms == Some(it.seen_ms)) {
        return;
    }
    let times = consumers().map(|(_, it)| it.active_ms.unwrap_or(NONE));
    let times: Vec<u8> = times.flat_map(i64::to_le_bytes).collect();
    out.byte(opcode::AUX);
    out.plain(AUX_ACTIVE);
    out.plain(&times);
}

pub(super) fn begin(stream: &Stream, version: u16, out: &mut Draft) -> Option<Rest> {
    let nodes = stream.entries().nodes_len();
    out.count(nodes);
    if nodes == 0 {
        finish(stream, version, out);
        return None;
    }
    Some(Rest::Entries(StreamId::MIN))
}

pub(super) fn go_on(
    stream: &Stream,
    from: StreamId,
    version: u16,
    full: usize,
    out: &mut Draft,
) -> Option<Rest> {
    for (id, node) in stream.entries().nodes_from(from) {
        if out.bytes.len() >= full {
            return Some(Rest::Entries(id));
        }
        out.plain(&id_bytes(id));
        out.text(node);
    }
    finish(stream, version, out);
    None
}

/// Writes what comes behind the nodes. This is not written in pieces: it is some bytes for each entry that is
/// pending.
fn finish(stream: &Stream, version: u16, out: &mut Draft) {
    let entries = stream.entries();
    out.count(entries.len());
    id(entries.last_id(), out);
    id(entries.first_id(), out);
    id(entries.max_deleted_id(), out);
    out.length(entries.added());
    out.count(stream.groups_len());
    for (name, group) in stream.groups() {
        out.text(name);
        write_group(group, version, out);
    }
}

fn write_group(group: &Group, version: u16, out: &mut Draft) {
    id(group.last_id(), out);
    out.length(group.entries_read().unwrap_or(NONE as u64));
    out.count(group.pending_len());
    for (pending_id, pending) in group.pending() {
        out.raw(&id_bytes(pending_id));
        out.raw(&pending.delivered_ms.to_le_bytes());
        out.length(pending.count);
    }
    out.count(group.consumers_len());
    for (_, consumer) in group.consumers() {
        write_consumer(consumer, version, out);
    }
}

fn write_consumer(consumer: &Consumer, version: u16, out: &mut Draft) {
    out.text(consumer.name());
    out.raw(&consumer.seen_ms.to_le_bytes());
    if version >= VERSION_FIELD_EXPIRY {
        out.raw(&consumer.active_ms.unwrap_or(NONE).to_le_bytes());
    }
    out.count(consumer.pending_len());
    consumer
        .pending()
        .for_each(|pending| out.raw(&id_bytes(pending)));
}

fn id(id: StreamId, out: &mut Draft) {
    out.length(id.ms);
    out.length(id.seq);
}

/// An id as a key of Redis' radix tree: both halves big-endian.
fn id_bytes(id: StreamId) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&id.ms.to_be_bytes());
    bytes[8..].copy_from_slice(&id.seq.to_be_bytes());
    bytes
}
