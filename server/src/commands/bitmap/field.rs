//! Integers of any width, at any bit.

use protocol::Encoder;
use smallvec::SmallVec;
use storage::value::Str;
use storage::value::bits::{Kind, Overflow};

use super::{BITMAP, Changed, change, offset};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{KeyFlags, Keys, Spec, flags, key_flags};

pub(super) const BITFIELD: Command = Spec {
    name: "BITFIELD",
    usage: "key [operation(GET get-block(encoding offset:integer) | write(\
        [OVERFLOW overflow-block(WRAP|SAT|FAIL)] \
        write-operation(SET set-block(encoding offset:integer value:integer) | \
        INCRBY incrby-block(encoding offset:integer increment:integer))))...]",
    summary: "Performs arbitrary bitfield integer operations on strings.",
    since: "3.2.0",
    complexity: "O(1) for each subcommand specified",
    flags: flags!(WRITE | DENYOOM),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE))
        .noted("This command allows both access and modification of the key")
        .varying(key_flags_of)],
    ..BITMAP
}
.run(bitfield);
fn bitfield(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let steps = parse(cx, args)?;
    let Some(last_bit) = steps.iter().filter_map(Step::last_written).max() else {
        return read(cx, args.key(1)?, &steps);
    };
    let results = change(cx, args.key(1)?, last_bit, |bytes, is_longer| {
        let results = steps.iter().map(|step| step.run(bytes));
        let results: SmallVec<[Done; 4]> = results.collect();
        let count = steps.iter().zip(&results).filter(|(step, done)| {
            // Redis counts whatever was written into what had to be made longer.
            done.is_changed || is_longer && step.is_write() && done.reply.is_some()
        });
        Changed {
            count: count.count(),
            reply: results,
        }
    })?;
    let out = cx.reply.array(results.len());
    results.iter().for_each(|done| write(out, done.reply));
    Ok(Outcome::Done)
}

pub(super) const BITFIELD_RO: Command = Spec {
    name: "BITFIELD_RO",
    usage: "key [GET get-block(encoding offset:integer)]...",
    summary: "Performs arbitrary read-only bitfield integer operations on strings.",
    since: "6.0.0",
    complexity: "O(1) for each subcommand specified",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..BITMAP
}
.run(bitfield_ro);
fn bitfield_ro(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let steps = parse(cx, args)?;
    if steps.iter().any(Step::is_write) {
        return Err(Error::BitfieldReadOnly);
    }
    read(cx, args.key(1)?, &steps)
}

/// Answers steps that only read.
fn read(cx: &mut Ctx<'_>, key: &[u8], steps: &[Step]) -> Result {
    let value = cx.db.string(key)?.unwrap_or(Str::Bytes(b""));
    let out = cx.reply.array(steps.len());
    value.with_bytes(|bytes| {
        let numbers = steps.iter().map(|step| step.kind.get(bytes, step.at));
        numbers.for_each(|number| write(out, Some(number)));
    });
    Ok(Outcome::Done)
}

fn write(out: &mut Encoder<'_>, number: Option<i64>) {
    match number {
        Some(number) => out.integer(number),
        None => out.nil(),
    }
}

/// One operation of a request.
struct Step {
    action: Action,
    kind: Kind,
    at: u64,
}

/// What is done with a field.
#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

/// What has become of a field.
struct Done {
    reply: Option<i64>,
    is_changed: bool,
}

impl Step {
    fn is_write(&self) -> bool {
        !matches!(self.action, Action::Get)
    }

    /// The last bit of the field, if the step writes.
    fn last_written(&self) -> Option<u64> {
        self.is_write()
            .then(|| self.at + u64::from(self.kind.bits()) - 1)
    }

    fn run(&self, bytes: &mut [u8]) -> Done {
        let old = self.kind.get(bytes, self.at);
        let (new, reply) = match self.action {
            Action::Get => (None, Some(old)),
            Action::Set(number, overflow) => {
                let new = self.kind.fitted(number, overflow);
                (new, new.map(|_| old))
            }
            Action::Add(increment, overflow) => {
                let new = self.kind.sum(old, increment, overflow);
                (new, new)
            }
        };
        if let Some(new) = new {
            self.kind.put(bytes, self.at, new);
        }
        Done {
            reply,
            is_changed: new.is_some_and(|new| new != old),
        }
    }
}

/// The operations of a request, in their order.
fn parse(cx: &Ctx<'_>, args: &Args<'_>) -> Result<SmallVec<[Step; 4]>> {
    let mut steps = SmallVec::new();
    let mut overflow = Overflow::Wrap;
    let mut index = 2;
    while index < args.len() {
        let word = Word::at(args, index).ok_or(Error::Syntax)?;
        if word == Word::Overflow {
            overflow = overflow_of(args.word(index + 1)?)?;
        } else {
            steps.push(step(cx, args, index, word, overflow)?);
        }
        index += word.words();
    }
    Ok(steps)
}

fn step(
    cx: &Ctx<'_>,
    args: &Args<'_>,
    index: usize,
    word: Word,
    overflow: Overflow,
) -> Result<Step> {
    let kind = Kind::named(args.word(index + 1)?).ok_or(Error::BitfieldType)?;
    let at = offset(cx, args.word(index + 2)?, Some(kind.bits()))?;
    let action = match word {
        Word::Set => Action::Set(args.integer(index + 3)?, overflow),
        Word::Incrby => Action::Add(args.integer(index + 3)?, overflow),
        Word::Get | Word::Overflow => Action::Get,
    };
    Ok(Step { action, kind, at })
}

fn overflow_of(name: &[u8]) -> Result<Overflow> {
    const NAMES: [(&str, Overflow); 3] = [
        ("WRAP", Overflow::Wrap),
        ("SAT", Overflow::Saturate),
        ("FAIL", Overflow::Fail),
    ];
    let mut names = NAMES.iter();
    names
        .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
        .map(|(_, overflow)| *overflow)
        .ok_or(Error::OverflowType)
}

/// The word that an operation begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Get,
    Set,
    Incrby,
    Overflow,
}

impl Word {
    /// The word at `index`, if it is one and as many words follow as it needs.
    fn at(args: &Args<'_>, index: usize) -> Option<Word> {
        let words = [
            ("GET", Word::Get),
            ("SET", Word::Set),
            ("INCRBY", Word::Incrby),
            ("OVERFLOW", Word::Overflow),
        ];
        let (_, word) = words.into_iter().find(|(name, _)| args.is(index, name))?;
        (args.len() - index >= word.words()).then_some(word)
    }

    /// How many words its operation has.
    fn words(self) -> usize {
        match self {
            Word::Get => 3,
            Word::Set | Word::Incrby => 4,
            Word::Overflow => 2,
        }
    }
}

/// A request that does nothing but read is none that writes; one that cannot be read is taken for one
/// (`bitfieldGetKeys`, db.c).
fn key_flags_of(args: Args<'_>) -> KeyFlags {
    let mut index = 2;
    while index < args.len() {
        match Word::at(&args, index) {
            Some(word @ (Word::Get | Word::Overflow)) => index += word.words(),
            Some(Word::Set | Word::Incrby) | None => return key_flags!(RW | ACCESS | UPDATE),
        }
    }
    key_flags!(RO | ACCESS)
}
