//! `ACL LOG`.

use super::BASE;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::Spec;

/// Lines that are given if nobody says how many.
const USUAL_COUNT: usize = 10;

pub const LOG: Command = Spec {
    name: "LOG",
    usage: "[operation(count:integer|RESET)]",
    summary: "Lists recent security events generated due to ACL rules.",
    complexity: "O(N) with N being the number of entries shown.",
    history: &[(
        "7.2.0",
        "Added entry ID, timestamp created, and timestamp last updated.",
    )],
    ..BASE
}
.run(log);
fn log(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    match args.len() {
        2 => list(cx, USUAL_COUNT),
        3 if args.is(2, "RESET") => {
            cx.server.acl.log.clear();
            cx.reply.ok()
        }
        3 => {
            let count = args.integer(2)?;
            list(cx, usize::try_from(count).unwrap_or(0))
        }
        _ => Err(Error::subcommand_syntax(args, "ACL")),
    }
}

fn list(cx: &mut Ctx<'_>, count: usize) -> Result {
    let lines = cx.server.acl.log.newest(count);
    let now_ms = cx.now_ms();
    let out = cx.reply.array(lines.len());
    for line in lines {
        let refusal = &line.refusal;
        out.map(10);
        out.bulk(b"count");
        out.integer(line.count.cast_signed());
        for (name, text) in [
            ("reason", refusal.reason.name().as_bytes()),
            ("context", refusal.context.name().as_bytes()),
            ("object", &refusal.object),
            ("username", &refusal.user),
        ] {
            out.bulk(name.as_bytes());
            out.bulk(text);
        }
        out.bulk(b"age-seconds");
        out.double((now_ms - line.updated_ms) as f64 / 1000.0);
        out.bulk(b"client-info");
        out.bulk(&refusal.client);
        for (name, number) in [
            ("entry-id", line.id.cast_signed()),
            ("timestamp-created", line.created_ms),
            ("timestamp-last-updated", line.updated_ms),
        ] {
            out.bulk(name.as_bytes());
            out.integer(number);
        }
    }
    Ok(Outcome::Done)
}
