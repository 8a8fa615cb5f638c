//! `FUNCTION`, and `FCALL` and its like.

use storage::glob;
use storage::rdb::{Unreadable, dump_libraries, restore_libraries};

use crate::command::error::shown;
use crate::command::{Args, Call, Command, Ctx, Error, Outcome, Result, ScriptJob, Words};

use crate::script::functions::Policy;
use crate::script::library::{Draft, Library};
use crate::script::{Kind, Stuck};
use crate::spec::{Group, Keys, Locks, Spec, acl, flags, key_flags};

/// The family.
pub const COMMANDS: &[Command] = &[FCALL, FCALL_RO, FUNCTION];

const BASE: Spec = Spec {
    group: Group::Scripting,
    acl: acl!(SCRIPTING),
    since: "7.0.0",
    ..Spec::EMPTY
};

/// A function may touch keys that its request does not name.
const RUNS: Spec = Spec {
    complexity: "Depends on the function that is executed.",
    locks: Locks::Growing,
    ..BASE
};

/// What changes libraries is ordered with what calls them, here and in the log.
const CHANGES: Spec = Spec {
    locks: Locks::All,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..BASE
};

const FCALL: Command = Spec {
    name: "FCALL",
    usage: "function numkeys:integer [key...] [arg...]",
    summary: "Invokes a function.",
    flags: flags!(NOSCRIPT | SKIP_MONITOR | MAY_REPLICATE | NO_MANDATORY_KEYS | STALE),
    keys: &[Keys::counted(2, key_flags!(RW | ACCESS | UPDATE))
        .noted("We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")],
    ..RUNS
}
.run(fcall);

fn fcall(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    invoke(cx, args, false)
}

const FCALL_RO: Command = Spec {
    name: "FCALL_RO",
    usage: "function numkeys:integer [key...] [arg...]",
    summary: "Invokes a read-only function.",
    flags: flags!(NOSCRIPT | SKIP_MONITOR | NO_MANDATORY_KEYS | STALE | READONLY),
    keys: &[Keys::counted(2, key_flags!(RO | ACCESS))
        .noted("We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")],
    ..RUNS
}
.run(fcall_ro);

fn fcall_ro(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    invoke(cx, args, true)
}

fn invoke(cx: &mut Ctx<'_>, args: &Args<'_>, is_read_only: bool) -> Result {
    let found = cx.server.functions.find(args.word(1)?);
    let (library, index) = found.ok_or(Error::NoFunction)?;
    let flags = Some(library.functions[index].flags);
    cx.check_script_memory(flags)?;
    let count = args.integer(2).map_err(|_| Error::BadKeyCount)?;
    if count > args.len() as i64 - 3 {
        return Err(Error::MoreKeysThanArguments);
    }
    let call = Call {
        keys_at: 3,
        key_count: usize::try_from(count).map_err(|_| Error::NegativeKeyCount)?,
        is_read_only,
    };
    cx.check_script(flags, call)?;
    Ok(Outcome::Script(ScriptJob::Call {
        library,
        index,
        call,
    }))
}

const FUNCTION: Command = Spec {
    name: "FUNCTION",
    summary: "A container for function commands.",
    complexity: "Depends on subcommand.",
    acl: crate::spec::Acl::empty(),
    ..BASE
}
.container(&[DELETE, DUMP, FLUSH, HELP, KILL, LIST, LOAD, RESTORE, STATS]);

const DELETE: Command = Spec {
    name: "DELETE",
    usage: "library-name",
    summary: "Deletes a library and its functions.",
    complexity: "O(1)",
    flags: flags!(NOSCRIPT | WRITE),
    ..CHANGES
}
.run(delete);

fn delete(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if !cx.server.functions.delete(args.word(2)?) {
        return Err(Error::NoLibrary);
    }
    cx.db.changes.dirty += 1;
    cx.reply.ok()
}

const DUMP: Command = Spec {
    name: "DUMP",
    summary: "Dumps all libraries into a serialized binary payload.",
    complexity: "O(N) where N is the number of functions",
    flags: flags!(NOSCRIPT),
    ..BASE
}
.run(dump);

fn dump(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let compression = cx.server.settings.compression();
    cx.reply
        .bulk(&dump_libraries(&cx.server.functions.texts(), compression))
}

const FLUSH: Command = Spec {
    name: "FLUSH",
    usage: "[flush-type(ASYNC | SYNC)]",
    summary: "Deletes all libraries and functions.",
    complexity: "O(N) where N is the number of functions deleted",
    flags: flags!(NOSCRIPT | WRITE),
    ..CHANGES
}
.run(flush);

fn flush(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if args.len() > 3 {
        return Err(Error::subcommand_syntax(args, "FUNCTION"));
    }
    if args.len() == 3 && !args.is(2, "sync") && !args.is(2, "async") {
        return Err(Error::FunctionFlushOption);
    }
    cx.server.functions.flush();
    cx.db.changes.dirty += 1;
    cx.reply.ok()
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);

fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "FUNCTION",
        &[
            "LOAD [REPLACE] <FUNCTION CODE>",
            "    Create a new library with the given library name and code.",
            "DELETE <LIBRARY NAME>",
            "    Delete the given library.",
            "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
            "    Return general information on all the libraries:",
            "    * Library name",
            "    * The engine used to run the Library",
            "    * Functions list",
            "    * Library code (if WITHCODE is given)",
            "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
            "STATS",
            "    Return information about the current function running:",
            "    * Function name",
            "    * Command used to run the function",
            "    * Duration in MS that the function is running",
            "    If no function is running, return nil",
            "    In addition, returns a list of available engines.",
            "KILL",
            "    Kill the current running function.",
            "FLUSH [ASYNC|SYNC]",
            "    Delete all the libraries.",
            "    When called without the optional mode argument, the behavior is determined by the",
            "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
            "    * ASYNC: Asynchronously flush the libraries.",
            "    * SYNC: Synchronously flush the libraries.",
            "DUMP",
            "    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command",
            "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
            "    Restore the libraries represented by the given payload, it is possible to give a restore policy to",
            "    control how to handle existing libraries (default APPEND):",
            "    * FLUSH: delete all existing libraries.",
            "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
            "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old",
            "      libraries with the new libraries (notice that even on this option there is a chance of failure",
            "      in case of functions name collision with another library).",
        ],
    )
}

const KILL: Command = Spec {
    name: "KILL",
    summary: "Terminates a function during execution.",
    complexity: "O(1)",
    flags: flags!(NOSCRIPT | ALLOW_BUSY),
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    ..BASE
}
.run(kill);

fn kill(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.server.kill_script(Kind::Function)?;
    cx.reply.ok()
}

const LIST: Command = Spec {
    name: "LIST",
    usage: "[LIBRARYNAME library-name-pattern] [WITHCODE]",
    summary: "Returns information about all libraries.",
    complexity: "O(N) where N is the number of functions",
    flags: flags!(NOSCRIPT),
    tips: &["nondeterministic_output_order"],
    ..BASE
}
.run(list);

fn list(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let (mut pattern, mut is_with_code) = (None, false);
    let mut index = 2;
    while index < args.len() {
        if !is_with_code && args.is(index, "WITHCODE") {
            is_with_code = true;
        } else if pattern.is_none() && args.is(index, "LIBRARYNAME") {
            index += 1;
            pattern = Some(args.get(index).ok_or(Error::NoLibraryName)?);
        } else {
            return Err(Error::UnknownListArgument(shown(args.word(index)?)));
        }
        index += 1;
    }
    let mut libraries = cx.server.functions.libraries();
    if let Some(pattern) = pattern {
        let is_wanted =
            |name: &str| glob::matches(pattern, name.as_bytes(), glob::Case::Insensitive);
        libraries.retain(|library| is_wanted(&library.draft.name));
    }
    cx.reply.array(libraries.len());
    for library in &libraries {
        show(cx, library, is_with_code);
    }
    Ok(Outcome::Done)
}

fn show(cx: &mut Ctx<'_>, library: &Library, is_with_code: bool) {
    let out = cx.reply.map(if is_with_code { 4 } else { 3 });
    for (name, value) in [("library_name", &*library.draft.name), ("engine", "LUA")] {
        out.bulk(name.as_bytes());
        out.bulk(value.as_bytes());
    }
    out.bulk(b"functions");
    out.array(library.functions.len());
    for function in &library.functions {
        out.map(3);
        out.bulk(b"name");
        out.bulk(function.name.as_bytes());
        out.bulk(b"description");
        match &function.description {
            Some(description) => out.bulk(description),
            None => out.nil(),
        }
        out.bulk(b"flags");
        let names: Vec<&str> = function.flags.names().collect();
        out.set(names.len());
        names.iter().for_each(|name| out.simple(name));
    }
    if is_with_code {
        out.bulk(b"library_code");
        out.bulk(&library.draft.text);
    }
}

const LOAD: Command = Spec {
    name: "LOAD",
    usage: "[REPLACE] function-code",
    summary: "Creates a library.",
    complexity: "O(1) (considering compilation time is redundant)",
    flags: flags!(NOSCRIPT | WRITE | DENYOOM),
    ..CHANGES
}
.run(load);

fn load(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let mut policy = Policy::Append;
    let code_at = args.len() - 1;
    for index in 2..code_at {
        if !args.is(index, "REPLACE") {
            return Err(Error::UnknownLoadOption(shown(args.word(index)?)));
        }
        policy = Policy::Replace;
    }
    let draft = read(args.word(code_at)?)?;
    if policy == Policy::Append && cx.server.functions.has_library(&draft.name) {
        return Err(Error::LibraryExists(draft.name));
    }
    Ok(Outcome::Script(ScriptJob::LoadLibrary { draft, policy }))
}

fn read(text: &[u8]) -> Result<Draft> {
    Draft::parse(text).map_err(|text| Error::Text(shown(format!("ERR {text}").as_bytes())))
}

const RESTORE: Command = Spec {
    name: "RESTORE",
    usage: "serialized-value [policy(FLUSH|APPEND|REPLACE)]",
    summary: "Restores all libraries from a payload.",
    complexity: "O(N) where N is the number of functions on the payload",
    flags: flags!(NOSCRIPT | WRITE | DENYOOM),
    ..CHANGES
}
.run(restore);

fn restore(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if args.len() > 4 {
        return Err(Error::subcommand_syntax(args, "FUNCTION"));
    }
    let policy = match args.len() {
        3 => Policy::Append,
        _ if args.is(3, "APPEND") => Policy::Append,
        _ if args.is(3, "REPLACE") => Policy::Replace,
        _ if args.is(3, "FLUSH") => Policy::Flush,
        _ => return Err(Error::RestorePolicy),
    };
    let checksum = cx.server.settings.payload_checksum();
    let texts = restore_libraries(args.word(2)?, checksum).map_err(|why| match why {
        Unreadable::Footer => Error::PayloadFooter,
        Unreadable::NoFunction => Error::PayloadNoFunction,
        Unreadable::PreRelease => Error::PayloadPreRelease,
        Unreadable::Text => Error::PayloadText,
    })?;
    let drafts: Result<Vec<Draft>> = texts.iter().map(|text| read(text)).collect();
    Ok(Outcome::Script(ScriptJob::RestoreLibraries {
        drafts: drafts?,
        policy,
    }))
}

const STATS: Command = Spec {
    name: "STATS",
    summary: "Returns information about a function during execution.",
    complexity: "O(1)",
    flags: flags!(NOSCRIPT | ALLOW_BUSY),
    tips: &[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ],
    ..BASE
}
.run(stats);

fn stats(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    let stuck = cx.server.scripts.stuck();
    if stuck.as_ref().is_some_and(|it| it.kind == Kind::Script) {
        return Err(cx.server.busy());
    }
    let (libraries, functions) = cx.server.functions.counts();
    let out = cx.reply.map(2);
    out.bulk(b"running_script");
    match stuck {
        Some(stuck) => show_running(cx, &stuck),
        None => out.nil(),
    }
    let out = cx.reply.encoder();
    out.bulk(b"engines");
    out.map(1);
    out.bulk(b"LUA");
    out.map(2);
    for (name, count) in [
        ("libraries_count", libraries),
        ("functions_count", functions),
    ] {
        out.bulk(name.as_bytes());
        out.integer(count as i64);
    }
    Ok(Outcome::Done)
}

fn show_running(cx: &mut Ctx<'_>, stuck: &Stuck) {
    let out = cx.reply.map(3);
    out.bulk(b"name");
    out.bulk(stuck.name.as_bytes());
    out.bulk(b"command");
    let words: Vec<&[u8]> = stuck
        .request
        .as_ref()
        .map_or_else(Vec::new, |it| it.args().iter().collect());
    out.array(words.len());
    words.iter().for_each(|word| out.bulk(word));
    out.bulk(b"duration_ms");
    out.integer(stuck.ran_ms());
}
