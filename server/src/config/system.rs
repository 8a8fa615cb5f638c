//! `--check-system`: what of this machine is in the way of a server.

use std::fs;

/// Checks each thing; gives one line for each, and whether all are fine.
///
/// What cannot be found out counts as fine: a container may hide it.
pub(super) fn check() -> (String, bool) {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let findings = [
        (
            "overcommit",
            overcommit(&read("/proc/sys/vm/overcommit_memory")),
        ),
        (
            "THP",
            huge_pages(&read("/sys/kernel/mm/transparent_hugepage/enabled")),
        ),
    ];
    let is_fine = findings.iter().all(|(_, finding)| finding.is_none());
    let lines = findings.map(|(name, finding)| match finding {
        None => format!("[{name}]...OK\n"),
        Some(advice) => format!("[{name}]...WARNING:\n{advice}\n"),
    });
    (lines.concat(), is_fine)
}

fn overcommit(setting: &str) -> Option<&'static str> {
    (setting.trim() == "2").then_some(
        "The system hands out no more memory than it has (vm.overcommit_memory = 2), so allocations \
         may fail while memory is free. Set vm.overcommit_memory to 0 or 1.",
    )
}

fn huge_pages(setting: &str) -> Option<&'static str> {
    setting.contains("[always]").then_some(
        "Transparent huge pages are always used, which costs latency and memory. Write madvise to \
         /sys/kernel/mm/transparent_hugepage/enabled.",
    )
}

#[cfg(test)]
mod tests {
    use super::{huge_pages, overcommit};

    #[test]
    fn only_settings_in_the_way_are_warned_of() {
        assert!(overcommit("2\n").is_some());
        assert!(overcommit("0\n").is_none());
        assert!(overcommit("").is_none());
        assert!(huge_pages("[always] madvise never\n").is_some());
        assert!(huge_pages("always [madvise] never\n").is_none());
    }
}
