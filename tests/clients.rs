//! Real clients and the libraries built on them, driven against the server.
//!
//! The scenarios stand in `tests/clients/`; `scripts/prepare` installs what they need. Those of libraries are played
//! on a real Redis as well, so that a scenario that asks for what no Redis does is found out.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::{Kind, Server, tools::root};

/// How long a scenario may take: it bounds one that would never end.
const PATIENCE: Duration = Duration::from_secs(120);

/// Plays a scenario; while it runs, it may ask for the server to be stopped and started.
fn play(mut command: Command, server: &mut Server) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{command:?}: {error}; scripts/prepare installs what is missing")
        });
    let mut answers = child.stdin.take().expect("piped");
    let lines = lines_of(&mut child);
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                match line.as_str() {
                    "stop" => drop(server.terminate()),
                    "start" => server.start_again(),
                    other => println!("{other}"),
                }
                // The scenario may have ended: its exit code tells how.
                let _ = writeln!(answers, "{line} done");
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!(
                    "{command:?} on {:?} takes longer than {PATIENCE:?}",
                    server.kind()
                );
            }
        }
    }
    let mut errors = String::new();
    let _ = child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut errors);
    let status = child.wait().expect("the child is ours");
    if !status.success() {
        let complaint = format!("{command:?} on {:?}: {status}\n{errors}", server.kind());
        // At once, too, and not only in the summary: of a long run that may be cut off.
        let _ = writeln!(std::io::stderr(), "{complaint}");
        panic!("{complaint}");
    }
}

fn lines_of(child: &mut Child) -> mpsc::Receiver<String> {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The program that plays a scenario of a file, by the language it is written in.
fn player(file: &str, scenario: &str, server: &Server) -> Command {
    let mut command = if file.ends_with(".js") {
        Command::new("node")
    } else {
        let mut python = Command::new(root().join("target/clients-python/bin/python"));
        // No compiled files beside the sources.
        python.arg("-B");
        python
    };
    command
        .arg(root().join("tests/clients").join(file))
        .arg(server.port().to_string())
        .arg(scenario);
    command
}

fn ioredis(scenario: &str, flags: &[&str]) {
    let mut server = Server::keytag(flags);
    play(player("ioredis.js", scenario, &server), &mut server);
}

fn redis_py(scenario: &str, flags: &[&str]) {
    let mut server = Server::keytag(flags);
    play(player("redis_py.py", scenario, &server), &mut server);
}

/// Plays a scenario on the server and on a real Redis.
fn on_both(file: &str, scenario: &str) {
    for kind in [Kind::Keytag, Kind::Oracle] {
        println!("{file} {scenario} on {kind:?}");
        let mut server = Server::start(kind, &[]);
        play(player(file, scenario, &server), &mut server);
    }
}

const APPLICATION: &[&str] = &[
    "--appendonly",
    "yes",
    "--maxmemory",
    "256mb",
    "--maxmemory-policy",
    "allkeys-lru",
];

#[test]
fn ioredis_caches_reads_with_strategies() {
    ioredis("cache", APPLICATION);
}

#[test]
fn ioredis_deletes_by_pattern() {
    ioredis("patterns", APPLICATION);
}

#[test]
fn ioredis_reads_statistics() {
    ioredis("statistics", APPLICATION);
}

#[test]
fn ioredis_invalidates_by_tags() {
    ioredis("tags", APPLICATION);
}

#[test]
fn ioredis_runs_transactions_and_pipelines() {
    ioredis("transactions", APPLICATION);
}

#[test]
fn ioredis_outlives_a_stopped_server() {
    ioredis("outage", APPLICATION);
}

#[test]
fn ioredis_authenticates() {
    ioredis("auth", &["--requirepass", "secret"]);
}

#[test]
fn redis_py_uses_strings() {
    redis_py("strings", &[]);
}

#[test]
fn redis_py_uses_keys() {
    redis_py("keys", &[]);
}

#[test]
fn redis_py_runs_transactions() {
    redis_py("transactions", &[]);
}

#[test]
fn redis_py_asks_the_server() {
    redis_py("server", &[]);
}

#[test]
fn redis_py_shares_a_pool() {
    redis_py("pool", &[]);
}

#[test]
fn redis_py_outlives_a_stopped_server() {
    redis_py("outage", &["--appendonly", "yes"]);
}

#[test]
fn redis_py_authenticates() {
    redis_py("auth", &["--requirepass", "secret"]);
}

#[test]
fn redis_py_invalidates_by_tags() {
    redis_py("tags", &[]);
}

#[test]
fn bullmq_processes_what_was_added() {
    on_both("bullmq.js", "process");
}

#[test]
fn bullmq_keeps_priorities() {
    on_both("bullmq.js", "order");
}

#[test]
fn bullmq_retries_what_failed() {
    on_both("bullmq.js", "retry");
}

#[test]
fn bullmq_delays_jobs() {
    on_both("bullmq.js", "delayed");
}

#[test]
fn bullmq_runs_children_before_their_parent() {
    on_both("bullmq.js", "flow");
}

#[test]
fn bullmq_limits_the_rate() {
    on_both("bullmq.js", "limited");
}

#[test]
fn bullmq_repeats_jobs() {
    on_both("bullmq.js", "repeated");
}

#[test]
fn bullmq_takes_over_from_a_dead_worker() {
    on_both("bullmq.js", "stalled");
}

#[test]
fn bullmq_works_over_node_redis() {
    on_both("bullmq.js", "over_node_redis");
}

#[test]
fn redlock_locks_all_or_nothing() {
    on_both("locks.js", "redlock");
}

#[test]
fn redlock_needs_a_majority() {
    on_both("locks.js", "majority");
}

#[test]
fn redlock_excludes_others() {
    on_both("locks.js", "contention");
}

#[test]
fn rate_limiter_flexible_lets_pass_what_it_should() {
    on_both("locks.js", "limiter");
}

#[test]
fn node_redis_reads_every_type() {
    on_both("node_redis.js", "types");
}

#[test]
fn node_redis_reads_streams() {
    on_both("node_redis.js", "streams");
}

#[test]
fn node_redis_runs_transactions_and_scripts() {
    on_both("node_redis.js", "transactions");
}

#[test]
fn node_redis_subscribes_and_asks_on_one_connection() {
    on_both("node_redis.js", "pubsub");
}

#[test]
fn node_redis_keeps_copies_that_are_never_stale() {
    on_both("node_redis.js", "cache");
}

#[test]
fn ioredis_6_reads_replies_of_both_protocols() {
    on_both("ioredis_6.js", "replies");
}

#[test]
fn ioredis_6_subscribes() {
    on_both("ioredis_6.js", "pubsub");
}

#[test]
fn ioredis_6_is_told_of_changes_by_redirection() {
    on_both("ioredis_6.js", "redirected");
}

#[test]
fn ioredis_6_monitors() {
    on_both("ioredis_6.js", "monitor");
}

#[test]
fn redis_py_subscribes() {
    on_both("redis_py.py", "pubsub");
}

#[test]
fn redis_py_subscribes_to_shards() {
    on_both("redis_py.py", "sharded");
}

#[test]
fn redis_py_keeps_copies_that_are_never_stale() {
    on_both("redis_py.py", "cache");
}

#[test]
fn redis_py_waits_in_many_threads() {
    on_both("redis_py.py", "blocking");
}

#[test]
fn redis_py_works_asynchronously() {
    on_both("redis_py.py", "asynchronous");
}

#[test]
fn redis_py_locks() {
    on_both("redis_py.py", "locks");
}

#[test]
fn limits_lets_pass_what_it_should() {
    on_both("redis_py.py", "rate_limits");
}

#[test]
fn celery_runs_tasks() {
    on_both("queues.py", "celery");
}

#[test]
fn rq_runs_jobs() {
    on_both("queues.py", "rq");
}
