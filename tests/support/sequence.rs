//! Several connections at once, and everything that each of them is sent, in order.
//!
//! ```text
//! 1> SUBSCRIBE news
//! 1: >["subscribe", "news", 1]
//! 2> PUBLISH news "it rains"
//! 1: >["message", "news", "it rains"]
//! 2: 1
//! ```
//!
//! A line with `>` is said over the connection of that number, the lines behind it are what came then, connection
//! by connection. The same is played with Keytag and with a real Redis 7.4.1, and what both send must be the
//! same bytes: in RESP3, for which the lines are written, and in RESP2.
//!
//! | line | meaning |
//! |---|---|
//! | `1> PING \| ECHO x` | several commands in one write |
//! | `s1> UNSUBSCRIBE` | what comes then has no order |
//! | `1> CLIENT TRACKING ON REDIRECT {2}` | the id of connection 2, as in replies that name it |
//! | `1: ~*text*` | the line varies where the stars are |
//! | `# resp2-only`, `# resp3-only` | in that protocol only |
//! | `# keytag-only` | about what no Redis has |
//! | `# as-redis` | what comes is not written: whatever Redis sends |
//! | `# flags --option value` | both servers are started with more flags |

use super::client::{Client, Silence};
use super::reply::Reply;
use super::server::{Kind, Server};
use super::words;

/// Plays it in all the ways there are.
///
/// # Panics
/// At the first line that is not as written, or not as Redis sends it.
pub(crate) fn sequence(text: &str) {
    let script = Script::parse(text);
    let kinds = [Kind::Oracle, Kind::Keytag];
    let is_played = |kind: &Kind| script.has_oracle || *kind == Kind::Keytag;
    let versions = [(script.has_resp2, 2), (script.has_resp3, 3)];
    for (_, version) in versions.into_iter().filter(|(is_played, _)| *is_played) {
        let plays = kinds.into_iter().filter(is_played);
        let mut heard: Vec<Vec<String>> = plays.map(|kind| script.play(kind, version)).collect();
        let first = heard.remove(0);
        for other in &heard {
            script.assert_same(&first, other, version);
        }
        if script.is_written && (version == 3 || !script.has_resp3) {
            script.assert_as_written(&first);
        }
    }
}

struct Script {
    flags: Vec<String>,
    has_oracle: bool,
    is_written: bool,
    has_resp2: bool,
    has_resp3: bool,
    steps: Vec<Step>,
}

struct Step {
    line: String,
    connection: usize,
    is_sorted: bool,
    commands: Vec<String>,
    expected: Vec<String>,
}

impl Script {
    fn parse(text: &str) -> Script {
        let mut script = Script {
            flags: Vec::new(),
            has_oracle: true,
            is_written: true,
            has_resp2: true,
            has_resp3: true,
            steps: Vec::new(),
        };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(marker) = line.strip_prefix("# ") {
                script.mark(marker);
            } else if let Some(step) = Step::parse(line) {
                script.steps.push(step);
            } else {
                let step = script.steps.last_mut();
                let step = step.unwrap_or_else(|| panic!("an answer to nothing: {line}"));
                step.expected.push(line.to_owned());
            }
        }
        assert!(!script.steps.is_empty(), "nothing is said in: {text}");
        script
    }

    fn mark(&mut self, marker: &str) {
        match marker.split_once(' ').unwrap_or((marker, "")) {
            ("resp2-only", "") => self.has_resp3 = false,
            ("resp3-only", "") => self.has_resp2 = false,
            ("keytag-only", "") => self.has_oracle = false,
            ("as-redis", "") => self.is_written = false,
            ("flags", flags) => {
                let flags = words::split(flags).into_iter();
                self.flags = flags
                    .map(|flag| String::from_utf8(flag).expect("flags are text"))
                    .collect();
            }
            _ => panic!("unknown marker: {marker}"),
        }
    }

    /// What each step has led to, one text a step.
    fn play(&self, kind: Kind, version: u8) -> Vec<String> {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let server = Server::start(kind, &flags);
        let count = self.steps.iter().map(|step| step.connection + 1).max();
        let connect = |_| Connection::new(&server, version);
        let mut connections: Vec<_> = (0..count.unwrap_or(0)).map(connect).collect();
        self.steps
            .iter()
            .map(|step| step.play(&mut connections))
            .collect()
    }

    fn assert_same(&self, theirs: &[String], ours: &[String], version: u8) {
        for ((step, theirs), ours) in self.steps.iter().zip(theirs).zip(ours) {
            let varies = step.expected.iter().any(|line| line.contains(": ~"));
            assert!(
                varies || theirs == ours,
                "RESP{version}\n{}\n--- Redis:\n{theirs}\n--- Keytag:\n{ours}\n",
                step.line
            );
        }
    }

    fn assert_as_written(&self, heard: &[String]) {
        let is_as_written = |(step, heard): (&Step, &String)| {
            let heard: Vec<&str> = heard.lines().collect();
            let same = |(heard, expected): (&&str, &String)| match expected.split_once(": ~") {
                Some((who, pattern)) => words::matches(&format!("{who}: {pattern}"), heard),
                None => heard.trim_end() == expected,
            };
            heard.len() == step.expected.len() && heard.iter().zip(&step.expected).all(same)
        };
        let mut steps = self.steps.iter().zip(heard);
        assert!(steps.all(is_as_written), "it goes:\n{}", self.show(heard));
    }

    fn show(&self, heard: &[String]) -> String {
        let steps = self.steps.iter().zip(heard);
        steps
            .map(|(step, heard)| format!("{}\n{heard}", step.line))
            .collect()
    }
}

impl Step {
    fn parse(line: &str) -> Option<Step> {
        let (who, commands) = line.split_once("> ")?;
        let (is_sorted, number) = match who.strip_prefix('s') {
            Some(number) => (true, number),
            None => (false, who),
        };
        Some(Step {
            line: line.to_owned(),
            connection: number.parse::<usize>().ok()? - 1,
            is_sorted,
            commands: commands.split(" | ").map(str::to_owned).collect(),
            expected: Vec::new(),
        })
    }

    fn play(&self, connections: &mut [Connection]) -> String {
        let ids: Vec<i64> = connections.iter().map(|connection| connection.id).collect();
        let speaker = &mut connections[self.connection];
        let mut heard = vec![Vec::new(); ids.len()];
        speaker.say(&self.commands, &ids, &mut heard[self.connection]);
        for (connection, heard) in connections.iter_mut().zip(&mut heard) {
            connection.catch_up(heard);
        }
        let has_ids =
            |command: &String| matches!(command.as_str(), "CLIENT GETREDIR" | "CLIENT ID");
        let is_id = self.commands.iter().any(has_ids);
        let mut text = String::new();
        for (number, mut replies) in heard.into_iter().enumerate() {
            if self.is_sorted {
                replies = replies.into_iter().map(Reply::sorted).collect();
                replies.sort();
            }
            for reply in replies {
                let text_of = match &reply {
                    Reply::Integer(number) if is_id => shown_id(*number, &ids),
                    reply => compact(reply, &ids),
                };
                text += &format!("{}: {text_of}\n", number + 1);
            }
        }
        text
    }
}

/// One connection, whose replies and messages are told apart from those to come by an echo.
struct Connection {
    client: Client,
    id: i64,
    is_in_multi: bool,
    is_closed: bool,
    echoes: usize,
}

impl Connection {
    fn new(server: &Server, version: u8) -> Connection {
        let mut client = if version == 3 {
            server.connect_resp3()
        } else {
            server.connect()
        };
        let id = client.line("CLIENT ID").integer();
        Connection {
            client,
            id,
            is_in_multi: false,
            is_closed: false,
            echoes: 0,
        }
    }

    /// Says the commands in one write and waits for something in return.
    fn say(&mut self, commands: &[String], ids: &[i64], heard: &mut Vec<Reply>) {
        let mut bytes = Vec::new();
        for command in commands {
            let mut command = command.clone();
            for (number, id) in ids.iter().enumerate() {
                command = command.replace(&format!("{{{}}}", number + 1), &id.to_string());
            }
            let words = words::split(&command);
            match words[0].to_ascii_uppercase().as_slice() {
                b"MULTI" => self.is_in_multi = true,
                b"EXEC" | b"DISCARD" | b"RESET" => self.is_in_multi = false,
                _ => {}
            }
            bytes.extend(words::encode(&words));
        }
        self.client.send_raw(&bytes);
        let replies = if self.is_in_multi { commands.len() } else { 1 };
        for _ in 0..replies {
            self.hear(heard);
        }
    }

    fn hear(&mut self, heard: &mut Vec<Reply>) {
        if self.is_closed {
            return;
        }
        match self.client.try_receive() {
            Ok(bytes) => heard.push(Reply::parse(&bytes).expect("a reply").expect("whole").0),
            Err(Silence::Closed) => {
                self.is_closed = true;
                heard.push(Reply::Status(b"closed".to_vec()));
            }
            Err(silence) => panic!("nothing comes: {silence:?}, after {heard:?}"),
        }
    }

    /// Hears everything that was sent so far.
    fn catch_up(&mut self, heard: &mut Vec<Reply>) {
        if self.is_in_multi {
            return;
        }
        self.echoes += 1;
        let echo = format!("echo {}", self.echoes);
        self.client.send(&["PING", &echo]);
        let is_echo = |reply: &Reply| match reply {
            Reply::Bulk(text) => *text == echo.as_bytes(),
            Reply::Array(items) => {
                matches!(&items[..], [Reply::Bulk(pong), Reply::Bulk(text)]
                if pong == b"pong" && *text == echo.as_bytes())
            }
            _ => false,
        };
        while !self.is_closed {
            self.hear(heard);
            if heard.last().is_some_and(is_echo) {
                heard.pop();
                return;
            }
        }
    }
}

/// A reply in one line: a push begins with `>`, a map with `%`, a set with `~`, an error with `-`.
fn compact(reply: &Reply, ids: &[i64]) -> String {
    let shown = |before: Option<&Reply>, item: &Reply| match (before, item) {
        (Some(Reply::Bulk(name)), Reply::Integer(number)) if names_id(name) => {
            shown_id(*number, ids)
        }
        _ => compact(item, ids),
    };
    let list = |items: &[Reply]| {
        let before = |index: usize| index.checked_sub(1).map(|before| &items[before]);
        let items = items.iter().enumerate();
        let items: Vec<String> = items
            .map(|(index, item)| shown(before(index), item))
            .collect();
        format!("[{}]", items.join(", "))
    };
    match reply {
        Reply::Status(text) => String::from_utf8_lossy(text).into_owned(),
        Reply::Error(text) => format!("-{}", String::from_utf8_lossy(text)),
        Reply::Integer(number) => number.to_string(),
        Reply::Bulk(text) => words::quote(text),
        Reply::Nil => "nil".to_owned(),
        Reply::Array(items) => list(items),
        Reply::Set(items) => format!("~{}", list(items)),
        Reply::Push(items) => format!(">{}", list(items)),
        Reply::Map(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{} => {}", compact(key, ids), shown(Some(key), value)))
                .collect();
            format!("%[{}]", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether the number behind this word is that of a client.
fn names_id(word: &[u8]) -> bool {
    matches!(word, b"id" | b"redirect" | b"tracking-redir-broken")
}

fn shown_id(number: i64, ids: &[i64]) -> String {
    match ids.iter().position(|id| *id == number) {
        Some(index) => format!("{{{}}}", index + 1),
        None => number.to_string(),
    }
}
