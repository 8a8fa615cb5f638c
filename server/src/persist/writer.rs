//! The thread that writes the log.

use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use storage::aof::{AUTOSYNC_BYTES, FinishedBase, Log as File, RewriteFiles};
use storage::keyspace::{Keyspace, ShardSet};

use super::Opening;
use super::rewrite::{self, Base};
use super::turn::Turn;
use crate::config::{AppendFsync, options};
use crate::server::Server;

/// What the writer is asked to do besides writing.
#[derive(Debug)]
pub(super) enum Task {
    /// Begin a rewrite.
    Rewrite(Turn),
    /// The base of the running rewrite is complete, or could not be written.
    BaseDone(Result<FinishedBase, String>, Turn),
    /// Write and sync what is left, answer, and end.
    Stop(SyncSender<()>),
}

/// How long records gather before they are written, unless a client waits for the disk. Short
/// beside the second that `everysec` may lose, long beside a command.
const GATHER: Duration = Duration::from_millis(5);

/// Memory kept for the next records.
const KEPT_BYTES: usize = 256 * 1024;

/// How long a failed write waits before it is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// The writer's own state.
pub(super) struct Writer {
    server: &'static Server,
    file: File,
    tasks: Receiver<Task>,
    sender: SyncSender<Task>,
    /// Records that could not be written yet.
    unwritten: Vec<u8>,
    written_to: u64,
    synced_to: u64,
    last_sync: Instant,
    is_once: bool,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        server: &'static Server,
        file: File,
        opening: Opening,
    ) -> Result<SyncSender<Task>, String> {
        let (sender, tasks) = sync_channel(16);
        let written_to = server.log.appended();
        let mut writer = Writer {
            server,
            file,
            tasks,
            sender: sender.clone(),
            unwritten: Vec::new(),
            written_to,
            synced_to: written_to,
            last_sync: Instant::now(),
            is_once: opening == Opening::Once,
        };
        writer.note_sizes();
        writer.note_written(written_to);
        writer
            .server
            .persist
            .status
            .base_bytes
            .store(writer.file.rewrite_base_bytes(), Relaxed);
        std::thread::Builder::new()
            .name("aof".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| format!("Can't start the log's thread: {error}"))?;
        Ok(sender)
    }

    fn run(&mut self) {
        loop {
            match self.tasks.try_recv() {
                Ok(Task::Rewrite(turn)) => self.begin_rewrite(turn),
                Ok(Task::BaseDone(base, turn)) => {
                    let is_over = self.end_rewrite(base);
                    drop(turn);
                    if is_over {
                        return;
                    }
                }
                Ok(Task::Stop(done)) => {
                    self.finish();
                    // Whoever asked may have given up waiting.
                    let _ = done.send(());
                    return;
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => self.write_some(),
            }
        }
    }

    fn policy(&self) -> AppendFsync {
        self.server.settings.config.get(options::APPENDFSYNC)
    }

    /// Waits for records, writes them, and syncs if it is time.
    fn write_some(&mut self) {
        let policy = self.policy();
        let end = self
            .server
            .log
            .take(&mut self.unwritten, Duration::from_millis(100));
        let has_more = !self.unwritten.is_empty();
        self.write_to(end);
        let is_due = match policy {
            AppendFsync::Always => true,
            AppendFsync::Everysec => self.last_sync.elapsed() >= Duration::from_secs(1),
            AppendFsync::No => false,
        };
        if is_due && self.synced_to < self.written_to {
            self.sync();
        }
        if policy != AppendFsync::Always && has_more {
            std::thread::sleep(GATHER);
        }
    }

    /// Writes what is not written yet, all of which lies before that offset; whether all of it is.
    fn write_to(&mut self, end: u64) -> bool {
        // One who reads the files must not see them change.
        let _files = self.server.persist.files.lock();
        let is_written = self.write();
        if is_written {
            self.note_written(end);
        }
        is_written
    }

    fn note_written(&mut self, offset: u64) {
        self.written_to = offset;
        self.server.log.set_written(offset);
    }

    /// Writes what has gathered, without waiting for more.
    fn write_pending(&mut self) {
        let end = self.server.log.take(&mut self.unwritten, Duration::ZERO);
        self.write_to(end);
    }

    /// Writes what is not written yet; whether all of it is.
    ///
    /// A write that fails is tried again until it succeeds: nothing is dropped, and writes are refused
    /// meanwhile.
    fn write(&mut self) -> bool {
        if self.unwritten.is_empty() {
            return true;
        }
        let slow = Duration::from_micros(self.server.persist.write_delay_us.load(Relaxed));
        if !slow.is_zero() {
            std::thread::sleep(slow);
        }
        let began = Instant::now();
        match self.file.append(&self.unwritten) {
            Ok(()) => {
                self.server.note_log_write(began.elapsed());
                self.unwritten.clear();
                self.unwritten.shrink_to(KEPT_BYTES);
                self.server.log.note_taken(self.unwritten.capacity());
                self.note_sizes();
                self.note_health(None);
                true
            }
            Err(error) => {
                tracing::warn!("Error writing to the AOF file: {error}");
                self.note_health(Some(error.error.to_string()));
                std::thread::sleep(RETRY);
                false
            }
        }
    }

    fn sync(&mut self) {
        let began = Instant::now();
        match self.file.fsync() {
            Ok(()) => {
                self.synced_to = self.written_to;
                self.server.log.set_durable(self.synced_to);
                self.note_health(None);
            }
            Err(error) => {
                tracing::warn!("Fail to fsync the AOF file: {error}");
                self.note_health(Some(error.to_string()));
                std::thread::sleep(RETRY);
            }
        }
        if self.policy() == AppendFsync::Always {
            self.server.note_log_sync(began.elapsed());
        }
        if began.elapsed() > Duration::from_secs(1) {
            self.server
                .persist
                .status
                .delayed_fsyncs
                .fetch_add(1, Relaxed);
        }
        self.last_sync = Instant::now();
    }

    fn note_health(&self, error: Option<String>) {
        let status = &self.server.persist.status;
        let was_ok = status.last_write_ok.swap(error.is_none(), Relaxed);
        if error.is_some() || !was_ok {
            if error.is_none() {
                tracing::warn!("AOF write error looks solved, Keytag can write again.");
            }
            self.server.gates.set_log_error(error);
        }
    }

    fn note_sizes(&self) {
        let status = &self.server.persist.status;
        let current_bytes = self.file.current_bytes();
        status.current_bytes.store(current_bytes, Relaxed);
        status.is_staged.store(self.file.is_staged(), Relaxed);
    }

    /// Writes and syncs everything that was appended.
    fn finish(&mut self) {
        let end = self.server.log.cut(&mut self.unwritten);
        if self.write_to(end) {
            self.sync();
        }
    }

    /// Cuts the log and begins a snapshot in the same instant, with every lock held; the files are
    /// changed afterwards, while records gather in memory.
    fn begin_rewrite(&mut self, turn: Turn) {
        let server = self.server;
        let status = &server.persist.status;
        if self.file.is_rewriting() {
            status.is_rewrite_scheduled.store(false, Relaxed);
            return;
        }
        // Who ends the server holds the locks for good, and waits for what is left to be written.
        let held = server.keyspace.lock_unless(ShardSet::ALL, || {
            // Or to be read again.
            self.write_pending();
            server.persist.is_ending.load(Relaxed)
        });
        status.is_rewrite_scheduled.store(false, Release);
        let Some(mut held) = held else { return };
        status.rewrites.fetch_add(1, Relaxed);
        status
            .rewrite_started_ms
            .store(crate::clock::now_ms(), Relaxed);
        let base = Base::now(server, &mut held);
        Keyspace::begin_snapshot(&mut held, base.encode(server));
        let end = server.log.cut(&mut self.unwritten);
        if self.file.is_staged() && !self.is_once {
            // From here on the staged file follows the snapshot.
            server.log.turn(true);
        }
        drop(held);
        let files = self.switch_files(end);
        if let Err(error) = &files {
            tracing::warn!("Can't rewrite append only file in background: {error}");
        }
        match rewrite::start(
            server,
            files.ok().map(|files| (files, base)),
            self.sender.clone(),
            turn,
        ) {
            Ok(()) => tracing::info!("Background append only file rewriting started"),
            Err(error) => {
                tracing::warn!("Can't rewrite append only file in background: {error}");
                self.file.abort_rewrite();
                status.last_rewrite_ok.store(false, Relaxed);
            }
        }
    }

    /// Writes what belongs to the present file, up to the cut, and goes on in a new one.
    fn switch_files(&mut self, cut_at: u64) -> Result<RewriteFiles, String> {
        if !self.write_to(cut_at) {
            return Err("the present file cannot be written to its end".to_owned());
        }
        let _files = self.server.persist.files.lock();
        let config = &self.server.settings.config;
        let sync_every = config
            .get(options::AOF_REWRITE_INCREMENTAL_FSYNC)
            .then_some(AUTOSYNC_BYTES);
        let files = self
            .file
            .begin_rewrite(sync_every)
            .map_err(|error| error.to_string())?;
        // The present file was synced before the new one was named.
        self.synced_to = self.written_to;
        self.server.log.set_durable(self.synced_to);
        Ok(files)
    }

    /// Puts a finished base in place; whether this was all that the files were opened for.
    fn end_rewrite(&mut self, base: Result<FinishedBase, String>) -> bool {
        let files = self.server.persist.files.lock();
        let committed = base.and_then(|base| {
            let bytes = base.bytes();
            self.file
                .commit_rewrite(base)
                .map(|done| (done, bytes))
                .map_err(|error| error.to_string())
        });
        drop(files);
        let status = &self.server.persist.status;
        let took_ms = crate::clock::now_ms() - status.rewrite_started_ms.load(Relaxed);
        status.last_rewrite_seconds.store(took_ms / 1000, Relaxed);
        status.last_rewrite_ok.store(committed.is_ok(), Relaxed);
        match committed {
            Ok((done, bytes)) => {
                status
                    .base_bytes
                    .store(self.file.rewrite_base_bytes(), Relaxed);
                tracing::info!(
                    "Background AOF rewrite finished successfully ({bytes} bytes in {})",
                    done.base.display()
                );
                if let Some(error) = &done.cleanup_error {
                    tracing::warn!(
                        "Files of the log before the rewrite could not be removed: {error}"
                    );
                }
                // Closing the last handle of a big file takes long.
                std::thread::spawn(move || drop(done.freed));
            }
            Err(error) => {
                self.file.abort_rewrite();
                tracing::warn!("Background AOF rewrite failed: {error}");
            }
        }
        self.note_sizes();
        if self.is_once {
            drop(self.server.persist.tasks.lock().take());
        }
        self.is_once
    }
}
