//! Threads that take the runs of one snapshot.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use parking_lot::Mutex;
use storage::keyspace::SHARDS;
use storage::rdb::Run;

use super::Failure;
use super::keys::{Counts, Keys, Terms};

/// More than this are not faster than who reads the file.
const MOST_THREADS: usize = 8;

/// A run and how many came before it.
type Numbered = (u64, Run);

/// See the [module](self).
pub(super) struct Crew {
    /// `None` when there is no more to come.
    runs: Option<SyncSender<Numbered>>,
    count: u64,
    threads: Vec<JoinHandle<Counts>>,
    outcome: Arc<Outcome>,
}

/// What has become of the runs.
struct Outcome {
    /// The number of the first run that failed, so far.
    failed: AtomicU64,
    failure: Mutex<Option<Failure>>,
}

impl Outcome {
    /// Notes what went wrong, unless something did before it.
    fn note(&self, number: u64, failure: Failure) {
        let mut first = self.failure.lock();
        if number < self.failed.load(Relaxed) {
            self.failed.store(number, Relaxed);
            *first = Some(failure);
        }
    }
}

impl Crew {
    /// Begins with at most so many threads; `None` if the system gives none.
    pub fn start(terms: &Arc<Terms>, count: usize) -> Option<Crew> {
        let count = count.min(MOST_THREADS);
        // As many wait as are in work: memory holds some megabytes of the file at most.
        let (runs, waiting) = sync_channel(count);
        let waiting = Arc::new(Mutex::new(waiting));
        let outcome = Arc::new(Outcome {
            failed: AtomicU64::new(u64::MAX),
            failure: Mutex::default(),
        });
        let spawn = |number: usize| {
            let keys = Keys::new(Arc::clone(terms), number * SHARDS / count);
            let (waiting, outcome) = (Arc::clone(&waiting), Arc::clone(&outcome));
            let thread = Builder::new().name(format!("load-{number}"));
            thread.spawn(move || work(keys, &waiting, &outcome)).ok()
        };
        let threads: Vec<_> = (0..count).map_while(spawn).collect();
        (!threads.is_empty()).then_some(Crew {
            runs: Some(runs),
            count: 0,
            threads,
            outcome,
        })
    }

    /// Takes a run, as soon as a thread has done another.
    ///
    /// # Errors
    /// That of one that came before. It need not be the first: see [`Crew::finish`].
    pub fn take(&mut self, run: Run) -> Result<(), Failure> {
        if let Some(runs) = &self.runs {
            // The threads stay until there is no more to come.
            let _ = runs.send((self.count, run));
            self.count += 1;
        }
        match self.outcome.failed.load(Relaxed) {
            u64::MAX => Ok(()),
            _ => self.end().map(drop),
        }
    }

    /// Waits until all runs are done; how many keys there were.
    ///
    /// # Errors
    /// What is wrong with the first that failed.
    pub fn finish(mut self) -> Result<Counts, Failure> {
        self.end()
    }

    fn end(&mut self) -> Result<Counts, Failure> {
        self.runs = None;
        let counts = self.threads.drain(..).map(|thread| {
            let ended = thread.join();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        let counts = counts.fold(Counts::default(), Counts::and);
        match self.outcome.failure.lock().take() {
            Some(failure) => Err(failure),
            None => Ok(counts),
        }
    }
}

impl Drop for Crew {
    /// Whoever gives a snapshot up may count on nothing coming after.
    fn drop(&mut self) {
        self.runs = None;
        for thread in self.threads.drain(..) {
            // What it has to say is of no interest any more.
            let _ = thread.join();
        }
    }
}

/// Takes runs until there are no more, but none behind one that failed.
fn work(mut keys: Keys, waiting: &Mutex<Receiver<Numbered>>, outcome: &Outcome) -> Counts {
    loop {
        let next = waiting.lock().recv();
        let Ok((number, run)) = next else {
            return keys.counts;
        };
        if number < outcome.failed.load(Relaxed)
            && let Err(failure) = keys.take_run(None, &run)
        {
            outcome.note(number, failure);
        }
    }
}
