//! Serving clients that wait for keys, under the locks of whoever has changed them.
//!
//! As in Redis (`handleClientsBlockedOnKeys`, blocked.c) the waiting request is carried out again as it was sent,
//! once for each key that has changed, first come first served, behind the command or transaction that changed
//! it, and before anybody else sees the keys.

use protocol::{Args, Output};
use storage::db::{Db, Ready};
use storage::keyspace::{Held, ShardSet};
use storage::waiters;

use super::{Unit, moment, permission, run};
use crate::clock::Stopwatch;
use crate::command::{Block, Calls, Condition, Ctx, Effects, Outcome, Reply, Result};
use crate::monitor::Caller;
use crate::server::Server;
use crate::session::Session;
use crate::stats::{Ending, Recorder};
use crate::transaction::Local;
use crate::waiters::{Served, Waiter};

/// Takes the locks of a plan, and those that are needed to serve whoever waits for keys behind them.
///
/// # Errors
/// [`Server::busy`] if a script that runs too long holds one of them.
#[inline]
pub fn lock(server: &'static Server, plan: ShardSet) -> Result<Held<'static>> {
    let mut plan = plan;
    loop {
        let held = server.keyspace.lock_unless(plan, || server.gates.is_busy());
        let held = held.ok_or_else(|| server.busy())?;
        let missing = held.missing_for_waiters();
        if missing.is_empty() {
            return Ok(held);
        }
        plan = plan.union(missing);
    }
}

/// Lets a client wait for what its command has named; what its connection waits for.
pub fn join(cx: &mut Ctx<'_>, args: &Args<'_>, block: Block, shards: ShardSet) -> Block {
    let (Some((wanted, keys)), Condition::Keys { timeout, .. }) =
        (cx.wanted.take(), block.condition)
    else {
        return block;
    };
    let db = cx.db.index;
    let request = cx.again.take().unwrap_or_else(|| args.to_request());
    let names = keys.clone();
    let waiters = &cx.server.waiters;
    let ticket = waiters.join(cx.client, cx.entry, request, db, wanted, keys, shards);
    for key in &names {
        cx.db.wait_for(key, waiters::Waiter { ticket, shards });
    }
    Block {
        condition: Condition::Keys { ticket, timeout },
        ..block
    }
}

/// Serves those who wait for keys that have changed. Everything before is in the log already.
pub fn serve(
    server: &'static Server,
    mut db: Db<'static>,
    unit: &mut Unit,
    recorder: &mut Recorder,
) -> Db<'static> {
    while !db.changes.ready.is_empty() {
        for ready in std::mem::take(&mut db.changes.ready) {
            let places = db.waiters_of(ready.db, &ready.key);
            if !is_told(server, &mut db, &ready, &places) {
                continue;
            }
            for place in places {
                let Some(waiter) = server.waiters.get(place.ticket) else {
                    continue;
                };
                let entry = db.peek_in(ready.db, &ready.key);
                let type_name = entry.map(|entry| entry.type_name());
                if waiter.is_stirred_by(type_name) {
                    db = attempt(server, db, &waiter, unit, recorder);
                }
            }
        }
    }
    db
}

/// Whether those who wait for a key are told that it has changed.
fn is_told(
    server: &'static Server,
    db: &mut Db<'static>,
    ready: &Ready,
    places: &[waiters::Waiter],
) -> bool {
    let waits_without_key = |place: &waiters::Waiter| {
        let waiter = server.waiters.get(place.ticket);
        waiter.is_some_and(|waiter| waiter.waits_without_key())
    };
    let entry = db.peek_in(ready.db, &ready.key);
    let is_stream = entry.is_some_and(|entry| entry.type_name() == "stream");
    ready.is_new || is_stream || places.iter().any(waits_without_key)
}

/// Carries out the request of a waiter; one that would wait again goes to the end of the line.
fn attempt(
    server: &'static Server,
    mut db: Db<'static>,
    waiter: &Waiter,
    unit: &mut Unit,
    recorder: &mut Recorder,
) -> Db<'static> {
    let mut reply = Output::new();
    let mut local = Local::default();
    let mut stopwatch = Stopwatch::start();
    let (index, own) = (db.index, db.moment);
    db.index = waiter.db;
    db.moment = moment(server, &waiter.client, &mut local.habits, own.now_ms);
    let mut cx = Ctx {
        server,
        client: &waiter.client,
        local: &mut local,
        db,
        reply: Reply::new(&mut reply, waiter.client.version()),
        effects: Effects::default(),
        entry: waiter.entry,
        stopwatch,
        is_in_exec: false,
        wanted: None,
        again: None,
        calls: Calls::new(),
    };
    let args = waiter.request.args();
    let request = (waiter.entry, &args);
    let (outcome, ending) =
        match permission::check_waiter(server, &waiter.client, request, own.now_ms) {
            Ok(()) => match run(&mut cx, waiter.entry, &args, unit) {
                (outcome, true) => (outcome, Ending::Failed),
                (outcome, false) => (outcome, Ending::Done),
            },
            Err(error) => {
                server.stats.error("NOPERM");
                cx.reply.error(&error);
                (Outcome::Done, Ending::Rejected)
            }
        };
    let mut db = cx.db;
    let (dirty, basis) = unit.commit(&mut db, &server.log);
    recorder.dirty += dirty;
    if matches!(outcome, Outcome::Block(_)) {
        let place = waiters::Waiter {
            ticket: waiter.ticket,
            shards: waiter.shards,
        };
        waiter.keys.iter().for_each(|key| db.wait_for(key, place));
    } else {
        let nanos = stopwatch.lap_nanos();
        recorder.command(waiter.entry.id, nanos, ending);
        note(server, waiter, nanos, stopwatch.wall_us());
        for key in &waiter.keys {
            db.stop_waiting(waiter.db, key, waiter.ticket);
        }
        waiter.serve(Served { reply, basis });
    }
    (db.index, db.moment) = (index, own);
    db
}

/// Counts a command whose wait has ended without anything for it.
pub fn count_vain(session: &mut Session, waiter: &Waiter, ending: Ending) {
    let nanos = session.tried_nanos;
    session.recorder.command(waiter.entry.id, nanos, ending);
    // At once, for nothing may follow on this connection for long.
    session.flush_counts();
    note(session.server, waiter, nanos, session.stopwatch.wall_us());
}

/// Puts a command that has waited into the slow log if it was slow: its wait is not counted.
fn note(server: &'static Server, waiter: &Waiter, nanos: u64, now_us: i64) {
    if nanos >= server.settings.noted_nanos() {
        let caller = Caller::Client(&waiter.client);
        let args = waiter.request.args();
        server.note_slow(caller, waiter.entry, &args, nanos, now_us);
    }
}
