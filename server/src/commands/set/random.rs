//! Members chosen at random.

use storage::value::Set;
use storage::value::set::Form;

use super::SET;
use crate::command::reply::write_item;
use crate::command::{Args, Choice, Command, Ctx, Error, Outcome, Picks, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const SRANDMEMBER: Command = Spec {
    name: "SRANDMEMBER",
    usage: "key [count:integer@2.6.0]",
    summary: "Get one or multiple random members from a set",
    since: "1.0.0",
    complexity: "Without the count argument O(1), otherwise O(N) where N is the absolute \
        value of the passed count.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[("2.6.0", "Added the optional `count` argument.")],
    ..SET
}
.run(srandmember);
fn srandmember(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    match args.len() {
        2 => show_one(cx, args),
        3 => show_some(cx, args),
        _ => Err(Error::Syntax),
    }
}

fn show_one(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let set = cx.db.read_as::<Set>(args.key(1)?)?;
    let member = set.and_then(|it| it.at(it.sample(&mut fastrand::Rng::new())?));
    match member {
        Some(member) => write_item(cx.reply.encoder(), member),
        None => cx.reply.encoder().nil(),
    }
    Ok(Outcome::Done)
}

fn show_some(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let picks = Picks::of(args.ranged(2, -i64::MAX, i64::MAX)?);
    let set = cx.db.read_as::<Set>(args.key(1)?)?;
    let len = set.map_or(0, Set::len);
    let out = cx.reply.array(picks.count(len));
    let Some(set) = set else {
        return Ok(Outcome::Done);
    };
    let choice = Choice {
        len,
        is_packed: matches!(set.form(), Form::Packed(_)),
        all: set.iter(),
        sample: |rng: &mut fastrand::Rng| set.sample(rng),
        at: |spot| set.at(spot),
    };
    picks.pick(choice, out, |out, member| write_item(out, member))?;
    Ok(Outcome::Done)
}
