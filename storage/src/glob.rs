//! Glob patterns, as `KEYS`, `SCAN MATCH` and `CONFIG GET` understand them.

/// Whether letters of either case are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `a` is not `A`.
    Sensitive,
    /// `a` is `A` (ASCII letters only).
    Insensitive,
}

/// Whether `text` matches `pattern` as a whole.
///
/// `*` any bytes, `?` one byte, `[a-c]`, `[^a]` one of a set, `\` takes the next byte literally. As in
/// Redis (`stringmatchlen`, util.c): an unclosed set takes the pattern's end as its closing bracket,
/// a trailing backslash is itself, a reversed range is turned around.
/// Runs in O(pattern × text) and constant memory, however many stars there are: on a mismatch only
/// the last star moves on, which finds a match whenever one exists.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() {
            if pattern[p] == b'*' {
                while p < pattern.len() && pattern[p] == b'*' {
                    p += 1;
                }
                if p == pattern.len() {
                    return true;
                }
                retry = Some((p, t));
                continue;
            }
            let (is_match, next) = match_one(pattern, p, text[t], case);
            if is_match {
                p = next;
                t += 1;
                continue;
            }
        }
        let Some((star, from)) = retry else {
            return false;
        };
        retry = Some((star, from + 1));
        (p, t) = (star, from + 1);
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Whether `KEYS` and `SCAN MATCH` find `key` by `pattern`.
///
/// As in Redis, the empty key is found by a lone star or by the empty pattern only: a lone star is not
/// matched at all, and any other pattern is left off as soon as no byte is left to match, which
/// here is at its beginning.
pub fn finds_key(pattern: &[u8], key: &[u8]) -> bool {
    pattern == b"*" || finds_channel(pattern, key)
}

/// Whether a message on `channel` is for those who have subscribed to `pattern`.
///
/// As in Redis, no pattern but the empty one finds the empty channel: there is no byte to begin with.
pub fn finds_channel(pattern: &[u8], channel: &[u8]) -> bool {
    if channel.is_empty() {
        pattern.is_empty()
    } else {
        matches(pattern, channel, Case::Sensitive)
    }
}

/// Matches one byte against the pattern element at `p`; gives where the next element begins.
fn match_one(pattern: &[u8], p: usize, byte: u8, case: Case) -> (bool, usize) {
    match pattern[p] {
        b'?' => (true, p + 1),
        b'[' => match_set(pattern, p + 1, byte, case),
        b'\\' if p + 1 < pattern.len() => (same(pattern[p + 1], byte, case), p + 2),
        literal => (same(literal, byte, case), p + 1),
    }
}

fn match_set(pattern: &[u8], mut p: usize, byte: u8, case: Case) -> (bool, usize) {
    let is_negated = pattern.get(p) == Some(&b'^');
    p += usize::from(is_negated);
    let mut is_member = false;
    loop {
        match pattern.get(p) {
            None => break,
            Some(b'\\') if p + 1 < pattern.len() => {
                p += 1;
                is_member |= same(pattern[p], byte, case);
            }
            Some(b']') => {
                p += 1;
                break;
            }
            Some(&low) if p + 2 < pattern.len() && pattern[p + 1] == b'-' => {
                is_member |= in_range(low, pattern[p + 2], byte, case);
                p += 2;
            }
            Some(&literal) => is_member |= same(literal, byte, case),
        }
        p += 1;
        if p > pattern.len() {
            break;
        }
    }
    (is_member != is_negated, p.min(pattern.len()))
}

fn in_range(low: u8, high: u8, byte: u8, case: Case) -> bool {
    let (low, high) = if low > high { (high, low) } else { (low, high) };
    match case {
        Case::Sensitive => (low..=high).contains(&byte),
        Case::Insensitive => (low.to_ascii_lowercase()..=high.to_ascii_lowercase())
            .contains(&byte.to_ascii_lowercase()),
    }
}

fn same(a: u8, b: u8, case: Case) -> bool {
    match case {
        Case::Sensitive => a == b,
        Case::Insensitive => a.eq_ignore_ascii_case(&b),
    }
}

/// The only text that `pattern` can match, if it has no wildcard.
pub fn literal(pattern: &[u8]) -> Option<&[u8]> {
    (!pattern.iter().any(|byte| b"*?[\\".contains(byte))).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        let cases: &[(&str, &str, bool)] = &[
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("a**c", "ac", true),
            ("?", "", false),
            ("h?llo", "hello", true),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("[abc", "a", true),
            ("[abc", "d", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("[\\]]", "]", true),
            ("[^]", "a", true),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("*a*b*c*d", "xxaxxbxxcxx", false),
        ];
        for &(pattern, text, expected) in cases {
            let is_match = matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive);
            assert_eq!(is_match, expected, "{pattern} {text}");
        }
    }

    #[test]
    fn case_is_ignored_on_request() {
        assert!(matches(b"MaxMem*", b"maxmemory", Case::Insensitive));
        assert!(matches(b"[A-C]x", b"bX", Case::Insensitive));
        assert!(!matches(b"MaxMem*", b"maxmemory", Case::Sensitive));
    }

    #[test]
    fn many_stars_stay_fast() {
        let pattern = b"a*".repeat(200);
        let text = vec![b'a'; 20_000];
        assert!(!matches(
            &[&pattern[..], b"b"].concat(),
            &text,
            Case::Sensitive
        ));
    }
}
