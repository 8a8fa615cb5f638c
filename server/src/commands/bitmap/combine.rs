//! Several strings, bit by bit.

use storage::db::{Event, Expiry, NewTags};
use storage::value::{Str, Value, bits};

use super::BITMAP;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const BITOP: Command = Spec {
    name: "BITOP",
    usage: "operation(AND|OR|XOR|NOT) destkey:key key:key#1...",
    summary: "Performs bitwise operations on multiple strings, and stores the result.",
    since: "2.6.0",
    complexity: "O(N)",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(2, key_flags!(OW | UPDATE)),
        Keys::rest(3, 1, key_flags!(RO | ACCESS)),
    ],
    ..BITMAP
}
.run(bitop);
fn bitop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let operation = Operation::named(args.word(1)?).ok_or(Error::Syntax)?;
    let (destination, keys) = (args.key(2)?, args.from(3));
    if operation == Operation::Not && keys.len() != 1 {
        return Err(Error::BitopNot);
    }
    let mut result = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        // A key that is not there is an empty string.
        let value = cx.db.string(key)?.unwrap_or(Str::Bytes(b""));
        if index == 0 {
            result = value.to_vec();
        } else if let Operation::Of(operation) = operation {
            value.with_bytes(|bytes| bits::combine(operation, &mut result, bytes));
        }
    }
    if operation == Operation::Not {
        bits::invert(&mut result);
    }
    store(cx, destination, result)
}

/// What is done with the bits of the sources.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Of(bits::Operation),
    Not,
}

impl Operation {
    fn named(name: &[u8]) -> Option<Operation> {
        const NAMES: [(&str, Operation); 4] = [
            ("AND", Operation::Of(bits::Operation::And)),
            ("OR", Operation::Of(bits::Operation::Or)),
            ("XOR", Operation::Of(bits::Operation::Xor)),
            ("NOT", Operation::Not),
        ];
        let mut names = NAMES.iter();
        names
            .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
            .map(|(_, operation)| *operation)
    }
}

/// Puts the result in its place; an empty one leaves no key there.
fn store(cx: &mut Ctx<'_>, key: &[u8], result: Vec<u8>) -> Result {
    let len = result.len();
    if len == 0 {
        cx.db.remove(key, Event::DEL);
    } else {
        let (value, event) = (Value::Buffer(result), Event::string("set"));
        cx.db.put(key, value, Expiry::Clear, NewTags::Clear, event);
    }
    cx.reply.count(len)
}
