//! Snapshots: what is in the file, and when it is written.

mod asking;
pub(crate) mod data;
mod failing;
mod interchange;
mod moment;
mod points;
mod report;

use std::time::{Duration, Instant};

use crate::support::{Client, Server};

/// Waits until something holds that the server will do by itself.
///
/// # Panics
/// If it takes longer than any machine needs.
pub(crate) fn wait_until(server: &Server, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until no snapshot is written in the background.
fn wait_for_background(server: &Server, client: &mut Client) {
    wait_until(server, "a snapshot does not end", || {
        client.info_number("rdb_bgsave_in_progress") == 0
    });
}

/// Fields of `INFO persistence`, as they are.
fn fields(client: &mut Client, names: &[&str]) -> Vec<String> {
    let field = |name: &&str| client.info(name).expect("INFO has it");
    names.iter().map(field).collect()
}
