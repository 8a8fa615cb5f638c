//! All commands, a family a file.

mod generic;
mod introspection;
mod string;
mod transaction;

use crate::command::Command;

/// Every family. A command that is not here does not exist.
pub const FAMILIES: &[&[Command]] = &[generic::COMMANDS, introspection::COMMANDS, string::COMMANDS, transaction::COMMANDS];
