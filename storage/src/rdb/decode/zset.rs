//! Sorted sets.

use protocol::number::parse_f64;

use super::super::error::Error;
use super::super::format::kind;
use super::super::input::Input;
use super::distinct::are_distinct;
use super::{listpack, ziplist};
use crate::value::{Limits, Zset};

/// In the place of the length of a score in decimals.
const NAN: u8 = 253;
const INFINITE: u8 = 254;
const MINUS_INFINITE: u8 = 255;

const TWICE: Error = Error::Malformed("Duplicate zset fields detected");
const NO_SCORE: Error = Error::Malformed("Zset with a score that is no number");

/// Reads a sorted set.
pub(super) fn read(kind: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Zset, Error> {
    let packed = match kind {
        kind::ZSET => return members(input, limits, decimals),
        kind::ZSET_2 => return members(input, limits, binary),
        kind::ZSET_ZIPLIST => ziplist::read(&input.blob()?)?,
        _ => listpack(input)?,
    };
    if packed.is_empty() {
        return Err(Error::Empty);
    }
    if !are_distinct(&packed, 2) {
        return Err(TWICE);
    }
    let set = Zset::from_packed(packed);
    let mut set = set.ok_or(Error::Malformed("Zset listpack integrity check failed."))?;
    set.fit(limits);
    Ok(set)
}

fn members(
    input: &mut Input<'_>,
    limits: &Limits,
    score: fn(&mut Input<'_>) -> Result<f64, Error>,
) -> Result<Zset, Error> {
    let mut set = Zset::unpacked();
    let mut member = Vec::new();
    for _ in 0..input.count()? {
        member.clear();
        input.string()?.write_to(&mut member);
        let score = score(input)?;
        if score.is_nan() {
            return Err(NO_SCORE);
        }
        if set.find(&member).is_some() {
            return Err(TWICE);
        }
        set.add(&member, score, limits);
    }
    set.pack(limits);
    Ok(set)
}

fn binary(input: &mut Input<'_>) -> Result<f64, Error> {
    Ok(f64::from_le_bytes(input.array()?))
}

fn decimals(input: &mut Input<'_>) -> Result<f64, Error> {
    match input.byte()? {
        NAN => Err(NO_SCORE),
        INFINITE => Ok(f64::INFINITY),
        MINUS_INFINITE => Ok(f64::NEG_INFINITY),
        length => parse_f64(input.take(length.into())?).ok_or(NO_SCORE),
    }
}
