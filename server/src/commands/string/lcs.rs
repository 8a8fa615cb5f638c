//! The longest common subsequence of two strings.

use super::STRING;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::config::options;
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const LCS: Command = Spec {
    name: "LCS",
    usage: "key1:key key2:key [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]",
    summary: "Finds the longest common substring.",
    since: "7.0.0",
    complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively",
    flags: flags!(READONLY),
    keys: &[Keys::range(1, 1, 1, key_flags!(RO | ACCESS))],
    ..STRING
}
.run(lcs);
fn lcs(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let mut string = |key| match cx.db.string(key) {
        Ok(value) => Ok(value.map_or_else(Vec::new, |value| value.to_vec())),
        Err(_) => Err(Error::NotStrings),
    };
    let (a, b) = (string(args.key(1)?)?, string(args.key(2)?)?);
    let options = Options::parse(args)?;
    check_size(cx, a.len() as u64, b.len() as u64)?;
    if options.has_len {
        return cx.reply.count(measure(&a, &b, |_, _| {}));
    }
    let matches = Matches::of(&a, &b);
    if options.has_idx {
        matches.write(cx, &options);
        return Ok(Outcome::Done);
    }
    cx.reply.bulk(&matches.common(&a))
}

#[derive(Default)]
struct Options {
    has_len: bool,
    has_idx: bool,
    has_match_len: bool,
    min_match_len: usize,
}

impl Options {
    fn parse(args: &Args<'_>) -> Result<Options> {
        let mut options = Options::default();
        let mut index = 3;
        while index < args.len() {
            if args.is(index, "IDX") {
                options.has_idx = true;
            } else if args.is(index, "LEN") {
                options.has_len = true;
            } else if args.is(index, "WITHMATCHLEN") {
                options.has_match_len = true;
            } else if args.is(index, "MINMATCHLEN") && index + 1 < args.len() {
                index += 1;
                options.min_match_len = usize::try_from(args.integer(index)?).unwrap_or(0);
            } else {
                return Err(Error::Syntax);
            }
            index += 1;
        }
        if options.has_idx && options.has_len {
            return Err(Error::LcsLenAndIdx);
        }
        Ok(options)
    }
}

/// Refuses what Redis refuses, which keeps a table of 4 bytes a pair of positions.
fn check_size(cx: &Ctx<'_>, a: u64, b: u64) -> Result<()> {
    const LONGEST: u64 = u32::MAX as u64 - 1;
    if a >= LONGEST || b >= LONGEST {
        return Err(Error::LcsStringTooLong);
    }
    let table_bytes = (a + 1).saturating_mul(b + 1).saturating_mul(4);
    if table_bytes > cx.server.settings.config.get(options::PROTO_MAX_BULK_LEN) {
        return Err(Error::LcsTooLarge);
    }
    Ok(())
}

/// The length of the longest common subsequence.
///
/// `on_up` is told of each pair of different bytes from which the way back leads up, to the byte
/// before in `a`; from the others it leads left. One row of the table is kept. O(a × b).
fn measure(a: &[u8], b: &[u8], mut on_up: impl FnMut(usize, usize)) -> usize {
    let mut row = vec![0u32; b.len()];
    for (i, x) in a.iter().enumerate() {
        let (mut diagonal, mut left) = (0, 0);
        for (j, (y, cell)) in b.iter().zip(&mut row).enumerate() {
            let up = *cell;
            *cell = if x == y {
                diagonal + 1
            } else if up > left {
                on_up(i, j);
                up
            } else {
                left
            };
            (diagonal, left) = (up, *cell);
        }
    }
    row.last().map_or(0, |&length| length as usize)
}

/// A stretch that both strings have in common.
struct Match {
    a: usize,
    b: usize,
    length: usize,
}

/// The stretches that make up the longest common subsequence, from the end.
struct Matches {
    stretches: Vec<Match>,
    length: usize,
}

impl Matches {
    fn of(a: &[u8], b: &[u8]) -> Matches {
        let cell = |i: usize, j: usize| i * b.len() + j;
        // A bit a pair: 1/32 of the memory that Redis takes.
        let mut ups = vec![0u64; (a.len() * b.len()).div_ceil(64)];
        let length = measure(a, b, |i, j| ups[cell(i, j) / 64] |= 1 << (cell(i, j) % 64));
        let mut stretches: Vec<Match> = Vec::new();
        let (mut i, mut j) = (a.len(), b.len());
        let mut is_open = false;
        while i > 0 && j > 0 {
            let at = cell(i - 1, j - 1);
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                match stretches.last_mut().filter(|_| is_open) {
                    Some(last) => {
                        *last = Match {
                            a: i,
                            b: j,
                            length: last.length + 1,
                        }
                    }
                    None => stretches.push(Match {
                        a: i,
                        b: j,
                        length: 1,
                    }),
                }
                is_open = true;
            } else {
                is_open = false;
                if ups[at / 64] >> (at % 64) & 1 == 1 {
                    i -= 1
                } else {
                    j -= 1
                }
            }
        }
        Matches { stretches, length }
    }

    /// The subsequence itself.
    fn common(&self, a: &[u8]) -> Vec<u8> {
        let pieces = self
            .stretches
            .iter()
            .rev()
            .map(|it| &a[it.a..it.a + it.length]);
        pieces.flatten().copied().collect()
    }

    /// Replies where the stretches are, first and last position each.
    fn write(&self, cx: &mut Ctx<'_>, options: &Options) {
        let is_shown = |it: &&Match| it.length >= options.min_match_len;
        let shown: Vec<&Match> = self.stretches.iter().filter(is_shown).collect();
        let out = cx.reply.map(2);
        out.bulk(b"matches");
        out.array(shown.len());
        for it in shown {
            out.array(if options.has_match_len { 3 } else { 2 });
            for start in [it.a, it.b] {
                out.array(2);
                out.integer(start as i64);
                out.integer((start + it.length - 1) as i64);
            }
            if options.has_match_len {
                out.integer(it.length as i64);
            }
        }
        out.bulk(b"len");
        out.integer(self.length as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as a whole, as in the textbook.
    fn length_by_table(a: &[u8], b: &[u8]) -> usize {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                table[i][j] = if a[i - 1] == b[j - 1] {
                    table[i - 1][j - 1] + 1
                } else {
                    table[i - 1][j].max(table[i][j - 1])
                };
            }
        }
        table[a.len()][b.len()]
    }

    fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
        let mut rest = whole.iter();
        part.iter().all(|byte| rest.any(|other| other == byte))
    }

    #[test]
    fn what_is_found_is_common_and_longest() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..2_000 {
            let mut word = || -> Vec<u8> { (0..rng.usize(..30)).map(|_| rng.u8(..4)).collect() };
            let (a, b) = (word(), word());
            let matches = Matches::of(&a, &b);
            let common = matches.common(&a);
            assert!(is_subsequence(&common, &a) && is_subsequence(&common, &b));
            assert_eq!(common.len(), matches.length);
            assert_eq!(matches.length, length_by_table(&a, &b));
            let stretches = matches.stretches.iter();
            assert_eq!(stretches.map(|it| it.length).sum::<usize>(), matches.length);
        }
    }
}
