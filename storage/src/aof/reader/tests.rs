mod blocks;

use std::io::Cursor;

use super::*;
use crate::aof::record::{write_annotation, write_next, write_record, write_timestamp};

/// A file being written, word by word.
#[derive(Clone, Default)]
struct Text(Vec<u8>);

impl Text {
    fn record(mut self, line: &str) -> Self {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        write_record(words, &mut self.0);
        self
    }

    fn annotation(mut self, line: &str) -> Self {
        write_annotation(line.split(' ').map(str::as_bytes), &mut self.0);
        self
    }

    fn next(mut self, line: &str) -> Self {
        write_next(line.split(' ').map(str::as_bytes), &mut self.0);
        self
    }

    fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

/// What the bytes replay as, one line a step, and how they end.
fn replay(bytes: &[u8]) -> (Vec<String>, End) {
    let mut reader = Reader::new(Cursor::new(bytes), bytes.len() as u64);
    let mut lines = Vec::new();
    let mut last = 0;
    loop {
        match reader.step().unwrap() {
            Step::End(end) => {
                if let Some(valid_bytes) = end.valid_bytes() {
                    assert!(last <= valid_bytes && valid_bytes < bytes.len() as u64);
                }
                return (lines, end);
            }
            Step::Replay { replay, offset_end } => {
                assert!(last < offset_end && offset_end <= bytes.len() as u64);
                last = offset_end;
                lines.push(match replay {
                    Replay::Request(request) => shown(&request),
                    Replay::Transaction(requests) => {
                        let requests: Vec<_> = requests.iter().map(shown).collect();
                        format!("[{}]", requests.join("; "))
                    }
                });
            }
        }
    }
}

fn shown(request: &Request) -> String {
    let words: Vec<_> = request
        .args()
        .iter()
        .map(|word| word.escape_ascii().to_string())
        .collect();
    words.join(" ")
}

/// What a file with this behind a good record replays as, from the end of that record.
fn behind_a_record(tail: &[u8]) -> (Vec<String>, End) {
    let head = Text::default().record("SET a 1");
    let head_bytes = head.len();
    let (mut lines, end) = replay(&head.raw(tail).0);
    assert_eq!(lines.remove(0), "SET a 1");
    let end = match end {
        End::Clean => End::Clean,
        End::Cut { .. } => panic!("no file follows"),
        End::Torn {
            valid_bytes,
            file_bytes,
        } => End::Torn {
            valid_bytes: valid_bytes - head_bytes,
            file_bytes: file_bytes - head_bytes,
        },
        End::Damaged {
            valid_bytes,
            at,
            fault,
        } => End::Damaged {
            valid_bytes: valid_bytes - head_bytes,
            at: at - head_bytes,
            fault,
        },
    };
    (lines, end)
}

fn one_of_everything() -> Text {
    Text::default()
        .record("SELECT 0")
        .raw("#TS:1700000000\r\n")
        .record("SET a 1")
        .annotation("TAGADD a tag")
        .next("TAGS 2 x y")
        .record("SET b 2 PXAT 1")
        .raw("# a remark\n")
        .record("MULTI")
        .record("SET c 3")
        .annotation("TAGADD c tag")
        .next("TAGS 1 z")
        .record("SET d 4")
        .record("EXEC")
        .annotation(&format!("TAGADD {} tag", "k".repeat(1500)))
        .record("DEL a")
}

#[test]
fn everything_that_may_stand_in_a_file_is_replayed() {
    let (lines, end) = replay(&one_of_everything().0);
    assert_eq!(end, End::Clean);
    let long = format!("TAGADD {} tag", "k".repeat(1500));
    assert_eq!(
        lines,
        [
            "SELECT 0",
            "SET a 1",
            "TAGADD a tag",
            "SET b 2 PXAT 1 TAGS 2 x y",
            "[SET c 3; TAGADD c tag; SET d 4 TAGS 1 z]",
            &long,
            "DEL a",
        ]
    );
}

#[test]
fn an_empty_file_is_clean() {
    assert_eq!(replay(b""), (Vec::new(), End::Clean));
}

#[test]
fn a_file_cut_at_any_byte_gives_its_longest_valid_prefix() {
    let whole = one_of_everything().0;
    let (lines, _) = replay(&whole);
    let mut boundaries = vec![0];
    let mut reader = Reader::new(Cursor::new(&whole), whole.len() as u64);
    while let Step::Replay { offset_end, .. } = reader.step().unwrap() {
        boundaries.push(offset_end);
    }
    for cut in 0..whole.len() {
        let (prefix, end) = replay(&whole[..cut]);
        let count = boundaries.iter().filter(|&&end| end <= cut as u64).count() - 1;
        assert_eq!(prefix, lines[..count], "cut at {cut}");
        let valid_bytes = match end {
            End::Clean => cut as u64,
            End::Torn {
                valid_bytes,
                file_bytes,
            } => {
                assert_eq!(file_bytes, cut as u64);
                valid_bytes
            }
            End::Damaged { .. } | End::Cut { .. } => panic!("cut at {cut}: {end:?}"),
        };
        // Complete remarks behind the last record are kept as well.
        assert!(valid_bytes >= boundaries[count], "cut at {cut}");
        let (kept, end) = replay(&whole[..usize::try_from(valid_bytes).unwrap()]);
        assert_eq!((kept, end), (prefix, End::Clean), "cut at {cut}");
    }
}

#[test]
fn changed_bytes_never_panic_and_what_is_valid_reads_again() {
    let whole = one_of_everything().0;
    for index in 0..whole.len() {
        for change in [0, 0xff, b'*', b'#', b'$', b'9', b'\n', whole[index] ^ 1] {
            let mut bytes = whole.clone();
            bytes[index] = change;
            let (lines, end) = replay(&bytes);
            if let Some(valid_bytes) = end.valid_bytes() {
                bytes.truncate(usize::try_from(valid_bytes).unwrap());
                assert_eq!(replay(&bytes), (lines, End::Clean));
            }
        }
    }
}

#[test]
fn a_tail_of_zeros_or_random_bytes_never_panics() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let letters = b"*$#KT:+% 0123456789\r\nSETMULTIEXEC\0\xff";
        let tail: Vec<u8> = (0..random.usize(1..200))
            .map(|_| letters[random.usize(..letters.len())])
            .collect();
        behind_a_record(&tail);
        behind_a_record(&vec![0; tail.len()]);
    }
}

#[test]
fn bytes_that_are_no_record_are_damage_at_their_place() {
    let set = &Text::default().record("SET k v").0;
    let damaged = |at, fault| End::Damaged {
        valid_bytes: 0,
        at,
        fault,
    };
    let long_line = format!("#{}\r\n", "x".repeat(1021));
    let table: &[(&[u8], u64, Fault)] = &[
        (&[0; 100], 0, Fault::ZeroFilled),
        (b"hello\r\n", 0, Fault::RecordPrefix),
        (b"\r\n", 0, Fault::RecordPrefix),
        (b"$3\r\nSET\r\n", 0, Fault::RecordPrefix),
        (b"*0\r\n", 0, Fault::Length),
        (b"*-1\r\n", 0, Fault::Length),
        (b"*+1\r\n", 0, Fault::Length),
        (b"*\r\n", 0, Fault::Length),
        (b"*1x\r\n", 0, Fault::Length),
        (b"*1\n", 0, Fault::Length),
        (b"*99999999999999999999\r\n", 0, Fault::Length),
        (b"*1\r\n*1\r\n", 4, Fault::WordPrefix),
        (b"*1\r\n\0", 4, Fault::WordPrefix),
        (b"*1\r\n$-1\r\n", 4, Fault::Length),
        (b"*1\r\n$99999999999999999999\r\n", 4, Fault::Length),
        (b"*1\r\n$3\r\nDELx\r\n", 11, Fault::WordEnd),
        (b"*1\r\n$3\r\nDEL\rx", 11, Fault::WordEnd),
        (b"*1\r\n$3\r\nDEL\n\r", 11, Fault::WordEnd),
        (long_line.as_bytes(), 0, Fault::LineTooLong),
        (b"#KT:\r\n", 0, Fault::Annotation),
        (b"#KT:a%zz\r\n", 0, Fault::Annotation),
        (b"#KT+a\r\n*1\r\n", 7, Fault::Annotation),
        (b"#KT+a\r\n#TS:1\r\n", 7, Fault::Annotation),
        (b"#KT:NEXT a\r\n#KT:b\r\n", 12, Fault::Annotation),
        (b"*1\r\n$4\r\nEXEC\r\n", 0, Fault::ExecWithoutMulti),
        (b"*1\r\n$5\r\nMULTI\r\n\0", 15, Fault::ZeroFilled),
        (
            b"*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nmulti\r\n",
            15,
            Fault::NestedMulti,
        ),
    ];
    for (tail, at, fault) in table {
        let expected = (Vec::new(), damaged(*at, *fault));
        // Whether good records follow makes no difference.
        assert_eq!(behind_a_record(tail), expected, "{}", tail.escape_ascii());
        let followed = [tail, &set[..]].concat();
        if tail.ends_with(b"\n") {
            assert_eq!(
                behind_a_record(&followed),
                expected,
                "{}",
                tail.escape_ascii()
            );
        }
    }
}

#[test]
fn lengths_beyond_the_end_of_the_file_take_no_memory() {
    for length in ["500000000", "9223372036854775807", "18446744073709551615"] {
        let tail = format!("*1\r\n${length}\r\nabc\r\n");
        let mut reader = Reader::new(Cursor::new(&tail), tail.len() as u64);
        let step = reader.step().unwrap();
        assert!(matches!(step, Step::End(End::Torn { valid_bytes: 0, .. })));
        assert_eq!(reader.words.bytes_mut().capacity(), 0);
    }
    let (lines, end) = behind_a_record(b"*2147483647\r\n$1\r\na\r\n");
    assert!(lines.is_empty());
    assert!(matches!(end, End::Torn { valid_bytes: 0, .. }));
}

#[test]
fn a_transaction_counts_only_with_its_exec() {
    let begun = Text::default().record("MULTI").record("SET k v");
    let (lines, end) = behind_a_record(&begun.0);
    assert!(lines.is_empty());
    let file_bytes = begun.len();
    let torn = End::Torn {
        valid_bytes: 0,
        file_bytes,
    };
    assert_eq!(end, torn);
    let whole = begun.record("exec");
    assert_eq!(
        behind_a_record(&whole.0),
        (vec!["[SET k v]".to_owned()], End::Clean)
    );
    let empty = Text::default().record("MULTI").record("EXEC");
    assert_eq!(
        behind_a_record(&empty.0),
        (vec!["[]".to_owned()], End::Clean)
    );
}

#[test]
fn words_for_the_next_request_do_not_count_without_it() {
    let next = Text::default().next("TAGS 1 a");
    let (lines, end) = behind_a_record(&next.0);
    assert!(lines.is_empty());
    assert!(matches!(end, End::Torn { valid_bytes: 0, .. }));
    // Remarks in between change nothing.
    let remarked = next.raw("#TS:5\r\n# x\r\n").record("SET k v");
    let (lines, end) = behind_a_record(&remarked.0);
    assert_eq!(
        (lines, end),
        (vec!["SET k v TAGS 1 a".to_owned()], End::Clean)
    );
}

/// `redis-check-aof --fix` cuts off a torn record and keeps the annotation before it; a stock
/// server then goes on with SELECT, perhaps before MULTI.
#[test]
fn words_that_lost_their_request_do_not_join_another() {
    let lost = || Text::default().next("TAGS 1 a");
    let text = lost().record("SELECT 0").record("SET k v");
    assert_eq!(behind_a_record(&text.0).0, ["SELECT 0", "SET k v"]);
    let text = lost()
        .record("MULTI")
        .record("SET k v")
        .next("x")
        .record("EXEC");
    assert_eq!(
        behind_a_record(&text.record("DEL k").0).0,
        ["[SET k v]", "DEL k"]
    );
}

#[test]
fn remarks_at_the_end_are_kept_and_unfinished_ones_are_torn() {
    assert_eq!(behind_a_record(b"# remark\r\n"), (Vec::new(), End::Clean));
    assert_eq!(behind_a_record(b"# remark\n"), (Vec::new(), End::Clean));
    for tail in [
        &b"#"[..],
        b"# remark",
        b"#KT+TAGADD\r\n",
        b"#KT+TAGADD\r\n#KT:x",
    ] {
        let torn = End::Torn {
            valid_bytes: 0,
            file_bytes: tail.len() as u64,
        };
        assert_eq!(
            behind_a_record(tail),
            (Vec::new(), torn),
            "{}",
            tail.escape_ascii()
        );
    }
}

#[test]
fn a_line_of_1023_bytes_is_skipped_as_redis_does() {
    let text = Text::default()
        .raw(format!("#{}\r\n", "*".repeat(1020)))
        .record("SET k v");
    assert_eq!(
        behind_a_record(&text.0),
        (vec!["SET k v".to_owned()], End::Clean)
    );
}

#[test]
fn words_larger_than_the_buffer_and_binary_ones_are_read() {
    let big = vec![b'\r'; BUFFER_BYTES * 3 + 1];
    let mut bytes = Vec::new();
    write_record([&b"SET"[..], b"", &big], &mut bytes);
    write_record([&b"SET"[..], b"\0\r\n$1*", b"v"], &mut bytes);
    let mut reader = Reader::new(Cursor::new(&bytes), bytes.len() as u64);
    let mut requests = Vec::new();
    while let Step::Replay { replay, .. } = reader.step().unwrap() {
        let Replay::Request(request) = replay else {
            panic!("no transaction was written");
        };
        requests.push(request);
    }
    assert_eq!(requests[0].args().get(2), Some(&big[..]));
    assert_eq!(requests[1].args().get(1), Some(&b"\0\r\n$1*"[..]));
    assert_eq!(requests.len(), 2);
}

#[test]
fn timestamps_are_kept_for_the_asking() {
    let mut bytes = Vec::new();
    write_timestamp(1_700_000_000, &mut bytes);
    let mut reader = Reader::new(Cursor::new(&bytes), bytes.len() as u64);
    assert_eq!(reader.timestamp(), None);
    assert_eq!(reader.step().unwrap(), Step::End(End::Clean));
    assert_eq!(reader.timestamp(), Some(1_700_000_000));
}

#[test]
fn rdb_files_are_recognised_before_anything_is_read() {
    for (bytes, is_rdb) in [(&b"REDIS0012"[..], true), (b"REDI", false), (b"", false)] {
        let mut reader = Reader::new(Cursor::new(bytes), bytes.len() as u64);
        assert_eq!(reader.is_rdb().unwrap(), is_rdb);
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_torn() {
    let bytes = Text::default().record("SET a 1").record("SET b 2").0;
    for shrunk in 0..bytes.len() {
        let mut reader = Reader::new(Cursor::new(&bytes[..shrunk]), bytes.len() as u64);
        let end = loop {
            if let Step::End(end) = reader.step().unwrap() {
                break end;
            }
        };
        assert!(matches!(end, End::Torn { .. }), "{shrunk}: {end:?}");
    }
}

#[test]
fn an_error_of_the_system_is_handed_on() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    impl Seek for Broken {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Err(io::Error::other("immovable"))
        }
    }
    let error = Reader::new(Broken, 10).step().unwrap_err();
    assert_eq!(error.to_string(), "broken");
}
