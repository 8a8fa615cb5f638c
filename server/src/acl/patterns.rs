//! The keys and channels that a selector allows.

use bitflags::bitflags;
use storage::glob::{self, Case};

use crate::spec::KeyFlags;

bitflags! {
    /// What may be done with a key.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Access: u8 {
        /// `%R~`
        const READ = 1 << 0;
        /// `%W~`
        const WRITE = 1 << 1;
    }
}

impl Access {
    /// What a command needs that does this with a key. As in Redis, a command that gives away nothing of
    /// the value, and leaves it as it is (`EXISTS`), needs neither.
    pub fn needed(flags: KeyFlags) -> Access {
        let changes = KeyFlags::INSERT
            .union(KeyFlags::DELETE)
            .union(KeyFlags::UPDATE);
        let mut needed = Access::empty();
        needed.set(Access::READ, flags.contains(KeyFlags::ACCESS));
        needed.set(Access::WRITE, flags.intersects(changes));
        needed
    }
}

/// Names that match one of several patterns, or any name.
#[derive(Clone, Debug)]
pub enum Patterns<T> {
    /// Any.
    All,
    /// Those that match; none if there is no pattern.
    Some(Vec<T>),
}

/// Keys, and what may be done with them.
pub type Keys = Patterns<(Box<[u8]>, Access)>;

/// Channels.
pub type Channels = Patterns<Box<[u8]>>;

impl<T> Patterns<T> {
    /// No name at all.
    pub const NONE: Patterns<T> = Patterns::Some(Vec::new());

    /// Whether any name is allowed.
    pub fn is_all(&self) -> bool {
        matches!(self, Patterns::All)
    }
}

impl Keys {
    /// Allows keys that match; `false` if all are allowed already.
    pub fn add(&mut self, pattern: &[u8], access: Access) -> bool {
        let Patterns::Some(patterns) = self else {
            return false;
        };
        match patterns.iter_mut().find(|(known, _)| **known == *pattern) {
            Some((_, known)) => *known |= access,
            None => patterns.push((pattern.into(), access)),
        }
        true
    }

    /// Whether a key may be used so.
    pub fn allow(&self, key: &[u8], needed: Access) -> bool {
        match self {
            Patterns::All => true,
            Patterns::Some(patterns) => patterns
                .iter()
                .any(|(pattern, access)| access.contains(needed) && is_match(pattern, key)),
        }
    }

    /// Whether any key may be read: all are allowed, or the pattern is a lone star.
    pub fn allow_reading_all(&self) -> bool {
        match self {
            Patterns::All => true,
            Patterns::Some(patterns) => patterns
                .iter()
                .any(|(pattern, access)| **pattern == *b"*" && access.contains(Access::READ)),
        }
    }

    /// The patterns as rules, separated by spaces.
    pub fn describe(&self) -> Vec<u8> {
        let Patterns::Some(patterns) = self else {
            return b"~*".to_vec();
        };
        let rules = patterns.iter().map(|(pattern, access)| {
            let sign: &[u8] = match *access {
                Access::READ => b"%R~",
                Access::WRITE => b"%W~",
                _ => b"~",
            };
            [sign, pattern].concat()
        });
        rules.collect::<Vec<_>>().join(&b' ')
    }
}

/// How a command names channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// As they are.
    Literal,
    /// By a pattern, which must be allowed as it stands (`PSUBSCRIBE`).
    Pattern,
}

impl Channels {
    /// Allows channels that match; `false` if all are allowed already.
    pub fn add(&mut self, pattern: &[u8]) -> bool {
        let Patterns::Some(patterns) = self else {
            return false;
        };
        if !patterns.iter().any(|known| **known == *pattern) {
            patterns.push(pattern.into());
        }
        true
    }

    /// Whether that is one of the patterns.
    pub fn lists(&self, pattern: &[u8]) -> bool {
        match self {
            Patterns::All => false,
            Patterns::Some(patterns) => patterns.iter().any(|known| **known == *pattern),
        }
    }

    /// Whether a channel may be used.
    pub fn allow(&self, channel: &[u8], naming: Naming) -> bool {
        match self {
            Patterns::All => true,
            Patterns::Some(patterns) => patterns.iter().any(|pattern| match naming {
                Naming::Literal => is_match(pattern, channel),
                Naming::Pattern => **pattern == *channel,
            }),
        }
    }

    /// The patterns as rules, separated by spaces.
    pub fn describe(&self) -> Vec<u8> {
        let Patterns::Some(patterns) = self else {
            return b"&*".to_vec();
        };
        let rules = patterns.iter().map(|pattern| [b"&", &**pattern].concat());
        rules.collect::<Vec<_>>().join(&b' ')
    }
}

/// Redis' matcher does not begin where there is nothing to match: a star does not match the empty name.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    if name.is_empty() {
        pattern.is_empty()
    } else {
        glob::matches(pattern, name, Case::Sensitive)
    }
}
