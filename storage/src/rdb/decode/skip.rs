//! Where a value ends, found without making it.
//!
//! Only lengths are looked at; whether the rest is as it should be is seen when the value is read.

use super::super::error::Error;
use super::super::format::kind;
use super::super::input::Input;

/// In the place of the length of a score in decimals: numbers that have none.
const FIRST_WITHOUT_DIGITS: u8 = 253;

/// Passes a value of that kind.
///
/// # Errors
/// As when it is read, if it does not end or a length in it is none; any for what cannot be passed.
#[inline]
pub(in super::super) fn skip(kind: u8, input: &mut Input<'_>) -> Result<(), Error> {
    match kind {
        kind::STRING
        | kind::HASH_ZIPMAP
        | kind::LIST_ZIPLIST
        | kind::SET_INTSET
        | kind::ZSET_ZIPLIST
        | kind::HASH_ZIPLIST
        | kind::HASH_LISTPACK
        | kind::ZSET_LISTPACK
        | kind::SET_LISTPACK
        | kind::HASH_LISTPACK_EX_PRE_GA => input.skip_string(),
        _ => skip_elements(kind, input),
    }
}

fn skip_elements(kind: u8, input: &mut Input<'_>) -> Result<(), Error> {
    let skip_one: fn(&mut Input<'_>) -> Result<(), Error> = match kind {
        kind::LIST | kind::SET | kind::LIST_QUICKLIST => skip_string,
        kind::ZSET => skip_decimals,
        kind::ZSET_2 => skip_binary,
        kind::HASH => skip_pair,
        kind::LIST_QUICKLIST_2 => skip_numbered,
        kind::HASH_METADATA_PRE_GA => skip_triple,
        kind::HASH_METADATA => {
            input.milliseconds()?;
            skip_triple
        }
        kind::HASH_LISTPACK_EX => {
            input.milliseconds()?;
            return input.skip_string();
        }
        kind::STREAM_LISTPACKS | kind::STREAM_LISTPACKS_2 | kind::STREAM_LISTPACKS_3 => {
            return skip_stream(kind, input);
        }
        _ => return Err(Error::Malformed("A value that cannot be passed")),
    };
    skip_each(input, skip_one)
}

/// Passes what is said how often it comes.
fn skip_each(
    input: &mut Input<'_>,
    skip_one: impl Fn(&mut Input<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    for _ in 0..input.length()? {
        skip_one(input)?;
    }
    Ok(())
}

fn skip_string(input: &mut Input<'_>) -> Result<(), Error> {
    input.skip_string()
}

fn skip_pair(input: &mut Input<'_>) -> Result<(), Error> {
    input.skip_string()?;
    input.skip_string()
}

fn skip_decimals(input: &mut Input<'_>) -> Result<(), Error> {
    input.skip_string()?;
    match input.byte()? {
        FIRST_WITHOUT_DIGITS.. => Ok(()),
        length => input.take(length.into()).map(drop),
    }
}

fn skip_binary(input: &mut Input<'_>) -> Result<(), Error> {
    input.skip_string()?;
    input.array::<8>().map(drop)
}

/// A number and a string.
fn skip_numbered(input: &mut Input<'_>) -> Result<(), Error> {
    input.length()?;
    input.skip_string()
}

/// A number and two strings.
fn skip_triple(input: &mut Input<'_>) -> Result<(), Error> {
    input.length()?;
    skip_pair(input)
}

/// So many lengths.
fn skip_lengths(input: &mut Input<'_>, count: usize) -> Result<(), Error> {
    (0..count).try_for_each(|_| input.length().map(drop))
}

fn skip_stream(kind: u8, input: &mut Input<'_>) -> Result<(), Error> {
    skip_each(input, skip_pair)?;
    // How many entries, and the last id; then the first, the highest deleted one, and how many were added.
    let has_ids = kind != kind::STREAM_LISTPACKS;
    skip_lengths(input, if has_ids { 8 } else { 3 })?;
    skip_each(input, |input| {
        input.skip_string()?;
        // The last id; how many entries were read.
        skip_lengths(input, if has_ids { 3 } else { 2 })?;
        skip_each(input, |input| {
            // An id and when it was delivered; how often.
            input.take(24)?;
            input.length().map(drop)
        })?;
        skip_each(input, |input| skip_consumer(kind, input))
    })
}

fn skip_consumer(kind: u8, input: &mut Input<'_>) -> Result<(), Error> {
    input.skip_string()?;
    input.milliseconds()?;
    if kind == kind::STREAM_LISTPACKS_3 {
        input.milliseconds()?;
    }
    skip_each(input, |input| input.array::<16>().map(drop))
}
