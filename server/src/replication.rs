//! Who we are to replicas: a primary that has none.

use parking_lot::Mutex;

/// The identity of the data set, as replicas would ask for it.
#[derive(Debug)]
pub struct Replication {
    id: Mutex<String>,
}

impl Default for Replication {
    fn default() -> Self {
        Replication {
            id: Mutex::new(random_id()),
        }
    }
}

impl Replication {
    /// 40 hexadecimal digits (`master_replid`).
    pub fn id(&self) -> String {
        self.id.lock().clone()
    }

    /// Takes another identity, so that nobody can go on where they were (`DEBUG CHANGE-REPL-ID`).
    pub fn change_id(&self) {
        *self.id.lock() = random_id();
    }
}

/// 40 hexadecimal digits by chance.
pub fn random_id() -> String {
    (0..40)
        .map(|_| char::from_digit(fastrand::u32(..16), 16).unwrap_or('0'))
        .collect()
}
