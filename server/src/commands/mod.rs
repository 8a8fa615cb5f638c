//! All commands, a family a file.

mod acl;
mod bitmap;
mod client;
mod config;
mod connection;
mod debug;
mod function;
mod generic;
mod geo;
mod hash;
mod hll;
mod info;
mod introspection;
mod latency;
mod list;
mod lolwut;
mod memory;
mod monitor;
mod pubsub;
mod script;
mod server;
mod set;
mod slowlog;
mod stream;
mod string;
mod tag;
mod transaction;
mod zset;

use crate::command::Command;

/// Every family. A command that is not here does not exist.
pub const FAMILIES: &[&[Command]] = &[
    acl::COMMANDS,
    bitmap::COMMANDS,
    client::COMMANDS,
    config::COMMANDS,
    connection::COMMANDS,
    debug::COMMANDS,
    function::COMMANDS,
    generic::COMMANDS,
    geo::COMMANDS,
    hash::COMMANDS,
    hll::COMMANDS,
    info::COMMANDS,
    introspection::COMMANDS,
    latency::COMMANDS,
    list::COMMANDS,
    lolwut::COMMANDS,
    memory::COMMANDS,
    monitor::COMMANDS,
    pubsub::COMMANDS,
    script::COMMANDS,
    server::COMMANDS,
    set::COMMANDS,
    slowlog::COMMANDS,
    stream::COMMANDS,
    string::COMMANDS,
    tag::COMMANDS,
    transaction::COMMANDS,
    zset::COMMANDS,
];
