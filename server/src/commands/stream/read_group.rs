//! Reading as one of a group: `XREADGROUP`.

use protocol::Encoder;
use smallvec::SmallVec;
use storage::db::Event;
use storage::value::Stream;
use storage::value::stream::{ConsumerId, GroupMut, Pending, StreamId};

use super::effects::GroupLog;
use super::group::{self, Changes};
use super::read::{Reader, Reading, Streams};
use super::{STREAM, entry, id};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Stir};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const XREADGROUP: Command = Spec {
    name: "XREADGROUP",
    usage: "GROUP group-block(group consumer) [COUNT count:integer] \
        [BLOCK milliseconds:integer] [NOACK] STREAMS streams(key... id...)",
    summary: "Returns new or historical messages from a stream for a consumer in a group. Blocks \
        until a message is available otherwise.",
    since: "5.0.0",
    complexity: "For each stream mentioned: O(M) with M being the number of elements returned. If \
        M is constant (e.g. always asking for the first 10 elements with COUNT), you can consider \
        it O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order \
        to serve the N clients blocked on the stream getting new data.",
    flags: flags!(WRITE | BLOCKING),
    keys: &[Keys::half_behind("STREAMS", 4, key_flags!(RO | ACCESS))],
    ..STREAM
}
.run(xreadgroup);
fn xreadgroup(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let reading = Reading::parse(cx, args, Reader::InGroup)?;
    let (group, consumer) = reading.group.ok_or(Error::GroupMissing)?;
    let mut from = SmallVec::<[From; 4]>::new();
    for (key, word) in reading.streams(args) {
        let stream = cx.db.read_as::<Stream>(key)?;
        if stream.and_then(|stream| stream.group(group)).is_none() {
            return Err(Error::NoGroupToRead {
                key: shown(key),
                group: shown(group),
            });
        }
        from.push(From::parse(word)?);
    }
    let mut reply = Streams::begin(cx.reply.encoder());
    for ((key, _), &from) in reading.streams(args).zip(&from) {
        let visit = Visit {
            key,
            group,
            consumer,
            most: reading.most,
            is_acknowledged: reading.is_acknowledged,
        };
        visit.serve(cx, from, &mut reply)?;
    }
    if reply.end(cx.reply.encoder()) {
        return Ok(Outcome::Done);
    }
    reading.wait(cx, args, Stir::AlsoWithoutKey)
}

/// Where a consumer reads.
#[derive(Clone, Copy)]
enum From {
    /// What nobody of the group has read.
    New,
    /// What it has not acknowledged behind this id.
    Own(StreamId),
}

impl From {
    fn parse(word: &[u8]) -> Result<From> {
        match word {
            b"$" => Err(Error::MeaninglessInGroup('$')),
            b"+" => Err(Error::MeaninglessInGroup('+')),
            b">" => Ok(From::New),
            word => Ok(match id::exact(word)? {
                // Redis has this stand for what is new (t_stream.c, xreadCommand).
                StreamId::MAX => From::New,
                id => From::Own(id),
            }),
        }
    }
}

/// What a consumer wants of one stream.
struct Visit<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
    most: usize,
    is_acknowledged: bool,
}

impl Visit<'_> {
    /// Writes the entries, if that is to be done now.
    fn serve(&self, cx: &mut Ctx<'_>, from: From, reply: &mut Streams) -> Result<()> {
        let (now_ms, is_logged) = (cx.now_ms(), cx.is_logged());
        let Some(mut edit) = cx.db.edit_read_as::<Stream>(self.key, Event::UNSAID)? else {
            return Ok(());
        };
        let mut log = GroupLog::new(&mut cx.effects, is_logged, self.key, self.group);
        let out = cx.reply.encoder();
        group::change(&mut edit, self.group, |group| {
            let (consumer, is_created) = group::see(group, self.consumer, now_ms);
            if is_created && self.is_acknowledged {
                log.consumer(self.consumer);
            }
            let mut changes = Changes::of_new_consumer(is_created);
            match from {
                From::Own(behind) => {
                    let out = reply.stream(out, self.key);
                    self.write_own(out, group, consumer, behind, now_ms);
                }
                From::New if group.entries().last_live_id() > group.last_id() => {
                    let out = reply.stream(out, self.key);
                    self.write_new(out, group, consumer, now_ms, &mut log);
                    changes.count += 1;
                }
                From::New => {}
            }
            changes
        });
        Ok(())
    }

    /// Gives out what is new, and notes who has it.
    fn write_new(
        &self,
        out: &mut Encoder<'_>,
        group: &mut GroupMut<'_>,
        consumer: ConsumerId,
        now_ms: i64,
        log: &mut GroupLog<'_>,
    ) {
        let entries = group.entries();
        let first = group.last_id().next().unwrap_or(StreamId::MAX);
        let given = entries.range(first, StreamId::MAX).take(self.most);
        entry::write_all(
            out,
            given.inspect(|entry| {
                group.read(entries, entry.id);
                if self.is_acknowledged {
                    return;
                }
                let pending = Pending {
                    consumer,
                    delivered_ms: now_ms,
                    count: 1,
                };
                group.assign(entry.id, pending);
                log.claim(group, entry.id, &pending);
            }),
        );
        if !self.is_acknowledged {
            group.note_active(consumer, now_ms);
        }
        log.position(group);
    }

    /// Gives out anew what the consumer has not acknowledged. That is not logged, as in Redis.
    fn write_own(
        &self,
        out: &mut Encoder<'_>,
        group: &mut GroupMut<'_>,
        consumer: ConsumerId,
        behind: StreamId,
        now_ms: i64,
    ) {
        let Some(first) = behind.next() else {
            return out.array(0);
        };
        let own = group.consumer(consumer);
        let ids = own.pending_range(first, StreamId::MAX).take(self.most);
        let ids: Vec<StreamId> = ids.collect();
        out.array(ids.len());
        for id in ids {
            match group.entries().get(id) {
                Some(entry) => {
                    entry::write(out, entry);
                    group.deliver_again(id, now_ms);
                }
                // It has been deleted since.
                None => {
                    out.array(2);
                    id::write(out, id);
                    out.nil_array();
                }
            }
        }
    }
}
