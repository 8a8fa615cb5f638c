//! What goes over the wire: requests in any pieces, errors of the protocol, limits.
//!
//! The same bytes go to Keytag and to Redis 7.4.1, and the same bytes come back.

use std::time::Duration;

use crate::support::client::Silence;
use crate::support::{Client, Kind, Reply, Server, words};

/// Both servers, with the same flags.
fn both(flags: &[&str]) -> [Server; 2] {
    [Server::keytag(flags), Server::start(Kind::Oracle, flags)]
}

/// Everything that a server answers to these pieces, sent one after the other.
fn answer(server: &Server, pieces: &[&[u8]]) -> Vec<u8> {
    let mut client = server.connect();
    pieces.iter().for_each(|piece| client.send_raw(piece));
    client.finish_sending();
    client
        .receive_to_end()
        .unwrap_or_else(|silence| panic!("{silence:?} after {}", words::quote(&pieces.concat())))
}

fn assert_same(servers: &[Server; 2], request: &[u8]) {
    let [ours, theirs] = [&servers[0], &servers[1]].map(|server| answer(server, &[request]));
    assert_eq!(
        words::quote(&ours),
        words::quote(&theirs),
        "to {}",
        words::quote(&request[..request.len().min(300)])
    );
}

const MIXED: &[u8] = b"*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\n\r\n$-1\r\nGET k\r\nSET \"a b\" 'c'\r\n\
    *2\r\n$3\r\nGET\r\n$3\r\na b\r\n\r\n*0\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\nINCR n\n*2\r\n$6\r\nNOSUCH\r\n$1\r\nx\r\nPING\r\n";

#[test]
fn requests_are_read_in_any_two_pieces() {
    let servers = both(&[]);
    let whole = answer(&servers[1], &[MIXED]);
    let mut keytag = servers[0].connect();
    for at in 0..=MIXED.len() {
        assert_eq!(keytag.line("FLUSHALL").to_string(), "OK");
        let got = answer(&servers[0], &[&MIXED[..at], &MIXED[at..]]);
        assert_eq!(words::quote(&got), words::quote(&whole), "split at {at}");
    }
}

#[test]
fn requests_are_read_byte_by_byte() {
    let servers = both(&[]);
    let pieces: Vec<&[u8]> = MIXED.chunks(1).collect();
    assert_eq!(answer(&servers[0], &pieces), answer(&servers[1], &[MIXED]));
}

#[test]
fn errors_of_the_protocol_are_named_and_close() {
    let servers = both(&[]);
    for request in [
        &b"*1\r\n$3\r\nabcde\r\nPING\r\n"[..],
        b"*1\r\nPING\r\n",
        b"*1\r\n\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n*1\r\n",
        b"*a\r\nPING\r\n",
        b"*1a\r\nPING\r\n",
        b"*\r\nPING\r\n",
        b"* 1\r\nPING\r\n",
        b"*+1\r\n$4\r\nPING\r\n",
        b"*-1\r\nPING\r\n",
        b"*-5\r\nPING\r\n",
        b"*0\r\nPING\r\n",
        b"*01\r\n$4\r\nPING\r\n",
        b"*2147483647\r\n",
        b"*2147483648\r\n",
        b"*9223372036854775807\r\n",
        b"*9223372036854775808\r\n",
        b"*1048577\r\n",
        b"*1\r\n$-1\r\nPING\r\n",
        b"*1\r\n$a\r\nPING\r\n",
        b"*1\r\n$\r\nPING\r\n",
        b"*1\r\n$536870913\r\nPING\r\n",
        b"*1\r\n$9223372036854775808\r\n",
        b"*1\r\n$04\r\nPING\r\n",
        b"*1\r\n$4\rxPING\r\n",
        b"*1\rx$4\r\nPING\r\n",
        b"*1\n$4\nPING\n",
        b"*1\r\n$4\r\nPINGxxPING\r\n",
        b"*1\r\n$0\r\n\r\nPING\r\n",
        b"*2\r\n$0\r\n\r\n$0\r\n\r\nPING\r\n",
        b"PING \"open\r\nPING\r\n",
        b"PING 'open\r\n",
        b"PING \"a\"b\r\n",
        b"PING 'a'b\r\n",
        b"PING \"\\x41\\n\\\"\"\r\n",
        b"PING '\\''\r\n",
        b"\r\n\r\nPING\r\n",
        b"   \r\nPING\r\n",
        b"\tPING\t\r\n",
        b"PING\0\r\n",
        b"\xff\xfe\r\nPING\r\n",
        b"ping\nping\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"$4\r\nPING\r\n",
        b"+PING\r\n",
        b"PING",
        b"*1\r\n$4\r\nPIN",
        b"",
    ] {
        assert_same(&servers, request);
    }
}

#[test]
fn long_lines_are_refused() {
    let servers = both(&[]);
    let long = "x".repeat(70_000);
    for request in [
        long.clone(),
        // More than the limit and what one read brings: whether the end is there is then no matter.
        format!("PING {}\r\n", "x".repeat(90_000)),
        format!("PING {}\r\n", "x".repeat(60_000)),
        format!("*{}", "1".repeat(70_000)),
        format!("*1\r\n${}", "1".repeat(70_000)),
        format!("*1{}", "\0".repeat(70_000)),
    ] {
        assert_same(&servers, request.as_bytes());
    }
}

#[test]
fn before_the_password_little_is_read() {
    let servers = both(&["--requirepass", "secret"]);
    for request in [
        &b"*11\r\n"[..],
        b"*10\r\n$4\r\nPING\r\n",
        b"*1\r\n$16385\r\n",
        b"*1\r\n$16384\r\n",
        b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*11\r\n",
        b"GET k\r\nAUTH secret\r\nGET k\r\nQUIT\r\nPING\r\n",
        b"HELLO 3 AUTH default secret SETNAME me\r\nCLIENT GETNAME\r\nBAD\r\n",
    ] {
        let [ours, theirs] = [&servers[0], &servers[1]].map(|server| answer(server, &[request]));
        if request.starts_with(b"HELLO") {
            // It tells the version and the connection's number.
            let end = |bytes: &[u8]| words::quote(&bytes[bytes.len() - 60..]);
            assert_eq!(end(&ours), end(&theirs));
        } else {
            assert_eq!(
                words::quote(&ours),
                words::quote(&theirs),
                "to {}",
                words::quote(request)
            );
        }
    }
}

#[test]
fn quit_and_client_reply_change_what_follows() {
    let servers = both(&[]);
    for request in [
        "PING\r\nQUIT\r\nPING\r\n",
        "QUIT x\r\nPING\r\n",
        "MULTI\r\nQUIT\r\n",
        "CLIENT REPLY SKIP\r\nPING a\r\nPING b\r\n",
        "CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING a\r\nPING b\r\n",
        "CLIENT REPLY OFF\r\nPING a\r\nNOSUCH\r\nCLIENT REPLY ON\r\nPING b\r\n",
        "CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nPING\r\nCLIENT REPLY ON\r\n",
        "MULTI\r\nCLIENT REPLY OFF\r\nPING\r\nEXEC\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n",
        "CLIENT REPLY SKIP\r\nNOSUCH\r\nPING\r\n",
        "CLIENT REPLY OFF\r\nRESET\r\nPING\r\n",
    ] {
        assert_same(&servers, request.as_bytes());
    }
}

#[test]
fn long_pipelines_and_large_values_go_through() {
    let servers = both(&[]);
    let mut request = Vec::new();
    for index in 0..100_000 {
        request.extend(words::encode(&["SET", &format!("key:{index}"), "value"]));
    }
    request.extend(words::encode(&["DBSIZE"]));
    let large: Vec<u8> = (0..5_000_000_u32)
        .map(|index| (index % 251) as u8)
        .collect();
    request.extend(words::encode(&[b"SET", &b"large"[..], &large]));
    request.extend(words::encode(&["STRLEN", "large"]));
    for size in [1, 15_999, 16_383, 16_384, 16_385, 65_536, 1_000_000] {
        request.extend(words::encode(&[
            "GETRANGE",
            "large",
            "0",
            &(size - 1).to_string(),
        ]));
    }
    request.extend(words::encode(&["GET", "large"]));
    // Both directions at once: the server must read while it writes, or close neither.
    let [ours, theirs] = [&servers[0], &servers[1]].map(|server| {
        let mut client = server.connect();
        let replies: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let mut writer = Client::clone_of(&client);
            let request = &request;
            scope.spawn(move || writer.send_raw(request));
            (0..100_011).map(|_| client.receive()).collect()
        });
        replies
    });
    let difference = ours
        .iter()
        .zip(&theirs)
        .position(|(ours, theirs)| ours != theirs);
    assert_eq!(difference, None, "the reply at this place differs");
}

#[test]
fn hello_tells_who_is_there() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let Reply::Map(pairs) = client.line("HELLO 3 SETNAME me") else {
        panic!("a map in RESP3")
    };
    let names: Vec<String> = pairs.iter().map(|(name, _)| name.text()).collect();
    assert_eq!(
        names,
        [
            "server", "version", "proto", "id", "mode", "role", "modules"
        ]
    );
    let value = |index: usize| pairs[index].1.clone();
    assert_eq!(value(0).text(), "redis", "clients look for that word");
    assert!(value(1).text().starts_with("7.4."), "{}", value(1));
    assert_eq!(value(2).integer(), 3);
    assert_eq!(value(3).integer(), client.line("CLIENT ID").integer());
    assert_eq!(
        (value(4).text(), value(5).text()),
        ("standalone".to_owned(), "master".to_owned())
    );
    assert_eq!(client.line("GET none"), Reply::Nil);
    assert_eq!(client.line("CLIENT GETNAME").text(), "me");
    client.send(&["GET", "none"]);
    assert_eq!(client.receive(), b"_\r\n");
    assert!(
        matches!(client.line("HELLO 2"), Reply::Array(_)),
        "an array in RESP2"
    );
    client.send(&["GET", "none"]);
    assert_eq!(client.receive(), b"$-1\r\n");
}

#[test]
fn monitor_shows_commands_as_redis_shows_them() {
    let servers = both(&[]);
    let lines = servers.each_ref().map(|server| {
        let mut monitor = server.connect();
        assert_eq!(monitor.line("MONITOR").to_string(), "OK");
        let mut client = server.connect();
        for line in [
            "SET k \"a \\\"b\\x00\\r\\n\"",
            "get k",
            "SELECT 5",
            "MULTI",
            "INCR n",
            "EXEC",
            "NOSUCH x",
            "SET k",
            "AUTH secret",
            "CONFIG GET maxmemory",
            "PING",
        ] {
            client.line(line);
        }
        let mut seen = Vec::new();
        loop {
            let line = monitor.reply().text();
            let (time, rest) = line.split_once(" [").expect("a time and a place");
            assert!(
                time.parse::<f64>().is_ok_and(|time| time > 1e9)
                    && time
                        .split_once('.')
                        .is_some_and(|(_, micros)| micros.len() == 6)
            );
            let (place, command) = rest.split_once("] ").expect("a place");
            let (database, address) = place.split_once(' ').expect("a database and an address");
            assert!(address.starts_with("127.0.0.1:"), "{address}");
            seen.push(format!("{database} {command}"));
            if command == "\"PING\"" {
                return seen;
            }
        }
    });
    assert_eq!(lines[0], lines[1]);
}

#[test]
fn too_many_clients_are_told_so() {
    let servers = both(&["--maxclients", "3"]);
    let replies = servers.each_ref().map(|server| {
        let mut kept: Vec<Client> = (0..3).map(|_| server.connect()).collect();
        kept.iter_mut().for_each(|client| drop(client.line("PING")));
        let mut refused = server.connect();
        let text = refused.receive_to_end().expect("a close");
        drop(kept.pop());
        // Once one has gone there is room again.
        let again = || {
            let mut client = server.connect();
            client.send(&["PING"]);
            client
                .try_receive()
                .is_ok_and(|reply| reply == b"+PONG\r\n")
        };
        assert!((0..500).any(|_| again() || {
            std::thread::sleep(Duration::from_millis(5));
            false
        }));
        words::quote(&text)
    });
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn an_idle_client_is_closed_after_the_timeout() {
    let server = Server::keytag(&["--timeout", "1"]);
    let mut client = server.connect();
    assert_eq!(client.line("PING").to_string(), "PONG");
    assert!(client.is_closed(), "idle for longer than a second");
}

#[test]
fn a_killed_client_is_closed() {
    let server = Server::keytag(&[]);
    let (mut one, mut other) = (server.connect(), server.connect());
    let number = other.line("CLIENT ID").integer();
    assert_eq!(one.line(&format!("CLIENT KILL ID {number}")).integer(), 1);
    assert!(other.is_closed());
    let own = one.line("CLIENT ID").integer();
    assert_eq!(
        one.line(&format!("CLIENT KILL ID {own}")).integer(),
        0,
        "SKIPME is yes by default"
    );
    let killed = one.line(&format!("CLIENT KILL ID {own} SKIPME no"));
    assert_eq!(killed.integer(), 1, "answered before the close");
    assert!(one.is_closed());
}

#[test]
fn a_pause_holds_writes_or_everything() {
    let server = Server::keytag(&[]);
    let (mut one, mut other) = (
        server.connect(),
        server.connect().with_patience(Duration::from_millis(150)),
    );
    assert_eq!(one.line("CLIENT PAUSE 60000 WRITE").to_string(), "OK");
    assert_eq!(other.line("GET k").to_string(), "(nil)", "reads go on");
    other.send(&["SET", "k", "v"]);
    assert!(
        matches!(other.try_receive(), Err(Silence::TimedOut(_))),
        "writes wait"
    );
    assert_eq!(one.line("CLIENT UNPAUSE").to_string(), "OK");
    let mut other = other.with_patience(Duration::from_secs(20));
    assert_eq!(other.reply().to_string(), "OK");
    // UNPAUSE would wait too: this pause ends by itself.
    assert_eq!(one.line("CLIENT PAUSE 2000 ALL").to_string(), "OK");
    let mut other = other.with_patience(Duration::from_millis(150));
    other.send(&["GET", "k"]);
    assert!(
        matches!(other.try_receive(), Err(Silence::TimedOut(_))),
        "everything waits"
    );
    assert_eq!(
        other
            .with_patience(Duration::from_secs(20))
            .reply()
            .to_string(),
        "\"v\""
    );
}

#[test]
fn client_info_has_the_fields_of_redis() {
    let servers = both(&[]);
    let fields = servers.each_ref().map(|server| {
        let mut client = server.connect();
        client.line("CLIENT SETNAME me");
        client.line("SELECT 4");
        let line = client.line("CLIENT INFO").text();
        let list = client.line("CLIENT LIST").text();
        assert!(
            list.lines().any(|other| other.contains("name=me")),
            "{list}"
        );
        let steady = [
            "name", "db", "sub", "psub", "ssub", "multi", "watch", "cmd", "user", "redir", "resp",
            "lib-name", "flags", "events",
        ];
        line.trim_end()
            .split(' ')
            .map(|field| {
                let (name, value) = field.split_once('=').unwrap_or_else(|| panic!("{field}"));
                if steady.contains(&name) {
                    field.to_owned()
                } else {
                    assert!(!value.is_empty() || name == "lib-ver");
                    name.to_owned()
                }
            })
            .collect::<Vec<String>>()
    });
    assert_eq!(fields[0], fields[1]);
}
