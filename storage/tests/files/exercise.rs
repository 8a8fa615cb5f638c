//! Looking through values that came out of bytes, and changing them in every way.

use fastrand::Rng;
use storage::value::hash::FieldExpiry;
use storage::value::list::{End, Side};
use storage::value::stream::{Entries, Keep, NewId, NodeLimits, Pending, StreamId, Trim};
use storage::value::{Hash, Limits, List, Object, Set, Stream, Zset};

/// Changes a value some times, and looks through it before and afterwards.
///
/// # Panics
/// If what is told of it is not what is in it.
pub(crate) fn exercise(mut object: Object, limits: &Limits, rng: &mut Rng) {
    look_through(&object);
    for _ in 0..6 {
        let word = word(&object, rng);
        match &mut object {
            Object::List(list) => change_list(list, &word, limits, rng),
            Object::Hash(hash) => change_hash(hash, &word, limits, rng),
            Object::Set(set) => change_set(set, &word, limits, rng),
            Object::Zset(zset) => change_zset(zset, &word, limits, rng),
            Object::Stream(stream) => change_stream(stream, &word, rng),
        }
    }
    look_through(&object);
}

/// An element that is there, or a new one.
fn word(object: &Object, rng: &mut Rng) -> Vec<u8> {
    if rng.bool() {
        return match rng.u8(..3) {
            0 => rng.i64(..).to_string().into_bytes(),
            1 => vec![b'x'; rng.usize(..200)],
            _ => vec![rng.u8(..)],
        };
    }
    let nth = rng.usize(..object.len().clamp(1, 50));
    let found = match object {
        Object::List(list) => list.with(nth as i64, |it| it.to_vec()),
        Object::Hash(hash) => hash.iter().nth(nth).map(|it| it.name.to_vec()),
        Object::Set(set) => set.iter().nth(nth).map(|it| it.to_vec()),
        Object::Zset(zset) => zset.iter().nth(nth).map(|(it, _)| it.to_vec()),
        Object::Stream(stream) => stream.groups().next().map(|(name, _)| name.to_vec()),
    };
    found.unwrap_or_default()
}

fn change_list(list: &mut List, word: &[u8], limits: &Limits, rng: &mut Rng) {
    let end = [End::Head, End::Tail][rng.usize(..2)];
    let at = rng.usize(..list.len() + 1);
    match rng.u8(..7) {
        0 => list.push_all(end, [word, b"1", word].into_iter(), limits),
        1 => list.pop(end, rng.usize(1..4), limits),
        2 => drop(list.insert(Side::After, word, b"inserted", limits)),
        3 => drop(list.insert(Side::Before, word, b"12345", limits)),
        4 => drop(list.remove(word, end, rng.usize(1..3), limits)),
        5 => drop(list.set(at as i64, word, limits)),
        _ => list.remove_range(at, rng.usize(1..5), limits),
    }
}

fn change_hash(hash: &mut Hash, word: &[u8], limits: &Limits, rng: &mut Rng) {
    let expiry = [FieldExpiry::Clear, FieldExpiry::Keep][rng.usize(..2)];
    match rng.u8(..6) {
        0 | 1 => {
            let value = vec![b'v'; rng.usize(..100)];
            hash.prepare([(word, &value[..])].into_iter(), limits);
            hash.set(word, &value, expiry, limits);
        }
        2 => drop(hash.remove(word)),
        3 => {
            if let Some(spot) = hash.find(word) {
                let expiry_ms = rng.bool().then(|| rng.i64(1..1 << 46));
                hash.set_expiry(spot, expiry_ms, 1);
            }
        }
        4 => {
            if let Some(spot) = hash.next_expired(rng.i64(..1 << 46)) {
                hash.remove_at(spot);
            }
        }
        _ => drop(
            hash.sample(rng)
                .map(|spot| assert!(hash.at(spot).is_some())),
        ),
    }
}

fn change_set(set: &mut Set, word: &[u8], limits: &Limits, rng: &mut Rng) {
    match rng.u8(..5) {
        0 | 1 => {
            set.prepare(word, 1, limits);
            set.add(word, limits);
            assert!(set.contains(word));
        }
        2 => {
            set.remove(word);
            assert!(!set.contains(word));
        }
        3 => {
            if let Some(spot) = set.sample(rng) {
                set.remove_at(spot);
            }
        }
        _ => drop(set.keep(rng.usize(1..20), limits, rng)),
    }
}

fn change_zset(zset: &mut Zset, word: &[u8], limits: &Limits, rng: &mut Rng) {
    match rng.u8(..4) {
        0 | 1 => {
            let score = [0.0, -1.5, f64::INFINITY, 3e300][rng.usize(..4)];
            zset.expect(1, word.len(), limits);
            zset.update(word, limits, |_| Some(score));
            assert_eq!(zset.score(word), Some(score));
        }
        2 => {
            if let Some(found) = zset.find(word) {
                zset.remove(found);
            }
        }
        _ => {
            let from = rng.usize(..zset.len() + 1);
            drop(zset.remove_ranks(from..from + rng.usize(..5)));
        }
    }
}

fn change_stream(stream: &mut Stream, word: &[u8], rng: &mut Rng) {
    let nth = rng.usize(..stream.len().clamp(1, 50));
    let mut ids = stream.entries().range(StreamId::MIN, StreamId::MAX);
    let id = ids.nth(nth).map_or(StreamId::new(7, 7), |entry| entry.id);
    let limits = NodeLimits {
        max_bytes: 4096,
        max_entries: 100,
    };
    match rng.u8(..6) {
        0 | 1 => {
            if let Some(id) = stream.entries().new_id(NewId::Now(rng.u64(..))) {
                let pairs = [(&b"field"[..], word), (word, b"5")];
                stream.entries_mut().push(id, pairs.into_iter(), limits);
                assert!(stream.entries().get(id).is_some());
            }
        }
        2 => drop(stream.entries_mut().delete(id)),
        3 => {
            let trim = Trim {
                keep: [Keep::Last(nth), Keep::From(id)][rng.usize(..2)],
                is_approximate: rng.bool(),
                limit: rng.usize(..3),
            };
            let mut gone = Entries::default();
            stream.entries_mut().trim(&trim, &mut gone);
        }
        4 => change_group(stream, word, id, rng),
        _ => drop(stream.remove_group(word)),
    }
}

fn change_group(stream: &mut Stream, name: &[u8], id: StreamId, rng: &mut Rng) {
    let Some(mut group) = stream.group_mut(name) else {
        return;
    };
    let (Ok(consumer) | Err(consumer)) = group.add_consumer(b"someone", 5);
    let pending = Pending {
        consumer,
        delivered_ms: 9,
        count: 1,
    };
    match rng.u8(..4) {
        0 => group.assign(id, pending),
        1 => drop(group.acknowledge(id)),
        2 => group.deliver_again(id, 10),
        _ => drop(group.remove_consumer(consumer)),
    }
}

fn look_through(object: &Object) {
    assert!(object.heap_bytes() > 0 || object.is_empty());
    let count = match object {
        Object::List(list) => look_through_list(list),
        Object::Hash(hash) => hash
            .iter()
            .inspect(|it| assert!(it.name.with_bytes(|name| hash.get(name)).is_some()))
            .count(),
        Object::Set(set) => set
            .iter()
            .inspect(|it| assert!(set.contains_item(*it)))
            .count(),
        Object::Zset(zset) => {
            let scores: Vec<f64> = zset.iter().map(|(_, score)| score).collect();
            assert!(scores.is_sorted(), "{scores:?}");
            zset.iter()
                .inspect(|(it, score)| {
                    assert_eq!(it.with_bytes(|member| zset.score(member)), Some(*score));
                })
                .count()
        }
        Object::Stream(stream) => look_through_stream(stream),
    };
    assert_eq!(count, object.len());
}

fn look_through_list(list: &List) -> usize {
    let (mut there, mut back) = (Vec::new(), Vec::new());
    list.walk(0, End::Tail, usize::MAX, |it| {
        there.push(it.to_vec());
        true
    });
    if let Some(last) = list.len().checked_sub(1) {
        list.walk(last, End::Head, usize::MAX, |it| {
            back.push(it.to_vec());
            true
        });
    }
    assert!(there.iter().eq(back.iter().rev()));
    there.len()
}

fn look_through_stream(stream: &Stream) -> usize {
    let entries = stream.entries();
    let ids = || {
        let all = entries.range(StreamId::MIN, StreamId::MAX);
        all.map(|entry| (entry.id, entry.fields.count()))
    };
    let back = entries.range_back(StreamId::MIN, StreamId::MAX);
    let mut back: Vec<_> = back.map(|entry| (entry.id, entry.fields.count())).collect();
    back.reverse();
    assert!(ids().eq(back));
    assert!(ids().is_sorted_by(|a, b| a.0 < b.0));
    for (name, group) in stream.groups() {
        assert!(stream.group(name).is_some());
        for (id, pending) in group.pending() {
            let consumer = group.consumer(pending.consumer);
            assert_eq!(consumer.pending_range(id, id).count(), 1);
        }
        let of_consumers: usize = group.consumers().map(|(_, it)| it.pending_len()).sum();
        assert_eq!(of_consumers, group.pending_len());
        let _ = group.lag(entries);
    }
    ids().count()
}
