//! Users, and what they may do.

mod files;
mod log;
mod permissions;
mod random;
mod rules;
mod users;

use crate::support::{Client, Server};

/// A connection that has come in as that user, whose password is `pw`.
fn come_in(server: &Server, user: &str) -> Client {
    let mut client = server.connect();
    assert_eq!(client.line(&format!("AUTH {user} pw")).to_string(), "OK");
    client
}
