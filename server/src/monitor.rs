//! `MONITOR`: every command, shown to those who asked.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{Args, quote};

use crate::clients::{Client, Clients, Postage, Posted};
use crate::command::table::Entry;

/// Who sends a command.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// The client itself.
    Client(&'a Client),
    /// A script of this client.
    Script(&'a Client),
}

impl<'a> Caller<'a> {
    /// The client, also of a script.
    pub fn client(self) -> &'a Client {
        match self {
            Caller::Client(client) | Caller::Script(client) => client,
        }
    }
}

/// Shows commands.
#[derive(Debug)]
pub struct Monitor;

impl Monitor {
    /// Sends one command to all who monitor: `+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`.
    ///
    /// Those for whom too much would wait then get nothing and are given back: they read too slowly.
    pub fn show(
        &self,
        clients: &Clients,
        caller: Caller<'_>,
        now_us: i64,
        entry: &Entry,
        args: &Args<'_>,
        postage: Postage,
    ) -> Vec<Arc<Client>> {
        let line = Bytes::from(line(caller, now_us, entry, args));
        let mut monitors = clients.monitors();
        monitors.retain(|monitor| monitor.post(&line, postage) == Posted::TooMuch);
        monitors
    }
}

fn line(caller: Caller<'_>, now_us: i64, entry: &Entry, args: &Args<'_>) -> Vec<u8> {
    let (seconds, micros) = (now_us.div_euclid(1_000_000), now_us.rem_euclid(1_000_000));
    let head = format!(
        "+{seconds}.{micros:06} [{} {}]",
        caller.client().db(),
        origin(caller)
    );
    let mut line = head.into_bytes();
    for (index, word) in args.iter().enumerate() {
        line.push(b' ');
        if is_secret(entry, args, index) {
            line.extend_from_slice(b"\"(redacted)\"");
        } else {
            quote(word, &mut line);
        }
    }
    line.extend_from_slice(b"\r\n");
    line
}

/// `ip:port`, `unix:path`, or `lua`.
fn origin(caller: Caller<'_>) -> String {
    let client = match caller {
        Caller::Script(_) => return "lua".to_owned(),
        Caller::Client(client) => client,
    };
    if client.is(crate::clients::State::UNIX_SOCKET) {
        format!(
            "unix:{}",
            client.addr.strip_suffix(":0").unwrap_or(&client.addr)
        )
    } else {
        client.addr.clone()
    }
}

/// Whether the word is a name or password that Redis keeps out of logs.
///
/// It hides what its parser takes for one: nothing of a request that is wrong before that.
pub fn is_secret(entry: &Entry, args: &Args<'_>, index: usize) -> bool {
    match entry.full_name.as_str() {
        "auth" => index > 0 && args.len() <= 3,
        "acl|setuser" | "acl|getuser" | "acl|deluser" => index > 1,
        "hello" => index > 2 && is_hello_secret(args, index),
        "migrate" => index > 6 && is_migrate_secret(args, index),
        "config|set" => index > 2 && !index.is_multiple_of(2) && is_sensitive(args.get(index - 1)),
        _ => false,
    }
}

/// Whether it names an option that holds a secret.
fn is_sensitive(option: Option<&[u8]>) -> bool {
    let named = option.and_then(crate::config::options::find);
    named.is_some_and(|named| named.id.spec().traits.is_sensitive)
}

fn is_migrate_secret(args: &Args<'_>, index: usize) -> bool {
    let is = |at: usize, word: &[u8]| args.get(at).is_some_and(|it| it.eq_ignore_ascii_case(word));
    let mut at = 6;
    while at < index {
        let secrets = match () {
            () if is(at, b"COPY") || is(at, b"REPLACE") => 0,
            () if is(at, b"AUTH") && at + 1 < args.len() => 1,
            () if is(at, b"AUTH2") && at + 2 < args.len() => 2,
            () => return false,
        };
        at += 1 + secrets;
        if index < at {
            return true;
        }
    }
    false
}

fn is_hello_secret(args: &Args<'_>, index: usize) -> bool {
    let is = |at: usize, word: &[u8]| args.get(at).is_some_and(|it| it.eq_ignore_ascii_case(word));
    if !is(1, b"2") && !is(1, b"3") {
        return false;
    }
    let mut at = 2;
    while at < index {
        at += match () {
            () if is(at, b"AUTH") && at + 2 < args.len() => {
                if index <= at + 2 {
                    return true;
                }
                3
            }
            () if is(at, b"SETNAME") => 2,
            () => return false,
        };
    }
    false
}
