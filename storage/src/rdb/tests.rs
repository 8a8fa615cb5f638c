//! Files and payloads of Redis 7.4.1, as they are and damaged.

use std::collections::BTreeMap;

use super::crc64::crc64;
use super::format::{kind, opcode};
use super::input::Input;
use super::*;
use crate::evict::Past;
use crate::value::list::End;
use crate::value::{Item, Limits, Object, Value};

/// Every type in every form that Redis 7.4.1 writes, in two databases, with a function; 1,109 bytes.
const FILE: &[u8] = include_bytes!("fixtures/all-types.rdb");

const ROUNDS: usize = if cfg!(miri) { 50 } else { 8_000 };

/// What a value holds, as text; goes over all of it, from wherever it can be gone over.
fn show(value: &Decoded<'_>) -> String {
    match value {
        Decoded::String(Value::Int(number)) => format!("int {number}"),
        Decoded::String(Value::Bytes(bytes)) => format!("string {}", bytes.escape_ascii()),
        Decoded::String(other) => panic!("{other:?}"),
        Decoded::Object(object) => format!("{} {}", object.encoding(), show_object(object)),
    }
}

fn text(item: Item<'_>) -> String {
    item.to_vec().escape_ascii().to_string()
}

fn show_object(object: &Object) -> String {
    assert!(object.heap_bytes() > 0 && !object.clone().type_name().is_empty());
    let parts: Vec<String> = match object {
        Object::List(list) => {
            let (mut parts, mut back) = (Vec::new(), Vec::new());
            let keep = |parts: &mut Vec<String>, item: Item<'_>| parts.push(text(item));
            list.walk(0, End::Tail, usize::MAX, |it| {
                keep(&mut parts, it);
                true
            });
            list.walk(list.len() - 1, End::Head, usize::MAX, |it| {
                keep(&mut back, it);
                true
            });
            assert!(parts.iter().eq(back.iter().rev()));
            parts
        }
        Object::Set(set) => {
            assert!(set.iter().all(|it| set.contains_item(it)));
            set.iter().map(text).collect()
        }
        Object::Hash(hash) => hash
            .iter()
            .map(|field| {
                let found = field.name.with_bytes(|name| hash.get(name));
                assert!(found.is_some(), "every field is found");
                let value = field.value.to_vec().escape_ascii().to_string();
                format!("{}={value}@{:?}", text(field.name), field.expiry_ms)
            })
            .collect(),
        Object::Zset(zset) => zset
            .iter()
            .map(|(member, score)| {
                let found = member.with_bytes(|member| zset.score(member));
                assert_eq!(found, Some(score));
                format!("{}={score}", text(member))
            })
            .collect(),
        Object::Stream(stream) => show_stream(stream),
    };
    assert!(matches!(object, Object::Stream(_)) || parts.len() == object.len());
    let mut parts = parts;
    if !matches!(object, Object::List(_)) {
        parts.sort();
    }
    parts.join(" ")
}

fn show_stream(stream: &crate::value::Stream) -> Vec<String> {
    use crate::value::stream::StreamId;
    let entries = stream.entries();
    let show = |entry: crate::value::stream::StreamEntry<'_>| {
        let fields = entry
            .fields
            .map(|(name, value)| text(name) + ":" + &text(value));
        format!("{}[{}]", entry.id, fields.collect::<Vec<_>>().join(","))
    };
    let mut parts: Vec<String> = entries
        .range(StreamId::MIN, StreamId::MAX)
        .map(show)
        .collect();
    let back = entries.range_back(StreamId::MIN, StreamId::MAX).map(show);
    assert!(back.collect::<Vec<_>>().iter().rev().eq(&parts));
    assert_eq!(parts.len(), stream.len());
    let (last, deleted) = (entries.last_id(), entries.max_deleted_id());
    parts.push(format!(
        "last={last} deleted={deleted} added={}",
        entries.added()
    ));
    for (name, group) in stream.groups() {
        let pending = group.pending().map(|(id, pending)| {
            let name = group.consumer(pending.consumer).name().escape_ascii();
            format!("{id}>{name}*{}", pending.count)
        });
        let pending = pending.collect::<Vec<_>>().join(",");
        let consumers = group.consumers().map(|(_, it)| {
            format!(
                "{}:{}{}",
                it.name().escape_ascii(),
                it.pending().count(),
                if it.active_ms.is_some() { "!" } else { "" }
            )
        });
        let consumers = consumers.collect::<Vec<_>>().join(",");
        parts.push(format!(
            "group={} {} read={:?} lag={:?} [{pending}] ({consumers})",
            name.escape_ascii(),
            group.last_id(),
            group.entries_read(),
            group.lag(entries),
        ));
    }
    parts
}

/// All keys of a file, and what else it tells: the same, whether they come one by one or in runs, as is what is wrong
/// with it and where.
fn load(file: &[u8], checksum: Checksum) -> Result<BTreeMap<String, String>, Error> {
    let (found, result) = load_pieces(file, checksum);
    let (in_runs, other) = load_parts(file, checksum);
    assert_eq!(in_runs, found);
    assert_eq!(format!("{other:?}"), format!("{result:?}"));
    result.map(|()| found).map_err(|(_, error)| error)
}

type Told = BTreeMap<String, String>;

fn load_pieces(file: &[u8], checksum: Checksum) -> (Told, Result<(), (u64, Error)>) {
    let mut all = Told::new();
    let result = Reader::new(file, Limits::default(), checksum)
        .map_err(|error| (0, error))
        .and_then(|mut reader| note_pieces(&mut reader, &mut all));
    (all, result)
}

fn note_pieces(reader: &mut Reader<'_>, all: &mut Told) -> Result<(), (u64, Error)> {
    loop {
        let offset = reader.offset();
        match reader.next_piece() {
            Ok(Some(piece)) => note(piece, all),
            Ok(None) => return Ok(()),
            Err(error) => return Err((offset, error)),
        }
    }
}

fn load_parts(file: &[u8], checksum: Checksum) -> (Told, Result<(), (u64, Error)>) {
    let mut all = Told::new();
    let mut read = || {
        let reader = Reader::new(file, Limits::default(), checksum);
        let mut reader = reader.map_err(|error| (0, error))?;
        loop {
            let offset = reader.offset();
            match reader.next_part() {
                Ok(Some(Part::Run(run))) => {
                    assert!(run.size_bytes() > 0);
                    note_pieces(&mut Reader::of_run(&run, Limits::default()), &mut all)?;
                }
                Ok(Some(Part::Piece(piece))) => note(piece, &mut all),
                Ok(None) => return Ok(()),
                Err(error) => return Err((offset, error)),
            }
        }
    };
    let result = read();
    (all, result)
}

fn note(piece: Piece<'_>, all: &mut Told) {
    let (name, value) = match piece {
        Piece::Entry(record) => {
            let tags: Vec<_> = record.tags.map(<[u8]>::escape_ascii).collect();
            let tags: String = tags.into_iter().map(|it| format!(" #{it}")).collect();
            let value = record.value.as_ref().map_or("nothing".to_owned(), show);
            let expiry = record
                .expiry_ms
                .map_or(String::new(), |it| format!(" @{it}"));
            (
                format!("{}:{}", record.db, record.key.escape_ascii()),
                value + &expiry + &tags,
            )
        }
        Piece::Aux { name, value } => (
            format!("aux {}", name.escape_ascii()),
            value.escape_ascii().to_string(),
        ),
        Piece::Function(text) => ("function".to_owned(), text.escape_ascii().to_string()),
        Piece::ModuleAux(name) => ("module".to_owned(), name),
        Piece::Sizes { keys, volatile, .. } => {
            (format!("sizes {}", all.len()), format!("{keys} {volatile}"))
        }
    };
    all.insert(name, value);
}

/// A file of these bytes, with the right checksum.
fn file(body: &[u8]) -> Vec<u8> {
    let mut file = [&b"REDIS0012"[..], body, &[opcode::EOF]].concat();
    file.extend(crc64(&file).to_le_bytes());
    file
}

fn payload(body: &[u8]) -> Vec<u8> {
    let mut payload = [body, &12u16.to_le_bytes()].concat();
    payload.extend(crc64(&payload).to_le_bytes());
    payload
}

/// What a payload with that body holds.
fn value(body: &[u8], limits: &Limits) -> Result<String, Error> {
    let payload = payload(body);
    let mut payload = Payload::verified(&payload, Checksum::Verify).expect("the checksum is right");
    let shown = payload.value(limits).map(|it| show(&it));
    if shown.is_ok() {
        let [mut read, mut passed] = [(); 2].map(|()| Input::of_bytes(&body[1..]));
        assert!(decode::value(body[0], &mut read, limits).is_ok());
        decode::skip(body[0], &mut passed).expect("what is read can be passed");
        assert_eq!(read.offset(), passed.offset(), "{}", body.escape_ascii());
    }
    shown
}

#[track_caller]
fn assert_value(body: &[u8], wanted: &str) {
    assert_eq!(value(body, &Limits::default()).expect("a value"), wanted);
}

#[track_caller]
fn assert_refused(body: &[u8]) {
    let found = value(body, &Limits::default());
    assert!(found.is_err(), "{found:?}");
}

/// Kind, and strings.
fn body(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut body = vec![kind];
    for part in parts {
        body.push(u8::try_from(part.len()).expect("a short string"));
        body.extend(*part);
    }
    body
}

#[test]
fn a_file_of_redis_is_read_to_its_end() {
    let all = load(FILE, Checksum::Verify).expect("a whole file");
    for (key, value) in [
        ("aux redis-ver", "7.4.1"),
        ("0:str", "string hello world"),
        ("0:int", "int -12345"),
        ("0:empty", "string "),
        ("0:ttl", "string v @4102444800123"),
        ("0:list", "listpack a 1 -5000 some text "),
        ("0:ints", "intset -2 1 70000"),
        ("0:members", "listpack 7 a bb"),
        ("0:table", "listpack 7 a bb ccc"),
        ("0:hash", "listpack f=v@None n=12@None"),
        ("0:hashex", "listpackex f=v@None g=w@Some(4102444800000)"),
        ("0:hashext", "listpackex f=v@None g=w@Some(4102444800000)"),
        ("0:hasht", "listpack f=v@None n=12@None s=x@None"),
        ("0:zset", "listpack a=1 b=2.5 c=-inf"),
        ("0:gone", "stream last=5-5 deleted=5-5 added=1"),
        ("3:other", "string db"),
    ] {
        assert_eq!(all.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(
        all["0:stream"],
        "stream 1-1[f:v] 2-0[g:x,h:y] 3-0[f:z] \
         group=grp 3-0 read=Some(4) lag=Some(0) [1-1>alice*1,2-0>alice*1,3-0>bob*1] (alice:2!,bob:1!,idle:0) \
         group=other 3-0 read=None lag=Some(0) [] () last=3-0 deleted=1-2 added=4"
    );
    assert!(all["function"].contains("redis.register_function"));
    assert_eq!(all["0:lzf"], format!("string {}", "x".repeat(100)));
    assert_eq!(
        all["0:plain"],
        format!("quicklist {} q {}", "p".repeat(40), "r".repeat(200))
    );
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    for length in 0..FILE.len() {
        for checksum in [Checksum::Verify, Checksum::Ignore] {
            assert!(load(&FILE[..length], checksum).is_err(), "{length}");
        }
        let mut zeroed = FILE[..length].to_vec();
        zeroed.resize(FILE.len() + 100, 0);
        if length < FILE.len() - 8 {
            assert!(load(&zeroed, Checksum::Verify).is_err(), "{length}");
        }
    }
}

#[test]
fn a_flipped_bit_is_found() {
    for at in 0..FILE.len() {
        for bit in 0..8 {
            let mut file = FILE.to_vec();
            file[at] ^= 1 << bit;
            // A file of a version before 5 has no checksum.
            let is_version = (5..9).contains(&at);
            let found = load(&file, Checksum::Verify);
            assert!(found.is_err() || is_version, "{at} {bit}");
            // Without the checksum it may be read, but nothing may break.
            let _ = load(&file, Checksum::Ignore);
        }
    }
}

/// The bodies of all values in the file: kind and value.
fn bodies() -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let mut reader = Reader::new(FILE, Limits::default(), Checksum::Verify).expect("a file");
    loop {
        let from = reader.offset() as usize;
        let key_bytes = match reader.next_piece().expect("a piece") {
            Some(Piece::Entry(record)) => record.key.len(),
            Some(_) => continue,
            None => return bodies,
        };
        let mut body = &FILE[from..reader.offset() as usize];
        while let Some(told) = match body[0] {
            opcode::EXPIRETIME_MS => Some(9),
            opcode::IDLE | opcode::SELECTDB => Some(2),
            _ => None,
        } {
            body = &body[told..];
        }
        bodies.push([&body[..1], &body[2 + key_bytes..]].concat());
    }
}

#[test]
fn changed_payloads_are_refused_or_sound() {
    let (bodies, seed) = (bodies(), 20_261_123);
    assert!(bodies.len() > 15);
    let mut rng = fastrand::Rng::with_seed(seed);
    let packed = Limits::default();
    let unpacked = Limits {
        hash_max_listpack_entries: 0,
        set_max_intset_entries: 0,
        set_max_listpack_entries: 0,
        zset_max_listpack_entries: 0,
        list_max_listpack_size: 1,
        list_compress_depth: 1,
        ..packed
    };
    let mut accepted = 0;
    for round in 0..ROUNDS {
        let mut body = bodies[rng.usize(..bodies.len())].clone();
        for _ in 0..rng.usize(1..4) {
            mutate(&mut body, &bodies, &mut rng);
        }
        for limits in [packed, unpacked] {
            // Says which round it was, should it panic.
            let context = format!("round {round}: {}", body.escape_ascii());
            let result = std::panic::catch_unwind(|| value(&body, &limits));
            accepted += usize::from(result.expect(&context).is_ok());
        }
    }
    assert!(accepted > ROUNDS / 100, "{accepted}");
}

fn mutate(body: &mut Vec<u8>, bodies: &[Vec<u8>], rng: &mut fastrand::Rng) {
    if body.is_empty() {
        return body.push(rng.u8(..));
    }
    let at = rng.usize(..body.len());
    match rng.u8(..8) {
        0 | 1 => body[at] ^= 1 << rng.u8(..8),
        2 => body[at] = rng.u8(..),
        3 => body[at] = body[at].wrapping_add(rng.u8(..3)).wrapping_sub(1),
        4 => body.truncate(at),
        5 => body.insert(at, rng.u8(..)),
        6 => body[0] = rng.u8(..26),
        _ => {
            let other = &bodies[rng.usize(..bodies.len())];
            body.truncate(at);
            body.extend(&other[rng.usize(..other.len())..]);
        }
    }
}

#[test]
fn payloads_of_another_version_or_checksum_are_refused() {
    let good = payload(b"\0\x01v");
    assert!(Payload::verified(&good, Checksum::Verify).is_some());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(Payload::verified(&bad, Checksum::Verify).is_none(), "{at}");
        assert!(
            Payload::verified(&good[..at], Checksum::Verify).is_none(),
            "{at}"
        );
    }
    for (version, is_known) in [
        (0u16, true),
        (1, true),
        (12, true),
        (13, false),
        (u16::MAX, false),
    ] {
        let mut other = [&b"\0\x01v"[..], &version.to_le_bytes()].concat();
        other.extend(crc64(&other).to_le_bytes());
        assert_eq!(
            Payload::verified(&other, Checksum::Verify).is_some(),
            is_known,
            "{version}"
        );
    }
}

#[test]
fn collections_are_read_element_by_element() {
    assert_value(
        &body(kind::LIST, &[])
            .iter()
            .copied()
            .chain(*b"\x02\x01a\xc0\x05")
            .collect::<Vec<_>>(),
        "listpack a 5",
    );
    assert_value(b"\x02\x02\x011\xc0\x02", "intset 1 2");
    assert_value(b"\x02\x02\x011\x01a", "listpack 1 a");
    assert_value(b"\x03\x02\x01a\x031.5\x01b\xff", "listpack a=1.5 b=-inf");
    assert_value(b"\x03\x01\x01a\xfe", "listpack a=inf");
    assert_value(b"\x05\x01\x01a\0\0\0\0\0\0\xf0\x3f", "listpack a=1");
    assert_value(
        b"\x04\x02\x01a\x011\x01b\xc0\x02",
        "listpack a=1@None b=2@None",
    );
    for empty in [
        kind::LIST,
        kind::SET,
        kind::ZSET,
        kind::HASH,
        kind::ZSET_2,
        kind::LIST_QUICKLIST,
        kind::LIST_QUICKLIST_2,
        kind::HASH_METADATA_PRE_GA,
    ] {
        assert!(
            matches!(value(&[empty, 0], &Limits::default()), Err(Error::Empty)),
            "{empty}"
        );
    }
    for twice in [
        &b"\x02\x02\x011\xc0\x01"[..],
        b"\x04\x02\x01a\x011\x01a\x012",
        b"\x03\x02\x01a\x011\x01a\x012",
    ] {
        assert_refused(twice);
    }
    for no_score in [
        &b"\x03\x01\x01a\xfd"[..],
        b"\x03\x01\x01a\0",
        b"\x03\x01\x01a\x03abc",
        b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f",
    ] {
        assert_refused(no_score);
    }
}

#[test]
fn packed_collections_are_looked_through() {
    assert_value(
        &body(kind::SET_INTSET, &[b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0"]),
        "intset -1 5",
    );
    assert_refused(&body(
        kind::SET_INTSET,
        &[b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0"],
    ));
    assert_refused(&body(kind::SET_INTSET, &[b"\x02\0\0\0\0\0\0\0"]));
    let pairs = b"\x0f\0\0\0\x04\0\x01\x01\x02\x01\x03\x01\x04\x01\xff";
    assert_value(
        &body(kind::HASH_LISTPACK, &[pairs]),
        "listpack 1=2@None 3=4@None",
    );
    assert_value(&body(kind::ZSET_LISTPACK, &[pairs]), "listpack 1=2 3=4");
    assert_value(&body(kind::SET_LISTPACK, &[pairs]), "listpack 1 2 3 4");
    let twice = b"\x0f\0\0\0\x04\0\x01\x01\x02\x01\x01\x01\x04\x01\xff";
    let descending = b"\x0f\0\0\0\x04\0\x01\x01\x04\x01\x03\x01\x02\x01\xff";
    let odd = b"\x0d\0\0\0\x03\0\x01\x01\x02\x01\x03\x01\xff";
    let empty = b"\x07\0\0\0\0\0\xff";
    for kind in [kind::HASH_LISTPACK, kind::ZSET_LISTPACK, kind::SET_LISTPACK] {
        assert_refused(&body(kind, &[twice]));
        assert_refused(&body(kind, &[empty]));
        assert_refused(&body(kind, &[b"v"]));
    }
    assert_refused(&body(kind::HASH_LISTPACK, &[odd]));
    assert_refused(&body(kind::ZSET_LISTPACK, &[odd]));
    assert_refused(&body(kind::ZSET_LISTPACK, &[descending]));
    // No score, and a score that is a text.
    assert_refused(&body(
        kind::ZSET_LISTPACK,
        &[b"\x0e\0\0\0\x02\0\x01\x01\x83nan\x04\xff"],
    ));
    assert_value(
        &body(
            kind::ZSET_LISTPACK,
            &[b"\x0e\0\0\0\x02\0\x01\x01\x83inf\x04\xff"],
        ),
        "listpack 1=inf",
    );
}

/// What Redis up to version 6 has written, and 2.4.
#[test]
fn older_forms_become_listpacks() {
    let ziplist = b"\x11\0\0\0\x0e\0\0\0\x04\0\0\xf2\x02\xf3\x02\xf4\x02\xf5\xff";
    let ziplist = [&ziplist[..]].concat();
    let ziplist = &{
        let mut bytes = ziplist;
        let size = bytes.len() as u8;
        bytes[0] = size;
        bytes[4] = size - 3;
        bytes
    }[..];
    assert_value(&body(kind::LIST_ZIPLIST, &[ziplist]), "listpack 1 2 3 4");
    assert_value(&body(kind::ZSET_ZIPLIST, &[ziplist]), "listpack 1=2 3=4");
    assert_value(
        &body(kind::HASH_ZIPLIST, &[ziplist]),
        "listpack 1=2@None 3=4@None",
    );
    let nodes = [
        &[kind::LIST_QUICKLIST, 2][..],
        &body(0, &[ziplist, ziplist])[1..],
    ]
    .concat();
    assert_value(&nodes, "quicklist 1 2 3 4 1 2 3 4");
    assert_value(
        &body(kind::HASH_ZIPMAP, &[b"\x01\x01f\x01\0v\xff"]),
        "listpack f=v@None",
    );
    let limits = Limits {
        hash_max_listpack_value: 0,
        ..Limits::default()
    };
    let large = value(
        &body(kind::HASH_ZIPMAP, &[b"\x01\x01f\x01\0v\xff"]),
        &limits,
    );
    assert_eq!(large.expect("a hash"), "hashtable f=v@None");
    let limits = Limits {
        hash_max_listpack_entries: 1,
        ..Limits::default()
    };
    let large = value(&body(kind::HASH_ZIPLIST, &[ziplist]), &limits);
    assert_eq!(large.expect("a hash"), "hashtable 1=2@None 3=4@None");
}

#[test]
fn expiries_of_fields_are_read_in_every_form() {
    let year_2100 = 4_102_444_800_000u64;
    let first = year_2100.to_le_bytes();
    let wanted = format!("listpackex a=1@None b=2@Some({year_2100})");
    let fields = b"\0\x01a\x011\x01\x01b\x012";
    assert_value(
        &[&[kind::HASH_METADATA][..], &first, b"\x02", fields].concat(),
        &wanted,
    );
    let whole = [
        &[kind::HASH_METADATA_PRE_GA][..],
        b"\x02\0\x01a\x011\x81",
        &year_2100.to_be_bytes(),
        b"\x01b\x012",
    ];
    assert_value(&whole.concat(), &wanted);
    let triple = b"\x0f\0\0\0\x03\0\x81a\x02\x81b\x02\x00\x01\xff";
    assert_value(
        &body(kind::HASH_LISTPACK_EX_PRE_GA, &[triple]),
        "listpackex a=b@None",
    );
    let triple = [
        &[kind::HASH_LISTPACK_EX][..],
        &first,
        &body(0, &[triple])[1..],
    ]
    .concat();
    assert_value(&triple, "listpackex a=b@None");
    // An expiry later than any: 48 bits and more.
    let late = [
        &[kind::HASH_METADATA_PRE_GA][..],
        b"\x01\x81",
        &(1u64 << 48).to_be_bytes(),
        b"\x01b\x012",
    ];
    assert_refused(&late.concat());
    let late = [
        &[kind::HASH_METADATA][..],
        &u64::MAX.to_le_bytes(),
        b"\x01\x02\x01b\x012",
    ];
    assert_value(&late.concat(), "listpackex b=2@None");
}

#[test]
fn what_is_no_value_is_refused() {
    for bad in [
        &b""[..],
        b"\0",
        b"\x08",
        b"\x1a\0",
        b"\xfa\x01a\x01b",
        b"\0\xc4",
        b"\0\x82abc",
        b"\x07\x81\x11\x11\x11\x11\x11\x11\x11\x11\0",
        b"\x06\x03",
        b"\x12\x01\x03\x07\x07\0\0\0\0\0\xff",
        b"\x12\x01\x01\0",
        b"\x12\x01\x02\x07\x07\0\0\0\0\0\xff",
    ] {
        assert_refused(bad);
    }
    assert_value(b"\x12\x01\x01\x03abc", "quicklist abc");
    assert_value(b"\0\x81\0\0\0\0\0\0\0\x03abc", "string abc");
}

#[test]
fn what_stands_before_an_entry_is_its_own() {
    let tags = b"\xfa\x0bkeytag-tags\x06\x01a\x03foo";
    let expiry = b"\xfd\x02\0\0\0";
    let entry = b"\0\x01k\x01v";
    let found = load(
        &file(&[&tags[..], expiry, entry, b"\0\x01l\x01v"].concat()),
        Checksum::Verify,
    );
    let found = found.expect("a file");
    assert_eq!(found["0:k"], "string v @2000 #a #foo");
    assert_eq!(found["0:l"], "string v");
    for bad in [&b"\x02\x05a"[..], b"\x01\0", b"\x03\x01a\x05"] {
        let tags = [&b"\xfa\x0bkeytag-tags"[..], bad].concat();
        assert!(load(&file(&[&tags[..], entry].concat()), Checksum::Verify).is_err());
    }
    let bytes = file(b"\xf8\x40\xff\0\x01k\x01v\xf9\x07\0\x01l\x01v\0\x01m\x01v");
    let mut reader = Reader::new(&bytes[..], Limits::default(), Checksum::Verify).expect("a file");
    for wanted in [Past::IdleSeconds(255), Past::Frequency(7), Past::Unknown] {
        match reader.next_piece() {
            Ok(Some(Piece::Entry(record))) => assert_eq!(record.past, wanted),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(reader.next_piece(), Ok(None)));
    assert!(matches!(reader.next_piece(), Ok(None)), "and stays there");
    assert_eq!(reader.offset(), bytes.len() as u64);
}

#[test]
fn consumers_are_active_when_it_is_said_in_front_of_their_stream() {
    let stream = |key: &[u8]| {
        let consumer = |name: &[u8]| [b"\x01", name, &7i64.to_le_bytes(), b"\0"].concat();
        let head = [
            &[kind::STREAM_LISTPACKS_2, 1][..],
            key,
            &[0; 9],
            b"\x01\x01g",
        ]
        .concat();
        [
            &head[..],
            &[0; 4],
            b"\x02",
            &consumer(b"a"),
            &consumer(b"b"),
        ]
        .concat()
    };
    let field = |times: &[u8]| {
        let length = u8::try_from(times.len()).expect("a short one");
        [b"\xfa\x0dkeytag-active", &[length][..], times].concat()
    };
    let times = [(-1i64).to_le_bytes(), 5i64.to_le_bytes()].concat();
    let whole = [field(&times), stream(b"s"), stream(b"t")].concat();
    let found = load(&file(&whole), Checksum::Verify).expect("a file");
    assert!(found["0:s"].contains(" (a:0,b:0!) "), "{}", found["0:s"]);
    // Without it, when they were last seen.
    assert!(found["0:t"].contains(" (a:0!,b:0!) "), "{}", found["0:t"]);
    for bad in [&times[..8], &times[..15], &[&times[..], &times].concat()] {
        let bad = [field(bad), stream(b"s")].concat();
        assert!(load(&file(&bad), Checksum::Verify).is_err());
    }
    // What is no stream has none.
    let other = [&field(&times)[..], b"\0\x01k\x01v"].concat();
    let found = load(&file(&other), Checksum::Verify).expect("a file");
    assert_eq!(found["0:k"], "string v");
}

#[test]
fn what_modules_and_clusters_say_is_passed_over() {
    let bytes = b"\xf7\x81\x11\x11\x11\x11\x11\x11\x11\x11\x02\x02\x05\x03abc\0\xf4\x01\x02\x03\xfb\x01\0\0\x01k\x01v";
    let found = load(&file(bytes), Checksum::Verify).expect("a file");
    assert_eq!(found["module"], "ERERERERE");
    assert_eq!(found["0:k"], "string v");
    assert_eq!(found["sizes 1"], "1 0");
    assert!(load(&file(b"\xf6\x01x"), Checksum::Verify).is_err());
    let module = load(
        &file(b"\x07\x01k\x81\x11\x11\x11\x11\x11\x11\x11\x11\0"),
        Checksum::Verify,
    );
    assert!(matches!(module, Err(Error::Module(name)) if name == "ERERERERE"));
}

#[test]
fn files_of_all_versions_are_read() {
    for version in 1..=12 {
        let mut bytes = format!("REDIS{version:04}").into_bytes();
        bytes.extend(b"\0\x01k\x01v\xff");
        if version >= 5 {
            assert!(load(&bytes, Checksum::Verify).is_err(), "no checksum");
            let sum = crc64(&bytes);
            let mut unsummed = [&bytes[..], &[0; 8]].concat();
            assert!(load(&unsummed, Checksum::Verify).is_ok());
            unsummed.splice(bytes.len().., sum.to_le_bytes());
            bytes = unsummed;
        }
        let found = load(&bytes, Checksum::Verify).expect("a file");
        assert_eq!(found["0:k"], "string v");
    }
    for (head, wanted) in [("REDIS0000", "0"), ("REDIS0013", "13"), ("REDISabcd", "0")] {
        let error = load(head.as_bytes(), Checksum::Verify).expect_err(head);
        assert_eq!(
            error.to_string(),
            format!("Can't handle RDB format version {wanted}")
        );
    }
    assert!(matches!(
        load(b"RADIS0012", Checksum::Verify),
        Err(Error::Signature)
    ));
}

/// Keys of every length, short ones and some that are read in pieces, in several databases, some with tags.
#[test]
fn runs_hold_all_short_keys_of_a_file() {
    let mut rng = fastrand::Rng::with_seed(20_261_123);
    let (mut body, rounds) = (Vec::new(), if cfg!(miri) { 100 } else { 8_000 });
    for number in 0..rounds {
        match rng.u8(..100) {
            0 => body.extend([opcode::SELECTDB, rng.u8(..3)]),
            1 => body.extend(b"\xfa\x0bkeytag-tags\x02\x01a"),
            2 => body.extend(b"\xfa\x01x\x01y\xf5\x03lib\xfb\x05\x01"),
            _ => {}
        }
        let most_bytes = match rng.u32(..4_000) {
            0 => 3_000_000,
            1..40 => 30_000,
            _ => 100,
        };
        let value = vec![rng.u8(..); rng.usize(..most_bytes)];
        body.push(kind::STRING);
        for text in [format!("key:{number}").as_bytes(), &value] {
            body.extend([&b"\x80"[..], &(text.len() as u32).to_be_bytes(), text].concat());
        }
    }
    let file = file(&body);
    let found = load(&file, Checksum::Verify).expect("a whole file");
    assert!(found.len() > rounds);
    let mut reader = Reader::new(&file[..], Limits::default(), Checksum::Verify).expect("a file");
    let (mut runs, mut run_bytes, mut large) = (0, 0, 0);
    while let Some(part) = reader.next_part().expect("a whole file") {
        match part {
            Part::Run(run) => (runs, run_bytes) = (runs + 1, run_bytes + run.size_bytes()),
            Part::Piece(Piece::Entry(record)) => {
                let Some(Decoded::String(Value::Bytes(bytes))) = record.value else {
                    panic!("only strings are long");
                };
                assert!(bytes.len() > 1_000_000);
                large += 1;
            }
            Part::Piece(_) => {}
        }
    }
    assert!(cfg!(miri) || runs > 5 && large > 0 && run_bytes > file.len() / 4);
}
