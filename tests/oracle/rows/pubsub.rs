//! Publish and subscribe, as far as each request has one reply.

use super::Arg::{Many, Maybe, OneOf, Value, Word};
use super::Compare::{Same, Sort};
use super::{Row, read};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    read(3, Same, &[OneOf(&["PUBLISH", "SPUBLISH"]), Value, Value]),
    read(1, Same, &[OneOf(&["UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"]), Maybe(&[Value])]),
    read(1, Sort, &[Word("PUBSUB"), OneOf(&["CHANNELS", "SHARDCHANNELS"]), Maybe(&[Value])]),
    read(1, Same, &[Word("PUBSUB"), OneOf(&["NUMSUB", "SHARDNUMSUB"]), Many(&[Value])]),
    read(1, Same, &[Word("PUBSUB"), OneOf(&["NUMPAT", "HELP", "NONE"]), Maybe(&[Value])]),
];
