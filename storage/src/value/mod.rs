//! What keys hold.

mod string;

pub use string::{Str, Value};
