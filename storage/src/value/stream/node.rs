//! Some entries in one listpack, as Redis packs them (`t_stream.c`).
//!
//! In front stands the master entry: how many entries live, how many are deleted, how many fields the first
//! entry has, these fields, and a zero. An entry is
//!
//! ```text
//! flags, ms and seq beyond the node's id, [number of fields, field,] value … [field, value], pieces
//! ```
//!
//! where what is in brackets is left out if the fields are those of the master entry, and the number of pieces
//! before it leads back to the flags. A deleted entry keeps its place and is flagged.

use super::StreamId;
use crate::value::listpack::{self, Item, Listpack, Malformed};

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// A packed run of entries; its id, that of the first entry it ever had, is known outside.
#[derive(Clone, Debug)]
pub(super) struct Node(Listpack);

/// Where things are in front of the entries.
struct Head {
    live: usize,
    live_at: usize,
    deleted: usize,
    deleted_at: usize,
    fields: usize,
    fields_at: usize,
}

impl Node {
    /// A node without entries, for entries with these fields; with room for some bytes.
    pub fn new<'f>(fields: impl ExactSizeIterator<Item = &'f [u8]>, room_bytes: usize) -> Node {
        let mut pack = Listpack::with_capacity(room_bytes);
        pack.push_back_integer(0);
        pack.push_back_integer(0);
        pack.push_back_integer(fields.len() as i64);
        fields.for_each(|field| pack.push_back(field));
        pack.push_back_integer(0);
        Node(pack)
    }

    /// A node as a file carries it, with how many entries live and the last id; none if it is not one.
    pub fn from_listpack(
        pack: Listpack,
        master: StreamId,
    ) -> Result<(Node, usize, StreamId), Malformed> {
        let (live, last_id) = check(&pack, master).ok_or(Malformed)?;
        Ok((Node(pack), live, last_id))
    }

    /// As files carry it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The size of the listpack.
    pub fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    /// Bytes of memory, in allocator classes.
    pub fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }

    /// Gives back the room that is left, as nothing more will come.
    pub fn close(&mut self) {
        let tight = crate::memory::class_bytes(self.size_bytes());
        if tight < self.heap_bytes() {
            self.0 = self.0.clone();
        }
    }

    fn head(&self) -> Head {
        let live_at = self.0.first().expect("a node has a master entry");
        let mut head = self.0.iter_from(live_at);
        let live = integer(head.next()) as usize;
        let deleted_at = head.position();
        let deleted = integer(head.next()) as usize;
        let fields = integer(head.next()) as usize;
        Head {
            live,
            live_at,
            deleted,
            deleted_at,
            fields,
            fields_at: head.position(),
        }
    }

    /// How many entries are not deleted.
    pub fn live(&self) -> usize {
        self.head().live
    }

    /// How many entries there are, deleted or not.
    pub fn slots(&self) -> usize {
        let head = self.head();
        head.live + head.deleted
    }

    /// Adds an entry behind all others of the node with the id `master`.
    pub fn push<'f>(
        &mut self,
        master: StreamId,
        id: StreamId,
        pairs: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
    ) {
        let head = self.head();
        let count = pairs.len();
        let has_same = count == head.fields && self.has_fields(&head, pairs.clone());
        let (ms, seq) = id.delta(master);
        let pack = &mut self.0;
        pack.replace_integer(head.live_at, head.live as i64 + 1);
        if has_same {
            let front = [SAME_FIELDS, ms, seq].map(Item::Int);
            let values = pairs.map(|(_, value)| Item::of(value));
            let pieces = Item::Int(count as i64 + 3);
            pack.append_row(front.into_iter().chain(values).chain([pieces]));
        } else {
            let front = [0, ms, seq, count as i64].map(Item::Int);
            let pairs = pairs.flat_map(|(field, value)| [field, value].map(Item::of));
            let pieces = Item::Int(2 * count as i64 + 4);
            pack.append_row(front.into_iter().chain(pairs).chain([pieces]));
        }
    }

    fn has_fields<'f>(
        &self,
        head: &Head,
        mut pairs: impl Iterator<Item = (&'f [u8], &'f [u8])>,
    ) -> bool {
        let mut fields = self.0.iter_from(head.fields_at);
        pairs.all(|(field, _)| fields.next().is_some_and(|known| known.is(field)))
    }

    /// All entries in order, the deleted ones too.
    pub fn iter(&self, master: StreamId) -> Slots<'_> {
        let head = self.head();
        let mut rest = self.0.iter_from(head.fields_at);
        let fields = rest.clone();
        // The zero behind the fields.
        rest.nth(head.fields);
        Slots {
            master,
            pack: &self.0,
            fields,
            fields_count: head.fields,
            front: rest.position(),
            back: self.0.end(),
        }
    }

    /// The id of the last entry, deleted or not.
    pub fn last_id(&self, master: StreamId) -> Option<StreamId> {
        self.iter(master).next_back().map(|slot| slot.id)
    }

    /// Marks entries as deleted: those at these places, which are of entries that live.
    pub fn delete(&mut self, places: impl IntoIterator<Item = SlotPlace>) {
        let mut count = 0;
        for place in places {
            let flags = integer(Some(self.0.get(place.0)));
            self.0.replace_integer(place.0, flags | DELETED);
            count += 1;
        }
        let head = self.head();
        self.0
            .replace_integer(head.deleted_at, (head.deleted + count) as i64);
        self.0
            .replace_integer(head.live_at, (head.live - count) as i64);
    }
}

/// How many entries live and the last id, if all of it is as it must be and the ids ascend.
///
/// *Source:* `streamValidateListpackIntegrity` of Redis, which does not look at the ids.
fn check(pack: &Listpack, master: StreamId) -> Option<(usize, StreamId)> {
    let mut items = pack.iter();
    let live = next_count(&mut items)?;
    let deleted = next_count(&mut items)?;
    let fields = next_count(&mut items)?;
    skip(&mut items, fields)?;
    if next_integer(&mut items)? != 0 {
        return None;
    }
    let (mut seen, mut seen_deleted, mut last) = (0, 0, None);
    while let Some(flags) = items.next() {
        let flags = flags.as_integer()?;
        let (ms, seq) = (next_integer(&mut items)?, next_integer(&mut items)?);
        let pieces = if flags & SAME_FIELDS != 0 {
            skip(&mut items, fields)?;
            fields.checked_add(3)?
        } else {
            let own = next_count(&mut items)?;
            skip(&mut items, own.checked_mul(2)?)?;
            own.checked_mul(2)?.checked_add(4)?
        };
        let id = Some(master.offset(ms, seq));
        if next_count(&mut items)? != pieces || id <= last {
            return None;
        }
        last = id;
        seen += 1;
        seen_deleted += usize::from(flags & DELETED != 0);
    }
    let is_counted = seen_deleted == deleted && seen - seen_deleted == live;
    last.filter(|_| is_counted).map(|last| (live, last))
}

fn next_integer(items: &mut listpack::Iter<'_>) -> Option<i64> {
    items.next()?.as_integer()
}

fn next_count(items: &mut listpack::Iter<'_>) -> Option<usize> {
    usize::try_from(next_integer(items)?).ok()
}

fn skip(items: &mut listpack::Iter<'_>, count: usize) -> Option<()> {
    match count.checked_sub(1) {
        Some(before) => items.nth(before).map(drop),
        None => Some(()),
    }
}

fn integer(item: Option<Item<'_>>) -> i64 {
    let number = item.and_then(|item| item.as_integer());
    number.expect("a node is built here, or was looked through when it was read")
}

/// Where an entry stands in its node; true until the node changes otherwise than by [`Node::delete`].
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotPlace(usize);

/// An entry of a node, deleted or not.
pub(super) struct Slot<'a> {
    pub id: StreamId,
    pub place: SlotPlace,
    pub is_deleted: bool,
    pub fields: Fields<'a>,
}

/// The fields of an entry with their values.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    /// Those of the master entry, if they are the same.
    names: Option<listpack::Iter<'a>>,
    rest: listpack::Iter<'a>,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Item<'a>, Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<(Item<'a>, Item<'a>)> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => names.next()?,
            None => self.rest.next()?,
        };
        Some((name, self.rest.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// The entries of a node, from either end.
pub(super) struct Slots<'a> {
    master: StreamId,
    pack: &'a Listpack,
    fields: listpack::Iter<'a>,
    fields_count: usize,
    front: usize,
    /// Behind the last entry still to come.
    back: usize,
}

impl<'a> Slots<'a> {
    /// The entry at a position, and the pieces from its first field on.
    fn slot(&self, at: usize) -> (Slot<'a>, usize) {
        let mut rest = self.pack.iter_from(at);
        let flags = integer(rest.next());
        let (ms, seq) = (integer(rest.next()), integer(rest.next()));
        let has_same = flags & SAME_FIELDS != 0;
        let (count, pieces) = if has_same {
            (self.fields_count, self.fields_count)
        } else {
            let count = integer(rest.next()) as usize;
            (count, 2 * count)
        };
        let fields = Fields {
            names: has_same.then(|| self.fields.clone()),
            rest,
            left: count,
        };
        let slot = Slot {
            id: self.master.offset(ms, seq),
            place: SlotPlace(at),
            is_deleted: flags & DELETED != 0,
            fields,
        };
        (slot, pieces)
    }
}

impl<'a> Iterator for Slots<'a> {
    type Item = Slot<'a>;

    fn next(&mut self) -> Option<Slot<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (slot, pieces) = self.slot(self.front);
        let mut rest = slot.fields.rest.clone();
        // The number of pieces stands behind them.
        rest.nth(pieces);
        self.front = rest.position();
        Some(slot)
    }
}

impl DoubleEndedIterator for Slots<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let mut at = self.pack.previous(self.back)?;
        let pieces = integer(Some(self.pack.get(at)));
        for _ in 0..pieces {
            at = self.pack.previous(at)?;
        }
        self.back = at;
        Some(self.slot(at).0)
    }
}
