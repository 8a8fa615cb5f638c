//! The log of effects: what happened, in the order it happened, on its way to disk, and back.
//!
//! Commands append to [`log::Log`], a buffer. One thread, the [`writer`], takes what has gathered,
//! writes it, syncs it as `appendfsync` says, and is the only one that touches the files. A
//! [`rewrite`] runs on a thread of its own beside it, over a snapshot. [`load`] replays the files
//! at start.

mod encode;
mod intake;
mod load;
pub mod loading;
pub mod log;
mod rewrite;
mod status;
mod writer;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use storage::aof;

pub use status::Status;
use writer::{Task, Writer};

use crate::config::options;
use crate::server::Server;

/// Persistence, as the rest of the server sees it.
#[derive(Debug, Default)]
pub struct Persist {
    /// For INFO.
    pub status: Status,
    /// For INFO too, while files are loaded.
    pub loading: loading::Loading,
    tasks: Mutex<Option<SyncSender<Task>>>,
}

/// How long the last write may take.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// Why a rewrite was not begun, or that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteAnswer {
    /// It begins.
    Started,
    /// One is running.
    Running,
}

impl Persist {
    /// Asks for a rewrite of the log (`BGREWRITEAOF`). Without a log (`appendonly no`) the files are made
    /// for this once, as Redis does.
    ///
    /// # Errors
    /// A text, if there is no directory to write to.
    pub fn rewrite(&self, server: &'static Server) -> Result<RewriteAnswer, String> {
        use std::sync::atomic::Ordering::Relaxed;
        if self.status.is_rewriting.load(Relaxed)
            || self.status.is_rewrite_scheduled.swap(true, Relaxed)
        {
            return Ok(RewriteAnswer::Running);
        }
        if self.tasks.lock().is_none() {
            self.open(server, Opening::Once)?;
        }
        self.send(server, Task::Rewrite);
        Ok(RewriteAnswer::Started)
    }

    /// Begins to keep what happens, in a server that runs without a log (`CONFIG SET appendonly yes`).
    ///
    /// # Errors
    /// A text, if the files cannot be made.
    pub fn turn_on(&self, server: &'static Server) -> Result<(), String> {
        use std::sync::atomic::Ordering::Relaxed;
        if self.tasks.lock().is_some() {
            return Ok(());
        }
        self.open(server, Opening::Live)?;
        self.status.is_rewrite_scheduled.store(true, Relaxed);
        self.send(server, Task::Rewrite);
        Ok(())
    }

    /// Ends the log; what has been appended is written and synced first (`CONFIG SET appendonly no`).
    pub fn turn_off(&self, server: &'static Server) {
        let Some(tasks) = self.tasks.lock().take() else {
            return;
        };
        server.log.turn(false);
        finish(server, &tasks);
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
    if !config.get(options::APPENDONLY) {
        return load::snapshot(server);
    }
    let mut found = load::find(server)?;
    load::replay(server, &mut found)?;
    let file = aof::Log::open(found.location, found.manifest)
        .map_err(|error| format!("Can't open or create the append only files: {error}"))?;
    let tasks = Writer::start(server, file, Opening::Live)?;
    *server.persist.tasks.lock() = Some(tasks);
    server.log.turn(true);
    Ok(())
}

/// Writes and syncs everything, at the end.
///
/// # Errors
/// Why that failed: a text for the log.
pub fn stop(server: &'static Server) -> Result<(), String> {
    let Some(tasks) = server.persist.tasks.lock().take() else {
        return Ok(());
    };
    tracing::info!("Calling fsync() on the AOF file.");
    finish(server, &tasks);
    if server.gates.is_log_broken() {
        return Err("The append only file could not be written to its end".to_owned());
    }
    Ok(())
}

/// Lets the writer write what is left, and waits for it.
fn finish(server: &Server, tasks: &SyncSender<Task>) {
    let (done, is_done): (SyncSender<()>, Receiver<()>) = sync_channel(1);
    if tasks.send(Task::Stop(done)).is_ok() {
        server.log.nudge();
        // An error means that the writer has ended, which is all there is to wait for. A disk that
        // does not answer must not keep the server from leaving.
        let _ = is_done.recv_timeout(STOP_PATIENCE);
    }
}
