//! Snapshots on disk: `SAVE`, `BGSAVE`, `save` points, and the last one before the end.
//!
//! One is written on a thread of its own, beside whatever goes on: [`walk`](super::walk) hands over the keyspace
//! as it was when it began. Only the last one is written while every lock is held, for what is answered after
//! it would be lost.

pub(super) mod file;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize};
use std::sync::mpsc::sync_channel;

use parking_lot::Mutex;
use storage::keyspace::{Held, Keyspace, ShardSet, Totals};
use storage::rdb::encode::FileEntries;
use storage::rdb::format::{VERSION, VERSION_FIELD_EXPIRY};
use tokio::sync::watch;

use super::turn::{Purpose, Turn};
use crate::clock;
use crate::config::options;
use crate::server::Server;

/// How long a snapshot that has failed waits before it is tried again (`CONFIG_BGSAVE_RETRY_DELAY`).
const RETRY_SECONDS: i64 = 5;

/// Snapshots, as the rest of the server sees them.
#[derive(Debug)]
pub struct Snapshots {
    /// One is to begin as soon as nothing else walks the keyspace.
    pub is_scheduled: AtomicBool,
    /// The last one that nobody waited for succeeded.
    pub last_ok: AtomicBool,
    /// When the last one succeeded, in seconds since 1970.
    pub last_save_seconds: AtomicI64,
    /// How long the last one took that nobody waited for, in seconds; -1 if there was none.
    pub last_took_seconds: AtomicI64,
    /// When the one that is running began, milliseconds since 1970.
    pub started_ms: AtomicI64,
    /// How many have begun.
    pub begun: AtomicU64,
    /// Bytes that writers have saved for the last one, at most.
    pub last_saved_bytes: AtomicUsize,
    last_try_seconds: AtomicI64,
    /// Changes of all time when the last one began that has succeeded.
    dirty_then: AtomicU64,
    /// The one that is running is not wanted any more.
    is_cancelled: AtomicBool,
    /// Held by who puts a file in place.
    placing: Mutex<()>,
    asked: Mutex<Asked>,
    answered: watch::Sender<Answer>,
}

/// What clients who wait have asked for: those that come before one begins share it.
#[derive(Debug, Default)]
struct Asked {
    count: u64,
    has_worker: bool,
}

/// How far they have been served.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    count: u64,
    is_ok: bool,
}

/// What was there at the beginning.
#[derive(Debug)]
pub(super) struct Begun {
    version: u16,
    pub(super) totals: Vec<Totals>,
    libraries: Vec<Arc<[u8]>>,
    dirty: u64,
}

/// Why a snapshot does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One is being written.
    Running,
    /// The log is being rewritten.
    Rewriting,
    /// The system gives no more threads.
    Failed,
}

impl Default for Snapshots {
    fn default() -> Self {
        Snapshots {
            is_scheduled: AtomicBool::new(false),
            last_ok: AtomicBool::new(true),
            // Without a snapshot, as in Redis, the time the server was started.
            last_save_seconds: AtomicI64::new(clock::now_ms() / 1000),
            last_took_seconds: AtomicI64::new(-1),
            started_ms: AtomicI64::new(0),
            begun: AtomicU64::new(0),
            last_saved_bytes: AtomicUsize::new(0),
            last_try_seconds: AtomicI64::new(0),
            dirty_then: AtomicU64::new(0),
            is_cancelled: AtomicBool::new(false),
            placing: Mutex::default(),
            asked: Mutex::default(),
            answered: watch::Sender::new(Answer::default()),
        }
    }
}

/// What it tells.
impl Snapshots {
    /// Changes of the keyspace that no snapshot has.
    pub fn changes(&self, server: &Server) -> u64 {
        let dirty = server.stats.dirty.get();
        dirty.saturating_sub(self.dirty_then.load(Relaxed))
    }

    /// Whether writes are to be refused because snapshots are wanted and fail (`stop-writes-on-bgsave-error`).
    pub fn stops_writes(&self, server: &Server) -> bool {
        let config = &server.settings.config;
        !self.last_ok.load(Relaxed)
            && config.get(options::STOP_WRITES_ON_BGSAVE_ERROR)
            && !config.get(options::SAVE).is_empty()
    }

    /// Ends when the snapshot of that number is written, or could not be.
    pub async fn saved(&self, number: u64) {
        let mut answered = self.answered.subscribe();
        // The sender lives as long as the server.
        let _ = answered.wait_for(|answer| answer.count >= number).await;
    }

    /// Whether the last snapshot that a client waited for was written.
    pub fn is_saved(&self) -> bool {
        self.answered.borrow().is_ok
    }

    /// Starts counting anew (`CONFIG RESETSTAT`).
    pub fn reset(&self) {
        self.begun.store(0, Relaxed);
    }
}

/// How they begin.
impl Snapshots {
    /// Begins one that a client waits for: see [`Snapshots::saved`].
    ///
    /// # Errors
    /// [`Refusal::Running`] if one is written that nobody waits for.
    pub fn save(&self, server: &'static Server) -> Result<u64, Refusal> {
        if server.persist.turns.holder() == Some(Purpose::Snapshot) {
            return Err(Refusal::Running);
        }
        let mut asked = self.asked.lock();
        if !asked.has_worker {
            let thread = std::thread::Builder::new().name("save".to_owned());
            let spawned = thread.spawn(move || server.persist.snapshots.serve(server));
            spawned.map_err(|_| Refusal::Failed)?;
            asked.has_worker = true;
        }
        asked.count += 1;
        Ok(asked.count)
    }

    /// Writes snapshots until nobody waits for one.
    fn serve(&self, server: &'static Server) {
        loop {
            let turn = server.persist.turns.take(Purpose::Save);
            let mut held = server.keyspace.lock(ShardSet::ALL);
            let begun = self.begin(server, &mut held);
            drop(held);
            let count = self.asked.lock().count;
            let is_ok = self.write(server, &begun);
            drop(turn);
            self.answered.send_replace(Answer { count, is_ok });
            let mut asked = self.asked.lock();
            if asked.count == count {
                asked.has_worker = false;
                return;
            }
        }
    }

    /// Begins one that nobody waits for. Every lock is held.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn begin_background(
        &self,
        server: &'static Server,
        held: &mut Held<'_>,
    ) -> Result<(), Refusal> {
        let turn = match server.persist.turns.try_take(Purpose::Snapshot) {
            Ok(turn) => turn,
            Err(Purpose::Rewrite) => return Err(Refusal::Rewriting),
            Err(Purpose::Snapshot | Purpose::Save) => return Err(Refusal::Running),
        };
        let (hand, handed) = sync_channel::<(Begun, Turn)>(1);
        let thread = std::thread::Builder::new().name("snapshot".to_owned());
        let spawned = thread.spawn(move || {
            if let Ok((begun, turn)) = handed.recv() {
                server
                    .persist
                    .snapshots
                    .finish_background(server, &begun, turn);
            }
        });
        if let Err(error) = spawned {
            tracing::warn!("Can't save in background: {error}");
            self.note_background(server, false);
            return Err(Refusal::Failed);
        }
        self.last_try_seconds.store(clock::now_ms() / 1000, Relaxed);
        self.is_scheduled.store(false, Relaxed);
        let begun = self.begin(server, held);
        tracing::info!("Background saving started by pid {}", std::process::id());
        hand.send((begun, turn)).expect("the thread waits for it");
        Ok(())
    }

    fn begin(&self, server: &Server, held: &mut Held<'_>) -> Begun {
        self.is_cancelled.store(false, Relaxed);
        self.begun.fetch_add(1, Relaxed);
        self.started_ms.store(clock::now_ms(), Relaxed);
        let begun = Begun::now(server, held);
        server.persist.status.begin_walk(&begun.totals);
        Keyspace::begin_snapshot(held, Arc::new(begun.entries(server)));
        begun
    }

    fn finish_background(&self, server: &'static Server, begun: &Begun, turn: Turn) {
        let is_ok = self.write(server, begun);
        let took_ms = clock::now_ms() - self.started_ms.load(Relaxed);
        self.last_took_seconds.store(took_ms.max(0) / 1000, Relaxed);
        let saved_bytes = server.persist.status.most_saved_bytes.load(Relaxed);
        self.last_saved_bytes.store(saved_bytes, Relaxed);
        if self.is_cancelled.load(Relaxed) && !is_ok {
            tracing::warn!("Background saving was cancelled");
        } else if is_ok {
            tracing::info!("Background saving terminated with success");
        } else {
            tracing::warn!("Background saving error");
            self.note_background(server, false);
        }
        drop(turn);
    }

    fn note_background(&self, server: &Server, is_ok: bool) {
        self.last_ok.store(is_ok, Relaxed);
        server.gates.set_snapshot_failed(!is_ok);
    }

    /// Writes what was begun; whether it is in place.
    fn write(&self, server: &Server, begun: &Begun) -> bool {
        let path = format!("temp-{}.rdb", std::process::id());
        let written = file::write(server, begun, &path, &self.is_cancelled);
        let is_ok = match written {
            Ok(file) => {
                let _placing = self.placing.lock();
                !self.is_cancelled.load(Relaxed) && file::place(server, file, &path)
            }
            Err(_) => false,
        };
        if is_ok {
            self.note_success(server, begun);
        }
        is_ok
    }

    fn note_success(&self, server: &Server, begun: &Begun) {
        tracing::info!("DB saved on disk");
        self.dirty_then.store(begun.dirty, Relaxed);
        self.last_save_seconds
            .store(clock::now_ms() / 1000, Relaxed);
        self.note_background(server, true);
    }

    /// Ends the one that is running, which is not put in place any more.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Relaxed);
    }

    /// Begins what is due: one that was scheduled, or that a `save` point asks for.
    pub fn tick(&self, server: &'static Server) {
        if server.persist.turns.holder().is_some() || !self.is_due(server) {
            return;
        }
        let mut held = server.keyspace.lock(ShardSet::ALL);
        // Another may have begun meanwhile; then this one is tried again.
        let _ = self.begin_background(server, &mut held);
    }

    fn is_due(&self, server: &Server) -> bool {
        let now_seconds = clock::now_ms() / 1000;
        let may_try = self.last_ok.load(Relaxed)
            || now_seconds - self.last_try_seconds.load(Relaxed) > RETRY_SECONDS;
        may_try && (self.is_scheduled.load(Relaxed) || self.reaches_point(server, now_seconds))
    }

    fn reaches_point(&self, server: &Server, now_seconds: i64) -> bool {
        let changes = self.changes(server);
        let since_seconds = now_seconds - self.last_save_seconds.load(Relaxed);
        let points = server.settings.config.get(options::SAVE);
        let reached = points.iter().find(|point| {
            let enough = u64::try_from(point.changes).unwrap_or(0);
            changes >= enough && since_seconds > point.seconds
        });
        if let Some(point) = reached {
            let (changes, seconds) = (point.changes, point.seconds);
            tracing::info!("{changes} changes in {seconds} seconds. Saving...");
        }
        reached.is_some()
    }

    /// Writes one at once, while nobody else does anything.
    ///
    /// # Errors
    /// If it could not be written; the log says why.
    pub fn save_held(&self, server: &Server, held: &mut Held<'_>) -> Result<(), Failed> {
        // From here on no other puts its file in place, also if it was about to.
        let _placing = self.placing.lock();
        self.cancel();
        self.save_now(server, held)
    }

    /// The same, and one that is running goes on.
    ///
    /// # Errors
    /// If it could not be written; the log says why.
    pub fn save_beside(&self, server: &Server, held: &mut Held<'_>) -> Result<(), Failed> {
        let _placing = self.placing.lock();
        self.save_now(server, held)
    }

    /// Takes all that has changed for saved.
    pub fn forget_changes(&self, server: &Server) {
        self.dirty_then.store(server.stats.dirty.get(), Relaxed);
    }

    fn save_now(&self, server: &Server, held: &mut Held<'_>) -> Result<(), Failed> {
        let begun = Begun::now(server, held);
        let path = format!("temp-{}-last.rdb", std::process::id());
        let file = file::write_held(server, &begun, held, &path)?;
        if !file::place(server, file, &path) {
            return Err(Failed);
        }
        self.note_success(server, &begun);
        Ok(())
    }
}

/// A snapshot could not be written; the log says why.
#[derive(Clone, Copy, Debug)]
pub struct Failed;

impl Begun {
    /// What is there now; every lock is held.
    pub(super) fn now(server: &Server, held: &mut Held<'_>) -> Begun {
        let totals = Keyspace::totals(held);
        let version = match totals.iter().any(|it| it.has_field_expiries) {
            true => VERSION_FIELD_EXPIRY,
            false => VERSION,
        };
        Begun {
            version,
            totals,
            libraries: server.functions.texts(),
            dirty: server.stats.dirty.get(),
        }
    }

    /// How its entries are written.
    pub(super) fn entries(&self, server: &Server) -> FileEntries {
        let clock = server.keyspace.clock(clock::now_ms());
        FileEntries {
            version: self.version,
            recency: server.settings.recency(clock),
        }
    }
}
