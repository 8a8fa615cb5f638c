//! `CLIENT` and its subcommands.

mod kill;
mod list;
mod modes;
mod tracking;

use protocol::number;

use self::kill::KILL;
use self::list::{INFO, LIST};
use self::modes::{NO_EVICT, NO_TOUCH, PAUSE, REPLY, UNPAUSE};
use self::tracking::{CACHING, GETREDIR, TRACKING, TRACKINGINFO};
use crate::clients::{Names, Unblock, is_plain};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Acl, Group, Spec, acl, flags};

/// The family.
pub const COMMANDS: &[Command] = &[CLIENT];

const BASE: Spec = Spec {
    group: Group::Connection,
    acl: acl!(CONNECTION),
    ..Spec::EMPTY
};

const CLIENT: Command = Spec {
    name: "CLIENT",
    usage: "arity -2;",
    summary: "A container for client connection commands.",
    since: "2.4.0",
    complexity: "Depends on subcommand.",
    acl: Acl::empty(),
    ..BASE
}
.container(&[
    CACHING,
    GETNAME,
    GETREDIR,
    HELP,
    ID,
    INFO,
    KILL,
    LIST,
    NO_EVICT,
    NO_TOUCH,
    PAUSE,
    REPLY,
    SETINFO,
    SETNAME,
    TRACKING,
    TRACKINGINFO,
    UNBLOCK,
    UNPAUSE,
]);

const GETNAME: Command = Spec {
    name: "GETNAME",
    summary: "Returns the name of the connection.",
    since: "2.6.9",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(getname);
fn getname(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let name = cx.client.names().name;
    if name.is_empty() {
        cx.reply.nil()
    } else {
        cx.reply.bulk(&name)
    }
}

const ID: Command = Spec {
    name: "ID",
    summary: "Returns the unique client ID of the connection.",
    since: "5.0.0",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(id);
fn id(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.integer(cx.client.id.cast_signed())
}

const SETNAME: Command = Spec {
    name: "SETNAME",
    usage: "connection-name",
    summary: "Sets the connection name.",
    since: "2.6.9",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..BASE
}
.run(setname);
fn setname(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let name = args.word(2)?;
    if !is_plain(name) {
        return Err(Error::ClientName);
    }
    cx.client.rename(|names| names.name = name.to_vec());
    cx.reply.ok()
}

const SETINFO: Command = Spec {
    name: "SETINFO",
    usage: "attr(LIB-NAME libname | LIB-VER libver)",
    summary: "Sets information specific to the client or connection.",
    since: "7.2.0",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..BASE
}
.run(setinfo);
fn setinfo(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (attribute, value) = (args.word(2)?, args.word(3)?);
    let place: fn(&mut Names) -> &mut Vec<u8> = if args.is(2, "LIB-NAME") {
        |names| &mut names.lib_name
    } else if args.is(2, "LIB-VER") {
        |names| &mut names.lib_version
    } else {
        return Err(Error::UnrecognizedOption(shown(attribute)));
    };
    if !is_plain(value) {
        return Err(Error::ClientAttribute(shown(attribute)));
    }
    cx.client.rename(|names| *place(names) = value.to_vec());
    cx.reply.ok()
}

const UNBLOCK: Command = Spec {
    name: "UNBLOCK",
    usage: "client-id:integer [unblock-type(TIMEOUT|ERROR)]",
    summary: "Unblocks a client blocked by a blocking command from a different connection.",
    since: "5.0.0",
    complexity: "O(log N) where N is the number of client connections",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(unblock);
/// A client that waits for the end of a pause is not unblocked: there is no reply to give it. (7.4.1 itself
/// crashes there; later versions answer 0 as well.)
fn unblock(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let how = match args.len() {
        3 => Unblock::Timeout,
        4 if args.is(3, "TIMEOUT") => Unblock::Timeout,
        4 if args.is(3, "ERROR") => Unblock::Error,
        4 => return Err(Error::UnblockReason),
        _ => return Err(Error::subcommand_syntax(args, "CLIENT")),
    };
    let id = args.integer(2)?;
    let client = u64::try_from(id)
        .ok()
        .and_then(|id| cx.server.clients.get(id));
    cx.reply
        .integer(i64::from(client.is_some_and(|client| client.unblock(how))))
}

/// `ON` or `OFF`.
fn is_on(args: &Args<'_>, index: usize) -> Result<bool> {
    match args {
        _ if args.is(index, "ON") => Ok(true),
        _ if args.is(index, "OFF") => Ok(false),
        _ => Err(Error::Syntax),
    }
}

fn number_at(args: &Args<'_>, index: usize) -> Option<i64> {
    args.get(index).and_then(number::parse_i64)
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "5.0.0",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);
fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help("CLIENT", HELP_LINES)
}

const HELP_LINES: &[&str] = &[
    "CACHING (YES|NO)",
    "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
    "GETREDIR",
    "    Return the client ID we are redirecting to when tracking is enabled.",
    "GETNAME",
    "    Return the name of the current connection.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made from the specified address",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made to specified local address",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Kill connections by type.",
    "    * USER <username>",
    "      Kill connections authenticated by <username>.",
    "    * SKIPME (YES|NO)",
    "      Skip killing current connection (default: yes).",
    "    * ID <client-id>",
    "      Kill connections by client id.",
    "    * MAXAGE <maxage>",
    "      Kill connections older than the specified age.",
    "LIST [options ...]",
    "    Return information about client connections. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Return clients of specified type.",
    "UNPAUSE",
    "    Stop the current client pause, resuming traffic.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Suspend all, or just write, clients for <timeout> milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "SETINFO <option> <value>",
    "    Set client meta attr. Options are:",
    "    * LIB-NAME: the client lib name.",
    "    * LIB-VER: the client lib version.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Unblock the specified blocked client.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "    Control server assisted client side caching.",
    "TRACKINGINFO",
    "    Report tracking status for the current connection.",
    "NO-EVICT (ON|OFF)",
    "    Protect current client connection from eviction.",
    "NO-TOUCH (ON|OFF)",
    "    Will not touch LRU/LFU stats when this mode is on.",
];
