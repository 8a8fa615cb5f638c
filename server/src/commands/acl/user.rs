//! `ACL SETUSER`, `GETUSER`, `DELUSER`, `LIST` and `USERS`.

use protocol::Encoder;

use super::{BASE, EVERYWHERE, close_clients_of, close_subscribers_of};
use crate::acl::{Changed, DEFAULT_USER, Selector, SetError, has_space};
use crate::command::error::shown;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::Spec;

pub const SETUSER: Command = Spec {
    name: "SETUSER",
    usage: "username [rule...]",
    summary: "Creates and modifies an ACL user and its rules.",
    complexity: "O(N). Where N is the number of rules provided.",
    tips: EVERYWHERE,
    history: &[
        ("6.2.0", "Added Pub/Sub channel patterns."),
        ("7.0.0", "Added selectors and key based permissions."),
    ],
    ..BASE
}
.run(setuser);
fn setuser(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let name = args.word(2)?;
    if has_space(name) {
        return Err(Error::UserName);
    }
    let rules: Vec<&[u8]> = args.from(3).iter().collect();
    let acl = &cx.server.acl;
    let basis = acl.basis(cx.server.settings.gives_all_channels());
    let changed = acl.set(name, &rules, &basis).map_err(|error| match error {
        SetError::Unmatched(word) => Error::AclSelector(shown(&word)),
        SetError::Rule(rule, reason) => Error::AclRule {
            rule: shown(&rule),
            reason: reason.to_string(),
        },
    })?;
    if let Some(Changed { user, before }) = changed {
        close_subscribers_of(cx, &user, &before);
    }
    cx.reply.ok()
}

pub const GETUSER: Command = Spec {
    name: "GETUSER",
    usage: "username",
    summary: "Lists the ACL rules of a user.",
    complexity: "O(N). Where N is the number of password, command and pattern rules that the user has.",
    history: &[
        ("6.2.0", "Added Pub/Sub channel patterns."),
        (
            "7.0.0",
            "Added selectors and changed the format of key and channel patterns from a list to \
            their rule representation.",
        ),
    ],
    ..BASE
}
.run(getuser);
fn getuser(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let Some(user) = cx.server.acl.user(args.word(2)?) else {
        return cx.reply.nil();
    };
    let rules = user.rules();
    let out = cx.reply.map(6);
    out.bulk(b"flags");
    let flags: Vec<_> = rules.flags().collect();
    out.set(flags.len());
    flags.iter().for_each(|flag| out.bulk(flag.as_bytes()));
    out.bulk(b"passwords");
    out.array(rules.passwords().len());
    rules.passwords().iter().for_each(|hash| out.bulk(hash));
    write_selector(out, rules.root());
    out.bulk(b"selectors");
    out.array(rules.selectors().len());
    for selector in rules.selectors() {
        out.map(3);
        write_selector(out, selector);
    }
    Ok(Outcome::Done)
}

/// Three pairs.
fn write_selector(out: &mut Encoder<'_>, selector: &Selector) {
    for (name, rules) in [
        ("commands", selector.commands.describe()),
        ("keys", selector.keys.describe()),
        ("channels", selector.channels.describe()),
    ] {
        out.bulk(name.as_bytes());
        out.bulk(&rules);
    }
}

pub const DELUSER: Command = Spec {
    name: "DELUSER",
    usage: "username...",
    summary: "Deletes ACL users, and terminates their connections.",
    complexity: "O(1) amortized time considering the typical user.",
    tips: EVERYWHERE,
    ..BASE
}
.run(deluser);
fn deluser(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let names = args.from(2);
    if names.iter().any(|name| name == DEFAULT_USER) {
        return Err(Error::DefaultUser);
    }
    let mut removed = 0;
    for name in names.iter() {
        if let Some(user) = cx.server.acl.remove(name) {
            close_clients_of(cx, &user);
            removed += 1;
        }
    }
    cx.reply.count(removed)
}

pub const LIST: Command = Spec {
    name: "LIST",
    summary: "Dumps the effective rules in ACL file format.",
    complexity: "O(N). Where N is the number of configured users.",
    ..BASE
}
.run(list);
fn list(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let users = cx.server.acl.users();
    let out = cx.reply.array(users.len());
    for user in users {
        out.bulk(&[b"user ", &user.describe()[..]].concat());
    }
    Ok(Outcome::Done)
}

pub const USERS: Command = Spec {
    name: "USERS",
    summary: "Lists all ACL users.",
    complexity: "O(N). Where N is the number of configured users.",
    ..BASE
}
.run(users);
fn users(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let users = cx.server.acl.users();
    let out = cx.reply.array(users.len());
    users.iter().for_each(|user| out.bulk(user.name()));
    Ok(Outcome::Done)
}
