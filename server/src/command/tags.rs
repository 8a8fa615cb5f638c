//! Tags among the words of a request, and in the log.

use std::collections::HashSet;

use protocol::Args;

use super::{Ctx, Effects, Error, Result, Words};
use crate::config::options;

/// Longest tag.
const MAX_BYTES: usize = 1024;

/// `numtags tag [tag …]`, beginning at `index`: the tags.
///
/// # Errors
/// [`Error::NotInteger`], [`Error::NumtagsNotPositive`]; [`Error::Syntax`] if there are fewer tags
/// than announced, or no number at all.
pub fn counted<'a>(args: &Args<'a>, index: usize) -> Result<Args<'a>> {
    let count = args.integer(index)?;
    if count <= 0 {
        return Err(Error::NumtagsNotPositive);
    }
    let rest = args.from(index + 1);
    let count = usize::try_from(count)
        .ok()
        .filter(|&count| count <= rest.len());
    count.map(|count| rest.first(count)).ok_or(Error::Syntax)
}

/// Whether all of these can be tags.
///
/// # Errors
/// [`Error::TagEmpty`], [`Error::TagTooLong`].
pub fn check_names(names: Args<'_>) -> Result<()> {
    for name in names {
        match name.len() {
            0 => return Err(Error::TagEmpty),
            1..=MAX_BYTES => {}
            _ => return Err(Error::TagTooLong),
        }
    }
    Ok(())
}

/// Whether a key may have so many tags (`tag-max-per-key`).
///
/// # Errors
/// [`Error::TooManyTags`]. What stands in the log was allowed once, so it is not counted again.
pub fn check_count(cx: &Ctx<'_>, count: usize) -> Result<()> {
    let limit = cx.server.settings.config.get(options::TAG_MAX_PER_KEY) as usize;
    if count <= limit || cx.is_replay() {
        Ok(())
    } else {
        Err(Error::TooManyTags(limit))
    }
}

/// How many different ones there are.
pub fn count_distinct(names: Args<'_>) -> usize {
    names.iter().collect::<HashSet<_>>().len()
}

/// Logs that the tags of what is logged next are these.
pub fn annotate_next(effects: &mut Effects, names: Args<'_>) {
    let count = names.len().to_string();
    effects.annotate(
        [b"NEXT", &b"TAGS"[..], count.as_bytes()]
            .into_iter()
            .chain(names),
    );
    effects.join_next();
}

/// Logs that the key that is overwritten next keeps its tags.
pub fn annotate_keep(effects: &mut Effects) {
    effects.annotate(["NEXT", "KEEPTAGS"]);
    effects.join_next();
}
