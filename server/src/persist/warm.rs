//! Warming up: a copy of the data set of a live Redis, by its replication protocol (`warm-from`).
//!
//! What Redis takes for a replica asks for everything, gets a snapshot while the other goes on serving, and then
//! every write as it happens: so a server that is about to take another's place starts with what that one
//! knows. Clients come in when the snapshot is in memory, and on disk if there is a log; the writes of the other
//! are followed until it closes the link, or `CONFIG SET warm-from ""`.
//!
//! What comes is carried out as the log is at start: no gates, and the other says when keys expire.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use protocol::{Args, Limits, Output, Parsed, Parser, Request};
use storage::rdb;

use super::intake::{Expired, Intake};
use super::load::replaying_session;
use crate::clock;
use crate::config::options;
use crate::exec;
use crate::server::Server;
use crate::session::Session;

/// How long a connection may take, and how long the other may be silent before it is given up: it sends a sign of
/// life every ten seconds (`repl-ping-replica-period`), and takes as long for its snapshot as that takes.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const SILENCE_PATIENCE: Duration = Duration::from_secs(60);

/// How often the other is told how far we are: it closes the link to a replica that says nothing for a minute.
const ACK_PERIOD: Duration = Duration::from_secs(1);

/// The longest line in answer to a request of ours.
const LONGEST_LINE_BYTES: u64 = 64 * 1024;

/// Bytes asked for at once while following.
const READ_BYTES: usize = 64 * 1024;

/// How far it has come, for INFO.
#[derive(Debug, Default)]
pub struct Warming(Mutex<Option<Progress>>);

/// One warm-up.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Whom it copies.
    pub source: String,
    /// What it does.
    pub stage: Stage,
    /// Keys of the snapshot.
    pub keys: u64,
    /// How much of the other's stream of writes has been carried out, as the other counts it.
    pub offset: u64,
}

/// What a warm-up does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It copies the snapshot.
    Copying,
    /// It follows the writes.
    Following,
    /// It has ended.
    Ended,
    /// It could not copy.
    Failed,
    /// There was something on disk already.
    Skipped,
}

impl Stage {
    /// Its name in INFO.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Copying => "copying",
            Stage::Following => "following",
            Stage::Ended => "ended",
            Stage::Failed => "failed",
            Stage::Skipped => "skipped",
        }
    }
}

impl Warming {
    /// The warm-up of this start, if there was one.
    pub fn progress(&self) -> Option<Progress> {
        self.0.lock().clone()
    }

    fn begin(&self, source: &str) {
        *self.0.lock() = Some(Progress {
            source: source.to_owned(),
            stage: Stage::Copying,
            keys: 0,
            offset: 0,
        });
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        if let Some(progress) = &mut *self.0.lock() {
            change(progress);
        }
    }
}

/// Copies the data set of `warm-from`, if that is set, and follows it on a thread of its own; whether it did.
///
/// Why it did not is in the log: the server then starts with what is on its own disk. Where there is something
/// already, nothing is copied: a server that has taken the other's place long ago and is started again must not
/// go back to what that one still knows.
pub fn warm_up(server: &'static Server, has_files: bool) -> bool {
    let source = server.settings.config.text(options::WARM_FROM);
    if source.is_empty() {
        return false;
    }
    let warming = &server.persist.warming;
    warming.begin(&source);
    if has_files {
        tracing::info!("Warm-up: nothing is copied from {source}, for there is a data set on disk");
        warming.note(|it| it.stage = Stage::Skipped);
        return false;
    }
    let started = Instant::now();
    match Link::open(server, &source).and_then(|link| copy(server, link)) {
        Ok(link) => {
            let keys = server.persist.loading.keys_loaded.load(Relaxed);
            let seconds = started.elapsed().as_secs_f64();
            tracing::info!(
                "Warm-up: {keys} keys copied from {source} in {seconds:.3} seconds, following its writes"
            );
            warming.note(|it| {
                (it.stage, it.keys, it.offset) = (Stage::Following, keys, link.offset);
            });
            let follower = std::thread::Builder::new().name("warm-up".to_owned());
            let begun = follower.spawn(move || follow(server, &source, link));
            if let Err(error) = begun {
                tracing::warn!("Warm-up: no thread to follow the writes on: {error}");
                warming.note(|it| it.stage = Stage::Ended);
            }
            true
        }
        Err(error) => {
            tracing::warn!("Warm-up from {source} failed: {error}. Starting with what is on disk.");
            warming.note(|it| it.stage = Stage::Failed);
            false
        }
    }
}

/// A connection to the other, which takes us for a replica.
struct Link {
    input: BufReader<TcpStream>,
    output: TcpStream,
    /// What of the other's stream has been carried out.
    offset: u64,
}

impl Link {
    /// Connects, and asks for everything.
    fn open(server: &Server, source: &str) -> Result<Link, String> {
        let text = |error: io::Error| error.to_string();
        let addresses = source.to_socket_addrs().map_err(text)?;
        let mut failure = "the name has no address".to_owned();
        let mut connected = None;
        for address in addresses {
            match TcpStream::connect_timeout(&address, CONNECT_PATIENCE) {
                Ok(stream) => {
                    connected = Some(stream);
                    break;
                }
                Err(error) => failure = error.to_string(),
            }
        }
        let stream = connected.ok_or(failure)?;
        stream
            .set_read_timeout(Some(SILENCE_PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(SILENCE_PATIENCE)))
            .and_then(|()| stream.set_nodelay(true))
            .map_err(text)?;
        let mut link = Link {
            output: stream.try_clone().map_err(text)?,
            input: BufReader::with_capacity(READ_BYTES, stream),
            offset: 0,
        };
        link.greet(server)?;
        link.ask_for_everything()?;
        Ok(link)
    }

    fn greet(&mut self, server: &Server) -> Result<(), String> {
        let config = &server.settings.config;
        let (user, password) = (
            config.bytes(options::MASTERUSER),
            config.bytes(options::MASTERAUTH),
        );
        if !password.is_empty() {
            let words: &[&[u8]] = match user.is_empty() {
                true => &[b"AUTH", &password],
                false => &[b"AUTH", &user, &password],
            };
            self.ask(words)?;
        }
        self.ask(&[b"PING"])?;
        let port = config.get(options::PORT).to_string();
        self.ask(&[b"REPLCONF", b"listening-port", port.as_bytes()])?;
        // Not `eof`: a snapshot whose length is said first needs no search for its end.
        self.ask(&[b"REPLCONF", b"capa", b"psync2"])?;
        Ok(())
    }

    fn ask_for_everything(&mut self) -> Result<(), String> {
        let answer = self.ask(&[b"PSYNC", b"?", b"-1"])?;
        let mut words = answer.split(' ');
        let offset = match (words.next(), words.nth(1)) {
            (Some("+FULLRESYNC"), Some(offset)) => offset.parse().ok(),
            _ => None,
        };
        self.offset = offset.ok_or_else(|| format!("it answers PSYNC with '{answer}'"))?;
        Ok(())
    }

    fn send(&mut self, words: &[&[u8]]) -> Result<(), String> {
        let mut request = Vec::new();
        protocol::encode_request(words.iter().copied(), &mut request);
        let sent = self.output.write_all(&request);
        sent.map_err(|error| error.to_string())
    }

    /// Sends a request; the line that answers it, which is no error.
    fn ask(&mut self, words: &[&[u8]]) -> Result<String, String> {
        self.send(words)?;
        let line = self.line()?;
        match line.strip_prefix('-') {
            Some(error) => Err(error.to_owned()),
            None => Ok(line),
        }
    }

    /// The next line that is not empty: empty ones are signs of life.
    fn line(&mut self) -> Result<String, String> {
        loop {
            let mut line = Vec::new();
            let read = (&mut self.input)
                .take(LONGEST_LINE_BYTES)
                .read_until(b'\n', &mut line);
            read.map_err(|error| error.to_string())?;
            if line.pop() != Some(b'\n') {
                return Err("it has closed the link".to_owned());
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            if !line.is_empty() {
                return Ok(line.to_owned());
            }
        }
    }
}

/// Takes the snapshot that the other sends. If it breaks off, what came of it goes again.
fn copy(server: &'static Server, mut link: Link) -> Result<Link, String> {
    let line = link.line()?;
    let bytes = line
        .strip_prefix('$')
        .and_then(|digits| digits.parse().ok());
    let bytes: u64 = bytes.ok_or_else(|| format!("it sends '{line}' in place of a snapshot"))?;
    let copied = take_snapshot(server, &mut link, bytes);
    if let Err(error) = copied {
        let mut session = replaying_session(server);
        for words in [["FLUSHALL", "SYNC"], ["FUNCTION", "FLUSH"]] {
            let request: Request = words.into_iter().collect();
            exec::replay(&mut session, &request.args(), &mut Output::new())?;
        }
        return Err(error);
    }
    Ok(link)
}

fn take_snapshot(server: &'static Server, link: &mut Link, bytes: u64) -> Result<(), String> {
    let loading = &server.persist.loading;
    loading.begin(bytes, clock::now_ms());
    let limits = server.settings.packing_limits();
    let mut source = (&mut link.input).take(bytes);
    let was_summed = {
        let mut reader = rdb::Reader::new(&mut source, limits, server.settings.file_checksum())
            .map_err(|error| error.to_string())?;
        let mut intake = Intake::new(server, Expired::Drop);
        let taken = intake.read(None, &mut reader, &loading.loaded_bytes);
        let was_summed = !reader.was_unsummed();
        taken
            .and_then(|()| intake.finish(None, was_summed))
            .map_err(|failure| failure.to_string())?;
        was_summed
    };
    // The reader asks for more than it needs; all of it is the snapshot's.
    let rest = io::copy(&mut source, &mut io::sink()).map_err(|error| error.to_string())?;
    if rest > 0 {
        return Err(format!("{rest} bytes follow the end of the snapshot"));
    }
    tracing::debug!("Warm-up: a snapshot of {bytes} bytes, checksum verified: {was_summed}");
    Ok(())
}

/// Carries out the writes of the other until it closes the link, or it is no longer `warm-from`.
fn follow(server: &'static Server, source: &str, link: Link) {
    let mut follower = Follower {
        server,
        session: replaying_session(server),
        parser: Parser::new(),
        out: Output::new(),
        transaction: None,
        link,
    };
    let ending = follower.run(source);
    let offset = follower.link.offset;
    // Whoever is not there any more needs no farewell.
    let _ = follower.link.output.shutdown(Shutdown::Both);
    tracing::warn!(
        "Warm-up from {source} has ended at offset {offset}: {ending}. This server goes on alone."
    );
    server.persist.warming.note(|it| it.stage = Stage::Ended);
}

struct Follower {
    server: &'static Server,
    session: Session,
    parser: Parser,
    out: Output,
    /// What has come since MULTI.
    transaction: Option<Vec<Request>>,
    link: Link,
}

impl Follower {
    /// Why it ended.
    fn run(&mut self, source: &str) -> String {
        let mut bytes = Vec::new();
        let (mut told, mut heard) = (Instant::now(), Instant::now());
        let patience = self.link.output.set_read_timeout(Some(ACK_PERIOD / 4));
        if let Err(error) = patience {
            return error.to_string();
        }
        loop {
            match self.read_more(&mut bytes) {
                Ok(true) => heard = Instant::now(),
                Ok(false) if heard.elapsed() > SILENCE_PATIENCE => {
                    return "it is silent".to_owned();
                }
                Ok(false) => {}
                Err(ending) => return ending,
            }
            if let Err(ending) = self.carry_out(&mut bytes) {
                return ending;
            }
            if told.elapsed() >= ACK_PERIOD {
                told = Instant::now();
                if let Err(error) = self.acknowledge() {
                    return error;
                }
                if self.server.settings.config.text(options::WARM_FROM) != source {
                    return "it is no longer to be followed".to_owned();
                }
            }
        }
    }

    /// Whether something came.
    fn read_more(&mut self, bytes: &mut Vec<u8>) -> Result<bool, String> {
        match self.link.input.fill_buf() {
            Ok([]) => Err("it has closed the link".to_owned()),
            Ok(read) => {
                bytes.extend_from_slice(read);
                let count = read.len();
                self.link.input.consume(count);
                Ok(true)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => Ok(false),
                _ => Err(error.to_string()),
            },
        }
    }

    /// Carries out what has come whole, and leaves the rest.
    fn carry_out(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let limits = Limits {
            max_bulk_bytes: usize::MAX >> 1,
            ..Limits::default()
        };
        let mut done = 0;
        let mut parser = std::mem::take(&mut self.parser);
        loop {
            let rest = &bytes[done..];
            match parser.parse(rest, &limits) {
                Ok(Parsed::Incomplete) => break,
                Ok(Parsed::Empty { consumed }) => done += consumed,
                Ok(Parsed::Request { consumed }) => {
                    self.request(&parser.args(rest), consumed)?;
                    done += consumed;
                }
                Err(error) => return Err(format!("{error:?} in its stream")),
            }
        }
        self.parser = parser;
        bytes.drain(..done);
        let session = &mut self.session;
        self.server.broadcast(&mut session.unit.changed);
        session.flush_counts();
        let offset = self.link.offset;
        self.server.persist.warming.note(|it| it.offset = offset);
        Ok(())
    }

    fn request(&mut self, args: &Args<'_>, bytes: usize) -> Result<(), String> {
        let name = args.get(0).unwrap_or_default().to_ascii_uppercase();
        let result = match name.as_slice() {
            b"PING" => Ok(()),
            b"REPLCONF" => {
                let asks = args
                    .get(1)
                    .is_some_and(|it| it.eq_ignore_ascii_case(b"GETACK"));
                // What is acknowledged does not count the question itself, as in Redis.
                if asks { self.acknowledge() } else { Ok(()) }
            }
            b"MULTI" => {
                self.transaction = Some(Vec::new());
                Ok(())
            }
            b"EXEC" => self.transaction.take().map_or(Ok(()), |requests| {
                requests
                    .iter()
                    .try_for_each(|request| self.execute(&request.args()))
            }),
            _ => match &mut self.transaction {
                Some(requests) => {
                    requests.push(args.to_request());
                    Ok(())
                }
                None => self.execute(args),
            },
        };
        self.link.offset += bytes as u64;
        result
    }

    fn execute(&mut self, args: &Args<'_>) -> Result<(), String> {
        exec::replay(&mut self.session, args, &mut self.out)
    }

    fn acknowledge(&mut self) -> Result<(), String> {
        let offset = self.link.offset.to_string();
        self.link.send(&[b"REPLCONF", b"ACK", offset.as_bytes()])
    }
}
