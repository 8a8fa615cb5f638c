//! The commands that estimate how many different elements there are.

mod count;
mod debug;
mod fill;
mod selftest;

use storage::value::{Str, hll};

use crate::command::{Command, Error, Result};
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    fill::PFADD,
    count::PFCOUNT,
    debug::PFDEBUG,
    fill::PFMERGE,
    selftest::PFSELFTEST,
];

const HYPERLOGLOG: Spec = Spec {
    group: Group::Hyperloglog,
    acl: acl!(HYPERLOGLOG),
    ..Spec::EMPTY
};

/// How the string encodes its registers.
///
/// # Errors
/// [`Error::NotHyperLogLog`] if it has none.
fn encoding(value: Str<'_>) -> Result<hll::Encoding> {
    value.with_bytes(hll::encoding).ok_or(Error::NotHyperLogLog)
}
