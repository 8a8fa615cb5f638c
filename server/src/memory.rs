//! Where the memory is: what INFO and MEMORY tell of it.

use std::sync::LazyLock;
use std::sync::atomic::Ordering;

use nix::unistd::{SysconfVar, sysconf};
use storage::db::Db;
use storage::keyspace::Census;
use storage::memory::{self, AllocatorStats};
use storage::value::only_lent_bytes;

use crate::server::Server;

/// The memory of the process, in bytes, at one moment.
#[derive(Clone, Debug)]
pub struct MemoryUse {
    /// Handed out by the allocator.
    pub used: usize,
    /// The most that ever was.
    pub peak: usize,
    /// In use when the server had started, before there was any data.
    pub startup: usize,
    /// What clients hold, replies that share values with the keyspace in full.
    pub clients: usize,
    /// What would be free without clients: their own, and values that only replies hold.
    pub client_buffers: usize,
    /// Histograms of how long commands took.
    pub statistics: usize,
    /// Entries that a running snapshot keeps.
    pub snapshot: usize,
    /// What eviction remembers of keys that are gone.
    pub ghosts: usize,
    /// Records on their way to the log.
    pub log_buffer: usize,
    /// Each database.
    pub databases: Vec<Census>,
    /// What the allocator says of itself.
    pub allocator: AllocatorStats,
    /// Of the process, in the eyes of the system.
    pub resident: usize,
}

/// How two measures of memory differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excess {
    /// The larger divided by the smaller.
    pub ratio: f64,
    /// The larger minus the smaller; negative if they are the other way round.
    pub bytes: i64,
}

impl Excess {
    fn of(larger: usize, smaller: usize) -> Excess {
        let ratio = if smaller == 0 {
            0.0
        } else {
            larger as f64 / smaller as f64
        };
        Excess {
            ratio,
            bytes: larger as i64 - smaller as i64,
        }
    }
}

impl MemoryUse {
    /// Measures.
    pub fn measure(server: &Server, db: &mut Db<'_>) -> MemoryUse {
        MemoryUse {
            used: memory::note_peak(),
            peak: memory::peak_bytes(),
            startup: server.run.startup_bytes.load(Ordering::Relaxed),
            clients: server.clients.ledger.held_bytes(),
            client_buffers: server.clients.ledger.own_bytes() + only_lent_bytes(),
            statistics: server.stats.histogram_bytes(),
            snapshot: server.keyspace.snapshot_bytes(),
            ghosts: db.lookups().ghost_bytes,
            log_buffer: server.log.pending_bytes(),
            databases: db.census(),
            allocator: memory::allocator_stats(),
            resident: resident_bytes(),
        }
    }

    /// Bytes that hold no data: the server itself, its tables, its buffers.
    ///
    /// What is in here is in use; [`MemoryUse::clients`] may be more.
    pub fn overhead(&self) -> usize {
        let databases = self
            .databases
            .iter()
            .map(|it| it.table_bytes + it.volatile_bytes + it.tag_bytes);
        self.startup
            + self.client_buffers
            + self.statistics
            + self.snapshot
            + self.ghosts
            + self.log_buffer
            + databases.sum::<usize>()
    }

    /// Bytes that hold data.
    pub fn dataset(&self) -> usize {
        self.used.saturating_sub(self.overhead())
    }

    /// The share of the data in what came after the start.
    pub fn dataset_percent(&self) -> f64 {
        percent(self.dataset(), self.used.saturating_sub(self.startup))
    }

    /// The share of what is used now in the most that ever was.
    pub fn peak_percent(&self) -> f64 {
        percent(self.used, self.peak)
    }

    /// Keys of all databases.
    pub fn keys(&self) -> usize {
        self.databases.iter().map(|it| it.keys).sum()
    }

    /// What the process takes beyond what is used.
    pub fn fragmentation(&self) -> Excess {
        Excess::of(self.resident, self.used)
    }

    /// What the allocator's pages take beyond what it has handed out.
    pub fn allocator_fragmentation(&self) -> Excess {
        Excess::of(self.allocator.active, self.allocator.allocated)
    }

    /// What the allocator keeps beyond the pages it uses.
    pub fn allocator_rss(&self) -> Excess {
        Excess::of(self.allocator.resident, self.allocator.active)
    }

    /// What the process takes beyond what the allocator keeps.
    pub fn rss_overhead(&self) -> Excess {
        Excess::of(self.resident, self.allocator.resident)
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

fn page_bytes() -> usize {
    system_value(SysconfVar::PAGE_SIZE).max(1)
}

fn system_value(name: SysconfVar) -> usize {
    sysconf(name)
        .ok()
        .flatten()
        .and_then(|value| usize::try_from(value).ok())
        .unwrap_or(0)
}

/// Memory of the process in the eyes of the system; 0 if it does not tell.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|field| field.parse().ok());
    pages.unwrap_or(0usize).saturating_mul(page_bytes())
}

/// Memory of the machine.
pub fn total_system_bytes() -> usize {
    static TOTAL: LazyLock<usize> =
        LazyLock::new(|| system_value(SysconfVar::_PHYS_PAGES).saturating_mul(page_bytes()));
    *TOTAL
}

/// Bytes as people read them: `987.84K`, `1.65M`; below 1024 `192B` (`bytesToHuman` of Redis).
pub fn human(bytes: usize) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut amount = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = next;
    }
    format!("{amount:.2}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_printed_for_people() {
        for (bytes, text) in [
            (0, "0B"),
            (192, "192B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_011_552, "987.84K"),
            (10_149_888, "9.68M"),
            (25_276_502_016, "23.54G"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }

    #[test]
    fn ratios_of_nothing_are_zero() {
        assert_eq!(
            Excess::of(5, 0),
            Excess {
                ratio: 0.0,
                bytes: 5
            }
        );
        assert_eq!(
            Excess::of(5, 10),
            Excess {
                ratio: 0.5,
                bytes: -5
            }
        );
        assert_eq!(percent(1, 0), 0.0);
    }

    #[test]
    fn the_system_tells_of_memory() {
        assert!(resident_bytes() > 0);
        assert!(total_system_bytes() > resident_bytes());
    }
}
