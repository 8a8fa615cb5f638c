//! `CONFIG SET`: all or nothing, in Redis' words.

use super::*;

const LIVE: Setting = Setting {
    origin: Origin::Local,
    is_loading: false,
};

/// Sets pairs; gives the reply, `OK` or an error.
fn reply(config: &Config, setting: Setting, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, text)| (name.as_bytes(), text.as_bytes()))
        .collect();
    match config.set(&pairs, setting, &mut |_| Ok(())) {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn failed(name: &str, reason: &str) -> String {
    format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
}

#[test]
fn several_pairs_change_together() {
    let config = Config::new();
    assert_eq!(
        reply(&config, LIVE, &[("timeout", "7"), ("MaxMemory", "1kb")]),
        "OK"
    );
    assert_eq!(config.get(options::TIMEOUT), 7);
    assert_eq!(config.get(options::MAXMEMORY), 1024);
}

#[test]
fn one_bad_value_leaves_all_as_they_were() {
    let config = Config::new();
    let pairs = [
        ("timeout", "7"),
        ("save", "1 1"),
        ("maxmemory", "zz"),
        ("hz", "x"),
    ];
    let refused = failed("maxmemory", "argument must be a memory value");
    assert_eq!(reply(&config, LIVE, &pairs), refused);
    assert_eq!(config.get(options::TIMEOUT), 0);
    assert_eq!(config.get(options::SAVE).len(), 3);
}

#[test]
fn the_first_bad_name_is_named_before_any_value() {
    const UNKNOWN: &str = "ERR Unknown option or number of arguments for CONFIG SET - ";
    const IMMUTABLE: &str = "can't set immutable config";
    let config = Config::new();
    let reply = |pairs: &[(&str, &str)]| reply(&config, LIVE, pairs);
    assert_eq!(
        reply(&[("timeout", "x"), ("nosuch", "1")]),
        format!("{UNKNOWN}'nosuch'")
    );
    assert_eq!(
        reply(&[("timeout", "1"), ("a", "1"), ("b", "2")]),
        format!("{UNKNOWN}'a'")
    );
    assert_eq!(reply(&[("no\0such", "1")]), format!("{UNKNOWN}'no'"));
    assert_eq!(reply(&[("", "")]), format!("{UNKNOWN}''"));
    assert_eq!(
        reply(&[("databases", "1"), ("nosuch", "2")]),
        failed("databases", IMMUTABLE)
    );
    assert_eq!(reply(&[("DataBases", "x")]), failed("DataBases", IMMUTABLE));
    assert_eq!(
        reply(&[("replicaof", "no one")]),
        failed("replicaof", IMMUTABLE)
    );
}

#[test]
fn a_name_may_appear_once_but_an_alias_beside_it() {
    let config = Config::new();
    let reply = |pairs: &[(&str, &str)]| reply(&config, LIVE, pairs);
    let twice = [("timeout", "1"), ("TIMEOUT", "2")];
    assert_eq!(reply(&twice), failed("TIMEOUT", "duplicate parameter"));
    assert_eq!(config.get(options::TIMEOUT), 0);
    assert_eq!(
        reply(&[("slave-priority", "1"), ("replica-priority", "2")]),
        "OK"
    );
    assert_eq!(config.get(options::REPLICA_PRIORITY), 2);
}

#[test]
fn a_refused_value_is_named_by_the_name_it_came_under() {
    const UNPARSED: &str = "argument couldn't be parsed into an integer";
    let config = Config::new();
    let reply = |pairs: &[(&str, &str)]| reply(&config, LIVE, pairs);
    assert_eq!(
        reply(&[("SLAVE-priority", "x")]),
        failed("slave-priority", UNPARSED)
    );
    assert_eq!(reply(&[("TimeOut", "x")]), failed("timeout", UNPARSED));
    let pairs = [("replica-priority", "1"), ("slave-priority", "x")];
    assert_eq!(reply(&pairs), failed("slave-priority", UNPARSED));
    assert_eq!(config.get(options::REPLICA_PRIORITY), 100);
}

#[test]
fn protected_options_need_enable_protected_configs() {
    let config = Config::new();
    let refused = failed("dbfilename", "can't set protected config");
    let remote = Setting {
        origin: Origin::Remote,
        ..LIVE
    };
    assert_eq!(reply(&config, LIVE, &[("dbfilename", "x")]), refused);
    config.put(options::ENABLE_PROTECTED_CONFIGS, "local");
    assert_eq!(reply(&config, LIVE, &[("dbfilename", "x")]), "OK");
    assert_eq!(reply(&config, remote, &[("dbfilename", "y")]), refused);
    config.put(options::ENABLE_PROTECTED_CONFIGS, "yes");
    assert_eq!(reply(&config, remote, &[("dbfilename", "y")]), "OK");
    assert_eq!(config.text(options::DBFILENAME), "y");
}

#[test]
fn some_options_wait_until_data_is_loaded() {
    const LOADING: &str = "LOADING Redis is loading the dataset in memory";
    let config = Config::new();
    let loading = Setting {
        is_loading: true,
        ..LIVE
    };
    assert_eq!(reply(&config, loading, &[("appendonly", "yes")]), LOADING);
    assert_eq!(
        reply(&config, loading, &[("timeout", "x"), ("appendonly", "x")]),
        LOADING
    );
    assert_eq!(reply(&config, loading, &[("timeout", "1")]), "OK");
    let unknown = reply(&config, loading, &[("nosuch", "x"), ("appendonly", "x")]);
    assert!(unknown.starts_with("ERR Unknown option"));
}

#[test]
fn the_directory_is_entered_and_refused_in_the_systems_words() {
    let config = Config::new();
    config.put(options::ENABLE_PROTECTED_CONFIGS, "yes");
    let here = std::env::current_dir().unwrap();
    let reply = |text| reply(&config, LIVE, &[("dir", text)]);
    assert_eq!(reply("/nosuch"), failed("dir", "No such file or directory"));
    assert_eq!(reply(""), failed("dir", "No such file or directory"));
    assert_eq!(reply("/dev/null"), failed("dir", "Not a directory"));
    assert_eq!(reply("."), "OK");
    assert_eq!(config.path(options::DIR), here);
}

#[test]
fn only_what_changed_is_applied() {
    let config = Config::new();
    let mut applied = Vec::new();
    let pairs: [(&[u8], &[u8]); 3] = [(b"timeout", b"0"), (b"hz", b"20"), (b"port", b"1")];
    let changed = config.set(&pairs, LIVE, &mut |ids| {
        applied.extend_from_slice(ids);
        Ok(())
    });
    assert_eq!(applied, [options::HZ.id, options::PORT.id]);
    assert_eq!(changed, Ok(applied));
    let same: [(&[u8], &[u8]); 1] = [(b"hz", b"20")];
    let nothing = config.set(&same, LIVE, &mut |_| panic!("nothing changed"));
    assert_eq!(nothing, Ok(Vec::new()));
}

#[test]
fn what_cannot_be_applied_is_rolled_back() {
    let config = Config::new();
    let pairs: [(&[u8], &[u8]); 3] = [
        (b"slave-priority", b"3"),
        (b"replica-priority", b"4"),
        (b"save", b""),
    ];
    let result = config.set(&pairs, LIVE, &mut |_| {
        assert_eq!(config.get(options::REPLICA_PRIORITY), 4);
        Err((options::SAVE.id, "Not today".to_owned()))
    });
    assert_eq!(result.unwrap_err().to_string(), failed("save", "Not today"));
    assert_eq!(config.get(options::REPLICA_PRIORITY), 100);
    assert_eq!(config.get(options::SAVE).len(), 3);
}

#[test]
fn names_are_matched_by_pattern_or_looked_up() {
    let config = Config::new();
    let names = |patterns: &[&str]| {
        let patterns: Vec<_> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        let found = config.matching(&patterns);
        found
            .into_iter()
            .map(|(name, _)| String::from_utf8(name).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&["*VE-PRIO*"]), ["slave-priority"]);
    assert_eq!(names(&["TIMEOUT", "tim*"]), ["TIMEOUT"]);
    assert_eq!(
        names(&["slave-priority", "replica-priority"]),
        ["slave-priority", "replica-priority"]
    );
    assert_eq!(names(&["nosuch", "", "\\*"]), Vec::<String>::new());
    assert_eq!(names(&["key-load-delay"]), ["key-load-delay"]);
    assert_eq!(names(&["key-load-*"]), Vec::<String>::new());
    assert_eq!(names(&["*", "maxmemory"]).len(), names(&["*"]).len());
    assert!(names(&["*"]).len() > 200);
}
