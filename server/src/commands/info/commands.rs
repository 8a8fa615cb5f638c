//! `# Commandstats`, `# Errorstats`, `# Latencystats`: figures of single commands and errors.

use super::Fields;
use crate::command::Ctx;
use crate::config::options;

/// `# Commandstats`
pub(super) fn print_counts(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let names = cx.server.commands.full_names();
    for (name, stats) in names.iter().zip(cx.server.stats.commands()) {
        if stats.calls + stats.failed + stats.rejected == 0 {
            continue;
        }
        let usec = stats.nanos / 1000;
        let usec_per_call = if stats.calls == 0 {
            0.0
        } else {
            usec as f64 / stats.calls as f64
        };
        out.put(
            &format!("cmdstat_{name}"),
            format_args!(
                "calls={},usec={usec},usec_per_call={usec_per_call:.2},rejected_calls={},failed_calls={}",
                stats.calls, stats.rejected, stats.failed
            ),
        );
    }
}

/// `# Errorstats`
pub(super) fn print_errors(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    for (prefix, count) in cx.server.stats.errors() {
        out.put(
            &format!("errorstat_{prefix}"),
            format_args!("count={count}"),
        );
    }
}

/// `# Latencystats`
pub(super) fn print_latencies(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let server = cx.server;
    if !server.settings.tracks_latency() {
        return;
    }
    let percentiles = server
        .settings
        .config
        .get(options::LATENCY_TRACKING_INFO_PERCENTILES);
    for (name, stats) in server
        .commands
        .full_names()
        .iter()
        .zip(server.stats.commands())
    {
        if !stats.has_latencies() {
            continue;
        }
        let values = percentiles.iter().map(|&percentile| {
            let usec = stats.nanos_at(percentile) as f64 / 1000.0;
            format!("p{percentile}={usec:.3}")
        });
        let values: Vec<String> = values.collect();
        out.put(
            &format!("latency_percentiles_usec_{name}"),
            values.join(","),
        );
    }
}
