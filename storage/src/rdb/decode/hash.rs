//! Hashes.

use super::super::error::Error;
use super::super::format::kind;
use super::super::input::Input;
use super::distinct::are_distinct;
use super::{listpack, ziplist, zipmap};
use crate::value::hash::LATEST_EXPIRY_MS;
use crate::value::{Hash, Limits, Listpack};

const TWICE: Error = Error::Malformed("Duplicate hash fields detected");
const BAD: Error = Error::Malformed("Hash listpack integrity check failed.");

/// Reads a hash.
pub(super) fn read(kind: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Hash, Error> {
    let hash = match kind {
        kind::HASH => return fields(input, limits),
        kind::HASH_METADATA | kind::HASH_METADATA_PRE_GA => {
            return fields_with_expiries(kind, input, limits);
        }
        kind::HASH_ZIPMAP => {
            let (pairs, longest_bytes) = zipmap::read(&input.blob()?)?;
            let mut hash = packed(pairs, 2, Hash::of_pairs)?;
            if longest_bytes > limits.hash_max_listpack_value {
                hash.unpack();
            }
            Ok(hash)
        }
        kind::HASH_ZIPLIST => packed(ziplist::read(&input.blob()?)?, 2, Hash::of_pairs),
        kind::HASH_LISTPACK => packed(listpack(input)?, 2, Hash::of_pairs),
        _ => {
            if kind == kind::HASH_LISTPACK_EX {
                // The first expiry, which the triples tell as well.
                input.milliseconds()?;
            }
            packed(listpack(input)?, 3, Hash::of_triples)
        }
    };
    let mut hash = hash?;
    hash.fit(limits);
    Ok(hash)
}

fn packed(
    elements: Listpack,
    stride: usize,
    make: fn(Listpack) -> Option<Hash>,
) -> Result<Hash, Error> {
    if elements.is_empty() {
        return Err(Error::Empty);
    }
    if !are_distinct(&elements, stride) {
        return Err(TWICE);
    }
    make(elements).ok_or(BAD)
}

/// A hash that so many fields will be pushed to.
fn hash_for(count: u64, limits: &Limits) -> Hash {
    let mut hash = Hash::default();
    if count > limits.hash_max_listpack_entries as u64 {
        hash.unpack();
    }
    hash
}

fn fields(input: &mut Input<'_>, limits: &Limits) -> Result<Hash, Error> {
    let count = input.count()?;
    let mut hash = hash_for(count, limits);
    let mut field = Vec::new();
    for _ in 0..count {
        push(&mut hash, input, &mut field, None, limits)?;
    }
    Ok(hash)
}

fn fields_with_expiries(kind: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Hash, Error> {
    let first_ms = match kind {
        kind::HASH_METADATA => Some(input.milliseconds()?),
        _ => None,
    };
    let count = input.count()?;
    let mut hash = hash_for(count, limits);
    hash.prepare_expiries();
    let mut field = Vec::new();
    let mut clock_ms = first_ms;
    for _ in 0..count {
        let expiry_ms = match (input.length()?, first_ms) {
            (0, _) => 0,
            (expiry, None) => expiry,
            (distance, Some(first_ms)) => (first_ms as u64).wrapping_add(distance - 1),
        };
        if expiry_ms > LATEST_EXPIRY_MS as u64 {
            return Err(Error::Malformed("invalid expireAt time"));
        }
        let expiry_ms = Some(expiry_ms as i64).filter(|&it| it != 0);
        // As good a clock as any, if it stays: it only has to be near the expiries.
        clock_ms = clock_ms.or(expiry_ms);
        let expiry = expiry_ms.zip(clock_ms);
        push(&mut hash, input, &mut field, expiry, limits)?;
    }
    Ok(hash)
}

/// Reads a field and its value; it is given an expiry and the time with it.
fn push(
    hash: &mut Hash,
    input: &mut Input<'_>,
    field: &mut Vec<u8>,
    expiry: Option<(i64, i64)>,
    limits: &Limits,
) -> Result<(), Error> {
    field.clear();
    input.string()?.write_to(field);
    let (expiry_ms, clock_ms) = expiry.unzip();
    let clock_ms = clock_ms.unwrap_or(0);
    let is_new = input
        .string()?
        .with_bytes(|value| hash.push(field, value, expiry_ms, clock_ms, limits));
    is_new.then_some(()).ok_or(TWICE)
}
