//! What is fixed when the server starts: `# Server`, `# Replication`, `# Cluster`.

use std::path::Path;

use nix::sys::utsname::uname;

use super::Fields;
use crate::command::Ctx;
use crate::config::{Config, REDIS_VERSION, build_id, options};
use crate::{clock, cron};

/// `# Server`
pub(super) fn print(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let server = cx.server;
    let config = &server.settings.config;
    out.put("redis_version", REDIS_VERSION);
    out.put("server_name", "keytag");
    out.put("keytag_version", env!("CARGO_PKG_VERSION"));
    out.put("redis_git_sha1", env!("KEYTAG_COMMIT"));
    out.put("redis_git_dirty", 0);
    out.put("redis_build_id", build_id());
    out.put("redis_mode", "standalone");
    out.put("os", system());
    out.put("arch_bits", usize::BITS);
    out.put("monotonic_clock", "POSIX clock_gettime");
    out.put("multiplexing_api", "epoll");
    out.put("atomicvar_api", "rust-core");
    // What Redis says when another compiler has built it.
    out.put("gcc_version", "0.0.0");
    out.put("process_id", std::process::id());
    out.put("process_supervised", config.get(options::SUPERVISED).word());
    out.put("run_id", &server.run.id);
    out.put("tcp_port", config.get(options::PORT));
    out.put("server_time_usec", clock::now_us());
    let uptime = server.run.started.elapsed().as_secs();
    out.put("uptime_in_seconds", uptime);
    out.put("uptime_in_days", uptime / 86_400);
    out.put("hz", cron::hz(server));
    out.put("configured_hz", config.get(options::HZ));
    out.put("lru_clock", (cx.now_ms() / 1000) & 0xff_ffff);
    out.put(
        "executable",
        std::env::current_exe().unwrap_or_default().display(),
    );
    out.put(
        "config_file",
        config.file().unwrap_or(Path::new("")).display(),
    );
    out.flag("io_threads_active", config.get(options::IO_THREADS) > 1);
    for (index, listener) in listeners(config).iter().enumerate() {
        out.put(&format!("listener{index}"), listener);
    }
}

fn system() -> String {
    uname().map_or_else(
        |_| "Linux".to_owned(),
        |it| {
            let words = [it.sysname(), it.release(), it.machine()];
            words
                .map(|word| word.to_string_lossy().into_owned())
                .join(" ")
        },
    )
}

fn listeners(config: &Config) -> Vec<String> {
    let mut listeners = Vec::new();
    let port = config.get(options::PORT);
    if port != 0 {
        let addresses = config.get(options::BIND);
        let bound: String = addresses
            .iter()
            .map(|address| format!(",bind={address}"))
            .collect();
        listeners.push(format!("name=tcp{bound},port={port}"));
    }
    let socket = config.text(options::UNIXSOCKET);
    if !socket.is_empty() {
        listeners.push(format!("name=unix,bind={socket}"));
    }
    listeners
}

/// `# Replication`: a primary without replicas.
pub(super) fn print_replication(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    out.put("role", "master");
    out.put("connected_slaves", 0);
    out.put("master_failover_state", "no-failover");
    out.put("master_replid", cx.server.replication.id());
    out.put("master_replid2", "0".repeat(40));
    out.put("master_repl_offset", 0);
    out.put("second_repl_offset", -1);
    out.flag("repl_backlog_active", false);
    out.put(
        "repl_backlog_size",
        cx.server.settings.config.get(options::REPL_BACKLOG_SIZE),
    );
    out.none(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
    if let Some(warming) = cx.server.persist.warming.progress() {
        out.put("warm_from", warming.source);
        out.put("warm_state", warming.stage.name());
        out.put("warm_keys", warming.keys);
        out.put("warm_offset", warming.offset);
    }
}

/// `# Cluster`
pub(super) fn print_cluster(_: &mut Ctx<'_>, out: &mut Fields<'_>) {
    out.flag("cluster_enabled", false);
}
