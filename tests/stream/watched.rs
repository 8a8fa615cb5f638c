//! Which changes of a stream break a transaction that watches it: those of its entries, not those of its groups.

use crate::support::transcript;

/// Says a command between WATCH and EXEC of another connection; whether the transaction was broken.
fn assert_broken(is_broken: bool, before: &[&str], command: &str, reply: &str) {
    let mut text = String::from("# no-multi\n");
    for line in before {
        text += &format!("> {line}\n");
        text += if line.starts_with("XADD") {
            "~ *\n"
        } else {
            "OK\n"
        };
    }
    text += &format!(
        "2> WATCH s\nOK\n> {command}\n~ {reply}\n2> MULTI\nOK\n2> PING\nQUEUED\n2> EXEC\n"
    );
    text += if is_broken { "(nil)\n" } else { "1) PONG\n" };
    transcript(&text);
}

const STREAM: &[&str] = &["XADD s 1-1 a b", "XADD s 1-2 a b", "XGROUP CREATE s g 0"];

#[test]
fn entries_that_come_and_go_break_it() {
    for (command, reply) in [
        ("XADD s 1-3 a b", "*"),
        ("XDEL s 1-1", "*"),
        ("XTRIM s MAXLEN 1", "*"),
    ] {
        assert_broken(true, STREAM, command, reply);
    }
    assert_broken(true, &[], "XGROUP CREATE s g 0 MKSTREAM", "OK");
}

#[test]
fn what_happens_to_groups_does_not_break_it() {
    for (command, reply) in [
        ("XADD s 1-1 a b", "(error)*"),
        ("XDEL s 9-9", "*"),
        ("XTRIM s MAXLEN 5", "*"),
        ("XGROUP CREATE s h 0", "OK"),
        ("XGROUP SETID s g 0", "OK"),
        ("XGROUP CREATECONSUMER s g c", "*"),
        ("XGROUP DESTROY s g", "*"),
        ("XSETID s 5-5", "OK"),
        ("XCLAIM s g c 0 1-1 FORCE JUSTID", "*"),
        ("XACK s g 1-1", "*"),
    ] {
        assert_broken(false, STREAM, command, reply);
    }
}
