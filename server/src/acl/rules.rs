//! What a user is: whether it may come in, with which passwords, and what it may do then.

use std::hint::black_box;

use protocol::{Args, split_line};
use sha2::{Digest, Sha256};

use super::patterns::{Naming, Patterns};
use super::rule::{Basis, RuleError, c_text, with_whole_selectors};
use super::selector::{Asked, Denied, Selector};
use crate::command::table::Entry;

/// The SHA-256 of a password, in 64 hexadecimal digits.
pub type Hash = [u8; 64];

/// All that rules say of a user.
#[derive(Clone, Debug)]
pub struct Rules {
    is_on: bool,
    needs_no_password: bool,
    skips_sanitizing: bool,
    passwords: Vec<Hash>,
    root: Selector,
    selectors: Vec<Selector>,
}

/// Why rules are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// The word that begins a selector without end.
    Unmatched(Vec<u8>),
    /// The word that is no rule, and why.
    Rule(Vec<u8>, RuleError),
}

impl Rules {
    /// A user that has just been made: nothing is allowed.
    pub fn new(basis: &Basis<'_>) -> Rules {
        Rules {
            is_on: false,
            needs_no_password: false,
            skips_sanitizing: false,
            passwords: Vec::new(),
            root: Selector::new(basis),
            selectors: Vec::new(),
        }
    }

    /// The user `default` as long as nobody says otherwise: everything is allowed, to anybody.
    pub fn of_default(basis: &Basis<'_>) -> Rules {
        let mut rules = Rules::new(basis);
        for rule in ["+@all", "~*", "&*", "on", "nopass"] {
            let applied = rules.apply(rule.as_bytes(), basis);
            debug_assert!(applied.is_ok(), "{rule}");
        }
        rules
    }

    /// Changes it as `ACL SETUSER` says.
    ///
    /// # Errors
    /// At the first word that is no rule; what came before it has changed.
    pub fn apply_all(&mut self, words: &[&[u8]], basis: &Basis<'_>) -> Result<(), SetError> {
        let whole = with_whole_selectors(words)
            .map_err(|index| SetError::Unmatched(words[index].to_vec()))?;
        for rule in whole {
            self.apply(&rule, basis)
                .map_err(|error| SetError::Rule(rule.into_owned(), error))?;
        }
        Ok(())
    }

    /// Changes it as one rule says.
    ///
    /// # Errors
    /// If it is none; then nothing has changed.
    pub fn apply(&mut self, rule: &[u8], basis: &Basis<'_>) -> Result<(), RuleError> {
        match c_text(rule).to_ascii_lowercase().as_slice() {
            b"" if rule.is_empty() => {}
            b"on" => self.is_on = true,
            b"off" => self.is_on = false,
            b"nopass" => {
                self.needs_no_password = true;
                self.passwords.clear();
            }
            b"resetpass" => {
                self.needs_no_password = false;
                self.passwords.clear();
            }
            b"skip-sanitize-payload" => self.skips_sanitizing = true,
            b"sanitize-payload" => self.skips_sanitizing = false,
            b"clearselectors" => self.selectors.clear(),
            b"reset" => *self = Rules::new(basis),
            [b'>', ..] => self.add_password(hash(&rule[1..])),
            [b'#', ..] => self.add_password(as_hash(&rule[1..])?),
            [b'<', ..] => self.remove_password(&hash(&rule[1..]))?,
            [b'!', ..] => self.remove_password(&as_hash(&rule[1..])?)?,
            [b'(', ..] if rule.ends_with(b")") => self.add_selector(rule, basis)?,
            _ => self.root.apply(rule, basis.catalogue)?,
        }
        Ok(())
    }

    fn add_password(&mut self, hash: Hash) {
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
        self.needs_no_password = false;
    }

    fn remove_password(&mut self, hash: &Hash) -> Result<(), RuleError> {
        let known = self.passwords.iter().position(|known| known == hash);
        self.passwords
            .remove(known.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    fn add_selector(&mut self, rule: &[u8], basis: &Basis<'_>) -> Result<(), RuleError> {
        let mut selector = Selector::new(basis);
        // As in Redis, quotes that are not closed leave no words.
        let words = split_line(&rule[1..rule.len() - 1]);
        for word in words.iter().flat_map(|words| words.args().iter()) {
            selector.apply(word, basis.catalogue)?;
        }
        self.selectors.push(selector);
        Ok(())
    }

    /// Whether it may come in at all.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether any password is right.
    pub fn needs_no_password(&self) -> bool {
        self.needs_no_password
    }

    /// Whether it may come in with that password.
    pub fn admits(&self, password: &[u8]) -> bool {
        if !self.is_on || self.needs_no_password {
            return self.is_on;
        }
        let given = hash(password);
        let matching = self.passwords.iter().filter(|it| is_same_hash(it, &given));
        // All are compared, whichever is right.
        matching.count() > 0
    }

    /// Whether it may do everything.
    pub fn is_unrestricted(&self) -> bool {
        self.all_selectors().any(Selector::is_everything)
    }

    fn all_selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.root).chain(&self.selectors)
    }

    /// Whether it may make a request.
    ///
    /// # Errors
    /// What of it is not allowed: if no selector allows the command that, else the last key or channel that one
    /// of them did not allow.
    pub fn check(&self, entry: &Entry, args: &Args<'_>) -> Result<(), Denied> {
        let mut asked = Asked::new(entry, args);
        let mut worst = Denied::COMMAND;
        for selector in self.all_selectors() {
            match selector.check(&mut asked) {
                Ok(()) => return Ok(()),
                Err(denied) => worst = worst.max(denied),
            }
        }
        Err(worst)
    }

    /// Whether it may make a request, and read any key there is with it: one selector must allow both.
    pub fn may_read_all_keys(&self, entry: &Entry, args: &Args<'_>) -> bool {
        let mut asked = Asked::new(entry, args);
        self.all_selectors()
            .any(|selector| selector.keys.allow_reading_all() && selector.check(&mut asked).is_ok())
    }

    /// Whether it may use a channel.
    pub fn may_use_channel(&self, channel: &[u8], naming: Naming) -> bool {
        self.all_selectors()
            .any(|selector| selector.channels.allow(channel, naming))
    }

    /// Whether others might use channels that this one may not: whether a pattern of theirs is none of its own.
    pub fn lacks_channels_of(&self, others: &Rules) -> bool {
        let own: Vec<_> = self.all_selectors().map(|it| &it.channels).collect();
        if own.iter().any(|channels| channels.is_all()) {
            return false;
        }
        others.all_selectors().any(|theirs| match &theirs.channels {
            Patterns::All => true,
            Patterns::Some(patterns) => patterns
                .iter()
                .any(|pattern| !own.iter().any(|channels| channels.lists(pattern))),
        })
    }

    /// The words of its flags, in Redis' order.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        let sanitizing = match self.skips_sanitizing {
            true => "skip-sanitize-payload",
            false => "sanitize-payload",
        };
        let state = if self.is_on { "on" } else { "off" };
        let nopass = self.needs_no_password.then_some("nopass");
        [Some(state), nopass, Some(sanitizing)]
            .into_iter()
            .flatten()
    }

    /// Its passwords.
    pub fn passwords(&self) -> &[Hash] {
        &self.passwords
    }

    /// What it may do without brackets.
    pub fn root(&self) -> &Selector {
        &self.root
    }

    /// What it may do besides.
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// All of it as rules: `on nopass sanitize-payload ~* &* +@all`.
    pub fn describe(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for flag in self.flags() {
            text.extend_from_slice(flag.as_bytes());
            text.push(b' ');
        }
        for password in &self.passwords {
            text.push(b'#');
            text.extend_from_slice(password);
            text.push(b' ');
        }
        text.extend_from_slice(&self.root.describe());
        for selector in &self.selectors {
            text.extend_from_slice(b" (");
            text.extend_from_slice(&selector.describe());
            text.push(b')');
        }
        text
    }
}

/// The hash of a password.
fn hash(password: &[u8]) -> Hash {
    let digits = b"0123456789abcdef";
    let mut hash = [0; 64];
    for (pair, byte) in hash.chunks_exact_mut(2).zip(Sha256::digest(password)) {
        pair[0] = digits[usize::from(byte >> 4)];
        pair[1] = digits[usize::from(byte & 15)];
    }
    hash
}

fn as_hash(text: &[u8]) -> Result<Hash, RuleError> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    match text.try_into() {
        Ok(hash) if text.iter().all(is_digit) => Ok(hash),
        _ => Err(RuleError::BadHash),
    }
}

/// Compares without telling by the time it takes where the two differ.
fn is_same_hash(known: &Hash, given: &Hash) -> bool {
    let pairs = known.iter().zip(given);
    let difference = pairs.fold(0, |difference, (known, given)| {
        difference | black_box(known ^ given)
    });
    black_box(difference) == 0
}

#[cfg(test)]
mod tests;
