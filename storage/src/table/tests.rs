//! The table against plain maps, while it grows, shrinks, splits and merges.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;
use crate::value::Value;

/// Fewer steps where each takes a thousand times as long.
fn steps(count: usize) -> usize {
    if cfg!(miri) { count / 100 } else { count }
}

fn insert(table: &mut Table, key: &[u8], expiry_ms: Option<i64>) -> Place {
    let hash = table.hash(key);
    table.insert(hash, Entry::new(key, Value::Bytes(key), 0, expiry_ms), 0)
}

fn find(table: &Table, key: &[u8]) -> Option<Place> {
    table.find(table.hash(key), key)
}

/// That the directory, the counts and the order are what they should be.
fn check(table: &Table) {
    assert_eq!(
        table.directory.len(),
        if table.is_empty() {
            0
        } else {
            1 << table.depth
        }
    );
    let mut at = 0u64;
    let (mut len, mut volatile) = (0, 0);
    while let Some(segment) = u32::try_from(at).ok().and_then(|it| table.segment_of(it)) {
        let segment = &table.segments[segment as usize];
        assert_eq!(u64::from(segment.floor()), at);
        assert!(segment.depth() <= table.depth);
        let entries: Vec<&Entry> = segment.cells().iter().flatten().collect();
        assert_eq!(entries.len(), segment.len());
        assert!(entries.is_sorted_by_key(|entry| entry.fingerprint()));
        assert!(segment.finds_all());
        len += segment.len();
        volatile += segment.volatile();
        at = segment.end();
    }
    assert!(table.is_empty() || at == 1 << 32);
    assert_eq!((len, volatile), (table.len(), table.volatile()));
    assert!(table.depth == 0 || table.of_depth[table.depth as usize] > 0);
    assert_eq!(
        table.of_depth.iter().sum::<u32>() as usize,
        table.segments.len()
    );
    let segments = || table.segments.iter();
    assert_eq!(
        table.cell_bytes,
        segments().map(Segment::cell_bytes).sum::<usize>()
    );
    assert_eq!(
        table.due_bytes,
        segments().map(Segment::due_bytes).sum::<usize>()
    );
    assert!(segments().all(|it| it.cells().len() <= table.widest));
}

/// That a copy holds the same at the same places.
fn check_copy(table: &Table) {
    let copy = table.duplicate();
    check(&copy);
    let all = |table: &Table| -> Vec<_> {
        let each = table.iter().map(|it| (it.key().to_vec(), it.expiry_ms()));
        each.collect()
    };
    assert_eq!(all(&copy), all(table));
    let is_found = |it: &Entry| find(&copy, it.key()) == find(table, it.key());
    assert!(table.iter().all(is_found));
}

/// A split takes entries of one fingerprint apart by a bit, in any order, and some of these bits are the
/// border between two homes.
#[test]
fn entries_are_found_where_a_split_has_put_them() {
    for round in 0..steps(400).max(4) {
        let mut table = Table::new(Hasher::default());
        for key in 0..4_000u32 {
            insert(
                &mut table,
                &key.to_be_bytes(),
                (round % 2 == 0).then_some(1),
            );
        }
        check(&table);
        let is_there = |key: u32| find(&table, &key.to_be_bytes()).is_some();
        assert!((0..4_000).all(is_there));
    }
}

/// Grows to some ten thousand entries and drains, several times.
#[test]
fn a_table_is_a_map() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut table = Table::new(Hasher::default());
    let mut model: HashMap<u32, Option<i64>> = HashMap::new();
    let total = steps(400_000);
    for step in 0..total {
        let key = rng.u32(..30_000);
        let bytes = key.to_be_bytes();
        let found = find(&table, &bytes);
        assert_eq!(found.is_some(), model.contains_key(&key));
        let is_growing = step % (total / 2) < total / 4;
        match found {
            Some(at) if rng.u8(..8) == 0 || !is_growing => {
                let entry = table.remove(at).expect("found");
                assert_eq!(entry.key(), bytes);
                assert_eq!(Some(entry.expiry_ms()), model.remove(&key));
            }
            Some(at) => {
                let expiry_ms = rng.bool().then(|| rng.i64(..1 << 40));
                let entry = table.get_mut(at).expect("found");
                entry.put_expiry(expiry_ms);
                table.note_expiry(at, expiry_ms, step as i64);
                model.insert(key, expiry_ms);
            }
            None if is_growing || rng.u8(..8) == 0 => {
                let expiry_ms = rng.bool().then(|| rng.i64(..1 << 40));
                insert(&mut table, &bytes, expiry_ms);
                model.insert(key, expiry_ms);
            }
            None => {}
        }
        assert_eq!(table.len(), model.len());
        if step % (total / 40) == 0 {
            check(&table);
            check_copy(&table);
        }
    }
    let found: BTreeMap<_, _> = table
        .iter()
        .map(|it| (it.key().to_vec(), it.expiry_ms()))
        .collect();
    let expected: BTreeMap<_, _> = model
        .iter()
        .map(|(key, &it)| (key.to_be_bytes().to_vec(), it))
        .collect();
    assert_eq!(found, expected);
    let volatile: BTreeSet<_> = table
        .volatile_entries()
        .map(|it| it.key().to_vec())
        .collect();
    assert_eq!(volatile.len(), model.values().flatten().count());
}

#[test]
fn an_emptied_table_holds_no_memory() {
    let mut table = Table::new(Hasher::default());
    let keys: Vec<[u8; 4]> = (0..steps(20_000) as u32).map(u32::to_be_bytes).collect();
    for key in &keys {
        insert(&mut table, key, Some(1));
    }
    for (count, key) in keys.iter().enumerate() {
        let at = find(&table, key).expect("it was inserted");
        table.remove(at);
        // What is left of a table costs at most some cells for each of its entries.
        let left = keys.len() - count - 1;
        assert!(
            table.overhead_bytes() <= left * 64 + 1024,
            "{left} are left"
        );
    }
    assert_eq!(
        (table.capacity(), table.overhead_bytes() + table.due_bytes()),
        (0, 0)
    );
}

#[test]
fn a_table_is_mostly_full() {
    let mut table = Table::new(Hasher::default());
    for key in 0..steps(100_000) as u32 {
        insert(&mut table, &key.to_be_bytes(), None);
        if key > 200 && key % 100 == 0 {
            let bytes = table.overhead_bytes() as f64 / table.len() as f64;
            assert!(bytes < 8.0, "{bytes} bytes an entry of {key}");
        }
    }
}

/// Every entry is met once, in whatever steps the walk is made, while others come and go.
#[test]
fn a_walk_over_groups_meets_what_stays_once() {
    let mut rng = fastrand::Rng::with_seed(4);
    for _ in 0..steps(300).max(3) {
        let mut table = Table::new(Hasher::default());
        let most = if cfg!(miri) { 200 } else { 3_000 };
        let stays: BTreeSet<u32> = (0..rng.u32(..most)).collect();
        stays.iter().for_each(|key| {
            insert(&mut table, &key.to_be_bytes(), None);
        });
        let mut met: HashMap<u32, u32> = HashMap::new();
        let mut from = 0;
        while let Some(group) = table.group(from) {
            assert!(group.next > from);
            from = group.next;
            for entry in group.places().filter_map(|at| table.get(at)) {
                let key = entry.key().try_into().expect("four bytes");
                *met.entry(u32::from_be_bytes(key)).or_default() += 1;
            }
            for _ in 0..rng.u32(..8) {
                let key = rng.u32(1_000_000..1_010_000).to_be_bytes();
                match find(&table, &key) {
                    Some(at) => drop(table.remove(at)),
                    None => drop(insert(&mut table, &key, None)),
                }
            }
        }
        for key in &stays {
            // Merging segments makes groups coarser, so that a few are met twice.
            let times = *met.get(key).unwrap_or(&0);
            assert!((1..=2).contains(&times), "{key} was met {times} times");
        }
    }
}

#[test]
fn samples_are_fair() {
    let mut table = Table::new(Hasher::default());
    for key in 0..1_500u32 {
        insert(&mut table, &key.to_be_bytes(), (key % 50 == 0).then_some(1));
    }
    let mut rng = fastrand::Rng::with_seed(1);
    let mut draws: HashMap<Vec<u8>, usize> = HashMap::new();
    for _ in 0..steps(150_000) {
        let at = table.sample(&mut rng).expect("it is not empty");
        *draws
            .entry(table.get(at).expect("found").key().to_vec())
            .or_default() += 1;
    }
    if !cfg!(miri) {
        // 100 each, and a standard deviation of 10.
        assert_eq!(draws.len(), 1_500);
        let (least, most) = (draws.values().min(), draws.values().max());
        assert!(
            least >= Some(&55) && most <= Some(&150),
            "{least:?} {most:?}"
        );
    }
    let mut volatile: HashMap<Vec<u8>, usize> = HashMap::new();
    for _ in 0..steps(30_000) {
        table.sample_volatile(&mut rng, 3, |entry| {
            assert!(entry.expiry_ms().is_some());
            *volatile.entry(entry.key().to_vec()).or_default() += 1;
        });
    }
    assert_eq!(volatile.len(), 30);
    let mut seen = BTreeSet::new();
    for _ in 0..steps(30_000) {
        table.sample_run(&mut rng, 16, |entry| {
            seen.insert(entry.key().to_vec());
        });
    }
    assert!(cfg!(miri) || seen.len() == 1_500);
}

/// Room that was made is used; too much of it is given back, and too little is no limit.
#[test]
fn room_is_made_before_entries_come() {
    for (reserved, count) in [
        (10_000, 10_000),
        (10_000, 0),
        (10_000, 1),
        (10_000, 700),
        (100, 10_000),
        (1, 100),
        (0, 100),
        (800, 800),
        (801, 801),
    ] {
        let mut table = Table::new(Hasher::default());
        table.reserve(reserved);
        let segments = table.segments.len();
        let numbers = 0..steps(count).max(count.min(100)) as u32;
        for number in numbers.clone() {
            let expiry_ms = (number % 3 == 0).then_some(1 + i64::from(number));
            insert(&mut table, &number.to_be_bytes(), expiry_ms);
        }
        assert!(segments == table.segments.len() || reserved < count);
        table.fit();
        check(&table);
        check_copy(&table);
        let is_there = |number: u32| find(&table, &number.to_be_bytes()).is_some();
        assert!(numbers.clone().all(is_there));
        let cells = table
            .segments
            .iter()
            .map(|it| it.cells().len())
            .sum::<usize>();
        assert!(cells <= 16 + table.len() * 4, "{reserved} {count}: {cells}");
        // What is there already stays as it is.
        table.reserve(100_000);
        assert_eq!(table.len(), numbers.len());
    }
}
