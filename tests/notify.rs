//! Keyspace notifications.

use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Reply, Server, sequence};

const BOTH: [Kind; 2] = [Kind::Keytag, Kind::Oracle];

/// Says commands to both servers: replies, and events of all classes, must be the same, in the same order.
fn events(commands: &str) {
    let mut script = String::from(
        "# as-redis\n# resp3-only\n# flags --notify-keyspace-events EAnm --enable-debug-command yes\n",
    );
    script += "1> PSUBSCRIBE __key*\n2> DEBUG SET-ACTIVE-EXPIRE 0\n";
    for line in commands
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        script += &format!("2> {line}\n");
    }
    sequence(&script);
}

#[test]
fn an_event_goes_to_the_channel_of_the_key_and_of_the_event() {
    sequence(
        r#"
        # flags --notify-keyspace-events KEA
        1> PSUBSCRIBE *
        1: >["psubscribe", "*", 1]
        2> SUBSCRIBE __keyspace@0__:k
        2: >["subscribe", "__keyspace@0__:k", 1]
        3> SET k v EX 100
        1: >["pmessage", "*", "__keyspace@0__:k", "set"]
        1: >["pmessage", "*", "__keyevent@0__:set", "k"]
        1: >["pmessage", "*", "__keyspace@0__:k", "expire"]
        1: >["pmessage", "*", "__keyevent@0__:expire", "k"]
        2: >["message", "__keyspace@0__:k", "set"]
        2: >["message", "__keyspace@0__:k", "expire"]
        3: OK
        3> SELECT 3
        3: OK
        3> SET k v
        1: >["pmessage", "*", "__keyspace@3__:k", "set"]
        1: >["pmessage", "*", "__keyevent@3__:set", "k"]
        3: OK
        3> DEL k
        1: >["pmessage", "*", "__keyspace@3__:k", "del"]
        1: >["pmessage", "*", "__keyevent@3__:del", "k"]
        3: 1
        3> DEL k
        3: 0
        3> SET "\r\n" v
        1: >["pmessage", "*", "__keyspace@3__:\r\n", "set"]
        1: >["pmessage", "*", "__keyevent@3__:set", "\r\n"]
        3: OK
        3> MSET a 1 b 2
        1: >["pmessage", "*", "__keyspace@3__:a", "set"]
        1: >["pmessage", "*", "__keyevent@3__:set", "a"]
        1: >["pmessage", "*", "__keyspace@3__:b", "set"]
        1: >["pmessage", "*", "__keyevent@3__:set", "b"]
        3: OK
        3> FLUSHDB
        3: OK
        3> SELECT 0
        3: OK
        3> RENAME k l
        1: >["pmessage", "*", "__keyspace@0__:k", "rename_from"]
        1: >["pmessage", "*", "__keyevent@0__:rename_from", "k"]
        1: >["pmessage", "*", "__keyspace@0__:l", "rename_to"]
        1: >["pmessage", "*", "__keyevent@0__:rename_to", "l"]
        2: >["message", "__keyspace@0__:k", "rename_from"]
        3: OK
        3> FLUSHALL
        3: OK
        3> SWAPDB 0 3
        3: OK
        "#,
    );
}

#[test]
fn flags_choose_what_is_told() {
    sequence(
        r#"
        1> PSUBSCRIBE *
        1: >["psubscribe", "*", 1]
        2> SET k v
        2: OK
        2> CONFIG SET notify-keyspace-events KEA
        2: OK
        2> SET k v
        1: >["pmessage", "*", "__keyspace@0__:k", "set"]
        1: >["pmessage", "*", "__keyevent@0__:set", "k"]
        2: OK
        2> CONFIG SET notify-keyspace-events K$
        2: OK
        2> SET k v EX 100
        1: >["pmessage", "*", "__keyspace@0__:k", "set"]
        2: OK
        2> DEL k
        2: 1
        2> CONFIG SET notify-keyspace-events Eg
        2: OK
        2> SET k v EX 100
        1: >["pmessage", "*", "__keyevent@0__:expire", "k"]
        2: OK
        2> DEL k
        1: >["pmessage", "*", "__keyevent@0__:del", "k"]
        2: 1
        2> CONFIG SET notify-keyspace-events A
        2: OK
        2> SET k v
        2: OK
        2> CONFIG SET notify-keyspace-events KE
        2: OK
        2> SET k v
        2: OK
        2> CONFIG SET notify-keyspace-events Em
        2: OK
        2> GET none
        1: >["pmessage", "*", "__keyevent@0__:keymiss", "none"]
        2: nil
        2> GET k
        2: "v"
        2> CONFIG SET notify-keyspace-events En
        2: OK
        2> SET k v
        2: OK
        2> SET new v
        1: >["pmessage", "*", "__keyevent@0__:new", "new"]
        2: OK
        2> GET none
        2: nil
        2> CONFIG SET notify-keyspace-events KEAmn
        2: OK
        2> CONFIG GET notify-keyspace-events
        2: %["notify-keyspace-events" => "AKEm"]
        2> GET none
        1: >["pmessage", "*", "__keyspace@0__:none", "keymiss"]
        1: >["pmessage", "*", "__keyevent@0__:keymiss", "none"]
        2: nil
        2> SET newer v
        1: >["pmessage", "*", "__keyspace@0__:newer", "new"]
        1: >["pmessage", "*", "__keyevent@0__:new", "newer"]
        1: >["pmessage", "*", "__keyspace@0__:newer", "set"]
        1: >["pmessage", "*", "__keyevent@0__:set", "newer"]
        2: OK
        2> CONFIG SET notify-keyspace-events ""
        2: OK
        2> SET k v
        2: OK
        2> CONFIG SET notify-keyspace-events x
        2: OK
        2> CONFIG GET notify-keyspace-events
        2: %["notify-keyspace-events" => "x"]
        2> CONFIG SET notify-keyspace-events q
        2: -ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid event class character. Use 'Ag$lshzxeKEtmdn'.
        2> CONFIG SET notify-keyspace-events K$lshzxetmdng
        2: OK
        2> CONFIG GET notify-keyspace-events
        2: %["notify-keyspace-events" => "AKm"]
        "#,
    );
}

#[test]
fn events_come_before_the_reply_and_in_a_transaction_in_order() {
    sequence(
        r#"
        # flags --notify-keyspace-events EA
        # resp3-only
        1> PSUBSCRIBE *
        1: >["psubscribe", "*", 1]
        1> SET k v
        1: OK
        1: >["pmessage", "*", "__keyevent@0__:set", "k"]
        1> MULTI
        1: OK
        1> SET k v
        1: QUEUED
        1> PUBLISH between x
        1: QUEUED
        1> DEL k
        1: QUEUED
        1> EXEC
        1: [OK, 1, 1]
        1: >["pmessage", "*", "__keyevent@0__:set", "k"]
        1: >["pmessage", "*", "between", "x"]
        1: >["pmessage", "*", "__keyevent@0__:del", "k"]
        1> SET k v | DEL k | PING
        1: OK
        1: >["pmessage", "*", "__keyevent@0__:set", "k"]
        1: 1
        1: >["pmessage", "*", "__keyevent@0__:del", "k"]
        1: PONG
        2> MULTI
        2: OK
        2> SET k v
        2: QUEUED
        2> PUBLISH between x
        2: QUEUED
        2> CONFIG SET notify-keyspace-events E$
        2: QUEUED
        2> DEL k
        2: QUEUED
        2> SET k v
        2: QUEUED
        2> CONFIG SET notify-keyspace-events ""
        2: QUEUED
        2> SET k v
        2: QUEUED
        2> EXEC
        1: >["pmessage", "*", "__keyevent@0__:set", "k"]
        1: >["pmessage", "*", "between", "x"]
        1: >["pmessage", "*", "__keyevent@0__:set", "k"]
        2: [OK, 1, OK, 1, OK, OK, OK]
        "#,
    );
}

#[test]
fn strings() {
    events(
        r#"
        SET k v
        SET k v
        SET k v EX 100
        SET k v PX 100000
        SET k v EXAT 99999999999
        SET k v KEEPTTL
        SET k v NX
        SET none v XX
        SET k v XX
        SET k v GET
        SET new v GET
        SET new2 v NX GET
        SET k v PXAT 1
        GET k
        GET none
        MGET k none none2
        SETNX k v
        SETNX k v
        SETEX k 100 v
        PSETEX k 100000 v
        GETSET k v
        GETSET none v
        GETDEL none
        GETDEL none
        GETEX none
        GETEX k
        GETEX k EX 100
        GETEX k PERSIST
        GETEX k PERSIST
        GETEX k EXAT 1
        MSET a 1 b 2 a 3
        MSETNX a 1 c 2
        MSETNX c 1 d 2
        INCR n
        INCR n
        INCRBY n 5
        DECR n
        DECRBY n 2
        INCRBYFLOAT n 0.5
        INCRBYFLOAT f 0.5
        INCR a2 x
        INCR f
        APPEND s x
        APPEND s x
        APPEND s ""
        SETRANGE s 1 abc
        SETRANGE none 1 ""
        SETRANGE none 1 x
        STRLEN s
        STRLEN nokey
        GETRANGE s 0 -1
        GETRANGE nokey 0 -1
        SUBSTR nokey 0 1
        LCS a b
        LCS nokey nokey2
        SETBIT bits 7 1
        SETBIT bits 7 1
        SETBIT newbits 7 0
        GETBIT nobits 1
        BITCOUNT bits
        BITCOUNT nobits
        BITPOS nobits 1
        BITOP AND dest bits nobits
        BITOP OR dest bits nobits
        BITOP AND dest nobits nobits
        BITOP AND dest nobits nobits
        BITFIELD bits SET u8 0 1 GET u8 0
        BITFIELD bits GET u8 0
        BITFIELD nobits GET u8 0
        BITFIELD nobits INCRBY u8 0 1
        BITFIELD_RO none3 GET u8 0
        "#,
    );
}

#[test]
fn keys() {
    events(
        r#"
        MSET a 1 b 2 c 3
        DEL a none b
        UNLINK c none
        MSET a 1 b 2 c 3
        EXISTS a none a
        TYPE a
        TYPE none
        TOUCH a none
        TTL a
        TTL none
        PTTL none
        EXPIRETIME none
        PEXPIRETIME none
        OBJECT ENCODING a
        OBJECT ENCODING none
        OBJECT REFCOUNT none
        OBJECT IDLETIME none
        MEMORY USAGE none
        EXPIRE a 100
        EXPIRE none 100
        EXPIRE a 100 NX
        PEXPIRE a 100000
        EXPIREAT a 99999999999
        PEXPIREAT a 9999999999999
        PERSIST a
        PERSIST a
        PERSIST none
        EXPIRE a -1
        EXPIREAT b 1
        RENAME c d
        RENAME none e
        RENAME d d
        SET e v
        RENAME d e
        RENAMENX e f
        SET g v
        RENAMENX f g
        RENAMENX f f
        RENAMENX none f
        COPY f g
        COPY f g REPLACE
        COPY f h
        COPY none h
        COPY f f DB 3
        COPY f f DB 3
        COPY f f DB 3 REPLACE
        MOVE f 4
        MOVE none 4
        SET f v
        MOVE f 4
        SELECT 4
        GET f
        RANDOMKEY
        DBSIZE
        KEYS *
        SCAN 0
        SELECT 0
        SORT none
        SORT none BY nosort GET *
        SORT_RO none
        RPUSH list 3 1 2
        SORT list
        SORT list STORE sorted
        SORT list STORE sorted
        SORT none STORE sorted
        SORT none STORE sorted
        SORT list BY weight_* GET object_* GET #
        SWAPDB 0 1
        FLUSHDB
        FLUSHALL
        DEBUG OBJECT none
        "#,
    );
}

#[test]
fn keys_that_run_out_when_they_are_met() {
    events(
        r#"
        SET k v PX 1
        DEBUG SLEEP 0.005
        GET k
        GET k
        SET k v PX 1
        DEBUG SLEEP 0.005
        SET k w
        SET k v PX 1
        DEBUG SLEEP 0.005
        DEL k
        SET k v PX 1
        DEBUG SLEEP 0.005
        EXISTS k
        SET k v PX 1
        DEBUG SLEEP 0.005
        TTL k
        SET k v PX 1
        DEBUG SLEEP 0.005
        INCR k
        SET k v PX 1
        SET l v
        DEBUG SLEEP 0.005
        RENAME l k
        SET l v PX 1
        DEBUG SLEEP 0.005
        RENAME l m
        SET l v PX 1
        DEBUG SLEEP 0.005
        MULTI
        GET l
        GET l
        EXEC
        SET l v PX 1
        DEBUG SLEEP 0.005
        SETNX l v
        "#,
    );
}

/// What comes on the channels until there are `count` messages of that event, sorted by key.
fn keys_of(subscriber: &mut Client, event: &str, count: usize) -> Vec<String> {
    let channel = format!("__keyevent@0__:{event}");
    let mut keys = Vec::new();
    while keys.len() < count {
        let message = subscriber.reply();
        let words: Vec<String> = message.items().iter().map(Reply::text).collect();
        assert_eq!(words[..3], ["pmessage", "*", &channel], "{words:?}");
        keys.push(words[3].clone());
    }
    keys.sort();
    keys
}

#[test]
fn keys_that_run_out_by_themselves() {
    for kind in BOTH {
        let server = Server::start(kind, &["--notify-keyspace-events", "Ex"]);
        let mut subscriber = server.connect();
        subscriber.line("PSUBSCRIBE *");
        let mut client = server.connect();
        for number in 0..100 {
            client.line(&format!("SET k{number:02} v PX 1"));
        }
        let expected: Vec<String> = (0..100).map(|number| format!("k{number:02}")).collect();
        assert_eq!(
            keys_of(&mut subscriber, "expired", 100),
            expected,
            "{kind:?}"
        );
    }
}

#[test]
fn keys_that_are_evicted() {
    for kind in BOTH {
        let flags = [
            "--notify-keyspace-events",
            "Ee",
            "--maxmemory-policy",
            "allkeys-lru",
        ];
        let server = Server::start(kind, &flags);
        let mut subscriber = server.connect();
        subscriber.line("PSUBSCRIBE *");
        let mut client = server.connect();
        let limit = client.info_number("used_memory") + 1_000_000;
        client.line(&format!("CONFIG SET maxmemory {limit}"));
        let value = "x".repeat(10_000);
        for number in 0..300 {
            assert!(
                !client
                    .call(&["SET", &format!("k{number:03}"), &value])
                    .is_error()
            );
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut evicted = client.info_number("evicted_keys");
        while evicted != client.info_number("evicted_keys") {
            assert!(Instant::now() < deadline, "it goes on evicting");
            evicted = client.info_number("evicted_keys");
        }
        assert!(evicted > 100, "{kind:?}: {evicted}");
        let keys = keys_of(&mut subscriber, "evicted", evicted as usize);
        for key in keys {
            assert_eq!(
                client.call(&["EXISTS", &key]).integer(),
                0,
                "{kind:?}: {key}"
            );
        }
    }
}

#[test]
fn keys_of_invalidated_tags_are_deleted() {
    sequence(
        r#"
        # keytag-only
        # flags --notify-keyspace-events EAn
        1> PSUBSCRIBE *
        1: >["psubscribe", "*", 1]
        2> SET k v TAGS 1 t
        1: >["pmessage", "*", "__keyevent@0__:new", "k"]
        1: >["pmessage", "*", "__keyevent@0__:set", "k"]
        2: OK
        2> TAGADD k u
        1: >["pmessage", "*", "__keyevent@0__:tagadd", "k"]
        2: 1
        2> TAGADD k u
        2: 0
        2> TAGREM k u
        1: >["pmessage", "*", "__keyevent@0__:tagrem", "k"]
        2: 1
        2> TAGINVALIDATE none
        2: 0
        2> TAGINVALIDATE t
        1: >["pmessage", "*", "__keyevent@0__:del", "k"]
        1: >["pmessage", "*", "__keyevent@0__:taginvalidate", "t"]
        2: 1
        2> GET k
        2: nil
        "#,
    );
    let server = Server::keytag(&["--notify-keyspace-events", "Eg"]);
    let mut client = server.connect();
    let mut subscriber = server.connect();
    const KEYS: usize = 20_000;
    for number in 0..KEYS {
        client.line(&format!("SET k{number:05} v TAGS 1 t"));
    }
    subscriber.line("PSUBSCRIBE __keyevent@0__:del");
    assert_eq!(client.line("TAGINVALIDATE t").integer(), KEYS as i64);
    let mut keys: Vec<String> = (0..KEYS)
        .map(|_| subscriber.reply().items()[3].text())
        .collect();
    keys.sort();
    assert_eq!(
        keys,
        (0..KEYS).map(|it| format!("k{it:05}")).collect::<Vec<_>>()
    );
}

/// The events of a key come in the order of its changes, whatever threads change it.
#[test]
fn events_of_a_key_keep_their_order_on_all_threads() {
    let server = Server::keytag(&["--io-threads", "4", "--notify-keyspace-events", "K$"]);
    let mut subscriber = server.connect();
    subscriber.line("SUBSCRIBE __keyspace@0__:k");
    const CHANGES: usize = 1_000;
    std::thread::scope(|scope| {
        for command in ["SET k 1", "INCR k", "APPEND k 1", "SETRANGE k 0 1"] {
            let mut client = server.connect();
            scope.spawn(move || {
                for _ in 0..CHANGES / 50 {
                    client.pipeline(&[command; 50]);
                }
            });
        }
    });
    // Each may fail: an INCR of what APPEND has made too long. Those that were counted were told.
    let mut client = server.connect();
    client.line("SET k end");
    client.line("SETBIT k 0 1");
    let mut count = 0;
    while subscriber.reply().items()[2].text() != "setbit" {
        count += 1;
    }
    assert!(count > 3 * CHANGES, "{count}");
}

#[test]
fn lists() {
    events(
        r#"
        LPUSH l a b
        RPUSH l c
        LPUSHX l x
        RPUSHX none x
        LLEN none
        LRANGE none 0 -1
        LINDEX none 0
        LPOS none x
        LSET l 0 z
        LINSERT l BEFORE z y
        LINSERT l BEFORE none y
        LREM l 0 none
        LREM l 0 y
        LTRIM l 0 2
        LTRIM l 0 -1
        LMOVE l m LEFT RIGHT
        LMOVE l l LEFT RIGHT
        RPOPLPUSH l m
        RPOPLPUSH none m
        LPOP l
        LPOP none
        RPOP none 2
        LPOP m 0
        RPOP m 5
        RPUSH l a b c
        LMPOP 2 none l LEFT COUNT 2
        LMPOP 1 l RIGHT
        LMPOP 1 l RIGHT
        RPUSH l a
        LTRIM l 5 9
        RPUSH l a
        LREM l 0 a
        RPUSH l a
        LMOVE l m LEFT LEFT
        BLPOP m 0
        BRPOP none m 0.001
        RPUSH m a b
        BLMOVE m n LEFT RIGHT 0
        BRPOPLPUSH m n 0
        BLMPOP 0 1 n LEFT COUNT 5
        MULTI
        BLPOP n 0
        RPUSH n a
        BLPOP n 0
        EXEC
        GET l
        SET s v
        LPUSH s x
        LLEN s
        "#,
    );
}

/// A waiting client is served behind the events of who has brought what it waits for.
#[test]
fn lists_that_are_waited_for() {
    let hear = |kind: Kind| {
        let server = Server::start(kind, &["--notify-keyspace-events", "EA"]);
        let mut subscriber = server.connect();
        subscriber.line("PSUBSCRIBE *");
        let mut client = server.connect();
        for (wait, bring) in [
            ("BLPOP a 0", "RPUSH a x"),
            ("BLMOVE a b LEFT LEFT 0", "RPUSH a x y"),
            ("BLMPOP 0 2 none c LEFT COUNT 2", "RPUSH c x y z"),
            ("BRPOPLPUSH d d 0", "LPUSH d x"),
        ] {
            let mut waiter = server.connect();
            waiter.send_raw(format!("{wait}\r\n").as_bytes());
            let deadline = Instant::now() + Duration::from_secs(20);
            while client.info_number("blocked_clients") == 0 {
                assert!(Instant::now() < deadline, "{wait} does not wait");
            }
            client.line(bring);
            assert!(!waiter.reply().is_error(), "{wait}");
        }
        client.line("PUBLISH end x");
        let mut heard = Vec::new();
        while heard
            .last()
            .is_none_or(|it: &String| !it.contains("\"end\""))
        {
            heard.push(subscriber.reply().to_string());
        }
        heard
    };
    assert_eq!(hear(Kind::Keytag), hear(Kind::Oracle));
}

#[test]
fn hyperloglogs() {
    events(
        r#"
        PFADD h a b c
        PFADD h a b c
        PFADD h d
        PFADD empty
        PFADD empty
        PFCOUNT h
        PFCOUNT h empty none
        PFCOUNT none
        PFMERGE m h none
        PFMERGE m h
        PFMERGE new
        PFMERGE new none
        SET s v
        PFADD s x
        "#,
    );
}

#[test]
fn sorted_sets() {
    events(
        r#"
        ZADD z 1 a 2 b
        ZADD z 1 a
        ZADD z 3 a
        ZADD z NX 4 a 5 c
        ZADD z XX 4 none
        ZADD none XX 4 none
        ZADD z GT 1 a
        ZADD z INCR 1 a
        ZADD z NX INCR 1 a
        ZADD none XX INCR 1 a
        ZINCRBY z 1 a
        ZINCRBY new 1 a
        ZREM z none
        ZREM z a none
        ZREM none a
        ZREM new a
        ZCARD none
        ZSCORE none a
        ZMSCORE none a
        ZRANK none a
        ZCOUNT none 0 1
        ZRANGE none 0 1
        ZRANDMEMBER none
        ZADD a 1 x 2 y 3 z
        ZADD b 1 x 5 w
        ZUNIONSTORE d 2 a b
        ZUNIONSTORE d 2 a b
        ZINTERSTORE d 2 a b
        ZINTERSTORE d 2 a none
        ZINTERSTORE d 2 a none
        ZDIFFSTORE d 2 a b
        ZDIFFSTORE d 2 none a
        ZUNION 2 a none
        ZINTER 2 a none
        ZINTERCARD 2 a none
        ZDIFF 2 none a
        ZRANGESTORE d a 0 1
        ZRANGESTORE d a 9 10
        ZRANGESTORE d a 9 10
        ZRANGESTORE d none 0 1
        ZPOPMIN a
        ZPOPMAX a
        ZPOPMIN a 0
        ZPOPMIN none
        ZPOPMIN a 5
        ZMPOP 2 none b MIN
        ZMPOP 1 b MAX COUNT 5
        ZMPOP 1 b MAX
        ZADD a 1 x 2 y 3 z 4 w 5 v
        ZREMRANGEBYRANK a 0 0
        ZREMRANGEBYRANK a 9 10
        ZREMRANGEBYSCORE a 2 2
        ZREMRANGEBYLEX a [z [z
        ZREMRANGEBYSCORE a -inf +inf
        ZREMRANGEBYSCORE a -inf +inf
        ZADD a 1 x 2 y
        BZPOPMIN a 0
        BZPOPMAX none a 0
        ZADD a 1 x 2 y
        BZMPOP 0 1 a MIN COUNT 5
        ZSCAN none 0
        SET s v
        ZADD s 1 x
        ZUNIONSTORE s 1 none
        "#,
    );
}

#[test]
fn places() {
    events(
        r#"
        GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        GEOADD g 13.361389 38.115556 Palermo
        GEOADD g NX 13 38 Palermo
        GEOADD none XX 13 38 x
        GEOPOS none x
        GEODIST none a b
        GEOHASH none a
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km
        GEOSEARCH none FROMLONLAT 15 37 BYRADIUS 200 km
        GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km
        GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 1 km
        GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 1 km
        GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 1 km
        GEORADIUS g 15 37 200 km
        GEORADIUS g 15 37 200 km STORE d
        GEORADIUS g 15 37 200 km STOREDIST d
        GEORADIUS none 15 37 200 km STORE d
        GEORADIUSBYMEMBER g Palermo 200 km STORE d
        GEORADIUSBYMEMBER none Palermo 200 km STORE d
        "#,
    );
}

#[test]
fn hashes() {
    events(
        r#"
        HSET h a 1 b 2
        HSET h a 1
        HMSET h a 2
        HSETNX h a 1
        HSETNX h c 1
        HSETNX new c 1
        HINCRBY h n 1
        HINCRBYFLOAT h n 0.5
        HINCRBY other n 1
        HINCRBY h c x
        HGET none a
        HMGET none a
        HGETALL none
        HKEYS none
        HLEN none
        HEXISTS none a
        HSTRLEN none a
        HRANDFIELD none
        HSCAN none 0
        HDEL h none
        HDEL h a none b
        HDEL none a
        HDEL new c
        HSET h a 1 b 2 c 3
        HEXPIRE h 100 FIELDS 2 a none
        HEXPIRE none 100 FIELDS 1 a
        HPEXPIRE h 100000 NX FIELDS 1 a
        HEXPIREAT h 99999999999 FIELDS 1 a
        HPEXPIREAT h 99999999999999 FIELDS 1 a
        HTTL h FIELDS 1 a
        HTTL none FIELDS 1 a
        HPERSIST h FIELDS 2 a b
        HPERSIST h FIELDS 1 a
        HPERSIST none FIELDS 1 a
        HEXPIRE h 0 FIELDS 1 a
        HEXPIRE h 0 FIELDS 2 b none
        HDEL h c n
        HSET h a 1
        HEXPIRE h 0 FIELDS 1 a
        HSET h a 1 b 2
        HPEXPIRE h 1 FIELDS 1 a
        DEBUG SLEEP 0.005
        HGET h a
        HPEXPIRE h 1 FIELDS 1 b
        DEBUG SLEEP 0.005
        HGET h b
        HGET h b
        SET s v
        HSET s a 1
        "#,
    );
}

#[test]
fn fields_that_run_out_by_themselves() {
    for kind in BOTH {
        let server = Server::start(kind, &["--notify-keyspace-events", "Ehg"]);
        let mut subscriber = server.connect();
        subscriber.line("PSUBSCRIBE *");
        let mut client = server.connect();
        client.line("HSET h a 1 b 2");
        client.line("HPEXPIRE h 1 FIELDS 1 a");
        assert_eq!(subscriber.reply().items()[2].text(), "__keyevent@0__:hset");
        assert_eq!(
            subscriber.reply().items()[2].text(),
            "__keyevent@0__:hexpire"
        );
        assert_eq!(keys_of(&mut subscriber, "hexpired", 1), ["h"], "{kind:?}");
        client.line("HPEXPIRE h 1 FIELDS 1 b");
        assert_eq!(keys_of(&mut subscriber, "hexpire", 1), ["h"], "{kind:?}");
        assert_eq!(keys_of(&mut subscriber, "hexpired", 1), ["h"], "{kind:?}");
        assert_eq!(keys_of(&mut subscriber, "del", 1), ["h"], "{kind:?}");
    }
}

#[test]
fn sets() {
    events(
        r#"
        SADD s a b
        SADD s a
        SADD s a c
        SREM s none
        SREM s a none
        SREM none a
        SCARD none
        SISMEMBER none a
        SMISMEMBER none a
        SMEMBERS none
        SRANDMEMBER none
        SSCAN none 0
        SMOVE s t b
        SMOVE s t none
        SMOVE none t b
        SMOVE s s c
        SMOVE s t c
        SPOP none
        SPOP none 2
        SPOP t 0
        SREM t b
        SPOP t
        SADD t b
        SPOP t 5
        SADD a 1 2 3
        SADD b 2 3 4
        SUNIONSTORE d a b
        SUNIONSTORE d a b
        SINTERSTORE d a b
        SINTERSTORE d a none
        SINTERSTORE d a none
        SDIFFSTORE d a b
        SDIFFSTORE d none a
        SUNION a none
        SINTER a none
        SINTERCARD 2 a none
        SDIFF none a
        SREM a 1 2 3
        SET s v
        SADD s a
        SUNIONSTORE s none
        SORT b STORE l
        "#,
    );
}

#[test]
fn streams() {
    events(
        r#"
        XADD none NOMKSTREAM * a 1
        XADD s 1-1 a 1
        XADD s 2-1 a 1
        XADD s MAXLEN 2 3-1 a 1
        XADD s MAXLEN 1 4-1 a 1
        XADD s 1-1 a 1
        XLEN none
        XRANGE none - +
        XREVRANGE none + -
        XREAD STREAMS s 0
        XTRIM s MAXLEN 5
        XTRIM s MAXLEN 1
        XADD s 5-1 a 1
        XTRIM s MINID 5
        XTRIM none MAXLEN 1
        XDEL s 9-1
        XDEL s 5-1
        XDEL none 1-1
        XADD s 6-1 a 1
        XADD s 7-1 a 1
        XADD s 8-1 a 1
        XSETID s 9-1
        XSETID none 9-1
        XGROUP CREATE s g 0
        XGROUP CREATE s g 0
        XGROUP CREATE none g 0
        XGROUP CREATE made g $ MKSTREAM
        XGROUP CREATECONSUMER s g c
        XGROUP CREATECONSUMER s g c
        XGROUP SETID s g 0
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XREADGROUP GROUP g new COUNT 1 STREAMS s >
        XREADGROUP GROUP g c STREAMS s 0
        XREADGROUP GROUP g other STREAMS s 0
        XREADGROUP GROUP g c NOACK STREAMS s >
        XACK s g 6-1
        XACK s g 6-1
        XPENDING s g
        XPENDING none g
        XCLAIM s g claimer 0 7-1
        XCLAIM s g claimer 0 9-9
        XAUTOCLAIM s g autoclaimer 0 0
        XINFO STREAM s
        XINFO STREAM none
        XINFO GROUPS s
        XGROUP DELCONSUMER s g c
        XGROUP DELCONSUMER s g c
        XGROUP DESTROY s g
        XGROUP DESTROY s g
        SET str v
        XADD str * a 1
        "#,
    );
}
