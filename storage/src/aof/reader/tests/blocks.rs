//! Blocks and what is left of them.

use super::*;
use crate::aof::block::Frame;

/// A file of these blocks, and where each begins, its first line included, and ends.
fn in_blocks(contents: &[Text]) -> (Vec<u8>, Vec<(usize, usize)>) {
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    for content in contents {
        let start = bytes.len();
        bytes = with_block(bytes, &content.0);
        places.push((start, bytes.len()));
    }
    (bytes, places)
}

/// The bytes with a block behind them.
fn with_block(mut bytes: Vec<u8>, content: &[u8]) -> Vec<u8> {
    let frame = Frame::new(bytes.len() as u64, content);
    for part in frame.around(content) {
        bytes.extend_from_slice(&part);
    }
    bytes
}

/// Blocks of one record and of several, with everything that may stand in them.
fn several() -> [Text; 4] {
    [
        Text::default().record("SELECT 0").record("SET first 1"),
        one_of_everything(),
        Text::default().record("SET one 2"),
        Text::default()
            .record("MULTI")
            .record("SELECT 3")
            .record("SET k v")
            .record("EXEC")
            .next("TAGS 1 t")
            .record("SET last 3"),
    ]
}

/// Where each thing that is replayed ends.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut reader = Reader::new(Cursor::new(bytes), bytes.len() as u64);
    let mut boundaries = Vec::new();
    while let Step::Replay { offset_end, .. } = reader.step().unwrap() {
        boundaries.push(usize::try_from(offset_end).unwrap());
    }
    boundaries
}

/// What can be replayed of a damaged file: as requests, and as bytes.
fn kept(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (lines, end) = replay(bytes);
    let valid = end.valid_bytes().unwrap_or(bytes.len() as u64);
    (lines, bytes[..usize::try_from(valid).unwrap()].to_vec())
}

#[test]
fn blocks_are_replayed_as_what_is_in_them() {
    let (bytes, _) = in_blocks(&several());
    let plain: Vec<u8> = several().into_iter().flat_map(|it| it.0).collect();
    assert_eq!(replay(&bytes), replay(&plain));
    assert_eq!(replay(&bytes).1, End::Clean);
}

#[test]
fn a_cut_block_keeps_every_whole_record() {
    let (whole, _) = in_blocks(&several());
    let (lines, boundaries) = (replay(&whole).0, boundaries(&whole));
    for cut in 0..=whole.len() {
        let count = boundaries.iter().filter(|&&end| end <= cut).count();
        let (prefix, bytes) = kept(&whole[..cut]);
        assert_eq!(prefix, lines[..count], "cut at {cut}");
        assert_eq!(replay(&bytes), (prefix, End::Clean), "cut at {cut}");
    }
}

/// What is behind the cut is moved aside at the next start, and other blocks or the records of a
/// stock Redis follow.
#[test]
fn a_cut_block_may_be_followed_by_anything() {
    let (whole, _) = in_blocks(&several());
    let more = Text::default().record("SELECT 0").record("SET more 4");
    for cut in 0..=whole.len() {
        let (mut expected, bytes) = kept(&whole[..cut]);
        expected.extend(["SELECT 0".to_owned(), "SET more 4".to_owned()]);
        for continued in [
            with_block(bytes.clone(), &more.0),
            [&bytes[..], &more.0].concat(),
        ] {
            let (lines, end) = replay(&continued);
            assert_eq!((&lines, end), (&expected, End::Clean), "cut at {cut}");
            // And once more.
            let again = with_block(continued, &more.0);
            assert_eq!(replay(&again).0[..lines.len()], lines, "cut at {cut}");
            assert_eq!(replay(&again).1, End::Clean, "cut at {cut}");
        }
    }
}

#[test]
fn zeros_cost_what_they_cover() {
    let (whole, _) = in_blocks(&several());
    let (lines, boundaries) = (replay(&whole).0, boundaries(&whole));
    for from in 0..whole.len() {
        let count = boundaries.iter().filter(|&&end| end <= from).count();
        for more in [0, 1, 4096] {
            let mut bytes = whole[..from].to_vec();
            bytes.resize(whole.len() + more, 0);
            assert_eq!(kept(&bytes).0, lines[..count], "zeros from {from}");
        }
    }
}

/// Either nothing is lost, where the bit is in one of the lines around blocks, or nothing of its
/// block nor of what follows is replayed. Never is anything else replayed than was written.
#[test]
fn a_flipped_bit_is_found_before_its_block_is_replayed() {
    let (whole, places) = in_blocks(&several());
    let (lines, boundaries) = (replay(&whole).0, boundaries(&whole));
    let frame_bytes = |(start, end): (usize, usize)| {
        let begin = whole[start..].iter().position(|&it| it == b'\n').unwrap() + 1;
        let last = whole[..end - 1]
            .iter()
            .rposition(|&it| it == b'\n')
            .unwrap()
            + 1;
        (start..start + begin, last..end)
    };
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let place = places.iter().find(|(_, end)| bit / 8 < *end).unwrap();
        let (begin, end) = frame_bytes(*place);
        let before = boundaries.iter().filter(|&&it| it <= place.0).count();
        let (found, rest) = kept(&bytes);
        assert_eq!(replay(&rest), (found.clone(), End::Clean), "bit {bit}");
        if begin.contains(&(bit / 8)) || end.contains(&(bit / 8)) {
            assert_eq!(found, lines[..found.len()], "bit {bit}");
            assert!(found.len() >= before, "bit {bit}");
        } else {
            assert_eq!(found, lines[..before], "bit {bit}");
            let damaged = matches!(replay(&bytes).1, End::Damaged { at, fault, .. }
                if (at, fault) == (begin.end as u64, Fault::Checksum));
            assert!(damaged, "bit {bit}");
        }
    }
}

#[test]
fn a_block_at_another_place_is_not_taken() {
    let (whole, places) = in_blocks(&several());
    // One is missing in the middle, as if a copy had left it out.
    let (start, end) = places[1];
    let bytes = [&whole[..start], &whole[end..]].concat();
    let (lines, end) = replay(&bytes);
    assert_eq!(lines, ["SELECT 0", "SET first 1", "SET one 2"]);
    assert!(matches!(
        end,
        End::Damaged {
            fault: Fault::Annotation,
            ..
        }
    ));
}

#[test]
fn lines_around_blocks_stand_between_records() {
    for tail in [
        &b"#KT=\r\n"[..],
        b"#KT=xyz\r\n",
        b"#KT=8 0123456789abcdef\r\n",
        b"#KT+TAGADD k\r\n#KT=5\r\n",
        b"#KT:NEXT TAGS 1 a\r\n#KT=5\r\n",
        b"*1\r\n$5\r\nMULTI\r\n#KT=5\r\n",
    ] {
        let (lines, end) = behind_a_record(tail);
        assert!(lines.is_empty());
        let is_found = matches!(
            end,
            End::Damaged {
                valid_bytes: 0,
                fault: Fault::Annotation,
                ..
            }
        );
        assert!(is_found, "{}: {end:?}", tail.escape_ascii());
    }
    for elsewhere in [&b"#KT^5\r\n"[..], b"#KT.5\r\n"] {
        let (lines, end) = behind_a_record(elsewhere);
        assert!(
            lines.is_empty()
                && matches!(
                    end,
                    End::Damaged {
                        fault: Fault::Annotation,
                        ..
                    }
                )
        );
    }
    // A length that no file has takes neither time nor memory.
    let (lines, end) = behind_a_record(b"#KT=ffffffffffffffff\r\n*1\r\n$1\r\na\r\n");
    assert_eq!((lines, end), (vec!["a".to_owned()], End::Clean));
}

/// Blocks that the buffer does not hold are passed twice.
#[test]
fn blocks_around_the_size_of_the_buffer_are_read() {
    let filler = |bytes: usize| Text::default().record(&format!("SET k {}", "x".repeat(bytes)));
    for around in [0, 1, 7, 40, 80] {
        let contents = [
            filler(BUFFER_BYTES - around),
            filler(100),
            filler(BUFFER_BYTES * 3 + around),
            filler(BUFFER_BYTES / 2 - around),
            filler(BUFFER_BYTES / 2),
        ];
        let (mut bytes, places) = in_blocks(&contents);
        let (lines, end) = replay(&bytes);
        assert_eq!((lines.len(), end), (contents.len(), End::Clean));
        let last = places[3].1 - 40;
        bytes[last] ^= 1;
        assert_eq!(replay(&bytes).0.len(), 3);
    }
}
