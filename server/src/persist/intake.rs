//! What snapshot files hold, taken into the keyspace.
//!
//! Who reads a file finds where its keys end, and hands over stretches of it. A [`crew`] makes entries of them and stores
//! them, on as many threads as there are for clients. What is not in such a stretch is taken where it is read. Of several
//! things that are wrong with a file, the first is the one that is told.

mod crew;
mod keys;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use storage::keyspace::Held;
use storage::rdb::{self, Part, Piece, Present, Reader, Run};

use self::crew::Crew;
use self::keys::{Counts, Keys, Terms};
use crate::config::options;
use crate::exec;
use crate::script::functions::Policy;
use crate::server::Server;

/// No key takes less of a file, but for a few: what it says of how many there are is believed up to that.
const LEAST_KEY_BYTES: u64 = 8;

/// The file of a shorter one is loaded before threads have begun.
const LONG_RUN_BYTES: usize = 128 * 1024;

/// What becomes of keys that have expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// They are passed over.
    Drop,
    /// They stay: the log that follows may speak of them, and says when they go.
    Keep,
}

/// Why a snapshot is not taken.
#[derive(Debug)]
pub enum Failure {
    /// It is damaged.
    Damaged {
        /// Where, in bytes from its beginning.
        offset: u64,
        /// How.
        error: rdb::Error,
    },
    /// This server cannot hold it: a text for the log.
    Refused(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Damaged { error, .. } => write!(f, "{error}"),
            Failure::Refused(text) => f.write_str(text),
        }
    }
}

/// Takes one snapshot.
pub struct Intake {
    server: &'static Server,
    terms: Arc<Terms>,
    keys: Keys,
    crew: Option<Crew>,
    counts: Counts,
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
        let present = match policy {
            Policy::Replace => Present::Goes,
            Policy::Append | Policy::Flush => Present::Stays,
        };
        let terms = Arc::new(Terms::new(server, expired, present));
        Intake {
            server,
            keys: Keys::new(Arc::clone(&terms), 0),
            terms,
            crew: None,
            counts: Counts::default(),
            libraries: Vec::new(),
            policy,
        }
    }

    /// Takes all that a file holds, and notes how far it has come; `held` is what the caller holds of the keyspace, if
    /// that is all of it.
    ///
    /// # Errors
    /// The first [`Failure`].
    pub fn read(
        &mut self,
        mut held: Option<&mut Held<'_>>,
        reader: &mut Reader<'_>,
        loaded_bytes: &AtomicU64,
    ) -> Result<(), Failure> {
        loop {
            let offset = reader.offset();
            loaded_bytes.store(offset, Relaxed);
            match reader.next_part() {
                Ok(Some(part)) => self.take(held.as_deref_mut(), part)?,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.fail(held, Failure::Damaged { offset, error })),
            }
        }
    }

    /// Takes what a file holds next; `held` as for [`Intake::read`].
    ///
    /// # Errors
    /// A [`Failure`], of this or of what came before.
    pub fn take(&mut self, mut held: Option<&mut Held<'_>>, part: Part<'_>) -> Result<(), Failure> {
        let taken = match part {
            Part::Run(run) => self.take_run(held.as_deref_mut(), run),
            Part::Piece(piece) => self.take_piece(held.as_deref_mut(), piece),
        };
        taken.map_err(|failure| self.fail(held, failure))
    }

    fn take_piece(&mut self, held: Option<&mut Held<'_>>, piece: Piece<'_>) -> Result<(), Failure> {
        match piece {
            Piece::Entry(record) => return self.keys.store(held, record),
            Piece::Aux { name, value } => self.note_fact(name, value),
            Piece::Function(text) => self.libraries.push(text.to_vec()),
            Piece::ModuleAux(name) => tracing::warn!(
                "The RDB file contains AUX module data I can't load: no matching module '{name}'. It was left out."
            ),
            Piece::Sizes { db, keys, .. } if held.is_none() => self.make_room(db, keys),
            Piece::Sizes { .. } => {}
        }
        Ok(())
    }

    /// Makes room for the keys of a database.
    fn make_room(&self, db: u64, keys: u64) {
        let file_bytes = self.server.persist.loading.total_bytes.load(Relaxed);
        if db < self.terms.databases {
            let keys = keys.min(file_bytes / LEAST_KEY_BYTES);
            self.server.keyspace.reserve(db as usize, keys as usize);
        }
    }

    fn take_run(&mut self, held: Option<&mut Held<'_>>, run: Run) -> Result<(), Failure> {
        let threads = self.server.settings.config.get(options::IO_THREADS);
        // Whoever holds every lock has to store everything.
        let is_shared = held.is_none() && threads > 1;
        if is_shared && self.crew.is_none() && run.size_bytes() >= LONG_RUN_BYTES {
            self.crew = Crew::start(&self.terms, threads);
        }
        match &mut self.crew {
            Some(crew) => crew.take(run),
            None => self.keys.take_run(held, &run),
        }
    }

    /// Ends, because nothing more can be taken; what failed first.
    pub fn fail(&mut self, held: Option<&mut Held<'_>>, failure: Failure) -> Failure {
        self.settle(held).err().unwrap_or(failure)
    }

    /// Waits until all that has come is in the keyspace.
    fn settle(&mut self, held: Option<&mut Held<'_>>) -> Result<(), Failure> {
        let worked = self.crew.take().map_or(Ok(Counts::default()), Crew::finish);
        self.keys.finish(held)?;
        self.counts = worked?.and(self.keys.counts);
        Ok(())
    }

    /// Notes for INFO and in the log that there is no more, and whether a checksum has been verified.
    ///
    /// # Errors
    /// A [`Failure`] of what came before, or a text for the log if libraries of functions cannot be loaded.
    pub fn finish(mut self, held: Option<&mut Held<'_>>, was_summed: bool) -> Result<(), Failure> {
        let has_made_room = held.is_none();
        self.settle(held)?;
        if has_made_room {
            self.server.keyspace.fit();
        }
        if !self.libraries.is_empty() {
            exec::load_libraries(self.server, &self.libraries, self.policy)
                .map_err(|error| Failure::Refused(format!("Failed loading library, {error}")))?;
        }
        if !was_summed {
            tracing::info!("RDB file was saved with checksum disabled: no check performed.");
        }
        let Counts {
            loaded,
            expired,
            empty,
        } = self.counts;
        let loading = &self.server.persist.loading;
        loading.keys_loaded.store(loaded, Relaxed);
        loading.keys_expired.store(expired, Relaxed);
        let empty = match empty {
            0 => String::new(),
            count => format!(", empty keys skipped: {count}"),
        };
        tracing::info!("Done loading RDB, keys loaded: {loaded}, keys expired: {expired}{empty}.");
        Ok(())
    }

    /// Says in the log what the file tells of itself.
    fn note_fact(&self, name: &[u8], value: &[u8]) {
        let text = String::from_utf8_lossy(value);
        let number: i64 = text.parse().unwrap_or(0);
        match name {
            b"redis-ver" => tracing::info!("Loading RDB produced by version {text}"),
            b"ctime" => {
                let age = (self.terms.now_ms / 1000).saturating_sub(number);
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
