//! Whose turn it is to walk the keyspace: one at a time, as Redis has one child.

use parking_lot::{Condvar, Mutex};

/// What the keyspace is walked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A snapshot on disk that nobody waits for.
    Snapshot,
    /// One that a client waits for.
    Save,
    /// The base of the log.
    Rewrite,
}

/// Who may walk.
#[derive(Debug, Default)]
pub struct Turns {
    holder: Mutex<Option<Purpose>>,
    is_over: Condvar,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub struct Turn(&'static Turns);

impl Turns {
    /// What the keyspace is walked for now.
    pub fn holder(&self) -> Option<Purpose> {
        *self.holder.lock()
    }

    /// Begins a turn.
    ///
    /// # Errors
    /// What the keyspace is being walked for.
    pub fn try_take(&'static self, purpose: Purpose) -> Result<Turn, Purpose> {
        let mut holder = self.holder.lock();
        match *holder {
            Some(other) => Err(other),
            None => {
                *holder = Some(purpose);
                Ok(Turn(self))
            }
        }
    }

    /// Waits until a turn can begin.
    pub fn take(&'static self, purpose: Purpose) -> Turn {
        let mut holder = self.holder.lock();
        while holder.is_some() {
            self.is_over.wait(&mut holder);
        }
        *holder = Some(purpose);
        Turn(self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.holder.lock() = None;
        self.0.is_over.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_walks_at_a_time() {
        let turns: &'static Turns = Box::leak(Box::default());
        let turn = turns.try_take(Purpose::Rewrite).expect("nobody walks");
        assert_eq!(turns.holder(), Some(Purpose::Rewrite));
        let refused = turns.try_take(Purpose::Snapshot).map(|_| ());
        assert_eq!(refused, Err(Purpose::Rewrite));
        let waiting = std::thread::spawn(|| drop(turns.take(Purpose::Save)));
        drop(turn);
        waiting.join().expect("it gets its turn");
        assert_eq!(turns.holder(), None);
    }
}
