//! Arguments of every sort, good and bad.

use std::time::{SystemTime, UNIX_EPOCH};

use fastrand::Rng;

use super::super::compare::ROUND_MS;
use super::pick;

/// Arguments that are nearly something else, or too much of it.
pub(super) const NASTY: &[&[u8]] = &[
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

pub(super) fn value(rng: &mut Rng) -> Vec<u8> {
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

/// Most are of a few, so that commands meet; some are at the limits of packed encodings, which are
/// 64 bytes unless they are set otherwise.
pub(super) fn member(rng: &mut Rng) -> Vec<u8> {
    const FEW: &[&[u8]] = &[
        b"a", b"b", b"c", b"d", b"e", b"alpha", b"beta", b"", b"\xff\0", b"aa", b"ab", b"A",
    ];
    match rng.u32(..40) {
        0..=15 => pick(FEW, rng).to_vec(),
        16..=29 => rng.i64(-5..20).to_string().into_bytes(),
        30..=33 => format!("member:{}", rng.u32(..300)).into_bytes(),
        34 => vec![b'm'; rng.usize(62..68)],
        35 => vec![b'n'; [8, 9, 16, 17, 63, 64, 65, 200, 4_095, 9_000][rng.usize(..10)]],
        36 => rng.i32(..).to_string().into_bytes(),
        37 => pick(NASTY, rng).to_vec(),
        _ => integer(rng),
    }
}

pub(super) fn integer(rng: &mut Rng) -> Vec<u8> {
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

pub(super) fn float(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..6) {
        0 => integer(rng),
        1 => format!("{:e}", rng.f64() * 1e20).into_bytes(),
        2 => format!("{}", (rng.f64() - 0.5) * 1e-6).into_bytes(),
        3 => pick(NASTY, rng).to_vec(),
        _ => format!("{:.*}", rng.usize(..18), (rng.f64() - 0.5) * 1_000.0).into_bytes(),
    }
}

/// An offset into a string: never one that asks for hundreds of megabytes.
pub(super) fn offset(rng: &mut Rng) -> Vec<u8> {
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

pub(super) fn pattern(rng: &mut Rng) -> Vec<u8> {
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
        b"[0-9]*",
        b"member:*",
        b"*:1",
        b"-*",
    ];
    pick(PATTERNS, rng).to_vec()
}

pub(super) fn database(rng: &mut Rng) -> Vec<u8> {
    const DATABASES: &[&[u8]] = &[
        b"0", b"0", b"0", b"0", b"0", b"0", b"0", b"0", b"0", b"1", b"1", b"15", b"16", b"x",
    ];
    pick(DATABASES, rng).to_vec()
}

/// A relative time: past, far, or out of range. Nothing of these tests runs out while they run.
pub(super) fn relative(rng: &mut Rng, far: std::ops::Range<i64>) -> Vec<u8> {
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

/// An absolute time in steps that [`Compare`](crate::oracle::Compare) recognises; `unit_ms` is
/// what it is counted in.
pub(super) fn absolute(rng: &mut Rng, unit_ms: i64) -> Vec<u8> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let now = i64::try_from(now).expect("in range") * 1_000 / unit_ms;
    let step = ROUND_MS / unit_ms;
    let number = match rng.u32(..10) {
        0 => return relative(rng, -1_000_000..0),
        1 => rng.i64(1..now - step),
        // Never the next step: the conversation might last until then.
        _ => (now / step + rng.i64(2..1_000)) * step,
    };
    number.to_string().into_bytes()
}

/// The number of a bit: few, and none that asks for megabytes.
pub(super) fn bit_offset(rng: &mut Rng) -> Vec<u8> {
    const LIMITS: &[&[u8]] = &[
        b"-1",
        b"4294967296",
        b"9223372036854775807",
        b"x",
        b"",
        b"1.0",
    ];
    match rng.u32(..20) {
        0 => pick(LIMITS, rng).to_vec(),
        1..=3 => rng.u32(..20_000).to_string().into_bytes(),
        _ => rng.u32(..100).to_string().into_bytes(),
    }
}

/// A position, from either end.
pub(super) fn index(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..20) {
        0 => pick(NASTY, rng).to_vec(),
        1..=2 => rng.i64(-300..300).to_string().into_bytes(),
        3 => i64::MIN.to_string().into_bytes(),
        4 => i64::MAX.to_string().into_bytes(),
        _ => rng.i64(-8..9).to_string().into_bytes(),
    }
}

/// How many of something: few, none, too many, or nonsense.
pub(super) fn count(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..20) {
        0 => pick(NASTY, rng).to_vec(),
        1 => rng.i64(-20..0).to_string().into_bytes(),
        2 => b"0".to_vec(),
        3..=5 => rng.u32(..400).to_string().into_bytes(),
        6 => i64::MAX.to_string().into_bytes(),
        _ => rng.u32(1..6).to_string().into_bytes(),
    }
}

/// How many random elements. What is out of range answers an error.
pub(super) fn picks(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..20) {
        0 => [i64::MIN, i64::MAX][rng.usize(..2)]
            .to_string()
            .into_bytes(),
        1 => b"x".to_vec(),
        2..=3 => rng.i64(-300..300).to_string().into_bytes(),
        _ => rng.i64(-12..13).to_string().into_bytes(),
    }
}

/// The score of a member: whole numbers, so that members share them, fractions, and the extremes.
pub(super) fn score(rng: &mut Rng) -> Vec<u8> {
    const EXTREMES: &[&[u8]] = &[
        b"inf",
        b"-inf",
        b"+inf",
        b"Infinity",
        b"nan",
        b"-0",
        b"-0.0",
        b"1.7976931348623157e308",
        b"-1.7976931348623157e308",
        b"1e309",
        b"5e-324",
        b"2.2250738585072014e-308",
        b"1e-400",
        b"0.1",
        b"0.30000000000000004",
        b"3.0000000000000001",
        b"9007199254740993",
        b"1e17",
        b"1e21",
        b"123456789012345680000",
        b"0x1p3",
    ];
    match rng.u32(..20) {
        0..=2 => pick(EXTREMES, rng).to_vec(),
        3 => pick(NASTY, rng).to_vec(),
        4..=6 => float(rng),
        7..=8 => (f64::from(rng.i32(-40..40)) / 4.0).to_string().into_bytes(),
        _ => rng.i64(-6..7).to_string().into_bytes(),
    }
}

/// One end of a range of scores.
pub(super) fn score_bound(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..10) {
        0 => b"-inf".to_vec(),
        1 => b"+inf".to_vec(),
        2..=4 => [b"(".to_vec(), score(rng)].concat(),
        _ => score(rng),
    }
}

/// One end of a range of members.
pub(super) fn lex_bound(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..12) {
        0..=1 => b"-".to_vec(),
        2..=3 => b"+".to_vec(),
        4 => member(rng),
        5..=7 => [b"(".to_vec(), member(rng)].concat(),
        _ => [b"[".to_vec(), member(rng)].concat(),
    }
}

/// An entry that is newer than those before: `newest` is the first part of the last one.
pub(super) fn next_id(newest: &mut u64, rng: &mut Rng) -> Vec<u8> {
    *newest += u64::from(rng.u32(..3) == 0);
    match rng.u32(..40) {
        0 => stream_id(*newest, rng),
        1..=15 => format!("{newest}-*").into_bytes(),
        16..=20 => newest.to_string().into_bytes(),
        _ => {
            *newest += 1;
            format!("{newest}-{}", rng.u32(..3)).into_bytes()
        }
    }
}

/// An entry of a stream: one of the newest, or an extreme.
pub(super) fn stream_id(newest: u64, rng: &mut Rng) -> Vec<u8> {
    const EXTREMES: &[&[u8]] = &[
        b"0",
        b"0-0",
        b"0-1",
        b"18446744073709551615-18446744073709551615",
        b"18446744073709551615",
        b"18446744073709551616-1",
        b"18446744073709551614-*",
        b"1-18446744073709551615",
        b"-1-1",
        b"1-",
        b"-",
        b"1-1-1",
        b"x",
        b"1-x",
        b"01-1",
        b"",
    ];
    let number = newest.saturating_sub(rng.u64(..40));
    match rng.u32(..60) {
        // Seldom: nothing can be added after the last of all.
        0 => pick(EXTREMES, rng).to_vec(),
        1 => rng.u64(..=newest).to_string().into_bytes(),
        2..=20 => number.to_string().into_bytes(),
        _ => format!("{number}-{}", [0, 0, 1, 2, 3][rng.usize(..5)]).into_bytes(),
    }
}

/// One end of a range of entries.
pub(super) fn stream_bound(newest: u64, rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..10) {
        0..=1 => b"-".to_vec(),
        2..=3 => b"+".to_vec(),
        4 => b"$".to_vec(),
        5 => [b"(".to_vec(), stream_id(newest, rng)].concat(),
        _ => stream_id(newest, rng),
    }
}

/// Degrees: a few places near each other, and any up to a little more than there are.
pub(super) fn coordinate(limit: f64, rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..20) {
        0 => pick(NASTY, rng).to_vec(),
        1..=4 => format!("{:.*}", rng.usize(..16), (rng.f64() * 2.0 - 1.0) * limit).into_bytes(),
        5..=9 => format!("{}", (rng.f64() - 0.5) * 4.0).into_bytes(),
        _ => [
            &b"0"[..],
            b"1",
            b"13.361389",
            b"38.115556",
            b"15.087269",
            b"37.502669",
            b"-1.5",
        ][rng.usize(..7)]
        .to_vec(),
    }
}

/// How far, in any unit.
pub(super) fn distance(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..12) {
        0 => pick(NASTY, rng).to_vec(),
        1 => b"0".to_vec(),
        2 => b"-1".to_vec(),
        3 => b"1e10".to_vec(),
        4..=6 => format!("{:.3}", rng.f64() * 1_000.0).into_bytes(),
        _ => [&b"1"[..], b"100", b"200", b"500", b"5000", b"100000"][rng.usize(..6)].to_vec(),
    }
}
