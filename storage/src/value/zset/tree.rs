//! The members of a large sorted set: a B-tree that counts, and an index of it.
//!
//! Leaves hold the members, ordered by score and then by bytes. Above them each inner node knows for every
//! child how many members hang below it, the lowest score among them and the leaf where they
//! begin: finding the member of a rank, the rank of a member and where a range of scores begins are
//! each one descent. Which leaf a member lies in says the [`Index`], so its score is found without knowing it.
//!
//! Beside what a member is itself, it costs some 30 bytes: 16 in its leaf, 8 in the index and what buffers
//! have to spare. A skip list with a hash table costs three times as much.

use std::cmp::Ordering;
use std::ops::Range;

use smallvec::SmallVec;

use super::arena::Arena;
use super::index::Index;
use super::iter::Direction;
use super::leaf::{Leaf, MOST_MEMBERS, NONE, SHORT_BYTES, Text};
use crate::hasher::Hasher;
use crate::memory::class_bytes;

/// Children of a full inner node.
const MOST_CHILDREN: usize = 64;
/// A node with less than a quarter of what it could hold joins a neighbour with room for it.
const FEW: usize = MOST_MEMBERS / 4;
/// What a node may hold that two have joined in.
const JOINED: usize = MOST_MEMBERS * 3 / 4;

/// Members with scores.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    hasher: Hasher,
    index: Index,
    leaves: Arena<Leaf>,
    inner: Arena<Inner>,
    /// Members too long for a leaf.
    apart: Arena<Box<[u8]>>,
    root: u32,
    /// Levels of inner nodes; the root is a leaf if there is none.
    height: u32,
    first: u32,
    last: u32,
    len: usize,
    /// Of the buffers of leaves and inner nodes and of the members apart.
    buffer_bytes: usize,
}

#[derive(Clone, Debug)]
struct Inner {
    parent: u32,
    children: Vec<Child>,
}

/// A node as its parent knows it.
#[derive(Clone, Copy, Debug)]
struct Child {
    /// The lowest score below it.
    score: f64,
    /// Members below it.
    count: usize,
    node: u32,
    /// The leaf where they begin.
    first: u32,
}

impl Inner {
    fn heap_bytes(&self) -> usize {
        class_bytes(self.children.capacity() * size_of::<Child>())
    }

    fn position(&self, node: u32) -> usize {
        let mut children = self.children.iter();
        let position = children.position(|child| child.node == node);
        position.expect("a node hangs from its parent")
    }

    fn count(&self) -> usize {
        self.children.iter().map(|child| child.count).sum()
    }
}

/// Where a member lies, until the tree changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    leaf: u32,
    slot: usize,
}

/// Members from one on, in either direction.
#[derive(Clone)]
pub(super) struct Walk<'t> {
    tree: &'t Tree,
    leaf: Option<&'t Leaf>,
    slot: usize,
    direction: Direction,
}

impl<'t> Walk<'t> {
    /// The next member and its score.
    #[inline]
    pub(super) fn next(&mut self) -> Option<(&'t [u8], f64)> {
        let leaf = self.leaf?;
        let found = (self.tree.read(leaf.text(self.slot)), leaf.score(self.slot));
        match self.direction {
            Direction::Ascending if self.slot + 1 < leaf.len() => self.slot += 1,
            Direction::Descending if self.slot > 0 => self.slot -= 1,
            direction => self.turn(leaf, direction),
        }
        Some(found)
    }

    /// Goes on in the leaf next to one.
    fn turn(&mut self, leaf: &Leaf, direction: Direction) {
        (self.leaf, self.slot) = match direction {
            Direction::Ascending => (self.tree.leaf(leaf.after), 0),
            Direction::Descending => {
                let before = self.tree.leaf(leaf.before);
                (before, before.map_or(0, |leaf| leaf.len() - 1))
            }
        };
    }
}

/// A member that a search compares with.
pub(super) struct Candidate<'t> {
    tree: &'t Tree,
    place: Place,
    /// Its score.
    pub(super) score: f64,
}

impl<'t> Candidate<'t> {
    /// Its bytes.
    #[inline]
    pub(super) fn member(&self) -> &'t [u8] {
        self.tree.member(self.place)
    }
}

/// How two scores compare.
#[inline]
pub(super) fn order(score: f64, other: f64) -> Ordering {
    // No score is NaN, and the zeros are equal.
    score.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

impl Default for Tree {
    fn default() -> Tree {
        let mut leaves = Arena::default();
        let root = leaves.add(Leaf::alone());
        Tree {
            hasher: Hasher::default(),
            index: Index::default(),
            leaves,
            inner: Arena::default(),
            apart: Arena::default(),
            root,
            height: 0,
            first: root,
            last: root,
            len: 0,
            buffer_bytes: 0,
        }
    }
}

impl Tree {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory, in allocator classes, without the tree's own fields.
    pub(super) fn heap_bytes(&self) -> usize {
        self.buffer_bytes
            + self.index.heap_bytes()
            + self.leaves.heap_bytes()
            + self.inner.heap_bytes()
            + self.apart.heap_bytes()
    }

    #[inline]
    fn hash(&self, member: &[u8]) -> u32 {
        self.hasher.hash(member) as u32
    }

    /// The member at a place.
    #[inline]
    pub(super) fn member(&self, at: Place) -> &[u8] {
        self.read(self.leaves.get(at.leaf).text(at.slot))
    }

    #[inline]
    fn read<'t>(&'t self, text: Text<'t>) -> &'t [u8] {
        match text {
            Text::Here(bytes) => bytes,
            Text::Apart(number) => self.apart.get(number),
        }
    }

    /// The score at a place.
    #[inline]
    pub(super) fn score(&self, at: Place) -> f64 {
        self.leaves.get(at.leaf).score(at.slot)
    }

    /// Where a member is.
    #[inline]
    pub(super) fn find(&self, member: &[u8]) -> Option<Place> {
        self.find_hashed(self.hash(member), member)
    }

    #[inline]
    fn find_hashed(&self, hash: u32, member: &[u8]) -> Option<Place> {
        self.index.leaves(hash).find_map(|leaf| {
            let mut slots = self.leaves.get(leaf).of_hash(hash);
            let place = |slot| Place { leaf, slot };
            slots
                .find(|&slot| self.member(place(slot)) == member)
                .map(place)
        })
    }

    /// How many members come before the one at a place.
    pub(super) fn rank(&self, at: Place) -> usize {
        let mut rank = at.slot;
        let mut node = at.leaf;
        let mut parent = self.leaves.get(at.leaf).parent;
        while parent != NONE {
            let inner = self.inner.get(parent);
            let before = inner.children.iter().take_while(|child| child.node != node);
            rank += before.map(|child| child.count).sum::<usize>();
            (node, parent) = (parent, inner.parent);
        }
        rank
    }

    /// The place of a rank below [`Tree::len`].
    pub(super) fn at_rank(&self, rank: usize) -> Place {
        let before_last = self.len - self.leaves.get(self.last).len();
        if rank >= before_last {
            return Place {
                leaf: self.last,
                slot: rank - before_last,
            };
        }
        let (mut node, mut slot) = (self.root, rank);
        for _ in 0..self.height {
            let children = &self.inner.get(node).children;
            for child in children {
                node = child.node;
                if slot < child.count {
                    break;
                }
                slot -= child.count;
            }
        }
        Place { leaf: node, slot }
    }

    /// A walk from a rank on.
    pub(super) fn walk(&self, rank: usize, direction: Direction) -> Walk<'_> {
        let at = self.at_rank(rank);
        Walk {
            tree: self,
            leaf: Some(self.leaves.get(at.leaf)),
            slot: at.slot,
            direction,
        }
    }

    fn leaf(&self, at: u32) -> Option<&Leaf> {
        (at != NONE).then(|| self.leaves.get(at))
    }

    /// The place behind another.
    #[inline]
    fn next(&self, at: Place) -> Option<Place> {
        let leaf = self.leaves.get(at.leaf);
        if at.slot + 1 < leaf.len() {
            return Some(Place {
                slot: at.slot + 1,
                ..at
            });
        }
        (leaf.after != NONE).then_some(Place {
            leaf: leaf.after,
            slot: 0,
        })
    }

    /// The place before another.
    #[inline]
    fn previous(&self, at: Place) -> Option<Place> {
        if at.slot > 0 {
            return Some(Place {
                slot: at.slot - 1,
                ..at
            });
        }
        let leaf = self.leaves.get(at.leaf).before;
        (leaf != NONE).then(|| Place {
            leaf,
            slot: self.leaves.get(leaf).len() - 1,
        })
    }

    /// How many members come before the first for which `is_before` does not hold.
    ///
    /// Members for which it holds must come before all others.
    pub(super) fn count_before(&self, is_before: impl Fn(&Candidate<'_>) -> bool) -> usize {
        self.partition(is_before).1
    }

    /// The place where `is_before` holds no more, which may be behind the last of a leaf, and its rank.
    fn partition(&self, is_before: impl Fn(&Candidate<'_>) -> bool) -> (Place, usize) {
        let (mut node, mut rank) = (self.root, 0);
        for _ in 0..self.height {
            let children = &self.inner.get(node).children;
            // What comes before the second child is in the first, whatever that begins with.
            let chosen = children[1..].partition_point(|child| {
                is_before(&Candidate {
                    tree: self,
                    place: Place {
                        leaf: child.first,
                        slot: 0,
                    },
                    score: child.score,
                })
            });
            rank += children[..chosen]
                .iter()
                .map(|child| child.count)
                .sum::<usize>();
            node = children[chosen].node;
        }
        let leaf = self.leaves.get(node);
        let slot = leaf.partition(|slot| {
            is_before(&Candidate {
                tree: self,
                place: Place { leaf: node, slot },
                score: leaf.score(slot),
            })
        });
        (Place { leaf: node, slot }, rank + slot)
    }

    /// Adds a member that is not there yet.
    pub(super) fn insert(&mut self, member: &[u8], score: f64) {
        let hash = self.hash(member);
        self.insert_hashed(hash, member, score);
    }

    fn insert_hashed(&mut self, hash: u32, member: &[u8], score: f64) {
        if member.len() <= SHORT_BYTES {
            return self.place(hash, member, score, Text::Here(member), None);
        }
        self.buffer_bytes += class_bytes(member.len());
        let number = self.apart.add(member.into());
        self.place(hash, member, score, Text::Apart(number), None);
    }

    /// Puts a member where it belongs. `from` is the leaf by which the index knows it.
    fn place(&mut self, hash: u32, member: &[u8], score: f64, text: Text<'_>, from: Option<u32>) {
        let (at, _) = self.partition(|it| match order(it.score, score) {
            Ordering::Equal => it.member() < member,
            order => order == Ordering::Less,
        });
        match from {
            None => self.index.add(hash, at.leaf),
            Some(from) if from != at.leaf => self.index.relocate(hash, from, at.leaf),
            Some(_) => {}
        }
        self.change_leaf(at.leaf, |leaf| leaf.insert(at.slot, score, hash, text));
        self.len += 1;
        self.add_to_count(at.leaf, 1);
        if at.slot == 0 {
            self.tell_first(at.leaf);
        }
        if self.leaves.get(at.leaf).len() > MOST_MEMBERS {
            self.split_leaf(at);
        }
    }

    /// Changes the score of a member.
    pub(super) fn put_score(&mut self, at: Place, score: f64) {
        if self.is_in_order(at, score) {
            self.leaves.get_mut(at.leaf).put_score(at.slot, score);
            if at.slot == 0 {
                self.tell_first(at.leaf);
            }
            return;
        }
        let leaf = self.leaves.get(at.leaf);
        let hash = leaf.hash(at.slot);
        match leaf.text(at.slot) {
            Text::Here(bytes) => {
                let mut copy = [0; SHORT_BYTES];
                let member = &mut copy[..bytes.len()];
                member.copy_from_slice(bytes);
                self.take_slots(at.leaf, at.slot..at.slot + 1);
                self.place(hash, member, score, Text::Here(member), Some(at.leaf));
            }
            Text::Apart(number) => {
                self.take_slots(at.leaf, at.slot..at.slot + 1);
                // Out of its place while the tree is changed.
                let member = std::mem::take(self.apart.get_mut(number));
                self.place(hash, &member, score, Text::Apart(number), Some(at.leaf));
                *self.apart.get_mut(number) = member;
            }
        }
    }

    /// Whether a member stays between its neighbours with that score.
    fn is_in_order(&self, at: Place, score: f64) -> bool {
        let member = self.member(at);
        let is_ordered = |at: Option<Place>, wanted: Ordering| {
            at.is_none_or(|at| {
                let order = order(self.score(at), score);
                order.then_with(|| self.member(at).cmp(member)) == wanted
            })
        };
        is_ordered(self.previous(at), Ordering::Less)
            && is_ordered(self.next(at), Ordering::Greater)
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, at: Place) {
        self.forget(at);
        self.take_slots(at.leaf, at.slot..at.slot + 1);
    }

    /// Takes out the members of some ranks.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        let mut left = ranks.len();
        let is_at_end = ranks.end == self.len;
        while left > 0 {
            let Place { leaf, slot } = self.at_rank(ranks.start);
            let end = self.leaves.get(leaf).len().min(slot + left);
            for slot in slot..end {
                self.forget(Place { leaf, slot });
            }
            self.take_slots(leaf, slot..end);
            left -= end - slot;
        }
        if ranks.start == 0 {
            self.prefetch(self.first, 0);
        }
        if is_at_end {
            self.prefetch(
                self.last,
                self.leaves.get(self.last).len().saturating_sub(1),
            );
        }
    }

    /// Asks for what the removal of a member will need: who takes from one end takes its neighbour next.
    #[inline]
    fn prefetch(&self, leaf: u32, slot: usize) {
        let leaf = self.leaves.get(leaf);
        if slot < leaf.len() {
            self.index.prefetch(leaf.hash(slot));
        }
    }

    /// Takes a member out of the index and, if it lies apart, from there.
    fn forget(&mut self, at: Place) {
        let leaf = self.leaves.get(at.leaf);
        let (hash, text) = (leaf.hash(at.slot), leaf.text(at.slot));
        if let Text::Apart(number) = text {
            self.buffer_bytes -= class_bytes(self.apart.remove(number).len());
        }
        self.index.remove(hash, at.leaf);
    }

    /// Hands the members of the lowest hash not below `from` to `look`; gives the hash, or `None` at the end.
    pub(super) fn group(&self, from: u64, mut look: impl FnMut(&[u8], f64)) -> Option<u32> {
        let (hash, leaves) = self.index.group(from)?;
        let mut leaves: SmallVec<[u32; 4]> = leaves.collect();
        leaves.sort_unstable();
        leaves.dedup();
        for leaf in leaves {
            for slot in self.leaves.get(leaf).of_hash(hash) {
                let at = Place { leaf, slot };
                look(self.member(at), self.score(at));
            }
        }
        Some(hash)
    }
}

/// The shape of the tree.
impl Tree {
    #[inline]
    fn change_leaf<R>(&mut self, at: u32, change: impl FnOnce(&mut Leaf) -> R) -> R {
        let leaf = self.leaves.get_mut(at);
        let before = leaf.heap_bytes();
        let result = change(leaf);
        self.buffer_bytes = self.buffer_bytes + leaf.heap_bytes() - before;
        result
    }

    fn change_inner<R>(&mut self, at: u32, change: impl FnOnce(&mut Inner) -> R) -> R {
        let inner = self.inner.get_mut(at);
        let before = inner.heap_bytes();
        let result = change(inner);
        self.buffer_bytes = self.buffer_bytes + inner.heap_bytes() - before;
        result
    }

    /// Takes slots out of a leaf that nothing else knows any more.
    fn take_slots(&mut self, at: u32, slots: Range<usize>) {
        let count = slots.len();
        let is_first = slots.start == 0;
        self.change_leaf(at, |leaf| leaf.remove(slots));
        self.len -= count;
        self.add_to_count(at, count.wrapping_neg());
        let left = self.leaves.get(at).len();
        if left == 0 {
            self.drop_leaf(at);
        } else {
            if is_first {
                self.tell_first(at);
            }
            if left < FEW {
                self.join_leaf(at);
            }
        }
    }

    /// Adds to what the nodes above a leaf count, modulo 2⁶⁴.
    #[inline]
    fn add_to_count(&mut self, leaf: u32, count: usize) {
        let (mut node, mut parent) = (leaf, self.leaves.get(leaf).parent);
        while parent != NONE {
            let inner = self.inner.get_mut(parent);
            let at = inner.position(node);
            inner.children[at].count = inner.children[at].count.wrapping_add(count);
            (node, parent) = (parent, inner.parent);
        }
    }

    /// Tells the nodes above a leaf what it begins with now.
    fn tell_first(&mut self, leaf: u32) {
        let score = self.leaves.get(leaf).score(0);
        let (mut node, mut parent) = (leaf, self.leaves.get(leaf).parent);
        while parent != NONE {
            let inner = self.inner.get_mut(parent);
            let at = inner.position(node);
            let child = &mut inner.children[at];
            (child.score, child.first) = (score, leaf);
            if at > 0 {
                break;
            }
            (node, parent) = (parent, inner.parent);
        }
    }

    /// Splits a leaf in which the member at `grown` was the last to come.
    fn split_leaf(&mut self, grown: Place) {
        let left = grown.leaf;
        let old = self.leaves.get(left);
        // What grows at its end only leaves full leaves behind.
        let is_append = old.after == NONE && grown.slot + 1 == old.len();
        let middle = if is_append { grown.slot } else { old.len() / 2 };
        let mut upper = self.change_leaf(left, |leaf| leaf.split_off(middle));
        upper.before = left;
        self.buffer_bytes += upper.heap_bytes();
        let (after, count, score) = (upper.after, upper.len(), upper.score(0));
        let right = self.leaves.add(upper);
        self.leaves.get_mut(left).after = right;
        match after {
            NONE => self.last = right,
            after => self.leaves.get_mut(after).before = right,
        }
        let leaf = self.leaves.get(right);
        for slot in 0..count {
            self.index.relocate(leaf.hash(slot), left, right);
        }
        let child = Child {
            score,
            count,
            node: right,
            first: right,
        };
        let parent = self.leaves.get(left).parent;
        self.hang(left, child, parent, 0);
    }

    /// Hangs a node behind the one it was split from, whose height is `height`.
    fn hang(&mut self, left: u32, child: Child, parent: u32, height: u32) {
        if parent == NONE {
            return self.grow(left, child, height);
        }
        self.put_parent(child.node, parent, height);
        self.change_inner(parent, |inner| {
            let at = inner.position(left);
            inner.children[at].count -= child.count;
            inner.children.insert(at + 1, child);
        });
        if self.inner.get(parent).children.len() > MOST_CHILDREN {
            self.split_inner(parent, height + 1);
        }
    }

    /// Puts a root above two nodes.
    fn grow(&mut self, left: u32, right: Child, height: u32) {
        let left = Child {
            score: self.leaves.get(self.first).score(0),
            count: self.len - right.count,
            node: left,
            first: self.first,
        };
        let inner = Inner {
            parent: NONE,
            children: vec![left, right],
        };
        self.buffer_bytes += inner.heap_bytes();
        self.root = self.inner.add(inner);
        self.height += 1;
        for child in [left.node, right.node] {
            self.put_parent(child, self.root, height);
        }
    }

    fn put_parent(&mut self, node: u32, parent: u32, height: u32) {
        match height {
            0 => self.leaves.get_mut(node).parent = parent,
            _ => self.inner.get_mut(node).parent = parent,
        }
    }

    fn split_inner(&mut self, at: u32, height: u32) {
        let upper = self.change_inner(at, |inner| {
            let middle = inner.children.len() / 2;
            let children = inner.children[middle..].to_vec();
            inner.children.truncate(middle);
            inner.children.shrink_to_fit();
            Inner {
                parent: inner.parent,
                children,
            }
        });
        self.buffer_bytes += upper.heap_bytes();
        let (parent, count) = (upper.parent, upper.count());
        let child = Child {
            count,
            ..upper.children[0]
        };
        let node = self.inner.add(upper);
        self.adopt(node, height);
        self.hang(at, Child { node, ..child }, parent, height);
    }

    /// Tells its children who their parent is.
    fn adopt(&mut self, parent: u32, height: u32) {
        for at in 0..self.inner.get(parent).children.len() {
            let node = self.inner.get(parent).children[at].node;
            self.put_parent(node, parent, height - 1);
        }
    }

    /// Joins a leaf with a neighbour of the same parent that has room for what it holds.
    fn join_leaf(&mut self, at: u32) {
        let parent = self.leaves.get(at).parent;
        let Some((other, is_before)) = self.neighbour(at, parent) else {
            return;
        };
        let small = self.leaves.get(at);
        let taken = small.clone();
        for slot in 0..taken.len() {
            self.index.relocate(taken.hash(slot), at, other);
        }
        self.change_leaf(other, |leaf| {
            leaf.absorb(&taken, if is_before { leaf.len() } else { 0 });
        });
        // The neighbour begins with what the leaf began with, and has its count.
        self.add_to_count(other, taken.len());
        if !is_before {
            self.tell_first(other);
        }
        self.add_to_count(at, taken.len().wrapping_neg());
        self.drop_leaf(at);
    }

    /// The child next to a node that has room for what the node holds, and whether it comes before.
    fn neighbour(&self, node: u32, parent: u32) -> Option<(u32, bool)> {
        if parent == NONE {
            return None;
        }
        let children = &self.inner.get(parent).children;
        let at = self.inner.get(parent).position(node);
        let fits = |other: &&Child| other.count + children[at].count <= JOINED;
        let before = at.checked_sub(1).and_then(|at| children.get(at));
        let before = before.filter(fits).map(|child| (child.node, true));
        before.or_else(|| {
            let after = children.get(at + 1).filter(fits);
            after.map(|child| (child.node, false))
        })
    }

    /// Takes a leaf off that holds nothing any more.
    fn drop_leaf(&mut self, at: u32) {
        let leaf = self.leaves.get(at);
        let (before, after, parent) = (leaf.before, leaf.after, leaf.parent);
        if parent == NONE {
            // The root stays.
            return;
        }
        match before {
            NONE => self.first = after,
            before => self.leaves.get_mut(before).after = after,
        }
        match after {
            NONE => self.last = before,
            after => self.leaves.get_mut(after).before = before,
        }
        self.buffer_bytes -= self.leaves.remove(at).heap_bytes();
        self.unhang(at, parent, 1);
    }

    /// Takes a node off its parent, whose height is `height`.
    fn unhang(&mut self, node: u32, parent: u32, height: u32) {
        let at = self.change_inner(parent, |inner| {
            let at = inner.position(node);
            inner.children.remove(at);
            if inner.children.len() < inner.children.capacity() / 2 {
                inner.children.shrink_to_fit();
            }
            at
        });
        let inner = self.inner.get(parent);
        let above = inner.parent;
        let Some(first) = inner.children.first().map(|child| child.first) else {
            return self.drop_inner(parent, above, height);
        };
        if at == 0 {
            self.tell_first(first);
        }
        if above == NONE {
            return self.lower_root();
        }
        if self.inner.get(parent).children.len() < FEW {
            self.join_inner(parent, height);
        }
    }

    fn drop_inner(&mut self, at: u32, parent: u32, height: u32) {
        self.buffer_bytes -= self.inner.remove(at).heap_bytes();
        debug_assert_ne!(parent, NONE, "a root keeps a child");
        self.unhang(at, parent, height + 1);
    }

    /// Lets the only child of the root be the root.
    fn lower_root(&mut self) {
        while self.height > 0 && self.inner.get(self.root).children.len() == 1 {
            let old = self.inner.remove(self.root);
            self.buffer_bytes -= old.heap_bytes();
            self.root = old.children[0].node;
            self.height -= 1;
            self.put_parent(self.root, NONE, self.height);
        }
    }

    /// Joins an inner node with a neighbour of the same parent that has room for its children.
    fn join_inner(&mut self, at: u32, height: u32) {
        let parent = self.inner.get(at).parent;
        let siblings = self.inner.get(parent);
        let place = siblings.position(at);
        let fits = |other: u32| {
            let both = self.inner.get(other).children.len() + self.inner.get(at).children.len();
            both <= JOINED
        };
        let pairs = [(place.wrapping_sub(1), place), (place, place + 1)];
        let pair = pairs.into_iter().find_map(|(left, right)| {
            let (left, right) = (siblings.children.get(left)?, siblings.children.get(right)?);
            let other = if left.node == at { right } else { left };
            fits(other.node).then_some((left.node, *right))
        });
        let Some((left, right)) = pair else {
            return;
        };
        let upper = self.inner.remove(right.node);
        self.buffer_bytes -= upper.heap_bytes();
        self.change_inner(left, |inner| {
            inner.children.extend_from_slice(&upper.children)
        });
        self.adopt(left, height);
        let above = self.inner.get_mut(parent);
        let at = above.position(left);
        above.children[at].count += right.count;
        self.unhang(right.node, parent, height + 1);
    }
}

#[cfg(test)]
impl Tree {
    /// Checks all that nodes know of each other, and what is counted.
    pub(super) fn assert_sound(&self) {
        let mut leaves = Vec::new();
        let (mut buffers, mut apart) = (0, 0);
        let count = self.assert_below(self.root, NONE, self.height, &mut leaves, &mut buffers);
        assert_eq!(count, self.len);
        let mut before = NONE;
        for (at, &number) in leaves.iter().enumerate() {
            let leaf = self.leaves.get(number);
            assert_eq!(leaf.before, before);
            assert_eq!(leaf.after, leaves.get(at + 1).copied().unwrap_or(NONE));
            assert!(leaf.len() > 0 || self.len == 0);
            before = number;
            for slot in 0..leaf.len() {
                let at = Place { leaf: number, slot };
                let member = self.member(at);
                if let Text::Apart(_) = leaf.text(slot) {
                    assert!(member.len() > SHORT_BYTES);
                    apart += class_bytes(member.len());
                }
                assert_eq!(
                    (leaf.hash(slot), self.find(member)),
                    (self.hash(member), Some(at))
                );
            }
        }
        assert_eq!((self.first, self.last), (leaves[0], before));
        assert_eq!(self.buffer_bytes, buffers + apart);
    }

    fn assert_below(
        &self,
        node: u32,
        parent: u32,
        height: u32,
        leaves: &mut Vec<u32>,
        buffers: &mut usize,
    ) -> usize {
        if height == 0 {
            let leaf = self.leaves.get(node);
            assert_eq!(leaf.parent, parent);
            assert!(leaf.len() <= MOST_MEMBERS);
            leaves.push(node);
            *buffers += leaf.heap_bytes();
            return leaf.len();
        }
        let inner = self.inner.get(node);
        assert_eq!(inner.parent, parent);
        assert!((1..=MOST_CHILDREN).contains(&inner.children.len()));
        assert!(parent != NONE || inner.children.len() > 1);
        *buffers += inner.heap_bytes();
        for child in &inner.children {
            let first = leaves.len();
            let count = self.assert_below(child.node, node, height - 1, leaves, buffers);
            assert_eq!((child.count, child.first), (count, leaves[first]));
            assert_eq!(child.score, self.leaves.get(child.first).score(0));
        }
        inner.count()
    }
}
