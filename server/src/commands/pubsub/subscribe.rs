//! `SUBSCRIBE`, `UNSUBSCRIBE` and the same of patterns and of shards.

use super::BASE;
use crate::clients::Topic;
use crate::command::{Args, Command, Ctx, Outcome, Result};
use crate::spec::{Flags, Keys, Spec, flags, key_flags};

const SUBSCRIBER: Flags = flags!(PUBSUB | NOSCRIPT | LOADING | STALE | PUSHES);

pub const SUBSCRIBE: Command = Spec {
    name: "SUBSCRIBE",
    usage: "channel...",
    summary: "Listens for messages published to channels.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of channels to subscribe to.",
    flags: SUBSCRIBER,
    ..BASE
}
.run(subscribe);
fn subscribe(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    join(cx, args, Topic::Channel, b"subscribe")
}

pub const PSUBSCRIBE: Command = Spec {
    name: "PSUBSCRIBE",
    usage: "pattern:pattern...",
    summary: "Listens for messages published to channels that match one or more patterns.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of patterns to subscribe to.",
    flags: SUBSCRIBER,
    ..BASE
}
.run(psubscribe);
fn psubscribe(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    join(cx, args, Topic::Pattern, b"psubscribe")
}

pub const SSUBSCRIBE: Command = Spec {
    name: "SSUBSCRIBE",
    usage: "shardchannel...",
    summary: "Listens for messages published to shard channels.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of shard channels to subscribe to.",
    flags: SUBSCRIBER,
    keys: &[Keys::rest(1, 1, key_flags!(NOT_KEY))],
    ..BASE
}
.run(ssubscribe);
fn ssubscribe(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    join(cx, args, Topic::Shard, b"ssubscribe")
}

pub const UNSUBSCRIBE: Command = Spec {
    name: "UNSUBSCRIBE",
    usage: "[channel...]",
    summary: "Stops listening to messages posted to channels.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of channels to unsubscribe.",
    flags: SUBSCRIBER,
    ..BASE
}
.run(unsubscribe);
fn unsubscribe(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    part(cx, args, Topic::Channel, b"unsubscribe")
}

pub const PUNSUBSCRIBE: Command = Spec {
    name: "PUNSUBSCRIBE",
    usage: "[pattern:pattern...]",
    summary: "Stops listening to messages published to channels that match one or more patterns.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of patterns to unsubscribe.",
    flags: SUBSCRIBER,
    ..BASE
}
.run(punsubscribe);
fn punsubscribe(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    part(cx, args, Topic::Pattern, b"punsubscribe")
}

pub const SUNSUBSCRIBE: Command = Spec {
    name: "SUNSUBSCRIBE",
    usage: "[shardchannel...]",
    summary: "Stops listening to messages posted to shard channels.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of shard channels to unsubscribe.",
    flags: SUBSCRIBER,
    keys: &[Keys::rest(1, 1, key_flags!(NOT_KEY))],
    ..BASE
}
.run(sunsubscribe);
fn sunsubscribe(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    part(cx, args, Topic::Shard, b"sunsubscribe")
}

/// Subscribes to all that is named; each is confirmed by itself.
fn join(cx: &mut Ctx<'_>, args: &Args<'_>, topic: Topic, word: &[u8]) -> Result {
    for name in args.from(1).iter() {
        cx.server.pubsub.subscribe(cx.client, topic, name);
        confirm(cx, topic, word, Some(name));
    }
    Ok(Outcome::Done)
}

/// Ends what is named, or everything of that kind; each is confirmed by itself, also what there was not.
fn part(cx: &mut Ctx<'_>, args: &Args<'_>, topic: Topic, word: &[u8]) -> Result {
    if args.len() > 1 {
        let names = args.from(1);
        names.iter().for_each(|name| leave(cx, topic, word, name));
        return Ok(Outcome::Done);
    }
    let names = cx.client.subscriptions().names(topic);
    if names.is_empty() {
        confirm(cx, topic, word, None);
    }
    names.iter().for_each(|name| leave(cx, topic, word, name));
    Ok(Outcome::Done)
}

fn leave(cx: &mut Ctx<'_>, topic: Topic, word: &[u8], name: &[u8]) {
    cx.server.pubsub.unsubscribe(cx.client, topic, name);
    // After the confirmation nobody expects a message any more. In a transaction there is no place for
    // one among the replies.
    if !cx.is_in_exec
        && let Some(mail) = cx.client.take_mail()
    {
        cx.reply.lead_with(&mail);
    }
    confirm(cx, topic, word, Some(name));
}

fn confirm(cx: &mut Ctx<'_>, topic: Topic, word: &[u8], name: Option<&[u8]>) {
    let count = cx.client.subscriptions().count_with(topic);
    let out = cx.reply.encoder();
    out.push(3);
    out.bulk(word);
    match name {
        Some(name) => out.bulk(name),
        None => out.nil(),
    }
    out.integer(i64::try_from(count).unwrap_or(i64::MAX));
}
