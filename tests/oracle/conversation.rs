//! Both servers, and what has been said so far.

use std::collections::VecDeque;

use super::compare::{self, Compare};
use super::generate::{
    Generator, asks_for_options, authenticates, blocks, is_unfit, picks_for_good, sorts,
};
use super::limits;
use super::pair::{Answer, Answers, Pair, Said, show};
use super::rows::{self, Family, Row};
use super::settle;
use super::shrink::{self, Spoken};
use super::waiters::{self, WAITERS, Waiters};
use crate::support::{Kind, Server, client::Silence, keyspace, setting, words};

/// How many connections take turns, so that one can break what another watches.
pub(super) const CONNECTIONS: usize = 3;
/// How many commands are sent at once, one of these.
const BATCHES: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// How many commands are shown when a difference is found.
const SHOWN: usize = 60;
/// After how many commands everything that is stored is compared.
const CHECKPOINT: u64 = 2_000;
/// One write in so many is followed by a look at all that the key holds.
const LOOKS: u32 = 12;
/// One step in so many is about connections that wait for keys.
const WAITS: u32 = 8;

/// What is said before SORT, for Redis does not reset `errno` before it looks at it.
const RESETS_ERRNO: &[&[u8]] = &[b"ZADD", b"none", b"XX", b"1", b"a"];

/// What is slow differs between two servers on a busy machine.
pub(super) const FLAGS: &[&str] = &[
    "--slowlog-log-slower-than",
    "60000000",
    "--enable-debug-command",
    "yes",
];

pub(super) struct Conversation {
    generator: Generator,
    seed: u64,
    protocol: u8,
    keytag: Server,
    oracle: Server,
    pairs: Vec<Pair>,
    waiters: Waiters,
    said: u64,
    last: VecDeque<String>,
    /// Everything, if it may have to be said again.
    record: Option<Vec<Spoken>>,
}

impl Conversation {
    /// A conversation of a server of `kind` and a real one about some families.
    pub(super) fn new(
        kind: Kind,
        seed: u64,
        protocol: u8,
        families: Vec<(&'static Family, u32)>,
    ) -> Conversation {
        let keytag = Server::start(kind, FLAGS);
        let oracle = Server::start(Kind::Oracle, FLAGS);
        let pairs = (0..CONNECTIONS)
            .map(|_| Pair::new(&keytag, &oracle, protocol))
            .collect();
        let has_waiters = families
            .iter()
            .any(|(family, _)| family.name == rows::WAITING);
        Conversation {
            generator: Generator::new(seed ^ u64::from(protocol), families),
            seed,
            protocol,
            waiters: Waiters::new(has_waiters, protocol, waiters::PATIENCE),
            keytag,
            oracle,
            pairs,
            said: 0,
            last: VecDeque::new(),
            record: (setting("KEYTAG_SHRINK", 0) > 0).then(Vec::new),
        }
    }

    /// Says at least so many commands.
    ///
    /// # Panics
    /// If the servers differ.
    pub(super) fn hold(&mut self, commands: u64) {
        for line in limits::choose(&mut self.generator.rng) {
            let said = Said {
                command: words::split(&line),
                compare: Compare::Same,
            };
            self.say(0, vec![said]);
        }
        let mut checked = 0;
        while self.said < commands {
            if self.waiters.is_used() && self.generator.rng.u32(..WAITS) == 0 {
                self.step_aside();
            } else {
                self.step();
            }
            if self.said / CHECKPOINT > checked {
                checked = self.said / CHECKPOINT;
                self.compare_keyspaces();
            }
        }
        self.compare_keyspaces();
    }

    /// Says some commands at once over one connection, and compares what is answered.
    fn step(&mut self) {
        let index = self.generator.rng.usize(..CONNECTIONS);
        let size = BATCHES[self.generator.rng.usize(..BATCHES.len())];
        let mut batch = Batch::new(self.pairs[index].is_queueing);
        while batch.said.len() < size && !batch.is_over {
            let (row, command) = self.generator.command(batch.may_queue);
            // Whom it serves first of those who wait for different keys is the order of a hash table in Redis.
            let is_undecided = self.waiters.is_used() && swaps(&command);
            if batch.takes(row, &command) && !is_undecided {
                batch.push(row, command, &mut self.generator);
            }
        }
        let Batch {
            said,
            look_at,
            settles,
            ..
        } = batch;
        let last = said.last().map(|said| said.command.clone());
        let Some(answers) = self.say(index, said) else {
            return;
        };
        if let (Some(command), Some(compare)) = (last, settles)
            && !self.pairs[index].is_queueing
        {
            let settled = settle::settle(&mut self.pairs[index], compare, &command, &answers);
            if let Err((ours, theirs)) = settled {
                self.fail(&ours, &theirs);
            }
        }
        if let Some(key) = look_at {
            self.look_at(index, &key);
        }
        if let Err((ours, theirs)) = self.waiters.collect(&self.keytag, &self.oracle) {
            self.fail(&ours, &theirs);
        }
    }

    /// Lets a connection wait; if all do, one of them is told to stop waiting.
    fn step_aside(&mut self) {
        let (at, command) = match self.waiters.free() {
            Some(at) => (at, self.blocking_command()),
            None => {
                let rng = &mut self.generator.rng;
                let reason = ["TIMEOUT", "ERROR"][rng.usize(..2)];
                let command = words::split(&format!("CLIENT UNBLOCK {reason}"));
                (rng.usize(..WAITERS), command)
            }
        };
        self.note(&format!("waiter {}> {}", at + 1, words::join(&command)));
        self.said += 1;
        self.record(CONNECTIONS + at, &command, Compare::Same);
        let said = self.waiters.say(at, &command, &self.keytag, &self.oracle);
        if let Err((ours, theirs)) = said {
            self.fail(&ours, &theirs);
        }
    }

    fn blocking_command(&mut self) -> Vec<Vec<u8>> {
        loop {
            let (_, command) = self.generator.command(false);
            if blocks(&command) && !is_unfit(&command) {
                return command;
            }
        }
    }

    fn record(&mut self, index: usize, command: &[Vec<u8>], compare: Compare) {
        if let Some(record) = &mut self.record {
            let command = command.to_vec();
            record.push(Spoken {
                index,
                command,
                compare,
            });
        }
    }

    fn note(&mut self, line: &str) {
        self.last.push_back(line.to_owned());
        if self.last.len() > SHOWN {
            self.last.pop_front();
        }
    }

    /// Says commands to both and compares what they answer; gives the answers to the last one.
    fn say(&mut self, index: usize, batch: Vec<Said>) -> Option<(Vec<u8>, Vec<u8>)> {
        let Answers { keytag, oracle } = self.pairs[index].ask(&batch);
        for (at, said) in batch.iter().enumerate() {
            self.note(&format!("{}> {}", index + 1, words::join(&said.command)));
            self.record(index, &said.command, said.compare);
            self.said += 1;
            let (Some(ours), Some(theirs)) = (keytag.get(at), oracle.get(at)) else {
                unreachable!("answers end with a silence");
            };
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => {
                    let asks_encoding = batch.get(at + 1).is_some_and(Said::is_about_encoding);
                    let encoding = oracle.get(at + 1).and_then(|answer| answer.as_deref().ok());
                    let encoding = encoding.filter(|_| asks_encoding);
                    if !self.pairs[index].is_same(said, ours, theirs, encoding)
                        && !self.sorts_alike_at_last(index, said, theirs)
                    {
                        self.fail(&words::quote(ours), &words::quote(theirs));
                    }
                }
                (Err(Silence::Closed), Err(Silence::Closed)) => {
                    self.pairs[index] = Pair::new(&self.keytag, &self.oracle, self.protocol);
                    return None;
                }
                (ours, theirs) => self.fail(&show(ours), &show(theirs)),
            }
        }
        let last = |answers: Vec<Answer>| answers.into_iter().next_back()?.ok();
        Some((last(keytag)?, last(oracle)?))
    }

    /// Whether SORT is answered alike when it is said again. Redis takes what `errno` says of something long past for a
    /// number that is too large, and resets it only where ZADD reads a score; seldom something comes in between.
    fn sorts_alike_at_last(&mut self, index: usize, said: &Said, theirs: &[u8]) -> bool {
        let is_stale =
            theirs.starts_with(b"-ERR One or more scores can't be converted into double");
        if !is_stale || !sorts(&said.command) {
            return false;
        }
        let pair = &mut self.pairs[index];
        pair.call(RESETS_ERRNO);
        let words: Vec<&[u8]> = said.command.iter().map(Vec::as_slice).collect();
        let (ours, theirs) = pair.call(&words);
        ours == theirs
    }

    /// Compares all that a key holds, in the database that the connection has selected.
    fn look_at(&mut self, index: usize, key: &[u8]) {
        let pair = &mut self.pairs[index];
        if pair.is_queueing {
            return;
        }
        let (ours, theirs) = pair.call(&[b"EXISTS", key]);
        if ours != theirs {
            self.fail(&format!("EXISTS: {ours}"), &theirs.to_string());
        }
        if theirs.to_string() != "(integer) 1" {
            return;
        }
        let ours = keyspace::entry(&mut pair.keytag, key);
        let theirs = keyspace::entry(&mut pair.oracle, key);
        let is_stream = theirs.kind == "stream";
        if let Some((ours, theirs)) = compare::difference(&ours, &theirs) {
            let at = words::quote(key);
            self.fail(&format!("{at}: {ours}"), &theirs);
        }
        if is_stream {
            let command = [&b"XINFO"[..], b"STREAM", key, b"FULL", b"COUNT", b"0"];
            self.say(index, vec![Said::new(&command, Compare::Idle)]);
        }
    }

    fn compare_keyspaces(&mut self) {
        let difference = compare::keyspaces(&self.keytag, &self.oracle);
        if let Some((ours, theirs)) = difference {
            self.fail(&ours, &theirs);
        }
    }

    fn fail(&self, ours: &str, theirs: &str) -> ! {
        let last: Vec<&str> = self.last.iter().map(String::as_str).collect();
        println!("the last {}:\n{}", last.len(), last.join("\n"));
        let difference = format!(
            "RESP{}, command {} of KEYTAG_SEED={}:\n--- Keytag: {ours}\n--- Redis:  {theirs}\n",
            self.protocol, self.said, self.seed,
        );
        if let Some(record) = &self.record {
            println!("{difference}Now with as few commands as possible:");
            println!(
                "{}",
                shrink::shrink(record, self.keytag.kind(), self.protocol)
            );
        }
        panic!("{difference}");
    }
}

fn swaps(command: &[Vec<u8>]) -> bool {
    command[0].eq_ignore_ascii_case(b"SWAPDB")
}

/// What is going to be sent at once.
struct Batch {
    said: Vec<Said>,
    /// Whether the commands are queued up to here, whatever has been answered.
    is_queueing: bool,
    /// Whether they might be.
    may_queue: bool,
    is_over: bool,
    /// What is to be done about the reply to the last command.
    settles: Option<Compare>,
    look_at: Option<Vec<u8>>,
}

impl Batch {
    fn new(is_queueing: bool) -> Batch {
        Batch {
            said: Vec::new(),
            is_queueing,
            may_queue: is_queueing,
            is_over: false,
            settles: None,
            look_at: None,
        }
    }

    /// Whether a command may be said now.
    fn takes(&self, row: &Row, command: &[Vec<u8>]) -> bool {
        let is_first = self.said.is_empty() && !self.may_queue;
        let is_settled =
            !(picks_for_good(command) || matches!(row.compare, Compare::Popped | Compare::Stored));
        !is_unfit(command)
            && (is_first || !authenticates(command))
            && (self.is_queueing || !blocks(command))
            && (!self.may_queue || is_settled && !sorts(command))
    }

    fn push(&mut self, row: &Row, command: Vec<Vec<u8>>, generator: &mut Generator) {
        let compare = match row.compare {
            _ if asks_for_options(&command) => Compare::Sorted,
            _ if picks_for_good(&command) => Compare::Popped,
            // What was to be popped has been spoiled.
            Compare::Popped => Compare::Same,
            compare => compare,
        };
        let key = generator.key_of(&command);
        let own_key = command.get(1).cloned();
        self.track(&command);
        if let (Compare::Popped, Some(key)) = (compare, &own_key) {
            let members: [&[u8]; 2] = [b"SMEMBERS", key];
            self.said.push(Said::new(&members, Compare::Sorted));
        }
        if sorts(&command) {
            self.said.push(Said::new(RESETS_ERRNO, Compare::Same));
        }
        self.said.push(Said { command, compare });
        if self.may_queue {
            return;
        }
        match compare {
            Compare::Scan | Compare::Random | Compare::Popped | Compare::Stored => {
                self.settles = Some(compare);
                self.is_over = true;
            }
            Compare::Packed | Compare::Intset => {
                let key = own_key.unwrap_or_default();
                self.said.push(encoding_of(&key));
            }
            _ if row.is_write => {
                self.said.push(encoding_of(&key));
                if generator.rng.u32(..LOOKS) == 0 {
                    self.look_at = Some(key);
                    self.is_over = true;
                }
            }
            _ => {}
        }
    }

    fn track(&mut self, command: &[Vec<u8>]) {
        match command[0].to_ascii_uppercase().as_slice() {
            b"MULTI" => self.may_queue = true,
            b"EXEC" | b"DISCARD" | b"RESET" => {
                self.is_queueing = false;
                // Unless it has too many words.
                self.may_queue = command.len() > 1;
            }
            _ => {}
        }
    }
}

fn encoding_of(key: &[u8]) -> Said {
    Said::new(&[b"OBJECT", b"ENCODING", key], Compare::Same)
}
