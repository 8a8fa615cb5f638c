//! Transactions: what is between MULTI and EXEC comes from every family.

use super::Arg::{Key, Many, Word};
use super::Compare::Same;
use super::{Row, read};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    read(12, Same, &[Word("MULTI")]),
    read(12, Same, &[Word("EXEC")]),
    read(2, Same, &[Word("DISCARD")]),
    read(8, Same, &[Word("WATCH"), Many(&[Key])]),
    read(2, Same, &[Word("UNWATCH")]),
];
