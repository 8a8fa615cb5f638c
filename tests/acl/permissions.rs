//! What a user may do, as it is enforced.

use super::come_in;
use crate::support::{Kind, Server, transcript};

#[test]
fn keys_are_read_and_written_by_permission() {
    transcript(
        r#"
        # no-multi
        > ACL SETUSER u on nopass %R~r* %W~w* ~k* +@all
        OK
        2> AUTH u x
        OK
        2> SET w1 1
        OK
        2> SET w1 1 GET
        (error) NOPERM No permissions to access a key
        2> GET w1
        (error) NOPERM No permissions to access a key
        2> GET r1
        (nil)
        2> SET r1 1
        (error) NOPERM No permissions to access a key
        2> SET k1 1
        OK
        2> INCR w1
        (error) NOPERM No permissions to access a key
        2> APPEND w1 x
        (integer) 2
        2> EXISTS w1 r1
        (integer) 1
        2> TYPE w1
        string
        2> TTL w1
        (error) NOPERM No permissions to access a key
        2> STRLEN w1
        (integer) 2
        2> MGET k1 r1 w1
        (error) NOPERM No permissions to access a key
        2> MSET k1 1 w1 2 r1 3
        (error) NOPERM No permissions to access a key
        2> COPY r1 w1
        (integer) 0
        2> COPY w1 r1
        (error) NOPERM No permissions to access a key
        2> RENAME w1 w2
        (error) NOPERM No permissions to access a key
        2> GETDEL w1
        (error) NOPERM No permissions to access a key
        2> EXPIRE r1 10
        (error) NOPERM No permissions to access a key
        2> EXPIRE w1 10
        (integer) 1
        2> DEL r1
        (error) NOPERM No permissions to access a key
        2> DEL w1
        (integer) 1
        2> BITOP AND k2 k1 x
        (error) NOPERM No permissions to access a key
        2> OBJECT ENCODING x
        (error) NOPERM No permissions to access a key
        2> OBJECT ENCODING w1
        (nil)
        2> WATCH x
        (error) NOPERM No permissions to access a key
        2> GET
        (error) ERR wrong number of arguments for 'get' command
        2> NOSUCH x
        (error) ERR unknown command 'NOSUCH', with args beginning with: 'x'
        2> MSET k1 1 k2
        (error) ERR wrong number of arguments for 'mset' command
        "#,
    );
}

#[test]
fn commands_are_allowed_with_what_follows_them() {
    transcript(
        r#"
        # no-multi
        > ACL SETUSER u on nopass allkeys +@connection -select +select|0 +config|get -client +client|getname +@read -mget
        OK
        2> AUTH u x
        OK
        2> SELECT 0
        OK
        2> SELECT 1
        (error) NOPERM User u has no permissions to run the 'select' command
        2> CONFIG GET maxmemory
        1) "maxmemory"
        2) "0"
        2> CONFIG SET maxmemory 1
        (error) NOPERM User u has no permissions to run the 'config|set' command
        2> CONFIG NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.
        2> CLIENT GETNAME
        (nil)
        2> CLIENT ID
        (error) NOPERM User u has no permissions to run the 'client|id' command
        2> GET k
        (nil)
        2> MGET k
        (error) NOPERM User u has no permissions to run the 'mget' command
        2> SET k v
        (error) NOPERM User u has no permissions to run the 'set' command
        2> ACL WHOAMI
        (error) NOPERM User u has no permissions to run the 'acl|whoami' command
        2> MULTI
        (error) NOPERM User u has no permissions to run the 'multi' command
        > ACL SETUSER u -@all
        OK
        2> PING
        (error) NOPERM User u has no permissions to run the 'ping' command
        2> AUTH u y
        OK
        2> RESET
        RESET
        2> PING
        PONG
        2> QUIT
        OK
        "#,
    );
}

#[test]
fn one_selector_must_allow_the_whole_request() {
    transcript(
        r#"
        # no-multi
        > ACL SETUSER u on nopass (~a* +get +mget) (%W~b* +set) (%R~c* +get +set) (~d +mget)
        OK
        2> AUTH u x
        OK
        2> GET a1
        (nil)
        2> SET a1 1
        (error) NOPERM No permissions to access a key
        2> SET b1 1
        OK
        2> GET b1
        (error) NOPERM No permissions to access a key
        2> GET c1
        (nil)
        2> SET c1 1
        (error) NOPERM No permissions to access a key
        2> MGET a1 a2
        1) (nil)
        2) (nil)
        2> MGET a1 d
        (error) NOPERM No permissions to access a key
        2> DEL a1
        (error) NOPERM User u has no permissions to run the 'del' command
        > ACL DRYRUN u MGET a1 d
        "User u has no permissions to access the 'd' key"
        > ACL DRYRUN u MGET d a1 x
        "User u has no permissions to access the 'a1' key"
        > ACL DRYRUN u MGET x
        "User u has no permissions to access the 'x' key"
        "#,
    );
}

#[test]
fn a_dry_run_says_what_would_be_denied() {
    transcript(
        r#"
        > ACL SETUSER u %R~r* +@all -config +config|get -flushall
        OK
        > ACL DRYRUN u GET r1
        OK
        > ACL DRYRUN u get x
        "User u has no permissions to access the 'x' key"
        > ACL DRYRUN u SET r1 v
        "User u has no permissions to access the 'r1' key"
        > ACL DRYRUN u FlushAll
        "User u has no permissions to run the 'flushall' command"
        > ACL DRYRUN u CONFIG GET maxmemory
        OK
        > ACL DRYRUN u CONFIG SET maxmemory 1
        "User u has no permissions to run the 'config|set' command"
        > ACL DRYRUN u CONFIG NOSUCH
        (error) ERR Command 'CONFIG' not found
        > ACL DRYRUN u CONFIG|GET x
        (error) ERR Command 'CONFIG|GET' not found
        > ACL DRYRUN u CONFIG
        (error) ERR wrong number of arguments for 'config' command
        > ACL DRYRUN u NOSUCH
        (error) ERR Command 'NOSUCH' not found
        > ACL DRYRUN u GET
        (error) ERR wrong number of arguments for 'get' command
        > ACL DRYRUN u GET a b
        (error) ERR wrong number of arguments for 'get' command
        > ACL DRYRUN nobody NOSUCH
        (error) ERR User 'nobody' not found
        > ACL DRYRUN u
        (error) ERR wrong number of arguments for 'acl|dryrun' command
        > ACL DRYRUN u AUTH x
        OK
        > ACL DRYRUN default FLUSHALL
        OK
        > ACL DRYRUN u MSET r1 1 r2
        "User u has no permissions to access the 'r1' key"
        > ACL DRYRUN u BITOP x r1 r2
        "User u has no permissions to access the 'r1' key"
        > ACL SETUSER u %R~* resetkeys %R~* +get
        OK
        > ACL DRYRUN u GET ""
        "User u has no permissions to access the '' key"
        > ACL DRYRUN u GET x
        OK
        > ACL SETUSER u ~*
        OK
        > ACL DRYRUN u GET ""
        OK
        "#,
    );
}

#[test]
fn a_transaction_is_asked_twice() {
    transcript(
        r#"
        # no-multi
        > ACL SETUSER u on nopass ~k* +@all
        OK
        2> AUTH u x
        OK
        2> MULTI
        OK
        2> SET k1 1
        QUEUED
        2> SET k2 2
        QUEUED
        2> INCR k1
        QUEUED
        2> GET k1
        QUEUED
        > ACL SETUSER u resetkeys ~k1 -incr
        OK
        2> EXEC
        1) OK
        2) (error) NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to touch the specified keys
        3) (error) NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to execute the command or subcommand
        4) "1"
        2> MULTI
        OK
        2> SET k1 2
        QUEUED
        2> SET k2 2
        (error) NOPERM No permissions to access a key
        2> EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        2> MULTI
        OK
        > ACL SETUSER u -exec
        OK
        2> EXEC
        (error) EXECABORT Transaction discarded because of: NOPERM User u has no permissions to run the 'exec' command
        2> MULTI
        OK
        2> DISCARD
        OK
        2> GET k1
        "1"
        "#,
    );
}

#[test]
fn a_change_holds_for_who_is_connected() {
    transcript(
        r#"
        # no-multi
        # no-reload
        > ACL SETUSER default -ping
        OK
        2> PING
        (error) NOPERM User default has no permissions to run the 'ping' command
        > ACL SETUSER default +ping ~x
        (error) ERR Error in ACL SETUSER modifier '~x': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns
        > PING
        (error) NOPERM User default has no permissions to run the 'ping' command
        > ACL SETUSER default +ping resetkeys ~x
        OK
        2> PING
        PONG
        2> GET y
        (error) NOPERM No permissions to access a key
        > ACL SETUSER default off
        OK
        2> GET x
        (nil)
        2> GET y
        (error) NOPERM No permissions to access a key
        > ACL SETUSER default allkeys
        OK
        2> GET y
        (nil)
        > ACL LIST
        1) "user default off nopass sanitize-payload ~* &* +@all +ping"
        "#,
    );
}

#[test]
fn what_was_denied_is_counted() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut admin = server.connect();
        admin.line("ACL SETUSER u on >pw ~k +@all -flushall");
        let mut user = come_in(&server, "u");
        for line in [
            "AUTH u no",
            "HELLO 3 AUTH no no",
            "FLUSHALL",
            "GET x",
            "GET y",
            "MGET x y",
        ] {
            assert!(user.line(line).is_error(), "{line}");
        }
        for (field, count) in [("auth", 2), ("cmd", 1), ("key", 3), ("channel", 0)] {
            let field = format!("acl_access_denied_{field}");
            assert_eq!(admin.info_number(&field), count, "{kind:?} {field}");
        }
        let errors = admin.info("errorstat_NOPERM").expect("counted");
        assert_eq!(errors, "count=4", "{kind:?}");
        let calls = admin.info("cmdstat_flushall").expect("counted");
        assert!(
            calls.contains("calls=0,") && calls.contains("rejected_calls=1"),
            "{calls}"
        );
        admin.line("CONFIG RESETSTAT");
        assert_eq!(admin.info_number("acl_access_denied_key"), 3, "{kind:?}");
    }
}

#[test]
fn a_renamed_command_is_called_by_its_own_name_in_rules() {
    transcript(
        r#"
        # flags --rename-command get "" --rename-command set put
        # no-multi
        # no-reload
        > ACL SETUSER u on nopass allkeys +get +set
        OK
        > ACL SETUSER u +put
        (error) ERR Error in ACL SETUSER modifier '+put': Unknown command or category name in ACL
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        2) "user u on nopass sanitize-payload ~* resetchannels -@all +get +set"
        2> AUTH u x
        OK
        2> PUT k v
        OK
        2> SET k v
        (error) ERR unknown command 'SET', with args beginning with: 'k' 'v'
        > ACL DRYRUN u PUT k v
        OK
        > ACL DRYRUN u SET k v
        (error) ERR Command 'SET' not found
        > ACL SETUSER u -set
        OK
        2> PUT k v
        (error) NOPERM User u has no permissions to run the 'set' command
        "#,
    );
}

#[test]
fn channels_are_allowed_by_pattern() {
    transcript(
        r#"
        # no-multi
        # resp2-only
        > ACL SETUSER u on nopass &news:* &a +@all
        OK
        2> AUTH u x
        OK
        2> PUBLISH news:1 x
        (integer) 0
        2> PUBLISH sport x
        (error) NOPERM No permissions to access a channel
        2> SPUBLISH sport x
        (error) NOPERM No permissions to access a channel
        2> SUBSCRIBE a sport
        (error) NOPERM No permissions to access a channel
        2> PSUBSCRIBE n*
        (error) NOPERM No permissions to access a channel
        2> PSUBSCRIBE news:1
        (error) NOPERM No permissions to access a channel
        2> SSUBSCRIBE b
        (error) NOPERM No permissions to access a channel
        2> PSUBSCRIBE news:*
        1) "psubscribe"
        2) "news:*"
        3) (integer) 1
        2> SUBSCRIBE sport
        (error) NOPERM No permissions to access a channel
        2> GET k
        (error) NOPERM No permissions to access a key
        2> PING
        1) "pong"
        2) ""
        2> UNSUBSCRIBE sport
        1) "unsubscribe"
        2) "sport"
        3) (integer) 1
        > ACL DRYRUN u PUBLISH sport x
        "User u has no permissions to access the 'sport' channel"
        > ACL DRYRUN u SUBSCRIBE news:1 a b
        "User u has no permissions to access the 'b' channel"
        > ACL DRYRUN u PSUBSCRIBE a news:*
        OK
        > ACL DRYRUN u PUNSUBSCRIBE z
        OK
        "#,
    );
}

/// Connections that have subscribed, of a user who may use all channels, and what becomes of them.
fn who_stays(kind: Kind, change: &str) -> Vec<bool> {
    let server = Server::start(kind, &[]);
    let mut admin = server.connect();
    admin.line("ACL SETUSER u on >pw allkeys &* +@all");
    let subscriptions = [
        "SUBSCRIBE a",
        "SUBSCRIBE b",
        "PSUBSCRIBE a*",
        "SSUBSCRIBE a",
        "PING",
    ];
    let mut clients = subscriptions.map(|line| {
        let mut client = come_in(&server, "u");
        assert!(!client.line(line).is_error(), "{line}");
        client
    });
    let mut other = server.connect();
    other.line("SUBSCRIBE b");
    for line in change.split(';') {
        assert_eq!(admin.line(line).to_string(), "OK", "{line}");
    }
    assert!(!other.line("PING").is_error());
    let stays = clients.each_mut().map(|client| {
        client.send(&["PING"]);
        client.try_receive().is_ok()
    });
    stays.to_vec()
}

#[test]
fn who_loses_a_channel_is_closed() {
    for (change, stays) in [
        (
            "ACL SETUSER u resetchannels",
            [false, false, false, false, true],
        ),
        (
            "ACL SETUSER u resetchannels &a",
            [true, false, false, true, true],
        ),
        (
            "ACL SETUSER u resetchannels &a*",
            [true, false, true, true, true],
        ),
        (
            "ACL SETUSER u resetchannels (&?)",
            [true, true, false, true, true],
        ),
        ("ACL SETUSER u resetchannels (&* +get)", [true; 5]),
        ("ACL SETUSER u -@all resetkeys", [true; 5]),
        (
            "ACL SETUSER u -@all;ACL SETUSER u reset",
            [false, false, false, false, true],
        ),
        ("ACL SETUSER u off", [true; 5]),
    ] {
        for kind in [Kind::Keytag, Kind::Oracle] {
            assert_eq!(who_stays(kind, change), stays, "{kind:?} {change}");
        }
    }
}

#[test]
fn who_waits_is_asked_again() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut admin = server.connect();
        for (change, error) in [
            (
                "resetkeys ~other",
                "(error) NOPERM No permissions to access a key",
            ),
            (
                "-blpop",
                "(error) NOPERM User u has no permissions to run the 'blpop' command",
            ),
        ] {
            admin.line("ACL SETUSER u reset on >pw ~list +@all");
            let mut user = come_in(&server, "u");
            user.send(&["BLPOP", "list", "0"]);
            while admin.info_number("blocked_clients") == 0 {
                std::thread::yield_now();
            }
            admin.line(&format!("ACL SETUSER u {change}"));
            assert_eq!(admin.line("RPUSH list x").integer(), 1);
            assert_eq!(user.reply().to_string(), error, "{kind:?}");
            assert_eq!(admin.line("LPOP list").text(), "x");
            assert_eq!(user.line("PING").to_string(), "PONG");
        }
        assert_eq!(admin.info_number("blocked_clients"), 0);
        let denied = ["key", "cmd"].map(|it| admin.info_number(&format!("acl_access_denied_{it}")));
        assert_eq!(denied, [1, 1], "{kind:?}");
    }
}

#[test]
fn sort_reaches_other_keys_only_for_who_may_read_all() {
    transcript(
        r#"
        # no-multi
        > RPUSH l 3 1 2
        (integer) 3
        > ACL SETUSER u on nopass ~l +sort +sort_ro
        OK
        2> AUTH u x
        OK
        2> SORT l BY nosort
        1) "3"
        2) "1"
        3) "2"
        2> SORT l BY w*
        (error) ERR BY option of SORT denied due to insufficient ACL permissions.
        2> SORT_RO l GET #
        (error) ERR GET option of SORT denied due to insufficient ACL permissions.
        2> SORT l BY nosort GET g BY w*
        (error) ERR GET option of SORT denied due to insufficient ACL permissions.
        2> SORT l BY w* NOSUCH
        (error) ERR BY option of SORT denied due to insufficient ACL permissions.
        2> SORT l NOSUCH BY w*
        (error) ERR syntax error
        2> SORT l STORE d
        (error) NOPERM No permissions to access a key
        > ACL SETUSER u %R~**
        OK
        2> SORT l BY w*
        (error) ERR BY option of SORT denied due to insufficient ACL permissions.
        > ACL SETUSER u (%R~* +get)
        OK
        2> SORT l BY w*
        (error) ERR BY option of SORT denied due to insufficient ACL permissions.
        > ACL SETUSER u (%R~* +sort)
        OK
        2> SORT l BY w* GET # GET g*
        1) "1"
        2) (nil)
        3) "2"
        4) (nil)
        5) "3"
        6) (nil)
        2> SORT l BY w* STORE l
        (error) ERR BY option of SORT denied due to insufficient ACL permissions.
        > ACL SETUSER u %R~*
        OK
        2> SORT l BY w* STORE l
        (integer) 3
        "#,
    );
}
