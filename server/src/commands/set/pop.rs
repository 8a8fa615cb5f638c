//! Taking members out at random.

use protocol::Encoder;
use storage::db::Event;
use storage::value::{Item, Set};

use super::SET;
use crate::command::reply::write_item;
use crate::command::{Args, Command, Ctx, Effects, Error, Outcome, Result, Words};
use crate::config::options;
use crate::spec::{Keys, Spec, flags, key_flags};

/// If less than this part is to stay, what stays is taken out, not what goes (`SPOP_MOVE_STRATEGY_MUL`, t_set.c).
const MOVE_BELOW: usize = 5;

/// Members of one `SREM` in the log.
const LOGGED_AT_ONCE: usize = 1024;

pub(super) const SPOP: Command = Spec {
    name: "SPOP",
    usage: "key [count:integer@3.2.0]",
    summary: "Returns one or more random members from a set after removing them. \
        Deletes the set if the last member was popped.",
    since: "1.0.0",
    complexity: "Without the count argument O(1), otherwise O(N) where N is the value of \
        the passed count.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | ACCESS | DELETE))],
    tips: &["nondeterministic_output"],
    history: &[("3.2.0", "Added the `count` argument.")],
    ..SET
}
.run(spop);
fn spop(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    match args.len() {
        2 => pop_one(cx, args),
        3 => pop_some(cx, args),
        _ => Err(Error::Syntax),
    }
}

fn pop_one(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    let is_logged = cx.is_logged();
    let Some(mut edit) = cx.db.edit_as::<Set>(key, Event::set("spop"))? else {
        return cx.reply.nil();
    };
    let spot = edit.sample(&mut fastrand::Rng::new());
    let Some((spot, member)) = spot.and_then(|spot| Some((spot, edit.at(spot)?))) else {
        return cx.reply.nil();
    };
    write_item(cx.reply.encoder(), member);
    if is_logged {
        member.with_bytes(|member| cx.effects.replace([b"SREM", key, member]));
    }
    edit.change().remove_at(spot);
    Ok(Outcome::Done)
}

fn pop_some(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    let count = usize::try_from(args.non_negative(2)?).unwrap_or(usize::MAX);
    let limits = cx.limits();
    let mut log = Removed::new(cx.is_logged());
    let Some(mut edit) = cx.db.edit_as::<Set>(key, Event::set("spop"))? else {
        cx.reply.set(0);
        return Ok(Outcome::Done);
    };
    let len = edit.len();
    let count = count.min(len);
    let out = cx.reply.set(count);
    if count == 0 {
        return Ok(Outcome::Done);
    }
    let mut rng = fastrand::Rng::new();
    let left = len - count;
    if left.saturating_mul(MOVE_BELOW) > count {
        pop_one_by_one(edit.change(), count, &mut rng, out, &mut log);
    } else {
        let gone = edit.change().keep(left, &limits, &mut rng);
        gone.iter().for_each(|member| log.write(member, out));
        edit.discard(gone);
    }
    edit.count(count);
    drop(edit);
    if left == 0 && cx.is_logged() {
        let config = &cx.server.settings.config;
        let is_lazy = config.get(options::LAZYFREE_LAZY_SERVER_DEL);
        let word: &[u8] = if is_lazy { b"UNLINK" } else { b"DEL" };
        cx.effects.replace([word, key]);
    } else {
        log.put(key, &mut cx.effects);
    }
    Ok(Outcome::Done)
}

fn pop_one_by_one(
    set: &mut Set,
    count: usize,
    rng: &mut fastrand::Rng,
    out: &mut Encoder<'_>,
    log: &mut Removed,
) {
    for _ in 0..count {
        let Some(spot) = set.sample(rng) else { return };
        if let Some(member) = set.at(spot) {
            log.write(member, out);
        }
        set.remove_at(spot);
    }
}

/// What was taken out, for the log: one after the other.
struct Removed {
    is_logged: bool,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Removed {
    fn new(is_logged: bool) -> Removed {
        Removed {
            is_logged,
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Answers a member, and remembers it.
    fn write(&mut self, member: Item<'_>, out: &mut Encoder<'_>) {
        write_item(out, member);
        if self.is_logged {
            member.write_to(&mut self.bytes);
            self.ends.push(self.bytes.len());
        }
    }

    /// Logs that they were removed: another machine would choose others.
    fn put(&self, key: &[u8], effects: &mut Effects) {
        let start_of = |at: usize| at.checked_sub(1).map_or(0, |before| self.ends[before]);
        for from in (0..self.ends.len()).step_by(LOGGED_AT_ONCE) {
            let to = self.ends.len().min(from + LOGGED_AT_ONCE);
            let members = (from..to).map(|at| &self.bytes[start_of(at)..self.ends[at]]);
            effects.replace([&b"SREM"[..], key].into_iter().chain(members));
        }
    }
}
