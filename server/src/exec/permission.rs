//! Whether the user of a connection may do what is asked.

use protocol::Args;

use crate::acl::{Context, Denied, Reason};
use crate::clients::{Client, State};
use crate::command::Error;
use crate::command::error::shown;
use crate::command::table::Entry;
use crate::server::{Denial, Server};
use crate::session::Session;
use crate::transaction::Local;

/// Whether a request of a connection may go on; one load for who may do everything.
#[inline]
pub fn check(session: &mut Session, entry: &Entry, args: &Args<'_>) -> Result<(), Error> {
    let Some(denied) = denied(&mut session.local, entry, args) else {
        return Ok(());
    };
    let now_ms = session.stopwatch.wall_ms();
    note(session.server, &session.client, entry, args, denied, now_ms);
    Err(error(&session.client, entry, denied.reason))
}

/// The same for a request that was queued when it was allowed.
#[inline]
pub fn check_queued(
    server: &Server,
    client: &Client,
    local: &mut Local,
    (entry, args): (&Entry, &Args<'_>),
    now_ms: i64,
) -> Result<(), Error> {
    let Some(denied) = denied(local, entry, args) else {
        return Ok(());
    };
    note(server, client, entry, args, denied, now_ms);
    Err(Error::DeniedSince(match denied.reason {
        Reason::Command => "no permission to execute the command or subcommand",
        Reason::Key => "no permission to touch the specified keys",
        Reason::Channel => "no permission to access one of the channels used as arguments",
        Reason::Auth => "no permission",
    }))
}

/// The same for a request that has waited since it was allowed, on whatever thread.
pub fn check_waiter(
    server: &Server,
    client: &Client,
    (entry, args): (&Entry, &Args<'_>),
    now_ms: i64,
) -> Result<(), Error> {
    let rules = client.user().map(|user| user.rules());
    match rules.map(|rules| rules.check(entry, args)) {
        Some(Err(denied)) => {
            note(server, client, entry, args, denied, now_ms);
            Err(error(client, entry, denied.reason))
        }
        _ => Ok(()),
    }
}

/// The same for a command that a script calls, for whoever has called the script.
pub fn check_called(
    server: &Server,
    client: &Client,
    local: &mut Local,
    (entry, args): (&Entry, &Args<'_>),
    now_ms: i64,
) -> Result<(), Error> {
    let Some(denied) = denied(local, entry, args) else {
        return Ok(());
    };
    note_in(Context::Lua, server, client, (entry, args), denied, now_ms);
    let text = error(client, entry, denied.reason).to_string();
    let text = text.strip_prefix("NOPERM ").unwrap_or(&text);
    Err(Error::Text(format!("ERR ACL failure in script: {text}")))
}

/// Why whoever is connected may not do that.
#[inline]
pub fn denied(local: &mut Local, entry: &Entry, args: &Args<'_>) -> Option<Denied> {
    let login = local.login.as_mut()?;
    if login.is_unrestricted() {
        return None;
    }
    login.rules().check(entry, args).err()
}

fn note(
    server: &Server,
    client: &Client,
    entry: &Entry,
    args: &Args<'_>,
    denied: Denied,
    now_ms: i64,
) {
    let context = Context::of(client.is(State::MULTI));
    note_in(context, server, client, (entry, args), denied, now_ms);
}

fn note_in(
    context: Context,
    server: &Server,
    client: &Client,
    (entry, args): (&Entry, &Args<'_>),
    denied: Denied,
    now_ms: i64,
) {
    let object = match denied.reason {
        Reason::Command => entry.full_name.as_bytes(),
        _ => args.get(denied.index).unwrap_or_default(),
    };
    let user = client.user();
    let denial = Denial {
        reason: denied.reason,
        context,
        object,
        user: user.as_ref().map_or(b"", |user| user.name()),
    };
    server.note_denied(client, denial, now_ms);
}

fn error(client: &Client, entry: &Entry, reason: Reason) -> Error {
    match reason {
        Reason::Key => Error::KeyDenied,
        Reason::Channel => Error::ChannelDenied,
        Reason::Command | Reason::Auth => Error::CommandDenied {
            user: client
                .user()
                .map_or_else(String::new, |user| shown(user.name())),
            command: entry.full_name.clone(),
        },
    }
}
