//! What a server has put into its append-only file, request by request.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::keyspace;
use super::reply::Reply;
use super::server::{Kind, Server};
use super::words;

/// Flags of a server whose file holds everything that has been answered.
pub(crate) const LOGGED: &[&str] = &[
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--enable-debug-command",
    "yes",
];

/// A line that waits until everything that was to expire has expired.
pub(crate) const LATER: &str = "LATER";

/// Says the same to Keytag and to Redis and gives what Keytag has logged.
///
/// Lines are as in a transcript, without replies; [`LATER`] waits for three milliseconds.
///
/// # Panics
/// If the two have not answered and logged the same.
pub(crate) fn logged_alike(lines: &[&str], flags: &[&str]) -> Vec<String> {
    let flags = [LOGGED, flags].concat();
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &flags);
        let replies = say(&server, lines);
        (replies, requests(&server))
    });
    for ((line, ours), theirs) in lines.iter().zip(&ours.0).zip(&theirs.0) {
        assert_eq!(ours, theirs, "{line}");
    }
    assert_eq!(ours.1, theirs.1, "logged");
    ours.1
}

/// Says lines over two connections and gives the replies.
pub(crate) fn say(server: &Server, lines: &[&str]) -> Vec<String> {
    let mut clients = [server.connect(), server.connect()];
    let mut replies = Vec::new();
    for line in lines {
        let (client, line) = match line.strip_prefix("2> ") {
            Some(line) => (&mut clients[1], line),
            None => (&mut clients[0], *line),
        };
        if line == LATER {
            let until_ms = keyspace::now_ms(client) + 3;
            let deadline = Instant::now() + Duration::from_secs(20);
            while keyspace::now_ms(client) <= until_ms {
                assert!(Instant::now() < deadline, "the server's clock stands still");
            }
        } else {
            replies.push(client.line(line).to_string());
        }
    }
    replies
}

/// The requests of the newest incremental file, with `MS` for what is a time in milliseconds.
pub(crate) fn requests(server: &Server) -> Vec<String> {
    let mut bytes = fs::read(newest(server)).expect("an incremental file");
    // Redis may note when something was logged, and Keytag tags and checksums, in lines that start so.
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        if bytes[0] == b'#' {
            let end = bytes
                .windows(2)
                .position(|pair| pair == b"\r\n")
                .expect("a line end");
            bytes.drain(..end + 2);
            continue;
        }
        let (request, used) = Reply::parse(&bytes)
            .expect("requests")
            .expect("whole requests");
        bytes.drain(..used);
        let words: Vec<Vec<u8>> = request
            .items()
            .iter()
            .map(|word| masked(word.text()).into_bytes())
            .collect();
        requests.push(words::join(&words));
    }
    requests
}

fn masked(word: String) -> String {
    let is_time = word.len() == 13 && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_time { "MS".to_owned() } else { word }
}

fn newest(server: &Server) -> PathBuf {
    let files = fs::read_dir(server.dir().join("appendonlydir")).expect("a directory");
    let paths = files.map(|file| file.expect("listed").path());
    let mut incremental: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(".incr.aof"))
        .collect();
    incremental.sort();
    incremental.pop().expect("an incremental file")
}
