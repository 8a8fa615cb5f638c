//! Floating-point literals as C's `strtod` and `strtold` take them.

/// A literal, taken apart but not yet rounded to any precision. NaN is not among them: wherever
/// Redis reads a number it refuses NaN.
#[derive(Debug)]
pub(super) struct Literal<'a> {
    pub(super) is_negative: bool,
    pub(super) magnitude: Magnitude<'a>,
}

#[derive(Debug)]
pub(super) enum Magnitude<'a> {
    Infinite,
    /// Decimal digits, times ten to the power of `exponent`.
    Decimal(Digits<'a>),
    /// Hexadecimal digits, times two to the power of `exponent`.
    Hex(Digits<'a>),
}

/// The digits in front of the point and behind it. There is at least one.
#[derive(Debug)]
pub(super) struct Digits<'a> {
    pub(super) integer: &'a [u8],
    pub(super) fraction: &'a [u8],
    /// Saturates far outside of what any precision has.
    pub(super) exponent: i64,
}

impl Digits<'_> {
    /// Whether every digit is 0.
    pub(super) fn is_zero(&self) -> bool {
        self.iter().all(|digit| digit == b'0')
    }

    /// All digits in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u8> + Clone + '_ {
        self.integer.iter().chain(self.fraction).copied()
    }
}

/// Where exponents saturate: no count of digits that fits in memory brings such a number back.
const EXPONENT_LIMIT: i64 = 1 << 56;

/// The literal that all of `bytes` are. White space in front is refused too, as Redis does.
pub(super) fn scan(bytes: &[u8]) -> Option<Literal<'_>> {
    let (is_negative, rest) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
        Magnitude::Infinite
    } else if let [b'0', b'x' | b'X', rest @ ..] = rest {
        Magnitude::Hex(digits(rest, b'p', u8::is_ascii_hexdigit)?)
    } else {
        Magnitude::Decimal(digits(rest, b'e', u8::is_ascii_digit)?)
    };
    Some(Literal {
        is_negative,
        magnitude,
    })
}

/// Digits with an optional point among, in front or behind, and an optional exponent.
fn digits(bytes: &[u8], exponent_mark: u8, is_digit: fn(&u8) -> bool) -> Option<Digits<'_>> {
    let (integer, rest) = split_while(bytes, is_digit);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_while(rest, is_digit),
        rest => (&[][..], rest),
    };
    if integer.is_empty() && fraction.is_empty() {
        return None;
    }
    let exponent = match rest {
        [] => 0,
        [mark, rest @ ..] if mark.eq_ignore_ascii_case(&exponent_mark) => exponent(rest)?,
        _ => return None,
    };
    Some(Digits {
        integer,
        fraction,
        exponent,
    })
}

fn split_while(bytes: &[u8], is_digit: fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let count = bytes.iter().take_while(|byte| is_digit(byte)).count();
    bytes.split_at(count)
}

fn exponent(bytes: &[u8]) -> Option<i64> {
    let (sign, digits) = match bytes {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits.iter().fold(0i64, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(EXPONENT_LIMIT)
    });
    Some(sign * magnitude)
}

/// A mantissa of any precision: `bits` times two to the power of `exponent`, and more than that
/// by less than one unit of `bits` if `has_more`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    pub(super) bits: u128,
    pub(super) exponent: i64,
    pub(super) has_more: bool,
}

impl Scaled {
    /// The value of hexadecimal digits.
    pub(super) fn from_hex(digits: &Digits<'_>) -> Self {
        let mut scaled = Self {
            bits: 0,
            exponent: digits
                .exponent
                .saturating_sub(4 * digits.fraction.len() as i64),
            has_more: false,
        };
        for digit in digits.iter() {
            let value = char::from(digit).to_digit(16).unwrap_or(0);
            if scaled.bits >> 124 == 0 {
                scaled.bits = scaled.bits << 4 | u128::from(value);
            } else {
                scaled.exponent += 4;
                scaled.has_more |= value != 0;
            }
        }
        scaled
    }

    /// Rounds to the nearest value of at most `precision` bits whose exponent is at least
    /// `min_exponent`; halfway goes to the even one. May give exactly two to the `precision`.
    pub(super) fn round(self, precision: u32, min_exponent: i64) -> (u128, i64) {
        let length = i64::from(u128::BITS - self.bits.leading_zeros());
        let surplus = (length - i64::from(precision)).max(min_exponent - self.exponent);
        match surplus {
            ..=0 => (self.bits, self.exponent),
            1..=127 => {
                let kept = self.bits >> surplus;
                let half = 1 << (surplus - 1);
                let rest = self.bits & ((1 << surplus) - 1);
                let is_above = rest > half || (rest == half && (self.has_more || kept & 1 == 1));
                (kept + u128::from(is_above), self.exponent + surplus)
            }
            128 => {
                let half = 1 << 127;
                let is_above = self.bits > half || (self.bits == half && self.has_more);
                (u128::from(is_above), self.exponent + surplus)
            }
            _ => (0, min_exponent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_to_the_nearest_and_halfway_to_even() {
        let round = |bits, has_more| {
            let scaled = Scaled {
                bits,
                exponent: 0,
                has_more,
            };
            scaled.round(2, -100)
        };
        assert_eq!(round(0b11, false), (0b11, 0));
        assert_eq!(round(0b1010, false), (0b10, 2));
        assert_eq!(round(0b1010, true), (0b11, 2));
        assert_eq!(round(0b1011, false), (0b11, 2));
        assert_eq!(round(0b1110, false), (0b100, 2));
        assert_eq!(round(0b1101, true), (0b11, 2));
    }

    #[test]
    fn what_is_far_below_the_smallest_exponent_rounds_to_zero() {
        for exponent in [-127, -128, -129, -1000, i64::MIN / 2] {
            let scaled = Scaled {
                bits: 3,
                exponent,
                has_more: true,
            };
            assert_eq!(scaled.round(53, 0).0, 0);
        }
        let top = Scaled {
            bits: 3 << 126,
            exponent: -128,
            has_more: false,
        };
        assert_eq!(top.round(53, 0), (1, 0));
    }
}
