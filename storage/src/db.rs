//! What a command sees of the keyspace: one database, the shards it has locked, and a moment in time.
//!
//! Every change is made here or through an [`Edit`], and each names its keyspace event, so no change can
//! go unnoticed: it is counted, watchers are told, and whoever executes the command learns of it
//! from [`Changes`].

mod edit;
mod fields;
mod restore;
mod tags;

pub use self::edit::{Edit, EditOf};
pub use self::fields::Asked;
pub use self::tags::Invalidated;
use crate::entry::Entry;
use crate::evict::{Access, Clock};
use crate::keyspace::{Cause, Census, Held, Keyspace, Lookups, SHARDS, ShardSet};
use crate::names::NameUse;
use crate::partition::Partition;
use crate::shard::{Shard, WatchFlag};
use crate::table::Place;
use crate::value::{Collection, Object, Spent, Str, Value};
use crate::waiters::Waiter;

/// What happened to a key, in the words of keyspace notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The class's letter in `notify-keyspace-events`.
    pub class: u8,
    /// The event's name.
    pub name: &'static str,
}

impl Event {
    /// Key deleted.
    pub const DEL: Event = Event::generic("del");
    /// Key expired.
    pub const EXPIRED: Event = Event {
        class: b'x',
        name: "expired",
    };
    /// Key evicted.
    pub const EVICTED: Event = Event {
        class: b'e',
        name: "evicted",
    };

    /// No event: a change of which those are told who watch the key, or keep a copy of it.
    pub const UNSAID: Event = Event { class: 0, name: "" };

    /// Fields of a hash expired.
    pub const HASH_EXPIRED: Event = Event::hash("hexpired");
    /// Key created.
    pub const NEW: Event = Event {
        class: b'n',
        name: "new",
    };
    /// Key looked for in vain.
    pub const MISS: Event = Event {
        class: b'm',
        name: "keymiss",
    };
    /// Tag invalidated: the event of a tag, not of a key.
    pub const TAG_INVALIDATED: Event = Event::generic("taginvalidate");

    /// An event of any type.
    pub const fn generic(name: &'static str) -> Event {
        Event { class: b'g', name }
    }

    /// An event of strings.
    pub const fn string(name: &'static str) -> Event {
        Event { class: b'$', name }
    }

    /// An event of lists.
    pub const fn list(name: &'static str) -> Event {
        Event { class: b'l', name }
    }

    /// An event of hashes.
    pub const fn hash(name: &'static str) -> Event {
        Event { class: b'h', name }
    }

    /// An event of sets.
    pub const fn set(name: &'static str) -> Event {
        Event { class: b's', name }
    }

    /// An event of sorted sets.
    pub const fn zset(name: &'static str) -> Event {
        Event { class: b'z', name }
    }

    /// An event of streams.
    pub const fn stream(name: &'static str) -> Event {
        Event { class: b't', name }
    }
}

/// A key that was removed on the way, because its time had passed or its tag was invalidated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The field that went, if it was not the key as a whole.
    pub field: Option<Box<[u8]>>,
    /// Its database.
    pub db: usize,
    /// Its name.
    pub key: Box<[u8]>,
    /// Why.
    pub cause: Cause,
}

/// What those who listen are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The database.
    pub db: usize,
    /// The event.
    pub event: Event,
    /// The key, or the tag.
    pub key: Box<[u8]>,
    /// Whether whoever keeps a copy of the key must drop it.
    pub is_change: bool,
}

/// That a key holds a value of another type than the command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType;

/// What a command has done to the keyspace.
#[derive(Default)]
pub struct Changes {
    /// How many changes, in Redis' sense of `rdb_changes_since_last_save`.
    pub dirty: u64,
    /// Keys removed on the way.
    pub removals: Vec<Removal>,
    /// Events, if somebody listens.
    pub events: Vec<Told>,
    /// All keys of a database have gone.
    pub is_flushed: bool,
    /// What takes long to free, to be dropped after unlocking.
    pub garbage: Vec<Garbage>,
    /// Keys that somebody waits for and that have changed, in the order of the changes.
    pub ready: Vec<Ready>,
}

/// A key that somebody waits for and that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its database.
    pub db: usize,
    /// Its name.
    pub key: Box<[u8]>,
    /// Whether it was not there before. Redis tells nobody else who waits for a list or a sorted set
    /// (`dbAdd`, db.c): not even when one takes the place of another value.
    pub is_new: bool,
}

/// Memory to be freed after unlocking.
pub enum Garbage {
    /// One large entry.
    Entry(Entry),
    /// A large value that another has taken the place of, or a part of one.
    Value(Spent),
    /// A whole database's part of a shard.
    Partition(Box<Partition>),
}

impl Garbage {
    /// An entry that takes long to free; any other is freed here.
    pub(crate) fn of(entry: Entry) -> Option<Garbage> {
        (entry.heap_bytes() >= GARBAGE_BYTES).then_some(Garbage::Entry(entry))
    }
}

/// How expiry and accesses are treated.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Now, milliseconds since 1970; stands still while a command or transaction runs.
    pub now_ms: i64,
    /// How accesses are recorded.
    pub access: Access,
    /// Whether reads record an access.
    pub touch: Touch,
    /// What becomes of expired keys that are met.
    pub expiry: WhenExpired,
    /// Which events are collected.
    pub listeners: Listeners,
    /// Strings longer than this are packed when they are written; 0 for none.
    pub compression_threshold: usize,
}

/// Which events somebody wants to hear of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Those of keys that change.
    pub of_changes: bool,
    /// Those of keys that are created, beside the change that creates them.
    pub of_creations: bool,
    /// Those of keys that are looked for in vain.
    pub of_misses: bool,
    /// Copies of keys are kept, to be dropped when these change.
    pub has_copies: bool,
}

/// Whether reads record an access (`CLIENT NO-TOUCH`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// They do.
    Yes,
    /// They do not.
    No,
}

/// What becomes of an expired key that is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenExpired {
    /// It is removed.
    Remove,
    /// It is not there, but stays in memory (while writes are paused).
    Hide,
    /// It is there (while the log is replayed: the log says when keys go).
    Keep,
}

/// What becomes of the expiry of a key that is overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It has none afterwards.
    Clear,
    /// It keeps the one it had.
    Keep,
    /// It expires then: milliseconds since 1970.
    At(i64),
}

/// What becomes of the tags of a key that is overwritten.
#[derive(Clone, Copy, Debug)]
pub enum NewTags<'a> {
    /// They go.
    Clear,
    /// They stay.
    Keep,
    /// These take their place.
    Replace(protocol::Args<'a>),
}

/// An entry taken out of the keyspace, or copied, with what belongs to it.
pub struct Detached {
    entry: Entry,
    expiry_ms: Option<i64>,
    /// That it was taken out. Told of when it is placed: only then has anything happened.
    left: Option<Told>,
    /// In use all the way, so that nobody who scans the names misses them.
    tags: Vec<NameUse>,
}

/// The view of a command.
pub struct Db<'k> {
    keyspace: &'k Keyspace,
    held: Held<'k>,
    /// The selected database.
    pub index: usize,
    /// Time and habits.
    pub moment: Moment,
    /// What has been done so far.
    pub changes: Changes,
}

/// Entries and values of at least so many bytes are freed after unlocking.
const GARBAGE_BYTES: usize = 64 * 1024;

impl<'k> Db<'k> {
    /// A view of database `index` through locks already taken.
    pub fn new(keyspace: &'k Keyspace, held: Held<'k>, index: usize, moment: Moment) -> Db<'k> {
        Db {
            keyspace,
            held,
            index,
            moment,
            changes: Changes::default(),
        }
    }

    /// Takes the locks of more shards, and of those that are needed to serve who waits for keys there. See
    /// [`Keyspace::grow`] for who may.
    #[inline]
    pub fn reach(&mut self, wanted: ShardSet) {
        let mut missing = wanted.without(self.held.set());
        while !missing.is_empty() {
            self.keyspace.grow(&mut self.held, missing);
            missing = self.held.missing_for_waiters();
        }
    }

    /// The locked shards, to leave the log's offset in them.
    pub fn held(&mut self) -> &mut Held<'k> {
        &mut self.held
    }

    /// The keyspace behind.
    pub fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }

    /// What accesses are recorded by.
    #[inline]
    pub fn clock(&self) -> Clock {
        self.keyspace.clock(self.moment.now_ms)
    }

    fn place(&self, key: &[u8]) -> (usize, u32) {
        let hash = self.keyspace.hash(key);
        (Keyspace::shard_of_hash(hash), hash as u32)
    }

    fn shard(&mut self, number: usize) -> &mut Shard {
        self.held
            .get(number)
            .expect("the lock plan covers every key that the command names")
    }

    /// Finds a live key; one that has expired or was invalidated is removed on the way.
    #[inline]
    fn locate(&mut self, db: usize, key: &[u8]) -> Option<(usize, Place)> {
        let (number, hash) = self.place(key);
        let now_ms = self.moment.now_ms;
        let when_expired = self.moment.expiry;
        let partition = self.shard(number).partition(db)?;
        let at = partition.find(hash, key)?;
        let entry = partition.get(at)?;
        let is_expired = entry.is_expired(now_ms) && when_expired != WhenExpired::Keep;
        let is_dead = partition.tags().is_dead(entry);
        if !is_expired && !is_dead {
            return Some((number, at));
        }
        if when_expired != WhenExpired::Hide {
            let cause = if is_dead {
                Cause::Invalidated
            } else {
                Cause::Expired
            };
            self.remove_on_the_way(number, db, at, cause);
        }
        None
    }

    #[cold]
    fn remove_on_the_way(&mut self, number: usize, db: usize, at: Place, cause: Cause) {
        let shard = self.shard(number);
        let Some(entry) = shard.partition_mut(db).remove(at) else {
            return;
        };
        shard.expired += u64::from(cause == Cause::Expired);
        let key: Box<[u8]> = entry.key().into();
        if shard.has_watches() {
            shard.notify_watches_of_gone(db, &key);
        }
        if !shard.waiters.is_empty() {
            self.make_ready(number, db, &key, false);
        }
        if self.moment.listeners.of_changes {
            let event = if cause == Cause::Expired {
                Event::EXPIRED
            } else {
                Event::DEL
            };
            self.push_event(db, event, &key, true);
        }
        self.changes.removals.push(Removal {
            field: None,
            db,
            key,
            cause,
        });
        self.discard(entry);
    }

    /// Where a key is that is about to be written. One that has run out but was left in memory
    /// ([`WhenExpired::Hide`]: writes were paused after this one was let through) makes way.
    #[inline]
    fn locate_or_clear(&mut self, db: usize, key: &[u8]) -> Option<(usize, Place)> {
        let found = self.locate(db, key);
        if found.is_none() && self.moment.expiry == WhenExpired::Hide {
            self.remove_hidden(db, key);
        }
        found
    }

    #[cold]
    fn remove_hidden(&mut self, db: usize, key: &[u8]) {
        let (number, hash) = self.place(key);
        let Some(partition) = self.shard(number).partition(db) else {
            return;
        };
        let Some(at) = partition.find(hash, key) else {
            return;
        };
        let is_dead = partition
            .get(at)
            .is_some_and(|entry| partition.tags().is_dead(entry));
        let cause = if is_dead {
            Cause::Invalidated
        } else {
            Cause::Expired
        };
        self.remove_on_the_way(number, db, at, cause);
    }

    fn discard(&mut self, entry: Entry) {
        self.changes.garbage.extend(Garbage::of(entry));
    }

    fn discard_value(&mut self, spent: Option<Spent>) {
        if let Some(spent) = spent
            && spent.heap_bytes() >= GARBAGE_BYTES
        {
            self.changes.garbage.push(Garbage::Value(spent));
        }
    }

    /// Lets a part that was taken off a collection be freed after unlocking, if that takes long.
    pub fn discard_part(&mut self, part: impl Into<Object>) {
        self.discard_value(Some(Spent::Object(Box::new(part.into()))));
    }

    /// The entry of a key, as a reader gets it: counted as hit or miss, its access recorded.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<&Entry> {
        self.read_located(key).map(|(_, entry)| entry)
    }

    /// The same, with where it is.
    #[inline]
    fn read_located(&mut self, key: &[u8]) -> Option<((usize, Place), &Entry)> {
        let Some((number, at)) = self.locate(self.index, key) else {
            self.miss(key);
            return None;
        };
        let Moment { access, touch, .. } = self.moment;
        let (db, clock) = (self.index, self.clock());
        let shard = self.shard(number);
        shard.hits += 1;
        let entry = shard.partition_mut(db).touch(at)?;
        if touch == Touch::Yes {
            entry.put_access(access.touched(entry.access(), clock));
        }
        Some(((number, at), entry))
    }

    /// Counts that a key was looked for in vain.
    #[inline]
    fn miss(&mut self, key: &[u8]) {
        let (number, _) = self.place(key);
        self.shard(number).misses += 1;
        if self.moment.listeners.of_misses {
            self.push_event(self.index, Event::MISS, key, false);
        }
    }

    /// The entry of a key, unnoticed: neither counted nor recorded.
    pub fn peek(&mut self, key: &[u8]) -> Option<&Entry> {
        self.peek_in(self.index, key)
    }

    /// The entry of a key in another database, unnoticed.
    pub fn peek_in(&mut self, db: usize, key: &[u8]) -> Option<&Entry> {
        let (number, at) = self.locate(db, key)?;
        self.shard(number).partition(db)?.get(at)
    }

    /// The entry of a live key, unnoticed, beside other borrowed ones: nothing is removed on the way.
    pub fn glance(&self, key: &[u8]) -> Option<&Entry> {
        let (number, hash) = self.place(key);
        let partition = self.held.peek(number)?.partition(self.index)?;
        let entry = partition.get(partition.find(hash, key)?)?;
        let is_expired =
            entry.is_expired(self.moment.now_ms) && self.moment.expiry != WhenExpired::Keep;
        (!is_expired && !partition.tags().is_dead(entry)).then_some(entry)
    }

    /// The string a key holds, read.
    ///
    /// # Errors
    /// [`WrongType`] if it holds a collection.
    #[inline]
    pub fn string(&mut self, key: &[u8]) -> Result<Option<Str<'_>>, WrongType> {
        self.read(key).map(string_of).transpose()
    }

    /// The string a key holds, unnoticed.
    ///
    /// # Errors
    /// [`WrongType`] if it holds a collection.
    #[inline]
    pub fn peek_string(&mut self, key: &[u8]) -> Result<Option<Str<'_>>, WrongType> {
        self.peek(key).map(string_of).transpose()
    }

    /// The collection a key holds, read.
    ///
    /// # Errors
    /// [`WrongType`] if it holds something else.
    #[inline]
    pub fn read_as<T: Collection>(&mut self, key: &[u8]) -> Result<Option<&T>, WrongType> {
        self.read(key).map(collection_of).transpose()
    }

    /// The collection a key holds, unnoticed.
    ///
    /// # Errors
    /// [`WrongType`] if it holds something else.
    #[inline]
    pub fn peek_as<T: Collection>(&mut self, key: &[u8]) -> Result<Option<&T>, WrongType> {
        self.peek(key).map(collection_of).transpose()
    }

    /// The entry of a key, counted as hit or miss, but without recording an access (`EXISTS`, `TTL`).
    pub fn inspect(&mut self, key: &[u8]) -> Option<&Entry> {
        let Some((number, at)) = self.locate(self.index, key) else {
            self.miss(key);
            return None;
        };
        let db = self.index;
        let shard = self.shard(number);
        shard.hits += 1;
        shard.partition(db)?.get(at)
    }

    /// The same, of which nobody hears if the key is not there (`OBJECT`).
    pub fn inspect_quietly(&mut self, key: &[u8]) -> Option<&Entry> {
        let listens = std::mem::take(&mut self.moment.listeners.of_misses);
        let is_there = self.inspect(key).is_some();
        self.moment.listeners.of_misses = listens;
        is_there.then(|| self.peek(key)).flatten()
    }

    /// Whether the key is there, recording an access.
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.read(key).is_some()
    }

    /// Stores a value, whatever was there before.
    pub fn put(
        &mut self,
        key: &[u8],
        value: Value<'_>,
        expiry: Expiry,
        tags: NewTags<'_>,
        event: Event,
    ) {
        let db = self.index;
        let value = value.packed(self.moment.compression_threshold);
        let (number, at) = match self.locate_or_clear(db, key) {
            Some(found) => {
                self.overwrite(found, expiry, |entry| entry.put_value(value));
                found
            }
            None => self.create(key, expiry, |key, access, expiry_ms| {
                Entry::new(key, value, access, expiry_ms)
            }),
        };
        match tags {
            NewTags::Keep => {}
            NewTags::Clear => self.shard(number).partition_mut(db).detach_all(at),
            NewTags::Replace(names) => self.retag(number, db, at, names.iter()),
        }
        self.mark(number, db, key, event);
    }

    /// Stores a collection, whatever was there before; it has neither expiry nor tags. An empty one leaves no key
    /// behind; `event` is told of what is stored, `del` where a key has gone. Whether it is stored.
    pub fn put_object<T: Collection>(&mut self, key: &[u8], collection: T, event: Event) -> bool {
        if collection.is_gone() {
            self.remove(key, Event::DEL);
            return false;
        }
        let db = self.index;
        let object = Box::new(collection.into());
        let (number, at) = match self.locate_or_clear(db, key) {
            Some(found) => {
                self.overwrite(found, Expiry::Clear, |entry| entry.put_object(object));
                found
            }
            None => self.create_object(key, object),
        };
        self.shard(number).partition_mut(db).detach_all(at);
        self.mark(number, db, key, event);
        true
    }

    fn create_object(&mut self, key: &[u8], object: Box<Object>) -> (usize, Place) {
        self.create(key, Expiry::Clear, |key, access, expiry_ms| {
            Entry::with_object(key, object, access, expiry_ms)
        })
    }

    #[inline]
    fn create(
        &mut self,
        key: &[u8],
        expiry: Expiry,
        make: impl FnOnce(&[u8], u32, Option<i64>) -> Entry,
    ) -> (usize, Place) {
        let Moment { now_ms, access, .. } = self.moment;
        let (db, clock) = (self.index, self.clock());
        let (number, hash) = self.place(key);
        let expiry_ms = match expiry {
            Expiry::At(expiry_ms) => Some(expiry_ms),
            Expiry::Clear | Expiry::Keep => None,
        };
        let shard = self.shard(number);
        // One that was evicted a short time ago has been here before.
        let earlier = shard.ghost.recall(db, hash, clock.switched_ms);
        let entry = make(key, access.fresh(clock, earlier), expiry_ms);
        let at = shard.partition_mut(db).insert(hash, entry, now_ms);
        self.note_created(number, db, key);
        (number, at)
    }

    #[inline]
    fn note_created(&mut self, number: usize, db: usize, key: &[u8]) {
        if !self.shard(number).waiters.is_empty() {
            self.make_ready(number, db, key, true);
        }
        if self.moment.listeners.of_creations {
            self.push_event(db, Event::NEW, key, false);
        }
    }

    #[inline]
    fn overwrite(
        &mut self,
        (number, at): (usize, Place),
        expiry: Expiry,
        put: impl FnOnce(&mut Entry) -> Option<Spent>,
    ) {
        let Moment { now_ms, access, .. } = self.moment;
        let (db, clock) = (self.index, self.clock());
        let partition = self.shard(number).partition_mut(db);
        let Some(entry) = partition.edit(at) else {
            return;
        };
        entry.put_access(access.touched(entry.access(), clock));
        let before_ms = entry.fields_due_ms();
        let old = put(entry);
        let is_volatile = entry.expiry_ms().is_some();
        if entry.fields_due_ms() != before_ms {
            partition.note_fields(at, before_ms);
        }
        match expiry {
            Expiry::At(expiry_ms) => partition.set_expiry(at, Some(expiry_ms), now_ms),
            Expiry::Clear if is_volatile => partition.set_expiry(at, None, now_ms),
            Expiry::Clear | Expiry::Keep => {}
        }
        self.discard_value(old);
    }

    /// Counts a change and tells those who watch the key.
    #[inline]
    fn mark(&mut self, number: usize, db: usize, key: &[u8], event: Event) {
        self.changes.dirty += 1;
        self.tell(number, db, key, event);
    }

    /// Tells those who watch or listen that a key has changed.
    #[inline]
    fn tell(&mut self, number: usize, db: usize, key: &[u8], event: Event) {
        let shard = self.shard(number);
        if shard.has_watches() {
            shard.notify_watches(db, key);
        }
        if !shard.waiters.is_empty() {
            self.make_ready(number, db, key, false);
        }
        if self.moment.listeners.of_changes {
            self.push_event(db, event, key, true);
        }
    }

    fn push_event(&mut self, db: usize, event: Event, key: &[u8], is_change: bool) {
        self.changes.events.push(Told {
            db,
            event,
            key: key.into(),
            is_change,
        });
    }

    /// Lets those drop a key who keep a copy of it, though it has no event.
    pub fn drop_copies(&mut self, key: &[u8]) {
        self.push_event(self.index, Event::UNSAID, key, true);
    }

    /// Notes that a key has changed which somebody may wait for.
    #[cold]
    fn make_ready(&mut self, number: usize, db: usize, key: &[u8], is_new: bool) {
        if self.shard(number).waiters.of(db, key).is_empty() {
            return;
        }
        let mut ready = self.changes.ready.iter_mut();
        match ready.find(|ready| ready.db == db && *ready.key == *key) {
            Some(ready) => ready.is_new |= is_new,
            None => self.changes.ready.push(Ready {
                db,
                key: key.into(),
                is_new,
            }),
        }
    }

    /// Lets those who wait for a key look at it again, though it has not changed to anybody else.
    pub fn stir(&mut self, key: &[u8]) {
        let (number, _) = self.place(key);
        self.make_ready(number, self.index, key, true);
    }

    /// Adds another event of a key whose change is marked already.
    #[inline]
    pub fn add_event(&mut self, key: &[u8], event: Event) {
        if self.moment.listeners.of_changes && event != Event::UNSAID {
            self.push_event(self.index, event, key, false);
        }
    }

    /// A guard to change the string of a live key.
    ///
    /// # Errors
    /// [`WrongType`] if it holds a collection.
    pub fn edit_string(
        &mut self,
        key: &[u8],
        event: Event,
    ) -> Result<Option<Edit<'_, 'k>>, WrongType> {
        let Some(mut edit) = self.edit(key, event) else {
            return Ok(None);
        };
        if edit.entry().object().is_some() {
            return Err(WrongType);
        }
        Ok(Some(edit))
    }

    /// A guard to change the collection of a live key.
    ///
    /// # Errors
    /// [`WrongType`] if it holds something else.
    pub fn edit_as<T: Collection>(
        &mut self,
        key: &[u8],
        event: Event,
    ) -> Result<Option<EditOf<'_, 'k, T>>, WrongType> {
        self.edit(key, event).map(EditOf::of).transpose()
    }

    /// The same for a command that Redis counts as a reader too: a hit or a miss (`XACK`).
    ///
    /// # Errors
    /// [`WrongType`] if it holds something else.
    pub fn edit_read_as<T: Collection>(
        &mut self,
        key: &[u8],
        event: Event,
    ) -> Result<Option<EditOf<'_, 'k, T>>, WrongType> {
        let Some((number, at)) = self.locate(self.index, key) else {
            self.miss(key);
            return Ok(None);
        };
        self.shard(number).hits += 1;
        self.touch(number, at);
        EditOf::of(Edit::new(self, number, at, event)).map(Some)
    }

    /// A guard to change the collection of a key, which is made if it is not there.
    ///
    /// # Errors
    /// [`WrongType`] if it holds something else.
    pub fn upsert<T: Collection>(
        &mut self,
        key: &[u8],
        event: Event,
    ) -> Result<EditOf<'_, 'k, T>, WrongType> {
        let db = self.index;
        let Some((number, at)) = self.locate_or_clear(db, key) else {
            let (number, at) = self.create_object(key, Box::new(T::default().into()));
            return Ok(EditOf::of_new(Edit::new(self, number, at, event)));
        };
        self.touch(number, at);
        EditOf::of(Edit::new(self, number, at, event))
    }

    /// Records an access.
    fn touch(&mut self, number: usize, at: Place) {
        let Moment { access, touch, .. } = self.moment;
        let (db, clock) = (self.index, self.clock());
        let entry = self.shard(number).partition_mut(db).touch(at);
        if let Some(entry) = entry
            && touch == Touch::Yes
        {
            entry.put_access(access.touched(entry.access(), clock));
        }
    }

    /// A guard to change the entry of a live key; the change is marked when it is dropped.
    pub fn edit(&mut self, key: &[u8], event: Event) -> Option<Edit<'_, 'k>> {
        let (number, at) = self.locate(self.index, key)?;
        self.touch(number, at);
        Some(Edit::new(self, number, at, event))
    }

    /// Removes a key; whether it was there.
    pub fn remove(&mut self, key: &[u8], event: Event) -> bool {
        let db = self.index;
        let Some((number, at)) = self.locate(db, key) else {
            return false;
        };
        let Some(entry) = self.shard(number).partition_mut(db).remove(at) else {
            return false;
        };
        self.discard(entry);
        self.mark(number, db, key, event);
        true
    }

    /// Takes a key out with all that belongs to it, to be placed elsewhere: together that is one change,
    /// counted when it is placed.
    pub fn take(&mut self, key: &[u8], event: Event) -> Option<Detached> {
        let db = self.index;
        let (number, at) = self.locate(db, key)?;
        let tags = self.hold_tags(number, db, at);
        let partition = self.shard(number).partition_mut(db);
        let expiry_ms = partition.get(at)?.expiry_ms();
        let entry = partition.remove(at)?;
        self.tell(number, db, key, Event::UNSAID);
        let listens = self.moment.listeners.of_changes;
        Some(Detached {
            entry,
            expiry_ms,
            left: listens.then(|| Told {
                db,
                event,
                key: key.into(),
                is_change: false,
            }),
            tags,
        })
    }

    /// Copies a key with all that belongs to it, to be placed elsewhere.
    pub fn duplicate(&mut self, key: &[u8]) -> Option<Detached> {
        let db = self.index;
        let (number, at) = self.locate(db, key)?;
        let tags = self.hold_tags(number, db, at);
        let entry = self.shard(number).partition_mut(db).get(at)?;
        Some(Detached {
            entry: entry.duplicate(),
            expiry_ms: entry.expiry_ms(),
            left: None,
            tags,
        })
    }

    /// Puts a taken or copied entry under `key` of database `db`, in place of what was there.
    pub fn place_at(&mut self, db: usize, key: &[u8], detached: Detached, event: Event) {
        let Detached {
            mut entry,
            expiry_ms,
            left,
            tags,
        } = detached;
        // As in Redis (dbAdd, db.c): in its new place it has not been accessed yet.
        entry.put_access(self.moment.access.fresh(self.clock(), 0));
        entry.put_expiry(expiry_ms);
        entry.put_key(key);
        let (number, at) = self.put_entry(db, key, entry);
        self.retag(number, db, at, tags.iter().map(NameUse::as_bytes));
        self.note_created(number, db, key);
        self.changes.events.extend(left);
        self.mark(number, db, key, event);
    }

    /// Puts an entry of this key in the place of what was there; the tags of that are still on it.
    fn put_entry(&mut self, db: usize, key: &[u8], entry: Entry) -> (usize, Place) {
        let (number, hash) = self.place(key);
        let found = self.locate_or_clear(db, key);
        let now_ms = self.moment.now_ms;
        let partition = self.shard(number).partition_mut(db);
        let (at, old) = match found {
            Some((_, at)) => (at, partition.replace(at, entry, now_ms)),
            None => (partition.insert(hash, entry, now_ms), None),
        };
        old.into_iter().for_each(|old| self.discard(old));
        (number, at)
    }

    /// Empties one database, or all; how many keys there were. Every lock is held.
    pub fn flush(&mut self, which: Option<usize>) -> usize {
        let mut removed = 0;
        let mut garbage = Vec::new();
        for shard in self.held.iter() {
            let dbs = which.map_or(0..shard.partitions().len(), |db| db..db + 1);
            for db in dbs {
                let Some(partition) = shard.partition(db) else {
                    continue;
                };
                removed += partition.len();
                if shard.has_watches() {
                    notify_watches_of_flushed(shard, self.keyspace, db);
                }
                if let Some(taken) = shard.take(db).filter(|taken| !taken.is_empty()) {
                    garbage.push(Garbage::Partition(Box::new(taken)));
                }
            }
        }
        self.make_waited_ready(|db| which.is_none_or(|flushed| flushed == db));
        self.keyspace.forget_tag_names(which);
        self.changes.garbage.append(&mut garbage);
        self.changes.dirty += removed as u64;
        self.changes.is_flushed = true;
        removed
    }

    /// Exchanges two databases. Every lock is held.
    pub fn swap(&mut self, a: usize, b: usize) {
        for shard in self.held.iter() {
            if a != b && shard.has_watches() {
                for (db, other) in [(a, b), (b, a)] {
                    notify_watches_of_swapped(shard, self.keyspace, db, other, self.moment.now_ms);
                }
            }
            shard.swap(a, b);
        }
        self.make_waited_ready(|db| db == a || db == b);
        self.keyspace.swap_tag_names(a, b);
        self.changes.dirty += 1;
    }

    /// Notes that all keys of such databases that somebody waits for may have changed.
    fn make_waited_ready(&mut self, is_concerned: impl Fn(usize) -> bool) {
        let mut ready = Vec::new();
        for shard in self.held.iter() {
            let keys = shard.waiters.keys().filter(|(db, _)| is_concerned(*db));
            ready.extend(keys.map(|(db, key)| Ready {
                db,
                key: Box::from(key),
                is_new: true,
            }));
        }
        self.changes.ready.append(&mut ready);
    }

    /// Who waits for a key, first come first. Its shard is held.
    pub fn waiters_of(&mut self, db: usize, key: &[u8]) -> Vec<Waiter> {
        let (number, _) = self.place(key);
        self.shard(number).waiters.of(db, key).to_vec()
    }

    /// Lets somebody wait for a key of the selected database, behind all others. Its shard is held.
    pub fn wait_for(&mut self, key: &[u8], waiter: Waiter) {
        let db = self.index;
        let (number, _) = self.place(key);
        self.shard(number).waiters.join(db, key, waiter);
    }

    /// Lets somebody no longer wait for a key. Its shard is held.
    pub fn stop_waiting(&mut self, db: usize, key: &[u8], ticket: u64) {
        let (number, _) = self.place(key);
        self.shard(number).waiters.leave(db, key, ticket);
    }

    /// Watches a key: `flag` is set when it changes.
    pub fn watch(&mut self, key: &[u8], flag: &WatchFlag) {
        let db = self.index;
        let now_ms = self.moment.now_ms;
        let (number, hash) = self.place(key);
        let shard = self.shard(number);
        let is_stale = is_stale(shard.partitions(), db, hash, key, now_ms);
        shard.watch(db, key, flag, is_stale);
    }

    /// Whether a key that `flag` watches has run out since, though nobody has removed it yet.
    pub fn has_run_out(&mut self, db: usize, key: &[u8], flag: &WatchFlag) -> bool {
        let now_ms = self.moment.now_ms;
        let (number, hash) = self.place(key);
        let shard = self.shard(number);
        is_stale(shard.partitions(), db, hash, key, now_ms) && shard.watches_live(db, key, flag)
    }

    /// How many keys the selected database has. Every lock is held.
    pub fn key_count(&mut self) -> usize {
        let db = self.index;
        self.held
            .iter()
            .filter_map(|shard| shard.partition(db))
            .map(Partition::undead_len)
            .sum()
    }

    /// Hands every live entry of the selected database to `look`, in any order. Every lock is held.
    pub fn for_each(&mut self, mut look: impl FnMut(&Entry)) {
        let (db, now_ms) = (self.index, self.moment.now_ms);
        for partition in self.held.iter().filter_map(|shard| shard.partition(db)) {
            let live = partition
                .table()
                .iter()
                .filter(|entry| partition.is_live(entry, now_ms));
            live.for_each(&mut look);
        }
    }

    /// Counts of each database: for INFO. Looks at one shard after the other.
    pub fn census(&mut self) -> Vec<Census> {
        let mut all = Vec::new();
        for number in 0..SHARDS {
            self.visit(number, |shard| Census::add(&mut all, shard));
        }
        for (db, census) in all.iter_mut().enumerate() {
            census.tag_bytes += self.keyspace.tag_names(db).size_bytes();
        }
        all
    }

    /// What readers found, and what expired: for INFO. Looks at one shard after the other.
    pub fn lookups(&mut self) -> Lookups {
        let mut sums = Lookups::default();
        for number in 0..SHARDS {
            self.visit(number, |shard| {
                sums.hits += shard.hits;
                sums.misses += shard.misses;
                sums.expired += shard.expired;
                sums.expired_fields += shard.expired_fields;
                sums.watched += shard.watched_keys();
                sums.ghost_bytes += shard.ghost_bytes();
            });
        }
        sums
    }

    /// Sets the counters of [`Db::lookups`] to zero.
    pub fn reset_lookups(&mut self) {
        for number in 0..SHARDS {
            self.visit(number, |shard| {
                (shard.hits, shard.misses) = (0, 0);
                (shard.expired, shard.expired_fields) = (0, 0);
            });
        }
    }

    /// Hands every live entry of a database to `look`, one shard after the other.
    pub fn for_each_in(&mut self, db: usize, mut look: impl FnMut(&Entry)) {
        let now_ms = self.moment.now_ms;
        for number in 0..SHARDS {
            self.visit(number, |shard| {
                let Some(partition) = shard.partition(db) else {
                    return;
                };
                let live = partition
                    .table()
                    .iter()
                    .filter(|entry| partition.is_live(entry, now_ms));
                live.for_each(&mut look);
            });
        }
    }

    /// Looks at one shard: one that is held, or, if none is, one that is locked for as long as the look takes.
    pub fn visit<R>(&mut self, number: usize, look: impl FnOnce(&mut Shard) -> R) -> R {
        if let Some(shard) = self.held.get(number) {
            return look(shard);
        }
        assert!(
            self.held.set().is_empty(),
            "locks are taken in ascending order, all at once"
        );
        look(&mut self.keyspace.lock_one(number))
    }

    /// Hands the live entries of the next stretch of a scan to `look`; gives the cursor to go on from.
    ///
    /// A cursor is a shard and a hash from which the scan goes on. An entry keeps both, so one that is there
    /// from the first call to the last is met at least once, whatever is added or removed in
    /// between. `count` entries are looked at in a call, and those of the same hash as the last. 0 begins,
    /// and is given at the end.
    pub fn scan(&mut self, cursor: u64, count: usize, mut look: impl FnMut(&Entry)) -> u64 {
        let (mut number, mut from) = ((cursor >> 32) as usize, cursor & u64::from(u32::MAX));
        let (db, now_ms) = (self.index, self.moment.now_ms);
        let mut entries = 0;
        while number < SHARDS && entries < count {
            let next = self.visit(number, |shard| {
                let partition = shard.partition(db)?;
                while let Some(group) = partition.table().group(from) {
                    for entry in group.places().filter_map(|at| partition.get(at)) {
                        entries += 1;
                        if partition.is_live(entry, now_ms) {
                            look(entry);
                        }
                    }
                    from = group.next;
                    if entries >= count {
                        return u32::try_from(from).ok();
                    }
                }
                None
            });
            (number, from) = match next {
                Some(from) => (number, from.into()),
                None => (number + 1, 0),
            };
        }
        if number >= SHARDS {
            0
        } else {
            (number as u64) << 32 | from
        }
    }

    /// A live key chosen at random; `None` if there is none.
    ///
    /// Draws at most 100 keys; where nearly all have run out it takes the first live one it finds.
    pub fn random_key(&mut self) -> Option<Vec<u8>> {
        let db = self.index;
        let mut rng = fastrand::Rng::new();
        let sizes: Vec<usize> = (0..SHARDS)
            .map(|number| self.visit(number, |it| it.partition(db).map_or(0, Partition::len)))
            .collect();
        let total: usize = sizes.iter().sum();
        if total == 0 {
            return None;
        }
        (0..100)
            .find_map(|_| {
                let number = shard_of_rank(&sizes, rng.usize(..total))?;
                self.draw_key(number, &mut rng)
            })
            .or_else(|| (0..SHARDS).find_map(|number| self.first_key(number)))
    }

    fn draw_key(&mut self, number: usize, rng: &mut fastrand::Rng) -> Option<Vec<u8>> {
        let (db, now_ms) = (self.index, self.moment.now_ms);
        self.visit(number, |shard| {
            let partition = shard.partition(db)?;
            let entry = partition.get(partition.table().sample(rng)?)?;
            partition
                .is_live(entry, now_ms)
                .then(|| entry.key().to_vec())
        })
    }

    fn first_key(&mut self, number: usize) -> Option<Vec<u8>> {
        let (db, now_ms) = (self.index, self.moment.now_ms);
        self.visit(number, |shard| {
            let partition = shard.partition(db)?;
            let mut entries = partition.table().iter();
            let live = entries.find(|entry| partition.is_live(entry, now_ms));
            live.map(|entry| entry.key().to_vec())
        })
    }
}

fn string_of(entry: &Entry) -> Result<Str<'_>, WrongType> {
    entry.string().ok_or(WrongType)
}

fn collection_of<T: Collection>(entry: &Entry) -> Result<&T, WrongType> {
    entry.object().and_then(T::of).ok_or(WrongType)
}

/// The shard that the key of that rank is in, if each holds so many.
fn shard_of_rank(sizes: &[usize], rank: usize) -> Option<usize> {
    let mut left = rank;
    sizes.iter().position(|&size| {
        let is_here = left < size;
        left = left.saturating_sub(size);
        is_here
    })
}

/// Whether a key is in memory but has run out: it has expired, or a tag of it was invalidated.
fn is_stale(partitions: &[Partition], db: usize, hash: u32, key: &[u8], now_ms: i64) -> bool {
    let Some(partition) = partitions.get(db) else {
        return false;
    };
    let entry = partition.find(hash, key).and_then(|at| partition.get(at));
    entry.is_some_and(|entry| !partition.is_live(entry, now_ms))
}

fn is_in_memory(partitions: &[Partition], db: usize, hash: u32, key: &[u8]) -> bool {
    partitions
        .get(db)
        .is_some_and(|partition| partition.find(hash, key).is_some())
}

fn notify_watches_of_flushed(shard: &mut Shard, keyspace: &Keyspace, db: usize) {
    shard.notify_watches_if(db, |partitions, key, is_stale| {
        let is_there = is_in_memory(partitions, db, keyspace.hash(key) as u32, key);
        is_there && !std::mem::take(is_stale)
    });
}

/// As Redis (`touchAllWatchedKeysInDb`, multi.c): a key that has run out is as good as none, on
/// either side.
fn notify_watches_of_swapped(
    shard: &mut Shard,
    keyspace: &Keyspace,
    db: usize,
    other: usize,
    now_ms: i64,
) {
    shard.notify_watches_if(db, |partitions, key, knows_stale| {
        let hash = keyspace.hash(key) as u32;
        let was_there = is_in_memory(partitions, db, hash, key);
        let will_be_there = is_in_memory(partitions, other, hash, key);
        let will_be_stale = is_stale(partitions, other, hash, key, now_ms);
        let was_none = *knows_stale || !was_there;
        *knows_stale = was_none && will_be_stale;
        !(was_none && (will_be_stale || !will_be_there))
    });
}
