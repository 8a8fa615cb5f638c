//! What a handler sees: the connection it serves, the database, the reply, and the server.

use std::sync::Arc;

use storage::db::Db;
use storage::value::Limits;

use super::effects::Effects;
use super::reply::Reply;
use super::table::Entry;
use crate::clients::{Client, State};
use crate::server::Server;
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
}

/// What a command waits for.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// When it gives up, in milliseconds since 1970; `None` waits for ever.
    pub deadline_ms: Option<i64>,
    /// What it waits for.
    pub condition: Condition,
}

/// The event that ends a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// What was taken out of the keyspace is freed (`FLUSHALL SYNC`).
    Freed,
    /// Nothing but the deadline: there are no replicas to acknowledge (`WAIT`).
    Replicas,
    /// The same; the reply tells whether the log is on disk up to this offset by then (`WAITAOF`).
    DurableOnReplicas(u64),
    /// The log is on disk up to this offset (`WAITAOF`).
    Durable(u64),
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
    /// Whether it runs inside `EXEC`.
    pub is_in_exec: bool,
}

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

    /// Up to where collections are packed.
    pub fn limits(&self) -> Limits {
        self.server.settings.packing_limits()
    }

    /// The command's name in lower case, as error texts have it.
    pub fn command_name(&self) -> &'static str {
        &self.entry.full_name
    }
}
