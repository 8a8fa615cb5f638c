//! Tags: what belongs to a key, lives with it, and invalidates it.

use std::time::{Duration, Instant};

use crate::support::{Reply, Server, transcript};

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
