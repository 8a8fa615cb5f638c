//! One connection to each server, at the same point of the same conversation.

use super::compare::{self, Compare};
use crate::support::{Client, Reply, Server, client::Silence, words};

/// What two servers are told, and how their answers are compared.
pub(super) struct Said {
    pub(super) command: Vec<Vec<u8>>,
    pub(super) compare: Compare,
}

impl Said {
    pub(super) fn new(command: &[&[u8]], compare: Compare) -> Said {
        let command = command.iter().map(|word| word.to_vec()).collect();
        Said { command, compare }
    }

    /// Whether it is the question that follows a reply whose order depends on the answer.
    pub(super) fn is_about_encoding(&self) -> bool {
        self.command
            .starts_with(&[b"OBJECT".to_vec(), b"ENCODING".to_vec()])
    }
}

/// A reply as bytes, or why there is none.
pub(super) type Answer = Result<Vec<u8>, Silence>;

/// What the two servers have answered to the same.
pub(super) struct Answers {
    pub(super) keytag: Vec<Answer>,
    pub(super) oracle: Vec<Answer>,
}

pub(super) struct Pair {
    pub(super) keytag: Client,
    pub(super) oracle: Client,
    /// How to compare the replies that EXEC will bring.
    queued: Vec<Compare>,
    pub(super) is_queueing: bool,
}

impl Pair {
    pub(super) fn new(keytag: &Server, oracle: &Server, protocol: u8) -> Pair {
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

    /// Says several commands at once to both, and waits for all the answers.
    ///
    /// Each list of answers ends with the first that is a silence.
    pub(super) fn ask(&mut self, batch: &[Said]) -> Answers {
        let requests: Vec<u8> = batch
            .iter()
            .flat_map(|said| words::encode(&said.command))
            .collect();
        self.keytag.send_raw(&requests);
        self.oracle.send_raw(&requests);
        Answers {
            keytag: receive(&mut self.keytag, batch.len()),
            oracle: receive(&mut self.oracle, batch.len()),
        }
    }

    /// Says one command to both.
    pub(super) fn call(&mut self, command: &[&[u8]]) -> (Reply, Reply) {
        (self.keytag.call(command), self.oracle.call(command))
    }

    /// Whether both have answered the same to a command.
    ///
    /// `encoding` is what the key is encoded as, where the order of the elements depends on it.
    pub(super) fn is_same(
        &mut self,
        said: &Said,
        ours: &[u8],
        theirs: &[u8],
        encoding: Option<&[u8]>,
    ) -> bool {
        if theirs == b"+QUEUED\r\n" {
            self.queued.push(said.compare);
            return ours == theirs;
        }
        let name = said.command[0].to_ascii_uppercase();
        match name.as_slice() {
            b"MULTI" if theirs == b"+OK\r\n" => self.is_queueing = true,
            b"EXEC" | b"DISCARD" | b"RESET" if !is_refusal(theirs) => {
                self.is_queueing = false;
                let queued = std::mem::take(&mut self.queued);
                return ours == theirs
                    || name == b"EXEC" && compare::all(&queued, &decode(ours), &decode(theirs));
            }
            _ => {}
        }
        let compare = encoding.map_or(said.compare, |encoding| said.compare.given(encoding));
        match compare {
            Compare::Same => ours == theirs,
            _ => ours == theirs || compare.is_same(&decode(ours), &decode(theirs)),
        }
    }
}

/// Whether EXEC, DISCARD or RESET had the wrong number of words, so that nothing came of it.
fn is_refusal(reply: &[u8]) -> bool {
    reply.starts_with(b"-ERR wrong number of arguments")
}

fn receive(client: &mut Client, count: usize) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(count);
    while answers.len() < count {
        let answer = client.try_receive();
        let is_silence = answer.is_err();
        answers.push(answer);
        if is_silence {
            break;
        }
    }
    answers
}

pub(super) fn decode(bytes: &[u8]) -> Reply {
    Reply::parse(bytes)
        .expect("a reply")
        .expect("a whole reply")
        .0
}

pub(super) fn show(answer: &Answer) -> String {
    match answer {
        Ok(reply) => words::quote(reply),
        Err(Silence::Closed) => "(closed)".to_owned(),
        Err(Silence::TimedOut(part)) => format!("(timed out after {})", words::quote(part)),
    }
}
