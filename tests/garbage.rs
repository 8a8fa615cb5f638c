//! Random and damaged byte streams: an answer or a close, and the memory comes back.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::client::Silence;
use crate::support::{Client, Server, is_full_run, seed, words};

/// How long the server may take to answer or close.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much more memory may be in use afterwards: what statistics and tables keep.
const MARGIN_BYTES: i64 = 1 << 20;

#[test]
fn damaged_streams_are_answered_or_closed() {
    let seed = seed();
    let mut rng = Rng::with_seed(seed);
    let server = Server::keytag(&[]);
    let streams = if is_full_run() { 100_000 } else { 5_000 };
    // What is allocated once on first use does not count.
    (0..200).for_each(|_| give(&server, &stream(&mut rng), seed));
    let before = settled_memory(&server);
    for _ in 0..streams {
        give(&server, &stream(&mut rng), seed);
    }
    let after = settled_memory(&server);
    assert!(
        after - before < MARGIN_BYTES,
        "KEYTAG_SEED={seed}: {before} bytes before, {after} after"
    );
    assert!(
        !server.log().contains("panic"),
        "KEYTAG_SEED={seed}: the server panicked:\n{}",
        server.log()
    );
}

/// Sends a stream and reads to the end.
fn give(server: &Server, stream: &[u8], seed: u64) {
    let mut client = server.connect().with_patience(PATIENCE);
    client.send_raw(stream);
    client.finish_sending();
    if let Err(Silence::TimedOut(_)) = client.receive_to_end() {
        panic!("KEYTAG_SEED={seed}: no end after {}", words::quote(stream));
    }
}

/// The memory in use once all clients are gone and nothing is stored.
fn settled_memory(server: &Server) -> i64 {
    let deadline = Instant::now() + PATIENCE;
    let mut client = server.connect();
    assert_eq!(client.line("FLUSHALL SYNC").to_string(), "OK");
    while client.info_number("connected_clients") > 1 {
        assert!(Instant::now() < deadline, "connections stay open");
        std::thread::sleep(Duration::from_millis(5));
    }
    client.info_number("used_memory")
}

fn stream(rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..8) {
        0 => (0..rng.usize(..400)).map(|_| rng.u8(..)).collect(),
        1 => (0..rng.usize(..400))
            .map(|_| b"*$:+-0123456789\r\n\"' \\x"[rng.usize(..22)])
            .collect(),
        2 => header(rng),
        _ => {
            let mut stream = requests(rng);
            for _ in 0..rng.usize(1..6) {
                mutate(&mut stream, rng);
            }
            stream
        }
    }
}

/// Headers that promise more than comes, or nonsense.
fn header(rng: &mut Rng) -> Vec<u8> {
    const COUNTS: &[&str] = &[
        "0",
        "-1",
        "-2",
        "1",
        "3",
        "1048576",
        "1048577",
        "2147483647",
        "2147483648",
        "536870912",
        "536870913",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "",
        " 1",
        "1 ",
        "+1",
        "01",
        "1.0",
        "1e3",
        "\0",
        "\u{ff}",
    ];
    let mut count = |kind: char| format!("{kind}{}\r\n", COUNTS[rng.usize(..COUNTS.len())]);
    let mut stream = count('*') + &count('$');
    stream.push_str("PING\r\n");
    stream += &count('$');
    stream.into_bytes()
}

fn requests(rng: &mut Rng) -> Vec<u8> {
    const LINES: &[&str] = &[
        "PING",
        "SET k v EX 100 GET",
        "SET k v TAGS 2 a b",
        "MGET k k2 k3",
        "HELLO 3 SETNAME x",
        "CLIENT SETNAME name",
        "MULTI",
        "EXEC",
        "INCRBYFLOAT n 1.5",
        "SETRANGE k 100 xxxx",
        "TAGADD k a b c",
        "TAGINVALIDATE a",
        "SCAN 0 MATCH * COUNT 10",
        "COMMAND GETKEYS MSET a b c d",
        "WATCH k",
        "GETRANGE k 0 -1",
        "CONFIG GET maxmemory*",
        "INFO everything",
        "MONITOR",
        "CLIENT REPLY SKIP",
        "QUIT",
    ];
    let mut stream = Vec::new();
    for _ in 0..rng.usize(1..6) {
        let line = LINES[rng.usize(..LINES.len())];
        if rng.u32(..4) == 0 {
            stream.extend_from_slice(line.as_bytes());
            stream.extend_from_slice(b"\r\n");
        } else {
            stream.extend(words::encode(&words::split(line)));
        }
    }
    stream
}

fn mutate(stream: &mut Vec<u8>, rng: &mut Rng) {
    if stream.is_empty() {
        return;
    }
    let at = rng.usize(..stream.len());
    match rng.u32(..6) {
        0 => stream[at] ^= 1 << rng.u32(..8),
        1 => stream[at] = rng.u8(..),
        2 => stream.truncate(at),
        3 => drop(stream.remove(at)),
        4 => stream.insert(at, rng.u8(..)),
        _ => {
            let end = stream.len().min(at + rng.usize(..30));
            let part = stream[at..end].to_vec();
            stream.splice(at..at, part);
        }
    }
}

#[test]
fn a_request_that_never_ends_is_dropped_at_the_limit() {
    let server = Server::keytag(&["--client-query-buffer-limit", "1mb"]);
    let mut client = server.connect().with_patience(PATIENCE);
    client.send_raw(b"*2\r\n$4\r\nECHO\r\n$500000000\r\n");
    let block = vec![b'x'; 64 * 1024];
    for _ in 0..64 {
        client.send_raw(&block);
    }
    assert!(
        client.is_closed(),
        "four megabytes of a request are kept though one is the limit"
    );
    assert_eq!(server.connect().line("PING").to_string(), "PONG");
}

#[test]
fn a_client_that_does_not_read_is_dropped_at_the_limit() {
    let server = Server::keytag(&["--client-output-buffer-limit", "normal 1mb 0 0"]);
    let mut client: Client = server.connect();
    client.line(&format!("SET k {}", "x".repeat(100_000)));
    let gets = words::encode(&["GET", "k"]).repeat(2_000);
    client.send_raw(&gets);
    let deadline = Instant::now() + PATIENCE;
    let mut other = server.connect();
    while other.info_number("connected_clients") > 1 {
        assert!(
            Instant::now() < deadline,
            "200 MB of replies are kept though one is the limit"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(
        other.info_number("client_output_buffer_limit_disconnections"),
        1
    );
}
