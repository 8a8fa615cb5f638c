//! HyperLogLogs, sparse and dense, and what only looks like one.

use super::Arg::{Burst, Exact, Key, Many, Maybe, Member, OneOf, Value, Word};
use super::Compare::Same;
use super::{Row, read, write};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(20, &[Word("PFADD"), Key, Burst(&[Member])]),
    write(10, &[Word("PFADD"), Key, Burst(&[Value])]),
    write(4, &[Word("PFADD"), Key, Maybe(&[Member])]),
    read(12, Same, &[Word("PFCOUNT"), Many(&[Key])]),
    write(8, &[Word("PFMERGE"), Key, Maybe(&[Many(&[Key])])]),
    // The bytes themselves: the encoding and the remembered count are Redis' own.
    read(10, Same, &[Word("GET"), Key]),
    read(2, Same, &[Word("PFDEBUG"), OneOf(&["ENCODING", "DECODE", "x"]), Key]),
    write(1, &[Word("PFDEBUG"), OneOf(&["TODENSE", "GETREG"]), Key]),
    // The name, the encoding and the remembered count: registers that were tampered with are found out
    // at another moment.
    write(1, &[Word("SETRANGE"), Key, Exact(&["0", "3", "4", "8", "15"]), Exact(&["A", "H", "\u{7f}"])]),
    write(1, &[Word("SET"), Key, Exact(&["HYLL"])]),
    write(2, &[Word("DEL"), Key]),
];
