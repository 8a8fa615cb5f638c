//! The commands of sets.

mod algebra;
mod pop;
mod random;
mod read;
mod scan;
mod store;
mod write;

use crate::command::Command;
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    write::SADD,
    read::SCARD,
    algebra::SDIFF,
    store::SDIFFSTORE,
    algebra::SINTER,
    algebra::SINTERCARD,
    store::SINTERSTORE,
    read::SISMEMBER,
    read::SMEMBERS,
    read::SMISMEMBER,
    write::SMOVE,
    pop::SPOP,
    random::SRANDMEMBER,
    write::SREM,
    scan::SSCAN,
    algebra::SUNION,
    store::SUNIONSTORE,
];

const SET: Spec = Spec {
    group: Group::Set,
    acl: acl!(SET),
    ..Spec::EMPTY
};
