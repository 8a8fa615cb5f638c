//! The bytes of a file or a payload from front to back, and what they spell: numbers, lengths, strings.
//!
//! A length that a file tells is believed as far as bytes follow: memory is taken for what has arrived.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use super::crc64::Crc64;
use super::error::Error;
use super::format::{length, special};
use crate::value::{Item, lzf};

/// So much of a file is read at once, if nothing longer is asked for.
const CHUNK_BYTES: usize = 256 * 1024;

/// So much while stretches are looked for that are handed over as they are ([`Input::hold`]).
const STRETCH_BYTES: usize = 512 * 1024;

/// What is longer than this is not handed over, but read in pieces.
const MOST_STRETCH_BYTES: usize = 1024 * 1024;

/// What is longer is no string: nobody could have sent it, and a key of it could not be held.
const MOST_STRING_BYTES: u64 = u32::MAX as u64;

/// See the [module](self).
pub(super) struct Input<'s> {
    /// What has been read of the file; the whole payload.
    window: Cow<'s, [u8]>,
    at: usize,
    /// What is behind the window.
    source: Option<Box<dyn Read + 's>>,
    /// How many bytes were before the window.
    passed: u64,
    crc: Crc64,
    /// Up to where the checksum goes.
    summed: usize,
    /// The stretch of the window that is to be handed over, as far as it goes yet.
    held: Option<Range<usize>>,
    /// The last string that was compressed.
    unpacked: Vec<u8>,
}

/// A length, or what string follows instead.
enum Length {
    Plain(u64),
    Special(u8),
}

impl<'s> Input<'s> {
    /// Of a payload.
    pub fn of_bytes(bytes: &'s [u8]) -> Input<'s> {
        Input::new(Cow::Borrowed(bytes), None)
    }

    /// Of a stretch of a file.
    pub fn of_stretch(bytes: &'s [u8], offset: u64) -> Input<'s> {
        Input {
            passed: offset,
            ..Input::of_bytes(bytes)
        }
    }

    /// Of a file.
    pub fn of_file(source: impl Read + 's) -> Input<'s> {
        Input::new(Cow::Owned(Vec::new()), Some(Box::new(source)))
    }

    fn new(window: Cow<'s, [u8]>, source: Option<Box<dyn Read + 's>>) -> Input<'s> {
        Input {
            window,
            at: 0,
            source,
            passed: 0,
            crc: Crc64::new(),
            summed: 0,
            held: None,
            unpacked: Vec::new(),
        }
    }

    /// How many bytes have been taken.
    pub fn offset(&self) -> u64 {
        self.passed + self.at as u64
    }

    /// The checksum of all bytes that have been taken.
    pub fn checksum(&mut self) -> u64 {
        self.crc.update(&self.window[self.summed..self.at]);
        self.summed = self.at;
        self.crc.value()
    }

    /// Whether nothing of a payload or stretch is left.
    pub fn is_at_end(&self) -> bool {
        self.at == self.window.len()
    }

    /// Begins a stretch of the file that is handed over as it is: from here to the last [`Input::keep`].
    ///
    /// Until [`Input::release`] no more is read than is needed for what comes first, and that is [`Error::Ended`] if
    /// it is long.
    pub fn hold(&mut self) {
        self.held = Some(self.at..self.at);
    }

    /// Counts all that has been taken to the stretch.
    #[inline]
    pub fn keep(&mut self) {
        if let Some(held) = &mut self.held {
            held.end = self.at;
        }
    }

    /// Ends the stretch, and goes back to its end; none if it is empty.
    pub fn release(&mut self) -> Option<Vec<u8>> {
        let held = self.held.take()?;
        self.at = held.end;
        if held.start == held.end {
            return None;
        }
        let Cow::Owned(window) = &mut self.window else {
            return None;
        };
        if held.start > 0 {
            return Some(window[held].to_vec());
        }
        let mut rest = Vec::with_capacity(window.len() - self.at + STRETCH_BYTES);
        rest.extend_from_slice(&window[self.at..]);
        std::mem::swap(window, &mut rest);
        let mut stretch = rest;
        stretch.truncate(self.at);
        self.crc.update(&stretch[self.summed..]);
        self.passed += self.at as u64;
        (self.at, self.summed) = (0, 0);
        Some(stretch)
    }

    /// Sees to it that so many bytes are in the window.
    #[inline]
    fn need(&mut self, count: usize) -> Result<(), Error> {
        if self.window.len() - self.at >= count {
            return Ok(());
        }
        self.refill(count)
    }

    #[cold]
    fn refill(&mut self, count: usize) -> Result<(), Error> {
        let (Some(source), Cow::Owned(window)) = (&mut self.source, &mut self.window) else {
            return Err(Error::Ended);
        };
        let (passed, chunk) = match &mut self.held {
            None => (self.at, CHUNK_BYTES),
            Some(held) => {
                let begun = self.at - held.start;
                let has_some = held.end > held.start;
                if has_some || begun.saturating_add(count) > MOST_STRETCH_BYTES {
                    return Err(Error::Ended);
                }
                (std::mem::take(held).start, STRETCH_BYTES)
            }
        };
        self.crc.update(&window[self.summed..passed]);
        window.drain(..passed);
        self.passed += passed as u64;
        (self.at, self.summed) = (self.at - passed, 0);
        let count = self.at + count;
        if window.capacity() > 4 * CHUNK_BYTES.max(count) {
            // Something huge has gone through.
            window.shrink_to(CHUNK_BYTES);
        }
        while window.len() < count {
            // Twice what has come, at most: a file may claim what it does not hold.
            let more = chunk.max(window.len().min(count));
            window.reserve(more);
            if source.by_ref().take(more as u64).read_to_end(window)? == 0 {
                return Err(Error::Ended);
            }
        }
        Ok(())
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, Error> {
        self.need(1)?;
        self.at += 1;
        Ok(self.window[self.at - 1])
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&[u8], Error> {
        self.need(count)?;
        self.at += count;
        Ok(&self.window[self.at - count..self.at])
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(&mut self) -> Result<i64, Error> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// A length.
    #[inline]
    pub fn length(&mut self) -> Result<u64, Error> {
        match self.any_length()? {
            Length::Plain(length) => Ok(length),
            Length::Special(_) => Err(Error::Malformed("A string where a length was expected")),
        }
    }

    /// How many elements follow: at least one.
    pub fn count(&mut self) -> Result<u64, Error> {
        match self.length()? {
            0 => Err(Error::Empty),
            count => Ok(count),
        }
    }

    #[inline]
    fn any_length(&mut self) -> Result<Length, Error> {
        let first = self.byte()?;
        let low = first & !length::MASK;
        Ok(match (first & length::MASK, first) {
            (length::BITS_6, _) => Length::Plain(low.into()),
            (length::BITS_14, _) => Length::Plain(u64::from(low) << 8 | u64::from(self.byte()?)),
            (length::SPECIAL, _) => Length::Special(low),
            (_, length::BITS_32) => Length::Plain(u32::from_be_bytes(self.array()?).into()),
            (_, length::BITS_64) => Length::Plain(u64::from_be_bytes(self.array()?)),
            _ => return Err(Error::Malformed("Unknown length encoding")),
        })
    }

    /// A string.
    #[inline]
    pub fn string(&mut self) -> Result<Item<'_>, Error> {
        let kind = match self.any_length()? {
            Length::Plain(length) => return Ok(Item::Bytes(self.take(string_bytes(length)?)?)),
            Length::Special(kind) => kind,
        };
        Ok(Item::Int(match kind {
            special::INT_8 => i8::from_le_bytes(self.array()?).into(),
            special::INT_16 => i16::from_le_bytes(self.array()?).into(),
            special::INT_32 => i32::from_le_bytes(self.array()?).into(),
            special::LZF => {
                self.unpacked = self.compressed()?;
                return Ok(Item::Bytes(&self.unpacked));
            }
            _ => return Err(Error::Malformed("Unknown RDB string encoding type")),
        }))
    }

    /// A string with a buffer of its own, as long as the string.
    pub fn blob(&mut self) -> Result<Vec<u8>, Error> {
        match self.any_length()? {
            Length::Plain(length) => Ok(self.take(string_bytes(length)?)?.to_vec()),
            Length::Special(special::LZF) => self.compressed(),
            Length::Special(_) => Err(Error::Malformed("An integer where bytes were expected")),
        }
    }

    fn compressed(&mut self) -> Result<Vec<u8>, Error> {
        let packed = string_bytes(self.length()?)?;
        let plain = string_bytes(self.length()?)?;
        let packed = self.take(packed)?;
        lzf::decompress(packed, plain).ok_or(Error::Malformed("Invalid LZF compressed string"))
    }

    /// Passes a string without unpacking it.
    pub fn skip_string(&mut self) -> Result<(), Error> {
        let bytes = match self.any_length()? {
            Length::Plain(length) => string_bytes(length)?,
            Length::Special(special::INT_8) => 1,
            Length::Special(special::INT_16) => 2,
            Length::Special(special::INT_32) => 4,
            Length::Special(special::LZF) => {
                let packed = self.length()?;
                self.length()?;
                string_bytes(packed)?
            }
            Length::Special(_) => {
                return Err(Error::Malformed("Unknown RDB string encoding type"));
            }
        };
        self.take(bytes).map(drop)
    }
}

fn string_bytes(length: u64) -> Result<usize, Error> {
    if length > MOST_STRING_BYTES {
        return Err(Error::Malformed("A string that is too long"));
    }
    Ok(length as usize)
}

#[cfg(test)]
mod tests {
    use super::super::crc64::crc64;
    use super::*;

    fn text(input: &mut Input<'_>) -> Vec<u8> {
        input.string().expect("a string").to_vec()
    }

    /// Says that a file is read the same, however it comes.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(out.len()).min(3);
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn strings_have_many_forms() {
        let bytes = b"\x03abc\x40\x03def\x80\0\0\0\x01g\x81\0\0\0\0\0\0\0\x01h\xc0\xff\xc1\x00\x80\xc2\x01\0\0\0\xc3\x04\x0a\0a\xe0\x00.";
        let plain = ["abc", "def", "g", "h", "-1", "-32768", "1"];
        for mut input in [Input::of_bytes(bytes), Input::of_file(Dribble(bytes))] {
            for wanted in plain {
                assert_eq!(text(&mut input), wanted.as_bytes());
            }
            assert!(input.string().is_err(), "a copy that is not whole");
        }
        let bytes = b"\xc3\x05\x0a\0a\xe0\x00\x00";
        assert_eq!(text(&mut Input::of_bytes(bytes)), b"aaaaaaaaaa");
        assert_eq!(Input::of_bytes(bytes).blob().expect("bytes"), b"aaaaaaaaaa");
    }

    #[test]
    fn the_checksum_is_that_of_what_was_taken() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
        let mut input = Input::of_file(&bytes[..]);
        let mut taken = 0;
        for count in [1, 255, 300_000, 9, 600_000] {
            assert_eq!(
                input.take(count).expect("bytes"),
                &bytes[taken..taken + count]
            );
            taken += count;
            assert_eq!(input.offset(), taken as u64);
        }
        assert_eq!(input.checksum(), crc64(&bytes[..taken]));
        assert!(matches!(input.take(1_000_000), Err(Error::Ended)));
    }

    #[test]
    fn what_is_claimed_takes_no_memory() {
        for claim in [
            &b"\x80\xff\xff\xff\xff"[..],
            b"\x81\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xc3\x01\x80\xff\xff\xff\xffa",
            b"\xc3\x80\xff\xff\xff\xff\x01a",
        ] {
            for mut input in [Input::of_bytes(claim), Input::of_file(claim)] {
                assert!(input.string().is_err());
                assert!(input.window.len() <= claim.len());
                assert!(input.unpacked.capacity() == 0);
            }
        }
    }

    #[test]
    fn a_stretch_is_what_was_kept() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
        for mut input in [Input::of_file(&bytes[..]), Input::of_file(Dribble(&bytes))] {
            assert_eq!(input.byte().expect("a byte"), 0);
            input.hold();
            assert_eq!(input.release(), None, "nothing was taken");
            input.hold();
            input.take(10).expect("bytes");
            assert_eq!(input.release(), None, "nothing was kept");
            assert_eq!(input.offset(), 1);
            let mut at = 1;
            while at < 2_500_000 {
                input.hold();
                let most = input.window.len() - input.at;
                let mut kept = 0;
                while input.take(1000).is_ok() {
                    input.keep();
                    kept += 1000;
                }
                assert!(kept >= 1000 && kept <= most + STRETCH_BYTES, "{kept}");
                let stretch = input.release().expect("something was kept");
                assert_eq!(stretch, bytes[at..at + kept]);
                at += kept;
                assert_eq!(input.offset(), at as u64);
                input.hold();
                assert!(input.take(MOST_STRETCH_BYTES + 1).is_err(), "too long");
                assert_eq!(input.release(), None);
                assert_eq!(input.take(2).expect("bytes"), &bytes[at..at + 2]);
                at += 2;
            }
            assert_eq!(input.checksum(), crc64(&bytes[..at]));
        }
    }

    #[test]
    fn what_is_passed_is_what_would_be_read() {
        for bytes in [
            &b"\x03abc."[..],
            b"\xc0\x05.",
            b"\xc1\x05\x00.",
            b"\xc2\x05\x00\x00\x00.",
            b"\xc3\x05\x0a\0a\xe0\x00\x00.",
        ] {
            let mut input = Input::of_bytes(bytes);
            input.skip_string().expect("a string");
            assert_eq!(input.byte().expect("a byte"), b'.');
        }
    }
}
