//! What the server counts.
//!
//! Figures of the hot path are gathered by each connection in a [`Recorder`] and handed over once a
//! batch, so that counting a command costs a push to a small vector.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

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
    /// Bytes sent.
    pub sent_bytes: u64,
}

impl Recorder {
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
    /// Milliseconds spent in that search.
    expire_cycle_ms,
    /// Times a write met a full memory limit.
    eviction_exceeded,
    /// Failed `AUTH`s.
    auth_denied,
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
        }
        if recorder.sent_bytes > 0 {
            counters
                .sent_bytes
                .add(std::mem::take(&mut recorder.sent_bytes));
        }
        if recorder.samples.is_empty() {
            return;
        }
        let mut line = self.lines[thread % self.lines.len()].lock();
        let mut ran = 0;
        for sample in recorder.samples.drain(..) {
            ran += u64::from(sample.ending != Ending::Rejected);
            line[sample.id as usize].add(&sample, with_histograms);
        }
        counters.commands.add(ran);
    }

    /// Counts an error reply by its first word.
    pub fn error(&self, prefix: &str) {
        self.counters.errors.add(1);
        let mut errors = self.errors.lock();
        if let Some(count) = errors.get_mut(prefix) {
            *count += 1;
        } else if errors.len() < ERROR_KINDS {
            errors.insert(prefix.to_owned(), 1);
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

    /// Sets all figures to zero, but for the changes since the last snapshot.
    pub fn reset(&self) {
        self.counters.reset();
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
