//! Adding entries, and setting where the next is added: `XADD`, `XSETID`.

use storage::db::Event;
use storage::value::Stream;
use storage::value::stream::{Entries, MOST_BYTES, NewId, StreamId, Trim};

use super::trim::{self, TrimOptions, Trimmed};
use super::{STREAM, id};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

const EVENT: Event = Event::stream("xadd");

pub(super) const XADD: Command = Spec {
    name: "XADD",
    usage: "key [NOMKSTREAM@6.2.0] [trim(strategy(MAXLEN|MINID@6.2.0) \
        [operator(equal==|approximately=~)] threshold [LIMIT count:integer@6.2.0])] \
        id-selector(auto-id=*|id) data(field value)...",
    summary: "Appends a new message to a stream. Creates the key if it doesn't exist.",
    since: "5.0.0",
    complexity: "O(1) when adding a new entry, O(N) when trimming where N being the number of \
        entries evicted.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))
        .noted("UPDATE instead of INSERT because of the optional trimming feature")],
    tips: &["nondeterministic_output"],
    history: &[
        (
            "6.2.0",
            "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option.",
        ),
        ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),
    ],
    ..STREAM
}
.run(xadd);
fn xadd(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let wanted = Addition::parse(cx, args)?;
    let limits = cx.server.settings.node_limits();
    let key = args.key(1)?;
    let mut edit = match wanted.is_only_added {
        false => cx.db.upsert::<Stream>(key, EVENT)?,
        true => match cx.db.edit_as(key, EVENT)? {
            Some(edit) => edit,
            None => return cx.reply.nil(),
        },
    };
    let entries = edit.change().entries_mut();
    let id = match new_id(entries, wanted.id) {
        Ok(id) => id,
        Err(error) => {
            edit.count(0);
            return Err(error);
        }
    };
    entries.push(id, wanted.pairs(args), limits);
    let trimmed = wanted.trim.map(|trim| trim::shorten(&mut edit, trim));
    drop(edit);
    if let Some(trimmed) = &trimmed
        && trimmed.count > 0
    {
        cx.db.add_event(key, trim::EVENT);
    }
    if wanted.is_logged_anew() && cx.is_logged() {
        wanted.log(cx, args, id, trimmed.as_ref());
    }
    id::write(cx.reply.encoder(), id);
    Ok(Outcome::Done)
}

fn new_id(entries: &Entries, wanted: NewId) -> Result<StreamId> {
    if entries.last_id() == StreamId::MAX {
        return Err(Error::StreamExhausted);
    }
    entries.new_id(wanted).ok_or(Error::StreamIdTooSmall)
}

/// What a request says of the new entry.
struct Addition {
    /// Whether there is to be no new key.
    is_only_added: bool,
    trim_options: TrimOptions,
    trim: Option<Trim>,
    id: NewId,
    /// Where the id stands, the fields behind it.
    id_at: usize,
}

impl Addition {
    fn parse(cx: &Ctx<'_>, args: &Args<'_>) -> Result<Addition> {
        let mut trim_options = TrimOptions::default();
        let mut is_only_added = false;
        let mut id_at = 2;
        let mut id = None;
        while id.is_none() {
            match trim_options.read(args, id_at)? {
                0 if id_at >= args.len() => break,
                0 if args.is(id_at, "NOMKSTREAM") => {
                    is_only_added = true;
                    id_at += 1;
                }
                0 => id = Some(parse_id(cx, args.word(id_at)?)?),
                words => id_at += words,
            }
        }
        let keep = trim_options.keep()?;
        let limit = trim_options.limit(cx)?;
        let words = args.len().saturating_sub(id_at + 1);
        let id = id.filter(|_| words > 0 && words.is_multiple_of(2));
        let id = id.ok_or_else(|| Error::WrongArity(cx.command_name().to_owned()))?;
        if id == NewId::Exactly(StreamId::MIN) {
            return Err(Error::StreamIdZero);
        }
        let bytes = args.from(id_at + 1).iter().map(<[u8]>::len).sum::<usize>();
        if bytes > MOST_BYTES {
            return Err(Error::StreamEntryTooLarge);
        }
        Ok(Addition {
            is_only_added,
            trim: keep.map(|keep| trim_options.trim(keep, limit)),
            trim_options,
            id,
            id_at,
        })
    }

    fn pairs<'a>(
        &self,
        args: &Args<'a>,
    ) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone {
        let word = |index: usize| args.get(index).unwrap_or_default();
        let fields = (self.id_at + 1..args.len()).step_by(2);
        fields.map(move |index| (word(index), word(index + 1)))
    }

    /// Whether replaying the request as it was sent could do something else.
    fn is_logged_anew(&self) -> bool {
        let is_approximate = self.trim.is_some_and(|trim| trim.is_approximate);
        is_approximate || !self.is_id_given()
    }

    fn is_id_given(&self) -> bool {
        matches!(self.id, NewId::Exactly(_))
    }

    fn log(&self, cx: &mut Ctx<'_>, args: &Args<'_>, id: StreamId, trimmed: Option<&Trimmed>) {
        let kept = trimmed.map_or(&b""[..], |trimmed| &trimmed.kept);
        id.with_text(|id| {
            cx.effects.replace((0..args.len()).map(|index| {
                if index == self.id_at && !self.is_id_given() {
                    id
                } else {
                    self.trim_options.logged_word(args, index, kept)
                }
            }));
        });
    }
}

fn parse_id(cx: &Ctx<'_>, word: &[u8]) -> Result<NewId> {
    if word == b"*" {
        return Ok(NewId::Now(cx.now_ms().unsigned_abs()));
    }
    match id::open(word) {
        Some(ms) => Ok(NewId::Within(ms)),
        None => id::exact(word).map(NewId::Exactly),
    }
}

pub(super) const XSETID: Command = Spec {
    name: "XSETID",
    usage: "key last-id [ENTRIESADDED entries-added:integer@7.0.0] \
        [MAXDELETEDID max-deleted-id@7.0.0]",
    summary: "An internal command for replicating stream values.",
    since: "5.0.0",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    history: &[(
        "7.0.0",
        "Added the `entries_added` and `max_deleted_entry_id` arguments.",
    )],
    ..STREAM
}
.run(xsetid);
fn xsetid(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let past = Past::parse(args)?;
    let edit = cx
        .db
        .edit_as::<Stream>(args.key(1)?, Event::stream("xsetid"))?;
    let mut edit = edit.ok_or(Error::NoSuchKey)?;
    past.check(edit.entries())?;
    edit.hush();
    let entries = edit.change().entries_mut();
    entries.set_last_id(past.last_id);
    if let Some(added) = past.added {
        entries.set_added(added);
    }
    if past.max_deleted_id != StreamId::MIN {
        entries.set_max_deleted_id(past.max_deleted_id);
    }
    drop(edit);
    cx.reply.ok()
}

/// What a stream is told of the entries it has had.
struct Past {
    last_id: StreamId,
    added: Option<u64>,
    max_deleted_id: StreamId,
}

impl Past {
    fn parse(args: &Args<'_>) -> Result<Past> {
        let mut past = Past {
            last_id: id::exact(args.word(2)?)?,
            added: None,
            max_deleted_id: StreamId::MIN,
        };
        let mut index = 3;
        while index < args.len() {
            if args.is(index, "ENTRIESADDED") && index + 1 < args.len() {
                let added = args.integer(index + 1)?;
                past.added = Some(u64::try_from(added).map_err(|_| Error::EntriesAdded)?);
            } else if args.is(index, "MAXDELETEDID") && index + 1 < args.len() {
                past.max_deleted_id = id::exact(args.word(index + 1)?)?;
                if past.last_id < past.max_deleted_id {
                    return Err(Error::SetIdBelowGiven);
                }
            } else {
                return Err(Error::Syntax);
            }
            index += 2;
        }
        Ok(past)
    }

    /// Whether it fits the entries there are.
    fn check(&self, entries: &Entries) -> Result<()> {
        if self.last_id < entries.max_deleted_id() {
            return Err(Error::SetIdBelowDeleted);
        }
        if self.last_id < entries.last_live_id() {
            return Err(Error::SetIdBelowTop);
        }
        if self.added.is_some_and(|added| added < entries.len() as u64) {
            return Err(Error::EntriesAddedBelowLength);
        }
        Ok(())
    }
}
