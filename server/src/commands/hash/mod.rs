//! The commands of hashes.

mod counter;
mod expire;
mod random;
mod read;
mod scan;
mod ttl;
mod write;

use storage::value::hash::Field;

use crate::command::{Args, Command, Error, Result, Words};
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    write::HDEL,
    read::HEXISTS,
    expire::HEXPIRE,
    expire::HEXPIREAT,
    ttl::HEXPIRETIME,
    read::HGET,
    read::HGETALL,
    counter::HINCRBY,
    counter::HINCRBYFLOAT,
    read::HKEYS,
    read::HLEN,
    read::HMGET,
    write::HMSET,
    ttl::HPERSIST,
    expire::HPEXPIRE,
    expire::HPEXPIREAT,
    ttl::HPEXPIRETIME,
    ttl::HPTTL,
    random::HRANDFIELD,
    scan::HSCAN,
    write::HSET,
    write::HSETNX,
    read::HSTRLEN,
    ttl::HTTL,
    read::HVALS,
];

const HASH: Spec = Spec {
    group: Group::Hash,
    acl: acl!(HASH),
    ..Spec::EMPTY
};

/// In the place of a field's expiry: there is no such field.
const NO_FIELD: i64 = -2;
/// It never expires.
const NO_EXPIRY: i64 = -1;

/// The field, unless its time has passed.
fn live(field: Option<Field<'_>>, now_ms: i64) -> Option<Field<'_>> {
    field.filter(|it| !it.is_expired(now_ms))
}

/// The words behind `FIELDS numfields`, which stands at `index`. What is wrong with the number is said by `not_count`.
fn fields<'a>(args: &Args<'a>, index: usize, not_count: Error) -> Result<Args<'a>> {
    if !args.is(index, "FIELDS") {
        return Err(Error::NoFieldsWord);
    }
    let count = args.integer(index + 1).ok().filter(|&it| it > 0);
    let Some(count) = count else {
        return Err(not_count);
    };
    let fields = args.from(index + 2);
    if usize::try_from(count) != Ok(fields.len()) {
        return Err(Error::NumfieldsMismatch);
    }
    Ok(fields)
}
