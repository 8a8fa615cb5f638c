//! Registers as runs of the same value.
//!
//! | bytes | registers |
//! |---|---|
//! | `00nnnnnn` | n + 1 zeros |
//! | `01nnnnnn nnnnnnnn` | n + 1 zeros, the highest bits first |
//! | `1vvvvvnn` | n + 1 times v + 1 |

use super::dense::{Histogram, RANKS};
use super::{Corrupted, HEADER_BYTES, REGISTERS};

/// The longest run of zeros in one byte, and in two.
const SHORT_ZEROS: usize = 64;
const LONG_ZEROS: usize = 1 << 14;
/// The longest run of a value, and the highest value that has runs.
const LONGEST_VALUES: usize = 4;
const HIGHEST_VALUE: u8 = 32;
/// How many runs are looked at for neighbours that have become alike.
const MERGED_RUNS: usize = 5;

/// Registers of the same value, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// 0 or what they were raised to.
    rank: u8,
    len: usize,
    /// How many bytes say so.
    bytes: usize,
}

impl Run {
    /// The run at the beginning of some bytes. Where the second of two bytes is missing it counts as
    /// zero: Redis finds the NUL there that ends its strings.
    fn first(bytes: &[u8]) -> Option<Run> {
        let (&byte, rest) = bytes.split_first()?;
        let low = usize::from(byte & 0x3f);
        Some(match byte >> 6 {
            0 => Run {
                rank: 0,
                len: low + 1,
                bytes: 1,
            },
            1 => Run {
                rank: 0,
                len: (low << 8 | usize::from(rest.first().copied().unwrap_or(0))) + 1,
                bytes: 2,
            },
            _ => Run {
                rank: (byte >> 2 & 0x1f) + 1,
                len: low % LONGEST_VALUES + 1,
                bytes: 1,
            },
        })
    }
}

fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Run> {
    std::iter::from_fn(move || {
        let run = Run::first(bytes)?;
        bytes = bytes.get(run.bytes..).unwrap_or_default();
        Some(run)
    })
}

/// At most three runs in five bytes: what takes the place of one.
#[derive(Default)]
struct Replacement {
    bytes: [u8; 5],
    len: usize,
}

impl Replacement {
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// Adds a run of up to [`LONG_ZEROS`] zeros or [`LONGEST_VALUES`] values, unless it is empty.
    fn push_run(&mut self, rank: u8, len: usize) {
        if len == 0 {
            return;
        }
        if rank > 0 {
            self.push(values(rank, len));
        } else if len <= SHORT_ZEROS {
            self.push((len - 1) as u8);
        } else {
            self.push(0x40 | ((len - 1) >> 8) as u8);
            self.push((len - 1) as u8);
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The byte of a run of values.
fn values(rank: u8, len: usize) -> u8 {
    0x80 | (rank - 1) << 2 | (len - 1) as u8
}

/// Writes the registers of one that has seen nothing.
pub(super) fn push_empty(out: &mut Vec<u8>) {
    const { assert!(REGISTERS == LONG_ZEROS) };
    out.extend([0x7f, 0xff]);
}

/// Whether a register was lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was, and is raised.
    Yes,
    /// It was not.
    No,
    /// It is, but cannot be raised without becoming dense.
    NeedsDense,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its first byte.
    at: usize,
    /// Its first register.
    first: usize,
    /// The first byte of the run before; its own if there is none.
    before: usize,
}

impl Place {
    /// The first run.
    pub(super) fn start() -> Place {
        Place {
            at: HEADER_BYTES,
            first: 0,
            before: HEADER_BYTES,
        }
    }
}

/// Finds the run of a register, which is not before `from`; gives the place of the run before, too.
fn find(bytes: &[u8], index: usize, from: Place) -> Result<(Run, Place, Place), Corrupted> {
    let (mut last, mut place) = (from, from);
    loop {
        let rest = bytes.get(place.at..).unwrap_or_default();
        let run = Run::first(rest).ok_or(Corrupted)?;
        if index < place.first + run.len {
            // A run whose second byte is missing can be read, but there is no room to write it.
            let is_whole = run.bytes <= rest.len();
            return is_whole.then_some((run, place, last)).ok_or(Corrupted);
        }
        last = place;
        place = Place {
            at: place.at + run.bytes,
            first: place.first + run.len,
            before: place.at,
        };
    }
}

/// Raises a register of a whole string to `rank`, by the very steps of Redis' `hllSparseSet`: how runs are cut and joined
/// decides what the string looks like.
///
/// `from` is a run that is not behind the register; afterwards it is one close before it, where the search for a
/// register behind this one may begin.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    (index, rank): (usize, u8),
    max_bytes: usize,
    from: &mut Place,
) -> Result<Raised, Corrupted> {
    if rank > HIGHEST_VALUE {
        return Ok(Raised::NeedsDense);
    }
    let (run, place, last) = find(bytes, index, *from)?;
    *from = last;
    if run.rank >= rank {
        return Ok(Raised::No);
    }
    let mut cut = Replacement::default();
    cut.push_run(run.rank, index - place.first);
    cut.push_run(rank, 1);
    cut.push_run(run.rank, place.first + run.len - 1 - index);
    let longer = cut.len.saturating_sub(run.bytes);
    if longer > 0 && bytes.len() + longer > max_bytes {
        return Ok(Raised::NeedsDense);
    }
    bytes.splice(
        place.at..place.at + run.bytes,
        cut.as_bytes().iter().copied(),
    );
    join(bytes, place.before);
    super::mark_stale(bytes);
    Ok(Raised::Yes)
}

/// Joins neighbours of the same value among the runs from `at` on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..MERGED_RUNS {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(run) = Run::first(rest) else {
            return;
        };
        let next = Run::first(rest.get(run.bytes..).unwrap_or_default());
        let joined = next
            .filter(|next| run.rank > 0 && next.rank == run.rank)
            .map(|next| run.len + next.len)
            .filter(|&len| len <= LONGEST_VALUES);
        if let Some(len) = joined {
            bytes[at + 1] = values(run.rank, len);
            bytes.remove(at);
        } else {
            at += run.bytes;
        }
    }
}

/// How often each value stands in a register.
pub(super) fn histogram(bytes: &[u8]) -> Result<Histogram, Corrupted> {
    let mut histogram = [0; RANKS];
    let mut registers = 0;
    for run in runs(bytes) {
        registers += run.len;
        if registers > REGISTERS {
            return Err(Corrupted);
        }
        histogram[usize::from(run.rank)] += run.len as u32;
    }
    if registers == REGISTERS {
        Ok(histogram)
    } else {
        Err(Corrupted)
    }
}

/// Raises `ranks` to these registers.
pub(super) fn merge(bytes: &[u8], ranks: &mut [u8; REGISTERS]) -> Result<(), Corrupted> {
    let mut first = 0;
    for run in runs(bytes) {
        let Some(places) = ranks.get_mut(first..first + run.len) else {
            if run.rank > 0 {
                break;
            }
            return Err(Corrupted);
        };
        if run.rank > 0 {
            places
                .iter_mut()
                .for_each(|place| *place = (*place).max(run.rank));
        }
        first += run.len;
    }
    if first == REGISTERS {
        Ok(())
    } else {
        Err(Corrupted)
    }
}

/// The runs as text: `Z:n` and `z:n` are zeros in two bytes and in one, `v:v,n` are values. Not more of them
/// than there can be where they make sense.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let words = runs(bytes)
        .take(REGISTERS)
        .map(|Run { rank, len, bytes }| match (rank, bytes) {
            (0, 1) => format!("z:{len}"),
            (0, _) => format!("Z:{len}"),
            _ => format!("v:{rank},{len}"),
        });
    words.collect::<Vec<_>>().join(" ")
}
