//! What a handler sees: the connection it serves, the database, the reply, and the server.

use std::sync::Arc;

use protocol::{Args, Request};
use smallvec::SmallVec;
use storage::db::Db;
use storage::value::Limits;

use super::effects::Effects;
use super::reply::Reply;
use super::table::Entry;
use super::{Error, Result};
use crate::acl::{Login, User};
use crate::clients::{Client, State};
use crate::clock::Stopwatch;
use crate::script::functions::Policy;
use crate::script::library::{Draft, Library};
use crate::script::source::ScriptFlags;
use crate::script::{Origin, Source};
use crate::server::Server;
use crate::stats::Ending;
use crate::transaction::Local;

/// How a command ended.
#[derive(Debug)]
pub enum Outcome {
    /// It has replied.
    Done,
    /// It waits; the reply comes later.
    Block(Block),
    /// The queued commands are to be executed now, with their locks (`EXEC`).
    Execute,
    /// A script is to be run now, with the locks that are held.
    Script(ScriptJob),
    /// A script has replied with an error, which has been counted.
    Failed,
}

/// What is to be done with scripts.
#[derive(Debug)]
pub enum ScriptJob {
    /// Run a script (`EVAL`).
    Evaluate {
        /// The script.
        source: Arc<Source>,
        /// With what.
        call: Call,
        /// How it has come to be known, if it is new.
        origin: Option<Origin>,
    },
    /// Compile a script (`SCRIPT LOAD`).
    Load {
        /// The script.
        source: Arc<Source>,
    },
    /// Run a function of a library (`FCALL`).
    Call {
        /// The library.
        library: Arc<Library>,
        /// Which of its functions.
        index: usize,
        /// With what.
        call: Call,
    },
    /// Load a library (`FUNCTION LOAD`).
    LoadLibrary {
        /// The library.
        draft: Draft,
        /// What becomes of others.
        policy: Policy,
    },
    /// Load libraries (`FUNCTION RESTORE`).
    RestoreLibraries {
        /// The libraries.
        drafts: Vec<Draft>,
        /// What becomes of others.
        policy: Policy,
    },
}

/// With what a script is run.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The word of the request with the first key.
    pub keys_at: usize,
    /// How many keys.
    pub key_count: usize,
    /// It may not write, whatever it says itself.
    pub is_read_only: bool,
}

/// What a command waits for.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// When it gives up, in milliseconds since 1970; `None` waits for ever.
    pub deadline_ms: Option<i64>,
    /// What it waits for.
    pub condition: Condition,
}

impl Block {
    /// Whether it waits for keys.
    pub fn is_for_keys(&self) -> bool {
        matches!(self.condition, Condition::Keys { .. })
    }
}

/// The event that ends a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// What was taken out of the keyspace is freed (`FLUSHALL SYNC`).
    Freed,
    /// The snapshot of that number is written (`SAVE`).
    Saved(u64),
    /// More often than that the server could not be stopped (`SHUTDOWN`): there is no reply if it can.
    Running(u64),
    /// Nothing but the deadline: there are no replicas to acknowledge (`WAIT`).
    Replicas,
    /// The same; the reply tells whether the log is on disk up to this offset by then (`WAITAOF`).
    DurableOnReplicas(u64),
    /// The log is on disk up to this offset (`WAITAOF`).
    Durable(u64),
    /// One of the keys that the command has named is there (`BLPOP`).
    Keys {
        /// The number it waits under, which the executor gives.
        ticket: u64,
        /// What is answered when the time is over.
        timeout: Nothing,
    },
}

/// How a command says that there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// As no value.
    Nil,
    /// As no array.
    NilArray,
}

impl Nothing {
    /// Writes it.
    pub fn write(self, reply: &mut Reply<'_>) {
        match self {
            Nothing::Nil => reply.encoder().nil(),
            Nothing::NilArray => reply.encoder().nil_array(),
        }
    }
}

/// What ends the wait of a command that waits for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The type that a key must be of, as `TYPE` names it.
    pub type_name: &'static str,
    /// What else ends it.
    pub stir: Stir,
    /// What is answered when the time is over, or at once where nothing may wait.
    pub timeout: Nothing,
}

/// Whether a wait for keys ends only when one is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stir {
    /// It does.
    WithKey,
    /// Also when one has gone, or holds another type now (`XREADGROUP`: with it goes the group).
    AlsoWithoutKey,
}

/// The context of one command.
pub struct Ctx<'a> {
    /// The server and its parts.
    pub server: &'static Server,
    /// The connection, as everybody may see it.
    pub client: &'a Arc<Client>,
    /// The connection's own: queued commands and watched keys.
    pub local: &'a mut Local,
    /// The selected database, at this moment.
    pub db: Db<'static>,
    /// The reply.
    pub reply: Reply<'a>,
    /// What goes into the log instead of the request.
    pub effects: Effects,
    /// The command that runs.
    pub entry: &'static Entry,
    /// The clocks at some moment since the command was read.
    pub stopwatch: Stopwatch,
    /// Whether it runs inside `EXEC`.
    pub is_in_exec: bool,
    /// What it waits for, with the keys: see [`Ctx::wait_for_keys`].
    pub wanted: Option<(Wanted, Vec<Box<[u8]>>)>,
    /// The request that is carried out when the wait is over, if not the one that was sent.
    pub again: Option<Request>,
    /// Commands that a script has called, to be counted.
    pub calls: Calls,
}

/// Commands that were called: (id, nanoseconds, how it ended).
pub type Calls = SmallVec<[(usize, u64, Ending); 4]>;

impl Ctx<'_> {
    /// Now, in milliseconds since 1970; stands still while a command or transaction runs.
    pub fn now_ms(&self) -> i64 {
        self.db.moment.now_ms
    }

    /// Whether the log is replayed: what it holds was allowed once, whatever the limits are now.
    pub fn is_replay(&self) -> bool {
        self.client.is(State::REPLAY)
    }

    /// Whether anybody will see what stands in [`Ctx::effects`].
    pub fn is_logged(&self) -> bool {
        self.server.log.is_on()
    }

    /// Whether the user may read any key there is with that request.
    pub fn may_read_all_keys(&mut self, args: &Args<'_>) -> bool {
        match &mut self.local.login {
            Some(login) if !login.is_unrestricted() => {
                login.rules().may_read_all_keys(self.entry, args)
            }
            _ => true,
        }
    }

    /// Lets the connection in as that user, or leaves it outside as one that it may not be yet.
    pub fn become_user(&mut self, user: Arc<User>, is_in: bool) {
        self.client.set_user(Arc::clone(&user));
        self.client.set(State::AUTHENTICATED, is_in);
        // Who takes a user away closes the connections it has after that: one of the two sees the other.
        if user.is_gone() {
            self.client.set(State::CLOSE_AFTER_REPLY, true);
        }
        self.local.login = Some(Login::new(user));
    }

    /// Lets the command wait until one of the keys is there or the deadline, in milliseconds since 1970, is over.
    ///
    /// When a key changes, the same request is carried out again, under the locks of whoever has changed it. Where
    /// nothing may wait (in a transaction) the answer is given at once.
    pub fn wait_for_keys<'a>(
        &mut self,
        wanted: Wanted,
        keys: impl Iterator<Item = &'a [u8]>,
        deadline_ms: Option<i64>,
    ) -> Result {
        let timeout = wanted.timeout;
        if self.is_in_exec || self.is_replay() {
            timeout.write(&mut self.reply);
            return Ok(Outcome::Done);
        }
        self.wanted = Some((wanted, keys.map(Box::from).collect()));
        let condition = Condition::Keys { ticket: 0, timeout };
        Ok(Outcome::Block(Block {
            deadline_ms,
            condition,
        }))
    }

    /// Refuses a script when memory is short, unless it says that it needs none, or says nothing at all.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or [`Error::ScriptNeedsMemory`] in a transaction.
    pub fn check_script_memory(&self, flags: Option<ScriptFlags>) -> Result<()> {
        let needs_none = ScriptFlags::ALLOW_OOM | ScriptFlags::NO_WRITES;
        let may_need = flags.is_some_and(|flags| !flags.intersects(needs_none));
        if !may_need || self.is_replay() || !self.server.is_out_of_memory() {
            return Ok(());
        }
        Err(match self.is_in_exec {
            true => Error::ScriptNeedsMemory,
            false => Error::OutOfMemory,
        })
    }

    /// Refuses a script that says it may write to a command that must not.
    ///
    /// # Errors
    /// [`Error::ScriptMayWrite`]
    pub fn check_script(&self, flags: Option<ScriptFlags>, call: Call) -> Result<()> {
        let may_write = flags.is_some_and(|flags| !flags.contains(ScriptFlags::NO_WRITES));
        match call.is_read_only && may_write {
            true => Err(Error::ScriptMayWrite),
            false => Ok(()),
        }
    }

    /// Up to where collections are packed.
    #[inline]
    pub fn limits(&mut self) -> Limits {
        self.local.habits.of(&self.server.settings).packing
    }

    /// The command's name in lower case, as error texts have it.
    pub fn command_name(&self) -> &'static str {
        &self.entry.full_name
    }
}
