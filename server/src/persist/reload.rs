//! The data set taken from disk anew, while every lock is held (`DEBUG RELOAD`, `DEBUG LOADAOF`).
//!
//! Nobody sees it in between, and nothing of it is logged: what comes back is what the files hold. As in Redis, what had
//! been loaded before an error stays.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use storage::db::Db;

use super::Persist;
use super::intake::{Expired, Intake};
use super::load;
use super::snapshots::Failed;
use crate::script::functions::Policy;
use crate::server::Server;

/// How long the writer may take to write what it has.
const WRITER_PATIENCE: Duration = Duration::from_secs(5);

/// How the snapshot file is loaded again.
#[derive(Clone, Copy, Debug)]
pub struct Reload {
    /// It is written first.
    pub saves: bool,
    /// Everything goes before.
    pub flushes: bool,
    /// What is there may be replaced.
    pub merges: bool,
}

/// Why the data set is not what was asked for; the log says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unloaded {
    /// The snapshot could not be written: nothing has changed.
    Unsaved,
    /// The files could not be read to their end.
    Unread,
}

impl Persist {
    /// Loads the snapshot file.
    ///
    /// # Errors
    /// See [`Unloaded`].
    pub fn reload(
        &self,
        server: &'static Server,
        db: &mut Db<'static>,
        reload: Reload,
    ) -> Result<(), Unloaded> {
        if reload.saves {
            let saved = self.snapshots.save_beside(server, db.held());
            saved.map_err(|Failed| Unloaded::Unsaved)?;
        }
        if reload.flushes {
            empty(server, db);
        }
        let file = load::snapshot_file(server).map_err(unread)?;
        let policy = match reload.merges {
            true => Policy::Replace,
            false => Policy::Append,
        };
        let intake = Intake::among(server, Expired::Drop, policy);
        load::read_snapshot(
            server,
            file.ok_or(Unloaded::Unread)?,
            Some(db.held()),
            intake,
        )
        .map_err(unread)?;
        tracing::info!("DB reloaded by DEBUG RELOAD");
        Ok(())
    }

    /// Replays the append-only files.
    ///
    /// # Errors
    /// [`Unloaded::Unread`]; what has not been written yet, or is not of this keyspace, is not begun with.
    pub fn reload_log(
        &self,
        server: &'static Server,
        mut db: Db<'static>,
    ) -> (Db<'static>, Result<(), Unloaded>) {
        if let Err(reason) = self.wait_for_writer(server) {
            return (db, Err(unread(reason)));
        }
        let _files = self.files.lock();
        empty(server, &mut db);
        let mut found = match load::find(server) {
            Ok(found) if found.manifest.replayed().next().is_some() => found,
            Ok(_) => return (db, Err(Unloaded::Unread)),
            Err(reason) => return (db, Err(unread(reason))),
        };
        let (db, replayed) = load::replay_within(server, &mut found, db);
        if let Err(reason) = replayed {
            return (db, Err(unread(reason)));
        }
        self.snapshots.forget_changes(server);
        tracing::info!("Append Only File loaded by DEBUG LOADAOF");
        (db, Ok(()))
    }

    /// Waits until the files hold everything: who holds every lock appends nothing more.
    fn wait_for_writer(&self, server: &Server) -> Result<(), String> {
        if self.tasks.lock().is_none() {
            return Ok(());
        }
        if self.status.is_staged.load(Relaxed) {
            return Err("The append only files do not hold the data set yet".to_owned());
        }
        let (end, began) = (server.log.appended(), Instant::now());
        while server.log.written() < end {
            if began.elapsed() > WRITER_PATIENCE {
                return Err("The append only file cannot be written".to_owned());
            }
            server.log.nudge();
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// Removes all keys and libraries, and lets the memory be freed at once.
fn empty(server: &Server, db: &mut Db<'static>) {
    db.flush(None);
    // Who waits for a key is told that it has gone; not, as in Redis, that it has come with a snapshot.
    let ready = db.changes.ready.iter_mut();
    ready.for_each(|it| it.is_new = false);
    server.functions.flush();
    server
        .lazyfree
        .free(std::mem::take(&mut db.changes.garbage));
}

fn unread(reason: String) -> Unloaded {
    tracing::warn!("{reason}");
    Unloaded::Unread
}
