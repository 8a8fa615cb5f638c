//! The commands of streams.

mod add;
mod claim;
mod effects;
mod entry;
mod group;
mod id;
mod info;
mod options;
mod pending;
mod range;
mod read;
mod read_group;
mod trim;

use crate::command::error::shown;
use crate::command::{Command, Error};
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    pending::XACK,
    add::XADD,
    claim::XAUTOCLAIM,
    claim::XCLAIM,
    range::XDEL,
    group::XGROUP,
    info::XINFO,
    range::XLEN,
    pending::XPENDING,
    range::XRANGE,
    read::XREAD,
    read_group::XREADGROUP,
    range::XREVRANGE,
    add::XSETID,
    trim::XTRIM,
];

const STREAM: Spec = Spec {
    group: Group::Stream,
    acl: acl!(STREAM),
    ..Spec::EMPTY
};

/// That there is no such key, or no such group in it.
fn no_group(key: &[u8], group: &[u8]) -> Error {
    Error::NoGroup {
        key: shown(key),
        group: shown(group),
    }
}

/// That there is no such group in the key.
fn no_group_in(key: &[u8], group: &[u8]) -> Error {
    Error::NoGroupIn {
        key: shown(key),
        group: shown(group),
    }
}
