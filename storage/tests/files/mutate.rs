//! Changes by chance.

use std::ops::Range;

use fastrand::Rng;

/// Changes some bytes in one to four places; `others` are where bytes of elsewhere come from.
pub(crate) fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], rng: &mut Rng) {
    for _ in 0..rng.usize(1..5) {
        change(bytes, others, rng);
    }
}

fn change(bytes: &mut Vec<u8>, others: &[Vec<u8>], rng: &mut Rng) {
    if bytes.is_empty() {
        return bytes.push(rng.u8(..));
    }
    let at = rng.usize(..bytes.len());
    match rng.u8(..14) {
        0..=2 => bytes[at] ^= 1 << rng.u8(..8),
        3 => bytes[at] = rng.u8(..),
        4 => bytes[at] = bytes[at].wrapping_add(rng.u8(..3)).wrapping_sub(1),
        5 => bytes.truncate(at),
        6 => bytes.insert(at, rng.u8(..)),
        7 => drop(bytes.drain(some(bytes.len(), rng))),
        8 => {
            let range = some(bytes.len(), rng);
            let value = [0, 0xff, b'9', b'\n'][rng.usize(..4)];
            bytes[range].fill(value);
        }
        9 => {
            // Once more, or in another place.
            let part = bytes[some(bytes.len(), rng)].to_vec();
            bytes.splice(at..at, part);
        }
        10 => {
            let other = &others[rng.usize(..others.len())];
            let part = other[some(other.len(), rng)].to_vec();
            let end = rng.usize(at..=bytes.len());
            bytes.splice(at..end, part);
        }
        11 => drop(bytes.splice(at..=at, length(rng))),
        12 => enlarge(bytes, at),
        _ => bytes.rotate_left(at),
    }
}

/// A range, mostly a short one.
fn some(length: usize, rng: &mut Rng) -> Range<usize> {
    if length == 0 {
        return 0..0;
    }
    let start = rng.usize(..length);
    let most = match rng.bool() {
        true => 8,
        false => length,
    };
    start..rng.usize(start..=length.min(start.saturating_add(most)))
}

/// A length as snapshots spell it, of more than there is.
fn length(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..5) {
        0 => [&[0x80][..], &rng.u32(..).to_be_bytes()].concat(),
        1 => [&[0x81][..], &rng.u64(..).to_be_bytes()].concat(),
        2 => [&[0x81][..], &(1_u64 << rng.u8(..64)).to_be_bytes()].concat(),
        3 => vec![0x7f, 0xff],
        _ => vec![0xc0 | rng.u8(..5), rng.u8(..), rng.u8(..)],
    }
}

/// Makes the number longer that stands behind some place in a text.
fn enlarge(bytes: &mut Vec<u8>, from: usize) {
    let digit = bytes[from..].iter().position(u8::is_ascii_digit);
    if let Some(digit) = digit {
        let at = from + digit;
        bytes.splice(at..at, *b"99999999");
    }
}
