//! Sockets: accepting connections, reading requests, writing replies.

pub mod connection;
pub mod listener;
pub mod stream;
pub mod threads;
