//! Writing the base of a rewritten log: the keyspace as it was at one moment, while it goes on changing.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use storage::aof::{BaseFormat, FinishedBase, FirstBase, RewriteFiles};
use storage::keyspace::{Held, ShardSet};
use storage::snapshot::Encode;

use super::encode;
use super::snapshots::Begun;
use super::snapshots::file::{self, Role};
use super::turn::Turn;
use super::walk::{give_up, walk};
use super::writer::Task;
use crate::config::{options, os_reason};
use crate::server::Server;

/// Starts the thread. Without files, for the reason given, the snapshot is given up, and only walked to its end.
///
/// # Errors
/// If the system gives no more threads; the snapshot is given up then.
pub(super) fn start(
    server: &'static Server,
    files: Result<(RewriteFiles, Base), String>,
    tasks: SyncSender<Task>,
    turn: Turn,
) -> io::Result<()> {
    // The turn lasts until the snapshot is given up, also where there is no thread to do it.
    let (hand, handed) = sync_channel(1);
    let thread = std::thread::Builder::new().name("rewrite".to_owned());
    let spawned = thread.spawn(move || {
        let Ok(turn) = handed.recv() else { return };
        let base = match files {
            Ok((files, base)) => base.write(server, files),
            Err(error) => {
                give_up(server);
                Err(error)
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

/// The base of a log that begins with nothing, as Redis makes it.
///
/// # Errors
/// None that a vector does not have.
pub(super) fn first(server: &Server) -> io::Result<FirstBase> {
    if !server.settings.config.get(options::AOF_USE_RDB_PREAMBLE) {
        return Ok(FirstBase {
            bytes: server.log.stamp(),
            format: BaseFormat::Aof,
        });
    }
    let begun = Begun::now(server, &mut server.keyspace.lock(ShardSet::ALL));
    let writer = file::begin(server, &begun, Vec::new(), Role::Base)?;
    Ok(FirstBase {
        bytes: writer.finish()?,
        format: BaseFormat::Rdb,
    })
}

/// What a base is made of, besides the keys of the moment.
pub(super) enum Base {
    /// Commands (`aof-use-rdb-preamble no`), behind the texts of libraries.
    Commands(Vec<Arc<[u8]>>),
    /// A snapshot.
    Snapshot(Begun),
}

impl Base {
    /// What is there now, in the form that the configuration asks for; every lock is held.
    pub(super) fn now(server: &Server, held: &mut Held<'_>) -> Base {
        let begun = Begun::now(server, held);
        server.persist.status.begin_walk(&begun.totals);
        match server.settings.config.get(options::AOF_USE_RDB_PREAMBLE) {
            true => Base::Snapshot(begun),
            false => Base::Commands(server.functions.texts()),
        }
    }

    /// How its entries are written.
    pub(super) fn encode(&self, server: &Server) -> Arc<dyn Encode> {
        match self {
            Base::Commands(_) => Arc::new(encode::Records),
            Base::Snapshot(begun) => Arc::new(begun.entries(server)),
        }
    }

    fn write(&self, server: &Server, files: RewriteFiles) -> Result<FinishedBase, String> {
        let written = match self {
            Base::Commands(libraries) => write_commands(server, files, libraries),
            Base::Snapshot(begun) => write_snapshot(server, files, begun),
        };
        written.map_err(|error| os_reason(&error))
    }
}

fn write_snapshot(server: &Server, files: RewriteFiles, begun: &Begun) -> io::Result<FinishedBase> {
    let mut writer =
        file::begin(server, begun, files, Role::Base).inspect_err(|_| give_up(server))?;
    walk(server, |slice| writer.entries(slice.db, &slice.draft))?;
    writer.finish()?.finish_snapshot()
}

fn write_commands(
    server: &Server,
    mut files: RewriteFiles,
    libraries: &[Arc<[u8]>],
) -> io::Result<FinishedBase> {
    let mut current = None;
    let mut records = server.log.stamp();
    add_libraries(libraries, &mut records);
    walk(server, |slice| {
        files.write_block(&std::mem::take(&mut records))?;
        if current != Some(slice.db) {
            let number = slice.db.to_string();
            let mut select = Vec::new();
            protocol::encode_request([&b"SELECT"[..], number.as_bytes()].into_iter(), &mut select);
            files.write_block(&select)?;
            current = Some(slice.db);
        }
        files.write_block(&slice.draft.bytes)
    })?;
    files.write_block(&records)?;
    files.finish()
}

/// Adds what loads the libraries again.
fn add_libraries(libraries: &[Arc<[u8]>], records: &mut Vec<u8>) {
    for text in libraries {
        let words: [&[u8]; 3] = [b"FUNCTION", b"LOAD", text];
        protocol::encode_request(words.into_iter(), records);
    }
}
