//! The memory limit.

use crate::support::transcript;

#[test]
fn a_write_over_the_limit_is_refused() {
    transcript(
        r#"
        # flags --maxmemory 1
        # no-reload
        > SET k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > GET k
        (nil)
        > DEL k
        (integer) 0
        > MSET a 1
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > INCR n
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > APPEND k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > EXPIRE k 10
        (integer) 0
        > CONFIG GET maxmemory
        1) "maxmemory"
        2) "1"
        > CONFIG SET maxmemory 0
        OK
        > SET k v
        OK
        "#,
    );
}

#[test]
fn a_refused_command_spoils_a_transaction() {
    transcript(
        r#"
        # flags --maxmemory 1
        # no-reload
        > MULTI
        OK
        > SET k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > GET k
        QUEUED
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        1) (nil)
        "#,
    );
}

#[test]
fn volatile_policies_need_a_key_with_an_expiry() {
    transcript(
        r#"
        # flags --maxmemory 1 --maxmemory-policy volatile-lru
        # no-reload
        > SET k v
        (error) OOM command not allowed when used memory > 'maxmemory'.
        > GET k
        (nil)
        "#,
    );
}
