//! The ends of ranges, as requests give them.

use protocol::number::parse_c_f64;
use storage::value::zset::{LexBound, LexRange, ScoreRange};

use crate::command::{Error, Result};

/// A range of scores; each end is excluded behind `(`.
///
/// # Errors
/// [`Error::NoScoreRange`] if an end is no number.
pub(super) fn scores(min: &[u8], max: &[u8]) -> Result<ScoreRange> {
    let (min, is_min_excluded) = score(min)?;
    let (max, is_max_excluded) = score(max)?;
    Ok(ScoreRange {
        min,
        is_min_excluded,
        max,
        is_max_excluded,
    })
}

fn score(word: &[u8]) -> Result<(f64, bool)> {
    let (text, is_excluded) = match word {
        [b'(', text @ ..] => (text, true),
        text => (text, false),
    };
    let score = parse_c_f64(text).ok_or(Error::NoScoreRange)?;
    Ok((score, is_excluded))
}

/// A range of members.
///
/// # Errors
/// [`Error::NoLexRange`] if an end is neither `-` nor `+` nor behind `[` or `(`.
pub(super) fn members<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>> {
    Ok(LexRange {
        min: member(min)?,
        max: member(max)?,
    })
}

fn member(word: &[u8]) -> Result<LexBound<'_>> {
    match word {
        // To Redis these words end at a NUL.
        [b'-'] | [b'-', 0, ..] => Ok(LexBound::Lowest),
        [b'+'] | [b'+', 0, ..] => Ok(LexBound::Highest),
        [b'[', member @ ..] => Ok(LexBound::Included(member)),
        [b'(', member @ ..] => Ok(LexBound::Excluded(member)),
        _ => Err(Error::NoLexRange),
    }
}
