//! The commands that rules speak of: by the names they were declared with, whatever they are called now.

use std::collections::HashMap;
use std::ops::Range;

use crate::command::Table;
use crate::spec;

/// All commands and subcommands, by the number they have in the table.
#[derive(Debug)]
pub struct Catalogue {
    known: Vec<Known>,
    by_name: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
struct Known {
    name: Box<str>,
    categories: spec::Acl,
    is_subcommand: bool,
    /// The numbers of its subcommands, which follow its own.
    subcommands: Range<usize>,
}

impl Catalogue {
    /// The commands of a table.
    pub fn new(table: &Table) -> Catalogue {
        let known: Vec<Known> = table
            .declared()
            .enumerate()
            .map(|(id, (name, command))| Known {
                name: name.into(),
                categories: command.spec.categories(),
                is_subcommand: name.contains('|'),
                subcommands: id + 1..id + 1 + command.subcommands.len(),
            })
            .collect();
        let by_name = known.iter().enumerate();
        let by_name = by_name.map(|(id, it)| (it.name.clone(), id)).collect();
        Catalogue { known, by_name }
    }

    /// The number of the command or subcommand (`client|list`) of that name, in any case.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        self.by_name.get(name.as_str()).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// The full name of a command.
    pub fn name(&self, id: usize) -> &str {
        &self.known[id].name
    }

    /// Whether it is the subcommand of another.
    pub fn is_subcommand(&self, id: usize) -> bool {
        self.known[id].is_subcommand
    }

    /// Its subcommands.
    pub fn subcommands(&self, id: usize) -> Range<usize> {
        self.known[id].subcommands.clone()
    }

    /// The commands of a category.
    pub fn of_category(&self, category: spec::Acl) -> impl Iterator<Item = usize> {
        let known = self.known.iter().enumerate();
        known
            .filter(move |(_, it)| it.categories.contains(category))
            .map(|(id, _)| id)
    }
}
