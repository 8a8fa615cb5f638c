//! Limits of packed encodings: small ones are reached by the few commands of a test.

use fastrand::Rng;

/// An option and what it may be set to; the first is the default.
const LIMITS: &[(&str, &[&str])] = &[
    ("hash-max-listpack-entries", &["512", "8", "2", "0"]),
    ("hash-max-listpack-value", &["64", "8", "0"]),
    ("list-max-listpack-size", &["-2", "4", "1", "-1"]),
    ("list-compress-depth", &["0", "1", "2"]),
    ("set-max-intset-entries", &["512", "8", "0"]),
    ("set-max-listpack-entries", &["128", "8", "2", "0"]),
    ("set-max-listpack-value", &["64", "8"]),
    ("zset-max-listpack-entries", &["128", "8", "0"]),
    ("zset-max-listpack-value", &["64", "8", "0"]),
    ("hll-sparse-max-bytes", &["3000", "100", "0"]),
    ("stream-node-max-bytes", &["4096", "100", "0"]),
    ("stream-node-max-entries", &["100", "3", "1", "0"]),
];

/// Commands that set some of them; half of the time the defaults stay.
pub(super) fn choose(rng: &mut Rng) -> Vec<String> {
    if rng.bool() {
        return Vec::new();
    }
    let chosen = LIMITS.iter().map(|(name, values)| {
        let value = values[rng.usize(..values.len())];
        format!("CONFIG SET {name} {value}")
    });
    chosen.collect()
}
