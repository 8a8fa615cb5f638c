//! Options that several commands have.

use crate::command::{Args, Result, Words};

/// `COUNT` at `index`, as the most elements a reply may have. Negative is none at all.
pub(super) fn count(args: &Args<'_>, index: usize) -> Result<usize> {
    Ok(usize::try_from(args.integer(index)?).unwrap_or(0))
}

/// What a count of 0 means where it is no bound.
pub(super) fn unless_zero(count: usize) -> usize {
    if count == 0 { usize::MAX } else { count }
}
