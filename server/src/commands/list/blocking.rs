//! Popping and moving that waits until there is an element.
//!
//! A waiting command is carried out again when one of its keys changes, so each of these is the command
//! that does not wait, with the wait for its end. The log has the command that does not wait.

use storage::value::List;
use storage::value::list::End;

use super::pop::{PopFromFirst, pop_one, pop_word};
use super::relocate::{KEYS, relocate};
use super::{LIST, end};
use crate::command::{Args, Command, Ctx, Nothing, Outcome, Result, Stir, Wanted, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

/// A list, for which nothing is answered as no array.
const WANTED: Wanted = Wanted {
    type_name: "list",
    stir: Stir::WithKey,
    timeout: Nothing::NilArray,
};

const POP: Spec = Spec {
    usage: "key... timeout:double",
    since: "2.0.0",
    complexity: "O(N) where N is the number of provided keys.",
    flags: flags!(WRITE | BLOCKING),
    keys: &[Keys::range(1, -2, 1, key_flags!(RW | ACCESS | DELETE))],
    history: &[(
        "6.0.0",
        "`timeout` is interpreted as a double instead of an integer.",
    )],
    ..LIST
};

pub(super) const BLPOP: Command = Spec {
    name: "BLPOP",
    summary: "Removes and returns the first element in a list. Blocks until an element is available \
        otherwise. Deletes the list if the last element was popped.",
    ..POP
}
.run(blpop);
fn blpop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    pop(cx, args, End::Head)
}

pub(super) const BRPOP: Command = Spec {
    name: "BRPOP",
    summary: "Removes and returns the last element in a list. Blocks until an element is available \
        otherwise. Deletes the list if the last element was popped.",
    ..POP
}
.run(brpop);
fn brpop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    pop(cx, args, End::Tail)
}

fn pop(cx: &mut Ctx<'_>, args: &Args<'_>, end: End) -> Result {
    let last = args.len() - 1;
    let deadline_ms = args.deadline_of_seconds(last, cx.now_ms())?;
    let keys = args.from(1).first(last - 1);
    for key in keys.iter() {
        if cx.db.peek_as::<List>(key)?.is_none() {
            continue;
        }
        cx.reply.array(2).bulk(key);
        pop_one(cx, key, end)?;
        if cx.is_logged() {
            cx.effects.replace([pop_word(end), key]);
        }
        return Ok(Outcome::Done);
    }
    cx.wait_for_keys(WANTED, keys.iter(), deadline_ms)
}

pub(super) const BLMPOP: Command = Spec {
    name: "BLMPOP",
    usage: "timeout:double numkeys:integer key... where(LEFT|RIGHT) [COUNT count:integer]",
    summary: "Pops the first element from one of multiple lists. Blocks until an element is available \
        otherwise. Deletes the list if the last element was popped.",
    since: "7.0.0",
    complexity: "O(N+M) where N is the number of provided keys and M is the number of elements \
        returned.",
    flags: flags!(WRITE | BLOCKING),
    keys: &[Keys::counted(2, key_flags!(RW | ACCESS | DELETE))],
    ..LIST
}
.run(blmpop);
fn blmpop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let pop = PopFromFirst::parse(args, 2)?;
    let deadline_ms = args.deadline_of_seconds(1, cx.now_ms())?;
    if pop.run(cx)? {
        return Ok(Outcome::Done);
    }
    cx.wait_for_keys(WANTED, pop.keys.iter(), deadline_ms)
}

const MOVE: Spec = Spec {
    flags: flags!(WRITE | DENYOOM | BLOCKING),
    keys: KEYS,
    ..LIST
};

pub(super) const BLMOVE: Command = Spec {
    name: "BLMOVE",
    usage: "source:key destination:key#1 wherefrom(LEFT|RIGHT) whereto(LEFT|RIGHT) timeout:double",
    summary: "Pops an element from a list, pushes it to another list and returns it. Blocks until an \
        element is available otherwise. Deletes the list if the last element was moved.",
    since: "6.2.0",
    ..MOVE
}
.run(blmove);
fn blmove(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let ends = [end(args, 3)?, end(args, 4)?];
    relocate_or_wait(cx, args, b"LMOVE", ends)
}

pub(super) const BRPOPLPUSH: Command = Spec {
    name: "BRPOPLPUSH",
    usage: "source:key destination:key#1 timeout:double",
    summary: "Pops an element from a list, pushes it to another list and returns it. Block until an \
        element is available otherwise. Deletes the list if the last element was popped.",
    since: "2.2.0",
    history: &[(
        "6.0.0",
        "`timeout` is interpreted as a double instead of an integer.",
    )],
    deprecated: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
    ..MOVE
}
.run(brpoplpush);
fn brpoplpush(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    relocate_or_wait(cx, args, b"RPOPLPUSH", [End::Tail, End::Head])
}

/// The command `word` with the same arguments but the last, which is how long to wait.
fn relocate_or_wait(cx: &mut Ctx<'_>, args: &Args<'_>, word: &[u8], ends: [End; 2]) -> Result {
    let last = args.len() - 1;
    let deadline_ms = args.deadline_of_seconds(last, cx.now_ms())?;
    let (source, destination) = (args.key(1)?, args.key(2)?);
    if cx.db.peek_as::<List>(source)?.is_none() {
        // Where nothing may wait Redis answers as LMOVE does; when the time is over, as BLPOP does.
        if cx.is_in_exec {
            Nothing::Nil.write(&mut cx.reply);
            return Ok(Outcome::Done);
        }
        return cx.wait_for_keys(WANTED, std::iter::once(source), deadline_ms);
    }
    let outcome = relocate(cx, source, destination, ends)?;
    if cx.is_logged() {
        let arguments = args.from(1).first(last - 1);
        cx.effects
            .replace(std::iter::once(word).chain(arguments.iter()));
    }
    Ok(outcome)
}
