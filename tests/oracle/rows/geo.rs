//! Places.

use super::Arg::{
    Count, Distance, Key, KeyOf, Latitude, Longitude, Many, Maybe, Member, One, OneOf, Soup, Word,
};
use super::Compare::Same;
use super::{Arg, Pool, Row, read, write};

const UNIT: Arg = OneOf(&["m", "km", "km", "mi", "ft", "x"]);

const ADD: &[&[Arg]] = &[&[Word("NX")], &[Word("XX")], &[Word("CH")]];

const FROM: Arg = One(&[
    &[Word("FROMLONLAT"), Longitude, Latitude],
    &[Word("FROMMEMBER"), Member],
]);

const BY: Arg = One(&[
    &[Word("BYRADIUS"), Distance, UNIT],
    &[Word("BYBOX"), Distance, Distance, UNIT],
]);

const SHOW: &[&[Arg]] = &[
    &[Word("WITHCOORD")],
    &[Word("WITHDIST")],
    &[Word("WITHHASH")],
    &[Word("COUNT"), Count],
    &[Word("COUNT"), Count, Word("ANY")],
    &[Word("ASC")],
    &[Word("DESC")],
];

const CHOOSE: &[&[Arg]] = &[
    &[Word("COUNT"), Count],
    &[Word("COUNT"), Count, Word("ANY")],
    &[Word("ASC")],
    &[Word("DESC")],
    &[Word("STOREDIST")],
];

const STORE: &[&[Arg]] = &[
    &[Word("STORE"), Key],
    &[Word("STOREDIST"), Key],
    &[Word("COUNT"), Count],
    &[Word("ASC")],
    &[Word("WITHDIST")],
];

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    write(20, &[Word("GEOADD"), Key, Many(&[Longitude, Latitude, Member])]),
    write(8, &[Word("GEOADD"), Key, Soup(ADD), Longitude, Latitude, Member]),
    read(8, Same, &[Word("GEODIST"), Key, Member, Member, Maybe(&[UNIT])]),
    read(6, Same, &[Word("GEOHASH"), Key, Many(&[Member])]),
    read(6, Same, &[Word("GEOPOS"), Key, Many(&[Member])]),
    read(10, Same, &[Word("GEOSEARCH"), Key, Word("FROMLONLAT"), Longitude, Latitude, Word("BYRADIUS"), Distance, UNIT, Soup(SHOW)]),
    read(8, Same, &[Word("GEOSEARCH"), Key, Word("FROMMEMBER"), Member, Word("BYBOX"), Distance, Distance, UNIT, Soup(SHOW)]),
    read(4, Same, &[Word("GEOSEARCH"), Key, FROM, BY, Soup(SHOW)]),
    write(5, &[Word("GEOSEARCHSTORE"), Key, Key, Word("FROMMEMBER"), Member, Word("BYRADIUS"), Distance, UNIT, Soup(CHOOSE)]),
    write(3, &[Word("GEOSEARCHSTORE"), Key, Key, FROM, BY, Soup(CHOOSE)]),
    read(4, Same, &[OneOf(&["GEORADIUS", "GEORADIUS_RO"]), Key, Longitude, Latitude, Distance, UNIT, Soup(SHOW)]),
    read(4, Same, &[OneOf(&["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"]), Key, Member, Distance, UNIT, Soup(SHOW)]),
    write(3, &[OneOf(&["GEORADIUS", "GEORADIUS_RO"]), Key, Longitude, Latitude, Distance, UNIT, Soup(STORE)]),
    write(3, &[OneOf(&["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"]), Key, Member, Distance, UNIT, Soup(STORE)]),
    write(3, &[Word("ZREM"), Key, Many(&[Member])]),
    read(3, Same, &[Word("ZRANGE"), Key, Word("0"), Word("-1"), Word("WITHSCORES")]),
    read(2, Same, &[Word("GEOPOS"), KeyOf(Pool::Zset), Many(&[Member])]),
];
