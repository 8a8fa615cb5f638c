//! What connections hold: that it is counted, bounded by itself, and never at the cost of the data.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::{Client, Kind, Server, keyspace, words};

const BOTH: [Kind; 2] = [Kind::Keytag, Kind::Oracle];

fn say(client: &mut Client, line: &str) {
    let reply = client.line(line);
    assert!(!reply.is_error(), "{line}: {reply}");
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn named(server: &Server, name: &str) -> Client {
    let mut client = server.connect();
    say(&mut client, &format!("CLIENT SETNAME {name}"));
    client
}

/// One who watches and is never evicted.
fn observer(server: &Server) -> Client {
    let mut client = named(server, "observer");
    say(&mut client, "CLIENT NO-EVICT ON");
    client
}

/// The fields of each named client, as `CLIENT LIST` has them.
fn list(observer: &mut Client) -> BTreeMap<String, BTreeMap<String, String>> {
    let text = observer.line("CLIENT LIST").text();
    let fields = |line: &str| {
        let fields = line.split(' ').filter_map(|field| field.split_once('='));
        fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let lines = text.lines().map(fields);
    lines
        .map(|fields| (fields["name"].clone(), fields))
        .collect()
}

fn number(observer: &mut Client, name: &str, field: &str) -> i64 {
    list(observer)[name][field].parse().expect("a number")
}

fn names(observer: &mut Client) -> Vec<String> {
    let names = list(observer).into_keys();
    names.filter(|name| name != "observer").collect()
}

/// Lets a client queue `bytes` in a transaction.
fn queue(client: &mut Client, bytes: usize) {
    // With the words beside it a size class, so that both servers hold as much.
    const CHUNK: usize = 98_300;
    assert_eq!(client.line("MULTI").to_string(), "OK");
    let chunk = "x".repeat(CHUNK);
    for _ in 0..bytes / CHUNK {
        assert_eq!(client.call(&["SET", "k", &chunk]).to_string(), "QUEUED");
    }
}

/// Keys of so many bytes each.
fn fill(client: &mut Client, count: usize, bytes: usize) {
    let value = words::noise(0, bytes);
    for number in 0..count {
        let reply = client.call(&["SET", &format!("k:{number}"), &value]);
        assert_eq!(reply.to_string(), "OK");
    }
}

/// A request for the values of all of them.
fn read_all(count: usize) -> Vec<u8> {
    let keys = (0..count).map(|number| format!("k:{number}"));
    let words: Vec<String> = std::iter::once("MGET".to_owned()).chain(keys).collect();
    words::encode(&words)
}

/// Sets the limit to what is counted now.
fn leave_no_room(client: &mut Client) {
    let counted =
        client.info_number("used_memory") - client.info_number("mem_not_counted_for_evict");
    // Histograms of the commands to come are counted, and the table of connections.
    let limit = counted + 300_000;
    say(client, &format!("CONFIG SET maxmemory {limit}"));
}

/// Fills a server, lets many ask for much that they do not read, writes on meanwhile; then lets them go.
fn burst(keys: usize, value_bytes: usize) {
    let server = Server::keytag(&["--maxmemory-policy", "allkeys-lru"]);
    let mut client = observer(&server);
    fill(&mut client, keys, value_bytes);
    leave_no_room(&mut client);
    let before = client.info_number("used_memory");
    let all = read_all(keys);
    let times = 8_000_000 / (keys * value_bytes);
    let mut readers: Vec<Client> = (0..50).map(|_| server.connect()).collect();
    let value = words::noise(1, value_bytes);
    for (number, reader) in readers.iter_mut().enumerate() {
        reader.send_raw(&all.repeat(times));
        let reply = client.call(&["SET", &format!("k:{}", number % keys), &value]);
        assert_eq!(reply.to_string(), "OK");
    }
    eventually("replies wait", || {
        client.info_number("mem_clients_normal") > 50_000_000
    });
    fill(&mut client, keys, value_bytes);
    assert_eq!(client.info_number("evicted_keys"), 0);
    assert_eq!(keyspace::keys(&mut client).len(), keys);
    drop(readers);
    eventually("memory is back", || {
        client.info_number("used_memory") < before + 1_000_000
            && client.info_number("mem_clients_normal") < 100_000
    });
    fill(&mut client, keys, value_bytes);
    assert_eq!(client.info_number("evicted_keys"), 0);
    assert_eq!(keyspace::keys(&mut client).len(), keys);
}

#[test]
fn a_burst_of_reads_evicts_nothing() {
    burst(200, 10_000);
}

/// Values of 16 KiB and more are not copied: those that leave the keyspace meanwhile are not free, and no data.
#[test]
fn a_burst_of_reads_of_large_values_evicts_nothing() {
    burst(40, 50_000);
}

/// Requests that are not carried out yet, or not complete, are no data either.
#[test]
fn a_burst_of_requests_evicts_nothing() {
    let server = Server::keytag(&["--maxmemory-policy", "allkeys-lru"]);
    let mut client = observer(&server);
    fill(&mut client, 200, 10_000);
    leave_no_room(&mut client);
    let mut waiting: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    for (number, one) in waiting.iter_mut().enumerate() {
        match number % 3 {
            0 => queue(one, 5_000_000),
            1 => {
                one.send_raw(b"*2\r\n$4\r\nECHO\r\n$6000000\r\n");
                one.send_raw(&vec![b'x'; 5_000_000]);
            }
            _ => {
                one.send_raw(b"WAIT 1 0\r\n");
                one.send_raw(&b"PING\r\n".repeat(800_000));
            }
        }
    }
    eventually("the requests are there", || {
        client.info_number("mem_clients_normal") > 48_000_000
    });
    fill(&mut client, 200, 10_000);
    assert_eq!(client.info_number("evicted_keys"), 0);
    assert_eq!(keyspace::keys(&mut client).len(), 200);
    assert!(client.info_number("mem_not_counted_for_evict") > 48_000_000);
    drop(waiting);
    eventually("memory is back", || {
        client.info_number("mem_not_counted_for_evict") < 200_000
    });
}

/// The other side of it: data over the limit goes, whatever connections hold.
#[test]
fn data_over_the_limit_goes_beside_full_buffers() {
    let server = Server::keytag(&["--maxmemory-policy", "allkeys-lru"]);
    let mut client = observer(&server);
    fill(&mut client, 200, 10_000);
    leave_no_room(&mut client);
    let mut reader = server.connect();
    reader.send_raw(&read_all(200).repeat(10));
    eventually("replies wait", || {
        client.info_number("mem_clients_normal") > 2_000_000
    });
    let value = words::noise(1, 10_000);
    for number in 0..100 {
        let reply = client.call(&["SET", &format!("more:{number}"), &value]);
        assert_eq!(reply.to_string(), "OK");
    }
    let evicted = client.info_number("evicted_keys");
    assert!((60..=120).contains(&evicted), "{evicted} keys");
    say(&mut client, "CONFIG SET maxmemory-policy noeviction");
    let refused = (0..100)
        .map(|number| client.call(&["SET", &format!("still:{number}"), &value]))
        .any(|reply| reply.is_error());
    assert!(refused, "without eviction writes are refused");
}

/// Without a bound of their own, connections may hold as much as the data; who has much waiting reads first.
#[test]
fn who_does_not_read_is_not_served_when_all_hold_too_much() {
    const READERS: usize = 60;
    let server = Server::keytag(&["--maxmemory", "8mb"]);
    let mut client = observer(&server);
    fill(&mut client, 100, 10_000);
    let mut readers: Vec<Client> = (0..READERS).map(|_| server.connect()).collect();
    for reader in &mut readers {
        reader.send_raw(&read_all(100).repeat(12));
    }
    eventually("the budget is used up", || {
        client.info_number("mem_not_counted_for_evict") > 64 << 20
    });
    // What each may have beyond it: the replies it had when the budget was over, one batch more, and the
    // room that both grow into.
    let most = (64 << 20) + READERS as i64 * (5 << 20);
    for _ in 0..50 {
        let held = client.info_number("mem_not_counted_for_evict");
        assert!(held < most, "{held} bytes");
    }
    // Nothing is lost by that.
    let reply = {
        let value = format!("$10000\r\n{}\r\n", words::noise(0, 10_000));
        format!("*100\r\n{}", value.repeat(100)).into_bytes()
    };
    for reader in &mut readers {
        for round in 0..12 {
            assert!(reader.receive() == reply, "reply {round}");
        }
    }
    assert_eq!(client.info_number("evicted_keys"), 0);
}

/// A client's size class decides, and within one who got there first.
#[test]
fn the_largest_class_is_evicted_first() {
    for kind in BOTH {
        let server = Server::start(kind, &["--maxmemory-clients", "100mb"]);
        let mut client = observer(&server);
        let mut clients = Vec::new();
        for (name, kilobytes) in [
            ("b", 1_200),
            ("d", 1_400),
            ("a", 1_500),
            ("small", 500),
            ("large", 3_000),
        ] {
            let mut one = named(&server, name);
            queue(&mut one, kilobytes * 1_000);
            clients.push(one);
        }
        for (limit, left) in [
            ("9mb", &["a", "b", "d", "large", "small"][..]),
            ("7mb", &["a", "b", "d", "small"]),
            ("5mb", &["a", "b", "d", "small"]),
            ("4mb", &["a", "d", "small"]),
            ("3mb", &["a", "small"]),
            ("1mb", &["small"]),
            ("200kb", &[]),
        ] {
            say(
                &mut client,
                &format!("CONFIG SET maxmemory-clients {limit}"),
            );
            eventually(&format!("{kind:?} keeps to {limit}"), || {
                names(&mut client) == left
            });
        }
        assert_eq!(client.info_number("evicted_clients"), 5, "{kind:?}");
        for evicted in &mut clients {
            assert!(evicted.is_closed(), "{kind:?}");
        }
        let log = server.log();
        let lines: Vec<&str> = log
            .lines()
            .filter_map(|line| line.split_once("Evicting client: "))
            .map(|(_, line)| line)
            .collect();
        let is_of = |line: &&str, name| line.contains(&format!(" name={name} "));
        assert!(
            ["large", "b", "d", "a", "small"]
                .iter()
                .zip(&lines)
                .all(|(name, line)| is_of(line, name)),
            "{kind:?}: {lines:?}"
        );
        assert!(lines[0].starts_with("id="), "{kind:?}: {lines:?}");
        assert!(lines[0].contains(" multi=30 "), "{kind:?}: {lines:?}");
    }
}

#[test]
fn who_is_not_to_be_evicted_is_not_but_counts() {
    for kind in BOTH {
        let server = Server::start(kind, &["--maxmemory-clients", "3mb"]);
        let mut client = observer(&server);
        let mut kept = named(&server, "kept");
        say(&mut kept, "CLIENT NO-EVICT ON");
        let mut other = named(&server, "other");
        queue(&mut kept, 4_000_000);
        assert!(other.is_closed(), "{kind:?}");
        assert_eq!(names(&mut client), ["kept"], "{kind:?}");
        assert_eq!(client.info_number("evicted_clients"), 1, "{kind:?}");
        assert!(
            server
                .log()
                .contains("# Over client maxmemory after evicting all evictable clients"),
            "{kind:?}"
        );
        // Who comes now finds no room at all.
        assert!(server.connect().is_closed(), "{kind:?}");
        assert_eq!(kept.line("DISCARD").to_string(), "OK");
        eventually("there is room again", || {
            client.info_number("mem_clients_normal") < 2_000_000
        });
        let mut other = named(&server, "other");
        assert_eq!(other.line("PING").to_string(), "PONG", "{kind:?}");
        // And it can be allowed again.
        say(&mut kept, "CLIENT NO-EVICT OFF");
        queue(&mut kept, 2_900_000);
        for _ in 0..5 {
            kept.send(&["SET", "k", &"x".repeat(100_000)]);
        }
        while kept.try_receive().is_ok() {}
        assert!(kept.is_closed(), "{kind:?}");
        assert_eq!(names(&mut client), ["other"], "{kind:?}");
    }
}

#[test]
fn replies_that_wait_are_evicted_with_their_client() {
    for kind in BOTH {
        let server = Server::start(kind, &["--maxmemory-clients", "10mb"]);
        let mut loader = server.connect();
        // In steps, as the request that brings it counts too.
        for _ in 0..20 {
            loader.call(&["APPEND", "big", &"v".repeat(1_000_000)]);
        }
        drop(loader);
        let mut client = observer(&server);
        let mut reader = named(&server, "reader");
        reader.send(&["GET", "big"]);
        // Read at once, it would not wait: sockets take some megabytes, and a busy server writes slowly.
        eventually("it is evicted", || {
            client.info_number("evicted_clients") == 1
        });
        let received = reader.receive_to_end().expect("it is closed");
        assert!(received.len() < 20_000_000, "{kind:?}");
        assert_eq!(client.info_number("evicted_clients"), 1, "{kind:?}");
        // What one reads in time is no reason.
        let mut other = named(&server, "other");
        for _ in 0..100 {
            assert_eq!(other.line("STRLEN big").integer(), 20_000_000);
            assert_eq!(other.line("GETRANGE big 0 99999").text().len(), 100_000);
        }
        assert_eq!(client.info_number("evicted_clients"), 1, "{kind:?}");
    }
}

#[test]
fn a_share_of_no_limit_is_no_bound() {
    for kind in BOTH {
        let server = Server::start(kind, &["--maxmemory-clients", "5%"]);
        let mut client = observer(&server);
        let mut one = named(&server, "one");
        queue(&mut one, 3_000_000);
        eventually("it is counted", || {
            client.info_number("mem_clients_normal") > 2_900_000
        });
        assert_eq!(names(&mut client), ["one"], "{kind:?}");
        // Five hundredths of this are less than it holds.
        say(&mut client, "CONFIG SET maxmemory 50mb");
        eventually("it is evicted", || names(&mut client).is_empty());
        assert_eq!(client.info_number("evicted_clients"), 1, "{kind:?}");
        let mut one = named(&server, "one");
        queue(&mut one, 2_000_000);
        assert_eq!(names(&mut client), ["one"], "{kind:?}");
    }
}

/// A bound that would leave nobody able to say anything is taken for 128 KiB.
#[test]
fn a_tiny_bound_still_lets_clients_speak() {
    for kind in BOTH {
        let server = Server::start(kind, &["--maxmemory-clients", "1"]);
        let mut client = observer(&server);
        let mut one = named(&server, "one");
        assert_eq!(one.line("SET k v").to_string(), "OK", "{kind:?}");
        assert_eq!(names(&mut client), ["one"], "{kind:?}");
        one.line("MULTI");
        for _ in 0..5 {
            one.send(&["SET", "k", &"x".repeat(50_000)]);
        }
        while one.try_receive().is_ok() {}
        assert!(one.is_closed(), "{kind:?}");
        assert_eq!(client.info_number("evicted_clients"), 1, "{kind:?}");
    }
}

#[test]
fn a_configuration_takes_effect_at_once() {
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    say(&mut client, "CLIENT SETNAME self");
    queue(&mut client, 3_000_000);
    say(&mut client, "DISCARD");
    queue(&mut client, 3_000_000);
    let mut other = server.connect();
    assert_eq!(
        other.line("CONFIG SET maxmemory-clients 1mb").to_string(),
        "OK"
    );
    assert!(client.is_closed());
    assert_eq!(other.info_number("evicted_clients"), 1);
    say(&mut other, "CONFIG RESETSTAT");
    assert_eq!(other.info_number("evicted_clients"), 0);
}

#[test]
fn what_a_client_holds_is_shown_part_by_part() {
    let server = Server::keytag(&[]);
    let mut client = observer(&server);
    say(&mut client, "SET short v");
    fill(&mut client, 100, 10_000);
    let mut idle = named(&server, "idle");
    let mut half = named(&server, "half");
    half.send_raw(b"*2\r\n$4\r\nECHO\r\n$300000\r\n");
    half.send_raw(&vec![b'x'; 200_000]);
    let mut queueing = named(&server, "queueing");
    queue(&mut queueing, 1_000_000);
    let mut watching = named(&server, "watching");
    let long = "w".repeat(50_000);
    assert_eq!(watching.call(&["WATCH", &long]).to_string(), "OK");
    let mut slow = named(&server, "slow");
    slow.send_raw(&read_all(100).repeat(10));
    eventually("all is there", || {
        number(&mut client, "slow", "omem") > 1_000_000
            && number(&mut client, "half", "qbuf") > 200_000
    });
    let mut all = BTreeMap::new();
    eventually("all is counted", || {
        all = list(&mut client);
        let each = all.values().map(|it| it["tot-mem"].parse::<i64>());
        let sum: i64 = each.map(|bytes| bytes.expect("a number")).sum();
        (sum - client.info_number("mem_clients_normal")).abs() < 1_000
    });
    let of = |name: &str, field: &str| all[name][field].parse::<i64>().expect("a number");
    assert!((200_000..400_000).contains(&(of("half", "qbuf") + of("half", "qbuf-free"))));
    assert!((980_000..1_010_000).contains(&of("queueing", "multi-mem")));
    assert!((100_000..120_000).contains(&of("watching", "tot-mem")));
    assert_eq!((of("slow", "rbs"), of("slow", "obl")), (16_384, 16_384));
    assert!(of("slow", "oll") >= 1);
    assert!((of("idle", "tot-mem") - of("half", "tot-mem")).abs() > 200_000);
    for name in ["idle", "half", "queueing", "slow"] {
        let parts = ["qbuf", "qbuf-free", "argv-mem", "multi-mem", "rbs", "omem"];
        let sum: i64 = parts.iter().map(|part| of(name, part)).sum();
        let rest = of(name, "tot-mem") - sum;
        assert!(
            (500..4_000).contains(&rest),
            "{name}: {rest} bytes of {}",
            of(name, "tot-mem")
        );
    }
    assert_eq!(idle.line("PING").to_string(), "PONG");
}

/// A thousand connections take what is said of them.
#[test]
fn idle_connections_are_counted_as_what_they_take() {
    let server = Server::keytag(&[]);
    let mut client = observer(&server);
    let figures = |client: &mut Client| {
        let used = client.info_number("used_memory");
        (used, client.info_number("mem_clients_normal"))
    };
    let (used_before, normal_before) = figures(&mut client);
    let mut idle: Vec<Client> = (0..1_000).map(|_| server.connect()).collect();
    for one in &mut idle {
        assert_eq!(one.line("PING").to_string(), "PONG");
    }
    let (used, normal) = figures(&mut client);
    let (used, normal) = (used - used_before, normal - normal_before);
    assert!(
        (used - normal).abs() < used / 8,
        "{used} and {normal} bytes"
    );
    drop(idle);
    eventually("nothing is left", || {
        let (_, normal) = figures(&mut client);
        normal == normal_before
    });
}
