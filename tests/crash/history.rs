//! What the connections write, what of it was acknowledged, and whether it explains what is found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use fastrand::Rng;

use crate::support::{Client, words};

/// How many commands a connection sends before it reads replies.
const PIPELINE: usize = 8;

/// A write of the load.
#[derive(Clone, Debug)]
pub(super) enum Write {
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
    /// The database of the connection.
    Flush,
}

const KEYS: usize = 40;
const TAGS: usize = 6;

impl Write {
    fn random(rng: &mut Rng) -> Write {
        let (key, tag, value) = (rng.usize(..KEYS), rng.usize(..TAGS), rng.u64(..1_000_000));
        match rng.u32(..22) {
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
            // Now and then: what was there before is of no interest to the check then.
            18 if value % 50 == 0 => Write::Flush,
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
            Write::Flush => "FLUSHDB".to_owned(),
        };
        words::encode(&words::split(&line))
    }

    /// Does to the model what the server does.
    pub(super) fn apply(&self, owner: usize, model: &mut Model, touched: &mut Vec<String>) {
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
            Write::Flush => {
                touched.extend(model.keys().cloned());
                model.clear();
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
pub(super) type Model = BTreeMap<String, (String, BTreeSet<String>)>;

/// The writes of one connection in order, with the times they were sent, and acknowledged as far as they were.
pub(super) struct History {
    pub(super) writes: Vec<Write>,
    pub(super) sent_at: Vec<Instant>,
    pub(super) acknowledged_at: Vec<Instant>,
}

impl History {
    /// Writes to a database of its own until the server is gone.
    pub(super) fn write(port: u16, owner: usize, mut rng: Rng) -> History {
        let mut history = History {
            writes: Vec::new(),
            sent_at: Vec::new(),
            acknowledged_at: Vec::new(),
        };
        let Some(mut client) = connect(port, owner) else {
            return history;
        };
        loop {
            let batch: Vec<Write> = (0..rng.usize(1..=PIPELINE))
                .map(|_| Write::random(&mut rng))
                .collect();
            let requests: Vec<u8> = batch.iter().flat_map(|write| write.encode(owner)).collect();
            let count = batch.len();
            history.writes.extend(batch);
            history.sent_at.resize(history.writes.len(), Instant::now());
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

    /// The longest prefix of fewer writes that makes what was found, for whoever has to find out what was lost.
    fn shorter_prefix(&self, owner: usize, found: &Model, safe: usize) -> Option<usize> {
        let (mut model, mut touched) = (Model::new(), Vec::new());
        let mut longest = None;
        for (index, write) in self.writes[..safe].iter().enumerate() {
            if model == *found {
                longest = Some(index);
            }
            write.apply(owner, &mut model, &mut touched);
        }
        longest
    }

    /// Checks that what was found after a restart is what a long enough prefix of the writes makes.
    pub(super) fn assert_prefix(&self, owner: usize, found: &Model, safe_before: Instant) {
        let found = own(owner, found);
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
            "connection {owner}: {} writes sent, {} acknowledged, {safe} safe; no such prefix explains what was found, \
             a shorter one of {:?} does.\nAfter the safe ones these differ: {at_least:?}\nFound: {found:#?}",
            self.writes.len(),
            self.acknowledged_at.len(),
            self.shorter_prefix(owner, &found, safe),
        );
    }

    /// When what was found may have been there: from the moment the last write of it was sent to the moment the next
    /// one was acknowledged, for each number of writes that explains it.
    pub(super) fn moments(&self, owner: usize, found: &Model) -> Vec<Moments> {
        let found = own(owner, found);
        let (mut model, mut touched) = (Model::new(), Vec::new());
        let mut differing: BTreeSet<String> = found.keys().cloned().collect();
        let mut moments = Vec::new();
        for count in 0..=self.writes.len() {
            if differing.is_empty() {
                moments.push(Moments {
                    from: count.checked_sub(1).map(|last| self.sent_at[last]),
                    until: self.acknowledged_at.get(count).copied(),
                });
            }
            let Some(write) = self.writes.get(count) else {
                break;
            };
            write.apply(owner, &mut model, &mut touched);
            for key in touched.drain(..) {
                match model.get(&key) == found.get(&key) {
                    true => differing.remove(&key),
                    false => differing.insert(key),
                };
            }
        }
        moments
    }
}

/// A stretch of time; without a bound where there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    from: Option<Instant>,
    until: Option<Instant>,
}

impl Moments {
    fn contain(&self, at: Option<Instant>) -> bool {
        let is_after = self.from.is_none_or(|from| at.is_some_and(|at| from <= at));
        let is_before = at.is_none_or(|at| self.until.is_none_or(|until| at <= until));
        is_after && is_before
    }
}

/// Whether one moment lies in a stretch of each connection.
pub(super) fn have_one_in_common(connections: &[Vec<Moments>]) -> bool {
    let starts = connections.iter().flatten().map(|it| it.from);
    let is_common = |at: Option<Instant>| {
        let has = |moments: &Vec<Moments>| moments.iter().any(|it| it.contain(at));
        connections.iter().all(has)
    };
    starts.chain([None]).any(is_common)
}

fn own(owner: usize, found: &Model) -> Model {
    let own = format!("{owner}:");
    let is_own = |(key, _): &(&String, _)| key.starts_with(&own);
    let found = found.iter().filter(is_own);
    found
        .map(|(key, held)| (key.clone(), held.clone()))
        .collect()
}

/// A connection in its own database, unless the server is gone already.
fn connect(port: u16, owner: usize) -> Option<Client> {
    let mut client = Client::connect(port).ok()?;
    client.send(&["SELECT", &owner.to_string()]);
    client.try_receive().ok()?;
    Some(client)
}
