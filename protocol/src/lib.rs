//! RESP2 and RESP3: bytes to requests, replies to bytes.
//!
//! [`Parser`] finds the words of a request in a connection's read buffer, [`Encoder`] writes
//! replies into its [`Output`], and [`number`] knows how Redis reads and prints numbers.
//! Nothing here knows a command, a key, a client or a clock, and nothing reads or writes a socket.

#![forbid(unsafe_code)]

pub mod number;
pub mod reply;
pub mod request;

pub use reply::{Chunk, Encoder, Mark, Meter, Output, SHARE_FROM_BYTES, Tally, Version};
pub use request::{
    Args, Limits, Parsed, Parser, ProtocolError, Request, RequestBuffer, begin_request,
    encode_request, encode_word, quote, split_line,
};
