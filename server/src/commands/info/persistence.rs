//! `# Persistence`

use std::sync::atomic::Ordering::Relaxed;

use super::Fields;
use crate::command::Ctx;
use crate::config::options;
use crate::persist::turn::Purpose;
use crate::persist::{Rewriting, Status};

/// `# Persistence`
pub(super) fn print(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    out.flag("loading", cx.server.gates.is_loading());
    print_walk(cx, out);
    print_snapshots(cx, out);
    print_log(cx, out);
    print_loading(cx, out);
}

/// What a snapshot or a rewrite of the log has come to, while one is under way.
///
/// Nothing is forked: what writers save for it stands where Redis tells what was copied on write.
fn print_walk(cx: &Ctx<'_>, out: &mut Fields<'_>) {
    let status = &cx.server.persist.status;
    let is_walking = cx.server.persist.turns.holder().is_some();
    let walking = |figure: usize| if is_walking { figure } else { 0 };
    let total = walking(status.total_keys.load(Relaxed));
    // Entries of invalidated tags are counted, but not written.
    let walked = walking(status.walked_keys.load(Relaxed)).min(total);
    let saved = cx.server.keyspace.snapshot_bytes();
    // The walk looks at it from time to time only: the peak is never less than what has been told.
    status.note_saved(saved);
    out.none(&["async_loading"]);
    let most_saved = status.most_saved_bytes.load(Relaxed);
    out.put("current_cow_peak", walking(most_saved));
    out.put("current_cow_size", walking(saved));
    out.none(&["current_cow_size_age"]);
    let percent = 100.0 * walked as f64 / total.max(1) as f64;
    out.ratio("current_fork_perc", percent);
    out.put("current_save_keys_processed", walked);
    out.put("current_save_keys_total", total);
}

fn print_snapshots(cx: &Ctx<'_>, out: &mut Fields<'_>) {
    let snapshots = &cx.server.persist.snapshots;
    let is_running = cx.server.persist.turns.holder() == Some(Purpose::Snapshot);
    out.put("rdb_changes_since_last_save", snapshots.changes(cx.server));
    out.flag("rdb_bgsave_in_progress", is_running);
    out.put(
        "rdb_last_save_time",
        snapshots.last_save_seconds.load(Relaxed),
    );
    out.put(
        "rdb_last_bgsave_status",
        ok(snapshots.last_ok.load(Relaxed)),
    );
    out.put(
        "rdb_last_bgsave_time_sec",
        snapshots.last_took_seconds.load(Relaxed),
    );
    let running_ms = cx.now_ms() - snapshots.started_ms.load(Relaxed);
    let running_seconds = if is_running {
        running_ms.max(0) / 1000
    } else {
        -1
    };
    out.put("rdb_current_bgsave_time_sec", running_seconds);
    out.put("rdb_saves", snapshots.begun.load(Relaxed));
    out.put(
        "rdb_last_cow_size",
        snapshots.last_saved_bytes.load(Relaxed),
    );
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

fn ok(is_ok: bool) -> &'static str {
    if is_ok { "ok" } else { "err" }
}

fn print_log(cx: &Ctx<'_>, out: &mut Fields<'_>) {
    let server = cx.server;
    let status = &server.persist.status;
    // From the moment it is asked for: until the first rewrite is done, the log holds nothing by itself.
    let is_enabled = server.settings.config.get(options::APPENDONLY);
    out.flag("aof_enabled", is_enabled);
    let rewriting = server.persist.rewriting();
    let is_rewriting = rewriting == Rewriting::Running;
    out.flag("aof_rewrite_in_progress", is_rewriting);
    out.flag("aof_rewrite_scheduled", rewriting == Rewriting::Scheduled);
    out.put(
        "aof_last_rewrite_time_sec",
        status.last_rewrite_seconds.load(Relaxed),
    );
    out.put(
        "aof_current_rewrite_time_sec",
        rewriting_seconds(is_rewriting, status, cx.now_ms()),
    );
    out.put(
        "aof_last_bgrewrite_status",
        ok(status.last_rewrite_ok.load(Relaxed)),
    );
    out.put("aof_rewrites", status.rewrites.load(Relaxed));
    out.put(
        "aof_rewrites_consecutive_failures",
        status.rewrite_failures.load(Relaxed),
    );
    out.put(
        "aof_last_write_status",
        ok(status.last_write_ok.load(Relaxed)),
    );
    out.put(
        "aof_last_cow_size",
        status.last_rewrite_saved_bytes.load(Relaxed),
    );
    out.none(&["module_fork_in_progress", "module_fork_last_cow_size"]);
    if is_enabled {
        out.put("aof_current_size", status.current_bytes.load(Relaxed));
        out.put("aof_base_size", status.base_bytes.load(Relaxed));
        out.flag("aof_pending_rewrite", rewriting == Rewriting::Scheduled);
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
fn rewriting_seconds(is_rewriting: bool, status: &Status, now_ms: i64) -> i64 {
    if is_rewriting {
        (now_ms - status.rewrite_started_ms.load(Relaxed)).max(0) / 1000
    } else {
        -1
    }
}
