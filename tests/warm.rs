//! `warm-from`: the data set of a live Redis is copied while that one goes on serving.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::{Client, Kind, Server, seed, tools};

const PASSWORD: &str = "between us";
/// How long the follower may be behind.
const PATIENCE: Duration = Duration::from_secs(20);
/// Writes of the other while it is copied, and at least so many after that.
const WRITES_BEHIND: usize = 2_000;

/// A Redis 7.4.1 with a volume of every type and encoding.
fn source() -> Server {
    let flags = [
        "--requirepass",
        PASSWORD,
        "--enable-debug-command",
        "yes",
        "--repl-diskless-sync-delay",
        "0",
    ];
    Server::start_on(Kind::Oracle, &flags, |dir| {
        let volume = tools::root().join("tests/fixtures/redis-7.4.1/dump.rdb");
        std::fs::copy(volume, dir.join("dump.rdb")).expect("a copy of the volume");
    })
}

fn authenticated(server: &Server) -> Client {
    let mut client = server.connect();
    assert_eq!(client.call(&["AUTH", PASSWORD]).to_string(), "OK");
    client
}

fn digest(client: &mut Client) -> String {
    client.line("DEBUG DIGEST").to_string()
}

fn warm(client: &mut Client, field: &str) -> String {
    let info = client.line("INFO replication").text();
    let lines = info.lines().filter_map(|line| line.split_once(':'));
    let found = lines.into_iter().find(|(name, _)| *name == field);
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A write of any kind, none of which runs out while the test does.
fn write(rng: &mut Rng, client: &mut Client) {
    let key = rng.u32(..200);
    let lines = match rng.u32(..10) {
        0 => vec![format!("INCR n:{key}")],
        1 => vec![format!("RPUSH l:{key} {} {}", rng.u32(..), rng.u32(..))],
        2 => vec![format!("LPOP l:{key}")],
        3 => vec![format!("SADD s:{key} {}", rng.u32(..1_000))],
        4 => vec![format!("SPOP s:{key}")],
        5 => vec![format!("ZADD z:{key} {} {}", rng.u32(..), rng.u32(..50))],
        6 => vec![format!("XADD x:{key} MAXLEN 20 * f {}", rng.u32(..))],
        7 => vec![format!("SET n:{key} {} EX 1000", rng.u32(..1_000))],
        8 => vec![
            "MULTI".to_owned(),
            format!("APPEND a:{key} {}", rng.u32(..)),
            format!("HSET h:{key} f {} g 1", rng.u32(..)),
            "EXEC".to_owned(),
        ],
        _ => vec![
            format!("SELECT {}", rng.u32(1..4)),
            format!("COPY n:{key} n:{} DB 0 REPLACE", rng.u32(..200)),
            format!("SET other:{key} {}", rng.u32(..)),
            "SELECT 0".to_owned(),
        ],
    };
    for line in lines {
        let reply = client.line(&line);
        assert!(!reply.is_error(), "{line}: {reply}");
    }
}

#[test]
fn a_copy_of_a_live_redis_follows_it_and_outlives_it() {
    let mut source = source();
    let mut rng = Rng::with_seed(seed());
    let is_over = AtomicBool::new(false);
    let address = format!("127.0.0.1:{}", source.port());
    let flags = ["--warm-from", &address, "--masterauth", PASSWORD];
    let more = ["--appendonly", "yes", "--enable-debug-command", "yes"];
    let mut copy = std::thread::scope(|scope| {
        let (mut client, is_over) = (authenticated(&source), &is_over);
        let writer = scope.spawn(move || {
            let mut written_behind = 0;
            while written_behind < WRITES_BEHIND {
                write(&mut rng, &mut client);
                written_behind += usize::from(is_over.load(Ordering::Relaxed));
            }
        });
        let copy = Server::keytag(&[flags, more].concat());
        is_over.store(true, Ordering::Relaxed);
        writer.join().expect("the other takes all writes");
        copy
    });
    let theirs = digest(&mut authenticated(&source));
    let mut client = copy.connect();
    wait_for("the last write", || digest(&mut client) == theirs);
    assert_eq!(warm(&mut client, "warm_from"), address);
    assert_eq!(warm(&mut client, "warm_state"), "following");
    let functions = "FUNCTION LIST";
    let (ours, theirs_functions) = (
        client.line(functions),
        authenticated(&source).line(functions),
    );
    assert_eq!(ours.to_string(), theirs_functions.to_string());

    source.kill();
    wait_for("the end of the link", || {
        warm(&mut client, "warm_state") == "ended"
    });
    assert!(
        copy.log().contains("This server goes on alone."),
        "{}",
        copy.log()
    );
    assert_eq!(digest(&mut client), theirs);
    assert_eq!(client.line("SET after 1").to_string(), "OK");
    let own = digest(&mut client);

    // Whom it copied may come back with what it knew then: what the copy has kept itself counts.
    source.start_again();
    copy.kill();
    copy.start_again();
    let mut client = copy.connect();
    assert_eq!(warm(&mut client, "warm_state"), "skipped");
    assert_eq!(digest(&mut client), own);
}

#[test]
fn following_ends_when_it_is_told_to() {
    let source = source();
    let mut theirs = authenticated(&source);
    let address = format!("127.0.0.1:{}", source.port());
    let copy = Server::keytag(&["--warm-from", &address, "--masterauth", PASSWORD]);
    let mut ours = copy.connect();
    theirs.line("SET followed yes");
    wait_for("a write", || {
        ours.line("GET followed").to_string() == "\"yes\""
    });
    assert_eq!(ours.line("CONFIG SET warm-from ''").to_string(), "OK");
    wait_for("the end", || warm(&mut ours, "warm_state") == "ended");
    theirs.line("SET alone yes");
    wait_for("the other knows", || {
        theirs
            .line("INFO replication")
            .text()
            .contains("connected_slaves:0")
    });
    assert_eq!(ours.line("GET alone").to_string(), "(nil)");
}

/// What the other writes meanwhile is not lost.
#[test]
fn following_waits_for_a_script_that_does_not_end() {
    let source = source();
    let mut theirs = authenticated(&source);
    let address = format!("127.0.0.1:{}", source.port());
    let flags = ["--warm-from", &address, "--masterauth", PASSWORD];
    let more = ["--busy-reply-threshold", "10"];
    let copy = Server::keytag(&[&flags[..], &more].concat());
    let mut stuck = copy.connect();
    stuck.send(&["EVAL", "while true do end", "0"]);
    let mut ours = copy.connect();
    wait_for("a script that runs too long", || {
        ours.line("GET followed")
            .to_string()
            .starts_with("(error) BUSY")
    });
    let library = "#!lua name=late\nredis.register_function('late', function() return 1 end)";
    theirs.line("SET followed yes");
    theirs.call(&["FUNCTION", "LOAD", library]);
    let sent = theirs.info_number("master_repl_offset");
    let taken = |theirs: &mut Client| {
        let info = theirs.info("slave0").unwrap_or_default();
        let fields = info.split(',').filter_map(|it| it.split_once('='));
        let offset = fields.into_iter().find(|(name, _)| *name == "offset");
        offset.map_or(0, |(_, offset)| offset.parse().expect("a number"))
    };
    // Long enough for the records to be tried.
    std::thread::sleep(Duration::from_millis(200));
    assert!(taken(&mut theirs) < sent);
    assert_eq!(ours.line("SCRIPT KILL").to_string(), "OK");
    wait_for("the records", || taken(&mut theirs) >= sent);
    assert_eq!(ours.line("GET followed").to_string(), "\"yes\"");
    assert_eq!(ours.line("FCALL late 0").to_string(), "(integer) 1");
}

#[test]
fn who_may_not_copy_starts_with_nothing() {
    let source = source();
    let address = format!("127.0.0.1:{}", source.port());
    for (flags, complaint) in [
        (
            vec!["--warm-from", &address],
            "NOAUTH Authentication required.",
        ),
        (
            vec!["--warm-from", &address, "--masterauth", "wrong"],
            "WRONGPASS invalid username-password pair or user is disabled.",
        ),
        (vec!["--warm-from", "127.0.0.1:1"], "Connection refused"),
        (vec!["--warm-from", "nowhere"], "invalid socket address"),
    ] {
        let copy = Server::keytag(&flags);
        let mut client = copy.connect();
        assert_eq!(warm(&mut client, "warm_state"), "failed");
        assert!(
            copy.log().contains(complaint),
            "{complaint}: {}",
            copy.log()
        );
        assert_eq!(client.line("DBSIZE").to_string(), "(integer) 0");
    }
}
