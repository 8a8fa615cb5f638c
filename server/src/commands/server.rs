//! The server as a whole: how much it holds, emptying it, its time, its role, its end.

use crate::clients::State;
use crate::clock;
use crate::command::{Args, Block, Command, Condition, Ctx, Error, Outcome, Result, Words};
use crate::config::options;
use crate::persist::RewriteAnswer;
use crate::spec::{Group, Locks, Spec, acl, flags};

/// The family.
pub const COMMANDS: &[Command] = &[
    BGREWRITEAOF,
    DBSIZE,
    FLUSHALL,
    FLUSHDB,
    LASTSAVE,
    ROLE,
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
    match cx.server.persist.rewrite(cx.server) {
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

/// Without snapshots, as in Redis, the time the server was started.
fn lastsave(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.integer(cx.server.run.started_ms / 1000)
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

#[derive(Default)]
struct ShutdownWords {
    save: bool,
    nosave: bool,
    force: bool,
    abort: bool,
}

fn shutdown(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let words = shutdown_words(args)?;
    if words.abort {
        // There are no replicas to wait for, so none can be under way.
        return Err(Error::NoShutdown);
    }
    if cx.server.gates.is_busy() && !words.nosave {
        return Err(cx.server.busy());
    }
    if words.save && !words.force && !cx.server.log.is_on() {
        tracing::warn!(
            "SHUTDOWN SAVE: there is no append only file, and snapshots are not written yet."
        );
        return Err(Error::ShutdownFailed);
    }
    tracing::warn!("User requested shutdown...");
    cx.client.set(State::CLOSE_AFTER_REPLY, true);
    cx.server.shutdown.requested.notify_one();
    Ok(Outcome::Done)
}

fn shutdown_words(args: &Args<'_>) -> Result<ShutdownWords> {
    let mut words = ShutdownWords::default();
    for index in 1..args.len() {
        if args.is(index, "NOSAVE") {
            words.nosave = true;
        } else if args.is(index, "SAVE") {
            words.save = true;
        } else if args.is(index, "FORCE") {
            words.force = true;
        } else if args.is(index, "ABORT") {
            words.abort = true;
        } else if !args.is(index, "NOW") {
            return Err(Error::Syntax);
        }
    }
    if words.save && words.nosave || words.abort && args.len() > 2 {
        return Err(Error::Syntax);
    }
    Ok(words)
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
