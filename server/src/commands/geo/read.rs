//! Where members are, and how far from each other.

use protocol::Encoder;
use protocol::number::LongDouble;
use storage::value::Zset;
use storage::value::geo::Position;

use super::{GEO, distance_text, unit_meters};
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const GEOPOS: Command = Spec {
    name: "GEOPOS",
    usage: "key [member...]",
    summary: "Returns the longitude and latitude of members from a geospatial index.",
    since: "3.2.0",
    complexity: "O(1) for each member requested.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..GEO
}
.run(geopos);
fn geopos(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    each(cx, args, |out, position| match position {
        Some(position) => write_position(out, position),
        None => out.nil_array(),
    })
}

pub(super) const GEOHASH: Command = Spec {
    name: "GEOHASH",
    usage: "key [member...]",
    summary: "Returns members from a geospatial index as geohash strings.",
    since: "3.2.0",
    complexity: "O(1) for each member requested.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..GEO
}
.run(geohash);
fn geohash(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    each(cx, args, |out, position| match position {
        Some(position) => out.bulk(&position.geohash()),
        None => out.nil(),
    })
}

/// Writes something for each member named.
fn each(
    cx: &mut Ctx<'_>,
    args: &Args<'_>,
    write: impl Fn(&mut Encoder<'_>, Option<Position>),
) -> Result {
    let members = args.from(2);
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    let out = cx.reply.array(members.len());
    for member in members.iter() {
        let score = zset.and_then(|zset| zset.score(member));
        write(out, score.map(Position::of_score));
    }
    Ok(Outcome::Done)
}

/// Writes longitude and latitude.
pub(super) fn write_position(out: &mut Encoder<'_>, position: Position) {
    out.array(2);
    out.long_double(LongDouble::from(position.longitude));
    out.long_double(LongDouble::from(position.latitude));
}

pub(super) const GEODIST: Command = Spec {
    name: "GEODIST",
    usage: "key member1 member2 [unit(M | KM | FT | MI)]",
    summary: "Returns the distance between two members of a geospatial index.",
    since: "3.2.0",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..GEO
}
.run(geodist);
fn geodist(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let unit = match args.len() {
        4 => 1.0,
        5 => unit_meters(args.word(4)?)?,
        _ => return Err(Error::Syntax),
    };
    let (one, other) = (args.word(2)?, args.word(3)?);
    let zset = cx.db.read_as::<Zset>(args.key(1)?)?;
    let scores = zset.and_then(|zset| Some((zset.score(one)?, zset.score(other)?)));
    match scores {
        None => cx.reply.nil(),
        Some((one, other)) => {
            let distance = Position::of_score(one).distance(Position::of_score(other));
            cx.reply.bulk(distance_text(distance / unit).as_bytes())
        }
    }
}
