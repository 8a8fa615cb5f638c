//! Streams.

use super::super::error::Error;
use super::super::format::kind;
use super::super::input::Input;
use super::listpack;
use crate::value::Stream;
use crate::value::stream::{ConsumerId, Entries, Group, Pending, StreamId};

/// In the place of how many entries a group has read: not known.
const UNKNOWN: u64 = u64::MAX;
/// In the place of when a consumer was active: never.
const NEVER_MS: i64 = -1;

/// Reads a stream; one without entries is a stream as well.
pub(super) fn read(kind: u8, input: &mut Input<'_>) -> Result<Stream, Error> {
    let mut stream = Stream::from(entries(kind, input)?);
    for _ in 0..input.length()? {
        let name = input.string()?.to_vec();
        let group = group(kind, input, stream.entries())?;
        if !stream.add_group(&name, group) {
            return Err(Error::Malformed("Duplicated consumer group name"));
        }
    }
    Ok(stream)
}

/// Notes when consumers were active, as it stands in front of a stream.
pub(in crate::rdb) fn note_active(stream: &mut Stream, times: &[u8]) -> Result<(), Error> {
    const TIME_BYTES: usize = size_of::<i64>();
    let consumers: usize = stream.groups().map(|(_, it)| it.consumers_len()).sum();
    let (times, rest) = times.as_chunks::<TIME_BYTES>();
    if times.len() != consumers || !rest.is_empty() {
        return Err(Error::Malformed("Times of consumers that are not whole"));
    }
    let mut times = times.iter().map(|time| i64::from_le_bytes(*time));
    let names: Vec<Box<[u8]>> = stream.groups().map(|(name, _)| name.into()).collect();
    for name in names {
        let Some(mut group) = stream.group_mut(&name) else {
            continue;
        };
        let ids: Vec<ConsumerId> = group.consumers().map(|(id, _)| id).collect();
        for (id, time) in ids.into_iter().zip(&mut times) {
            group.set_active(id, Some(time).filter(|&it| it != NEVER_MS));
        }
    }
    Ok(())
}

fn entries(kind: u8, input: &mut Input<'_>) -> Result<Entries, Error> {
    let mut entries = Entries::default();
    for _ in 0..input.length()? {
        let master = node_id(input)?;
        entries
            .append_node(master, listpack(input)?)
            .map_err(|_| Error::Malformed("Stream listpack integrity check failed."))?;
    }
    // How many there are is told by the nodes.
    let told = input.length()?;
    if told > 0 && entries.is_bare() {
        return Err(Error::Malformed(
            "Stream length inconsistent with rax entries",
        ));
    }
    let last_id = id(input)?;
    if entries.last_slot_id().is_some_and(|last| last > last_id) {
        return Err(Error::Malformed("A stream with entries behind its last id"));
    }
    entries.set_last_id(last_id);
    if kind == kind::STREAM_LISTPACKS {
        entries.set_added(entries.len() as u64);
    } else {
        // The first id, which the nodes tell.
        id(input)?;
        entries.set_max_deleted_id(id(input)?);
        entries.set_added(input.length()?);
    }
    Ok(entries)
}

/// An id as two lengths.
fn id(input: &mut Input<'_>) -> Result<StreamId, Error> {
    Ok(StreamId::new(input.length()?, input.length()?))
}

/// An id as the key of a node, which is a string.
fn node_id(input: &mut Input<'_>) -> Result<StreamId, Error> {
    let key = input.string()?.to_vec();
    let key = key.first_chunk().filter(|it| it.len() == key.len());
    let key = key.ok_or(Error::Malformed(
        "Stream node key entry is not the size of a stream ID",
    ));
    key.map(|key| raw(*key))
}

/// An id as sixteen bytes.
fn raw_id(input: &mut Input<'_>) -> Result<StreamId, Error> {
    input.array().map(raw)
}

fn raw(bytes: [u8; 16]) -> StreamId {
    let number = u128::from_be_bytes(bytes);
    StreamId::new((number >> 64) as u64, number as u64)
}

fn group(kind: u8, input: &mut Input<'_>, entries: &Entries) -> Result<Group, Error> {
    let last_id = id(input)?;
    let entries_read = match kind {
        kind::STREAM_LISTPACKS => entries.count_up_to(last_id),
        _ => Some(input.length()?).filter(|&it| it != UNKNOWN),
    };
    let mut group = Group::new(last_id, entries_read);
    let mut unclaimed = Unclaimed::read(input)?;
    for _ in 0..input.length()? {
        consumer(kind, input, &mut group, &mut unclaimed)?;
    }
    if unclaimed.left > 0 {
        return Err(Error::Malformed("NACK entry without consumer"));
    }
    Ok(group)
}

fn consumer(
    kind: u8,
    input: &mut Input<'_>,
    group: &mut Group,
    unclaimed: &mut Unclaimed,
) -> Result<(), Error> {
    let name = input.string()?.to_vec();
    let seen_ms = input.milliseconds()?;
    let consumer = group
        .add_consumer(&name, seen_ms)
        .map_err(|_| Error::Malformed("Duplicate stream consumer detected"))?;
    let active_ms = match kind {
        kind::STREAM_LISTPACKS_3 => input.milliseconds()?,
        _ => seen_ms,
    };
    if active_ms != NEVER_MS {
        group.note_active(consumer, active_ms);
    }
    for _ in 0..input.length()? {
        let id = raw_id(input)?;
        let (delivered_ms, count) = unclaimed.claim(id)?;
        let pending = Pending {
            consumer,
            delivered_ms,
            count,
        };
        group.assign(id, pending);
    }
    Ok(())
}

/// What is pending in a group, before it is said of whom.
struct Unclaimed {
    /// In order; what is claimed is `None`.
    rows: Vec<(StreamId, Option<(i64, u64)>)>,
    left: usize,
}

impl Unclaimed {
    fn read(input: &mut Input<'_>) -> Result<Unclaimed, Error> {
        let mut rows = Vec::new();
        for _ in 0..input.length()? {
            let id = raw_id(input)?;
            let delivered_ms = input.milliseconds()?;
            rows.push((id, Some((delivered_ms, input.length()?))));
        }
        rows.sort_by_key(|&(id, _)| id);
        if rows.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::Malformed(
                "Duplicated global PEL entry loading stream consumer group",
            ));
        }
        let left = rows.len();
        Ok(Unclaimed { rows, left })
    }

    fn claim(&mut self, id: StreamId) -> Result<(i64, u64), Error> {
        let found = self.rows.binary_search_by_key(&id, |&(id, _)| id);
        let row = found.ok().and_then(|at| self.rows[at].1.take());
        self.left -= usize::from(row.is_some());
        row.ok_or(Error::Malformed(
            "Consumer entry not found in group global PEL",
        ))
    }
}
