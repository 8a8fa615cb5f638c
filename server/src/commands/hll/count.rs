//! How many there are.

use storage::db::Event;
use storage::value::Str;
use storage::value::hll::{self, Registers};

use super::{HYPERLOGLOG, encoding};
use crate::command::{Args, Command, Ctx, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const PFCOUNT: Command = Spec {
    name: "PFCOUNT",
    usage: "key...",
    summary: "Returns the approximated cardinality of the set(s) observed by the HyperLogLog \
        key(s).",
    since: "2.8.9",
    complexity: "O(1) with a very small average constant time when called with a single key. \
        O(N) with N being the number of keys, and much bigger constant times, when called with \
        multiple keys.",
    flags: flags!(READONLY | MAY_REPLICATE),
    keys: &[Keys::rest(1, 1, key_flags!(RW | ACCESS))
        .noted("RW because it may change the internal representation of the key, and propagate to replicas")],
    ..HYPERLOGLOG
}
.run(pfcount);
fn pfcount(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    if args.len() > 2 {
        return count_union(cx, args);
    }
    let Some(value) = cx.db.string(key)? else {
        return cx.reply.integer(0);
    };
    encoding(value)?;
    if let Str::Shared(bytes) = value
        && let Some(count) = hll::cached_count(bytes)
    {
        return cx.reply.integer(count.cast_signed());
    }
    let count = recount(cx, key)?;
    cx.reply.integer(count.cast_signed())
}

/// Counts anew, and keeps the result in the string: for a command that reads that is a change all the same, so that
/// replicas hold the same bytes. As in Redis the string is `raw` afterwards.
fn recount(cx: &mut Ctx<'_>, key: &[u8]) -> Result<u64> {
    let Some(mut edit) = cx.db.edit_string(key, Event::UNSAID)? else {
        return Ok(0);
    };
    let bytes = edit.buffer();
    if let Some(count) = hll::cached_count(bytes) {
        edit.count(0);
        return Ok(count);
    }
    let count = hll::count(bytes);
    if let Ok(count) = count {
        hll::cache_count(bytes, count);
    }
    edit.count(count.is_ok().into());
    Ok(count?)
}

fn count_union(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let mut union = Registers::default();
    for key in args.from(1) {
        // A key that is not there has seen nothing.
        if let Some(value) = cx.db.string(key)? {
            encoding(value)?;
            value.with_bytes(|bytes| union.merge(bytes))?;
        }
    }
    cx.reply.integer(union.count().cast_signed())
}
