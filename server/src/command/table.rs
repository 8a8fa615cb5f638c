//! Commands by name.

use std::collections::HashMap;

use ahash::RandomState;

use super::{Args, Ctx, Result};
use crate::spec::{Flags, Spec};

/// What carries a command out.
pub type Handler = for<'a, 'b> fn(&'a mut Ctx<'_>, &'a Args<'b>) -> Result;

/// A command or subcommand: its declaration, its handler, and the subcommands of a container.
#[derive(Debug)]
pub struct Command {
    /// The declaration.
    pub spec: Spec,
    /// What carries it out; a container has none.
    pub handler: Option<Handler>,
    /// The subcommands of a container.
    pub subcommands: &'static [Command],
}

impl Spec {
    /// The command of this declaration, carried out by `handler`.
    pub const fn run(self, handler: Handler) -> Command {
        Command {
            spec: self,
            handler: Some(handler),
            subcommands: &[],
        }
    }

    /// A command that consists of subcommands.
    pub const fn container(self, subcommands: &'static [Command]) -> Command {
        Command {
            spec: self,
            handler: None,
            subcommands,
        }
    }

    /// A command that does something by itself and has subcommands as well (`COMMAND`).
    pub const fn run_with(self, handler: Handler, subcommands: &'static [Command]) -> Command {
        Command {
            spec: self,
            handler: Some(handler),
            subcommands,
        }
    }
}

/// A command in the table.
#[derive(Debug)]
pub struct Entry {
    /// Its declaration and handler.
    pub command: &'static Command,
    /// Its place in the statistics.
    pub id: usize,
    /// The name clients use, upper case; `rename-command` may have changed it. `CLIENT` of `CLIENT LIST`.
    pub name: String,
    /// Lower case, subcommands behind a bar: `client|list`.
    pub full_name: String,
    /// In Redis' sense: exact, or the negative of the least number of words.
    pub arity: i32,
    /// Subcommands by lower-case name.
    pub subcommands: HashMap<String, Entry>,
}

impl Entry {
    /// Whether a request of so many words is of the right length.
    pub fn accepts(&self, words: usize) -> bool {
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        if self.arity >= 0 {
            words == i64::from(self.arity)
        } else {
            words >= i64::from(-self.arity)
        }
    }

    /// The flags of its declaration.
    pub fn flags(&self) -> Flags {
        self.command.spec.flags
    }
}

/// All commands, by name.
#[derive(Debug, Default)]
pub struct Table {
    by_name: HashMap<String, Entry, RandomState>,
    full_names: Vec<String>,
    declared: Vec<&'static Command>,
}

impl Table {
    /// The table of the given families.
    pub fn new(families: &[&'static [Command]]) -> Table {
        let mut table = Table::default();
        for command in families.iter().flat_map(|family| family.iter()) {
            let entry = table.entry(command, None);
            table
                .by_name
                .insert(command.spec.name.to_ascii_lowercase(), entry);
        }
        table
    }

    /// Gives a command another name, or takes it away if that is empty (`rename-command`).
    ///
    /// # Errors
    /// Redis' words, if there is no such command or the new name is taken.
    pub fn rename(&mut self, old: &[u8], new: &[u8]) -> std::result::Result<(), &'static str> {
        let lower = |name: &[u8]| String::from_utf8_lossy(name).to_ascii_lowercase();
        let (old, new) = (lower(old), lower(new));
        let Some(mut entry) = self.by_name.remove(&old) else {
            return Err("No such command in rename-command");
        };
        if new.is_empty() {
            return Ok(());
        }
        if self.by_name.contains_key(&new) {
            return Err("Target command name already exists");
        }
        entry.name = new.to_ascii_uppercase();
        self.by_name.insert(new, entry);
        Ok(())
    }

    fn entry(&mut self, command: &'static Command, parent: Option<&str>) -> Entry {
        let own = command.spec.name.to_ascii_lowercase();
        let full_name = parent.map_or_else(|| own.clone(), |parent| format!("{parent}|{own}"));
        let id = self.full_names.len();
        self.full_names.push(full_name.clone());
        self.declared.push(command);
        let subcommands = command
            .subcommands
            .iter()
            .map(|sub| {
                (
                    sub.spec.name.to_ascii_lowercase(),
                    self.entry(sub, Some(&full_name)),
                )
            })
            .collect();
        let words = 1 + usize::from(parent.is_some());
        let arity = match command.handler {
            None => -2,
            Some(_) => crate::spec::usage::arity(command.spec.usage, words),
        };
        let name = command.spec.name.to_owned();
        Entry {
            command,
            id,
            name,
            full_name,
            arity,
            subcommands,
        }
    }

    /// The command of that name, in any case.
    pub fn find(&self, name: &[u8]) -> Option<&Entry> {
        // Longer than any name: not worth lowering.
        if name.len() > 64 {
            return self
                .by_name
                .get(&String::from_utf8_lossy(name).to_ascii_lowercase());
        }
        let mut lower = [0; 64];
        let lower = &mut lower[..name.len()];
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.by_name.get(std::str::from_utf8(lower).ok()?)
    }

    /// All commands, without subcommands.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.by_name.values()
    }

    /// The full names of all commands and subcommands, by [`Entry::id`].
    pub fn full_names(&self) -> &[String] {
        &self.full_names
    }

    /// All commands and subcommands with their full names, as they were declared, by [`Entry::id`]: whatever
    /// they are called now, and whether they can still be called.
    pub fn declared(&self) -> impl Iterator<Item = (&str, &'static Command)> {
        let names = self.full_names.iter().map(String::as_str);
        names.zip(self.declared.iter().copied())
    }
}
