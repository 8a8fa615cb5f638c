//! What `MEMORY DOCTOR` finds: the limits are those of Redis (`object.c`).

use crate::memory::{Excess, MemoryUse};

/// Below this nothing can be said.
const LITTLE_BYTES: usize = 5 << 20;

/// What is lost to less than this is not worth a word.
const SMALL_EXCESS_BYTES: i64 = 10 << 20;

/// Buffers of a client that are larger on average are large.
const LARGE_CLIENT_BYTES: usize = 200 << 10;

const EMPTY: &str = "Hi Sam, this instance is empty or is using very little memory, my issues detector \
    can't be used in these conditions. Please, leave for your mission on Earth and fill it with some \
    data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n";

const HEALTHY: &str = "Hi Sam, I can't find any memory issue in your instance. I can only account for \
    what occurs on this base.\n";

/// The findings, as text.
pub(super) fn report(memory: &MemoryUse, clients: usize) -> String {
    if memory.used < LITTLE_BYTES {
        return EMPTY.to_owned();
    }
    let findings = findings(memory, clients);
    if findings.is_empty() {
        return HEALTHY.to_owned();
    }
    let mut report =
        "Sam, I detected a few issues in this Redis instance memory implants:\n\n".to_owned();
    for (title, text) in findings {
        report += &format!(" * {title}: {text}\n\n");
    }
    report + "I'm here to keep you safe, Sam. I want to help you.\n"
}

fn findings(memory: &MemoryUse, clients: usize) -> Vec<(&'static str, &'static str)> {
    let exceeds =
        |excess: Excess, ratio: f64| excess.ratio > ratio && excess.bytes > SMALL_EXCESS_BYTES;
    let all = [
        (
            memory.peak as f64 > memory.used as f64 * 1.5,
            "Peak memory",
            "At some time the server used half as much again as now. The allocator keeps some of that, \
             so the process looks larger than its data. MEMORY PURGE gives it back.",
        ),
        (
            exceeds(memory.fragmentation(), 1.4),
            "High total RSS",
            "The process takes over 1.4 times the memory that is in use. After a peak this is expected; \
             otherwise the workload leaves pages half empty.",
        ),
        (
            exceeds(memory.allocator_fragmentation(), 1.1),
            "High allocator fragmentation",
            "The allocator's pages hold over 10% of room that no allocation of the right size has filled.",
        ),
        (
            exceeds(memory.allocator_rss(), 1.1),
            "High allocator RSS overhead",
            "The allocator keeps over 10% more pages than it uses. MEMORY PURGE gives them back.",
        ),
        (
            exceeds(memory.rss_overhead(), 1.1),
            "High process RSS overhead",
            "Over 10% of the process' memory does not come from the allocator.",
        ),
        (
            memory.clients.checked_div(clients).unwrap_or(0) > LARGE_CLIENT_BYTES,
            "Big client buffers",
            "Clients hold over 200 KB each on average. Look for large requests and slow readers in \
             CLIENT LIST, and see client-output-buffer-limit.",
        ),
    ];
    all.into_iter()
        .filter(|(is_so, ..)| *is_so)
        .map(|(_, title, text)| (title, text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::memory::AllocatorStats;

    fn memory(used: usize, peak: usize, resident: usize) -> MemoryUse {
        MemoryUse {
            used,
            peak,
            startup: 0,
            clients: 0,
            client_buffers: 0,
            statistics: 0,
            snapshot: 0,
            ghosts: 0,
            log_buffer: 0,
            databases: Vec::new(),
            allocator: AllocatorStats {
                allocated: used,
                active: used,
                resident: used,
                retained: 0,
            },
            resident,
        }
    }

    #[test]
    fn a_healthy_server_has_no_findings() {
        assert_eq!(report(&memory(1 << 20, 1 << 20, 1 << 20), 1), EMPTY);
        assert_eq!(report(&memory(100 << 20, 100 << 20, 104 << 20), 1), HEALTHY);
    }

    #[test]
    fn every_excess_is_named() {
        let titles = |memory: &MemoryUse, clients| {
            findings(memory, clients)
                .into_iter()
                .map(|(title, _)| title)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            titles(&memory(100 << 20, 160 << 20, 100 << 20), 1),
            ["Peak memory"]
        );
        let large = memory(100 << 20, 100 << 20, 150 << 20);
        assert_eq!(
            titles(&large, 1),
            ["High total RSS", "High process RSS overhead"]
        );
        let mut buffers = memory(100 << 20, 100 << 20, 100 << 20);
        buffers.clients = 1 << 20;
        assert_eq!(titles(&buffers, 2), ["Big client buffers"]);
        assert!(titles(&buffers, 10).is_empty() && titles(&buffers, 0).is_empty());
    }
}
