//! `keytag-server`: a cache server that speaks Redis' protocol.
//!
//! Started as `redis-server` is: an optional configuration file and `--option value` flags.

#![forbid(unsafe_code)]

mod acl;
mod chores;
mod clients;
mod clock;
mod command;
mod commands;
mod config;
mod cron;
mod evictor;
mod exec;
mod latency;
mod lazyfree;
mod logging;
mod memory;
mod migrate;
mod monitor;
mod net;
mod notify;
mod persist;
mod process;
mod pubsub;
mod rates;
mod replication;
mod script;
mod server;
mod session;
mod settings;
mod slowlog;
mod spec;
mod stack;
mod startup;
mod stats;
mod tracking;
mod transaction;
mod waiters;

use std::process::ExitCode;

/// Counts what it hands out, so that `maxmemory` is held against what is really used.
#[global_allocator]
static ALLOCATOR: storage::memory::CountingAllocator = storage::memory::CountingAllocator;

fn main() -> ExitCode {
    match config::from_command_line(std::env::args_os().collect()) {
        Ok(config::Startup::Print { text, exit_code }) => {
            print!("{text}");
            ExitCode::from(exit_code)
        }
        Ok(config::Startup::Run(config)) => startup::run(*config),
        Err(error) if error.is_logged() => {
            logging::start();
            tracing::warn!("{}", error.to_string().trim_end());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprint!("{error}");
            ExitCode::FAILURE
        }
    }
}
