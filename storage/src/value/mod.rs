//! What keys hold.

mod long;
mod string;

pub use long::{Lent, Long, only_lent_bytes};
pub use string::{Str, Value};
