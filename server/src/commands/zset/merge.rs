//! Unions, intersections and differences, of sets too: their members have the score 1.

use std::ops::ControlFlow;

use protocol::number::parse_f64;
use storage::db::{Db, Event};
use storage::entry::Entry;
use storage::value::{Item, Limits, Object, Set, Zset};

use super::{Scores, ZSET, write_members};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const ZUNION: Command = Spec {
    name: "ZUNION",
    usage: "numkeys:integer key... [WEIGHTS weight:integer...] [AGGREGATE(SUM | MIN | MAX)] \
        [WITHSCORES]",
    summary: "Returns the union of multiple sorted sets.",
    since: "6.2.0",
    complexity: "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, \
        and M being the number of elements in the resulting sorted set.",
    flags: flags!(READONLY),
    keys: &[Keys::counted(1, key_flags!(RO | ACCESS))],
    ..ZSET
}
.run(zunion);
fn zunion(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Merge::Union)
}

pub(super) const ZINTER: Command = Spec {
    name: "ZINTER",
    usage: "numkeys:integer key... [WEIGHTS weight:integer...] [AGGREGATE(SUM | MIN | MAX)] \
        [WITHSCORES]",
    summary: "Returns the intersect of multiple sorted sets.",
    since: "6.2.0",
    complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K \
        being the number of input sorted sets and M being the number of elements in the \
        resulting sorted set.",
    flags: flags!(READONLY),
    keys: &[Keys::counted(1, key_flags!(RO | ACCESS))],
    ..ZSET
}
.run(zinter);
fn zinter(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Merge::Inter)
}

pub(super) const ZDIFF: Command = Spec {
    name: "ZDIFF",
    usage: "numkeys:integer key... [WITHSCORES]",
    summary: "Returns the difference between multiple sorted sets.",
    since: "6.2.0",
    complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all \
        the sets, N is the size of the first set, and K is the size of the result set.",
    flags: flags!(READONLY),
    keys: &[Keys::counted(1, key_flags!(RO | ACCESS))],
    ..ZSET
}
.run(zdiff);
fn zdiff(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    reply(cx, args, Merge::Diff)
}

pub(super) const ZUNIONSTORE: Command = Spec {
    name: "ZUNIONSTORE",
    usage: "destination:key numkeys:integer key:key#1... [WEIGHTS weight:integer...] \
        [AGGREGATE(SUM | MIN | MAX)]",
    summary: "Stores the union of multiple sorted sets in a key.",
    since: "2.0.0",
    complexity: "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, \
        and M being the number of elements in the resulting sorted set.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(OW | UPDATE)),
        Keys::counted(2, key_flags!(RO | ACCESS)),
    ],
    ..ZSET
}
.run(zunionstore);
fn zunionstore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    store(cx, args, Merge::Union, "zunionstore")
}

pub(super) const ZINTERSTORE: Command = Spec {
    name: "ZINTERSTORE",
    usage: "destination:key numkeys:integer key:key#1... [WEIGHTS weight:integer...] \
        [AGGREGATE(SUM | MIN | MAX)]",
    summary: "Stores the intersect of multiple sorted sets in a key.",
    since: "2.0.0",
    complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K \
        being the number of input sorted sets and M being the number of elements in the \
        resulting sorted set.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(OW | UPDATE)),
        Keys::counted(2, key_flags!(RO | ACCESS)),
    ],
    ..ZSET
}
.run(zinterstore);
fn zinterstore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    store(cx, args, Merge::Inter, "zinterstore")
}

pub(super) const ZDIFFSTORE: Command = Spec {
    name: "ZDIFFSTORE",
    usage: "destination:key numkeys:integer key:key#1...",
    summary: "Stores the difference of multiple sorted sets in a key.",
    since: "6.2.0",
    complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all \
        the sets, N is the size of the first set, and K is the size of the result set.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(OW | UPDATE)),
        Keys::counted(2, key_flags!(RO | ACCESS)),
    ],
    ..ZSET
}
.run(zdiffstore);
fn zdiffstore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    store(cx, args, Merge::Diff, "zdiffstore")
}

pub(super) const ZINTERCARD: Command = Spec {
    name: "ZINTERCARD",
    usage: "numkeys:integer key... [LIMIT limit:integer]",
    summary: "Returns the number of members of the intersect of multiple sorted sets.",
    since: "7.0.0",
    complexity: "O(N*K) worst case with N being the smallest input sorted set, K being the \
        number of input sorted sets.",
    flags: flags!(READONLY),
    keys: &[Keys::counted(1, key_flags!(RO | ACCESS))],
    ..ZSET
}
.run(zintercard);
fn zintercard(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let request = Request::parse(cx, args, 1, Purpose::Count)?;
    let mut sources = request.sources(&cx.db);
    sources.sort_by_key(Source::len);
    let mut count = 0;
    let _ = for_each_common(&sources, request.aggregate, |_, _| {
        count += 1;
        if count == request.limit {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    drop(sources);
    cx.reply.count(count)
}

fn reply(cx: &mut Ctx<'_>, args: &Args<'_>, merge: Merge) -> Result {
    let request = Request::parse(cx, args, 1, Purpose::Reply(merge))?;
    let limits = cx.limits();
    let result = merge.of(&request, &cx.db, &limits);
    write_members(cx.reply.encoder(), result.iter(), request.scores);
    Ok(Outcome::Done)
}

fn store(cx: &mut Ctx<'_>, args: &Args<'_>, merge: Merge, event: &'static str) -> Result {
    let request = Request::parse(cx, args, 2, Purpose::Store(merge))?;
    let limits = cx.limits();
    let mut result = merge.of(&request, &cx.db, &limits);
    result.pack(&limits);
    let count = result.len();
    cx.db.put_object(args.key(1)?, result, Event::zset(event));
    cx.reply.count(count)
}

/// How sets become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merge {
    Union,
    Inter,
    Diff,
}

/// What becomes of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Reply(Merge),
    Store(Merge),
    /// It is only counted.
    Count,
}

impl Purpose {
    fn has_weights(self) -> bool {
        match self {
            Purpose::Reply(merge) | Purpose::Store(merge) => merge != Merge::Diff,
            Purpose::Count => false,
        }
    }
}

/// What becomes of the scores of a member that is in several sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    #[inline]
    fn of(self, score: f64, other: f64) -> f64 {
        // Written as Redis compares (`zunionInterAggregate`, t_zset.c): NaN is never less nor greater.
        match self {
            // Infinities of either sign make 0.
            Aggregate::Sum => number_or_zero(score + other),
            Aggregate::Min if other < score => other,
            Aggregate::Max if other > score => other,
            Aggregate::Min | Aggregate::Max => score,
        }
    }
}

fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// A request whose keys are sets or sorted sets.
struct Request<'a> {
    keys: Args<'a>,
    /// One for each key; all 1 if there is none.
    weights: Vec<f64>,
    key_count: usize,
    aggregate: Aggregate,
    scores: Scores,
    /// 0 for none.
    limit: usize,
}

impl<'a> Request<'a> {
    /// Reads the number of keys at `index`, and what follows. The types of the keys are looked at before the options
    /// are, as in Redis.
    fn parse(
        cx: &mut Ctx<'_>,
        args: &Args<'a>,
        index: usize,
        purpose: Purpose,
    ) -> Result<Request<'a>> {
        let key_count = args.integer(index)?;
        if key_count < 1 {
            return Err(Error::NoInputKeys(cx.command_name()));
        }
        let key_count = usize::try_from(key_count).unwrap_or(usize::MAX);
        let keys = args.from(index + 1);
        if key_count > keys.len() {
            return Err(Error::Syntax);
        }
        let mut request = Request {
            keys,
            weights: Vec::new(),
            key_count,
            aggregate: Aggregate::Sum,
            scores: Scores::Hidden,
            limit: 0,
        };
        for key in request.keys() {
            let object = cx.db.read(key).map(Entry::object);
            if !matches!(object, None | Some(Some(Object::Zset(_) | Object::Set(_)))) {
                return Err(Error::WrongType);
            }
        }
        request.read_options(&keys.from(key_count), purpose)?;
        Ok(request)
    }

    fn keys(&self) -> impl Iterator<Item = &'a [u8]> {
        let keys = self.keys;
        (0..self.key_count).filter_map(move |index| keys.get(index))
    }

    fn read_options(&mut self, options: &Args<'a>, purpose: Purpose) -> Result<()> {
        let mut index = 0;
        while index < options.len() {
            let behind = options.len() - index - 1;
            if purpose.has_weights() && behind >= self.key_count && options.is(index, "WEIGHTS") {
                self.weights.clear();
                for at in index + 1..=index + self.key_count {
                    let weight = parse_f64(options.word(at)?).ok_or(Error::WeightNotFloat)?;
                    self.weights.push(weight);
                }
                index += self.key_count;
            } else if purpose.has_weights() && behind >= 1 && options.is(index, "AGGREGATE") {
                self.aggregate = aggregate(options.word(index + 1)?)?;
                index += 1;
            } else if matches!(purpose, Purpose::Reply(_)) && options.is(index, "WITHSCORES") {
                self.scores = Scores::Shown;
            } else if purpose == Purpose::Count && behind >= 1 && options.is(index, "LIMIT") {
                let limit = options
                    .integer(index + 1)
                    .map_err(|_| Error::LimitNegative)?;
                self.limit = usize::try_from(limit).map_err(|_| Error::LimitNegative)?;
                index += 1;
            } else {
                return Err(Error::Syntax);
            }
            index += 1;
        }
        Ok(())
    }

    /// What the keys hold.
    fn sources<'d>(&self, db: &'d Db<'_>) -> Vec<Source<'d>> {
        let weights = self.weights.iter().copied().chain(std::iter::repeat(1.0));
        let sources = self.keys().zip(weights).map(|(key, weight)| Source {
            held: match db.glance(key).and_then(|entry| entry.object()) {
                Some(Object::Zset(zset)) => Held::Zset(zset),
                Some(Object::Set(set)) => Held::Set(set),
                _ => Held::Nothing,
            },
            weight,
        });
        sources.collect()
    }
}

fn aggregate(word: &[u8]) -> Result<Aggregate> {
    match word {
        word if word.eq_ignore_ascii_case(b"sum") => Ok(Aggregate::Sum),
        word if word.eq_ignore_ascii_case(b"min") => Ok(Aggregate::Min),
        word if word.eq_ignore_ascii_case(b"max") => Ok(Aggregate::Max),
        _ => Err(Error::Syntax),
    }
}

/// One of the sets to be merged.
struct Source<'d> {
    held: Held<'d>,
    weight: f64,
}

enum Held<'d> {
    Zset(&'d Zset),
    Set(&'d Set),
    Nothing,
}

impl<'d> Source<'d> {
    fn len(&self) -> usize {
        match self.held {
            Held::Zset(zset) => zset.len(),
            Held::Set(set) => set.len(),
            Held::Nothing => 0,
        }
    }

    /// Members with their scores, not weighed.
    fn iter(&self) -> Box<dyn Iterator<Item = (Item<'d>, f64)> + 'd> {
        match self.held {
            Held::Zset(zset) => Box::new(zset.iter()),
            Held::Set(set) => Box::new(set.iter().map(|member| (member, 1.0))),
            Held::Nothing => Box::new(std::iter::empty()),
        }
    }

    /// The score of a member, not weighed.
    fn score(&self, member: Item<'_>) -> Option<f64> {
        match self.held {
            Held::Zset(zset) => member.with_bytes(|member| zset.score(member)),
            Held::Set(set) => set.contains_item(member).then_some(1.0),
            Held::Nothing => None,
        }
    }
}

impl Merge {
    /// The result, not packed.
    fn of(self, request: &Request<'_>, db: &Db<'_>, limits: &Limits) -> Zset {
        let mut sources = request.sources(db);
        let mut result = Zset::unpacked();
        match self {
            Merge::Diff => {
                let (first, others) = sources.split_at(1);
                for (member, score) in first.iter().flat_map(Source::iter) {
                    if others.iter().all(|other| other.score(member).is_none()) {
                        result.add_item(member, score, limits);
                    }
                }
            }
            Merge::Union => {
                sources.sort_by_key(Source::len);
                unite(&mut result, &sources, request.aggregate, limits);
            }
            Merge::Inter => {
                sources.sort_by_key(Source::len);
                let _ = for_each_common(&sources, request.aggregate, |member, score| {
                    result.add_item(member, score, limits);
                    ControlFlow::Continue(())
                });
            }
        }
        result
    }
}

fn unite(result: &mut Zset, sources: &[Source<'_>], aggregate: Aggregate, limits: &Limits) {
    for source in sources {
        for (member, score) in source.iter() {
            let score = number_or_zero(score * source.weight);
            member.with_bytes(|member| match result.find(member) {
                // Also if it is the same but for the sign of a zero.
                Some(found) => {
                    let score = aggregate.of(found.score, score);
                    result.put_score(found, member, score);
                }
                None => result.add(member, score, limits),
            });
        }
    }
}

/// Hands the members that are in all sources to `look`, with their scores. The first source is the smallest.
fn for_each_common<'d>(
    sources: &[Source<'d>],
    aggregate: Aggregate,
    mut look: impl FnMut(Item<'d>, f64) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let (first, others) = sources.split_at(1);
    for source in first {
        for (member, score) in source.iter() {
            let weighed = number_or_zero(score * source.weight);
            let score = others.iter().try_fold(weighed, |score, other| {
                Some(aggregate.of(score, other.score(member)? * other.weight))
            });
            if let Some(score) = score {
                look(member, score)?;
            }
        }
    }
    ControlFlow::Continue(())
}
