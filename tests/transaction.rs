//! Transactions.

use crate::support::transcript;

#[test]
fn exec_answers_all_at_once() {
    transcript(
        r#"
        > MULTI
        OK
        > SET k 1
        QUEUED
        > INCR k
        QUEUED
        > GET k
        QUEUED
        > PING
        QUEUED
        > EXEC
        1) OK
        2) (integer) 2
        3) "2"
        4) PONG
        > GET k
        "2"
        "#,
    );
}

#[test]
fn exec_goes_on_after_an_error() {
    transcript(
        r#"
        > SET t text
        OK
        > MULTI
        OK
        > INCR t
        QUEUED
        > SET k v
        QUEUED
        > GET none
        QUEUED
        > EXEC
        1) (error) ERR value is not an integer or out of range
        2) OK
        3) (nil)
        > GET k
        "v"
        "#,
    );
}

#[test]
fn a_refused_command_spoils_the_transaction() {
    transcript(
        r#"
        > MULTI
        OK
        > SET k v
        QUEUED
        > SET k
        (error) ERR wrong number of arguments for 'set' command
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > EXISTS k
        (integer) 0
        > MULTI
        OK
        > NOSUCH
        (error) ERR unknown command 'NOSUCH', with args beginning with:
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > MULTI
        OK
        > CLIENT NOSUCH
        (error) ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        "#,
    );
}

#[test]
fn discard_forgets() {
    transcript(
        r#"
        > SET k old
        OK
        > MULTI
        OK
        > SET k new
        QUEUED
        > DISCARD
        OK
        > GET k
        "old"
        > DISCARD
        (error) ERR DISCARD without MULTI
        > EXEC
        (error) ERR EXEC without MULTI
        "#,
    );
}

#[test]
fn multi_does_not_nest() {
    transcript(
        r#"
        > MULTI
        OK
        > MULTI
        (error) ERR MULTI calls can not be nested
        > WATCH k
        (error) ERR WATCH inside MULTI is not allowed
        > SET k v
        QUEUED
        > EXEC
        1) OK
        > MULTI
        OK
        > EXEC
        (empty array)
        > MULTI x
        (error) ERR wrong number of arguments for 'multi' command
        > EXEC x
        (error) EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
        > DISCARD x
        (error) ERR wrong number of arguments for 'discard' command
        "#,
    );
}

#[test]
fn a_watched_key_that_changed_aborts() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> SET k 2
        OK
        > MULTI
        OK
        > SET k 3
        QUEUED
        > EXEC
        (nil)
        > GET k
        "2"
        > WATCH k
        OK
        > MULTI
        OK
        > SET k 4
        QUEUED
        > EXEC
        1) OK
        > GET k
        "4"
        "#,
    );
}

#[test]
fn a_watched_key_that_was_set_to_the_same_value_aborts() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> SET k 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        "#,
    );
}

#[test]
fn own_changes_abort_too() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        > SET k 2
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        "#,
    );
}

#[test]
fn watched_keys_are_forgotten() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> SET k 2
        OK
        > UNWATCH
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH k
        OK
        2> SET k 3
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > DISCARD
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn what_does_not_change_a_key_does_not_abort() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k none
        OK
        2> GET k
        "1"
        2> DEL none
        (integer) 0
        2> EXPIRE none 100
        (integer) 0
        2> SET k 2 NX
        (nil)
        2> SELECT 1
        OK
        2> SET k other
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn expire_del_rename_and_flush_abort() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> EXPIRE k 100
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH k
        OK
        2> DEL k
        (integer) 1
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH k
        OK
        2> SET other 1
        OK
        2> RENAME other k
        OK
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH k
        OK
        2> FLUSHDB
        OK
        > MULTI
        OK
        > EXEC
        (nil)
        > WATCH k
        OK
        2> FLUSHALL
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > SET k 1
        OK
        > WATCH k
        OK
        2> FLUSHALL
        OK
        > MULTI
        OK
        > EXEC
        (nil)
        "#,
    );
}

#[test]
fn swapdb_aborts_if_the_key_differs() {
    transcript(
        r#"
        > SET k 1
        OK
        > WATCH k
        OK
        2> SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH none
        OK
        2> SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn a_watch_is_for_one_database() {
    transcript(
        r#"
        > WATCH k
        OK
        > SELECT 1
        OK
        > WATCH j
        OK
        > SELECT 0
        OK
        2> SELECT 1
        OK
        2> SET k 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH k
        OK
        2> SET j 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        "#,
    );
}

#[test]
fn select_inside_a_transaction_stays() {
    transcript(
        r#"
        > MULTI
        OK
        > SELECT 2
        QUEUED
        > SET k v
        QUEUED
        > EXEC
        1) OK
        2) OK
        > GET k
        "v"
        > SELECT 0
        OK
        > GET k
        (nil)
        "#,
    );
}

#[test]
fn commands_that_are_not_for_transactions() {
    transcript(
        r#"
        > WATCH
        (error) ERR wrong number of arguments for 'watch' command
        > MULTI
        OK
        > WATCH a
        (error) ERR WATCH inside MULTI is not allowed
        > EXEC
        (empty array)
        > UNWATCH x
        (error) ERR wrong number of arguments for 'unwatch' command
        "#,
    );
}
