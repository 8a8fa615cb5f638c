//! Reading on where one has stopped: `XREAD`, and what `XREADGROUP` has of it.

use std::ops::Range;

use protocol::{Encoder, Mark, Request, Version};
use smallvec::SmallVec;
use storage::value::Stream;
use storage::value::stream::StreamId;

use super::{STREAM, entry, id, options};
use crate::command::{Args, Command, Ctx, Error, Nothing, Outcome, Result, Stir, Wanted, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const XREAD: Command = Spec {
    name: "XREAD",
    usage: "[COUNT count:integer] [BLOCK milliseconds:integer] STREAMS streams(key... id...)",
    summary: "Returns messages from multiple streams with IDs greater than the ones requested. \
        Blocks until a message is available otherwise.",
    since: "5.0.0",
    complexity: "",
    flags: flags!(READONLY | BLOCKING),
    keys: &[Keys::half_behind("STREAMS", 1, key_flags!(RO | ACCESS))],
    ..STREAM
}
.run(xread);
fn xread(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let reading = Reading::parse(cx, args, Reader::Alone)?;
    let mut behind = SmallVec::<[StreamId; 4]>::new();
    for (key, word) in reading.streams(args) {
        let stream = cx.db.read_as::<Stream>(key)?;
        behind.push(resolve(stream, word)?);
    }
    let mut reply = Streams::begin(cx.reply.encoder());
    for ((key, _), &behind) in reading.streams(args).zip(&behind) {
        // Redis looks twice as well, which counts as two hits or misses.
        let entries = cx.db.read_as::<Stream>(key)?.map(Stream::entries);
        let Some(entries) = entries.filter(|entries| entries.last_live_id() > behind) else {
            continue;
        };
        let Some(first) = behind.next() else {
            continue;
        };
        let out = reply.stream(cx.reply.encoder(), key);
        let entries = entries.range(first, StreamId::MAX);
        entry::write_all(out, entries.take(reading.most));
    }
    if reply.end(cx.reply.encoder()) {
        return Ok(Outcome::Done);
    }
    reading.hold_last_ids(cx, args, &behind);
    reading.wait(cx, args, Stir::WithKey)
}

/// The id that entries are to be behind.
fn resolve(stream: Option<&Stream>, word: &[u8]) -> Result<StreamId> {
    let last_id = stream.map(|stream| stream.entries().last_id());
    match word {
        b"$" => Ok(last_id.unwrap_or(StreamId::MIN)),
        // The last entry, if it is still there.
        b"+" => match last_id {
            Some(last_id) => last_id.previous().ok_or(Error::StreamNoLastId),
            None => Ok(StreamId::MIN),
        },
        b">" => Err(Error::NewOutsideGroup),
        word => id::exact(word),
    }
}

/// Which of the two commands it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// `XREAD`
    Alone,
    /// `XREADGROUP`
    InGroup,
}

/// What a request asks for.
pub(super) struct Reading<'a> {
    /// The most entries of each stream.
    pub most: usize,
    /// The group and the consumer.
    pub group: Option<(&'a [u8], &'a [u8])>,
    pub is_acknowledged: bool,
    /// Until when it waits; `None` inside waits for ever.
    deadline_ms: Option<Option<i64>>,
    /// Where the keys stand, as many ids behind them.
    keys: Range<usize>,
}

impl<'a> Reading<'a> {
    pub(super) fn parse(cx: &Ctx<'_>, args: &Args<'a>, reader: Reader) -> Result<Reading<'a>> {
        let mut reading = Reading {
            most: usize::MAX,
            group: None,
            is_acknowledged: false,
            deadline_ms: None,
            keys: 0..0,
        };
        let mut index = 1;
        while index < args.len() && reading.keys.is_empty() {
            index += reading.read(cx, args, index, reader)?;
        }
        if reading.keys.is_empty() {
            return Err(Error::Syntax);
        }
        if reader == Reader::InGroup && reading.group.is_none() {
            return Err(Error::GroupMissing);
        }
        Ok(reading)
    }

    /// Reads the option at `index` and gives how many words it has.
    fn read(
        &mut self,
        cx: &Ctx<'_>,
        args: &Args<'a>,
        index: usize,
        reader: Reader,
    ) -> Result<usize> {
        let following = args.len() - index - 1;
        if args.is(index, "BLOCK") && following >= 1 {
            self.deadline_ms = Some(args.deadline_of_millis(index + 1, cx.now_ms())?);
            Ok(2)
        } else if args.is(index, "COUNT") && following >= 1 {
            self.most = options::unless_zero(options::count(args, index + 1)?);
            Ok(2)
        } else if args.is(index, "STREAMS") && following >= 1 {
            self.keys = keys_behind(args, index).ok_or(match reader {
                Reader::Alone => Error::UnbalancedStreams("xread", '$'),
                Reader::InGroup => Error::UnbalancedStreams("xreadgroup", '>'),
            })?;
            Ok(following + 1)
        } else if args.is(index, "GROUP") && following >= 2 {
            if reader == Reader::Alone {
                return Err(Error::OutsideGroup("GROUP"));
            }
            self.group = Some((args.word(index + 1)?, args.word(index + 2)?));
            Ok(3)
        } else if args.is(index, "NOACK") {
            if reader == Reader::Alone {
                return Err(Error::OutsideGroup("NOACK"));
            }
            self.is_acknowledged = true;
            Ok(1)
        } else {
            Err(Error::Syntax)
        }
    }

    /// Keys, with the words that stand for where to read.
    pub(super) fn streams<'r>(
        &'r self,
        args: &'r Args<'a>,
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'r, 'a> {
        let count = self.keys.len();
        let word = move |index: usize| args.get(index).unwrap_or_default();
        self.keys
            .clone()
            .map(move |index| (word(index), word(index + count)))
    }

    /// Lets `$` stand for what was last now, not for what will be last when the wait is over.
    fn hold_last_ids(&self, cx: &mut Ctx<'_>, args: &Args<'_>, ids: &[StreamId]) {
        if self.deadline_ms.is_none() || !self.streams(args).any(|(_, word)| word == b"$") {
            return;
        }
        let first = self.keys.end;
        let request = args.iter().enumerate().map(|(index, word)| {
            let id = index.checked_sub(first).and_then(|index| ids.get(index));
            match id {
                Some(id) if word == b"$" => id.to_string().into_bytes(),
                _ => word.to_vec(),
            }
        });
        cx.again = Some(request.collect::<Request>());
    }

    /// Answers that there is nothing, now or when the time is over.
    pub(super) fn wait(&self, cx: &mut Ctx<'_>, args: &Args<'_>, stir: Stir) -> Result {
        let Some(deadline_ms) = self.deadline_ms else {
            cx.reply.encoder().nil_array();
            return Ok(Outcome::Done);
        };
        let wanted = Wanted {
            type_name: "stream",
            stir,
            timeout: Nothing::NilArray,
        };
        let keys = self.streams(args).map(|(key, _)| key);
        cx.wait_for_keys(wanted, keys, deadline_ms)
    }
}

/// The words behind `STREAMS` that are keys, if there is an id for each.
fn keys_behind(args: &Args<'_>, streams: usize) -> Option<Range<usize>> {
    let first = streams + 1;
    let words = args.len() - first;
    words.is_multiple_of(2).then_some(first..first + words / 2)
}

/// A reply of several streams with their entries, of those that have any.
pub(super) struct Streams {
    start: Mark,
    count: usize,
}

impl Streams {
    pub(super) fn begin(out: &mut Encoder<'_>) -> Streams {
        Streams {
            start: out.mark(),
            count: 0,
        }
    }

    /// Begins another stream, whose entries are written next.
    pub(super) fn stream<'o, 'e>(
        &mut self,
        out: &'o mut Encoder<'e>,
        key: &[u8],
    ) -> &'o mut Encoder<'e> {
        self.count += 1;
        if out.version() == Version::Resp2 {
            out.array(2);
        }
        out.bulk(key);
        out
    }

    /// Ends the reply, if there is anything in it.
    pub(super) fn end(self, out: &mut Encoder<'_>) -> bool {
        match (self.count, out.version()) {
            (0, _) => return false,
            (count, Version::Resp2) => out.array_at(self.start, count),
            (count, Version::Resp3) => out.map_at(self.start, count),
        }
        true
    }
}
