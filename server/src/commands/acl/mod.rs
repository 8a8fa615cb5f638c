//! `ACL`: users, and what they may do.

mod file;
mod log;
mod user;

use std::sync::Arc;

use crate::acl::{Naming, Rules, User};
use crate::clients::{Client, State, Topic};
use crate::command::error::{shown, shown_up_to};
use crate::command::table::Entry;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::process;
use crate::spec::{Acl, Group, Spec, flags};

/// The family.
pub const COMMANDS: &[Command] = &[ACL];

const BASE: Spec = Spec {
    group: Group::Server,
    since: "6.0.0",
    flags: flags!(ADMIN | NOSCRIPT | LOADING | STALE),
    ..Spec::EMPTY
};

/// What all nodes of a cluster are to do.
const EVERYWHERE: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

const ACL: Command = Spec {
    name: "ACL",
    usage: "arity -2;",
    summary: "A container for Access List Control commands.",
    complexity: "Depends on subcommand.",
    flags: crate::spec::Flags::empty(),
    ..BASE
}
.container(&[
    CAT,
    user::DELUSER,
    DRYRUN,
    GENPASS,
    user::GETUSER,
    HELP,
    user::LIST,
    file::LOAD,
    log::LOG,
    file::SAVE,
    user::SETUSER,
    user::USERS,
    WHOAMI,
]);

const CAT: Command = Spec {
    name: "CAT",
    usage: "[category]",
    summary: "Lists the ACL categories, or the commands inside a category.",
    complexity: "O(1) since the categories and commands are a fixed set.",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(cat);
fn cat(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    match args.len() {
        2 => {
            let out = cx.reply.array(Acl::NAMES.len());
            for (_, name) in Acl::NAMES {
                out.bulk(name.as_bytes());
            }
        }
        3 => {
            let name = args.word(2)?;
            let category =
                Acl::named(name).ok_or_else(|| Error::UnknownCategory(shown_up_to(name, 128)))?;
            let catalogue = &cx.server.acl.catalogue;
            let commands: Vec<usize> = catalogue.of_category(category).collect();
            let out = cx.reply.array(commands.len());
            for id in commands {
                out.bulk(catalogue.name(id).as_bytes());
            }
        }
        _ => return Err(Error::subcommand_syntax(args, "ACL")),
    }
    Ok(Outcome::Done)
}

const DRYRUN: Command = Spec {
    name: "DRYRUN",
    usage: "username command [arg...]",
    summary: "Simulates the execution of a command by a user, without executing the command.",
    since: "7.0.0",
    complexity: "O(1).",
    ..BASE
}
.run(dryrun);
fn dryrun(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let name = args.word(2)?;
    let user = cx.server.acl.user(name);
    let user = user.ok_or_else(|| Error::UserNotFound(shown(name)))?;
    let request = args.from(3);
    let entry = requested(cx, &request)?;
    if !entry.accepts(request.len()) {
        return Err(Error::WrongArity(entry.full_name.clone()));
    }
    match user.rules().check(entry, &request) {
        Ok(()) => cx.reply.ok(),
        Err(denied) => {
            use crate::acl::Reason;
            let object = request.get(denied.index).unwrap_or_default();
            let parts: [&[u8]; 3] = match denied.reason {
                Reason::Command | Reason::Auth => {
                    [b"run the '", entry.full_name.as_bytes(), b"' command"]
                }
                Reason::Key => [b"access the '", object, b"' key"],
                Reason::Channel => [b"access the '", object, b"' channel"],
            };
            let start = [b"User ", name, b" has no permissions to "].concat();
            cx.reply.bulk(&[start, parts.concat()].concat())
        }
    }
}

/// The command that a request is for.
fn requested(cx: &Ctx<'_>, request: &Args<'_>) -> Result<&'static Entry> {
    let name = request.word(0)?;
    let entry = cx.server.commands.find(name);
    let entry = match (entry, request.get(1)) {
        (Some(entry), Some(sub)) if !entry.subcommands.is_empty() => {
            let sub = String::from_utf8_lossy(sub).to_ascii_lowercase();
            entry.subcommands.get(&sub)
        }
        (entry, _) => entry,
    };
    entry.ok_or_else(|| Error::CommandNotFound(shown(name)))
}

const GENPASS: Command = Spec {
    name: "GENPASS",
    usage: "[bits:integer]",
    summary: "Generates a pseudorandom, secure password that can be used to identify ACL users.",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(genpass);

/// The longest password that is made.
const GENPASS_BITS: usize = 4096;

/// As many hexadecimal digits as hold so many bits.
fn genpass(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let bits = match args.len() {
        2 => 256,
        3 => usize::try_from(args.integer(2)?)
            .ok()
            .filter(|bits| (1..=GENPASS_BITS).contains(bits))
            .ok_or(Error::GenpassBits(GENPASS_BITS))?,
        _ => return Err(Error::subcommand_syntax(args, "ACL")),
    };
    let mut random = [0; GENPASS_BITS / 8];
    process::fill_with_secrets(&mut random)
        .map_err(|error| Error::Text(format!("ERR No random bytes from the system: {error}")))?;
    let digits = random.iter().map(|byte| format!("{byte:02x}"));
    let digits: String = digits.collect();
    cx.reply.bulk(&digits.as_bytes()[..bits.div_ceil(4)])
}

const WHOAMI: Command = Spec {
    name: "WHOAMI",
    summary: "Returns the authenticated username of the current connection.",
    flags: flags!(NOSCRIPT | LOADING | STALE),
    ..BASE
}
.run(whoami);
fn whoami(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    match cx.client.user() {
        Some(user) => cx.reply.bulk(user.name()),
        None => cx.reply.nil(),
    }
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);
fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help("ACL", HELP_LINES)
}

const HELP_LINES: &[&str] = &[
    "CAT [<category>]",
    "    List all commands that belong to <category>, or all command categories",
    "    when no category is specified.",
    "DELUSER <username> [<username> ...]",
    "    Delete a list of users.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Returns whether the user can execute the given command without executing the command.",
    "GETUSER <username>",
    "    Get the user's details.",
    "GENPASS [<bits>]",
    "    Generate a secure 256-bit user password. The optional `bits` argument can",
    "    be used to specify a different size.",
    "LIST",
    "    Show users details in config file format.",
    "LOAD",
    "    Reload users from the ACL file.",
    "LOG [<count> | RESET]",
    "    Show the ACL log entries.",
    "SAVE",
    "    Save the current config to the ACL file.",
    "SETUSER <username> <attribute> [<attribute> ...]",
    "    Create or modify a user with the specified attributes.",
    "USERS",
    "    List all the registered usernames.",
    "WHOAMI",
    "    Return the current connection username.",
];

/// Closes the connections of a user that is gone.
fn close_clients_of(cx: &Ctx<'_>, user: &Arc<User>) {
    let clients = cx.server.clients.all();
    let theirs = clients.iter().filter(|client| client.is_user(user));
    theirs.for_each(|client| close(cx, client));
}

/// Closes the connections of a user that have subscribed to what it may not use any more.
fn close_subscribers_of(cx: &Ctx<'_>, user: &Arc<User>, before: &Rules) {
    let rules = user.rules();
    if cx.server.pubsub.client_count() == 0 || !rules.lacks_channels_of(before) {
        return;
    }
    for client in cx.server.clients.all() {
        if client.is_user(user) && !may_stay_subscribed(&client, &rules) {
            close(cx, &client);
        }
    }
}

fn may_stay_subscribed(client: &Client, rules: &Rules) -> bool {
    let subscriptions = client.subscriptions();
    Topic::ALL.into_iter().all(|topic| {
        let naming = match topic {
            Topic::Pattern => Naming::Pattern,
            Topic::Channel | Topic::Shard => Naming::Literal,
        };
        let names = subscriptions.names(topic);
        names.iter().all(|name| rules.may_use_channel(name, naming))
    })
}

/// Closes a connection; the one that asked for it when it has its reply.
fn close(cx: &Ctx<'_>, client: &Arc<Client>) {
    if client.id == cx.client.id {
        client.set(State::CLOSE_AFTER_REPLY, true);
    } else {
        cx.server.kill(client);
    }
}
