//! What clients do to each other and to themselves: kills, pauses, waits, silence, passwords, buffers.
//!
//! The same bytes go to Keytag and to Redis 7.4.1; where Redis waits or crashes, Keytag is held to what
//! is written here.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::support::client::Silence;
use crate::support::{Client, Kind, Reply, Server, words};

/// Both servers, with the same flags.
fn both(flags: &[&str]) -> [Server; 2] {
    [Server::keytag(flags), Server::start(Kind::Oracle, flags)]
}

/// Everything a server answers to these lines, sent one after the other over one connection.
fn conversation(server: &Server, lines: &[&str]) -> String {
    let mut client = server.connect();
    lines
        .iter()
        .for_each(|line| client.send_raw(format!("{line}\r\n").as_bytes()));
    client.finish_sending();
    words::quote(&client.receive_to_end().expect("an end"))
}

/// Both servers answer the same to the same lines.
fn assert_same(servers: &[Server; 2], lines: &[&str]) {
    let [ours, theirs] = [&servers[0], &servers[1]].map(|server| conversation(server, lines));
    assert_eq!(ours, theirs, "to {lines:?}");
}

/// Whether it becomes true before long.
fn soon(mut is_true: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_true() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

fn is_silent(client: Client) -> Client {
    let mut client = client.with_patience(Duration::from_millis(150));
    assert!(
        matches!(client.try_receive(), Err(Silence::TimedOut(_))),
        "nothing yet"
    );
    client.with_patience(Duration::from_secs(20))
}

/// The field of the line that `CLIENT LIST` has of a named client.
fn field(observer: &mut Client, name: &str, field: &str) -> String {
    let list = observer.line("CLIENT LIST").text();
    let line = list
        .lines()
        .find(|line| line.contains(&format!(" name={name} ")));
    let fields = line
        .unwrap_or_else(|| panic!("no {name} in {list}"))
        .split(' ');
    let mut values = fields.filter_map(|it| it.strip_prefix(&format!("{field}=")));
    values
        .next()
        .unwrap_or_else(|| panic!("no {field}"))
        .to_owned()
}

fn named(server: &Server, name: &str) -> Client {
    let mut client = server.connect();
    assert_eq!(
        client.line(&format!("CLIENT SETNAME {name}")).to_string(),
        "OK"
    );
    client
}

#[test]
fn silence_is_kept_to_the_command() {
    let servers = both(&[]);
    for lines in [
        &["CLIENT REPLY SKIP", "CLIENT REPLY ON", "PING"][..],
        &["CLIENT REPLY SKIP", "", "PING a", "PING b"],
        &["CLIENT REPLY SKIP", "RESET", "PING"],
        &["CLIENT REPLY SKIP", "GET", "PING"],
        &["CLIENT REPLY SKIP", "CLIENT REPLY x", "PING"],
        &[
            "CLIENT REPLY SKIP",
            "MULTI",
            "PING",
            "CLIENT REPLY SKIP",
            "EXEC",
            "PING a",
            "PING b",
        ],
        &[
            "MULTI",
            "CLIENT REPLY SKIP",
            "PING",
            "PING",
            "EXEC",
            "PING a",
            "PING b",
        ],
        &[
            "MULTI",
            "PING",
            "CLIENT REPLY OFF",
            "PING",
            "EXEC",
            "PING",
            "CLIENT REPLY ON",
        ],
        &[
            "MULTI",
            "CLIENT REPLY OFF",
            "CLIENT REPLY ON",
            "PING",
            "EXEC",
            "PING",
        ],
        &["MULTI", "NOSUCH", "CLIENT REPLY SKIP", "EXEC", "PING"],
        &[
            "CLIENT REPLY OFF",
            "CLIENT REPLY SKIP",
            "CLIENT REPLY ON",
            "PING",
        ],
        &["CLIENT REPLY OFF", "HELLO 3", "CLIENT REPLY ON", "GET none"],
        &["CLIENT REPLY SKIP", "WAIT 1 1", "PING a", "PING b"],
        &[
            "CLIENT REPLY OFF",
            "MULTI",
            "SET k v",
            "EXEC",
            "CLIENT REPLY ON",
            "GET k",
        ],
    ] {
        assert_same(&servers, lines);
    }
}

#[test]
fn a_client_kills_itself_after_the_reply() {
    let servers = both(&[]);
    let answers = servers.each_ref().map(|server| {
        let mut client = server.connect();
        let info = client.line("CLIENT INFO").text();
        let addr = info
            .split(' ')
            .find_map(|it| it.strip_prefix("addr="))
            .expect("an address");
        client.send_raw(format!("CLIENT KILL {addr}\r\nPING\r\nPING\r\n").as_bytes());
        words::quote(&client.receive_to_end().expect("an end"))
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn whoever_is_killed_is_gone_at_once() {
    let server = Server::keytag(&[]);
    let mut one = server.connect();
    let (mut idle, mut monitor, mut waiting) = (
        named(&server, "idle"),
        named(&server, "monitor"),
        named(&server, "waiting"),
    );
    assert_eq!(monitor.line("MONITOR").to_string(), "OK");
    waiting.send(&["WAIT", "1", "0"]);
    assert!(soon(|| one.info_number("blocked_clients") == 1));
    assert_eq!(
        one.line("CLIENT KILL TYPE normal").integer(),
        3,
        "all but who asks"
    );
    assert_eq!(one.line("CLIENT LIST").text().lines().count(), 1);
    assert!(idle.is_closed());
    assert!(waiting.is_closed(), "also one that waits");
    assert!(soon(|| one.info_number("blocked_clients") == 0));
    while monitor.try_receive().is_ok() {}
    assert!(monitor.is_closed());
}

#[test]
fn all_conditions_of_a_kill_must_hold() {
    let server = Server::keytag(&[]);
    let (mut one, mut other) = (server.connect(), server.connect());
    let id = other.line("CLIENT ID").integer();
    let info = other.line("CLIENT INFO").text();
    let value = |name: &str| {
        let fields = &mut info.split(' ');
        fields
            .find_map(|it| it.strip_prefix(&format!("{name}=")))
            .expect(name)
            .to_owned()
    };
    let (addr, laddr) = (value("addr"), value("laddr"));
    for (filter, killed) in [
        (format!("ID {id} ADDR 1.2.3.4:5"), 0),
        (format!("ADDR {addr} LADDR 1.2.3.4:5"), 0),
        (format!("ID {id} TYPE pubsub"), 0),
        (format!("ID {id} MAXAGE 1000"), 0),
        (
            format!("ID {id} ADDR {addr} LADDR {laddr} TYPE normal USER default SKIPME no"),
            1,
        ),
    ] {
        let reply = one.line(&format!("CLIENT KILL {filter}"));
        assert_eq!(reply.integer(), killed, "{filter}");
    }
    assert!(other.is_closed());
}

#[test]
fn a_waiting_client_is_unblocked_once() {
    let servers = both(&[]);
    for how in ["", "TIMEOUT", "ERROR"] {
        let answers = servers.each_ref().map(|server| {
            let (mut one, mut waiting) = (server.connect(), server.connect());
            let id = waiting.line("CLIENT ID").integer();
            let command = format!("CLIENT UNBLOCK {id} {how}");
            assert_eq!(one.line(&command).integer(), 0, "it does not wait yet");
            waiting.send_raw(b"WAIT 1 0\r\nPING\r\n");
            assert!(soon(|| one.line(&command).integer() == 1));
            assert_eq!(one.line(&command).integer(), 0, "it waits no longer");
            [waiting.receive(), waiting.receive()].map(|reply| words::quote(&reply))
        });
        assert_eq!(answers[0], answers[1], "{how}");
    }
}

/// Redis 7.4.1 crashes here; those after it answer 0.
#[test]
fn a_paused_client_is_not_unblocked() {
    let server = Server::keytag(&[]);
    let (mut one, mut paused) = (server.connect(), named(&server, "paused"));
    let id = paused.line("CLIENT ID").integer();
    assert_eq!(one.line("CLIENT PAUSE 60000 WRITE").to_string(), "OK");
    paused.send(&["SET", "k", "v"]);
    assert!(soon(|| field(&mut one, "paused", "flags") == "b"));
    assert_eq!(one.line(&format!("CLIENT UNBLOCK {id}")).integer(), 0);
    assert_eq!(one.line(&format!("CLIENT UNBLOCK {id} ERROR")).integer(), 0);
    assert_eq!(one.line("CLIENT UNPAUSE").to_string(), "OK");
    assert_eq!(paused.reply().to_string(), "OK");
}

#[test]
fn a_pause_stops_what_writes_and_nothing_before_it() {
    let servers = both(&[]);
    let answers = servers.each_ref().map(|server| {
        let (mut one, mut other) = (server.connect(), server.connect());
        other.send_raw(b"SET k 1\r\nCLIENT PAUSE 60000 WRITE\r\nGET k\r\nINCR k\r\nGET k\r\n");
        let before = [other.receive(), other.receive(), other.receive()];
        let mut other = is_silent(other);
        assert_eq!(one.info_number("blocked_clients"), 1);
        assert_eq!(one.line("CLIENT UNPAUSE").to_string(), "OK");
        let after = [other.receive(), other.receive()];
        [before.concat(), after.concat()].map(|bytes| words::quote(&bytes))
    });
    assert_eq!(answers[0], answers[1]);
}

/// What a script says of itself decides, where it says something.
#[test]
fn a_pause_stops_scripts_that_may_write() {
    const READS: &str = "#!lua flags=no-writes\nreturn redis.call('get', 'k')";
    const WRITES: &str = "#!lua\nreturn redis.call('get', 'k')";
    const LIBRARY: &str = "#!lua name=l\n\
        redis.register_function{function_name='reads', callback=function() return 1 end, flags={'no-writes'}} \
        redis.register_function('writes', function() return 2 end)";
    for server in &both(&[]) {
        let mut one = server.connect();
        one.call(&["FUNCTION", "LOAD", LIBRARY]);
        let known = [READS, WRITES].map(|script| {
            let sha = one.call(&["SCRIPT", "LOAD", script]).to_string();
            sha.trim_matches('"').to_owned()
        });
        assert_eq!(one.line("CLIENT PAUSE 60000 WRITE").to_string(), "OK");
        let mut reader = server.connect();
        for request in [
            ["EVAL", READS, "0"],
            ["EVALSHA", &known[0], "0"],
            ["FCALL", "reads", "0"],
            ["EVAL_RO", "return redis.call('get', 'k')", "0"],
        ] {
            let reply = reader.call(&request).to_string();
            assert!(["(nil)", "(integer) 1"].contains(&&*reply), "{reply}");
        }
        reader.call(&["MULTI"]);
        reader.call(&["FCALL", "reads", "0"]);
        assert_eq!(reader.call(&["EXEC"]).to_string(), "1) (integer) 1");
        let waiting: Vec<Client> = [
            ["EVAL", WRITES, "0"],
            ["EVAL", "return 3", "0"],
            ["EVALSHA", &known[1], "0"],
            ["FCALL", "writes", "0"],
        ]
        .iter()
        .map(|request| {
            let mut writer = server.connect();
            writer.send(request);
            is_silent(writer)
        })
        .collect();
        assert_eq!(one.line("CLIENT UNPAUSE").to_string(), "OK");
        let replies: Vec<String> = waiting
            .into_iter()
            .map(|mut writer| writer.reply().to_string())
            .collect();
        assert_eq!(replies, ["(nil)", "(integer) 3", "(nil)", "(integer) 2"]);
    }
}

#[test]
fn a_pause_stops_transactions_that_write() {
    let servers = both(&[]);
    for server in &servers {
        let (mut one, mut other) = (server.connect(), server.connect());
        other.pipeline(&["MULTI", "SET k 1"]);
        assert_eq!(one.line("CLIENT PAUSE 60000 WRITE").to_string(), "OK");
        other.send(&["EXEC"]);
        let mut other = is_silent(other);
        let mut reader = server.connect();
        assert_eq!(
            reader.pipeline(&["MULTI", "GET k", "EXEC"])[2].to_string(),
            "1) (nil)"
        );
        // Queueing a write waits too.
        let mut writer = server.connect();
        assert_eq!(writer.line("MULTI").to_string(), "OK");
        writer.send(&["SET", "k", "2"]);
        let mut writer = is_silent(writer);
        assert_eq!(one.line("CLIENT UNPAUSE").to_string(), "OK");
        assert_eq!(other.reply().to_string(), "1) OK");
        assert_eq!(writer.reply().to_string(), "QUEUED");
    }
}

#[test]
fn pauses_add_up_to_the_longest_and_strictest() {
    let servers = both(&[]);
    for server in &servers {
        let (mut one, mut other) = (server.connect(), server.connect());
        assert_eq!(one.line("CLIENT PAUSE 400 ALL").to_string(), "OK");
        let began = Instant::now();
        other.send(&["PING"]);
        assert_eq!(other.reply().to_string(), "PONG");
        assert!(
            began.elapsed() >= Duration::from_millis(300),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(one.line("CLIENT PAUSE 60000 WRITE").to_string(), "OK");
        assert_eq!(one.line("CLIENT PAUSE 1 WRITE").to_string(), "OK");
        other.send(&["SET", "k", "v"]);
        let mut other = is_silent(other);
        assert_eq!(one.line("CLIENT UNPAUSE").to_string(), "OK");
        assert_eq!(other.reply().to_string(), "OK");
    }
}

#[test]
fn nothing_expires_while_writes_are_paused() {
    let servers = both(&[]);
    let answers = servers.each_ref().map(|server| {
        let mut client = server.connect();
        client.pipeline(&["SET k v PX 50", "CLIENT PAUSE 60000 WRITE"]);
        std::thread::sleep(Duration::from_millis(300));
        let lines = [
            "GET k",
            "EXISTS k",
            "TTL k",
            "DBSIZE",
            "CLIENT UNPAUSE",
            "GET k",
            "DBSIZE",
        ];
        client
            .pipeline(&lines)
            .iter()
            .map(Reply::to_string)
            .collect::<Vec<_>>()
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0][3], "(integer) 1", "hidden, not gone");
}

#[test]
fn whoever_hangs_up_while_waiting_is_forgotten() {
    let server = Server::keytag(&[]);
    let mut one = server.connect();
    let (mut waiting, mut paused) = (server.connect(), server.connect());
    waiting.send_raw(b"WAIT 1 0\r\nPING\r\n");
    one.line("CLIENT PAUSE 60000 WRITE");
    paused.send(&["SET", "k", "v"]);
    assert!(soon(|| one.info_number("blocked_clients") == 2));
    drop(waiting);
    drop(paused);
    assert!(soon(|| one.info_number("blocked_clients") == 0));
    assert!(soon(|| one.info_number("connected_clients") == 1));
    one.line("CLIENT UNPAUSE");
    assert_eq!(one.line("GET k").to_string(), "(nil)", "never carried out");
}

#[test]
fn a_password_can_come_and_go() {
    let servers = both(&[]);
    let answers = servers.each_ref().map(|server| {
        let mut seen = Vec::new();
        let mut old = server.connect();
        let mut say = |client: &mut Client, line: &str| seen.push(client.line(line).to_string());
        say(&mut old, "CONFIG SET requirepass secret");
        // Who is in stays in.
        say(&mut old, "GET k");
        let mut new = server.connect();
        for line in [
            "GET k",
            "PING",
            "HELLO 3",
            "AUTH wrong",
            "MULTI",
            "EXEC",
            "QUIT x y",
        ] {
            say(&mut new, line);
        }
        let mut new = server.connect();
        for line in [
            "AUTH secret",
            "GET k",
            "AUTH wrong",
            "GET k",
            "RESET",
            "GET k",
        ] {
            say(&mut new, line);
        }
        say(&mut old, "CONFIG SET requirepass \"\"");
        say(&mut new, "GET k");
        say(&mut old, "CONFIG SET requirepass secret");
        say(&mut new, "GET k");
        say(&mut old, "RESET");
        say(&mut old, "GET k");
        seen
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn flags_tell_the_state() {
    let servers = both(&[]);
    for server in &servers {
        let (mut one, mut other) = (server.connect(), named(server, "other"));
        assert_eq!(field(&mut one, "other", "flags"), "N");
        assert_eq!(field(&mut one, "other", "cmd"), "client|setname");
        other.line("CLIENT NO-TOUCH ON");
        other.line("CLIENT NO-EVICT ON");
        assert_eq!(field(&mut one, "other", "flags"), "eT");
        other.line("WATCH k l");
        assert_eq!(field(&mut one, "other", "watch"), "2");
        other.pipeline(&["MULTI", "GET k"]);
        assert_eq!(field(&mut one, "other", "multi"), "1");
        assert_eq!(field(&mut one, "other", "flags"), "xeT");
        one.line("SET k v");
        assert_eq!(field(&mut one, "other", "flags"), "xdeT");
        assert_eq!(other.line("EXEC").to_string(), "(nil)");
        assert_eq!(field(&mut one, "other", "flags"), "eT");
        assert_eq!(field(&mut one, "other", "watch"), "0");
        other.line("NOSUCH");
        assert_eq!(field(&mut one, "other", "cmd"), "NULL");
        other.line("HELLO 3");
        assert_eq!(field(&mut one, "other", "resp"), "3");
        other.line("SELECT 7");
        assert_eq!(field(&mut one, "other", "db"), "7");
        other.line("MONITOR");
        assert_eq!(field(&mut one, "other", "flags"), "OeT");
    }
}

#[test]
fn no_touch_leaves_the_idle_time() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    client.line("SET k v");
    let mut observer = server.connect();
    let mut idle = || observer.line("OBJECT IDLETIME k").integer();
    assert!(soon(|| idle() >= 1));
    client.pipeline(&["CLIENT NO-TOUCH ON", "GET k", "EXISTS k", "STRLEN k"]);
    assert!(idle() >= 1, "reads are not seen");
    client.line("TOUCH k");
    assert_eq!(idle(), 0, "TOUCH is meant");
    assert!(soon(|| idle() >= 1));
    client.pipeline(&["CLIENT NO-TOUCH OFF", "GET k"]);
    assert_eq!(idle(), 0);
}

#[test]
fn who_monitors_may_not_touch_keys() {
    let servers = both(&[]);
    let answers = servers.each_ref().map(|server| {
        let mut client = server.connect();
        client.line("CLIENT PAUSE 0");
        let lines = [
            "MONITOR", "PING", "GET k", "SET k v", "DBSIZE", "ECHO x", "RESET", "GET k",
        ];
        let bytes: Vec<u8> = lines
            .iter()
            .flat_map(|line| format!("{line}\r\n").into_bytes())
            .collect();
        client.send_raw(&bytes);
        client.finish_sending();
        let text = String::from_utf8(client.receive_to_end().expect("an end")).expect("text");
        // Times and ports differ.
        text.split("\r\n")
            .map(|line| {
                line.split_once("] ")
                    .map_or(line, |(_, command)| command)
                    .to_owned()
            })
            .collect::<Vec<_>>()
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn secrets_are_hidden_from_monitors() {
    let servers = both(&[]);
    let answers = servers.each_ref().map(|server| {
        let mut monitor = server.connect();
        monitor.line("MONITOR");
        let mut client = server.connect();
        for line in [
            "AUTH secret",
            "AUTH user secret",
            "AUTH too many words",
            "HELLO 3 AUTH user secret",
            "HELLO 2 SETNAME auth AUTH user secret",
            "HELLO 2 AUTH user secret NOSUCH",
            "HELLO 2 NOSUCH AUTH user secret",
            "HELLO 9 AUTH user secret",
            "HELLO 2 AUTH user",
            "CONFIG SET requirepass \"\"",
            "ECHO \"\\x00\\x07\\b\\t\\xff\\\"\\\\\"",
            "PING",
        ] {
            client.line(line);
        }
        let mut seen = Vec::new();
        while !seen
            .last()
            .is_some_and(|line: &String| line.ends_with("\"PING\""))
        {
            let line = monitor.reply().text();
            seen.push(line.split_once("] ").expect("a place").1.to_owned());
        }
        seen
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn a_unix_socket_serves_as_well() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keytag.sock");
    let path = path.to_str().expect("text");
    let server = Server::keytag(&["--unixsocket", path, "--unixsocketperm", "700"]);
    let mut monitor = server.connect();
    monitor.line("MONITOR");
    let mut stream = UnixStream::connect(path).expect("it listens");
    stream
        .write_all(b"CLIENT INFO\r\nECHO hi\r\nQUIT\r\n")
        .expect("it reads");
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .expect("it answers and closes");
    assert!(
        text.contains(&format!(" addr={path}:0 laddr={path}:0 ")),
        "{text}"
    );
    assert!(text.contains(" flags=U "), "{text}");
    assert!(text.ends_with("$2\r\nhi\r\n+OK\r\n"), "{text}");
    let line = std::iter::repeat_with(|| monitor.reply().text()).find(|line| line.contains("ECHO"));
    let line = line.expect("endless");
    assert!(
        line.ends_with(&format!(" [0 unix:{path}] \"ECHO\" \"hi\"")),
        "{line}"
    );
}

/// Sends without ever reading, until the server takes no more or closes.
fn stuff(client: &mut Client, request: &[u8], times: usize) {
    for _ in 0..times {
        client.send_raw(request);
    }
}

#[test]
fn who_does_not_read_is_closed_at_the_hard_limit() {
    let server = Server::keytag(&[
        "--client-output-buffer-limit",
        "normal",
        "1000000",
        "0",
        "0",
    ]);
    let (mut one, mut greedy) = (server.connect(), server.connect());
    one.call(&[b"SET", &b"k"[..], &[b'x'; 10_000]]);
    stuff(&mut greedy, &b"GET k\r\n".repeat(3000), 1);
    let field = "client_output_buffer_limit_disconnections";
    assert!(soon(|| one.info_number(field) == 1));
    assert_eq!(one.line("CLIENT LIST").text().lines().count(), 1);
}

#[test]
fn who_does_not_read_is_closed_after_the_soft_limit() {
    let server = Server::keytag(&["--client-output-buffer-limit", "normal", "0", "100000", "1"]);
    let (mut one, mut greedy) = (server.connect(), named(&server, "greedy"));
    one.call(&[b"SET", &b"k"[..], &[b'x'; 10_000]]);
    stuff(&mut greedy, &b"GET k\r\n".repeat(2000), 1);
    assert!(soon(|| field(&mut one, "greedy", "omem")
        .parse::<usize>()
        .expect("a number")
        > 100_000));
    assert_eq!(field(&mut one, "greedy", "events"), "rw");
    assert_eq!(
        one.info_number("client_output_buffer_limit_disconnections"),
        0,
        "not at once"
    );
    assert!(soon(|| one
        .info_number("client_output_buffer_limit_disconnections")
        == 1));
}

#[test]
fn a_monitor_that_does_not_read_is_closed() {
    let server = Server::keytag(&[
        "--client-output-buffer-limit",
        "normal",
        "1000000",
        "0",
        "0",
    ]);
    let (mut one, mut monitor) = (server.connect(), server.connect());
    monitor.line("MONITOR");
    let echo = words::encode(&["ECHO", &"x".repeat(10_000)]);
    assert!(soon(|| {
        stuff(&mut one, &echo, 50);
        (0..50).for_each(|_| drop(one.receive()));
        one.info_number("client_output_buffer_limit_disconnections") == 1
    }));
    while monitor.try_receive().is_ok() {}
    assert!(monitor.is_closed());
}

#[test]
fn who_sends_too_much_of_a_request_is_closed() {
    let server = Server::keytag(&["--client-query-buffer-limit", "1mb"]);
    let mut one = server.connect();
    let mut long = server.connect();
    long.send_raw(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n");
    stuff(&mut long, &[b'x'; 1000], 2000);
    assert!(long.is_closed());
    let mut queueing = server.connect();
    queueing.line("MULTI");
    stuff(
        &mut queueing,
        &words::encode(&["SET", "k", &"x".repeat(10_000)]),
        200,
    );
    while queueing.try_receive().is_ok() {}
    let mut waiting = server.connect();
    waiting.send_raw(b"WAIT 1 0\r\n");
    stuff(&mut waiting, &b"PING\r\n".repeat(1000), 300);
    assert!(waiting.is_closed());
    assert_eq!(
        one.info_number("client_query_buffer_limit_disconnections"),
        3
    );
    assert_eq!(one.info_number("blocked_clients"), 0);
}

#[test]
fn who_sends_everything_before_reading_is_served() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    client.call(&[b"SET", &b"k"[..], &[b'x'; 1000]]);
    // More than the sockets of both sides hold: the server reads on although nobody reads from it.
    let requests = words::encode(&["GET", "k"]).repeat(20_000);
    client.send_raw(&requests);
    let reply = [&b"$1000\r\n"[..], &[b'x'; 1000], b"\r\n"].concat();
    for index in 0..20_000 {
        assert!(client.receive() == reply, "reply {index}");
    }
}

#[test]
fn a_busy_pipeline_does_not_starve_others() {
    let server = Server::keytag(&["--io-threads", "1"]);
    let (mut busy, mut other) = (server.connect(), server.connect());
    let mut writer = Client::clone_of(&busy);
    let requests = b"SET k v\r\n".repeat(300_000);
    let slowest = std::thread::scope(|scope| {
        let sender = scope.spawn(move || writer.send_raw(&requests));
        let receiver = scope.spawn(move || (0..300_000).for_each(|_| drop(busy.receive())));
        let mut slowest = Duration::ZERO;
        while !receiver.is_finished() {
            let began = Instant::now();
            other.line("PING");
            slowest = slowest.max(began.elapsed());
        }
        sender.join().expect("sent");
        slowest
    });
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
}
