//! Adding elements, one by one or all that others have seen.

use storage::db::{Event, Expiry, NewTags};
use storage::value::Value;
use storage::value::hll::{self, Corrupted, Encoding, Registers};

use super::{HYPERLOGLOG, encoding};
use crate::command::{Args, Command, Ctx, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

/// Redis says so for `PFMERGE` too.
const EVENT: Event = Event::string("pfadd");

pub(super) const PFADD: Command = Spec {
    name: "PFADD",
    usage: "key [element...]",
    summary: "Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.",
    since: "2.8.9",
    complexity: "O(1) to add every element.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | INSERT))],
    ..HYPERLOGLOG
}
.run(pfadd);
fn pfadd(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, elements) = (args.key(1)?, args.from(2));
    let max_bytes = cx.limits().hll_sparse_max_bytes;
    let Some(mut edit) = cx.db.edit_string(key, EVENT)? else {
        let mut bytes = hll::empty();
        let (raised, end) = add(&mut bytes, elements, max_bytes);
        hll::mark_stale(&mut bytes);
        create(cx, key, bytes);
        cx.db.changes.dirty += raised as u64;
        end?;
        return cx.reply.integer(1);
    };
    encoding(edit.string())?;
    let bytes = edit.buffer();
    let (raised, end) = add(bytes, elements, max_bytes);
    if raised > 0 {
        hll::mark_stale(bytes);
    }
    edit.count(raised);
    end?;
    cx.reply.integer((raised > 0).into())
}

/// Adds elements up to one whose register is missing; how many have raised one.
fn add(
    bytes: &mut Vec<u8>,
    elements: Args<'_>,
    max_bytes: usize,
) -> (usize, std::result::Result<(), Corrupted>) {
    let mut raised = 0;
    for element in elements {
        match hll::add(bytes, element, max_bytes) {
            Ok(is_raised) => raised += usize::from(is_raised),
            Err(corrupted) => return (raised, Err(corrupted)),
        }
    }
    (raised, Ok(()))
}

fn create(cx: &mut Ctx<'_>, key: &[u8], bytes: Vec<u8>) {
    let value = Value::Buffer(bytes);
    cx.db.put(key, value, Expiry::Clear, NewTags::Clear, EVENT);
}

pub(super) const PFMERGE: Command = Spec {
    name: "PFMERGE",
    usage: "destkey:key [sourcekey:key#1...]",
    summary: "Merges one or more HyperLogLog values into a single key.",
    since: "2.8.9",
    complexity: "O(N) to merge N HyperLogLogs, but with high constant times.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(RW | ACCESS | INSERT)),
        Keys::rest(2, 1, key_flags!(RO | ACCESS)),
    ],
    ..HYPERLOGLOG
}
.run(pfmerge);
fn pfmerge(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let mut union = Registers::default();
    let mut is_dense = false;
    // What the destination has seen already is merged with the others.
    for key in args.from(1) {
        if let Some(value) = cx.db.string(key)? {
            is_dense |= encoding(value)? == Encoding::Dense;
            value.with_bytes(|bytes| union.merge(bytes))?;
        }
    }
    let key = args.key(1)?;
    let max_bytes = cx.limits().hll_sparse_max_bytes;
    if let Some(mut edit) = cx.db.edit_string(key, EVENT)? {
        fill(edit.buffer(), &union, is_dense, max_bytes)?;
    } else {
        let mut bytes = hll::empty();
        fill(&mut bytes, &union, is_dense, max_bytes)?;
        create(cx, key, bytes);
    }
    cx.reply.ok()
}

/// Raises registers to those of a union; dense if one that is in it was.
fn fill(
    bytes: &mut Vec<u8>,
    union: &Registers,
    is_dense: bool,
    max_bytes: usize,
) -> std::result::Result<(), Corrupted> {
    if is_dense {
        hll::make_dense(bytes)?;
    }
    union.raise(bytes, max_bytes)?;
    hll::mark_stale(bytes);
    Ok(())
}
