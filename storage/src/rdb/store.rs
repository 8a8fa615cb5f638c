//! Keys of a file, put into the keyspace.

use std::collections::VecDeque;

use super::decode::Decoded;
use super::reader::{Record, Tags};
use crate::entry::Entry;
use crate::evict::{Access, Clock};
use crate::keyspace::{Held, Keyspace};
use crate::shard::Shard;
use crate::table::{Ahead, Place};
use crate::value::Value;

/// As many keys are on their way at once as a core has cache misses in flight, about.
const AHEAD: usize = 16;

/// How keys of files are held.
#[derive(Clone, Copy, Debug)]
pub struct Storing {
    /// How accesses are recorded.
    pub access: Access,
    /// Now, and what else accesses are recorded by.
    pub clock: Clock,
    /// Strings longer than this are packed; 0 for none.
    pub compression_threshold: usize,
    /// What becomes of a key that is there already.
    pub present: Present,
}

/// What becomes of a key that is there when the same one comes from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// It stays, and the other is refused.
    Stays,
    /// It goes.
    Goes,
}

/// A key that a file holds twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// Its database.
    pub db: usize,
    /// Its name.
    pub key: Box<[u8]>,
}

/// Keys on their way from a file into the keyspace.
///
/// Each waits for some that come behind it: what its place in the table is told by is asked for when it comes, and
/// there when it is its turn. Nobody is told of any: while files are loaded there is nobody. Whoever holds every lock
/// of the keyspace while they come hands that in; the locks are taken one at a time otherwise.
pub struct Arrivals<'k> {
    keyspace: &'k Keyspace,
    storing: Storing,
    waiting: VecDeque<Arrival>,
}

struct Arrival {
    db: usize,
    hash: u64,
    entry: Entry,
}

impl<'k> Arrivals<'k> {
    /// None so far.
    pub fn new(keyspace: &'k Keyspace, storing: Storing) -> Arrivals<'k> {
        Arrivals {
            keyspace,
            storing,
            waiting: VecDeque::with_capacity(AHEAD + 1),
        }
    }

    /// Adds a key as a file has it, if it holds anything. `db` is a database that there may be.
    ///
    /// # Errors
    /// [`Duplicate`] if this key, or one that came some time before it, is there already and stays.
    #[inline]
    pub fn add(
        &mut self,
        mut held: Option<&mut Held<'_>>,
        db: usize,
        record: Record<'_>,
    ) -> Result<(), Duplicate> {
        let Some(value) = record.value else {
            return Ok(());
        };
        let Storing { access, clock, .. } = self.storing;
        let word = access.recalled(clock, record.past);
        let threshold = self.storing.compression_threshold;
        let entry = value.into_entry(record.key, word, record.expiry_ms, threshold);
        let hash = self.keyspace.hash(record.key);
        let arrival = Arrival { db, hash, entry };
        if !record.tags.is_empty() {
            let at = self.store(held.as_deref_mut(), arrival)?;
            self.tag(held, (db, hash, at), record.tags);
            return Ok(());
        }
        self.keyspace.prefetch(hash, db, Ahead::Cells);
        self.waiting.push_back(arrival);
        if self.waiting.len() > AHEAD {
            self.store_first(held)?;
        }
        Ok(())
    }

    /// Lets all that have come be stored.
    ///
    /// # Errors
    /// As [`Arrivals::add`].
    pub fn finish(mut self, mut held: Option<&mut Held<'_>>) -> Result<(), Duplicate> {
        while !self.waiting.is_empty() {
            self.store_first(held.as_deref_mut())?;
        }
        Ok(())
    }

    #[inline]
    fn store_first(&mut self, held: Option<&mut Held<'_>>) -> Result<(), Duplicate> {
        match self.waiting.pop_front() {
            Some(first) => self.store(held, first).map(drop),
            None => Ok(()),
        }
    }

    #[inline]
    fn store(&self, held: Option<&mut Held<'_>>, arrival: Arrival) -> Result<Place, Duplicate> {
        let Arrival { db, hash, entry } = arrival;
        let Storing { clock, present, .. } = self.storing;
        self.with_shard(held, hash, |shard| {
            let partition = shard.partition_mut(db);
            if let Some(at) = partition.find(hash as u32, entry.key()) {
                let is_dead = |it: &Entry| partition.tags().is_dead(it);
                let is_there = partition.get(at).is_some_and(|it| !is_dead(it));
                if is_there && present == Present::Stays {
                    let key = entry.key().into();
                    return Err(Duplicate { db, key });
                }
                partition.remove(at);
            }
            Ok(partition.insert(hash as u32, entry, clock.now_ms))
        })
    }

    fn tag(
        &self,
        held: Option<&mut Held<'_>>,
        (db, hash, at): (usize, u64, Place),
        tags: Tags<'_>,
    ) {
        self.with_shard(held, hash, |shard| {
            let partition = shard.partition_mut(db);
            for tag in tags {
                let tag_hash = self.keyspace.hash(tag);
                let take_name = || self.keyspace.tag_names(db).hold(tag_hash, tag);
                partition.attach(at, hash as u32, tag_hash, tag, take_name);
            }
        });
    }

    #[inline]
    fn with_shard<R>(
        &self,
        held: Option<&mut Held<'_>>,
        hash: u64,
        work: impl FnOnce(&mut Shard) -> R,
    ) -> R {
        let number = Keyspace::shard_of_hash(hash);
        match held {
            Some(held) => work(held.get(number).expect("every lock is held")),
            None => work(&mut self.keyspace.lock_one(number)),
        }
    }
}

impl Decoded<'_> {
    /// An entry that holds the value.
    pub(crate) fn into_entry(
        self,
        key: &[u8],
        access: u32,
        expiry_ms: Option<i64>,
        compression_threshold: usize,
    ) -> Entry {
        match self {
            Decoded::Object(object) => Entry::with_object(key, object.into(), access, expiry_ms),
            Decoded::String(value) => {
                let value: Value<'_> = value.packed(compression_threshold);
                Entry::new(key, value, access, expiry_ms)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evict::Past;
    use crate::rdb::{Checksum, Piece, Reader};
    use crate::value::Limits;

    /// A file of version 3, which has no checksum, with so many keys, and with one of them once more.
    fn file(keys: usize, twice: Option<usize>) -> Vec<u8> {
        let mut file = b"REDIS0003".to_vec();
        for number in (0..keys).chain(twice) {
            if number % 10 == 0 {
                file.extend(b"\xfa\x0bkeytag-tags\x03\x02ab");
            }
            file.extend(b"\0\x06");
            file.extend(format!("{number:06}").bytes());
            file.extend(b"\x01v");
        }
        file.push(0xff);
        file
    }

    fn load(keyspace: &Keyspace, file: &[u8]) -> Result<(), Duplicate> {
        let storing = Storing {
            access: Access::Time,
            clock: keyspace.clock(1_000),
            compression_threshold: 0,
            present: Present::Stays,
        };
        let mut arrivals = Arrivals::new(keyspace, storing);
        let mut reader =
            Reader::new(file, Limits::default(), Checksum::Verify).expect("a snapshot");
        while let Some(piece) = reader.next_piece().expect("a whole file") {
            if let Piece::Entry(record) = piece {
                assert_eq!(record.past, Past::Unknown);
                arrivals.add(None, 3, record)?;
            }
        }
        arrivals.finish(None)
    }

    #[test]
    fn every_key_arrives_once() {
        for keys in [0, 1, AHEAD, AHEAD + 1, 1_000] {
            let keyspace = Keyspace::default();
            assert_eq!(load(&keyspace, &file(keys, None)), Ok(()));
            let (mut found, mut tagged) = (0, 0);
            keyspace.for_each_entry(3, 0, |entry| {
                found += 1;
                tagged += usize::from(entry.is_tagged());
            });
            assert_eq!((found, tagged), (keys, keys.div_ceil(10)));
        }
    }

    #[test]
    fn a_key_that_comes_twice_is_named_wherever_it_stands() {
        for (keys, twice) in [(1, 0), (5, 3), (1_000, 0), (1_000, 999), (1_000, 501)] {
            let found = load(&Keyspace::default(), &file(keys, Some(twice)));
            let key = format!("{twice:06}").into_bytes().into();
            assert_eq!(found, Err(Duplicate { db: 3, key }));
        }
    }
}
