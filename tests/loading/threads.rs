//! Snapshots that are long enough for several threads.

use super::{both, put, refused, snapshot, told};
use crate::support::{Kind, Server};

const SEED: u64 = 20_261_123;

/// Keys of a file: so many that there are some runs of them.
const KEYS: usize = 60_000;

fn text(bytes: &[u8]) -> Vec<u8> {
    [&b"\x80"[..], &(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

/// An entry of a random type, in database 0 or 1, some of which have expired.
fn entry(number: usize, rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut entry = match rng.u8(..20) {
        0 => vec![0xfe, rng.u8(..2)],
        1 => b"\xfc\x01\0\0\0\0\0\0\0".to_vec(),
        2 | 3 => [&b"\xfc"[..], &4_102_444_800_000u64.to_le_bytes()].concat(),
        _ => Vec::new(),
    };
    let count = rng.u8(1..10);
    let kind = [0, 0, 0, 1, 2, 4, 5][rng.usize(..7)];
    entry.push(kind);
    entry.extend(text(format!("key:{number}").as_bytes()));
    if kind == 0 {
        entry.extend(text(&vec![b'v'; rng.usize(..150)]));
        return entry;
    }
    entry.push(count);
    for at in 0..count {
        entry.extend(text(format!("element {at}").as_bytes()));
        match kind {
            4 => entry.extend(text(b"value")),
            5 => entry.extend(f64::from(at).to_le_bytes()),
            _ => {}
        }
    }
    entry
}

/// The entries of a file.
fn entries() -> Vec<Vec<u8>> {
    let mut rng = fastrand::Rng::with_seed(SEED);
    (0..KEYS).map(|number| entry(number, &mut rng)).collect()
}

#[test]
fn a_long_snapshot_is_loaded_alike_by_one_thread_and_by_several() {
    // It says of one database how much there is, too much, and of the other nothing.
    let sizes = b"\xfe\0\xfb\x80\0\x0f\xff\xff\0";
    let large = [&b"\0\x05large"[..], &text(&vec![b'l'; 3_000_000])].concat();
    let mut body = entries();
    body.insert(0, sizes.to_vec());
    body.insert(KEYS / 2, large);
    let file = snapshot(&body.concat());
    assert!(file.len() > 4_000_000);
    let files = [("dump.rdb", &file[..])];
    let figures = ["1", "4"].map(|threads| {
        let flags = ["--enable-debug-command", "yes", "--io-threads", threads];
        let [ours, theirs] = both(&flags, &files);
        assert_eq!(told(&ours), told(&theirs), "{threads}");
        [ours, theirs].map(|server| {
            let mut client = server.connect();
            let mut figures = [
                client.info_number("rdb_last_load_keys_loaded"),
                client.info_number("rdb_last_load_keys_expired"),
                client.line("DBSIZE").integer(),
            ]
            .map(|it| it.to_string())
            .to_vec();
            figures.push(client.line("DEBUG DIGEST").text());
            figures
        })
    });
    let [[ours, theirs], [again, _]] = figures;
    assert_eq!((&ours, &again), (&theirs, &theirs));
}

/// Bytes that stand before an entry of that number.
type Wrong<'a> = (usize, &'a [u8]);

/// What is said at warning level, without the moment.
fn warnings(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| line.split_once(" # "));
    lines.map(|(_, text)| text.to_owned()).collect()
}

#[test]
fn what_is_wrong_with_a_long_snapshot_is_told_alike_by_one_thread_and_by_several() {
    let [malformed, twice, far] = [
        &b"\x10\x01k\x01v"[..],
        b"\xfe\x00\0\x04same\x01v",
        b"\xfe\x40\x63\0\x01k\x01v",
    ];
    let (middle, late) = (KEYS / 2, KEYS * 3 / 4);
    let cases: [(&[Wrong<'_>], &str); 7] = [
        (&[(middle, malformed)], "Listpack integrity check failed."),
        (&[(middle, far)], "more than 16 databases"),
        (
            &[(10, twice), (late, twice)],
            "duplicated key 'same' in DB 0",
        ),
        (&[(middle, b"\x20\x01k")], "Unknown RDB opcode"),
        (
            &[(middle, malformed), (late, far), (late, b"\x20")],
            "Listpack integrity check failed.",
        ),
        (
            &[(10, twice), (11, twice), (middle, malformed)],
            "duplicated key 'same' in DB 0",
        ),
        (
            &[
                (middle, malformed),
                (middle + 1, b"\xfe\x00\0\x04same\xc3\x05\x05"),
            ],
            "Listpack integrity check failed.",
        ),
    ];
    for (wrong, text) in cases {
        let mut body = entries();
        for (at, bytes) in wrong.iter().rev() {
            body.insert(*at, bytes.to_vec());
        }
        let file = snapshot(&body.concat());
        let [alone, several] = ["1", "4"]
            .map(|threads| warnings(&refused(Kind::Keytag, &["--io-threads", threads], &file)));
        assert_eq!(alone, several);
        assert!(
            alone.iter().any(|it| it.contains(text)),
            "{text}: {alone:?}"
        );
    }
    // One that ends early, and one whose checksum is wrong, are read to where that is seen.
    let mut file = snapshot(&entries().concat());
    let last = file.len() - 1;
    file[last] ^= 1;
    for bytes in [&file[..], &file[..file.len() / 2]] {
        let [alone, several] = ["1", "4"]
            .map(|threads| warnings(&refused(Kind::Keytag, &["--io-threads", threads], bytes)));
        assert_eq!(alone, several);
    }
}

#[test]
fn a_long_base_of_a_log_is_loaded_alike() {
    let manifest = b"file appendonly.aof.1.base.rdb seq 1 type b\n";
    let base = "appendonlydir/appendonly.aof.1.base.rdb";
    let body = entries().concat();
    let on = |bytes: &[u8], threads: &'static str| {
        Server::prepared(
            Kind::Keytag,
            &["--appendonly", "yes", "--io-threads", threads],
            |dir| {
                put(dir, "appendonlydir/appendonly.aof.manifest", manifest);
                put(dir, base, bytes);
            },
        )
    };
    let damaged = snapshot(&[&body[..], b"\x10\x01k\x01v", &body].concat());
    let [alone, several] = ["1", "4"].map(|threads| {
        let mut server = on(&damaged, threads);
        assert_eq!(server.run_to_end().code(), Some(1));
        warnings(&server.log())
    });
    assert_eq!(alone, several);
    assert!(
        alone
            .iter()
            .any(|it| it.contains("Listpack integrity check failed."))
    );
    let mut server = on(&snapshot(&body), "4");
    server.begin();
    server.wait_until_ready();
    // What has expired stays in a base.
    let mut client = server.connect();
    assert_eq!(client.info_number("rdb_last_load_keys_loaded"), KEYS as i64);
}
