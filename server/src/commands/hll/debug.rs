//! What stands in a HyperLogLog.

use storage::db::{Edit, Event};
use storage::value::hll::{self, Encoding, Registers};

use super::{HYPERLOGLOG, encoding};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const PFDEBUG: Command = Spec {
    name: "PFDEBUG",
    usage: "subcommand key",
    summary: "Internal commands for debugging HyperLogLog values.",
    since: "2.8.9",
    complexity: "N/A",
    flags: flags!(WRITE | DENYOOM | ADMIN | SYSCMD),
    keys: &[Keys::at(2, key_flags!(RW | ACCESS))],
    ..HYPERLOGLOG
}
.run(pfdebug);
fn pfdebug(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let edit = cx.db.edit_string(args.key(2)?, Event::UNSAID)?;
    let mut edit = edit.ok_or(Error::NoKeyToDebug)?;
    let encoding = encoding(edit.string())?;
    // As in Redis the string is `raw` afterwards, whatever is asked for.
    edit.buffer();
    edit.count(0);
    if args.is(1, "GETREG") {
        make_dense(&mut edit)?;
        let mut registers = Registers::default();
        edit.string().with_bytes(|bytes| registers.merge(bytes))?;
        drop(edit);
        let registers = registers.iter();
        let out = cx.reply.array(registers.len());
        registers.for_each(|rank| out.integer(rank.into()));
        Ok(Outcome::Done)
    } else if args.is(1, "DECODE") {
        let text = edit.string().with_bytes(hll::decoded);
        cx.reply.bulk(text.ok_or(Error::NotSparse)?.as_bytes())
    } else if args.is(1, "ENCODING") {
        cx.reply.simple(match encoding {
            Encoding::Dense => "dense",
            Encoding::Sparse => "sparse",
        })
    } else if args.is(1, "TODENSE") {
        let was_sparse = make_dense(&mut edit)?;
        drop(edit);
        cx.reply.integer(was_sparse.into())
    } else {
        Err(Error::UnknownPfdebug(shown(args.word(1)?)))
    }
}

/// Makes it dense, which counts as a change, so that it is dense in every replica.
fn make_dense(edit: &mut Edit<'_, '_>) -> Result<bool> {
    let was_sparse = hll::make_dense(edit.buffer());
    edit.count((was_sparse == Ok(true)).into());
    Ok(was_sparse?)
}
