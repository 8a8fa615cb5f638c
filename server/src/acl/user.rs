//! A user, shared by all connections that came in as it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

use super::rules::Rules;

/// A user. Its name stays; what it may do changes for all who came in as it, at once.
#[derive(Debug)]
pub struct User {
    name: Box<[u8]>,
    rules: RwLock<Arc<Rules>>,
    /// Counts changes of the rules.
    version: AtomicU64,
    is_unrestricted: AtomicBool,
    is_gone: AtomicBool,
}

impl User {
    /// A user of that name.
    pub fn new(name: &[u8], rules: Rules) -> User {
        User {
            name: name.into(),
            is_unrestricted: AtomicBool::new(rules.is_unrestricted()),
            rules: RwLock::new(Arc::new(rules)),
            version: AtomicU64::new(0),
            is_gone: AtomicBool::new(false),
        }
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What it is and may do now.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read())
    }

    /// Whether it is one that anybody may come in as, without a password.
    pub fn is_open(&self) -> bool {
        let rules = self.rules.read();
        rules.is_on() && rules.needs_no_password()
    }

    /// Changes what it is and may do.
    pub(super) fn set(&self, rules: Rules) {
        let is_unrestricted = rules.is_unrestricted();
        let mut current = self.rules.write();
        *current = Arc::new(rules);
        self.version.fetch_add(1, Ordering::Release);
        self.is_unrestricted
            .store(is_unrestricted, Ordering::Release);
    }

    /// Ends it: whoever came in as it may do nothing more until the connection is closed.
    pub(super) fn retire(&self, nothing: Rules) {
        self.set(nothing);
        self.is_gone.store(true, Ordering::SeqCst);
    }

    /// Whether there is no such user any more.
    pub fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::SeqCst)
    }

    /// The line of a file that describes it, without its first word and without its end: `name on nopass …`.
    pub fn describe(&self) -> Vec<u8> {
        [&self.name, &b" "[..], &self.rules().describe()].concat()
    }
}

/// A user as the connection itself knows it: with the rules at hand.
#[derive(Debug)]
pub struct Login {
    user: Arc<User>,
    rules: Arc<Rules>,
    version: u64,
}

impl Login {
    /// A connection that has come in as that user.
    pub fn new(user: Arc<User>) -> Login {
        // Before the rules, so that a change in between is seen as one.
        let version = user.version.load(Ordering::Acquire);
        let rules = user.rules();
        Login {
            user,
            rules,
            version,
        }
    }

    /// Whether it may do everything: one load.
    #[inline]
    pub fn is_unrestricted(&self) -> bool {
        self.user.is_unrestricted.load(Ordering::Acquire)
    }

    /// What it may do now.
    #[inline]
    pub fn rules(&mut self) -> &Rules {
        if self.user.version.load(Ordering::Acquire) != self.version {
            *self = Login::new(Arc::clone(&self.user));
        }
        &self.rules
    }
}
