//! Servers to test with: started on a free port and an own directory, gone when dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::client::Client;
use super::faults::Faults;
use super::reply::Reply;
use super::tools;

/// How long a start or a stop may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The server under test.
    Keytag,
    /// Redis 7.4.1: what Keytag must do.
    Oracle,
    /// Debian's Redis 7.0.15: the oldest that must be able to read our files.
    Stock,
}

impl Kind {
    fn program(self) -> PathBuf {
        match self {
            Kind::Keytag => tools::keytag(),
            Kind::Oracle => tools::oracle().to_owned(),
            Kind::Stock => "redis-server".into(),
        }
    }
}

/// A server process with its directory.
pub(crate) struct Server {
    kind: Kind,
    child: Option<Child>,
    port: u16,
    home: TempDir,
    flags: Vec<String>,
    environment: Vec<(String, PathBuf)>,
}

impl Server {
    /// Starts Keytag with more flags.
    pub(crate) fn keytag(flags: &[&str]) -> Server {
        Server::start(Kind::Keytag, flags)
    }

    /// Starts a server with more flags on an empty directory. A first one without dashes is a configuration file.
    ///
    /// Nothing is saved unless the flags say so.
    pub(crate) fn start(kind: Kind, flags: &[&str]) -> Server {
        Server::start_on(kind, flags, |_| {})
    }

    /// Starts a server on a directory that `prepare` has filled.
    pub(crate) fn start_on(kind: Kind, flags: &[&str], prepare: impl FnOnce(&Path)) -> Server {
        let mut server = Server::prepared(kind, flags, prepare);
        server.start_again();
        server
    }

    /// Starts a server on a disk that fails as `faults` says.
    pub(crate) fn start_with(kind: Kind, flags: &[&str], faults: &Faults) -> Server {
        let mut server = Server::prepared_with(kind, flags, faults);
        server.start_again();
        server
    }

    /// The same, not started yet.
    pub(crate) fn prepared_with(kind: Kind, flags: &[&str], faults: &Faults) -> Server {
        let mut server = Server::prepared(kind, flags, |_| {});
        server.environment = faults.environment();
        server
    }

    /// A server that is not started yet.
    pub(crate) fn prepared(kind: Kind, flags: &[&str], prepare: impl FnOnce(&Path)) -> Server {
        let home = TempDir::new().expect("a temporary directory");
        let flags = flags.iter().map(ToString::to_string).collect();
        let server = Server {
            kind,
            child: None,
            port: free_port(),
            home,
            flags,
            environment: Vec::new(),
        };
        std::fs::create_dir(server.dir()).expect("an own directory");
        prepare(&server.dir());
        server
    }

    /// Starts the program again, on the same directory and port.
    ///
    /// # Panics
    /// If it does not answer in time.
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.is_none(), "the server runs already");
        self.spawn();
        self.wait_until_ready();
    }

    /// Starts the program, which may be far from ready.
    pub(crate) fn begin(&mut self) {
        self.spawn();
    }

    /// Starts the program, which is to end by itself.
    pub(crate) fn run_to_end(&mut self) -> ExitStatus {
        self.spawn();
        self.wait()
    }

    /// Waits until the program that was started has loaded its files.
    ///
    /// # Panics
    /// If it has not in time.
    pub(crate) fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.answers() {
            if let Some(status) = self.exit_status() {
                // Another program may have taken the port in between.
                assert!(
                    self.log().contains("Address already in use"),
                    "{status}:\n{}",
                    self.log()
                );
                self.port = free_port();
                self.spawn();
            }
            assert!(
                Instant::now() < deadline,
                "not ready in time:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn spawn(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log");
        let errors = log.try_clone().expect("a log");
        let is_file = |flag: &&String| !flag.starts_with("--");
        let file = self.flags.first().filter(is_file);
        let child = Command::new(self.kind.program())
            .args(file)
            .args(["--port", &self.port.to_string(), "--save", ""])
            .arg("--dir")
            .arg(self.dir())
            .args(&self.flags[file.iter().len()..])
            .current_dir(self.dir())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.kind.program()));
        self.child = Some(child);
    }

    fn answers(&self) -> bool {
        let Ok(client) = Client::connect(self.port) else {
            return false;
        };
        let mut client = client.with_patience(PATIENCE);
        client.send(&["PING"]);
        match client.try_receive() {
            Ok(reply) => !reply.starts_with(b"-LOADING"),
            Err(_) => false,
        }
    }

    /// How the process ended, if it has.
    pub(crate) fn exit_status(&mut self) -> Option<ExitStatus> {
        let status = self
            .child
            .as_mut()?
            .try_wait()
            .expect("the child is ours")?;
        self.child = None;
        Some(status)
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.port).unwrap_or_else(|error| panic!("{error}:\n{}", self.log()))
    }

    /// A new connection to a program that may not listen yet.
    pub(crate) fn connect_early(&self) -> Client {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Client::connect(self.port) {
                Ok(client) => return client,
                Err(error) => assert!(Instant::now() < deadline, "{error}:\n{}", self.log()),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// A new connection that has said `HELLO 3`.
    pub(crate) fn connect_resp3(&self) -> Client {
        let mut client = self.connect();
        assert!(
            matches!(client.line("HELLO 3"), Reply::Map(_)),
            "HELLO 3 is answered with a map"
        );
        client
    }

    /// Which program it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its working directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// What it has printed, over all its starts.
    pub(crate) fn log(&self) -> String {
        std::fs::read(self.log_path()).map_or_else(
            |_| String::new(),
            |log| String::from_utf8_lossy(&log).into_owned(),
        )
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed());
        kill(pid, signal).expect("the process is ours");
    }

    /// Ends it without any warning, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Waits until the process has ended.
    ///
    /// # Panics
    /// If it does not within ten seconds, what `docker stop` grants.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.exit_status() {
                return status;
            }
            assert!(Instant::now() < deadline, "still running:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends it by SIGTERM and starts it again.
    pub(crate) fn restart(&mut self) {
        self.terminate();
        self.start_again();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(10)..];
            println!(
                "--- end of the log of {:?} on port {} ---\n{}",
                self.kind,
                self.port,
                last.join("\n")
            );
        }
        self.kill();
    }
}

/// A port that nothing listens on, outside of the range that connections are given.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).expect("below COUNT");
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
