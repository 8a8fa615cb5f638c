//! `DEBUG HTSTATS`: the tables that hold the keys.

use crate::command::{Args, Ctx, Error, Result, Words};
use crate::config::options;

pub(super) fn of_database(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let db = args.integer(2)?;
    let databases = cx.server.settings.config.get(options::DATABASES) as usize;
    let db = usize::try_from(db)
        .ok()
        .filter(|&db| db < databases)
        .ok_or(Error::OutOfRangeDatabase)?;
    let census = cx.db.census().get(db).copied().unwrap_or_default();
    let mut text = "[Dictionary HT]\n".to_owned();
    describe(&mut text, census.table_slots, census.keys);
    text += "[Expires HT]\n";
    describe(&mut text, census.volatile, census.volatile);
    cx.reply.verbatim("txt", text.as_bytes())
}

fn describe(text: &mut String, size: usize, elements: usize) {
    if elements > 0 {
        *text += &format!(
            "Hash table 0 stats (main hash table):\n table size: {size}\n number of elements: {elements}\n"
        );
    }
}

/// No value is a hash table yet.
pub(super) fn of_key(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    cx.db.peek(args.key(2)?).ok_or(Error::NoSuchKey)?;
    Err(Error::NotHashTable)
}
