//! The commands that a selector allows.

use std::collections::BTreeMap;

use super::catalogue::Catalogue;

/// A bit for each command, and the rules that led there, as `ACL LIST` prints them.
#[derive(Clone, Debug)]
pub struct Allowed {
    bits: Vec<u64>,
    /// Whether the rules begin with `+@all`.
    begins_with_all: bool,
    /// What `+select|0` allows: by command, the only first arguments it may have, in lower case.
    first_args: BTreeMap<usize, Vec<Box<[u8]>>>,
    /// What follows `+@all` or `-@all`, separated by spaces, each with its sign.
    rules: Vec<Vec<u8>>,
}

impl Allowed {
    /// No command.
    pub fn nothing(catalogue: &Catalogue) -> Allowed {
        Allowed {
            bits: vec![0; catalogue.len().div_ceil(64)],
            begins_with_all: false,
            first_args: BTreeMap::new(),
            rules: Vec::new(),
        }
    }

    /// `+@all` or `-@all`.
    pub fn set_all(&mut self, is_allowed: bool) {
        self.bits.fill(if is_allowed { u64::MAX } else { 0 });
        self.begins_with_all = is_allowed;
        self.first_args.clear();
        self.rules.clear();
    }

    /// Whether every command is allowed.
    pub fn is_everything(&self) -> bool {
        self.bits.iter().all(|&word| word == u64::MAX)
    }

    /// Allows a command with its subcommands, or does not, and notes the rule.
    pub fn set(&mut self, catalogue: &Catalogue, id: usize, is_allowed: bool) {
        self.set_with_subcommands(catalogue, id, is_allowed);
        self.note(catalogue.name(id).as_bytes(), is_allowed);
    }

    /// Allows the commands of a category, which is `@name`, or does not, and notes the rule.
    pub fn set_category(
        &mut self,
        catalogue: &Catalogue,
        name: &[u8],
        commands: impl Iterator<Item = usize>,
        is_allowed: bool,
    ) {
        self.note(name, is_allowed);
        // As in Redis a container takes its subcommands along, of whatever category they are.
        commands.for_each(|id| self.set_with_subcommands(catalogue, id, is_allowed));
    }

    /// Allows a command only where it is followed by that word, and notes the rule.
    pub fn allow_first_arg(&mut self, catalogue: &Catalogue, id: usize, first: &[u8]) {
        let first = first.to_ascii_lowercase();
        self.note(
            &[catalogue.name(id).as_bytes(), b"|", &first].concat(),
            true,
        );
        let known = self.first_args.entry(id).or_default();
        if !known.iter().any(|it| **it == *first) {
            known.push(first.into());
        }
    }

    fn set_with_subcommands(&mut self, catalogue: &Catalogue, id: usize, is_allowed: bool) {
        self.first_args.remove(&id);
        self.set_bit(id, is_allowed);
        catalogue
            .subcommands(id)
            .for_each(|sub| self.set_bit(sub, is_allowed));
    }

    fn set_bit(&mut self, id: usize, is_allowed: bool) {
        let bit = 1 << (id % 64);
        if is_allowed {
            self.bits[id / 64] |= bit;
        } else {
            self.bits[id / 64] &= !bit;
        }
    }

    /// Whether a command is allowed that is followed by that word.
    #[inline]
    pub fn allows(&self, id: usize, first: Option<&[u8]>) -> bool {
        self.bits[id / 64] & (1 << (id % 64)) != 0 || self.allows_with(id, first)
    }

    fn allows_with(&self, id: usize, first: Option<&[u8]>) -> bool {
        let (Some(known), Some(first)) = (self.first_args.get(&id), first) else {
            return false;
        };
        known.iter().any(|it| it.eq_ignore_ascii_case(first))
    }

    /// Puts a rule at the end. It takes the place of one about the same, and of those about subcommands.
    fn note(&mut self, name: &[u8], is_allowed: bool) {
        let name = name.to_ascii_lowercase();
        self.rules.retain(|rule| {
            let rest = rule[1..].strip_prefix(&name[..]);
            !rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'|')
        });
        let sign = if is_allowed { b'+' } else { b'-' };
        self.rules.push([&[sign], &name[..]].concat());
    }

    /// All the rules: `-@all +get +config|get`.
    pub fn describe(&self) -> Vec<u8> {
        let all = if self.begins_with_all {
            b"+@all"
        } else {
            b"-@all"
        };
        let mut text = all.to_vec();
        for rule in &self.rules {
            text.push(b' ');
            text.extend_from_slice(rule);
        }
        text
    }
}
