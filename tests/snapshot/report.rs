//! What `INFO persistence` says while something is written, and afterwards.

use super::wait_until;
use crate::support::{Client, Kind, Server};

/// Slow enough to be looked at.
const FLAGS: &[&str] = &["--appendonly", "yes", "--rdb-key-save-delay", "50000"];

/// Fields whose values differ from run to run, or that tell of copies of pages in Redis and of entries here.
const VARYING: &[&str] = &[
    "current_cow_peak",
    "current_cow_size",
    "current_cow_size_age",
    "current_fork_perc",
    "current_save_keys_processed",
    "rdb_last_save_time",
    "rdb_last_bgsave_time_sec",
    "rdb_current_bgsave_time_sec",
    "rdb_last_cow_size",
    "aof_last_rewrite_time_sec",
    "aof_current_rewrite_time_sec",
    "aof_last_cow_size",
    "aof_current_size",
    "aof_base_size",
    "aof_buffer_length",
    "aof_pending_bio_fsync",
];

/// Fields of Keytag alone.
const OWN: &str = "aof_quarantined_";

/// All fields in their order, with the values of those that have one to compare.
fn report(client: &mut Client, when: &str) -> Vec<String> {
    let text = client.line("INFO persistence").text();
    let lines = text.lines().filter(|line| !line.starts_with(OWN));
    let lines = lines.map(|line| {
        let (name, _) = line.split_once(':').unwrap_or((line, ""));
        let shown = if VARYING.contains(&name) { name } else { line };
        format!("{when}: {shown}")
    });
    lines.collect()
}

/// Changes keys that are not written yet, and those that are.
fn change(client: &mut Client, value: &str) {
    let script = format!("EVAL \"for i=1,300 do redis.call('SET','key:'..i,'{value}') end\" 0");
    client.line(&script);
}

#[test]
fn it_says_what_redis_says() {
    let reports = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, FLAGS);
        let mut client = server.connect();
        let mut said = report(&mut client, "at first");
        change(&mut client, "first");
        for (command, running, copied) in [
            ("BGSAVE", "rdb_bgsave_in_progress", "rdb_last_cow_size"),
            (
                "BGREWRITEAOF",
                "aof_rewrite_in_progress",
                "aof_last_cow_size",
            ),
        ] {
            client.line(command);
            wait_until(&server, "it does not begin", || {
                client.info_number(running) == 1
            });
            change(&mut client, command);
            said.extend(report(&mut client, command));
            if kind == Kind::Keytag {
                // What was saved is written soon, and then it is in memory no more.
                let now = client.info_number("current_cow_size");
                let peak = client.info_number("current_cow_peak");
                assert!(peak > 0 && peak >= now, "{now} of {peak}");
            }
            client.line("CONFIG SET rdb-key-save-delay 0");
            wait_until(&server, "it does not end", || {
                client.info_number(running) == 0
            });
            said.extend(report(&mut client, &format!("after {command}")));
            assert!(client.info_number(copied) > 0, "{kind:?}: {copied}");
            assert_eq!(client.info_number("current_cow_size"), 0);
            client.line("CONFIG SET rdb-key-save-delay 50000");
        }
        client.line("CONFIG SET appendonly no");
        said.extend(report(&mut client, "without a log"));
        said
    });
    assert_eq!(reports[0], reports[1]);
}
