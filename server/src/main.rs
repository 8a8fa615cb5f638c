//! `keytag-server`: a cache server that speaks Redis' protocol.
//!
//! Started as `redis-server` is: an optional configuration file and `--option value` flags.

#![forbid(unsafe_code)]

mod chores;
mod clients;
mod clock;
mod command;
mod commands;
mod config;
mod cron;
mod evictor;
mod exec;
mod lazyfree;
mod logging;
mod monitor;
mod net;
mod persist;
mod process;
mod rates;
mod server;
mod session;
mod settings;
mod slowlog;
mod spec;
mod startup;
mod stats;
mod transaction;

use std::process::ExitCode;

/// Counts what it hands out, so that `maxmemory` is held against what is really used.
#[global_allocator]
static ALLOCATOR: storage::memory::CountingAllocator = storage::memory::CountingAllocator;

fn main() -> ExitCode {
    startup::run(config::Config::new())
}
