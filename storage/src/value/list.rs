//! Lists: one listpack while small, a row of nodes when larger, as in Redis.
//!
//! Which of them a list is can be seen from outside (`OBJECT ENCODING`), so it changes when Redis
//! changes it: before elements are added ([`List::make_room`]), and after some were removed, where half
//! of the limits must be kept for a list to become a listpack again.

mod bounds;
mod node;
mod quicklist;
#[cfg(test)]
mod tests;

use crate::memory::class_bytes;
use crate::value::{Item, Limits, Listpack, Needle};

use bounds::Bounds;
use quicklist::Quicklist;

pub use node::Node;

/// An end of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Where index 0 is: the left.
    Head,
    /// Where index -1 is: the right.
    Tail,
}

/// On which side of an element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Nearer to the head.
    Before,
    /// Nearer to the tail.
    After,
}

/// A list of strings.
#[derive(Clone, Debug, Default)]
pub struct List(Form);

#[derive(Clone, Debug)]
enum Form {
    Packed(Listpack),
    Nodes(Box<Quicklist>),
}

impl Default for Form {
    fn default() -> Form {
        Form::Packed(Listpack::new())
    }
}

impl List {
    /// An empty list of nodes, to be filled from a file: see [`List::append_node`].
    pub fn of_nodes(limits: &Limits) -> List {
        List(Form::Nodes(Box::new(Quicklist::new(limits))))
    }

    /// Adds a node behind all others. The list becomes one of nodes, if it is not.
    pub fn append_node(&mut self, node: Node, limits: &Limits) {
        self.unpack(limits).append_node(node);
    }

    /// Gives a list that was filled from a file the encoding it would have had.
    pub fn fit(&mut self, limits: &Limits) {
        match &self.0 {
            Form::Packed(_) => self.make_room(0, 0, limits),
            Form::Nodes(nodes) => {
                if nodes.len() == 0 || nodes.fits_listpack(&Bounds::of(limits)) {
                    self.pack();
                }
            }
        }
    }

    /// How many elements.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(listpack) => listpack.len(),
            Form::Nodes(nodes) => nodes.len(),
        }
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Packed(listpack) => listpack.is_empty(),
            Form::Nodes(nodes) => nodes.len() == 0,
        }
    }

    /// The name `OBJECT ENCODING` gives.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Form::Packed(_) => "listpack",
            Form::Nodes(_) => "quicklist",
        }
    }

    /// Bytes beyond the object itself that it holds, in allocator classes. O(1).
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(listpack) => listpack.heap_bytes(),
            Form::Nodes(nodes) => class_bytes(size_of::<Quicklist>()) + nodes.heap_bytes(),
        }
    }

    /// The list as one listpack, if it is.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Packed(listpack) => Some(listpack),
            Form::Nodes(_) => None,
        }
    }

    /// Its nodes, none if it is one listpack.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        match &self.0 {
            Form::Packed(_) => Default::default(),
            Form::Nodes(nodes) => nodes.nodes(),
        }
    }

    /// The limits a list of nodes was made with: `list-max-listpack-size` and `list-compress-depth`.
    pub fn node_limits(&self) -> Option<(i64, usize)> {
        match &self.0 {
            Form::Packed(_) => None,
            Form::Nodes(nodes) => Some(nodes.limits()),
        }
    }

    /// The index that `index` means, which counts from the tail if negative.
    #[inline]
    pub fn resolve(&self, index: i64) -> Option<usize> {
        let len = self.len();
        let distance = usize::try_from(index.unsigned_abs()).ok()?;
        match index < 0 {
            true => len.checked_sub(distance),
            false => (distance < len).then_some(distance),
        }
    }

    /// Hands the element at `index` to `reader`; negative ones count from the tail. O(nodes + node).
    #[inline]
    pub fn with<R>(&self, index: i64, reader: impl FnOnce(Item<'_>) -> R) -> Option<R> {
        match &self.0 {
            Form::Packed(listpack) => listpack.seek(index).map(|at| reader(listpack.get(at))),
            Form::Nodes(nodes) => nodes.with(self.resolve(index)?, reader),
        }
    }

    /// Hands `count` elements from index `from` on to `reader`, towards the head or the tail.
    ///
    /// `reader` says whether to go on.
    #[inline]
    pub fn walk(
        &self,
        from: usize,
        towards: End,
        count: usize,
        mut reader: impl FnMut(Item<'_>) -> bool,
    ) {
        match &self.0 {
            Form::Packed(listpack) => {
                node::walk_listpack(listpack, from, towards, count, &mut reader);
            }
            Form::Nodes(nodes) => nodes.walk(from, towards, count, reader),
        }
    }

    /// Becomes a list of nodes if `count` more elements of `bytes` in all would be too many for a listpack.
    ///
    /// To be called before elements are pushed, inserted or replaced, whether or not that succeeds.
    #[inline]
    pub fn make_room(&mut self, count: usize, bytes: usize, limits: &Limits) {
        if let Form::Packed(listpack) = &self.0 {
            let size_bytes = listpack.size_bytes().saturating_add(bytes);
            if Bounds::of(limits).are_exceeded(size_bytes, listpack.len().saturating_add(count)) {
                self.unpack(limits);
            }
        }
    }

    /// Adds an element at one end; [`List::make_room`] has been called.
    #[inline]
    pub fn push(&mut self, end: End, element: &[u8], limits: &Limits) {
        match (&mut self.0, end) {
            (Form::Packed(listpack), End::Head) => listpack.push_front(element),
            (Form::Packed(listpack), End::Tail) => listpack.push_back(element),
            (Form::Nodes(nodes), _) => nodes.push(end, element, limits),
        }
    }

    /// Adds elements at one end, one after the other.
    pub fn push_all<'e>(
        &mut self,
        end: End,
        elements: impl ExactSizeIterator<Item = &'e [u8]> + Clone,
        limits: &Limits,
    ) {
        let bytes = elements.clone().map(<[u8]>::len).sum();
        self.make_room(elements.len(), bytes, limits);
        elements.for_each(|element| self.push(end, element, limits));
    }

    /// Takes the element at one end to the other, or to where it was. It is given, with the bytes that it counts where
    /// room is made for it; the list shrinks only when it is there again.
    pub fn rotate(
        &mut self,
        [from, to]: [End; 2],
        element: &[u8],
        counted_bytes: usize,
        limits: &Limits,
    ) {
        match &mut self.0 {
            Form::Nodes(nodes) => nodes.pop(from),
            Form::Packed(_) => self.pop(from, 1, limits),
        }
        self.make_room(1, counted_bytes, limits);
        self.push(to, element, limits);
        self.shrink(limits);
    }

    /// Removes `count` elements at one end, or all.
    #[inline]
    pub fn pop(&mut self, end: End, count: usize, limits: &Limits) {
        match (&mut self.0, end, count) {
            (Form::Packed(listpack), End::Head, 1) => {
                listpack.first().map(|at| listpack.remove(at));
            }
            (Form::Packed(listpack), End::Tail, 1) => {
                listpack.last().map(|at| listpack.remove(at));
            }
            (Form::Nodes(nodes), _, 1) => {
                nodes.pop(end);
                self.shrink(limits);
            }
            (_, End::Head, _) => self.remove_range(0, count, limits),
            (_, End::Tail, _) => {
                let len = self.len();
                self.remove_range(len.saturating_sub(count), count, limits);
            }
        }
    }

    /// Removes `count` elements from index `from` on, or as many as there are.
    pub fn remove_range(&mut self, from: usize, count: usize, limits: &Limits) {
        match &mut self.0 {
            Form::Packed(listpack) => {
                if let Some(at) = i64::try_from(from).ok().and_then(|it| listpack.seek(it)) {
                    listpack.remove_range(at, count);
                }
            }
            Form::Nodes(nodes) => nodes.remove_range(from, count),
        }
        self.shrink(limits);
    }

    /// Removes all elements but those of a range that is not empty.
    pub fn trim(&mut self, kept: std::ops::Range<usize>, limits: &Limits) {
        match &mut self.0 {
            Form::Packed(listpack) => {
                if let Some(at) = listpack.seek(kept.end as i64) {
                    listpack.remove_range(at, usize::MAX);
                }
                if let Some(at) = listpack.first() {
                    listpack.remove_range(at, kept.start);
                }
            }
            Form::Nodes(nodes) => {
                nodes.remove_range(kept.end, usize::MAX);
                nodes.remove_range(0, kept.start);
            }
        }
        self.shrink(limits);
    }

    /// Puts an element in the place of the one at `index`, if there is one.
    pub fn set(&mut self, index: i64, element: &[u8], limits: &Limits) -> bool {
        self.make_room(1, element.len(), limits);
        let Some(index) = self.resolve(index) else {
            return false;
        };
        match &mut self.0 {
            Form::Packed(listpack) => {
                let at = listpack.seek(index as i64);
                at.map(|at| listpack.replace(at, element));
            }
            Form::Nodes(nodes) => nodes.replace(index, element, limits),
        }
        self.shrink(limits);
        true
    }

    /// Inserts an element beside the first one that is `pivot`, if there is one.
    pub fn insert(&mut self, side: Side, pivot: &[u8], element: &[u8], limits: &Limits) -> bool {
        self.make_room(1, element.len(), limits);
        match &mut self.0 {
            Form::Packed(listpack) => {
                let first = listpack.first();
                let Some(mut at) = first.and_then(|first| listpack.find(first, pivot, 0)) else {
                    return false;
                };
                if side == Side::After {
                    at = listpack.next(at).unwrap_or(listpack.end());
                }
                listpack.insert(at, element);
                true
            }
            Form::Nodes(nodes) => nodes.insert(side, pivot, element, limits),
        }
    }

    /// Removes the elements that are `element`, at most `count`, from the head or from the tail on; tells how many.
    pub fn remove(&mut self, element: &[u8], from: End, count: usize, limits: &Limits) -> usize {
        let needle = Needle::new(element);
        let removed = match &mut self.0 {
            Form::Packed(listpack) => node::remove_from_listpack(listpack, needle, from, count),
            Form::Nodes(nodes) => nodes.remove(needle, from, count),
        };
        if removed > 0 {
            self.shrink(limits);
        }
        removed
    }

    /// Becomes one listpack, if half of the limits of one are kept.
    #[inline]
    fn shrink(&mut self, limits: &Limits) {
        if let Form::Nodes(nodes) = &self.0
            && nodes.fits_listpack(&Bounds::of(limits).halved())
        {
            self.pack();
        }
    }

    fn pack(&mut self) {
        if let Form::Nodes(nodes) = &mut self.0 {
            self.0 = Form::Packed(nodes.take_listpack());
        }
    }

    fn unpack(&mut self, limits: &Limits) -> &mut Quicklist {
        if let Form::Packed(listpack) = &mut self.0 {
            let mut nodes = Box::new(Quicklist::new(limits));
            if !listpack.is_empty() {
                nodes.append_node(Node::packed(std::mem::take(listpack)));
            }
            self.0 = Form::Nodes(nodes);
        }
        match &mut self.0 {
            Form::Nodes(nodes) => nodes,
            Form::Packed(_) => unreachable!("it has just become one of nodes"),
        }
    }
}
