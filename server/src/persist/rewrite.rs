//! Writing the base of a rewritten log: the keyspace as it was at one moment, while it goes on changing.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use storage::aof::{FinishedBase, RewriteFiles};
use storage::keyspace::SHARDS;

use super::writer::Task;
use crate::server::Server;

/// Slots of a partition handed over under one lock: some tens of microseconds for small values.
const SLOTS: usize = 256;

/// Starts the thread. Without files the snapshot, which was given up, is only walked to its end.
///
/// The libraries of functions are those of the moment of the snapshot.
pub(super) fn start(
    server: &'static Server,
    files: Option<(RewriteFiles, Vec<Arc<[u8]>>)>,
    tasks: SyncSender<Task>,
) {
    let thread = std::thread::Builder::new().name("rewrite".to_owned());
    let spawned = thread.spawn(move || {
        let base = match files {
            Some((files, libraries)) => write_base(server, files, &libraries),
            None => walk(server, |_, _| Ok(()))
                .map_err(|error| error.to_string())
                .and_then(|()| Err("given up".to_owned())),
        };
        // A writer that has ended has ended the rewrite with it.
        let _ = tasks.send(Task::BaseDone(base));
        server.log.nudge();
    });
    if let Err(error) = spawned {
        tracing::warn!("Can't start the thread of the rewrite: {error}");
    }
}

fn write_base(
    server: &Server,
    mut files: RewriteFiles,
    libraries: &[Arc<[u8]>],
) -> Result<FinishedBase, String> {
    let mut current = None;
    let mut records = library_records(libraries);
    let written = walk(server, |db, bytes| {
        files.write_all(&std::mem::take(&mut records))?;
        if current != Some(db) {
            let number = db.to_string();
            let mut select = Vec::new();
            protocol::encode_request([&b"SELECT"[..], number.as_bytes()].into_iter(), &mut select);
            files.write_all(&select)?;
            current = Some(db);
        }
        files.write_all(bytes)
    });
    match written.and_then(|()| files.write_all(&records)) {
        Ok(()) => files.finish().map_err(|error| error.to_string()),
        Err(error) => {
            server.keyspace.abandon_snapshot();
            // Cannot fail: what is walked is thrown away.
            let _ = walk(server, |_, _| Ok(()));
            Err(error.to_string())
        }
    }
}

/// What loads the libraries again.
fn library_records(libraries: &[Arc<[u8]>]) -> Vec<u8> {
    let mut records = Vec::new();
    for text in libraries {
        let words: [&[u8]; 3] = [b"FUNCTION", b"LOAD", text];
        protocol::encode_request(words.into_iter(), &mut records);
    }
    records
}

/// Hands over the whole snapshot, (database, records) at a time, shard by shard.
fn walk(
    server: &Server,
    mut write: impl FnMut(usize, &[u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    for shard in 0..SHARDS {
        while let Some(slice) = server.keyspace.snapshot_some(shard, SLOTS) {
            if !slice.draft.is_empty() {
                write(slice.db, &slice.draft.bytes)?;
            }
        }
    }
    Ok(())
}
