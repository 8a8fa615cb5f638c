//! Entries by their ids: `XLEN`, `XRANGE`, `XREVRANGE`, `XDEL`.

use smallvec::SmallVec;
use storage::db::Event;
use storage::value::Stream;
use storage::value::stream::StreamId;

use super::{STREAM, entry, id, options};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const XLEN: Command = Spec {
    name: "XLEN",
    usage: "key",
    summary: "Return the number of messages in a stream.",
    since: "5.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..STREAM
}
.run(xlen);
fn xlen(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let stream = cx.db.read_as::<Stream>(args.key(1)?)?;
    let length = stream.map_or(0, Stream::len);
    cx.reply.count(length)
}

pub(super) const XRANGE: Command = Spec {
    name: "XRANGE",
    usage: "key start end [COUNT count:integer]",
    summary: "Returns the messages from a stream within a range of IDs.",
    since: "5.0.0",
    complexity: "O(N) with N being the number of elements being returned. If N is constant (e.g. \
        always asking for the first 10 elements with COUNT), you can consider it O(1).",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("6.2.0", "Added exclusive ranges.")],
    ..STREAM
}
.run(xrange);
fn xrange(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let first = id::start(args.word(2)?)?;
    let last = id::end(args.word(3)?)?;
    let count = parse_count(args)?;
    let Some(stream) = cx.db.read_as::<Stream>(args.key(1)?)? else {
        cx.reply.array(0);
        return Ok(Outcome::Done);
    };
    if count == Some(0) {
        cx.reply.encoder().nil_array();
        return Ok(Outcome::Done);
    }
    let entries = stream.entries().range(first, last);
    entry::write_all(
        cx.reply.encoder(),
        entries.take(count.unwrap_or(usize::MAX)),
    );
    Ok(Outcome::Done)
}

pub(super) const XREVRANGE: Command = Spec {
    name: "XREVRANGE",
    usage: "key end start [COUNT count:integer]",
    summary: "Returns the messages from a stream within a range of IDs in reverse order.",
    since: "5.0.0",
    complexity: "O(N) with N being the number of elements returned. If N is constant (e.g. always \
        asking for the first 10 elements with COUNT), you can consider it O(1).",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("6.2.0", "Added exclusive ranges.")],
    ..STREAM
}
.run(xrevrange);
fn xrevrange(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let first = id::start(args.word(3)?)?;
    let last = id::end(args.word(2)?)?;
    let count = parse_count(args)?;
    let Some(stream) = cx.db.read_as::<Stream>(args.key(1)?)? else {
        cx.reply.array(0);
        return Ok(Outcome::Done);
    };
    if count == Some(0) {
        cx.reply.encoder().nil_array();
        return Ok(Outcome::Done);
    }
    let entries = stream.entries().range_back(first, last);
    entry::write_all(
        cx.reply.encoder(),
        entries.take(count.unwrap_or(usize::MAX)),
    );
    Ok(Outcome::Done)
}

fn parse_count(args: &Args<'_>) -> Result<Option<usize>> {
    let mut count = None;
    for index in (4..args.len()).step_by(2) {
        if !args.is(index, "COUNT") || index + 1 >= args.len() {
            return Err(Error::Syntax);
        }
        count = Some(options::count(args, index + 1)?);
    }
    Ok(count)
}

pub(super) const XDEL: Command = Spec {
    name: "XDEL",
    usage: "key id...",
    summary: "Returns the number of messages after removing them from a stream.",
    since: "5.0.0",
    complexity: "O(1) for each single item to delete in the stream, regardless of the stream \
        size.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    ..STREAM
}
.run(xdel);
fn xdel(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    // As in Redis a missing key is told before an id that is none.
    let Some(mut edit) = cx.db.edit_as::<Stream>(key, Event::stream("xdel"))? else {
        return cx.reply.integer(0);
    };
    let ids = parse_ids(args, 2)?;
    let entries = edit.change().entries_mut();
    let deleted = ids.iter().filter(|&&id| entries.delete(id)).count();
    edit.count(deleted);
    drop(edit);
    cx.reply.count(deleted)
}

/// The ids from `index` on.
pub(super) fn parse_ids(args: &Args<'_>, index: usize) -> Result<SmallVec<[StreamId; 8]>> {
    args.from(index).iter().map(id::exact).collect()
}
