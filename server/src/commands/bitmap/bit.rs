//! One bit.

use storage::value::bits;

use super::{BITMAP, Changed, change, offset};
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const GETBIT: Command = Spec {
    name: "GETBIT",
    usage: "key offset:integer",
    summary: "Returns a bit value by offset.",
    since: "2.2.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..BITMAP
}
.run(getbit);
fn getbit(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let at = offset(cx, args.word(2)?, None)?;
    let value = cx.db.string(args.key(1)?)?;
    let bit = value.is_some_and(|value| value.with_bytes(|bytes| bits::get(bytes, at)));
    cx.reply.integer(bit.into())
}

pub(super) const SETBIT: Command = Spec {
    name: "SETBIT",
    usage: "key offset:integer value:integer",
    summary: "Sets or clears the bit at offset of the string value. Creates the key if it doesn't \
        exist.",
    since: "2.2.0",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))],
    ..BITMAP
}
.run(setbit);
fn setbit(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let at = offset(cx, args.word(2)?, None)?;
    let bit = match args.integer(3) {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(Error::NotBit),
    };
    let was_set = change(cx, args.key(1)?, at, |bytes, is_longer| {
        let was_set = bits::put(bytes, at, bit);
        Changed {
            count: usize::from(is_longer || was_set != bit),
            reply: was_set,
        }
    })?;
    cx.reply.integer(was_set.into())
}
