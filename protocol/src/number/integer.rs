//! Integers, as Redis reads and prints them.

/// The number `bytes` are the one way to write.
///
/// No white space, no plus, no leading zero, no `-0`, nothing empty; the full range of `i64`.
/// *Source:* `string2ll` of Redis.
#[inline]
pub fn parse_i64(bytes: &[u8]) -> Option<i64> {
    match bytes {
        [b'-', digits @ ..] => {
            let magnitude = parse_magnitude(digits)?;
            let is_canonical = magnitude != 0 && magnitude <= i64::MIN.unsigned_abs();
            is_canonical.then(|| 0i64.wrapping_sub_unsigned(magnitude))
        }
        digits => i64::try_from(parse_magnitude(digits)?).ok(),
    }
}

/// Digits without a leading zero, except `0` itself.
#[inline]
fn parse_magnitude(digits: &[u8]) -> Option<u64> {
    match digits {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] => parse_digits(digits),
        _ => None,
    }
}

/// Any digits; `None` if there is none, or anything else, or the value exceeds `u64`.
#[inline]
fn parse_digits(digits: &[u8]) -> Option<u64> {
    // Nineteen digits cannot overflow, and nearly every number is shorter.
    let (short, long) = digits.split_at(digits.len().min(19));
    let mut value = 0u64;
    for byte in short {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    for byte in long {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    (!digits.is_empty()).then_some(value)
}

/// An unsigned number where Redis reads one with `strtoull` (the two parts of a stream's ids).
///
/// What [`parse_i64`] takes must not be negative. Anything else is as lenient as C is: white
/// space and a sign in front, leading zeros; a minus in front of such a number wraps around.
/// The full range of `u64`. *Source:* `string2ull` of Redis.
pub fn parse_u64(bytes: &[u8]) -> Option<u64> {
    if let Some(number) = parse_i64(bytes) {
        return u64::try_from(number).ok();
    }
    let start = bytes
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'))?;
    match &bytes[start..] {
        [b'-', digits @ ..] => parse_digits(digits).map(u64::wrapping_neg),
        [b'+', digits @ ..] => parse_digits(digits),
        digits => parse_digits(digits),
    }
}

/// Appends the decimal digits of `number`.
#[inline]
pub fn write_i64(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Hands the decimal digits of `number` to `reader`.
#[inline]
pub fn with_digits<R>(number: impl itoa::Integer, reader: impl FnOnce(&[u8]) -> R) -> R {
    reader(itoa::Buffer::new().format(number).as_bytes())
}

/// The longest line [`write_header`] writes: a mark, 20 digits, the end of the line.
pub(crate) const HEADER_MAX_BYTES: usize = 23;

/// Appends `mark`, `count` and the end of the line, as in front of a word or an aggregate.
#[inline]
pub(crate) fn write_header(mark: u8, count: usize, out: &mut Vec<u8>) {
    if count < 10 {
        out.extend_from_slice(&[mark, b'0' + count as u8, b'\r', b'\n']);
    } else if count < 100 {
        let (tens, ones) = (b'0' + (count / 10) as u8, b'0' + (count % 10) as u8);
        out.extend_from_slice(&[mark, tens, ones, b'\r', b'\n']);
    } else {
        write_line(mark, itoa::Buffer::new().format(count).as_bytes(), out);
    }
}

/// Appends `mark`, the digits of a number and the end of the line.
#[inline]
pub(crate) fn write_line(mark: u8, digits: &[u8], out: &mut Vec<u8>) {
    out.reserve(digits.len() + 3);
    out.push(mark);
    out.extend_from_slice(digits);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_i64_takes_the_canonical_form_alone() {
        for number in [0, 1, -1, 9, 10, i64::MAX, i64::MIN, i64::MIN + 1, 1 << 62] {
            assert_eq!(parse_i64(number.to_string().as_bytes()), Some(number));
        }
        let refused = [
            "",
            "-",
            "+",
            "+1",
            " 1",
            "1 ",
            "01",
            "-0",
            "-01",
            "00",
            "1.0",
            "1e3",
            "0x1",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999999999",
            "1\0",
            "12345678901234567890",
        ];
        for text in refused {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn parse_u64_is_as_lenient_as_strtoull() {
        let cases = [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("007", Some(7)),
            ("+7", Some(7)),
            (" 7", Some(7)),
            ("\t\n+07", Some(7)),
            ("-0", Some(0)),
            ("-1", None),
            ("-01", Some(u64::MAX)),
            ("7 ", None),
            ("- 7", None),
            ("+-7", None),
            ("", None),
            (" ", None),
            ("-", None),
            ("-99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_u64(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn headers_are_written_in_full_at_every_size() {
        for count in [0, 9, 10, 99, 100, 12_345, usize::MAX] {
            let mut out = Vec::new();
            write_header(b'$', count, &mut out);
            assert_eq!(out, format!("${count}\r\n").into_bytes());
            assert!(out.len() <= HEADER_MAX_BYTES);
        }
    }
}
