//! Keys that go: `DEL`, `UNLINK`.

use storage::db::Event;

use super::GENERIC;
use crate::command::{Args, Command, Ctx, Result};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const DEL: Command = Spec {
    name: "DEL",
    usage: "key...",
    summary: "Deletes one or more keys.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys that will be removed. When a key to remove \
        holds a value other than a string, the individual complexity for this key is O(M) where \
        M is the number of elements in the list, set, sorted set or hash. Removing a single key \
        that holds a string value is O(1).",
    flags: flags!(WRITE),
    keys: &[Keys::rest(1, 1, key_flags!(RM | DELETE))],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..GENERIC
}
.run(del);
fn del(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let count = args
        .from(1)
        .iter()
        .filter(|key| cx.db.remove(key, Event::DEL))
        .count();
    cx.reply.count(count)
}

// What is large is freed after unlocking whichever of the two removes it.
pub(super) const UNLINK: Command = Spec {
    name: "UNLINK",
    usage: "key...",
    summary: "Asynchronously deletes one or more keys.",
    since: "4.0.0",
    complexity: "O(1) for each key removed regardless of its size. Then the command does O(N) \
        work in a different thread in order to reclaim memory, where N is the number of \
        allocations the deleted objects where composed of.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::rest(1, 1, key_flags!(RM | DELETE))],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..GENERIC
}
.run(unlink);
fn unlink(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    del(cx, args)
}
