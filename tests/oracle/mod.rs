//! A long random conversation, held with Keytag and with a real Redis 7.4.1: every reply the same.
//!
//! `KEYTAG_SEED` repeats a conversation, `KEYTAG_COMMANDS` makes it longer. What differs by nature
//! (a time left, a random key) is compared as far as it can be; everything else byte for byte.

mod compare;
mod generate;
mod table;

use std::collections::VecDeque;

use fastrand::Rng;

use crate::support::{
    Client, Kind, Reply, Server, client::Silence, is_full_run, keyspace, seed, setting, words,
};
use compare::Compare;

/// How many connections take turns, so that one can break what another watches.
const CONNECTIONS: usize = 3;
/// How many commands are shown when a difference is found.
const SHOWN: usize = 60;
/// After how many commands everything that is stored is compared.
const CHECKPOINT: u64 = 2_000;

#[test]
fn random_commands_are_answered_as_redis_answers_in_resp2() {
    converse(2);
}

#[test]
fn random_commands_are_answered_as_redis_answers_in_resp3() {
    converse(3);
}

fn converse(protocol: u8) {
    let seed = seed();
    let commands = setting(
        "KEYTAG_COMMANDS",
        if is_full_run() { 500_000 } else { 20_000 },
    );
    let mut conversation = Conversation::new(seed, protocol);
    for _ in 0..commands {
        conversation.step();
    }
    conversation.compare_keyspaces();
}

/// Both servers, and what has been said so far.
struct Conversation {
    rng: Rng,
    seed: u64,
    protocol: u8,
    keytag: Server,
    oracle: Server,
    pairs: Vec<Pair>,
    said: u64,
    last: VecDeque<String>,
}

/// One connection to each server, at the same point of the same conversation.
struct Pair {
    keytag: Client,
    oracle: Client,
    /// How to compare the replies that EXEC will bring.
    queued: Vec<Compare>,
    is_queueing: bool,
}

impl Conversation {
    fn new(seed: u64, protocol: u8) -> Conversation {
        // What is slow differs between two servers on a busy machine.
        let flags = ["--slowlog-log-slower-than", "60000000"];
        let keytag = Server::keytag(&flags);
        let oracle = Server::start(Kind::Oracle, &flags);
        let pairs = (0..CONNECTIONS)
            .map(|_| Pair::new(&keytag, &oracle, protocol))
            .collect();
        let rng = Rng::with_seed(seed ^ u64::from(protocol));
        Conversation {
            rng,
            seed,
            protocol,
            keytag,
            oracle,
            pairs,
            said: 0,
            last: VecDeque::new(),
        }
    }

    fn step(&mut self) {
        let index = self.rng.usize(..CONNECTIONS);
        let (row, command) = loop {
            let row = table::pick(&mut self.rng);
            let command = generate::command(row, &mut self.rng);
            let is_lost = self.pairs[index].is_queueing && generate::authenticates(&command);
            if !generate::is_unfit(&command) && !is_lost {
                break (row, command);
            }
        };
        let compare = if generate::asks_for_options(&command) {
            Compare::Sorted
        } else {
            row.compare
        };
        self.say(index, &command, compare);
        if row.is_write && !self.pairs[index].is_queueing {
            let key = generate::key(&mut self.rng);
            self.say(
                index,
                &[b"OBJECT".to_vec(), b"ENCODING".to_vec(), key],
                Compare::Same,
            );
        }
        self.said += 1;
        if self.said.is_multiple_of(CHECKPOINT) {
            self.compare_keyspaces();
        }
    }

    /// Says one command to both and compares what they answer.
    fn say(&mut self, index: usize, command: &[Vec<u8>], compare: Compare) {
        self.last
            .push_back(format!("{}> {}", index + 1, words::join(command)));
        if self.last.len() > SHOWN {
            self.last.pop_front();
        }
        let pair = &mut self.pairs[index];
        match (pair.keytag.ask(command), pair.oracle.ask(command)) {
            (Ok(ours), Ok(theirs)) => {
                if !pair.is_same(command, compare, &ours, &theirs) {
                    self.fail(&words::quote(&ours), &words::quote(&theirs));
                }
            }
            (Err(Silence::Closed), Err(Silence::Closed)) => {
                self.pairs[index] = Pair::new(&self.keytag, &self.oracle, self.protocol);
            }
            (ours, theirs) => {
                let show = |answer: Result<Vec<u8>, Silence>| match answer {
                    Ok(reply) => words::quote(&reply),
                    Err(Silence::Closed) => "(closed)".to_owned(),
                    Err(Silence::TimedOut(part)) => {
                        format!("(timed out after {})", words::quote(&part))
                    }
                };
                self.fail(&show(ours), &show(theirs));
            }
        }
    }

    fn compare_keyspaces(&mut self) {
        let ours = keyspace::read(&mut self.keytag.connect());
        let theirs = keyspace::read(&mut self.oracle.connect());
        for (at, theirs) in &theirs {
            let is_same = ours
                .get(at)
                .is_some_and(|ours| compare::entries(ours, theirs));
            if !is_same {
                self.fail(
                    &format!("{at:?}: {:?}", ours.get(at)),
                    &format!("{theirs:?}"),
                );
            }
        }
        if let Some(at) = ours.keys().find(|at| !theirs.contains_key(*at)) {
            self.fail(&format!("{at:?} exists"), "it does not");
        }
    }

    fn fail(&self, ours: &str, theirs: &str) -> ! {
        let last: Vec<&str> = self.last.iter().map(String::as_str).collect();
        panic!(
            "RESP{}, command {} of KEYTAG_SEED={}; the last {}:\n{}\n--- Keytag: {ours}\n--- Redis:  {theirs}\n",
            self.protocol,
            self.said,
            self.seed,
            last.len(),
            last.join("\n"),
        );
    }
}

impl Pair {
    fn new(keytag: &Server, oracle: &Server, protocol: u8) -> Pair {
        let connect = |server: &Server| {
            if protocol == 3 {
                server.connect_resp3()
            } else {
                server.connect()
            }
        };
        Pair {
            keytag: connect(keytag),
            oracle: connect(oracle),
            queued: Vec::new(),
            is_queueing: false,
        }
    }

    fn is_same(
        &mut self,
        command: &[Vec<u8>],
        compare: Compare,
        ours: &[u8],
        theirs: &[u8],
    ) -> bool {
        if theirs == b"+QUEUED\r\n" {
            self.queued.push(compare);
            return ours == theirs;
        }
        let name = command[0].to_ascii_uppercase();
        match name.as_slice() {
            b"MULTI" if theirs == b"+OK\r\n" => self.is_queueing = true,
            b"EXEC" | b"DISCARD" | b"RESET" => {
                self.is_queueing = false;
                let queued = std::mem::take(&mut self.queued);
                return ours == theirs
                    || name == b"EXEC" && compare::all(&queued, &decode(ours), &decode(theirs));
            }
            b"SCAN"
                if compare == Compare::Scan
                    && command.get(1).is_some_and(|cursor| cursor == b"0") =>
            {
                return self.scans_the_same(command, ours, theirs);
            }
            _ => {}
        }
        match compare {
            Compare::Same => ours == theirs,
            _ => compare.is_same(&decode(ours), &decode(theirs)),
        }
    }

    /// Goes on to the end of both iterations: the order is the server's own, the elements are not.
    fn scans_the_same(&mut self, command: &[Vec<u8>], ours: &[u8], theirs: &[u8]) -> bool {
        if theirs.starts_with(b"-") || ours.starts_with(b"-") {
            return ours == theirs;
        }
        scan(&mut self.keytag, command, decode(ours))
            == scan(&mut self.oracle, command, decode(theirs))
    }
}

fn decode(bytes: &[u8]) -> Reply {
    Reply::parse(bytes)
        .expect("a reply")
        .expect("a whole reply")
        .0
}

/// All elements of an iteration whose first reply is here, each once.
fn scan(client: &mut Client, command: &[Vec<u8>], mut reply: Reply) -> Vec<Reply> {
    let mut command = command.to_vec();
    let mut found = Vec::new();
    loop {
        found.extend_from_slice(reply.items()[1].items());
        let cursor = reply.items()[0].text();
        if cursor == "0" {
            break;
        }
        command[1] = cursor.into_bytes();
        reply = client.call(&command);
    }
    found.sort();
    found.dedup();
    found
}

impl Client {
    fn ask(&mut self, command: &[Vec<u8>]) -> Result<Vec<u8>, Silence> {
        self.send(command);
        self.try_receive()
    }
}
