//! Loading at start, or when told to: the append-only files, or the snapshot file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use protocol::{Output, Request};
use storage::aof::{
    self, Event, FileType, LoadError, Loaded, Location, Manifest, Migrated, OnDamage, Reading,
    Replay,
};
use storage::db::Db;
use storage::keyspace::Held;
use storage::rdb::{self, Part};

use super::intake::{Expired, Failure, Intake};

use crate::clients::{Client, State};
use crate::clock;
use crate::config::options;
use crate::exec;
use crate::server::Server;
use crate::session::Session;

/// What was found on disk.
pub struct Found {
    /// Where the files are.
    pub location: Location,
    /// Which files count.
    pub manifest: Manifest,
}

/// The place of the append-only files, as configured.
pub fn location(server: &Server) -> Location {
    let config = &server.settings.config;
    Location::new(
        ".",
        config.path(options::APPENDDIRNAME),
        config.path(options::APPENDFILENAME),
    )
}

/// Reads the manifest; moves a single file of Redis up to version 6 to its new place.
///
/// # Errors
/// A text for the log.
pub fn find(server: &Server) -> Result<Found, String> {
    let location = location(server);
    let manifest = Manifest::read(&location).map_err(|error| error.to_string())?;
    let migrated = location.migrate_single_file(manifest.as_ref());
    let manifest = match migrated
        .map_err(|error| format!("Can't move the old append only file: {error}"))?
    {
        Migrated::Moved(manifest) => {
            tracing::info!(
                "Successfully migrated an old-style AOF configuration ({}) into the AOF directory ({}).",
                location.filename().display(),
                location.dir().display()
            );
            manifest
        }
        Migrated::Nothing => manifest.unwrap_or_default(),
    };
    Ok(Found { location, manifest })
}

/// What is said when a snapshot cannot be loaded, after why.
const FATAL: &str = "Fatal error loading the DB, check server logs. Exiting.";

/// Loads the snapshot file (`dbfilename`), if there is one.
///
/// # Errors
/// A text for the log: the file cannot be read, is damaged, or holds what this server does not understand.
pub fn snapshot(server: &'static Server) -> Result<(), String> {
    let started = Instant::now();
    let Some(file) = snapshot_file(server)? else {
        return Ok(());
    };
    read_snapshot(server, file, None, Intake::new(server, Expired::Drop))?;
    let seconds = started.elapsed().as_secs_f64();
    tracing::info!("DB loaded from disk: {seconds:.3} seconds");
    Ok(())
}

/// The snapshot file, if there is one.
///
/// # Errors
/// A text for the log.
pub(super) fn snapshot_file(server: &Server) -> Result<Option<File>, String> {
    let path = server.settings.config.path(options::DBFILENAME);
    match File::open(&path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let name = path.display();
            tracing::warn!("Fatal error: can't open the RDB file {name} for reading: {error}");
            Err(FATAL.to_owned())
        }
    }
}

/// Lets the intake take what a file holds; `held` are the locks, where the caller has them all.
///
/// # Errors
/// A text for the log.
pub(super) fn read_snapshot(
    server: &Server,
    file: File,
    mut held: Option<&mut Held<'_>>,
    mut intake: Intake,
) -> Result<(), String> {
    let settings = &server.settings;
    let file_bytes = file.metadata().map_or(0, |it| it.len());
    let loading = &server.persist.loading;
    loading.begin(file_bytes, clock::now_ms());
    let (limits, checksum) = (settings.packing_limits(), settings.file_checksum());
    let mut reader = rdb::Reader::new(file, limits, checksum).map_err(|error| fatal(0, &error))?;
    intake
        .read(held.as_deref_mut(), &mut reader, &loading.loaded_bytes)
        .and_then(|()| intake.finish(held, !reader.was_unsummed()))
        .map_err(refusal)
}

/// What is said of a snapshot that is not taken.
fn refusal(failure: Failure) -> String {
    match failure {
        Failure::Damaged { offset, error } => fatal(offset, &error),
        Failure::Refused(text) => text,
    }
}

/// Says in the log what is wrong with a snapshot, in the words of Redis where it has some.
fn fatal(offset: u64, error: &rdb::Error) -> String {
    match error {
        rdb::Error::Signature | rdb::Error::Version(_) => tracing::warn!("{error}"),
        rdb::Error::Ended | rdb::Error::Io(_) => {
            tracing::warn!("Short read or OOM loading DB. Unrecoverable error, aborting now.");
            tracing::warn!("Internal error in RDB reading offset {offset} -> {error}");
        }
        rdb::Error::Checksum { .. } => {
            tracing::warn!("{error}");
            tracing::warn!("Internal error in RDB reading offset {offset} -> RDB CRC error");
        }
        rdb::Error::Malformed(_) | rdb::Error::Module(_) | rdb::Error::Empty => {
            tracing::warn!("Internal error in RDB reading offset {offset} -> {error}");
        }
    }
    FATAL.to_owned()
}

/// Replays all files into the keyspace.
///
/// # Errors
/// A text for the log: a file is missing, or damaged and `aof-load-truncated no`, or holds what this
/// server does not understand.
pub fn replay(server: &'static Server, found: &mut Found) -> Result<(), String> {
    let started = Instant::now();
    let on_damage = match server.settings.config.get(options::AOF_LOAD_TRUNCATED) {
        true => OnDamage::Quarantine,
        false => OnDamage::Refuse,
    };
    let mut replayer = Replayer::new(server, found.location.filename(), None);
    let loaded = replay_with(&mut replayer, found, on_damage)?;
    server.persist.status.note_loaded(&loaded);
    note_damage(&loaded);
    if loaded.total_bytes > 0 {
        let seconds = started.elapsed().as_secs_f64();
        tracing::info!("DB loaded from append only file: {seconds:.3} seconds");
    }
    Ok(())
}

/// The same through a view of the keyspace that holds every lock, while the files are written to: nothing of them is
/// moved aside.
///
/// # Errors
/// A text for the log.
pub(super) fn replay_within(
    server: &'static Server,
    found: &mut Found,
    db: Db<'static>,
) -> (Db<'static>, Result<(), String>) {
    let (index, moment) = (db.index, db.moment);
    let mut replayer = Replayer::new(server, found.location.filename(), Some(db));
    let loaded = replay_with(&mut replayer, found, OnDamage::Refuse);
    let mut db = replayer.db.take().expect("it came with one");
    (db.index, db.moment) = (index, moment);
    (db, loaded.map(drop))
}

fn replay_with(
    replayer: &mut Replayer,
    found: &mut Found,
    on_damage: OnDamage,
) -> Result<Loaded, String> {
    let server = replayer.server;
    let reading = Reading {
        on_damage,
        limits: server.settings.packing_limits(),
        checksum: server.settings.file_checksum(),
    };
    let loading = &server.persist.loading;
    loading.begin(total_bytes(found), clock::now_ms());
    let loaded = aof::load(&found.location, &mut found.manifest, &reading, |event| {
        replayer.apply(event)
    });
    loaded.map_err(|error| match error {
        LoadError::Snapshot { offset, error, .. } => {
            refusal(replayer.fail(Failure::Damaged { offset, error }))
        }
        LoadError::Apply {
            error: Failure::Damaged { offset, error },
            ..
        } => fatal(offset, &error),
        error => error.to_string(),
    })
}

/// Bytes of all files; one that is missing is found later.
fn total_bytes(found: &Found) -> u64 {
    let paths = found.manifest.replayed();
    let sizes = paths.filter_map(|entry| std::fs::metadata(found.location.path(&entry.name)).ok());
    sizes.map(|file| file.len()).sum()
}

fn note_damage(loaded: &Loaded) {
    let Some((name, end)) = &loaded.damaged else {
        return;
    };
    let name = name.display();
    tracing::warn!("!!! Warning: short read while loading the AOF file {name} !!!");
    tracing::warn!(
        "AOF {name} loaded up to its last valid record ({end:?}) because aof-load-truncated is enabled"
    );
    for part in &loaded.quarantined {
        tracing::warn!(
            "{} bytes that could not be replayed were moved to {}",
            part.moved_bytes,
            part.target.display()
        );
    }
}

/// A session that carries out what has happened elsewhere: nothing is refused, and nothing expires by itself.
pub(super) fn replaying_session(server: &'static Server) -> Session {
    let client = Client::new(0, String::new(), String::new(), -1, clock::now_ms());
    client.set(State::REPLAY | State::AUTHENTICATED, true);
    Session::new(server, Arc::new(client), 0)
}

/// The connection that the files speak through.
struct Replayer {
    server: &'static Server,
    session: Session,
    /// The keyspace, where the caller holds it.
    db: Option<Db<'static>>,
    out: Output,
    /// The snapshot that is being read.
    intake: Option<Intake>,
    /// The name of a log of one file.
    single: OsString,
    /// Whether the present file is one.
    is_single: bool,
    started: Instant,
    /// Bytes of the files that are done.
    before_bytes: u64,
    file_bytes: u64,
}

impl Replayer {
    fn new(server: &'static Server, single: &OsStr, db: Option<Db<'static>>) -> Replayer {
        Replayer {
            server,
            session: replaying_session(server),
            db,
            out: Output::new(),
            intake: None,
            single: single.to_owned(),
            is_single: false,
            started: Instant::now(),
            before_bytes: 0,
            file_bytes: 0,
        }
    }

    /// Ends a snapshot because of a failure; what failed first.
    fn fail(&mut self, failure: Failure) -> Failure {
        match &mut self.intake {
            Some(intake) => intake.fail(self.db.as_mut().map(Db::held), failure),
            None => failure,
        }
    }

    fn apply(&mut self, event: Event<'_>) -> Result<(), Failure> {
        match event {
            Event::File { entry, file_bytes } => {
                self.session.client.select(0);
                self.is_single = entry.name == self.single;
                self.started = Instant::now();
                self.before_bytes += self.file_bytes;
                self.file_bytes = file_bytes;
                Ok(())
            }
            Event::Part { part, offset } => self.take(part, offset),
            Event::Loaded { was_summed } => self.finish_snapshot(was_summed),
            Event::Replay { replay, offset_end } => {
                self.note_progress(offset_end);
                self.replay(replay).map_err(Failure::Refused)
            }
            Event::Done { entry, .. } => {
                let kind = match entry.file_type {
                    FileType::Base => "base",
                    FileType::Incr | FileType::History => "incr",
                };
                let name = entry.name.display();
                let seconds = self.started.elapsed().as_secs_f64();
                tracing::info!("DB loaded from {kind} file {name}: {seconds:.3} seconds");
                Ok(())
            }
        }
    }

    fn note_progress(&self, offset: u64) {
        let loaded_bytes = &self.server.persist.loading.loaded_bytes;
        loaded_bytes.store(self.before_bytes + offset, Relaxed);
    }

    fn take(&mut self, part: Part<'_>, offset: u64) -> Result<(), Failure> {
        self.note_progress(offset);
        let (server, is_single) = (self.server, self.is_single);
        let intake = self.intake.get_or_insert_with(|| {
            match is_single {
                true => tracing::info!("Reading RDB preamble from AOF file..."),
                false => tracing::info!("Reading RDB base file on AOF loading..."),
            }
            Intake::new(server, Expired::Keep)
        });
        intake.take(self.db.as_mut().map(Db::held), part)
    }

    fn finish_snapshot(&mut self, was_summed: bool) -> Result<(), Failure> {
        if let Some(intake) = self.intake.take() {
            intake.finish(self.db.as_mut().map(Db::held), was_summed)?;
        }
        if self.is_single {
            tracing::info!("Reading the remaining AOF tail...");
        }
        Ok(())
    }

    fn replay(&mut self, replay: Replay) -> Result<(), String> {
        match replay {
            Replay::Request(request) => self.request(&request),
            Replay::Transaction(requests) => requests
                .iter()
                .try_for_each(|request| self.request(request)),
        }
    }

    fn request(&mut self, request: &Request) -> Result<(), String> {
        let (session, args, out) = (&mut self.session, request.args(), &mut self.out);
        let Some(db) = self.db.take() else {
            return exec::replay(session, &args, out);
        };
        let (db, replayed) = exec::replay_within(session, db, &args, out);
        self.db = Some(db);
        replayed
    }
}
