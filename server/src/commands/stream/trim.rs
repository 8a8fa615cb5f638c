//! Shortening a stream: `XTRIM`, and what `XADD` has of it.

use storage::db::{EditOf, Event};
use storage::value::Stream;
use storage::value::stream::{Entries, Keep, StreamId, Trim};

use super::{STREAM, id};
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const EVENT: Event = Event::stream("xtrim");

pub(super) const XTRIM: Command = Spec {
    name: "XTRIM",
    usage: "key trim(strategy(MAXLEN|MINID@6.2.0) [operator(equal==|approximately=~)] threshold \
        [LIMIT count:integer@6.2.0])",
    summary: "Deletes messages from the beginning of a stream.",
    since: "5.0.0",
    complexity: "O(N), with N being the number of evicted entries. Constant times are very small \
        however, since entries are organized in macro nodes containing multiple entries that can \
        be released with a single deallocation.",
    flags: flags!(WRITE),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    tips: &["nondeterministic_output"],
    history: &[(
        "6.2.0",
        "Added the `MINID` trimming strategy and the `LIMIT` option.",
    )],
    ..STREAM
}
.run(xtrim);
fn xtrim(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    let mut wanted = TrimOptions::default();
    let mut index = 2;
    while index < args.len() {
        match wanted.read(args, index)? {
            0 => return Err(Error::Syntax),
            words => index += words,
        }
    }
    let keep = wanted.keep()?.ok_or(Error::TrimStrategy)?;
    let trim = wanted.trim(keep, wanted.limit(cx)?);
    let Some(mut edit) = cx.db.edit_as::<Stream>(key, EVENT)? else {
        return cx.reply.integer(0);
    };
    let trimmed = shorten(&mut edit, trim);
    edit.count(trimmed.count);
    drop(edit);
    if trim.is_approximate && trimmed.count > 0 && cx.is_logged() {
        let words = (0..args.len()).map(|index| wanted.logged_word(args, index, &trimmed.kept));
        cx.effects.replace(words);
    }
    cx.reply.count(trimmed.count)
}

/// What a trimming has done.
pub(super) struct Trimmed {
    /// How many entries have gone.
    pub(super) count: usize,
    /// What an approximate trimming has trimmed to exactly, in the words of the command.
    pub(super) kept: Vec<u8>,
}

/// Trims a stream.
pub(super) fn shorten(edit: &mut EditOf<'_, '_, Stream>, trim: Trim) -> Trimmed {
    let mut gone = Entries::default();
    let entries = edit.change().entries_mut();
    let count = entries.trim(&trim, &mut gone);
    let kept = match trim.is_approximate {
        true => threshold(entries, trim.keep),
        false => Vec::new(),
    };
    if !gone.is_bare() {
        edit.discard(Stream::from(gone));
    }
    Trimmed { count, kept }
}

fn threshold(entries: &Entries, keep: Keep) -> Vec<u8> {
    match keep {
        Keep::Last(_) => entries.len().to_string().into_bytes(),
        Keep::From(_) => {
            let first = entries.first_slot_id().unwrap_or(StreamId::MAX);
            first.to_string().into_bytes()
        }
    }
}

/// The options about trimming.
#[derive(Default)]
pub(super) struct TrimOptions {
    keep: Option<Keep>,
    /// Where the threshold stands.
    threshold_at: usize,
    is_approximate: bool,
    limit: Option<usize>,
}

impl TrimOptions {
    /// Reads the option at `index`, and tells how many words it has; 0 if it is another one.
    pub(super) fn read(&mut self, args: &Args<'_>, index: usize) -> Result<usize> {
        if index + 1 >= args.len() {
            return Ok(0);
        }
        if args.is(index, "MAXLEN") || args.is(index, "MINID") {
            return self.read_strategy(args, index);
        }
        if args.is(index, "LIMIT") {
            let limit = args.integer(index + 1)?;
            self.limit = Some(usize::try_from(limit).map_err(|_| Error::TrimLimit)?);
            return Ok(2);
        }
        Ok(0)
    }

    fn read_strategy(&mut self, args: &Args<'_>, index: usize) -> Result<usize> {
        if self.keep.is_some() {
            return Err(Error::TrimStrategies);
        }
        let operator = args.word(index + 1)?;
        let has_operator = index + 2 < args.len() && matches!(operator, b"~" | b"=");
        self.is_approximate = has_operator && operator == b"~";
        self.threshold_at = index + 1 + usize::from(has_operator);
        self.keep = Some(if args.is(index, "MAXLEN") {
            let most = args.integer(self.threshold_at)?;
            Keep::Last(usize::try_from(most).map_err(|_| Error::TrimMaxlen)?)
        } else {
            Keep::From(id::exact(args.word(self.threshold_at)?)?)
        });
        Ok(self.threshold_at + 1 - index)
    }

    /// What stays, if anything is to go.
    pub(super) fn keep(&self) -> Result<Option<Keep>> {
        match (self.keep, self.limit) {
            (None, Some(1..)) => Err(Error::TrimLimitAlone),
            (keep, _) => Ok(keep),
        }
    }

    /// The most entries that go, 0 for no bound.
    pub(super) fn limit(&self, cx: &Ctx<'_>) -> Result<usize> {
        match self.limit {
            // What stands in the log is exact already.
            _ if cx.is_replay() => Ok(0),
            Some(_) if !self.is_approximate => Err(Error::TrimLimitExact),
            None if !self.is_approximate => Ok(0),
            Some(limit) => Ok(limit),
            None => Ok(default_limit(cx.server.settings.node_limits().max_entries)),
        }
    }

    /// What is to be done.
    pub(super) fn trim(&self, keep: Keep, limit: usize) -> Trim {
        Trim {
            keep,
            is_approximate: self.is_approximate,
            limit,
        }
    }

    /// A word of the request as it is logged: with what was trimmed to, and exactly that.
    pub(super) fn logged_word<'w>(
        &self,
        args: &Args<'w>,
        index: usize,
        threshold: &'w [u8],
    ) -> &'w [u8] {
        if self.is_approximate && index == self.threshold_at {
            threshold
        } else if self.is_approximate && index + 1 == self.threshold_at {
            b"="
        } else {
            args.get(index).unwrap_or_default()
        }
    }
}

/// As many entries as some nodes have, so that no trimming takes long.
fn default_limit(node_max_entries: usize) -> usize {
    match node_max_entries {
        0 => 10_000,
        most => most.saturating_mul(100).min(1_000_000),
    }
}
