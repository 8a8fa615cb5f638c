//! Scripts: what they may call, what comes of it, and what becomes of one that does not end.

mod random;

use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Reply, Server, words};

/// Says every line of a corpus to both servers, in RESP2 and RESP3: the replies must be the same bytes.
fn compare(corpus: &str) {
    let mut differences = String::new();
    let flags = ["--enable-debug-command", "yes"];
    let [keytag, oracle] = [Kind::Keytag, Kind::Oracle].map(|kind| Server::start(kind, &flags));
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
            if ours != theirs {
                differences += &format!("RESP3 {is_resp3}: {line}\n{ours:?}\n{theirs:?}\n");
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn scripts_see_what_they_see_in_redis() {
    compare(include_str!("script/api.txt"));
}

#[test]
fn the_libraries_of_scripts_are_those_of_redis() {
    compare(include_str!("script/libraries.txt"));
}

/// Who puts arguments into the text of a script sends another one each time.
#[test]
fn scripts_that_are_forgotten_take_no_memory() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let mut send = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let text = format!("return '{}{number}'", "x".repeat(1_000));
            client.call(&["EVAL", &text, "0"]);
        }
        client.info_number("used_memory_vm_eval")
    };
    let few = send(0..1_000);
    let many = send(1_000..6_000);
    assert!(many < 2 * few, "{few} bytes, then {many}");
    let mut client = server.connect();
    assert_eq!(client.info_number("number_of_cached_scripts"), 500);
    assert_eq!(client.info_number("evicted_scripts"), 5_500);
    client.line("SCRIPT FLUSH");
    assert!(client.info_number("used_memory_vm_eval") < few / 4);
}

#[test]
fn lua_says_what_it_says_in_redis() {
    compare(include_str!("script/language.txt"));
}

/// Functions that scripts may call, and the most arguments that are worth a try.
const FUNCTIONS: &[(&str, usize)] = &[
    ("pairs", 1),
    ("ipairs", 1),
    ("next", 2),
    ("rawget", 2),
    ("rawset", 3),
    ("rawequal", 2),
    ("setmetatable", 2),
    ("getmetatable", 1),
    ("tonumber", 2),
    ("tostring", 1),
    ("type", 1),
    ("unpack", 3),
    ("select", 2),
    ("pcall", 2),
    ("xpcall", 2),
    ("error", 2),
    ("assert", 2),
    ("loadstring", 2),
    ("load", 2),
    ("setfenv", 2),
    ("getfenv", 1),
    ("print", 1),
    ("dofile", 1),
    ("require", 1),
    ("table.concat", 3),
    ("table.insert", 3),
    ("table.remove", 2),
    ("table.sort", 2),
    ("table.maxn", 1),
    ("table.getn", 1),
    ("table.foreach", 2),
    ("table.foreachi", 2),
    ("table.setn", 2),
    ("string.rep", 2),
    ("string.sub", 3),
    ("string.byte", 3),
    ("string.char", 2),
    ("string.format", 2),
    ("string.find", 3),
    ("string.match", 2),
    ("string.gmatch", 2),
    ("string.gsub", 3),
    ("string.len", 1),
    ("string.lower", 1),
    ("string.upper", 1),
    ("string.reverse", 1),
    ("string.dump", 1),
    ("math.random", 3),
    ("math.randomseed", 1),
    ("math.floor", 1),
    ("math.max", 2),
    ("math.abs", 1),
    ("math.fmod", 2),
    ("math.ldexp", 2),
    ("math.sqrt", 1),
    ("coroutine.create", 1),
    ("coroutine.resume", 2),
    ("coroutine.wrap", 1),
    ("coroutine.status", 1),
    ("coroutine.yield", 1),
    ("bit.band", 2),
    ("bit.tohex", 2),
    ("bit.lshift", 2),
    ("bit.bnot", 1),
    ("struct.pack", 2),
    ("struct.unpack", 2),
    ("struct.size", 1),
    ("cjson.encode", 1),
    ("cjson.decode", 1),
    ("cmsgpack.pack", 2),
    ("cmsgpack.unpack", 1),
    ("redis.call", 1),
    ("redis.pcall", 2),
    ("redis.log", 2),
    ("redis.sha1hex", 2),
    ("redis.error_reply", 1),
    ("redis.status_reply", 1),
    ("redis.setresp", 2),
    ("redis.set_repl", 1),
    ("redis.acl_check_cmd", 1),
];

const ARGUMENTS: &[&str] = &[
    "nil", "5", "-1", "1.5", "'s'", "'5'", "true", "{}", "{1, 2}", "tostring",
];

/// All rows of so many arguments.
fn rows(length: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for place in 0..length {
        let longer = rows.iter().flat_map(|row| {
            let comma = if place == 0 { "" } else { ", " };
            ARGUMENTS.iter().map(move |it| format!("{row}{comma}{it}"))
        });
        rows = longer.collect();
    }
    rows
}

/// A reply without what follows `0x`: tables and functions lie elsewhere in each process.
fn without_addresses(reply: &[u8]) -> String {
    let reply = String::from_utf8_lossy(reply);
    let mut parts = reply.split("0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "0x" + part.trim_start_matches(|it: char| it.is_ascii_hexdigit())
    })
}

/// Every function says the same of arguments that it does not like, at the same place, by the same name; and makes
/// the same of those that it does.
#[test]
fn arguments_are_taken_as_in_redis() {
    let is_comparable = |call: &str| {
        // Redis ends with an error that is a table without a text.
        let is_fatal = call.starts_with("error({");
        // There is one more level where `pcall` is.
        let levels = ["fenv, 5", "fenv, '5'"];
        let is_deep = call.starts_with("pcall(") && levels.iter().any(|it| call.contains(it));
        !is_fatal && !is_deep
    };
    let mut pair = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let client = server.connect();
        (server, client)
    });
    let mut differences = Vec::new();
    for &(function, most) in FUNCTIONS {
        let rows = (0..=most).flat_map(rows);
        let calls: Vec<String> = rows
            .flat_map(|row| {
                let comma = if row.is_empty() { "" } else { ", " };
                [
                    format!("{function}({row})"),
                    format!("pcall({function}{comma}{row})"),
                ]
            })
            .filter(|call| is_comparable(call))
            .collect();
        for calls in calls.chunks(200) {
            let mut requests = Vec::new();
            for call in calls {
                let script = format!(
                    "local r = {{{call}}} local shown = {{}} for i = 1, table.maxn(r) do local t = type(r[i]) \
                     shown[i] = (t == 'string' or t == 'number' or t == 'boolean') and tostring(r[i]) or t end \
                     return shown"
                );
                requests.extend(words::encode(&["EVAL", &script, "0"]));
            }
            let [ours, theirs] = pair.each_mut().map(|(_, client)| {
                client.send_raw(&requests);
                let replies = calls.iter().map(|_| without_addresses(&client.receive()));
                replies.collect::<Vec<_>>()
            });
            let pairs = ours.into_iter().zip(theirs);
            let different = calls
                .iter()
                .zip(pairs)
                .filter(|(_, (ours, theirs))| ours != theirs);
            differences.extend(
                different.map(|(call, (ours, theirs))| format!("{call}\n  {ours:?}\n  {theirs:?}")),
            );
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn scripts_may_debug_where_that_is_wanted() {
    compare(include_str!("script/debug.txt"));
}

/// What INFO counts of commands and errors, without times.
fn counted(client: &mut Client) -> Vec<String> {
    let text = client.line("INFO commandstats errorstats stats").text();
    let is_counted = |line: &&str| {
        ["cmdstat_", "errorstat_", "total_error_replies"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let steady = |line: &str| -> String {
        let parts = line.split(',').filter(|part| !part.starts_with("usec"));
        parts.collect::<Vec<_>>().join(",")
    };
    let mut lines: Vec<String> = text.lines().filter(is_counted).map(steady).collect();
    lines.sort();
    lines
}

#[test]
fn errors_of_scripts_are_counted_once() {
    let servers = [Kind::Keytag, Kind::Oracle].map(|kind| Server::start(kind, &[]));
    let mut clients = servers.each_ref().map(Server::connect);
    for client in &mut clients {
        client.line("FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function(keys) return redis.call('incr', keys[1]) end)\"");
    }
    let of_functions = ["FCALL f 1 k", "FCALL nosuch 0"];
    for line in include_str!("script/errors.txt")
        .lines()
        .chain(of_functions)
    {
        let [ours, theirs] = clients.each_mut().map(|client| {
            client.line("SET k text");
            client.line("CONFIG RESETSTAT");
            client.line(line);
            counted(client)
        });
        assert_eq!(ours, theirs, "{line}");
    }
}

/// Scripts that call, and that are refused at each step.
const SCENE: [&str; 9] = [
    "CONFIG SET slowlog-log-slower-than 0",
    "EVAL \"redis.call('select',2) redis.pcall('incr','l') redis.call('get',KEYS[1]) redis.pcall('nosuch')\" 1 k",
    "EVAL \"redis.call('script','kill') return 1\" 0",
    "EVAL x y",
    "EVALSHA abc 0",
    "EVAL error 0",
    "MULTI",
    "EVAL_RO \"return redis.call('echo', ARGV[1])\" 0 nested",
    "EXEC",
];

#[test]
fn monitors_see_a_script_before_what_it_calls() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let (mut monitor, mut client) = (server.connect(), server.connect());
        assert_eq!(monitor.line("MONITOR").to_string(), "OK");
        for line in SCENE {
            client.line(line);
        }
        let mut seen = Vec::new();
        while seen
            .last()
            .is_none_or(|last: &String| !last.ends_with("\"EXEC\""))
        {
            let line = monitor.reply().text();
            let (_, line) = line.split_once('[').expect("a place");
            let (place, words) = line.split_once("] ").expect("a place");
            let (db, address) = place.split_once(' ').expect("a database and an address");
            let origin = address.split(':').next().unwrap_or_default();
            seen.push(format!("[{db} {origin}] {words}"));
        }
        seen
    });
    assert_eq!(ours, theirs);
    assert!(
        ours.contains(&"[2 lua] \"incr\" \"l\"".to_owned()),
        "{ours:#?}"
    );
}

#[test]
fn the_slow_log_has_what_a_script_calls() {
    let [ours, theirs] = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        client.line("CLIENT SETNAME me");
        for line in SCENE {
            client.line(line);
        }
        let log = client.line("SLOWLOG GET -1");
        let words_and_origin = |entry: &Reply| {
            let items = entry.items();
            let has_address = !items[4].text().is_empty();
            format!("{} {has_address} {}", items[3], items[5])
        };
        log.items().iter().map(words_and_origin).collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
    let nested = ours.iter().filter(|entry| entry.contains(" false "));
    assert_eq!(nested.count(), 4, "{ours:#?}");
}

#[test]
fn functions_are_those_of_redis() {
    compare(include_str!("script/functions.txt"));
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

/// Asks until a busy script is what is answered.
/// Scripts name none of the keys that they move a number between; others read and write several keys at once.
#[test]
fn a_script_happens_at_one_moment_whatever_it_touches() {
    const KEYS: usize = 12;
    let server = Server::keytag(&["--io-threads", "4"]);
    let mut client = server.connect();
    let names: Vec<String> = (0..KEYS).map(|number| format!("k{number}")).collect();
    let mut all = vec!["MGET"];
    all.extend(names.iter().map(String::as_str));
    for name in &names {
        client.call(&["SET", name, "0"]);
    }
    let script = "local n = tonumber(ARGV[1]) \
        for i = 1, 4 do \
            redis.call('incrby', 'k' .. (n * i) % 12, n) \
            redis.call('decrby', 'k' .. (n * n + i) % 12, n) \
        end \
        return redis.call('mget', 'k0', 'k5', 'nobody')";
    std::thread::scope(|scope| {
        for seed in 1..4 {
            let mut client = server.connect();
            scope.spawn(move || {
                for round in 0..300 {
                    let number = (seed * 1_000 + round).to_string();
                    let reply = client.call(&["EVAL", script, "0", &number]);
                    assert!(matches!(reply, Reply::Array(_)), "{reply}");
                }
            });
        }
        for is_exec in [false, true] {
            let (mut client, all) = (server.connect(), &all);
            scope.spawn(move || {
                for _ in 0..300 {
                    if is_exec {
                        client.call(&["MULTI"]);
                        client.call(&["MSET", "other1", "1", "other2", "2", "other3", "3"]);
                        client.call(all);
                    }
                    let reply = match is_exec {
                        true => client.call(&["EXEC"]),
                        false => client.call(all),
                    };
                    let numbers = match reply {
                        Reply::Array(mut replies) if is_exec => replies.pop().expect("of MGET"),
                        reply => reply,
                    };
                    let Reply::Array(numbers) = numbers else {
                        panic!("{numbers}");
                    };
                    let sum: i64 = numbers.iter().map(number).sum();
                    assert_eq!(sum, 0, "{numbers:?}");
                }
            });
        }
    });
}

fn number(reply: &Reply) -> i64 {
    let text = reply.to_string();
    text.trim_matches('"').parse().expect("a number")
}

/// A finalizer runs wherever Lua needs memory, in the midst of a call too.
#[test]
fn a_call_from_inside_a_call_is_refused() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let script = "local refused = 0 \
        for i = 1, 20000 do \
            getmetatable(newproxy(true)).__gc = function() \
                if redis.pcall('ping').err then refused = refused + 1 end \
            end \
            redis.call('echo', tostring(i)) \
        end \
        return refused";
    for _ in 0..3 {
        let reply = client.call(&["EVAL", script, "0"]).to_string();
        assert!(reply.starts_with("(integer) "), "{reply}");
        assert_ne!(reply, "(integer) 0", "none of 20,000 has come in between");
    }
    assert_eq!(
        client
            .line("EVAL \"return redis.call('echo', 'x')\" 0")
            .to_string(),
        "\"x\""
    );
}

fn await_busy(client: &mut Client) {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody is told");
        let reply = client.line("GET kept").to_string();
        if reply.contains("BUSY Redis is busy running a script. You can only call SCRIPT KILL") {
            return;
        }
    }
}

/// Whoever is there or comes is told of a script that does not end, on its own thread too, and may end it.
fn assert_killed(io_threads: &str, requests: &[&[&str]]) {
    let flags = ["--busy-reply-threshold", "50", "--io-threads", io_threads];
    let server = Server::keytag(&flags);
    let [mut looping, mut watching, mut leaving, mut blocked] = [(); 4].map(|()| server.connect());
    let mut others: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    assert_eq!(watching.line("SET kept v").to_string(), "OK");
    for client in [&mut watching, &mut leaving] {
        assert_eq!(client.line("WATCH kept other").to_string(), "OK");
    }
    blocked.send(&["BLPOP", "none", "0.3"]);
    let began = Instant::now();
    while others[0].info_number("blocked_clients") == 0 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it does not wait"
        );
    }
    requests.iter().for_each(|request| looping.send(request));
    looping.send(&["GET", "kept"]);

    for client in others.iter_mut().chain([&mut watching]) {
        await_busy(client);
    }
    await_busy(&mut server.connect());
    drop(leaving);
    assert_eq!(watching.line("WATCH kept another").to_string(), "OK");
    assert_eq!(watching.line("UNWATCH").to_string(), "OK");
    assert_eq!(watching.line("MULTI").to_string(), "OK");
    let reply = watching.line("EXEC").to_string();
    assert!(
        reply.contains("EXECABORT Transaction discarded because of: BUSY"),
        "{reply}"
    );
    for line in [
        "EVAL \"return 1\" 0",
        "DBSIZE",
        "KEYS *",
        "PING",
        "SET kept w",
    ] {
        let reply = others[0].line(line).to_string();
        assert!(reply.starts_with("(error) BUSY"), "{line}: {reply}");
    }
    assert_eq!(others[1].line("SCRIPT KILL").to_string(), "OK");

    for (index, _) in requests.iter().enumerate() {
        let reply = looping.reply().to_string();
        let is_last = index + 1 == requests.len();
        let killed = reply.contains("ERR Script killed by user with SCRIPT KILL... script: ");
        assert_eq!(killed, is_last, "{reply}");
    }
    assert_eq!(looping.reply().to_string(), "\"v\"");
    assert_eq!(
        looping.line(r#"EVAL "return 1" 0"#).to_string(),
        "(integer) 1"
    );
    assert_eq!(blocked.reply().to_string(), "(nil)");
    for client in others.iter_mut().chain([&mut watching, &mut blocked]) {
        assert_eq!(client.line("GET kept").to_string(), "\"v\"");
    }
    let reply = others[1].line("SCRIPT KILL").to_string();
    assert!(reply.contains("NOTBUSY"), "{reply}");
    let began = Instant::now();
    while others[0].info_number("watching_clients") != 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "it watches on");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_script_that_does_not_end_is_killed() {
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function(e) return e end) end",
        "while true do redis.call('get', 'kept') end",
        "while true do redis.pcall('dbsize') end",
    ] {
        for io_threads in ["1", "3"] {
            assert_killed(io_threads, &[&["EVAL", script, "0"]]);
        }
    }
}

#[test]
fn a_transaction_whose_script_does_not_end_is_killed() {
    let script = ["EVAL", "while true do end", "0"];
    for io_threads in ["1", "3"] {
        assert_killed(io_threads, &[&["MULTI"], &["PING"], &script, &["EXEC"]]);
    }
}

#[test]
fn a_script_that_has_written_ends_with_the_server_on_its_own_thread_too() {
    let mut server = Server::keytag(&["--busy-reply-threshold", "50", "--io-threads", "1"]);
    let (mut looping, mut client) = (server.connect(), server.connect());
    let script = "redis.call('set', 'k', 'v') while true do end";
    looping.send(&["EVAL", script, "0"]);
    await_busy(&mut client);
    let reply = client.line("SCRIPT KILL").to_string();
    assert!(reply.contains("UNKILLABLE"), "{reply}");
    client.send(&["SHUTDOWN", "NOSAVE"]);
    assert!(server.wait().success());
}
