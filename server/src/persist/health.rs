//! Whether the disk takes the log: what clients and the operator are told of it.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use storage::aof::AppendError;

use crate::config::os_reason;
use crate::server::Server;

/// A write that goes on failing is in the log of the server so often, as in Redis (`AOF_WRITE_LOG_ERROR_RATE`).
const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(30);

/// What the disk has refused last, and not taken since.
#[derive(Debug, Default)]
pub(super) struct Health {
    write_error: Option<String>,
    sync_error: Option<String>,
    complained_at: Option<Instant>,
}

impl Health {
    /// The last write succeeded, or not. Writes of clients are refused as long as one of the two fails.
    pub(super) fn note_write(&mut self, server: &Server, written: Result<(), &AppendError>) {
        let was_failing = self.write_error.is_some();
        match written {
            Ok(()) if !was_failing => return,
            Ok(()) => {
                tracing::info!("AOF write error looks solved, Keytag can write again.");
                self.complained_at = None;
            }
            Err(error) => self.complain(error),
        }
        let error = written.err().map(reason);
        if self.write_error != error {
            self.write_error = error;
            self.show(server);
        }
    }

    fn complain(&mut self, error: &AppendError) {
        let is_due = self
            .complained_at
            .is_none_or(|at| at.elapsed() > BETWEEN_COMPLAINTS);
        if is_due {
            tracing::warn!("{error}");
            self.complained_at = Some(Instant::now());
        }
    }

    /// What has been written could not be synced, for this reason, or can be now.
    pub(super) fn note_sync(&mut self, server: &Server, error: Option<String>) {
        if self.sync_error == error {
            return;
        }
        match &error {
            Some(error) => tracing::warn!("Fail to fsync the AOF file: {error}"),
            None => tracing::info!("The AOF file can be synced again."),
        }
        self.sync_error = error;
        self.show(server);
    }

    fn show(&self, server: &Server) {
        let error = self.sync_error.as_ref().or(self.write_error.as_ref());
        let status = &server.persist.status;
        status.last_write_ok.store(error.is_none(), Relaxed);
        server.gates.set_log_error(error.cloned());
        server.log.set_failing(error.is_some());
    }
}

/// Redis takes a disk for full that has taken a part of a write, whatever it says of the rest.
fn reason(error: &AppendError) -> String {
    match error.written_bytes {
        0 => os_reason(&error.error),
        _ => os_reason(&io::Error::from_raw_os_error(ENOSPC)),
    }
}

const ENOSPC: i32 = 28;
