//! Sorted sets.
//!
//! A small one is a listpack of members and scores in ascending order, as files carry it; a large one is a
//! counted B-tree (`zset/tree.rs`), which stands behind the name that Redis' skip list has. Members of
//! one score are in the order of their bytes. A score is never NaN.

mod arena;
mod bounds;
mod index;
mod iter;
mod leaf;
mod packed;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::Range;

use super::{Item, Limits, Listpack};
use crate::memory::class_bytes;

pub use bounds::{LexBound, LexRange, ScoreRange};
pub use iter::{Direction, Iter};

use tree::{Place, Tree};

/// A sorted set.
#[derive(Clone, Debug)]
pub struct Zset(Held);

#[derive(Clone, Debug)]
enum Held {
    Packed(Listpack),
    Tree(Box<Tree>),
}

/// A member that was found, until the set changes.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Its score.
    pub score: f64,
    at: At,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// The position in the listpack.
    Packed(usize),
    Tree(Place),
}

/// What has become of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It is new.
    Added,
    /// It has another score.
    Changed,
    /// Nothing.
    Same,
}

impl Default for Zset {
    fn default() -> Zset {
        Zset(Held::Packed(Listpack::new()))
    }
}

/// What it tells.
impl Zset {
    /// How many members.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::Packed(packed) => packed.len() / 2,
            Held::Tree(tree) => tree.len(),
        }
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Held::Packed(packed) => packed.is_empty(),
            Held::Tree(tree) => tree.len() == 0,
        }
    }

    /// The name `OBJECT ENCODING` gives.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Held::Packed(_) => "listpack",
            Held::Tree(_) => "skiplist",
        }
    }

    /// Bytes beyond the object itself that it holds, in allocator classes.
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Held::Packed(packed) => packed.heap_bytes(),
            Held::Tree(tree) => class_bytes(size_of::<Tree>()) + tree.heap_bytes(),
        }
    }

    /// The members and scores as files carry them, if it is packed.
    pub fn as_packed(&self) -> Option<&Listpack> {
        match &self.0 {
            Held::Packed(packed) => Some(packed),
            Held::Tree(_) => None,
        }
    }

    /// A member.
    #[inline]
    pub fn find(&self, member: &[u8]) -> Option<Found> {
        match &self.0 {
            Held::Packed(packed) => {
                let at = packed.find(packed.first()?, member, 1)?;
                Some(Found {
                    score: packed::score(packed, at),
                    at: At::Packed(at),
                })
            }
            Held::Tree(tree) => {
                let place = tree.find(member)?;
                Some(Found {
                    score: tree.score(place),
                    at: At::Tree(place),
                })
            }
        }
    }

    /// The score of a member.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.find(member).map(|found| found.score)
    }

    /// How many members come before one. O(log n).
    pub fn rank(&self, found: Found) -> usize {
        match (&self.0, found.at) {
            (Held::Packed(packed), At::Packed(at)) => packed::rank(packed, at),
            (Held::Tree(tree), At::Tree(place)) => tree.rank(place),
            _ => unreachable!("{STALE}"),
        }
    }

    /// The ranks of the members whose scores are in a range. O(log n).
    pub fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        let (start, end) = match &self.0 {
            Held::Packed(packed) => {
                let scores = || packed::pairs(packed).map(|(_, score)| score);
                (
                    scores().take_while(|&it| range.is_below(it)).count(),
                    scores().take_while(|&it| !range.is_above(it)).count(),
                )
            }
            Held::Tree(tree) => (
                tree.count_before(|it| range.is_below(it.score)),
                tree.count_before(|it| !range.is_above(it.score)),
            ),
        };
        start..end.max(start)
    }

    /// The ranks of the members whose bytes are in a range, but for the first `offset`, as [`Zset::skip`] has it.
    ///
    /// Meant for members of one score. Of others a packed set gives what Redis' does: it looks for the
    /// first member in the range, steps over those to be skipped and goes on while members are in the range.
    pub fn ranks_by_lex(
        &self,
        range: &LexRange<'_>,
        direction: Direction,
        offset: i64,
    ) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        match &self.0 {
            Held::Packed(packed) => usize::try_from(offset).map_or(0..0, |offset| {
                packed::ranks_by_lex(packed, range, direction, offset)
            }),
            Held::Tree(tree) => {
                let start = tree.count_before(|it| range.is_below(it.member()));
                let end = tree.count_before(|it| !range.is_above(it.member()));
                self.skip(start..end.max(start), direction, offset)
            }
        }
    }

    /// Some ranks without the first `offset` in a direction.
    ///
    /// A negative offset leaves so many at their end, but none of a packed set, as in Redis (`zslNthInRange`, t_zset.c).
    pub fn skip(&self, ranks: Range<usize>, direction: Direction, offset: i64) -> Range<usize> {
        let count = match (usize::try_from(offset), &self.0) {
            (Ok(count), _) => Some(count),
            (Err(_), Held::Packed(_)) => None,
            (Err(_), Held::Tree(_)) => {
                let left = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
                ranks.len().checked_sub(left)
            }
        };
        direction.skip(ranks, count.unwrap_or(usize::MAX))
    }

    /// The members of some ranks with their scores, in either direction.
    pub fn range(&self, ranks: Range<usize>, direction: Direction) -> Iter<'_> {
        let ranks = ranks.start..ranks.end.min(self.len());
        match &self.0 {
            Held::Packed(packed) => Iter::packed(packed, ranks, direction),
            Held::Tree(tree) => Iter::tree(tree, ranks, direction),
        }
    }

    /// All members with their scores, ascending.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len(), Direction::Ascending)
    }

    /// Hands members to `look` from a cursor on, about `count` of them, and gives the next cursor, 0 at the end.
    ///
    /// A member that stays all the while is handed out by a walk from 0 to 0, whatever comes and goes beside it
    /// and whatever its score becomes. A packed set is handed out at once.
    pub fn scan(&self, cursor: u64, count: usize, mut look: impl FnMut(Item<'_>, f64)) -> u64 {
        let tree = match &self.0 {
            Held::Packed(_) => {
                self.iter().for_each(|(member, score)| look(member, score));
                return 0;
            }
            Held::Tree(tree) => tree,
        };
        let (mut from, mut met) = (cursor, 0);
        while met < count {
            let group = tree.group(from, |member, score| {
                met += 1;
                look(Item::Bytes(member), score);
            });
            match group {
                Some(hash) => from = u64::from(hash) + 1,
                None => return 0,
            }
        }
        from
    }
}

/// What a score and the lengths of both take at most in a listpack.
const MOST_BESIDE_BYTES: usize = 48;

const STALE: &str = "a member was looked up before the set changed";

/// What changes it.
impl Zset {
    /// A packed set as found in a file: members, each once, and scores. `None` if they do not ascend, or one has
    /// no score.
    pub fn from_packed(packed: Listpack) -> Option<Zset> {
        packed::is_ascending(&packed).then_some(Zset(Held::Packed(packed)))
    }

    /// Gives a set that was taken from a file as it was packed the form that the limits ask for.
    pub fn fit(&mut self, limits: &Limits) {
        if self.len() > limits.zset_max_listpack_entries {
            self.unpack();
        }
    }

    /// Adds a member that is not there yet.
    #[inline]
    pub fn add(&mut self, member: &[u8], score: f64, limits: &Limits) {
        debug_assert!(!score.is_nan(), "checked by the caller");
        if let Held::Packed(packed) = &mut self.0 {
            let most = limits.zset_max_listpack_entries;
            let fits = packed.len() / 2 < most && member.len() <= limits.zset_max_listpack_value;
            if fits && packed.would_fit(member.len()) {
                return packed::insert(packed, Item::of(member), score);
            }
            self.unpack();
        }
        if let Held::Tree(tree) = &mut self.0 {
            tree.insert(member, score);
        }
    }

    /// Adds a member of another set that is not there yet.
    pub fn add_item(&mut self, member: Item<'_>, score: f64, limits: &Limits) {
        member.with_bytes(|member| self.add(member, score, limits));
    }

    /// Gives a member the score that `decide` makes of its present one, if any; none leaves things as they are.
    #[inline]
    pub fn update(
        &mut self,
        member: &[u8],
        limits: &Limits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Update {
        let found = self.find(member);
        let Some(score) = decide(found.map(|found| found.score)) else {
            return Update::Same;
        };
        match found {
            None => {
                self.add(member, score, limits);
                Update::Added
            }
            Some(found) if found.score == score => Update::Same,
            Some(found) => {
                self.put_score(found, member, score);
                Update::Changed
            }
        }
    }

    /// Gives a member another score.
    #[inline]
    pub fn put_score(&mut self, found: Found, member: &[u8], score: f64) {
        debug_assert!(!score.is_nan(), "checked by the caller");
        match (&mut self.0, found.at) {
            (Held::Packed(packed), At::Packed(at)) => {
                packed.remove_range(at, 2);
                packed::insert(packed, Item::of(member), score);
            }
            (Held::Tree(tree), At::Tree(place)) => tree.put_score(place, score),
            _ => unreachable!("{STALE}"),
        }
    }

    /// Takes a member out.
    #[inline]
    pub fn remove(&mut self, found: Found) {
        match (&mut self.0, found.at) {
            (Held::Packed(packed), At::Packed(at)) => drop(packed.remove_range(at, 2)),
            (Held::Tree(tree), At::Tree(place)) => tree.remove(place),
            _ => unreachable!("{STALE}"),
        }
    }

    /// Takes out the members of some ranks. If these are all, it may give what held them, which takes long to free.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> Option<Zset> {
        let ranks = ranks.start..ranks.end.min(self.len());
        match &mut self.0 {
            Held::Packed(packed) => {
                if let Some(at) = packed.seek(2 * ranks.start as i64) {
                    packed.remove_range(at, 2 * ranks.len());
                }
            }
            Held::Tree(tree) if ranks.len() == tree.len() => return Some(std::mem::take(self)),
            Held::Tree(tree) => tree.remove_ranks(ranks),
        }
        None
    }

    /// Unpacks it if so many members are about to come, or, while it is empty, one of that length.
    ///
    /// Redis does so before it looks whether they are new (`zsetTypeCreate` and `zsetTypeMaybeConvert`, t_zset.c).
    pub fn expect(&mut self, count: usize, member_bytes: usize, limits: &Limits) {
        let is_long = member_bytes > limits.zset_max_listpack_value && self.is_empty();
        if is_long || count > limits.zset_max_listpack_entries {
            self.unpack();
        }
    }

    /// An empty set that is not packed, whatever its size: it keeps the sign of a zero.
    pub fn unpacked() -> Zset {
        Zset(Held::Tree(Box::default()))
    }

    /// Packs it if it is small enough, as Redis does with what `ZUNIONSTORE` and its like have gathered.
    pub fn pack(&mut self, limits: &Limits) {
        let Held::Tree(tree) = &self.0 else {
            return;
        };
        if tree.len() > limits.zset_max_listpack_entries {
            return;
        }
        let (mut longest, mut all) = (0, 0);
        for (member, _) in self.iter() {
            longest = member.len().max(longest);
            all += member.len() + MOST_BESIDE_BYTES;
        }
        if longest > limits.zset_max_listpack_value || !Listpack::new().would_fit(all) {
            return;
        }
        let mut packed = Listpack::new();
        for (member, score) in self.iter() {
            member.with_bytes(|member| packed::push(&mut packed, Item::of(member), score));
        }
        self.0 = Held::Packed(packed);
    }

    /// Takes it out of its listpack, however small it is.
    pub fn unpack(&mut self) {
        let Held::Packed(packed) = &self.0 else {
            return;
        };
        let mut tree = Box::<Tree>::default();
        for (member, score) in packed::pairs(packed) {
            member.with_bytes(|member| tree.insert(member, score));
        }
        self.0 = Held::Tree(tree);
    }
}

/// How two members compare in the order of a set.
fn compare(item: Item<'_>, member: Item<'_>) -> std::cmp::Ordering {
    match (item, member) {
        (Item::Bytes(item), Item::Bytes(member)) => item.cmp(member),
        (item, member) => item.with_bytes(|item| member.with_bytes(|member| item.cmp(member))),
    }
}

/// How many elements the allocator class holds that so many need.
fn class_capacity<T>(len: usize) -> usize {
    class_bytes(len * size_of::<T>()) / size_of::<T>()
}

/// Makes room for `more` elements, and no more than the allocator class has.
#[inline]
fn make_room<T>(vec: &mut Vec<T>, more: usize) {
    let len = vec.len() + more;
    if len > vec.capacity() {
        vec.reserve_exact(class_capacity::<T>(len) - vec.len());
    }
}
