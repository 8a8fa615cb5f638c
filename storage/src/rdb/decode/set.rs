//! Sets.

use super::super::error::Error;
use super::super::format::kind;
use super::super::input::Input;
use super::distinct::are_distinct;
use super::listpack;
use crate::value::{Intset, Limits, Set};

const TWICE: Error = Error::Malformed("Duplicate set members detected");

/// Reads a set.
pub(super) fn read(kind: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Set, Error> {
    if kind == kind::SET {
        return members(input, limits);
    }
    let mut set: Set = if kind == kind::SET_INTSET {
        let integers = Intset::from_bytes(input.blob()?);
        let integers = integers.map_err(|_| Error::Malformed("Intset integrity check failed."))?;
        if integers.is_empty() {
            return Err(Error::Malformed("Intset integrity check failed."));
        }
        integers.into()
    } else {
        let packed = listpack(input)?;
        if packed.is_empty() {
            return Err(Error::Empty);
        }
        if !are_distinct(&packed, 1) {
            return Err(TWICE);
        }
        packed.into()
    };
    set.fit(limits);
    Ok(set)
}

/// Redis begins with an intset, unless there are too many for one.
fn members(input: &mut Input<'_>, limits: &Limits) -> Result<Set, Error> {
    let count = input.count()?;
    let mut set = Set::default();
    if count > limits.set_max_intset_entries as u64 {
        set.unpack();
    }
    for _ in 0..count {
        if !input.string()?.with_bytes(|member| set.add(member, limits)) {
            return Err(TWICE);
        }
    }
    Ok(set)
}
