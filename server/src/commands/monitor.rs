//! `MONITOR`.

use crate::clients::State;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result};
use crate::spec::{Group, Spec, flags};

/// The family.
pub const COMMANDS: &[Command] = &[MONITOR];

const MONITOR: Command = Spec {
    name: "MONITOR",
    summary: "Listens for all requests received by the server in real-time.",
    since: "1.0.0",
    complexity: "",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    group: Group::Server,
    ..Spec::EMPTY
}
.run(monitor);
fn monitor(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    if cx.is_in_exec {
        return Err(Error::MonitorDenied);
    }
    if cx.client.is(State::MONITOR) {
        // Redis says nothing the second time.
        return Ok(Outcome::Done);
    }
    cx.server.clients.set_monitor(cx.client, true);
    cx.reply.ok()
}
