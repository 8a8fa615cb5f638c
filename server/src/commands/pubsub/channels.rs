//! `PUBSUB`: who listens.

use super::BASE;
use crate::clients::Topic;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result};
use crate::spec::{Spec, flags};

pub const PUBSUB: Command = Spec {
    name: "PUBSUB",
    usage: "arity -2;",
    summary: "A container for Pub/Sub commands.",
    since: "2.8.0",
    complexity: "Depends on subcommand.",
    ..BASE
}
.container(&[CHANNELS, HELP, NUMPAT, NUMSUB, SHARDCHANNELS, SHARDNUMSUB]);

const CHANNELS: Command = Spec {
    name: "CHANNELS",
    usage: "[pattern:pattern]",
    summary: "Returns the active channels.",
    since: "2.8.0",
    complexity: "O(N) where N is the number of active channels, and assuming constant time \
        pattern matching (relatively short channels and patterns)",
    flags: flags!(PUBSUB | LOADING | STALE),
    ..BASE
}
.run(channels);
fn channels(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    list(cx, args, Topic::Channel)
}

const SHARDCHANNELS: Command = Spec {
    name: "SHARDCHANNELS",
    usage: "[pattern:pattern]",
    summary: "Returns the active shard channels.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of active shard channels, and assuming constant time \
        pattern matching (relatively short shard channels).",
    flags: flags!(PUBSUB | LOADING | STALE),
    ..BASE
}
.run(shardchannels);
fn shardchannels(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    list(cx, args, Topic::Shard)
}

fn list(cx: &mut Ctx<'_>, args: &Args<'_>, topic: Topic) -> Result {
    if args.len() > 3 {
        return Err(Error::subcommand_syntax(args, "PUBSUB"));
    }
    let names = cx.server.pubsub.channels(topic).names(args.get(2));
    let out = cx.reply.array(names.len());
    names.iter().for_each(|name| out.bulk(name));
    Ok(Outcome::Done)
}

const NUMSUB: Command = Spec {
    name: "NUMSUB",
    usage: "[channel...]",
    summary: "Returns a count of subscribers to channels.",
    since: "2.8.0",
    complexity: "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    flags: flags!(PUBSUB | LOADING | STALE),
    ..BASE
}
.run(numsub);
fn numsub(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    count(cx, args, Topic::Channel)
}

const SHARDNUMSUB: Command = Spec {
    name: "SHARDNUMSUB",
    usage: "[shardchannel...]",
    summary: "Returns the count of subscribers of shard channels.",
    since: "7.0.0",
    complexity: "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
    flags: flags!(PUBSUB | LOADING | STALE),
    ..BASE
}
.run(shardnumsub);
fn shardnumsub(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    count(cx, args, Topic::Shard)
}

/// Names and counts by turns.
fn count(cx: &mut Ctx<'_>, args: &Args<'_>, topic: Topic) -> Result {
    let channels = cx.server.pubsub.channels(topic);
    let names = args.from(2);
    let out = cx.reply.array(2 * names.len());
    for name in names.iter() {
        out.bulk(name);
        out.integer(i64::try_from(channels.subscriber_count(name)).unwrap_or(i64::MAX));
    }
    Ok(Outcome::Done)
}

const NUMPAT: Command = Spec {
    name: "NUMPAT",
    summary: "Returns a count of unique pattern subscriptions.",
    since: "2.8.0",
    flags: flags!(PUBSUB | LOADING | STALE),
    ..BASE
}
.run(numpat);
fn numpat(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.count(cx.server.pubsub.pattern_count())
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "6.2.0",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);
fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help("PUBSUB", HELP_LINES)
}

const HELP_LINES: &[&str] = &[
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, excluding",
    "    pattern subscriptions(default: no channels).",
    "SHARDCHANNELS [<pattern>]",
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers for the specified shard level channel(s)",
];
