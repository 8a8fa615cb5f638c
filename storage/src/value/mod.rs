//! What keys hold.

pub mod bits;
pub mod geo;
pub mod hash;
pub mod hll;
pub mod intset;
mod limits;
pub mod list;
pub mod listpack;
mod long;
pub mod lzf;
mod members;
mod object;
pub mod set;
pub mod stream;
mod string;
pub mod zset;

pub use hash::Hash;
pub use intset::Intset;
pub use limits::Limits;
pub use list::List;
pub use listpack::{Item, Listpack, Needle};
pub use long::{Lent, Long, only_lent_bytes};
pub use members::{Members, Step};
pub use object::{Collection, Object, Spent};
pub use set::Set;
pub use stream::Stream;
pub use string::{Str, Value};
pub use zset::Zset;
