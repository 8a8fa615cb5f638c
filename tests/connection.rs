//! The connection commands.

use crate::support::transcript;

#[test]
fn ping_and_echo() {
    transcript(
        r#"
        > PING
        PONG
        > PING hello
        "hello"
        > PING a b
        (error) ERR wrong number of arguments for 'ping' command
        > ECHO hello
        "hello"
        > ECHO
        (error) ERR wrong number of arguments for 'echo' command
        > ECHO a b
        (error) ERR wrong number of arguments for 'echo' command
        > PING ""
        ""
        "#,
    );
}

#[test]
fn unknown_commands_are_named_with_their_arguments() {
    transcript(
        r#"
        > NOSUCH
        (error) ERR unknown command 'NOSUCH', with args beginning with:
        > NOSUCH a "b c" "\x00\r\n"
        (error) ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b c' ''
        > "" a
        (error) ERR unknown command '', with args beginning with: 'a'
        > "no such" a
        (error) ERR unknown command 'no such', with args beginning with: 'a'
        > NOSUCH aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b c
        (error) ERR unknown command 'NOSUCH', with args beginning with: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
        > CLIENT NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.
        > CLIENT
        (error) ERR wrong number of arguments for 'client' command
        > CONFIG NOSUCH x
        (error) ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.
        > "CLIENT|ID"
        (error) ERR unknown command 'CLIENT|ID', with args beginning with:
        > client nosuch
        (error) ERR unknown subcommand 'nosuch'. Try CLIENT HELP.
        "#,
    );
}

#[test]
fn a_password_is_asked_for() {
    transcript(
        r#"
        # flags --requirepass secret
        # no-reload
        # no-multi
        # resp2-only
        > GET k
        (error) NOAUTH Authentication required.
        > PING
        (error) NOAUTH Authentication required.
        > NOSUCH
        (error) ERR unknown command 'NOSUCH', with args beginning with:
        > AUTH wrong
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH default wrong
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH nobody secret
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH
        (error) ERR wrong number of arguments for 'auth' command
        > AUTH a b c
        (error) ERR syntax error
        > HELLO 3
        (error) NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        > HELLO 2 AUTH default wrong
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > RESET
        RESET
        > AUTH secret
        OK
        > PING
        PONG
        > AUTH default secret
        OK
        "#,
    );
}

#[test]
fn auth_without_a_password() {
    // Redis 7.4.1 loses this error inside of EXEC.
    transcript(
        r#"
        # no-multi
        > AUTH x
        (error) ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        > AUTH default x
        OK
        > AUTH nobody x
        (error) WRONGPASS invalid username-password pair or user is disabled.
        "#,
    );
}

#[test]
fn client_names() {
    transcript(
        r#"
        > CLIENT GETNAME
        (nil)
        > CLIENT SETNAME name
        OK
        > CLIENT GETNAME
        "name"
        > CLIENT SETNAME "with space"
        (error) ERR Client names cannot contain spaces, newlines or special characters.
        > CLIENT SETNAME "with\nline"
        (error) ERR Client names cannot contain spaces, newlines or special characters.
        > CLIENT GETNAME
        "name"
        > CLIENT SETNAME ""
        OK
        > CLIENT GETNAME
        (nil)
        > CLIENT SETNAME
        (error) ERR wrong number of arguments for 'client|setname' command
        > CLIENT SETINFO LIB-NAME lib
        OK
        > CLIENT SETINFO lib-ver 1.2
        OK
        > CLIENT SETINFO LIB-NAME "with space"
        (error) ERR LIB-NAME cannot contain spaces, newlines or special characters.
        > CLIENT SETINFO NOSUCH x
        (error) ERR Unrecognized option 'NOSUCH'
        > CLIENT SETINFO LIB-NAME
        (error) ERR wrong number of arguments for 'client|setinfo' command
        "#,
    );
}

#[test]
fn client_switches() {
    transcript(
        r#"
        > CLIENT NO-EVICT ON
        OK
        > CLIENT NO-EVICT OFF
        OK
        > CLIENT NO-EVICT x
        (error) ERR syntax error
        > CLIENT NO-TOUCH ON
        OK
        > CLIENT NO-TOUCH OFF
        OK
        > CLIENT NO-TOUCH x
        (error) ERR syntax error
        > CLIENT REPLY ON
        OK
        > CLIENT REPLY x
        (error) ERR syntax error
        > CLIENT UNPAUSE
        OK
        > CLIENT PAUSE 0
        OK
        > CLIENT PAUSE x
        (error) ERR timeout is not an integer or out of range
        > CLIENT PAUSE -1
        (error) ERR timeout is negative
        > CLIENT PAUSE 0 WRITE
        OK
        > CLIENT PAUSE 0 x
        (error) ERR CLIENT PAUSE mode must be WRITE or ALL
        > CLIENT UNBLOCK 99999
        (integer) 0
        > CLIENT UNBLOCK x
        (error) ERR value is not an integer or out of range
        > CLIENT UNBLOCK 99999 x
        (error) ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
        > CLIENT ID x
        (error) ERR wrong number of arguments for 'client|id' command
        > CLIENT HELP
         1) CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) CACHING (YES|NO)
         3)     Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.
         4) GETREDIR
         5)     Return the client ID we are redirecting to when tracking is enabled.
         6) GETNAME
         7)     Return the name of the current connection.
         8) ID
         9)     Return the ID of the current connection.
        10) INFO
        11)     Return information about the current client connection.
        12) KILL <ip:port>
        13)     Kill connection made from <ip:port>.
        14) KILL <option> <value> [<option> <value> [...]]
        15)     Kill connections. Options are:
        16)     * ADDR (<ip:port>|<unixsocket>:0)
        17)       Kill connections made from the specified address
        18)     * LADDR (<ip:port>|<unixsocket>:0)
        19)       Kill connections made to specified local address
        20)     * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)
        21)       Kill connections by type.
        22)     * USER <username>
        23)       Kill connections authenticated by <username>.
        24)     * SKIPME (YES|NO)
        25)       Skip killing current connection (default: yes).
        26)     * ID <client-id>
        27)       Kill connections by client id.
        28)     * MAXAGE <maxage>
        29)       Kill connections older than the specified age.
        30) LIST [options ...]
        31)     Return information about client connections. Options:
        32)     * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)
        33)       Return clients of specified type.
        34) UNPAUSE
        35)     Stop the current client pause, resuming traffic.
        36) PAUSE <timeout> [WRITE|ALL]
        37)     Suspend all, or just write, clients for <timeout> milliseconds.
        38) REPLY (ON|OFF|SKIP)
        39)     Control the replies sent to the current connection.
        40) SETNAME <name>
        41)     Assign the name <name> to the current connection.
        42) SETINFO <option> <value>
        43)     Set client meta attr. Options are:
        44)     * LIB-NAME: the client lib name.
        45)     * LIB-VER: the client lib version.
        46) UNBLOCK <clientid> [TIMEOUT|ERROR]
        47)     Unblock the specified blocked client.
        48) TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]
        49)          [OPTIN] [OPTOUT] [NOLOOP]
        50)     Control server assisted client side caching.
        51) TRACKINGINFO
        52)     Report tracking status for the current connection.
        53) NO-EVICT (ON|OFF)
        54)     Protect current client connection from eviction.
        55) NO-TOUCH (ON|OFF)
        56)     Will not touch LRU/LFU stats when this mode is on.
        57) HELP
        58)     Print this help.
        "#,
    );
}

#[test]
fn client_list_and_kill_filters() {
    transcript(
        r#"
        > CLIENT LIST TYPE replica
        ""
        > CLIENT LIST TYPE x
        (error) ERR Unknown client type 'x'
        > CLIENT LIST ID 99999
        ""
        > CLIENT LIST ID x
        (error) ERR Invalid client ID
        > CLIENT LIST ID
        (error) ERR syntax error
        > CLIENT LIST x
        (error) ERR syntax error
        > CLIENT LIST x y
        (error) ERR syntax error
        > CLIENT KILL 1.2.3.4:5
        (error) ERR No such client
        > CLIENT KILL x
        (error) ERR No such client
        > CLIENT KILL ID 99999
        (integer) 0
        > CLIENT KILL ID x
        (error) ERR client-id should be greater than 0
        > CLIENT KILL ID 0
        (error) ERR client-id should be greater than 0
        > CLIENT KILL TYPE x
        (error) ERR Unknown client type 'x'
        > CLIENT KILL TYPE replica
        (integer) 0
        > CLIENT KILL USER nobody
        (error) ERR No such user 'nobody'
        > CLIENT KILL SKIPME x
        (error) ERR syntax error
        > CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.2.3.4:6
        (integer) 0
        > CLIENT KILL MAXAGE x
        (error) ERR maxage is not an integer or out of range
        > CLIENT KILL MAXAGE 100000
        (integer) 0
        > CLIENT KILL WHAT x
        (error) ERR syntax error
        > CLIENT KILL ID
        (error) ERR No such client
        > CLIENT KILL
        (error) ERR wrong number of arguments for 'client|kill' command
        "#,
    );
}

#[test]
fn hello_switches_the_protocol() {
    transcript(
        r#"
        # no-multi
        # resp2-only
        > HELLO 1
        (error) NOPROTO unsupported protocol version
        > HELLO 4
        (error) NOPROTO unsupported protocol version
        > HELLO x
        (error) ERR Protocol version is not an integer or out of range
        > HELLO 2 WHAT
        (error) ERR Syntax error in HELLO option 'WHAT'
        > HELLO 2 SETNAME
        (error) ERR Syntax error in HELLO option 'SETNAME'
        > HELLO 2 AUTH default
        (error) ERR Syntax error in HELLO option 'AUTH'
        > HELLO 2 SETNAME "a b"
        (error) ERR Client names cannot contain spaces, newlines or special characters.
        > CLIENT GETNAME
        (nil)
        > RESET
        RESET
        "#,
    );
}

#[test]
fn reset_clears_the_connection() {
    transcript(
        r#"
        # no-multi
        # resp2-only
        > CLIENT SETNAME name
        OK
        > SELECT 3
        OK
        > MULTI
        OK
        > RESET
        RESET
        > EXEC
        (error) ERR EXEC without MULTI
        > CLIENT GETNAME
        (nil)
        > SET k v
        OK
        > SELECT 0
        OK
        > GET k
        "v"
        "#,
    );
}
