//! Parts of strings.

use std::ops::Range;

use storage::db::{Event, Expiry, NewTags};
use storage::value::{Str, Value};

use super::{STRING, check_length};
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const APPEND: Command = Spec {
    name: "APPEND",
    usage: "key value",
    summary: "Appends a string to the value of a key. Creates the key if it doesn't exist.",
    since: "2.0.0",
    complexity: "O(1). The amortized time complexity is O(1) assuming the appended value is \
        small and the already present value is of any size, since the dynamic string library \
        used by Redis will double the free space available on every reallocation.",
    flags: flags!(WRITE | DENYOOM | FAST),
    keys: &[Keys::at(1, key_flags!(RW | INSERT))],
    ..STRING
}
.run(append);
fn append(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, tail) = (args.key(1)?, args.word(2)?);
    let event = Event::string("append");
    let Some(old_length) = length(cx, key)? else {
        cx.db.put(
            key,
            Value::encoded(tail),
            Expiry::Clear,
            NewTags::Clear,
            event,
        );
        return cx.reply.count(tail.len());
    };
    check_length(cx, (old_length as u64).checked_add(tail.len() as u64))?;
    if let Some(mut edit) = cx.db.edit_string(key, event)? {
        edit.buffer().extend_from_slice(tail);
    }
    cx.reply.count(old_length + tail.len())
}

/// The length of the string, if there is one.
fn length(cx: &mut Ctx<'_>, key: &[u8]) -> Result<Option<usize>> {
    Ok(cx.db.peek_string(key)?.map(|string| string.len()))
}

pub(super) const SETRANGE: Command = Spec {
    name: "SETRANGE",
    usage: "key offset:integer value",
    summary: "Overwrites a part of a string value with another by an offset. Creates the key if \
        it doesn't exist.",
    since: "2.2.0",
    complexity: "O(1), not counting the time taken to copy the new string in place. Usually, \
        this string is very small so the amortized complexity is O(1). Otherwise, complexity is \
        O(M) with M being the length of the value argument.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    ..STRING
}
.run(setrange);
fn setrange(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, part) = (args.key(1)?, args.word(3)?);
    let offset = u64::try_from(args.integer(2)?).map_err(|_| Error::OffsetOutOfRange)?;
    let old_length = length(cx, key)?;
    if part.is_empty() {
        return cx.reply.count(old_length.unwrap_or(0));
    }
    check_length(cx, offset.checked_add(part.len() as u64))?;
    let start = usize::try_from(offset).map_err(|_| Error::StringTooLong)?;
    let end = start + part.len();
    let event = Event::string("setrange");
    if let Some(mut edit) = cx.db.edit_string(key, event)? {
        write_at(edit.buffer(), start, part);
    } else {
        let mut buffer = Vec::new();
        write_at(&mut buffer, start, part);
        cx.db.put(
            key,
            Value::Buffer(buffer),
            Expiry::Clear,
            NewTags::Clear,
            event,
        );
    }
    cx.reply.count(end.max(old_length.unwrap_or(0)))
}

/// Writes over what is there, behind as many zero bytes as are missing.
fn write_at(buffer: &mut Vec<u8>, start: usize, part: &[u8]) {
    let end = start + part.len();
    if buffer.len() < end {
        buffer.resize(end, 0);
    }
    buffer[start..end].copy_from_slice(part);
}

pub(super) const GETRANGE: Command = Spec {
    name: "GETRANGE",
    usage: "key start:integer end:integer",
    summary: "Returns a substring of the string stored at a key.",
    since: "2.4.0",
    complexity: "O(N) where N is the length of the returned string. The complexity is ultimately \
        determined by the returned length, but because creating a substring from an existing \
        string is very cheap, it can be considered O(1) for small strings.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..STRING
}
.run(getrange);
fn getrange(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (start, end) = (args.integer(2)?, args.integer(3)?);
    let value = cx.db.string(args.key(1)?)?.unwrap_or(Str::Bytes(b""));
    let range = clamp(start, end, value.len());
    cx.reply.part(value, range)
}

pub(super) const SUBSTR: Command = Spec {
    name: "SUBSTR",
    usage: "key start:integer end:integer",
    summary: "Returns a substring from a string value.",
    since: "1.0.0",
    complexity: "O(N) where N is the length of the returned string. The complexity is ultimately \
        determined by the returned length, but because creating a substring from an existing \
        string is very cheap, it can be considered O(1) for small strings.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    deprecated: Some(("2.0.0", "`GETRANGE`")),
    ..STRING
}
.run(substr);
fn substr(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    getrange(cx, args)
}

/// The bytes from `start` to `end`, both included and counted from the end if negative, of a string of
/// that length.
fn clamp(start: i64, end: i64, length: usize) -> Range<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_front = |at: i64| {
        if at < 0 {
            at.saturating_add(length).max(0)
        } else {
            at
        }
    };
    let (start, end) = (from_front(start), from_front(end).min(length - 1));
    if start > end {
        return 0..0;
    }
    start as usize..end as usize + 1
}

#[cfg(test)]
mod tests {
    use super::clamp;

    #[test]
    fn ranges_are_cut_to_the_string() {
        assert_eq!(clamp(0, -1, 5), 0..5);
        assert_eq!(clamp(-3, -2, 5), 2..4);
        assert_eq!(clamp(1, 100, 5), 1..5);
        assert_eq!(clamp(i64::MIN, i64::MAX, 5), 0..5);
        assert_eq!(clamp(i64::MIN, i64::MIN, 5), 0..1);
        for (start, end, length) in [
            (0, -1, 0),
            (3, 2, 5),
            (-1, -2, 5),
            (5, 9, 5),
            (0, -6, 0),
            (i64::MAX, i64::MIN, 5),
        ] {
            assert!(
                clamp(start, end, length).is_empty(),
                "{start} {end} of {length}"
            );
        }
    }
}
