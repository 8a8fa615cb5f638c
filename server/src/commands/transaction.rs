//! `MULTI`, `EXEC`, `DISCARD`, `WATCH`, `UNWATCH`.
//!
//! The executor queues and executes; here stand the declarations and what they answer.

use std::sync::atomic::Ordering;

use crate::clients::State;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result};
use crate::spec::{Group, Keys, Spec, acl, flags, key_flags};
use crate::transaction::Queue;

/// The family.
pub const COMMANDS: &[Command] = &[DISCARD, EXEC, MULTI, UNWATCH, WATCH];

const TRANSACTION: Spec = Spec {
    group: Group::Transactions,
    acl: acl!(TRANSACTION),
    ..Spec::EMPTY
};

const DISCARD: Command = Spec {
    name: "DISCARD",
    summary: "Discards a transaction.",
    since: "2.0.0",
    complexity: "O(N), when N is the number of queued commands",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY),
    ..TRANSACTION
}
.run(discard);

const EXEC: Command = Spec {
    name: "EXEC",
    summary: "Executes all commands in a transaction.",
    since: "1.2.0",
    complexity: "Depends on commands in the transaction",
    flags: flags!(NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG),
    ..TRANSACTION
}
.run(exec);

const MULTI: Command = Spec {
    name: "MULTI",
    summary: "Starts a transaction.",
    since: "1.2.0",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY),
    ..TRANSACTION
}
.run(multi);

const UNWATCH: Command = Spec {
    name: "UNWATCH",
    summary: "Forgets about watched keys of a transaction.",
    since: "2.2.0",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY),
    ..TRANSACTION
}
.run(unwatch);

const WATCH: Command = Spec {
    name: "WATCH",
    usage: "key...",
    summary: "Monitors changes to keys to determine the execution of a transaction.",
    since: "2.2.0",
    complexity: "O(1) for every key.",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY),
    keys: &[Keys::rest(1, 1, key_flags!(RO))],
    ..TRANSACTION
}
.run(watch);

fn multi(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    if cx.local.queue.is_some() {
        return Err(Error::NestedMulti);
    }
    cx.local.queue = Some(Queue::new(cx.server.clients.ledger.tally()));
    cx.client.set(State::MULTI, true);
    cx.client.gauges.queued.store(0, Ordering::Relaxed);
    cx.reply.ok()
}

fn exec(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    if cx.local.queue.is_none() {
        return Err(Error::ExecWithoutMulti);
    }
    Ok(Outcome::Execute)
}

fn discard(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    if cx.local.queue.is_none() {
        return Err(Error::DiscardWithoutMulti);
    }
    cx.local.discard(cx.client);
    cx.local.unwatch(cx.client);
    cx.reply.ok()
}

fn watch(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if cx.local.queue.is_some() {
        return Err(Error::WatchInMulti);
    }
    let db = cx.db.index;
    for key in args.from(1).iter() {
        // A key that has changed already will not be less changed.
        if cx.local.watches.is_broken() || cx.local.watches.contains(db, key) {
            continue;
        }
        cx.db.watch(key, &cx.local.watches.flag);
        cx.local.watches.push(db, key);
    }
    let (client, watches) = (cx.client, &cx.local.watches);
    client.show_watch_flag(&watches.flag);
    client
        .gauges
        .watched
        .store(watches.keys.len(), Ordering::Relaxed);
    client
        .gauges
        .watch_bytes
        .store(watches.memory_bytes(), Ordering::Relaxed);
    cx.reply.ok()
}

fn unwatch(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.local.unwatch(cx.client);
    cx.reply.ok()
}
