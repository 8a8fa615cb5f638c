//! A dumped value put back: `RESTORE`.

use protocol::Args as Tags;
use storage::db::Event;
use storage::evict::Past;
use storage::rdb::Payload;

use super::GENERIC;
use crate::command::{Args, Command, Ctx, Error, Result, Words, tags};
use crate::spec::{Group, Keys, Spec, acl, flags, key_flags};

const RESTORED: Event = Event::generic("restore");

pub(super) const RESTORE: Command = Spec {
    name: "RESTORE",
    usage: "key ttl:integer serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds:integer@5.0.0] \
        [FREQ frequency:integer@5.0.0] [TAGS tag-list(numtags:integer tag...)]",
    summary: "Creates a key from the serialized representation of a value.",
    since: "2.6.0",
    complexity: "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the \
        number of Redis objects composing the value and M their average size. For small string values the time \
        complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is \
        O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).",
    flags: flags!(WRITE | DENYOOM),
    acl: acl!(KEYSPACE | DANGEROUS),
    keys: &[Keys::at(1, key_flags!(OW | UPDATE))],
    history: &[
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ],
    ..GENERIC
}
.run(restore);

pub(super) const RESTORE_ASKING: Command = Spec {
    name: "RESTORE-ASKING",
    summary: "An internal command for migrating keys in a cluster.",
    since: "3.0.0",
    group: Group::Server,
    flags: flags!(WRITE | DENYOOM | ASKING | SYSCMD),
    ..RESTORE.spec
}
.run(restore);

fn restore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(1)?;
    let options = Options::parse(args)?;
    if let Some(tags) = options.tags {
        tags::check_names(tags)?;
        tags::check_count(cx, tags::count_distinct(tags))?;
    }
    if !options.replaces && cx.db.peek(key).is_some() {
        return Err(Error::BusyKey);
    }
    let expiry_ms = options.expiry_ms(cx, args)?;
    let checksum = cx.server.settings.payload_checksum();
    let mut payload = Payload::verified(args.word(3)?, checksum).ok_or(Error::DumpFooter)?;
    let value = payload.value(&cx.limits());
    let value = value.map_err(|_| Error::BadDataFormat)?;
    // While files are loaded time stands still: they say themselves when a key goes.
    if expiry_ms.is_some_and(|it| it <= cx.now_ms()) && !cx.is_replay() {
        if cx.db.remove(key, Event::DEL) {
            cx.effects.replace([b"DEL", key]);
        }
        return cx.reply.ok();
    }
    let names = options.tags.unwrap_or(args.first(0));
    cx.db
        .restore(key, value, expiry_ms, options.past, names, RESTORED);
    log(cx, args, &options, expiry_ms);
    cx.reply.ok()
}

/// What is asked for behind the value.
struct Options<'a> {
    replaces: bool,
    is_absolute: bool,
    past: Past,
    tags: Option<Tags<'a>>,
    /// Where the tags begin among the words.
    tags_at: usize,
}

impl<'a> Options<'a> {
    fn parse(args: &Args<'a>) -> Result<Options<'a>> {
        let mut options = Options {
            replaces: false,
            is_absolute: false,
            past: Past::Unknown,
            tags: None,
            tags_at: args.len(),
        };
        let mut index = 4;
        while index < args.len() {
            index += options.read(args, index)?;
        }
        Ok(options)
    }

    /// Reads the option at `index` and gives how many words it has.
    fn read(&mut self, args: &Args<'a>, index: usize) -> Result<usize> {
        let has_more = index + 1 < args.len();
        if args.is(index, "REPLACE") {
            self.replaces = true;
        } else if args.is(index, "ABSTTL") {
            self.is_absolute = true;
        } else if args.is(index, "IDLETIME") && has_more && !matches!(self.past, Past::Frequency(_))
        {
            let seconds = u64::try_from(args.integer(index + 1)?);
            self.past = Past::IdleSeconds(seconds.map_err(|_| Error::InvalidIdleTime)?);
            return Ok(2);
        } else if args.is(index, "FREQ") && has_more && !matches!(self.past, Past::IdleSeconds(_)) {
            let frequency = u8::try_from(args.integer(index + 1)?);
            self.past = Past::Frequency(frequency.map_err(|_| Error::InvalidFrequency)?);
            return Ok(2);
        } else if args.is(index, "TAGS") && self.tags.is_none() {
            let names = tags::counted(args, index + 1)?;
            self.tags = Some(names);
            self.tags_at = index;
            return Ok(2 + names.len());
        } else {
            return Err(Error::Syntax);
        }
        Ok(1)
    }

    /// When the key expires, in milliseconds since 1970.
    fn expiry_ms(&self, cx: &Ctx<'_>, args: &Args<'_>) -> Result<Option<i64>> {
        Ok(match args.integer(2)? {
            ..0 => return Err(Error::InvalidTtl),
            0 => None,
            ttl_ms if self.is_absolute => Some(ttl_ms),
            // What is too far away has passed, as in Redis, where it wraps around.
            ttl_ms => Some(cx.now_ms().wrapping_add(ttl_ms)),
        })
    }
}

/// Logs the request with an absolute time, which Redis puts behind everything else, and tags where Redis does not
/// see them.
fn log(cx: &mut Ctx<'_>, args: &Args<'_>, options: &Options<'_>, expiry_ms: Option<i64>) {
    let relative_ms = expiry_ms.filter(|_| !options.is_absolute);
    if !cx.is_logged() || relative_ms.is_none() && options.tags.is_none() {
        return;
    }
    if let Some(names) = options.tags {
        tags::annotate_next(&mut cx.effects, names);
    }
    let expiry = relative_ms.map(|it| it.to_string());
    let tags_end = options.tags_at + options.tags.map_or(0, |names| 2 + names.len());
    let mut words: Vec<&[u8]> = (0..args.len())
        .filter(|at| !(options.tags_at..tags_end).contains(at))
        .filter_map(|at| args.get(at))
        .collect();
    if let Some(expiry) = &expiry {
        words[2] = expiry.as_bytes();
        words.push(b"ABSTTL");
    }
    cx.effects.replace(words);
}
