//! A long random conversation about tags, held with Keytag and with a model of the rules.
//!
//! No other server has tags, so the model is what they are compared with. Now and then the server
//! is killed and started from its log, rewritten or not.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::support::{
    Client, Reply, Server, is_full_run, keyspace, seed, setting, transcript::rewrite,
};

const KEYS: usize = 12;
const TAGS: usize = 5;
const DATABASES: usize = 3;

#[test]
fn tags_follow_their_keys_whatever_happens() {
    let seed = seed();
    let steps = setting(
        "KEYTAG_COMMANDS",
        if is_full_run() { 300_000 } else { 15_000 },
    );
    let mut rng = Rng::with_seed(seed);
    let mut server = Server::keytag(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut client = server.connect();
    let mut model = Model::default();
    let mut said = Vec::new();
    for step in 0..steps {
        let (line, expected) = model.random(&mut rng);
        said.push(line.clone());
        let got = client.line(&line);
        let last = &said[said.len().saturating_sub(40)..];
        assert_eq!(
            text(got),
            expected,
            "step {step} of KEYTAG_SEED={seed}; the last:\n{}",
            last.join("\n")
        );
        if step % 200 == 199 {
            model.compare(
                &mut client,
                &format!(
                    "step {step} of KEYTAG_SEED={seed}; the last:\n{}",
                    last.join("\n")
                ),
            );
        }
        if step % 2_000 == 1_999 {
            if rng.bool() {
                rewrite(&mut client);
            }
            server.kill();
            server.start_again();
            client = server.connect();
            client.line(&format!("SELECT {}", model.selected));
            model.compare(
                &mut client,
                &format!("restarted at step {step} of KEYTAG_SEED={seed}"),
            );
        }
    }
}

/// The reply as one line; sets in order.
fn text(reply: Reply) -> String {
    match reply {
        Reply::Array(items) => {
            let mut items: Vec<String> = items.iter().map(ToString::to_string).collect();
            items.sort();
            format!("[{}]", items.join(" "))
        }
        other => other.to_string(),
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    value: String,
    tags: BTreeSet<String>,
}

type Database = BTreeMap<String, Entry>;

#[derive(Default)]
struct Model {
    databases: [Database; DATABASES],
    selected: usize,
}

impl Model {
    fn database(&mut self) -> &mut Database {
        &mut self.databases[self.selected]
    }

    fn put(&mut self, key: &str, value: &str, tags: BTreeSet<String>) {
        self.database().insert(
            key.to_owned(),
            Entry {
                value: value.to_owned(),
                tags,
            },
        );
    }

    /// A command, carried out on the model, and the reply that it must have.
    fn random(&mut self, rng: &mut Rng) -> (String, String) {
        let key = name(rng);
        match rng.u32(..40) {
            0..=6 => self.set_with_tags(&key, rng),
            7..=13 => self.change_tags(&key, rng),
            14..=17 => self.invalidate(rng),
            18..=21 => self.ask(&key, rng),
            22..=27 => self.overwrite(&key, rng),
            28..=31 => self.change_in_place(&key, rng),
            32..=34 => self.remove(&key, rng),
            _ => self.take_elsewhere(&key, rng),
        }
    }

    fn set_with_tags(&mut self, key: &str, rng: &mut Rng) -> (String, String) {
        let (value, tags) = (rng.u32(..1_000).to_string(), tags(rng));
        let count = tags.len();
        let is_there = self.database().contains_key(key);
        let (word, is_done) = match rng.u32(..4) {
            0 => (" NX", !is_there),
            1 => (" XX", is_there),
            _ => ("", true),
        };
        let reply = if is_done { "OK" } else { "(nil)" }.to_owned();
        if rng.u32(..5) == 0 {
            let kept = self
                .database()
                .get(key)
                .map_or_else(BTreeSet::new, |entry| entry.tags.clone());
            if is_done {
                self.put(key, &value, kept);
            }
            return (format!("SET {key} {value}{word} KEEPTAGS"), reply);
        }
        let line = format!("SET {key} {value} TAGS {count} {}{word}", tags.join(" "));
        if is_done {
            self.put(key, &value, tags.into_iter().collect());
        }
        (line, reply)
    }

    fn change_tags(&mut self, key: &str, rng: &mut Rng) -> (String, String) {
        let tags = tags(rng);
        let is_add = rng.u32(..3) > 0;
        let line = format!(
            "{} {key} {}",
            if is_add { "TAGADD" } else { "TAGREM" },
            tags.join(" ")
        );
        let Some(entry) = self.database().get_mut(key) else {
            return (line, "(integer) -2".to_owned());
        };
        let before = entry.tags.len();
        if is_add {
            entry.tags.extend(tags);
        } else {
            entry.tags.retain(|tag| !tags.contains(tag));
        }
        (
            line,
            format!("(integer) {}", before.abs_diff(entry.tags.len())),
        )
    }

    fn invalidate(&mut self, rng: &mut Rng) -> (String, String) {
        let tags = tags(rng);
        let before = self.database().len();
        self.database()
            .retain(|_, entry| !tags.iter().any(|tag| entry.tags.contains(tag)));
        let removed = before - self.database().len();
        (
            format!("TAGINVALIDATE {}", tags.join(" ")),
            format!("(integer) {removed}"),
        )
    }

    fn ask(&mut self, key: &str, rng: &mut Rng) -> (String, String) {
        let tag = tag(rng);
        match rng.u32(..3) {
            0 => {
                let tags = self
                    .database()
                    .get(key)
                    .map_or_else(BTreeSet::new, |entry| entry.tags.clone());
                let tags: Vec<String> = tags.iter().map(|tag| format!("\"{tag}\"")).collect();
                (format!("TAGLIST {key}"), format!("[{}]", tags.join(" ")))
            }
            1 => {
                let count = self
                    .database()
                    .values()
                    .filter(|entry| entry.tags.contains(&tag))
                    .count();
                (format!("TAGCARD {tag}"), format!("(integer) {count}"))
            }
            _ => {
                let value = self.database().get(key).map_or_else(
                    || "(nil)".to_owned(),
                    |entry| format!("\"{}\"", entry.value),
                );
                (format!("GET {key}"), value)
            }
        }
    }

    fn overwrite(&mut self, key: &str, rng: &mut Rng) -> (String, String) {
        let value = rng.u32(..1_000).to_string();
        let line = match rng.u32(..5) {
            0 => format!("SETEX {key} 100000 {value}"),
            1 => format!("PSETEX {key} 100000000 {value}"),
            2 => format!("SET {key} {value} EX 100000"),
            3 => format!("SET {key} {value} KEEPTTL"),
            _ => format!("MSET {key} {value}"),
        };
        self.put(key, &value, BTreeSet::new());
        (line, "OK".to_owned())
    }

    fn change_in_place(&mut self, key: &str, rng: &mut Rng) -> (String, String) {
        let is_there = self.database().contains_key(key);
        match rng.u32(..3) {
            0 => (
                format!("EXPIRE {key} 100000"),
                format!("(integer) {}", u8::from(is_there)),
            ),
            1 => {
                let entry = self.database().entry(key.to_owned()).or_default();
                entry.value.push('7');
                (
                    format!("APPEND {key} 7"),
                    format!("(integer) {}", entry.value.len()),
                )
            }
            _ => (
                format!("TOUCH {key}"),
                format!("(integer) {}", u8::from(is_there)),
            ),
        }
    }

    fn remove(&mut self, key: &str, rng: &mut Rng) -> (String, String) {
        if rng.u32(..30) == 0 {
            self.database().clear();
            return ("FLUSHDB".to_owned(), "OK".to_owned());
        }
        let is_there = self.database().remove(key).is_some();
        let line = [
            format!("DEL {key}"),
            format!("UNLINK {key}"),
            format!("PEXPIREAT {key} 1"),
        ];
        (
            line[rng.usize(..3)].clone(),
            format!("(integer) {}", u8::from(is_there)),
        )
    }

    fn take_elsewhere(&mut self, key: &str, rng: &mut Rng) -> (String, String) {
        let (other_key, other) = (name(rng), rng.usize(..DATABASES));
        match rng.u32(..5) {
            0 => {
                self.selected = other;
                (format!("SELECT {other}"), "OK".to_owned())
            }
            1 => {
                self.databases.swap(0, other);
                (format!("SWAPDB 0 {other}"), "OK".to_owned())
            }
            2 => {
                let Some(entry) = self.database().remove(key) else {
                    return (
                        format!("RENAME {key} {other_key}"),
                        "(error) ERR no such key".to_owned(),
                    );
                };
                self.database().insert(other_key.clone(), entry);
                (format!("RENAME {key} {other_key}"), "OK".to_owned())
            }
            3 => self.take_to_database(key, key, other, true),
            _ => self.take_to_database(key, &other_key, other, false),
        }
    }

    /// MOVE or COPY … DB.
    fn take_to_database(
        &mut self,
        key: &str,
        to: &str,
        database: usize,
        is_move: bool,
    ) -> (String, String) {
        let line = match is_move {
            true => format!("MOVE {key} {database}"),
            false => format!("COPY {key} {to} DB {database}"),
        };
        if database == self.selected && key == to {
            return (
                line,
                "(error) ERR source and destination objects are the same".to_owned(),
            );
        }
        let Some(entry) = self.database().get(key).cloned() else {
            return (line, "(integer) 0".to_owned());
        };
        if self.databases[database].contains_key(to) {
            return (line, "(integer) 0".to_owned());
        }
        self.databases[database].insert(to.to_owned(), entry);
        if is_move {
            self.database().remove(key);
        }
        (line, "(integer) 1".to_owned())
    }

    /// Compares everything: values, tags, and both directions of the index.
    fn compare(&self, client: &mut Client, what: &str) {
        let stored = keyspace::read(client);
        for (database, entries) in self.databases.iter().enumerate() {
            for (key, entry) in entries {
                let found = stored.get(&(database, key.clone().into_bytes()));
                let Some(found) = found else {
                    panic!("{what}\n{key} is missing in database {database}")
                };
                assert_eq!(
                    found.value.text(),
                    entry.value,
                    "{what}\n{key} in database {database}"
                );
                let tags: Vec<String> = found.tags.items().iter().map(Reply::text).collect();
                let expected: Vec<String> = entry.tags.iter().cloned().collect();
                assert_eq!(
                    tags, expected,
                    "{what}\ntags of {key} in database {database}"
                );
            }
            client.line(&format!("SELECT {database}"));
            for tag in (0..TAGS).map(|number| format!("tag:{number}")) {
                let keys = client.line(&format!("TAGKEYS {tag} 0 COUNT 1000")).items()[1].clone();
                let expected: Vec<String> = entries
                    .iter()
                    .filter(|(_, entry)| entry.tags.contains(&tag))
                    .map(|(key, _)| format!("\"{key}\""))
                    .collect();
                assert_eq!(
                    text(keys),
                    format!("[{}]", expected.join(" ")),
                    "{what}\nkeys of {tag} in database {database}"
                );
            }
            assert_eq!(
                client.line("DBSIZE").integer(),
                i64::try_from(entries.len()).expect("a count"),
                "{what}"
            );
        }
        let count: usize = self.databases.iter().map(BTreeMap::len).sum();
        assert_eq!(
            stored.len(),
            count,
            "{what}\nthere are more keys than there should be"
        );
        client.line(&format!("SELECT {}", self.selected));
    }
}

fn name(rng: &mut Rng) -> String {
    format!("key:{:02}", rng.usize(..KEYS))
}

fn tag(rng: &mut Rng) -> String {
    format!("tag:{}", rng.usize(..TAGS))
}

/// One to three different tags.
fn tags(rng: &mut Rng) -> Vec<String> {
    let tags: BTreeSet<String> = (0..rng.usize(1..4)).map(|_| tag(rng)).collect();
    tags.into_iter().collect()
}
