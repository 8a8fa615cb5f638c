//! Requests: their words, how they are found in a read buffer, and how they are written again.

mod args;
mod error;
mod inline;
mod owned;
mod parser;
mod quote;

pub use args::{Args, Words};
pub use error::ProtocolError;
pub use owned::{Request, RequestBuffer, begin_request, encode_request, encode_word, split_line};
pub use parser::{Limits, Parsed, Parser};
pub use quote::quote;

use args::Span;
