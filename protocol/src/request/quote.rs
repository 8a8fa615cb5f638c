//! Quoted words, which [`split_line`](super::split_line) reads back.

/// Appends a word in double quotes, with escapes for what cannot be printed, as Redis' `sdscatrepr`.
pub fn quote(word: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn every_byte_reads_back() {
        let word: Vec<u8> = (0..=255).collect();
        let mut quoted = Vec::new();
        quote(&word, &mut quoted);
        assert!(quoted.iter().all(|byte| (b' '..=b'~').contains(byte)));
        let words = crate::split_line(&quoted).unwrap();
        assert_eq!(words.args().iter().collect::<Vec<_>>(), [word.as_slice()]);
    }
}
