//! Tags of one partition: which entries carry a tag, and which tags an entry carries.
//!
//! Both directions are kept, so that removing an entry costs its tags and invalidating a tag costs
//! nothing: attach pushes a posting, detach swap-removes it, and an invalidated tag is only marked
//! dead. Its entries are dead with it from that instant ([`Tags::is_dead`]) and are reclaimed
//! later, in slices. A posting is the hash of a key, 4 bytes: with the membership that knows the
//! posting's number it names one entry, and stays true however entries move. A membership is 8 bytes.
//! Both are in plain vectors: in a shard of a 10-million-key database the longest copy on growth is
//! some 600 KB.

use hashbrown::HashTable;

use crate::entry::{Entry, Membership};
use crate::names::NameUse;
use crate::table::{Place, Table};

/// Number of a tag in its partition; reused once the tag has no postings.
pub type TagId = u32;

/// The hash of a key that carries a tag.
pub type Posting = u32;

/// Dead entries of a shard that are looked at in order to count them.
const DEAD_LOOKS: usize = 256;

/// Marks a tag that has not been invalidated.
const ALIVE: u32 = u32::MAX;

struct Tag {
    /// Its use ends when the tag is invalidated.
    name: NameUse,
    hash: u64,
    postings: Vec<Posting>,
    /// Where it stands in [`Tags::dead`].
    dead_at: u32,
}

impl Tag {
    fn is_dead(&self) -> bool {
        self.dead_at != ALIVE
    }
}

/// Names, ids and postings.
#[derive(Default)]
pub struct Tags {
    by_name: HashTable<TagId>,
    tags: Vec<Option<Tag>>,
    vacant: Vec<TagId>,
    /// Invalidated, with postings still to be reclaimed.
    dead: Vec<TagId>,
    pairs: usize,
    /// Postings there is room for.
    room: usize,
}

impl Tags {
    /// Tags in use.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether no tag is in use.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// (key, tag) pairs, those of dead tags included.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Pairs of dead tags that are still to be reclaimed.
    pub fn pending(&self) -> usize {
        self.dead.iter().map(|&id| self.postings(id).len()).sum()
    }

    /// Entries that are dead but not yet reclaimed.
    ///
    /// O(1) unless several invalidations are pending: an entry may carry several of their tags. Of few
    /// entries each is looked at then; of many, one counts for each of its tags until they are reclaimed.
    pub fn dead_entries(&self, table: &Table) -> usize {
        let pending = self.pending();
        if self.dead.len() <= 1 || pending > DEAD_LOOKS {
            return pending.min(table.len());
        }
        // An entry is counted for the first of its dead tags.
        let is_first = |id, entry: &Entry| {
            let first = Tags::of(entry).find(|&other| self.is_dead_tag(other));
            first == Some(id)
        };
        let counts = self.dead.iter().map(|&id| {
            let entries = self.entries(id, 0..self.postings(id).len(), table);
            entries.filter(|entry| is_first(id, entry)).count()
        });
        counts.sum()
    }

    /// Bytes of ids and postings; names are counted where they are shared ([`crate::names`]).
    pub fn size_bytes(&self) -> usize {
        self.by_name.allocation_size()
            + self.tags.capacity() * size_of::<Option<Tag>>()
            + (self.vacant.capacity() + self.dead.capacity()) * size_of::<TagId>()
            + self.room * size_of::<Posting>()
    }

    fn tag(&self, id: TagId) -> Option<&Tag> {
        self.tags.get(id as usize)?.as_ref()
    }

    fn is_dead_tag(&self, id: TagId) -> bool {
        self.tag(id).is_some_and(Tag::is_dead)
    }

    fn tag_mut(&mut self, id: TagId) -> &mut Tag {
        self.tags
            .get_mut(id as usize)
            .and_then(Option::as_mut)
            .expect("a membership names a tag that lives as long as it has postings")
    }

    /// The id of a tag in use.
    pub fn find(&self, hash: u64, name: &[u8]) -> Option<TagId> {
        self.by_name
            .find(hash, |&id| self.name(id) == name)
            .copied()
    }

    /// The name of a tag, empty if there is none of that id.
    pub fn name(&self, id: TagId) -> &[u8] {
        self.tag(id).map_or(&[], |tag| tag.name.as_bytes())
    }

    /// The entries that carry a tag.
    pub fn postings(&self, id: TagId) -> &[Posting] {
        self.tag(id).map_or(&[], |tag| &tag.postings)
    }

    /// Where the entry of a posting is.
    pub(crate) fn place(&self, id: TagId, at: usize, table: &Table) -> Option<Place> {
        let &hash = self.postings(id).get(at)?;
        let membership = Membership {
            tag: id,
            at: at as u32,
        };
        table.find_by(hash, |entry| entry.tags().contains(&membership))
    }

    /// The entries of some postings, the last one first.
    pub(crate) fn entries<'t>(
        &'t self,
        id: TagId,
        postings: std::ops::Range<usize>,
        table: &'t Table,
    ) -> impl Iterator<Item = &'t Entry> {
        let places = postings
            .rev()
            .filter_map(move |at| self.place(id, at, table));
        places.filter_map(|place| table.get(place))
    }

    /// Whether one of the entry's tags has been invalidated.
    #[inline]
    pub fn is_dead(&self, entry: &Entry) -> bool {
        !self.dead.is_empty() && Tags::of(entry).any(|id| self.is_dead_tag(id))
    }

    /// The invalidated tags whose entries are still to be reclaimed.
    pub(crate) fn dead(&self) -> &[TagId] {
        &self.dead
    }

    /// Whether an invalidation waits to be reclaimed.
    #[inline]
    pub fn has_pending(&self) -> bool {
        !self.dead.is_empty()
    }

    /// The ids of an entry's tags, in the order they were attached.
    pub fn of(entry: &Entry) -> impl ExactSizeIterator<Item = TagId> {
        entry.tags().iter().map(|membership| membership.tag)
    }

    /// Attaches a tag to an entry whose key has that hash; `false` if the entry has it already. `take_name`
    /// is asked for the name if no entry here has the tag yet.
    pub(crate) fn attach(
        &mut self,
        hash: u64,
        name: &[u8],
        take_name: impl FnOnce() -> NameUse,
        key_hash: Posting,
        entry: &mut Entry,
    ) -> bool {
        let id = self
            .find(hash, name)
            .unwrap_or_else(|| self.add(hash, take_name()));
        if Tags::of(entry).any(|other| other == id) {
            return false;
        }
        let postings = &mut self.tag_mut(id).postings;
        entry.push_tag(Membership {
            tag: id,
            at: postings.len() as u32,
        });
        let before = postings.capacity();
        postings.push(key_hash);
        let grown = postings.capacity() - before;
        self.room += grown;
        self.pairs += 1;
        true
    }

    fn add(&mut self, hash: u64, name: NameUse) -> TagId {
        let tag = Some(Tag {
            name,
            hash,
            postings: Vec::new(),
            dead_at: ALIVE,
        });
        let id = match self.vacant.pop() {
            Some(id) => {
                self.tags[id as usize] = tag;
                id
            }
            None => {
                self.tags.push(tag);
                (self.tags.len() - 1) as TagId
            }
        };
        let tags = &self.tags;
        self.by_name
            .insert_unique(hash, id, |&id| hash_of(tags, id));
        id
    }

    /// Detaches one tag from an entry; `false` if it does not have it.
    pub(crate) fn detach(&mut self, id: TagId, at: Place, table: &mut Table) -> bool {
        let membership = table.get_mut(at).and_then(|entry| entry.remove_tag(id));
        if let Some(membership) = membership {
            self.drop_posting(membership, table);
        }
        membership.is_some()
    }

    /// Detaches all tags of an entry.
    pub(crate) fn detach_all(&mut self, at: Place, table: &mut Table) {
        let Some(entry) = table.get_mut(at).filter(|entry| entry.is_tagged()) else {
            return;
        };
        for membership in entry.take_tags() {
            self.drop_posting(membership, table);
        }
    }

    /// Swap-removes a posting and tells the entry that moved into its place.
    fn drop_posting(&mut self, membership: Membership, table: &mut Table) {
        let Membership { tag: id, at } = membership;
        self.pairs -= 1;
        let last = self.postings(id).len() - 1;
        if at as usize != last {
            let moved = Membership {
                tag: id,
                at: last as u32,
            };
            let entry = self
                .place(id, last, table)
                .and_then(|place| table.get_mut(place));
            let memberships = entry.map_or(&mut [][..], Entry::tags_mut);
            let membership = memberships.iter_mut().find(|it| **it == moved);
            membership.expect("a posting's entry has the tag").at = at;
        }
        let postings = &mut self.tag_mut(id).postings;
        postings.swap_remove(at as usize);
        if postings.is_empty() {
            return self.forget(id);
        }
        self.shrink_postings(id);
    }

    /// Gives memory back when three quarters of it are unused.
    fn shrink_postings(&mut self, id: TagId) {
        let postings = &mut self.tag_mut(id).postings;
        let before = postings.capacity();
        if before > 64 && postings.len() < before / 4 {
            postings.shrink_to(postings.len() * 2);
            let freed = before - postings.capacity();
            self.room -= freed;
        }
    }

    /// Frees the id of a tag that no entry carries any more.
    fn forget(&mut self, id: TagId) {
        let Some(tag) = self.tags.get_mut(id as usize).and_then(Option::take) else {
            return;
        };
        self.room -= tag.postings.capacity();
        if tag.is_dead() {
            self.dead.swap_remove(tag.dead_at as usize);
            if let Some(&moved) = self.dead.get(tag.dead_at as usize) {
                self.tag_mut(moved).dead_at = tag.dead_at;
            }
        } else if let Ok(slot) = self.by_name.find_entry(tag.hash, |&other| other == id) {
            slot.remove();
        }
        self.vacant.push(id);
        if self.by_name.is_empty() && self.dead.is_empty() {
            *self = Tags::default();
        }
    }

    /// Marks a tag dead: its name is free again at once, its entries are gone for every reader.
    ///
    /// Gives how many entries carried it. O(1).
    pub(crate) fn invalidate(&mut self, id: TagId) -> usize {
        let place = self.dead.len() as u32;
        let Some(tag) = self.tags.get_mut(id as usize).and_then(Option::as_mut) else {
            return 0;
        };
        if tag.is_dead() {
            return 0;
        }
        tag.dead_at = place;
        tag.name.end();
        let (hash, count) = (tag.hash, tag.postings.len());
        if let Ok(slot) = self.by_name.find_entry(hash, |&other| other == id) {
            slot.remove();
        }
        self.dead.push(id);
        count
    }
}

fn hash_of(tags: &[Option<Tag>], id: TagId) -> u64 {
    tags.get(id as usize)
        .and_then(Option::as_ref)
        .map_or(0, |tag| tag.hash)
}
