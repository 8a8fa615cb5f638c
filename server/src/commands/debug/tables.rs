//! `DEBUG HTSTATS`: the tables that hold the keys.

use storage::value::Object;

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

/// A sorted set has a table of its members, too.
pub(super) fn of_key(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let entry = cx.db.peek(args.key(2)?).ok_or(Error::NoSuchKey)?;
    let elements = match (entry.encoding(), entry.object()) {
        ("hashtable", Some(Object::Set(set))) => set.len(),
        ("hashtable", Some(Object::Hash(hash))) => hash.len(),
        ("skiplist", Some(Object::Zset(zset))) => zset.len(),
        _ => return Err(Error::NotHashTable),
    };
    let mut text = String::new();
    // As large as the table of Redis would be.
    describe(&mut text, elements.next_power_of_two(), elements);
    cx.reply.verbatim("txt", text.as_bytes())
}
