//! Functions: what becomes of libraries in time, on disk and on other threads. Their replies are in `script/functions.txt`.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::transcript::rewrite;
use crate::support::{Client, Kind, Server};

const AOF: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// A library with one function of the same name that gives `value`.
fn library(name: &str, value: &str) -> String {
    format!("#!lua name={name}\nredis.register_function('{name}', function() return '{value}' end)")
}

fn load(client: &mut Client, name: &str, value: &str) {
    let reply = client.call(&["FUNCTION", "LOAD", "REPLACE", &library(name, value)]);
    assert_eq!(reply.to_string(), format!("\"{name}\""));
}

fn fill(client: &mut Client) {
    load(client, "kept", "old");
    load(client, "gone", "x");
    load(client, "kept", "new");
    load(client, "other", "o");
    assert_eq!(client.line("FUNCTION DELETE gone").to_string(), "OK");
    assert_eq!(client.line("SET k v").to_string(), "OK");
}

fn assert_filled(client: &mut Client) {
    assert_eq!(client.line("FCALL kept 0").to_string(), "\"new\"");
    let refused = client.line("FCALL_RO other 0").to_string();
    assert!(refused.contains("*_ro"), "{refused}");
    assert_eq!(client.line("FCALL other 0").to_string(), "\"o\"");
    assert_eq!(
        client.line("FCALL gone 0").to_string(),
        "(error) ERR Function not found"
    );
    assert_eq!(client.line("GET k").to_string(), "\"v\"");
}

#[test]
fn libraries_come_back_after_a_restart() {
    let mut server = Server::keytag(AOF);
    fill(&mut server.connect());
    assert_filled(&mut server.connect());
    server.kill();
    server.start_again();
    assert_filled(&mut server.connect());
    rewrite(&mut server.connect());
    server.kill();
    server.start_again();
    assert_filled(&mut server.connect());
    let mut client = server.connect();
    assert_eq!(client.line("FUNCTION FLUSH").to_string(), "OK");
    server.kill();
    server.start_again();
    let mut client = server.connect();
    assert_eq!(client.line("FUNCTION LIST").to_string(), "(empty array)");
}

#[test]
fn what_is_restored_comes_back_after_a_restart() {
    let mut server = Server::keytag(AOF);
    let mut client = server.connect();
    fill(&mut client);
    client.send(&["FUNCTION", "DUMP"]);
    let reply = client.receive();
    let begin = reply
        .iter()
        .position(|&byte| byte == b'\n')
        .expect("a header")
        + 1;
    let payload = &reply[begin..reply.len() - 2];
    assert_eq!(client.line("FUNCTION FLUSH").to_string(), "OK");
    let restore: [&[u8]; 4] = [b"FUNCTION", b"RESTORE", payload, b"FLUSH"];
    assert_eq!(client.call(&restore).to_string(), "OK");
    assert_filled(&mut client);
    server.kill();
    server.start_again();
    assert_filled(&mut server.connect());
}

fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for file in std::fs::read_dir(from).expect("a directory") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
}

#[test]
fn redis_reads_the_libraries_of_the_log_and_keytag_those_of_redis() {
    for (ours, theirs) in [(Kind::Keytag, Kind::Oracle), (Kind::Keytag, Kind::Stock)] {
        for is_rewritten in [false, true] {
            let server = Server::start(ours, AOF);
            fill(&mut server.connect());
            if is_rewritten {
                rewrite(&mut server.connect());
            }
            let reader = Server::start_on(theirs, AOF, |dir| {
                copy_directory(
                    &server.dir().join("appendonlydir"),
                    &dir.join("appendonlydir"),
                );
            });
            assert_filled(&mut reader.connect());
        }
    }
    let server = Server::start(Kind::Oracle, AOF);
    fill(&mut server.connect());
    let incremental = "appendonlydir/appendonly.aof.1.incr.aof";
    let reader = Server::start_on(Kind::Keytag, AOF, |dir| {
        // Without the base, which is a snapshot.
        std::fs::create_dir_all(dir.join("appendonlydir")).expect("a directory");
        std::fs::copy(server.dir().join(incremental), dir.join(incremental)).expect("copied");
        let manifest = "file appendonly.aof.1.incr.aof seq 1 type i\n";
        std::fs::write(dir.join("appendonlydir/appendonly.aof.manifest"), manifest)
            .expect("written");
    });
    assert_filled(&mut reader.connect());
}

#[test]
fn all_threads_know_what_one_has_loaded() {
    let server = Server::keytag(&["--io-threads", "4"]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for round in 0..8 {
        load(&mut clients[round], "kept", &round.to_string());
        for client in &mut clients {
            let reply = client.line("FCALL kept 0").to_string();
            assert_eq!(reply, format!("\"{round}\""));
        }
    }
    let info = |client: &mut Client, field: &str| client.info_number(field);
    let mut first = server.connect();
    assert_eq!(info(&mut first, "number_of_libraries"), 1);
    assert_eq!(info(&mut first, "number_of_functions"), 1);
    assert!(info(&mut first, "used_memory_vm_functions") > 4 * 8192);
    assert!(info(&mut first, "used_memory_functions") > 0);
    assert_eq!(clients[5].line("FUNCTION FLUSH").to_string(), "OK");
    for client in &mut clients {
        let reply = client.line("FCALL kept 0").to_string();
        assert_eq!(reply, "(error) ERR Function not found");
    }
    assert_eq!(info(&mut first, "number_of_libraries"), 0);
}

/// What stays in the interpreter is one thing for all connections, and goes when it does in Redis.
#[test]
fn what_functions_and_scripts_leave_is_found_as_in_redis() {
    const LIBRARY: &str = "#!lua name=l\nlocal n = 0\n\
        redis.register_function('count', function() n = n + 1 return n end)\n\
        redis.register_function('deep', function() return cjson.encode_max_depth() end)\n\
        redis.register_function('deepen', function() return cjson.encode_max_depth(9) end)";
    const DEEP: [&str; 3] = ["EVAL", "return cjson.encode_max_depth()", "0"];
    const DEEPEN: [&str; 3] = ["EVAL", "return cjson.encode_max_depth(7)", "0"];
    let run = |kind: Kind| -> Vec<String> {
        let flags = ["--io-threads", "4", "--enable-debug-command", "yes"];
        let server = Server::start(kind, &flags);
        let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
        let mut replies = Vec::new();
        let mut turn = 0;
        let mut line = |request: &[&str]| {
            turn += 1;
            let reply = clients[turn % 8].call(request);
            replies.push(format!("{}: {reply}", request.join(" ")));
        };
        line(&["FUNCTION", "LOAD", LIBRARY]);
        for _ in 0..20 {
            line(&["FCALL", "count", "0"]);
        }
        line(&["FCALL", "deepen", "0"]);
        line(&["FCALL", "deep", "0"]);
        line(&DEEP);
        line(&["FUNCTION", "LOAD", "REPLACE", LIBRARY]);
        line(&["FCALL", "count", "0"]);
        line(&["FCALL", "deep", "0"]);
        line(&["FUNCTION", "DELETE", "l"]);
        line(&["FUNCTION", "LOAD", LIBRARY]);
        line(&["FCALL", "deep", "0"]);
        line(&["FLUSHALL"]);
        line(&["FCALL", "deep", "0"]);
        line(&["FCALL", "count", "0"]);
        line(&["DEBUG", "RELOAD"]);
        line(&["FCALL", "count", "0"]);
        line(&["FCALL", "deepen", "0"]);
        line(&["FUNCTION", "FLUSH"]);
        line(&["FCALL", "count", "0"]);
        line(&["FUNCTION", "LOAD", LIBRARY]);
        line(&["FCALL", "deep", "0"]);
        line(&["FCALL", "count", "0"]);
        // Scripts have an interpreter of their own.
        line(&DEEPEN);
        for _ in 0..8 {
            line(&DEEP);
        }
        line(&["FCALL", "deep", "0"]);
        line(&[
            "EVAL",
            "math.randomseed(5) return tostring(math.random())",
            "0",
        ]);
        line(&["EVAL", "return tostring(math.random())", "0"]);
        line(&["SCRIPT", "FLUSH"]);
        line(&DEEP);
        replies
    };
    assert_eq!(run(Kind::Keytag), run(Kind::Oracle));
}

#[test]
fn a_library_runs_once() {
    let server = Server::keytag(&["--io-threads", "4"]);
    let text = "#!lua name=l\nredis.log(redis.LOG_WARNING, 'it runs')\n\
        redis.register_function('f', function() return 1 end)";
    let mut first = server.connect();
    first.call(&["FUNCTION", "LOAD", text]);
    for _ in 0..8 {
        assert_eq!(
            server.connect().line("FCALL f 0").to_string(),
            "(integer) 1"
        );
    }
    assert_eq!(server.log().matches("it runs").count(), 1);
}

/// A client whose requests are refused because a script is busy.
fn told_busy(server: &Server, text: &str) -> Client {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody is told");
        let mut client = server.connect().with_patience(Duration::from_millis(500));
        client.send(&["GET", "x"]);
        match client.try_receive() {
            Ok(reply) if reply.starts_with(b"-BUSY") => {
                let reply = String::from_utf8_lossy(&reply).into_owned();
                assert!(reply.contains(text), "{reply}");
                return client.with_patience(Duration::from_secs(20));
            }
            _ => {}
        }
    }
}

const LOOPS: &str = "#!lua name=loops\n\
    redis.register_function('reads', function() while true do end end)\n\
    redis.register_function('writes', function() redis.call('SET', 'k', 'v') while true do end end)";

#[test]
fn functions_and_scripts_are_killed_by_their_own_commands() {
    let server = Server::keytag(&["--busy-reply-threshold", "50", "--io-threads", "4"]);
    let mut looping = server.connect();
    looping.call(&["FUNCTION", "LOAD", LOOPS]);
    looping.send(&["FCALL", "READS", "1", "a", "b"]);
    let mut client = told_busy(
        &server,
        "You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
    );
    let stats = client.line("FUNCTION STATS").to_string();
    assert!(
        stats.starts_with("1) \"running_script\"\n2) 1) \"name\"\n   2) \"reads\"\n   3) \"command\"\n   4) 1) \"FCALL\"\n      2) \"READS\"\n      3) \"1\"\n      4) \"a\"\n      5) \"b\"\n   5) \"duration_ms\"\n"),
        "{stats}"
    );
    for line in ["SCRIPT KILL", "FUNCTION LIST", "PING", "SHUTDOWN", "INFO"] {
        let reply = client.line(line).to_string();
        assert!(
            reply.contains("BUSY Redis is busy running a script. You can only call FUNCTION KILL"),
            "{reply}"
        );
    }
    assert_eq!(client.line("FUNCTION KILL").to_string(), "OK");
    let reply = looping.reply().to_string();
    assert_eq!(
        reply,
        "(error) ERR Script killed by user with SCRIPT KILL... script: reads, on @user_function:2."
    );

    looping.send(&["EVAL", "while true do end", "0"]);
    let mut client = told_busy(&server, "You can only call SCRIPT KILL or SHUTDOWN NOSAVE.");
    for line in ["FUNCTION KILL", "FUNCTION STATS"] {
        let reply = client.line(line).to_string();
        assert!(reply.contains("You can only call SCRIPT KILL"), "{reply}");
    }
    assert_eq!(client.line("SCRIPT KILL").to_string(), "OK");
    assert!(looping.reply().is_error());
    assert_eq!(
        client.line("FUNCTION STATS").to_string().lines().nth(1),
        Some("2) (nil)")
    );
}

#[test]
fn a_function_that_has_written_ends_with_the_server_only() {
    let mut server = Server::keytag(&["--busy-reply-threshold", "50", "--io-threads", "4"]);
    let mut looping = server.connect();
    looping.call(&["FUNCTION", "LOAD", LOOPS]);
    looping.send(&["FCALL", "writes", "0"]);
    let mut client = told_busy(&server, "FUNCTION KILL");
    for line in ["FUNCTION KILL", "SCRIPT KILL"] {
        let reply = client.line(line).to_string();
        assert!(reply.contains("UNKILLABLE"), "{reply}");
    }
    client.send(&["SHUTDOWN", "NOSAVE"]);
    assert!(server.wait().success());
}

#[test]
fn a_library_that_does_not_end_is_not_loaded() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let endless = "#!lua name=x\nredis.register_function('x', function() end) while true do end";
    let reply = client.call(&["FUNCTION", "LOAD", endless]).to_string();
    assert_eq!(
        reply,
        "(error) ERR Error registering functions: ERR FUNCTION LOAD timeout"
    );
    assert_eq!(client.line("FUNCTION LIST").to_string(), "(empty array)");
    load(&mut client, "x", "fine");
    assert_eq!(client.line("FCALL x 0").to_string(), "\"fine\"");
    assert_eq!(client.line("FCALL x 0").to_string(), "\"fine\"");
}

#[test]
fn an_error_without_a_text_is_an_error() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let text = "#!lua name=x\nredis.register_function('x', function() error({}) end)";
    client.call(&["FUNCTION", "LOAD", text]);
    let reply = client.line("FCALL x 0").to_string();
    assert!(
        reply.starts_with("(error) ERR unknown error script: x"),
        "{reply}"
    );
}
