//! Commands at random, made from the rows of the families that are spoken of.

mod arguments;
mod keys;
mod unfit;

use fastrand::Rng;

use super::rows::{Arg, DISCARD, EXEC, Family, Pool, Row};
pub(super) use unfit::{asks_for_options, authenticates, blocks, is_unfit, picks_for_good, sorts};

/// One command in so many is spoiled.
const SPOILED: u32 = 10;
/// The same in a transaction, which is refused as a whole for one of them.
const SPOILED_IN_QUEUE: u32 = 60;
/// One command in so many of a transaction is the last.
const QUEUED: u32 = 7;
/// For how many commands the talk is mostly of the same.
const TOPIC: u32 = 600;

/// Where commands come from.
pub(super) struct Generator {
    pub(super) rng: Rng,
    families: Vec<(&'static Family, u32)>,
    /// Types that are spoken of for a while, so that keys get full and commands meet.
    topic: [usize; 2],
    /// The first part of the newest entry of a stream.
    newest: u64,
    /// The types of keys that the families are about.
    pools: Vec<Pool>,
}

impl Generator {
    pub(super) fn new(seed: u64, families: Vec<(&'static Family, u32)>) -> Generator {
        let pools = families.iter().filter_map(|(family, _)| family.home);
        let mut pools: Vec<Pool> = pools.collect();
        if pools.is_empty() {
            pools.push(Pool::String);
        }
        Generator {
            rng: Rng::with_seed(seed),
            families,
            topic: [0; 2],
            newest: 0,
            pools,
        }
    }

    /// A command and the row that it was made from. Now and then something is wrong with it.
    ///
    /// In a transaction, it may be the end of it.
    pub(super) fn command(&mut self, is_queueing: bool) -> (&'static Row, Vec<Vec<u8>>) {
        if is_queueing && self.rng.u32(..QUEUED) == 0 {
            let end = if self.rng.u32(..8) == 0 {
                DISCARD
            } else {
                EXEC
            };
            return (end, self.compose(None, end));
        }
        let family = self.family();
        let row = by_weight(family.rows, |row| row.weight, &mut self.rng);
        let mut words = self.compose(family.home, row);
        let spoiled = if is_queueing {
            SPOILED_IN_QUEUE
        } else {
            SPOILED
        };
        if self.rng.u32(..spoiled) == 0 {
            spoil(&mut words, &mut self.rng);
        }
        (row, words)
    }

    /// What the next command is about: mostly the topic.
    fn family(&mut self) -> &'static Family {
        if self.rng.u32(..TOPIC) == 0 {
            self.topic = self.topic.map(|_| self.rng.usize(..self.pools.len()));
        }
        let pool = self.pools[self.topic[self.rng.usize(..self.topic.len())]];
        let mut families = self.families.iter();
        let about = families.find(|(family, _)| family.home == Some(pool));
        match about {
            Some((family, _)) if self.rng.bool() => family,
            _ => by_weight(&self.families, |it| it.1, &mut self.rng).0,
        }
    }

    fn compose(&mut self, home: Option<Pool>, row: &Row) -> Vec<Vec<u8>> {
        let any = if self.rng.bool() {
            self.topic[self.rng.usize(..self.topic.len())]
        } else {
            self.rng.usize(..self.pools.len())
        };
        let mut composer = Composer {
            home: home.unwrap_or(self.pools[any]),
            rng: &mut self.rng,
            pools: &self.pools,
            newest: &mut self.newest,
            words: Vec::new(),
        };
        composer.push_all(row.args);
        composer.words
    }

    /// A key that a command may have touched: its own first one, or any.
    pub(super) fn key_of(&mut self, command: &[Vec<u8>]) -> Vec<u8> {
        match command.get(1) {
            Some(key) if self.rng.u32(..4) > 0 => key.clone(),
            _ => {
                let pool = self.pools[self.rng.usize(..self.pools.len())];
                keys::key(pool, &self.pools, &mut self.rng)
            }
        }
    }
}

fn by_weight<'a, T>(items: &'a [T], weight: fn(&T) -> u32, rng: &mut Rng) -> &'a T {
    let total: u32 = items.iter().map(weight).sum();
    let mut at = rng.u32(..total);
    for item in items {
        match at.checked_sub(weight(item)) {
            Some(rest) => at = rest,
            None => return item,
        }
    }
    unreachable!("the weights add up to {total}")
}

/// One command while it is made.
struct Composer<'a> {
    rng: &'a mut Rng,
    /// Whose keys it mostly names.
    home: Pool,
    pools: &'a [Pool],
    newest: &'a mut u64,
    words: Vec<Vec<u8>>,
}

impl Composer<'_> {
    fn push_all(&mut self, args: &[Arg]) {
        args.iter().for_each(|arg| self.push(arg));
    }

    fn push(&mut self, arg: &Arg) {
        match arg {
            Arg::Many(args) => self.repeat(1, 5, args),
            Arg::Burst(args) => self.repeat(1, 40, args),
            Arg::Maybe(args) => {
                if self.rng.bool() {
                    self.push_all(args);
                }
            }
            Arg::One(choices) => {
                let chosen = pick(choices, self.rng);
                self.push_all(chosen);
            }
            Arg::Soup(options) => {
                // None, one or several, in any order, now and then the same twice.
                for _ in 0..[0, 0, 1, 1, 1, 2, 2, 3][self.rng.usize(..8)] {
                    let option = pick(options, self.rng);
                    self.push_all(option);
                }
            }
            Arg::Numbered(args) => self.push_numbered(args),
            Arg::Halves(first, second) => {
                let count = [1, 1, 1, 2, 3][self.rng.usize(..5)];
                (0..count).for_each(|_| self.push_all(first));
                (0..count).for_each(|_| self.push_all(second));
            }
            word => {
                let word = self.word(word);
                self.words.push(word);
            }
        }
    }

    fn repeat(&mut self, least: usize, below: usize, args: &[Arg]) {
        for _ in 0..self.rng.usize(least..below) {
            self.push_all(args);
        }
    }

    fn push_numbered(&mut self, args: &[Arg]) {
        let count = self.rng.usize(1..4);
        let said = match self.rng.u32(..30) {
            0 => pick(arguments::NASTY, self.rng).to_vec(),
            1 => self.rng.usize(..6).to_string().into_bytes(),
            _ => count.to_string().into_bytes(),
        };
        self.words.push(said);
        (0..count).for_each(|_| self.push_all(args));
    }

    fn word(&mut self, arg: &Arg) -> Vec<u8> {
        let rng = &mut *self.rng;
        match arg {
            Arg::Word(word) => in_any_case(word, rng),
            Arg::OneOf(words) => in_any_case(pick(words, rng), rng),
            Arg::Exact(words) => pick(words, rng).as_bytes().to_vec(),
            Arg::Key => keys::key(self.home, self.pools, rng),
            Arg::KeyOf(pool) => keys::key(*pool, self.pools, rng),
            Arg::Value => arguments::value(rng),
            Arg::Member => arguments::member(rng),
            Arg::Integer => arguments::integer(rng),
            Arg::Float => arguments::float(rng),
            Arg::Offset => arguments::offset(rng),
            Arg::BitOffset => arguments::bit_offset(rng),
            Arg::Index => arguments::index(rng),
            Arg::Count => arguments::count(rng),
            Arg::Picks => arguments::picks(rng),
            Arg::Score => arguments::score(rng),
            Arg::ScoreBound => arguments::score_bound(rng),
            Arg::LexBound => arguments::lex_bound(rng),
            Arg::NextId => arguments::next_id(self.newest, rng),
            Arg::StreamId => arguments::stream_id(*self.newest, rng),
            Arg::StreamBound => arguments::stream_bound(*self.newest, rng),
            Arg::Longitude => arguments::coordinate(181.0, rng),
            Arg::Latitude => arguments::coordinate(86.0, rng),
            Arg::Distance => arguments::distance(rng),
            Arg::Pattern => arguments::pattern(rng),
            Arg::Database => arguments::database(rng),
            Arg::Seconds => arguments::relative(rng, 100..1_000_000),
            Arg::Millis => arguments::relative(rng, 100_000..1_000_000_000),
            Arg::UnixSeconds => arguments::absolute(rng, 1_000),
            Arg::UnixMillis => arguments::absolute(rng, 1),
            Arg::Many(_) | Arg::Burst(_) | Arg::Maybe(_) | Arg::Soup(_) => {
                unreachable!("no single word")
            }
            Arg::Numbered(_) | Arg::Halves(..) | Arg::One(_) => unreachable!("no single word"),
        }
    }
}

fn pick<'a, T: ?Sized>(choices: &[&'a T], rng: &mut Rng) -> &'a T {
    choices[rng.usize(..choices.len())]
}

fn spoil(command: &mut Vec<Vec<u8>>, rng: &mut Rng) {
    let at = rng.usize(1..=command.len());
    match rng.u32(..5) {
        0 => command.truncate(at),
        1 if at < command.len() => drop(command.remove(at)),
        2 if at < command.len() => command.insert(at, command[at].clone()),
        3 if at < command.len() => command[at] = pick(arguments::NASTY, rng).to_vec(),
        _ => command.insert(at, pick(arguments::NASTY, rng).to_vec()),
    }
}

fn in_any_case(word: &str, rng: &mut Rng) -> Vec<u8> {
    let scatter = |byte: u8, rng: &mut Rng| {
        if rng.bool() {
            byte.to_ascii_lowercase()
        } else {
            byte
        }
    };
    match rng.u32(..8) {
        0 | 1 => word.to_ascii_lowercase().into_bytes(),
        2 => word.bytes().map(|byte| scatter(byte, rng)).collect(),
        _ => word.as_bytes().to_vec(),
    }
}
