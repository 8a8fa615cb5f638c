//! `MULTI`, `EXEC` and `WATCH`, as far as the executor is concerned.

use protocol::{Args, Output};
use storage::db::Db;
use storage::keyspace::{Held, ShardSet};

use super::{Order, hush, inner_lock_plan, moment, permission, run, serve, tell};
use crate::clients::State;
use crate::command::table::Entry;
use crate::command::{Calls, Ctx, Effects, Error, Reply};
use crate::monitor::Caller;
use crate::server::Server;
use crate::session::Session;
use crate::spec::Flags;
use crate::stats::Ending;
use crate::transaction::{Local, Queue};

/// Whether the command is `EXEC`, whatever it was renamed to.
pub fn is_exec(entry: &Entry) -> bool {
    entry.full_name == "exec"
}

/// Whether the command is `WATCH`.
pub fn is_watch(entry: &Entry) -> bool {
    entry.full_name == "watch"
}

/// Whether the command runs at once even between `MULTI` and `EXEC`.
pub fn runs_at_once(entry: &Entry) -> bool {
    matches!(
        entry.full_name.as_str(),
        "exec" | "discard" | "multi" | "watch" | "quit" | "reset"
    )
}

/// Keeps a request for `EXEC`.
///
/// A transaction that will not be carried out keeps nothing: there is no point in the memory.
pub fn queue(session: &mut Session, entry: &'static Entry, args: &Args<'_>) {
    let Some(queue) = &mut session.local.queue else {
        return;
    };
    if !queue.is_doomed && !session.local.watches.is_broken() {
        queue.push(entry, args, &session.client);
    }
    // Queueing is not a call of the command, but the time goes by.
    session.stopwatch.lap_nanos();
}

/// Lets the `EXEC` to come fail, because a command was refused.
pub fn doom(session: &mut Session) {
    if let Some(queue) = &mut session.local.queue {
        queue.is_doomed = true;
    }
}

/// Ends the transaction because `EXEC` itself was refused; what is answered.
pub fn abort(session: &mut Session, error: &Error) -> Error {
    session.local.discard(&session.client);
    session.unwatch();
    let text = error.to_string();
    Error::ExecAbortBecause(text.strip_prefix("ERR ").unwrap_or(&text).to_owned())
}

/// Executes what is queued, with all locks at once, as one unit of the log; whether it failed.
pub fn execute(session: &mut Session, exec: &'static Entry, out: &mut Output) -> bool {
    // The client stays in its transaction, for all to see, until the last command is done.
    let Some(queue) = session.local.queue.take() else {
        return false;
    };
    let start = out.mark();
    let failed = queue.is_doomed;
    let (_order, db) = match failed {
        true => (None, None),
        false => match lock_queued(session, &queue) {
            Ok((order, held)) => (order, unbroken(session, held)),
            Err(error) => {
                let error = abort(session, &error);
                session.server.stats.error("EXECABORT");
                Reply::new(out, session.client.version()).error(&error);
                hush(&session.client, out, start);
                return true;
            }
        },
    };
    let mut reply = Reply::new(out, session.client.version());
    match &db {
        Some(_) => reply.encoder().array(queue.commands.len()),
        None if failed => {
            session.server.stats.error("EXECABORT");
            reply.error(&Error::ExecAbort);
        }
        None => reply.encoder().nil_array(),
    }
    hush(&session.client, out, start);
    session.local.unwatch(&session.client);
    if let Some(db) = db {
        run_all(session, db, exec, &queue, out);
    }
    session.local.discard(&session.client);
    session.local.release(&session.server.keyspace);
    failed
}

/// Everything that the queued commands need.
///
/// # Errors
/// [`crate::server::Server::busy`] if a script that runs too long holds some of it.
fn lock_queued(session: &Session, queue: &Queue) -> Result<(Option<Order>, Held<'static>), Error> {
    let server = session.server;
    let order = match has_scripts(queue) {
        true => Some(server.gates.begin_script().ok_or_else(|| server.busy())?),
        false => None,
    };
    let held = serve::lock(server, plan(server, queue, &session.local))?;
    Ok((order, held))
}

/// Whether the queued commands run scripts.
pub fn runs_scripts(session: &Session) -> bool {
    session.local.queue.as_ref().is_some_and(has_scripts)
}

fn has_scripts(queue: &Queue) -> bool {
    let mut commands = queue.commands.iter();
    commands.any(|(entry, _)| super::runs_scripts(entry))
}

/// The keyspace for the queued commands, unless a watched key has changed.
fn unbroken(session: &mut Session, held: Held<'static>) -> Option<Db<'static>> {
    let server = session.server;
    let watches = &session.local.watches;
    let now_ms = session.stopwatch.wall_ms();
    let moment = moment(server, &session.client, &mut session.local.habits, now_ms);
    let mut db = Db::new(&server.keyspace, held, session.client.db(), moment);
    let mut has_run_out = || {
        watches
            .keys
            .iter()
            .any(|it| db.has_run_out(it.db, &it.key, &watches.flag))
    };
    if watches.is_broken() || has_run_out() {
        None
    } else {
        Some(db)
    }
}

/// The shards of all queued commands and watched keys.
fn plan(server: &Server, queue: &Queue, local: &Local) -> ShardSet {
    let watched = local
        .watches
        .keys
        .iter()
        .fold(ShardSet::NONE, |mut shards, it| {
            shards.insert(server.keyspace.shard_of(&it.key));
            shards
        });
    queue
        .commands
        .iter()
        .fold(watched, |shards, (entry, request)| {
            shards.union(inner_lock_plan(server, entry.command, &request.args()))
        })
}

fn run_all(
    session: &mut Session,
    db: Db<'static>,
    exec: &'static Entry,
    queue: &Queue,
    out: &mut Output,
) {
    let server = session.server;
    let mut cx = Ctx {
        server,
        client: &session.client,
        local: &mut session.local,
        db,
        reply: Reply::new(out, session.client.version()),
        effects: Effects::default(),
        entry: exec,
        stopwatch: session.stopwatch,
        is_in_exec: true,
        wanted: None,
        again: None,
        calls: Calls::new(),
    };
    for (entry, request) in &queue.commands {
        let args = request.args();
        cx.entry = entry;
        // Time stands still in a transaction, but a CONFIG SET in it holds for what follows.
        let habits = &mut cx.local.habits;
        cx.db.moment = moment(server, cx.client, habits, cx.db.moment.now_ms);
        cx.reply.restart();
        let now_ms = cx.now_ms();
        let allowed = permission::check_queued(server, cx.client, cx.local, (entry, &args), now_ms);
        if let Err(error) = allowed {
            server.stats.error("NOPERM");
            cx.reply.error(&error);
            continue;
        }
        let (_, failed) = run(&mut cx, entry, &args, &mut session.unit);
        // CLIENT REPLY may have come in between.
        if cx.client.is(State::REPLY_OFF | State::REPLY_SKIP)
            && !entry.flags().contains(Flags::PUSHES)
        {
            cx.reply.undo();
        }
        let nanos = session.stopwatch.lap_nanos();
        let ending = if failed { Ending::Failed } else { Ending::Done };
        session.recorder.command(entry.id, nanos, ending);
        let now_us = session.stopwatch.wall_us();
        let caller = Caller::Client(cx.client);
        let habits = &mut cx.local.habits;
        tell(server, caller, habits, (entry, &args), nanos, now_us);
    }
    session.recorder.calls(&cx.calls);
    let (dirty, basis) = session.unit.commit(&mut cx.db, &server.log);
    let mut db = cx.db;
    if !db.changes.ready.is_empty() {
        db = serve::serve(server, db, &mut session.unit, &mut session.recorder);
    }
    let garbage = std::mem::take(&mut db.changes.garbage);
    drop(db);
    session.local.release(&server.keyspace);
    server.lazyfree.free(garbage);
    session.recorder.dirty += dirty;
    session.local.basis.add(basis);
}
