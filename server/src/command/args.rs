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

    fn is(&self, index: usize, word: &str) -> bool {
        self.get(index)
            .is_some_and(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    }
}
