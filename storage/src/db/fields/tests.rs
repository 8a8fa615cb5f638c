//! Hashes whose fields expire, against a plain model, through every way in which they come and go.

use std::collections::BTreeMap;

use super::*;
use crate::db::{Changes, Expiry, Listeners, Moment, NewTags, Touch};
use crate::evict::Access;
use crate::keyspace::{Keyspace, SHARDS, ShardSet};
use crate::value::hash::FieldExpiry;
use crate::value::{Limits, Value};

const EVENT: Event = Event::hash("hset");

fn db(keyspace: &Keyspace, now_ms: i64, expiry: WhenExpired) -> Db<'_> {
    let moment = Moment {
        now_ms,
        access: Access::Time,
        touch: Touch::Yes,
        expiry,
        listeners: Listeners {
            of_changes: true,
            ..Listeners::default()
        },
        compression_threshold: 0,
    };
    Db::new(keyspace, keyspace.lock(ShardSet::ALL), 0, moment)
}

fn limits() -> Limits {
    // So that all encodings come up.
    Limits {
        hash_max_listpack_entries: 8,
        ..Limits::default()
    }
}

/// Puts a field with its expiry.
fn put(db: &mut Db<'_>, key: &[u8], field: &[u8], expiry_ms: Option<i64>) {
    let now_ms = db.moment.now_ms;
    let mut edit = db.upsert::<Hash>(key, EVENT).expect("a hash or nothing");
    let hash = edit.change();
    hash.set(field, b"v", FieldExpiry::Clear, &limits());
    let spot = hash.find(field).expect("just put");
    hash.set_expiry(spot, expiry_ms, now_ms);
}

fn read(db: &mut Db<'_>, key: &[u8], asked: Asked<'_>) -> Option<Vec<String>> {
    let hash = db.read_hash(key, asked).expect("a hash or nothing")?;
    let names = hash.iter().map(|it| it.name.to_vec());
    Some(
        names
            .map(|it| String::from_utf8(it).expect("text"))
            .collect(),
    )
}

fn told(changes: &Changes) -> Vec<(&'static str, usize)> {
    let events = changes.events.iter().map(|told| (told.event.name, 0));
    let removals = changes.removals.iter().filter(|it| it.field.is_some());
    events.chain([("fields", removals.count())]).collect()
}

type Model = BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Option<i64>>>;

fn check(keyspace: &Keyspace, model: &Model, now_ms: i64) {
    let mut db = db(keyspace, now_ms, WhenExpired::Keep);
    let census = db.census().first().copied().unwrap_or_default();
    let with_expiries = model.values().filter(|it| it.values().any(Option::is_some));
    assert_eq!(census.hashes_with_expiries, with_expiries.count());
    assert_eq!(census.keys, model.len());
    for (key, fields) in model {
        let hash = db
            .look_as::<Hash>(key)
            .expect("a hash")
            .expect("it is there");
        let held: BTreeMap<_, _> = hash
            .iter()
            .map(|it| (it.name.to_vec(), it.expiry_ms))
            .collect();
        assert_eq!(&held, fields);
    }
}

#[test]
fn expired_fields_are_found_in_the_background() {
    let mut rng = fastrand::Rng::with_seed(8);
    let keyspace = Keyspace::default();
    let mut model = Model::new();
    let mut now_ms = 1_000_000;
    for step in 0..if cfg!(miri) { 50 } else { 8_000 } {
        now_ms += rng.i64(0..20);
        if rng.u8(..8) == 0 {
            expire(&keyspace, &mut model, now_ms);
        } else {
            let mut db = db(&keyspace, now_ms, WhenExpired::Keep);
            change(&mut db, &mut model, &mut rng);
        }
        model.retain(|_, fields| !fields.is_empty());
        if step % 100 == 0 {
            check(&keyspace, &model, now_ms);
        }
    }
    expire_all(&keyspace, i64::MAX / 2);
    model
        .values_mut()
        .for_each(|it| it.retain(|_, it| it.is_none()));
    model.retain(|_, fields| !fields.is_empty());
    check(&keyspace, &model, now_ms);
}

/// Changes a hash in one of the ways that there are.
fn change(db: &mut Db<'_>, model: &mut Model, rng: &mut fastrand::Rng) {
    let now_ms = db.moment.now_ms;
    let [key, other] = [(); 2].map(|()| format!("k{}", rng.u32(..30)).into_bytes());
    let field = format!("f{}", rng.u32(..20)).into_bytes();
    match rng.u8(..14) {
        0..9 => {
            let expiry_ms = rng.bool().then(|| now_ms + rng.i64(0..10_000));
            put(db, &key, &field, expiry_ms);
            model.entry(key).or_default().insert(field, expiry_ms);
        }
        9..11 => {
            if let Some(mut edit) = db.edit_as::<Hash>(&key, EVENT).expect("a hash") {
                edit.change().remove(&field);
            }
            model.entry(key).or_default().remove(&field);
        }
        11 => {
            if let Some(copy) = db.duplicate(&key) {
                db.place_at(0, &other, copy, EVENT);
                model.insert(other, model[&key].clone());
            }
        }
        12 if key != other => {
            if let Some(moved) = db.take(&key, Event::DEL) {
                db.place_at(0, &other, moved, EVENT);
                let moved = model.remove(&key).expect("it was there");
                model.insert(other, moved);
            }
        }
        13 => {
            db.put_object(&key, Hash::default(), EVENT);
            model.remove(&key);
        }
        _ => {
            let number = Value::Int(1);
            db.put(&key, number, Expiry::Clear, NewTags::Clear, EVENT);
            db.remove(&key, Event::DEL);
            model.remove(&key);
        }
    }
}

/// Removes what has expired.
fn expire(keyspace: &Keyspace, model: &mut Model, now_ms: i64) {
    for (key, field) in expire_all(keyspace, now_ms) {
        let fields = model.get_mut(&key).expect("it was there");
        let expiry_ms = fields.remove(&field).flatten();
        assert!(expiry_ms.is_some_and(|it| it < now_ms));
    }
    // Of many, one may be found a tick late.
    let late_ms = now_ms - crate::table::TICK_MS - 1;
    let mut left = model.values().flat_map(BTreeMap::values).flatten();
    assert!(left.all(|&it| it >= late_ms));
}

/// Removes what has expired, a few at a time.
fn expire_all(keyspace: &Keyspace, now_ms: i64) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    for shard in 0..SHARDS {
        while keyspace.expire_fields_some(shard, 3, now_ms, &mut |_, _, gone| {
            for gone in gone {
                let names = gone.fields.iter().map(|it| it.to_vec());
                all.extend(names.map(|name| (gone.key.to_vec(), name)));
            }
        }) {}
    }
    all
}

#[test]
fn a_reader_removes_what_it_asks_for() {
    let keyspace = Keyspace::default();
    let mut first = db(&keyspace, 1_000, WhenExpired::Remove);
    for field in [b"a", b"b", b"c"] {
        put(&mut first, b"h", field, Some(2_000));
    }
    put(&mut first, b"h", b"d", None);
    drop(first);
    let mut later = db(&keyspace, 2_001, WhenExpired::Remove);
    assert_eq!(
        read(&mut later, b"h", Asked::One(b"d")).map(|it| it.len()),
        Some(4)
    );
    assert_eq!(told(&later.changes), [("fields", 0)]);
    assert_eq!(
        read(&mut later, b"h", Asked::One(b"a")).map(|it| it.len()),
        Some(3)
    );
    assert_eq!(told(&later.changes), [("hexpired", 0), ("fields", 1)]);
    assert_eq!(
        read(&mut later, b"h", Asked::All),
        Some(vec!["d".to_owned()])
    );
    assert_eq!(later.lookups().expired_fields, 3);
    assert_eq!(later.changes.dirty, 0);
    assert_eq!(read(&mut later, b"none", Asked::All), None);
}

#[test]
fn a_key_goes_with_its_last_field() {
    let keyspace = Keyspace::default();
    let mut first = db(&keyspace, 1_000, WhenExpired::Remove);
    put(&mut first, b"h", b"a", Some(2_000));
    put(&mut first, b"i", b"a", Some(2_000));
    drop(first);
    let mut later = db(&keyspace, 3_000, WhenExpired::Remove);
    assert_eq!(read(&mut later, b"h", Asked::One(b"a")), None);
    let expected = [("hexpired", 0), ("del", 0), ("fields", 1)];
    assert_eq!(told(&later.changes), expected);
    let asked = Asked::One(b"a");
    let edit = later.upsert_hash(b"i", asked, EVENT).expect("a hash");
    assert!(edit.is_empty());
    // What was made and has got no field goes unnoticed.
    drop(edit);
    assert_eq!(later.key_count(), 0);
    assert_eq!(later.census()[0].hashes_with_expiries, 0);
}

#[test]
fn hidden_fields_stay_and_kept_ones_live() {
    let keyspace = Keyspace::default();
    let mut first = db(&keyspace, 1_000, WhenExpired::Remove);
    put(&mut first, b"h", b"a", Some(2_000));
    drop(first);
    let mut hiding = db(&keyspace, 3_000, WhenExpired::Hide);
    assert_eq!(
        read(&mut hiding, b"h", Asked::All).map(|it| it.len()),
        Some(1)
    );
    assert_eq!(
        (hiding.fields_now_ms(), hiding.changes.removals.len()),
        (3_000, 0)
    );
    drop(hiding);
    let mut replay = db(&keyspace, 3_000, WhenExpired::Keep);
    assert_eq!(
        read(&mut replay, b"h", Asked::All).map(|it| it.len()),
        Some(1)
    );
    assert_eq!(replay.fields_now_ms(), i64::MIN);
}

#[test]
fn several_keys_are_looked_at_together() {
    let keyspace = Keyspace::default();
    let mut first = db(&keyspace, 1_000, WhenExpired::Remove);
    put(&mut first, b"h", b"a", None);
    put(&mut first, b"i", b"a", None);
    first.put(b"s", Value::Int(1), Expiry::Clear, NewTags::Clear, EVENT);
    first
        .edit(b"i", EVENT)
        .expect("just put")
        .set_expiry(Some(1_500));
    let (h, i) = (first.look_as::<Hash>(b"h"), first.look_as::<Hash>(b"i"));
    assert!(matches!((h, i), (Ok(Some(_)), Ok(Some(_)))));
    assert!(first.look_as::<Hash>(b"s").is_err());
    assert!(matches!(first.look_as::<Hash>(b"none"), Ok(None)));
    drop(first);
    let later = db(&keyspace, 2_000, WhenExpired::Remove);
    assert!(matches!(later.look_as::<Hash>(b"i"), Ok(None)));
}
