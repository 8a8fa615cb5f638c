//! Hashes: fields with values, each perhaps with an expiry of its own.
//!
//! Small ones are packed: pairs in a row, or, from the first expiry of a field on, triples of field,
//! value and expiry, of which those that expire first stand first. Large ones are [`Members`]. When one becomes
//! the other is up to [`Limits`], and none ever goes back, as in Redis.

mod iter;
#[cfg(test)]
mod tests;

use super::listpack::{Item, Listpack};
use super::{Limits, Members, Str, Value};
use crate::entry::Entry;
use crate::memory::class_bytes;
use crate::table::{Place, TICK_MS};

pub use iter::{Fields, Step};

/// In the place of an expiry in a triple: the field has none.
const NO_EXPIRY: i64 = 0;

/// The latest expiry of a field, in milliseconds since 1970 (`EB_EXPIRE_TIME_MAX` of Redis).
pub const LATEST_EXPIRY_MS: i64 = (1 << 48) - 2;

/// A hash.
#[derive(Clone, Debug)]
pub struct Hash(Shape);

#[derive(Clone, Debug)]
enum Shape {
    /// Field and value in turns.
    Pairs(Listpack),
    /// Field, value and expiry in turns, the soonest first and those without one last.
    Triples(Box<Listpack>),
    Many(Box<Members>),
}

// What is not small is boxed, so that what is small costs no more than in Redis.
const _: () = assert!(size_of::<Hash>() == size_of::<Listpack>());

/// How a hash is held: what a file carries.
#[derive(Clone, Copy, Debug)]
pub enum Form<'h> {
    /// Field and value in turns.
    Pairs(&'h Listpack),
    /// Field, value and expiry in turns, 0 for none; the soonest first and those without one last.
    Triples(&'h Listpack),
    /// One by one.
    Many,
}

/// Where a field is, until the next change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spot(At);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// The position of the field's name.
    Packed(usize),
    Place(Place),
}

/// A field, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Field<'h> {
    /// Its name.
    pub name: Item<'h>,
    /// Its value.
    pub value: Str<'h>,
    /// When it expires, in milliseconds since 1970.
    pub expiry_ms: Option<i64>,
}

/// What becomes of the expiry of a field that gets another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldExpiry {
    /// There is none any more.
    Clear,
    /// It stays.
    Keep,
}

impl Field<'_> {
    /// Whether its time has passed. As in Redis, it lives through the millisecond of its expiry.
    #[inline]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expiry_ms.is_some_and(|expiry_ms| expiry_ms < now_ms)
    }
}

fn text(item: Item<'_>) -> Str<'_> {
    match item {
        Item::Bytes(bytes) => Str::Bytes(bytes),
        Item::Int(number) => Str::Int(number),
    }
}

fn of_entry(entry: &Entry) -> Field<'_> {
    Field {
        name: Item::Bytes(entry.key()),
        value: entry.string().unwrap_or(Str::Bytes(b"")),
        expiry_ms: entry.expiry_ms(),
    }
}

/// The expiry that an element of a triple stands for.
fn expiry_of(item: Item<'_>) -> Option<i64> {
    item.as_integer().filter(|&it| it != NO_EXPIRY)
}

impl Default for Hash {
    fn default() -> Hash {
        Hash(Shape::Pairs(Listpack::new()))
    }
}

impl Hash {
    /// A hash of pairs as a file carries them; `None` if one is not whole.
    pub fn of_pairs(pairs: Listpack) -> Option<Hash> {
        pairs
            .len()
            .is_multiple_of(2)
            .then_some(Hash(Shape::Pairs(pairs)))
    }

    /// A hash of triples as a file carries them; `None` if one is not whole, or the expiries are too late or not in
    /// order.
    pub fn of_triples(triples: Listpack) -> Option<Hash> {
        if !triples.len().is_multiple_of(3) {
            return None;
        }
        let mut last = i64::MIN;
        for expiry in triples.iter().skip(2).step_by(3) {
            let expiry = match expiry.as_integer()? {
                NO_EXPIRY => i64::MAX,
                expiry if !(0..=LATEST_EXPIRY_MS).contains(&expiry) => return None,
                expiry => expiry,
            };
            if expiry < last {
                return None;
            }
            last = expiry;
        }
        Some(Hash(Shape::Triples(Box::new(triples))))
    }

    /// How it is held.
    pub fn form(&self) -> Form<'_> {
        match &self.0 {
            Shape::Pairs(pairs) => Form::Pairs(pairs),
            Shape::Triples(triples) => Form::Triples(triples),
            Shape::Many(_) => Form::Many,
        }
    }

    /// How many fields, those that have expired but are not removed yet included.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Shape::Pairs(pairs) => pairs.len() / 2,
            Shape::Triples(triples) => triples.len() / 3,
            Shape::Many(members) => members.len(),
        }
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Shape::Pairs(pairs) => pairs.is_empty(),
            Shape::Triples(triples) => triples.is_empty(),
            Shape::Many(members) => members.is_empty(),
        }
    }

    /// The name `OBJECT ENCODING` gives.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Shape::Pairs(_) => "listpack",
            Shape::Triples(_) => "listpackex",
            Shape::Many(_) => "hashtable",
        }
    }

    /// Bytes beyond the object itself that it holds, in allocator classes. O(1).
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Shape::Pairs(pairs) => pairs.heap_bytes(),
            Shape::Triples(triples) => class_bytes(size_of::<Listpack>()) + triples.heap_bytes(),
            Shape::Many(members) => class_bytes(size_of::<Members>()) + members.heap_bytes(),
        }
    }

    /// Elements a field.
    #[inline]
    fn stride(&self) -> usize {
        match &self.0 {
            Shape::Pairs(_) => 2,
            Shape::Triples(_) => 3,
            Shape::Many(_) => 1,
        }
    }

    /// Where a field is.
    #[inline]
    pub fn find(&self, field: &[u8]) -> Option<Spot> {
        let packed = match &self.0 {
            Shape::Pairs(pairs) => pairs,
            Shape::Triples(triples) => triples,
            Shape::Many(members) => return members.find(field).map(|it| Spot(At::Place(it))),
        };
        let at = packed.find(packed.first()?, field, self.stride() - 1)?;
        Some(Spot(At::Packed(at)))
    }

    /// The field at a spot.
    #[inline]
    pub fn at(&self, spot: Spot) -> Option<Field<'_>> {
        match (&self.0, spot.0) {
            (Shape::Pairs(packed), At::Packed(at)) => {
                let mut elements = packed.iter_from(at);
                Some(Field {
                    name: elements.next()?,
                    value: text(elements.next()?),
                    expiry_ms: None,
                })
            }
            (Shape::Triples(packed), At::Packed(at)) => {
                let mut elements = packed.iter_from(at);
                Some(Field {
                    name: elements.next()?,
                    value: text(elements.next()?),
                    expiry_ms: expiry_of(elements.next()?),
                })
            }
            (Shape::Many(members), At::Place(place)) => members.at(place).map(of_entry),
            _ => None,
        }
    }

    /// A field.
    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<Field<'_>> {
        self.at(self.find(field)?)
    }

    /// Makes ready for pairs that will be set: takes to another form at once what would get there one by one.
    ///
    /// Redis looks at the number of pairs, their lengths and their sum before it sets the first
    /// (`hashTypeTryConversion`), so that a hash may change its form for a field that it has already.
    pub fn prepare<'p>(
        &mut self,
        pairs: impl ExactSizeIterator<Item = (&'p [u8], &'p [u8])>,
        limits: &Limits,
    ) {
        let packed = match &self.0 {
            Shape::Pairs(pairs) => pairs,
            Shape::Triples(triples) => triples,
            Shape::Many(_) => return,
        };
        let mut is_large = pairs.len() > limits.hash_max_listpack_entries;
        let mut sum = 0usize;
        for (field, value) in pairs {
            is_large |= is_long(field, limits) || is_long(value, limits);
            sum = sum.saturating_add(field.len() + value.len());
        }
        if is_large || !packed.would_fit(sum) {
            self.unpack();
        }
    }

    /// Gives a field a value; whether it is new.
    pub fn set(
        &mut self,
        field: &[u8],
        value: &[u8],
        expiry: FieldExpiry,
        limits: &Limits,
    ) -> bool {
        if is_long(field, limits) || is_long(value, limits) {
            self.unpack();
        }
        let is_new = match &mut self.0 {
            Shape::Pairs(pairs) => set_pair(pairs, field, value),
            Shape::Triples(triples) => set_triple(triples, field, value, expiry),
            Shape::Many(members) => return set_member(members, field, value, expiry),
        };
        if self.len() > limits.hash_max_listpack_entries {
            self.unpack();
        }
        is_new
    }

    /// Adds a field that is not there yet, with its expiry, as a file or a log tells of it.
    pub fn push(
        &mut self,
        field: &[u8],
        value: &[u8],
        expiry_ms: Option<i64>,
        now_ms: i64,
        limits: &Limits,
    ) -> bool {
        if !self.set(field, value, FieldExpiry::Clear, limits) {
            return false;
        }
        if let (Some(expiry_ms), Some(spot)) = (expiry_ms, self.find(field)) {
            self.set_expiry(spot, Some(expiry_ms), now_ms);
        }
        true
    }

    /// Makes ready for expiries: a packed hash of pairs becomes one of triples, whether or not a field then gets one, as
    /// in Redis (`hashTypeSetExInit`).
    pub fn prepare_expiries(&mut self) {
        self.add_expiries(0);
    }

    /// Sets or clears the expiry of the field at a spot.
    pub fn set_expiry(&mut self, spot: Spot, expiry_ms: Option<i64>, now_ms: i64) {
        if let (Shape::Pairs(_), At::Packed(at), Some(_)) = (&self.0, spot.0, expiry_ms) {
            let at = self.add_expiries(at);
            return self.set_expiry(Spot(At::Packed(at)), expiry_ms, now_ms);
        }
        match (&mut self.0, spot.0) {
            (Shape::Triples(triples), At::Packed(at)) => {
                move_triple(triples, at, expiry_ms.unwrap_or(NO_EXPIRY));
            }
            (Shape::Many(members), At::Place(place)) => {
                members.put_expiry(place, expiry_ms, now_ms);
            }
            _ => {}
        }
    }

    /// Makes triples of pairs; gives the new position of a field.
    fn add_expiries(&mut self, at: usize) -> usize {
        let Shape::Pairs(pairs) = &self.0 else {
            return at;
        };
        let mut triples = Listpack::with_capacity(pairs.size_bytes() + 2 * self.len());
        let mut moved = at;
        let mut elements = pairs.iter();
        loop {
            let position = elements.position();
            let (Some(field), Some(value)) = (elements.next(), elements.next()) else {
                break;
            };
            if position == at {
                moved = triples.end();
            }
            triples.push_back_item(field);
            triples.push_back_item(value);
            triples.push_back_integer(NO_EXPIRY);
        }
        self.0 = Shape::Triples(Box::new(triples));
        moved
    }

    /// Removes a field; whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        let spot = self.find(field);
        spot.inspect(|&spot| self.remove_at(spot)).is_some()
    }

    /// Removes the field at a spot.
    pub fn remove_at(&mut self, spot: Spot) {
        let stride = self.stride();
        match (&mut self.0, spot.0) {
            (Shape::Pairs(pairs), At::Packed(at)) => _ = pairs.remove_range(at, stride),
            (Shape::Triples(triples), At::Packed(at)) => _ = triples.remove_range(at, stride),
            (Shape::Many(members), At::Place(place)) => drop(members.take(place)),
            _ => {}
        }
    }

    /// The spot of a field chosen at random, each with the same chance; `None` if there is none.
    ///
    /// O(n) of a packed one.
    pub fn sample(&self, rng: &mut fastrand::Rng) -> Option<Spot> {
        let packed = match &self.0 {
            Shape::Pairs(pairs) => pairs,
            Shape::Triples(triples) => triples,
            Shape::Many(members) => return members.sample(rng).map(|it| Spot(At::Place(it))),
        };
        let len = self.len();
        if len == 0 {
            return None;
        }
        let at = packed.seek((rng.usize(..len) * self.stride()) as i64)?;
        Some(Spot(At::Packed(at)))
    }

    /// Whether a field has an expiry.
    #[inline]
    pub fn has_expiries(&self) -> bool {
        match &self.0 {
            Shape::Pairs(_) => false,
            Shape::Triples(triples) => first_expiry(triples).is_some(),
            Shape::Many(members) => members.volatile() > 0,
        }
    }

    /// When the first field is due, in milliseconds since 1970: has expired, and that for up to [`TICK_MS`] if there
    /// are many. It may be earlier, and later only for one that had expired when it was noted, counted from there;
    /// `i64::MAX` if none has an expiry. O(1).
    #[inline]
    pub fn soonest_ms(&self) -> i64 {
        match &self.0 {
            Shape::Pairs(_) => i64::MAX,
            Shape::Triples(triples) => first_expiry(triples).unwrap_or(i64::MAX),
            Shape::Many(members) => members.soonest_ms(),
        }
    }

    /// Whether a field may have expired. O(1).
    #[inline]
    pub fn may_have_expired(&self, now_ms: i64) -> bool {
        match &self.0 {
            Shape::Pairs(_) => false,
            Shape::Triples(triples) => first_expiry(triples).is_some_and(|it| it < now_ms),
            Shape::Many(members) => members.soonest_ms().saturating_sub(TICK_MS) <= now_ms,
        }
    }

    /// The expiry that comes first, exactly. O(n) of a large one.
    pub fn first_expiry_ms(&self) -> Option<i64> {
        match &self.0 {
            Shape::Pairs(_) => None,
            Shape::Triples(triples) => first_expiry(triples),
            Shape::Many(members) if members.volatile() == 0 => None,
            Shape::Many(members) => members.iter().filter_map(Entry::expiry_ms).min(),
        }
    }

    /// Where a field is that has expired; `None` if there is none.
    pub fn next_expired(&mut self, now_ms: i64) -> Option<Spot> {
        match &mut self.0 {
            Shape::Pairs(_) => None,
            Shape::Triples(triples) => {
                let is_expired = first_expiry(triples).is_some_and(|it| it < now_ms);
                let at = triples.first().filter(|_| is_expired)?;
                Some(Spot(At::Packed(at)))
            }
            Shape::Many(members) => members.next_expired(now_ms).map(|it| Spot(At::Place(it))),
        }
    }

    /// Gives a hash that was taken from a file as it was packed the form that the limits ask for. They look at the
    /// number of fields only, as in Redis (`rdbLoadObject`).
    pub fn fit(&mut self, limits: &Limits) {
        if self.len() > limits.hash_max_listpack_entries {
            self.unpack();
        }
    }

    /// Holds the fields one by one.
    pub fn unpack(&mut self) {
        if matches!(self.0, Shape::Many(_)) {
            return;
        }
        let mut members = Members::default();
        // As good a clock as any: it only has to be near the expiries.
        let clock_ms = self.soonest_ms();
        for field in self.iter() {
            field.name.with_bytes(|name| {
                field.value.with_bytes(|value| {
                    members.push(name, Value::Bytes(value), field.expiry_ms, clock_ms);
                });
            });
        }
        self.0 = Shape::Many(Box::new(members));
    }

    /// Frees some of what nobody will look at any more; how many fields, `None` when all are freed.
    pub fn free_some(&mut self) -> Option<usize> {
        match &mut self.0 {
            Shape::Pairs(_) | Shape::Triples(_) => None,
            Shape::Many(members) => members.free_some(),
        }
    }
}

fn is_long(text: &[u8], limits: &Limits) -> bool {
    text.len() > limits.hash_max_listpack_value
}

fn set_pair(pairs: &mut Listpack, field: &[u8], value: &[u8]) -> bool {
    let found = pairs.first().and_then(|first| pairs.find(first, field, 1));
    match found.and_then(|at| pairs.next(at)) {
        Some(at) => {
            pairs.replace(at, value);
            false
        }
        None => {
            pairs.push_back(field);
            pairs.push_back(value);
            true
        }
    }
}

fn set_triple(triples: &mut Listpack, field: &[u8], value: &[u8], expiry: FieldExpiry) -> bool {
    let found = triples.first().and_then(|it| triples.find(it, field, 2));
    let Some((at, value_at)) = found.and_then(|at| Some((at, triples.next(at)?))) else {
        triples.push_back(field);
        triples.push_back(value);
        triples.push_back_integer(NO_EXPIRY);
        return true;
    };
    triples.replace(value_at, value);
    if expiry == FieldExpiry::Clear && expiry_at(triples, at).is_some() {
        move_triple(triples, at, NO_EXPIRY);
    }
    false
}

fn set_member(members: &mut Members, field: &[u8], value: &[u8], expiry: FieldExpiry) -> bool {
    let is_new = members.put(field, Value::Bytes(value));
    if !is_new && expiry == FieldExpiry::Clear && members.volatile() > 0 {
        let place = members.find(field);
        let is_volatile = |&it: &Place| members.at(it).is_some_and(|it| it.expiry_ms().is_some());
        if let Some(place) = place.filter(is_volatile) {
            members.put_expiry(place, None, 0);
        }
    }
    is_new
}

/// The expiry of the triple at a position.
fn expiry_at(triples: &Listpack, at: usize) -> Option<i64> {
    expiry_of(triples.iter_from(at).nth(2)?)
}

/// The expiry that comes first.
fn first_expiry(triples: &Listpack) -> Option<i64> {
    expiry_at(triples, triples.first()?)
}

/// Gives a triple another expiry, and so another place: before those that expire then or later.
fn move_triple(triples: &mut Listpack, at: usize, expiry: i64) {
    let mut elements = triples.iter_from(at);
    let (Some(field), Some(value)) = (elements.next(), elements.next()) else {
        return;
    };
    let (field, value) = (field.to_vec(), value.to_vec());
    triples.remove_range(at, 3);
    let to = place_of(triples, expiry);
    triples.insert_integer(to, expiry);
    triples.insert(to, &value);
    triples.insert(to, &field);
}

/// Where a triple of that expiry stands.
fn place_of(triples: &Listpack, expiry: i64) -> usize {
    if expiry == NO_EXPIRY {
        return triples.end();
    }
    let mut elements = triples.iter();
    loop {
        let at = elements.position();
        match elements.nth(2).map(expiry_of) {
            Some(Some(other)) if other < expiry => {}
            _ => return at,
        }
    }
}
