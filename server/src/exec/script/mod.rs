//! Running scripts and functions: what they call is carried out here, under the locks that they hold.
//!
//! A script begins with the shards of the keys that its request names, takes others as its commands touch them, and
//! keeps them all to its end, so it happens at one moment. One script runs at a time. While it runs, what it needs of
//! the server lies in a slot of its thread, where the functions it calls find it.

mod api;
mod libraries;
mod running;

use std::sync::Arc;

use mlua::{Function, Table, Value};
use protocol::{Args, Version};

pub use libraries::load_libraries;
use running::{Allowance, Callee, Identity, KILLED, Look, RUNNING, Running};

use super::{Unit, gate};
use crate::command::error::shown;
use crate::command::{Call, Ctx, Error, Outcome, Result, ScriptJob};
use crate::script::interpreter::{End, Interpreter};
use crate::script::{Kind, Origin, Source, convert, hex, raised, register};
use crate::stack;

fn new_interpreter(kind: Kind) -> Result<Interpreter> {
    bound_interpreter(kind).map_err(of_lua)
}

fn bound_interpreter(kind: Kind) -> mlua::Result<Interpreter> {
    let interpreter = Interpreter::new(kind, |lua, prelude| api::bind(kind, lua, prelude))?;
    interpreter.watch(|lua| {
        match RUNNING.with_borrow_mut(|slot| slot.as_mut().map(|it| it.look())) {
            Some(Look::Ends) => return Err(raised::table(lua, KILLED.as_bytes().to_vec())),
            Some(Look::Rests) => stack::pause(),
            Some(Look::GoesOn) | None => {}
        }
        if register::is_overdue() {
            return Err(raised::table(lua, b"ERR FUNCTION LOAD timeout".to_vec()));
        }
        Ok(())
    })?;
    Ok(interpreter)
}

/// Does what a command has to do with scripts, and writes the reply.
pub fn execute(cx: &mut Ctx<'_>, job: ScriptJob, args: &Args<'_>, unit: &mut Unit) -> Result {
    match job {
        ScriptJob::Evaluate {
            source,
            call,
            origin,
        } => with_scripts(cx, |cx, interpreter| {
            compile(cx, interpreter, &source, origin)?;
            let function = interpreter.compiled(&source.sha).expect("compiled above");
            let identity = Identity {
                callee: Callee::Script(source.sha),
                request: None,
            };
            let allowance = Allowance {
                flags: source.flags,
                is_read_only: call.is_read_only,
            };
            run(
                (interpreter, function),
                cx,
                (call, args),
                allowance,
                identity,
                unit,
            )
        }),
        ScriptJob::Load { source } => with_scripts(cx, |cx, interpreter| {
            compile(cx, interpreter, &source, Some(Origin::Loaded))?;
            cx.reply.bulk(hex(&source.sha).as_bytes())
        }),
        ScriptJob::Call {
            library,
            index,
            call,
        } => libraries::call(cx, (library, index), (call, args), unit),
        ScriptJob::LoadLibrary { draft, policy } => libraries::load(cx, draft, policy),
        ScriptJob::RestoreLibraries { drafts, policy } => libraries::restore(cx, drafts, policy),
    }
}

/// Runs `work` with the interpreter of scripts.
fn with_scripts(
    cx: &mut Ctx<'_>,
    work: impl FnOnce(&mut Ctx<'_>, &mut Interpreter) -> Result,
) -> Result {
    let make = || new_interpreter(Kind::Script);
    let scripts = &cx.server.scripts;
    scripts.with_interpreter(make, |interpreter| work(cx, interpreter))
}

fn compile(
    cx: &Ctx<'_>,
    interpreter: &mut Interpreter,
    source: &Arc<Source>,
    origin: Option<Origin>,
) -> Result<()> {
    let compiled = interpreter.compile(&source.sha, source.body());
    compiled.map_err(|message| {
        Error::Text(format!(
            "ERR Error compiling script (new function): {message}"
        ))
    })?;
    if let Some(origin) = origin
        && let Some(evicted) = cx.server.scripts.add(Arc::clone(source), origin)
    {
        interpreter.forget(&evicted);
    }
    Ok(())
}

/// Runs a compiled script or function and writes what it returns.
fn run(
    (interpreter, function): (&Interpreter, &Function),
    cx: &mut Ctx<'_>,
    (call, args): (Call, &Args<'_>),
    allowance: Allowance,
    identity: Identity,
    unit: &mut Unit,
) -> Result {
    if allowance.announces_writes()
        && !cx.is_replay()
        && let Some(error) = gate::disk_error(cx.server)
    {
        return Err(error);
    }
    let keys = args.from(call.keys_at).first(call.key_count);
    let argv = args.from(call.keys_at + call.key_count);
    let callee = identity.callee.clone();
    let running = Running::new(cx, allowance, identity, unit);
    RUNNING.set(Some(running));
    let end = interpreter.run(function, (keys, argv), |text| cx.reply.encoder().bulk(text));
    let running = RUNNING.take();
    let version = running.map_or(Version::Resp2, |running| running.give_back(cx, unit));
    match end.map_err(of_lua)? {
        End::Taken => Ok(Outcome::Done),
        End::Returned(value) => {
            let failures = convert::write(&value, version, cx.reply.encoder());
            for text in &failures.uncounted {
                let text = String::from_utf8_lossy(text);
                cx.server.stats.error(Error::prefix(&text));
            }
            Ok(match failures.is_any {
                true => Outcome::Failed,
                false => Outcome::Done,
            })
        }
        End::Failed(table) if convert::is_counted(&table) => {
            cx.reply.error(&failure(&table, &callee.name()));
            Ok(Outcome::Failed)
        }
        End::Failed(table) => Err(failure(&table, &callee.name())),
    }
}

/// What is answered for an error, with the place it has come from.
fn failure(table: &Table, name: &str) -> Error {
    let field = |name: &str| table.raw_get::<Value>(name).unwrap_or(Value::Nil);
    let mut text = match field("err") {
        Value::String(text) => convert::one_line(&text.as_bytes()),
        _ => b"ERR unknown error".to_vec(),
    };
    let place = match (field("source"), table.raw_get::<i64>("line")) {
        (Value::String(source), Ok(line)) => {
            format!(" script: {name}, on {}:{line}.", source.to_string_lossy())
        }
        _ => format!(" script: {name}"),
    };
    text.extend_from_slice(place.as_bytes());
    Error::Text(shown(&text))
}

/// Lua itself could not go on: it has no memory.
fn of_lua(error: mlua::Error) -> Error {
    Error::Text(format!("ERR {error}"))
}
