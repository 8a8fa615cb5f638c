//! `# Memory`

use super::Fields;
use crate::command::Ctx;
use crate::config::options;
use crate::memory::{MemoryUse, human, total_system_bytes};
use crate::script::{Functions, Scripts};

/// `# Memory`
pub(super) fn print(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let memory = MemoryUse::measure(cx.server, &mut cx.db);
    print_use(&memory, out);
    print_scripts(&cx.server.scripts, &cx.server.functions, out);
    let config = &cx.server.settings.config;
    out.bytes("maxmemory", config.get(options::MAXMEMORY) as usize);
    out.put(
        "maxmemory_policy",
        config.get(options::MAXMEMORY_POLICY).word(),
    );
    print_fragmentation(&memory, out);
    let uncounted = cx.server.accounts().uncounted_bytes();
    out.put("mem_not_counted_for_evict", uncounted);
    out.none(&[
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_clients_slaves",
    ]);
    out.put("mem_clients_normal", memory.clients);
    // As much of it as is in no buffer of theirs: values that replies share with the keyspace.
    out.put(
        "mem_clients_shared",
        memory.clients.saturating_sub(memory.client_buffers),
    );
    out.put("mem_cluster_links", 0);
    out.put("mem_aof_buffer", memory.log_buffer);
    out.put("mem_allocator", "jemalloc-5.3.0");
    out.none(&[
        "mem_overhead_db_hashtable_rehashing",
        "active_defrag_running",
    ]);
    out.put("lazyfree_pending_objects", cx.server.lazyfree.pending());
    out.put("lazyfreed_objects", cx.server.lazyfree.freed());
}

fn print_use(memory: &MemoryUse, out: &mut Fields<'_>) {
    out.bytes("used_memory", memory.used);
    out.bytes("used_memory_rss", memory.resident);
    out.bytes("used_memory_peak", memory.peak);
    out.put(
        "used_memory_peak_perc",
        format_args!("{:.2}%", memory.peak_percent()),
    );
    out.put("used_memory_overhead", memory.overhead());
    out.put("used_memory_startup", memory.startup);
    out.put("used_memory_dataset", memory.dataset());
    out.put(
        "used_memory_dataset_perc",
        format_args!("{:.2}%", memory.dataset_percent()),
    );
    out.put("allocator_allocated", memory.allocator.allocated);
    out.put("allocator_active", memory.allocator.active);
    out.put("allocator_resident", memory.allocator.resident);
    out.put("allocator_muzzy", 0);
    out.bytes("total_system_memory", total_system_bytes());
}

fn print_scripts(scripts: &Scripts, functions: &Functions, out: &mut Fields<'_>) {
    let (lua, text) = (scripts.lua_bytes(), scripts.text_bytes());
    let (functions_lua, functions_text) = (functions.lua_bytes(), functions.text_bytes());
    let (libraries, function_count) = functions.counts();
    out.put("used_memory_lua", lua);
    out.put("used_memory_vm_eval", lua);
    out.put("used_memory_lua_human", human(lua));
    out.put("used_memory_scripts_eval", text);
    out.put("number_of_cached_scripts", scripts.count());
    out.put("number_of_functions", function_count);
    out.put("number_of_libraries", libraries);
    out.put("used_memory_vm_functions", functions_lua);
    out.bytes("used_memory_vm_total", lua + functions_lua);
    out.put("used_memory_functions", functions_text);
    out.bytes("used_memory_scripts", text + functions_text);
}

fn print_fragmentation(memory: &MemoryUse, out: &mut Fields<'_>) {
    for (name, excess) in [
        ("allocator_frag", memory.allocator_fragmentation()),
        ("allocator_rss", memory.allocator_rss()),
        ("rss_overhead", memory.rss_overhead()),
        ("mem_fragmentation", memory.fragmentation()),
    ] {
        out.ratio(&format!("{name}_ratio"), excess.ratio);
        out.put(&format!("{name}_bytes"), excess.bytes);
    }
}
