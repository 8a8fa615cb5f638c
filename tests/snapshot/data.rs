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
        let key = match rng.u32(..10) {
            0 => number.to_string(),
            1 => quote(&bytes(rng, 40)),
            _ => format!("key:{number}"),
        };
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
    }
    lines
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
    let value = match rng.u32(..12) {
        0 => quote(&bytes(rng, 30_000)),
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
        lines.push(format!("LPUSH {key} {}", word(rng)));
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
                3 => rng.i64(..).to_string(),
                _ => "0.5".to_owned(),
            };
            format!("{score} {}", word(rng))
        })
        .collect();
    many(&format!("ZADD {key}"), &pairs, lines);
}

fn hash(rng: &mut Rng, key: &str, fields: Fields, lines: &mut Vec<String>) {
    let pairs: Vec<String> = (0..count(rng))
        .map(|number| format!("field{number} {}", word(rng)))
        .collect();
    many(&format!("HSET {key}"), &pairs, lines);
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
    for _ in 0..rng.u32(..4) {
        let number = rng.usize(1..=entries);
        lines.push(format!("XDEL {key} {}-{number}", 1_000 + number / 7));
    }
    if rng.u32(..5) == 0 {
        lines.push(format!("XTRIM {key} MAXLEN {}", rng.usize(..entries)));
    }
    if rng.u32(..3) == 0 {
        groups(rng, key, lines);
    }
}

fn groups(rng: &mut Rng, key: &str, lines: &mut Vec<String>) {
    for group in 0..rng.u32(1..3) {
        lines.push(format!("XGROUP CREATE {key} group{group} 0"));
        lines.push(format!("XGROUP CREATECONSUMER {key} group{group} idle"));
        for consumer in 0..rng.u32(..3) {
            let count = rng.u32(1..20);
            lines.push(format!(
                "XREADGROUP GROUP group{group} consumer{consumer} COUNT {count} STREAMS {key} >"
            ));
        }
        if rng.bool() {
            lines.push(format!("XACK {key} group{group} 1000-1 1000-2 1000-3"));
        }
    }
}
