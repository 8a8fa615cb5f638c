use proptest::prelude::*;

use super::*;

fn of(elements: &[&[u8]]) -> Listpack {
    let mut listpack = Listpack::new();
    elements.iter().for_each(|it| listpack.push_back(it));
    listpack
}

fn texts(listpack: &Listpack) -> Vec<Vec<u8>> {
    listpack.iter().map(|item| item.to_vec()).collect()
}

/// Everything that can be asked gives the same as of `model`.
#[track_caller]
fn assert_same(listpack: &Listpack, model: &[Vec<u8>]) {
    assert_eq!(texts(listpack), model);
    let backwards: Vec<_> = listpack.iter().rev().map(|item| item.to_vec()).collect();
    assert!(backwards.iter().eq(model.iter().rev()));
    assert_eq!(
        (listpack.len(), listpack.is_empty()),
        (model.len(), model.is_empty())
    );
    assert_eq!(
        listpack.size_bytes(),
        EMPTY.len()
            + model
                .iter()
                .map(|it| Listpack::entry_bytes(it))
                .sum::<usize>()
    );
    assert!(listpack.heap_bytes() >= listpack.buffer.len());
    let reread = Listpack::from_bytes(listpack.as_bytes().to_vec()).expect("well formed");
    assert_eq!(reread, *listpack);
    assert_eq!(listpack.clone(), *listpack);
}

/// As DUMP of a list in Redis 7.4.1 shows them.
#[test]
fn the_bytes_are_those_of_redis() {
    let listpack = of(&[
        b"a",
        b"0",
        b"127",
        b"128",
        b"-1",
        b"-4096",
        b"4096",
        b"-32768",
        b"8388607",
        b"-8388609",
        b"2147483648",
        b"",
    ]);
    let expected = [
        &[0x3e, 0, 0, 0, 12, 0][..],
        &[0x81, b'a', 2],
        &[0, 1],
        &[0x7f, 1],
        &[0xc0, 0x80, 2],
        &[0xdf, 0xff, 2],
        &[0xd0, 0x00, 2],
        &[0xf1, 0x00, 0x10, 3],
        &[0xf1, 0x00, 0x80, 3],
        &[0xf2, 0xff, 0xff, 0x7f, 4],
        &[0xf3, 0xff, 0xff, 0x7f, 0xff, 5],
        &[0xf4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9],
        &[0x80, 1],
        &[0xff],
    ]
    .concat();
    assert_eq!(listpack.size_bytes(), expected.len());
    let mut expected = expected;
    expected[0] = expected.len() as u8;
    assert_eq!(listpack.as_bytes(), expected);
}

/// Asked of Redis 7.4.1: DUMP of a hash with such a value.
#[test]
fn long_strings_are_framed_as_in_redis() {
    let cases = [
        (63, 1, 1),
        (64, 2, 1),
        (125, 2, 1),
        (126, 2, 2),
        (4095, 2, 2),
        (4096, 5, 2),
        (16_377, 5, 2),
        (16_378, 5, 3),
        (2_097_145, 5, 3),
        (2_097_146, 5, 4),
    ];
    for (length, head, back) in cases {
        let element = vec![b'x'; length];
        assert_eq!(Listpack::entry_bytes(&element), head + length + back);
        let listpack = of(&[&element, b"1", &element]);
        assert_same(
            &listpack,
            &[element.clone(), b"1".to_vec(), element.clone()],
        );
    }
    let size = 16_378 + 5;
    let listpack = of(&[&vec![b'x'; 16_378]]);
    let last: [u8; 3] = [
        (size >> 14) as u8,
        0x80 | (size >> 7 & 0x7f) as u8,
        0x80 | (size & 0x7f) as u8,
    ];
    assert!(listpack.as_bytes().ends_with(&[&last[..], &[END]].concat()));
}

#[test]
fn integers_of_every_width_come_back() {
    let mut numbers = vec![0, i64::MAX, i64::MIN];
    for bits in 0..63 {
        let power = 1i64 << bits;
        numbers.extend([
            power,
            power - 1,
            power + 1,
            -power,
            1 - power,
            -1i64.wrapping_add(power),
        ]);
    }
    let mut listpack = Listpack::new();
    for number in &numbers {
        listpack.push_back_integer(*number);
    }
    assert!(
        listpack
            .iter()
            .eq(numbers.iter().map(|number| Item::Int(*number)))
    );
    let texts: Vec<_> = numbers
        .iter()
        .map(|it| it.to_string().into_bytes())
        .collect();
    assert_same(&listpack, &texts);
    for (index, text) in texts.iter().enumerate() {
        let at = listpack.seek(index as i64).expect("exists");
        assert!(listpack.get(at).is(text));
        assert_eq!(listpack.get(at).len(), text.len());
        assert!(
            listpack
                .find(HEADER_BYTES, text, 0)
                .is_some_and(|found| found <= at)
        );
    }
}

#[test]
fn what_only_looks_like_an_integer_stays_a_string() {
    for text in [
        &b"01"[..],
        b"+1",
        b"-0",
        b" 1",
        b"1.0",
        b"",
        b"9223372036854775808",
    ] {
        assert_eq!(of(&[text]).iter().next(), Some(Item::Bytes(text)));
        assert!(Item::Bytes(text).is(text) && !Item::Int(1).is(text));
    }
    assert_eq!(Item::Bytes(b"7").as_integer(), Some(7));
    assert_eq!(Item::Bytes(b"x").as_integer(), None);
}

#[test]
fn an_empty_one_has_no_memory_and_is_complete() {
    let mut listpack = Listpack::new();
    assert_eq!((listpack.heap_bytes(), listpack.size_bytes()), (0, 7));
    assert_same(&listpack, &[]);
    assert_eq!((listpack.first(), listpack.last()), (None, None));
    assert_eq!((listpack.seek(0), listpack.seek(-1)), (None, None));
    assert_eq!(listpack.find(HEADER_BYTES, b"", 0), None);
    assert_eq!(listpack.remove_range(HEADER_BYTES, 3), 0);
    assert!(listpack.split_off(HEADER_BYTES).is_empty());
    listpack.append(&Listpack::new());
    assert_same(&listpack, &[]);
    assert_eq!(size_of::<Listpack>(), 24);
    assert_eq!(size_of::<Option<Listpack>>(), 24);
}

#[test]
fn find_can_skip_values_of_pairs() {
    let listpack = of(&[b"v", b"1", b"w", b"v", b"1", b"x"]);
    let field = |name: &[u8]| listpack.find(HEADER_BYTES, name, 1);
    assert_eq!(field(b"v"), listpack.seek(0));
    assert_eq!(field(b"w"), listpack.seek(2));
    assert_eq!(field(b"1"), listpack.seek(4));
    assert_eq!(field(b"x"), None);
    assert_eq!(listpack.find(HEADER_BYTES, b"x", 7), None);
    let second = listpack.seek(1).expect("exists");
    assert_eq!(listpack.find(second, b"v", 0), listpack.seek(3));
}

#[test]
fn more_elements_than_the_header_can_tell_are_counted() {
    let mut listpack = Listpack::new();
    for number in 0..65_534 {
        listpack.push_back_integer(number % 100);
    }
    assert_eq!(
        (listpack.len(), read_count(listpack.as_bytes())),
        (65_534, 65_534)
    );
    for number in 0..4 {
        listpack.push_front(b"x");
        assert_eq!(listpack.len(), 65_535 + number);
        assert_eq!(read_count(listpack.as_bytes()), MANY);
    }
    assert!(listpack.seek(65_537).is_some() && listpack.seek(65_538).is_none());
    Listpack::from_bytes(listpack.as_bytes().to_vec()).expect("a number that tells nothing");
    listpack.remove_range(HEADER_BYTES, 5);
    assert_eq!(read_count(listpack.as_bytes()), 65_533);
    assert_eq!(listpack.len(), 65_533);
}

#[test]
fn bytes_that_are_no_listpack_are_refused() {
    let good = of(&[b"a", b"1234567", &[b'x'; 100], b"-5"])
        .as_bytes()
        .to_vec();
    assert!(Listpack::from_bytes(good.clone()).is_ok());
    for cut in 0..good.len() {
        assert!(Listpack::from_bytes(good[..cut].to_vec()).is_err(), "{cut}");
        // With its size put right as well.
        let mut short = good[..cut].to_vec();
        if cut >= 4 {
            short[0] = cut as u8;
            assert!(Listpack::from_bytes(short).is_err(), "{cut}");
        }
    }
    let mut miscounted = good.clone();
    miscounted[4] += 1;
    assert!(Listpack::from_bytes(miscounted).is_err());
    let mut longer = good;
    longer.push(END);
    assert!(Listpack::from_bytes(longer).is_err());
}

#[test]
fn both_ends_are_pushed_and_popped_without_moving_the_rest() {
    let mut listpack = Listpack::new();
    let element = [b'x'; 20];
    let mut rebuilt = 0;
    for _ in 0..300 {
        let before = listpack.buffer.len();
        listpack.push_front(&element);
        rebuilt += usize::from(listpack.buffer.len() != before);
    }
    assert!(rebuilt <= 32, "{rebuilt}");
    // What is popped at one end leaves its place there.
    let start = listpack.start;
    listpack.remove(HEADER_BYTES);
    assert_eq!(listpack.start, start + 22);
    listpack.push_front(&element);
    assert_eq!(listpack.start, start);
    while let Some(last) = listpack.last() {
        listpack.remove(last);
    }
    assert!(listpack.heap_bytes() <= 16);
}

#[derive(Clone, Debug)]
enum Edit {
    PushBack(Vec<u8>),
    PushFront(Vec<u8>),
    Insert(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize),
    RemoveRange(usize, usize),
    Split(usize),
    Append(Vec<Vec<u8>>),
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => any::<i64>().prop_flat_map(|number| (0..64u32).prop_map(move |shift| (number >> shift).to_string().into_bytes())),
        4 => proptest::collection::vec(any::<u8>(), 0..80),
        1 => proptest::collection::vec(any::<u8>(), 100..300),
        1 => (0..6000usize).prop_map(|length| vec![b'x'; length]),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = any::<usize>;
    prop_oneof![
        3 => element().prop_map(Edit::PushBack),
        3 => element().prop_map(Edit::PushFront),
        2 => (place(), element()).prop_map(|(at, it)| Edit::Insert(at, it)),
        2 => (place(), element()).prop_map(|(at, it)| Edit::Replace(at, it)),
        4 => place().prop_map(Edit::Remove),
        1 => (place(), 0..6usize).prop_map(|(at, count)| Edit::RemoveRange(at, count)),
        1 => place().prop_map(Edit::Split),
        1 => proptest::collection::vec(element(), 0..4).prop_map(Edit::Append),
    ]
}

fn apply(listpack: &mut Listpack, model: &mut Vec<Vec<u8>>, edit: Edit) {
    let place = |at: usize| at % (model.len() + 1);
    let position =
        |listpack: &Listpack, index: usize| listpack.seek(index as i64).unwrap_or(listpack.end());
    match edit {
        Edit::PushBack(it) => {
            listpack.push_back(&it);
            model.push(it);
        }
        Edit::PushFront(it) => {
            listpack.push_front(&it);
            model.insert(0, it);
        }
        Edit::Insert(at, it) => {
            let index = place(at);
            listpack.insert(position(listpack, index), &it);
            model.insert(index, it);
        }
        Edit::Replace(at, it) => {
            let index = place(at);
            if index < model.len() {
                let at = position(listpack, index);
                assert_eq!(listpack.replace(at, &it), at);
                model[index] = it;
            }
        }
        Edit::Remove(at) => {
            let index = place(at);
            if index < model.len() {
                let at = position(listpack, index);
                let next = listpack.remove(at);
                model.remove(index);
                assert_eq!(next, (index < model.len()).then_some(at));
            }
        }
        Edit::RemoveRange(at, count) => {
            let index = place(at);
            let count = count.min(model.len() - index);
            let removed = listpack.remove_range(position(listpack, index), count);
            assert_eq!(removed, count);
            model.drain(index..index + count);
        }
        Edit::Split(at) => {
            let index = place(at);
            let rest = listpack.split_off(position(listpack, index));
            assert_same(listpack, &model[..index]);
            assert_same(&rest, &model[index..]);
            listpack.append(&rest);
        }
        Edit::Append(more) => {
            let mut other = Listpack::new();
            other.append_iter(more.iter().map(|it| Item::of(it)));
            listpack.append(&other);
            model.extend(more);
        }
    }
}

proptest! {
    #[test]
    fn any_edits_give_what_a_vec_gives(edits in proptest::collection::vec(edit(), 1..60)) {
        let (mut listpack, mut model) = (Listpack::new(), Vec::new());
        for edit in edits {
            apply(&mut listpack, &mut model, edit);
            assert_same(&listpack, &model);
            for index in 0..model.len() as i64 {
                let at = listpack.seek(index).expect("exists");
                prop_assert!(listpack.get(at).is(&model[index as usize]));
                prop_assert_eq!(listpack.next(at), listpack.seek(index + 1));
                prop_assert_eq!(listpack.previous(at), (index > 0).then(|| listpack.seek(index - 1).expect("exists")));
                prop_assert_eq!(listpack.seek(index - model.len() as i64), Some(at));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..60), count in 0..4u8) {
        if bytes.len() > 7 {
            let (size, end) = (bytes.len() as u32, bytes.len() - 1);
            bytes[..4].copy_from_slice(&size.to_le_bytes());
            bytes[4..6].copy_from_slice(&[count, 0]);
            bytes[end] = END;
        }
        if let Ok(listpack) = Listpack::from_bytes(bytes) {
            prop_assert_eq!(listpack.iter().count(), listpack.len());
            prop_assert_eq!(listpack.iter().rev().count(), listpack.len());
        }
    }
}

#[test]
fn a_row_is_appended_as_its_elements_one_by_one_are() {
    let long = "x".repeat(5000);
    let words = ["", "a", "17", "-4096", "99999999999", &long, "70000"];
    for count in 0..=words.len() {
        let row = || words[..count].iter().map(|word| Item::of(word.as_bytes()));
        let (mut at_once, mut one_by_one) = (Listpack::new(), Listpack::new());
        for _ in 0..3 {
            at_once.append_row(row());
            row().for_each(|item| one_by_one.push_back_item(item));
            assert_eq!(at_once.as_bytes(), one_by_one.as_bytes());
        }
        assert_eq!(at_once.len(), 3 * count);
    }
}
