//! Commands for keys of any type.

mod delete;
mod dump;
mod expire;
mod lookup;
mod migrate;
mod object;
mod relocate;
mod restore;
mod scan;
mod sort;
mod wait;

use crate::command::Command;
use crate::spec::{Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    delete::DEL,
    delete::UNLINK,
    dump::DUMP,
    expire::EXPIRE,
    expire::EXPIREAT,
    expire::EXPIRETIME,
    expire::PERSIST,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    expire::PEXPIRETIME,
    expire::PTTL,
    expire::TTL,
    lookup::EXISTS,
    lookup::TOUCH,
    lookup::TYPE,
    migrate::MIGRATE,
    object::OBJECT,
    relocate::COPY,
    relocate::MOVE,
    relocate::RENAME,
    relocate::RENAMENX,
    restore::RESTORE,
    restore::RESTORE_ASKING,
    scan::KEYS,
    scan::RANDOMKEY,
    scan::SCAN,
    sort::SORT,
    sort::SORT_RO,
    wait::WAIT,
    wait::WAITAOF,
];

const GENERIC: Spec = Spec {
    acl: acl!(KEYSPACE),
    ..Spec::EMPTY
};
