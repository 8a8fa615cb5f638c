//! Behaviour as a conversation: commands and the replies that they must have.
//!
//! ```text
//! > SET k v EX 100
//! OK
//! > GET k
//! "v"
//! ```
//!
//! Commands are written and replies are printed as by redis-cli. The same conversation is held in
//! RESP2, in RESP3 and with every command in a MULTI of its own, with Keytag and with a real Redis
//! 7.4.1, and what both say must be the same bytes. After it, Keytag is started anew from its
//! append-only file, as written and as rewritten, and must hold what it held.
//!
//! | line | meaning |
//! |---|---|
//! | `2> GET k` | said over a second connection |
//! | `sorted> KEYS *` | the elements of the reply come in any order |
//! | `~ text*text` | a line of the reply that varies where the stars are |
//! | `# keytag-only` | about what no Redis has: not said to Redis |
//! | `# no-multi`, `# no-reload`, `# resp2-only` | without that part |
//! | `# flags --option value` | both servers are started with more flags |

use std::time::{Duration, Instant};

use super::client::Client;
use super::keyspace::{self, Keyspace};
use super::reply::Reply;
use super::server::{Kind, Server};
use super::words;

/// Holds the conversation in all the ways there are.
///
/// # Panics
/// At the first reply that is not as written, or not as Redis says it.
pub(crate) fn transcript(text: &str) {
    let script = Script::parse(text);
    let mut keytag = Conversations::new(Kind::Keytag, &script);
    let mut oracle = script
        .has_oracle
        .then(|| Conversations::new(Kind::Oracle, &script));
    for mode in script.modes() {
        let ours = keytag.hold(mode);
        if let Some(oracle) = &mut oracle {
            let theirs = oracle.hold(mode);
            for ((step, ours), theirs) in script.steps.iter().zip(&ours).zip(&theirs) {
                step.assert_same_bytes(ours, theirs, mode);
            }
        }
    }
    if script.has_reload {
        keytag.reload();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Resp2,
    Resp3,
    /// Every command in a transaction of its own.
    Multi,
}

struct Script {
    flags: Vec<String>,
    has_oracle: bool,
    has_multi: bool,
    has_reload: bool,
    has_resp3: bool,
    steps: Vec<Step>,
}

struct Step {
    line: String,
    connection: usize,
    is_sorted: bool,
    command: Vec<Vec<u8>>,
    expected: Vec<String>,
}

impl Script {
    fn parse(text: &str) -> Script {
        let mut script = Script {
            flags: Vec::new(),
            has_oracle: true,
            has_multi: true,
            has_reload: true,
            has_resp3: true,
            steps: Vec::new(),
        };
        let indent = text
            .lines()
            .find(|line| !line.trim().is_empty())
            .map_or(0, |line| line.len() - line.trim_start().len());
        for line in text.lines() {
            let line = line.get(indent..).unwrap_or_default().trim_end();
            if let Some(marker) = line.strip_prefix("# ") {
                script.mark(marker);
            } else if let Some(step) = Step::parse(line) {
                script.steps.push(step);
            } else if !line.is_empty() {
                let step = script
                    .steps
                    .last_mut()
                    .unwrap_or_else(|| panic!("a reply to nothing: {line}"));
                step.expected.push(line.to_owned());
            }
        }
        assert!(!script.steps.is_empty(), "nothing is said in: {text}");
        script
    }

    fn mark(&mut self, marker: &str) {
        match marker.split_once(' ').unwrap_or((marker, "")) {
            ("keytag-only", "") => self.has_oracle = false,
            ("no-multi", "") => self.has_multi = false,
            ("no-reload", "") => self.has_reload = false,
            ("resp2-only", "") => self.has_resp3 = false,
            ("flags", flags) => {
                let flags = words::split(flags).into_iter();
                self.flags = flags
                    .map(|flag| String::from_utf8(flag).expect("flags are text"))
                    .collect();
            }
            _ => panic!("unknown marker: {marker}"),
        }
    }

    fn modes(&self) -> Vec<Mode> {
        const OWN_CONNECTION: &[&str] = &[
            "MULTI", "EXEC", "DISCARD", "WATCH", "HELLO", "RESET", "QUIT", "MONITOR", "SHUTDOWN",
        ];
        let has_multi =
            self.has_multi && !self.steps.iter().any(|step| step.is_one_of(OWN_CONNECTION));
        [
            (has_multi, Mode::Multi),
            (self.has_resp3, Mode::Resp3),
            (true, Mode::Resp2),
        ]
        .into_iter()
        .filter_map(|(is_held, mode)| is_held.then_some(mode))
        .collect()
    }

    /// Whether it changes what FLUSHALL does not change back.
    fn touches_server(&self) -> bool {
        const COMMANDS: &[&str] = &[
            "ACL", "AUTH", "CLIENT", "COMMAND", "CONFIG", "DEBUG", "INFO", "LATENCY", "MEMORY",
            "SLOWLOG",
        ];
        self.steps.iter().any(|step| step.is_one_of(COMMANDS))
    }
}

impl Step {
    fn parse(line: &str) -> Option<Step> {
        let (who, command) = line
            .split_once("> ")
            .or_else(|| Some((line.strip_suffix('>')?, "")))?;
        let (connection, is_sorted) = match who {
            "" => (0, false),
            "sorted" => (0, true),
            number => (number.parse::<usize>().ok()? - 1, false),
        };
        let command = words::split(command);
        Some(Step {
            line: line.to_owned(),
            connection,
            is_sorted,
            command,
            expected: Vec::new(),
        })
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        let name = self.command.first().map(|name| name.to_ascii_uppercase());
        names
            .iter()
            .any(|other| name.as_deref() == Some(other.as_bytes()))
    }

    fn varies(&self) -> bool {
        self.expected.iter().any(|line| line.starts_with("~ "))
    }

    fn decode(&self, bytes: &[u8]) -> Reply {
        let reply = Reply::parse(bytes)
            .expect("a reply")
            .expect("a whole reply")
            .0;
        if self.is_sorted {
            reply.sorted()
        } else {
            reply
        }
    }

    /// Compares a reply with what is written.
    fn assert_as_written(&self, bytes: &[u8], mode: Mode, kind: Kind) {
        let reply = self.decode(bytes);
        let reply = if mode == Mode::Resp3 {
            reply.in_resp2()
        } else {
            reply
        };
        let text = reply.to_string();
        // A status or verbatim string may hold line ends of its own.
        let got: Vec<&str> = text.split('\n').map(str::trim_end).collect();
        let is_same = got.len() == self.expected.len()
            && got.iter().zip(&self.expected).all(|(got, expected)| {
                match expected.strip_prefix("~ ") {
                    Some(pattern) => words::matches(pattern, got),
                    None => got == expected,
                }
            });
        assert!(
            is_same,
            "{kind:?} in {mode:?}\n{}\n--- written:\n{}\n--- answered:\n{text}\n",
            self.line,
            self.expected.join("\n"),
        );
    }

    /// Compares our reply with that of Redis.
    fn assert_same_bytes(&self, ours: &[u8], theirs: &[u8], mode: Mode) {
        let is_same = if self.varies() {
            ours.first() == theirs.first()
        } else if self.is_sorted {
            self.decode(ours) == self.decode(theirs)
        } else {
            ours == theirs
        };
        assert!(
            is_same,
            "{mode:?}\n{}\n--- Keytag: {}\n--- Redis:  {}\n",
            self.line,
            words::quote(ours),
            words::quote(theirs),
        );
    }
}

/// A server and what is said to it, one conversation after the other.
struct Conversations<'a> {
    kind: Kind,
    script: &'a Script,
    server: Server,
    is_used: bool,
}

impl Conversations<'_> {
    fn new(kind: Kind, script: &Script) -> Conversations<'_> {
        Conversations {
            kind,
            script,
            server: start(kind, script),
            is_used: false,
        }
    }

    /// Holds one conversation and gives the bytes of each reply.
    fn hold(&mut self, mode: Mode) -> Vec<Vec<u8>> {
        if self.is_used {
            if self.script.touches_server() {
                self.server = start(self.kind, self.script);
            } else {
                assert_eq!(self.server.connect().line("FLUSHALL").to_string(), "OK");
            }
        }
        self.is_used = true;
        let mut connections: Vec<Client> = Vec::new();
        let mut replies = Vec::new();
        for step in &self.script.steps {
            while connections.len() <= step.connection {
                connections.push(self.connect(mode));
            }
            let reply = ask(&mut connections[step.connection], step, mode);
            // A RESP3 reply may have another shape; there the bytes of Redis are the measure.
            if mode != Mode::Resp3 || !self.script.has_oracle {
                step.assert_as_written(&reply, mode, self.kind);
            }
            replies.push(reply);
        }
        replies
    }

    fn connect(&self, mode: Mode) -> Client {
        if mode == Mode::Resp3 {
            self.server.connect_resp3()
        } else {
            self.server.connect()
        }
    }

    /// Starts from what is on disk, twice: as it was written, and rewritten.
    fn reload(&mut self) {
        let before = self.stored();
        self.server.restart();
        keyspace::assert_same(&before, &self.stored(), "after a restart");
        rewrite(&mut self.server.connect());
        self.server.kill();
        self.server.start_again();
        keyspace::assert_same(&before, &self.stored(), "after a rewrite");
    }

    fn stored(&self) -> Keyspace {
        let mut stored = keyspace::read(&mut self.server.connect());
        for entry in stored.values_mut().filter(|entry| entry.kind == "string") {
            // The log holds the value, not how it came about: `raw` may come back as `embstr`, and
            // the sum of INCRBYFLOAT as `int`. In Redis too.
            entry.encoding.clear();
        }
        stored
    }
}

fn start(kind: Kind, script: &Script) -> Server {
    let mut flags: Vec<&str> = script.flags.iter().map(String::as_str).collect();
    // Only Keytag is reloaded, so only Keytag has to write.
    if kind == Kind::Keytag && script.has_reload {
        flags.extend(["--appendonly", "yes"]);
    }
    Server::start(kind, &flags)
}

fn ask(client: &mut Client, step: &Step, mode: Mode) -> Vec<u8> {
    if mode != Mode::Multi {
        client.send(&step.command);
        return client.receive();
    }
    assert_eq!(client.line("MULTI").to_string(), "OK");
    client.send(&step.command);
    let queued = client.receive();
    if queued != b"+QUEUED\r\n" {
        assert_eq!(client.line("DISCARD").to_string(), "OK");
        return queued;
    }
    client.send(&["EXEC"]);
    let replies = client.receive();
    match replies.strip_prefix(b"*1\r\n") {
        Some(reply) => reply.to_vec(),
        None => replies,
    }
}

/// Rewrites the append-only file and waits until that is done.
pub(crate) fn rewrite(client: &mut Client) {
    // A disk that others use takes ten seconds for a sync now and then, and here are several.
    let deadline = Instant::now() + Duration::from_secs(120);
    let reply = client.line("BGREWRITEAOF");
    assert!(!reply.is_error(), "BGREWRITEAOF: {reply}");
    // What is scheduled first: it may begin between the two questions.
    while client.info_number("aof_rewrite_scheduled")
        + client.info_number("aof_rewrite_in_progress")
        > 0
    {
        assert!(Instant::now() < deadline, "the rewrite takes too long");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(
        client.info("aof_last_bgrewrite_status").as_deref(),
        Some("ok")
    );
}
