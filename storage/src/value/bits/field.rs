//! Integers of 1 to 64 bits, at any bit of a string.

#[cfg(test)]
mod tests;

use super::byte_of;

/// What becomes of a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Its low bits remain.
    Wrap,
    /// It becomes the nearest that fits.
    Saturate,
    /// There is no result.
    Fail,
}

/// What sort of integer a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    is_signed: bool,
    bits: u32,
}

/// On which side a number lies that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beyond {
    Below,
    Above,
}

impl Kind {
    /// `i1` to `i64` with a sign, `u1` to `u63` without.
    pub fn named(name: &[u8]) -> Option<Kind> {
        let (sign, bits) = name.split_first()?;
        let (is_signed, most) = match sign {
            b'i' => (true, 64),
            b'u' => (false, 63),
            _ => return None,
        };
        // For Redis the word ends at a NUL (`getBitfieldTypeFromArgument`, bitops.c).
        let bits = bits.split(|&byte| byte == 0).next()?;
        let bits = protocol::number::parse_i64(bits).filter(|bits| (1..=most).contains(bits))?;
        Some(Kind {
            is_signed,
            bits: u32::try_from(bits).ok()?,
        })
    }

    /// How many bits it has.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// The number at bit `at`; bits behind the end of the string are zeros.
    pub fn get(self, bytes: &[u8], at: u64) -> i64 {
        let raw = (window(bytes, at) << (at % 8)) >> (u128::BITS - self.bits);
        self.from_low_bits(raw as i64)
    }

    /// Writes the low bits of a number at bit `at`.
    ///
    /// # Panics
    /// If the string is too short for it: the caller makes room.
    pub fn put(self, bytes: &mut [u8], at: u64, number: i64) {
        let shift = u128::BITS - self.bits - (at % 8) as u32;
        let ones = u128::MAX >> (u128::BITS - self.bits);
        let number = (number as u128 & ones) << shift;
        let changed = (window(bytes, at) & !(ones << shift) | number).to_be_bytes();
        let from = byte_of(at).expect("the caller has made room");
        let len = ((at % 8) as usize + self.bits as usize).div_ceil(8);
        bytes[from..from + len].copy_from_slice(&changed[..len]);
    }

    /// What becomes of `old` when `increment` is added.
    pub fn sum(self, old: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        let sum = i128::from(old) + i128::from(increment);
        let beyond = if sum > i128::from(self.max()) {
            Some(Beyond::Above)
        } else if sum < i128::from(self.min()) {
            Some(Beyond::Below)
        } else {
            None
        };
        self.fit(sum as i64, beyond, overflow)
    }

    /// What is written if `number` is to be set.
    pub fn fitted(self, number: i64, overflow: Overflow) -> Option<i64> {
        // As Redis: it takes a negative number for a large one where there is no sign, and one whose
        // distance from the largest that fits is no 64-bit integer for too large, not too small
        // (`checkSignedBitfieldOverflow`, bitops.c).
        let is_taken_for_large = !self.is_signed && number < 0
            || self.bits < 64 && self.max().checked_sub(number).is_none();
        let beyond = if number > self.max() || is_taken_for_large {
            Some(Beyond::Above)
        } else if number < self.min() {
            Some(Beyond::Below)
        } else {
            None
        };
        self.fit(number, beyond, overflow)
    }

    fn fit(self, number: i64, beyond: Option<Beyond>, overflow: Overflow) -> Option<i64> {
        match (beyond, overflow) {
            (None, _) => Some(number),
            (Some(_), Overflow::Wrap) => Some(self.from_low_bits(number)),
            (Some(Beyond::Above), Overflow::Saturate) => Some(self.max()),
            (Some(Beyond::Below), Overflow::Saturate) => Some(self.min()),
            (Some(_), Overflow::Fail) => None,
        }
    }

    fn max(self) -> i64 {
        let bits = self.bits - u32::from(self.is_signed);
        (u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0)) as i64
    }

    fn min(self) -> i64 {
        if self.is_signed { -self.max() - 1 } else { 0 }
    }

    /// The number that the low bits of another spell.
    #[expect(
        clippy::wrong_self_convention,
        reason = "the kind reads, it is not made"
    )]
    fn from_low_bits(self, number: i64) -> i64 {
        let unused = i64::BITS - self.bits;
        if self.is_signed {
            number << unused >> unused
        } else {
            ((number as u64) << unused >> unused) as i64
        }
    }
}

/// The sixteen bytes from the one that bit `at` is in, with zeros behind the ninth, which no field reaches beyond, and
/// behind the end of the string.
fn window(bytes: &[u8], at: u64) -> u128 {
    let mut window = [0; 16];
    let there = byte_of(at).and_then(|from| bytes.get(from..));
    let there = there.unwrap_or_default();
    let len = there.len().min(9);
    window[..len].copy_from_slice(&there[..len]);
    u128::from_be_bytes(window)
}
