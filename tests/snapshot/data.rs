//! Data sets by chance, with every type in every form that files know.

use fastrand::Rng;

use crate::support::words::quote;

/// Whether hashes may have fields that expire, which no Redis before 7.4 knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fields {
    Expire,
    Stay,
}

/// Far enough away that nothing expires while a test runs.
const FAR_MS: u64 = 4_000_000_000_000;

/// Commands that make about so many keys of every type, the same whoever carries them out.
pub(crate) fn lines(rng: &mut Rng, keys: usize, fields: Fields) -> Vec<String> {
    let mut lines = Vec::new();
    for number in 0..keys {
        if rng.u32(..20) == 0 {
            lines.push(format!("SELECT {}", rng.u32(..4)));
        }
        let key = match rng.u32(..20) {
            0 | 1 => number.to_string(),
            2 | 3 => quote(&bytes(rng, 40)),
            4 => format!("{}{number}", "long".repeat(rng.usize(1..1_000))),
            5 => "\"\"".to_owned(),
            _ => format!("key:{number}"),
        };
        // There may be one of that name.
        lines.push(format!("DEL {key}"));
        match rng.u32(..7) {
            0 | 1 => string(rng, &key, &mut lines),
            2 => list(rng, &key, &mut lines),
            3 => set(rng, &key, &mut lines),
            4 => zset(rng, &key, fields, &mut lines),
            5 => hash(rng, &key, fields, &mut lines),
            _ => stream(rng, &key, &mut lines),
        }
        if rng.u32(..4) == 0 {
            lines.push(format!("PEXPIREAT {key} {}", FAR_MS + rng.u64(..1_000_000)));
        }
        if rng.u32(..20) == 0 {
            lines.push(format!("COPY {key} copy:{number} DB {}", rng.u32(4..16)));
        }
    }
    for number in 0..rng.u32(..3) {
        lines.push(format!(
            "FUNCTION LOAD \"#!lua name=lib{number}\\nredis.register_function('f{number}', function() return '{}' end)\"",
            "x".repeat(rng.usize(..200))
        ));
    }
    lines
}

/// A number that is hard to write. Not -0, which is 0 in a listpack: that depends on who reads.
fn hard_score(rng: &mut Rng) -> &'static str {
    let scores = [
        "-inf",
        "5e-324",
        "-5e-324",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "0.1",
        "-1e-7",
        "9007199254740993",
        "1e22",
        "123456789012345678",
        "3.0000000000000004",
    ];
    scores[rng.usize(..scores.len())]
}

/// Any bytes, up to `most` and at least one.
fn bytes(rng: &mut Rng, most: usize) -> Vec<u8> {
    let letters = rng.u8(1..=255);
    (0..rng.usize(1..=most))
        .map(|_| rng.u8(..letters))
        .collect()
}

/// A number of any length, a text, or many bytes that are worth compressing or not.
fn word(rng: &mut Rng) -> String {
    match rng.u32(..8) {
        0 => rng.i64(..).to_string(),
        1 | 2 => (rng.i64(..) >> rng.u32(30..63)).to_string(),
        3 => format!("0{}", rng.u8(..)),
        4 => quote(&bytes(rng, 12)),
        5 => quote(&bytes(rng, 100)),
        6 => "abc".repeat(rng.usize(1..30)),
        _ => rng.u16(..).to_string(),
    }
}

/// How many elements: few, or about as many as make a collection large, or more.
fn count(rng: &mut Rng) -> usize {
    match rng.u32(..10) {
        0..6 => rng.usize(1..10),
        6..9 => rng.usize(100..150),
        _ => rng.usize(500..1_500),
    }
}

/// Says a command with words behind it, some at a time.
fn many(command: &str, words: &[String], lines: &mut Vec<String>) {
    for words in words.chunks(128) {
        lines.push(format!("{command} {}", words.join(" ")));
    }
}

fn string(rng: &mut Rng, key: &str, lines: &mut Vec<String>) {
    let value = match rng.u32(..16) {
        0 => quote(&bytes(rng, 30_000)),
        2 => "\"\"".to_owned(),
        3 => {
            lines.push(format!("SETBIT {key} {} 1", rng.u32(..100_000)));
            return;
        }
        4 => {
            let elements: Vec<String> = (0..rng.usize(1..600)).map(|it| it.to_string()).collect();
            lines.push(format!("PFADD {key} {}", elements.join(" ")));
            return;
        }
        5 => {
            lines.push(format!(
                "INCRBYFLOAT {key} {}",
                f64::from(rng.i32(..)) / 1_000.0
            ));
            return;
        }
        1 => "even "
            .repeat(rng.usize(1..20_000))
            .trim()
            .replace(' ', "_"),
        _ => word(rng),
    };
    lines.push(format!("SET {key} {value}"));
    if rng.u32(..6) == 0 {
        lines.push(format!("APPEND {key} 1"));
    }
}

fn list(rng: &mut Rng, key: &str, lines: &mut Vec<String>) {
    let mut elements: Vec<String> = (0..count(rng)).map(|_| word(rng)).collect();
    if rng.u32(..5) == 0 {
        elements.push("long".repeat(rng.usize(1_000..6_000)));
    }
    many(&format!("RPUSH {key}"), &elements, lines);
    if rng.bool() {
        lines.push(format!("LPUSH {key} {} \"\" -0 01 +1", word(rng)));
        lines.push(format!("LTRIM {key} 0 -2"));
        lines.push(format!("LINSERT {key} BEFORE -0 {}", word(rng)));
    }
    for _ in 0..rng.u32(..4) {
        let at = rng.usize(..elements.len().min(100));
        lines.push(format!("LSET {key} {} {}", at / 2, word(rng)));
        lines.push(format!("LREM {key} 1 {}", elements[at]));
        lines.push(format!("RPUSH {key} last"));
    }
}

fn set(rng: &mut Rng, key: &str, lines: &mut Vec<String>) {
    let bits = rng.u32(1..64);
    let is_of_integers = rng.bool();
    let members: Vec<String> = (0..count(rng))
        .map(|_| match is_of_integers {
            true => (rng.i64(..) >> bits).to_string(),
            false => word(rng),
        })
        .collect();
    many(&format!("SADD {key}"), &members, lines);
    if rng.u32(..4) == 0 {
        lines.push(format!("SREM {key} {}", members[0]));
        lines.push(format!("SADD {key} {} \"\"", word(rng)));
    }
}

fn zset(rng: &mut Rng, key: &str, fields: Fields, lines: &mut Vec<String>) {
    let pairs: Vec<String> = (0..count(rng))
        .map(|_| {
            let score = match rng.u32(..5) {
                0 => "inf".to_owned(),
                1 => rng.i64(-1_000..1_000).to_string(),
                // Redis 7.0 prints other scores with more digits, and digests those.
                2 if fields == Fields::Stay => format!("{}", f64::from(rng.i32(..)) / 4.0),
                2 => format!("{}", rng.f64() * 1e10),
                3 if fields == Fields::Stay => (rng.i64(..) >> 12).to_string(),
                3 if rng.bool() => hard_score(rng).to_owned(),
                3 => rng.i64(..).to_string(),
                _ => "0.5".to_owned(),
            };
            format!("{score} {}", word(rng))
        })
        .collect();
    many(&format!("ZADD {key}"), &pairs, lines);
    if rng.u32(..4) == 0 {
        lines.push(format!("ZADD {key} 1 \"\" 2 last"));
        lines.push(format!("ZPOPMIN {key} {}", rng.usize(..=pairs.len() / 2)));
    }
}

fn hash(rng: &mut Rng, key: &str, fields: Fields, lines: &mut Vec<String>) {
    let pairs: Vec<String> = (0..count(rng))
        .map(|number| format!("field{number} {}", word(rng)))
        .collect();
    many(&format!("HSET {key}"), &pairs, lines);
    if rng.u32(..4) == 0 {
        lines.push(format!("HDEL {key} field{}", rng.usize(..pairs.len())));
        lines.push(format!(
            "HSET {key} \"\" \"\" {} x",
            "f".repeat(rng.usize(1..200))
        ));
    }
    if fields == Fields::Expire && rng.bool() {
        for _ in 0..rng.u32(1..5) {
            let bits = rng.u32(1..40);
            let expiry = FAR_MS + rng.u64(..1 << bits);
            let field = rng.usize(..pairs.len());
            lines.push(format!("HPEXPIREAT {key} {expiry} FIELDS 1 field{field}"));
        }
        if rng.u32(..4) == 0 {
            let all: Vec<String> = (0..pairs.len()).map(|it| format!("field{it}")).collect();
            lines.push(format!(
                "HPERSIST {key} FIELDS {} {}",
                all.len(),
                all.join(" ")
            ));
        }
    }
}

fn stream(rng: &mut Rng, key: &str, lines: &mut Vec<String>) {
    let entries = count(rng);
    for number in 1..=entries {
        let same = format!("a {} b {}", word(rng), word(rng));
        let fields = match rng.u32(..4) {
            0 => format!("field{} {}", rng.u8(..), word(rng)),
            _ => same,
        };
        lines.push(format!(
            "XADD {key} {}-{number} {fields}",
            1_000 + number / 7
        ));
    }
    delete(rng, key, entries, lines);
    if rng.u32(..5) == 0 {
        lines.push(format!("XTRIM {key} MAXLEN {}", rng.usize(..entries)));
    }
    if rng.u32(..8) == 0 {
        lines.push(format!(
            "XSETID {key} {}-1 ENTRIESADDED {} MAXDELETEDID {}-7",
            rng.u32(1_000_000..2_000_000),
            rng.u32(2_000..3_000),
            rng.u32(500_000..900_000)
        ));
    }
    if rng.u32(..3) == 0 {
        groups(rng, key, entries, lines);
    }
    if rng.u32(..10) == 0 {
        lines.push(format!("XTRIM {key} MAXLEN 0"));
    }
}

/// Takes some entries away, and perhaps all of a node.
fn delete(rng: &mut Rng, key: &str, entries: usize, lines: &mut Vec<String>) {
    for _ in 0..rng.u32(..4) {
        let number = rng.usize(1..=entries);
        lines.push(format!("XDEL {key} {}-{number}", 1_000 + number / 7));
    }
    if rng.u32(..6) == 0 {
        let all: Vec<String> = (1..=entries.min(100))
            .map(|number| format!("{}-{number}", 1_000 + number / 7))
            .collect();
        lines.push(format!("XDEL {key} {}", all.join(" ")));
    }
}

fn groups(rng: &mut Rng, key: &str, entries: usize, lines: &mut Vec<String>) {
    for group in 0..rng.u32(1..4) {
        let group = match rng.u32(..6) {
            0 => quote(&[&bytes(rng, 10)[..], &[b'0' + group as u8]].concat()),
            _ => format!("group{group}"),
        };
        let read = match rng.u32(..3) {
            0 => format!(" ENTRIESREAD {}", rng.u32(..50)),
            _ => String::new(),
        };
        let start = ["0", "$", "1000-3", "1003-25"][rng.usize(..4)];
        lines.push(format!("XGROUP CREATE {key} {group} {start}{read}"));
        lines.push(format!("XGROUP CREATECONSUMER {key} {group} idle"));
        for consumer in 0..rng.u32(..3) {
            let count = rng.u32(1..20);
            lines.push(format!(
                "XREADGROUP GROUP {group} consumer{consumer} COUNT {count} STREAMS {key} >"
            ));
        }
        if rng.bool() {
            lines.push(format!("XACK {key} {group} 1000-1 1000-2 1000-3"));
        }
        if rng.bool() {
            let number = rng.usize(1..=entries);
            let id = format!("{}-{number}", 1_000 + number / 7);
            lines.push(format!(
                "XCLAIM {key} {group} claimer 0 {id} TIME {} RETRYCOUNT {} FORCE JUSTID",
                rng.u64(..1_700_000_000_000),
                rng.u32(..300)
            ));
        }
        if rng.u32(..4) == 0 {
            lines.push(format!("XGROUP DELCONSUMER {key} {group} consumer0"));
        }
        // What is pending may be gone.
        delete(rng, key, entries, lines);
    }
}
