//! The server as a whole: how much it holds, emptying it, its time, its role, its end.

use std::sync::atomic::Ordering::Relaxed;

use crate::clients::State;
use crate::clock;
use crate::command::{Args, Block, Command, Condition, Ctx, Error, Outcome, Result, Words};
use crate::config::{ShutdownFlags, options};
use crate::persist::snapshots::Refusal;
use crate::persist::turn::Purpose;
use crate::persist::{RewriteAnswer, Rewriting};
use crate::spec::{Group, Locks, Spec, acl, flags};

/// The family.
pub const COMMANDS: &[Command] = &[
    BGREWRITEAOF,
    BGSAVE,
    DBSIZE,
    FLUSHALL,
    FLUSHDB,
    LASTSAVE,
    ROLE,
    SAVE,
    SHUTDOWN,
    SWAPDB,
    TIME,
];

const SERVER: Spec = Spec {
    group: Group::Server,
    ..Spec::EMPTY
};

const BGREWRITEAOF: Command = Spec {
    name: "BGREWRITEAOF",
    summary: "Asynchronously rewrites the append-only file to disk.",
    since: "1.0.0",
    flags: flags!(ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
    ..SERVER
}
.run(bgrewriteaof);

fn bgrewriteaof(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    const SCHEDULED: &str = "Background append only file rewriting scheduled";
    if cx.is_in_exec && cx.server.persist.rewriting() != Rewriting::Running {
        cx.server.persist.schedule_rewrite();
        return cx.reply.simple(SCHEDULED);
    }
    match cx.server.persist.rewrite(cx.server) {
        Ok(RewriteAnswer::Scheduled) => cx.reply.simple(SCHEDULED),
        Ok(RewriteAnswer::Started) => cx
            .reply
            .simple("Background append only file rewriting started"),
        Ok(RewriteAnswer::Running) => Err(Error::RewriteRunning),
        Err(reason) => {
            tracing::warn!("Can't rewrite append only file in background: {reason}");
            Err(Error::RewriteFailed)
        }
    }
}

const BGSAVE: Command = Spec {
    name: "BGSAVE",
    usage: "[SCHEDULE@3.2.2]",
    summary: "Asynchronously saves the database(s) to disk.",
    since: "1.0.0",
    flags: flags!(ADMIN | NOSCRIPT | NO_ASYNC_LOADING),
    locks: Locks::All,
    history: &[("3.2.2", "Added the `SCHEDULE` option.")],
    ..SERVER
}
.run(bgsave);

fn bgsave(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let schedules = match args.len() {
        1 => false,
        2 if args.is(1, "SCHEDULE") => true,
        _ => return Err(Error::Syntax),
    };
    let server = cx.server;
    let snapshots = &server.persist.snapshots;
    let begun = match server.persist.turns.holder() {
        Some(Purpose::Snapshot | Purpose::Save) => Err(Refusal::Running),
        // The moment would be within the transaction.
        _ if cx.is_in_exec => Err(Refusal::Rewriting),
        _ => snapshots.begin_background(server, cx.db.held()),
    };
    match begun {
        Ok(()) => cx.reply.simple("Background saving started"),
        Err(Refusal::Rewriting) if schedules || cx.is_in_exec => {
            snapshots.is_scheduled.store(true, Relaxed);
            cx.reply.simple("Background saving scheduled")
        }
        Err(refusal) => Err(refused(refusal)),
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Running => Error::SaveRunning,
        Refusal::Rewriting => Error::SaveBesideRewrite,
        Refusal::Failed => Error::SaveFailed,
    }
}

const DBSIZE: Command = Spec {
    name: "DBSIZE",
    summary: "Returns the number of keys in the database.",
    since: "1.0.0",
    flags: flags!(READONLY | FAST),
    acl: acl!(KEYSPACE),
    locks: Locks::OneAtATime,
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..SERVER
}
.run(dbsize);

fn dbsize(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let keys = cx
        .db
        .census()
        .get(cx.db.index)
        .map_or(0, |census| census.keys);
    cx.reply.count(keys)
}

const FLUSHALL: Command = Spec {
    name: "FLUSHALL",
    usage: "[flush-type(ASYNC@4.0.0|SYNC@6.2.0)]",
    summary: "Removes all keys from all databases.",
    since: "1.0.0",
    complexity: "O(N) where N is the total number of keys in all databases",
    flags: flags!(WRITE),
    acl: acl!(KEYSPACE | DANGEROUS),
    locks: Locks::All,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    history: &[
        ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
        ("6.2.0", "Added the `SYNC` flushing mode modifier."),
    ],
    ..SERVER
}
.run(flushall);

fn flushall(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let freeing = freeing(cx, args)?;
    flush(cx, args, None, freeing)
}

const FLUSHDB: Command = Spec {
    name: "FLUSHDB",
    usage: "[flush-type(ASYNC@4.0.0|SYNC@6.2.0)]",
    summary: "Remove all keys from the current database.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys in the selected database",
    flags: flags!(WRITE),
    acl: acl!(KEYSPACE | DANGEROUS),
    locks: Locks::All,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    history: &[
        ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
        ("6.2.0", "Added the `SYNC` flushing mode modifier."),
    ],
    ..SERVER
}
.run(flushdb);

fn flushdb(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let freeing = freeing(cx, args)?;
    flush(cx, args, Some(cx.db.index), freeing)
}

/// When a flush replies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freeing {
    /// Once the memory is free again.
    Sync,
    /// At once.
    Async,
}

fn freeing(cx: &Ctx<'_>, args: &Args<'_>) -> Result<Freeing> {
    match args.len() {
        1 if cx
            .server
            .settings
            .config
            .get(options::LAZYFREE_LAZY_USER_FLUSH) =>
        {
            Ok(Freeing::Async)
        }
        1 => Ok(Freeing::Sync),
        2 if args.is(1, "SYNC") => Ok(Freeing::Sync),
        2 if args.is(1, "ASYNC") => Ok(Freeing::Async),
        _ => Err(Error::Syntax),
    }
}

/// Takes the keys out under the locks; they are freed behind them, on another thread, and whoever
/// wants to know waits for that as in Redis 7.4. Inside a transaction nobody can wait.
fn flush(cx: &mut Ctx<'_>, args: &Args<'_>, db: Option<usize>, freeing: Freeing) -> Result {
    cx.db.flush(db);
    if db.is_none() && !cx.client.is(State::REPLAY) {
        forget_snapshots(cx);
    }
    // Also when nothing was there: replicas and the log may hold something else.
    cx.effects.replace(args.iter());
    if freeing == Freeing::Sync && !cx.is_in_exec && !cx.client.is(State::REPLAY) {
        return Ok(Outcome::Block(Block {
            deadline_ms: None,
            condition: Condition::Freed,
        }));
    }
    cx.reply.ok()
}

/// Ends a snapshot of what was there, and writes one of what is there now, as Redis does: what was emptied must not come
/// back.
fn forget_snapshots(cx: &mut Ctx<'_>) {
    let server = cx.server;
    let snapshots = &server.persist.snapshots;
    if server.persist.turns.holder() == Some(Purpose::Snapshot) {
        snapshots.cancel();
    }
    if !server.settings.config.get(options::SAVE).is_empty() {
        // If it fails the log says so, and the keys are gone all the same.
        let _ = snapshots.save_held(server, cx.db.held());
    }
}

const LASTSAVE: Command = Spec {
    name: "LASTSAVE",
    summary: "Returns the Unix timestamp of the last successful save to disk.",
    since: "1.0.0",
    flags: flags!(LOADING | STALE | FAST),
    acl: acl!(ADMIN | DANGEROUS),
    tips: &["nondeterministic_output"],
    ..SERVER
}
.run(lastsave);

fn lastsave(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let snapshots = &cx.server.persist.snapshots;
    cx.reply.integer(snapshots.last_save_seconds.load(Relaxed))
}

const ROLE: Command = Spec {
    name: "ROLE",
    summary: "Returns the replication role.",
    since: "2.8.12",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST),
    acl: acl!(ADMIN | DANGEROUS),
    ..SERVER
}
.run(role);

fn role(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let out = cx.reply.array(3);
    out.bulk(b"master");
    out.integer(0);
    out.array(0);
    Ok(Outcome::Done)
}

const SAVE: Command = Spec {
    name: "SAVE",
    summary: "Synchronously saves the database(s) to disk.",
    since: "1.0.0",
    complexity: "O(N) where N is the total number of keys in all databases",
    flags: flags!(ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI),
    ..SERVER
}
.run(save);

/// Only the client waits, where in Redis all do.
fn save(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let server = cx.server;
    let number = server.persist.snapshots.save(server).map_err(refused)?;
    Ok(Outcome::Block(Block {
        deadline_ms: None,
        condition: Condition::Saved(number),
    }))
}

const SHUTDOWN: Command = Spec {
    name: "SHUTDOWN",
    usage: "[save-selector(NOSAVE|SAVE)] [NOW@7.0.0] [FORCE@7.0.0] [ABORT@7.0.0]",
    summary: "Synchronously saves the database(s) to disk and shuts down the Redis server.",
    since: "1.0.0",
    complexity: "O(N) when saving, where N is the total number of keys in all databases when \
        saving data, otherwise O(1)",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY),
    history: &[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")],
    ..SERVER
}
.run(shutdown);

fn shutdown(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let wish = shutdown_wish(args)?;
    let Some(wish) = wish else {
        // There are no replicas to wait for, so none can be under way.
        return Err(Error::NoShutdown);
    };
    if cx.server.gates.is_busy() && !wish.contains(ShutdownFlags::NOSAVE) {
        return Err(cx.server.busy());
    }
    tracing::info!("User requested shutdown...");
    let failures = cx.server.shutdown.request(wish);
    Ok(Outcome::Block(Block {
        deadline_ms: None,
        condition: Condition::Running(failures),
    }))
}

/// What is asked for; `None` to go on.
fn shutdown_wish(args: &Args<'_>) -> Result<Option<ShutdownFlags>> {
    let mut wish = ShutdownFlags::empty();
    let mut aborts = false;
    for index in 1..args.len() {
        if args.is(index, "NOSAVE") {
            wish |= ShutdownFlags::NOSAVE;
        } else if args.is(index, "SAVE") {
            wish |= ShutdownFlags::SAVE;
        } else if args.is(index, "FORCE") {
            wish |= ShutdownFlags::FORCE;
        } else if args.is(index, "NOW") {
            wish |= ShutdownFlags::NOW;
        } else if args.is(index, "ABORT") {
            aborts = true;
        } else {
            return Err(Error::Syntax);
        }
    }
    let contradicts = wish.contains(ShutdownFlags::NOSAVE | ShutdownFlags::SAVE);
    if contradicts || aborts && args.len() > 2 {
        return Err(Error::Syntax);
    }
    Ok((!aborts).then_some(wish))
}

const SWAPDB: Command = Spec {
    name: "SWAPDB",
    usage: "index1:integer index2:integer",
    summary: "Swaps two Redis databases.",
    since: "4.0.0",
    complexity: "O(N) where N is the count of clients watching or blocking on keys from both \
        databases.",
    flags: flags!(WRITE | FAST),
    acl: acl!(KEYSPACE | DANGEROUS),
    locks: Locks::All,
    ..SERVER
}
.run(swapdb);

fn swapdb(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let first = args
        .integer(1)
        .ok()
        .and_then(|number| i32::try_from(number).ok());
    let first = first.ok_or(Error::InvalidFirstDb)?;
    let second = args
        .integer(2)
        .ok()
        .and_then(|number| i32::try_from(number).ok());
    let second = second.ok_or(Error::InvalidSecondDb)?;
    let databases = cx.server.settings.config.get(options::DATABASES) as usize;
    let index = |number: i32| {
        usize::try_from(number)
            .ok()
            .filter(|&index| index < databases)
            .ok_or(Error::DbOutOfRange)
    };
    let (first, second) = (index(first)?, index(second)?);
    cx.db.swap(first, second);
    cx.reply.ok()
}

const TIME: Command = Spec {
    name: "TIME",
    summary: "Returns the server time.",
    since: "2.6.0",
    flags: flags!(LOADING | STALE | FAST),
    tips: &["nondeterministic_output"],
    ..SERVER
}
.run(time);

fn time(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let now_us = clock::now_us();
    let out = cx.reply.array(2);
    out.bulk_integer(now_us / 1_000_000);
    out.bulk_integer(now_us % 1_000_000);
    Ok(Outcome::Done)
}
