//! Tags: what belongs to a key, lives with it, and invalidates it.

use std::time::{Duration, Instant};

use crate::support::logged::LOGGED;
use crate::support::{Client, Reply, Server, transcript};

#[test]
fn set_takes_tags() {
    transcript(
        r#"
        # keytag-only
        > SET k v TAGS 2 user runs
        OK
        sorted> TAGLIST k
        1) "runs"
        2) "user"
        > GET k
        "v"
        > SET k w EX 100 TAGS 1 user
        OK
        > TAGLIST k
        1) "user"
        > TAGCARD runs
        (integer) 0
        > TAGCARD user
        (integer) 1
        "#,
    );
}

#[test]
fn set_takes_tags_with_every_other_option() {
    transcript(
        r#"
        # keytag-only
        > SET k v NX TAGS 1 a PXAT 4000000000000
        OK
        > SET k w TAGS 1 b NX
        (nil)
        > TAGLIST k
        1) "a"
        > SET k w XX GET KEEPTTL TAGS 1 b
        "v"
        > TAGLIST k
        1) "b"
        > PEXPIRETIME k
        (integer) 4000000000000
        > SET k x KEEPTTL KEEPTAGS
        OK
        > TAGLIST k
        1) "b"
        > SET k y
        OK
        > TAGLIST k
        (empty array)
        > PEXPIRETIME k
        (integer) -1
        > SET none v KEEPTAGS
        OK
        > TAGLIST none
        (empty array)
        > SET none w XX TAGS 1 EX
        OK
        > TAGLIST none
        1) "EX"
        "#,
    );
}

#[test]
fn set_refuses_bad_tags() {
    transcript(
        r#"
        # keytag-only
        > SET k v TAGS
        (error) ERR syntax error
        > SET k v TAGS 0
        (error) ERR numtags should be greater than 0
        > SET k v TAGS -1 a
        (error) ERR numtags should be greater than 0
        > SET k v TAGS x a
        (error) ERR value is not an integer or out of range
        > SET k v TAGS 2 a
        (error) ERR syntax error
        > SET k v TAGS 1 a b
        (error) ERR syntax error
        > SET k v TAGS 1 a TAGS 1 b
        (error) ERR syntax error
        > SET k v TAGS 1 a KEEPTAGS
        (error) ERR syntax error
        > SET k v KEEPTAGS TAGS 1 a
        (error) ERR syntax error
        > SET k v TAGS 1 ""
        (error) ERR tag is empty
        > SET k v TAGS 9223372036854775807 a
        (error) ERR syntax error
        > SET k v TAGS 9223372036854775808 a
        (error) ERR value is not an integer or out of range
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn tagadd_and_tagrem_count_changes() {
    transcript(
        r#"
        # keytag-only
        > TAGADD none a
        (integer) -2
        > TAGREM none a
        (integer) -2
        > TAGLIST none
        (empty array)
        > SET k v
        OK
        > TAGADD k a b a
        (integer) 2
        > TAGADD k b c
        (integer) 1
        > TAGREM k a none a
        (integer) 1
        sorted> TAGLIST k
        1) "b"
        2) "c"
        > TAGREM k b c
        (integer) 2
        > TAGLIST k
        (empty array)
        > TAGADD k ""
        (error) ERR tag is empty
        > TAGADD k
        (error) ERR wrong number of arguments for 'tagadd' command
        > TAGREM k
        (error) ERR wrong number of arguments for 'tagrem' command
        > TAGLIST
        (error) ERR wrong number of arguments for 'taglist' command
        > TAGCARD
        (error) ERR wrong number of arguments for 'tagcard' command
        > TAGINVALIDATE
        (error) ERR wrong number of arguments for 'taginvalidate' command
        "#,
    );
}

#[test]
fn taginvalidate_counts_the_union() {
    transcript(
        r#"
        # keytag-only
        > SET a 1 TAGS 2 x y
        OK
        > SET b 2 TAGS 1 y
        OK
        > SET c 3 TAGS 1 z
        OK
        > SET d 4
        OK
        > TAGINVALIDATE x y none x
        (integer) 2
        > EXISTS a b c d
        (integer) 2
        > DBSIZE
        (integer) 2
        > TAGINVALIDATE x y
        (integer) 0
        > TAGCARD y
        (integer) 0
        > SET a 5 TAGS 1 x
        OK
        > TAGCARD x
        (integer) 1
        > GET a
        "5"
        > TAGINVALIDATE ""
        (error) ERR tag is empty
        "#,
    );
}

#[test]
fn tags_are_binary_and_case_sensitive() {
    transcript(
        r#"
        # keytag-only
        > SET k v TAGS 3 "\x00\xff\r\n" Tag tag
        OK
        sorted> TAGLIST k
        1) "\x00\xff\r\n"
        2) "Tag"
        3) "tag"
        > TAGINVALIDATE TAG
        (integer) 0
        > TAGINVALIDATE "\x00\xff\r\n"
        (integer) 1
        > EXISTS k
        (integer) 0
        "#,
    );
}

#[test]
fn overwriting_removes_tags() {
    transcript(
        r#"
        # keytag-only
        > SET k v TAGS 1 t
        OK
        > SETEX k 100 w
        OK
        > TAGLIST k
        (empty array)
        > TAGADD k t
        (integer) 1
        > PSETEX k 100000 w
        OK
        > TAGLIST k
        (empty array)
        > TAGADD k t
        (integer) 1
        > GETSET k x
        "w"
        > TAGLIST k
        (empty array)
        > TAGADD k t
        (integer) 1
        > MSET k y
        OK
        > TAGLIST k
        (empty array)
        > TAGCARD t
        (integer) 0
        > TAGINVALIDATE t
        (integer) 0
        > GET k
        "y"
        "#,
    );
}

#[test]
fn changing_in_place_keeps_tags() {
    transcript(
        r#"
        # keytag-only
        > SET n 1 TAGS 1 t
        OK
        > INCR n
        (integer) 2
        > INCRBYFLOAT n 0.5
        "2.5"
        > APPEND n 0
        (integer) 4
        > SETRANGE n 0 9
        (integer) 4
        > EXPIRE n 1000
        (integer) 1
        > PERSIST n
        (integer) 1
        > GETEX n EX 1000
        "9.50"
        > TAGLIST n
        1) "t"
        > SET n v NX TAGS 1 other
        (nil)
        > SETNX n v
        (integer) 0
        > TAGLIST n
        1) "t"
        "#,
    );
}

#[test]
fn tags_go_with_the_key() {
    transcript(
        r#"
        # keytag-only
        > SET k v TAGS 1 t
        OK
        > DEL k
        (integer) 1
        > TAGCARD t
        (integer) 0
        > SET k v
        OK
        > TAGLIST k
        (empty array)
        > TAGADD k t
        (integer) 1
        > GETDEL k
        "v"
        > SET k v
        OK
        > TAGINVALIDATE t
        (integer) 0
        > TAGADD k t
        (integer) 1
        > UNLINK k
        (integer) 1
        > TAGCARD t
        (integer) 0
        > SET k v TAGS 1 t
        OK
        > PEXPIREAT k 1
        (integer) 1
        > TAGCARD t
        (integer) 0
        > SET k v TAGS 1 t
        OK
        > FLUSHDB
        OK
        > TAGCARD t
        (integer) 0
        > SET k v
        OK
        > TAGLIST k
        (empty array)
        "#,
    );
}

#[test]
fn rename_copy_and_move_take_tags_along() {
    transcript(
        r#"
        # keytag-only
        > SET a 1 TAGS 1 t
        OK
        > SET b 2 TAGS 1 u
        OK
        > RENAME a b
        OK
        > TAGLIST b
        1) "t"
        > TAGCARD u
        (integer) 0
        > COPY b c
        (integer) 1
        > TAGLIST c
        1) "t"
        > TAGCARD t
        (integer) 2
        > COPY b b DB 1
        (integer) 1
        > MOVE c 1
        (integer) 1
        > TAGCARD t
        (integer) 1
        > SELECT 1
        OK
        > TAGCARD t
        (integer) 2
        > TAGINVALIDATE t
        (integer) 2
        > SELECT 0
        OK
        > TAGCARD t
        (integer) 1
        > SWAPDB 0 1
        OK
        > TAGCARD t
        (integer) 0
        > SELECT 1
        OK
        > TAGLIST b
        1) "t"
        > TAGINVALIDATE t
        (integer) 1
        "#,
    );
}

#[test]
fn tagkeys_lists_the_keys() {
    transcript(
        r#"
        # keytag-only
        > MSET a 1 b 2
        OK
        > SET k v TAGS 1 t
        OK
        > TAGKEYS t 0
        1) "0"
        2) 1) "k"
        > TAGKEYS t 0 MATCH x*
        1) "0"
        2) (empty array)
        > TAGKEYS t 0 MATCH k* COUNT 10
        1) "0"
        2) 1) "k"
        > TAGKEYS none 0
        1) "0"
        2) (empty array)
        > TAGKEYS t x
        (error) ERR invalid cursor
        > TAGKEYS t 0 COUNT 0
        (error) ERR syntax error
        > TAGKEYS t 0 COUNT x
        (error) ERR value is not an integer or out of range
        > TAGKEYS t 0 WHAT 1
        (error) ERR syntax error
        > TAGKEYS t
        (error) ERR wrong number of arguments for 'tagkeys' command
        "#,
    );
}

#[test]
fn tagnames_lists_the_tags_in_use() {
    transcript(
        r#"
        # keytag-only
        > SET k v TAGS 1 t
        OK
        > TAGNAMES 0
        1) "0"
        2) 1) "t"
        > TAGNAMES 0 MATCH u*
        1) "0"
        2) (empty array)
        > DEL k
        (integer) 1
        > TAGNAMES 0 COUNT 1000
        1) "0"
        2) (empty array)
        > TAGNAMES x
        (error) ERR invalid cursor
        > TAGNAMES 0 COUNT 0
        (error) ERR syntax error
        > TAGNAMES
        (error) ERR wrong number of arguments for 'tagnames' command
        "#,
    );
}

#[test]
fn transactions_hold_tag_commands() {
    transcript(
        r#"
        # keytag-only
        > MULTI
        OK
        > SET a 1 TAGS 1 t
        QUEUED
        > TAGADD a u
        QUEUED
        > TAGINVALIDATE t
        QUEUED
        > GET a
        QUEUED
        > EXEC
        1) OK
        2) (integer) 1
        3) (integer) 1
        4) (nil)
        "#,
    );
}

#[test]
fn an_invalidated_key_aborts_exec() {
    transcript(
        r#"
        # keytag-only
        > SET a 1 TAGS 1 t
        OK
        > WATCH a
        OK
        2> TAGINVALIDATE t
        (integer) 1
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > SET a 1 TAGS 1 t
        OK
        > WATCH a
        OK
        2> TAGINVALIDATE other
        (integer) 0
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn a_tag_write_over_the_memory_limit_is_refused() {
    transcript(
        r#"
        # keytag-only
        # no-reload
        # flags --maxmemory 1
        > SET k v TAGS 1 t
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > TAGADD k t
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > TAGREM k t
        (integer) -2
        > TAGINVALIDATE t
        (integer) 0
        "#,
    );
}

#[test]
fn a_key_carries_so_many_tags_and_a_tag_is_so_long() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let names: Vec<String> = (0..128).map(|index| format!("tag:{index}")).collect();
    let line = |command: &str, names: &[String]| format!("{command} {}", names.join(" "));
    assert_eq!(
        client.line(&line("SET k v TAGS 128", &names)).to_string(),
        "OK"
    );
    assert_eq!(
        client.line("TAGADD k tag:0 tag:127").to_string(),
        "(integer) 0"
    );
    let refused = "(error) ERR too many tags for key (max 128)";
    assert_eq!(client.line("TAGADD k one-more").to_string(), refused);
    let more: Vec<String> = (0..129).map(|index| format!("tag:{index}")).collect();
    assert_eq!(
        client.line(&line("SET k w TAGS 129", &more)).to_string(),
        refused
    );
    assert_eq!(
        client.line("GET k").to_string(),
        "\"v\"",
        "nothing was changed"
    );
    assert_eq!(client.line("TAGLIST k").items().len(), 128);

    let longest = "x".repeat(1_024);
    assert_eq!(
        client
            .line(&format!("SET j v TAGS 1 {longest}"))
            .to_string(),
        "OK"
    );
    let refused = "(error) ERR tag exceeds maximum allowed length (1024)";
    assert_eq!(
        client.line(&format!("TAGADD j {longest}x")).to_string(),
        refused
    );
    assert_eq!(
        client
            .line(&format!("SET j v TAGS 1 {longest}x"))
            .to_string(),
        refused
    );
    assert_eq!(
        client.line(&format!("TAGCARD {longest}")).to_string(),
        "(integer) 1"
    );
}

#[test]
fn a_large_tag_is_invalidated_at_once_and_its_memory_comes_back() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    client.line("SET stays v TAGS 1 other");
    let empty = client.info_number("used_memory");
    let keys = 50_000;
    for chunk in 0..keys / 1_000 {
        let lines: Vec<String> = (0..1_000)
            .map(|index| {
                format!(
                    "SET key:{} value TAGS 2 big t:{}",
                    chunk * 1_000 + index,
                    index % 7
                )
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        client.pipeline(&lines);
    }
    assert_eq!(client.line("TAGCARD big").integer(), keys);
    assert_eq!(client.line("TAGINVALIDATE big").integer(), keys);
    // Gone for everybody in the same instant, long before it is reclaimed.
    assert_eq!(client.line("TAGCARD big").integer(), 0);
    assert_eq!(client.line("GET key:1").to_string(), "(nil)");
    assert_eq!(client.line("EXISTS key:2 key:49999").integer(), 0);
    assert_eq!(client.line("TAGCARD t:3").integer(), 0);
    assert_eq!(client.line("KEYS *").items().len(), 1);
    assert_eq!(client.line("DBSIZE").integer(), 1);
    assert_eq!(client.line("SET key:1 new TAGS 1 big").to_string(), "OK");
    assert_eq!(client.line("TAGCARD big").integer(), 1);
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.info_number("used_memory") > empty + (1 << 20) {
        assert!(Instant::now() < deadline, "the memory does not come back");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(
        client.line("GET key:1").to_string(),
        "\"new\"",
        "a new key is not taken for an old one"
    );
}

#[test]
fn tags_are_walked_to_the_end() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for index in 0..500 {
        client.line(&format!("SET key:{index} v TAGS 2 all t:{index}"));
    }
    let mut walk = |command: &str| -> Vec<String> {
        let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
        loop {
            let reply = client.line(&command.replace('@', &cursor));
            found.extend(reply.items()[1].items().iter().map(Reply::text));
            cursor = reply.items()[0].text();
            if cursor == "0" {
                found.sort();
                found.dedup();
                return found;
            }
        }
    };
    assert_eq!(walk("TAGKEYS all @").len(), 500);
    assert_eq!(walk("TAGKEYS all @ COUNT 1").len(), 500);
    assert_eq!(walk("TAGKEYS all @ MATCH key:1? COUNT 7").len(), 10);
    assert_eq!(walk("TAGNAMES @").len(), 501);
    assert_eq!(walk("TAGNAMES @ MATCH t:* COUNT 3").len(), 500);
}

/// Walks a command whose `@` is the cursor and gives every element, as often as it was met; `between` is
/// called after each step.
fn walk(
    client: &mut Client,
    command: &str,
    mut between: impl FnMut(&mut Client, usize),
) -> Vec<String> {
    let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
    for step in 0.. {
        let reply = client.line(&command.replace('@', &cursor));
        found.extend(reply.items()[1].items().iter().map(Reply::text));
        cursor = reply.items()[0].text();
        if cursor == "0" {
            break;
        }
        between(client, step);
    }
    found
}

#[test]
fn a_walk_meets_keys_that_are_overwritten_with_their_tag() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for index in 0..300 {
        client.line(&format!("SET key:{index} v TAGS 1 all"));
    }
    let found = walk(&mut client, "TAGKEYS all @ COUNT 5", |client, step| {
        for index in 0..10 {
            let index = (step * 37 + index * 31) % 300;
            client.line(&format!("SET key:{index} w EX 1000 TAGS 2 new all"));
            client.line(&format!("SET extra:{index} v TAGS 1 all"));
            client.line(&format!("RENAME extra:{index} key:{index}"));
        }
    });
    for index in 0..300 {
        assert!(
            found.contains(&format!("key:{index}")),
            "key:{index} was missed"
        );
    }
}

#[test]
fn a_walk_gives_each_tag_once_wherever_its_keys_come_and_go() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for index in 0..200 {
        client.line(&format!("SET a:{index} v TAGS 2 t:{index} everywhere"));
    }
    let mut found = walk(&mut client, "TAGNAMES @ COUNT 3", |client, step| {
        // Each tag moves to another key, which lives in another shard.
        for index in (0..200).skip(step % 3).step_by(3) {
            client.line(&format!("SET {step}:{index} v TAGS 1 t:{index}"));
            client.line(&format!("DEL a:{index} {}:{index}", step.wrapping_sub(3)));
        }
    });
    found.sort();
    let mut expected: Vec<String> = (0..200).map(|index| format!("t:{index}")).collect();
    expected.push("everywhere".to_owned());
    expected.sort();
    // `everywhere` goes with the last of the keys that had it; it was in use at the beginning.
    found.retain(|name| name != "everywhere");
    expected.retain(|name| name != "everywhere");
    assert_eq!(found, expected);
}

#[test]
fn names_go_with_the_database_they_are_used_in() {
    transcript(
        r#"
        # keytag-only
        > SET a 1 TAGS 1 x
        OK
        > SELECT 1
        OK
        > SET b 1 TAGS 1 y
        OK
        > SWAPDB 0 1
        OK
        > TAGNAMES 0
        1) "0"
        2) 1) "x"
        > MOVE a 0
        (integer) 1
        > TAGNAMES 0
        1) "0"
        2) (empty array)
        > SELECT 0
        OK
        sorted> TAGNAMES 0
        1) "0"
        2) 1) "x"
           2) "y"
        > FLUSHDB
        OK
        > TAGNAMES 0
        1) "0"
        2) (empty array)
        > SET a 1 TAGS 1 x
        OK
        > TAGINVALIDATE x
        (integer) 1
        > TAGNAMES 0
        1) "0"
        2) (empty array)
        > SET a 1 TAGS 1 x
        OK
        > FLUSHALL
        OK
        > TAGCARD x
        (integer) 0
        > TAGNAMES 0
        1) "0"
        2) (empty array)
        "#,
    );
}

#[test]
fn what_is_left_of_a_large_invalidation_is_not_counted_by_the_next() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let lines: Vec<String> = (0..20_000)
        .map(|index| format!("SET k:{index} v TAGS 3 big both g:{}", index % 2_000))
        .collect();
    client.pipeline(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    client.line("SET other v TAGS 2 both g:1");
    let replies = client.pipeline(&[
        "TAGINVALIDATE big",
        "TAGINVALIDATE g:1",
        "TAGCARD both",
        "DBSIZE",
    ]);
    let replies: Vec<i64> = replies.iter().map(Reply::integer).collect();
    assert_eq!(replies, [20_000, 1, 0, 0]);
    assert_eq!(client.line("TAGINVALIDATE both g:2 big").integer(), 0);
}

#[test]
fn the_union_is_exact_up_to_4096_pairs() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let lines: Vec<String> = (0..2_048)
        .map(|index| format!("SET k:{index} v TAGS 2 a b"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    client.pipeline(&lines);
    assert_eq!(client.line("TAGINVALIDATE a b a").integer(), 2_048);
    client.pipeline(&lines);
    client.line("SET one-more v TAGS 1 a");
    let count = client.line("TAGINVALIDATE a b").integer();
    assert!((2_049..=4_097).contains(&count), "{count}");
    assert_eq!(client.line("DBSIZE").integer(), 0);
}

#[test]
fn expired_keys_carry_no_tags() {
    let server = Server::keytag(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.line("DEBUG SET-ACTIVE-EXPIRE 0");
    client.line("SET gone v PXAT 1 TAGS 2 t only");
    client.line("SET stays v TAGS 1 t");
    assert_eq!(client.line("TAGCARD t").integer(), 1);
    assert_eq!(client.line("TAGCARD only").integer(), 0);
    assert_eq!(client.line("TAGKEYS t 0").items()[1].items().len(), 1);
    assert_eq!(client.line("TAGINVALIDATE t only").integer(), 1);
    assert_eq!(client.line("TAGLIST gone").items().len(), 0);
    assert_eq!(client.line("TAGADD gone t").integer(), -2);
}

#[test]
fn a_limit_that_was_lowered_does_not_refuse_the_log() {
    let flags = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = Server::keytag(&flags);
    let mut client = server.connect();
    client.line("CONFIG SET tag-max-per-key 200");
    let names: Vec<String> = (0..150).map(|index| format!("t{index}")).collect();
    client.line(&format!("SET k v TAGS 150 {}", names.join(" ")));
    client.line("SET j v");
    client.line(&format!("TAGADD j {}", names.join(" ")));
    client.line("CONFIG SET tag-max-per-key 2");
    let refused = "(error) ERR too many tags for key (max 2)";
    assert_eq!(client.line("TAGADD k t1").to_string(), refused);
    assert_eq!(client.line("SET k v TAGS 3 a b c").to_string(), refused);
    assert_eq!(client.line("SET k2 v TAGS 3 a b a").to_string(), "OK");
    server.restart();
    let mut client = server.connect();
    assert_eq!(client.line("TAGLIST k").items().len(), 150);
    assert_eq!(client.line("TAGLIST j").items().len(), 150);
}

#[test]
fn taglist_is_a_set_in_resp3() {
    let server = Server::keytag(&[]);
    let mut client = server.connect_resp3();
    client.line("SET k v TAGS 1 t");
    client.send(&["TAGLIST", "k"]);
    assert_eq!(client.receive(), b"~1\r\n$1\r\nt\r\n");
    client.send(&["TAGLIST", "none"]);
    assert_eq!(client.receive(), b"~0\r\n");
}

#[test]
fn the_log_holds_plain_commands_and_lines_that_redis_skips() {
    let server = Server::keytag(LOGGED);
    let mut client = server.connect();
    let lines = [
        "SET k v TAGS 2 a \"b c\" EX 1000000 NX GET",
        "SET k w TAGS 1 a PXAT 99999999999999",
        "SET k x KEEPTTL KEEPTAGS XX",
        "SET k y NX TAGS 1 z",
        "INCRBYFLOAT n 1",
        "TAGADD n a",
        "TAGADD n a",
        "TAGREM n b",
        "INCRBYFLOAT n 1",
        "tagrem n a",
        "TAGINVALIDATE a none",
        "TAGINVALIDATE none",
    ];
    for reply in client.pipeline(&lines) {
        assert!(!reply.is_error(), "{reply}");
    }
    let path = std::fs::read_dir(server.dir().join("appendonlydir"))
        .expect("a directory")
        .map(|file| file.expect("listed").path())
        .find(|path| path.to_string_lossy().ends_with(".incr.aof"))
        .expect("an incremental file");
    let text = String::from_utf8(std::fs::read(path).expect("read")).expect("text");
    let words = text
        .split("\r\n")
        .filter(|line| !line.starts_with(['*', '$']) && !line.starts_with("#KT="));
    let logged = words.collect::<Vec<_>>().join(" ");
    let (head, tail) = logged.split_once("PXAT ").expect("an expiry");
    let (_, tail) = tail.split_once(' ').expect("a time");
    assert_eq!(head, "SELECT 0 #KT:NEXT TAGS 2 a b%20c SET k v ");
    assert_eq!(
        tail.trim_end(),
        "#KT:NEXT TAGS 1 a SET k w PXAT 99999999999999 \
         #KT:NEXT KEEPTAGS SET k x XX KEEPTTL \
         SET n 1 KEEPTTL #KT:TAGADD n a \
         #KT:NEXT KEEPTAGS SET n 2 KEEPTTL #KT:TAGREM n a \
         #KT:TAGINVALIDATE a none UNLINK k"
    );
}

#[test]
fn evicted_keys_leave_no_tags() {
    let flags = ["--maxmemory-policy", "allkeys-lru"];
    let server = Server::keytag(&flags);
    let mut client = server.connect();
    let used = client.info_number("used_memory");
    client.line(&format!("CONFIG SET maxmemory {}", used + 1_000_000));
    for index in 0..4_000 {
        let reply = client.line(&format!(
            "SET k:{index} {} TAGS 2 all t:{index}",
            "x".repeat(900)
        ));
        assert_eq!(reply.to_string(), "OK");
    }
    client.line("CONFIG SET maxmemory 0");
    let keys = client.line("DBSIZE").integer();
    assert!(keys < 3_000, "{keys} keys");
    assert_eq!(client.line("TAGCARD all").integer(), keys);
    let names = walk(&mut client, "TAGNAMES @ COUNT 100", |_, _| {});
    assert_eq!(names.len() as i64, keys + 1);
}
