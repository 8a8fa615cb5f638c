//! Places on earth as scores of a sorted set.
//!
//! A place is a number of 52 bits in which 26 bits of longitude and 26 of latitude alternate, so that
//! what lies in one rectangle of a grid lies in one range of scores, however fine the grid. A search covers its
//! area by one rectangle and those around it, of the grid whose rectangles are just large enough.
//! *Source:* `geohash.c`, `geohash_helper.c` and `geo.c` of Redis, whose arithmetic this is step by step: results
//! and even their order must be the same.

use std::f64::consts::PI;

/// The most that a longitude may be, in degrees either way.
pub const MOST_LONGITUDE: f64 = 180.0;
/// The most that a latitude may be, in degrees either way: the square of Web Mercator ends there.
pub const MOST_LATITUDE: f64 = 85.051_128_78;

const EARTH_RADIUS_METERS: f64 = 6_372_797.560_856;
/// Half of the equator on Web Mercator.
const MERCATOR_METERS: f64 = 20_037_726.37;
/// Bits of longitude, and of latitude, in a score.
const STEPS: u32 = 26;
/// Bits of latitude where longitude alternates with it.
const EVEN: u64 = 0x5555_5555_5555_5555;
const ODD: u64 = !EVEN;

/// A place, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// East of Greenwich.
    pub longitude: f64,
    /// North of the equator.
    pub latitude: f64,
}

impl Position {
    /// Whether it can be a score.
    pub fn is_valid(self) -> bool {
        self.longitude.abs() <= MOST_LONGITUDE && self.latitude.abs() <= MOST_LATITUDE
    }

    /// The score that stands for it.
    pub fn score(self) -> f64 {
        Cell::of(self, STEPS).bits as f64
    }

    /// The middle of what a score stands for; any score stands for something.
    pub fn of_score(score: f64) -> Position {
        let cell = Cell {
            bits: truncated(score),
            steps: STEPS,
        };
        let area = cell.area();
        let middle = |low: f64, high: f64, most: f64| ((low + high) / 2.0).clamp(-most, most);
        Position {
            longitude: middle(area.west, area.east, MOST_LONGITUDE),
            latitude: middle(area.south, area.north, MOST_LATITUDE),
        }
    }

    /// Metres to another place, on a sphere.
    pub fn distance(self, other: Position) -> f64 {
        let sine = ((radians(other.longitude) - radians(self.longitude)) / 2.0).sin();
        if sine == 0.0 {
            return self.distance_north(other);
        }
        let (south, north) = (radians(self.latitude), radians(other.latitude));
        let rise = ((north - south) / 2.0).sin();
        let chord = rise * rise + south.cos() * north.cos() * sine * sine;
        2.0 * EARTH_RADIUS_METERS * chord.sqrt().asin()
    }

    /// Metres along a meridian to the latitude of another place.
    fn distance_north(self, other: Position) -> f64 {
        EARTH_RADIUS_METERS * (radians(other.latitude) - radians(self.latitude)).abs()
    }

    /// The eleven characters by which geohash.org names it.
    pub fn geohash(self) -> [u8; 11] {
        const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = interleave(
            scaled(self.latitude, 90.0, STEPS),
            scaled(self.longitude, MOST_LONGITUDE, STEPS),
        );
        // 52 bits are ten characters and a bit; Redis makes a zero of the eleventh.
        let mut text = [ALPHABET[0]; 11];
        for (at, character) in text[..10].iter_mut().enumerate() {
            *character = ALPHABET[(bits >> (47 - 5 * at)) as usize & 0x1f];
        }
        text
    }
}

fn radians(degrees: f64) -> f64 {
    degrees * (PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (PI / 180.0)
}

/// Which of `2^steps` stretches from `-most` to `most` a coordinate lies in; the end itself is behind the last.
fn scaled(coordinate: f64, most: f64, steps: u32) -> u32 {
    let offset = (coordinate + most) / (most + most);
    (offset * f64::from(1u32 << steps)) as u32
}

/// Bits of a score as x86-64 converts it, for scores that never were places, too.
fn truncated(score: f64) -> u64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let convert = |number: f64| {
        if (-LIMIT..LIMIT).contains(&number) {
            number as i64 as u64
        } else {
            1 << 63
        }
    };
    if score < LIMIT {
        convert(score)
    } else {
        convert(score - LIMIT) ^ 1 << 63
    }
}

/// Moves each bit to twice its place.
fn spread(bits: u32) -> u64 {
    let mut bits = u64::from(bits);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, EVEN),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// Takes every second bit.
fn gathered(bits: u64) -> u32 {
    let mut bits = bits & EVEN;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}

fn interleave(latitude: u32, longitude: u32) -> u64 {
    spread(latitude) | spread(longitude) << 1
}

/// A rectangle of the grid of `2^steps` by `2^steps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    bits: u64,
    steps: u32,
}

/// A rectangle, in degrees.
#[derive(Clone, Copy, Debug)]
struct Area {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl Cell {
    /// The one in which a place lies.
    fn of(position: Position, steps: u32) -> Cell {
        let latitude = scaled(position.latitude, MOST_LATITUDE, steps);
        let longitude = scaled(position.longitude, MOST_LONGITUDE, steps);
        Cell {
            bits: interleave(latitude, longitude),
            steps,
        }
    }

    fn area(self) -> Area {
        let edge = |stretch: u32, most: f64| {
            -most + (f64::from(stretch) / f64::from(1u32 << self.steps)) * (most - -most)
        };
        let (latitude, longitude) = (gathered(self.bits), gathered(self.bits >> 1));
        Area {
            west: edge(longitude, MOST_LONGITUDE),
            east: edge(longitude.wrapping_add(1), MOST_LONGITUDE),
            south: edge(latitude, MOST_LATITUDE),
            north: edge(latitude.wrapping_add(1), MOST_LATITUDE),
        }
    }

    /// The cell so many steps east and north, -1 to 1, round the earth in both directions.
    fn moved(self, east: i32, north: i32) -> Cell {
        let used = u64::MAX >> (u64::BITS - self.steps * 2);
        let bits = (self.bits & EVEN) | step(self.bits & ODD, EVEN & used, ODD & used, east);
        let bits = (bits & ODD) | step(bits & EVEN, ODD & used, EVEN & used, north);
        Cell { bits, ..self }
    }

    /// The scores of what lies in it, the second not included.
    fn scores(self) -> (f64, f64) {
        let shift = 2 * (STEPS - self.steps);
        let (low, high) = (self.bits << shift, self.bits.wrapping_add(1) << shift);
        (low as f64, high as f64)
    }
}

/// Adds to the coordinate whose bits are in `mask`; the bits of the other, `between`, carry.
fn step(bits: u64, between: u64, mask: u64, by: i32) -> u64 {
    let moved = match by {
        0 => return bits,
        1.. => bits.wrapping_add(between + 1),
        _ => (bits | between).wrapping_sub(between + 1),
    };
    moved & mask
}

/// What a search covers.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its middle.
    pub center: Position,
    /// How far it reaches.
    pub extent: Extent,
    /// Metres in the unit of the extent.
    pub unit_meters: f64,
}

/// How far a shape reaches from its middle, in some unit.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// A circle.
    Circle {
        /// Its radius.
        radius: f64,
    },
    /// A box along the meridians.
    Box {
        /// From west to east.
        width: f64,
        /// From south to north.
        height: f64,
    },
}

impl Shape {
    /// Metres from the middle to a place, if that is in the shape.
    pub fn distance_to(&self, place: Position) -> Option<f64> {
        match self.extent {
            Extent::Circle { radius } => {
                let distance = self.center.distance(place);
                // Not a range: a radius that is no number would exclude nothing in Redis.
                let is_outside = distance > radius * self.unit_meters;
                (!is_outside).then_some(distance)
            }
            Extent::Box { width, height } => {
                if place.distance_north(self.center) > height * self.unit_meters / 2.0 {
                    return None;
                }
                let beside = Position {
                    latitude: place.latitude,
                    ..self.center
                };
                let is_outside = place.distance(beside) > width * self.unit_meters / 2.0;
                (!is_outside).then(|| self.center.distance(place))
            }
        }
    }

    /// The smallest area along the meridians that holds the shape; not in degrees that exist near a pole.
    fn bounds(&self) -> Area {
        let (height, width) = match self.extent {
            Extent::Circle { radius } => (radius, radius),
            Extent::Box { width, height } => (height / 2.0, width / 2.0),
        };
        let (height, width) = (self.unit_meters * height, self.unit_meters * width);
        let Position {
            longitude,
            latitude,
        } = self.center;
        let north = degrees(height / EARTH_RADIUS_METERS);
        // A degree of longitude is shortest at the edge that is farther from the equator.
        let far = if latitude < 0.0 {
            latitude - north
        } else {
            latitude + north
        };
        let east = degrees(width / EARTH_RADIUS_METERS / radians(far).cos());
        Area {
            west: longitude - east,
            east: longitude + east,
            south: latitude - north,
            north: latitude + north,
        }
    }

    /// How fine a grid can be for nine of its cells to cover the shape, most of the time.
    fn estimated_steps(&self) -> u32 {
        let reach = match self.extent {
            Extent::Circle { radius } => radius,
            Extent::Box { width, height } => {
                let (width, height) = (width / 2.0, height / 2.0);
                (width * width + height * height).sqrt()
            }
        };
        let mut reach = reach * self.unit_meters;
        if reach == 0.0 {
            return STEPS;
        }
        let mut steps = 1;
        while reach < MERCATOR_METERS {
            reach *= 2.0;
            steps += 1;
        }
        steps -= 2;
        // Towards the poles cells get narrow.
        let latitude = self.center.latitude.abs();
        steps -= i32::from(latitude > 66.0) + i32::from(latitude > 80.0);
        steps.clamp(1, STEPS as i32) as u32
    }

    /// The ranges of scores to be searched, in this order; the second of a pair is not included.
    pub fn scores(&self) -> impl Iterator<Item = (f64, f64)> {
        /// East and north of each cell, in the order in which Redis searches them.
        const AROUND: [(i32, i32); 9] = [
            (0, 0),
            (0, 1),
            (0, -1),
            (1, 0),
            (-1, 0),
            (1, 1),
            (-1, 1),
            (1, -1),
            (-1, -1),
        ];
        let bounds = self.bounds();
        let mut steps = self.estimated_steps();
        if steps > 1 && !Cell::of(self.center, steps).reaches(&bounds) {
            steps -= 1;
        }
        let middle = Cell::of(self.center, steps);
        let area = middle.area();
        let is_needed = move |&(east, north): &(i32, i32)| {
            let is_out = north < 0 && area.south < bounds.south
                || north > 0 && area.north > bounds.north
                || east < 0 && area.west < bounds.west
                || east > 0 && area.east > bounds.east;
            steps < 2 || !is_out
        };
        let cells = AROUND.into_iter().filter(is_needed);
        let mut last = None;
        cells
            .map(move |(east, north)| (middle.moved(east, north), (east, north) == (0, 0)))
            .filter(move |&(cell, is_middle)| {
                // In a coarse grid neighbours are the same cell, but the middle is compared with none.
                let is_new = last != Some(cell);
                if is_new && !is_middle {
                    last = Some(cell);
                }
                is_new
            })
            .map(|(cell, _)| cell.scores())
    }
}

impl Cell {
    /// Whether the cells around it reach to the ends of an area.
    fn reaches(self, bounds: &Area) -> bool {
        let is_short = self.moved(0, 1).area().north < bounds.north
            || self.moved(0, -1).area().south > bounds.south
            || self.moved(1, 0).area().east < bounds.east
            || self.moved(-1, 0).area().west > bounds.west;
        !is_short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(longitude: f64, latitude: f64) -> Position {
        Position {
            longitude,
            latitude,
        }
    }

    /// Asked of Redis 7.4.1 with GEOADD, ZSCORE, GEOPOS and GEOHASH.
    #[test]
    fn a_place_is_a_score_and_back() {
        let palermo = at(13.361389, 38.115556);
        let score = palermo.score();
        assert_eq!(score, 3_479_099_956_230_698.0);
        let back = Position::of_score(score);
        assert_eq!(
            (back.longitude, back.latitude),
            (13.361_389_338_970_184, 38.115_556_395_496_3)
        );
        assert_eq!(&back.geohash(), b"sqc8b49rny0");
        let corner = at(MOST_LONGITUDE, MOST_LATITUDE);
        assert_eq!(corner.score(), 13_510_798_882_111_488.0);
        assert_eq!(Position::of_score(corner.score()), corner);
        assert_eq!(&corner.geohash(), b"bp05b5048p0");
        assert_eq!(at(-MOST_LONGITUDE, -MOST_LATITUDE).score(), 0.0);
        assert_eq!(at(0.0, 0.0).score(), 3_377_699_720_527_872.0);
    }

    #[test]
    fn only_places_on_the_map_are_valid() {
        assert!(at(180.0, -85.051_128_78).is_valid());
        assert!(!at(180.000_001, 0.0).is_valid());
        assert!(!at(0.0, 85.051_128_79).is_valid());
        assert!(!at(f64::NAN, 0.0).is_valid());
    }

    #[test]
    fn bits_come_apart_as_they_were_put_together() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..1_000 {
            let (latitude, longitude) = (rng.u32(..), rng.u32(..));
            let bits = interleave(latitude, longitude);
            assert_eq!((gathered(bits), gathered(bits >> 1)), (latitude, longitude));
        }
        assert_eq!(truncated(-1.0), u64::MAX);
        assert_eq!(truncated(1e19), 10_000_000_000_000_000_000);
        assert_eq!(
            (truncated(f64::INFINITY), truncated(f64::NEG_INFINITY)),
            (0, 1 << 63)
        );
    }

    #[test]
    fn cells_go_round_the_earth() {
        let mut rng = fastrand::Rng::with_seed(2);
        for steps in 1..=STEPS {
            let place = at(rng.f64() * 360.0 - 180.0, rng.f64() * 170.0 - 85.0);
            let cell = Cell::of(place, steps);
            for (east, north) in [(1, 0), (0, 1), (1, 1), (-1, 1)] {
                assert_eq!(cell.moved(east, north).moved(-east, -north), cell);
            }
            let round = (0..1 << steps.min(10)).fold(cell, |cell, _| cell.moved(1, -1));
            assert_eq!(round == cell, steps <= 10);
        }
    }

    /// Whatever a shape holds is in the cells that are searched for it.
    #[test]
    fn what_is_in_a_shape_is_searched() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..3_000 {
            let center = at(rng.f64() * 360.0 - 180.0, rng.f64() * 120.0 - 60.0);
            let reach = 10f64.powf(rng.f64() * 6.0);
            let extent = if rng.bool() {
                Extent::Circle { radius: reach }
            } else {
                Extent::Box {
                    width: reach,
                    height: reach * rng.f64(),
                }
            };
            let shape = Shape {
                center,
                extent,
                unit_meters: 1.0,
            };
            let spread = reach / 60_000.0;
            let near = at(
                center.longitude + spread * (rng.f64() - 0.5),
                center.latitude + spread * (rng.f64() - 0.5),
            );
            if near.is_valid()
                && shape
                    .distance_to(Position::of_score(near.score()))
                    .is_some()
            {
                let score = near.score();
                let is_in = |(low, high): (f64, f64)| low <= score && score < high;
                assert!(shape.scores().any(is_in), "{shape:?} {near:?}");
            }
        }
    }
}
