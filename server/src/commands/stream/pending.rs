//! What is pending in a group: `XPENDING`, `XACK`.

use protocol::Encoder;
use storage::db::Event;
use storage::value::Stream;
use storage::value::stream::{Group, Pending, StreamId};

use super::{STREAM, id, no_group, options, range};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const XACK: Command = Spec {
    name: "XACK",
    usage: "key group id...",
    summary: "Returns the number of messages that were successfully acknowledged by the consumer \
        group member of a stream.",
    since: "5.0.0",
    complexity: "O(1) for each message ID processed.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..STREAM
}
.run(xack);
fn xack(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, name) = (args.key(1)?, args.word(2)?);
    let Some(mut edit) = cx.db.edit_read_as::<Stream>(key, Event::UNSAID)? else {
        return cx.reply.integer(0);
    };
    // As in Redis a missing group is told before an id that is none.
    if edit.group(name).is_none() {
        return cx.reply.integer(0);
    }
    let ids = range::parse_ids(args, 3)?;
    edit.hush();
    let acknowledged = edit.change().group_mut(name).map_or(0, |mut group| {
        ids.iter().filter(|&&id| group.acknowledge(id)).count()
    });
    edit.count(acknowledged);
    drop(edit);
    cx.reply.count(acknowledged)
}

pub(super) const XPENDING: Command = Spec {
    name: "XPENDING",
    usage: "key group [filters([IDLE min-idle-time:integer@6.2.0] start end count:integer \
        [consumer])]",
    summary: "Returns the information and entries from a stream consumer group's pending entries \
        list.",
    since: "5.0.0",
    complexity: "O(N) with N being the number of elements returned, so asking for a small fixed \
        number of entries per call is O(1). O(M), where M is the total number of entries scanned \
        when used with the IDLE filter. When the command returns just the summary and the list of \
        consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for \
        iterating every consumer.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[(
        "6.2.0",
        "Added the `IDLE` option and exclusive range intervals.",
    )],
    ..STREAM
}
.run(xpending);
fn xpending(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let filter = Filter::parse(args)?;
    let (key, name) = (args.key(1)?, args.word(2)?);
    let now_ms = cx.now_ms();
    let stream = cx.db.read_as::<Stream>(key)?;
    let group = stream.and_then(|stream| stream.group(name));
    let group = group.ok_or_else(|| no_group(key, name))?;
    let out = cx.reply.encoder();
    match filter {
        None => write_summary(out, group),
        Some(filter) => filter.write(out, group, now_ms),
    }
    Ok(Outcome::Done)
}

fn write_summary(out: &mut Encoder<'_>, group: &Group) {
    out.array(4);
    out.integer(group.pending_len() as i64);
    let mut ids = group.pending_range(StreamId::MIN, StreamId::MAX);
    let Some((first, _)) = ids.next() else {
        out.nil();
        out.nil();
        return out.nil_array();
    };
    let last = ids.next_back().map_or(first, |(last, _)| last);
    id::write(out, first);
    id::write(out, last);
    let consumers = group.consumers().map(|(_, consumer)| consumer);
    let busy = consumers.filter(|consumer| consumer.pending_len() > 0);
    let start = out.mark();
    let mut count = 0;
    for consumer in busy {
        out.array(2);
        out.bulk(consumer.name());
        out.bulk_integer(consumer.pending_len() as i64);
        count += 1;
    }
    out.array_at(start, count);
}

/// Which pending entries are shown.
struct Filter<'a> {
    min_idle_ms: i64,
    first: StreamId,
    last: StreamId,
    most: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// The words behind the group; `None` if there are none.
    fn parse(args: &Args<'a>) -> Result<Option<Filter<'a>>> {
        if args.len() == 3 {
            return Ok(None);
        }
        if !(6..=9).contains(&args.len()) {
            return Err(Error::Syntax);
        }
        let mut min_idle_ms = 0;
        let mut start = 3;
        if args.is(3, "IDLE") {
            min_idle_ms = args.integer(4)?;
            if args.len() < 8 {
                return Err(Error::Syntax);
            }
            start = 5;
        }
        let most = options::count(args, start + 2)?;
        Ok(Some(Filter {
            min_idle_ms,
            first: id::start(args.word(start)?)?,
            last: id::end(args.word(start + 1)?)?,
            most,
            consumer: args.get(start + 3),
        }))
    }

    fn write(&self, out: &mut Encoder<'_>, group: &Group, now_ms: i64) {
        let (first, last) = (self.first, self.last);
        match self.consumer.map(|name| group.find(name)) {
            None => self.write_those(out, group, group.pending_range(first, last), now_ms),
            Some(None) => out.array(0),
            Some(Some(consumer)) => {
                let ids = group.consumer(consumer).pending_range(first, last);
                let pending = ids.filter_map(|id| Some((id, group.pending_of(id)?)));
                self.write_those(out, group, pending, now_ms);
            }
        }
    }

    fn write_those<'g>(
        &self,
        out: &mut Encoder<'_>,
        group: &Group,
        pending: impl Iterator<Item = (StreamId, &'g Pending)>,
        now_ms: i64,
    ) {
        let start = out.mark();
        let mut count = 0;
        let idle = pending.filter(|(_, pending)| {
            self.min_idle_ms == 0 || pending.idle_ms(now_ms) >= self.min_idle_ms
        });
        for (id, pending) in idle.take(self.most) {
            out.array(4);
            id::write(out, id);
            out.bulk(group.consumer(pending.consumer).name());
            out.integer(pending.idle_ms(now_ms).max(0));
            out.integer(pending.count as i64);
            count += 1;
        }
        out.array_at(start, count);
    }
}
