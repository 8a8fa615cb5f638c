//! A conversation that has ended in a difference, said again with less and less of it.

use std::time::{Duration, Instant};

use super::compare::{self, Compare};
use super::conversation::{CONNECTIONS, FLAGS};
use super::generate::authenticates;
use super::pair::{Pair, Said as Question, show};
use super::settle;
use super::waiters::Waiters;
use crate::support::{Kind, Server, client::Silence, words};

/// How many commands are sent at once.
const BATCH: usize = 32;
/// How long a reply that does not come is waited for.
const SILENCE: Duration = Duration::from_millis(500);
/// How long to go on.
const PATIENCE: Duration = Duration::from_secs(180);

/// A command, on which connection it was said and how the replies are compared.
#[derive(Clone)]
pub(super) struct Spoken {
    pub(super) index: usize,
    pub(super) command: Vec<Vec<u8>>,
    pub(super) compare: Compare,
}

impl Spoken {
    fn question(&self) -> Question {
        Question {
            command: self.command.clone(),
            compare: self.compare,
        }
    }
}

/// Where a difference was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the reply to the last command: nothing else is what is searched for.
    Last,
    /// In what is stored at the end.
    Keyspace,
}

/// The commands that cannot be done without, one a line, and the difference that they make.
///
/// Halves are left out, then quarters, down to single commands, as long as there is the difference.
pub(super) fn shrink(spoken: &[Spoken], kind: Kind, protocol: u8) -> String {
    let mut kept = spoken.to_vec();
    let Some((place, mut difference)) = replay(&kept, kind, protocol) else {
        return "none: it depends on more than what was said".to_owned();
    };
    let stop_at = Instant::now() + PATIENCE;
    let fixed = usize::from(place == Place::Last);
    let mut chunk = kept.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        while at + fixed < kept.len() && Instant::now() < stop_at {
            let mut fewer = kept.clone();
            fewer.drain(at..(at + chunk).min(kept.len() - fixed));
            match replay(&fewer, kind, protocol) {
                Some((found_at, found)) if found_at == place => {
                    difference = found;
                    kept = fewer;
                }
                _ => at += chunk,
            }
        }
        chunk /= 2;
    }
    let lines: Vec<String> = kept
        .iter()
        .map(|spoken| {
            let name = match spoken.index.checked_sub(CONNECTIONS) {
                Some(waiter) => format!("waiter {}", waiter + 1),
                None => (spoken.index + 1).to_string(),
            };
            format!("{name}> {}", words::join(&spoken.command))
        })
        .collect();
    format!("{}\n{difference}", lines.join("\n"))
}

/// Says all of it to two new servers; the difference at the end, if they have agreed before.
fn replay(spoken: &[Spoken], kind: Kind, protocol: u8) -> Option<(Place, String)> {
    let keytag = Server::start(kind, FLAGS);
    let oracle = Server::start(Kind::Oracle, FLAGS);
    let connect = || Pair::new(&keytag, &oracle, protocol);
    let mut pairs: Vec<Pair> = (0..CONNECTIONS).map(|_| connect()).collect();
    let mut waiters = Waiters::new(true, protocol, SILENCE);
    let mut rest = spoken;
    while let Some(first) = rest.first() {
        let end = (1..rest.len()).find(|&at| !follows(&rest[at - 1], &rest[at]));
        let (batch, others) = rest.split_at(end.unwrap_or(rest.len()).min(BATCH));
        let outcome = match first.index.checked_sub(CONNECTIONS) {
            Some(at) => waiters
                .say(at, &first.command, &keytag, &oracle)
                .map_or_else(
                    |it| Said::Differing(0, describe(&it.0, &it.1)),
                    |()| Said::Same,
                ),
            None => say(&mut pairs[first.index], batch),
        };
        match outcome {
            Said::Same => {}
            Said::Closed => pairs[first.index] = connect(),
            Said::Differing(at, difference) => {
                let is_last = others.is_empty() && at + 1 == batch.len();
                return is_last.then_some((Place::Last, difference));
            }
        }
        if let Err((ours, theirs)) = waiters.collect(&keytag, &oracle) {
            return others
                .is_empty()
                .then(|| (Place::Last, describe(&ours, &theirs)));
        }
        rest = others;
    }
    let (ours, theirs) = compare::keyspaces(&keytag, &oracle)?;
    Some((Place::Keyspace, describe(&ours, &theirs)))
}

/// Whether a command may be sent together with the one before it.
fn follows(before: &Spoken, next: &Spoken) -> bool {
    let is_settled = matches!(
        before.compare,
        Compare::Scan | Compare::Random | Compare::Popped
    );
    before.index == next.index
        && next.index < CONNECTIONS
        && !is_settled
        && !authenticates(&next.command)
}

fn describe(ours: &str, theirs: &str) -> String {
    format!("--- Keytag: {ours}\n--- Redis:  {theirs}")
}

/// What has become of a batch.
enum Said {
    Same,
    Closed,
    /// The reply to one of the commands differs.
    Differing(usize, String),
}

fn say(pair: &mut Pair, batch: &[Spoken]) -> Said {
    let questions: Vec<Question> = batch.iter().map(Spoken::question).collect();
    let answers = pair.ask(&questions);
    let both = answers.keytag.iter().zip(&answers.oracle);
    for (at, (question, (ours, theirs))) in questions.iter().zip(both).enumerate() {
        let is_same = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => pair.is_same(question, ours, theirs, None),
            (Err(Silence::Closed), Err(Silence::Closed)) => return Said::Closed,
            _ => false,
        };
        if !is_same {
            return Said::Differing(at, describe(&show(ours), &show(theirs)));
        }
    }
    let last = batch.len() - 1;
    let (Ok(ours), Ok(theirs)) = (&answers.keytag[last], &answers.oracle[last]) else {
        return Said::Same;
    };
    if pair.is_queueing {
        return Said::Same;
    }
    let Question { command, compare } = &questions[last];
    let answers = (ours.clone(), theirs.clone());
    match settle::settle(pair, *compare, command, &answers) {
        Ok(()) => Said::Same,
        Err((ours, theirs)) => Said::Differing(last, describe(&ours, &theirs)),
    }
}
