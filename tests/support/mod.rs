//! What every test stands on: servers, clients, replies and transcripts.

pub(crate) mod client;
pub(crate) mod faults;
pub(crate) mod keyspace;
pub(crate) mod logged;
pub(crate) mod reply;
pub(crate) mod sequence;
pub(crate) mod server;
pub(crate) mod tools;
pub(crate) mod transcript;
pub(crate) mod words;

pub(crate) use client::Client;
pub(crate) use faults::Faults;
pub(crate) use reply::Reply;
pub(crate) use sequence::sequence;
pub(crate) use server::{Kind, Server};
pub(crate) use transcript::transcript;

/// Whether the long campaigns are asked for (`KEYTAG_FULL=1`).
pub(crate) fn is_full_run() -> bool {
    std::env::var("KEYTAG_FULL").is_ok_and(|value| value == "1")
}

/// A number from the environment, or its default.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")),
        Err(_) => default,
    }
}

/// The seed of a random test: `KEYTAG_SEED`, or a new one; printed, so that a failure can be repeated.
pub(crate) fn seed() -> u64 {
    let seed = setting("KEYTAG_SEED", fastrand::u64(..));
    println!("KEYTAG_SEED={seed}");
    seed
}

/// Says the lines to both servers: replies, changes, hits and misses must be the same behind each.
pub(crate) fn assert_counted_alike(lines: &[&str]) {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        let counted = lines.iter().map(|line| {
            let reply = client.line(line).to_string();
            let counts = [
                "rdb_changes_since_last_save",
                "keyspace_hits",
                "keyspace_misses",
            ];
            (*line, reply, counts.map(|count| client.info_number(count)))
        });
        counted.collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
}
