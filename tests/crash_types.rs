//! SIGKILL under a load of every type: with `appendfsync always` nothing acknowledged is lost.
//!
//! Each connection writes keys of its own. A real Redis is the model: it is told what has been
//! acknowledged, then what had been sent beyond, command by command, until it holds what the
//! restarted server holds. What a server chooses by itself (the member that SPOP takes, the id of an
//! entry) is told as it was chosen.

mod load;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use fastrand::Rng;

use crate::crash::Beside;
use crate::support::keyspace::{self, Entry};
use crate::support::{Client, Kind, Reply, Server, is_full_run, seed, tools, words};
use load::Write;

const CONNECTIONS: usize = 4;
/// How many writes a connection sends before it reads replies.
const PIPELINE: usize = 8;

#[test]
fn appendfsync_always_loses_nothing_of_any_type() {
    campaign(Kind::Keytag, Beside::Nothing);
}

#[test]
fn a_kill_during_rewrites_loses_nothing_of_any_type() {
    campaign(Kind::Keytag, Beside::Rewrites);
}

#[test]
fn a_kill_during_snapshots_loses_nothing_of_any_type() {
    campaign(Kind::Keytag, Beside::Both);
}

/// What is expected of Keytag is what Redis does.
#[test]
fn redis_loses_nothing_of_any_type() {
    campaign(Kind::Oracle, Beside::Nothing);
}

fn campaign(kind: Kind, beside: Beside) {
    let mut rng = Rng::with_seed(seed());
    let mut server = Server::start(kind, &["--appendonly", "yes", "--appendfsync", "always"]);
    let model = Server::start(Kind::Oracle, &[]);
    for _ in 0..if is_full_run() { 30 } else { 3 } {
        assert_eq!(server.connect().line("FLUSHALL").to_string(), "OK");
        let histories = load_and_kill(&mut server, &mut rng, beside);
        check_snapshot(&server);
        server.start_again();
        let found = keyspace::read(&mut server.connect());
        for (owner, history) in histories.iter().enumerate() {
            let own = own(owner, &found);
            if let Err(differing) = history.explain(&mut model.connect(), &own) {
                panic!(
                    "connection {owner}: {} writes sent, {} acknowledged; nothing explains what was found.\n\
                     After the acknowledged ones: {differing}\nThe last: {:#?}",
                    history.writes.len(),
                    history.replies.len(),
                    history.last(12),
                );
            }
        }
    }
}

/// What each connection did until the server was killed.
fn load_and_kill(server: &mut Server, rng: &mut Rng, beside: Beside) -> Vec<History> {
    let seeds: Vec<u64> = (0..CONNECTIONS).map(|_| rng.u64(..)).collect();
    let port = server.port();
    std::thread::scope(|scope| {
        let writers: Vec<_> = seeds
            .into_iter()
            .enumerate()
            .map(|(owner, seed)| {
                scope.spawn(move || History::write(port, owner, Rng::with_seed(seed)))
            })
            .collect();
        scope.spawn(move || beside.repeat(port));
        std::thread::sleep(Duration::from_millis(rng.u64(200..1_500)));
        server.kill();
        writers
            .into_iter()
            .map(|writer| writer.join().expect("the writer ends"))
            .collect()
    })
}

/// Checks the snapshot on disk, if there is one: Redis' own program accepts it, and a real Redis loads it.
fn check_snapshot(server: &Server) {
    let path = server.dir().join("dump.rdb");
    if !path.exists() {
        return;
    }
    let mut command = Command::new("redis-check-rdb");
    let check = tools::run(command.arg(&path), Duration::from_secs(20));
    // The program is of 7.0, which knows no fields that expire.
    let is_newer = check.output.contains("Can't handle RDB format version 12");
    assert!(check.status.success() || is_newer, "{}", check.output);
    let redis = Server::start_on(Kind::Oracle, &[], |own| {
        fs::copy(&path, own.join("dump.rdb")).expect("copied");
    });
    let log = redis.log();
    assert!(log.contains("Done loading RDB"), "{log}");
}

/// The keys of one connection.
type Own = BTreeMap<Vec<u8>, Entry>;

/// What of a keyspace belongs to a connection. Encodings are left out: what was packed anew when the
/// file was rewritten may be smaller.
fn own(owner: usize, keyspace: &keyspace::Keyspace) -> Own {
    let prefix = format!("{owner}:");
    let own = keyspace
        .iter()
        .filter(|((_, key), _)| key.starts_with(prefix.as_bytes()));
    own.map(|((_, key), entry)| {
        let entry = Entry {
            encoding: String::new(),
            ..entry.clone()
        };
        (key.clone(), entry)
    })
    .collect()
}

/// The writes of one connection in order, and the replies to those that were acknowledged.
#[derive(Clone)]
struct History {
    owner: usize,
    writes: Vec<Write>,
    replies: Vec<Reply>,
}

impl History {
    /// Writes until the server is gone.
    fn write(port: u16, owner: usize, mut rng: Rng) -> History {
        let mut history = History {
            owner,
            writes: Vec::new(),
            replies: Vec::new(),
        };
        let mut client = Client::connect(port).expect("the server runs");
        loop {
            let batch: Vec<Write> = (0..rng.usize(1..=PIPELINE))
                .map(|_| Write::random(owner, &mut rng))
                .collect();
            let requests: Vec<u8> = batch.iter().flat_map(Write::encode).collect();
            client.send_raw(&requests);
            history.writes.extend(batch.iter().cloned());
            for write in batch {
                let Some(reply) = last_reply(&mut client, &write) else {
                    return history;
                };
                history.replies.push(reply);
            }
        }
    }

    /// Whether what was found is what the acknowledged writes have made and, after them, some of those
    /// that had been sent as well.
    ///
    /// # Errors
    /// What differs after the acknowledged ones, if nothing explains it.
    fn explain(&self, model: &mut Client, found: &Own) -> Result<(), String> {
        assert_eq!(model.line("FLUSHALL").to_string(), "OK");
        for (write, reply) in self.writes.iter().zip(&self.replies) {
            let told = write.as_answered(reply);
            let answers: Vec<Reply> = told.iter().map(|command| model.call(command)).collect();
            if write.is_told_as_sent(&told) && answers.last() != Some(reply) {
                return Err(format!("{write:?} was answered {reply}, not {answers:?}"));
            }
        }
        let first = self.difference(model, found);
        let Some(first) = first else { return Ok(()) };
        for write in &self.writes[self.replies.len()..] {
            for command in write.as_found(model, found) {
                model.call(&command);
            }
            if self.difference(model, found).is_none() {
                return Ok(());
            }
        }
        Err(first)
    }

    fn difference(&self, model: &mut Client, found: &Own) -> Option<String> {
        let model = own(self.owner, &keyspace::read(model));
        let keys = model.keys().chain(found.keys());
        let differing = keys.filter(|key| model.get(*key) != found.get(*key));
        let shown: Vec<String> = differing
            .map(|key| {
                let show = |side: &Own| {
                    side.get(key).map_or("nothing".to_owned(), |entry| {
                        format!("{} {} {}", entry.kind, entry.value, entry.details)
                    })
                };
                let name = words::quote(key);
                format!("{name}\nexpected {}\nfound {}", show(&model), show(found))
            })
            .collect();
        (!shown.is_empty()).then(|| shown.join("\n"))
    }

    fn last(&self, count: usize) -> &[Write] {
        &self.writes[self.writes.len().saturating_sub(count)..]
    }
}

/// The reply to the last command of a write, or `None` if the server has gone before.
fn last_reply(client: &mut Client, write: &Write) -> Option<Reply> {
    let mut last = Vec::new();
    for _ in 0..write.commands() {
        last = client.try_receive().ok()?;
    }
    let parsed = Reply::parse(&last).expect("a reply");
    Some(parsed.expect("a whole reply").0)
}

#[test]
fn a_lost_write_of_any_type_would_be_noticed() {
    let server = Server::start(Kind::Oracle, &[]);
    let mut client = server.connect();
    let mut rng = Rng::with_seed(seed());
    let writes: Vec<Write> = (0..600)
        .map(|_| Write::random(0, &mut rng))
        .chain([Write::of("RPUSH 0:list:0 last")])
        .collect();
    let replies = writes.iter().map(|write| {
        client.send_raw(&write.encode());
        last_reply(&mut client, write).expect("a reply")
    });
    let history = History {
        owner: 0,
        replies: replies.collect(),
        writes,
    };
    let found = own(0, &keyspace::read(&mut client));
    let other = Server::start(Kind::Oracle, &[]);
    let mut model = other.connect();
    assert_eq!(history.explain(&mut model, &found), Ok(()));
    let mut unanswered = history.clone();
    unanswered.replies.truncate(597);
    assert_eq!(unanswered.explain(&mut model, &found), Ok(()));

    client.line("RPOP 0:list:0");
    let lost = own(0, &keyspace::read(&mut client));
    assert!(history.explain(&mut model, &lost).is_err());
    let mut torn = found;
    torn.pop_first();
    assert!(history.explain(&mut model, &torn).is_err());
}
