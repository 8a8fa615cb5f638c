//! Sets: integers in a sorted row, short members packed, or many.
//!
//! When one form becomes another is up to [`Limits`]. A set never goes back by itself; what is left by a large
//! `SPOP`, and what a `STORE` command writes, is made anew and may be smaller in form, as in Redis.

#[cfg(test)]
mod tests;

use crate::memory::class_bytes;
use protocol::number::parse_i64;

use super::intset::Intset;
use super::listpack::{self, Item, Listpack};
use super::{Limits, Members, Value};
use crate::entry::Entry;
use crate::table::Place;

/// Whatever the configuration says, an intset holds no more (`t_set.c`, `intsetMaxEntries`).
const MOST_INTEGERS: usize = 1 << 30;

/// A set.
#[derive(Clone, Debug)]
pub struct Set(Shape);

#[derive(Clone, Debug)]
enum Shape {
    Integers(Intset),
    Packed(Listpack),
    Many(Box<Members>),
}

// What is not small is boxed, so that what is small costs no more than in Redis.
const _: () = assert!(size_of::<Set>() == size_of::<Listpack>());

/// How a set is held: what a file carries.
#[derive(Clone, Copy, Debug)]
pub enum Form<'s> {
    /// As sorted integers.
    Integers(&'s Intset),
    /// As members in a row.
    Packed(&'s Listpack),
    /// One by one.
    Many,
}

/// Where a member is, until the next change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spot(At);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Index(usize),
    Position(usize),
    Place(Place),
}

impl Default for Set {
    fn default() -> Set {
        Set(Shape::Integers(Intset::default()))
    }
}

impl From<Intset> for Set {
    fn from(integers: Intset) -> Set {
        Set(Shape::Integers(integers))
    }
}

impl From<Listpack> for Set {
    fn from(packed: Listpack) -> Set {
        Set(Shape::Packed(packed))
    }
}

fn most_integers(limits: &Limits) -> usize {
    limits.set_max_intset_entries.min(MOST_INTEGERS)
}

impl Set {
    /// An empty set whose members will be packed, integers too.
    pub fn packed() -> Set {
        Set(Shape::Packed(Listpack::new()))
    }

    /// How it is held.
    pub fn form(&self) -> Form<'_> {
        match &self.0 {
            Shape::Integers(integers) => Form::Integers(integers),
            Shape::Packed(packed) => Form::Packed(packed),
            Shape::Many(_) => Form::Many,
        }
    }

    /// How many members.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Shape::Integers(integers) => integers.len(),
            Shape::Packed(packed) => packed.len(),
            Shape::Many(members) => members.len(),
        }
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Shape::Integers(integers) => integers.is_empty(),
            Shape::Packed(packed) => packed.is_empty(),
            Shape::Many(members) => members.is_empty(),
        }
    }

    /// The name `OBJECT ENCODING` gives.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Shape::Integers(_) => "intset",
            Shape::Packed(_) => "listpack",
            Shape::Many(_) => "hashtable",
        }
    }

    /// Bytes beyond the object itself that it holds, in allocator classes. O(1).
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Shape::Integers(integers) => integers.heap_bytes(),
            Shape::Packed(packed) => packed.heap_bytes(),
            Shape::Many(members) => class_bytes(size_of::<Members>()) + members.heap_bytes(),
        }
    }

    /// Makes ready for `count` members, of which the first is `first`: takes the form that Redis takes before
    /// it adds them one by one.
    ///
    /// An empty set takes the form that the first member asks for; another goes over to many if so many would
    /// not fit it even alone (`setTypeCreate`, `setTypeMaybeConvert`).
    pub fn prepare(&mut self, first: &[u8], count: usize, limits: &Limits) {
        if self.is_empty() {
            self.0 = if count <= most_integers(limits) && parse_i64(first).is_some() {
                Shape::Integers(Intset::default())
            } else if count <= limits.set_max_listpack_entries {
                Shape::Packed(Listpack::new())
            } else {
                Shape::Many(Box::default())
            };
        }
        let is_large = match &self.0 {
            Shape::Integers(_) => count > most_integers(limits),
            Shape::Packed(_) => count > limits.set_max_listpack_entries,
            Shape::Many(_) => false,
        };
        if is_large {
            self.unpack();
        }
    }

    /// Adds a member; whether it is new.
    pub fn add(&mut self, member: &[u8], limits: &Limits) -> bool {
        match &mut self.0 {
            Shape::Many(members) => members.add(member, Value::Bytes(b"")),
            Shape::Packed(packed) => {
                let found = packed.first().and_then(|it| packed.find(it, member, 0));
                found.is_none() && self.push_packed(member, limits)
            }
            Shape::Integers(_) => match parse_i64(member) {
                Some(number) => self.add_integer(number, limits),
                None => self.push_to_integers(member, limits),
            },
        }
    }

    /// Adds an element as it stands in another set; whether it is new.
    pub fn add_item(&mut self, item: Item<'_>, limits: &Limits) -> bool {
        match (&self.0, item) {
            (Shape::Integers(_), Item::Int(number)) => self.add_integer(number, limits),
            _ => item.with_bytes(|member| self.add(member, limits)),
        }
    }

    fn add_integer(&mut self, number: i64, limits: &Limits) -> bool {
        let Shape::Integers(integers) = &mut self.0 else {
            return false;
        };
        let is_new = integers.insert(number);
        if is_new && integers.len() > most_integers(limits) {
            self.unpack();
        }
        is_new
    }

    /// Adds what is not there yet to a packed set, or to what it becomes.
    fn push_packed(&mut self, member: &[u8], limits: &Limits) -> bool {
        if let Shape::Packed(packed) = &mut self.0
            && packed.len() < limits.set_max_listpack_entries
            && member.len() <= limits.set_max_listpack_value
            && packed.would_fit(member.len())
        {
            packed.push_back(member);
            return true;
        }
        self.unpack();
        self.add(member, limits)
    }

    /// Adds the first member that is no integer.
    fn push_to_integers(&mut self, member: &[u8], limits: &Limits) -> bool {
        if let Shape::Integers(integers) = &self.0
            && integers.len() < limits.set_max_listpack_entries
            && member.len() <= limits.set_max_listpack_value
            && longest_digits(integers) <= limits.set_max_listpack_value
        {
            let mut packed = Listpack::new();
            integers.iter().for_each(|it| packed.push_back_integer(it));
            packed.push_back(member);
            self.0 = Shape::Packed(packed);
            return true;
        }
        self.unpack();
        self.add(member, limits)
    }

    /// Gives a set that was taken from a file as it was packed the form that the limits ask for.
    pub fn fit(&mut self, limits: &Limits) {
        let most = match &self.0 {
            Shape::Integers(_) => most_integers(limits),
            Shape::Packed(_) => limits.set_max_listpack_entries,
            Shape::Many(_) => return,
        };
        if self.len() > most {
            self.unpack();
        }
    }

    /// Holds the members one by one.
    pub fn unpack(&mut self) {
        if matches!(self.0, Shape::Many(_)) {
            return;
        }
        let mut members = Members::default();
        for item in self.iter() {
            item.with_bytes(|member| members.add(member, Value::Bytes(b"")));
        }
        self.0 = Shape::Many(Box::new(members));
    }

    /// Makes an intset of it if all members are integers, which the caller knows, and not too many.
    pub fn pack_integers(&mut self, limits: &Limits) {
        if matches!(self.0, Shape::Integers(_)) || self.len() > most_integers(limits) {
            return;
        }
        let mut integers = Intset::default();
        for item in self.iter() {
            if let Some(number) = item.as_integer() {
                integers.insert(number);
            }
        }
        if integers.len() == self.len() {
            self.0 = Shape::Integers(integers);
        }
    }

    /// Whether there is such a member.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Shape::Integers(integers) => {
                parse_i64(member).is_some_and(|number| integers.contains(number))
            }
            Shape::Packed(packed) => {
                let first = packed.first();
                first.is_some_and(|first| packed.find(first, member, 0).is_some())
            }
            Shape::Many(members) => members.contains(member),
        }
    }

    /// Whether there is a member like that of another set.
    #[inline]
    pub fn contains_item(&self, item: Item<'_>) -> bool {
        match (&self.0, item) {
            (Shape::Integers(integers), Item::Int(number)) => integers.contains(number),
            _ => item.with_bytes(|member| self.contains(member)),
        }
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Shape::Integers(integers) => {
                parse_i64(member).is_some_and(|number| integers.remove(number))
            }
            Shape::Packed(packed) => {
                let found = packed.first().and_then(|it| packed.find(it, member, 0));
                found.inspect(|&at| _ = packed.remove(at)).is_some()
            }
            Shape::Many(members) => members.remove(member).is_some(),
        }
    }

    /// Removes a member like that of another set; whether it was there.
    pub fn remove_item(&mut self, item: Item<'_>) -> bool {
        match (&mut self.0, item) {
            (Shape::Integers(integers), Item::Int(number)) => integers.remove(number),
            _ => item.with_bytes(|member| self.remove(member)),
        }
    }

    /// The spot of a member chosen at random, each with the same chance; `None` if there is none.
    ///
    /// O(n) of a packed set.
    pub fn sample(&self, rng: &mut fastrand::Rng) -> Option<Spot> {
        if self.is_empty() {
            return None;
        }
        Some(Spot(match &self.0 {
            Shape::Integers(integers) => At::Index(rng.usize(..integers.len())),
            Shape::Packed(packed) => At::Position(packed.seek(rng.usize(..packed.len()) as i64)?),
            Shape::Many(members) => At::Place(members.sample(rng)?),
        }))
    }

    /// The member at a spot.
    #[inline]
    pub fn at(&self, spot: Spot) -> Option<Item<'_>> {
        match (&self.0, spot.0) {
            (Shape::Integers(integers), At::Index(index)) => integers.get(index).map(Item::Int),
            (Shape::Packed(packed), At::Position(at)) => Some(packed.get(at)),
            (Shape::Many(members), At::Place(place)) => {
                members.at(place).map(|it| Item::Bytes(it.key()))
            }
            _ => None,
        }
    }

    /// Removes the member at a spot.
    pub fn remove_at(&mut self, spot: Spot) {
        match (&mut self.0, spot.0) {
            (Shape::Integers(integers), At::Index(index)) => _ = integers.remove_at(index),
            (Shape::Packed(packed), At::Position(at)) => _ = packed.remove(at),
            (Shape::Many(members), At::Place(place)) => drop(members.take(place)),
            _ => {}
        }
    }

    /// Keeps `count` members, chosen at random, and gives all others as a set of their own.
    ///
    /// The set that stays is made anew: of many members, it is packed if the limits allow it, while a packed one
    /// stays packed whatever they are. O(`count`) of many members, otherwise O(n).
    pub fn keep(&mut self, count: usize, limits: &Limits, rng: &mut fastrand::Rng) -> Set {
        let kept = match &self.0 {
            Shape::Integers(_) => {
                let (kept, gone) = self.divided(count, rng);
                let mut left = Set::default();
                kept.for_each(|item| _ = left.add_item(item, limits));
                let mut integers = Intset::default();
                let numbers = gone.filter_map(|item| item.as_integer());
                numbers.for_each(|number| _ = integers.insert(number));
                self.0 = Shape::Integers(integers);
                left
            }
            Shape::Packed(_) => {
                let (kept, gone) = self.divided(count, rng);
                let (mut left, mut packed) = (Listpack::new(), Listpack::new());
                left.append_iter(kept);
                packed.append_iter(gone);
                self.0 = Shape::Packed(packed);
                left.into()
            }
            Shape::Many(_) => self.draw(count, limits, rng),
        };
        std::mem::replace(self, kept)
    }

    /// `count` members chosen at random, and the others, both in their order.
    fn divided(
        &self,
        count: usize,
        rng: &mut fastrand::Rng,
    ) -> (
        impl Iterator<Item = Item<'_>>,
        impl Iterator<Item = Item<'_>>,
    ) {
        let (mut wanted, len) = (count, self.len());
        // Knuth's selection sampling (TAOCP 3.4.2, algorithm S).
        let is_kept: Vec<bool> = (0..len)
            .map(|passed| {
                let is_kept = rng.usize(..len - passed) < wanted;
                wanted -= usize::from(is_kept);
                is_kept
            })
            .collect();
        let is_gone: Vec<bool> = is_kept.iter().map(|is_kept| !is_kept).collect();
        let those = |chosen: Vec<bool>| {
            let pairs = self.iter().zip(chosen);
            pairs.filter_map(|(item, is_it)| is_it.then_some(item))
        };
        (those(is_kept), those(is_gone))
    }

    /// Takes `count` members out, chosen at random.
    fn draw(&mut self, count: usize, limits: &Limits, rng: &mut fastrand::Rng) -> Set {
        let mut drawn = Set(Shape::Packed(Listpack::new()));
        for _ in 0..count {
            let Some(spot) = self.sample(rng) else { break };
            if let Some(item) = self.at(spot) {
                drawn.add_item(item, limits);
            }
            self.remove_at(spot);
        }
        drawn
    }

    /// All members: integers ascending, packed ones in the order they came in, many in any.
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        match &self.0 {
            Shape::Integers(integers) => Items::Integers(integers.iter()),
            Shape::Packed(packed) => Items::Packed(packed.iter()),
            Shape::Many(members) => Items::Many(members.iter()),
        }
    }

    /// One step of a walk that begins at 0: some members, or all if the set is packed. A walk meets whatever is
    /// there from its beginning to its end.
    pub fn walk(&self, from: u64) -> super::Step<impl Iterator<Item = Item<'_>>> {
        let (next, members) = match &self.0 {
            Shape::Integers(integers) => (None, Items::Integers(integers.iter())),
            Shape::Packed(packed) => (None, Items::Packed(packed.iter())),
            Shape::Many(members) => {
                let step = members.walk(from);
                (step.next, Items::Many(step.members))
            }
        };
        super::Step { next, members }
    }

    /// Frees some of what nobody will look at any more; how many members, `None` when all are freed.
    pub fn free_some(&mut self) -> Option<usize> {
        match &mut self.0 {
            Shape::Integers(_) | Shape::Packed(_) => None,
            Shape::Many(members) => members.free_some(),
        }
    }
}

/// Digits of the longest integer, its sign included.
fn longest_digits(integers: &Intset) -> usize {
    let ends = [integers.min(), integers.max()].into_iter().flatten();
    ends.map(|number| Item::Int(number).len())
        .max()
        .unwrap_or(0)
}

/// The members of a set.
enum Items<'s, I, M> {
    Integers(I),
    Packed(listpack::Iter<'s>),
    Many(M),
}

impl<'s, I, M> Iterator for Items<'s, I, M>
where
    I: Iterator<Item = i64>,
    M: Iterator<Item = &'s Entry>,
{
    type Item = Item<'s>;

    #[inline]
    fn next(&mut self) -> Option<Item<'s>> {
        match self {
            Items::Integers(integers) => integers.next().map(Item::Int),
            Items::Packed(packed) => packed.next(),
            Items::Many(members) => members.next().map(|it| Item::Bytes(it.key())),
        }
    }
}
