//! Places that come.

use storage::db::Event;
use storage::value::Zset;
use storage::value::zset::Update;

use super::{GEO, position};
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const GEOADD: Command = Spec {
    name: "GEOADD",
    usage: "key [condition(NX | XX)@6.2.0] [change=CH@6.2.0] data(longitude:double \
        latitude:double member)...",
    summary: "Adds one or more members to a geospatial index. The key is created if it doesn't \
        exist.",
    since: "3.2.0",
    complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted \
        set.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    history: &[("6.2.0", "Added the `CH`, `NX` and `XX` options.")],
    ..GEO
}
.run(geoadd);
fn geoadd(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (conditions, places) = Conditions::parse(args)?;
    let mut scores = Vec::with_capacity(places.len() / 3);
    for index in (0..places.len()).step_by(3) {
        scores.push(position(&places, index)?.score());
    }
    let members = (2..places.len()).step_by(3).filter_map(|at| places.get(at));
    let tally = put(cx, args.key(1)?, conditions, &scores, members.clone())?;
    if tally.added + tally.changed > 0 {
        log(cx, args, &scores, members);
    }
    cx.reply.count(if conditions.counts_changed {
        tally.added + tally.changed
    } else {
        tally.added
    })
}

/// Logs what was put as `ZADD`, as Redis does.
fn log<'a>(
    cx: &mut Ctx<'_>,
    args: &Args<'a>,
    scores: &[f64],
    members: impl Iterator<Item = &'a [u8]>,
) {
    if !cx.is_logged() {
        return;
    }
    let options = args.len() - 3 * scores.len();
    let texts: Vec<String> = scores.iter().map(|score| format!("{score}")).collect();
    let head = (1..options).filter_map(|index| args.get(index));
    let pairs = texts.iter().zip(members);
    let pairs = pairs.flat_map(|(score, member)| [score.as_bytes(), member]);
    cx.effects
        .replace(std::iter::once(&b"zadd"[..]).chain(head).chain(pairs));
}

/// Which places are put.
#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    /// `NX`: of new members only.
    only_new: bool,
    /// `XX`: of members that are there only.
    only_old: bool,
    /// `CH`: members that have moved are counted, too.
    counts_changed: bool,
}

impl Conditions {
    /// The conditions, and the places and members behind them.
    fn parse<'a>(args: &Args<'a>) -> Result<(Conditions, Args<'a>)> {
        let mut it = Conditions::default();
        let mut index = 2;
        loop {
            let flag = match args.get(index) {
                Some(word) if word.eq_ignore_ascii_case(b"nx") => &mut it.only_new,
                Some(word) if word.eq_ignore_ascii_case(b"xx") => &mut it.only_old,
                Some(word) if word.eq_ignore_ascii_case(b"ch") => &mut it.counts_changed,
                _ => break,
            };
            *flag = true;
            index += 1;
        }
        let places = args.from(index);
        if places.is_empty() || !places.len().is_multiple_of(3) || it.only_new && it.only_old {
            return Err(Error::Syntax);
        }
        Ok((it, places))
    }
}

/// What has become of all members.
#[derive(Default)]
struct Tally {
    added: usize,
    changed: usize,
}

fn put<'a>(
    cx: &mut Ctx<'_>,
    key: &[u8],
    conditions: Conditions,
    scores: &[f64],
    members: impl Iterator<Item = &'a [u8]>,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let limits = cx.limits();
    // To Redis it is a ZADD.
    let event = Event::zset("zadd");
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
    let first_bytes = members.peek().map_or(0, |it| it.len());
    zset.expect(scores.len(), first_bytes, &limits);
    for (&score, member) in scores.iter().zip(members) {
        let update = zset.update(member, &limits, |present| match present {
            Some(_) => (!conditions.only_new).then_some(score),
            None => (!conditions.only_old).then_some(score),
        });
        match update {
            Update::Added => tally.added += 1,
            Update::Changed => tally.changed += 1,
            Update::Same => {}
        }
    }
    edit.count(tally.added + tally.changed);
    Ok(tally)
}
