//! The functions that reach from a script into the server: `redis` as scripts know it.

use std::cell::Cell;

use mlua::{Lua, MultiValue, Table, Value};
use protocol::{Request, RequestBuffer, Version};

use super::running::{KILLED, Look, RUNNING, Running, find_for_script};
use crate::command::Error;
use crate::exec::permission;
use crate::script::{Kind, convert, hex, raised, sha_of};
use crate::stack;

/// What only the scripts of `EVAL` know.
const OF_SCRIPTS: [&str; 3] = ["breakpoint", "debug", "replicate_commands"];

/// What a call is told that was given something else than words.
const NO_WORD: &str = "ERR Lua redis lib command arguments must be strings or integers";

/// What a call without words is told.
const NO_WORDS: &str = "ERR Please specify at least one argument for this redis lib call";

/// The table `redis`; the functions that the prelude needs are put into its own.
pub(super) fn bind(kind: Kind, lua: &Lua, prelude: &Table) -> mlua::Result<Table> {
    let is_killed = lua.create_function(|_, ()| {
        Ok(RUNNING.with_borrow(|slot| slot.as_ref().is_some_and(|it| it.is_killed())))
    })?;
    prelude.raw_set("is_killed", is_killed)?;
    let killed = lua.create_function(|lua, ()| lua.create_string(KILLED))?;
    prelude.raw_set("killed", killed)?;
    let redis = lua.create_table()?;
    let (raise, describe) = (lua.create_function(raise)?, lua.create_function(describe)?);
    redis.raw_set("call", lua::caller::<Calls>(lua, &raise)?)?;
    redis.raw_set("pcall", lua::caller::<Calls>(lua, &describe)?)?;
    for (name, number) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
        ("REDIS_VERSION_NUM", 0x0007_0401),
    ] {
        redis.raw_set(name, number)?;
    }
    redis.raw_set("REDIS_VERSION", crate::config::REDIS_VERSION)?;
    redis.raw_set("breakpoint", lua.create_function(|_, ()| Ok(false))?)?;
    redis.raw_set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    redis.raw_set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
    for (name, function) in CHECKED {
        let checked = lua.create_function(move |lua, values: MultiValue| {
            function(lua, &values).map_err(|fault| match fault {
                Fault::Text(text) => raised::table(lua, text.as_bytes().to_vec()),
                Fault::Lua(error) => error,
            })
        })?;
        redis.raw_set(name, checked)?;
    }
    if kind == Kind::Function {
        for name in OF_SCRIPTS {
            redis.raw_remove(name)?;
        }
    }
    Ok(redis)
}

/// `redis.call` and `redis.pcall` up to the reply.
struct Calls;

impl lua::Host for Calls {
    fn call(words: &[lua::Word<'_>], reply: &mut Vec<u8>) -> lua::Outcome {
        let (look, outcome) = RUNNING.with_borrow_mut(|slot| match slot {
            Some(running) => carry_out(running, words, reply),
            None => {
                let text = "ERR redis.call/pcall can only be called inside a script invocation";
                FAILURE.set(Some(Failure::refused(text)));
                (Look::GoesOn, lua::Outcome::Failed)
            }
        });
        match look {
            Look::GoesOn => outcome,
            Look::Rests => {
                stack::pause();
                outcome
            }
            Look::Ends => {
                FAILURE.set(Some(Failure::refused(KILLED)));
                lua::Outcome::Failed
            }
        }
    }

    fn nested() {
        FAILURE.set(Some(Failure::refused(
            "ERR luaRedisGenericCommand() recursive call detected. Are you doing funny stuff with Lua debug hooks?",
        )));
    }
}

/// Why a call has failed.
struct Failure {
    text: Vec<u8>,
    /// It is the error of a command, which stands in the statistics already.
    is_counted: bool,
}

impl Failure {
    /// There was no command to be called.
    fn refused(text: impl Into<Vec<u8>>) -> Failure {
        Failure {
            text: text.into(),
            is_counted: false,
        }
    }
}

thread_local! {
    /// What the call that has just failed failed for.
    static FAILURE: Cell<Option<Failure>> = const { Cell::new(None) };
}

fn failure() -> Failure {
    FAILURE
        .take()
        .unwrap_or_else(|| Failure::refused("ERR unknown error"))
}

/// What `redis.call` does where a call has failed: it raises the error.
fn raise(lua: &Lua, (): ()) -> mlua::Result<Value> {
    let Failure { text, is_counted } = failure();
    Err(match is_counted {
        true => raised::counted(lua, text),
        false => raised::table(lua, text),
    })
}

/// What `redis.pcall` does: it gives the error as a table.
fn describe(lua: &Lua, (): ()) -> mlua::Result<Table> {
    let Failure { text, is_counted } = failure();
    let table = lua.create_table()?;
    table.raw_set("err", lua.create_string(text)?)?;
    if is_counted {
        table.raw_set(convert::IS_COUNTED, true)?;
    }
    Ok(table)
}

/// Carries out one call of a script; a failure is noted.
fn carry_out(
    running: &mut Running,
    words: &[lua::Word<'_>],
    reply: &mut Vec<u8>,
) -> (Look, lua::Outcome) {
    let mut request = std::mem::take(&mut running.tools.request);
    let called = match gather(words, &mut request) {
        Ok(()) => running.call(&request.args()),
        Err(text) => {
            FAILURE.set(Some(Failure::refused(text)));
            return (Look::GoesOn, lua::Outcome::Failed);
        }
    };
    running.tools.request = request;
    let fails = |text: Vec<u8>| {
        FAILURE.set(Some(Failure {
            text,
            is_counted: true,
        }));
        lua::Outcome::Failed
    };
    let look = match called {
        Ok(look) => look,
        Err(error) => {
            let stats = &running.server.stats;
            stats.error(Error::prefix(&error.to_string()));
            return (Look::GoesOn, fails(error.reply_text()));
        }
    };
    for chunk in running.tools.reply.chunks() {
        reply.extend_from_slice(chunk.as_slice());
    }
    running.tools.reply.clear();
    let outcome = match reply.strip_prefix(b"-") {
        Some(text) => fails(text.trim_ascii_end().to_vec()),
        None => lua::Outcome::Replied,
    };
    (look, outcome)
}

/// Puts the words that a script has given together: strings, and numbers as Redis prints them.
fn gather(words: &[lua::Word<'_>], request: &mut RequestBuffer) -> Result<(), &'static str> {
    request.clear();
    if words.is_empty() {
        return Err(NO_WORDS);
    }
    for word in words {
        match *word {
            lua::Word::Text(text) => request.push(text),
            lua::Word::Number(number) => request.push(&number_text(number)),
            lua::Word::Other => {
                return Err(NO_WORD);
            }
        }
    }
    Ok(())
}

fn word_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(number) => Some(number.to_string().into_bytes()),
        Value::Number(number) => Some(number_text(*number)),
        _ => None,
    }
}

/// A number as Redis passes it on: without a point if it is whole (`double2ll`, util.c).
fn number_text(number: f64) -> Vec<u8> {
    const MOST_WHOLE: f64 = 4_611_686_018_427_387_904.0;
    if number.is_nan() && number.is_sign_negative() {
        return b"-nan".to_vec();
    }
    if number.fract() == 0.0 && number.abs() <= MOST_WHOLE {
        (number as i64).to_string().into_bytes()
    } else {
        protocol::number::format_f64(number).as_bytes().to_vec()
    }
}

/// Why a function has failed.
enum Fault {
    Text(&'static str),
    Lua(mlua::Error),
}

impl From<mlua::Error> for Fault {
    fn from(error: mlua::Error) -> Fault {
        Fault::Lua(error)
    }
}

type Checked = std::result::Result<Value, Fault>;
type Function = fn(&Lua, &MultiValue) -> Checked;

/// The functions of `redis` that may be called wrongly.
const CHECKED: [(&str, Function); 7] = [
    ("acl_check_cmd", acl_check_cmd),
    ("error_reply", error_reply),
    ("log", log),
    ("set_repl", set_repl),
    ("setresp", setresp),
    ("sha1hex", sha1hex),
    ("status_reply", status_reply),
];

/// The number that a value is, or that its text stands for, without what is behind the point.
fn whole(lua: &Lua, value: Option<&Value>) -> mlua::Result<Option<i64>> {
    let number = match value {
        Some(value @ (Value::Number(_) | Value::Integer(_) | Value::String(_))) => {
            lua.coerce_number(value.clone())?
        }
        _ => None,
    };
    Ok(number.map(convert::integer))
}

fn sha1hex(lua: &Lua, values: &MultiValue) -> Checked {
    if values.len() != 1 {
        return Err(Fault::Text("ERR wrong number of arguments"));
    }
    let word = values.front().and_then(word_of).unwrap_or_default();
    Ok(Value::String(lua.create_string(hex(&sha_of(&word)))?))
}

fn log(lua: &Lua, values: &MultiValue) -> Checked {
    if values.len() < 2 {
        return Err(Fault::Text(
            "ERR redis.log() requires two arguments or more.",
        ));
    }
    let Some(level) = whole(lua, values.front())? else {
        return Err(Fault::Text(
            "ERR First argument must be a number (log level).",
        ));
    };
    let words: Vec<Vec<u8>> = values.iter().skip(1).filter_map(word_of).collect();
    let text = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
    match level {
        0 => tracing::trace!("{text}"),
        1 => tracing::debug!("{text}"),
        2 => tracing::info!("{text}"),
        3 => tracing::warn!("{text}"),
        _ => return Err(Fault::Text("ERR Invalid log level.")),
    }
    Ok(Value::Nil)
}

fn setresp(lua: &Lua, values: &MultiValue) -> Checked {
    if values.len() != 1 {
        return Err(Fault::Text("ERR redis.setresp() requires one argument."));
    }
    let version = match whole(lua, values.front())? {
        Some(2) => Version::Resp2,
        Some(3) => Version::Resp3,
        _ => return Err(Fault::Text("ERR RESP version must be 2 or 3.")),
    };
    RUNNING.with_borrow_mut(|slot| {
        if let Some(running) = slot {
            running.version = version;
        }
    });
    Ok(Value::Nil)
}

/// Effects always go to the log: what a script asks for here is only checked.
fn set_repl(lua: &Lua, values: &MultiValue) -> Checked {
    if values.len() != 1 {
        return Err(Fault::Text("ERR redis.set_repl() requires one argument."));
    }
    // What is no number means none.
    match whole(lua, values.front())?.unwrap_or(0) {
        0..4 => Ok(Value::Nil),
        _ => Err(Fault::Text(
            "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        )),
    }
}

/// A table with one text in it, or one that says what is wrong.
fn reply_of(
    lua: &Lua,
    label: &str,
    values: &MultiValue,
    prepare: impl Fn(Vec<u8>) -> Vec<u8>,
) -> Checked {
    let table = lua.create_table()?;
    match (values.len(), values.front()) {
        (1, Some(Value::String(text))) => {
            let text = prepare(text.as_bytes().to_vec());
            table.raw_set(label, lua.create_string(text)?)?;
        }
        _ => table.raw_set("err", "ERR wrong number or type of arguments")?,
    }
    Ok(Value::Table(table))
}

fn status_reply(lua: &Lua, values: &MultiValue) -> Checked {
    reply_of(lua, "ok", values, |text| text)
}

fn error_reply(lua: &Lua, values: &MultiValue) -> Checked {
    reply_of(lua, "err", values, |text| {
        let text = convert::error_text(&text);
        // Its first word is the code, if it has several.
        if text.contains(&b' ') {
            text
        } else {
            [b"ERR ", &text[..]].concat()
        }
    })
}

fn acl_check_cmd(_: &Lua, values: &MultiValue) -> Checked {
    if values.is_empty() {
        return Err(Fault::Text(NO_WORDS));
    }
    let words: Option<Vec<Vec<u8>>> = values.iter().map(word_of).collect();
    let request = Request::of_words(&words.ok_or(Fault::Text(NO_WORD))?);
    RUNNING.with_borrow_mut(|slot| {
        let args = request.args();
        let asked = slot
            .as_mut()
            .and_then(|it| find_for_script(it.server, &args).map(|entry| (it, entry)));
        match asked {
            Some((running, entry)) => {
                let may = permission::denied(&mut running.tools.local, entry, &args).is_none();
                Ok(Value::Boolean(may))
            }
            None => Err(Fault::Text(
                "ERR Invalid command passed to redis.acl_check_cmd()",
            )),
        }
    })
}
