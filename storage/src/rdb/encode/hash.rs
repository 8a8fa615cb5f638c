//! Hashes, with the expiries of their fields.

use super::{PIECE_ELEMENTS, Rest};
use crate::rdb::draft::Draft;
use crate::rdb::format::VERSION_FIELD_EXPIRY;
use crate::table::TICK_MS;
use crate::value::hash::{Field, Form};
use crate::value::{Hash, Listpack};

pub(super) fn begin(hash: &Hash, version: u16, out: &mut Draft) -> Option<Rest> {
    match hash.form() {
        Form::Pairs(pairs) => out.text(pairs.as_bytes()),
        Form::Triples(triples) if version >= VERSION_FIELD_EXPIRY => {
            out.raw(&hash.first_expiry_ms().unwrap_or(0).to_le_bytes());
            out.text(triples.as_bytes());
        }
        Form::Triples(_) => out.text(pairs_of(hash).as_bytes()),
        Form::Many => return begin_many(hash, out),
    }
    None
}

/// The fields of a hash whose expiries are all gone, as older versions hold them.
fn pairs_of(hash: &Hash) -> Listpack {
    debug_assert!(
        !hash.has_expiries(),
        "a file of that version has no place for them"
    );
    let mut pairs = Listpack::new();
    for field in hash.iter() {
        pairs.push_back_item(field.name);
        field.value.with_bytes(|value| pairs.push_back(value));
    }
    pairs
}

fn begin_many(hash: &Hash, out: &mut Draft) -> Option<Rest> {
    let is_large = hash.len() > PIECE_ELEMENTS;
    let base_ms = match is_large {
        _ if !hash.has_expiries() => None,
        // Looking for the first would take as long as writing them: a moment before those that have not expired
        // does as well.
        true => Some(hash.soonest_ms().saturating_sub(TICK_MS).max(0)),
        false => hash.first_expiry_ms(),
    };
    if let Some(base_ms) = base_ms {
        out.raw(&base_ms.to_le_bytes());
    }
    out.count(hash.len());
    if is_large {
        return Some(Rest::Fields(0, base_ms));
    }
    hash.iter().for_each(|field| write(field, base_ms, out));
    None
}

pub(super) fn go_on(
    hash: &Hash,
    from: u64,
    base_ms: Option<i64>,
    full: usize,
    out: &mut Draft,
) -> Option<Rest> {
    let mut from = from;
    loop {
        let step = hash.walk(from);
        step.fields.for_each(|field| write(field, base_ms, out));
        from = step.next?;
        if out.bytes.len() >= full {
            return Some(Rest::Fields(from, base_ms));
        }
    }
}

fn write(field: Field<'_>, base_ms: Option<i64>, out: &mut Draft) {
    if let Some(base_ms) = base_ms {
        // One that had expired when it was noted may come before: it has expired at that moment as well.
        let relative = field
            .expiry_ms
            .map_or(0, |it| it.max(base_ms).abs_diff(base_ms) + 1);
        out.length(relative);
    }
    out.item(field.name);
    out.string(field.value);
}
