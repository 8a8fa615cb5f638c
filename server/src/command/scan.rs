//! The options of `SCAN` and its like.

use storage::glob;

use super::{Args, Error, Result, Words};

/// What is gone over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// Keys, which have types.
    Keys,
    /// Fields, which have values.
    Fields,
    /// Members of a set.
    Members,
}

/// Which elements a scan names, and how many it looks at.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    pattern: Option<&'a [u8]>,
    /// The type that keys must be of, as `TYPE` names it.
    pub type_name: Option<&'a [u8]>,
    /// Whether fields are named without their values.
    pub has_no_values: bool,
    /// How many elements it looks at, about.
    pub count: usize,
}

impl<'a> Scan<'a> {
    /// Reads the options, which begin at `index`.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::NotInteger`], [`Error::NoValuesOutsideHscan`].
    pub fn parse(args: &Args<'a>, index: usize, what: Scanned) -> Result<Scan<'a>> {
        let mut scan = Scan {
            pattern: None,
            type_name: None,
            has_no_values: false,
            count: 10,
        };
        let mut index = index;
        while index < args.len() {
            let has_value = index + 1 < args.len();
            if has_value && args.is(index, "COUNT") {
                let count = usize::try_from(args.integer(index + 1)?).unwrap_or(0);
                scan.count = Some(count).filter(|&it| it > 0).ok_or(Error::Syntax)?;
                index += 1;
            } else if has_value && args.is(index, "MATCH") {
                scan.pattern = Some(args.word(index + 1)?);
                index += 1;
            } else if has_value && args.is(index, "TYPE") && what == Scanned::Keys {
                // 7.4 knows no unknown type: nothing is of it.
                scan.type_name = Some(args.word(index + 1)?);
                index += 1;
            } else if args.is(index, "NOVALUES") {
                if what != Scanned::Fields {
                    return Err(Error::NoValuesOutsideHscan);
                }
                scan.has_no_values = true;
            } else {
                return Err(Error::Syntax);
            }
            index += 1;
        }
        Ok(scan)
    }

    /// Whether an element of this name is among those asked for.
    pub fn wants(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|it| glob::finds_key(it, name))
    }
}
