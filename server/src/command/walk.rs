//! The options of `HSCAN`, `SSCAN` and `ZSCAN`.

use protocol::{Args, Encoder};
use storage::glob;

use super::{Error, Result, Words};

/// How far a step of a walk goes, and what of it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    /// Whether values are shown beside their fields.
    pub has_values: bool,
}

/// One step of a walk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stride {
    /// Where the next begins; `None` at the end.
    pub next: Option<u64>,
    /// How many elements it has met.
    pub met: usize,
    /// How many values it has written.
    pub written: usize,
}

/// Whether there may be a `NOVALUES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoValues {
    /// In `HSCAN` there may.
    Allowed,
    /// Elsewhere not.
    Refused,
}

impl<'a> Walk<'a> {
    /// The options behind the cursor, which is argument 2.
    ///
    /// # Errors
    /// [`Error::NotInteger`], [`Error::NoValuesOutsideHscan`], [`Error::Syntax`].
    pub fn parse(args: &Args<'a>, no_values: NoValues) -> Result<Walk<'a>> {
        let mut walk = Walk {
            pattern: None,
            count: 10,
            has_values: true,
        };
        let mut index = 3;
        while index < args.len() {
            let has_value = index + 1 < args.len();
            if has_value && args.is(index, "COUNT") {
                let count = args.integer(index + 1)?;
                let count = usize::try_from(count).ok().filter(|&it| it > 0);
                walk.count = count.ok_or(Error::Syntax)?;
            } else if has_value && args.is(index, "MATCH") {
                walk.pattern = Some(args.word(index + 1)?);
            } else if args.is(index, "NOVALUES") {
                if no_values == NoValues::Refused {
                    return Err(Error::NoValuesOutsideHscan);
                }
                walk.has_values = false;
                index += 1;
                continue;
            } else {
                return Err(Error::Syntax);
            }
            index += 2;
        }
        Ok(walk)
    }

    /// Goes on from a cursor, step by step, until enough has been looked at, and writes the next cursor in front of
    /// what the steps have written. A step is told where it begins.
    pub fn run(
        &self,
        cursor: u64,
        out: &mut Encoder<'_>,
        mut step: impl FnMut(u64, &mut Encoder<'_>) -> Stride,
    ) {
        out.array(2);
        let head = out.mark();
        let (mut next, mut met, mut written) = (Some(cursor), 0, 0);
        while let Some(from) = next.filter(|_| met < self.count) {
            let stride = step(from, out);
            next = stride.next;
            met += stride.met;
            written += stride.written;
        }
        out.array_at(head, written);
        // The cursor stands in front of what it took to know it.
        let cursor = next.unwrap_or(0).to_string();
        let bulk = format!("${}\r\n{cursor}\r\n", cursor.len());
        out.output().insert(head, bulk.as_bytes());
    }

    /// What is answered where there is nothing to walk over.
    pub fn write_nothing(out: &mut Encoder<'_>) {
        out.array(2);
        out.bulk(b"0");
        out.array(0);
    }

    /// Whether an element is shown.
    #[inline]
    pub fn wants(&self, element: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::finds_key(pattern, element))
    }
}
