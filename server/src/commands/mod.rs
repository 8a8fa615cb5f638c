//! All commands, a family a file.

mod client;
mod connection;
mod generic;
mod info;
mod introspection;
mod monitor;
mod string;
mod transaction;

use crate::command::Command;

/// Every family. A command that is not here does not exist.
pub const FAMILIES: &[&[Command]] = &[client::COMMANDS, connection::COMMANDS, generic::COMMANDS, info::COMMANDS, introspection::COMMANDS, monitor::COMMANDS, string::COMMANDS, transaction::COMMANDS];
