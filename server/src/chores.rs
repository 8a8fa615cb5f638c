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
        let was_rung = std::mem::replace(&mut *self.is_rung.lock(), true);
        if !was_rung {
            self.bell.notify_one();
        }
    }

    /// Waits for the bell, `timeout` at most; whether it was rung.
    pub fn wait(&self, timeout: Duration) -> bool {
        let mut is_rung = self.is_rung.lock();
        if !*is_rung {
            self.bell.wait_for(&mut is_rung, timeout);
        }
        std::mem::take(&mut *is_rung)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_rung_before_is_heard_once() {
        let chores = Chores::default();
        chores.ring();
        chores.ring();
        assert!(chores.wait(Duration::from_secs(60)));
        assert!(!chores.wait(Duration::ZERO));
    }
}
