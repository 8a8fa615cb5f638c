//! Splitting of a line into words: inline requests, and lines of the configuration file.

use super::Span;

/// Appends the words of `line` to `bytes`, unescaped, and where they lie to `spans`.
///
/// `None` if quotes are unbalanced; what was appended by then is of no use.
pub(crate) fn split(line: &[u8], bytes: &mut Vec<u8>, spans: &mut Vec<Span>) -> Option<()> {
    // Redis handles the line as a C string.
    let end = memchr::memchr(0, line).unwrap_or(line.len());
    let mut rest = skip_space(&line[..end]);
    while !rest.is_empty() {
        let start = bytes.len();
        rest = skip_space(word(rest, bytes)?);
        spans.push(Span {
            start,
            end: bytes.len(),
        });
    }
    Some(())
}

/// Appends the word at the beginning of `rest`, and gives what follows it.
///
/// A quote may open in the middle of a word, but its end is the end of the word.
fn word<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    while let [byte, tail @ ..] = rest {
        match byte {
            // Narrower than what is skipped between words: vertical tab and form feed go on.
            b' ' | b'\n' | b'\r' | b'\t' => return Some(rest),
            b'"' => return closed(double_quoted(tail, out)?),
            b'\'' => return closed(single_quoted(tail, out)?),
            other => out.push(*other),
        }
        rest = tail;
    }
    Some(rest)
}

/// What follows a closing quote: white space or nothing.
fn closed(rest: &[u8]) -> Option<&[u8]> {
    rest.first()
        .is_none_or(|&byte| is_space(byte))
        .then_some(rest)
}

fn double_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, tail) = match rest {
            [b'"', tail @ ..] => return Some(tail),
            [b'\\', b'x', high, low, tail @ ..] if is_hex(*high) && is_hex(*low) => {
                (hex_value(*high) << 4 | hex_value(*low), tail)
            }
            [b'\\', escaped, tail @ ..] => (unescape(*escaped), tail),
            [byte, tail @ ..] => (*byte, tail),
            [] => return None,
        };
        out.push(byte);
        rest = tail;
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, tail) = match rest {
            [b'\'', tail @ ..] => return Some(tail),
            [b'\\', b'\'', tail @ ..] => (b'\'', tail),
            [byte, tail @ ..] => (*byte, tail),
            [] => return None,
        };
        out.push(byte);
        rest = tail;
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// The value of a hexadecimal digit; 0 for anything else.
fn hex_value(byte: u8) -> u8 {
    char::from(byte).to_digit(16).unwrap_or(0) as u8
}

/// White space as C's `isspace` has it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn skip_space(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|&byte| !is_space(byte));
    start.map_or(&[], |start| &line[start..])
}

#[cfg(test)]
mod tests {
    use crate::split_line;

    fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let request = split_line(line)?;
        Some(request.args().iter().map(<[u8]>::to_vec).collect())
    }

    /// Each line was sent to Redis 7.4.1 as the argument of ECHO.
    #[test]
    fn words_come_out_as_in_redis() {
        let cases: [(&[u8], &[&[u8]]); 13] = [
            (b"", &[]),
            (b" \t\x0b ", &[]),
            (b"  PING  ", &[b"PING"]),
            (b"PI\rNG", &[b"PI", b"NG"]),
            (b"a\x0bb a\x0cb", &[b"a\x0bb", b"a\x0cb"]),
            (
                br#""a\x41\x4g\n\r\t\b\a\q\"\\""#,
                &[b"aAx4g\n\r\t\x08\x07q\"\\"],
            ),
            (br"'a\'b\n\x41'", &[br"a'b\n\x41"]),
            (br#"a"b c""#, &[b"ab c"]),
            (b"a'b c'", &[b"ab c"]),
            (br#""" ''"#, &[b"", b""]),
            (b"\"a\"\x0bb", &[b"a", b"b"]),
            (br"\x41\n", &[br"\x41\n"]),
            (b"a\0b", &[b"a"]),
        ];
        for (line, expected) in cases {
            let found = words(line).expect("balanced");
            assert_eq!(found, expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        let lines = [
            r#""a"#,
            "'a",
            r#""a"b"#,
            "'a'b",
            r#""\"#,
            r#"a""#,
            r#""a""b""#,
            "\"a\0\"",
        ];
        for line in lines {
            assert_eq!(words(line.as_bytes()), None, "{line}");
        }
    }
}
