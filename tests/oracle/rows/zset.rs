//! Sorted sets.

use super::Arg::{
    Burst, Count, Exact, Index, Integer, Key, KeyOf, LexBound, Many, Maybe, Member, Numbered,
    OneOf, Pattern, Picks, Score, ScoreBound, Soup, Word,
};
use super::Compare::{Random, Same, Scan, Sort};
use super::{Arg, Pool, Row, read, write};

const ADD: &[&[Arg]] = &[
    &[Word("NX")],
    &[Word("XX")],
    &[Word("GT")],
    &[Word("LT")],
    &[Word("CH")],
    &[Word("INCR")],
];

const RANGE: &[&[Arg]] = &[
    &[Word("REV")],
    &[Word("WITHSCORES")],
    &[Word("LIMIT"), Index, Index],
    &[Word("REV"), Word("WITHSCORES")],
];

const LIMIT: &[&[Arg]] = &[&[Word("WITHSCORES")], &[Word("LIMIT"), Index, Index]];

const MERGE: &[&[Arg]] = &[
    &[Word("AGGREGATE"), OneOf(&["SUM", "MIN", "MAX", "x"])],
    &[Word("WEIGHTS"), Score, Score],
    &[Word("WITHSCORES")],
];

const STORE: &[&[Arg]] = &[
    &[Word("AGGREGATE"), OneOf(&["SUM", "MIN", "MAX", "x"])],
    &[Word("WEIGHTS"), Score, Score],
];

/// Keys whose members all have the same score: for others a range of members is not defined, and in
/// Redis the skip list's random levels decide.
const LEX: Arg = KeyOf(Pool::Lex);

const SCAN: &[&[Arg]] = &[&[Word("MATCH"), Pattern], &[Word("COUNT"), Count]];

const END: Arg = OneOf(&["MIN", "MAX", "MIN", "MAX", "x"]);

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(25, &[Word("ZADD"), Key, Many(&[Score, Member])]),
    write(6, &[Word("ZADD"), Key, Burst(&[Score, Member])]),
    write(8, &[Word("ZADD"), LEX, Burst(&[Word("0"), Member])]),
    write(1, &[Word("RPUSH"), Exact(&["lex:list"]), Member]),
    write(1, &[Word("RENAME"), LEX, LEX]),
    write(1, &[Word("DEL"), LEX]),
    write(10, &[Word("ZADD"), Key, Soup(ADD), Many(&[Score, Member])]),
    write(6, &[Word("ZADD"), Key, Soup(ADD), Score, Member]),
    write(8, &[Word("ZINCRBY"), Key, Score, Member]),
    write(8, &[Word("ZREM"), Key, Many(&[Member])]),
    read(6, Same, &[Word("ZSCORE"), Key, Member]),
    read(6, Same, &[Word("ZMSCORE"), Key, Many(&[Member])]),
    read(3, Same, &[Word("ZCARD"), Key]),
    read(8, Same, &[OneOf(&["ZRANK", "ZREVRANK"]), Key, Member, Maybe(&[OneOf(&["WITHSCORE", "WITHSCORE", "x"])])]),
    read(5, Same, &[Word("ZCOUNT"), Key, ScoreBound, ScoreBound]),
    read(5, Same, &[Word("ZLEXCOUNT"), LEX, LexBound, LexBound]),
    read(8, Same, &[Word("ZRANGE"), Key, Index, Index, Soup(RANGE)]),
    read(3, Same, &[Word("ZRANGE"), Key, Word("0"), Word("-1"), Word("WITHSCORES")]),
    read(8, Same, &[Word("ZRANGE"), Key, ScoreBound, ScoreBound, Word("BYSCORE"), Soup(RANGE)]),
    read(8, Same, &[Word("ZRANGE"), LEX, LexBound, LexBound, Word("BYLEX"), Soup(RANGE)]),
    read(3, Same, &[Word("ZREVRANGE"), Key, Index, Index, Maybe(&[Word("WITHSCORES")])]),
    read(6, Same, &[OneOf(&["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]), Key, ScoreBound, ScoreBound, Soup(LIMIT)]),
    read(6, Same, &[OneOf(&["ZRANGEBYLEX", "ZREVRANGEBYLEX"]), LEX, LexBound, LexBound, Soup(&[&[Word("LIMIT"), Index, Index]])]),
    write(3, &[Word("ZRANGESTORE"), Key, Key, Index, Index, Maybe(&[Word("REV")])]),
    write(3, &[Word("ZRANGESTORE"), Key, Key, ScoreBound, ScoreBound, Word("BYSCORE"), Soup(RANGE)]),
    write(3, &[Word("ZRANGESTORE"), LEX, LEX, LexBound, LexBound, Word("BYLEX"), Soup(RANGE)]),
    write(3, &[Word("ZREMRANGEBYSCORE"), Key, ScoreBound, ScoreBound]),
    write(3, &[Word("ZREMRANGEBYLEX"), LEX, LexBound, LexBound]),
    write(3, &[Word("ZREMRANGEBYRANK"), Key, Index, Index]),
    write(6, &[OneOf(&["ZPOPMIN", "ZPOPMAX"]), Key, Maybe(&[Count])]),
    write(6, &[Word("ZMPOP"), Numbered(&[Key]), END, Maybe(&[Word("COUNT"), Count])]),
    read(6, Random, &[Word("ZRANDMEMBER"), Key, Maybe(&[Picks, Maybe(&[OneOf(&["WITHSCORES", "WITHSCORES", "x"])])])]),
    read(6, Same, &[OneOf(&["ZUNION", "ZINTER"]), Numbered(&[Key]), Soup(MERGE)]),
    read(6, Same, &[OneOf(&["ZUNION", "ZINTER"]), Word("2"), Key, Key, Soup(MERGE)]),
    read(2, Same, &[OneOf(&["ZUNION", "ZINTER"]), Word("2"), Key, KeyOf(Pool::Set), Soup(MERGE)]),
    read(4, Same, &[Word("ZDIFF"), Numbered(&[Key]), Maybe(&[Word("WITHSCORES")])]),
    read(4, Same, &[Word("ZINTERCARD"), Numbered(&[Key]), Maybe(&[Word("LIMIT"), Count])]),
    write(5, &[OneOf(&["ZUNIONSTORE", "ZINTERSTORE"]), Key, Numbered(&[Key]), Soup(STORE)]),
    write(5, &[OneOf(&["ZUNIONSTORE", "ZINTERSTORE"]), Key, Word("2"), Key, Key, Soup(STORE)]),
    write(3, &[OneOf(&["ZUNIONSTORE", "ZINTERSTORE"]), Key, Word("2"), Key, KeyOf(Pool::Set), Soup(STORE)]),
    write(3, &[Word("ZDIFFSTORE"), Key, Numbered(&[Key])]),
    read(5, Scan, &[Word("ZSCAN"), Key, Word("0"), Soup(SCAN)]),
    read(1, Sort, &[Word("ZSCAN"), Key, Integer]),
];
