//! Long values that are held packed: no command sees a difference, and memory does.

use crate::support::{Client, Kind, Server};

/// Text that LZ4 makes much shorter, different for each number.
fn document(number: usize, bytes: usize) -> String {
    let item = format!(
        "{{\"id\":{number},\"title\":\"an item of the list\",\"price\":{}}},",
        number * 7
    );
    item.repeat(bytes / item.len() + 1)[..bytes].to_owned()
}

fn packed_keys(client: &mut Client) -> i64 {
    client.info_number("compressed_keys")
}

/// Every command that reads or changes a string, on both servers; ours packs what is longer than 100 bytes.
#[test]
fn commands_see_the_plain_value() {
    let ours = Server::keytag(&["--compression-threshold", "100"]);
    let theirs = Server::start(Kind::Oracle, &[]);
    let mut clients = [ours.connect(), theirs.connect()];
    for bytes in [101, 500, 3_000, 20_000, 300_000] {
        let (value, other) = (document(bytes, bytes), document(bytes + 1, bytes));
        for command in [
            &["SET", "k", &value][..],
            &["GET", "k"],
            &["STRLEN", "k"],
            &["GETRANGE", "k", "7", "40"],
            &["GETRANGE", "k", "-20", "-1"],
            &["SUBSTR", "k", "0", "3"],
            &["OBJECT", "ENCODING", "k"],
            &["TYPE", "k"],
            &["INCR", "k"],
            &["INCRBYFLOAT", "k", "1"],
            &["SETNX", "k", "other"],
            &["COPY", "k", "copied"],
            &["GET", "copied"],
            &["RENAME", "copied", "renamed"],
            &["GET", "renamed"],
            &["EXPIRE", "renamed", "1000"],
            &["PERSIST", "renamed"],
            &["GET", "renamed"],
            &["GETEX", "renamed", "EX", "500"],
            &["GETSET", "k", &other],
            &["SET", "k", &value, "GET"],
            &["MSET", "a", &value, "b", &other],
            &["LCS", "a", "b", "LEN"],
            &["MGET", "a", "none", "b"],
            &["APPEND", "k", "more"],
            &["STRLEN", "k"],
            &["GET", "k"],
            &["SETRANGE", "a", "50", "PUT HERE"],
            &["GET", "a"],
            &["GETDEL", "b"],
            &["SETEX", "a", "100", &value],
            &["PSETEX", "b", "100000", &other],
            &["MGET", "a", "b"],
            &["DEBUG", "DIGEST-VALUE", "a", "b", "k"],
            &["FLUSHALL"],
        ] {
            // A common part of two long strings takes minutes.
            if bytes > 10_000 && command[0] == "LCS" {
                continue;
            }
            let [ours, theirs] = clients
                .each_mut()
                .map(|client| client.call(command).to_string());
            assert_eq!(ours, theirs, "{} with {bytes} bytes", command[0]);
        }
    }
    assert_eq!(packed_keys(&mut clients[0]), 0);
}

#[test]
fn memory_is_saved_and_told() {
    let server = Server::keytag(&["--compression-threshold", "1kb"]);
    let mut client = server.connect();
    let before = client.info_number("used_memory");
    for number in 0..500 {
        client.call(&["SET", &format!("page:{number}"), &document(number, 8_000)]);
    }
    let used = client.info_number("used_memory") - before;
    assert_eq!(packed_keys(&mut client), 500);
    assert!(used < 500 * 4_000, "{used} bytes");
    assert!(client.info_number("compression_saved_bytes") > 500 * 4_000);
    let usage = client.call(&["MEMORY", "USAGE", "page:7"]).integer();
    assert!(usage < 4_000, "{usage} bytes");
    // What is changed in place is plain from then on, what is written anew is packed again.
    client.call(&["APPEND", "page:7", "!"]);
    assert_eq!(packed_keys(&mut client), 499);
    assert_eq!(client.call(&["STRLEN", "page:7"]).integer(), 8_001);
    client.call(&["SET", "page:7", &document(7, 9_000)]);
    assert_eq!(packed_keys(&mut client), 500);
    // The option is live, and concerns what is written from now on.
    client.call(&["CONFIG", "SET", "compression-threshold", "0"]);
    client.call(&["SET", "page:8", &document(8, 8_000)]);
    assert_eq!(packed_keys(&mut client), 499);
    assert_eq!(client.call(&["GET", "page:9"]).text(), document(9, 8_000));
    client.call(&["FLUSHALL", "SYNC"]);
    assert_eq!(packed_keys(&mut client), 0);
    assert_eq!(client.info_number("compression_saved_bytes"), 0);
}

/// What does not become an eighth shorter, and what is not longer than the threshold, stays as it is.
#[test]
fn only_what_pays_is_packed() {
    let server = Server::keytag(&["--compression-threshold", "1000"]);
    let mut client = server.connect();
    let mut rng = fastrand::Rng::with_seed(8);
    let noise: String = (0..4_000).map(|_| rng.alphanumeric()).collect();
    for value in [&noise, &document(1, 1_000), "12345"] {
        client.call(&["SET", "k", value]);
        assert_eq!(packed_keys(&mut client), 0);
        assert_eq!(client.call(&["GET", "k"]).text(), value);
    }
    client.call(&["SET", "k", &document(1, 1_001)]);
    assert_eq!(packed_keys(&mut client), 1);
}

#[test]
fn packed_values_survive_a_restart_and_a_rewrite() {
    let mut server = Server::keytag(&["--compression-threshold", "100", "--appendonly", "yes"]);
    let mut client = server.connect();
    for number in 0..50 {
        client.call(&[
            "SET",
            &format!("k{number}"),
            &document(number, 100 * (number + 1) + 1),
        ]);
        if number == 25 {
            client.line("BGREWRITEAOF");
        }
    }
    server.restart();
    let mut client = server.connect();
    assert_eq!(packed_keys(&mut client), 50);
    for number in 0..50 {
        let value = client.call(&["GET", &format!("k{number}")]);
        assert_eq!(value.text(), document(number, 100 * (number + 1) + 1));
    }
}
