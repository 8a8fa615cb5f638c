//! The moment in which a command sees the keyspace.

use storage::db::{Listeners, Moment, Touch, WhenExpired};

use crate::clients::{Client, State};
use crate::config::KeyspaceEvents;
use crate::notify;
use crate::server::Server;
use crate::settings::SharedHabits;

/// Time, and how expiry and accesses are treated, for a command of that client.
#[inline]
pub fn moment(server: &Server, client: &Client, habits: &mut SharedHabits, now_ms: i64) -> Moment {
    let habits = habits.of(&server.settings);
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
        access: habits.access,
        touch: if state.contains(State::NO_TOUCH) {
            Touch::No
        } else {
            Touch::Yes
        },
        expiry,
        listeners: listeners(server, habits.keyspace_events),
        compression_threshold: habits.compression_threshold,
    }
}

/// Which events are collected for those who want to hear of them.
#[inline]
pub fn listeners(server: &Server, wanted: KeyspaceEvents) -> Listeners {
    let mut listeners = notify::listeners(wanted);
    if server.tracking.is_on() {
        listeners.of_changes = true;
        listeners.has_copies = true;
    }
    listeners
}
