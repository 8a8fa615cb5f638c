//! Taking over what others have not acknowledged: `XCLAIM`, `XAUTOCLAIM`.

use protocol::Encoder;
use smallvec::SmallVec;
use storage::db::{Db, EditOf, Event};
use storage::value::Stream;
use storage::value::stream::{ConsumerId, GroupMut, Pending, StreamEntry, StreamId};

use super::effects::GroupLog;
use super::group::{self, Changes};
use super::{STREAM, entry, id, no_group};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const XCLAIM: Command = Spec {
    name: "XCLAIM",
    usage: "key group consumer min-idle-time id... [IDLE ms:integer] \
        [TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] [FORCE] [JUSTID] \
        [LASTID lastid]",
    summary: "Changes, or acquires, ownership of a message in a consumer group, as if the message \
        was delivered a consumer group member.",
    since: "5.0.0",
    complexity: "O(log N) with N being the number of messages in the PEL of the consumer group.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | UPDATE))],
    tips: &["nondeterministic_output"],
    ..STREAM
}
.run(xclaim);
fn xclaim(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (key, name, consumer) = (args.key(1)?, args.word(2)?, args.word(3)?);
    let (now_ms, is_logged) = (cx.now_ms(), cx.is_logged());
    let mut edit = edit_with_group(&mut cx.db, key, name)?;
    let claim = Claim::parse(args, now_ms)?;
    let mut log = GroupLog::new(&mut cx.effects, is_logged, key, name);
    group::change(&mut edit, name, |group| {
        let has_moved = claim.last_id > group.last_id();
        if has_moved {
            group.set_last_id(claim.last_id);
        }
        let mut taking = Taking::begin(group, consumer, now_ms, claim.is_just_id);
        claim.take_all(&mut taking, &mut log, cx.reply.encoder());
        if has_moved && !taking.has_logged {
            log.position(taking.group);
            taking.changes.count += 1;
        }
        taking.changes
    });
    Ok(Outcome::Done)
}

/// A stream that has this group, to be changed.
fn edit_with_group<'d, 'k>(
    db: &'d mut Db<'k>,
    key: &[u8],
    name: &[u8],
) -> Result<EditOf<'d, 'k, Stream>> {
    let edit = db.edit_read_as::<Stream>(key, Event::UNSAID)?;
    edit.filter(|edit| edit.group(name).is_some())
        .ok_or_else(|| no_group(key, name))
}

/// What `XCLAIM` is told.
struct Claim {
    ids: SmallVec<[StreamId; 8]>,
    min_idle_ms: i64,
    delivered_ms: i64,
    count: Option<u64>,
    is_forced: bool,
    is_just_id: bool,
    last_id: StreamId,
}

impl Claim {
    fn parse(args: &Args<'_>, now_ms: i64) -> Result<Claim> {
        let min_idle_ms = args.integer(4).map_err(|_| Error::MinIdle("XCLAIM"))?;
        let words = args.from(5);
        let ids: SmallVec<_> = words
            .iter()
            .map_while(|word| id::exact(word).ok())
            .collect();
        let mut index = 5 + ids.len();
        let mut claim = Claim {
            ids,
            min_idle_ms: min_idle_ms.max(0),
            delivered_ms: -1,
            count: None,
            is_forced: false,
            is_just_id: false,
            last_id: StreamId::MIN,
        };
        while index < args.len() {
            index += claim.read(args, index, now_ms)?;
        }
        // What is no time that has been is taken for now, as clocks differ.
        if !(0..=now_ms).contains(&claim.delivered_ms) {
            claim.delivered_ms = now_ms;
        }
        Ok(claim)
    }

    /// Reads the option at `index` and gives how many words it has.
    fn read(&mut self, args: &Args<'_>, index: usize, now_ms: i64) -> Result<usize> {
        let number = |name: &'static str| {
            let number = args.integer(index + 1);
            number.map_err(|_| Error::ClaimOption(name))
        };
        if args.is(index, "FORCE") {
            self.is_forced = true;
            return Ok(1);
        }
        if args.is(index, "JUSTID") {
            self.is_just_id = true;
            return Ok(1);
        }
        if index + 1 >= args.len() {
            return Err(unrecognized(args, index));
        }
        if args.is(index, "IDLE") {
            self.delivered_ms = now_ms.wrapping_sub(number("IDLE")?);
        } else if args.is(index, "TIME") {
            self.delivered_ms = number("TIME")?;
        } else if args.is(index, "RETRYCOUNT") {
            self.count = u64::try_from(number("RETRYCOUNT")?).ok();
        } else if args.is(index, "LASTID") {
            self.last_id = id::exact(args.word(index + 1)?)?;
        } else {
            return Err(unrecognized(args, index));
        }
        Ok(2)
    }

    /// Claims what is to be claimed, and writes it.
    fn take_all(&self, taking: &mut Taking<'_, '_>, log: &mut GroupLog<'_>, out: &mut Encoder<'_>) {
        let start = out.mark();
        let mut count = 0;
        for &id in &self.ids {
            if let Some(entry) = taking.entry_of(id, log)
                && let Some(pending) = self.pending(taking, id)
            {
                taking.take(id, pending, log);
                taking.write(out, entry);
                count += 1;
            }
        }
        out.array_at(start, count);
    }

    /// How an entry is pending once it is claimed; `None` if it is not to be claimed.
    fn pending(&self, taking: &Taking<'_, '_>, id: StreamId) -> Option<Pending> {
        let before = taking.group.pending_of(id);
        let is_fresh = |pending: &Pending| {
            self.min_idle_ms > 0 && pending.idle_ms(taking.now_ms) < self.min_idle_ms
        };
        let count = match before {
            Some(pending) if is_fresh(pending) => return None,
            Some(pending) => pending.count,
            // One that is made for the claim has been delivered once.
            None if self.is_forced => 1,
            None => return None,
        };
        Some(Pending {
            consumer: taking.consumer,
            delivered_ms: self.delivered_ms,
            count: self.count.unwrap_or_else(|| taking.counted(count)),
        })
    }
}

fn unrecognized(args: &Args<'_>, index: usize) -> Error {
    Error::UnrecognizedClaim(shown(args.get(index).unwrap_or_default()))
}

pub(super) const XAUTOCLAIM: Command = Spec {
    name: "XAUTOCLAIM",
    usage: "key group consumer min-idle-time start [COUNT count:integer] [JUSTID]",
    summary: "Changes, or acquires, ownership of messages in a consumer group, as if the messages \
        were delivered to as consumer group member.",
    since: "6.2.0",
    complexity: "O(1) if COUNT is small.",
    flags: flags!(WRITE | FAST),
    keys: &[Keys::at(1, key_flags!(RW | DELETE))],
    tips: &["nondeterministic_output"],
    history: &[(
        "7.0.0",
        "Added an element to the reply array, containing deleted entries the command cleared \
        from the PEL",
    )],
    ..STREAM
}
.run(xautoclaim);
fn xautoclaim(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let sweep = Sweep::parse(args)?;
    let (key, name, consumer) = (args.key(1)?, args.word(2)?, args.word(3)?);
    let (now_ms, is_logged) = (cx.now_ms(), cx.is_logged());
    let mut edit = edit_with_group(&mut cx.db, key, name)?;
    if sweep.most > MOST_DELETED {
        return Err(Error::ClaimCountTooHigh);
    }
    let mut log = GroupLog::new(&mut cx.effects, is_logged, key, name);
    group::change(&mut edit, name, |group| {
        let mut taking = Taking::begin(group, consumer, now_ms, sweep.is_just_id);
        sweep.take_all(&mut taking, &mut log, cx.reply.encoder());
        taking.changes
    });
    Ok(Outcome::Done)
}

/// For so many deleted entries Redis finds no room in any address space.
const MOST_DELETED: usize = (1 << 47) / size_of::<StreamId>();

/// How many pending entries are looked at for each that may be claimed.
const LOOKS: usize = 10;

/// What `XAUTOCLAIM` is told.
struct Sweep {
    min_idle_ms: i64,
    first: StreamId,
    most: usize,
    is_just_id: bool,
}

impl Sweep {
    fn parse(args: &Args<'_>) -> Result<Sweep> {
        let min_idle_ms = args.integer(4).map_err(|_| Error::MinIdle("XAUTOCLAIM"))?;
        let mut sweep = Sweep {
            min_idle_ms: min_idle_ms.max(0),
            first: id::start(args.word(5)?)?,
            most: 100,
            is_just_id: false,
        };
        let mut index = 6;
        while index < args.len() {
            if args.is(index, "COUNT") && index + 1 < args.len() {
                let most = i64::MAX / size_of::<StreamId>() as i64;
                let count = args.integer(index + 1).ok();
                let count = count.filter(|count| (1..=most).contains(count));
                sweep.most = count.ok_or(Error::ClaimCount)? as usize;
                index += 2;
            } else if args.is(index, "JUSTID") {
                sweep.is_just_id = true;
                index += 1;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(sweep)
    }

    /// Claims what is to be claimed, and writes it, and what was deleted.
    fn take_all(&self, taking: &mut Taking<'_, '_>, log: &mut GroupLog<'_>, out: &mut Encoder<'_>) {
        let (ids, next) = self.candidates(taking);
        out.array(3);
        id::write(out, next);
        let start = out.mark();
        let mut claimed = 0;
        let mut deleted = Vec::new();
        for id in ids {
            let Some(entry) = taking.entry_of(id, log) else {
                deleted.push(id);
                continue;
            };
            let before = taking.group.pending_of(id);
            let pending = Pending {
                consumer: taking.consumer,
                delivered_ms: taking.now_ms,
                count: taking.counted(before.map_or(0, |pending| pending.count)),
            };
            taking.take(id, pending, log);
            taking.write(out, entry);
            claimed += 1;
        }
        out.array_at(start, claimed);
        out.array(deleted.len());
        deleted.into_iter().for_each(|id| id::write(out, id));
    }

    /// The ids that are claimed, or found to be deleted, and where the next sweep begins.
    fn candidates(&self, taking: &Taking<'_, '_>) -> (Vec<StreamId>, StreamId) {
        let group = &*taking.group;
        let mut pending = group.pending_range(self.first, StreamId::MAX);
        let mut ids = Vec::new();
        let mut looks = self.most.saturating_mul(LOOKS);
        while looks > 0 && ids.len() < self.most {
            let Some((id, pending)) = pending.next() else {
                break;
            };
            looks -= 1;
            let is_idle = || pending.idle_ms(taking.now_ms) >= self.min_idle_ms;
            if self.min_idle_ms == 0 || is_idle() || group.entries().get(id).is_none() {
                ids.push(id);
            }
        }
        let next = pending.next().map_or(StreamId::MIN, |(id, _)| id);
        (ids, next)
    }
}

/// A consumer who takes over entries.
struct Taking<'t, 'g> {
    group: &'t mut GroupMut<'g>,
    consumer: ConsumerId,
    now_ms: i64,
    is_just_id: bool,
    changes: Changes,
    /// Whether a record tells how far the group has read.
    has_logged: bool,
}

impl<'t, 'g> Taking<'t, 'g> {
    fn begin(
        group: &'t mut GroupMut<'g>,
        consumer: &[u8],
        now_ms: i64,
        is_just_id: bool,
    ) -> Taking<'t, 'g> {
        let (consumer, is_created) = group::see(group, consumer, now_ms);
        Taking {
            group,
            consumer,
            now_ms,
            is_just_id,
            changes: Changes::of_new_consumer(is_created),
            has_logged: false,
        }
    }

    /// The entry; one that has been deleted is not pending any more.
    fn entry_of(&mut self, id: StreamId, log: &mut GroupLog<'_>) -> Option<StreamEntry<'g>> {
        let entry = self.group.entries().get(id);
        if entry.is_none()
            && let Some(&pending) = self.group.pending_of(id)
        {
            // When that is replayed the entry is not there either.
            log.claim(self.group, id, &pending);
            self.has_logged = true;
            self.group.acknowledge(id);
            self.changes.count += 1;
        }
        entry
    }

    /// How often an entry was delivered, once it is claimed.
    fn counted(&self, count: u64) -> u64 {
        count.wrapping_add((!self.is_just_id).into())
    }

    fn take(&mut self, id: StreamId, pending: Pending, log: &mut GroupLog<'_>) {
        self.group.assign(id, pending);
        self.group.note_active(self.consumer, self.now_ms);
        log.claim(self.group, id, &pending);
        self.has_logged = true;
        self.changes.count += 1;
    }

    fn write(&self, out: &mut Encoder<'_>, entry: StreamEntry<'_>) {
        if self.is_just_id {
            id::write(out, entry.id);
        } else {
            entry::write(out, entry);
        }
    }
}
