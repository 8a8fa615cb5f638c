//! Lists, sets and sorted sets, sorted by themselves or by what other keys say.

mod elements;
mod options;
mod order;

use storage::db::{Db, Event};
use storage::entry::Entry;
use storage::value::list::End;
use storage::value::{Hash, List, Str};

use self::elements::Source;
use self::options::{May, Options, Pattern};
use crate::command::reply::write_string;
use crate::command::{Args, Command, Ctx, Outcome, Result, Words};
use crate::spec::{Keys, Reach, Spec, acl, flags, key_flags};

const SORTING: Spec = Spec {
    acl: acl!(SET | SORTEDSET | LIST | DANGEROUS),
    complexity: "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and \
        M the number of returned elements. When the elements are not sorted, complexity is O(N).",
    ..Spec::EMPTY
};

const NAMED_BY_ELEMENTS: Keys = Keys::unknown(patterns, key_flags!(RO | ACCESS)).noted(
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from \
    the content of the key we sort",
);

pub(super) const SORT: Command = Spec {
    name: "SORT",
    usage: "key [BY by-pattern<pattern>:pattern#1] [LIMIT(offset:integer count:integer)] \
        [GET get-pattern<pattern>:pattern#1]... [order(ASC|DESC)] [sorting=ALPHA] \
        [STORE destination:key#2]",
    summary: "Sorts the elements in a list, a set, or a sorted set, optionally storing the \
        result.",
    since: "1.0.0",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(RO | ACCESS)),
        NAMED_BY_ELEMENTS,
        Keys::unknown(options::destination, key_flags!(OW | UPDATE)).noted(
            "For the optional STORE keyword. It is marked 'unknown' because the keyword can \
            appear anywhere in the argument array",
        ),
    ],
    ..SORTING
}
.run(sort);
fn sort(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let may = May {
        store: true,
        read_all_keys: cx.may_read_all_keys(args),
    };
    run(cx, args.key(1)?, &Options::parse(args, may)?)
}

pub(super) const SORT_RO: Command = Spec {
    name: "SORT_RO",
    usage: "key [BY by-pattern<pattern>:pattern#1] [LIMIT(offset:integer count:integer)] \
        [GET get-pattern<pattern>:pattern#1]... [order(ASC|DESC)] [sorting=ALPHA]",
    summary: "Returns the sorted elements of a list, a set, or a sorted set.",
    since: "7.0.0",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS)), NAMED_BY_ELEMENTS],
    ..SORTING
}
.run(sort_ro);
fn sort_ro(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let may = May {
        store: false,
        read_all_keys: cx.may_read_all_keys(args),
    };
    run(cx, args.key(1)?, &Options::parse(args, may)?)
}

/// Where the patterns of a request lead.
fn patterns(args: Args<'_>) -> Reach {
    if options::patterns(args).any(Pattern::is_of_keys) {
        Reach::Anywhere
    } else {
        Reach::Nothing
    }
}

fn run(cx: &mut Ctx<'_>, key: &[u8], options: &Options<'_>) -> Result {
    let source = Source::load(cx, key, options)?;
    let picked = order::sort(&mut cx.db, &source, options)?;
    let elements = picked.iter().map(|at| source.elements.get(*at));
    match options.destination {
        Some(destination) => store(cx, destination, elements, options),
        None => answer(cx, elements, options),
    }
}

fn answer<'e>(
    cx: &mut Ctx<'_>,
    elements: impl ExactSizeIterator<Item = &'e [u8]>,
    options: &Options<'_>,
) -> Result {
    let per_element = options.gets.len().max(1);
    let out = cx.reply.array(elements.len() * per_element);
    let mut finder = Finder::default();
    for element in elements {
        if options.gets.is_empty() {
            out.bulk(element);
        }
        for pattern in &options.gets {
            finder.look(&mut cx.db, *pattern, element, |value| {
                write_string(out, value);
            });
        }
    }
    Ok(Outcome::Done)
}

/// Stores what would be the answer as a list; nothing leaves no key there.
fn store<'e>(
    cx: &mut Ctx<'_>,
    destination: &[u8],
    elements: impl Iterator<Item = &'e [u8]>,
    options: &Options<'_>,
) -> Result {
    let limits = cx.limits();
    // As in Redis a row of nodes, until it is known that one is enough.
    let mut list = List::of_nodes(&limits);
    let mut finder = Finder::default();
    for element in elements {
        if options.gets.is_empty() {
            list.push(End::Tail, element, &limits);
        }
        for pattern in &options.gets {
            finder.look(&mut cx.db, *pattern, element, |value| {
                // What is not there is an empty string in a list.
                let value = value.unwrap_or(Str::Bytes(b""));
                value.with_bytes(|bytes| list.push(End::Tail, bytes, &limits));
            });
        }
    }
    list.fit(&limits);
    let len = list.len();
    cx.db
        .put_object(destination, list, Event::list("sortstore"));
    // Redis counts a change for each element.
    cx.db.changes.dirty += len.saturating_sub(1) as u64;
    cx.reply.count(len)
}

/// Finds what patterns name; keeps the room for the names.
#[derive(Default)]
struct Finder {
    key: Vec<u8>,
}

impl Finder {
    /// Hands what a pattern finds for an element to `reader`.
    fn look<R>(
        &mut self,
        db: &mut Db<'_>,
        pattern: Pattern<'_>,
        element: &[u8],
        reader: impl FnOnce(Option<Str<'_>>) -> R,
    ) -> R {
        let Pattern::Key {
            before,
            after,
            field,
        } = pattern
        else {
            let is_element = pattern == Pattern::Element;
            return reader(is_element.then_some(Str::Bytes(element)));
        };
        self.key.clear();
        for part in [before, element, after] {
            self.key.extend_from_slice(part);
        }
        let now_ms = db.moment.now_ms;
        let entry = db.read(&self.key);
        reader(match field {
            None => entry.and_then(Entry::string),
            Some(field) => entry.and_then(|entry| field_of(entry, field, now_ms)),
        })
    }
}

/// A field that has not expired, if the entry is a hash and has it.
fn field_of<'e>(entry: &'e Entry, field: &[u8], now_ms: i64) -> Option<Str<'e>> {
    let hash: &Hash = entry.object().and_then(storage::value::Collection::of)?;
    let field = hash.get(field)?;
    (!field.is_expired(now_ms)).then_some(field.value)
}
