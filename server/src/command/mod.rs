//! What a command handler is written against: its arguments, its view of the server, its reply, and
//! the errors it may answer.

pub mod args;
pub mod ctx;
pub mod effects;
pub mod error;
pub mod reply;
pub mod scan;
pub mod table;
pub mod tags;

pub use args::Words;
pub use ctx::{Block, Condition, Ctx, Nothing, Outcome, Stir, Wanted};
pub use effects::Effects;
pub use error::Error;
pub use protocol::Args;
pub use reply::Reply;
pub use table::{Command, Table};

/// What a handler gives back.
pub type Result<T = Outcome> = std::result::Result<T, Error>;
