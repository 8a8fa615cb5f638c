//! Command lines as redis-cli reads them, and bytes as it prints them.

/// Splits a line into arguments by redis-cli's rules of quoting.
///
/// `"…"` knows `\xHH`, `\n`, `\r`, `\t`, `\b`, `\a` and escaped quotes; `'…'` knows only `\'`.
///
/// # Panics
/// If a quote is left open or is followed by anything but a space.
pub(crate) fn split(line: &str) -> Vec<Vec<u8>> {
    let mut rest = line.as_bytes();
    let mut words = Vec::new();
    loop {
        while let [b' ' | b'\t', tail @ ..] = rest {
            rest = tail;
        }
        if rest.is_empty() {
            return words;
        }
        let (word, tail) = match rest {
            [b'"', tail @ ..] => double_quoted(tail, line),
            [b'\'', tail @ ..] => single_quoted(tail, line),
            _ => bare(rest),
        };
        assert!(
            tail.is_empty() || tail[0] == b' ',
            "text right after a quote: {line}"
        );
        words.push(word);
        rest = tail;
    }
}

fn bare(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = text
        .iter()
        .position(|byte| *byte == b' ')
        .unwrap_or(text.len());
    (text[..end].to_vec(), &text[end..])
}

fn single_quoted<'a>(mut text: &'a [u8], line: &str) -> (Vec<u8>, &'a [u8]) {
    let mut word = Vec::new();
    loop {
        match text {
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                text = tail;
            }
            [b'\'', tail @ ..] => return (word, tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                text = tail;
            }
            [] => panic!("open quote: {line}"),
        }
    }
}

fn double_quoted<'a>(mut text: &'a [u8], line: &str) -> (Vec<u8>, &'a [u8]) {
    let mut word = Vec::new();
    loop {
        text = match text {
            [b'"', tail @ ..] => return (word, tail),
            [b'\\', b'x', high, low, tail @ ..] if is_hex(*high) && is_hex(*low) => {
                word.push(hex(*high) << 4 | hex(*low));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(unescape(*escaped));
                tail
            }
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
            [] => panic!("open quote: {line}"),
        };
    }
}

fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

fn is_hex(digit: u8) -> bool {
    digit.is_ascii_hexdigit()
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

/// The bytes in double quotes, escaped as redis-cli prints a string.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'"' => text.push_str("\\\""),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            7 => text.push_str("\\a"),
            8 => text.push_str("\\b"),
            b' '..=b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    text.push('"');
    text
}

/// A command as a line that [`split`] reads back.
pub(crate) fn join(words: &[Vec<u8>]) -> String {
    let plain = |word: &Vec<u8>| {
        !word.is_empty()
            && word
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:+*".contains(byte))
    };
    let words: Vec<String> = words
        .iter()
        .map(|word| {
            if plain(word) {
                String::from_utf8_lossy(word).into_owned()
            } else {
                quote(word)
            }
        })
        .collect();
    words.join(" ")
}

/// A request as clients send it: an array of bulk strings.
pub(crate) fn encode<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
    request
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut rest = rest;
    while let Some((part, tail)) = rest.split_once('*') {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
        rest = tail;
    }
    text.ends_with(rest)
}

/// Letters that no compression makes fewer: the same for the same seed.
pub(crate) fn noise(seed: usize, length: usize) -> String {
    let mut rng = fastrand::Rng::with_seed(seed as u64);
    (0..length).map(|_| rng.alphanumeric()).collect()
}

#[test]
fn lines_are_split_as_redis_cli_splits_them() {
    assert_eq!(
        split("SET k  v"),
        [b"SET".to_vec(), b"k".to_vec(), b"v".to_vec()]
    );
    assert_eq!(
        split(r#"a "b \x00\"c" 'd\'e' "" "#),
        [&b"a"[..], b"b \0\"c", b"d'e", b""]
    );
    let binary: Vec<u8> = (0..=255).collect();
    assert_eq!(split(&quote(&binary)), [binary]);
}

#[test]
fn a_star_matches_any_run() {
    assert!(matches("a*c", "abbc") && matches("*", "") && matches("a*b*c", "a-b-c"));
    assert!(!matches("a*c", "ab") && !matches("abc", "abcd") && !matches("a*bc*c", "abc"));
}
