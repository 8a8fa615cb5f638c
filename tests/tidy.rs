//! The walls of the house, held by reading the sources.
//!
//! A new wall, part or exception is a row of a table here, with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::tools::root;

/// Whose sources may not name what.
///
/// A folder or file, the words that its code may not hold, and why.
const WALLS: &[(&str, &[&str], &str)] = &[
    (
        "protocol/src",
        &["storage::", "tokio", "std::net", "std::fs", "std::time"],
        "bytes in, bytes out",
    ),
    (
        "storage/src",
        &["tokio", "std::net", "keytag::"],
        "storage is synchronous and serves no socket",
    ),
    (
        "storage/src",
        &["SystemTime::now", "Instant::now"],
        "`now` is an argument: the clock belongs to the server",
    ),
    (
        "lua/src",
        &["storage::", "keytag::", "tokio", "std::fs", "std::net"],
        "words in, values out",
    ),
    (
        "server/src/commands",
        &["crate::session", "crate::net", "crate::exec", "tokio"],
        "a handler sees no socket, no session and no executor",
    ),
    (
        "server/src/commands",
        &["SystemTime::now", "Instant::now"],
        "time comes with the context",
    ),
    (
        "server/src/spec",
        &[
            "crate::command",
            "crate::exec",
            "crate::session",
            "crate::net",
        ],
        "a declaration is data",
    ),
    (
        "server/src/exec",
        &["crate::commands"],
        "the executor gets the command table as data",
    ),
    (
        "server/src/command",
        &["crate::commands", "crate::exec", "crate::net"],
        "what handlers stand on knows no handler",
    ),
];

/// What stands in `server/src`, beside the parts.
const FRAME: &[&str] = &[
    "chores.rs",
    "clock.rs",
    "command",
    "commands",
    "config",
    "cron.rs",
    "exec",
    "logging.rs",
    "main.rs",
    "net",
    "process.rs",
    "server.rs",
    "session.rs",
    "settings.rs",
    "spec",
    "stack.rs",
    "startup.rs",
];

/// The parts: each imports storage, protocol and spec, and no other part.
const PARTS: &[&str] = &[
    "acl",
    "clients",
    "evictor",
    "latency",
    "lazyfree",
    "memory",
    "migrate",
    "monitor",
    "notify",
    "persist",
    "pubsub",
    "rates",
    "replication",
    "script",
    "slowlog",
    "stats",
    "tracking",
    "transaction",
    "waiters",
];

/// A part that has to know another: file, what it imports, why.
const KNOWN_IMPORTS: &[(&str, &str, &str)] = &[
    (
        "server/src/clients.rs",
        "acl",
        "a connection has come in as a user",
    ),
    (
        "server/src/evictor.rs",
        "clients",
        "what connections hold is not the data's",
    ),
    (
        "server/src/evictor.rs",
        "lazyfree",
        "large values that are evicted are freed in the background",
    ),
    (
        "server/src/evictor.rs",
        "persist",
        "what is evicted is logged before anybody can see it gone",
    ),
    (
        "server/src/monitor.rs",
        "clients",
        "it shows commands to connections",
    ),
    (
        "server/src/persist/intake.rs",
        "script",
        "what becomes of libraries when a snapshot is loaded is said in their words",
    ),
    (
        "server/src/persist/reload.rs",
        "script",
        "what becomes of libraries when a snapshot is loaded is said in their words",
    ),
    (
        "server/src/persist/load.rs",
        "clients",
        "a replay speaks through a connection of its own",
    ),
    (
        "server/src/pubsub.rs",
        "clients",
        "who has subscribed is a connection",
    ),
    (
        "server/src/tracking.rs",
        "clients",
        "who keeps copies is a connection",
    ),
    (
        "server/src/tracking/prefixes.rs",
        "clients",
        "who keeps copies is a connection",
    ),
    (
        "server/src/transaction.rs",
        "acl",
        "what a connection knows of its user is its own",
    ),
    (
        "server/src/transaction.rs",
        "clients",
        "who watches a key is a connection",
    ),
    (
        "server/src/waiters.rs",
        "clients",
        "who waits for a key is a connection",
    ),
    (
        "server/src/transaction.rs",
        "persist",
        "what a connection's replies rest on are offsets of the log",
    ),
    (
        "server/src/waiters.rs",
        "persist",
        "so are those of what it is served",
    ),
];

/// Families of commands that have to know another, and why.
const KNOWN_FAMILIES: &[(&str, &str, &str)] = &[(
    "client",
    "connection",
    "CLIENT is of the connection group, and too long for its file",
)];

/// Where `unsafe` may stand.
const UNSAFE_FILES: &[&str] = &[
    "lua/src/lib.rs",
    "lua/src/push.rs",
    "lua/src/run.rs",
    "storage/src/entry/block.rs",
    "storage/src/heap.rs",
    "storage/src/heap/tests.rs",
    "storage/src/table.rs",
    "storage/src/memory.rs",
];

/// Dependencies that more than one crate names, and why.
const SHARED_DEPENDENCIES: &[(&str, &str)] = &[
    (
        "ahash",
        "keys are hashed with it, and the names of commands",
    ),
    (
        "bytes",
        "a value travels by reference from the table to the socket",
    ),
    (
        "parking_lot",
        "shards are locked in storage, registries in the server",
    ),
    (
        "mlua",
        "the interpreter: its handles in the server, its C API in lua",
    ),
    ("smallvec", "short lists without an allocation, in all"),
    ("fastrand", "sampling in storage, run ids in the server"),
];

struct Source {
    path: PathBuf,
    /// Relative to the root, with slashes.
    name: String,
    text: String,
}

impl Source {
    /// The lines of code with their numbers: no comments, nothing from the first test module on.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self
            .text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line));
        lines
            .take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn is_test(&self) -> bool {
        self.name.starts_with("tests/")
            || self.name.contains("/tests/")
            || self.name.ends_with("tests.rs")
    }

    /// The first names after `crate::`, grouped imports included.
    fn crate_names(&self) -> BTreeSet<String> {
        let code: String = self.code().flat_map(|(_, line)| [line, "\n"]).collect();
        let mut names = BTreeSet::new();
        for (at, word) in code.match_indices("crate::") {
            let rest = &code[at + word.len()..];
            match rest.strip_prefix('{') {
                Some(group) => names.extend(group_heads(group)),
                None => names.extend(head(rest)),
            }
        }
        names
    }
}

fn head(text: &str) -> Option<String> {
    let name: String = text
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut is_start = true;
    for (at, character) in group.char_indices() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => is_start = true,
            _ if is_start && !character.is_whitespace() => {
                heads.extend(head(&group[at..]));
                is_start = false;
            }
            _ => {}
        }
    }
    heads
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found
}

fn collect(path: &Path, found: &mut Vec<Source>) {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(path)
            .expect("a folder")
            .map(|entry| entry.expect("listed").path())
            .collect();
        entries.sort();
        entries.iter().for_each(|entry| collect(entry, found));
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let name = path
            .strip_prefix(root())
            .expect("inside")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(path).expect("readable");
        found.push(Source {
            path: path.to_owned(),
            name,
            text,
        });
    }
}

fn all_sources() -> Vec<Source> {
    ["protocol", "storage", "lua", "server", "tests", "benches"]
        .iter()
        .flat_map(|folder| sources(folder))
        .collect()
}

#[test]
fn the_walls_stand() {
    for (folder, words, reason) in WALLS {
        let sources = sources(folder);
        assert!(!sources.is_empty(), "{folder} is empty: its wall moved?");
        for source in sources.iter().filter(|source| !source.is_test()) {
            for (number, line) in source.code() {
                for word in *words {
                    assert!(
                        !line.contains(word),
                        "{}:{number} names {word}: {reason}\n{line}",
                        source.name
                    );
                }
            }
        }
    }
}

/// The name that a file or folder directly in `folder` has as a module.
fn module_of(source: &Source, folder: &str) -> String {
    let inner = source
        .path
        .strip_prefix(root().join(folder))
        .expect("inside");
    let first = inner
        .components()
        .next()
        .expect("a name")
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn parts_import_no_other_part() {
    let mut used = BTreeSet::new();
    for source in sources("server/src") {
        let own = module_of(&source, "server/src");
        if !PARTS.contains(&own.as_str()) {
            continue;
        }
        for name in source.crate_names() {
            let is_other_part = PARTS.contains(&name.as_str()) && name != own;
            let known = KNOWN_IMPORTS
                .iter()
                .find(|(file, import, _)| *file == source.name && *import == name);
            used.extend(known.map(|(file, import, _)| (*file, *import)));
            assert!(
                !is_other_part || known.is_some(),
                "{} imports the part {name}",
                source.name
            );
        }
    }
    for (file, import, reason) in KNOWN_IMPORTS {
        assert!(
            used.contains(&(*file, *import)),
            "{file} no longer imports {import} ({reason}): take the row away"
        );
    }
}

#[test]
fn commands_do_not_import_each_other() {
    let families: BTreeSet<String> = sources("server/src/commands")
        .iter()
        .map(|source| module_of(source, "server/src/commands"))
        .collect();
    for source in sources("server/src/commands") {
        let own = module_of(&source, "server/src/commands");
        if own == "mod" {
            continue;
        }
        for (number, line) in source.code() {
            for family in families
                .iter()
                .filter(|family| **family != own && *family != "mod")
            {
                let is_import = line.contains(&format!("commands::{family}::"))
                    || source.name.matches('/').count() == 3
                        && line.contains(&format!("super::{family}::"));
                let is_known = KNOWN_FAMILIES
                    .iter()
                    .any(|(from, to, _)| *from == own && to == family);
                assert!(
                    !is_import || is_known,
                    "{}:{number} imports the commands of {family}",
                    source.name
                );
            }
        }
    }
}

#[test]
fn what_stands_in_the_server_is_on_the_map() {
    for entry in fs::read_dir(root().join("server/src")).expect("the server") {
        let name = entry
            .expect("listed")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let is_known =
            FRAME.contains(&name.as_str()) || PARTS.contains(&name.trim_end_matches(".rs"));
        assert!(
            is_known,
            "server/src/{name} is neither a part nor of the frame: add a row"
        );
    }
}

#[test]
fn unsafe_stands_where_it_may_and_says_why() {
    for source in all_sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_unsafe = ["unsafe {", "unsafe impl", "unsafe fn", "unsafe extern"]
                .iter()
                .any(|word| code.contains(word));
            if !is_unsafe || code.contains('"') {
                continue;
            }
            let place = format!("{}:{}", source.name, index + 1);
            assert!(
                UNSAFE_FILES.contains(&source.name.as_str()),
                "{place}: no unsafe here"
            );
            let above = &lines[index.saturating_sub(12)..index];
            let is_explained = above
                .iter()
                .any(|line| line.contains("SAFETY:") || line.contains("# Safety"));
            assert!(is_explained, "{place}: a SAFETY comment is missing");
        }
    }
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    let forbidden = ["#[", "#!["].map(|start| format!("{start}{}(", "allow"));
    for source in all_sources() {
        for (number, line) in source.text.lines().enumerate() {
            let line = line.trim_start();
            assert!(
                !forbidden.iter().any(|word| line.starts_with(word)),
                "{}:{}: {line}",
                source.name,
                number + 1
            );
        }
    }
}

#[test]
fn names_say_what_a_thing_is() {
    const EMPTY: &[&str] = &[
        "Manager",
        "Helper",
        "Util",
        "Processor",
        "handle_it",
        "fn do_",
    ];
    for source in all_sources()
        .iter()
        .filter(|source| source.name != "tests/tidy.rs")
    {
        for (number, line) in source.code() {
            let is_declaration = ["struct ", "enum ", "trait ", "fn ", "mod ", "type "]
                .iter()
                .any(|word| line.contains(word));
            for word in EMPTY.iter().filter(|_| is_declaration) {
                assert!(
                    !line.contains(word),
                    "{}:{number}: {word} says nothing\n{line}",
                    source.name
                );
            }
        }
    }
}

#[test]
fn nothing_is_unwrapped_outside_of_tests() {
    for source in all_sources().iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code() {
            let is_unwrapped = line.contains(".unwrap()")
                || line.contains("todo!(")
                || line.contains("unimplemented!(");
            assert!(
                !is_unwrapped,
                "{}:{number}: say with `expect` why it holds\n{line}",
                source.name
            );
        }
    }
}

#[test]
fn a_dependency_is_named_by_one_crate() {
    let mut named_by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for manifest in [
        "Cargo.toml",
        "protocol/Cargo.toml",
        "storage/Cargo.toml",
        "lua/Cargo.toml",
    ] {
        let text = fs::read_to_string(root().join(manifest)).expect("a manifest");
        let section = text.split("\n[dependencies]\n").nth(1).unwrap_or_default();
        for line in section.lines().take_while(|line| !line.starts_with('[')) {
            if let Some((name, _)) = line
                .split_once('=')
                .filter(|(_, what)| !line.starts_with('#') && !what.contains("path ="))
            {
                named_by
                    .entry(name.trim().to_owned())
                    .or_default()
                    .push(manifest);
            }
        }
    }
    for (name, manifests) in &named_by {
        let is_shared = SHARED_DEPENDENCIES.iter().any(|(shared, _)| shared == name);
        assert!(
            manifests.len() == 1 || is_shared,
            "{name} is named by {manifests:?}"
        );
    }
    for (name, reason) in SHARED_DEPENDENCIES {
        let count = named_by.get(*name).map_or(0, Vec::len);
        assert!(
            count > 1,
            "{name} is named {count} times ({reason}): take the row away"
        );
    }
}

#[test]
fn imports_are_found_in_groups() {
    assert_eq!(group_heads("a::b, c::{d, e}, f};"), ["a", "c", "f"]);
    assert_eq!(head("clock::now()").as_deref(), Some("clock"));
}
