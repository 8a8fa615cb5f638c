//! How many ones there are, and where the first is.

use std::ops::Range;

use storage::value::bits;

use super::BITMAP;
use crate::command::{Args, Command, Ctx, Error, Result, Words};
use crate::spec::{Keys, Spec, flags, key_flags};

pub(super) const BITCOUNT: Command = Spec {
    name: "BITCOUNT",
    usage: "key [range(start:integer end:integer [unit(BYTE|BIT)@7.0.0])]",
    summary: "Counts the number of set bits (population counting) in a string.",
    since: "2.6.0",
    complexity: "O(N)",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    ..BITMAP
}
.run(bitcount);
fn bitcount(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let stretch = match args.len() {
        2 => Stretch::WHOLE,
        4 | 5 => Stretch {
            start: args.integer(2)?,
            end: Some(args.integer(3)?),
            unit: unit(args, 4)?,
        },
        _ => return Err(Error::Syntax),
    };
    let Some(value) = cx.db.string(args.key(1)?)? else {
        return cx.reply.integer(0);
    };
    // Redis says so of BITCOUNT only: for BITPOS both ends of such a stretch lie in the first byte.
    if stretch.is_reversed() {
        return cx.reply.integer(0);
    }
    let ones = value.with_bytes(|bytes| {
        let range = stretch.bits(bytes.len()).unwrap_or_default();
        bits::count(bytes, range)
    });
    cx.reply.integer(ones.cast_signed())
}

pub(super) const BITPOS: Command = Spec {
    name: "BITPOS",
    usage: "key bit:integer [range(start:integer [end-unit-block(end:integer \
        [unit(BYTE|BIT)@7.0.0])])]",
    summary: "Finds the first set (1) or clear (0) bit in a string.",
    since: "2.8.7",
    complexity: "O(N)",
    flags: flags!(READONLY),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    ..BITMAP
}
.run(bitpos);
fn bitpos(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let bit = match args.integer(2)? {
        0 => false,
        1 => true,
        _ => return Err(Error::BitArgument),
    };
    let stretch = match args.len() {
        3 => Stretch::WHOLE,
        4..=6 => searched(args)?,
        _ => return Err(Error::Syntax),
    };
    let Some(value) = cx.db.string(args.key(1)?)? else {
        // As good as zeros for ever, whatever the range.
        return cx.reply.integer(if bit { -1 } else { 0 });
    };
    let at = value.with_bytes(|bytes| position(bytes, bit, stretch));
    cx.reply.integer(at.map_or(-1, u64::cast_signed))
}

/// The stretch of a `BITPOS` that names at least its start. The unit is read before the end.
fn searched(args: &Args<'_>) -> Result<Stretch> {
    let start = args.integer(3)?;
    let unit = unit(args, 5)?;
    let end = (args.len() > 4).then(|| args.integer(4)).transpose()?;
    Ok(Stretch { start, end, unit })
}

/// Where the first such bit of a stretch is. If no end is given the zeros go on behind the string.
fn position(bytes: &[u8], bit: bool, stretch: Stretch) -> Option<u64> {
    let range = stretch.bits(bytes.len())?;
    let behind = (!bit && stretch.end.is_none()).then_some(range.end);
    bits::find(bytes, bit, range).or(behind)
}

/// The `BYTE` or `BIT` at `index`, if there is a word.
fn unit(args: &Args<'_>, index: usize) -> Result<Unit> {
    match args.get(index) {
        None => Ok(Unit::Byte),
        Some(_) if args.is(index, "BYTE") => Ok(Unit::Byte),
        Some(_) if args.is(index, "BIT") => Ok(Unit::Bit),
        Some(_) => Err(Error::Syntax),
    }
}

/// What offsets of a stretch count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

/// A part of a string: both ends included, from behind if negative.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: i64,
    /// The last one of the string if it is not said.
    end: Option<i64>,
    unit: Unit,
}

impl Stretch {
    const WHOLE: Stretch = Stretch {
        start: 0,
        end: None,
        unit: Unit::Byte,
    };

    /// Whether it ends before it starts, both counted from behind.
    fn is_reversed(self) -> bool {
        self.start < 0 && self.end.is_some_and(|end| end < self.start)
    }

    /// Its bits in a string of that many bytes; `None` if it has none.
    fn bits(self, bytes: usize) -> Option<Range<u64>> {
        let bits = match self.unit {
            Unit::Byte => 8,
            Unit::Bit => 1,
        };
        let total = i64::try_from(bytes).ok()? * 8 / bits;
        let from_front = |at: i64| {
            if at < 0 { (total + at).max(0) } else { at }
        };
        let end = self.end.unwrap_or(-1);
        let (start, end) = (from_front(self.start), from_front(end).min(total - 1));
        if start > end {
            return None;
        }
        let bit = |at: i64| (at * bits).cast_unsigned();
        Some(bit(start)..bit(end + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(start: i64, end: i64, unit: Unit, bytes: usize) -> Option<Range<u64>> {
        let end = Some(end);
        Stretch { start, end, unit }.bits(bytes)
    }

    #[test]
    fn stretches_are_clamped_to_the_string() {
        assert_eq!(Stretch::WHOLE.bits(3), Some(0..24));
        assert_eq!(Stretch::WHOLE.bits(0), None);
        assert_eq!(bits(0, -1, Unit::Byte, 3), Some(0..24));
        assert_eq!(bits(-2, -2, Unit::Byte, 3), Some(8..16));
        assert_eq!(bits(-2, 99, Unit::Bit, 3), Some(22..24));
        assert_eq!(bits(5, 11, Unit::Bit, 3), Some(5..12));
        assert_eq!(bits(3, 3, Unit::Byte, 3), None);
        assert_eq!(bits(2, 1, Unit::Byte, 3), None);
        assert_eq!(bits(i64::MIN, i64::MAX, Unit::Bit, 3), Some(0..24));
        assert_eq!(bits(i64::MAX, i64::MAX, Unit::Byte, 3), None);
    }

    #[test]
    fn before_the_string_is_its_first_byte() {
        assert_eq!(bits(-9, -8, Unit::Byte, 3), Some(0..8));
        assert_eq!(bits(-8, -9, Unit::Byte, 3), Some(0..8));
        assert_eq!(bits(-2, -3, Unit::Byte, 3), None);
        assert_eq!(bits(0, i64::MIN, Unit::Bit, 3), Some(0..1));
    }
}
