//! What a request asks of a sort.

use std::ops::Range;

use smallvec::SmallVec;

use crate::command::{Args, Error, Result, Words};
use crate::spec::Reach;

/// What a request may ask.
#[derive(Clone, Copy)]
pub(super) struct May {
    /// Whether to `STORE` the result.
    pub(super) store: bool,
    /// Whether for what any key holds.
    pub(super) read_all_keys: bool,
}

/// The options of a request.
pub(super) struct Options<'a> {
    pub(super) is_descending: bool,
    pub(super) is_alpha: bool,
    /// By what to sort, if not by the elements themselves.
    pub(super) by: Option<Pattern<'a>>,
    /// Whether not to sort at all: `BY` a name that is the same for all elements.
    pub(super) is_unsorted: bool,
    /// What to answer for each element, if not the element itself.
    pub(super) gets: SmallVec<[Pattern<'a>; 2]>,
    /// Where to store it.
    pub(super) destination: Option<&'a [u8]>,
    start: i64,
    count: i64,
}

impl<'a> Options<'a> {
    /// Reads the options; only some commands may `STORE`, and only some users what leads to other keys.
    pub(super) fn parse(args: &Args<'a>, may: May) -> Result<Options<'a>> {
        let mut options = Options {
            is_descending: false,
            is_alpha: false,
            by: None,
            is_unsorted: false,
            gets: SmallVec::new(),
            destination: None,
            start: 0,
            count: -1,
        };
        let mut index = 2;
        while index < args.len() {
            let word = Word::at(args, index).ok_or(Error::Syntax)?;
            match word {
                Word::Asc => options.is_descending = false,
                Word::Desc => options.is_descending = true,
                Word::Alpha => options.is_alpha = true,
                Word::Limit => {
                    options.start = args.integer(index + 1)?;
                    options.count = args.integer(index + 2)?;
                }
                Word::Store if !may.store => return Err(Error::Syntax),
                Word::Store => options.destination = Some(args.key(index + 1)?),
                Word::Get if !may.read_all_keys => return Err(Error::SortDenied("GET")),
                Word::Get => options.gets.push(Pattern::parse(args.word(index + 1)?)),
                Word::By => {
                    let pattern = Pattern::parse(args.word(index + 1)?);
                    if pattern.is_of_keys() && !may.read_all_keys {
                        return Err(Error::SortDenied("BY"));
                    }
                    options.sort_by(pattern);
                }
            }
            index += word.words();
        }
        Ok(options)
    }

    fn sort_by(&mut self, pattern: Pattern<'a>) {
        // Once a request has said so, no other `BY` takes it back.
        self.is_unsorted |= !pattern.is_of_keys();
        self.by = Some(pattern);
    }

    /// Which of `len` elements are asked for.
    pub(super) fn range(&self, len: usize) -> Range<usize> {
        let clamped = |number: i64| usize::try_from(number.max(0)).map_or(len, |it| it.min(len));
        let start = clamped(self.start);
        let end = if self.count < 0 {
            len
        } else {
            len.min(start + clamped(self.count))
        };
        start..end
    }
}

/// What names a value for each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element.
    Element,
    /// The same for all elements: nothing.
    Nothing,
    /// The key of this name, with the element in the middle, or a field of it.
    Key {
        before: &'a [u8],
        after: &'a [u8],
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    /// Reads a pattern as `lookupKeyByPattern` of Redis' `sort.c` does: what tells its parts is searched up to a NUL only.
    fn parse(word: &'a [u8]) -> Pattern<'a> {
        let text = word.split(|&byte| byte == 0).next().unwrap_or_default();
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(star) = text.iter().position(|&byte| byte == b'*') else {
            return Pattern::Nothing;
        };
        let (before, after) = (&word[..star], &word[star + 1..]);
        let arrow = text[star + 1..].windows(2).position(|pair| pair == b"->");
        // An arrow with nothing behind it is a part of the name.
        let arrow = arrow.filter(|at| text.len() > star + 1 + at + 2);
        let (after, field) = match arrow {
            Some(at) => (&after[..at], Some(&after[at + 2..])),
            None => (after, None),
        };
        Pattern::Key {
            before,
            after,
            field,
        }
    }

    /// Whether it names keys.
    pub(super) fn is_of_keys(self) -> bool {
        matches!(self, Pattern::Key { .. })
    }
}

/// A word that an option begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Asc,
    Desc,
    Alpha,
    Limit,
    Store,
    By,
    Get,
}

impl Word {
    /// The word at `index`, if it is one and as many words follow as it needs.
    fn at(args: &Args<'_>, index: usize) -> Option<Word> {
        let words = [
            ("ASC", Word::Asc),
            ("DESC", Word::Desc),
            ("ALPHA", Word::Alpha),
            ("LIMIT", Word::Limit),
            ("STORE", Word::Store),
            ("BY", Word::By),
            ("GET", Word::Get),
        ];
        let (_, word) = words.into_iter().find(|(name, _)| args.is(index, name))?;
        (args.len() - index >= word.words()).then_some(word)
    }

    /// How many words its option has.
    fn words(self) -> usize {
        match self {
            Word::Asc | Word::Desc | Word::Alpha => 1,
            Word::Store | Word::By | Word::Get => 2,
            Word::Limit => 3,
        }
    }
}

/// The options of a request with their places, whether or not it can be carried out: what is none is skipped.
fn words(args: Args<'_>) -> impl Iterator<Item = (Word, usize)> {
    let mut next = 2;
    std::iter::from_fn(move || {
        while next < args.len() {
            let index = next;
            let word = Word::at(&args, index);
            next += word.map_or(1, Word::words);
            if let Some(word) = word {
                return Some((word, index));
            }
        }
        None
    })
}

/// The patterns of a request.
pub(super) fn patterns(args: Args<'_>) -> impl Iterator<Item = Pattern<'_>> {
    let patterns = words(args).filter(|(word, _)| matches!(word, Word::By | Word::Get));
    patterns.filter_map(move |(_, index)| args.get(index + 1).map(Pattern::parse))
}

/// The key that the result is stored under: the last one named.
pub(super) fn destination(args: Args<'_>) -> Reach {
    let stores = words(args).filter(|(word, _)| *word == Word::Store);
    stores
        .last()
        .map_or(Reach::Nothing, |(_, index)| Reach::Argument(index + 1))
}

#[cfg(test)]
mod tests {
    use protocol::split_line;

    use super::*;

    const ALL: May = May {
        store: true,
        read_all_keys: true,
    };

    #[test]
    fn patterns_have_a_star_and_maybe_a_field() {
        let key =
            |before: &'static str, after: &'static str, field: Option<&'static str>| Pattern::Key {
                before: before.as_bytes(),
                after: after.as_bytes(),
                field: field.map(str::as_bytes),
            };
        for (word, expected) in [
            ("#", Pattern::Element),
            ("#\0*", Pattern::Element),
            ("##", Pattern::Nothing),
            ("", Pattern::Nothing),
            ("nosort", Pattern::Nothing),
            ("w\0*", Pattern::Nothing),
            ("*", key("", "", None)),
            ("w_*", key("w_", "", None)),
            ("w_*_x*", key("w_", "_x*", None)),
            ("h_*->f", key("h_", "", Some("f"))),
            ("h_*_x->f->g", key("h_", "_x", Some("f->g"))),
            ("h->*", key("h->", "", None)),
            ("h_*->", key("h_", "->", None)),
            ("h_*->\0f", key("h_", "->\0f", None)),
            ("h_*->f\0g", key("h_", "", Some("f\0g"))),
            ("h_*\0->f", key("h_", "\0->f", None)),
            ("h_*->*", key("h_", "", Some("*"))),
        ] {
            assert_eq!(Pattern::parse(word.as_bytes()), expected, "{word:?}");
        }
    }

    #[test]
    fn limits_stay_within_the_elements() {
        let range = |start: i64, count: i64, len: usize| {
            let line = format!("SORT k LIMIT {start} {count}");
            let request = split_line(line.as_bytes()).expect("balanced");
            let options = Options::parse(&request.args(), ALL).expect("two integers");
            options.range(len)
        };
        assert_eq!(range(0, -1, 5), 0..5);
        assert_eq!(range(1, 2, 5), 1..3);
        assert_eq!(range(-3, 2, 5), 0..2);
        assert_eq!(range(2, -7, 5), 2..5);
        assert!(range(2, 0, 5).is_empty());
        assert!(range(5, 1, 5).is_empty());
        assert!(range(i64::MAX, i64::MAX, 5).is_empty());
        assert_eq!(range(i64::MIN, i64::MAX, 5), 0..5);
        assert!(range(0, 5, 0).is_empty());
    }

    #[test]
    fn the_destination_is_the_last_one_named() {
        let of = |line: &str| {
            let request = split_line(line.as_bytes()).expect("balanced");
            destination(request.args())
        };
        assert_eq!(of("SORT k"), Reach::Nothing);
        assert_eq!(of("SORT k STORE"), Reach::Nothing);
        assert_eq!(of("SORT k STORE d"), Reach::Argument(3));
        assert_eq!(of("SORT k STORE d ASC store e"), Reach::Argument(6));
        assert_eq!(
            of("SORT k BY STORE GET STORE STORE STORE"),
            Reach::Argument(7)
        );
        assert_eq!(of("SORT k STORE get STORE d"), Reach::Argument(5));
        assert_eq!(of("SORT k LIMIT STORE 1 what STORE d"), Reach::Argument(7));
    }
}
