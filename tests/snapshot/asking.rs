//! `SAVE`, `BGSAVE` and `LASTSAVE`, beside each other and beside a rewrite.

use super::{fields, wait_for_background, wait_until};
use crate::support::{Client, Kind, Server, transcript};

/// So slow that whatever is asked for meanwhile is.
const SLOW: &[&str] = &["--rdb-key-save-delay", "20000"];

#[test]
fn the_words_are_checked() {
    transcript(
        r#"
        # no-multi
        > SAVE x
        (error) ERR wrong number of arguments for 'save' command
        > BGSAVE x
        (error) ERR syntax error
        > BGSAVE SCHEDULE x
        (error) ERR syntax error
        > LASTSAVE x
        (error) ERR wrong number of arguments for 'lastsave' command
        > SAVE
        OK
        > MULTI
        OK
        > SAVE
        (error) ERR Command not allowed inside a transaction
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > EVAL "return redis.call('SAVE')" 0
        ~ (error) ERR This Redis command is not allowed from script script:*
        > EVAL "return redis.call('BGSAVE')" 0
        ~ (error) ERR This Redis command is not allowed from script script:*
        "#,
    );
}

fn slow(kind: Kind) -> (Server, Client) {
    let server = Server::start(kind, SLOW);
    let mut client = server.connect();
    client.line("EVAL \"for i=1,1000 do redis.call('SET','k'..i,i) end\" 0");
    (server, client)
}

#[test]
fn one_is_written_at_a_time() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let (server, mut client) = slow(kind);
        let lines = [
            "BGSAVE",
            "BGSAVE",
            "BGSAVE SCHEDULE",
            "SAVE",
            "BGREWRITEAOF",
            "BGREWRITEAOF",
        ];
        let mut replies: Vec<String> = lines.map(|it| client.line(it).to_string()).to_vec();
        let running = [
            "rdb_bgsave_in_progress",
            "aof_rewrite_in_progress",
            "aof_rewrite_scheduled",
            "rdb_saves",
        ];
        replies.extend(fields(&mut client, &running));
        // Whoever empties the server wants no snapshot of what there was.
        replies.push(client.line("FLUSHALL").to_string());
        wait_for_background(&server, &mut client);
        let after = [
            "rdb_last_bgsave_status",
            "rdb_saves",
            "rdb_changes_since_last_save",
        ];
        replies.extend(fields(&mut client, &after));
        replies.push(server.dir().join("dump.rdb").exists().to_string());
        wait_until(&server, "the rewrite does not begin", || {
            client.info_number("aof_rewrites") == 1
        });
        replies
    });
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn beside_a_rewrite_it_is_scheduled() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let (server, mut client) = slow(kind);
        let lines = ["BGREWRITEAOF", "BGSAVE", "BGSAVE SCHEDULE"];
        let replies = lines.map(|it| client.line(it).to_string());
        client.line("CONFIG SET rdb-key-save-delay 0");
        client.line("FLUSHALL");
        wait_until(&server, "the snapshot does not begin", || {
            client.info_number("rdb_saves") == 1
        });
        wait_for_background(&server, &mut client);
        assert_eq!(client.info_number("rdb_changes_since_last_save"), 0);
        replies
    });
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn in_a_transaction_it_is_scheduled() {
    let replies = [Kind::Keytag, Kind::Oracle].map(|kind| {
        let server = Server::start(kind, &[]);
        let mut client = server.connect();
        let lines = ["MULTI", "SET k v", "BGSAVE", "BGSAVE x", "SET k w", "EXEC"];
        let replies = lines.map(|it| client.line(it).to_string());
        wait_until(&server, "the snapshot does not begin", || {
            client.info_number("rdb_saves") == 1
        });
        wait_for_background(&server, &mut client);
        replies
    });
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn what_it_has_come_to_is_in_info() {
    let server = Server::keytag(SLOW);
    let mut client = server.connect();
    client.line("EVAL \"for i=1,100 do redis.call('SET','k'..i,i) end\" 0");
    let began = client.line("LASTSAVE").integer();
    assert_eq!(client.info_number("rdb_changes_since_last_save"), 100);
    assert_eq!(
        client.line("BGSAVE").to_string(),
        "Background saving started"
    );
    assert_eq!(client.info_number("current_save_keys_total"), 100);
    let mut last = 0;
    wait_until(&server, "it gets nowhere", || {
        let keys = client.info_number("current_save_keys_processed");
        assert!((last..=100).contains(&keys), "{last}, then {keys}");
        last = keys;
        keys > 2
    });
    client.line("SET new 1");
    client.line("CONFIG SET rdb-key-save-delay 0");
    wait_for_background(&server, &mut client);
    assert_eq!(client.info_number("rdb_changes_since_last_save"), 1);
    assert_eq!(client.info_number("current_save_keys_total"), 0);
    assert!(client.line("LASTSAVE").integer() >= began);
    assert!(client.info_number("rdb_last_bgsave_time_sec") >= 0);
    assert_eq!(client.line("SAVE").to_string(), "OK");
    assert_eq!(client.info_number("rdb_changes_since_last_save"), 0);
    assert_eq!(client.info_number("rdb_saves"), 2);
    client.line("CONFIG RESETSTAT");
    assert_eq!(client.info_number("rdb_saves"), 0);
    assert!(server.log().contains("DB saved on disk"));
}

#[test]
fn others_are_served_while_a_client_saves() {
    let server = Server::keytag(&["--rdb-key-save-delay", "5000", "--io-threads", "1"]);
    let mut client = server.connect();
    client.line("EVAL \"for i=1,100 do redis.call('SET','k'..i,i) end\" 0");
    let mut saving = server.connect();
    saving.send(&["SAVE"]);
    wait_until(&server, "it does not begin", || {
        client.info_number("rdb_saves") == 1
    });
    client.line("SET new 1");
    assert_eq!(
        client.line("BGSAVE").to_string(),
        "(error) ERR Background save already in progress"
    );
    // Those who ask later get one of their own, together.
    let mut others = [server.connect(), server.connect()];
    others.iter_mut().for_each(|it| it.send(&["SAVE"]));
    client.line("CONFIG SET rdb-key-save-delay 0");
    assert_eq!(saving.reply().to_string(), "OK");
    others
        .iter_mut()
        .for_each(|it| assert_eq!(it.reply().to_string(), "OK"));
    assert_eq!(client.info_number("rdb_changes_since_last_save"), 0);
}
