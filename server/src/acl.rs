//! Who may do what: users, their passwords, and the commands, keys and channels they may use.
//!
//! A user is shared by the connections that came in as it, so a change of its [`Rules`] holds for their next
//! command. A connection asks [`Login::is_unrestricted`] first, which is one load; whoever is restricted has
//! a bit for each command, and patterns for keys and channels.

mod allowed;
mod catalogue;
mod file;
mod log;
mod patterns;
mod rule;
mod rules;
mod selector;
mod user;

pub use catalogue::Catalogue;
pub use file::{Declared, LineError, save};
pub use log::{Context, Refusal};
pub use patterns::Naming;
pub use rule::{Basis, RuleError, has_space};
pub use rules::{Rules, SetError};
pub use selector::{Denied, Reason, Selector};
pub use user::{Login, User};

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::command::Table;

/// The user that every connection is at first.
pub const DEFAULT_USER: &[u8] = b"default";

/// Users by name, in the order of their bytes.
type Users = BTreeMap<Box<[u8]>, Arc<User>>;

/// All users.
#[derive(Debug)]
pub struct Acl {
    /// The commands that rules speak of.
    pub catalogue: Catalogue,
    /// What was not allowed.
    pub log: log::Log,
    users: RwLock<Users>,
    default: Arc<User>,
    /// Held while users change.
    changing: Mutex<()>,
}

impl Acl {
    /// The user `default` alone, who may do everything with the commands of that table.
    pub fn new(commands: &Table) -> Acl {
        let catalogue = Catalogue::new(commands);
        let basis = Basis {
            catalogue: &catalogue,
            gives_all_channels: false,
        };
        let default = Arc::new(User::new(DEFAULT_USER, Rules::of_default(&basis)));
        let users = Users::from([(DEFAULT_USER.into(), Arc::clone(&default))]);
        Acl {
            catalogue,
            log: log::Log::default(),
            users: RwLock::new(users),
            default,
            changing: Mutex::default(),
        }
    }

    /// The user of that name.
    pub fn user(&self, name: &[u8]) -> Option<Arc<User>> {
        self.users.read().get(name).cloned()
    }

    /// The user that every connection is at first.
    pub fn default_user(&self) -> &Arc<User> {
        &self.default
    }

    /// All users, in the order of their names.
    pub fn users(&self) -> Vec<Arc<User>> {
        self.users.read().values().cloned().collect()
    }

    /// The user of that name, if it may come in with that password.
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        let user = self.user(name)?;
        let is_admitted = user.rules().admits(password);
        is_admitted.then_some(user)
    }

    /// Gives the user `default` that password and no other; none at all if it is empty (`requirepass`).
    pub fn set_default_password(&self, password: &[u8]) {
        let _turn = self.changing.lock();
        let rule = match password {
            b"" => b"nopass".to_vec(),
            _ => [b">", password].concat(),
        };
        let mut rules = Rules::clone(&self.default.rules());
        for rule in [&b"resetpass"[..], &rule] {
            let applied = rules.apply(rule, &self.basis(false));
            debug_assert!(applied.is_ok());
        }
        self.default.set(rules);
    }

    /// What the meaning of rules depends on.
    pub fn basis(&self, gives_all_channels: bool) -> Basis<'_> {
        Basis {
            catalogue: &self.catalogue,
            gives_all_channels,
        }
    }

    /// Changes a user, or makes a new one: what has changed, if it was there.
    ///
    /// # Errors
    /// If one of the words is no rule; then nothing has changed.
    pub fn set(
        &self,
        name: &[u8],
        words: &[&[u8]],
        basis: &Basis<'_>,
    ) -> Result<Option<Changed>, SetError> {
        let _turn = self.changing.lock();
        let known = self.user(name);
        let mut rules = match &known {
            Some(user) => Rules::clone(&user.rules()),
            None => Rules::new(basis),
        };
        rules.apply_all(words, basis)?;
        let Some(user) = known else {
            self.add(name, rules);
            return Ok(None);
        };
        Ok(Some(Changed::make(user, rules)))
    }

    fn add(&self, name: &[u8], rules: Rules) {
        let user = Arc::new(User::new(name, rules));
        self.users.write().insert(name.into(), user);
    }

    /// Takes a user away. Whoever came in as it can do nothing from now on, and is to be closed.
    pub fn remove(&self, name: &[u8]) -> Option<Arc<User>> {
        let _turn = self.changing.lock();
        let user = self.users.write().remove(name)?;
        user.retire(Rules::new(&self.basis(false)));
        Some(user)
    }

    /// Puts other users in place of all there are. The user `default` stays in any case; if it is not among the
    /// others it is as it was made.
    pub fn replace(&self, mut declared: Declared, basis: &Basis<'_>) -> Replaced {
        let _turn = self.changing.lock();
        declared
            .entry(DEFAULT_USER.into())
            .or_insert_with(|| Rules::of_default(basis));
        let mut replaced = Replaced::default();
        for user in self.users() {
            match declared.remove(user.name()) {
                Some(rules) => replaced.changed.push(Changed::make(user, rules)),
                None => {
                    self.users.write().remove(user.name());
                    user.retire(Rules::new(&self.basis(false)));
                    replaced.gone.push(user);
                }
            }
        }
        for (name, rules) in declared {
            self.add(&name, rules);
        }
        replaced
    }
}

/// A user whose rules have changed.
#[derive(Debug)]
pub struct Changed {
    /// The user.
    pub user: Arc<User>,
    /// What it was before.
    pub before: Arc<Rules>,
}

impl Changed {
    fn make(user: Arc<User>, rules: Rules) -> Changed {
        let before = user.rules();
        user.set(rules);
        Changed { user, before }
    }
}

/// What became of the users when others took their place.
#[derive(Debug, Default)]
pub struct Replaced {
    /// Those who stay.
    pub changed: Vec<Changed>,
    /// Those who are gone, as by [`Acl::remove`].
    pub gone: Vec<Arc<User>>,
}
