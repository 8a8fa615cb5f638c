//! What `COMMAND INFO` answers: the properties of a command as lists.

use protocol::Encoder;

use crate::command::table::Entry;
use crate::spec::keys::{Begin, Find};
use crate::spec::{Keys, Spec};

/// Writes the ten elements of a command, the last of which are its subcommands'.
pub(super) fn write(out: &mut Encoder<'_>, entry: &Entry) {
    let spec = &entry.command.spec;
    out.array(10);
    out.bulk(entry.full_name.as_bytes());
    out.integer(i64::from(entry.arity));
    set_of_words(out, spec.flag_names());
    write_range(out, spec);
    set_of_words(
        out,
        spec.categories().names().map(|name| format!("@{name}")),
    );
    out.set(spec.tips.len());
    spec.tips.iter().for_each(|tip| out.bulk(tip.as_bytes()));
    out.set(spec.keys.len());
    spec.keys.iter().for_each(|keys| write_keys(out, keys));
    write_subcommands(out, entry);
}

/// Redis calls the list of no subcommands a set.
fn write_subcommands(out: &mut Encoder<'_>, entry: &Entry) {
    if entry.subcommands.is_empty() {
        return out.set(0);
    }
    out.array(entry.subcommands.len());
    super::in_order(entry.subcommands.values()).for_each(|sub| write(out, sub));
}

/// First key, last key, step.
fn write_range(out: &mut Encoder<'_>, spec: &Spec) {
    let range = spec.legacy_range();
    out.integer(signed(range.first));
    out.integer(range.last as i64);
    out.integer(signed(range.step));
}

fn write_keys(out: &mut Encoder<'_>, keys: &Keys) {
    out.map(3 + usize::from(!keys.notes.is_empty()));
    if !keys.notes.is_empty() {
        out.bulk(b"notes");
        out.bulk(keys.notes.as_bytes());
    }
    out.bulk(b"flags");
    set_of_words(out, keys.flags.names());
    write_begin(out, keys.begin);
    write_find(out, keys.find);
}

fn write_begin(out: &mut Encoder<'_>, begin: Begin) {
    out.bulk(b"begin_search");
    match begin {
        Begin::Index(index) => write_search(out, "index", &[("index", signed(index))]),
        Begin::Keyword { word, from } => {
            write_search_type(out, "keyword", 2);
            out.bulk(b"keyword");
            out.bulk(word.as_bytes());
            out.bulk(b"startfrom");
            out.integer(from as i64);
        }
        Begin::Unknown(_) => write_search(out, "unknown", &[]),
    }
}

fn write_find(out: &mut Encoder<'_>, find: Find) {
    out.bulk(b"find_keys");
    match find {
        Find::Range { last, step, limit } => write_search(
            out,
            "range",
            &[
                ("lastkey", last as i64),
                ("keystep", signed(step)),
                ("limit", signed(limit)),
            ],
        ),
        Find::Count { count, first, step } => write_search(
            out,
            "keynum",
            &[
                ("keynumidx", signed(count)),
                ("firstkey", signed(first)),
                ("keystep", signed(step)),
            ],
        ),
        Find::Unknown => write_search(out, "unknown", &[]),
    }
}

fn write_search(out: &mut Encoder<'_>, kind: &str, numbers: &[(&str, i64)]) {
    write_search_type(out, kind, numbers.len());
    for (name, number) in numbers {
        out.bulk(name.as_bytes());
        out.integer(*number);
    }
}

/// The beginning of a search, up to its `fields` parameters.
fn write_search_type(out: &mut Encoder<'_>, kind: &str, fields: usize) {
    out.map(2);
    out.bulk(b"type");
    out.bulk(kind.as_bytes());
    out.bulk(b"spec");
    out.map(fields);
}

/// A set of statuses.
pub(super) fn set_of_words<W: AsRef<[u8]>>(out: &mut Encoder<'_>, words: impl Iterator<Item = W>) {
    let mark = out.mark();
    let mut count = 0;
    for word in words {
        out.simple(word);
        count += 1;
    }
    out.set_at(mark, count);
}

fn signed(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
