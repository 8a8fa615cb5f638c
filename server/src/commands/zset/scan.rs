//! `ZSCAN`.

use protocol::number::{format_f64, format_long_f64};
use storage::value::Zset;

use super::ZSET;
use crate::command::reply::write_item;
use crate::command::scan::{Scan, Scanned};
use crate::command::{Args, Command, Ctx, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const ZSCAN: Command = Spec {
    name: "ZSCAN",
    usage: "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    summary: "Iterates over members and scores of a sorted set.",
    since: "2.8.0",
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command \
        calls for the cursor to return back to 0. N is the number of elements inside the \
        collection.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    ..ZSET
}
.run(zscan);
fn zscan(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let cursor = args.cursor(2)?;
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    let out = cx.reply.array(2);
    let Some(zset) = zset else {
        out.bulk(b"0");
        out.array(0);
        return Ok(Outcome::Done);
    };
    let options = Scan::parse(args, 3, Scanned::Members)?;
    // Redis prints a packed score as it stands there, any other with 17 digits.
    let print = match zset.as_packed() {
        Some(_) => format_f64,
        None => format_long_f64,
    };
    let start = out.mark();
    let mut count = 0;
    let next = zset.scan(cursor, options.count, |member, score| {
        if member.with_bytes(|member| options.wants(member)) {
            write_item(out, member);
            out.bulk(print(score).as_bytes());
            count += 2;
        }
    });
    out.array_at(start, count);
    out.bulk_at(start, next.to_string().as_bytes());
    Ok(Outcome::Done)
}
