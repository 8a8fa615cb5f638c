//! Scripts: what they may call, what comes of it, and what becomes of one that does not end.

use std::time::{Duration, Instant};

use crate::support::{Kind, Server, words};

/// Says every line of a corpus to both servers, in RESP2 and RESP3: the replies must be the same bytes.
fn compare(corpus: &str) {
    let [keytag, oracle] = [Kind::Keytag, Kind::Oracle].map(|kind| Server::start(kind, &[]));
    for is_resp3 in [false, true] {
        let connect = |server: &Server| match is_resp3 {
            true => server.connect_resp3(),
            false => server.connect(),
        };
        let (mut ours, mut theirs) = (connect(&keytag), connect(&oracle));
        for line in corpus.lines().filter(|line| !line.is_empty()) {
            let command = words::split(line);
            let [ours, theirs] = [&mut ours, &mut theirs].map(|client| {
                client.send(&command);
                String::from_utf8_lossy(&client.receive()).into_owned()
            });
            assert_eq!(ours, theirs, "RESP3 {is_resp3}: {line}");
        }
    }
}

#[test]
fn scripts_see_what_they_see_in_redis() {
    compare(include_str!("script/api.txt"));
}

#[test]
fn the_libraries_of_scripts_are_those_of_redis() {
    compare(include_str!("script/libraries.txt"));
}

#[test]
fn what_a_script_does_is_one_unit_of_the_log() {
    let mut server = Server::keytag(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut client = server.connect();
    client.line(
        r#"EVAL "redis.call('set','a','1') redis.call('incr','a') redis.call('rpush','l','x','y') redis.call('spop','none') return 1" 0"#,
    );
    let script = r#"SCRIPT LOAD "return 1""#;
    client.line(script);
    server.kill();
    server.start_again();
    let mut client = server.connect();
    assert_eq!(client.line("GET a").to_string(), "\"2\"");
    assert_eq!(client.line("LLEN l").to_string(), "(integer) 2");
    assert_eq!(
        client
            .line("SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
            .to_string(),
        "1) (integer) 0",
        "scripts are forgotten, as in Redis"
    );
}

#[test]
fn a_script_that_pushes_serves_who_waits() {
    let server = Server::keytag(&[]);
    let mut waiter = server.connect();
    waiter.send(&words::split("BLPOP k 0"));
    let mut client = server.connect();
    let began = Instant::now();
    while client.info_number("blocked_clients") == 0 {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(2));
    }
    let reply =
        client.line(r#"EVAL "redis.call('rpush','k','a','b') return redis.call('llen','k')" 0"#);
    assert_eq!(reply.to_string(), "(integer) 2");
    assert_eq!(waiter.reply().to_string(), "1) \"k\"\n2) \"a\"");
}

/// With two threads for connections, the one that is not under the script goes on answering.
#[test]
fn a_script_that_does_not_end_is_killed() {
    let server = Server::keytag(&["--busy-reply-threshold", "100", "--io-threads", "4"]);
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function(e) return e end) end",
    ] {
        let mut others: Vec<_> = (0..8).map(|_| server.connect()).collect();
        let mut looping = server.connect();
        looping.call(&["PING"]);
        looping.send(&["EVAL", script, "0"]);
        let began = Instant::now();
        let mut killer = loop {
            assert!(began.elapsed() < Duration::from_secs(20), "nobody is told");
            let mut client = server.connect().with_patience(Duration::from_millis(500));
            client.send(&words::split("GET x"));
            match client.try_receive() {
                Ok(reply) if reply.starts_with(b"-BUSY") => break client,
                _ => {}
            }
        };
        assert_eq!(killer.line("SCRIPT KILL").to_string(), "OK");
        let reply = looping.reply().to_string();
        assert!(
            reply.contains("ERR Script killed by user with SCRIPT KILL... script: "),
            "{reply}"
        );
        for other in &mut others {
            assert_eq!(other.line("PING").to_string(), "PONG");
        }
        let reply = killer.line("SCRIPT KILL").to_string();
        assert!(reply.contains("NOTBUSY"), "{reply}");
    }
}
