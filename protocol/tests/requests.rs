//! The parser finds in any bytes what another decoder finds, however they are split.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{Limits, Parsed, Parser, ProtocolError, encode_request};
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;

type Words = Vec<Vec<u8>>;

/// The requests in bytes that arrive in pieces of the lengths of `pieces`, in a circle, and the
/// error they end with. Requests that ask nothing are requests without words.
fn requests(bytes: &[u8], pieces: &[usize]) -> (Vec<Words>, Option<ProtocolError>) {
    let (mut parser, limits) = (Parser::new(), Limits::default());
    let (mut found, mut start, mut end) = (Vec::new(), 0, 0);
    for piece in pieces.iter().cycle() {
        end = (end + piece).min(bytes.len());
        loop {
            let buf = &bytes[start..end];
            match parser.parse(buf, &limits) {
                Ok(Parsed::Incomplete) => break,
                Ok(Parsed::Empty { consumed }) => {
                    found.push(Words::new());
                    start += consumed;
                }
                Ok(Parsed::Request { consumed }) => {
                    found.push(parser.args(buf).iter().map(<[u8]>::to_vec).collect());
                    start += consumed;
                }
                Err(error) => return (found, Some(error)),
            }
        }
        if end == bytes.len() {
            break;
        }
    }
    (found, None)
}

fn whole(bytes: &[u8]) -> (Vec<Words>, Option<ProtocolError>) {
    requests(bytes, &[bytes.len().max(1)])
}

/// What redis-protocol finds.
fn decoded(mut bytes: &[u8]) -> Vec<Words> {
    let mut found = Vec::new();
    while let Ok(Some((OwnedFrame::Array(frames), length))) = decode(bytes) {
        let words = frames.into_iter().map(|frame| match frame {
            OwnedFrame::BulkString(word) => word,
            other => panic!("a request of bulk strings alone, not {other:?}"),
        });
        found.push(words.collect());
        bytes = &bytes[length..];
    }
    found
}

fn encoded(requests: &[Words]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for words in requests {
        encode_request(words.iter().map(Vec::as_slice), &mut bytes);
    }
    bytes
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..12),
        2 => vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'$'), Just(b'*'), Just(0)], 0..6),
        1 => vec(any::<u8>(), 90..1_100),
    ]
}

fn pipeline() -> impl Strategy<Value = Vec<Words>> {
    prop_oneof![
        4 => vec(vec(word(), 1..5), 1..4),
        1 => vec(vec(vec(any::<u8>(), 0..2), 1..120), 1..2),
    ]
}

/// Bytes as a broken or hostile client may send them: pieces of the protocol in any order.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        "\\*-?[0-9]{0,3}".prop_map(String::into_bytes),
        "\\$-?[0-9]{0,2}".prop_map(String::into_bytes),
        "[*$][0-9]{1,20}\r\n".prop_map(String::into_bytes),
        "\\*[0-3]\r\n".prop_map(String::into_bytes),
        "\\$[0-6]\r\n[a-c]{0,6}\r\n".prop_map(String::into_bytes),
        "[ a-c\"'\\\\x0-9\t\r]{0,12}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..6),
    ];
    vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn requests_are_what_another_decoder_finds(sent in pipeline()) {
        let bytes = encoded(&sent);
        prop_assert_eq!(decoded(&bytes), sent.clone());
        prop_assert_eq!(whole(&bytes), (sent, None));
    }

    #[test]
    fn any_bytes_give_the_same_in_pieces(
        bytes in garbage(),
        pieces in vec(1usize..9, 1..8),
    ) {
        let expected = whole(&bytes);
        prop_assert_eq!(requests(&bytes, &[1]), expected.clone());
        prop_assert_eq!(requests(&bytes, &pieces), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn requests_are_found_at_every_split(sent in pipeline()) {
        let bytes = encoded(&sent);
        for first in 0..bytes.len() {
            let pieces = [first, bytes.len() - first];
            prop_assert_eq!(requests(&bytes, &pieces), (sent.clone(), None));
        }
        prop_assert_eq!(requests(&bytes, &[1]), (sent, None));
    }

    #[test]
    fn damaged_requests_are_found_refused_or_waited_for(
        sent in pipeline(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = encoded(&sent);
        let index = at.index(bytes.len());
        bytes[index] = byte;
        prop_assert_eq!(requests(&bytes, &[1]), whole(&bytes));
        bytes.remove(index);
        prop_assert_eq!(requests(&bytes, &[1]), whole(&bytes));
    }
}
