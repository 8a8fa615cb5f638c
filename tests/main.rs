//! What a client, an operator and a volume can see of Keytag, tested through the real program.

mod support;

mod aof_files;
mod bitmap;
mod blocking;
mod client;
mod client_memory;
mod clients;
mod compression;
mod config;
mod connection;
mod crash;
mod crash_types;
mod debug;
mod entrypoint;
mod eviction;
mod expiry;
mod flush;
mod garbage;
mod generic;
mod hll;
mod list;
mod memory;
mod memory_report;
mod oracle;
mod pubsub;
mod scan;
mod server;
mod sort;
mod startup;
mod string;
mod tag;
mod tag_model;
mod tidy;
mod transaction;
mod wire;
