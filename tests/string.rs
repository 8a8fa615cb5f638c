//! The string commands.

use crate::support::transcript;

#[test]
fn a_set_value_is_read_back() {
    transcript(
        "
        > SET k v EX 100
        OK
        > GETEX k PERSIST
        \"v\"
        > TTL k
        (integer) -1
        ",
    );
}
