//! All commands, a family a file.

mod introspection;
mod transaction;

use crate::command::Command;

/// Every family. A command that is not here does not exist.
pub const FAMILIES: &[&[Command]] = &[introspection::COMMANDS, transaction::COMMANDS];
