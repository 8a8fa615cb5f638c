//! Waiting until writes are safe elsewhere: `WAIT`, `WAITAOF`.
//!
//! There are no replicas, so whoever waits for one waits until the time is over.

use super::GENERIC;
use crate::command::{Args, Block, Command, Condition, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Spec, acl, flags};

pub(super) const WAIT: Command = Spec {
    name: "WAIT",
    usage: "numreplicas:integer timeout:integer",
    summary: "Blocks until the asynchronous replication of all preceding write commands sent by \
        the connection is completed.",
    since: "3.0.0",
    flags: flags!(BLOCKING),
    acl: acl!(CONNECTION),
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    ..GENERIC
}
.run(wait);
fn wait(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let replicas = args.integer(1)?;
    let deadline_ms = args.deadline_of_millis(2, cx.now_ms())?;
    if replicas <= 0 || cx.is_in_exec {
        return cx.reply.integer(0);
    }
    Ok(Outcome::Block(Block {
        deadline_ms,
        condition: Condition::Replicas,
    }))
}

pub(super) const WAITAOF: Command = Spec {
    name: "WAITAOF",
    usage: "numlocal:integer numreplicas:integer timeout:integer",
    summary: "Blocks until all of the preceding write commands sent by the connection are \
        written to the append-only file of the master and/or replicas.",
    since: "7.2.0",
    flags: flags!(BLOCKING),
    acl: acl!(CONNECTION),
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    ..GENERIC
}
.run(waitaof);
fn waitaof(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let local = args.ranged(1, 0, 1)?;
    let replicas = args.non_negative(2)?;
    let deadline_ms = args.deadline_of_millis(3, cx.now_ms())?;
    if local > 0 && !cx.server.log.is_on() {
        return Err(Error::NoLogToWaitFor);
    }
    let offset = cx.local.basis.seen;
    let is_durable = cx.server.log.is_durable(offset);
    if cx.is_in_exec || (replicas == 0 && (local == 0 || is_durable)) {
        let out = cx.reply.array(2);
        out.integer(i64::from(is_durable));
        out.integer(0);
        return Ok(Outcome::Done);
    }
    let condition = if replicas > 0 {
        Condition::DurableOnReplicas(offset)
    } else {
        Condition::Durable(offset)
    };
    Ok(Outcome::Block(Block {
        deadline_ms,
        condition,
    }))
}
