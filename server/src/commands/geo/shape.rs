//! What a search covers, and what is wanted of it, as requests say it.

use protocol::number::parse_f64;
use storage::value::Zset;
use storage::value::geo::{Extent, Position, Shape};

use super::{position, unit_meters};
use crate::command::error::shown;
use crate::command::{Args, Error, Result, Words};

/// Which of the commands it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `GEORADIUS`
    Radius(Storing),
    /// `GEORADIUSBYMEMBER`
    RadiusByMember(Storing),
    /// `GEOSEARCH`
    Search,
    /// `GEOSEARCHSTORE`
    SearchStore,
}

/// Whether it may store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storing {
    Allowed,
    /// `…_RO`
    Refused,
}

impl Form {
    fn is_search(self) -> bool {
        matches!(self, Form::Search | Form::SearchStore)
    }

    fn may_store(self) -> bool {
        matches!(
            self,
            Form::Radius(Storing::Allowed) | Form::RadiusByMember(Storing::Allowed)
        )
    }
}

/// The order of what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Unsorted,
    NearestFirst,
    FarthestFirst,
}

/// Where a search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Unsaid,
    Member,
    Place,
}

/// A search as asked for.
#[derive(Debug)]
pub(super) struct Search<'a> {
    from: From,
    center: Option<Position>,
    extent: Option<(Extent, f64)>,
    pub(super) has_distance: bool,
    pub(super) has_hash: bool,
    pub(super) has_position: bool,
    pub(super) order: Order,
    /// How many at most; 0 for all.
    pub(super) count: usize,
    /// Whether any will do, not the nearest.
    pub(super) is_any: bool,
    pub(super) store: Option<&'a [u8]>,
    pub(super) stores_distance: bool,
}

impl<'a> Search<'a> {
    /// Reads a request. `zset` is what its source holds: members are looked up in it, and where there is none, any
    /// member will do.
    pub(super) fn parse(args: &Args<'a>, form: Form, zset: Option<&Zset>) -> Result<Search<'a>> {
        let mut it = Search {
            from: From::Unsaid,
            center: None,
            extent: None,
            has_distance: false,
            has_hash: false,
            has_position: false,
            order: Order::Unsorted,
            count: 0,
            is_any: false,
            store: None,
            stores_distance: false,
        };
        let options = it.read_fixed(args, form, zset)?;
        let mut options = args.from(options);
        while !options.is_empty() {
            let words = it.read_option(&options, form, zset)?;
            options = options.from(words);
        }
        it.check(args, form)?;
        Ok(it)
    }

    /// Reads what stands in front; gives where the options begin.
    fn read_fixed(&mut self, args: &Args<'a>, form: Form, zset: Option<&Zset>) -> Result<usize> {
        match form {
            Form::Radius(_) => {
                self.center = Some(position(args, 2)?);
                self.extent = Some(circle(args, 4)?);
                Ok(6)
            }
            Form::RadiusByMember(_) => {
                if zset.is_some() {
                    self.center = place_of(zset, args.word(2)?)?;
                    self.extent = Some(circle(args, 3)?);
                }
                Ok(5)
            }
            Form::Search => Ok(2),
            Form::SearchStore => {
                self.store = Some(args.key(1)?);
                Ok(3)
            }
        }
    }

    /// Reads the first of the options; gives how many words it has.
    fn read_option(&mut self, args: &Args<'a>, form: Form, zset: Option<&Zset>) -> Result<usize> {
        if let Some(words) = self.read_flag(args, form) {
            return Ok(words);
        }
        let behind = args.len() - 1;
        if behind >= 1 && args.is(0, "COUNT") {
            let count = args.integer(1)?;
            let count = usize::try_from(count).ok().filter(|&count| count > 0);
            self.count = count.ok_or(Error::CountNotAboveZero)?;
            return Ok(2);
        }
        if behind >= 1 && form.may_store() {
            let stores_distance = args.is(0, "STOREDIST");
            if stores_distance || args.is(0, "STORE") {
                self.store = Some(args.key(1)?);
                self.stores_distance = stores_distance;
                return Ok(2);
            }
        }
        if form.is_search() {
            return self.read_shape(args, zset);
        }
        Err(Error::Syntax)
    }

    /// Reads an option of one word, if it is one.
    fn read_flag(&mut self, args: &Args<'a>, form: Form) -> Option<usize> {
        if args.is(0, "WITHDIST") {
            self.has_distance = true;
        } else if args.is(0, "WITHHASH") {
            self.has_hash = true;
        } else if args.is(0, "WITHCOORD") {
            self.has_position = true;
        } else if args.is(0, "ANY") {
            self.is_any = true;
        } else if args.is(0, "ASC") {
            self.order = Order::NearestFirst;
        } else if args.is(0, "DESC") {
            self.order = Order::FarthestFirst;
        } else if form == Form::SearchStore && args.is(0, "STOREDIST") {
            self.stores_distance = true;
        } else {
            return None;
        }
        Some(1)
    }

    /// Reads where a search begins or how far it reaches. Neither may be said in two ways.
    fn read_shape(&mut self, args: &Args<'a>, zset: Option<&Zset>) -> Result<usize> {
        let behind = args.len() - 1;
        if behind >= 1 && args.is(0, "FROMMEMBER") && self.from != From::Place {
            self.center = place_of(zset, args.word(1)?)?;
            self.from = From::Member;
            return Ok(2);
        }
        if behind >= 2 && args.is(0, "FROMLONLAT") && self.from != From::Member {
            self.center = Some(position(args, 1)?);
            self.from = From::Place;
            return Ok(3);
        }
        let is_box = matches!(self.extent, Some((Extent::Box { .. }, _)));
        let is_circle = matches!(self.extent, Some((Extent::Circle { .. }, _)));
        if behind >= 2 && args.is(0, "BYRADIUS") && !is_box {
            self.extent = Some(circle(args, 1)?);
            return Ok(3);
        }
        if behind >= 3 && args.is(0, "BYBOX") && !is_circle {
            self.extent = Some(rectangle(args, 1)?);
            return Ok(4);
        }
        Err(Error::Syntax)
    }

    fn check(&self, args: &Args<'_>, form: Form) -> Result<()> {
        let is_shown = self.has_distance || self.has_hash || self.has_position;
        if self.store.is_some() && is_shown {
            return Err(Error::StoreWithOptions(match form {
                Form::SearchStore => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            }));
        }
        let name = || shown(args.get(0).unwrap_or_default());
        if form.is_search() && self.from == From::Unsaid {
            return Err(Error::NoCenter(name()));
        }
        if form.is_search() && self.extent.is_none() {
            return Err(Error::NoExtent(name()));
        }
        if self.is_any && self.count == 0 {
            return Err(Error::AnyWithoutCount);
        }
        Ok(())
    }

    /// What it covers; none if there is nothing to search.
    pub(super) fn shape(&self) -> Option<Shape> {
        let (center, (extent, unit_meters)) = (self.center?, self.extent?);
        Some(Shape {
            center,
            extent,
            unit_meters,
        })
    }
}

/// The place of a member, if there is a set to look it up in.
///
/// # Errors
/// [`Error::NoSuchPlace`] if it is not in the set.
fn place_of(zset: Option<&Zset>, member: &[u8]) -> Result<Option<Position>> {
    let Some(zset) = zset else { return Ok(None) };
    let score = zset.score(member).ok_or(Error::NoSuchPlace)?;
    Ok(Some(Position::of_score(score)))
}

/// The radius at `index` and its unit, in metres.
fn circle(args: &Args<'_>, index: usize) -> Result<(Extent, f64)> {
    let radius = parse_f64(args.word(index)?).ok_or(Error::RadiusNotFloat)?;
    if radius < 0.0 {
        return Err(Error::RadiusNegative);
    }
    Ok((
        Extent::Circle { radius },
        unit_meters(args.word(index + 1)?)?,
    ))
}

/// The width at `index`, the height and their unit, in metres.
fn rectangle(args: &Args<'_>, index: usize) -> Result<(Extent, f64)> {
    let width = parse_f64(args.word(index)?).ok_or(Error::WidthNotFloat)?;
    let height = parse_f64(args.word(index + 1)?).ok_or(Error::HeightNotFloat)?;
    if width < 0.0 || height < 0.0 {
        return Err(Error::BoxNegative);
    }
    let unit = unit_meters(args.word(index + 2)?)?;
    Ok((Extent::Box { width, height }, unit))
}
