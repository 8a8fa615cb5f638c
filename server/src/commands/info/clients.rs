//! `# Clients`

use std::sync::atomic::Ordering;

use super::Fields;
use crate::command::Ctx;

/// `# Clients`
pub(super) fn print(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let server = cx.server;
    let clients = server.clients.all();
    let gauges = || clients.iter().map(|client| &client.gauges);
    let input = |it: &crate::clients::Gauges| {
        it.query_bytes.load(Ordering::Relaxed) + it.query_free_bytes.load(Ordering::Relaxed)
    };
    out.put("connected_clients", clients.len());
    out.put("cluster_connections", 0);
    out.put("maxclients", server.settings.max_clients());
    out.put(
        "client_recent_max_input_buffer",
        gauges().map(input).max().unwrap_or(0),
    );
    let output = gauges()
        .map(|it| it.output_bytes.load(Ordering::Relaxed))
        .max();
    out.put("client_recent_max_output_buffer", output.unwrap_or(0));
    out.put("blocked_clients", server.clients.blocked_count());
    out.put("tracking_clients", server.tracking.client_count());
    out.put("pubsub_clients", server.pubsub.client_count());
    let is_watching = |it: &&crate::clients::Gauges| it.watched.load(Ordering::Relaxed) > 0;
    out.put("watching_clients", gauges().filter(is_watching).count());
    out.put("clients_in_timeout_table", 0);
    out.put("total_watched_keys", cx.db.lookups().watched);
    let (keys, keys_on_nokey) = server.waiters.key_counts();
    out.put("total_blocking_keys", keys);
    out.put("total_blocking_keys_on_nokey", keys_on_nokey);
}
