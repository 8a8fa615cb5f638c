//! The 80-bit extended precision INCRBYFLOAT and HINCRBYFLOAT count in.
//!
//! Redis computes with C's `long double`, which on x86-64 has a mantissa of 64 bits, and prints 17
//! digits behind the point. With a double instead, sums would differ from Redis' in their last
//! digits, so the few operations needed are done here in integers, bit for bit.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Add;

use super::big::Big;
use super::literal::{self, Digits, Magnitude, Scaled};

/// A number with a mantissa of 64 bits and an exponent of 15, as the x87 has it.
///
/// Made by [`parse_long_double`] or from an integer or a double, which it holds exactly. Sums are
/// rounded to the nearest, halfway to even. Displayed as Redis prints it: rounded to 17 digits
/// behind the point, without zeros at the end, never with an exponent.
#[derive(Clone, Copy, Debug)]
pub struct LongDouble {
    is_negative: bool,
    magnitude: Size,
}

#[derive(Clone, Copy, Debug)]
enum Size {
    /// `mantissa` times two to the power of `exponent`. The highest bit of the mantissa is set,
    /// but where the exponent is the lowest there is.
    Finite {
        mantissa: u64,
        exponent: i32,
    },
    Infinite,
    Nan,
}

/// The exponent of zero, of the denormals and of the smallest normal number.
const MIN_EXPONENT: i64 = -16_445;
/// The exponent of the largest numbers.
const MAX_EXPONENT: i64 = 16_320;
/// The longest text Redis reads as a number of this kind (`MAX_LONG_DOUBLE_CHARS`).
const MAX_TEXT_BYTES: usize = 5 * 1024 - 1;

/// The number all of `bytes` are, as C's `strtold` reads it.
///
/// Accepts what [`parse_f64`](super::parse_f64) does, in the range and precision of the x87.
/// `None` also for texts of 5,120 bytes and more. Infinity is accepted: it is the sum that must
/// be finite. *Source:* `getLongDoubleFromObject` of Redis.
pub fn parse_long_double(bytes: &[u8]) -> Option<LongDouble> {
    if bytes.len() > MAX_TEXT_BYTES {
        return None;
    }
    let literal = literal::scan(bytes)?;
    let (scaled, is_zero) = match literal.magnitude {
        Magnitude::Infinite => {
            return Some(LongDouble {
                is_negative: literal.is_negative,
                magnitude: Size::Infinite,
            });
        }
        Magnitude::Hex(digits) => (Scaled::from_hex(&digits), digits.is_zero()),
        Magnitude::Decimal(digits) => (scale_decimal(&digits)?, digits.is_zero()),
    };
    let number = LongDouble::rounded(literal.is_negative, scaled);
    let is_out_of_range = !number.is_finite() || (number.is_zero() && !is_zero);
    (!is_out_of_range).then_some(number)
}

/// The value of decimal digits, to more bits than a mantissa has. `None` if that is far out of
/// range.
fn scale_decimal(digits: &Digits<'_>) -> Option<Scaled> {
    let exponent = digits.exponent.saturating_sub(digits.fraction.len() as i64);
    let significant = digits.iter().skip_while(|&digit| digit == b'0');
    let count = significant.clone().count();
    if count == 0 {
        return Some(Scaled {
            bits: 0,
            exponent: 0,
            has_more: false,
        });
    }
    let scientific = exponent.saturating_add(count as i64);
    if !(-5_000..=5_000).contains(&scientific) {
        return None;
    }
    if count <= 19 && (-18..=18).contains(&exponent) {
        let digits = significant.fold(0, |value, digit| value * 10 + u128::from(digit - b'0'));
        return Some(scale_short(digits, exponent as i32));
    }
    let mut number = Big::from_digits(significant);
    // At most the 5,119 digits of a text and the range above.
    let power = u32::try_from(exponent.unsigned_abs()).ok()?;
    if exponent < 0 {
        return Some(number.divide(Big::power_of_ten(power)));
    }
    number.multiply_power_of_ten(power);
    Some(number.top_bits())
}

/// `digits`, at most 64 bits, times ten to the power of `exponent`, which is within ±18.
fn scale_short(digits: u128, exponent: i32) -> Scaled {
    let power = 10u128.pow(exponent.unsigned_abs());
    if exponent >= 0 {
        return Scaled {
            bits: digits * power,
            exponent: 0,
            has_more: false,
        };
    }
    // 128 bits divided by at most 60 leave 68: enough for a mantissa and its rounding.
    let shift = digits.leading_zeros();
    let dividend = digits << shift;
    Scaled {
        bits: dividend / power,
        exponent: -i64::from(shift),
        has_more: !dividend.is_multiple_of(power),
    }
}

impl LongDouble {
    /// Neither infinite nor NaN.
    pub fn is_finite(&self) -> bool {
        matches!(self.magnitude, Size::Finite { .. })
    }

    /// The least integer not below a thousand times the number, as milliseconds are counted from
    /// seconds; the product is rounded as any other is. What is out of range becomes the last integer.
    pub fn ceil_thousandfold(&self) -> i64 {
        let beyond = if self.is_negative { i64::MIN } else { i64::MAX };
        let Size::Finite { mantissa, exponent } = self.magnitude else {
            return beyond;
        };
        let product = Scaled {
            bits: u128::from(mantissa) * 1000,
            exponent: exponent.into(),
            has_more: false,
        };
        let Size::Finite { mantissa, exponent } =
            LongDouble::rounded(self.is_negative, product).magnitude
        else {
            return beyond;
        };
        let whole = match exponent {
            1.. => return if mantissa == 0 { 0 } else { beyond },
            _ => mantissa.checked_shr(exponent.unsigned_abs()).unwrap_or(0),
        };
        let is_whole = whole.checked_shl(exponent.unsigned_abs()) == Some(mantissa);
        match self.is_negative {
            true => 0i64.saturating_sub_unsigned(whole),
            false => 0i64
                .saturating_add_unsigned(whole)
                .saturating_add(i64::from(!is_whole && mantissa != 0)),
        }
    }

    fn is_zero(&self) -> bool {
        matches!(self.magnitude, Size::Finite { mantissa: 0, .. })
    }

    /// The nearest number of this kind; infinite if there is none.
    fn rounded(is_negative: bool, scaled: Scaled) -> Self {
        let (bits, exponent) = scaled.round(64, MIN_EXPONENT);
        let magnitude = match normalize(bits, exponent) {
            Some((mantissa, exponent)) => Size::Finite { mantissa, exponent },
            None => Size::Infinite,
        };
        Self {
            is_negative,
            magnitude,
        }
    }
}

/// Brings at most 64 bits, or exactly two to the power of 64, into the form of [`Size::Finite`].
/// `None` if the number is too large.
fn normalize(bits: u128, exponent: i64) -> Option<(u64, i32)> {
    let (bits, exponent) = match u64::try_from(bits) {
        Ok(0) => (0, MIN_EXPONENT),
        Ok(bits) => (bits, exponent),
        Err(_) => (1 << 63, exponent + 1),
    };
    let room = u64::try_from(exponent.saturating_sub(MIN_EXPONENT)).unwrap_or(0);
    let shift = u64::from(bits.leading_zeros()).min(room) as u32;
    let exponent = exponent.saturating_sub(i64::from(shift));
    let mantissa = bits.checked_shl(shift).unwrap_or(0);
    (exponent <= MAX_EXPONENT).then_some((mantissa, exponent as i32))
}

impl From<i64> for LongDouble {
    fn from(number: i64) -> Self {
        let scaled = Scaled {
            bits: u128::from(number.unsigned_abs()),
            exponent: 0,
            has_more: false,
        };
        Self::rounded(number < 0, scaled)
    }
}

impl From<f64> for LongDouble {
    fn from(number: f64) -> Self {
        let bits = number.to_bits();
        let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52) & 0x7ff);
        let (mantissa, exponent) = match biased {
            0 => (fraction, -1074),
            _ => (fraction | 1 << 52, biased as i64 - 1075),
        };
        let scaled = Scaled {
            bits: u128::from(mantissa),
            exponent,
            has_more: false,
        };
        let finite = Self::rounded(number.is_sign_negative(), scaled);
        match number {
            _ if number.is_nan() => Self {
                magnitude: Size::Nan,
                ..finite
            },
            _ if number.is_infinite() => Self {
                magnitude: Size::Infinite,
                ..finite
            },
            _ => finite,
        }
    }
}

impl Add for LongDouble {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        match (self.magnitude, other.magnitude) {
            (Size::Finite { .. }, Size::Finite { .. }) => add_finite(self, other),
            (Size::Infinite, Size::Infinite) if self.is_negative != other.is_negative => Self {
                is_negative: false,
                magnitude: Size::Nan,
            },
            (Size::Infinite | Size::Nan, _) => self,
            _ => other,
        }
    }
}

/// The exponent and mantissa of a finite number, which order as the number does.
fn finite_parts(number: LongDouble) -> (i32, u64) {
    match number.magnitude {
        Size::Finite { mantissa, exponent } => (exponent, mantissa),
        Size::Infinite | Size::Nan => (i32::MAX, u64::MAX),
    }
}

fn add_finite(one: LongDouble, other: LongDouble) -> LongDouble {
    let (larger, smaller) = match finite_parts(one).cmp(&finite_parts(other)) {
        Ordering::Less => (other, one),
        _ => (one, other),
    };
    let (exponent, mantissa) = finite_parts(larger);
    let (smaller_exponent, smaller_mantissa) = finite_parts(smaller);
    // 63 bits below the mantissa, and one above it for the carry: after the numbers are aligned
    // and at most one leading bit has cancelled out, what was cut off is still below half a unit.
    const BELOW: u32 = 63;
    let distance = exponent.abs_diff(smaller_exponent);
    let addend = u128::from(smaller_mantissa) << BELOW;
    let aligned = addend.checked_shr(distance).unwrap_or(0);
    let has_more = aligned.checked_shl(distance).unwrap_or(0) != addend;
    let base = u128::from(mantissa) << BELOW;
    let bits = if larger.is_negative == smaller.is_negative {
        base + aligned
    } else {
        // What was cut off makes the difference smaller: one unit less, and a part of it back.
        base - aligned - u128::from(has_more)
    };
    let scaled = Scaled {
        bits,
        exponent: i64::from(exponent) - i64::from(BELOW),
        has_more,
    };
    let is_cancelled = bits == 0 && one.is_negative != other.is_negative;
    LongDouble::rounded(larger.is_negative && !is_cancelled, scaled)
}

impl fmt::Display for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative { "-" } else { "" };
        match self.magnitude {
            Size::Nan => f.write_str("nan"),
            Size::Infinite => write!(f, "{sign}inf"),
            Size::Finite { mantissa, exponent } => match decimal(mantissa, exponent).as_str() {
                "0" => f.write_str("0"),
                digits => write!(f, "{sign}{digits}"),
            },
        }
    }
}

/// The number rounded to 17 digits behind the point, without zeros at its end.
fn decimal(mantissa: u64, exponent: i32) -> String {
    const UNIT: u128 = 10u128.pow(17);
    // Below two to the power of 121, so seven more bits fit.
    let units = u128::from(mantissa) * UNIT;
    let units = match exponent {
        8.. => return Big::from_scaled(mantissa, exponent as usize).into_decimal(),
        0..8 => units << exponent,
        ..0 => {
            let scaled = Scaled {
                bits: units,
                exponent: i64::from(exponent),
                has_more: false,
            };
            scaled.round(u128::BITS, 0).0
        }
    };
    let text = format!("{}.{:017}", units / UNIT, units % UNIT);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_double(text: &str) -> LongDouble {
        parse_long_double(text.as_bytes()).expect("a number")
    }

    #[test]
    fn seconds_become_milliseconds() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("0.001", 1),
            ("0.0011", 2),
            ("1.5", 1500),
            ("-1.5", -1500),
            ("-0.0019", -1),
            ("1e-400", 1),
            ("-1e-400", 0),
            ("0.1", 100),
            ("0x10", 16_000),
            ("9000000000000000", 9_000_000_000_000_000_000),
            ("9223372036854775.806", 9_223_372_036_854_775_806),
            ("9223372036854775.808", i64::MAX),
            ("1e400", i64::MAX),
            ("-1e400", i64::MIN),
            ("inf", i64::MAX),
            ("-inf", i64::MIN),
        ];
        for (text, millis) in cases {
            assert_eq!(long_double(text).ceil_thousandfold(), millis, "{text}");
        }
    }

    #[test]
    fn a_sum_has_the_digits_of_the_x87() {
        let sum = long_double("0.1") + long_double("0.2");
        assert_eq!(sum.to_string(), "0.3");
        let sum = long_double("3.0e3") + long_double("200");
        assert_eq!(sum.to_string(), "3200");
        let sum = long_double("1e20") + long_double("0.5");
        assert_eq!(sum.to_string(), "100000000000000000000");
    }

    #[test]
    fn the_range_is_that_of_the_x87() {
        let largest = long_double("0x1.fffffffffffffffep16383");
        assert!(largest.is_finite());
        assert!(!(largest + largest).is_finite());
        assert!(long_double("0x1p-16445").is_finite());
        for text in [
            "0x1p16384",
            "1e4933",
            "1e-4951",
            "0x1p-16446",
            "1e99999",
            "1e-99999",
        ] {
            assert!(parse_long_double(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn infinities_are_numbers_until_they_cancel_out() {
        let (plus, minus) = (long_double("inf"), long_double("-inf"));
        assert_eq!((plus + plus).to_string(), "inf");
        assert_eq!((minus + long_double("1")).to_string(), "-inf");
        assert_eq!((plus + minus).to_string(), "nan");
        assert!(!(plus + minus + plus).is_finite());
    }

    #[test]
    fn texts_of_5_kib_and_more_are_refused() {
        let longest = format!("0.{}", "0".repeat(5_117));
        assert!(parse_long_double(longest.as_bytes()).is_some());
        let too_long = format!("{longest}0");
        assert!(parse_long_double(too_long.as_bytes()).is_none());
        let many_digits = format!("1.{}1", "0".repeat(5_000));
        assert_eq!(long_double(&many_digits).to_string(), "1");
        let many_zeros = format!("{}12.5", "0".repeat(5_000));
        assert_eq!(long_double(&many_zeros).to_string(), "12.5");
    }

    #[test]
    fn integers_and_doubles_are_held_exactly() {
        for number in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(LongDouble::from(number).to_string(), number.to_string());
        }
        assert_eq!(LongDouble::from(-0.0).to_string(), "0");
        assert_eq!(
            LongDouble::from(13.361_389_338_970_184).to_string(),
            "13.36138933897018433"
        );
        assert_eq!(
            LongDouble::from(f64::MAX).to_string(),
            format!("{:.0}", f64::MAX)
        );
        assert_eq!(LongDouble::from(5e-324).to_string(), "0");
        assert_eq!(LongDouble::from(f64::NEG_INFINITY).to_string(), "-inf");
        assert!(!LongDouble::from(f64::NAN).is_finite());
    }
}
