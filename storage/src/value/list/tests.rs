use proptest::prelude::*;

use super::*;

const FILLS: [i64; 8] = [-1, -2, -5, -9, 0, 1, 2, 4];

/// The limits, and how a list of any element must be seen.
fn limits(fill: i64, depth: usize, threshold: usize) -> Limits {
    Limits {
        list_max_listpack_size: fill,
        list_compress_depth: depth,
        list_packed_threshold: threshold,
        ..Limits::default()
    }
}

fn elements(list: &List, from: usize, towards: End) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    list.walk(from, towards, usize::MAX, |item| {
        elements.push(item.to_vec());
        true
    });
    elements
}

/// Everything that can be asked gives the same as of `model`, and the sums are right.
#[track_caller]
fn assert_same(list: &List, model: &[Vec<u8>]) {
    assert_eq!(
        (list.len(), list.is_empty()),
        (model.len(), model.is_empty())
    );
    assert_eq!(elements(list, 0, End::Tail), model);
    let mut backwards = elements(list, model.len().saturating_sub(1), End::Head);
    backwards.reverse();
    assert_eq!(backwards, model);
    for (index, element) in model.iter().enumerate() {
        let index = index as i64;
        assert_eq!(list.with(index, |item| item.is(element)), Some(true));
        assert_eq!(
            list.with(index - model.len() as i64, |item| item.is(element)),
            Some(true)
        );
    }
    assert!(list.with(model.len() as i64, |_| ()).is_none());
    assert!(list.with(-1 - model.len() as i64, |_| ()).is_none());
    assert_sums(list);
    let copy = list.clone();
    assert_sums(&copy);
    assert_eq!(elements(&copy, 0, End::Tail), model);
}

#[track_caller]
fn assert_sums(list: &List) {
    let Some((_, depth)) = list.node_limits() else {
        return;
    };
    let Form::Nodes(nodes) = &list.0 else {
        panic!("only nodes have limits");
    };
    let bytes: usize = list.nodes().map(Node::heap_bytes).sum();
    let room = nodes.heap_bytes() - bytes;
    let count = list.nodes().len();
    assert!(room >= size_of::<Node>() * count, "{room}");
    assert!(
        room <= class_bytes(size_of::<Node>() * (4 * count + 8)),
        "{room}"
    );
    assert_eq!(list.nodes().map(Node::count).sum::<usize>(), list.len());
    for (at, node) in list.nodes().enumerate() {
        assert!(node.count() > 0);
        let is_inner = depth > 0 && at >= depth && at + depth < count;
        let is_squeezed = matches!(node, Node::Squeezed { .. });
        assert!(is_inner || !is_squeezed, "{at} of {count}");
        let mut squeezed = node.clone();
        squeezed.squeeze();
        let could_be = matches!(squeezed, Node::Squeezed { .. });
        assert!(!is_inner || is_squeezed == could_be, "{at} of {count}");
    }
}

fn push(list: &mut List, element: &[u8], limits: &Limits) {
    list.make_room(1, element.len(), limits);
    list.push(End::Tail, element, limits);
}

fn layout(list: &List) -> Vec<usize> {
    list.nodes().map(Node::count).collect()
}

#[test]
fn a_list_is_small() {
    assert_eq!(size_of::<List>(), 24);
    let mut list = List::default();
    assert_eq!((list.heap_bytes(), list.encoding()), (0, "listpack"));
    assert_same(&list, &[]);
    push(&mut list, b"element", &Limits::default());
    assert_eq!(list.heap_bytes(), 16);
}

/// Asked of Redis 7.4.1 with `OBJECT ENCODING` and `DEBUG OBJECT`.
#[test]
fn a_list_has_nodes_from_where_redis_has_them() {
    let cases = [
        (-1, 4085, 0),
        (-1, 4088, 2),
        (-2, 8180, 0),
        (-2, 8185, 2),
        (-5, 65_500, 0),
        (-5, 65_530, 2),
        (1, 3, 2),
        (4, 8180, 0),
        (4, 8185, 2),
    ];
    for (fill, length, nodes) in cases {
        let limits = limits(fill, 0, 0);
        let mut list = List::default();
        push(&mut list, b"a", &limits);
        push(&mut list, &vec![b'x'; length], &limits);
        assert_eq!(list.nodes().len(), nodes, "{fill} {length}");
    }
    let is_plain = |fill, length| {
        let limits = limits(fill, 0, 0);
        let mut list = List::default();
        push(&mut list, b"a", &limits);
        push(&mut list, &vec![b'x'; length], &limits);
        list.nodes().last().is_some_and(Node::is_plain)
    };
    assert!(!is_plain(-1, 4096) && is_plain(-1, 4097));
    assert!(!is_plain(-2, 8192) && is_plain(-2, 8193));
    assert!(!is_plain(-5, 65_536) && is_plain(-5, 65_537));
    assert!(!is_plain(1, 8192) && is_plain(1, 8193));
}

/// Asked of Redis 7.4.1, as the others here.
#[test]
fn a_large_element_in_place_of_another_lets_its_neighbours_merge() {
    let limits = limits(-1, 0, 0);
    let filled = |gone: &[u8]| {
        let mut list = List::default();
        let all: Vec<Vec<u8>> = (b'A'..=b'H').map(|letter| vec![letter; 1500]).collect();
        list.make_room(8, 8 * 1500, &limits);
        all.iter().for_each(|it| list.push(End::Tail, it, &limits));
        for letter in gone {
            list.remove(&[*letter; 1500], End::Head, 1, &limits);
        }
        list
    };
    let large = [b'x'; 5000];
    let mut list = filled(b"BFH");
    assert_eq!(layout(&list), [1, 2, 1, 1]);
    list.set(2, &large, &limits);
    assert_eq!(layout(&list), [2, 1, 2]);
    // It was the only one of its node, so nothing is merged.
    let mut list = filled(b"BFGH");
    list.set(1, &large, &limits);
    assert_eq!(layout(&list), [1, 1, 1, 1]);
    // A small one in place of a large one goes to the next node.
    let mut list = filled(b"BDFGH");
    list.set(1, &large, &limits);
    assert_eq!(layout(&list), [1, 1, 1]);
    list.set(1, b"y", &limits);
    assert_eq!(layout(&list), [1, 2]);
}

#[test]
fn inserting_splits_full_nodes_and_merges_what_fits() {
    let limits = limits(4, 0, 10);
    let numbers = || {
        let mut list = List::default();
        list.make_room(10, 10, &limits);
        (0..10).for_each(|it: i32| list.push(End::Tail, it.to_string().as_bytes(), &limits));
        list
    };
    let large = b"1234567890123";
    let mut list = numbers();
    assert_eq!(layout(&list), [4, 4, 2]);
    assert!(list.set(1, b"xxxxxxxxx", &limits));
    assert_eq!(layout(&list), [4, 4, 2]);
    assert!(list.set(1, b"xxxxxxxxxx", &limits));
    assert_eq!(layout(&list), [1, 1, 2, 4, 2]);
    assert!(list.set(1, large, &limits));
    assert_eq!(layout(&list), [1, 1, 2, 4, 2]);
    assert!(list.insert(Side::After, large, large, &limits));
    assert_eq!(layout(&list), [1, 1, 1, 2, 4, 2]);
    assert!(list.insert(Side::After, b"7", large, &limits));
    assert_eq!(list.nodes().len(), 7);
    assert!(list.insert(Side::Before, b"7", large, &limits));
    assert_eq!(list.nodes().len(), 9);
    assert!(list.insert(Side::Before, b"5", large, &limits));
    assert_eq!(list.nodes().len(), 11);
    assert!(list.insert(Side::Before, b"6", b"1", &limits));
    assert_eq!(list.nodes().len(), 11);
    assert!(!list.insert(Side::Before, b"none", b"1", &limits));
}

#[test]
fn half_of_the_limits_makes_it_a_listpack_again() {
    let limits = Limits::default();
    let element = [b'v'; 100];
    let mut list = List::default();
    list.make_room(100, 100 * 100, &limits);
    (0..100).for_each(|_| list.push(End::Tail, &element, &limits));
    assert_eq!(layout(&list), [79, 21]);
    list.pop(End::Tail, 30, &limits);
    assert_eq!((list.encoding(), layout(&list)), ("quicklist", vec![70]));
    list.pop(End::Tail, 31, &limits);
    assert_eq!((list.encoding(), list.len()), ("listpack", 39));
    // The limits of now count, not those it was made with; and counted elements may have any size.
    let mut list = List::default();
    list.make_room(100, 100 * 100, &limits);
    (0..79).for_each(|_| list.push(End::Tail, &element, &limits));
    list.pop(End::Head, 1, &self::limits(-3, 0, 0));
    assert_eq!(list.encoding(), "listpack");
    // What fails to be changed has got its room all the same.
    let limits = self::limits(4, 0, 0);
    let mut list = List::default();
    (0..4).for_each(|_| push(&mut list, b"1", &limits));
    assert_eq!(list.encoding(), "listpack");
    assert!(!list.set(9, b"1", &limits));
    assert_eq!(list.encoding(), "quicklist");
    list.fit(&limits);
    assert_eq!(list.encoding(), "listpack");
}

#[test]
fn inner_nodes_are_compressed_and_read_through() {
    let limits = limits(100, 1, 0);
    let mut list = List::default();
    let mut model = Vec::new();
    for number in 0..1000 {
        let element = format!("element:{number}").into_bytes();
        push(&mut list, &element, &limits);
        model.push(element);
    }
    let squeezed = list
        .nodes()
        .filter(|it| matches!(it, Node::Squeezed { .. }))
        .count();
    assert_eq!((list.nodes().len(), squeezed), (10, 8));
    assert_same(&list, &model);
    let plain = list.nodes().map(Node::size_bytes).sum::<usize>();
    assert!(list.nodes().map(Node::heap_bytes).sum::<usize>() < plain);
}

#[test]
fn removing_most_nodes_gives_their_room_back() {
    let limits = limits(1, 0, 0);
    let mut list = List::default();
    for number in 0..10_000 {
        push(
            &mut list,
            if number % 100 == 0 { b"kept" } else { b"gone" },
            &limits,
        );
    }
    let before = list.heap_bytes();
    assert_eq!(list.remove(b"gone", End::Tail, usize::MAX, &limits), 9900);
    assert!(list.heap_bytes() < before / 20, "{}", list.heap_bytes());
    assert_same(&list, &vec![b"kept".to_vec(); 100]);
    list.remove_range(1, 98, &limits);
    assert_same(&list, &vec![b"kept".to_vec(); 2]);
}

#[derive(Clone, Debug)]
enum Change {
    Push(End, Vec<u8>),
    Pop(End, usize),
    RemoveRange(usize, usize),
    Set(i64, Vec<u8>),
    Insert(Side, Vec<u8>, Vec<u8>),
    Remove(End, Vec<u8>, usize),
    Refit,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Head), Just(End::Tail)]
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0..20i32).prop_map(|number| number.to_string().into_bytes()),
        2 => (0..200usize, 0..4u8).prop_map(|(length, byte)| vec![b'a' + byte; length]),
        1 => (0..9000usize).prop_map(|length| vec![b'x'; length]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        12 => (end(), element()).prop_map(|(end, it)| Change::Push(end, it)),
        3 => (end(), 0..8usize).prop_map(|(end, count)| Change::Pop(end, count)),
        1 => (0..60usize, 0..30usize).prop_map(|(from, count)| Change::RemoveRange(from, count)),
        4 => (-60..60i64, element()).prop_map(|(index, it)| Change::Set(index, it)),
        4 => (prop_oneof![Just(Side::Before), Just(Side::After)], element(), element())
            .prop_map(|(side, pivot, it)| Change::Insert(side, pivot, it)),
        2 => (end(), element(), 1..5usize).prop_map(|(end, it, count)| Change::Remove(end, it, count)),
        1 => Just(Change::Refit),
    ]
}

fn apply(list: &mut List, model: &mut Vec<Vec<u8>>, change: Change, limits: &Limits) {
    match change {
        Change::Push(end, it) => {
            list.make_room(1, it.len(), limits);
            list.push(end, &it, limits);
            let at = if end == End::Head { 0 } else { model.len() };
            model.insert(at, it);
        }
        Change::Pop(end, count) => {
            list.pop(end, count, limits);
            let count = count.min(model.len());
            let from = if end == End::Head {
                0
            } else {
                model.len() - count
            };
            model.drain(from..from + count);
        }
        Change::RemoveRange(from, count) => {
            list.remove_range(from, count, limits);
            let from = from.min(model.len());
            model.drain(from..(from + count).min(model.len()));
        }
        Change::Set(index, it) => {
            let at = if index < 0 {
                model.len() as i64 + index
            } else {
                index
            };
            let exists = (0..model.len() as i64).contains(&at);
            assert_eq!(list.set(index, &it, limits), exists);
            if exists {
                model[at as usize] = it;
            }
        }
        Change::Insert(side, pivot, it) => {
            let at = model.iter().position(|other| *other == pivot);
            assert_eq!(list.insert(side, &pivot, &it, limits), at.is_some());
            if let Some(at) = at {
                model.insert(at + usize::from(side == Side::After), it);
            }
        }
        Change::Remove(end, it, count) => {
            let mut places: Vec<usize> = (0..model.len()).filter(|at| model[*at] == it).collect();
            if end == End::Tail {
                places.reverse();
            }
            places.truncate(count);
            assert_eq!(list.remove(&it, end, count, limits), places.len());
            places.sort_unstable();
            places.iter().rev().for_each(|at| drop(model.remove(*at)));
        }
        Change::Refit => list.fit(limits),
    }
}

proptest! {
    #[test]
    fn any_changes_give_what_a_vec_gives(
        changes in proptest::collection::vec(change(), 1..120),
        fill in proptest::sample::select(&FILLS[..]),
        depth in 0..3usize,
        threshold in proptest::sample::select(&[0, 2, 50][..]),
    ) {
        let limits = limits(fill, depth, threshold);
        let (mut list, mut model) = (List::default(), Vec::new());
        for change in changes {
            apply(&mut list, &mut model, change, &limits);
            assert_same(&list, &model);
        }
    }
}
