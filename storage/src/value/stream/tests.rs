use std::collections::BTreeMap;

use super::*;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The defaults.
const USUAL: NodeLimits = NodeLimits {
    max_bytes: 4096,
    max_entries: 100,
};

fn id(ms: u64, seq: u64) -> StreamId {
    StreamId::new(ms, seq)
}

fn pairs(words: &[&str]) -> Pairs {
    let bytes = |word: &str| word.as_bytes().to_vec();
    words
        .chunks(2)
        .map(|pair| (bytes(pair[0]), bytes(pair[1])))
        .collect()
}

fn push(entries: &mut Entries, id: StreamId, pairs: &Pairs, limits: NodeLimits) {
    let pairs = pairs.iter();
    entries.push(id, pairs.map(|(field, value)| (&**field, &**value)), limits);
}

fn read(entry: &StreamEntry<'_>) -> (StreamId, Pairs) {
    let fields = entry.fields.clone();
    let pairs = fields.map(|(field, value)| (field.to_vec(), value.to_vec()));
    (entry.id, pairs.collect())
}

fn trim(entries: &mut Entries, keep: Keep) -> usize {
    let trim = Trim {
        keep,
        is_approximate: false,
        limit: 0,
    };
    entries.trim(&trim, &mut Entries::default())
}

/// The bytes are those that Redis 7.4.1 dumps after the same commands.
#[test]
fn nodes_are_laid_out_as_redis_does() {
    let mut entries = Entries::default();
    let limits = USUAL;
    let far = id(5000, u64::MAX);
    for (id, words) in [
        (id(1000, 5), &["name", "alice", "age", "42"][..]),
        (id(1000, 6), &["name", "bob", "age", "-7"]),
        (
            id(1001, 0),
            &["name", "carol", "city", "Ulm an der Donau", "zip", "89073"],
        ),
        (id(5000, 3), &["name", "", "age", "99999999999"]),
        (far, &["a", "1"]),
        (id(5001, 1), &["name", "x", "age", "y"]),
    ] {
        push(&mut entries, id, &pairs(words), limits);
    }
    assert!(entries.delete(id(1000, 6)) && entries.delete(id(5000, 3)));
    let expected = "ac0000003000040102010201846e616d65058361676504000102010001000185616c696365062a0105\
        0103010001010183626f6204dff902050100010101dffb020301846e616d6505856361726f6c068463697479\
        0590556c6d20616e2064657220446f6e617511837a697004f2f15b01040a010301cfa002dffe028001f4ff\
        e77648170000000905010001cfa002dffa020101816102010106010201cfa102dffc028178028179020501ff";
    let nodes: Vec<(StreamId, &[u8])> = entries.nodes().collect();
    let [(master, bytes)] = nodes[..] else {
        panic!("one node, not {}", nodes.len());
    };
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((master, hex), (id(1000, 5), expected.to_owned()));
}

#[test]
fn ids_grow_whatever_the_clock_says() {
    let mut entries = Entries::default();
    assert_eq!(entries.new_id(NewId::Now(7)), Some(id(7, 0)));
    assert_eq!(entries.new_id(NewId::Now(0)), Some(id(0, 1)));
    assert_eq!(entries.new_id(NewId::Within(0)), Some(id(0, 1)));
    assert_eq!(entries.new_id(NewId::Exactly(StreamId::MIN)), None);
    entries.set_last_id(id(7, u64::MAX));
    assert_eq!(entries.new_id(NewId::Now(6)), Some(id(8, 0)));
    assert_eq!(entries.new_id(NewId::Now(8)), Some(id(8, 0)));
    assert_eq!(entries.new_id(NewId::Within(7)), None);
    assert_eq!(entries.new_id(NewId::Within(6)), None);
    assert_eq!(entries.new_id(NewId::Within(8)), Some(id(8, 0)));
    assert_eq!(entries.new_id(NewId::Exactly(id(7, u64::MAX))), None);
    entries.set_last_id(StreamId::MAX);
    assert_eq!(entries.new_id(NewId::Now(8)), None);
}

#[test]
fn a_node_closes_at_its_bytes_or_at_its_entries() {
    let nodes = |max_bytes, max_entries, value: &str| {
        let limits = NodeLimits {
            max_bytes,
            max_entries,
        };
        let mut entries = Entries::default();
        for ms in 1..=1000 {
            push(&mut entries, id(ms, 0), &pairs(&["f", value]), limits);
        }
        entries.radix_tree().0
    };
    // As many as Redis 7.4.1 has then.
    assert_eq!(nodes(4096, 100, "v"), 10);
    assert_eq!(nodes(4096, 0, "v"), 3);
    assert_eq!(nodes(0, 0, "v"), 1);
    assert_eq!(nodes(0, 7, "v"), 143);
    assert_eq!(nodes(1, 100, "v"), 1000);
    assert_eq!(nodes(4096, 100, "a value of thirty-two characters"), 11);
}

/// Entries as Redis keeps them, in plain containers.
#[derive(Default)]
struct Model {
    nodes: Vec<Vec<(StreamId, Pairs, bool)>>,
    max_deleted: StreamId,
}

impl Model {
    fn live(&self) -> impl DoubleEndedIterator<Item = (StreamId, Pairs)> {
        let slots = self.nodes.iter().flatten();
        slots
            .filter(|(_, _, is_deleted)| !is_deleted)
            .map(|(id, pairs, _)| (*id, pairs.clone()))
    }

    fn push(&mut self, id: StreamId, pairs: Pairs, most: usize) {
        if self.nodes.last().is_none_or(|node| node.len() >= most) {
            self.nodes.push(Vec::new());
        }
        self.nodes.last_mut().unwrap().push((id, pairs, false));
    }

    fn delete(&mut self, id: StreamId) -> bool {
        let mut slots = self.nodes.iter_mut().flatten();
        let Some(slot) = slots.find(|(known, _, is_deleted)| *known == id && !is_deleted) else {
            return false;
        };
        slot.2 = true;
        self.max_deleted = self.max_deleted.max(id);
        // Only the node of the entry: one may have lost its entries by trimming.
        self.nodes.retain(|node| {
            node.iter().all(|(known, ..)| *known != id) || node.iter().any(|slot| !slot.2)
        });
        true
    }

    fn trim(&mut self, trim: &Trim) -> usize {
        let mut removed = 0;
        loop {
            let len = self.live().count();
            let Some(node) = self.nodes.first_mut() else {
                return removed;
            };
            let live = node.iter().filter(|slot| !slot.2).count();
            let is_whole = match trim.keep {
                Keep::Last(count) if len <= count => return removed,
                Keep::Last(count) => len - live >= count,
                Keep::From(id) => node.last().unwrap().0 < id,
            };
            if trim.limit > 0 && removed + live > trim.limit {
                return removed;
            }
            if is_whole {
                self.nodes.remove(0);
                removed += live;
                continue;
            }
            if !trim.is_approximate {
                let excess = match trim.keep {
                    Keep::Last(count) => len - count,
                    Keep::From(_) => usize::MAX,
                };
                let from = |id| matches!(trim.keep, Keep::From(from) if id >= from);
                let slots = node.iter_mut().filter(|slot| !slot.2 && !from(slot.0));
                for slot in slots.take(excess) {
                    slot.2 = true;
                    removed += 1;
                }
            }
            return removed;
        }
    }
}

#[track_caller]
fn check(stream: &Stream, model: &Model) {
    let entries = stream.entries();
    let live: Vec<_> = model.live().collect();
    assert_eq!(entries.len(), live.len());
    assert_eq!(entries.radix_tree().0, model.nodes.len());
    let first = live.first().map_or(StreamId::MIN, |(id, _)| *id);
    let last = live.last().map_or(StreamId::MIN, |(id, _)| *id);
    assert_eq!((entries.first_id(), entries.last_live_id()), (first, last));
    assert_eq!(entries.max_deleted_id(), model.max_deleted);
    let all = entries.range(StreamId::MIN, StreamId::MAX);
    assert!(all.map(|entry| read(&entry)).eq(live));
    // A clone is taken to pieces of the sizes that are needed, and never larger.
    assert!(stream.clone().heap_bytes() <= stream.heap_bytes());
}

fn random_pairs(rng: &mut fastrand::Rng) -> Pairs {
    let sets = [
        &["a", "b"][..],
        &["a", "c"],
        &["a"],
        &["7", "-1"],
        &["a", "b", "c"],
    ];
    let fields = sets[rng.usize(..sets.len()).saturating_sub(rng.usize(..5))];
    let value = |rng: &mut fastrand::Rng| match rng.u8(..5) {
        0 => Vec::new(),
        1 => rng.i64(-70_000..70_000).to_string().into_bytes(),
        2 => rng.i64(..).to_string().into_bytes(),
        _ => vec![b'x'; rng.usize(..100)],
    };
    let fields = fields.iter().map(|field| field.as_bytes().to_vec());
    fields.map(|field| (field, value(rng))).collect()
}

fn random_trim(rng: &mut fastrand::Rng, len: usize, id: StreamId) -> Trim {
    Trim {
        keep: match rng.bool() {
            true => Keep::Last(rng.usize(..=len + 2)),
            false => Keep::From(id),
        },
        is_approximate: rng.bool(),
        limit: if rng.bool() { 0 } else { rng.usize(..20) },
    }
}

#[test]
fn entries_are_those_of_the_model() {
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let most = [1, 2, 5, 100][seed as usize % 4];
        let limits = NodeLimits {
            max_bytes: 0,
            max_entries: most,
        };
        let (mut stream, mut model) = (Stream::default(), Model::default());
        for _ in 0..1500 {
            let entries = stream.entries_mut();
            let last = entries.last_id();
            let span = last.ms.saturating_sub(40)..=last.ms + 1;
            let some = id(rng.u64(span), rng.u64(..3));
            match rng.u8(..100) {
                0..60 => {
                    let wanted = match rng.bool() {
                        true => NewId::Now(last.ms + rng.u64(..2)),
                        false => NewId::Exactly(some),
                    };
                    if let Some(id) = entries.new_id(wanted) {
                        let pairs = random_pairs(&mut rng);
                        push(entries, id, &pairs, limits);
                        model.push(id, pairs, most);
                    }
                }
                60..90 => assert_eq!(entries.delete(some), model.delete(some), "seed {seed}"),
                90..92 => {
                    let trim = random_trim(&mut rng, entries.len(), some);
                    let mut gone = Entries::default();
                    let removed = entries.trim(&trim, &mut gone);
                    assert_eq!(removed, model.trim(&trim), "seed {seed}: {trim:?}");
                }
                _ => {
                    let to = id(some.ms + rng.u64(..30), rng.u64(..3));
                    let ids = |entry: StreamEntry<'_>| entry.id;
                    let in_range = model.live().map(|(id, _)| id);
                    let expected: Vec<_> = in_range.filter(|&id| some <= id && id <= to).collect();
                    let found = entries.range(some, to).map(ids);
                    assert!(found.eq(expected.iter().copied()), "seed {seed}");
                    let found = entries.range_back(some, to).map(ids);
                    assert!(found.eq(expected.iter().rev().copied()), "seed {seed}");
                    assert!(to <= some || entries.range(to, some).next().is_none());
                }
            }
            check(&stream, &model);
        }
    }
}

#[test]
fn an_empty_stream_still_knows_its_past() {
    let limits = USUAL;
    let mut entries = Entries::default();
    for seq in 1..=3 {
        push(&mut entries, id(5, seq), &pairs(&["f", "v"]), limits);
    }
    assert_eq!(trim(&mut entries, Keep::Last(1)), 2);
    assert_eq!(entries.first_id(), id(5, 3));
    assert_eq!(entries.max_deleted_id(), StreamId::MIN);
    assert!(entries.delete(id(5, 3)) && !entries.delete(id(5, 3)));
    assert_eq!((entries.len(), entries.added()), (0, 3));
    assert_eq!(entries.first_id(), StreamId::MIN);
    assert_eq!(
        (entries.last_id(), entries.max_deleted_id()),
        (id(5, 3), id(5, 3))
    );
}

/// A group in plain containers: what is pending with the name of who has it.
#[derive(Default)]
struct Readers {
    pending: BTreeMap<StreamId, (Vec<u8>, i64, u64)>,
    consumers: BTreeMap<Vec<u8>, ()>,
}

#[track_caller]
fn check_group(group: &Group, model: &Readers) {
    assert!(
        group
            .consumers()
            .map(|(_, one)| one.name())
            .eq(model.consumers.keys())
    );
    assert_eq!(group.consumers_len(), model.consumers.len());
    let pending = group.pending().map(|(id, pending)| {
        let name = group.consumer(pending.consumer).name().to_vec();
        (id, (name, pending.delivered_ms, pending.count))
    });
    assert!(pending.eq(model.pending.clone()));
    assert_eq!(group.pending_len(), model.pending.len());
    for (_, consumer) in group.consumers() {
        let own = model.pending.iter();
        let own = own.filter(|(_, (name, ..))| name == consumer.name());
        let own: Vec<StreamId> = own.map(|(id, _)| *id).collect();
        assert_eq!(consumer.pending_len(), own.len());
        assert!(consumer.pending().eq(own));
    }
}

#[test]
fn groups_are_those_of_the_model() {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut stream, mut model) = (Stream::default(), Readers::default());
        assert!(stream.add_group(b"g", Group::default()));
        assert!(!stream.add_group(b"g", Group::default()));
        let bare = stream.heap_bytes();
        for step in 0..3000 {
            let some = id(rng.u64(..200), 0);
            let name = vec![b'a' + rng.u8(..8)];
            let mut group = stream.group_mut(b"g").unwrap();
            let found = group.find(&name);
            match (rng.u8(..10), found) {
                (0..2, _) => {
                    let is_new = model.consumers.insert(name.clone(), ()).is_none();
                    assert_eq!(group.add_consumer(&name, step).is_ok(), is_new);
                }
                (2, Some(consumer)) if rng.u8(..4) == 0 => {
                    model.consumers.remove(&name);
                    let before = model.pending.len();
                    model.pending.retain(|_, (owner, ..)| *owner != name);
                    let removed = group.remove_consumer(consumer);
                    assert_eq!(removed, before - model.pending.len());
                }
                (3..7, Some(consumer)) => {
                    let pending = Pending {
                        consumer,
                        delivered_ms: step,
                        count: rng.u64(..),
                    };
                    group.assign(some, pending);
                    model.pending.insert(some, (name, step, pending.count));
                }
                (7, _) => {
                    group.deliver_again(some, step);
                    if let Some(pending) = model.pending.get_mut(&some) {
                        (pending.1, pending.2) = (step, pending.2.wrapping_add(1));
                    }
                }
                _ => {
                    let was_pending = model.pending.remove(&some).is_some();
                    assert_eq!(group.acknowledge(some), was_pending);
                }
            }
            check_group(&group, &model);
        }
        let mut group = stream.group_mut(b"g").unwrap();
        for name in model.consumers.keys() {
            let consumer = group.find(name).unwrap();
            group.remove_consumer(consumer);
        }
        drop(group);
        // All was given back but for the spine of the sequence of what is pending.
        assert!(stream.heap_bytes() <= bare + 4 * size_of::<Vec<()>>());
        let removed = stream.remove_group(b"g").unwrap();
        assert_eq!((stream.groups_len(), removed.groups_len()), (0, 1));
        assert!(stream.remove_group(b"g").is_none());
    }
}

#[test]
fn what_is_held_is_what_the_allocator_gave() {
    let mut rng = fastrand::Rng::with_seed(1);
    let limits = USUAL;
    let mut stream = Stream::default();
    for number in 0..20 {
        let name = format!("group {number}");
        assert!(stream.add_group(name.as_bytes(), Group::default()));
    }
    for step in 0..20_000 {
        let entries = stream.entries_mut();
        let id = entries.new_id(NewId::Now(step)).unwrap();
        push(entries, id, &random_pairs(&mut rng), limits);
        let name = format!("group {}", rng.u8(..20));
        let mut group = stream.group_mut(name.as_bytes()).unwrap();
        let name = format!("consumer {}", rng.u16(..500));
        let consumer = match group.find(name.as_bytes()) {
            Some(consumer) => consumer,
            None => group.add_consumer(name.as_bytes(), 0).unwrap(),
        };
        let pending = Pending {
            consumer,
            delivered_ms: 0,
            count: 1,
        };
        group.assign(id, pending);
        let ids = group.pending().map(|(id, _)| id);
        let most = rng.usize(..3);
        let ids: Vec<_> = ids.filter(|_| rng.bool()).take(most).collect();
        ids.into_iter()
            .for_each(|id| assert!(group.acknowledge(id)));
        if rng.u8(..100) == 0 {
            group.remove_consumer(consumer);
        }
    }
    assert_eq!(stream.heap_bytes(), counted(&stream));
    for name in stream
        .groups()
        .map(|(name, _)| name.to_vec())
        .collect::<Vec<_>>()
    {
        stream.remove_group(&name);
    }
    assert!(trim(stream.entries_mut(), Keep::Last(1)) > 0);
    assert_eq!(stream.heap_bytes(), counted(&stream));
}

/// The bytes of everything, walked through.
fn counted(stream: &Stream) -> usize {
    let body = &*stream.0;
    let entries = &body.entries;
    let nodes = entries.nodes.iter().map(|(_, node)| node.heap_bytes());
    let groups = body.groups.iter().map(|(name, group)| {
        let consumers = group.consumers().map(|(_, one)| one.heap_bytes());
        let held: usize = group.heap_bytes() - group.consumers.consumer_bytes;
        class_bytes(name.len()) + class_bytes(size_of::<Group>()) + held + consumers.sum::<usize>()
    });
    let sequences = entries.nodes.heap_bytes() + body.groups.heap_bytes();
    class_bytes(size_of::<Body>()) + nodes.sum::<usize>() + groups.sum::<usize>() + sequences
}
