//! Trees and sets against a plain model.

use std::collections::BTreeMap;

use super::tree::Tree;
use super::*;

/// Score bits that are in the order of the scores, and the member.
type Key = (i64, Vec<u8>);

fn key(score: f64, member: &[u8]) -> Key {
    let bits = (score + 0.0).to_bits() as i64;
    (bits ^ ((bits >> 63) as u64 >> 1) as i64, member.to_vec())
}

#[derive(Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
    order: BTreeMap<Key, f64>,
}

impl Model {
    fn put(&mut self, member: &[u8], score: f64) {
        self.remove(member);
        self.scores.insert(member.to_vec(), score);
        self.order.insert(key(score, member), score);
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.scores.remove(member)?;
        self.order.remove(&key(score, member));
        Some(score)
    }

    fn remove_ranks(&mut self, ranks: Range<usize>) {
        let keys: Vec<Key> = self.order.keys().cloned().collect();
        for (_, member) in &keys[ranks] {
            self.remove(member);
        }
    }

    fn in_order(&self) -> Vec<(Vec<u8>, f64)> {
        let all = self.order.iter();
        all.map(|((_, member), score)| (member.clone(), *score))
            .collect()
    }
}

fn in_order(zset: &Zset) -> Vec<(Vec<u8>, f64)> {
    zset.iter()
        .map(|(member, score)| (member.to_vec(), score))
        .collect()
}

fn put(zset: &mut Zset, member: &[u8], score: f64, limits: &Limits) {
    match zset.find(member) {
        Some(found) => zset.put_score(found, member, score),
        None => zset.add(member, score, limits),
    }
}

fn member(rng: &mut fastrand::Rng, most: u32) -> Vec<u8> {
    let number = rng.u32(..most);
    match number % 7 {
        0 => number.to_string().into_bytes(),
        1 => format!("{number:0100}").into_bytes(),
        2 => number.to_be_bytes()[3..].to_vec(),
        _ => format!("member:{number}").into_bytes(),
    }
}

fn score(rng: &mut fastrand::Rng) -> f64 {
    match rng.u32(..12) {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2 => 0.0,
        3 => -1.5e300,
        4..7 => f64::from(rng.i32(-5..5)),
        _ => rng.f64() * 1000.0,
    }
}

fn assert_same(zset: &Zset, model: &Model, rng: &mut fastrand::Rng) {
    let expected = model.in_order();
    assert_eq!(zset.len(), expected.len());
    assert_eq!(in_order(zset), expected);
    let mut back: Vec<_> = zset
        .range(0..zset.len(), Direction::Descending)
        .map(|(member, score)| (member.to_vec(), score))
        .collect();
    back.reverse();
    assert_eq!(back, expected);
    for (rank, (member, score)) in expected.iter().enumerate() {
        let found = zset.find(member).expect("it is there");
        assert_eq!((zset.rank(found), found.score), (rank, *score));
    }
    if !expected.is_empty() {
        let start = rng.usize(..expected.len());
        let end = rng.usize(start..=expected.len());
        let some: Vec<_> = zset
            .range(start..end, Direction::Ascending)
            .map(|(member, score)| (member.to_vec(), score))
            .collect();
        assert_eq!(some, expected[start..end]);
    }
    assert_ranges(zset, &expected, rng);
    let (mut cursor, mut scanned) = (0, BTreeMap::new());
    loop {
        cursor = zset.scan(cursor, 10, |member, score| {
            assert_eq!(scanned.insert(member.to_vec(), score), None);
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(scanned, model.scores);
}

fn assert_ranges(zset: &Zset, expected: &[(Vec<u8>, f64)], rng: &mut fastrand::Rng) {
    let range = ScoreRange {
        min: score(rng),
        is_min_excluded: rng.bool(),
        max: score(rng),
        is_max_excluded: rng.bool(),
    };
    let is_in = |score: f64| !range.is_below(score) && !range.is_above(score);
    let ranks = zset.ranks_by_score(&range);
    let count = expected.iter().filter(|(_, score)| is_in(*score)).count();
    assert_eq!(ranks.len(), count, "{range:?}");
    assert!(expected[ranks].iter().all(|(_, score)| is_in(*score)));
}

/// Grows, shrinks and changes a set, which is packed now and then.
fn run(seed: u64, steps: u32, members: u32, limits: &Limits) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut zset, mut model) = (Zset::default(), Model::default());
    for step in 0..steps {
        let name = member(&mut rng, members);
        // More comes than goes in one half of the time, less in the other.
        let grows = (step / (steps / 6)).is_multiple_of(2);
        match rng.u32(..10) {
            0..6 if grows => {
                let score = score(&mut rng);
                put(&mut zset, &name, score, limits);
                model.put(&name, score);
            }
            0..6 => {
                let found = zset.find(&name);
                assert_eq!(found.map(|found| found.score), model.remove(&name));
                found.into_iter().for_each(|found| zset.remove(found));
            }
            6 if rng.u32(..20) == 0 && !zset.is_empty() => {
                let start = rng.usize(..zset.len());
                let end = zset.len().min(start + rng.usize(..200));
                zset.remove_ranks(start..end);
                model.remove_ranks(start..end);
            }
            _ => {
                if let Some(found) = zset.find(&name) {
                    let score = found.score + rng.f64();
                    if !score.is_nan() {
                        zset.put_score(found, &name, score);
                        model.put(&name, score);
                    }
                }
            }
        }
        if step % (steps / 40) == 0 {
            assert_same(&zset, &model, &mut rng);
            if let Held::Tree(tree) = &zset.0 {
                tree.assert_sound();
            }
        }
    }
    assert_same(&zset.clone(), &model, &mut rng);
    if let Held::Tree(tree) = &mut zset.0 {
        tree.remove_ranks(1..tree.len());
        tree.assert_sound();
        assert_eq!(tree.len(), 1);
    }
    zset.remove_ranks(0..zset.len());
    assert!(zset.is_empty());
}

#[test]
fn a_set_is_what_was_put_into_it() {
    let scale = if cfg!(miri) { 100 } else { 1 };
    let unpacked = Limits {
        zset_max_listpack_entries: 0,
        ..Limits::default()
    };
    run(1, 20_000 / scale, 5_000, &unpacked);
    run(2, 120_000 / scale, 40_000, &unpacked);
    run(3, 8_000 / scale, 300, &Limits::default());
    let packed = Limits {
        zset_max_listpack_entries: 10_000,
        zset_max_listpack_value: 10_000,
        ..Limits::default()
    };
    run(4, 4_000 / scale, 150, &packed);
}

/// Leaves and inner nodes are split and joined at the ends, too.
#[test]
fn a_tree_grows_and_shrinks_at_either_end() {
    let mut tree = Tree::default();
    for number in 0..20_000u32 {
        tree.insert(&number.to_be_bytes(), f64::from(number));
    }
    let dense = tree.heap_bytes();
    tree.assert_sound();
    for number in (20_000..40_000u32).rev() {
        tree.insert(&number.to_be_bytes(), -f64::from(number));
    }
    tree.assert_sound();
    assert!(dense < 20_000 * 40, "{dense}");
    for step in 0..40_000 {
        let rank = if step % 3 == 0 { tree.len() - 1 } else { 0 };
        let at = tree.at_rank(rank);
        tree.remove(at);
        if step % 1_000 == 0 {
            tree.assert_sound();
        }
    }
    tree.assert_sound();
    assert_eq!(tree.len(), 0);
    assert!(tree.heap_bytes() < 8_000, "{}", tree.heap_bytes());
}

#[test]
fn members_of_one_score_are_found_by_their_bytes() {
    let mut rng = fastrand::Rng::with_seed(9);
    for entries in [0, 10_000] {
        let limits = Limits {
            zset_max_listpack_entries: entries,
            zset_max_listpack_value: 200,
            ..Limits::default()
        };
        let mut zset = Zset::default();
        for _ in 0..700 {
            put(&mut zset, &member(&mut rng, 2_000), 1.0, &limits);
        }
        let all: Vec<Vec<u8>> = in_order(&zset)
            .into_iter()
            .map(|(member, _)| member)
            .collect();
        assert!(all.is_sorted());
        for _ in 0..400 {
            let (low, high) = (member(&mut rng, 2_000), member(&mut rng, 2_000));
            let mut bound = |bytes| match rng.u32(..8) {
                0 => LexBound::Lowest,
                1 => LexBound::Highest,
                2..5 => LexBound::Included(bytes),
                _ => LexBound::Excluded(bytes),
            };
            let range = LexRange {
                min: bound(&low),
                max: bound(&high),
            };
            let is_in = |member: &&Vec<u8>| !range.is_below(member) && !range.is_above(member);
            let expected: Vec<_> = all.iter().filter(is_in).collect();
            for direction in [Direction::Ascending, Direction::Descending] {
                let offset = rng.i64(-3..3);
                let ranks = zset.ranks_by_lex(&range, direction, offset);
                let skipped = match usize::try_from(offset) {
                    Ok(offset) => offset,
                    Err(_) if entries > 0 => usize::MAX,
                    Err(_) => expected.len().wrapping_add_signed(offset as isize),
                };
                let wanted = direction.skip(0..expected.len(), skipped);
                let given: Vec<_> = all[ranks].iter().collect();
                assert_eq!(given, expected[wanted], "{range:?}");
            }
        }
    }
}

/// Asked of Redis 7.4.1.
#[test]
fn a_set_is_unpacked_where_redis_does() {
    let limits = Limits::default();
    let filled = |count: usize| {
        let mut zset = Zset::default();
        for number in 0..count {
            zset.add(number.to_string().as_bytes(), 0.0, &limits);
        }
        zset
    };
    assert_eq!(filled(128).encoding(), "listpack");
    assert_eq!(filled(129).encoding(), "skiplist");
    let mut zset = filled(1);
    zset.add(&[b'x'; 64], 0.0, &limits);
    assert_eq!(zset.encoding(), "listpack");
    zset.add(&[b'x'; 65], 0.0, &limits);
    assert_eq!(zset.encoding(), "skiplist");
    zset.remove_ranks(1..3);
    assert_eq!((zset.len(), zset.encoding()), (1, "skiplist"));
    let mut zset = filled(1);
    zset.expect(128, 100, &limits);
    assert_eq!(zset.encoding(), "listpack");
    zset.expect(129, 1, &limits);
    assert_eq!(zset.encoding(), "skiplist");
    let mut zset = Zset::default();
    zset.expect(1, 65, &limits);
    assert_eq!(zset.encoding(), "skiplist");
}

#[test]
fn what_was_gathered_is_packed_if_it_is_small() {
    let limits = Limits::default();
    for (count, longest, encoding) in [
        (0, 1, "listpack"),
        (128, 64, "listpack"),
        (129, 1, "skiplist"),
        (2, 65, "skiplist"),
    ] {
        let mut zset = Zset::unpacked();
        for number in 0..count {
            let member = format!("{number:0longest$}");
            assert_eq!(
                zset.update(member.as_bytes(), &limits, |_| Some(-0.0)),
                Update::Added
            );
        }
        let before = in_order(&zset);
        zset.pack(&limits);
        assert_eq!((zset.len(), zset.encoding()), (count, encoding));
        assert_eq!(in_order(&zset), before);
        let scores: Vec<f64> = zset.iter().map(|(_, score)| score).collect();
        assert!(
            scores
                .iter()
                .all(|it| it.is_sign_negative() == (encoding == "skiplist"))
        );
    }
}

#[test]
fn an_update_tells_what_it_has_done() {
    let limits = Limits::default();
    let mut zset = Zset::default();
    assert_eq!(zset.update(b"a", &limits, |old| old), Update::Same);
    assert_eq!(zset.update(b"a", &limits, |_| Some(1.0)), Update::Added);
    assert_eq!(zset.update(b"a", &limits, |old| old), Update::Same);
    assert_eq!(zset.update(b"a", &limits, |_| None), Update::Same);
    assert_eq!(
        zset.update(b"a", &limits, |old| old.map(|it| it + 1.0)),
        Update::Changed
    );
    assert_eq!(zset.score(b"a"), Some(2.0));
}

#[test]
fn a_packed_set_lies_as_redis_lays_it() {
    let mut zset = Zset::default();
    for (member, score) in [("b", 2.5), ("10", -3.0), ("a", 2.5), ("z", f64::INFINITY)] {
        zset.add(member.as_bytes(), score, &Limits::default());
    }
    zset.add(b"zero", -0.0, &Limits::default());
    zset.add(b"big", 5e18, &Limits::default());
    let items: Vec<Item<'_>> = zset.as_packed().expect("it is").iter().collect();
    let expected = [
        Item::Int(10),
        Item::Int(-3),
        Item::Bytes(b"zero"),
        Item::Int(0),
        Item::Bytes(b"a"),
        Item::Bytes(b"2.5"),
        Item::Bytes(b"b"),
        Item::Bytes(b"2.5"),
        Item::Bytes(b"big"),
        Item::Bytes(b"5e+18"),
        Item::Bytes(b"z"),
        Item::Bytes(b"inf"),
    ];
    assert_eq!(items, expected);
}

#[test]
fn a_large_set_costs_little_beside_its_members() {
    let limits = Limits::default();
    let mut rng = fastrand::Rng::with_seed(4);
    let mut zset = Zset::default();
    for number in 0..100_000 {
        let member = format!("member:{number:09}");
        zset.add(member.as_bytes(), rng.f64(), &limits);
    }
    let each = zset.heap_bytes() as f64 / 100_000.0;
    assert!(each < 52.0, "{each} bytes a member of 16");
}
