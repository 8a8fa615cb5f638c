//! Random campaigns against everything that reads bytes from disk or from a client.

use std::fs;
use std::io::Cursor;

use fastrand::Rng;
use storage::aof::{
    End, FirstBase, Location, Log, Manifest, OnDamage, Reader, Replay, Step, load,
    write_annotation, write_next, write_record, write_timestamp,
};
use storage::rdb::crc64::crc64;
use storage::rdb::{self, Checksum, Decoded, Part, Payload, Piece};
use storage::value::Limits;

use crate::campaign::{allocated, campaign};
use crate::exercise::exercise;
use crate::mutate::mutate;

/// Every type in every form that Redis 7.4.1 writes.
const SNAPSHOT: &[u8] = include_bytes!("../../src/rdb/fixtures/all-types.rdb");

/// What reading may allocate in all besides so many times what there is to be read: buffers.
const BUFFERS: u64 = 2 * 1024 * 1024;

/// How many times: LZF makes 264 bytes of three, and what grows is allocated anew a few times.
const TIMES: u64 = 600;

fn assert_bounded(allocated: u64, length: usize) {
    let most = BUFFERS + TIMES * length as u64;
    assert!(allocated <= most, "{allocated} bytes for {length}");
}

/// What no Redis of today writes any more: type and value.
const OLDER: &[&[u8]] = &[
    b"\x01\x02\x01a\x01b",
    b"\x02\x03\x01a\x01b\x011",
    b"\x03\x02\x01a\x031.5\x01b\xff",
    b"\x04\x02\x01a\x011\x01b\x012",
    b"\x0a\x11\x11\0\0\0\x0e\0\0\0\x04\0\0\xf2\x02\xf3\x02\xf4\x02\xf5\xff",
    b"\x0c\x11\x11\0\0\0\x0e\0\0\0\x04\0\0\xf2\x02\xf3\x02\xf4\x02\xf5\xff",
    b"\x0d\x11\x11\0\0\0\x0e\0\0\0\x04\0\0\xf2\x02\xf3\x02\xf4\x02\xf5\xff",
    b"\x0e\x01\x11\x11\0\0\0\x0e\0\0\0\x04\0\0\xf2\x02\xf3\x02\xf4\x02\xf5\xff",
    b"\x09\x08\x01\x01f\x01\0v\xff",
    b"\x0b\x0c\x02\0\0\0\x02\0\0\0\xff\xff\x05\0",
    b"\x16\x02\0\x01a\x011\x81\0\0\x03\xbb\x2c\xc3\xd8\0\x01b\x012",
];

/// The pieces that the snapshot is made of, and the types and values of its keys.
fn pieces() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut reader = rdb::Reader::new(SNAPSHOT, Limits::default(), Checksum::Verify).unwrap();
    let (mut pieces, mut values) = (Vec::new(), Vec::new());
    loop {
        let from = usize::try_from(reader.offset()).unwrap();
        let key = match reader.next_piece().unwrap() {
            Some(Piece::Entry(record)) => Some(record.key.to_vec()),
            Some(_) => None,
            None => break,
        };
        let piece = &SNAPSHOT[from..usize::try_from(reader.offset()).unwrap()];
        pieces.push(piece.to_vec());
        if let Some(key) = key {
            let is_key = |at: &usize| {
                usize::from(piece[at - 1]) == key.len() && piece[*at..].starts_with(&key)
            };
            let at = (2..piece.len()).find(is_key).expect("its key is in it");
            values.push([&piece[at - 2..at - 1], &piece[at + key.len()..]].concat());
        }
    }
    pieces.push(b"\xfa\x0bkeytag-tags\x06\x01a\x03foo".to_vec());
    let older = OLDER.iter().map(|value| value.to_vec());
    values.extend(older.clone());
    pieces.extend(older.map(|value| [&value[..1], b"\x03old", &value[1..]].concat()));
    (pieces, values)
}

fn limits(rng: &mut Rng) -> Limits {
    let few = Limits {
        hash_max_listpack_entries: 1,
        set_max_intset_entries: 1,
        set_max_listpack_entries: 1,
        zset_max_listpack_entries: 1,
        list_max_listpack_size: 2,
        list_compress_depth: 1,
        ..Limits::default()
    };
    [Limits::default(), few][rng.usize(..2)]
}

fn try_out(value: Decoded<'_>, limits: &Limits, rng: &mut Rng) {
    if let Decoded::Object(object) = value {
        exercise(object, limits, rng);
    }
}

#[test]
fn snapshots_are_read_or_refused() {
    let (pieces, _) = pieces();
    campaign(10_000, |rng| {
        let mut file = match rng.bool() {
            true => SNAPSHOT.to_vec(),
            false => {
                let body = (0..rng.usize(1..6)).flat_map(|_| &pieces[rng.usize(..pieces.len())]);
                let body: Vec<u8> = body.copied().collect();
                [b"REDIS0012", &body[..], b"\xff\0\0\0\0\0\0\0\0"].concat()
            }
        };
        mutate(&mut file, &pieces, rng);
        if let Some(summed) = file.len().checked_sub(8).filter(|_| rng.bool()) {
            let sum = crc64(&file[..summed]).to_le_bytes();
            file.splice(summed.., sum);
        }
        let checksum = [Checksum::Verify, Checksum::Ignore][rng.usize(..2)];
        let limits = limits(rng);
        let (values, bytes) = allocated(|| read_snapshot(&file, limits, checksum));
        assert_bounded(bytes, file.len());
        let (in_runs, bytes) = allocated(|| keys_in_runs(&file, limits, checksum).ok());
        assert_bounded(bytes, file.len());
        let one_by_one = rdb::Reader::new(&file[..], limits, checksum);
        let one_by_one = one_by_one.and_then(|mut reader| keys(&mut reader));
        assert_eq!(in_runs, one_by_one.ok(), "{}", file.escape_ascii());
        for value in values {
            exercise(value, &limits, rng);
        }
    });
}

/// The keys that a reader gives, with what tells them apart.
fn keys(reader: &mut rdb::Reader<'_>) -> Result<Vec<String>, rdb::Error> {
    let mut keys = Vec::new();
    while let Some(piece) = reader.next_piece()? {
        keys.extend(shown(piece));
    }
    Ok(keys)
}

/// The same where keys are read in runs, as the server does it on several threads.
fn keys_in_runs(
    file: &[u8],
    limits: Limits,
    checksum: Checksum,
) -> Result<Vec<String>, rdb::Error> {
    let mut reader = rdb::Reader::new(file, limits, checksum)?;
    let mut all = Vec::new();
    while let Some(part) = reader.next_part()? {
        match part {
            Part::Run(run) => all.extend(keys(&mut rdb::Reader::of_run(&run, limits))?),
            Part::Piece(piece) => all.extend(shown(piece)),
        }
    }
    Ok(all)
}

fn shown(piece: Piece<'_>) -> Option<String> {
    let Piece::Entry(record) = piece else {
        return None;
    };
    let value = match &record.value {
        Some(Decoded::String(value)) => format!("{value:?}"),
        Some(Decoded::Object(object)) => format!("{} {}", object.encoding(), object.len()),
        None => String::new(),
    };
    let tags: Vec<&[u8]> = record.tags.collect();
    let (db, key, expiry_ms) = (record.db, record.key, record.expiry_ms);
    Some(format!(
        "{db} {key:?} {value} {expiry_ms:?} {tags:?} {:?}",
        record.past
    ))
}

/// The collections of a file, up to where it is refused.
fn read_snapshot(file: &[u8], limits: Limits, checksum: Checksum) -> Vec<storage::value::Object> {
    let mut objects = Vec::new();
    let Ok(mut reader) = rdb::Reader::new(file, limits, checksum) else {
        return objects;
    };
    while let Ok(Some(piece)) = reader.next_piece() {
        if let Piece::Entry(record) = piece {
            assert!(record.tags.clone().all(|tag| !tag.is_empty()));
            if let Some(Decoded::Object(object)) = record.value {
                objects.push(object);
            }
        }
        assert!(reader.offset() <= file.len() as u64);
    }
    objects
}

#[test]
fn payloads_of_restore_are_read_or_refused() {
    let (_, values) = pieces();
    campaign(20_000, |rng| {
        let mut body = values[rng.usize(..values.len())].clone();
        mutate(&mut body, &values, rng);
        let mut payload = [&body[..], &12_u16.to_le_bytes()].concat();
        payload.extend(crc64(&payload).to_le_bytes());
        let limits = limits(rng);
        let verified = Payload::verified(&payload, Checksum::Verify);
        let mut verified = verified.expect("the checksum is right");
        let (value, bytes) = allocated(|| verified.value(&limits));
        assert_bounded(bytes, payload.len());
        if let Ok(value) = value {
            try_out(value, &limits, rng);
        }
        // As it would come from a client.
        drop(verified);
        mutate(&mut payload, &values, rng);
        let (_, bytes) = allocated(|| Payload::verified(&payload, Checksum::Verify).is_some());
        assert_bounded(bytes, 0);
    });
}

/// Records of every sort, with everything that may stand between them.
fn records(rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    let value = vec![b"xy*$#\r\n"[rng.usize(..7)]; rng.usize(..300)];
    match rng.u8(..8) {
        0 => write_record([&b"SELECT"[..], b"3"], &mut out),
        1 => write_annotation([&b"TAGADD"[..], b"key", &value], &mut out),
        2 => {
            write_next([&b"TAGS"[..], b"1", &value], &mut out);
            write_record([&b"SET"[..], b"tagged", b"v"], &mut out);
        }
        3 => {
            write_record([&b"MULTI"[..]], &mut out);
            write_record([&b"SET"[..], b"a", &value], &mut out);
            write_record([&b"INCR"[..], b"b"], &mut out);
            write_record([&b"EXEC"[..]], &mut out);
        }
        4 => write_timestamp(rng.i64(..), &mut out),
        _ => write_record([&b"SET"[..], b"key", &value], &mut out),
    }
    out
}

fn first_base() -> std::io::Result<FirstBase> {
    Ok(FirstBase {
        bytes: Vec::new(),
        format: storage::aof::BaseFormat::Aof,
    })
}

/// A log of some blocks, as the bytes of its incremental file.
fn incremental(rng: &mut Rng) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::new(dir.path(), "d", "a");
    let mut log = Log::open(location.clone(), Manifest::default(), first_base).unwrap();
    for _ in 0..rng.usize(1..6) {
        let block: Vec<u8> = (0..rng.usize(1..4)).flat_map(|_| records(rng)).collect();
        log.append(&block).unwrap();
    }
    fs::read(location.path("a.1.incr.aof".as_ref())).unwrap()
}

/// What can be replayed, and how it ends.
fn replay(bytes: &[u8]) -> (Vec<Replay>, End) {
    let mut reader = Reader::new(Cursor::new(bytes), bytes.len() as u64);
    let (mut replayed, mut last) = (Vec::new(), 0);
    loop {
        match reader.step().expect("bytes in memory can be read") {
            Step::Replay { replay, offset_end } => {
                assert!(last < offset_end && offset_end <= bytes.len() as u64);
                last = offset_end;
                replayed.push(replay);
            }
            Step::End(end) => return (replayed, end),
        }
    }
}

#[test]
fn logs_are_replayed_up_to_what_is_wrong() {
    let mut rng = Rng::with_seed(1);
    let logs: Vec<Vec<u8>> = (0..40).map(|_| incremental(&mut rng)).collect();
    campaign(10_000, |rng| {
        let mut bytes = logs[rng.usize(..logs.len())].clone();
        mutate(&mut bytes, &logs, rng);
        let ((replayed, end), allocated) = allocated(|| replay(&bytes));
        assert_bounded(allocated, bytes.len());
        let Some(valid_bytes) = end.valid_bytes() else {
            return;
        };
        let valid = &bytes[..usize::try_from(valid_bytes).unwrap()];
        assert_eq!(replay(valid), (replayed, End::Clean));
        if rng.u8(..100) == 0 {
            take_over(&bytes, valid, rng);
        }
    });
}

/// The same in a directory: what is wrong is moved aside, and the log goes on.
fn take_over(bytes: &[u8], valid: &[u8], rng: &mut Rng) {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::new(dir.path(), "d", "a");
    let path = location.path("i".as_ref());
    fs::create_dir(location.dir()).unwrap();
    fs::write(&path, bytes).unwrap();
    let mut manifest = Manifest::parse(b"file i seq 1 type i\n").unwrap();
    let mut start = |on_damage: OnDamage| {
        let mut count = 0;
        let loaded = load(&location, &mut manifest, &on_damage.into(), |event| {
            count += usize::from(matches!(event, storage::aof::Event::Replay { .. }));
            Ok::<_, std::convert::Infallible>(())
        });
        (count, loaded.expect("a log"))
    };
    if bytes.starts_with(b"REDIS") {
        return;
    }
    let (count, loaded) = start(OnDamage::Quarantine);
    assert_eq!(fs::read(&path).unwrap(), valid);
    let aside = fs::read(&loaded.quarantined[0].target).unwrap();
    assert_eq!(aside, &bytes[valid.len()..]);
    assert_eq!(start(OnDamage::Refuse).0, count);
    let mut log = Log::open(location.clone(), manifest.clone(), first_base).unwrap();
    let block = [records(rng), b"*1\r\n$4\r\nPING\r\n".to_vec()].concat();
    log.append(&block).unwrap();
    drop(log);
    let more = fs::read(&path).unwrap();
    let (replayed, end) = replay(&more);
    assert_eq!(end, End::Clean, "{}", more.escape_ascii());
    assert!(replayed.len() > count);
}

#[test]
fn manifests_are_read_or_refused() {
    let texts: Vec<Vec<u8>> = [
        "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n",
        "file a.2.base.aof seq 2 type b\nfile a.1.base.aof seq 1 type h\nfile a.3.incr.aof seq 3 type i\n",
        "# remark\nfile \"a \\x41\\n\" seq 7 type i\nfile 'b' seq 8 type i startoffset 5\n",
        "file a.manifest seq 9223372036854775807 type i\n",
        "file .. seq -9223372036854775808 type b\nfile a seq 0x10 type hist\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    campaign(20_000, |rng| {
        let mut text = texts[rng.usize(..texts.len())].clone();
        mutate(&mut text, &texts, rng);
        let (parsed, bytes) = allocated(|| Manifest::parse(&text));
        assert_bounded(bytes, text.len());
        let Ok(manifest) = parsed else { return };
        let again = manifest.encode();
        if !again.is_empty() {
            assert_eq!(Manifest::parse(&again), Ok(manifest.clone()));
        }
        if rng.u8(..200) == 0 {
            open_with(&text);
        }
    });
}

/// Starts in a directory with that manifest and files that may or may not be those it names.
fn open_with(text: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::new(dir.path(), "d", "a");
    fs::create_dir(location.dir()).unwrap();
    fs::write(location.manifest_path(), text).unwrap();
    let files = [
        ("a.1.base.rdb", SNAPSHOT),
        ("a.1.incr.aof", b"*1\r\n$4\r\nPING\r\n"),
        ("a.2.base.aof", b""),
        ("a.3.incr.aof", b"*1\r\n$4\r\nPING\r\n*"),
    ];
    for (name, bytes) in files {
        fs::write(location.path(name.as_ref()), bytes).unwrap();
    }
    let Ok(Some(mut manifest)) = Manifest::read(&location) else {
        return;
    };
    let reading = OnDamage::Quarantine.into();
    let loaded = load(&location, &mut manifest, &reading, |_| {
        Ok::<_, std::convert::Infallible>(())
    });
    if loaded.is_err() {
        assert_eq!(fs::read(location.manifest_path()).unwrap(), text);
        return;
    }
    if let Ok(mut log) = Log::open(location.clone(), manifest, first_base) {
        log.append(b"*1\r\n$4\r\nPING\r\n").unwrap();
        let read = Manifest::read(&location).unwrap().expect("there is one");
        assert_eq!(&read, log.manifest());
    }
}
