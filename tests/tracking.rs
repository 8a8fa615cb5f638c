//! Client-side caching: `CLIENT TRACKING` and the messages that copies of keys have become old.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Reply, Server, sequence, transcript};

const BOTH: [Kind; 2] = [Kind::Keytag, Kind::Oracle];

#[test]
fn who_has_read_a_key_is_told_once_that_it_has_changed() {
    sequence(
        r#"
        # resp3-only
        1> CLIENT TRACKING ON
        1: OK
        1> GET k
        1: nil
        1> MGET a b a
        1: [nil, nil, nil]
        2> SET k v
        1: >["invalidate", ["k"]]
        2: OK
        2> SET k w
        2: OK
        2> SET other v
        2: OK
        2> MSET b 1 a 2 c 3
        1: >["invalidate", ["b"]]
        1: >["invalidate", ["a"]]
        2: OK
        1> GET k
        1: "w"
        2> GET k
        2: "w"
        2> EXPIRE k 100
        1: >["invalidate", ["k"]]
        2: 1
        1> TTL k
        1: 100
        1> EXISTS k
        1: 1
        1> TYPE k
        1: string
        2> PERSIST k
        1: >["invalidate", ["k"]]
        2: 1
        1> STRLEN k
        1: 1
        2> DEL k
        1: >["invalidate", ["k"]]
        2: 1
        1> GET none
        1: nil
        2> SET none x
        1: >["invalidate", ["none"]]
        2: OK
        1> GET k
        1: nil
        1> SET k mine
        1: OK
        1: >["invalidate", ["k"]]
        1> GET k | SET k again | PING
        1: "mine"
        1: OK
        1: >["invalidate", ["k"]]
        1: PONG
        1> LRANGE none 0 -1
        1: -WRONGTYPE Operation against a key holding the wrong kind of value
        2> RPUSH none x
        2: -WRONGTYPE Operation against a key holding the wrong kind of value
        1> LRANGE list 0 -1
        1: []
        2> RPUSH list x
        1: >["invalidate", ["list"]]
        2: 1
        1> INCR n
        1: 1
        2> INCR n
        2: 2
        1> CLIENT TRACKING OFF
        1: OK
        1> GET k
        1: "again"
        2> SET k v
        2: OK
        1> CLIENT TRACKING OFF
        1: OK
        "#,
    );
}

#[test]
fn keys_that_run_out_rename_and_move() {
    sequence(
        r#"
        # resp3-only
        # flags --enable-debug-command yes
        2> DEBUG SET-ACTIVE-EXPIRE 0
        2: OK
        1> CLIENT TRACKING ON
        1: OK
        2> SET k v PX 1
        2: OK
        1> DEBUG SLEEP 0.005
        1: OK
        1> GET k
        1: nil
        2> SET k v PX 500
        1: >["invalidate", ["k"]]
        2: OK
        1> EXISTS k
        1: 1
        1> DEBUG SLEEP 0.6
        1: OK
        2> GET k
        1: >["invalidate", ["k"]]
        2: nil
        1> GET k
        1: nil
        2> SET j v
        2: OK
        2> RENAME j k
        1: >["invalidate", ["k"]]
        2: OK
        1> MGET j k
        1: [nil, "v"]
        2> RENAME k j
        1: >["invalidate", ["k"]]
        1: >["invalidate", ["j"]]
        2: OK
        1> GET k
        1: nil
        2> COPY j k
        1: >["invalidate", ["k"]]
        2: 1
        1> MGET j k
        1: ["v", "v"]
        2> MOVE j 3
        1: >["invalidate", ["j"]]
        2: 1
        1> GET j
        1: nil
        2> SELECT 3
        2: OK
        2> SET j v
        1: >["invalidate", ["j"]]
        2: OK
        2> SWAPDB 0 3
        2: OK
        1> GET j
        1: "v"
        2> SWAPDB 0 3
        2: OK
        1> PFCOUNT h
        1: 0
        2> PFADD h a
        1: >["invalidate", ["h"]]
        2: 1
        1> PFCOUNT h
        1: 0
        2> PFCOUNT h
        1: >["invalidate", ["h"]]
        2: 1
        2> PFADD h b
        2: 1
        1> GEOPOS g x
        1: [nil]
        2> GEOADD g 1 1 x
        1: >["invalidate", ["g"]]
        2: 1
        1> ZRANGE g 0 1
        1: []
        2> ZREM g x
        1: >["invalidate", ["g"]]
        2: 1
        "#,
    );
}

#[test]
fn a_flush_makes_everything_old() {
    sequence(
        r#"
        # resp3-only
        1> CLIENT TRACKING ON
        1: OK
        3> CLIENT TRACKING ON BCAST
        3: OK
        4> CLIENT TRACKING ON NOLOOP
        4: OK
        1> GET a
        1: nil
        1> GET b
        1: nil
        2> FLUSHALL
        1: >["invalidate", nil]
        2: OK
        3: >["invalidate", nil]
        4: >["invalidate", nil]
        2> SET a 1
        2: OK
        3: >["invalidate", ["a"]]
        1> GET a
        1: "1"
        2> SELECT 5
        2: OK
        2> FLUSHDB
        1: >["invalidate", nil]
        2: OK
        3: >["invalidate", nil]
        4: >["invalidate", nil]
        2> SELECT 0
        2: OK
        2> SET a 1
        2: OK
        3: >["invalidate", ["a"]]
        1> FLUSHALL
        1: >["invalidate", nil]
        1: OK
        3: >["invalidate", nil]
        4: >["invalidate", nil]
        4> FLUSHALL ASYNC
        1: >["invalidate", nil]
        3: >["invalidate", nil]
        4: OK
        4: >["invalidate", nil]
        1> MULTI
        1: OK
        1> FLUSHALL
        1: QUEUED
        1> PING
        1: QUEUED
        1> EXEC
        1: [OK, PONG]
        1: >["invalidate", nil]
        3: >["invalidate", nil]
        4: >["invalidate", nil]
        2> MULTI
        2: OK
        2> FLUSHDB
        2: QUEUED
        2> FLUSHALL
        2: QUEUED
        2> EXEC
        1: >["invalidate", nil]
        1: >["invalidate", nil]
        2: [OK, OK]
        3: >["invalidate", nil]
        3: >["invalidate", nil]
        4: >["invalidate", nil]
        4: >["invalidate", nil]
        "#,
    );
}

#[test]
fn noloop_spares_the_own_changes() {
    sequence(
        r#"
        # resp3-only
        1> CLIENT TRACKING ON NOLOOP
        1: OK
        2> CLIENT TRACKING ON
        2: OK
        1> GET k
        1: nil
        2> GET k
        2: nil
        1> SET k v
        1: OK
        2: >["invalidate", ["k"]]
        2> SET k v
        2: OK
        1> GET k
        1: "v"
        2> SET k v
        1: >["invalidate", ["k"]]
        2: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on", "noloop"], "redirect" => 0, "prefixes" => []]
        "#,
    );
}

#[test]
fn optin_and_optout_choose_what_is_kept() {
    sequence(
        r#"
        # resp3-only
        1> CLIENT TRACKING ON OPTIN
        1: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on", "optin"], "redirect" => 0, "prefixes" => []]
        1> GET k
        1: nil
        2> SET k v
        2: OK
        1> CLIENT CACHING YES
        1: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on", "optin"], "redirect" => 0, "prefixes" => []]
        1> CLIENT ID
        1: {1}
        1> GET k
        1: "v"
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on", "optin"], "redirect" => 0, "prefixes" => []]
        1> GET j
        1: nil
        2> MSET j 1 k 2
        2: OK
        1> CLIENT CACHING YES | MULTI | GET a | GET b | EXEC
        1: OK
        1: OK
        1: QUEUED
        1: QUEUED
        1: [nil, nil]
        1> GET c
        1: nil
        2> MSET a 1 b 1 c 1
        1: >["invalidate", ["a"]]
        1: >["invalidate", ["b"]]
        2: OK
        1> MULTI
        1: OK
        1> CLIENT CACHING YES
        1: QUEUED
        1> GET a
        1: QUEUED
        1> EXEC
        1: [OK, "1"]
        1> GET b
        1: "1"
        2> MSET a 1 b 1 c 1
        1: >["invalidate", ["a"]]
        2: OK
        1> CLIENT CACHING YES | NOSUCH | GET a
        1: OK
        1: -ERR unknown command 'NOSUCH', with args beginning with: 
        1: "1"
        2> SET a 2
        2: OK
        1> CLIENT CACHING YES | CLIENT CACHING MAYBE | GET a
        1: OK
        1: -ERR syntax error
        1: "2"
        2> SET a 2
        1: >["invalidate", ["a"]]
        2: OK
        1> CLIENT CACHING NO
        1: -ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.
        1> CLIENT TRACKING ON OPTOUT
        1: -ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.
        1> CLIENT TRACKING OFF
        1: OK
        1> CLIENT TRACKING ON OPTOUT
        1: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on", "optout"], "redirect" => 0, "prefixes" => []]
        1> GET k
        1: "2"
        2> SET k v
        1: >["invalidate", ["k"]]
        2: OK
        1> CLIENT CACHING NO | CLIENT TRACKINGINFO | GET k
        1: OK
        1: %["flags" => ~["on", "optout", "caching-no"], "redirect" => 0, "prefixes" => []]
        1: "v"
        2> SET k v
        2: OK
        1> GET k
        1: "v"
        2> SET k v
        1: >["invalidate", ["k"]]
        2: OK
        1> CLIENT CACHING YES
        1: -ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.
        1> CLIENT TRACKING ON OPTIN
        1: -ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.
        "#,
    );
}

#[test]
fn prefixes_are_broadcast() {
    sequence(
        r#"
        # resp3-only
        1> CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:
        1: OK
        3> CLIENT TRACKING ON BCAST
        3: OK
        4> CLIENT TRACKING ON BCAST NOLOOP PREFIX a:
        4: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on", "bcast"], "redirect" => 0, "prefixes" => ["a:", "b:"]]
        3> CLIENT TRACKINGINFO
        3: %["flags" => ~["on", "bcast"], "redirect" => 0, "prefixes" => [""]]
        2> SET a:1 x
        1: >["invalidate", ["a:1"]]
        2: OK
        3: >["invalidate", ["a:1"]]
        4: >["invalidate", ["a:1"]]
        2> SET b:1 x
        1: >["invalidate", ["b:1"]]
        2: OK
        3: >["invalidate", ["b:1"]]
        2> SET c:1 x
        2: OK
        3: >["invalidate", ["c:1"]]
        2> MSET b:2 x a:2 x c:2 x a:1 x
        1: >["invalidate", ["a:1", "a:2"]]
        1: >["invalidate", ["b:2"]]
        2: OK
        3: >["invalidate", ["a:1", "a:2", "b:2", "c:2"]]
        4: >["invalidate", ["a:1", "a:2"]]
        4> SET a:1 x
        1: >["invalidate", ["a:1"]]
        3: >["invalidate", ["a:1"]]
        4: OK
        4> MSET b:1 x a:1 x
        1: >["invalidate", ["a:1"]]
        1: >["invalidate", ["b:1"]]
        3: >["invalidate", ["a:1", "b:1"]]
        4: OK
        1> SET a:1 x
        1: OK
        1: >["invalidate", ["a:1"]]
        3: >["invalidate", ["a:1"]]
        4: >["invalidate", ["a:1"]]
        1> MULTI
        1: OK
        1> SET a:2 x
        1: QUEUED
        1> SET a:1 x
        1: QUEUED
        1> SET a:2 x
        1: QUEUED
        1> PING
        1: QUEUED
        1> EXEC
        1: [OK, OK, OK, PONG]
        1: >["invalidate", ["a:1", "a:2"]]
        3: >["invalidate", ["a:1", "a:2"]]
        4: >["invalidate", ["a:1", "a:2"]]
        2> DEL none
        2: 0
        2> DEL a:1
        1: >["invalidate", ["a:1"]]
        2: 1
        3: >["invalidate", ["a:1"]]
        4: >["invalidate", ["a:1"]]
        2> GET a:2
        2: "x"
        1> CLIENT TRACKING ON BCAST PREFIX c:
        1: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on", "bcast"], "redirect" => 0, "prefixes" => ["a:", "b:", "c:"]]
        2> SET c:1 x
        1: >["invalidate", ["c:1"]]
        2: OK
        3: >["invalidate", ["c:1"]]
        1> CLIENT TRACKING OFF
        1: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["off"], "redirect" => -1, "prefixes" => []]
        2> SET a:1 x
        2: OK
        3: >["invalidate", ["a:1"]]
        4: >["invalidate", ["a:1"]]
        4> RESET
        4: RESET
        4> HELLO 3
        4: %["server" => "redis", "version" => "7.4.1", "proto" => 3, "id" => {4}, "mode" => "standalone", "role" => "master", "modules" => []]
        4> CLIENT TRACKINGINFO
        4: %["flags" => ~["off"], "redirect" => -1, "prefixes" => []]
        2> SET a:1 x
        2: OK
        3: >["invalidate", ["a:1"]]
        "#,
    );
}

#[test]
fn messages_are_redirected_to_a_subscriber() {
    sequence(
        r#"
        # resp2-only
        2> SUBSCRIBE __redis__:invalidate
        2: ["subscribe", "__redis__:invalidate", 1]
        1> CLIENT TRACKING ON REDIRECT {2}
        1: OK
        1> CLIENT GETREDIR
        1: {2}
        1> CLIENT TRACKINGINFO
        1: ["flags", ["on"], "redirect", {2}, "prefixes", []]
        1> GET k
        1: nil
        3> SET k v
        2: ["message", "__redis__:invalidate", ["k"]]
        3: OK
        1> GET k
        1: "v"
        1> SET k v
        1: OK
        2: ["message", "__redis__:invalidate", ["k"]]
        3> FLUSHALL
        2: ["message", "__redis__:invalidate", nil]
        3: OK
        4> CLIENT TRACKING ON BCAST REDIRECT {2} PREFIX x
        4: OK
        3> MSET x 1 xy 2 k 3
        2: ["message", "__redis__:invalidate", ["x", "xy"]]
        3: OK
        3> PUBLISH __redis__:invalidate by-hand
        2: ["message", "__redis__:invalidate", "by-hand"]
        3: 1
        2> UNSUBSCRIBE
        2: ["unsubscribe", "__redis__:invalidate", 0]
        1> GET k
        1: "3"
        3> SET k v
        3: OK
        2> SUBSCRIBE anything
        2: ["subscribe", "anything", 1]
        1> GET k
        1: "v"
        3> SET k v
        2: ["message", "__redis__:invalidate", ["k"]]
        3: OK
        1> GET k
        1: "v"
        2> QUIT
        2: OK
        2: closed
        3> SET k v
        3: OK
        1> CLIENT TRACKINGINFO
        1: ["flags", ["on", "broken_redirect"], "redirect", {2}, "prefixes", []]
        1> GET k
        1: "v"
        3> SET k w
        3: OK
        1> CLIENT TRACKING ON
        1: OK
        1> CLIENT TRACKINGINFO
        1: ["flags", ["on"], "redirect", 0, "prefixes", []]
        "#,
    );
}

#[test]
fn redirection_in_resp3_and_when_it_breaks() {
    sequence(
        r#"
        # resp3-only
        1> CLIENT TRACKING ON REDIRECT {2}
        1: OK
        1> GET k
        1: nil
        3> SET k v
        2: >["invalidate", ["k"]]
        3: OK
        1> GET k
        1: "v"
        1> SET k v
        1: OK
        2: >["invalidate", ["k"]]
        2> SUBSCRIBE __redis__:invalidate
        2: >["subscribe", "__redis__:invalidate", 1]
        1> GET k
        1: "v"
        3> SET k v
        2: >["invalidate", ["k"]]
        3: OK
        1> GET k
        1: "v"
        3> FLUSHDB
        2: >["invalidate", nil]
        3: OK
        1> GET k
        1: nil
        2> QUIT
        2: OK
        2: closed
        3> SET k v
        1: >["tracking-redir-broken", {2}]
        3: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on", "broken_redirect"], "redirect" => {2}, "prefixes" => []]
        1> GET k
        1: "v"
        1> SET k v
        1: OK
        1: >["tracking-redir-broken", {2}]
        1> CLIENT TRACKING OFF
        1: OK
        1> CLIENT GETREDIR
        1: -1
        1> CLIENT TRACKING ON
        1: OK
        1> CLIENT GETREDIR
        1: 0
        1> GET k
        1: "v"
        3> SET k v
        1: >["invalidate", ["k"]]
        3: OK
        "#,
    );
}

#[test]
fn resp2_without_redirection_hears_nothing() {
    sequence(
        r#"
        # resp2-only
        1> CLIENT TRACKING ON
        1: OK
        1> GET k
        1: nil
        2> SET k v
        2: OK
        1> SUBSCRIBE __redis__:invalidate
        1: ["subscribe", "__redis__:invalidate", 1]
        2> SET k v
        2: OK
        "#,
    );
}

#[test]
fn transactions_tell_behind_their_reply() {
    sequence(
        r#"
        # resp3-only
        1> CLIENT TRACKING ON
        1: OK
        1> GET k
        1: nil
        1> MULTI
        1: OK
        1> SET k v
        1: QUEUED
        1> GET k
        1: QUEUED
        1> SET k w
        1: QUEUED
        1> EXEC
        1: [OK, "v", OK]
        1: >["invalidate", ["k"]]
        1: >["invalidate", ["k"]]
        1> MULTI
        1: OK
        1> GET a
        1: QUEUED
        1> EXEC
        1: [nil]
        2> MULTI
        2: OK
        2> SET a 1
        2: QUEUED
        2> SET k 1
        2: QUEUED
        2> EXEC
        1: >["invalidate", ["a"]]
        2: [OK, OK]
        1> CLIENT REPLY OFF | GET a | SET a 2 | CLIENT REPLY ON
        1: >["invalidate", ["a"]]
        1: OK
        "#,
    );
}

#[test]
fn what_tracking_refuses() {
    transcript(
        r#"
        # no-multi
        # no-reload
        > CLIENT TRACKING
        (error) ERR wrong number of arguments for 'client|tracking' command
        > CLIENT TRACKING MAYBE
        (error) ERR syntax error
        > CLIENT TRACKING ON NOSUCH
        (error) ERR syntax error
        > CLIENT TRACKING ON REDIRECT
        (error) ERR syntax error
        > CLIENT TRACKING ON PREFIX
        (error) ERR syntax error
        > CLIENT TRACKING ON REDIRECT x
        (error) ERR value is not an integer or out of range
        > CLIENT TRACKING ON REDIRECT 0
        (error) ERR The client ID you want redirect to does not exist
        > CLIENT TRACKING ON REDIRECT 999999
        (error) ERR The client ID you want redirect to does not exist
        > CLIENT TRACKING ON REDIRECT -1
        (error) ERR The client ID you want redirect to does not exist
        > CLIENT TRACKING MAYBE REDIRECT 999999
        (error) ERR The client ID you want redirect to does not exist
        > CLIENT TRACKING ON PREFIX a
        (error) ERR PREFIX option requires BCAST mode to be enabled
        > CLIENT TRACKING ON BCAST OPTIN
        (error) ERR OPTIN and OPTOUT are not compatible with BCAST
        > CLIENT TRACKING ON OPTOUT BCAST
        (error) ERR OPTIN and OPTOUT are not compatible with BCAST
        > CLIENT TRACKING ON OPTOUT OPTIN
        (error) ERR You can't specify both OPTIN mode and OPTOUT mode
        > CLIENT TRACKING ON BCAST PREFIX foo PREFIX bar PREFIX fo
        (error) ERR Prefix 'foo' overlaps with another provided prefix 'fo'. Prefixes for a single client must not overlap.
        > CLIENT TRACKING ON BCAST PREFIX foo PREFIX foo
        (error) ERR Prefix 'foo' overlaps with another provided prefix 'foo'. Prefixes for a single client must not overlap.
        > CLIENT TRACKING ON BCAST PREFIX foo PREFIX bar
        OK
        > CLIENT TRACKING ON BCAST PREFIX food
        (error) ERR Prefix 'food' overlaps with an existing prefix 'foo'. Prefixes for a single client must not overlap.
        > CLIENT TRACKING ON BCAST PREFIX bar
        (error) ERR Prefix 'bar' overlaps with an existing prefix 'bar'. Prefixes for a single client must not overlap.
        > CLIENT TRACKING ON
        (error) ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.
        > CLIENT TRACKING ON BCAST
        OK
        > CLIENT CACHING YES
        (error) ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.
        > CLIENT TRACKING OFF
        OK
        > CLIENT CACHING YES
        (error) ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
        > CLIENT CACHING MAYBE
        (error) ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
        > CLIENT CACHING
        (error) ERR wrong number of arguments for 'client|caching' command
        > CLIENT TRACKING ON
        OK
        > CLIENT TRACKING ON BCAST
        (error) ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.
        > CLIENT CACHING YES
        (error) ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.
        > CLIENT CACHING NO
        (error) ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.
        > CLIENT CACHING MAYBE
        (error) ERR syntax error
        > CLIENT TRACKING ON OPTIN
        OK
        > CLIENT TRACKING ON OPTOUT
        (error) ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.
        > CLIENT CACHING NO
        (error) ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.
        > CLIENT TRACKING MAYBE
        (error) ERR syntax error
        > CLIENT TRACKING OFF NOSUCH
        (error) ERR syntax error
        > CLIENT TRACKING OFF
        OK
        > CLIENT GETREDIR
        (integer) -1
        > CLIENT GETREDIR x
        (error) ERR wrong number of arguments for 'client|getredir' command
        > CLIENT TRACKINGINFO
        1) "flags"
        2) 1) "off"
        3) "redirect"
        4) (integer) -1
        5) "prefixes"
        6) (empty array)
        "#,
    );
}

#[test]
fn who_redirects_twice_is_refused() {
    sequence(
        r#"
        1> CLIENT TRACKING ON REDIRECT {2} REDIRECT {2}
        1: -ERR value is not an integer or out of range
        1> CLIENT TRACKING ON REDIRECT {1}
        1: OK
        1> CLIENT TRACKINGINFO
        1: %["flags" => ~["on"], "redirect" => {1}, "prefixes" => []]
        "#,
    );
}

/// The field of the client of that name, as `CLIENT LIST` has it.
fn field(observer: &mut Client, name: &str, field: &str) -> String {
    let text = observer.line("CLIENT LIST").text();
    let is_named = format!(" name={name} ");
    let line = text.lines().find(|line| line.contains(&is_named));
    let mut fields = line
        .expect("the client is there")
        .split(' ')
        .filter_map(|field| field.split_once('='));
    let found = fields.find(|(name, _)| *name == field);
    found.expect("the field is there").1.to_owned()
}

#[test]
fn tracking_shows_in_client_list_and_info() {
    for kind in BOTH {
        let server = Server::start(kind, &[]);
        let mut observer = server.connect();
        let mut client = server.connect_resp3();
        let mut other = server.connect_resp3();
        client.line("CLIENT SETNAME c");
        other.line("CLIENT SETNAME o");
        assert_eq!(field(&mut observer, "c", "redir"), "-1", "{kind:?}");
        client.line("CLIENT TRACKING ON");
        client.line("MGET a b c");
        other.line("CLIENT TRACKING ON");
        other.line("MGET c d");
        assert_eq!(field(&mut observer, "c", "flags"), "t", "{kind:?}");
        assert_eq!(field(&mut observer, "c", "redir"), "0", "{kind:?}");
        let mut numbers = |expected: [i64; 4]| {
            let names = ["clients", "total_keys", "total_items", "total_prefixes"];
            let names = names.map(|name| format!("tracking_{name}"));
            let numbers = names.map(|name| observer.info_number(&name));
            assert_eq!(numbers, expected, "{kind:?}");
        };
        numbers([2, 4, 5, 0]);
        assert_eq!(other.line("SET c 1").text(), "OK");
        numbers([2, 3, 3, 0]);
        drop(other.reply());
        other.line("CLIENT TRACKING OFF");
        other.line("CLIENT TRACKING ON BCAST PREFIX x PREFIX y");
        numbers([2, 3, 3, 2]);
        assert_eq!(field(&mut server.connect(), "o", "flags"), "tB", "{kind:?}");
        let id = server.connect().line("CLIENT ID").integer();
        let mut target = server.connect();
        let target_id = target.line("CLIENT ID").integer();
        assert!(target_id > id);
        client.reply();
        client.line(&format!("CLIENT TRACKING ON REDIRECT {target_id}"));
        let mut observer = server.connect();
        assert_eq!(field(&mut observer, "c", "redir"), target_id.to_string());
        assert_eq!(target.line("QUIT").text(), "OK");
        assert!(target.is_closed());
        client.line("GET z");
        observer.line("SET z 1");
        assert_eq!(field(&mut observer, "c", "flags"), "tR", "{kind:?}");
        drop((client, other));
        let deadline = Instant::now() + Duration::from_secs(20);
        while observer.info_number("tracking_clients") > 0 {
            assert!(Instant::now() < deadline, "{kind:?}: they have left");
        }
        assert_eq!(observer.info_number("tracking_total_prefixes"), 0);
    }
}

#[test]
fn the_table_forgets_what_is_too_much() {
    for kind in BOTH {
        let server = Server::start(kind, &["--tracking-table-max-keys", "10"]);
        let mut client = server.connect_resp3();
        client.line("CLIENT TRACKING ON");
        let mut forgotten = Vec::new();
        let mut read = 0;
        for number in 0..50 {
            client.send(&["GET", &format!("k{number}")]);
            client.send(&["PING"]);
            loop {
                match client.reply() {
                    Reply::Push(items) => forgotten.push(items[1].items()[0].text()),
                    Reply::Nil => read += 1,
                    reply => {
                        assert_eq!(reply.text(), "PONG");
                        break;
                    }
                }
            }
        }
        assert_eq!(read, 50);
        let different: BTreeSet<&String> = forgotten.iter().collect();
        assert_eq!((forgotten.len(), different.len()), (40, 40), "{kind:?}");
        let mut observer = server.connect();
        assert_eq!(observer.info_number("tracking_total_keys"), 10, "{kind:?}");
        observer.line("CONFIG SET tracking-table-max-keys 0");
        client.line("MGET a b c d e f g h i j");
        assert_eq!(observer.info_number("tracking_total_keys"), 20, "{kind:?}");
    }
}

/// What is told until that many keys have been named.
fn told(client: &mut Client, count: usize) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    while keys.len() < count {
        let push = client.reply();
        assert_eq!(push.items()[0].text(), "invalidate");
        keys.extend(push.items()[1].items().iter().map(Reply::text));
    }
    keys
}

#[test]
fn keys_that_run_out_or_are_evicted_by_themselves_are_told() {
    for kind in BOTH {
        let server = Server::start(kind, &["--maxmemory-policy", "allkeys-random"]);
        let mut writer = server.connect();
        let [mut reader, mut follower] = ["", " BCAST"].map(|mode| {
            let mut client = server.connect_resp3();
            client.line(&format!("CLIENT TRACKING ON{mode}"));
            client
        });
        writer.line("SET k v PX 30");
        reader.line("GET k");
        let expected = BTreeSet::from(["k".to_owned()]);
        assert_eq!(told(&mut follower, 1), expected, "{kind:?}: written");
        assert_eq!(told(&mut reader, 1), expected, "{kind:?}: expired");
        assert_eq!(told(&mut follower, 1), expected, "{kind:?}: expired");
        let keys: BTreeSet<String> = (0..100).map(|number| format!("k{number}")).collect();
        for key in &keys {
            writer.call(&["SET", key, &"x".repeat(10_000)]);
            assert_eq!(told(&mut follower, 1).first(), Some(key));
            reader.call(&["EXISTS", key]);
        }
        writer.line("CONFIG SET maxmemory 1");
        assert_eq!(told(&mut reader, 100), keys, "{kind:?}: evicted");
        assert_eq!(told(&mut follower, 100), keys, "{kind:?}: evicted");
    }
}

#[test]
fn copies_of_an_invalidated_tag_are_dropped_before_the_reply() {
    sequence(
        r#"
        # keytag-only
        # resp3-only
        1> CLIENT TRACKING ON
        1: OK
        3> CLIENT TRACKING ON BCAST PREFIX b
        3: OK
        2> SET a v TAGS 1 t
        2: OK
        2> SET b v TAGS 2 t u
        2: OK
        3: >["invalidate", ["b"]]
        2> SET c v
        2: OK
        1> MGET c b a
        1: ["v", "v", "v"]
        2> TAGINVALIDATE none
        2: 0
        2> TAGINVALIDATE u
        1: >["invalidate", ["b"]]
        2: 1
        3: >["invalidate", ["b"]]
        2> TAGINVALIDATE t u
        1: >["invalidate", ["a"]]
        2: 1
        2> TAGINVALIDATE t
        2: 0
        1> GET a
        1: nil
        "#,
    );
    let server = Server::keytag(&["--io-threads", "2"]);
    let mut writer = server.connect();
    let mut reader = server.connect_resp3();
    let mut follower = server.connect_resp3();
    reader.line("CLIENT TRACKING ON");
    // So many that they are reclaimed only later.
    const KEYS: usize = 10_000;
    let keys: BTreeSet<String> = (0..KEYS).map(|number| format!("k{number}")).collect();
    for key in &keys {
        writer.call(&["SET", key, "v", "TAGS", "1", "t"]);
        reader.call(&["STRLEN", key]);
    }
    follower.line("CLIENT TRACKING ON BCAST");
    assert_eq!(writer.line("TAGINVALIDATE t").integer(), KEYS as i64);
    for client in [&mut reader, &mut follower] {
        // All of it is on its way already: it comes in front of the next reply.
        client.send(&["PING"]);
        assert_eq!(told(client, KEYS), keys);
    }
    assert_eq!(writer.info_number("tracking_total_keys"), 0);
}

/// Readers on other threads never keep a value that has changed: whoever was told nothing has the current one.
#[test]
fn nobody_keeps_an_old_copy() {
    let server = Server::keytag(&["--io-threads", "4"]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut client = server.connect();
            for number in 0..3_000 {
                client.call(&["SET", "k", &number.to_string()]);
            }
        });
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = server.connect_resp3();
                    client.line("CLIENT TRACKING ON");
                    let mut copy = None;
                    // What comes in front of an answer was sent in front of it.
                    for _ in 0..2_000 {
                        if copy.is_none() {
                            client.send(&["GET", "k"]);
                        } else {
                            client.send(&["ECHO", "-"]);
                        }
                        loop {
                            match client.reply() {
                                Reply::Push(_) => copy = None,
                                Reply::Bulk(text) if text == b"-" => break,
                                reply => {
                                    copy = Some(reply);
                                    break;
                                }
                            }
                        }
                    }
                    (client, copy)
                })
            })
            .collect();
        writer.join().expect("it has written");
        for reader in readers {
            let (mut client, mut copy) = reader.join().expect("it has read");
            client.send(&["PING"]);
            while let Reply::Push(_) = client.reply() {
                copy = None;
            }
            let current = server.connect().line("GET k");
            assert!(copy.is_none_or(|copy| copy == current));
        }
    });
}
