//! Going over the keyspace as it was at one moment, while it goes on changing.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use storage::keyspace::SHARDS;
use storage::snapshot::Slice;

use crate::config::options;
use crate::server::Server;

/// Slots of a partition handed over under one lock: some tens of microseconds for small values.
const SLOTS: usize = 256;

/// Once writers had to save more than this it is handed over, wherever the walk is.
const MOST_SAVED_BYTES: usize = 32 * 1024 * 1024;

/// Giving way takes no longer where nobody else wants the core.
const UNCONTENDED: Duration = Duration::from_micros(20);

/// A slice that took long is one whose file was waited for.
const LONGEST_REST: Duration = Duration::from_millis(1);

/// Hands over the whole snapshot a slice at a time, shard by shard.
///
/// # Errors
/// The first of `write`. The snapshot has been walked to its end then too, so that another may begin.
pub(super) fn walk(
    server: &Server,
    mut write: impl FnMut(&Slice) -> io::Result<()>,
) -> io::Result<()> {
    let written = walk_shards(server, &mut write);
    if written.is_err() {
        give_up(server);
    }
    written
}

/// Walks a snapshot to its end that nobody wants any more.
pub(super) fn give_up(server: &Server) {
    server.keyspace.abandon_snapshot();
    // Cannot fail: what is walked is thrown away.
    let _ = walk_shards(server, &mut |_| Ok(()));
}

fn walk_shards(
    server: &Server,
    write: &mut impl FnMut(&Slice) -> io::Result<()>,
) -> io::Result<()> {
    let mut hand_over = |slice: &Slice| {
        let status = &server.persist.status;
        status.walked_keys.fetch_add(slice.entries, Relaxed);
        match slice.draft.is_empty() {
            true => Ok(()),
            false => write(slice),
        }
    };
    let mut began = Instant::now();
    for shard in 0..SHARDS {
        let slots = slots(server);
        while let Some(slice) = server.keyspace.snapshot_some(shard, slots) {
            hand_over(&slice)?;
            let saved_bytes = server.keyspace.snapshot_bytes();
            server.persist.status.note_saved(saved_bytes);
            if saved_bytes > MOST_SAVED_BYTES && !slice.is_inside {
                for shard in 0..SHARDS {
                    let saved = server.keyspace.snapshot_saved(shard);
                    saved.iter().try_for_each(&mut hand_over)?;
                }
            }
            began = give_way(began);
            delay(server, slice.entries);
        }
    }
    Ok(())
}

/// Where there are fewer cores than threads, who serves clients need not wait until the time of this one is up, which
/// would be some milliseconds. If somebody has waited, it rests for as long as it has worked since it began: others find
/// the core free half of the time. Gives when it goes on.
fn give_way(began: Instant) -> Instant {
    let worked = began.elapsed();
    let asked = Instant::now();
    std::thread::yield_now();
    if asked.elapsed() > UNCONTENDED {
        std::thread::sleep(worked.min(LONGEST_REST));
    }
    Instant::now()
}

fn slots(server: &Server) -> usize {
    match server.settings.config.get(options::RDB_KEY_SAVE_DELAY) {
        0 => SLOTS,
        _ => 1,
    }
}

/// Makes it slow, for tests: so many microseconds a key (`rdb-key-save-delay`), or one for so many keys if negative.
fn delay(server: &Server, keys: usize) {
    let keys = keys as u64;
    let micros = match server.settings.config.get(options::RDB_KEY_SAVE_DELAY) {
        0 => return,
        micros @ 1.. => keys * micros.unsigned_abs(),
        keys_a_micro => keys / keys_a_micro.unsigned_abs(),
    };
    std::thread::sleep(Duration::from_micros(micros));
}
