//! Passing over the fields of a hash.

use super::{Field, Hash, Shape, expiry_of, of_entry, text};
use crate::entry::Entry;
use crate::value::listpack;

/// The fields of a hash, in the order of the row if it is packed, otherwise in any.
pub enum Fields<'h, M> {
    /// Field and value in turns.
    Pairs(listpack::Iter<'h>),
    /// Field, value and expiry in turns.
    Triples(listpack::Iter<'h>),
    /// One by one.
    Many(M),
}

impl<'h, M: Iterator<Item = &'h Entry>> Iterator for Fields<'h, M> {
    type Item = Field<'h>;

    #[inline]
    fn next(&mut self) -> Option<Field<'h>> {
        match self {
            Fields::Pairs(elements) => Some(Field {
                name: elements.next()?,
                value: text(elements.next()?),
                expiry_ms: None,
            }),
            Fields::Triples(elements) => Some(Field {
                name: elements.next()?,
                value: text(elements.next()?),
                expiry_ms: expiry_of(elements.next()?),
            }),
            Fields::Many(members) => members.next().map(of_entry),
        }
    }
}

/// Fields of one step of a walk.
pub struct Step<I> {
    /// Where the walk goes on; `None` at its end.
    pub next: Option<u64>,
    /// What it has met.
    pub fields: I,
}

impl Hash {
    /// All fields, those that have expired but are not removed yet included.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        match &self.0 {
            Shape::Pairs(pairs) => Fields::Pairs(pairs.iter()),
            Shape::Triples(triples) => Fields::Triples(triples.iter()),
            Shape::Many(members) => Fields::Many(members.iter()),
        }
    }

    /// One step of a walk that begins at 0: some fields, or all if the hash is packed. A walk meets whatever is
    /// there from its beginning to its end.
    pub fn walk(&self, from: u64) -> Step<impl Iterator<Item = Field<'_>>> {
        let (next, fields) = match &self.0 {
            Shape::Pairs(pairs) => (None, Fields::Pairs(pairs.iter())),
            Shape::Triples(triples) => (None, Fields::Triples(triples.iter())),
            Shape::Many(members) => {
                let step = members.walk(from);
                (step.next, Fields::Many(step.members))
            }
        };
        Step { next, fields }
    }
}
