//! Transactions: what is between MULTI and EXEC comes from every family.

use super::Arg::{Key, Many, Word};
use super::Compare::Same;
use super::{Row, read};

/// What ends a transaction.
pub(in crate::oracle) const EXEC: &Row = &read(0, Same, &[Word("EXEC")]);
pub(in crate::oracle) const DISCARD: &Row = &read(0, Same, &[Word("DISCARD")]);

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    read(12, Same, &[Word("MULTI")]),
    read(2, Same, &[Word("EXEC")]),
    read(1, Same, &[Word("DISCARD")]),
    read(8, Same, &[Word("WATCH"), Many(&[Key])]),
    read(2, Same, &[Word("UNWATCH")]),
];
