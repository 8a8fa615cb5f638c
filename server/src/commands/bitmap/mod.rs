//! The commands that take strings for rows of bits.

mod bit;
mod combine;
mod count;
mod field;

use storage::db::{Event, Expiry, NewTags};
use storage::value::{Value, bits};

use crate::command::{Command, Ctx, Error, Result};
use crate::config::options;
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    count::BITCOUNT,
    field::BITFIELD,
    field::BITFIELD_RO,
    combine::BITOP,
    count::BITPOS,
    bit::GETBIT,
    bit::SETBIT,
];

const BITMAP: Spec = Spec {
    group: Group::Bitmap,
    acl: acl!(BITMAP),
    ..Spec::EMPTY
};

/// Where a bit is; behind `#`, if fields of so many bits are counted, in such fields.
///
/// # Errors
/// [`Error::BitOffset`] if it is no number, or the byte it is in is beyond `proto-max-bulk-len`. What stands
/// in the log was allowed once, so only memory is its limit.
fn offset(cx: &Ctx<'_>, word: &[u8], field_bits: Option<u32>) -> Result<u64> {
    let (digits, unit) = match (word.strip_prefix(b"#"), field_bits) {
        (Some(digits), Some(bits)) => (digits, i64::from(bits)),
        _ => (word, 1),
    };
    let number = protocol::number::parse_i64(digits).ok_or(Error::BitOffset)?;
    // Redis multiplies without a look at the result, and what has turned round may be an offset again.
    let number = u64::try_from(number.wrapping_mul(unit)).map_err(|_| Error::BitOffset)?;
    let limit = cx.server.settings.config.get(options::PROTO_MAX_BULK_LEN);
    if number / 8 >= limit && !cx.is_replay() {
        return Err(Error::BitOffset);
    }
    Ok(number)
}

/// What a change leaves to say about it.
struct Changed<T> {
    /// How often something in the string has become another.
    count: usize,
    /// What the command answers.
    reply: T,
}

/// Lets `change` loose on the string of a key that reaches at least to `last_bit`.
///
/// As in Redis the string is `raw` afterwards, whatever it was, and reaches that far, whether or not
/// `change` has changed it. `change` is told whether the string had to be made or made longer. Redis
/// does not count that if nothing else has changed (`BITFIELD` with an overflow that fails), and loses it with the
/// next restart; here it is a change.
fn change<T>(
    cx: &mut Ctx<'_>,
    key: &[u8],
    last_bit: u64,
    change: impl FnOnce(&mut [u8], bool) -> Changed<T>,
) -> Result<T> {
    let len = bits::bytes_for(last_bit).ok_or(Error::BitOffset)?;
    let event = Event::string("setbit");
    if let Some(mut edit) = cx.db.edit_string(key, event)? {
        let bytes = edit.buffer();
        let is_longer = bytes.len() < len;
        if is_longer {
            bytes.resize(len, 0);
        }
        let done = change(bytes, is_longer);
        edit.count(done.count.max(usize::from(is_longer)));
        return Ok(done.reply);
    }
    let mut bytes = vec![0; len];
    let done = change(&mut bytes, true);
    let value = Value::Buffer(bytes);
    cx.db.put(key, value, Expiry::Clear, NewTags::Clear, event);
    cx.db.changes.dirty += done.count.saturating_sub(1) as u64;
    Ok(done.reply)
}
