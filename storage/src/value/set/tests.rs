//! Sets against a plain one, in every form.

use std::collections::BTreeSet;

use super::*;

const STEPS: usize = if cfg!(miri) { 100 } else { 6_000 };

fn limits(intset: usize, packed: usize, value: usize) -> Limits {
    Limits {
        set_max_intset_entries: intset,
        set_max_listpack_entries: packed,
        set_max_listpack_value: value,
        ..Limits::default()
    }
}

fn set_of(members: &[&str], limits: &Limits) -> Set {
    let mut set = Set::default();
    for member in members {
        set.add(member.as_bytes(), limits);
    }
    set
}

fn held(set: &Set) -> BTreeSet<Vec<u8>> {
    set.iter().map(|item| item.to_vec()).collect()
}

fn member(rng: &mut fastrand::Rng, most: u32) -> Vec<u8> {
    let number = rng.u32(..most);
    let text = match rng.u8(..4) {
        0 => format!("{number}"),
        1 => format!("-{number}00000"),
        2 => format!("member {number}"),
        _ => format!("0{number}"),
    };
    text.into_bytes()
}

#[test]
fn a_set_is_a_set_in_every_form() {
    let mut rng = fastrand::Rng::with_seed(21);
    for limits in [
        limits(512, 128, 64),
        limits(4, 6, 8),
        limits(0, 0, 0),
        limits(50, 20, 9),
    ] {
        for most in [2, 6, 60, 600] {
            let (mut set, mut model) = (Set::default(), BTreeSet::new());
            for step in 0..STEPS {
                let member = member(&mut rng, most);
                match rng.u8(..9) {
                    0..3 => assert_eq!(set.add(&member, &limits), model.insert(member)),
                    3..6 => assert_eq!(set.remove(&member), model.remove(&member)),
                    6 => {
                        let spot = set.sample(&mut rng);
                        assert_eq!(spot.is_some(), !model.is_empty());
                        if let Some(spot) = spot {
                            let drawn = set.at(spot).expect("it was drawn").to_vec();
                            assert!(model.remove(&drawn));
                            set.remove_at(spot);
                        }
                    }
                    7 if rng.u8(..20) == 0 => {
                        let count = rng.usize(..=model.len());
                        let gone = set.keep(count, &limits, &mut rng);
                        assert_eq!((set.len(), gone.len()), (count, model.len() - count));
                        let kept = held(&set);
                        assert!(kept.is_disjoint(&held(&gone)) && kept.is_subset(&model));
                        assert!(held(&gone).is_subset(&model));
                        model = kept;
                    }
                    _ => assert_eq!(set.contains(&member), model.contains(&member)),
                }
                assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
                if step % 100 == 0 {
                    assert_eq!(held(&set), model);
                    assert_eq!(held(&set.clone()), model);
                    let copied = set.iter().all(|item| set.contains_item(item));
                    assert!(copied && set.heap_bytes() < 200 * (set.len() + 8));
                }
            }
        }
    }
}

#[test]
fn a_set_takes_the_form_that_its_members_ask_for() {
    let usual = limits(4, 3, 5);
    assert_eq!(set_of(&["1", "2", "3", "4"], &usual).encoding(), "intset");
    assert_eq!(
        set_of(&["1", "2", "3", "4", "5"], &usual).encoding(),
        "hashtable"
    );
    assert_eq!(set_of(&["1", "2", "a"], &usual).encoding(), "listpack");
    assert_eq!(
        set_of(&["1", "2", "3", "a"], &usual).encoding(),
        "hashtable"
    );
    assert_eq!(set_of(&["1", "abcde"], &usual).encoding(), "listpack");
    assert_eq!(set_of(&["1", "abcdef"], &usual).encoding(), "hashtable");
    // A number that is too long for a row of members makes the way to it impossible.
    assert_eq!(set_of(&["123456", "a"], &usual).encoding(), "hashtable");
    assert_eq!(set_of(&["-12345", "a"], &usual).encoding(), "hashtable");
}

#[test]
fn a_set_is_prepared_for_so_many() {
    let usual = limits(4, 3, 5);
    let prepared = |first: &str, count| {
        let mut set = Set::default();
        set.prepare(first.as_bytes(), count, &usual);
        set.encoding()
    };
    assert_eq!(prepared("1", 4), "intset");
    assert_eq!(prepared("1", 5), "hashtable");
    assert_eq!(prepared("a", 3), "listpack");
    assert_eq!(prepared("a", 4), "hashtable");
    let mut set = set_of(&["1"], &usual);
    set.prepare(b"2", 4, &usual);
    assert_eq!(set.encoding(), "intset");
    set.prepare(b"2", 5, &usual);
    assert_eq!((set.encoding(), set.len()), ("hashtable", 1));
}

#[test]
fn what_is_kept_of_many_is_packed_again() {
    let usual = limits(4, 100, 64);
    let mut rng = fastrand::Rng::with_seed(9);
    let mut set = Set::default();
    (0..1_000).for_each(|number| _ = set.add(format!("{number}").as_bytes(), &usual));
    assert_eq!(set.encoding(), "hashtable");
    let gone = set.keep(101, &usual, &mut rng);
    assert_eq!((set.len(), set.encoding()), (101, "hashtable"));
    assert_eq!((gone.len(), gone.encoding()), (899, "hashtable"));
    set.keep(100, &usual, &mut rng);
    assert_eq!((set.len(), set.encoding()), (100, "listpack"));
    // Redis gives integers back their form only where a command stores them.
    set.pack_integers(&usual);
    assert_eq!(set.encoding(), "listpack");
    set.keep(4, &usual, &mut rng);
    set.pack_integers(&usual);
    assert_eq!((set.len(), set.encoding()), (4, "intset"));
}

#[test]
fn a_packed_set_keeps_its_order() {
    let usual = limits(4, 100, 64);
    let mut rng = fastrand::Rng::with_seed(2);
    let names: Vec<String> = (0..50).map(|number| format!("m{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut set = set_of(&names, &usual);
    let gone = set.keep(10, &usual, &mut rng);
    assert!(set.iter().is_sorted_by_key(|item| item.to_vec()));
    assert!(gone.iter().is_sorted_by_key(|item| item.to_vec()));
    assert_eq!((set.len(), gone.len()), (10, 40));
}

#[test]
fn a_walk_meets_every_member() {
    for (count, limits) in [(10, limits(20, 20, 64)), (2_000, limits(0, 0, 0))] {
        let mut set = Set::default();
        (0..count).for_each(|number| _ = set.add(format!("{number}").as_bytes(), &limits));
        let mut met = BTreeSet::new();
        let mut from = Some(0);
        while let Some(at) = from {
            let step = set.walk(at);
            met.extend(step.members.map(|it| it.to_vec()));
            from = step.next;
        }
        assert_eq!(met, held(&set));
    }
}

#[test]
fn ten_integers_cost_no_more_than_in_redis() {
    let set = set_of(
        &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"],
        &Limits::default(),
    );
    assert_eq!(set.heap_bytes(), 32);
    assert!(size_of::<Set>() <= 32);
}
