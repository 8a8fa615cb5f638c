//! Carrying out one request: find the command, pass the gates, take the locks, run the handler, log
//! what changed, count.
//!
//! Everything that happens to every command happens here and nowhere else.

mod gate;
mod lookahead;
mod moment;
mod permission;
mod script;
mod serve;
pub mod transaction;
mod unit;

use gate::Order;
pub use gate::{Gates, Verdict};
pub use lookahead::look_ahead;
pub use moment::moment;
pub use script::load_libraries;
pub use serve::count_vain;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use protocol::{Args, Mark, Output};
use storage::db::{Db, Garbage};
use storage::keyspace::ShardSet;

use crate::clients::{Client, State};
use crate::clock;
use crate::command::error::shown_up_to;
use crate::command::table::Entry;
use crate::command::{Block, Calls, Command, Ctx, Effects, Error, Outcome, Reply};
use crate::monitor::Caller;
use crate::server::Server;
use crate::session::Session;
use crate::settings::SharedHabits;
use crate::spec::{Acl, Flags, Group, Locks, Spec};
use crate::stack;
use crate::stats::Ending;
pub use unit::Unit;

/// How often the record of another server that a script holds up looks whether that has ended.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// What the connection does after a request.
#[derive(Debug)]
pub enum Flow {
    /// Goes on with the next one.
    Next,
    /// Waits, then replies.
    Block(Block),
    /// Tries the same request again when the pause is over.
    Paused,
    /// Tries it again on a stack that is left where it is while others are served.
    NeedsStack,
}

/// Carries out one request of a client and writes its reply.
pub fn execute(session: &mut Session, args: &Args<'_>, out: &mut Output) -> Flow {
    let flow = admit(session, args, out);
    if matches!(flow, Flow::Next) {
        next_reply_mode(&session.client);
    }
    if session.client.is(State::CACHING) && !matches!(flow, Flow::NeedsStack) {
        end_caching(session, args);
    }
    flow
}

/// `CLIENT CACHING` holds for the next command that is no `CLIENT`, or the next transaction.
#[cold]
fn end_caching(session: &Session, args: &Args<'_>) {
    let entry = session
        .server
        .commands
        .find(args.get(0).unwrap_or_default());
    let is_client = entry.is_some_and(|entry| entry.full_name == "client");
    if !is_client && session.local.queue.is_none() {
        session.client.set(State::CACHING, false);
    }
}

/// Finds the command, lets it pass the gates, and queues it or carries it out.
fn admit(session: &mut Session, args: &Args<'_>, out: &mut Output) -> Flow {
    let entry = match find(session, args) {
        Ok(entry) => entry,
        Err(_) if is_http(args) => {
            turn_away(session);
            return Flow::Next;
        }
        Err(error) => {
            reject(session, None, args, &error, out);
            return Flow::Next;
        }
    };
    if !entry.accepts(args.len()) {
        let error = Error::WrongArity(entry.full_name.clone());
        reject(session, Some(entry), args, &error, out);
        return Flow::Next;
    }
    match gate::check(session, entry, args) {
        Verdict::Pass => {}
        Verdict::Pause => return Flow::Paused,
        Verdict::Refuse(error) => {
            reject(session, Some(entry), args, &error, out);
            return Flow::Next;
        }
    }
    if session.local.queue.is_some() && !transaction::runs_at_once(entry) {
        transaction::queue(session, entry, args);
        let start = out.mark();
        Reply::new(out, session.client.version())
            .encoder()
            .simple("QUEUED");
        hush(&session.client, out, start);
        return Flow::Next;
    }
    if entry.command.spec.group == Group::Server {
        session.flush_counts();
    }
    call(session, entry, args, out)
}

/// The command or subcommand that a request names.
fn find(session: &mut Session, args: &Args<'_>) -> Result<&'static Entry, Error> {
    let name = args.get(0).unwrap_or_default();
    let last_command = &session.client.gauges.last_command;
    last_command.store(usize::MAX, Ordering::Relaxed);
    let entry = match session.last_entry {
        // As nearly everybody spells it.
        Some(last) if name == last.name.as_bytes() || name == last.full_name.as_bytes() => last,
        _ => {
            let entry = session
                .server
                .commands
                .find(name)
                .ok_or_else(|| unknown(args))?;
            session.last_entry = Some(entry);
            entry
        }
    };
    let entry = match args.get(1) {
        Some(sub) if !entry.subcommands.is_empty() => find_subcommand(entry, sub)?,
        _ => entry,
    };
    last_command.store(entry.id, Ordering::Relaxed);
    Ok(entry)
}

fn find_subcommand(entry: &'static Entry, sub: &[u8]) -> Result<&'static Entry, Error> {
    let lower = String::from_utf8_lossy(sub).to_ascii_lowercase();
    entry
        .subcommands
        .get(&lower)
        .ok_or_else(|| Error::UnknownSubcommand {
            sub: shown_up_to(sub, 128),
            command: entry.name.to_ascii_uppercase(),
        })
}

fn unknown(args: &Args<'_>) -> Error {
    let mut shown = String::new();
    let mut room = 128;
    for word in args.from(1).iter() {
        if room == 0 {
            break;
        }
        let word = shown_up_to(word, room);
        // Quotes and space count, but may go over.
        room = room.saturating_sub(word.chars().count() + 3);
        shown += &format!("'{word}' ");
    }
    Error::UnknownCommand {
        name: shown_up_to(args.get(0).unwrap_or_default(), 128),
        args: shown,
    }
}

/// Whether the request is a line of HTTP: a page in somebody's browser may have been made to send it.
fn is_http(args: &Args<'_>) -> bool {
    let name = args.get(0).unwrap_or_default();
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

/// Closes the connection of a browser without an answer, as Redis does, before what follows is obeyed.
fn turn_away(session: &mut Session) {
    static LOGGED_MS: AtomicI64 = AtomicI64::new(0);
    let now_ms = session.stopwatch.wall_ms();
    if now_ms - LOGGED_MS.load(Ordering::Relaxed) > 60_000 {
        LOGGED_MS.store(now_ms, Ordering::Relaxed);
        tracing::warn!(
            "Possible SECURITY ATTACK detected: POST or Host: commands, as in cross protocol \
             scripting. Connection from {} aborted.",
            session.client.addr
        );
    }
    session.client.set(State::CLOSE_NOW, true);
}

/// Answers a request that is not carried out.
fn reject(
    session: &mut Session,
    entry: Option<&'static Entry>,
    args: &Args<'_>,
    error: &Error,
    out: &mut Output,
) {
    let error = match entry {
        Some(entry) if transaction::is_exec(entry) => {
            show(
                session.server,
                Caller::Client(&session.client),
                entry,
                args,
                session.stopwatch.wall_us(),
            );
            &transaction::abort(session, error)
        }
        _ => {
            transaction::doom(session);
            error
        }
    };
    session
        .server
        .stats
        .error(Error::prefix(&error.to_string()));
    if let Some(entry) = entry {
        session.recorder.command(entry.id, 0, Ending::Rejected);
    }
    let start = out.mark();
    Reply::new(out, session.client.version()).error(error);
    hush(&session.client, out, start);
}

/// What a command has come to once its locks are free again.
struct Ran {
    outcome: Outcome,
    failed: bool,
    garbage: Vec<Garbage>,
}

/// Takes the locks of one command, runs it, and does what follows from what it did.
fn call(session: &mut Session, entry: &'static Entry, args: &Args<'_>, out: &mut Output) -> Flow {
    let server = session.server;
    let start = out.mark();
    let mut whole = session.stopwatch;
    if runs_scripts(entry) && lacks_stack(session) {
        return Flow::NeedsStack;
    }
    let Ran {
        outcome,
        failed,
        garbage,
    } = match call_locked(session, entry, args, out) {
        Ok(ran) => ran,
        Err(error) => {
            reject(session, Some(entry), args, &error, out);
            return Flow::Next;
        }
    };
    if matches!(outcome, Outcome::Execute) {
        if transaction::runs_scripts(session) && lacks_stack(session) {
            return Flow::NeedsStack;
        }
        let failed = transaction::execute(session, entry, out);
        // Each command has counted its own lap; EXEC takes as long as all of them.
        session.stopwatch.lap_nanos();
        finish(session, entry, args, whole.lap_nanos(), failed);
        return Flow::Next;
    }
    session.local.release(&server.keyspace);
    server.lazyfree.free(garbage);
    let nanos = session.stopwatch.lap_nanos();
    match &outcome {
        // It counts once its wait is over.
        Outcome::Block(block) if block.is_for_keys() => {
            session.tried_nanos = nanos;
            let caller = Caller::Client(&session.client);
            show(server, caller, entry, args, session.stopwatch.wall_us());
        }
        _ => finish(session, entry, args, nanos, failed),
    }
    if !entry.flags().contains(Flags::PUSHES) {
        hush(&session.client, out, start);
    }
    match outcome {
        Outcome::Block(block) => Flow::Block(block),
        _ => Flow::Next,
    }
}

/// Keeps scripts and commands that visit one shard after the other apart: these would wait for a script
/// however long it takes, for there is no way to give up half way.
#[cold]
fn order_with_scripts(
    server: &'static Server,
    runs_scripts: bool,
    locks: Locks,
) -> Result<Option<Order>, Error> {
    let order = match locks {
        Locks::OneAtATime => server.gates.begin_walk(),
        _ if runs_scripts => server.gates.begin_script(),
        _ => return Ok(None),
    };
    order.map(Some).ok_or_else(|| server.busy())
}

/// Whether a command runs scripts, or has to do with libraries of them: `DEBUG RELOAD` loads those too.
#[inline]
fn runs_scripts(entry: &Entry) -> bool {
    let spec = &entry.command.spec;
    match spec.locks {
        Locks::Growing => true,
        Locks::All => spec.group == Group::Scripting || spec.name == "DEBUG",
        _ => false,
    }
}

/// Whether a script that runs too long now would keep the thread from its other connections.
#[cold]
fn lacks_stack(session: &Session) -> bool {
    !stack::is_own() && !session.client.is(State::REPLAY)
}

/// What happens under the locks: the command, its records, and those who have waited for what it did.
///
/// # Errors
/// [`Error::Busy`]: nothing has happened.
#[inline]
fn call_locked(
    session: &mut Session,
    entry: &'static Entry,
    args: &Args<'_>,
    out: &mut Output,
) -> Result<Ran, Error> {
    let server = session.server;
    let _order = match entry.command.spec.locks {
        Locks::Keys => None,
        _ => order_with_scripts(server, runs_scripts(entry), entry.command.spec.locks)?,
    };
    let plan = lock_plan(server, entry.command, args);
    let held = match serve::lock(server, plan) {
        Ok(held) => held,
        // Whether the script that holds the key changes it nobody can say yet: so it counts as changed.
        Err(_) if transaction::is_watch(entry) => {
            session.local.watches.break_all();
            serve::lock(server, ShardSet::NONE)?
        }
        Err(error) => return Err(error),
    };
    let now_ms = session.stopwatch.wall_ms();
    let moment = moment(server, &session.client, &mut session.local.habits, now_ms);
    let mut cx = Ctx {
        server,
        client: &session.client,
        local: &mut session.local,
        db: Db::new(&server.keyspace, held, session.client.db(), moment),
        reply: Reply::new(out, session.client.version()),
        effects: Effects::default(),
        entry,
        stopwatch: session.stopwatch,
        is_in_exec: false,
        wanted: None,
        again: None,
        calls: Calls::new(),
    };
    let unit = &mut session.unit;
    let (outcome, failed) = run(&mut cx, entry, args, unit);
    let outcome = match outcome {
        Outcome::Execute => {
            return Ok(Ran {
                outcome,
                failed,
                garbage: Vec::new(),
            });
        }
        Outcome::Block(block) => Outcome::Block(serve::join(&mut cx, args, block, plan)),
        Outcome::Done | Outcome::Failed | Outcome::Script(_) => Outcome::Done,
    };
    session.recorder.calls(&cx.calls);
    let (dirty, basis) = unit.commit(&mut cx.db, &server.log);
    session.recorder.dirty += dirty;
    cx.local.basis.add(basis);
    let garbage = if cx.db.changes.ready.is_empty() {
        std::mem::take(&mut cx.db.changes.garbage)
    } else {
        let mut db = serve::serve(server, cx.db, unit, &mut session.recorder);
        std::mem::take(&mut db.changes.garbage)
    };
    Ok(Ran {
        outcome,
        failed,
        garbage,
    })
}

/// Runs a handler and gathers its records; an error takes the place of its reply.
fn run(
    cx: &mut Ctx<'_>,
    entry: &'static Entry,
    args: &Args<'_>,
    unit: &mut Unit,
) -> (Outcome, bool) {
    // A script comes before its commands, where anything else is shown when it has run.
    if cx.server.clients.has_monitors() && entry.flags().contains(Flags::SKIP_MONITOR) {
        let caller = Caller::Client(cx.client);
        cx.server
            .show_to_monitors(caller, clock::now_us(), entry, args);
    }
    let result = match entry.command.handler {
        Some(handler) => handler(cx, args),
        // A container without a subcommand: its arity of -2 has refused that.
        None => Err(Error::WrongArity(entry.full_name.clone())),
    };
    let result = match result {
        Ok(Outcome::Script(job)) => script::execute(cx, job, args, unit),
        result => result,
    };
    unit.gather(&mut cx.db, &mut cx.effects, args, cx.server);
    if !cx.db.changes.events.is_empty() || cx.db.changes.is_flushed {
        cx.server
            .tell_events(&mut cx.db.changes, cx.client.id, &mut unit.changed);
    }
    if cx.client.is(State::TRACKING) {
        remember(cx, entry, args);
    }
    match result {
        Ok(Outcome::Failed) => (Outcome::Done, true),
        Ok(outcome) => (outcome, false),
        Err(error) => {
            let text = error.to_string();
            cx.server.stats.error(Error::prefix(&text));
            cx.reply.error(&error);
            (Outcome::Done, true)
        }
    }
}

/// Remembers what a client that keeps copies has read, while it is locked.
#[cold]
fn remember(cx: &Ctx<'_>, entry: &Entry, args: &Args<'_>) {
    let spec = &entry.command.spec;
    let state = cx.client.state();
    let is_opted = state.contains(State::CACHING);
    if !spec.flags.contains(Flags::READONLY)
        // What a script reads, the commands in it remember.
        || spec.acl.contains(Acl::SCRIPTING)
        || state.contains(State::BCAST)
        || (state.contains(State::OPTIN) && !is_opted)
        || (state.contains(State::OPTOUT) && is_opted)
    {
        return;
    }
    for position in spec.keys_of(*args).into_iter().flatten() {
        let key = args.get(position.index).unwrap_or_default();
        cx.server.remember_reader(cx.client, key);
    }
}

/// Counts a command that has run, puts it into the slow log if it was slow, and shows it to those who
/// monitor: afterwards, as in Redis, so that EXEC comes behind its commands.
fn finish(session: &mut Session, entry: &'static Entry, args: &Args<'_>, nanos: u64, failed: bool) {
    let ending = if failed { Ending::Failed } else { Ending::Done };
    session.recorder.command(entry.id, nanos, ending);
    let now_us = session.stopwatch.wall_us();
    let habits = &mut session.local.habits;
    let caller = Caller::Client(&session.client);
    tell(session.server, caller, habits, (entry, args), nanos, now_us);
}

/// Tells those who want to know of a command that has run: the slow log, and who monitors.
#[inline]
fn tell(
    server: &'static Server,
    caller: Caller<'_>,
    habits: &mut SharedHabits,
    (entry, args): (&'static Entry, &Args<'_>),
    nanos: u64,
    now_us: i64,
) {
    // A CONFIG SET that makes everything slow is slow itself.
    if nanos >= habits.of(&server.settings).noted_nanos {
        server.note_slow(caller, entry, args, nanos, now_us);
    }
    show(server, caller, entry, args, now_us);
}

/// Shows a command to those who monitor, unless it has been shown already or is not for their eyes.
#[inline]
fn show(server: &'static Server, caller: Caller<'_>, entry: &Entry, args: &Args<'_>, now_us: i64) {
    if server.clients.has_monitors()
        && !entry.flags().intersects(Flags::SKIP_MONITOR | Flags::ADMIN)
    {
        server.show_to_monitors(caller, now_us, entry, args);
    }
}

/// Drops what was written since `start` for a client that wants no replies (`CLIENT REPLY`).
#[inline]
pub fn hush(client: &Client, out: &mut Output, start: Mark) {
    if client.is(State::REPLY_OFF | State::REPLY_SKIP) {
        out.truncate_to(start);
    }
}

/// Moves `CLIENT REPLY SKIP` on by one command, when one has ended.
#[inline]
pub fn next_reply_mode(client: &Client) {
    let state = client.state();
    if state.intersects(State::REPLY_SKIP | State::REPLY_SKIP_NEXT) {
        client.set(State::REPLY_SKIP, state.contains(State::REPLY_SKIP_NEXT));
        client.set(State::REPLY_SKIP_NEXT, false);
    }
}

/// The shards a request needs.
fn lock_plan(server: &Server, command: &Command, args: &Args<'_>) -> ShardSet {
    match command.spec.locks {
        Locks::All => ShardSet::ALL,
        Locks::OneAtATime => ShardSet::NONE,
        Locks::Keys | Locks::Growing => key_shards(server, &command.spec, args),
    }
}

/// The shards that a request needs as one of several that happen at once.
fn inner_lock_plan(server: &Server, command: &Command, args: &Args<'_>) -> ShardSet {
    match command.spec.locks {
        Locks::Keys => key_shards(server, &command.spec, args),
        Locks::OneAtATime | Locks::All | Locks::Growing => ShardSet::ALL,
    }
}

fn key_shards(server: &Server, spec: &Spec, args: &Args<'_>) -> ShardSet {
    if let Some(index) = spec.only_key() {
        let key = args.get(index).unwrap_or_default();
        return ShardSet::one(server.keyspace.shard_of(key));
    }
    if !spec.has_keys() {
        return ShardSet::NONE;
    }
    if spec.reaches_anywhere(*args) {
        return ShardSet::ALL;
    }
    // A request whose keys cannot be found is refused by its handler. Should one go on all the same,
    // it must find its shards locked.
    let Ok(keys) = spec.keys_of(*args) else {
        return ShardSet::ALL;
    };
    if spec.is_ambiguous(*args) {
        return ShardSet::ALL;
    }
    let mut shards = ShardSet::NONE;
    for key in keys {
        shards.insert(
            server
                .keyspace
                .shard_of(args.get(key.index).unwrap_or_default()),
        );
    }
    shards
}

/// Executes a record of the log: no gates, no counting, no logging, and expired keys stay until the log
/// removes them.
///
/// An error reply is put into the log file only, as Redis does: what it was about did not happen then either.
///
/// # Errors
/// A text, if the record is no request that this server understands.
pub fn replay(session: &mut Session, args: &Args<'_>, out: &mut Output) -> Result<(), String> {
    let entry = find_record(session, args)?;
    call(session, entry, args, out);
    // While the writes of another server are followed, a script of this one may run too long.
    while refusal(out).is_some_and(|text| text.starts_with(b"-BUSY ")) {
        out.clear();
        while session.server.gates.is_busy() {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        call(session, entry, args, out);
    }
    note_refusal(entry, out);
    Ok(())
}

/// The same where the caller holds the keyspace; what comes of it is left in `db.changes`.
///
/// # Errors
/// As [`replay`].
pub fn replay_within(
    session: &mut Session,
    mut db: Db<'static>,
    args: &Args<'_>,
    out: &mut Output,
) -> (Db<'static>, Result<(), String>) {
    let entry = match find_record(session, args) {
        Ok(entry) => entry,
        Err(error) => return (db, Err(error)),
    };
    let server = session.server;
    let now_ms = db.moment.now_ms;
    db.index = session.client.db();
    db.moment = moment(server, &session.client, &mut session.local.habits, now_ms);
    let mut cx = Ctx {
        server,
        client: &session.client,
        local: &mut session.local,
        db,
        reply: Reply::new(out, session.client.version()),
        effects: Effects::default(),
        entry,
        stopwatch: session.stopwatch,
        // Nothing waits: neither for keys nor for what is freed.
        is_in_exec: true,
        wanted: None,
        again: None,
        calls: Calls::new(),
    };
    run(&mut cx, entry, args, &mut session.unit);
    let db = cx.db;
    session.unit.forget();
    note_refusal(entry, out);
    (db, Ok(()))
}

/// The command of a record of the log.
fn find_record(session: &mut Session, args: &Args<'_>) -> Result<&'static Entry, String> {
    let entry = find(session, args).map_err(|_| {
        let name = String::from_utf8_lossy(args.get(0).unwrap_or_default());
        format!("Unknown command '{name}'")
    })?;
    match entry.accepts(args.len()) {
        true => Ok(entry),
        false => {
            let name = &entry.full_name;
            Err(format!("Wrong number of arguments for '{name}'"))
        }
    }
}

/// The reply, if it is an error.
fn refusal(out: &Output) -> Option<&[u8]> {
    let reply = out.chunks().next()?.as_slice();
    reply.starts_with(b"-").then_some(reply)
}

/// Takes the reply away, and notes an error in the log.
fn note_refusal(entry: &Entry, out: &mut Output) {
    if let Some(text) = refusal(out) {
        let text = String::from_utf8_lossy(text);
        tracing::warn!(
            "Replaying '{}' from the log gave an error: {}",
            entry.full_name,
            text.trim_end()
        );
    }
    out.clear();
}
