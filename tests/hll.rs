//! Estimates of how many different elements there are.

use crate::support::logged::logged_alike;
use crate::support::{Kind, Reply, Server, assert_counted_alike, seed, transcript};

#[test]
fn pfadd_says_whether_a_register_was_raised() {
    transcript(
        r#"
        > PFADD h
        (integer) 1
        > GET h
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > PFADD h
        (integer) 0
        > PFADD h a
        (integer) 1
        > PFADD h a
        (integer) 0
        > PFADD h a b c
        (integer) 1
        > GET h
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > PFDEBUG DECODE h
        "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"
        > OBJECT ENCODING h
        "raw"
        > TYPE h
        string
        > STRLEN h
        (integer) 27
        > PFADD new x y z
        (integer) 1
        > GET new
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80a\x84\x80X\xcd\x88E\xa0\x84\b"
        > PFADD h ""
        (integer) 1
        > PFADD h "\xff\x80"
        (integer) 1
        > PFADD h abcdefgh abcdefghi abcdefghijklmno abcdefghijklmnop
        (integer) 1
        > GET h
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80Ef\x80M\xb0\x80D\x17\x84C\xc3\x80E\xfb\x80Cz\x80K\xe7\x8cAL\x84K\xfb\x80BZ"
        "#,
    );
}

#[test]
fn pfadd_takes_a_request_of_many_elements() {
    transcript(
        r#"
        > PFADD h 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
        (integer) 1
        > PFCOUNT h
        (integer) 20
        > PFDEBUG DECODE h
        "Z:495 v:2,1 Z:1042 v:1,1 Z:1041 v:1,1 Z:1087 v:1,1 Z:227 v:1,1 Z:246 v:3,1 Z:529 v:1,1 Z:1237 v:1,1 Z:1394 v:5,1 Z:220 v:1,1 Z:854 v:1,1 Z:850 v:4,1 Z:273 v:1,1 Z:1317 v:1,1 Z:147 v:1,1 Z:3136 v:1,1 Z:728 v:1,1 Z:531 v:4,1 Z:185 v:1,1 z:22 v:2,1 Z:803"
        > GET h
        "HYLL\x01\x00\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00A\xee\x84D\x11\x80D\x10\x80D>\x80@\xe2\x80@\xf5\x88B\x10\x80D\xd4\x80Eq\x90@\xdb\x80CU\x80CQ\x8cA\x10\x80E$\x80@\x92\x80L?\x80B\xd7\x80B\x12\x8c@\xb8\x80\x15\x84C\""
        "#,
    );
}

#[test]
fn pfcount_keeps_its_result_in_the_string() {
    transcript(
        r#"
        > PFADD h a b c
        (integer) 1
        > GET h
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > PFCOUNT h
        (integer) 3
        > GET h
        "HYLL\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > PFADD h a
        (integer) 0
        > GET h
        "HYLL\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > PFCOUNT h
        (integer) 3
        > PFADD h d
        (integer) 1
        > GET h
        "HYLL\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x80\\{\x80Dv\x80P\xb1\x84K\xfb\x80BZ"
        > PFCOUNT h
        (integer) 4
        > PFCOUNT none
        (integer) 0
        > EXISTS none
        (integer) 0
        "#,
    );
}

#[test]
fn pfcount_of_several_keys_counts_the_union() {
    transcript(
        r#"
        > PFADD h a b c
        (integer) 1
        > PFADD g b c d
        (integer) 1
        > PFCOUNT h g
        (integer) 4
        > PFCOUNT h g none
        (integer) 4
        > PFCOUNT none none
        (integer) 0
        > PFCOUNT h h
        (integer) 3
        > GET h
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > EXISTS none
        (integer) 0
        "#,
    );
}

#[test]
fn pfmerge_fills_the_destination() {
    transcript(
        r#"
        > PFADD h a b c
        (integer) 1
        > PFADD g b c d
        (integer) 1
        > PFADD d x
        (integer) 1
        > PFMERGE d h g none
        OK
        > PFCOUNT d
        (integer) 5
        > GET d
        "HYLL\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\\{\x80Dv\x80P\xb1\x84K\xfb\x80BP\x84\b"
        > PFDEBUG DECODE d
        "Z:7292 v:1,1 Z:1143 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:593 v:2,1 z:9"
        > PFMERGE new h g
        OK
        > PFCOUNT new
        (integer) 4
        > GET new
        "HYLL\x01\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\\{\x80Dv\x80P\xb1\x84K\xfb\x80BZ"
        > PFMERGE empty
        OK
        > GET empty
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > PFMERGE empty none
        OK
        > PFCOUNT empty
        (integer) 0
        > PFMERGE h
        OK
        > PFCOUNT h
        (integer) 3
        > EXPIRE d 1000
        (integer) 1
        > PFMERGE d h
        OK
        > PERSIST d
        (integer) 1
        "#,
    );
}

#[test]
fn one_dense_among_the_sources_makes_the_destination_dense() {
    transcript(
        r#"
        > PFADD h a b c
        (integer) 1
        > PFADD g d e f
        (integer) 1
        > PFDEBUG TODENSE g
        (integer) 1
        > PFMERGE h g
        OK
        > PFDEBUG ENCODING h
        dense
        > PFCOUNT h
        (integer) 6
        > PFCOUNT h g
        (integer) 6
        > STRLEN h
        (integer) 12304
        > PFADD new
        (integer) 1
        > PFMERGE new g
        OK
        > PFDEBUG ENCODING new
        dense
        > PFMERGE none g none2
        OK
        > PFDEBUG ENCODING none
        dense
        "#,
    );
}

#[test]
fn it_becomes_dense_when_it_is_too_long() {
    transcript(
        r#"
        # flags --hll-sparse-max-bytes 40
        > PFADD h 1 2 3 4 5 6
        (integer) 1
        > PFDEBUG ENCODING h
        sparse
        > STRLEN h
        (integer) 36
        > PFADD h 7 8 9
        (integer) 1
        > PFDEBUG ENCODING h
        dense
        > STRLEN h
        (integer) 12304
        > PFADD h 10 11 12 13 14 15 16 17
        (integer) 1
        > PFDEBUG ENCODING h
        dense
        > STRLEN h
        (integer) 12304
        > PFCOUNT h
        (integer) 17
        > PFDEBUG DECODE h
        (error) ERR HLL encoding is not sparse
        "#,
    );
}

#[test]
fn pfdebug_shows_what_is_inside() {
    transcript(
        r#"
        > PFADD h a b c
        (integer) 1
        > PFDEBUG ENCODING h
        sparse
        > pfdebug decode h
        "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"
        > PFDEBUG TODENSE h
        (integer) 1
        > PFDEBUG TODENSE h
        (integer) 0
        > PFDEBUG ENCODING h
        dense
        > PFDEBUG DECODE h
        (error) ERR HLL encoding is not sparse
        > PFCOUNT h
        (integer) 3
        > PFDEBUG NONE h
        (error) ERR Unknown PFDEBUG subcommand 'NONE'
        > PFDEBUG none nokey
        (error) ERR The specified key does not exist
        > PFDEBUG DECODE nokey
        (error) ERR The specified key does not exist
        > PFDEBUG DECODE
        (error) ERR wrong number of arguments for 'pfdebug' command
        > PFDEBUG
        (error) ERR wrong number of arguments for 'pfdebug' command
        > PFDEBUG ENCODING h x
        (error) ERR wrong number of arguments for 'pfdebug' command
        > PFSELFTEST
        OK
        > PFSELFTEST x
        (error) ERR wrong number of arguments for 'pfselftest' command
        "#,
    );
}

#[test]
fn a_string_that_is_no_hyperloglog_is_refused() {
    transcript(
        r#"
        > SET s abc
        OK
        > SET n 12345678901234567890
        OK
        > SET i 1234567
        OK
        > SET m "hyll\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > SET e "HYLL\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > SET d "HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > SET short "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        OK
        > PFADD s a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD n a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD i a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD m a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD e a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD d a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD short a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT i
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT none s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT s s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFMERGE s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFMERGE new s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFMERGE s none
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFDEBUG GETREG s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFDEBUG NONE s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > EXISTS new
        (integer) 0
        > OBJECT ENCODING i
        "int"
        > OBJECT ENCODING m
        "embstr"
        > GET s
        "abc"
        "#,
    );
}

#[test]
fn a_string_that_is_written_as_one_is_one() {
    transcript(
        r#"
        > SET h "HYLL\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > OBJECT ENCODING h
        "embstr"
        > PFCOUNT h h
        (integer) 0
        > OBJECT ENCODING h
        "embstr"
        > PFCOUNT h
        (integer) 5
        > OBJECT ENCODING h
        "raw"
        > PFADD h a
        (integer) 1
        > PFCOUNT h
        (integer) 1
        > GET h
        "HYLL\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00q\xa6\x84NW"
        > SET h "HYLL\x01abc\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        OK
        > PFADD h
        (integer) 0
        > OBJECT ENCODING h
        "raw"
        > PFADD h a
        (integer) 1
        > GET h
        "HYLL\x01abc\x00\x00\x00\x00\x00\x00\x00\x80q\xa6\x84NW"
        "#,
    );
}

#[test]
fn registers_that_make_no_sense_are_found_out() {
    transcript(
        r#"
        > SET empty "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"
        OK
        > SET few "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xfe"
        OK
        > SET many "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\x00"
        OK
        > SET values "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\x80"
        OK
        > PFCOUNT empty
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT few
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT many
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT values
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT none empty
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT none few
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT none many
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT none values
        (integer) 0
        > PFADD empty a
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFADD empty
        (integer) 0
        > PFADD few a
        (integer) 1
        > PFMERGE new empty
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFMERGE new few
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFMERGE new many
        (error) INVALIDOBJ Corrupted HLL object detected
        > EXISTS new
        (integer) 0
        > PFMERGE new values
        OK
        > GET new
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > PFMERGE few
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG TODENSE few
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG GETREG few
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG DECODE few
        "Z:12711 v:2,1 Z:3671"
        > PFDEBUG DECODE values
        "Z:16384 v:1,1"
        > PFDEBUG DECODE empty
        ""
        > PFDEBUG TODENSE values
        (integer) 1
        > PFCOUNT values
        (integer) 0
        > GET empty
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"
        "#,
    );
}

#[test]
fn requests_have_keys() {
    transcript(
        r#"
        > PFADD
        (error) ERR wrong number of arguments for 'pfadd' command
        > PFCOUNT
        (error) ERR wrong number of arguments for 'pfcount' command
        > PFMERGE
        (error) ERR wrong number of arguments for 'pfmerge' command
        > COMMAND GETKEYSANDFLAGS PFADD k a
        1) 1) "k"
           2) 1) RW
              2) insert
        > COMMAND GETKEYSANDFLAGS PFCOUNT a b
        1) 1) "a"
           2) 1) RW
              2) access
        2) 1) "b"
           2) 1) RW
              2) access
        > COMMAND GETKEYSANDFLAGS PFMERGE a b c
        1) 1) "a"
           2) 1) RW
              2) access
              3) insert
        2) 1) "b"
           2) 1) RO
              2) access
        3) 1) "c"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS PFDEBUG GETREG k
        1) 1) "k"
           2) 1) RW
              2) access
        "#,
    );
}

/// Says the same to Keytag and to Redis, and compares each reply.
struct Both {
    keytag: Server,
    oracle: Server,
}

impl Both {
    fn new() -> Both {
        let keytag = Server::keytag(&[]);
        let oracle = Server::start(Kind::Oracle, &[]);
        Both { keytag, oracle }
    }

    /// A connection to both.
    fn connect(&self) -> impl FnMut(&[&[u8]]) -> Reply {
        let (mut ours, mut theirs) = (self.keytag.connect(), self.oracle.connect());
        move |words| {
            let (ours, theirs) = (ours.call(words), theirs.call(words));
            assert_eq!(ours, theirs, "{}", words[0].escape_ascii());
            ours
        }
    }
}

#[test]
fn strings_are_those_of_redis_from_empty_to_dense() {
    let servers = Both::new();
    let mut say = servers.connect();
    let mut rng = fastrand::Rng::with_seed(seed());
    let mut encodings = Vec::new();
    for step in 0..1_500 {
        let elements: Vec<Vec<u8>> = (0..rng.usize(..6))
            .map(|_| (0..rng.usize(..20)).map(|_| rng.u8(..)).collect())
            .collect();
        let mut request: Vec<&[u8]> = vec![b"PFADD", b"h"];
        request.extend(elements.iter().map(Vec::as_slice));
        say(&request);
        say(&[b"GET", b"h"]);
        if step % 7 == 0 {
            say(&[b"PFCOUNT", b"h"]);
            say(&[b"GET", b"h"]);
        }
        encodings.push(say(&[b"PFDEBUG", b"ENCODING", b"h"]).text());
    }
    encodings.dedup();
    assert_eq!(encodings, ["sparse", "dense"]);
}

#[test]
fn unions_are_those_of_redis() {
    let servers = Both::new();
    let mut say = servers.connect();
    let mut rng = fastrand::Rng::with_seed(seed());
    for key in [&b"few"[..], b"some", b"many", b"dense"] {
        let count = match key {
            b"few" => 10,
            b"some" => 400,
            b"many" => 900,
            _ => 4_000,
        };
        for _ in 0..count {
            say(&[b"PFADD", key, &rng.u64(..).to_le_bytes()]);
        }
        say(&[b"GET", key]);
    }
    for sources in [
        &[&b"few"[..], b"some"][..],
        &[b"some", b"many"],
        &[b"few", b"some", b"many"],
        &[b"few", b"dense"],
        &[b"some", b"many", b"dense"],
    ] {
        say(&[&[&b"PFCOUNT"[..]], sources].concat());
        say(&[&[&b"PFMERGE"[..], b"d"], sources].concat());
        say(&[b"GET", b"d"]);
        say(&[b"PFCOUNT", b"d"]);
        say(&[b"DEL", b"d"]);
        say(&[&[&b"PFMERGE"[..], b"e"], sources].concat());
        say(&[b"GET", b"e"]);
    }
    say(&[b"PFDEBUG", b"GETREG", b"some"]);
    say(&[b"GET", b"some"]);
    say(&[b"PFDEBUG", b"GETREG", b"e"]);
}

/// Redis 7.4.1 writes beyond its buffers for some damaged strings, so it is not asked.
#[test]
fn damaged_strings_do_no_harm() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    let mut rng = fastrand::Rng::with_seed(seed());
    for _ in 0..300 {
        client.line("DEL h g");
        for _ in 0..rng.usize(..400) {
            client.call(&[&b"PFADD"[..], b"h", &rng.u64(..).to_le_bytes()]);
        }
        if rng.u32(..4) == 0 {
            client.line("PFDEBUG TODENSE h");
        }
        for _ in 0..rng.usize(1..5) {
            let at = rng.usize(16..40).to_string();
            client.call(&[
                &b"SETRANGE"[..],
                b"h",
                at.as_bytes(),
                &[rng.u8(..), rng.u8(..)],
            ]);
            let bit = rng.usize(128..2_000).to_string();
            client.line(&format!("SETBIT h {bit} {}", rng.u8(..2)));
            client.call(&[&b"PFADD"[..], b"h", &rng.u64(..).to_le_bytes()]);
            for line in [
                "PFCOUNT h",
                "PFCOUNT h g",
                "PFMERGE g h",
                "PFADD g a",
                "PFCOUNT g",
            ] {
                client.line(line);
            }
            client.line("PFDEBUG DECODE h");
        }
        client.line("PFDEBUG GETREG h");
    }
    assert_eq!(client.line("PING").to_string(), "PONG");
}

#[test]
fn a_count_that_is_kept_is_logged_and_one_that_was_kept_is_not() {
    let logged = logged_alike(
        &[
            "PFADD h",
            "PFADD h",
            "PFADD h a b",
            "PFADD h a",
            "PFCOUNT h",
            "PFCOUNT h",
            "PFCOUNT h none",
            "PFADD h c",
            "PFCOUNT h none",
            "PFMERGE g h",
            "PFMERGE g h",
            "PFCOUNT none",
            "PFDEBUG ENCODING h",
            "PFDEBUG TODENSE h",
            "PFDEBUG TODENSE h",
            "PFDEBUG GETREG h",
            "PFDEBUG GETREG g",
            "MULTI",
            "PFCOUNT h",
            "PFCOUNT g",
            "EXEC",
        ],
        &[],
    );
    assert_eq!(
        logged,
        [
            "SELECT 0",
            "PFADD h",
            "PFADD h a b",
            "PFCOUNT h",
            "PFADD h c",
            "PFMERGE g h",
            "PFMERGE g h",
            "PFDEBUG TODENSE h",
            "PFDEBUG GETREG g",
            "MULTI",
            "PFCOUNT h",
            "PFCOUNT g",
            "EXEC",
        ]
    );
}

#[test]
fn changes_and_lookups_are_counted_as_by_redis() {
    let lines = [
        "PFADD h",
        "PFADD h",
        "PFADD h a b c",
        "PFADD h a b d e",
        "PFADD new a b",
        "PFCOUNT h",
        "PFCOUNT h",
        "PFCOUNT none",
        "PFCOUNT h none new",
        "PFMERGE g h none",
        "PFMERGE g",
        "PFMERGE other",
        "PFDEBUG ENCODING h",
        "PFDEBUG TODENSE h",
        "PFDEBUG TODENSE h",
    ];
    assert_counted_alike(&lines);
}

#[test]
fn who_watches_a_hyperloglog_is_told_of_a_new_count() {
    transcript(
        r#"
        > PFADD h a
        (integer) 1
        > WATCH h
        OK
        2> PFCOUNT h
        (integer) 1
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH h
        OK
        2> PFCOUNT h
        (integer) 1
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
fn hyperloglogs_are_strings() {
    transcript(
        r#"
        > RPUSH list a
        (integer) 1
        > PFADD list a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > PFADD list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > PFCOUNT list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > PFCOUNT none list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > PFMERGE list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > PFMERGE d list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > PFMERGE list none
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > PFDEBUG NONE list
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > EXISTS d
        (integer) 0
        > LRANGE list 0 -1
        1) "a"
        "#,
    );
}
