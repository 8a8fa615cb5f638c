//! The options that set a time to live, in `SET` and `GETEX`.

use crate::command::{Args, Ctx, Error, Result, Words};

/// What an option says about the time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Nothing.
    Unsaid,
    /// `KEEPTTL`
    Keep,
    /// `PERSIST`
    Persist,
    /// One of the four that name a time.
    Time(Unit),
}

/// How a time is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// `EX`: seconds from now.
    Seconds,
    /// `PX`: milliseconds from now.
    Millis,
    /// `EXAT`: seconds since 1970.
    AtSeconds,
    /// `PXAT`: milliseconds since 1970.
    AtMillis,
}

impl Unit {
    fn named(word: &[u8]) -> Option<Unit> {
        const NAMES: [(&[u8], Unit); 4] = [
            (b"ex", Unit::Seconds),
            (b"px", Unit::Millis),
            (b"exat", Unit::AtSeconds),
            (b"pxat", Unit::AtMillis),
        ];
        let mut names = NAMES.iter();
        names
            .find(|(name, _)| word.eq_ignore_ascii_case(name))
            .map(|&(_, unit)| unit)
    }

    /// Whether it counts from 1970.
    pub(super) fn is_absolute(self) -> bool {
        matches!(self, Unit::AtSeconds | Unit::AtMillis)
    }
}

/// The options read so far. As in Redis, an option may be repeated, and the last time counts, but
/// two different ones exclude each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    /// Which option.
    pub(super) choice: Choice,
    /// Where its time stands.
    at: usize,
}

impl Lifetime {
    /// No option.
    pub(super) const UNSAID: Lifetime = Lifetime {
        choice: Choice::Unsaid,
        at: 0,
    };

    /// Reads the option at `index`; gives how many words it has, 0 if it is none of these.
    ///
    /// `other` is the option without a time that the command knows as well, with its name.
    ///
    /// # Errors
    /// [`Error::Syntax`] if it contradicts an earlier one, or its time is missing.
    pub(super) fn read(
        &mut self,
        args: &Args<'_>,
        index: usize,
        other: (&str, Choice),
    ) -> Result<usize> {
        let choice = match Unit::named(args.word(index)?) {
            Some(unit) => Choice::Time(unit),
            None if args.is(index, other.0) => other.1,
            None => return Ok(0),
        };
        if self.choice != Choice::Unsaid && self.choice != choice {
            return Err(Error::Syntax);
        }
        self.choice = choice;
        if !matches!(choice, Choice::Time(_)) {
            return Ok(1);
        }
        self.at = index + 1;
        args.word(self.at)?;
        Ok(2)
    }

    /// When the key expires, in milliseconds since 1970, if an option names a time.
    ///
    /// # Errors
    /// As [`expiry_ms`].
    pub(super) fn expiry_ms(&self, cx: &Ctx<'_>, args: &Args<'_>) -> Result<Option<i64>> {
        match self.choice {
            Choice::Time(unit) => expiry_ms(cx, args, self.at, unit).map(Some),
            _ => Ok(None),
        }
    }
}

/// The time at `index`, in milliseconds since 1970.
///
/// # Errors
/// [`Error::NotInteger`]; [`Error::InvalidExpire`] if it is not positive or too far away.
pub(super) fn expiry_ms(cx: &Ctx<'_>, args: &Args<'_>, index: usize, unit: Unit) -> Result<i64> {
    let time = args.integer(index)?;
    let millis = match unit {
        _ if time <= 0 => None,
        Unit::Seconds | Unit::AtSeconds => time.checked_mul(1000),
        Unit::Millis | Unit::AtMillis => Some(time),
    };
    let start = if unit.is_absolute() { 0 } else { cx.now_ms() };
    millis
        .and_then(|millis| millis.checked_add(start))
        .ok_or_else(|| Error::InvalidExpire(cx.command_name().to_owned()))
}
