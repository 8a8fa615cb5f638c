//! `# Persistence`

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::Fields;
use crate::command::Ctx;
use crate::config::options;
use crate::persist::Status;

/// `# Persistence`
pub(super) fn print(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    out.flag("loading", cx.server.gates.is_loading());
    // A snapshot is taken without a fork, so nothing is copied on write.
    out.none(&[
        "async_loading",
        "current_cow_peak",
        "current_cow_size",
        "current_cow_size_age",
    ]);
    out.ratio("current_fork_perc", 0.0);
    out.none(&["current_save_keys_processed", "current_save_keys_total"]);
    print_snapshots(cx, out);
    print_log(cx, out);
    print_loading(cx, out);
}

/// There are no snapshots on disk yet, only the log.
fn print_snapshots(cx: &Ctx<'_>, out: &mut Fields<'_>) {
    out.put("rdb_changes_since_last_save", cx.server.stats.dirty.get());
    out.put("rdb_bgsave_in_progress", 0);
    out.put("rdb_last_save_time", cx.server.run.started_ms / 1000);
    out.put("rdb_last_bgsave_status", "ok");
    out.put("rdb_last_bgsave_time_sec", -1);
    out.put("rdb_current_bgsave_time_sec", -1);
    out.none(&["rdb_saves", "rdb_last_cow_size"]);
    let loading = &cx.server.persist.loading;
    out.put(
        "rdb_last_load_keys_expired",
        loading.keys_expired.load(Relaxed),
    );
    out.put(
        "rdb_last_load_keys_loaded",
        loading.keys_loaded.load(Relaxed),
    );
}

fn print_log(cx: &Ctx<'_>, out: &mut Fields<'_>) {
    let server = cx.server;
    let status = &server.persist.status;
    let ok = |is_ok: bool| if is_ok { "ok" } else { "err" };
    // From the moment it is asked for: until the first rewrite is done, the log holds nothing by itself.
    let is_enabled = server.settings.config.get(options::APPENDONLY);
    out.flag("aof_enabled", is_enabled);
    // Looked at first: one that begins just now is shown as running.
    let is_scheduled = status.is_rewrite_scheduled.load(Acquire);
    out.flag("aof_rewrite_in_progress", status.is_rewriting.load(Relaxed));
    out.flag("aof_rewrite_scheduled", is_scheduled);
    out.put(
        "aof_last_rewrite_time_sec",
        status.last_rewrite_seconds.load(Relaxed),
    );
    out.put(
        "aof_current_rewrite_time_sec",
        rewriting_seconds(status, cx.now_ms()),
    );
    out.put(
        "aof_last_bgrewrite_status",
        ok(status.last_rewrite_ok.load(Relaxed)),
    );
    out.put("aof_rewrites", status.rewrites.load(Relaxed));
    out.put("aof_rewrites_consecutive_failures", 0);
    let can_write = status.last_write_ok.load(Relaxed) && !server.gates.is_log_broken();
    out.put("aof_last_write_status", ok(can_write));
    out.none(&[
        "aof_last_cow_size",
        "module_fork_in_progress",
        "module_fork_last_cow_size",
    ]);
    if is_enabled {
        out.put("aof_current_size", status.current_bytes.load(Relaxed));
        out.put("aof_base_size", status.base_bytes.load(Relaxed));
        out.flag(
            "aof_pending_rewrite",
            status.is_rewrite_scheduled.load(Relaxed),
        );
        out.put("aof_buffer_length", server.log.pending_bytes());
        out.flag(
            "aof_pending_bio_fsync",
            server.log.durable() < server.log.appended(),
        );
        out.put("aof_delayed_fsync", status.delayed_fsyncs.load(Relaxed));
    }
    out.put(
        "aof_quarantined_bytes",
        status.quarantined_bytes.load(Relaxed),
    );
    out.put(
        "aof_quarantined_files",
        status.quarantined_files.lock().join(","),
    );
}

/// How far the loading of files has come, while it runs.
fn print_loading(cx: &Ctx<'_>, out: &mut Fields<'_>) {
    if !cx.server.gates.is_loading() {
        return;
    }
    let loading = &cx.server.persist.loading;
    let started_ms = loading.started_ms.load(Relaxed);
    out.put("loading_start_time", started_ms / 1000);
    out.put("loading_total_bytes", loading.total_bytes.load(Relaxed));
    out.put("loading_rdb_used_mem", loading.used_bytes.load(Relaxed));
    out.put("loading_loaded_bytes", loading.loaded_bytes.load(Relaxed));
    out.ratio("loading_loaded_perc", loading.percent());
    out.put("loading_eta_seconds", loading.eta_seconds(cx.now_ms()));
}

/// How long a rewrite has been running; -1 if none is.
fn rewriting_seconds(status: &Status, now_ms: i64) -> i64 {
    if status.is_rewriting.load(Relaxed) {
        (now_ms - status.rewrite_started_ms.load(Relaxed)).max(0) / 1000
    } else {
        -1
    }
}
