//! What a command handler is written against: its arguments, its view of the server, its reply, and
//! the errors it may answer.

pub mod args;
pub mod ctx;
pub mod effects;
pub mod error;
pub mod picks;
pub mod reply;
pub mod scan;
pub mod table;
pub mod tags;
pub mod walk;

pub use args::Words;
pub use ctx::{Block, Call, Calls, Condition, Ctx, Nothing, Outcome, ScriptJob, Stir, Wanted};
pub use effects::Effects;
pub use error::Error;
pub use picks::{Choice, Picks};
pub use protocol::Args;
pub use reply::Reply;
pub use table::{Command, Table};
pub use walk::{NoValues, Stride, Walk};

/// What a handler gives back.
pub type Result<T = Outcome> = std::result::Result<T, Error>;
