//! The log of effects: what happened, in the order it happened, on its way to disk, and back.
//!
//! Commands append to [`log::Log`], a buffer. One thread, the [`writer`], takes what has gathered,
//! writes it, syncs it as `appendfsync` says, and is the only one that touches the files. A
//! [`rewrite`] runs on a thread of its own beside it, over a snapshot. [`load`] replays the files
//! at start, [`reload`] when told to. [`snapshots`] are files of their own. [`warm`] takes another server's data set in place of what is on
//! disk.

mod encode;
mod health;
mod intake;
mod limit;
mod load;
pub mod loading;
pub mod log;
pub mod reload;
mod rewrite;
pub mod snapshots;
mod status;
mod syncing;
pub mod turn;
mod walk;
mod warm;
mod writer;

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use storage::aof;
use storage::keyspace::{Held, ShardSet};

use limit::{Attempt, Limit};
use snapshots::{Failed, Snapshots};
pub use status::Status;
use turn::{Purpose, Turns};
pub use warm::Warming;
use writer::{Task, Writer};

use crate::clock;
use crate::config::{ShutdownFlags, options};
use crate::server::Server;

/// Persistence, as the rest of the server sees it.
#[derive(Debug, Default)]
pub struct Persist {
    /// For INFO.
    pub status: Status,
    /// For INFO too, while files are loaded.
    pub loading: loading::Loading,
    /// Who walks the keyspace.
    pub turns: Turns,
    /// Snapshots on disk.
    pub snapshots: Snapshots,
    /// All locks are held for good.
    is_ending: AtomicBool,
    /// The copying of another's data set.
    pub warming: Warming,
    /// How long each write of the log is put off (`DEBUG AOF-FLUSH-SLEEP`), in microseconds.
    pub write_delay_us: AtomicU64,
    /// Held by who changes or reads the files of the log.
    files: Mutex<()>,
    tasks: Mutex<Option<SyncSender<Task>>>,
    /// How often the server tries to rewrite the log by itself.
    limit: Mutex<Limit>,
}

/// How long the last write may take.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// Why a rewrite was not begun, or that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteAnswer {
    /// It begins.
    Started,
    /// It will, when a snapshot is done.
    Scheduled,
    /// One is running.
    Running,
}

/// See [`Persist::rewriting`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewriting {
    /// There is none.
    No,
    /// It will begin.
    Scheduled,
    /// It runs.
    Running,
}

impl Persist {
    /// Asks for a rewrite of the log (`BGREWRITEAOF`). Without a log (`appendonly no`) the files are made
    /// for this once, as Redis does.
    ///
    /// # Errors
    /// A text, if there is no directory to write to.
    pub fn rewrite(&self, server: &'static Server) -> Result<RewriteAnswer, String> {
        let turn = match server.persist.turns.try_take(Purpose::Rewrite) {
            Ok(turn) => turn,
            Err(Purpose::Rewrite) => return Ok(RewriteAnswer::Running),
            Err(Purpose::Snapshot | Purpose::Save) => {
                // Somebody asks for it, so that it does not wait for failures to be forgotten.
                self.status.rewrite_failures.store(0, Relaxed);
                self.schedule_rewrite();
                return Ok(RewriteAnswer::Scheduled);
            }
        };
        self.schedule_rewrite();
        if self.tasks.lock().is_none() {
            self.open(server, Opening::Once).inspect_err(|_| {
                self.status.is_rewrite_scheduled.store(false, Relaxed);
                self.status.last_rewrite_ok.store(false, Relaxed);
            })?;
        }
        self.send(server, Task::Rewrite(turn));
        Ok(RewriteAnswer::Started)
    }

    /// Asks for a rewrite as soon as nothing else walks the keyspace.
    pub fn schedule_rewrite(&self) {
        self.status.is_rewrite_scheduled.store(true, Relaxed);
    }

    /// How far a rewrite of the log has come that was asked for. One that has its turn is running, as in Redis, from the
    /// moment that `BGREWRITEAOF` answers.
    pub fn rewriting(&self) -> Rewriting {
        // Looked at first: one that begins just now has its turn before it is scheduled no more.
        let is_scheduled = self.status.is_rewrite_scheduled.load(Acquire);
        if self.turns.holder() == Some(Purpose::Rewrite) {
            Rewriting::Running
        } else if is_scheduled {
            Rewriting::Scheduled
        } else {
            Rewriting::No
        }
    }

    /// Begins what waits for its turn, or is due.
    pub fn tick(&self, server: &'static Server) {
        if self.turns.holder().is_none()
            && self.status.is_rewrite_scheduled.load(Relaxed)
            && self.may_rewrite()
        {
            self.try_rewrite(server);
        }
        self.snapshots.tick(server);
    }

    /// Whether a rewrite that nobody asks for may be tried now, after those that have failed.
    pub fn may_rewrite(&self) -> bool {
        let failures = self.status.rewrite_failures.load(Relaxed);
        match self.limit.lock().attempt(failures, clock::now_ms()) {
            Attempt::Now => true,
            Attempt::NotYet => false,
            Attempt::Later { minutes } => {
                tracing::warn!(
                    "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in {minutes} \
                     minutes"
                );
                false
            }
        }
    }

    /// Rewrites the log because the server wants it.
    pub fn try_rewrite(&self, server: &'static Server) {
        if let Err(error) = self.rewrite(server) {
            tracing::warn!("Can't rewrite append only file in background: {error}");
        }
    }

    /// Begins to keep what happens, in a server that runs without a log (`CONFIG SET appendonly yes`).
    ///
    /// # Errors
    /// A text, if the files cannot be made.
    pub fn turn_on(&self, server: &'static Server) -> Result<(), String> {
        if self.tasks.lock().is_some() {
            return Ok(());
        }
        self.open(server, Opening::Live)
            .inspect_err(|_| self.status.last_rewrite_ok.store(false, Relaxed))?;
        self.schedule_rewrite();
        match server.persist.turns.try_take(Purpose::Rewrite) {
            Ok(turn) => self.send(server, Task::Rewrite(turn)),
            Err(_) => tracing::info!(
                "AOF was enabled but there is already another background operation. An AOF background was scheduled \
                 to start when possible."
            ),
        }
        Ok(())
    }

    /// Ends the log; what has been appended is written and synced first (`CONFIG SET appendonly no`).
    pub fn turn_off(&self, server: &'static Server) {
        let Some(tasks) = self.tasks.lock().take() else {
            return;
        };
        server.log.turn(false);
        ask(server, &tasks, Task::Stop);
        // Who waits for the disk has waited for a log that nobody wants any more.
        server.log.set_durable(server.log.appended());
        self.status.is_rewrite_scheduled.store(false, Relaxed);
    }

    fn open(&self, server: &'static Server, opening: Opening) -> Result<(), String> {
        let mut tasks = self.tasks.lock();
        let found = load::find(server)?;
        let file = aof::Log::open_staged(found.location, found.manifest)
            .map_err(|error| error.to_string())?;
        *tasks = Some(Writer::start(server, file, opening)?);
        Ok(())
    }

    fn send(&self, server: &Server, task: Task) {
        if let Some(tasks) = &*self.tasks.lock() {
            // A writer that has ended wants no more tasks.
            let _ = tasks.send(task);
            server.log.nudge();
        }
    }
}

/// Why the files are opened in a running server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// To keep what happens from now on, and what was before once the first rewrite is done.
    Live,
    /// For one rewrite only.
    Once,
}

/// Loads what is on disk and begins to keep what happens.
///
/// # Errors
/// Why the server must not start: a text for the log.
pub fn start(server: &'static Server) -> Result<(), String> {
    let config = &server.settings.config;
    let is_stamped = config.get(options::AOF_TIMESTAMP_ENABLED);
    server.log.set_stamped(is_stamped);
    if !config.get(options::APPENDONLY) {
        let has_files = config.path(options::DBFILENAME).exists();
        if warm::warm_up(server, has_files) {
            return Ok(());
        }
        return load::snapshot(server);
    }
    let mut found = load::find(server)?;
    let has_files = found.manifest.replayed().next().is_some();
    if warm::warm_up(server, has_files) {
        return keep_what_was_copied(server);
    }
    load::replay(server, &mut found)?;
    let file = aof::Log::open(found.location, found.manifest, || rewrite::first(server))
        .map_err(|error| format!("Can't open or create the append only files: {error}"))?;
    let tasks = Writer::start(server, file, Opening::Live)?;
    *server.persist.tasks.lock() = Some(tasks);
    server.log.turn(true);
    Ok(())
}

/// Begins to keep a data set that was copied from elsewhere, in the place of what is on disk: that counts until the
/// copy is whole there.
fn keep_what_was_copied(server: &'static Server) -> Result<(), String> {
    server.persist.turn_on(server)?;
    let (status, turns) = (&server.persist.status, &server.persist.turns);
    let is_under_way =
        || status.is_rewrite_scheduled.load(Acquire) || turns.holder() == Some(Purpose::Rewrite);
    // One that fails is scheduled anew, but nobody begins it before the server has started.
    while is_under_way() && status.last_rewrite_ok.load(Relaxed) {
        std::thread::sleep(Duration::from_millis(1));
    }
    match status.last_rewrite_ok.load(Relaxed) {
        true => Ok(()),
        false => Err("Can't write the copied data set to the append only file".to_owned()),
    }
}

/// Writes and syncs everything, at the end: from here on nothing changes any more.
///
/// # Errors
/// A text for the log, if something could not be written and `wish` does not say to stop all the same. The server goes on
/// then.
pub fn stop(server: &'static Server, wish: ShutdownFlags) -> Result<(), String> {
    match server.persist.turns.holder() {
        Some(Purpose::Snapshot | Purpose::Save) => {
            tracing::warn!("There is a child saving an .rdb. Killing it!");
        }
        Some(Purpose::Rewrite) => tracing::warn!("There is a child rewriting the AOF. Killing it!"),
        None => {}
    }
    // Whoever was answered before has written; nobody is answered afterwards. A script that does not end holds the locks
    // itself: where nothing is to be saved, or somebody says so meanwhile, the server stops beside it.
    let is_saving = wants_save(server, wish);
    let has_to_wait = || is_saving && !server.shutdown.wish().contains(ShutdownFlags::NOSAVE);
    let gives_up = || server.gates.is_busy() && !has_to_wait();
    if let Some(mut held) = server.keyspace.lock_unless(ShardSet::ALL, gives_up) {
        // Whoever waits for the locks gives up: what follows may need them to be somewhere else.
        server.persist.is_ending.store(true, Relaxed);
        let is_forced = wish.contains(ShutdownFlags::FORCE);
        let is_log_kept = keep_log(server, wish).is_ok();
        let is_kept = match is_saving {
            _ if !is_log_kept && !is_forced => false,
            true => save_last(server, wish, &mut held).is_ok(),
            false => {
                server.persist.snapshots.cancel();
                true
            }
        };
        if !is_kept && !is_forced {
            server.persist.is_ending.store(false, Relaxed);
            return Err(
                "Errors trying to shut down the server. Check the logs for more information."
                    .to_owned(),
            );
        }
        std::mem::forget(held);
    }
    let Some(tasks) = server.persist.tasks.lock().take() else {
        return Ok(());
    };
    ask(server, &tasks, Task::Stop);
    Ok(())
}

/// Writes and syncs what is left of the log, before anything that cannot be undone.
///
/// # Errors
/// If it is not on disk; the log says why.
fn keep_log(server: &Server, wish: ShutdownFlags) -> Result<(), Failed> {
    let Some(tasks) = server.persist.tasks.lock().clone() else {
        return Ok(());
    };
    let is_rewriting = server.persist.turns.holder() == Some(Purpose::Rewrite);
    let is_wanted = server.settings.config.get(options::APPENDONLY);
    if is_wanted && is_rewriting && server.persist.status.is_staged.load(Relaxed) {
        let end = outcome(wish, ShutdownFlags::FORCE);
        tracing::warn!("Writing initial AOF, {end}");
        return Err(Failed);
    }
    tracing::info!("Calling fsync() on the AOF file.");
    if ask(server, &tasks, Task::Flush) {
        return Ok(());
    }
    // Redis goes in any case, without what it has acknowledged and not written.
    let end = outcome(wish, ShutdownFlags::FORCE | ShutdownFlags::NOSAVE);
    tracing::warn!("The append only file could not be written to its end, {end}");
    match wish.contains(ShutdownFlags::NOSAVE) {
        true => Ok(()),
        false => Err(Failed),
    }
}

/// What follows from something that could not be saved, in the words of Redis.
fn outcome(wish: ShutdownFlags, goes_with: ShutdownFlags) -> &'static str {
    match wish.intersects(goes_with) {
        true => "Exit anyway.",
        false => "can't exit.",
    }
}

/// Whether the last thing to do is a snapshot.
fn wants_save(server: &Server, wish: ShutdownFlags) -> bool {
    let has_points = !server.settings.config.get(options::SAVE).is_empty();
    wish.contains(ShutdownFlags::SAVE) || has_points && !wish.contains(ShutdownFlags::NOSAVE)
}

/// Writes the last snapshot.
fn save_last(server: &Server, wish: ShutdownFlags, held: &mut Held<'_>) -> Result<(), Failed> {
    tracing::info!("Saving the final RDB snapshot before exiting.");
    let saved = server.persist.snapshots.save_held(server, held);
    if saved.is_err() {
        let end = outcome(wish, ShutdownFlags::FORCE);
        tracing::warn!("Error trying to save the DB, {end}");
    }
    saved
}

/// Lets the writer write what is left, and waits for it; whether it is on disk.
fn ask(server: &Server, tasks: &SyncSender<Task>, task: fn(SyncSender<bool>) -> Task) -> bool {
    let (done, is_done): (SyncSender<bool>, Receiver<bool>) = sync_channel(1);
    if tasks.send(task(done)).is_err() {
        return false;
    }
    server.log.nudge();
    // A disk that does not answer must not keep the server from leaving.
    is_done.recv_timeout(STOP_PATIENCE).unwrap_or(false)
}
