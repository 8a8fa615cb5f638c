//! SIGKILL under load: nothing that was acknowledged is lost beyond what the fsync policy allows.
//!
//! Each connection writes keys and tags of its own, so its commands are ordered, and what is found
//! after the restart must be what some prefix of them had made: at least all that were acknowledged
//! (with `everysec`: acknowledged a second before the kill), at most all that were sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::{Client, Reply, Server, is_full_run, seed, words};

const CONNECTIONS: usize = 4;
/// How many commands a connection sends before it reads replies.
const PIPELINE: usize = 8;
/// `everysec` may lose a second, and the kill comes a moment after the clock is read.
const EVERYSEC_LOSS: Duration = Duration::from_millis(1_100);

#[test]
fn appendfsync_always_loses_nothing_acknowledged() {
    campaign("always", Duration::ZERO, Rewrites::No);
}

#[test]
fn appendfsync_everysec_loses_a_second_at_most() {
    campaign("everysec", EVERYSEC_LOSS, Rewrites::No);
}

#[test]
fn a_kill_during_rewrites_loses_nothing_acknowledged() {
    campaign("always", Duration::ZERO, Rewrites::Always);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rewrites {
    No,
    /// One after the other, all the time.
    Always,
}

fn campaign(appendfsync: &str, loss: Duration, rewrites: Rewrites) {
    let mut rng = Rng::with_seed(seed());
    let mut server = Server::keytag(&["--appendonly", "yes", "--appendfsync", appendfsync]);
    for _ in 0..if is_full_run() { 30 } else { 4 } {
        assert_eq!(server.connect().line("FLUSHALL").to_string(), "OK");
        let load = Duration::from_millis(rng.u64(200..1_800));
        let histories = load_and_kill(&mut server, &mut rng, load, rewrites);
        server.start_again();
        let found = read(&mut server.connect());
        for (index, (history, killed_at)) in histories.iter().enumerate() {
            history.assert_prefix(
                index,
                &found,
                killed_at.checked_sub(loss).expect("after the start"),
            );
        }
    }
}

/// What each connection did until the server was killed, and when that was.
fn load_and_kill(
    server: &mut Server,
    rng: &mut Rng,
    load: Duration,
    rewrites: Rewrites,
) -> Vec<(History, Instant)> {
    let seeds: Vec<u64> = (0..CONNECTIONS).map(|_| rng.u64(..)).collect();
    let port = server.port();
    std::thread::scope(|scope| {
        let writers: Vec<_> = seeds
            .into_iter()
            .enumerate()
            .map(|(index, seed)| {
                scope.spawn(move || History::write(port, index, Rng::with_seed(seed)))
            })
            .collect();
        let until = Instant::now() + load;
        while Instant::now() < until {
            if rewrites == Rewrites::Always {
                let _ = server.connect().line("BGREWRITEAOF");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let killed_at = Instant::now();
        server.kill();
        writers
            .into_iter()
            .map(|writer| (writer.join().expect("the writer ends"), killed_at))
            .collect()
    })
}

/// A write of the load.
#[derive(Clone, Debug)]
enum Write {
    Set {
        key: usize,
        value: u64,
        tags: Vec<usize>,
    },
    Append {
        key: usize,
        text: u64,
    },
    Delete {
        key: usize,
    },
    TagAdd {
        key: usize,
        tag: usize,
    },
    TagRemove {
        key: usize,
        tag: usize,
    },
    Invalidate {
        tag: usize,
    },
    /// Two keys in one transaction: both or none.
    Both {
        value: u64,
    },
}

const KEYS: usize = 40;
const TAGS: usize = 6;

impl Write {
    fn random(rng: &mut Rng) -> Write {
        let (key, tag, value) = (rng.usize(..KEYS), rng.usize(..TAGS), rng.u64(..1_000_000));
        match rng.u32(..20) {
            0..=9 => Write::Set {
                key,
                value,
                tags: (0..rng.usize(..4)).map(|_| rng.usize(..TAGS)).collect(),
            },
            10..=11 => Write::Append { key, text: value },
            12..=13 => Write::Delete { key },
            14..=15 => Write::TagAdd { key, tag },
            16 => Write::TagRemove { key, tag },
            17 => Write::Invalidate { tag },
            _ => Write::Both { value },
        }
    }

    fn encode(&self, owner: usize) -> Vec<u8> {
        let key = |key: &usize| format!("{owner}:key:{key}");
        let tag = |tag: &usize| format!("{owner}:tag:{tag}");
        let line = match self {
            Write::Set {
                key: at,
                value,
                tags,
            } if tags.is_empty() => format!("SET {} {value}", key(at)),
            Write::Set {
                key: at,
                value,
                tags,
            } => {
                let names: Vec<String> = tags.iter().map(tag).collect();
                format!(
                    "SET {} {value} TAGS {} {}",
                    key(at),
                    names.len(),
                    names.join(" ")
                )
            }
            Write::Append { key: at, text } => format!("APPEND {} {text}", key(at)),
            Write::Delete { key: at } => format!("DEL {}", key(at)),
            Write::TagAdd { key: at, tag: name } => format!("TAGADD {} {}", key(at), tag(name)),
            Write::TagRemove { key: at, tag: name } => format!("TAGREM {} {}", key(at), tag(name)),
            Write::Invalidate { tag: name } => format!("TAGINVALIDATE {}", tag(name)),
            Write::Both { value } => format!("MSET {owner}:left {value} {owner}:right {value}"),
        };
        words::encode(&words::split(&line))
    }

    /// Does to the model what the server does.
    fn apply(&self, owner: usize, model: &mut Model, touched: &mut Vec<String>) {
        let name = |key: &usize| format!("{owner}:key:{key}");
        let tag_name = |tag: &usize| format!("{owner}:tag:{tag}");
        match self {
            Write::Set { key, value, tags } => {
                let tags = tags.iter().map(tag_name).collect();
                model.insert(name(key), (value.to_string(), tags));
                touched.push(name(key));
            }
            Write::Append { key, text } => {
                let (value, _) = model.entry(name(key)).or_default();
                value.push_str(&text.to_string());
                touched.push(name(key));
            }
            Write::Delete { key } => {
                model.remove(&name(key));
                touched.push(name(key));
            }
            Write::TagAdd { key, tag } | Write::TagRemove { key, tag } => {
                if let Some((_, tags)) = model.get_mut(&name(key)) {
                    match self {
                        Write::TagAdd { .. } => tags.insert(tag_name(tag)),
                        _ => tags.remove(&tag_name(tag)),
                    };
                }
                touched.push(name(key));
            }
            Write::Invalidate { tag } => {
                let tag = tag_name(tag);
                touched.extend(
                    model
                        .iter()
                        .filter(|(_, (_, tags))| tags.contains(&tag))
                        .map(|(key, _)| key.clone()),
                );
                model.retain(|_, (_, tags)| !tags.contains(&tag));
            }
            Write::Both { value } => {
                for side in ["left", "right"] {
                    let key = format!("{owner}:{side}");
                    model.insert(key.clone(), (value.to_string(), BTreeSet::new()));
                    touched.push(key);
                }
            }
        }
    }
}

/// Keys to their value and tags.
type Model = BTreeMap<String, (String, BTreeSet<String>)>;

/// The writes of one connection in order, with the times of those that were acknowledged.
struct History {
    writes: Vec<Write>,
    acknowledged_at: Vec<Instant>,
}

impl History {
    /// Writes until the server is gone.
    fn write(port: u16, owner: usize, mut rng: Rng) -> History {
        let mut history = History {
            writes: Vec::new(),
            acknowledged_at: Vec::new(),
        };
        let mut client = Client::connect(port).expect("the server runs");
        loop {
            let batch: Vec<Write> = (0..rng.usize(1..=PIPELINE))
                .map(|_| Write::random(&mut rng))
                .collect();
            let requests: Vec<u8> = batch.iter().flat_map(|write| write.encode(owner)).collect();
            let count = batch.len();
            history.writes.extend(batch);
            client.send_raw(&requests);
            for _ in 0..count {
                let Ok(reply) = client.try_receive() else {
                    return history;
                };
                assert_ne!(
                    reply.first(),
                    Some(&b'-'),
                    "a write is refused: {}",
                    words::quote(&reply)
                );
                history.acknowledged_at.push(Instant::now());
            }
        }
    }

    /// Checks that what was found is what a long enough prefix of the writes makes.
    fn assert_prefix(&self, owner: usize, found: &Model, safe_before: Instant) {
        let own = format!("{owner}:");
        let found: Model = found
            .iter()
            .filter(|(key, _)| key.starts_with(&own))
            .map(|(key, held)| (key.clone(), held.clone()))
            .collect();
        let safe = self
            .acknowledged_at
            .partition_point(|at| *at <= safe_before);
        let mut model = Model::new();
        let mut touched = Vec::new();
        for write in &self.writes[..safe] {
            write.apply(owner, &mut model, &mut touched);
        }
        let mut differing: BTreeSet<String> = model
            .keys()
            .chain(found.keys())
            .filter(|key| model.get(*key) != found.get(*key))
            .cloned()
            .collect();
        let at_least = differing.clone();
        for write in &self.writes[safe..] {
            if differing.is_empty() {
                return;
            }
            touched.clear();
            write.apply(owner, &mut model, &mut touched);
            for key in touched.drain(..) {
                if model.get(&key) == found.get(&key) {
                    differing.remove(&key);
                } else {
                    differing.insert(key);
                }
            }
        }
        assert!(
            differing.is_empty(),
            "connection {owner}: {} writes sent, {} acknowledged, {safe} safe; no prefix explains what was found.\n\
             After the safe ones these differ: {at_least:?}\nFound: {found:#?}",
            self.writes.len(),
            self.acknowledged_at.len(),
        );
    }
}

/// Everything that the server holds.
fn read(client: &mut Client) -> Model {
    let keys = crate::support::keyspace::keys(client);
    keys.into_iter()
        .map(|key| {
            let value = client.call(&[b"GET", key.as_slice()]).text();
            let tags = match client.call(&[b"TAGLIST", key.as_slice()]) {
                Reply::Error(error) => panic!("TAGLIST: {}", words::quote(&error)),
                tags => tags.items().iter().map(Reply::text).collect(),
            };
            (String::from_utf8_lossy(&key).into_owned(), (value, tags))
        })
        .collect()
}

#[test]
fn a_lost_write_would_be_noticed() {
    let now = Instant::now();
    let writes = vec![
        Write::Set {
            key: 1,
            value: 7,
            tags: vec![2],
        },
        Write::TagAdd { key: 1, tag: 3 },
        Write::Both { value: 9 },
    ];
    let history = History {
        writes: writes.clone(),
        acknowledged_at: vec![now; 2],
    };
    let state = |count: usize| {
        let mut model = Model::new();
        writes[..count]
            .iter()
            .for_each(|write| write.apply(0, &mut model, &mut Vec::new()));
        model
    };
    let is_explained =
        |found: &Model| std::panic::catch_unwind(|| history.assert_prefix(0, found, now)).is_ok();
    assert!(
        is_explained(&state(2)) && is_explained(&state(3)),
        "the third was never acknowledged"
    );
    assert!(!is_explained(&state(1)), "the tag of the second is lost");
    let mut half = state(3);
    half.remove("0:right");
    assert!(!is_explained(&half), "half of a transaction");
}
