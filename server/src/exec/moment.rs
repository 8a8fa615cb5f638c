//! The moment in which a command sees the keyspace.

use storage::db::{Moment, Touch, WhenExpired};

use crate::clients::{Client, State};
use crate::server::Server;

/// Time, and how expiry and accesses are treated, for a command of that client.
#[inline]
pub fn moment(server: &Server, client: &Client, now_ms: i64) -> Moment {
    let state = client.state();
    let expiry = if state.contains(State::REPLAY) {
        WhenExpired::Keep
    } else if server.gates.is_write_paused() {
        WhenExpired::Hide
    } else {
        WhenExpired::Remove
    };
    Moment {
        now_ms,
        access: server.settings.access(),
        touch: if state.contains(State::NO_TOUCH) {
            Touch::No
        } else {
            Touch::Yes
        },
        expiry,
        has_listeners: false,
        compression_threshold: server.settings.compression_threshold(),
    }
}
