//! `MULTI`, `EXEC` and `WATCH`, as far as the executor is concerned.

use std::sync::atomic::Ordering;

use protocol::{Args, Output};
use storage::db::Db;
use storage::keyspace::ShardSet;

use super::{Flow, lock_plan, moment, run};
use crate::command::table::Entry;
use crate::command::{Ctx, Effects, Error, Reply};
use crate::server::Server;
use crate::session::Session;
use crate::spec::Locks;
use crate::transaction::{Local, Queue};

/// Whether the command runs at once even between `MULTI` and `EXEC`.
pub fn runs_at_once(entry: &Entry) -> bool {
    matches!(
        entry.full_name.as_str(),
        "exec" | "discard" | "multi" | "watch" | "quit" | "reset"
    )
}

/// Keeps a request for `EXEC`.
pub fn queue(session: &mut Session, entry: &'static Entry, args: &Args<'_>) {
    let Some(queue) = &mut session.local.queue else {
        return;
    };
    queue.size_bytes += args.size_bytes();
    queue.commands.push((entry, args.to_request()));
    let gauges = &session.client.gauges;
    gauges
        .queued
        .store(queue.commands.len() as i64, Ordering::Relaxed);
    gauges
        .queued_bytes
        .store(queue.size_bytes, Ordering::Relaxed);
    // Queueing is not a call of the command, but the time goes by.
    session.stopwatch.lap_nanos();
}

/// Executes what is queued, with all locks at once, as one unit of the log.
pub fn execute(session: &mut Session, exec: &'static Entry, out: &mut Output) -> Flow {
    let server = session.server;
    let Some(queue) = session.local.discard(&session.client) else {
        return Flow::Next;
    };
    if queue.is_doomed {
        session.unwatch();
        refuse(session, exec, &Error::ExecAbort, out);
        return Flow::Next;
    }
    let held = server.keyspace.lock(plan(server, &queue, &session.local));
    let moment = moment(server, &session.client, session.stopwatch.wall_ms());
    let mut db = Db::new(&server.keyspace, held, session.client.db(), moment);
    let is_broken = session.local.watches.is_broken()
        || session
            .local
            .watches
            .keys
            .iter()
            .any(|it| !it.was_stale && db.is_stale(it.db, &it.key));
    if is_broken {
        drop(db);
        session.unwatch();
        Reply::new(out, session.client.version())
            .encoder()
            .nil_array();
        session.stopwatch.lap_nanos();
        return Flow::Next;
    }
    Reply::new(out, session.client.version())
        .encoder()
        .array(queue.commands.len());
    run_all(session, db, &queue, out);
    session.unwatch();
    Flow::Next
}

fn refuse(session: &mut Session, exec: &'static Entry, error: &Error, out: &mut Output) {
    let text = error.to_string();
    session.server.stats.error(Error::prefix(&text));
    session.recorder.command(
        exec.id,
        session.stopwatch.lap_nanos(),
        crate::stats::Ending::Failed,
    );
    Reply::new(out, session.client.version())
        .encoder()
        .error(text);
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
            match entry.command.spec.locks {
                Locks::OneAtATime | Locks::All => ShardSet::ALL,
                Locks::Keys => shards.union(lock_plan(server, entry.command, &request.args())),
            }
        })
}

fn run_all(session: &mut Session, db: Db<'static>, queue: &Queue, out: &mut Output) {
    let server = session.server;
    let mut cx = Ctx {
        server,
        client: &session.client,
        local: &mut session.local,
        db,
        reply: Reply::new(out, session.client.version()),
        effects: Effects::default(),
        entry: queue
            .commands
            .first()
            .map_or_else(|| server.exec_entry(), |(entry, _)| entry),
        is_in_exec: true,
    };
    for (entry, request) in &queue.commands {
        let args = request.args();
        if server.clients.has_monitors() {
            server.monitor.show(
                &server.clients,
                cx.client,
                session.stopwatch.wall_us(),
                entry,
                &args,
            );
        }
        cx.entry = entry;
        cx.reply.restart();
        let (_, failed) = run(&mut cx, entry, &args, &mut session.unit);
        let nanos = session.stopwatch.lap_nanos();
        let ending = if failed {
            crate::stats::Ending::Failed
        } else {
            crate::stats::Ending::Done
        };
        session.recorder.command(entry.id, nanos, ending);
        if nanos >= server.settings.slow_nanos() {
            server.note_slow(cx.client, entry, &args, nanos, session.stopwatch.wall_us());
        }
    }
    let (dirty, durable_from) = session.unit.commit(&mut cx.db, &server.log);
    let garbage = std::mem::take(&mut cx.db.changes.garbage);
    drop(cx);
    session.local.release(&server.keyspace);
    server.lazyfree.free(garbage);
    session.recorder.dirty += dirty;
    session.local.durable_from = session.local.durable_from.max(durable_from);
}
