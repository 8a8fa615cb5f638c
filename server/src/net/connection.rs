//! One connection: read, execute what has arrived whole, write, again.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};
use std::time::Duration;

use protocol::{Limits, Output, Parsed, Parser, ProtocolError};
use smallvec::SmallVec;
use tokio::io::ReadBuf;

use super::stream::Stream;
use crate::clients::{Client, State, Unblock};
use crate::clock::Stopwatch;
use crate::command::{Block, Condition, Reply};
use crate::exec::{self, Flow};
use crate::server::Server;
use crate::session::Session;

/// Read at once, at most.
const READ_BYTES: usize = 64 * 1024;

/// Replies are written when so much has gathered, even in the middle of a pipeline.
const WRITE_FROM_BYTES: usize = 256 * 1024;

thread_local! {
    // Idle connections own no read buffer: requests that arrive whole are executed from this one.
    static ARRIVED: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// Why a connection ends.
enum End {
    /// The peer has gone, or the socket failed.
    Gone,
    /// Everything is written: close.
    Finished,
}

/// Why execution stopped before the end of what has been read.
enum Stop {
    /// It did not: more must be read.
    Drained,
    /// Replies must be written first.
    Full,
    /// A command waits.
    Blocked(Block),
    /// Clients are paused.
    Paused,
    /// The connection closes after its replies.
    Close,
}

struct Connection {
    stream: Stream,
    session: Session,
    parser: Parser,
    /// Bytes that have been read and not executed.
    unread: Vec<u8>,
    out: Output,
    /// A request waits for its reply: the bytes behind it stay where they are.
    is_waiting: bool,
}

/// Serves a connection until it ends.
pub async fn run(server: &'static Server, stream: Stream, client: Arc<Client>, thread: usize) {
    let session = Session::new(server, Arc::clone(&client), thread);
    let mut connection = Connection {
        stream,
        session,
        parser: Parser::new(),
        unread: Vec::new(),
        out: Output::new(),
        is_waiting: false,
    };
    let end = connection.serve().await;
    if matches!(end, End::Finished) {
        let _ = poll_fn(|cx| connection.stream.poll_shutdown(cx)).await;
    }
}

impl Connection {
    async fn serve(&mut self) -> End {
        loop {
            let stop = match self.read_and_execute().await {
                Ok(stop) => stop,
                Err(_) => return End::Gone,
            };
            if let Some(end) = self.settle(stop).await {
                return end;
            }
        }
    }

    /// Writes replies, waits where a command asks for it, and executes what has been read already.
    async fn settle(&mut self, mut stop: Stop) -> Option<End> {
        loop {
            self.session.flush_counts();
            self.wait_durable().await;
            if self.write().await.is_err() {
                return Some(End::Gone);
            }
            let state = self.session.client.state();
            if state.contains(State::CLOSE_NOW) {
                return Some(End::Gone);
            }
            if state.contains(State::CLOSE_AFTER_REPLY) {
                return Some(End::Finished);
            }
            match stop {
                Stop::Drained => return None,
                Stop::Close => return Some(End::Finished),
                Stop::Full => {}
                Stop::Blocked(block) => {
                    if !self.wait(block).await {
                        return Some(End::Gone);
                    }
                }
                Stop::Paused => {
                    if !self.wait_out_pause().await {
                        return Some(End::Gone);
                    }
                }
            }
            stop = self.execute_unread();
        }
    }

    /// Reads once and executes every request that has arrived whole.
    async fn read_and_execute(&mut self) -> io::Result<Stop> {
        let client = Arc::clone(&self.session.client);
        tokio::select! {
            biased;
            result = poll_fn(|cx| self.poll_read_and_execute(cx)) => result,
            () = client.wake.notified() => Ok(Stop::Drained),
        }
    }

    fn poll_read_and_execute(&mut self, cx: &mut std::task::Context<'_>) -> Poll<io::Result<Stop>> {
        ARRIVED.with_borrow_mut(|arrived| {
            let wanted = self.parser.missing_bytes();
            if wanted > READ_BYTES && !self.unread.is_empty() {
                return self.poll_read_long(cx, wanted);
            }
            let mut buffer = ReadBuf::new(arrived);
            ready!(self.stream.poll_read(cx, &mut buffer))?;
            let read = buffer.filled().len();
            if read == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.session.stopwatch = Stopwatch::start();
            self.note_received(read);
            let stop = if self.unread.is_empty() {
                let (stop, consumed) = execute_all(&mut self.session, &mut self.parser, &arrived[..read], &mut self.out);
                self.unread.extend_from_slice(&arrived[consumed..read]);
                stop
            } else {
                self.unread.extend_from_slice(&arrived[..read]);
                self.execute_unread()
            };
            Poll::Ready(Ok(self.check_query_limit(stop)))
        })
    }

    /// Reads the rest of a long string straight to where it will be executed from.
    fn poll_read_long(&mut self, cx: &mut std::task::Context<'_>, wanted: usize) -> Poll<io::Result<Stop>> {
        let before = self.unread.len();
        // Grows with what arrives, not with what was announced.
        let room = wanted.min(before.max(READ_BYTES));
        self.unread.resize(before + room, 0);
        let mut buffer = ReadBuf::new(&mut self.unread[before..]);
        let result = self.stream.poll_read(cx, &mut buffer);
        let read = buffer.filled().len();
        self.unread.truncate(before + read);
        ready!(result)?;
        if read == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.session.stopwatch = Stopwatch::start();
        self.note_received(read);
        let stop = self.execute_unread();
        Poll::Ready(Ok(self.check_query_limit(stop)))
    }

    fn note_received(&mut self, bytes: usize) {
        let gauges = &self.session.client.gauges;
        gauges.received_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        gauges.last_interaction_ms.store(self.session.stopwatch.wall_ms(), Ordering::Relaxed);
        self.session.recorder.received_bytes += bytes as u64;
    }

    /// Executes what `unread` holds and keeps the rest.
    fn execute_unread(&mut self) -> Stop {
        let (stop, consumed) = execute_all(&mut self.session, &mut self.parser, &self.unread, &mut self.out);
        if consumed == self.unread.len() {
            self.unread.clear();
            self.unread.shrink_to(0);
        } else {
            self.unread.drain(..consumed);
        }
        stop
    }

    /// Closes a client whose unfinished request has grown over `client-query-buffer-limit`.
    fn check_query_limit(&mut self, stop: Stop) -> Stop {
        let gauges = &self.session.client.gauges;
        gauges.query_bytes.store(self.unread.len(), Ordering::Relaxed);
        let free = self.unread.capacity() - self.unread.len();
        gauges.query_free_bytes.store(free, Ordering::Relaxed);
        if self.unread.len() > self.session.server.settings.query_limit_bytes() {
            self.session.server.stats.counters.query_limit_disconnections.add(1);
            tracing::warn!("Closing client that reached max query buffer length: {}", self.session.client.addr);
            self.session.client.set(State::CLOSE_NOW, true);
        }
        stop
    }

    /// Under `appendfsync always`, waits until what the replies speak of is on disk.
    async fn wait_durable(&mut self) {
        let offset = self.session.local.durable_from;
        let log = &self.session.server.log;
        if offset == 0 || !self.session.server.settings.replies_wait_for_disk() || log.durable() >= offset {
            return;
        }
        let mut durable = log.watch_durable();
        // The sender lives as long as the server.
        let _ = durable.wait_for(|&durable| durable >= offset).await;
    }

    /// Writes all replies, and then what other threads have posted.
    async fn write(&mut self) -> io::Result<()> {
        loop {
            if let Some(mail) = self.session.client.take_mail() {
                self.out.push_raw(&mail);
            }
            if self.out.is_empty() {
                return Ok(());
            }
            let (stream, out) = (&mut self.stream, &self.out);
            let client = Arc::clone(&self.session.client);
            client.gauges.output_bytes.store(out.len_bytes(), Ordering::Relaxed);
            let written = tokio::select! {
                biased;
                result = poll_fn(|cx| {
                    let mut slices: SmallVec<[io::IoSlice<'_>; 4]> = SmallVec::new();
                    out.io_slices(&mut slices);
                    slices.truncate(1024);
                    stream.poll_write(cx, &slices)
                }) => result?,
                () = closing(&client) => return Err(io::ErrorKind::ConnectionAborted.into()),
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.out.advance(written);
            client.gauges.output_bytes.store(self.out.len_bytes(), Ordering::Relaxed);
            client.gauges.sent_bytes.fetch_add(written as u64, Ordering::Relaxed);
            self.session.recorder.sent_bytes += written as u64;
        }
    }

    /// Waits for what a command waits for and writes its reply; `false` if the client has gone meanwhile.
    async fn wait(&mut self, block: Block) -> bool {
        let client = Arc::clone(&self.session.client);
        let server = self.session.server;
        server.clients.set_blocked(&client, true);
        self.is_waiting = true;
        let ended = tokio::select! {
            ended = block_over(server, &client, block) => Some(ended),
            () = self.peer_gone() => None,
        };
        self.is_waiting = false;
        server.clients.set_blocked(&client, false);
        self.session.stopwatch = Stopwatch::start();
        let Some(unblocked) = ended else { return false };
        write_block_reply(server, block, unblocked, &mut Reply::new(&mut self.out, client.version()));
        !client.is(State::CLOSE_NOW)
    }

    /// Waits until clients may go on; `false` if the client has gone meanwhile.
    async fn wait_out_pause(&mut self) -> bool {
        let server = self.session.server;
        let client = Arc::clone(&self.session.client);
        server.clients.set_blocked(&client, true);
        while let Some(left) = server.gates.pause_left_ms(crate::clock::now_ms()) {
            let resumed = server.pause_over.notified();
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left.unsigned_abs())) => {}
                () = resumed => {}
                () = closing(&client) => break,
                () = self.peer_gone() => client.set(State::CLOSE_NOW, true),
            }
            if client.is(State::CLOSE_NOW) {
                break;
            }
        }
        server.clients.set_blocked(&client, false);
        self.session.stopwatch = Stopwatch::start();
        !client.is(State::CLOSE_NOW)
    }

    /// Keeps reading while a command waits, so that a peer that hangs up is noticed; ends when it has.
    async fn peer_gone(&mut self) {
        poll_fn(|cx| {
            loop {
                if self.unread.len() > self.session.server.settings.query_limit_bytes() {
                    return Poll::Ready(());
                }
                let mut chunk = [0; 4096];
                let mut buffer = ReadBuf::new(&mut chunk);
                match ready!(self.stream.poll_read(cx, &mut buffer)) {
                    Ok(()) if !buffer.filled().is_empty() => self.unread.extend_from_slice(buffer.filled()),
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }
}

/// Executes the requests that `bytes` holds whole: why it stopped, and how many bytes are done with.
fn execute_all(session: &mut Session, parser: &mut Parser, bytes: &[u8], out: &mut Output) -> (Stop, usize) {
    let mut done = 0;
    loop {
        if session.client.is(State::CLOSE_NOW | State::CLOSE_AFTER_REPLY) {
            return (Stop::Close, done);
        }
        if out.len_bytes() >= WRITE_FROM_BYTES {
            return (Stop::Full, done);
        }
        let rest = &bytes[done..];
        if rest.is_empty() {
            return (Stop::Drained, done);
        }
        let limits = limits(session);
        match parser.parse(rest, &limits) {
            Ok(Parsed::Incomplete) => return (Stop::Drained, done),
            Ok(Parsed::Empty { consumed }) => done += consumed,
            Ok(Parsed::Request { consumed }) => {
                let args = parser.args(rest);
                match exec::execute(session, &args, out) {
                    Flow::Next => done += consumed,
                    Flow::Block(block) => return (Stop::Blocked(block), done + consumed),
                    Flow::Paused => {
                        // The request is parsed anew when the pause is over.
                        *parser = Parser::new();
                        return (Stop::Paused, done);
                    }
                }
            }
            Err(error) => {
                refuse(session, &error, out);
                return (Stop::Close, bytes.len());
            }
        }
        if session.recorder.is_full() {
            session.flush_counts();
        }
    }
}

#[inline]
fn limits(session: &Session) -> Limits {
    session.server.settings.parser_limits(session.client.is(State::AUTHENTICATED))
}

fn refuse(session: &mut Session, error: &ProtocolError, out: &mut Output) {
    tracing::debug!("Protocol error ({}) from client: {}", error.log_words(), session.client.addr);
    session.server.stats.error("ERR");
    let mut text = b"ERR ".to_vec();
    text.extend_from_slice(&error.reply_text());
    Reply::new(out, session.client.version()).encoder().error(text);
    session.client.set(State::CLOSE_AFTER_REPLY, true);
}

/// Ends when the client is to be closed at once.
async fn closing(client: &Client) {
    while !client.is(State::CLOSE_NOW) {
        client.wake.notified().await;
    }
}

/// Ends when the condition holds, the time is over, or somebody unblocks the client: then how.
async fn block_over(server: &Server, client: &Client, block: Block) -> Option<Unblock> {
    let deadline = async {
        match block.deadline_ms {
            Some(deadline_ms) => {
                let left = deadline_ms - crate::clock::now_ms();
                tokio::time::sleep(Duration::from_millis(left.max(0).unsigned_abs())).await;
            }
            None => std::future::pending().await,
        }
    };
    let condition = async {
        match block.condition {
            Condition::Durable(offset) => {
                let _ = server.log.watch_durable().wait_for(|&durable| durable >= offset).await;
            }
            Condition::Replicas | Condition::DurableOnReplicas(_) => std::future::pending().await,
        }
    };
    let unblocked = async {
        loop {
            client.wake.notified().await;
            if client.is(State::CLOSE_NOW) {
                return None;
            }
            if let Some(how) = client.take_unblock() {
                return Some(how);
            }
        }
    };
    tokio::select! {
        () = deadline => None,
        () = condition => None,
        how = unblocked => how,
    }
}

fn write_block_reply(server: &Server, block: Block, unblocked: Option<Unblock>, reply: &mut Reply<'_>) {
    if unblocked == Some(Unblock::Error) {
        reply.encoder().error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
        return;
    }
    match block.condition {
        Condition::Replicas => reply.encoder().integer(0),
        Condition::Durable(offset) | Condition::DurableOnReplicas(offset) => {
            let out = reply.array(2);
            out.integer(i64::from(server.log.is_durable(offset)));
            out.integer(0);
        }
    }
}
