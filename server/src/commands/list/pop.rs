//! Taking elements off the ends.

use storage::value::List;
use storage::value::list::End;

use super::{LIST, end, index, pop_event};
use crate::command::reply::write_item;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

const POP: Spec = Spec {
    usage: "key [count:integer@6.2.0]",
    since: "1.0.0",
    complexity: "O(N) where N is the number of elements returned",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | DELETE))],
    history: &[("6.2.0", "Added the `count` argument.")],
    ..LIST
};

pub(super) const LPOP: Command = Spec {
    name: "LPOP",
    summary: "Returns the first elements in a list after removing it. Deletes the list if the last \
        element was popped.",
    ..POP
}
.run(lpop);
fn lpop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    pop(cx, args, End::Head)
}

pub(super) const RPOP: Command = Spec {
    name: "RPOP",
    summary: "Returns and removes the last elements of a list. Deletes the list if the last element \
        was popped.",
    ..POP
}
.run(rpop);
fn rpop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    pop(cx, args, End::Tail)
}

fn pop(cx: &mut Ctx<'_>, args: &Args<'_>, end: End) -> Result {
    let key = args.key(1)?;
    match args.len() {
        2 => {
            if !pop_one(cx, key, end)? {
                return cx.reply.nil();
            }
        }
        3 => {
            let count = args.non_negative(2)? as usize;
            if pop_many(cx, key, end, count)?.is_none() {
                cx.reply.encoder().nil_array();
            }
        }
        _ => return Err(Error::WrongArity(cx.command_name().to_owned())),
    }
    Ok(Outcome::Done)
}

/// Writes and removes the element at one end; nothing if there is no list.
pub(super) fn pop_one(cx: &mut Ctx<'_>, key: &[u8], end: End) -> Result<bool> {
    let limits = cx.limits();
    let Some(mut edit) = cx.db.edit_as::<List>(key, pop_event(end))? else {
        return Ok(false);
    };
    let out = cx.reply.encoder();
    edit.with(index(end), |item| write_item(out, item));
    edit.change().pop(end, 1, &limits);
    Ok(true)
}

/// Writes an array of up to `count` elements from one end on and removes them; tells how many, unless there
/// is no list.
pub(super) fn pop_many(
    cx: &mut Ctx<'_>,
    key: &[u8],
    end: End,
    count: usize,
) -> Result<Option<usize>> {
    let limits = cx.limits();
    let Some(mut edit) = cx.db.edit_as::<List>(key, pop_event(end))? else {
        return Ok(None);
    };
    let len = edit.len();
    let count = count.min(len);
    let out = cx.reply.array(count);
    let (from, towards) = match end {
        End::Head => (0, End::Tail),
        End::Tail => (len - 1, End::Head),
    };
    edit.walk(from, towards, count, |item| {
        write_item(out, item);
        true
    });
    if count > 0 {
        edit.change().pop(end, count, &limits);
        edit.count(count);
    }
    Ok(Some(count))
}

pub(super) const LMPOP: Command = Spec {
    name: "LMPOP",
    usage: "numkeys:integer key... where(LEFT|RIGHT) [COUNT count:integer]",
    summary: "Returns multiple elements from a list after removing them. Deletes the list if the last \
        element was popped.",
    since: "7.0.0",
    complexity: "O(N+M) where N is the number of provided keys and M is the number of elements \
        returned.",
    flags: flags!(WRITE),
    keys: &[Keys::counted(1, key_flags!(RW | ACCESS | DELETE))],
    ..LIST
}
.run(lmpop);
fn lmpop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let pop = PopFromFirst::parse(args, 1)?;
    if !pop.run(cx)? {
        cx.reply.encoder().nil_array();
    }
    Ok(Outcome::Done)
}

/// `numkeys key [key ...] LEFT|RIGHT [COUNT count]`
pub(super) struct PopFromFirst<'a> {
    pub(super) keys: Args<'a>,
    end: End,
    count: usize,
}

impl<'a> PopFromFirst<'a> {
    /// Reads the words from index `at` on.
    pub(super) fn parse(args: &Args<'a>, at: usize) -> Result<PopFromFirst<'a>> {
        let numkeys = positive(args, at).ok_or(Error::NumkeysNotPositive)?;
        let after = numkeys.checked_add(at + 1).ok_or(Error::Syntax)?;
        let end = end(args, after)?;
        let options = args.from(after + 1);
        let count = match options.len() {
            0 => 1,
            2.. if options.is(0, "COUNT") => {
                positive(&options, 1).ok_or(Error::CountNotPositive)?
            }
            _ => return Err(Error::Syntax),
        };
        if options.len() > 2 {
            return Err(Error::Syntax);
        }
        let keys = args.from(at + 1).first(numkeys);
        Ok(PopFromFirst { keys, end, count })
    }

    /// Replies with the first key that holds a list, and what it pops there; nothing if there is none.
    pub(super) fn run(&self, cx: &mut Ctx<'_>) -> Result<bool> {
        for key in self.keys.iter() {
            if cx.db.peek_as::<List>(key)?.is_none() {
                continue;
            }
            cx.reply.array(2).bulk(key);
            if let Some(count) = pop_many(cx, key, self.end, self.count)?
                && cx.is_logged()
            {
                let count = count.to_string();
                cx.effects
                    .replace([pop_word(self.end), key, count.as_bytes()]);
            }
            return Ok(true);
        }
        Ok(false)
    }
}

/// The command that pops at that end, as the log has it.
pub(super) fn pop_word(end: End) -> &'static [u8] {
    match end {
        End::Head => b"LPOP",
        End::Tail => b"RPOP",
    }
}

fn positive(args: &Args<'_>, index: usize) -> Option<usize> {
    let number = args.integer(index).ok().filter(|number| *number > 0)?;
    usize::try_from(number).ok()
}
