//! A node of a list: elements in a listpack, or a single large one; some of them compressed.

use std::borrow::Cow;

use super::{End, Side};
use crate::memory::class_bytes;
use crate::value::{Item, Listpack, Needle, lzf};

/// What is smaller is not compressed, nor what would not become this much smaller.
const LEAST_BYTES: usize = 48;
const LEAST_SAVED_BYTES: usize = 8;

/// A node of a list.
#[derive(Clone, Debug)]
pub enum Node {
    /// Elements.
    Packed {
        /// How many, at hand without looking into the listpack.
        count: u32,
        /// The elements.
        listpack: Listpack,
    },
    /// One large element.
    Plain(Box<[u8]>),
    /// One of the others, compressed.
    Squeezed {
        /// How many elements.
        count: u32,
        /// The size of what was compressed.
        size_bytes: u32,
        /// Whether that was one large element.
        is_plain: bool,
        /// As [`lzf::compress`] gives it.
        lzf: Box<[u8]>,
    },
}

const _: () = assert!(size_of::<Node>() == 32);

/// What a node holds, if need be after it was decompressed.
pub(super) enum View<'a> {
    Packed(Cow<'a, Listpack>),
    Plain(Cow<'a, [u8]>),
}

const SQUEEZED_HERE: &str = "nodes are compressed here only";

impl Node {
    /// A node of the elements of a listpack.
    pub fn packed(listpack: Listpack) -> Node {
        Node::Packed {
            count: u32::try_from(listpack.len()).unwrap_or(u32::MAX),
            listpack,
        }
    }

    /// A node of one large element.
    pub fn plain(element: &[u8]) -> Node {
        Node::Plain(element.into())
    }

    /// How many elements.
    #[inline]
    pub fn count(&self) -> usize {
        match self {
            Node::Packed { count, .. } | Node::Squeezed { count, .. } => *count as usize,
            Node::Plain(_) => 1,
        }
    }

    /// Its size, not compressed.
    #[inline]
    pub fn size_bytes(&self) -> usize {
        match self {
            Node::Packed { listpack, .. } => listpack.size_bytes(),
            Node::Plain(element) => element.len(),
            Node::Squeezed { size_bytes, .. } => *size_bytes as usize,
        }
    }

    /// Whether it is one large element.
    #[inline]
    pub fn is_plain(&self) -> bool {
        match self {
            Node::Packed { .. } => false,
            Node::Plain(_) => true,
            Node::Squeezed { is_plain, .. } => *is_plain,
        }
    }

    /// Hands its elements to `reader`, the first first.
    pub fn each(&self, mut reader: impl FnMut(Item<'_>)) {
        self.walk(0, End::Tail, usize::MAX, &mut |element| {
            reader(element);
            true
        });
    }

    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Node::Packed { listpack, .. } => listpack.heap_bytes(),
            Node::Plain(bytes) | Node::Squeezed { lzf: bytes, .. } => class_bytes(bytes.len()),
        }
    }

    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        match self {
            Node::Packed { listpack, .. } => View::Packed(Cow::Borrowed(listpack)),
            Node::Plain(element) => View::Plain(Cow::Borrowed(element)),
            Node::Squeezed {
                size_bytes,
                is_plain,
                lzf,
                ..
            } => {
                let bytes = lzf::decompress(lzf, *size_bytes as usize).expect(SQUEEZED_HERE);
                match is_plain {
                    true => View::Plain(Cow::Owned(bytes)),
                    false => View::Packed(Cow::Owned(
                        Listpack::from_bytes(bytes).expect(SQUEEZED_HERE),
                    )),
                }
            }
        }
    }

    /// Decompresses it for good.
    #[inline]
    pub(super) fn open(&mut self) {
        if matches!(self, Node::Squeezed { .. }) {
            let count = self.count() as u32;
            let opened = match self.view() {
                View::Packed(listpack) => Node::Packed {
                    count,
                    listpack: listpack.into_owned(),
                },
                View::Plain(element) => Node::Plain(element.into()),
            };
            *self = opened;
        }
    }

    /// Compresses it, if that is worth while.
    pub(super) fn squeeze(&mut self) {
        let bytes = match self {
            Node::Packed { listpack, .. } => listpack.as_bytes(),
            Node::Plain(element) => element,
            Node::Squeezed { .. } => return,
        };
        let Ok(size_bytes) = u32::try_from(bytes.len()) else {
            return;
        };
        if bytes.len() < LEAST_BYTES {
            return;
        }
        let lzf = lzf::compress(bytes, bytes.len());
        let Some(lzf) = lzf.filter(|lzf| lzf.len() + LEAST_SAVED_BYTES < bytes.len()) else {
            return;
        };
        *self = Node::Squeezed {
            count: self.count() as u32,
            size_bytes,
            is_plain: self.is_plain(),
            lzf: lzf.into_boxed_slice(),
        };
    }

    /// The elements, to be changed; `None` of a plain node. Compressed ones are opened.
    #[inline]
    pub(super) fn listpack_mut(&mut self) -> Option<(&mut Listpack, &mut u32)> {
        self.open();
        match self {
            Node::Packed { count, listpack } => Some((listpack, count)),
            Node::Plain(_) | Node::Squeezed { .. } => None,
        }
    }

    /// Adds an element at one end of a node that is not plain.
    #[inline]
    pub(super) fn push(&mut self, end: End, element: &[u8]) {
        if let Some((listpack, count)) = self.listpack_mut() {
            let at = match end {
                End::Head => Listpack::HEAD,
                End::Tail => listpack.end(),
            };
            listpack.reserve_doubling(at, element.len());
            listpack.insert(at, element);
            *count += 1;
        }
    }

    /// Removes the element at one end of a node that is not plain.
    #[inline]
    pub(super) fn pop(&mut self, end: End) {
        if let Some((listpack, count)) = self.listpack_mut() {
            let at = match end {
                End::Head => listpack.first(),
                End::Tail => listpack.last(),
            };
            if let Some(at) = at {
                listpack.remove(at);
                *count -= 1;
            }
        }
    }

    /// Gives back the room for more elements.
    pub(super) fn shrink_to_fit(&mut self) {
        if let Node::Packed { listpack, .. } = self {
            listpack.shrink_to_fit();
        }
    }

    /// Adds an element beside that at `position`.
    pub(super) fn insert(&mut self, position: usize, side: Side, element: &[u8]) {
        if let Some((listpack, count)) = self.listpack_mut() {
            let at = match side {
                Side::Before => position,
                Side::After => listpack.next(position).unwrap_or(listpack.end()),
            };
            listpack.insert(at, element);
            *count += 1;
        }
    }

    /// Removes elements of a node that is not plain.
    #[inline]
    pub(super) fn remove_range(&mut self, offset: usize, many: usize) {
        if let Some((listpack, count)) = self.listpack_mut()
            && let Some(at) = listpack.seek(offset as i64)
        {
            *count -= listpack.remove_range(at, many) as u32;
        }
    }

    /// Removes elements that are `needle`; a plain node becomes an empty one.
    pub(super) fn remove(&mut self, needle: Needle<'_>, from: End, most: usize) -> usize {
        // What does not hold it is not opened.
        if self.position_of(needle).is_none() {
            return 0;
        }
        match self.listpack_mut() {
            Some((listpack, count)) => {
                let removed = remove_from_listpack(listpack, needle, from, most);
                *count -= removed as u32;
                removed
            }
            None => {
                *self = Node::packed(Listpack::new());
                1
            }
        }
    }

    /// The position of the first element that is `needle`; 0 in a plain node.
    pub(super) fn position_of(&self, needle: Needle<'_>) -> Option<usize> {
        match self.view() {
            View::Plain(element) => needle.is(Item::Bytes(&element)).then_some(0),
            View::Packed(listpack) => {
                let first = listpack.first()?;
                let mut items = listpack.iter_from(first);
                loop {
                    let at = items.position();
                    if needle.is(items.next()?) {
                        return Some(at);
                    }
                }
            }
        }
    }

    /// Whether the element at `position` is the first or last one.
    pub(super) fn is_at_edge(&self, position: usize, side: Side) -> bool {
        match (self.view(), side) {
            (View::Plain(_), _) => true,
            (View::Packed(listpack), Side::Before) => listpack.first() == Some(position),
            (View::Packed(listpack), Side::After) => listpack.next(position).is_none(),
        }
    }

    /// Takes what stands before or behind the element at `position` away into a node of its own.
    pub(super) fn split(&mut self, position: usize, side: Side) -> Node {
        let Some((listpack, count)) = self.listpack_mut() else {
            return Node::packed(Listpack::new());
        };
        let at = match side {
            Side::Before => position,
            Side::After => listpack.next(position).unwrap_or(listpack.end()),
        };
        let mut rest = listpack.split_off(at);
        if side == Side::Before {
            std::mem::swap(listpack, &mut rest);
        }
        let taken = Node::packed(rest);
        *count -= taken.count() as u32;
        taken
    }

    /// Adds the elements of another; neither is plain.
    pub(super) fn append(&mut self, mut other: Node) {
        let (Some((listpack, count)), Some((more, more_count))) =
            (self.listpack_mut(), other.listpack_mut())
        else {
            return;
        };
        listpack.append(more);
        *count += *more_count;
    }

    /// Hands elements to `reader`, at most `count`; tells how many, and whether to go on.
    #[inline]
    pub(super) fn walk(
        &self,
        from: usize,
        towards: End,
        count: usize,
        reader: &mut impl FnMut(Item<'_>) -> bool,
    ) -> bool {
        match self.view() {
            View::Packed(listpack) => walk_listpack(&listpack, from, towards, count, reader),
            View::Plain(element) => count == 0 || reader(Item::Bytes(&element)),
        }
    }
}

/// Hands `count` elements to `reader` until it says to stop; whether it did not.
#[inline]
pub(super) fn walk_listpack(
    listpack: &Listpack,
    from: usize,
    towards: End,
    count: usize,
    reader: &mut impl FnMut(Item<'_>) -> bool,
) -> bool {
    let Some(at) = i64::try_from(from).ok().and_then(|it| listpack.seek(it)) else {
        return true;
    };
    match towards {
        End::Tail => listpack.iter_from(at).take(count).all(reader),
        End::Head => listpack.iter_back_from(at).take(count).all(reader),
    }
}

/// Removes elements that are `needle`, and tells how many.
pub(super) fn remove_from_listpack(
    listpack: &mut Listpack,
    needle: Needle<'_>,
    from: End,
    most: usize,
) -> usize {
    let mut removed = 0;
    let mut place = match from {
        End::Head => listpack.first(),
        End::Tail => listpack.last(),
    };
    while let Some(at) = place
        && removed < most
    {
        let is_it = needle.is(listpack.get(at));
        let before = match from {
            End::Head => None,
            End::Tail => listpack.previous(at),
        };
        let behind = match is_it {
            true => listpack.remove(at),
            false => listpack.next(at),
        };
        removed += usize::from(is_it);
        place = match from {
            End::Head => behind,
            End::Tail => before,
        };
    }
    removed
}
