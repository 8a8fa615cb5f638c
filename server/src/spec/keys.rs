//! Where the keys of a request are.

use std::ops::Range;

use bitflags::bitflags;
use protocol::Args;
use smallvec::SmallVec;

use super::{Flags, Spec};

bitflags! {
    /// What a command does with the keys that a key spec finds, in the words of `COMMAND INFO`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct KeyFlags: u16 {
        /// Reads the value.
        const RO = 1 << 0;
        /// Reads and changes the value.
        const RW = 1 << 1;
        /// Overwrites the value without reading it.
        const OW = 1 << 2;
        /// Removes the key.
        const RM = 1 << 3;
        /// Reads or copies the user's data.
        const ACCESS = 1 << 4;
        /// Changes the user's data.
        const UPDATE = 1 << 5;
        /// Adds to the user's data.
        const INSERT = 1 << 6;
        /// Deletes from the user's data.
        const DELETE = 1 << 7;
        /// Is not a key, only routed like one.
        const NOT_KEY = 1 << 8;
        /// Does not find all keys.
        const INCOMPLETE = 1 << 9;
        /// The flags depend on the arguments.
        const VARIABLE_FLAGS = 1 << 10;
    }
}

impl KeyFlags {
    /// Every flag, named and ordered as in `COMMAND INFO`.
    const NAMES: [(KeyFlags, &'static str); 11] = [
        (KeyFlags::RO, "RO"),
        (KeyFlags::RW, "RW"),
        (KeyFlags::OW, "OW"),
        (KeyFlags::RM, "RM"),
        (KeyFlags::ACCESS, "access"),
        (KeyFlags::UPDATE, "update"),
        (KeyFlags::INSERT, "insert"),
        (KeyFlags::DELETE, "delete"),
        (KeyFlags::NOT_KEY, "not_key"),
        (KeyFlags::INCOMPLETE, "incomplete"),
        (KeyFlags::VARIABLE_FLAGS, "variable_flags"),
    ];

    /// The names of these flags.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        KeyFlags::NAMES
            .iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| *name)
    }
}

/// Which words of a request are its keys; none if it is no request.
pub type Locate = fn(Args<'_>) -> Option<Range<usize>>;

/// How the search for keys begins.
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// At this argument; 0 is the command's name.
    Index(usize),
    /// After this word, searched from argument `from` (from the end if negative).
    Keyword {
        /// The word, in any case.
        word: &'static str,
        /// Where the search starts.
        from: isize,
    },
    /// Where no rule can say: the request is read for it.
    Unknown(fn(Args<'_>) -> Reach),
}

/// The key of a request where no rule can say which that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// There is none.
    Nothing,
    /// This argument.
    Argument(usize),
    /// Keys that are not in the request: their names come from what others hold.
    Anywhere,
}

/// How the keys go on from where the search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// Up to `last` (relative to the beginning; negative counts from the end of the request), every
    /// `step` arguments. With `last` -1 and `limit` above 1, only the first 1/limit of the rest.
    Range {
        /// Last key.
        last: isize,
        /// Distance between keys.
        step: usize,
        /// Divisor of the rest, 0 and 1 for all of it.
        limit: usize,
    },
    /// A count at `count`, keys from `first` (both relative to the beginning), every `step`.
    Count {
        /// Where the count is.
        count: usize,
        /// Where the first key is.
        first: usize,
        /// Distance between keys.
        step: usize,
    },
    /// As the beginning says.
    Unknown,
}

/// One key spec (`COMMAND INFO`, ninth element).
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// Beginning of the search.
    pub begin: Begin,
    /// Its extent.
    pub find: Find,
    /// What happens to the keys.
    pub flags: KeyFlags,
    /// Remark shown by `COMMAND INFO`, empty for none.
    pub notes: &'static str,
    /// What happens to the keys of a particular request, if that depends on its words.
    pub flags_of: Option<fn(Args<'_>) -> KeyFlags>,
}

impl Keys {
    /// The key is argument `index`.
    pub const fn at(index: usize, flags: KeyFlags) -> Keys {
        Keys::range(index, 0, 1, flags)
    }

    /// Every `step`th argument from `index` to the end.
    pub const fn rest(index: usize, step: usize, flags: KeyFlags) -> Keys {
        Keys::range(index, -1, step, flags)
    }

    /// Every `step`th argument from `index` to `last`, which is relative to `index`, or to the end
    /// if negative.
    pub const fn range(index: usize, last: isize, step: usize, flags: KeyFlags) -> Keys {
        Keys {
            begin: Begin::Index(index),
            find: Find::Range {
                last,
                step,
                limit: 0,
            },
            flags,
            notes: "",
            flags_of: None,
        }
    }

    /// As many as argument `index` says, behind it.
    pub const fn counted(index: usize, flags: KeyFlags) -> Keys {
        Keys {
            find: Find::Count {
                count: 0,
                first: 1,
                step: 1,
            },
            ..Keys::at(index, flags)
        }
    }

    /// The key that `search` finds, if there is one.
    pub const fn unknown(search: fn(Args<'_>) -> Reach, flags: KeyFlags) -> Keys {
        Keys {
            begin: Begin::Unknown(search),
            find: Find::Unknown,
            ..Keys::at(0, flags)
        }
    }

    /// The key behind a word, searched from argument `from`.
    pub const fn behind(word: &'static str, from: isize, flags: KeyFlags) -> Keys {
        Keys {
            begin: Begin::Keyword { word, from },
            ..Keys::at(0, flags)
        }
    }

    /// Whether the word to search for stands in the request more than once, so that the handler may take a key
    /// that is not found here.
    fn is_ambiguous(&self, args: Args<'_>) -> bool {
        let Begin::Keyword { word, .. } = self.begin else {
            return false;
        };
        let is_word = |arg: &&[u8]| arg.eq_ignore_ascii_case(word.as_bytes());
        args.iter().filter(is_word).nth(1).is_some()
    }

    /// The first half of what stands behind `word`, searched from argument `from`.
    pub const fn half_behind(word: &'static str, from: isize, flags: KeyFlags) -> Keys {
        Keys {
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 2,
            },
            ..Keys::behind(word, from, flags)
        }
    }

    /// All that stands behind `word`, searched from argument `from`.
    pub const fn all_behind(word: &'static str, from: isize, flags: KeyFlags) -> Keys {
        Keys {
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 0,
            },
            ..Keys::behind(word, from, flags)
        }
    }

    /// With a remark for `COMMAND INFO`.
    pub const fn noted(self, notes: &'static str) -> Keys {
        Keys { notes, ..self }
    }

    /// With flags that depend on the words of a request.
    pub const fn varying(self, flags_of: fn(Args<'_>) -> KeyFlags) -> Keys {
        Keys {
            flags: self.flags.union(KeyFlags::VARIABLE_FLAGS),
            flags_of: Some(flags_of),
            ..self
        }
    }

    /// Calls `found` with the index of each key in `args`.
    ///
    /// `None` if the request does not fit: the count is no number, a key lies outside
    /// (`getKeysUsingKeySpecs` in Redis' `db.c`). A word to search for may be missing.
    #[inline]
    fn find(&self, args: Args<'_>, mut found: impl FnMut(usize, KeyFlags)) -> Option<()> {
        let begin = match self.begin {
            Begin::Index(index) => index,
            Begin::Keyword { word, from } => match find_word(args, word, from) {
                Some(index) => index + 1,
                None => return Some(()),
            },
            Begin::Unknown(search) => match search(args) {
                Reach::Argument(index) => index,
                Reach::Nothing | Reach::Anywhere => return Some(()),
            },
        };
        let (first, last, step) = self.extent(begin, args)?;
        let flags = self.flags_of.map_or(self.flags, |flags_of| flags_of(args));
        for index in (first..=last).step_by(step.max(1)) {
            found(index, flags);
        }
        Some(())
    }

    /// The first and last index and the distance of the keys in `args`, all inside of it.
    #[inline]
    fn extent(&self, begin: usize, args: Args<'_>) -> Option<(usize, usize, usize)> {
        let (first, last, step) = match self.find {
            Find::Range { last: 0, step, .. } => (begin, begin, step),
            Find::Unknown => (begin, begin, 1),
            Find::Range { last, step, limit } => {
                (begin, end(args.len(), begin, last, limit)?, step)
            }
            Find::Count { count, first, step } => {
                let keys = count_of_keys(args.get(begin.checked_add(count)?)?)?;
                let first = begin.checked_add(first)?;
                (
                    first,
                    keys.checked_sub(1)?.checked_mul(step)?.checked_add(first)?,
                    step,
                )
            }
        };
        (first <= last && last < args.len()).then_some((first, last, step))
    }
}

/// Index of the last key of a range.
fn end(len: usize, begin: usize, last: isize, limit: usize) -> Option<usize> {
    if last >= 0 {
        return begin.checked_add_signed(last);
    }
    match limit {
        0 => len.checked_add_signed(last),
        _ => begin
            .checked_add(len.checked_sub(begin)? / limit)?
            .checked_add_signed(last),
    }
}

/// Index of `word` in the request, searched from `from` up, or from the end down to the first
/// argument if `from` is negative.
fn find_word(args: Args<'_>, word: &str, from: isize) -> Option<usize> {
    let is_word = |&index: &usize| {
        args.get(index)
            .is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    };
    match usize::try_from(from) {
        Ok(start) => (start..args.len()).find(is_word),
        Err(_) => (1..=args.len().checked_add_signed(from)?)
            .rev()
            .find(is_word),
    }
}

/// The number of keys that a request announces; `None` if it is no number of keys.
fn count_of_keys(arg: &[u8]) -> Option<usize> {
    usize::try_from(protocol::number::parse_i64(arg)?).ok()
}

/// Where a request has a key, and what happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPosition {
    /// Index of the argument.
    pub index: usize,
    /// What happens to the key.
    pub flags: KeyFlags,
}

/// The keys of a request; up to four need no allocation.
pub type KeyPositions = SmallVec<[KeyPosition; 4]>;

/// Why a request has no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The command never has any.
    NoKeys,
    /// The arguments do not make a request of the command.
    Arguments,
}

impl Spec {
    /// The index of the only key, if the command has exactly one and always at the same place.
    #[inline]
    pub fn only_key(&self) -> Option<usize> {
        match self.keys {
            [
                Keys {
                    begin: Begin::Index(index),
                    find: Find::Range { last: 0, .. },
                    flags,
                    ..
                },
            ] if !flags.contains(KeyFlags::NOT_KEY) => Some(*index),
            _ => None,
        }
    }

    /// Whether requests of this command may name keys.
    pub fn has_keys(&self) -> bool {
        self.keys
            .iter()
            .any(|keys| !keys.flags.contains(KeyFlags::NOT_KEY))
    }

    /// The keys of a request, in the order of the key specs; every index is inside of `args`.
    ///
    /// Requests of commands that may go without keys (`EVAL`) give an empty list where others fail.
    ///
    /// # Errors
    /// [`KeyError::NoKeys`] for commands that never have any, [`KeyError::Arguments`] if there should
    /// be one and is not, or the request does not fit a key spec.
    pub fn keys_of(&self, args: Args<'_>) -> Result<KeyPositions, KeyError> {
        if !self.has_keys() {
            return Err(KeyError::NoKeys);
        }
        let positions = match self.locate {
            None => self.find_keys(args),
            Some(locate) => locate(args).map(|range| self.at_first(range)),
        };
        let positions = positions.unwrap_or_default();
        if positions.is_empty() && !self.flags.contains(Flags::NO_MANDATORY_KEYS) {
            return Err(KeyError::Arguments);
        }
        Ok(positions)
    }

    /// Whether a request reaches keys that it does not name.
    pub fn reaches_anywhere(&self, args: Args<'_>) -> bool {
        self.keys.iter().any(
            |keys| matches!(keys.begin, Begin::Unknown(search) if search(args) == Reach::Anywhere),
        )
    }

    /// Whether a request may mean other keys than those that are found: `STORE` given twice, as Redis allows.
    pub fn is_ambiguous(&self, args: Args<'_>) -> bool {
        self.keys.iter().any(|keys| keys.is_ambiguous(args))
    }

    /// Keys of which happens what the first key spec says.
    fn at_first(&self, range: Range<usize>) -> KeyPositions {
        let flags = self.keys.first().map_or(KeyFlags::empty(), |it| it.flags);
        range.map(|index| KeyPosition { index, flags }).collect()
    }

    fn find_keys(&self, args: Args<'_>) -> Option<KeyPositions> {
        let mut positions = KeyPositions::new();
        for keys in self
            .keys
            .iter()
            .filter(|keys| !keys.flags.contains(KeyFlags::NOT_KEY))
        {
            keys.find(args, |index, flags| {
                positions.push(KeyPosition { index, flags })
            })?;
        }
        Some(positions)
    }

    /// First key, last key and step as `COMMAND INFO` gave them before there were key specs, and
    /// whether they leave something out (`movablekeys`).
    ///
    /// Adjacent ranges of step 1 count as one (`populateCommandLegacyRangeSpec` in Redis'
    /// `server.c`).
    pub fn legacy_range(&self) -> LegacyRange {
        if let [keys] = self.keys
            && let (Begin::Index(first), Find::Range { last, step, .. }) = (keys.begin, keys.find)
        {
            let is_partial = keys.flags.contains(KeyFlags::INCOMPLETE);
            return LegacyRange {
                first,
                last: absolute(first, last),
                step,
                is_partial,
            };
        }
        let mut range = LegacyRange {
            first: 0,
            last: 0,
            step: 0,
            is_partial: false,
        };
        for keys in self.keys {
            range.is_partial |= !range.extend(keys);
        }
        range
    }

    /// Whether the first, last and step of `COMMAND INFO` do not find all keys.
    pub fn has_movable_keys(&self) -> bool {
        self.legacy_range().is_partial
    }
}

/// First key, last key and step of a command; zeros if it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyRange {
    /// Argument that is the first key.
    pub first: usize,
    /// Argument that is the last key; from the end if negative.
    pub last: isize,
    /// Distance between keys.
    pub step: usize,
    /// Whether there may be keys elsewhere.
    pub is_partial: bool,
}

impl LegacyRange {
    /// Adds keys that follow on those before; `false` if they do not.
    fn extend(&mut self, keys: &Keys) -> bool {
        let (Begin::Index(index), Find::Range { last, step: 1, .. }) = (keys.begin, keys.find)
        else {
            return false;
        };
        let follows = usize::try_from(self.last).is_ok_and(|before| before + 1 == index);
        if self.step != 0 && !follows {
            return false;
        }
        if self.step == 0 {
            self.first = index;
        }
        self.step = 1;
        self.last = absolute(index, last);
        true
    }
}

/// The index of a last key that is relative to the first one, unless it counts from the end.
fn absolute(first: usize, last: isize) -> isize {
    if last < 0 {
        last
    } else {
        isize::try_from(first).map_or(last, |first| first + last)
    }
}

#[cfg(test)]
mod tests {
    use protocol::split_line;

    use super::super::{flags, key_flags};
    use super::*;

    const MSET: Spec = Spec {
        keys: &[Keys::rest(1, 2, key_flags!(OW | UPDATE))],
        ..Spec::EMPTY
    };
    const COPY: Spec = Spec {
        keys: &[
            Keys::at(1, key_flags!(RO | ACCESS)),
            Keys::at(2, key_flags!(OW | UPDATE)),
        ],
        ..Spec::EMPTY
    };
    const SET: Spec = Spec {
        keys: &[Keys::at(1, key_flags!(RW | ACCESS | UPDATE)).varying(flags_of_set)],
        ..Spec::EMPTY
    };
    fn flags_of_set(args: Args<'_>) -> KeyFlags {
        if args
            .from(3)
            .iter()
            .any(|word| word.eq_ignore_ascii_case(b"get"))
        {
            key_flags!(RW | ACCESS | UPDATE)
        } else {
            key_flags!(OW | UPDATE)
        }
    }
    const BLPOP: Spec = Spec {
        keys: &[Keys::range(1, -2, 1, key_flags!(RW))],
        ..Spec::EMPTY
    };
    const ZUNIONSTORE: Spec = Spec {
        keys: &[
            Keys::at(1, key_flags!(OW | UPDATE)),
            Keys {
                begin: Begin::Index(2),
                find: Find::Count {
                    count: 0,
                    first: 1,
                    step: 1,
                },
                ..Keys::at(0, key_flags!(RO | ACCESS))
            },
        ],
        ..Spec::EMPTY
    };
    const XREAD: Spec = Spec {
        keys: &[Keys {
            begin: Begin::Keyword {
                word: "STREAMS",
                from: 1,
            },
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 2,
            },
            ..Keys::at(0, key_flags!(RO | ACCESS))
        }],
        ..Spec::EMPTY
    };
    const MIGRATE: Spec = Spec {
        keys: &[Keys {
            begin: Begin::Keyword {
                word: "KEYS",
                from: -2,
            },
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 0,
            },
            ..Keys::at(0, key_flags!(RW | ACCESS | DELETE | INCOMPLETE))
        }],
        ..Spec::EMPTY
    };
    const EVAL: Spec = Spec {
        keys: &[Keys {
            begin: Begin::Index(2),
            find: Find::Count {
                count: 0,
                first: 1,
                step: 1,
            },
            ..Keys::at(0, key_flags!(RW))
        }],
        flags: flags!(NO_MANDATORY_KEYS),
        ..Spec::EMPTY
    };
    const PUBLISH: Spec = Spec {
        keys: &[Keys::at(1, key_flags!(NOT_KEY))],
        ..Spec::EMPTY
    };

    fn indexes(spec: &Spec, line: &str) -> Result<Vec<usize>, KeyError> {
        let request = split_line(line.as_bytes()).expect("balanced quotes");
        let found = spec.keys_of(request.args())?;
        Ok(found.iter().map(|position| position.index).collect())
    }

    #[test]
    fn ranges_end_at_the_end_of_the_request() {
        assert_eq!(indexes(&MSET, "mset a 1 b 2"), Ok(vec![1, 3]));
        assert_eq!(indexes(&MSET, "mset a 1 b"), Ok(vec![1, 3]));
        assert_eq!(indexes(&MSET, "mset"), Err(KeyError::Arguments));
        assert_eq!(indexes(&BLPOP, "blpop a b 0"), Ok(vec![1, 2]));
        assert_eq!(indexes(&BLPOP, "blpop 0"), Err(KeyError::Arguments));
        assert_eq!(indexes(&COPY, "copy a b"), Ok(vec![1, 2]));
        assert_eq!(indexes(&COPY, "copy"), Err(KeyError::Arguments));
    }

    #[test]
    fn a_count_that_does_not_fit_finds_nothing() {
        assert_eq!(
            indexes(&ZUNIONSTORE, "zunionstore d 2 a b"),
            Ok(vec![1, 3, 4])
        );
        for count in [
            "3",
            "0",
            "-1",
            "x",
            "9223372036854775807",
            "18446744073709551616",
        ] {
            let line = format!("zunionstore d {count} a b");
            assert_eq!(
                indexes(&ZUNIONSTORE, &line),
                Err(KeyError::Arguments),
                "{count}"
            );
        }
        assert_eq!(indexes(&EVAL, "eval x 0"), Ok(vec![]));
        assert_eq!(indexes(&EVAL, "eval x"), Ok(vec![]));
        assert_eq!(indexes(&EVAL, "eval x 1 k a"), Ok(vec![3]));
    }

    #[test]
    fn keywords_are_searched_in_either_direction() {
        assert_eq!(
            indexes(&XREAD, "xread count 1 Streams a b 0 0"),
            Ok(vec![4, 5])
        );
        assert_eq!(indexes(&XREAD, "xread streams"), Err(KeyError::Arguments));
        assert_eq!(indexes(&XREAD, "xread a b"), Err(KeyError::Arguments));
        assert_eq!(
            indexes(&MIGRATE, "migrate h p \"\" 0 0 keys a b"),
            Ok(vec![7, 8])
        );
        assert_eq!(indexes(&MIGRATE, "keys"), Err(KeyError::Arguments));
        assert_eq!(indexes(&MIGRATE, ""), Err(KeyError::Arguments));
    }

    #[test]
    fn what_is_no_key_is_not_found() {
        assert_eq!(indexes(&PUBLISH, "publish a b"), Err(KeyError::NoKeys));
        assert_eq!(indexes(&Spec::EMPTY, "ping"), Err(KeyError::NoKeys));
        assert_eq!(PUBLISH.only_key(), None);
    }

    #[test]
    fn set_reads_the_key_only_with_get() {
        let flags = |line: &str| {
            let request = split_line(line.as_bytes()).expect("balanced quotes");
            SET.keys_of(request.args()).map(|keys| keys[0].flags)
        };
        let (plain, reading) = (key_flags!(OW | UPDATE), key_flags!(RW | ACCESS | UPDATE));
        assert_eq!(flags("set a b"), Ok(plain));
        assert_eq!(flags("set a get"), Ok(plain));
        assert_eq!(flags("set a b nx GeT"), Ok(reading));
        assert_eq!(flags("set a b getx"), Ok(plain));
        assert_eq!(SET.only_key(), Some(1));
    }

    #[test]
    fn adjacent_ranges_are_one_legacy_range() {
        let range = |first, last, step, is_partial| LegacyRange {
            first,
            last,
            step,
            is_partial,
        };
        assert_eq!(Spec::EMPTY.legacy_range(), range(0, 0, 0, false));
        assert_eq!(SET.legacy_range(), range(1, 1, 1, false));
        assert_eq!(MSET.legacy_range(), range(1, -1, 2, false));
        assert_eq!(BLPOP.legacy_range(), range(1, -2, 1, false));
        assert_eq!(COPY.legacy_range(), range(1, 2, 1, false));
        assert_eq!(ZUNIONSTORE.legacy_range(), range(1, 1, 1, true));
        assert_eq!(XREAD.legacy_range(), range(0, 0, 0, true));
        assert_eq!(EVAL.legacy_range(), range(0, 0, 0, true));
    }
}
