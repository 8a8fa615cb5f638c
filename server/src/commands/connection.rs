//! The connection itself: `AUTH`, `ECHO`, `HELLO`, `PING`, `QUIT`, `RESET`, `SELECT`.

use std::sync::Arc;

use protocol::{Version, number};

use crate::acl::{self, DEFAULT_USER};
use crate::clients::{State, is_plain};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::config::{REDIS_VERSION, options};
use crate::server::Denial;
use crate::spec::{Group, Spec, acl, flags};

/// The family.
pub const COMMANDS: &[Command] = &[AUTH, ECHO, HELLO, PING, QUIT, RESET, SELECT];

const CONNECTION: Spec = Spec {
    group: Group::Connection,
    acl: acl!(CONNECTION),
    ..Spec::EMPTY
};

const AUTH: Command = Spec {
    name: "AUTH",
    usage: "[username@6.0.0] password",
    summary: "Authenticates the connection.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of passwords defined for the user",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY),
    history: &[("6.0.0", "Added ACL style (username and password).")],
    ..CONNECTION
}
.run(auth);
fn auth(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    match args.len() {
        2 if accepts_any_password(cx) => return Err(Error::AuthWithoutPassword),
        2 => authenticate(cx, args, DEFAULT_USER, args.word(1)?)?,
        3 => authenticate(cx, args, args.word(1)?, args.word(2)?)?,
        _ => return Err(Error::Syntax),
    }
    cx.reply.ok()
}

fn accepts_any_password(cx: &Ctx<'_>) -> bool {
    cx.server.acl.default_user().rules().needs_no_password()
}

/// Lets the client in as that user.
fn authenticate(cx: &mut Ctx<'_>, args: &Args<'_>, name: &[u8], password: &[u8]) -> Result<()> {
    if let Some(user) = cx.server.acl.authenticate(name, password) {
        cx.become_user(user, true);
        return Ok(());
    }
    let denial = Denial {
        reason: acl::Reason::Auth,
        context: acl::Context::of(cx.client.is(State::MULTI)),
        object: args.word(0)?,
        user: name,
    };
    cx.server.note_denied(cx.client, denial, cx.now_ms());
    Err(Error::WrongPassword)
}

const ECHO: Command = Spec {
    name: "ECHO",
    usage: "message",
    summary: "Returns the given string.",
    since: "1.0.0",
    flags: flags!(LOADING | STALE | FAST),
    ..CONNECTION
}
.run(echo);
fn echo(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    cx.reply.bulk(args.word(1)?)
}

const HELLO: Command = Spec {
    name: "HELLO",
    usage: "[arguments(protover:integer [AUTH(username password)] [SETNAME clientname])]",
    summary: "Handshakes with the Redis server.",
    since: "6.0.0",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY),
    history: &[(
        "6.2.0",
        "`protover` made optional; when called without arguments the command reports \
            the current connection's context.",
    )],
    ..CONNECTION
}
.run(hello);
fn hello(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let wishes = Wishes::parse(args)?;
    if let Some((user, password)) = wishes.auth {
        authenticate(cx, args, user, password)?;
    }
    if !cx.client.is(State::AUTHENTICATED) {
        return Err(Error::HelloNoAuth);
    }
    if let Some(name) = wishes.name {
        cx.client.rename(|names| names.name = name.to_vec());
    }
    if let Some(version) = wishes.version {
        cx.client.set_version(version);
        cx.reply.set_version(version);
    }
    describe(cx)
}

/// What a client wishes with `HELLO`.
#[derive(Default)]
struct Wishes<'a> {
    version: Option<Version>,
    auth: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

impl<'a> Wishes<'a> {
    fn parse(args: &Args<'a>) -> Result<Wishes<'a>> {
        let mut wishes = Wishes::default();
        if let Some(version) = args.get(1) {
            wishes.version = Some(
                match number::parse_i64(version).ok_or(Error::HelloVersion)? {
                    2 => Version::Resp2,
                    3 => Version::Resp3,
                    _ => return Err(Error::NoProto),
                },
            );
        }
        let mut index = 2;
        while let Some(option) = args.get(index) {
            index += wishes.option(args, index, option)?;
        }
        Ok(wishes)
    }

    /// Reads one option: how many words it has.
    fn option(&mut self, args: &Args<'a>, index: usize, option: &[u8]) -> Result<usize> {
        match (args.get(index + 1), args.get(index + 2)) {
            (Some(user), Some(password)) if option.eq_ignore_ascii_case(b"AUTH") => {
                self.auth = Some((user, password));
                Ok(3)
            }
            (Some(name), _) if option.eq_ignore_ascii_case(b"SETNAME") => {
                if !is_plain(name) {
                    return Err(Error::ClientName);
                }
                self.name = Some(name);
                Ok(2)
            }
            _ => Err(Error::HelloOption(shown(option))),
        }
    }
}

/// The server, in seven pairs. Clients check that it calls itself `redis`.
fn describe(cx: &mut Ctx<'_>) -> Result {
    let (id, version) = (cx.client.id, cx.client.version());
    let out = cx.reply.map(7);
    for (name, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    out.bulk(b"proto");
    out.integer(if version == Version::Resp3 { 3 } else { 2 });
    out.bulk(b"id");
    out.integer(id.cast_signed());
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    out.bulk(b"modules");
    out.array(0);
    Ok(Outcome::Done)
}

const PING: Command = Spec {
    name: "PING",
    usage: "[message]",
    summary: "Returns the server's liveliness response.",
    since: "1.0.0",
    flags: flags!(FAST),
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..CONNECTION
}
.run(ping);
fn ping(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let is_subscriber = cx.client.is(State::PUBSUB) && cx.reply.version() == Version::Resp2;
    match args.len() {
        1 | 2 if is_subscriber => {
            // In the form of a message, which is all that a subscriber reads.
            let out = cx.reply.array(2);
            out.bulk(b"pong");
            out.bulk(args.get(1).unwrap_or_default());
            Ok(Outcome::Done)
        }
        1 => cx.reply.simple("PONG"),
        2 => cx.reply.bulk(args.word(1)?),
        _ => Err(Error::WrongArity(cx.command_name().to_owned())),
    }
}

const QUIT: Command = Spec {
    name: "QUIT",
    usage: "arity -1;",
    summary: "Closes the connection.",
    since: "1.0.0",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY),
    deprecated: Some(("7.2.0", "just closing the connection")),
    ..CONNECTION
}
.run(quit);
fn quit(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.client.set(State::CLOSE_AFTER_REPLY, true);
    cx.reply.ok()
}

const RESET: Command = Spec {
    name: "RESET",
    summary: "Resets the connection.",
    since: "6.2.0",
    flags: flags!(NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY),
    ..CONNECTION
}
.run(reset);
/// As a connection that has just been made, but for what its library said of itself (`networking.c`,
/// clearClientConnectionState).
fn reset(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let client = cx.client;
    cx.server.clients.set_monitor(client, false);
    cx.local.discard(client);
    cx.local.unwatch(client);
    cx.server.pubsub.unsubscribe_all(client);
    cx.server.tracking.disable(client);
    // What came before is in the protocol that was spoken until now.
    if let Some(mail) = client.take_mail() {
        cx.reply.lead_with(&mail);
    }
    client.select(0);
    cx.db.index = 0;
    client.set_version(Version::Resp2);
    cx.reply.set_version(Version::Resp2);
    client.rename(|names| names.name = Vec::new());
    client.set(
        State::REPLY_OFF | State::REPLY_SKIP_NEXT | State::NO_TOUCH | State::NO_EVICT,
        false,
    );
    let user = cx.server.acl.default_user();
    cx.become_user(Arc::clone(user), user.is_open());
    cx.reply.simple("RESET")
}

const SELECT: Command = Spec {
    name: "SELECT",
    usage: "index:integer",
    summary: "Changes the selected database.",
    since: "1.0.0",
    flags: flags!(LOADING | STALE | FAST),
    ..CONNECTION
}
.run(select);
fn select(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let index = i32::try_from(args.integer(1)?).map_err(|_| Error::NotInt32)?;
    let count = cx.server.settings.config.get(options::DATABASES);
    let index = usize::try_from(index)
        .ok()
        .filter(|&index| index < count as usize)
        .ok_or(Error::DbOutOfRange)?;
    cx.client.select(index);
    cx.db.index = index;
    cx.reply.ok()
}
