//! The order of elements.

use std::cmp::Ordering;

use protocol::number::parse_f64;
use storage::db::Db;
use storage::value::Str;

use super::Finder;
use super::elements::{Source, Strings};
use super::options::{Options, Pattern};
use crate::command::{Error, Result};

/// The elements that are asked for, in their order.
///
/// # Errors
/// [`Error::SortNotFloat`] if one that is to be sorted by has no number.
pub(super) fn sort(db: &mut Db<'_>, source: &Source, options: &Options<'_>) -> Result<Vec<usize>> {
    let len = source.elements.len();
    if source.is_picked {
        return Ok((0..len).collect());
    }
    let range = options.range(len);
    let weights = if !options.is_unsorted {
        Weights::of(db, source, options)?
    } else if options.destination.is_some() {
        // As in Redis: what is stored must be the same everywhere, and a set has no order of its own.
        Weights::Elements
    } else {
        return Ok(range.collect());
    };
    let compare = |a: &usize, b: &usize| weights.compare(source, options, *a, *b);
    let mut order: Vec<usize> = (0..len).collect();
    if range.end < len {
        order.select_nth_unstable_by(range.end, compare);
        order.truncate(range.end);
    }
    order.sort_unstable_by(compare);
    order.drain(..range.start);
    Ok(order)
}

/// What elements are compared by.
enum Weights {
    /// Numbers, one for each.
    Numbers(Vec<f64>),
    /// Themselves.
    Elements,
    /// Texts: each element's place among them, if it has one.
    Texts {
        texts: Strings,
        at: Vec<Option<usize>>,
    },
}

impl Weights {
    fn of(db: &mut Db<'_>, source: &Source, options: &Options<'_>) -> Result<Weights> {
        let pattern = options.by.unwrap_or(Pattern::Element);
        if !options.is_alpha {
            return Weights::numbers(db, source, pattern);
        }
        // What is stored is compared as bytes; for an answer Redis asks C's `strcoll`, which ends at a NUL.
        let is_cut = options.destination.is_none();
        if options.by.is_none() && !(is_cut && source.elements.has_nul()) {
            return Ok(Weights::Elements);
        }
        Ok(Weights::texts(db, source, pattern, is_cut))
    }

    fn numbers(db: &mut Db<'_>, source: &Source, pattern: Pattern<'_>) -> Result<Weights> {
        let mut finder = Finder::default();
        // All are looked up before one is refused, which counts them as read.
        let numbers: Vec<Option<f64>> = (0..source.elements.len())
            .map(|at| finder.look(db, pattern, source.elements.get(at), number_of))
            .collect();
        let numbers: Option<Vec<f64>> = numbers.into_iter().collect();
        numbers.map(Weights::Numbers).ok_or(Error::SortNotFloat)
    }

    fn texts(db: &mut Db<'_>, source: &Source, pattern: Pattern<'_>, is_cut: bool) -> Weights {
        let mut finder = Finder::default();
        let (mut texts, mut at) = (Strings::default(), Vec::new());
        for index in 0..source.elements.len() {
            finder.look(db, pattern, source.elements.get(index), |value| {
                at.push(value.map(|_| texts.len()));
                if let Some(value) = value {
                    value.with_bytes(|bytes| texts.push(if is_cut { cut(bytes) } else { bytes }));
                }
            });
        }
        Weights::Texts { texts, at }
    }

    /// How two elements compare; never equal, so that any way to sort gives the same.
    fn compare(&self, source: &Source, options: &Options<'_>, a: usize, b: usize) -> Ordering {
        let elements = || source.elements.get(a).cmp(source.elements.get(b));
        let ordering = match self {
            Weights::Numbers(numbers) => {
                let ordering = numbers[a].partial_cmp(&numbers[b]);
                ordering.unwrap_or(Ordering::Equal).then_with(elements)
            }
            Weights::Elements => elements(),
            Weights::Texts { texts, at } => {
                let text = |index: usize| at[index].map(|place| texts.get(place));
                text(a).cmp(&text(b))
            }
        };
        let ordering = if options.is_descending {
            ordering.reverse()
        } else {
            ordering
        };
        // Redis leaves this to the C library. When the log is replayed it must not depend on a hash table.
        let tie = || match source.is_unordered {
            true => elements(),
            false => a.cmp(&b),
        };
        ordering.then_with(tie)
    }
}

/// The number a value is; that of no value is 0.
fn number_of(value: Option<Str<'_>>) -> Option<f64> {
    match value {
        None => Some(0.0),
        Some(Str::Int(number)) => Some(number as f64),
        Some(value) => value.with_bytes(number),
    }
}

/// The number that C's `strtod` reads up to a NUL: an empty string is 0, white space may stand in front, and what cannot be
/// told from a smaller number is refused.
fn number(bytes: &[u8]) -> Option<f64> {
    let text = cut(bytes);
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte))?;
    parse_f64(&text[start..]).filter(|number| !number.is_subnormal())
}

/// A string as C sees it: up to a NUL.
fn cut(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, expected) in [
            ("", Some(0.0)),
            ("\0x", Some(0.0)),
            ("1\0x", Some(1.0)),
            (" \t\r\n\x0b\x0c-1.5e3", Some(-1500.0)),
            ("0x10", Some(16.0)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("2.3e-308", Some(2.3e-308)),
            ("nan", None),
            (" ", None),
            ("1 ", None),
            ("1x", None),
            ("x", None),
            ("1e400", None),
            ("1e-310", None),
            ("1e-400", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }
}
