//! The records of one execution unit: a command, or all commands of a transaction.

use protocol::Args;
use storage::db::Db;

use crate::command::Effects;
use crate::persist::log::{Basis, Log};
use crate::server::Server;
use crate::tracking::Changed;

/// Memory kept for the next unit.
const KEPT_BYTES: usize = 64 * 1024;

/// Records that belong together, and how many changes they stand for.
#[derive(Debug, Default)]
pub struct Unit {
    bytes: Vec<u8>,
    /// (database, end in `bytes`) of each record.
    records: Vec<(usize, usize)>,
    dirty: u64,
    /// Keys of which a broadcast is due to those who keep copies.
    pub changed: Vec<Changed>,
}

impl Unit {
    /// Takes what a command has changed and decides what of it is logged.
    ///
    /// Keys that went on the way are logged first, then the command: as it was sent, or what its handler
    /// put in its place. A command that changed nothing is not logged.
    #[inline]
    pub fn gather(
        &mut self,
        db: &mut Db<'_>,
        effects: &mut Effects,
        args: &Args<'_>,
        server: &Server,
    ) {
        let dirty = std::mem::take(&mut db.changes.dirty);
        self.dirty += dirty;
        if !server.log.is_on() {
            db.changes.removals.clear();
            effects.clear();
            return;
        }
        for removal in db.changes.removals.drain(..) {
            let word = server.settings.removal_word(removal.cause);
            let whole = [word, &removal.key];
            match &removal.field {
                None => protocol::encode_request(whole.into_iter(), &mut self.bytes),
                Some(field) => {
                    let one = [b"HDEL", &*removal.key, field];
                    protocol::encode_request(one.into_iter(), &mut self.bytes);
                }
            }
            self.records.push((removal.db, self.bytes.len()));
        }
        if effects.is_replaced() {
            for record in effects.records() {
                self.bytes.extend_from_slice(record);
                self.records.push((db.index, self.bytes.len()));
            }
        } else if dirty > 0 {
            protocol::encode_request(args.iter(), &mut self.bytes);
            self.records.push((db.index, self.bytes.len()));
        }
        effects.clear();
    }

    /// Appends the records while the locks are held, and starts anew: (changes, what the reply rests on).
    ///
    /// A reader rests on the last change of the shards it has seen, so that nobody is told of a value
    /// that a crash could take back.
    #[inline]
    pub fn commit(&mut self, db: &mut Db<'_>, log: &Log) -> (u64, Basis) {
        if !log.is_on() {
            return (std::mem::take(&mut self.dirty), Basis::default());
        }
        let end = if self.records.is_empty() {
            0
        } else {
            log.append(self.iter())
        };
        let mut seen = end;
        for shard in db.held().iter() {
            shard.log_offset = shard.log_offset.max(end);
            seen = seen.max(shard.log_offset);
        }
        self.records.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
        let basis = Basis { changed: end, seen };
        (std::mem::take(&mut self.dirty), basis)
    }

    /// Forgets the records: what is carried out is in the log already.
    pub fn forget(&mut self) {
        self.records.clear();
        self.bytes.clear();
        self.changed.clear();
        self.dirty = 0;
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &[u8])> {
        (0..self.records.len()).map(|index| {
            let start = index
                .checked_sub(1)
                .map_or(0, |before| self.records[before].1);
            let (db, end) = self.records[index];
            (db, &self.bytes[start..end])
        })
    }
}
