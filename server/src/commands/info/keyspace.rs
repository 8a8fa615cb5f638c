//! `# Keyspace` and `# Tags`

use super::Fields;
use crate::command::Ctx;

/// `# Keyspace`: one line for each database that holds something.
pub(super) fn print(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let now_ms = cx.now_ms();
    for (db, census) in cx
        .db
        .census()
        .into_iter()
        .enumerate()
        .filter(|(_, it)| it.keys > 0)
    {
        let volatile = census.volatile as i128;
        let lifetime_ms = census.expiry_sum_ms - volatile * i128::from(now_ms);
        let average_ms = lifetime_ms.checked_div(volatile).unwrap_or(0).max(0);
        out.put(
            &format!("db{db}"),
            format_args!(
                "keys={},expires={volatile},avg_ttl={average_ms},subexpiry={}",
                census.keys, census.hashes_with_expiries
            ),
        );
    }
}

/// `# Tags`
pub(super) fn print_tags(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let databases = cx.db.census();
    out.put(
        "tag_pairs",
        databases.iter().map(|it| it.tags).sum::<usize>(),
    );
    out.put(
        "tag_bytes",
        databases.iter().map(|it| it.tag_bytes).sum::<usize>(),
    );
    out.put(
        "tag_pairs_to_reclaim",
        databases.iter().map(|it| it.pending_pairs).sum::<usize>(),
    );
    let counters = &cx.server.stats.counters;
    out.put("tag_invalidations", counters.tag_invalidations.get());
    out.put("tag_invalidated_keys", counters.tag_invalidated_keys.get());
}
