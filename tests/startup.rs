//! How the program starts, is configured, and ends.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::server::free_port;
use crate::support::{Client, Kind, Reply, Server, keyspace, tools};

const LIMIT: Duration = Duration::from_secs(10);

/// What a program prints before it gives up, without times and version.
fn refusal(program: &Path, directory: &Path, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    let finished = tools::run(&mut command, LIMIT);
    let block = finished
        .output
        .split_once("*** FATAL")
        .map_or_else(String::new, |(_, block)| block.to_owned());
    // The first line names the version.
    (
        finished.status.code(),
        block.lines().skip(1).map(str::to_owned).collect(),
    )
}

fn assert_same_refusal(directory: &Path, arguments: &[&str]) {
    let ours = refusal(&tools::keytag(), directory, arguments);
    let theirs = refusal(tools::oracle(), directory, arguments);
    assert_eq!(theirs.0, Some(1), "Redis refuses {arguments:?}");
    assert!(
        !theirs.1.is_empty(),
        "Redis says why it refuses {arguments:?}"
    );
    // Two more policies than Redis has stand at the end of its list.
    let (status, lines) = ours;
    let lines = lines
        .iter()
        .map(|line| line.replace(", volatile-gdsf, allkeys-gdsf", ""));
    assert_eq!((status, lines.collect()), theirs, "{arguments:?}");
}

#[test]
fn bad_flags_are_refused_with_their_line() {
    let directory = TempDir::new().expect("a directory");
    for arguments in [
        &["--nosuch", "1"][..],
        &["--port"],
        &["--port", "x"],
        &["--port", "70000"],
        &["--port", "1", "2"],
        &["--maxmemory", "x"],
        &["--maxmemory-policy", "nosuch"],
        &["--appendonly", "maybe"],
        &["--appendfsync", "sometimes"],
        &["--databases", "0"],
        &["--save", "1"],
        &["--save", "x", "1"],
        &["--dir", "/nosuch/directory"],
        &["--client-output-buffer-limit", "nosuch", "1", "2", "3"],
        &["--client-output-buffer-limit", "normal", "1"],
        &["--maxmemory", "1", "--nosuch", "a b"],
        &["--rename-command", "nosuch", "x"],
        &["--loglevel", "loud"],
        &["--maxmemory-samples", "0"],
        &["--unixsocketperm", "9"],
        &["--maxmemory", "\"3mb\""],
        &["--oom-score-adj-values", "1", "2"],
    ] {
        assert_same_refusal(directory.path(), arguments);
    }
}

#[test]
fn bad_files_are_refused_with_their_line() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("redis.conf");
    for text in [
        "nosuch 1\n",
        "# a comment\n\nport 1\nmaxmemory-policy nosuch\n",
        "port\n",
        "port 1 2\n",
        "port \"1\n",
        "requirepass \"a\"b\n",
        "maxmemory 1xb\n",
        "hz x\n",
    ] {
        fs::write(&file, text).expect("written");
        assert_same_refusal(directory.path(), &["redis.conf"]);
    }
    fs::write(&file, "port 1\n").expect("written");
    assert_same_refusal(directory.path(), &["redis.conf", "--nosuch", "1"]);
}

#[test]
fn a_missing_file_is_named() {
    let directory = TempDir::new().expect("a directory");
    let outputs = [tools::keytag(), tools::oracle().to_owned()].map(|program| {
        let finished = tools::run(
            Command::new(program)
                .arg("nosuch.conf")
                .current_dir(directory.path()),
            LIMIT,
        );
        assert_eq!(finished.status.code(), Some(1), "{}", finished.output);
        let line = finished
            .output
            .lines()
            .find(|line| line.contains("Fatal error"))
            .map(str::to_owned);
        line.map(|line| line.split_once(" # ").expect("a level").1.to_owned())
    });
    assert!(outputs[1].is_some());
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn flags_are_read_as_redis_reads_them() {
    let names = "CONFIG GET maxmemory maxmemory-policy save appendfsync requirepass client-output-buffer-limit \
        hash-max-listpack-entries replica-read-only bind maxmemory-samples";
    for flags in [
        &["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu"][..],
        &["--maxmemory 700mb"],
        &["--maxmemory", "1g", "--maxmemory", "2G"],
        &["--save", "900", "1", "--save", "300", "10"],
        &["--save", "900 1 300 10"],
        &["--save", "900 1", "--save", ""],
        &["--hash-max-ziplist-entries", "7", "--slave-read-only", "no"],
        &["--client-output-buffer-limit", "pubsub", "1mb", "2mb", "60"],
        &["--client-output-buffer-limit", "pubsub 1mb 2mb 60"],
        &["--MAXMEMORY", "5kb", "--Appendfsync", "ALWAYS"],
        &["--bind", "127.0.0.1", "-::1"],
        &["--maxmemory-samples", "9", "--maxmemory", "0"],
    ] {
        let read = [Kind::Keytag, Kind::Oracle].map(|kind| {
            let server = Server::start(kind, flags);
            let reply = server.connect_resp3().line(names);
            let Reply::Map(mut pairs) = reply else {
                panic!("a map")
            };
            pairs.sort();
            pairs
        });
        assert_eq!(read[0], read[1], "{flags:?}");
    }
}

#[test]
fn the_line_of_the_application_starts() {
    let flags = [
        "--appendonly",
        "yes",
        "--maxmemory",
        "256mb",
        "--maxmemory-policy",
        "allkeys-lru",
    ];
    let server = Server::keytag(&flags);
    let mut client = server.connect();
    assert_eq!(client.line("PING").to_string(), "PONG");
    assert_eq!(
        client.line("CONFIG GET maxmemory").items()[1].text(),
        "268435456"
    );
    assert_eq!(client.line("SET k v").to_string(), "OK");
    let log = server.log();
    assert!(log.contains("Ready to accept connections"), "{log}");
    assert!(
        log.contains(&format!("{}:M ", server.pid())),
        "lines begin with the process: {log}"
    );
    assert_eq!(
        client.info_number("process_id"),
        i64::from(server.pid()),
        "no launcher in between"
    );
}

#[test]
fn a_file_is_read_and_flags_come_after_it() {
    let port = free_port();
    let server = Server::start_on(Kind::Keytag, &[], |dir| {
        fs::write(dir.join("more.conf"), "maxmemory 5mb\nhz 50\n").expect("written");
        let text = format!(
            "# A comment\n\n  maxmemory-policy   \"allkeys-lru\"  \ninclude more.conf\nrequirepass 'a \\'b'\nport {port}\nsave 900 1\nappendonly no\n"
        );
        fs::write(dir.join("redis.conf"), text).expect("written");
    });
    // The harness gives flags only; the file is given to a second process in the same directory.
    let mut command = Command::new(tools::keytag());
    command
        .args(["redis.conf", "--hz", "20", "--save", ""])
        .current_dir(server.dir());
    with_running(&mut command, port, "", |client| {
        assert!(client.line("PING").to_string().contains("NOAUTH"));
        assert_eq!(client.call(&["AUTH", "a 'b"]).to_string(), "OK");
        let get = |client: &mut Client, name: &str| {
            client.line(&format!("CONFIG GET {name}")).items()[1].text()
        };
        assert_eq!(get(client, "maxmemory"), "5242880");
        assert_eq!(get(client, "maxmemory-policy"), "allkeys-lru");
        assert_eq!(get(client, "hz"), "20");
        assert_eq!(get(client, "save"), "");
        let file = client.info("config_file").expect("a field");
        assert!(
            file.ends_with("/redis.conf") && file.starts_with('/'),
            "{file}"
        );
    });
}

#[test]
fn standard_input_can_be_the_file() {
    let directory = TempDir::new().expect("a directory");
    let port = free_port();
    let mut command = Command::new(tools::keytag());
    command
        .args(["-", "--save", ""])
        .current_dir(directory.path());
    with_running(
        &mut command,
        port,
        &format!("port {port}\nmaxmemory 3mb\n"),
        |client| {
            assert_eq!(
                client.line("CONFIG GET maxmemory").items()[1].text(),
                "3145728"
            );
        },
    );
}

/// Starts a program, talks to it, and ends it.
fn with_running(command: &mut Command, port: u16, input: &str, talk: impl FnOnce(&mut Client)) {
    struct Running(std::process::Child);
    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut running = Running(child);
    let mut stdin = running.0.stdin.take().expect("piped");
    stdin
        .write_all(input.as_bytes())
        .expect("read by the server");
    drop(stdin);
    let client = (0..2_000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(2));
        let mut client = Client::connect(port).ok()?;
        let is_loading = client.line("PING").to_string().contains("LOADING");
        (!is_loading).then_some(client)
    });
    talk(&mut client.expect("it listens"));
}

#[test]
fn a_rewritten_file_says_what_was_set() {
    let directory = TempDir::new().expect("a directory");
    let port = free_port();
    let text = format!("# My comment\nport {port}\nsave \"\"\nmaxmemory 1mb\n# The end\n");
    fs::write(directory.path().join("redis.conf"), text).expect("written");
    let command = || {
        let mut command = Command::new(tools::keytag());
        command.arg("redis.conf").current_dir(directory.path());
        command
    };
    with_running(&mut command(), port, "", |client| {
        assert_eq!(
            client
                .line("CONFIG SET maxmemory 2mb maxmemory-policy volatile-ttl")
                .to_string(),
            "OK"
        );
        assert_eq!(client.line("CONFIG REWRITE").to_string(), "OK");
    });
    let text = fs::read_to_string(directory.path().join("redis.conf")).expect("readable");
    let lines: Vec<&str> = text.lines().collect();
    for line in [
        "# My comment",
        "# The end",
        "maxmemory 2mb",
        "maxmemory-policy volatile-ttl",
    ] {
        assert!(lines.contains(&line), "{line} is missing:\n{text}");
    }
    with_running(&mut command(), port, "", |client| {
        assert_eq!(
            client.line("CONFIG GET maxmemory-policy").items()[1].text(),
            "volatile-ttl"
        );
    });
    let server = Server::keytag(&[]);
    let without = server.connect().line("CONFIG REWRITE").to_string();
    assert_eq!(
        without,
        "(error) ERR The server is running without a config file"
    );
}

#[test]
fn the_version_is_printed_as_libraries_read_it() {
    for flag in ["--version", "-v"] {
        let finished = tools::run(Command::new(tools::keytag()).arg(flag), LIMIT);
        assert!(finished.status.success());
        let rest = finished
            .output
            .strip_prefix("Redis server v=7.4.")
            .unwrap_or_else(|| panic!("{}", finished.output));
        for part in [" sha=", " malloc=", " bits=64", " build="] {
            assert!(rest.contains(part), "{}", finished.output);
        }
    }
    for flag in ["--help", "-h"] {
        let finished = tools::run(Command::new(tools::keytag()).arg(flag), LIMIT);
        assert!(finished.output.contains("Usage:"), "{}", finished.output);
    }
}

#[test]
fn the_name_redis_server_changes_nothing() {
    let directory = TempDir::new().expect("a directory");
    let link = directory.path().join("redis-server");
    std::os::unix::fs::symlink(tools::keytag(), &link).expect("a link");
    let port = free_port();
    let mut command = Command::new(link);
    command
        .args(["--port", &port.to_string(), "--save", ""])
        .current_dir(directory.path());
    with_running(&mut command, port, "", |client| {
        assert_eq!(client.line("PING").to_string(), "PONG")
    });
}

#[test]
fn a_taken_port_is_said_and_ends_the_start() {
    let server = Server::keytag(&[]);
    let directory = TempDir::new().expect("a directory");
    let mut command = Command::new(tools::keytag());
    command
        .args(["--port", &server.port().to_string()])
        .current_dir(directory.path());
    let finished = tools::run(&mut command, LIMIT);
    assert_eq!(finished.status.code(), Some(1));
    assert!(
        finished
            .output
            .contains(&format!("Failed listening on port {}", server.port())),
        "{}",
        finished.output
    );
    assert!(
        finished.output.contains("Address already in use"),
        "{}",
        finished.output
    );
    assert_eq!(server.connect().line("PING").to_string(), "PONG");
}

#[test]
fn sigterm_and_sigint_save_and_end() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Server::keytag(&["--appendonly", "yes"]);
        let mut client = server.connect();
        assert_eq!(client.line("SET k v TAGS 1 t").to_string(), "OK");
        let before = keyspace::read(&mut client);
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{}", server.log());
        assert!(
            server.log().contains("ready to exit, bye bye"),
            "{}",
            server.log()
        );
        assert!(client.is_closed());
        server.start_again();
        keyspace::assert_same(
            &before,
            &keyspace::read(&mut server.connect()),
            "after the signal",
        );
    }
}

#[test]
fn sighup_is_ignored() {
    let server = Server::keytag(&[]);
    server.signal(Signal::SIGHUP);
    server.signal(Signal::SIGPIPE);
    assert_eq!(server.connect().line("PING").to_string(), "PONG");
}

#[test]
fn shutdown_ends_the_server() {
    for line in ["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN NOW FORCE"] {
        let mut server = Server::keytag(&["--appendonly", "yes"]);
        let mut client = server.connect();
        client.line("SET k v");
        client.send(&line.split(' ').collect::<Vec<&str>>());
        assert!(client.is_closed(), "{line} is answered by the close");
        assert_eq!(server.wait().code(), Some(0), "{line}");
        server.start_again();
        assert_eq!(
            server.connect().line("GET k").to_string(),
            "\"v\"",
            "{line} keeps what the log has"
        );
    }
}

#[test]
fn a_unix_socket_has_its_permissions_and_goes_at_the_end() {
    let mut server = Server::keytag(&["--unixsocket", "server.sock", "--unixsocketperm", "700"]);
    let path = server.dir().join("server.sock");
    let metadata = fs::metadata(&path).expect("the socket is there");
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
    let mut stream = UnixStream::connect(&path).expect("it listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
    stream.write_all(b"PING\r\n").expect("sent");
    let mut reply = [0; 7];
    std::io::Read::read_exact(&mut stream, &mut reply).expect("answered");
    assert_eq!(&reply, b"+PONG\r\n");
    server.terminate();
    assert!(!path.exists(), "a socket that nobody listens on is left");
}

#[test]
fn it_listens_where_it_is_bound() {
    let server = Server::keytag(&["--bind", "127.0.0.1", "-::1", "-1.2.3.4"]);
    assert_eq!(server.connect().line("PING").to_string(), "PONG");
    let other = std::net::TcpStream::connect(("127.0.0.2", server.port()));
    assert!(other.is_err(), "127.0.0.2 was not asked for");
    let mut failing = Command::new(tools::keytag());
    failing
        .args(["--bind", "1.2.3.4", "--port", &free_port().to_string()])
        .current_dir(server.dir());
    let finished = tools::run(&mut failing, LIMIT);
    assert_eq!(
        finished.status.code(),
        Some(1),
        "an address that is not there is an error without the dash"
    );
}

#[test]
fn the_pid_is_written_and_taken_away() {
    let mut server = Server::keytag(&["--pidfile", "server.pid", "--daemonize", "no"]);
    let path = server.dir().join("server.pid");
    assert_eq!(
        fs::read_to_string(&path).expect("a file").trim(),
        server.pid().to_string()
    );
    server.terminate();
    assert!(!path.exists());
}

#[test]
fn a_daemon_leaves_the_one_who_started_it() {
    let directory = TempDir::new().expect("a directory");
    let port = free_port();
    let mut command = Command::new(tools::keytag());
    command
        .args([
            "--port",
            &port.to_string(),
            "--daemonize",
            "yes",
            "--pidfile",
            "own.pid",
            "--logfile",
            "own.log",
            "--save",
            "",
        ])
        .current_dir(directory.path());
    let finished = tools::run(&mut command, LIMIT);
    assert!(finished.status.success(), "{}", finished.output);
    let client = (0..2_000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(2));
        Client::connect(port).ok()
    });
    let mut client = client.expect("it listens");
    let pid = client.info_number("process_id").to_string();
    assert_eq!(
        fs::read_to_string(directory.path().join("own.pid"))
            .expect("a file")
            .trim(),
        pid
    );
    client.send(&["SHUTDOWN", "NOSAVE"]);
    assert!(client.is_closed());
    let log = fs::read_to_string(directory.path().join("own.log")).expect("a log");
    assert!(log.contains("Ready to accept connections"), "{log}");
}
