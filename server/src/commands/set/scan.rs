//! Walking over a set.

use storage::value::Set;

use super::SET;
use crate::command::reply::write_item;
use crate::command::{Args, Command, Ctx, NoValues, Outcome, Result, Stride, Walk, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const SSCAN: Command = Spec {
    name: "SSCAN",
    usage: "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    summary: "Iterates over members of a set.",
    since: "2.8.0",
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough \
        command calls for the cursor to return back to 0. N is the number of \
        elements inside the collection.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    ..SET
}
.run(sscan);
fn sscan(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let cursor = args.cursor(2)?;
    let Some(set) = cx.db.read_as::<Set>(args.key(1)?)? else {
        // Redis does not look at the options then.
        Walk::write_nothing(cx.reply.encoder());
        return Ok(Outcome::Done);
    };
    let walk = Walk::parse(args, NoValues::Refused)?;
    walk.run(cursor, cx.reply.encoder(), |from, out| {
        let step = set.walk(from);
        let mut stride = Stride {
            next: step.next,
            ..Stride::default()
        };
        for member in step.members {
            stride.met += 1;
            if member.with_bytes(|member| walk.wants(member)) {
                write_item(out, member);
                stride.written += 1;
            }
        }
        stride
    });
    Ok(Outcome::Done)
}
