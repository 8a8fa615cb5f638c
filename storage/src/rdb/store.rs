//! Keys of a file, put into the keyspace.

use super::decode::Decoded;
use super::reader::{Record, Tags};
use crate::entry::Entry;
use crate::evict::{Access, Clock};
use crate::keyspace::{Held, Keyspace, SHARDS};
use crate::shard::Shard;
use crate::table::{Ahead, Place};
use crate::value::Value;

/// So many keys gather before they are stored: some hundred for each shard.
const ENOUGH: usize = 8192;

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
/// They gather by shard, and each lot goes in under one lock: what the places of the next are told by is asked for while
/// the first are stored. Nobody is told of any: while files are loaded there is nobody. Several may bring keys at once.
/// Whoever holds every lock of the keyspace while they come hands that in; the locks are taken one at a time otherwise.
pub struct Arrivals<'k> {
    keyspace: &'k Keyspace,
    storing: Storing,
    waiting: Box<[Vec<Arrival>]>,
    waiting_len: usize,
    /// The shard that is served first: who else brings keys should begin elsewhere.
    first: usize,
}

struct Arrival {
    db: usize,
    hash: u64,
    entry: Entry,
}

impl<'k> Arrivals<'k> {
    /// None so far. `first` tells apart those who bring keys at once.
    pub fn new(keyspace: &'k Keyspace, storing: Storing, first: usize) -> Arrivals<'k> {
        Arrivals {
            keyspace,
            storing,
            waiting: (0..SHARDS).map(|_| Vec::new()).collect(),
            waiting_len: 0,
            first,
        }
    }

    /// Adds a key as a file has it, if it holds anything. `db` is a database that there may be.
    ///
    /// # Errors
    /// [`Duplicate`] if this key, or one that came before it, is there already and stays.
    #[inline]
    pub fn add(
        &mut self,
        held: Option<&mut Held<'_>>,
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
            return self.add_tagged(held, arrival, record.tags);
        }
        self.waiting[Keyspace::shard_of_hash(hash)].push(arrival);
        self.waiting_len += 1;
        match self.waiting_len {
            ENOUGH.. => self.finish(held),
            _ => Ok(()),
        }
    }

    fn add_tagged(
        &mut self,
        held: Option<&mut Held<'_>>,
        arrival: Arrival,
        tags: Tags<'_>,
    ) -> Result<(), Duplicate> {
        let (db, hash) = (arrival.db, arrival.hash);
        let number = Keyspace::shard_of_hash(hash);
        let (keyspace, storing) = (self.keyspace, &self.storing);
        let waiting = &mut self.waiting[number];
        with_shard(keyspace, held, number, |shard| {
            store_all(shard, waiting, storing)?;
            let at = store(shard, arrival, storing)?;
            let partition = shard.partition_mut(db);
            for tag in tags {
                let tag_hash = keyspace.hash(tag);
                let take_name = || keyspace.tag_names(db).hold(tag_hash, tag);
                partition.attach(at, hash as u32, tag_hash, tag, take_name);
            }
            Ok(())
        })
    }

    /// Lets all that have come be stored.
    ///
    /// # Errors
    /// As [`Arrivals::add`].
    pub fn finish(&mut self, mut held: Option<&mut Held<'_>>) -> Result<(), Duplicate> {
        let mut busy = Vec::new();
        for at in 0..SHARDS {
            let number = (self.first + at) % SHARDS;
            let waiting = &mut self.waiting[number];
            if let Some(held) = held.as_deref_mut() {
                let shard = held.get(number).expect("every lock is held");
                store_all(shard, waiting, &self.storing)?;
                continue;
            }
            // Who waited here would then go along with the other from shard to shard.
            match self.keyspace.try_lock_one(number) {
                Some(mut shard) => store_all(&mut shard, waiting, &self.storing)?,
                None => busy.push(number),
            }
        }
        for number in busy {
            let mut shard = self.keyspace.lock_one(number);
            store_all(&mut shard, &mut self.waiting[number], &self.storing)?;
        }
        self.waiting_len = 0;
        Ok(())
    }
}

fn with_shard<R>(
    keyspace: &Keyspace,
    held: Option<&mut Held<'_>>,
    number: usize,
    work: impl FnOnce(&mut Shard) -> R,
) -> R {
    match held {
        Some(held) => work(held.get(number).expect("every lock is held")),
        None => work(&mut keyspace.lock_one(number)),
    }
}

/// Stores what has come for a shard.
fn store_all(
    shard: &mut Shard,
    waiting: &mut Vec<Arrival>,
    storing: &Storing,
) -> Result<(), Duplicate> {
    let prefetch = |shard: &Shard, arrival: &Arrival| {
        if let Some(partition) = shard.partition(arrival.db) {
            partition
                .table()
                .prefetch(arrival.hash as u32, Ahead::Cells);
        }
    };
    let first = waiting.iter().take(AHEAD);
    first.for_each(|arrival| prefetch(shard, arrival));
    let mut waiting = waiting.drain(..);
    while let Some(arrival) = waiting.next() {
        if let Some(later) = waiting.as_slice().get(AHEAD - 1) {
            prefetch(shard, later);
        }
        store(shard, arrival, storing)?;
    }
    Ok(())
}

#[inline]
fn store(shard: &mut Shard, arrival: Arrival, storing: &Storing) -> Result<Place, Duplicate> {
    let Arrival { db, hash, entry } = arrival;
    let partition = shard.partition_mut(db);
    if let Some(at) = partition.find(hash as u32, entry.key()) {
        let is_dead = |it: &Entry| partition.tags().is_dead(it);
        let is_there = partition.get(at).is_some_and(|it| !is_dead(it));
        if is_there && storing.present == Present::Stays {
            let key = entry.key().into();
            return Err(Duplicate { db, key });
        }
        partition.remove(at);
    }
    Ok(partition.insert(hash as u32, entry, storing.clock.now_ms))
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
        let mut arrivals = Arrivals::new(keyspace, storing, 5);
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
        for keys in [0, 1, 1_000, ENOUGH, 5 * ENOUGH / 2] {
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
        for (keys, twice) in [
            (1, 0),
            (5, 3),
            (1_000, 0),
            (1_000, 999),
            (1_000, 501),
            (2 * ENOUGH, 1),
        ] {
            let found = load(&Keyspace::default(), &file(keys, Some(twice)));
            let key = format!("{twice:06}").into_bytes().into();
            assert_eq!(found, Err(Duplicate { db: 3, key }));
        }
    }
}
