use super::*;
use crate::acl::catalogue::Catalogue;
use crate::command::{Args, Command, Ctx, Outcome, Result, Table};
use crate::spec::{Keys, Spec, acl, flags, key_flags};

fn nothing(_: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    Ok(Outcome::Done)
}

const GET: Command = Spec {
    name: "GET",
    usage: "key",
    flags: flags!(READONLY | FAST),
    acl: acl!(STRING),
    keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
    ..Spec::EMPTY
}
.run(nothing);
const SET: Command = Spec {
    name: "SET",
    usage: "key value",
    flags: flags!(WRITE),
    acl: acl!(STRING),
    keys: &[Keys::at(1, key_flags!(OW | UPDATE))],
    ..Spec::EMPTY
}
.run(nothing);
const EXISTS: Command = Spec {
    name: "EXISTS",
    usage: "key...",
    flags: flags!(READONLY | FAST),
    keys: &[Keys::rest(1, 1, key_flags!(RO))],
    ..Spec::EMPTY
}
.run(nothing);
const SELECT: Command = Spec {
    name: "SELECT",
    usage: "index",
    acl: acl!(CONNECTION),
    ..Spec::EMPTY
}
.run(nothing);
const AUTH: Command = Spec {
    name: "AUTH",
    usage: "password",
    flags: flags!(NO_AUTH),
    ..Spec::EMPTY
}
.run(nothing);
const PUBLISH: Command = Spec {
    name: "PUBLISH",
    usage: "channel message",
    flags: flags!(PUBSUB),
    ..Spec::EMPTY
}
.run(nothing);
const PSUBSCRIBE: Command = Spec {
    name: "PSUBSCRIBE",
    usage: "pattern...",
    flags: flags!(PUBSUB),
    ..Spec::EMPTY
}
.run(nothing);
const CONFIG: Command = Spec {
    name: "CONFIG",
    ..Spec::EMPTY
}
.container(&[
    Spec {
        name: "GET",
        flags: flags!(ADMIN),
        ..Spec::EMPTY
    }
    .run(nothing),
    Spec {
        name: "HELP",
        ..Spec::EMPTY
    }
    .run(nothing),
]);

fn table() -> Table {
    Table::new(&[&[GET, SET, EXISTS, SELECT, AUTH, PUBLISH, PSUBSCRIBE, CONFIG]])
}

/// What is said of a user that these words make of a new one, or why they are refused.
fn described(words: &str) -> std::result::Result<String, String> {
    let catalogue = Catalogue::new(&table());
    made(&catalogue, words).map(|rules| String::from_utf8(rules.describe()).expect("ASCII"))
}

fn made(catalogue: &Catalogue, words: &str) -> std::result::Result<Rules, String> {
    let basis = Basis {
        catalogue,
        gives_all_channels: false,
    };
    let mut rules = Rules::new(&basis);
    let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    let applied = rules.apply_all(&words, &basis);
    applied.map_err(|error| match error {
        SetError::Unmatched(word) => format!("unmatched {}", String::from_utf8_lossy(&word)),
        SetError::Rule(rule, error) => format!("{}: {error}", String::from_utf8_lossy(&rule)),
    })?;
    Ok(rules)
}

/// Whether a user of these words may make a request; what it may not otherwise.
fn may(words: &str, request: &str) -> std::result::Result<(), Denied> {
    let table = table();
    let rules = made(&Catalogue::new(&table), words).expect("rules");
    let request = split_line(request.as_bytes()).expect("balanced quotes");
    let args = request.args();
    let mut entry = table.find(args.get(0).expect("a name")).expect("known");
    if let Some(sub) = args
        .get(1)
        .and_then(|sub| entry.subcommands.get(std::str::from_utf8(sub).ok()?))
    {
        entry = sub;
    }
    rules.check(entry, &args)
}

fn denied(reason: crate::acl::Reason, index: usize) -> std::result::Result<(), Denied> {
    Err(Denied { reason, index })
}

#[test]
fn rules_are_printed_in_their_shortest_form() {
    let base = "off sanitize-payload resetchannels";
    for (words, commands) in [
        ("+get", "-@all +get"),
        ("+GET -get", "-@all -get"),
        ("+@all -get +get", "+@all +get"),
        ("+config|get +config|help +config", "-@all +config"),
        ("+config -config|get", "-@all +config -config|get"),
        ("+config|get -config", "-@all -config"),
        ("+select|0 +select|1 +SELECT|0", "-@all +select|1 +select|0"),
        ("+select|0 +@connection", "-@all +select|0 +@connection"),
        ("+@string -@string -@all", "-@all"),
        ("+get -@ALL +set", "-@all +set"),
    ] {
        assert_eq!(
            described(words),
            Ok(format!("{base} {commands}")),
            "{words}"
        );
    }
    assert_eq!(
        described("on >x %R~a %w~a %W~b ~c ~c &d &d (~e +get ) ( (+get)"),
        Err("( (+get): Syntax error".to_owned())
    );
    assert_eq!(
        described("on nopass %R~a %w~a %W~b ~c ~c &d &d (~e +get ) (&* ~*)").as_deref(),
        Ok(
            "on nopass sanitize-payload ~a %W~b ~c resetchannels &d -@all (~e resetchannels -@all +get) (~* &* -@all)"
        )
    );
}

#[test]
fn what_is_no_rule_changes_nothing() {
    let catalogue = Catalogue::new(&table());
    let basis = Basis {
        catalogue: &catalogue,
        gives_all_channels: true,
    };
    let mut rules = made(&catalogue, "on >x ~a +get (~b +set)").expect("rules");
    let before = rules.describe();
    for rule in [
        "x",
        "+",
        "-",
        "+@",
        "+nosuch",
        "-get|x",
        "+get|",
        "+config|",
        "+config|no",
        "+config|get|x",
        "%~x",
        "%x",
        "%RR~x",
        "~a b",
        "&a b",
        "+select|a b",
        "#x",
        "!x",
        "<y",
        "(x)",
        "(~* ~x)",
        ")",
        "(on)",
        "(~a) x",
        "\0",
        "~\0",
        "%",
    ] {
        assert!(rules.apply(rule.as_bytes(), &basis).is_err(), "{rule:?}");
        assert_eq!(rules.describe(), before, "{rule:?}");
    }
}

#[test]
fn a_selector_begins_and_ends_with_words_of_its_own() {
    assert_eq!(described("(+get ~x"), Err("unmatched (+get".to_owned()));
    assert_eq!(described("on (a)b c"), Err("unmatched (a)b".to_owned()));
    assert_eq!(described("a (b"), Err("unmatched (b".to_owned()));
    assert_eq!(
        described("(+get on)"),
        Err("(+get on): Syntax error".to_owned())
    );
}

#[test]
fn a_password_is_its_hash() {
    let catalogue = Catalogue::new(&table());
    let empty = "#e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(described("on >"), described(&format!("on {empty}")));
    let two = made(&catalogue, "on >a >b >a").expect("rules");
    assert_eq!(two.passwords().len(), 2);
    assert!(two.admits(b"a") && two.admits(b"b"));
    for wrong in [&b""[..], b"c", b"A", b"ab", b"a\0"] {
        assert!(!two.admits(wrong), "{wrong:?}");
    }
    assert!(!made(&catalogue, "off nopass").expect("rules").admits(b"a"));
    assert!(!made(&catalogue, "on").expect("rules").admits(b""));
    assert!(made(&catalogue, "on nopass").expect("rules").admits(b"?"));
}

#[test]
fn commands_are_allowed_by_name_category_and_first_word() {
    use crate::acl::Reason::Command;
    assert_eq!(may("allkeys", "auth x"), Ok(()));
    assert_eq!(may("allkeys", "get k"), denied(Command, 0));
    assert_eq!(may("allkeys +@read", "get k"), Ok(()));
    assert_eq!(may("allkeys +@read -@fast", "get k"), denied(Command, 0));
    assert_eq!(may("+config -config|get", "config help"), Ok(()));
    assert_eq!(may("+config -config|get", "config get"), denied(Command, 0));
    assert_eq!(may("+@admin", "config get"), Ok(()));
    assert_eq!(may("+@admin", "config help"), denied(Command, 0));
    assert_eq!(may("+select|a", "select A"), Ok(()));
    assert_eq!(may("+select|a", "select b"), denied(Command, 0));
    assert_eq!(may("+select|a", "select"), denied(Command, 0));
    assert_eq!(may("+select|a -select", "select a"), denied(Command, 0));
}

#[test]
fn keys_are_read_and_written_separately() {
    use crate::acl::Reason::Key;
    assert_eq!(may("+@all %R~a*", "get ab"), Ok(()));
    assert_eq!(may("+@all %R~a*", "set ab 1"), denied(Key, 1));
    assert_eq!(may("+@all %W~a*", "get ab"), denied(Key, 1));
    assert_eq!(may("+@all %W~a*", "set ab 1"), Ok(()));
    assert_eq!(may("+@all %W~a* %R~b", "exists ab b"), Ok(()));
    assert_eq!(may("+@all %W~a* %R~b", "exists ab b c d"), denied(Key, 3));
    // Two patterns do not add up.
    assert_eq!(may("+@all ~*", "get \"\""), Ok(()));
    assert_eq!(may("+@all %R~*", "get \"\""), denied(Key, 1));
    assert_eq!(may("+@all %R~", "get \"\""), Ok(()));
}

#[test]
fn one_selector_must_allow_all_of_a_request() {
    use crate::acl::Reason::{Channel, Command, Key};
    let two = "(~a +get) (~b +set)";
    assert_eq!(may(two, "get a"), Ok(()));
    assert_eq!(may(two, "get b"), denied(Key, 1));
    assert_eq!(may(two, "select 0"), denied(Command, 0));
    // The last key that some selector did not allow.
    assert_eq!(
        may("(~a +exists) (~b +exists)", "exists a b"),
        denied(Key, 2)
    );
    assert_eq!(
        may("(~b +exists) (~a +exists)", "exists a b"),
        denied(Key, 2)
    );
    assert_eq!(may("&a* +@all", "publish ab x"), Ok(()));
    assert_eq!(may("&a* +@all", "publish b x"), denied(Channel, 1));
    assert_eq!(may("&a* +@all", "psubscribe a*"), Ok(()));
    assert_eq!(may("&a* +@all", "psubscribe a* ab"), denied(Channel, 2));
    assert_eq!(may("allchannels +@all", "psubscribe a* ab"), Ok(()));
}

#[test]
fn who_may_do_everything_is_told_at_once() {
    let catalogue = Catalogue::new(&table());
    let is_unrestricted = |words| made(&catalogue, words).expect("rules").is_unrestricted();
    assert!(is_unrestricted("+@all ~* &*"));
    assert!(is_unrestricted("+@all ~* &* -get +get"));
    assert!(is_unrestricted("(+@all ~* &*)"));
    for restricted in [
        "+@all ~* &* -get",
        "+@all ~*",
        "+@all &*",
        "~* &*",
        "+@all %RW~a &*",
    ] {
        assert!(!is_unrestricted(restricted), "{restricted}");
    }
}
