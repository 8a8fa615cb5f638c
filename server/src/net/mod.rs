//! Sockets: accepting connections, reading requests, writing replies.

pub mod connection;
mod inbox;
pub mod listener;
pub mod listening;
pub mod stream;
pub mod threads;
mod wait;
