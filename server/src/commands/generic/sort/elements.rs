//! The elements to be sorted, copied: while keys are looked up, what they stand in cannot be borrowed.

use std::ops::Range;

use storage::db::Event;
use storage::value::list::End;
use storage::value::set::Form;
use storage::value::zset::Direction;
use storage::value::{Item, List, Object, Set, Zset};

use super::Options;
use crate::command::{Ctx, Error, Result};

/// Strings in one buffer.
#[derive(Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Strings {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.ends.push(self.bytes.len());
    }

    /// The string at `index`, which is below the length.
    pub(super) fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// Whether a C string could not hold one of them.
    pub(super) fn has_nul(&self) -> bool {
        self.bytes.contains(&0)
    }

    fn push_item(&mut self, item: Item<'_>) {
        item.with_bytes(|bytes| self.push(bytes));
    }
}

/// What is sorted.
#[derive(Default)]
pub(super) struct Source {
    pub(super) elements: Strings,
    /// Whether their order is that of a hash table, which means nothing.
    pub(super) is_unordered: bool,
    /// Whether these are not all, but those that are asked for, in their order.
    pub(super) is_picked: bool,
}

impl Source {
    /// The elements of a key; none if it is not there.
    pub(super) fn load(cx: &mut Ctx<'_>, key: &[u8], options: &Options<'_>) -> Result<Source> {
        let Some(entry) = cx.db.read(key) else {
            return Ok(Source::default());
        };
        let source = match entry.object() {
            Some(Object::List(list)) => of_list(list, options),
            Some(Object::Set(set)) => of_set(set),
            Some(Object::Zset(zset)) => {
                let (source, is_packed) = (of_zset(zset, options), zset.as_packed().is_some());
                if is_packed {
                    unpack(cx, key)?;
                }
                source
            }
            _ => return Err(Error::WrongType),
        };
        Ok(source)
    }
}

/// Redis takes a sorted set out of its listpack to sort it, and leaves it so. Its value stays the same.
fn unpack(cx: &mut Ctx<'_>, key: &[u8]) -> Result<()> {
    if let Some(mut edit) = cx.db.edit_as::<Zset>(key, Event::UNSAID)? {
        edit.change().unpack();
        edit.count(0);
    }
    Ok(())
}

/// Which elements are loaded: if they are not sorted, those that are asked for.
fn loaded(len: usize, options: &Options<'_>) -> Range<usize> {
    if options.is_unsorted {
        options.range(len)
    } else {
        0..len
    }
}

fn of_list(list: &List, options: &Options<'_>) -> Source {
    let mut elements = Strings::default();
    let range = loaded(list.len(), options);
    let is_backwards = options.is_unsorted && options.is_descending;
    let (from, towards) = if is_backwards {
        (list.len().saturating_sub(range.start + 1), End::Head)
    } else {
        (range.start, End::Tail)
    };
    if !range.is_empty() {
        list.walk(from, towards, range.len(), |item| {
            elements.push_item(item);
            true
        });
    }
    Source {
        elements,
        is_unordered: false,
        is_picked: options.is_unsorted,
    }
}

fn of_zset(zset: &Zset, options: &Options<'_>) -> Source {
    let mut elements = Strings::default();
    let range = loaded(zset.len(), options);
    let is_backwards = options.is_unsorted && options.is_descending;
    let members = if is_backwards {
        let ranks = zset.len() - range.end..zset.len() - range.start;
        zset.range(ranks, Direction::Descending)
    } else {
        zset.range(range, Direction::Ascending)
    };
    members.for_each(|(member, _)| elements.push_item(member));
    Source {
        elements,
        is_unordered: false,
        is_picked: options.is_unsorted,
    }
}

fn of_set(set: &Set) -> Source {
    let mut elements = Strings::default();
    set.iter().for_each(|member| elements.push_item(member));
    Source {
        elements,
        is_unordered: matches!(set.form(), Form::Many),
        is_picked: false,
    }
}
