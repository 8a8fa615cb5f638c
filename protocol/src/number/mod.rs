//! How Redis reads and prints numbers.

mod big;
mod float;
mod integer;
mod literal;
mod long_double;
mod powers;

pub use float::{FloatText, format_f64, format_long_f64, format_short_f64, parse_c_f64, parse_f64};
pub use integer::{parse_i64, parse_u64, with_digits, write_i64};
pub use long_double::{LongDouble, parse_long_double};

pub(crate) use integer::{HEADER_MAX_BYTES, write_header, write_line};
