//! Keys of a snapshot on their way into the keyspace.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use storage::keyspace::Held;
use storage::rdb::{Arrivals, Duplicate, Piece, Present, Reader, Record, Run, Storing};
use storage::value::Limits;

use super::{Expired, Failure};
use crate::clock;
use crate::config::options;
use crate::server::Server;

/// So many keys without elements are named in the log.
const NAMED_EMPTY_KEYS: u64 = 10;

/// On what terms the keys of a snapshot are taken: the same for all who take some of them.
pub(super) struct Terms {
    pub server: &'static Server,
    pub now_ms: i64,
    pub databases: u64,
    storing: Storing,
    limits: Limits,
    expired: Expired,
    /// Keys without elements that have been named.
    named: AtomicU64,
}

/// How many keys there were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Those that were taken.
    pub loaded: u64,
    /// Those that had expired.
    pub expired: u64,
    /// Those without elements.
    pub empty: u64,
}

/// Takes keys, on one thread.
pub(super) struct Keys {
    terms: Arc<Terms>,
    arrivals: Arrivals<'static>,
    pub counts: Counts,
}

impl Terms {
    pub fn new(server: &'static Server, expired: Expired, present: Present) -> Terms {
        let (settings, now_ms) = (&server.settings, clock::now_ms());
        Terms {
            server,
            now_ms,
            databases: settings.config.get(options::DATABASES) as u64,
            storing: Storing {
                access: settings.access(),
                clock: server.keyspace.clock(now_ms),
                compression_threshold: settings.compression_threshold(),
                present,
            },
            limits: settings.packing_limits(),
            expired,
            named: AtomicU64::new(0),
        }
    }
}

impl Counts {
    /// Both together.
    pub fn and(self, other: Counts) -> Counts {
        Counts {
            loaded: self.loaded + other.loaded,
            expired: self.expired + other.expired,
            empty: self.empty + other.empty,
        }
    }
}

impl Keys {
    /// Of one thread; `first` is the shard it should begin with.
    pub fn new(terms: Arc<Terms>, first: usize) -> Keys {
        Keys {
            arrivals: Arrivals::new(&terms.server.keyspace, terms.storing, first),
            terms,
            counts: Counts::default(),
        }
    }

    /// Takes all keys of a run; they are in the keyspace then. `held` is what the caller holds of that, if it is all.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be taken.
    pub fn take_run(&mut self, mut held: Option<&mut Held<'_>>, run: &Run) -> Result<(), Failure> {
        let read = self.read(
            held.as_deref_mut(),
            &mut Reader::of_run(run, self.terms.limits),
        );
        // If a key that came before has come twice, that went wrong first.
        self.finish(held)?;
        read
    }

    fn read(
        &mut self,
        mut held: Option<&mut Held<'_>>,
        reader: &mut Reader<'_>,
    ) -> Result<(), Failure> {
        loop {
            let offset = reader.offset();
            match reader.next_piece() {
                Ok(Some(Piece::Entry(record))) => self.store(held.as_deref_mut(), record)?,
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(Failure::Damaged { offset, error }),
            }
        }
    }

    /// Takes a key; `held` as for [`Keys::take_run`].
    ///
    /// # Errors
    /// [`Failure::Refused`] if it cannot be held, or that of one that was taken before.
    pub fn store(
        &mut self,
        held: Option<&mut Held<'_>>,
        record: Record<'_>,
    ) -> Result<(), Failure> {
        let databases = self.terms.databases;
        if record.db >= databases {
            return Err(Failure::Refused(format!(
                "FATAL: Data file was created with a Redis server configured to handle more than {databases} \
                 databases. Exiting"
            )));
        }
        if record.value.is_none() {
            self.note_empty(record.key);
            return Ok(());
        }
        let has_expired = record.expiry_ms.is_some_and(|it| it < self.terms.now_ms);
        if has_expired && self.terms.expired == Expired::Drop {
            self.counts.expired += 1;
            return Ok(());
        }
        let db = record.db as usize;
        self.arrivals.add(held, db, record).map_err(duplicated)?;
        self.counts.loaded += 1;
        Ok(())
    }

    /// Lets all that was taken be in the keyspace.
    ///
    /// # Errors
    /// [`Failure::Refused`] if a key has come twice.
    pub fn finish(&mut self, held: Option<&mut Held<'_>>) -> Result<(), Failure> {
        self.arrivals.finish(held).map_err(duplicated)
    }

    fn note_empty(&mut self, key: &[u8]) {
        self.counts.empty += 1;
        if self.terms.named.fetch_add(1, Relaxed) < NAMED_EMPTY_KEYS {
            let key = String::from_utf8_lossy(key);
            tracing::info!("rdbLoadObject skipping empty key: {key}");
        }
    }
}

fn duplicated(found: Duplicate) -> Failure {
    let key = String::from_utf8_lossy(&found.key);
    Failure::Refused(format!("RDB has duplicated key '{key}' in DB {}", found.db))
}
