//! A connection as the executor sees it.

use std::sync::Arc;

use crate::clients::Client;
use crate::clock::Stopwatch;
use crate::command::table::Entry;
use crate::exec::Unit;
use crate::server::Server;
use crate::stats::Recorder;
use crate::transaction::Local;

/// One connection, owned by its task.
pub struct Session {
    /// The server.
    pub server: &'static Server,
    /// What others may see of the connection.
    pub client: Arc<Client>,
    /// Queued commands and watched keys.
    pub local: Local,
    /// Records on their way to the log.
    pub unit: Unit,
    /// Counts on their way to the statistics.
    pub recorder: Recorder,
    /// Time of the current batch.
    pub stopwatch: Stopwatch,
    /// How long the command took that waits now, before it waited.
    pub tried_nanos: u64,
    /// The I/O thread.
    pub thread: usize,
    /// The command found last: pipelines repeat themselves.
    pub last_entry: Option<&'static Entry>,
}

impl Session {
    /// A session of a new connection.
    pub fn new(server: &'static Server, client: Arc<Client>, thread: usize) -> Session {
        let local = Local::new(&client);
        Session {
            server,
            client,
            local,
            unit: Unit::default(),
            recorder: Recorder::default(),
            stopwatch: Stopwatch::start(),
            tried_nanos: 0,
            thread,
            last_entry: None,
        }
    }

    /// Hands the counts over to the statistics.
    pub fn flush_counts(&mut self) {
        let with_histograms = self.server.settings.tracks_latency();
        self.server
            .stats
            .take(&mut self.recorder, self.thread, with_histograms);
    }

    /// Forgets watched keys. No lock of the keyspace is held. See [`Local::release`].
    pub fn unwatch(&mut self) -> bool {
        self.local.unwatch(&self.client);
        self.local.release(&self.server.keyspace)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.unwatch();
        self.flush_counts();
    }
}
