//! What snapshot files hold, taken into the keyspace.

use std::sync::atomic::Ordering::Relaxed;

use storage::keyspace::Held;
use storage::rdb::{Arrivals, Duplicate, Piece, Present, Record, Storing};

use crate::clock;
use crate::config::options;
use crate::exec;
use crate::script::functions::Policy;
use crate::server::Server;

/// So many keys without elements are named in the log.
const NAMED_EMPTY_KEYS: u64 = 10;

/// What becomes of keys that have expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// They are passed over.
    Drop,
    /// They stay: the log that follows may speak of them, and says when they go.
    Keep,
}

/// Takes one snapshot.
pub struct Intake {
    server: &'static Server,
    now_ms: i64,
    arrivals: Arrivals<'static>,
    expired: Expired,
    databases: u64,
    loaded_count: u64,
    expired_count: u64,
    empty_count: u64,
    /// Texts of libraries of functions.
    libraries: Vec<Vec<u8>>,
    /// What becomes of those that are there.
    policy: Policy,
}

impl Intake {
    /// Begins a snapshot for an empty keyspace.
    pub fn new(server: &'static Server, expired: Expired) -> Intake {
        Intake::among(server, expired, Policy::Flush)
    }

    /// Begins a snapshot for a keyspace that may hold something: keys of the same name stay or go as libraries do.
    pub fn among(server: &'static Server, expired: Expired, policy: Policy) -> Intake {
        let (settings, now_ms) = (&server.settings, clock::now_ms());
        let storing = Storing {
            access: settings.access(),
            clock: server.keyspace.clock(now_ms),
            compression_threshold: settings.compression_threshold(),
            present: match policy {
                Policy::Replace => Present::Goes,
                Policy::Append | Policy::Flush => Present::Stays,
            },
        };
        Intake {
            server,
            now_ms,
            arrivals: Arrivals::new(&server.keyspace, storing),
            expired,
            databases: settings.config.get(options::DATABASES) as u64,
            loaded_count: 0,
            expired_count: 0,
            empty_count: 0,
            libraries: Vec::new(),
            policy,
        }
    }

    /// Takes a piece; `held` is what the caller holds of the keyspace, if that is all of it.
    ///
    /// # Errors
    /// A text for the log, if this server cannot hold it.
    pub fn take(&mut self, held: Option<&mut Held<'_>>, piece: Piece<'_>) -> Result<(), String> {
        match piece {
            Piece::Entry(record) => self.store(held, record),
            Piece::Aux { name, value } => {
                self.note_fact(name, value);
                Ok(())
            }
            Piece::Function(text) => {
                self.libraries.push(text.to_vec());
                Ok(())
            }
            Piece::ModuleAux(name) => {
                tracing::warn!(
                    "The RDB file contains AUX module data I can't load: no matching module '{name}'. It was left out."
                );
                Ok(())
            }
            Piece::Sizes { .. } => Ok(()),
        }
    }

    /// Notes for INFO and in the log that there is no more, and whether a checksum has been verified.
    ///
    /// # Errors
    /// A text for the log, if a key came twice, or libraries of functions cannot be loaded.
    pub fn finish(self, held: Option<&mut Held<'_>>, was_summed: bool) -> Result<(), String> {
        self.arrivals.finish(held).map_err(duplicated)?;
        if !self.libraries.is_empty() {
            exec::load_libraries(self.server, &self.libraries, self.policy)
                .map_err(|error| format!("Failed loading library, {error}"))?;
        }
        if !was_summed {
            tracing::info!("RDB file was saved with checksum disabled: no check performed.");
        }
        let (loaded, expired) = (self.loaded_count, self.expired_count);
        let loading = &self.server.persist.loading;
        loading.keys_loaded.store(loaded, Relaxed);
        loading.keys_expired.store(expired, Relaxed);
        let empty = match self.empty_count {
            0 => String::new(),
            count => format!(", empty keys skipped: {count}"),
        };
        tracing::info!("Done loading RDB, keys loaded: {loaded}, keys expired: {expired}{empty}.");
        Ok(())
    }

    fn store(&mut self, held: Option<&mut Held<'_>>, record: Record<'_>) -> Result<(), String> {
        let databases = self.databases;
        if record.db >= databases {
            return Err(format!(
                "FATAL: Data file was created with a Redis server configured to handle more than {databases} \
                 databases. Exiting"
            ));
        }
        if record.value.is_none() {
            self.note_empty(record.key);
            return Ok(());
        }
        let has_expired = record.expiry_ms.is_some_and(|it| it < self.now_ms);
        if has_expired && self.expired == Expired::Drop {
            self.expired_count += 1;
            return Ok(());
        }
        let db = record.db as usize;
        self.arrivals.add(held, db, record).map_err(duplicated)?;
        self.loaded_count += 1;
        Ok(())
    }

    fn note_empty(&mut self, key: &[u8]) {
        self.empty_count += 1;
        if self.empty_count <= NAMED_EMPTY_KEYS {
            let key = String::from_utf8_lossy(key);
            tracing::info!("rdbLoadObject skipping empty key: {key}");
        }
    }

    /// Says in the log what the file tells of itself.
    fn note_fact(&self, name: &[u8], value: &[u8]) {
        let text = String::from_utf8_lossy(value);
        let number: i64 = text.parse().unwrap_or(0);
        match name {
            b"redis-ver" => tracing::info!("Loading RDB produced by version {text}"),
            b"ctime" => {
                let age = (self.now_ms / 1000).saturating_sub(number);
                tracing::info!("RDB age {} seconds", age.max(0));
            }
            b"used-mem" => {
                let used_bytes = &self.server.persist.loading.used_bytes;
                used_bytes.store(number.max(0).unsigned_abs(), Relaxed);
                let megabytes = number as f64 / (1024.0 * 1024.0);
                tracing::info!("RDB memory usage when created {megabytes:.2} Mb");
            }
            b"aof-base" if number != 0 => tracing::info!("RDB is base AOF"),
            [b'%', ..] => tracing::info!("RDB '{}': {text}", String::from_utf8_lossy(name)),
            _ => {}
        }
    }
}

fn duplicated(found: Duplicate) -> String {
    let key = String::from_utf8_lossy(&found.key);
    format!("RDB has duplicated key '{key}' in DB {}", found.db)
}
