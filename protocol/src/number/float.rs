//! Double-precision numbers, as Redis reads and prints them.

use std::fmt;

use super::literal::{self, Digits, Magnitude, Scaled};
use super::powers::POWERS_OF_TEN;

/// The number all of `bytes` are, as C's `strtod` reads it.
///
/// Decimal or hexadecimal (`0x1.8p3`), `inf` and `infinity` in any case, a sign in front. `None`
/// for an empty string, white space or anything else around it, NaN, and a number that is too
/// large or, without being 0, too small for a double. *Source:* `getDoubleFromObject` of Redis.
pub fn parse_f64(bytes: &[u8]) -> Option<f64> {
    let (value, is_out_of_range) = read(bytes)?;
    (!is_out_of_range).then_some(value)
}

/// The number all of a C string is, as C's `strtod` reads it.
///
/// Beside what [`parse_f64`] takes, white space in front; nothing at all, which is 0; and what is out of range,
/// which is infinite or 0. A NUL ends it. *Source:* `zslParseRange` of Redis.
pub fn parse_c_f64(bytes: &[u8]) -> Option<f64> {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().take_while(|byte| is_space(byte)).count();
    read(&text[start..]).map(|(value, _)| value)
}

/// The number all of `bytes` are, and whether it is too large or too small for a double.
fn read(bytes: &[u8]) -> Option<(f64, bool)> {
    let literal = literal::scan(bytes)?;
    let (magnitude, is_out_of_range) = match literal.magnitude {
        Magnitude::Infinite => (f64::INFINITY, false),
        Magnitude::Hex(digits) => ranged(hex_value(&digits), digits.is_zero()),
        Magnitude::Decimal(digits) => ranged(decimal_value(bytes)?, digits.is_zero()),
    };
    let value = if literal.is_negative {
        -magnitude
    } else {
        magnitude
    };
    Some((value, is_out_of_range))
}

fn ranged(value: f64, is_exact_zero: bool) -> (f64, bool) {
    let magnitude = value.abs();
    let is_out_of_range = magnitude.is_infinite() || (magnitude == 0.0 && !is_exact_zero);
    (magnitude, is_out_of_range)
}

/// The standard library rounds as C does, and takes every decimal form that C takes.
fn decimal_value(literal: &[u8]) -> Option<f64> {
    std::str::from_utf8(literal).ok()?.parse().ok()
}

fn hex_value(digits: &Digits<'_>) -> f64 {
    let (bits, exponent) = Scaled::from_hex(digits).round(f64::MANTISSA_DIGITS, -1074);
    scale(bits as f64, exponent)
}

/// `value`, at least 1 or 0, times two to the power of `exponent`: exact, since it was rounded to
/// what a double holds.
fn scale(value: f64, exponent: i64) -> f64 {
    // Two steps, since the largest power of two alone does not reach the smallest double.
    let exponent = exponent.clamp(-2000, 2000);
    let half = exponent / 2;
    value * power_of_two(half) * power_of_two(exponent - half)
}

/// Two to the power of `exponent`, which is within ±1000.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// A number as printed by [`format_f64`].
#[derive(Clone, Copy)]
pub struct FloatText {
    bytes: [u8; FloatText::MAX_BYTES],
    length: usize,
}

impl FloatText {
    /// The longest text: a sign, 17 digits and 7 zeros, with room to spare.
    const MAX_BYTES: usize = 32;

    fn new() -> Self {
        Self {
            bytes: [0; Self::MAX_BYTES],
            length: 0,
        }
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    fn push_zeros(&mut self, count: usize) {
        for _ in 0..count {
            self.push(b"0");
        }
    }
}

impl fmt::Display for FloatText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().escape_ascii().fmt(f)
    }
}

impl fmt::Debug for FloatText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text Redis 7.4 sends for a double: digits that read back as the same number.
///
/// `inf`, `-inf`, `nan` and `-0` as such; whole numbers up to half of what an `i64` holds in full;
/// anything else by [Grisu2](https://doi.org/10.1145/1806596.1806623), whose digits are the
/// shortest possible for 99.9 of 100 numbers: for the rest Redis, too, sends one digit too many.
pub fn format_f64(number: f64) -> FloatText {
    if number != 0.0 && number.abs() <= WHOLE_LIMIT && number.trunc() == number {
        let mut text = FloatText::new();
        text.push(itoa::Buffer::new().format(number as i64).as_bytes());
        return text;
    }
    format_short_f64(number)
}

/// The digits of [`format_f64`] for whole numbers, too: one with many zeros at its end gets an exponent.
///
/// *Source:* `fpconv_dtoa`, which Redis calls alone for `DEBUG DIGEST`.
pub fn format_short_f64(number: f64) -> FloatText {
    let mut text = FloatText::new();
    if number.is_nan() {
        text.push(b"nan");
    } else if number.is_infinite() {
        text.push(if number > 0.0 { b"inf" } else { b"-inf" });
    } else if number == 0.0 {
        text.push(if number.is_sign_negative() {
            b"-0"
        } else {
            b"0"
        });
    } else {
        if number < 0.0 {
            text.push(b"-");
        }
        Decimal::shortest(number.abs()).write(number < 0.0, &mut text);
    }
    text
}

/// 17 digits, but for zeros at the end, as C's `printf` writes `%.17g`.
pub fn format_long_f64(number: f64) -> FloatText {
    if !number.is_finite() || number == 0.0 {
        return format_short_f64(number);
    }
    let mut text = FloatText::new();
    if number < 0.0 {
        text.push(b"-");
    }
    let scientific = format!("{:.16e}", number.abs());
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = digits.replace('.', "");
    let digits = digits.trim_end_matches('0').as_bytes();
    match usize::try_from(exponent) {
        Ok(whole @ 0..17) => {
            let (front, behind) = digits.split_at(digits.len().min(whole + 1));
            text.push(front);
            text.push_zeros(whole + 1 - front.len());
            if !behind.is_empty() {
                text.push(b".");
                text.push(behind);
            }
        }
        Err(_) if exponent >= -4 => {
            text.push(b"0.");
            text.push_zeros(exponent.unsigned_abs() as usize - 1);
            text.push(digits);
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            text.push(first);
            if !rest.is_empty() {
                text.push(b".");
                text.push(rest);
            }
            text.push(
                format!(
                    "e{}{:02}",
                    if exponent < 0 { '-' } else { '+' },
                    exponent.abs()
                )
                .as_bytes(),
            );
        }
    }
    text
}

/// Up to here a double is printed as an integer if it is one.
const WHOLE_LIMIT: f64 = (i64::MAX / 2) as f64;

/// Decimal digits, times ten to the power of `exponent`.
struct Decimal {
    digits: [u8; 20],
    count: usize,
    exponent: i32,
}

impl Decimal {
    fn digits(&self) -> &[u8] {
        &self.digits[..self.count]
    }

    fn push(&mut self, digit: u64) {
        // A zero in front is no digit.
        if (digit != 0 || self.count > 0) && self.count < self.digits.len() {
            self.digits[self.count] = b'0' + digit as u8;
            self.count += 1;
        }
    }

    /// Writes the digits plainly if few zeros are needed for it, else with an exponent.
    fn write(&self, is_negative: bool, text: &mut FloatText) {
        let count = self.count as i32;
        let scientific = self.exponent + count - 1;
        if self.exponent >= 0 && scientific < count + 7 {
            text.push(self.digits());
            text.push_zeros(self.exponent as usize);
        } else if self.exponent < 0 && (self.exponent > -7 || scientific.abs() < 4) {
            self.write_point(text);
        } else {
            self.write_scientific(scientific, is_negative, text);
        }
    }

    /// With a point among the digits or in front of them.
    fn write_point(&self, text: &mut FloatText) {
        let behind = self.exponent.unsigned_abs() as usize;
        match self.count.checked_sub(behind) {
            Some(whole) if whole > 0 => {
                let (whole, fraction) = self.digits().split_at(whole);
                text.push(whole);
                text.push(b".");
                text.push(fraction);
            }
            _ => {
                text.push(b"0.");
                text.push_zeros(behind - self.count);
                text.push(self.digits());
            }
        }
    }

    fn write_scientific(&self, exponent: i32, is_negative: bool, text: &mut FloatText) {
        let most = 18 - usize::from(is_negative);
        let (first, rest) = self.digits()[..self.count.min(most)].split_at(1);
        text.push(first);
        if !rest.is_empty() {
            text.push(b".");
            text.push(rest);
        }
        text.push(if exponent < 0 { b"e-" } else { b"e+" });
        text.push(
            itoa::Buffer::new()
                .format(exponent.unsigned_abs())
                .as_bytes(),
        );
    }

    /// Digits that read back as `number`, which is finite and above 0, by Grisu2.
    ///
    /// *Source:* Florian Loitsch, "Printing floating-point numbers quickly and accurately with
    /// integers", PLDI 2010, section 5. Which cached power is taken and how its products are
    /// rounded decides the numbers that come out a digit too long, so both are as in Redis.
    fn shortest(number: f64) -> Self {
        let (value, lower, upper) = boundaries(number);
        let (power, decimal_exponent) = cached_power(upper.exponent);
        let value = value.times(power);
        // The products are off by less than one unit: stay on the safe side of both boundaries.
        let lower = lower.times(power).mantissa + 1;
        let upper = upper.times(power);
        let upper = Extended {
            mantissa: upper.mantissa - 1,
            ..upper
        };
        let mut decimal = Self {
            digits: [0; 20],
            count: 0,
            exponent: -decimal_exponent,
        };
        decimal.generate(
            upper,
            upper.mantissa - lower,
            upper.mantissa - value.mantissa,
        );
        decimal
    }

    /// Generates digits of `upper` until what is left out is within `delta`, the width of what
    /// reads back as the number; then lowers the last towards the number, which is `distance`
    /// below `upper`.
    fn generate(&mut self, upper: Extended, mut delta: u64, mut distance: u64) {
        // `cached_power` left 32 to 60 bits behind the point.
        let point = upper.exponent.unsigned_abs();
        let mut whole = upper.mantissa >> point;
        let mut fraction = upper.mantissa & ((1 << point) - 1);
        for kappa in (0..10).rev() {
            let unit = 10u64.pow(kappa);
            self.push(whole / unit);
            whole %= unit;
            let left = (whole << point) + fraction;
            if left <= delta {
                self.exponent += kappa as i32;
                return self.weed(delta, left, unit << point, distance);
            }
        }
        loop {
            fraction *= 10;
            delta *= 10;
            distance = distance.wrapping_mul(10);
            self.exponent -= 1;
            self.push(fraction >> point);
            fraction &= (1 << point) - 1;
            if fraction < delta {
                return self.weed(delta, fraction, 1 << point, distance);
            }
        }
    }

    /// Lowers the last digit, worth `unit`, while that comes closer to the number.
    fn weed(&mut self, delta: u64, mut left: u64, unit: u64, distance: u64) {
        while left < distance
            && delta - left >= unit
            && (left + unit < distance || distance - left > left + unit - distance)
        {
            self.digits[self.count - 1] -= 1;
            left += unit;
        }
    }
}

/// A number with a mantissa of 64 bits: `mantissa` times two to the power of `exponent`.
#[derive(Clone, Copy, Debug)]
struct Extended {
    mantissa: u64,
    exponent: i32,
}

impl Extended {
    /// The same number with the highest bit of the mantissa set.
    fn normalized(self) -> Self {
        let shift = self.mantissa.leading_zeros();
        Self {
            mantissa: self.mantissa << shift,
            exponent: self.exponent - shift as i32,
        }
    }

    /// The upper half of the product, rounded.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.mantissa) * u128::from(other.mantissa);
        Self {
            mantissa: ((product + (1 << 63)) >> 64) as u64,
            exponent: self.exponent + other.exponent + 64,
        }
    }
}

/// `number`, and the middles between it and its neighbours below and above, which share one
/// exponent.
fn boundaries(number: f64) -> (Extended, Extended, Extended) {
    const HIDDEN: u64 = 1 << 52;
    let bits = number.to_bits();
    let (fraction, biased) = (bits & (HIDDEN - 1), (bits >> 52) as i32 & 0x7ff);
    let (mantissa, exponent) = match biased {
        0 => (fraction, -1074),
        _ => (fraction + HIDDEN, biased - 1075),
    };
    let upper = Extended {
        mantissa: 2 * mantissa + 1,
        exponent: exponent - 1,
    };
    let upper = upper.normalized();
    // Below a power of two the neighbours are half as far apart.
    let closer = if mantissa == HIDDEN { 2 } else { 1 };
    let lower_exponent = exponent - closer;
    let lower = Extended {
        mantissa: ((mantissa << closer) - 1) << (lower_exponent - upper.exponent),
        exponent: upper.exponent,
    };
    let value = Extended { mantissa, exponent };
    (value.normalized(), lower, upper)
}

/// A power of ten whose product with a number of this binary exponent has 32 to 60 bits behind
/// the point, and which power it is.
fn cached_power(exponent: i32) -> (Extended, i32) {
    const FIRST: i32 = -348;
    const STEP: i32 = 8;
    const LOG10_OF_2: f64 = std::f64::consts::LOG10_2;
    // The search begins where Redis' does: sometimes two powers would do.
    let count = POWERS_OF_TEN.len() as i32;
    let wanted = -f64::from(exponent + count) * LOG10_OF_2;
    let mut index = (wanted as i32 - FIRST) / STEP;
    loop {
        let (mantissa, power_exponent) = POWERS_OF_TEN[index.clamp(0, count - 1) as usize];
        match exponent + power_exponent + 64 {
            ..-60 => index += 1,
            -32.. if exponent + power_exponent + 64 > -32 => index -= 1,
            _ => {
                let power = Extended {
                    mantissa,
                    exponent: power_exponent,
                };
                return (power, FIRST + index * STEP);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each asked of Redis 7.4.1 as a score of ZADD.
    #[test]
    fn parse_f64_takes_what_strtod_takes() {
        let cases = [
            ("1", 1.0),
            ("+1", 1.0),
            ("-.5e1", -5.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("inf", f64::INFINITY),
            ("+INF", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("0X1P-2", 0.25),
            ("0x.8", 0.5),
            ("0x8.", 8.0),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.fffffffffffff7p0", 1.999_999_999_999_999_8),
            ("0x0.0000000000001p-1022", 5e-324),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x00000000000000000000000000000000000000001p0", 1.0),
            ("0x0p-9999", 0.0),
            ("0e-400", 0.0),
            ("0e99999999999999999999", 0.0),
            ("5e-324", 5e-324),
            ("1.7976931348623157e308", f64::MAX),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_f64(text.as_bytes()), Some(expected), "{text}");
        }
        let zero = parse_f64(b"-0").expect("a number");
        assert!(zero == 0.0 && zero.is_sign_negative());
    }

    /// Each asked of Redis 7.4.1 as a bound of ZCOUNT.
    #[test]
    fn parse_c_f64_takes_more() {
        let cases: [(&[u8], f64); 7] = [
            (b"", 0.0),
            (b"\0x", 0.0),
            (b" \t\r\n\x0b\x0c1", 1.0),
            (b"5\0abc", 5.0),
            (b"1e400", f64::INFINITY),
            (b"-0x1p5000", f64::NEG_INFINITY),
            (b"1e-400", 0.0),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_c_f64(text), Some(expected), "{text:?}");
        }
        for text in [&b" "[..], b"1 ", b"nan", b"x", b"- 1", b"1\x01"] {
            assert_eq!(parse_c_f64(text), None, "{text:?}");
        }
    }

    /// Each asked of Redis 7.4.1 with ZSCAN, and of C.
    #[test]
    fn long_text_has_seventeen_digits() {
        let cases = [
            (0.1, "0.10000000000000001"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-1.5, "-1.5"),
            (100_000.0, "100000"),
            (4e18, "4e+18"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123_456.789e30, "1.2345678899999999e+35"),
            (0.000_012_345_67, "1.2345670000000001e-05"),
            (0.000_123, "0.00012300000000000001"),
            (f64::INFINITY, "inf"),
            (5e-324, "4.9406564584124654e-324"),
            (-f64::MAX, "-1.7976931348623157e+308"),
        ];
        for (number, text) in cases {
            assert_eq!(format_long_f64(number).to_string(), text);
        }
    }

    #[test]
    fn short_text_gives_whole_numbers_an_exponent() {
        for (number, short, usual) in [
            (4e18, "4e+18", "4000000000000000000"),
            (123_456.0, "123456", "123456"),
            (-1e9, "-1e+9", "-1000000000"),
            (1e7, "10000000", "10000000"),
            (0.5, "0.5", "0.5"),
        ] {
            assert_eq!(format_short_f64(number).to_string(), short);
            assert_eq!(format_f64(number).to_string(), usual);
        }
    }

    /// Each asked of Redis 7.4.1 as a score of ZADD.
    #[test]
    fn parse_f64_refuses_what_is_no_number_or_out_of_range() {
        let refused = [
            "",
            " ",
            " 1",
            "1 ",
            "\t1",
            "nan",
            "NaN",
            "-nan",
            "nan(1)",
            "infi",
            "infinit",
            "0x",
            "0x1p",
            "0x.p1",
            "0xg",
            "1e",
            "1e+",
            "e1",
            ".",
            "-",
            "+",
            "++1",
            "+-1",
            "1_0",
            "1,5",
            "1e400",
            "-1e400",
            "1e-400",
            "0x1p-1080",
            "0x1p1024",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "1\0",
            "\0",
            "1f",
            "\u{661}",
        ];
        for text in refused {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_f64(b"\xff"), None);
    }

    /// Each asked of Redis 7.4.1 through EVAL; the rest is in `tests/number.rs`.
    #[test]
    fn format_f64_writes_what_is_no_ordinary_number() {
        let cases = [
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (0.0, "0"),
            (-0.0, "-0"),
        ];
        for (number, expected) in cases {
            assert_eq!(format_f64(number).to_string(), expected);
        }
    }

    #[test]
    fn format_f64_writes_digits_that_read_back_as_the_number() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        for round in 0..200_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let number = f64::from_bits(state);
            if number.is_finite() {
                let text = format_f64(number);
                assert_eq!(
                    parse_f64(text.as_bytes()),
                    Some(number),
                    "round {round}: {text}"
                );
            }
        }
    }
}
