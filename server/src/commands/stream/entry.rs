//! Entries as replies show them.

use protocol::Encoder;
use storage::value::Item;
use storage::value::stream::StreamEntry;

use super::id;

/// Writes an entry: its id, and its fields with their values.
pub(super) fn write(out: &mut Encoder<'_>, entry: StreamEntry<'_>) {
    out.array(2);
    id::write(out, entry.id);
    out.array(2 * entry.fields.len());
    for (field, value) in entry.fields {
        item(out, field);
        item(out, value);
    }
}

fn item(out: &mut Encoder<'_>, item: Item<'_>) {
    match item {
        Item::Bytes(bytes) => out.bulk(bytes),
        Item::Int(number) => out.bulk_integer(number),
    }
}

/// Writes an array of entries, and tells how many.
pub(super) fn write_all<'e>(
    out: &mut Encoder<'_>,
    entries: impl Iterator<Item = StreamEntry<'e>>,
) -> usize {
    let start = out.mark();
    let mut count = 0;
    for entry in entries {
        write(out, entry);
        count += 1;
    }
    out.array_at(start, count);
    count
}
