//! Coming in as a user, and what else is asked about users.

use super::come_in;
use crate::support::{Kind, Server, transcript};

#[test]
fn a_user_comes_in_with_one_of_its_passwords() {
    transcript(
        r#"
        # no-multi
        > ACL SETUSER u on >a >b +@all
        OK
        > ACL WHOAMI
        "default"
        > AUTH u c
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH u ""
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH U a
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH u b
        OK
        > ACL WHOAMI
        "u"
        > AUTH u wrong
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > ACL WHOAMI
        "u"
        > AUTH a
        (error) ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        > AUTH default anything
        OK
        > ACL WHOAMI
        "default"
        > ACL SETUSER u <b off
        OK
        > AUTH u a
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > ACL SETUSER u on
        OK
        > AUTH u b
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH u a
        OK
        > ACL SETUSER u nopass
        OK
        > AUTH u anything
        OK
        > ACL SETUSER u resetpass
        OK
        > AUTH u a
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > RESET
        RESET
        > ACL WHOAMI
        "default"
        "#,
    );
}

#[test]
fn hello_lets_a_user_in() {
    transcript(
        r#"
        # no-multi
        # resp2-only
        > ACL SETUSER u on >a +@all
        OK
        > HELLO 3 AUTH u b
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > HELLO 2 AUTH u a SETNAME "x y"
        (error) ERR Client names cannot contain spaces, newlines or special characters.
        > ACL WHOAMI
        "default"
        > HELLO 2 AUTH u a SETNAME x
        ~ *1) "server"
        ~ *2) "redis"
        ~ *3) "version"
        ~ *4) "7.4.1"
        ~ *5) "proto"
        ~ *6) (integer) 2
        ~ *7) "id"
        ~ *8) (integer) *
        ~ *9) "mode"
        ~ *10) "standalone"
        ~ *11) "role"
        ~ *12) "master"
        ~ *13) "modules"
        ~ *14) (empty array)
        > ACL WHOAMI
        "u"
        > CLIENT GETNAME
        "x"
        "#,
    );
}

#[test]
fn the_password_of_the_default_user_is_requirepass() {
    transcript(
        r#"
        # no-multi
        > CONFIG SET requirepass foo
        OK
        > ACL LIST
        1) "user default on sanitize-payload #2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae ~* &* +@all"
        > AUTH foo
        OK
        > ACL SETUSER default nopass
        OK
        > CONFIG GET requirepass
        1) "requirepass"
        2) "foo"
        > CONFIG SET requirepass foo
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        > ACL SETUSER default >a >b
        OK
        > CONFIG SET requirepass bar
        OK
        > ACL LIST
        1) "user default on sanitize-payload #fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9 ~* &* +@all"
        > CONFIG SET requirepass ""
        OK
        > ACL LIST
        1) "user default on nopass sanitize-payload ~* &* +@all"
        > CONFIG GET requirepass
        1) "requirepass"
        2) ""
        "#,
    );
}

#[test]
fn a_password_is_asked_for_while_the_default_user_is_closed() {
    transcript(
        r#"
        # no-multi
        # resp2-only
        # no-reload
        > ACL SETUSER default >x
        OK
        > ACL SETUSER u on >y +ping
        OK
        2> PING
        (error) NOAUTH Authentication required.
        2> AUTH y
        (error) WRONGPASS invalid username-password pair or user is disabled.
        2> HELLO
        (error) NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        2> AUTH u y
        OK
        2> PING
        PONG
        2> GET k
        (error) NOPERM User u has no permissions to run the 'get' command
        > ACL SETUSER default off nopass
        OK
        3> PING
        (error) NOAUTH Authentication required.
        3> AUTH x
        (error) ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        3> AUTH default x
        (error) WRONGPASS invalid username-password pair or user is disabled.
        2> PING
        PONG
        > PING
        PONG
        > ACL SETUSER default on
        OK
        3> PING
        PONG
        > ACL SETUSER default >x
        OK
        3> PING
        (error) NOAUTH Authentication required.
        2> RESET
        RESET
        2> PING
        (error) NOAUTH Authentication required.
        "#,
    );
}

#[test]
fn a_user_that_goes_takes_its_connections_along() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut admin = server.connect();
        for user in ["a", "b", "c"] {
            let line = format!("ACL SETUSER {user} on >pw allkeys +@all");
            assert_eq!(admin.line(&line).to_string(), "OK");
        }
        let (mut idle, mut waiting) = (come_in(&server, "a"), come_in(&server, "a"));
        waiting.send(&["CLIENT", "PAUSE", "0"]);
        assert_eq!(waiting.reply().to_string(), "OK");
        let (mut other, mut own) = (come_in(&server, "b"), come_in(&server, "c"));
        assert_eq!(admin.line("ACL DELUSER nobody a").integer(), 1, "{kind:?}");
        assert!(idle.is_closed() && waiting.is_closed(), "{kind:?}");
        assert_eq!(other.line("PING").to_string(), "PONG");
        assert_eq!(own.line("ACL DELUSER c a c").integer(), 1);
        assert!(own.is_closed(), "{kind:?}");
        assert_eq!(admin.line("ACL USERS").items().len(), 2);
        let gone = admin.line("AUTH a pw").to_string();
        assert!(gone.starts_with("(error) WRONGPASS"), "{gone}");
        // Another of that name is another.
        admin.line("ACL SETUSER a on >pw +@all");
        assert_eq!(come_in(&server, "a").line("PING").to_string(), "PONG");
    }
}

#[test]
fn users_are_taken_away_all_or_none() {
    transcript(
        r#"
        > ACL SETUSER a
        OK
        > ACL DELUSER a default b
        (error) ERR The 'default' user cannot be removed
        > ACL DELUSER
        (error) ERR wrong number of arguments for 'acl|deluser' command
        > ACL DELUSER b A
        (integer) 0
        > ACL USERS
        1) "a"
        2) "default"
        > ACL DELUSER a a
        (integer) 1
        > ACL USERS
        1) "default"
        "#,
    );
}

#[test]
fn connections_are_found_by_their_user() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &[]);
        let mut admin = server.connect();
        admin.line("ACL SETUSER a on >pw +@all");
        let (mut one, mut two) = (come_in(&server, "a"), come_in(&server, "a"));
        let list = admin.line("CLIENT LIST").text();
        assert_eq!(list.matches(" user=a ").count(), 2, "{list}");
        assert_eq!(list.matches(" user=default ").count(), 1, "{list}");
        assert!(two.line("CLIENT INFO").text().contains(" user=a "));
        let unknown = admin.line("CLIENT KILL USER nobody").to_string();
        assert_eq!(unknown, "(error) ERR No such user 'nobody'");
        assert_eq!(one.line("CLIENT KILL USER a").integer(), 1, "{kind:?}");
        assert!(two.is_closed());
        assert_eq!(admin.line("CLIENT KILL USER a SKIPME no").integer(), 1);
        assert!(one.is_closed());
        assert_eq!(admin.line("CLIENT KILL USER default").integer(), 0);
        assert_eq!(admin.line("CLIENT KILL USER a").integer(), 0);
    }
}

#[test]
fn categories_are_listed_with_their_commands() {
    transcript(
        r#"
        > ACL CAT
         1) "keyspace"
         2) "read"
         3) "write"
         4) "set"
         5) "sortedset"
         6) "list"
         7) "hash"
         8) "string"
         9) "bitmap"
        10) "hyperloglog"
        11) "geo"
        12) "stream"
        13) "pubsub"
        14) "admin"
        15) "fast"
        16) "slow"
        17) "blocking"
        18) "dangerous"
        19) "connection"
        20) "transaction"
        21) "scripting"
        sorted> ACL CAT Bitmap
        1) "bitcount"
        2) "bitfield"
        3) "bitfield_ro"
        4) "bitop"
        5) "bitpos"
        6) "getbit"
        7) "setbit"
        > ACL CAT @bitmap
        (error) ERR Unknown category '@bitmap'
        > ACL CAT ""
        (error) ERR Unknown category ''
        > ACL CAT all
        (error) ERR Unknown category 'all'
        > ACL CAT xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyyy
        (error) ERR Unknown category 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'
        > ACL CAT a b
        (error) ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.
        "#,
    );
}

#[test]
fn a_password_is_made_of_so_many_bits() {
    transcript(
        r#"
        > ACL GENPASS 0
        (error) ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096
        > ACL GENPASS 4097
        (error) ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096
        > ACL GENPASS -1
        (error) ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096
        > ACL GENPASS x
        (error) ERR value is not an integer or out of range
        > ACL GENPASS 9223372036854775808
        (error) ERR value is not an integer or out of range
        > ACL GENPASS 1 2
        (error) ERR unknown subcommand or wrong number of arguments for 'GENPASS'. Try ACL HELP.
        "#,
    );
    let server = Server::keytag(&[]);
    let mut client = server.connect();
    for (bits, digits) in [
        (1, 1),
        (4, 1),
        (5, 2),
        (8, 2),
        (256, 64),
        (4095, 1024),
        (4096, 1024),
    ] {
        let password = client.line(&format!("ACL GENPASS {bits}")).text();
        assert_eq!(password.len(), digits, "{bits}");
        assert!(
            password
                .bytes()
                .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        );
    }
    let [one, two] = [(); 2].map(|()| client.line("ACL GENPASS").text());
    assert_eq!(one.len(), 64);
    assert_ne!(one, two);
}

#[test]
fn acl_explains_itself() {
    transcript(
        r#"
        > ACL HELP
         1) ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) CAT [<category>]
         3)     List all commands that belong to <category>, or all command categories
         4)     when no category is specified.
         5) DELUSER <username> [<username> ...]
         6)     Delete a list of users.
         7) DRYRUN <username> <command> [<arg> ...]
         8)     Returns whether the user can execute the given command without executing the command.
         9) GETUSER <username>
        10)     Get the user's details.
        11) GENPASS [<bits>]
        12)     Generate a secure 256-bit user password. The optional `bits` argument can
        13)     be used to specify a different size.
        14) LIST
        15)     Show users details in config file format.
        16) LOAD
        17)     Reload users from the ACL file.
        18) LOG [<count> | RESET]
        19)     Show the ACL log entries.
        20) SAVE
        21)     Save the current config to the ACL file.
        22) SETUSER <username> <attribute> [<attribute> ...]
        23)     Create or modify a user with the specified attributes.
        24) USERS
        25)     List all the registered usernames.
        26) WHOAMI
        27)     Return the current connection username.
        28) HELP
        29)     Print this help.
        > ACL
        (error) ERR wrong number of arguments for 'acl' command
        > ACL NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try ACL HELP.
        > ACL WHOAMI x
        (error) ERR wrong number of arguments for 'acl|whoami' command
        > ACL LIST x
        (error) ERR wrong number of arguments for 'acl|list' command
        > ACL GETUSER
        (error) ERR wrong number of arguments for 'acl|getuser' command
        > ACL LOAD
        (error) ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.
        > ACL SAVE
        (error) ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.
        "#,
    );
}

#[test]
fn names_and_rules_stay_out_of_the_slow_log() {
    for kind in [Kind::Keytag, Kind::Oracle] {
        let server = Server::start(kind, &["--slowlog-log-slower-than", "0"]);
        let mut client = server.connect();
        for line in [
            "ACL SETUSER u on >x",
            "ACL SETUSER u nosuch",
            "ACL GETUSER nobody",
            "ACL DELUSER a b",
            "ACL DRYRUN u get x",
        ] {
            client.line(line);
        }
        let log = client.line("SLOWLOG GET -1");
        let mut words: Vec<String> = log
            .items()
            .iter()
            .map(|entry| {
                let words = entry.items()[3].items().iter();
                words.map(|it| it.text()).collect::<Vec<_>>().join(" ")
            })
            .collect();
        words.reverse();
        words.retain(|words| words.starts_with("ACL"));
        assert_eq!(
            words,
            [
                "ACL SETUSER (redacted) (redacted) (redacted)",
                "ACL SETUSER (redacted) (redacted)",
                "ACL GETUSER (redacted)",
                "ACL DELUSER (redacted) (redacted)",
                "ACL DRYRUN u get x",
            ],
            "{kind:?}"
        );
    }
}
