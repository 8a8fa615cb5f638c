//! A value as it stands in a snapshot: `DUMP`.

use bytes::Bytes;
use storage::rdb::encode;

use super::GENERIC;
use crate::command::{Args, Command, Ctx, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const DUMP: Command = Spec {
    name: "DUMP",
    usage: "key",
    summary: "Returns a serialized representation of the value stored at a key.",
    since: "2.6.0",
    complexity: "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects \
        composing the value and M their average size. For small string values the time complexity is thus \
        O(1)+O(1*M) where M is small, so simply O(1).",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    ..GENERIC
}
.run(dump);
fn dump(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let compression = cx.server.settings.compression();
    let Some(entry) = cx.db.read(args.key(1)?) else {
        return cx.reply.nil();
    };
    let payload = encode::dump(entry, compression);
    cx.reply.encoder().bulk_shared(Bytes::from(payload));
    Ok(Outcome::Done)
}
