//! When the disk fails: what clients are told, what goes on working, and that nothing acknowledged is lost.
//!
//! The same happens to a real Redis, and what both say is compared, except where Keytag keeps what Redis gives up.

mod append;
mod directory;
mod rewrite;
mod shutdown;
mod snapshot;
mod turning_on;

use std::fs;
use std::path::Path;

use crate::snapshot::wait_until;
use crate::support::{Client, Faults, Kind, Server, is_full_run, keyspace, seed};

const EVERYSEC: &[&str] = &["--appendonly", "yes", "--appendfsync", "everysec"];

/// The replies to lines, each behind its line.
fn say(client: &mut Client, lines: &[&str]) -> Vec<String> {
    let reply = |line: &&str| format!("{line}: {}", client.line(line));
    lines.iter().map(reply).collect()
}

/// Waits until a field of INFO has a value.
fn wait_for(server: &Server, field: &str, value: &str) {
    let mut client = server.connect();
    wait_until(server, &format!("{field} is never {value}"), || {
        client.info(field).as_deref() == Some(value)
    });
}

/// Waits until no rewrite of the log runs or is about to.
fn wait_for_rewrite(server: &Server) {
    wait_for(server, "aof_rewrite_scheduled", "0");
    wait_for(server, "aof_rewrite_in_progress", "0");
}

/// Fields of `INFO persistence`, with their names.
fn fields(client: &mut Client, names: &[&str]) -> Vec<String> {
    let field = |name: &&str| format!("{name}: {:?}", client.info(name));
    names.iter().map(field).collect()
}

/// What a server has complained about since, without what differs from process to process.
fn complaints(server: &Server, since: usize) -> Vec<String> {
    let log = server.log();
    let lines = log[since..].lines();
    // Process and role, day, month, year, time, and then how grave it is.
    let texts = lines.filter_map(|line| line.splitn(6, ' ').nth(5));
    texts
        .filter_map(|text| text.strip_prefix("# "))
        .filter(|text| !text.starts_with("WARNING"))
        .map(|text| {
            let own = text.replace(&server.pid().to_string(), "PID");
            own.replace(&server.dir().display().to_string(), "DIR")
        })
        .collect()
}

/// Names of the files in a directory, in order.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.map(|it| name(it.expect("listed"))).collect();
    names.sort();
    names
}

/// A real Redis on a copy of the log as it is at this moment.
fn redis_on_copy(server: &Server) -> Server {
    start_on_copy(Kind::Oracle, &server.dir())
}

/// A server on a copy of the log that is in a working directory.
fn start_on_copy(kind: Kind, dir: &Path) -> Server {
    let from = dir.join("appendonlydir");
    Server::start_on(kind, &["--appendonly", "yes"], |dir| {
        let to = dir.join("appendonlydir");
        fs::create_dir(&to).expect("a directory");
        for name in names(&from) {
            fs::copy(from.join(&name), to.join(&name)).expect("copied");
        }
    })
}

/// Compares all that a Redis reads of the log as it is at this moment.
fn assert_loads(server: &Server, when: &str) {
    let mut ours = keyspace::read(&mut server.connect());
    let redis = redis_on_copy(server);
    let mut theirs = keyspace::read(&mut redis.connect());
    for entry in ours.values_mut().chain(theirs.values_mut()) {
        entry.encoding.clear();
    }
    keyspace::assert_same(&ours, &theirs, when);
}

/// Waits until what has been answered is on disk.
fn settle(client: &mut Client) {
    assert_eq!(client.line("WAITAOF 1 0 20000").items()[0].integer(), 1);
}

/// Does the same with Keytag and with Redis and compares what is said.
fn alike(play: impl Fn(Kind, &Faults) -> Vec<String>) {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| play(kind, &Faults::none()));
    assert_eq!(ours, theirs);
}

/// All cases in a full run, and otherwise two, each time others.
fn some_of<'a>(cases: &'a [&'static str]) -> Vec<&'a str> {
    let mut rng = fastrand::Rng::with_seed(seed());
    match is_full_run() {
        true => cases.to_vec(),
        false => rng.choose_multiple(cases.iter().copied(), 2),
    }
}
