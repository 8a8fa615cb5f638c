//! The commands that take sorted sets for places on earth.

mod add;
mod read;
mod search;
mod shape;
mod sort;

use protocol::number::parse_f64;
use storage::value::geo::Position;

use crate::command::{Args, Command, Error, Result, Words};
use crate::spec::{Group, Spec, acl};

/// The family.
pub const COMMANDS: &[Command] = &[
    add::GEOADD,
    read::GEODIST,
    read::GEOHASH,
    read::GEOPOS,
    search::GEORADIUS,
    search::GEORADIUS_RO,
    search::GEORADIUSBYMEMBER,
    search::GEORADIUSBYMEMBER_RO,
    search::GEOSEARCH,
    search::GEOSEARCHSTORE,
];

const GEO: Spec = Spec {
    group: Group::Geo,
    acl: acl!(GEO),
    ..Spec::EMPTY
};

/// The longitude at `index` and the latitude behind it.
///
/// # Errors
/// [`Error::NotFloat`], or [`Error::NoPlace`] if they are not on the map.
fn position(args: &Args<'_>, index: usize) -> Result<Position> {
    let degrees = |index| parse_f64(args.word(index)?).ok_or(Error::NotFloat);
    let position = Position {
        longitude: degrees(index)?,
        latitude: degrees(index + 1)?,
    };
    if position.is_valid() {
        return Ok(position);
    }
    Err(Error::NoPlace {
        longitude: position.longitude,
        latitude: position.latitude,
    })
}

/// The metres of a unit of length.
///
/// # Errors
/// [`Error::NoUnit`] if it is none of the four.
fn unit_meters(word: &[u8]) -> Result<f64> {
    const UNITS: [(&[u8], f64); 4] = [
        (b"m", 1.0),
        (b"km", 1000.0),
        (b"ft", 0.3048),
        (b"mi", 1609.34),
    ];
    let mut units = UNITS.iter();
    units
        .find(|(name, _)| word.eq_ignore_ascii_case(name))
        .map(|&(_, meters)| meters)
        .ok_or(Error::NoUnit)
}

/// The text of a distance: four digits behind the point, whatever they are.
///
/// *Source:* `fixedpoint_d2string` of Redis, which rounds halves to even.
fn distance_text(distance: f64) -> String {
    let scaled = (distance * 10_000.0).round_ties_even() as i64;
    format!("{}.{:04}", scaled / 10_000, scaled % 10_000)
}
