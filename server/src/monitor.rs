//! `MONITOR`: every command, shown to those who asked.

use protocol::Args;

use crate::clients::{Client, Clients, State};
use crate::command::table::Entry;
use crate::spec::Flags;

/// A monitor that reads so slowly that so much gathers is closed.
const LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// Shows commands.
#[derive(Debug)]
pub struct Monitor;

impl Monitor {
    /// Sends one command to all who monitor: `+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`.
    pub fn show(
        &self,
        clients: &Clients,
        client: &Client,
        now_us: i64,
        entry: &Entry,
        args: &Args<'_>,
    ) {
        if entry.flags().intersects(Flags::SKIP_MONITOR | Flags::ADMIN) {
            return;
        }
        let mut line = format!(
            "+{}.{:06} [{} {}]",
            now_us / 1_000_000,
            now_us % 1_000_000,
            client.db(),
            client.addr
        )
        .into_bytes();
        for (index, word) in args.iter().enumerate() {
            line.push(b' ');
            if is_secret(entry, args, index) {
                line.extend_from_slice(b"\"(redacted)\"");
            } else {
                quote(word, &mut line);
            }
        }
        line.extend_from_slice(b"\r\n");
        for monitor in clients.all().into_iter().filter(|it| it.is(State::MONITOR)) {
            monitor.post(&line, LIMIT_BYTES);
        }
    }
}

/// Whether the word is a password.
pub fn is_secret(entry: &Entry, args: &Args<'_>, index: usize) -> bool {
    match entry.full_name.as_str() {
        "auth" => index > 0,
        "hello" => {
            let before = |back: usize| index.checked_sub(back).and_then(|at| args.get(at));
            let is_auth =
                |word: Option<&[u8]>| word.is_some_and(|it| it.eq_ignore_ascii_case(b"auth"));
            index > 2 && (is_auth(before(1)) || is_auth(before(2)))
        }
        _ => false,
    }
}

/// Writes a word as a quoted string, as Redis' `sdscatrepr`.
pub fn quote(word: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            7 => out.extend_from_slice(b"\\a"),
            8 => out.extend_from_slice(b"\\b"),
            0x20..=0x7e => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}
