//! Command lines, as Redis 7.4.1 reads them.

use std::fs;

use super::*;
use crate::config::options;

/// Starts with arguments; gives an option as it is printed, or the complaint.
fn start(args: &[&str], name: &str) -> String {
    let args = std::iter::once("keytag-server").chain(args.iter().copied());
    match from_command_line(args.map(OsString::from).collect()) {
        Ok(Startup::Run(config)) => {
            let id = options::find(name.as_bytes()).unwrap().id;
            String::from_utf8(config.printed(id)).unwrap()
        }
        Ok(Startup::Print { text, .. }) => text,
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
fn the_applications_line_is_understood() {
    let args = [
        "--appendonly",
        "yes",
        "--maxmemory",
        "256mb",
        "--maxmemory-policy",
        "allkeys-lru",
    ];
    assert_eq!(start(&args, "appendonly"), "yes");
    assert_eq!(start(&args, "maxmemory"), "268435456");
    assert_eq!(start(&args, "maxmemory-policy"), "allkeys-lru");
}

#[test]
fn values_follow_their_option_together_or_apart() {
    for (args, name, shown) in [
        (
            &["--save", "900", "1", "300", "10"][..],
            "save",
            "900 1 300 10",
        ),
        (&["--save", "900 1"], "save", "900 1"),
        (
            &["--save", "900", "1", "--save", "300", "10"],
            "save",
            "900 1 300 10",
        ),
        (&["--save 900 1 300", "10"], "save", "900 1 300 10"),
        (&["--save", ""], "save", ""),
        (&["--save"], "save", ""),
        (&["--SAVE", "--hz", "8"], "save", ""),
        (&["--save", "--hz", "8"], "hz", "8"),
        (&["-- save", "1", "2"], "save", "1 2"),
        (&["--", "hz", "9"], "hz", "9"),
        (
            &["--maxmemory 700mb", "--hz", "7"],
            "maxmemory",
            "734003200",
        ),
        (&["--maxmemory 700mb", "--hz", "7"], "hz", "7"),
        (&["--HZ", "11", "--Hz", "12"], "hz", "12"),
        (
            &["--proc-title-template", "--my--title"],
            "proc-title-template",
            "--my--title",
        ),
        (
            &["--proc-title-template", "-x"],
            "proc-title-template",
            "-x",
        ),
        (&["--dbfilename", "a b"], "dbfilename", "a b"),
        (&["--dbfilename", "\"a b\""], "dbfilename", "\"a b\""),
        (&["--dbfilename", "a'b"], "dbfilename", "a'b"),
        (&["--dbfilename", "a\nb"], "dbfilename", "a\nb"),
        (&["--dbfilename \"a b\""], "dbfilename", "a b"),
        (&["--dbfilename", "-", "--hz", "5"], "dbfilename", "-"),
        (&["--bind", "127.0.0.1", "-::1"], "bind", "127.0.0.1 -::1"),
        (&["--bind 127.0.0.1 -::1"], "bind", "127.0.0.1 -::1"),
        (&["--io-threads", "1"], "io-threads", "1"),
    ] {
        assert_eq!(start(args, name), shown, "{args:?}");
    }
}

#[test]
fn complaints_count_the_lines_that_flags_become() {
    const DIRECTIVE: &str = "Bad directive or wrong number of arguments";
    const COUNT: &str = "wrong number of arguments";
    const QUOTES: &str = "Unbalanced quotes in configuration line";
    for (args, line_number, line, reason) in [
        (&["--nosuch", "1"][..], 2, "nosuch \"1\"", DIRECTIVE),
        (&["--hz", "9", "--foo"], 3, "foo", DIRECTIVE),
        (&["---"], 2, "-", DIRECTIVE),
        (&["-x"], 2, "\"-x\"", DIRECTIVE),
        (&["--hz=5"], 2, "hz=5", DIRECTIVE),
        (&["--", "--port", "1"], 2, "\"--port\" \"1\"", DIRECTIVE),
        (&["--port"], 2, "port", COUNT),
        (&["--port", "1", "2"], 2, "port \"1\" \"2\"", COUNT),
        (&["--hz", "9", "-v"], 2, "hz \"9\" \"-v\"", COUNT),
        (&["--hz", "9", "--version"], 3, "version", DIRECTIVE),
        (
            &["--dir", "--save", "", "--hz", "8"],
            2,
            "dir \"--save\" \"\"",
            COUNT,
        ),
        (
            &["--maxmemory 700mb", "5"],
            2,
            "maxmemory 700mb \"5\"",
            COUNT,
        ),
        (&["--\"port"], 2, "\"port", QUOTES),
        (&["--port '1"], 2, "port '1", QUOTES),
        (
            &["--save", "900"],
            2,
            "save \"900\"",
            "Invalid save parameters",
        ),
        (
            &["--save ", "--hz", "7"],
            2,
            "save  \"--hz\" \"7\"",
            "Invalid save parameters",
        ),
        (
            &["--maxmemory", "abc"],
            2,
            "maxmemory \"abc\"",
            "argument must be a memory value",
        ),
    ] {
        assert_eq!(
            start(args, "hz"),
            complaint(line_number, line, reason),
            "{args:?}"
        );
    }
}

#[test]
fn flags_win_over_the_file_and_follow_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("redis.conf").display().to_string();
    fs::write(&path, "hz 5\ntimeout 3\nsave 9 9").unwrap();
    assert_eq!(start(&[&path], "hz"), "5");
    assert_eq!(start(&[&path, "--hz", "6"], "hz"), "6");
    assert_eq!(start(&[&path, "--hz", "6"], "timeout"), "3");
    assert_eq!(start(&[&path, "--save", "1", "1"], "save"), "9 9 1 1");
    let reason = "argument couldn't be parsed into an integer";
    assert_eq!(
        start(&[&path, "--hz", "x"], "hz"),
        complaint(4, "hz \"x\"", reason)
    );
    let gone = dir.path().join("gone").display().to_string();
    assert_eq!(
        start(&[&gone], "hz"),
        format!("Fatal error, can't open config file '{gone}': No such file or directory\n")
    );
    // A directory reads as an empty file.
    assert_eq!(start(&[&dir.path().display().to_string()], "hz"), "10");
}

#[test]
fn a_dash_reads_standard_input_at_the_beginning_and_at_the_end() {
    let plan = |args: &[&str]| {
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        Plan::of(&args)
    };
    assert!(plan(&["-"]).reads_standard_input);
    assert!(plan(&["-", "--hz", "1"]).reads_standard_input);
    assert!(plan(&["--hz", "1", "-"]).reads_standard_input);
    assert!(plan(&["a.conf", "-"]).reads_standard_input);
    let middle = plan(&["--hz", "1", "-", "--port", "2"]);
    assert!(!middle.reads_standard_input);
    assert_eq!(middle.lines, b"hz \"1\" \"-\" \nport \"2\" ");
    // Even where an option waits for its value.
    let last = plan(&["--dbfilename", "-"]);
    assert!(last.reads_standard_input);
    assert_eq!(last.lines, b"dbfilename ");
}

#[test]
fn the_file_is_known_from_the_root() {
    let here = std::env::current_dir().unwrap();
    assert_eq!(absolute(b"/etc/redis.conf"), Path::new("/etc/redis.conf"));
    assert_eq!(absolute(b"redis.conf"), here.join("redis.conf"));
    assert_eq!(
        absolute(b"../redis.conf"),
        here.parent().unwrap().join("redis.conf")
    );
}

#[test]
fn the_version_is_what_libraries_look_for() {
    let line = start(&["--version"], "hz");
    assert_eq!(line, start(&["-v", "x"], "hz"));
    assert!(line.starts_with("Redis server v=7.4.1 sha="), "{line}");
    let build = line.trim_end().rsplit_once(" bits=64 build=").unwrap().1;
    assert!(build.len() == 16 && build.bytes().all(|digit| digit.is_ascii_hexdigit()));
}

#[test]
fn the_help_is_a_refusal_that_names_the_program() {
    let args = ["/usr/bin/redis-server", "--help"]
        .map(OsString::from)
        .to_vec();
    let error = from_command_line(args).unwrap_err().to_string();
    assert!(
        error.contains("redis-server [/path/to/redis.conf] [--option value …] [-]"),
        "{error}"
    );
    assert!(
        error.contains("--version") && error.contains("--check-system"),
        "{error}"
    );
    assert!(start(&["--test-memory", "5"], "hz").contains("no memory test"));
}

#[test]
fn no_arguments_are_all_defaults() {
    assert_eq!(start(&[], "port"), "6379");
    assert!(matches!(from_command_line(Vec::new()), Ok(Startup::Run(_))));
}

/// Whatever is typed, the answer is a server or a complaint.
#[test]
fn nothing_typed_panics() {
    let words = [
        "--", "-", "--save", "--hz", "5", "", "\"", "--\"a", "--hz 5", "' '", "\u{e9}", "--x",
    ];
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..2_000 {
        let count = random.usize(0..6);
        let mut args: Vec<&str> = (0..count)
            .map(|_| words[random.usize(..words.len())])
            .collect();
        // Standard input is not the test's to read.
        args.retain(|arg| *arg != "-");
        println!("seed {seed}: {args:?}");
        start(&args, "hz");
    }
}
