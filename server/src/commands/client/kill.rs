//! `CLIENT KILL`.

use std::sync::Arc;

use super::{BASE, number_at};
use crate::acl::User;
use crate::clients::{Class, Client, State};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Spec, flags};

pub const KILL: Command = Spec {
    name: "KILL",
    usage: "arity -3; filter(old-format<ip:port>!2.8.12 | \
        new-format([ID client-id:integer@2.8.12] | \
        [TYPE client-type(NORMAL|MASTER@3.2.0|SLAVE|REPLICA@5.0.0|PUBSUB)@2.8.12] | \
        [USER username] | [ADDR addr<ip:port>] | [LADDR laddr<ip:port>@6.2.0] | \
        [SKIPME(YES|NO)] | [MAXAGE maxage:integer@7.4.0])...)",
    summary: "Terminates open connections.",
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    history: &[
        ("2.8.12", "Added new filter format."),
        ("2.8.12", "`ID` option."),
        ("3.2.0", "Added `master` type in for `TYPE` option."),
        (
            "5.0.0",
            "Replaced `slave` `TYPE` with `replica`. `slave` still supported for \
            backward compatibility.",
        ),
        ("6.2.0", "`LADDR` option."),
        ("7.4.0", "`MAXAGE` option."),
    ],
    ..BASE
}
.run(kill);
fn kill(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let filter = match args.len() {
        3 => Filter {
            addr: args.get(2),
            spares_me: false,
            ..Filter::default()
        },
        _ => Filter::parse(cx, args)?,
    };
    let chosen: Vec<_> = cx
        .server
        .clients
        .all()
        .into_iter()
        .filter(|it| filter.chooses(cx, it))
        .collect();
    for client in &chosen {
        if client.id == cx.client.id {
            // The reply still goes out.
            client.set(State::CLOSE_AFTER_REPLY, true);
        } else {
            cx.server.kill(client);
        }
    }
    match (args.len(), chosen.len()) {
        (3, 0) => Err(Error::NoSuchClient),
        (3, _) => cx.reply.ok(),
        (_, killed) => cx.reply.count(killed),
    }
}

/// Whom to kill: those for whom everything holds that was asked.
struct Filter<'a> {
    addr: Option<&'a [u8]>,
    local_addr: Option<&'a [u8]>,
    class: Option<Class>,
    user: Option<Arc<User>>,
    id: Option<u64>,
    min_age_seconds: i64,
    spares_me: bool,
}

impl Default for Filter<'_> {
    fn default() -> Self {
        Filter {
            addr: None,
            local_addr: None,
            class: None,
            user: None,
            id: None,
            min_age_seconds: 0,
            spares_me: true,
        }
    }
}

impl<'a> Filter<'a> {
    fn parse(cx: &Ctx<'_>, args: &Args<'a>) -> Result<Filter<'a>> {
        let mut filter = Filter::default();
        let mut index = 2;
        while index < args.len() {
            let value = args.get(index + 1).ok_or(Error::Syntax)?;
            filter.option(cx, args, index, value)?;
            index += 2;
        }
        Ok(filter)
    }

    fn option(
        &mut self,
        cx: &Ctx<'_>,
        args: &Args<'a>,
        index: usize,
        value: &'a [u8],
    ) -> Result<()> {
        if args.is(index, "ID") {
            let id = number_at(args, index + 1).filter(|&id| id > 0);
            self.id = Some(id.ok_or(Error::ClientIdNotPositive)?.unsigned_abs());
        } else if args.is(index, "MAXAGE") {
            let age = number_at(args, index + 1).ok_or(Error::MaxAge)?;
            self.min_age_seconds = Some(age)
                .filter(|&age| age > 0)
                .ok_or(Error::MaxAgeNotPositive)?;
        } else if args.is(index, "TYPE") {
            self.class =
                Some(Class::of_name(value).ok_or_else(|| Error::ClientType(shown(value)))?);
        } else if args.is(index, "ADDR") {
            self.addr = Some(value);
        } else if args.is(index, "LADDR") {
            self.local_addr = Some(value);
        } else if args.is(index, "USER") {
            let user = cx.server.acl.user(value);
            self.user = Some(user.ok_or_else(|| Error::NoSuchUser(shown(value)))?);
        } else if args.is(index, "SKIPME") {
            self.spares_me = match value {
                _ if args.is(index + 1, "YES") => true,
                _ if args.is(index + 1, "NO") => false,
                _ => return Err(Error::Syntax),
            };
        } else {
            return Err(Error::Syntax);
        }
        Ok(())
    }

    fn chooses(&self, cx: &Ctx<'_>, client: &Client) -> bool {
        let age_seconds = (cx.now_ms() - client.created_ms) / 1000;
        self.addr.is_none_or(|addr| addr == client.addr.as_bytes())
            && self
                .local_addr
                .is_none_or(|addr| addr == client.local_addr.as_bytes())
            && self.class.is_none_or(|class| class == client.class())
            && self.user.as_ref().is_none_or(|user| client.is_user(user))
            && self.id.is_none_or(|id| id == client.id)
            && age_seconds >= self.min_age_seconds
            && !(self.spares_me && client.id == cx.client.id)
    }
}
