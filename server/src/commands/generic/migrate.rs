//! Keys taken over by another server: `MIGRATE`.
//!
//! The locks of the keys are held until the target has answered for them, so nobody sees a key twice here, or a change
//! that the target has missed. A key goes when the target has said that it has it.

use std::ops::Range;

use storage::db::Event;
use storage::rdb::encode;

use super::GENERIC;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::migrate::{Broken, Target};
use crate::spec::{Keys, Spec, acl, flags, key_flags};

/// How long the target may be silent if the request does not say.
const USUAL_TIMEOUT_MS: u64 = 1000;

pub(super) const MIGRATE: Command = Spec {
    name: "MIGRATE",
    usage: "host port:integer key-selector(key:key|empty-string=\"\") destination-db:integer timeout:integer \
        [COPY@3.0.0] [REPLACE@3.0.0] \
        [authentication(AUTH auth<password>@4.0.7|AUTH2 auth2(username password)@6.0.0)] \
        [KEYS keys<key>:key#1...@3.0.6]",
    summary: "Atomically transfers a key from one Redis instance to another.",
    since: "2.6.0",
    complexity: "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target \
        instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two \
        instances is performed.",
    flags: flags!(WRITE),
    acl: acl!(KEYSPACE | DANGEROUS),
    keys: &[
        Keys::at(3, key_flags!(RW | ACCESS | DELETE)),
        Keys::all_behind("KEYS", -2, key_flags!(RW | ACCESS | DELETE | INCOMPLETE)),
    ],
    locate: Some(locate_keys),
    tips: &["nondeterministic_output"],
    history: &[
        ("3.0.0", "Added the `COPY` and `REPLACE` options."),
        ("3.0.6", "Added the `KEYS` option."),
        ("4.0.7", "Added the `AUTH` option."),
        ("6.0.0", "Added the `AUTH2` option."),
    ],
    ..GENERIC
}
.run(migrate);

/// The one key, or those behind `KEYS`, which may be the password of `AUTH` just as well (`migrateGetKeys` of Redis).
fn locate_keys(args: protocol::Args<'_>) -> Option<Range<usize>> {
    let is = |at: usize, word: &[u8]| args.get(at).is_some_and(|it| it.eq_ignore_ascii_case(word));
    let mut at = 6;
    while at < args.len() {
        if is(at, b"KEYS") && at + 1 < args.len() {
            let is_free = args.get(3).is_some_and(<[u8]>::is_empty);
            return is_free.then_some(at + 1..args.len());
        }
        at += match () {
            () if is(at, b"AUTH") => 2,
            () if is(at, b"AUTH2") => 3,
            () => 1,
        };
    }
    Some(3..4)
}

/// What is asked for.
struct Options<'a> {
    copies: bool,
    replaces: bool,
    /// `AUTH` and what it takes, to be said to the target.
    login: Vec<&'a [u8]>,
    keys: Range<usize>,
    db: i64,
    timeout_ms: u64,
}

impl<'a> Options<'a> {
    fn parse(args: &Args<'a>) -> Result<Options<'a>> {
        let mut options = Options {
            copies: false,
            replaces: false,
            login: Vec::new(),
            keys: 3..4,
            db: 0,
            timeout_ms: 0,
        };
        let mut index = 6;
        while index < args.len() {
            index += options.read(args, index)?;
        }
        let timeout_ms = args.integer(5)?;
        options.db = args.integer(4)?;
        options.timeout_ms = match timeout_ms {
            ..=0 => USUAL_TIMEOUT_MS,
            timeout_ms => timeout_ms.unsigned_abs(),
        };
        Ok(options)
    }

    /// Reads the option at `index` and gives how many words it has.
    fn read(&mut self, args: &Args<'a>, index: usize) -> Result<usize> {
        if args.is(index, "COPY") {
            self.copies = true;
        } else if args.is(index, "REPLACE") {
            self.replaces = true;
        } else if args.is(index, "AUTH") && index + 1 < args.len() {
            self.login = vec![b"AUTH", args.word(index + 1)?];
            return Ok(2);
        } else if args.is(index, "AUTH2") && index + 2 < args.len() {
            self.login = vec![b"AUTH", args.word(index + 1)?, args.word(index + 2)?];
            return Ok(3);
        } else if args.is(index, "KEYS") {
            if !args.key(3)?.is_empty() {
                return Err(Error::MigrateKeyAndKeys);
            }
            self.keys = index + 1..args.len();
            return Ok(args.len() - index);
        } else {
            return Err(Error::Syntax);
        }
        Ok(1)
    }
}

fn migrate(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let options = Options::parse(args)?;
    let mut keys = Vec::new();
    for index in options.keys.clone() {
        let key = args.key(index)?;
        if cx.db.read(key).is_some() {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return cx.reply.simple("NOKEY");
    }
    let (host, port) = (args.word(1)?, args.word(2)?);
    let mut target = Target::connect(host, port, options.timeout_ms).map_err(broken)?;
    let knows_tags = greet(cx, &mut target, &options, &keys)?;
    for key in &keys {
        send(cx, &mut target, key, options.replaces, knows_tags)?;
    }
    target.flush().map_err(broken)?;
    take_over(cx, &mut target, &keys, options.copies)?;
    cx.reply.ok()
}

fn broken(broken: Broken) -> Error {
    match broken {
        Broken::Connecting => Error::MigrateConnecting,
        Broken::Writing => Error::MigrateWriting,
        Broken::Reading => Error::MigrateReading,
    }
}

/// Fails if a reply is an error.
fn accepted(reply: &[u8]) -> Result<()> {
    match reply {
        [b'-', text @ ..] => Err(Error::MigrateRefused(
            String::from_utf8_lossy(text).into_owned(),
        )),
        _ => Ok(()),
    }
}

/// Tells the target who we are and where the keys belong, before it gets any; whether it knows tags, if a key has some.
fn greet(
    cx: &mut Ctx<'_>,
    target: &mut Target,
    options: &Options<'_>,
    keys: &[&[u8]],
) -> Result<bool> {
    let db = options.db.to_string();
    let is_tagged = keys
        .iter()
        .any(|key| cx.db.count_tags(key).is_some_and(|count| count > 0));
    let has_login = !options.login.is_empty();
    // Redis takes -1 for what a new connection has selected.
    let selects = options.db != -1;
    if has_login {
        target.send(&options.login).map_err(broken)?;
    }
    if selects {
        target.send(&[b"SELECT", db.as_bytes()]).map_err(broken)?;
    }
    if is_tagged {
        // Any command of ours that changes nothing and is answered in a line.
        target.send(&[&b"TAGCARD"[..], b"0"]).map_err(broken)?;
    }
    target.flush().map_err(broken)?;
    for _ in 0..usize::from(has_login) + usize::from(selects) {
        accepted(&target.line().map_err(broken)?)?;
    }
    if !is_tagged {
        return Ok(false);
    }
    let knows_tags = target.line().map_err(broken)?.starts_with(b":");
    if !knows_tags {
        tracing::warn!("MIGRATE: the target knows no tags, keys go there without theirs");
    }
    Ok(knows_tags)
}

/// Sends one key.
fn send(
    cx: &mut Ctx<'_>,
    target: &mut Target,
    key: &[u8],
    replaces: bool,
    knows_tags: bool,
) -> Result<()> {
    let tags = match knows_tags {
        true => cx.db.tags_of(key),
        false => Vec::new(),
    };
    let (now_ms, compression) = (cx.now_ms(), cx.server.settings.compression());
    let Some(entry) = cx.db.peek(key) else {
        return Ok(());
    };
    let ttl_ms = entry.expiry_ms().map_or(0, |it| (it - now_ms).max(1));
    let (ttl, payload) = (ttl_ms.to_string(), encode::dump(entry, compression));
    let mut words: Vec<&[u8]> = vec![b"RESTORE", key, ttl.as_bytes(), &payload];
    if replaces {
        words.push(b"REPLACE");
    }
    let count = tags.len().to_string();
    if !tags.is_empty() {
        words.extend([&b"TAGS"[..], count.as_bytes()]);
        words.extend(tags.iter().map(|tag| &**tag));
    }
    target.send(&words).map_err(broken)
}

/// Hears what the target says of each key, and removes those that it has.
///
/// # Errors
/// The first that it answers, once all have been heard of; or that it has ended before.
fn take_over(cx: &mut Ctx<'_>, target: &mut Target, keys: &[&[u8]], copies: bool) -> Result<()> {
    let mut refused = Ok(());
    let mut gone: Vec<&[u8]> = vec![b"DEL"];
    for &key in keys {
        let answered = match target.line() {
            Ok(line) => accepted(&line),
            Err(reason) => {
                refused = refused.and(Err(broken(reason)));
                break;
            }
        };
        match answered {
            Err(error) => refused = refused.and(Err(error)),
            Ok(()) if copies => {}
            Ok(()) => {
                cx.db.remove(key, Event::DEL);
                gone.push(key);
            }
        }
    }
    if gone.len() > 1 {
        cx.effects.replace(gone);
    }
    refused
}
