//! A snapshot is of one moment, whatever goes on meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use super::wait_for_background;
use crate::support::{Client, Kind, Server, seed};

const DEBUG: &[&str] = &["--enable-debug-command", "yes"];

fn loaded_by_redis(server: &Server) -> Server {
    Server::start_on(Kind::Oracle, DEBUG, |own| {
        std::fs::copy(server.dir().join("dump.rdb"), own.join("dump.rdb")).expect("a file");
    })
}

fn sum(client: &mut Client) -> i64 {
    let keys: Vec<String> = (0..64).map(|it| format!("account:{it}")).collect();
    let values = client.call(&[vec!["MGET".to_owned()], keys].concat());
    let values = values.items().iter();
    values
        .map(|it| it.text().parse::<i64>().expect("a number"))
        .sum()
}

#[test]
fn what_is_moved_in_transactions_is_never_in_between() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for account in 0..64 {
        client.line(&format!("SET account:{account} 1000"));
    }
    client.line("EVAL \"for i=1,20000 do redis.call('SET','filler:'..i,i) end\" 0");
    let stop = AtomicBool::new(false);
    let mut rng = fastrand::Rng::with_seed(seed());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (mut rng, mut client) = (rng.fork(), server.connect());
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let (from, to) = (rng.u32(..64), rng.u32(..64));
                    let take = format!("DECRBY account:{from} 7");
                    let give = format!("INCRBY account:{to} 7");
                    client.pipeline(&["MULTI", &take, &give, "EXEC"]);
                }
            });
        }
        for round in 0..6 {
            match round % 2 {
                0 => assert_eq!(client.line("SAVE").to_string(), "OK"),
                _ => {
                    client.line("BGSAVE");
                    wait_for_background(&server, &mut client);
                }
            }
            let oracle = loaded_by_redis(&server);
            assert_eq!(sum(&mut oracle.connect()), 64_000, "round {round}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Large collections are written in pieces: what changes between two of them is as it was before the first.
#[test]
fn large_collections_are_as_they_were() {
    let server = Server::keytag(DEBUG);
    let mut client = server.connect();
    client.line(
        "EVAL \"for i=1,30000 do \
             redis.call('HSET','hash:'..i%3,'field:'..i,'value:'..i) \
             redis.call('SADD','set:'..i%3,'member:'..i) \
             redis.call('ZADD','zset:'..i%3,i%100,'member:'..i) \
             redis.call('RPUSH','list:'..i%3,'element:'..i) \
             redis.call('XADD','stream:'..i%3,i..'-1','field',i) \
         end\" 0",
    );
    for seed_of_round in 0..4 {
        let mut rng = fastrand::Rng::with_seed(seed().wrapping_add(seed_of_round));
        let then = client.line("DEBUG DIGEST").text();
        // So that many a collection is begun when it is changed.
        client.line("CONFIG SET rdb-key-save-delay 1000");
        client.line("BGSAVE");
        for _ in 0..40 {
            let (number, element) = (rng.u32(..3), rng.u32(..30_000));
            let line = match rng.u32(..9) {
                0 => format!("HSET hash:{number} field:{element} new"),
                1 => format!("SREM set:{number} member:{element}"),
                2 => format!("ZADD zset:{number} 5 member:{element}"),
                3 => format!("LPUSH list:{number} new"),
                4 => format!("XADD stream:{number} * field new"),
                5 => format!("HDEL hash:{number} field:{element}"),
                6 => format!("PEXPIREAT zset:{number} 4000000000000"),
                7 => format!("RENAME list:{number} list:new"),
                _ => format!("COPY set:{number} set:{number}:copy REPLACE"),
            };
            client.line(&line);
            if rng.u32(..10) == 0 {
                client.line("RENAME list:new list:0");
            }
        }
        client.line("CONFIG SET rdb-key-save-delay 0");
        wait_for_background(&server, &mut client);
        let oracle = loaded_by_redis(&server);
        assert_eq!(oracle.connect().line("DEBUG DIGEST").text(), then);
    }
}

#[test]
fn databases_that_are_flushed_or_swapped_meanwhile_are_as_they_were() {
    let server = Server::keytag(&[DEBUG, &["--rdb-key-save-delay", "2000"]].concat());
    let mut client = server.connect();
    for db in 0..3 {
        client.line(&format!("SELECT {db}"));
        client.line("EVAL \"for i=1,100 do redis.call('SET','k'..i,i) end\" 0");
        client.line(
            "EVAL \"for i=1,20000 do redis.call('HSET','hash','field:'..i,'value:'..i) end\" 0",
        );
    }
    client.line("SELECT 0");
    let then = client.line("DEBUG DIGEST").text();
    client.line("BGSAVE");
    client.line("SWAPDB 0 1");
    client.line("FLUSHDB");
    client.line("SET k1 new");
    client.line("SWAPDB 0 2");
    client.line("FLUSHDB");
    client.line("CONFIG SET rdb-key-save-delay 0");
    wait_for_background(&server, &mut client);
    let oracle = loaded_by_redis(&server);
    assert_eq!(oracle.connect().line("DEBUG DIGEST").text(), then);
}
