//! Keys: few of each type, so that commands meet.

use fastrand::Rng;

use super::pick;
use crate::oracle::rows::Pool;

impl Pool {
    fn keys(self) -> &'static [&'static [u8]] {
        match self {
            Pool::String => &[
                b"a",
                b"b",
                b"c",
                b"d",
                b"key:1",
                b"key:2",
                b"{t}1",
                b"{t}2",
                b"",
                b"\0\xff\r\n",
                b"a\\*[b]?",
            ],
            Pool::Bitmap => &[b"bits:1", b"bits:2", b"bits:3"],
            Pool::Hll => &[b"hll:1", b"hll:2", b"hll:3"],
            Pool::List => &[b"list:1", b"list:2", b"list:3", b"list:4"],
            Pool::Hash => &[b"hash:1", b"hash:2", b"hash:3", b"hash:4"],
            Pool::Set => &[b"set:1", b"set:2", b"set:3", b"set:4", b"set:5"],
            Pool::Zset => &[b"zset:1", b"zset:2", b"zset:3", b"zset:4"],
            Pool::Lex => &[
                b"lex:1",
                b"lex:2",
                b"lex:3",
                b"lex:1",
                b"lex:2",
                b"lex:list",
            ],
            Pool::Geo => &[b"geo:1", b"geo:2"],
            Pool::Stream => &[b"stream:1", b"stream:2", b"stream:3"],
            Pool::Sort => &[b"sort:list", b"sort:set", b"sort:zset", b"sort:words"],
        }
    }
}

/// A key of `home`, but now and then one of another of `pools`, or one that is never written.
pub(super) fn key(home: Pool, pools: &[Pool], rng: &mut Rng) -> Vec<u8> {
    match rng.u32(..100) {
        // Members of several scores have no order, so those who ask for it do not meet them.
        0..=3 if home == Pool::Lex => b"lex:none".to_vec(),
        0 => vec![b'k'; 300],
        1..=3 => b"none".to_vec(),
        4..=6 if home != Pool::Lex => pick(pools[rng.usize(..pools.len())].keys(), rng).to_vec(),
        _ => pick(home.keys(), rng).to_vec(),
    }
}
