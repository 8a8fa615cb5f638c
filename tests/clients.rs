//! Real clients: ioredis as the application uses it, and redis-py.
//!
//! The scenarios stand in `tests/clients/`; `scripts/prepare` installs what they need.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::{Server, tools::root};

/// How long a scenario may take.
const PATIENCE: Duration = Duration::from_secs(60);

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
                panic!("{command:?} takes longer than {PATIENCE:?}");
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
    assert!(status.success(), "{command:?}: {status}\n{errors}");
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

fn ioredis(scenario: &str, flags: &[&str]) {
    let mut server = Server::keytag(flags);
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/clients/ioredis.js"))
        .arg(server.port().to_string())
        .arg(scenario);
    play(command, &mut server);
}

fn redis_py(scenario: &str, flags: &[&str]) {
    let mut server = Server::keytag(flags);
    let mut command = Command::new(root().join("target/clients-python/bin/python"));
    command
        .arg("-B")
        .arg(root().join("tests/clients/redis_py.py"))
        .arg(server.port().to_string())
        .arg(scenario);
    play(command, &mut server);
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
