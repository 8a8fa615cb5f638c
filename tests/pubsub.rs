//! Publish and subscribe.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Reply, Server, sequence, transcript};

const BOTH: [Kind; 2] = [Kind::Keytag, Kind::Oracle];

/// The fields of the client of that name, as `CLIENT LIST` has them.
fn field(observer: &mut Client, name: &str, field: &str) -> Option<String> {
    let text = observer.line("CLIENT LIST").text();
    let is_named = format!(" name={name} ");
    let line = text.lines().find(|line| line.contains(&is_named))?;
    let fields = line.split(' ').filter_map(|field| field.split_once('='));
    fields
        .filter(|(name, _)| *name == field)
        .map(|(_, value)| value.to_owned())
        .next()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn text_of(reply: &Reply, index: usize) -> String {
    reply.items()[index].text()
}

#[test]
fn a_message_goes_to_channel_and_pattern() {
    sequence(
        r#"
        1> SUBSCRIBE news news other
        1: >["subscribe", "news", 1]
        1: >["subscribe", "news", 1]
        1: >["subscribe", "other", 2]
        1> PSUBSCRIBE n*
        1: >["psubscribe", "n*", 3]
        2> PSUBSCRIBE *
        2: >["psubscribe", "*", 1]
        2> PUBLISH news "it rains"
        1: >["message", "news", "it rains"]
        1: >["pmessage", "n*", "news", "it rains"]
        2: 3
        2: >["pmessage", "*", "news", "it rains"]
        3> PUBLISH news "it rains"
        1: >["message", "news", "it rains"]
        1: >["pmessage", "n*", "news", "it rains"]
        2: >["pmessage", "*", "news", "it rains"]
        3: 3
        3> PUBLISH other ""
        1: >["message", "other", ""]
        2: >["pmessage", "*", "other", ""]
        3: 2
        3> PUBLISH NEWS x
        2: >["pmessage", "*", "NEWS", "x"]
        3: 1
        3> PUBLISH none x
        1: >["pmessage", "n*", "none", "x"]
        2: >["pmessage", "*", "none", "x"]
        3: 2
        3> PUBSUB NUMSUB news other none
        3: ["news", 1, "other", 1, "none", 0]
        3> PUBSUB NUMPAT
        3: 2
        1> UNSUBSCRIBE news none
        1: >["unsubscribe", "news", 2]
        1: >["unsubscribe", "none", 2]
        3> PUBLISH news again
        1: >["pmessage", "n*", "news", "again"]
        2: >["pmessage", "*", "news", "again"]
        3: 2
        s1> UNSUBSCRIBE
        1: >["unsubscribe", "other", 1]
        s1> PUNSUBSCRIBE
        1: >["punsubscribe", "n*", 0]
        1> UNSUBSCRIBE
        1: >["unsubscribe", nil, 0]
        1> PUNSUBSCRIBE none
        1: >["punsubscribe", "none", 0]
        1> PUBLISH news "to one"
        1: 1
        2: >["pmessage", "*", "news", "to one"]
        "#,
    );
}

#[test]
fn nothing_is_ended_where_nothing_began() {
    sequence(
        r#"
        1> UNSUBSCRIBE
        1: >["unsubscribe", nil, 0]
        1> PUNSUBSCRIBE
        1: >["punsubscribe", nil, 0]
        1> SUNSUBSCRIBE
        1: >["sunsubscribe", nil, 0]
        1> UNSUBSCRIBE a b
        1: >["unsubscribe", "a", 0]
        1: >["unsubscribe", "b", 0]
        1> SUNSUBSCRIBE a
        1: >["sunsubscribe", "a", 0]
        1> SUBSCRIBE a
        1: >["subscribe", "a", 1]
        1> SSUBSCRIBE a b
        1: >["ssubscribe", "a", 1]
        1: >["ssubscribe", "b", 2]
        1> PSUBSCRIBE a
        1: >["psubscribe", "a", 2]
        1> SUNSUBSCRIBE none
        1: >["sunsubscribe", "none", 2]
        1> UNSUBSCRIBE none
        1: >["unsubscribe", "none", 2]
        1> SUNSUBSCRIBE a
        1: >["sunsubscribe", "a", 1]
        1> SUNSUBSCRIBE
        1: >["sunsubscribe", "b", 0]
        1> SUBSCRIBE
        1: -ERR wrong number of arguments for 'subscribe' command
        1> PSUBSCRIBE
        1: -ERR wrong number of arguments for 'psubscribe' command
        1> SSUBSCRIBE
        1: -ERR wrong number of arguments for 'ssubscribe' command
        "#,
    );
}

#[test]
fn a_shard_has_channels_of_its_own() {
    sequence(
        r#"
        1> SSUBSCRIBE a a b
        1: >["ssubscribe", "a", 1]
        1: >["ssubscribe", "a", 1]
        1: >["ssubscribe", "b", 2]
        2> SUBSCRIBE a
        2: >["subscribe", "a", 1]
        3> PSUBSCRIBE *
        3: >["psubscribe", "*", 1]
        4> SPUBLISH a x
        1: >["smessage", "a", "x"]
        4: 1
        4> PUBLISH a x
        2: >["message", "a", "x"]
        3: >["pmessage", "*", "a", "x"]
        4: 2
        4> SPUBLISH none x
        4: 0
        s4> PUBSUB SHARDCHANNELS
        4: ["a", "b"]
        s4> PUBSUB SHARDCHANNELS a*
        4: ["a"]
        4> PUBSUB SHARDNUMSUB a b none
        4: ["a", 1, "b", 1, "none", 0]
        4> PUBSUB CHANNELS
        4: ["a"]
        4> PUBSUB NUMSUB a b
        4: ["a", 1, "b", 0]
        4> PUBSUB NUMSUB
        4: []
        4> PUBSUB SHARDNUMSUB
        4: []
        1> SUNSUBSCRIBE a
        1: >["sunsubscribe", "a", 1]
        4> SPUBLISH a x
        4: 0
        4> SPUBLISH b x
        1: >["smessage", "b", "x"]
        4: 1
        "#,
    );
}

#[test]
fn names_and_messages_are_any_bytes() {
    sequence(
        r#"
        1> SUBSCRIBE "\x00\xff\r\n" ""
        1: >["subscribe", "\x00\xff\r\n", 1]
        1: >["subscribe", "", 2]
        1> PSUBSCRIBE "\x00[\xfe-\xff]*" "" "*"
        1: >["psubscribe", "\x00[\xfe-\xff]*", 3]
        1: >["psubscribe", "", 4]
        1: >["psubscribe", "*", 5]
        s2> PUBLISH "\x00\xff\r\n" "\r\n\x00"
        1: >["message", "\x00\xff\r\n", "\r\n\x00"]
        1: >["pmessage", "\x00[\xfe-\xff]*", "\x00\xff\r\n", "\r\n\x00"]
        1: >["pmessage", "*", "\x00\xff\r\n", "\r\n\x00"]
        2: 3
        s2> PUBLISH "" empty
        1: >["message", "", "empty"]
        1: >["pmessage", "", "", "empty"]
        2: 2
        s2> PUBSUB CHANNELS
        2: ["", "\x00\xff\r\n"]
        2> PUBSUB CHANNELS "\x00*"
        2: ["\x00\xff\r\n"]
        2> PUBSUB CHANNELS *
        2: ["\x00\xff\r\n"]
        2> PUBSUB CHANNELS ""
        2: [""]
        "#,
    );
}

#[test]
fn patterns_are_globs() {
    sequence(
        r#"
        1> PSUBSCRIBE h?llo
        1: >["psubscribe", "h?llo", 1]
        1> PSUBSCRIBE b[ae]d
        1: >["psubscribe", "b[ae]d", 2]
        1> PSUBSCRIBE b[^e]t
        1: >["psubscribe", "b[^e]t", 3]
        1> PSUBSCRIBE star\\*
        1: >["psubscribe", "star\\\\*", 4]
        2> PUBLISH hello 1
        1: >["pmessage", "h?llo", "hello", "1"]
        2: 1
        2> PUBLISH hllo 1
        2: 0
        2> PUBLISH bad 1
        1: >["pmessage", "b[ae]d", "bad", "1"]
        2: 1
        2> PUBLISH bid 1
        2: 0
        2> PUBLISH bat 1
        1: >["pmessage", "b[^e]t", "bat", "1"]
        2: 1
        2> PUBLISH bet 1
        2: 0
        2> PUBLISH star* 1
        2: 0
        2> PUBLISH stars 1
        2: 0
        2> PUBSUB NUMPAT
        2: 4
        1> PUNSUBSCRIBE h?llo
        1: >["punsubscribe", "h?llo", 3]
        2> PUBLISH hello 1
        2: 0
        "#,
    );
}

#[test]
fn a_subscriber_of_resp2_may_say_little() {
    sequence(
        r#"
        # resp2-only
        1> SUBSCRIBE a
        1: ["subscribe", "a", 1]
        1> GET k
        1: -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> PUBLISH a x
        1: -ERR Can't execute 'publish': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> HELLO 3
        1: -ERR Can't execute 'hello': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> CLIENT ID
        1: -ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> MULTI
        1: -ERR Can't execute 'multi': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> NOSUCH
        1: -ERR unknown command 'NOSUCH', with args beginning with: 
        1> GET
        1: -ERR wrong number of arguments for 'get' command
        1> PUBSUB NUMPAT
        1: -ERR Can't execute 'pubsub|numpat': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> AUTH x
        1: -ERR Can't execute 'auth': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> PING
        1: ["pong", ""]
        1> PING hello
        1: ["pong", "hello"]
        1> PING a b
        1: -ERR wrong number of arguments for 'ping' command
        1> PSUBSCRIBE b
        1: ["psubscribe", "b", 2]
        1> SSUBSCRIBE c
        1: ["ssubscribe", "c", 1]
        1> UNSUBSCRIBE
        1: ["unsubscribe", "a", 1]
        1> PUNSUBSCRIBE
        1: ["punsubscribe", "b", 0]
        1> GET k
        1: -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> SUNSUBSCRIBE
        1: ["sunsubscribe", "c", 0]
        1> GET k
        1: nil
        1> PING
        1: PONG
        1> SSUBSCRIBE c
        1: ["ssubscribe", "c", 1]
        1> GET k
        1: -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        1> RESET
        1: RESET
        1> GET k
        1: nil
        2> PUBLISH a x
        2: 0
        2> PUBSUB CHANNELS
        2: []
        2> PUBSUB SHARDCHANNELS
        2: []
        1> SUBSCRIBE a
        1: ["subscribe", "a", 1]
        1> QUIT
        1: OK
        1: closed
        2> PUBLISH a x
        2: 0
        "#,
    );
}

#[test]
fn a_subscriber_of_resp3_may_say_anything() {
    sequence(
        r#"
        # resp3-only
        1> SUBSCRIBE a
        1: >["subscribe", "a", 1]
        1> SET k v
        1: OK
        1> GET k
        1: "v"
        1> PING
        1: PONG
        1> PUBLISH a x
        1: 1
        1: >["message", "a", "x"]
        1> PUBLISH a x | GET k | PUBLISH a y
        1: 1
        1: >["message", "a", "x"]
        1: "v"
        1: 1
        1: >["message", "a", "y"]
        1> MULTI
        1: OK
        1> PUBLISH a z
        1: QUEUED
        1> GET k
        1: QUEUED
        1> EXEC
        1: [1, "v"]
        1: >["message", "a", "z"]
        2> MULTI
        2: OK
        2> PUBLISH a 1
        2: QUEUED
        2> PUBLISH a 2
        2: QUEUED
        2> EXEC
        1: >["message", "a", "1"]
        1: >["message", "a", "2"]
        2: [1, 1]
        1> HELLO 2
        1: ["server", "redis", "version", "7.4.1", "proto", 2, "id", {1}, "mode", "standalone", "role", "master", "modules", []]
        1> GET k
        1: -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        2> PUBLISH a resp2
        1: ["message", "a", "resp2"]
        2: 1
        1> UNSUBSCRIBE
        1: ["unsubscribe", "a", 0]
        1> HELLO 3
        1: %["server" => "redis", "version" => "7.4.1", "proto" => 3, "id" => {1}, "mode" => "standalone", "role" => "master", "modules" => []]
        1> SUBSCRIBE b
        1: >["subscribe", "b", 1]
        1> RESET
        1: RESET
        2> PUBLISH b x
        2: 0
        1> GET k
        1: "v"
        "#,
    );
}

#[test]
fn subscriptions_in_a_transaction() {
    sequence(
        r#"
        1> MULTI
        1: OK
        1> SUBSCRIBE a b
        1: QUEUED
        1> GET k
        1: QUEUED
        1> PSUBSCRIBE *
        1: QUEUED
        1> UNSUBSCRIBE a
        1: QUEUED
        1> PUBLISH b x
        1: QUEUED
        1> EXEC
        1: [>["subscribe", "a", 1], >["subscribe", "b", 2], nil, >["psubscribe", "*", 3], >["unsubscribe", "a", 2]]
        1: 2
        1: >["message", "b", "x"]
        1: >["pmessage", "*", "b", "x"]
        2> PUBLISH b y
        1: >["message", "b", "y"]
        1: >["pmessage", "*", "b", "y"]
        2: 2
        1> UNSUBSCRIBE | PUNSUBSCRIBE
        1: >["unsubscribe", "b", 1]
        1: >["punsubscribe", "*", 0]
        1> MULTI
        1: OK
        1> UNSUBSCRIBE
        1: QUEUED
        1> SUBSCRIBE
        1: -ERR wrong number of arguments for 'subscribe' command
        1> EXEC
        1: -EXECABORT Transaction discarded because of previous errors.
        1> MULTI
        1: OK
        1> SUBSCRIBE z
        1: QUEUED
        1> DISCARD
        1: OK
        2> PUBLISH z y
        2: 0
        1> MULTI
        1: OK
        1> SUBSCRIBE c
        1: QUEUED
        1> PUBLISH c before
        1: QUEUED
        1> UNSUBSCRIBE c
        1: QUEUED
        1> PING
        1: QUEUED
        1> EXEC
        1: [>["subscribe", "c", 1], 1, >["unsubscribe", "c", 0], PONG]
        1: >["message", "c", "before"]
        "#,
    );
}

#[test]
fn messages_come_though_replies_are_off() {
    sequence(
        r#"
        1> CLIENT REPLY OFF | SUBSCRIBE a | PING | UNSUBSCRIBE a | CLIENT REPLY ON
        1: >["subscribe", "a", 1]
        1: >["unsubscribe", "a", 0]
        1: OK
        "#,
    );
    sequence(
        r#"
        # resp3-only
        1> CLIENT REPLY SKIP | SUBSCRIBE a
        1: >["subscribe", "a", 1]
        1> CLIENT REPLY OFF | SUBSCRIBE | GET k | PUBLISH a x | MULTI | SUBSCRIBE b | GET k | EXEC | CLIENT REPLY ON
        1: >["message", "a", "x"]
        1: >["subscribe", "b", 2]
        1: OK
        2> PUBLISH b y
        1: >["message", "b", "y"]
        2: 1
        "#,
    );
}

#[test]
fn pubsub_and_its_refusals() {
    transcript(
        r#"
        > PUBSUB
        (error) ERR wrong number of arguments for 'pubsub' command
        > PUBSUB NONE
        (error) ERR unknown subcommand 'NONE'. Try PUBSUB HELP.
        > PUBSUB CHANNELS a b
        (error) ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.
        > PUBSUB SHARDCHANNELS a b
        (error) ERR unknown subcommand or wrong number of arguments for 'SHARDCHANNELS'. Try PUBSUB HELP.
        > PUBSUB NUMPAT x
        (error) ERR wrong number of arguments for 'pubsub|numpat' command
        > PUBSUB HELP x
        (error) ERR wrong number of arguments for 'pubsub|help' command
        > PUBSUB CHANNELS
        (empty array)
        > PUBSUB NUMPAT
        (integer) 0
        > PUBLISH a
        (error) ERR wrong number of arguments for 'publish' command
        > PUBLISH a b c
        (error) ERR wrong number of arguments for 'publish' command
        > SPUBLISH a
        (error) ERR wrong number of arguments for 'spublish' command
        > PUBLISH a b
        (integer) 0
        > SPUBLISH a b
        (integer) 0
        > PUBSUB HELP
         1) PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) CHANNELS [<pattern>]
         3)     Return the currently active channels matching a <pattern> (default: '*').
         4) NUMPAT
         5)     Return number of subscriptions to patterns.
         6) NUMSUB [<channel> ...]
         7)     Return the number of subscribers for the specified channels, excluding
         8)     pattern subscriptions(default: no channels).
         9) SHARDCHANNELS [<pattern>]
        10)     Return the currently active shard level channels matching a <pattern> (default: '*').
        11) SHARDNUMSUB [<shardchannel> ...]
        12)     Return the number of subscribers for the specified shard level channel(s)
        13) HELP
        14)     Print this help.
        "#,
    );
}

#[test]
fn subscriptions_show_in_client_list_and_info() {
    for kind in BOTH {
        let server = Server::start(kind, &[]);
        let mut observer = server.connect();
        let mut subscriber = server.connect_resp3();
        assert_eq!(subscriber.line("CLIENT SETNAME s").text(), "OK");
        let look = |observer: &mut Client| {
            let names = ["sub", "psub", "ssub", "flags", "events"];
            names.map(|name| field(observer, "s", name).expect("a field"))
        };
        assert_eq!(look(&mut observer), ["0", "0", "0", "N", "r"], "{kind:?}");
        let before = field(&mut observer, "s", "tot-mem").expect("a field");
        for line in ["SUBSCRIBE a b", "PSUBSCRIBE *", "SSUBSCRIBE x y z"] {
            let replies = line.split(' ').count() - 1;
            subscriber.send_raw(format!("{line}\r\n").as_bytes());
            (0..replies).for_each(|_| drop(subscriber.reply()));
        }
        assert_eq!(look(&mut observer), ["2", "1", "3", "P", "r"], "{kind:?}");
        let after = field(&mut observer, "s", "tot-mem").expect("a field");
        let bytes = |text: &str| text.parse::<usize>().expect("a number");
        assert!(bytes(&after) > bytes(&before), "{kind:?}");
        let mut other = server.connect();
        other.call(&["SUBSCRIBE", "a"]);
        for (name, count) in [
            ("pubsub_clients", 2),
            ("pubsub_channels", 2),
            ("pubsub_patterns", 1),
            ("pubsubshard_channels", 3),
        ] {
            assert_eq!(observer.info_number(name), count, "{kind:?}: {name}");
        }
        let listed = observer.line("CLIENT LIST TYPE pubsub").text();
        assert_eq!(listed.lines().count(), 2, "{kind:?}");
        let listed = observer.line("CLIENT LIST TYPE normal").text();
        assert_eq!(listed.lines().count(), 1, "{kind:?}");
        assert_eq!(observer.line("CLIENT KILL TYPE pubsub").integer(), 2);
        assert!(subscriber.is_closed() && other.is_closed());
        for name in ["pubsub_clients", "pubsub_channels", "pubsub_patterns"] {
            assert_eq!(observer.info_number(name), 0, "{kind:?}: {name}");
        }
        assert_eq!(observer.line("PUBLISH a x").integer(), 0, "{kind:?}");
    }
}

#[test]
fn who_leaves_is_no_longer_counted() {
    let server = Server::keytag(&[]);
    let mut observer = server.connect();
    let mut subscribers: Vec<Client> = (0..50).map(|_| server.connect()).collect();
    for (number, subscriber) in subscribers.iter_mut().enumerate() {
        let own = format!("own {number}");
        for command in [
            ["SUBSCRIBE", "all"],
            ["PSUBSCRIBE", "a*"],
            ["SSUBSCRIBE", &own],
        ] {
            subscriber.call(&command);
        }
    }
    assert_eq!(observer.line("PUBLISH all x").integer(), 100);
    subscribers.truncate(20);
    eventually("they have left", || {
        observer.line("PUBLISH all x").integer() == 40
    });
    subscribers.clear();
    eventually("all have left", || {
        let names = [
            "pubsub_clients",
            "pubsub_channels",
            "pubsub_patterns",
            "pubsubshard_channels",
        ];
        names.iter().all(|name| observer.info_number(name) == 0)
    });
}

#[test]
fn unsubscribing_from_all_names_each() {
    for kind in BOTH {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        let names: Vec<String> = (0..100).map(|number| format!("c{number}")).collect();
        for (join, part) in [
            ("SUBSCRIBE", "UNSUBSCRIBE"),
            ("PSUBSCRIBE", "PUNSUBSCRIBE"),
            ("SSUBSCRIBE", "SUNSUBSCRIBE"),
        ] {
            let mut words = vec![join.to_owned()];
            words.extend(names.iter().cloned());
            client.send(&words);
            (0..100).for_each(|_| drop(client.reply()));
            client.send(&[part]);
            let replies: Vec<Reply> = (0..100).map(|_| client.reply()).collect();
            let counts: Vec<i64> = replies.iter().map(|it| it.items()[2].integer()).collect();
            assert_eq!(counts, (0..100).rev().collect::<Vec<_>>(), "{kind:?}");
            let ended: BTreeSet<String> = replies.iter().map(|it| text_of(it, 1)).collect();
            assert_eq!(ended, names.iter().cloned().collect(), "{kind:?}");
        }
        assert_eq!(client.line("PING").text(), "PONG", "{kind:?}");
    }
}

/// Several publishers on several threads: each subscriber gets the messages of each publisher in order, and
/// all subscribers of a channel get all messages in the same order.
#[test]
fn messages_keep_their_order_on_all_threads() {
    const PUBLISHERS: usize = 6;
    const MESSAGES: usize = 2_000;
    let server = Server::keytag(&["--io-threads", "4"]);
    let mut subscribers: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for (number, subscriber) in subscribers.iter_mut().enumerate() {
        let command = if number % 2 == 0 {
            "SUBSCRIBE"
        } else {
            "PSUBSCRIBE"
        };
        subscriber.call(&[command, "all"]);
    }
    let publish = |publisher: usize| {
        let mut client = server.connect();
        let messages: Vec<String> = (0..MESSAGES)
            .map(|number| format!("PUBLISH all {publisher}:{number}"))
            .collect();
        for batch in messages.chunks(50) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            for reply in client.pipeline(&batch) {
                assert_eq!(reply.integer(), 8);
            }
        }
    };
    std::thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            scope.spawn(move || publish(publisher));
        }
    });
    let mut heard = Vec::new();
    for subscriber in &mut subscribers {
        let messages: Vec<String> = (0..PUBLISHERS * MESSAGES)
            .map(|_| subscriber.reply().items().last().expect("a text").text())
            .collect();
        for publisher in 0..PUBLISHERS {
            let prefix = format!("{publisher}:");
            let own = messages.iter().filter_map(|it| it.strip_prefix(&prefix));
            let own: Vec<usize> = own.map(|it| it.parse().expect("a number")).collect();
            assert_eq!(own, (0..MESSAGES).collect::<Vec<_>>());
        }
        heard.push(messages);
    }
    assert!(heard.iter().all(|messages| *messages == heard[0]));
}

/// After the confirmation that it has unsubscribed a client gets no message any more, whoever publishes meanwhile.
#[test]
fn no_message_comes_after_the_confirmation() {
    let server = Server::keytag(&["--io-threads", "3"]);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut publisher = server.connect();
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    publisher.pipeline(&["PUBLISH c x"; 20]);
                }
            });
        }
        let mut client = server.connect();
        for _ in 0..300 {
            client.send_raw(b"SUBSCRIBE c\r\nPING\r\nUNSUBSCRIBE c\r\nGET k\r\n");
            let mut words = Vec::new();
            loop {
                match client.reply() {
                    Reply::Nil => break,
                    reply => words.push(text_of(&reply, 0)),
                }
            }
            words.retain(|word| word != "message");
            assert_eq!(words, ["subscribe", "pong", "unsubscribe"]);
        }
        for _ in 0..300 {
            client.send_raw(b"SUBSCRIBE c\r\nUNSUBSCRIBE c\r\nGET k\r\n");
            let mut last = String::new();
            while let Reply::Array(items) = client.reply() {
                last = items[0].text();
            }
            assert_eq!(last, "unsubscribe");
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_slow_subscriber_is_cut_off_at_the_hard_limit() {
    for kind in BOTH {
        let server = Server::start(kind, &["--client-output-buffer-limit", "pubsub 1mb 0 0"]);
        let mut observer = server.connect();
        let mut slow = server.connect();
        slow.line("CLIENT SETNAME slow");
        slow.call(&["SUBSCRIBE", "c"]);
        let message = "x".repeat(100_000);
        let mut most = 0;
        eventually("it is cut off", || {
            assert!(!observer.call(&["PUBLISH", "c", &message]).is_error());
            let waiting = field(&mut observer, "slow", "omem");
            most = most.max(waiting.map_or(0, |it| it.parse().expect("a number")));
            observer.info_number("pubsub_clients") == 0
        });
        assert!(most < 2_000_000, "{kind:?}: {most}");
        assert!(
            observer.info_number("client_output_buffer_limit_disconnections") > 0,
            "{kind:?}"
        );
        assert_eq!(observer.line("PUBLISH c x").integer(), 0, "{kind:?}");
    }
}

#[test]
fn a_slow_subscriber_is_cut_off_when_the_soft_limit_lasts() {
    for kind in BOTH {
        let server = Server::start(kind, &["--client-output-buffer-limit", "pubsub 0 200kb 1"]);
        let mut observer = server.connect();
        let mut slow = server.connect();
        slow.line("CLIENT SETNAME slow");
        slow.call(&["SUBSCRIBE", "c"]);
        let message = "x".repeat(100_000);
        let mut waiting = 0;
        while waiting < 500_000 {
            observer.call(&["PUBLISH", "c", &message]);
            let omem = field(&mut observer, "slow", "omem").expect("not cut off at once");
            waiting = omem.parse().expect("a number");
        }
        // Redis looks only when something more is sent.
        eventually("it is cut off", || {
            observer.line("PUBLISH c x");
            observer.info_number("pubsub_clients") == 0
        });
    }
}

#[test]
fn what_waits_for_a_subscriber_counts_as_its_memory() {
    for kind in BOTH {
        let server = Server::start(
            kind,
            &[
                "--client-output-buffer-limit",
                "pubsub 0 0 0",
                "--maxmemory-clients",
                "3mb",
            ],
        );
        let mut observer = server.connect();
        assert!(!observer.line("CLIENT NO-EVICT ON").is_error());
        let mut slow = server.connect();
        slow.line("CLIENT SETNAME slow");
        slow.call(&["SUBSCRIBE", "c"]);
        let message = "x".repeat(20_000);
        let mut most = 0;
        eventually("it is evicted", || {
            observer.call(&["PUBLISH", "c", &message]);
            let memory = field(&mut observer, "slow", "tot-mem");
            most = most.max(memory.map_or(0, |it| it.parse().expect("a number")));
            observer.info_number("evicted_clients") == 1
        });
        assert!(most > 1_000_000, "{kind:?}: {most}");
        assert_eq!(observer.line("PUBLISH c x").integer(), 0, "{kind:?}");
    }
}

#[test]
fn a_thousand_subscribers_share_a_message() {
    let server = Server::keytag(&["--io-threads", "2"]);
    let mut publisher = server.connect();
    let mut subscribers: Vec<Client> = (0..1_000).map(|_| server.connect()).collect();
    for subscriber in &mut subscribers {
        subscriber.call(&["SUBSCRIBE", "c"]);
    }
    let before = publisher.info_number("used_memory");
    let message = "x".repeat(4_000_000);
    assert_eq!(publisher.call(&["PUBLISH", "c", &message]).integer(), 1_000);
    let more = publisher.info_number("used_memory") - before;
    assert!(more < 200_000_000, "{more}");
    for subscriber in &mut subscribers {
        assert_eq!(text_of(&subscriber.reply(), 2).len(), message.len());
    }
}

#[test]
fn who_has_subscribed_is_never_idle() {
    for kind in BOTH {
        let server = Server::start(kind, &["--timeout", "1"]);
        let mut subscriber = server.connect();
        subscriber.call(&["SUBSCRIBE", "c"]);
        let mut idle = server.connect();
        assert!(idle.is_closed(), "{kind:?}");
        assert_eq!(text_of(&subscriber.line("PING"), 0), "pong", "{kind:?}");
    }
}

#[test]
fn nothing_of_it_reaches_the_log() {
    let mut server = Server::keytag(&["--appendonly", "yes"]);
    let mut client = server.connect();
    for (line, receivers) in [("PUBLISH c x", 0), ("SPUBLISH c x", 0), ("INCR k", 1)] {
        assert_eq!(client.line(line).integer(), receivers);
    }
    server.terminate();
    let dir = server.dir().join("appendonlydir");
    let files = std::fs::read_dir(dir).expect("the log");
    let files = files.map(|file| std::fs::read(file.expect("a file").path()).expect("readable"));
    let log = files.flatten().collect::<Vec<u8>>();
    let log = String::from_utf8_lossy(&log).to_ascii_uppercase();
    assert!(log.contains("INCR") && !log.contains("PUBLISH"));
}
