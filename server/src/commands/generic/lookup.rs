//! Whether keys are there and what they are: `EXISTS`, `TOUCH`, `TYPE`.

use storage::db::Touch;
use storage::entry::Entry;

use super::GENERIC;
use crate::command::{Args, Command, Ctx, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const EXISTS: Command = Spec {
    name: "EXISTS",
    usage: "key...",
    summary: "Determines whether one or more keys exist.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys to check.",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::rest(1, 1, key_flags!(RO))],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    history: &[("3.0.3", "Accepts multiple `key` arguments.")],
    ..GENERIC
}
.run(exists);
fn exists(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let count = args
        .from(1)
        .iter()
        .filter(|key| cx.db.inspect(key).is_some())
        .count();
    cx.reply.count(count)
}

pub(super) const TOUCH: Command = Spec {
    name: "TOUCH",
    usage: "key...",
    summary: "Returns the number of existing keys out of those specified after updating the time \
        they were last accessed.",
    since: "3.2.1",
    complexity: "O(N) where N is the number of keys that will be touched.",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::rest(1, 1, key_flags!(RO))],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..GENERIC
}
.run(touch);
fn touch(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    // The one reader that CLIENT NO-TOUCH does not quiet.
    let habit = std::mem::replace(&mut cx.db.moment.touch, Touch::Yes);
    let count = args
        .from(1)
        .iter()
        .filter(|key| cx.db.read(key).is_some())
        .count();
    cx.db.moment.touch = habit;
    cx.reply.count(count)
}

pub(super) const TYPE: Command = Spec {
    name: "TYPE",
    usage: "key",
    summary: "Determines the type of value stored at a key.",
    since: "1.0.0",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO))],
    ..GENERIC
}
.run(key_type);
fn key_type(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let name = cx.db.inspect(args.key(1)?).map_or("none", Entry::type_name);
    cx.reply.simple(name)
}
