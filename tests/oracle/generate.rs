//! Arguments of every sort, good and bad.

use std::time::{SystemTime, UNIX_EPOCH};

use fastrand::Rng;

use super::compare::ROUND_MS;
use super::table::{Arg, Row};

/// One command in so many is spoiled.
const SPOILED: u32 = 10;

/// Arguments that are nearly something else, or too much of it.
const NASTY: &[&[u8]] = &[
    b"",
    b"0",
    b"-0",
    b"1",
    b"-1",
    b"+1",
    b" 1",
    b"1 ",
    b"01",
    b"0x10",
    b"1e3",
    b"1.0",
    b"1.5",
    b".5",
    b"5.",
    b"-1.5e-3",
    b"1e400",
    b"nan",
    b"inf",
    b"-inf",
    b"2147483647",
    b"2147483648",
    b"4294967296",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"1\0",
    b"\xff\xfe\r\n",
    b"a b",
    b"'\"\\",
    b"nx",
    b"GET",
    b"*",
    b"[",
    b"\\",
];

/// One command of a row.
pub(super) fn command(row: &Row, rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut command = Vec::new();
    for arg in row.args {
        push(arg, rng, &mut command);
    }
    if rng.u32(..SPOILED) == 0 {
        spoil(&mut command, rng);
    }
    command
}

fn push(arg: &Arg, rng: &mut Rng, out: &mut Vec<Vec<u8>>) {
    match arg {
        Arg::Word(word) => out.push(in_any_case(word, rng)),
        Arg::OneOf(words) => out.push(in_any_case(pick(words, rng), rng)),
        Arg::Key => out.push(key(rng)),
        Arg::Value => out.push(value(rng)),
        Arg::Integer => out.push(integer(rng)),
        Arg::Float => out.push(float(rng)),
        Arg::Offset => out.push(offset(rng)),
        Arg::Pattern => out.push(pattern(rng)),
        Arg::Database => out.push(database(rng)),
        Arg::Seconds => out.push(relative(rng, 100..1_000_000)),
        Arg::Millis => out.push(relative(rng, 100_000..1_000_000_000)),
        Arg::UnixSeconds => out.push(absolute(rng, ROUND_MS / 1_000, 1_000)),
        Arg::UnixMillis => out.push(absolute(rng, ROUND_MS, 1)),
        Arg::Many(args) => {
            for _ in 0..rng.usize(1..5) {
                args.iter().for_each(|arg| push(arg, rng, out));
            }
        }
        Arg::Maybe(args) => {
            if rng.bool() {
                args.iter().for_each(|arg| push(arg, rng, out));
            }
        }
        Arg::Soup(options) => {
            // None, one or several, in any order, now and then the same twice.
            for _ in 0..[0, 0, 1, 1, 1, 2, 2, 3][rng.usize(..8)] {
                pick(options, rng)
                    .iter()
                    .for_each(|arg| push(arg, rng, out));
            }
        }
    }
}

fn pick<'a, T: ?Sized>(choices: &[&'a T], rng: &mut Rng) -> &'a T {
    choices[rng.usize(..choices.len())]
}

fn spoil(command: &mut Vec<Vec<u8>>, rng: &mut Rng) {
    let at = rng.usize(1..=command.len());
    match rng.u32(..5) {
        0 => command.truncate(at),
        1 if at < command.len() => drop(command.remove(at)),
        2 if at < command.len() => command.insert(at, command[at].clone()),
        3 if at < command.len() => command[at] = pick(NASTY, rng).to_vec(),
        _ => command.insert(at, pick(NASTY, rng).to_vec()),
    }
}

fn in_any_case(word: &str, rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..4) {
        0 => word.to_ascii_lowercase().into_bytes(),
        1 => word
            .bytes()
            .map(|byte| {
                if rng.bool() {
                    byte.to_ascii_lowercase()
                } else {
                    byte
                }
            })
            .collect(),
        _ => word.as_bytes().to_vec(),
    }
}

/// A key: few, so that commands meet.
pub(super) fn key(rng: &mut Rng) -> Vec<u8> {
    const KEYS: &[&[u8]] = &[
        b"a",
        b"b",
        b"c",
        b"d",
        b"key:1",
        b"key:2",
        b"{t}1",
        b"{t}2",
        b"",
        b"\0\xff\r\n",
        b"a\\*[b]?",
    ];
    match rng.u32(..40) {
        0 => vec![b'k'; 300],
        1 => b"none".to_vec(),
        _ => pick(KEYS, rng).to_vec(),
    }
}

fn value(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..10) {
        0..=2 => integer(rng),
        3 => float(rng),
        4 => pick(NASTY, rng).to_vec(),
        // Around the limit of `embstr`.
        5 => vec![b'x'; rng.usize(42..48)],
        6 => (0..rng.usize(..300)).map(|_| rng.u8(..)).collect(),
        7 => vec![b'y'; rng.usize(..3_000)],
        _ => (0..rng.usize(..12)).map(|_| rng.u8(b'a'..=b'd')).collect(),
    }
}

fn integer(rng: &mut Rng) -> Vec<u8> {
    let number = match rng.u32(..8) {
        0..=3 => rng.i64(-20..20),
        4 => rng.i64(9_990..10_010),
        5 => [i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1][rng.usize(..4)],
        6 => rng.i64(..),
        _ => rng.i64(-100_000..100_000),
    };
    if rng.u32(..30) == 0 {
        pick(NASTY, rng).to_vec()
    } else {
        number.to_string().into_bytes()
    }
}

fn float(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..6) {
        0 => integer(rng),
        1 => format!("{:e}", rng.f64() * 1e20).into_bytes(),
        2 => format!("{}", (rng.f64() - 0.5) * 1e-6).into_bytes(),
        3 => pick(NASTY, rng).to_vec(),
        _ => format!("{:.*}", rng.usize(..18), (rng.f64() - 0.5) * 1_000.0).into_bytes(),
    }
}

/// An offset into a string: never one that asks for hundreds of megabytes.
fn offset(rng: &mut Rng) -> Vec<u8> {
    let number = match rng.u32(..8) {
        0 => rng.i64(-400..0),
        1 => [
            536_870_912,
            536_870_913,
            4_294_967_295,
            i64::MAX,
            i64::MIN,
            -1,
        ][rng.usize(..6)],
        2 => rng.i64(..2_000).max(-1),
        _ => rng.i64(0..60),
    };
    number.to_string().into_bytes()
}

fn pattern(rng: &mut Rng) -> Vec<u8> {
    const PATTERNS: &[&[u8]] = &[
        b"*",
        b"a*",
        b"*1",
        b"key:?",
        b"{t}*",
        b"[a-c]",
        b"[^a]",
        b"[c-a]",
        b"\\a",
        b"a\\\\\\*\\[b\\]\\?",
        b"",
        b"?",
        b"**",
        b"[",
        b"[a",
        b"*[",
        b"\\",
        b"k*k*k",
        b"[\\a]",
    ];
    pick(PATTERNS, rng).to_vec()
}

fn database(rng: &mut Rng) -> Vec<u8> {
    const DATABASES: &[&[u8]] = &[
        b"0", b"0", b"0", b"1", b"1", b"2", b"15", b"16", b"-1", b"x", b"",
    ];
    pick(DATABASES, rng).to_vec()
}

/// A relative time: past, far, or out of range. Nothing of these tests runs out while they run.
fn relative(rng: &mut Rng, far: std::ops::Range<i64>) -> Vec<u8> {
    const LIMITS: &[i64] = &[
        0,
        -1,
        -1_000_000,
        i64::MAX,
        i64::MIN,
        i64::MAX / 1_000,
        i64::MAX / 1_000 + 1,
        i64::MIN / 1_000,
        i64::MIN / 1_000 - 1,
    ];
    let number = match rng.u32(..10) {
        0 => LIMITS[rng.usize(..LIMITS.len())],
        1 => return pick(NASTY, rng).to_vec(),
        _ => rng.i64(far),
    };
    number.to_string().into_bytes()
}

/// An absolute time in steps that [`Compare`](super::Compare) recognises.
fn absolute(rng: &mut Rng, step: i64, per_second: i64) -> Vec<u8> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let now = i64::try_from(now).expect("in range") * 1_000 / per_second;
    let number = match rng.u32(..10) {
        0 => return relative(rng, -1_000_000..0),
        1 => rng.i64(1..now - step),
        _ => (now / step + rng.i64(1..1_000)) * step,
    };
    number.to_string().into_bytes()
}

/// Whether a command cannot be compared: its effect depends on the moment, or its reply on which
/// commands a server has.
pub(super) fn is_unfit(command: &[Vec<u8>]) -> bool {
    let word = |at: usize| {
        command
            .get(at)
            .map(|word| word.to_ascii_uppercase())
            .unwrap_or_default()
    };
    let lists_all = match word(0).as_slice() {
        b"COMMAND" => command.len() == 1 || word(1) == b"INFO" && command.len() == 2,
        b"CONFIG" => word(1) == b"GET" && command.iter().any(|pattern| pattern == b"*"),
        _ => false,
    };
    lists_all || waits_for_ever(command) || expires_soon(command)
}

/// Whether a command asks for options: a hash table gives their order, and a spoiled `CONFIG SET`
/// may be one.
pub(super) fn asks_for_options(command: &[Vec<u8>]) -> bool {
    let is = |at: usize, word: &str| {
        command
            .get(at)
            .is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    };
    is(0, "CONFIG") && is(1, "GET")
}

/// Whether a command may fail to authenticate.
///
/// Redis 7.4.1 drops that error reply when another reply waits to be sent (`addAuthErrReply` in
/// `acl.c`), as in EXEC: the client loses count. Nobody can rely on that, so it is not asked for.
pub(super) fn authenticates(command: &[Vec<u8>]) -> bool {
    matches!(
        command[0].to_ascii_uppercase().as_slice(),
        b"AUTH" | b"HELLO"
    )
}

/// Whether a command waits for replicas that will never come.
fn waits_for_ever(command: &[Vec<u8>]) -> bool {
    let counts = match command[0].to_ascii_uppercase().as_slice() {
        b"WAIT" => 1..2,
        b"WAITAOF" => 2..3,
        _ => return false,
    };
    command
        .get(counts)
        .is_some_and(|counts| counts.iter().any(|count| count != b"0"))
}

/// Whether a command sets a time that would run out while the conversation goes on.
fn expires_soon(command: &[Vec<u8>]) -> bool {
    let is_soon = |at: usize| {
        let number = command
            .get(at)
            .and_then(|arg| std::str::from_utf8(arg).ok()?.parse::<i64>().ok());
        number.is_some_and(|number| (1..100_000).contains(&number))
    };
    let name = command[0].to_ascii_uppercase();
    let by_name = match name.as_slice() {
        b"EXPIRE" | b"SETEX" => command.get(2).is_some_and(|arg| arg.len() < 3) && is_soon(2),
        b"PEXPIRE" | b"PSETEX" => is_soon(2),
        _ => false,
    };
    by_name
        || (1..command.len()).any(|at| match command[at - 1].to_ascii_uppercase().as_slice() {
            b"PX" => is_soon(at),
            b"EX" => command[at].len() < 3 && is_soon(at),
            _ => false,
        })
}
