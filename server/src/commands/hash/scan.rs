//! Walking over a hash.

use storage::value::Hash;

use super::HASH;
use crate::command::reply::{write_item, write_string};
use crate::command::{Args, Command, Ctx, NoValues, Outcome, Result, Stride, Walk, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const HSCAN: Command = Spec {
    name: "HSCAN",
    usage: "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer] \
        [NOVALUES]",
    summary: "Iterates over fields and values of a hash.",
    since: "2.8.0",
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough \
        command calls for the cursor to return back to 0. N is the number of \
        elements inside the collection.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    ..HASH
}
.run(hscan);
fn hscan(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let cursor = args.cursor(2)?;
    let now_ms = cx.db.fields_now_ms();
    let Some(hash) = cx.db.read_as::<Hash>(args.key(1)?)? else {
        // Redis does not look at the options then.
        Walk::write_nothing(cx.reply.encoder());
        return Ok(Outcome::Done);
    };
    let walk = Walk::parse(args, NoValues::Allowed)?;
    walk.run(cursor, cx.reply.encoder(), |from, out| {
        let step = hash.walk(from);
        let mut stride = Stride {
            next: step.next,
            ..Stride::default()
        };
        for field in step.fields {
            stride.met += 1;
            if field.is_expired(now_ms) || !field.name.with_bytes(|name| walk.wants(name)) {
                continue;
            }
            write_item(out, field.name);
            stride.written += 1;
            if walk.has_values {
                write_string(out, Some(field.value));
                stride.written += 1;
            }
        }
        stride
    });
    Ok(Outcome::Done)
}
