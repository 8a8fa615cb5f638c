//! `MEMORY`: where it is, and getting it back.

mod doctor;

use protocol::Encoder;

use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Words};
use crate::memory::{Excess, MemoryUse};
use crate::spec::{Group, Keys, Locks, Spec, flags, key_flags};

/// The family.
pub const COMMANDS: &[Command] = &[MEMORY];

const BASE: Spec = Spec {
    group: Group::Server,
    ..Spec::EMPTY
};

const DOCTOR: Command = Spec {
    name: "DOCTOR",
    summary: "Outputs a memory problems report.",
    since: "4.0.0",
    locks: Locks::OneAtATime,
    tips: &[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ],
    ..BASE
}
.run(doctor);

fn doctor(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let memory = MemoryUse::measure(cx.server, &mut cx.db);
    let report = doctor::report(&memory, cx.server.clients.len());
    cx.reply.verbatim("txt", report.as_bytes())
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "4.0.0",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);

fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "MEMORY",
        &[
            "DOCTOR",
            "    Return memory problems reports.",
            "MALLOC-STATS",
            "    Return internal statistics report from the memory allocator.",
            "PURGE",
            "    Attempt to purge dirty pages for reclamation by the allocator.",
            "STATS",
            "    Return information about the memory usage of the server.",
            "USAGE <key> [SAMPLES <count>]",
            "    Return memory in bytes used by <key> and its value. Nested values are",
            "    sampled up to <count> times (default: 5, 0 means sample all).",
        ],
    )
}

const MALLOC_STATS: Command = Spec {
    name: "MALLOC-STATS",
    summary: "Returns the allocator statistics.",
    since: "4.0.0",
    complexity: "Depends on how much memory is allocated, could be slow",
    tips: &[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ],
    ..BASE
}
.run(malloc_stats);

fn malloc_stats(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply
        .verbatim("txt", &storage::memory::allocator_report())
}

const PURGE: Command = Spec {
    name: "PURGE",
    summary: "Asks the allocator to release memory.",
    since: "4.0.0",
    complexity: "Depends on how much memory is allocated, could be slow",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..BASE
}
.run(purge);

fn purge(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    if let Err(reason) = storage::memory::purge() {
        tracing::warn!("The allocator could not release memory: {reason}");
        return Err(Error::PurgeFailed);
    }
    cx.reply.ok()
}

const STATS: Command = Spec {
    name: "STATS",
    summary: "Returns details about memory usage.",
    since: "4.0.0",
    locks: Locks::OneAtATime,
    tips: &[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ],
    ..BASE
}
.run(stats);

fn stats(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let memory = MemoryUse::measure(cx.server, &mut cx.db);
    let used_databases = memory.databases.iter().filter(|it| it.keys > 0).count();
    let mut map = Map {
        out: cx.reply.map(FIXED_FIELDS + used_databases),
    };
    write_overhead(&memory, &mut map);
    write_data(&memory, &mut map);
    write_allocator(&memory, &mut map);
    Ok(Outcome::Done)
}

/// Fields of `MEMORY STATS` beside one for each database.
const FIXED_FIELDS: usize = 31;

/// A reply of names with numbers.
struct Map<'a, 'o> {
    out: &'a mut Encoder<'o>,
}

impl Map<'_, '_> {
    fn bytes(&mut self, name: &str, bytes: usize) {
        self.out.bulk(name.as_bytes());
        self.out.integer(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Redis computes these with single precision, and prints all digits of that.
    fn ratio(&mut self, name: &str, ratio: f64) {
        self.out.bulk(name.as_bytes());
        self.out.double(f64::from(ratio as f32));
    }

    fn excess(&mut self, ratio_name: &str, bytes_name: &str, excess: Excess) {
        self.ratio(ratio_name, excess.ratio);
        self.out.bulk(bytes_name.as_bytes());
        self.out.integer(excess.bytes);
    }
}

fn write_overhead(memory: &MemoryUse, map: &mut Map<'_, '_>) {
    map.bytes("peak.allocated", memory.peak);
    map.bytes("total.allocated", memory.used);
    map.bytes("startup.allocated", memory.startup);
    map.bytes("replication.backlog", 0);
    map.bytes("clients.slaves", 0);
    map.bytes("clients.normal", memory.clients);
    map.bytes("cluster.links", 0);
    map.bytes("aof.buffer", memory.log_buffer);
    map.bytes("lua.caches", 0);
    map.bytes("functions.caches", 0);
    for (db, census) in memory
        .databases
        .iter()
        .enumerate()
        .filter(|(_, it)| it.keys > 0)
    {
        map.out.bulk(format!("db.{db}").as_bytes());
        map.out.map(2);
        map.bytes("overhead.hashtable.main", census.table_bytes);
        map.bytes("overhead.hashtable.expires", census.volatile_bytes);
    }
    let tables = memory
        .databases
        .iter()
        .map(|it| it.table_bytes + it.volatile_bytes);
    map.bytes("overhead.db.hashtable.lut", tables.sum());
    map.bytes("overhead.db.hashtable.rehashing", 0);
    map.bytes("overhead.total", memory.overhead());
}

fn write_data(memory: &MemoryUse, map: &mut Map<'_, '_>) {
    map.bytes("db.dict.rehashing.count", 0);
    map.bytes("keys.count", memory.keys());
    let since_start = memory.used.saturating_sub(memory.startup);
    map.bytes(
        "keys.bytes-per-key",
        since_start.checked_div(memory.keys()).unwrap_or(0),
    );
    map.bytes("dataset.bytes", memory.dataset());
    map.ratio("dataset.percentage", memory.dataset_percent());
    map.ratio("peak.percentage", memory.peak_percent());
}

fn write_allocator(memory: &MemoryUse, map: &mut Map<'_, '_>) {
    map.bytes("allocator.allocated", memory.allocator.allocated);
    map.bytes("allocator.active", memory.allocator.active);
    map.bytes("allocator.resident", memory.allocator.resident);
    map.bytes("allocator.muzzy", 0);
    let fragmentation = memory.allocator_fragmentation();
    map.excess(
        "allocator-fragmentation.ratio",
        "allocator-fragmentation.bytes",
        fragmentation,
    );
    map.excess(
        "allocator-rss.ratio",
        "allocator-rss.bytes",
        memory.allocator_rss(),
    );
    map.excess(
        "rss-overhead.ratio",
        "rss-overhead.bytes",
        memory.rss_overhead(),
    );
    map.excess(
        "fragmentation",
        "fragmentation.bytes",
        memory.fragmentation(),
    );
}

const USAGE: Command = Spec {
    name: "USAGE",
    usage: "key [SAMPLES count:integer]",
    summary: "Estimates the memory usage of a key.",
    since: "4.0.0",
    complexity: "O(N) where N is the number of samples.",
    flags: flags!(READONLY),
    keys: &[Keys::at(2, key_flags!(RO))],
    ..BASE
}
.run(usage);

fn usage(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let key = args.key(2)?;
    let mut index = 3;
    while index < args.len() {
        if !args.is(index, "SAMPLES") || index + 1 >= args.len() || args.integer(index + 1)? < 0 {
            return Err(Error::Syntax);
        }
        index += 2;
    }
    // Strings have nothing inside to sample.
    match cx.db.peek(key).map(storage::entry::Entry::size_bytes) {
        Some(bytes) => cx.reply.count(bytes),
        None => cx.reply.nil(),
    }
}

const MEMORY: Command = Spec {
    name: "MEMORY",
    usage: "arity -2;",
    summary: "A container for memory diagnostics commands.",
    since: "4.0.0",
    complexity: "Depends on subcommand.",
    ..BASE
}
.container(&[DOCTOR, HELP, MALLOC_STATS, PURGE, STATS, USAGE]);
