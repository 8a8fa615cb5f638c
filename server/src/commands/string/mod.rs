//! The commands of strings.

mod counter;
mod lcs;
mod lifetime;
mod range;
mod read;
mod set;

use crate::command::{Command, Ctx, Error, Result};
use crate::config::options;
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    range::APPEND,
    counter::DECR,
    counter::DECRBY,
    read::GET,
    read::GETDEL,
    read::GETEX,
    range::GETRANGE,
    set::GETSET,
    counter::INCR,
    counter::INCRBY,
    counter::INCRBYFLOAT,
    lcs::LCS,
    read::MGET,
    set::MSET,
    set::MSETNX,
    set::PSETEX,
    set::SET,
    set::SETEX,
    set::SETNX,
    range::SETRANGE,
    read::STRLEN,
    range::SUBSTR,
];

const STRING: Spec = Spec {
    group: Group::String,
    acl: acl!(STRING),
    ..Spec::EMPTY
};

/// Whether a string may grow to so many bytes; `None` is more than can be counted.
///
/// # Errors
/// [`Error::StringTooLong`] over `proto-max-bulk-len`. What stands in the log was allowed once, so
/// it is not measured again.
fn check_length(cx: &Ctx<'_>, length: Option<u64>) -> Result<()> {
    let limit = cx.server.settings.config.get(options::PROTO_MAX_BULK_LEN);
    if length.is_some_and(|length| length <= limit) || cx.is_replay() {
        return Ok(());
    }
    Err(Error::StringTooLong)
}
