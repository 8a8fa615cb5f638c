//! `CLIENT LIST` and `CLIENT INFO`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{BASE, number_at};
use crate::clients::{Class, Client};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Spec, flags};

pub const LIST: Command = Spec {
    name: "LIST",
    usage: "[TYPE client-type(NORMAL|MASTER|REPLICA|PUBSUB)@5.0.0] [ID client-id:integer...@6.2.0]",
    summary: "Lists open connections.",
    since: "2.4.0",
    complexity: "O(N) where N is the number of client connections",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    tips: &["nondeterministic_output"],
    history: &[
        ("2.8.12", "Added unique client `id` field."),
        ("5.0.0", "Added optional `TYPE` filter."),
        ("6.0.0", "Added `user` field."),
        (
            "6.2.0",
            "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional \
            `ID` filter.",
        ),
        (
            "7.0.0",
            "Added `resp`, `multi-mem`, `rbs` and `rbp` fields.",
        ),
        ("7.0.3", "Added `ssub` field."),
    ],
    ..BASE
}
.run(list);
fn list(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let clients = chosen(cx, args)?;
    let text = lines_of(cx, args, clients.iter());
    cx.reply.verbatim("txt", &text)
}

fn chosen(cx: &Ctx<'_>, args: &Args<'_>) -> Result<Vec<Arc<Client>>> {
    let clients = &cx.server.clients;
    match args.len() {
        2 => Ok(clients.all()),
        4 if args.is(2, "TYPE") => {
            let name = args.word(3)?;
            let class = Class::of_name(name).ok_or_else(|| Error::ClientType(shown(name)))?;
            Ok(clients
                .all()
                .into_iter()
                .filter(|client| client.class() == class)
                .collect())
        }
        4.. if args.is(2, "ID") => {
            let ids = (3..args.len()).map(|index| number_at(args, index).ok_or(Error::ClientId));
            let ids = ids.collect::<Result<Vec<i64>>>()?;
            Ok(ids
                .into_iter()
                .filter_map(|id| clients.get(u64::try_from(id).ok()?))
                .collect())
        }
        _ => Err(Error::Syntax),
    }
}

pub const INFO: Command = Spec {
    name: "INFO",
    summary: "Returns information about the connection.",
    since: "6.2.0",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    tips: &["nondeterministic_output"],
    ..BASE
}
.run(info);
fn info(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let text = lines_of(cx, args, std::iter::once(cx.client));
    cx.reply.verbatim("txt", &text)
}

fn lines_of<'c>(
    cx: &Ctx<'_>,
    args: &Args<'_>,
    clients: impl Iterator<Item = &'c Arc<Client>>,
) -> Vec<u8> {
    // Of all clients only the one that asks is seen to hold the words of a command: the others are
    // between two, or hide what they do.
    let argument_bytes = &cx.client.gauges.argument_bytes;
    argument_bytes.store(args.size_bytes(), Ordering::Relaxed);
    let mut text = Vec::new();
    for client in clients {
        text.extend(client.line(cx.server.commands.full_names(), cx.now_ms()));
        text.push(b'\n');
    }
    argument_bytes.store(0, Ordering::Relaxed);
    text
}
