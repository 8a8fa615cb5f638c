//! The commands of sets.

use std::collections::BTreeSet;

use crate::support::logged::{self, LOGGED, logged_alike};
use crate::support::{Client, Kind, Reply, Server, transcript};

#[test]
fn sadd_srem_and_who_is_a_member() {
    transcript(
        r#"
        > SADD s 1 2 3 2
        (integer) 3
        > SADD s 3 4
        (integer) 1
        > SADD s 3
        (integer) 0
        > SCARD s
        (integer) 4
        > SMEMBERS s
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SISMEMBER s 1
        (integer) 1
        > SISMEMBER s 9
        (integer) 0
        > SISMEMBER s x
        (integer) 0
        > SISMEMBER s 01
        (integer) 0
        > SMISMEMBER s 1 9 x 1
        1) (integer) 1
        2) (integer) 0
        3) (integer) 0
        4) (integer) 1
        > SISMEMBER none 1
        (integer) 0
        > SMISMEMBER none 1 2
        1) (integer) 0
        2) (integer) 0
        > SCARD none
        (integer) 0
        > SMEMBERS none
        (empty array)
        > SREM s 1 9 x 1
        (integer) 1
        > SREM none 1
        (integer) 0
        > SREM s x
        (integer) 0
        > SADD s a "" "\x00\xff\r\n" 05
        (integer) 4
        > SMEMBERS s
        1) "2"
        2) "3"
        3) "4"
        4) "a"
        5) ""
        6) "\x00\xff\r\n"
        7) "05"
        > SISMEMBER s ""
        (integer) 1
        > SISMEMBER s "\x00\xff\r\n"
        (integer) 1
        > SREM s "" a "\x00\xff\r\n" 05
        (integer) 4
        > SMEMBERS s
        1) "2"
        2) "3"
        3) "4"
        > PEXPIREAT s 4000000000000
        (integer) 1
        > SREM s 2 3 4 5
        (integer) 3
        > EXISTS s
        (integer) 0
        > SADD s 1
        (integer) 1
        > PTTL s
        (integer) -1
        > TYPE s
        set
        "#,
    );
}

#[test]
fn set_commands_want_their_arguments() {
    transcript(
        r#"
        > SADD s
        (error) ERR wrong number of arguments for 'sadd' command
        > SREM s
        (error) ERR wrong number of arguments for 'srem' command
        > SISMEMBER s
        (error) ERR wrong number of arguments for 'sismember' command
        > SISMEMBER s a b
        (error) ERR wrong number of arguments for 'sismember' command
        > SMISMEMBER s
        (error) ERR wrong number of arguments for 'smismember' command
        > SCARD
        (error) ERR wrong number of arguments for 'scard' command
        > SCARD s t
        (error) ERR wrong number of arguments for 'scard' command
        > SMEMBERS s t
        (error) ERR wrong number of arguments for 'smembers' command
        > SMOVE s t
        (error) ERR wrong number of arguments for 'smove' command
        > SMOVE s t a b
        (error) ERR wrong number of arguments for 'smove' command
        > SINTER
        (error) ERR wrong number of arguments for 'sinter' command
        > SUNION
        (error) ERR wrong number of arguments for 'sunion' command
        > SDIFF
        (error) ERR wrong number of arguments for 'sdiff' command
        > SINTERSTORE d
        (error) ERR wrong number of arguments for 'sinterstore' command
        > SUNIONSTORE d
        (error) ERR wrong number of arguments for 'sunionstore' command
        > SDIFFSTORE d
        (error) ERR wrong number of arguments for 'sdiffstore' command
        > SPOP
        (error) ERR wrong number of arguments for 'spop' command
        > SRANDMEMBER
        (error) ERR wrong number of arguments for 'srandmember' command
        > SSCAN s
        (error) ERR wrong number of arguments for 'sscan' command
        > SINTERCARD 1
        (error) ERR wrong number of arguments for 'sintercard' command
        "#,
    );
}

#[test]
fn set_commands_refuse_other_types() {
    transcript(
        r#"
        > SET str v
        OK
        > SADD s a
        (integer) 1
        > SADD str a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SREM str a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SISMEMBER str a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMISMEMBER str a b
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SCARD str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMEMBERS str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE str s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE s str a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE s str none
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE none str a
        (integer) 0
        > SMOVE str none a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP str 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP str 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP str -1
        (error) ERR value is out of range, must be positive
        > SPOP str x
        (error) ERR value is out of range, must be positive
        > SRANDMEMBER str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SRANDMEMBER str 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SRANDMEMBER str x
        (error) ERR value is not an integer or out of range
        > SINTER s str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTER none str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTER str none
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SUNION none str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFF none str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTERSTORE d s str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SUNIONSTORE d str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFFSTORE d s str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTERCARD 2 s str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTERCARD 2 none str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SSCAN str 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > EXISTS d
        (integer) 0
        > HSET h a 1
        (integer) 1
        > SADD h a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GET s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn smove_moves_a_member() {
    transcript(
        r#"
        # no-reload
        > SADD a 1 2 3
        (integer) 3
        > SADD b 3 x
        (integer) 2
        > SMOVE a b 1
        (integer) 1
        > SMOVE a b 1
        (integer) 0
        > SMOVE a b 3
        (integer) 1
        > SMOVE a none 9
        (integer) 0
        > SMOVE none a 1
        (integer) 0
        > SMOVE a a 2
        (integer) 1
        > SMOVE a a 9
        (integer) 0
        > SMOVE a c 2
        (integer) 1
        > EXISTS a
        (integer) 0
        > SMEMBERS c
        1) "2"
        > SMOVE b c x
        (integer) 1
        > SMEMBERS b
        1) "3"
        2) "1"
        > SMEMBERS c
        1) "2"
        2) "x"
        > OBJECT ENCODING b
        "listpack"
        > OBJECT ENCODING c
        "listpack"
        "#,
    );
}

#[test]
fn a_set_is_encoded_by_its_members() {
    transcript(
        r#"
        # no-reload
        # flags --set-max-intset-entries 4 --set-max-listpack-entries 3 --set-max-listpack-value 5
        > SADD i 1 2 3 4
        (integer) 4
        > OBJECT ENCODING i
        "intset"
        > SADD i 5
        (integer) 1
        > OBJECT ENCODING i
        "hashtable"
        > SREM i 1 2 3 4
        (integer) 4
        > OBJECT ENCODING i
        "hashtable"
        > SADD j 1 2 3 4 5
        (integer) 5
        > OBJECT ENCODING j
        "hashtable"
        > SADD k 1 2
        (integer) 2
        > SADD k a
        (integer) 1
        > OBJECT ENCODING k
        "listpack"
        > SADD k b
        (integer) 1
        > OBJECT ENCODING k
        "hashtable"
        > SADD l 1 2 3
        (integer) 3
        > SADD l a
        (integer) 1
        > OBJECT ENCODING l
        "hashtable"
        > SADD m abcde
        (integer) 1
        > OBJECT ENCODING m
        "listpack"
        > SADD m abcdef
        (integer) 1
        > OBJECT ENCODING m
        "hashtable"
        > SADD n 123456
        (integer) 1
        > OBJECT ENCODING n
        "intset"
        > SADD n a
        (integer) 1
        > OBJECT ENCODING n
        "hashtable"
        > SADD o a 1 2 3
        (integer) 4
        > OBJECT ENCODING o
        "hashtable"
        > SADD p 1 1 1 1 1
        (integer) 1
        > OBJECT ENCODING p
        "hashtable"
        > SADD q 1
        (integer) 1
        > SADD q 1 1 1 1 1
        (integer) 0
        > OBJECT ENCODING q
        "hashtable"
        > SADD r a
        (integer) 1
        > SADD r a a a a
        (integer) 0
        > OBJECT ENCODING r
        "hashtable"
        > SMOVE k new a
        (integer) 1
        > OBJECT ENCODING new
        "listpack"
        > SMOVE l new 1
        (integer) 1
        > OBJECT ENCODING new
        "listpack"
        "#,
    );
}

#[test]
fn what_is_stored_is_encoded_by_how_it_comes_about() {
    transcript(
        r#"
        # no-reload
        # flags --set-max-intset-entries 4 --set-max-listpack-entries 3
        > SADD i 1 2 3
        (integer) 3
        > SADD j 3 4 5
        (integer) 3
        > SADD p 1 2 x
        (integer) 3
        > SADD q 1 2
        (integer) 2
        > SADD q x
        (integer) 1
        > SREM q x
        (integer) 1
        > OBJECT ENCODING q
        "listpack"
        > SADD t 1 2 3 4 5 6 7
        (integer) 7
        > SUNIONSTORE d i
        (integer) 3
        > OBJECT ENCODING d
        "intset"
        > SUNIONSTORE d i j
        (integer) 5
        > OBJECT ENCODING d
        "hashtable"
        > SUNIONSTORE d p i
        (integer) 4
        > OBJECT ENCODING d
        "hashtable"
        > SUNIONSTORE d p
        (integer) 3
        > OBJECT ENCODING d
        "listpack"
        > SMEMBERS d
        1) "1"
        2) "2"
        3) "x"
        > SUNIONSTORE d q
        (integer) 2
        > OBJECT ENCODING d
        "intset"
        > SINTERSTORE d i j
        (integer) 1
        > OBJECT ENCODING d
        "intset"
        > SINTERSTORE d i q
        (integer) 2
        > OBJECT ENCODING d
        "intset"
        > SINTERSTORE d q i
        (integer) 2
        > OBJECT ENCODING d
        "intset"
        > SINTERSTORE d p t
        (integer) 2
        > OBJECT ENCODING d
        "intset"
        > SINTERSTORE d t t
        (integer) 7
        > OBJECT ENCODING d
        "hashtable"
        > SINTERSTORE d t i
        (integer) 3
        > OBJECT ENCODING d
        "intset"
        > SDIFFSTORE d i j
        (integer) 2
        > OBJECT ENCODING d
        "intset"
        > SDIFFSTORE d p j
        (integer) 3
        > OBJECT ENCODING d
        "listpack"
        > SDIFFSTORE d t i
        (integer) 4
        > OBJECT ENCODING d
        "intset"
        > SDIFFSTORE d t q
        (integer) 5
        > OBJECT ENCODING d
        "hashtable"
        > SDIFFSTORE d t none
        (integer) 7
        > OBJECT ENCODING d
        "hashtable"
        > SDIFFSTORE d i i
        (integer) 0
        > EXISTS d
        (integer) 0
        "#,
    );
}

#[test]
fn sinter_sunion_sdiff() {
    transcript(
        r#"
        > SADD a 1 2 3 4
        (integer) 4
        > SADD b 2 3 5
        (integer) 3
        > SADD c 3 x
        (integer) 2
        sorted> SINTER a b
        1) "2"
        2) "3"
        > SINTER a b c
        1) "3"
        > SINTER a
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SINTER a a
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SINTER a none
        (empty array)
        > SINTER none
        (empty array)
        sorted> SUNION a b
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "5"
        sorted> SUNION a none c
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "x"
        > SUNION none
        (empty array)
        > SUNION a a
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        sorted> SDIFF a b
        1) "1"
        2) "4"
        > SDIFF a b c none
        1) "1"
        2) "4"
        > SDIFF a a
        (empty array)
        > SDIFF none a
        (empty array)
        > SDIFF a none
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SDIFF c a
        1) "x"
        > SINTERSTORE d a b
        (integer) 2
        > SMEMBERS d
        1) "2"
        2) "3"
        > SUNIONSTORE d a b
        (integer) 5
        > SMEMBERS d
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "5"
        > SDIFFSTORE d a b
        (integer) 2
        > SMEMBERS d
        1) "1"
        2) "4"
        > SUNIONSTORE a a b
        (integer) 5
        > SMEMBERS a
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "5"
        > PEXPIREAT d 4000000000000
        (integer) 1
        > SUNIONSTORE d b
        (integer) 3
        > PTTL d
        (integer) -1
        > SET str v
        OK
        > SUNIONSTORE str b
        (integer) 3
        > TYPE str
        set
        > SINTERSTORE str b none
        (integer) 0
        > EXISTS str
        (integer) 0
        > SINTERSTORE d none
        (integer) 0
        > EXISTS d
        (integer) 0
        > SDIFFSTORE d none
        (integer) 0
        "#,
    );
}

#[test]
fn sintercard_counts_up_to_a_limit() {
    transcript(
        r#"
        > SADD a 1 2 3 4
        (integer) 4
        > SADD b 2 3 4 5
        (integer) 4
        > SINTERCARD 2 a b
        (integer) 3
        > SINTERCARD 2 a b LIMIT 0
        (integer) 3
        > SINTERCARD 2 a b LIMIT 2
        (integer) 2
        > SINTERCARD 2 a b limit 100
        (integer) 3
        > SINTERCARD 2 a b LIMIT 1 LIMIT 2
        (integer) 2
        > SINTERCARD 1 a
        (integer) 4
        > SINTERCARD 2 a none
        (integer) 0
        > SINTERCARD 0 a
        (error) ERR numkeys should be greater than 0
        > SINTERCARD -1 a
        (error) ERR numkeys should be greater than 0
        > SINTERCARD x a
        (error) ERR numkeys should be greater than 0
        > SINTERCARD 1.5 a
        (error) ERR numkeys should be greater than 0
        > SINTERCARD 99999999999999999999 a
        (error) ERR numkeys should be greater than 0
        > SINTERCARD 3 a b
        (error) ERR Number of keys can't be greater than number of args
        > SINTERCARD 1 a b
        (error) ERR syntax error
        > SINTERCARD 2 a b LIMIT
        (error) ERR syntax error
        > SINTERCARD 2 a b LIMIT -1
        (error) ERR LIMIT can't be negative
        > SINTERCARD 2 a b LIMIT x
        (error) ERR LIMIT can't be negative
        > SINTERCARD 2 a b FOO 1
        (error) ERR syntax error
        > SINTERCARD 2 a b LIMIT 1 FOO
        (error) ERR syntax error
        "#,
    );
}

#[test]
fn spop_takes_members_away() {
    transcript(
        r#"
        # no-reload
        > SADD s 1
        (integer) 1
        > SPOP s
        "1"
        > SPOP s
        (nil)
        > EXISTS s
        (integer) 0
        > SADD s a
        (integer) 1
        > SPOP s 0
        (empty array)
        > SPOP s 5
        1) "a"
        > EXISTS s
        (integer) 0
        > SPOP s 5
        (empty array)
        > SPOP none
        (nil)
        > SPOP none 0
        (empty array)
        > SADD s 1 2 3
        (integer) 3
        sorted> SPOP s 3
        1) "1"
        2) "2"
        3) "3"
        > SADD s 1 2 3
        (integer) 3
        > SPOP s -1
        (error) ERR value is out of range, must be positive
        > SPOP s x
        (error) ERR value is out of range, must be positive
        > SPOP s 1.5
        (error) ERR value is out of range, must be positive
        > SPOP s 9223372036854775808
        (error) ERR value is out of range, must be positive
        > SPOP s 1 2
        (error) ERR syntax error
        > SPOP none -1
        (error) ERR value is out of range, must be positive
        > SPOP none x
        (error) ERR value is out of range, must be positive
        sorted> SPOP s 9223372036854775807
        1) "1"
        2) "2"
        3) "3"
        > SCARD s
        (integer) 0
        "#,
    );
}

#[test]
fn srandmember_shows_members() {
    transcript(
        r#"
        > SADD s a
        (integer) 1
        > SRANDMEMBER s
        "a"
        > SRANDMEMBER s 1
        1) "a"
        > SRANDMEMBER s 5
        1) "a"
        > SRANDMEMBER s -3
        1) "a"
        2) "a"
        3) "a"
        > SRANDMEMBER s 0
        (empty array)
        > SRANDMEMBER none
        (nil)
        > SRANDMEMBER none 3
        (empty array)
        > SRANDMEMBER none -3
        (empty array)
        > SRANDMEMBER s x
        (error) ERR value is not an integer or out of range
        > SRANDMEMBER s 1 2
        (error) ERR syntax error
        > SRANDMEMBER s -9223372036854775808
        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > SADD i 1 2 3
        (integer) 3
        > SRANDMEMBER i 3
        1) "1"
        2) "2"
        3) "3"
        > SRANDMEMBER i 9223372036854775807
        1) "1"
        2) "2"
        3) "3"
        > SCARD s
        (integer) 1
        "#,
    );
}

#[test]
fn sscan_walks_over_a_set() {
    transcript(
        r#"
        > SADD s 1 2 12
        (integer) 3
        > SSCAN s 0
        1) "0"
        2) 1) "1"
           2) "2"
           3) "12"
        > SSCAN s 0 COUNT 1
        1) "0"
        2) 1) "1"
           2) "2"
           3) "12"
        > SSCAN s 3
        1) "0"
        2) 1) "1"
           2) "2"
           3) "12"
        > SSCAN s 0 MATCH 1*
        1) "0"
        2) 1) "1"
           2) "12"
        > SSCAN s 0 MATCH 1* COUNT 1000
        1) "0"
        2) 1) "1"
           2) "12"
        > SSCAN s 0 NOVALUES
        (error) ERR NOVALUES option can only be used in HSCAN
        > SSCAN none 0
        1) "0"
        2) (empty array)
        > SSCAN none 0 FOO
        1) "0"
        2) (empty array)
        > SSCAN s x
        (error) ERR invalid cursor
        > SSCAN none x
        (error) ERR invalid cursor
        > SSCAN s 0 COUNT 0
        (error) ERR syntax error
        > SSCAN s 0 COUNT x
        (error) ERR value is not an integer or out of range
        > SSCAN s 0 COUNT
        (error) ERR syntax error
        > SSCAN s 0 TYPE set
        (error) ERR syntax error
        > SADD t a b
        (integer) 2
        > SSCAN t 0
        1) "0"
        2) 1) "a"
           2) "b"
        "#,
    );
}

#[test]
fn the_digest_of_a_set_is_that_of_redis() {
    transcript(
        r#"
        # no-reload
        # flags --enable-debug-command yes
        > SADD i 1 2 3
        (integer) 3
        > SADD s 1 2 x
        (integer) 3
        > DEBUG DIGEST-VALUE i s
        1) 2a462a3f51a1db89738ebbeef0c47ce1bbc85246
        2) 4c6eef6b7853d1b76391c849d71b0d35d3faf18f
        > DEBUG DIGEST
        c8545601cf4d543fa620791ad7f31e130ecc7996
        > COPY s t
        (integer) 1
        > SREM t x
        (integer) 1
        > SADD t 3
        (integer) 1
        > DEBUG DIGEST-VALUE i t
        1) 2a462a3f51a1db89738ebbeef0c47ce1bbc85246
        2) 2a462a3f51a1db89738ebbeef0c47ce1bbc85246
        "#,
    );
}

#[test]
fn what_sets_log() {
    let logged = logged_alike(
        &[
            "SADD s 1 2",
            "SADD s 1",
            "sadd s 1 3",
            "SREM s 9",
            "SREM s 9 3",
            "SADD t 2",
            "SMOVE s t 1",
            "SMOVE s t 9",
            "SMOVE t t 1",
            "SMOVE s t 2",
            "SPOP none",
            "SPOP t 0",
            "SPOP t 2",
            "SADD u a",
            "SPOP u",
            "SADD u a b c",
            "SINTERSTORE d u none",
            "SINTERSTORE d u u",
            "SUNIONSTORE d none",
            "SUNIONSTORE d none",
            "SDIFFSTORE u u u",
        ],
        &[],
    );
    assert!(logged.contains(&"DEL t".to_owned()), "{logged:?}");
    assert!(logged.contains(&"SREM u a".to_owned()), "{logged:?}");
    let lazy = logged_alike(
        &["SADD s a b", "SPOP s 2"],
        &["--lazyfree-lazy-server-del", "yes"],
    );
    assert_eq!(lazy.last().map(String::as_str), Some("UNLINK s"));
}

/// What is popped at random is logged as what it was, a thousand at a time, and is gone after a restart.
#[test]
fn many_popped_members_are_logged() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, LOGGED);
        let mut client = server.connect();
        let members: Vec<String> = (0..5_000).map(|number| format!("m{number}")).collect();
        client.line(&format!("SADD s {}", members.join(" ")));
        assert_eq!(client.line("SPOP s 1025").items().len(), 1_025);
        assert_eq!(client.line("SPOP s 3900").items().len(), 3_900);
        assert_eq!(client.line("OBJECT ENCODING s").text(), "listpack");
        let logged = logged::requests(&server);
        let sizes: Vec<usize> = logged
            .iter()
            .filter(|line| line.starts_with("SREM"))
            .map(|line| line.split(' ').count() - 2)
            .collect();
        assert_eq!(sizes, [1_024, 1, 1_024, 1_024, 1_024, 828], "{kind:?}");
        if kind == Kind::Keytag {
            let before = members_of(&mut client);
            let mut server = server;
            server.restart();
            assert_eq!(members_of(&mut server.connect()), before);
        }
    }
}

fn members_of(client: &mut Client) -> BTreeSet<String> {
    let reply = client.line("SMEMBERS s");
    reply.items().iter().map(Reply::text).collect()
}

/// Every member of a set is met by a walk of small steps, while others come and go.
#[test]
fn sscan_meets_what_stays() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for member in 0..1_000 {
        client.line(&format!("SADD s stays:{member}"));
    }
    let mut met = BTreeSet::new();
    let mut cursor = "0".to_owned();
    for round in 0.. {
        let reply = client.line(&format!("SSCAN s {cursor} COUNT 7"));
        let parts = reply.items();
        assert!(parts[1].items().len() <= 20, "a small step");
        met.extend(parts[1].items().iter().map(Reply::text));
        cursor = parts[0].text();
        if cursor == "0" {
            break;
        }
        client.line(&format!("SADD s new:{round}"));
        client.line(&format!("SREM s new:{} new:{}", round / 2, round / 3));
    }
    let stays = met.iter().filter(|member| member.starts_with("stays:"));
    assert_eq!(stays.count(), 1_000);
}
