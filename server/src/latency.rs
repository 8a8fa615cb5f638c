//! Events that took long: what `latency-monitor-threshold` asks to remember.
//!
//! Of each kind of event the last 160 seconds with an event are kept, one sample a second, the worst
//! of it, as in Redis (`latency.c`).

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Samples kept of a kind.
const SAMPLES: usize = 160;

/// What took long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A command that may.
    Command,
    /// A command that should not.
    FastCommand,
    /// Removing expired keys.
    ExpireCycle,
    /// Making room.
    EvictionCycle,
    /// Writing the log.
    AofWrite,
    /// Syncing it.
    AofFsync,
}

impl Event {
    /// All of them.
    pub const ALL: [Event; 6] = [
        Event::Command,
        Event::FastCommand,
        Event::ExpireCycle,
        Event::EvictionCycle,
        Event::AofWrite,
        Event::AofFsync,
    ];

    /// Its name in `LATENCY`.
    pub fn name(self) -> &'static str {
        match self {
            Event::Command => "command",
            Event::FastCommand => "fast-command",
            Event::ExpireCycle => "expire-cycle",
            Event::EvictionCycle => "eviction-cycle",
            Event::AofWrite => "aof-write",
            Event::AofFsync => "aof-fsync-always",
        }
    }

    /// The kind of that name.
    pub fn named(name: &[u8]) -> Option<Event> {
        Event::ALL
            .into_iter()
            .find(|event| event.name().as_bytes() == name)
    }
}

/// The worst of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in seconds since 1970.
    pub at_seconds: i64,
    /// How long, in milliseconds.
    pub latency_ms: u64,
}

/// What is known of one kind of event.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The worst ever, in milliseconds.
    pub worst_ms: u64,
    /// Oldest first; never empty.
    pub samples: Vec<Sample>,
}

impl Series {
    fn add(&mut self, at_seconds: i64, latency_ms: u64) {
        self.worst_ms = self.worst_ms.max(latency_ms);
        if let Some(last) = self.samples.last_mut()
            && last.at_seconds == at_seconds
        {
            last.latency_ms = last.latency_ms.max(latency_ms);
            return;
        }
        if self.samples.len() >= SAMPLES {
            self.samples.remove(0);
        }
        self.samples.push(Sample {
            at_seconds,
            latency_ms,
        });
    }
}

/// What has been remembered.
#[derive(Debug, Default)]
pub struct Latency {
    series: Mutex<BTreeMap<Event, Series>>,
}

impl Latency {
    /// Remembers an event.
    pub fn add(&self, event: Event, at_seconds: i64, latency_ms: u64) {
        self.series
            .lock()
            .entry(event)
            .or_default()
            .add(at_seconds, latency_ms);
    }

    /// Everything that is known.
    pub fn all(&self) -> Vec<(Event, Series)> {
        self.series
            .lock()
            .iter()
            .map(|(event, series)| (*event, series.clone()))
            .collect()
    }

    /// What is known of one kind, if anything.
    pub fn get(&self, event: Event) -> Option<Series> {
        self.series.lock().get(&event).cloned()
    }

    /// Forgets one kind; whether anything was known of it.
    pub fn forget(&self, event: Event) -> bool {
        self.series.lock().remove(&event).is_some()
    }

    /// Forgets everything; how many kinds that were.
    pub fn forget_all(&self) -> usize {
        std::mem::take(&mut *self.series.lock()).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_a_second_and_the_worst_of_it() {
        let latency = Latency::default();
        for (at, ms) in [(1, 5), (1, 9), (1, 7), (2, 3)] {
            latency.add(Event::Command, at, ms);
        }
        let series = latency.get(Event::Command).expect("remembered");
        let samples: Vec<_> = series
            .samples
            .iter()
            .map(|it| (it.at_seconds, it.latency_ms))
            .collect();
        assert_eq!((series.worst_ms, samples), (9, vec![(1, 9), (2, 3)]));
        assert!(latency.get(Event::FastCommand).is_none());
    }

    #[test]
    fn the_oldest_samples_go_and_the_worst_stays() {
        let latency = Latency::default();
        (0..200).for_each(|second| {
            latency.add(Event::ExpireCycle, second, 1000 - second.unsigned_abs())
        });
        let series = latency.get(Event::ExpireCycle).expect("remembered");
        assert_eq!(
            (
                series.worst_ms,
                series.samples.len(),
                series.samples[0].at_seconds
            ),
            (1000, 160, 40)
        );
        assert!(latency.forget(Event::ExpireCycle) && !latency.forget(Event::ExpireCycle));
        assert_eq!(latency.forget_all(), 0);
    }
}
