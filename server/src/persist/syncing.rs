//! A sync of the log beside its writer, which goes on writing.
//!
//! What is written outlives the process, and a disk may take seconds to sync it: whoever waited for that would lose
//! with a kill what clients have been told is there.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Instant;

use storage::aof::Log as File;

use crate::server::Server;

/// A sync under way.
pub(super) struct Syncing {
    done: Receiver<io::Result<()>>,
    /// The offset of the log up to which everything is on disk if it succeeds.
    pub(super) end: u64,
    pub(super) began: Instant,
}

impl Syncing {
    /// Begins it, on a thread of its own.
    ///
    /// # Errors
    /// If the system gives no thread, or no second handle on the file.
    pub(super) fn begin(server: &'static Server, file: &File, end: u64) -> io::Result<Syncing> {
        let file = file.try_clone_file()?;
        let (send, done) = sync_channel(1);
        let thread = std::thread::Builder::new().name("aof-sync".to_owned());
        thread.spawn(move || {
            // The writer ends only after it has waited for this.
            let _ = send.send(file.sync_data());
            server.log.nudge();
        })?;
        Ok(Syncing {
            done,
            end,
            began: Instant::now(),
        })
    }

    /// How it has ended, if it has.
    pub(super) fn poll(&self) -> Option<io::Result<()>> {
        match self.done.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Waits for its end, and gives how that was.
    pub(super) fn wait(&self) -> io::Result<()> {
        let ended = self.done.recv();
        ended.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}
