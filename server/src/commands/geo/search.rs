//! What is near a place.

use std::cmp::Ordering;

use protocol::Encoder;
use storage::db::Event;
use storage::value::geo::{Position, Shape};
use storage::value::zset::{Direction, ScoreRange};
use storage::value::{Item, Limits, Zset};

use super::read::write_position;
use super::shape::{Form, Order, Search, Storing};
use super::sort::sort_beginning;
use super::{GEO, distance_text};
use crate::command::reply::write_item;
use crate::command::{Args, Command, Ctx, Outcome, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const GEOSEARCH: Command = Spec {
    name: "GEOSEARCH",
    usage: "key from(FROMMEMBER member | FROMLONLAT(longitude:double latitude:double)) \
        by(circle(BYRADIUS radius:double unit(M | KM | FT | MI)) | box(BYBOX width:double \
        height:double unit(M | KM | FT | MI))) [order(ASC | DESC)] [count-block(COUNT \
        count:integer [ANY])] [WITHCOORD] [WITHDIST] [WITHHASH]",
    summary: "Queries a geospatial index for members inside an area of a box or a circle.",
    since: "6.2.0",
    complexity: "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box \
        area around the shape provided as the filter and M is the number of items inside the \
        shape",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    ..GEO
}
.run(geosearch);
fn geosearch(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    search(cx, args, 1, Form::Search)
}

pub(super) const GEOSEARCHSTORE: Command = Spec {
    name: "GEOSEARCHSTORE",
    usage: "destination:key source:key#1 from(FROMMEMBER member | FROMLONLAT(longitude:double \
        latitude:double)) by(circle(BYRADIUS radius:double unit(M | KM | FT | MI)) | box(BYBOX \
        width:double height:double unit(M | KM | FT | MI))) [order(ASC | DESC)] \
        [count-block(COUNT count:integer [ANY])] [STOREDIST]",
    summary: "Queries a geospatial index for members inside an area of a box or a circle, \
        optionally stores the result.",
    since: "6.2.0",
    complexity: "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box \
        area around the shape provided as the filter and M is the number of items inside the \
        shape",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(OW | UPDATE)),
        Keys::at(2, key_flags!(RO | ACCESS)),
    ],
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    ..GEO
}
.run(geosearchstore);
fn geosearchstore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    search(cx, args, 2, Form::SearchStore)
}

pub(super) const GEORADIUS: Command = Spec {
    name: "GEORADIUS",
    usage: "key longitude:double latitude:double radius:double unit(M | KM | FT | MI) \
        [WITHCOORD] [WITHDIST] [WITHHASH] [count-block(COUNT count:integer [ANY@6.2.0])] \
        [order(ASC | DESC)] [store(STORE storekey<key>:key#1 | STOREDIST \
        storedistkey<key>:key#2)]",
    summary: "Queries a geospatial index for members within a distance from a coordinate, \
        optionally stores the result.",
    since: "3.2.0",
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the \
        circular area delimited by center and radius and M is the number of items inside the \
        index.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(RO | ACCESS)),
        Keys::behind("STORE", 6, key_flags!(OW | UPDATE)),
        Keys::behind("STOREDIST", 6, key_flags!(OW | UPDATE)),
    ],
    history: &[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    deprecated: Some((
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    )),
    ..GEO
}
.run(georadius);
fn georadius(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    search(cx, args, 1, Form::Radius(Storing::Allowed))
}

pub(super) const GEORADIUS_RO: Command = Spec {
    name: "GEORADIUS_RO",
    usage: "key longitude:double latitude:double radius:double unit(M | KM | FT | MI) \
        [WITHCOORD] [WITHDIST] [WITHHASH] [count-block(COUNT count:integer [ANY@6.2.0])] \
        [order(ASC | DESC)]",
    summary: "Returns members from a geospatial index that are within a distance from a \
        coordinate.",
    since: "3.2.10",
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the \
        circular area delimited by center and radius and M is the number of items inside the \
        index.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")),
    ..GEO
}
.run(georadius_ro);
fn georadius_ro(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    search(cx, args, 1, Form::Radius(Storing::Refused))
}

pub(super) const GEORADIUSBYMEMBER: Command = Spec {
    name: "GEORADIUSBYMEMBER",
    usage: "key member radius:double unit(M | KM | FT | MI) [WITHCOORD] [WITHDIST] [WITHHASH] \
        [count-block(COUNT count:integer [ANY])] [order(ASC | DESC)] [store(STORE \
        storekey<key>:key#1 | STOREDIST storedistkey<key>:key#2)]",
    summary: "Queries a geospatial index for members within a distance from a member, \
        optionally stores the result.",
    since: "3.2.0",
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the \
        circular area delimited by center and radius and M is the number of items inside the \
        index.",
    flags: flags!(WRITE | DENYOOM),
    keys: &[
        Keys::at(1, key_flags!(RO | ACCESS)),
        Keys::behind("STORE", 5, key_flags!(OW | UPDATE)),
        Keys::behind("STOREDIST", 5, key_flags!(OW | UPDATE)),
    ],
    history: &[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    deprecated: Some((
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    )),
    ..GEO
}
.run(georadiusbymember);
fn georadiusbymember(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    search(cx, args, 1, Form::RadiusByMember(Storing::Allowed))
}

pub(super) const GEORADIUSBYMEMBER_RO: Command = Spec {
    name: "GEORADIUSBYMEMBER_RO",
    usage: "key member radius:double unit(M | KM | FT | MI) [WITHCOORD] [WITHDIST] [WITHHASH] \
        [count-block(COUNT count:integer [ANY])] [order(ASC | DESC)]",
    summary: "Returns members from a geospatial index that are within a distance from a member.",
    since: "3.2.10",
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the \
        circular area delimited by center and radius and M is the number of items inside the \
        index.",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    deprecated: Some((
        "6.2.0",
        "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    )),
    ..GEO
}
.run(georadiusbymember_ro);
fn georadiusbymember_ro(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    search(cx, args, 1, Form::RadiusByMember(Storing::Refused))
}

fn search(cx: &mut Ctx<'_>, args: &Args<'_>, source: usize, form: Form) -> Result {
    let limits = cx.limits();
    let zset = cx.db.read_as::<Zset>(args.key(source)?)?;
    let search = Search::parse(args, form, zset)?;
    let (found, unit_meters) = match (zset, search.shape()) {
        (Some(zset), Some(shape)) => (find(zset, &shape, &search), shape.unit_meters),
        _ => (Vec::new(), 1.0),
    };
    let Some(target) = search.store else {
        write(cx.reply.encoder(), &found, &search, unit_meters);
        return Ok(Outcome::Done);
    };
    let stored = gather(&found, &search, unit_meters, &limits);
    let event = match form {
        Form::SearchStore => Event::zset("geosearchstore"),
        _ => Event::zset("georadiusstore"),
    };
    let count = stored.len();
    if cx.db.put_object(target, stored, event) {
        // Redis counts each place that is stored.
        cx.db.changes.dirty += count as u64 - 1;
    }
    cx.reply.count(count)
}

/// A member in the shape.
struct Found<'z> {
    member: Item<'z>,
    score: f64,
    position: Position,
    meters: f64,
}

/// What is in the shape, as many as are wanted, in their order.
fn find<'z>(zset: &'z Zset, shape: &Shape, search: &Search<'_>) -> Vec<Found<'z>> {
    // Which are the nearest is known when all are; any will do only if that is said.
    let enough = if search.is_any { search.count } else { 0 };
    let mut found = Vec::new();
    for (min, max) in shape.scores() {
        let is_enough = enough > 0 && found.len() >= enough;
        if is_enough {
            break;
        }
        let range = ScoreRange {
            min,
            is_min_excluded: false,
            max,
            is_max_excluded: true,
        };
        let members = zset.range(zset.ranks_by_score(&range), Direction::Ascending);
        let in_shape = members.filter_map(|(member, score)| {
            let position = Position::of_score(score);
            let meters = shape.distance_to(position)?;
            Some(Found {
                member,
                score,
                position,
                meters,
            })
        });
        match enough {
            0 => found.extend(in_shape),
            enough => found.extend(in_shape.take(enough - found.len())),
        }
    }
    sort(&mut found, search);
    found
}

/// Brings what was found in order, and leaves as many as are wanted.
fn sort(found: &mut Vec<Found<'_>>, search: &Search<'_>) {
    let order = match search.order {
        // Without an order the first so many would be any.
        Order::Unsorted if search.count > 0 && !search.is_any => Order::NearestFirst,
        order => order,
    };
    let compare = |one: &Found<'_>, other: &Found<'_>| match order {
        Order::Unsorted => Ordering::Equal,
        Order::NearestFirst => one.meters.total_cmp(&other.meters),
        Order::FarthestFirst => other.meters.total_cmp(&one.meters),
    };
    let is_cut = search.count > 0 && search.count < found.len();
    match (order, is_cut) {
        (Order::Unsorted, _) => {}
        (_, true) => sort_beginning(found, search.count, &compare),
        (_, false) => found.sort_by(compare),
    }
    if is_cut {
        found.truncate(search.count);
    }
}

fn write(out: &mut Encoder<'_>, found: &[Found<'_>], search: &Search<'_>, unit_meters: f64) {
    let shown = [search.has_distance, search.has_hash, search.has_position];
    let shown = shown.into_iter().filter(|&it| it).count();
    out.array(found.len());
    for it in found {
        if shown > 0 {
            out.array(shown + 1);
        }
        write_item(out, it.member);
        if search.has_distance {
            out.bulk(distance_text(it.meters / unit_meters).as_bytes());
        }
        if search.has_hash {
            out.integer(it.score as i64);
        }
        if search.has_position {
            write_position(out, it.position);
        }
    }
}

/// A sorted set of what was found.
fn gather(found: &[Found<'_>], search: &Search<'_>, unit_meters: f64, limits: &Limits) -> Zset {
    let mut zset = Zset::unpacked();
    for it in found {
        let score = if search.stores_distance {
            it.meters / unit_meters
        } else {
            it.score
        };
        it.member
            .with_bytes(|member| zset.update(member, limits, |_| Some(score)));
    }
    zset.pack(limits);
    zset
}
