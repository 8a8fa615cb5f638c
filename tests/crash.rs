//! SIGKILL under load: nothing that was acknowledged is lost beyond what the fsync policy allows.
//!
//! Each connection writes keys and tags of its own, in a database of its own, so its commands are ordered, and what is
//! found after the restart must be what some prefix of them had made: at least all that were acknowledged (with
//! `everysec`: acknowledged a second before the kill), at most all that were sent. A snapshot on disk must be whole, and
//! of one moment of all connections.

mod history;
mod moment;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::snapshot::wait_until;
use crate::support::transcript::rewrite;
use crate::support::{Client, Kind, Reply, Server, is_full_run, seed, tools, words};
use history::{History, Model, Write, have_one_in_common};
use moment::Moment;

const CONNECTIONS: usize = 4;
/// `everysec` may lose a second, and the kill comes a moment after the clock is read.
const EVERYSEC_LOSS: Duration = Duration::from_millis(1_100);

#[test]
fn appendfsync_always_loses_nothing_acknowledged() {
    campaign(Policy::Always, Beside::Nothing, &[Moment::Random], 60);
}

#[test]
fn appendfsync_everysec_loses_a_second_at_most() {
    campaign(Policy::Everysec, Beside::Nothing, &[Moment::Random], 60);
}

#[test]
fn a_kill_during_rewrites_loses_nothing_acknowledged() {
    campaign(Policy::Always, Beside::Rewrites, &[Moment::Random], 60);
}

#[test]
fn a_kill_during_snapshots_leaves_a_whole_one() {
    campaign(Policy::Always, Beside::Snapshots, &[Moment::Random], 60);
    campaign(Policy::Everysec, Beside::Snapshots, &[Moment::Random], 40);
}

#[test]
fn a_kill_in_a_step_of_a_rewrite_loses_nothing_acknowledged() {
    campaign(Policy::Always, Beside::Rewrites, moment::OF_REWRITES, 100);
    campaign(Policy::Everysec, Beside::Rewrites, moment::OF_REWRITES, 60);
}

#[test]
fn a_kill_in_a_step_of_a_snapshot_leaves_a_whole_one() {
    campaign(Policy::Always, Beside::Both, moment::OF_SNAPSHOTS, 80);
}

/// `appendfsync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Always,
    Everysec,
}

/// What goes on all the time besides the load, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    Rewrites,
    Snapshots,
    Both,
}

impl Beside {
    fn commands(self) -> &'static [&'static str] {
        match self {
            Beside::Nothing => &[],
            Beside::Rewrites => &["BGREWRITEAOF"],
            Beside::Snapshots => &["BGSAVE"],
            Beside::Both => &["BGREWRITEAOF", "BGSAVE SCHEDULE"],
        }
    }

    /// Lets it go on until the server is gone.
    pub(crate) fn repeat(self, port: u16) {
        let Ok(mut client) = Client::connect(port) else {
            return;
        };
        for line in self.commands().iter().cycle() {
            client.send(&words::split(line));
            // Refused while another runs.
            if client.try_receive().is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Kills a server again and again: in a full run so many times.
fn campaign(policy: Policy, beside: Beside, moments: &[Moment], kills: usize) {
    let mut rng = Rng::with_seed(seed());
    let (appendfsync, loss) = match policy {
        Policy::Always => ("always", Duration::ZERO),
        Policy::Everysec => ("everysec", EVERYSEC_LOSS),
    };
    let mut flags = vec!["--appendonly", "yes", "--appendfsync", appendfsync];
    if beside.commands().contains(&"BGSAVE") {
        flags.extend(["--save", "1 1"]);
    }
    let mut server = Server::keytag(&flags);
    let mut snapshots = 0;
    for _ in 0..if is_full_run() { kills } else { 3 } {
        begin_anew(&server);
        let moment = moments[rng.usize(..moments.len())];
        let histories = load_and_kill(&mut server, &mut rng, beside, moment);
        snapshots += usize::from(check_snapshot(&server.dir(), &histories));
        server.start_again();
        let found = read(&mut server.connect());
        for (index, (history, killed_at)) in histories.iter().enumerate() {
            history.assert_prefix(
                index,
                &found,
                killed_at.checked_sub(loss).expect("after the start"),
            );
        }
    }
    println!("{policy:?}, {beside:?}: {kills} kills in a full run, {snapshots} snapshots checked");
}

/// Empties the server and its log, and lets no snapshot be there.
fn begin_anew(server: &Server) {
    let mut client = server.connect();
    let mut wait = || {
        wait_until(server, "a snapshot does not end", || {
            client.info_number("rdb_bgsave_in_progress") == 0
        });
    };
    wait();
    assert_eq!(server.connect().line("FLUSHALL").to_string(), "OK");
    // Else the log of all rounds would be read at each start.
    rewrite(&mut server.connect());
    wait();
    let _ = fs::remove_file(server.dir().join("dump.rdb"));
}

/// What each connection did until the server was killed, and when that was.
fn load_and_kill(
    server: &mut Server,
    rng: &mut Rng,
    beside: Beside,
    moment: Moment,
) -> Vec<(History, Instant)> {
    let seeds: Vec<u64> = (0..CONNECTIONS).map(|_| rng.u64(..)).collect();
    let port = server.port();
    std::thread::scope(|scope| {
        let writers: Vec<_> = seeds
            .into_iter()
            .enumerate()
            .map(|(index, seed)| {
                scope.spawn(move || History::write(port, index, Rng::with_seed(seed)))
            })
            .collect();
        scope.spawn(move || beside.repeat(port));
        moment.wait(&server.dir(), rng);
        let killed_at = Instant::now();
        server.kill();
        writers
            .into_iter()
            .map(|writer| (writer.join().expect("the writer ends"), killed_at))
            .collect()
    })
}

/// Checks the snapshot on disk, if there is one: Redis' own program accepts it, it loads by itself, and it is of one
/// moment.
fn check_snapshot(dir: &Path, histories: &[(History, Instant)]) -> bool {
    let path = dir.join("dump.rdb");
    if !path.exists() {
        return false;
    }
    let mut command = Command::new("redis-check-rdb");
    let check = tools::run(command.arg(&path), Duration::from_secs(20));
    assert!(check.status.success(), "redis-check-rdb: {}", check.output);
    let server = Server::start_on(Kind::Keytag, &[], |own| {
        fs::copy(&path, own.join("dump.rdb")).expect("copied");
    });
    let found = read(&mut server.connect());
    let moments: Vec<_> = histories
        .iter()
        .enumerate()
        .map(|(owner, (history, _))| history.moments(owner, &found))
        .collect();
    assert!(
        have_one_in_common(&moments),
        "the snapshot is of no moment: {moments:#?}\nFound: {found:#?}"
    );
    true
}

/// Everything that the server holds, of all databases.
fn read(client: &mut Client) -> Model {
    (0..CONNECTIONS)
        .flat_map(|database| {
            assert_eq!(client.line(&format!("SELECT {database}")).to_string(), "OK");
            read_database(client)
        })
        .collect()
}

fn read_database(client: &mut Client) -> Model {
    let keys = crate::support::keyspace::keys(client);
    keys.into_iter()
        .map(|key| {
            let value = client.call(&[b"GET", key.as_slice()]).text();
            let tags = match client.call(&[b"TAGLIST", key.as_slice()]) {
                Reply::Error(error) => panic!("TAGLIST: {}", words::quote(&error)),
                tags => tags.items().iter().map(Reply::text).collect(),
            };
            (String::from_utf8_lossy(&key).into_owned(), (value, tags))
        })
        .collect()
}

#[test]
fn a_lost_write_would_be_noticed() {
    let now = Instant::now();
    let writes = vec![
        Write::Set {
            key: 1,
            value: 7,
            tags: vec![2],
        },
        Write::TagAdd { key: 1, tag: 3 },
        Write::Both { value: 9 },
    ];
    let history = History {
        writes: writes.clone(),
        sent_at: vec![now; 3],
        acknowledged_at: vec![now; 2],
    };
    let state = |count: usize| {
        let mut model = Model::new();
        writes[..count]
            .iter()
            .for_each(|write| write.apply(0, &mut model, &mut Vec::new()));
        model
    };
    let is_explained =
        |found: &Model| std::panic::catch_unwind(|| history.assert_prefix(0, found, now)).is_ok();
    assert!(
        is_explained(&state(2)) && is_explained(&state(3)),
        "the third was never acknowledged"
    );
    assert!(!is_explained(&state(1)), "the tag of the second is lost");
    let mut half = state(3);
    half.remove("0:right");
    assert!(!is_explained(&half), "half of a transaction");
}

#[test]
fn a_snapshot_of_two_moments_would_be_noticed() {
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    // One after the other: the first connection is done before the second begins.
    let history = |from: u64| History {
        writes: vec![Write::Both { value: from }, Write::Both { value: 100 }],
        sent_at: vec![at(from), at(from + 2)],
        acknowledged_at: vec![at(from + 1), at(from + 3)],
    };
    let histories = [history(0), history(10)];
    let state = |counts: [usize; 2]| {
        let mut model = Model::new();
        for (owner, count) in counts.into_iter().enumerate() {
            let writes = &histories[owner].writes[..count];
            writes
                .iter()
                .for_each(|write| write.apply(owner, &mut model, &mut Vec::new()));
        }
        model
    };
    let is_of_one_moment = |found: &Model| {
        let moments = histories.iter().enumerate();
        let moments: Vec<_> = moments
            .map(|(owner, history)| history.moments(owner, found))
            .collect();
        have_one_in_common(&moments)
    };
    for counts in [[0, 0], [1, 0], [2, 0], [2, 1], [2, 2]] {
        assert!(is_of_one_moment(&state(counts)), "{counts:?}");
    }
    for counts in [[0, 1], [1, 1], [1, 2]] {
        assert!(!is_of_one_moment(&state(counts)), "{counts:?}");
    }
    let mut half = state([2, 1]);
    half.remove("1:left");
    assert!(!is_of_one_moment(&half), "half of a transaction");
}
