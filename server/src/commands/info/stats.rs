//! `# Stats`

use super::Fields;
use crate::acl::Reason;
use crate::clients::Topic;
use crate::command::Ctx;
use crate::config::options;

/// `# Stats`
pub(super) fn print(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    print_traffic(cx, out);
    print_keys(cx, out);
    let pubsub = &cx.server.pubsub;
    out.put("pubsub_channels", pubsub.channels(Topic::Channel).len());
    out.put("pubsub_patterns", pubsub.pattern_count());
    out.put("pubsubshard_channels", pubsub.channels(Topic::Shard).len());
    out.none(&[
        // A snapshot is taken without a fork.
        "latest_fork_usec",
        "total_forks",
        "migrate_cached_sockets",
        "slave_expires_tracked_keys",
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
    ]);
    let tracking = &cx.server.tracking;
    out.put("tracking_total_keys", tracking.key_count());
    out.put("tracking_total_items", tracking.item_count());
    out.put("tracking_total_prefixes", tracking.prefix_count());
    out.put("unexpected_error_replies", 0);
    print_connections(cx, out);
}

fn print_traffic(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let counters = &cx.server.stats.counters;
    let rates = cx.server.rates.per_second();
    let kbps = |bytes: u64| bytes as f64 / 1024.0;
    out.put("total_connections_received", counters.connections.get());
    out.put("total_commands_processed", counters.commands.get());
    out.put("instantaneous_ops_per_sec", rates.commands);
    out.put("total_net_input_bytes", counters.received_bytes.get());
    out.put("total_net_output_bytes", counters.sent_bytes.get());
    out.none(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    out.ratio("instantaneous_input_kbps", kbps(rates.received_bytes));
    out.ratio("instantaneous_output_kbps", kbps(rates.sent_bytes));
    out.ratio("instantaneous_input_repl_kbps", 0.0);
    out.ratio("instantaneous_output_repl_kbps", 0.0);
    out.put("rejected_connections", counters.rejected_connections.get());
    out.none(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
}

fn print_keys(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let lookups = cx.db.lookups();
    let counters = &cx.server.stats.counters;
    out.put("expired_subkeys", lookups.expired_fields);
    out.put("expired_keys", lookups.expired);
    out.ratio("expired_stale_perc", cx.server.stats.stale_percent());
    out.put(
        "expired_time_cap_reached_count",
        counters.expire_cycle_cut_short.get(),
    );
    out.put(
        "expire_cycle_cpu_milliseconds",
        counters.expire_cycle_us.get() / 1000,
    );
    out.put("evicted_keys", counters.evicted_keys.get());
    out.put("evicted_clients", counters.evicted_clients.get());
    out.put("evicted_scripts", cx.server.scripts.evicted());
    let exceeded = cx.server.stats.exceeded(cx.now_ms());
    out.put("total_eviction_exceeded_time", exceeded.total_ms);
    out.put("current_eviction_exceeded_time", exceeded.current_ms);
    out.put("keyspace_hits", lookups.hits);
    out.put("keyspace_misses", lookups.misses);
}

fn print_connections(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let counters = &cx.server.stats.counters;
    let is_threaded = cx.server.settings.config.get(options::IO_THREADS) > 1;
    let by_threads = |count: u64| if is_threaded { count } else { 0 };
    out.put("total_error_replies", counters.errors.get());
    out.put("dump_payload_sanitizations", 0);
    out.put("total_reads_processed", counters.reads.get());
    out.put("total_writes_processed", counters.writes.get());
    out.put(
        "io_threaded_reads_processed",
        by_threads(counters.reads.get()),
    );
    out.put(
        "io_threaded_writes_processed",
        by_threads(counters.writes.get()),
    );
    out.put(
        "client_query_buffer_limit_disconnections",
        counters.query_limit_disconnections.get(),
    );
    out.put(
        "client_output_buffer_limit_disconnections",
        counters.output_limit_disconnections.get(),
    );
    out.none(&["reply_buffer_shrinks", "reply_buffer_expands"]);
    print_event_loop(cx, out);
    for (name, reason) in [
        ("acl_access_denied_auth", Reason::Auth),
        ("acl_access_denied_cmd", Reason::Command),
        ("acl_access_denied_key", Reason::Key),
        ("acl_access_denied_channel", Reason::Channel),
    ] {
        out.put(name, cx.server.acl.log.count(reason));
    }
}

/// An I/O thread goes round once for each batch of requests it reads, and spends its time in commands.
fn print_event_loop(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let counters = &cx.server.stats.counters;
    let rates = cx.server.rates.per_second();
    let command_us = counters.command_nanos.get() / 1000;
    out.put("eventloop_cycles", counters.reads.get());
    out.put("eventloop_duration_sum", command_us);
    out.put("eventloop_duration_cmd_sum", command_us);
    out.put("instantaneous_eventloop_cycles_per_sec", rates.reads);
    let per_cycle_us = (rates.command_nanos / 1000)
        .checked_div(rates.reads)
        .unwrap_or(0);
    out.put("instantaneous_eventloop_duration_usec", per_cycle_us);
}
