//! What `LATENCY DOCTOR` finds.

use std::fmt::Write as _;

use crate::config::{Config, options};
use crate::latency::{Event, Series};

const DISABLED: &str = "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis \
    instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable \
    it. If we weren't in a deep space mission I'd suggest to take a look at \
    https://redis.io/topics/latency-monitor.\n";

const NOTHING: &str = "Dave, no latency spike was observed during the lifetime of this Redis instance, \
    not in the slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and \
    think things over.\n";

const SPIKES: &str = "Dave, I have observed latency spikes in this Redis instance. You don't mind \
    talking about it, do you Dave?\n\n";

/// The findings, as text.
pub(super) fn report(all: &[(Event, Series)], config: &Config, now_seconds: i64) -> String {
    if all.is_empty() {
        let is_off = config.get(options::LATENCY_MONITOR_THRESHOLD) == 0;
        return if is_off { DISABLED } else { NOTHING }.to_owned();
    }
    let mut text = SPIKES.to_owned();
    for (number, (event, series)) in all.iter().enumerate() {
        let Figures {
            count,
            average_ms,
            deviation_ms,
            period,
        } = figures(series, now_seconds);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}. {}: {count} latency spikes (average {average_ms}ms, mean deviation {deviation_ms}ms, \
             period {period:.2} sec). Worst all time event {}ms.",
            number + 1,
            event.name(),
            series.worst_ms
        );
    }
    text += "\nI have a few advices for you:\n\n";
    for advice in advices(all, config) {
        let _ = writeln!(text, "- {advice}");
    }
    text
}

struct Figures {
    count: usize,
    average_ms: u64,
    deviation_ms: u64,
    /// Seconds between two of them.
    period: f64,
}

fn figures(series: &Series, now_seconds: i64) -> Figures {
    let count = series.samples.len().max(1);
    let sum =
        |values: &mut dyn Iterator<Item = u64>| values.fold(0, u64::saturating_add) / count as u64;
    let latencies = || series.samples.iter().map(|it| it.latency_ms);
    let average_ms = sum(&mut latencies());
    let deviation_ms = sum(&mut latencies().map(|it| it.abs_diff(average_ms)));
    let oldest = series
        .samples
        .first()
        .map_or(now_seconds, |it| it.at_seconds);
    let period = (now_seconds - oldest).max(1) as f64 / count as f64;
    Figures {
        count,
        average_ms,
        deviation_ms,
        period,
    }
}

fn advices(all: &[(Event, Series)], config: &Config) -> Vec<&'static str> {
    let has = |wanted: &[Event]| all.iter().any(|(event, _)| wanted.contains(event));
    let slower_than = config.get(options::SLOWLOG_LOG_SLOWER_THAN);
    let commands = has(&[Event::Command, Event::FastCommand]);
    let candidates = [
        (
            commands && !(0..=10_000).contains(&slower_than),
            "Commands are slow, and the slow log does not show which: CONFIG SET slowlog-log-slower-than 1000.",
        ),
        (commands, "See SLOWLOG GET for the commands that took long."),
        (
            has(&[Event::FastCommand]),
            "Commands that are always fast took long: look for other processes on this machine, for \
             swapping, and for a virtual machine that is given too little time.",
        ),
        (
            has(&[Event::ExpireCycle]),
            "Many keys expire at the same time: spread their times a little.",
        ),
        (
            has(&[Event::EvictionCycle]),
            "Making room takes long: give maxmemory some slack, or lower maxmemory-eviction-tenacity.",
        ),
        (
            has(&[Event::AofWrite, Event::AofFsync]),
            "The disk is slow: consider appendfsync everysec, or a faster disk.",
        ),
    ];
    candidates
        .into_iter()
        .filter(|(applies, _)| *applies)
        .map(|(_, text)| text)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Sample;

    #[test]
    fn figures_describe_the_samples() {
        let samples = [(100, 10), (110, 30)];
        let samples = samples.map(|(at_seconds, latency_ms)| Sample {
            at_seconds,
            latency_ms,
        });
        let series = Series {
            worst_ms: 40,
            samples: samples.to_vec(),
        };
        let text = report(&[(Event::FastCommand, series)], &Config::new(), 120);
        let line = "1. fast-command: 2 latency spikes (average 20ms, mean deviation 10ms, period 10.00 sec). \
                    Worst all time event 40ms.\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("- See SLOWLOG GET"), "{text}");
        assert!(!text.contains("disk"), "{text}");
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let config = Config::new();
        assert_eq!(report(&[], &config, 0), DISABLED);
        config.put(options::LATENCY_MONITOR_THRESHOLD, 1);
        assert_eq!(report(&[], &config, 0), NOTHING);
    }
}
