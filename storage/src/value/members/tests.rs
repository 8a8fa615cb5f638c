//! Members against plain maps, from none to some thousands and back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;

const STEPS: i64 = if cfg!(miri) { 100 } else { 20_000 };

/// Value and expiry.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

fn text(entry: &Entry) -> Vec<u8> {
    entry
        .string()
        .expect("members hold no collections")
        .to_vec()
}

fn held(members: &Members) -> Model {
    let each = members.iter().map(|it| {
        let value = text(it);
        (it.key().to_vec(), (value, it.expiry_ms()))
    });
    each.collect()
}

/// That the sums are what counting gives.
fn check(members: &Members, model: &Model) {
    assert_eq!(members.len(), model.len());
    assert_eq!(&held(members), model);
    let volatile = model.values().filter(|it| it.1.is_some()).count();
    assert_eq!(members.volatile(), volatile);
    if let Some(soonest_ms) = model.values().filter_map(|it| it.1).min() {
        // What has expired before it was put in counts from then.
        let at_most_ms = soonest_ms.max(STEPS) + crate::table::TICK_MS;
        assert!(members.soonest_ms() <= at_most_ms);
    }
    let entry_bytes: usize = members.iter().map(Entry::heap_bytes).sum();
    assert!(members.heap_bytes() >= entry_bytes + members.len() * 8);
    if let Shape::Many(many) = &members.0 {
        assert_eq!(many.entry_bytes, entry_bytes);
    }
}

#[test]
fn members_are_a_map() {
    let mut rng = fastrand::Rng::with_seed(11);
    for most in [4, 15, 16, 17, 40, 3_000] {
        let mut members = Members::default();
        let mut model = Model::new();
        for step in 0..STEPS {
            let member = rng.u32(..most).to_string().into_bytes();
            let longest = [20, 2_000][usize::from(rng.u8(..20) == 0)];
            let value = vec![b'v'; rng.usize(..longest)];
            match rng.u8(..8) {
                0..3 => {
                    let expiry_ms = model.get(&member).and_then(|it| it.1);
                    let is_new = members.put(&member, Value::Bytes(&value));
                    let old = model.insert(member, (value, expiry_ms));
                    assert_eq!(is_new, old.is_none());
                }
                3 => {
                    let is_new = members.add(&member, Value::Bytes(&value));
                    assert_eq!(is_new, !model.contains_key(&member));
                    model.entry(member).or_insert((value, None));
                }
                4 => {
                    let expiry_ms = rng.bool().then(|| rng.i64(..1 << 40));
                    if let Some(place) = members.find(&member) {
                        members.put_expiry(place, expiry_ms, step);
                        model.get_mut(&member).expect("it is in both").1 = expiry_ms;
                    }
                }
                _ => {
                    let removed = members.remove(&member).as_ref().map(text);
                    assert_eq!(removed, model.remove(&member).map(|it| it.0));
                }
            }
            let member = rng.u32(..most).to_string().into_bytes();
            assert_eq!(members.contains(&member), model.contains_key(&member));
            if step % 500 == 0 {
                check(&members, &model);
                check(&members.clone(), &model);
            }
        }
    }
}

#[test]
fn a_walk_meets_all_of_a_list_and_of_a_table() {
    for count in [0, 1, 16, 17, 2_000] {
        let mut members = Members::default();
        for member in 0..count {
            members.add(format!("{member}").as_bytes(), Value::Bytes(b""));
        }
        let mut met = BTreeSet::new();
        let mut from = Some(0);
        while let Some(at) = from {
            let step = members.walk(at);
            met.extend(step.members.map(|it| it.key().to_vec()));
            assert!(step.next.is_none_or(|next| next > at));
            from = step.next;
        }
        assert_eq!(met.len(), count);
    }
}

#[test]
fn samples_are_fair_after_most_has_gone() {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut members = Members::default();
    assert_eq!(members.sample(&mut rng), None);
    for member in 0..3_000u32 {
        members.add(&member.to_be_bytes(), Value::Bytes(b""));
    }
    for left in [600, 60, 6] {
        for member in left..3_000u32 {
            members.remove(&member.to_be_bytes());
        }
        let mut draws: HashMap<Vec<u8>, u32> = HashMap::new();
        for _ in 0..left * 100 {
            let place = members.sample(&mut rng).expect("some are left");
            let entry = members.at(place).expect("it was drawn");
            *draws.entry(entry.key().to_vec()).or_default() += 1;
        }
        // 100 each, and a standard deviation of 10.
        assert_eq!(draws.len(), left as usize);
        assert!(
            draws.values().all(|times| (55..150).contains(times)),
            "{left}"
        );
    }
}

#[test]
fn expired_members_are_found() {
    for count in [10i64, 1_000] {
        let mut members = Members::default();
        for member in 0..count {
            let expiry_ms = (member % 2 == 0).then_some(1_000 + member);
            members.push(&member.to_be_bytes(), Value::Int(1), expiry_ms, 500);
        }
        assert_eq!(members.next_expired(1_000), None);
        let mut found = 0;
        while members.soonest_ms() <= 10_000 {
            while let Some(place) = members.next_expired(10_000) {
                assert!(members.take(place).is_some_and(|it| it.is_expired(10_000)));
                found += 1;
            }
        }
        assert_eq!((found, members.volatile()), (count / 2, 0));
        assert_eq!(members.len() as i64, count / 2);
    }
}

#[test]
fn three_long_values_cost_less_than_a_table() {
    let mut members = Members::default();
    for member in [b"first", b"other", b"third"] {
        members.put(member, Value::Bytes(&[b'v'; 100]));
    }
    // Header, key and value in 120 bytes, and a pointer with room for one more.
    assert_eq!(members.heap_bytes(), 3 * 120 + 4 * 8);
    assert_eq!(size_of::<Members>(), 24);
}

#[test]
fn what_nobody_looks_at_is_freed_in_slices() {
    for count in [3, 5_000] {
        let mut members = Members::default();
        for member in 0..count {
            members.add(format!("{member}").as_bytes(), Value::Bytes(b""));
        }
        let freed: Vec<usize> = std::iter::from_fn(|| members.free_some()).collect();
        assert_eq!(freed.iter().sum::<usize>(), count);
        assert!(freed.iter().all(|&freed| freed < 1_024));
    }
}
