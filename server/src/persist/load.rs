//! Replaying the append-only files at start.

use std::sync::Arc;
use std::time::Instant;

use protocol::{Output, Request};
use storage::aof::{self, Event, Location, Manifest, Migrated, OnDamage, Replay};

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

/// Replays all files into the keyspace.
///
/// # Errors
/// A text for the log: a file is missing, or damaged and `aof-load-truncated no`, or holds what this
/// server does not understand.
pub fn replay(server: &'static Server, found: &mut Found) -> Result<(), String> {
    let config = &server.settings.config;
    let on_damage = if config.get(options::AOF_LOAD_TRUNCATED) {
        OnDamage::Quarantine
    } else {
        OnDamage::Refuse
    };
    let started = Instant::now();
    let mut replayer = Replayer::new(server);
    let loaded = aof::load(&found.location, &mut found.manifest, on_damage, |event| {
        replayer.apply(event)
    })
    .map_err(|error| error.to_string())?;
    server.persist.status.note_loaded(&loaded);
    if let Some((name, end)) = &loaded.damaged {
        tracing::warn!(
            "!!! Warning: short read while loading the AOF file {} !!!",
            name.display()
        );
        tracing::warn!(
            "AOF {} loaded up to its last valid record ({end:?}) because aof-load-truncated is enabled",
            name.display()
        );
        for part in &loaded.quarantined {
            tracing::warn!(
                "{} bytes that could not be replayed were moved to {}",
                part.moved_bytes,
                part.target.display()
            );
        }
    }
    if loaded.total_bytes > 0 {
        tracing::info!(
            "DB loaded from append only file: {:.3} seconds",
            started.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// The connection that the files speak through.
struct Replayer {
    session: Session,
    out: Output,
}

impl Replayer {
    fn new(server: &'static Server) -> Replayer {
        let client = Client::new(0, String::new(), String::new(), -1, clock::now_ms());
        client.set(State::REPLAY | State::AUTHENTICATED, true);
        Replayer {
            session: Session::new(server, Arc::new(client), 0),
            out: Output::new(),
        }
    }

    fn apply(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::File { entry, file_bytes } => {
                tracing::info!("Reading {} ({file_bytes} bytes)", entry.name.display());
                self.session.client.select(0);
                Ok(())
            }
            Event::Replay {
                replay: Replay::Request(request),
                ..
            } => self.request(&request),
            Event::Replay {
                replay: Replay::Transaction(requests),
                ..
            } => requests
                .iter()
                .try_for_each(|request| self.request(request)),
            Event::Done { entry, .. } => {
                tracing::info!("DB loaded from {}", entry.name.display());
                Ok(())
            }
        }
    }

    fn request(&mut self, request: &Request) -> Result<(), String> {
        exec::replay(&mut self.session, &request.args(), &mut self.out)
    }
}
