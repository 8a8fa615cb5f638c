//! One connection: read, execute what has arrived whole, write, again.
//!
//! A connection is one task that is polled when anything happens to it: bytes came, room to write came, a
//! wait is over, another thread wants something. [`Connection::poll`] then does all there is to do. It is
//! a loop by hand rather than an `async fn` because a connection does several things at once (it
//! reads on while replies cannot be written, and watches its peer while a command waits), and because
//! nothing may be lost between two of them.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use protocol::{Limits, Output, Parsed, Parser, ProtocolError, Tally};
use smallvec::SmallVec;
use storage::memory::class_bytes;
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::inbox::Inbox;
use super::stream::Stream;
use super::wait::{Wait, Waiting};
use crate::clients::{self, Client, State, Unblock};
use crate::clock::{self, Stopwatch};
use crate::command::Reply;
use crate::config::options;
use crate::exec::{self, Flow, Unit};
use crate::server::Server;
use crate::session::Session;
use crate::stack::{self, OnOwnStack};
use crate::stats::{Ending, Recorder};

/// Read at once, at most, into the buffer that all connections of a thread share.
const READ_BYTES: usize = 64 * 1024;

/// A batch ends when it has given so many bytes of replies,
const BATCH_REPLY_BYTES: usize = 256 * 1024;

/// taken so many bytes of requests,
const BATCH_REQUEST_BYTES: usize = 64 * 1024;

/// or so long: then replies are written, and other connections of the thread have their turn.
const BATCH_MICROS: i64 = 2_000;

/// The replies of a batch that took so long do not wait for those of others.
const LONG_BATCH_NANOS: u64 = 100_000;

/// Reply bytes handed to the system at once, in pieces.
const WRITE_PIECES: usize = 256;

/// After so long a connection tries again to leave keys that somebody else holds for long, a script most likely.
const WHILE_HELD: Duration = Duration::from_millis(10);

/// Reply buffers that a thread keeps, of 16 KiB at most.
const KEPT_REPLIES: usize = 64;

/// How long the most that ever waited is remembered, as in Redis.
const PEAK_MS: i64 = 5_000;

thread_local! {
    /// Idle connections own no read buffer: requests that arrive whole are executed from this one.
    static ARRIVED: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());

    /// Nor do they own a reply buffer: replies that can be written at once are gathered in one of these.
    static REPLIES: RefCell<Vec<Output>> = const { RefCell::new(Vec::new()) };

    /// Nor a parser, unless it is within a request.
    static PARSER: Cell<Option<Box<Parser>>> = const { Cell::new(None) };

    /// Nor room for records and counts, which are handed over at the end of a batch.
    static ROOM: RefCell<(Unit, Recorder)> = RefCell::default();
}

/// Makes room for what the connections of this thread share.
pub fn prepare_thread() {
    PARSER.set(Some(Box::default()));
    ARRIVED.with_borrow(|_| ());
    REPLIES.with_borrow(|_| ());
    ROOM.with_borrow(|_| ());
}

/// Why a connection ends.
enum End {
    /// The peer has gone, the socket failed, or somebody closes it.
    Gone,
    /// Everything is written: close.
    Finished,
}

/// What a poll has come to.
enum Progress {
    /// There is more to do, but others first.
    Yield,
    /// A script is to be run, on a stack of its own.
    NeedsStack,
    /// The end.
    End(End),
}

/// Why a batch ended.
enum Stop {
    /// Nothing whole is left: more must be read.
    Drained,
    /// It was long enough.
    Full,
    /// A command waits, or clients are paused.
    Waits(Wait),
    /// A script is to be run, on a stack of its own.
    NeedsStack,
    /// The connection closes after its replies.
    Close,
}

struct Connection {
    stream: Stream,
    session: Session,
    /// What it has found of a request that has not arrived whole. All others are parsed with that of the thread.
    parser: Option<Box<Parser>>,
    inbox: Inbox,
    /// Nothing whole is left in the inbox.
    is_drained: bool,
    /// It has run a script: it is polled on a stack of its own, and holds nothing of the thread's while it
    /// executes, for others may be served meanwhile.
    runs_scripts: bool,
    out: Output,
    /// What execution waits for.
    waiting: Option<Waiting>,
    /// What the replies wait for: the log.
    hold: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// When more replies than the soft limit began to wait, and the alarm for when that is too long.
    over_soft: Option<(Instant, Pin<Box<tokio::time::Sleep>>)>,
    peak_since_ms: i64,
    /// What it takes beside its buffers.
    tally: Tally,
}

/// Serves a connection until it ends.
pub async fn run(server: &'static Server, stream: Stream, client: Arc<Client>, thread: usize) {
    let mut connection = Connection::new(server, stream, client, thread);
    let end = loop {
        match poll_fn(|cx| connection.poll(cx)).await {
            Progress::End(end) => break end,
            // Lets the runtime look for what came in for others.
            Progress::Yield => tokio::task::yield_now().await,
            Progress::NeedsStack => {
                let (back, end) = Box::pin(run_on_own_stack(Box::new(connection))).await;
                connection = *back;
                break end;
            }
        }
    };
    while !connection.leave_keyspace() {
        // Idle connections have no room for an alarm.
        Box::pin(tokio::time::sleep(WHILE_HELD)).await;
    }
    connection.leave();
    if matches!(end, End::Finished) {
        let _ = poll_fn(|cx| connection.stream.poll_shutdown(cx)).await;
    }
}

/// Serves a connection that runs scripts.
async fn run_on_own_stack(mut connection: Box<Connection>) -> (Box<Connection>, End) {
    loop {
        let (back, progress) = OnOwnStack::new(connection, Connection::poll).await;
        connection = back;
        match progress {
            Progress::End(end) => return (connection, end),
            Progress::Yield | Progress::NeedsStack => tokio::task::yield_now().await,
        }
    }
}

impl Connection {
    fn new(
        server: &'static Server,
        stream: Stream,
        client: Arc<Client>,
        thread: usize,
    ) -> Connection {
        let ledger = &server.clients.ledger;
        Connection {
            stream,
            session: Session::new(server, client, thread),
            parser: None,
            inbox: Inbox::new(ledger.tally()),
            is_drained: true,
            runs_scripts: false,
            out: Output::new(),
            waiting: None,
            hold: None,
            over_soft: None,
            peak_since_ms: 0,
            tally: ledger.tally(),
        }
    }

    /// Does all there is to do. Pending only when the task is woken for whatever can happen next.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        self.session.client.set_waker(cx.waker());
        loop {
            if self.session.client.is(State::CLOSE_NOW) {
                return Poll::Ready(Progress::End(End::Gone));
            }
            self.poll_waiting(cx);
            if self.poll_send(cx).is_err() {
                return Poll::Ready(Progress::End(End::Gone));
            }
            self.account();
            if self.session.client.is(State::CLOSE_NOW) {
                return Poll::Ready(Progress::End(End::Gone));
            }
            if self.session.client.is(State::CLOSE_AFTER_REPLY) {
                let is_finished = self.out.is_empty();
                return match is_finished {
                    true => Poll::Ready(Progress::End(End::Finished)),
                    false => Poll::Pending,
                };
            }
            if self.is_output_over_limit(cx) {
                self.session.server.note_output_limit(&self.session.client);
                return Poll::Ready(Progress::End(End::Gone));
            }
            if self.runs_scripts && !stack::is_own() {
                return Poll::Ready(Progress::NeedsStack);
            }
            if self.may_execute() && !self.is_drained {
                let stop = self.execute_inbox();
                self.settle(stop);
                return Poll::Ready(Progress::Yield);
            }
            match ready!(self.poll_arrival(cx)) {
                Err(_) => return Poll::Ready(Progress::End(End::Gone)),
                // The socket holds more than one connection should take at once.
                Ok(read) if read >= READ_BYTES => return Poll::Ready(Progress::Yield),
                Ok(_) if self.lets_others_first() => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(_) => {}
            }
        }
    }

    /// Whether the replies of a batch go out once all who are ready have been executed, as in Redis.
    ///
    /// A client that waits is woken by the first of its replies, which costs us more than the sending; while it reads
    /// that, the others come without waking it.
    fn lets_others_first(&self) -> bool {
        let nanos = self.session.stopwatch.elapsed_nanos();
        !self.out.is_empty() && self.hold.is_none() && nanos < LONG_BATCH_NANOS
    }

    /// Whether the next request may run: none waits, and there is room for its reply.
    fn may_execute(&self) -> bool {
        self.waiting.is_none() && self.hold.is_none() && self.out.len_bytes() < self.backlog_bytes()
    }

    /// Replies that may wait before reading stops. Reading does go on before that, as in Redis: a client that
    /// sends all its requests before it reads the first reply must not wait for ever.
    fn backlog_bytes(&self) -> usize {
        if self.out.is_empty() {
            return usize::MAX;
        }
        let server = self.session.server;
        let limit = server.settings.output_limit(self.session.client.class());
        let limit = clients::hard_limit_bytes(limit);
        if server.is_short_for_clients() {
            limit.min(clients::SHORT_BACKLOG_BYTES)
        } else {
            limit
        }
    }

    /// Ends a wait that is over and writes the reply it leads to.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) {
        let Some(waiting) = &mut self.waiting else {
            return;
        };
        let client = Arc::clone(&self.session.client);
        if waiting.poll(&client, cx).is_pending() {
            return;
        }
        self.session.stopwatch = Stopwatch::start();
        let Some(mut waiting) = self.waiting.take() else {
            return;
        };
        let waiter = waiting.waiter();
        let Ok(served) = waiting.leave() else {
            waiting.prolong(WHILE_HELD, cx);
            self.waiting = Some(waiting);
            return;
        };
        self.session.server.clients.set_blocked(&client, false);
        let unblocked = client.end_wait();
        if let Wait::Block(block) = waiting.wait {
            let start = self.out.mark();
            if let Some(served) = served {
                self.session.local.basis.add(served.basis);
                self.out.append(served.reply);
                self.hold_for_log();
            } else {
                let mut reply = Reply::new(&mut self.out, client.version());
                super::wait::write_reply(self.session.server, block, unblocked, &mut reply);
                if let Some(waiter) = waiter {
                    let ending = match unblocked {
                        Some(Unblock::Error) => Ending::Failed,
                        _ => Ending::Done,
                    };
                    exec::count_vain(&mut self.session, &waiter, ending);
                }
            }
            exec::hush(&client, &mut self.out, start);
            exec::next_reply_mode(&client);
        }
    }

    /// Writes what can be written: replies once they may be told, and what other threads have posted.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if let Some(hold) = &mut self.hold {
            if hold.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            self.hold = None;
        }
        loop {
            if let Some(mail) = self.session.client.take_mail() {
                self.out.append(mail);
            }
            if self.out.is_empty() {
                self.give_replies_back();
                return Ok(());
            }
            let Poll::Ready(written) = self.poll_write(cx)? else {
                return Ok(());
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.note_sent(written);
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<usize>> {
        let mut pieces: SmallVec<[io::IoSlice<'_>; 4]> = SmallVec::new();
        let chunks = self.out.chunks().take(WRITE_PIECES);
        pieces.extend(chunks.map(|chunk| io::IoSlice::new(chunk.as_slice())));
        match self.stream.poll_write(cx, &pieces) {
            Poll::Ready(written) => written.map(Poll::Ready),
            Poll::Pending => {
                let pieces = self.out.chunks().count();
                self.session
                    .client
                    .gauges
                    .output_pieces
                    .store(pieces, Ordering::Relaxed);
                Ok(Poll::Pending)
            }
        }
    }

    fn note_sent(&mut self, bytes: usize) {
        self.note_peak();
        self.out.advance(bytes);
        let gauges = &self.session.client.gauges;
        gauges.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let now_ms = self.session.stopwatch.wall_ms();
        gauges
            .last_interaction_ms
            .fetch_max(now_ms, Ordering::Relaxed);
        // At once, for nothing may follow on this connection for long.
        let counters = &self.session.server.stats.counters;
        counters.sent_bytes.add(bytes as u64);
        counters.writes.add(1);
    }

    /// Leaves the reply buffer to the thread: a connection that owes nothing holds none.
    fn give_replies_back(&mut self) {
        if self.out.memory_bytes() > 0 {
            let out = std::mem::take(&mut self.out);
            REPLIES.with_borrow_mut(|kept| {
                if kept.len() < KEPT_REPLIES {
                    kept.push(out);
                }
            });
        }
    }

    /// Notes what the connection holds, after every batch, and lets clients go if all hold too much.
    ///
    /// As in Redis that is when what the socket took at once is written.
    fn account(&mut self) {
        self.show_memory();
        let (server, client) = (self.session.server, &self.session.client);
        self.tally.put(client.standing_bytes());
        server.clients.ledger.note(client, client.memory_bytes());
        server.evict_clients();
    }

    /// Shows others what the connection holds.
    fn show_memory(&self) {
        let gauges = &self.session.client.gauges;
        for (gauge, bytes) in [
            (&gauges.query_bytes, self.inbox.len()),
            (&gauges.query_free_bytes, self.inbox.free_bytes()),
            (
                &gauges.parser_bytes,
                self.parser.as_ref().map_or(0, |parser| {
                    class_bytes(size_of::<Parser>()) + class_bytes(parser.memory_bytes())
                }),
            ),
            (&gauges.output_bytes, self.out.len_bytes()),
            (&gauges.output_capacity, self.out.memory_bytes()),
            (&gauges.wait_bytes, self.wait_bytes()),
        ] {
            gauge.store(bytes, Ordering::Relaxed);
        }
    }

    fn wait_bytes(&self) -> usize {
        let waiting = self.waiting.as_ref().map_or(0, Waiting::memory_bytes);
        let hold = self.hold.as_ref().map_or(0, |it| size_of_val(&**it));
        let alarm = self.over_soft.as_ref();
        let alarm = alarm.map_or(0, |(_, alarm)| size_of_val(&**alarm));
        [waiting, hold, alarm].map(class_bytes).into_iter().sum()
    }

    fn note_peak(&mut self) {
        let peak = &self.session.client.gauges.output_peak;
        let waiting = self.out.len_bytes();
        let now_ms = self.session.stopwatch.wall_ms();
        if now_ms - self.peak_since_ms > PEAK_MS {
            self.peak_since_ms = now_ms;
            peak.store(waiting, Ordering::Relaxed);
        } else {
            peak.fetch_max(waiting, Ordering::Relaxed);
        }
    }

    /// Whether what could not be written is more than the client may owe, or has been for too long.
    fn is_output_over_limit(&mut self, cx: &mut Context<'_>) -> bool {
        if self.out.is_empty() || self.hold.is_some() {
            self.over_soft = None;
            return false;
        }
        let waiting = self.out.len_bytes() as u64;
        let limit = self
            .session
            .server
            .settings
            .output_limit(self.session.client.class());
        if limit.hard_bytes > 0 && waiting >= limit.hard_bytes {
            return true;
        }
        if limit.soft_bytes == 0 || waiting < limit.soft_bytes {
            self.over_soft = None;
            return false;
        }
        let allowed = Duration::from_secs(u64::try_from(limit.soft_seconds).unwrap_or(0));
        let (since, alarm) = self.over_soft.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(tokio::time::sleep_until(now + allowed)))
        });
        // The option may have changed meanwhile.
        alarm.as_mut().reset(*since + allowed);
        alarm.as_mut().poll(cx).is_ready()
    }

    /// Reads once, and executes what has arrived whole: how many bytes came.
    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.hold.is_some() || (self.waiting.is_none() && !self.may_execute()) {
            // Woken when the log is on disk, or there is room to write.
            return Poll::Pending;
        }
        let may_share = self.waiting.is_none() && !self.runs_scripts;
        let read = if self.inbox.is_empty() && may_share {
            ready!(self.poll_read_shared(cx))?
        } else {
            ready!(self.poll_read_on(cx))?
        };
        if read == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(read))
    }

    /// Reads into the buffer of the thread and executes from there.
    fn poll_read_shared(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        ARRIVED.with_borrow_mut(|arrived| {
            let mut buffer = ReadBuf::new(arrived);
            ready!(self.stream.poll_read(cx, &mut buffer))?;
            let arrived = buffer.filled();
            if !arrived.is_empty() {
                self.note_received(arrived.len(), arrived.len());
                let (stop, consumed) = self.execute(arrived);
                self.inbox.push(&arrived[consumed..]);
                self.settle(stop);
            }
            Poll::Ready(Ok(arrived.len()))
        })
    }

    /// Reads behind what is in the inbox, and executes from there unless a command waits.
    fn poll_read_on(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let read = ready!(self.poll_fill_inbox(cx))?;
        if read > 0 {
            self.note_received(read, self.inbox.len());
            self.is_drained = false;
            if self.waiting.is_none() {
                let stop = self.execute_inbox();
                self.settle(stop);
            } else {
                self.check_query_limit();
            }
        }
        Poll::Ready(Ok(read))
    }

    /// Reads the rest of a long word straight to where it will be executed from, and what is short through
    /// the buffer of the thread: who has sent half a request is given no room before the rest comes.
    fn poll_fill_inbox(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.inbox.len() >= READ_BYTES {
            let missing = self.parser.as_ref().map_or(0, |it| it.missing_bytes());
            let room = self.inbox.room(READ_BYTES, missing);
            return pin!(self.stream.read_into(room)).poll(cx);
        }
        ARRIVED.with_borrow_mut(|arrived| {
            let mut buffer = ReadBuf::new(arrived);
            ready!(self.stream.poll_read(cx, &mut buffer))?;
            self.inbox.push(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }

    fn note_received(&mut self, bytes: usize, query_bytes: usize) {
        self.session.stopwatch = Stopwatch::start();
        let gauges = &self.session.client.gauges;
        gauges
            .received_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        gauges.query_bytes.store(query_bytes, Ordering::Relaxed);
        gauges
            .last_interaction_ms
            .store(self.session.stopwatch.wall_ms(), Ordering::Relaxed);
        self.session.recorder.received_bytes += bytes as u64;
        self.session.recorder.reads += 1;
    }

    fn execute_inbox(&mut self) -> Stop {
        let inbox = std::mem::take(&mut self.inbox);
        let (stop, consumed) = self.execute(inbox.as_slice());
        self.inbox = inbox;
        self.inbox.consume(consumed);
        stop
    }

    /// Executes a batch of the requests that `bytes` holds whole: why it ended, and how many bytes are
    /// done with.
    fn execute(&mut self, bytes: &[u8]) -> (Stop, usize) {
        if self.out.is_empty() {
            self.out = REPLIES.with_borrow_mut(Vec::pop).unwrap_or_default();
            let ledger = &self.session.server.clients.ledger;
            self.out.count_in(ledger.meter());
        }
        // What has been counted so far; nothing may be left behind in the room of the thread.
        self.session.flush_counts();
        if self.runs_scripts {
            return self.execute_with_own(bytes);
        }
        ROOM.with_borrow_mut(|(unit, recorder)| {
            std::mem::swap(&mut self.session.unit, unit);
            std::mem::swap(&mut self.session.recorder, recorder);
            let result = self.execute_with_own(bytes);
            std::mem::swap(&mut self.session.recorder, recorder);
            std::mem::swap(&mut self.session.unit, unit);
            result
        })
    }

    /// The same, with the room for records and counts that the session has.
    #[inline]
    fn execute_with_own(&mut self, bytes: &[u8]) -> (Stop, usize) {
        let parser = self.parser.take().or_else(|| PARSER.take());
        let mut parser = parser.unwrap_or_default();
        let session = &mut self.session;
        let result = execute_all(session, &mut parser, bytes, &mut self.out);
        if parser.is_within_request() {
            self.parser = Some(parser);
        } else {
            PARSER.set(Some(parser));
        }
        session.server.broadcast(&mut session.unit.changed);
        session.flush_counts();
        result
    }

    /// What follows from the end of a batch, before its replies are written.
    fn settle(&mut self, stop: Stop) {
        self.is_drained = match stop {
            Stop::Drained => true,
            Stop::Full => self.inbox.is_empty(),
            Stop::Waits(wait) => {
                self.begin_wait(wait);
                self.inbox.is_empty()
            }
            Stop::NeedsStack => {
                self.runs_scripts = true;
                false
            }
            Stop::Close => true,
        };
        self.hold_for_log();
        self.check_query_limit();
    }

    fn begin_wait(&mut self, wait: Wait) {
        let client = &self.session.client;
        if matches!(wait, Wait::Block(_)) {
            client.begin_wait();
        }
        self.session.server.clients.set_blocked(client, true);
        self.waiting = Some(Waiting::new(self.session.server, wait));
    }

    /// Holds replies until the log has come as far as they need.
    fn hold_for_log(&mut self) {
        let server = self.session.server;
        let policy = server.settings.config.get(options::APPENDFSYNC);
        let now_ms = self.session.stopwatch.wall_ms();
        let hold = server.log.hold(policy, self.session.local.basis, now_ms);
        if let Some(hold) = hold {
            self.hold = Some(Box::pin(server.log.held(hold)));
        }
    }

    /// Closes a client that has sent more than `client-query-buffer-limit` without a whole request, or queued
    /// as much.
    fn check_query_limit(&mut self) {
        let gauges = &self.session.client.gauges;
        let held = self.inbox.len() + gauges.queued_bytes.load(Ordering::Relaxed);
        let server = self.session.server;
        if held > server.settings.query_limit_bytes() {
            self.show_memory();
            server.stats.counters.query_limit_disconnections.add(1);
            let line = self
                .session
                .client
                .line(server.commands.full_names(), clock::now_ms());
            let line = String::from_utf8_lossy(&line);
            tracing::warn!("Closing client that reached max query buffer length: {line}");
            self.session.client.set(State::CLOSE_NOW, true);
        }
    }

    /// Lets the keyspace forget what the connection waits for and watches; `false` if it must be tried again.
    fn leave_keyspace(&mut self) -> bool {
        let has_left = |waiting: &mut Waiting| waiting.leave().is_ok();
        if !self.waiting.as_mut().is_none_or(has_left) {
            return false;
        }
        self.session.unwatch()
    }

    /// Gives back what a connection that ends still holds of the thread's and the server's.
    fn leave(&mut self) {
        self.session
            .server
            .clients
            .set_blocked(&self.session.client, false);
        self.session.client.end_wait();
        // Before the peer can see that it is over.
        self.session.server.forget(&self.session.client);
    }
}

/// Executes a batch of requests.
fn execute_all(
    session: &mut Session,
    parser: &mut Parser,
    bytes: &[u8],
    out: &mut Output,
) -> (Stop, usize) {
    let began_us = session.stopwatch.wall_us();
    let full_from = out.len_bytes().saturating_add(BATCH_REPLY_BYTES);
    let mut done = 0;
    let mut looked_ahead = 0;
    loop {
        if !before_next(session, out) {
            return (Stop::Close, done);
        }
        let rest = &bytes[done..];
        if rest.is_empty() {
            return (Stop::Drained, done);
        }
        if out.len_bytes() >= full_from
            || done >= BATCH_REQUEST_BYTES
            || session.stopwatch.wall_us() - began_us >= BATCH_MICROS
        {
            return (Stop::Full, done);
        }
        let limits = limits(session);
        if looked_ahead == 0 {
            looked_ahead = exec::look_ahead(session, rest, &limits);
        }
        looked_ahead -= 1;
        match parser.parse(rest, &limits) {
            Ok(Parsed::Incomplete) => return (Stop::Drained, done),
            Ok(Parsed::Empty { consumed }) => {
                // Asks nothing, but CLIENT REPLY SKIP counts it.
                exec::next_reply_mode(&session.client);
                done += consumed;
            }
            Ok(Parsed::Request { consumed }) => {
                match exec::execute(session, &parser.args(rest), out) {
                    Flow::Next => done += consumed,
                    Flow::Block(block) => {
                        // It has run; what it has sent its own client does not wait for its reply.
                        if let Some(mail) = session.client.take_mail() {
                            out.append(mail);
                        }
                        return (Stop::Waits(Wait::Block(block)), done + consumed);
                    }
                    Flow::Paused => {
                        // The request is parsed anew when the pause is over.
                        *parser = Parser::new();
                        return (Stop::Waits(Wait::Pause), done);
                    }
                    Flow::NeedsStack => {
                        *parser = Parser::new();
                        return (Stop::NeedsStack, done);
                    }
                }
            }
            Err(error) => {
                refuse(session, &error, out);
                return (Stop::Close, bytes.len());
            }
        }
    }
}

/// What lies between two requests; `false` if there is to be no next one.
#[inline]
fn before_next(session: &mut Session, out: &mut Output) -> bool {
    let state = session.client.state();
    if state.intersects(State::MAIL | State::CLOSE_NOW | State::CLOSE_AFTER_REPLY) {
        if state.intersects(State::CLOSE_NOW | State::CLOSE_AFTER_REPLY) {
            return false;
        }
        // What a command sends to its own client comes behind its reply, and before the next one.
        if let Some(mail) = session.client.take_mail() {
            out.append(mail);
        }
    }
    if session.recorder.is_full() {
        session.flush_counts();
    }
    true
}

#[inline]
fn limits(session: &Session) -> Limits {
    let settings = &session.server.settings;
    let is_in =
        session.client.is(State::AUTHENTICATED) || session.server.acl.default_user().is_open();
    settings.parser_limits(is_in)
}

fn refuse(session: &mut Session, error: &ProtocolError, out: &mut Output) {
    let client = &session.client;
    tracing::debug!(
        "Protocol error ({}) from client: {}",
        error.log_words(),
        client.addr
    );
    session.server.stats.error("ERR");
    let mut text = b"ERR ".to_vec();
    text.extend_from_slice(&error.reply_text());
    let start = out.mark();
    Reply::new(out, client.version()).encoder().error(text);
    exec::hush(client, out, start);
    client.set(State::CLOSE_AFTER_REPLY, true);
}
