//! `SLOWLOG`: commands that took long.

use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Group, Spec, flags};

/// The family.
pub const COMMANDS: &[Command] = &[SLOWLOG];

const BASE: Spec = Spec {
    group: Group::Server,
    ..Spec::EMPTY
};

/// Entries that `GET` gives if nobody says how many.
const USUAL_COUNT: usize = 10;

const GET: Command = Spec {
    name: "GET",
    usage: "[count:integer]",
    summary: "Returns the slow log's entries.",
    since: "2.2.12",
    complexity: "O(N) where N is the number of entries returned",
    flags: flags!(ADMIN | LOADING | STALE),
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    history: &[(
        "4.0.0",
        "Added client IP address, port and name to the reply.",
    )],
    ..BASE
}
.run(get);

fn get(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let count = match args.len() {
        2 => USUAL_COUNT,
        3 => match args.integer(2) {
            Ok(-1) => usize::MAX,
            Ok(count) => usize::try_from(count).map_err(|_| Error::SlowlogCount)?,
            Err(_) => return Err(Error::SlowlogCount),
        },
        _ => return Err(Error::subcommand_syntax(args, "SLOWLOG")),
    };
    let entries = cx.server.slowlog.newest(count);
    let out = cx.reply.array(entries.len());
    for slow in entries {
        out.array(6);
        out.integer(slow.id.cast_signed());
        out.integer(slow.at_seconds);
        out.integer(slow.duration_us.cast_signed());
        out.array(slow.words.len());
        slow.words.iter().for_each(|word| out.bulk(word));
        out.bulk(slow.addr.as_bytes());
        out.bulk(&slow.client_name);
    }
    Ok(Outcome::Done)
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Show helpful text about the different subcommands",
    since: "6.2.0",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);

fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "SLOWLOG",
        &[
            "GET [<count>]",
            "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
            "    Entries are made of:",
            "    id, timestamp, time in microseconds, arguments array, client IP and port,",
            "    client name",
            "LEN",
            "    Return the length of the slowlog.",
            "RESET",
            "    Reset the slowlog.",
        ],
    )
}

const LEN: Command = Spec {
    name: "LEN",
    summary: "Returns the number of entries in the slow log.",
    since: "2.2.12",
    flags: flags!(ADMIN | LOADING | STALE),
    tips: &[
        "request_policy:all_nodes",
        "response_policy:agg_sum",
        "nondeterministic_output",
    ],
    ..BASE
}
.run(len);

fn len(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.count(cx.server.slowlog.len())
}

const RESET: Command = Spec {
    name: "RESET",
    summary: "Clears all entries from the slow log.",
    since: "2.2.12",
    complexity: "O(N) where N is the number of entries in the slowlog",
    flags: flags!(ADMIN | LOADING | STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..BASE
}
.run(reset);

fn reset(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.server.slowlog.clear();
    cx.reply.ok()
}

const SLOWLOG: Command = Spec {
    name: "SLOWLOG",
    usage: "arity -2;",
    summary: "A container for slow log commands.",
    since: "2.2.12",
    complexity: "Depends on subcommand.",
    ..BASE
}
.container(&[GET, HELP, LEN, RESET]);
