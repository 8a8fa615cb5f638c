//! Writes of every type, and how a model is told of them.

use fastrand::Rng;

use super::Own;
use crate::support::{Client, Reply, words};

/// Makes one command line of a connection's own keys.
type Line = fn(&mut Rng, usize) -> String;

/// What is written of each type.
const TYPES: &[Line] = &[
    string, bitmap, hll, list, hash, set, zset, geo, stream, generic,
];

/// A command, or several in one transaction.
#[derive(Clone, Debug)]
pub(super) struct Write {
    lines: Vec<String>,
}

impl Write {
    /// A random write to keys of a connection.
    pub(super) fn random(owner: usize, rng: &mut Rng) -> Write {
        let line = |rng: &mut Rng| TYPES[rng.usize(..TYPES.len())](rng, owner);
        if rng.u32(..12) > 0 {
            return Write::of(&line(rng));
        }
        let mut lines = vec!["MULTI".to_owned()];
        while lines.len() < 4 {
            let line = line(rng);
            if !line.starts_with("SPOP") && !line.contains(" * ") {
                lines.push(line);
            }
        }
        lines.push("EXEC".to_owned());
        Write { lines }
    }

    pub(super) fn of(line: &str) -> Write {
        Write {
            lines: vec![line.to_owned()],
        }
    }

    /// How many replies it brings.
    pub(super) fn commands(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let lines = self.lines.iter();
        lines
            .flat_map(|line| words::encode(&words::split(line)))
            .collect()
    }

    /// Commands that do what this one has done, by what was answered.
    pub(super) fn as_answered(&self, reply: &Reply) -> Vec<Vec<Vec<u8>>> {
        let commands: Vec<Vec<Vec<u8>>> =
            self.lines.iter().map(|line| words::split(line)).collect();
        let command = &commands[0];
        match (command[0].as_slice(), reply) {
            (b"SPOP", Reply::Bulk(_)) => removal(&command[1], std::slice::from_ref(reply)),
            (b"SPOP", Reply::Array(members) | Reply::Set(members)) => removal(&command[1], members),
            (b"XADD", Reply::Bulk(id)) => named(command, id),
            _ => commands,
        }
    }

    /// Whether the model is told just what the server was.
    pub(super) fn is_told_as_sent(&self, told: &[Vec<Vec<u8>>]) -> bool {
        self.lines
            .iter()
            .map(|line| words::split(line))
            .eq(told.iter().cloned())
    }

    /// The same by what was found, for a model that holds what was there before.
    pub(super) fn as_found(&self, model: &mut Client, found: &Own) -> Vec<Vec<Vec<u8>>> {
        let command = words::split(&self.lines[0]);
        let key = command.get(1).cloned().unwrap_or_default();
        let held = |fields: &[u8]| -> Vec<Reply> {
            let entry = found.get(fields);
            entry.map_or(Vec::new(), |entry| entry.value.items().to_vec())
        };
        match command[0].as_slice() {
            b"SPOP" => {
                let left = held(&key);
                let members = model.call(&[&b"SMEMBERS"[..], &key]);
                let gone = members.items().iter().filter(|it| !left.contains(it));
                removal(&key, &gone.cloned().collect::<Vec<Reply>>())
            }
            b"XADD" if command[2] == b"*" => {
                let count = model.call(&[&b"XLEN"[..], &key]).integer();
                let count = usize::try_from(count).expect("a length");
                // Nothing is found of it if it was not written.
                let id = held(&key)
                    .get(count)
                    .map(|entry| entry.items()[0].text().into_bytes());
                id.map_or(Vec::new(), |id| named(&command, &id))
            }
            _ => self.lines.iter().map(|line| words::split(line)).collect(),
        }
    }
}

fn removal(key: &[u8], members: &[Reply]) -> Vec<Vec<Vec<u8>>> {
    let members: Vec<Vec<u8>> = members
        .iter()
        .map(|member| member.text().into_bytes())
        .collect();
    if members.is_empty() {
        return Vec::new();
    }
    vec![[vec![b"SREM".to_vec(), key.to_vec()], members].concat()]
}

fn named(command: &[Vec<u8>], id: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut command = command.to_vec();
    command[2] = id.to_vec();
    vec![command]
}

/// Something to store: a number, a word, or as long as to leave packed encodings.
fn text(rng: &mut Rng) -> String {
    match rng.u32(..12) {
        0 => "x".repeat(rng.usize(60..70)),
        1 => "y".repeat(rng.usize(1..2_000)),
        2..=6 => rng.i32(-50..50).to_string(),
        _ => format!("word:{}", rng.u32(..200)),
    }
}

/// Several of something, with spaces between them.
fn several(rng: &mut Rng, make: impl Fn(&mut Rng) -> String) -> String {
    let made: Vec<String> = (0..rng.usize(1..5)).map(|_| make(rng)).collect();
    made.join(" ")
}

fn key(kind: &str, rng: &mut Rng, owner: usize) -> String {
    format!("{owner}:{kind}:{}", rng.u32(..3))
}

/// A time far ahead, in milliseconds.
fn far_ms(rng: &mut Rng) -> u64 {
    4_000_000_000_000 + rng.u64(..1_000_000)
}

fn string(rng: &mut Rng, owner: usize) -> String {
    let (key, text) = (key("string", rng, owner), text(rng));
    match rng.u32(..8) {
        0..=3 => format!("SET {key} {text}"),
        4 => format!("SET {key} {text} PXAT {}", far_ms(rng)),
        5 => format!("APPEND {key} {text}"),
        6 => format!("SETRANGE {key} {} {text}", rng.u32(..100)),
        _ => format!("INCRBY {owner}:counter {}", rng.u32(..100)),
    }
}

fn bitmap(rng: &mut Rng, owner: usize) -> String {
    let (key, other) = (key("bits", rng, owner), key("bits", rng, owner));
    match rng.u32(..4) {
        0 => format!("BITOP XOR {key} {key} {other}"),
        1 => format!("BITFIELD {key} INCRBY i5 #{} 3 SET u8 0 9", rng.u32(..9)),
        _ => format!("SETBIT {key} {} {}", rng.u32(..500), rng.u32(..2)),
    }
}

fn hll(rng: &mut Rng, owner: usize) -> String {
    let (key, other) = (key("hll", rng, owner), key("hll", rng, owner));
    match rng.u32(..4) {
        0 => format!("PFMERGE {key} {other}"),
        _ => format!("PFADD {key} {}", several(rng, text)),
    }
}

fn list(rng: &mut Rng, owner: usize) -> String {
    let (key, other) = (key("list", rng, owner), key("list", rng, owner));
    let (end, text) = (["L", "R"][rng.usize(..2)], text(rng));
    match rng.u32(..14) {
        0..=5 => format!("{end}PUSH {key} {}", several(rng, super::load::text)),
        6 => format!("{end}POP {key}"),
        7 => format!("{end}POP {key} {}", rng.u32(1..4)),
        8 => format!("LTRIM {key} -{} -1", rng.u32(1..60)),
        9 => format!("LINSERT {key} BEFORE {text} {text}"),
        10 => format!("LREM {key} 1 {text}"),
        11 => format!("LMOVE {key} {other} LEFT RIGHT"),
        12 => format!("LMPOP 2 {key} {other} RIGHT COUNT 2"),
        _ => format!("RPOPLPUSH {key} {other}"),
    }
}

fn hash(rng: &mut Rng, owner: usize) -> String {
    let (key, field) = (key("hash", rng, owner), text(rng));
    match rng.u32(..12) {
        0..=4 => {
            let pairs = several(rng, |rng| format!("{} {}", text(rng), text(rng)));
            format!("HSET {key} {pairs}")
        }
        5..=6 => format!("HDEL {key} {}", several(rng, text)),
        7 => format!("HINCRBY {key} count:{} 7", rng.u32(..5)),
        8 => format!("HINCRBYFLOAT {key} sum:{} 0.1", rng.u32(..5)),
        9 => format!("HPEXPIREAT {key} {} FIELDS 1 {field}", far_ms(rng)),
        // In the past: the field goes at once.
        10 => format!("HPEXPIREAT {key} 1 FIELDS 1 {field}"),
        _ => format!("HPERSIST {key} FIELDS 1 {field}"),
    }
}

fn set(rng: &mut Rng, owner: usize) -> String {
    let (key, other) = (key("set", rng, owner), key("set", rng, owner));
    match rng.u32(..12) {
        0..=4 => format!("SADD {key} {}", several(rng, text)),
        5..=6 => format!("SREM {key} {}", several(rng, text)),
        7 => format!("SMOVE {key} {other} {}", text(rng)),
        8 => format!("SPOP {key}"),
        9 => format!("SPOP {key} {}", rng.u32(..5)),
        10 => format!("SUNIONSTORE {owner}:set:all {key} {other}"),
        _ => format!("SDIFFSTORE {owner}:set:rest {key} {other}"),
    }
}

fn zset(rng: &mut Rng, owner: usize) -> String {
    let (key, other) = (key("zset", rng, owner), key("zset", rng, owner));
    match rng.u32(..14) {
        0..=5 => {
            let pairs = several(rng, |rng| format!("{} {}", rng.i32(-9..9), text(rng)));
            format!("ZADD {key} {pairs}")
        }
        6 => format!("ZADD {key} GT CH {} {}", rng.i32(-9..9), text(rng)),
        7 => format!("ZINCRBY {key} 0.1 {}", text(rng)),
        8 => format!("ZREM {key} {}", several(rng, text)),
        9 => format!("ZPOPMIN {key} {}", rng.u32(1..4)),
        10 => format!("ZMPOP 2 {key} {other} MAX COUNT 2"),
        11 => format!("ZREMRANGEBYRANK {key} 0 {}", rng.u32(..3)),
        12 => format!("ZUNIONSTORE {owner}:zset:all 2 {key} {other} WEIGHTS 2 0.5"),
        _ => format!("ZRANGESTORE {owner}:zset:top {key} 0 5 REV"),
    }
}

fn geo(rng: &mut Rng, owner: usize) -> String {
    let key = key("geo", rng, owner);
    match rng.u32(..4) {
        0 => format!(
            "GEOSEARCHSTORE {owner}:geo:near {key} FROMLONLAT 2 2 BYRADIUS 300 km ASC COUNT 9"
        ),
        _ => {
            let (longitude, latitude) = (rng.f64() * 5.0, rng.f64() * 5.0);
            format!("GEOADD {key} {longitude} {latitude} {}", text(rng))
        }
    }
}

fn stream(rng: &mut Rng, owner: usize) -> String {
    let key = key("stream", rng, owner);
    let consumer = ["alice", "bob"][rng.usize(..2)];
    let group = format!("{owner}:group");
    let number = rng.u32(..9);
    match rng.u32(..20) {
        0..=4 => format!("XADD {key} * name {} value {}", text(rng), text(rng)),
        5 => format!("XADD {key} * only {}", text(rng)),
        6 => format!("XTRIM {key} MAXLEN {}", rng.u32(20..60)),
        7..=10 => format!("XADD {owner}:work 1-* job {}", text(rng)),
        11 => format!("XGROUP CREATE {owner}:work {group} 0 MKSTREAM"),
        12 => format!("XGROUP CREATECONSUMER {owner}:work {group} {consumer}:{number}"),
        _ => work(rng, &format!("{owner}:work"), &group, consumer),
    }
}

/// Reads and acknowledges; ids are few, so that most are found.
fn work(rng: &mut Rng, key: &str, group: &str, consumer: &str) -> String {
    let id = format!("1-{}", rng.u32(1..60));
    match rng.u32(..10) {
        0..=2 => format!("XREADGROUP GROUP {group} {consumer} COUNT 3 STREAMS {key} >"),
        3 => format!("XREADGROUP GROUP {group} {consumer} COUNT 1 NOACK STREAMS {key} >"),
        4..=5 => format!("XACK {key} {group} {id}"),
        6 => format!("XCLAIM {key} {group} {consumer} 0 {id} RETRYCOUNT 7"),
        7 => format!("XAUTOCLAIM {key} {group} {consumer} 0 {id} COUNT 3"),
        8 => format!("XGROUP SETID {key} {group} {id}"),
        _ => format!("XDEL {key} {id}"),
    }
}

fn generic(rng: &mut Rng, owner: usize) -> String {
    let (key, other) = (key("string", rng, owner), key("string", rng, owner));
    let kinds = ["list", "hash", "set", "zset", "stream", "bits"];
    let kind = kinds[rng.usize(..kinds.len())];
    let (any, like_it) = (
        super::load::key(kind, rng, owner),
        super::load::key(kind, rng, owner),
    );
    match rng.u32(..8) {
        0..=1 => format!("COPY {any} {like_it} REPLACE"),
        2 => format!("DEL {key} {any}"),
        3 => format!("PEXPIREAT {any} {}", far_ms(rng)),
        4 => format!("PERSIST {any}"),
        5 => format!("UNLINK {any}"),
        _ => format!("COPY {key} {other} REPLACE"),
    }
}
