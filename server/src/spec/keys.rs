//! Where the keys of a request are.

use bitflags::bitflags;

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

/// How the search for keys begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// One key spec (`COMMAND INFO`, ninth element).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Beginning of the search.
    pub begin: Begin,
    /// Its extent.
    pub find: Find,
    /// What happens to the keys.
    pub flags: KeyFlags,
    /// Remark shown by `COMMAND INFO`, empty for none.
    pub notes: &'static str,
}

impl Keys {
    /// The key is argument `index`.
    pub const fn at(index: usize, flags: KeyFlags) -> Keys {
        Keys {
            begin: Begin::Index(index),
            find: Find::Range { last: 0, step: 1, limit: 0 },
            flags,
            notes: "",
        }
    }

    /// Every `step`th argument from `index` to the end.
    pub const fn rest(index: usize, step: usize, flags: KeyFlags) -> Keys {
        Keys {
            begin: Begin::Index(index),
            find: Find::Range { last: -1, step, limit: 0 },
            flags,
            notes: "",
        }
    }
}
