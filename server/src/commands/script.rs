//! `EVAL` and its like, `SCRIPT`.

use std::sync::Arc;

use crate::command::{Args, Call, Command, Ctx, Error, Outcome, Result, ScriptJob, Words};
use crate::script::{Kind, Origin, Source, parse_hex};
use crate::spec::{Group, Keys, Locks, Spec, acl, flags, key_flags};

/// The family.
pub const COMMANDS: &[Command] = &[EVAL, EVAL_RO, EVALSHA, EVALSHA_RO, SCRIPT];

const BASE: Spec = Spec {
    group: Group::Scripting,
    acl: acl!(SCRIPTING),
    ..Spec::EMPTY
};

/// A script may touch keys that its request does not name.
const RUNS: Spec = Spec {
    complexity: "Depends on the script that is executed.",
    locks: Locks::Growing,
    ..BASE
};

const EVAL: Command = Spec {
    name: "EVAL",
    usage: "script numkeys:integer [key...] [arg...]",
    summary: "Executes a server-side Lua script.",
    since: "2.6.0",
    flags: flags!(NOSCRIPT | SKIP_MONITOR | MAY_REPLICATE | NO_MANDATORY_KEYS | STALE),
    keys: &[Keys::counted(2, key_flags!(RW | ACCESS | UPDATE))
        .noted("We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")],
    ..RUNS
}
.run(eval);

fn eval(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    evaluate(cx, args, false)
}

const EVAL_RO: Command = Spec {
    name: "EVAL_RO",
    usage: "script numkeys:integer [key...] [arg...]",
    summary: "Executes a read-only server-side Lua script.",
    since: "7.0.0",
    flags: flags!(NOSCRIPT | SKIP_MONITOR | NO_MANDATORY_KEYS | STALE | READONLY),
    keys: &[Keys::counted(2, key_flags!(RO | ACCESS))
        .noted("We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")],
    ..RUNS
}
.run(eval_ro);

fn eval_ro(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    evaluate(cx, args, true)
}

fn evaluate(cx: &mut Ctx<'_>, args: &Args<'_>, is_read_only: bool) -> Result {
    let text = args.word(1)?;
    let (source, origin) = match cx.server.scripts.find(text) {
        Some(source) => (Ok(source), None),
        None => (parse(text), Some(Origin::Evaluated)),
    };
    if let Ok(source) = &source {
        cx.check_script_memory(source.flags)?;
    }
    let key_count = key_count(args)?;
    job(cx, source?, key_count, is_read_only, origin)
}

const EVALSHA: Command = Spec {
    name: "EVALSHA",
    usage: "sha1 numkeys:integer [key...] [arg...]",
    summary: "Executes a server-side Lua script by SHA1 digest.",
    since: "2.6.0",
    flags: flags!(NOSCRIPT | SKIP_MONITOR | MAY_REPLICATE | NO_MANDATORY_KEYS | STALE),
    keys: &[Keys::counted(2, key_flags!(RW | ACCESS | UPDATE))],
    ..RUNS
}
.run(evalsha);

fn evalsha(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    evaluate_known(cx, args, false)
}

const EVALSHA_RO: Command = Spec {
    name: "EVALSHA_RO",
    usage: "sha1 numkeys:integer [key...] [arg...]",
    summary: "Executes a read-only server-side Lua script by SHA1 digest.",
    since: "7.0.0",
    flags: flags!(NOSCRIPT | SKIP_MONITOR | NO_MANDATORY_KEYS | STALE | READONLY),
    keys: &[Keys::counted(2, key_flags!(RO | ACCESS))],
    ..RUNS
}
.run(evalsha_ro);

fn evalsha_ro(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    evaluate_known(cx, args, true)
}

fn evaluate_known(cx: &mut Ctx<'_>, args: &Args<'_>, is_read_only: bool) -> Result {
    // As in Redis (`evalShaCommand`, eval.c): what cannot be a hash is unknown, whatever else is wrong.
    let sha = parse_hex(args.word(1)?).ok_or(Error::NoScript)?;
    let source = cx.server.scripts.get(&sha);
    if let Some(source) = &source {
        cx.check_script_memory(source.flags)?;
    }
    let key_count = key_count(args)?;
    job(
        cx,
        source.ok_or(Error::NoScript)?,
        key_count,
        is_read_only,
        None,
    )
}

fn parse(text: &[u8]) -> Result<Arc<Source>> {
    let source = Source::parse(text).map_err(|text| Error::Text(format!("ERR {text}")))?;
    Ok(Arc::new(source))
}

fn key_count(args: &Args<'_>) -> Result<usize> {
    let count = args.integer(2)?;
    if count > args.len() as i64 - 3 {
        return Err(Error::MoreKeysThanArguments);
    }
    usize::try_from(count).map_err(|_| Error::NegativeKeyCount)
}

fn job(
    cx: &Ctx<'_>,
    source: Arc<Source>,
    key_count: usize,
    is_read_only: bool,
    origin: Option<Origin>,
) -> Result {
    let call = Call {
        keys_at: 3,
        key_count,
        is_read_only,
    };
    cx.check_script(source.flags, call)?;
    Ok(Outcome::Script(ScriptJob::Evaluate {
        source,
        call,
        origin,
    }))
}

const SCRIPT: Command = Spec {
    name: "SCRIPT",
    summary: "A container for Lua scripts management commands.",
    since: "2.6.0",
    complexity: "Depends on subcommand.",
    acl: crate::spec::Acl::empty(),
    ..BASE
}
.container(&[DEBUG, EXISTS, FLUSH, HELP, KILL, LOAD]);

const DEBUG: Command = Spec {
    name: "DEBUG",
    usage: "mode(YES | SYNC | NO)",
    summary: "Sets the debug mode of server-side Lua scripts.",
    since: "3.2.0",
    flags: flags!(NOSCRIPT),
    ..BASE
}
.run(debug);

/// There is no debugger; switching it off is all that may be asked for.
fn debug(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    if args.is(2, "no") {
        return cx.reply.ok();
    }
    if args.is(2, "yes") || args.is(2, "sync") {
        return Err(Error::Text(
            "ERR The debugger of Lua scripts is not supported".to_owned(),
        ));
    }
    Err(Error::Text("ERR Use SCRIPT DEBUG YES/SYNC/NO".to_owned()))
}

const EXISTS: Command = Spec {
    name: "EXISTS",
    usage: "sha1...",
    summary: "Determines whether server-side Lua scripts exist in the script cache.",
    since: "2.6.0",
    complexity: "O(N) with N being the number of scripts to check (so checking a single script \
        is an O(1) operation).",
    flags: flags!(NOSCRIPT),
    tips: &[
        "request_policy:all_shards",
        "response_policy:agg_logical_and",
    ],
    ..BASE
}
.run(exists);

fn exists(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let scripts = &cx.server.scripts;
    let out = cx.reply.array(args.len() - 2);
    for digits in args.from(2).iter() {
        let is_known = parse_hex(digits).is_some_and(|sha| scripts.get(&sha).is_some());
        out.integer(i64::from(is_known));
    }
    Ok(Outcome::Done)
}

const FLUSH: Command = Spec {
    name: "FLUSH",
    usage: "[flush-type(ASYNC | SYNC)@6.2.0]",
    summary: "Removes all server-side Lua scripts from the script cache.",
    since: "2.6.0",
    complexity: "O(N) with N being the number of scripts in cache",
    flags: flags!(NOSCRIPT),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    history: &[(
        "6.2.0",
        "Added the `ASYNC` and `SYNC` flushing mode modifiers.",
    )],
    ..BASE
}
.run(flush);

fn flush(cx: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let is_known = match args.len() {
        2 => true,
        3 => args.is(2, "sync") || args.is(2, "async"),
        _ => false,
    };
    if !is_known {
        return Err(Error::Text(
            "ERR SCRIPT FLUSH only support SYNC|ASYNC option".to_owned(),
        ));
    }
    cx.server.scripts.flush();
    cx.reply.ok()
}

const HELP: Command = Spec {
    name: "HELP",
    summary: "Returns helpful text about the different subcommands.",
    since: "5.0.0",
    flags: flags!(LOADING | STALE),
    ..BASE
}
.run(help);

fn help(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.reply.help(
        "SCRIPT",
        &[
            "DEBUG (YES|SYNC|NO)",
            "    Set the debug mode for subsequent scripts executed.",
            "EXISTS <sha1> [<sha1> ...]",
            "    Return information about the existence of the scripts in the script cache.",
            "FLUSH [ASYNC|SYNC]",
            "    Flush the Lua scripts cache. Very dangerous on replicas.",
            "    When called without the optional mode argument, the behavior is determined by the",
            "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
            "    * ASYNC: Asynchronously flush the scripts cache.",
            "    * SYNC: Synchronously flush the scripts cache.",
            "KILL",
            "    Kill the currently executing Lua script.",
            "LOAD <script>",
            "    Load a script into the scripts cache without executing it.",
        ],
    )
}

const KILL: Command = Spec {
    name: "KILL",
    summary: "Terminates a server-side Lua script during execution.",
    since: "2.6.0",
    flags: flags!(NOSCRIPT | ALLOW_BUSY),
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    ..BASE
}
.run(kill);

fn kill(cx: &mut Ctx<'_>, _: &Args<'_>) -> Result {
    cx.server.kill_script(Kind::Script)?;
    cx.reply.ok()
}

const LOAD: Command = Spec {
    name: "LOAD",
    usage: "script",
    summary: "Loads a server-side Lua script to the script cache.",
    since: "2.6.0",
    complexity: "O(N) with N being the length in bytes of the script body.",
    flags: flags!(NOSCRIPT | STALE),
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..BASE
}
.run(load);

fn load(_: &mut Ctx<'_>, args: &Args<'_>) -> Result {
    let source = parse(args.word(2)?)?;
    Ok(Outcome::Script(ScriptJob::Load { source }))
}
