//! `COMMAND`: what the server says about its own commands, all of it read from their specs.

mod docs;
mod info;

use storage::glob::{self, Case};

use crate::command::table::Entry;
use crate::command::{Args, Command, Ctx, Error, Outcome, Result, Table, Words};
use crate::spec::{Acl, Group, KeyError, KeyPositions, Spec, acl, flags};

/// `COMMAND` and its subcommands.
pub(super) const COMMANDS: &[Command] = &[COMMAND];

const BASE: Spec = Spec {
    group: Group::Server,
    acl: acl!(CONNECTION),
    ..Spec::EMPTY
};

const COMMAND: Command = Spec {
    name: "COMMAND",
    usage: "arity -1;",
    summary: "Returns detailed information about all commands.",
    since: "2.8.13",
    complexity: "O(N) where N is the total number of Redis commands",
    flags: flags!(LOADING | STALE),
    tips: &["nondeterministic_output_order"],
    ..BASE
}
.run_with(
    command,
    &[COUNT, DOCS, GETKEYS, GETKEYSANDFLAGS, HELP, INFO, LIST],
);
fn command(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let commands = &cx.server.commands;
    let out = cx.reply.array(commands.iter().len());
    in_order(commands.iter()).for_each(|entry| info::write(out, entry));
    Ok(Outcome::Done)
}

const COUNT: Command = Spec {
    name: "COUNT",
    summary: "Returns a count of commands.",
    since: "2.8.13",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(count);
fn count(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.count(cx.server.commands.iter().len())
}

const DOCS: Command = Spec {
    name: "DOCS",
    usage: "[command-name...]",
    summary: "Returns documentary information about one, multiple or all commands.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of commands to look up",
    flags: flags!(LOADING | STALE),
    tips: &["nondeterministic_output_order"],
    ..BASE
}
.run(docs);
fn docs(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let commands = &cx.server.commands;
    let found: Vec<&Entry> = if args.len() == 2 {
        in_order(commands.iter()).collect()
    } else {
        args.from(2)
            .iter()
            .filter_map(|name| named(commands, name))
            .collect()
    };
    let out = cx.reply.map(found.len());
    found.into_iter().for_each(|entry| docs::write(out, entry));
    Ok(Outcome::Done)
}

const GETKEYS: Command = Spec {
    name: "GETKEYS",
    usage: "command [arg...]",
    summary: "Extracts the key names from an arbitrary command.",
    since: "2.8.13",
    complexity: "O(N) where N is the number of arguments to the command",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(getkeys);
fn getkeys(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let request = args.from(2);
    let keys = keys_of(&cx.server.commands, request)?;
    let out = cx.reply.array(keys.len());
    for key in keys {
        out.bulk(request.get(key.index).unwrap_or_default());
    }
    Ok(Outcome::Done)
}

const GETKEYSANDFLAGS: Command = Spec {
    name: "GETKEYSANDFLAGS",
    usage: "command [arg...]",
    summary: "Extracts the key names and access flags for an arbitrary command.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of arguments to the command",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(getkeysandflags);
fn getkeysandflags(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let request = args.from(2);
    let keys = keys_of(&cx.server.commands, request)?;
    let out = cx.reply.array(keys.len());
    for key in keys {
        out.array(2);
        out.bulk(request.get(key.index).unwrap_or_default());
        info::set_of_words(out, key.flags.names());
    }
    Ok(Outcome::Done)
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "5.0.0",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);
fn help(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    // The name as the client wrote it, which `rename-command` may have changed.
    let name = String::from_utf8_lossy(args.word(0)?).to_ascii_uppercase();
    cx.reply.help(
        &name,
        &[
            "(no subcommand)",
            "    Return details about all Redis commands.",
            "COUNT",
            "    Return the total number of commands in this Redis server.",
            "LIST",
            "    Return a list of all commands in this Redis server.",
            "INFO [<command-name> ...]",
            "    Return details about multiple Redis commands.",
            "    If no command names are given, documentation details for all",
            "    commands are returned.",
            "DOCS [<command-name> ...]",
            "    Return documentation details about multiple Redis commands.",
            "    If no command names are given, documentation details for all",
            "    commands are returned.",
            "GETKEYS <full-command>",
            "    Return the keys from a full Redis command.",
            "GETKEYSANDFLAGS <full-command>",
            "    Return the keys and the access flags from a full Redis command.",
        ],
    )
}

const INFO: Command = Spec {
    name: "INFO",
    usage: "[command-name...]",
    summary: "Returns information about one, multiple or all commands.",
    since: "2.8.13",
    complexity: "O(N) where N is the number of commands to look up",
    flags: flags!(LOADING | STALE),
    tips: &["nondeterministic_output_order"],
    history: &[(
        "7.0.0",
        "Allowed to be called with no argument to get info on all commands.",
    )],
    ..BASE
}
.run(info);
fn info(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if args.len() == 2 {
        return command(cx, args);
    }
    let commands = &cx.server.commands;
    let names = args.from(2);
    let out = cx.reply.array(names.len());
    for name in names {
        match named(commands, name) {
            Some(entry) => info::write(out, entry),
            None => out.nil(),
        }
    }
    Ok(Outcome::Done)
}

const LIST: Command = Spec {
    name: "LIST",
    usage: "[FILTERBY(MODULE module-name | ACLCAT category | PATTERN pattern:pattern)]",
    summary: "Returns a list of command names.",
    since: "7.0.0",
    complexity: "O(N) where N is the total number of Redis commands",
    flags: flags!(LOADING | STALE),
    tips: &["nondeterministic_output_order"],
    ..BASE
}
.run(list);
fn list(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let filter = Filter::parse(args)?;
    let mut names = Vec::new();
    for entry in in_order(cx.server.commands.iter()) {
        let subcommands = in_order(entry.subcommands.values());
        let family = std::iter::once(entry).chain(subcommands);
        names.extend(
            family
                .filter(|entry| filter.matches(entry))
                .map(|entry| &entry.full_name),
        );
    }
    let out = cx.reply.array(names.len());
    names.into_iter().for_each(|name| out.bulk(name.as_bytes()));
    Ok(Outcome::Done)
}

/// Which commands `COMMAND LIST` names.
enum Filter<'a> {
    All,
    /// Those of a module; there are none.
    Module,
    Category(Option<Acl>),
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(args: &Args<'a>) -> Result<Filter<'a>> {
        if args.len() == 2 {
            return Ok(Filter::All);
        }
        if args.len() != 5 || !args.is(2, "FILTERBY") {
            return Err(Error::Syntax);
        }
        let value = args.word(4)?;
        match args.word(3)? {
            kind if kind.eq_ignore_ascii_case(b"MODULE") => Ok(Filter::Module),
            kind if kind.eq_ignore_ascii_case(b"ACLCAT") => Ok(Filter::Category(Acl::named(value))),
            kind if kind.eq_ignore_ascii_case(b"PATTERN") => Ok(Filter::Pattern(value)),
            _ => Err(Error::Syntax),
        }
    }

    fn matches(&self, entry: &Entry) -> bool {
        match *self {
            Filter::All => true,
            Filter::Module => false,
            Filter::Category(category) => {
                category.is_some_and(|category| entry.command.spec.categories().contains(category))
            }
            Filter::Pattern(pattern) => {
                glob::matches(pattern, entry.full_name.as_bytes(), Case::Insensitive)
            }
        }
    }
}

/// Entries in the order of their declaration, which a hash table does not keep.
fn in_order<'t>(entries: impl Iterator<Item = &'t Entry>) -> impl Iterator<Item = &'t Entry> {
    let mut entries: Vec<&Entry> = entries.collect();
    entries.sort_unstable_by_key(|entry| entry.id);
    entries.into_iter()
}

/// The command or subcommand (`client|list`) of that name.
fn named<'t>(commands: &'t Table, name: &[u8]) -> Option<&'t Entry> {
    let mut words = name.split(|&byte| byte == b'|');
    let entry = commands.find(words.next()?)?;
    match (words.next(), words.next()) {
        (None, _) => Some(entry),
        (Some(sub), None) => subcommand(entry, sub),
        (Some(_), Some(_)) => None,
    }
}

fn subcommand<'t>(entry: &'t Entry, name: &[u8]) -> Option<&'t Entry> {
    entry
        .subcommands
        .values()
        .find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
}

/// The command that a request is for.
fn requested<'t>(commands: &'t Table, request: Args<'_>) -> Option<&'t Entry> {
    let entry = commands.find(request.get(0)?)?;
    match request.get(1) {
        Some(name) if !entry.subcommands.is_empty() => subcommand(entry, name),
        _ => Some(entry),
    }
}

/// The keys of a request, by the key specs of its command.
fn keys_of(commands: &Table, request: Args<'_>) -> Result<KeyPositions> {
    let entry = requested(commands, request).ok_or(Error::InvalidCommand)?;
    let spec = &entry.command.spec;
    if spec.has_keys() && !entry.accepts(request.len()) {
        return Err(Error::InvalidArity);
    }
    spec.keys_of(request).map_err(|error| match error {
        KeyError::NoKeys => Error::NoKeyArguments,
        KeyError::Arguments => Error::InvalidArguments,
    })
}

#[cfg(test)]
mod tests {
    use protocol::{Encoder, Output, Version, split_line};

    use super::*;
    use crate::spec::{Keys, key_flags};

    const GET: Command = Spec {
        name: "GET",
        usage: "key",
        flags: flags!(READONLY | FAST),
        acl: acl!(STRING),
        keys: &[Keys::at(1, key_flags!(RO | ACCESS))],
        ..Spec::EMPTY
    }
    .run(command);
    const PING: Command = Spec {
        name: "PING",
        usage: "[message]",
        ..Spec::EMPTY
    }
    .run(command);

    fn table() -> Table {
        Table::new(&[COMMANDS, &[GET, PING]])
    }

    fn written(version: Version, write: impl FnOnce(&mut Encoder<'_>)) -> String {
        let mut output = Output::new();
        write(&mut Encoder::new(&mut output, version));
        let bytes: Vec<u8> = output
            .chunks()
            .flat_map(|chunk| chunk.as_slice().to_vec())
            .collect();
        String::from_utf8(bytes)
            .expect("ASCII")
            .replace("\r\n", " ")
    }

    #[test]
    fn info_has_ten_elements_whose_lists_are_sets_in_resp3() {
        let table = table();
        let entry = named(&table, b"Command|GetKeys").expect("it exists");
        assert_eq!(
            written(Version::Resp2, |out| info::write(out, entry)),
            "*10 $15 command|getkeys :-3 *2 +loading +stale :0 :0 :0 *2 +@slow +@connection *0 *0 *0 "
        );
        assert_eq!(
            written(Version::Resp3, |out| info::write(out, entry)),
            "*10 $15 command|getkeys :-3 ~2 +loading +stale :0 :0 :0 ~2 +@slow +@connection ~0 ~0 ~0 "
        );
    }

    #[test]
    fn info_describes_the_search_for_keys() {
        let table = table();
        let entry = named(&table, b"get").expect("it exists");
        assert_eq!(
            written(Version::Resp3, |out| info::write(out, entry)),
            "*10 $3 get :2 ~2 +readonly +fast :1 :1 :1 ~3 +@read +@string +@fast ~0 \
             ~1 %3 $5 flags ~2 +RO +access $12 begin_search %2 $4 type $5 index $4 spec %1 $5 index \
             :1 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 $7 keystep :1 $5 limit :0 \
             ~0 "
        );
    }

    #[test]
    fn docs_leave_out_what_a_command_does_not_have() {
        let table = table();
        let docs = |name: &[u8], version| {
            let entry = named(&table, name).expect("it exists");
            written(version, |out| docs::write(out, entry))
        };
        assert_eq!(
            docs(b"command|count", Version::Resp2),
            "$13 command|count *8 $7 summary $28 Returns a count of commands. $5 since $6 2.8.13 \
             $5 group $6 server $10 complexity $4 O(1) "
        );
        assert_eq!(
            docs(b"ping", Version::Resp3),
            "$4 ping %5 $7 summary $0  $5 since $5 1.0.0 $5 group $7 generic $10 complexity \
             $4 O(1) $9 arguments *1 %4 $4 name $7 message $4 type $6 string $12 display_text \
             $7 message $5 flags ~1 +optional "
        );
    }

    #[test]
    fn names_of_subcommands_have_one_bar() {
        let table = table();
        assert!(named(&table, b"COMMAND|docs").is_some());
        for name in [
            "",
            "|",
            "get|",
            "get|x",
            "|get",
            "command|",
            "command|docs|",
            "nosuch",
        ] {
            assert!(named(&table, name.as_bytes()).is_none(), "{name:?}");
        }
    }

    #[test]
    fn getkeys_refuses_in_the_order_of_redis() {
        let table = table();
        let answer = |line: &str| {
            let request = split_line(line.as_bytes()).expect("balanced quotes");
            keys_of(&table, request.args()).map_err(|error| error.to_string())
        };
        assert_eq!(answer("get k").map(|keys| keys[0].index), Ok(1));
        let refusals = [
            ("nosuch k", "ERR Invalid command specified"),
            ("command nosuch", "ERR Invalid command specified"),
            ("command|docs", "ERR Invalid command specified"),
            ("", "ERR Invalid command specified"),
            ("command", "ERR The command has no key arguments"),
            ("ping a b", "ERR The command has no key arguments"),
            (
                "get",
                "ERR Invalid number of arguments specified for command",
            ),
            (
                "get k k",
                "ERR Invalid number of arguments specified for command",
            ),
        ];
        for (line, text) in refusals {
            assert_eq!(answer(line).unwrap_err(), text, "{line:?}");
        }
    }

    #[test]
    fn list_takes_one_filter() {
        let matching = |line: &str| {
            let request = split_line(line.as_bytes()).expect("balanced quotes");
            let filter = Filter::parse(&request.args()).ok()?;
            let table = table();
            let names = in_order(table.iter()).filter(|entry| filter.matches(entry));
            Some(
                names
                    .map(|entry| entry.full_name.clone())
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        };
        assert_eq!(
            matching("command list").as_deref(),
            Some("command get ping")
        );
        assert_eq!(
            matching("command list FilterBy pattern G*").as_deref(),
            Some("get")
        );
        assert_eq!(
            matching("command list filterby aclcat FAST").as_deref(),
            Some("get")
        );
        assert_eq!(
            matching("command list filterby aclcat @fast").as_deref(),
            Some("")
        );
        assert_eq!(
            matching("command list filterby module m").as_deref(),
            Some("")
        );
        for refused in [
            "filterby",
            "x",
            "filterby x y",
            "filterby module",
            "x module m",
        ] {
            assert_eq!(
                matching(&format!("command list {refused}")),
                None,
                "{refused}"
            );
        }
    }
}
