//! `DEBUG RELOAD` and `DEBUG LOADAOF`: the data set as the files have it.

use storage::db::Db;
use storage::keyspace::ShardSet;

use crate::command::{Args, Ctx, Error, Result, Words};
use crate::persist::reload::{Reload, Unloaded};

pub(super) fn of_snapshot(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let mut reload = Reload {
        saves: true,
        flushes: true,
        merges: false,
    };
    for index in 2..args.len() {
        if args.is(index, "MERGE") {
            reload.merges = true;
        } else if args.is(index, "NOFLUSH") {
            reload.flushes = false;
        } else if args.is(index, "NOSAVE") {
            reload.saves = false;
        } else {
            return Err(Error::ReloadOption);
        }
    }
    let (server, dirty) = (cx.server, cx.db.changes.dirty);
    let reloaded = server.persist.reload(server, &mut cx.db, reload);
    cx.db.changes.dirty = dirty;
    match reloaded {
        Ok(()) => cx.reply.ok(),
        Err(Unloaded::Unsaved) => Err(Error::SaveFailed),
        Err(Unloaded::Unread) => Err(Error::ReloadFailed),
    }
}

pub(super) fn of_log(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let (server, dirty) = (cx.server, cx.db.changes.dirty);
    let nothing = server.keyspace.lock(ShardSet::NONE);
    let empty = Db::new(&server.keyspace, nothing, cx.db.index, cx.db.moment);
    let db = std::mem::replace(&mut cx.db, empty);
    let (db, reloaded) = server.persist.reload_log(server, db);
    cx.db = db;
    cx.db.changes.dirty = dirty;
    reloaded.map_err(|_| Error::ReloadLogFailed)?;
    cx.reply.ok()
}
