//! Replies: written value by value, and kept until they are on their way.

mod encoder;
mod output;
mod tally;

pub use encoder::{Encoder, Version};
pub use output::{Chunk, Chunks, Mark, Output, SHARE_FROM_BYTES};
pub use tally::{Meter, Tally};
