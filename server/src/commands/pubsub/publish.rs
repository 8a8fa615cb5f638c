//! `PUBLISH` and `SPUBLISH`. Nothing of it is logged: a message is for who listens now.

use super::BASE;
use crate::command::{Args, Command, Ctx, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub const PUBLISH: Command = Spec {
    name: "PUBLISH",
    usage: "channel message",
    summary: "Posts a message to a channel.",
    since: "2.0.0",
    complexity: "O(N+M) where N is the number of clients subscribed to the receiving channel and \
        M is the total number of subscribed patterns (by any client).",
    flags: flags!(PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE),
    ..BASE
}
.run(publish);
fn publish(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let receivers = cx.server.publish(args.word(1)?, args.word(2)?);
    cx.reply.count(receivers)
}

pub const SPUBLISH: Command = Spec {
    name: "SPUBLISH",
    usage: "shardchannel message",
    summary: "Post a message to a shard channel",
    since: "7.0.0",
    complexity: "O(N) where N is the number of clients subscribed to the receiving shard channel.",
    flags: flags!(PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE),
    keys: &[Keys::at(1, key_flags!(NOT_KEY))],
    ..BASE
}
.run(spublish);
fn spublish(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let receivers = cx.server.publish_to_shard(args.word(1)?, args.word(2)?);
    cx.reply.count(receivers)
}
