//! Hashes against a plain map, in every form.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const STEPS: i64 = if cfg!(miri) { 100 } else { 6_000 };

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

fn limits(entries: usize, value: usize) -> Limits {
    Limits {
        hash_max_listpack_entries: entries,
        hash_max_listpack_value: value,
        ..Limits::default()
    }
}

fn held(hash: &Hash) -> Model {
    let each = hash.iter().map(|it| {
        let text = it.value.to_vec();
        (it.name.to_vec(), (text, it.expiry_ms))
    });
    each.collect()
}

fn set(hash: &mut Hash, field: &str, limits: &Limits) -> bool {
    hash.set(field.as_bytes(), b"v", FieldExpiry::Clear, limits)
}

fn expire(hash: &mut Hash, field: &str, expiry_ms: Option<i64>) {
    let spot = hash.find(field.as_bytes()).expect("it is there");
    hash.set_expiry(spot, expiry_ms, 0);
}

fn order(hash: &Hash) -> String {
    let names = hash.iter().flat_map(|it| it.name.to_vec());
    String::from_utf8(names.collect()).expect("letters")
}

fn check(hash: &Hash, model: &Model, now_ms: i64) {
    assert_eq!(&held(hash), model);
    let first = model.values().filter_map(|it| it.1).min();
    assert_eq!(hash.first_expiry_ms(), first);
    assert_eq!(hash.has_expiries(), first.is_some());
    // What had expired when it was noted is due a tick later.
    let latest = first.map(|it| it.max(now_ms) + TICK_MS);
    assert!(hash.soonest_ms() <= latest.unwrap_or(i64::MAX));
    if let Form::Triples(triples) = hash.form() {
        assert!(Hash::of_triples(triples.clone()).is_some(), "in order");
    }
}

#[test]
fn a_hash_is_a_map_in_every_form() {
    let mut rng = fastrand::Rng::with_seed(31);
    for limits in [limits(512, 64), limits(8, 20), limits(0, 0), limits(30, 64)] {
        for most in [3, 20, 600] {
            let (mut hash, mut model) = (Hash::default(), Model::new());
            for step in 0..STEPS {
                // The present; expiries lie around it.
                let now_ms = 1_000_000 + step * 10;
                let field = format!("{}", rng.u32(..most)).into_bytes();
                match rng.u8(..9) {
                    0..4 => {
                        let value = vec![b'v'; rng.usize(..80)];
                        let keep = [FieldExpiry::Keep, FieldExpiry::Clear][rng.usize(..2)];
                        let is_new = hash.set(&field, &value, keep, &limits);
                        let old = model.remove(&field);
                        assert_eq!(is_new, old.is_none());
                        let kept = old
                            .and_then(|it| it.1)
                            .filter(|_| keep == FieldExpiry::Keep);
                        model.insert(field, (value, kept));
                    }
                    4 => assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
                    5 => {
                        let expiry_ms = rng.bool().then(|| now_ms + rng.i64(-50..5_000));
                        if let Some(spot) = hash.find(&field) {
                            hash.set_expiry(spot, expiry_ms, now_ms);
                            model.get_mut(&field).expect("it is in both").1 = expiry_ms;
                        }
                    }
                    6 => {
                        let spot = hash.sample(&mut rng);
                        let drawn = spot.and_then(|it| hash.at(it)).map(|it| it.name.to_vec());
                        assert_eq!(drawn.is_none(), model.is_empty());
                        assert!(drawn.is_none_or(|it| model.contains_key(&it)));
                    }
                    7 if rng.u8(..10) == 0 => {
                        while let Some(spot) = hash.next_expired(now_ms) {
                            assert!(hash.at(spot).is_some_and(|it| it.is_expired(now_ms)));
                            hash.remove_at(spot);
                        }
                        model.retain(|_, it| it.1.is_none_or(|it| it >= now_ms));
                        check(&hash, &model, now_ms);
                    }
                    _ => {
                        let got = hash.get(&field).map(|it| (it.value.to_vec(), it.expiry_ms));
                        assert_eq!(got.as_ref(), model.get(&field));
                    }
                }
                assert_eq!(
                    (hash.len(), hash.is_empty()),
                    (model.len(), model.is_empty())
                );
                if step % 100 == 0 {
                    check(&hash, &model, now_ms);
                    check(&hash.clone(), &model, now_ms);
                }
            }
        }
    }
}

#[test]
fn triples_stand_in_the_order_of_their_expiries() {
    let usual = Limits::default();
    let mut hash = Hash::default();
    for field in ["a", "b", "c", "d"] {
        set(&mut hash, field, &usual);
    }
    assert_eq!((hash.encoding(), order(&hash)), ("listpack", "abcd".into()));
    expire(&mut hash, "b", Some(900));
    assert_eq!(
        (hash.encoding(), order(&hash)),
        ("listpackex", "bacd".into())
    );
    expire(&mut hash, "d", Some(900));
    assert_eq!(order(&hash), "dbac");
    expire(&mut hash, "c", Some(901));
    expire(&mut hash, "a", Some(1));
    assert_eq!(order(&hash), "adbc");
    expire(&mut hash, "d", None);
    assert_eq!(order(&hash), "abcd");
    // Another value takes the expiry, and with it the place.
    assert!(!set(&mut hash, "a", &usual));
    assert_eq!(order(&hash), "bcda");
    hash.set(b"b", b"w", FieldExpiry::Keep, &usual);
    set(&mut hash, "d", &usual);
    set(&mut hash, "e", &usual);
    assert_eq!(order(&hash), "bcdae");
    assert_eq!(hash.first_expiry_ms(), Some(900));
}

#[test]
fn a_hash_takes_the_form_that_its_fields_ask_for() {
    let usual = limits(3, 5);
    let mut hash = Hash::default();
    for field in ["a", "b", "abcde"] {
        set(&mut hash, field, &usual);
    }
    assert_eq!(hash.encoding(), "listpack");
    expire(&mut hash, "a", Some(77));
    set(&mut hash, "d", &usual);
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 4));
    assert_eq!(hash.first_expiry_ms(), Some(77));
    let mut hash = Hash::default();
    hash.set(b"a", b"123456", FieldExpiry::Clear, &usual);
    assert_eq!(hash.encoding(), "hashtable");
}

#[test]
fn a_hash_is_prepared_for_its_pairs() {
    let usual = limits(3, 5);
    let prepared = |pairs: &[(&str, &str)]| {
        let mut hash = Hash::default();
        let pairs = pairs.iter().map(|it| (it.0.as_bytes(), it.1.as_bytes()));
        hash.prepare(pairs, &usual);
        hash.encoding()
    };
    assert_eq!(prepared(&[("a", "b"); 3]), "listpack");
    assert_eq!(prepared(&[("a", "b"); 4]), "hashtable");
    assert_eq!(prepared(&[("a", "123456")]), "hashtable");
    assert_eq!(prepared(&[("a", "1"), ("123456", "1")]), "hashtable");
}

#[test]
fn rows_from_files_are_looked_at() {
    let row = |elements: &[&str]| {
        let mut packed = Listpack::new();
        elements
            .iter()
            .for_each(|it| packed.push_back(it.as_bytes()));
        packed
    };
    assert_eq!(Hash::of_pairs(row(&["a", "b"])).map(|it| it.len()), Some(1));
    assert!(Hash::of_pairs(row(&["a"])).is_none());
    assert!(Hash::of_triples(row(&["a", "b", "5", "c", "d", "5", "e", "f", "0"])).is_some());
    assert!(Hash::of_triples(row(&["a", "b", "5", "c", "d", "4"])).is_none());
    assert!(Hash::of_triples(row(&["a", "b", "0", "c", "d", "4"])).is_none());
    assert!(Hash::of_triples(row(&["a", "b", "-4"])).is_none());
    assert!(Hash::of_triples(row(&["a", "b", "c"])).is_none());
    assert!(Hash::of_triples(row(&["a", "b"])).is_none());
}

#[test]
fn a_walk_meets_every_field() {
    for (count, limits) in [(10, limits(20, 64)), (2_000, limits(0, 0))] {
        let mut hash = Hash::default();
        (0..count).for_each(|number| _ = set(&mut hash, &format!("{number}"), &limits));
        let mut met = BTreeSet::new();
        let mut from = Some(0);
        while let Some(at) = from {
            let step = hash.walk(at);
            met.extend(step.fields.map(|it| it.name.to_vec()));
            from = step.next;
        }
        assert_eq!(met.len(), count);
    }
}

#[test]
fn ten_fields_cost_no_more_than_in_redis() {
    let mut hash = Hash::default();
    for number in 0..10 {
        let (field, value) = (format!("field:{number}"), format!("value:{number}"));
        hash.set(
            field.as_bytes(),
            value.as_bytes(),
            FieldExpiry::Clear,
            &Limits::default(),
        );
    }
    // 187 bytes, in one allocation.
    assert_eq!(hash.heap_bytes(), 192);
    assert!(size_of::<Hash>() <= 32);
}
