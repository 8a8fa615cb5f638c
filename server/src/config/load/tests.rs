//! Configuration files, as Redis 7.4.1 reads them.

use std::fs;

use super::*;

/// Loads a text; gives an option as it is printed, or the complaint.
fn load(text: &str, name: &str) -> String {
    let config = Config::new();
    let mut loader = Loader::new(&config);
    let result = loader.load(text.as_bytes()).and_then(|()| loader.finish());
    match result {
        Ok(_) => {
            let id = options::find(name.as_bytes()).unwrap().id;
            String::from_utf8(config.printed(id)).unwrap()
        }
        Err(error) => error.to_string(),
    }
}

fn complaint(line_number: usize, line: &str, reason: &str) -> String {
    format!(
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.4.1) ***\n\
         Reading the configuration file, at line {line_number}\n>>> '{line}'\n{reason}\n"
    )
}

#[test]
fn later_lines_win_and_comments_do_nothing() {
    let text = " \t HZ   9  \r\n#hz 3\n  # hz 4\n\n\"hz\" '8'";
    assert_eq!(load(text, "hz"), "8");
    assert_eq!(load("", "hz"), "10");
    assert_eq!(
        load("dbfilename \"a\\x41\\n\\\"b\"", "dbfilename"),
        "aA\n\"b"
    );
    assert_eq!(load("dbfilename a'b'", "dbfilename"), "ab");
}

#[test]
fn a_bad_line_is_shown_with_its_number_and_the_reason() {
    const DIRECTIVE: &str = "Bad directive or wrong number of arguments";
    const COUNT: &str = "wrong number of arguments";
    const QUOTES: &str = "Unbalanced quotes in configuration line";
    for (line, reason) in [
        ("foo bar baz", DIRECTIVE),
        ("\"\"", DIRECTIVE),
        ("include", DIRECTIVE),
        ("include a b", DIRECTIVE),
        ("user", DIRECTIVE),
        ("loadmodule", DIRECTIVE),
        ("rename-command a", DIRECTIVE),
        ("rename-command a b c", DIRECTIVE),
        ("list-max-ziplist-value 1 2", DIRECTIVE),
        ("sentinel monitor", DIRECTIVE),
        ("port", COUNT),
        ("port 1 2", COUNT),
        ("hz 9 # trailing", COUNT),
        ("notify-keyspace-events K E", COUNT),
        ("replicaof a 1 2", COUNT),
        ("dbfilename a\"b", QUOTES),
        ("hz \"9\"x", QUOTES),
        ("port \"\"", "argument couldn't be parsed into an integer"),
        ("dir /nosuch", "No such file or directory"),
        (
            "io-threads 129",
            "argument must be between 1 and 128 inclusive",
        ),
        (
            "client-output-buffer-limit \"\"",
            "Wrong number of arguments in buffer limit configuration.",
        ),
    ] {
        assert_eq!(load(line, "hz"), complaint(1, line, reason));
        let text = format!("\n# x\n\t{line} \r\nhz x");
        assert_eq!(load(&text, "hz"), complaint(3, line, reason));
    }
}

#[test]
fn save_lines_add_up_once_the_default_is_gone() {
    for (text, points) in [
        ("\n", "3600 1 300 100 60 10000"),
        ("save 900 1\nsave 300 10", "900 1 300 10"),
        ("save \"900 1 300 10\"", "900 1 300 10"),
        ("save 900 1\nsave 900 1", "900 1 900 1"),
        ("save 900 1\nsave \"\"\nsave 300 10", "300 10"),
        ("save ''", ""),
        ("save", ""),
        ("save \" \"", ""),
        ("save \"900 1 300 10\"\nsave \"\"", ""),
    ] {
        assert_eq!(load(text, "save"), points, "{text}");
    }
}

#[test]
fn one_quoted_argument_may_hold_several() {
    for (text, name, shown) in [
        ("bind \"127.0.0.1 ::1\"", "bind", "127.0.0.1 ::1"),
        ("bind 127.0.0.1 ::1", "bind", "127.0.0.1 ::1"),
        ("bind", "bind", ""),
        (
            "shutdown-on-sigint \"save now\"",
            "shutdown-on-sigint",
            "save now",
        ),
        (
            "oom-score-adj-values \"1 2 3\"",
            "oom-score-adj-values",
            "1 2 3",
        ),
        ("replicaof \"a 1\"", "slaveof", "a 1"),
        ("replicaof a 1\nreplicaof no one", "replicaof", ""),
        (
            "client-output-buffer-limit normal 1 2 3\nclient-output-buffer-limit \"pubsub 4 5 6\"",
            "client-output-buffer-limit",
            "normal 1 2 3 slave 268435456 67108864 60 pubsub 4 5 6",
        ),
        (
            "latency-tracking-info-percentiles",
            "latency-tracking-info-percentiles",
            "",
        ),
    ] {
        assert_eq!(load(text, name), shown, "{text}");
    }
}

#[test]
fn directives_that_are_no_options_are_kept_with_their_place() {
    let mut config = Config::new();
    let mut loader = Loader::new(&config);
    let text = "rename-command GET g\n\nuser alice on >x\nrename-command KEYS \"\"";
    loader.load(text.as_bytes()).unwrap();
    config.directives = loader.finish().unwrap();
    let found = config.directives();
    assert_eq!(found.renames[1].arguments, [&b"KEYS"[..], b""]);
    assert_eq!(found.users[0].arguments, [&b"alice"[..], b"on", b">x"]);
    assert_eq!(found.renames[0].arguments, [&b"GET"[..], b"g"]);
    let error = StartupError::at(&found.renames[1], "No such command in rename-command");
    let shown = complaint(
        4,
        "rename-command KEYS \"\"",
        "No such command in rename-command",
    );
    assert_eq!(error.to_string(), shown);
}

#[test]
fn a_module_is_refused_when_all_else_is_read() {
    let refused = "Can't load module from /x: server aborting\n";
    assert_eq!(load("loadmodule /x a\nloadmodule /y\nhz 5", "hz"), refused);
    assert!(load("loadmodule /x\nhz x", "hz").contains("at line 2"));
}

#[test]
fn lines_of_older_versions_are_skipped() {
    let text = "list-max-ziplist-entries 1\nlist-max-ziplist-value 1\nlua-replicate-commands yes";
    assert_eq!(load(text, "hz"), "10");
}

#[test]
fn a_cluster_node_is_told_its_primary_otherwise() {
    let shown = load("cluster-enabled yes\nslaveof a 1", "hz");
    assert_eq!(
        shown,
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.4.1) ***\n\
         replicaof directive not allowed in cluster mode\n"
    );
}

#[test]
fn files_include_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    fs::write(path("a.conf"), "hz 20\nsave 5 5").unwrap();
    fs::write(path("b.conf"), "timeout 4\nsave 6 6").unwrap();
    fs::write(path("bad"), "\nhz x").unwrap();
    fs::write(path("self"), format!("include {}", path("self"))).unwrap();
    let one = format!("include {}", path("a.conf"));
    let all = format!("include \"{}\"", path("*.conf"));
    assert_eq!(load(&format!("hz 5\n{one}"), "hz"), "20");
    assert_eq!(load(&format!("{one}\nhz 5"), "hz"), "5");
    assert_eq!(load(&all, "timeout"), "4");
    assert_eq!(load(&all, "save"), "5 5 6 6");
    assert_eq!(load(&format!("include {}", path("none*")), "hz"), "10");
    assert_eq!(load(&format!("include {}", path("")), "hz"), "10");
    let reason = "argument couldn't be parsed into an integer";
    let bad = load(&format!("timeout 1\n\n\ninclude {}", path("bad")), "hz");
    assert_eq!(bad, complaint(2, "hz x", reason));
    let gone = load(&format!("include {}", path("gone")), "hz");
    let text = format!("Fatal error, can't open config file '{}'", path("gone"));
    assert_eq!(gone, format!("{text}: No such file or directory\n"));
    assert!(load(&format!("include {}", path("self")), "hz").contains("Too many levels"));
}

#[test]
fn save_lines_after_an_include_replace_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.conf");
    fs::write(&file, "save 5 5").unwrap();
    let one = format!("include {}", file.display());
    let none = format!("include {}/none*", dir.path().display());
    assert_eq!(load(&format!("save 1 1\n{one}"), "save"), "1 1 5 5");
    assert_eq!(load(&format!("{one}\nsave 1 1\nsave 2 2"), "save"), "2 2");
    assert_eq!(load(&format!("{one}\n{one}"), "save"), "5 5 5 5");
    assert_eq!(load(&format!("save 1 1\n{none}\nsave 2 2"), "save"), "2 2");
}

#[test]
fn a_nul_hides_the_rest_of_its_line() {
    assert_eq!(cut_at_nuls(b"hz 9\0 x\nhz 8\n".to_vec()), b"hz 9hz 8\n");
    assert_eq!(cut_at_nuls(b"a\nb".to_vec()), b"a\nb");
}
