//! LZF, the compression of RDB files and of the inner nodes of lists.
//!
//! A control byte below 32 is followed by so many literal bytes and one more. In any other the upper
//! three bits are the length of a copy less two, where 7 stands for 7 plus the next byte; the lower
//! five and the last byte are how far back the copy begins, less one. What a copy repeats may reach into
//! itself. *Source:* `liblzf` by Marc Lehmann; the compressor finds what its "very fast" variant finds,
//! so that the output is that of Redis.
//!
//! The only crate of this name is deprecated, and its output another.

use std::cell::RefCell;

const HASH_BITS: u32 = 16;
const MOST_LITERALS: usize = 32;
const MOST_DISTANCE: usize = 1 << 13;
const MOST_COPIED: usize = (1 << 8) + (1 << 3);

/// Compresses into at most `limit` bytes, or tells that it takes more. O(n).
pub fn compress(plain: &[u8], limit: usize) -> Option<Vec<u8>> {
    if plain.is_empty() || limit == 0 {
        return None;
    }
    let length = u32::try_from(plain.len()).ok()?;
    SEEN.with_borrow_mut(|seen| {
        seen.begin(length);
        let mut writer = Writer::new(limit);
        write_all(plain, seen, &mut writer)?;
        writer.finish()
    })
}

fn write_all(plain: &[u8], seen: &mut Seen, writer: &mut Writer) -> Option<()> {
    let hashed = plain.len().saturating_sub(2);
    let mut at = 0;
    while at < hashed {
        let candidate = seen.swap(plain, at);
        let Some(from) = candidate.filter(|from| is_match(plain, *from, at)) else {
            writer.literal(plain[at])?;
            at += 1;
            continue;
        };
        let length = match_length(plain, from, at);
        writer.copy(at - from - 1, length)?;
        at += length;
        if at >= hashed {
            break;
        }
        // Of what was copied only the last two places are remembered, for speed.
        seen.swap(plain, at - 2);
        seen.swap(plain, at - 1);
    }
    writer.last_literals(&plain[at..])
}

/// Whether at least three bytes at `from` are those at `at`, and near enough. The very first place does
/// not count, as in liblzf.
#[inline]
fn is_match(plain: &[u8], from: usize, at: usize) -> bool {
    from > 0 && at - from <= MOST_DISTANCE && plain[from..from + 3] == plain[at..at + 3]
}

/// How many bytes are the same, as far as liblzf looks.
#[inline]
fn match_length(plain: &[u8], from: usize, at: usize) -> usize {
    let most = (plain.len() - at - 2).min(MOST_COPIED);
    // Sixteen bytes are compared at once if there are more than that.
    let most = if most > 16 { most.max(19) } else { most.max(3) };
    let (earlier, here) = (&plain[from + 3..], &plain[at + 3..at + most]);
    let same = here.iter().zip(earlier).take_while(|(a, b)| a == b);
    3 + same.count()
}

thread_local! {
    static SEEN: RefCell<Seen> = const { RefCell::new(Seen::new()) };
}

/// Where three bytes of a hash were last seen.
struct Seen {
    /// Places are counted on from text to text, so that the table need not be cleared: what is below
    /// `base` is of another text.
    places: Vec<u32>,
    base: u32,
    /// Above all places of this text.
    next: u32,
}

impl Seen {
    const fn new() -> Seen {
        Seen {
            places: Vec::new(),
            base: 0,
            next: u32::MAX,
        }
    }

    /// Forgets earlier texts. The table is made for the first one.
    fn begin(&mut self, length: u32) {
        if self.next.checked_add(length).is_none() {
            self.places.clear();
            self.places.resize(1 << HASH_BITS, 0);
            self.next = 1;
        }
        self.base = self.next;
        // A text of nearly 4 GiB leaves no room for another: the next one begins anew.
        self.next = self.base.saturating_add(length);
    }

    /// Where the three bytes at `at` may have stood before; they stand at `at` from now on.
    #[inline]
    fn swap(&mut self, plain: &[u8], at: usize) -> Option<usize> {
        let three = u32::from_be_bytes([0, plain[at], plain[at + 1], plain[at + 2]]);
        let hash = (three >> (24 - HASH_BITS)).wrapping_sub(three.wrapping_mul(5));
        let place = &mut self.places[(hash & ((1 << HASH_BITS) - 1)) as usize];
        let before = std::mem::replace(place, self.base.saturating_add(at as u32));
        before.checked_sub(self.base).map(|before| before as usize)
    }
}

/// What is written, always with the control byte of a run of literals begun at its end.
struct Writer {
    out: Vec<u8>,
    literals: usize,
    limit: usize,
}

impl Writer {
    fn new(limit: usize) -> Writer {
        Writer {
            out: vec![0],
            literals: 0,
            limit,
        }
    }

    #[inline]
    fn literal(&mut self, byte: u8) -> Option<()> {
        if self.out.len() >= self.limit {
            return None;
        }
        self.push(byte);
        Some(())
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.out.push(byte);
        self.literals += 1;
        if self.literals == MOST_LITERALS {
            self.end_run();
            self.out.push(0);
        }
    }

    /// A copy of `length` bytes from `back + 1` bytes before.
    #[inline]
    fn copy(&mut self, back: usize, length: usize) -> Option<()> {
        self.end_run();
        if self.out.len() + 4 >= self.limit {
            return None;
        }
        let length = length - 2;
        if length < 7 {
            self.out.push((back >> 8) as u8 | (length as u8) << 5);
        } else {
            self.out
                .extend([(back >> 8) as u8 | 7 << 5, (length - 7) as u8]);
        }
        self.out.extend([back as u8, 0]);
        Some(())
    }

    /// Writes the control byte of the literals, or takes it back if there are none.
    #[inline]
    fn end_run(&mut self) {
        match std::mem::take(&mut self.literals) {
            0 => drop(self.out.pop()),
            count => {
                let at = self.out.len() - count - 1;
                self.out[at] = (count - 1) as u8;
            }
        }
    }

    fn last_literals(&mut self, rest: &[u8]) -> Option<()> {
        if self.out.len() + 3 > self.limit {
            return None;
        }
        rest.iter().for_each(|byte| self.push(*byte));
        Some(())
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        self.end_run();
        Some(self.out)
    }
}

/// The text of `length` bytes that was compressed, if `packed` is such a one.
pub fn decompress(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    // Three bytes give at most 264: a claim beyond that asks for memory only.
    if length / MOST_COPIED > packed.len() {
        return None;
    }
    let mut plain = Vec::with_capacity(length);
    let mut rest = packed;
    while let Some((&control, behind)) = rest.split_first() {
        rest = match usize::from(control) {
            literals @ ..32 => {
                let (run, behind) = behind.split_at_checked(literals + 1)?;
                plain.extend_from_slice(run);
                behind
            }
            control => copy_back(control, behind, &mut plain)?,
        };
        if plain.len() > length {
            return None;
        }
    }
    (plain.len() == length).then_some(plain)
}

/// Repeats what the control byte and those behind it say, and gives what stands behind them.
#[inline]
fn copy_back<'a>(control: usize, rest: &'a [u8], plain: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (more, rest) = match (control >> 5, rest) {
        (7, [more, rest @ ..]) => (usize::from(*more), rest),
        (7, []) => return None,
        (_, rest) => (0, rest),
    };
    let (&low, rest) = rest.split_first()?;
    let length = (control >> 5) + more + 2;
    let back = (control & 31) << 8 | usize::from(low);
    let from = plain.len().checked_sub(back + 1)?;
    if back >= length {
        plain.extend_from_within(from..from + length);
    } else {
        (from..from + length).for_each(|at| plain.push(plain[at]));
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn assert_round(plain: &[u8]) {
        let packed = compress(plain, 2 * plain.len() + 10).expect("room enough");
        assert_eq!(decompress(&packed, plain.len()).as_deref(), Some(plain));
        assert_eq!(decompress(&packed, plain.len() + 1), None);
        assert_eq!(decompress(&packed, plain.len().saturating_sub(1)), None);
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let mut text = Vec::new();
        for number in 0..3000 {
            text.extend_from_slice(format!("user:{number}:name,").as_bytes());
        }
        for length in (1..40).chain([263, 264, 265, 266, 267, 300, 8190, 8200, 30_000]) {
            assert_round(&vec![b'a'; length]);
            assert_round(&text[..length]);
        }
        assert!(compress(&text, text.len()).is_some_and(|packed| packed.len() < text.len() / 2));
    }

    #[test]
    fn what_does_not_fit_is_not_compressed() {
        assert_eq!(compress(b"", 10), None);
        assert_eq!(compress(b"abcdef", 0), None);
        assert_eq!(compress(b"abcdefghij", 9), None);
        let packed = compress(&[b'x'; 100], 100).expect("compressible");
        for limit in 0..packed.len() {
            assert_eq!(compress(&[b'x'; 100], limit), None, "{limit}");
        }
    }

    /// As DUMP of Redis 7.4.1 has them.
    #[test]
    fn the_output_is_that_of_redis() {
        let cases: [(&[u8], &[u8]); 4] = [
            (&[b'a'; 30], b"\x01aa\xe0\x11\0\x01aa"),
            (&[b'a'; 300], b"\x01aa\xe0\xff\0\xe0\x17\0\x01aa"),
            (&b"abc".repeat(10), b"\x03abca\xe0\x0f\x02\x01bc"),
            (
                b"user:1:name,user:2:name,user:3:name,user:10:name",
                b"\x0cuser:1:name,u\x40\x0b\x002\xe0\x02\x0b\x003\xe0\x02\x0b\x0110\x20\x0c\x01me",
            ),
        ];
        for (plain, packed) in cases {
            assert_eq!(compress(plain, plain.len() - 4).as_deref(), Some(packed));
        }
    }

    #[test]
    fn what_is_no_compressed_text_is_refused() {
        for packed in [
            &[5u8, 1, 2][..],
            &[32, 0],
            &[0, b'a', 0xe0],
            &[0, b'a', 0xe0, 1],
            &[0, b'a', 32],
        ] {
            for length in 0..300 {
                assert_eq!(decompress(packed, length), None);
            }
        }
        assert_eq!(decompress(&[0, b'a'], usize::MAX), None);
        assert_eq!(decompress(&[], 0), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn any_text_comes_back(plain in proptest::collection::vec(0..4u8, 1..3000)) {
            assert_round(&plain);
        }

        #[test]
        fn no_bytes_make_it_panic(packed in proptest::collection::vec(any::<u8>(), 0..60), length in 0..2000usize) {
            if let Some(plain) = decompress(&packed, length) {
                prop_assert_eq!(plain.len(), length);
            }
        }
    }
}
