//! What the server counts.
//!
//! Figures of the hot path are gathered by each connection in a [`Recorder`] and handed over once a
//! batch, so that counting a command costs a push to a small vector.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use storage::keyspace::Overdue;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a reply.
    Done,
    /// With an error of its own.
    Failed,
    /// Refused before it ran.
    Rejected,
}

struct Sample {
    id: u32,
    nanos: u32,
    ending: Ending,
}

/// Counts of one connection since the last hand-over.
#[derive(Default)]
pub struct Recorder {
    samples: Vec<Sample>,
    /// Changes to the keyspace.
    pub dirty: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Times something was received.
    pub reads: u64,
}

impl Recorder {
    /// Counts the commands that a script has called: (id, nanoseconds, how it ended).
    pub fn calls(&mut self, calls: &[(usize, u64, Ending)]) {
        for &(id, nanos, ending) in calls {
            self.command(id, nanos, ending);
        }
    }

    /// Counts a command.
    #[inline]
    pub fn command(&mut self, id: usize, nanos: u64, ending: Ending) {
        let nanos = u32::try_from(nanos).unwrap_or(u32::MAX);
        self.samples.push(Sample {
            id: id as u32,
            nanos,
            ending,
        });
    }

    /// Whether so much has gathered that it should be handed over.
    pub fn is_full(&self) -> bool {
        self.samples.len() >= 1024
    }
}

/// Figures of one command.
#[derive(Clone, Debug, Default)]
pub struct CommandStats {
    /// Times it ran.
    pub calls: u64,
    /// Time it took in all, in nanoseconds.
    pub nanos: u64,
    /// Times it answered an error.
    pub failed: u64,
    /// Times it was refused before it ran.
    pub rejected: u64,
    /// How long it took, in nanoseconds, to two significant digits.
    pub histogram: Option<Histogram<u32>>,
}

/// Longest time a histogram holds: one second, as in Redis.
const LONGEST_NANOS: u64 = 1_000_000_000;

/// The last nanosecond of the last bucket of such a histogram.
const HISTOGRAM_END_NANOS: u64 = (1 << 30) - 1;

impl CommandStats {
    fn add(&mut self, sample: &Sample, with_histogram: bool) {
        if sample.ending == Ending::Rejected {
            self.rejected += 1;
            return;
        }
        self.calls += 1;
        self.nanos += u64::from(sample.nanos);
        self.failed += u64::from(sample.ending == Ending::Failed);
        if with_histogram {
            let histogram = self.histogram.get_or_insert_with(|| {
                Histogram::new_with_bounds(1, LONGEST_NANOS, 2).expect("the bounds are constants")
            });
            histogram.saturating_record(u64::from(sample.nanos).clamp(1, LONGEST_NANOS));
        }
    }

    /// How many calls the histogram knows.
    pub fn timed_calls(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// Whether it is known how long it took.
    pub fn has_latencies(&self) -> bool {
        self.timed_calls() > 0
    }

    /// The time in nanoseconds that `percentile` percent of the calls did not exceed, as
    /// `hdr_value_at_percentile` of Redis' histograms has it.
    pub fn nanos_at(&self, percentile: f64) -> u64 {
        let Some(histogram) = &self.histogram else {
            return 0;
        };
        let share = percentile.clamp(0.0, 100.0) / 100.0 * histogram.len() as f64;
        let wanted = ((share + 0.5) as u64).max(1);
        let mut seen = 0;
        let reached = histogram.iter_recorded().find(|it| {
            seen += it.count_since_last_iteration();
            seen >= wanted
        });
        let nanos = reached.map_or(0, |it| it.value_iterated_to());
        if percentile == 0.0 {
            histogram.lowest_equivalent(nanos)
        } else {
            histogram.highest_equivalent(nanos)
        }
    }

    /// How many calls took no longer than that: (microseconds, calls), a line for each doubling that
    /// adds some, as in `LATENCY HISTOGRAM`.
    pub fn cumulative_us(&self) -> Vec<(u64, u64)> {
        let Some(histogram) = &self.histogram else {
            return Vec::new();
        };
        let mut recorded = histogram.iter_recorded().peekable();
        let (mut calls, mut lines) = (0, Vec::new());
        for doubling in 10..=LONGEST_NANOS.ilog2() + 1 {
            // The last bucket ends where Redis' histograms end.
            let bound = histogram
                .highest_equivalent(1 << doubling)
                .min(HISTOGRAM_END_NANOS);
            let before = calls;
            while let Some(it) = recorded.next_if(|it| it.value_iterated_to() <= bound) {
                calls += it.count_since_last_iteration();
            }
            if calls > before {
                lines.push((bound / 1000, calls));
            }
        }
        lines
    }

    fn merge(&mut self, other: &CommandStats) {
        self.calls += other.calls;
        self.nanos += other.nanos;
        self.failed += other.failed;
        self.rejected += other.rejected;
        if let Some(theirs) = &other.histogram {
            match &mut self.histogram {
                Some(ours) => ours
                    .add(theirs)
                    .expect("all histograms have the same bounds"),
                None => self.histogram = Some(theirs.clone()),
            }
        }
    }
}

/// At most so many kinds of errors are told apart, as in Redis 7.4.
const ERROR_KINDS: usize = 128;

/// What is counted, once, in place of more kinds.
const TOO_MANY_KINDS: &str = "ERRORSTATS_DISABLED";

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters that `CONFIG RESETSTAT` sets to zero.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Counters {
            fn reset(&self) {
                $(self.$name.set(0);)*
            }
        }
    };
}

counters! {
    /// Connections accepted.
    connections,
    /// Connections refused over `maxclients`.
    rejected_connections,
    /// Commands processed.
    commands,
    /// Bytes received.
    received_bytes,
    /// Bytes sent.
    sent_bytes,
    /// Error replies.
    errors,
    /// Keys evicted.
    evicted_keys,
    /// Connections closed because their buffers took too much memory.
    evicted_clients,
    /// Connections closed over `client-query-buffer-limit`.
    query_limit_disconnections,
    /// Connections closed over `client-output-buffer-limit`.
    output_limit_disconnections,
    /// Times that the background search for expired keys ran out of its budget.
    expire_cycle_cut_short,
    /// Microseconds spent in that search.
    expire_cycle_us,
    /// Times something was received.
    reads,
    /// Times something was sent.
    writes,
    /// Nanoseconds spent in commands.
    command_nanos,
    /// Keys whose tags were invalidated.
    tag_invalidated_keys,
    /// Invalidations.
    tag_invalidations,
}

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it.
    pub fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }
}

/// All figures.
pub struct Stats {
    /// Plain counters.
    pub counters: Counters,
    /// Changes since the last snapshot.
    pub dirty: Counter,
    lines: Box<[Mutex<Vec<CommandStats>>]>,
    errors: Mutex<HashMap<String, u64>>,
    /// For how long the first key that active expiry has left behind is overdue, in milliseconds.
    pub expire_lag_ms: Counter,
    /// Hundredths of a percent.
    stale: AtomicU32,
    /// Since when memory has been over its limit, milliseconds since 1970; 0 if it is not.
    exceeded_since_ms: AtomicI64,
    exceeded_ms: Counter,
}

/// How long memory has been over its limit.
#[derive(Clone, Copy, Debug)]
pub struct Exceeded {
    /// In all, in milliseconds.
    pub total_ms: u64,
    /// This time.
    pub current_ms: u64,
}

impl Stats {
    /// Figures of so many commands, gathered by so many threads.
    pub fn new(commands: usize, threads: usize) -> Stats {
        let line = || Mutex::new(vec![CommandStats::default(); commands]);
        Stats {
            counters: Counters::default(),
            dirty: Counter::default(),
            lines: (0..threads.max(1)).map(|_| line()).collect(),
            errors: Mutex::default(),
            expire_lag_ms: Counter::default(),
            stale: AtomicU32::new(0),
            exceeded_since_ms: AtomicI64::new(0),
            exceeded_ms: Counter::default(),
        }
    }

    /// Takes what a round of active expiry has left behind; its share into a running average.
    pub fn note_overdue(&self, overdue: Overdue) {
        let share = overdue.expired as f64 / overdue.volatile.max(1) as f64;
        let average = share * 0.05 + self.stale_percent() / 100.0 * 0.95;
        self.stale
            .store((average * 10_000.0) as u32, Ordering::Relaxed);
        self.expire_lag_ms.set(overdue.lag_ms);
    }

    /// How many percent of the volatile keys have probably expired without being removed yet.
    pub fn stale_percent(&self) -> f64 {
        f64::from(self.stale.load(Ordering::Relaxed)) / 100.0
    }

    /// Notes that memory is over its limit and nothing more could be evicted.
    pub fn begin_exceeded(&self, now_ms: i64) {
        let _ = self.exceeded_since_ms.compare_exchange(
            0,
            now_ms,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// Notes that memory is within its limit.
    #[inline]
    pub fn end_exceeded(&self, now_ms: i64) {
        if self.exceeded_since_ms.load(Ordering::Relaxed) != 0 {
            let since_ms = self.exceeded_since_ms.swap(0, Ordering::Relaxed);
            if since_ms != 0 {
                self.exceeded_ms
                    .add((now_ms - since_ms).max(0).unsigned_abs());
            }
        }
    }

    /// Whether memory was over its limit when it was last looked at.
    #[inline]
    pub fn is_exceeded(&self) -> bool {
        self.exceeded_since_ms.load(Ordering::Relaxed) != 0
    }

    /// How long memory has been over its limit.
    pub fn exceeded(&self, now_ms: i64) -> Exceeded {
        let current_ms = match self.exceeded_since_ms.load(Ordering::Relaxed) {
            0 => 0,
            since_ms => (now_ms - since_ms).max(0).unsigned_abs(),
        };
        Exceeded {
            total_ms: self.exceeded_ms.get() + current_ms,
            current_ms,
        }
    }

    /// Takes over what a connection of that thread has gathered.
    pub fn take(&self, recorder: &mut Recorder, thread: usize, with_histograms: bool) {
        let counters = &self.counters;
        if recorder.dirty > 0 {
            self.dirty.add(std::mem::take(&mut recorder.dirty));
        }
        if recorder.received_bytes > 0 {
            counters
                .received_bytes
                .add(std::mem::take(&mut recorder.received_bytes));
            counters.reads.add(std::mem::take(&mut recorder.reads));
        }
        if recorder.samples.is_empty() {
            return;
        }
        let mut line = self.lines[thread % self.lines.len()].lock();
        let (mut ran, mut nanos) = (0, 0);
        for sample in recorder.samples.drain(..) {
            ran += u64::from(sample.ending != Ending::Rejected);
            nanos += u64::from(sample.nanos);
            line[sample.id as usize].add(&sample, with_histograms);
        }
        counters.commands.add(ran);
        counters.command_nanos.add(nanos);
    }

    /// Counts an error reply by its first word.
    ///
    /// With too many kinds, of a script's making most likely, kinds are no longer told apart until the
    /// figures are reset, as in Redis 7.4.
    pub fn error(&self, prefix: &str) {
        self.counters.errors.add(1);
        let mut errors = self.errors.lock();
        if let Some(count) = errors.get_mut(prefix) {
            *count += 1;
        } else if errors.len() < ERROR_KINDS && !errors.contains_key(TOO_MANY_KINDS) {
            errors.insert(prefix.to_owned(), 1);
        } else if errors.len() >= ERROR_KINDS {
            tracing::warn!(
                "Errorstats stopped adding new errors because the number of errors reached the limit, \
                 this can be re-enabled via CONFIG RESETSTAT."
            );
            errors.clear();
            errors.insert(TOO_MANY_KINDS.to_owned(), 1);
        }
    }

    /// Error replies by their first word, in alphabetical order.
    pub fn errors(&self) -> Vec<(String, u64)> {
        let mut errors: Vec<_> = self.errors.lock().clone().into_iter().collect();
        errors.sort_unstable();
        errors
    }

    /// Figures of each command, by [`crate::command::table::Entry::id`].
    pub fn commands(&self) -> Vec<CommandStats> {
        let mut sums = self.lines[0].lock().clone();
        for line in &self.lines[1..] {
            sums.iter_mut()
                .zip(line.lock().iter())
                .for_each(|(sum, other)| sum.merge(other));
        }
        sums
    }

    /// Memory of the histograms.
    pub fn histogram_bytes(&self) -> usize {
        let of_line = |line: &Mutex<Vec<CommandStats>>| -> usize {
            let line = line.lock();
            let histograms = line.iter().filter_map(|stats| stats.histogram.as_ref());
            histograms
                .map(|it| it.distinct_values() * size_of::<u32>())
                .sum()
        };
        self.lines.iter().map(of_line).sum()
    }

    /// Sets all figures to zero, but for the changes since the last snapshot.
    pub fn reset(&self) {
        self.counters.reset();
        self.exceeded_since_ms.store(0, Ordering::Relaxed);
        self.exceeded_ms.set(0);
        self.stale.store(0, Ordering::Relaxed);
        self.errors.lock().clear();
        self.reset_commands(|_| true, true);
    }

    /// Forgets the histograms of the commands for which `is_chosen` holds, or all their figures.
    pub fn reset_commands(&self, is_chosen: impl Fn(usize) -> bool, all_figures: bool) -> usize {
        let mut reset = std::collections::HashSet::new();
        for line in &self.lines {
            for (id, stats) in line
                .lock()
                .iter_mut()
                .enumerate()
                .filter(|(id, _)| is_chosen(*id))
            {
                if stats.histogram.take().is_some() {
                    reset.insert(id);
                }
                if all_figures {
                    *stats = CommandStats::default();
                }
            }
        }
        reset.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(nanos: &[u64]) -> CommandStats {
        let stats = Stats::new(1, 2);
        for (thread, &nanos) in nanos.iter().enumerate() {
            let mut recorder = Recorder::default();
            recorder.command(0, nanos, Ending::Done);
            stats.take(&mut recorder, thread, true);
        }
        stats.commands().swap_remove(0)
    }

    /// As Redis 7.4.1 answered after calls of 14 and 216 microseconds.
    #[test]
    fn percentiles_are_those_of_redis() {
        let stats = stats(&[14_000, 216_000]);
        let at = [0.0, 50.0, 50.1, 99.999, 100.0].map(|percentile| stats.nanos_at(percentile));
        assert_eq!(at, [13_952, 14_015, 14_015, 216_063, 216_063]);
        assert_eq!(
            (stats.calls, stats.timed_calls(), stats.nanos),
            (2, 2, 230_000)
        );
        assert_eq!(CommandStats::default().nanos_at(50.0), 0);
    }

    /// As Redis 7.4.1 answered `LATENCY HISTOGRAM`; one call took longer than histograms reach.
    #[test]
    fn histograms_double_from_line_to_line() {
        let stats = stats(&[900, 14_000, 15_000, 60_000, 130_000, 4_000_000_000]);
        let lines = [(1, 1), (16, 3), (66, 4), (132, 5), (1_073_741, 6)];
        assert_eq!(stats.cumulative_us(), lines);
        assert!(CommandStats::default().cumulative_us().is_empty());
    }

    #[test]
    fn too_many_kinds_of_errors_are_told_apart_no_longer() {
        let stats = Stats::new(1, 1);
        (0..ERROR_KINDS).for_each(|kind| stats.error(&format!("E{kind}")));
        stats.error("E1");
        assert_eq!(stats.errors().len(), ERROR_KINDS);
        for kind in ["X", "Y", "E1", "X"] {
            stats.error(kind);
            assert_eq!(stats.errors(), [(TOO_MANY_KINDS.to_owned(), 1)]);
        }
        assert_eq!(stats.counters.errors.get(), ERROR_KINDS as u64 + 5);
        stats.reset();
        stats.error("X");
        assert_eq!(stats.errors(), [("X".to_owned(), 1)]);
    }

    #[test]
    fn time_over_the_limit_is_summed_up() {
        let stats = Stats::new(1, 1);
        stats.end_exceeded(50);
        stats.begin_exceeded(100);
        stats.begin_exceeded(200);
        let exceeded = stats.exceeded(300);
        assert_eq!((exceeded.total_ms, exceeded.current_ms), (200, 200));
        stats.end_exceeded(350);
        let exceeded = stats.exceeded(400);
        assert_eq!((exceeded.total_ms, exceeded.current_ms), (250, 0));
        stats.begin_exceeded(500);
        stats.reset();
        let exceeded = stats.exceeded(600);
        assert_eq!((exceeded.total_ms, exceeded.current_ms), (0, 0));
    }

    #[test]
    fn the_share_of_stale_keys_follows_slowly() {
        let stats = Stats::new(1, 1);
        let half = Overdue {
            volatile: 100,
            expired: 50,
            lag_ms: 7,
        };
        stats.note_overdue(Overdue::default());
        assert_eq!(stats.stale_percent(), 0.0);
        stats.note_overdue(half);
        assert_eq!((stats.stale_percent(), stats.expire_lag_ms.get()), (2.5, 7));
        (0..200).for_each(|_| stats.note_overdue(half));
        assert!(stats.stale_percent() > 45.0);
    }
}
