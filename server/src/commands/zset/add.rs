//! Members and scores that come.

use protocol::number::parse_f64;
use smallvec::SmallVec;
use storage::db::Event;
use storage::value::Zset;
use storage::value::zset::Update;

use super::ZSET;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const ZADD: Command = Spec {
    name: "ZADD",
    usage: "key [condition(NX | XX)@3.0.2] [comparison(GT | LT)@6.2.0] [change=CH@3.0.2] \
        [increment=INCR@3.0.2] data(score:double member)...",
    summary: "Adds one or more members to a sorted set, or updates their scores. Creates the \
        key if it doesn't exist.",
    since: "1.2.0",
    complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted \
        set.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    history: &[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ],
    ..ZSET
}
.run(zadd);
fn zadd(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (conditions, pairs) = Conditions::default().parse(args)?;
    put(cx, args.key(1)?, conditions, pairs)
}

pub(super) const ZINCRBY: Command = Spec {
    name: "ZINCRBY",
    usage: "key increment:integer member",
    summary: "Increments the score of a member in a sorted set.",
    since: "1.2.0",
    complexity: "O(log(N)) where N is the number of elements in the sorted set.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..ZSET
}
.run(zincrby);
fn zincrby(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let increment = Conditions {
        is_increment: true,
        ..Conditions::default()
    };
    // An option of ZADD in the place of the number is taken for one, and then the number is missing.
    let (conditions, pairs) = increment.parse(args)?;
    put(cx, args.key(1)?, conditions, pairs)
}

/// Which scores are put, and how.
#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    /// `NX`: of new members only.
    only_new: bool,
    /// `XX`: of members that are there only.
    only_old: bool,
    /// `GT`: if it is greater than the present one.
    only_greater: bool,
    /// `LT`: if it is less.
    only_less: bool,
    /// `INCR`: added to the present one.
    is_increment: bool,
    /// `CH`: members whose score has changed are counted, too.
    counts_changed: bool,
}

impl Conditions {
    /// These and those that are asked for, and the scores and members behind them.
    fn parse<'a>(self, args: &Args<'a>) -> Result<(Conditions, Args<'a>)> {
        let mut it = self;
        let mut index = 2;
        loop {
            let flag = match args.get(index) {
                Some(word) if word.eq_ignore_ascii_case(b"nx") => &mut it.only_new,
                Some(word) if word.eq_ignore_ascii_case(b"xx") => &mut it.only_old,
                Some(word) if word.eq_ignore_ascii_case(b"gt") => &mut it.only_greater,
                Some(word) if word.eq_ignore_ascii_case(b"lt") => &mut it.only_less,
                Some(word) if word.eq_ignore_ascii_case(b"ch") => &mut it.counts_changed,
                Some(word) if word.eq_ignore_ascii_case(b"incr") => &mut it.is_increment,
                _ => break,
            };
            *flag = true;
            index += 1;
        }
        let pairs = args.from(index);
        if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
            return Err(Error::Syntax);
        }
        it.check(pairs.len() / 2)?;
        Ok((it, pairs))
    }

    fn check(&self, pairs: usize) -> Result<()> {
        if self.only_new && self.only_old {
            return Err(Error::XxWithNx);
        }
        let is_compared = self.only_greater || self.only_less;
        if is_compared && self.only_new || self.only_greater && self.only_less {
            return Err(Error::GtLtNx);
        }
        if self.is_increment && pairs > 1 {
            return Err(Error::IncrOfSeveral);
        }
        Ok(())
    }

    /// The score that a member gets, if any. NaN is none that it may have.
    #[inline]
    fn score(&self, present: Option<f64>, given: f64) -> Option<f64> {
        let Some(present) = present else {
            return (!self.only_old).then_some(given);
        };
        if self.only_new {
            return None;
        }
        let score = if self.is_increment {
            present + given
        } else {
            given
        };
        let is_unfit = self.only_less && score >= present || self.only_greater && score <= present;
        (!is_unfit).then_some(score)
    }
}

/// What has become of all members, and the score that the last one has got.
#[derive(Default)]
struct Tally {
    added: usize,
    changed: usize,
    score: Option<f64>,
}

fn put(cx: &mut Ctx<'_>, key: &[u8], conditions: Conditions, pairs: Args<'_>) -> Result {
    let mut scores: SmallVec<[f64; 8]> = SmallVec::new();
    for index in (0..pairs.len()).step_by(2) {
        scores.push(parse_f64(pairs.word(index)?).ok_or(Error::NotFloat)?);
    }
    let members = (1..pairs.len()).step_by(2).filter_map(|at| pairs.get(at));
    let tally = put_all(cx, key, conditions, &scores, members)?;
    match (conditions.is_increment, tally.score) {
        (true, Some(score)) => cx.reply.encoder().double(score),
        (true, None) => cx.reply.encoder().nil(),
        (false, _) if conditions.counts_changed => {
            return cx.reply.count(tally.added + tally.changed);
        }
        (false, _) => return cx.reply.count(tally.added),
    }
    Ok(Outcome::Done)
}

fn put_all<'a>(
    cx: &mut Ctx<'_>,
    key: &[u8],
    conditions: Conditions,
    scores: &[f64],
    members: impl Iterator<Item = &'a [u8]>,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let limits = cx.limits();
    let event = Event::zset(if conditions.is_increment {
        "zincr"
    } else {
        "zadd"
    });
    let mut edit = if conditions.only_old {
        let Some(edit) = cx.db.edit_as::<Zset>(key, event)? else {
            return Ok(tally);
        };
        edit
    } else {
        cx.db.upsert::<Zset>(key, event)?
    };
    let zset = edit.change();
    let mut members = members.peekable();
    zset.expect(
        scores.len(),
        members.peek().map_or(0, |it| it.len()),
        &limits,
    );
    let mut is_nan = false;
    for (&given, member) in scores.iter().zip(members) {
        let update = zset.update(member, &limits, |present| {
            let score = conditions.score(present, given);
            tally.score = score;
            is_nan = score.is_some_and(f64::is_nan);
            score.filter(|it| !it.is_nan())
        });
        match update {
            Update::Added => tally.added += 1,
            Update::Changed => tally.changed += 1,
            Update::Same => {}
        }
    }
    edit.count(tally.added + tally.changed);
    if is_nan {
        return Err(Error::ScoreIsNan);
    }
    Ok(tally)
}
