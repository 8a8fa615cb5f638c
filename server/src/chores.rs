//! A bell for the background thread.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Rung when there is work that should not wait for the next tick.
#[derive(Debug, Default)]
pub struct Chores {
    is_rung: Mutex<bool>,
    bell: Condvar,
}

impl Chores {
    /// Wakes the background thread.
    pub fn ring(&self) {
        *self.is_rung.lock() = true;
        self.bell.notify_one();
    }

    /// Waits for the bell, `timeout` at most.
    pub fn wait(&self, timeout: Duration) {
        let mut is_rung = self.is_rung.lock();
        if !*is_rung {
            self.bell.wait_for(&mut is_rung, timeout);
        }
        *is_rung = false;
    }
}
