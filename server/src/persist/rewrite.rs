//! Writing the base of a rewritten log: the keyspace as it was at one moment, while it goes on changing.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use storage::aof::{FinishedBase, RewriteFiles};

use super::turn::Turn;
use super::walk::{give_up, walk};
use super::writer::Task;
use crate::server::Server;

/// Starts the thread. Without files the snapshot is given up, and only walked to its end.
///
/// The libraries of functions are those of the moment of the snapshot.
///
/// # Errors
/// If the system gives no more threads; the snapshot is given up then.
pub(super) fn start(
    server: &'static Server,
    files: Option<(RewriteFiles, Vec<Arc<[u8]>>)>,
    tasks: SyncSender<Task>,
    turn: Turn,
) -> io::Result<()> {
    // The turn lasts until the snapshot is given up, also where there is no thread to do it.
    let (hand, handed) = sync_channel(1);
    let thread = std::thread::Builder::new().name("rewrite".to_owned());
    let spawned = thread.spawn(move || {
        let Ok(turn) = handed.recv() else { return };
        let base = match files {
            Some((files, libraries)) => write_base(server, files, &libraries),
            None => {
                give_up(server);
                Err("given up".to_owned())
            }
        };
        // A writer that has ended has ended the rewrite with it.
        let _ = tasks.send(Task::BaseDone(base, turn));
        server.log.nudge();
    });
    if let Err(error) = spawned {
        give_up(server);
        return Err(error);
    }
    hand.send(turn).expect("the thread waits for it");
    Ok(())
}

fn write_base(
    server: &Server,
    mut files: RewriteFiles,
    libraries: &[Arc<[u8]>],
) -> Result<FinishedBase, String> {
    let mut current = None;
    let mut records = library_records(libraries);
    let written = walk(server, |slice| {
        files.write_all(&std::mem::take(&mut records))?;
        if current != Some(slice.db) {
            let number = slice.db.to_string();
            let mut select = Vec::new();
            protocol::encode_request([&b"SELECT"[..], number.as_bytes()].into_iter(), &mut select);
            files.write_all(&select)?;
            current = Some(slice.db);
        }
        files.write_all(&slice.draft.bytes)
    });
    written
        .and_then(|()| files.write_all(&records))
        .and_then(|()| files.finish())
        .map_err(|error| error.to_string())
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
