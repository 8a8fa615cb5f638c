//! What a client switches for itself or for all: `NO-EVICT`, `NO-TOUCH`, `REPLY`, `PAUSE`, `UNPAUSE`.

use super::{BASE, is_on, number_at};
use crate::clients::State;
use crate::clock;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Spec, flags};

pub const NO_EVICT: Command = Spec {
    name: "NO-EVICT",
    usage: "enabled(ON|OFF)",
    summary: "Sets the client eviction mode of the connection.",
    since: "7.0.0",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(no_evict);
fn no_evict(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    cx.client.set(State::NO_EVICT, is_on(args, 2)?);
    cx.reply.ok()
}

pub const NO_TOUCH: Command = Spec {
    name: "NO-TOUCH",
    usage: "enabled(ON|OFF)",
    summary: "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
    since: "7.2.0",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(no_touch);
fn no_touch(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    cx.client.set(State::NO_TOUCH, is_on(args, 2)?);
    cx.reply.ok()
}

pub const REPLY: Command = Spec {
    name: "REPLY",
    usage: "action(ON|OFF|SKIP)",
    summary: "Instructs the server whether to reply to commands.",
    since: "3.2.0",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(reply);
/// The executor drops what is not to be seen, and lets `SKIP` hold for one command.
fn reply(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if args.is(2, "SKIP") {
        if !cx.client.is(State::REPLY_OFF) {
            cx.client.set(State::REPLY_SKIP_NEXT, true);
        }
        return Ok(Outcome::Done);
    }
    if !is_on(args, 2)? {
        cx.client.set(State::REPLY_OFF, true);
        return Ok(Outcome::Done);
    }
    // Also when it is itself the one command that SKIP would have silenced.
    cx.client.set(State::REPLY_OFF | State::REPLY_SKIP, false);
    cx.reply.ok()
}

pub const PAUSE: Command = Spec {
    name: "PAUSE",
    usage: "timeout:integer [mode(WRITE|ALL)@6.2.0]",
    summary: "Suspends commands processing.",
    since: "3.0.0",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    history: &[(
        "6.2.0",
        "`CLIENT PAUSE WRITE` mode added along with the `mode` option.",
    )],
    ..BASE
}
.run(pause);
fn pause(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let writes_only = match args.len() {
        3 => false,
        4 if args.is(3, "WRITE") => true,
        4 if args.is(3, "ALL") => false,
        4 => return Err(Error::PauseMode),
        _ => return Err(Error::subcommand_syntax(args, "CLIENT")),
    };
    let timeout_ms = number_at(args, 2).ok_or(Error::TimeoutNotInteger)?;
    if timeout_ms < 0 {
        return Err(Error::TimeoutNegative);
    }
    let until_ms = clock::now_ms()
        .checked_add(timeout_ms)
        .ok_or(Error::TimeoutOutOfRange)?;
    cx.server.gates.pause(until_ms, writes_only);
    cx.reply.ok()
}

pub const UNPAUSE: Command = Spec {
    name: "UNPAUSE",
    summary: "Resumes processing commands from paused clients.",
    since: "6.2.0",
    complexity: "O(N) Where N is the number of paused clients",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(unpause);
fn unpause(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.server.gates.unpause();
    cx.server.pause_over.notify_waiters();
    cx.reply.ok()
}
