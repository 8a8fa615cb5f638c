//! The thread that writes the log.

use std::io;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use storage::aof::{AUTOSYNC_BYTES, Committed, FinishedBase, Log as File, RewriteFiles};
use storage::keyspace::{Keyspace, ShardSet};

use super::Opening;
use super::health::Health;
use super::log::Taken;
use super::rewrite::{self, Base};
use super::syncing::Syncing;
use super::turn::Turn;
use crate::config::{AppendFsync, options, os_reason};
use crate::server::Server;

/// What the writer is asked to do besides writing.
#[derive(Debug)]
pub(super) enum Task {
    /// Begin a rewrite.
    Rewrite(Turn),
    /// The base of the running rewrite is complete, or could not be written.
    BaseDone(Result<FinishedBase, String>, Turn),
    /// Write and sync what is left, and answer whether it is on disk.
    Flush(SyncSender<bool>),
    /// The same, and end.
    Stop(SyncSender<bool>),
}

/// How long records gather before they are written, unless a client waits for the disk. Short
/// beside the second that `everysec` may lose, long beside a command.
const GATHER: Duration = Duration::from_millis(5);

/// Memory kept for the next records.
const KEPT_BYTES: usize = 256 * 1024;

/// How long a failed write waits before it is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// How often `everysec` syncs, and how often a file that could not be synced is looked at again.
const BETWEEN_SYNCS: Duration = Duration::from_secs(1);

/// How often a log that is gone from its place is tried to be made anew: until then, nothing is kept.
const BETWEEN_REBUILDS_MS: i64 = 5_000;

/// Whether all that was written and synced is known to be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// It is.
    None,
    /// The last sync failed. The system says so once, and may have thrown away what it could not write: when the next
    /// one succeeds that is no proof.
    Failing,
    /// Syncing works again, or the file is not where a start would look for it: a rewrite is to bring everything to disk.
    Lost,
    /// A rewrite that has begun since will.
    Rewriting,
}

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
    /// One beside the writing.
    syncing: Option<Syncing>,
    doubt: Doubt,
    health: Health,
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
            syncing: None,
            doubt: Doubt::None,
            health: Health::default(),
            is_once: opening == Opening::Once,
        };
        writer.note_sizes();
        writer.note_written(Taken {
            end: written_to,
            at_ms: crate::clock::now_ms(),
        });
        let status = &server.persist.status;
        status
            .base_bytes
            .store(writer.file.rewrite_base_bytes(), Relaxed);
        if opening == Opening::Live && !status.last_write_ok.swap(true, Relaxed) {
            tracing::warn!("AOF reopen, just ignore the last error.");
        }
        std::thread::Builder::new()
            .name("aof".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| format!("Can't start the log's thread: {error}"))?;
        Ok(sender)
    }

    fn run(&mut self) {
        loop {
            let is_over = match self.tasks.try_recv() {
                Ok(Task::Rewrite(turn)) => self.begin_rewrite(turn),
                Ok(Task::BaseDone(base, turn)) => {
                    let is_over = self.end_rewrite(base);
                    drop(turn);
                    is_over
                }
                // Whoever asked may have given up waiting.
                Ok(Task::Flush(done)) => {
                    let _ = done.send(self.flush());
                    false
                }
                Ok(Task::Stop(done)) => {
                    let is_on_disk = self.flush();
                    // Nobody is refused a write because of a log that is not kept any more.
                    self.server.gates.set_log_error(None);
                    self.server.log.set_failing(false);
                    let _ = done.send(is_on_disk);
                    true
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {
                    self.write_some();
                    false
                }
            };
            if is_over {
                return;
            }
        }
    }

    fn policy(&self) -> AppendFsync {
        self.server.settings.config.get(options::APPENDFSYNC)
    }

    /// Waits for records, writes them, and syncs if it is time.
    fn write_some(&mut self) {
        let policy = self.policy();
        let taken = self
            .server
            .log
            .take(&mut self.unwritten, Duration::from_millis(100));
        let has_more = !self.unwritten.is_empty();
        self.write_to(taken);
        self.sync_if_due(policy);
        if policy != AppendFsync::Always && has_more {
            std::thread::sleep(GATHER);
        }
    }

    /// Writes what is not written yet, of which this was taken last; whether all of it is.
    fn write_to(&mut self, taken: Taken) -> bool {
        // One who reads the files must not see them change.
        let _files = self.server.persist.files.lock();
        let is_written = self.write();
        if is_written {
            self.note_written(taken);
        }
        is_written
    }

    fn note_written(&mut self, taken: Taken) {
        self.written_to = taken.end;
        self.server.log.set_written(taken);
    }

    /// Writes what has gathered, without waiting for more.
    fn write_pending(&mut self) {
        let taken = self.server.log.take(&mut self.unwritten, Duration::ZERO);
        self.write_to(taken);
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
                self.health.note_write(self.server, Ok(()));
                true
            }
            Err(error) => {
                self.health.note_write(self.server, Err(&error));
                std::thread::sleep(RETRY);
                false
            }
        }
    }

    /// Syncs if it is time: beside the writing, unless clients wait for just this.
    fn sync_if_due(&mut self, policy: AppendFsync) {
        if let Some(result) = self.syncing.as_ref().and_then(Syncing::poll) {
            self.end_syncing(result);
        }
        let is_late = self.last_sync.elapsed() >= BETWEEN_SYNCS;
        let is_unsynced = self.synced_to < self.written_to;
        let is_due = match policy {
            AppendFsync::Always => is_unsynced || is_late && self.doubt != Doubt::None,
            AppendFsync::Everysec => is_late && (is_unsynced || self.doubt != Doubt::None),
            AppendFsync::No => is_late && self.doubt != Doubt::None,
        };
        match policy {
            _ if !is_due => {}
            AppendFsync::Always => self.sync(),
            AppendFsync::Everysec | AppendFsync::No if self.syncing.is_some() => {}
            AppendFsync::Everysec | AppendFsync::No => self.begin_sync(),
        }
    }

    fn begin_sync(&mut self) {
        match Syncing::begin(self.server, &self.file, self.written_to) {
            Ok(syncing) => {
                self.last_sync = syncing.began;
                self.syncing = Some(syncing);
            }
            Err(_) => self.sync(),
        }
    }

    fn end_syncing(&mut self, result: io::Result<()>) {
        if let Some(Syncing { end, began, .. }) = self.syncing.take() {
            self.note_sync(result, end, began);
        }
    }

    /// Syncs all that is written, and waits for it.
    fn sync(&mut self) {
        // First the one under way: it may be told of an error that another is not.
        if let Some(result) = self.syncing.as_ref().map(Syncing::wait) {
            self.end_syncing(result);
        }
        let began = Instant::now();
        let result = self.file.fsync();
        let has_failed = result.is_err();
        self.note_sync(result, self.written_to, began);
        if has_failed {
            std::thread::sleep(RETRY);
        }
        self.last_sync = Instant::now();
    }

    fn note_sync(&mut self, result: io::Result<()>, end: u64, began: Instant) {
        let took = began.elapsed();
        if self.policy() == AppendFsync::Always {
            self.server.note_log_sync(took);
        }
        if took > BETWEEN_SYNCS {
            let status = &self.server.persist.status;
            status.delayed_fsyncs.fetch_add(1, Relaxed);
        }
        match result {
            Ok(()) => {
                self.synced_to = self.synced_to.max(end);
                self.note_synced();
            }
            Err(error) => {
                self.doubt = Doubt::Failing;
                self.health.note_sync(self.server, Some(os_reason(&error)));
            }
        }
    }

    fn note_synced(&mut self) {
        let is_in_place = self.file.is_in_place();
        match self.doubt {
            Doubt::None if is_in_place => self.server.log.set_durable(self.synced_to),
            Doubt::None => {
                tracing::warn!("The append only file is gone from its place. Rewriting it.");
                self.want_rewrite();
            }
            // The disk has recovered: what failed before says nothing about the next attempt.
            Doubt::Failing => {
                self.forget_failures();
                self.want_rewrite();
            }
            Doubt::Lost if !is_in_place && self.since_rewrite_ms() > BETWEEN_REBUILDS_MS => {
                self.forget_failures();
            }
            Doubt::Lost | Doubt::Rewriting => {}
        }
        // With `always` a write that is let in would wait for the rewrite, so it is better refused.
        let may_write = self.doubt == Doubt::None || self.policy() != AppendFsync::Always;
        if is_in_place && may_write {
            self.health.note_sync(self.server, None);
        }
    }

    /// Lets the next rewrite be tried without a wait.
    fn forget_failures(&self) {
        let status = &self.server.persist.status;
        status.rewrite_failures.store(0, Relaxed);
    }

    /// How long ago the last rewrite began.
    fn since_rewrite_ms(&self) -> i64 {
        let status = &self.server.persist.status;
        crate::clock::now_ms() - status.rewrite_started_ms.load(Relaxed)
    }

    /// Lets everything be written anew, for what is on disk may not be all.
    fn want_rewrite(&mut self) {
        self.doubt = Doubt::Lost;
        self.server.persist.schedule_rewrite();
    }

    fn note_sizes(&self) {
        let status = &self.server.persist.status;
        let current_bytes = self.file.current_bytes();
        status.current_bytes.store(current_bytes, Relaxed);
        status.is_staged.store(self.file.is_staged(), Relaxed);
    }

    /// Writes and syncs everything that was appended; whether all of it is on disk.
    fn flush(&mut self) -> bool {
        let taken = self.server.log.cut(&mut self.unwritten);
        if !self.write_to(taken) {
            return false;
        }
        self.sync();
        self.doubt == Doubt::None
    }

    /// Cuts the log and begins a snapshot in the same instant, with every lock held; the files are
    /// changed afterwards, while records gather in memory. Whether that was all the files were opened for.
    fn begin_rewrite(&mut self, turn: Turn) -> bool {
        let server = self.server;
        let status = &server.persist.status;
        if self.file.is_rewriting() {
            status.is_rewrite_scheduled.store(false, Relaxed);
            return false;
        }
        // Who ends the server holds the locks for good, and waits for what is left to be written. If the server goes on
        // all the same, the rewrite is still asked for.
        let held = server.keyspace.lock_unless(ShardSet::ALL, || {
            // Or to be read again.
            self.write_pending();
            server.persist.is_ending.load(Relaxed)
        });
        let Some(mut held) = held else { return false };
        status.is_rewrite_scheduled.store(false, Release);
        status.rewrites.fetch_add(1, Relaxed);
        status
            .rewrite_started_ms
            .store(crate::clock::now_ms(), Relaxed);
        let base = Base::now(server, &mut held);
        Keyspace::begin_snapshot(&mut held, base.encode(server));
        let taken = server.log.cut(&mut self.unwritten);
        if self.file.is_staged() && !self.is_once {
            // From here on the staged file follows the snapshot.
            server.log.turn(true);
        }
        drop(held);
        // Without files what has begun of the snapshot is walked to its end, which is then the rewrite's too.
        let files = self.switch_files(taken).map(|files| (files, base));
        let has_begun = files.is_ok();
        match rewrite::start(server, files, self.sender.clone(), turn) {
            Ok(()) if has_begun => {
                tracing::info!("Background append only file rewriting started");
                false
            }
            Ok(()) => {
                // As in Redis, one that has no file to go on in does not count.
                status.rewrites.fetch_sub(1, Relaxed);
                false
            }
            Err(error) => self.end_rewrite(Err(error.to_string())),
        }
    }

    /// Writes what belongs to the present file, up to the cut, and goes on in a new one.
    fn switch_files(&mut self, cut: Taken) -> Result<RewriteFiles, String> {
        if !self.write_to(cut) {
            return Err("the present file cannot be written to its end".to_owned());
        }
        if self.synced_to < self.written_to || self.syncing.is_some() {
            self.sync();
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
        match self.doubt {
            Doubt::None => self.server.log.set_durable(self.synced_to),
            _ => self.doubt = Doubt::Rewriting,
        }
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
        status
            .last_rewrite_seconds
            .store(self.since_rewrite_ms() / 1000, Relaxed);
        status
            .last_rewrite_saved_bytes
            .store(status.most_saved_bytes.load(Relaxed), Relaxed);
        status.last_rewrite_ok.store(committed.is_ok(), Relaxed);
        match committed {
            Ok((done, bytes)) => self.note_rewritten(done, bytes),
            Err(error) => self.note_not_rewritten(&error),
        }
        self.note_sizes();
        if self.is_once {
            drop(self.server.persist.tasks.lock().take());
        }
        self.is_once
    }

    fn note_rewritten(&mut self, done: Committed, bytes: u64) {
        let status = &self.server.persist.status;
        status.rewrite_failures.store(0, Relaxed);
        status
            .base_bytes
            .store(self.file.rewrite_base_bytes(), Relaxed);
        tracing::info!(
            "Background AOF rewrite finished successfully ({bytes} bytes in {})",
            done.base.display()
        );
        if let Some(error) = &done.cleanup_error {
            tracing::warn!("Files of the log before the rewrite could not be removed: {error}");
        }
        // Closing the last handle of a big file takes long.
        std::thread::spawn(move || drop(done.freed));
        if self.doubt == Doubt::Rewriting {
            self.doubt = Doubt::None;
            self.sync();
        }
    }

    fn note_not_rewritten(&mut self, error: &str) {
        self.file.abort_rewrite();
        tracing::warn!("Background AOF rewrite terminated with error: {error}");
        let status = &self.server.persist.status;
        status.rewrite_failures.fetch_add(1, Relaxed);
        if self.doubt == Doubt::Rewriting {
            self.doubt = Doubt::Lost;
        }
        if self.doubt == Doubt::Lost && !self.file.is_in_place() {
            self.health.note_sync(self.server, Some(error.to_owned()));
        }
        let is_first = self.file.is_staged() && !self.is_once;
        if is_first && self.doubt == Doubt::None {
            // As in Redis nothing is kept until the next attempt: it would be of no use without a base.
            self.server.log.turn(false);
            self.server.log.set_durable(self.server.log.appended());
        }
        if is_first || self.doubt == Doubt::Lost {
            self.server.persist.schedule_rewrite();
        }
    }
}
