//! `MIGRATE`: keys that another server takes over.

use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::logged::{LOGGED, requests};
use crate::support::{Client, Kind, Reply, Server, keyspace, transcript};

#[test]
fn the_words_are_checked() {
    transcript(
        r#"
        # no-reload
        > MIGRATE
        (error) ERR wrong number of arguments for 'migrate' command
        > MIGRATE 127.0.0.1 1 k 0
        (error) ERR wrong number of arguments for 'migrate' command
        > MIGRATE 127.0.0.1 1 k 0 100
        NOKEY
        > SET k v
        OK
        > MIGRATE 127.0.0.1 1 k x 100
        (error) ERR value is not an integer or out of range
        > MIGRATE 127.0.0.1 1 k 0 x
        (error) ERR value is not an integer or out of range
        > MIGRATE 127.0.0.1 1 k 0 100 COPY x
        (error) ERR syntax error
        > MIGRATE 127.0.0.1 1 k x 100 x
        (error) ERR syntax error
        > MIGRATE 127.0.0.1 1 k 0 100 AUTH
        (error) ERR syntax error
        > MIGRATE 127.0.0.1 1 k 0 100 AUTH2 user
        (error) ERR syntax error
        > MIGRATE 127.0.0.1 1 k 0 100 KEYS a
        (error) ERR When using MIGRATE KEYS option, the key argument must be set to the empty string
        > MIGRATE 127.0.0.1 1 k x x KEYS
        (error) ERR When using MIGRATE KEYS option, the key argument must be set to the empty string
        > MIGRATE 127.0.0.1 1 "" x x KEYS k
        (error) ERR value is not an integer or out of range
        > MIGRATE 127.0.0.1 1 "" 0 100 KEYS
        NOKEY
        > MIGRATE 127.0.0.1 1 "" 0 100
        NOKEY
        > MIGRATE 127.0.0.1 1 "" 0 100 KEYS none nothing
        NOKEY
        > MIGRATE 127.0.0.1 1 k 0 100
        (error) IOERR error or timeout writing to target instance
        > MIGRATE 127.0.0.1 x k 0 100
        (error) IOERR error or timeout writing to target instance
        > MIGRATE nosuch.invalid 1 k 0 100
        (error) IOERR error or timeout connecting to the client
        > EVAL "return redis.pcall('MIGRATE','127.0.0.1','1','k','0','100')" 1 k
        (error) IOERR error or timeout writing to target instance
        > GET k
        "v"
        "#,
    );
}

#[test]
fn its_keys_are_found_as_redis_finds_them() {
    transcript(
        r#"
        # no-reload
        > COMMAND GETKEYS migrate h 1 k 0 1
        1) "k"
        > COMMAND GETKEYS migrate h 1 "" 0 1 KEYS a b
        1) "a"
        2) "b"
        > COMMAND GETKEYS migrate h 1 "" 0 1 copy AUTH keys keys a b
        1) "a"
        2) "b"
        > COMMAND GETKEYS migrate h 1 "" 0 1 AUTH2 keys keys REPLACE keys keys
        1) "keys"
        > COMMAND GETKEYS migrate h 1 "" 0 1 AUTH keys
        1) ""
        > COMMAND GETKEYS migrate h 1 "" 0 1 KEYS
        1) ""
        > COMMAND GETKEYS migrate h 1 "" 0 1
        1) ""
        > COMMAND GETKEYS migrate h 1 x 0 1 KEYS a b
        (error) ERR Invalid arguments specified for command
        > COMMAND GETKEYS migrate h 1 "" 0 1 KEYS a KEYS b
        1) "a"
        2) "KEYS"
        3) "b"
        > COMMAND GETKEYSANDFLAGS migrate h 1 k 0 1
        1) 1) "k"
           2) 1) RW
              2) access
              3) delete
        "#,
    );
    let declared = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut client = server.connect_resp3();
        ["COMMAND INFO migrate", "COMMAND DOCS migrate"].map(|line| client.line(line).to_string())
    });
    assert_eq!(declared[0], declared[1]);
}

#[test]
fn every_key_must_be_allowed() {
    transcript(
        r#"
        # no-reload
        > MSET a1 1 a2 2 b1 3
        OK
        > ACL SETUSER default resetkeys ~a* %R~b*
        OK
        > MIGRATE 127.0.0.1 1 b1 0 100
        (error) NOPERM No permissions to access a key
        > MIGRATE 127.0.0.1 1 "" 0 100 KEYS a1 b1
        (error) NOPERM No permissions to access a key
        > MIGRATE 127.0.0.1 1 "" 0 100
        (error) NOPERM No permissions to access a key
        > MIGRATE 127.0.0.1 1 a1 0 100 KEYS b1
        (error) ERR When using MIGRATE KEYS option, the key argument must be set to the empty string
        > MIGRATE 127.0.0.1 1 "" 0 100 COPY KEYS a1 a2
        (error) IOERR error or timeout writing to target instance
        > ACL SETUSER default allkeys
        OK
        "#,
    );
}

/// Says lines to a source, in which `TARGET` is where a target listens; and what both have then.
fn converse(source: Kind, target: Kind, lines: &[&str]) -> (Vec<String>, Vec<keyspace::Keyspace>) {
    let flags = ["--databases", "16", "--enable-debug-command", "yes"];
    let (source, target) = (Server::start(source, &flags), Server::start(target, &flags));
    let (mut client, mut other) = (source.connect(), target.connect());
    let place = format!("127.0.0.1 {}", target.port());
    let say = |line: &&str| match line.strip_prefix("target> ") {
        Some(line) => format!("{line}: {}", other.line(line)),
        None => {
            let reply = client.line(&line.replace("TARGET", &place));
            format!("{line}: {reply}")
        }
    };
    let replies = lines.iter().map(say).collect();
    let held = [keyspace::read(&mut client), keyspace::read(&mut other)];
    (replies, held.to_vec())
}

fn assert_alike(lines: &[&str]) {
    let theirs = converse(Kind::Oracle, Kind::Oracle, lines);
    for (source, target) in [
        (Kind::Keytag, Kind::Oracle),
        (Kind::Oracle, Kind::Keytag),
        (Kind::Keytag, Kind::Keytag),
    ] {
        let ours = converse(source, target, lines);
        for (ours, theirs) in ours.0.iter().zip(&theirs.0) {
            assert_eq!(ours, theirs, "{source:?} to {target:?}");
        }
        assert_eq!(ours.1, theirs.1, "{source:?} to {target:?}");
    }
}

#[test]
fn keys_go_as_from_redis_to_redis() {
    assert_alike(&[
        "SET k v",
        "PEXPIREAT k 4000000000000",
        "MIGRATE TARGET k 0 5000 COPY",
        "EXISTS k",
        "MIGRATE TARGET k 0 5000 COPY",
        "MIGRATE TARGET k 0 5000",
        "EXISTS k",
        "SET k w",
        "MIGRATE TARGET k 0 5000 REPLACE",
        "EXISTS k",
        "RPUSH l a b c",
        "HSET h f v g w",
        "HPEXPIREAT h 4000000000000 FIELDS 1 f",
        "ZADD z 1 a 2.5 b -inf c",
        "SADD s 1 2 x",
        "XADD x 1-1 f v",
        "XGROUP CREATE x g 0",
        "SET \"binary \\x00\\r\\n\" \"\\x00\\r\\n\"",
        "SET \"\" empty",
        "MIGRATE TARGET \"\" 3 5000 KEYS l h z s x none \"binary \\x00\\r\\n\"",
        "MIGRATE TARGET \"\" 3 5000 COPY",
        "MIGRATE TARGET \"\" 3 0 REPLACE",
        "DBSIZE",
        // One of two is refused: the other goes.
        "SET a 1",
        "SET b 1",
        "target> SET b mine",
        "MIGRATE TARGET \"\" 0 5000 KEYS a b a",
        "MGET a b",
        "MIGRATE TARGET b 99 5000",
        "MIGRATE TARGET b 0 5000 AUTH password",
        "MIGRATE TARGET b 0 5000 AUTH2 user password",
        "target> ACL SETUSER user on >right ~* +@all",
        "MIGRATE TARGET b 0 5000 AUTH2 user wrong",
        "MIGRATE TARGET b 0 5000 AUTH2 user right REPLACE",
        "EXISTS b",
        "SET d 1",
        "MULTI",
        "MIGRATE TARGET d 0 5000",
        "EXISTS d",
        "SET d 2",
        "MIGRATE TARGET d 0 5000",
        "EXEC",
        "SET e 1",
        "EVAL \"return {redis.call('MIGRATE', ARGV[1], ARGV[2], KEYS[1], '0', '5000'), redis.call('EXISTS', KEYS[1])}\" 1 e TARGET",
        "INCR d",
    ]);
}

#[test]
fn a_password_is_said_where_one_is_asked_for() {
    assert_alike(&[
        "target> CONFIG SET requirepass secret",
        "SET c 1",
        "MIGRATE TARGET c 5 5000 COPY",
        "MIGRATE TARGET c 5 5000 AUTH wrong",
        "EXISTS c",
        "MIGRATE TARGET c 5 5000 AUTH secret",
        "EXISTS c",
    ]);
}

#[test]
fn large_values_go_in_pieces() {
    for (source, target) in [(Kind::Keytag, Kind::Oracle), (Kind::Oracle, Kind::Keytag)] {
        let flags = ["--rdbcompression", "no"];
        let (source, target) = (Server::start(source, &flags), Server::start(target, &flags));
        let mut client = source.connect();
        let keys: Vec<String> = (0..200).map(|it| format!("key:{it}")).collect();
        for key in &keys {
            client.line(&format!("SETRANGE {key} 60000 end"));
        }
        client.line("SETRANGE large 5000000 end");
        let line = format!(
            "MIGRATE 127.0.0.1 {} \"\" 0 20000 KEYS large {}",
            target.port(),
            keys.join(" ")
        );
        assert_eq!(client.line(&line).to_string(), "OK");
        assert_eq!(client.line("DBSIZE").integer(), 0);
        let mut other = target.connect();
        assert_eq!(other.line("DBSIZE").integer(), 201);
        assert_eq!(other.line("STRLEN large").integer(), 5_000_003);
        assert_eq!(other.line("STRLEN key:199").integer(), 60_003);
    }
}

#[test]
fn tags_go_along_to_who_knows_them() {
    let [source, target] = [(); 2].map(|()| Server::keytag(&[]));
    let redis = Server::start(Kind::Oracle, &[]);
    let mut client = source.connect();
    for line in [
        "SET k v TAGS 2 user \"team \\x00\"",
        "SET plain v",
        "SET r v TAGS 1 user",
    ] {
        client.line(line);
    }
    let line = format!(
        "MIGRATE 127.0.0.1 {} \"\" 2 5000 KEYS k plain",
        target.port()
    );
    assert_eq!(client.line(&line).to_string(), "OK");
    let mut other = target.connect();
    other.line("SELECT 2");
    assert_eq!(
        other.line("TAGLIST k").sorted().to_string(),
        "1) \"team \\x00\"\n2) \"user\""
    );
    assert_eq!(other.line("TAGLIST plain").to_string(), "(empty array)");
    assert_eq!(client.line("TAGCARD user").integer(), 1);
    let line = format!("MIGRATE 127.0.0.1 {} r 0 5000", redis.port());
    assert_eq!(client.line(&line).to_string(), "OK");
    assert_eq!(redis.connect().line("GET r").text(), "v");
    assert_eq!(client.line("TAGCARD user").integer(), 0);
    assert!(source.log().contains("the target knows no tags"));
    // A target that takes fewer tags refuses the key, which stays.
    other.line("CONFIG SET tag-max-per-key 1");
    client.line("SET many v TAGS 2 a b");
    let line = format!("MIGRATE 127.0.0.1 {} many 2 5000", target.port());
    assert_eq!(
        client.line(&line).to_string(),
        "(error) ERR Target instance replied with error: ERR too many tags for key (max 1)"
    );
    assert_eq!(client.line("TAGCARD a").integer(), 1);
}

#[test]
fn what_has_gone_is_logged_and_told() {
    let told = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let flags = [LOGGED, &["--notify-keyspace-events", "KEA"]].concat();
        let source = Server::start(kind, &flags);
        let target = Server::start(Kind::Oracle, &[]);
        let (mut client, mut listener) = (source.connect(), source.connect());
        listener.line("PSUBSCRIBE *");
        let place = format!("127.0.0.1 {}", target.port());
        target.connect().line("SET b mine");
        let mut replies = Vec::new();
        for line in [
            "SET a 1",
            "SET b 1",
            "SET c 1 PXAT 4000000000000",
            "MIGRATE TARGET a 0 5000 COPY",
            "MIGRATE TARGET \"\" 0 5000 KEYS a b none c",
            "MIGRATE TARGET \"\" 0 5000 REPLACE KEYS a b",
            "MIGRATE TARGET \"\" 0 5000 KEYS a b",
            "SET a 1",
            "MULTI",
            "MIGRATE TARGET a 1 5000",
            "SET a 2",
            "EXEC",
            "PUBLISH end end",
        ] {
            let reply = client.line(&line.replace("TARGET", &place));
            replies.push(format!("{line}: {reply}"));
        }
        let mut events = Vec::new();
        while events
            .last()
            .is_none_or(|it: &String| !it.contains("\"end\""))
        {
            events.push(listener.reply().to_string());
        }
        (replies, events, requests(&source))
    });
    assert_eq!(told[0], told[1]);
    assert!(told[0].2.iter().any(|it| it.starts_with("DEL ")));
}

#[test]
fn passwords_are_kept_out_of_what_is_shown() {
    let shown = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &["--slowlog-log-slower-than", "0"]);
        let (mut client, mut monitor) = (server.connect(), server.connect());
        monitor.line("MONITOR");
        for words in [
            "k 0 100 AUTH secret",
            "k 0 100 COPY auth2 name secret REPLACE",
            "\"\" 0 100 AUTH secret KEYS AUTH open",
            "\"\" 0 100 AUTH2 open",
            "k 0 100 AUTH secret x AUTH open",
            "k x 100 REPLACE AUTH secret AUTH again",
            "k 0 100 x AUTH open",
        ] {
            client.line(&format!("MIGRATE 127.0.0.1 1 {words}"));
        }
        client.line("PING");
        let mut lines = Vec::new();
        while lines
            .last()
            .is_none_or(|it: &String| !it.contains("\"PING\""))
        {
            let line = monitor.reply().to_string();
            lines.push(line.split_once(']').expect("who said it").1.to_owned());
        }
        let log = client.line("SLOWLOG GET 100");
        let of_migrate = |it: &&Reply| it.to_string().contains("MIGRATE");
        let words = |it: &Reply| it.items()[3].to_string();
        let slow: Vec<String> = log.items().iter().filter(of_migrate).map(words).collect();
        (lines, slow)
    });
    assert_eq!(shown[0], shown[1]);
    assert!(shown[0].0.iter().all(|it| !it.contains("\"secret\"")));
}

/// A target that takes what comes and answers that; a whole line is the last one.
fn mute(answers: &'static [u8]) -> (u16, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("it connects");
        stream.write_all(answers).expect("it listens");
        if answers.ends_with(b"\n") {
            stream.shutdown(Shutdown::Write).expect("it listens");
        }
        // Until the other closes, or has had enough.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    (port, thread)
}

#[test]
fn a_target_that_says_nothing_takes_nothing() {
    let (port, target) = mute(b"+O");
    let server = Server::keytag(&["--io-threads", "2"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.line("SET k v");
    let began = Instant::now();
    client.send(&["MIGRATE", "127.0.0.1", &port.to_string(), "k", "0", "400"]);
    // Who is on another thread is served, unless it is about that key.
    let mut served = 0;
    while other.line("PING").to_string() == "PONG" && began.elapsed() < Duration::from_millis(200) {
        served += 1;
    }
    assert!(served > 0);
    assert_eq!(
        client.reply().to_string(),
        "(error) IOERR error or timeout reading to target instance"
    );
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(other.line("GET k").text(), "v");
    drop(client);
    target.join().expect("it ends with the connection");
}

/// What it has taken has gone, and what it has said nothing of stays.
#[test]
fn a_target_that_breaks_off_keeps_what_it_has_confirmed() {
    let (port, target) = mute(b"+OK\r\n+OK\r\n-BUSYKEY there\r\n+OK\r\n");
    let server = Server::keytag(LOGGED);
    let mut client = server.connect();
    for key in ["a", "b", "c", "d"] {
        client.line(&format!("SET {key} {key}"));
    }
    let line = format!("MIGRATE 127.0.0.1 {port} \"\" 0 5000 KEYS a b c d");
    let reply = client.line(&line).to_string();
    assert_eq!(
        reply,
        "(error) ERR Target instance replied with error: BUSYKEY there"
    );
    target.join().expect("it has closed");
    assert_eq!(
        client.line("MGET a b c d").to_string(),
        existing(&["b", "d"])
    );
    let (port, target) = mute(b"+OK\r\n+OK\r\n");
    let line = format!("MIGRATE 127.0.0.1 {port} \"\" 0 5000 KEYS d b");
    assert_eq!(
        client.line(&line).to_string(),
        "(error) IOERR error or timeout reading to target instance"
    );
    target.join().expect("it has closed");
    assert_eq!(client.line("MGET a b c d").to_string(), existing(&["b"]));
    let logged = requests(&server);
    let deletions: Vec<_> = logged.iter().filter(|it| it.starts_with("DEL")).collect();
    assert_eq!(deletions, ["DEL a c", "DEL d"]);
}

/// What MGET gives for a, b, c and d.
fn existing(keys: &[&str]) -> String {
    let lines =
        ["a", "b", "c", "d"]
            .iter()
            .zip(1..)
            .map(|(key, number)| match keys.contains(key) {
                true => format!("{number}) \"{key}\""),
                false => format!("{number}) (nil)"),
            });
    lines.collect::<Vec<_>>().join("\n")
}

/// Keys that are written to all the time are handed over again and again: no count is lost on the way.
#[test]
fn nothing_that_is_written_meanwhile_is_lost() {
    const COUNTS: i64 = 3_000;
    let [source, target] = [(); 2].map(|()| Server::keytag(&["--io-threads", "4"]));
    let is_over = AtomicBool::new(false);
    let counted = std::thread::scope(|scope| {
        let counter = scope.spawn(|| {
            let mut client = source.connect();
            for _ in 0..COUNTS {
                client.line("INCR counter");
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let mut client = source.connect();
        let mut other: Client = target.connect();
        let line = format!("MIGRATE 127.0.0.1 {} counter 0 5000", target.port());
        let mut sum = 0;
        let mut hand_over = || {
            let reply = client.line(&line).to_string();
            assert!(reply == "OK" || reply == "NOKEY", "{reply}");
            if reply == "OK" {
                sum += other
                    .line("GETDEL counter")
                    .text()
                    .parse::<i64>()
                    .expect("a count");
            }
        };
        while !is_over.load(Ordering::Relaxed) {
            hand_over();
        }
        counter.join().expect("it has counted");
        hand_over();
        sum
    });
    assert_eq!(counted, COUNTS);
}
