//! Reading the words of a request.

use protocol::{Args, number};

use super::{Error, Result};

/// What handlers ask of their arguments.
pub trait Words<'a> {
    /// The key at `index`.
    ///
    /// # Errors
    /// [`Error::Syntax`] if there is no such word; the arity has usually seen to that.
    fn key(&self, index: usize) -> Result<&'a [u8]>;

    /// The word at `index`, whatever it is.
    ///
    /// # Errors
    /// As [`Words::key`].
    fn word(&self, index: usize) -> Result<&'a [u8]>;

    /// A signed 64-bit integer in canonical form.
    ///
    /// # Errors
    /// [`Error::NotInteger`] if it is not one or out of range.
    fn integer(&self, index: usize) -> Result<i64>;

    /// A signed 64-bit integer from `min` to `max`.
    ///
    /// # Errors
    /// [`Error::NotInteger`], or [`Error::NotBetween`] if it is one beyond these bounds.
    fn ranged(&self, index: usize, min: i64, max: i64) -> Result<i64>;

    /// A signed 64-bit integer that is not negative.
    ///
    /// # Errors
    /// [`Error::NotPositive`], whatever else it is.
    fn non_negative(&self, index: usize) -> Result<i64>;

    /// A cursor of `SCAN` and its like.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`] if it is none.
    fn cursor(&self, index: usize) -> Result<u64>;

    /// A time to wait in seconds, with fractions: when it is over, in milliseconds since 1970; `None` for 0, which
    /// waits for ever.
    ///
    /// # Errors
    /// [`Error::TimeoutNotFloat`], [`Error::TimeoutOutOfRange`], [`Error::TimeoutNegative`].
    fn deadline_of_seconds(&self, index: usize, now_ms: i64) -> Result<Option<i64>>;

    /// The same of a time in milliseconds.
    ///
    /// # Errors
    /// [`Error::TimeoutNotInteger`], [`Error::TimeoutOutOfRange`], [`Error::TimeoutNegative`].
    fn deadline_of_millis(&self, index: usize, now_ms: i64) -> Result<Option<i64>>;

    /// Whether the word at `index` is `word`, in any case.
    fn is(&self, index: usize, word: &str) -> bool;
}

impl<'a> Words<'a> for Args<'a> {
    fn key(&self, index: usize) -> Result<&'a [u8]> {
        self.get(index).ok_or(Error::Syntax)
    }

    fn word(&self, index: usize) -> Result<&'a [u8]> {
        self.get(index).ok_or(Error::Syntax)
    }

    fn integer(&self, index: usize) -> Result<i64> {
        number::parse_i64(self.word(index)?).ok_or(Error::NotInteger)
    }

    fn ranged(&self, index: usize, min: i64, max: i64) -> Result<i64> {
        let number = self.integer(index)?;
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(Error::NotBetween(min, max))
        }
    }

    fn non_negative(&self, index: usize) -> Result<i64> {
        self.integer(index)
            .ok()
            .filter(|&number| number >= 0)
            .ok_or(Error::NotPositive)
    }

    fn cursor(&self, index: usize) -> Result<u64> {
        cursor(self.word(index)?).ok_or(Error::InvalidCursor)
    }

    fn deadline_of_seconds(&self, index: usize, now_ms: i64) -> Result<Option<i64>> {
        let seconds = number::parse_long_double(self.word(index)?);
        let millis = seconds.ok_or(Error::TimeoutNotFloat)?.ceil_thousandfold();
        if millis == i64::MAX {
            return Err(Error::TimeoutOutOfRange);
        }
        deadline(millis, now_ms)
    }

    fn deadline_of_millis(&self, index: usize, now_ms: i64) -> Result<Option<i64>> {
        let millis = number::parse_i64(self.word(index)?).ok_or(Error::TimeoutNotInteger)?;
        deadline(millis, now_ms)
    }

    fn is(&self, index: usize, word: &str) -> bool {
        self.get(index)
            .is_some_and(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    }
}

fn deadline(millis: i64, now_ms: i64) -> Result<Option<i64>> {
    match millis {
        ..0 => Err(Error::TimeoutNegative),
        0 => Ok(None),
        _ => now_ms
            .checked_add(millis)
            .map(Some)
            .ok_or(Error::TimeoutOutOfRange),
    }
}

/// A cursor as Redis reads it: what is no canonical number is read by C's `strtoull`, which ends at
/// a NUL, skips white space, takes a sign and turns negative numbers round (`string2ull`, util.c).
fn cursor(word: &[u8]) -> Option<u64> {
    if let Some(number) = number::parse_i64(word) {
        return u64::try_from(number).ok();
    }
    let text = word.split(|&byte| byte == 0).next()?;
    let text = std::str::from_utf8(text)
        .ok()?
        .trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(if is_negative {
        number.wrapping_neg()
    } else {
        number
    })
}
