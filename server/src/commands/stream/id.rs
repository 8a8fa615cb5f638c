//! Ids of entries as clients write them.

use protocol::Encoder;
use protocol::number::parse_u64;
use storage::value::stream::StreamId;

use crate::command::{Error, Result};

/// As long as Redis reads them (`streamGenericParseIDOrReply`, t_stream.c).
const LONGEST_BYTES: usize = 127;

/// `ms-seq`, or `ms` alone, to which `seq` is `missing`.
fn parts(word: &[u8], missing: u64) -> Option<StreamId> {
    let text = text(word)?;
    let Some(dash) = text.iter().position(|&byte| byte == b'-') else {
        return Some(StreamId::new(parse_u64(text)?, missing));
    };
    let (ms, seq) = (&text[..dash], &text[dash + 1..]);
    Some(StreamId::new(parse_u64(ms)?, parse_u64(seq)?))
}

/// What Redis sees of a word: a C string.
fn text(word: &[u8]) -> Option<&[u8]> {
    let text = word.split(|&byte| byte == 0).next();
    text.filter(|_| word.len() <= LONGEST_BYTES)
}

/// The id of an entry.
pub(super) fn exact(word: &[u8]) -> Result<StreamId> {
    parts(word, 0).ok_or(Error::StreamId)
}

/// `ms-*`: the milliseconds of an id whose other part is to be chosen.
pub(super) fn open(word: &[u8]) -> Option<u64> {
    let ms = text(word)?.strip_suffix(b"-*")?;
    parse_u64(ms).filter(|_| !ms.contains(&b'-'))
}

/// An id, or `-` or `+` for the first and the last there may be.
pub(super) fn any(word: &[u8], missing: u64) -> Result<StreamId> {
    let id = match text(word) {
        Some(b"-") => Some(StreamId::MIN),
        Some(b"+") => Some(StreamId::MAX),
        _ => parts(word, missing),
    };
    id.ok_or(Error::StreamId)
}

/// Where a range of ids begins; behind the id if that stands behind a parenthesis.
pub(super) fn start(word: &[u8]) -> Result<StreamId> {
    match word {
        [b'(', id @ ..] if !id.is_empty() => exact(id)?.next().ok_or(Error::StreamRangeStart),
        word => any(word, 0),
    }
}

/// Where a range of ids ends; before the id if that stands behind a parenthesis.
pub(super) fn end(word: &[u8]) -> Result<StreamId> {
    match word {
        [b'(', id @ ..] if !id.is_empty() => {
            let id = parts(id, u64::MAX).ok_or(Error::StreamId)?;
            id.previous().ok_or(Error::StreamRangeEnd)
        }
        word => any(word, u64::MAX),
    }
}

/// Writes an id.
pub(super) fn write(out: &mut Encoder<'_>, id: StreamId) {
    id.with_text(|text| out.bulk(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_a_nul_and_are_not_long() {
        assert!(matches!(exact(b"1-2\0x"), Ok(id) if id == StreamId::new(1, 2)));
        assert!(matches!(any(b"+\0", 0), Ok(StreamId::MAX)));
        let mut long = vec![b'0'; 126];
        long.push(b'7');
        assert!(matches!(exact(&long), Ok(id) if id == StreamId::new(7, 0)));
        long.insert(0, b'0');
        assert!(exact(&long).is_err());
    }

    #[test]
    fn only_the_last_part_may_be_open() {
        assert_eq!(open(b"5-*"), Some(5));
        for word in [&b"*"[..], b"-*", b"5-*-*", b"5-1-*", b"*-*", b"5-**", b"5-"] {
            assert_eq!(open(word), None);
        }
    }
}
