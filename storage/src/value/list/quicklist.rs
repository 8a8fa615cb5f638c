//! A list as a row of nodes.
//!
//! Elements are added where Redis adds them and nodes are split and merged where Redis does it
//! (`quicklist.c`), since the number of nodes decides when the list becomes a listpack again. The nodes
//! stand in a ring buffer, so that one is found by its number of elements without following pointers.
//!
//! With a `depth`, all but so many nodes at either end are compressed.

use std::collections::VecDeque;
use std::collections::vec_deque;

use super::bounds::Bounds;
use super::node::{Node, View};
use super::{End, Side};
use crate::memory::class_bytes;
use crate::value::{Item, Limits, Listpack, Needle};

/// What Redis adds to an element's length when it asks whether a node has room for it.
const ENTRY_OVERHEAD_BYTES: usize = 8;
/// What one of two listpacks loses when they are merged.
const FRAME_BYTES: usize = 7;
/// What a new node has room for at once, as more will come; it gives back the rest when it is full.
const FRESH_BYTES: usize = 512;
/// What the options are cut to, as Redis stores them.
const MOST_FILL: i64 = 0x7fff;
const LEAST_FILL: i64 = -5;
const MOST_DEPTH: usize = 0xffff;

#[derive(Debug)]
pub(super) struct Quicklist {
    nodes: VecDeque<Node>,
    /// Elements of all nodes.
    len: usize,
    /// Memory of all nodes.
    node_bytes: usize,
    /// `list-max-listpack-size` when the list was made.
    fill: i64,
    /// `list-compress-depth` when the list was made.
    depth: usize,
}

impl Clone for Quicklist {
    fn clone(&self) -> Quicklist {
        let nodes = self.nodes.clone();
        Quicklist {
            // Copies have no room to grow.
            node_bytes: nodes.iter().map(Node::heap_bytes).sum(),
            nodes,
            ..*self
        }
    }
}

impl Quicklist {
    pub(super) fn new(limits: &Limits) -> Quicklist {
        Quicklist {
            nodes: VecDeque::new(),
            len: 0,
            node_bytes: 0,
            fill: limits.list_max_listpack_size.clamp(LEAST_FILL, MOST_FILL),
            depth: limits.list_compress_depth.min(MOST_DEPTH),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn nodes(&self) -> vec_deque::Iter<'_, Node> {
        self.nodes.iter()
    }

    pub(super) fn limits(&self) -> (i64, usize) {
        (self.fill, self.depth)
    }

    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        self.node_bytes + class_bytes(self.nodes.capacity() * size_of::<Node>())
    }

    #[inline]
    fn bounds(&self, limits: &Limits) -> Bounds {
        Bounds::new(self.fill, limits)
    }

    /// Whether the only node is a listpack within the bounds.
    #[inline]
    pub(super) fn fits_listpack(&self, bounds: &Bounds) -> bool {
        self.nodes.len() == 1
            && !self.nodes[0].is_plain()
            && bounds.allow(self.nodes[0].size_bytes(), self.len)
    }

    /// The elements of the only node.
    pub(super) fn take_listpack(&mut self) -> Listpack {
        let mut node = self.nodes.pop_front();
        let elements = node.as_mut().and_then(Node::listpack_mut);
        elements.map_or_else(Listpack::new, |(listpack, _)| std::mem::take(listpack))
    }

    /// The node that holds the element at `index`, and its index there; from the nearer end.
    #[inline]
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        if index <= self.len / 2 {
            let mut offset = index;
            let is_here = |node: &Node| match offset < node.count() {
                true => true,
                false => {
                    offset -= node.count();
                    false
                }
            };
            let at = self.nodes.iter().position(is_here)?;
            return Some((at, offset));
        }
        let mut behind = self.len - index;
        let is_here = |node: &Node| match behind <= node.count() {
            true => true,
            false => {
                behind -= node.count();
                false
            }
        };
        let at = self.nodes.len() - 1 - self.nodes.iter().rev().position(is_here)?;
        Some((at, self.nodes[at].count() - behind))
    }

    #[inline]
    pub(super) fn with<R>(&self, index: usize, reader: impl FnOnce(Item<'_>) -> R) -> Option<R> {
        let (at, offset) = self.locate(index)?;
        match self.nodes[at].view() {
            View::Plain(element) => Some(reader(Item::Bytes(&element))),
            View::Packed(listpack) => listpack
                .seek(offset as i64)
                .map(|at| reader(listpack.get(at))),
        }
    }

    pub(super) fn walk(
        &self,
        from: usize,
        towards: End,
        count: usize,
        mut reader: impl FnMut(Item<'_>) -> bool,
    ) {
        let Some((mut at, mut offset)) = self.locate(from) else {
            return;
        };
        let mut left = count;
        while left > 0 {
            let node = &self.nodes[at];
            let here = match towards {
                End::Tail => node.count() - offset,
                End::Head => offset + 1,
            };
            if !node.walk(offset, towards, left, &mut reader) {
                return;
            }
            left = left.saturating_sub(here);
            let next = match towards {
                End::Tail => (at + 1 < self.nodes.len()).then_some(at + 1),
                End::Head => at.checked_sub(1),
            };
            let Some(next) = next else {
                return;
            };
            at = next;
            offset = match towards {
                End::Tail => 0,
                End::Head => self.nodes[at].count() - 1,
            };
        }
    }

    /// Adds a node behind all others, or nothing if it is empty.
    pub(super) fn append_node(&mut self, node: Node) {
        if node.count() > 0 {
            self.add(self.nodes.len(), node);
        }
    }

    #[inline]
    pub(super) fn push(&mut self, end: End, element: &[u8], limits: &Limits) {
        let bounds = self.bounds(limits);
        let (last, behind) = match end {
            End::Head => (0, 0),
            End::Tail => (self.nodes.len().wrapping_sub(1), self.nodes.len()),
        };
        if self.has_room(last, element, &bounds) {
            self.edit(last, |node| node.push(end, element));
        } else {
            if !self.nodes.is_empty() {
                self.edit(last, Node::shrink_to_fit);
            }
            self.add_element(behind, element, &bounds);
        }
    }

    /// Removes the element at one end, if there is one.
    #[inline]
    pub(super) fn pop(&mut self, end: End) {
        let at = match end {
            End::Head => 0,
            End::Tail => self.nodes.len().wrapping_sub(1),
        };
        match self.nodes.get(at).map(Node::count) {
            None => {}
            Some(1) => drop(self.take(at)),
            Some(_) => self.edit(at, |node| node.pop(end)),
        }
    }

    /// Whether there is a node of that number which takes the element.
    #[inline]
    fn has_room(&self, at: usize, element: &[u8], bounds: &Bounds) -> bool {
        self.nodes.get(at).is_some_and(|node| {
            let size_bytes = node.size_bytes() + element.len() + ENTRY_OVERHEAD_BYTES;
            !node.is_plain()
                && !bounds.is_large(element.len())
                && !bounds.are_exceeded(size_bytes, node.count() + 1)
        })
    }

    /// Adds a node of one element.
    fn add_element(&mut self, at: usize, element: &[u8], bounds: &Bounds) {
        let node = match bounds.is_large(element.len()) {
            true => Node::plain(element),
            false => {
                let mut listpack = Listpack::with_capacity(FRESH_BYTES);
                listpack.push_back(element);
                Node::packed(listpack)
            }
        };
        self.add(at, node);
    }

    /// Inserts an element beside the first one that is `pivot`.
    pub(super) fn insert(
        &mut self,
        side: Side,
        pivot: &[u8],
        element: &[u8],
        limits: &Limits,
    ) -> bool {
        let needle = Needle::new(pivot);
        let mut nodes = self.nodes.iter().enumerate();
        let found = nodes.find_map(|(at, node)| Some((at, node.position_of(needle)?)));
        let Some((at, position)) = found else {
            return false;
        };
        self.insert_beside(at, position, side, element, limits);
        true
    }

    fn insert_beside(
        &mut self,
        at: usize,
        position: usize,
        side: Side,
        element: &[u8],
        limits: &Limits,
    ) {
        let bounds = self.bounds(limits);
        let is_at_edge = self.nodes[at].is_at_edge(position, side);
        let (beside, place, near_end) = match side {
            Side::Before => (at.wrapping_sub(1), at, End::Tail),
            Side::After => (at + 1, at + 1, End::Head),
        };
        if self.has_room(at, element, &bounds) {
            self.edit(at, |node| node.insert(position, side, element));
        } else if is_at_edge && self.has_room(beside, element, &bounds) {
            self.edit(beside, |node| node.push(near_end, element));
        } else if is_at_edge {
            self.add_element(place, element, &bounds);
        } else {
            self.insert_between(at, position, side, element, &bounds);
        }
    }

    /// Splits a node to insert an element where it was split.
    fn insert_between(
        &mut self,
        at: usize,
        position: usize,
        side: Side,
        element: &[u8],
        bounds: &Bounds,
    ) {
        let mut rest = self.edit(at, |node| node.split(position, side));
        let is_large = bounds.is_large(element.len());
        if !is_large {
            rest.push(
                match side {
                    Side::Before => End::Tail,
                    Side::After => End::Head,
                },
                element,
            );
        }
        let (place, center) = match side {
            Side::Before => (at, at + 1),
            Side::After => (at + 1, at),
        };
        self.add(place, rest);
        if is_large {
            self.add(at + 1, Node::plain(element));
        } else {
            self.merge_around(center, bounds);
        }
    }

    /// Puts an element in the place of the one at `index`, which exists.
    pub(super) fn replace(&mut self, index: usize, element: &[u8], limits: &Limits) {
        let Some((at, offset)) = self.locate(index) else {
            return;
        };
        let bounds = self.bounds(limits);
        match (self.nodes[at].is_plain(), bounds.is_large(element.len())) {
            (false, false) => self.edit(at, |node| {
                if let Some((listpack, _)) = node.listpack_mut()
                    && let Some(position) = listpack.seek(offset as i64)
                {
                    listpack.replace(position, element);
                }
            }),
            (true, true) => self.edit(at, |node| *node = Node::plain(element)),
            (true, false) => {
                self.insert_beside(at, 0, Side::After, element, limits);
                self.take(at);
            }
            (false, true) => self.replace_with_large(at, offset, element, &bounds),
        }
    }

    fn replace_with_large(&mut self, at: usize, offset: usize, element: &[u8], bounds: &Bounds) {
        let count = self.nodes[at].count();
        let rest = self.edit(at, |node| {
            let (listpack, _) = node.listpack_mut()?;
            let position = listpack.seek(offset as i64)?;
            (offset + 1 < count).then(|| node.split(position, Side::After))
        });
        self.add(at + 1, Node::plain(element));
        if let Some(rest) = rest {
            self.add(at + 2, rest);
        }
        if offset == 0 {
            self.take(at);
        } else {
            self.edit(at, |node| node.remove_range(offset, 1));
            self.merge_around(at + 1, bounds);
        }
    }

    pub(super) fn remove_range(&mut self, from: usize, count: usize) {
        let Some((mut at, offset)) = self.locate(from) else {
            return;
        };
        let mut left = count.min(self.len - from);
        if offset > 0 {
            let here = left.min(self.nodes[at].count() - offset);
            self.edit(at, |node| node.remove_range(offset, here));
            left -= here;
            at += 1;
        }
        let mut behind = at;
        while let Some(node) = self.nodes.get(behind)
            && node.count() <= left
            && left > 0
        {
            left -= node.count();
            behind += 1;
        }
        self.take_range(at..behind);
        if left > 0 {
            self.edit(at, |node| node.remove_range(0, left));
        }
    }

    pub(super) fn remove(&mut self, needle: Needle<'_>, from: End, most: usize) -> usize {
        let (mut removed, mut emptied) = (0, 0);
        for step in 0..self.nodes.len() {
            let at = match from {
                End::Head => step,
                End::Tail => self.nodes.len() - 1 - step,
            };
            if removed == most {
                break;
            }
            removed += self.edit(at, |node| node.remove(needle, from, most - removed));
            emptied += usize::from(self.nodes[at].count() == 0);
        }
        if emptied > 0 {
            let freed = |node: &&Node| node.count() == 0;
            let bytes: usize = self.nodes.iter().filter(freed).map(Node::heap_bytes).sum();
            self.node_bytes -= bytes;
            self.nodes.retain(|node| node.count() > 0);
            self.give_back_room();
            self.settle_ends();
        }
        removed
    }

    /// Merges nodes beside `center` and `center` with them, where a node takes both.
    fn merge_around(&mut self, mut center: usize, bounds: &Bounds) {
        if center >= 2 && self.merge(center - 2, bounds) {
            center -= 1;
        }
        self.merge(center + 1, bounds);
        if center >= 1 && self.merge(center - 1, bounds) {
            center -= 1;
        }
        self.merge(center, bounds);
    }

    /// Merges a node with the next one, if there are both and one node may be as large.
    fn merge(&mut self, at: usize, bounds: &Bounds) -> bool {
        let (Some(left), Some(right)) = (self.nodes.get(at), self.nodes.get(at + 1)) else {
            return false;
        };
        let size_bytes =
            left.size_bytes() + right.size_bytes() - FRAME_BYTES.min(left.size_bytes());
        if left.is_plain()
            || right.is_plain()
            || bounds.are_exceeded(size_bytes, left.count() + right.count())
        {
            return false;
        }
        if let Some(right) = self.take(at + 1) {
            self.edit(at, |node| node.append(right));
        }
        true
    }
}

/// What every change goes through, to keep the sums and the compression right.
impl Quicklist {
    /// Changes a node in place.
    #[inline]
    fn edit<R>(&mut self, at: usize, change: impl FnOnce(&mut Node) -> R) -> R {
        let node = &mut self.nodes[at];
        self.node_bytes -= node.heap_bytes();
        self.len -= node.count();
        let result = change(node);
        self.len += node.count();
        self.node_bytes += node.heap_bytes();
        if self.depth > 0 {
            self.settle(at);
        }
        result
    }

    fn add(&mut self, at: usize, node: Node) {
        self.len += node.count();
        self.node_bytes += node.heap_bytes();
        self.nodes.insert(at, node);
        if self.depth > 0 {
            self.settle(at);
            self.settle_borders();
        }
    }

    fn take(&mut self, at: usize) -> Option<Node> {
        let node = self.nodes.remove(at)?;
        self.len -= node.count();
        self.node_bytes -= node.heap_bytes();
        self.give_back_room();
        if self.depth > 0 {
            self.settle_borders();
        }
        Some(node)
    }

    fn take_range(&mut self, range: std::ops::Range<usize>) {
        for node in self.nodes.drain(range) {
            self.len -= node.count();
            self.node_bytes -= node.heap_bytes();
        }
        self.give_back_room();
        self.settle_ends();
    }

    /// Lets go of the room for nodes that have gone, when it is most of it.
    #[inline]
    fn give_back_room(&mut self) {
        if self.nodes.capacity() > 4 * self.nodes.len() + 8 {
            self.nodes.shrink_to(2 * self.nodes.len());
        }
    }

    /// Compresses or opens the nodes on both sides of both borders, after one node came or went.
    fn settle_borders(&mut self) {
        let (len, depth) = (self.nodes.len(), self.depth);
        let right = len.wrapping_sub(depth);
        for at in [depth - 1, depth, right.wrapping_sub(1), right] {
            if at < len {
                self.settle(at);
            }
        }
    }

    /// The same after any number of nodes went.
    fn settle_ends(&mut self) {
        if self.depth == 0 {
            return;
        }
        let len = self.nodes.len();
        let near = self.depth.saturating_add(1).min(len);
        (0..near).for_each(|at| self.settle(at));
        (len - near..len).for_each(|at| self.settle(at));
    }

    /// Compresses a node that is further than `depth` from both ends, and opens any other.
    fn settle(&mut self, at: usize) {
        let is_inner = at >= self.depth && at + self.depth < self.nodes.len();
        let node = &mut self.nodes[at];
        self.node_bytes -= node.heap_bytes();
        match is_inner {
            true => node.squeeze(),
            false => node.open(),
        }
        self.node_bytes += node.heap_bytes();
    }
}
