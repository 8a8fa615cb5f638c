//! Natural numbers of any size, with what conversion between decimal and binary asks for.

use std::cmp::Ordering;

use super::literal::Scaled;

/// A natural number: limbs of 64 bits, the lowest first, the highest not 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Big {
    limbs: Vec<u64>,
}

/// The largest power of ten a limb holds, and which it is.
const TEN_POWER: (u64, u32) = (10_000_000_000_000_000_000, 19);

impl Big {
    /// The number written by decimal digits.
    pub(super) fn from_digits(digits: impl Iterator<Item = u8>) -> Self {
        let mut number = Self::default();
        let (mut chunk, mut unit) = (0, 1);
        for digit in digits {
            chunk = chunk * 10 + u64::from(digit.wrapping_sub(b'0'));
            unit *= 10;
            if unit == TEN_POWER.0 {
                number.multiply_add(unit, chunk);
                (chunk, unit) = (0, 1);
            }
        }
        number.multiply_add(unit, chunk);
        number
    }

    /// Ten to the power of `exponent`.
    pub(super) fn power_of_ten(exponent: u32) -> Self {
        let mut number = Self { limbs: vec![1] };
        number.multiply_power_of_ten(exponent);
        number
    }

    pub(super) fn multiply_power_of_ten(&mut self, exponent: u32) {
        for _ in 0..exponent / TEN_POWER.1 {
            self.multiply_add(TEN_POWER.0, 0);
        }
        self.multiply_add(10u64.pow(exponent % TEN_POWER.1), 0);
    }

    /// `bits` times two to the power of `exponent`.
    pub(super) fn from_scaled(bits: u64, exponent: usize) -> Self {
        let mut number = Self::default();
        number.multiply_add(1, bits);
        number.shift_left(exponent);
        number
    }

    /// `self = self * factor + addend`.
    fn multiply_add(&mut self, factor: u64, addend: u64) {
        let mut carry = u128::from(addend);
        for limb in &mut self.limbs {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            *limb = product as u64;
            carry = product >> 64;
        }
        if carry != 0 {
            self.limbs.push(carry as u64);
        }
    }

    pub(super) fn length_bits(&self) -> usize {
        let unused = self
            .limbs
            .last()
            .map_or(0, |limb| limb.leading_zeros() as usize);
        self.limbs.len() * 64 - unused
    }

    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    pub(super) fn shift_left(&mut self, bits: usize) {
        if self.is_zero() {
            return;
        }
        let factor = 1u64 << (bits % 64);
        self.multiply_add(factor, 0);
        self.limbs.splice(0..0, std::iter::repeat_n(0, bits / 64));
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_length = self.limbs.len().cmp(&other.limbs.len());
        by_length.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }

    /// `self -= other`, which must not be larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        let others = other.limbs.iter().copied().chain(std::iter::repeat(0));
        for (limb, other) in self.limbs.iter_mut().zip(others) {
            let (difference, first) = limb.overflowing_sub(other);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (difference, first || second);
        }
        debug_assert!(!borrow, "subtracted a larger number");
        self.trim();
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    /// The highest 128 bits, with what is below them as `has_more`.
    pub(super) fn top_bits(&self) -> Scaled {
        let low_bits = self.length_bits().saturating_sub(128);
        let (skipped, shift) = (low_bits / 64, low_bits % 64);
        let limb = |index: usize| u128::from(self.limbs.get(index).copied().unwrap_or(0));
        let low = (limb(skipped) | limb(skipped + 1) << 64) >> shift;
        let high = limb(skipped + 2)
            .checked_shl(128 - shift as u32)
            .unwrap_or(0);
        let below = self.limbs.iter().take(skipped).any(|&limb| limb != 0);
        let within = limb(skipped) & ((1 << shift) - 1) != 0;
        Scaled {
            bits: low | high,
            exponent: low_bits as i64,
            has_more: below || within,
        }
    }

    /// `self / divisor`, which is not 0, to at least 66 bits.
    pub(super) fn divide(mut self, mut divisor: Self) -> Scaled {
        const QUOTIENT_BITS: usize = 67;
        // Brought to the same length both are less than twice the other, so that each step of a
        // long division in base two gives one bit.
        let exponent = self.length_bits() as i64 - divisor.length_bits() as i64;
        match usize::try_from(exponent) {
            Ok(bits) => divisor.shift_left(bits),
            Err(_) => self.shift_left(exponent.unsigned_abs() as usize),
        }
        let mut bits = 0;
        for _ in 0..QUOTIENT_BITS {
            bits <<= 1;
            if self.compare(&divisor) != Ordering::Less {
                self.subtract(&divisor);
                bits |= 1;
            }
            self.multiply_add(2, 0);
        }
        Scaled {
            bits,
            exponent: exponent - (QUOTIENT_BITS as i64 - 1),
            has_more: !self.is_zero(),
        }
    }

    /// The decimal digits; `0` for 0.
    pub(super) fn into_decimal(mut self) -> String {
        let mut chunks = Vec::new();
        while !self.is_zero() {
            chunks.push(self.divide_by_limb(TEN_POWER.0));
        }
        let mut text = chunks.pop().unwrap_or(0).to_string();
        for chunk in chunks.iter().rev() {
            text.push_str(&format!("{chunk:019}"));
        }
        text
    }

    /// `self /= divisor`; gives the remainder.
    fn divide_by_limb(&mut self, divisor: u64) -> u64 {
        let mut remainder = 0u128;
        for limb in self.limbs.iter_mut().rev() {
            let dividend = remainder << 64 | u128::from(*limb);
            *limb = (dividend / u128::from(divisor)) as u64;
            remainder = dividend % u128::from(divisor);
        }
        self.trim();
        remainder as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_digits_come_back() {
        for digits in [
            "0",
            "1",
            "18446744073709551616",
            "10000000000000000000",
            &"123".repeat(50),
        ] {
            assert_eq!(Big::from_digits(digits.bytes()).into_decimal(), digits);
        }
        assert_eq!(
            Big::power_of_ten(40).into_decimal(),
            format!("1{}", "0".repeat(40))
        );
        assert_eq!(
            Big::from_scaled(3, 100).into_decimal(),
            (3u128 << 100).to_string()
        );
    }

    #[test]
    fn a_quotient_has_its_leading_bits() {
        let quotient = Big::from_scaled(1, 0).divide(Big::power_of_ten(1));
        assert_eq!((quotient.bits, quotient.exponent), ((1 << 69) / 10, -69));
        assert!(quotient.has_more);
        let quotient = Big::from_scaled(1, 200).divide(Big::from_scaled(1, 3));
        assert_eq!((quotient.bits, quotient.exponent), (1 << 66, 197 - 66));
        assert!(!quotient.has_more);
    }

    #[test]
    fn the_top_bits_know_of_those_below() {
        for shift in [0, 1, 63, 64, 65, 200] {
            let mut number = Big::from_scaled(u64::MAX, 100 + shift);
            assert!(!number.top_bits().has_more);
            number.multiply_add(1, 1);
            let top = number.top_bits();
            assert_eq!(top.bits >> 64, u128::from(u64::MAX));
            assert_eq!((top.exponent, top.has_more), (36 + shift as i64, true));
        }
    }
}
